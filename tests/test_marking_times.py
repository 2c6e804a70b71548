"""What marking costs: every notebook is measured, every solution of the book gets its points."""

import json

from genlib.check import grade
from genlib.table import stored
from tools import make_marking_times as tool

NOTEBOOKS = grade.book_notebooks()


def test_the_last_cell_names_a_solution_for_every_answer(tmp_path):
    for name, path in NOTEBOOKS.items():
        made = json.loads(tool.handed_in(path, tmp_path).read_text(encoding="utf-8"))
        lines = made["cells"][-1]["source"].splitlines()
        answers = [line.split(" = ")[0] for line in lines]
        assert answers == [answer for _, answer, _ in grade.exercises(path)], name
        text = "".join("".join(cell["source"]) for cell in made["cells"][:-1])
        assert all(line.split(" = ")[1] in text for line in lines)


def test_all_notebooks_were_marked_with_all_points_and_forty_of_04a_take_ten_minutes():
    found = stored("marking_times")
    assert set(found["notebooks"]) == set(NOTEBOOKS)
    for name, row in found["notebooks"].items():
        assert row["points"] == row["of"] > 0, name
        assert 1 < row["cpu_s"] < 200, name
    assert found["total"]["forty_of_04a_min"] == 40 * found["notebooks"]["04a"]["cpu_s"] / 60 < 10
