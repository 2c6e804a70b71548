"""Chapter @NUMBER@'s model against something independent: a closed form, torch.distributions, a plain loop."""

import math

import pytest
import torch
from torch.distributions import Normal
from torch.testing import assert_close

from genlib import train
from genlib.@NAME@ import @CLASS@

# Good arguments of everything public: tests/test_borders.py tries wrong ones in their places.
OWNERS = {"@NAME@.@CLASS@": lambda: @CLASS@((2,))}
CASES = {
    "@NAME@.@CLASS@": lambda: {"shape": (2,)},
    "@NAME@.@CLASS@.loss": lambda: {"x": torch.randn(6, 2)},
    "@NAME@.@CLASS@.sample": lambda: {"n": 3, "rng": torch.Generator()},
}
DATA_BORDERS = {"@NAME@.@CLASS@.loss": "x"}  # no holes, no other shape


def model(mu: float = 0.7, logvar: float = -1.0) -> @CLASS@:
    made = @CLASS@((2,))
    torch.nn.init.constant_(made.mu, mu)
    torch.nn.init.constant_(made.logvar, logvar)
    return made


def test_the_loss_is_that_of_torch_distributions():
    x = torch.randn(5, 2)
    oracle = -Normal(0.7, math.exp(-0.5)).log_prob(x).sum(dim=1).mean()
    assert_close(model().loss(x)["loss"], oracle)


def test_training_finds_mean_and_variance_of_the_data():
    x = 2 + 0.5 * torch.randn(1000, 2)
    made = @CLASS@((2,))
    train.Training(made, train.Batches(x), 200, 0.1, fall=train.cosine).run()
    assert_close(made.mu.detach(), x.mean(dim=0), atol=0.02, rtol=0)
    assert_close(made.logvar.exp().detach(), x.var(dim=0), atol=0.02, rtol=0)


def test_samples_have_the_moments_of_the_model_and_follow_the_seed():
    x, again = (model().sample(20_000, torch.Generator().manual_seed(1)) for _ in range(2))
    assert torch.equal(x, again)
    assert_close(x.mean(dim=0), torch.full((2,), 0.7), atol=0.02, rtol=0)
    assert_close(x.std(dim=0), torch.full((2,), math.exp(-0.5)), atol=0.02, rtol=0)


def test_other_data_are_refused_by_name():
    with pytest.raises(ValueError, match="x.*expected"):
        model().loss(torch.zeros(3, 5))
