"""The checkers of notebook 02b: right answers pass, every planted wrong one gets its own reason."""

import math

import numpy as np
import torch
from checking import checker_tests
from torch.distributions import Normal

from genlib.check import ex02b


def lose(x, share, rng, shape=None, keep=torch.ge):
    return x * keep(torch.rand(shape or x.shape, generator=rng), share)


def lose_some(x, share, rng):
    """The same number of pixels in every image, at random places."""
    order = torch.rand(len(x), x[0].numel(), generator=rng).argsort(dim=1).reshape(x.shape)
    return x * (order >= round(share * x[0].numel()))


def lose_of_the_batch(x, share, rng):
    """An exact number of pixels of the whole batch, at random places."""
    y = x.clone().flatten()
    y[torch.randperm(y.numel(), generator=rng)[: round(share * y.numel())]] = 0
    return y.reshape(x.shape)


def lose_of_each_place(x, share, rng):
    """Each place is lost in the same number of images."""
    order = torch.rand(x.shape, generator=rng).argsort(dim=0)
    return x * (order >= round(share * len(x)))


def lose_pairs(x, share, rng):
    """Two images lose the same pixels."""
    half = torch.rand(len(x) // 2, *x.shape[1:], generator=rng) >= share
    return x * torch.cat([half, half])


def lose_neighbours(x, share, rng):
    """A pixel is lost with its neighbour to the right."""
    draws = torch.rand(*x.shape[:3], (x.shape[3] + 1) // 2, generator=rng)
    return x * (draws >= share).repeat_interleave(2, dim=3)[..., : x.shape[3]]


def lose_in_a_loop(x, share, rng):
    for image in x.clone():
        draws = torch.rand(image.numel(), generator=rng).tolist()
        pixels = image.flatten().tolist()
        kept = [0.0 if d < share else p for d, p in zip(draws, pixels, strict=True)]
        yield torch.tensor(kept).reshape(image.shape)


def by_precisions(x, m, sd, s):
    return (x / s**2 + m / sd**2) / (1 / s**2 + 1 / sd**2)


def tweedie_by_autograd(x, m, sd, s):
    x.requires_grad_()
    log_p = Normal(m, math.hypot(sd, s)).log_prob(x).sum()
    return x + s**2 * torch.autograd.grad(log_p, x)[0]


def on_a_grid(x, m, sd, s):
    """The posterior mean as a sum over a fine grid of clean values."""
    grid = torch.linspace(m - 9 * sd, m + 9 * sd, 20_001, dtype=torch.float64)
    weight = (Normal(m, sd).log_prob(grid) + Normal(grid, s).log_prob(x[:, None])).softmax(dim=1)
    return weight @ grid


def tweedie(x, m, sd, s, factor=2, root=1, sign=-1, keep=1):
    return keep * x + sign * s**factor * (x - m) / (sd**2 + s**2) ** root


def by_bayes(x, a, s):
    plus, minus = (Normal(c, s).log_prob(x).exp() for c in (a, -a))
    return (a * plus - a * minus) / (plus + minus)


def by_softmax(x, a, s):
    spikes = torch.tensor([-a, a], dtype=x.dtype)
    return (-((x[:, None] - spikes) ** 2) / (2 * s**2)).softmax(dim=1) @ spikes


def spikes_by_autograd(x, a, s):
    x.requires_grad_()
    log_p = torch.logaddexp(Normal(a, s).log_prob(x), Normal(-a, s).log_prob(x)).sum()
    return (x + s**2 * torch.autograd.grad(log_p, x)[0]).detach()


def slopes(log_p, x, forward, back):
    parts = []
    for e in torch.eye(2, dtype=x.dtype):
        parts.append((log_p(x + forward * e) - log_p(x - back * e)) / (forward + back))
    return torch.stack(parts, dim=1)


def central(log_p, x, h):
    return slopes(log_p, x, h, h)


def in_place(log_p, x, h):
    columns = []
    for d in (0, 1):
        x[:, d] += h
        above = log_p(x)
        x[:, d] -= 2 * h
        columns.append((above - log_p(x)) / (2 * h))
        x[:, d] += h
    return np.stack(columns, axis=1)


def exact(log_p, x, h):
    x = x.requires_grad_()
    return torch.autograd.grad(log_p(x).sum(), x)[0]


def spoil_in_place(x, share, rng):
    return x.mul_(torch.rand(x.shape, generator=rng) >= share)


def two_spikes(x, a, s):
    odds = 2 * a * x / s**2
    return a * odds.sigmoid() - a * (1 - odds.sigmoid())


RIGHT = {
    1: lambda error, pixels: 10 * (pixels / error).log10(),
    2: lose,
    3: lambda x, m, sd, s: (x * sd**2 + m * s**2) / (sd**2 + s**2),
    4: two_spikes,
    5: central,
    6: lambda x, x_hat, s, s_next: (1 - s_next / s) * x_hat + s_next / s * x,
}

ALSO = {
    1: [
        lambda error, pixels: 10 * np.log10(pixels / error.numpy()),
        lambda error, pixels: -20 * (error / pixels).sqrt().log10(),
        lambda error, pixels: [-10 * math.log10(value / pixels) for value in error.tolist()],
        lambda error, pixels: error.div_(pixels).log_().mul_(-10 / math.log(10)),
    ],
    2: [
        lambda x, share, rng: x.where(torch.rand(x.shape, generator=rng) > share, 0),
        lambda x, share, rng: x * torch.bernoulli(torch.full_like(x, 1 - share), generator=rng),
        lambda x, share, rng: x.numpy() * (torch.rand(x.shape, generator=rng).numpy() >= share),
        lambda x, share, rng: x.double().masked_fill(
            torch.rand(len(x), x[0].numel(), generator=rng).reshape(x.shape) < share, 0.0
        ),
        lambda x, share, rng: list(lose_in_a_loop(x, share, rng)),
    ],
    3: [
        by_precisions,
        tweedie,
        tweedie_by_autograd,
        on_a_grid,
        lambda x, m, sd, s: m + (x.float() - m) / (1 + (s / sd) ** 2),
    ],
    4: [by_bayes, by_softmax, spikes_by_autograd],
    5: [
        lambda f, x, h: [
            [
                (f(x[i : i + 1] + h * e) - f(x[i : i + 1] - h * e)).item() / (2 * h)
                for e in torch.eye(2)
            ]
            for i in range(len(x))
        ],
        in_place,
    ],
    6: [
        lambda x, x_hat, s, s_next: torch.lerp(x_hat, x, s_next / s),
        lambda x, x_hat, s, s_next: x + (s - s_next) * (x_hat - x) / s,
        lambda x, x_hat, s, s_next: x.sub_(x_hat).mul_(s_next / s).add_(x_hat),
        lambda x, x_hat, s, s_next: x_hat.numpy() + s_next * (x - x_hat).numpy() / s,
    ],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda error, pixels: -10 * error.log10(), "summed over the image"),
        (lambda error, pixels: 10 * (error / pixels).log10(), "sign is turned"),
        (lambda error, pixels: -10 * (error / pixels).log(), "natural logarithm"),
        (lambda error, pixels: -20 * (error / pixels).log10(), "twice too much"),
        (lambda error, pixels: -(error / pixels).log10(), "factors of ten"),
        (lambda error, pixels: -10 * (error * pixels).log10(), "multiplied by `pixels`"),
        (lambda error, pixels: error / pixels, "the mean squared error"),
        (lambda error, pixels: -10 * (error / 64).log10(), "right for 64 pixels only"),
        (lambda error, pixels: error, "over 64 pixels is 10.00 dB"),
        (lambda error, pixels: RIGHT[1](error.double(), len(error)), "is 10.00 dB"),
        (lambda error, pixels: -10 * (error / pixels).mean().log10(), "expected shape"),
    ],
    2: [
        (spoil_in_place, "changed `x` itself"),
        (lambda x, share, rng: x + torch.rand(x.shape, generator=rng), "keep their value"),
        (
            lambda x, share, rng: torch.nn.functional.dropout(x, share),
            "nothing is rescaled",
        ),
        (lambda x, share, rng: x.clone(), "no pixel became 0"),
        (
            lambda x, share, rng: x * (torch.rand(x.shape, generator=rng) < share),
            "the part to lose",
        ),
        (
            lambda x, share, rng: x * (torch.rand(len(x), 1, 1, 1, generator=rng) >= share),
            "whole images",
        ),
        (
            lambda x, share, rng: x * (torch.rand(x.shape[1:], generator=rng) >= share),
            "the same pixels",
        ),
        (lambda x, share, rng: lose(x, share, rng, (len(x), *x.shape[1:3], 1)), "whole rows"),
        (lambda x, share, rng: lose(x, share, rng, (len(x), 1, 1, x.shape[3])), "whole columns"),
        (lambda x, share, rng: 0 * x, "a share of 1.00 was lost"),
        (lose_some, "the same number of pixels"),
        (lose_of_the_batch, "exactly as many pixels of the batch, 1920"),
        (lose_of_each_place, "exactly as many pixels of the batch, 1920"),
        (lose_pairs, "the very same pixels"),
        (lose_neighbours, "not lost independently"),
        (lambda x, share, rng: lose(x, 0.2, rng), "with share = 0.65 a share of 0.21"),
        (lambda x, share, rng: lose(x, share, torch.Generator().manual_seed(3)), "generator=rng"),
        (lambda x, share, rng: x * (torch.rand(x.shape, generator=rng) >= 0.5), "was lost"),
        (lambda x, share, rng: torch.rand(x.shape, generator=rng) >= share, "keep their value"),
        (lambda x, share, rng: x * (torch.rand(x.shape) >= share), "generator=rng"),
    ],
    3: [
        (lambda x, m, sd, s: x, "nothing was removed"),
        (lambda x, m, sd, s: (x * s**2 + m * sd**2) / (sd**2 + s**2), "upside down"),
        (lambda x, m, sd, s: x * sd**2 / (sd**2 + s**2), "shrink towards 0"),
        (lambda x, m, sd, s: m + sd / (sd + s) * (x - m), "standard deviations do not"),
        (lambda x, m, sd, s: x - s**2 * (x - m) / sd**2, "score of the clean density"),
        (lambda *a: tweedie(*a, sign=1), "the sign: the score"),
        (lambda *a: tweedie(*a, factor=1), "not by sigma"),
        (lambda *a: tweedie(*a, factor=0), "added the score itself"),
        (lambda *a: tweedie(*a, root=0.5), "not by its root"),
        (lambda *a: tweedie(*a, keep=0), "the correction alone"),
        (lambda *a: tweedie(*a, keep=0, factor=0), "the score alone"),
        (lambda x, m, sd, s: x - s**2 * (x - m) / (sd + s) ** 2, "not (sd + sigma)^2"),
        (lambda x, m, sd, s: sd**2 / (sd**2 + s**2) * (x - m), "add the mean again"),
        (lambda x, m, sd, s: by_precisions(x, m, 2.0, 0.5), "for mean -0.7, sd 0.6, sigma 0.9"),
        (lambda x, m, sd, s: m + 0 * x, "the answer is"),
    ],
    4: [
        (lambda x, a, s: a * x.sign(), "the more probable spike"),
        (lambda x, a, s: (2 * a * x / s**2).sigmoid(), "the probability of +a"),
        (lambda x, a, s: (a * x / s**2).tanh(), "the spikes are at"),
        (lambda x, a, s: a * (a * x / s).tanh(), "sigma ** 2"),
        (lambda x, a, s: a * (2 * a * x / s**2).tanh(), "twice too steep"),
        (lambda x, a, s: a * (x / s**2).tanh(), "a = 1 only"),
        (lambda x, a, s: a * (a * x / s**2 / 2).tanh(), "half as steep"),
        (lambda x, a, s: a * (2 * a * x / s**2).sigmoid(), "left out the spike"),
        (lambda x, a, s: a * (a * x).tanh(), "sigma = 1 only"),
        (lambda x, a, s: -two_spikes(x, a, s), "the sign"),
        (lambda x, a, s: x, "nothing was removed"),
        (lambda x, a, s: 0 * x, "for a = 1.7, sigma = 1.5 and x_noisy = 1.2 the answer is"),
        (lambda x, a, s: two_spikes(x, 1.7, s), "for a = 0.7"),
    ],
    5: [
        (lambda f, x, h: -central(f, x, h), "points uphill"),
        (lambda f, x, h: 2 * central(f, x, h), "twice too much"),
        (lambda f, x, h: 2 * h * central(f, x, h), "divided by the way"),
        (lambda f, x, h: slopes(f, x, h, 0), "one-sided"),
        (lambda f, x, h: slopes(f, x, h / 2, h / 2), "h / 2 to each side"),
        (lambda f, x, h: slopes(f, x, 0, h), "one-sided"),
        (lambda f, x, h: central(lambda x: f(x).exp(), x, h), "the gradient of p."),
        (lambda f, x, h: central(f, x, h).flip(1), "swapped"),
        (
            lambda f, x, h: ((f(x + h) - f(x - h)) / (2 * h))[:, None].expand(len(x), 2),
            "one coordinate at a time",
        ),
        (exact, "independent check"),
        (lambda f, x, h: central(f, x, h) / 2, "half of the slope"),
        (lambda f, x, h: h * h * central(f, x, h), "multiplied by h"),
        (lambda f, x, h: central(f, x, 1e-3), "a smaller step"),
        (lambda f, x, h: x, "the slopes are not"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "one coordinate at a time"),
        (lambda f, x, h: central(f, x, h).T, "expected shape (6, 2), got (2, 6)"),
    ],
    6: [
        (lambda x, x_hat, s, s_next: x_hat, "the whole step"),
        (lambda x, x_hat, s, s_next: x + s_next / s * (x_hat - x), "is to be left"),
        (lambda x, x_hat, s, s_next: x_hat + (s_next / s) ** 2 * (x - x_hat), "not sigma^2"),
        (lambda x, x_hat, s, s_next: x_hat + s_next * (x - x_hat), "sigma = 1 only"),
        (lambda x, x_hat, s, s_next: x, "no step was made"),
        (lambda x, x_hat, s, s_next: x_hat - s_next / s * (x - x_hat), "beyond x_hat"),
        (lambda x, x_hat, s, s_next: x_hat + s / s_next * (x - x_hat), "upside down"),
        (lambda x, x_hat, s, s_next: s_next / s * (x - x_hat), "add x_hat"),
        (lambda x, x_hat, s, s_next: x_hat + (s_next / s) ** 0.5 * (x - x_hat), "take no root"),
        (lambda x, x_hat, s, s_next: (x + x_hat) / 2, "with sigma 2.5 and sigma_next 0.6"),
        (lambda x, x_hat, s, s_next: x_hat + 0.24 * (x - x_hat), "sigma_next 0.5"),
        (lambda x, x_hat, s, s_next: RIGHT[6](x, x_hat, s, s_next or 0.1), "sigma_next = 0"),
    ],
}


globals().update(checker_tests(ex02b, RIGHT, ALSO, WRONG, untouched=(2,)))
