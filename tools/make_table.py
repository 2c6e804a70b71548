"""Measure the running table of the book: `make table`, or `make table ROWS="naive_bayes mixture"` for some rows.

Every row: the digits, 1,000 samples a seed, the same measures. What varies over seeds is all that is random:
dequantisation, starting points and weights, batches, samples. A new chapter adds one function and a line per row.
"""

import datetime
import functools
import json
import math
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from genlib import autoencoder, ddpm, gan, statistical, vae
from genlib.autoencoder import Autoencoder, CodeLaw
from genlib.data import ImageSet, dequantise, digits, signed, unsigned
from genlib.ddpm import DDPM
from genlib.evaluate import digits_floor, finish, score_digits
from genlib.gan import GAN
from genlib.run import Clock
from genlib.statistical import ClassConditional
from genlib.train import batches, fit, fit_gan, weight_average
from genlib.vae import VAE
from tools import results
from tools.results import write

SEEDS, N_SAMPLES = (0, 1, 2), 1000
TARGET = results.DATA / "table.json"
Maker = Callable[[], ClassConditional]


over_seeds = functools.partial(results.over_seeds, seeds=SEEDS)


# --- chapter 1: densities of statistics, one per class ------------------------------------------------------


def fitted(make: Maker, data: ImageSet, rng: torch.Generator) -> ClassConditional:
    """The model, fitted to the dequantised training images."""
    return make().fit(dequantise(data.x_train, rng), data.y_train, rng)


def statistical_run(make: Maker, seed: int) -> dict:
    """Fit, sample and score with one seed."""
    data, rng = digits(), torch.Generator().manual_seed(seed)
    with Clock() as training:
        model = fitted(make, data, rng)
    with Clock() as sampling:
        y = torch.multinomial(model.prior, N_SAMPLES, replacement=True, generator=rng)
        x = model.sample(N_SAMPLES, rng, y)
    x_test = dequantise(data.x_test, rng)
    return score_digits(x, y=y, rng=rng) | {
        "accuracy": (model.predict(x_test) == data.y_test).double().mean().item(),
        "log_prob_test": model.log_prob(x_test).mean().item(),
        "train_cpu_s": training.cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }


def validation_log_prob(make: Maker) -> float:
    """Mean log p of the validation images over the seeds, nats per image: what every choice is made by."""
    data, total = digits(), 0.0
    for seed in SEEDS:
        rng = torch.Generator().manual_seed(seed)
        model = fitted(make, data, rng)
        total += model.log_prob(dequantise(data.x_val, rng)).mean().item()
    return total / len(SEEDS)


def statistical_row(
    label: str,
    make: Callable[..., ClassConditional],
    parameters: Callable[..., int],
    **choices: Sequence,
) -> dict:
    """A row whose one hyper-parameter, if it has one, is chosen by validation log-likelihood.

    Args:
        parameters: number of stored numbers, given the chosen hyper-parameter.
        choices: name and values of the hyper-parameter.
    """
    chosen, tried = {}, {}
    for name, values in choices.items():
        tried = {
            str(v): validation_log_prob(lambda v=v, name=name: make(**{name: v})) for v in values
        }
        chosen = {name: max(values, key=lambda v: tried[str(v)])}
    row = {
        "label": label,
        "notebook": "01b_digits_by_statistics",
        "chosen": chosen,
        "validation_log_prob": tried,
    }
    row["parameters"] = parameters(**chosen)
    return row | over_seeds(lambda seed: statistical_run(lambda: make(**chosen), seed))


# --- chapters 2 and 3: an autoencoder or a VAE with the same networks, and a law for its codes ----------------

RECIPE = {"steps": 1000, "lr": 3e-3, "anneal": True}  # batches of 100
Trained = Callable[[int], tuple[Autoencoder | VAE, float]]  # seed -> model and its CPU-seconds
Law = Callable[
    [torch.Tensor, torch.Generator], CodeLaw
]  # the codes of the training images, rng -> law


def trained_autoencoder(seed: int) -> tuple[Autoencoder, float]:
    """The book's autoencoder with Z code numbers after its 1,000 steps, and the CPU-seconds that took."""
    return trained_by_recipe(autoencoder.image_autoencoder, seed)


def trained_vae(seed: int) -> tuple[VAE, float]:
    """The book's VAE with Z latent dimensions after the same recipe, and the CPU-seconds that took."""
    return trained_by_recipe(vae.image_vae, seed)


@functools.cache
@torch.enable_grad()
def trained_by_recipe(make: Callable[[int], nn.Module], seed: int) -> tuple[nn.Module, float]:
    """A model with a code of Z numbers after the recipe that both share."""
    torch.manual_seed(seed)
    model = make(Z)
    with Clock() as clock:
        fit(model, batches(digits().x_train), **RECIPE)
    return model.requires_grad_(False), clock.cpu_s


def codes(model: Autoencoder | VAE, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One code for every x, (N, Z): that of an autoencoder, or one drawn from the q(z | x) of a VAE."""
    if isinstance(model, Autoencoder):
        return model.encode(x)
    mu, logvar = model.encode(x)
    return model.reparameterize(mu, logvar, torch.randn(mu.shape, generator=rng))


def fitted_law(law: Law, model: Autoencoder | VAE, rng: torch.Generator) -> CodeLaw:
    """The law, fitted to the codes of the training images."""
    return law(codes(model, digits().x_train, rng), rng)


def code_run(law: Law, trained: Trained, seed: int) -> dict:
    """Fit the law to the codes, decode samples of it and score them with one seed."""
    (model, train_cpu_s), rng = trained(seed), torch.Generator().manual_seed(seed)
    with Clock() as fitting:
        own = fitted_law(law, model, torch.Generator().manual_seed(seed))
    with Clock() as sampling:
        x = finish(model.decode(own.sample(N_SAMPLES, rng)))
    return score_digits(x, rng=rng) | {
        "train_cpu_s": train_cpu_s + fitting.cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }


def validation_log_prob_of_codes(law: Law, trained: Trained) -> float:
    """Mean log density of the validation codes over the seeds, nats: what the number of components is chosen by."""
    total = 0.0
    for seed in SEEDS:
        (model, _), rng = trained(seed), torch.Generator().manual_seed(seed)
        own = fitted_law(law, model, rng)
        total += own.log_prob(codes(model, digits().x_val, rng)).mean().item()
    return total / len(SEEDS)


def code_row(
    label: str,
    law: Callable[..., Law],
    parameters: Callable[..., int],
    trained: Trained = trained_autoencoder,
    notebook: str = "02c_can_the_decoder_invent",
    **choices: Sequence,
) -> dict:
    """A row of a model under one law of codes; its hyper-parameter, if it has one, is chosen by validation codes.

    There is no log p(x), and no class can be asked for: those columns stay empty.

    Args:
        parameters: number of stored numbers of the law, given the chosen hyper-parameter.
        choices: name and values of the hyper-parameter.
    """
    chosen, tried = {}, {}
    for name, values in choices.items():
        tried = {str(v): validation_log_prob_of_codes(law(**{name: v}), trained) for v in values}
        chosen = {name: max(values, key=lambda v: tried[str(v)])}
    weights = sum(p.numel() for p in trained(SEEDS[0])[0].parameters())
    row = {
        "label": label,
        "notebook": notebook,
        "chosen": chosen,
        "validation_log_prob_of_codes": tried,
        "parameters": weights + parameters(**chosen),
    }
    return row | over_seeds(lambda seed: code_run(law(**chosen), trained, seed))


def vae_bound_run(seed: int) -> dict:
    """The VAE's k = 1000 bound on log P(x), test, spread evenly over the cells of the dequantised pixels."""
    (model, _), data = trained_vae(seed), digits()
    bound = model.log_prob(data.x_test, 1000, torch.Generator().manual_seed(seed)).mean().item()
    return {"log_prob_test": bound + D * math.log(data.levels)}


# --- chapter 4: a generator, and its referee ----------------------------------------------------------------

GAN_RECIPE = {"steps": 4000, "lr": 4e-3, "anneal": True}


@functools.cache
@torch.enable_grad()
def trained_gan(seed: int) -> tuple[GAN, float]:
    """The book's GAN of the digits after its 4,000 steps, and the CPU-seconds that took."""
    torch.manual_seed(seed)
    model = gan.image_gan()
    with Clock() as clock:
        fit_gan(model, batches(digits().x_train), **GAN_RECIPE)
    return model.requires_grad_(False), clock.cpu_s


def gan_run(seed: int) -> dict:
    """Draw and score with one seed. There is no log p(x), and no class can be asked for."""
    (model, train_cpu_s), rng = trained_gan(seed), torch.Generator().manual_seed(seed)
    with Clock() as sampling:
        x = finish(model.sample(N_SAMPLES, rng))
    return score_digits(x, rng=rng) | {
        "train_cpu_s": train_cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }


def gan_row() -> dict:
    """The GAN; the parameters are those of G, which draws, and of D, which only trains it."""
    weights = sum(p.numel() for p in trained_gan(SEEDS[0])[0].parameters())
    row = {"label": "GAN", "notebook": "04c_gan_on_digits", "chosen": {}, "parameters": weights}
    return row | over_seeds(gan_run)


# --- chapter 5: a network that takes noise away ---------------------------------------------------------------

DDPM_RECIPE = {"steps": 3500, "lr": 4e-3, "anneal": 0.5}
DDPM_BATCH, DDPM_DECAY = 64, 0.995


@functools.cache
@torch.enable_grad()
def trained_ddpm(seed: int, classes: int = 0) -> tuple[DDPM, DDPM, float]:
    """The book's DDPM of the digits with averaged weights, the same with the last weights, and the CPU-seconds."""
    torch.manual_seed(seed)
    data = digits()
    model = ddpm.image_ddpm(classes=classes)
    rows = (signed(data.x_train), data.y_train) if classes else (signed(data.x_train),)
    with Clock() as clock:
        average = fit_ddpm(model, *rows)
    return average.requires_grad_(False), model.requires_grad_(False), clock.cpu_s


def fit_ddpm(model: DDPM, *rows: Tensor) -> DDPM:
    """Train by the book's recipe, and return the model with averaged weights."""
    average = weight_average(model, DDPM_DECAY)
    fit(model, batches(*rows, size=DDPM_BATCH), **DDPM_RECIPE, average=average)
    return average.module


def drawn_digits(
    model: DDPM,
    rng: torch.Generator,
    steps: int | None = None,
    eta: float = 0.0,
    power: float = 1.0,
    y: Tensor | None = None,
) -> Tensor:
    """Finished digits by all steps of algorithm 2 (None), or by some; arguments as in `DDPM.denoise`."""
    if steps is None:
        x = model.sample(N_SAMPLES, (1, 8, 8), rng, y=y)
    else:
        x = model.ddim(N_SAMPLES, (1, 8, 8), steps, eta, rng, power=power, y=y)
    return finish(unsigned(x))


def ddpm_run(seed: int, steps: int | None, classes: int, eta: float) -> dict:
    """Draw and score with one seed; with classes, ask for each as often as it stands among the training digits."""
    (model, _, train_cpu_s), rng = trained_ddpm(seed, classes), torch.Generator().manual_seed(seed)
    y = digits().y_train if classes else None
    with Clock() as sampling:
        x = drawn_digits(model, rng, steps, eta, y=y)
    return score_digits(x, y=y, rng=rng) | {
        "train_cpu_s": train_cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }


def ddpm_row(label: str, steps: int | None = None, classes: int = 0, eta: float = 0.0) -> dict:
    """The DDPM with one way of drawing, chosen on validation images; several rows share a training."""
    weights = sum(p.numel() for p in trained_ddpm(SEEDS[0], classes)[0].parameters())
    row = {"label": label, "notebook": "05b_ddpm_on_digits", "chosen": {}, "parameters": weights}
    return row | over_seeds(lambda seed: ddpm_run(seed, steps, classes, eta))


STANDARD_NORMAL = (lambda: lambda z, rng: autoencoder.standard_normal(Z), lambda: 0)
FITTED_GAUSSIAN = (
    lambda: lambda z, rng: autoencoder.fitted_gaussian(z),
    lambda: Z + Z * (Z + 1) // 2,
)
FITTED_MIXTURE = (
    lambda k: lambda z, rng: autoencoder.fitted_mixture(z, k, rng),
    lambda k: k - 1 + k * (Z + Z * (Z + 1) // 2),
)
COMPONENTS = (1, 2, 4, 6, 8, 10, 12, 15, 20)
OF_VAE = {"trained": trained_vae, "notebook": "03b_vae_on_digits"}


# --- all rows, in the order of the book ---------------------------------------------------------------------

K, D, N_TRAIN = 10, 64, 1000
PRIOR = K - 1
Z = 16  # the bottleneck

ROWS: dict[str, Callable[[], dict]] = {
    "naive_bayes": lambda: statistical_row(
        "Gaussian naive Bayes", statistical.naive_bayes, lambda: PRIOR + K * 2 * D
    ),
    "full_gaussian": lambda: statistical_row(
        "Gaussian, full covariance",
        statistical.full_gaussian,
        lambda shrink: PRIOR + K * (D + D * (D + 1) // 2),
        shrink=(0.0, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.7),
    ),
    "mixture": lambda: statistical_row(
        "Mixture of Gaussians (EM)",
        statistical.mixture,
        lambda k: PRIOR + K * (2 * D * k + k - 1),
        k=(1, 2, 3, 4, 5, 6, 8, 10),
    ),
    "kernel_density": lambda: statistical_row(
        "Kernel density",
        statistical.kernel_density,
        lambda bandwidth: PRIOR + 1 + N_TRAIN * D,
        bandwidth=(0.08, 0.1, 0.12, 0.13, 0.14, 0.15, 0.17, 0.2),
    ),
    "ae_standard_normal": lambda: code_row("AE + N(0, I)", *STANDARD_NORMAL),
    "ae_fitted_gaussian": lambda: code_row("AE + Gaussian on codes", *FITTED_GAUSSIAN),
    "ae_fitted_mixture": lambda: code_row("AE + mixture on codes", *FITTED_MIXTURE, k=COMPONENTS),
    "vae": lambda: (
        code_row("VAE", *STANDARD_NORMAL, **OF_VAE)
        | {"bounds": ["log_prob_test"]}
        | over_seeds(vae_bound_run)
    ),
    "vae_fitted_mixture": lambda: code_row(
        "VAE + mixture on codes", *FITTED_MIXTURE, **OF_VAE, k=COMPONENTS
    ),
    "gan": gan_row,
    "ddpm": lambda: ddpm_row("DDPM, 1,000 steps"),
    "ddim": lambda: ddpm_row("DDPM, 50 steps", steps=50, eta=1.0),
    "ddpm_conditional": lambda: ddpm_row("DDPM told the class, 50 steps", steps=50, classes=K),
}


# --- the file ----------------------------------------------------------------------------------------------


def facts() -> dict:
    """What a reader needs in order to measure the same again."""
    return (
        {"command": "make table"}
        | results.facts()
        | {
            "seeds": list(SEEDS),
            "n_samples": N_SAMPLES,
            "reference": "the 500 test images of the digits; floor: the 1,000 training images in the place of samples",
        }
    )


def main(names: Sequence[str], target: Path = TARGET) -> None:
    """Measure the named rows, or all, and keep the others as they are stored."""
    if unknown := set(names) - set(ROWS):
        sys.exit(f"ROWS: expected names among {', '.join(ROWS)}, got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    rows = json.loads(target.read_text(encoding="utf-8"))["rows"] if target.exists() else {}
    for name in names or ROWS:
        rows[name] = ROWS[name]() | {"date": datetime.date.today().isoformat()}
        print(f"{name}: Fréchet distance {rows[name]['frechet']}", flush=True)
    ordered = {name: rows[name] for name in ROWS if name in rows}
    floor = over_seeds(digits_floor)
    target.parent.mkdir(parents=True, exist_ok=True)
    write(facts() | {"floor": floor, "rows": ordered}, target)


if __name__ == "__main__":
    main(sys.argv[1:])
