"""Checkers of notebook 05a, there and back with a perfect denoiser."""

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
from genlib.data import Mixture
from genlib.ddpm import linear_beta


@exercise
def exercise_1(answer) -> str:
    """answer(x_0, t, eps, beta): x_t in one jump, in the shape of x_0."""
    rng = torch.Generator().manual_seed(0)
    x_0, eps = torch.randn(2, 4, 3, generator=rng)
    beta, t = linear_beta(20, beta_T=0.2), torch.tensor([1, 5, 12, 20])
    found = need_tensor(answer(x_0, t, eps, beta), (4, 3))
    alpha_bar = (1 - beta).cumprod(dim=0)[t][:, None]
    before = (1 - beta).cumprod(dim=0)[t - 1][:, None]
    right = alpha_bar.sqrt() * x_0 + (1 - alpha_bar).sqrt() * eps
    b = beta[t][:, None]
    wrong = {
        "this is a single step; beta_t alone stands in it. Use the product of all 1 - beta up to t.": (
            (1 - b).sqrt() * x_0 + b.sqrt() * eps
        ),
        "the square roots are missing: alpha_bar and 1 - alpha_bar are variances.": (
            alpha_bar * x_0 + (1 - alpha_bar) * eps
        ),
        "the root in front of eps is missing.": alpha_bar.sqrt() * x_0 + (1 - alpha_bar) * eps,
        "the root in front of x_0 is missing.": alpha_bar * x_0 + (1 - alpha_bar).sqrt() * eps,
        "signal and noise are swapped.": (1 - alpha_bar).sqrt() * x_0 + alpha_bar.sqrt() * eps,
        "t is off by one: entry 0 of beta is 0, so beta[t] belongs to step t.": (
            before.sqrt() * x_0 + (1 - before).sqrt() * eps
        ),
    }
    need_none_of(found, wrong)
    need(close(found, right), "this is not sqrt(alpha_bar_t) x_0 + sqrt(1 - alpha_bar_t) eps.")
    return praise("One jump, as good as t steps.")


@exercise
def exercise_2(answer) -> str:
    """answer(T): the straight schedule with both ends scaled by 1000 / T, (T + 1,)."""
    for T in (1000, 100, 40):
        beta = need_tensor(answer(T)).double()
        need(
            beta.shape != (T,),
            "{T} numbers for {T} steps: entry 0, a zero, is missing, so that beta[t] belongs to step t.",
            T=T,
        )
        beta = need_tensor(beta, (T + 1,))
        need(beta[0].item() == 0, "entry 0 should be 0: at time 0 nothing has been added.")
        scale = 1000 / T
        if T < 1000:
            need(
                not close(beta[1:], linear_beta(T)[1:]),
                "this is not scaled: about a third of the signal is left for T = 100.",
            )
            need(
                not close(beta[1:], torch.linspace(1e-4, min(0.999, 0.02 * scale), T)),
                "only one end is scaled; both should be.",
            )
            need(
                not close(beta[1:], torch.linspace(1e-4, 0.02, T) / scale),
                "scaled the wrong way: fewer steps must be larger.",
            )
        need(beta.max().item() <= 0.999 + 1e-6, "no beta may exceed 0.999.")
        expected = (torch.linspace(1e-4, 0.02, T) * scale).clamp(max=0.999)
        need(
            close(beta[1:], expected),
            "expected a straight line between the two scaled ends, cut at 0.999.",
        )
    return praise("Fewer steps, larger ones, and as little is left at the end.")


@exercise
def exercise_3(answer) -> str:
    """answer(x_t, x_0, t, beta): mean and variance of q(x_{t-1} | x_t, x_0)."""
    rng = torch.Generator().manual_seed(0)
    x_t, x_0 = torch.randn(2, 5, 2, generator=rng)
    beta, t = linear_beta(20, beta_T=0.2), 7
    result = answer(x_t, x_0, t, beta)
    need_answer(result)
    need(
        isinstance(result, tuple | list) and len(result) == 2,
        "return two things, mean and variance.",
    )
    mean, variance = need_tensor(result[0], (5, 2)), need_number(result[1])
    alpha_bar = (1 - beta).cumprod(dim=0)
    now, before, b = alpha_bar[t], alpha_bar[t - 1], beta[t]
    true = ((1 - before) / (1 - now) * b).item()
    need(not close(variance, true**0.5), "this is the standard deviation; the variance is asked.")
    need(
        not close(variance, b.item()),
        "this is beta_t. Knowing x_0 leaves less doubt: multiply by (1 - alpha_bar_{{t-1}}) / (1 - alpha_bar_t).",
    )
    need(
        not close(variance, ((1 - now) / (1 - before) * b).item()),
        "the ratio is upside down: the variance should be smaller than beta_t.",
    )
    need(
        close(variance, true),
        "the variance should be {true:.5f}, you returned {variance:.5f}.",
        true=true,
        variance=variance,
    )
    of_x_0, of_x_t = before.sqrt() * b / (1 - now), (1 - b).sqrt() * (1 - before) / (1 - now)
    need(
        not close(mean, of_x_t * x_0 + of_x_0 * x_t),
        "x_0 and x_t are swapped: near the end of the walk back x_0 counts most, early x_t.",
    )
    need(
        not close(mean, before * b / (1 - now) * x_0 + (1 - b) * (1 - before) / (1 - now) * x_t),
        "the two square roots are missing.",
    )
    need(close(mean, of_x_0 * x_0 + of_x_t * x_t), "the variance is right, the mean is not.")
    return praise("Mean and variance of where it came from.")


@exercise
def exercise_4(answer) -> str:
    """answer(x_t, alpha_bar, m, s): eps* for data N(m, s^2), in the shape of x_t."""
    x_t, alpha_bar, m, s = torch.linspace(-2, 3, 10).view(5, 2), 0.6, 0.7, 0.4
    found = need_tensor(answer(x_t, alpha_bar, m, s), (5, 2))
    variance = alpha_bar * s**2 + 1 - alpha_bar
    score = -(x_t - alpha_bar**0.5 * m) / variance
    right = -((1 - alpha_bar) ** 0.5) * score
    oracle = Mixture(torch.full((1, 2), m), s).noised(alpha_bar**0.5, (1 - alpha_bar) ** 0.5)
    need(close(right, -((1 - alpha_bar) ** 0.5) * oracle.score(x_t)), "the checker is wrong")
    wrong = {
        "the sign is wrong: the noise points away from the data, the score towards them.": -right,
        "this is the score; eps* is minus sqrt(1 - alpha_bar) times it.": score,
        "use the root of 1 - alpha_bar in front of the score.": -(1 - alpha_bar) * score,
        "the mean of x_t is sqrt(alpha_bar) m, not m.": (
            (1 - alpha_bar) ** 0.5 * (x_t - m) / variance
        ),
        "the mean of x_t is sqrt(alpha_bar) m, with the root.": (
            (1 - alpha_bar) ** 0.5 * (x_t - alpha_bar * m) / variance
        ),
        "the variance of x_t is alpha_bar s^2 + 1 - alpha_bar: the data have a width of their own.": (
            (x_t - alpha_bar**0.5 * m) / (1 - alpha_bar) ** 0.5
        ),
        "square s in the variance of x_t.": (
            (1 - alpha_bar) ** 0.5 * (x_t - alpha_bar**0.5 * m) / (alpha_bar * s + 1 - alpha_bar)
        ),
    }
    need_none_of(found, wrong)
    need(close(found, right), "this is not -sqrt(1 - alpha_bar) times the score of x_t.")
    return praise("A straight line in x_t, and exact.")
