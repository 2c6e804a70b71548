"""What `make new` makes passes the rules of the house and its own tests without any edit."""

import os
import subprocess
import sys
from pathlib import Path

import nbformat

from tools import new_chapter

MADE = {
    "book/99_sketch.md",
    "notebooks/99a_sketch.ipynb",
    "genlib/sketch.py",
    "genlib/check/ex99a.py",
    "tests/test_sketch.py",
    "tests/test_check_99a.py",
}
BORDERS = (
    "test_no_public_function_is_forgotten",
    "test_good_arguments_are_taken",
    "test_data_are_refused_with_a_hole_or_in_another_shape",
)
LISTINGS = (
    "tests/test_repository.py",
    "tests/test_notation.py",
    "tests/test_evidence.py",
    *(f"tests/test_borders.py::{name}" for name in BORDERS),
)
# Rules about what `make new` does not touch, left out to save time.
ELSEWHERE = "of_the_readme or cpu_seconds or utf_8"


def python(house: Path, *arguments: str) -> str:
    """What a command of Python prints in the house; it must succeed. Pytest loads no plugins: no xdist in xdist."""
    own = {
        "PYTHONPATH": str(house),
        "GENLIB_BUDGET": "quick",
        "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    }
    run = subprocess.run(
        [sys.executable, *arguments],
        cwd=house,
        env=os.environ | own,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )
    assert run.returncode == 0, run.stdout[-4000:] + run.stderr[-2000:]
    return run.stdout


def test_a_new_chapter_passes_without_any_edit(house):
    made = python(house, "-m", "tools.new_chapter", "99_sketch", "Sketch").split()
    assert set(made) == MADE
    code = [name for name in made if name.endswith((".py", ".ipynb"))]
    python(house, "-m", "ruff", "check", "-q", "--no-cache", *code)
    python(house, "-m", "ruff", "format", "-q", "--no-cache", "--check", *code)
    tests = [name for name in sorted(MADE) if name.startswith("tests/")]
    plain = ("-q", "-o", "addopts=", "-p", "no:cacheprovider")
    python(house, "-m", "pytest", *plain, "-k", f"not ({ELSEWHERE})", *tests, *LISTINGS)


def test_the_notebook_of_a_new_chapter_runs(house):
    """Also under a name of the standard library, which hides nothing, and with a formula in the title."""
    new_chapter.make("99_random", "Random: $x$ and back", house)
    notebook = nbformat.read(house / "notebooks" / "99a_random.ipynb", 4)
    nbformat.validate(notebook)
    cells = [cell.source for cell in notebook.cells if cell.cell_type == "code"]
    cells[0] = "\n".join(cells[0].splitlines()[-3:])  # the line of `%pip` is no Python
    python(house, "-c", "\n".join(["import random; random.random()", *cells]))
