"""Chapter 4 against quadrature, torch.distributions, plain loops, and a game whose every move is known."""

import copy
import math

import pytest
import torch
from torch import nn
from torch.distributions import Normal
from torch.testing import assert_close

from genlib.data import ring
from genlib.gan import (
    GAN,
    gaussian_game_jsd,
    gaussian_game_logits,
    gaussian_game_value,
    geometric,
    image_gan,
    points_gan,
)
from genlib.nets import Fourier, image_decoder, image_encoder, mlp
from genlib.train import Batches, Training, linear


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Shift(nn.Module):
    """G(z) = theta + z."""

    def __init__(self, theta: float):
        super().__init__()
        self.theta = nn.Parameter(torch.tensor(theta))

    def forward(self, z):
        return self.theta + z


class Line(nn.Module):
    """The logits w x + b of points (B, 1), shape (B,)."""

    def __init__(self, w: float = 0.0, b: float = 0.0):
        super().__init__()
        self.w, self.b = (nn.Parameter(torch.tensor(value)) for value in (w, b))

    def forward(self, x):
        return (self.w * x + self.b).squeeze(1)


# --- the model -----------------------------------------------------------------------------------------------


def test_losses_are_those_of_the_paper_computed_with_probabilities():
    gan = GAN(Shift(1.5), Line(-0.7, 0.3), 1)
    x, z = torch.randn(6, 1), torch.randn(6, 1)

    def D(at):
        return 1 / (1 + math.exp(0.7 * at - 0.3))

    d = [-math.log(D(a)) - math.log(1 - D(1.5 + b)) for a, b in zip(x, z, strict=True)]
    g = [-math.log(D(1.5 + b)) for b in z]
    terms = gan.d_loss(x, z)
    assert terms["loss"].item() == pytest.approx(sum(d) / 6, rel=1e-5)
    assert terms["D(x)"].item() == pytest.approx(sum(map(D, x)) / 6, rel=1e-5)
    assert terms["D(G(z))"].item() == pytest.approx(sum(D(1.5 + b) for b in z) / 6, rel=1e-5)
    assert gan.g_loss(z)["loss"].item() == pytest.approx(sum(g) / 6, rel=1e-5)


def test_each_loss_sends_a_gradient_to_its_own_player():
    gan = GAN(Shift(1.5), Line(-0.7, 0.3), 1)
    gan.d_loss(torch.randn(6, 1), torch.randn(6, 1))["loss"].backward()
    assert gan.G.theta.grad is None and gan.D.w.grad != 0
    gan.g_loss(torch.randn(6, 1))["loss"].backward()
    assert gan.G.theta.grad != 0


def test_the_gradient_that_reaches_G_is_minus_the_slope_of_D_times_its_doubt():
    gan, z = GAN(Shift(1.5), Line(-0.7, 0.3), 1), torch.randn(6, 1)
    gan.g_loss(z)["loss"].backward()
    doubt = 1 - torch.sigmoid(gan.D(1.5 + z))  # -d/dx log sigmoid(w x + b) = -w (1 - D)
    assert_close(gan.G.theta.grad, (0.7 * doubt).mean())


def test_r1_adds_half_gamma_times_the_squared_slope_on_data():
    x, z = torch.randn(6, 1), torch.randn(6, 1)
    plain, penal = GAN(Shift(0.0), Line(-0.7), 1), GAN(Shift(0.0), Line(-0.7), 1, r1=3.0)
    assert_close(penal.d_loss(x, z)["loss"], plain.d_loss(x, z)["loss"] + 3.0 / 2 * 0.7**2)
    penal.d_loss(x, z)["loss"].backward()
    plain.d_loss(x, z)["loss"].backward()
    assert_close(penal.D.w.grad, plain.D.w.grad + 3.0 * -0.7)
    assert not x.requires_grad


def test_codes_are_signs_first_and_then_standard_normal():
    gan = GAN(nn.Identity(), Line(), 5, signs=3)
    z = gan.prior(20_000, rng())
    assert set(z[:, :3].unique().tolist()) == {-1.0, 1.0}
    assert_close(z.mean(dim=0), torch.zeros(5), atol=0.03, rtol=0)
    assert_close(z.T.cov(), torch.eye(5), atol=0.03, rtol=0)
    assert torch.equal(z, gan.prior(20_000, rng())) and not torch.equal(
        z, gan.prior(20_000, rng(1))
    )
    assert gan.sample(3, rng()).shape == (3, 5) and gan.sample(0).shape == (0, 5)
    assert torch.equal(gan.sample(3, rng()), gan.prior(3, rng()))  # G is the identity


def test_noise_blurs_what_D_sees():
    gan = GAN(nn.Identity(), nn.Sequential(nn.Flatten(0)), 1)
    x = torch.ones(40_000, 1)
    assert torch.equal(gan.logits(x), x[:, 0])
    gan.sigma = 0.3
    seen = gan.logits(x)
    assert seen.mean().item() == pytest.approx(1, abs=0.01)
    assert seen.std().item() == pytest.approx(0.3, rel=0.02)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match=r"signs: .* got 3"):
        GAN(Shift(0.0), Line(), 2, signs=3)
    with pytest.raises((TypeError, ValueError), match="r1: expected .* at least 0, got -1"):
        GAN(Shift(0.0), Line(), 2, r1=-1)
    gan = GAN(Shift(0.0), nn.Linear(1, 1), 1)
    with pytest.raises(ValueError, match=r"discriminator\(x\): expected shape \(B\)"):
        gan.g_loss(torch.zeros(4, 1))
    with pytest.raises((TypeError, ValueError), match="n: expected .* at least 0, got -1"):
        gan.sample(-1)


# --- the loop ------------------------------------------------------------------------------------------------


def test_the_loop_is_the_algorithm_of_the_paper_written_plainly():
    gan, x = points_gan(width=8), torch.randn(64, 2)
    twin = copy.deepcopy(gan)
    torch.manual_seed(1)
    found = list(Training(gan, Batches(x, size=16), 5, lr=0.01))
    torch.manual_seed(1)
    loader = Batches(x, size=16)
    opt_D = torch.optim.Adam(twin.D.parameters(), 0.01, betas=(0.0, 0.99), fused=True)
    opt_G = torch.optim.Adam(twin.G.parameters(), 0.01, betas=(0.0, 0.99), fused=True)
    for terms in found:
        (real,), z_D, z_G = next(loader), twin.prior(16), twin.prior(16)
        p_real, p_fake = twin.D(real).sigmoid(), twin.D(twin.G(z_D).detach()).sigmoid()
        loss = -(p_real.log() + (1 - p_fake).log()).mean()
        opt_D.zero_grad()
        loss.backward()
        opt_D.step()
        assert terms["d_loss"] == pytest.approx(loss.item(), rel=1e-4)
        loss = -twin.D(twin.G(z_G)).sigmoid().log().mean()
        opt_G.zero_grad()
        loss.backward()
        opt_G.step()
        assert terms["g_loss"] == pytest.approx(loss.item(), rel=1e-4)
        assert terms["D(x)"] == pytest.approx(p_real.mean().item(), rel=1e-4)
        assert terms["D(G(z))"] == pytest.approx(p_fake.mean().item(), rel=1e-4)
    for a, b in zip(gan.parameters(), twin.parameters(), strict=True):
        assert_close(a, b, atol=1e-4, rtol=1e-3)


def test_noise_follows_its_schedule_and_the_rates_fall_to_zero():
    gan, seen, places = points_gan(width=8, instance_noise=lambda t: 1 - t), [], []
    x = torch.randn(64, 2)
    for _ in Training(gan, Batches(x, size=16), 10, fall=linear):
        seen.append(gan.sigma)
        places.append(next(gan.G.parameters()).detach().clone())
    assert seen == [1 - step / 10 for step in range(10)]
    moves = [(b - a).abs().max().item() for a, b in zip(places, places[1:], strict=False)]
    assert 0 < moves[-1] < 0.5 * moves[0]


def test_both_losses_are_seen_through_the_noise_of_the_turn():
    gan = GAN(Shift(0.0), Line(1.0), 1, instance_noise=lambda t: 5.0)
    seen, real = [], gan.logits
    gan.logits = lambda x: seen.append(gan.sigma) or real(x)
    list(gan.turns(torch.randn(4, 1), share=0.5))
    assert seen == [5.0] * 3
    gan.instance_noise = None
    list(gan.turns(torch.randn(4, 1), share=0.5))
    assert seen[3:] == [0.0] * 3


def test_a_geometric_fall_is_a_straight_line_of_logarithms_and_then_flat():
    level = geometric(2.0, 0.002, 0.8)
    for t, expected in zip((0, 0.4, 0.8, 1), (2, math.sqrt(0.004), 0.002, 0.002), strict=True):
        assert level(t) == pytest.approx(expected)
    for arguments, name in (((0, 1), "start"), ((1, 0), "end"), ((1, 0.1, 0), "share")):
        with pytest.raises((TypeError, ValueError), match=f"{name}: expected .* got 0"):
            geometric(*arguments)


def test_the_average_of_a_gan_is_a_gan():
    gan, places = GAN(Shift(0.0), Line(), 1), []
    training = Training(gan, Batches(torch.randn(20, 1), size=5), 4, 0.1, ema_decay=0.9)
    for _ in training:
        theta = gan.G.theta.item()
        places.append(0.9 * places[-1] + 0.1 * theta if places else theta)
        assert training.ema.G.theta.item() == pytest.approx(places[-1], rel=1e-5)
    z = training.ema.prior(7, rng())
    assert_close(training.ema.sample(7, rng()), training.ema.G.theta + z)


def test_training_moves_the_fakes_to_the_data_and_ends_in_evaluation_mode():
    torch.manual_seed(0)
    gan, x = GAN(Shift(3.0), Line(), 1), torch.randn(2000, 1)
    batches = Batches(x, size=200, seed=None)
    training = Training(gan, batches, 600, lr=0.03, fall=linear, ema_decay=0.98)
    history = training.run()
    assert abs(gan.G.theta.item()) < 0.3 and abs(training.ema.G.theta.item()) < 0.3
    assert {name: len(values) for name, values in history.items()} == dict.fromkeys(
        ("d_loss", "g_loss", "D(x)", "D(G(z))"), 600
    )
    assert history["d_loss"][-1] == pytest.approx(math.log(4), abs=0.1)
    assert not gan.training


def test_the_points_gan_starts_to_cover_the_ring():
    torch.manual_seed(0)
    x = ring().sample(5000, rng())
    gan = points_gan(instance_noise=geometric(1.0, 0.05))
    Training(gan, Batches(x, size=128, seed=None), 300, lr=3e-3).run()
    far = (gan.sample(1000, rng()).norm(dim=1) - 1).abs().mean()
    assert far < 0.25  # fakes of an untrained G lie near the middle, about 0.8 away


# --- the networks --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("low, high", [(-1.0, 1.0), (0.0, 255.0)])
def test_images_in_another_range_are_named(low, high):
    x = torch.tensor([low, high]).view(2, 1, 1, 1).expand(2, 1, 8, 8)
    training = Training(image_gan(4, width=8), Batches(x, size=2), 1)
    with pytest.raises(
        ValueError, match=rf"x: expected values in \[0, 1\], got \[{low:g}, {high:g}\]"
    ):
        training.step()
    GAN(Shift(0.0), Line(), 1).d_loss(
        255 * torch.randn(5, 1), torch.randn(5, 1)
    )  # points may lie anywhere


def test_every_option_reaches_the_networks():
    noise = geometric(0.5, 0.1)
    gan = image_gan(3, (2, 4, 6), 5, r1=0.7, instance_noise=noise)
    decoder = image_decoder(3, 5, (2, 4, 6), norm=True, activation=nn.ReLU)
    assert str(gan.G) == str(decoder.append(nn.Sigmoid()))
    assert str(gan.D) == str(image_encoder((2, 4, 6), 5, 1).append(nn.Flatten(0)))
    assert (gan.latent_dim, gan.signs, gan.r1, gan.instance_noise) == (3, 0, 0.7, noise)
    assert image_gan().instance_noise is None and image_gan().r1 == 0.3
    gan = points_gan(3, 4, 5, 6, instance_noise=noise)
    assert str(gan.G) == str(mlp((7, 5, 5, 2), activation=nn.ReLU))
    layers = [Fourier(6), *mlp((2 + 4 * 6, 5, 5, 1)), nn.Flatten(0)]
    assert str(gan.D) == str(nn.Sequential(*layers)) and len(gan.D[0].w) == 6
    assert (gan.latent_dim, gan.signs, gan.r1, gan.instance_noise) == (7, 3, 0.0, noise)
    assert gan.prior(9)[:, :3].abs().unique().tolist() == [1.0]


def test_the_digits_gan_draws_images_and_judges_each_by_itself():
    gan, x = image_gan(8, width=16).train(), torch.rand(6, 1, 8, 8)
    fakes = gan.sample(6)
    assert fakes.shape == x.shape and fakes.min() >= 0 and fakes.max() <= 1
    logits = gan.logits(x)
    assert_close(logits[:2], gan.logits(x[:2]))  # nothing in D mixes the examples of a batch


# --- the exact case ------------------------------------------------------------------------------------------


def test_the_value_is_the_integral_done_on_a_fine_grid():
    x = torch.linspace(-14, 16, 60_001, dtype=torch.float64)
    for theta, phi in ((0.0, 0.0), (1.0, 1.0), (2.0, -1.0), (-3.0, 2.0), (0.0, 3.0)):
        p, q = (Normal(torch.tensor(m).double(), 1.0).log_prob(x).exp() for m in (0.0, theta))
        D = 1 / (1 + torch.exp(-phi * (phi / 2 - x)))
        integrand = p * D.log() + q * torch.log1p(-D)
        integrand = torch.where(integrand.isfinite(), integrand, torch.zeros_like(x))
        assert gaussian_game_value(theta, phi).item() == pytest.approx(
            torch.trapezoid(integrand, x).item(), abs=2e-5
        )
    assert gaussian_game_value(torch.zeros(4, 3), torch.ones(4, 3)).shape == (4, 3)


def test_the_logits_are_the_difference_of_the_log_densities():
    x = torch.randn(50, dtype=torch.float64)
    difference = Normal(0.0, 1.0).log_prob(x) - Normal(1.7, 1.0).log_prob(x)
    assert_close(gaussian_game_logits(x, 1.7), difference)


def test_value_of_the_best_D_is_jsd_less_log_4_and_it_is_the_best():
    x = torch.linspace(-14, 18, 60_001, dtype=torch.float64)
    for theta in (0.0, 0.5, 2.0, 4.0):
        p, q = (Normal(torch.tensor(m).double(), 1.0).log_prob(x) for m in (0.0, theta))
        middle = torch.logaddexp(p, q) - math.log(2)
        jsd = torch.trapezoid(p.exp() * (p - middle) + q.exp() * (q - middle), x).item() / 2
        assert gaussian_game_jsd(theta).item() == pytest.approx(jsd, abs=1e-6)
        rivals = gaussian_game_value(torch.full((81,), theta), torch.linspace(-4, 4, 81) + theta)
        assert rivals.argmax() == 40
    assert gaussian_game_value(0, 0).item() == pytest.approx(-math.log(4), abs=1e-12)
    assert gaussian_game_jsd(9.0).item() == pytest.approx(math.log(2), abs=1e-3)


@pytest.mark.parametrize(
    ("alternating", "factor", "critical"),
    [
        (False, lambda eta: math.sqrt(1 - eta / 2 + eta**2 / 4), 2.0),
        (True, lambda eta: math.sqrt(1 - eta / 2), math.sqrt(20) - 2),
    ],
)
def test_both_kinds_of_steps_contract_and_break_where_the_eigenvalues_say(
    alternating, factor, critical
):
    def walk(eta, steps, theta=1e-3, phi=0.0):
        sizes = []
        for _ in range(steps):
            at = torch.tensor([theta, phi], dtype=torch.float64, requires_grad=True)
            slope = torch.autograd.grad(gaussian_game_value(*at), at)[0]
            new_phi = phi + eta * slope[1].item()
            if alternating:
                at = torch.tensor([theta, new_phi], dtype=torch.float64, requires_grad=True)
                slope = torch.autograd.grad(gaussian_game_value(*at), at)[0]
            theta, phi = theta - eta * slope[0].item(), new_phi
            sizes.append(math.hypot(theta, phi))
        return sizes

    sizes = walk(0.5, 80)
    assert (sizes[-1] / sizes[9]) ** (1 / 70) == pytest.approx(factor(0.5), abs=0.01)
    assert walk(critical - 0.1, 150)[-1] < 1e-3 < walk(critical + 0.1, 150)[-1]
