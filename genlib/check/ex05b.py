"""Checkers of notebook 05b, DDPM on digits."""

import torch

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)


def _example(D: int = 3, B: int = 5):
    """x_0, eps, alpha_bar (B,) and x_t."""
    rng = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, B, D, generator=rng)
    alpha_bar = torch.linspace(0.95, 0.1, B)
    a = alpha_bar[:, None]
    return x_0, eps, alpha_bar, a.sqrt() * x_0 + (1 - a).sqrt() * eps


@exercise
def exercise_1(answer) -> str:
    """answer(x_t, eps_hat, alpha_bar): the data as they are seen, (B, D)."""
    x_0, eps, alpha_bar, x_t = _example()
    found = need_tensor(answer(x_t, eps, alpha_bar), (5, 3))
    a = alpha_bar[:, None]
    wrong = {
        "divide by the root of alpha_bar: the data in x_t are shrunk by it.": a.sqrt() * x_0,
        "this is x_t - eps: the noise in x_t is shrunk, too, and the data are.": x_t - eps,
        "the root in front of the noise is missing.": (x_t - (1 - a) * eps) / a.sqrt(),
        "divide by the root of alpha_bar, not by alpha_bar.": (x_t - (1 - a).sqrt() * eps) / a,
        "the noise is taken away, not added.": (x_t + (1 - a).sqrt() * eps) / a.sqrt(),
        "the two factors are swapped.": (x_t - a.sqrt() * eps) / (1 - a).sqrt(),
    }
    need_none_of(found, wrong)
    need(close(found, x_0), "solve x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps for x_0.")
    return praise("The data as the network sees them.")


@exercise
def exercise_2(answer) -> str:
    """answer(net, x_0, t, eps, alpha_bar): the simple loss, one number."""
    rng = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, 6, 4, generator=rng)
    table, t = torch.linspace(1, 0.1, 11), torch.tensor([1, 2, 4, 6, 9, 10])
    asked = []

    def net(x_t, time):
        asked.append((x_t, time))
        return 0.3 * x_t + 0.1 * time[:, None]

    value = answer(net, x_0, t, eps, table)
    need_answer(value)
    need(bool(asked), "the network is never asked.")
    a = table[t][:, None]
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    seen, time = asked[-1]
    need(
        not close(seen, x_0), "the network gets the clean data; it should see x_t, data with noise."
    )
    before = table[t - 1][:, None]
    need(
        not close(seen, before.sqrt() * x_0 + (1 - before).sqrt() * eps),
        "t is off by one: entry t of the table belongs to time t.",
    )
    need(close(seen, x_t), "what the network gets is not sqrt(a) x_0 + sqrt(1 - a) eps.")
    need(
        close(time, t),
        "the network should be told the times t themselves, not something made of them.",
    )
    out = 0.3 * x_t + 0.1 * t[:, None]
    each = (out - eps).square()
    need(torch.as_tensor(value).numel() == 1, "return one number, the mean over the batch.")
    found = need_number(value)
    need(
        not close(found, each.mean()),
        "this is the mean over the coordinates, too; sum over them, and take the mean over the batch.",
    )
    need(not close(found, each.sum()), "this is the sum over the batch; take its mean.")
    need(
        not close(found, (out - x_0).square().sum(dim=1).mean()),
        "compared with the data; the network predicts the noise.",
    )
    need(
        not close(found, (out - eps).abs().sum(dim=1).mean()),
        "these are absolute errors; square them.",
    )
    need(
        not close(found, each.sum(dim=1).sqrt().mean()),
        "these are lengths; the squared length is asked.",
    )
    need(
        close(found, each.sum(dim=1).mean()),
        "expected {right:.3f}, got {found:.3f}.",
        right=each.sum(dim=1).mean().item(),
        found=found,
    )
    return praise("Four lines, and the whole training.")


@exercise
def exercise_3(answer) -> str:
    """answer(x_t, v, alpha_bar): x_0 and eps."""
    x_0, eps, alpha_bar, x_t = _example()
    a = alpha_bar[:, None]
    signal, noise = a.sqrt(), (1 - a).sqrt()
    v = signal * eps - noise * x_0
    result = answer(x_t, v, alpha_bar)
    need_answer(result)
    need(isinstance(result, tuple | list) and len(result) == 2, "return two things, x_0 and eps.")
    data, rest = (need_tensor(part, (5, 3)) for part in result)
    need(not (close(data, eps) and close(rest, x_0)), "the two are swapped: x_0 comes first.")
    need(
        not close(data, signal * x_t + noise * v),
        "a sign of x_0 is wrong: v holds x_0 with a minus.",
    )
    need(not close(data, a * x_t - (1 - a) * v), "the square roots are missing.")
    need(not close(data, noise * x_t - signal * v), "the two factors are swapped.")
    need(close(data, x_0), "x_0 is sqrt(alpha_bar) x_t - sqrt(1 - alpha_bar) v; yours is not.")
    need(
        not close(rest, noise * x_t - signal * v),
        "a sign of eps is wrong: v holds eps with a plus.",
    )
    need(close(rest, eps), "x_0 is right, eps is not.")
    return praise("Turned back by the same angle.")


@exercise
def exercise_4(answer) -> str:
    """answer(w, decay): the exponential moving average at the end."""
    w, decay = torch.tensor([5.0, 1.0, 2.0, 4.0, 3.5]), 0.8
    found = need_number(answer(w.clone(), decay))

    def ema(values, start, d):
        for value in values:
            start = d * start + (1 - d) * value
        return start

    right = ema(w[1:], w[0], decay)
    need(not close(found, w.mean()), "this is the plain mean; recent weights should count more.")
    need(
        not close(found, ema(w[1:], w[0], 1 - decay)),
        "decay and 1 - decay are swapped: the average keeps the share decay of itself.",
    )
    need(
        not close(found, ema(w, torch.tensor(0.0), decay)),
        "it starts at 0; it should start at the first weight.",
    )
    need(not close(found, w[-1]), "this is the last weight, not an average.")
    need(not close(found, ema(w[1:-1], w[0], decay)), "one weight is missing: go to the last one.")
    need(
        close(found, right),
        "expected {right:.4f}, you returned {found:.4f}.",
        right=right,
        found=found,
    )
    return praise("It forgets by the share 1 - decay a step.")
