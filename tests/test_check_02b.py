"""The checkers of notebook 02b: the right answer passes, every planted wrong one gets its own reason."""

import torch
from checking import checker_tests

from genlib.check import ex02b


def slopes(log_p, x, forward, back):
    parts = []
    for e in torch.eye(2, dtype=x.dtype):
        parts.append((log_p(x + forward * e) - log_p(x - back * e)) / (forward + back))
    return torch.stack(parts, dim=1)


def central(log_p, x, h):
    return slopes(log_p, x, h, h)


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
    2: lambda x, share, rng: x.where(torch.rand(x.shape, generator=rng) > share, 0),
    3: lambda x, m, sd, s: (x * sd**2 + m * s**2) / (sd**2 + s**2),
    4: two_spikes,
    5: central,
    6: lambda x, x_hat, s, s_next: (1 - s_next / s) * x_hat + s_next / s * x,
}

WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda error, pixels: -10 * error.log10(), "summed over the image"),
        (lambda error, pixels: 10 * (error / pixels).log10(), "sign is turned"),
        (lambda error, pixels: -10 * (error / pixels).log(), "natural logarithm"),
        (lambda error, pixels: -20 * (error / pixels).log10(), "twice too much"),
        (lambda error, pixels: -(error / pixels).log10(), "factors of ten"),
        (lambda error, pixels: error, "is 10 dB"),
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
        (lambda x, share, rng: x * (torch.rand(x.shape, generator=rng) >= 0.5), "was lost"),
        (lambda x, share, rng: x * (torch.rand(x.shape) >= share), "generator=rng"),
    ],
    3: [
        (lambda x, m, sd, s: x, "nothing was removed"),
        (lambda x, m, sd, s: (x * s**2 + m * sd**2) / (sd**2 + s**2), "upside down"),
        (lambda x, m, sd, s: x * sd**2 / (sd**2 + s**2), "shrink towards 0"),
        (lambda x, m, sd, s: m + sd / (sd + s) * (x - m), "standard deviations do not"),
        (lambda x, m, sd, s: x - s**2 * (x - m) / sd**2, "score of the clean density"),
        (lambda x, m, sd, s: m + 0 * x, "the answer is"),
    ],
    4: [
        (lambda x, a, s: a * x.sign(), "the more probable spike"),
        (lambda x, a, s: (2 * a * x / s**2).sigmoid(), "the probability of +a"),
        (lambda x, a, s: (a * x / s**2).tanh(), "the spikes are at"),
        (lambda x, a, s: a * (a * x / s).tanh(), "sigma ** 2"),
        (lambda x, a, s: a * (2 * a * x / s**2).tanh(), "twice too steep"),
        (lambda x, a, s: a * (x / s**2).tanh(), "a = 1 only"),
        (lambda x, a, s: x, "the answer is"),
    ],
    5: [
        (lambda f, x, h: -central(f, x, h), "points uphill"),
        (lambda f, x, h: 2 * central(f, x, h), "twice too much"),
        (lambda f, x, h: 2 * h * central(f, x, h), "divided by the way"),
        (lambda f, x, h: slopes(f, x, h, 0), "one-sided"),
        (lambda f, x, h: slopes(f, x, 0, h), "one-sided"),
        (lambda f, x, h: central(lambda x: f(x).exp(), x, h), "the gradient of p."),
        (lambda f, x, h: central(f, x, h).flip(1), "swapped"),
        (
            lambda f, x, h: central(f, x, h).sum(dim=1, keepdim=True).expand(6, 2),
            "one coordinate at a time",
        ),
        (exact, "independent check"),
        (lambda f, x, h: x, "the slopes are not"),
        (lambda f, x, h: (f(x + h) - f(x - h)) / (2 * h), "expected shape"),
    ],
    6: [
        (lambda x, x_hat, s, s_next: x_hat, "the whole step"),
        (lambda x, x_hat, s, s_next: x + s_next / s * (x_hat - x), "is to be left"),
        (lambda x, x_hat, s, s_next: x_hat + (s_next / s) ** 2 * (x - x_hat), "not sigma^2"),
        (lambda x, x_hat, s, s_next: x_hat + s_next * (x - x_hat), "sigma = 1 only"),
        (lambda x, x_hat, s, s_next: x, "for the first point"),
        (lambda x, x_hat, s, s_next: x_hat + 0.25 * (x - x_hat), "sigma_next = 0"),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex02b, RIGHT, WRONG)
