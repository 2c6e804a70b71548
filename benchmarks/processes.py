"""How many more images a second do two processes train on two CPU cores than one? `make bench BENCH=processes`.

One process and two take turns, one thread each, three windows of each, at the same whole batch: that of the recipe, and
twice as many rows. RUNS=ddpm_digits measures some alone. Nothing else should run meanwhile: the load before each window
is kept beside its numbers.
"""

import json
import os
import subprocess
import sys
import time
from functools import partial
from statistics import median

import torch

from genlib import processes, recipes
from genlib.run import Clock
from tools import results

RUNS = {  # recipe, rows of a batch, steps in a window
    "ddpm_mnist": ("ddpm_mnist", 64, 60),
    "ddpm_mnist_twice": ("ddpm_mnist", 128, 30),
    "ddpm_digits": ("ddpm_digits", 64, 200),
    "ddpm_digits_twice": ("ddpm_digits", 128, 150),
}
WINDOWS, WARM, SEED = 3, 5, 0
STARTS = {1: [], 2: ["torch.distributed.run", "--standalone", "--nproc_per_node=2", "-m"]}


def work(run: str) -> None:
    """What each process does: some steps to warm up, then a window. The first one says how long it took."""
    torch.set_num_threads(1)
    team = processes.current()
    name, batch, steps = RUNS[run]
    training = recipes.training(name, SEED, batch=batch).spread(team)
    spent = training._averaged = Watched(training._averaged)
    for _ in range(WARM):
        training.step()
    spent.seconds = 0.0
    if team:
        team.wait()
    with Clock() as clock:
        for _ in range(steps):
            training.step()
    if team is None or team.is_main:
        print(json.dumps(vars(clock) | {"exchange_s": spent.seconds}))
    if team:
        team.wait()
        team.close()


class Watched:
    """A function, and the seconds spent in it: waiting for the other process is among them."""

    def __init__(self, function):
        self.function, self.seconds = function, 0.0

    def __call__(self, *args):
        start = time.perf_counter()
        found = self.function(*args)
        self.seconds += time.perf_counter() - start
        return found


def window(run: str, size: int) -> dict[str, float]:
    """One window of `size` processes."""
    load = os.getloadavg()[0]
    command = [sys.executable, "-m", *STARTS[size], "benchmarks.processes", "--window", run]
    environment = os.environ | {"OMP_NUM_THREADS": "1", "GENLIB_DEVICE": "cpu"}
    done = subprocess.run(
        command, cwd=results.ROOT, env=environment, check=True, stdout=subprocess.PIPE
    )
    found = json.loads(done.stdout.splitlines()[-1])
    _, batch, steps = RUNS[run]
    return {
        "images_per_s": steps * batch / found["wall_s"],
        "cpu_ms_per_step": 1000 * found["cpu_s"] / steps,  # of the first process
        "exchange_ms_per_step": 1000 * found["exchange_s"] / steps,
        "load_before": load,
    }


def measure(run: str) -> dict:
    """One process and two in turn; `times` is the ratio of the medians of their images a second."""
    pairs = [(window(run, 1), window(run, 2)) for _ in range(WINDOWS)]
    one, two = (results.side_by_side(list(windows)) for windows in zip(*pairs, strict=True))
    a, b = (median(row["images_per_s"]) for row in (one, two))
    print(f"{run}: one {a:.0f}, two {b:.0f} images a second, {b / a:.2f} times", flush=True)
    return {"one": one, "two": two, "one_median": a, "two_median": b, "times": b / a}


def main(names: list[str]) -> None:
    results.expect_names(names, list(RUNS), "RUNS")
    about = results.about("make bench BENCH=processes", [SEED], runs=RUNS, cores=os.cpu_count())
    sections = {run: partial(measure, run) for run in RUNS}
    results.main(sections, about, results.DATA / "processes.json", names=names)


if __name__ == "__main__":
    if sys.argv[1:2] == ["--window"]:
        work(sys.argv[2])
    else:
        main(sys.argv[1:])
