"""The classifier against torch's own losses, and the committed judge against its card."""

import hashlib
import json
import os

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib.classifier import Classifier, small_conv
from genlib.data import digits, mnist
from genlib.evaluate import HERE, frechet_distance, judge


@pytest.fixture
def model():
    return Classifier(nn.Sequential(nn.Flatten(), nn.Linear(64, 16), nn.ReLU(), nn.Linear(16, 10)))


def test_loss_is_the_cross_entropy(model):
    x, y = torch.rand(7, 1, 8, 8), torch.randint(10, (7,))
    terms = model.loss(x, y)
    torch.testing.assert_close(terms["loss"], F.cross_entropy(model.net(x), y))
    assert terms["accuracy"] == (model.net(x).argmax(1) == y).float().mean()
    with pytest.raises(ValueError, match="y: expected shape"):
        model.loss(x, y[:3])


def test_log_prob_sums_to_one_and_predict_takes_its_largest(model):
    x = torch.rand(7, 1, 8, 8)
    torch.testing.assert_close(model.log_prob(x).exp().sum(dim=1), torch.ones(7))
    assert torch.equal(model.predict(x), model.log_prob(x).argmax(dim=1))


def test_the_last_layer_turns_features_into_logits(model):
    x = torch.rand(7, 1, 8, 8)
    assert model.features(x).shape == (7, 16)
    torch.testing.assert_close(model.net[-1](model.features(x)), model.net(x))


def test_small_conv_fits_the_digits():
    net = small_conv(features=48)
    assert net(torch.rand(3, 1, 8, 8)).shape == (3, 10)
    assert Classifier(net).features(torch.rand(3, 1, 8, 8)).shape == (3, 48)
    assert small_conv(side=28)(torch.rand(3, 1, 28, 28)).shape == (3, 10)


def test_the_judge_scores_what_its_card_says():
    card = json.loads((HERE / "assets" / "judge_digits.json").read_text(encoding="utf-8"))
    weights = (HERE / "assets" / "judge_digits.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == card["sha256"]
    model, d = judge("digits"), digits()
    terms = model.loss(d.x_test, d.y_test)
    assert terms["accuracy"].item() == pytest.approx(card["test_accuracy"], abs=1e-6)
    assert terms["loss"].item() == pytest.approx(card["test_loss_nats"], abs=1e-5)
    floor = frechet_distance(model.features(d.x_train), model.features(d.x_test))
    assert floor == pytest.approx(card["frechet_floor"], rel=1e-4)
    assert sum(p.numel() for p in model.parameters()) == card["parameters"]
    assert {
        "command",
        "seed",
        "data",
        "steps",
        "cpu_s",
        "device",
        "threads",
        "versions",
        "date",
    } <= set(card)


@pytest.mark.skipif("GENLIB_DATA" not in os.environ, reason="needs MNIST at hand")
def test_the_judge_of_mnist_scores_what_its_card_says():
    card = json.loads((HERE / "assets" / "judge_mnist.json").read_text(encoding="utf-8"))
    weights = (HERE / "assets" / "judge_mnist.safetensors").read_bytes()
    assert hashlib.sha256(weights).hexdigest() == card["sha256"]
    model, d = judge("mnist"), mnist()
    right = [
        model.predict(x) == y
        for x, y in zip(d.x_test.split(1000), d.y_test.split(1000), strict=True)
    ]
    accuracy = torch.cat(right).double().mean().item()
    assert accuracy == pytest.approx(card["test_accuracy"], abs=1e-6)
    assert accuracy > 0.99 and sum(p.numel() for p in model.parameters()) == card["parameters"]


def test_the_judge_is_frozen_and_unknown_judges_are_named():
    assert not judge().training and not any(p.requires_grad for p in judge().parameters())
    with pytest.raises(ValueError, match="name: expected one of \\['digits'"):
        judge("cats")
