"""What the models of chapter 5 say of -log p(x): the bound of a `DDPM` for data with levels, the density of a flow.

The bound's equation numbers are those of Ho et al. 2020. A model under a condition is
`model.replace(net=Given(model.net, y))`.
"""

from itertools import pairwise

import torch
from torch import Tensor

from genlib.ddpm import DDPM
from genlib.expect import (
    Levels,
    Size,
    border,
    expect,
    expect_batch,
    expect_floats,
    expect_input,
    expect_levels,
    expect_like,
    expect_positive,
)
from genlib.flow import FlowMatching
from genlib.losses import gaussian_nll, squared_error
from genlib.rng import normal


@border
def bound(
    model: DDPM,
    x_0: Tensor,
    draws: Size = 1,
    levels: Levels = 17,
    rng: torch.Generator | None = None,
) -> Tensor:
    """An estimate of the bound on -log P(x_0) in nats, (B,): L_T, and T times the term of a random time.

    Eq. 5 of the paper. The first few times cost most and come up seldom: for a mean that is right to a nat, sum
    `bound_term` over these times.

    Args:
        x_0: data (B, ...) on `levels` evenly spaced levels from -1 to 1.
        draws: times and noises per example, spread evenly over 1..T.
    """
    expect_input("x_0", x_0, model)
    expect_levels("x_0", x_0, levels, low=-1)
    B = len(x_0)
    t = torch.stack([model.times(draws, rng) for _ in range(B)], dim=1).to(x_0.device)  # (draws, B)
    eps = normal(x_0, (draws, *x_0.shape), rng)
    terms = [bound_term(model, x_0, t[i], eps[i], levels) for i in range(draws)]
    return prior_kl(model, x_0) + model.T * torch.stack(terms).mean(dim=0)


@border
@torch.no_grad()
def bound_term(model: DDPM, x_0: Tensor, t: Tensor, eps: Tensor, levels: Levels = 17) -> Tensor:
    """The term of the bound that belongs to time t in nats, (B,), at x_t = q_sample(x_0, t, eps).

    For t > 1 the divergence of the two reverse steps, KL(q(x_{t-1} | x_t, x_0) || p(x_{t-1} | x_t)); for t = 1
    minus the log-probability of the levels under a normal distribution with variance beta_1. Paper: eqs. 8, 13.
    """
    expect_input("x_0", x_0, model)
    x_t = model.q_sample(x_0, t, eps)
    _, eps_hat = model.predict(x_t, t)
    beta, alpha_bar = model.beta[t], model.alpha_bar[t]
    last = t == 1
    true = model.q_variance(t)
    ratio = torch.where(last, 1.0, true / torch.where(last, beta, model.p_variance(t)))
    error = squared_error(eps_hat, eps) * beta**2 / ((1 - beta) * (1 - alpha_bar))  # of the means
    D = x_0[0].numel()
    kl = 0.5 * (D * (ratio - 1 - ratio.log()) + ratio * error / true.clamp(min=1e-30))
    first_beta = model.beta[1]
    mean = (x_t - first_beta.sqrt() * eps_hat) / (1 - first_beta).sqrt()
    return torch.where(last, level_nll(mean, x_0, first_beta.sqrt(), levels), kl)


@border
def prior_kl(model: DDPM, x_0: Tensor) -> Tensor:
    """L_T = KL(q(x_T | x_0) || N(0, I)) in nats, (B,): what is left of x_0 when the noising ends."""
    expect_input("x_0", x_0, model)
    kept = model.alpha_bar[-1]
    squared = (kept * x_0.square()).flatten(1).sum(dim=1)
    return 0.5 * (squared - x_0[0].numel() * (kept + torch.log1p(-kept)))


@border
def level_nll(mean: Tensor, x_0: Tensor, sd: Tensor, levels: Levels) -> Tensor:
    """-log P(x_0) in nats, (B,), for N(mean, sd^2) rounded to `levels` even levels from -1 to 1: eq. 13 of the paper.

    The lowest and the highest level take what lies beyond them.

    Args:
        mean, x_0: both (B, ...).
        sd: above 0, one for all, ().
    """
    expect_batch("x_0", x_0)
    expect_like("mean", mean, x_0, "x_0")
    expect("sd", sd, "")
    expect_floats("sd", sd)
    expect_positive("sd", sd.item())
    half = 1 / (levels - 1)
    low = torch.where(x_0 < -1 + half, -torch.inf, (x_0 - half - mean) / sd)
    high = torch.where(x_0 > 1 - half, torch.inf, (x_0 + half - mean) / sd)
    swap = (
        low + high > 0
    )  # P(low < u < high) = P(-high < u < -low): the tail where numbers are small, not near 1
    low, high = torch.where(swap, -high, low), torch.where(swap, -low, high)
    upper = torch.special.log_ndtr(high)
    log_p = upper + torch.log1p(-(torch.special.log_ndtr(low) - upper).exp())
    return -log_p.flatten(1).sum(dim=1)


# --- the density of straight paths -------------------------------------------------------------------------------


@border
@torch.no_grad()
def flow_log_prob(model: FlowMatching, x_0: Tensor, steps: Size = 30) -> Tensor:
    """log p(x_0) in nats, (B,): that of the noise it flows to, and how much space is squeezed on the way.

    log p(x_0) = log N(x_1; 0, I) + integral over t from 0 to 1 of div u(x_t, t), along dx/dt = u (Chen et al. 2018,
    equation 8). Both are taken by Heun's rule, in steps that are finer near the data, where the velocity changes most.
    The divergence is exact: a derivative for each of the D numbers.

    Args:
        x_0: data (B, ...) of a density: dequantised, if it has levels.
        steps: of Heun's rule; the error falls with their square.
    """
    expect_input("x_0", x_0, model)
    x, log_p = x_0, x_0.new_zeros(len(x_0))
    for t, s in pairwise(((torch.arange(steps + 1) / steps) ** 2).to(x_0)):
        u, div = _divergence(model, x, t)
        u_s, div_s = _divergence(model, x + (s - t) * u, s)
        x = x + (s - t) * (u + u_s) / 2
        log_p += (s - t) * (div + div_s) / 2
    return log_p - gaussian_nll(torch.zeros_like(x), x, 1.0)


def _divergence(model: FlowMatching, x: Tensor, t: Tensor) -> tuple[Tensor, Tensor]:
    """The velocity at x (B, ...) and time t, and the sum of its D derivatives du_i / dx_i, (B,)."""
    with torch.enable_grad():
        x = x.detach().requires_grad_()
        u = model.velocity(x, t.expand(len(x)))
        rows = [torch.autograd.grad(u_i.sum(), x, retain_graph=True)[0] for u_i in u.flatten(1).T]
    div = sum(row.flatten(1)[:, i] for i, row in enumerate(rows))
    return u.detach(), div
