"""A small world of pictures with captions, drawn by code: one shape of one colour at one place on a dark ground.

A caption always says colour and shape, and in half of the pictures each the size, the row and the column:
"large red circle top left", "blue cross".
"""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from genlib.expect import (
    Count,
    Seed,
    Size,
    border,
    expect_data,
    expect_number,
    expect_one_of,
    expect_whole,
    kind_of,
)
from genlib.text import Vocabulary

COLOURS = {
    "red": (0.9, 0.15, 0.15),
    "orange": (1.0, 0.55, 0.1),
    "yellow": (1.0, 0.95, 0.2),
    "green": (0.15, 0.75, 0.25),
    "cyan": (0.2, 0.85, 0.95),
    "blue": (0.2, 0.35, 1.0),
    "purple": (0.7, 0.25, 0.85),
    "white": (1.0, 1.0, 1.0),
}
SHAPES = ("circle", "square", "triangle", "cross")
SIZES, ROWS, COLUMNS = ("small", "large"), ("top", "bottom"), ("left", "right")
WORDS = (*COLOURS, *SHAPES, *SIZES, *ROWS, *COLUMNS)
RADII = {"small": (0.2, 0.22), "large": (0.28, 0.32)}  # of a shape, in sides of the picture
GROUND = (0.05, 0.15)  # a dark grey, from one picture to the next
EDGE = 0.02  # free space between a shape and the border, in sides of the picture
GAP = 0.04  # between a centre and the middle lines

PALETTE = torch.tensor(list(COLOURS.values()))
VOCABULARY = Vocabulary(WORDS, 5)
PAIRS = tuple((colour, shape) for colour in COLOURS for shape in SHAPES)


@border
@dataclass(frozen=True)
class Drawn:
    """Pictures and what is on them; the numbers of an attribute count its words from 0 on.

    x: float32 (n, 3, size, size) in [0, 1], with 256 levels.
    captions: n texts; tokens: the same as numbers, int64 (n, 5).
    colour, shape, size, row, column: int64 (n,), places in COLOURS, SHAPES, SIZES, ROWS and COLUMNS.
    """

    x: Tensor
    captions: tuple[str, ...]
    colour: Tensor
    shape: Tensor
    size: Tensor
    row: Tensor
    column: Tensor

    def __len__(self) -> int:
        return len(self.x)

    @property
    def tokens(self) -> Tensor:
        """The captions as numbers, (n, 5)."""
        return VOCABULARY.tokens(self.captions)

    @property
    def pair(self) -> Tensor:
        """The place in PAIRS of each picture's colour and shape, (n,)."""
        return self.colour * len(SHAPES) + self.shape


@border
def shapes(
    n: Size, size: int = 16, seed: Seed = 0, pairs: Iterable[tuple[str, str]] | None = None
) -> Drawn:
    """n pictures with captions; colour and shape, size, row and column are uniform and independent.

    Args:
        size: side of the pictures in pixels, at least 8.
        pairs: the (colour, shape) that may appear; all of PAIRS if left out.
    """
    expect_number("size", size, 8)
    rng = torch.Generator().manual_seed(seed)
    allowed = pair_numbers(PAIRS if pairs is None else pairs)
    pair = allowed[torch.randint(len(allowed), (n,), generator=rng)]
    big, row, column = (torch.randint(2, (n,), generator=rng) for _ in range(3))
    u = torch.rand(4, n, generator=rng)
    lowest, highest = torch.tensor([RADII[name] for name in SIZES])[big].T
    radius = lowest + u[0] * (highest - lowest)
    near = radius + EDGE  # a centre lies from here to the middle line, or on its other side
    x, y = (near + v * (0.5 - GAP - near) for v in u[1:3])
    centre = torch.stack([torch.where(column == 1, 1 - x, x), torch.where(row == 1, 1 - y, y)], 1)
    colour, shape = pair // len(SHAPES), pair % len(SHAPES)
    ground = GROUND[0] + u[3] * (GROUND[1] - GROUND[0])
    pictures = paint(masks(shape, centre, radius, size), PALETTE[colour], ground)
    pictures = (pictures * 255).round() / 255
    said = torch.rand(3, n, generator=rng) < 0.5
    captions = tuple(
        " ".join(
            [SIZES[big[i]]] * bool(said[0, i])
            + list(PAIRS[pair[i]])
            + [ROWS[row[i]]] * bool(said[1, i])
            + [COLUMNS[column[i]]] * bool(said[2, i])
        )
        for i in range(n)
    )
    return Drawn(pictures, captions, colour, shape, big, row, column)


@border
def held_out(n: Count, seed: Seed = 0) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
    """PAIRS in two lists: those that may be seen, and n that are held out, spread evenly over colours and shapes.

    Args:
        n: at most 24, so that every colour is seen in some shape and every shape in some colour.
    """
    expect_number("n", n, 0, len(PAIRS) - len(COLOURS))
    rng = torch.Generator().manual_seed(seed)
    colours = [list(COLOURS)[i] for i in torch.randperm(len(COLOURS), generator=rng)]
    forms = [SHAPES[i] for i in torch.randperm(len(SHAPES), generator=rng)]
    K = len(colours)  # the first K lack every colour once, the next K once more, in another shape
    left = {(colours[i % K], forms[(i + i // K) % len(forms)]) for i in range(n)}
    return [pair for pair in PAIRS if pair not in left], [pair for pair in PAIRS if pair in left]


@border
def masks(shape: Tensor, centre: Tensor, radius: Tensor, size: Size, fine: Size = 4) -> Tensor:
    """How much of each pixel a shape covers, (n, size, size), in [0, 1]; antialiased by fine x fine points a pixel.

    Args:
        shape: places in SHAPES, (n,).
        centre: x from the left and y from the top, (n, 2), in sides of the picture.
        radius: of a circle round the shape, about, (n,), in sides of the picture.
    """
    n = len(shape)
    expect_whole("shape", shape, 0, len(SHAPES) - 1)
    expect_data("centre", centre, "n two", n=n, two=2)
    expect_data("radius", radius, "n", n=n)
    line = (torch.arange(size * fine) + 0.5) / (size * fine)
    x, y = ((line - centre[:, i, None]) / radius[:, None] for i in (0, 1))  # (n, points), in radii
    mask = torch.empty(n, size, size)
    for k, form in enumerate((_circle, _square, _triangle, _cross)):
        for rows in (shape == k).nonzero()[:, 0].split(500):
            inside = form(x[rows, None, :], y[rows, :, None]).float()
            mask[rows] = F.avg_pool2d(inside[:, None], fine)[:, 0]
    return mask


def _circle(x: Tensor, y: Tensor) -> Tensor:
    return x.square() + y.square() < 1


def _square(x: Tensor, y: Tensor) -> Tensor:
    return torch.maximum(x.abs(), y.abs()) < 0.86


def _triangle(x: Tensor, y: Tensor) -> Tensor:
    return (y < 0.85) & (y > 2 * x.abs() - 1)


def _cross(x: Tensor, y: Tensor) -> Tensor:
    narrow, wide = torch.minimum(x.abs(), y.abs()), torch.maximum(x.abs(), y.abs())
    return (narrow < 0.38) & (wide < 1)


@border
def paint(mask: Tensor, colour: Tensor, ground: Tensor) -> Tensor:
    """Pictures (n, 3, size, size): the colour (n, 3) where the mask (n, size, size) is, else the grey ground (n,)."""
    n = expect_data("mask", mask, "n size size")["n"]
    expect_data("colour", colour, "n 3", n=n)
    expect_data("ground", ground, "n", n=n)
    mask = mask[:, None]
    return mask * colour[:, :, None, None] + (1 - mask) * ground[:, None, None, None]


@border
def pair_numbers(pairs: Iterable[tuple[str, str]]) -> Tensor:
    """The places in PAIRS of some pairs, int64, (n,), as `Drawn.pair` counts them."""
    pairs = list(pairs)
    if not pairs:
        raise ValueError("pairs: expected at least one (colour, shape), got none")
    for pair in pairs:
        two = isinstance(pair, tuple) and len(pair) == 2
        if not (two and all(isinstance(word, str) for word in pair)):
            raise ValueError(f"pairs: expected tuples (colour, shape), got {kind_of(pair)}")
        expect_one_of("pairs", " ".join(pair), [" ".join(known) for known in PAIRS])
    return torch.tensor([PAIRS.index(pair) for pair in pairs])
