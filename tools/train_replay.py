"""Train the two runs that `genlib.interact.gan_replay` shows and store their moments: `make replay`.

Both learn the ring with seed 0 and 8,000 turns: the book's recipe for the plane, and the GAN of most tutorials.
"""

import math
from pathlib import Path

import torch
from torch import Tensor

from genlib import data
from genlib.evaluate import mode_scores
from genlib.gan import GAN, plane_gan
from genlib.losses import generator_loss
from genlib.run import Clock
from genlib.train import batches, gan_steps
from tools.make_gan_results import BATCH, PLAIN, PLANE, N, plain
from tools.results import ASSETS, write_asset

SEED, REACH, CELLS, FAKES, ARROWS = 0, 2.0, 28, 100, 30
MOMENTS = (1, 25, 50, 100, 150, 200, 300, 400, 500, 650, 800, 1000, 1250, 1500, 1800, 2200, 2700)
MOMENTS += (3200, 3800, 4500, 5200, 6000, 7000, 8000)
TARGET = ASSETS / "gan_replay"


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
        scores = mode_scores(
            gan.sample(N, torch.Generator().manual_seed(SEED)) * scale, data.ring()
        )
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


def train(gan: GAN, recipe: dict) -> tuple[dict[str, Tensor], list[dict]]:
    """All moments of one run: stacked tensors, and a list of scores and losses."""
    truth = data.ring()
    x = truth.sample(100_000)
    scale = x.std()
    z = gan.prior(FAKES, torch.Generator().manual_seed(SEED))
    parts, scores = [], []
    for step, terms in enumerate(gan_steps(gan, batches(x / scale, size=BATCH), **recipe), start=1):
        if step in MOMENTS:
            shown, found = moment(gan, z, scale)
            parts.append(shown)
            losses = {name: terms[name] for name in ("d_loss", "g_loss")}
            scores.append({"step": step} | found | losses)
    return {name: torch.stack([part[name] for part in parts]) for name in parts[0]}, scores


def main(target: Path = TARGET, steps: int = PLANE["steps"]) -> None:
    """Train both runs and write the moments, and the card beside them."""
    torch.set_num_threads(1)
    tensors, runs = {}, {}
    with Clock() as clock:
        for name, make, change in (("recipe", plane_gan, {}), ("plain", plain, PLAIN)):
            torch.manual_seed(SEED)
            found, runs[name] = train(make(), PLANE | change | {"steps": steps})
            tensors |= {f"{name}.{part}": value for part, value in found.items()}
    card = {
        "command": "make replay",
        "what": "moments of two trainings of a GAN on the ring, for the figure gan_replay",
        "data": "ring: 100,000 points",
        "seed": SEED,
        "steps": steps,
        "batch": BATCH,
        "runs": runs,
    }
    write_asset(tensors, target, card, clock.cpu_s)


if __name__ == "__main__":
    main()
