"""Which of two digits is real? Twenty pairs, the reader's score, and how sure it is."""

import math

import torch

from genlib.expect import Count, Size, border, expect_number, expect_one_of
from genlib.interact.base import Interactive, as_base64, png
from genlib.table import stored

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "One of the two digits was written by hand. The other was drawn by a model, and the judge reads the "
    "same class in it. Which one is real?",
    "legend": "Who drew?",
    "models": [["ddpm", "DDPM, chapter 5"], ["mixture", "Mixture of Gaussians, chapter 1"]],
    "pair": "Pair # of #",
    "pairs": "All # pairs",
    "side": ["left", "right"],
    "digit": "A digit, on the #",
    "choose": ["The left one is real", "The right one is real"],
    "right": "✓ Right: the real one was on the #.",
    "wrong": "✗ No: the real one was on the #.",
    "begin": "Choose by a click, or by Tab and Enter.",
    "again": "Start again, in another order",
    "score": "Your score",
    "scoreValue": "# of #",
    "rate": "Your rate of right answers",
    "rateValue": "# to #",
    "rateNote": "The 95 % interval (Wilson’s). Guessing has 0.5.",
    "luck": "By guessing alone",
    "luckValue": "# %",
    "luckNote": "would have so many right, or more.",
    "trackLabel": "Your rate from # to #, on a line from 0 to 1, with a mark at 0.5",
    "verdicts": {
        "none": "No answer yet.",
        "few": "Too few answers to say anything.",
        "guess": "So far you cannot be told from somebody who guesses.",
        "can": "You can tell them apart.",
        "reversed": "You can tell them apart, and you take the drawn one for the real one.",
    },
    "help": "The first # digits of each class that the model drew are shown, and the first # test digits of that "
    "class; nothing was picked by eye. A test with # pairs finds a large difference only.",
    "source": "Drawn once, by #, with seed 0.",
}
Z = 1.959964  # of the middle 95 % of a normal distribution


@border
def wilson(right: Count, n: Size) -> tuple[float, float]:
    """Wilson's 95 % interval for a rate of which `right` of n were seen.

    Raises:
        ValueError: right is above n.
    """
    expect_number("right", right, 0, n)
    rate, z2 = right / n, Z**2
    centre = (rate + z2 / (2 * n)) / (1 + z2 / n)
    half = Z / (1 + z2 / n) * math.sqrt(rate * (1 - rate) / n + z2 / (4 * n**2))
    return max(0.0, centre - half), min(1.0, centre + half)


@border
def by_chance(right: Count, n: Size) -> float:
    """How probable it is that guessing has at least `right` of n right."""
    return sum(math.comb(n, k) for k in range(right, n + 1)) / 2**n


def verdict(right: int, n: int) -> str:
    """The key of the sentence for a score."""
    if n < 5:
        return "few" if n else "none"
    low, high = wilson(right, n)
    return "can" if low > 0.5 else "reversed" if high < 0.5 else "guess"


def real_or_drawn(model: str = "ddpm", seed: int = 1) -> Interactive:
    """The figure, opened at the pairs of one model in one order.

    Args:
        model: "ddpm" or "mixture".
        seed: of the order of the pairs, and of their sides.

    Raises:
        ValueError: there is no such model.
    """
    found = stored("measures")["choice"]
    expect_one_of("model", model, list(found["drawn"]))
    pixels = {
        name: as_base64(torch.tensor(rows, dtype=torch.uint8))
        for name, rows in ({"real": found["real"]} | found["drawn"]).items()
    }
    n = len(found["real"])
    data = {
        "start": {"model": model, "seed": seed},
        "words": WORDS,
        "n": n,
        "pixels": pixels,
        "each": n // 10,
        "source": stored("measures")["command"],
    }
    rows = torch.tensor([found["real"], found["drawn"]["ddpm"]])
    paper = torch.zeros(2, n, 10, 10, dtype=torch.int64)
    paper[:, :, 1:9, 1:9] = rows.view(2, n, 8, 8)
    sheet = 255 - (paper.transpose(1, 2).reshape(20, 10 * n) * 255 // 16).to(torch.uint8)
    return Interactive(
        ("digits.js", "choice.js"),
        data,
        label="Pairs of a real and a drawn digit; which one is real?",
        still="Above, real digits; below, digits that a DDPM drew, class by class. With JavaScript you see them in "
        "pairs, without being told which is which, and your choices are counted.",
        picture=png(sheet),
    )
