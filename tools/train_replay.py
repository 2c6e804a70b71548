"""Train the two runs that `genlib.interact.gan_replay` shows and store their moments: `make replay`.

Both learn the ring with seed 0 and 8,000 turns: the book's recipe for the plane, and a plain GAN.
"""

import math
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor

from genlib import recipes
from genlib.data import ring
from genlib.evaluate import mode_scores
from genlib.gan import GAN
from genlib.losses import generator_loss
from genlib.pretrained import ASSETS
from genlib.recipes import RECIPES
from genlib.run import Clock
from genlib.train import constant
from tools.results import N_POINTS, described, generator, plain_gan, write_asset

SEED, REACH, CELLS, FAKES, ARROWS = 0, 2.0, 28, 100, 30
MOMENTS = (1, 25, 50, 100, 150, 200, 300, 400, 500, 650, 800, 1000, 1250, 1500, 1800, 2200, 2700)
MOMENTS += (3200, 3800, 4500, 5200, 6000, 7000, 8000)
RECIPE, TARGET = RECIPES["gan_points"], ASSETS / "gan_replay"


def moment(gan: GAN, z: Tensor, scale: Tensor) -> tuple[dict[str, Tensor], dict[str, float]]:
    """What is shown of one moment, as small integers, and its scores.

    D: probability on the cells of the square [-2, 2]^2, in 255ths. x: fakes for fixed codes, in 127ths of 2.
    way: minus the slope of G's loss at the first of them, in 127ths of its largest length at this moment.
    """
    axis = (torch.arange(CELLS) + 0.5) / CELLS * 2 * REACH - REACH
    cells = torch.cartesian_prod(axis, axis)  # x varies slowest
    with torch.no_grad():
        D = gan.D(cells).sigmoid()
        fakes = gan.G(z)
        scores = mode_scores(gan.sample(N_POINTS, generator(SEED)) * scale, ring())
    at = fakes[:ARROWS].clone().requires_grad_()
    way = -torch.autograd.grad(generator_loss(gan.D(at)).sum(), at)[0]
    longest = way.norm(dim=1).max().clamp(min=1e-9)
    shown = {
        "D": (255 * D).round().to(torch.uint8),
        "x": (127 * fakes / REACH).round().clamp(-127, 127).to(torch.int8),
        "way": (127 * way / longest).round().to(torch.int8),
    }
    names = ("modes", "high_quality", "spread")
    known = {name: scores[name] if math.isfinite(scores[name]) else None for name in names}
    return shown, known | {"longest": longest.item()}


def train(make: Callable[[], GAN], **changes) -> tuple[dict[str, Tensor], list[dict]]:
    """All moments of one run: stacked tensors, and a list of scores and losses."""
    torch.manual_seed(SEED)
    gan, x = make(), ring().sample(100_000)
    scale, z = x.std(), gan.prior(FAKES, generator(SEED))
    run = recipes.training("gan_points", None, model=lambda: gan, data=(x / scale,), **changes)
    parts, scores = [], []
    for terms in run:
        if run.done in MOMENTS:
            shown, found = moment(gan, z, scale)
            parts.append(shown)
            losses = {name: terms[name] for name in ("d_loss", "g_loss")}
            scores.append({"step": run.done} | found | losses)
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}, scores


def main(target: Path = TARGET, steps: int = RECIPE.steps["cpu"]) -> None:
    """Train both runs and write the moments, and the card beside them."""
    torch.set_num_threads(1)
    tensors, runs = {}, {}
    kinds = {"recipe": (RECIPE.model, {}), "plain": (plain_gan, {"fall": constant})}
    with Clock() as clock:
        for name, (make, changes) in kinds.items():
            found, runs[name] = train(make, steps={"cpu": steps}, **changes)
            tensors |= {f"{name}.{part}": value for part, value in found.items()}
    card = {
        "command": "make replay",
        "what": "moments of two trainings of a GAN on the ring, for the figure gan_replay",
        "data": "ring: 100,000 points",
        "recipe": "gan_points",
        "seed": SEED,
        **described(RECIPE),
        "steps": steps,
        "runs": runs,
    }
    write_asset(tensors, target, card, clock.cpu_s)


if __name__ == "__main__":
    main()
