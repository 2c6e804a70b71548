"""Run notebooks in their gpu version in a few steps: `python -m tools.gpu_dry notebooks/NAME.ipynb ...`.

On the CPU, or on the device that GENLIB_DEVICE names.

Without arguments, those that have a gpu version. Images, networks and batches are those of the budget gpu; numbers
of samples and of steps are those of quick, and so are the assertions. It tells whether every cell runs, not whether
the results are good. The first failing cell of each notebook is named; the exit code is then 1.

Needs the image sets: GENLIB_DATA, or a network.
"""

import os
import sys
import time
from dataclasses import replace
from pathlib import Path

import nbformat
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError, CellTimeoutError, DeadKernelError

from genlib.recipes import Recipe
from genlib.run import Run
from genlib.train import Training

ROOT = Path(__file__).resolve().parent.parent
NOTEBOOKS = (
    "03b_vae_on_digits",
    "04c_gan_on_digits",
    "05b_ddpm_on_digits",
    "05c_fewer_steps",
    "05d_straight_paths",
    "06a_guidance",
    "06c_latent_diffusion",
)
SETTINGS = {"GENLIB_BUDGET": "gpu", "GENLIB_STATIC": "1"}
FIRST_CELL = (
    f"import sys\nsys.path.insert(0, {str(ROOT)!r})\nfrom tools import gpu_dry\ngpu_dry.shorten()"
)
FAILURES = (CellExecutionError, CellTimeoutError, DeadKernelError)


class GpuAndQuick(str):
    """A budget that is equal to two names: what asks for gpu finds it, and what is left out in quick is left out."""

    __slots__ = ()
    __hash__ = str.__hash__

    def __eq__(self, other: object) -> bool:
        return str(self) == other or other == "quick"

    def __ne__(self, other: object) -> bool:
        return not self == other


def shorten() -> None:
    """In this process the budget gpu takes few samples and few steps from now on, of its own images and networks."""
    Run.pick, Run.__post_init__, Recipe.training = pick, both, training


def both(run: Run) -> None:
    """In the place of `Run.__post_init__`."""
    if run.budget == "gpu":
        object.__setattr__(run, "budget", GpuAndQuick("gpu"))


def pick(run: Run, *, quick: object, cpu: object, gpu: object = None) -> object:
    """In the place of `Run.pick`: a name is that of gpu, and all else, numbers and lists of them, that of quick."""
    if isinstance(quick, str):
        return cpu if gpu is None else gpu
    return quick


def training(recipe: Recipe, *args, _original=Recipe.training, **kwargs) -> Training:
    """In the place of `Recipe.training`: all is as in gpu, but for the number of steps, which is that of quick."""
    recipe = recipe.at("gpu")
    few = recipe.steps.get("quick", recipe.steps["cpu"])
    return _original(replace(recipe, steps={"cpu": few}), *args, **kwargs)


def failure(path: Path, timeout: int = 1200) -> str:
    """Run one notebook; what went wrong in which cell, "" for nothing.

    Args:
        timeout: seconds that a cell may take.
    """
    notebook = nbformat.read(path, 4)
    first = nbformat.v4.new_code_cell(FIRST_CELL, id="shorten")
    notebook.cells.insert(0, first)
    begun = []
    client = NotebookClient(
        notebook,
        timeout=timeout,
        kernel_name="python3",
        resources={"metadata": {"path": str(path.parent)}},
        on_cell_start=lambda cell, cell_index: begun.append(cell),
    )
    try:
        client.execute()
    except FAILURES as error:
        return f"cell {begun[-1].id}: {error}"
    return ""


def main(names: list[str]) -> int:
    """Run the notebooks and say how each went; the exit code."""
    os.environ.update(SETTINGS)
    os.environ.setdefault("GENLIB_DEVICE", "cpu")
    default = [ROOT / "notebooks" / f"{name}.ipynb" for name in NOTEBOOKS]
    failed = False
    for path in map(Path, names or default):
        start, why = time.perf_counter(), failure(path)
        failed |= bool(why)
        print(
            f"{path.name}: {why or 'every cell ran'} ({time.perf_counter() - start:.0f} s)",
            flush=True,
        )
    return int(failed)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
