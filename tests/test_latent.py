"""Codes in units of their deviation, against NumPy's mean and deviation, and there and back again."""

import numpy
import pytest
import torch
from torch import nn
from torch.testing import assert_close

from genlib.latent import Codes
from genlib.vae import VAE, Gaussian, image_vae

x = torch.rand(40, 1, 4, 4, generator=torch.Generator().manual_seed(0))


def vae(latent_dim: int = 8) -> VAE:
    return image_vae(latent_dim, (1, 4, 4), 16).eval()


@pytest.mark.parametrize("shape, over", [(None, 0), ((2, 2, 2), (0, 2, 3))])
def test_codes_have_mean_0_and_deviation_1_each_number_or_each_channel(shape, over):
    model = vae()
    codes = Codes.of(model, x, shape)
    z = codes.encode(x)
    assert z.shape == (40, *(shape or (8,)))
    raw = model.encode(x)[0].detach().numpy().reshape(z.shape)
    mean, sd = raw.mean(axis=over, keepdims=True), raw.std(axis=over, keepdims=True, ddof=1)
    numpy.testing.assert_allclose(z.numpy(), (raw - mean) / sd, rtol=1e-4, atol=1e-5)
    numpy.testing.assert_allclose(z.mean(dim=over), 0, atol=1e-5)
    numpy.testing.assert_allclose(z.std(dim=over), 1, atol=1e-5)


def test_what_is_decoded_is_what_the_vae_decodes():
    model = vae()
    codes = Codes.of(model, x, (2, 2, 2))
    assert_close(codes.decode(codes.encode(x)), model.reconstruct(x), rtol=1e-4, atol=1e-5)
    assert not codes.decode(codes.encode(x)).requires_grad


def test_parts_of_a_large_set_are_put_together_in_order():
    many = x.repeat(60, 1, 1, 1)  # 2,400 rows, in parts of 1,000
    codes = Codes.of(vae(), x)
    assert_close(codes.encode(many), codes.encode(x).repeat(60, 1))
    assert_close(
        codes.decode(codes.encode(many)), codes.decode(codes.encode(x)).repeat(60, 1, 1, 1)
    )


def test_codes_are_saved_with_their_autoencoder():
    codes = Codes.of(vae(), x, (2, 2, 2))
    other = Codes(vae(), torch.zeros(2, 1, 1), torch.ones(2, 1, 1), (2, 2, 2))
    other.load_state_dict(codes.state_dict())
    assert torch.equal(other.encode(x), codes.encode(x))


def test_what_does_not_fit_is_named():
    model = vae()
    with pytest.raises(ValueError, match=r"shape: expected 8 numbers, .* got \(3, 2\)"):
        Codes.of(model, x, (3, 2))
    with pytest.raises(ValueError, match="sd: expected"):
        Codes(model, torch.zeros(8), torch.zeros(8), (8,))
    with pytest.raises(ValueError, match="z: expected shape"):
        Codes.of(model, x).decode(torch.zeros(3, 2, 2, 2))
    linear = VAE(nn.Flatten(), nn.Unflatten(1, (1, 2, 4)), 8, likelihood=Gaussian(1.0))
    with pytest.raises(ValueError, match="shape"):
        Codes.of(linear, x, (0, 8))
