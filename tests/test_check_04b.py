"""The checkers of notebook 04b: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import torch
from checking import checker_tests
from sklearn.neighbors import KDTree
from torch.distributions import Normal

from genlib.check import ex04b
from genlib.data import Mixture
from genlib.evaluate import mode_scores


def near(x, means, sd, reach=3.0):
    return torch.cdist(x, means) <= reach * sd


def covered_by_tree(x, means, sd):
    near = KDTree(x.numpy()).query_radius(means.numpy(), 3 * sd, count_only=True)
    return sum(int(n) >= 20 for n in near)


def covered_in_a_loop(x, means, sd):
    covered = 0
    for a, b in means.tolist():
        x.sub_(torch.tensor([a, b]))
        covered += sum(math.hypot(*point) <= 3 * sd for point in x.tolist()) > 19
        x.add_(torch.tensor([a, b]))
    return covered


def within(x, means, sd, reach):
    """Modes with 20 samples at which `reach`, of the offsets (n, K, 2) in sd, is true."""
    return (reach((x[:, None] - means) / sd).sum(dim=0) >= 20).sum()


def blur(x, low, high, rng, u_shape=1):
    level = low * (high / low) ** torch.rand(len(x), u_shape, generator=rng)
    return x + level * torch.randn(x.shape, generator=rng)


def blur_in_numpy(x, low, high, rng):
    noise = torch.normal(torch.zeros(len(x), 2), 1.0, generator=rng).double().numpy()
    noise *= np.exp(np.log(low) + np.log(high / low) * torch.rand(len(x), generator=rng).numpy())[
        :, None
    ]
    return x.double().numpy() + noise


def blur_by_inverse(x, low, high, rng):
    """Levels by the logarithm, noise by the inverse of the normal distribution function, in place."""
    level = torch.empty(len(x)).uniform_(math.log10(low), math.log10(high), generator=rng)
    u = torch.rand(2, len(x), generator=rng).clamp(1e-6, 1 - 1e-6)
    x += (10**level * Normal(0.0, 1.0).icdf(u)).T
    return x


def with_noise(noise):
    """Right levels, and another noise."""

    def answer(x, low, high, rng):
        level = low * (high / low) ** torch.rand(len(x), 1, generator=rng)
        return x + level * noise(x, rng)

    return answer


def with_level(level):
    """Noise whose level is a function of u (n, 1) in [0, 1)."""

    def answer(x, low, high, rng):
        u = torch.rand(len(x), 1, generator=rng)
        return x + level(u, low, high) * torch.randn(x.shape, generator=rng)

    return answer


def with_normal_exponent(level):
    """Noise whose level is a function of normal z (n, 1), where uniform u is asked: a few levels are huge."""

    def answer(x, low, high, rng):
        z = torch.randn(len(x), 1, generator=rng)
        return x + level(z, low, high) * torch.randn(x.shape, generator=rng)

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


def accuracy_in_numpy(real, fake, train):
    (a, new_real), (b, new_fake) = (np.split(part.numpy(), 2) for part in (real, fake))
    D = train(torch.tensor(a), torch.tensor(b))
    said = np.concatenate([D(torch.tensor(new_real)), D(torch.tensor(new_fake))])
    return np.mean((said > 0) == np.repeat([True, False], len(new_real)))


def accuracy_in_a_loop(real, fake, train):
    half, right = len(real) // 2, 0
    D = train(real[:half], fake[:half])
    for k in range(half, len(real)):
        right += int(D(real[k : k + 1]).item() > 0) + int(D(fake[k : k + 1]).item() <= 0)
    return right / (2 * half)


def judged(of_real, of_fake, together=lambda real, fake: (real + fake) / 2):
    """Accuracy with other rules for the logits of new real points and new fakes."""

    def answer(real, fake, train):
        half = len(real) // 2
        D = train(real[:half], fake[:half])
        return together(
            of_real(D(real[half:])).float().mean(), of_fake(D(fake[half:])).float().mean()
        )

    return answer


RIGHT = {
    1: lambda x, means, sd: (near(x, means, sd).sum(dim=0) >= 20).sum(),
    2: blur,
    3: accuracy,
}
ALSO = {
    1: [
        covered_by_tree,
        covered_in_a_loop,
        lambda x, means, sd: mode_scores(x, Mixture(means, sd))["modes"],
    ],
    2: [blur_in_numpy, blur_by_inverse],
    3: [accuracy_in_numpy, accuracy_in_a_loop],
}
WRONG = {
    1: [
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) >= 1).sum(), "modes with one sample"),
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) > 20).sum(), "exactly 20"),
        (lambda x, m, sd: (near(x, m, sd).sum(dim=1) >= 20).sum(), "the sum goes over the samples"),
        (lambda x, m, sd: (near(x, m, sd).sum(dim=0) >= 19).sum(), "19 samples only"),
        (lambda x, m, sd: (near(x, m, sd, 2).sum(dim=0) >= 20).sum(), "2 to 3 sd"),
        (lambda x, m, sd: (near(x, m, sd, 10).sum(dim=0) >= 20).sum(), "farther away than 3 sd"),
        (
            lambda x, m, sd: (torch.cdist(x, m).argmin(1).bincount(minlength=len(m)) >= 20).sum(),
            "farther away than 3 sd",
        ),
        (
            lambda x, m, sd: ((torch.cdist(x, m) ** 2 <= 3 * sd).sum(0) >= 20).sum(),
            "farther away than 3 sd",
        ),
        (lambda *a: within(*a, lambda off: (off.abs() <= 3).all(dim=2)), "3.5 sd away"),
        (lambda *a: within(*a, lambda off: off.abs().sum(dim=2) <= 3), "2.8 sd away"),
        (lambda x, m, sd: near(x, m, sd).sum(), "count the modes"),
        (lambda x, m, sd: (near(x, m, sd).sum(0) >= 20).float().mean(), "not the share"),
        (lambda x, m, sd: len(m) - 1, "of these 10 modes are covered, you returned 9"),
        (lambda x, m, sd: near(x, m, sd), "expected one number"),
        (lambda x, m, sd: (x - m).norm(dim=1) <= 3 * sd, "Sizes do not fit"),
    ],
    2: [
        (lambda x, low, high, rng: blur(x, low, high, rng) - x, "not the noise alone"),
        (lambda x, low, high, rng: x, "no noise is added"),
        (lambda x, low, high, rng: blur(x, low, high, None), "use the generator rng"),
        (
            lambda x, low, high, rng: x + blur(0 * x, low, high, rng) + 0.1 * torch.rand(x.shape),
            "use the generator rng",
        ),
        (with_level(lambda u, low, high: low * (high / low) ** u[:1]), "same noise level"),
        (with_level(lambda u, low, high: high), "same noise level"),
        (lambda x, low, high, rng: blur(x, low, high, rng, 2), "levels of their own"),
        (with_level(lambda u, low, high: low + (high - low) * u), "levels are uniform"),
        (with_level(lambda u, low, high: (low * (high / low) ** u) ** 2), "square of the level"),
        (with_level(lambda u, low, high: (low * (high / low) ** u) ** 0.5), "root of the level"),
        (
            with_level(lambda u, low, high: (math.log10(low) + u * math.log10(high / low)).exp()),
            "yours are mixed",
        ),
        (
            with_level(lambda u, low, high: math.log(low) + u * math.log(high / low)),
            "take exp of it",
        ),
        (with_level(lambda u, low, high: 3 * low * (high / low) ** u), "the wrong size"),
        (with_level(lambda u, low, high: (high / low) ** u), "the wrong size"),
        (with_normal_exponent(lambda z, low, high: low * (high / low) ** z), "the wrong size"),
        (
            with_normal_exponent(
                lambda z, low, high: torch.lerp(
                    torch.tensor(low).log(), torch.tensor(high).log(), z
                ).exp()
            ),
            "the wrong size",
        ),
        (with_noise(lambda x, rng: torch.randn(len(x), 1, generator=rng)), "same random number"),
        (
            with_noise(lambda x, rng: torch.randn(1, 2, generator=rng)),
            "every example gets the same",
        ),
        (with_noise(lambda x, rng: torch.rand(x.shape, generator=rng)), "mean 0"),
        (with_noise(lambda x, rng: 1 / torch.zeros(x.shape)), "not finite"),
        (
            with_noise(lambda x, rng: 12**0.5 * (torch.rand(x.shape, generator=rng) - 0.5)),
            "not Gaussian",
        ),
        (
            lambda x, low, high, rng: (
                x + torch.rand(len(x), generator=rng) * torch.randn(x.shape, generator=rng)
            ),
            "`a[:, None]`",
        ),
        (lambda x, low, high, rng: blur(x, low, high, rng)[:, :1], "expected shape (20000, 2)"),
    ],
    3: [
        (lambda r, f, train: 0.5, "train a fresh D"),
        (lambda r, f, train: accuracy(r, f, train, half=len(r)), "first halves only"),
        (lambda r, f, train: accuracy(f, r, train), "the order is"),
        (
            lambda r, f, train: accuracy(r.roll(len(r) // 2, 0), f.roll(len(f) // 2, 0), train),
            "measure on the second",
        ),
        (
            lambda r, f, train: accuracy(r.roll(1, 0), f.roll(1, 0), train),
            "train on the first halves.",
        ),
        (on_old, "take the second halves"),
        (
            lambda r, f, train: accuracy(r, f, train, len(r) // 2, start=0),
            "all points are measured",
        ),
        (lambda r, f, train: 1 - accuracy(r, f, train), "wrong answers"),
        (judged(lambda logit: logit > 0.5, lambda logit: logit <= 0.5), "not with 1/2"),
        (
            judged(lambda logit: logit.sigmoid() > 0, lambda logit: logit.sigmoid() <= 0),
            "all points are called the same",
        ),
        (strict, "exactly 0"),
        (
            judged(lambda logit: logit >= 0, lambda logit: logit <= 0),
            "exactly 0 is called a fake: > 0",
        ),
        (judged(lambda logit: logit >= 0, lambda logit: logit < 0), "0 means fake"),
        (real_only, "fakes as well"),
        (
            judged(lambda logit: logit > 0, lambda logit: logit <= 0, lambda real, fake: fake),
            "real points as well",
        ),
        (
            judged(
                lambda logit: logit > 0, lambda logit: logit <= 0, lambda real, fake: real + fake
            ),
            "the sum",
        ),
        (judged(lambda logit: logit > 0, lambda logit: logit > 0), "D calls real"),
        (lambda r, f, train: 3 * accuracy(r, f, train), "you returned"),
    ],
}
globals().update(checker_tests(ex04b, RIGHT, ALSO, WRONG))
