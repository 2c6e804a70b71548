"""Train the diffusion model of the digits that comes with the book, and film it: `make ddpm`.

The weights go to `genlib/assets/ddpm_digits`, the moments that the figure `diffusion_film` shows to `ddpm_film`.
"""

import torch
from torch import Tensor

from genlib.data import digits, signed
from genlib.ddpm import DDPM
from genlib.pretrained import ASSETS
from genlib.recipes import RECIPES
from tools.results import (
    IMAGE,
    N_SAMPLES,
    described,
    drawn_digits,
    frechet,
    generator,
    parameters,
    train,
    write_asset,
)

RECIPE, SEED, STEPS = "ddpm_digits", 0, 50
MOMENTS = [*range(1000, 700, -50), *range(700, 100, -25), *range(100, -1, -10)]


@torch.no_grad()
def measure(model: DDPM) -> dict[str, float]:
    """The numbers on the card: Fréchet distance to the validation images in 50 DDIM steps, and the loss on them."""
    x_val, rng = digits().x_val, generator(SEED)
    x = drawn_digits(model, rng, STEPS)
    t, eps = model.times(len(x_val), rng), torch.randn(x_val.shape, generator=rng)
    loss = model.loss(signed(x_val), t=t, eps=eps)["loss"].item()
    return {"frechet_val": frechet(x, x_val), "loss_val": loss}


@torch.no_grad()
def film(model: DDPM, chains: int = 8) -> dict[str, Tensor]:
    """What the figure shows, as small integers: x_0 in 127ths, eps in 32nds, the states of the walk back in 40ths."""
    rng = generator(SEED)
    x_0 = signed(digits().x_test[:chains])
    eps = torch.randn(x_0.shape, generator=rng)
    states = list(model.denoise(chains, IMAGE, rng))
    back = torch.stack([states[model.T - t] for t in MOMENTS])
    parts = {"x_0": (x_0, 127), "eps": (eps, 32), "back": (back, 40)}
    return {
        name: (scale * x).round().clamp(-127, 127).to(torch.int8)
        for name, (x, scale) in parts.items()
    }


def main() -> None:
    torch.set_num_threads(1)
    model, _, cpu_s = train(RECIPE, SEED)
    card = {
        "command": "make ddpm",
        "what": "DDPM of the digits, a small U-Net that predicts v; average of its weights over the training",
        "data": "digits: 1,000 train images to fit",
        "recipe": RECIPE,
        "seed": SEED,
        **described(RECIPES[RECIPE]),
        "ddim_steps": STEPS,
        "n": N_SAMPLES,
        **measure(model),
        "parameters": parameters(model),
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
