"""Straight paths against closed forms, Bayes' rule by brute force, SciPy's solver, and the DDPM of the same chapter."""

import math
from itertools import pairwise

import pytest
import torch
from scipy.integrate import solve_ivp
from torch import nn
from torch.testing import assert_close

from genlib.data import Mixture, digits, grid, ring, signed
from genlib.ddpm import DDPM, alpha_bar_of, cosine_beta, ddim_times, linear_beta
from genlib.evaluate import mode_scores, to_grey_levels
from genlib.exact import PerfectDenoiser, PerfectVelocity
from genlib.flow import FlowMatching, image_flow, points_flow, straight_time
from genlib.guidance import Given, Guided
from genlib.likelihood import flow_log_prob
from genlib.nets import UNet
from genlib.recipes import RECIPES, training


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def exact(mixture: Mixture) -> FlowMatching:
    return FlowMatching(PerfectVelocity(mixture)).double()


TWO = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]], dtype=torch.float64), 0.3)
ONE = Mixture(torch.tensor([[0.7, -0.4]], dtype=torch.float64), 0.5)


class Says(nn.Module):
    """The same numbers, whatever it sees; and what it was asked."""

    def __init__(self, out):
        super().__init__()
        self.out, self.asked = out, []

    def forward(self, x_t, t, *y):
        self.asked.append((x_t, t, *y))
        return self.out.expand_as(x_t)


# --- path and loss -----------------------------------------------------------------------------------------------


def test_the_path_runs_from_the_data_to_the_noise_in_a_straight_line():
    x_0, eps = torch.randn(3, 1, 2, 2), torch.randn(3, 1, 2, 2)
    x_t = FlowMatching(nn.Identity()).path(x_0, torch.tensor([0.0, 0.25, 1.0]), eps)
    assert torch.equal(x_t[0], x_0[0]) and torch.equal(x_t[2], eps[2])
    assert_close(x_t[1], x_0[1] + 0.25 * (eps[1] - x_0[1]))


def test_the_loss_is_the_squared_error_of_the_velocity_written_out():
    net = Says(torch.tensor([0.5, -1.0]))
    x_0, t, eps = torch.randn(4, 2), torch.rand(4), torch.randn(4, 2)
    y = torch.arange(4)
    loss = FlowMatching(net).loss(x_0, y, t=t, eps=eps)["loss"]
    by_hand = [
        sum((net.out[d] - (eps[i, d] - x_0[i, d])) ** 2 for d in range(2)).item() for i in range(4)
    ]
    assert loss.item() == pytest.approx(sum(by_hand) / 4, rel=1e-6)
    x_t, told, labels = net.asked[0]
    assert_close(told, 1000 * t)
    assert torch.equal(labels, y)
    assert_close(x_t, torch.stack([(1 - t[i]) * x_0[i] + t[i] * eps[i] for i in range(4)]))


def test_the_times_of_a_batch_are_spread_over_the_whole_path():
    net = Says(torch.zeros(2))
    torch.manual_seed(0)
    FlowMatching(net).loss(torch.randn(100, 2))
    told = net.asked[0][1] / 1000
    assert torch.equal((told.sort().values * 100).floor(), torch.arange(100.0))


@pytest.mark.parametrize("t", [0.0, 0.2, 0.7, 1.0])
def test_the_perfect_velocity_is_the_mean_velocity_of_the_paths_that_cross(t):
    x_t = 0.6 * torch.randn(5, 2, generator=rng(), dtype=torch.float64)
    found = exact(TWO).velocity(x_t, torch.full((5,), t, dtype=torch.float64))
    g = rng(1)
    x_0 = TWO.sample(1_000_000, g)
    for i in range(5):  # Bayes by brute force: of the paths, those that pass near x_t
        if t == 0:
            mean = -x_t[i]  # the noise may be any: E[eps] - x_0
        elif t == 1:
            mean = x_t[i] - x_0.mean(dim=0)
        else:
            eps = (x_t[i] - (1 - t) * x_0) / t
            weight = (-eps.square().sum(dim=1) / 2).softmax(dim=0)
            mean = weight @ (eps - x_0)
        assert_close(found[i], mean, atol=0.02, rtol=0.02)


@pytest.mark.parametrize("t", [0.1, 0.5, 0.9])
def test_the_loss_of_the_perfect_velocity_is_the_variance_that_nobody_can_know(t):
    n, s2 = 200_000, ONE.sd**2
    times = torch.full((n,), t, dtype=torch.float64)
    eps = torch.randn(n, 2, generator=rng(1), dtype=torch.float64)
    loss = exact(ONE).loss(ONE.sample(n, rng()), t=times, eps=eps)["loss"].item()
    closed = 2 * s2 / ((1 - t) ** 2 * s2 + t**2)  # two coordinates
    assert loss == pytest.approx(closed, rel=0.01)


# --- the walk ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("heun", [False, True])
def test_a_walk_is_the_rule_of_the_textbook_written_out(heun):
    model = points_flow(width=8, octaves=2).eval()
    for weight in model.parameters():  # a network that is zero-initialised goes nowhere
        nn.init.normal_(weight, std=0.3, generator=rng())
    x = torch.randn(3, 2, generator=rng())
    states = list(model.walk(3, (2,), 4, x_1=x, heun=heun))
    assert len(states) == 5 and torch.equal(states[0], x)
    for i in range(4):
        t, s = torch.full((3,), 1 - i / 4), torch.full((3,), 1 - (i + 1) / 4)
        u = model.velocity(x, t)
        u = (u + model.velocity(x - u / 4, s)) / 2 if heun else u
        x = x - u / 4
        assert_close(states[i + 1], x, rtol=1e-4, atol=1e-5)
    assert torch.equal(model.sample(3, (2,), 4, x_1=states[0], heun=heun), states[-1])


@pytest.mark.parametrize(("heun", "order"), [(False, 1), (True, 2)])
def test_the_error_of_a_step_falls_as_its_order_says(heun, order):
    model, x_1 = exact(TWO), torch.randn(20, 2, generator=rng(), dtype=torch.float64)

    def slope(t, flat):
        x = torch.as_tensor(flat).view(20, 2)
        return model.velocity(x, torch.full((20,), t, dtype=torch.float64)).flatten().numpy()

    how = {"rtol": 1e-9, "atol": 1e-9}
    end = solve_ivp(slope, (1, 0), x_1.flatten().numpy(), **how).y[:, -1]
    truth = torch.as_tensor(end).view(20, 2)
    errors = [
        (model.sample(20, (2,), n, x_1=x_1, heun=heun) - truth).abs().mean().item()
        for n in (64, 128)
    ]
    assert errors[0] / errors[1] == pytest.approx(2**order, rel=0.15)


def test_many_steps_of_the_perfect_velocity_draw_the_mixture():
    mixture = ring()
    finer = [
        (1 - i / 100) ** 2 for i in range(101)
    ]  # near the data, where the velocity changes most
    x = FlowMatching(PerfectVelocity(mixture)).sample(2500, (2,), finer, rng(), heun=True)
    score = mode_scores(x, mixture)
    assert score["modes"] == 8 and score["high_quality"] > 0.98
    assert score["spread"] == pytest.approx(0.974, abs=0.03)


def test_a_walk_there_and_back_ends_where_it_began():
    model, x_0 = exact(TWO), TWO.sample(50, rng())
    times = torch.linspace(0, 1, 201).tolist()
    x_1 = model.sample(50, (2,), times, x_1=x_0, heun=True)
    assert_close(model.sample(50, (2,), times[::-1], x_1=x_1, heun=True), x_0, atol=2e-3, rtol=0)


def test_a_sample_is_reproducible_and_keeps_the_precision_of_its_model():
    model = image_flow(widths=(8, 8)).double()
    first, again = (model.sample(3, (1, 8, 8), 2, rng(5)) for _ in range(2))
    assert torch.equal(first, again) and first.dtype == torch.float64
    assert not torch.equal(first, model.sample(3, (1, 8, 8), 2, rng(6)))


def test_a_flow_takes_the_conditions_of_chapter_6():
    net = UNet((1, 8, 8), (8, 8), classes=4)
    for weight in net.parameters():  # one that is zero-initialised does not hear its condition
        nn.init.normal_(weight, std=0.2, generator=rng())
    y, x = torch.tensor([0, 1, 2]), torch.randn(3, 1, 8, 8)
    given = FlowMatching(Given(net, y)).sample(3, (1, 8, 8), 3, x_1=x)
    null = torch.tensor([3])
    assert_close(FlowMatching(Guided(net, y, 1.0, null)).sample(3, (1, 8, 8), 3, x_1=x), given)
    assert not torch.allclose(
        FlowMatching(Guided(net, y, 2.0, null)).sample(3, (1, 8, 8), 3, x_1=x), given
    )


# --- beside a DDPM -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("schedule", [linear_beta, cosine_beta])
def test_the_perfect_velocity_and_the_perfect_noise_know_the_same(schedule):
    beta = schedule(100).double()
    model, alpha_bar = DDPM(PerfectDenoiser(TWO, beta), beta), alpha_bar_of(beta)
    t = torch.tensor([1, 20, 50, 99])
    x = torch.randn(4, 2, generator=rng(), dtype=torch.float64)
    size = alpha_bar[t].sqrt() + (1 - alpha_bar[t]).sqrt()
    for found, expected in zip(
        exact(TWO).predict(x / size[:, None], straight_time(alpha_bar[t])),
        model.predict(x, t),
        strict=True,
    ):
        assert_close(found, expected, rtol=1e-6, atol=1e-6)


def test_v_and_velocity_turn_into_each_other():
    beta = cosine_beta(100).double()
    v, x = torch.randn(2, 5, 3, generator=rng(), dtype=torch.float64)
    t = torch.tensor([1, 30, 50, 80, 99])
    model = DDPM(Says(v), beta, predicts="v")
    x_0_hat, eps_hat = model.predict(x, t)
    time = straight_time(alpha_bar_of(beta)[t])
    flow = FlowMatching(Says(eps_hat - x_0_hat))
    size = (alpha_bar_of(beta)[t].sqrt() + (1 - alpha_bar_of(beta)[t]).sqrt())[:, None]
    back = flow.predict(x / size, time)
    assert_close(model.target(back[0], t, back[1]), v)


@pytest.mark.parametrize("steps", [1, 4, 10])
def test_a_ddim_step_is_a_step_of_euler_on_the_straight_path(steps):
    beta = linear_beta(1000).double()
    model, alpha_bar = DDPM(PerfectDenoiser(TWO, beta), beta), alpha_bar_of(beta)
    times = ddim_times(1000, steps)
    x_T = torch.randn(30, 2, generator=rng(), dtype=torch.float64)
    by_ddim = list(model.denoise(30, (2,), steps=times, x_T=x_T))
    kept = alpha_bar[times]
    straight = straight_time(kept)
    size = kept.sqrt() + (1 - kept).sqrt()
    by_euler = exact(TWO).walk(30, (2,), straight.tolist(), x_1=x_T / size[0])
    for i, x in enumerate(by_euler):
        assert_close(x * size[i], by_ddim[i], rtol=1e-6, atol=1e-6)


def test_straight_times_run_from_data_to_noise():
    alpha_bar = alpha_bar_of(cosine_beta(1000))
    t = straight_time(alpha_bar)
    assert t[0] == 0 and t[-1] > 0.99 and (t.diff() > 0).all()
    assert straight_time(torch.tensor(0.5)) == 0.5  # as much noise as signal


# --- the density -------------------------------------------------------------------------------------------------


def test_the_log_density_is_that_of_the_mixture_and_its_error_falls_with_the_square_of_the_steps():
    model, x_0 = exact(TWO), TWO.sample(40, rng())
    errors = [
        (flow_log_prob(model, x_0, n) - TWO.log_prob(x_0)).abs().mean().item()
        for n in (25, 50, 100)
    ]
    assert errors[2] < 1e-3
    for few, many in pairwise(errors):
        assert few / many == pytest.approx(4, rel=0.2)


def test_the_density_of_a_flow_that_stays_is_that_of_the_noise():
    x = torch.randn(3, 1, 2, 2, generator=rng())
    log_p = flow_log_prob(FlowMatching(Stays()), x, 2)
    assert_close(log_p, torch.distributions.Normal(0.0, 1.0).log_prob(x).flatten(1).sum(dim=1))


class Stays(nn.Module):
    def forward(self, x_t, t):
        return 0 * x_t


def test_the_divergence_counts_every_pixel_once():
    """dx/dt = c x stretches 3 numbers by exp(c) each."""
    c = -0.7

    class Stretches(nn.Module):
        def forward(self, x_t, t):
            return c * x_t

    x = torch.randn(5, 3, generator=rng(), dtype=torch.float64)
    found = flow_log_prob(FlowMatching(Stretches()).double(), x, 400)
    normal = torch.distributions.Normal(0.0, 1.0)
    expected = normal.log_prob(math.exp(c) * x).sum(dim=1) + 3 * c
    assert_close(found, expected, rtol=1e-4, atol=1e-4)


# --- recipes -----------------------------------------------------------------------------------------------------


def test_the_digits_flow_is_the_digits_ddpm_with_another_target():
    flow, ddpm = RECIPES["flow_digits"], RECIPES["ddpm_digits"]
    for name in ("data", "steps", "lr", "range", "batch", "fall", "ema_decay"):
        assert getattr(flow, name) == getattr(ddpm, name)
    weights = [
        {name: value.shape for name, value in recipe.model().net.state_dict().items()}
        for recipe in (flow, ddpm)
    ]
    assert weights[0] == weights[1]


def test_dequantised_digits_lie_within_their_cells_and_come_back():
    recipe, x = RECIPES["flow_digits_dequantised"], signed(digits().x_train)
    spread = recipe.transform(x)
    assert_close((spread - x).abs().max().item(), 1 / 16, atol=1e-3, rtol=0)
    assert_close((spread - x).var().item(), (1 / 8) ** 2 / 12, rtol=0.02, atol=0)
    assert torch.equal(to_grey_levels((spread + 1) / 2), digits().x_train)


def test_a_short_training_learns_the_mixture_nearly_as_well_as_can_be():
    torch.manual_seed(0)
    there = training("flow_points", 0, data=(grid().sample(20_000, rng()) / 3,), steps={"cpu": 300})
    history = there.run()
    first, last = history["loss"][0], sum(history["loss"][-50:]) / 50
    floor = exact_floor(grid(), 3)
    assert first > 1.2 * last and floor < last < 1.15 * floor


def exact_floor(mixture: Mixture, unit: float, n: int = 50_000) -> float:
    truth = Mixture(mixture.means.double() / unit, mixture.sd / unit)
    eps = torch.randn(n, 2, generator=rng(3), dtype=torch.float64)
    t = (torch.arange(n, dtype=torch.float64) + 0.5) / n
    model = exact(truth)
    parts = zip(
        truth.sample(n, rng(2)).split(5000),
        t[torch.randperm(n)].split(5000),
        eps.split(5000),
        strict=True,
    )
    found = [
        model.loss(x, t=part.mul(200).round() / 200, eps=e)["loss"].item() for x, part, e in parts
    ]
    return sum(found) / len(found)


# --- what is wrong is named --------------------------------------------------------------------------------------

WRONG = {
    r"t: expected .*\[0, 1\]": lambda model, x: model.path(x, torch.full((3,), 1.5), x),
    r"t: expected shape \(B\)": lambda model, x: model.velocity(x, torch.zeros(2)),
    r"eps: expected": lambda model, x: model.loss(x, eps=torch.zeros(3, 1)),
    r"x_1: expected": lambda model, x: model.sample(4, (2,), 2, x_1=x),
    r"x_0: expected": lambda model, x: model.loss(x * math.nan),
    r"steps: expected": lambda model, x: model.sample(3, (2,), 0),
    r"steps: expected .*\[0, 1\]": lambda model, x: model.sample(3, (2,), [2.0, 0.0]),
    r"steps: expected at least two": lambda model, x: model.sample(3, (2,), [1.0]),
}


@pytest.mark.parametrize("message", WRONG)
def test_what_is_wrong_is_named(message):
    with pytest.raises(ValueError, match=message):
        WRONG[message](points_flow(width=8, octaves=1), torch.zeros(3, 2))
