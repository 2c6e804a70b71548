"""How good is a diffusion model on the pixels of MNIST after two minutes on a CPU? `make bench BENCH=ddpm_mnist`.

The digits' model: 2 x 2 pixels are taken as one with four channels, so the network works on 14 x 14. Chosen on the
validation images.
"""

import sys
from dataclasses import dataclass

import torch

from benchmarks import mnist as bench
from genlib.data import mnist, signed, unsigned
from genlib.ddpm import DDPM, cosine_beta
from genlib.nets import UNet
from genlib.run import Clock
from genlib.train import batches, fit, weight_average


@dataclass(frozen=True)
class Recipe:
    """A fixed number of steps, so that the result does not depend on how busy the machine is."""

    steps: int
    lr: float
    widths: tuple[int, int]
    batch: int = 64
    decay: float = 0.995
    anneal: float = 0.7
    ddim_steps: int = 50
    eta: float = 1.0


RECIPES = {"minutes": Recipe(1700, 3e-3, (32, 64))}


def run(name: str, seed: int) -> dict:
    """Train one recipe with one seed, and score it against the test images, touched here only."""
    recipe = RECIPES[name]
    torch.manual_seed(seed)
    net = bench.InBfloat16(UNet(bench.SHAPE, recipe.widths, patch=2))
    model = DDPM(net, cosine_beta(1000), predicts="v", clip=1.0)
    average = weight_average(model, recipe.decay)
    loader = batches(signed(mnist().x_train), size=recipe.batch)
    title = f"{name}, seed {seed}"
    with Clock() as clock:
        fit(
            model,
            loader,
            recipe.steps,
            recipe.lr,
            anneal=recipe.anneal,
            average=average,
            title=title,
        )
    rng = torch.Generator().manual_seed(seed)
    with Clock() as sampling:
        parts = [
            average.module.eval().ddim(500, bench.SHAPE, recipe.ddim_steps, recipe.eta, rng)
            for _ in range(bench.N // 500)
        ]
    x = unsigned(torch.cat(parts))
    return bench.score(x) | {
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": recipe.steps,
        "train_cpu_s": clock.cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / bench.N,
    }


def main(names: list[str]) -> None:
    bench.main("ddpm_mnist", RECIPES, run, names)


if __name__ == "__main__":
    main(sys.argv[1:])
