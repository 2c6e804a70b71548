"""The checkers of notebook 05b: right answers pass in every form, every planted wrong one gets its own reason."""

import numpy as np
import scipy.signal
import torch
from checking import checker_tests

from genlib.check import ex05b


def seen(x_t, e, a, root=0.5, below=0.5, sign=-1.0, swap=False):
    a = a[:, None]
    signal, noise = (1 - a, a) if swap else (a, 1 - a)
    return (x_t + sign * noise**root * e) / signal**below


def seen_in_place(x_t, e, a):
    x_t.T.sub_((1 - a).sqrt() * e.T).div_(a.sqrt())
    return x_t


def jump(x_0, t, eps, table, root=0.5, swap=False):
    a = table[t][:, None]
    a = 1 - a if swap else a
    return a**root * x_0 + (1 - a) ** root * eps


def error(net, x_0, t, eps, table, **how):
    return net(jump(x_0, t, eps, table, **how), t) - eps


def simple(net, x_0, t, eps, table, **how):
    return error(net, x_0, t, eps, table, **how).square().sum(dim=1).mean()


def simple_row_by_row(net, x_0, t, eps, table):
    total = 0.0
    for x, k, e in zip(x_0, t, eps, strict=True):
        a = table[k].item()
        out = net(a**0.5 * x + (1 - a) ** 0.5 * e, k)
        total += ((out - e) ** 2).sum().item()
    return total / len(x_0)


def simple_by_torch(net, x_0, t, eps, table):
    a = table.gather(0, t).unsqueeze(1)
    x_t = x_0.mul_(a.sqrt()).addcmul_((1 - a).sqrt(), eps)
    return torch.nn.functional.mse_loss(net(x_t, t), eps, reduction="sum") / len(t)


def simple_of_single_rows(net, x_0, t, eps, table):
    losses = [
        simple(net, x_0[i : i + 1], t[i : i + 1], eps[i : i + 1], table) for i in range(len(t))
    ]
    return np.mean([loss.item() for loss in losses])


def turn(x_t, v, a, sign=1.0, root=0.5, swap=(False, False), eps_sign=1.0, eps_root=0.5):
    a = a[:, None]
    pairs = [(a**r, (1 - a) ** r) for r in (root, eps_root)]
    (signal, noise), (late, rest) = (
        pair[::-1] if s else pair for pair, s in zip(pairs, swap, strict=True)
    )
    return signal * x_t - sign * noise * v, rest * x_t + eps_sign * late * v


def turn_by_solving(x_t, v, a):
    """Solve the two equations for x_0 and eps, example by example."""
    pairs = []
    for x, w, k in zip(x_t, v, a.tolist(), strict=True):
        c, s = k**0.5, (1 - k) ** 0.5
        pairs.append(torch.linalg.solve(torch.tensor([[c, s], [-s, c]]), torch.stack([x, w])))
    return torch.stack(pairs, dim=1)


def turn_by_complex_numbers(x_t, v, a):
    z = np.exp(1j * np.arccos(np.sqrt(a.double().numpy())))[:, None]
    z = z * (x_t.numpy() + 1j * v.numpy())
    return np.array([z.real, z.imag])


def ema(w, decay, start=None):
    average = w[0] if start is None else start
    for value in w[1:] if start is None else w:
        average = decay * average + (1 - decay) * value
    return average


def ema_closed(w, decay):
    n = len(w) - 1
    shares = [(1 - decay) * decay ** (n - k) for k in range(n + 1)]
    shares[0] = decay**n
    return float(np.dot(shares, w.numpy()))


def ema_by_a_filter(w, decay):
    w = w.double().numpy()
    return scipy.signal.lfilter([1 - decay], [1, -decay], w, zi=[decay * w[0]])[0][-1]


def ema_in_place(w, decay):
    for k in range(1, len(w)):
        w[k].lerp_(w[k - 1], decay)
    return w[-1]


def changed(**how):
    return lambda *arguments: simple(*arguments, **how)


RIGHT = {1: seen, 2: simple, 3: turn, 4: ema}
ALSO = {
    1: [
        seen_in_place,
        lambda x, e, a: x / a.sqrt()[:, None] - (1 / a - 1).sqrt()[:, None] * e,
        lambda x, e, a: [
            (y - (1 - k) ** 0.5 * z) / k**0.5 for y, z, k in zip(x, e, a, strict=True)
        ],
    ],
    2: [simple_row_by_row, simple_by_torch, simple_of_single_rows],
    3: [turn_by_solving, turn_by_complex_numbers],
    4: [ema_closed, ema_by_a_filter, ema_in_place],
}
WRONG = {
    1: [
        (lambda x, e, a: seen(x, e, a, below=0.0), "divide by the root"),
        (lambda x, e, a: x - e, "this is x_t - eps"),
        (lambda x, e, a: seen(x, e, a, root=1.0), "in front of the noise"),
        (lambda x, e, a: seen(x, e, a, below=1.0), "not by alpha_bar"),
        (lambda x, e, a: seen(x, e, a, below=1.0, root=1.0), "two square roots"),
        (lambda x, e, a: seen(x, e, a, below=-0.5), "do not multiply"),
        (lambda x, e, a: seen(x, e, a, sign=1.0), "not added"),
        (lambda x, e, a: seen(x, e, a, swap=True), "swapped"),
        (lambda x, e, a: a.sqrt()[:, None] * x + (1 - a).sqrt()[:, None] * e, "the way there"),
        (lambda x, e, a: (x - (1 - a).sqrt() * e) / a.sqrt(), "`a[:, None]`"),
        (lambda x, e, a: x, "solve x_t"),
        (lambda x, e, a: seen(x, e, a).mean(1), "expected shape (5, 3), got (5,)"),
    ],
    2: [
        (lambda net, x, t, e, a: torch.tensor(1.0), "never asked"),
        (lambda net, x, t, e, a: (net(x, t) - e).square().sum(1).mean(), "clean data"),
        (lambda net, x, t, e, a: simple(net, x, t, e, a.roll(1)), "off by one"),
        (changed(root=1.0), "square roots are missing in x_t"),
        (changed(swap=True), "swapped in x_t"),
        (lambda net, x, t, e, a: (net(x + e, t) - e).square().sum(1).mean(), "is not sqrt"),
        (
            lambda net, x, t, e, a: (net(jump(x, t, e, a), t / 10) - e).square().sum(1).mean(),
            "the times t themselves",
        ),
        (
            lambda net, x, t, e, a: (net(jump(x, t, e, a), a[t]) - e).square().sum(1).mean(),
            "the times t themselves",
        ),
        (lambda net, x, t, e, a: simple(net, x[:1], t[:1], e[:1], a), "once, with the whole batch"),
        (
            lambda net, x, t, e, a: (net(a[t].sqrt() * x + (1 - a[t]).sqrt() * e, t) - e).sum(),
            "`a[:, None]`",
        ),
        (lambda *b: error(*b).square().sum(dim=1), "you gave 6 of them"),
        (lambda *b: error(*b).square().mean(), "mean over the coordinates, too"),
        (lambda *b: error(*b).square().mean(dim=1).sum(), "the other way round"),
        (lambda *b: error(*b).square().sum(), "sum over the batch"),
        (
            lambda net, x, t, e, a: (net(jump(x, t, e, a), t) - x).square().sum(1).mean(),
            "compared with the data",
        ),
        (
            lambda net, x, t, e, a: (
                (net(jump(x, t, e, a), t) - jump(x, t, e, a)).square().sum(1).mean()
            ),
            "compared with x_t",
        ),
        (lambda *b: error(*b).abs().sum(1).mean(), "square them"),
        (lambda *b: error(*b).norm(dim=1).mean(), "squared length"),
        (lambda *b: simple(*b).sqrt(), "square root of the loss"),
        (lambda *b: simple(*b) / 2, "no factor"),
        (lambda *b: 2 * simple(*b), "expected"),
    ],
    3: [
        (lambda *b: turn(*b)[0], "two things"),
        (lambda *b: turn(*b)[::-1], "x_0 comes first"),
        (lambda *b: turn(*b, sign=-1.0), "a sign of x_0"),
        (lambda *b: turn(*b, root=1.0), "square roots are missing"),
        (lambda *b: turn(*b, swap=(True, True)), "factors are swapped"),
        (lambda *b: (turn(*b)[1], turn(*b)[1]), "x_0 is eps"),
        (lambda x, v, a: (seen(x, v, a), v), "takes v for the noise"),
        (lambda x, v, a: (x, v), "yours is not"),
        (lambda *b: turn(*b, eps_sign=-1.0), "a sign of eps"),
        (lambda *b: turn(*b, eps_root=1.0), "roots of eps"),
        (lambda *b: turn(*b, swap=(False, True)), "factors of eps"),
        (lambda x, v, a: (turn(x, v, a)[0], v), "eps is not"),
        (lambda x, v, a: (a.sqrt() * x - (1 - a).sqrt() * v, v), "`a[:, None]`"),
    ],
    4: [
        (lambda w, d: w.mean(), "plain mean"),
        (lambda w, d: ema(w, 1 - d), "are swapped"),
        (lambda w, d: ema(w, d, start=torch.tensor(0.0)), "starts at 0;"),
        (lambda w, d: ema(w, d, start=torch.tensor(0.0)) / (1 - d ** len(w)), "as Adam does"),
        (lambda w, d: w[-1], "last weight"),
        (lambda w, d: ema(w[:-1], d), "one weight is missing"),
        (lambda w, d: ema(w.flip(0), d), "from the last to the first"),
        (lambda w, d: ema(torch.cat([w[:1], w[1:] / (1 - d)]), d), "multiply it by 1 - decay"),
        (lambda w, d: 2 * ema(w, d), "you returned"),
        (lambda w, d: w, "expected one number, got 5"),
    ],
}
globals().update(checker_tests(ex05b, RIGHT, ALSO, WRONG))
