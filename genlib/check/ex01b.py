"""Checkers of notebook 01b, digits by statistics."""

import functools
import math

import torch
from torch import Tensor

from genlib import data, evaluate, statistical
from genlib.check.verdict import (
    NotYet,
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(log_joint): log p(y | x), (n, K), from log p(x, y), (n, K)."""
    table = torch.tensor([[-2.0, -1.0, -4.0], [0.5, 0.0, -0.5]])
    other = torch.tensor([[-1.0, 0.5], [-2.0, -2.5], [-3.0, -1.5], [0.25, 1.0]])
    for log_joint in (table, other):
        right = log_joint.log_softmax(dim=1)
        found = need_tensor(answer(log_joint), tuple(log_joint.shape))
        if close(found, right):
            continue
        wrong = {
            "these are the probabilities p(y | x); return their logarithm.": right.exp(),
            "your probabilities sum to 1 down the columns. Every image has its own p(x): "
            "sum over the classes, dim=1.": log_joint.log_softmax(dim=0),
            "the probabilities of your whole table sum to 1. Every image has its own p(x): "
            "sum over the classes, dim=1.": log_joint - log_joint.flatten().logsumexp(dim=0),
            "you subtracted p(x) itself. In logarithms a division becomes the subtraction of log p(x).": (
                log_joint - log_joint.exp().sum(dim=1, keepdim=True)
            ),
            "you divided by log p(x). In logarithms a division becomes a subtraction.": (
                log_joint / log_joint.logsumexp(dim=1, keepdim=True)
            ),
            "you added log p(x). Dividing by p(x) is subtracting its logarithm.": (
                log_joint + log_joint.logsumexp(dim=1, keepdim=True)
            ),
            "you subtracted the sum of the logarithms. p(x) is the sum of the p(x, y): use torch.logsumexp.": (
                log_joint - log_joint.sum(dim=1, keepdim=True)
            ),
        }
        need_none_of(found, wrong)
        sums = found.exp().sum(dim=1)
        need(
            close(sums, torch.ones(len(sums))),
            "your probabilities sum to {total:.2f} for one of the images; did you normalise over classes?",
            total=sums[(sums - 1).abs().argmax()],
        )
        raise NotYet("the rows sum to 1, but the probabilities are not p(x, y) / p(x).")
    try:
        far = need_tensor(answer(table - torch.tensor([[2000.0], [0.0]])), (2, 3))
    except NotYet as problem:
        raise NotYet(
            "right for moderate numbers. At log p(x, y) near -2000: {problem}", problem=problem
        ) from None
    error = (far - table.log_softmax(dim=1)).abs().max()
    need(  # single precision rounds 2000 to 0.0001
        bool(error < 1e-3),
        "right for moderate numbers, but at log p(x, y) = -2000 every exp() is 0 and you divide by 0. "
        "Use torch.logsumexp, which takes the largest term out first.",
    )
    return praise("Bayes' rule in logarithms, safe for images of any size.")


@exercise
def exercise_2(answer) -> str:
    """answer(mean_0, mean_1, sd, prior_1): the x where both classes are equally probable."""
    for mean_0, mean_1, sd, prior_1 in (
        (-1.0, 3.0, 1.5, 0.2),
        (2.0, 2.6, 0.4, 0.9),
        (0.5, 3.5, 2.0, 0.5),
    ):
        log_odds, gap = math.log((1 - prior_1) / prior_1), mean_1 - mean_0
        middle, shift = (mean_0 + mean_1) / 2, sd**2 / gap * log_odds
        found = need_number(answer(mean_0, mean_1, sd, prior_1))
        if close(found, middle + shift):
            continue
        wrong = {
            "this is the midpoint of the means. The rarer class must give up room: "
            "set the two log-joints equal, priors included.": middle,
            "the boundary moved the wrong way: towards the frequent class. The rarer class keeps less room.": (
                middle - shift
            ),
            "almost: you used sd where the squared distance is divided by the variance, sd ** 2.": (
                middle + sd / gap * log_odds
            ),
            "almost: this holds for sd = 1 only. Where does the variance enter log p(x | y)?": (
                middle + log_odds / gap
            ),
            "almost: this holds for means at a distance of 1 only. "
            "The shift is divided by mean_1 - mean_0.": middle + sd**2 * log_odds,
            "half the shift: from the two squares 2 x (mean_1 - mean_0) remains, over 2 sd^2.": (
                middle + shift / 2
            ),
            "twice the shift: the square (x - mean)^2 is divided by 2 sd^2.": middle + 2 * shift,
            "this is the shift from the midpoint only; add the midpoint of the means.": shift,
            "use the natural logarithm of the odds, not log10.": middle + shift / math.log(10),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "for means {mean_0:g} and {mean_1:g}, sd {sd:g} and p(y=1) = {prior:g} the boundary lies at "
            "{right:.3f}, you returned {found:.3f}.",
            mean_0=mean_0,
            mean_1=mean_1,
            sd=sd,
            prior=prior_1,
            right=middle + shift,
            found=found,
        )
    return praise(
        "With equal variances the boundary is one point (in the plane a line), and the prior moves it."
    )


@exercise
def exercise_3(answer) -> str:
    """answer(): a bandwidth whose samples are about as far from the training images as validation images are."""
    h = need_number(answer())
    need(0 < h < math.inf, "a standard deviation is a number above 0, you returned {h:g}.", h=h)
    rng, digits = torch.Generator().manual_seed(0), _digits()
    model = statistical.kernel_density(h)
    model.fit(data.dequantise(digits.x_train, rng), digits.y_train, rng)
    samples = model.sample(500, rng)
    ratio = evaluate.nearest_training_ratio(samples, digits.x_train, digits.x_val)
    need(
        ratio > 0.3,
        "ratio {ratio:.3f}: these samples are copies of training images. The bandwidth is far too small.",
        ratio=ratio,
    )
    need(
        ratio >= 0.95,
        "ratio {ratio:.3f}, below 0.95: closer to the training images than new digits are. "
        "Raise the bandwidth a little.",
        ratio=ratio,
    )
    need(
        ratio < 3,
        "ratio {ratio:.3f}: these samples are noise. Pixels lie in [0, 1); the bandwidth is in the same unit.",
        ratio=ratio,
    )
    need(
        ratio <= 1.05,
        "ratio {ratio:.3f}, above 1.05: farther from the training images than new digits are. "
        "Lower the bandwidth a little.",
        ratio=ratio,
    )
    return praise(
        "Ratio {ratio:.3f}: as far away as new digits. Look at the samples: far away is not yet good.",
        ratio=ratio,
    )


@exercise
def exercise_4(answer) -> str:
    """answer(candidates, log_p_train, log_p_val): the candidate to keep."""
    widths = [0.05, 0.1, 0.2, 0.4, 0.8]
    first = widths, [90.0, 60.0, 30.0, 10.0, -50.0], [-20.0, 20.0, 25.0, 6.0, -80.0]
    turned = tuple(part[::-1] for part in first)
    bumps = [10, 30, 40, 5], [8.0, 21.0, 33.0, 4.0], [7.5, 12.0, 9.0, 3.8]
    for candidates, log_p_train, log_p_val in (first, bumps, turned):
        best = max(range(len(candidates)), key=log_p_val.__getitem__)
        found = need_number(answer(candidates, log_p_train, log_p_val))
        if close(found, candidates[best]):
            continue
        gaps = [a - b for a, b in zip(log_p_train, log_p_val, strict=True)]
        need(
            not close(found, candidates[log_p_train.index(max(log_p_train))]),
            "you chose {found:g}, the best on the training images. The training likelihood always asks for "
            "the freest density (the narrowest kernel, the most bumps).",
            found=found,
        )
        need(
            not close(found, candidates[gaps.index(min(gaps))]),
            "you chose {found:g}, the smallest gap between training and validation. A model that fits neither "
            "has a small gap too: choose the highest validation likelihood.",
            found=found,
        )
        need(
            not close(found, candidates[log_p_val.index(min(log_p_val))]),
            "you chose {found:g}, the lowest validation likelihood; choose the highest.",
            found=found,
        )
        need(
            found not in log_p_train + log_p_val,
            "{found:g} is a log-likelihood; return the candidate that has it.",
            found=found,
        )
        need(
            found != best,
            "{found:g} is the position of the best candidate; return the candidate itself.",
            found=found,
        )
        raise NotYet(
            "of the candidates {candidates} {right:g} has the highest validation log-likelihood, you chose {found:g}.",
            candidates=candidates,
            right=candidates[best],
            found=found,
        )
    return praise(
        "Fit on training images, choose on validation images, report on test images, once."
    )


@exercise
def exercise_5(answer) -> str:
    """answer(x, floor): mean and variance of every pixel, floor added to the variance; x (n, D)."""
    columns = torch.tensor(  # variances: 0, above the floor twice, and between 0 and the floor
        [
            [0, 0.2, 1, 0.2],
            [0, 0.4, 0, 0.3],
            [0, 0.9, 0.5, 0.3],
            [0, 0.3, 0.1, 0.35],
            [0, 0.6, 0.2, 0.25],
        ]
    )
    other = torch.tensor([[0.5, 0.0], [0.1, 0.0], [0.7, 0.0], [0.2, 0.0], [0.9, 0.0]])
    for x, floor in ((columns, 0.01), (other, 0.004)):
        n, D = x.shape
        result = need_two(answer(x, floor), "return two things: mean, variance.")
        mean, var = (need_tensor(part) for part in result)
        need(
            mean.shape == (D,) and var.shape == (D,),
            "expected one number a pixel, shape ({D},), got {mean} and {var}; "
            "average over the images, dim=0.",
            D=D,
            mean=tuple(mean.shape),
            var=tuple(var.shape),
        )
        m, right, unbiased = x.mean(dim=0), x.var(dim=0, correction=0), x.var(dim=0)
        if close(mean, m) and close(var, right + floor):
            continue
        need(
            not (close(var, m) and close(mean, right + floor)),
            "the two are swapped: first the mean, then the variance.",
        )
        need(close(mean, m), "the mean is wrong: average over the images, dim=0.")
        need(
            not close(var, right) and not close(var, unbiased),
            "one pixel is 0 in every image and its variance is still 0: add the floor.",
        )
        wrong = {
            "you added the floor to the standard deviation; add it to the variance.": (
                (right.sqrt() + floor).square()
            ),
            "this is the standard deviation; a variance is asked for.": right.sqrt() + floor,
            "you divided by n - 1. Maximum likelihood divides by n: var(dim=0, correction=0).": (
                unbiased + floor
            ),
            "you took the larger of variance and floor. That is a floor too, but here it is to be added, "
            "as genlib does.": right.clamp(min=floor),
            "you changed the variance only where it is 0; add the floor to every variance.": (
                torch.where(right == 0, floor, right)
            ),
            "you added the floor only where the variance is below it; add it to every variance.": (
                torch.where(right < floor, right + floor, right)
            ),
            "this is the mean square. The variance is the mean square of the deviation from the mean.": (
                x.square().mean(dim=0) + floor
            ),
            "you summed the squared deviations; divide by the number of images.": n * right + floor,
        }
        need_none_of(var, wrong)
        raise NotYet("the mean is right, the variance is not.")
    return praise("No pixel can be certain any more.")


@exercise
def exercise_6(answer) -> str:
    """answer(samples, train, test): the nearest-training ratio, of rows (n, D)."""
    rng = torch.Generator().manual_seed(0)
    for drawn, known, new, D in ((23, 25, 21, 3), (15, 20, 17, 5)):  # odd: one median, not two
        train, test = torch.rand(known, D, generator=rng), torch.rand(new, D, generator=rng)
        samples = train[:drawn] + 0.1 * torch.randn(drawn, D, generator=rng)
        near, usual = _nearest(samples, train), _nearest(test, train)
        right, found = near.median() / usual.median(), need_number(answer(samples, train, test))
        if close(found, right):
            continue
        wrong = {
            "this is the median distance, in units of pixels. Divide it by the same number for test images, "
            "so that 1 means: as far as new images.": near.median(),
            "upside down: copies must score near 0, so the samples belong into the numerator.": (
                1 / right
            ),
            "you took the mean; the median is not moved by a few outliers.": (
                near.mean() / usual.mean()
            ),
            "you looked for the nearest sample of every training image. Ask the other way round: "
            "for every sample, the nearest training image.": (
                _nearest(train, samples).median() / _nearest(train, test).median()
            ),
            "you measured the distance from the samples to the test images; "
            "copying happens from the training images.": (
                _nearest(samples, test).median() / usual.median()
            ),
            "these are squared distances; take their roots first.": right.square(),
            "this is the median over all pairs. A copy is near to one training image only: "
            "take the smallest distance of every sample first.": (
                torch.cdist(samples, train).flatten().quantile(0.5)
                / torch.cdist(test, train).flatten().quantile(0.5)
            ),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "expected {right:.3f} for the check's points, got {found:.3f}.",
            right=right,
            found=found,
        )
    return praise("One number for novelty: 0 copies, 1 as new as test images.")


@exercise
def exercise_7(answer) -> str:
    """answer(log_p_val, rate): the threshold under which a share `rate` of real images falls."""
    rng = torch.Generator().manual_seed(0)
    for n, rate in ((1000, 0.1), (400, 0.02), (300, 0.3)):
        # a long tail of odd images, as log densities have it, far from a normal distribution
        log_p = 60 - 20 * torch.empty(n).exponential_(generator=rng)
        found = need_number(answer(log_p, rate))
        need(not math.isnan(found), "your threshold is nan.")
        refused = (log_p < found).double().mean().item()
        if abs(refused - rate) < 1.5 / n:  # any definition of a quantile
            continue
        need(
            not close(found, rate) and not close(found, math.log(rate)),
            "this is the rate, not a log-density. Which value of log_p_val has a share `rate` below it?",
        )
        need(
            found != int(rate * n),
            "this is a place in the sorted list; return the value that stands there.",
        )
        need(
            not close(found, log_p[int(rate * n)]),
            "this is the value that happens to stand at that place. Sort log_p_val first.",
        )
        need(
            not close(found, log_p.quantile(rate / 100)),
            "np.percentile takes percent, so {rate:g} means {rate:g} %: use np.quantile, or 100 * rate.",
            rate=rate,
        )
        need(
            abs(refused - (1 - rate)) > 0.01,
            "this threshold refuses {refused:.0%} of the real images. Low log p is suspicious: "
            "take the lower tail.",
            refused=refused,
        )
        need(
            refused > 0,
            "this threshold refuses no real image: a false-alarm rate of 0 was not asked for, "
            "and one odd image would set it.",
        )
        raise NotYet(
            "with rate = {rate:g} your threshold refuses {refused:.1%} of the real images. "
            "Count in the data, whatever their distribution, and use the argument.",
            rate=rate,
            refused=refused,
        )
    return praise("A quantile: you chose the false-alarm rate, the data chose the threshold.")


@exercise
def exercise_8(answer) -> str:
    """answer(x, known, mean, S): x with its unknown entries replaced by their conditional mean."""
    rng = torch.Generator().manual_seed(0)
    for mask in ([1, 0, 1, 1, 0], [0, 1, 1, 0, 1, 0, 0], [1, 1, 0]):
        known, D = torch.tensor(mask).bool(), len(mask)
        A = torch.randn(D, D, generator=rng, dtype=torch.float64)
        S, mean = A @ A.T + torch.eye(D), torch.arange(D).double() - 1.5
        x = torch.where(known, torch.randn(D, generator=rng, dtype=torch.float64), torch.nan)
        result = need_tensor(answer(x, known, mean, S))
        need(
            result.shape == (D,) or result.shape != (int((~known).sum()),),
            "these are the missing entries only. Return the whole x, shape ({D},).",
            D=D,
        )
        found = need_tensor(result, (D,)).double()
        need(
            not found.isnan().any(),
            "there is still a nan: use only the known entries of x on the right-hand side.",
        )
        need(
            close(found[known], x[known]),
            "you changed known entries; fill in the missing ones only.",
        )
        S_uk, S_kk, S_uu = S[~known][:, known], S[known][:, known], S[~known][:, ~known]
        filled, plain, off = found[~known], mean[~known], x[known] - mean[known]
        right = plain + S_uk @ torch.linalg.solve(S_kk, off)
        if close(filled, right):
            continue
        wrong = {
            "these are the plain means, as if the pixels were independent. The known pixels tell more.": (
                plain
            ),
            "almost: what counts is how far the known pixels lie from their own mean; subtract it.": (
                plain + S_uk @ torch.linalg.solve(S_kk, x[known])
            ),
            "almost: the mean of the missing pixels is to be added.": right - plain,
            "almost: S_kk is missing. Without its inverse correlated pixels are counted twice.": (
                plain + S_uk @ off
            ),
            "S_kk has to be inverted: torch.linalg.solve(S_kk, ...).": plain + S_uk @ S_kk @ off,
            "you inverted the covariance of the missing pixels; it is that of the known ones, S_kk.": (
                plain + torch.linalg.solve(S_uu, S_uk @ off)
            ),
            "take the block of the known pixels out of S first, then invert it. "
            "The block of the inverse is another matrix.": (
                plain + S_uk @ S.inverse()[known][:, known] @ off
            ),
            "the sign: a known pixel above its mean raises those that vary with it.": (
                2 * plain - right
            ),
        }
        need_none_of(filled, wrong)
        raise NotYet(
            "the known entries are right, the filled ones are not: "
            "mean_u + S_uk S_kk^-1 (x_k - mean_k)."
        )
    return praise("A generative model answers questions that nobody trained it for.")


_digits = functools.cache(data.digits)


def _nearest(a: Tensor, b: Tensor) -> Tensor:
    """The distance of each row of a to the nearest row of b."""
    return torch.cdist(a, b).amin(dim=1)
