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
from torch import nn

from genlib import autoencoder, statistical, vae
from genlib.autoencoder import Autoencoder, CodeLaw
from genlib.data import ImageSet, dequantise, digits
from genlib.evaluate import digits_floor, finish, score_digits
from genlib.run import Clock
from genlib.statistical import ClassConditional
from genlib.train import batches, fit
from genlib.vae import VAE
from tools import results
from tools.results import write

SEEDS, N_SAMPLES = (0, 1, 2), 1000
TARGET = Path(__file__).parents[1] / "book" / "_data" / "table.json"
Maker = Callable[[], ClassConditional]


def over_seeds(measure: Callable[[int], dict]) -> dict[str, list]:
    """Call `measure` with every seed of the table and collect each of its numbers in a list."""
    return results.over_seeds(measure, SEEDS)


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


# --- chapter 2: an autoencoder, and a law for its codes, fitted afterwards ------------------------------------

Law = Callable[
    [torch.Tensor, torch.Generator], CodeLaw
]  # the codes of the training images, rng -> law


def trained_autoencoder(seed: int) -> tuple[Autoencoder, float]:
    """The book's autoencoder with Z code numbers after its 1,000 steps, and the CPU-seconds that took."""
    return trained(autoencoder.image_autoencoder, seed)


def trained_vae(seed: int) -> tuple[VAE, float]:
    """The book's VAE with Z latent dimensions after the same recipe, and the CPU-seconds that took."""
    return trained(vae.image_vae, seed)


@functools.cache
@torch.enable_grad()
def trained(make: Callable[[int], nn.Module], seed: int) -> tuple[nn.Module, float]:
    """A model with a code of Z numbers after the recipe that both share."""
    torch.manual_seed(seed)
    model = make(Z)
    with Clock() as clock:
        fit(model, batches(digits().x_train), steps=1000, lr=3e-3, anneal=True)
    return model.requires_grad_(False), clock.cpu_s


def code_run(law: Law, seed: int) -> dict:
    """Fit the law to the codes, decode samples of it and score them with one seed."""
    (model, train_cpu_s), rng = trained_autoencoder(seed), torch.Generator().manual_seed(seed)
    with Clock() as fitting:
        fitted_law = law(model.encode(digits().x_train), torch.Generator().manual_seed(seed))
    with Clock() as sampling:
        x = finish(model.sample(N_SAMPLES, rng, codes=fitted_law))
    return score_digits(x, rng=rng) | {
        "train_cpu_s": train_cpu_s + fitting.cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }


def validation_log_prob_of_codes(law: Law) -> float:
    """Mean log density of the validation codes over the seeds, nats: what the number of components is chosen by."""
    data, total = digits(), 0.0
    for seed in SEEDS:
        (model, _), rng = trained_autoencoder(seed), torch.Generator().manual_seed(seed)
        fitted_law = law(model.encode(data.x_train), rng)
        total += fitted_law.log_prob(model.encode(data.x_val)).mean().item()
    return total / len(SEEDS)


def code_row(
    label: str, law: Callable[..., Law], parameters: Callable[..., int], **choices: Sequence
) -> dict:
    """A row of the autoencoder under one law; its hyper-parameter, if it has one, is chosen by validation codes.

    There is no log p(x), and no class can be asked for: those columns stay empty.

    Args:
        parameters: number of stored numbers of the law, given the chosen hyper-parameter.
        choices: name and values of the hyper-parameter.
    """
    chosen, tried = {}, {}
    for name, values in choices.items():
        tried = {str(v): validation_log_prob_of_codes(law(**{name: v})) for v in values}
        chosen = {name: max(values, key=lambda v: tried[str(v)])}
    weights = sum(p.numel() for p in trained_autoencoder(SEEDS[0])[0].parameters())
    row = {
        "label": label,
        "notebook": "02c_can_the_decoder_invent",
        "chosen": chosen,
        "validation_log_prob_of_codes": tried,
        "parameters": weights + parameters(**chosen),
    }
    return row | over_seeds(lambda seed: code_run(law(**chosen), seed))


def ae_standard_normal() -> dict:
    """Codes from a law that knows nothing of them."""
    return code_row(
        "AE + N(0, I)", lambda: lambda z, rng: autoencoder.standard_normal(Z), lambda: 0
    )


def ae_fitted_gaussian() -> dict:
    """Codes from a Gaussian with their mean and covariance."""
    return code_row(
        "AE + Gaussian on codes",
        lambda: lambda z, rng: autoencoder.fitted_gaussian(z),
        lambda: Z + Z * (Z + 1) // 2,
    )


def ae_fitted_mixture() -> dict:
    """Codes from a mixture of Gaussians with full covariances."""
    return code_row(
        "AE + mixture on codes",
        lambda k: lambda z, rng: autoencoder.fitted_mixture(z, k, rng),
        lambda k: k - 1 + k * (Z + Z * (Z + 1) // 2),
        k=(1, 2, 4, 6, 8, 10, 12, 15, 20),
    )


# --- chapter 3: a VAE with the same networks, whose law of codes was fixed before training --------------------


def drawn_codes(model: VAE, x: torch.Tensor, rng: torch.Generator) -> torch.Tensor:
    """One code from q(z | x) for every x, (N, Z): draws from the aggregated posterior."""
    mu, logvar = model.encode(x)
    return model.reparameterize(mu, logvar, torch.randn(mu.shape, generator=rng))


def vae_run(seed: int, k: int | None = None) -> dict:
    """Sample and score with one seed: codes from the prior, or from a mixture of k fitted to drawn codes."""
    (model, train_cpu_s), rng = trained_vae(seed), torch.Generator().manual_seed(seed)
    data, law = digits(), autoencoder.standard_normal(Z)
    with Clock() as fitting:
        if k is not None:
            law = autoencoder.fitted_mixture(drawn_codes(model, data.x_train, rng), k, rng)
    with Clock() as sampling:
        x = finish(model.decode(law.sample(N_SAMPLES, rng)))
    row = score_digits(x, rng=rng) | {
        "train_cpu_s": train_cpu_s + fitting.cpu_s,
        "sample_s_per_1000": sampling.cpu_s * 1000 / N_SAMPLES,
    }
    if k is None:  # a bound on log P(x), spread evenly over the cells of the dequantised pixels
        bound = model.log_prob(data.x_test, 1000, rng).mean().item()
        row["log_prob_test"] = bound + D * math.log(data.levels)
    return row


def vae_row(label: str, ks: Sequence[int] = ()) -> dict:
    """The VAE under its prior, or under a mixture whose size is chosen by the codes of validation images."""
    chosen, tried = {}, {}
    for k in ks:
        fits = []
        for seed in SEEDS:
            (model, _), rng = trained_vae(seed), torch.Generator().manual_seed(seed)
            law = autoencoder.fitted_mixture(drawn_codes(model, digits().x_train, rng), k, rng)
            fits.append(law.log_prob(drawn_codes(model, digits().x_val, rng)).mean().item())
        tried[str(k)] = sum(fits) / len(fits)
        chosen = {"k": int(max(tried, key=tried.get))}
    weights = sum(p.numel() for p in trained_vae(SEEDS[0])[0].parameters())
    k = chosen.get("k")
    row = {
        "label": label,
        "notebook": "03b_vae_on_digits",
        "chosen": chosen,
        "validation_log_prob_of_codes": tried,
        "parameters": weights + (k - 1 + k * (Z + Z * (Z + 1) // 2) if k else 0),
    }
    bounds = {} if k else {"bounds": ["log_prob_test"]}
    return row | bounds | over_seeds(lambda seed: vae_run(seed, k))


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
    "ae_standard_normal": ae_standard_normal,
    "ae_fitted_gaussian": ae_fitted_gaussian,
    "ae_fitted_mixture": ae_fitted_mixture,
    "vae": lambda: vae_row("VAE"),
    "vae_fitted_mixture": lambda: vae_row(
        "VAE + mixture on codes", (1, 2, 4, 6, 8, 10, 12, 15, 20)
    ),
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
