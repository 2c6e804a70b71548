"""Measure the running table of the book: `make table`, or `make table ROWS="naive_bayes mixture"` for some rows.

Every row: the digits, five seeds, and for each seed three draws of 1,000 samples from the one trained model; the same
measures. What varies over seeds is all that is random: dequantisation, starting points and weights, batches. What
varies over draws is the samples alone. Two rows have three seeds: with them a seed costs minutes.

A new chapter adds one function and a line per row. Rows that share a training are measured in one process, so that
nothing is trained twice; two processes share the rows out.
"""

import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from statistics import fmean

import torch
from torch import Tensor

from genlib import statistical
from genlib.autoencoder import Autoencoder, CodeDistribution, fitted_mixture, standard_normal
from genlib.data import dequantise, digits, unsigned
from genlib.evaluate import (
    digits_floor,
    frechet_distance,
    score_digits,
    to_grey_levels,
)
from genlib.guidance import Given, Guided
from genlib.pretrained import judge
from genlib.recipes import RECIPES
from genlib.rng import categorical
from genlib.run import Clock
from genlib.statistical import ClassConditional
from genlib.table import stored
from genlib.vae import VAE
from tools import results
from tools.results import (
    COMPONENTS,
    IMAGE,
    N_SAMPLES,
    best,
    codes,
    drawn_digits,
    generator,
    log_density,
    parameters,
    side_by_side,
    trained,
)

SEEDS, FEWER, DRAWS, FLOORS = (0, 1, 2, 3, 4), (0, 1, 2), 3, 9
NOTEBOOKS = {  # where the rows of a recipe are explained
    "autoencoder_digits": "02c_can_the_decoder_invent",
    "vae_digits": "03b_vae_on_digits",
    "gan_digits": "04c_gan_on_digits",
    "ddpm_digits": "05b_ddpm_on_digits",
    "ddpm_digits_conditional": "05b_ddpm_on_digits",
    "flow_digits": "05d_straight_paths",
    "ddpm_digits_guided": "06a_guidance",
}
Make = Callable[[], ClassConditional]

over_seeds = partial(results.over_seeds, seeds=SEEDS)


def can(density: str = "no", encode: str = "no", condition: str = "no", edit: str = "no") -> dict:
    """What a model can do, beside drawing: say how probable a given image is, give it a code, take a class, edit."""
    return {
        "sample": "yes",
        "density": density,
        "encode": encode,
        "condition": condition,
        "edit": edit,
    }


# samples on their grey levels, and the classes they were asked for
Drawn = tuple[Tensor, Tensor | None]


def scored_draws(draw: Callable[[], Drawn], rng: torch.Generator) -> dict:
    """The measures of several draws of samples, each a list, and what 1,000 samples cost, the mean over the draws."""
    runs, seconds = [], []
    for _ in range(DRAWS):
        with Clock() as clock:
            x, y = draw()
        scores = score_digits(x, y=y, rng=rng)
        runs.append({name: value for name, value in scores.items() if name != "n"})
        seconds.append(clock.cpu_s * 1000 / len(x))
    return side_by_side(runs) | {"sample_s_per_1000": fmean(seconds)}


# --- what real digits score ----------------------------------------------------------------------------------


def floor_run(k: int) -> dict:
    """Real digits in the place of samples, against the test images that all rows meet.

    k = 0: the 1,000 training images; else 1,000 of all that are no test images, another choice for every k.
    The nearest-training ratio is always that of the validation images.
    """
    data, floor = digits(), digits_floor(k)
    if k:
        x, y = torch.cat([data.x_train, data.x_val]), torch.cat([data.y_train, data.y_val])
        some = torch.randperm(len(x), generator=generator(k))[:N_SAMPLES]
        ratio = {"nearest_ratio": floor["nearest_ratio"]}
        floor = score_digits(x[some], y[some], generator(k)) | ratio
    return {name: value for name, value in floor.items() if name != "n"}


def split_run(k: int) -> float:
    """Fréchet distance of 1,000 digits to 500 others, when all 1,797 are split anew: the test images vary, too."""
    data = digits()
    x = torch.cat([data.x_train, data.x_val, data.x_test])
    x = judge("digits").features(x[torch.randperm(len(x), generator=generator(k))[:1500]])
    return frechet_distance(x[:1000], x[1000:])


# --- chapter 1: densities of statistics, one per class -------------------------------------------------------


def fitted(make: Make, rng: torch.Generator) -> ClassConditional:
    """The model, fitted to the dequantised training images."""
    data = digits()
    return make().fit(dequantise(data.x_train, rng), data.y_train, rng)


def statistical_run(make: Make, seed: int) -> dict:
    """Fit, sample and score with one seed."""
    data, rng = digits(), generator(seed)
    with Clock() as fitting:
        model = fitted(make, rng)

    def draw() -> Drawn:
        y = categorical(model.prior, N_SAMPLES, rng)
        return model.sample(N_SAMPLES, rng, y), y

    row = {"train_cpu_s": fitting.cpu_s} | scored_draws(draw, rng)
    x_test = dequantise(data.x_test, rng)
    return row | {
        "accuracy": (model.predict(x_test) == data.y_test).double().mean().item(),
        "log_prob_test": model.log_prob(x_test).mean().item(),
    }


def validation_log_prob(make: Make) -> float:
    """Mean log p of the validation images over three seeds, nats per image: what every choice is made by."""
    found = []
    for seed in FEWER:
        rng = generator(seed)
        model = fitted(make, rng)
        found.append(model.log_prob(dequantise(digits().x_val, rng)).mean().item())
    return fmean(found)


def statistical_row(
    make: Callable[..., ClassConditional],
    count: Callable[..., int],
    choice: str | None = None,
    values: Sequence[float] = (),
) -> dict:
    """A row whose one hyper-parameter, if it has one, is chosen by validation log-likelihood.

    Args:
        count: number of stored numbers, given the hyper-parameter.
        choice, values: name and values of the hyper-parameter.
    """
    chosen, tried = {}, {}
    if choice:
        value, tried = best(lambda v: validation_log_prob(partial(make, **{choice: v})), values)
        chosen = {choice: value}
    return {
        "notebook": "01b_digits_by_statistics",
        "chosen": chosen,
        "validation_log_prob": tried,
        "parameters": count(**chosen),
        **can(density="yes", condition="yes"),
    } | over_seeds(partial(statistical_run, partial(make, **chosen)))


# --- chapters 2 and 3: an autoencoder or a VAE with the same networks, and a distribution for its codes ------


def distribution_of_codes(
    model: Autoencoder | VAE, k: int, rng: torch.Generator
) -> CodeDistribution:
    """k Gaussians, fitted to codes of the training images; N(0, I), which is fitted to nothing, for k = 0."""
    z = codes(model, digits().x_train, rng)
    return fitted_mixture(z, k, rng) if k else standard_normal(model.latent_dim)


def code_run(recipe: str, k: int, seed: int) -> dict:
    """Fit k Gaussians to the codes, decode samples of them and score these with one seed."""
    (model, _, train_cpu_s), rng = trained(recipe, seed), generator(seed)
    with Clock() as fitting:
        own = distribution_of_codes(model, k, generator(seed))
    found = scored_draws(
        lambda: (to_grey_levels(model.decode(own.sample(N_SAMPLES, rng))), None), rng
    )
    return {"train_cpu_s": train_cpu_s + fitting.cpu_s} | found


def validation_log_prob_of_codes(recipe: str, k: int) -> float:
    """Mean log density of the validation codes over three seeds, nats: what the number of Gaussians is chosen by."""
    found = []
    for seed in FEWER:
        model, rng = trained(recipe, seed).model, generator(seed)
        own = distribution_of_codes(model, k, rng)
        found.append(own.log_prob(codes(model, digits().x_val, rng)).mean().item())
    return fmean(found)


def code_row(recipe: str, gaussians: Sequence[int] = (0,)) -> dict:
    """A row of a model with some Gaussians for its codes; where there are several numbers, one is chosen.

    There is no log p(x), and no class can be asked for: those columns stay empty.
    """
    k, chosen, tried = gaussians[0], {}, {}
    if len(gaussians) > 1:
        k, tried = best(partial(validation_log_prob_of_codes, recipe), gaussians)
        chosen = {"k": k}
    model = trained(recipe, SEEDS[0]).model
    Z = model.latent_dim
    return {
        "notebook": NOTEBOOKS[recipe],
        "chosen": chosen,
        "validation_log_prob_of_codes": tried,
        "parameters": parameters(model) + max(0, k - 1) + k * (Z + Z * (Z + 1) // 2),
        **can(encode="yes", edit="yes"),
    } | over_seeds(partial(code_run, recipe, k))


def vae_bound_run(seed: int, k: int = 1000) -> dict:
    """The VAE's k-sample bound on log P(x), test, as one on the log-density of dequantised pixels."""
    bound = trained("vae_digits", seed).model.log_prob(digits().x_test, k, generator(seed))
    return {"log_prob_test": log_density(bound.mean().item())}


def vae_row() -> dict:
    """The VAE with its prior; its log p(x) is a bound."""
    bound = {"density": "bound", "bounds": ["log_prob_test"]}
    return code_row("vae_digits") | bound | over_seeds(vae_bound_run)


# --- chapters 4, 5 and 6: models as they were trained --------------------------------------------------------


def model_row(
    recipe: str, abilities: dict, run: Callable[[int], dict], seeds: Sequence[int] = SEEDS
) -> dict:
    """A row of a model as it was trained; of a GAN both networks are counted, G that draws and D that trains it."""
    weights = parameters(trained(recipe, SEEDS[0]).model)
    row = {"notebook": NOTEBOOKS[recipe], "chosen": {}, "parameters": weights} | abilities
    return row | results.over_seeds(run, seeds)


def gan_run(seed: int) -> dict:
    """Draw and score with one seed."""
    (gan, _, train_cpu_s), rng = trained("gan_digits", seed), generator(seed)
    found = scored_draws(lambda: (to_grey_levels(gan.sample(N_SAMPLES, rng)), None), rng)
    return {"train_cpu_s": train_cpu_s} | found


def ddpm_run(recipe: str, steps: int | None, eta: float, scale: float | None, seed: int) -> dict:
    """Draw and score with one seed; a conditional model is asked for the classes of the training digits."""
    (model, _, train_cpu_s), rng, y = trained(recipe, seed), generator(seed), None
    if RECIPES[recipe].labels:
        y = digits().y_train
        asked = Given(model.net, y) if scale is None else Guided(model.net, y, scale)
        model = model.replace(net=asked)
    found = scored_draws(lambda: (drawn_digits(model, rng, steps, eta), y), rng)
    return {"train_cpu_s": train_cpu_s} | found


def ddpm_row(
    recipe: str = "ddpm_digits",
    steps: int | None = None,
    eta: float = 0.0,
    scale: float | None = None,
    seeds: Sequence[int] = SEEDS,
) -> dict:
    """The DDPM with one way of drawing, chosen on validation images; several rows share a training.

    Args:
        scale: of guidance; None for a model that was not trained for it.
    """
    condition = "yes" if RECIPES[recipe].labels else "no"
    abilities = can(density="bound", encode="yes", condition=condition, edit="yes")
    return model_row(recipe, abilities, partial(ddpm_run, recipe, steps, eta, scale), seeds)


def ddpm_all_steps_row() -> dict:
    """The DDPM as its paper draws from it; the bound on log P(x) of its chapter, as one on a density."""
    nats = stored("ddpm")["bound"]["nats_beta"]
    bound = {"bounds": ["log_prob_test"], "log_prob_test": [log_density(-value) for value in nats]}
    return ddpm_row(seeds=FEWER) | bound


def flow_run(steps: int, seed: int) -> dict:
    """Draw and score with one seed, by the method of Euler: as many calls of the network as steps."""
    (model, _, train_cpu_s), rng = trained("flow_digits", seed), generator(seed)

    def draw() -> Drawn:
        return to_grey_levels(unsigned(model.sample(N_SAMPLES, IMAGE, steps, rng))), None

    return {"train_cpu_s": train_cpu_s} | scored_draws(draw, rng)


def flow_row(steps: int) -> dict:
    """Flow matching, in even steps."""
    abilities = can(density="yes", encode="yes", edit="yes")
    return model_row("flow_digits", abilities, partial(flow_run, steps))


# --- all rows, in the order of the book ----------------------------------------------------------------------

K, D, N_TRAIN = 10, 64, 1000
PRIOR = K - 1

ROWS: dict[str, Callable[[], dict]] = {
    "naive_bayes": partial(statistical_row, statistical.naive_bayes, lambda: PRIOR + K * 2 * D),
    "full_gaussian": partial(
        statistical_row,
        statistical.full_gaussian,
        lambda shrink: PRIOR + K * (D + D * (D + 1) // 2),
        "shrink",
        (0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
    ),
    "mixture": partial(
        statistical_row,
        statistical.mixture,
        lambda k: PRIOR + K * (2 * D * k + k - 1),
        "k",
        (1, 2, 3, 4, 5, 6, 8, 10),
    ),
    "kernel_density": partial(
        statistical_row,
        statistical.kernel_density,
        lambda bandwidth: PRIOR + 1 + N_TRAIN * D,
        "bandwidth",
        (0.08, 0.1, 0.12, 0.13, 0.14, 0.15, 0.17, 0.2),
    ),
    "ae_standard_normal": partial(code_row, "autoencoder_digits"),
    "ae_fitted_gaussian": partial(code_row, "autoencoder_digits", (1,)),
    "ae_fitted_mixture": partial(code_row, "autoencoder_digits", COMPONENTS),
    "vae": vae_row,
    "vae_fitted_mixture": partial(code_row, "vae_digits", COMPONENTS),
    "gan": partial(model_row, "gan_digits", can(), gan_run),
    "ddpm": ddpm_all_steps_row,
    "ddim": partial(ddpm_row, steps=50, eta=1.0),
    "ddpm_conditional": partial(ddpm_row, "ddpm_digits_conditional", steps=50),
    "flow_50": partial(flow_row, 50),
    "ddpm_guided": partial(ddpm_row, "ddpm_digits_guided", steps=50, scale=2.0, seeds=FEWER),
}

# the two trainings without labels, drawn from in few steps: a file of its own
FEW_STEPS: dict[str, Callable[[], dict]] = {
    **{f"ddim_{steps}": partial(ddpm_row, steps=steps) for steps in (50, 10, 4, 2, 1)},
    **{f"flow_{steps}": partial(flow_row, steps) for steps in (10, 4, 2, 1)},
}

# which rows share a training, those that take longest first
TRAININGS = {
    "ddpm_digits": ("ddpm", "ddim", *(name for name in FEW_STEPS if name.startswith("ddim"))),
    "ddpm_digits_guided": ("ddpm_guided",),
    "flow_digits": ("flow_50", *(name for name in FEW_STEPS if name.startswith("flow"))),
    "ddpm_digits_conditional": ("ddpm_conditional",),
    "gan_digits": ("gan",),
    "vae_digits": ("vae", "vae_fitted_mixture"),
    "autoencoder_digits": ("ae_standard_normal", "ae_fitted_gaussian", "ae_fitted_mixture"),
    "": ("naive_bayes", "full_gaussian", "mixture", "kernel_density"),
}


def measured(names: Sequence[str]) -> dict[str, tuple[dict, float]]:
    """Rows, one after the other, and what each cost."""
    torch.set_num_threads(1)
    return {name: results.timed(name, (ROWS | FEW_STEPS)[name]) for name in names}


def main(names: Sequence[str] = (), folder: Path = results.DATA, each: Callable = map) -> None:
    """Measure the named rows, or all, and the floor; the other rows stay as they are stored.

    Args:
        each: like `map`, perhaps in several processes.
    """
    torch.set_num_threads(1)
    results.expect_names(names, [*ROWS, *FEW_STEPS])
    about = results.about(
        "make table",
        SEEDS,
        draws=DRAWS,
        n_samples=N_SAMPLES,
        reference="the 500 test images of the digits",
    )
    floor = {
        "floor": results.over_seeds(floor_run, range(FLOORS)),
        "floor_splits": [split_run(k) for k in range(FLOORS)],
    }
    groups = ([name for name in rows if name in (names or rows)] for rows in TRAININGS.values())
    for found in each(measured, filter(None, groups)):
        write(found, ROWS, about | floor, folder / "table.json")
        write(found, FEW_STEPS, about, folder / "few_steps.json")


def write(found: dict, rows: Iterable[str], about: dict, target: Path) -> None:
    """Put those that belong into a file there."""
    mine = {name: value for name, value in found.items() if name in rows}
    if mine:
        results.keep(mine, list(rows), about, target, "rows")


def in_two_processes(function: Callable, groups: Iterable) -> Iterator:
    """Like `map`, in the order in which they come back."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        for done in as_completed([pool.submit(function, group) for group in groups]):
            yield done.result()


if __name__ == "__main__":
    main(sys.argv[1:], each=in_two_processes)
