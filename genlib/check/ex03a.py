"""Checkers of notebook 03a, an ELBO you can check."""

import math

import torch
from torch import Tensor

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
from genlib.losses import gaussian_kl
from genlib.vae import LinearGaussian


@exercise
def exercise_1(answer) -> str:
    """answer(): mu and logvar of a q whose ELBO is less than 0.01 nats below log p(x) of point B."""
    pair = need_two(answer(), "return two things: mu and logvar.")
    mu, logvar = map(need_number, pair)
    need(math.isfinite(mu) and not math.isnan(logvar), "mu and logvar have to be finite numbers.")
    logvar = min(max(logvar, -700.0), 700.0)  # beyond, the variance is 0 or infinite for a computer
    W, b = torch.tensor([[1.5], [0.8]]).double(), torch.tensor([0.5, -0.3]).double()
    line, x = LinearGaussian(W, b, 0.5), torch.tensor([[3.5, 1.3]]).double()
    posterior = line.posterior(x)
    m, v = posterior.mean.item(), posterior.variance.item()

    def gap_of(mu: float, logvar: float) -> float:
        logvar = min(max(logvar, -700.0), 700.0)  # in the swapped trial, too
        return line.gap(x, *(torch.tensor([[part]]).double() for part in (mu, logvar))).item()

    gap = gap_of(mu, logvar)
    need(
        gap < 0.01 or gap_of(logvar, mu) > 0.01, "the two are swapped: mu comes first, then logvar."
    )
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
        "the gap is {gap:.4g} nats, most of it because mu is too large."
        if mu > m
        else "the gap is {gap:.4g} nats, most of it because mu is too small.",
        gap=gap,
    )
    need(
        gap < 0.01,
        "the gap is {gap:.4g} nats, most of it because q is too wide."
        if ratio > 1
        else "the gap is {gap:.4g} nats, most of it because q is too narrow.",
        gap=gap,
    )
    return praise("A gap of {gap:.4f} nats: your q is the posterior, as good as.", gap=gap)


@exercise
def exercise_2(answer) -> str:
    """answer(x, w, b, sd): mean and variance of p(z | x), both (B,), of a model with one code number."""
    rng = torch.Generator().manual_seed(0)
    for B, D, sd in ((6, 3, 0.7), (4, 5, 1.6), (2, 1, 0.05)):
        x, w, b = (torch.randn(*shape, generator=rng).double() for shape in ((B, D), (D,), (D,)))
        result = need_two(answer(x, w, b, sd), "return two things: mean and variance.")
        mean, variance = map(need_tensor, result)
        variance = variance.reshape(1).expand(B) if variance.numel() == 1 else variance
        for part in (mean, variance):
            need(
                tuple(part.shape) == (B,),
                "the mean has shape {found}, expected {shape}."
                if part is mean
                else "the variance has shape {found}, expected {shape}.",
                found=tuple(part.shape),
                shape=(B,),
            )
        along, square = (x - b) @ w, w @ w
        data = square / sd**2  # what the data bring to the precision
        M = 1 + data
        wrong = {
            "this mean is the nearest code: the prior is missing. It adds 1 to the precision.": along
            / square,
            "subtract b from x before you look for the code.": x @ w / (sd**2 * M),
            "the mean lacks a division by sd**2: noisy data count for less.": along / M,
            "you divided by sd; the Gaussian holds its square, the variance.": along / (sd * M),
            "sd stands in the mean without its square: what counts is the variance of the noise, sd**2.": (
                along / (sd * (1 + square / sd))
            ),
            "sd stands in the precision without its square: it is 1 + w w / sd**2.": (
                along / (sd**2 * (1 + square / sd))
            ),
            "this is what the data bring, w (x - b) / sd**2. Divide it by the precision M.": along
            / sd**2,
            "this is right for sd = 1 only; w w / sd**2 is what the data bring to the precision.": (
                along / (1 + square)
            ),
            "the sign of the mean: the code grows with w (x - b).": -along / (sd**2 * M),
            "divide by the precision, do not multiply by it.": along * M / sd**2,
        }
        right = along / (sd**2 * M)
        need_none_of(mean, wrong, right)
        need(close(mean, right), "the mean is not that of the posterior.")
        ones = torch.ones(B).double()
        wrong = {
            "the mean is right; this is the precision, one over it.": M * ones,
            "the mean is right; this is the standard deviation, return its square.": M**-0.5 * ones,
            "the mean is right; this is the log-variance, return the variance itself.": -M.log()
            * ones,
            "the mean is right, but this variance lacks the prior's 1 in its precision.": ones
            / data,
            "the mean is right; in the variance sd stands without its square.": ones
            / (1 + square / sd),
            "the mean is right; the variance of the code is not that of the noise, sd**2.": sd**2
            * ones,
        }
        need_none_of(variance, wrong, ones / M)
        need(close(variance, ones / M), "the mean is right, the variance is not.")
    return praise("Precisions add: 1 from the prior, the rest from the data.")


@exercise
def exercise_3(answer) -> str:
    """answer(mu, logvar, mu_p, logvar_p): KL of two diagonal Gaussians in nats, (B,), arguments (B, Z)."""
    rng = torch.Generator().manual_seed(0)
    for B, Z, prior in ((5, 3, 1.0), (2, 4, 1.0), (3, 6, 0.0)):  # the last against N(0, I)
        mu, logvar, mu_p, logvar_p = torch.randn(4, B, Z, generator=rng).double()
        mu_p, logvar_p = prior * mu_p, prior * logvar_p
        found = need_tensor(answer(mu, logvar, mu_p, logvar_p))
        each = _kl(mu, logvar, mu_p, logvar_p)
        right = each.sum(dim=1)
        need(
            not (found.numel() == 1 and (_same(found, right.mean()) or _same(found, right.sum()))),
            "this is one number for the whole batch; return one per example.",
        )
        need(
            tuple(found.shape) != (B, Z),
            "one number per dimension; sum over the dimensions, dim=1.",
        )
        need(
            tuple(found.shape) != (Z,),
            "one number per dimension, over all examples; the other way round: sum over the dimensions, dim=1.",
        )
        found = need_tensor(found, (B,))
        square, ratio = (mu - mu_p).square(), logvar.exp() / logvar_p.exp()
        logs = logvar_p - logvar

        def half(terms: Tensor) -> Tensor:
            return 0.5 * terms.sum(dim=1)

        sd_ratio = (square + (logvar / 2).exp()) / (logvar_p / 2).exp()
        wrong = {
            "you averaged over the dimensions. Divergences of independent dimensions add up.": (
                each.mean(dim=1)
            ),
            "the sign: a divergence is never negative.": -right,
            "the factor 1/2 is missing.": 2 * right,
            "these are bits; nats use log, not log2.": right / math.log(2),
            "you exchanged the two. The average is taken over the first, N(mu, sigma^2).": (
                _kl(mu_p, logvar_p, mu, logvar).sum(dim=1)
            ),
            "this is the divergence from N(0, I): you left out mu_p and logvar_p.": gaussian_kl(
                mu, logvar
            ),
            "the -1 is missing: two equal Gaussians must give 0.": right + Z / 2,
            "the 1 is added; two equal Gaussians must give 0, so subtract it.": right + Z,
            "the signs of both logarithms are turned: it is log sigma_p^2 - log sigma^2.": half(
                square / logvar_p.exp() + ratio - 1 - logs
            ),
            "one logarithm has the wrong sign: it is log sigma_p^2 - log sigma^2.": half(
                square / logvar_p.exp() + ratio - 1 - logvar - logvar_p
            ),
            "the logarithms are wrong: log sigma_p^2 is missing.": half(
                square / logvar_p.exp() + ratio - 1 - logvar
            ),
            "the logarithms are wrong: log sigma^2 is missing.": half(
                square / logvar_p.exp() + ratio - 1 + logvar_p
            ),
            "the logarithms are wrong: one of them is taken half, and both are logarithms of variances.": half(
                square / logvar_p.exp() + ratio - 1 - logvar + logvar_p / 2
            ),
            "logvar_p does not occur: the variance of the second Gaussian divides, and its logarithm is added.": half(
                square + logvar.exp() - 1 - logvar
            ),
            "mu_p does not occur: what counts is how far the two means are apart, mu - mu_p.": half(
                mu.square() / logvar_p.exp() + ratio - 1 + logs
            ),
            "you divided everything by the variance of the second Gaussian. Only (mu - mu_p)^2 + sigma^2 is divided, "
            "not the logarithms and the 1.": half(
                (square + logvar.exp() - 1 + logs) / logvar_p.exp()
            ),
            "you divided everything by the variance of the second Gaussian, and log sigma_p^2 is missing. Only "
            "(mu - mu_p)^2 + sigma^2 is divided.": half(
                (square + logvar.exp() - 1 - logvar) / logvar_p.exp()
            ),
            "you divided the -1, too; only (mu - mu_p)^2 + sigma^2 is divided by the second variance.": half(
                (square + logvar.exp() - 1) / logvar_p.exp() + logs
            ),
            "the logarithms are missing: log sigma_p^2 - log sigma^2.": half(
                square / logvar_p.exp() + ratio - 1
            ),
            "divide (mu - mu_p)^2 by the variance of the second Gaussian, too.": half(
                square + ratio - 1 + logs
            ),
            "divide sigma^2 by the variance of the second Gaussian, too.": half(
                square / logvar_p.exp() + logvar.exp() - 1 + logs
            ),
            "divide by the variance of the second Gaussian.": half(
                square + logvar.exp() - 1 + logs
            ),
            "divide by the variance of the second Gaussian, not of the first.": half(
                (square + logvar_p.exp()) / logvar.exp() - 1 + logs
            ),
            "mu - mu_p has to be squared.": half(
                ((mu - mu_p) + logvar.exp()) / logvar_p.exp() - 1 + logs
            ),
            "mu - mu_p has to be squared; this is its absolute value.": half(
                ((mu - mu_p).abs() + logvar.exp()) / logvar_p.exp() - 1 + logs
            ),
            "the square of mu - mu_p is that of the difference, not the difference of squares.": half(
                (mu.square() - mu_p.square() + logvar.exp()) / logvar_p.exp() - 1 + logs
            ),
            "you took logvar for the logarithm of sigma; it is that of sigma^2.": (
                _kl(mu, 2 * logvar, mu_p, 2 * logvar_p).sum(dim=1)
            ),
            "exp(logvar / 2) is sigma; the formula has sigma^2.": (
                _kl(mu, logvar / 2, mu_p, logvar_p / 2).sum(dim=1)
            ),
            "exp(logvar / 2) is sigma; both divisions take sigma^2.": half(sd_ratio - 1 + logs),
            "you used logvar as the variance; take exp(logvar).": half(
                (square + logvar) / logvar_p - 1 + logs
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right}, got {found}.",
            right=_shown(right),
            found=_shown(found),
        )
    return praise(
        "Zero for equal ones; with different widths in general not the same the other way round."
    )


@exercise
def exercise_4(answer) -> str:
    """answer(log_w): log of the mean weight of each column of a table of log-weights (k, B)."""
    rng = torch.Generator().manual_seed(0)
    for k, B in ((4, 6), (7, 3), (1, 2)):
        log_w = 3 * torch.randn(k, B, generator=rng).double()
        found = need_tensor(answer(log_w))
        total = log_w.logsumexp(dim=0)
        right = total - math.log(k)
        need(
            not (found.numel() == 1 and (_same(found, right.mean()) or _same(found, right.sum()))),
            "this is one number for the whole batch; return one per example.",
        )
        need(
            tuple(found.shape) != (1, B),
            "expected shape {shape}, got {found}: no keepdim.",
            shape=(B,),
            found=(1, B),
        )
        need(
            k == B or tuple(found.shape) != (k,) or k == 1,
            "you averaged over the examples; a row is a draw, so average over dim=0.",
        )
        found = need_tensor(found, (B,))
        wrong = {
            "this is the mean of the logarithms, an estimate of the ELBO. Average the weights, then take the "
            "logarithm.": log_w.mean(dim=0),
            "this is the sum of the logarithms.": log_w.sum(dim=0),
            "this is the logarithm of the sum of the weights. For their mean subtract log k.": total,
            "log k has to be subtracted: a mean is a sum divided by k.": total + math.log(k),
            "you subtracted the logarithm of the number of examples; k is the number of rows.": (
                total - math.log(B)
            ),
            "you subtracted the logarithm of the number of all weights; k is the number of rows.": (
                total - math.log(k * B)
            ),
            "you subtracted k; in logarithms a division by k is - log k.": total - k,
            "you divided the logarithm by k; divide the sum, before the logarithm.": total / k,
            "you divided the logarithm by log k; subtract it.": total / math.log(max(k, 2)),
            "this is the mean weight; its logarithm is asked.": right.exp(),
            "this is the sum of the weights; the logarithm of their mean is asked.": total.exp(),
            "this is the largest log-weight only.": log_w.amax(dim=0),
            "these are bits; nats use log, not log2.": right / math.log(2),
            "the sign: this is the negative of the bound.": -right,
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected {right}, got {found}.",
            right=_shown(right),
            found=_shown(found),
        )
        for shift in (-2000.0, 2000.0):
            far = need_tensor(answer(log_w + shift), (B,))
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
    for n, Z in ((500, 3), (300, 2)):
        mu, logvar, eps = (
            torch.randn(*shape, generator=rng).double() for shape in ((Z,), (Z,), (n, Z))
        )
        sigma, wide = (0.5 * logvar).exp(), logvar.exp()

        def f(
            z,
        ) -> Tensor:  # steps: their derivative is 0 wherever there is one, and autograd says so
            z = torch.as_tensor(z)
            return (
                (z > 0).double() @ torch.tensor([2.0, -1.0, 0.5])[: z.shape[-1]].double()
                + 3
                + 0 * z.sum(-1)
            )

        result = need_two(answer(f, mu, logvar, eps), "return two things: d_mu and d_logvar.")
        d_mu, d_logvar = map(need_tensor, result)
        for part in (d_mu, d_logvar):
            need(
                tuple(part.shape) == (Z,),
                "d_mu has shape {found}, expected {shape}: one number per dimension, averaged over draws."
                if part is d_mu
                else "d_logvar has shape {found}, expected {shape}: one number per dimension, averaged over draws.",
                found=tuple(part.shape),
                shape=(Z,),
            )
        value = f(mu + sigma * eps)[:, None]

        def mean(weight: Tensor, value: Tensor = value) -> Tensor:
            return (value * weight).mean(dim=0)

        right, right_logvar = mean(eps / sigma), mean((eps.square() - 1) / 2)
        need(
            not (_same(d_mu, 0 * mu) and _same(d_logvar, 0 * mu)),
            "both are zero: f is flat wherever it has a derivative. Differentiate log q instead.",
        )
        need(
            not (_same(d_mu, right_logvar) and _same(d_logvar, right)),
            "the two are swapped: d_mu comes first.",
        )
        centred = value - value.mean()
        baseline = "you subtracted a baseline. A good idea, and here none is asked: the check compares draw by draw."
        wrong = {
            "you summed over the draws; take their mean.": n * right,
            "the sign of d_mu: the gradient points to where f is larger.": -right,
            "f was given eps; give it the codes z = mu + sigma * eps.": (
                mean(eps / sigma, f(eps)[:, None])
            ),
            "you took sigma = exp(logvar), which is the variance; sigma = exp(logvar / 2).": (
                mean(eps / wide, f(mu + wide * eps)[:, None])
            ),
            "d_mu: eps has to be divided by sigma, d log q / d mu = (z - mu) / sigma^2 = eps / sigma.": (
                mean(eps)
            ),
            "d_mu: z - mu is divided by sigma^2, but z - mu already is sigma * eps.": mean(
                eps / wide
            ),
            "d_mu: divide by sigma, not multiply.": mean(eps * sigma),
            "d_mu: the weight is (z - mu) / sigma^2; you left out mu.": (
                mean((mu + sigma * eps) / wide)
            ),
            "d_mu: each draw's f belongs to its own eps; multiply before the mean is taken.": (
                value.mean() * (eps / sigma).mean(dim=0)
            ),
            "d_mu: f is missing; this is the mean slope of log q.": (eps / sigma).mean(dim=0),
        }
        need_none_of(d_mu, wrong, right)
        need(
            not close(d_mu, mean(eps / sigma, centred))
            and not close(d_mu, mean(eps / sigma, centred * n / (n - 1))),
            baseline,
        )
        need(
            close(d_mu, right),
            "d_mu: expected {right}, got {found}.",
            right=_shown(right),
            found=_shown(d_mu),
        )
        wrong = {
            "d_logvar is summed over the draws.": n * right_logvar,
            "d_mu is right; the sign of d_logvar is not.": -right_logvar,
            "d_mu is right; d_logvar lacks the -1, which comes from the 1/sigma in front of the Gaussian.": (
                mean(eps.square() / 2)
            ),
            "d_mu is right; d_logvar lacks the 1/2: it is twice too large.": 2 * right_logvar,
            "d_mu is right; this is the derivative with respect to sigma. For log sigma^2 multiply by sigma / 2.": (
                mean((eps.square() - 1) / sigma)
            ),
            "d_mu is right; this is the derivative with respect to sigma^2. For its logarithm multiply by sigma^2.": (
                mean((eps.square() - 1) / (2 * wide))
            ),
        }
        need_none_of(d_logvar, wrong, right_logvar)
        need(
            not close(d_logvar, mean((eps.square() - 1) / 2, centred)),
            "d_mu is right; from d_logvar you subtracted a baseline, and here none is asked.",
        )
        need(
            close(d_logvar, right_logvar),
            "d_mu is right; d_logvar: expected {right}, got {found}.",
            right=_shown(right_logvar),
            found=_shown(d_logvar),
        )
    return praise("f was only ever called, never differentiated.")


def _same(a: Tensor, b: Tensor) -> bool:
    """The same numbers, in whatever shape."""
    return a.numel() == b.numel() and close(a.reshape(-1), b.reshape(-1))


def _kl(mu: Tensor, logvar: Tensor, mu_p: Tensor, logvar_p: Tensor) -> Tensor:
    """KL of two Gaussians per dimension, nats, in the shape of the arguments."""
    ratio = ((mu - mu_p).square() + logvar.exp()) / logvar_p.exp()
    return 0.5 * (ratio - 1 - logvar + logvar_p)


def _shown(values: Tensor) -> str:
    """The first numbers of an answer, for a message."""
    first = [format(value, ".4f") for value in values[:3].tolist()]
    return ", ".join([*first, "..."])
