"""How good is a GAN on MNIST after two minutes on a CPU? `make bench BENCH=gan_mnist`, or `RUNS="minutes:0"`.

The digits' GAN with wider layers, a stronger R1 and a little noise, in bfloat16. Chosen on the validation images.
"""

import sys
from dataclasses import dataclass

import torch

from benchmarks import mnist as bench
from genlib.data import mnist
from genlib.gan import image_gan
from genlib.run import Clock
from genlib.train import batches, fit_gan, geometric


@dataclass(frozen=True)
class Recipe:
    """A fixed number of turns, so that the result does not depend on how busy the machine is."""

    steps: int
    lr: float
    r1: float
    latent_dim: int = 64
    width: int = 512
    batch: int = 100


RECIPES = {"minutes": Recipe(5000, 4e-3, 1.0)}


def run(name: str, seed: int) -> dict:
    """Train one recipe with one seed, and score it against the test images, touched here only."""
    recipe = RECIPES[name]
    torch.manual_seed(seed)
    gan = image_gan(recipe.latent_dim, bench.SHAPE, recipe.width, r1=recipe.r1)
    gan.G, gan.D = bench.InBfloat16(gan.G), bench.InBfloat16(gan.D)
    loader = batches(mnist().x_train, size=recipe.batch)
    with Clock() as clock:
        fit_gan(
            gan,
            loader,
            recipe.steps,
            recipe.lr,
            anneal=True,
            noise=geometric(0.15, 0.02, share=1),
            title=f"{name}, seed {seed}",
        )
    x = gan.eval().sample(bench.N, torch.Generator().manual_seed(seed))
    return bench.score(x) | {
        "parameters": sum(p.numel() for p in gan.parameters()),
        "steps": recipe.steps,
        "train_cpu_s": clock.cpu_s,
    }


def main(names: list[str]) -> None:
    bench.main("gan_mnist", RECIPES, run, names)


if __name__ == "__main__":
    main(sys.argv[1:])
