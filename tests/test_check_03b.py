"""The checkers of notebook 03b: right answers pass in every form, every planted wrong one gets its own reason."""

import math
from functools import partial

import numpy as np
import scipy.optimize
import scipy.stats
import torch
import torch.nn.functional as F
from checking import checker_tests
from torch import nn
from torch.distributions import Binomial, Independent, Normal, kl_divergence

from genlib.check import ex03b
from genlib.losses import gaussian_kl


def sigma_by_search():
    def loss(sigma):
        return 12 * sigma**2 + (sigma**2 - 1 - 2 * math.log(sigma)) / 2

    return scipy.optimize.minimize_scalar(loss, bounds=(0.01, 2), method="bounded").x


def draw_in_place(mu, logvar, eps):
    return eps.mul_(logvar.exp().sqrt()).add_(mu)


def draw_row_by_row(mu, logvar, eps):
    rows = zip(mu, logvar, eps, strict=True)
    return [torch.addcmul(m, torch.exp(v / 2), e) for m, v, e in rows]


def nll_by_torch(logits, x):
    return -Independent(Binomial(16, logits=logits), 3).log_prob((16 * x).round())


def nll_in_a_loop(logits, x):
    found = []
    for a, b in zip(logits.flatten(1).tolist(), x.flatten(1).tolist(), strict=True):
        total = 0.0
        for odds, grey in zip(a, b, strict=True):
            k = round(16 * grey)
            total += k * np.logaddexp(0, -odds) + (16 - k) * np.logaddexp(0, odds)
            total -= math.log(math.comb(16, k))
        found.append(total)
    return found


def active_in_numpy(mu):
    return np.count_nonzero(np.var(mu.numpy(), axis=0) > 0.01)


def active_in_place(mu):
    mu -= mu.mean(dim=0, keepdim=True)
    return sum(int(column @ column / len(mu) > 0.01) for column in mu.T)


def aggregated_by_multinomial(mu, logvar, n, rng):
    i = torch.multinomial(torch.ones(len(mu)), n, replacement=True, generator=rng)
    return torch.normal(mu[i], logvar[i].exp().sqrt(), generator=rng)


def aggregated_in_numpy(mu, logvar, n, rng):
    """Uniform numbers of torch, and the inverse of the normal distribution function."""
    i = (torch.rand(n, generator=rng) * len(mu)).long().numpy()
    u = torch.rand(n, mu.shape[1], generator=rng, dtype=torch.float64).numpy()
    return mu.numpy()[i] + np.exp(logvar.numpy()[i] / 2) * scipy.stats.norm.ppf(u)


def free_bits_in_a_loop(kl_j, lam):
    return sum(max(lam, sum(column) / len(column)) for column in kl_j.T.tolist())


def free_bits_by_relu(kl_j, lam):
    kl_j -= lam
    return F.relu(kl_j.mean(dim=0)).sum() + lam * kl_j.shape[1]


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

ALSO = {
    1: [sigma_by_search, lambda: np.array([0.2]), lambda: torch.tensor([[1 / 25]]).sqrt()],
    2: [draw_in_place, draw_row_by_row],
    3: [nll_by_torch, nll_in_a_loop],
    4: [active_in_numpy, active_in_place],
    5: [aggregated_by_multinomial, aggregated_in_numpy],
    6: [free_bits_in_a_loop, free_bits_by_relu],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: 0.04, "the best variance"),
        (lambda: math.log(0.04), "the best log-variance"),
        (lambda: -3.22, "the best log-variance"),
        (lambda: math.log(0.2), "the logarithm of the best sigma"),
        (lambda: 0.28, "a factor of 2"),
        (lambda: 0.82, "for beta = 50"),
        (lambda: [0.2, 0.2], "got 2 of them"),
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
        (lambda mu, logvar, eps: mu + (logvar / 2).exp(), "multiplied by eps"),
        (lambda mu, logvar, eps: mu + logvar / 2 * eps, "take exp of it"),
        (lambda mu, logvar, eps: mu + logvar.exp() / 2 * eps, "not exp(logvar) / 2"),
        (lambda mu, logvar, eps: (logvar / 2).exp() * (mu + eps), "belongs to eps alone"),
        (
            lambda mu, logvar, eps: draw_in_place(mu, logvar, eps).detach() + 0 * (mu + logvar),
            "the gradient in mu is wrong",
        ),
        (lambda mu, logvar, eps: [mu + (logvar / 2).exp() * eps, eps.zero_()][0], "pass fails"),
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
        (lambda logits, x: cross_entropy(logits, x).mean(1), "the mean cross-entropy of grey"),
        (lambda logits, x: 16 * cross_entropy(logits, x).sum(), "as one number for all images"),
        (
            lambda logits, x: (
                16 * F.binary_cross_entropy_with_logits(logits, x, reduction="sum") / 3
            ),
            "as one number for all images",
        ),
        (lambda logits, x: cross_entropy(logits, x).sum(), "this is the cross-entropy of grey"),
        (lambda logits, x: logits.mean(), "this is one number"),
        (
            lambda logits, x: 16 * F.binary_cross_entropy_with_logits(logits, x),
            "this is one number",
        ),
        (lambda logits, x: nll(logits, x) / 20, "averaged over the pixels"),
        (lambda logits, x: nll(logits, x) / math.log(2), "bits"),
        (
            lambda logits, x: (16 * x * F.softplus(-logits)).flatten(1).sum(dim=1) - log_choose(x),
            "dots of paper are missing",
        ),
        (
            lambda logits, x: -Binomial(16, logits=logits).log_prob(16 * x).sum(dim=1),
            "yours has shape (3, 4, 5)",
        ),
        (
            lambda logits, x: nll(logits.clamp(-20, 20), x),
            "kept away from 0 by force",
        ),
        (
            lambda logits, x: cross_entropy(logits, x).sum(1) - log_choose(x),
            "the factor 16 is missing",
        ),
        (lambda logits, x: nll(logits, x) + 2 * log_choose(x), "the sign of the constant"),
        (lambda logits, x: -nll(logits, x), "the sign: a negative"),
        (lambda logits, x: nll(logits, x) / 16, "you divided by 16"),
        (lambda logits, x: nll(logits, x).mean(), "the mean over the images"),
        (lambda logits, x: nll(logits, x).sum(), "return one per image"),
        (
            lambda logits, x: -torch.distributions.Binomial(16, logits=logits).log_prob(16 * x),
            "yours has shape (3, 1, 4, 5)",
        ),
        (lambda logits, x: nll(logits, x)[:, None], "expected shape (3,)"),
        (as_probability, "the log-odds as probabilities"),
        (
            lambda logits, x: nll(logits.log(), x),
            "a logarithm of a negative number",
        ),
        (
            lambda logits, x: 16 * cross_entropy(logits, x).sum(1) - log_choose(x / 16),
            "the count k = 16 x",
        ),
        (lambda logits, x: nll(-logits, x), "ink and paper are exchanged"),
        (
            lambda logits, x: (
                16 * cross_entropy(logits, x).sum(1)
                - (math.lgamma(17) - torch.lgamma(16 * x) - torch.lgamma(16 - 16 * x))
                .flatten(1)
                .sum(1)
            ),
            "log n! is lgamma(n + 1)",
        ),
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
        (lambda mu: (mu.abs() > 0.01).sum(), "you counted single code numbers"),
        (lambda mu: (mu > 0.01).sum(), "you counted single code numbers"),
        (lambda mu: (mu.mean(dim=0).abs() > 0.01).sum(), "whose mean over the images"),
        (lambda mu: mu.var(dim=0).sum(), "the sum of the variances"),
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
            "a share of 0.125",
        ),
        (
            aggregated(noise=lambda mu, n, rng: torch.randn(1, 2, generator=rng)),
            "the same noise: draw n rows",
        ),
        (aggregated(scale=lambda logvar: 1), "standard deviation 1"),
        (aggregated(scale=lambda logvar: logvar.exp()), "as wide as the variance"),
        (aggregated(scale=lambda logvar: logvar), "the log-variance itself"),
        (aggregated(scale=lambda logvar: (-logvar / 2).exp()), "the sign in the exponent"),
        (
            lambda mu, logvar, n, rng: aggregated()(mu, logvar[:1].expand_as(logvar), n, rng),
            "equally wide",
        ),
        (
            lambda mu, logvar, n, rng: (
                mu[pick(mu, n, rng)] + (logvar[pick(mu, n, rng)] / 2).exp() * noise(mu, n, rng)
            ),
            "equally wide",
        ),
        (
            lambda mu, logvar, n, rng: mu + (logvar / 2).exp() * torch.randn(n, 2, generator=rng),
            "Sizes do not fit",
        ),
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
        (
            lambda mu, logvar, n, rng: RIGHT[5](mu, logvar, len(mu), rng),
            "expected shape (16000, 2)",
        ),
        (aggregated(pick=lambda mu, n, rng: slice(n)), "n may exceed N"),
        (
            lambda mu, logvar, n, rng: torch.normal(mu[:n], logvar[:n].exp().sqrt(), generator=rng),
            "n may exceed N",
        ),
        (
            aggregated(pick=lambda mu, n, rng: torch.randperm(len(mu), generator=rng)[:n]),
            "one may come up many times",
        ),
        (lambda mu, logvar, n, rng: RIGHT[5](mu, logvar, n, rng) / 0 * 0, "a nan"),
    ],
    6: [
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(min=lam), "sum over them"),
        (lambda kl_j, lam: kl_j.mean(dim=0).sum(), "the plain divergence"),
        (lambda kl_j, lam: kl_j.mean(dim=0).sum().clamp(min=lam), "compared with the whole sum"),
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(max=lam).sum(), "the minimum of the two"),
        (lambda kl_j, lam: kl_j.clamp(min=lam).mean(dim=0).sum(), "every single image"),
        (lambda kl_j, lam: kl_j.sum(dim=1).clamp(min=lam).mean(), "own lambda"),
        (lambda kl_j, lam: kl_j.sum(dim=1).clamp(min=6 * lam).mean(), "expected 3."),
        (lambda kl_j, lam: (kl_j.mean(dim=0) + lam).sum(), "it is a floor"),
        (lambda kl_j, lam: kl_j.mean(dim=0).max(), "the largest dimension"),
        (lambda kl_j, lam: sum(m for m in kl_j.mean(0) if m > lam), "counts lambda, not 0"),
        (lambda kl_j, lam: kl_j.mean(dim=0).clamp(min=lam).mean(), "a hidden weight"),
        (lambda kl_j, lam: kl_j.clamp(min=lam).sum(), "and summed over the batch"),
        (lambda kl_j, lam: kl_j.sum(dim=0).clamp(min=lam).sum(), "you summed over the batch"),
        (lambda kl_j, lam: (kl_j.mean(dim=0) - lam).clamp(min=0).sum(), "what exceeds lambda"),
        (lambda kl_j, lam: kl_j.mean(dim=1).clamp(min=lam).sum(), "over the images (dim=0)"),
        (lambda kl_j, lam: 7.0, "got 7.000"),
    ],
}


# --- exercise 7: a training loop, with parts exchanged -------------------------------------------------------


def loop(
    recon=lambda logits, x: 16 * cross_entropy(logits, x).sum(dim=1),
    kl=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1),
    scale=lambda logvar: (0.5 * logvar).exp(),
    parameters=lambda encoder, decoder: [*encoder.parameters(), *decoder.parameters()],
    reset=True,
    total=torch.mean,
    lr=3e-3,
    optimizer=None,
    turn=1,
    mean=1,
):
    method = optimizer or partial(torch.optim.Adam, lr=lr)

    def train(encoder, decoder, x, steps):
        optimizer, losses = method(parameters(encoder, decoder)), []
        for _ in range(steps):
            batch = x[torch.randint(len(x), (100,))]
            mu, logvar = encoder(batch).chunk(2, dim=1)[::turn]
            z = mean * mu + scale(logvar) * torch.randn_like(mu)
            loss = total(recon(decoder(z), batch) + kl(mu, logvar))
            if reset:
                optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            losses.append(loss.item())
        return losses

    return train


def in_epochs(encoder, decoder, x, steps):
    """Batches without replacement; draws and densities from torch.distributions."""
    optimizer = torch.optim.Adam(nn.ModuleList([encoder, decoder]).parameters(), lr=3e-3)
    losses, order = [], iter(())
    for _ in range(steps):
        batch = next(order, None)
        if batch is None:
            order = iter(torch.randperm(len(x)).split(100))
            batch = next(order)
        mu, logvar = encoder(x[batch]).chunk(2, dim=1)
        q = Independent(Normal(mu, (logvar / 2).exp()), 1)
        z = q.rsample()
        log_p = Binomial(16, logits=decoder(z)).log_prob(16 * x[batch]).sum(dim=(1, 2, 3))
        prior = Independent(Normal(torch.zeros_like(mu), torch.ones_like(mu)), 1)
        loss = (kl_divergence(q, prior) - log_p).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        losses.append(loss.detach())
    return torch.stack(losses)


def reports(change):
    """The right loop, with the reported losses changed."""
    return lambda encoder, decoder, x, steps: [
        change(loss) for loss in loop()(encoder, decoder, x, steps)
    ]


def from_another_place(train):
    """The same loop, later in the stream of random numbers."""

    def later(encoder, decoder, x, steps):
        torch.rand(5)
        return train(encoder, decoder, x, steps)

    return later


def half_forgotten(mu, logvar):
    return (mu**2 + logvar.exp() - 1 - logvar).sum(dim=1)


def reports_one(encoder, decoder, x, steps):
    return loop()(encoder, decoder, x, steps)[-1:]


RIGHT[7] = loop()
ALSO[7] = [in_epochs, from_another_place(loop()), from_another_place(in_epochs)]
WRONG[7] = [
    (loop(recon=lambda logits, x: cross_entropy(logits, x).mean(dim=1)), "counts too little"),
    (loop(recon=lambda logits, x: cross_entropy(logits, x).sum(dim=1)), "remember the 16"),
    (
        loop(kl=lambda mu, logvar: 0.5 * (mu**2 + logvar.exp() - 1 - logvar).mean(dim=1)),
        "over the latent dimensions",
    ),
    (loop(kl=lambda mu, logvar: 0), "Add it to the loss"),
    (loop(scale=lambda logvar: 0), "too good to be true"),
    (loop(scale=lambda logvar: logvar), "too good to be true"),
    (loop(scale=torch.exp), "Three faults do that"),
    (
        loop(recon=lambda logits, x: 8 * cross_entropy(logits, x).sum(dim=1)),
        "is its 16 there",
    ),
    (loop(turn=-1), "does mu come first"),
    (loop(scale=lambda logvar: 1, mean=0), "does not reach the decoder"),
    (loop(scale=lambda logvar: 1), "fed with mu + exp(logvar / 2) * eps"),
    (
        loop(kl=half_forgotten),
        "is its factor 1/2 there",
    ),
    (from_another_place(loop(kl=half_forgotten)), "is its factor 1/2 there"),
    (reports(lambda loss: -loss), "return recon + kl"),
    (reports(lambda loss: 0.0), "return recon + kl"),
    (loop(kl=lambda mu, logvar: gaussian_kl(mu, logvar) / 2), "it counts too little"),
    (loop(kl=lambda mu, logvar: 3 * gaussian_kl(mu, logvar)), "and its weight 1"),
    (loop(kl=lambda mu, logvar: 16 * gaussian_kl(mu, logvar)), "give the divergence the weight 1"),
    (loop(kl=lambda mu, logvar: -gaussian_kl(mu, logvar)), "added to the reconstruction, not sub"),
    (loop(reset=False), "gradients set to zero"),
    (loop(total=lambda each: -each.mean()), "the loss made smaller"),
    (loop(total=lambda each: -each.mean()), "worse than before training"),
    (loop(lr=1e-3), "Adam with 0.003"),
    (loop(lr=3e-4), "they are hardly trained"),
    (loop(lr=3e-5), "they are hardly trained"),
    (loop(optimizer=partial(torch.optim.SGD, lr=1e-5)), "they are hardly trained"),
    (loop(parameters=lambda encoder, decoder: decoder.parameters()), "encoder did not change"),
    (loop(parameters=lambda encoder, decoder: encoder.parameters()), "decoder did not change"),
    (loop(total=torch.sum), "take the mean over the images"),
    (loop(lr=0.0), "encoder did not change"),
    (reports_one, "the loss of each of the 150 steps"),
]


# in exercise 2 the way back of the gradient needs eps as it was
globals().update(checker_tests(ex03b, RIGHT, ALSO, WRONG, untouched=[2]))
