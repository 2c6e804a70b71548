"""The checkers of notebook 04b: the right answer passes, every planted wrong one gets its own reason."""

import torch
from checking import checker_tests

from genlib.check import ex04b


def near(x, means, sd, reach=3.0):
    return torch.cdist(x, means) <= reach * sd


def blur(x, low, high, rng, u_shape=1):
    level = low * (high / low) ** torch.rand(len(x), u_shape, generator=rng)
    return x + level * torch.randn(x.shape, generator=rng)


def with_level(level):
    """Noise whose level is a function of u (n, 1) in [0, 1)."""

    def answer(x, low, high, rng):
        u = torch.rand(len(x), 1, generator=rng)
        return x + level(u, low, high) * torch.randn(x.shape, generator=rng)

    return answer


def accuracy(real, fake, train, half=None, start=None):
    n = len(real) // 2
    D = train(real[: half or n], fake[: half or n])
    a, b = real[n if start is None else start :], fake[n if start is None else start :]
    return ((D(a) > 0).float().mean() + (D(b) <= 0).float().mean()) / 2


def on_old(real, fake, train):
    n = len(real) // 2
    D = train(real[:n], fake[:n])
    return ((D(real[:n]) > 0).float().mean() + (D(fake[:n]) <= 0).float().mean()) / 2


def strict(real, fake, train):
    n = len(real) // 2
    D = train(real[:n], fake[:n])
    return ((D(real[n:]) > 0).float().mean() + (D(fake[n:]) < 0).float().mean()) / 2


def real_only(real, fake, train):
    n = len(real) // 2
    return (train(real[:n], fake[:n])(real[n:]) > 0).float().mean()


RIGHT = {
    1: lambda x, means, sd: (near(x, means, sd).sum(dim=0) >= 20).sum(),
    2: blur,
    3: accuracy,
}
WRONG = {
    1: [
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) >= 1).sum(), "count modes with one sample"),
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) > 20).sum(), "exactly 20"),
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) >= 19).sum(), "19 samples only"),
        (lambda x, m, sd: (near(x, m, sd, 2).sum(dim=0) >= 20).sum(), "2.5 sd"),
        (lambda x, m, sd: near(x, m, sd).sum(), "you returned"),
        (lambda x, m, sd: near(x, m, sd), "expected one number"),
    ],
    2: [
        (lambda x, low, high, rng: blur(x, low, high, rng) - x, "not the noise alone"),
        (lambda x, low, high, rng: blur(x, low, high, None), "use the generator rng"),
        (with_level(lambda u, low, high: low * (high / low) ** u[:1]), "same noise level"),
        (lambda x, low, high, rng: blur(x, low, high, rng, 2), "levels of their own"),
        (with_level(lambda u, low, high: low + (high - low) * u), "not log-uniform"),
        (with_level(lambda u, low, high: (low * (high / low) ** u) ** 2), "wrong size"),
        (lambda x, low, high, rng: blur(x, low, high, rng)[:, :1], "expected shape (20000, 2)"),
    ],
    3: [
        (lambda r, f, train: 0.5, "train a fresh D"),
        (lambda r, f, train: accuracy(r, f, train, half=len(r)), "first halves only"),
        (lambda r, f, train: accuracy(f, r, train), "the order is"),
        (on_old, "take the second halves"),
        (lambda r, f, train: 1 - accuracy(r, f, train), "wrong answers"),
        (strict, "exactly 0"),
        (real_only, "fakes as well"),
        (lambda r, f, train: 2 * accuracy(r, f, train), "you returned"),
    ],
}
test_right_answers_pass, test_wrong_answers_are_diagnosed, test_stubs_get_a_hint = checker_tests(
    ex04b, RIGHT, WRONG
)
