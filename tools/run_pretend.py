"""Run notebooks in the quick budget on a pretend accelerator (tests/pretend.py), to find device errors without a GPU.

    python -m tools.run_pretend            # all notebooks
    python -m tools.run_pretend 03b 05     # those whose names begin so

It names the cells that fail, and the lines that still let a network work on the CPU, though `run.device` is another
device; the exercises' checkers are not counted. The exit code is 1 where a cell failed.
"""

import linecache
import os
import re
import sys
from collections import Counter
from pathlib import Path

import nbformat
from nbclient import NotebookClient

ROOT = Path(__file__).resolve().parent.parent
FIRST = f"""import sys
sys.path[:0] = [{str(ROOT)!r}, {str(ROOT / "tests")!r}]
import pretend
from tools import run_pretend
pretend.install()
run_pretend.watch()"""
LAST = "run_pretend.report()"


# --- inside the kernel ---------------------------------------------------------------------------------------

_worked: Counter = Counter()


def watch() -> None:
    """From now on, note every pass through a network with weights, and every step of an optimiser."""
    from torch.nn.modules.module import register_module_forward_pre_hook
    from torch.optim.optimizer import register_optimizer_step_pre_hook

    def passed(module, inputs) -> None:
        weight = next(module.parameters(recurse=False), None)
        if weight is not None:
            _note("passes through layers", weight)

    def stepped(optimizer, args, kwargs) -> None:
        _note("steps of an optimiser", optimizer.param_groups[0]["params"][0])

    register_module_forward_pre_hook(passed)
    register_optimizer_step_pre_hook(stepped)


def _note(kind: str, weight) -> None:
    """Count work by the device of a weight and the line of the notebook that asks for it."""
    frame = sys._getframe()
    while frame and "ipykernel_" not in frame.f_code.co_filename:
        if "genlib/check/" in frame.f_code.co_filename:
            return
        frame = frame.f_back
    cell, line = 0, ""
    if frame:
        cell = get_ipython().execution_count - 1  # noqa: F821 (a kernel has it); 1 is the first of the notebook
        line = linecache.getline(frame.f_code.co_filename, frame.f_lineno).strip()
    _worked[(weight.device.type, cell, line, kind)] += 1


def report() -> None:
    """Print how much was done where, and each line of the notebook that worked on the CPU."""
    for kind in ("passes through layers", "steps of an optimiser"):
        by_device: Counter = Counter()
        for (device, _, _, of_kind), n in _worked.items():
            by_device[device] += n if of_kind == kind else 0
        print(
            f"{kind}: {by_device['pretend']:,} on the pretend device, {by_device['cpu']:,} on the CPU"
        )
    for (device, cell, line, kind), n in sorted(_worked.items()):
        if device == "cpu":
            print(f"  on the CPU in [{cell}], {n:,} {kind}: {line}")


# --- outside -------------------------------------------------------------------------------------------------


def run_notebook(path: Path) -> bool:
    """Run a notebook, print what failed and what worked on the CPU, and say whether all cells passed."""
    notebook = nbformat.read(path, as_version=4)
    cells = [nbformat.v4.new_code_cell(source) for source in (FIRST, LAST)]
    notebook.cells = [cells[0], *notebook.cells, cells[1]]
    where = {"metadata": {"path": str(path.parent)}}
    NotebookClient(
        notebook, timeout=1200, kernel_name="python3", allow_errors=True, resources=where
    ).execute()
    code = [cell for cell in notebook.cells if cell.cell_type == "code"]
    failed = [(cell, error) for cell in code if (error := _error(cell))]
    print(f"--- {path.stem}: {len(failed)} of {len(code) - 2} cells failed")
    for i, (cell, error) in enumerate(failed):
        print(f"[{cell.execution_count - 1}] id {cell.id}: {error.ename}: {error.evalue[:300]}")
        if i == 0:
            trace = "\n".join(error.traceback)
            print(re.sub(r"\x1b\[[0-9;]*m", "", trace)[-3000:])
    print("".join(output.get("text", "") for output in code[-1].outputs), flush=True)
    return not failed


def _error(cell):
    """The error of a cell, or None; a cell that is meant to raise has the tag of nbval and of Jupyter Book."""
    if "raises-exception" in cell.metadata.get("tags", []):
        return None
    return next((output for output in cell.outputs if output.output_type == "error"), None)


def main(names: list[str]) -> int:
    os.environ |= {"GENLIB_BUDGET": "quick", "GENLIB_DEVICE": "pretend", "GENLIB_STATIC": "1"}
    os.environ.setdefault("PYDEVD_DISABLE_FILE_VALIDATION", "1")
    paths = sorted((ROOT / "notebooks").glob("*.ipynb"))
    found = [path for path in paths if not names or path.name.startswith(tuple(names))]
    return 0 if all([run_notebook(path) for path in found]) else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
