"""Checkers of notebook 03a, an ELBO you can check."""

import math

import torch
from torch import Tensor

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_number,
    need_tensor,
    praise,
)
from genlib.losses import gaussian_kl
from genlib.vae import LinearGaussian


@exercise
def exercise_1(answer) -> str:
    """answer(): mu and logvar of a q whose ELBO is less than 0.01 nats below log p(x) of point B."""
    mu, logvar = (need_number(part) for part in _two(answer(), "return two things: mu and logvar."))
    logvar = min(max(logvar, -700.0), 700.0)  # beyond, the variance is 0 or infinite for a computer
    W, b = torch.tensor([[1.5], [0.8]]).double(), torch.tensor([0.5, -0.3]).double()
    line, x = LinearGaussian(W, b, 0.5), torch.tensor([[3.5, 1.3]]).double()
    posterior = line.posterior(x)
    m, v = posterior.mean.item(), posterior.variance.item()
    gap = line.gap(x, *(torch.tensor([[part]]).double() for part in (mu, logvar))).item()
    ratio = math.exp(logvar) / v
    by_mean, by_width = (mu - m) ** 2 / (2 * v), (ratio - 1 - math.log(ratio)) / 2
    if by_mean < 0.01 <= by_width:
        need(
            abs(logvar - v) > 0.02,
            "mu is right, and {logvar:.2f} is the variance; its logarithm is asked.",
            logvar=logvar,
        )
        need(
            abs(logvar - v**0.5) > 0.02,
            "mu is right, and {logvar:.2f} is the standard deviation; the logarithm of its square is asked.",
            logvar=logvar,
        )
        need(
            abs(logvar - math.log(v) / 2) > 0.02,
            "mu is right, and {logvar:.2f} is the logarithm of the standard deviation; log sigma^2 is twice that.",
            logvar=logvar,
        )
        need(
            abs(logvar + math.log(v)) > 0.02,
            "mu is right, and {logvar:.2f} is the logarithm of the precision; the variance is one over it.",
            logvar=logvar,
        )
    nearest = ((x - b) @ W / W.square().sum()).item()
    need(
        gap < 0.01 or abs(mu - nearest) > 0.005,
        "this mu is the code whose output is nearest to B. The prior pulls the posterior towards 0.",
    )
    need(
        gap < 0.01 or by_mean < by_width,
        "the gap is {gap:.3f} nats, most of it because mu is too large."
        if mu > m
        else "the gap is {gap:.3f} nats, most of it because mu is too small.",
        gap=gap,
    )
    need(
        gap < 0.01,
        "the gap is {gap:.3f} nats, most of it because q is too wide."
        if ratio > 1
        else "the gap is {gap:.3f} nats, most of it because q is too narrow.",
        gap=gap,
    )
    return praise("A gap of {gap:.4f} nats: your q is the posterior, as good as.", gap=gap)


@exercise
def exercise_2(answer) -> str:
    """answer(x, w, b, sd): mean and variance of p(z | x), both (B,), of a model with one code number."""
    rng = torch.Generator().manual_seed(0)
    x, w, b = (torch.randn(*shape, generator=rng).double() for shape in ((6, 3), (3,), (3,)))
    sd = 0.7
    mean, variance = (
        need_tensor(part)
        for part in _two(answer(x, w, b, sd), "return two things: mean and variance.")
    )
    variance = variance.expand(6) if variance.numel() == 1 else variance
    need(
        tuple(mean.shape) == (6,),
        "the mean has shape {shape}, expected (6,).",
        shape=tuple(mean.shape),
    )
    need(
        tuple(variance.shape) == (6,),
        "the variance has shape {shape}, expected (6,).",
        shape=tuple(variance.shape),
    )
    along, data = (x - b) @ w, w @ w / sd**2  # what the data bring to the precision
    M = 1 + data
    right = along / (sd**2 * M)
    need(
        not close(mean, along / (w @ w)),
        "this mean is the nearest code: the prior is missing. It adds 1 to the precision.",
    )
    need(not close(mean, x @ w / (sd**2 * M)), "subtract b from x before you look for the code.")
    need(
        not close(mean, along / M), "the mean lacks a division by sd**2: noisy data count for less."
    )
    need(
        not close(mean, along / (sd * M)),
        "you divided by sd; the Gaussian holds its square, the variance.",
    )
    need(
        not close(mean, along / sd**2),
        "this is what the data bring, w (x - b) / sd**2. Divide it by the precision M.",
    )
    need(
        not close(mean, along / (1 + w @ w)),
        "this is right for sd = 1 only; w w / sd**2 is what the data bring to the precision.",
    )
    need(close(mean, right), "the mean is not that of the posterior.")
    ones = torch.ones(6).double()
    need(not close(variance, M * ones), "the mean is right; this is the precision, one over it.")
    need(
        not close(variance, M**-0.5 * ones),
        "the mean is right; this is the standard deviation, return its square.",
    )
    need(
        not close(variance, -M.log() * ones),
        "the mean is right; this is the log-variance, return the variance itself.",
    )
    need(
        not close(variance, ones / data),
        "the mean is right, but this variance lacks the prior's 1 in its precision.",
    )
    need(close(variance, ones / M), "the mean is right, the variance is not.")
    return praise("Precisions add: 1 from the prior, the rest from the data.")


@exercise
def exercise_3(answer) -> str:
    """answer(mu, logvar, mu_p, logvar_p): KL of two diagonal Gaussians in nats, (B,), arguments (B, Z)."""
    rng = torch.Generator().manual_seed(0)
    mu, logvar, mu_p, logvar_p = torch.randn(4, 5, 3, generator=rng).double()
    found = need_tensor(answer(mu, logvar, mu_p, logvar_p))
    each = _kl(mu, logvar, mu_p, logvar_p)
    right = each.sum(dim=1)
    need(
        not (found.numel() == 1 and (close(found, right.mean()) or close(found, right.sum()))),
        "this is one number for the whole batch; return one per example.",
    )
    need(
        tuple(found.shape) != (5, 3),
        "one number per dimension; sum over the dimensions, dim=1.",
    )
    need(tuple(found.shape) == (5,), "expected shape (5,), got {found}.", found=tuple(found.shape))
    need(
        not close(found, each.mean(dim=1)),
        "you averaged over the dimensions. Divergences of independent dimensions add up.",
    )
    need(not close(found, -right), "the sign: a divergence is never negative.")
    need(not close(found, 2 * right), "the factor 1/2 is missing.")
    need(not close(found, right / math.log(2)), "these are bits; nats use log, not log2.")
    need(
        not close(found, _kl(mu_p, logvar_p, mu, logvar).sum(dim=1)),
        "you exchanged the two. The average is taken over the first, N(mu, sigma^2).",
    )
    need(
        not close(found, gaussian_kl(mu, logvar)),
        "this is the divergence from N(0, I): you left out mu_p and logvar_p.",
    )
    need(not close(found, right + 1.5), "the -1 is missing: two equal Gaussians must give 0.")
    need(
        not close(found, (each + logvar_p / 2 - logvar_p).sum(dim=1))
        and not close(found, (each - logvar_p / 2).sum(dim=1)),
        "the logarithms are wrong: it is log sigma_p^2 - log sigma^2.",
    )
    square = (mu - mu_p).square() / 2
    need(
        not close(found, (each - square / logvar_p.exp() + square).sum(dim=1)),
        "divide (mu - mu_p)^2 by the variance of the second Gaussian, too.",
    )
    need(
        not close(found, (each + (mu - mu_p).abs() / 2 / logvar_p.exp()).sum(dim=1))
        and not close(found, (each - (square - (mu - mu_p) / 2) / logvar_p.exp()).sum(dim=1)),
        "mu - mu_p has to be squared.",
    )
    need(
        not close(found, _kl(mu, 2 * logvar, mu_p, 2 * logvar_p).sum(dim=1)),
        "you took logvar for the logarithm of sigma; it is that of sigma^2.",
    )
    need(
        not close(found, _kl(mu, logvar / 2, mu_p, logvar_p / 2).sum(dim=1)),
        "exp(logvar / 2) is sigma; the formula has sigma^2.",
    )
    half = ((mu - mu_p).square() + (logvar / 2).exp()) / (logvar_p / 2).exp()
    need(
        not close(found, 0.5 * (half - 1 - logvar + logvar_p).sum(dim=1)),
        "exp(logvar / 2) is sigma; the formula has sigma^2.",
    )
    raw = ((mu - mu_p).square() + logvar) / logvar_p - 1 - logvar + logvar_p
    need(
        not close(found, 0.5 * raw.sum(dim=1)),
        "you used logvar as the variance; take exp(logvar).",
    )
    need(
        close(found, right),
        "expected {right}, got {found}.",
        right=_shown(right),
        found=_shown(found),
    )
    return praise("Zero for equal ones, and never the same the other way round.")


@exercise
def exercise_4(answer) -> str:
    """answer(log_w): log of the mean weight of each column of a table of log-weights (k, B)."""
    log_w = 3 * torch.randn(4, 6, generator=torch.Generator().manual_seed(0)).double()
    found = need_tensor(answer(log_w.clone()))
    right = log_w.logsumexp(dim=0) - math.log(4)
    need(
        not (found.numel() == 1 and (close(found, right.mean()) or close(found, right.sum()))),
        "this is one number for the whole batch; return one per example.",
    )
    need(
        tuple(found.shape) != (4,),
        "you averaged over the examples; a row is a draw, so average over dim=0.",
    )
    need(tuple(found.shape) == (6,), "expected shape (6,), got {found}.", found=tuple(found.shape))
    need(
        not close(found, log_w.mean(dim=0)),
        "this is the mean of the logarithms, an estimate of the ELBO. Average the weights, then take the logarithm.",
    )
    need(not close(found, log_w.sum(dim=0)), "this is the sum of the logarithms.")
    need(
        not close(found, log_w.logsumexp(dim=0)),
        "this is the logarithm of the sum of the weights. For their mean subtract log k.",
    )
    need(
        not close(found, log_w.logsumexp(dim=0) + math.log(4)),
        "log k has to be subtracted: a mean is a sum divided by k.",
    )
    need(
        not close(found, log_w.logsumexp(dim=0) - math.log(6)),
        "you subtracted the logarithm of the number of examples; k is the number of rows.",
    )
    need(
        not close(found, log_w.logsumexp(dim=0) - 4),
        "you subtracted k; in logarithms a division by k is - log k.",
    )
    need(
        not close(found, log_w.logsumexp(dim=0) / 4),
        "you divided the logarithm by k; divide the sum, before the logarithm.",
    )
    need(not close(found, right.exp()), "this is the mean weight; its logarithm is asked.")
    need(not close(found, log_w.amax(dim=0)), "this is the largest log-weight only.")
    need(not close(found, right / math.log(2)), "these are bits; nats use log, not log2.")
    need(not close(found, -right), "the sign: this is the negative of the bound.")
    need(
        close(found, right),
        "expected {right}, got {found}.",
        right=_shown(right),
        found=_shown(found),
    )
    for shift in (-2000.0, 2000.0):
        far = need_tensor(answer(log_w + shift))
        need(
            close(far, right + shift),
            "right for log-weights near 0. For log-weights near {shift:.0f} the exponential underflows, "
            "and you return {found:g}. Use logsumexp."
            if shift < 0
            else "right for log-weights near 0. For log-weights near {shift:.0f} the exponential overflows, "
            "and you return {found:g}. Use logsumexp.",
            shift=shift,
            found=far[0].item(),
        )
    return praise("The mean before the logarithm, and never out of the logarithms.")


@exercise
def exercise_5(answer) -> str:
    """answer(f, mu, logvar, eps): score-function estimates of d/dmu and d/dlogvar of E f(z), both (Z,)."""
    rng = torch.Generator().manual_seed(0)
    mu, logvar, eps = (
        torch.randn(*shape, generator=rng).double() for shape in ((3,), (3,), (500, 3))
    )

    def f(z: Tensor) -> Tensor:  # steps: no derivative would help
        return (z > 0).double() @ torch.tensor([2.0, -1.0, 0.5]).to(z) + 3

    result = _two(
        answer(f, mu.clone(), logvar.clone(), eps.clone()), "return two things: d_mu and d_logvar."
    )
    d_mu, d_logvar = (need_tensor(part) for part in result)
    for name, part in (("d_mu", d_mu), ("d_logvar", d_logvar)):
        need(
            tuple(part.shape) == (3,),
            "{name} has shape {shape}, expected (3,): one number per dimension, averaged over draws.",
            name=name,
            shape=tuple(part.shape),
        )
    sigma = (0.5 * logvar).exp()
    value = f(mu + sigma * eps)[:, None]

    def mean(weight: Tensor, value: Tensor = value) -> Tensor:
        return (value * weight).mean(dim=0)

    right, right_logvar = mean(eps / sigma), mean((eps.square() - 1) / 2)
    need(
        not (close(d_mu, 0 * mu) and close(d_logvar, 0 * mu)),
        "both are zero: f is flat wherever it has a derivative. Differentiate log q instead.",
    )
    need(not close(d_mu, 500 * right), "you summed over the draws; take their mean.")
    need(not close(d_mu, -right), "the sign of d_mu: the gradient points to where f is larger.")
    need(
        not close(d_mu, mean(eps / sigma, f(eps)[:, None])),
        "f was given eps; give it the codes z = mu + sigma * eps.",
    )
    wide = logvar.exp()
    need(
        not close(d_mu, mean(eps / wide, f(mu + wide * eps)[:, None])),
        "you took sigma = exp(logvar), which is the variance; sigma = exp(logvar / 2).",
    )
    need(
        not close(d_mu, mean(eps)),
        "d_mu: eps has to be divided by sigma, d log q / d mu = (z - mu) / sigma^2 = eps / sigma.",
    )
    need(
        not close(d_mu, mean(eps / wide)),
        "d_mu: z - mu is divided by sigma^2, but z - mu already is sigma * eps.",
    )
    need(not close(d_mu, mean(eps * sigma)), "d_mu: divide by sigma, not multiply.")
    centred = value - value.mean()
    need(
        not close(d_mu, mean(eps / sigma, centred))
        and not close(d_mu, mean(eps / sigma, centred * 500 / 499)),
        "you subtracted a baseline. A good idea, and here none is asked: the check compares draw by draw.",
    )
    need(
        close(d_mu, right),
        "d_mu: expected {right}, got {found}.",
        right=_shown(right),
        found=_shown(d_mu),
    )
    need(not close(d_logvar, 500 * right_logvar), "d_logvar is summed over the draws.")
    need(not close(d_logvar, -right_logvar), "d_mu is right; the sign of d_logvar is not.")
    need(
        not close(d_logvar, mean(eps.square() / 2)),
        "d_mu is right; d_logvar lacks the -1, which comes from the 1/sigma in front of the Gaussian.",
    )
    need(
        not close(d_logvar, 2 * right_logvar),
        "d_mu is right; d_logvar lacks the 1/2: it is twice too large.",
    )
    need(
        not close(d_logvar, mean((eps.square() - 1) / sigma)),
        "d_mu is right; this is the derivative with respect to sigma. For log sigma^2 multiply by sigma / 2.",
    )
    need(
        not close(d_logvar, mean((eps.square() - 1) / (2 * wide))),
        "d_mu is right; this is the derivative with respect to sigma^2. For its logarithm multiply by sigma^2.",
    )
    need(
        close(d_logvar, right_logvar),
        "d_mu is right; d_logvar: expected {right}, got {found}.",
        right=_shown(right_logvar),
        found=_shown(d_logvar),
    )
    return praise("f was only ever called, never differentiated.")


def _two(value, template: str, /) -> tuple:
    """The answer as a pair; stop the check with the message where it is none."""
    need_answer(value)
    pair = isinstance(value, tuple | list) or (isinstance(value, Tensor) and value.ndim > 0)
    need(pair and len(value) == 2, template)
    for part in value:
        need_answer(part)
    return tuple(value)


def _kl(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL of two Gaussians per dimension, nats, in the shape of the arguments."""
    ratio = ((mu - mu_p).square() + logvar.exp()) / logvar_p.exp()
    return 0.5 * (ratio - 1 - logvar + logvar_p)


def _shown(values: Tensor) -> str:
    """The first numbers of an answer, for a message."""
    first = [format(value, ".4f") for value in values[:3].tolist()]
    return ", ".join([*first, "..."])
