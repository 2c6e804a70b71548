"""The checkers of notebook 06a: right answers pass in every form, every planted wrong one gets its own reason."""

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex06a


def guided(u, c, scale):
    return u + scale * (c - u)


def guided_of_paper(u, c, scale):
    """With w = scale - 1, as Ho and Salimans write it."""
    w = scale - 1
    return (1 + w) * c - w * u


def guided_in_place(u, c, scale):
    return u.mul_(1 - scale).add_(c, alpha=scale)


def guided_by_lerp(u, c, scale):
    return torch.lerp(u, c, scale)


def scales(w, s):
    return 1 + w, s - 1


def scales_in_numpy(w, s):
    return np.array([w, s]) + np.array([1, -1])


def push(log_prob, x, y):
    x = x.detach().requires_grad_()
    log_p = log_prob(x)[torch.arange(len(y)), y]
    return torch.autograd.grad(log_p.sum(), x)[0]


def push_by_backward(log_prob, x, y):
    x = x.double().requires_grad_()
    torch.nn.functional.cross_entropy(log_prob(x), y, reduction="sum").neg().backward()
    return x.grad


def push_row_by_row(log_prob, x, y):
    rows = []
    for point, label in zip(x, y, strict=True):
        point = point.clone().requires_grad_()
        log_prob(point[None])[0, label].backward()
        rows.append(point.grad)
    return torch.stack(rows)


def push_by_vmap(log_prob, x, y):
    jacobian = torch.autograd.functional.jacobian(lambda x: log_prob(x).gather(1, y[:, None]), x)
    return jacobian[:, 0].sum(dim=1)


def of_probability(log_prob, x, y):
    return push(lambda x: log_prob(x).exp(), x, y)


def of_all(log_prob, x, y):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(log_prob(x).sum(), x)[0]


def drop(y, u, null, share):
    return torch.where(u < share, torch.full_like(y, null), y)


def drop_in_a_loop(y, u, null, share):
    return [
        null if coin < share else label for label, coin in zip(y.tolist(), u.tolist(), strict=True)
    ]


def drop_in_a_copy(y, u, null, share):
    y = y.clone()
    y[u < share] = null
    return y


def drop_in_place(y, u, null, share):
    y[u < share] = null
    return y


def score(x, m, V, s):
    p = torch.sigmoid(2 * x @ m / V)[:, None]
    return (m * (1 + 2 * (s - 1) * (1 - p)) - x) / V


def score_by_autograd(x, m, V, s):
    """From the densities themselves, in float64."""
    x, m = x.double().requires_grad_(), m.double()
    right, left = (-(x - c).square().sum(dim=1) / (2 * V) for c in (m, -m))
    both = torch.logaddexp(right, left)
    return torch.autograd.grad((both + s * (right - both)).sum(), x)[0]


def score_of_two_answers(x, m, V, s):
    """Classifier-free: score without a label + s (score with it - score without)."""
    told = (m - x) / V
    without = (m * torch.tanh(x @ m / V)[:, None] - x) / V
    return without + s * (told - without)


def p_of(x, m, V, times=2.0):
    return torch.sigmoid(times * x @ m / V)[:, None]


def overflowing(x, m, V, s):
    right, left = (2 * x @ m / V).exp()[:, None], 1.0
    p = right / (right + left)
    return (m * (1 + 2 * (s - 1) * (1 - p)) - x) / V


RIGHT = {1: guided, 2: scales, 3: push, 4: drop, 5: score}
ALSO = {
    1: [guided_of_paper, guided_in_place, guided_by_lerp],
    2: [scales_in_numpy, lambda w, s: [w + 1, -(1 - s)]],
    3: [push_by_backward, push_row_by_row, push_by_vmap],
    4: [drop_in_a_loop, drop_in_a_copy],
    5: [score_by_autograd, score_of_two_answers],
}
WRONG = {
    1: [
        (lambda u, c, scale: guided(c, u, scale), "swapped"),
        (lambda u, c, scale: guided(u, c, 1 + scale), "Ho and Salimans"),
        (lambda u, c, scale: guided(u, c, -scale), "would flee"),
        (lambda u, c, scale: scale * (c - u), "add that to it"),
        (lambda u, c, scale: u + scale * c, "is added on top"),
        (lambda u, c, scale: c, "the scale is missing"),
        (lambda u, c, scale: guided(u, c, max(scale, 0)), "scale -2: expected"),
        (lambda u, c, scale: guided(u, c, scale)[0], "expected shape (4, 2), got (2,)"),
        (lambda u, c, scale: guided(u, c, scale**2), "scale 2.5: expected"),
    ],
    2: [
        (lambda w, s: (s - 1, 1 + w), "the two are swapped"),
        (lambda w, s: (w, s), "never the same"),
        (lambda w, s: (w - 1, s + 1), "s is larger, by 1"),
        (lambda w, s: (1 + w, 1 - s), "solve s = 1 + w for w"),
        (lambda w, s: (2 * w, s - 1), "compare the factors"),
        (lambda w, s: (1 + w, s / 2), "the s of w is right"),
        (lambda w, s: 1 + w, "expected a pair"),
    ],
    3: [
        (of_probability, "not of its logarithm"),
        (lambda f, x, y: -push(f, x, y), "the sign is turned"),
        (lambda f, x, y: push(f, x, y) / len(y), "of a mean over the rows"),
        (of_all, "all classes"),
        (lambda f, x, y: push(f, x, y[:1].expand(len(y))), "the first y for all"),
        (lambda f, x, y: torch.zeros_like(x), "nothing flows back"),
        (lambda f, x, y: f(x)[torch.arange(len(y)), y], "one number a row"),
        (lambda f, x, y: (push(f, x, y),), "returns a tuple"),
        (lambda f, x, y: push(f, x[:, :1], y), "log_prob takes points (B, D), got shape (4, 1)"),
        (lambda f, x, y: 2 * push(f, x, y), "row by row"),
        (lambda f, x, y: push(f, x, y) if len(y) > 3 else -push(f, x, y), "the sign is turned"),
    ],
    4: [
        (lambda y, u, null, share: torch.where(u < share, y, null), "the wrong rows"),
        (lambda y, u, null, share: y, "nothing is dropped"),
        (lambda y, u, null, share: torch.full_like(y, null), "all rows"),
        (lambda y, u, null, share: drop(y, u, 0, share), "0 is a class"),
        (lambda y, u, null, share: drop(y, u, -1, share), "not minus 1"),
        (drop_in_place, "y itself has changed"),
        (lambda y, u, null, share: drop(y, u, 10, share), "expected [3, 2, 3], got [10, 2, 10]"),
        (lambda y, u, null, share: drop(y, u, null, 0.1), "share 0.2, u"),
        (lambda y, u, null, share: drop(y, u, null, share)[u >= share], "expected shape (5,)"),
        (
            lambda y, u, null, share: torch.where(u <= share, torch.full_like(y, null), y),
            "share 0, u",
        ),
    ],
    5: [
        (lambda x, m, V, s: score(x, m, V, 1.0), "the score of the bell at m, whatever s is"),
        (lambda x, m, V, s: score(x, m, V, 0.0), "without a label, whatever s is"),
        (lambda x, m, V, s: score(x, m, V, 1 + s), "with a label on"),
        (lambda x, m, V, s: score(x, m, V, -s), "flees"),
        (lambda x, m, V, s: score(x, -m, V, s), "towards the bell at -m"),
        (lambda x, m, V, s: V * score(x, m, V, s), "division by the variance V is missing"),
        (lambda x, m, V, s: score(x, m, V, s) / V, "do not square it"),
        (lambda x, m, V, s: -score(x, m, V, s), "away from them"),
        (
            lambda x, m, V, s: s * 2 * (1 - p_of(x, m, V)) * m / V,
            "score without a label is missing",
        ),
        (
            lambda x, m, V, s: score(x, m, V, 0.0) + s * 2 * (1 - p_of(x, m, V)) * m / V / 2,
            "the 2 is missing",
        ),
        (
            lambda x, m, V, s: score(x, m, V, 0.0) + s * 2 * p_of(x, m, V) * m / V,
            "you have 2 p m / V",
        ),
        (
            lambda x, m, V, s: (
                ((2 * p_of(x, m, V, 1.0) - 1) * m - x) / V
                + s * 2 * (1 - p_of(x, m, V, 1.0)) * m / V
            ),
            "logit of p",
        ),
        (overflowing, "there is no doubt"),
        (lambda x, m, V, s: score(x, m, V, s) * float("nan"), "some numbers are nan"),
        (lambda x, m, V, s: score(x, m, V, s**2), "expected (m (1 + 2 (s - 1) (1 - p)) - x) / V"),
        (lambda x, m, V, s: score(x, m, V, s)[:, 0], "expected shape"),
    ],
}
globals().update(checker_tests(ex06a, RIGHT, ALSO, WRONG, one_size=[2], untouched=[4]))
