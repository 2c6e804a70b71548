"""The checkers of notebook 05b: the right answer passes, every planted wrong one gets its own reason."""

import torch
from checking import checker_tests

from genlib.check import ex05b


def seen(x_t, e, a, root=0.5, below=0.5, sign=-1.0, swap=False):
    a = a[:, None]
    signal, noise = (1 - a, a) if swap else (a, 1 - a)
    return (x_t + sign * noise**root * e) / signal**below


def jump(x_0, t, eps, table):
    a = table[t][:, None]
    return a.sqrt() * x_0 + (1 - a).sqrt() * eps


def error(net, x_0, t, eps, table):
    return net(jump(x_0, t, eps, table), t) - eps


def simple(net, x_0, t, eps, table):
    return error(net, x_0, t, eps, table).square().sum(dim=1).mean()


def turn(x_t, v, a, sign=1.0, root=0.5, swap=False, eps_sign=1.0):
    a = a[:, None]
    signal, noise = a**root, (1 - a) ** root
    if swap:
        signal, noise = noise, signal
    return signal * x_t - sign * noise * v, noise * x_t + eps_sign * signal * v


def ema(w, decay, start=None):
    average = w[0] if start is None else start
    for value in w[1:] if start is None else w:
        average = decay * average + (1 - decay) * value
    return average


RIGHT = {1: seen, 2: simple, 3: turn, 4: ema}
WRONG = {
    1: [
        (lambda x, e, a: seen(x, e, a, below=0.0), "divide by the root"),
        (lambda x, e, a: x - e, "this is x_t - eps"),
        (lambda x, e, a: seen(x, e, a, root=1.0), "in front of the noise"),
        (lambda x, e, a: seen(x, e, a, below=1.0), "not by alpha_bar"),
        (lambda x, e, a: seen(x, e, a, sign=1.0), "not added"),
        (lambda x, e, a: seen(x, e, a, swap=True), "swapped"),
        (lambda x, e, a: x, "solve x_t"),
    ],
    2: [
        (lambda net, x, t, e, a: torch.tensor(1.0), "never asked"),
        (lambda net, x, t, e, a: (net(x, t) - e).square().sum(1).mean(), "clean data"),
        (lambda net, x, t, e, a: simple(net, x, t - 1, e, a), "off by one"),
        (lambda net, x, t, e, a: (net(x + e, t) - e).square().sum(1).mean(), "is not sqrt"),
        (
            lambda net, x, t, e, a: (net(jump(x, t, e, a), t / 10) - e).square().sum(1).mean(),
            "the times t themselves",
        ),
        (lambda *b: error(*b).square().sum(dim=1), "one number"),
        (lambda *b: error(*b).square().mean(), "mean over the coordinates"),
        (lambda *b: error(*b).square().sum(), "sum over the batch"),
        (
            lambda net, x, t, e, a: (net(jump(x, t, e, a), t) - x).square().sum(1).mean(),
            "compared with the data",
        ),
        (lambda *b: error(*b).abs().sum(1).mean(), "square them"),
        (lambda *b: error(*b).norm(dim=1).mean(), "squared length"),
        (lambda *b: 2 * simple(*b), "expected"),
    ],
    3: [
        (lambda *b: turn(*b)[0], "two things"),
        (lambda *b: turn(*b)[::-1], "x_0 comes first"),
        (lambda *b: turn(*b, sign=-1.0), "a sign of x_0"),
        (lambda *b: turn(*b, root=1.0), "square roots"),
        (lambda *b: turn(*b, swap=True), "factors are swapped"),
        (lambda x, v, a: (x, v), "yours is not"),
        (lambda *b: turn(*b, eps_sign=-1.0), "a sign of eps"),
        (lambda x, v, a: (turn(x, v, a)[0], v), "eps is not"),
    ],
    4: [
        (lambda w, d: w.mean(), "plain mean"),
        (lambda w, d: ema(w, 1 - d), "are swapped"),
        (lambda w, d: ema(w, d, start=torch.tensor(0.0)), "starts at 0"),
        (lambda w, d: w[-1], "last weight"),
        (lambda w, d: ema(w[:-1], d), "one weight is missing"),
        (lambda w, d: 2 * ema(w, d), "you returned"),
        (lambda w, d: w, "expected one number"),
    ],
}
test_right_answers_pass, test_wrong_answers_are_diagnosed, test_stubs_get_a_hint = checker_tests(
    ex05b, RIGHT, WRONG
)
