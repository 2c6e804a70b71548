"""What the benchmarks on MNIST share: the score of samples, and runs that are kept one by one.

Samples are compared with all 10,000 test images in the features of the MNIST judge. `floor` is what as many training
images score.
"""

import json
import sys
from collections.abc import Callable, Mapping
from dataclasses import asdict
from pathlib import Path

import torch
from torch import Tensor, nn

from genlib.data import mnist
from genlib.evaluate import class_histogram_tv, frechet_distance, judge, precision_recall
from tools import results
from tools.train_judge import features

SEEDS, N, SHAPE = (0, 1, 2), 2000, (1, 28, 28)
BENCH = results.ROOT / "_build" / "bench"


class InBfloat16(nn.Module):
    """A network whose matrices are multiplied in bfloat16; its weights and its results stay float32."""

    def __init__(self, net: nn.Module):
        super().__init__()
        self.net = net

    def forward(self, *args: Tensor) -> Tensor:
        with torch.autocast("cpu", torch.bfloat16):
            return self.net(*args).float()


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


def main(
    bench: str,
    recipes: Mapping[str, object],
    run: Callable[[str, int], dict],
    names: list[str],
    **stored: Callable[..., dict],
) -> None:
    """Measure the named runs, "recipe:seed", or all; keep each in a file as soon as it ends, and collect them.

    What else is stored is said by `about` and `describe` of `collect`.
    """
    known = [f"{name}:{seed}" for name in recipes for seed in SEEDS]
    if unknown := set(names) - set(known):
        sys.exit(f"RUNS: expected some of {', '.join(known)}, got {', '.join(sorted(unknown))}")
    torch.set_num_threads(1)
    runs = BENCH / bench
    runs.mkdir(parents=True, exist_ok=True)
    for name in names or known:
        recipe, _, seed = name.partition(":")
        row = run(recipe, int(seed))
        results.write(row, runs / f"{recipe}-{seed}.json")
        print(name, {key: round(value, 3) for key, value in row.items()}, flush=True)
    collect(bench, recipes, runs, results.DATA / f"{bench}.json", **stored)


def collect(
    bench: str,
    recipes: Mapping[str, object],
    runs: Path,
    target: Path,
    *,
    about: Callable[[], dict] = floor,
    describe: Callable[[object], dict] = lambda recipe: {"recipe": asdict(recipe)},
) -> None:
    """Put the runs of each recipe whose seeds are all there side by side, one list over seeds for each number.

    Args:
        about: makes what is stored beside the recipes, once it is known that there is something to store.
        describe: makes what is stored of one recipe beside its numbers.
    """
    found: dict[str, dict] = {}
    for name, recipe in recipes.items():
        files = [runs / f"{name}-{seed}.json" for seed in SEEDS]
        if all(file.exists() for file in files):
            rows = [json.loads(file.read_text()) for file in files]
            found[name] = describe(recipe)
            found[name] |= {key: [row[key] for row in rows] for key in rows[0]}
    if found:
        command = {"command": f"make bench BENCH={bench}", "seeds": list(SEEDS)}
        results.write(results.facts() | command | about() | found, target)
