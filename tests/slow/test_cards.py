"""What the cards of the shipped networks say they score, measured again in full."""

import os

import pytest
import torch

from genlib.data import mnist
from genlib.pretrained import card, digits_ddpm, judge
from tools import train_ddpm


@pytest.mark.skipif("GENLIB_DATA" not in os.environ, reason="needs MNIST at hand")
def test_the_judge_of_mnist_scores_what_its_card_says():
    model, d = judge("mnist"), mnist()
    right = [
        model.predict(x) == y
        for x, y in zip(d.x_test.split(1000), d.y_test.split(1000), strict=True)
    ]
    accuracy = torch.cat(right).double().mean().item()
    assert accuracy == pytest.approx(card("judge_mnist")["test_accuracy"], abs=1e-6)
    assert accuracy > 0.99


def test_the_diffusion_model_of_the_digits_scores_what_its_card_says():
    facts, found = card("ddpm_digits"), train_ddpm.measure(digits_ddpm())
    assert found["loss_val"] == pytest.approx(facts["loss_val"], rel=1e-3)
    assert found["frechet_val"] == pytest.approx(facts["frechet_val"], rel=0.02)
