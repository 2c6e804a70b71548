"""Random numbers follow their rng, have the distribution, the precision and the shape that is asked for."""

import math

import numpy as np
import pytest
import torch
from scipy import stats

from genlib import rng as random

LIKE = torch.empty(0)


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


DRAWS = {
    "normal": lambda r: random.normal(LIKE, (50, 2), r),
    "uniform": lambda r: random.uniform(LIKE, (50, 2), r),
    "integers": lambda r: random.integers(50, 1000, r),
    "permutation": lambda r: random.permutation(50, r),
    "categorical": lambda r: random.categorical(torch.ones(1000), 50, r),
    "library_seed": lambda r: torch.tensor(random.library_seed(r)),
}


@pytest.mark.parametrize("name", DRAWS)
def test_a_draw_follows_its_rng_and_none_is_torchs_own(name):
    draw = DRAWS[name]
    assert torch.equal(draw(rng(1)), draw(rng(1))) and not torch.equal(draw(rng(1)), draw(rng(2)))
    one = rng(1)
    assert not torch.equal(draw(one), draw(one))  # it moves on
    before = torch.get_rng_state()
    draw(rng(1))
    assert torch.equal(torch.get_rng_state(), before)  # and leaves torch's own numbers alone
    torch.manual_seed(1)
    assert torch.equal(draw(None), draw(rng(1)))


def test_draws_are_those_of_torch():
    pairs = [
        (random.normal(LIKE, (3, 4), rng()), torch.randn(3, 4, generator=rng())),
        (random.uniform(LIKE, (3, 4), rng()), torch.rand(3, 4, generator=rng())),
        (random.integers(9, 7, rng()), torch.randint(7, (9,), generator=rng())),
        (random.permutation(9, rng()), torch.randperm(9, generator=rng())),
    ]
    for found, expected in pairs:
        assert torch.equal(found, expected) and found.dtype == expected.dtype


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_numbers_have_the_shape_and_the_precision_asked_for(dtype):
    like = torch.empty(0, dtype=dtype)
    for draw in (random.normal, random.uniform):
        for shape in ((4, 2, 3), [5], torch.Size([2, 2]), (0, 3), ()):
            found = draw(like, shape, rng())
            assert found.shape == tuple(shape) and found.dtype == dtype


def test_numbers_have_their_distribution():
    z, u = (draw(LIKE, (20_000,), rng()) for draw in (random.normal, random.uniform))
    assert stats.kstest(z.numpy(), "norm").pvalue > 0.01
    assert stats.kstest(u.numpy(), "uniform").pvalue > 0.01 and u.min() >= 0 and u.max() < 1
    k = random.integers(20_000, 5, rng(1))
    assert k.dtype == torch.int64 and stats.chisquare(k.bincount().numpy()).pvalue > 0.01
    order = random.permutation(1000, rng())
    assert torch.equal(order.sort().values, torch.arange(1000)) and order.dtype == torch.int64


def test_categories_come_with_their_weights_whatever_these_sum_to():
    weights = torch.tensor([1.0, 0.0, 3.0, 4.0])
    k = random.categorical(weights, 40_000, rng())
    assert k.shape == (40_000,) and k.dtype == torch.int64
    found = k.bincount(minlength=4) / 40_000
    torch.testing.assert_close(found, weights / 8, atol=0.01, rtol=0)
    assert torch.equal(
        random.categorical(weights / 8, 50, rng()), random.categorical(weights, 50, rng())
    )
    assert random.categorical(weights, 0, rng()).shape == (0,)
    assert set(random.categorical(torch.tensor([0.0, 1.0]), 100, rng()).tolist()) == {1}


def test_a_library_seed_is_one_that_numpy_takes():
    seeds = [random.library_seed(rng(s)) for s in range(200)]
    assert all(type(seed) is int and 0 <= seed < 2**31 for seed in seeds)
    assert len(set(seeds)) == 200 and max(seeds) > 2**30
    np.random.default_rng(seeds[0])


WRONG = {
    "like: expected a torch.Tensor": lambda: random.normal(3, (2,)),
    "like: expected .* got torch.int64": lambda: random.normal(torch.zeros(1).long(), (2,)),
    "shape: expected": lambda: random.uniform(LIKE, (2, -1)),
    "shape: expected .* got 3": lambda: random.uniform(LIKE, 3),
    "n: expected .* got -1": lambda: random.integers(-1, 5),
    "below: expected .* got 0": lambda: random.integers(3, 0),
    "n: expected .* got -2": lambda: random.permutation(-2),
    "n: expected .* got 2.5": lambda: random.permutation(2.5),
    "weights: expected": lambda: random.categorical(torch.tensor([1.0, -1.0]), 3),
    "weights: .*": lambda: random.categorical(torch.tensor([0.0, 0.0]), 3),
    "weights: .*nan": lambda: random.categorical(torch.tensor([math.nan, 1.0]), 3),
    "rng: expected a Generator or None": lambda: random.permutation(3, 0),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_cannot_be_drawn_is_named(message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        WRONG[message]()
