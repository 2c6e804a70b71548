"""The checkers of notebook 05a: right answers pass in every form, every planted wrong one gets its own reason."""

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex05a
from genlib.ddpm import alpha_bar_of, cosine_beta


def jump(x_0, t, eps, beta, root=0.5, root_eps=0.5, shift=0, sign=1):
    a = (1 - beta).cumprod(dim=0)[t - shift][:, None]
    return a**root * x_0 + sign * (1 - a) ** root_eps * eps


def jump_in_place(x_0, t, eps, beta):
    beta.neg_().add_(1)
    left = beta.log().cumsum(dim=0).exp().gather(0, t).unsqueeze(1)
    return x_0.mul_(left.sqrt()).add_(eps.mul_((1 - left).sqrt()))


def jump_in_numpy(x_0, t, eps, beta):
    left = np.array([np.prod(1 - beta.double().numpy()[1 : k + 1]) for k in t.tolist()])
    return np.sqrt(left)[:, None] * x_0.numpy() + np.sqrt(1 - left)[:, None] * eps.numpy()


def one_step(x_0, t, eps, beta):
    b = beta[t][:, None]
    return (1 - b).sqrt() * x_0 + b.sqrt() * eps


def schedule(T, low=None, high=None, cut=0.999, zero=True):
    s = 1000 / T
    line = torch.linspace(1e-4 * (low or s), 0.02 * (high or s), T).clamp(max=cut)
    return torch.cat([torch.zeros(1), line]) if zero else line


def schedule_in_a_loop(T):
    beta = [0.0]
    for k in range(T):
        step = (0.0001 + (0.02 - 0.0001) * k / max(T - 1, 1)) * 1000 / T
        beta.append(min(step, 0.999))
    return beta


def posterior(x_t, x_0, t, beta, root=(0.5, 0.5), flip=False, power=1.0, ratio=None, late=0):
    a = (1 - beta).cumprod(dim=0)
    now, before = a[t], a[t - 1]
    if flip:
        x_t, x_0 = x_0, x_t
    mean = a[t - 1 + late] ** root[0] * beta[t] / (1 - now) * x_0
    mean = mean + (1 - beta[t]) ** root[1] * (1 - before) / (1 - now) * x_t
    ratio = ratio or (lambda before, now: (1 - before) / (1 - now))
    return mean, (ratio(before, now) * beta[t]) ** power


def table_from_1(t, beta):
    """The variance, if the product starts at entry 1."""
    a = (1 - beta[1:]).cumprod(dim=0)
    return (1 - a[t - 1]) / (1 - a[t]) * beta[t]


def posterior_by_precisions(x_t, x_0, t, beta):
    """The product of two bells in x_{t-1}: one from x_0, one from x_t."""
    left = alpha_bar_of(beta)[t - 1].item()
    b = beta.double()[t].item()
    precision = 1 / (1 - left) + (1 - b) / b
    mean = (left**0.5 * x_0 / (1 - left) + (1 - b) ** 0.5 * x_t / b) / precision
    return [mean.tolist(), 1 / precision]


def gaussian(x_t, a, m, s, sign=1.0, root=0.5, mean=0.5, width=2, shrink=1, power=1.0):
    variance = a**shrink * s**width + 1 - a if width else 1 - a
    return sign * (1 - a) ** root * (x_t - a**mean * m) / variance**power


def by_autograd(x_t, a, m, s):
    x = x_t.requires_grad_()
    density = torch.distributions.Normal(a**0.5 * m, (a * s**2 + 1 - a) ** 0.5)
    (score,) = torch.autograd.grad(density.log_prob(x).sum(), x)
    return -((1 - a) ** 0.5) * score


def by_regression(x_t, a, m, s):
    """E[eps | x_t] of two numbers that are jointly normal: Cov(eps, x_t) / Var(x_t) (x_t - mean)."""
    x = x_t.double().numpy()
    return (x - np.sqrt(a) * m) * np.sqrt(1 - a) / (a * s * s + (1 - a))


RIGHT = {1: jump, 2: schedule, 3: posterior, 4: gaussian}
ALSO = {
    1: [jump_in_place, jump_in_numpy],
    2: [
        schedule_in_a_loop,
        lambda T: np.append(0, np.minimum(np.linspace(0.1 / T, 20 / T, T), 0.999)),
        lambda T: [0, *np.linspace(0.1 / T, min(20 / T, 0.999), T)],  # the end is cut, not the line
    ],
    3: [posterior_by_precisions],
    4: [by_autograd, by_regression],
}
WRONG = {
    1: [
        (one_step, "single step"),
        (lambda *a: jump(*a, root=1, root_eps=1), "square roots are missing"),
        (lambda *a: jump(*a, root_eps=1), "in front of eps"),
        (lambda *a: jump(*a, root=1), "in front of x_0"),
        (lambda x, t, e, b: jump(e, t, x, b), "swapped"),
        (lambda *a: jump(*a, sign=-1), "add it"),
        (lambda *a: jump(*a, shift=1), "belongs to step t"),
        (lambda x, t, e, b: jump(x, t, e, b[1:]), "complete at beta[t]"),
        (lambda x, t, e, b: (1 - b).cumprod(0)[t] * x + e, "`a[:, None]`"),  # forgotten [:, None]
        (lambda x, t, e, b: x + e, "this is not"),
        (lambda x, t, e, b: x[0], "expected shape (4, 3), got (3,)"),
    ],
    2: [
        (lambda T: schedule(T, zero=False), "entry 0, a zero"),
        (lambda T: schedule(T) + 0.001, "entry 0 should be 0"),
        (lambda T: schedule(T, low=1.0, high=1.0), "alpha_bar of 0.36"),
        (lambda T: schedule(T, low=1.0), "only one end"),
        (lambda T: schedule(T, high=1.0), "only one end"),
        (lambda T: schedule(T, low=T / 1000, high=T / 1000), "the wrong way"),
        (lambda T: schedule(T, cut=2.0), "T = 15: beta_t goes up to 1.333"),
        (lambda T: schedule(T).sqrt(), "straight line"),
        (lambda T: cosine_beta(T), "straight line"),
        (lambda T: torch.linspace(0, 20 / T, T + 1).clamp(max=0.999), "straight line"),
        (lambda T: schedule(100), "expected shape (41,), got (101,)"),
        (lambda T: schedule(T, cut=1.0), "cut it at 0.999"),
    ],
    3: [
        (lambda *a: posterior(*a)[0], "two things"),
        (lambda *a: posterior(*a)[::-1], "the mean comes first"),
        (lambda *a: posterior(*a, power=0.5), "standard deviation"),
        (lambda *a: posterior(*a, ratio=lambda b, n: 1), "this is beta_t"),
        (lambda *a: posterior(*a, ratio=lambda b, n: (1 - n) / (1 - b)), "upside down"),
        (lambda *a: posterior(*a, ratio=lambda b, n: b / n), "*not* left"),
        (lambda x, y, t, b: (x, table_from_1(t, b)), "keep entry 0"),
        (
            lambda x, y, t, b: (x, posterior(x, y, t, b)[1] * b[t - 1] / b[t]),
            "at the time t - 1",
        ),
        (lambda *a: posterior(*a, power=2.0), "variance should be"),
        (lambda x, y, t, b: posterior(x, y, t - 1, b), "variance should be"),
        (lambda *a: posterior(*a, flip=True), "swapped"),
        (lambda *a: posterior(*a, root=(1, 1)), "two square roots are missing"),
        (lambda *a: posterior(*a, root=(1, 0.5)), "root of alpha_bar"),
        (lambda *a: posterior(*a, root=(0.5, 1)), "root of 1 - beta_t"),
        (lambda *a: posterior(*a, late=1), "not of alpha_bar_t"),
        (lambda x, y, t, b: (x, posterior(x, y, t, b)[1]), "the mean is not"),
    ],
    4: [
        (lambda *a: gaussian(*a, sign=-1.0), "sign is wrong"),
        (lambda *a: gaussian(*a, sign=-1.0, root=0.0), "this is the score"),
        (lambda *a: gaussian(*a, root=0.0), "minus the score"),
        (lambda *a: gaussian(*a, root=1.0), "use the root"),
        (lambda *a: gaussian(*a, mean=0.0), "not m"),
        (lambda *a: gaussian(*a, mean=1.0), "with the root"),
        (lambda *a: gaussian(*a, width=0), "a width of their own"),
        (lambda *a: gaussian(*a, width=1), "square s"),
        (lambda *a: gaussian(*a, shrink=0), "not s^2"),
        (lambda *a: gaussian(*a, power=0.5), "not by its standard deviation"),
        (lambda x, a, m, s: gaussian(x, torch.tensor(a), m, s) * a.sqrt(), "a ** 0.5"),
        (lambda x, a, m, s: x, "this is not"),
        (lambda x, a, m, s: gaussian(x, a, m, s)[:, 0], "expected shape (5, 2), got (5,)"),
    ],
}
globals().update(checker_tests(ex05a, RIGHT, ALSO, WRONG, one_size=[2]))
