"""The parts of the marking command that need no submission to run: what is found, asked, counted and written."""

import csv
import json
import math
from pathlib import Path

import pytest

from genlib.__main__ import main
from genlib.check import grade, marks, sitting
from genlib.check.grade import Rules, Submission
from genlib.check.marks import Mark, Question
from tools import make_exercises

NOTEBOOKS = grade.book_notebooks()


def made(path: Path, *sources: str, **metadata) -> Path:
    """A notebook with these code cells."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cells = [{"cell_type": "code", "source": source.splitlines(True)} for source in sources]
    path.write_text(json.dumps({"cells": cells, "metadata": metadata}), encoding="utf-8")
    return path


def names(found: list[Submission], root: Path) -> list[tuple[str, str]]:
    return [(one.student, one.path.relative_to(root).as_posix()) for one in found]


# --- found -------------------------------------------------------------------------------------------------------


def test_a_file_for_each_student(tmp_path):
    for name in ("ann", "ben", ".ipynb_checkpoints/ann-checkpoint"):
        made(tmp_path / f"{name}.ipynb")
    both = [("ann", "ann.ipynb"), ("ben", "ben.ipynb")]
    assert names(grade.find([tmp_path]), tmp_path) == both
    assert names(grade.find([tmp_path / "ben.ipynb", tmp_path / "ann.ipynb"]), tmp_path) == both
    assert not any(one.together for one in grade.find([tmp_path]))


def test_a_folder_for_each_student(tmp_path):
    for name in ("Ann Kim", "ben", "ben/.ipynb_checkpoints", "__MACOSX/ben"):
        made(tmp_path / name / "04a.ipynb")
    (tmp_path / "cem").mkdir()
    both = [("Ann Kim", "Ann Kim/04a.ipynb"), ("ben", "ben/04a.ipynb")]
    assert names(grade.find([tmp_path]), tmp_path) == [*both, ("cem", "cem")]
    shell = [tmp_path / name / "04a.ipynb" for name in ("Ann Kim", "ben")]
    assert names(grade.find(shell), tmp_path) == both
    assert names(grade.find([path.parent for path in shell]), tmp_path) == both
    assert all(one.together for one in grade.find([tmp_path]))


def test_what_is_not_there_is_said(tmp_path):
    with pytest.raises(ValueError, match="SUBMISSIONS: expected files or folders, got "):
        grade.find([tmp_path / "nobody"])
    with pytest.raises(ValueError, match="got folders without any"):
        grade.find([tmp_path])
    for text in (
        "",
        "[]",
        "{}",
        '{"cells": 3}',
        '{"cells": [{"cell_type": "code"}]}',
        "[" * 99_999,
    ):
        (tmp_path / "bad.ipynb").write_text(text, encoding="utf-8")
        with pytest.raises(ValueError, match="no notebook of format 4"):
            grade.read(tmp_path / "bad.ipynb")


def test_a_notebook_is_known_by_its_key_its_checkers_or_its_functions(tmp_path):
    def known(*sources, **metadata):
        return grade.which(*grade.read(made(tmp_path / "x.ipynb", *sources, **metadata)), NOTEBOOKS)

    assert known("from genlib.check import ex04a as check") == "04a"
    assert known("from genlib.check import ex04a as check", genlib={"notebook": "05b"}) == "05b"
    assert known("from genlib.check import ex99z", genlib={"notebook": "99z"}) == ""
    answers = [f"def {answer}(x): pass" for _, answer, _ in grade.exercises(NOTEBOOKS["04a"])]
    assert known(*answers[1:4]) == "04a" and known(*answers[:1]) == ""


def test_namesakes_are_told_apart_and_one_student_is_one(tmp_path):
    for place in ("a/anna", "b/anna", "a/ben"):
        made(tmp_path / f"{place}.ipynb")
    files = [tmp_path / f"{place}.ipynb" for place in ("a/anna", "a/ben", "b/anna")]
    found = grade.find([*files, made(tmp_path / "b" / "cem.ipynb")])
    assert names(found, tmp_path) == [
        ("anna 1", "a/anna.ipynb"),
        ("ben", "a/ben.ipynb"),
        ("anna 2", "b/anna.ipynb"),
        ("cem", "b/cem.ipynb"),
    ]
    assert [one.namesakes for one in found] == [2, 1, 2, 1]
    for name in ("one", "deep/two"):
        made(tmp_path / "c" / "dora" / f"{name}.ipynb")
    assert {one.student for one in grade.find([tmp_path / "c"])} == {"dora"}


def test_what_is_no_notebook_has_a_row_that_says_so(tmp_path):
    made(tmp_path / "ann.ipynb")
    (tmp_path / "cem").mkdir()
    for name in ("ben.zip", "marks.csv", ".DS_Store", "cem/04a.zip", "dora.ipynb.txt"):
        (tmp_path / name).write_text("PK", encoding="utf-8")
    found = grade.find([tmp_path])
    assert [one.student for one in found] == ["ann", "ben", "dora.ipynb", "cem"]
    rules = Rules(NOTEBOOKS, grade.points_table())
    made(tmp_path / "ben" / "04a.ipynb")  # unpacked
    assert [one.path.name for one in grade.find([tmp_path])].count("ben.zip") == 0
    zipped, other, folder = (grade.mark(one, rules).notes for one in found[1:])
    assert zipped == [
        "not marked: this is no notebook (.ipynb), but ben.zip: unpack it into a folder of that name"
    ]
    assert other == ["not marked: this is no notebook (.ipynb), but dora.ipynb.txt"]
    assert folder == ["not marked: there is no notebook (.ipynb) in this folder, but 04a.zip"]


def test_one_odd_file_is_a_note_and_no_end(tmp_path):
    path = made(tmp_path / "x.ipynb", "from genlib.check import ex04a as check")
    content = json.loads(path.read_text(encoding="utf-8"))
    content["cells"].insert(0, {"cell_type": "markdown", "source": None})
    path.write_text(json.dumps(content), encoding="utf-8")
    mark = grade.mark(Submission("x", path), Rules(NOTEBOOKS, grade.points_table()))
    assert mark.notes[0].startswith("not marked: ") and mark.grade == ""


def test_the_name_in_the_first_cell(tmp_path):
    def named(text: str) -> dict[str, str]:
        path = made(tmp_path / "x.ipynb", "1")
        content = json.loads(path.read_text(encoding="utf-8"))
        content["cells"].insert(0, {"cell_type": "markdown", "source": text.splitlines(True)})
        path.write_text(json.dumps(content), encoding="utf-8")
        return grade.about(path)

    cell = make_exercises.NAME.format(number="04a", colab="")
    nothing = {"name": "", "number": "", "language": ""}
    assert named(cell) == nothing
    filled = cell.replace("**Name:** …", "**Name:** Ann Kim …", 1)
    numbered = filled.replace("**Number:** …", "**Number:** 17")
    assert named(numbered) == nothing | {"name": "Ann Kim", "number": "17"}
    assert named("**Name**: Ben\n") == nothing | {"name": "Ben"}
    assert named("My name is a secret") == nothing
    r = made(tmp_path / "r.ipynb", "1", kernelspec={"name": "ir", "language": "R"})
    assert grade.about(r) == nothing | {"language": "R"}
    assert grade.about(made(tmp_path / "r.ipynb", "1", kernelspec=3)) == nothing


# --- asked -------------------------------------------------------------------------------------------------------


def test_every_exercise_has_points_and_every_point_an_exercise():
    table = grade.points_table()
    there = {name: [c for c, *_ in grade.exercises(path)] for name, path in NOTEBOOKS.items()}
    assert {name: list(rows) for name, rows in table.items()} == {
        name: there[name] for name in table
    }
    assert len(table) >= 20
    assert {points for rows in table.values() for points in rows.values()} == {1, 2, 3}


PRIVATE = """
from genlib.check.verdict import exercise, need, praise
def helper(answer): pass
@exercise
def value(answer): return praise("Yes.")
@exercise
def other(answer): return praise("Yes.")
"""


def test_private_checks_join_the_exercise_of_their_function():
    rules = Rules(
        NOTEBOOKS, {"04a": {"exercise_1": 1, "exercise_3": 2}, "private": {"other": 4}}, PRIVATE
    )
    found = {q.name: (q.answer, q.points, q.asked) for q in grade.questions("04a", rules)}
    assert found == {
        "exercise_1": ("best_eta", 1, (("ex04a", "exercise_1"),)),
        "exercise_3": ("value", 2, (("ex04a", "exercise_3"), ("private", "value"))),
        "other": ("other", 4, (("private", "other"),)),
    }
    assert [q.points for q in grade.questions("", rules)] == [1, 4]
    assert [q.points for q in grade.questions("04b", Rules(NOTEBOOKS, {}))] == [1, 1, 1]


@pytest.mark.parametrize("source", ["def broken(", "import nothing_of_that_name", "x = 1", "1 / 0"])
def test_private_checks_that_cannot_be_asked_are_refused_at_once(source):
    with pytest.raises(ValueError, match="--checks: expected "):
        grade.private_checks(source)


def test_what_is_asked_for_in_a_way_that_cannot_be_is_one_line(tmp_path, capsys):
    made(tmp_path / "ann.ipynb")
    (tmp_path / "points.toml").write_text("exercise_1 = 1", encoding="utf-8")
    for option, value in {
        "--points": tmp_path / "points.toml",
        "--book": tmp_path,
        "--limit": 0,
        "--jobs": 0,
    }.items():
        words = [tmp_path, "--csv", tmp_path / "m.csv", option, value]
        assert main(["check", "grade", *map(str, words)]) == 2
        assert capsys.readouterr().err.startswith(f"genlib: {option}: expected ")


def test_the_private_checks_of_the_page_do_what_it_says():
    page = (grade.ROOT / "book" / "teaching" / "marking.md").read_text(encoding="utf-8")
    source = page.split("```python\n")[1].split("```")[0]
    assert grade.private_checks(source) == ["best_logits", "share_of_real"]
    names: dict = {}
    exec(source, names)
    assert names["best_logits"](lambda p, q, k: p - q - math.log(k)).ok
    assert not names["best_logits"](lambda p, q, k: p - q).ok
    assert names["share_of_real"](lambda k: 1 / (1 + k)).ok
    assert not names["share_of_real"](lambda k: 1 / k).ok
    assert not names["share_of_real"](lambda k: ...).begun


# --- run ---------------------------------------------------------------------------------------------------------


def test_a_students_own_checks_are_left_out_and_nothing_else():
    for source in ("check.exercise_1(f)", "# mine\ncheck.exercise_1(f)\ncheck.exercise_2(g)\n", ""):
        assert grade.only_checks(source)
    for source in ("check.exercise_1(f); x = 1", "f = 1\ncheck.exercise_1(f)", "print(1)"):
        assert not grade.only_checks(source)


def test_who_touches_the_checkers_is_seen_and_nobody_else():
    for source in (
        "setattr(check, 'exercise_1', f)",
        "check.exercise_2 = f",
        "f.__wrapped__",
        "x = 1\ntorch.allclose = lambda *a, **k: True",
        "    torch.Tensor.mean = g",
        "setattr(torch, 'equal', g)",
    ):
        assert grade.TOUCHES.search(source)
    for source in ("torch.backends.cudnn.deterministic = True", "y = torch.zeros(3) == x"):
        assert not grade.TOUCHES.search(source)
    for path in NOTEBOOKS.values():
        assert not any(map(grade.TOUCHES.search, grade.read(path)[0])), path


def test_large_files_and_what_links_point_to_are_not_copied(tmp_path, monkeypatch):
    monkeypatch.setattr(grade, "LARGEST", 1000)
    made(tmp_path / "ann" / "04a.ipynb")
    (tmp_path / "ann" / "big.bin").write_bytes(b"x" * 2000)
    (tmp_path / "ann" / "out").symlink_to("/etc")
    (tmp_path / "home").mkdir()
    folder = grade._copy(Submission("ann", tmp_path / "ann" / "04a.ipynb", True), tmp_path / "home")
    assert sorted(path.name for path in folder.iterdir()) == ["04a.ipynb", "out"]
    assert (folder / "out").is_symlink()


def test_an_error_is_one_line_however_it_is_made():
    class Odd(Exception):
        def __str__(self):
            raise ValueError

    assert sitting._line(ValueError("x" * 10**6)) == "ValueError: " + "x" * 200
    assert sitting._line(Odd()) == "Odd"
    with pytest.raises(SyntaxError) as caught:
        compile("def f(:", "x", "exec")
    assert sitting._line(caught.value) == "SyntaxError: invalid syntax, line 1"


# --- written -----------------------------------------------------------------------------------------------------


def example(student: str, status: str = "right", **more) -> Mark:
    questions = [
        Question("exercise_10", "f", "Ten", 2, ()),
        Question("exercise_2", "g", "Two", 1, ()),
    ]
    found = {"exercise_10": (status, "Said <b>so</b>."), "exercise_2": ("not yet", "Look again.")}
    return Mark(student, Path("04a.ipynb"), "04a", questions, found, **more)


def rows(path: Path, encoding: str = "utf-8") -> list[dict[str, str]]:
    with path.open(encoding=encoding, newline="") as file:
        return list(csv.DictReader(file))


def test_the_table_counts_and_holds_no_formula(tmp_path):
    bad = example("=HYPERLINK(1)", "not marked", flags=["look"], notes=["-1"])
    marks.write_csv([example("ann"), bad], tmp_path / "a" / "marks.csv")
    assert (tmp_path / "a" / "marks.csv").read_bytes().startswith(b"\xef\xbb\xbf")
    ann, other = rows(tmp_path / "a" / "marks.csv", "utf-8-sig")
    columns = [
        "student",
        "name",
        "number",
        "notebook",
        "file",
        "exercise_2",
        "exercise_10",
        "points",
        "of",
        "seconds",
        "notes",
    ]
    assert list(ann) == columns
    assert [ann[name] for name in columns] == [
        "ann",
        "",
        "",
        "04a",
        "04a.ipynb",
        "0",
        "2",
        "2",
        "3",
        "0.0",
        "",
    ]
    assert other["student"] == "'=HYPERLINK(1)" and other["points"] == "0"
    assert other["notes"] == "look; -1; exercise_10 not marked"


def test_feedback_has_a_file_each_and_no_markup_of_the_student(tmp_path):
    marks.write_feedback([example("ann"), example("ann", "not yet")], tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["ann-2.md", "ann.md"]
    text = (tmp_path / "ann.md").read_text(encoding="utf-8")
    assert "**2 of 3 points**" in text and "**Right** (2 of 2): Said &lt;b>so&lt;/b>." in text
    assert "## Two\n\n**Not yet** (0 of 1): Look again." in text


def test_the_title_is_a_name_and_not_that_of_a_folder():
    for student, written, title in (
        ("Ann Kim_17_assignsubmission_file_", "anna", "Ann Kim"),
        ("kimann_LATE_1234_5678_04a", "Ann Kim", "Ann Kim"),
        ("kimann_1234_5678_04a", "", "kimann"),
        ("Copy of 04a_a_gan (1)", "Ann <b>", "Ann &lt;b>"),
        ("lab_1_2_anna", "", "lab_1_2_anna"),
    ):
        said = marks.feedback(example(student, written={"name": written}))
        assert said.splitlines()[0] == f"# {title}"


def test_the_table_says_where_the_files_of_namesakes_lie(tmp_path):
    pair = [example("anna 1"), example("anna 2", written={"name": "Anna K", "number": "7"})]
    for one, place in zip(pair, "ab", strict=True):
        one.path = tmp_path / place / "anna.ipynb"
    marks.write_csv(pair, tmp_path / "marks.csv")
    first, second = rows(tmp_path / "marks.csv", "utf-8-sig")
    assert (first["file"], second["file"]) == ("a/anna.ipynb", "b/anna.ipynb")
    assert (second["name"], second["number"]) == ("Anna K", "7")
    marks.write_lms(pair, tmp_path / "m.csv", "moodle")
    assert len(rows(tmp_path / "m.csv")) == 2


def test_two_files_of_one_student_of_canvas_are_one_row(tmp_path):
    both = [example("kimann_1234_5678_04a", "not yet"), example("kimann_LATE_1234_5999_04a-1")]
    marks.write_lms(both, tmp_path / "c.csv", "canvas")
    _, ann = rows(tmp_path / "c.csv")
    assert (ann["ID"], ann["04a"]) == ("1234", "2")


def test_the_columns_of_moodle_and_canvas(tmp_path):
    twice = [
        example("Ann Kim_17_assignsubmission_file_", "not yet"),
        example("Ann Kim_17_assignsubmission_file_"),
    ]
    nothing = Mark("cem", Path("cem"))
    marks.write_lms([*twice, example("ben"), nothing], tmp_path / "m.csv", "moodle")
    ann, ben, cem = rows(tmp_path / "m.csv")
    assert list(ann)[:3] == ["Identifier", "Full name", "Grade"]
    assert {"Last modified (grade)", "Feedback comments"} <= set(
        ann
    )  # else Moodle refuses the file
    assert (ann["Identifier"], ann["Full name"], ann["Grade"]) == ("Participant 17", "Ann Kim", "2")
    assert cem["Grade"] == ""  # what could not be marked is no zero
    assert (ben["Identifier"], ben["Full name"]) == ("", "ben")
    assert ann["Feedback comments"].splitlines()[0] == "Ten: right: Said <b>so</b>."
    late = [example("kimann_LATE_123_456_04a"), example("leeben_124_457_04a-1")]
    marks.write_lms(late, tmp_path / "c.csv", "canvas")
    most, ann, ben = rows(tmp_path / "c.csv")
    assert list(most) == ["Student", "ID", "SIS User ID", "SIS Login ID", "Section", "04a"]
    assert "Points Possible" in most["Student"] and most["04a"] == "3"
    assert (ann["Student"], ann["ID"], ann["04a"]) == ("kimann", "123", "2") and ben["ID"] == "124"
