"""Measure the results of notebook 07a: `python -m tools.make_measures_results`, with names for some sections only.

The digits that no model was trained on are halved at random; one half plays the samples of a model whose fault is
known, the other the real digits. What real digits score against real digits, in many halvings, says what a measure
can notice. The sections on MNIST need its files (`GENLIB_DATA`); without them they stay as they are stored.
"""

import functools
import math
import sys
from collections.abc import Sequence
from statistics import fmean, pstdev

import torch
from torch import Tensor

from genlib import data, statistical
from genlib.autoencoder import mean_filter
from genlib.corrupt import (
    CORRUPTIONS,
    WORSE,
    halves,
    measures,
    notices,
    real_against_real,
    spread,
    static,
)
from genlib.data import dequantise, digits, mnist
from genlib.data.download import FILES
from genlib.evaluate import (
    frechet_at_infinity,
    frechet_distance,
    kernel_distance,
    precision_recall,
    score_digits,
    to_grey_levels,
)
from genlib.pretrained import digits_ddpm, judge
from genlib.statistical import ClassConditional, KernelDensity
from tools import results
from tools.results import generator

DRAWS, REPEATS, TARGET = 200, 20, results.DATA / "measures.json"
DOSES = (0.02, 0.05, 0.1, 0.2, 0.3, 0.5, 0.7, 1.0)
OFTEN = 0.9  # a measure notices a dose that it finds worse in this share of the repeats
ABOUT = results.about(
    "python -m tools.make_measures_results",
    [0],
    draws=DRAWS,
    repeats=REPEATS,
    doses=list(DOSES),
    often=OFTEN,
)

# --- what notices what -------------------------------------------------------------------------------------------


@functools.cache
def scatter() -> dict[str, list[float]]:
    """Every measure of real digits against real digits, in DRAWS halvings."""
    return real_against_real(DRAWS, 1000)


@functools.cache
def floor() -> dict[str, dict[str, float]]:
    """What real digits score against real digits: mean, deviation, and the ends of the middle 95 %.

    worse, better: the shares of these draws that lie beyond the ends, which nothing but chance has put there.
    """
    found = {}
    for name, values in scatter().items():
        low, high = spread(values)
        said = [notices(name, value, low, high) for value in values]
        found[name] = {"mean": fmean(values), "sd": pstdev(values), "low": low, "high": high}
        found[name] |= {"worse": said.count(1) / DRAWS, "better": said.count(-1) / DRAWS}
    return found


def matrix() -> dict:
    """Corruption by measure: values by dose, shares of the repeats that are noticed, and the smallest dose that is."""
    return {name: noticed(name) for name in CORRUPTIONS}


def noticed(name: str, doses: Sequence[float] = DOSES, repeats: int = REPEATS) -> dict:
    """One corruption, by measure: lists over the doses, and `smallest`, None where no dose is noticed."""
    rows = [[trial(name, dose, seed) for seed in range(repeats)] for dose in doses]
    return {m: curve(m, [[row[m] for row in by_seed] for by_seed in rows], doses) for m in WORSE}


def trial(name: str, dose: float, seed: int) -> dict[str, float]:
    """Every measure of one half of the unseen digits, corrupted; the halves belong to the seed."""
    rng = generator(seed)
    x, y, real = halves(rng)
    return measures(CORRUPTIONS[name](x, y, dose, rng), y, real, rng)


def curve(measure: str, values: Sequence[Sequence[float]], doses: Sequence[float]) -> dict:
    """Values by dose and repeat as means, deviations, and shares that lie beyond the spread of real digits."""
    low, high = floor()[measure]["low"], floor()[measure]["high"]
    said = [[notices(measure, value, low, high) for value in row] for row in values]
    worse = [row.count(1) / len(row) for row in said]
    return {
        "mean": [fmean(row) for row in values],
        "sd": [pstdev(row) for row in values],
        "worse": worse,
        "better": [row.count(-1) / len(row) for row in said],
        "smallest": smallest(worse, doses),
    }


def smallest(worse: Sequence[float], doses: Sequence[float]) -> float | None:
    """The smallest dose from which on every dose is noticed OFTEN, or None."""
    found = None
    for dose, share in reversed(list(zip(doses, worse, strict=True))):
        if share < OFTEN:
            break
        found = dose
    return found


# --- the number of samples ---------------------------------------------------------------------------------------

SIZES, POOLS, MANY = (100, 200, 500, 1000, 2000, 5000), (100, 300, 1000), 50_000
MODELS = {
    "naive_bayes": statistical.naive_bayes,
    "full_gaussian": statistical.full_gaussian,
    "mixture": statistical.mixture,
    "kernel_density": statistical.kernel_density,
}


@functools.cache
def fitted(name: str) -> ClassConditional:
    """A model of chapter 1, which draws as many digits as one likes."""
    rng, train = generator(0), digits()
    return MODELS[name]().fit(dequantise(train.x_train, rng), train.y_train, rng)


def seen(x: Tensor, name: str = "digits") -> Tensor:
    """What the judge sees in images, (n, features)."""
    return results.features(judge(name), x).detach()


def bias() -> dict:
    """The Fréchet distance of a model's samples to the test digits, by their number, and what extrapolation makes."""
    return {"sizes": list(SIZES), "many": MANY} | {name: bias_of(name) for name in MODELS}


def bias_of(name: str) -> dict:
    """One model: means and deviations over REPEATS draws of each size, and the value of MANY samples.

    pools: for sets of POOLS samples, their own values, those extrapolated from their parts, the kernel distances, and
        how far off the first two are: root mean square differences from the value of MANY.
    """
    reference = seen(digits().x_test)
    features = seen(fitted(name).sample(MANY, generator(1)))
    values = {n: by_size(features, reference, n) for n in SIZES}
    of_many = frechet_distance(features, reference)
    return {
        "mean": [fmean(values[n]) for n in SIZES],
        "sd": [pstdev(values[n]) for n in SIZES],
        "of_many": of_many,
        "kernel_of_many": kernel_distance(features[:10_000], reference),
        "pools": {str(n): pools(features.split(n)[:REPEATS], reference, of_many) for n in POOLS},
    }


def pools(sets: Sequence[Tensor], reference: Tensor, of_many: float) -> dict:
    """Sets of features of one size: plain and extrapolated Fréchet distances, and kernel distances."""
    plain = [frechet_distance(pool, reference) for pool in sets]
    line = [extrapolated(pool, reference, seed) for seed, pool in enumerate(sets)]
    return {
        "plain": plain,
        "at_infinity": line,
        "kernel": [kernel_distance(pool, reference) for pool in sets],
        "plain_off": fmean((v - of_many) ** 2 for v in plain) ** 0.5,
        "at_infinity_off": fmean((v - of_many) ** 2 for v in line) ** 0.5,
    }


def by_size(features: Tensor, reference: Tensor, n: int) -> list[float]:
    """Distances of REPEATS random sets of n rows each."""
    rng = generator(n)
    picks = [torch.randperm(len(features), generator=rng)[:n] for _ in range(REPEATS)]
    return [frechet_distance(features[pick], reference) for pick in picks]


def extrapolated(pool: Tensor, reference: Tensor, seed: int) -> float:
    """From 15 evenly spaced sizes, a quarter of the pool to all of it."""
    sizes = torch.linspace(len(pool) // 4, len(pool), 15).long().tolist()
    return frechet_at_infinity(pool, reference, sizes, generator(seed))


def bias_real() -> dict:
    """Real digits against real digits: the floor by the number of samples; the reference has 398."""
    sizes, rng = (50, 100, 200, 398), generator(0)
    parts = [[seen(x) for x in halves(rng)[::2]] for _ in range(REPEATS)]
    found = [[frechet_distance(a[:n], b) for a, b in parts] for n in sizes]
    return {"sizes": list(sizes), "mean": list(map(fmean, found)), "sd": list(map(pstdev, found))}


MNIST_SIZES, MNIST_FROM = (500, 1000, 2000, 5000, 10_000), 2000


def bias_mnist() -> dict | None:
    """MNIST: 10,000 training images as samples, and the same ones blurred, against the 10,000 test images.

    line: what the values of at most MNIST_FROM samples, as a line in 1 / n, say of 10,000.
    """
    images = mnist()
    reference, x = seen(images.x_test, "mnist"), images.x_train[:10_000]
    sets = {"real": x, "blurred": to_grey_levels(mean_filter(x, 0.5), 256)}
    found = {name: mnist_by_size(seen(x, "mnist"), reference) for name, x in sets.items()}
    return {"sizes": list(MNIST_SIZES), "from": MNIST_FROM} | found


def mnist_by_size(features: Tensor, reference: Tensor) -> dict:
    """Means and deviations over REPEATS draws from the set; all of it is one draw."""
    values = {n: by_size(features, reference, n) for n in MNIST_SIZES[:-1]}
    values[MNIST_SIZES[-1]] = [frechet_distance(features, reference)]
    few = [(1 / n, fmean(v)) for n, v in values.items() if n <= MNIST_FROM]
    line = torch.tensor([[place, 1] for place, _ in few]).double()
    slope, end = torch.linalg.lstsq(line, torch.tensor([[v] for _, v in few]).double()).solution
    return {
        "mean": [fmean(v) for v in values.values()],
        "sd": [pstdev(v) for v in values.values()],
        "line": (end + slope / MNIST_SIZES[-1]).item(),
        "at_infinity": end.item(),
    }


# --- neighbours --------------------------------------------------------------------------------------------------

KS, NS = (1, 3, 5, 10, 20), (50, 100, 200, 398)


def neighbours() -> dict:
    """Precision and recall by k and n, rows of n: real digits against real digits, and two models of chapter 1."""
    sets = {"real": None, "naive_bayes": "naive_bayes", "mixture": "mixture"}
    return {"k": list(KS), "n": list(NS)} | {name: by_k(model) for name, model in sets.items()}


def by_k(model: str | None) -> dict[str, list[list[float]]]:
    """Means over half as many halvings; the samples are one half of the real digits, or those of a model."""
    rng, found = generator(0), {"precision": [], "recall": []}
    pairs = []
    for _ in range(REPEATS // 2):
        x, _, real = halves(rng)
        pairs.append((seen(real), seen(x if model is None else fitted(model).sample(398, rng))))
    for n in NS:
        rows = [[precision_recall(a[:n], b[:n], k) for a, b in pairs] for k in KS]
        for at, name in enumerate(found):
            found[name].append([fmean(pair[at] for pair in row) for row in rows])
    return found


# --- likelihood is not the quality of samples ----------------------------------------------------------------------

SHARE, NARROW = 0.01, 0.002  # of good samples in the noisy model; the bandwidth of narrow kernels


def likelihood() -> dict:
    """Models with their mean log density of the test digits, nats, and the measures of 1,000 samples."""
    model, rng = fitted("full_gaussian"), generator(2)
    x_test = dequantise(digits().x_test, rng)
    good, log_good = model.sample(1000, rng), model.log_prob(x_test)
    log_noisy = torch.logaddexp(log_good + math.log(SHARE), torch.tensor(math.log(1 - SHARE)))
    poor = fitted("naive_bayes")
    rows = {
        "good": scored(good, log_good),
        "naive_bayes": scored(poor.sample(1000, rng), poor.log_prob(x_test)),
        "one_percent": scored(mostly_noise(good), log_noisy) | {"share": SHARE},
    }
    for name in ("train", "val"):
        centres = getattr(digits(), f"x_{name}")
        narrow = KernelDensity(NARROW).fit(dequantise(centres, rng).flatten(1).double().numpy())
        log_p = torch.from_numpy(narrow.score_samples(x_test.flatten(1).double().numpy()))
        drawn = torch.from_numpy(narrow.sample(1000, 3)).float().view(-1, 1, 8, 8)
        rows[f"narrow_{name}"] = scored(data.quantise(drawn), log_p) | {"bandwidth": NARROW}
    return rows


def mostly_noise(good: Tensor) -> Tensor:
    """99 samples of noise to each good one."""
    return static(good, torch.zeros(len(good), dtype=torch.long), 1 - SHARE, generator(3))


def scored(x: Tensor, log_p: Tensor) -> dict[str, float]:
    """The measures of samples, and the mean log density of the test digits with its standard error."""
    error = (log_p.std() / len(log_p) ** 0.5).item()
    return score_digits(x, rng=generator(0)) | {"log_p": log_p.mean().item(), "log_p_se": error}


# --- a measure broken on purpose -----------------------------------------------------------------------------------


def fooled() -> dict:
    """Noise that was moved until the judge sees digits in it; its measures, and those of the noise before."""
    rng = generator(0)
    x, y, real = halves(rng)
    start = to_grey_levels(torch.rand(x.shape, generator=rng))
    found = moved(start, seen(x))
    before, after = (measures(noise, y, real, rng) for noise in (start, found))
    return {"before": before, "after": after, "x": results.levels(found[:20])}


def moved(x: Tensor, goal: Tensor, steps: int = 300) -> Tensor:
    """Images whose features come close to the goal's, (n, features), found by the gradient from x on."""
    free = torch.logit(x.clamp(0.02, 0.98)).requires_grad_()
    optimizer, model = torch.optim.Adam([free], lr=0.1), judge("digits")
    with torch.enable_grad():
        for _ in range(steps):
            optimizer.zero_grad()
            (model.features(free.sigmoid()) - goal).square().sum().backward()
            optimizer.step()
    return to_grey_levels(free.detach().sigmoid())


# --- real or drawn? ------------------------------------------------------------------------------------------------

PAIRS = 2  # of each class


def choice() -> dict:
    """Digits for the reader to choose between, grey levels 0..16: the first PAIRS of each class, real and drawn."""
    ddpm = to_grey_levels(
        data.unsigned(digits_ddpm().ddim(400, results.IMAGE, 50, 0.0, generator(0)))
    )
    drawn = {"ddpm": ddpm, "mixture": fitted("mixture").sample(400, generator(0))}
    by_judge = {name: first_of_each(x, judge("digits").predict(x)) for name, x in drawn.items()}
    return {"real": first_of_each(digits().x_test, digits().y_test), "drawn": by_judge}


def first_of_each(x: Tensor, y: Tensor) -> list[list[int]]:
    """The first PAIRS digits of each class, class by class."""
    return results.levels(torch.cat([x[y == k][:PAIRS] for k in range(10)]))


# --- all -----------------------------------------------------------------------------------------------------------

SECTIONS = results.named(
    floor, matrix, bias, bias_real, bias_mnist, neighbours, likelihood, fooled, choice
)


def there() -> list[str]:
    """The names of all sections, without those whose files are missing."""
    try:
        data.download.read("mnist", FILES[0])
    except (OSError, ValueError) as problem:
        print(f"bias_mnist stays as it is stored: {problem}")
        return [name for name in SECTIONS if name != "bias_mnist"]
    return list(SECTIONS)


if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET, names=sys.argv[1:] or there())
