"""The stored results of chapter 3: cheap ones are measured again, the others carry the claims of the page."""

import math
from statistics import fmean

import numpy as np
import pytest
import torch

from genlib.data import digits
from genlib.evaluate import digits_floor
from genlib.losses import gaussian_kl, squared_error
from genlib.table import stored
from genlib.vae import LinearGaussian, image_vae
from tools import make_vae_results as tool
from tools.figures import chapter_3
from tools.results import Trained, generator


def test_the_exact_case_comes_out_as_stored():
    found, again = stored("vae")["exact"], tool.exact()
    assert {name: found[name] for name in again} == pytest.approx(again, abs=1e-9)
    assert again["elbo"] + again["gap"] == pytest.approx(again["log_p"])


def test_the_floor_of_the_samples_is_measured_again():
    assert stored("vae")["samples"]["floor"] == pytest.approx(digits_floor(), rel=1e-4, abs=0.002)


@pytest.fixture
def tiny(monkeypatch):
    """A small VAE that was not trained, in the place of all trained models."""
    model = image_vae(16, width=8).eval().requires_grad_(False)
    monkeypatch.setattr(tool, "trained", lambda *_: Trained(model, model, 0.0))
    return model


def test_the_bound_is_the_mean_over_draws_and_falls_apart_in_two(tiny):
    x = digits().x_val
    found = tool.bound(tiny, x, 3, draws=2)
    assert found["elbo"] == pytest.approx(-found["recon"] - found["kl"])
    rng = generator(3)
    losses = [tiny.loss(x, eps=torch.randn(len(x), 16, generator=rng))["loss"] for _ in range(2)]
    assert found["elbo"] == pytest.approx(-(losses[0] + losses[1]).item() / 2, rel=1e-6)
    assert found["kl"] == pytest.approx(gaussian_kl(*tiny.encode(x)).mean().item(), rel=1e-6)


def test_the_two_gradients_estimate_the_same_one_and_differ_in_variance(tiny):
    found = tool.gradients_run(0, draws=20)
    assert found["score"] > found["baseline"] > 1


def test_a_beta_is_scored_with_all_that_the_page_shows(tiny, monkeypatch):
    monkeypatch.setattr(tool.results, "train", lambda *_, model: Trained(tiny, tiny, 0.0))
    found = tool.beta_run(2, 0)
    assert set(found) == set(stored("vae")["betas"]["2"])
    x = digits().x_test
    assert found["error"] == pytest.approx(
        squared_error(tiny.reconstruct(x), x).mean().item(), rel=1e-6
    )


def test_aggregated_posterior_of_clouds_that_are_all_the_prior(monkeypatch):
    """If every q is the prior, a code tells nothing and nothing is missing; if all are needles, it tells log N."""
    model = image_vae(16, width=8).eval()
    last = model.encoder[-1]
    torch.nn.init.zeros_(last.weight)
    torch.nn.init.zeros_(last.bias)
    monkeypatch.setattr(tool, "trained", lambda *_: Trained(model, model, 0.0))
    found = tool.aggregated_run(0, draws=2)
    assert [found["kl"], found["information"]] == pytest.approx([0, 0], abs=1e-5)
    with torch.no_grad():
        torch.nn.init.normal_(last.weight)
        last.weight[16:] = 0
        last.bias[16:] = -14
    found = tool.aggregated_run(0, draws=2)
    assert found["information"] == pytest.approx(math.log(1000), abs=0.01)
    mu, logvar = model.encode(digits().x_train)
    assert found["kl"] == pytest.approx(gaussian_kl(mu, logvar).mean().item(), rel=1e-5)


def test_the_bounds_stand_in_their_order():
    b = stored("vae")["bounds"]
    for k, larger in ((1, 10), (10, 100), (100, 1000)):
        assert all(x < y for x, y in zip(b[f"bound_{k}"], b[f"bound_{larger}"], strict=True))
    assert fmean(b["bound_1"]) == pytest.approx(fmean(b["elbo_test"]), abs=0.3)
    for tight, elbo in zip(b["bound_1000"], b["elbo_test"], strict=True):
        assert tight - elbo > 5  # "at least five nats" of the page
    assert max(b["error_ae"]) < min(b["error_vae"])


def test_samples_tell_the_story_of_the_page():
    vae, ae = stored("vae")["samples"], stored("autoencoder")["codes"]["rows"]
    prior, random = vae["prior"]["frechet"], ae["standard"]["frechet"]
    assert min(random) > 2 * max(prior) and fmean(prior) < fmean(random) / 2
    gaussian = ae["gaussian"]["frechet"]  # "nearly as far"
    assert max(gaussian) < max(prior) + 0.25
    for row, other in ((vae["prior"], ae["standard"]),):  # precision hardly larger, recall clearly
        assert abs(fmean(row["precision"]) - fmean(other["precision"])) < 0.03
        assert min(row["recall"]) > max(other["recall"]) + 0.15
    table = stored("table")["rows"]
    assert max(map(max, table["kernel_density"]["frechet"])) < min(
        map(min, table["vae"]["frechet"])
    )
    assert max(ae["mixture"]["frechet"] + vae["mixture"]["frechet"]) < min(prior)
    assert (
        abs(fmean(ae["mixture"]["frechet"]) - fmean(vae["mixture"]["frechet"])) < 0.25
    )  # "as far"
    three = {"vae": prior, "ae_standard_normal": random, "ae_fitted_gaussian": gaussian}
    for name, of_five in (three | {"ae_fitted_mixture": ae["mixture"]["frechet"]}).items():
        first = [
            draws[0] for draws in table[name]["frechet"]
        ]  # of three draws in the running table
        assert first == pytest.approx(of_five, rel=0.01 if name == "ae_standard_normal" else 1e-4)
    first = [draws[0] for draws in table["vae_fitted_mixture"]["frechet"]]
    assert first != pytest.approx(vae["mixture"]["frechet"], rel=1e-6)


def test_the_likelihood_is_far_above_that_of_chapter_1():
    rows = stored("table")["rows"]
    chapter_1 = [max(r["log_prob_test"]) for r in rows.values() if r["notebook"].startswith("01")]
    assert min(rows["vae"]["log_prob_test"]) > max(chapter_1) + 30
    assert rows["vae"]["bounds"] == ["log_prob_test"]


def test_the_prior_is_missed_although_every_coordinate_looks_right():
    a = stored("vae")["aggregated"]
    assert a["log_n"] == pytest.approx(math.log(1000))
    for kl, information, marginal in zip(a["kl"], a["information"], a["marginal_kl"], strict=True):
        assert kl == pytest.approx(information + marginal)
        assert a["log_n"] - 0.02 < information <= a["log_n"] and marginal > 14
    assert max(a["mean_size"]) < 0.02 and min(a["sd_min"]) > 0.95 and max(a["sd_max"]) < 1.04


def test_the_weight_of_the_divergence():
    betas = stored("vae")["betas"]
    elbo = {beta: fmean(row["elbo"]) for beta, row in betas.items()}
    assert max(elbo, key=elbo.get) == "1"
    assert max(betas["50"]["kl"]) < 0.1 and max(betas["50"]["recall"]) < 0.05
    standard = stored("autoencoder")["codes"]["rows"]["standard"]["frechet"]
    assert min(betas["0"]["frechet"]) > max(standard)
    mixture = max(stored("vae")["samples"]["mixture"]["frechet"])
    for beta in ("0", "0.1"):  # drawn codes are rebuilt better, the error at mu hardly changes
        assert max(betas[beta]["recon"]) < min(betas["1"]["recon"]) - 6
        assert abs(fmean(betas[beta]["error"]) - fmean(betas["1"]["error"])) < 0.01
    for beta in ("2", "5"):  # "gain a little"
        gain = fmean(betas["1"]["frechet"]) - fmean(betas[beta]["frechet"])
        assert 0 < gain < 1 and min(betas[beta]["frechet"]) > mixture + 1


def test_one_draw_of_the_score_function_is_worth_little():
    g = stored("vae")["gradients"]
    assert min(g["score"]) > 2900 and max(g["score"]) < 3900  # "about three thousand"
    assert min(g["baseline"]) > 15 and max(g["baseline"]) < 17  # "about sixteen"


def test_the_two_gradients_of_the_worked_example():
    """f(z) = z^2 at mu = sigma = 1: both have mean 2, their variances are 4 and 30."""
    nodes, weights = np.polynomial.hermite_e.hermegauss(10)  # exact for these powers of eps
    weights = weights / weights.sum()
    for each, variance in ((2 * (1 + nodes), 4), ((1 + nodes) ** 2 * nodes, 30)):
        assert [weights @ each, weights @ (each - 2) ** 2] == pytest.approx([2, variance])


def test_the_gap_of_the_conditional_vae_is_smaller_and_has_not_closed():
    c, plain = stored("vae")["conditional"], stored("vae")["aggregated"]["mixture_gain"]
    assert max(c["pooled_gain"]) < 0.35 and min(c["class_gain"]) > 1.5
    assert max(c["class_gain"]) < 0.75 * min(plain)
    prior, own = c["prior"], c["class_gaussian"]
    assert max(own["frechet"]) < 0.75 * min(prior["frechet"])
    assert fmean(own["label_accuracy"]) > fmean(prior["label_accuracy"])
    share = (torch.bincount(digits().y_test) / len(digits().y_test)).tolist()
    weighed = sum(share[k] * fmean(c["gain_of_class"][str(k)]) for k in range(10))
    assert weighed == pytest.approx(fmean(c["class_gain"]), abs=1e-3)


def test_a_conditional_vae_that_ignores_its_image_leaves_no_gap(monkeypatch):
    """If every q(z | x, y) is the prior, no density of codes beats the prior by more than its errors of fitting."""
    torch.manual_seed(0)
    model = tool.ConditionalVAE().eval().requires_grad_(False)
    for part in (model.encoder[-1].weight, model.encoder[-1].bias):
        torch.nn.init.zeros_(part)
    monkeypatch.setattr(tool.results, "train", lambda *_, **__: Trained(model, model, 0.0))
    found = tool.conditional_run(0, draws=5)
    assert found["kl"] == pytest.approx(0, abs=1e-6)
    assert -0.5 < found["class_gain"] < 0 and -0.3 < found["pooled_gain"] < 0
    assert 0.9 < found["sd_min"] < 1 < found["sd_max"] < 1.1


def test_the_figure_of_bounds_shows_a_linear_gaussian_model():
    """Its closed forms are those of genlib; the bounds touch, and one EM step raises log p(x)."""
    x = torch.tensor([[2.0], [-2.0]]).double()  # mean square 4
    grid = np.linspace(0.1, 3, 2901)
    for w in (0.6, 1.3):
        model = LinearGaussian(torch.tensor([[w]]).double(), torch.zeros(1).double(), 1.0)
        assert chapter_3.log_p(w) == pytest.approx(model.log_prob(x).mean().item())
        a, v = chapter_3.posterior(w)
        assert a * x[0, 0].item() == pytest.approx(model.posterior(x).mean[0, 0].item())
        assert chapter_3.elbo(w, a, v) == pytest.approx(chapter_3.log_p(w))
        q = 0.8 * a * x, torch.full((2, 1), math.log(1.5 * v)).double()
        assert chapter_3.elbo(w, 0.8 * a, 1.5 * v) == pytest.approx(model.elbo(x, *q).mean().item())
        top = chapter_3.best_weight(a, v)
        assert chapter_3.log_p(top) > chapter_3.elbo(top, a, v) > chapter_3.log_p(w)
        assert grid[chapter_3.elbo(grid, a, v).argmax()] == pytest.approx(top, abs=1e-3)
    a, v = chapter_3.posterior(chapter_3.best_weight(*chapter_3.posterior(0.6)))
    guess = chapter_3.elbo(grid, a, 0.4 * v)  # touches nowhere
    assert (chapter_3.log_p(grid) > guess + 0.05).all()


def test_sections_of_the_tool_are_stored():
    content = stored("vae")
    assert list(content["measured"]) == list(tool.SECTIONS) and set(tool.ABOUT) <= set(content)
