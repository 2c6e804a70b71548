"""Image sets with a declared split and range, and maps between ways to write a pixel.

Sets: `digits` (embedded in scikit-learn), `mnist`, `fashion_mnist`, `captioned_shapes` (drawn by code); `data.folder`
makes one of a folder of pictures.
"""

import functools
from dataclasses import dataclass, replace

import torch
from torch import Tensor

from genlib.data.download import FILES, read
from genlib.data.shapes import held_out, shapes
from genlib.expect import Levels, border, expect_device, expect_levels, expect_one_of, expect_range
from genlib.rng import uniform

# --- sets ----------------------------------------------------------------------------------------------------


@border
@dataclass(frozen=True)
class ImageSet:
    """Labelled images in three parts: train to fit, val for every choice, test once at the end.

    x: float32 (N, C, H, W) in [0, 1], with `levels` evenly spaced grey levels; y: int64 (N,), classes from 0 on, or
    (N, L), the tokens of captions. `classes` are the names of the classes where they have some.
    """

    name: str
    x_train: Tensor
    y_train: Tensor
    x_val: Tensor
    y_val: Tensor
    x_test: Tensor
    y_test: Tensor
    levels: int = 256
    classes: tuple[str, ...] = ()

    def to(self, device: torch.device | str) -> "ImageSet":
        """The same set with all its tensors on a device."""
        device = expect_device("device", device)
        parts = {f"{a}_{part}" for a in "xy" for part in ("train", "val", "test")}
        return replace(self, **{name: getattr(self, name).to(device) for name in parts})

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.x_train.shape[1:]))
        parts = f"{len(self.x_train):,} train, {len(self.x_val):,} val, {len(self.x_test):,} test"
        classes = f"; {len(self.classes)} classes" if len(self.classes) > 1 else ""
        return f"{self.name}: {parts}; images {size}, {self.levels} levels in [0, 1]{classes}"


def digits() -> ImageSet:
    """scikit-learn's 1,797 handwritten digits, 8 x 8, values k/16: 1,000 train, 297 validation, 500 test."""
    raw = _raw_digits()
    order = torch.randperm(len(raw.images), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(raw.images, dtype=torch.float32)[order, None] / 16
    y = torch.tensor(raw.target)[order].long()
    parts = zip(x.split([1000, 297, 500]), y.split([1000, 297, 500]), strict=True)
    return ImageSet("digits", *(t for part in parts for t in part), levels=17)


@functools.cache
def _raw_digits():
    """scikit-learn's digits as it keeps them; reading its file once is enough."""
    from sklearn.datasets import load_digits  # here: it takes a second to import

    return load_digits()


def mnist() -> ImageSet:
    """MNIST, 28 x 28: 55,000 train, 5,000 validation (the last of the training file), 10,000 test.

    Read from the folder that the environment variable GENLIB_DATA names, else downloaded once.
    """
    return _idx_set("mnist")


def fashion_mnist() -> ImageSet:
    """Fashion-MNIST, 28 x 28, split like MNIST; read from GENLIB_DATA, else downloaded once."""
    return _idx_set("fashion-mnist")


def captioned_shapes() -> ImageSet:
    """Drawn shapes, 16 x 16 in colour, with captions: 20,000 train and 1,000 validation, 24 pairs of colour and shape.

    The 1,000 test pictures are of the other 8 pairs, `held_out(8)`, which a model of this set never sees.
    """
    return _drawn("shapes", 16)


def captioned_shapes_32() -> ImageSet:
    """The same at 32 x 32."""
    return _drawn("shapes_32", 32)


def _drawn(name: str, size: int) -> ImageSet:
    seen, unseen = held_out(8)
    parts = [(20_000, seen), (1000, seen), (1000, unseen)]
    drawn = [shapes(n, size, seed, pairs) for seed, (n, pairs) in enumerate(parts)]
    return ImageSet(name, *(part for d in drawn for part in (d.x, d.tokens)))


@border
def image_set(name: str) -> ImageSet:
    """The image set called "digits", "mnist", "fashion_mnist", "shapes" or "shapes_32".

    Raises:
        ValueError: there is no image set of that name.
    """
    sets = {"digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist}
    sets |= {"shapes": captioned_shapes, "shapes_32": captioned_shapes_32}
    expect_one_of("name", name, list(sets))
    return sets[name]()


def _idx_set(name: str) -> ImageSet:
    """Read the four files of a set and split off the validation images."""
    x, y, x_test, y_test = (read(name, file) for file in FILES)
    x, x_test = (pixels[:, None].float() / 255 for pixels in (x, x_test))
    y, y_test = y.long(), y_test.long()
    name = name.replace("-", "_")  # as `image_set` knows it
    return ImageSet(name, x[:-N_VAL], y[:-N_VAL], x[-N_VAL:], y[-N_VAL:], x_test, y_test)


N_VAL = 5000


# --- ways to write a pixel -----------------------------------------------------------------------------------


@border
def dequantise(
    x: Tensor,
    rng: torch.Generator | None = None,
    levels: Levels = 17,
) -> Tensor:
    """Spread each grey level evenly over its own cell: (k + u) / levels.

    u is uniform in [0, 1). A density needs this: on data that take few values
    its likelihood has no upper bound.
    Paper: Theis, van den Oord & Bethge 2016, section 3.1.

    Args:
        x: images in [0, 1] with values k / (levels - 1).
    """
    expect_levels("x", x, levels)
    return ((levels - 1) * x + uniform(x, x.shape, rng)) / levels


@border
def quantise(x: Tensor, levels: Levels = 17) -> Tensor:
    """Undo `dequantise`: the grey level, in [0, 1], of the cell that each value lies in."""
    expect_range("x", x)
    return (levels * x).floor().clamp(0, levels - 1) / (levels - 1)


@border
def binarise(x: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Pixels that are 0 or 1: each is 1 with its grey value as probability, in the shape of x.

    Done anew for every batch this is the dynamic binarisation of Burda, Grosse & Salakhutdinov 2016.

    Args:
        x: grey values in [0, 1].
    """
    expect_range("x", x, 0, 1)
    return (uniform(x, x.shape, rng) < x).to(x)


@border
def signed(x: Tensor) -> Tensor:
    """Pixels in [0, 1] as numbers in [-1, 1], 2 x - 1: data round 0, as diffusion wants them. `unsigned` undoes it."""
    expect_range("x", x, 0, 1)
    return 2 * x - 1


@border
def unsigned(x: Tensor) -> Tensor:
    """Numbers in [-1, 1] as pixels in [0, 1]; what lies beyond stays beyond."""
    expect_range("x", x)
    return (x + 1) / 2
