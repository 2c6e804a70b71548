"""Checkers of notebook 04b, rings in the plane."""

import math

import torch
from torch import Tensor

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)

# samples about the modes: their number, and their offset from the centre in standard deviations
ABOUT = [(50, (2.5, 0)), (20, (0, -2.5)), (20, (-2.5, 0)), (30, (2, -2))]  # four are covered
ABOUT += [
    (19, (1, 1)),
    (19, (0, 1)),
    (19, (-1, 0)),
    (1, (0.5, 0)),
    (30, (-3.5, 0)),
    (30, (2.5, 2.5)),
]


@exercise
def exercise_1(answer) -> str:
    """answer(x, means, sd): number of modes with at least 20 samples within 3 sd."""
    rng = torch.Generator().manual_seed(0)
    grid = torch.cartesian_prod(torch.arange(4.0), torch.arange(3.0))
    for K, sd, about in ((10, 0.1, ABOUT), (12, 0.5, ABOUT[1:]), (5, 0.02, ABOUT[4:])):
        means = 40 * sd * grid[torch.randperm(12, generator=rng)[:K]]
        parts = [
            (means[k] + sd * torch.tensor(offset, dtype=means.dtype)).expand(n, 2)
            for k, (n, offset) in enumerate(about[:K])
        ]
        x = torch.cat([*parts, (means[0] + 15 * sd).expand(40, 2)])  # and some far from all
        x = x[torch.randperm(len(x), generator=rng)]
        found = need_number(answer(x, means, sd))
        near = x[:, None] - means  # (n, K, 2)
        distance = near.norm(dim=2)
        count = (distance <= 3 * sd).sum(dim=0)
        right = (count >= 20).sum()
        closest = distance == distance.min(dim=1, keepdim=True).values
        wrong = {
            "this counts modes with one sample as well; at least 20 are asked.": (count >= 1).sum(),
            "one mode has exactly 20 samples, and 'at least 20' includes it.": (count > 20).sum(),
            "a mode has 19 samples only; 20 are asked.": (count >= 19).sum(),
            "samples farther away than 3 sd are counted, too.": (closest.sum(dim=0) >= 20).sum(),
            "some samples lie 2.5 sd to the side *and* 2.5 sd up: 3.5 sd away. Take the distance in the plane.": (
                ((near.abs() <= 3 * sd).all(dim=2).sum(dim=0) >= 20).sum()
            ),
            "some samples lie 2 sd to the side and 2 sd down: 2.8 sd away, not 4. Take the distance in the plane.": (
                ((near.abs().sum(dim=2) <= 3 * sd).sum(dim=0) >= 20).sum()
            ),
            "this is the number of samples near a mode; count the modes.": count.sum(),
            "of the covered modes the number is asked, not the share.": right / K,
        }
        need_none_of(found, wrong, right)
        need(
            found > 0 or right == 0,
            "0 modes: many samples lie 2 to 3 sd from a centre. Take the distance in the plane, up to 3 sd, and "
            "count for each mode the samples near it: the sum goes over the samples.",
        )
        need(
            found == right,
            "{right} of these {K} modes are covered, you returned {found:g}.",
            right=right.item(),
            K=K,
            found=found,
        )
    return praise("The borderline cases are right, too.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, low, high, rng): x plus noise, every example at a log-uniform level of its own."""
    for n, low, high in ((20_000, 0.001, 0.1), (15_000, 0.05, 5.0)):
        x = 0.2 + 0.01 * torch.randn(n, 2, generator=torch.Generator().manual_seed(0))

        def drawn(x, seed, low=low, high=high):
            found = answer(x, low, high, torch.Generator().manual_seed(seed))
            return need_tensor(found, tuple(x.shape))

        def run(seed, x=x, drawn=drawn):
            return drawn(x, seed) - x

        noise = run(0)
        need(
            not (drawn(x + 1, 0) - drawn(x, 0)).abs().median().item() < 0.01,
            "return x plus the noise, not the noise alone.",
        )
        need(noise.abs().max().item() > 0, "this is x as it was: no noise is added.")
        need(noise.isfinite().all().item(), "some of your numbers are not finite.")
        need(
            close(noise, run(0)) and not close(noise, run(1)),
            "use the generator rng for every random number, so that the same seed gives the same noise.",
        )
        _look_at_the_random_numbers(noise)
        together = torch.corrcoef(_log(noise).T)[
            0, 1
        ].item()  # both hold the logarithm of the level
        angle = noise.abs().min(dim=1).values / noise.abs().max(dim=1).values
        need(
            together < 0.1
            or abs((angle < math.tan(math.pi / 8)).double().mean().item() - 0.5) < 0.03,
            "each example has its level, but the noise is not Gaussian; draw it with randn.",
        )
        _look_at_the_levels(noise, low, high)
        need(
            together > 0.1,
            "the two coordinates of an example have levels of their own; one for each example is asked, shape (n, 1).",
        )
    return praise("Coarse and fine views in one batch.")


def _log(noise: Tensor) -> Tensor:
    return noise.abs().clamp(min=1e-8).log()


def _look_at_the_random_numbers(noise: Tensor) -> None:
    """Stop the check where they are not new for every number, or not around 0."""
    ratio = noise[:, 1] / noise[:, 0]  # here the level has gone
    middle = ratio.nanmedian()
    need(
        (ratio - middle).abs().nanmedian() > 0.01 * middle.abs() or abs(middle - 1) < 0.01,
        "every example gets the same random numbers; draw them in the shape of x.",
    )
    need(
        abs((noise > 0).double().mean().item() - 0.5) < 0.02,
        "the noise should have mean 0; draw it with randn.",
    )
    both = noise.sign().prod(dim=1).mean().item()
    need(
        abs(both) < 0.05,
        "the two coordinates of an example get the same random number; draw noise in the shape of x.",
    )


def _look_at_the_levels(noise: Tensor, low: float, high: float) -> None:
    """Stop the check where their logarithms have another mean or variance than that of uniform ones."""
    logs = _log(noise)
    # for normal z the mean of log |z| is -0.635 and its variance pi^2 / 8
    found = logs.mean().item() + 0.635, logs.var().item() - math.pi**2 / 8
    need(found[1] > 0.06, "every example has the same noise level, or nearly.")
    u = torch.linspace(0, 1, 1001, dtype=torch.float64)
    right = low * (high / low) ** u
    need(
        not _alike(found, low + (high - low) * u),
        "the levels are uniform; their *logarithm* should be: low * (high / low) ** u with u uniform in [0, 1).",
    )
    need(
        not _alike(found, right.sqrt()),
        "the noise has the root of the level as its standard deviation; the level is the standard deviation.",
    )
    need(
        not _alike(found, right**2),
        "the noise is multiplied by the square of the level; the level is its standard deviation.",
    )
    need(
        not _alike(found, right.log10().exp()),
        "exp belongs to the natural logarithm, 10 ** to log10: yours are mixed.",
    )
    need(
        not _alike(found, right.log().abs().clamp(min=1e-6)),
        "the noise is multiplied by the logarithm of the level; take exp of it.",
    )
    need(
        _alike(found, right),
        "the noise has the wrong size: the mean logarithm of the level should be {right:.2f}, yours is about "
        "{found:.2f}. A level is low * (high / low) ** u with u uniform in [0, 1).",
        right=right.log().mean().item(),
        found=found[0],
    )


def _alike(found: tuple[float, float], level: Tensor) -> bool:
    """Whether mean and variance of the logarithms are those of these levels, up to chance."""
    mean, variance = level.log().mean().item(), level.log().var().item()
    return abs(found[0] - mean) < 0.12 and abs(found[1] - variance) < 0.15 * (variance + 1.2)


@exercise
def exercise_3(answer) -> str:
    """answer(real, fake, train_logits): accuracy of a fresh classifier on the second halves."""
    for of_real, of_fake in (  # what D says to the new points
        ([0.3, 2.0, 0.0, 0.3, 2.0, 2.0, 0.0, 0.3], [0.0, -1.0, 0.0, -1.0, 2.0, 0.0, -1.0, 0.0]),
        ([0.3, 0.0, 2.0, 0.3, 0.0], [0.0, -1.0, 0.0, 2.0, 0.0]),
    ):
        half = len(of_real)
        real = torch.stack([torch.arange(2.0 * half), torch.zeros(2 * half)], dim=1)
        fake = real + 100
        said = torch.tensor([2.0] * half + of_real), torch.tensor([-2.0] * half + of_fake)
        seen: list = []

        def D(x, said=said):
            index = torch.as_tensor(x)[..., 0].long()
            return torch.where(index < 100, said[0][index % 100], said[1][index % 100])

        def train_logits(a, b, seen=seen, D=D):
            seen.append((torch.as_tensor(a).clone(), torch.as_tensor(b).clone()))
            return D

        found = need_number(answer(real, fake, train_logits))
        need(len(seen) > 0, "train a fresh D: call train_logits(real, fake) on the first halves.")
        a, b = seen[0]
        need(
            len(a) == len(b) == half,
            "train on the first halves only; points that D has seen prove nothing.",
        )
        need(
            not (close(a, fake[:half]) and close(b, real[:half])),
            "the order is train_logits(real, fake).",
        )
        need(
            not (close(a, real[half:]) and close(b, fake[half:])),
            "train on the first halves, measure on the second.",
        )
        need(close(a, real[:half]) and close(b, fake[:half]), "train on the first halves.")

        def accuracy(real, fake, half=half):
            return (real.sum() + fake.sum()).item() / (2 * half)

        r, f = torch.tensor(of_real), torch.tensor(of_fake)
        right = accuracy(r > 0, f <= 0)
        wrong = {
            "you measured on the points that D was trained on; take the second halves.": 1.0,
            "all points are measured, those too that D was trained on; take the second halves.": (
                (1 + right) / 2
            ),
            "a logit above 0 means real: you counted the wrong answers.": 1 - right,
            "D returns logits, not probabilities: compare with 0, not with 1/2.": (
                accuracy(r > 0.5, f <= 0.5)
            ),
            "a fake with a logit of exactly 0 is called a fake, so it counts as right: <= 0.": (
                accuracy(r > 0, f < 0)
            ),
            "a real point with a logit of exactly 0 is called a fake: > 0.": accuracy(
                r >= 0, f <= 0
            ),
            "a logit of exactly 0 means fake: > 0 for real points, <= 0 for fakes.": (
                accuracy(r >= 0, f < 0)
            ),
            "count the right answers on fakes as well, and average.": (r > 0)
            .double()
            .mean()
            .item(),
            "count the right answers on real points as well, and average.": (
                (f <= 0).double().mean().item()
            ),
            "this is the sum of the two shares; average them.": 2 * right,
            "this comes out if all points are called the same; D returns logits, so compare with 0.": 0.5,
            "this is the share that D calls real, of all points.": accuracy(r > 0, f > 0),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right:.4g} for this D, you returned {found:.4g}.",
            right=right,
            found=found,
        )
    return praise("New points, both kinds, a fresh judge.")
