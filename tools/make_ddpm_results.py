"""Measure the results of chapter 5: `python -m tools.make_ddpm_results`, with names for some sections only.

In the plane: 2,500 samples, three seeds that chose nothing. On digits: three seeds; what was chosen was chosen on the
validation images.
"""

import math
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import mean

import torch
from torch import Tensor

from genlib import data
from genlib.data import signed, unsigned
from genlib.ddpm import DDPM, cosine_beta, image_ddpm, linear_beta, plane_ddpm
from genlib.evaluate import (
    digits_floor,
    finish,
    frechet_distance,
    judge,
    nearest_training_ratio,
    points_floor,
    score_points,
    stored,
)
from genlib.run import Clock
from genlib.train import batches, fit, train_steps, weight_average
from tools import results
from tools.make_autoencoder_results import levels
from tools.make_table import (
    DDPM_BATCH,
    DDPM_DECAY,
    DDPM_RECIPE,
    drawn_digits,
    fit_ddpm,
    trained_ddpm,
)

SEEDS, PLANE_SEEDS, N = (0, 1, 2), (20, 21, 22), 2500
TARGET = results.DATA / "ddpm.json"
PLANE = {"steps": 5000, "lr": 3e-3, "anneal": 0.5}
BATCH, DECAY, IMAGE = 256, 0.998, (1, 8, 8)
DENSITIES = ("ring", "grid", "moons", "spiral", "checkerboard")

over_seeds = partial(results.over_seeds, seeds=SEEDS)


# --- the plane -----------------------------------------------------------------------------------------------


def plane_run(
    density: str,
    seed: int,
    make: Callable[[], DDPM] = plane_ddpm,
    decay: float = DECAY,
    stratified: bool = True,
) -> dict:
    """Train on one density in units of its standard deviation, and score samples by all steps and by 50 in two ways."""
    torch.manual_seed(seed)
    truth = getattr(data, density)()
    x = truth.sample(100_000)
    scale, model = x.std(), make()
    if not stratified:
        independent_times(model)
    average = weight_average(model, decay) if decay else None
    with Clock() as clock:
        fit(model, batches(x / scale, size=BATCH), **PLANE, average=average)
    model = average.module if average else model
    rng = torch.Generator().manual_seed(seed)
    found = score_points(model.sample(N, (2,), rng) * scale, truth, rng)
    for ending, power in (("50", 1.0), ("50_fine", 2.0)):  # even times, and finer ones near 0
        x = model.ddim(N, (2,), 50, 0.0, rng, power=power) * scale
        found |= {f"{name}_{ending}": value for name, value in score_points(x, truth, rng).items()}
    return found | {"cpu_s": clock.cpu_s}


def independent_times(model: DDPM) -> None:
    """Every time is drawn for itself, as algorithm 1 says, in the place of one in each part."""
    model.times = lambda n, rng=None: torch.randint(1, model.T + 1, (n,), generator=rng)


def plane() -> dict:
    """The book's recipe on all five densities, beside true points."""
    rng = torch.Generator().manual_seed(0)
    return {
        density: {
            "floor": points_floor(getattr(data, density)(), N, rng),
            "recipe": results.over_seeds(partial(plane_run, density), PLANE_SEEDS),
        }
        for density in DENSITIES
    }


def other_plane(predicts: str = "v", schedule: Callable = cosine_beta, octaves: int = 5) -> DDPM:
    return DDPM(plane_ddpm(octaves=octaves).net, schedule(1000), predicts=predicts)


LESS: dict[str, dict] = {
    "eps": {"make": partial(other_plane, "eps")},
    "x_0": {"make": partial(other_plane, "x_0")},
    "linear": {"make": partial(other_plane, schedule=linear_beta)},
    "eps_linear": {"make": partial(other_plane, "eps", linear_beta)},
    "no_fourier": {"make": partial(other_plane, octaves=0)},
    "no_average": {"decay": 0.0},
    "independent_times": {"stratified": False},
}


def plane_less() -> dict:
    """The grid with one ingredient of the recipe changed at a time."""
    return {
        name: results.over_seeds(lambda seed, c=change: plane_run("grid", seed, **c), PLANE_SEEDS)
        for name, change in LESS.items()
    }


# --- the digits ----------------------------------------------------------------------------------------------

DRAWS = 3  # of 1,000 digits each: the distance of one draw is off by up to .1
STEPS, ETAS = (5, 10, 20, 50, 100, 1000), (0.0, 1.0)


def drawn(
    model: DDPM, seed: int, steps: int | None = 50, eta: float = 0.0, power: float = 1.0
) -> list[Tensor]:
    """Three draws of 1,000 digits."""
    rng = torch.Generator().manual_seed(seed)
    return [drawn_digits(model, rng, steps, eta, power=power) for _ in range(DRAWS)]


def sampler(seed: int, variance: str = "beta", clip: float | None = 1.0) -> DDPM:
    """The trained network with other choices for the walk back."""
    model = trained_ddpm(seed)[0]
    return DDPM(model.net, model.beta, predicts=model.predicts, variance=variance, clip=clip)


def frechet(draws: list[Tensor], reference: Tensor) -> float:
    """The mean distance of the draws."""
    features = judge("digits").features
    expected = features(reference)
    return mean(frechet_distance(features(x), expected) for x in draws)


def steps() -> dict:
    """Quality against seconds: number of steps, fresh noise on the way or none, even times or finer ones near 0."""
    x_test = data.digits().x_test

    def measure(seed: int, **how: float) -> dict:
        with Clock() as clock:
            draws = drawn(trained_ddpm(seed)[0], seed, **how)
        return {"frechet": frechet(draws, x_test), "cpu_s": clock.cpu_s / DRAWS}

    ways = [
        (steps, eta, power)
        for eta in ETAS
        for power in (1.0, 2.0)
        for steps in STEPS
        if power == 1 or steps < 1000  # all 1,000 times stand as near as they can
    ]
    found = {
        f"{steps}_{eta:g}{'_fine' if power > 1 else ''}": over_seeds(
            partial(measure, steps=steps, eta=eta, power=power)
        )
        for steps, eta, power in ways
    }
    return {"floor": digits_floor()} | found


def bound() -> dict:
    """The bound on -log P(x) of the 500 test digits with their 17 levels, nats and bits a pixel."""
    x = signed(data.digits().x_test)

    def measure(seed: int) -> dict:
        row = {}
        for variance in ("beta", "posterior"):
            model = sampler(seed, variance)
            nats = model.bound(x, 200, rng=torch.Generator().manual_seed(seed)).mean().item()
            row[f"nats_{variance}"] = nats
            row[f"bits_{variance}"] = nats / 64 / math.log(2)
        return row

    # log p of dequantised pixels, per unit of grey, as a log-probability of levels
    vae = stored("table")["rows"]["vae"]["log_prob_test"]
    return over_seeds(measure) | {"nats_vae": [64 * math.log(17) - v for v in vae]}


@torch.no_grad()
def loss_at(model: DDPM, x: Tensor, buckets: int = 10) -> list[float]:
    """The loss on x in equal parts of 1..T, with the same noise whoever asks."""
    rng, part = torch.Generator().manual_seed(0), model.T // buckets
    found = []
    for k in range(buckets):
        t = torch.randint(k * part + 1, (k + 1) * part + 1, (len(x),), generator=rng)
        eps = torch.randn(x.shape, generator=rng)
        found.append(model.loss(x, t=t, eps=eps)["loss"].item())
    return found


def training() -> dict:
    """One training, looked at on the way: loss on validation images by time, and the distance of samples; seed 0."""
    torch.manual_seed(SEEDS[0])
    images = data.digits()
    x_val = signed(images.x_val)
    model = image_ddpm()
    average = weight_average(model, DDPM_DECAY)
    looks: dict[int, dict] = {}

    def look(step: int) -> None:
        row = {"loss": loss_at(model.eval(), x_val)}
        for name, net in (("last", model), ("average", average.module)):
            row[f"frechet_{name}"] = frechet(drawn(net, SEEDS[0]), images.x_val)
        looks[step] = row
        model.train()

    marks = [30, 100, 300, 1000, DDPM_RECIPE["steps"]]
    loader = batches(signed(images.x_train), size=DDPM_BATCH)
    loop = train_steps(model, loader, **DDPM_RECIPE, average=average)
    for step, _ in enumerate(loop, start=1):
        if step in marks:
            look(step)
    found = {name: [looks[m][name] for m in marks] for name in looks[marks[0]]}
    return {"steps": marks} | found


def scored(draws: list[Tensor]) -> dict[str, float]:
    """The distance of samples, and how near they are to the training images; against validation images."""
    images = data.digits()
    ratio = nearest_training_ratio(torch.cat(draws), images.x_train, images.x_val)
    return {"frechet_val": frechet(draws, images.x_val), "nearest_ratio_val": ratio}


def retrained(
    seed: int,
    predicts: str = "v",
    schedule: Callable = cosine_beta,
    stratified: bool = True,
) -> dict[str, float]:
    """Another recipe."""
    torch.manual_seed(seed)
    model = DDPM(image_ddpm().net, schedule(1000), predicts=predicts, clip=1.0)
    if not stratified:
        independent_times(model)
    return scored(drawn(fit_ddpm(model, signed(data.digits().x_train)), seed))


def told(seed: int, eta: float = 0.0, by_chance: bool = False) -> dict[str, float]:
    """The network that is told the class, asked for the training digits' classes, or for as many drawn from them."""
    model, y = trained_ddpm(seed, classes=10)[0], data.digits().y_train
    rng, draws = torch.Generator().manual_seed(seed), []
    for _ in range(DRAWS):
        asked = y[torch.randint(len(y), y.shape, generator=rng)] if by_chance else y
        draws.append(drawn_digits(model, rng, 50, eta, y=asked))
    return scored(draws)


DIGITS: dict[str, Callable[[int], dict]] = {
    "recipe": lambda seed: scored(drawn(trained_ddpm(seed)[0], seed)),
    "fresh_noise": lambda seed: scored(drawn(trained_ddpm(seed)[0], seed, eta=1.0)),
    "no_average": lambda seed: scored(drawn(trained_ddpm(seed)[1], seed)),
    "no_clip": lambda seed: scored(drawn(sampler(seed, clip=None), seed)),
    "eps": partial(retrained, predicts="eps"),
    "linear": partial(retrained, schedule=linear_beta),
    "independent_times": partial(retrained, stratified=False),
    "told": told,
    "told_fresh_noise": partial(told, eta=1.0),
    "told_by_chance": partial(told, by_chance=True),
}


def digits_less() -> dict:
    """One ingredient of the digits' recipe changed at a time, 50 steps; validation images, not test images."""
    images = data.digits()
    floor = {"frechet_val": frechet([images.x_train], images.x_val)}
    return {"floor": floor} | {name: over_seeds(measure) for name, measure in DIGITS.items()}


# --- pictures for the page -----------------------------------------------------------------------------------


@torch.no_grad()
def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    model, images = trained_ddpm(SEEDS[0])[0], data.digits()
    rng = torch.Generator().manual_seed(SEEDS[0])
    film = list(model.denoise(12, IMAGE, rng))
    x = finish(unsigned(film[-1]))
    distance = torch.cdist(x.flatten(1), images.x_train.flatten(1))
    guess = model.predict(film[0], torch.full((12,), model.T))[0]
    return {
        "one_shot": {
            "pure noise": levels(unsigned(film[0])),
            "the digit in it, in one step": levels(unsigned(guess)),
        },
        "film": {f"t = {t}": levels(unsigned(film[model.T - t])) for t in (1000, 600, 400, 200, 0)},
        "samples": {
            "DDPM": levels(x),
            "nearest training digit": levels(images.x_train[distance.argmin(dim=1)]),
        },
    }


# --- the file ------------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], dict]] = {
    section.__name__: section
    for section in (plane, plane_less, steps, bound, training, digits_less, pictures)
}


def main(names: Sequence[str], target: Path = TARGET) -> None:
    """Measure the named sections, or all, and keep the others as they are stored."""
    about = {
        "command": "python -m tools.make_ddpm_results",
        "seeds": list(SEEDS),
        "seeds_plane": list(PLANE_SEEDS),
        "threads": 1,
        "recipe_plane": {"steps": PLANE["steps"], "lr": PLANE["lr"], "batch": BATCH},
        "recipe_digits": {
            "steps": DDPM_RECIPE["steps"],
            "lr": DDPM_RECIPE["lr"],
            "batch": DDPM_BATCH,
        },
    }
    results.measure_sections(SECTIONS, names, about, target)


if __name__ == "__main__":
    main(sys.argv[1:])
