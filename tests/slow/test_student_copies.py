"""The student copies run from top to bottom, every stub fails its check, and every solution passes it.

That the solutions pass is asserted in the notebooks themselves, which nbval runs; here the copies are executed.
"""

import ast
import re

import nbformat
import pytest
from nbclient import NotebookClient

from tools.make_exercises import NOTEBOOKS, has_solutions, student_copy

WITH_EXERCISES = [path for path in sorted(NOTEBOOKS.glob("*.ipynb")) if has_solutions(path)]


def shown(cell) -> str:
    return " ".join(
        str(output.get("data", {}).get("text/plain", output.get("text", output.get("evalue", ""))))
        for output in cell.outputs
    )


@pytest.mark.parametrize("path", WITH_EXERCISES, ids=lambda p: p.stem)
def test_stubs_fail_their_checks_and_nothing_dangles(path):
    copy = student_copy(nbformat.read(path, as_version=4), path.stem)
    assert not any("solution" in cell.metadata.get("tags", []) for cell in copy.cells)
    # An error here means that the rest of the notebook needs something from a solution.
    NotebookClient(
        copy, timeout=300, kernel_name="python3", resources={"metadata": {"path": str(NOTEBOOKS)}}
    ).execute()
    checks = [cell for cell in copy.cells if "check" in cell.metadata.get("tags", [])]
    assert checks
    for cell in checks:
        assert "Your turn:" in shown(cell), (
            f"the stub before {cell.id} passes its check, or says nothing"
        )


def test_every_checker_has_an_exercise_and_the_other_way_round():
    root = NOTEBOOKS.parent
    for path in WITH_EXERCISES:
        number = path.stem.split("_")[0]
        tree = ast.parse((root / "genlib" / "check" / f"ex{number}.py").read_text(encoding="utf-8"))
        functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
        cells = nbformat.read(path, 4).cells
        source = "\n".join(
            cell.source for cell in cells if "check" in cell.metadata.get("tags", [])
        )
        used = set(re.findall(r"exercise_\d+", source))
        assert {name for name in functions if name.startswith("exercise_")} == used
