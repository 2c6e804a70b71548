"""Checkers of notebook 01b, digits by statistics."""

import functools
import math

import torch
from torch import Tensor

from genlib import data, evaluate, statistical
from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(log_joint): log p(y | x), (n, K), from log p(x, y), (n, K)."""
    log_joint = torch.tensor([[-2.0, -1.0, -4.0], [0.5, 0.0, -0.5]])
    far = log_joint - 2000.0  # the same posterior, where exp() is exactly 0
    right, found = log_joint.log_softmax(dim=1), need_tensor(answer(log_joint), (2, 3))
    sums = found.exp().sum(dim=1)
    need(
        not close(found, right.exp()),
        "these are the probabilities p(y | x); return their logarithm.",
    )
    need(
        not close(found.exp().sum(dim=0), torch.ones(3)),
        "your probabilities sum to 1 down the columns. Every image has its own p(x): "
        "sum over the classes, dim=1.",
    )
    need(
        not close(found, log_joint - log_joint.exp().sum(dim=1, keepdim=True)),
        "you subtracted p(x) itself. In logarithms a division becomes the subtraction of log p(x).",
    )
    need(
        close(sums, torch.ones(2)),
        "your probabilities sum to {total:.2f} for the first image; did you normalise over classes?",
        total=sums[0],
    )
    need(close(found, right), "the rows sum to 1, but the probabilities are not p(x, y) / p(x).")
    need(
        close(need_tensor(answer(far), (2, 3)), right),
        "right for moderate numbers, but at log p(x, y) = -2000 every exp() is 0 and you divide by 0. "
        "Use torch.logsumexp, which takes the largest term out first.",
    )
    return praise("Bayes' rule in logarithms, safe for images of any size.")


@exercise
def exercise_2(answer) -> str:
    """answer(mean_0, mean_1, sd, prior_1): the x where both classes are equally probable."""
    mean_0, mean_1, sd, prior_1 = -1.0, 3.0, 2.0, 0.2
    log_odds = math.log((1 - prior_1) / prior_1)
    middle, shift = (mean_0 + mean_1) / 2, sd**2 / (mean_1 - mean_0) * log_odds
    found = need_number(answer(mean_0, mean_1, sd, prior_1))
    need(
        not close(found, middle),
        "this is the midpoint of the means. With p(y=1) = 0.2 the rarer class must give up room: "
        "set the two log-joints equal, priors included.",
    )
    need(
        not close(found, middle - shift),
        "the boundary moved the wrong way: towards the frequent class. The rarer class keeps less room.",
    )
    need(
        not close(found, middle + sd / (mean_1 - mean_0) * log_odds),
        "almost: you used sd where the squared distance is divided by the variance, sd ** 2.",
    )
    need(
        not close(found, middle + log_odds / (mean_1 - mean_0)),
        "almost: this holds for sd = 1 only. Where does the variance enter log p(x | y)?",
    )
    need(
        close(found, middle + shift),
        "for means -1 and 3, sd 2 and p(y=1) = 0.2 the boundary lies at {right:.3f}, "
        "you returned {found:.3f}.",
        right=middle + shift,
        found=found,
    )
    return praise(
        "With equal variances the boundary is one point (in the plane a line), and the prior moves it."
    )


@exercise
def exercise_3(answer) -> str:
    """answer(): a bandwidth whose samples are about as far from the training images as new digits are."""
    h = need_number(answer())
    need(h > 0, "a standard deviation is above 0, you returned {h:g}.", h=h)
    rng, digits = torch.Generator().manual_seed(0), _digits()
    model = statistical.kernel_density(h)
    model.fit(data.dequantise(digits.x_train, rng), digits.y_train, rng)
    samples = model.sample(500, rng)
    ratio = evaluate.nearest_training_ratio(samples, digits.x_train, digits.x_test)
    need(
        ratio > 0.3,
        "ratio {ratio:.2f}: these samples are copies of training images. The bandwidth is far too small.",
        ratio=ratio,
    )
    need(
        ratio > 0.95,
        "ratio {ratio:.2f}: closer to the training images than new digits are. Raise the bandwidth a little.",
        ratio=ratio,
    )
    need(
        ratio < 3,
        "ratio {ratio:.2f}: these samples are noise. Pixels lie in [0, 1); the bandwidth is in the same unit.",
        ratio=ratio,
    )
    need(
        ratio < 1.05,
        "ratio {ratio:.2f}: farther from the training images than new digits are. Lower the bandwidth a little.",
        ratio=ratio,
    )
    return praise(
        "Ratio {ratio:.2f}: as far away as new digits. Look at the samples: far away is not yet good.",
        ratio=ratio,
    )


@exercise
def exercise_4(answer) -> str:
    """answer(candidates, log_p_train, log_p_val): the candidate to keep."""
    candidates = [0.05, 0.1, 0.2, 0.4]
    log_p_train, log_p_val = [90.0, 60.0, 30.0, 10.0], [-80.0, 20.0, 25.0, 5.0]
    found = need_number(answer(candidates, log_p_train, log_p_val))
    need(
        not close(found, 0.05),
        "you chose 0.05: the best on the training images and the worst on new ones. "
        "The training likelihood always asks for the narrowest kernel.",
    )
    need(found not in (25.0, 90.0), "this is the log-likelihood; return the candidate that has it.")
    need(found != 2, "this is the position of the best candidate; return the candidate itself.")
    need(
        not close(found, 0.4),
        "you chose the lowest training likelihood; choose the highest on validation images.",
    )
    need(
        close(found, 0.2),
        "on the validation images 0.2 has the highest log-likelihood, you chose {found:g}.",
        found=found,
    )
    swapped = need_number(answer(candidates[::-1], log_p_train[::-1], log_p_val[::-1]))
    need(close(swapped, 0.2), "it fails when the candidates come in another order.")
    return praise(
        "Fit on training images, choose on validation images, report on test images, once."
    )


@exercise
def exercise_5(answer) -> str:
    """answer(x, floor): mean and variance of every pixel, floor added to the variance; x (n, D)."""
    x, floor = torch.tensor([[0.0, 0.2, 1.0], [0.0, 0.4, 0.0], [0.0, 0.9, 0.5]]), 0.01
    result = answer(x, floor)
    need_answer(result)
    need(
        isinstance(result, tuple | list) and len(result) == 2, "return two things: mean, variance."
    )
    mean, var = (need_tensor(part) for part in result)
    need(
        mean.shape == (3,) and var.shape == (3,),
        "expected one number a pixel, shape (3,), got {mean} and {var}; "
        "average over the images, dim=0.",
        mean=tuple(mean.shape),
        var=tuple(var.shape),
    )
    right, unbiased = x.var(dim=0, correction=0), x.var(dim=0, correction=1)
    need(close(mean, x.mean(dim=0)), "the mean is wrong: average over the images, dim=0.")
    need(
        not close(var, right) and not close(var, unbiased),
        "the first pixel is 0 in every image and its variance is still 0: add the floor.",
    )
    need(
        not close(var, (right.sqrt() + floor).square()),
        "you added the floor to the standard deviation; add it to the variance.",
    )
    need(
        not close(var, unbiased + floor),
        "you divided by n - 1. Maximum likelihood divides by n: var(dim=0, correction=0).",
    )
    need(
        not close(var, right.clamp(min=floor)),
        "you took the larger of variance and floor. That is a floor too, but here it is to be added, "
        "as genlib does.",
    )
    need(close(var, right + floor), "the mean is right, the variance is not.")
    return praise("No pixel can be certain any more.")


@exercise
def exercise_6(answer) -> str:
    """answer(samples, train, test): the nearest-training ratio, of rows (n, D)."""
    rng = torch.Generator().manual_seed(0)
    train, test = torch.rand(40, 3, generator=rng), torch.rand(30, 3, generator=rng)
    samples = train[:25] + 0.05 * torch.randn(25, 3, generator=rng)

    def nearest(a: Tensor, b: Tensor) -> Tensor:
        return torch.cdist(a, b).amin(dim=1)

    near, usual = nearest(samples, train), nearest(test, train)
    right = near.median() / usual.median()
    found = need_number(answer(samples, train, test))
    need(
        not close(found, near.median()),
        "this is the median distance, in units of pixels. Divide it by the same number for test images, "
        "so that 1 means: as far as new images.",
    )
    need(
        not close(found, 1 / right),
        "upside down: copies must score near 0, so the samples belong into the numerator.",
    )
    need(
        not close(found, near.mean() / usual.mean()),
        "you took the mean; the median is not moved by a few outliers.",
    )
    columns = torch.cdist(samples, train).amin(dim=0).median()
    need(
        not close(found, columns / torch.cdist(test, train).amin(dim=0).median()),
        "you looked for the nearest sample of every training image. Ask the other way round: "
        "for every sample, the nearest training image.",
    )
    need(
        not close(found, nearest(samples, test).median() / usual.median()),
        "you measured the distance from the samples to the test images; copying happens from the training images.",
    )
    need(
        close(found, right),
        "expected {right:.3f} for the check's points, got {found:.3f}.",
        right=right,
        found=found,
    )
    return praise("One number for novelty: 0 copies, 1 as new as test images.")


@exercise
def exercise_7(answer) -> str:
    """answer(log_p_val, rate): the threshold under which a share `rate` of real images falls."""
    log_p = torch.randn(1000, generator=torch.Generator().manual_seed(0)) * 20 + 60
    rate = 0.1
    found = need_number(answer(log_p, rate))
    refused = (log_p < found).double().mean().item()
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
    need(
        not close(found, rate) and not close(found, math.log(rate)),
        "this is the rate, not a log-density. Which value of log_p_val has a share `rate` below it?",
    )
    need(
        abs(refused - rate) < 0.005,
        "with rate = {rate:g} your threshold refuses {refused:.1%} of the real images.",
        rate=rate,
        refused=refused,
    )
    other = (log_p < need_number(answer(log_p, 0.02))).double().mean().item()
    need(
        abs(other - 0.02) < 0.005,
        "with rate = 0.02 it refuses {other:.1%}: use the argument.",
        other=other,
    )
    return praise("A quantile: you chose the false-alarm rate, the data chose the threshold.")


@exercise
def exercise_8(answer) -> str:
    """answer(x, known, mean, S): x with its unknown entries replaced by their conditional mean."""
    rng = torch.Generator().manual_seed(0)
    A = torch.randn(5, 5, generator=rng, dtype=torch.float64)
    S, mean = A @ A.T + torch.eye(5), torch.arange(5.0, dtype=torch.float64)
    known = torch.tensor([True, False, True, True, False])
    x = torch.where(known, torch.randn(5, generator=rng, dtype=torch.float64), torch.nan)
    found = need_tensor(answer(x.clone(), known, mean, S), (5,)).double()
    S_uk, S_kk, S_uu = S[~known][:, known], S[known][:, known], S[~known][:, ~known]
    need(
        not found.isnan().any(),
        "there is still a nan: use only the known entries of x on the right-hand side.",
    )
    need(close(found[known], x[known]), "you changed known entries; fill in the missing ones only.")
    filled, seen = found[~known], x[known]
    need(
        not close(filled, mean[~known]),
        "these are the plain means, as if the pixels were independent. The known pixels tell more.",
    )
    need(
        not close(filled, mean[~known] + S_uk @ torch.linalg.solve(S_kk, seen)),
        "almost: what counts is how far the known pixels lie from their own mean; subtract it.",
    )
    need(
        not close(filled, mean[~known] + S_uk @ (seen - mean[known])),
        "almost: S_kk is missing. Without its inverse correlated pixels are counted twice.",
    )
    need(
        not close(filled, mean[~known] + torch.linalg.solve(S_uu, S_uk @ (seen - mean[known]))),
        "you inverted the covariance of the missing pixels; it is that of the known ones, S_kk.",
    )
    right = mean[~known] + S_uk @ torch.linalg.solve(S_kk, seen - mean[known])
    need(
        close(filled, right),
        "the known entries are right, the filled ones are not: "
        "mean_u + S_uk S_kk^-1 (x_k - mean_k).",
    )
    return praise("A generative model answers questions that nobody trained it for.")


_digits = functools.cache(data.digits)
