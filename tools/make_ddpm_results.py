"""Measure the results of chapter 5: `python -m tools.make_ddpm_results`, with names for some sections only.

Points: 2,500 samples, three seeds that chose nothing. On digits: three seeds; what was chosen was chosen on the
validation images.
"""

import math
from collections.abc import Callable
from functools import partial
from statistics import fmean

import torch
from torch import Tensor, nn

from genlib import data, likelihood, recipes
from genlib.data import digits, signed, unsigned
from genlib.ddpm import DDPM, cosine_beta, ddim_times, image_ddpm, linear_beta, points_ddpm
from genlib.evaluate import digits_floor, nearest_training_ratio, points_floor, score_points
from genlib.guidance import Given
from genlib.recipes import POINTS
from genlib.run import Clock
from genlib.table import stored
from tools import results
from tools.results import (
    IMAGE,
    N_POINTS,
    drawn_digits,
    frechet,
    generator,
    levels,
    log_density,
    nearest,
    train,
    train_points,
    trained,
)

SEEDS, SEEDS_POINTS, TARGET = (0, 1, 2), (20, 21, 22), results.DATA / "ddpm.json"
ABOUT = results.about(
    "python -m tools.make_ddpm_results",
    SEEDS,
    "ddpm_points",
    "ddpm_digits",
    seeds_points=list(SEEDS_POINTS),
)

over_seeds = partial(results.over_seeds, seeds=SEEDS)


def other(
    make: Callable[..., DDPM],
    schedule: Callable = cosine_beta,
    independent: bool = False,
    **changes,
) -> DDPM:
    """A model of the book with another schedule, other arguments of `DDPM`, or times that are drawn independently."""
    model = make().replace(beta=schedule(1000), **changes)
    if independent:  # as algorithm 1 says, in the place of one time in each part
        model.times = lambda n, rng=None: torch.randint(1, model.T + 1, (n,), generator=rng)
    return model


# --- points in the plane -------------------------------------------------------------------------------------


def points_run(density: str, seed: int, n: int = N_POINTS, **changes) -> dict:
    """Train on one density by the recipe with some changes, and score samples by all steps and by 50 in two ways."""
    (model, _, cpu_s), truth, scale = train_points("ddpm_points", density, seed, **changes)
    rng = generator(seed)
    found = score_points(model.sample(n, (2,), rng) * scale, truth, rng)
    for ending, power in (("50", 1.0), ("50_fine", 2.0)):  # even times, and finer ones near 0
        x = model.ddim(n, (2,), ddim_times(model.T, 50, power), 0.0, rng) * scale
        found |= {f"{name}_{ending}": value for name, value in score_points(x, truth, rng).items()}
    return found | {"train_cpu_s": cpu_s}


def points_row(density: str, **changes) -> dict:
    return results.over_seeds(partial(points_run, density, **changes), SEEDS_POINTS)


def points() -> dict:
    """The book's recipe on all five densities, beside true points."""
    rng = generator(0)
    return {
        density: {
            "floor": points_floor(getattr(data, density)(), N_POINTS, rng),
            "recipe": points_row(density),
        }
        for density in POINTS
    }


ABLATIONS: dict[str, dict] = {
    "eps": {"model": partial(other, points_ddpm, predicts="eps")},
    "x_0": {"model": partial(other, points_ddpm, predicts="x_0")},
    "linear": {"model": partial(other, points_ddpm, linear_beta)},
    "eps_linear": {"model": partial(other, points_ddpm, linear_beta, predicts="eps")},
    "no_fourier": {"model": partial(points_ddpm, octaves=0)},
    "no_ema": {"ema_decay": None},
    "independent_times": {"model": partial(other, points_ddpm, independent=True)},
}


def points_ablations() -> dict:
    """The grid with one ingredient of the recipe changed at a time."""
    return {name: points_row("grid", **changes) for name, changes in ABLATIONS.items()}


# --- the digits ----------------------------------------------------------------------------------------------

DRAWS = 3  # of 1,000 digits each: the distance of one draw is off by up to .1
STEPS, ETAS = (5, 10, 20, 50, 100, 1000), (0.0, 1.0)


def drawn(
    model: DDPM, seed: int, steps: int = 50, eta: float = 0.0, power: float = 1.0
) -> list[Tensor]:
    """Three draws of 1,000 digits."""
    rng, times = generator(seed), ddim_times(model.T, steps, power)
    return [drawn_digits(model, rng, times, eta) for _ in range(DRAWS)]


def mean_frechet(draws: list[Tensor], reference: Tensor) -> float:
    return fmean(frechet(x, reference) for x in draws)


def steps() -> dict:
    """Quality against seconds: number of steps, fresh noise on the way or none, even times or finer ones near 0."""
    ways = [
        (n, eta, power)
        for eta in ETAS
        for power in (1.0, 2.0)
        for n in STEPS
        if power == 1 or n < 1000  # all 1,000 times stand as near as they can
    ]
    return {"floor": digits_floor()} | {
        f"{n}_{eta:g}{'_fine' if power > 1 else ''}": over_seeds(partial(steps_run, n, eta, power))
        for n, eta, power in ways
    }


def steps_run(n: int, eta: float, power: float, seed: int) -> dict:
    model = trained("ddpm_digits", seed).model
    with Clock() as clock:
        draws = drawn(model, seed, n, eta, power)
    costs = {"sample_s_per_1000": clock.cpu_s / DRAWS}
    return {"frechet": mean_frechet(draws, digits().x_test)} | costs


class Table(nn.Module):
    """A net that knows no digits: of each pixel for itself, how often it had each of the 17 levels in training.

    Its numbers mean v, as those of the book's network do.
    """

    def __init__(self, alpha_bar: Tensor):
        super().__init__()
        self.alpha_bar, self.grey = alpha_bar, torch.linspace(-1, 1, 17)
        there = signed(digits().x_train).flatten(1)[:, :, None] - self.grey
        self.share = (there.abs() < 0.01).float().mean(dim=0)  # (64, 17)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        alpha_bar = self.alpha_bar[t].view(-1, 1, 1)
        signal, noise = alpha_bar.sqrt(), (1 - alpha_bar).sqrt()
        off = (x_t.flatten(1)[:, :, None] - signal * self.grey) / noise  # (B, 64, 17)
        x_0_hat = (self.share.clamp(min=1e-30).log() - off.square() / 2).softmax(dim=2) @ self.grey
        return ((signal[..., 0] * x_t.flatten(1) - x_0_hat) / noise[..., 0]).view_as(x_t)


FIRST = 15  # times at which the noise is so small that each pixel shows its level
PARTS = ((1, 5), (6, 10), (11, 20), (21, 40))  # times, from a to b


def bound() -> dict:
    """The bound on -log P(x) of the 500 test digits with their 17 levels, nats and bits a pixel.

    Of the network; with a table of each pixel's levels in its place at the first 15 times; and of the table alone.
    """
    vae = stored("table")["rows"]["vae"]["log_prob_test"]
    elbo = [-value for value in stored("vae")["bounds"]["elbo_test"]]
    others = {"nats_vae": [log_density(0.0) - log_p for log_p in vae], "nats_vae_elbo": elbo}
    return over_seeds(bound_run) | others | {"first": FIRST}


def bound_run(seed: int, draws: int = 8) -> dict:
    model, row = trained("ddpm_digits", seed).model, {}
    table = model.replace(net=Table(model.alpha_bar))
    for variance in ("beta", "posterior"):
        both = model.replace(variance=variance), table.replace(variance=variance)
        (fine, coarse), (fine_table, coarse_table) = (nats(way, seed, draws) for way in both)
        row |= {
            f"nats_{variance}": fine + coarse,
            f"bits_{variance}": bits_a_pixel(fine + coarse),
            f"nats_{variance}_first": fine,
            f"nats_{variance}_table_first": fine_table,
            f"nats_{variance}_repaired": fine_table + coarse,
            f"nats_{variance}_table": fine_table + coarse_table,
        }
    for low, high in PARTS:
        row[f"loss_{low}_{high}"] = loss_between(model, low, high)
        row[f"loss_{low}_{high}_table"] = loss_between(table, low, high)
    return row


def nats(model: DDPM, seed: int, draws: int) -> tuple[float, float]:
    """The bound in two parts: the first times, each drawn anew `draws` times, and the rest, every fifth for five.

    At random times the first few, which cost most, would come up too seldom for a mean that is right to a nat.
    """
    x, rng = signed(digits().x_test), generator(seed)

    def term(t: int) -> float:
        eps = torch.randn(x.shape, generator=rng)
        return likelihood.bound_term(model, x, torch.full((len(x),), t), eps).mean().item()

    fine = sum(term(t) for t in range(1, FIRST + 1) for _ in range(draws)) / draws
    coarse = sum(5 * term(t) for t in range(FIRST + 3, model.T + 1, 5))
    return fine, coarse + likelihood.prior_kl(model, x).mean().item()


@torch.no_grad()
def loss_between(model: DDPM, low: int, high: int) -> float:
    """The loss on the validation images at times from low to high, with the same noise whoever asks."""
    x, rng = signed(digits().x_val), generator(0)
    t = torch.randint(low, high + 1, (len(x),), generator=rng)
    return model.loss(x, t=t, eps=torch.randn(x.shape, generator=rng))["loss"].item()


def bits_a_pixel(nats: float, D: int = 64) -> float:
    return nats / D / math.log(2)


@torch.no_grad()
def loss_at(model: DDPM, x: Tensor, buckets: int = 10) -> list[float]:
    """The loss on x in equal parts of 1..T, with the same noise whoever asks."""
    rng, part = generator(0), model.T // buckets
    found = []
    for k in range(buckets):
        t = torch.randint(k * part + 1, (k + 1) * part + 1, (len(x),), generator=rng)
        eps = torch.randn(x.shape, generator=rng)
        found.append(model.loss(x, t=t, eps=eps)["loss"].item())
    return found


def training() -> dict:
    """One training, looked at on the way: loss on validation images by time, and the distance of samples; seed 0."""
    x_val, looks = digits().x_val, []
    run = recipes.training("ddpm_digits", SEEDS[0])
    marks = [30, 100, 300, 1000, run.steps]
    for _ in run:
        if run.done in marks:
            look = {"loss": loss_at(run.model, signed(x_val))}
            for name, model in (("last", run.model), ("ema", run.ema)):
                look[f"frechet_{name}"] = mean_frechet(drawn(model, SEEDS[0]), x_val)
            looks.append(look)
    return {"steps": marks} | results.side_by_side(looks)


def scored(draws: list[Tensor]) -> dict[str, float]:
    """The distance of samples, and how near they are to the training images; against validation images."""
    images = digits()
    ratio = nearest_training_ratio(torch.cat(draws), images.x_train, images.x_val)
    return {"frechet_val": mean_frechet(draws, images.x_val), "nearest_ratio_val": ratio}


def of_recipe(seed: int, eta: float = 0.0, ema: bool = True, **changes) -> dict[str, float]:
    """The recipe's model with other choices for the walk back, or with the weights of the last step."""
    found = trained("ddpm_digits", seed)
    model = (found.model if ema else found.last).replace(**changes)
    return scored(drawn(model, seed, eta=eta))


def retrained(seed: int, **changes) -> dict[str, float]:
    """Another recipe."""
    model = train("ddpm_digits", seed, model=partial(other, image_ddpm, **changes)).model
    return scored(drawn(model, seed))


def conditional(seed: int, eta: float = 0.0, by_chance: bool = False) -> dict[str, float]:
    """The conditional network, asked for the training digits' classes, or for as many drawn from them."""
    model, y = trained("ddpm_digits_conditional", seed).model, digits().y_train
    rng, draws = generator(seed), []
    for _ in range(DRAWS):
        asked = y[torch.randint(len(y), y.shape, generator=rng)] if by_chance else y
        draws.append(drawn_digits(model.replace(net=Given(model.net, asked)), rng, 50, eta))
    return scored(draws)


DIGITS: dict[str, Callable[[int], dict]] = {
    "recipe": of_recipe,
    "fresh_noise": partial(of_recipe, eta=1.0),
    "no_ema": partial(of_recipe, ema=False),
    "no_clip": partial(of_recipe, clip=None),
    "eps": partial(retrained, predicts="eps"),
    "linear": partial(retrained, schedule=linear_beta),
    "independent_times": partial(retrained, independent=True),
    "conditional": conditional,
    "conditional_fresh_noise": partial(conditional, eta=1.0),
    "conditional_by_chance": partial(conditional, by_chance=True),
}


def digits_ablations() -> dict:
    """One ingredient of the digits' recipe changed at a time, 50 steps; validation images, not test images."""
    floor = {"frechet_val": frechet(digits().x_train, digits().x_val)}
    return {"floor": floor} | {name: over_seeds(measure) for name, measure in DIGITS.items()}


def copying() -> dict:
    """The recipe on the first 20, the first 100 and all training digits: how near do samples come to them?"""
    return {str(n): over_seeds(partial(copying_run, n)) for n in (20, 100, 1000)}


def taught(n: int, seed: int) -> DDPM:
    """A model that saw the first n training digits, in batches of 64 or of all of them."""
    if n == len(digits().x_train):
        return trained("ddpm_digits", seed).model
    x = signed(digits().x_train[:n])
    return train("ddpm_digits", seed, data=(x,), batch=min(n, 64)).model


def copying_run(n: int, seed: int) -> dict:
    images, draws = digits(), drawn(taught(n, seed), seed)
    ratio = nearest_training_ratio(torch.cat(draws), images.x_train[:n], images.x_val)
    return {"nearest_ratio_val": ratio, "frechet_val": mean_frechet(draws, images.x_val)}


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures() -> dict:
    """Twelve columns a row, as grey levels 0..16; seed 0."""
    model, rng = trained("ddpm_digits", SEEDS[0]).model, generator(SEEDS[0])
    first, *_, last = model.denoise(12, IMAGE, rng)
    guess = model.predict(first, torch.full((12,), model.T))[0]
    return {
        "one_shot": {"noise": levels(unsigned(first)), "one_step": levels(unsigned(guess))},
        "samples": {"ddpm": levels(unsigned(last)), "nearest": levels(nearest(unsigned(last)))},
    }


def seen() -> dict:
    """The chains of the film, and under each state the digit that the network sees in it; seed 0."""
    model, row = trained("ddpm_digits", SEEDS[0]).model, {}
    film = list(model.denoise(12, IMAGE, generator(SEEDS[0])))
    for t in (800, 600, 400, 200):
        x_t = film[model.T - t]
        row[f"t_{t}"] = levels(unsigned(x_t))
        row[f"seen_{t}"] = levels(unsigned(model.predict(x_t, torch.full((12,), t))[0]))
    return row | {"t_0": levels(unsigned(film[-1]))}


def asked() -> dict:
    """The conditional network, asked for each class twelve times, 50 steps without fresh noise; seed 0."""
    model, rng = trained("ddpm_digits_conditional", SEEDS[0]).model, generator(SEEDS[0])
    row = {}
    for y in range(10):
        given = Given(model.net, torch.full((12,), y))
        row[f"y_{y}"] = levels(unsigned(model.replace(net=given).ddim(12, IMAGE, 50, 0.0, rng)))
    return row


def copies() -> dict:
    """Samples of a model that saw 20 digits, and under each the nearest of the 20; seed 0."""
    few = digits().x_train[:20]
    x = unsigned(taught(20, SEEDS[0]).ddim(12, IMAGE, 50, 0.0, generator(SEEDS[0])))
    closest = few[torch.cdist(x.flatten(1), few.flatten(1)).argmin(dim=1)]
    return {"taught_20": levels(x), "nearest_20": levels(closest)}


SECTIONS = results.named(
    points,
    points_ablations,
    steps,
    bound,
    training,
    digits_ablations,
    copying,
    pictures,
    seen,
    asked,
    copies,
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
