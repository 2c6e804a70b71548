"""What every notebook does first: fix the seed, pick the device and the budget, set the figure style.

A budget is a fixed amount of work, so that results do not depend on how busy the machine is:
`quick` (tests: a few seconds a notebook), `cpu` (the book, the default), `gpu` (scaled up where there is one).
The environment variable GENLIB_BUDGET overrides the choice; GENLIB_STATIC=1 turns bars into single lines.
"""

import os
import platform
import random
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

T = TypeVar("T")
BUDGETS = ("quick", "cpu", "gpu")


@dataclass(frozen=True)
class Run:
    """The facts of one run: its seed, its budget and its device."""

    seed: int
    budget: str
    device: torch.device

    @property
    def rng(self) -> torch.Generator:
        """A fresh torch.Generator on the CPU, seeded with the seed of the run."""
        return torch.Generator().manual_seed(self.seed)

    def pick(self, *, quick: T, cpu: T, gpu: T | None = None) -> T:
        """The value for this run's budget; `gpu` falls back to `cpu` where a notebook has no larger version."""
        return {"quick": quick, "cpu": cpu, "gpu": cpu if gpu is None else gpu}[self.budget]


def setup(seed: int = 0) -> Run:
    """Seed Python, NumPy and torch, choose device and budget, set the figure style, and say so in one line.

    Raises:
        ValueError: `seed` is negative or no integer, or GENLIB_BUDGET holds an unknown budget.
    """
    if not isinstance(seed, int) or seed < 0:
        raise ValueError(f"seed: expected an integer of at least 0, got {seed!r}")
    has_gpu = torch.cuda.is_available()
    budget = os.environ.get("GENLIB_BUDGET") or ("gpu" if has_gpu else "cpu")
    if budget not in BUDGETS:
        raise ValueError(f"GENLIB_BUDGET: expected one of {', '.join(BUDGETS)}, got {budget!r}")
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (scikit-learn draws from it where nothing else is said)
    torch.manual_seed(seed)
    _figure_style()
    device = torch.device("cuda" if has_gpu and budget != "quick" else "cpu")
    print(
        f"seed {seed} · budget {budget} · device {device} · {torch.get_num_threads()} threads · "
        f"Python {platform.python_version()} · torch {torch.__version__}"
    )
    return Run(seed, budget, device)


def _figure_style() -> None:
    """One look for all figures: colours that differ in lightness too, thin frames, an opaque white ground.

    The white ground keeps every figure readable when the page around it is dark.
    """
    import matplotlib as mpl

    mpl.rcParams.update(
        {
            "figure.dpi": 100,
            "figure.facecolor": "white",
            "figure.constrained_layout.use": True,
            "savefig.facecolor": "white",
            "axes.prop_cycle": mpl.cycler(color=COLOURS),
            "axes.spines.top": False,
            "axes.spines.right": False,
            "axes.titlesize": "medium",
            "font.size": 10,
            "image.cmap": "gray_r",
            "legend.frameon": False,
        }
    )


# Okabe and Ito's palette without the yellow, which vanishes on white.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#56B4E9", "#E69F00", "#000000"]


def progress(steps: Iterable, title: str = "", total: int | None = None) -> Iterator:
    """Go through `steps` with a bar, or with one closing line where GENLIB_STATIC=1 (the built book, tests)."""
    if os.environ.get("GENLIB_STATIC") != "1":
        from tqdm.auto import tqdm

        yield from tqdm(steps, desc=title or None, total=total, leave=True)
        return
    start, done = time.process_time(), 0
    for step in steps:
        yield step
        done += 1
    print(f"{title or 'done'}: {done:,} steps in {time.process_time() - start:.1f} CPU-seconds")


def live(draw: Callable, *, button: str | None = None, **controls: object) -> object:
    """Controls (ipywidgets) that call `draw(**values)` on every change, or at a press of `button`, and show its result.

    Where nobody can move them, in the built page and in tests (GENLIB_STATIC=1), draw once with their first values:
    a widget without a kernel is an empty box, and nbclient may wait for its answer forever (nbclient issue 312).
    """
    if os.environ.get("GENLIB_STATIC") == "1":
        return draw(
            **{name: getattr(control, "value", control) for name, control in controls.items()}
        )
    from ipywidgets import interactive

    manual = {"manual": True, "manual_name": button} if button else {}
    return interactive(draw, {"auto_display": True} | manual, **controls)


def glue(name: str, value: object) -> None:
    """Store `value` under `name` for the pages of the book; does nothing where the book's tools are missing."""
    try:
        from myst_nb import glue as store
    except ImportError:
        return
    store(name, value, display=False)


class Clock:
    """CPU-seconds of this process between `with` and its end, over all threads.

    >>> with Clock() as clock:
    ...     pass
    >>> clock.cpu_s >= 0
    True
    """

    def __enter__(self) -> "Clock":
        self._cpu, self._wall = time.process_time(), time.perf_counter()
        return self

    def __exit__(self, *error) -> None:
        self.cpu_s = time.process_time() - self._cpu
        self.wall_s = time.perf_counter() - self._wall


def workload(steps: int = 300) -> float:
    """CPU-seconds that this machine takes for a fixed piece of training, to compare machines by."""
    net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 64))
    x, optimizer = torch.rand(256, 64), torch.optim.Adam(net.parameters())
    with Clock() as clock:
        for _ in range(steps):
            optimizer.zero_grad()
            (net(x) - x).square().mean().backward()
            optimizer.step()
    return clock.cpu_s
