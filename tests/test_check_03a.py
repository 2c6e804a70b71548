"""The checkers of notebook 03a: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.special
import torch
from checking import checker_tests
from torch.distributions import Normal, kl_divergence

from genlib.check import ex03a
from genlib.losses import gaussian_kl

M_B = 12.56  # precision of the posterior in exercise 1: 1 + (1.5^2 + 0.8^2) / 0.5^2
MEAN_B = (1.5 * 3.0 + 0.8 * 1.6) / 0.25 / M_B


def posterior(x, w, b, sd):
    M = 1 + w @ w / sd**2
    return (x - b) @ w / (sd**2 * M), (1 / M).expand(len(x))


def posterior_by_gain(x, w, b, sd):
    """The Kalman form: the gain of an observation, from the covariance of x."""
    x, w, b = (part.double().numpy() for part in (x, w, b))
    gain = np.linalg.solve(np.outer(w, w) + sd**2 * np.eye(len(w)), w)
    return (x - b) @ gain, np.full(len(x), 1 - gain @ w)


def posterior_on_a_grid(x, w, b, sd):
    """Sums of the density on a fine grid, row by row."""
    z = torch.linspace(-12, 12, 200_001, dtype=torch.float64)
    moments = []
    for row in x.double():
        log_p = -z.square() / 2 - (row[:, None] - w[:, None] * z - b[:, None]).square().sum(0) / (
            2 * sd**2
        )
        p = log_p.softmax(dim=0)
        mean = (p * z).sum()
        moments.append((mean, (p * (z - mean).square()).sum()))
    return zip_lists(moments)


def zip_lists(pairs):
    return [list(part) for part in zip(*pairs, strict=True)]


def posterior_by_newton(x, w, b, sd):
    """The derivative of the log density, by autograd: it is linear in z, so that one step suffices."""
    z = torch.zeros(len(x), dtype=x.dtype, requires_grad=True)
    off = x - z[:, None] * w - b
    log_p = -z.square() / 2 - off.square().sum(dim=1) / (2 * sd**2)
    (slope,) = torch.autograd.grad(log_p.sum(), z, create_graph=True)
    (bend,) = torch.autograd.grad(slope.sum(), z)
    return (slope / -bend).detach(), -1 / bend


def with_variance(change):
    """The right mean, and a function of the precision in place of the variance."""
    return lambda x, w, b, sd: (posterior(x, w, b, sd)[0], change(1 + w @ w / sd**2).expand(len(x)))


def with_mean(change):
    """A function of (x - b) w, of |w|^2 and of sd in place of the mean."""
    return lambda x, w, b, sd: (
        change((x - b) @ w, w @ w, sd),
        posterior(x, w, b, sd)[1],
    )


def kl(mu, logvar, mu_p, logvar_p):
    ratio = ((mu - mu_p) ** 2 + logvar.exp()) / logvar_p.exp()
    return 0.5 * (ratio - 1 - logvar + logvar_p).sum(dim=1)


def kl_by_torch(mu, logvar, mu_p, logvar_p):
    q, p = Normal(mu, logvar.exp().sqrt()), Normal(mu_p, logvar_p.exp() ** 0.5)
    return kl_divergence(q, p).sum(1)


def kl_in_a_loop(mu, logvar, mu_p, logvar_p):
    given = [part.tolist() for part in (mu, logvar, mu_p, logvar_p)]
    return [
        sum(
            (w - v) / 2 + (math.exp(v) + (m - n) ** 2) / (2 * math.exp(w)) - 0.5
            for m, v, n, w in zip(*rows, strict=True)
        )
        for rows in zip(*given, strict=True)
    ]


def kl_in_place(mu, logvar, mu_p, logvar_p):
    logvar -= logvar_p
    mu.sub_(mu_p).pow_(2).mul_(logvar_p.neg_().exp_())
    return mu.add_(logvar.exp()).sub_(logvar).sub_(1).sum(dim=1).div_(2)


def kl_term(change):
    """Divergence with terms exchanged: a function of (mu - mu_p), its square, both variances and logarithms."""
    return lambda m, v, n, w: 0.5 * change(m - n, v, w).sum(dim=1)


def bound(log_w):
    return log_w.logsumexp(dim=0) - math.log(len(log_w))


def bound_by_steps(log_w):
    """logaddexp from row to row, in place."""
    total = log_w[0]
    for row in log_w[1:]:
        total = torch.logaddexp(total, row)
    return total - np.log(log_w.shape[0])


def bound_by_the_largest(log_w):
    log_w = log_w.numpy()
    top = log_w.max(axis=0)
    log_w -= top
    return np.log(np.mean(np.exp(log_w), axis=0)) + top


def bound_by_scipy(log_w):
    return scipy.special.logsumexp(log_w.numpy(), axis=0, b=1 / len(log_w))


def score(f, mu, logvar, eps):
    sigma = (0.5 * logvar).exp()
    value = f(mu + sigma * eps)[:, None]
    return (value * eps / sigma).mean(dim=0), (value * (eps**2 - 1) / 2).mean(dim=0)


def score_by_surrogate(f, mu, logvar, eps):
    """Autograd through log q at fixed codes, weighted by f."""
    mu, logvar = mu.requires_grad_(), logvar.requires_grad_()
    z = (mu + (logvar / 2).exp() * eps).detach()
    log_q = Normal(mu, (logvar / 2).exp()).log_prob(z).sum(dim=1)
    return torch.autograd.grad((f(z) * log_q).mean(), [mu, logvar])


def score_draw_by_draw(f, mu, logvar, eps):
    d_mu, d_logvar = np.zeros(len(mu)), np.zeros(len(mu))
    sigma = np.exp(logvar.numpy() / 2)
    for e in eps.numpy():
        value = float(f(torch.from_numpy(mu.numpy() + sigma * e)[None])[0])
        d_mu += value * e / sigma / len(eps)
        d_logvar += value * (e**2 - 1) / 2 / len(eps)
    return d_mu, d_logvar


def score_with(first, second):
    """Score-function estimates with other weights of f(z): functions of eps and sigma."""

    def answer(f, mu, logvar, eps):
        sigma = (0.5 * logvar).exp()
        value = f(mu + sigma * eps)[:, None]
        return (value * first(eps, sigma)).mean(dim=0), (value * second(eps, sigma)).mean(dim=0)

    return answer


def score_d_mu(eps, sigma):
    return eps / sigma


def score_d_logvar(eps, sigma):
    return (eps**2 - 1) / 2


def score_with_baseline(f, mu, logvar, eps):
    centre = f(mu + (0.5 * logvar).exp() * eps).mean()
    return score(lambda z: f(z) - centre, mu, logvar, eps)


def score_leave_one_out(f, mu, logvar, eps):
    n, value = len(eps), f(mu + (0.5 * logvar).exp() * eps)
    return score(lambda z: value - (value.sum() - value) / (n - 1), mu, logvar, eps)


def pathwise(f, mu, logvar, eps):
    mu, logvar = mu.requires_grad_(), logvar.requires_grad_()
    value = f(mu + (0.5 * logvar).exp() * eps).mean()
    return torch.autograd.grad(value, [mu, logvar])


RIGHT = {
    1: lambda: (1.85, -2.5),
    2: posterior,
    3: kl,
    4: bound,
    5: score,
}

ALSO = {
    1: [
        lambda: np.array([1.84, -2.53]),
        lambda: torch.tensor([1.85, -2.5]),
        lambda: [np.float64(MEAN_B), torch.tensor([-math.log(M_B)])],
    ],
    2: [
        posterior_by_gain,
        posterior_by_newton,
        posterior_on_a_grid,
        lambda x, w, b, sd: (posterior(x, w, b, sd)[0], 1 / (1 + w @ w / sd**2)),  # one variance
        lambda x, w, b, sd: (
            posterior(x, w, b, sd)[0],
            (torch.eye(1) + w[None] @ w[:, None] / sd**2).inverse(),  # as a matrix
        ),
    ],
    3: [kl_by_torch, kl_in_a_loop, kl_in_place],
    4: [bound_by_steps, bound_by_the_largest, bound_by_scipy],
    5: [score_by_surrogate, score_draw_by_draw],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: (MEAN_B, 1 / M_B), "the variance; its logarithm"),
        (lambda: (MEAN_B, M_B**-0.5), "the standard deviation; the logarithm of its square"),
        (lambda: (MEAN_B, -0.5 * math.log(M_B)), "log sigma^2 is twice that"),
        (lambda: (MEAN_B, math.log(M_B)), "the logarithm of the precision"),
        (lambda: (MEAN_B, 0.6), "q is too wide"),
        (lambda: (MEAN_B, -5.0), "q is too narrow"),
        (lambda: (MEAN_B, 2000.0), "too wide"),
        (lambda: (MEAN_B, -2000.0), "too narrow"),
        (lambda: (1.0, -2.5), "mu is too small"),
        (lambda: (2.5, -2.5), "mu is too large"),
        (lambda: (MEAN_B * M_B / (M_B - 1), -2.53), "nearest to B"),
        (lambda: 1.8, "two things: mu and logvar"),
        (lambda: ("a", 1), "expected one number"),
        (lambda: (-2.53, 1.84), "mu comes first"),
        (lambda: (math.nan, -2.5), "finite numbers"),
        (lambda: (2000.0, -2.5), "mu is too large"),
        (lambda: (-1e6, 2000.0), "e+304 nats, most of it because q is too wide"),
    ],
    2: [
        (with_mean(lambda along, square, sd: along / square), "the nearest code: the prior"),
        (lambda x, w, b, sd: posterior(x + b, w, b, sd), "subtract b"),
        (with_mean(lambda a, s, sd: a / (1 + s / sd**2)), "lacks a division by sd**2"),
        (with_mean(lambda a, s, sd: a / (sd * (1 + s / sd**2))), "you divided by sd;"),
        (with_mean(lambda a, s, sd: a / (sd * (1 + s / sd))), "in the mean without its square"),
        (with_mean(lambda a, s, sd: a / (sd**2 * (1 + s / sd))), "in the precision without"),
        (with_mean(lambda a, s, sd: -a / (sd**2 + s)), "the sign of the mean"),
        (with_mean(lambda a, s, sd: a / sd**2 * (1 + s / sd**2)), "do not multiply by it"),
        (lambda x, w, b, sd: (w @ (x - b), 1), "your code raised RuntimeError"),
        (lambda x, w, b, sd: (((x - b) * w).sum(0), torch.ones(6)), "the mean has shape (3,)"),
        (with_mean(lambda a, s, sd: a / sd**2), "Divide it by the precision"),
        (with_mean(lambda a, s, sd: a / (1 + s)), "for sd = 1 only"),
        (with_mean(lambda a, s, sd: 2 * a), "the mean is not that of the posterior"),
        (with_variance(lambda M: M), "this is the precision"),
        (with_variance(lambda M: M**-0.5), "the standard deviation, return its square"),
        (with_variance(lambda M: -M.log()), "the log-variance"),
        (with_variance(lambda M: 1 / (M - 1)), "lacks the prior's 1"),
        (
            lambda x, w, b, sd: (posterior(x, w, b, sd)[0], 1 / (1 + w @ w / sd)),
            "in the variance sd stands",
        ),
        (lambda x, w, b, sd: (posterior(x, w, b, sd)[0], sd**2), "not that of the noise"),
        (with_variance(lambda M: 2 / M), "the variance is not"),
        (lambda x, w, b, sd: posterior(x, w, b, sd)[0], "two things: mean and variance"),
        (lambda x, w, b, sd: (x, posterior(x, w, b, sd)[1]), "the mean has shape (6, 3)"),
        (lambda x, w, b, sd: (posterior(x, w, b, sd)[0], x), "the variance has shape (6, 3)"),
        (lambda x, w, b, sd: (posterior(x, w, b, sd)[0], None), "Replace the `...`"),
    ],
    3: [
        (lambda *given: kl(*given).mean(), "one number for the whole batch"),
        (lambda *given: kl(*given) / 3, "averaged over the dimensions"),
        (lambda *given: -kl(*given), "the sign"),
        (lambda *given: 2 * kl(*given), "1/2 is missing"),
        (lambda *given: kl(*given) / math.log(2), "bits"),
        (lambda mu, logvar, mu_p, logvar_p: kl(mu_p, logvar_p, mu, logvar), "exchanged the two"),
        (lambda mu, logvar, mu_p, logvar_p: gaussian_kl(mu, logvar), "left out mu_p"),
        (lambda *given: kl(*given) + 1.5, "the -1 is missing"),
        (lambda *given: kl(*given) + 3, "the 1 is added"),
        (lambda m, v, n, w: kl(m, v, n, w) - 0.5 * w.sum(1), "log sigma_p^2 is missing"),
        (lambda m, v, n, w: kl(m, v, n, w) + 0.5 * v.sum(1), "log sigma^2 is missing"),
        (lambda m, v, n, w: kl(m, v, n, w) - 0.25 * w.sum(1), "taken half"),
        (lambda m, v, n, w: kl(m, v, n, w) + (v - w).sum(1), "both logarithms are turned"),
        (lambda m, v, n, w: kl(m, v, n, w) - w.sum(1), "one logarithm has the wrong sign"),
        (lambda m, v, n, w: kl(m, v, n, w) + (v - w).sum(1) / 2, "the logarithms are missing"),
        (kl_term(lambda d, v, w: d**2 + v.exp() - 1 - v + w), "second Gaussian."),
        (kl_term(lambda d, v, w: d**2 + v.exp() - 1 - v), "logvar_p does not occur"),
        (lambda m, v, n, w: kl(m, v, 0 * n, w), "mu_p does not occur"),
        (
            kl_term(lambda d, v, w: (d**2 + v.exp() - 1 - v + w) / w.exp()),
            "Only (mu - mu_p)^2 + sigma^2 is divided, not",
        ),
        (
            kl_term(lambda d, v, w: (d**2 + v.exp() - 1 - v) / w.exp()),
            "and log sigma_p^2 is missing",
        ),
        (kl_term(lambda d, v, w: (d**2 + v.exp() - 1) / w.exp() - v + w), "divided the -1, too"),
        (kl_term(lambda d, v, w: d**2 / w.exp() + v.exp() - 1 - v + w), "divide sigma^2"),
        (kl_term(lambda d, v, w: (d**2 + w.exp()) / v.exp() - 1 - v + w), "not of the first"),
        (kl_term(lambda d, v, w: (d.abs() + v.exp()) / w.exp() - 1 - v + w), "its absolute value"),
        (
            lambda m, v, n, w: 0.5 * ((m**2 - n**2 + v.exp()) / w.exp() - 1 - v + w).sum(dim=1),
            "the difference of squares",
        ),
        (
            lambda m, v, n, w: 0.5 * ((m - n) ** 2 + v.exp() / w.exp() - 1 - v + w).sum(dim=1),
            "divide (mu - mu_p)^2 by the variance",
        ),
        (
            lambda m, v, n, w: 0.5 * (((m - n) + v.exp()) / w.exp() - 1 - v + w).sum(dim=1),
            "has to be squared",
        ),
        (lambda m, v, n, w: kl(m, 2 * v, n, 2 * w), "the logarithm of sigma; it is that of"),
        (lambda m, v, n, w: kl(m, v / 2, n, w / 2), "exp(logvar / 2) is sigma"),
        (
            lambda m, v, n, w: (
                0.5 * (((m - n) ** 2 + (v / 2).exp()) / (w / 2).exp() - 1 - v + w).sum(dim=1)
            ),
            "both divisions take sigma^2",
        ),
        (
            lambda m, v, n, w: 0.5 * (((m - n) ** 2 + v) / w - 1 - v + w).sum(dim=1),
            "used logvar as the variance",
        ),
        (lambda m, v, n, w: m, "one number per dimension"),
        (lambda m, v, n, w: kl(m.T, v.T, n.T, w.T), "the other way round"),
        (lambda m, v, n, w: m[:2], "expected shape (5,)"),
        (lambda *given: kl(*given) + 1, "expected "),
    ],
    4: [
        (lambda log_w: bound(log_w).mean(), "one number for the whole batch"),
        (lambda log_w: bound(log_w.T), "a row is a draw"),
        (lambda log_w: log_w, "expected shape (6,)"),
        (lambda log_w: log_w.mean(dim=0), "the mean of the logarithms"),
        (lambda log_w: log_w.sum(dim=0), "the sum of the logarithms"),
        (lambda log_w: log_w.logsumexp(dim=0), "subtract log k"),
        (lambda log_w: log_w.logsumexp(dim=0) + math.log(4), "log k has to be subtracted"),
        (lambda log_w: log_w.logsumexp(dim=0) - math.log(6), "the number of examples"),
        (lambda log_w: log_w.logsumexp(dim=0) - math.log(24), "number of all weights"),
        (lambda log_w: log_w.logsumexp(dim=0) / math.log(4), "by log k; subtract"),
        (lambda log_w: log_w.exp().sum(dim=0), "the sum of the weights; the"),
        (lambda log_w: bound(log_w)[None], "no keepdim"),
        (lambda log_w: log_w.logsumexp(dim=0) - 4, "you subtracted k"),
        (lambda log_w: log_w.logsumexp(dim=0) / 4, "divided the logarithm by k"),
        (lambda log_w: log_w.exp().mean(dim=0), "its logarithm is asked"),
        (lambda log_w: log_w.amax(dim=0), "the largest log-weight"),
        (lambda log_w: bound(log_w) / math.log(2), "bits"),
        (lambda log_w: -bound(log_w), "the sign"),
        (lambda log_w: bound(log_w) + 1, "expected "),
        (lambda log_w: log_w.exp().mean(dim=0).log(), "underflows, and you return -inf"),
        (
            lambda log_w: bound(log_w) if log_w.mean() < 100 else log_w.exp().mean(0).log(),
            "overflows, and you return inf",
        ),
    ],
    5: [
        (pathwise, "both are zero"),
        (lambda f, m, v, e: score(f, m, v, e)[::-1], "d_mu comes first"),
        (
            score_with(lambda e, s: e / s, lambda e, s: (e**2 - 1) / 2 + 0 * s + 1),
            "d_logvar: expected",
        ),
        (
            lambda f, m, v, e: (
                (f(m + (v / 2).exp() * e)[:, None] * (m + (v / 2).exp() * e) / v.exp()).mean(0),
                v,
            ),
            "you left out mu",
        ),
        (
            lambda f, m, v, e: (
                f(m + (v / 2).exp() * e).mean() * (e / (v / 2).exp()).mean(0),
                v,
            ),
            "before the mean is taken",
        ),
        (lambda f, m, v, e: score(lambda z: 1 + 0 * f(z), m, v, e), "f is missing"),
        (
            lambda f, m, v, e: (score(f, m, v, e)[0], score_with_baseline(f, m, v, e)[1]),
            "from d_logvar you subtracted a baseline",
        ),
        (
            lambda f, m, v, e: (f(m + (v / 2).exp() * e) * e).mean(0),
            "`a[:, None]`",
        ),
        (lambda f, m, v, e: [500 * part for part in score(f, m, v, e)], "summed over the draws"),
        (lambda f, m, v, e: [-part for part in score(f, m, v, e)], "the sign of d_mu"),
        (
            lambda f, m, v, e: score(lambda z: f((z - m) / (v / 2).exp()), m, v, e),
            "f was given eps",
        ),
        (lambda f, m, v, e: score(f, m, 2 * v, e), "which is the variance"),
        (score_with(lambda e, s: e, score_d_logvar), "divided by sigma"),
        (score_with(lambda e, s: e / s**2, score_d_logvar), "already is sigma * eps"),
        (score_with(lambda e, s: e * s, score_d_logvar), "not multiply"),
        (score_with_baseline, "subtracted a baseline"),
        (score_leave_one_out, "subtracted a baseline"),
        (score_with(lambda e, s: e / s + 1, score_d_logvar), "d_mu: expected"),
        (
            score_with(score_d_mu, lambda e, s: 250 * (e**2 - 1)),
            "d_logvar is summed over the draws",
        ),
        (score_with(score_d_mu, lambda e, s: (1 - e**2) / 2), "the sign of d_logvar"),
        (score_with(score_d_mu, lambda e, s: e**2 / 2), "lacks the -1"),
        (score_with(score_d_mu, lambda e, s: e**2 - 1), "lacks the 1/2"),
        (score_with(score_d_mu, lambda e, s: (e**2 - 1) / s), "with respect to sigma."),
        (score_with(score_d_mu, lambda e, s: (e**2 - 1) / (2 * s**2)), "with respect to sigma^2"),
        (score_with(score_d_mu, lambda e, s: e), "d_logvar: expected"),
        (lambda f, m, v, e: score(f, m, v, e)[0], "two things: d_mu and d_logvar"),
        (lambda f, m, v, e: [part.sum() for part in score(f, m, v, e)], "d_mu has shape ()"),
        (
            lambda f, m, v, e: (score(f, m, v, e)[0], e),
            "d_logvar has shape (500, 3)",
        ),
    ],
}


globals().update(checker_tests(ex03a, RIGHT, ALSO, WRONG))
