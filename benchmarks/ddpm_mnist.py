"""How good is a diffusion model on the pixels of MNIST after two minutes on a CPU? `make bench BENCH=ddpm_mnist`.

The digits' model: 2 x 2 pixels are taken as one with four channels, so the network works on 14 x 14. Chosen on the
validation images.
"""

import sys
from functools import partial

import torch
from torch import Tensor

from benchmarks import mnist as bench
from genlib import recipes
from genlib.data import unsigned
from genlib.ddpm import DDPM

RECIPES = {"minutes": recipes.RECIPES["ddpm_mnist"]}
STEPS, ETA, AT_ONCE = 50, 1.0, 500


def draw(model: DDPM, rng: torch.Generator) -> Tensor:
    """All samples, some at once: together they would fill the memory."""
    parts = [model.ddim(AT_ONCE, bench.SHAPE, STEPS, ETA, rng) for _ in range(bench.N // AT_ONCE)]
    return unsigned(torch.cat(parts))


def main(names: list[str]) -> None:
    bench.main("ddpm_mnist", RECIPES, partial(bench.run, draw), names)


if __name__ == "__main__":
    main(sys.argv[1:])
