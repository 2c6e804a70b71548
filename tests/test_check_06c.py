"""The checkers of notebook 06c: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex06c


def units(z, over=(0, 2, 3), correction=1):
    mean, sd = (
        z.mean(dim=over, keepdim=True),
        z.std(dim=over, keepdim=True, correction=correction),
    )
    return (z - mean) / sd


def units_in_a_loop(z):
    z = z.double().numpy()
    for channel in range(z.shape[1]):
        part = z[:, channel]
        z[:, channel] = (part - part.mean()) / part.std()
    return z


def units_by_batch_norm(z):
    return torch.nn.functional.batch_norm(z, None, None, training=True, eps=1e-12)


def deviation(z, power=1):
    return z.std(dim=(0, 2, 3), keepdim=True) ** power


def centred(z):
    return z - z.mean(dim=(0, 2, 3), keepdim=True)


def schedule(c, a, power=2):
    ratio = c**power * a / (1 - a)
    return ratio / (1 + ratio)


def schedule_by_logits(c, a):
    return torch.sigmoid(torch.logit(a) + 2 * math.log(c))


def schedule_in_numpy(c, a):
    a = a.double().numpy()
    return c**2 * a / (c**2 * a + 1 - a)


def saved(side, patch, channels):
    return 3 * patch**2 / channels, patch**2


def saved_by_counting(side, patch, channels):
    picture, code = np.empty((3, side, side)), np.empty((channels, side // patch, side // patch))
    return [picture.size / code.size, picture[0].size / code[0].size]


def fold(W, b, mean, sd):
    return W * sd, b + W @ mean


def fold_by_columns(W, b, mean, sd):
    def layer(z):
        return W @ (mean + sd * z) + b

    bias = layer(torch.zeros(W.shape[1]))
    return torch.stack([layer(one) - bias for one in torch.eye(W.shape[1])], dim=1), bias


def fold_in_place(W, b, mean, sd):
    b.addmv_(W, mean)
    return W.mul_(sd), b


RIGHT = {1: units, 2: schedule, 3: saved, 4: fold}
ALSO = {
    1: [units_in_a_loop, units_by_batch_norm, lambda z: units(z, correction=0)],
    2: [schedule_by_logits, schedule_in_numpy],
    3: [saved_by_counting],
    4: [fold_by_columns, fold_in_place, lambda W, b, m, s: (W @ torch.diag(s), b + (W * m).sum(1))],
}
WRONG = {
    1: [
        (lambda z: (z - z.mean()) / z.std(), "one mean and one deviation for all"),
        (lambda z: units(z, (0,)), "over dim=0 alone"),
        (lambda z: units(z, (2, 3)), "every code by itself"),
        (lambda z: z / deviation(z), "mean is not taken off"),
        (centred, "not divided by their deviation"),
        (lambda z: centred(z) / deviation(z, 2), "by the variance"),
        (lambda z: centred(z) * deviation(z), "this multiplies"),
        (lambda z: z / deviation(z) + centred(z) - z, "the mean is not divided"),
        (lambda z: z, "nothing has changed"),
        (lambda z: 2 * units(z), "deviation 2.00"),
        (lambda z: units(z)[0], "expected shape"),
    ],
    2: [
        (lambda c, a: c**2 * a / (1 - a), "the signal-to-noise ratio itself"),
        (lambda c, a: schedule(c, a, 1), "counts squared"),
        (lambda c, a: schedule(1 / c, a), "goes the other way"),
        (lambda c, a: a, "c is not in it"),
        (lambda c, a: c**2 * a, "may be larger than 1"),
        (lambda c, a: 1 - schedule(c, a), "the noise's share"),
        (lambda c, a: schedule(c, a).sqrt(), "root of the answer"),
        (lambda c, a: schedule(c, a) + 0.1, "c = 5: expected"),
        (lambda c, a: schedule(c, a) if c > 1 else a / 2, "c = 0.2: expected"),
    ],
    3: [
        (lambda s, p, c: saved(s, p, c)[::-1], "are swapped"),
        (lambda s, p, c: (c / (3 * p**2), p**2), "fewer"),
        (lambda s, p, c: (3 * s**2, p**2), "divide it by that of the code"),
        (lambda s, p, c: (3 * p / c, p), "a square"),
        (lambda s, p, c: (3 * p**2 / c, p), "a square"),
        (lambda s, p, c: (p**2 / c, p**2), "three channels"),
        (lambda s, p, c: (3 * p**2, p**2), "holds 4 numbers"),
        (lambda s, p, c: (7.0, p**2), "side 512, patch 8, 4 channels"),
        (lambda s, p, c: (3 * p**2 / c, s**2), "the numbers are right"),
        (lambda s, p, c: 3 * p**2 / c, "expected a pair"),
    ],
    4: [
        (lambda W, b, m, s: (W, b + W @ m), "the weight is not changed"),
        (lambda W, b, m, s: (W / s, b + W @ m), "divided by sd"),
        (
            lambda W, b, m, s: (W * s[:, None] if len(W) == len(s) else W * s, b + W @ m),
            "along the outputs",
        ),
        (lambda W, b, m, s: (2 * W, b + W @ m), "the new weight"),
        (lambda W, b, m, s: (W * s, b), "bias is not changed"),
        (lambda W, b, m, s: (W * s, b - W @ m), "the mean is taken off"),
        (lambda W, b, m, s: (W * s, b + (W * s) @ m), "not through the new weight"),
        (lambda W, b, m, s: (W * s, b + W @ (m / s)), "is not divided by sd"),
        (lambda W, b, m, s: (W * s, W @ m), "old bias is missing"),
        (lambda W, b, m, s: (W * s, b + 1), "the new bias"),
        (lambda W, b, m, s: W * s, "expected a pair"),
        (lambda W, b, m, s: (W * s, (b + W @ m)[:1]), "expected shape"),
    ],
}
globals().update(checker_tests(ex06c, RIGHT, ALSO, WRONG, one_size=[3]))
