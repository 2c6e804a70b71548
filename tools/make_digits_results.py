"""Measure what the page of chapter 1 quotes of notebook 01b: `python -m tools.make_digits_results`.

Learning curves, the bandwidth of the kernel density, the price of the dimension, likelihood against
samples, the judge run backwards, and pictures. Every choice is made on the validation images.
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
from genlib.table import stored
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


def twin(x: Tensor, y: Tensor, floor: float = 0.01) -> Predict:
    """Naive Bayes with variances shared by all (equally frequent) classes: as linear as logistic regression."""
    x = x.flatten(1)
    mean = torch.stack([x[y == k].mean(dim=0) for k in range(10)])
    var = (x - mean[y]).square().mean(dim=0) + floor
    return lambda x: (-(x.flatten(1)[:, None] - mean).square() / var).sum(dim=2).argmax(dim=1)


def logistic(x: Tensor, y: Tensor, C: float = 1.0) -> Predict:
    """Multinomial logistic regression; the penalty is weaker where C is larger."""
    model = LogisticRegression(C=C, max_iter=1000).fit(x.flatten(1).numpy(), y.numpy())
    return lambda x: torch.from_numpy(model.predict(x.flatten(1).numpy()))


def gaussian(x: Tensor, y: Tensor, shrink: float) -> Predict:
    return statistical.full_gaussian(shrink).fit(x, y).predict


def kernels(x: Tensor, y: Tensor, bandwidth: float) -> Predict:
    return statistical.kernel_density(bandwidth).fit(x, y).predict


# every learner has one setting, which is chosen anew at each number of training images
LEARNERS: dict[str, tuple[Callable[..., Predict], tuple[float, ...]]] = {
    "logistic_regression": (logistic, (0.1, 1.0, 10.0, 100.0)),
    "generative_twin": (twin, (0.001, 0.01, 0.1, 1.0)),
    "full_gaussian": (gaussian, (0.0, 0.03, 0.1, 0.3, 0.7, 1.0)),
    "kernel_density": (kernels, (0.05, 0.1, 0.14, 0.2, 0.3)),
}


def nested_subsets(y: Tensor, sizes: Sequence[int], rng: torch.Generator) -> list[Tensor]:
    """Row numbers of random subsets of the given sizes, each inside the next, every class equally often."""
    rows = [(y == k).nonzero().flatten() for k in range(10)]
    each = max(sizes) // 10
    order = [r[permutation(len(r), rng)[:each]] for r in rows]
    turns = torch.stack(order, dim=1).flatten()
    return [turns[:n] for n in sizes]


def learning_curves(sizes: Sequence[int] = SIZES, subsets: int = SUBSETS) -> dict:
    """Test accuracy of every learner by the number of training images, over random subsets of the training part.

    At each size the setting with the best mean accuracy on the validation images is taken.
    """
    validation, test = accuracies(sizes, subsets)
    chosen = {name: chosen_settings(tried) for name, tried in validation.items()}
    found = {
        name: np.stack([test[name][s][:, i] for i, s in enumerate(settings)], axis=1)
        for name, settings in chosen.items()
    }
    reference = found["logistic_regression"]
    others = [name for name in found if name != "logistic_regression"]
    return {
        "sizes": list(sizes),
        "subsets": subsets,
        "validation": {
            name: {str(s): a.mean(axis=0).tolist() for s, a in tried.items()}
            for name, tried in validation.items()
        },
        "chosen": chosen,
        "accuracy": {name: a.mean(axis=0).tolist() for name, a in found.items()},
        "accuracy_sd": {name: a.std(axis=0, ddof=1).tolist() for name, a in found.items()},
        "minus_logistic_regression": {name: paired(found[name] - reference) for name in others},
    }


def accuracies(sizes: Sequence[int], subsets: int) -> list[dict[str, dict[float, np.ndarray]]]:
    """Of every learner with every setting on the validation and on the test images, arrays (subsets, sizes)."""
    data, rng = digits(), generator(0)
    x_train, x_val, x_test = (dequantise(x, rng) for x in (data.x_train, data.x_val, data.x_test))
    chances = [nested_subsets(data.y_train, sizes, rng) for _ in range(subsets)]
    parts: list[dict] = [{}, {}]
    for name, (learn, settings) in LEARNERS.items():
        for setting in settings:
            runs = [[learn(x_train[i], data.y_train[i], setting) for i in rows] for rows in chances]
            for part, x, y in zip(parts, (x_val, x_test), (data.y_val, data.y_test), strict=True):
                right = [[(p(x) == y).double().mean().item() for p in row] for row in runs]
                part.setdefault(name, {})[setting] = np.array(right)
    return parts


def chosen_settings(tried: dict[float, np.ndarray]) -> list[float]:
    """For each size the setting with the best mean accuracy over the subsets, from arrays (subsets, sizes)."""
    means = {setting: a.mean(axis=0) for setting, a in tried.items()}
    sizes = range(len(next(iter(means.values()))))
    return [max(means, key=lambda setting: means[setting][i]) for i in sizes]


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


def climb(rng: torch.Generator, n: int) -> Tensor:
    """n images of static after 200 steps uphill on the judge's log p(y = 3 | x)."""
    x = torch.rand(n, 1, 8, 8, generator=rng)
    for _ in range(200):
        x.requires_grad_(True)
        (gradient,) = torch.autograd.grad(judge("digits").log_prob(x)[:, 3].sum(), x)
        x = (x + 0.1 * gradient).clamp(0, 1).detach()
    return x


def backwards_run(seed: int, n: int = 100) -> dict:
    data, rng, model = digits(), generator(seed), judge("digits")
    x = climb(rng, n)
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


# --- pictures for the page -----------------------------------------------------------------------------------


def pictures() -> dict:
    """Ten columns a row, as grey levels 0..16; seed 0."""
    data, rng = digits(), generator(SEEDS[0])
    x_train, classes = dequantise(data.x_train, rng), torch.arange(10)
    models = {
        "naive_bayes": statistical.naive_bayes(),
        "full_gaussian": statistical.full_gaussian(),
        "gaussian_mixture": statistical.mixture(stored("table")["rows"]["mixture"]["chosen"]["k"]),
        "kernel_density": statistical.kernel_density(),
    }
    drawn = {
        name: model.fit(x_train, data.y_train, rng).sample(10, rng, classes)
        for name, model in models.items()
    }
    real = torch.stack([data.x_test[data.y_test == k][0] for k in range(10)])
    rows = {"real": real} | drawn | {"nearest": results.nearest(drawn["kernel_density"])}
    threes = data.x_test[data.y_test == 3][:10]
    climbed = {"real_threes": threes, "backwards": to_grey_levels(climb(rng, 10))}
    return {
        "densities": {name: results.levels(x) for name, x in rows.items()},
        "backwards": {name: results.levels(x) for name, x in climbed.items()},
    }


SECTIONS = results.named(
    learning_curves, bandwidth, lost_nats, unshrunk_gaussian, backwards, pictures
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
