"""Measure the results of chapter 2: `python -m tools.make_autoencoder_results`, with names for some sections only.

Every choice (numbers of components, weights, steps) was made on the validation images; the test images are only
scored. Five seeds; what a seed changes: starting weights, batches, noise, codes.
"""

import statistics
import sys
from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from genlib.autoencoder import (
    Autoencoder,
    CodeLaw,
    add_gaussian,
    fitted_gaussian,
    fitted_mixture,
    image_autoencoder,
    linear_autoencoder,
    mask_pixels,
    mean_filter,
    pca,
    point_autoencoder,
    principal_angles,
    scaled_normal,
    standard_normal,
)
from genlib.data import digits, moons, ring, spiral
from genlib.evaluate import digits_floor, finish, judge, score_digits
from genlib.losses import psnr, squared_error
from genlib.run import Clock
from genlib.train import batches, fit
from tools import results
from tools.make_table import RECIPE

SEEDS, N_SAMPLES = (0, 1, 2, 3, 4), 1000
TARGET = results.DATA / "autoencoder.json"


over_seeds = partial(results.over_seeds, seeds=SEEDS)


def error(model, x: Tensor) -> float:
    """Squared error per image, summed over pixels, averaged over the images x."""
    with torch.no_grad():
        return squared_error(model.reconstruct(x), x).mean().item()


def trained(
    latent_dim: int, seed: int, steps: int = RECIPE["steps"], **options
) -> tuple[Autoencoder, float]:
    """The book's autoencoder after its recipe, and the CPU-seconds that took."""
    torch.manual_seed(seed)
    model, x = image_autoencoder(latent_dim, **options), digits().x_train
    with Clock() as clock:
        fit(model, batches(x), **RECIPE | {"steps": steps})
    return model, clock.cpu_s


# --- 02a ---------------------------------------------------------------------------------------------------


def linear() -> dict:
    """A linear autoencoder against PCA: angles in degrees, errors relative to PCA's."""
    return {str(k): over_seeds(lambda seed, k=k: linear_run(k, seed)) for k in (2, 16)}


def linear_run(k: int, seed: int) -> dict:
    torch.manual_seed(seed)
    x, x_val = digits().x_train.double(), digits().x_val.double()
    model, best = linear_autoencoder(k).double(), pca(x, k)
    with Clock() as clock:
        evaluations = descend_by_lbfgs(model, x, steps=1500)
    return {
        "largest_angle": principal_angles(model.decoder[0].weight, best.components.T).max().item(),
        "excess_train": error(model, x) / error(best, x) - 1,
        "excess_val": error(model, x_val) / error(best, x_val) - 1,
        "evaluations": evaluations,
        "cpu_s": clock.cpu_s,
    }


def descend_by_lbfgs(model: Autoencoder, x: Tensor, steps: int) -> int:
    """All images at once leave no noise in the gradient, so a method that learns the curvature pays."""
    optimizer = torch.optim.LBFGS(
        model.parameters(),
        max_iter=steps,
        history_size=50,
        tolerance_grad=0,
        tolerance_change=0,
        line_search_fn="strong_wolfe",
    )
    calls = 0

    def closure() -> Tensor:
        nonlocal calls
        calls += 1
        optimizer.zero_grad()
        loss = model.loss(x)["loss"]
        loss.backward()
        return loss

    optimizer.step(closure)
    return calls


def bottlenecks() -> dict:
    """Errors over the width of the code, beside PCA's; `gain` is the share of PCA's error that is gone."""
    return {
        str(k): {"pca": pca_errors(k)} | over_seeds(lambda seed, k=k: width_run(k, seed))
        for k in (2, 4, 8, 16, 32)
    }


def tuned() -> dict:
    """The bottleneck of 16 with dropout, half as many steps again: what care buys."""
    options = {"steps": 1500, "dropout": 0.05}
    return {"options": options, "pca": pca_errors(16)} | over_seeds(
        lambda seed: width_run(16, seed, **options)
    )


def pca_errors(k: int) -> dict:
    data, best = digits(), pca(digits().x_train, k)
    return {part: error(best, getattr(data, f"x_{part}")) for part in ("train", "val", "test")}


def width_run(k: int, seed: int, **options) -> dict:
    model, cpu_s = trained(k, seed, **options)
    data, reference = digits(), pca_errors(k)
    errors = {part: error(model, getattr(data, f"x_{part}")) for part in reference}
    gains = {f"gain_{part}": 1 - errors[part] / reference[part] for part in ("val", "test")}
    return (
        errors | gains | {"cpu_s": cpu_s, "parameters": sum(p.numel() for p in model.parameters())}
    )


def copying() -> dict:
    """Codes wider than the image (128 numbers for 64 pixels): what comes back of noise that is laid on test digits.

    `clean` is the error on clean test digits; `noise_kept` the error on noisy ones as a share of the noise, where
    1 is a copier and 0 a perfect repair.
    """
    noise = partial(add_gaussian, sigma=0.3)
    kinds = {
        "linear, 16": partial(trained_linear, 16),
        "linear, 128": partial(trained_linear, 128),
        "deep, 16": partial(trained, 16),
        "deep, 128": partial(trained, 128),
        "deep, 128, denoising": partial(trained, 128, corrupt=noise),
    }
    return {
        name: over_seeds(lambda seed, make=make: copying_run(make, seed))
        for name, make in kinds.items()
    }


def copying_run(make: Callable, seed: int) -> dict:
    (model, cpu_s), x = make(seed=seed), digits().x_test
    noisy = add_gaussian(x, 0.3, torch.Generator().manual_seed(seed)).clamp(0, 1)
    with torch.no_grad():
        left = squared_error(model.reconstruct(noisy), x).mean() / squared_error(noisy, x).mean()
    return {"clean": error(model, x), "noise_kept": left.item(), "cpu_s": cpu_s}


def trained_linear(latent_dim: int, seed: int) -> tuple[Autoencoder, float]:
    """A linear autoencoder after 2,000 steps on minibatches, and the CPU-seconds that took."""
    torch.manual_seed(seed)
    model = linear_autoencoder(latent_dim)
    with Clock() as clock:
        fit(model, batches(digits().x_train), 2000, lr=1e-2, anneal=True)
    return model, clock.cpu_s


# --- 02b ---------------------------------------------------------------------------------------------------

CORRUPTIONS = {
    "gaussian, sigma 0.3": partial(add_gaussian, sigma=0.3),
    "masking, share 0.3": partial(mask_pixels, share=0.3),
}


def denoising() -> dict:
    """PSNR in dB on the test images, after clipping to [0, 1]; filter and PCA as good as validation can choose them."""
    return {name: denoising_row(corrupt) for name, corrupt in CORRUPTIONS.items()}


def denoising_row(corrupt: Callable) -> dict:
    x, x_val = digits().x_train, digits().x_val
    noisy = corrupt(x_val, rng=torch.Generator().manual_seed(99))
    keep = max((i / 10 for i in range(11)), key=lambda w: decibels(mean_filter(noisy, w), x_val))
    k = max(range(2, 41), key=lambda k: decibels(pca(x, k).reconstruct(noisy), x_val))
    restore = {
        "noisy": lambda x: x,
        "mean_filter": partial(mean_filter, keep=keep),
        "pca": pca(x, k).reconstruct,
    }
    runs = over_seeds(lambda seed: denoising_run(corrupt, restore, seed))
    return {"chosen": {"keep": keep, "k": k, "latent_dim": 64}} | runs


def denoising_run(corrupt: Callable, restore: dict[str, Callable], seed: int) -> dict:
    model, cpu_s = trained(64, seed, corrupt=corrupt)
    x = digits().x_test
    noisy = corrupt(x, rng=torch.Generator().manual_seed(100 + seed))
    with torch.no_grad():
        row = {
            name: decibels(f(noisy), x)
            for name, f in (restore | {"autoencoder": model.reconstruct}).items()
        }
    return row | {"cpu_s": cpu_s}


def decibels(x_hat: Tensor, x: Tensor) -> float:
    """Mean PSNR over the images."""
    return psnr(x_hat.clamp(0, 1), x).mean().item()


def tweedie() -> dict:
    """Relative L2 error, weighted by the noisy density, of r(x) - x against sigma^2 times the exact score."""
    cases = {"ring": (ring(), 0.3), "moons": (moons(), 0.3), "spiral": (spiral(), 0.2)}
    return {
        name: {"sigma": sigma}
        | over_seeds(lambda seed, d=density, s=sigma: tweedie_run(d, s, seed))
        for name, (density, sigma) in cases.items()
    }


def tweedie_run(density, sigma: float, seed: int) -> dict:
    torch.manual_seed(seed)
    model = point_autoencoder(sigma)
    fresh = iter(lambda: (density.sample(256),), None)
    with Clock() as clock:
        fit(model, fresh, 3000, lr=0.01, anneal=True)
    x = density.noised(1, sigma).sample(5000, torch.Generator().manual_seed(seed))
    with torch.no_grad():
        step = model.reconstruct(x) - x
    exact, wrong = (sigma**2 * d.score(x) for d in (density.noised(1, sigma), density))
    return {
        "relative_error": ((step - exact).norm() / exact.norm()).item(),
        "relative_error_to_clean_score": ((step - wrong).norm() / wrong.norm()).item(),
        "cpu_s": clock.cpu_s,
    }


# --- 02c ---------------------------------------------------------------------------------------------------

COMPONENTS = (1, 2, 4, 6, 8, 10, 12, 15, 20)


def codes() -> dict:
    """The same decoder fed with codes of four laws; bottleneck 16, 1,000 samples a seed."""
    models = {seed: trained(16, seed) for seed in SEEDS}
    tried = {k: statistics.fmean(code_fit(models[s][0], k, s) for s in SEEDS) for k in COMPONENTS}
    k = max(COMPONENTS, key=tried.get)
    runs = over_seeds(lambda seed: code_rows(*models[seed], k, seed))
    rows = {
        law: {key: [run[key] for run in of_law] for key in of_law[0]}
        for law, of_law in runs.items()
    }
    first, last = rows["standard"]["frechet"], rows["mixture"]["frechet"]
    return {
        "floor": digits_floor() | {"classifier_entropy": entropy(digits().x_test)},
        "chosen": {"components": k, "validation_log_prob_of_codes": tried},
        "margin": min(first) - max(last),
        "largest_spread": max(max(first) - min(first), max(last) - min(last)),
        "rows": rows,
    }


def code_laws(z: Tensor, k: int, seed: int) -> dict[str, CodeLaw]:
    """The four laws, from knowing nothing of the codes z (N, Z) to a mixture of k Gaussians."""
    return {
        "standard": standard_normal(z.shape[1]),
        "scaled": scaled_normal(z),
        "gaussian": fitted_gaussian(z),
        "mixture": fitted_mixture(z, k, torch.Generator().manual_seed(seed)),
    }


@torch.no_grad()
def code_fit(model: Autoencoder, k: int, seed: int) -> float:
    """Mean log density of the validation codes under a mixture of k fitted to the training codes, nats."""
    law = fitted_mixture(model.encode(digits().x_train), k, torch.Generator().manual_seed(seed))
    return law.log_prob(model.encode(digits().x_val)).mean().item()


@torch.no_grad()
def code_rows(model: Autoencoder, train_cpu_s: float, k: int, seed: int) -> dict[str, dict]:
    """One seed: the measures of the running table for each law, and the entropy of the judge's verdicts."""
    with Clock() as fitting:
        laws = code_laws(model.encode(digits().x_train), k, seed)
    rows = {}
    for name, law in laws.items():
        rng = torch.Generator().manual_seed(seed)
        with Clock() as sampling:
            x = finish(model.sample(N_SAMPLES, rng, codes=law))
        costs = {"train_cpu_s": train_cpu_s, "sample_s_per_1000": sampling.cpu_s * 1000 / len(x)}
        rows[name] = score_digits(x, rng=rng) | {"classifier_entropy": entropy(x)} | costs
    rows["mixture"]["train_cpu_s"] += fitting.cpu_s
    return rows


@torch.no_grad()
def entropy(x: Tensor) -> float:
    """Mean entropy of p(y | x) as the judge sees it, nats per image: 0 is sure, log 10 = 2.3 a blind guess."""
    log_p = judge("digits").log_prob(x)
    return -(log_p.exp() * log_p).sum(dim=1).mean().item()


# --- pictures for the page -----------------------------------------------------------------------------------


@torch.no_grad()
def pictures() -> dict:
    """Twelve test digits through each method, and twelve draws of each law, as grey levels 0..16; seed 0."""
    x, shown, seed = digits().x_train, digits().x_test[:12], SEEDS[0]
    with torch.enable_grad():
        narrow, wide = trained(2, seed)[0], trained(16, seed)[0]
        corrupt = partial(add_gaussian, sigma=0.3)
        denoiser = trained(64, seed, corrupt=corrupt)[0]
    noisy = corrupt(shown, rng=torch.Generator().manual_seed(seed))
    laws = code_laws(wide.encode(x), 10, seed)
    return {
        "reconstructions": {
            "unseen digits": levels(shown),
            "PCA, 2 numbers": levels(pca(x, 2).reconstruct(shown)),
            "autoencoder, 2": levels(narrow.reconstruct(shown)),
            "PCA, 16 numbers": levels(pca(x, 16).reconstruct(shown)),
            "autoencoder, 16": levels(wide.reconstruct(shown)),
        },
        "denoising": {
            "unseen digits": levels(shown),
            "with noise": levels(noisy),
            "mean filter": levels(mean_filter(noisy, keep=0.5)),
            "PCA": levels(pca(x, 16).reconstruct(noisy)),
            "autoencoder": levels(denoiser.reconstruct(noisy)),
        },
        "random_codes": {"real digits": levels(shown)}
        | {
            LAW_NAMES[name]: levels(wide.sample(12, torch.Generator().manual_seed(seed), codes=law))
            for name, law in laws.items()
        },
    }


LAW_NAMES = {
    "standard": "N(0, I)",
    "scaled": "N(0, s²I)",
    "gaussian": "fitted Gaussian",
    "mixture": "fitted mixture",
}


def levels(x: Tensor) -> list[list[int]]:
    """Images (n, 1, 8, 8) as n lists of 64 grey levels 0..16."""
    return (finish(x) * 16).round().int().flatten(1).tolist()


# --- the file ----------------------------------------------------------------------------------------------

SECTIONS: dict[str, Callable[[], dict]] = {
    section.__name__: section
    for section in (linear, bottlenecks, tuned, copying, denoising, tweedie, codes, pictures)
}


def main(names: Sequence[str], target: Path = TARGET) -> None:
    """Measure the named sections, or all, and keep the others as they are stored."""
    about = {
        "command": "python -m tools.make_autoencoder_results",
        "seeds": list(SEEDS),
        "threads": 1,
        "recipe": RECIPE | {"batch": 100},
    }
    results.measure_sections(SECTIONS, names, about, target)


if __name__ == "__main__":
    main(sys.argv[1:])
