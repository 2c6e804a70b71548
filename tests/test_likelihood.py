"""The bound of chapter 5 against torch.distributions, sums that must be 1, and a denoiser that knows the answer."""

import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from genlib import likelihood
from genlib.data import Mixture
from genlib.ddpm import DDPM, linear_beta
from genlib.exact import PerfectDenoiser
from genlib.guidance import Given
from genlib.likelihood import bound, bound_term, level_nll, prior_kl


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Bend(nn.Module):
    """A smooth function of x_t and t in the place of a trained network."""

    def forward(self, x_t, t):
        time = t.view(-1, *[1] * (x_t.dim() - 1)) / 10
        return torch.tanh(x_t + time.sin()) + 0.1 * x_t.flip(-1)


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_a_term_of_the_bound_is_a_divergence_of_two_normal_distributions(variance):
    beta = linear_beta(20, beta_T=0.2)
    model = DDPM(Bend(), beta, variance=variance)
    x_0, eps = torch.randint(0, 17, (5, 3)) / 8 - 1, torch.randn(5, 3)
    for t in (2, 7, 20):
        alpha_bar, before = model.alpha_bar[t], model.alpha_bar[t - 1]
        x_t = model.q_sample(x_0, torch.full((5,), t), eps)
        # equation 7, in x_0 and x_t
        mean = before.sqrt() * beta[t] / (1 - alpha_bar) * x_0
        mean = mean + (1 - beta[t]).sqrt() * (1 - before) / (1 - alpha_bar) * x_t
        true = Normal(mean, ((1 - before) / (1 - alpha_bar) * beta[t]).sqrt())
        p = Normal(model.p_step(x_t, t, torch.zeros_like(x_t)), model.p_variance(t).sqrt())
        expected = kl_divergence(true, p).sum(dim=1)
        assert_close(
            bound_term(model, x_0, torch.full((5,), t), eps), expected, rtol=1e-3, atol=1e-4
        )
    last = Normal(model.alpha_bar[-1].sqrt() * x_0, (1 - model.alpha_bar[-1]).sqrt())
    assert_close(prior_kl(model, x_0), kl_divergence(last, Normal(0.0, 1.0)).sum(dim=1))


def test_levels_have_probabilities_that_add_up_to_one():
    levels = torch.linspace(-1, 1, 17)
    mean, sd = torch.tensor(0.3), torch.tensor(0.2)
    nll = level_nll(mean.expand(17, 1), levels[:, None], sd, 17)
    assert (-nll).exp().sum().item() == pytest.approx(1, abs=1e-5)
    inside = Normal(mean, sd)
    expected = inside.cdf(levels[9] + 1 / 16) - inside.cdf(levels[9] - 1 / 16)
    assert (-nll[9]).exp().item() == pytest.approx(expected.item(), rel=1e-4)
    far = level_nll(
        torch.tensor([[0.9], [-0.9]]), torch.tensor([[-1.0], [1.0]]), torch.tensor(0.01), 17
    )
    assert far.isfinite().all() and far.min() > 1000  # 184 standard deviations away


def test_the_bound_lies_above_the_truth_and_close_to_it_for_a_perfect_denoiser():
    means = torch.tensor([[-1.0, -1.0], [1.0, -1.0], [1.0, 1.0], [-1.0, 1.0]])
    beta = linear_beta(1000)
    model = DDPM(PerfectDenoiser(Mixture(means, 1e-3), beta), beta, variance="posterior")
    found = bound(model, means.repeat(50, 1), draws=200, levels=3, rng=rng()).mean().item()
    assert math.log(4) - 0.05 < found < math.log(4) + 0.2


# --- how the terms are put together ----------------------------------------------------------------------------


def grey(n: int) -> torch.Tensor:
    return torch.randint(0, 5, (n, 3)) / 2 - 1


def test_the_bound_is_the_prior_term_and_T_times_the_mean_of_its_terms():
    model, x_0 = DDPM(Bend(), linear_beta(12, beta_T=0.3), variance="posterior"), grey(4)
    draws, random = 3, rng(5)
    times = torch.stack([model.times(draws, random) for _ in range(4)])  # (B, draws)
    eps = torch.randn(draws * 4, 3, generator=random).view(draws, 4, 3)
    expected = torch.zeros(4)
    for i in range(4):
        terms = [
            bound_term(model, x_0[i : i + 1], times[i, k : k + 1], eps[k, i : i + 1], 5)
            for k in range(draws)
        ]
        expected[i] = prior_kl(model, x_0[i : i + 1]) + 12 * torch.cat(terms).mean()
    assert_close(bound(model, x_0, draws, 5, rng(5)), expected)
    assert not torch.equal(bound(model, x_0, draws, 5, rng(6)), expected)


@pytest.mark.parametrize("draws", [1, 4, 8])
def test_the_times_of_every_example_are_spread_evenly(draws, monkeypatch):
    seen = []

    def terms(model, x_0, t, eps, levels):
        seen.append((x_0, t, eps, levels))
        return torch.zeros(len(x_0))

    monkeypatch.setattr(likelihood, "bound_term", terms)
    model, x_0 = DDPM(Bend(), linear_beta(1000)), grey(6)
    bound(model, x_0, draws, 5, rng())
    assert len(seen) == draws and all(levels == 5 for _, _, _, levels in seen)
    assert all(many is x_0 and eps.shape == x_0.shape for many, _, eps, _ in seen)
    t = torch.stack([t for _, t, _, _ in seen])
    part = (t - 1) * draws // 1000
    assert part.sort(dim=0).values.T.tolist() == [list(range(draws))] * 6
    assert len(t.unique()) > 0.9 * len(t)


def test_the_number_of_levels_reaches_the_last_term():
    model = DDPM(Bend(), linear_beta(12, 0.2, 0.3))  # a last step that mixes up the levels
    x_0, eps, t = grey(4), torch.randn(4, 3), torch.ones(4, dtype=torch.long)
    first_beta = model.beta[1]
    mean = model.p_step(model.q_sample(x_0, t, eps), 1, torch.zeros_like(x_0))
    for levels in (5, 9, 17):
        expected = level_nll(mean, x_0, first_beta.sqrt(), levels)
        assert_close(bound_term(model, x_0, t, eps, levels), expected, rtol=1e-4, atol=1e-4)
    default = level_nll(mean, x_0, first_beta.sqrt(), 17)
    assert_close(bound_term(model, x_0, t, eps), default, rtol=1e-4, atol=1e-4)


class Told(nn.Module):
    """The exact noise for data that are their label in every coordinate."""

    def __init__(self, beta):
        super().__init__()
        self.alpha_bar = (1 - beta.double()).cumprod(0)

    def forward(self, x_t, t, y):
        alpha_bar = self.alpha_bar[t][:, None]
        return ((x_t - alpha_bar.sqrt() * y[:, None]) / (1 - alpha_bar).sqrt()).float()


@pytest.mark.parametrize("draws", [1, 6])
def test_who_is_told_the_data_needs_no_nats_for_them(draws):
    y = torch.tensor([-1.0, 0.0, 1.0, 0.5]).repeat(20)
    x_0, beta = y[:, None].expand(80, 3), linear_beta(1000)
    model = DDPM(Told(beta), beta, variance="posterior")
    found = bound(model.replace(net=Given(model.net, y)), x_0, draws, 5, rng())
    assert_close(found, torch.zeros(80), atol=0.05, rtol=0)
    wrong = bound(model.replace(net=Given(model.net, y.flip(0))), x_0, draws, 5, rng())
    assert wrong.mean() > 5


def test_bad_arguments_are_named():
    model = DDPM(Bend(), linear_beta(12))
    with pytest.raises(ValueError, match="draws: expected .*, got 0"):
        bound(model, grey(4), 0, 5)
    with pytest.raises(ValueError, match=r"x_0: expected 17 even levels from -1 to 1, got"):
        bound(model, grey(4) * 0.99)
    with pytest.raises(ValueError, match=r"x_0: expected values in \[-1, 1\], got"):
        bound(model, 2 + grey(4), 1, 5)
