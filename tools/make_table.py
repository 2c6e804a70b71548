"""Measure the running table of the book: `make table`, or `make table ROWS="naive_bayes mixture"` for some rows.

Every row: the digits, 1,000 samples a seed, the same measures. What varies over seeds is all that is random:
dequantisation, starting points and weights, batches, samples. A new chapter adds one function and a line per row.
"""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path
from statistics import fmean

import torch

from genlib import statistical
from genlib.autoencoder import Autoencoder, CodeDistribution, fitted_mixture, standard_normal
from genlib.data import dequantise, digits
from genlib.evaluate import digits_floor, to_grey_levels
from genlib.guidance import Given, Guided
from genlib.recipes import RECIPES
from genlib.rng import categorical
from genlib.run import Clock
from genlib.statistical import ClassConditional
from genlib.vae import VAE
from tools import results
from tools.results import (
    COMPONENTS,
    N_SAMPLES,
    best,
    codes,
    drawn_digits,
    generator,
    log_density,
    parameters,
    scored,
    trained,
)

SEEDS, TARGET = (0, 1, 2), results.DATA / "table.json"
NOTEBOOKS = {  # where the rows of a recipe are explained
    "autoencoder_digits": "02c_can_the_decoder_invent",
    "vae_digits": "03b_vae_on_digits",
    "gan_digits": "04c_gan_on_digits",
    "ddpm_digits": "05b_ddpm_on_digits",
    "ddpm_digits_conditional": "05b_ddpm_on_digits",
    "ddpm_digits_guided": "06a_guidance",
}
Make = Callable[[], ClassConditional]

over_seeds = partial(results.over_seeds, seeds=SEEDS)


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
    with Clock() as sampling:
        y = categorical(model.prior, N_SAMPLES, rng)
        x = model.sample(N_SAMPLES, rng, y)
    x_test = dequantise(data.x_test, rng)
    return scored(x, rng, fitting.cpu_s, sampling.cpu_s, y) | {
        "accuracy": (model.predict(x_test) == data.y_test).double().mean().item(),
        "log_prob_test": model.log_prob(x_test).mean().item(),
    }


def validation_log_prob(make: Make) -> float:
    """Mean log p of the validation images over the seeds, nats per image: what every choice is made by."""
    found = []
    for seed in SEEDS:
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
    with Clock() as sampling:
        x = to_grey_levels(model.decode(own.sample(N_SAMPLES, rng)))
    return scored(x, rng, train_cpu_s + fitting.cpu_s, sampling.cpu_s)


def validation_log_prob_of_codes(recipe: str, k: int) -> float:
    """Mean log density of the validation codes over the seeds, nats: what the number of Gaussians is chosen by."""
    found = []
    for seed in SEEDS:
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
    } | over_seeds(partial(code_run, recipe, k))


def vae_bound_run(seed: int, k: int = 1000) -> dict:
    """The VAE's k-sample bound on log P(x), test, as one on the log-density of dequantised pixels."""
    bound = trained("vae_digits", seed).model.log_prob(digits().x_test, k, generator(seed))
    return {"log_prob_test": log_density(bound.mean().item())}


def vae_row() -> dict:
    """The VAE with its prior; its log p(x) is a bound."""
    return code_row("vae_digits") | {"bounds": ["log_prob_test"]} | over_seeds(vae_bound_run)


# --- chapters 4 and 5: models without a log p(x) in the table ------------------------------------------------


def model_row(recipe: str, run: Callable[[int], dict]) -> dict:
    """A row of a model as it was trained; of a GAN both networks are counted, G that draws and D that trains it."""
    weights = parameters(trained(recipe, SEEDS[0]).model)
    row = {"notebook": NOTEBOOKS[recipe], "chosen": {}, "parameters": weights}
    return row | over_seeds(run)


def gan_run(seed: int) -> dict:
    """Draw and score with one seed."""
    (gan, _, train_cpu_s), rng = trained("gan_digits", seed), generator(seed)
    with Clock() as sampling:
        x = to_grey_levels(gan.sample(N_SAMPLES, rng))
    return scored(x, rng, train_cpu_s, sampling.cpu_s)


def ddpm_run(recipe: str, steps: int | None, eta: float, scale: float | None, seed: int) -> dict:
    """Draw and score with one seed; a conditional model is asked for the classes of the training digits."""
    (model, _, train_cpu_s), rng, y = trained(recipe, seed), generator(seed), None
    if RECIPES[recipe].labels:
        y = digits().y_train
        asked = Given(model.net, y) if scale is None else Guided(model.net, y, scale)
        model = model.replace(net=asked)
    with Clock() as sampling:
        x = drawn_digits(model, rng, steps, eta)
    return scored(x, rng, train_cpu_s, sampling.cpu_s, y)


def ddpm_row(
    recipe: str = "ddpm_digits",
    steps: int | None = None,
    eta: float = 0.0,
    scale: float | None = None,
) -> dict:
    """The DDPM with one way of drawing, chosen on validation images; several rows share a training.

    Args:
        scale: of guidance; None for a model that was not trained for it.
    """
    return model_row(recipe, partial(ddpm_run, recipe, steps, eta, scale))


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
    "gan": partial(model_row, "gan_digits", gan_run),
    "ddpm": ddpm_row,
    "ddim": partial(ddpm_row, steps=50, eta=1.0),
    "ddpm_conditional": partial(ddpm_row, "ddpm_digits_conditional", steps=50),
    "ddpm_guided": partial(ddpm_row, "ddpm_digits_guided", steps=50, scale=2.0),
}


def main(names: Sequence[str] | None = None, target: Path = TARGET) -> None:
    """Measure the named rows, or all, and the floor; the other rows stay as they are stored."""
    torch.set_num_threads(1)
    about = results.about(
        "make table",
        SEEDS,
        n_samples=N_SAMPLES,
        reference="the 500 test images of the digits; floor: the 1,000 training images in the place of samples",
        floor=over_seeds(digits_floor),
    )
    results.main(ROWS, about, target, "rows", names)


if __name__ == "__main__":
    main()
