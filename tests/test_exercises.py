"""The heads of the exercises: one form, one set of levels, and the same points wherever they stand."""

import re
import tomllib
from pathlib import Path

import nbformat
import pytest

from tools import exercises

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = sorted((ROOT / "notebooks").glob("*.ipynb"))
POINTS = tomllib.loads((ROOT / "genlib/check/points.toml").read_text(encoding="utf-8"))


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda p: p.stem)
def test_every_exercise_says_level_minutes_and_points(path):
    there = exercises.of(path)
    cells = nbformat.read(path, 4).cells
    stubs = [cell for cell in cells if "stub" in cell.metadata.get("tags", [])]
    prose = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
    assert len(there) == len(stubs) == prose.count("### Exercise "), "each has a head of the form"
    assert [one.number for one in there] == list(range(1, len(there) + 1))
    for one in there:
        assert (one.minutes, one.points) == exercises.LEVELS[one.level], one.title
        assert one.title[0].isupper() or one.title.startswith("v,"), one.title
    named = {f"exercise_{one.number}": one.points for one in there}
    assert named == POINTS.get(path.stem.split("_")[0], named), "as the marking command counts"
    assert "points*" not in exercises.HEAD.sub("", prose) and "Level:" not in prose


def test_the_page_of_exercises_names_the_levels_as_they_are():
    page = (ROOT / "book" / "exercises.md").read_text(encoding="utf-8")
    found = re.findall(r"^- \*([\w ]+)\*, (\d+) minutes, (\d) points?\.", page, re.MULTILINE)
    assert {level: (int(minutes), int(points)) for level, minutes, points in found} == (
        exercises.LEVELS
    )
    used = {one.level for path in NOTEBOOKS for one in exercises.of(path)}
    assert used == set(exercises.LEVELS), "no level that nobody meets"


def test_a_head_of_another_form_is_not_read(tmp_path):
    head = "### Exercise 1 · One {}\n\n*Find a number · 5 minutes · 1 point*\n\nHow many?"
    for text, n in ((head, 1), (head.replace("\n\n*", "\n*"), 0), (head.replace("5", "five"), 0)):
        cells = [nbformat.v4.new_markdown_cell(text.format("and two"))]
        nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09a_x.ipynb")
        found = exercises.of(tmp_path / "09a_x.ipynb")
        assert found == [(1, "One and two", "Find a number", 5, 1)] * n


def test_a_title_is_what_stands_before_the_question(tmp_path):
    cells = [nbformat.v4.new_markdown_cell("# Draw: but what?\n\nText")]
    nbformat.write(nbformat.v4.new_notebook(cells=cells), tmp_path / "09a_x.ipynb")
    assert exercises.title(tmp_path / "09a_x.ipynb") == "09a · Draw"
