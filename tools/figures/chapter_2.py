"""The figures of chapter 2, autoencoders."""

import matplotlib.pyplot as plt
import numpy as np
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import PathPatch, Rectangle
from matplotlib.path import Path

from genlib.data import spiral
from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas
from tools.figures.words import WORDS


def autoencoder() -> Figure:
    """A test digit, encoder, code, decoder, and what the stored network with 16 numbers makes of the digit."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.6))
    canvas(axis, 14.4, 5.2)
    rows = stored("autoencoder")["pictures"]["reconstructions"]
    digit(axis, rows["unseen"][0], (0.3, 1.5), 2.4)
    digit(axis, rows["autoencoder_16"][0], (11.7, 1.5), 2.4)
    box(axis, (4.7, 2.7), (2.4, 3.2), WORDS["encoder"], BLUE, taper=0.6)
    box(axis, (9.7, 2.7), (2.4, 3.2), WORDS["decoder"], ORANGE, taper=-0.6)
    for i in range(4):
        axis.add_patch(Rectangle((7.0, 2.1 + 0.3 * i), 0.4, 0.3, fc="none", ec=GREEN, lw=1.6))
    for start, end in ((2.8, 3.45), (6.0, 6.9), (7.5, 8.4), (11.0, 11.6)):
        arrow(axis, (start, 2.7), (end, 2.7))
    labels = (
        (1.5, "image"),
        (4.7, "recognition"),
        (7.2, "code"),
        (9.7, "generative"),
        (12.9, "rebuilt"),
    )
    for x, word in labels:
        axis.text(x, 0.95, WORDS[word], ha="center", va="top", linespacing=1.4)
    return figure


def digit(axis: Axes, levels: list[int], corner: tuple[float, float], width: float) -> None:
    """64 grey levels 0..16 as squares, paper left clear, in a frame with its lower left corner at `corner`."""
    side, ink = width / 8, np.array(levels).reshape(8, 8)
    for level in sorted(set(ink.ravel().tolist()) - {0}):
        squares = [
            square(corner[0] + side * column, corner[1] + side * (7 - row), side)
            for row, column in np.argwhere(ink == level)
        ]
        shade = Path.make_compound_path(*squares)
        axis.add_patch(PathPatch(shade, fc=TEXT, alpha=level / 16, lw=0))
    axis.add_patch(Rectangle(corner, width, width, fc="none", ec=TEXT, lw=1.0))


def square(x: float, y: float, side: float) -> Path:
    """A square as a closed path."""
    corners = [(x, y), (x + side, y), (x + side, y + side), (x, y + side), (x, y)]
    return Path(corners, closed=True)


def one_direction() -> Figure:
    """Points in the plane and a line through their mean; and the mean squared distance over the line's angle."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.0), width_ratios=(1, 1.15))
    points = slanted_points()
    S = points.T @ points / len(points)
    u = np.array([np.cos(np.pi / 12), np.sin(np.pi / 12)])
    feet = (points @ u)[:, None] * u
    for point, foot in zip(points, feet, strict=True):
        left.plot(*np.stack([point, foot]).T, color=ORANGE, lw=1.2)
    left.plot(*points.T, "o", color=BLUE, ms=4, mew=0)
    left.plot(*np.outer(u, [-3.2, 3.2]), color=TEXT, lw=1.6)
    left.annotate("$u$", 3.2 * u, (4, 0), textcoords="offset points", va="center")
    left.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-3.7, 3.7), ylim=(-2.8, 2.8))
    left.set_aspect("equal")
    angle = np.linspace(0, 180, 181)
    turned = np.stack([np.cos(np.radians(angle)), np.sin(np.radians(angle))])
    error = np.trace(S) - (turned * (S @ turned)).sum(axis=0)
    right.plot(angle, error, color=ORANGE)
    right.plot(15, np.trace(S) - u @ S @ u, "o", color=TEXT)
    low, high = np.linalg.eigvalsh(S)
    for value, name in ((low, r"$\lambda_2$"), (high, r"$\lambda_1$")):
        right.axhline(value, color=TEXT, lw=1, ls=":")
        right.annotate(name, (180, value), (4, 0), textcoords="offset points", va="center")
    right.set(
        xlabel=WORDS["angle"], ylabel=WORDS["error"], xlim=(0, 180), xticks=(0, 45, 90, 135, 180)
    )
    right.set_ylim(0, 1.15 * high)
    return figure


def slanted_points() -> np.ndarray:
    """40 points of mean zero that vary most along a slanted direction, (40, 2)."""
    eps = np.random.default_rng(1).standard_normal((40, 2))
    points = eps @ np.linalg.cholesky(np.array([[2.0, 1.0], [1.0, 1.0]])).T
    return points - points.mean(axis=0)


def arrows() -> Figure:
    """Left, one noisy point and the clean points it may come from; right, sigma^2 times the exact score."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.8), sharey=True, layout="compressed")
    candidates(axes[0])
    field(axes[1])
    for axis, title in zip(axes, ("candidates", "field"), strict=True):
        axis.set(title=WORDS[title], xlabel="$x_1$", xlim=(-2.8, 2.2), ylim=(-2.0, 2.6))
        axis.set_aspect("equal")
    axes[0].set_ylabel("$x_2$")
    return figure


SIGMA = 0.3  # of the noise in `arrows`


def candidates(axis: Axes) -> None:
    """Clean points, the larger the more probable each is once the noisy point was seen, and their average."""
    noisy = torch.tensor([[0.55, -0.3]])
    clean = spiral().sample(90, torch.Generator().manual_seed(0))
    weight = (-(clean - noisy).square().sum(dim=1) / (2 * SIGMA**2)).softmax(dim=0)
    average = weight @ clean
    size = 1 + 8 * (weight / weight.max()).sqrt()
    for diameter in range(1, 10):
        chosen = size.round() == diameter
        axis.plot(*clean[chosen].T.numpy(), "o", color=BLUE, ms=diameter, mew=0, alpha=0.7)
    axis.plot(*noisy[0].tolist(), "X", color=ORANGE, ms=9, mew=0)
    arrow(axis, tuple(noisy[0].tolist()), tuple(average.tolist()), colour=ORANGE)
    axis.annotate(r"$\tilde{x}$", noisy[0].tolist(), (-5, 8), textcoords="offset points")
    axis.annotate(r"$r^*(\tilde{x})$", average.tolist(), (-46, -3), textcoords="offset points")


def field(axis: Axes) -> None:
    """Level lines of the density of noisy points, and the exact arrows of Tweedie's formula where such points lie."""
    p_noisy = spiral().noised(1, SIGMA)
    line = torch.linspace(-2.7, 2.7, 40)
    log_p = p_noisy.log_prob(torch.cartesian_prod(line, line)).reshape(40, 40).T
    levels = [log_p.max().item() - depth for depth in (4, 2, 1)]
    axis.contour(line, line, log_p, levels=levels, colors=BLUE, linewidths=1.0, linestyles="solid")
    coarse = torch.linspace(-2.5, 2.5, 13)
    x = torch.cartesian_prod(coarse, coarse)
    x = x[p_noisy.log_prob(x) > levels[0]]
    step = SIGMA**2 * p_noisy.score(x)
    shafts = Path.make_compound_path(*map(shaft, x.numpy(), step.numpy()))
    axis.add_patch(PathPatch(shafts, fc="none", ec=ORANGE, lw=1.3))


def shaft(start: np.ndarray, step: np.ndarray, head: float = 0.11) -> Path:
    """An arrow as two strokes; a short one gets a short head."""
    end, length = start + step, np.linalg.norm(step)
    along = step / length * min(head, 0.6 * length)
    across = 0.6 * np.array([-along[1], along[0]])
    corners = [start, end, end - along + across, end, end - along - across]
    return Path(corners, [Path.MOVETO, Path.LINETO, Path.MOVETO, Path.LINETO, Path.LINETO])


FIGURES = (autoencoder, one_direction, arrows)
