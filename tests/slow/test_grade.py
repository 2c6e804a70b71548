"""A class of submissions of 04a, each made wrong in a way of its own, and the marks that they get."""

import copy
import csv
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from genlib.__main__ import main
from genlib.check import grade
from tools.make_exercises import NOTEBOOKS, student_copy

BOOK = nbformat.read(next(NOTEBOOKS.glob("04a_*.ipynb")), 4)
COPY = student_copy(BOOK, "04a_a_gan_with_one_parameter")
# the experiments are left out: what is tried here is the marking
SHORT = ("setup", "imports", "exercises-import")
COPY.cells = [c for c in COPY.cells if c.id in SHORT or c.id[0] == "e" and c.id[1].isdigit()]

RIGHT = {
    1: "def best_eta():\n    return 1.0",
    2: "def best_logits(log_p, log_q, k):\n    return log_p - log_q - math.log(k)",
    3: "def value(real_logits, fake_logits):\n"
    "    f = nn.functional.logsigmoid\n    return f(real_logits).mean() + f(-fake_logits).mean()",
    4: "def game_step(theta, phi, eta, grad_theta, grad_phi, alternating):\n"
    "    p = phi + eta * grad_phi(theta, phi)\n"
    "    return theta - eta * grad_theta(theta, p if alternating else phi), p",
    5: "def r1_penalty(D, x, gamma):\n    x = x.clone().requires_grad_(True)\n"
    "    g, = torch.autograd.grad(D(x).sum(), x, create_graph=True)\n"
    "    return gamma / 2 * (g**2).sum(1).mean()",
}
WRONG = RIGHT | {
    1: "def best_eta():\n    return 2.0",
    2: "def best_logits(log_p, log_q, k):\n    return torch.log(log_p.exp() / (k * log_q.exp()))",
    5: RIGHT[5].replace(", create_graph=True", ""),
}
LIMIT = 6
SWALLOWS = "while True:\n    try:\n        while True:\n            pass\n    except BaseException:\n        pass"


def notebook(answers: dict[int, str], before: str = "", after: str = ""):
    """A student copy with these answers, and a cell of the student's own before or after the exercises."""
    made = copy.deepcopy(COPY)
    for cell in made.cells:
        if cell.id.endswith("-stub") and int(cell.id[1]) in answers:
            cell.source = answers[int(cell.id[1])]
    if before:
        made.cells.insert(1, nbformat.v4.new_code_cell(before))
    if after:
        made.cells.append(nbformat.v4.new_code_cell(after))
    return made


def without(made, *ids):
    """Without these cells, and without what Colab drops."""
    made.cells = [cell for cell in made.cells if cell.id not in ids]
    for number, cell in enumerate(made.cells):
        cell.id, cell.metadata = f"x{number}", {}
    made.metadata = {"colab": {"provenance": []}}
    return made


def first(answer: str) -> dict[int, str]:
    return RIGHT | {1: answer}


TAMPERS = (
    "from genlib.check.verdict import Verdict\n"
    'for i in range(1, 6): setattr(check, f"exercise_{i}", lambda f: Verdict(True, "Well done."))'
)
STEALS = "import inspect\nprint(inspect.getsource(check.exercise_2.__wrapped__))\n" + RIGHT[2]
HOSTILE = (
    "import shutil, os\nshutil.rmtree(os.getcwd())\ntry:\n    hold = bytearray(20 << 30)\n"
    "except MemoryError:\n    pass\nelse:\n    raise RuntimeError('20 GB')\nprint('x' * 10**9)"
)

LEAVES = (
    "import subprocess\nsubprocess.Popen(['sleep', '3210'], start_new_session=True)\n"
    "for i in range(9): open(f'{i}.bin', 'wb').write(bytes(50 << 20))"
)
STATE = (
    "import os, warnings, torch\nos.chdir('/')\nwarnings.simplefilter('error')\n"
    "torch.set_default_dtype(torch.float64)"
)
PATCHES = "import torch\ntorch.allclose = lambda *a, **k: True\ntorch.equal = lambda *a: True"
MAGICS = "%matplotlib inline\n!pip install -q not_a_package_of_ours\nimport asyncio\nawait asyncio.sleep(0)"

OTHER = "check.exercise_3(game_value)"


def mixed_up(made):
    """The answers stand first, in another order, and one of them stands there twice."""
    stubs = [cell for cell in made.cells if cell.id.endswith("-stub")]
    rest = [cell for cell in made.cells if cell not in stubs]
    made.cells = [*reversed(stubs), *rest, nbformat.v4.new_code_cell(WRONG[2])]
    return made


def for_r(made):
    """A notebook that a kernel for R wrote."""
    made.metadata["kernelspec"] = {"name": "ir", "display_name": "R", "language": "R"}
    return made


def lacking(made):
    """What is not installed where the marking happens stands first in the cell of the imports."""
    (cell,) = [cell for cell in made.cells if cell.id == "imports"]
    cell.source = "import not_here\n" + cell.source
    return made


# name -> notebook, which exercises are right, and words of the notes
CLASS = {
    "anna_right": (notebook(RIGHT), "12345", ""),
    "ben_wrong": (notebook(WRONG), "34", ""),
    "cem_empty": (notebook({}), "", ""),
    "dora_syntax": (
        notebook(RIGHT | {3: "def value(real_logits, fake_logits)\n    return 0"}),
        "1245",
        "SyntaxError",
    ),
    "emil_loop": (
        notebook(RIGHT | {2: "def best_logits(log_p, log_q, k):\n    while True: pass"}),
        "1345",
        "",
    ),
    "fay_tampers": (notebook({}, after=TAMPERS), "", "touches the checkers"),
    "gus_colab": (without(notebook(RIGHT), "e2-check"), "12345", ""),
    "hal_crashes_early": (
        notebook(RIGHT, before='assert 1 == 2, "my own try"'),
        "12345",
        "my own try",
    ),
    "ida_steals": (notebook(RIGHT | {2: STEALS}), "12345", "touches the checkers"),
    "jon_exits": (
        notebook(RIGHT, before="import sys\nsys.exit(1)", after="exit()"),
        "12345",
        "SystemExit",
    ),
    "kim_ends_python": (notebook(RIGHT, before="import os\nos._exit(0)"), "12345", "Python ended"),
    "lea_dies_when_asked": (
        notebook(first("def best_eta():\n    import os\n    os._exit(0)")),
        "2345",
        "",
    ),
    "max_swallows": (notebook(RIGHT, before=SWALLOWS), "12345", "did not stop"),
    "nia_hostile": (notebook(RIGHT, before=HOSTILE), "12345", ""),
    "oma_hides_it": (
        notebook(RIGHT, after="value = value(torch.ones(2), torch.ones(2))"),
        "1245",
        "value is no function at the end, but a Tensor",
    ),
    "rob_names_it_otherwise": (
        notebook(RIGHT | {3: RIGHT[3].replace("def value", "def game_value")}, after=OTHER),
        "1245",
        "no value, but its check asks game_value",
    ),
    "sue_has_more_packages": (lacking(notebook(RIGHT)), "14", "No module named 'not_here'"),
    "pia_renamed": (without(notebook(RIGHT), "exercises-import"), "12345", ""),
    "tom_has_another_order": (mixed_up(notebook(RIGHT)), "1345", ""),
    "ute_magics": (notebook(first("%%time\n" + RIGHT[1]), before=MAGICS), "12345", ""),
    "vic_asks": (
        notebook(first("def best_eta():\n    return float(input('eta? '))")),
        "2345",
        "",
    ),
    "wim_changes_the_state": (notebook(RIGHT, before=STATE), "12345", ""),
    "xia_patches_torch": (notebook({}, before=PATCHES), "", "touches the checkers"),
    "yan_leaves_things": (notebook(RIGHT, before=LEAVES), "12345", "it wrote more than 200 MB"),
    "zed_r": (for_r(notebook(RIGHT)), "12345", "its kernel is for R"),
    "quy_raises_a_lot": (
        notebook(RIGHT, before='raise ValueError("x" * 10**8)'),
        "12345",
        "ValueError",
    ),
}


def marks_of(folder: Path, *options) -> dict[str, dict[str, str]]:
    """The rows of the table by student, as the command line makes it; cells have LIMIT seconds."""
    words = [folder / "in", "--csv", folder / "marks.csv", "--feedback", folder / "out"]
    assert main(["check", "grade", *map(str, [*words, "--limit", LIMIT, *options])]) == 0
    with (folder / "marks.csv").open(encoding="utf-8-sig", newline="") as file:
        return {row["student"]: row for row in csv.DictReader(file)}


@pytest.fixture(scope="module")
def marked(tmp_path_factory):
    folder = tmp_path_factory.mktemp("class")
    (folder / "in").mkdir()
    for name, (made, *_) in CLASS.items():
        nbformat.write(made, folder / "in" / f"{name}.ipynb")
    (folder / "in" / "zoe_broken.ipynb").write_text('{"cells": [', encoding="utf-8")
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(grade, "WRITTEN", 200 << 20)
        return marks_of(folder, "--jobs", 2), folder


@pytest.mark.parametrize("name", CLASS)
def test_each_gets_its_marks_and_notes(marked, name):
    row, points = marked[0][name], grade.points_table()["04a"]
    right = "".join(str(i) for i in range(1, 6) if float(row[f"exercise_{i}"]) > 0)
    assert right == CLASS[name][1], row
    assert float(row["points"]) == sum(points[f"exercise_{i}"] for i in right)
    assert CLASS[name][2] in row["notes"] and (CLASS[name][2] or "not marked" not in row["notes"])


def test_the_feedback_says_what_the_checker_says_and_nothing_for_the_teacher(marked):
    _, folder = marked
    said = {path.stem: path.read_text(encoding="utf-8") for path in (folder / "out").glob("*.md")}
    assert set(said) == {*CLASS, "zoe_broken"}
    assert "**12 of 12 points**" in said["anna_right"]
    assert (
        "at 2 the factor is 1 again" in said["ben_wrong"]
        and "create_graph=True" in said["ben_wrong"]
    )
    assert said["cem_empty"].count("**Not begun**") == 5
    assert "no function `value` was there" in said["dora_syntax"]
    assert "Its cell stopped with SyntaxError" in said["dora_syntax"]
    assert f"your code ran for more than {LIMIT} s" in said["emil_loop"]
    assert "your code came to no answer: Python ended" in said["lea_dies_when_asked"]
    assert "`value` was a Tensor and no function" in said["oma_hides_it"]
    assert "Your check asks `game_value`" in said["rob_names_it_otherwise"]
    assert said["sue_has_more_packages"].count("**Not marked**") == 3
    assert "touches" not in said["fay_tampers"] and "no notebook of format 4" in said["zoe_broken"]


def test_nothing_is_left_of_a_hostile_submission(marked):
    rows, folder = marked
    assert len(rows) == len(list((folder / "in").iterdir())) == len(CLASS) + 1
    if sys.platform == "linux":
        assert (
            subprocess.run(["pgrep", "-xf", "sleep 3210"], stdout=subprocess.DEVNULL).returncode
            == 1
        )
        assert "20 GB" not in rows["nia_hostile"]["notes"]
    assert "not marked" in rows["zoe_broken"]["notes"] and rows["zoe_broken"]["points"] == "0"


PRIVATE = '''
import torch
from genlib.check.verdict import close, exercise, need, need_number, praise

@exercise
def best_eta(answer):
    """A second condition of exercise 1."""
    need(isinstance(answer(), float), "private: return a float.")
    return praise("A float.")

@exercise
def double(answer):
    """A question of its own."""
    need(need_number(answer(21)) == 42, "private: twice the number, got {found}.", found=answer(21))
    return praise("Twice.")
'''


def test_a_folder_for_each_student_and_private_checks(tmp_path):
    """Files beside a notebook come along; a genlib of the student's own is not taken for ours."""
    alone = without(
        notebook({}), "e1-stub", "e2-stub", "e3-stub", "e4-stub", "e5-stub", "exercises-import"
    )
    alone.cells = [
        nbformat.v4.new_code_cell("from helper import *\nimport genlib.check.ex04a as taken")
    ]
    integer = RIGHT | {1: "def best_eta():\n    return 1"}
    for student, made in {
        "Ann Kim_17_assignsubmission_file_": notebook(RIGHT, after="double = lambda x: 2 * x"),
        "Ben_18_assignsubmission_file_": notebook(integer, after="def double(x):\n    return x"),
        "Cem_19_assignsubmission_file_": alone,
    }.items():
        (tmp_path / "in" / student).mkdir(parents=True)
        nbformat.write(made, tmp_path / "in" / student / "exercise (1).ipynb")
    folder = tmp_path / "in" / "Cem_19_assignsubmission_file_"
    (folder / "helper.py").write_text("def double(x): return x + x", encoding="utf-8")
    (folder / "genlib" / "check").mkdir(parents=True)
    for name in ("__init__.py", "check/__init__.py", "check/verdict.py"):
        (folder / "genlib" / name).write_text("raise SystemExit", encoding="utf-8")
    (tmp_path / "in" / "Dora_20_assignsubmission_file_").mkdir()
    (tmp_path / "private.py").write_text(PRIVATE, encoding="utf-8")
    (tmp_path / "points.toml").write_text(
        "[04a]\nexercise_1 = 2\n[private]\ndouble = 5\n", encoding="utf-8"
    )
    options = ["--checks", tmp_path / "private.py", "--points", tmp_path / "points.toml"]
    rows = marks_of(tmp_path, *options, "--lms", "moodle")
    got = {name.split("_")[0]: (row["points"], row["of"]) for name, row in rows.items()}
    assert got == {"Ann Kim": ("7", "7"), "Ben": ("0", "7"), "Cem": ("5", "6"), "Dora": ("0", "0")}
    assert "no notebook" in rows["Dora_20_assignsubmission_file_"]["notes"]
    said = (tmp_path / "out" / "Ben_18_assignsubmission_file_.md").read_text(encoding="utf-8")
    assert "private: return a float." in said and "twice the number, got 21" in said
    with (tmp_path / "marks-moodle.csv").open(encoding="utf-8", newline="") as file:
        first = next(csv.DictReader(file))
    assert (first["Identifier"], first["Full name"], first["Grade"]) == (
        "Participant 17",
        "Ann Kim",
        "7",
    )
