"""Building blocks that two chapters or more use: plain layers in a row, for points and for images."""

import math
from collections.abc import Sequence

from torch import nn


def mlp(
    sizes: Sequence[int],
    *,
    norm: bool = False,
    dropout: float = 0.0,
    activation: type[nn.Module] = nn.SiLU,
) -> nn.Sequential:
    """Linear layers of the given sizes with an activation after each but the last: (B, sizes[0]) to (B, sizes[-1]).

    Args:
        sizes: at least two; (2, 64, 2) is one hidden layer of 64 units.
        norm: batch normalisation before every activation: faster training, but one example depends on its batch.
        dropout: share of hidden units that are left out at random in every training step, in [0, 1).
        activation: the bend between two layers; SiLU is smooth, ReLU has a kink.
    """
    if len(sizes) < 2:
        raise ValueError(
            f"sizes: expected an input size and an output size at least, got {tuple(sizes)}"
        )
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(n_in, n_out)]
        layers += [nn.BatchNorm1d(n_out)] if norm else []
        layers += [activation()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


def image_encoder(
    shape: Sequence[int], width: int, out: int, *, norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Images (B, *shape) to `out` numbers each, (B, out), through two hidden layers of `width` units."""
    sizes = (math.prod(shape), width, width, out)
    return nn.Sequential(nn.Flatten(), *mlp(sizes, norm=norm, dropout=dropout))


def image_decoder(
    latent_dim: int,
    width: int,
    shape: Sequence[int],
    *,
    norm: bool = False,
    dropout: float = 0.0,
    activation: type[nn.Module] = nn.SiLU,
) -> nn.Sequential:
    """Codes (B, latent_dim) to logits (B, *shape) through two hidden layers: `image_encoder` in reverse."""
    sizes = (latent_dim, width, width, math.prod(shape))
    layers = mlp(sizes, norm=norm, dropout=dropout, activation=activation)
    return nn.Sequential(*layers, nn.Unflatten(1, tuple(shape)))
