"""Chapter 7: known ways to be wrong, with a dose, and all measures of the book on trial.

`CORRUPTIONS` are models whose fault is known: each gives real digits (n, 1, 8, 8) with classes y (n,) back with a part
of it, from dose 0, nothing, to dose 1, all of it. Under the same rng a larger dose has the faults of a smaller one, and
more. `halves` divides the digits that no model saw into two: one plays the samples, the other the reference.
`measures` puts every measure to samples, and `spread` says how far a measure scatters where nothing is wrong.
"""

import functools
from collections.abc import Sequence

import torch
from torch import Tensor

from genlib.autoencoder import mean_filter
from genlib.data import dequantise, digits
from genlib.evaluate import (
    class_histogram_tv,
    frechet_distance,
    kernel_distance,
    nearest_training_ratio,
    precision_recall,
    to_grey_levels,
    two_sample_accuracy,
)
from genlib.expect import (
    Seed,
    Share,
    Size,
    border,
    expect_data,
    expect_levels,
    expect_numbers,
    expect_one_of,
    expect_range,
    expect_whole,
)
from genlib.pretrained import judge
from genlib.rng import integers, normal, permutation, uniform
from genlib.statistical import ClassConditional, full_gaussian

DROPPED, ONLY, WRONG = (3, 8), 1, 4  # the classes of `two_dropped`, `one_class` and `one_wrong`

# --- known ways to be wrong --------------------------------------------------------------------------------------


@border
def blur(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """Every digit on its way to the mean over each pixel's 3 x 3 neighbourhood."""
    _expect_digits(x, y)
    return to_grey_levels(mean_filter(x, 1 - dose))


@border
def noise(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """Normal noise on every pixel, of standard deviation `dose` where ink is 1."""
    _expect_digits(x, y)
    return to_grey_levels(x + dose * normal(x, x.shape, rng))


@border
def shift(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits moved by one pixel to the right."""
    _expect_digits(x, y)
    moved = torch.zeros_like(x)
    moved[..., 1:] = x[..., :-1]
    return _where(_some(y >= 0, dose, rng), moved, x)


@border
def two_dropped(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits of the classes DROPPED replaced by others of x, of the eight classes that are left."""
    _expect_digits(x, y)
    dropped = (y == DROPPED[0]) | (y == DROPPED[1])
    return _replaced(x, dropped, dose, rng)


@border
def one_class(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of all digits but those of the class ONLY replaced by digits of that class in x."""
    _expect_digits(x, y)
    return _replaced(x, y != ONLY, dose, rng)


@border
def copied(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits replaced by training digits of the same class."""
    _expect_digits(x, y)
    train = digits().to(x.device)
    order, count = train.y_train.argsort(stable=True), train.y_train.bincount()
    first = count.cumsum(dim=0) - count  # where each class begins in that order
    place = first[y] + (uniform(x, y.shape, rng) * count[y]).long()
    return _where(_some(y >= 0, dose, rng), train.x_train[order[place]], x)


@border
def static(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits replaced by pixels at random; half noise is dose 0.5."""
    _expect_digits(x, y)
    return _where(_some(y >= 0, dose, rng), to_grey_levels(uniform(x, x.shape, rng)), x)


@border
def inverted(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits with ink and paper exchanged."""
    _expect_digits(x, y)
    return _where(_some(y >= 0, dose, rng), 1 - x, x)


@border
def one_wrong(x: Tensor, y: Tensor, dose: Share, rng: torch.Generator | None = None) -> Tensor:
    """A share of the digits of the class WRONG turned upside down; the other nine classes are right."""
    _expect_digits(x, y)
    return _where(_some(y == WRONG, dose, rng), x.flip(2, 3), x)


CORRUPTIONS = {
    f.__name__: f
    for f in (blur, noise, shift, two_dropped, one_class, copied, static, inverted, one_wrong)
}


def _expect_digits(x: Tensor, y: Tensor) -> None:
    """Check digits on their grey levels, and their classes."""
    n = expect_data("x", x, "n 1 8 8")["n"]
    expect_range("x", x, 0, 1)
    expect_whole("y", y, 0, 9, n=n)


def _some(among: Tensor, dose: float, rng: torch.Generator | None) -> Tensor:
    """A mask of a share `dose` of the rows where `among` holds, (n,); a larger dose takes the same rows and more."""
    order = permutation(len(among), rng).to(among.device)
    order = order[among[order]]
    mask = torch.zeros_like(among)
    mask[order[: round(dose * len(order))]] = True
    return mask


def _where(mask: Tensor, new: Tensor, x: Tensor) -> Tensor:
    return torch.where(mask[:, None, None, None], new, x)


def _replaced(x: Tensor, among: Tensor, dose: float, rng: torch.Generator | None) -> Tensor:
    """x with a share of the rows where `among` holds replaced by rows where it does not."""
    others = x[~among]
    if not len(others):
        raise ValueError("y: expected a digit at least of a class that is left, got none")
    new = others[integers(len(x), len(others), rng).to(x.device)]
    return _where(_some(among, dose, rng), new, x)


# --- all measures on trial ---------------------------------------------------------------------------------------

# What is a worse value: a higher one (+1), a lower one (-1), or either (0).
WORSE = {
    "frechet": 1,
    "kernel": 1,
    "precision": -1,
    "recall": -1,
    "class_tv": 1,
    "nearest_ratio": 0,
    "label_accuracy": -1,
    "two_sample": 1,
    "log_prob": 0,
}


@border
def halves(rng: torch.Generator | None = None) -> tuple[Tensor, Tensor, Tensor]:
    """The 797 digits that were not trained on, divided at random: x, y to play samples, and a reference, 398 each."""
    data = digits()
    x, y = torch.cat([data.x_val, data.x_test]), torch.cat([data.y_val, data.y_test])
    order = permutation(len(x), rng)
    a, b = order[:398], order[398:796]
    return x[a], y[a], x[b]


@border
def measures(
    x: Tensor, y: Tensor, real: Tensor, rng: torch.Generator | None = None
) -> dict[str, float]:
    """Every measure of samples x, asked for as y, against as many real digits; what is worse, says WORSE.

    frechet, kernel, precision, recall, class_tv, nearest_ratio, label_accuracy: as in `evaluate`, of the judge.
    two_sample: accuracy of a fresh classifier that looks at pixels.
    log_prob: mean log density of the samples minus that of the real digits, nats, under chapter 1's Gaussians with
        full covariance, one a class, fitted to the training digits.
    """
    n = expect_data("x", x, "n 1 8 8")["n"]
    expect_data("real", real, "n 1 8 8", n=n)
    expect_levels("x", x, 17)
    expect_levels("real", real, 17)
    expect_whole("y", y, 0, 9, n=n)
    seen = judge("digits", x.device)
    a, b = (seen.features(images).detach() for images in (x, real))
    read = seen.predict(x)
    precision, recall = precision_recall(b, a)
    log_p = [_density().log_prob(dequantise(images, rng)).mean() for images in (x, real)]
    return {
        "frechet": frechet_distance(a, b),
        "kernel": kernel_distance(a, b),
        "precision": precision,
        "recall": recall,
        "class_tv": class_histogram_tv(read, seen.predict(real)),
        "nearest_ratio": nearest_training_ratio(x, digits().x_train.to(x.device), real),
        "label_accuracy": (read == y).double().mean().item(),
        "two_sample": two_sample_accuracy(x.flatten(1), real.flatten(1), rng),
        "log_prob": (log_p[0] - log_p[1]).item(),
    }


@functools.cache
def _density() -> ClassConditional:
    """Chapter 1's Gaussians of the training digits."""
    data = digits()
    return full_gaussian().fit(
        dequantise(data.x_train, torch.Generator().manual_seed(0)), data.y_train
    )


@border
def real_against_real(draws: Size = 200, seed: Seed = 0) -> dict[str, list[float]]:
    """Every measure of one half of the unseen digits against the other, in many random halvings."""
    rng = torch.Generator().manual_seed(seed)
    rows = [measures(*halves(rng), rng) for _ in range(draws)]
    return {name: [row[name] for row in rows] for name in rows[0]}


@border
def spread(values: Sequence[float]) -> tuple[float, float]:
    """The ends of the middle 95 % of the values of one measure, as `real_against_real` gives them."""
    expect_data("values", expect_numbers("values", values), "draws")
    found = torch.tensor([float(value) for value in values], dtype=torch.float64)
    low, high = found.quantile(torch.tensor([0.025, 0.975], dtype=torch.float64)).tolist()
    return low, high


@border
def notices(name: str, value: float, low: float, high: float) -> int:
    """Whether a measure's value lies outside the spread of real digits: 1 for worse, -1 for better, 0 inside.

    Args:
        name: of WORSE.
    """
    expect_one_of("name", name, list(WORSE))
    # an end is inside, however it was rounded
    side = (value > high + 1e-9) - (value < low - 1e-9)
    return abs(side) if WORSE[name] == 0 else side * WORSE[name]
