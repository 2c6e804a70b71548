"""Checkers of notebook 05b, DDPM on digits."""

import torch

from genlib.check.verdict import (
    as_tensor,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)


def _examples():
    """x_0, eps, alpha_bar (B,) and x_t, in two sizes; the second starts with data that are not noised at all."""
    rng = torch.Generator().manual_seed(0)
    for B, D, first, last in ((5, 3, 0.95, 0.1), (2, 4, 1.0, 0.02)):
        x_0, eps = torch.randn(2, B, D, generator=rng)
        alpha_bar = torch.linspace(first, last, B)
        a = alpha_bar[:, None]
        yield x_0, eps, alpha_bar, a.sqrt() * x_0 + (1 - a).sqrt() * eps


@exercise
def exercise_1(answer) -> str:
    """answer(x_t, eps_hat, alpha_bar): the data as they are seen, (B, D)."""
    for x_0, eps, alpha_bar, x_t in _examples():
        found = need_tensor(answer(x_t, eps, alpha_bar), tuple(x_0.shape))
        a = alpha_bar[:, None]
        wrong = {
            "divide by the root of alpha_bar: the data in x_t are shrunk by it.": a.sqrt() * x_0,
            "this is x_t - eps: the noise in x_t is shrunk, and so are the data.": x_t - eps,
            "the root in front of the noise is missing.": (x_t - (1 - a) * eps) / a.sqrt(),
            "divide by the root of alpha_bar, not by alpha_bar.": (x_t - (1 - a).sqrt() * eps) / a,
            "the two square roots are missing: alpha_bar and 1 - alpha_bar are variances.": (
                (x_t - (1 - a) * eps) / a
            ),
            "the noise is taken away, not added.": (x_t + (1 - a).sqrt() * eps) / a.sqrt(),
            "divide what is left by the root of alpha_bar, do not multiply by it.": (
                (x_t - (1 - a).sqrt() * eps) * a.sqrt()
            ),
            "the two factors are swapped.": (x_t - a.sqrt() * eps) / (1 - a).sqrt(),
            "this is the way there; you have x_t, and solve for x_0.": (
                a.sqrt() * x_t + (1 - a).sqrt() * eps
            ),
        }
        need_none_of(found, wrong, x_0)
        need(
            close(found, x_0), "solve x_t = sqrt(alpha_bar) x_0 + sqrt(1 - alpha_bar) eps for x_0."
        )
    return praise("The data as the network sees them.")


@exercise
def exercise_2(answer) -> str:
    """answer(net, x_0, t, eps, alpha_bar): the simple loss, one number."""
    for D, times in ((4, [1, 2, 4, 6, 8, 9]), (5, [10, 1, 7])):
        x_0, eps = torch.randn(2, len(times), D, generator=torch.Generator().manual_seed(0))
        table, t, asked = torch.linspace(1, 0.1, 11), torch.tensor(times), []

        def net(x_t, time, asked=asked):
            x_t = as_tensor(x_t, "the network takes a tensor of numbers, got {kind}.")
            time = as_tensor(time, "the times are a tensor of numbers, got {kind}.")
            asked.append((x_t.detach(), time))
            return 0.3 * x_t + 0.1 * time[..., None]

        value = answer(net, x_0, t, eps, table)
        need_answer(value)
        need(len(asked) > 0, "the network is never asked.")
        a, seen = table[t][:, None], _together(asked, D)
        x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
        out = 0.3 * x_t + 0.1 * t[:, None]
        each = (out - eps).square()
        right = each.sum(dim=1).mean()
        if not close(as_tensor(value, "expected one number, got {kind}."), right):
            _look_at_what_the_network_got(seen, x_0, eps, t, table)
        many = as_tensor(value, "expected one number, got {kind}.").numel()
        need(
            many == 1,
            "return one number, the mean over the batch; you gave {many} of them.",
            many=many,
        )
        wrong = {
            "this is the mean over the coordinates, too; sum over them, and take the mean over the batch.": (
                each.mean()
            ),
            "this is the mean over the coordinates, and the sum over the batch: the other way round.": (
                each.mean(dim=1).sum()
            ),
            "this is the sum over the batch; take its mean.": each.sum(),
            "compared with the data; the network predicts the noise.": (
                (out - x_0).square().sum(dim=1).mean()
            ),
            "compared with x_t; the network predicts the noise.": (
                (out - x_t).square().sum(dim=1).mean()
            ),
            "these are absolute errors; square them.": (out - eps).abs().sum(dim=1).mean(),
            "these are lengths; the squared length is asked.": each.sum(dim=1).sqrt().mean(),
            "this is the square root of the loss.": right.sqrt(),
            "half of the squared error is a convention of others: no factor here.": right / 2,
        }
        found = need_number(value)
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right:.3f}, got {found:.3f}.",
            right=right.item(),
            found=found,
        )
    return praise("Four lines, and the whole training.")


def _together(asked: list[tuple], D: int) -> tuple | None:
    """All rows that the network got and all times, also where it was asked row by row."""
    if any(x.shape[-1:] != (D,) for x, _ in asked):
        return None
    return (
        torch.cat([x.reshape(-1, D) for x, _ in asked]),
        torch.cat([time.reshape(-1) for _, time in asked]),
    )


def _look_at_what_the_network_got(seen, x_0, eps, t, table) -> None:
    """Stop the check where the network was asked something else; the loss is known to be wrong."""
    need(
        seen is not None and seen[0].shape == x_0.shape,
        "ask the network once, with the whole batch, shape (B, D).",
    )
    now, before = table[t][:, None], table[t - 1][:, None]
    wrong = {
        "the network gets the clean data; it should see x_t, data with noise.": x_0,
        "t is off by one: entry t of the table belongs to time t.": (
            before.sqrt() * x_0 + (1 - before).sqrt() * eps
        ),
        "the square roots are missing in x_t: alpha_bar and 1 - alpha_bar are variances.": (
            now * x_0 + (1 - now) * eps
        ),
        "signal and noise are swapped in x_t.": (1 - now).sqrt() * x_0 + now.sqrt() * eps,
    }
    x_t = now.sqrt() * x_0 + (1 - now).sqrt() * eps
    need_none_of(seen[0], wrong, x_t)
    need(close(seen[0], x_t), "what the network gets is not sqrt(a) x_0 + sqrt(1 - a) eps.")
    need(
        close(seen[1], t),
        "the network should be told the times t themselves, shape (B,), not something made of them.",
    )


@exercise
def exercise_3(answer) -> str:
    """answer(x_t, v, alpha_bar): x_0 and eps."""
    for x_0, eps, alpha_bar, x_t in _examples():
        a = alpha_bar[:, None]
        signal, noise = a.sqrt(), (1 - a).sqrt()
        v = signal * eps - noise * x_0
        result = need_two(answer(x_t, v, alpha_bar), "return two things, x_0 and eps.")
        data, rest = (need_tensor(part, tuple(x_0.shape)) for part in result)
        need(not (close(data, eps) and close(rest, x_0)), "the two are swapped: x_0 comes first.")
        wrong = {
            "a sign of x_0 is wrong: v holds x_0 with a minus.": signal * x_t + noise * v,
            "the square roots are missing.": a * x_t - (1 - a) * v,
            "the two factors are swapped.": noise * x_t - signal * v,
            "x_0 is eps: multiply x_t by sqrt(alpha_bar), and v by sqrt(1 - alpha_bar).": eps,
            "this takes v for the noise; v holds some of x_0, too.": (x_t - noise * v) / signal,
        }
        need_none_of(data, wrong, x_0)
        need(close(data, x_0), "x_0 is sqrt(alpha_bar) x_t - sqrt(1 - alpha_bar) v; yours is not.")
        wrong = {
            "a sign of eps is wrong: v holds eps with a plus.": noise * x_t - signal * v,
            "the square roots of eps are missing.": (1 - a) * x_t + a * v,
            "the two factors of eps are swapped.": signal * x_t + noise * v,
        }
        need_none_of(rest, wrong, eps)
        need(close(rest, eps), "x_0 is right, eps is not.")
    return praise("Turned back by the same angle.")


@exercise
def exercise_4(answer) -> str:
    """answer(w, decay): the exponential moving average at the end."""

    def ema(values, start, d):
        for value in values:
            start = d * start + (1 - d) * value
        return start

    for weights, decay in (
        ([5.0, 1.0, 2.0, 4.0, 3.5], 0.8),
        ([-2.0, 1.5, 7.0], 0.25),
        ([3.0], 0.9),
    ):
        w = torch.tensor(weights)
        found, right = need_number(answer(w, decay)), ema(w[1:], w[0], decay)
        from_0 = ema(w, torch.tensor(0.0), decay)
        wrong = {
            "this is the plain mean; recent weights should count more.": w.mean(),
            "decay and 1 - decay are swapped: the average keeps the share decay of itself.": (
                ema(w[1:], w[0], 1 - decay)
            ),
            "it starts at 0; it should start at the first weight.": from_0,
            "it starts at 0 and mends that at the end, as Adam does; here it starts at the first weight.": (
                from_0 / (1 - decay ** len(w))
            ),
            "this is the last weight, not an average.": w[-1],
            "one weight is missing: go to the last one.": ema(w[1:-1], w[0], decay),
            "the weights are walked from the last to the first.": ema(w[:-1].flip(0), w[-1], decay),
            "each weight is added to the average whole; multiply it by 1 - decay.": (
                ema(w[1:] / (1 - decay), w[0], decay)
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "{steps} weights, decay {decay:g}: expected {right:.4f}, you returned {found:.4f}.",
            steps=len(w),
            decay=decay,
            right=right,
            found=found,
        )
    return praise("It forgets by the share 1 - decay a step.")
