"""Ask in words: a text-conditioned model draws in the page, and the oracle keeps the score of seen and unseen pairs."""

from itertools import islice, pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from genlib import pretrained
from genlib.data.shapes import (
    COLOURS,
    COLUMNS,
    EDGE,
    GAP,
    PAIRS,
    PALETTE,
    RADII,
    ROWS,
    SHAPES,
    SIZES,
    VOCABULARY,
    held_out,
)
from genlib.ddpm import DDPM, ddim_times
from genlib.evaluate import CLEAN
from genlib.guidance import Given, Guided
from genlib.interact.base import Interactive, as_base64, expect_offered
from genlib.interact.draw import normals
from genlib.interact.unet import from_8_bits, packed

NETWORK = "ddpm_shapes_small"
SIDE, ETA = 16, 0.3
PARTS = (COLOURS, SHAPES, SIZES, ROWS, COLUMNS)

# All words of the figure, but for those of captions; # stands for a number or a word, *stars* for italics.
WORDS = {
    "caption": "Choose a caption and let the network draw. Pairs with ◇ were held out: it saw their colour and their "
    "shape, and never both in one picture.",
    "legend": "What does the caption say?",
    "kinds": [["pair", "colour and shape"], ["all", "size and place too"]],
    "sizeLegend": "Which size?",
    "rowLegend": "Which row?",
    "columnLegend": "Which column?",
    "mapLabel": "All pairs, a row for each colour, a column for each shape; each shows what was drawn last for it",
    "cellHeld": "#, never seen in training",
    "cellWrong": "#, drawn wrong",
    "seen": "Seen in training: in # of the 20,000 pictures.",
    "held": "◇ Never seen in training: in none of the 20,000 pictures.",
    "some": "Draw four",
    "every": "Draw every pair once",
    "stop": "Stop",
    "progress": "How much is drawn",
    "drawn": "drawn",
    "near": "nearest drawing",
    "read": "Read as # #.",
    "clean": "Clean.",
    "unclean": "Not clean.",
    "empty": "Not drawn yet.",
    "right": "✓",
    "wrong": "✗",
    "count": "Read as asked and clean so far: seen pairs # of #, held-out pairs # of #.",
    "ready": "Ready.",
    "running": "Drawing.",
    "took": "The last picture took # seconds of computing.",
    "scale": "Guidance *s*",
    "steps": "Steps",
    "seed": "Seed",
    "help": "Every picture is drawn here, by DDIM with *η* = 0.3; none is left out. The oracle finds the drawing that "
    "comes nearest and stands beside: ✗ on the map means that it reads another pair. Whatever changes but the pair "
    "starts the score again. By keyboard: Tab to the map, then the arrow keys.",
    "source": "The network is #, with its # weights rounded to 8 bits. That of the tables has #: in 8 bits, as text, "
    "too many for a figure of this book. With # drawings of each pair at *s* = 2 in 50 steps, the share read as asked "
    "and clean is # for seen pairs and # for held-out ones; with the weights as they were trained, # and #.",
}


def caption_picker(
    caption: str = "cyan cross", steps: int = 50, scale: float = 2.0, seed: int = 1
) -> Interactive:
    """The figure, opened at a caption: a colour and a shape, alone or with size, row and column.

    Args:
        caption: such as "cyan cross" or "large cyan cross top left"; in any order.
        steps: of DDIM, 5, 10, ..., 100.
        scale: of the guidance, 0 to 5.
        seed: 1 to 99.

    Raises:
        ValueError: an argument is outside its range.
    """
    expect_offered("steps", steps, steps in range(5, 101, 5))
    expect_offered("scale", scale, 0 <= scale <= 5)
    expect_offered("seed", seed, seed in range(1, 100))
    colour, shape, *more = heard(caption)
    start = {"pair": PAIRS.index((colour, shape)), "kind": "all" if any(more) else "pair"}
    start |= {"more": more, "steps": steps, "scale": scale, "seed": seed, "eta": ETA}
    model, facts = pretrained.shapes_ddpm_small(), pretrained.card(NETWORK)
    data = {
        "start": start,
        "words": WORDS,
        "parts": [list(part) for part in PARTS],
        "tokens": {word: VOCABULARY.tokens([word])[0, 0].item() for part in PARTS for word in part},
        "held": [PAIRS.index(found) for found in held_out(8)[1]],
        "counts": facts["training_pictures"],
        "packed": packed(model.net.net),
        "beta": as_base64(model.beta),
        "world": world(),
        "source": source(facts),
    }
    return Interactive(
        ("nn.js", "unet.js", "ddim.js", "oracle.js", "captions.js"),
        data,
        label="Pictures by caption, drawn live, with the pairs of colour and shape that were held out",
        still="With JavaScript you choose a caption here, and a trained network draws it while you look: eight "
        "colours, each as circle, square, triangle and cross. Eight of the pairs were held out in its training, and "
        "an oracle reads what comes out.",
    )


def heard(caption: str) -> list[str]:
    """Colour, shape, size, row and column of a caption, in any order; the last three may all be missing: ""."""
    words = caption.split()
    found = [next((word for word in words if word in part), "") for part in PARTS]
    if len(words) != len(list(filter(None, found))) or "" in found[:2] or len(words) not in (2, 5):
        raise ValueError(
            f"caption: expected a colour and a shape, alone or with size, row and column, got {caption!r}"
        )
    return found


def world() -> dict:
    """What oracle.js has to know of the drawings."""
    radii = [list(RADII[size]) for size in SIZES]
    known = {"side": SIDE, "palette": PALETTE.tolist(), "radii": radii}
    return known | {"edge": EDGE, "gap": GAP, "clean": CLEAN}


def source(facts: dict) -> list:
    """What the figure says of its network, in the order of WORDS["source"]."""
    rounded, trained = facts["8_bits"], facts["as_trained"]
    shares = [part[kind] for part in (rounded, trained) for kind in ("seen", "held_out")]
    named = [NETWORK, f"{facts['parameters']:,}", f"{facts['parameters_large']:,}", facts["each"]]
    return named + [f"{share:.3f}" for share in shares]


# --- what the script computes, in Python ---------------------------------------------------------------------


class Wish(NamedTuple):
    """One picture: the number of the drawing of its pair, from 0 on, and the numbers of the walk."""

    caption: str
    number: int = 0
    seed: int = 1
    steps: int = 50
    scale: float = 2.0


def model_in_page() -> DDPM:
    """The network with the weights that the page has."""
    model = pretrained.shapes_ddpm_small()
    return model.replace(net=from_8_bits(model.net.net))


@torch.no_grad()
def picture(model: DDPM, wish: Wish) -> Tensor:
    """The picture (1, 3, 16, 16) of the network `model_in_page` for a wish, from -1 to 1, as DDIM draws it."""
    pair = PAIRS.index(tuple(heard(wish.caption)[:2]))
    stream = normals(100_000 * wish.seed + 1000 * pair + wish.number)

    def noise() -> Tensor:
        return torch.tensor(list(islice(stream, 3 * SIDE**2))).view(1, 3, SIDE, SIDE)

    tokens = VOCABULARY.tokens([wish.caption])
    net = Guided(model.net, tokens, wish.scale, VOCABULARY.null)
    if wish.scale in (0, 1):
        net = Given(model.net, tokens if wish.scale else VOCABULARY.null)
    model, x = model.replace(net=net), noise()
    for t, s in pairwise(ddim_times(model.T, wish.steps)):
        x = model.ddim_step(x, t, s, ETA, noise())
    return x
