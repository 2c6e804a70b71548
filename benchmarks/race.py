"""Ours and the libraries that people use, side by side: `make bench BENCH=race PY=../race/bin/python`.

Same data, same judge, one thread. The contestants of a row take turns in one process, a few CPU-seconds each, so that a
busy machine slows all alike. What counts is CPU-seconds of training steps: making, looking and drawing are free. At
given CPU-seconds the judge looks at each; so curves are kept, not ends. `crossing` is when ours comes to stay at least
as good as a peer is at the end of its budget. Ours has its falling learning rate stretched to the whole budget: early
points are those of a training that is not finished.

The peers need an environment of their own, see benchmarks/requirements-race.txt. What is not installed, or breaks, is
skipped loudly, and the others go on. Nothing of a row is stored before all of it is there.
"""

import functools
import importlib.metadata
import json
import os
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from benchmarks import peers
from benchmarks.peers import Contestant
from benchmarks.vae_mnist import elbo
from genlib import data
from genlib.data import binarise, mnist
from genlib.evaluate import (
    frechet_distance,
    mode_scores,
    precision_recall,
    sliced_wasserstein,
    to_grey_levels,
)
from genlib.pretrained import judge
from genlib.run import Clock
from genlib.table import stored
from genlib.vae import VAE
from tools import results
from tools.results import features, generator, parameters

BUDGET, SLICE, SEEDS = 120.0, 2.0, (0, 1, 2)  # CPU-seconds; a name without a seed means the first
LOOKS = (2, 5, 10, 20, 30, 45, 60, 90, 120)
PACKAGES = ("diffusers", "pythae", "denoising-diffusion-pytorch", "smalldiffusion", "einops")
TARGET = results.DATA / "race.json"


# --- the race ------------------------------------------------------------------------------------------------


class Runner:
    """A contestant on its way: what it has spent, and how good it was when it was looked at.

    It has random numbers of its own, so that the others and the judge change nothing for it.
    """

    def __init__(self, contestant: Contestant, looks: Sequence[float], clock: Callable[[], float]):
        self.contestant, self.clock = contestant, clock
        self.budget, self.left = looks[-1], list(contestant.looks or looks)
        self.spent, self.steps, self.curve = 0.0, 0, []
        self.rng = torch.get_rng_state()

    def run_to(self, target: float, look: Callable[[Contestant], dict]) -> None:
        """Take steps until `target` CPU-seconds are spent, or the budget."""
        torch.set_rng_state(self.rng)
        while self.left and self.spent < target:
            self._step()
            if self.spent >= self.left[0]:
                self._look(look)
        self.rng = torch.get_rng_state()

    def _step(self) -> None:
        if self.contestant.pace:
            self.contestant.pace(min(1.0, self.spent / self.budget))
        start = self.clock()
        self.contestant.step()
        self.spent += self.clock() - start
        self.steps += 1

    def _look(self, look: Callable[[Contestant], dict]) -> None:
        self.left = [cpu_s for cpu_s in self.left if cpu_s > self.spent]
        at = {"cpu_s": self.spent, "steps": self.steps}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(len(self.curve))
            self.curve.append(at | look(self.contestant))


def race(
    makers: Mapping[str, Callable[[], Contestant]],
    look: Callable[[Contestant], dict],
    seed: int = 0,
    looks: Sequence[float] = LOOKS,
    slice_s: float = SLICE,
    clock: Callable[[], float] = time.process_time,
) -> dict[str, dict]:
    """Let all train in turn, `slice_s` CPU-seconds each; gives what was found of each, in their order.

    Who cannot be made, or breaks, is skipped with its reason; its curve up to there is kept.
    """
    found: dict[str, dict] = {}
    runners: dict[str, Runner] = {}
    for name, make in makers.items():
        try:
            found[name] = facts_of(make, seed)
            torch.manual_seed(seed)
            runners[name] = Runner(make(), looks, clock)
        except Exception as error:
            found[name] = found.get(name, {}) | {"skipped": skipped(name, error)}
    target = 0.0
    while any(runner.left for runner in runners.values()):
        target += slice_s
        for name, runner in list(runners.items()):
            try:
                runner.run_to(target, look)
            except Exception as error:
                found[name]["skipped"] = skipped(name, error)
                runner.left = []
    for name, runner in runners.items():
        images = runner.steps * runner.contestant.batch
        end = {"end": runner.curve[-1]} if runner.curve else {}
        found[name] |= {"steps": runner.steps, "images": images, "curve": runner.curve} | end
    return found


def skipped(name: str, error: Exception) -> str:
    """Say loudly that a contestant does not take part (any more), and why."""
    reason = f"{type(error).__name__}: {error}".splitlines()[0][:300]
    print(f"!!! SKIPPED {name}: {reason}", flush=True)
    return reason


def facts_of(make: Callable[[], Contestant], seed: int) -> dict:
    """What a contestant is, and what a step of it costs; it is made for this alone and thrown away."""
    torch.manual_seed(seed)
    contestant = make()
    with FlopCounterMode(display=False) as counter:
        contestant.step()
    return contestant.about | {
        "batch": contestant.batch,
        "parameters": parameters(contestant.model),
        "flops_per_image": counter.get_total_flops() / contestant.batch,
    }


def crossing(
    ours: Sequence[Mapping], theirs: Sequence[Mapping], measure: str, higher: bool
) -> dict:
    """From when on ours is at least as good as the peer at its end, in CPU-seconds; None for never.

    Args:
        higher: whether more of the measure is better.
    """
    end, sign = theirs[-1], 1 if higher else -1
    goal = sign * end[measure]
    good = [sign * point[measure] >= goal for point in ours]
    first = next((i for i in range(len(good)) if all(good[i:])), None)
    cpu_s = None if first is None else ours[first]["cpu_s"]
    share = None if cpu_s is None else cpu_s / end["cpu_s"]
    return {
        "goal": end[measure],
        "of_cpu_s": end["cpu_s"],
        "cpu_s": cpu_s,
        "share": share,
        "within_half": share is not None and share <= 0.5,
    }


# --- judges --------------------------------------------------------------------------------------------------


@functools.cache
def test_binarised() -> Tensor:
    return binarise(mnist().x_test, generator(123))


def elbo_of(vae: VAE) -> dict[str, float]:
    """The ELBO of all 10,000 test images, binarised once, one draw each, nats."""
    found = elbo(vae, test_binarised(), generator(0), draws=1)
    return {name: found[name] for name in ("elbo", "elbo_se", "kl")}


@functools.cache
def test_features() -> Tensor:
    return features(judge("mnist"), mnist().x_test)


def quality_of_images(x: Tensor) -> dict[str, float]:
    """Fréchet distance, precision and recall of samples on their grey levels, in the features of the MNIST judge."""
    x = to_grey_levels(x.clamp(0, 1), mnist().levels)
    a, b = features(judge("mnist"), x), test_features()
    m = min(len(x), 2000)
    precision, recall = precision_recall(b[:m], a[:m])
    return {"frechet": frechet_distance(a, b), "precision": precision, "recall": recall}


def quality_of_points(density: str, x: Tensor) -> dict[str, float]:
    """Sliced Wasserstein distance to as many true points, and how the modes are met."""
    truth = getattr(data, density)()
    true = truth.sample(len(x), generator(1))
    return {"sliced_wasserstein": sliced_wasserstein(x, true)} | mode_scores(x, truth)


# --- the rows ------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Row:
    """One race.

    Args:
        measures: whether more of each is better; the first is drawn.
        n: samples at a look.
        judge: of samples, or of a VAE.
        makers: the contestants by name, ours first.
        spread: where the book keeps what the recipe of ours reached with several seeds, "file:path".
        floor: real samples, to be judged.
    """

    measures: Mapping[str, bool]
    n: int
    judge: Callable[[Tensor | VAE], dict]
    makers: Mapping[str, Callable[[], Contestant]]
    spread: str
    floor: Callable[[], Tensor] | None = None

    def run(self, seed: int) -> dict:
        """Race, and say when ours reaches each peer."""
        with Clock() as clock:
            found = race(self.makers, lambda contestant: self.judge(contestant.show(self.n)), seed)
        ours, *theirs = found.values()
        for row in theirs:
            if row.get("curve") and ours.get("curve"):
                row["crossing"] = {
                    name: crossing(ours["curve"], row["curve"], name, higher)
                    for name, higher in self.measures.items()
                }
        floor = {"floor": self.judge(self.floor())} if self.floor else {}
        return {
            "measures": {name: "higher" if up else "lower" for name, up in self.measures.items()},
            "n": self.n,
            "seeds": 1,
            "range_over_seeds_of_ours": range_over_seeds(self.spread),
            "budget_cpu_s": BUDGET,
            "total_cpu_s": clock.cpu_s,
            "load": os.getloadavg()[0],
        } | floor | {"contestants": found}  # fmt: skip


def range_over_seeds(path: str) -> float:
    """How far apart the seeds of our recipe were where several were trained: what one seed is not sure of."""
    name, _, keys = path.partition(":")
    values = functools.reduce(lambda found, key: found[key], keys.split("."), stored(name))
    return max(values) - min(values)


def plane(density: str) -> Row:
    return Row(
        {"sliced_wasserstein": False, "mean_log_prob": True},
        10_000,
        partial(quality_of_points, density),
        {
            "ours": partial(peers.ddpm_points, density),
            "smalldiffusion": partial(peers.smalldiffusion, density),
            "smalldiffusion_matched": partial(peers.smalldiffusion, density, 64, 256),
            "tiny_diffusion": partial(peers.tiny_diffusion, density),
            "tiny_diffusion_matched": partial(peers.tiny_diffusion, density, 64, 256),
        },
        f"ddpm:points.{density}.recipe.sliced_wasserstein_50_fine",
        lambda: getattr(data, density)().sample(10_000, generator(2)),
    )


def first_images(n: int) -> Tensor:
    return mnist().x_train[:n]


ROWS = {
    "vae": Row(
        {"elbo": True},
        10_000,
        elbo_of,
        {
            "ours": peers.vae_mnist,
            "pythae": peers.pythae,
            "pythae_matched": partial(peers.pythae, 32, matched=True),
            "tutorial": peers.tutorial_vae,
        },
        "vae_mnist:minute.elbo_test",
    ),
    "ddpm": Row(
        {"frechet": False},
        100,
        quality_of_images,
        {
            "ours": peers.ddpm_mnist,
            "diffusers": peers.hugging_face,
            "diffusers_matched": partial(peers.hugging_face, peers.NARROW, 64),
            "denoising_diffusion": peers.denoising_diffusion,
            "denoising_diffusion_matched": partial(
                peers.denoising_diffusion, 32, (1, 2), 28, matched=True
            ),
        },
        "ddpm_mnist:minutes.frechet",
        partial(first_images, 100),
    ),
    "gan": Row(
        {"frechet": False},
        1000,
        quality_of_images,
        {
            "ours": peers.gan_mnist,
            "dcgan": peers.dcgan,
            "dcgan_matched": partial(peers.dcgan, 32),
        },
        "gan_mnist:minutes.frechet",
        partial(first_images, 1000),
    ),
    "grid": plane("grid"),
    "ring": plane("ring"),
}


def versions() -> dict[str, str | None]:
    """Of the peers' packages; None for what is not installed."""
    found = {}
    for package in PACKAGES:
        try:
            found[package] = importlib.metadata.version(package)
        except importlib.metadata.PackageNotFoundError:
            found[package] = None
    return found


# --- beside the papers ---------------------------------------------------------------------------------------

# What was done on the ring and on the grid, so that counts can be read beside ours (gan.json); the counts themselves
# stand in these papers in tables that are pictures where they could be looked up, and are not repeated here.
PAPERS = {
    "burda2016": {
        "table": 1,
        "nll": 86.76,
        "ours": "vae_mnist:ten_minutes.nll_bound",
    },
    "srivastava2017": {
        "densities": ["ring", "grid"],
        "samples": 2500,
        "runs": 5,
        "high_quality_within_sd": 3,
        "samples_for_a_mode": 1,
        "source": "https://akashgit.github.io/VEEGAN/",
    },
    "lin2018": {
        "densities": ["ring", "grid"],
        "samples": 2500,
        "runs": 10,
        "high_quality_within_sd": 3,
        "samples_for_a_mode": 1,
        "batch": 100,
        "epochs_of_100000": 400,
        "generator": "4 hidden layers of 400 units, batch normalisation, ReLU",
        "discriminator": "3 hidden layers of 200 maxout units",
        "latent": "2 Gaussian numbers",
        "source": "https://github.com/fjxmlzn/PacGAN, synthetic_data_experiments",
    },
    "ours": {
        "densities": ["ring", "grid"],
        "samples": 2500,
        "runs": 5,
        "high_quality_within_sd": 3,
        "samples_for_a_mode": 20,
        "counts": "gan:points",
    },
}


# --- the file and the command line ---------------------------------------------------------------------------


def store(name: str, seed: int, found: dict, target: Path) -> None:
    """Put one race into the file, beside those that are there."""
    content = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    races = content.get("races", {})
    seeds = races.get(name, {}) | {f"seed_{seed}": facts() | found}
    races |= {name: dict(sorted(seeds.items()))}
    content = facts() | {
        "command": "make bench BENCH=race PY=../race/bin/python",
        "seeds": sorted({int(key.removeprefix("seed_")) for row in races.values() for key in row}),
        "looks_cpu_s": list(LOOKS),
        "slice_cpu_s": SLICE,
        "races": {row: races[row] for row in ROWS if row in races},
        "papers": PAPERS,
    }
    results.write(content, target)


def facts() -> dict:
    found = results.facts()
    return found | {"versions": found["versions"] | versions()}


def known() -> list[str]:
    return [f"{row}:{seed}" for row in ROWS for seed in SEEDS]


def main(names: list[str], target: Path = TARGET) -> None:
    """Run the named races, "vae" or "vae:1", or each with the first seed; each is stored when it is whole."""
    names = [name if ":" in name else f"{name}:{SEEDS[0]}" for name in names or ROWS]
    results.expect_names(names, known(), "RUNS")
    torch.set_num_threads(1)
    for name in names:
        row, _, seed = name.partition(":")
        found = ROWS[row].run(int(seed))
        store(row, int(seed), found, target)
        print(f"{name}: {found['total_cpu_s']:.0f} CPU-seconds", flush=True)
        for contestant, one in found["contestants"].items():
            print(f"  {contestant:40}", *summary(one, ROWS[row].measures), flush=True)


def summary(one: dict, measures: Mapping[str, bool]) -> list[str]:
    """A line on one contestant: its end, and when ours crossed it."""
    said = [f"SKIPPED {one['skipped']}"] if "skipped" in one else []
    for name in measures if one.get("curve") else ():
        said.append(f"{name} {one['curve'][-1][name]:.3f} after {one['steps']} steps")
        if cross := one.get("crossing", {}).get(name):
            said.append(f"ours from {cross['cpu_s'] and round(cross['cpu_s'])} s on")
    return said


if __name__ == "__main__":
    main(sys.argv[1:])
