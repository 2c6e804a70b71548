"""A known fault in growing doses: the corrupted digits, and what every measure of the book says of them."""

import math

import torch
from torch import Tensor

from genlib.corrupt import CORRUPTIONS
from genlib.data import digits
from genlib.expect import border, expect_one_of
from genlib.interact.base import Interactive, as_base64, png
from genlib.table import stored
from genlib.words import CORRUPTIONS as FAULTS
from genlib.words import MEASURES

# All words of the figure; # stands for a number or a name, *stars* for italics.
WORDS = {
    "caption": "Real digits, made worse on purpose. Choose a fault, and drag its dose. Grey bands show where each "
    "measure lies for real digits, 95 times in 100.",
    "legend": "Which fault?",
    "dose": "Dose",
    "drawn": "Twenty of the digits",
    "drawnLabel": "Twenty digits, fault: #, dose #",
    "name": "measure",
    "value": "value",
    "noticed": "noticed",
    "percent": "# %",
    "row": "#: #, in # of the trials outside the band of real digits, on the worse side",
    "none": "No measure notices it.",
    "some": "# of # measures notice it: #.",
    "praise": "Better than real digits, says: #.",
    "nothing": "Dose 0: real digits against real digits. No measure is exactly where a perfect model would be; each "
    "scatters within its band.",
    "and": ", ",
    "faults": {
        "blur": "Each digit is mixed with the mean of its neighbourhood; the dose is the share of the mean.",
        "noise": "Normal noise on each pixel; the dose is its standard deviation, where ink is 1.",
        "shift": "The dose is the share of the digits that move one pixel to the right.",
        "two_dropped": "The dose is the share of all 3s and 8s that are replaced by other digits.",
        "one_class": "The dose is the share of all digits that are replaced by 1s, except for the 1s.",
        "copied": "The dose is the share of the digits that are replaced by training digits of the same class.",
        "static": "The dose is the share of the digits that are replaced by pixels at random.",
        "inverted": "The dose is the share of the digits with ink and paper exchanged.",
        "one_wrong": "The dose is the share of the 4s that stand on their heads.",
    },
    "help": "A measure notices a dose if at least 9 of 10 trials lie outside its band, on the worse side (for the "
    "nearest-training ratio and the log density, on either side). Far from the band the scale is logarithmic. "
    "By keyboard: Tab to the faults or the slider, then the arrow keys.",
    "source": "Not live: means of # trials, each with other halves of the 797 digits that no model was trained on; "
    "bands from # halvings without any fault. Made by #.",
}
REACH = 5  # of a track to each side of the middle of its band, as `place` counts


@border
def place(value: float, low: float, high: float) -> float:
    """Where a value stands on its track: -1 and 1 are the ends of the band; beyond, a step is a factor of ten."""
    d = (value - (low + high) / 2) / ((high - low) / 2)
    far = abs(d) if abs(d) <= 1 else 1 + math.log10(abs(d))
    return math.copysign(min(far, REACH), d)


def shown_digits(name: str, dose: float) -> Tensor:
    """The twenty digits of the figure with a fault, two of each class, grey levels 0..16, uint8 (20, 64)."""
    data = digits()
    at = torch.cat([(data.y_test == k).nonzero()[:2, 0] for k in range(10)])
    at = torch.cat([at[::2], at[1::2]])  # two rows of ten classes
    x = CORRUPTIONS[name](data.x_test[at], data.y_test[at], dose, torch.Generator().manual_seed(0))
    return (16 * x).round().to(torch.uint8).flatten(1)


def corruption_doses(fault: str = "static", dose: float = 0.3) -> Interactive:
    """The figure, opened at one fault and one dose.

    Args:
        fault: a name of `corrupt.CORRUPTIONS`.
        dose: 0, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7 or 1.

    Raises:
        ValueError: an argument is outside its range.
    """
    found = stored("measures")
    doses = [0.0, *found["doses"]]
    expect_one_of("fault", fault, list(CORRUPTIONS))
    if dose not in doses:
        raise ValueError(f"dose: expected one of {', '.join(f'{d:g}' for d in doses)}, got {dose}")
    pictures = torch.stack([shown_digits(name, d) for name in CORRUPTIONS for d in doses])
    images, at = pictures.flatten(0, 1).unique(dim=0, return_inverse=True)
    data = {
        "start": {"fault": fault, "at": doses.index(dose)},
        "words": WORDS,
        "doses": doses,
        "faults": [[name, FAULTS[name]] for name in CORRUPTIONS],
        "measures": [[m, MEASURES[m], *ends(found["floor"][m])] for m in MEASURES],
        "values": {name: by_dose(found, name, "mean") for name in CORRUPTIONS},
        "worse": {name: by_dose(found, name, "worse") for name in CORRUPTIONS},
        "better": {name: by_dose(found, name, "better") for name in CORRUPTIONS},
        "images": as_base64(images),
        "at": as_base64(at.to(torch.int16)),
        "often": found["often"],
        "source": [found["repeats"], found["draws"], found["command"]],
    }
    return Interactive(
        ("digits.js", "doses.js"),
        data,
        label="Digits with a known fault in a growing dose, and what nine measures say of them",
        still="Twenty digits four times. From above: real; three of ten replaced by static; all shifted by one pixel; "
        "all blurred. With JavaScript you choose the fault and its dose, and see every measure move.",
        picture=png(still()),
    )


def ends(floor: dict) -> list[float]:
    """The ends of a measure's band."""
    return [float(f"{floor[name]:.4g}") for name in ("low", "high")]


def by_dose(found: dict, fault: str, what: str) -> list[list[float]]:
    """Rows by dose, a number for each measure; dose 0 is the floor. Four digits are enough to show."""
    rows = [[found["floor"][m][what] for m in MEASURES]]
    for i in range(len(found["doses"])):
        rows.append([found["matrix"][fault][m][what][i] for m in MEASURES])
    return [[float(f"{value:.4g}") for value in row] for row in rows]


def still() -> Tensor:
    """Four rows of the figure as a picture of grey levels on paper, uint8 (height, width)."""
    rows = [("static", 0.0), ("static", 0.3), ("shift", 1.0), ("blur", 1.0)]
    paper = torch.zeros(4, 20, 10, 10, dtype=torch.uint8)
    for row, (name, dose) in zip(paper, rows, strict=True):
        row[:, 1:9, 1:9] = shown_digits(name, dose).view(20, 8, 8)
    return 255 - (paper.transpose(1, 2).reshape(40, 200).int() * 255 // 16).to(torch.uint8)
