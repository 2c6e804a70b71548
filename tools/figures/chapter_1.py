"""The figures of chapter 1, discriminative and generative models."""

from collections.abc import Callable

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Circle, Ellipse
from sklearn.linear_model import LogisticRegression

from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow
from tools.figures.words import WORDS

LOOKS = (("o-", TEXT), ("s--", ORANGE), ("^-.", BLUE), ("D:", GREEN))


def two_boundaries() -> Figure:
    """Two classes with correlated coordinates: the line of naive Bayes and that of logistic regression."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.6))
    rng, y = np.random.default_rng(0), np.arange(300) % 2
    factor = np.linalg.cholesky(np.array([[1, 0.8], [0.8, 1]]))
    x = rng.standard_normal((300, 2)) @ factor.T + np.stack([2.0 * y - 1, 0 * y], axis=1)
    for k, marker, colour in ((0, "o", BLUE), (1, "^", ORANGE)):
        axis.plot(*x[y == k].T, marker, ms=4, mew=0, color=colour, alpha=0.7)
    means = np.stack([x[y == k].mean(axis=0) for k in (0, 1)])
    variance = np.mean([x[y == k].var(axis=0) for k in (0, 1)], axis=0)
    naive = (means[1] - means[0]) / variance
    fitted = LogisticRegression(C=1e6).fit(x, y)
    lines = (
        (naive, -naive @ means.mean(axis=0), ":", "naive"),
        (fitted.coef_[0], fitted.intercept_[0], "-", "logistic"),
    )
    height = np.array([-3.4, 3.4])
    for weights, offset, dashes, name in lines:
        across = -(offset + weights[1] * height) / weights[0]
        axis.plot(across, height, dashes, color=TEXT, lw=2.4, label=WORDS[name])
    axis.set(xlabel="$x_1$", ylabel="$x_2$", xlim=(-4.5, 4.5), ylim=(-3.4, 3.4))
    axis.legend(loc="lower right")
    return figure


def readers() -> Figure:
    """How often four readers are right, on the test reviews and over ten folds, with standard errors."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.6))
    found, names = (
        stored("reviews"),
        ("majority", "word_list", "logistic_regression", "ngram"),
    )
    for part, shift, marker, colour in (
        ("test", -0.14, "o", BLUE),
        ("ten_folds", 0.14, "s", ORANGE),
    ):
        rows = [found[part]["rows"][name] for name in names]
        axis.errorbar(
            [100 * row["accuracy"] for row in rows],
            np.arange(len(names)) + shift,
            xerr=[100 * row["se"] for row in rows],
            fmt=marker,
            color=colour,
            capsize=4,
            label=WORDS[part].format(f"{found[part]['n']:,}"),
        )
    axis.set_yticks(range(len(names)), [WORDS[f"reader_{name}"] for name in names])
    axis.set(xlabel=WORDS["percent_right"], xlim=(45, 85), ylim=(3.5, -0.5))
    axis.legend(loc="lower left")
    return figure


def four_measures() -> Figure:
    """One sketch a measure, on points in the plane that stand for images."""
    figure, axes = plt.subplots(1, 4, figsize=(WIDTH, 2.2))
    for axis, name in zip(axes, ("frechet", "precision", "recall", "ratio"), strict=True):
        axis.set(xlim=(-2, 2), ylim=(-2, 2), xticks=[], yticks=[])
        axis.set_title(WORDS[f"measure_{name}"])
        axis.set_aspect("equal")
        axis.spines[:].set_visible(False)
    two_clouds(axes[0])
    real = on_circle(np.arange(0, 360, 40))
    fake = np.concatenate([0.95 * on_circle(np.array([10, 60, 105, 160])), [[0.1, 0.25]]])
    for axis, centres, colour in ((axes[1], real, BLUE), (axes[2], fake, ORANGE)):
        for centre in centres:
            radius = np.sort(np.linalg.norm(centres - centre, axis=1))[1]
            axis.add_patch(Circle(centre, radius, fc=colour, alpha=0.13, lw=0))
            axis.add_patch(Circle(centre, radius, fc="none", ec=colour, lw=0.8))
        points(axis, real, fake)
    points(axes[3], real, np.empty((0, 2)))
    for point, marker, colour in (((-0.2, -1.75), "s", GREEN), ((0.5, 1.25), "X", ORANGE)):
        nearest = real[np.linalg.norm(real - point, axis=1).argmin()]
        axes[3].plot(*np.stack([point, nearest]).T, color=colour, lw=1.8)
        axes[3].plot(*point, marker, color=colour, ms=8, mew=0)
    return figure


def two_clouds(axis: Axes) -> None:
    """Two clouds, each as the ellipse of a Gaussian, and the way between their centres."""
    for centre, size, angle, colour, marker in (
        ((-0.7, -0.5), (2.2, 1.2), 30, BLUE, "o"),
        ((0.7, 0.5), (1.2, 2.4), 0, ORANGE, "X"),
    ):
        axis.add_patch(Ellipse(centre, *size, angle=angle, fc=colour, alpha=0.2, lw=0))
        axis.add_patch(Ellipse(centre, *size, angle=angle, fc="none", ec=colour, lw=1.6))
        axis.plot(*centre, marker, color=colour, ms=8, mew=0)
    arrow(axis, (-0.6, -0.43), (0.6, 0.43))


def on_circle(degrees: np.ndarray) -> np.ndarray:
    """Points on a circle of radius 1.1."""
    angle = np.deg2rad(degrees)
    return 1.1 * np.stack([np.cos(angle), np.sin(angle)], axis=1)


def points(axis: Axes, real: np.ndarray, fake: np.ndarray) -> None:
    """Real points as dots, drawn ones as crosses."""
    axis.plot(*real.T, "o", color=BLUE, ms=5, mew=0)
    axis.plot(*fake.T, "X", color=ORANGE, ms=8, mew=0)


def fewer_images() -> Figure:
    """Test accuracy by the number of training images, and the difference to logistic regression."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(WIDTH, 3.6))
    found = stored("digits_statistics")["learning_curves"]
    sizes = found["sizes"]
    for (name, accuracy), (look, colour) in zip(found["accuracy"].items(), LOOKS, strict=True):
        left.plot(
            sizes,
            100 * np.array(accuracy),
            look,
            color=colour,
            ms=5,
            label=WORDS[f"learner_{name}"],
        )
        if name in found["minus_logistic_regression"]:
            paired = found["minus_logistic_regression"][name]
            mean, error = (100 * np.array(paired[key]) for key in ("mean", "standard_error"))
            right.errorbar(sizes, mean, 3 * error, fmt=look, color=colour, ms=5, capsize=3)
    right.axhline(0, color=TEXT)
    for axis, label in ((left, "percent_right"), (right, "points_ahead")):
        axis.set(xscale="log", xlabel=WORDS["training_images"], title=WORDS[label])
        axis.set_xticks(sizes, [str(n) for n in sizes])
        axis.minorticks_off()
    figure.legend(loc="outside lower center", ncols=2)
    return figure


FIGURES: tuple[Callable[[], Figure], ...] = (two_boundaries, readers, four_measures, fewer_images)
