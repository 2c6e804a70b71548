"""How good is a GAN on MNIST after two minutes on a CPU? `make bench BENCH=gan_mnist`, or `RUNS="minutes:0"`.

The digits' GAN with wider layers, a stronger R1 and a little noise, in bfloat16. Chosen on the validation images.
"""

import sys
from functools import partial

import torch
from torch import Tensor

from benchmarks import mnist as bench
from genlib import recipes
from genlib.gan import GAN

RECIPES = {"minutes": recipes.RECIPES["gan_mnist"]}


def draw(gan: GAN, rng: torch.Generator) -> Tensor:
    return gan.sample(bench.N, rng)


def main(names: list[str]) -> None:
    bench.main("gan_mnist", RECIPES, partial(bench.run, draw), names)


if __name__ == "__main__":
    main(sys.argv[1:])
