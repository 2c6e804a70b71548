"""Blocks have the sizes they promise, and hold nothing that was not asked for."""

import math

import pytest
import torch
from torch import nn

from genlib.nets import Fourier, image_decoder, image_encoder, mlp


def test_mlp_is_the_formula():
    net, x = mlp((3, 5, 2)), torch.randn(7, 3)
    (W1, b1, W2, b2) = net.parameters()
    hidden = x @ W1.T + b1
    torch.testing.assert_close(net(x), (hidden * hidden.sigmoid()) @ W2.T + b2)


def test_one_layer_is_linear():
    assert [type(layer) for layer in mlp((3, 2))] == [nn.Linear]


def test_norm_and_dropout_stand_after_every_hidden_layer_only():
    kinds = [type(layer) for layer in mlp((3, 4, 5, 2), norm=True, dropout=0.1)]
    hidden = [nn.Linear, nn.BatchNorm1d, nn.SiLU, nn.Dropout]
    assert kinds == [*hidden, *hidden, nn.Linear]


def test_another_activation_takes_the_place_of_every_one():
    kinds = [type(layer) for layer in mlp((3, 4, 5, 2), activation=nn.ReLU)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (2,)])
def test_encoder_and_decoder_fit_together(shape):
    x = torch.rand(6, *shape)
    z = image_encoder(shape, 32, 5)(x)
    assert z.shape == (6, 5)
    assert image_decoder(5, 32, shape)(z).shape == x.shape


def test_too_few_sizes_are_named():
    with pytest.raises(ValueError, match=r"sizes: expected an input size.*got \(3,\)"):
        mlp((3,))


def test_fourier_features_are_sines_and_cosines_of_doubling_frequencies():
    x = torch.randn(5, 2)
    features = Fourier(3, lowest=1.5)(x)
    expected = [x]
    for wave in (torch.sin, torch.cos):
        for column in (0, 1):
            expected += [
                wave(w * x[:, column : column + 1]) / math.sqrt(w / 1.5) for w in (1.5, 3.0, 6.0)
            ]
    torch.testing.assert_close(features, torch.cat(expected, dim=1))
    assert torch.equal(Fourier(0)(x), x)
