"""What the checks at the border cost: CPU-time of a training step with them and without, on one thread.

`python -m benchmarks.border` trains both in turn, a few steps each, so that a busy machine slows down both alike.
"""

import collections
import importlib
import inspect
import statistics
import sys
import time
from collections.abc import Callable

import torch

RECIPES = ("autoencoder_digits", "vae_digits", "gan_points", "ddpm_digits")
STEPS, BLOCK = 300, 10


def recipes(checked: bool) -> Callable:
    """`genlib.recipes.training` of a fresh genlib, with all checks or with none."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "genlib"]:
        del sys.modules[name]
    expect = importlib.import_module("genlib.expect")
    if not checked:
        expect.border = lambda function: function
        for name, _ in inspect.getmembers(expect, inspect.isfunction):
            if name.startswith("expect"):
                setattr(expect, name, lambda *_, **__: collections.defaultdict(int))
    return importlib.import_module("genlib.recipes").training


def milliseconds(training) -> float:
    """CPU-milliseconds of a step, over a few."""
    start = time.process_time()
    for _ in range(BLOCK):
        training.step()
    return 1e3 * (time.process_time() - start) / BLOCK


def main() -> None:
    torch.set_num_threads(1)
    kinds = [recipes(checked=True), recipes(checked=False)]
    for name in RECIPES:
        pair = [make(name, steps={"cpu": 2 * STEPS}) for make in kinds]
        for training in pair:  # a first round to warm up
            milliseconds(training)
        blocks = [[milliseconds(training) for training in pair] for _ in range(STEPS // BLOCK)]
        with_, without = (min(times) for times in zip(*blocks, strict=True))
        share = statistics.median(a / b for a, b in blocks) - 1
        print(f"{name:20} {with_:.3f} ms with, {without:.3f} without; {share:+.1%} in the middle")


if __name__ == "__main__":
    main()
