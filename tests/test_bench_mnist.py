"""The benchmarks on MNIST: their pieces on small inputs, and the stored numbers."""

import json
from dataclasses import replace
from statistics import fmean

import pytest
import torch

from benchmarks import ddpm_mnist, gan_mnist, mnist
from genlib import recipes
from genlib.table import stored
from tools.results import described, parameters

BENCHES = {"gan_mnist": gan_mnist, "ddpm_mnist": ddpm_mnist}


@pytest.fixture
def small(monkeypatch):
    """Few images of static in the place of MNIST, and a score that costs nothing."""
    images = type("Set", (), {"x_train": torch.rand(250, 1, 28, 28)})
    monkeypatch.setattr(mnist, "mnist", lambda: images)
    monkeypatch.setattr(recipes.data, "image_set", lambda name: images)
    monkeypatch.setattr(mnist, "score", lambda x: {"shape": tuple(x.shape), "frechet": 0.05})
    monkeypatch.setattr(mnist, "N", 4)
    monkeypatch.setattr(ddpm_mnist, "AT_ONCE", 2)


def test_unknown_runs_are_named():
    for name, bench in BENCHES.items():
        with pytest.raises(SystemExit, match="RUNS: expected some of minutes:0, .*, got minutes:9"):
            bench.main(["minutes:9"])
        assert name in bench.__doc__


@pytest.mark.parametrize("name", BENCHES)
def test_a_run_trains_by_the_recipe_draws_and_scores(name, small, monkeypatch):
    monkeypatch.setattr(ddpm_mnist, "STEPS", 2)
    recipe = replace(BENCHES[name].RECIPES["minutes"], steps={"cpu": 1})
    row = mnist.run(BENCHES[name].draw, recipe, "a run", 0)
    assert row["shape"] == (4, 1, 28, 28) and row["steps"] == 1
    assert (
        row["parameters"] == parameters(recipe.model()) == stored(name)["minutes"]["parameters"][0]
    )
    assert row["train_cpu_s"] > 0 and row["sample_s_per_1000"] > 0


def test_runs_are_collected_when_all_seeds_are_there(tmp_path, small):
    target = tmp_path / "out.json"
    for seed in (0, 1, 2):
        assert not target.exists()
        (tmp_path / f"minutes-{seed}.json").write_text(
            json.dumps({"frechet": 1.0 + seed}), encoding="utf-8"
        )
        mnist.collect("gan_mnist", gan_mnist.RECIPES, tmp_path, target)
    found = json.loads(target.read_text(encoding="utf-8"))
    assert found["minutes"]["frechet"] == [1, 2, 3] and found["floor"]["frechet"] == 0.05
    assert found["minutes"]["recipe"] == described(gan_mnist.RECIPES["minutes"])


@pytest.mark.parametrize("name", BENCHES)
def test_the_stored_runs_are_those_of_the_recipes(name):
    found, recipe = stored(name), BENCHES[name].RECIPES["minutes"]
    row = found["minutes"]
    assert row["recipe"].items() >= described(recipe).items()
    assert row["steps"] == [recipe.steps["cpu"]] * 3 and row["n"] == [mnist.N] * 3
    assert fmean(row["frechet"]) > found["floor"]["frechet"]
    assert max(row["train_cpu_s"]) < 200
