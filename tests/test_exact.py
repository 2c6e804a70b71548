"""The denoiser that nobody had to train, against Bayes' rule by brute force, and what it draws against the truth."""

import math

import pytest
import torch
from torch.testing import assert_close

from genlib.data import Mixture, grid
from genlib.ddpm import DDPM, linear_beta
from genlib.exact import PerfectDenoiser


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_the_perfect_denoiser_is_the_mean_of_the_noise_given_x_t():
    mixture, beta = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.3), linear_beta(100)
    model = DDPM(PerfectDenoiser(mixture, beta), beta)
    x_t, t = torch.randn(6, 2, generator=rng()), torch.tensor([1, 40, 40, 70, 100, 100])
    found = model.net(x_t, t)
    x_0 = mixture.sample(400_000, rng(1)).double()
    for i in range(1, 6):  # Bayes by brute force: data weighted by how well they explain x_t
        a, s = model.alpha_bar[t[i]].double().sqrt(), (1 - model.alpha_bar[t[i]]).double().sqrt()
        eps = (x_t[i] - a * x_0) / s
        weight = (-eps.square().sum(dim=1) / 2).softmax(dim=0)
        assert_close(found[i].double(), weight @ eps, atol=0.03, rtol=0.03)


def test_with_the_perfect_denoiser_the_mixture_comes_back():
    truth = grid()
    unit = truth.noised(1 / truth.means.std().item(), 0.0)
    wide = Mixture(unit.means, 0.1)
    beta = linear_beta(500, 2e-4, 0.04)  # as much noise as 1,000 steps to 0.02
    model = DDPM(PerfectDenoiser(wide, beta), beta)
    x, n = model.sample(4000, (2,), rng()), 4000
    k = torch.cdist(x, wide.means).argmin(dim=1)
    share = torch.bincount(k, minlength=25) / n
    assert (share - 1 / 25).abs().max() < 4 * math.sqrt(0.04 * 0.96 / n)
    sd = (x - wide.means[k]).square().mean().sqrt().item()
    assert 0.096 < sd < 0.104
    assert_close(x.mean(dim=0), torch.zeros(2), atol=0.07, rtol=0)
    short = model.ddim(n, (2,), 50, 0.0, rng())
    assert (torch.cdist(short, wide.means).min(dim=1).values < 0.4).float().mean() > 0.98


def test_what_is_no_schedule_or_no_mixture_is_named():
    mixture = Mixture(torch.zeros(1, 2), 1.0)
    with pytest.raises(ValueError, match="beta: expected 0 and then T numbers between 0 and 1"):
        PerfectDenoiser(mixture, torch.tensor([0.1, 0.2]))
    with pytest.raises(TypeError, match="mixture: expected a Mixture, got a Tensor"):
        PerfectDenoiser(torch.zeros(1, 2), linear_beta(5))
