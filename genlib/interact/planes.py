"""The latent planes of chapter 2's autoencoder and of a VAE with the same networks, under one distribution of codes."""

from functools import cache
from math import comb, exp, log

import torch
from torch import Tensor

from genlib import pretrained
from genlib.data import digits
from genlib.evaluate import judge, to_grey_levels
from genlib.interact.base import Interactive, as_base64
from genlib.interact.latent import (
    codes_of,
    packed,
    plane,
)

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "legend": "What do the two maps show?",
    "views": [["codes", "Codes"], ["clouds", "Clouds"], ["drawn", "Drawings"]],
    "captions": {
        "codes": "Each numeral is the code of one training digit; in the VAE’s map, the mean of its cloud. "
        "The circles show *N*(0, *I*) at one and two standard deviations; from the larger come #\u00a0% of its draws.",
        "clouds": "The VAE’s clouds *q*(*z* | *x*) at two standard deviations, as the larger circle shows the prior. "
        "Most have a standard deviation near #, and together they leave gaps. The autoencoder’s codes are points.",
        "drawn": "What each decoder draws at each place of its map. Compare what lies inside the circles: "
        "from the larger come #\u00a0% of the draws from *N*(0, *I*).",
    },
    "legendScale": "Which scale do the maps have?",
    "scales": [["own", "All codes"], ["prior", "One scale for both"]],
    "scaleSays": {
        "own": "The circles are the same: the autoencoder’s map is # times as wide.",
        "prior": "Of 1,000 training codes # are left in the autoencoder’s map, and # in the VAE’s.",
    },
    "names": {"ae": "Autoencoder", "vae": "VAE"},
    "short": {"ae": "AE", "vae": "VAE"},
    "cross": "#: the code to decode",
    "place": "z1 is #, z2 is #; the nearest training code, digit #, is # away",
    "help": "Move over a map to try a code; click, or drag the cross, to pin it. "
    "By keyboard: Tab to a cross, then the arrow keys.",
    "drawingLabel": "#: what the decoder draws at the cross",
    "nearest": "Nearest training code: digit #, # away.",
    "near": "Among the codes: 95\u00a0% of new digits lie nearer than #.",
    "far": "In a hole: 95\u00a0% of new digits lie nearer than #.",
    "ask": "Random codes from *N*(0, *I*), the same for both decoders",
    "see": "One and the same distribution asks the autoencoder for one spot of its map, and the VAE for all of it.",
    "again": "Draw # other codes",
    "strips": "What the two decoders draw from the same # random codes; arrow keys move through them",
    "column": "Random code # of #: z1 is #, z2 is #. ",
    "columnOf": "#: nearest training code, digit #",
    "inHole": ", in a hole",
    "rows": {
        "inside": ["Codes in the larger circle", "*N*(0, *I*) puts #\u00a0% of its draws there."],
        "kinds": ["Kinds of digit", "By the nearest training code. Among # test digits: #."],
        "hole": [
            "In a hole",
            "Diamonds: farther from every training code than 95\u00a0% of new digits.",
        ],
        "unclear": [
            "Unclear drawings",
            "In the long run: the book’s judge is less than 90\u00a0% sure. "
            "Of rebuilt test digits: #\u00a0% and #\u00a0%.",
        ],
        "error": [
            "Squared error",
            "Of 500 test digits, rebuilt from their codes (VAE: the means). It hardly differs.",
        ],
    },
    "of": "# of #",
    "percent": "#\u00a0%",
    "long": "long run: #",
    "honest": "Holes are rarer in the autoencoder’s map for a poor reason: the distribution stays close to one heap "
    "of codes. In the VAE’s map it reaches all heaps, and the gaps between them, where the drawings are less often "
    "clear.",
    "recipe": "The book’s networks with two code numbers and # hidden units a layer, # steps on 1,000 digits, one "
    "seed; another seed gives other maps, of the same two sizes. Long run: # times # codes.",
}
STILL = (
    "Two maps of the codes of 1,000 handwritten digits. The autoencoder’s codes lie anywhere, many times farther out "
    "than N(0, I) draws; the VAE’s lie where N(0, I) draws. With JavaScript switched on, both decoders draw the "
    "digits that belong to the same random codes."
)
LABEL = (
    "The latent planes of an autoencoder and of a VAE side by side, each with its decoder, and what both draw from "
    "the same random codes"
)
NAMES = {"ae": "autoencoder", "vae": "vae"}
SURE = 0.9  # how sure of a class the judge is where a drawing is clear
WITHIN = 2  # radius of the larger circle
TIMES = 1000  # draws of n codes behind a number of the long run


@cache
def clouds() -> Tensor:
    """sigma of q(z | x) of the training digits in the VAE's plane, rounded as the page holds it, (1000, 2)."""
    with torch.no_grad():
        _, logvar = pretrained.latent_plane_vae().encode(digits().x_train)
    return (10_000 * (0.5 * logvar.double()).exp()).round() / 10_000


def unclear(name: str, z: Tensor) -> Tensor:
    """Whether the judge is less than 90 % sure of what a plane's decoder draws at codes z (B, 2), (B,)."""
    drawn = to_grey_levels(plane(name).decode(z).float())
    return judge().log_prob(drawn).amax(dim=1) < log(SURE)


@cache
def long_run(name: str, n: int) -> dict[str, float]:
    """What N(0, I) meets in the plane of the "autoencoder" or of the "vae", over a thousand times n random codes.

    Returns:
        inside: share of the training codes in the larger circle; hole: share of the random codes in a hole;
        kinds: mean number of different classes of the nearest training codes of n random codes;
        unclear: share of the random codes whose drawing is unclear to the judge; rebuilt: the same share of test
        digits, drawn from their own codes; error: their mean squared error, from the card of the weights.
    """
    shown, z = plane(name), plane(name).sample("standard", 0, TIMES * n)
    groups = shown.y[shown.nearest(z)[1]].reshape(TIMES, n)
    kinds = torch.stack([(groups == k).any(dim=1) for k in range(10)]).double().sum(dim=0)
    new = codes_of(name, digits().x_test)
    return {
        "inside": (shown.codes.norm(dim=1) < WITHIN).double().mean().item(),
        "kinds": kinds.mean().item(),
        "unclear": unclear(name, z).double().mean().item(),
        "rebuilt": unclear(name, new).double().mean().item(),
        "hole": shown.in_hole(z).double().mean().item(),
        "error": pretrained.card(f"{name}_plane")["test_squared_error"],
    }


def expected_kinds(y: Tensor, n: int) -> float:
    """Expected number of different classes among n of the digits with classes y (B,), drawn without replacement."""
    counts = y.bincount().tolist()
    return sum(1 - comb(len(y) - count, n) / comb(len(y), n) for count in counts)


def two_planes(
    *,
    view: str = "codes",
    scale: str = "own",
    digit: int = 0,
    n: int = 12,
    seed: int = 1,
) -> Interactive:
    """Two maps of the same digits, the autoencoder's and the VAE's, and what N(0, I) makes both decoders draw.

    Args:
        view: "codes", "clouds" (of the VAE) or "drawn" (what each decoder draws at each place).
        scale: "own" (each map shows all its codes) or "prior" (both show the place where N(0, I) draws).
        digit: row of the training digit at whose code the crosses start.
        n: how many random codes are drawn at a time, at most 24.
        seed: of the first random codes.

    Raises:
        ValueError: an unknown view or scale, or a digit or n out of range.
    """
    if view not in WORDS["captions"]:
        raise ValueError(f"view: expected codes, clouds or drawn, got {view!r}")
    if scale not in WORDS["scaleSays"]:
        raise ValueError(f"scale: expected own or prior, got {scale!r}")
    if not 0 <= digit < 1000:
        raise ValueError(f"digit: expected a row of the 1,000 training digits, got {digit}")
    if not 1 <= n <= 24:
        raise ValueError(f"n: expected 1 to 24 random codes, got {n}")
    start = {"view": view, "scale": scale, "digit": digit, "n": n, "seed": seed}
    data = {"maps": _maps(), "facts": _facts(n), "start": start, "words": WORDS}
    return Interactive(("digits.js", "planes.js"), data, label=LABEL, still=STILL)


@cache
def _maps() -> dict:
    """Both planes as the page holds them; only the VAE's has clouds."""
    sigma = as_base64((10_000 * clouds()).round().to(torch.int16))
    return {"ae": packed(plane("autoencoder")), "vae": packed(plane("vae")) | {"sigma": sigma}}


def _facts(n: int) -> dict:
    """The numbers that the page does not compute itself, rounded."""
    both = {key: long_run(name, n) for key, name in NAMES.items()}
    return {key: {k: round(v, 4) for k, v in part.items()} for key, part in both.items()} | {
        "prior": round(1 - exp(-(WITHIN**2) / 2), 4),
        "kinds": round(expected_kinds(digits().y_test, n), 4),
        "sigma": round(clouds().median().item(), 4),
        "steps": pretrained.card("vae_plane")["steps"],
        "times": TIMES,
    }
