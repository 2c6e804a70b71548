"""What a teacher hands around: the answer key, and how the course is cited."""

import ast
import re

import nbformat
import yaml

from genlib.check import ex03a
from tools import exercises, make_key
from tools.set_repository import current

ROOT = exercises.ROOT


def test_the_key_has_every_exercise_with_a_solution_that_python_reads(tmp_path):
    text, notebook = (path.read_text(encoding="utf-8") for path in make_key.write(tmp_path))
    there = [
        one for path in sorted(exercises.NOTEBOOKS.glob("*.ipynb")) for one in exercises.of(path)
    ]
    assert len(there) > 90
    assert re.findall(r"^### (Exercise .*)$", text, re.MULTILINE) == [one.heading for one in there]
    text, _, problems = text.partition("\n## Written problems\n")
    assert text.count(" minutes · ") == len(there)
    parts = re.split(r"^### Exercise ", text, flags=re.MULTILINE)[1:]
    for part in parts:
        (code, *_) = re.findall(r"```python\n(.*?)\n```", part, re.DOTALL) or [""]
        assert ast.parse(code).body, part[:80]
    assert not re.search(r"\]\((?!\w+:)|your code here|@title|<details", text + problems)
    cells = nbformat.reads(notebook, 4).cells
    assert [c.source for c in cells if c.cell_type == "code"] == re.findall(
        r"```python\n(.*?)\n```", text, re.DOTALL
    )
    nbformat.validate(nbformat.reads(notebook, 4))


def test_the_key_has_the_usual_mistakes_in_the_words_of_the_checkers(tmp_path):
    text = make_key.write(tmp_path)[0].read_text(encoding="utf-8")
    exercises_, _, _ = text.partition("\n## Written problems\n")
    parts = re.split(r"^### Exercise ", exercises_, flags=re.MULTILINE)[1:]
    assert all("*The check says of wrong answers:*\n\n- " in part for part in parts)
    (close_the_gap,) = (part for part in parts if part.startswith("1 · Close the gap"))
    for wrong in (lambda: (-2.5, 1.85), lambda: 3.0):
        said = ex03a.exercise_1(wrong).message
        assert any(mistake in said for mistake in re.findall("^- (.+)$", close_the_gap, re.M))


def test_the_key_has_every_written_problem_with_its_answer(tmp_path):
    problems = (
        make_key.write(tmp_path)[0].read_text(encoding="utf-8").split("\n## Written problems\n")[1]
    )
    pages = sorted((ROOT / "book").glob("[0-9][0-9]_*.md"))
    heads = [
        re.findall(r"^### (\d)\. (.+) \(\d+ minutes", page.read_text("utf-8"), re.M)
        for page in pages
    ]
    named = [
        f"{i}.{number} · {title}" for i, found in enumerate(heads, 1) for number, title in found
    ]
    assert re.findall(r"^### (.+)$", problems, re.M) == named and len(named) >= 42
    assert problems.count("*Answer.* ") == problems.count("*Half of the points:*") == len(named)
    assert not re.search(r"\{[a-z]+\}`|:::", problems)


def test_the_citation_is_of_this_edition():
    cited = yaml.safe_load((ROOT / "CITATION.cff").read_text(encoding="utf-8"))
    changes = (ROOT / "book" / "changes.md").read_text(encoding="utf-8")
    edition, date = re.search(r"^\| (\d+) \| ([\d-]+) \|", changes, re.MULTILINE).groups()
    assert cited["version"] == edition and str(cited["date-released"]) == date
    assert cited["repository-code"] == current()
    assert cited["title"].startswith("Learning to Generate") and cited["cff-version"] == "1.2.0"
