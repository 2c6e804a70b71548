"""Exact answers to what a network can only learn: the best denoiser of a mixture of Gaussians, and its classifier."""

import math

import torch
from torch import Tensor, nn

from genlib.data import Mixture
from genlib.ddpm import alpha_bar_of
from genlib.expect import border, expect_whole


@border
class PerfectDenoiser(nn.Module):
    """eps*(x_t, t) = E[eps | x_t] for data from a mixture of Gaussians: a `net` for `DDPM` that nobody had to train.

    By Tweedie's formula it is -sqrt(1 - alpha_bar_t) times the score of q(x_t), which is again a mixture.

    Args:
        mixture: the distribution of x_0.
        beta: the schedule, (T + 1,).
        labels: the class of every mode, (K,), from 0 on. The network then also takes classes y (B,), for
            E[eps | x_t, y], and one more, `null`, for any class.
    """

    def __init__(self, mixture: Mixture, beta: Tensor, labels: Tensor | None = None):
        super().__init__()
        self.classes = [mixture] if labels is None else [*_classes(mixture, labels), mixture]
        self.register_buffer("alpha_bar", alpha_bar_of(beta))
        null = torch.tensor([len(self.classes) - 1], device=beta.device)
        self.register_buffer("null", null, persistent=False)

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        y = self.null.expand(len(x_t)) if y is None else y
        expect_whole("y", y, 0, len(self.classes) - 1, B=len(x_t))
        eps_hat = torch.empty_like(x_t)
        for time, label in torch.stack([t, y], dim=1).unique(dim=0):
            rows = (t == time) & (y == label)
            noised, noise = _noised(self.classes[label], self.alpha_bar[time])
            eps_hat[rows] = -noise * noised.score(x_t[rows])
        return eps_hat


@border
class PerfectClassifier(nn.Module):
    """log p(x_t, y) of every class y of a mixture of Gaussians, (B, classes): logits of the exact p(y | x_t).

    Args:
        mixture, beta, labels: as in `PerfectDenoiser`.
    """

    def __init__(self, mixture: Mixture, beta: Tensor, labels: Tensor):
        super().__init__()
        self.classes = _classes(mixture, labels)
        self.register_buffer("alpha_bar", alpha_bar_of(beta))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        logits = x_t.new_empty(len(x_t), len(self.classes))
        K = sum(len(mixture.means) for mixture in self.classes)
        for time in t.unique():
            rows = t == time
            for y, mixture in enumerate(self.classes):
                noised, _ = _noised(mixture, self.alpha_bar[time])
                logits[rows, y] = noised.log_prob(x_t[rows]) + math.log(len(mixture.means) / K)
        return logits


@border
class PerfectVelocity(nn.Module):
    """u*(x_t, t) = E[eps - x_0 | x_t] for data from a mixture of Gaussians: a `net` for `FlowMatching`.

    Of a path from mode k, x_t and eps - x_0 are jointly Gaussian; their mean given x_t is linear in x_t. The modes are
    weighed by p(k | x_t).

    Args:
        mixture: the distribution of x_0.
    """

    def __init__(self, mixture: Mixture):
        super().__init__()
        self.mixture = mixture

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        u = torch.empty_like(x_t)
        for time in t.unique():
            rows, t_ = t == time, time.item() / 1000
            u[rows] = self._at(x_t[rows], t_)
        return u

    def _at(self, x_t: Tensor, t: float) -> Tensor:
        noised, variance = self.mixture.noised(1 - t, t), self.mixture.sd**2
        # of the modes x_t may come from
        mean = noised.posterior(x_t) @ self.mixture.means.to(x_t)
        covariance = t - (1 - t) * variance  # of eps - x_0 and x_t, within a mode
        gain = covariance / noised.sd**2
        return gain * (x_t - (1 - t) * mean) - mean


def _classes(mixture: Mixture, labels: Tensor) -> list[Mixture]:
    """The mixture of the modes of each class."""
    K = len(mixture.means)
    expect_whole("labels", labels, 0, K - 1, K=K)
    if len(labels.unique()) != labels.max() + 1:
        raise ValueError(f"labels: expected every class from 0 to {labels.max()}, got {labels}")
    return [Mixture(mixture.means[labels == y], mixture.sd) for y in range(labels.max() + 1)]


def _noised(mixture: Mixture, alpha_bar: Tensor) -> tuple[Mixture, float]:
    """The distribution of x_t, and the deviation of all the noise in it."""
    noise = math.sqrt(1 - alpha_bar.item())
    return mixture.noised(math.sqrt(alpha_bar.item()), noise), noise
