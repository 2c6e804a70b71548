"""Building blocks that two chapters or more use: plain layers in a row, and networks that are told the time."""

import math
from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from genlib.expect import (
    Count,
    Positive,
    Size,
    batch_of,
    border,
    expect,
    expect_number,
    expect_sizes,
    expect_whole,
    through,
)


@border
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
    expect_sizes("sizes", sizes)
    if len(sizes) < 2:
        raise ValueError(
            f"sizes: expected an input size and an output size at least, got {tuple(sizes)}"
        )
    expect_number("dropout", dropout, 0, 1, open_high=True)
    layers: list[nn.Module] = []
    for n_in, n_out in zip(sizes[:-2], sizes[1:-1], strict=True):
        layers += [nn.Linear(n_in, n_out)]
        layers += [nn.BatchNorm1d(n_out)] if norm else []
        layers += [activation()]
        layers += [nn.Dropout(dropout)] if dropout else []
    return nn.Sequential(*layers, nn.Linear(sizes[-2], sizes[-1]))


@border
class Flatten(nn.Module):
    """Images (B, *shape) as rows (B, pixels): `nn.Flatten` that does not take images of another shape for its own."""

    def __init__(self, shape: Sequence[int]):
        super().__init__()
        expect_sizes("shape", shape)
        self.shape = tuple(shape)
        self.pattern = batch_of(shape)

    def forward(self, x: Tensor) -> Tensor:
        expect("x", x, self.pattern)
        return x.flatten(1)


@border
def image_encoder(
    shape: Sequence[int], width: Size, out: Size, *, norm: bool = False, dropout: float = 0.0
) -> nn.Sequential:
    """Images (B, *shape) to `out` numbers each, (B, out), through two hidden layers of `width` units."""
    expect_sizes("shape", shape)
    sizes = (math.prod(shape), width, width, out)
    return nn.Sequential(Flatten(shape), *mlp(sizes, norm=norm, dropout=dropout))


@border
def image_decoder(
    latent_dim: Size,
    width: Size,
    shape: Sequence[int],
    *,
    norm: bool = False,
    dropout: float = 0.0,
    activation: type[nn.Module] = nn.SiLU,
) -> nn.Sequential:
    """Codes (B, latent_dim) to logits (B, *shape) through two hidden layers: `image_encoder` in reverse."""
    expect_sizes("shape", shape)
    sizes = (latent_dim, width, width, math.prod(shape))
    layers = mlp(sizes, norm=norm, dropout=dropout, activation=activation)
    return nn.Sequential(*layers, nn.Unflatten(1, tuple(shape)))


@border
class Fourier(nn.Module):
    """x, and sin(w x) and cos(w x) for all frequencies w, (B, D) to (B, D (1 + 2 octaves)): a sense of fine detail.

    The waves are fainter the finer they are, by the root of the frequency: coarse detail is learned first.
    Paper: Tancik et al. 2020, with frequencies on the axes that double from one to the next.

    Args:
        octaves: number of frequencies.
        lowest: the lowest one, in radians per unit of x.
    """

    def __init__(self, octaves: Count, lowest: Positive = 1.5):
        super().__init__()
        w = lowest * 2.0 ** torch.arange(octaves)
        self.register_buffer("w", w)
        self.register_buffer("size", (lowest / w).sqrt())

    def forward(self, x: Tensor) -> Tensor:
        expect("x", x, "B D")
        angle = (x[:, :, None] * self.w).flatten(1)  # (B, D octaves)
        size = self.size.repeat(x.shape[1])
        return torch.cat([x, size * angle.sin(), size * angle.cos()], dim=1)


# --- networks that are told the time -------------------------------------------------------------------------


@border
class TimeEmbedding(nn.Module):
    """Times t (B,) as (B, width) sines and cosines, slow ones and fast ones, and a small network behind them.

    Paper: Vaswani et al. 2017, section 3.5, for the waves; Ho et al. 2020, appendix B, for their use here.
    """

    def __init__(self, width: Size, waves: Size = 32):
        super().__init__()
        self.register_buffer("w", 10_000 ** -(torch.arange(waves) / waves))
        self.net = mlp((2 * waves, width, width))

    def forward(self, t: Tensor) -> Tensor:
        angle = t[:, None] * self.w
        return self.net(torch.cat([angle.sin(), angle.cos()], dim=1))


@border
class Condition(nn.Module):
    """What a network is told beside x_t and t, as numbers (B, width): a label, or words, whose embeddings add up.

    Args:
        classes: number of labels, for y (B,) from 0 to classes - 1.
        words: size of a vocabulary, for y (B, L) from 1 to words, and 0 where there is no word. The order is lost.
    """

    def __init__(self, width: Size, classes: Count = 0, words: Count = 0):
        super().__init__()
        if classes and words:
            raise ValueError(f"words: expected 0 beside {classes} classes, got {words}")
        self.classes, self.words = classes, words
        self.label = nn.Embedding(classes, width) if classes else None
        self.word = nn.Embedding(words + 1, width, padding_idx=0) if words else None

    def forward(self, y: Tensor | None, B: int) -> Tensor | float:
        """The numbers of B conditions, once they are known to be there; 0 for a network that takes none."""
        wanted = f"labels for a network with {self.classes} classes" if self.classes else "words"
        if y is None and (self.classes or self.words):
            raise ValueError(
                f"y: expected {wanted}, got none; to sample, bind them: guidance.Given(net, y)"
            )
        if self.classes:
            expect_whole("y", y, 0, self.classes - 1, B=B)
            return self.label(y)
        if self.words:
            expect("y", y, "B L", B=B)
            expect_whole("y", y.flatten(), 0, self.words)
            return self.word(y).sum(dim=1)
        if y is not None:
            raise ValueError("y: expected no labels, since the network has no classes, got some")
        return 0.0


@border
class ResidualMLP(nn.Module):
    """Points x_t (B, D), times t (B,) and conditions y to (B, D): blocks that each add a correction, zero at the start.

    Args:
        features: of x_t, (B, D) to (B, F), in its place.
        classes, words: of the `Condition`; 0 for a network without.
    """

    def __init__(
        self,
        D: Size,
        *,
        width: Size = 128,
        blocks: Count = 3,
        features: nn.Module | None = None,
        classes: Count = 0,
        words: Count = 0,
    ):
        super().__init__()
        self.D = D
        self.features = features or nn.Identity()
        seen = through(self.features, "features", torch.zeros(1, D)).shape[1]
        self.first, self.time = nn.Linear(seen, width), TimeEmbedding(width)
        self.condition = Condition(width, classes, words)
        self.blocks = nn.ModuleList(
            nn.Sequential(nn.LayerNorm(width), *mlp((width, width, width))) for _ in range(blocks)
        )
        self.last = nn.Linear(width, D)
        zero_init(*(block[-1] for block in self.blocks), self.last)

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        expect("x_t", x_t, "B D", D=self.D)
        h = self.first(self.features(x_t)) + self.time(t) + self.condition(y, len(x_t))
        for block in self.blocks:
            h = h + block(h)
        return self.last(h)


@border
class ResidualBlock(nn.Module):
    """Two 3 x 3 convolutions (B, n_in, H, W) to (B, n_out, H, W) beside a shortcut; zero-initialised.

    Between them the embedding e (B, width) of the time scales and shifts every channel (FiLM: Perez et al. 2018).
    """

    def __init__(self, n_in: int, n_out: int, width: Size):
        super().__init__()
        _expect_groups("n_in", n_in)
        _expect_groups("n_out", n_out)
        self.norm_1, self.conv_1 = nn.GroupNorm(8, n_in), nn.Conv2d(n_in, n_out, 3, padding=1)
        self.norm_2, self.conv_2 = nn.GroupNorm(8, n_out), nn.Conv2d(n_out, n_out, 3, padding=1)
        self.scale_shift = nn.Linear(width, 2 * n_out)
        self.shortcut = nn.Conv2d(n_in, n_out, 1) if n_in != n_out else nn.Identity()
        zero_init(self.conv_2)

    def forward(self, x: Tensor, e: Tensor) -> Tensor:
        scale, shift = self.scale_shift(e)[:, :, None, None].chunk(2, dim=1)
        h = self.conv_1(F.silu(self.norm_1(x)))
        h = self.conv_2(F.silu(self.norm_2(h) * (1 + scale) + shift))
        return self.shortcut(x) + h


@border
class UNet(nn.Module):
    """Images x_t (B, *shape), times t (B,) and conditions y to (B, *shape): down to half the size, and up again.

    On the way up the full-size features of the way down are handed over, so that no detail is lost.
    Paper: Ronneberger et al. 2015, in a small size; Ho et al. 2020, appendix B.

    Args:
        shape: (C, H, W); H and W are multiples of 2 patch.
        widths: channels at full and at half size, multiples of 8.
        patch: side of the squares of pixels that are taken as one pixel with more channels: 1 for none.
        classes, words: of the `Condition`; 0 for a network without.
    """

    def __init__(
        self,
        shape: Sequence[int],
        widths: Sequence[int] = (32, 64),
        *,
        patch: Size = 1,
        classes: Count = 0,
        words: Count = 0,
    ):
        super().__init__()
        self.shape, self.patch = tuple(shape), patch
        self.pattern = batch_of(shape)
        _expect_halves(self.shape, widths, patch)
        C, (wide, deep), width = shape[0] * patch**2, widths, 2 * widths[1]
        self.time, self.condition = TimeEmbedding(width), Condition(width, classes, words)
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
        zero_init(self.last[-1])

    def forward(self, x_t: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        expect("x_t", x_t, self.pattern)
        e = F.silu(self.time(t) + self.condition(y, len(x_t)))
        fine = self.down_1(self.first(F.pixel_unshuffle(x_t, self.patch)), e)
        coarse = self.up_2(self.down_2(self.to_half(fine), e), e)
        h = self.up_1(torch.cat([self.to_full(coarse), fine], dim=1), e)
        return F.pixel_shuffle(self.last(h), self.patch)


@border
class UNetTrunk(nn.Module):
    """The way down of a `UNet` with one linear layer behind it: images x_t (B, *shape) and times t (B,) to (B, out).

    Paper: Dhariwal & Nichol 2021, section 4.1, whose classifier of noisy images is such a trunk.

    Args:
        shape, widths, patch: as in `UNet`.
        out: numbers for each image, as the logits of a classifier.
    """

    def __init__(
        self, shape: Sequence[int], out: Size, widths: Sequence[int] = (32, 64), *, patch: Size = 1
    ):
        super().__init__()
        self.patch, self.pattern = patch, batch_of(shape)
        _expect_halves(tuple(shape), widths, patch)
        C, (wide, deep), width = shape[0] * patch**2, widths, 2 * widths[1]
        pixels = math.prod(shape[1:]) // (2 * patch) ** 2
        self.time = TimeEmbedding(width)
        self.first = nn.Conv2d(C, wide, 3, padding=1)
        self.down_1 = ResidualBlock(wide, wide, width)
        self.to_half = nn.Conv2d(wide, deep, 3, stride=2, padding=1)
        self.down_2 = ResidualBlock(deep, deep, width)
        self.last = nn.Sequential(
            nn.GroupNorm(8, deep), nn.SiLU(), nn.Flatten(), nn.Linear(deep * pixels, out)
        )

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        expect("x_t", x_t, self.pattern)
        e = F.silu(self.time(t))
        fine = self.down_1(self.first(F.pixel_unshuffle(x_t, self.patch)), e)
        return self.last(self.down_2(self.to_half(fine), e))


@border
def zero_init(*layers: nn.Module) -> None:
    """Set weights and biases to 0, so that training starts with a network that puts out nothing."""
    for layer in layers:
        if not all(isinstance(getattr(layer, part, None), Tensor) for part in ("weight", "bias")):
            raise ValueError(f"layers: expected layers with weight and bias, got {layer}")
        nn.init.zeros_(layer.weight)
        nn.init.zeros_(layer.bias)


def _expect_halves(shape: tuple[int, ...], widths: Sequence[int], patch: int) -> None:
    """Check, before anything is built, that images can be halved and their channels be normed in groups."""
    expect_sizes("shape", shape)
    if len(shape) != 3 or any(n % (2 * patch) for n in shape[1:]):
        raise ValueError(
            f"shape: expected (C, H, W) with H and W multiples of {2 * patch}, got {shape}"
        )
    if len(widths) != 2:
        raise ValueError(f"widths: expected two, at full and at half size, got {tuple(widths)}")
    for width in widths:
        _expect_groups("widths", width)


def _expect_groups(name: str, channels: int) -> None:
    """Check that channels can be normalised in 8 groups."""
    if channels < 8 or channels % 8:
        raise ValueError(f"{name}: expected multiples of 8, got {channels}")


@border
class InBfloat16(nn.Module):
    """A network whose matrices are multiplied in bfloat16 where the device can; weights and results stay float32.

    One autocast for each pass: around a whole training it would keep its first copies of the weights.
    """

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, x: Tensor, *others: Tensor) -> Tensor:
        with torch.autocast(x.device.type, torch.bfloat16, enabled=has_bfloat16(x.device)):
            return self.net(x, *others).float()


@border
def has_bfloat16(device: torch.device) -> bool:
    """Whether a device multiplies in bfloat16: every CPU, if slowly; of graphics cards the newer ones."""
    if device.type == "cuda":
        return torch.cuda.is_bf16_supported(including_emulation=False)
    return device.type == "cpu"
