"""Chapter @NUMBER@: @TITLE@ (name the paper here; equation numbers below are the paper's).

What follows is the smallest model that has every part: one normal distribution for each number of x. Replace it.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genlib.expect import Count, batch_of, border, expect_data, expect_sizes
from genlib.rng import normal


@border
class @CLASS@(nn.Module):
    """x ~ N(mu, diag(sigma^2)), with log sigma^2 = logvar. Say what is modelled, and the range of x: any numbers.

    Args:
        shape: of one x.
    """

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        expect_sizes("shape", shape)
        self.mu = nn.Parameter(torch.zeros(*shape))
        self.logvar = nn.Parameter(torch.zeros(*shape))

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        """-log p(x) in nats, averaged over the batch: 1/2 sum_i (x_i - mu_i)^2 / sigma_i^2 + log 2 pi sigma_i^2.

        Args:
            x: data (B, *shape).
        """
        expect_data("x", x, batch_of(self.mu.shape), self.mu)
        each = (x - self.mu).square() / self.logvar.exp() + self.logvar + math.log(2 * math.pi)
        return {"loss": each.flatten(1).sum(dim=1).mean() / 2}

    @torch.no_grad()
    def sample(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n new x, shape (n, *shape)."""
        return self.mu + (self.logvar / 2).exp() * normal(self.mu, (n, *self.mu.shape), rng)
