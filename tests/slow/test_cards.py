"""What the cards of the shipped networks say they score, measured again in full."""

import os

import pytest
import torch

from genlib.data import image_set
from genlib.pretrained import (
    card,
    digits_ddpm,
    digits_ddpm_guided,
    judge,
    shapes_ddpm_small,
    tensors,
)
from genlib.table import stored
from tools import make_ddpm_results, train_ddpm, train_steering
from tools.results import Trained


@pytest.mark.skipif("GENLIB_DATA" not in os.environ, reason="needs MNIST at hand")
@pytest.mark.parametrize("name, least", [("mnist", 0.99), ("fashion_mnist", 0.92)])
def test_a_judge_scores_what_its_card_says(name, least):
    model, d = judge(name), image_set(name)
    right = [
        model.predict(x) == y
        for x, y in zip(d.x_test.split(1000), d.y_test.split(1000), strict=True)
    ]
    accuracy = torch.cat(right).double().mean().item()
    assert accuracy == pytest.approx(card(f"judge_{name}")["test_accuracy"], abs=1e-6)
    assert accuracy > least


def test_the_diffusion_model_of_the_digits_scores_what_its_card_says():
    facts, found = card("ddpm_digits"), train_ddpm.measure(digits_ddpm())
    assert found["loss_val"] == pytest.approx(facts["loss_val"], rel=1e-3)
    assert found["frechet_val"] == pytest.approx(facts["frechet_val"], rel=0.02)


def test_the_guided_model_scores_what_its_card_says_with_all_bits_and_with_8():
    facts, found = card("ddpm_digits_guided"), train_steering.of_8_bits(digits_ddpm_guided())
    assert (found["n"], found["ddim_steps"]) == (facts["n"], facts["ddim_steps"])
    for name in ("as_trained", "8_bits", "between"):
        assert found[name] == pytest.approx(facts[name], rel=0.02, abs=0.005)


def test_the_model_of_the_captions_scores_what_its_card_says():
    facts, found = card("ddpm_shapes_small"), train_steering.of_drawings(shapes_ddpm_small())
    assert found == pytest.approx(facts["as_trained"], abs=0.01)


def test_the_film_shows_the_diffusion_model_of_the_digits():
    found = train_ddpm.film(digits_ddpm(), chains=1)
    assert found["back"].shape == (len(train_ddpm.MOMENTS), 1, 1, 8, 8)
    assert torch.equal(found["x_0"], tensors("ddpm_film")["x_0"][:1])


def test_a_few_steps_of_the_diffusion_model_score_as_stored(monkeypatch):
    shipped = digits_ddpm()
    kept = Trained(shipped, shipped, 0.0)
    monkeypatch.setattr(make_ddpm_results, "trained", lambda *_: kept)
    found = make_ddpm_results.steps_run(5, 0.0, 1.0, 0)
    assert found["frechet"] == pytest.approx(stored("ddpm")["steps"]["5_0"]["frechet"][0], rel=1e-3)
