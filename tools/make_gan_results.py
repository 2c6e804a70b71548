"""Measure the results of chapter 4: `python -m tools.make_gan_results`, with names for some sections only.

In the plane: ring and grid, 2,500 samples, five seeds; what a seed changes: data, weights, batches, codes, noise.
The recipe was chosen on other seeds than these. On digits: five seeds; everything was chosen on the validation images.
"""

import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genlib import data
from genlib.evaluate import (
    class_histogram_tv,
    digits_floor,
    finish,
    frechet_distance,
    judge,
    mode_scores,
    points_floor,
    score_digits,
)
from genlib.gan import GAN, image_gan, plane_gan
from genlib.losses import saturating_generator_loss
from genlib.nets import mlp
from genlib.run import Clock
from genlib.train import batches, fit_gan, geometric, weight_average
from tools import results
from tools.make_autoencoder_results import levels
from tools.make_table import GAN_RECIPE, trained_gan

SEEDS, PLANE_SEEDS, N = (0, 1, 2, 3, 4), (20, 21, 22, 23, 24), 2500
TARGET = results.DATA / "gan.json"
PLANE = {"steps": 8000, "lr": 1e-3, "anneal": True, "noise": geometric(1.0, 0.01)}
BATCH = 512

over_seeds = partial(results.over_seeds, seeds=SEEDS)


# --- the plane -----------------------------------------------------------------------------------------------


def plane_run(
    density: str, seed: int, make: Callable[[], GAN] = plane_gan, decay: float = 0.0, **recipe
) -> dict:
    """Train on one density in units of its standard deviation, and score samples."""
    torch.manual_seed(seed)
    truth = getattr(data, density)()
    x = truth.sample(100_000)
    scale, gan = x.std(), make()
    average = weight_average(gan.G, decay) if decay else None
    with Clock() as clock:
        fit_gan(gan, batches(x / scale, size=BATCH), **(PLANE | {"average": average} | recipe))
    samples = gan.sample(N, G=average) * scale
    return mode_scores(samples, truth) | {"cpu_s": clock.cpu_s}


def plane_seeds(density: str, **change) -> dict:
    """The scores over the seeds, and in how many of them every mode was covered."""
    found = results.over_seeds(lambda seed: plane_run(density, seed, **change), PLANE_SEEDS)
    K = len(getattr(data, density)().means)
    return found | {"complete": sum(modes == K for modes in found["modes"])}


def plain(latent_dim: int = 10, make: type[GAN] = GAN, wrap: Callable = lambda layer: layer) -> GAN:
    """The GAN of most tutorials, with the same sizes: a Gaussian latent, and points as they are for D."""
    G = mlp((latent_dim, 64, 64, 2), activation=nn.ReLU)
    D = nn.Sequential(*map(wrap, mlp((2, 64, 64, 1))), nn.Flatten(0))
    return make(G, D, latent_dim)


def plane() -> dict:
    """The book's recipe, and the same with a Gaussian latent, on both densities, beside true points."""
    rng = torch.Generator().manual_seed(0)
    return {
        density: {
            "floor": points_floor(getattr(data, density)(), N, rng),
            "recipe": plane_seeds(density),
            "gaussian": plane_seeds(density, make=partial(plane_gan, 0, 10)),
            "plain": plane_seeds(density, make=plain, **PLAIN),
        }
        for density in ("ring", "grid")
    }


PLAIN = {"noise": None, "anneal": False}

LESS: dict[str, dict] = {
    "gaussian_latent": {"make": partial(plane_gan, 0, 10)},
    "no_fourier": {"make": partial(plane_gan, octaves=0)},
    "no_noise": {"noise": None},
    "small_noise": {"noise": geometric(0.01, 0.01)},
    "constant_rate": {"anneal": False},
    "average": {"decay": 0.999},
}


def one_less() -> dict:
    """The grid with one ingredient of the recipe changed at a time."""
    return {name: plane_seeds("grid", **change) for name, change in LESS.items()}


class Relativistic(GAN):
    """Each loss compares a pair: log sigmoid(D(x) - D(G(z))) and the reverse (Jolicoeur-Martineau 2019)."""

    def d_loss(self, x: Tensor, z: Tensor) -> dict[str, Tensor]:
        self.x = x
        real, fake = self.logits(x), self.logits(self.G(z).detach())
        return {"loss": F.softplus(fake - real).mean()}

    def g_loss(self, z: Tensor) -> dict[str, Tensor]:
        return {"loss": F.softplus(self.logits(self.x) - self.logits(self.G(z))).mean()}


class Saturating(GAN):
    """G minimises log(1 - D(G(z))), as the minimax game says."""

    def g_loss(self, z: Tensor) -> dict[str, Tensor]:
        return {"loss": saturating_generator_loss(self.logits(self.G(z))).mean()}


class Pairs(nn.Module):
    """D that sees two points of the batch at once and gives both the same logit (Lin et al. 2018)."""

    def __init__(self) -> None:
        super().__init__()
        self.net = mlp((4, 64, 64, 1))

    def forward(self, x: Tensor) -> Tensor:
        return self.net(x.view(-1, 4)).expand(-1, 2).flatten()


def packed() -> GAN:
    return GAN(plain().G, Pairs(), 10)


def signed() -> GAN:
    return GAN(plain().G, plain().D, 10, signs=8)


def fourier() -> GAN:
    return GAN(plain().G, plane_gan().D, 10)


def penalised(r1: float) -> GAN:
    gan = plain()
    gan.r1 = r1
    return gan


def normalised() -> GAN:
    return plain(wrap=lambda layer: spectral_norm(layer) if isinstance(layer, nn.Linear) else layer)


MORE: dict[str, dict] = {
    "nothing": {},
    "saturating": {"make": partial(plain, make=Saturating)},
    "signs": {"make": signed},
    "fourier": {"make": fourier},
    "noise": {"noise": PLANE["noise"]},
    "r1": {"make": partial(penalised, 0.1)},
    "relativistic": {"make": partial(plain, make=Relativistic)},
    "spectral_norm": {"make": normalised},
    "packing": {"make": packed},
    "falling_rate": {"anneal": True},
}


def one_more() -> dict:
    """The grid with one ingredient added to the GAN of most tutorials at a time."""
    return {
        name: plane_seeds("grid", **({"make": plain} | PLAIN | change))
        for name, change in MORE.items()
    }


# --- the digits ----------------------------------------------------------------------------------------------


def digits() -> dict:
    """Scores of the digits GAN against the test images, and how D tells digits it knows from new ones and fakes."""
    return {"floor": digits_floor()} | over_seeds(digits_run)


@torch.no_grad()
def digits_run(seed: int) -> dict:
    (gan, cpu_s), images = trained_gan(seed), data.digits()
    rng = torch.Generator().manual_seed(seed)
    fakes = gan.sample(1000, rng)
    scores = score_digits(finish(fakes), rng=rng)
    logits = {
        "logit_train": images.x_train,
        "logit_val": images.x_val,
        "logit_fake": fakes,
    }
    return scores | {name: gan.D(x).mean().item() for name, x in logits.items()} | {"cpu_s": cpu_s}


NOISE = geometric(0.15, 0.02, share=1)
DIGITS: dict[str, dict] = {
    "recipe": {},
    "no_r1": {"r1": 0.0},
    "noise": {"noise": NOISE},
    "noise_no_r1": {"r1": 0.0, "noise": NOISE},
    "constant_rate": {"anneal": False},
}


def digits_less() -> dict:
    """One ingredient of the digits' recipe changed at a time; validation images in the place of the test images."""
    return {
        name: over_seeds(lambda seed, c=change: digits_less_run(seed, **c))
        for name, change in DIGITS.items()
    }


def digits_less_run(seed: int, r1: float | None = None, **change) -> dict:
    torch.manual_seed(seed)
    images, judged = data.digits(), judge("digits")
    gan = image_gan() if r1 is None else image_gan(r1=r1)
    fit_gan(gan, batches(images.x_train), **(GAN_RECIPE | change))
    with torch.no_grad():
        x = finish(gan.sample(1000))
        return {
            "frechet_val": frechet_distance(judged.features(x), judged.features(images.x_val)),
            "class_tv_val": class_histogram_tv(judged.predict(x), judged.predict(images.x_val)),
            "logit_train": gan.D(images.x_train).mean().item(),
            "logit_val": gan.D(images.x_val).mean().item(),
        }


# --- pictures for the page -----------------------------------------------------------------------------------


@torch.no_grad()
def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    (gan, _), images = trained_gan(SEEDS[0]), data.digits()
    rng = torch.Generator().manual_seed(SEEDS[0])
    fakes = gan.sample(12, rng)
    distance = torch.cdist(finish(fakes).flatten(1), images.x_train.flatten(1))
    ends = gan.prior(2, rng)
    t = torch.linspace(0, 1, 12)[:, None]
    return {
        "samples": {
            "GAN": levels(fakes),
            "nearest training digit": levels(images.x_train[distance.argmin(dim=1)]),
        },
        "path": {"between two codes": levels(gan.G((1 - t) * ends[:1] + t * ends[1:]))},
    }


# --- the file ------------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], dict]] = {
    section.__name__: section
    for section in (plane, one_less, one_more, digits, digits_less, pictures)
}


def main(names: Sequence[str], target: Path = TARGET) -> None:
    """Measure the named sections, or all, and keep the others as they are stored."""
    about = {
        "command": "python -m tools.make_gan_results",
        "seeds": list(SEEDS),
        "seeds_plane": list(PLANE_SEEDS),
        "threads": 1,
        "recipe_plane": {"steps": PLANE["steps"], "lr": PLANE["lr"], "batch": BATCH},
        "recipe_digits": {"steps": GAN_RECIPE["steps"], "lr": GAN_RECIPE["lr"], "batch": 100},
    }
    results.measure_sections(SECTIONS, names, about, target)


if __name__ == "__main__":
    main(sys.argv[1:])
