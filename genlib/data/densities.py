"""2-D densities whose truth is known: `ring`, `grid`, `moons`, `spiral` (mixtures), and `checkerboard` (a uniform)."""

import math

import torch
from torch import Tensor

from genlib.expect import (
    Amount,
    Count,
    Positive,
    border,
    expect,
    expect_data,
    expect_device,
    expect_range,
)
from genlib.rng import integers, normal, uniform


@border
class Mixture:
    """K round Gaussians of equal weight in the plane: p(x) = 1/K sum_k N(x; mean_k, sd^2 I).

    Args:
        means: centres of the modes, shape (K, 2).
        sd: standard deviation of every mode, in units of x, above 0.
    """

    def __init__(self, means: Tensor, sd: Positive):
        expect_data("means", means, "K 2")
        self.means, self.sd = means, float(sd)

    def to(self, device: torch.device | str) -> "Mixture":
        """The same density with its means, and so its samples, on a device."""
        return Mixture(self.means.to(expect_device("device", device)), self.sd)

    @property
    def separated(self) -> bool:
        """Whether all modes lie more than 6 sd apart, so that modes can be counted; one mode alone does."""
        return bool((torch.pdist(self.means) > 6 * self.sd).all())

    def sample(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n points, shape (n, 2): pick a mode, add its noise."""
        k = integers(n, len(self.means), rng).to(self.means.device)
        return self.means[k] + self.sd * normal(self.means, (n, 2), rng)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, shape (n,), for points x of shape (n, 2)."""
        return self._log_joint(x).logsumexp(dim=1)

    def score(self, x: Tensor) -> Tensor:
        """The gradient of log p at x, shape (n, 2): each mode pulls with its posterior weight."""
        return (self.posterior(x) @ self.means.to(x) - x) / self.sd**2

    def posterior(self, x: Tensor) -> Tensor:
        """p(k | x), shape (n, K): how likely each mode is the one that a point x (n, 2) came from."""
        return self._log_joint(x).softmax(dim=1)

    def noised(self, scale: float, sigma: Amount) -> "Mixture":
        """The exact density of scale * x + sigma * eps, eps ~ N(0, I): again a mixture."""
        if scale == sigma == 0:
            raise ValueError("scale: expected a density with some width, got scale 0 and sigma 0")
        return Mixture(scale * self.means, math.hypot(scale * self.sd, sigma))

    def _log_joint(self, x: Tensor) -> Tensor:
        """log p(k, x), shape (n, K)."""
        _expect_points(x)
        squared = (x[:, None] - self.means.to(x)).square().sum(dim=2)  # (n, K)
        log_normal = -squared / (2 * self.sd**2) - math.log(2 * math.pi * self.sd**2)
        return log_normal - math.log(len(self.means))


@border
class Checkerboard:
    """The uniform density on the 8 dark unit squares of a 4 x 4 board over [-2, 2]^2: a density with edges."""

    corners = torch.tensor([(i, j) for i in range(-2, 2) for j in range(-2, 2) if (i + j) % 2 == 0])

    def to(self, device: torch.device | str) -> "Checkerboard":
        """The same density with its corners, and so its samples, on a device."""
        moved = Checkerboard()
        moved.corners = self.corners.to(expect_device("device", device))
        return moved

    def sample(self, n: Count, rng: torch.Generator | None = None) -> Tensor:
        """n points, shape (n, 2): pick a square, then a point in it."""
        square = integers(n, len(self.corners), rng).to(self.corners.device)
        return self.corners[square] + uniform(torch.empty(0, device=square.device), (n, 2), rng)

    def inside(self, x: Tensor) -> Tensor:
        """Whether each point of x (n, 2) lies on a dark square, bool, shape (n,)."""
        _expect_points(x)
        on_board = ((x >= -2) & (x < 2)).all(dim=1)
        return on_board & (x.floor().sum(dim=1) % 2 == 0)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, shape (n,): -log 8 inside, minus infinity outside."""
        inside = self.inside(x)
        return torch.full_like(x[:, 0], -math.log(len(self.corners))).masked_fill(
            ~inside, -math.inf
        )


def ring() -> Mixture:
    """8 Gaussians of sd 0.01 on the unit circle."""
    angle = torch.arange(8) * math.pi / 4
    return Mixture(torch.stack([angle.cos(), angle.sin()], dim=1), 0.01)


def grid() -> Mixture:
    """5 x 5 Gaussians of sd 0.05 at spacing 2."""
    line = torch.arange(-4.0, 5.0, 2.0)
    return Mixture(torch.cartesian_prod(line, line), 0.05)


def moons() -> Mixture:
    """Two interleaved half circles, each a thin mixture of 64 Gaussians of sd 0.06."""
    angle = torch.linspace(0, math.pi, 64)
    upper = torch.stack([angle.cos(), angle.sin()], dim=1)
    lower = torch.stack([1 - angle.cos(), 0.5 - angle.sin()], dim=1)
    return Mixture(torch.cat([upper, lower]) - torch.tensor([0.5, 0.25]), 0.06)


def spiral() -> Mixture:
    """One spiral arm of three quarters of a turn and more: a thin mixture of 160 Gaussians of sd 0.05."""
    angle = 3 * math.pi * torch.linspace(0.25, 1, 160).sqrt()  # the root spaces the means evenly
    return Mixture(angle[:, None] * torch.stack([angle.cos(), angle.sin()], dim=1) / 5, 0.05)


def checkerboard() -> Checkerboard:
    """The uniform density on the dark squares of a 4 x 4 board over [-2, 2]^2."""
    return Checkerboard()


def _expect_points(x: Tensor) -> None:
    expect("x", x, "n 2")
    expect_range("x", x)
