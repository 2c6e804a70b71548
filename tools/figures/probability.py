"""The figures of the pages on probability and on measures."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Rectangle

from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH
from tools.figures.words import WORDS


def normal(x: np.ndarray, mu: float = 0.0, sd: float = 1.0) -> np.ndarray:
    """The density of N(mu, sd^2) at x."""
    return np.exp(-(((x - mu) / sd) ** 2) / 2) / (sd * np.sqrt(2 * np.pi))


def density() -> Figure:
    """Two Gaussians of different width; the narrow one is higher than 1."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.0))
    x = np.linspace(-3, 3, 301)
    for sd, colour, dashes in ((1.0, BLUE, "--"), (0.2, ORANGE, "-")):
        axis.plot(x, normal(x, sd=sd), dashes, color=colour, label=rf"$\sigma = {sd:g}$")
    part = np.linspace(-0.2, 0.2, 41)
    axis.fill_between(part, normal(part, sd=0.2), color=ORANGE, alpha=0.4, lw=0)
    axis.axhline(1, color=TEXT, lw=1, ls=":")
    axis.annotate(
        WORDS["area"], (0.12, 0.7), (0.75, 0.62), arrowprops={"arrowstyle": "->", "color": TEXT}
    )
    axis.set(xlabel=WORDS["value"], ylabel=WORDS["density"], ylim=(0, 2.1))
    axis.legend()
    return figure


def counting() -> Figure:
    """1,000 messages as a square: spam or not across, alarm or not upwards."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.2))
    for left, width, share, counts in ((0, 0.1, 0.8, (80, 20)), (0.1, 0.9, 0.1, (90, 810))):
        axis.add_patch(Rectangle((left, 0), width, share, fc=ORANGE, alpha=0.15, lw=0))
        axis.add_patch(Rectangle((left, 0), width, share, fc="none", ec=ORANGE, lw=2.5))
        axis.add_patch(Rectangle((left, share), width, 1 - share, fc="none", ec=TEXT))
        axis.text(left + width / 2, share / 2, f"{counts[0]}", ha="center", va="center")
        axis.text(left + width / 2, (1 + share) / 2, f"{counts[1]}", ha="center", va="center")
    axis.text(0.0, 1.03, WORDS["spam"])
    axis.text(0.55, 1.03, WORDS["fine"], ha="center")
    axis.text(1.02, 0.05, WORDS["fires"], va="center")
    axis.text(1.02, 0.55, WORDS["silent"], va="center")
    axis.set(xlim=(0, 1.3), ylim=(0, 1.12))
    axis.axis("off")
    return figure


def averages() -> Figure:
    """Running averages of die throws, with the band of the Monte Carlo error."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.0))
    n = np.arange(1, 3001)
    rng = np.random.default_rng(0)
    shown = np.unique(np.geomspace(1, len(n), 150).astype(int)) - 1
    for colour, dashes in ((BLUE, "-"), (ORANGE, "--"), (GREEN, "-.")):
        running = rng.integers(1, 7, len(n)).cumsum() / n
        axis.plot(n[shown], running[shown], dashes, color=colour, lw=1.6)
    error = np.sqrt(35 / 12 / n[shown])
    axis.fill_between(
        n[shown], 3.5 - error, 3.5 + error, color=TEXT, alpha=0.25, lw=0, label=WORDS["band"]
    )
    axis.set(xscale="log", xlabel=WORDS["n"], ylabel=WORDS["average"], ylim=(1, 6))
    axis.legend()
    return figure


def ellipses() -> Figure:
    """Points of three 2-D Gaussians with the same variances and different covariance."""
    figure, axes = plt.subplots(
        1, 3, figsize=(WIDTH, 2.9), sharex=True, sharey=True, layout="compressed"
    )
    eps = np.random.default_rng(0).standard_normal((70, 2))
    angle = np.linspace(0, 2 * np.pi, 61)
    circle = np.stack([np.cos(angle), np.sin(angle)], axis=1)
    for axis, rho in zip(axes, (0.0, 0.8, -0.8), strict=True):
        factor = np.linalg.cholesky(np.array([[1, rho], [rho, 1]]))
        axis.plot(*(eps @ factor.T).T, "o", ms=2.5, color=BLUE, mew=0)
        for radius in (1, 2):
            axis.plot(*(radius * circle @ factor.T).T, color=ORANGE, lw=1.6)
        axis.set(
            title=rf"$\Sigma_{{12}} = {rho:g}$", xlabel="$x_1$", xlim=(-3.2, 3.2), ylim=(-3.2, 3.2)
        )
        axis.set_aspect("equal")
    axes[0].set_ylabel("$x_2$")
    return figure


def bound() -> Figure:
    """log x lies below its tangent x - 1."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.8))
    x = np.linspace(0.05, 3.5, 200)
    axis.plot(x, np.log(x), color=BLUE, label=r"$\log x$")
    axis.plot(x, x - 1, "--", color=ORANGE, label="$x - 1$")
    axis.plot(1, 0, "o", color=TEXT)
    axis.set(xlabel="$x$", ylim=(-3, 2.6))
    axis.legend()
    return figure


def kl() -> Figure:
    """The integrand of KL(N(1, 1) || N(0, 1)): its signed area is 0.5."""
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(WIDTH, 4.2), sharex=True)
    x = np.linspace(-3.5, 4.5, 321)
    p, q = normal(x, 1), normal(x, 0)
    top.plot(x, p, color=BLUE, label=r"$p = \mathcal{N}(1, 1)$")
    top.plot(x, q, "--", color=ORANGE, label=r"$q = \mathcal{N}(0, 1)$")
    top.set_ylabel(WORDS["density"])
    top.legend()
    f = p * np.log(p / q)
    bottom.fill_between(x, f, where=f >= 0, color=GREEN, alpha=0.5, lw=0, label=WORDS["positive"])
    bottom.fill_between(x, f, where=f <= 0, color=ORANGE, alpha=0.5, lw=0, label=WORDS["negative"])
    bottom.plot(x, f, color=TEXT, lw=1.4)
    bottom.set(xlabel=WORDS["value"], ylabel=r"$p\,\log(p/q)$", title=WORDS["total"])
    bottom.legend()
    return figure


def manifolds() -> Figure:
    """k-NN precision and recall on eight points, k = 1."""
    real = np.array([[0.0, 0.0], [0.9, 0.3], [0.5, 0.8], [2.4, 0.5], [2.9, 0.7]])
    fake = np.array([[0.45, 0.35], [0.8, 0.65], [1.75, 1.5]])
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.4), sharex=True, sharey=True)
    rows = ((real, fake, BLUE, "precision"), (fake, real, ORANGE, "recall"))
    for axis, (centres, judged, colour, title) in zip(axes, rows, strict=True):
        for centre, radius in zip(centres, nearest(centres), strict=True):
            axis.add_patch(Circle(centre, radius, fc=colour, alpha=0.18, lw=0))
            axis.add_patch(Circle(centre, radius, fc="none", ec=colour, lw=1))
        axis.plot(*real.T, "o", color=BLUE, ms=7, label=WORDS["real"])
        axis.plot(*fake.T, "X", color=ORANGE, ms=9, mew=0, label=WORDS["generated"])
        axis.set_title(WORDS[title].format(covered(judged, centres), len(judged)))
        axis.set(xlim=(-1.2, 3.9), ylim=(-1.2, 3.0), xticks=[], yticks=[])
        axis.set_aspect("equal")
    axes[0].legend(loc="upper left")
    return figure


def covered(points: np.ndarray, centres: np.ndarray) -> int:
    """How many points lie in the ball of a centre that reaches to its nearest other centre."""
    distance = np.linalg.norm(points[:, None] - centres, axis=2)
    return int((distance <= nearest(centres)).any(axis=1).sum())


def nearest(points: np.ndarray) -> np.ndarray:
    """Distance of each point to its nearest other point."""
    distance = np.linalg.norm(points[:, None] - points, axis=2)
    np.fill_diagonal(distance, np.inf)
    return distance.min(axis=1)


FIGURES = (density, counting, averages, ellipses, bound, kl, manifolds)
