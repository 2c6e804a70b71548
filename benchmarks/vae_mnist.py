"""How good is our VAE on MNIST? `make bench BENCH=vae_mnist`, or `RUNS="minute:0 ten_minutes:1"` for some runs.

`RUNS=pictures` trains the long recipe once, with seed 0, and keeps small pictures of what it rebuilds and draws.

Binarised anew for every batch, scored on all 10,000 test images binarised once: the setting of Burda, Grosse &
Salakhutdinov 2016, whose Table 1 gives 86.76 nats for a VAE with one stochastic layer, trained with one draw per
image (k = 1) and scored with 5,000. The recipes were chosen on the 5,000 validation images. Each run is kept in a file
of its own under _build/bench as soon as it ends; book/_data/vae_mnist.json is collected from these.
"""

import math
import sys
from dataclasses import replace
from functools import partial

import torch
from torch import Tensor, nn

from benchmarks import mnist as bench
from genlib import recipes
from genlib.data import binarise, mnist
from genlib.losses import gaussian_kl
from genlib.nets import InBfloat16
from genlib.recipes import Recipe, mnist_vae
from genlib.run import Clock
from genlib.train import constant, progress
from genlib.vae import VAE
from tools import results
from tools.results import generator, packed, parameters, train

K, LONG = (
    5000,
    "ten_minutes",
)  # codes an image of the importance-weighted bound, which only this recipe gets


def tutorial() -> VAE:
    """The VAE of the usual tutorial: one hidden layer of 400 each way."""
    encoder = nn.Sequential(nn.Flatten(), nn.Linear(784, 400), nn.ReLU(), nn.Linear(400, 40))
    out = nn.Unflatten(1, bench.SHAPE)
    return VAE(encoder, nn.Sequential(nn.Linear(20, 400), nn.ReLU(), nn.Linear(400, 784), out), 20)


MINUTE = recipes.RECIPES["vae_mnist"]
RECIPES = {
    "tutorial": replace(
        MINUTE,
        model=tutorial,
        steps={"cpu": 7000},
        lr=1e-3,
        batch=128,
        fall=constant,
        transform=None,
    ),
    "minute": MINUTE,
    LONG: replace(MINUTE, model=partial(mnist_vae, 40), steps={"cpu": 32000}, lr=5e-3),
}


def run(recipe: Recipe, title: str, seed: int) -> dict:
    """Train one recipe with one seed, and score it on the whole test set, touched here only."""
    data, rng = mnist(), generator(seed)
    model, _, cpu_s = train(recipe, seed, title)
    in_float32(model)
    row = {
        "parameters": parameters(model),
        "steps": recipe.steps["cpu"],
        "epochs": recipe.steps["cpu"] * recipe.batch / len(data.x_train),
        "train_cpu_s": cpu_s,
    }
    parts = {"test": data.x_test, "val": data.x_val, "train": data.x_train[:5000]}
    parts = {part: binarise(x, generator(123)) for part, x in parts.items()}
    for part, x in parts.items():
        row |= {f"{key}_{part}": value for key, value in elbo(model, x, rng).items()}
    if recipe is RECIPES[LONG]:
        row |= importance_bound(model, parts["test"], K, rng)
    return row


def in_float32(model: VAE) -> VAE:
    """The same model; scores are in full precision, whatever the training was in."""
    for name in ("encoder", "decoder"):
        if isinstance(net := getattr(model, name), InBfloat16):
            setattr(model, name, net.net)
    return model


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


def about() -> dict[str, int]:
    return {"k": K}  # and no floor: a likelihood needs none


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures(seed: int = 0, shown: int = 12) -> dict:
    """Rows of images as text, see `results.packed`: the first test digits, what comes back, what the prior draws."""
    recipe = RECIPES[LONG]
    model, _, cpu_s = train(recipe, seed, f"{LONG}, seed {seed}")
    return drawn(in_float32(model), mnist().x_test, seed, shown) | {
        "recipe": results.described(recipe),
        "shown": shown,
        "train_cpu_s": cpu_s,
    }


@torch.no_grad()
def drawn(model: VAE, x: Tensor, seed: int, shown: int) -> dict:
    """What a trained model does with the first images, binarised, and with codes from its prior; its ELBO on all."""
    black = binarise(x, generator(123))
    means = model.sample(shown, generator(seed))
    rows = {
        "binarised": black[:shown],
        "rebuilt": model.reconstruct(black[:shown]),
        "prior": means,
        "pixels": binarise(means, generator(seed)),
    }
    return {
        "elbo_test": elbo(model, black, generator(seed))["elbo"],
        "rows": {name: packed(images) for name, images in rows.items()},
    }


def main(names: list[str]) -> None:
    if names == ["pictures"]:
        torch.set_num_threads(1)
        how = results.about("make bench BENCH=vae_mnist RUNS=pictures", (0,))
        target = results.DATA / "vae_mnist_pictures.json"
        results.write(results.facts() | how | pictures(), target)
    else:
        bench.main("vae_mnist", RECIPES, run, names, about)


if __name__ == "__main__":
    main(sys.argv[1:])
