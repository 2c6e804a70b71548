"""How long does marking take? Each notebook of the book is handed in with its own solutions, and marked once.

    python -m tools.make_marking_times [NOTEBOOK ...]

CPU-seconds of one submission in the quick budget, one at a time. Every solution of the book must get its points.
"""

import json
import re
import sys
import tempfile
from pathlib import Path

from genlib.check import grade
from tools import results

TARGET = results.DATA / "marking_times.json"
SOLUTION = re.compile(r"check\.(exercise_\d+)\((\w+)\)\.ok")


def handed_in(path: Path, folder: Path) -> Path:
    """The notebook with a last cell that gives the names of the answers to the solutions."""
    content = json.loads(path.read_text(encoding="utf-8"))
    text = "\n".join("".join(c["source"]) for c in content["cells"] if c["cell_type"] == "code")
    solutions = dict(SOLUTION.findall(text))
    lines = [f"{answer} = {solutions[name]}" for name, answer, _ in grade.exercises(path)]
    cell = {"cell_type": "code", "metadata": {}, "outputs": [], "execution_count": None}
    content["cells"].append(cell | {"id": "names", "source": "\n".join(lines)})
    (made := folder / path.name).write_text(json.dumps(content), encoding="utf-8")
    return made


def row(path: Path, rules: grade.Rules) -> dict:
    """What marking one notebook costs.

    Raises:
        ValueError: a solution of the book did not get its points.
    """
    with tempfile.TemporaryDirectory() as folder:
        made = handed_in(path, Path(folder))
        before = results.cpu_s_of_children()
        found = grade.mark(grade.Submission(path.stem, made), rules)
    if found.sum != found.of or found.notes:
        raise ValueError(f"{path.stem}: expected all points, got {found.found}, {found.notes}")
    return {
        "cpu_s": round(results.cpu_s_of_children() - before, 1),
        "points": found.sum,
        "of": found.of,
    }


def main(names: list[str]) -> None:
    rules = grade.Rules(grade.book_notebooks(), grade.points_table(), limit=120.0)
    results.expect_names(names, list(rules.notebooks))
    known = names and TARGET.exists()
    rows = json.loads(TARGET.read_text(encoding="utf-8"))["notebooks"] if known else {}
    for name, path in rules.notebooks.items():
        if name in names or not names:
            rows[name] = row(path, rules)
            print(name, rows[name], flush=True)
    about = results.about("python -m tools.make_marking_times", ()) | results.facts()
    total = {"cpu_s": sum(one["cpu_s"] for one in rows.values())}
    total["forty_of_04a_min"] = 40 * rows["04a"]["cpu_s"] / 60
    results.write(about | {"notebooks": dict(sorted(rows.items())), "total": total}, TARGET)


if __name__ == "__main__":
    main(sys.argv[1:])
