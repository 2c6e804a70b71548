"""The figures of chapter 4, generative adversarial networks."""

import math

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genlib import data
from genlib.gan import gaussian_game_jsd
from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas
from tools.figures.words import WORDS

# --- the computation -----------------------------------------------------------------------------------------


def gan_turns() -> Figure:
    """D's turn and G's turn: what is computed, how far the gradient runs back, and who is updated."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 5.2))
    for axis, turn in zip(axes, (turn_of_d, turn_of_g), strict=True):
        turn(canvas(axis, 14.4, 5.0))
    return figure


def turn_of_d(axis: Axes) -> None:
    axis.text(0.0, 4.7, WORDS["turn_d"], va="center", weight="bold")
    generator(axis, 1.2, TEXT)
    arrow(axis, (5.9, 1.2), (7.9, 1.7))
    axis.plot([6.7, 7.0], [1.05, 1.75], color=ORANGE, lw=2.5)  # the cut
    axis.text(6.9, 0.55, WORDS["detach"], ha="center", va="center")
    axis.text(5.2, 3.4, WORDS["data_x"], ha="center", va="center")
    arrow(axis, (6.0, 3.4), (7.9, 2.9))
    box(axis, (9.0, 2.3), (2.0, 2.0), "$D$", BLUE, taper=0.4)
    arrow(axis, (10.1, 2.3), (11.0, 2.3))
    axis.text(12.5, 2.6, r"$-\log D(x)$", ha="center", va="center")
    axis.text(12.5, 1.9, r"$-\log(1 - D(G(z)))$", ha="center", va="center")
    arrow(axis, (12.5, 3.1), (9.2, 3.4), colour=GREEN, bend=-0.3, dashes="--")
    axis.text(11.2, 4.5, WORDS["moves_d"], ha="center", va="center", color=GREEN)


def turn_of_g(axis: Axes) -> None:
    axis.text(0.0, 4.7, WORDS["turn_g"], va="center", weight="bold")
    generator(axis, 2.0, BLUE)
    arrow(axis, (5.9, 2.0), (7.9, 2.0))
    box(axis, (9.0, 2.0), (2.0, 2.0), "$D$", TEXT, taper=0.4)
    arrow(axis, (10.1, 2.0), (11.0, 2.0))
    axis.text(12.5, 2.0, r"$-\log D(G(z))$", ha="center", va="center")
    arrow(axis, (12.5, 2.6), (9.2, 3.1), colour=GREEN, bend=-0.3, dashes="--")
    arrow(axis, (8.8, 3.1), (2.6, 3.1), colour=GREEN, bend=-0.12, dashes="--")
    axis.text(8.8, 4.6, WORDS["moves_g"], ha="center", va="center", color=GREEN)


def generator(axis: Axes, y: float, colour: str) -> None:
    """Codes, G and its fakes, from left to right."""
    axis.text(0.4, y, "$z$", ha="center", va="center")
    arrow(axis, (0.8, y), (1.5, y))
    box(axis, (2.6, y), (2.0, 2.0), "$G$", colour, taper=-0.4)
    arrow(axis, (3.7, y), (4.3, y))
    axis.text(5.1, y, WORDS["fakes"], ha="center", va="center")


# --- two distances -------------------------------------------------------------------------------------------


def gan_distances() -> Figure:
    """JSD and W1 of N(0, 1) and N(theta, 1), each as a share of its value at theta = 8."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.0))
    theta = torch.linspace(0, 8, 81).double()
    axis.plot(theta, gaussian_game_jsd(theta) / math.log(2), color=BLUE, label=WORDS["jsd"])
    axis.plot(theta, theta / 8, "--", color=ORANGE, label=WORDS["w1"])
    axis.set(xlabel=WORDS["theta"], ylabel=WORDS["share_of_far"])
    axis.legend()
    return figure


# --- failures in the plane -----------------------------------------------------------------------------------


def gan_failures() -> Figure:
    """170 samples each of a blob, a collapse, threads, and of the recipe, with circles at the modes."""
    runs = stored("gan")["failures"]
    figure, axes = plt.subplots(2, 2, figsize=(WIDTH, 7.0), layout="compressed")
    for axis, (name, run) in zip(axes.flat, runs.items(), strict=True):
        means = getattr(data, run["density"])().means.numpy()
        axis.plot(*means.T, "o", ms=11, mfc="none", mec=TEXT, mew=1.2)
        dots(axis, np.array(run["x"]).reshape(-1, 2)[:170] / 100)
        limit = 1.25 * abs(means).max()
        axis.set(title=WORDS[f"gan_{name}"], xticks=[], yticks=[])
        axis.set(xlim=(-limit, limit), ylim=(-limit, limit))
        axis.set_aspect("equal")
        axis.spines[:].set_visible(False)
    return figure


def dots(axis: Axes, points: np.ndarray) -> None:
    """Many dots as one path of strokes without length: a file a third as large as with markers."""
    ends = np.full((len(points), 3, 2), np.nan)
    ends[:, 0], ends[:, 1] = points, points + 1e-3
    with plt.rc_context({"path.simplify": False}):
        axis.plot(*ends.reshape(-1, 2).T, color=ORANGE, lw=3.2, solid_capstyle="round")


# --- learning by heart ---------------------------------------------------------------------------------------


def gan_by_heart() -> Figure:
    """The digits with and without R1: Fréchet distance, and without it what D says of old and new digits."""
    found = stored("gan")["by_heart"]
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.4))
    turns = found["turns"]
    for name, colour, dashes in (("no_r1", ORANGE, "-"), ("r1", BLUE, "--")):
        band(left, turns, found[name]["frechet_val"], colour, dashes, WORDS[name])
    left.set(xlabel=WORDS["turn"], title=WORDS["frechet_val"], ylim=(0, None))
    for key, colour, dashes in (("logit_train", ORANGE, "-"), ("logit_val", GREEN, ":")):
        band(right, turns, found["no_r1"][key], colour, dashes, WORDS[key])
    right.axhline(0, color=TEXT, lw=1)
    right.set(xlabel=WORDS["turn"], title=WORDS["logits_no_r1"])
    for axis in (left, right):
        axis.legend()
    return figure


def band(axis: Axes, x: list, runs: list, colour: str, dashes: str, words: str) -> None:
    """The mean of the runs as a line, and from the lowest to the highest as a band."""
    runs = np.array(runs)
    axis.fill_between(x, runs.min(axis=0), runs.max(axis=0), color=colour, alpha=0.2, lw=0)
    axis.plot(x, runs.mean(axis=0), dashes, color=colour, label=words)


FIGURES = (gan_turns, gan_distances, gan_failures, gan_by_heart)
