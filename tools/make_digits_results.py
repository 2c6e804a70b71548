"""Measure what the page of chapter 1 quotes of notebook 01b: `python -m tools.make_digits_results`.

Learning curves, the bandwidth of the kernel density, the price of the dimension, likelihood against
samples, and the judge run backwards. Every choice is made on the validation images.
"""

import math
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch
from sklearn.linear_model import LogisticRegression
from torch import Tensor

from genlib import statistical
from genlib.data import dequantise, digits
from genlib.evaluate import nearest_training_ratio, score_digits, to_grey_levels
from genlib.pretrained import judge
from genlib.rng import permutation
from tools import results
from tools.results import N_SAMPLES, generator

SEEDS, TARGET = (0, 1, 2), results.DATA / "digits_statistics.json"
ABOUT = results.about("python -m tools.make_digits_results", SEEDS, n_samples=N_SAMPLES)
SIZES, SUBSETS = (20, 50, 100, 200, 400, 800), 60
BANDWIDTHS = (0.02, 0.03, 0.05, 0.07, 0.1, 0.12, 0.14, 0.17, 0.2, 0.25, 0.3, 0.4, 0.5)
DIMENSIONS, N_NORMAL = (2, 4, 8, 16, 32, 64), 1000
Predict = Callable[[Tensor], Tensor]

over_seeds = partial(results.over_seeds, seeds=SEEDS)


# --- learning curves ---------------------------------------------------------------------------------------


def twin(x: Tensor, y: Tensor) -> Predict:
    """Naive Bayes with variances shared by all (equally frequent) classes: as linear as logistic regression."""
    x = x.flatten(1)
    mean = torch.stack([x[y == k].mean(dim=0) for k in range(10)])
    var = (x - mean[y]).square().mean(dim=0) + 0.01
    return lambda x: (-(x.flatten(1)[:, None] - mean).square() / var).sum(dim=2).argmax(dim=1)


def logistic(x: Tensor, y: Tensor) -> Predict:
    """Multinomial logistic regression with scikit-learn's default penalty."""
    model = LogisticRegression(max_iter=500).fit(x.flatten(1).numpy(), y.numpy())
    return lambda x: torch.from_numpy(model.predict(x.flatten(1).numpy()))


LEARNERS: dict[str, Callable[[Tensor, Tensor], Predict]] = {
    "logistic_regression": logistic,
    "generative_twin": twin,
    "full_gaussian": lambda x, y: statistical.full_gaussian().fit(x, y).predict,
    "kernel_density": lambda x, y: statistical.kernel_density().fit(x, y).predict,
}


def nested_subsets(y: Tensor, sizes: Sequence[int], rng: torch.Generator) -> list[Tensor]:
    """Row numbers of random subsets of the given sizes, each inside the next, every class equally often."""
    rows = [(y == k).nonzero().flatten() for k in range(10)]
    each = max(sizes) // 10
    order = [r[permutation(len(r), rng)[:each]] for r in rows]
    turns = torch.stack(order, dim=1).flatten()
    return [turns[:n] for n in sizes]


def learning_curves(sizes: Sequence[int] = SIZES, subsets: int = SUBSETS) -> dict:
    """Validation accuracy of every learner, a list per subset and size, and the paired differences."""
    data, rng = digits(), generator(0)
    x_train, x_val = dequantise(data.x_train, rng), dequantise(data.x_val, rng)
    scores: dict[str, list] = {name: [] for name in LEARNERS}
    for _ in range(subsets):
        rows = nested_subsets(data.y_train, sizes, rng)
        for name, learn in LEARNERS.items():
            predicted = [learn(x_train[i], data.y_train[i])(x_val) for i in rows]
            scores[name].append([(p == data.y_val).double().mean().item() for p in predicted])
    found = {name: np.array(values) for name, values in scores.items()}
    reference = found["logistic_regression"]
    others = [name for name in found if name != "logistic_regression"]
    return {
        "sizes": list(sizes),
        "subsets": subsets,
        "accuracy": {name: a.mean(axis=0).tolist() for name, a in found.items()},
        "accuracy_sd": {name: a.std(axis=0, ddof=1).tolist() for name, a in found.items()},
        "minus_logistic_regression": {name: paired(found[name] - reference) for name in others},
    }


def paired(difference: np.ndarray) -> dict[str, list]:
    """Mean difference per size, its standard error, and ahead, behind or tie (under three standard errors)."""
    mean = difference.mean(axis=0)
    error = difference.std(axis=0, ddof=1) / math.sqrt(len(difference))
    words = np.where(mean > 3 * error, "ahead", np.where(mean < -3 * error, "behind", "tie"))
    return {"mean": mean.tolist(), "standard_error": error.tolist(), "verdict": words.tolist()}


# --- densities ---------------------------------------------------------------------------------------------


def bandwidth() -> dict:
    """The kernel density from copies of the training images to a blur."""
    return {str(h): over_seeds(partial(bandwidth_run, h)) for h in BANDWIDTHS}


def bandwidth_run(h: float, seed: int) -> dict:
    """One kernel density: its likelihoods and its samples."""
    data, rng = digits(), generator(seed)
    x_train, x_val = dequantise(data.x_train, rng), dequantise(data.x_val, rng)
    model = statistical.kernel_density(h).fit(x_train, data.y_train)
    row = score_digits(model.sample(N_SAMPLES, rng), rng=rng)
    return {
        "log_prob_train": model.log_prob(x_train).mean().item(),
        "log_prob_val": model.log_prob(x_val).mean().item(),
        "accuracy_val": (model.predict(x_val) == data.y_val).double().mean().item(),
        "frechet": row["frechet"],
        "nearest_ratio": row["nearest_ratio"],
    }


def lost_nats() -> dict:
    """The price of the dimension."""
    return {str(D): over_seeds(partial(lost_nats_run, D)) for D in DIMENSIONS}


def lost_nats_run(D: int, seed: int, N: int = N_NORMAL) -> dict[str, float]:
    """Nats lost against the truth N(0, I) on fresh points by a kernel density and by a fitted Gaussian."""
    rng = generator(seed)
    train, val, new = (
        torch.randn(n, D, generator=rng).double().numpy() for n in (N, N // 2, N // 2)
    )
    true_log_p = -(new**2).sum(axis=1) / 2 - D / 2 * math.log(2 * math.pi)
    kernels = [statistical.KernelDensity(h).fit(train) for h in np.geomspace(0.1, 1, 12)]
    models = {
        "kernel_density": max(kernels, key=lambda model: model.score_samples(val).mean()),
        "gaussian": statistical.ShrunkGaussian().fit(train),
    }
    return {name: float((true_log_p - m.score_samples(new)).mean()) for name, m in models.items()}


def unshrunk_gaussian() -> dict:
    """The Gaussian without shrinkage: poor likelihood, good samples."""
    return over_seeds(unshrunk_run)


def unshrunk_run(seed: int) -> dict:
    data, rng = digits(), generator(seed)
    x_train, x_val = dequantise(data.x_train, rng), dequantise(data.x_val, rng)
    model = statistical.full_gaussian(shrink=0.0).fit(x_train, data.y_train)
    return score_digits(model.sample(N_SAMPLES, rng), rng=rng) | {
        "log_prob_val": model.log_prob(x_val).mean().item()
    }


def backwards() -> dict:
    """Images of static, changed until the judge sees a 3, beside threes: what others say about them."""
    return over_seeds(backwards_run)


def backwards_run(seed: int, n: int = 100) -> dict:
    data, rng, model = digits(), generator(seed), judge("digits")
    x = torch.rand(n, 1, 8, 8, generator=rng)
    for _ in range(200):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(model.log_prob(x)[:, 3].sum(), x)
        x = (x + 0.1 * gradient).clamp(0, 1).detach()
    density = statistical.full_gaussian().fit(dequantise(data.x_train, rng), data.y_train)
    second, row = logistic(data.x_train, data.y_train), {}
    threes = data.x_test[data.y_test == 3]
    for name, images in {"backwards": to_grey_levels(x), "threes": threes}.items():
        row |= {
            f"{name}_judge_median": model.log_prob(images)[:, 3].exp().median().item(),
            f"{name}_second_agrees": (second(images) == 3).double().mean().item(),
            f"{name}_log_prob_median": density.log_prob(dequantise(images, rng)).median().item(),
            f"{name}_nearest_ratio": nearest_training_ratio(images, data.x_train, data.x_test),
        }
    return row


SECTIONS = results.named(learning_curves, bandwidth, lost_nats, unshrunk_gaussian, backwards)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
