"""The figures of the bug museum: each run beside the same run without its fault."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genlib.table import stored
from tools.figures.kit import BLUE, ORANGE, WIDTH
from tools.figures.words import WORDS

STYLES = {"faulty": (ORANGE, "-"), "sound": (BLUE, "--")}
SIZE = (WIDTH, 2.5)
# the kind of model that was trained
TRAININGS = {
    "averaged_divergence": "vae",
    "variance_as_deviation": "vae",
    "sigmoid_twice": "gan",
    "detached_twice": "gan",
    "wrong_range": "ddpm",
    "early_average": "ddpm",
    "labels_apart": "ddpm",
}


def lines(axis: Axes, x: np.ndarray, curves: dict, key: str) -> None:
    """A curve of the faulty and one of the sound run."""
    for run, (colour, dashes) in STYLES.items():
        axis.plot(x, curves[run][key], dashes, color=colour, label=WORDS[f"museum_{run}"])


def training(name: str, kind: str) -> Figure:
    """Loss and size of the gradient over the steps."""
    found = stored("museum")
    curves, steps = found[name]["curves"], found["steps"][kind]
    figure, (left, right) = plt.subplots(1, 2, figsize=SIZE)
    loss = "d_loss" if kind == "gan" else "loss"
    for axis, key in ((left, loss), (right, "gradient")):
        n = len(curves["faulty"][key])
        lines(axis, (np.arange(n) + 0.5) * steps / n, curves, key)
        word = "museum_gradient_g" if (kind, key) == ("gan", "gradient") else f"museum_{key}"
        axis.set(xlabel=WORDS["museum_step"], title=WORDS[word], ylim=(0, ceiling(curves, key)))
    left.legend(loc="best")
    return figure


def ceiling(curves: dict, key: str) -> float:
    """A little above the curves after their first moments, which would flatten all the rest."""
    return 1.15 * max(max(curves[run][key][2:]) for run in STYLES)


def drawing(name: str) -> Figure:
    """The standard deviation of all pixels on the way from noise, on the left, to data."""
    curves = stored("museum")[name]["curves"]
    figure, axis = plt.subplots(figsize=SIZE)
    lines(axis, np.linspace(1000, 0, len(curves["faulty"]["spread"])), curves, "spread")
    axis.set(xlabel=WORDS["time_t"], title=WORDS["museum_spread"], xlim=(1000, 0), ylim=(0, None))
    axis.legend()
    return figure


def museum_beta_as_deviation() -> Figure:
    return drawing("beta_as_deviation")


def museum_alpha_for_alpha_bar() -> Figure:
    return drawing("alpha_for_alpha_bar")


def museum_halves_swapped() -> Figure:
    """The share of digits that are read as asked for, by scale."""
    found = stored("museum")["halves_swapped"]
    figure, axis = plt.subplots(figsize=SIZE)
    for run, (colour, dashes) in STYLES.items():
        scales = [float(scale) for scale in found[run]]
        shares = np.array(list(found[run].values()))
        axis.plot(scales, shares.mean(axis=1), dashes, color=colour, label=WORDS[f"museum_{run}"])
        axis.plot(scales, shares, "o", ms=4, color=colour)
    axis.set(xlabel=WORDS["museum_scale"], title=WORDS["museum_as_asked"], ylim=(0, 1.05))
    axis.set_xticks(scales)
    axis.legend()
    return figure


def named(name: str, kind: str) -> Callable[[], Figure]:
    """A function that draws a training, under the name of its file."""

    def draw() -> Figure:
        return training(name, kind)

    draw.__name__ = f"museum_{name}"
    return draw


FIGURES = (
    *(named(*item) for item in TRAININGS.items()),
    museum_beta_as_deviation,
    museum_alpha_for_alpha_bar,
    museum_halves_swapped,
)
