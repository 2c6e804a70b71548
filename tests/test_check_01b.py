"""The checkers of notebook 01b: the right answer passes, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.optimize
import scipy.spatial
import scipy.special
import torch
from checking import checker_tests
from torch.distributions import MultivariateNormal, Normal

from genlib import data, evaluate, statistical
from genlib.check import ex01b


def log_odds(p):
    return math.log((1 - p) / p)


def where_equal(a, b, s, p):
    def difference(x):
        x = torch.tensor(x)
        joints = Normal(a, s).log_prob(x) + math.log(1 - p), Normal(b, s).log_prob(x) + math.log(p)
        return (joints[0] - joints[1]).item()

    return scipy.optimize.brentq(difference, a - 50, b + 50, xtol=1e-9)


def searched_bandwidth():
    """Bisection with the notebook's own measure, on other random numbers than the check's."""
    digits, rng, low, high = data.digits(), torch.Generator().manual_seed(7), 0.05, 0.4
    for _ in range(8):
        h = (low + high) / 2
        kernel = statistical.kernel_density(h)
        kernel.fit(data.dequantise(digits.x_train, rng), digits.y_train, rng)
        far = evaluate.nearest_training_ratio(kernel.sample(500, rng), digits.x_train, digits.x_val)
        low, high = (low, h) if far > 1 else (h, high)
    return np.float64(low)


def pixels_in_a_loop(x, floor):
    means, variances = [], []
    for column in x.T.tolist():
        mean = sum(column) / len(column)
        means.append(mean)
        variances.append(sum((value - mean) ** 2 for value in column) / len(column) + floor)
    return means, variances


def floor_where(x, floor, small):
    var = x.var(0, correction=0)
    var[small(var)] += floor
    return var


def floor_set(x, floor):
    var = x.var(0, correction=0)
    var[var == 0] = floor
    return var


def nearest(a, b):
    return torch.cdist(a, b).amin(dim=1)


def far(a, b):
    return np.median(scipy.spatial.distance.cdist(a, b).min(axis=1))


def third_way(samples, train, test):
    def median(images):
        far = [min(math.dist(row, other) for other in train.tolist()) for row in images.tolist()]
        return sorted(far)[len(far) // 2]

    return median(samples) / median(test)


def fill(x, known, mean, values):
    x = x.clone()
    x[~known] = values
    return x


def parts(known, S):
    return S[~known][:, known], S[known][:, known]


def fill_right(x, known, mean, S, sign=1, plain=1, own=1, weight=torch.inverse):
    S_uk, S_kk = parts(known, S)
    more = S_uk @ weight(S_kk) @ (x[known] - own * mean[known])
    return fill(x, known, mean, plain * mean[~known] + sign * more)


def fill_by_precision(x, known, mean, S):
    P = S.inverse()
    more = torch.linalg.solve(P[~known][:, ~known], P[~known][:, known] @ (x - mean)[known])
    x[~known] = mean[~known] - more
    return x


def fill_by_regression(x, known, mean, S):
    x, known = x.numpy(), known.numpy()
    weights = np.linalg.lstsq(S.numpy()[np.ix_(known, known)], S.numpy()[known], rcond=None)[0]
    guess = mean.numpy() + (x[known] - mean.numpy()[known]) @ weights
    return np.where(known, x, guess)


def fill_by_ascent(x, known, mean, S):
    """The mean of a Gaussian is its mode: Newton's step up the log density, by autograd."""
    density, free = MultivariateNormal(mean, S), mean[~known].clone()

    def minus_log_p(values):
        return -density.log_prob(torch.zeros_like(mean).index_put((~known,), values) + seen)

    seen = torch.where(known, x, 0.0)
    slope = torch.autograd.functional.jacobian(minus_log_p, free)
    bend = torch.autograd.functional.hessian(minus_log_p, free)
    return fill(x, known, mean, free - torch.linalg.solve(bend, slope))


RIGHT = {
    1: lambda a: a - a.logsumexp(dim=1, keepdim=True),
    2: lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * log_odds(p),
    3: lambda: 0.16,
    4: lambda c, train, val: c[max(range(len(c)), key=val.__getitem__)],
    5: lambda x, floor: (x.mean(0), x.var(0, correction=0) + floor),
    6: lambda s, train, test: nearest(s, train).median() / nearest(test, train).median(),
    7: lambda log_p, rate: log_p.quantile(rate),
    8: fill_right,
}
ALSO = {
    1: [
        lambda a: a.log_softmax(dim=1),
        lambda a: a.numpy() - scipy.special.logsumexp(a.numpy(), axis=1, keepdims=True),
        lambda a: torch.distributions.Categorical(logits=a.double()).logits,
        lambda a: [[v - np.logaddexp.reduce(row) for v in row] for row in a.tolist()],
        lambda a: a.sub_(a.amax(1, keepdim=True)).sub_(a.exp().sum(1)[:, None].log()),
    ],
    2: [
        where_equal,
        lambda a, b, s, p: (b**2 - a**2 + 2 * s**2 * log_odds(p)) / (2 * (b - a)),
    ],
    3: [searched_bandwidth, lambda: torch.tensor([0.155])],
    4: [
        lambda c, train, val: c[int(np.argmax(val))],
        lambda c, train, val: sorted(zip(val, c, strict=True))[-1][1],
        lambda c, train, val: dict(zip(val, c, strict=True))[max(val)],
    ],
    5: [
        lambda x, floor: (np.mean(x.numpy(), 0), np.var(x.numpy(), 0) + floor),
        lambda x, floor: torch.stack([x.mean(0), x.square().mean(0) - x.mean(0) ** 2 + floor]),
        lambda x, floor: [x.mean(0), x.sub_(x.mean(0)).square().mean(0) + floor],
        pixels_in_a_loop,
    ],
    6: [
        lambda s, train, test: np.median(nearest(s, train)) / np.median(nearest(test, train)),
        lambda s, train, test: nearest(s, train).quantile(0.5) / nearest(test, train).quantile(0.5),
        lambda s, train, test: far(s, train) / far(test, train),
        third_way,
    ],
    7: [
        lambda log_p, rate: np.percentile(log_p, 100 * rate),
        lambda log_p, rate: np.quantile(log_p, rate, method="higher"),
        lambda log_p, rate: sorted(log_p.tolist())[int(rate * len(log_p))],
        lambda log_p, rate: log_p.sort().values[round(rate * len(log_p)) - 1],
        lambda log_p, rate: log_p.kthvalue(int(rate * len(log_p)) + 1).values,
    ],
    8: [fill_by_precision, fill_by_regression, fill_by_ascent],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda a: a.softmax(dim=1), "return their logarithm"),
        (lambda a: a.log_softmax(dim=0), "down the columns"),
        (lambda a: a - a.logsumexp(dim=(0, 1)), "whole table"),
        (lambda a: a - a.exp().sum(dim=1, keepdim=True), "subtracted p(x) itself"),
        (lambda a: a / a.logsumexp(dim=1, keepdim=True), "becomes a subtraction"),
        (lambda a: a + a.logsumexp(dim=1, keepdim=True), "subtracting its logarithm"),
        (lambda a: a - a.sum(dim=1, keepdim=True), "the sum of the logarithms"),
        (lambda a: a, "did you normalise"),
        (lambda a: a - a.amax(dim=1, keepdim=True), "did you normalise"),
        (lambda a: (a.exp() / a.exp().sum(dim=1, keepdim=True)).log(), "every exp() is 0"),
        (
            lambda a: a - a.max() - (a - a.max()).exp().sum(1, keepdim=True).log(),
            "every exp() is 0",
        ),
        (lambda a: a.log_softmax(1) if a.min() > -9 else a, "every exp() is 0"),
        (lambda a: [[v - math.log(sum(map(math.exp, r))) for v in r] for r in a.tolist()], "-2000"),
        (lambda a: a - a.logsumexp(dim=1), "Sizes do not fit"),
        (lambda a: a.logsumexp(dim=1), "expected shape (2, 3)"),
        (lambda a: (2 * a).log_softmax(dim=1), "not p(x, y) / p(x)"),
    ],
    2: [
        (lambda a, b, s, p: (a + b) / 2, "midpoint of the means"),
        (lambda a, b, s, p: (a + b) / 2 - s**2 / (b - a) * log_odds(p), "the wrong way"),
        (lambda a, b, s, p: (a + b) / 2 + s / (b - a) * log_odds(p), "sd ** 2"),
        (lambda a, b, s, p: (a + b) / 2 + log_odds(p) / (b - a), "sd = 1 only"),
        (lambda a, b, s, p: (a + b) / 2 + s**2 * log_odds(p), "distance of 1 only"),
        (lambda a, b, s, p: (a + b) / 2 + log_odds(p), "the boundary lies at"),
        (lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * log_odds(p) / 2, "half the shift"),
        (lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * log_odds(p) * 2, "twice the shift"),
        (lambda a, b, s, p: s**2 / (b - a) * log_odds(p), "add the midpoint"),
        (
            lambda a, b, s, p: (a + b) / 2 + s**2 / (b - a) * math.log10((1 - p) / p),
            "natural logarithm",
        ),
        (lambda a, b, s, p: 0.0, "the boundary lies at"),
        (lambda a, b, s, p: "left", "expected one number"),
        (lambda a, b, s, p: RIGHT[2](a, b, s, 0.2), "p(y=1) = 0.9"),
    ],
    3: [
        (lambda: 0.01, "copies of training images"),
        (lambda: 0.12, "Raise the bandwidth"),
        (lambda: 0.17, "1.056, above 1.05"),
        (lambda: 0.3, "Lower the bandwidth"),
        (lambda: 16, "these samples are noise"),
        (lambda: -1, "above 0"),
        (lambda: math.inf, "you returned inf"),
        (lambda: (0.1, 0.2), "got 2 of them"),
    ],
    4: [
        (lambda c, train, val: c[train.index(max(train))], "best on the training images"),
        (lambda c, train, val: max(val), "is a log-likelihood"),
        (lambda c, train, val: val.index(max(val)), "the position"),
        (
            lambda c, train, val: min((a - b, k) for a, b, k in zip(train, val, c, strict=True))[1],
            "smallest gap",
        ),
        (lambda c, train, val: c[val.index(min(val))], "lowest validation"),
        (lambda c, train, val: c[1], "0.2 has the highest"),
        (lambda c, train, val: c[2], "chose 40, the best on the training"),
        (lambda c, train, val: 0.2, "30 has the highest"),
    ],
    5: [
        (lambda x, floor: (x.mean(0), x.var(0, correction=0)), "still 0"),
        (lambda x, floor: (x.mean(0), (x.std(0, correction=0) + floor) ** 2), "standard deviation"),
        (lambda x, floor: (x.mean(0), x.std(0, correction=0) + floor), "a variance is asked for"),
        (lambda x, floor: (x.mean(0), x.var(0) + floor), "n - 1"),
        (lambda x, floor: (x.mean(0), x.var(0, correction=0).clamp(min=floor)), "the larger of"),
        (
            lambda x, floor: (x.mean(0), floor_where(x, floor, lambda v: v == 0)),
            "only where it is 0",
        ),
        (lambda x, floor: (x.mean(0), floor_set(x, floor)), "only where it is 0"),
        (
            lambda x, floor: (x.mean(0), floor_where(x, floor, lambda v: v < floor)),
            "only where the variance is below",
        ),
        (lambda x, floor: (x.mean(0), x.square().mean(0) + floor), "the mean square"),
        (lambda x, floor: (x.mean(0), (x - x.mean(0)).square().sum(0) + floor), "you summed"),
        (lambda x, floor: (x.var(0, correction=0) + floor, x.mean(0)), "swapped"),
        (lambda x, floor: (x.mean(), x.var() + floor), "one number a pixel"),
        (lambda x, floor: (x.mean(1), x.var(1, correction=0) + floor), "average over the images"),
        (lambda x, floor: (x.median(0).values, x.var(0) + floor), "the mean is wrong"),
        (lambda x, floor: (x.mean(0), x.var(0, correction=0) + 0.01), "the variance is not"),
        (lambda x, floor: x.mean(0), "return two things"),
    ],
    6: [
        (lambda s, train, test: nearest(s, train).median(), "Divide it"),
        (
            lambda s, train, test: nearest(test, train).median() / nearest(s, train).median(),
            "upside down",
        ),
        (
            lambda s, train, test: nearest(s, train).mean() / nearest(test, train).mean(),
            "took the mean",
        ),
        (
            lambda s, train, test: nearest(train, s).median() / nearest(train, test).median(),
            "the nearest training image",
        ),
        (
            lambda s, train, test: nearest(s, test).median() / nearest(test, train).median(),
            "to the test images",
        ),
        (lambda s, train, test: RIGHT[6](s, train, test) ** 2, "squared distances"),
        (
            lambda s, train, test: (
                torch.cdist(s, train).median() / torch.cdist(test, train).median()
            ),
            "median over all pairs",
        ),
        (lambda s, train, test: 7, "expected 0."),
        (lambda s, train, test: nearest(s, train) / nearest(test, train).median(), "23 of them"),
    ],
    7: [
        (lambda log_p, rate: log_p.quantile(1 - rate), "the lower tail"),
        (lambda log_p, rate: log_p.min(), "refuses no real image"),
        (lambda log_p, rate: log_p.mean() - log_p.std(), "whatever their distribution"),
        (
            lambda log_p, rate: Normal(log_p.mean(), log_p.std()).icdf(torch.tensor(rate)),
            "Count in",
        ),
        (lambda log_p, rate: log_p.quantile(0.1), "with rate = 0.02"),
        (lambda log_p, rate: np.percentile(log_p, rate), "takes percent"),
        (lambda log_p, rate: int(rate * len(log_p)), "a place in the sorted list"),
        (lambda log_p, rate: log_p[int(rate * len(log_p))], "Sort log_p_val"),
        (lambda log_p, rate: rate, "this is the rate"),
        (lambda log_p, rate: math.log(rate), "this is the rate"),
        (lambda log_p, rate: math.nan, "nan"),
        (lambda log_p, rate: log_p, "expected one number"),
    ],
    8: [
        (lambda x, known, mean, S: x, "still a nan"),
        (lambda x, known, mean, S: x + S @ S.inverse() @ (x - mean), "still a nan"),
        (lambda x, known, mean, S: mean, "changed known entries"),
        (lambda x, known, mean, S: fill(x, known, mean, mean[~known]), "plain means"),
        (lambda *a: fill_right(*a, own=0), "their own mean"),
        (lambda *a: fill_right(*a, plain=0), "is to be added"),
        (lambda *a: fill_right(*a, sign=-1), "the sign"),
        (lambda *a: fill_right(*a, weight=lambda S: torch.eye(len(S)).double()), "S_kk is missing"),
        (lambda *a: fill_right(*a, weight=lambda S: S), "has to be inverted"),
        (
            lambda x, known, mean, S: fill(
                x,
                known,
                mean,
                mean[~known]
                + S[~known][:, ~known].inverse() @ parts(known, S)[0] @ (x[known] - mean[known]),
            ),
            "covariance of the missing",
        ),
        (
            lambda x, known, mean, S: fill_right(
                x, known, mean, S, weight=lambda _: parts(known, S.inverse())[1]
            ),
            "first, then invert",
        ),
        (lambda x, known, mean, S: fill_right(x, known, mean, S)[~known], "missing entries only"),
        (lambda x, known, mean, S: fill(x, known, mean, 0.0), "the filled ones are not"),
    ],
}


globals().update(checker_tests(ex01b, RIGHT, ALSO, WRONG, one_size=(2,)))
