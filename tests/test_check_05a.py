"""The checkers of notebook 05a: the right answer passes, every planted wrong one gets its own reason."""

import torch
from checking import checker_tests

from genlib.check import ex05a


def jump(x_0, t, eps, beta, root=0.5, root_eps=0.5, shift=0):
    a = (1 - beta).cumprod(dim=0)[t - shift][:, None]
    return a**root * x_0 + (1 - a) ** root_eps * eps


def one_step(x_0, t, eps, beta):
    b = beta[t][:, None]
    return (1 - b).sqrt() * x_0 + b.sqrt() * eps


def schedule(T, low=None, high=None, cut=0.999, zero=True):
    s = 1000 / T
    line = torch.linspace(1e-4 * (low or s), 0.02 * (high or s), T).clamp(max=cut)
    return torch.cat([torch.zeros(1), line]) if zero else line


def posterior(x_t, x_0, t, beta, root=0.5, flip=False, power=1.0, upside=False, plain=False):
    a = (1 - beta).cumprod(dim=0)
    now, before = a[t], a[t - 1]
    if flip:
        x_t, x_0 = x_0, x_t
    mean = before**root * beta[t] / (1 - now) * x_0
    mean = mean + (1 - beta[t]) ** root * (1 - before) / (1 - now) * x_t
    ratio = 1.0 if plain else (1 - before) / (1 - now)
    return mean, ((1 / ratio if upside else ratio) * beta[t]) ** power


def gaussian(x_t, a, m, s, sign=1.0, root=0.5, mean=0.5, width=2):
    variance = a * s**width + 1 - a if width else 1 - a
    return sign * (1 - a) ** root * (x_t - a**mean * m) / variance


RIGHT = {1: jump, 2: schedule, 3: posterior, 4: gaussian}
WRONG = {
    1: [
        (one_step, "single step"),
        (lambda *a: jump(*a, root=1, root_eps=1), "square roots are missing"),
        (lambda *a: jump(*a, root_eps=1), "in front of eps"),
        (lambda *a: jump(*a, root=1), "in front of x_0"),
        (lambda x, t, e, b: jump(e, t, x, b), "swapped"),
        (lambda *a: jump(*a, shift=1), "off by one"),
        (lambda x, t, e, b: x + e, "this is not"),
        (lambda x, t, e, b: x[0], "expected shape"),
    ],
    2: [
        (lambda T: schedule(T, zero=False), "entry 0, a zero"),
        (lambda T: schedule(T) + 0.001, "entry 0 should be 0"),
        (lambda T: schedule(T, low=1.0, high=1.0), "not scaled"),
        (lambda T: schedule(T, low=1.0), "only one end"),
        (lambda T: schedule(T, low=T / 1000, high=T / 1000), "the wrong way"),
        (lambda T: schedule(T, cut=2.0) * (1 if T > 40 else 2.0), "may exceed"),
        (lambda T: schedule(T).sqrt(), "straight line"),
    ],
    3: [
        (lambda *a: posterior(*a)[0], "two things"),
        (lambda *a: posterior(*a, power=0.5), "standard deviation"),
        (lambda *a: posterior(*a, plain=True), "this is beta_t"),
        (lambda *a: posterior(*a, upside=True), "upside down"),
        (lambda *a: posterior(*a, power=2.0), "variance should be"),
        (lambda *a: posterior(*a, flip=True), "swapped"),
        (lambda *a: posterior(*a, root=1.0), "square roots are missing"),
        (lambda x, y, t, b: (x, posterior(x, y, t, b)[1]), "the mean is not"),
    ],
    4: [
        (lambda *a: gaussian(*a, sign=-1.0), "sign is wrong"),
        (lambda *a: gaussian(*a, sign=-1.0, root=0.0), "this is the score"),
        (lambda *a: gaussian(*a, root=1.0), "use the root"),
        (lambda *a: gaussian(*a, mean=0.0), "not m"),
        (lambda *a: gaussian(*a, mean=1.0), "with the root"),
        (lambda *a: gaussian(*a, width=0), "a width of their own"),
        (lambda *a: gaussian(*a, width=1), "square s"),
        (lambda x, a, m, s: x, "this is not"),
    ],
}
test_right_answers_pass, test_wrong_answers_are_diagnosed, test_stubs_get_a_hint = checker_tests(
    ex05a, RIGHT, WRONG
)
