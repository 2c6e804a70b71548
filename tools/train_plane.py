"""Train the networks behind the latent planes of `genlib.interact` and write their weights: `make plane`.

`python -m tools.train_plane vae` trains one of them alone.

The network is the book's own and the recipe is plain; width and learning rate are chosen by the error on the
validation images, and so is the number of Gaussians of the mixture that is fitted to the codes.
"""

import itertools
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from genlib.autoencoder import Autoencoder, CodeDistribution, fitted_mixture, image_autoencoder
from genlib.data import digits
from genlib.pretrained import ASSETS, card
from genlib.recipes import RECIPES
from genlib.run import Clock
from genlib.vae import VAE, image_vae
from tools import results
from tools.results import best, error, expect_names, generator, parameters, write_asset

SEED, WIDTHS, RATES, COMPONENTS = 0, (64, 128), (3e-3, 1e-2), (1, 5, 10, 15, 20, 30)
MAKERS = {"autoencoder": image_autoencoder, "vae": image_vae}
WHAT = {
    "autoencoder": "autoencoder of the 8 x 8 digits with two code numbers, and a mixture fitted to its codes",
    "vae": "VAE of the 8 x 8 digits with two latent dimensions, and a mixture fitted to its mean codes",
}


def train(
    x: Tensor, width: int, lr: float, steps: int | None = None, kind: str = "autoencoder"
) -> Autoencoder | VAE:
    """One network by its recipe with another width and rate, the same on every run."""
    changes = {"steps": {"cpu": steps}} if steps else {}
    return results.train(
        f"{kind}_latent_plane",
        SEED,
        f"width {width}, learning rate {lr:g}",
        generator(SEED),
        model=partial(MAKERS[kind], 2, width=width),
        data=(x,),
        lr=lr,
        **changes,
    ).model


@torch.no_grad()
def negative_elbo(model: VAE, x: Tensor, draws: int = 50) -> float:
    """-ELBO in nats per image, mean over draws of the codes."""
    eps = torch.randn(draws, len(x), 2, generator=generator(SEED))
    return sum(model.loss(x, eps=e)["loss"].item() for e in eps) / draws


def measures(kind: str) -> dict[str, Callable]:
    """What the card says of a network; the first one is what the recipe is chosen by."""
    return ({"negative_elbo": negative_elbo} if kind == "vae" else {}) | {"squared_error": error}


def mean_codes(model: Autoencoder | VAE, x: Tensor) -> Tensor:
    return model.encode(x)[0] if isinstance(model, VAE) else model.encode(x)


def fitted(z: Tensor, k: int) -> CodeDistribution:
    return fitted_mixture(z, k, generator(SEED))


def train_plane(kind: str, target: Path = ASSETS, steps: int | None = None) -> None:
    """Train all variants, keep the best one on the validation images, and write weights and card.

    The VAE takes the width of the autoencoder.
    """
    recipe, data = RECIPES[f"{kind}_latent_plane"], digits()
    widths = (card("autoencoder_plane")["chosen"]["width"],) if kind == "vae" else WIDTHS
    criterion, measure = next(iter(measures(kind).items()))
    with Clock() as clock:
        tried = []
        for width, lr in itertools.product(widths, RATES):
            model = train(data.x_train, width, lr, steps, kind)
            row = {"width": width, "lr": lr, f"val_{criterion}": measure(model, data.x_val)}
            tried.append((row, model))
        chosen, model = min(tried, key=lambda one: one[0][f"val_{criterion}"])
        z, z_val = mean_codes(model, data.x_train), mean_codes(model, data.x_val)
        k, reached = best(lambda k: fitted(z, k).log_prob(z_val).mean().item(), COMPONENTS)
    mixture = fitted(z, k)
    parts = {"weights": mixture.weights, "means": mixture.means, "roots": mixture.roots}
    facts = {
        "command": "make plane",
        "what": WHAT[kind],
        "data": "digits: 1,000 train images to fit, 297 validation images to choose, 500 test images once",
        "recipe": f"{kind}_latent_plane",
        "seed": SEED,
        "steps": steps or recipe.steps["cpu"],
        "batch": recipe.batch,
        "chosen": chosen | {"components": k},
        "tried": [row for row, _ in tried],
        "tried_components": [{"components": int(k), "val_nats": v} for k, v in reached.items()],
        **{
            f"{part}_{name}": measured(model, x)
            for name, measured in measures(kind).items()
            for part, x in (("test", data.x_test), ("train", data.x_train))
        },
        "parameters": parameters(model),
    }
    tensors = model.state_dict() | {f"mixture.{name}": part for name, part in parts.items()}
    write_asset(tensors, target / f"{kind}_plane", facts, clock.cpu_s)


def main(names: list[str]) -> None:
    """Train the named planes, or both."""
    expect_names(names, list(MAKERS))
    torch.set_num_threads(1)
    for name in names or MAKERS:
        train_plane(name)


if __name__ == "__main__":
    main(sys.argv[1:])
