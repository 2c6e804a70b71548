"""Train the two models of chapter 6's figures, and store what they draw: `make steering` (FIGURE=captions for one).

`genlib/assets/ddpm_digits_guided` holds the first of the two, with which `draw_digits` draws in the page;
`genlib/assets/guidance_digits` holds digits by digit asked for, scale and noise, for `guidance_scale`;
`genlib/assets/ddpm_shapes_small` holds the second, with which `caption_picker` draws in the page.
"""

import hashlib
import sys
from collections.abc import Sequence

import safetensors.torch
import torch
from torch import Tensor, nn

from genlib import data
from genlib.data import digits, held_out, unsigned
from genlib.data.shapes import PAIRS, VOCABULARY, pair_numbers
from genlib.ddpm import DDPM
from genlib.evaluate import score_shapes, to_grey_levels
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

SCALE, SHAPES_STEPS, ETA, EACH = 2, 50, 0.3, 20  # EACH drawings of each pair


@torch.no_grad()
def of_drawings(model: DDPM) -> dict[str, float]:
    """Share of drawings that are read as asked and clean, of pairs that were seen and of the others."""
    asked = torch.arange(len(PAIRS)).repeat_interleave(EACH)
    captions = [" ".join(PAIRS[k]) for k in asked]
    guided = model.replace(
        net=Guided(model.net, VOCABULARY.tokens(captions), SCALE, VOCABULARY.null)
    )
    x = unsigned(guided.ddim(len(asked), (3, 16, 16), SHAPES_STEPS, ETA, generator(SEED)))
    new = torch.isin(asked, pair_numbers(held_out(8)[1]))
    kinds = {"seen": ~new, "held_out": new}
    return {name: score_shapes(x[of], asked[of])["strict"] for name, of in kinds.items()}


def captions() -> None:
    """The text-conditioned model that draws in the page."""
    model, _, cpu_s = train("ddpm_shapes_small", SEED)
    known = data.shapes(20_000, 16, 0, held_out(8)[0])
    card = about("ddpm_shapes_small", model) | {
        "what": "DDPM of the drawn shapes, told the words of a caption; average of its weights over the training",
        "data": "shapes: 20,000 train pictures of 24 pairs; the other 8 pairs, held_out(8), were never seen",
        "scale": SCALE,
        "ddim_steps": SHAPES_STEPS,
        "eta": ETA,
        "each": EACH,
        "as_trained": of_drawings(model),
        "8_bits": of_drawings(model.replace(net=from_8_bits(model.net.net))),
        "training_pictures": known.pair.bincount(minlength=len(PAIRS)).tolist(),
        "parameters": parameters(model),
        "parameters_large": parameters(RECIPES["ddpm_shapes"].model()),
    }
    write_asset(model.state_dict(), ASSETS / "ddpm_shapes_small", card, cpu_s)


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
