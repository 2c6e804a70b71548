"""The checkers of notebook 05d: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex05d
from genlib.data import Mixture
from genlib.ddpm import DDPM
from genlib.exact import PerfectVelocity
from genlib.flow import FlowMatching

# --- 1: path and target


def path(x_0, eps, t, swap=False, root=1.0):
    t = (1 - t if swap else t)[:, None]
    return (1 - t) ** root * x_0 + t**root * eps


def line(x_0, eps, t):
    return path(x_0, eps, t), eps - x_0


def line_row_by_row(x_0, eps, t):
    points = [(1 - s) * a + s * b for a, b, s in zip(x_0, eps, t, strict=True)]
    return [points, [b - a for a, b in zip(x_0, eps, strict=True)]]


def line_by_derivative(x_0, eps, t):
    t = t.double().requires_grad_()
    return torch.func.jvp(lambda s: path(x_0.double(), eps.double(), s), (t,), (t * 0 + 1,))


# --- 2: one bell


def bell(x, t, m, s, variance=None, covariance=None, off=None, mean=-1.0):
    variance = (1 - t) ** 2 * s**2 + t**2 if variance is None else variance
    covariance = t - (1 - t) * s**2 if covariance is None else covariance
    off = x - (1 - t) * m if off is None else off
    return mean * m + covariance / variance * off


def bell_by_genlib(x, t, m, s):
    """In the plane by the mixture of the book, pair by pair of the coordinates."""
    columns = []
    for d in range(x.shape[1]):
        one = PerfectVelocity(Mixture(torch.stack([m[d], m[d]])[None], s))
        there = x[:, [d, d]]
        columns.append(one(there, torch.full((len(x),), 1000 * t))[:, 0])
    return torch.stack(columns, dim=1)


def bell_in_two_parts(x, t, m, s):
    """By the means of the noise and of the data, in NumPy."""
    x, m = x.double().numpy(), m.double().numpy()
    variance = (1 - t) ** 2 * s**2 + t**2
    off = (x - (1 - t) * m) / variance
    return t * off - (m + (1 - t) * s**2 * off)


# --- 3: Euler


def euler(velocity, x, times, at=0, sign=1.0, keep=True, length=lambda t, s: s - t):
    first = x
    for pair in zip(times[:-1], times[1:], strict=True):
        x = x + sign * length(*pair) * velocity(x if keep else first, pair[at])
    return x


def euler_by_popping(velocity, x, times):
    t = times.pop(0)
    while times:
        s = times.pop(0)
        x.add_(velocity(x, torch.full((len(x),), t)), alpha=s - t)
        t = s
    return x


def euler_by_genlib(velocity, x, times):
    class Net(torch.nn.Module):
        def forward(self, x_t, t):
            return velocity(x_t, t / 1000)

    return FlowMatching(Net()).double().sample(len(x), x.shape[1:], times, x_1=x.double())


# --- 4: Heun


def heun(velocity, x, t, s):
    first = velocity(x, t)
    return x + (s - t) / 2 * (first + velocity(x + (s - t) * first, s))


def heun_by_genlib(velocity, x, t, s):
    class Net(torch.nn.Module):
        def forward(self, x_t, time):
            return velocity(x_t, time / 1000)

    flow = FlowMatching(Net()).double()
    return flow.sample(len(x), x.shape[1:], [t, s], x_1=x.double(), heun=True)


def heun_from_the_end(velocity, x, t, s):
    first = velocity(x, torch.tensor(t))
    end = x + (s - t) * first
    return (x + end + (s - t) * velocity(end, torch.tensor(s))) / 2


# --- 5: from v


def from_v(x_t, v, a, point=lambda x, signal, noise: x / (signal + noise), sign=1.0, scale=None):
    signal, noise = a**0.5, (1 - a) ** 0.5
    velocity = noise * x_t + signal * v - (signal * x_t - noise * v)
    return point(x_t, signal, noise), sign * velocity * (1 if scale is None else scale(a))


def from_v_by_genlib(x_t, v, a):
    class Says(torch.nn.Module):
        def forward(self, x, t):
            return v

    if a == 1:  # no DDPM has a time without noise
        return x_t, v - x_t
    model = DDPM(Says(), torch.tensor([0.0, 1 - a]), predicts="v")
    x_0_hat, eps_hat = model.predict(x_t, torch.ones(len(x_t), dtype=torch.long))
    return [x_t / (math.sqrt(a) + math.sqrt(1 - a)), eps_hat - x_0_hat]


def from_v_in_numpy(x_t, v, a):
    angle = np.arctan2(np.sqrt(1 - a), np.sqrt(a))  # v turns x_t by a right angle
    x_t, v, c, s = x_t.numpy(), v.numpy(), np.cos(angle), np.sin(angle)
    return x_t / (c + s), (s - c) * x_t + (c + s) * v


# --- 6: how straight


def off(states, n=None, sign=1.0):
    n = len(states) - 1 if n is None else n
    return n * (states[:-1] - states[1:]) - sign * (states[0] - states[-1])


def straight(states):
    return off(states).square().sum(dim=2).mean()


def straight_in_loops(states):
    n, total = len(states) - 1, 0.0
    for i in range(n):
        for b in range(states.shape[1]):
            u = (states[i + 1, b] - states[i, b]) / (-1 / n)
            total += ((u - (states[0, b] - states[n, b])) ** 2).sum().item()
    return total / n / states.shape[1]


def straight_by_variance(states):
    """The mean velocity is that of the line, so it is a variance over the steps."""
    velocity = -(len(states) - 1) * states.diff(dim=0)
    return velocity.var(dim=0, unbiased=False).sum(dim=1).mean()


def on_the_line(states):
    return torch.stack(
        [states[0].lerp(states[-1], i / (len(states) - 1)) for i in range(len(states))]
    )


# --- 7: other units


def twice(log_p, D):
    return log_p + D * math.log(2)


def twice_one_by_one(log_p, D):
    for _ in range(D):
        log_p = torch.logaddexp(log_p.double(), log_p.double())
    return log_p


RIGHT = {1: line, 2: bell, 3: euler, 4: heun, 5: from_v, 6: straight, 7: twice}
ALSO = {
    1: [line_row_by_row, line_by_derivative],
    2: [bell_by_genlib, bell_in_two_parts],
    3: [euler_by_popping, euler_by_genlib],
    4: [heun_by_genlib, heun_from_the_end],
    5: [from_v_by_genlib, from_v_in_numpy],
    6: [straight_in_loops, straight_by_variance],
    7: [twice_one_by_one, lambda log_p, D: np.log(2.0) * D + log_p.double().numpy()],
}
WRONG = {
    1: [
        (lambda *b: line(*b)[0], "return two tensors"),
        (lambda *b: line(*b)[::-1], "wrong order"),
        (lambda *b: (path(*b, swap=True), b[1] - b[0]), "the ends are swapped"),
        (lambda *b: (path(*b, root=0.5), b[1] - b[0]), "a noise schedule"),
        (lambda x, e, t: (x + t[:, None] * e, e - x), "their full size"),
        (lambda x, e, t: (0.3 * x + 0.7 * e, e - x), "with one t for each row"),
        (lambda x, e, t: ((1 - t) * x + t * e, e - x), "`a[:, None]`"),
        (lambda *b: (path(*b), b[0] - b[1]), "velocity: the sign"),
        (lambda *b: (path(*b), b[1]), "this is the noise"),
        (lambda *b: (path(*b), b[2][:, None] * (b[1] - b[0])), "does not depend on t"),
        (lambda *b: (path(*b), b[1] - path(*b)), "only a part of the way"),
        (lambda *b: (path(*b), b[1] + b[0]), "expected the derivative"),
    ],
    2: [
        (lambda x, t, m, s: bell(x, t, m, s, off=x), "you take x itself"),
        (lambda x, t, m, s: bell(x, t, m, s, off=x - m), "not m."),
        (lambda x, t, m, s: bell(x, t, m, s, mean=0.0), "-m, is missing"),
        (lambda x, t, m, s: bell(x, t, m, s, mean=1.0), "is -m, not m"),
        (
            lambda x, t, m, s: bell(x, t, m, s, variance=((1 - t) ** 2 * s**2 + t**2) ** 0.5),
            "not over its root",
        ),
        (
            lambda x, t, m, s: bell(x, t, m, s, (1 - t) ** 2 * s + t**2, t - (1 - t) * s),
            "s is a deviation",
        ),
        (lambda x, t, m, s: bell(x, t, m, s, covariance=t + (1 - t) * s**2), "with a minus"),
        (lambda x, t, m, s: bell(x, t, m, s, variance=(1 - t) * s**2 + t), "weights are squared"),
        (lambda x, t, m, s: x - m, "right at t = 1 only"),
        (lambda x, t, m, s: -bell(x, t, m, s), "the sign is turned"),
        (lambda x, t, m, s: 2 * bell(x, t, m, s), "t = 0.3, s = 0.5: expected -m + slope"),
        (lambda x, t, m, s: bell(x, max(t, 1e-2), m, s), "t = 0, s = 0.7: expected -m + slope"),
    ],
    3: [
        (lambda v, x, t: 2 * x, "never asked for"),
        (lambda v, x, t: (euler(v, x, t), x)[1], "add each step"),
        (lambda *b: euler(*b, sign=-1.0), "the sign of the step"),
        (lambda *b: euler(*b, at=1), "the time you come from"),
        (lambda *b: euler(*b, keep=False), "asks at the first x"),
        (lambda *b: euler(*b, length=lambda t, s: -abs(s - t)), "not minus its size"),
        (lambda *b: euler(*b, length=lambda t, s: abs(s - t)), "the sign of the step"),
        (
            lambda v, x, t: euler(v, x, t, length=lambda *_: (t[-1] - t[0]) / (len(t) - 1)),
            "not of equal length",
        ),
        (lambda *b: euler(*b, length=lambda t, s: 1.0), "length of the step is missing"),
        (lambda v, x, t: euler(v, x, t[:-1]), "expected one question at each of [1.0, 0.6, 0.1]"),
        (lambda *b: 2 * euler(*b), "for each pair of times"),
        (lambda v, x, t: v(x, torch.tensor(t)), "one time for all rows"),
    ],
    4: [
        (lambda v, x, t, s: x + (s - t) * v(x, t), "this is Euler's step"),
        (lambda v, x, t, s: x + (s - t) * v(x + (s - t) * v(x, t), s), "no mean of the two"),
        (lambda v, x, t, s: 2 * heun(v, x, t, s) - x, "take their mean"),
        (
            lambda v, x, t, s: heun(v, x, t, s) + (s - t) * v(x, t),
            "not from the place where Euler's step ended",
        ),
        (
            lambda v, x, t, s: x + (s - t) * v(x, t) + (s - t) / 2 * v(x + (s - t) * v(x, t), s),
            "half of the second",
        ),
        (lambda v, x, t, s: x + (s - t) / 2 * (v(x, t) + v(x, s)), "asked for at x"),
        (
            lambda v, x, t, s: x + (s - t) / 2 * (v(x, t) + v(x + (s - t) * v(x, t), t)),
            "is that of time s",
        ),
        (
            lambda v, x, t, s: x + (t - s) / 2 * (v(x, t) + v(x + (t - s) * v(x, t), s)),
            "the sign of the step",
        ),
        (lambda v, x, t, s: 2 * x - heun(v, x, t, s), "the last step has the wrong sign"),
        (
            lambda v, x, t, s: x + (s - t) * v(x + (s - t) / 2 * v(x, t), (s + t) / 2),
            "midpoint rule",
        ),
        (lambda v, x, t, s: 2 * x, "never asked for"),
        (lambda v, x, t, s: 2 * x + v(x, t), "expected two questions, at 0.7 and at 0.4"),
        (lambda v, x, t, s: 2 * heun(v, x, t, s), "from x, take"),
    ],
    5: [
        (lambda *b: from_v(*b)[1], "return two tensors"),
        (lambda *b: from_v(*b)[::-1], "the two are in the wrong order"),
        (lambda *b: from_v(*b, point=lambda x, *_: x), "the sum of both roots, so that"),
        (lambda *b: from_v(*b, point=lambda x, s, n: x / s), "the unit of 05c"),
        (lambda *b: from_v(*b, point=lambda x, s, n: x * (s + n)), "multiply or divide"),
        (lambda *b: from_v(*b, point=lambda x, s, n: x / (s + 2 * n)), "expected x_t divided"),
        (lambda *b: (from_v(*b)[0], b[1]), "v is not yet the velocity"),
        (lambda *b: from_v(*b, sign=-1.0), "velocity: the sign"),
        (lambda x, v, a: (from_v(x, v, a)[0], (1 - a) ** 0.5 * x + a**0.5 * v), "alone"),
        (
            lambda *b: from_v(*b, scale=lambda a: 1 / (a**0.5 + (1 - a) ** 0.5)),
            "it needs no division",
        ),
        (
            lambda x, v, a: (from_v(x, v, a)[0], (1 - a) * x + a * v - (a * x - (1 - a) * v)),
            "a is a variance",
        ),
        (
            lambda x, v, a: (from_v(x, v, a)[0], from_v(from_v(x, v, a)[0], v, a)[1]),
            "not from the point on the straight path",
        ),
        (lambda *b: from_v(*b, sign=2.0), "expected eps_hat - x_0_hat"),
        (lambda x, v, a: from_v(x, v, min(a, 0.99)), "the point: expected"),
    ],
    6: [
        (
            lambda x: off(x, n=1).square().sum(dim=2).mean(),
            "its velocity is n times as large",
        ),
        (lambda x: off(x, n=len(x)).square().sum(dim=2).mean(), "one step less"),
        (lambda x: off(x, sign=-1.0).square().sum(dim=2).mean(), "the sign of the velocity"),
        (lambda x: off(x).square().mean(), "sum over D"),
        (lambda x: off(x).square().sum(), "steps and points; yours is a sum"),
        (lambda x: off(x).square().sum(dim=(0, 2)).mean(), "over the steps; yours is a sum"),
        (lambda x: off(x).square().sum(dim=(1, 2)).mean(), "over the points; yours is a sum"),
        (lambda x: off(x).norm(dim=2).mean(), "yours is the length"),
        (
            lambda x: off(x, sign=0.0).square().sum(dim=2).mean(),
            "yours is the size of the velocity",
        ),
        (lambda x: (x - on_the_line(x)).square().sum(dim=2).mean(), "compares the states"),
        (lambda x: 3.5 * straight(x), "4 steps: expected"),
        (
            lambda x: straight(x) if straight(x) > 1e-3 else 1.0,
            "at an even pace: expected 0, got 1",
        ),
        (lambda x: off(x).square().sum(dim=2), "expected one number, got 12"),
    ],
    7: [
        (lambda log_p, D: log_p, "changes with its unit"),
        (lambda log_p, D: log_p - D * math.log(2), "the sign"),
        (lambda log_p, D: log_p + math.log(2), "each of the D pixels"),
        (lambda log_p, D: log_p + 2 * D, "log 2, not 2"),
        (lambda log_p, D: log_p + D, "log 2, not 1"),
        (lambda log_p, D: log_p * 2.0**D, "their logarithms grow"),
        (lambda log_p, D: 2 * log_p, "multiplies the logarithm"),
        (lambda log_p, D: log_p / math.log(2), "nats into bits"),
        (lambda log_p, D: log_p + D * math.log(17 / 8), "expected log_p + D log 2"),
        (lambda log_p, D: twice(log_p, D)[0], "expected shape (3,)"),
    ],
}
globals().update(checker_tests(ex05d, RIGHT, ALSO, WRONG))
