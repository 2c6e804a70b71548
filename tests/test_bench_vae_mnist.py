"""The MNIST benchmark of the VAE: its steps on a small model, and the stored numbers behind the page's claims."""

import json
import math
from functools import partial

import pytest
import torch

from benchmarks import vae_mnist as bench
from genlib import recipes
from genlib.data import binarise
from genlib.nets import InBfloat16
from genlib.recipes import start_at_mean
from genlib.table import stored
from genlib.vae import Bernoulli, LinearGaussian, linear_vae
from tools.figures.kit import unpacked
from tools.results import described, parameters


@pytest.fixture
def small(monkeypatch):
    """Few images of static in the place of MNIST."""
    images = type("Set", (), {"x_train": torch.rand(50, 1, 28, 28)})
    monkeypatch.setattr(recipes.data, "mnist", lambda: images)


def test_networks_are_the_books_and_those_of_the_usual_tutorial(small):
    for name, Z in (("minute", 32), ("ten_minutes", 40)):
        ours = bench.RECIPES[name].model()
        assert isinstance(ours.likelihood, Bernoulli) and ours.latent_dim == Z
        assert parameters(ours) == stored("vae_mnist")[name]["parameters"][0]
    peer = bench.RECIPES["tutorial"].model()
    assert parameters(peer) == 652_824  # 784-400-40 and 20-400-784
    assert peer.loss(torch.rand(2, 1, 28, 28))["loss"].isfinite()
    assert bench.RECIPES["tutorial"].transform is None  # grey values, as most tutorials have them


def test_scores_are_in_full_precision(small):
    model, x = bench.RECIPES["minute"].model().eval(), torch.rand(5, 1, 28, 28).round()
    assert isinstance(model.encoder, InBfloat16)
    half = model.encode(x)[0]
    bench.in_float32(model)
    assert not isinstance(model.encoder, InBfloat16) and not isinstance(model.decoder, InBfloat16)
    full = model.encode(x)[0]
    assert not torch.equal(half, full)
    torch.testing.assert_close(half, full, atol=0.05, rtol=0.05)
    assert parameters(model) == parameters(bench.RECIPES["minute"].model())


def test_scores_are_means_with_their_standard_error():
    exact = LinearGaussian(torch.tensor([[1.0], [0.5]]), torch.zeros(2), 0.5)
    vae, x = linear_vae(1, 2, 0.5), exact.sample(2000, torch.Generator().manual_seed(0))
    mu, logvar = exact.best_diagonal(torch.eye(2))
    with torch.no_grad():  # the exact posterior, so that every draw is log p(x)
        vae.decoder.weight.copy_(exact.W)
        vae.decoder.bias.zero_()
        vae.encoder.weight.copy_(torch.cat([mu.T, torch.zeros(1, 2)]))
        vae.encoder.bias.copy_(torch.tensor([0.0, logvar[0, 0]]))
    log_p, rng = exact.log_prob(x), torch.Generator().manual_seed(0)
    found = bench.elbo(vae, x, rng) | bench.importance_bound(vae, x, 3, rng)
    assert found["elbo"] == pytest.approx(log_p.mean().item(), abs=1e-4)
    assert found["nll_bound"] == pytest.approx(-log_p.mean().item(), abs=1e-4)
    error = log_p.std().item() / math.sqrt(2000)
    assert found["elbo_se"] == pytest.approx(error, rel=1e-3)
    assert found["nll_bound_se"] == pytest.approx(error, rel=1e-3)
    assert found["nll_bound_first_500"] == pytest.approx(-log_p[:500].mean().item(), abs=1e-4)


def test_a_recipe_is_collected_when_all_its_seeds_are_there(tmp_path):
    target = tmp_path / "out.json"
    for seed in (0, 1):
        (tmp_path / f"minute-{seed}.json").write_text(
            json.dumps({"elbo_test": -90.0 - seed}), encoding="utf-8"
        )
    collect = partial(bench.bench.collect, "vae_mnist", bench.RECIPES, about=bench.about)
    collect(tmp_path, target)
    assert not target.exists()
    (tmp_path / "minute-2.json").write_text(json.dumps({"elbo_test": -92.0}), encoding="utf-8")
    collect(tmp_path, target)
    assert json.loads(target.read_text(encoding="utf-8"))["minute"]["elbo_test"] == [-90, -91, -92]
    with pytest.raises(SystemExit, match="RUNS: expected some of tutorial:0, .*, got minute:9"):
        bench.main(["minute:9"])


def test_the_stored_runs_are_those_of_the_recipes_and_carry_the_claims_of_the_page():
    found = stored("vae_mnist")
    assert found["seeds"] == [0, 1, 2]
    for name, recipe in bench.RECIPES.items():
        assert found[name]["recipe"].items() >= described(recipe).items()
        assert (
            found[name]["steps"] == [recipe.steps["cpu"]] * 3 and len(found[name]["elbo_test"]) == 3
        )
    minute, long, peer = (found[name] for name in ("minute", "ten_minutes", "tutorial"))
    assert min(minute["elbo_test"]) > max(peer["elbo_test"]) + 3
    assert long["k"] == 5000 and max(long["nll_bound"]) < min(-e for e in long["elbo_test"]) - 2
    one, five, fifty = (
        86.76,
        86.47,
        86.35,
    )  # Burda et al. 2016, Table 1: VAE trained with k = 1, 5, 50
    assert one - max(long["nll_bound"]) > 0.2 and one - min(long["nll_bound"]) < 0.51
    assert min(long["nll_bound"]) < fifty < five < max(long["nll_bound"])
    for easy, whole in zip(long["nll_bound_first_500"], long["nll_bound"], strict=True):
        assert easy < whole - 1  # the first 500 images are easier


def test_pictures_are_small_and_come_back_as_they_were(small):
    model = bench.RECIPES["minute"].model().eval()
    start_at_mean(model, torch.rand(9, 1, 28, 28))
    model = bench.in_float32(model)
    found = bench.drawn(model, torch.rand(8, 1, 28, 28), seed=0, shown=3)
    assert list(found["rows"]) == ["binarised", "rebuilt", "prior", "pixels"]
    black = binarise(torch.rand(1, 1, 28, 28))
    packed = unpacked(bench.packed(torch.cat([black, 1 - black])), 2)
    assert packed.tolist() == (255 * torch.cat([black, 1 - black], dim=3)[0, 0]).int().tolist()
    grey = unpacked(found["rows"]["rebuilt"], 3)
    assert grey.shape == (28, 84) and grey.min() >= 0 and len(set(grey.flatten().tolist())) > 20


def test_the_stored_pictures_are_of_the_run_in_the_table():
    pictures, runs = stored("vae_mnist_pictures"), stored("vae_mnist")[bench.LONG]
    assert pictures["recipe"] == described(bench.RECIPES[bench.LONG]) and pictures["seeds"] == [0]
    assert pictures["elbo_test"] == pytest.approx(runs["elbo_test"][0], abs=0.2)
    pixels = unpacked(pictures["rows"]["pixels"], pictures["shown"])
    assert set(pixels.flatten().tolist()) == {0, 255}


def test_the_command_pictures_writes_a_file_of_its_own(small, monkeypatch, tmp_path):
    monkeypatch.setattr(bench.results, "DATA", tmp_path)
    monkeypatch.setattr(bench, "pictures", lambda: {"rows": {}})
    bench.main(["pictures"])
    content = json.loads((tmp_path / "vae_mnist_pictures.json").read_text(encoding="utf-8"))
    assert content["seeds"] == [0] and content["command"].endswith("RUNS=pictures")
