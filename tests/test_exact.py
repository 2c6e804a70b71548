"""The denoiser and the classifier that nobody had to train, against Bayes' rule by brute force, and what it draws."""

import math

import pytest
import torch
from torch.testing import assert_close

from genlib.data import Mixture, grid
from genlib.ddpm import DDPM, linear_beta
from genlib.exact import PerfectClassifier, PerfectDenoiser
from genlib.guidance import Given


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


MEANS, KINDS = torch.tensor([[-1.0, 0.0], [1.0, 0.5], [0.0, -1.0]]), torch.tensor([1, 0, 1])


def test_under_a_class_it_is_the_mean_of_the_noise_given_x_t_and_the_class():
    mixture, beta = Mixture(MEANS, 0.3), linear_beta(100)
    net, model = PerfectDenoiser(mixture, beta, KINDS), DDPM(PerfectDenoiser(mixture, beta), beta)
    x_t, t = torch.randn(6, 2, generator=rng()), torch.tensor([40, 40, 70, 70, 100, 100])
    y = torch.tensor([0, 1, 2, 0, 1, 0])
    found = net(x_t, t, y)
    g = rng(1)
    mode = torch.randint(3, (600_000,), generator=g)
    x_0 = (MEANS[mode] + 0.3 * torch.randn(600_000, 2, generator=g)).double()
    for i in range(6):  # of the data, those of the class alone
        data = x_0 if y[i] == 2 else x_0[KINDS[mode] == y[i]]
        a, s = model.alpha_bar[t[i]].double().sqrt(), (1 - model.alpha_bar[t[i]]).double().sqrt()
        eps = (x_t[i] - a * data) / s
        weight = (-eps.square().sum(dim=1) / 2).softmax(dim=0)
        assert_close(found[i].double(), weight @ eps, atol=0.03, rtol=0.03)


def test_any_class_is_the_denoiser_without_classes():
    mixture, beta = Mixture(MEANS, 0.3), linear_beta(100)
    net, plain = PerfectDenoiser(mixture, beta, KINDS), PerfectDenoiser(mixture, beta)
    x_t, t = torch.randn(6, 2, generator=rng()), torch.tensor([1, 40, 40, 70, 100, 100])
    assert net.null.tolist() == [2]
    for found in (net(x_t, t), net(x_t, t, torch.full((6,), 2)), Given(net, net.null)(x_t, t)):
        assert torch.equal(found, plain(x_t, t))
    assert not torch.allclose(net(x_t, t, torch.zeros(6).long()), plain(x_t, t))
    assert {"null", *plain.state_dict()} - {*net.state_dict()} == {"null"}


def test_the_perfect_classifier_is_bayes_rule_by_brute_force():
    beta = linear_beta(100)
    net, alpha_bar = PerfectClassifier(Mixture(MEANS, 0.3), beta, KINDS), (1 - beta).cumprod(0)
    x_t, t = torch.randn(5, 2, generator=rng()), torch.tensor([20, 40, 70, 70, 100])
    found = net(x_t, t).softmax(dim=1)
    assert found.shape == (5, 2)
    g = rng(1)
    mode = torch.randint(3, (600_000,), generator=g)
    x_0 = (MEANS[mode] + 0.3 * torch.randn(600_000, 2, generator=g)).double()
    for i in range(5):  # two modes of three are of class 1
        a, s = alpha_bar[t[i]].double().sqrt(), (1 - alpha_bar[t[i]]).double().sqrt()
        weight = (-((x_t[i] - a * x_0) / s).square().sum(dim=1) / 2).softmax(dim=0)
        expected = torch.stack([weight[KINDS[mode] == y].sum() for y in (0, 1)])
        assert_close(found[i].double(), expected, atol=0.01, rtol=0)


def test_the_logits_are_the_joint_density_of_x_t_and_the_class():
    net = PerfectClassifier(Mixture(MEANS, 0.3), linear_beta(100), KINDS)
    x_t, t = torch.randn(5, 2, generator=rng()), torch.tensor([1, 40, 70, 70, 100])
    for y, mixture in enumerate((Mixture(MEANS[1:2], 0.3), Mixture(MEANS[[0, 2]], 0.3))):
        for i in range(5):
            a = (1 - linear_beta(100).double()).cumprod(0)[t[i]].item()
            noised = Mixture(math.sqrt(a) * mixture.means, math.sqrt(a * 0.09 + 1 - a))
            density = noised.log_prob(x_t[i : i + 1])[0] + math.log((1 + y) / 3)
            assert_close(net(x_t, t)[i, y], density, rtol=1e-4, atol=1e-4)


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


@pytest.mark.parametrize("kind", [PerfectDenoiser, PerfectClassifier])
def test_labels_that_are_none_are_named(kind):
    mixture, beta = Mixture(MEANS, 0.3), linear_beta(5)
    for labels, message in (
        (torch.tensor([0, 1]), r"labels: expected shape \(K\) with {'K': 3}, got \(2,\)"),
        (torch.tensor([0, 2, 2]), "labels: expected every class from 0 to 2, got"),
        (torch.tensor([0, 1, -1]), "labels: expected whole numbers from 0 to 2, got -1 to 1"),
        (torch.tensor([0.0, 1.0, 1.0]), "labels: expected whole numbers"),
    ):
        with pytest.raises(ValueError, match=message):
            kind(mixture, beta, labels)
    net = PerfectDenoiser(mixture, beta, KINDS)
    with pytest.raises(ValueError, match="y: expected whole numbers from 0 to 2, got 0 to 3"):
        net(torch.zeros(2, 2), torch.tensor([1, 2]), torch.tensor([0, 3]))
    with pytest.raises(ValueError, match="y: expected whole numbers from 0 to 0, got 1 to 1"):
        PerfectDenoiser(mixture, beta)(torch.zeros(1, 2), torch.tensor([1]), torch.tensor([1]))
