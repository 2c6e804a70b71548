"""The checkers of notebook 07a: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.stats
import torch
from checking import checker_tests
from sklearn.linear_model import LinearRegression
from sklearn.metrics.pairwise import polynomial_kernel

from genlib.check import ex07a
from genlib.evaluate import kernel_distance


def beyond(value, values):
    low, high = values.quantile(torch.tensor([0.025, 0.975])).tolist()
    return (value > high) - (value < low)


def beyond_in_numpy(value, values):
    low, high = np.percentile(values.numpy(), [2.5, 97.5])
    return 1 if value > high else -1 if value < low else 0


def beyond_by_counting(value, values):
    """The shares of the values on each side of it."""
    below, above = (values < value).float().mean(), (values > value).float().mean()
    return int(above < 0.025) - int(below < 0.025)


def ends(low, high):
    def answer(value, values):
        a, b = low(values), high(values)
        return int(value > b) - int(value < a)

    return answer


def kernel(a, b):
    def k(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    def within(x):
        full = k(x, x)
        return (full.sum() - full.diagonal().sum()) / (len(x) * (len(x) - 1))

    return within(a) + within(b) - 2 * k(a, b).mean()


def kernel_by_scikit_learn(a, b):
    aa, bb, ab = (
        polynomial_kernel(x.numpy(), y.numpy(), degree=3, coef0=1)
        for x, y in ((a, a), (b, b), (a, b))
    )
    off = [m[~np.eye(len(m), dtype=bool)].mean() for m in (aa, bb)]
    return float(sum(off) - 2 * ab.mean())


def kernel_by_loops(a, b):
    def k(x, y):
        return (float(x @ y) / len(x) + 1) ** 3

    def mean(pairs):
        values = [k(x, y) for x, y in pairs]
        return sum(values) / len(values)

    parts = [
        mean([(z[i], z[j]) for i in range(len(z)) for j in range(len(z)) if i != j]) for z in (a, b)
    ]
    return sum(parts) - 2 * mean([(x, y) for x in a for y in b])


def kernel_with(degree=3, plus=1, divide=True, diagonal=False, across=2):
    def answer(a, b):
        size = a.shape[1] if divide else 1

        def k(x, y):
            return (x @ y.T / size + plus) ** degree

        def within(x):
            full = k(x, x)
            if diagonal:
                return full.mean()
            return (full.sum() - full.trace()) / (len(x) * (len(x) - 1))

        return within(a) + within(b) - across * k(a, b).mean()

    return answer


def divided_by_all(a, b):
    def k(x, y):
        return (x @ y.T / x.shape[1] + 1) ** 3

    return sum((k(x, x).sum() - k(x, x).trace()) / len(x) ** 2 for x in (a, b)) - 2 * k(a, b).mean()


def extrapolate(sizes, values):
    x = torch.stack([1 / sizes, torch.ones_like(sizes)], dim=1)
    return torch.linalg.lstsq(x, values[:, None]).solution[1]


def extrapolate_in_numpy(sizes, values):
    return np.polyfit(1 / sizes.numpy(), values.numpy(), 1)[1]


def extrapolate_by_scikit_learn(sizes, values):
    return LinearRegression().fit((1 / sizes[:, None]).numpy(), values.numpy()).predict([[0.0]])


def line_in(x, at):
    def answer(sizes, values):
        slope, end = np.polyfit(x(sizes.numpy()), values.numpy(), 1)
        return at(slope, end)

    return answer


def interval(values, picks):
    means = values[picks].mean(dim=1)
    return means.quantile(0.025), means.quantile(0.975)


def interval_in_numpy(values, picks):
    return np.percentile(values.numpy()[picks.numpy()].mean(axis=1), [2.5, 97.5])


def interval_by_sorting(values, picks):
    means = sorted(values[row].mean().item() for row in picks)
    cut = int(0.025 * len(means))
    return means[cut], means[-cut - 1]


def quantiles(means, low=0.025, high=0.975):
    return means.quantile(low), means.quantile(high)


def mixed(log_good, log_noise, share):
    return torch.logaddexp(log_good + math.log(share), log_noise + math.log(1 - share))


def mixed_by_logsumexp(log_good, log_noise, share):
    parts = torch.stack([log_good + math.log(share), log_noise + math.log(1 - share)])
    return parts.logsumexp(dim=0)


def mixed_with_the_largest_out(log_good, log_noise, share):
    top = torch.maximum(log_good, log_noise)
    rest = share * (log_good - top).exp() + (1 - share) * (log_noise - top).exp()
    return top + rest.log()


def overflowing(log_good, log_noise, share):
    return (share * log_good.exp() + (1 - share) * log_noise.exp()).log()


def mirrored(a):
    return 2 * a.mean(dim=0) - a


def normal_with_its_moments(a):
    a = a.double()
    C = torch.atleast_2d(a.T.cov())
    eps = torch.randn(a.shape, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    eps = eps - eps.mean(dim=0)
    root = torch.linalg.cholesky(torch.atleast_2d(eps.T.cov()))
    white = torch.linalg.solve_triangular(root, eps.T, upper=False).T
    return white @ torch.linalg.cholesky(C).T + a.mean(dim=0)


def turned_rows(a):
    """Rows mixed by a turn that leaves the mean of all rows alone."""
    n = len(a)
    q, _ = torch.linalg.qr(torch.cat([torch.ones(n, 1), torch.randn(n, n - 1)], dim=1).double())
    turn, _ = torch.linalg.qr(torch.randn(n - 1, n - 1).double())
    keep = torch.eye(n).double()
    keep[1:, 1:] = turn
    return q @ keep @ q.T @ a.double()


def needed(n):
    for right in range(n + 2):
        if sum(math.comb(n, k) for k in range(right, n + 1)) / 2**n <= 0.05:
            return right


def needed_by_scipy(n):
    return next(r for r in range(n + 2) if scipy.stats.binom.sf(r - 1, n, 0.5) <= 0.05)


def needed_by_quantile(n):
    """The 95 % quantile of the number of right answers is reached too often; one more is not."""
    return scipy.stats.binom.ppf(0.95, n, 0.5) + 1


RIGHT = {
    1: beyond,
    2: kernel,
    3: extrapolate,
    4: interval,
    5: mixed,
    6: mirrored,
    7: needed,
}
ALSO = {
    1: [beyond_in_numpy, beyond_by_counting],
    2: [kernel_by_scikit_learn, kernel_by_loops, kernel_distance],
    3: [extrapolate_in_numpy, extrapolate_by_scikit_learn],
    4: [interval_in_numpy, interval_by_sorting],
    5: [mixed_by_logsumexp, mixed_with_the_largest_out],
    6: [normal_with_its_moments, turned_rows],
    7: [needed_by_scipy, needed_by_quantile],
}
WRONG = {
    1: [
        (lambda value, values: -beyond(value, values), "the sign is turned"),
        (lambda value, values: min(beyond(value, values), 0), "above the middle 95 % counts, too"),
        (lambda value, values: max(beyond(value, values), 0), "below the middle 95 % counts, too"),
        (lambda value, values: abs(beyond(value, values)), "below the middle 95 % is -1"),
        (ends(torch.min, torch.max), "range of all values"),
        (ends(lambda v: v.quantile(0.05), lambda v: v.quantile(0.95)), "90 % in the middle"),
        (
            ends(lambda v: v.mean() - 1.96 * v.std(), lambda v: v.mean() + 1.96 * v.std()),
            "scatter evenly to both sides",
        ),
        (
            ends(lambda v: v.mean() - 2 * v.std(), lambda v: v.mean() + 2 * v.std()),
            "scatter evenly to both sides",
        ),
        (ends(lambda v: v.mean() - v.std(), lambda v: v.mean() + v.std()), "about 68 %"),
        (lambda value, values: 0, "expected 1, got 0"),
        (lambda value, values: [0, 1], "expected one number"),
    ],
    2: [
        (kernel_with(diagonal=True), "leave the diagonal out"),
        (divided_by_all, "the number of pairs is n (n - 1)"),
        (kernel_with(across=1), "count twice"),
        (lambda a, b: -kernel(a, b), "the sign is turned"),
        (kernel_with(divide=False), "divide the inner product"),
        (kernel_with(degree=2), "is a cube"),
        (kernel_with(plus=0), "the 1 in the kernel"),
        (lambda a, b: max(float(kernel(a, b)), 0) ** 0.5, "the square root"),
        (lambda a, b: kernel(a, b) + 1, "twice that across"),
        (lambda a, b: kernel(a[:, :1], b[:, :1]), "twice that across"),
    ],
    3: [
        (line_in(lambda n: n, lambda slope, end: end), "no samples at all"),
        (line_in(lambda n: 1 / n, lambda slope, end: slope), "this is the slope"),
        (line_in(lambda n: 1 / n, lambda slope, end: slope + end), "1 / n = 1"),
        (line_in(lambda n: n**-0.5, lambda slope, end: end), "one over the root"),
        (lambda sizes, values: values[-1], "the largest n"),
        (lambda sizes, values: values.mean(), "the mean of the values"),
        (
            lambda sizes, values: extrapolate(sizes[:2], values[:2]),
            "by least squares over all values",
        ),
    ],
    4: [
        (lambda values, picks: interval(values, picks)[::-1], "swapped"),
        (lambda values, picks: quantiles(values), "of the values themselves"),
        (lambda values, picks: quantiles(values[picks].mean(dim=1), 0.05, 0.95), "leave 5 %"),
        (
            lambda values, picks: quantiles(values[picks].mean(dim=1), 0, 1),
            "smallest and the largest",
        ),
        (lambda values, picks: quantiles(values[picks].mean(dim=0)), "not over the rows"),
        (lambda values, picks: quantiles(values[picks].flatten()), "puts all in one"),
        (
            lambda values, picks: (
                values[picks].mean(dim=1).mean() - values[picks].mean(dim=1).std(),
                values[picks].mean(dim=1).mean() + values[picks].mean(dim=1).std(),
            ),
            "about 68 %",
        ),
        (lambda values, picks: values.mean(), "expected a pair"),
        (lambda values, picks: quantiles(values[picks].mean(dim=1), 0.1, 0.9), "expected about"),
    ],
    5: [
        (lambda g, n, s: s * g + (1 - s) * n, "mixes the logarithms"),
        (lambda g, n, s: torch.logaddexp(g, n), "the weights are missing"),
        (lambda g, n, s: mixed(g, n, 1 - s), "swapped"),
        (lambda g, n, s: g + math.log(s), "lower bound"),
        (
            lambda g, n, s: torch.maximum(g + math.log(s), n + math.log(1 - s)),
            "the larger of the two",
        ),
        (lambda g, n, s: mixed(g, n, s).exp(), "this is the density"),
        (
            lambda g, n, s: torch.logaddexp(g + math.log(s), n + math.log(s)),
            "both weights are share",
        ),
        (overflowing, "not finite"),
        (lambda g, n, s: mixed(g, n, s).mean(), "expected shape (3,)"),
        (lambda g, n, s: mixed(g, n, s) + 1, "share 0.01, log densities"),
    ],
    6: [
        (lambda a: a, "the points of a themselves"),
        (lambda a: a.flip(0), "the points of a themselves"),
        (lambda a: -a, "the covariance is right, and the mean"),
        (lambda a: a + 1, "the covariance is right, and the mean"),
        (lambda a: a.mean(dim=0).expand_as(a), "the mean is right, and the covariance"),
        (
            lambda a: a.mean(dim=0) + 2 * (a - a.mean(dim=0)),
            "the mean is right, and the covariance",
        ),
        (lambda a: torch.zeros_like(a) + 9, "the mean is off"),
        (lambda a: mirrored(a)[0], "expected shape (50, 2), got (2,)"),
        (lambda a: mirrored(a) * float("nan"), "not finite"),
    ],
    7: [
        (lambda n: n / 2, "on average"),
        (
            lambda n: next(r for r in range(n + 2) if scipy.stats.binom.sf(r - 1, n, 0.5) <= 0.025),
            "2.5 %",
        ),
        (lambda n: needed(n) - 1, "one too few"),
        (lambda n: needed(n) + 1, "one too many"),
        (lambda n: min(needed(n), n), "the answer is n + 1"),
        (lambda n: scipy.stats.binom.sf(needed(n) - 1, n, 0.5), "these are the probabilities"),
        (lambda n: n, "n = 20: expected 15, got 20"),
        (lambda n: round(0.75 * n), "n = 10: expected 9, got 8"),
        (lambda n: [n, n], "expected one number"),
    ],
}
globals().update(checker_tests(ex07a, RIGHT, ALSO, WRONG, one_size=[7]))
