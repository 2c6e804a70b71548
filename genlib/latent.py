"""Chapter 6: what stands between an autoencoder and a diffusion model of its codes (Rombach et al. 2022).

Train a `VAE` with a little divergence; put its codes in units of their standard deviation (`Codes.of`); train a `DDPM`
on `codes.encode(x)`; draw, and `codes.decode` what was drawn.
"""

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

from genlib.expect import (
    batch_of,
    border,
    expect,
    expect_batch,
    expect_data,
    expect_positive,
    expect_sizes,
)
from genlib.vae import VAE


@border
class Codes(nn.Module):
    """The mean codes of a VAE in units of their standard deviation, as a diffusion model likes its data.

    Args:
        vae: its codes (B, Z) are taken as (B, *shape).
        mean, sd: of the codes, in a shape that meets `shape`: one of each number, or one for each channel.
        shape: of one code, as (Z,), or (C, H, W) with C H W = Z.
    """

    def __init__(self, vae: VAE, mean: Tensor, sd: Tensor, shape: Sequence[int]):
        super().__init__()
        _expect_shape(vae, shape)
        expect_data("mean", mean, "...")
        expect_data("sd", sd, "...", mean)
        expect_positive("sd", sd.min().item())
        self.vae, self.shape = vae, tuple(shape)
        self.register_buffer("mean", mean)
        self.register_buffer("sd", sd)

    @classmethod
    def of(cls, vae: VAE, x: Tensor, shape: Sequence[int] | None = None) -> "Codes":
        """The codes of a trained VAE, measured on data x (n, ...): each number, or on maps each channel, by itself.

        Args:
            shape: of one code; (Z,) if left out.
        """
        shape = (vae.latent_dim,) if shape is None else tuple(shape)
        _expect_shape(vae, shape)
        z = _means(vae, x).unflatten(1, shape)
        over = [0] if len(shape) == 1 else [0, *range(2, z.dim())]
        mean, sd = (f(z, dim=over, keepdim=True)[0] for f in (torch.mean, torch.std))
        return cls(vae, mean, sd, shape)

    def encode(self, x: Tensor) -> Tensor:
        """The codes of x, (B, *shape): about mean 0 and standard deviation 1."""
        expect_batch("x", x)
        return (_means(self.vae, x).unflatten(1, self.shape) - self.mean) / self.sd

    @torch.no_grad()
    def decode(self, z: Tensor) -> Tensor:
        """The means of p(x | z) for codes z (B, *shape)."""
        expect("z", z, batch_of(self.shape))
        z = (self.mean + self.sd * z).flatten(1)
        return torch.cat([self.vae.decode(part) for part in z.split(1000)])


@torch.no_grad()
def _means(vae: VAE, x: Tensor) -> Tensor:
    """The means of q(z | x), (n, Z); some at once, to bound the memory."""
    return torch.cat([vae.encode(part)[0] for part in x.split(1000)])


def _expect_shape(vae: VAE, shape: Sequence[int]) -> None:
    """Check that a shape holds as many numbers as a code."""
    expect_sizes("shape", shape)
    if math.prod(shape) != vae.latent_dim:
        raise ValueError(
            f"shape: expected {vae.latent_dim} numbers, those of the codes, got {tuple(shape)}"
        )
