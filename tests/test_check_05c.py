"""The checkers of notebook 05c: right answers pass in every form, every planted wrong one gets its own reason."""

import cmath
import math

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex05c


def step(x, e, z, a_t, a_s, eta, power=2, room=1.0, root=True, roots=0.5, fresh=1.0, ratio=None):
    ratio = (1 - a_s) / (1 - a_t) * (1 - a_t / a_s) if ratio is None else ratio
    variance = eta**power * ratio
    left = 1 - a_s - room * variance
    return a_s**roots * x + left**roots * e + fresh * (variance**0.5 if root else variance) * z


def minus_sigma(x, e, z, a_t, a_s, eta):
    sigma = eta * math.sqrt((1 - a_s) / (1 - a_t) * (1 - a_t / a_s))
    return a_s**0.5 * x + (1 - a_s - sigma) ** 0.5 * e + sigma * z


def upside_down(a_t, a_s):
    return (1 - a_t) / (1 - a_s) * (1 - a_t / a_s) if a_s < 1 else 0.0


def step_by_posterior(x, e, z, a_t, a_s, eta):
    """By beta-tilde of one step from s to t, in NumPy."""
    x, e, z = (part.double().numpy() for part in (x, e, z))
    beta = 1 - a_t / a_s
    sigma = eta * np.sqrt(beta * (1 - a_s) / (1 - a_t))
    return np.sqrt(a_s) * x + np.sqrt(np.maximum(1 - a_s - sigma**2, 0)) * e + sigma * z


def step_in_place(x, e, z, a_t, a_s, eta):
    a_t, a_s = torch.tensor([a_t, a_s])
    variance = eta**2 * (1 - a_s).div(1 - a_t).mul(1 - a_t / a_s)
    return x.mul_(a_s.sqrt()).add_(e.mul_((1 - a_s - variance).sqrt())).addcmul_(variance.sqrt(), z)


def walk(predict, x_0, times, alpha_bar, at=0, to=1, backwards=False, keep=True, root=0.5):
    x = new = x_0
    pairs = list(zip(times[:-1], times[1:], strict=True))
    for pair in reversed(pairs) if backwards else pairs:
        seen, noise = predict(x, pair[at])
        a = alpha_bar[pair[to]]
        new = a**root * seen + (1 - a) ** root * noise
        x = new if keep else x
    return new


def walk_recursively(predict, x, times, alpha_bar):
    if len(times) == 1:
        return x
    data, noise = predict(x, torch.tensor(times[0]))
    signal = math.sqrt(alpha_bar[times[1]])
    x = data.mul_(signal).add_(noise, alpha=math.sqrt(1 - signal**2))
    return walk_recursively(predict, x, times[1:], alpha_bar)


def walk_by_popping(predict, x, times, alpha_bar):
    alpha_bar = alpha_bar.double().numpy()
    while len(times) > 1:
        data, noise = predict(x, times.pop(0))
        x[:] = np.sqrt(alpha_bar[times[0]]) * data + np.sqrt(1 - alpha_bar[times[0]]) * noise
    return x


def one_jump(predict, x, times, alpha_bar):
    return walk(predict, x, [times[0], times[-1]], alpha_bar)


def arc(a, b, n, angle=None, divide=True):
    angle = torch.acos((a @ b) / (a.norm() * b.norm())) if angle is None else angle
    u = torch.linspace(0, 1, n)[:, None]
    points = torch.sin((1 - u) * angle) * a + torch.sin(u * angle) * b
    return points / torch.sin(angle) if divide else points


def arc_in_a_loop(a, b, n):
    a, b = a.double().numpy(), b.double().numpy()
    angle = cmath.phase(complex(a @ b, math.sqrt(a @ a * (b @ b) - (a @ b) ** 2)))
    points = []
    for k in range(n):
        u = k / (n - 1)
        points.append((math.sin((1 - u) * angle) * a + math.sin(u * angle) * b) / math.sin(angle))
    return points


def arc_of_rows(a, b, n):
    angle = torch.nn.functional.cosine_similarity(a, b, dim=0).acos()
    return [
        angle.mul(1 - u).sin() / angle.sin() * a + angle.mul(u).sin() / angle.sin() * b
        for u in torch.linspace(0, 1, n)
    ]


def line(a, b, n):
    u = torch.linspace(0, 1, n)[:, None]
    return (1 - u) * a + u * b


def stretched(a, b, n):
    u, points = torch.linspace(0, 1, n)[:, None], line(a, b, n)
    return points / points.norm(dim=1, keepdim=True) * ((1 - u) * a.norm() + u * b.norm())


def angle_of(a, b):
    return torch.acos((a @ b) / (a.norm() * b.norm()))


def times(T, steps, power=2.0, apart=True, ends=slice(None), turn=1, shift=0):
    left = range(steps, -1, -1)
    t = [max(round(T * (k / steps) ** power), k * apart) + shift for k in left]
    return t[ends][::turn]


def times_rounded_up(T, steps):
    return [max(math.ceil(T * (k / steps) ** 2), k) for k in range(steps, -1, -1)]


def times_in_numpy(T, steps):
    left = np.arange(steps + 1)[::-1]
    return np.maximum((T * (left / steps) ** 2).astype(int), left)


def times_counted_up(T, steps):
    """Every time is at least one more than the one before."""
    found = [0]
    for k in range(1, steps + 1):
        found.append(max(int(T * k * k / steps**2), found[-1] + 1))
    return torch.tensor(found).flip(0)


def short_at_the_start(T, steps):
    return [round(T * (1 - (i / steps) ** 2)) for i in range(steps + 1)]


RIGHT = {1: step, 2: walk, 3: arc, 4: times}
ALSO = {
    1: [step_by_posterior, step_in_place],
    2: [walk_recursively, walk_by_popping],
    3: [arc_in_a_loop, arc_of_rows],
    4: [times_rounded_up, times_in_numpy, times_counted_up],
}
WRONG = {
    1: [
        (lambda *b: step(*b, roots=1.0), "square roots are missing"),
        (lambda x, e, z, a_t, a_s, eta: a_t**0.5 * x + (1 - a_t) ** 0.5 * e, "x_t again"),
        (lambda x, e, z, a_t, a_s, eta: a_s**0.5 * x + (1 - a_s) ** 0.5 * z, "eps_hat, the noise"),
        (lambda x, e, z, a_t, a_s, eta: step(x, e, z, a_t, a_s, 1.0), "eta is missing"),
        (lambda x, e, z, a_t, a_s, eta: x, "eta = 0: expected"),
        (lambda *b: step(*b, power=1), "eta is squared"),
        (lambda *b: step(*b, room=0.0), "make room"),
        (lambda *b: step(*b, root=False), "sigma is in front"),
        (lambda *b: step(*b, fresh=0.0), "is not put back"),
        (minus_sigma, "not minus sigma"),
        (lambda *b: step(*b, ratio=upside_down(b[3], b[4])), "is upside down"),
        (
            lambda x, e, z, a_t, a_s, eta: step(x, e, z, a_t, a_s, eta, ratio=1 - a_s / a_t),
            "eta = 0.4: a negative number stands under a root",
        ),
        (
            lambda x, e, z, a_t, a_s, eta: (
                a_s**0.5 * x
                + (1 - a_s - torch.tensor(eta**2 * (1 - a_t) / 0.2)).sqrt() * e
                + eta * z
            ),
            "eta = 0.4: a negative number stands under a root",
        ),
        (
            lambda x, e, z, a_t, a_s, eta: math.sqrt(1 - a_s - 9 * eta) * e + a_s**0.5 * x,
            "root or a logarithm of a negative number",
        ),
        (
            lambda x, e, z, a_t, a_s, eta: a_s**0.5 * x + (1 - a_s).sqrt() * e,
            "a ** 0.5 for the root",
        ),
        (lambda x, e, z, a_t, a_s, eta: step(x, e, z, a_t, a_s, 0.0), "yours has none"),
        (lambda *b: step(*b, fresh=-1.0), "added, not taken away"),
        (lambda *b: step(*b, fresh=2.0), "eta = 0 is right"),
        (
            lambda x, e, z, a_t, a_s, eta: (
                step(x, z, e, a_t, a_s, eta) if eta else step(x, e, z, a_t, a_s, 0)
            ),
            "are swapped",
        ),
        (
            lambda *b: step(*b, ratio=(1 - b[4]) / (1 - b[3])),
            "1 - a_t / a_s, is missing",
        ),
        (
            lambda x, e, z, a_t, a_s, eta: (
                step(x, e, z, a_t, a_s, eta) if a_s < 1 else step(x, e, z, a_t, 0.9, eta)
            ),
            "only x_0_hat should be left",
        ),
    ],
    2: [
        (lambda p, x, t, a: x, "never asked"),
        (lambda *b: walk(*b, at=1), "is x again"),
        (lambda *b: walk(*b, at=1, to=0), "ask at the time you come from"),
        (lambda *b: walk(*b, backwards=True), "should grow"),
        (lambda *b: walk(*b, to=0), "Put together with the sizes of t, the pair is x again"),
        (lambda *b: (walk(*b, keep=False), b[1])[1], "keep the new x for the next step"),
        (one_jump, "expected one question at each of [1, 3, 6], got [1]"),
        (lambda p, x, t, a: walk(p, x, t[:-1], a), "expected one question at each"),
        (lambda *b: walk(*b, keep=False), "starts from the first x"),
        (lambda *b: walk(*b, root=1.0), "square roots are missing"),
        (lambda p, x, t, a: p(x, torch.full((len(x),), 1))[0], "one whole number t, got 2"),
        (lambda p, x, t, a: 2 * walk(p, x, t, a), "put x_0_hat and eps_hat together"),
        (lambda p, x, t, a: walk(p, x, t, a)[0], "expected shape (2, 2), got (2,)"),
    ],
    3: [
        (lambda a, b, n: arc(a, b, n)[1:], "got 4"),
        (lambda a, b, n: arc(a, b, n)[1:-1], "got 3"),
        (lambda a, b, n: arc(a, b, n).T, "turn it over"),
        (line, "the straight line."),
        (stretched, "stretched"),
        (lambda a, b, n: arc(b, a, n), "from b to a"),
        (lambda a, b, n: arc(a, b, n, torch.tensor(math.pi / 2)), "90 degrees"),
        (lambda a, b, n: arc(a / a.norm(), b / b.norm(), n), "length 1"),
        (lambda a, b, n: arc(a, b, n, angle_of(a, b).rad2deg()), "radians"),
        (lambda a, b, n: arc(a, b, n, angle_of(a, b).cos()), "arc cosine"),
        (lambda a, b, n: arc(a, b, n, torch.acos(a @ b)), "divided by both lengths"),
        (lambda a, b, n: arc(a, b, n) + math.nan, "from -1 to 1"),
        (lambda a, b, n: arc(a, b, n, divide=False), "sin(phi) is missing"),
        (lambda a, b, n: 2 * arc(a, b, n), "the ends should be"),
        (lambda a, b, n: arc(a, b, n + 1)[:-1], "the ends should be"),
        (lambda a, b, n: arc(a, b, n, torch.tensor(0.7)), "not on the arc"),
        (lambda a, b, n: torch.linspace(0, 1, n) * a, "`a[:, None]`"),
    ],
    4: [
        (lambda T, steps: times(T, steps, ends=slice(1, None)), "both ends"),
        (lambda T, steps: times(T, steps, turn=-1), "should fall"),
        (lambda T, steps: times(T, steps, shift=1), "the last 0"),
        (lambda T, steps: [t + 0.3 * (0 < t < T) for t in times(T, steps)], "whole number"),
        (lambda T, steps: times(T, steps, power=1.0), "these times are even"),
        (short_at_the_start, "not what is done"),
        (
            lambda T, steps: times(T, steps, apart=False),
            "1000, 50 steps: a time stands there twice",
        ),
        (
            lambda T, steps: [2, 2, 0] if steps == 2 else times(T, steps, apart=T > 500),
            "T = 7, 7 steps: a time stands there twice",
        ),
        (
            lambda T, steps: times(T, steps, power=3.0),
            "with 4 left to go expected about 64, got 51",
        ),
        (
            lambda T, steps: [*times(T, steps)[:-2], 3, 0],
            "with 1 left to go expected about 1, got 3",
        ),
        (
            lambda T, steps: [{1: 2, 2: 1}.get(t, t) if T == 1000 else t for t in times(T, steps)],
            "smaller than the one before",
        ),
        (lambda T, steps: "times", "a list of whole times, got str"),
    ],
}
globals().update(checker_tests(ex05c, RIGHT, ALSO, WRONG, one_size=[4]))
