"""Building blocks that two chapters or more use: plain layers in a row, and networks that are told the time."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn


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


class Fourier(nn.Module):
    """x, and sin(w x) and cos(w x) for all frequencies w, (B, D) to (B, D (1 + 2 octaves)): a sense of fine detail.

    The waves are fainter the finer they are, by the root of the frequency: coarse detail is learned first.
    Paper: Tancik et al. 2020, with frequencies on the axes that double from one to the next.

    Args:
        octaves: number of frequencies.
        lowest: the lowest one, in radians per unit of x.
    """

    def __init__(self, octaves: int, lowest: float = 1.5):
        super().__init__()
        w = lowest * 2.0 ** torch.arange(octaves)
        self.register_buffer("w", w)
        self.register_buffer("size", (lowest / w).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        angle = (x[:, :, None] * self.w).flatten(1)  # (B, D octaves)
        size = self.size.repeat(x.shape[1])
        return torch.cat([x, size * angle.sin(), size * angle.cos()], dim=1)


# --- networks that are told the time -------------------------------------------------------------------------


class TimeEmbedding(nn.Module):
    """Times t (B,) as (B, width) sines and cosines, slow ones and fast ones, and a small network behind them.

    Paper: Vaswani et al. 2017, section 3.5, for the waves; Ho et al. 2020, appendix B, for their use here.
    """

    def __init__(self, width: int, waves: int = 32):
        super().__init__()
        self.register_buffer("w", 10_000 ** -(torch.arange(waves) / waves))
        self.net = mlp((2 * waves, width, width))

    def forward(self, t: Tensor) -> Tensor:
        angle = t[:, None] * self.w
        return self.net(torch.cat([angle.sin(), angle.cos()], dim=1))


class ResidualMLP(nn.Module):
    """Points x_t (B, D) and times t (B,) to (B, D): blocks that each add a correction, starting with none."""

    def __init__(
        self, D: int, *, width: int = 128, blocks: int = 3, features: nn.Module | None = None
    ):
        super().__init__()
        self.features = features or nn.Identity()
        seen = self.features(torch.zeros(1, D)).shape[1]
        self.first, self.time = nn.Linear(seen, width), TimeEmbedding(width)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), *mlp((width, width, width))) for _ in range(blocks)
        )
        self.last = nn.Linear(width, D)
        _silence(*(block[-1] for block in self.blocks), self.last)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        h = self.first(self.features(x_t)) + self.time(t)
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions (B, n_in, H, W) to (B, n_out, H, W) beside a shortcut; between them the time has its say.

    The embedding e (B, width) of the time scales and shifts every channel.
    """

    def __init__(self, n_in: int, n_out: int, width: int):
        super().__init__()
        self.norm_1, self.conv_1 = nn.GroupNorm(8, n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm_2, self.conv_2 = nn.GroupNorm(8, n_out), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.say = nn.Linear(width, 2 * n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        _silence(self.conv_2)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        scale, shift = self.say(e)[:, :, None, None].chunk(2, dim=1)
        h = self.conv_1(F.silu(self.norm_1(x)))
        h = self.conv_2(F.silu(self.norm_2(h) * (1 + scale) + shift))
        return self.shortcut(x) + h


class UNet(nn.Module):
    """Images x_t (B, *shape), times t (B,) and labels y (B,) to (B, *shape): down to half the size, and up again.

    On the way up the full-size features of the way down are handed over, so that no detail is lost.
    Paper: Ronneberger et al. 2015, in a small size; Ho et al. 2020, appendix B.

    Args:
        shape: (C, H, W); H and W are multiples of 2 patch.
        widths: channels at full and at half size, multiples of 8.
        patch: side of the squares of pixels that are taken as one pixel with more channels: 1 for none.
        classes: number of labels; 0 for a network without labels.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: tuple[int, int] = (32, 64),
        *,
        patch: int = 1,
        classes: int = 0,
    ):
        super().__init__()
        C, (wide, deep), width = shape[0] * patch**2, widths, 2 * widths[1]
        self.patch, self.time = patch, TimeEmbedding(width)
        self.label = nn.Embedding(classes, width) if classes else None
        self.first = nn.Conv2d(C, wide, 3, padding=1)
        self.down_1 = ResidualBlock(wide, wide, width)
        self.to_half = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.down_2, self.up_2 = (ResidualBlock(deep, deep, width) for _ in range(2))
        self.to_full = nn.Sequential(
            nn.Conv2d(deep, wide, 3, padding=1), nn.Upsample(scale_factor=2)
        )
        self.up_1 = ResidualBlock(2 * wide, wide, width)
        self.last = nn.Sequential(
            nn.GroupNorm(8, wide), nn.SiLU(), nn.Conv2d(wide, C, 3, padding=1)
        )
        _silence(self.last[-1])

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        e = self.time(t)
        if y is not None:
            e = e + self.label(y)
        e = F.silu(e)
        fine = self.down_1(self.first(F.pixel_unshuffle(x_t, self.patch)), e)
        coarse = self.up_2(self.down_2(self.to_half(fine), e), e)
        h = self.up_1(torch.cat([self.to_full(coarse), fine], dim=1), e)
        return F.pixel_shuffle(self.last(h), self.patch)


def _silence(*layers: nn.Module) -> None:
    """Set weights and biases to 0, so that training starts with a network that says nothing."""
    for layer in layers:
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)
