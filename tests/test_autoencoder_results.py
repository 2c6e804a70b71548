"""The stored results of chapter 2: cheap ones are measured again, and the tool's own steps are checked."""

from dataclasses import replace

import pytest
import torch
from sklearn.metrics import roc_auc_score

from genlib.autoencoder import image_autoencoder
from genlib.data import digits, ring
from genlib.recipes import RECIPES
from genlib.table import stored
from tools import make_autoencoder_results as tool
from tools.results import Trained, generator


@pytest.mark.parametrize("name", tool.CORRUPTIONS)
def test_what_a_denoiser_has_to_beat_comes_out_as_stored(name):
    row = stored("autoencoder")["denoising"][name]
    methods = tool.plain_methods(row["chosen"]["keep"], row["chosen"]["k"])
    found = tool.restored(tool.CORRUPTIONS[name], methods, 1)
    assert set(found) == {"noisy", "mean_filter", "pca"}
    for method, decibels in found.items():
        assert decibels == pytest.approx(row[method][1], rel=1e-4), method


def test_the_mean_filter_is_chosen_on_the_validation_images():
    row = stored("autoencoder")["denoising"]["gaussian_0_3"]["chosen"]
    x = digits().x_val
    noisy = tool.NOISE(x, rng=generator(99))
    found = {w: tool.decibels(tool.mean_filter(noisy, w), x) for w in (0.4, 0.5, 0.6)}
    assert max(found, key=found.get) == row["keep"]


def test_the_entropy_of_the_judge_comes_out_as_stored():
    floor = stored("autoencoder")["codes"]["floor"]
    assert tool.entropy(digits().x_test) == pytest.approx(floor["classifier_entropy"], rel=1e-4)


def test_a_linear_autoencoder_comes_near_pca_in_a_few_steps():
    found = tool.linear_run(2, 0, steps=60)
    assert set(found) == set(stored("autoencoder")["linear"]["2"])
    assert 0 < found["excess_train"] < 0.03 and 0 < found["largest_angle"] < 90


@pytest.fixture
def tiny(monkeypatch):
    """A small autoencoder that was not trained, in the place of all trained models."""
    model = image_autoencoder(16, width=8).eval().requires_grad_(False)
    for name in ("trained", "train"):
        monkeypatch.setattr(tool, name, lambda *_, **__: Trained(model, model, 1.0))
    return model


def test_the_gain_is_the_share_of_pcas_error_that_is_gone(tiny):
    found, pca = tool.width_run(16, 0), stored("autoencoder")["bottlenecks"]["16"]["pca"]
    assert set(found) | {"pca"} == set(stored("autoencoder")["bottlenecks"]["16"])
    for part in ("val", "test"):
        assert (1 - found[f"gain_{part}"]) * pca[part] == pytest.approx(found[part], rel=1e-4)


class Copier(torch.nn.Module):
    def reconstruct(self, x):
        return x


def copying_of(model: torch.nn.Module) -> dict:
    return tool.copying_run(lambda seed: Trained(model, model, 1.0), 0)


def test_a_copier_passes_all_noise_on_and_a_constant_answer_none():
    found, copier = copying_of(Copier()), Copier()
    assert set(found) == set(stored("autoencoder")["copying"]["linear_128"])
    assert found["clean"] == 0 and found["noise_passed"] == pytest.approx(1)
    x = digits().x_test
    copier.reconstruct = lambda seen: x
    assert copying_of(copier)["noise_passed"] == 0


def test_what_a_projection_passes_on_is_not_mixed_with_its_error_on_clean_digits():
    """A projection onto 16 directions passes on the noise along them, whatever it does to the digit."""
    model = tool.pca(digits().x_train, 16)
    noisy = tool.add_gaussian(digits().x_test, 0.3, generator(0)).clamp(0, 1)
    noise = (noisy - digits().x_test).flatten(1)
    kept = (noise @ model.components.T).square().sum() / noise.square().sum()
    assert copying_of(model)["noise_passed"] == pytest.approx(kept.item(), rel=1e-4)


def test_the_share_of_noise_in_blank_pixels_comes_out_as_stored():
    found = copying_of(Copier())["blank"]
    assert found == pytest.approx(
        stored("autoencoder")["copying"]["linear_128"]["blank"][0], rel=1e-4
    )
    assert 2 / 64 < found < 4 / 64  # three pixels of 64, and clipping


def test_the_auroc_is_that_of_scikit_learn():
    score = torch.tensor([3.0, 1.0, 2.0, 2.0, 5.0, 2.0])
    strange = torch.tensor([True, False, True, False, True, False])
    assert tool.auroc(score, strange) == pytest.approx(roc_auc_score(strange, score))


def test_the_error_of_pca_separates_as_stored(tiny):
    found = tool.anomaly_run(8, 0)
    assert set(found) == set(stored("autoencoder")["anomalies"]["8"])
    assert found["pca"] == pytest.approx(
        stored("autoencoder")["anomalies"]["8"]["pca"][0], rel=1e-4
    )


def test_shares_in_holes_are_shares_of_the_four_distributions_and_of_new_digits(tiny):
    found = tool.holes_run(2, 0)
    assert set(found) == set(stored("autoencoder")["holes"])
    assert min(found.values()) >= 0 and max(found.values()) <= 1


def test_four_distributions_are_scored(tiny):
    rows = tool.code_rows(2, 0)
    found = stored("autoencoder")["codes"]["rows"]
    assert list(rows) == list(found)
    assert all(set(row) == set(found[name]) for name, row in rows.items())
    assert rows["mixture"]["train_cpu_s"] > rows["standard"]["train_cpu_s"] == 1


def test_tweedie_runs_by_the_recipe(monkeypatch):
    recipe = replace(RECIPES["autoencoder_points"], steps={"cpu": 3})
    monkeypatch.setitem(tool.RECIPES, "autoencoder_points", recipe)
    found = tool.tweedie_run(ring(), 0.3, 0)
    assert set(found) | {"sigma"} == set(stored("autoencoder")["tweedie"]["ring"])
    assert 0.5 < found["relative_error"] < 20


def test_sections_of_the_tool_are_stored():
    content = stored("autoencoder")
    assert list(content["measured"]) == list(tool.SECTIONS)
    assert all(content[name] == value for name, value in tool.ABOUT.items())


def test_what_the_page_says_about_orders_holds_in_every_seed():
    """Statements of the chapter in words: who is best, in each seed or by its margin."""
    content = stored("autoencoder")
    assert max(content["bottlenecks"]["32"]["gain_test"]) < 0, "worse than PCA in each seed"
    for k in ("4", "8", "16"):
        assert min(content["bottlenecks"][k]["gain_test"]) > 0.48, (
            "about half of the error, or more"
        )
    assert max(content["linear"]["16"]["excess_train"]) < 3e-6
    rows, holes = content["codes"]["rows"], content["holes"]
    assert content["codes"]["margin"] > 7
    assert max(rows["standard"]["recall"]) < min(
        min(rows[n]["recall"]) for n in rows if n != "standard"
    )
    assert all(
        a < min(b, c)
        for a, b, c in zip(*(holes[n] for n in ("standard", "scaled", "gaussian")), strict=True)
    )
    assert (
        min(content["anomalies"]["8"]["seen"]) > 0.6
        and max(content["anomalies"]["1"]["seen"]) < 0.4
    )
