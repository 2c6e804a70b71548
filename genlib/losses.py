"""Losses as pure functions: tensors in, one number per example out, shape (B,).

Nothing here holds parameters or draws random numbers, so every line can be checked by hand.
Sums run over the pixels and over the latent dimensions; the caller takes the mean over the batch.
Every training step comes by here, so `@border` stands only where a number is among the arguments.
"""

import math

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.expect import (
    Positive,
    Size,
    border,
    expect,
    expect_batch,
    expect_floats,
    expect_levels,
    expect_like,
)


def squared_error(x_hat: Tensor, x: Tensor) -> Tensor:
    """|x_hat - x|^2, summed over the pixels of each example, shape (B,), in squared units of x.

    Args:
        x_hat, x: reconstruction and data, both (B, ...).

    Raises:
        ValueError: the shapes differ (torch would broadcast, and the sum would mean something else).
    """
    _expect_pair("x_hat", x_hat, x)
    return (x_hat - x).square().flatten(1).sum(dim=1)


def psnr(x_hat: Tensor, x: Tensor) -> Tensor:
    """Peak signal-to-noise ratio of each example in decibels, shape (B,); larger is better.

    -10 log10 of the mean squared error per pixel, for data in [0, 1] (so the peak is 1): 10 dB more is a tenth of
    the error. Infinite where the two agree.

    Args:
        x_hat, x: restored and clean data, both (B, ...).
    """
    return -10 * (squared_error(x_hat, x) / _numbers(x)).log10()


# --- negative log-likelihoods and the divergence of chapter 3, in nats ---------------------------------------


def bernoulli_nll(logits: Tensor, x: Tensor) -> Tensor:
    """-log prod_i Bernoulli(x_i; sigmoid(logits_i)) in nats, shape (B,): binary cross-entropy, summed over pixels.

    A likelihood for pixels that are 0 or 1. Grey values give a number too, but no probability belongs to it.

    Args:
        logits: log-odds of a pixel being 1, (B, ...).
        x: data in the same shape, values in [0, 1].
    """
    _expect_pair("logits", logits, x)
    return F.binary_cross_entropy_with_logits(logits, x, reduction="none").flatten(1).sum(dim=1)


@border
def binomial_nll(logits: Tensor, x: Tensor, trials: Size = 16) -> Tensor:
    """-log prod_i Binomial(k_i; trials, sigmoid(logits_i)), nats, shape (B,).

    It is for grey levels x = k / trials: `trials` times the binary
    cross-entropy, less the logarithm of the binomial coefficient (trials over
    k), a constant of the data that no gradient sees, and that makes it a
    likelihood.

    Args:
        logits: log-odds of one of the trials to be inked, (B, ...).
        x: data in the same shape, values k / trials with k = 0, ..., trials.
    """
    expect_batch("x", x)
    k, n = x * trials, torch.tensor(float(trials), device=x.device)
    # rounding, or no grey levels at all
    if not torch.equal(k, k.round().clamp_(0, trials)):
        expect_levels("x", x, trials + 1)
    log_ways = torch.lgamma(n + 1) - torch.lgamma(k + 1)
    log_choose = log_ways - torch.lgamma(n - k + 1)
    return trials * bernoulli_nll(logits, x) - log_choose.flatten(1).sum(dim=1)


@border
def gaussian_nll(x_hat: Tensor, x: Tensor, sd: Positive) -> Tensor:
    """-log N(x; x_hat, sd^2 I) in nats, shape (B,): the squared error over 2 sd^2, and a constant.

    Args:
        x_hat, x: mean and data, both (B, ...).
        sd: standard deviation of every coordinate, in units of x, above 0.
    """
    constant = _numbers(x) / 2 * math.log(2 * math.pi * sd**2)
    return squared_error(x_hat, x) / (2 * sd**2) + constant


def gaussian_kl(mu: Tensor, logvar: Tensor) -> Tensor:
    """KL(N(mu, diag(exp(logvar))) || N(0, I)) in nats, shape (B,).

    1/2 sum_j (mu_j^2 + sigma_j^2 - 1 - log sigma_j^2), summed over latent
    dimensions. Paper: Kingma & Welling 2014, appendix B.

    Args:
        mu, logvar: mean and log-variance, log sigma^2, of every latent
            dimension, both (B, Z).
    """
    expect_batch("mu", mu)
    expect_like("logvar", logvar, mu, "mu")
    return 0.5 * (mu.square() + logvar.exp() - 1 - logvar).sum(dim=1)


# --- the two players of chapter 4, in nats -------------------------------------------------------------------


def discriminator_loss(real_logits: Tensor, fake_logits: Tensor) -> Tensor:
    """-log D(x) - log(1 - D(G(z))) in nats, shape (B,).

    The cross-entropy of "real" for x plus that of "fake" for G(z): minus the
    value function V of the game, one pair an example; 2 log 2 for a D that
    always says 1/2. Paper: Goodfellow et al. 2014, equation 1. Written with
    softplus(t) = log(1 + exp(t)), so that no logarithm meets a probability
    that rounding made 0.

    Args:
        real_logits, fake_logits: log-odds of being real that D gives to data
            and to fakes, both (B,).
    """
    _expect_logits("real_logits", real_logits)
    expect_like("fake_logits", fake_logits, real_logits, "real_logits")
    return F.softplus(-real_logits) + F.softplus(fake_logits)


def generator_loss(fake_logits: Tensor) -> Tensor:
    """-log D(G(z)) in nats, shape (B,): the non-saturating loss.

    It is steep where D is sure that G(z) is fake.
    Paper: Goodfellow et al. 2014, section 3, last paragraph.

    Args:
        fake_logits: log-odds of being real that D gives to the fakes, (B,).
    """
    _expect_logits("fake_logits", fake_logits)
    return F.softplus(-fake_logits)


def saturating_generator_loss(fake_logits: Tensor) -> Tensor:
    """log(1 - D(G(z))) in nats, shape (B,): what the minimax game of equation 1 asks of G; flat where D is sure.

    Args:
        fake_logits: log-odds of being real that D gives to the fakes, (B,).
    """
    _expect_logits("fake_logits", fake_logits)
    return -F.softplus(fake_logits)


def gradient_penalty(logits: Tensor, x: Tensor) -> Tensor:
    """|d logit / d x|^2 of each example, shape (B,), with a graph behind it: times gamma / 2 and on data it is R1.

    Paper: Mescheder, Geiger & Nowozin 2018, equation 9.

    Args:
        logits: (B,), computed from x; example i may depend on x[i] alone.
        x: (B, ...), with requires_grad.
    """
    expect_batch("x", x)
    _expect_logits("logits", logits)
    expect("logits", logits, "B", B=len(x))
    slope = None
    if logits.requires_grad and x.requires_grad:
        (slope,) = torch.autograd.grad(logits.sum(), x, create_graph=True, allow_unused=True)
    if slope is None:
        raise ValueError(
            "logits: expected numbers computed from x, with x.requires_grad, got others"
        )
    return slope.square().flatten(1).sum(dim=1)


# --- what the functions above are given ----------------------------------------------------------------------


def _expect_pair(name: str, x_hat: Tensor, x: Tensor) -> None:
    """Check what a network says of x against x: torch would broadcast, and the sum would mean something else."""
    expect_batch("x", x)
    expect_like(name, x_hat, x, "x")


def _expect_logits(name: str, logits: Tensor) -> None:
    if not isinstance(logits, Tensor) or logits.dim() != 1 or not logits.is_floating_point():
        expect(name, logits, "B")
        expect_floats(name, logits)


def _numbers(x: Tensor) -> int:
    """How many numbers one example of x holds."""
    return math.prod(x.shape[1:])
