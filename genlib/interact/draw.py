"""Draw digits with the book's own network, live: new ones, a digit that is noised and walked back, a hole filled in."""

from collections.abc import Iterator
from itertools import pairwise
from typing import NamedTuple

import torch
from torch import Tensor

from genlib import pretrained
from genlib.data import digits
from genlib.ddpm import DDPM, ddim_times
from genlib.guidance import Given, Guided
from genlib.interact.base import Interactive, as_base64, expect_offered, uniforms
from genlib.interact.unet import from_8_bits, packed

NETWORK = "ddpm_digits_guided"
ANY, EACH = 10, -1  # the label for any digit; a label for each picture, in turn
T, N, IMAGE = 1000, 16, (1, 8, 8)  # N digits are drawn at once
TASKS = ("new", "back", "fill")
DIGITS = ("each", "any", *map(str, range(10)))

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Everything here is computed while you look, by the trained network of the digits. Choose, press Draw, "
    "and then move through the moments of the walk.",
    "taskLegend": "What to do?",
    "tasks": [
        ["new", "New digits"],
        ["back", "Noise a digit, and walk back"],
        ["fill", "Fill in what is erased"],
    ],
    "about": {
        "new": "Sixteen times noise, and a walk from each. The same seed gives the same noise.",
        "back": "Sixteen copies of your digit get the noise of the time *t*, each its own, and walk back. What is left "
        "of your digit at small *t*, and at large *t*?",
        "fill": "After every step, the pixels that you did not erase are set again: to those of your digit, with noise "
        "of that time. The network fills the rest. This is an approximation: while much noise is there, the "
        "network chooses for the erased part and hardly sees the others.",
    },
    "own": "Your digit",
    "pageLabel": "Your digit: a page of eight by eight pixels. The arrow keys move, Space uses the pen",
    "cell": "row #, column #: ink # of 16",
    "erased": "row #, column #: erased",
    "penLegend": "What does the pen do?",
    "pens": [["ink", "paint"], ["hole", "erase"]],
    "ink": "Ink of the pen",
    "inkValue": "# of 16",
    "another": "A test digit",
    "empty": "Empty page",
    "whole": "Erase nothing",
    "digitLegend": "Which digit?",
    "digit": "Ask for",
    "each": "0–9",
    "any": "any",
    "seed": "Seed",
    "steps": "Steps",
    "eta": "Fresh noise *η*",
    "scale": "Guidance *s*",
    "t": "Noise up to *t*",
    "all": "All steps, one by one, as in algorithm 2: for new digits 20 times the work of 50",
    "draw": "Draw",
    "stop": "Stop",
    "progress": "How far the walk is",
    "ready": "Ready.",
    "running": "Drawing.",
    "stopped": "Stopped at *t* = #.",
    "done": "# digits in # seconds. Seed #, #, #.",
    "how": {"all": "all # steps", "ddim": "# steps, *η* = #"},
    "anyDigit": "any digit",
    "oneDigit": "asked for # with *s* = #",
    "inTurn": "0 to 9 in turn",
    "pictures": "At *t* = #",
    "picturesLabel": "The # pictures at time #",
    "guess": "What the network sees in them",
    "guessLabel": "What the network sees in the pictures at time #: its guess of the digits without noise",
    "moment": "Moment of the walk",
    "momentValue": "t = #",
    "seen": "Show what the network sees: its guess of *x*₀",
    "help": "Any change takes the walk back to its start. Guidance counts where a digit is asked for; chapter 6 "
    "explains it. Paint or erase in your digit by mouse or finger; by keyboard, Tab to it, then arrow keys and Space.",
    "source": "The network is #, with its # weights rounded to 8 bits. With them 1,000 digits, a hundred asked for "
    "each, in # steps with *s* = 1, have a Fréchet distance of # from the validation digits; with the weights as "
    "they were trained, #. For any digit it is #: that label stood for a tenth of the rows only.",
}


def draw_digits(
    task: str = "new",
    seed: int = 1,
    steps: int = 50,
    eta: float = 0.0,
    digit: str | None = None,
    scale: float = 1.0,
) -> Interactive:
    """The figure, opened at one task and one wish.

    Args:
        task: "new", "back" or "fill".
        seed: 1 to 99.
        steps: of DDIM, 5, 10, ..., 100.
        eta: share of fresh noise, in [0, 1].
        digit: which to ask for, "0" to "9"; "each" of them in turn; "any". Left out: each for new digits, else any.
        scale: of the guidance, 0 to 5.

    Raises:
        ValueError: an argument is outside its range.
    """
    digit = digit or ("each" if task == "new" else "any")
    expect_offered("task", task, task in TASKS)
    expect_offered("seed", seed, seed in range(1, 100))
    expect_offered("steps", steps, steps in range(5, 101, 5))
    expect_offered("eta", eta, 0 <= eta <= 1)
    expect_offered("digit", digit, digit in DIGITS)
    expect_offered("scale", scale, 0 <= scale <= 5)
    model = pretrained.digits_ddpm_guided()
    start = {"task": task, "seed": seed, "steps": steps, "eta": eta, "scale": scale}
    start |= {"digit": digit, "all": False, "t": 500, "test": 8}
    data = {
        "start": start,
        "words": WORDS,
        "packed": packed(model.net.net),
        "beta": as_base64(model.beta),
        "tests": as_base64((16 * one_of_each()).round().to(torch.uint8)),
        "label": ANY,
        "source": facts(),
    }
    return Interactive(
        ("digits.js", "nn.js", "unet.js", "ddim.js", "draw.js"),
        data,
        label="Draw digits with the trained network, change one, and fill in what is erased",
        still="With JavaScript, this draws digits while you look: a trained network walks from noise to digits, takes "
        "a digit of yours under noise and back, and fills in what you erase.",
    )


def facts() -> list:
    """What the figure says of its network, in the order of WORDS["source"]."""
    card = pretrained.card(NETWORK)
    rounded, trained = card["8_bits"], card["as_trained"]
    distances = [rounded["each"], trained["each"], rounded["any"]]
    named = [NETWORK, f"{card['parameters']:,}", card["ddim_steps"]]
    return named + [f"{distance:.2f}" for distance in distances]


def one_of_each() -> Tensor:
    """The plainest test digit of each class, nearest to the mean of the training digits, (10, 1, 8, 8)."""
    known, found = digits(), []
    for k in range(10):
        held, mean = known.x_test[known.y_test == k], known.x_train[known.y_train == k].mean(dim=0)
        found.append(held[(held - mean).square().flatten(1).sum(dim=1).argmin()])
    return torch.stack(found)


# --- what the script computes, in Python ---------------------------------------------------------------------


class Walk(NamedTuple):
    """What is asked for; steps None for all of them, by algorithm 2."""

    seed: int = 1
    steps: int | None = 50
    eta: float = 0.0
    digit: int = ANY
    scale: float = 1.0
    t: int = T


def model_in_page() -> DDPM:
    """The network with the weights that the page has."""
    model = pretrained.digits_ddpm_guided()
    return model.replace(net=from_8_bits(model.net.net))


def normals(seed: int) -> Iterator[float]:
    """The standard normal numbers of nn.js, pair by pair."""
    stream = uniforms(seed)
    while True:
        u, v = torch.tensor([next(stream), next(stream)], dtype=torch.float64)
        radius, angle = (-2 * torch.log1p(-u)).sqrt(), 2 * torch.pi * v
        yield from ((radius * angle.cos()).item(), (radius * angle.sin()).item())


@torch.no_grad()
def moments(
    model: DDPM, walk: Walk, x_0: Tensor | None = None, hole: Tensor | None = None
) -> Iterator[tuple[int, Tensor]]:
    """Every time and state (16, 1, 8, 8) of a walk.

    Args:
        x_0: the reader's digit in [-1, 1], (1, 1, 8, 8); without a hole the walk starts from it, noised to walk.t.
        hole: True where it is erased, (1, 1, 8, 8).
    """
    stream = normals(walk.seed)

    def noise() -> Tensor:
        return torch.tensor([next(stream) for _ in range(N * 64)]).view(N, *IMAGE)

    def noised(t: int, eps: Tensor) -> Tensor:
        return model.q_sample(x_0.expand(N, *IMAGE), torch.full((N,), t), eps)

    model = model.replace(net=told(model.net, walk))
    start = walk.t if hole is None and x_0 is not None else T
    times = ddim_times(start, start if walk.steps is None else min(walk.steps, start))
    x = noised(start, noise()) if hole is None and x_0 is not None else noise()
    yield start, x
    for t, s in pairwise(times):
        fresh = noise() if walk.steps is None or walk.eta else torch.zeros_like(x)
        step = (t, fresh) if walk.steps is None else (t, s, walk.eta, fresh)
        x = (model.p_step if walk.steps is None else model.ddim_step)(x, *step)
        x = x if hole is None else torch.where(hole, x, noised(s, noise()))
        yield s, x


def told(net: torch.nn.Module, walk: Walk) -> torch.nn.Module:
    """The network under its label, guided where two answers are asked for."""
    null, y = torch.tensor([ANY]), torch.tensor([walk.digit])
    if walk.digit == EACH:
        y = torch.arange(N) % 10
    if walk.digit == ANY or walk.scale == 0:
        return Given(net, null)
    return Given(net, y) if walk.scale == 1 else Guided(net, y, walk.scale, null)
