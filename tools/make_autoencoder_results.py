"""Measure the results of chapter 2: `python -m tools.make_autoencoder_results`, with names for some sections only.

Every choice (numbers of components, weights, steps) was made on the validation images; the test images are only
scored. Five seeds; what a seed changes: starting weights, batches, noise, codes.
"""

from collections.abc import Callable
from functools import partial
from statistics import fmean

import torch
from torch import Tensor

from genlib.autoencoder import (
    Autoencoder,
    CodeDistribution,
    add_gaussian,
    fitted_gaussian,
    fitted_mixture,
    image_autoencoder,
    linear_autoencoder,
    mask_pixels,
    mean_filter,
    pca,
    points_autoencoder,
    principal_angles,
    scaled_normal,
    standard_normal,
)
from genlib.data import Mixture, digits, moons, ring, spiral
from genlib.evaluate import digits_floor, judge, to_grey_levels
from genlib.losses import psnr, squared_error
from genlib.recipes import RECIPES
from genlib.run import Clock
from genlib.table import stored
from genlib.train import Training
from tools import results
from tools.results import (
    COMPONENTS,
    N_SAMPLES,
    Trained,
    best,
    error,
    generator,
    levels,
    parameters,
    scored,
    train,
    trained,
)

SEEDS, TARGET = (0, 1, 2, 3, 4), results.DATA / "autoencoder.json"
ABOUT = results.about(
    "python -m tools.make_autoencoder_results", SEEDS, "autoencoder_digits", n_samples=N_SAMPLES
)

over_seeds = partial(results.over_seeds, seeds=SEEDS)


def of_width(latent_dim: int, seed: int, steps: int | None = None, **options) -> Trained:
    """The book's autoencoder with another code or other options, after the same recipe."""
    changes = {"steps": {"cpu": steps}} if steps else {}
    model = partial(image_autoencoder, latent_dim, **options)
    return train("autoencoder_digits", seed, model=model, **changes)


# --- 02a -----------------------------------------------------------------------------------------------------


def linear() -> dict:
    """A linear autoencoder against PCA: angles in degrees, errors relative to PCA's."""
    return {str(k): over_seeds(partial(linear_run, k)) for k in (2, 16)}


def linear_run(k: int, seed: int, steps: int = 1500) -> dict:
    torch.manual_seed(seed)
    x, x_val = digits().x_train.double(), digits().x_val.double()
    model, reference = linear_autoencoder(k).double(), pca(x, k)
    with Clock() as clock:
        evaluations = descend_by_lbfgs(model, x, steps)
    U, V = model.decoder[0].weight, reference.components.T
    return {
        "largest_angle": principal_angles(U, V).max().item(),
        "excess_train": error(model, x) / error(reference, x) - 1,
        "excess_val": error(model, x_val) / error(reference, x_val) - 1,
        "evaluations": evaluations,
        "train_cpu_s": clock.cpu_s,
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
        str(k): {"pca": pca_errors(k)} | over_seeds(partial(width_run, k))
        for k in (2, 4, 8, 16, 32)
    }


def tuned() -> dict:
    """The bottleneck of 16 with dropout, half as many steps again: what care buys."""
    options = {"steps": 1500, "dropout": 0.05}
    runs = over_seeds(partial(width_run, 16, **options))
    return {"options": options, "pca": pca_errors(16)} | runs


def pca_errors(k: int) -> dict:
    data, model = digits(), pca(digits().x_train, k)
    return {part: error(model, getattr(data, f"x_{part}")) for part in ("train", "val", "test")}


def width_run(k: int, seed: int, **options) -> dict:
    model, _, cpu_s = of_width(k, seed, **options)
    data, reference = digits(), pca_errors(k)
    errors = {part: error(model, getattr(data, f"x_{part}")) for part in reference}
    gains = {f"gain_{part}": 1 - errors[part] / reference[part] for part in ("val", "test")}
    return errors | gains | {"train_cpu_s": cpu_s, "parameters": parameters(model)}


def copying() -> dict:
    """Codes wider than the image (128 numbers for 64 pixels): how much of noise on test digits gets through.

    `clean` is the error on clean test digits; `noise_passed` how far the reconstruction moves when the noise is laid
    on, as a share of the noise (1 is a copier, 0 ignores it); `blank` the share of the noise that lies in pixels
    which are the same in all training images.
    """
    wide = partial(linear_autoencoder, 128)
    kinds = {
        "linear_16": partial(train, "autoencoder_linear"),
        "linear_128": partial(train, "autoencoder_linear", model=wide),
        "deep_16": partial(trained, "autoencoder_digits"),
        "deep_128": partial(of_width, 128),
        "deep_128_denoising": partial(of_width, 128, corrupt=NOISE),
    }
    return {name: over_seeds(partial(copying_run, make)) for name, make in kinds.items()}


def copying_run(make: Callable[[int], Trained], seed: int) -> dict:
    (model, _, cpu_s), x = make(seed), digits().x_test
    noisy = add_gaussian(x, 0.3, generator(seed)).clamp(0, 1)
    blank = digits().x_train.std(dim=0) == 0
    with torch.no_grad():
        moved = squared_error(model.reconstruct(noisy), model.reconstruct(x)).mean()
    noise = squared_error(noisy, x).mean()
    return {
        "clean": error(model, x),
        "noise_passed": (moved / noise).item(),
        "blank": (squared_error(noisy * blank, x * blank).mean() / noise).item(),
        "train_cpu_s": cpu_s,
    }


def anomalies() -> dict:
    """How well the error tells a class that training never saw (or did see) from the others, on test digits: AUROC.

    The networks have 8 code numbers, as has PCA, which sees all classes.
    """
    return {str(y): over_seeds(partial(anomaly_run, y)) for y in (1, 8)}


def anomaly_run(y: int, seed: int) -> dict:
    data, narrow = digits(), partial(image_autoencoder, 8)
    without = data.x_train[data.y_train != y]
    models = {
        "unseen": train("autoencoder_digits", seed, model=narrow, data=(without,)).model,
        "seen": trained("autoencoder_digits", seed, model=narrow).model,
        "pca": pca(data.x_train, 8),
    }
    with torch.no_grad():
        scores = {
            n: squared_error(m.reconstruct(data.x_test), data.x_test) for n, m in models.items()
        }
    return {name: auroc(score, data.y_test == y) for name, score in scores.items()}


def auroc(score: Tensor, strange: Tensor) -> float:
    """The probability that a strange image scores higher than another one; a tie counts one half."""
    more = score[strange][:, None] - score[~strange]
    return ((more > 0).double().mean() + (more == 0).double().mean() / 2).item()


# --- 02b -----------------------------------------------------------------------------------------------------

NOISE = partial(add_gaussian, sigma=0.3)
CORRUPTIONS = {"gaussian_0_3": NOISE, "masking_0_3": partial(mask_pixels, share=0.3)}


def denoising() -> dict:
    """PSNR in dB on the test images, after clipping to [0, 1]; filter and PCA as good as validation can choose them."""
    return {name: denoising_row(corrupt) for name, corrupt in CORRUPTIONS.items()}


def denoising_row(corrupt: Callable) -> dict:
    x, x_val = digits().x_train, digits().x_val
    noisy = corrupt(x_val, rng=generator(99))
    keep, _ = best(lambda w: decibels(mean_filter(noisy, w), x_val), [i / 10 for i in range(11)])
    k, _ = best(lambda k: decibels(pca(x, k).reconstruct(noisy), x_val), range(2, 41))
    runs = over_seeds(partial(denoising_run, corrupt, plain_methods(keep, k)))
    return {"chosen": {"keep": keep, "k": k, "latent_dim": 64}} | runs


def plain_methods(keep: float, k: int) -> dict[str, Callable]:
    """What a denoising autoencoder has to beat: nothing, a mean filter, and k components of PCA."""
    filtered = partial(mean_filter, keep=keep)
    return {
        "noisy": lambda x: x,
        "mean_filter": filtered,
        "pca": pca(digits().x_train, k).reconstruct,
    }


def denoising_run(corrupt: Callable, methods: dict[str, Callable], seed: int) -> dict:
    model, _, cpu_s = of_width(64, seed, corrupt=corrupt)
    methods = methods | {"autoencoder": model.reconstruct}
    return restored(corrupt, methods, seed) | {"train_cpu_s": cpu_s}


def restored(corrupt: Callable, methods: dict[str, Callable], seed: int) -> dict[str, float]:
    """What each method makes of the spoilt test images, dB."""
    x = digits().x_test
    noisy = corrupt(x, rng=generator(100 + seed))
    return {name: decibels(method(noisy), x) for name, method in methods.items()}


def decibels(x_hat: Tensor, x: Tensor) -> float:
    """Mean PSNR over the images."""
    return psnr(x_hat.clamp(0, 1), x).mean().item()


def tweedie() -> dict:
    """Relative L2 error, weighted by the noisy density, of r(x) - x against sigma^2 times the exact score."""
    cases = {"ring": (ring(), 0.3), "moons": (moons(), 0.3), "spiral": (spiral(), 0.2)}
    return {
        name: {"sigma": sigma} | over_seeds(partial(tweedie_run, density, sigma))
        for name, (density, sigma) in cases.items()
    }


def tweedie_run(density: Mixture, sigma: float, seed: int) -> dict:
    """The recipe of the points, on fresh points in every batch."""
    recipe = RECIPES["autoencoder_points"]
    torch.manual_seed(seed)
    model = points_autoencoder(sigma)
    fresh = iter(lambda: (density.sample(recipe.batch),), None)
    with Clock() as clock:
        Training(model, fresh, recipe.steps["cpu"], recipe.lr, fall=recipe.fall).run()
    x = density.noised(1, sigma).sample(5000, generator(seed))
    with torch.no_grad():
        step = model.reconstruct(x) - x
    exact, wrong = (sigma**2 * d.score(x) for d in (density.noised(1, sigma), density))
    return {
        "relative_error": ((step - exact).norm() / exact.norm()).item(),
        "relative_error_to_clean_score": ((step - wrong).norm() / wrong.norm()).item(),
        "train_cpu_s": clock.cpu_s,
    }


# --- 02c -----------------------------------------------------------------------------------------------------


def codes() -> dict:
    """The same decoder fed with codes of four distributions; bottleneck 16, 1,000 samples a seed."""
    k, tried = best(lambda k: fmean(code_fit(k, seed) for seed in SEEDS), COMPONENTS)
    rows = over_seeds(partial(code_rows, k))
    first, last = rows["standard"]["frechet"], rows["mixture"]["frechet"]
    return {
        "floor": digits_floor() | {"classifier_entropy": entropy(digits().x_test)},
        "chosen": {"components": k, "validation_log_prob_of_codes": tried},
        "margin": min(first) - max(last),
        "largest_spread": max(max(first) - min(first), max(last) - min(last)),
        "rows": rows,
    }


def code_distributions(z: Tensor, k: int, seed: int) -> dict[str, CodeDistribution]:
    """The four, from knowing nothing of the codes z (N, Z) to a mixture of k Gaussians."""
    return {
        "standard": standard_normal(z.shape[1]),
        "scaled": scaled_normal(z),
        "gaussian": fitted_gaussian(z),
        "mixture": fitted_mixture(z, k, generator(seed)),
    }


def code_fit(k: int, seed: int) -> float:
    """Mean log density of the validation codes under a mixture of k fitted to the training codes, nats."""
    model, data = trained("autoencoder_digits", seed).model, digits()
    own = fitted_mixture(model.encode(data.x_train), k, generator(seed))
    return own.log_prob(model.encode(data.x_val)).mean().item()


def code_rows(k: int, seed: int) -> dict[str, dict]:
    """One seed: the measures of the running table for each distribution, and the entropy of the judge's verdicts."""
    model, _, cpu_s = trained("autoencoder_digits", seed)
    with Clock() as fitting:
        distributions = code_distributions(model.encode(digits().x_train), k, seed)
    rows = {}
    for name, own in distributions.items():
        rng = generator(seed)
        with Clock() as sampling:
            x = to_grey_levels(model.sample(N_SAMPLES, rng, codes=own))
        rows[name] = scored(x, rng, cpu_s, sampling.cpu_s) | {"classifier_entropy": entropy(x)}
    rows["mixture"]["train_cpu_s"] += fitting.cpu_s
    return rows


def holes() -> dict:
    """Shares of 1,000 codes that lie farther from all training codes than 95 % of the validation codes do."""
    return over_seeds(partial(holes_run, stored("autoencoder")["codes"]["chosen"]["components"]))


def holes_run(k: int, seed: int) -> dict:
    """One seed; `new` are the codes of the test digits."""
    model, data = trained("autoencoder_digits", seed).model, digits()
    z, z_val, z_test = (model.encode(part) for part in (data.x_train, data.x_val, data.x_test))
    distributions = code_distributions(z, k, seed)
    drawn = {name: own.sample(N_SAMPLES, generator(seed)) for name, own in distributions.items()}
    radius = torch.cdist(z_val, z).amin(dim=1).quantile(0.95)
    return {
        name: (torch.cdist(codes, z).amin(dim=1) > radius).double().mean().item()
        for name, codes in ({"new": z_test} | drawn).items()
    }


@torch.no_grad()
def entropy(x: Tensor) -> float:
    """Mean entropy of p(y | x) as the judge sees it, nats per image: 0 is sure, log 10 = 2.3 a blind guess."""
    log_p = judge("digits").log_prob(x)
    return -(log_p.exp() * log_p).sum(dim=1).mean().item()


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures() -> dict:
    """Twelve test digits through each method, and twelve draws of each distribution; seed 0."""
    x, shown, seed = digits().x_train, digits().x_test[:12], SEEDS[0]
    narrow, wide = of_width(2, seed).model, trained("autoencoder_digits", seed).model
    denoiser = of_width(64, seed, corrupt=NOISE).model
    noisy = NOISE(shown, rng=generator(seed))
    methods = plain_methods(0.5, 16) | {"autoencoder": denoiser.reconstruct}
    distributions = code_distributions(wide.encode(x), 10, seed)
    return {
        "reconstructions": {
            "unseen": levels(shown),
            "pca_2": levels(pca(x, 2).reconstruct(shown)),
            "autoencoder_2": levels(narrow.reconstruct(shown)),
            "pca_16": levels(pca(x, 16).reconstruct(shown)),
            "autoencoder_16": levels(wide.reconstruct(shown)),
        },
        "denoising": {"unseen": levels(shown)}
        | {name: levels(method(noisy)) for name, method in methods.items()},
        "random_codes": {"real": levels(shown)}
        | {
            name: levels(wide.sample(12, generator(seed), codes=own))
            for name, own in distributions.items()
        },
    }


SECTIONS = results.named(
    linear, bottlenecks, tuned, copying, anomalies, denoising, tweedie, codes, holes, pictures
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
