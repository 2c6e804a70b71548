"""Data as tensors: 2-D densities whose truth is known, and image sets with a declared split and range.

Densities: `ring`, `grid`, `moons`, `spiral`, `checkerboard`. Images: `digits` (embedded), `mnist`, `fashion_mnist`.
"""

import functools
import gzip
import hashlib
import math
import os
import zlib
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pooch
import torch
from sklearn.datasets import load_digits
from sklearn.utils import Bunch
from torch import Tensor

from genlib.shapes import expect, expect_range

# --- 2-D densities -----------------------------------------------------------------------------------------


class Mixture:
    """K round Gaussians of equal weight in the plane: p(x) = 1/K sum_k N(x; mean_k, sd^2 I).

    Args:
        means: centres of the modes, shape (K, 2).
        sd: standard deviation of every mode, in units of x, above 0.
    """

    def __init__(self, means: Tensor, sd: float):
        expect("means", means, "K 2")
        if not sd > 0:
            raise ValueError(f"sd: expected a number above 0, got {sd}")
        self.means, self.sd = means, float(sd)

    @property
    def separated(self) -> bool:
        """Whether any two modes lie more than 6 sd apart, so that modes can be counted."""
        return torch.pdist(self.means).min().item() > 6 * self.sd

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n points, shape (n, 2): pick a mode, add its noise."""
        device = rng.device if rng else "cpu"
        k = torch.randint(len(self.means), (n,), generator=rng, device=device).to(self.means.device)
        eps = torch.randn(n, 2, generator=rng, device=device).to(self.means.device)
        return self.means[k] + self.sd * eps

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, shape (n,), for points x of shape (n, 2)."""
        return self._log_joint(x).logsumexp(dim=1)

    def score(self, x: Tensor) -> Tensor:
        """The gradient of log p at x, shape (n, 2): each mode pulls with its posterior weight."""
        weight = self._log_joint(x).softmax(dim=1)  # (n, K), p(k | x)
        return (weight @ self.means.to(x) - x) / self.sd**2

    def noised(self, scale: float, sigma: float) -> "Mixture":
        """The exact density of scale * x + sigma * eps, eps ~ N(0, I): again a mixture."""
        return Mixture(scale * self.means, math.hypot(scale * self.sd, sigma))

    def _log_joint(self, x: Tensor) -> Tensor:
        """log p(k, x), shape (n, K)."""
        expect("x", x, "n 2")
        squared = (x[:, None] - self.means.to(x)).square().sum(dim=2)  # (n, K)
        log_normal = -squared / (2 * self.sd**2) - math.log(2 * math.pi * self.sd**2)
        return log_normal - math.log(len(self.means))


class Checkerboard:
    """The uniform density on the 8 dark unit squares of a 4 x 4 board over [-2, 2]^2: a density with edges."""

    corners = torch.tensor([(i, j) for i in range(-2, 2) for j in range(-2, 2) if (i + j) % 2 == 0])

    def sample(self, n: int, rng: torch.Generator | None = None) -> Tensor:
        """n points, shape (n, 2): pick a square, then a point in it."""
        device = rng.device if rng else "cpu"
        square = torch.randint(len(self.corners), (n,), generator=rng, device=device).cpu()
        return self.corners[square] + torch.rand(n, 2, generator=rng, device=device).cpu()

    def inside(self, x: Tensor) -> Tensor:
        """Whether each point of x (n, 2) lies on a dark square, bool, shape (n,)."""
        expect("x", x, "n 2")
        on_board = ((x >= -2) & (x < 2)).all(dim=1)
        return on_board & (x.floor().sum(dim=1) % 2 == 0)

    def log_prob(self, x: Tensor) -> Tensor:
        """log p(x) in nats, shape (n,): -log 8 inside, minus infinity outside."""
        log_p = torch.full((len(x),), -math.log(len(self.corners))).to(x)
        return log_p.masked_fill(~self.inside(x), -math.inf)


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


# --- image sets --------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class ImageSet:
    """Labelled images in three parts: train to fit, val for every choice, test once at the end.

    x: float32 (N, C, H, W) in [0, 1], with `levels` evenly spaced grey levels; y: int64 (N,), classes 0..9.
    """

    name: str
    x_train: Tensor
    y_train: Tensor
    x_val: Tensor
    y_val: Tensor
    x_test: Tensor
    y_test: Tensor
    levels: int = 256

    def __repr__(self) -> str:
        size = " x ".join(map(str, self.x_train.shape[1:]))
        parts = f"{len(self.x_train):,} train, {len(self.x_val):,} val, {len(self.x_test):,} test"
        return f"{self.name}: {parts}; images {size}, {self.levels} levels in [0, 1]"


def digits() -> ImageSet:
    """scikit-learn's 1,797 handwritten digits, 8 x 8, values k/16: 1,000 train, 297 validation, 500 test."""
    raw = _raw_digits()
    order = torch.randperm(len(raw.images), generator=torch.Generator().manual_seed(0))
    x = torch.tensor(raw.images, dtype=torch.float32)[order, None] / 16
    y = torch.tensor(raw.target)[order].long()
    parts = zip(x.split([1000, 297, 500]), y.split([1000, 297, 500]), strict=True)
    return ImageSet("digits", *(t for part in parts for t in part), levels=17)


@functools.cache
def _raw_digits() -> Bunch:
    """scikit-learn's digits as it keeps them; reading its file once is enough."""
    return load_digits()


def mnist() -> ImageSet:
    """MNIST, 28 x 28: 55,000 train, 5,000 validation (the last of the training file), 10,000 test.

    Read from the folder that the environment variable GENLIB_DATA names, else downloaded once.
    """
    return _idx_set("mnist")


def fashion_mnist() -> ImageSet:
    """Fashion-MNIST, 28 x 28, split like MNIST; read from GENLIB_DATA, else downloaded once."""
    return _idx_set("fashion-mnist")


def images(name: str) -> ImageSet:
    """The image set called "digits", "mnist" or "fashion_mnist".

    Raises:
        ValueError: there is no image set of that name.
    """
    sets = {"digits": digits, "mnist": mnist, "fashion_mnist": fashion_mnist}
    if name not in sets:
        raise ValueError(f"name: expected one of {', '.join(sets)}, got {name!r}")
    return sets[name]()


def dequantise(x: Tensor, rng: torch.Generator | None = None, levels: int = 17) -> Tensor:
    """Spread each grey level evenly over its own cell: (k + u) / levels, u uniform in [0, 1).

    A density needs this: on data that take few values its likelihood has no upper bound.
    Paper: Theis, van den Oord & Bethge 2016, section 3.1.

    Args:
        x: images in [0, 1] with values k / (levels - 1).
    """
    expect_range("x", x, 0, 1)
    u = torch.rand(x.shape, generator=rng, device=rng.device if rng else "cpu").to(x)
    return ((levels - 1) * x + u) / levels


def quantise(x: Tensor, levels: int = 17) -> Tensor:
    """Undo `dequantise`: the grey level, in [0, 1], of the cell that each value lies in."""
    return (levels * x).floor().clamp(0, levels - 1) / (levels - 1)


def binarise(x: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Pixels that are 0 or 1: each is 1 with its grey value as probability, in the shape of x.

    Done anew for every batch this is the dynamic binarisation of Burda, Grosse & Salakhutdinov 2016.

    Args:
        x: grey values in [0, 1].
    """
    expect_range("x", x, 0, 1)
    u = torch.rand(x.shape, generator=rng, device=rng.device if rng else "cpu").to(x)
    return (u < x).to(x)


def signed(x: Tensor) -> Tensor:
    """Pixels in [0, 1] as numbers in [-1, 1], 2 x - 1: data round 0, as diffusion wants them. `unsigned` undoes it."""
    return 2 * x - 1


def unsigned(x: Tensor) -> Tensor:
    """Numbers in [-1, 1] as pixels in [0, 1]; what lies beyond stays beyond."""
    return (x + 1) / 2


def normal(like: Tensor, shape: Sequence[int], rng: torch.Generator | None = None) -> Tensor:
    """Standard normal numbers, drawn on the rng's device and moved to that of `like`, in its precision."""
    return torch.randn(
        *shape, generator=rng, device=rng.device if rng else "cpu", dtype=like.dtype
    ).to(like.device)


# --- reading and fetching the 28 x 28 sets -----------------------------------------------------------------

N_VAL = 5000

FILES = (
    "train-images-idx3-ubyte",
    "train-labels-idx1-ubyte",
    "t10k-images-idx3-ubyte",
    "t10k-labels-idx1-ubyte",
)

# md5 of the decompressed bytes, in the order of FILES: a mirror that compresses anew still passes.
MD5 = {
    "mnist": (
        "6bbc9ace898e44ae57da46a324031adb",
        "a25bea736e30d166cdddb491f175f624",
        "2646ac647ad5339dbf082846283269ea",
        "27ae3e4e09519cfbb04c329615203637",
    ),
    "fashion-mnist": (
        "f4a8712d7a061bf5bd6d2ca38dc4d50a",
        "9018921c3c673c538a1fc5bad174d6f9",
        "8181f5470baa50b63fa0f6fddb340f0a",
        "15d484375f8d13e6eb1aabb0c3f46965",
    ),
}

MIRRORS = {
    "mnist": (
        "https://storage.googleapis.com/cvdf-datasets/mnist",
        "https://ossci-datasets.s3.amazonaws.com/mnist",
    ),
    "fashion-mnist": (
        "https://raw.githubusercontent.com/zalandoresearch/fashion-mnist/master/data/fashion",
        "https://storage.googleapis.com/tensorflow/tf-keras-datasets",
        "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com",
    ),
}


def _idx_set(name: str) -> ImageSet:
    """Read the four files of a set and split off the validation images."""
    x, y, x_test, y_test = (
        _read(name, file, md5) for file, md5 in zip(FILES, MD5[name], strict=True)
    )
    x, x_test = (pixels[:, None].float() / 255 for pixels in (x, x_test))
    y, y_test = y.long(), y_test.long()
    return ImageSet(name, x[:-N_VAL], y[:-N_VAL], x[-N_VAL:], y[-N_VAL:], x_test, y_test)


def _read(name: str, file: str, md5: str) -> Tensor:
    """One file as a tensor of bytes: from GENLIB_DATA if that is set, else from the cache or a mirror."""
    if folder := os.environ.get("GENLIB_DATA"):
        raw = _unpack(Path(folder) / name / f"{file}.gz", md5)
    else:
        raw = _fetch(name, file, md5)
    return parse_idx(raw)


def _unpack(path: Path, md5: str) -> bytes:
    """The decompressed bytes of a .gz file, once their md5 is the expected one.

    Raises:
        ValueError: the file is missing, incomplete, or not the expected one.
    """
    try:
        raw = gzip.decompress(path.read_bytes())
    except (OSError, EOFError, zlib.error) as error:
        raise ValueError(
            f"{path}: expected a complete .gz file, got {type(error).__name__}: {error}"
        ) from error
    found = hashlib.md5(raw, usedforsecurity=False).hexdigest()
    if found != md5:
        raise ValueError(f"{path}: expected md5 {md5} after decompression, got {found}")
    return raw


def _fetch(name: str, file: str, md5: str) -> bytes:
    """Try the cache, then one mirror after the other; a file that fails its check never stays in the cache.

    Raises:
        ValueError: nothing could be loaded; says what to do.
    """
    cached = Path(pooch.os_cache("genlib")) / name / f"{file}.gz"
    tried = []
    for mirror in (None, *MIRRORS[name]):
        try:
            if mirror:
                _download(f"{mirror}/{file}.gz", cached)
            return _unpack(cached, md5)
        except (OSError, ValueError) as error:  # every error of `requests` is an OSError
            cached.unlink(missing_ok=True)
            tried.append(f"  {mirror or 'cache'}: {error}")
    raise ValueError(
        f"{name}: could not load {file}.gz. Either connect to the network once, or put the four .gz files of the set "
        f"into FOLDER/{name}/ and set the environment variable GENLIB_DATA=FOLDER; "
        f'or use images("digits"), which needs neither. Tried:\n' + "\n".join(tried)
    )


def _download(url: str, path: Path) -> None:
    """Download into `path`; pooch writes beside it and moves the file only when it is complete."""
    pooch.get_logger().setLevel("ERROR")
    watched = os.environ.get("GENLIB_STATIC") != "1"
    pooch.retrieve(url, known_hash=None, fname=path.name, path=path.parent, progressbar=watched)


def parse_idx(raw: bytes) -> Tensor:
    """The array in an IDX file (LeCun's format: two zeros, type 8 for bytes, rank, sizes, values), uint8.

    Raises:
        ValueError: the header or the length is wrong.
    """
    if len(raw) < 4 or raw[:3] != b"\0\0\x08":
        raise ValueError(
            f"raw: expected an IDX file of bytes (it starts with 00 00 08), got {raw[:3].hex(' ')!r}"
        )
    start = 4 + 4 * raw[3]
    shape = [int.from_bytes(raw[i : i + 4], "big") for i in range(4, start, 4)]
    if len(raw) != start + math.prod(shape):
        raise ValueError(
            f"raw: expected {start + math.prod(shape)} bytes for shape {shape}, got {len(raw)}"
        )
    return torch.frombuffer(bytearray(raw), dtype=torch.uint8, offset=start).reshape(shape)
