"""What the benchmarks on MNIST share: the score of samples, and runs that are kept one by one.

Samples are compared with all 10,000 test images in the features of the MNIST judge. `floor` is what as many training
images score.
"""

import json
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn

from genlib.data import mnist
from genlib.evaluate import class_histogram_tv, frechet_distance, precision_recall
from genlib.pretrained import judge
from genlib.recipes import Recipe
from genlib.run import Clock
from tools import results
from tools.results import features, parameters, train

SEEDS, N, SHAPE = (0, 1, 2), 2000, (1, 28, 28)
BENCH = results.ROOT / "_build" / "bench"


@torch.no_grad()
def score(x: Tensor) -> dict[str, float]:
    """Fréchet distance, precision and recall (2,000 of each), class histogram, against the test images."""
    real = mnist()
    model = judge("mnist")
    a, b = features(model, x.clamp(0, 1)), features(model, real.x_test)
    precision, recall = precision_recall(b[:2000], a[:2000])
    return {
        "n": len(x),
        "frechet": frechet_distance(a, b),
        "precision": precision,
        "recall": recall,
        "class_tv": class_histogram_tv(model.predict(x[:2000]), model.predict(real.x_test)),
    }


def floor() -> dict[str, dict]:
    """What as many training images score as samples are judged."""
    return {"floor": score(mnist().x_train[:N])}


def run(
    draw: Callable[[nn.Module, torch.Generator], Tensor], recipe: Recipe, title: str, seed: int
) -> dict:
    """Train one recipe with one seed, and score N samples against the test images, touched here only."""
    model, _, cpu_s = train(recipe, seed, title)
    with Clock() as clock:
        x = draw(model, results.generator(seed))
    return score(x) | {
        "parameters": parameters(model),
        "steps": recipe.steps["cpu"],
        "train_cpu_s": cpu_s,
        "sample_s_per_1000": clock.cpu_s * 1000 / N,
    }


def main(
    bench: str,
    recipes: Mapping[str, Recipe],
    run: Callable[[Recipe, str, int], dict],
    names: Sequence[str],
    about: Callable[[], dict] = floor,
) -> None:
    """Measure the named runs, "recipe:seed", or all; keep each in a file as soon as it ends, and collect them."""
    known = [f"{name}:{seed}" for name in recipes for seed in SEEDS]
    results.expect_names(names, known, "RUNS")
    torch.set_num_threads(1)
    runs = BENCH / bench
    for name in names or known:
        recipe, _, seed = name.partition(":")
        row = run(recipes[recipe], f"{recipe}, seed {seed}", int(seed))
        results.write(row, runs / f"{recipe}-{seed}.json")
        print(name, {key: round(value, 3) for key, value in row.items()}, flush=True)
    collect(bench, recipes, runs, results.DATA / f"{bench}.json", about)


def collect(
    bench: str,
    recipes: Mapping[str, Recipe],
    runs: Path,
    target: Path,
    about: Callable[[], dict] = floor,
) -> None:
    """Put the runs of each recipe whose seeds are all there side by side, one list over seeds for each number.

    Args:
        about: makes what is stored beside the recipes, once it is known that there is something to store.
    """
    found: dict[str, dict] = {}
    for name, recipe in recipes.items():
        files = [runs / f"{name}-{seed}.json" for seed in SEEDS]
        if all(file.exists() for file in files):
            rows = results.side_by_side(
                [json.loads(file.read_text(encoding="utf-8")) for file in files]
            )
            found[name] = {"recipe": results.described(recipe)} | rows
    if found:
        facts = results.about(f"make bench BENCH={bench}", SEEDS) | results.facts()
        results.write(facts | about() | found, target)
