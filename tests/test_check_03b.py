"""The checkers of notebook 03b: the right answer passes, every planted wrong one gets its own reason."""

import math

import torch
import torch.nn.functional as F
from checking import checker_tests

from genlib.check import ex03b


def cross_entropy(logits, x):
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1)


def log_choose(x):
    k = 16 * x
    choose = math.lgamma(17) - torch.lgamma(k + 1) - torch.lgamma(17 - k)
    return choose.flatten(1).sum(dim=1)


def nll(logits, x):
    return 16 * cross_entropy(logits, x).sum(dim=1) - log_choose(x)


def naive(logits, x):
    p, k = logits.sigmoid(), 16 * x
    log_p = k * p.log() + (16 - k) * (1 - p).log()
    return -(log_p.flatten(1).sum(dim=1) + log_choose(x))


def as_probability(logits, x):
    p = logits.clamp(1e-6, 1 - 1e-6)
    return nll(p.logit(), x)


def pick(mu, n, rng):
    return torch.randint(len(mu), (n,), generator=rng)


def noise(mu, n, rng):
    return torch.randn(n, mu.shape[1], generator=rng)


def aggregated(scale=lambda logvar: (0.5 * logvar).exp(), pick=pick, noise=noise):
    """A solution of exercise 5 with parts exchanged."""

    def draw(mu, logvar, n, rng):
        i = pick(mu, n, rng)
        return mu[i] + scale(logvar[i]) * noise(mu, n, rng)

    return draw


def one_gaussian(mu, logvar, n, rng):
    C = mu.T.cov() + logvar.exp().mean(dim=0).diag()
    return mu.mean(dim=0) + noise(mu, n, rng) @ torch.linalg.cholesky(C).T


def mean_picture(mu, logvar, n, rng):  # codes between two images
    return (mu[pick(mu, n, rng)] + mu[pick(mu, n, rng)]) / 2


RIGHT = {
    1: lambda: 0.2,
    2: lambda mu, logvar, eps: mu + (logvar / 2).exp() * eps,
    3: nll,
    4: lambda mu: (mu.var(dim=0) > 0.01).sum(),
    5: aggregated(),
    6: lambda kl_j, lam: kl_j.mean(dim=0).clamp(min=lam).sum(),
}

WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: 0.04, "the best variance"),
        (lambda: math.log(0.04), "the best log-variance"),
        (lambda: -0.2, "above 0, got -0.2"),
        (lambda: 0, "above 0, got 0"),
        (lambda: 1, "for the divergence alone"),
        (lambda: 13**-0.5, "a factor of 2"),
        (lambda: 1 / 13, "a factor of 2"),
        (lambda: 0.822, "for beta = 50"),
        (lambda: 0.3, "gets smaller"),
        (lambda: 0.1, "gets larger"),
        (lambda: "a", "expected one number"),
    ],
    2: [
        (lambda mu, logvar, eps: eps, "the standard normal draw itself"),
        (lambda mu, logvar, eps: (logvar / 2).exp() * eps, "the mean is missing"),
        (lambda mu, logvar, eps: mu, "the mean of q"),
        (lambda mu, logvar, eps: mu + eps, "scale eps by sigma first"),
        (lambda mu, logvar, eps: mu + logvar * eps, "log-variance as the standard deviation"),
        (lambda mu, logvar, eps: mu + logvar.exp() * eps, "exp(logvar) is the variance"),
        (lambda mu, logvar, eps: mu - (logvar / 2).exp() * eps, "keep the sign of eps"),
        (lambda mu, logvar, eps: mu + (-logvar / 2).exp() * eps, "1/sigma"),
        (lambda mu, logvar, eps: mu + (2 * logvar).exp() * eps, "not exp(2 logvar)"),
        (lambda mu, logvar, eps: mu + logvar.sqrt() * eps, "nan"),
        (
            lambda mu, logvar, eps: mu + (logvar / 2).exp() * torch.randn_like(mu),
            "two calls with the same eps differ",
        ),
        (lambda mu, logvar, eps: mu + 3 * eps, "not mu + sigma * eps"),
        (lambda mu, logvar, eps: (mu + (logvar / 2).exp() * eps).detach(), "no gradient passes"),
        (
            lambda mu, logvar, eps: mu + (logvar.detach() / 2).exp() * eps,
            "no gradient reaches logvar",
        ),
        (lambda mu, logvar, eps: mu.detach() + (logvar / 2).exp() * eps, "no gradient reaches mu"),
        (lambda mu, logvar, eps: (mu + (logvar / 2).exp() * eps).sum(1), "expected shape (5, 4)"),
    ],
    3: [
        (lambda logits, x: 16 * cross_entropy(logits, x).sum(1), "right up to the constant"),
        (lambda logits, x: cross_entropy(logits, x).sum(1), "the cross-entropy of grey values"),
        (lambda logits, x: cross_entropy(logits, x).mean(1), "the cross-entropy of grey values"),
        (
            lambda logits, x: cross_entropy(logits, x).sum(1) - log_choose(x),
            "the factor 16 is missing",
        ),
        (lambda logits, x: nll(logits, x) + 2 * log_choose(x), "the sign of the constant"),
        (lambda logits, x: -nll(logits, x), "the sign: a negative"),
        (lambda logits, x: nll(logits, x) / 16, "averaged over the pixels"),
        (lambda logits, x: nll(logits, x).mean(), "one value per image"),
        (lambda logits, x: nll(logits, x).sum(), "return one per image"),
        (
            lambda logits, x: -torch.distributions.Binomial(16, logits=logits).log_prob(16 * x),
            "one value per pixel",
        ),
        (lambda logits, x: nll(logits, x)[:, None], "expected shape (3,)"),
        (as_probability, "the log-odds as probabilities"),
        (
            lambda logits, x: nll(logits.log(), x),
            "the log-odds as probabilities",
        ),
        (
            lambda logits, x: 16 * cross_entropy(logits, x).sum(1) - log_choose(x / 16),
            "the count k = 16 x",
        ),
        (lambda logits, x: nll(-logits, x), "ink and paper are exchanged"),
        (lambda logits, x: nll(logits, x) + 1, "for the first image"),
        (naive, "rounded to 0"),
    ],
    4: [
        (lambda mu: (mu.std(dim=0) > 0.01).sum(), "the standard deviation with 0.01"),
        (lambda mu: (mu.var(dim=0) <= 0.01).sum(), "the inactive ones"),
        (lambda mu: (mu.square().mean(dim=0) > 0.01).sum(), "subtract its mean"),
        (lambda mu: (mu.var(dim=1) > 0.01).sum(), "you counted images"),
        (lambda mu: mu.shape[1], "all dimensions"),
        (lambda mu: (mu.var(dim=0) > 0.01).double().mean(), "the share"),
        (lambda mu: mu.var(dim=0) > 0.01, "7 of them"),
        (lambda mu: 2, "you counted 2"),
    ],
    5: [
        (lambda mu, logvar, n, rng: noise(mu, n, rng), "this is the prior"),
        (lambda mu, logvar, n, rng: mu[pick(mu, n, rng)], "every code is exactly some mu"),
        (aggregated(pick=lambda mu, n, rng: pick(mu, 1, rng).expand(n)), "from one image"),
        (one_gaussian, "One Gaussian with the right mean"),
        (mean_picture, "codes between two images"),
        (
            aggregated(pick=lambda mu, n, rng: pick(mu[:6], n, rng)),
            "an eighth of the codes",
        ),
        (
            aggregated(noise=lambda mu, n, rng: torch.randn(1, 2, generator=rng)),
            "the same noise: draw n rows",
        ),
        (aggregated(scale=lambda logvar: 1), "standard deviation 1"),
        (aggregated(scale=lambda logvar: logvar.exp()), "as wide as the variance"),
        (aggregated(scale=lambda logvar: logvar), "the log-variance itself"),
        (aggregated(scale=lambda logvar: 1.3 * (logvar / 2).exp()), "where sigma is"),
        (
            aggregated(noise=lambda mu, n, rng: torch.randn(n, 1, generator=rng)),
            "get the same noise: draw one",
        ),
        (
            aggregated(pick=lambda mu, n, rng: torch.arange(n) % len(mu)),
            "always take the same images",
        ),
        (
            aggregated(noise=lambda mu, n, rng: torch.randn(n, 2)),
            "equally seeded generators differ",
        ),
        (lambda mu, logvar, n, rng: RIGHT[5](mu, logvar, len(mu), rng), "expected shape (4000, 2)"),
        (lambda mu, logvar, n, rng: RIGHT[5](mu, logvar, n, rng) / 0 * 0, "a nan"),
    ],
    6: [
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(min=lam), "sum over them"),
        (lambda kl_j, lam: kl_j.mean(dim=0).sum(), "the plain divergence"),
        (lambda kl_j, lam: kl_j.mean(dim=0).sum().clamp(min=lam), "compared with the whole sum"),
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(max=lam).sum(), "the minimum of the two"),
        (lambda kl_j, lam: kl_j.clamp(min=lam).mean(dim=0).sum(), "every single image"),
        (lambda kl_j, lam: kl_j.sum(dim=1).clamp(min=6 * lam).mean(), "expected 3."),
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(min=lam).mean(), "a hidden weight"),
        (lambda kl_j, lam: kl_j.clamp(min=lam).sum(), "you summed over the batch"),
        (lambda kl_j, lam: kl_j.sum(dim=0).clamp(min=lam).sum(), "you summed over the batch"),
        (lambda kl_j, lam: (kl_j.mean(dim=0) - lam).clamp(min=0).sum(), "what exceeds lambda"),
        (lambda kl_j, lam: kl_j.mean(dim=1).clamp(min=lam).sum(), "over the images (dim=0)"),
        (lambda kl_j, lam: 7.0, "got 7.000"),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex03b, RIGHT, WRONG)
