"""Checkers of notebook 05a, there and back with a perfect denoiser."""

import torch

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)
from genlib.ddpm import linear_beta


@exercise
def exercise_1(answer) -> str:
    """answer(x_0, t, eps, beta): x_t in one jump, in the shape of x_0."""
    for T, D, times in ((20, 3, [1, 5, 12, 19]), (8, 5, [8, 1])):  # the second with both ends
        x_0, eps = torch.randn(2, len(times), D, generator=_rng())
        beta, t = linear_beta(T, beta_T=0.2), torch.tensor(times)
        found = need_tensor(answer(x_0, t, eps, beta), tuple(x_0.shape))
        table = (1 - beta).cumprod(dim=0)
        now, before, after = (table[k.clamp(max=T)][:, None] for k in (t, t - 1, t + 1))
        b = beta[t][:, None]
        wrong = {
            "this is a single step; beta_t alone stands in it. Use the product of all 1 - beta up to t.": (
                (1 - b).sqrt() * x_0 + b.sqrt() * eps
            ),
            "the square roots are missing: alpha_bar and 1 - alpha_bar are variances.": (
                now * x_0 + (1 - now) * eps
            ),
            "the root in front of eps is missing.": now.sqrt() * x_0 + (1 - now) * eps,
            "the root in front of x_0 is missing.": now * x_0 + (1 - now).sqrt() * eps,
            "signal and noise are swapped.": (1 - now).sqrt() * x_0 + now.sqrt() * eps,
            "the noise is taken away: add it.": now.sqrt() * x_0 - (1 - now).sqrt() * eps,
            "t is off by one: entry 0 of beta is 0, so beta[t] belongs to step t.": (
                before.sqrt() * x_0 + (1 - before).sqrt() * eps
            ),
            "t is off by one: the product is already complete at beta[t]. Keep entry 0 of beta.": (
                after.sqrt() * x_0 + (1 - after).sqrt() * eps
            ),
        }
        right = now.sqrt() * x_0 + (1 - now).sqrt() * eps
        need_none_of(found, wrong, right)
        need(close(found, right), "this is not sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps.")
    return praise("One jump, as good as t steps.")


@exercise
def exercise_2(answer) -> str:
    """answer(T): the straight schedule with both ends scaled by 1000 / T, (T + 1,), at most 0.999."""
    for T in (100, 40, 1000, 15):  # for T = 15 the line has to be cut
        beta = need_tensor(answer(T))
        need(
            beta.shape != (T,),
            "{T} numbers for {T} steps: entry 0, a zero, is missing, so that beta[t] belongs to step t.",
            T=T,
        )
        beta = need_tensor(beta, (T + 1,)).double()
        need(beta[0].item() == 0, "entry 0 should be 0: at time 0 nothing has been added.")
        line, scale = torch.linspace(1e-4, 0.02, T, dtype=torch.float64), 1000 / T
        need(
            T == 1000 or not close(beta[1:], line),
            "T = {T}: this is not scaled. A share alpha_bar of {left:.2g} of the data's variance is left at the end, "
            "for 1,000 steps {aim:.1g}.",
            T=T,
            left=(1 - line).prod().item(),
            aim=(1 - linear_beta(1000).double()).prod().item(),
        )
        one_end = (
            torch.linspace(1e-4, min(0.999, 0.02 * scale), T),
            torch.linspace(1e-4 * scale, 0.02, T),
        )
        need(
            T == 1000 or not any(close(beta[1:], other.clamp(max=0.999)) for other in one_end),
            "T = {T}: only one end is scaled; both should be.",
            T=T,
        )
        need(
            T == 1000 or not close(beta[1:], line / scale),
            "scaled the wrong way: fewer steps must be larger.",
        )
        need(
            not (beta > 0.999 + 1e-6).any(),
            "T = {T}: beta_t goes up to {largest:.3f}; cut it at 0.999.",
            T=T,
            largest=beta.max().item(),
        )
        cut = (line * scale).clamp(max=0.999)
        lower_end = torch.linspace(1e-4 * scale, min(0.02 * scale, 0.999), T)  # the other reading
        need(
            close(beta[1:], cut) or close(beta[1:], lower_end),
            "T = {T}: expected a straight line from {first:.4g} to {last:.4g}, at most 0.999; "
            "yours goes from {found:.4g} to {end:.4g}.",
            T=T,
            first=1e-4 * scale,
            last=0.02 * scale,
            found=beta[1].item(),
            end=beta[-1].item(),
        )
    return praise("Fewer steps, larger ones, and as little is left at the end.")


@exercise
def exercise_3(answer) -> str:
    """answer(x_t, x_0, t, beta): mean and variance of q(x_{t-1} | x_t, x_0)."""
    for T, B, D, t in ((20, 5, 2, 7), (12, 3, 4, 2), (9, 1, 3, 9)):  # also the first t and the last
        x_t, x_0 = torch.randn(2, B, D, generator=_rng())
        beta = linear_beta(T, beta_1=0.05, beta_T=0.3)
        result = need_two(answer(x_t, x_0, t, beta), "return two things, mean and variance.")
        mean = need_tensor(result[0])
        need(
            mean.shape == x_t.shape or need_tensor(result[1]).shape != x_t.shape,
            "the mean comes first, then the variance.",
        )
        mean, variance = need_tensor(mean, (B, D)), need_number(result[1])

        table = (1 - beta).cumprod(dim=0)
        now, before, b = table[t], table[t - 1], beta[t]
        true = ((1 - before) / (1 - now) * b).item()
        need(
            not close(variance, true**0.5),
            "this is the standard deviation; the variance is asked.",
        )
        need(
            not close(variance, b.item()),
            "this is beta_t. Knowing x_0 leaves less doubt: multiply by (1 - alpha_bar_{{t-1}}) / (1 - alpha_bar_t).",
        )
        need(
            not close(variance, ((1 - now) / (1 - before) * b).item()),
            "the ratio is upside down: the variance should be smaller than beta_t.",
        )
        after = table[min(t + 1, T)]
        need(
            t == T or not close(variance, ((1 - now) / (1 - after) * b).item()),
            "t is off by one: keep entry 0 of beta in the product, so that alpha_bar[t] belongs to step t.",
        )
        need(
            not close(variance, ((1 - before) / (1 - now) * beta[t - 1]).item()),
            "beta stands in it at the time t - 1; it is beta_t.",
        )
        need(
            not close(variance, (before / now * b).item())
            and not close(variance, (now / before * b).item()),
            "the ratio is one of what is *not* left: 1 - alpha_bar, above and below.",
        )
        need(
            close(variance, true),
            "t = {t}: the variance should be {true:.5f}, you returned {variance:.5f}.",
            t=t,
            true=true,
            variance=variance,
        )
        of_x_0, of_x_t = before.sqrt() * b / (1 - now), (1 - b).sqrt() * (1 - before) / (1 - now)
        no_root = before * b / (1 - now), (1 - b) * (1 - before) / (1 - now)
        wrong = {
            "x_0 and x_t are swapped: near the end of the walk back x_0 counts most, early x_t.": (
                of_x_t * x_0 + of_x_0 * x_t
            ),
            "the two square roots are missing.": no_root[0] * x_0 + no_root[1] * x_t,
            "the root of alpha_bar_{{t-1}} is missing.": no_root[0] * x_0 + of_x_t * x_t,
            "the root of 1 - beta_t is missing.": of_x_0 * x_0 + no_root[1] * x_t,
            "in front of x_0 stands the root of alpha_bar_{{t-1}}, not of alpha_bar_t.": (
                now.sqrt() * b / (1 - now) * x_0 + of_x_t * x_t
            ),
        }
        right = of_x_0 * x_0 + of_x_t * x_t
        need_none_of(mean, wrong, right)
        need(close(mean, right), "the variance is right, the mean is not.")
    return praise("Mean and variance of where it came from.")


@exercise
def exercise_4(answer) -> str:
    """answer(x_t, alpha_bar, m, s): eps* for data N(m, s^2), in the shape of x_t."""
    for shape, alpha_bar, m, s in (
        ((5, 2), 0.6, 0.7, 0.4),
        ((2, 3), 0.15, -1.3, 2.5),
        ((4, 1), 0.9, 0.0, 1.0),
    ):
        x_t = torch.linspace(-2, 3, shape[0] * shape[1]).view(shape)
        found = need_tensor(answer(x_t, alpha_bar, m, s), shape)
        signal, noise = alpha_bar**0.5, (1 - alpha_bar) ** 0.5
        off, variance = x_t - signal * m, alpha_bar * s**2 + 1 - alpha_bar
        right = noise * off / variance
        wrong = {
            "the sign is wrong: the noise points away from the data, the score towards them.": -right,
            "this is the score; eps* is minus sqrt(1 - alpha_bar) times it.": -off / variance,
            "this is minus the score; eps* is sqrt(1 - alpha_bar) times it.": off / variance,
            "use the root of 1 - alpha_bar in front of the score.": noise**2 * off / variance,
            "the mean of x_t is sqrt(alpha_bar) m, not m.": noise * (x_t - m) / variance,
            "the mean of x_t is sqrt(alpha_bar) m, with the root.": (
                noise * (x_t - alpha_bar * m) / variance
            ),
            "the variance of x_t is alpha_bar s^2 + 1 - alpha_bar: the data have a width of their own.": (
                off / noise
            ),
            "square s in the variance of x_t.": noise * off / (alpha_bar * s + 1 - alpha_bar),
            "the data shrink, too: their part in the variance of x_t is alpha_bar s^2, not s^2.": (
                noise * off / (s**2 + 1 - alpha_bar)
            ),
            "divide by the variance of x_t, not by its standard deviation.": noise
            * off
            / variance**0.5,
        }
        need_none_of(found, wrong, right)
        need(close(found, right), "this is not -sqrt(1 - alpha_bar) times the score of x_t.")
    return praise("A straight line in x_t, and exact.")


def _rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)
