"""How firmly to ask: eight noises, a digit, and a guidance scale. Every picture was drawn by the trained network."""

import torch
from torch import Tensor

from genlib import pretrained
from genlib.expect import border, expect, expect_whole
from genlib.interact.base import Interactive, as_base64, png

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Ask for a digit, and choose how firmly. Each column starts from the same noise at every scale, so "
    "whatever changes comes from the scale *s*.",
    "legend": "Which digit?",
    "scale": "Guidance scale *s*",
    "noise": "The noise at the start, the same at all scales",
    "noiseLabel": "The noise that the eight columns start from",
    "drawn": "Drawn from it in # steps, and what the judge reads",
    "drawnLabel": "Drawn at scale #, asked for #. The judge reads: #",
    "right": "# ✓",
    "wrong": "# ✗",
    "rightSaid": "# as asked",
    "wrongSaid": "# instead",
    "asked": "As asked, says the judge",
    "askedValue": "# of 8",
    "askedNote": "All ten digits: # of 80",
    "apart": "From each other",
    "apartNote": "Mean distance of two of the eight. Two training images of this digit: #",
    "near": "To the nearest training image",
    "nearNote": "Mean of the eight. Test images of this digit: #",
    "chartLabel": "Two distances over the scale for this digit, with a mark at this scale: from each other, and to the "
    "nearest training image",
    "axisApart": "from each other",
    "axisNear": "to the nearest",
    "axis": "scale *s*",
    "verdicts": {
        "none": "Nothing is asked for. The row is the same whatever digit you choose.",
        "less": "Half of the way from the network without a digit to the one with it.",
        "one": "The conditional network alone, as it was trained. No guidance yet.",
        "more": "Guidance: past the conditional network, away from *any digit*.",
        "far": "Far past it. What happens to the two distances here?",
    },
    "help": "Distances are Euclidean, of pixels from 0 to 1. By keyboard: Tab to the digits or the slider, then the "
    "arrow keys.",
    "source": "Not live: drawn once, with make steering, by the model # with seed #, with DDIM and no fresh noise. "
    "Its weights have the SHA-256 #…",
}


@border
def apart(x: Tensor) -> float:
    """Mean Euclidean distance of two of some images (n, ...), over all pairs."""
    expect("x", x, "n ...")
    return torch.pdist(x.flatten(1)).mean().item()


def verdict(scale: float) -> str:
    """The key of the sentence for a scale."""
    names = {0: "none", 0.5: "less", 1: "one"}
    return names.get(scale, "more" if scale < 5 else "far")


def guidance_scale(digit: int = 3, scale: float = 2) -> Interactive:
    """The figure, opened at one digit and one scale.

    Args:
        digit: 0 to 9.
        scale: 0, 0.5, 1, 1.5, 2, 3, 5 or 8.

    Raises:
        ValueError: an argument is outside its range.
    """
    stored, card = pretrained.tensors("guidance_digits"), pretrained.card("guidance_digits")
    expect_whole("digit", torch.tensor([digit]), 0, 9)
    scales = card["scales"]
    if scale not in scales:
        raise ValueError(f"scale: expected one of {', '.join(map(str, scales))}, got {scale}")
    data = {
        "start": {"digit": str(digit), "at": scales.index(scale)},
        "words": WORDS,
        "scales": scales,
        "noise": as_base64(stored["noise"]),
        "x": as_base64(once(stored["x"])),
        "read": as_base64(once(stored["read"])),
        "near": [[round(v, 3) for v in row] for row in card["nearest"]],
        "real": {
            name: [round(v, 3) for v in card[f"{name}_real"]] for name in ("apart", "nearest")
        },
        "steps": card["ddim_steps"],
        "model": [card["recipe"], card["seed"], card["weights"][:12]],
    }
    return Interactive(
        ("digits.js", "guidance.js"),
        data,
        label="A digit drawn from eight noises at eight guidance scales",
        still="Digits drawn from the same eight noises. From above: scale 0, where nothing is asked for; then 3 is "
        "asked for at the scales 1, 2 and 8. With JavaScript you choose both, and see what the judge reads.",
        picture=png(still_rows(stored["x"])),
    )


def once(x: Tensor) -> Tensor:
    """Rows by scale and digit (scales, 10, ...) as one list of rows, whose first is that of scale 0 for all digits."""
    return torch.cat([x[:1, 0], x[1:].flatten(0, 1)])


def still_rows(x: Tensor, digit: int = 3) -> Tensor:
    """The scales 0, 1, 2 and 8 as a picture of grey levels on paper, uint8 (height, width)."""
    shown = x[[0, 2, 4, 7], digit, :, 0]
    paper = torch.zeros(4, 8, 10, 10, dtype=torch.uint8)
    paper[:, :, 1:9, 1:9] = shown
    return 255 - (paper.transpose(1, 2).reshape(40, 80).int() * 255 // 16).to(torch.uint8)
