"""The classifier against torch's own losses, and the committed judge against its card."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from genlib.classifier import Classifier, small_conv
from genlib.data import digits
from genlib.evaluate import frechet_distance
from genlib.pretrained import card, judge


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


@pytest.mark.parametrize(
    "side, last", [(4, 4), (7, 7), (8, 4), (13, 7), (15, 4), (16, 4), (28, 7), (32, 4), (64, 4)]
)
def test_small_conv_takes_squares_of_any_size_and_colours(side, last):
    net = small_conv(features=6, classes=3, side=side, channels=3)
    assert net(torch.rand(2, 3, side, side)).shape == (2, 3)
    seen = next(m.in_features for m in net if isinstance(m, nn.Linear))
    assert seen == last**2 * (32 if side < 8 else 64)


def test_every_option_reaches_the_layers_of_small_conv():
    net = small_conv(features=5, classes=3, dropout=0.35, side=28)
    assert [layer.p for layer in net if isinstance(layer, nn.Dropout)] == [0.35]
    assert [(m.in_features, m.out_features) for m in net if isinstance(m, nn.Linear)] == [
        (64 * 7 * 7, 5),
        (5, 3),
    ]
    assert [m.stride for m in net if isinstance(m, nn.Conv2d)] == [(1, 1), (2, 2), (2, 2)]


def test_the_judge_scores_what_its_card_says():
    facts, model, d = card("judge_digits"), judge("digits"), digits()
    terms = model.loss(d.x_test, d.y_test)
    assert terms["accuracy"].item() == pytest.approx(facts["test_accuracy"], abs=1e-6)
    assert terms["loss"].item() == pytest.approx(facts["test_loss_nats"], abs=1e-5)
    floor = frechet_distance(model.features(d.x_train), model.features(d.x_test))
    assert floor == pytest.approx(facts["frechet_floor"], rel=1e-4)
