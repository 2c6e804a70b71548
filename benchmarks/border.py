"""What the checks at the border cost: CPU-time of a training step with them and without, on one thread.

`python -m benchmarks.border` steps one training in turn with a genlib that checks and with one that does not, so that a
busy machine, and where the tensors lie, slow down both alike.
"""

import collections
import importlib
import inspect
import statistics
import sys
import time
from types import ModuleType

import torch

RECIPES = ("autoencoder_digits", "vae_digits", "gan_points", "ddpm_digits")
BLOCKS, STEPS = 200, 4


def genlib(checked: bool) -> dict[str, ModuleType]:
    """The modules of a fresh genlib, with all checks or with none."""
    for name in [name for name in sys.modules if name.partition(".")[0] == "genlib"]:
        del sys.modules[name]
    expect = importlib.import_module("genlib.expect")
    if not checked:
        expect.border = lambda thing: thing
        for name, _ in inspect.getmembers(expect, inspect.isfunction):
            if name.startswith("expect"):
                setattr(expect, name, lambda *_, **__: collections.defaultdict(int))
    importlib.import_module("genlib.recipes")
    return {name: module for name, module in sys.modules.items() if name.startswith("genlib.")}


def move(training, modules: dict[str, ModuleType]) -> None:
    """Give the training and all its parts the classes of the other genlib, with the same contents."""
    parts = [training, training.batches, *training.model.modules()]
    for part in [*parts, getattr(training.model, "likelihood", training)]:
        cls = type(part)
        if cls.__module__ in modules:
            new = getattr(modules[cls.__module__], cls.__name__)
            object.__setattr__(part, "__class__", new)


def microseconds(training) -> float:
    """CPU-microseconds of a step, over a few, after one that warms up."""
    training.step()
    start = time.process_time()
    for _ in range(STEPS):
        training.step()
    return 1e6 * (time.process_time() - start) / STEPS


def main() -> None:
    torch.set_num_threads(1)
    kinds = [genlib(checked=True), genlib(checked=False)]
    for name in RECIPES:
        total = 2 * BLOCKS * (STEPS + 1)
        training = kinds[0]["genlib.recipes"].training(name, steps={"cpu": total})
        pairs = []
        for i in range(BLOCKS):
            times = {}
            for k in (i % 2, 1 - i % 2):
                move(training, kinds[k])
                times[k] = microseconds(training)
            pairs.append((times[0], times[1]))
        bare = statistics.median(b for _, b in pairs)
        share = statistics.median(a / b - 1 for a, b in pairs)
        print(f"{name:20} {bare:6.0f} us a step without checks; with them {share:+.1%}", flush=True)


if __name__ == "__main__":
    main()
