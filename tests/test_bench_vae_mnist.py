"""The MNIST benchmark of the VAE: its steps on a small model, and the stored numbers behind the page's claims."""

import json
import math

import pytest
import torch

from benchmarks import vae_mnist as bench
from genlib.evaluate import stored
from genlib.vae import Bernoulli, LinearGaussian, image_vae, linear_vae


def test_networks_are_the_books_and_those_of_the_usual_tutorial():
    x = torch.rand(50, *bench.SHAPE)
    ours = bench.network(bench.RECIPES["minute"], x).eval()
    assert isinstance(ours.likelihood, Bernoulli) and ours.latent_dim == 32
    plain = image_vae(32, bench.SHAPE, width=512)
    assert [p.shape for p in ours.parameters()] == [p.shape for p in plain.parameters()]
    torch.testing.assert_close(
        ours.decoder[-2].bias.sigmoid(), x.mean(dim=0).clamp(0.002, 0.998).flatten()
    )
    peer = bench.network(bench.RECIPES["tutorial"], x)
    assert sum(p.numel() for p in peer.parameters()) == 652_824  # 784-400-40 and 20-400-784
    assert peer.loss(x)["loss"].isfinite()


def test_batches_are_binarised_anew():
    loader = bench.binarised(iter([(torch.full((5, 100), 0.5),)] * 2))
    (a,), (b,) = loader
    assert set(a.unique().tolist()) == {0.0, 1.0} and not a.equal(b)


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
        (tmp_path / f"minute-{seed}.json").write_text(json.dumps({"elbo_test": -90.0 - seed}))
    bench.collect(tmp_path, target)
    assert not target.exists()
    (tmp_path / "minute-2.json").write_text(json.dumps({"elbo_test": -92.0}))
    bench.collect(tmp_path, target)
    assert json.loads(target.read_text())["minute"]["elbo_test"] == [-90, -91, -92]
    with pytest.raises(SystemExit, match="RUNS: expected some of tutorial:0, .*, got minute:9"):
        bench.main(["minute:9"])


def test_the_stored_runs_are_those_of_the_recipes_and_carry_the_claims_of_the_page():
    found = stored("vae_mnist")
    assert found["seeds"] == [0, 1, 2]
    for name, recipe in bench.RECIPES.items():
        assert found[name]["steps"] == [recipe.steps] * 3 and len(found[name]["elbo_test"]) == 3
    minute, long, peer = (found[name] for name in ("minute", "ten_minutes", "tutorial"))
    assert min(minute["elbo_test"]) > max(peer["elbo_test"]) + 3
    assert long["k"] == 5000 and max(long["nll_bound"]) < min(-e for e in long["elbo_test"]) - 2
    assert max(long["nll_bound"]) < 86.76  # Burda et al. 2016, Table 1
    for easy, whole in zip(long["nll_bound_first_500"], long["nll_bound"], strict=True):
        assert easy < whole - 1  # the first 500 images are easier
