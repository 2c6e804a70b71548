"""Exact answers to what a network of chapter 5 can only learn: the best denoiser of a mixture of Gaussians."""

import math

import torch
from torch import Tensor, nn

from genlib.data import Mixture
from genlib.ddpm import alpha_bar_of
from genlib.expect import border


@border
class PerfectDenoiser(nn.Module):
    """eps*(x_t, t) = E[eps | x_t] for data from a mixture of Gaussians: a `net` for `DDPM` that nobody had to train.

    By Tweedie's formula it is -sqrt(1 - alpha_bar_t) times the score of q(x_t), which is again a mixture.

    Args:
        mixture: the distribution of x_0.
        beta: the schedule, (T + 1,).
    """

    def __init__(self, mixture: Mixture, beta: Tensor):
        super().__init__()
        self.mixture = mixture
        self.register_buffer("alpha_bar", alpha_bar_of(beta))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        eps_hat = torch.empty_like(x_t)
        for time in t.unique():
            alpha_bar = self.alpha_bar[time].item()
            noise = math.sqrt(1 - alpha_bar)  # the deviation of all the noise in x_t
            noised = self.mixture.noised(math.sqrt(alpha_bar), noise)
            eps_hat[t == time] = -noise * noised.score(x_t[t == time])
        return eps_hat
