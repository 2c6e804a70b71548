"""The minutes of a lesson, as they are estimated from a notebook's text."""

import json

import pytest

from genlib.table import stored
from tools import make_class_times as tool


def cell(kind: str, text: str, *tags: str) -> dict:
    return {"cell_type": kind, "source": [text], "metadata": {"tags": list(tags)}}


CELLS = [
    cell("markdown", "word " * 180),
    cell("markdown", "## 1. A question\n" + "word " * 356),
    cell("code", "a = 1\n\nb = 2\n" * 10),
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
    row = tool.row("04a", CELLS, {"exercise_1": 1, "exercise_2": 3})
    assert row["sections"] == "2" and row["exercises"] == 17
    assert row["core"] == pytest.approx(4, abs=0.05) and row["all"] == pytest.approx(8, abs=0.05)


def test_core_sections_are_there_and_the_stored_minutes_are_of_these_notebooks():
    rows = stored("class_times")["notebooks"]
    for path in tool.NOTEBOOKS.glob("*.ipynb"):
        number = path.stem.split("_")[0]
        cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
        minutes = tool.parts(cells)
        assert {str(k) for k in tool.CORE[number]} <= set(minutes), number
        assert rows[number]["all"] == pytest.approx(sum(minutes.values()), rel=0.1), number
