"""Train the networks behind the latent planes of `genlib.interact` and write their weights: `make plane`.

`python -m tools.train_plane vae` trains one of them alone.

The network is the book's own and the recipe is plain; width and learning rate are chosen by the error on the
validation images, and so is the number of Gaussians of the mixture that is fitted to the codes.
"""

import itertools
import json
import sys
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.autoencoder import Autoencoder, CodeLaw, fitted_mixture, image_autoencoder
from genlib.data import digits
from genlib.losses import squared_error
from genlib.run import Clock
from genlib.train import batches, fit
from genlib.vae import VAE, image_vae
from tools.results import ASSETS, write_asset

SEED, STEPS, BATCH = 0, 3000, 100
WIDTHS, RATES, COMPONENTS = (64, 128), (3e-3, 1e-2), (1, 5, 10, 15, 20, 30)
Make = Callable[..., Autoencoder | VAE]


def train(
    x: Tensor, width: int, lr: float, steps: int = STEPS, make: Make = image_autoencoder
) -> Autoencoder | VAE:
    """One network by one recipe, the same on every run."""
    torch.manual_seed(SEED)
    rng = torch.Generator().manual_seed(SEED)
    model = make(2, width=width)
    loader = batches(x, size=BATCH, rng=rng)
    fit(model, loader, steps, lr, anneal=True, title=f"width {width}, learning rate {lr:g}")
    return model


@torch.no_grad()
def error(model: Autoencoder | VAE, x: Tensor) -> float:
    """Squared error summed over the pixels, mean over the images, in evaluation mode; of a VAE at the mean codes."""
    return squared_error(model.reconstruct(x), x).mean().item()


def choose_mixture(z: Tensor, z_val: Tensor) -> tuple[CodeLaw, dict[int, float]]:
    """The mixture with the highest mean log-density on z_val, and what each number of components reached."""
    laws = {k: fitted_mixture(z, k, torch.Generator().manual_seed(SEED)) for k in COMPONENTS}
    reached = {k: law.log_prob(z_val).mean().item() for k, law in laws.items()}
    return laws[max(reached, key=reached.get)], reached


@torch.no_grad()
def negative_elbo(model: VAE, x: Tensor, draws: int = 50) -> float:
    """-ELBO in nats per image, mean over draws of the codes."""
    rng = torch.Generator().manual_seed(SEED)
    eps = torch.randn(draws, len(x), 2, generator=rng)
    return sum(model.loss(x, eps=e)["loss"].item() for e in eps) / draws


def autoencoder_plane() -> None:
    """Choose width and learning rate by the squared error on the validation images, and write weights and card."""
    data, tried = digits(), []
    with Clock() as clock:
        for width, lr in itertools.product(WIDTHS, RATES):
            model = train(data.x_train, width, lr)
            tried.append((error(model, data.x_val), {"width": width, "lr": lr}, model))
        best, chosen, model = min(tried, key=lambda one: one[0])
        with torch.no_grad():
            mixture, reached = choose_mixture(model.encode(data.x_train), model.encode(data.x_val))
    card = {
        "what": "autoencoder of the 8 x 8 digits with two code numbers, and a mixture fitted to its codes",
        "chosen": chosen | {"val_squared_error": best, "components": len(mixture.weights)},
        "tried": [recipe | {"val_squared_error": value} for value, recipe, _ in tried],
        "test_squared_error": error(model, data.x_test),
        "train_squared_error": error(model, data.x_train),
    }
    keep("autoencoder_plane", model, mixture, reached, card, clock.cpu_s)


def vae_plane() -> None:
    """The same for a VAE of the autoencoder's width; the learning rate is chosen by the ELBO of validation images."""
    width = json.loads((ASSETS / "autoencoder_plane.json").read_text())["chosen"]["width"]
    data, tried = digits(), []
    with Clock() as clock:
        for lr in RATES:
            model = train(data.x_train, width, lr, make=image_vae)
            tried.append((negative_elbo(model, data.x_val), {"width": width, "lr": lr}, model))
        best, chosen, model = min(tried, key=lambda one: one[0])
        with torch.no_grad():
            mixture, reached = choose_mixture(
                model.encode(data.x_train)[0], model.encode(data.x_val)[0]
            )
    card = {
        "what": "VAE of the 8 x 8 digits with two latent dimensions, and a mixture fitted to its mean codes",
        "chosen": chosen | {"val_negative_elbo": best, "components": len(mixture.weights)},
        "tried": [recipe | {"val_negative_elbo": value} for value, recipe, _ in tried],
        "test_negative_elbo": negative_elbo(model, data.x_test),
        "train_negative_elbo": negative_elbo(model, data.x_train),
        "test_squared_error": error(model, data.x_test),
        "train_squared_error": error(model, data.x_train),
    }
    keep("vae_plane", model, mixture, reached, card, clock.cpu_s)


def keep(
    name: str,
    model: Autoencoder | VAE,
    mixture: CodeLaw,
    reached: dict[int, float],
    card: dict,
    cpu_s: float,
) -> None:
    """Write the weights, and the card beside them."""
    law = {"weights": mixture.weights, "means": mixture.means, "roots": mixture.roots}
    tensors = model.state_dict() | {f"mixture.{name}": part for name, part in law.items()}
    common = {
        "command": "make plane",
        "data": "digits: 1,000 train images to fit, 297 validation images to choose, 500 test images once",
        "seed": SEED,
        "steps": STEPS,
        "batch": BATCH,
    }
    facts = {
        "tried_components": [{"components": k, "val_nats": v} for k, v in reached.items()],
        "parameters": sum(p.numel() for p in model.parameters()),
    }
    write_asset(tensors, ASSETS / name, common | card | facts, cpu_s)


PLANES = {"autoencoder": autoencoder_plane, "vae": vae_plane}


def main(names: list[str]) -> None:
    """Train the named planes, or both."""
    torch.set_num_threads(1)
    for name in names or PLANES:
        PLANES[name]()


if __name__ == "__main__":
    main(sys.argv[1:])
