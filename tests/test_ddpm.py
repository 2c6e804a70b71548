"""Chapter 5 against diffusers, torch.distributions, plain loops, and denoisers that know the answer."""

import inspect
import itertools
import math
from functools import partial

import pytest
import torch
from diffusers import DDIMScheduler, DDPMScheduler
from torch import nn
from torch.testing import assert_close

from genlib.data import Mixture
from genlib.ddpm import (
    DDPM,
    alpha_bar_of,
    cosine_beta,
    ddim_times,
    image_ddpm,
    linear_beta,
    points_ddpm,
    x_0_weight,
)
from genlib.exact import PerfectDenoiser
from genlib.guidance import Given
from genlib.nets import Fourier, ResidualMLP, UNet
from genlib.train import Batches, Training, cosine


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Bend(nn.Module):
    """A smooth function of x_t and t in the place of a trained network."""

    def forward(self, x_t, t):
        time = t.view(-1, *[1] * (x_t.dim() - 1)) / 10
        return torch.tanh(x_t + time.sin()) + 0.1 * x_t.flip(-1)


class Says(nn.Module):
    """The same numbers, whatever it sees."""

    def __init__(self, out):
        super().__init__()
        self.out = out

    def forward(self, x_t, t):
        return self.out


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
        model = DDPM(Says(says), beta, predicts=predicts, clip=clip)
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
    """At eta 1 a step has real roots for every pair of times, also where alpha_bar is all but 0 or 1."""
    times = (0, 1, 2, 41, 499, 500, 961, 999, 1000)
    for beta in (linear_beta(1000), cosine_beta(1000)):
        model = DDPM(Bend(), beta, predicts="x_0", clip=1.0)
        x_t, noise = torch.randn(2, 3, 2, generator=rng())
        for s, t in itertools.combinations(times, 2):
            x_s = model.ddim_step(x_t, t, s, 1.0, noise)
            still = model.ddim_step(x_t, t, s, 1.0, torch.zeros_like(noise))
            assert x_s.isfinite().all() and still.isfinite().all()
            now, then = model.alpha_bar[t].double(), model.alpha_bar[s].double()
            sd = ((1 - then) / (1 - now) * (1 - now / then)).sqrt()
            assert_close(x_s - still, (sd * noise).float(), rtol=2e-3, atol=2e-3)


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
        x = model.ddim(2000, (2,), ddim_times(1000, 50, power), 0.0, rng())
        width[power] = x[:, 1].std().item() / 0.02
    assert width[1.0] < 0.5 and 0.75 < width[2.0] < 1.02


def test_the_film_and_the_samples_are_one_thing_and_can_be_stopped(capsys):
    model = DDPM(Bend(), linear_beta(12))
    film = list(model.denoise(4, (2,), rng()))
    assert len(film) == 13
    assert torch.equal(film[-1], model.sample(4, (2,), rng()))
    first = list(itertools.islice(model.denoise(4, (2,), rng()), 3))
    assert all(torch.equal(a, b) for a, b in zip(first, film, strict=False))
    assert not torch.equal(film[-1], model.sample(4, (2,), rng(1)))
    short = model.ddim(4, (2,), 6, 0.0, rng())
    assert torch.equal(short, model.ddim(4, (2,), 6, x_T=film[0])), "eta 0 draws nothing on the way"
    assert not film[-1].requires_grad and model.sample(0, (2,)).shape == (0, 2)
    assert capsys.readouterr().out == ""  # who wants to see a bar puts `progress` round the walk


def test_looking_at_a_walk_leaves_the_caller_its_gradients():
    for _ in DDPM(Bend(), linear_beta(4)).denoise(2, (2,), rng()):
        assert torch.is_grad_enabled()


@pytest.mark.parametrize("method", ["sample", "ddim"])
def test_every_option_reaches_the_walk(method, monkeypatch):
    model, seen, real = DDPM(Bend(), linear_beta(5)), [], DDPM.denoise

    def denoise(self, *given, **options):
        seen.append(inspect.signature(real).bind(self, *given, **options).arguments)
        return iter([torch.zeros(1)])

    monkeypatch.setattr(DDPM, "denoise", denoise)
    options = {"n": 3, "shape": (2,), "rng": rng()}
    if method == "ddim":
        options |= {"steps": 2, "eta": 0.5, "x_T": torch.zeros(3, 2)}
    getattr(model, method)(**options)
    assert seen == [{"self": model} | options]


def test_a_walk_takes_a_number_of_steps_or_the_times_themselves():
    model = DDPM(Bend(), linear_beta(12))
    for eta in (0.0, 1.0):
        even = model.ddim(4, (2,), 4, eta, rng())
        assert torch.equal(even, model.ddim(4, (2,), [12, 9, 6, 3, 0], eta, rng()))
        draws = rng()
        x = torch.randn(4, 2, generator=draws)
        for t, s in ((12, 7), (7, 1), (1, 0)):
            noise = torch.randn(4, 2, generator=draws) if eta else torch.zeros(4, 2)
            x = model.ddim_step(x, t, s, eta, noise)
        assert torch.equal(model.ddim(4, (2,), (12, 7, 1, 0), eta, rng()), x)
    finer = model.ddim(4, (2,), ddim_times(12, 4, 2.0), 1.0, rng())
    assert not torch.equal(even, finer)


# --- under a condition, and with other choices -----------------------------------------------------------------


class Told(nn.Module):
    """Answers with the label, whatever it sees."""

    def forward(self, x_t, t, y=None):
        assert y is not None, "nobody told the label"
        return y.to(x_t)[:, None].expand_as(x_t)


def test_the_label_reaches_the_network_in_training_and_in_both_samplers():
    model, y = DDPM(Told(), linear_beta(5, beta_T=0.5), predicts="x_0"), torch.tensor([-1, 0, 3])
    x_0 = torch.randn(3, 2)
    expected = (y[:, None] - x_0).square().sum(dim=1).mean()
    assert_close(model.loss(x_0, y)["loss"], expected)
    told = model.replace(net=Given(model.net, y))
    for x in (told.sample(3, (2,)), told.ddim(3, (2,), 2), told.ddim(3, (2,), 5, 1.0)):
        assert_close(x, y[:, None].expand(3, 2).float(), atol=1e-4, rtol=0)
    assert_close(told.predict(x_0, torch.tensor([1, 3, 5]))[0], y[:, None].expand(3, 2).float())


def test_a_network_without_labels_is_given_none():
    assert DDPM(Bend(), linear_beta(5)).loss(torch.randn(3, 2))["loss"].isfinite()
    model = image_ddpm((1, 4, 4), 5, widths=(8, 8), classes=3)
    with pytest.raises(ValueError, match=r"y: expected shape \(B\) with {'B': 3}, got \(2,\)"):
        model.loss(torch.zeros(3, 1, 4, 4), torch.tensor([0, 1]))
    with pytest.raises(ValueError, match="y: expected whole numbers from 0 to 2, got 0 to 3"):
        model.loss(torch.zeros(2, 1, 4, 4), torch.tensor([0, 3]))


CHOICES = {
    "net": Told(),
    "beta": linear_beta(7),
    "predicts": "x_0",
    "variance": "posterior",
    "clip": 0.5,
}


@pytest.mark.parametrize("name", CHOICES)
def test_one_choice_of_a_model_can_be_replaced(name):
    for mode in (True, False):
        model = DDPM(Bend(), cosine_beta(5), predicts="v", clip=1.0).train(mode)
        other = model.replace(**{name: CHOICES[name]})
        assert other is not model and other.training is mode
        for choice in CHOICES:
            found = getattr(other, choice)
            expected = CHOICES[name] if choice == name else getattr(model, choice)
            assert found is expected or torch.equal(found, expected)
        assert torch.equal(other.alpha_bar, alpha_bar_of(other.beta).float())
        assert other.T == len(other.beta) - 1 == len(other.alpha_bar) - 1
    with pytest.raises(TypeError):
        model.replace(colour="red")


# --- networks and learning -----------------------------------------------------------------------------------


def test_networks_start_silent_and_hear_time_and_label():
    model = image_ddpm(T=20, widths=(8, 16), classes=3)
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
    told = model.replace(net=Given(model.net, y[:2]))
    assert told.sample(2, (1, 8, 8)).abs().max() <= 1.0001


def test_a_network_with_classes_is_never_used_without_labels():
    x, words = torch.zeros(2, 1, 8, 8), "y: expected labels for a network with 3 classes, got none"
    model = image_ddpm(T=20, widths=(8, 16), classes=3)
    for call in (
        lambda: model.loss(x),
        lambda: model.sample(2, (1, 8, 8)),
        lambda: model.ddim(2, (1, 8, 8), 3),
    ):
        with pytest.raises(ValueError, match=words):
            call()
    with pytest.raises(ValueError, match="y: expected no labels, since the network has no classes"):
        image_ddpm(T=20, widths=(8, 16)).loss(x, torch.tensor([0, 1]))


def test_the_weights_of_x_0_make_its_loss_that_of_v():
    beta, x_0, eps = linear_beta(20, beta_T=0.3), torch.randn(5, 3), torch.randn(5, 3)
    alpha_bar = (1 - beta.double()).cumprod(0)
    found = x_0_weight(beta, 1e6)
    assert found.dtype == beta.dtype and found[0] == 1e6
    assert_close(found[1:].double(), 1 + (alpha_bar / (1 - alpha_bar))[1:], rtol=1e-4, atol=0)
    guess, t = torch.randn(5, 3), torch.tensor([1, 5, 9, 14, 20])
    a = alpha_bar[t][:, None].float()
    x_t = a.sqrt() * x_0 + (1 - a).sqrt() * eps
    v = (a.sqrt() * x_t - guess) / (1 - a).sqrt()  # what the guess of x_0 says of v
    in_v = DDPM(Says(v), beta, predicts="v").loss(x_0, t=t, eps=eps)["loss"]
    in_x_0 = DDPM(Says(guess), beta, predicts="x_0", weight=found).loss(x_0, t=t, eps=eps)["loss"]
    assert_close(in_x_0, in_v, rtol=1e-3, atol=0)
    low = x_0_weight(beta, 5.0)
    assert low.max() == 5 and torch.equal(low[low < 5], found[found < 5])


def test_every_time_counts_with_its_weight_in_the_loss_alone():
    beta, weight = linear_beta(4, beta_T=0.3), torch.tensor([9.0, 1.0, 2.0, 0.0, 5.0])
    net, t = Says(torch.zeros(3, 2)), torch.tensor([4, 3, 1])
    model, plain = DDPM(net, beta, weight=weight), DDPM(net, beta)
    x_0, eps = torch.randn(3, 2), torch.randn(3, 2)
    squared = eps.square().sum(dim=1)
    expected = (5 * squared[0] + squared[2]) / 3
    assert_close(model.loss(x_0, t=t, eps=eps)["loss"], expected)
    assert_close(model.replace(clip=9.0).loss(x_0, t=t, eps=eps)["loss"], expected)
    assert_close(plain.loss(x_0, t=t, eps=eps)["loss"], squared.mean())
    assert model.state_dict().keys() == plain.state_dict().keys()
    for wrong, message in (
        (torch.ones(4), r"weight: expected shape \(times\) with {'times': 5}, got \(4,\)"),
        (torch.ones(5).long(), "weight: expected a tensor of torch.float32, got torch.int64"),
    ):
        with pytest.raises(ValueError, match=message):
            DDPM(net, beta, weight=wrong)


@pytest.mark.parametrize("variance", ["beta", "posterior"])
def test_times_without_a_step_have_no_variance(variance):
    model = DDPM(nn.Identity(), linear_beta(4), variance=variance)
    for wrong in (0, 5, torch.tensor([1, 5]), torch.tensor([0, 1])):
        for ask in (model.p_variance, model.q_variance):
            with pytest.raises(ValueError, match="t: expected whole numbers from 1 to 4, got"):
                ask(wrong)
    assert_close(
        model.q_variance(torch.tensor([2, 4])), torch.stack([model.q_variance(t) for t in (2, 4)])
    )


def test_every_option_reaches_the_networks():
    model = image_ddpm((3, 12, 8), 30, widths=(8, 24), classes=4)
    assert (
        str(model.net) == str(UNet((3, 12, 8), (8, 24), classes=4))
        and model.net.condition.classes == 4
    )
    assert model.net.shape == (3, 12, 8) and torch.equal(model.beta, cosine_beta(30))
    assert (model.predicts, model.clip, model.variance) == ("v", 1.0, "beta")
    model = points_ddpm(40, width=24, octaves=3)
    assert str(model.net) == str(ResidualMLP(2, width=24, features=Fourier(3)))
    assert len(model.net.features.w) == 3 and torch.equal(model.beta, cosine_beta(40))
    assert (model.predicts, model.clip, model.variance) == ("v", None, "beta")


def test_the_loss_falls_to_that_of_the_perfect_denoiser():
    torch.manual_seed(0)
    mixture = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.2)
    model = points_ddpm(width=32)
    batches = Batches(mixture.sample(20_000, rng()), size=256, seed=None)
    training = Training(model, batches, 250, 8e-3, fall=cosine, ema_decay=0.99)
    training.run()
    perfect = DDPM(PerfectDenoiser(mixture, model.beta), model.beta)
    x_0, t, eps = mixture.sample(5000, rng(1)), model.times(5000, rng(2)), torch.randn(5000, 2)
    x_t = model.q_sample(x_0, t, eps)
    with torch.no_grad():
        best, found, averaged = (
            (m.predict(x_t, t)[1] - eps).square().sum(dim=1).mean().item()
            for m in (perfect, model, training.ema)
        )
    assert best < found < best + 0.06 and averaged < best + 0.06
    assert not torch.equal(training.ema.net.first.weight, model.net.first.weight)


WRONG = {
    "T: expected .* at least 1, got 0": lambda m: linear_beta(0),
    "T: expected .* at least 1, got -3": lambda m: cosine_beta(-3),
    "beta: expected 0 and then T numbers": lambda m: DDPM(Bend(), torch.tensor([0.1, 0.2])),
    "predicts: expected .*eps.*x_0.*v.*, got .*'noise'": lambda m: m.replace(predicts="noise"),
    "variance: expected .*beta.*posterior.*, got .*'small'": lambda m: m.replace(variance="small"),
    "clip: expected .*, got -1": lambda m: m.replace(clip=-1),
    "net: expected a Module, got a function": lambda m: m.replace(net=lambda x, t: x),
    "steps: expected .* got 6": lambda m: m.ddim(2, (2,), 6),
    "steps: expected .* got 0": lambda m: m.ddim(2, (2,), 0),
    "steps: expected .* 5 to 0, got ": lambda m: m.ddim(2, (2,), [5, 3, 3, 0]),
    r"steps: expected .* 5 to 0, got \[6": lambda m: m.ddim(2, (2,), [6, 3, 0]),
    r"steps: expected .* 5 to 0, got \[\]": lambda m: m.ddim(2, (2,), []),
    r"eta: expected .* in \[0, 1\], got 1.5": lambda m: m.ddim(2, (2,), 5, 1.5),
    "eta: expected .* got 0.5": lambda m: next(m.denoise(2, (2,), eta=0.5)),
    "power: expected .* at least 1, got 0.5": lambda m: ddim_times(5, 5, 0.5),
    "power: expected .* got nan": lambda m: ddim_times(5, 5, math.nan),
    "n: expected .* at least 0, got -1": lambda m: m.sample(-1, (2,)),
    r"t: expected shape \(B\) with {'B': 2}, got \(3,\)": lambda m: m.q_sample(
        torch.zeros(2, 2), torch.tensor([1, 2, 3]), torch.zeros(2, 2)
    ),
    "t: expected whole numbers from 0 to 5, got 2 to 6": lambda m: m.q_sample(
        torch.zeros(2, 2), torch.tensor([2, 6]), torch.zeros(2, 2)
    ),
    "t: expected whole numbers from 1 to 5, got 0 to 5": lambda m: m.predict(
        torch.zeros(2, 2), torch.tensor([0, 5])
    ),
    "t: expected .* got 6": lambda m: m.p_step(torch.zeros(2, 2), 6, torch.zeros(2, 2)),
    "s: expected .* got 3": lambda m: m.ddim_step(torch.zeros(2, 2), 3, 3, 0.0, torch.zeros(2, 2)),
    r"eps: expected the shape of x_0, \(2, 2\), got \(1, 2\)": lambda m: m.q_sample(
        torch.zeros(2, 2), torch.tensor([2, 5]), torch.zeros(1, 2)
    ),
    "noise: expected the shape of x_t": lambda m: m.p_step(torch.zeros(2, 2), 2, torch.zeros(1, 2)),
    "x_T: expected shape": lambda m: m.ddim(2, (2,), 5, x_T=torch.zeros(3, 2)),
    r"x_0: expected values in \[-1, 1\], got \[0, 255\]": lambda m: m.replace(clip=1.0).loss(
        torch.tensor([[0.0, 255.0]])
    ),
}


@pytest.mark.parametrize("message", WRONG)
def test_bad_arguments_are_named(message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        WRONG[message](DDPM(Bend(), linear_beta(5)))
