"""What every notebook does first: fix the seed, pick the device and the budget, set the figure style.

A budget is a fixed amount of work, so that results do not depend on how busy the machine is:
`quick` (tests: a few seconds a notebook), `cpu` (the book, the default), `gpu` (scaled up where there is one).
The environment variables GENLIB_BUDGET and GENLIB_DEVICE override the choice; GENLIB_STATIC=1 turns bars into single
lines. Everything in a notebook that costs time runs on `run.device`; random numbers come from `run.rng`, on the CPU,
and are moved, so that a seed means the same everywhere.
"""

import os
import platform
import random
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
import torch

from genlib.expect import Count, Seed, border, expect_device, expect_one_of

T = TypeVar("T")
BUDGETS = ("quick", "cpu", "gpu")


@border
@dataclass(frozen=True)
class Run:
    """The facts of one run: its seed, its budget and its device."""

    seed: Seed
    budget: str
    device: torch.device

    def __post_init__(self) -> None:
        expect_one_of("budget", self.budget, BUDGETS)

    @property
    def rng(self) -> torch.Generator:
        """A fresh torch.Generator on the CPU, seeded with the seed of the run."""
        return torch.Generator().manual_seed(self.seed)

    def pick(self, *, quick: T, cpu: T, gpu: T | None = None) -> T:
        """The value for this run's budget; `gpu` falls back to `cpu` where a notebook has no larger version."""
        return {"quick": quick, "cpu": cpu, "gpu": cpu if gpu is None else gpu}[self.budget]


@border
def setup(seed: Seed = 0) -> Run:
    """Seed Python, NumPy and torch, choose device and budget, set the figure style, and say so in one line.

    Raises:
        ValueError: `seed` is negative or too large, GENLIB_BUDGET holds an unknown budget, or GENLIB_DEVICE a device
            that this machine does not have.
    """
    has_gpu = torch.cuda.is_available()
    budget = os.environ.get("GENLIB_BUDGET") or ("gpu" if has_gpu else "cpu")
    expect_one_of("GENLIB_BUDGET", budget, BUDGETS)
    wanted = os.environ.get("GENLIB_DEVICE")
    default = "cuda" if has_gpu and budget != "quick" else "cpu"
    run = Run(int(seed), budget, expect_device("GENLIB_DEVICE", wanted or default))
    random.seed(run.seed)
    np.random.seed(run.seed)  # noqa: NPY002 (scikit-learn draws from it where nothing else is said)
    torch.manual_seed(run.seed)
    _figure_style()
    forgiving_output()
    print(
        f"seed {seed} · budget {budget} · device {device_name(run.device)} · {torch.get_num_threads()} threads · "
        f"Python {platform.python_version()} · torch {torch.__version__}"
    )
    return run


@border
def device_name(device: torch.device) -> str:
    """A device as a line says it, with the name of the card where there is one."""
    if device.type == "cuda":
        return f"{device} ({torch.cuda.get_device_name(device)})"
    return str(device)


def forgiving_output() -> None:
    """Let print go on where the output cannot hold a character: cp1252 has no arrow, ASCII no accent. It shows a ?."""
    reconfigure = getattr(sys.stdout, "reconfigure", None)
    if reconfigure and sys.stdout.errors in ("strict", "surrogateescape"):
        reconfigure(errors="replace")


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


@border
def workload(steps: Count = 300) -> float:
    """CPU-seconds that this machine takes for a fixed piece of training, to compare machines by."""
    net = torch.nn.Sequential(torch.nn.Linear(64, 256), torch.nn.ReLU(), torch.nn.Linear(256, 64))
    x, optimizer = torch.rand(256, 64), torch.optim.Adam(net.parameters())
    with Clock() as clock:
        for _ in range(steps):
            optimizer.zero_grad()
            (net(x) - x).square().mean().backward()
            optimizer.step()
    return clock.cpu_s
