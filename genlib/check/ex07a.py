"""Checkers of notebook 07a, measures on trial."""

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
    need_two,
    praise,
)


def _ends(values: Tensor, tail: float = 0.025) -> tuple[float, float]:
    """The quantiles that leave a share `tail` on each side."""
    low, high = values.double().quantile(torch.tensor([tail, 1 - tail]).double()).tolist()
    return low, high


@exercise
def exercise_1(answer) -> str:
    """answer(value, values): 1 above the middle 95 % of the values, -1 below, 0 inside."""
    for n, seed in ((200, 0), (101, 3), (400, 8)):
        u = torch.rand(n, generator=torch.Generator().manual_seed(seed))
        values = 0.2 - (1 - u).log()  # skewed, as Fréchet distances are
        (low, high), (a, b) = _ends(values), _ends(values, 0.05)
        least, most = values.min().item(), values.max().item()
        mean, sd = values.mean().item(), values.std().item()
        tried = [mean, (b + high) / 2, (high + most) / 2, most + 1, least - 0.1, (least + low) / 2]
        tried.append((low + a) / 2)

        def sides(low: float, high: float, tried=tried) -> Tensor:
            return torch.tensor([float((v > high) - (v < low)) for v in tried])

        found = torch.tensor([need_number(answer(value, values)) for value in tried])
        right = sides(low, high)
        wrong = {
            "the sign is turned: 1 is above the middle 95 %, and -1 below.": -right,
            "a value above the middle 95 % counts, too.": sides(low, math.inf),
            "a value below the middle 95 % counts, too.": sides(-math.inf, high),
            "a value below the middle 95 % is -1.": right.abs(),
            "this is the range of all values: one wild draw would widen it. Cut 2.5 % on each side.": (
                sides(least, most)
            ),
            "this leaves 5 % on each side, and 90 % in the middle.": sides(a, b),
            "mean and deviation fit values that scatter evenly to both sides; these do not. Take quantiles.": (
                sides(mean - 1.96 * sd, mean + 1.96 * sd)
            ),
            "one deviation on each side of the mean is about 68 %, where values scatter evenly; take quantiles.": (
                sides(mean - sd, mean + sd)
            ),
        }
        need_none_of(found, wrong, right)
        for value, said, expected in zip(tried, found.tolist(), right.tolist(), strict=True):
            need(
                said == expected,
                "value {value:.3f}, middle 95 % from {low:.3f} to {high:.3f}: expected {expected:g}, got {said:g}.",
                value=value,
                low=low,
                high=high,
                expected=expected,
                said=said,
            )
    return praise("No bell was assumed: the draws themselves say how far they scatter.")


def _mmd(a: Tensor, b: Tensor, degree: int = 3, plus: float = 1, divide: bool = True) -> dict:
    """The means of the cubic kernel, double precision: within a and b, with and without the diagonal, and across."""
    size = a.shape[1] if divide else 1
    kernels = [((x @ y.T) / size + plus) ** degree for x, y in ((a, a), (b, b), (a, b))]
    (aa, bb, ab), (n, m) = kernels, (len(a), len(b))
    within = (aa.sum() - aa.trace()) / (n * (n - 1)) + (bb.sum() - bb.trace()) / (m * (m - 1))
    return {"within": within, "biased": aa.mean() + bb.mean(), "across": ab.mean()}


@exercise
def exercise_2(answer) -> str:
    """answer(a, b): the unbiased squared MMD of the cubic kernel, one number."""
    for n, m, size in ((6, 4, 3), (5, 9, 2), (2, 3, 4)):
        rng = torch.Generator().manual_seed(n)
        a = torch.randn(n, size, generator=rng)
        b = 1.5 * torch.randn(m, size, generator=rng) + 0.5
        found = need_number(answer(a, b))
        means = _mmd(a.double(), b.double())
        right = means["within"] - 2 * means["across"]

        def other(a=a, b=b, **change) -> Tensor:
            changed = _mmd(a.double(), b.double(), **change)
            return changed["within"] - 2 * changed["across"]

        wrong = {
            "a point is paired with itself here: leave the diagonal out within each set, and divide by n (n - 1).": (
                means["biased"] - 2 * means["across"]
            ),
            "a point is paired with itself here; the sum leaves it out, but the number of pairs is n (n - 1).": (
                _divided_by_all(a.double(), b.double()) - 2 * means["across"]
            ),
            "pairs across the sets count twice, a with b and b with a.": (
                means["within"] - means["across"]
            ),
            "the sign is turned: pairs within a set count positive.": -right,
            "divide the inner product by the number of features.": other(divide=False),
            "the kernel is a cube.": other(degree=2),
            "the 1 in the kernel is missing: without it means are not compared.": other(plus=0),
            "this is the square root; return the squared discrepancy.": right.clamp(min=0).sqrt(),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right) or abs(found - right) < 1e-4 * max(1.0, abs(right.item())),
            "expected {right:.4f}, got {found:.4f}: mean of k within a, plus mean within b, minus twice that across.",
            right=right.item(),
            found=found,
        )
    return praise("Its average is right at any n.")


def _divided_by_all(a: Tensor, b: Tensor) -> Tensor:
    """The means within, where the diagonal is left out of the sum and not of the number of pairs."""
    size, total = a.shape[1], torch.zeros((), dtype=a.dtype)
    for x in (a, b):
        k = (x @ x.T / size + 1) ** 3
        total = total + (k.sum() - k.trace()) / len(x) ** 2
    return total


@exercise
def exercise_3(answer) -> str:
    """answer(sizes, values): where the straight line in 1 / n ends for infinitely many samples."""
    for sizes, noise in (
        ([100, 200, 500, 1000], 0.05),
        ([50, 80], 0.0),
        ([30, 60, 90, 120, 500], 0.1),
    ):
        n = torch.tensor(sizes, dtype=torch.float32)
        rng = torch.Generator().manual_seed(len(sizes))
        values = 1.3 + 60 / n + noise * torch.randn(len(n), generator=rng)
        found = need_number(answer(n, values))

        def line(x: Tensor, values=values) -> tuple[Tensor, Tensor]:
            x, y = x.double(), values.double()
            slope = ((x - x.mean()) * (y - y.mean())).sum() / (x - x.mean()).square().sum()
            return y.mean() - slope * x.mean(), slope

        (right, slope), (at_0, _) = line(1 / n), line(n)
        wrong = {
            "this line is one in n, and its value at n = 0 is that of no samples at all; take 1 / n.": at_0,
            "this is the slope of the line; its value at 1 / n = 0 is asked for.": slope,
            "this is the value of the largest n.": values[-1],
            "this is the mean of the values.": values.mean(),
            "the bias falls as 1 / n, not as one over the root of n.": line(n.rsqrt())[0],
            "this is the value of the line at 1 / n = 1; for infinitely many samples 1 / n is 0.": (
                right + slope
            ),
        }
        need_none_of(found, wrong, right)
        need(
            abs(found - right.item()) < 1e-3,
            "sizes {sizes}: expected {right:.3f}, got {found:.3f}, by least squares over all values.",
            sizes=sizes,
            right=right.item(),
            found=found,
        )
    return praise("A straight line, and a look at where it ends.")


@exercise
def exercise_4(answer) -> str:
    """answer(values, picks): the ends of the middle 95 % of the means of resampled values."""
    for n, B, seed in ((40, 1000, 0), (12, 400, 1)):
        rng = torch.Generator().manual_seed(seed)
        values = torch.rand(n, generator=rng).square()
        picks = torch.randint(n, (B, n), generator=rng)
        pair = need_two(answer(values, picks), "expected a pair: the lower end and the upper end.")
        found = torch.tensor([need_number(end) for end in pair])
        means = values[picks].mean(dim=1)
        need(found[0] <= found[1], "the two are swapped: first the lower end, then the upper one.")
        wrong = {
            "these are quantiles of the values themselves: take the mean of each resampled row first.": (
                torch.tensor(_ends(values))
            ),
            "these ends leave 5 % on each side; leave 2.5 %.": torch.tensor(_ends(means, 0.05)),
            "these are the smallest and the largest of the means; cut 2.5 % on each side.": (
                torch.stack([means.min(), means.max()])
            ),
            "this is the mean with one deviation of the resampled means on each side: that is about 68 %.": (
                means.mean() + means.std() * torch.tensor([-1.0, 1.0])
            ),
            "each row of picks is one resampled set: take the mean over dim=1, not over the rows.": (
                torch.tensor(_ends(values[picks].mean(dim=0)))
            ),
            "each row of picks is one resampled set; yours puts all in one.": (
                torch.tensor(_ends(values[picks].flatten()))
            ),
        }
        right = torch.tensor(_ends(means))
        need_none_of(found, wrong, right)
        ordered = means.sort().values  # neighbours in the order are as good
        for end, tail in zip(found, (0.025, 0.975), strict=True):
            k = round(tail * (B - 1))
            below, above = ordered[max(k - 2, 0)], ordered[min(k + 2, B - 1)]
            need(
                below - 1e-6 <= end <= above + 1e-6,
                "expected about {right}, got {found}: the quantiles 0.025 and 0.975 of the means of the rows.",
                right=[round(v, 3) for v in right.tolist()],
                found=[round(v, 3) for v in found.tolist()],
            )
    return praise("An interval without any formula for its width.")


@exercise
def exercise_5(answer) -> str:
    """answer(log_good, log_noise, share): log of share times one density plus the rest times another, (n,)."""
    for good, noise, share in (
        ([1.0, -2.0, 0.5], [0.0, 0.3, -1.0], 0.01),
        ([0.2, -0.4], [-0.1, 1.5], 0.5),
        ([60.0, 75.0, 20.0, -30.0], [0.0, 0.0, 0.0, 0.0], 0.01),
        ([900.0, -5000.0], [0.0, -4000.0], 0.2),
    ):
        good, noise = torch.tensor(good), torch.tensor(noise)
        found = need_tensor(answer(good, noise, share), (len(good),))
        a, b = math.log(share), math.log(1 - share)
        right = torch.logaddexp(good + a, noise + b)
        wrong = {
            "this mixes the logarithms; mix the densities, and take the logarithm of the sum.": (
                share * good + (1 - share) * noise
            ),
            "the weights are missing.": torch.logaddexp(good, noise),
            "the weights are swapped: share belongs to the first.": (
                torch.logaddexp(good + b, noise + a)
            ),
            "this is the lower bound log share + log p; the noise adds its part.": good + a,
            "this is the larger of the two parts; add both.": torch.maximum(good + a, noise + b),
            "this is the density; return its logarithm.": right.exp(),
            "both weights are share; the second is 1 - share.": torch.logaddexp(
                good + a, noise + a
            ),
        }
        need_none_of(found, wrong, right)
        need(
            bool(found.isfinite().all()),
            "for log densities {good} and {noise} yours is not finite: exp overflows, or gives 0. torch.logaddexp "
            "does not.",
            good=good.tolist(),
            noise=noise.tolist(),
        )
        need(
            close(found, right),
            "share {share:g}, log densities {good} and {noise}: expected {right}, got {found}.",
            share=share,
            good=good.tolist(),
            noise=noise.tolist(),
            right=[round(v, 3) for v in right.tolist()],
            found=[round(v, 3) for v in found.tolist()],
        )
    return praise("The noise can cost no more than the logarithm of 1 / share.")


@exercise
def exercise_6(answer) -> str:
    """answer(a): other points with the mean and the covariance of a, (n, D)."""
    for n, D in ((50, 2), (80, 3), (40, 1)):
        u = torch.rand(n, D, generator=torch.Generator().manual_seed(n))
        a = -u.log() * torch.arange(1, D + 1) + u.flip(1)  # skewed, and correlated
        found = need_tensor(answer(a), (n, D)).double()
        need(bool(found.isfinite().all()), "some numbers are not finite.")
        wanted, size = a.double(), a.std().item()
        off = (found.mean(dim=0) - wanted.mean(dim=0)).abs().max().item() / size
        C, C_right = (torch.atleast_2d(x.T.cov()) for x in (found, wanted))
        spread = ((C - C_right).abs().max() / C_right.abs().max()).item()
        need(
            off < 1e-2 or spread > 1e-2,
            "the covariance is right, and the mean is off by {off:.2f} deviations.",
            off=off,
        )
        need(off < 1e-2, "the mean is off by {off:.2f} deviations.", off=off)
        need(
            spread < 1e-2,
            "the mean is right, and the covariance is off by {spread:.0%}.",
            spread=spread,
        )
        same = (torch.cdist(found, wanted).amin(dim=1) < 1e-3 * size).double().mean().item()
        need(
            same < 0.5,
            "these are the points of a themselves, in some order; find others.",
        )
    return praise("The Fréchet distance takes them for the same.")


@exercise
def exercise_7(answer) -> str:
    """answer(n): the least number of right answers that guessing reaches in at most 5 % of all cases."""
    numbers = (20, 10, 100, 5, 4, 50)

    def least(level: float) -> Tensor:
        """For each n the least number that guessing reaches in at most this share of the cases."""
        return torch.tensor(
            [next(r for r in range(n + 2) if _luck(r, n) <= level) for n in numbers]
        )

    found = torch.tensor([need_number(answer(n)) for n in numbers])
    n, right = torch.tensor(numbers), least(0.05)
    wrong = {
        "half of them right is what guessing brings on average; ask how often it brings so many or more.": n
        / 2,
        "this asks for 2.5 %; only one side counts here, that of many right answers.": least(0.025),
        "one too few: did you leave out that number itself? So many *or more*.": right - 1,
        "one too many: is one less enough, too?": right + 1,
        "of 4, even all right happens to a guesser more often than in 5 %: the answer is n + 1, as the text says.": (
            right.minimum(n)
        ),
        "these are the probabilities; the number of right answers is asked for.": (
            torch.tensor([_luck(int(r), k) for r, k in zip(right, numbers, strict=True)])
        ),
    }
    need_none_of(found, wrong, right)
    for k, said, expected in zip(numbers, found.tolist(), right.tolist(), strict=True):
        need(
            said == expected,
            "n = {k}: expected {expected}, got {said:g}. Add up the probabilities C(n, k) / 2^n of that many and more.",
            k=k,
            said=said,
            expected=expected,
        )
    return praise("Less than that, and a guesser would do as well often enough.")


def _luck(right: int, n: int) -> float:
    """How probable it is that guessing has at least so many right of n."""
    return sum(math.comb(n, k) for k in range(right, n + 1)) / 2**n
