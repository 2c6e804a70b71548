"""Train the diffusion model of the digits that comes with the book, and film it: `make ddpm`.

The weights go to `genlib/assets/ddpm_digits`, the moments that the figure `diffusion_film` shows to `ddpm_film`.
"""

import torch
from torch import Tensor

from genlib.data import digits, signed
from genlib.ddpm import DDPM
from genlib.evaluate import frechet_distance, judge
from tools.make_table import (
    DDPM_BATCH,
    DDPM_DECAY,
    DDPM_RECIPE,
    N_SAMPLES,
    drawn_digits,
    trained_ddpm,
)
from tools.results import ASSETS, write_asset

SEED, STEPS = 0, 50
MOMENTS = [*range(1000, 700, -50), *range(700, 100, -25), *range(100, -1, -10)]


def measure(model: DDPM) -> dict[str, float]:
    """The numbers on the card: Fréchet distance to the validation images in 50 DDIM steps, and the loss on them."""
    x_val = digits().x_val
    rng = torch.Generator().manual_seed(SEED)
    x = drawn_digits(model, rng, STEPS)
    features = judge("digits").features
    t, eps = model.times(len(x_val), rng), torch.randn(x_val.shape, generator=rng)
    with torch.no_grad():
        loss = model.loss(signed(x_val), t=t, eps=eps)["loss"].item()
    return {"frechet_val": frechet_distance(features(x), features(x_val)), "loss_val": loss}


@torch.no_grad()
def film(model: DDPM, chains: int = 8) -> dict[str, Tensor]:
    """What the figure shows, as small integers: x_0 in 127ths, eps in 32nds, the states of the walk back in 40ths."""
    rng = torch.Generator().manual_seed(SEED)
    x_0 = signed(digits().x_test[:chains])
    eps = torch.randn(x_0.shape, generator=rng)
    states = list(model.denoise(chains, (1, 8, 8), rng))
    back = torch.stack([states[model.T - t] for t in MOMENTS])
    parts = {"x_0": (x_0, 127), "eps": (eps, 32), "back": (back, 40)}
    return {
        name: (scale * x).round().clamp(-127, 127).to(torch.int8)
        for name, (x, scale) in parts.items()
    }


def main() -> None:
    torch.set_num_threads(1)
    model, _, cpu_s = trained_ddpm(SEED)
    card = {
        "command": "make ddpm",
        "what": "DDPM of the digits, a small U-Net that predicts v; average of its weights over the training",
        "data": "digits: 1,000 train images to fit",
        "seed": SEED,
        "batch": DDPM_BATCH,
        "decay": DDPM_DECAY,
        **DDPM_RECIPE,
        "ddim_steps": STEPS,
        "n": N_SAMPLES,
        **measure(model.eval()),
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    write_asset(model.state_dict(), ASSETS / "ddpm_digits", card, cpu_s)
    card = {
        "command": "make ddpm",
        "what": "eight test digits, noise for them, and eight reverse chains of ddpm_digits at some moments",
        "data": "digits: the first test images",
        "seed": SEED,
        "moments": MOMENTS,
    }
    write_asset(film(model), ASSETS / "ddpm_film", card, 0.0)


if __name__ == "__main__":
    main()
