"""Measure the exhibits of the bug museum: `python -m tools.make_museum_results`, with names for some sections only.

Each fault of tools/museum.py beside a run without it, from the same seed: what its loss, gradients and samples look
like, and the numbers that tell them apart. Trainings are short. Three seeds; curves and pictures are those of seed 0.
The faults of drawing use one trained network twice, so that nothing but the fault differs.
"""

import functools
from collections.abc import Callable
from dataclasses import replace
from itertools import islice
from statistics import fmean
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genlib import data, pretrained
from genlib.data import unsigned
from genlib.ddpm import DDPM
from genlib.evaluate import class_histogram_tv, precision_recall, to_grey_levels
from genlib.gan import GAN, image_gan
from genlib.guidance import Given, Guided
from genlib.losses import gaussian_kl
from genlib.recipes import RECIPES
from genlib.rng import normal
from genlib.train import Training
from genlib.vae import VAE, image_vae
from tools import museum, results
from tools.results import IMAGE, frechet, generator, levels

SEEDS, TARGET = (0, 1, 2), results.DATA / "museum.json"
STEPS = {"vae": 1000, "gan": 1500, "ddpm": 1000}
N, N_SLOW, N_ASKED, SHOWN, POINTS = 500, 200, 200, 12, 40
FEW, BATCH, SCALES = 20, 50, (0, 1, 2, 3)
ABOUT = results.about(
    "python -m tools.make_museum_results",
    SEEDS,
    steps=STEPS,
    n={"samples": N, "of_a_thousand_steps": N_SLOW, "for_each_scale": N_ASKED},
    ddim_steps=FEW,
    batch_of_one_seed=BATCH,
)

# --- trainings -----------------------------------------------------------------------------------------------


class Run(NamedTuple):
    """A training that was watched: its model, frozen, the average of its weights if it kept one, and what was seen."""

    model: nn.Module
    average: nn.Module | None
    seen: dict[str, list[float]]  # a number a step


def watched(training: Training, watch: nn.Module, first: int | None) -> Run:
    """Run a training, or its first steps; note its losses, and the norm of the gradient that `watch` got in each."""
    seen: dict[str, list[float]] = {}
    for terms in islice(training, first):
        for name, value in (terms | {"gradient": norm_of_gradient(watch)}).items():
            seen.setdefault(name, []).append(value)
    average = training.ema and training.ema.requires_grad_(False)
    return Run(training.model.requires_grad_(False), average, seen)


def norm_of_gradient(net: nn.Module) -> float:
    """The Euclidean norm of all gradients together; 0 where there are none."""
    slopes = [p.grad.norm() for p in net.parameters() if p.grad is not None]
    return torch.stack(slopes).norm().item() if slopes else 0.0


@functools.cache
def vae_run(fault: type[VAE], seed: int, first: int | None = None) -> Run:
    recipe = replace(RECIPES["vae_digits"], steps={"cpu": STEPS["vae"]})
    recipe = replace(recipe, model=lambda: museum.turned_into(fault, image_vae(16)))
    training = recipe.training(seed)
    return watched(training, training.model, first)


@functools.cache
def gan_run(fault: type[GAN], seed: int, first: int | None = None) -> Run:
    """The gradient is that of G: D's is mixed with what passes through D in the turn of G."""
    recipe = replace(RECIPES["gan_digits"], steps={"cpu": STEPS["gan"]})
    recipe = replace(recipe, model=lambda: museum.turned_into(fault, image_gan()))
    training = recipe.training(seed)
    return watched(training, training.model.G, first)


@functools.cache
def ddpm_run(fault: str, seed: int, first: int | None = None) -> Run:
    """A model told the digit, or none: as it should be (""), with pixels from 0 to 1, or with labels in another order.

    All keep an average with the decay of the fault of the averages. It does not touch the training, and the others
    draw with the weights of the last step.
    """
    recipe = replace(
        RECIPES["ddpm_digits_guided"], steps={"cpu": STEPS["ddpm"]}, **museum.SLOW_AVERAGE
    )
    if fault == "range":
        recipe = replace(recipe, data=museum.pixels_as_they_come(data.digits()))
    if fault == "labels":
        recipe = replace(recipe, data=museum.shuffled_apart(data.digits(), generator(seed)))
    training = recipe.training(seed)
    return watched(training, training.model, first)


# --- what is stored of an exhibit ------------------------------------------------------------------------------


def exhibit(faulty: list, sound: list, pictures: dict, curves: dict | None = None) -> dict:
    """Numbers over the seeds of the faulty and the sound runs, pictures, and curves."""
    numbers = {"faulty": results.side_by_side(faulty), "sound": results.side_by_side(sound)}
    return numbers | {"pictures": pictures} | ({"curves": curves} if curves else {})


def thinned(seen: dict[str, list[float]], names: tuple[str, ...]) -> dict[str, list[float]]:
    """Means over stretches of the training, as many as a figure can show, with four digits."""
    found = {}
    for name in names:
        values = seen[name]
        width = max(1, len(values) // POINTS)
        means = [fmean(values[i : i + width]) for i in range(0, len(values), width)]
        found[name] = [float(f"{value:.4g}") for value in means]
    return found


def last(values: list[float]) -> float:
    """The mean over the last tenth of a training."""
    return fmean(values[-max(1, len(values) // 10) :])


def curves_of(faulty: Run, sound: Run, names: tuple[str, ...]) -> dict:
    return {"faulty": thinned(faulty.seen, names), "sound": thinned(sound.seen, names)}


def distance(x: Tensor) -> float:
    """Fréchet distance to the test digits."""
    return frechet(to_grey_levels(x), data.digits().x_test)


def beside(
    fault: type[nn.Module],
    sound: type[nn.Module],
    train: Callable,
    numbers: Callable,
    names: tuple[str, ...],
) -> dict:
    """A model with the fault beside the sound one: trained with every seed; pictures and named curves of the first."""
    runs = {kind: [train(kind, seed) for seed in SEEDS] for kind in (fault, sound)}
    rows = {
        kind: [numbers(run, seed) for run, seed in zip(found, SEEDS, strict=True)]
        for kind, found in runs.items()
    }
    pictures = {
        name: levels(runs[kind][0].model.sample(SHOWN, generator(0)))
        for name, kind in (("faulty", fault), ("sound", sound))
    }
    curves = curves_of(runs[fault][0], runs[sound][0], names)
    return exhibit(rows[fault], rows[sound], pictures, curves)


# --- codes ---------------------------------------------------------------------------------------------------


def vae_exhibit(fault: type[VAE]) -> dict:
    return beside(fault, VAE, vae_run, vae_numbers, ("loss", "gradient"))


@torch.no_grad()
def vae_numbers(run: Run, seed: int) -> dict[str, float]:
    """The loss that the program prints, and -ELBO as it is: on test digits, codes drawn by the right formula."""
    model, x = run.model, data.digits().x_test
    mu, logvar = model.encode(x)
    z = VAE.reparameterize(model, mu, logvar, normal(mu, mu.shape, generator(seed)))
    recon = model.likelihood.nll(model.decoder(z), x).mean().item()
    kl = gaussian_kl(mu, logvar).mean().item()
    printed = model.loss(x, eps=normal(mu, mu.shape, generator(seed)))
    return {
        "printed": printed["loss"].item(),
        "printed_kl": printed["kl"].item(),
        "true": recon + kl,
        "recon": recon,
        "kl": kl,
        "last_loss": last(run.seen["loss"]),
        "last_gradient": last(run.seen["gradient"]),
        "frechet": distance(model.sample(N, generator(seed))),
    }


def averaged_divergence() -> dict:
    return vae_exhibit(museum.AveragedDivergence)


def variance_as_deviation() -> dict:
    return vae_exhibit(museum.VarianceAsDeviation)


# --- the game ------------------------------------------------------------------------------------------------


def gan_exhibit(fault: type[GAN]) -> dict:
    return beside(fault, GAN, gan_run, gan_numbers, ("d_loss", "gradient"))


def gan_numbers(run: Run, seed: int) -> dict[str, float]:
    return {
        "last_d_loss": last(run.seen["d_loss"]),
        "least_d_loss": min(run.seen["d_loss"]),
        "last_g_loss": last(run.seen["g_loss"]),
        "last_gradient": last(run.seen["gradient"]),
        "most_gradient": max(run.seen["gradient"]),
        "frechet": distance(run.model.sample(N, generator(seed))),
    }


def sigmoid_twice() -> dict:
    return gan_exhibit(museum.SigmoidTwice)


def detached_twice() -> dict:
    return gan_exhibit(museum.DetachedTwice)


COMPANY, CODES = 7, 32


def training_mode() -> dict:
    """One code drawn twelve times, each time with seven other codes, in both modes."""
    found = [mode_numbers(gan_run(GAN, seed).model, seed) for seed in SEEDS]
    gan = gan_run(GAN, 0).model
    z = gan.prior(1, generator(0))
    pictures = {
        "faulty": levels(in_company(gan, z, generator(1), museum.drawn_in_training_mode)),
        "sound": levels(in_company(gan, z, generator(1), drawn_in_evaluation_mode)),
    }
    return exhibit([row[0] for row in found], [row[1] for row in found], pictures)


def drawn_in_evaluation_mode(gan: GAN, z: Tensor) -> Tensor:
    return gan.eval().G(z)


def in_company(gan: GAN, z: Tensor, rng: torch.Generator, draw) -> Tensor:
    """Pictures (12, 1, 8, 8) of one code (1, Z), drawn in twelve batches; the GAN is left as it was."""
    before = {name: value.clone() for name, value in gan.state_dict().items()}
    with torch.no_grad():
        parts = [draw(gan, torch.cat([z, gan.prior(COMPANY, rng)]))[:1] for _ in range(SHOWN)]
    gan.load_state_dict(before)
    gan.eval()
    return torch.cat(parts)


def mode_numbers(gan: GAN, seed: int) -> tuple[dict[str, float], dict[str, float]]:
    """How far pictures of one code are from the first, in grey levels; and the distance of 500, 100 at a time."""
    rows = []
    for draw in (museum.drawn_in_training_mode, drawn_in_evaluation_mode):
        rng = generator(seed)
        codes = gan.prior(CODES, rng).split(1)
        drawn = torch.stack([in_company(gan, z, rng, draw) for z in codes])  # (codes, draws, ...)
        spread = 16 * (drawn[:, 1:] - drawn[:, :1]).abs().mean().item()
        before = {name: value.clone() for name, value in gan.state_dict().items()}
        parts = [draw(gan, gan.prior(100, rng)) for _ in range(N // 100)]
        moved = sum(not torch.equal(v, before[k]) for k, v in gan.state_dict().items())
        gan.load_state_dict(before)
        gan.eval()
        rows.append(
            {"spread": spread, "frechet": distance(torch.cat(parts).detach()), "moved": moved}
        )
    return rows[0], rows[1]


# --- noise, in training --------------------------------------------------------------------------------------

DIGITS = torch.arange(10)


def asked(n: int) -> Tensor:
    """The digits 0 to 9 in turn, (n,)."""
    return DIGITS.repeat(n // 10 + 1)[:n]


def drawn(model: DDPM, n: int, rng: torch.Generator) -> Tensor:
    """Digits in [0, 1], each asked for in turn, in few steps."""
    bound = model.replace(net=Given(model.net, asked(n)))
    return unsigned(bound.ddim(n, IMAGE, FEW, rng=rng))


def ddpm_exhibit(faulty: list[Run], models: list[DDPM]) -> dict:
    """Trainings with a fault, the models to draw with, beside the sound trainings with the weights of the last step."""
    sound = [ddpm_run("", seed) for seed in SEEDS]
    rows = [
        [ddpm_numbers(*row) for row in zip(runs, drawing, SEEDS, strict=True)]
        for runs, drawing in ((faulty, models), (sound, [run.model for run in sound]))
    ]
    pictures = {
        "faulty": levels(drawn(models[0], SHOWN, generator(0))),
        "sound": levels(drawn(sound[0].model, SHOWN, generator(0))),
    }
    return exhibit(*rows, pictures, curves_of(faulty[0], sound[0], ("loss", "gradient")))


def ddpm_numbers(run: Run, model: DDPM, seed: int) -> dict[str, float]:
    x = drawn(model, N, generator(seed))
    read = pretrained.judge().predict(to_grey_levels(x))
    return {
        "last_loss": last(run.seen["loss"]),
        "last_gradient": last(run.seen["gradient"]),
        "label_accuracy": (read == asked(N)).float().mean().item(),
        "lowest": x.min().item(),
        "mean": x.mean().item(),
        "frechet": distance(x),
    }


def wrong_range() -> dict:
    runs = [ddpm_run("range", seed) for seed in SEEDS]
    found = ddpm_exhibit(runs, [run.model for run in runs])
    return found | {"mean_of_the_data": data.digits().x_train.mean().item()}


def early_average() -> dict:
    """The sound trainings, drawn with the average of their weights."""
    runs = [ddpm_run("", seed) for seed in SEEDS]
    decay = museum.SLOW_AVERAGE["ema_decay"]
    of_start = {str(n): decay ** (n - 1) for n in (STEPS["ddpm"], 10_000, 50_000)}
    return ddpm_exhibit(runs, [run.average for run in runs]) | {"share_of_start": of_start}


def labels_apart() -> dict:
    runs = [ddpm_run("labels", seed) for seed in SEEDS]
    return ddpm_exhibit(runs, [run.model for run in runs])


# --- noise, in drawing ---------------------------------------------------------------------------------------


def walk(
    model: DDPM, n: int, rng: torch.Generator, steps: int | None
) -> tuple[Tensor, list[float]]:
    """Digits in [0, 1], and the standard deviation of all pixels at each state from noise to data."""
    spread = []
    for x in model.denoise(n, IMAGE, rng, steps=steps):
        spread.append(x.std().item())
    return unsigned(x.clamp(-1, 1)), spread


def drawing_numbers(x: Tensor) -> dict[str, float]:
    images, read = data.digits(), pretrained.judge().predict
    x = to_grey_levels(x)
    return {
        "frechet": distance(x),
        "sd": x.std().item(),
        "class_tv": class_histogram_tv(read(x), read(images.x_test)),
    }


def drawing_exhibit(
    models: dict[str, DDPM], seeds: tuple[int, ...], n: int, steps: int | None
) -> dict:
    rows: dict[str, list] = {"faulty": [], "sound": []}
    pictures, curves = {}, {}
    for name, model in models.items():
        for seed in seeds:
            x, spread = walk(model, n, generator(seed), steps)
            rows[name].append(drawing_numbers(x))
            if seed == 0:
                pictures[name] = levels(x[:SHOWN])
                width = max(1, len(spread) // POINTS)
                curves[name] = {"spread": [float(f"{s:.4g}") for s in spread[::width]]}
    return exhibit(rows["faulty"], rows["sound"], pictures, curves)


def beta_as_deviation() -> dict:
    """One draw of 200 each, all thousand steps."""
    faulty = museum.turned_into(museum.BetaAsDeviation, pretrained.digits_ddpm())
    models = {"faulty": faulty, "sound": pretrained.digits_ddpm()}
    return drawing_exhibit(models, SEEDS[:1], N_SLOW, None)


def alpha_for_alpha_bar() -> dict:
    faulty = museum.alpha_for_alpha_bar(pretrained.digits_ddpm())
    models = {"faulty": faulty, "sound": pretrained.digits_ddpm()}
    return drawing_exhibit(models, SEEDS, N, FEW)


def guided(kind: type[Guided], scale: float, n: int, seed: int) -> Tensor:
    model = ddpm_run("", seed).model
    bound = model.replace(net=kind(model.net, asked(n), scale))
    return unsigned(bound.ddim(n, IMAGE, FEW, rng=generator(seed)))


def halves_swapped() -> dict:
    """The share read as asked for, by scale, drawn with the sound trainings."""
    kinds = {"faulty": museum.HalvesSwapped, "sound": Guided}
    rows = {
        name: [{str(s): share_as_asked(kind, s, seed) for s in SCALES} for seed in SEEDS]
        for name, kind in kinds.items()
    }
    pictures = {name: levels(guided(kind, 2, SHOWN, 0)) for name, kind in kinds.items()}
    return exhibit(rows["faulty"], rows["sound"], pictures)


def share_as_asked(kind: type[Guided], scale: float, seed: int) -> float:
    x = to_grey_levels(guided(kind, scale, N_ASKED, seed))
    return (pretrained.judge().predict(x) == asked(N_ASKED)).float().mean().item()


def one_seed() -> dict:
    """500 digits in ten batches, from one seed each time, and from one generator."""
    rows = {"faulty": [], "sound": []}
    pictures = {}
    model = pretrained.digits_ddpm()

    def draw(n: int, rng: torch.Generator) -> Tensor:
        return unsigned(model.ddim(n, IMAGE, FEW, rng=rng))

    for seed in SEEDS:
        rng = generator(seed)
        sound = torch.cat([draw(BATCH, rng) for _ in range(N // BATCH)])
        faulty = museum.drawn_from_one_seed(draw, N, BATCH, seed)
        for name, x in (("faulty", faulty), ("sound", sound)):
            rows[name].append(variety(x))
        if seed == 0:
            batches = faulty.split(BATCH)
            pictures = {
                "faulty": levels(batches[0][:SHOWN]),
                "batches": {f"batch_{i + 1}": levels(batches[i][:SHOWN]) for i in range(2)},
                "sound": levels(sound.split(BATCH)[1][:SHOWN]),
            }
    return exhibit(rows["faulty"], rows["sound"], pictures)


def variety(x: Tensor) -> dict[str, float]:
    x = to_grey_levels(x)
    features = pretrained.judge().features
    precision, recall = precision_recall(features(data.digits().x_test), features(x))
    different = len(torch.unique(x.flatten(1), dim=0))
    return {
        "different": different,
        "precision": precision,
        "recall": recall,
        "frechet": distance(x),
        "frechet_of_a_batch": distance(x[:BATCH]),
    }


SECTIONS = results.named(
    averaged_divergence,
    variance_as_deviation,
    sigmoid_twice,
    detached_twice,
    training_mode,
    wrong_range,
    early_average,
    labels_apart,
    beta_as_deviation,
    alpha_for_alpha_bar,
    halves_swapped,
    one_seed,
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
