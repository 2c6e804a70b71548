"""A kernel density with a bandwidth to move, and the same formulas in Python."""

import math

import torch
from torch import Tensor

from genlib.expect import expect
from genlib.interact.base import Interactive, draws

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "A kernel density puts a small bell of width *h* on every training point and adds them up.",
    "h": "Bandwidth *h*",
    "smallest": "Smallest *h*",
    "best": "Best on held-out",
    "widest": "Largest *h*",
    "again": "Draw again",
    "densityTitle": "Solid: the kernel density. Dashed: the truth.",
    "densityLabel": "The kernel density over the true density, with the training points and samples below",
    "cut": "peaks are cut off",
    "trainingRow": "# training points",
    "sampleRow": "# samples of the kernel density",
    "scoreTitle": "Mean log-likelihood (nats a point) against *h*",
    "scoreLabel": "Log-likelihood against the bandwidth: on training points it grows as h shrinks, "
    "on held-out points it has a peak",
    "axis": "bandwidth *h* (log scale)",
    "trainCurve": "training points",
    "heldCurve": "held-out points",
    "train": "Training log-likelihood",
    "held": "Held-out log-likelihood",
    "ratio": "Nearest-training ratio",
    "unit": "nats",
    "verdicts": [
        "Samples are all but copies of training points.",
        "Samples lie closer to the training points than new data do.",
        "About as far from the training points as new data are.",
        "Many samples land where data are rare.",
    ],
}
LABEL = "A kernel density on a line and what its bandwidth does"
STILL = (
    "A kernel density with a small bandwidth has a high likelihood on its training points and a low one on new points. "
    "With JavaScript switched on, the bandwidth can be moved."
)
TRUTH = {"weights": [0.6, 0.4], "means": [-1.2, 1.4], "sds": [0.45, 0.8]}
LOW, HIGH = 0.01, 2.0


def kernel_log_prob(x: Tensor, train: Tensor, h: float) -> Tensor:
    """log p(x) in nats, (B,), of the kernel density with Gaussians of width h on `train`.

    Args:
        x: points on the line, (B,).
        train: training points, (N,).
        h: bandwidth, positive.

    Raises:
        ValueError: a shape does not fit, or h is not positive.
    """
    expect("x", x, "B")
    expect("train", train, "N")
    if not h > 0:
        raise ValueError(f"h: expected a positive bandwidth, got {h}")
    exponent = -((x[:, None] - train) ** 2) / (2 * h**2)
    return exponent.logsumexp(dim=1) - math.log(len(train) * h * math.sqrt(2 * math.pi))


def nearest_distance(x: Tensor, train: Tensor) -> Tensor:
    """Distance of each point to the nearest training point, (B,)."""
    return (x[:, None] - train).abs().min(dim=1).values


def true_points(n: int, rng: torch.Generator) -> Tensor:
    """n points of the two-bump density of the figure, (n,), rounded to what the page holds."""
    k = torch.multinomial(torch.tensor(TRUTH["weights"]), n, replacement=True, generator=rng)
    eps = torch.randn(n, generator=rng)
    x = torch.tensor(TRUTH["means"])[k] + torch.tensor(TRUTH["sds"])[k] * eps
    return (x.double() * 1000).round() / 1000


def figure_data() -> tuple[Tensor, Tensor]:
    """The 30 training and 200 held-out points of the figure, in double precision."""
    rng = torch.Generator().manual_seed(0)
    return true_points(30, rng), true_points(200, rng)


def figure_samples(train: Tensor, h: float, seed: int, n: int) -> Tensor:
    """The very samples that the figure draws for a seed, (n,)."""
    u, noise = draws(seed, n)
    return train[(u * len(train)).long()] + h * noise[:, 0]


def bandwidth(h: float = 0.3, *, n: int = 60, seed: int = 1) -> Interactive:
    """A kernel density on a line: as h shrinks, its samples become copies and its held-out likelihood falls.

    Args:
        h: the bandwidth at the start, 0.01 to 2.
        n: how many samples are shown, at most 500.
        seed: of the first samples.

    Raises:
        ValueError: h or n is out of range.
    """
    if not LOW <= h <= HIGH:
        raise ValueError(f"h: expected a bandwidth of {LOW} to {HIGH}, got {h}")
    if not 1 <= n <= 500:
        raise ValueError(f"n: expected 1 to 500 samples, got {n}")
    train, held = (points.tolist() for points in figure_data())
    data = {"train": train, "held": held, "truth": TRUTH, "low": LOW, "high": HIGH}
    data |= {"start": h, "words": WORDS, "n": n, "seed": seed}
    return Interactive("kernels.js", data, label=LABEL, still=STILL)
