"""Measure the results of chapter 4: `python -m tools.make_gan_results`, with names for some sections only.

Points: ring and grid, 2,500 samples, five seeds; what a seed changes: data, weights, batches, codes, noise.
The recipe was chosen on other seeds than these. On digits: five seeds; everything was chosen on the validation images.
"""

from dataclasses import replace
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.parametrizations import spectral_norm

from genlib import data
from genlib.evaluate import (
    class_histogram_tv,
    digits_floor,
    mode_scores,
    points_floor,
    score_digits,
    to_grey_levels,
)
from genlib.gan import GAN, geometric, image_gan, points_gan
from genlib.losses import saturating_generator_loss
from genlib.nets import mlp
from genlib.pretrained import judge
from genlib.recipes import RECIPES
from genlib.train import constant
from tools import results
from tools.results import (
    N_POINTS,
    N_SAMPLES,
    frechet,
    generator,
    levels,
    nearest,
    plain_gan,
    train,
    train_points,
    trained,
)

SEEDS, SEEDS_POINTS, TARGET = (0, 1, 2, 3, 4), (20, 21, 22, 23, 24), results.DATA / "gan.json"
ABOUT = results.about(
    "python -m tools.make_gan_results",
    SEEDS,
    "gan_points",
    "gan_digits",
    seeds_points=list(SEEDS_POINTS),
)

over_seeds = partial(results.over_seeds, seeds=SEEDS)


# --- points in the plane -------------------------------------------------------------------------------------


def points_run(density: str, seed: int, **changes) -> dict:
    """Train on one density by the recipe with some changes, and score samples, drawn from torch's own generator."""
    found, truth, scale = train_points("gan_points", density, seed, **changes)
    scores = mode_scores(found.model.sample(N_POINTS) * scale, truth)
    return scores | {"train_cpu_s": found.cpu_s}


def points_row(density: str, **changes) -> dict:
    """The scores over the seeds, and in how many of them every mode was covered."""
    found = results.over_seeds(partial(points_run, density, **changes), SEEDS_POINTS)
    K = len(getattr(data, density)().means)
    return found | {"complete": sum(modes == K for modes in found["modes"])}


def points() -> dict:
    """The book's recipe, the same with Gaussian codes, and the plain GAN, beside true points."""
    rng = generator(0)
    return {
        density: {
            "floor": points_floor(getattr(data, density)(), N_POINTS, rng),
            "recipe": points_row(density),
            "gaussian": points_row(density, model=partial(RECIPE, 0, 10)),
            "plain": points_row(density, **PLAIN),
        }
        for density in ("ring", "grid")
    }


RECIPE = RECIPES["gan_points"].model
PLAIN = {"model": plain_gan, "fall": constant}

ABLATIONS: dict[str, dict] = {
    "gaussian_latent": {"model": partial(RECIPE, 0, 10)},
    "no_fourier": {"model": partial(RECIPE, octaves=0)},
    "no_noise": {"model": partial(RECIPE, instance_noise=None)},
    "small_noise": {"model": partial(RECIPE, instance_noise=geometric(0.01, 0.01))},
    "constant_rate": {"fall": constant},
    "ema": {"ema_decay": 0.999},
}


def points_ablations() -> dict:
    """The grid with one ingredient of the recipe changed at a time."""
    return {name: points_row("grid", **changes) for name, changes in ABLATIONS.items()}


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


def changed(**changes) -> GAN:
    """The plain GAN with some arguments of `GAN` changed."""
    gan = plain_gan()
    return GAN(gan.G, gan.D, gan.latent_dim, **changes)


def with_signs() -> GAN:
    return GAN(plain_gan().G, plain_gan().D, 10, signs=8)


def with_fourier() -> GAN:
    return GAN(plain_gan().G, points_gan().D, 10)


def with_pairs() -> GAN:
    return GAN(plain_gan().G, Pairs(), 10)


def normalised(layer: nn.Module) -> nn.Module:
    return spectral_norm(layer) if isinstance(layer, nn.Linear) else layer


ADDITIONS: dict[str, dict] = {
    "nothing": {},
    "saturating": {"model": partial(plain_gan, make=Saturating)},
    "signs": {"model": with_signs},
    "fourier": {"model": with_fourier},
    "noise": {"model": partial(changed, instance_noise=RECIPE.keywords["instance_noise"])},
    "r1": {"model": partial(changed, r1=0.1)},
    "relativistic": {"model": partial(plain_gan, make=Relativistic)},
    "spectral_norm": {"model": partial(plain_gan, wrap=normalised)},
    "packing": {"model": with_pairs},
    "falling_rate": {"fall": RECIPES["gan_points"].fall},
}


def points_additions() -> dict:
    """The grid with one ingredient added to the plain GAN at a time."""
    return {name: points_row("grid", **(PLAIN | more)) for name, more in ADDITIONS.items()}


# What three ways to fail look like, and a run that succeeds: density, seed, and what was changed.
FAILURES: dict[str, tuple[str, int, dict]] = {
    "blob": ("grid", 20, PLAIN),
    "collapse": ("grid", 20, PLAIN | ADDITIONS["fourier"]),
    "threads": ("ring", 21, {"model": partial(RECIPE, 0, 10)}),
    "recipe": ("grid", 22, {}),
}


def failures() -> dict:
    """200 samples of one run of each kind, x and y in turn, in hundredths, and the scores of 2,500."""
    return {name: failure(*run) for name, run in FAILURES.items()}


def failure(density: str, seed: int, changes: dict) -> dict:
    found, truth, scale = train_points("gan_points", density, seed, **changes)
    x = found.model.sample(N_POINTS) * scale
    scores = mode_scores(x, truth)
    kept = {name: scores[name] for name in ("modes", "high_quality", "spread")}
    return (
        {"density": density, "seed": seed}
        | kept
        | {"x": (100 * x[:200]).round().int().flatten().tolist()}
    )


# --- the digits ----------------------------------------------------------------------------------------------


def digits() -> dict:
    """Scores of the digits GAN against the test images, and how D tells digits it knows from new ones and fakes."""
    return {"floor": digits_floor()} | over_seeds(digits_run)


def digits_run(seed: int) -> dict:
    (gan, _, cpu_s), images, rng = trained("gan_digits", seed), data.digits(), generator(seed)
    fakes = gan.sample(N_SAMPLES, rng)
    scores = score_digits(to_grey_levels(fakes), rng=rng)
    seen = {"train": images.x_train, "val": images.x_val, "fake": fakes}
    return scores | logits(gan, seen) | {"train_cpu_s": cpu_s}


def logits(gan: GAN, seen: dict[str, Tensor]) -> dict[str, float]:
    """Mean log-odds that D gives to each."""
    return {f"logit_{name}": gan.D(x).mean().item() for name, x in seen.items()}


NOISE = geometric(0.15, 0.02, share=1)
DIGITS: dict[str, dict] = {
    "recipe": {},
    "no_r1": {"model": partial(image_gan, r1=0.0)},
    "noise": {"model": partial(image_gan, instance_noise=NOISE)},
    "noise_no_r1": {"model": partial(image_gan, r1=0.0, instance_noise=NOISE)},
    "constant_rate": {"fall": constant},
}


def digits_ablations() -> dict:
    """One ingredient of the digits' recipe changed at a time; validation images in the place of the test images."""
    return {
        name: over_seeds(partial(digits_ablation_run, changes)) for name, changes in DIGITS.items()
    }


def digits_ablation_run(changes: dict, seed: int) -> dict:
    images, read = data.digits(), judge().predict
    gan = train("gan_digits", seed, **changes).model
    x = to_grey_levels(
        gan.sample(N_SAMPLES)
    )  # from torch's own generator, as it is after the training
    return {
        "frechet_val": frechet(x, images.x_val),
        "class_tv_val": class_histogram_tv(read(x), read(images.x_val)),
    } | logits(gan, {"train": images.x_train, "val": images.x_val})


TURNS, EVERY = 2400, 100
BY_HEART: dict[str, dict] = {
    "no_r1": {"model": partial(image_gan, r1=0.0), "fall": constant},
    "r1": {"fall": constant},
}


def by_heart() -> dict:
    """The digits without R1 and with it, at a constant rate: every hundred turns the distance and what D says."""
    turns = {"turns": list(range(EVERY, TURNS + 1, EVERY))}
    return turns | {name: over_seeds(partial(film, changes)) for name, changes in BY_HEART.items()}


def film(changes: dict, seed: int, turns: int = TURNS) -> dict:
    """Over the turns: Fréchet distance to the validation images, mean logits on training and new digits; the best."""
    images, moments = data.digits(), []
    training = replace(RECIPES["gan_digits"], steps={"cpu": turns}, **changes).training(seed)
    for _ in training:
        if training.done % EVERY == 0:
            moments.append(moment(training.model, images))
    found = results.side_by_side(moments)
    distance = found["frechet_val"]
    best = min(distance)
    when = EVERY * (1 + distance.index(best))
    return found | {"best": best, "best_turn": when, "last": distance[-1]}


@torch.no_grad()
def moment(gan: GAN, images: data.ImageSet) -> dict[str, float]:
    """What `film` keeps; the samples have random numbers of their own, so that looking does not change the game."""
    x = to_grey_levels(gan.sample(N_SAMPLES, generator(0)))
    seen = logits(gan, {"train": images.x_train, "val": images.x_val})
    return {"frechet_val": frechet(x, images.x_val)} | seen


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    gan, rng = trained("gan_digits", SEEDS[0]).model, generator(SEEDS[0])
    fakes = gan.sample(12, rng)
    ends, t = gan.prior(2, rng), torch.linspace(0, 1, 12)[:, None]
    return {
        "samples": {"gan": levels(fakes), "nearest": levels(nearest(fakes))},
        "path": {"between": levels(gan.G((1 - t) * ends[:1] + t * ends[1:]))},
    }


SECTIONS = results.named(
    points,
    points_ablations,
    points_additions,
    failures,
    digits,
    digits_ablations,
    by_heart,
    pictures,
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
