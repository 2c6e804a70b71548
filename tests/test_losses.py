"""Losses against plain loops."""

import math

import pytest
import torch

from genlib.losses import (
    bernoulli_nll,
    binomial_nll,
    discriminator_loss,
    gaussian_kl,
    gaussian_nll,
    generator_loss,
    gradient_penalty,
    psnr,
    saturating_generator_loss,
    squared_error,
)


def test_squared_error_is_the_sum_over_pixels_of_each_example():
    x_hat, x = torch.rand(4, 1, 3, 3), torch.rand(4, 1, 3, 3)
    by_hand = [
        sum((a - b) ** 2 for a, b in zip(p.flatten().tolist(), q.flatten().tolist(), strict=True))
        for p, q in zip(x_hat, x, strict=True)
    ]
    torch.testing.assert_close(squared_error(x_hat, x), torch.tensor(by_hand))


def test_squared_error_has_the_gradient_of_a_square():
    x_hat, x = torch.rand(4, 5, requires_grad=True), torch.rand(4, 5)
    squared_error(x_hat, x).sum().backward()
    torch.testing.assert_close(x_hat.grad, 2 * (x_hat - x).detach())


def test_squared_error_refuses_to_broadcast():
    with pytest.raises(
        ValueError, match=r"x_hat: expected the shape of x, \(4, 1, 8, 8\), got \(4, 64\)"
    ):
        squared_error(torch.zeros(4, 64), torch.zeros(4, 1, 8, 8))


def test_psnr_of_a_known_error():
    x = torch.zeros(2, 1, 8, 8)
    x_hat = torch.stack([torch.full((1, 8, 8), 0.1), torch.full((1, 8, 8), 0.5)])
    torch.testing.assert_close(psnr(x_hat, x), torch.tensor([20.0, -20 * math.log10(0.5)]))
    assert psnr(x, x).isinf().all()


# --- chapter 3 -----------------------------------------------------------------------------------------------


def test_gaussian_kl_is_that_of_torch_and_has_known_values():
    mu, logvar = torch.randn(2, 6, 3, dtype=torch.float64)
    q = torch.distributions.Normal(mu, (logvar / 2).exp())
    prior = torch.distributions.Normal(torch.zeros_like(mu), 1.0)
    expected = torch.distributions.kl_divergence(q, prior).sum(dim=1)
    torch.testing.assert_close(gaussian_kl(mu, logvar), expected)
    one, zero = torch.ones(1, 1), torch.zeros(1, 1)
    assert gaussian_kl(one, zero).item() == pytest.approx(0.5)
    assert gaussian_kl(zero, 2 * torch.log(0.5 * one)).item() == pytest.approx(0.3181, abs=1e-4)


def test_likelihoods_are_those_of_torch():
    logits, d = torch.randn(4, 1, 3, 3, dtype=torch.float64), torch.distributions
    x = torch.randint(0, 2, logits.shape).double()
    expected = -d.Bernoulli(logits=logits).log_prob(x).flatten(1).sum(dim=1)
    torch.testing.assert_close(bernoulli_nll(logits, x), expected)
    k = torch.randint(0, 17, logits.shape).double()
    expected = -d.Binomial(16, logits=logits).log_prob(k).flatten(1).sum(dim=1)
    torch.testing.assert_close(binomial_nll(logits, k / 16), expected)
    expected = -d.Normal(logits, 0.3).log_prob(x).flatten(1).sum(dim=1)
    torch.testing.assert_close(gaussian_nll(logits, x, 0.3), expected)


def test_a_binomial_sums_to_one_over_the_grey_levels_and_cross_entropy_does_not():
    logits, x = torch.full((17, 1), 0.7).double(), torch.arange(17).double()[:, None] / 16
    assert binomial_nll(logits, x).neg().exp().sum().item() == pytest.approx(1)
    assert abs(bernoulli_nll(logits, x).neg().exp().sum().item() - 1) > 1
    assert abs((16 * bernoulli_nll(logits, x)).neg().exp().sum().item() - 1) > 0.1


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda a, b: bernoulli_nll(a, b),
            r"logits: expected the shape of x, \(4, 1, 8, 8\), got \(4, 64\)",
        ),
        (
            lambda a, b: binomial_nll(a, b),
            r"logits: expected the shape of x, \(4, 1, 8, 8\), got \(4, 64\)",
        ),
        (lambda a, b: gaussian_nll(a, b, 1.0), r"x_hat: expected the shape of x"),
        (
            lambda a, b: gaussian_kl(a, b),
            r"logvar: expected the shape of mu, \(4, 64\), got \(4, 1, 8, 8\)",
        ),
    ],
)
def test_losses_of_chapter_3_refuse_to_broadcast(call, message):
    with pytest.raises(ValueError, match=message):
        call(torch.zeros(4, 64), torch.zeros(4, 1, 8, 8))


# --- chapter 4 -----------------------------------------------------------------------------------------------


def test_losses_of_both_players_are_cross_entropies():
    real, fake = torch.randn(2, 7) * 3
    one, zero = torch.ones(7), torch.zeros(7)
    cross_entropy = torch.nn.functional.binary_cross_entropy_with_logits
    expected = [cross_entropy(a, b, reduction="none") for a, b in ((real, one), (fake, zero))]
    torch.testing.assert_close(discriminator_loss(real, fake), sum(expected))
    torch.testing.assert_close(generator_loss(fake), cross_entropy(fake, one, reduction="none"))
    torch.testing.assert_close(saturating_generator_loss(fake), torch.log(1 - fake.sigmoid()))
    even = torch.zeros(3)
    torch.testing.assert_close(discriminator_loss(even, even), torch.full((3,), math.log(4)))
    assert discriminator_loss(1000 * one, -1000 * one).abs().max() == 0
    with pytest.raises(ValueError, match=r"fake_logits: expected the shape of real_logits, \(7,\)"):
        discriminator_loss(one, torch.ones(7, 1))


def test_saturating_and_non_saturating_loss_pull_the_same_way_with_other_force():
    for loss, force in (
        (generator_loss, lambda p: 1 - p),
        (saturating_generator_loss, lambda p: p),
    ):
        logits = torch.tensor([-6.0, 0.0, 6.0], requires_grad=True)
        loss(logits).sum().backward()
        torch.testing.assert_close(logits.grad, -force(logits.detach().sigmoid()))


def test_gradient_penalty_is_the_squared_slope_of_each_example():
    w = torch.randn(3)
    x = torch.randn(5, 3, requires_grad=True)
    penalty = gradient_penalty((x.square() @ w), x)
    torch.testing.assert_close(penalty, (2 * x * w).square().sum(dim=1))
    penalty.sum().backward()
    torch.testing.assert_close(x.grad, 8 * x.detach() * w**2)
