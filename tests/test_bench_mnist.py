"""The benchmarks on MNIST: their pieces on small inputs, and the stored numbers."""

import json
from statistics import fmean

import pytest
import torch
from torch import nn

from benchmarks import ddpm_mnist, gan_mnist, mnist
from genlib.evaluate import stored

BENCHES = {"gan_mnist": gan_mnist, "ddpm_mnist": ddpm_mnist}


def test_a_network_in_bfloat16_gives_nearly_the_same_and_learns_in_float32():
    torch.manual_seed(0)
    net, x = nn.Linear(64, 8), torch.randn(5, 64)
    half = mnist.InBfloat16(net)
    found = half(x)
    assert found.dtype == torch.float32 and not torch.equal(found, net(x))
    torch.testing.assert_close(found, net(x), atol=0.03, rtol=0.02)
    found.sum().backward()
    assert net.weight.grad.dtype == torch.float32


def test_unknown_runs_are_named():
    for name, bench in BENCHES.items():
        with pytest.raises(SystemExit, match="RUNS: expected some of minutes:0, .*, got minutes:9"):
            bench.main(["minutes:9"])
        assert name in bench.__doc__


def test_runs_are_collected_when_all_seeds_are_there(tmp_path, monkeypatch):
    monkeypatch.setattr(mnist, "score", lambda x: {"frechet": 0.05})
    monkeypatch.setattr(
        mnist, "mnist", lambda: type("Set", (), {"x_train": torch.zeros(1, 1, 28, 28)})
    )
    target = tmp_path / "out.json"
    for seed in (0, 1, 2):
        assert not target.exists()
        (tmp_path / f"minutes-{seed}.json").write_text(json.dumps({"frechet": 1.0 + seed}))
        mnist.collect("gan_mnist", gan_mnist.RECIPES, tmp_path, target)
    found = json.loads(target.read_text())
    assert found["minutes"]["frechet"] == [1, 2, 3] and found["floor"] == {"frechet": 0.05}


@pytest.mark.parametrize("name", BENCHES)
def test_the_stored_runs_are_those_of_the_recipes(name):
    found, recipe = stored(name), BENCHES[name].RECIPES["minutes"]
    row = found["minutes"]
    assert row["steps"] == [recipe.steps] * 3 and row["n"] == [mnist.N] * 3
    assert fmean(row["frechet"]) > found["floor"]["frechet"]
    assert max(row["train_cpu_s"]) < 200
