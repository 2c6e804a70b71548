"""Chapter 5 against diffusers, torch.distributions, plain loops, and denoisers that know the answer."""

import itertools
import math
from functools import partial

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import nn
from torch.distributions import Normal, kl_divergence
from torch.testing import assert_close

from genlib.data import Mixture, grid
from genlib.ddpm import (
    DDPM,
    PerfectDenoiser,
    cosine_beta,
    ddim_times,
    image_ddpm,
    level_nll,
    linear_beta,
    plane_ddpm,
)
from genlib.train import batches, fit, weight_average


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Bend(nn.Module):
    """A smooth function of x_t and t in the place of a trained network."""

    def forward(self, x_t, t):
        time = t.view(-1, *[1] * (x_t.dim() - 1)) / 10
        return torch.tanh(x_t + time.sin()) + 0.1 * x_t.flip(-1)


class Knows(nn.Module):
    """The exact noise in x_t for data that are always the same x_0."""

    def __init__(self, x_0, beta):
        super().__init__()
        self.x_0, self.alpha_bar = x_0, (1 - beta.double()).cumprod(0)

    def forward(self, x_t, t):
        alpha_bar = self.alpha_bar[t].view(-1, *[1] * (x_t.dim() - 1))
        return ((x_t - alpha_bar.sqrt() * self.x_0) / (1 - alpha_bar).sqrt()).float()


# --- schedules -----------------------------------------------------------------------------------------------


def test_the_linear_schedule_has_the_anchors_of_the_chapter():
    model = DDPM(Bend(), linear_beta(1000))
    assert model.beta[0] == 0 and model.beta[1].item() == pytest.approx(1e-4)
    assert model.beta[1000].item() == pytest.approx(0.02) and model.T == 1000
    product = 1.0
    for t in range(1, 1001):
        product *= 1 - (1e-4 + (t - 1) / 999 * (0.02 - 1e-4))
        assert model.alpha_bar[t].item() == pytest.approx(product, rel=1e-4)
    assert model.alpha_bar[0] == 1 and product == pytest.approx(4.036e-5, rel=1e-3)
    snr = model.alpha_bar / (1 - model.alpha_bar)
    assert (model.alpha_bar < 0.5).nonzero()[0].item() == 260
    assert (snr < 0.01).nonzero()[0].item() == 675
    assert DDPM(Bend(), linear_beta(100)).alpha_bar[-1].item() == pytest.approx(0.364, abs=5e-4)


def test_the_cosine_schedule_is_that_of_diffusers():
    theirs = DDPMScheduler(1000, beta_schedule="squaredcos_cap_v2").betas
    assert_close(cosine_beta(1000)[1:], theirs, rtol=1e-3, atol=1e-6)


# --- there ---------------------------------------------------------------------------------------------------


def test_one_jump_has_the_moments_of_many_small_steps():
    model, n = DDPM(Bend(), linear_beta(50, beta_T=0.2)), 40_000
    x = torch.full((n, 1), 1.5)
    for t in range(1, 51):
        beta = model.beta[t].item()
        x = math.sqrt(1 - beta) * x + math.sqrt(beta) * torch.randn(n, 1, generator=rng(t))
    t, eps = torch.full((n,), 50), torch.randn(n, 1, generator=rng())
    jump = model.q_sample(torch.full((n, 1), 1.5), t, eps)
    alpha_bar = model.alpha_bar[50].item()
    for y in (x, jump):  # within four standard errors
        sd = math.sqrt(1 - alpha_bar)
        assert abs(y.mean().item() - 1.5 * math.sqrt(alpha_bar)) < 4 * sd / math.sqrt(n)
        assert abs(y.var().item() / sd**2 - 1) < 4 * math.sqrt(2 / n)
    assert torch.equal(model.q_sample(x, torch.zeros(n, dtype=torch.long), eps), x)


def test_the_loss_is_the_squared_error_of_what_is_predicted():
    x_0, eps = torch.randn(2, 6, 1, 4, 4, generator=rng())
    t = torch.tensor([1, 2, 5, 9, 10, 10])
    for predicts, signal_part, noise_part in (("eps", 0, 1), ("x_0", 1, 0), ("v", None, None)):
        model = DDPM(Bend(), linear_beta(10), predicts=predicts)
        expected = 0.0
        for i in range(6):
            a, s = model.alpha_bar[t[i]].sqrt(), (1 - model.alpha_bar[t[i]]).sqrt()
            out = Bend()((a * x_0[i] + s * eps[i])[None], t[i : i + 1])[0]
            right = (
                a * eps[i] - s * x_0[i]
                if predicts == "v"
                else signal_part * x_0[i] + noise_part * eps[i]
            )
            expected += (out - right).square().sum() / 6
        assert_close(model.loss(x_0, t=t, eps=eps)["loss"], expected)


def test_random_times_are_one_in_each_part_and_cover_all():
    model = DDPM(Bend(), linear_beta(1000))
    t = model.times(100, rng())
    assert sorted(((t - 1) // 10).tolist()) == list(range(100))
    assert t.tolist() != sorted(t.tolist())
    many = torch.cat([model.times(7, rng(seed)) for seed in range(3000)])
    assert many.min() == 1 and many.max() == 1000
    assert abs(many.double().mean().item() - 500.5) < 4
    small = DDPM(Bend(), linear_beta(3))
    counts = torch.bincount(torch.cat([small.times(5, rng(s)) for s in range(3000)]))
    assert counts[0] == 0 and len(counts) == 4
    assert (counts[1:] / 15_000 - 1 / 3).abs().max() < 0.01


# --- and back ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("clip", [None, 1.0])
def test_the_three_predictions_are_three_views_of_one(clip):
    beta, x_t, t = linear_beta(10, beta_T=0.3), torch.randn(4, 2), torch.tensor([1, 3, 9, 10])
    v_model = DDPM(Bend(), beta, predicts="v", clip=clip)
    x_0_hat, eps_hat = DDPM(Bend(), beta, predicts="v").predict(x_t, t)
    for predicts, says in (("eps", eps_hat), ("x_0", x_0_hat)):
        model = DDPM(lambda x, t, says=says: says, beta, predicts=predicts, clip=clip)
        for found, expected in zip(model.predict(x_t, t), v_model.predict(x_t, t), strict=True):
            assert_close(found, expected, rtol=1e-4, atol=1e-4)
    found, noise = v_model.predict(x_t, t)
    assert_close(v_model.q_sample(found, t, noise), x_t)
    if clip:
        assert found.abs().max() <= 1 < x_0_hat.abs().max()


@pytest.mark.parametrize(
    "schedule", [partial(linear_beta, 40, beta_T=0.3), partial(cosine_beta, 40)]
)
@pytest.mark.parametrize("steps", [None, 40, 8, 1])
def test_who_knows_the_noise_walks_back_to_the_data(schedule, steps):
    beta, x_0 = schedule(), torch.rand(3, 1, 4, 4) * 2 - 1
    model = DDPM(Knows(x_0, beta), beta)
    *_, found = model.denoise(3, (1, 4, 4), rng(), steps=steps)
    assert_close(found, x_0, atol=2e-4, rtol=0)


@pytest.mark.parametrize("predicts", ["eps", "v"])
@pytest.mark.parametrize("variance", ["beta", "posterior"])
@pytest.mark.parametrize("clip", [None, 1.0])
def test_every_step_is_that_of_diffusers(predicts, variance, clip):
    T, beta = 25, linear_beta(25, beta_T=0.2)
    model = DDPM(Bend(), beta, predicts=predicts, variance=variance, clip=clip)
    theirs = DDPMScheduler(
        T,
        trained_betas=beta[1:].numpy(),
        variance_type={"beta": "fixed_large", "posterior": "fixed_small"}[variance],
        prediction_type={"eps": "epsilon", "v": "v_prediction"}[predicts],
        clip_sample=clip is not None,
        clip_sample_range=1.0,
    )
    states = list(model.denoise(4, (3,), rng()))
    generator = rng()
    x = torch.randn(4, 3, generator=generator)
    assert torch.equal(states[0], x) and len(states) == T + 1
    for found, t in zip(states[1:], range(T, 0, -1), strict=True):
        out = Bend()(x, torch.full((4,), t))
        x = theirs.step(out, t - 1, x, generator=generator).prev_sample
        assert_close(found, x, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("eta", [0.0, 0.5, 1.0])
@pytest.mark.parametrize("steps", [40, 20, 8, 5])
def test_every_short_cut_is_that_of_diffusers(eta, steps):
    T, beta = 40, linear_beta(40, beta_T=0.2)
    model = DDPM(Bend(), beta)
    theirs = DDIMScheduler(
        T, trained_betas=beta[1:].numpy(), clip_sample=False, timestep_spacing="trailing"
    )
    theirs.set_timesteps(steps)
    generator = rng()
    x = torch.randn(4, 3, generator=generator)
    states = list(model.denoise(4, (3,), rng(), steps=steps, eta=eta))
    for found, t in zip(states[1:], theirs.timesteps, strict=True):
        out = Bend()(x, torch.full((4,), t.item() + 1))
        x = theirs.step(out, t, x, eta=eta, generator=generator).prev_sample
        assert_close(found, x, rtol=1e-4, atol=1e-4)


def test_eta_1_with_every_time_is_ddpm_with_the_posterior_variance():
    beta = cosine_beta(30)
    model = DDPM(Bend(), beta, predicts="v", variance="posterior")
    long = list(model.denoise(5, (2,), rng()))
    short = list(model.denoise(5, (2,), rng(), steps=30, eta=1.0))
    for a, b in zip(long, short, strict=True):
        assert_close(a, b, rtol=1e-3, atol=1e-3)
    other = list(DDPM(Bend(), beta, predicts="v").denoise(5, (2,), rng()))
    assert (other[-1] - long[-1]).abs().max() > 0.01


def test_no_variance_of_a_short_cut_needs_a_clamp():
    for beta in (linear_beta(1000), cosine_beta(1000)):
        alpha_bar = DDPM(Bend(), beta).alpha_bar
        for t, s in itertools.product(range(1, 1001, 37), range(0, 1000, 41)):
            if s < t:
                now, then = alpha_bar[t], alpha_bar[s]
                variance = (1 - then) / (1 - now) * (1 - now / then)
                assert 0 <= variance <= 1 - then


def test_short_cuts_run_from_T_to_0_evenly_or_finer_near_0():
    assert ddim_times(10, 5) == [10, 8, 6, 4, 2, 0]
    assert ddim_times(1000, 3) == [1000, 667, 333, 0]
    assert ddim_times(7, 7) == [7, 6, 5, 4, 3, 2, 1, 0]
    assert ddim_times(100, 5, 2.0) == [100, 64, 36, 16, 4, 0]
    for T, steps, power in itertools.product((50, 999, 1000), (1, 7, 50), (1.0, 1.5, 2.0, 7.0)):
        times = ddim_times(T, steps, power)
        assert times[0] == T and times[-1] == 0 and len(times) == steps + 1
        assert all(t > s for t, s in itertools.pairwise(times))
        for i, t in enumerate(times):  # the power, where it falls by 1 or more
            even = T * ((steps - i) / steps) ** power
            assert abs(t - max(even, steps - i)) <= 0.5


def test_finer_steps_near_0_keep_the_width_of_a_thin_mode():
    beta, thin = cosine_beta(1000), Mixture(torch.tensor([[1.0, 0.0], [-1.0, 0.0]]), 0.02)
    model = DDPM(PerfectDenoiser(thin, beta), beta)
    width = {}
    for power in (1.0, 2.0):
        x = model.ddim(2000, (2,), 50, 0.0, rng(), power=power)
        width[power] = x[:, 1].std().item() / 0.02
    assert width[1.0] < 0.5 and 0.75 < width[2.0] < 1.02


def test_the_film_and_the_samples_are_one_thing_and_can_be_stopped(capsys, monkeypatch):
    monkeypatch.setenv("GENLIB_STATIC", "1")
    model = DDPM(Bend(), linear_beta(12))
    film = list(model.denoise(4, (2,), rng()))
    assert len(film) == 13
    assert torch.equal(film[-1], model.sample(4, (2,), rng(), title="chain"))
    assert "chain: 12 steps" in capsys.readouterr().out
    first = list(itertools.islice(model.denoise(4, (2,), rng()), 3))
    assert all(torch.equal(a, b) for a, b in zip(first, film, strict=False))
    assert not torch.equal(film[-1], model.sample(4, (2,), rng(1)))
    short = model.ddim(4, (2,), 6, 0.0, rng())
    assert torch.equal(short, model.ddim(4, (2,), 6, x_T=film[0])), "eta 0 draws nothing on the way"
    assert not film[-1].requires_grad and model.sample(0, (2,)).shape == (0, 2)


# --- likelihood ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_a_term_of_the_bound_is_a_divergence_of_two_normal_laws(variance):
    beta = linear_beta(20, beta_T=0.2)
    model = DDPM(Bend(), beta, variance=variance)
    x_0, eps = torch.rand(5, 3) * 2 - 1, torch.randn(5, 3)
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
            model.bound_term(x_0, torch.full((5,), t), eps), expected, rtol=1e-3, atol=1e-4
        )
    last = Normal(model.alpha_bar[-1].sqrt() * x_0, (1 - model.alpha_bar[-1]).sqrt())
    assert_close(model.prior_kl(x_0), kl_divergence(last, Normal(0.0, 1.0)).sum(dim=1))


def test_levels_have_probabilities_that_add_up_to_one():
    levels = torch.linspace(-1, 1, 17)
    mean, sd = torch.tensor(0.3), torch.tensor(0.2)
    nll = level_nll(mean, levels[:, None], sd, 17)
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
    bound = model.bound(means.repeat(50, 1), draws=200, levels=3, rng=rng()).mean().item()
    assert math.log(4) - 0.05 < bound < math.log(4) + 0.2


# --- the exact case ------------------------------------------------------------------------------------------


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
    beta = linear_beta(1000)
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


# --- networks and learning -----------------------------------------------------------------------------------


def test_networks_start_silent_and_hear_time_and_label():
    model = image_ddpm(widths=(8, 16), classes=3)
    x = torch.rand(6, 1, 8, 8) * 2 - 1
    t, y = torch.tensor([1, 1, 500, 500, 1000, 1000]), torch.tensor([0, 1, 2, 0, 1, 2])
    assert torch.equal(model.net(x, t, y), torch.zeros_like(x))
    for layer in model.net.modules():  # wake it up
        if isinstance(layer, nn.Conv2d):
            nn.init.normal_(layer.weight, std=0.1)
    out = model.net(x, t, y)
    assert (out - model.net(x, t.flip(0), y)).abs().flatten(1).max(dim=1).values[:2].min() > 1e-3
    assert (out - model.net(x, t, (y + 1) % 3)).abs().flatten(1).max(dim=1).values.min() > 1e-4
    assert_close(model.net(x[:2], t[:2], y[:2]), out[:2])  # one image, one answer
    assert model.sample(2, (1, 8, 8), y=y[:2]).abs().max() <= 1.0001


def test_a_patch_makes_large_images_small_for_the_network():
    from genlib.nets import UNet

    net = UNet((1, 28, 28), (8, 16), patch=2)
    assert net.first.in_channels == 4
    assert net(torch.zeros(2, 1, 28, 28), torch.tensor([1, 2])).shape == (2, 1, 28, 28)


def test_the_loss_falls_to_that_of_the_perfect_denoiser():
    torch.manual_seed(0)
    mixture = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.2)
    model = plane_ddpm(width=64)
    average = weight_average(model, 0.99)
    fit(
        model,
        batches(mixture.sample(20_000, rng()), size=512),
        500,
        3e-3,
        anneal=True,
        average=average,
    )
    perfect = DDPM(PerfectDenoiser(mixture, model.beta), model.beta)
    x_0, t, eps = mixture.sample(5000, rng(1)), model.times(5000, rng(2)), torch.randn(5000, 2)
    x_t = model.q_sample(x_0, t, eps)
    with torch.no_grad():
        best, found, averaged = (
            (m.predict(x_t, t)[1] - eps).square().sum(dim=1).mean().item()
            for m in (perfect, model, average.module)
        )
    assert best < found < best + 0.06 and averaged < best + 0.06
    assert not torch.equal(average.module.net.first.weight, model.net.first.weight)


def test_bad_arguments_are_named():
    with pytest.raises(ValueError, match="T: expected at least 1 step, got 0"):
        linear_beta(0)
    with pytest.raises(ValueError, match="beta: expected 0 and then T numbers"):
        DDPM(Bend(), torch.tensor([0.1, 0.2]))
    with pytest.raises(ValueError, match="predicts: expected one of eps, x_0, v, got 'noise'"):
        DDPM(Bend(), linear_beta(5), predicts="noise")
    with pytest.raises(ValueError, match="variance: expected one of beta, posterior, got 'small'"):
        DDPM(Bend(), linear_beta(5), variance="small")
    model = DDPM(Bend(), linear_beta(5))
    with pytest.raises(ValueError, match="steps: expected 1 to 5, got 6"):
        model.ddim(2, (2,), 6)
    with pytest.raises(ValueError, match=r"eta: expected a number in \[0, 1\], got 1.5"):
        model.ddim(2, (2,), 5, 1.5)
    with pytest.raises(ValueError, match="power: expected at least 1, got 0.5"):
        model.ddim(2, (2,), 5, power=0.5)
    with pytest.raises(ValueError, match="power: expected at least 1, got nan"):
        model.ddim(2, (2,), 5, power=math.nan)
    with pytest.raises(ValueError, match="n: expected at least 0, got -1"):
        model.sample(-1, (2,))
    with pytest.raises(ValueError, match=r"t: expected shape \(B\) with {'B': 2}, got \(3,\)"):
        model.q_sample(torch.zeros(2, 2), torch.tensor([1, 2, 3]), torch.zeros(2, 2))
