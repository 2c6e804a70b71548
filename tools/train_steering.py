"""Train the two models of chapter 6's figures and store what they draw: `make steering` (FIGURE=captions for one).

`genlib/assets/ddpm_digits_guided` holds the first of the two, with which `draw_digits` draws in the page;
`genlib/assets/guidance_digits` holds digits by digit asked for, scale and noise, for `guidance_scale`;
`genlib/assets/captions_shapes` holds pictures by caption, for `caption_picker`.
"""

import hashlib
import itertools
import sys
from collections.abc import Sequence

import safetensors.torch
import torch
from torch import Tensor, nn

from genlib import data
from genlib.data import Drawn, digits, unsigned
from genlib.data.shapes import COLUMNS, PAIRS, ROWS, SIZES, VOCABULARY
from genlib.ddpm import DDPM
from genlib.evaluate import read_shapes, to_grey_levels
from genlib.guidance import Given, Guided
from genlib.interact.guidance import apart
from genlib.interact.unet import from_8_bits
from genlib.pretrained import ASSETS, judge
from genlib.recipes import RECIPES
from tools.results import (
    IMAGE,
    N_SAMPLES,
    described,
    drawn_digits,
    expect_names,
    frechet,
    generator,
    named,
    parameters,
    train,
    write_asset,
)

SEED, COMMAND = 0, "make steering"
SCALES, NOISES, STEPS = (0, 0.5, 1, 1.5, 2, 3, 5, 8), 8, 20  # of the digits


def weights_hash(model: nn.Module) -> str:
    """The SHA-256 of the weights that drew, as a file of safetensors."""
    return hashlib.sha256(safetensors.torch.save(model.state_dict())).hexdigest()


def about(recipe: str, model: nn.Module) -> dict:
    """What both cards say of the model behind the pictures."""
    return {
        "command": COMMAND,
        "recipe": recipe,
        "seed": SEED,
        **described(RECIPES[recipe]),
        "weights": weights_hash(model),
    }


# --- the network of the digits --------------------------------------------------------------------------------------


@torch.no_grad()
def of_8_bits(model: DDPM, steps: int = 50) -> dict:
    """Fréchet distances of a thousand digits with the weights as they are and in 8 bits, from the same noise.

    each: a hundred are asked for each digit, without guidance. any: they are asked for any digit.
    """
    asked = {"each": torch.arange(N_SAMPLES) % 10, "any": model.net.null}
    nets = {"as_trained": model.net.net, "8_bits": from_8_bits(model.net.net)}
    x = {
        name: {
            what: drawn_digits(model.replace(net=Given(net, y)), generator(SEED), steps)
            for what, y in asked.items()
        }
        for name, net in nets.items()
    }
    found = {
        name: {what: frechet(v, digits().x_val) for what, v in sets.items()}
        for name, sets in x.items()
    }
    between = {what: frechet(x["as_trained"][what], x["8_bits"][what]) for what in asked}
    return {"ddim_steps": steps, "n": N_SAMPLES} | found | {"between": between}


def keep(model: DDPM, cpu_s: float) -> None:
    """The network with its card."""
    card = about("ddpm_digits_guided", model) | {
        "what": "DDPM of the digits with eleven labels, the last for any; average of its weights over the training",
        "data": "digits: 1,000 train images to fit",
        **of_8_bits(model),
        "parameters": parameters(model),
    }
    write_asset(model.state_dict(), ASSETS / "ddpm_digits_guided", card, cpu_s)


# --- digits by scale ---------------------------------------------------------------------------------------------


@torch.no_grad()
def rows_of_digits(model: DDPM) -> dict[str, Tensor]:
    """What the figure shows, as small integers.

    noise: the x_T of every seed, in 32nds, (8, 1, 8, 8).
    x: grey levels 0..16 by scale, digit and seed, (scales, 10, 8, 1, 8, 8); read: what the judge reads.
    """
    x_T = torch.cat([torch.randn(1, *IMAGE, generator=generator(k)) for k in range(NOISES)])
    y, start = torch.arange(10).repeat_interleave(NOISES), x_T.repeat(10, 1, 1, 1)
    drawn = []
    for scale in SCALES:
        guided = model.replace(net=Guided(model.net, y, scale))
        drawn.append(to_grey_levels(unsigned(guided.ddim(len(y), IMAGE, STEPS, x_T=start))))
    x = torch.stack(drawn).unflatten(1, (10, NOISES))
    x[0] = x[0, :1]  # nothing is asked for at scale 0: what differs there is rounding
    read = judge("digits").predict(x.flatten(0, 2)).view(x.shape[:3])
    return {
        "noise": (32 * x_T).round().clamp(-127, 127).to(torch.int8),
        "x": (16 * x).round().to(torch.uint8),
        "read": read.to(torch.uint8),
    }


def to_nearest(x: Tensor) -> Tensor:
    """Distance of each digit to the nearest training image to fit, (n,)."""
    return torch.cdist(x.flatten(1), digits().x_train.flatten(1)).amin(dim=1)


def guidance() -> None:
    """The guided model of the digits, and what it draws at eight scales from the same eight noises."""
    model, _, cpu_s = train("ddpm_digits_guided", SEED)
    keep(model, cpu_s)
    made, real = rows_of_digits(model), digits()
    x = made["x"] / 16
    asked = made["read"] == torch.arange(10)[:, None]
    card = about("ddpm_digits_guided", model) | {
        "what": "digits by guidance scale, digit asked for and noise, and what the judge reads in each",
        "data": "digits: 1,000 train images to fit",
        "scales": list(SCALES),
        "ddim_steps": STEPS,
        "asked": asked.double().mean(dim=(1, 2)).tolist(),
        "apart": [[apart(row) for row in rows] for rows in x],
        "apart_real": [apart(real.x_train[real.y_train == k]) for k in range(10)],
        "nearest": to_nearest(x.flatten(0, 2)).view(x.shape[:3]).mean(dim=2).tolist(),
        "nearest_real": [
            to_nearest(real.x_test[real.y_test == k]).mean().item() for k in range(10)
        ],
    }
    write_asset(made, ASSETS / "guidance_digits", card, cpu_s)


# --- pictures by caption -----------------------------------------------------------------------------------------

SAID = [["", "", ""]] * 4 + [list(words) for words in itertools.product(SIZES, ROWS, COLUMNS)]
SCALE, SHAPES_STEPS, ETA, LEVELS = 2, 50, 0.3, 26
PARTS = ("colour", "shape", "size", "row", "column")


def rows_of_pictures(model: DDPM) -> Tensor:
    """Pictures for the captions of every pair with the words of SAID, (rows, 32, 3, 16, 16), on LEVELS levels."""
    captions = [
        " ".join(filter(None, (size, *pair, row, column)))
        for size, row, column in SAID
        for pair in PAIRS
    ]
    guided = model.replace(net=Guided(model.net, VOCABULARY.tokens(captions), SCALE))
    x = guided.ddim(len(captions), (3, 16, 16), SHAPES_STEPS, ETA, generator(SEED))
    return to_grey_levels(unsigned(x), LEVELS).unflatten(0, (len(SAID), len(PAIRS)))


def read(x: Tensor) -> dict[str, Tensor]:
    """What the oracle reads in pictures (rows, 32, ...): the places of PARTS in their lists, and is it clean?"""
    found = read_shapes(x.flatten(0, 1))
    words = torch.stack([found[part] for part in PARTS], dim=1)
    kept = {"read": words, "clean": found["clean"]}
    return {name: v.to(torch.uint8).unflatten(0, x.shape[:2]) for name, v in kept.items()}


def nearest(x: Tensor, known: Drawn) -> dict[str, Tensor]:
    """The training picture nearest to each picture, on LEVELS levels; its place, and the words that hold of it."""
    at = torch.cdist(x.flatten(0, 1).flatten(1), known.x.flatten(1)).argmin(dim=1)
    words = torch.stack([getattr(known, part)[at] for part in PARTS], dim=1)
    kept = {
        "near_at": at.int(),
        "near": as_bytes(to_grey_levels(known.x[at], LEVELS)),
        "near_words": words.to(torch.uint8),
    }
    return {name: value.unflatten(0, x.shape[:2]) for name, value in kept.items()}


def as_bytes(x: Tensor) -> Tensor:
    """[0, 1] as the whole numbers 0..255."""
    return (255 * x).round().to(torch.uint8)


def captions() -> None:
    """Pictures of the text-conditioned model, for every pair of colour and shape."""
    model, _, cpu_s = train("ddpm_shapes", SEED)
    x = as_bytes(rows_of_pictures(model))
    known = data.shapes(20_000, 16, 0, data.held_out(8)[0])
    card = about("ddpm_shapes", model) | {
        "what": "pictures by caption, what the oracle reads in each, and the nearest training picture",
        "data": "shapes: 20,000 train pictures of 24 pairs; the other 8 pairs, held_out(8), were never seen",
        "rows": SAID,
        "scale": SCALE,
        "ddim_steps": SHAPES_STEPS,
        "eta": ETA,
        "levels": LEVELS,
        "training_pictures": known.pair.bincount(minlength=len(PAIRS)).tolist(),
    }
    made = {"x": x} | read(x / 255) | nearest(x / 255, known)
    write_asset(made, ASSETS / "captions_shapes", card, cpu_s)


# --- both ----------------------------------------------------------------------------------------------------------

FIGURES = named(guidance, captions)


def main(names: Sequence[str]) -> None:
    """Make the named assets, or both."""
    expect_names(names, list(FIGURES), "FIGURE")
    torch.set_num_threads(1)
    for name in names or FIGURES:
        FIGURES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
