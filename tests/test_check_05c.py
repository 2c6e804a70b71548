"""The checkers of notebook 05c: the right answer passes, every planted wrong one gets its own reason."""

import math

import torch
from checking import checker_tests

from genlib.check import ex05c


def step(x, e, z, a_t, a_s, eta, power=2, room=True, root=True, roots=0.5):
    variance = eta**power * (1 - a_s) / (1 - a_t) * (1 - a_t / a_s)
    left = 1 - a_s - (variance if room else 0.0)
    return a_s**roots * x + left**roots * e + (math.sqrt(variance) if root else variance) * z


def walk(predict, x_0, times, alpha_bar, at=0, to=1, backwards=False, keep=True):
    x = x_0
    pairs = list(zip(times[:-1], times[1:], strict=True))
    for pair in reversed(pairs) if backwards else pairs:
        seen, noise = predict(x, pair[at])
        new = alpha_bar[pair[to]] ** 0.5 * seen + (1 - alpha_bar[pair[to]]) ** 0.5 * noise
        x = new if keep else x
    return x


def arc(a, b, n, angle=None):
    angle = torch.acos((a @ b) / (a.norm() * b.norm())) if angle is None else angle
    u = torch.linspace(0, 1, n)[:, None]
    return (torch.sin((1 - u) * angle) * a + torch.sin(u * angle) * b) / torch.sin(angle)


def line(a, b, n):
    u = torch.linspace(0, 1, n)[:, None]
    return (1 - u) * a + u * b


def times(T, steps, power=2.0, apart=True, ends=slice(None), turn=1, shift=0):
    left = range(steps, -1, -1)
    t = [max(round(T * (k / steps) ** power), k * apart) + shift for k in left]
    return t[ends][::turn]


def short_at_the_start(T, steps):
    return [round(T * (1 - (i / steps) ** 2)) for i in range(steps + 1)]


RIGHT = {1: step, 2: walk, 3: arc, 4: times}
WRONG = {
    1: [
        (lambda *b: step(*b, roots=1.0), "square roots are missing"),
        (lambda x, e, z, a_t, a_s, eta: a_t**0.5 * x + (1 - a_t) ** 0.5 * e, "x_t again"),
        (lambda x, e, z, a_t, a_s, eta: x, "eta = 0: expected"),
        (lambda *b: step(*b, power=1), "eta is squared"),
        (lambda *b: step(*b, room=False), "make room"),
        (lambda *b: step(*b, root=False), "sigma is in front"),
        (lambda x, e, z, a_t, a_s, eta: step(x, e, z, a_t, a_s, 0.0), "eta = 0 is right"),
        (
            lambda x, e, z, a_t, a_s, eta: step(x, e, z, a_t, min(a_s, 0.9), eta),
            "only x_0_hat should be left",
        ),
    ],
    2: [
        (lambda p, x, t, a: x, "never asked"),
        (lambda *b: walk(*b, at=1), "is x again"),
        (lambda *b: walk(*b, backwards=True), "should grow"),
        (lambda p, x, t, a: walk(p, x, t + t[-1:], a), "expected one question"),
        (lambda *b: walk(*b, keep=False), "as it was"),
        (lambda p, x, t, a: 2 * walk(p, x, t, a), "going to"),
    ],
    3: [
        (lambda a, b, n: arc(a, b, n)[1:], "one is missing"),
        (line, "straight line"),
        (lambda a, b, n: arc(b, a, n), "from b to a"),
        (lambda a, b, n: arc(a, b, n, torch.tensor(math.pi / 2)), "90 degrees"),
        (lambda a, b, n: 2 * arc(a, b, n), "the ends should be"),
        (lambda a, b, n: arc(a, b, n, torch.tensor(0.7)), "not on the arc"),
    ],
    4: [
        (lambda T, steps: times(T, steps, ends=slice(1, None)), "both ends"),
        (lambda T, steps: times(T, steps, turn=-1), "should fall"),
        (lambda T, steps: times(T, steps, shift=1), "the last 0"),
        (lambda T, steps: [t + 0.3 * (0 < t < T) for t in times(T, steps)], "whole number"),
        (lambda T, steps: times(T, steps, power=1.0), "these times are even"),
        (short_at_the_start, "not what is done"),
        (lambda T, steps: times(T, steps, apart=False), "stands there twice"),
        (lambda T, steps: times(T, steps, power=3.0), "expected about"),
    ],
}
test_right_answers_pass, test_wrong_answers_are_diagnosed, test_stubs_get_a_hint = checker_tests(
    ex05c, RIGHT, WRONG
)
