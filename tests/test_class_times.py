"""The minutes of a lesson, as they are estimated from a notebook's text."""

import json
import re

import pytest

from genlib.table import stored
from tools import exercises
from tools import make_class_times as tool


def cell(kind: str, text: str, *tags: str) -> dict:
    return {"cell_type": kind, "source": [text], "metadata": {"tags": list(tags)}}


CELLS = [
    cell("markdown", "word " * 180),
    cell("markdown", "## 1. A question\n" + "word " * 356),
    cell("code", "a = 1\n\nb = 2\n" * 52 + "(\n)\n"),
    cell("code", "x = 1\n" * 200, "solution"),
    cell("markdown", "## 2. Another\n**Predict.** " + "word " * 176),
    cell("markdown", "## Break it on purpose\n" + "word " * 175),
    cell("markdown", "## Exercises"),
    cell("code", "x = 1\n" * 200),
    cell("markdown", "## What to take along"),
]


def test_minutes_of_sections():
    found = tool.parts(CELLS)
    assert found == pytest.approx({"rest": 1 + 5 / 180, "1": 3, "2": 3, "break": 1}, abs=0.01)


def test_a_row_adds_up(monkeypatch):
    monkeypatch.setitem(tool.CORE, "04a", (2,))
    row = tool.row("04a", CELLS, [5, 12])
    assert row["sections"] == "2" and row["exercises"] == 17
    assert row["core"] == pytest.approx(4, abs=0.05) and row["all"] == pytest.approx(8, abs=0.05)


def test_core_sections_are_there_and_the_stored_minutes_are_of_these_notebooks():
    rows = stored("class_times")["notebooks"]
    paths = {path.stem.split("_")[0]: path for path in exercises.NOTEBOOKS.glob("*.ipynb")}
    for number in rows:
        path = paths[number]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        minutes = tool.parts(cells)
        assert {str(k) for k in tool.CORE[number]} <= set(minutes), number
        assert rows[number]["all"] == pytest.approx(sum(minutes.values()), rel=0.1), number
        assert rows[number]["exercises"] == sum(one.minutes for one in exercises.of(path))


def test_the_page_says_which_sections_the_core_leaves_out():
    page = (tool.results.ROOT / "book" / "teaching" / "plans.md").read_text(encoding="utf-8")
    table = page.split("| | with the core a student can |")[1].split("\n\n")[0]
    rows = re.findall(r"^\| \[(\w+)\]\S+ \| .+ \| (.+) \|$", table, re.MULTILINE)
    assert [number for number, _ in rows] == list(tool.CORE)
    for number, left_out in rows:
        (path,) = (tool.results.ROOT / "notebooks").glob(f"{number}_*.ipynb")
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        sections = {int(name) for name in tool.parts(cells) if name.isdigit()}
        said = {int(k) for k in re.findall(r"\((\d+)\)", left_out)}
        assert said == sections - set(tool.CORE[number]), number
