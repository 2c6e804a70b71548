"""How good is our VAE on MNIST? `make bench BENCH=vae_mnist`, or `RUNS="minute:0 ten_minutes:1"` for some runs.

Binarised anew for every batch, scored on all 10,000 test images binarised once: the setting of Burda, Grosse &
Salakhutdinov 2016, whose Table 1 gives 86.76 nats for a VAE with one stochastic layer (k = 5000). The recipes were
chosen on the 5,000 validation images. Each run is kept in a file of its own under _build/bench as soon as it ends;
book/_data/vae_mnist.json is collected from these.
"""

import math
import sys
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks import mnist as bench
from genlib.data import binarise, mnist
from genlib.losses import gaussian_kl
from genlib.run import Clock, progress
from genlib.train import batches, fit
from genlib.vae import VAE, Bernoulli, image_vae

K, SHAPE = 5000, bench.SHAPE


@dataclass(frozen=True)
class Recipe:
    """A fixed number of steps, so that the result does not depend on how busy the machine is.

    bfloat16 multiplies matrices in half precision in training; scores are always in float32.
    """

    steps: int
    latent_dim: int
    lr: float
    batch: int = 200
    anneal: float = 0.7
    tutorial: bool = False
    binarised: bool = True
    bfloat16: bool = True
    k: int = K  # of the importance-weighted bound; 0 leaves it out


RECIPES = {
    "tutorial": Recipe(
        7000, 20, 1e-3, batch=128, anneal=0, tutorial=True, binarised=False, bfloat16=False, k=0
    ),
    "minute": Recipe(3400, 32, 6e-3, k=0),
    "ten_minutes": Recipe(32000, 40, 5e-3),
}


def network(recipe: Recipe, x_train: Tensor) -> VAE:
    """The book's networks with 512 units a layer, or those of the usual tutorial: one hidden layer of 400 each way.

    The last bias of ours starts at the log-odds of the mean pixel, so that training need not find the black border.
    """
    if recipe.tutorial:
        encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
        decoder = nn.Sequential(
            nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), nn.Unflatten(1, SHAPE)
        )
        return VAE(encoder, decoder, 20)
    model = image_vae(recipe.latent_dim, SHAPE, width=512, likelihood=Bernoulli())
    with torch.no_grad():
        model.decoder[-2].bias.copy_(x_train.mean(dim=0).clamp(0.002, 0.998).logit().flatten())
    return model


class InBfloat16(nn.Module):
    """The loss of a model with its matrices multiplied in bfloat16; the weights stay float32.

    One autocast for each loss: around the whole training it would keep its first copies of the weights.
    """

    def __init__(self, model: VAE):
        super().__init__()
        self.model = model

    def loss(self, x: Tensor) -> dict[str, Tensor]:
        with torch.autocast("cpu", torch.bfloat16):
            return self.model.loss(x)


def binarised(loader: Iterator[tuple[Tensor]]) -> Iterator[tuple[Tensor]]:
    """The batches with their pixels drawn anew."""
    return ((binarise(x),) for (x,) in loader)


def run(name: str, seed: int) -> dict:
    """Train one recipe with one seed, and score it on the whole test set, touched here only."""
    recipe, data = RECIPES[name], mnist()
    torch.manual_seed(seed)
    model = network(recipe, data.x_train)
    loader = batches(data.x_train, size=recipe.batch)
    with Clock() as clock:
        fit(
            InBfloat16(model) if recipe.bfloat16 else model,
            binarised(loader) if recipe.binarised else loader,
            recipe.steps,
            lr=recipe.lr,
            anneal=recipe.anneal,
            title=f"{name}, seed {seed}",
        )
    x_test, x_val, x_train = (
        binarise(x, torch.Generator().manual_seed(123))
        for x in (data.x_test, data.x_val, data.x_train[:5000])
    )
    row = {
        "parameters": sum(p.numel() for p in model.parameters()),
        "steps": recipe.steps,
        "epochs": recipe.steps * recipe.batch / len(data.x_train),
        "train_cpu_s": clock.cpu_s,
        "train_wall_s": clock.wall_s,
    }
    rng = torch.Generator().manual_seed(seed)
    for part, x in {"test": x_test, "val": x_val, "train": x_train}.items():
        row |= {f"{key}_{part}": value for key, value in elbo(model, x, rng).items()}
    if recipe.k:
        row |= importance_bound(model, x_test, recipe.k, rng)
    return row


@torch.no_grad()
def elbo(model: VAE, x: Tensor, rng: torch.Generator, draws: int = 5) -> dict[str, float]:
    """The ELBO in nats per image, its standard error over the images, its divergence, and that of the first 500."""
    each = torch.stack([bound(model, x, 1, rng, size=1000) for _ in range(draws)]).mean(dim=0)
    kl = torch.cat([gaussian_kl(*model.encode(part)) for part in x.split(1000)])
    return {
        "elbo": each.mean().item(),
        "elbo_se": each.std().item() / math.sqrt(len(x)),
        "elbo_first_500": each[:500].mean().item(),
        "kl": kl.mean().item(),
    }


def importance_bound(model: VAE, x: Tensor, k: int, rng: torch.Generator) -> dict[str, float]:
    """The k-sample bound on -log p(x) in nats per image, with its standard error, and that of the first 500."""
    with Clock() as clock:
        each = -bound(model, x, k, rng, size=50, title=f"bound with {k} codes an image")
    return {
        "nll_bound": each.mean().item(),
        "nll_bound_se": each.std().item() / math.sqrt(len(x)),
        "nll_bound_first_500": each[:500].mean().item(),
        "nll_bound_cpu_s": clock.cpu_s,
    }


def bound(
    model: VAE, x: Tensor, k: int, rng: torch.Generator, size: int, title: str = ""
) -> Tensor:
    """log_prob(x, k), shape (B,), `size` images at a time."""
    parts = x.split(size)
    shown = progress(parts, title) if title else parts
    return torch.cat([model.log_prob(part, k, rng) for part in shown])


def described(recipe: Recipe) -> dict:
    return {"recipe": asdict(recipe), "k": recipe.k}


STORED = {"about": dict, "describe": described}  # no floor: a likelihood needs none


def collect(runs: Path, target: Path) -> None:
    bench.collect("vae_mnist", RECIPES, runs, target, **STORED)


def main(names: list[str]) -> None:
    bench.main("vae_mnist", RECIPES, run, names, **STORED)


if __name__ == "__main__":
    main(sys.argv[1:])
