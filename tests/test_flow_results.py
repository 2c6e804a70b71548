"""The stored results of straight paths: they carry the claims of the page, and the tool measures what it says."""

import math
from statistics import fmean

import pytest
import torch
from torch import Tensor, nn
from torch.distributions import Normal
from torch.testing import assert_close

from genlib.data import digits
from genlib.flow import FlowMatching
from genlib.table import seed_means, stored, verdict
from tools import make_flow_results as tool
from tools.results import Trained, generator


class OneBell(nn.Module):
    """The velocity of data from N(m, s^2 I), in any number of coordinates."""

    def __init__(self, m: float, s: float):
        super().__init__()
        self.m, self.s, self.unused = m, s, nn.Parameter(torch.zeros(1))

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        t = (t / 1000).view(-1, *[1] * (x_t.dim() - 1))
        slope = (t - (1 - t) * self.s**2) / ((1 - t) ** 2 * self.s**2 + t**2)
        return slope * (x_t - (1 - t) * self.m) - self.m + 0 * self.unused


def test_the_density_is_that_of_one_bell_in_the_units_of_the_table():
    """Pixels in [0, 1] have half of the mean and deviation; the cells of the table are 1/17 wide, not 1/16."""
    m, s = -0.4, 0.7
    x = digits().x_test[:5]
    found = tool.log_prob(FlowMatching(OneBell(m, s)), x, 60, generator(3))
    spread = 2 * x - 1 + (torch.rand(x.shape, generator=generator(3)) - 0.5) / 8
    in_unit_pixels = Normal((m + 1) / 2, s / 2).log_prob((spread + 1) / 2).flatten(1).sum(dim=1)
    assert_close(found, in_unit_pixels + 64 * math.log(17 / 16), atol=0.02, rtol=0)


def test_the_distance_from_straight_is_that_of_one_bell():
    """x_t = (1 - t) m + sd(t) x_1, so only the deviation's curve is not straight."""
    m, s, n = 2.0, 0.3, 400
    flow = FlowMatching(OneBell(m, s))
    states = torch.stack(list(flow.walk(2000, (3,), n, generator(0))))
    t = torch.linspace(0, 1, 20_001, dtype=torch.float64)
    slope = (t - (1 - t) * s**2) / ((1 - t) ** 2 * s**2 + t**2).sqrt()
    expected = 3 * (slope - (1 - s)).square().mean().item()
    assert tool.straightness(states) == pytest.approx(expected, rel=0.05)
    even = torch.linspace(0, 1, 6).view(-1, 1, 1)
    assert tool.straightness(torch.lerp(states[0], states[-1], even)) < 1e-9


def test_reflow_straightens_a_bell(monkeypatch):
    """After reflow on its own pairs a bell's flow is straight, and one step of Euler's gives the data."""

    class Net(nn.Module):  # slope and shift by time, enough for one bell
        def __init__(self):
            super().__init__()
            self.net = nn.Sequential(nn.Linear(1, 32), nn.SiLU(), nn.Linear(32, 2))

        def forward(self, x_t, t):
            slope, shift = self.net((t / 1000)[:, None]).view(-1, 2, 1, 1, 1).unbind(1)
            return slope * x_t + shift

    bell, m, s = FlowMatching(OneBell(-0.5, 0.6)), -0.5, 0.6
    monkeypatch.setattr(tool, "PAIRS", 300)
    monkeypatch.setattr(tool, "PAIR_STEPS", 50)
    monkeypatch.setattr(tool, "REFLOW_STEPS", 400)
    torch.manual_seed(0)
    fresh = FlowMatching(Net())
    fresh.sample = bell.sample  # a network that knows nothing, and the pairs of one that does
    new = tool.reflowed(fresh, 0)
    x = new.walk(500, (1, 8, 8), 1, generator(1))
    first, last = x
    assert_close(last, m + s * first, atol=0.15, rtol=0)
    again = torch.stack(list(new.walk(200, (1, 8, 8), 20, generator(1))))
    before = torch.stack(list(bell.walk(200, (1, 8, 8), 20, generator(1))))
    assert tool.straightness(again) < tool.straightness(before) / 10


def test_every_number_of_a_seed_is_there(monkeypatch):
    bell = FlowMatching(OneBell(-0.5, 0.6)).requires_grad_(False)
    monkeypatch.setattr(tool, "trained", lambda *_: Trained(bell, bell, 1.0))
    monkeypatch.setattr(tool, "reflowed", lambda model, seed: model)
    monkeypatch.setattr(tool, "CALLS", (1, 2))
    monkeypatch.setattr(tool, "DENSITY_IMAGES", 3)
    monkeypatch.setattr(tool, "DENSITY_STEPS", 4)
    monkeypatch.setattr(tool, "N_SAMPLES", 100)
    found, row = tool.reflow_run(0), stored("flow")["reflow"]
    assert set(found) == set(row) and set(found["before"]) <= set(row["before"])
    assert found["before"]["frechet_1"] == found["after"]["frechet_1"] > 10  # the mean image
    assert set(tool.density_run(0)) == set(stored("flow")["density"]) - {"images", "steps"}


# --- the claims of the page ----------------------------------------------------------------------------------


def test_one_reflow_buys_few_calls():
    before, after = (stored("flow")["reflow"][name] for name in ("before", "after"))
    assert max(after["straightness"]) < min(before["straightness"]) / 5
    assert max(after["frechet_1"]) < min(before["frechet_1"]) / 5
    for calls in (2, 4):
        assert max(after[f"frechet_{calls}"]) < min(before[f"frechet_{calls}"])
    pairs = zip(after["frechet_1"], before["frechet_4"], strict=True)
    assert all(
        abs(one / four - 1) < 0.15 for one, four in pairs
    )  # one call is as good as four were
    for calls in (10, 20):  # and worse where steps were short already, in each seed
        ratios = [
            a / b
            for a, b in zip(*(row[f"frechet_{calls}"] for row in (after, before)), strict=True)
        ]
        assert all(1 < ratio < 1.4 for ratio in ratios)
        said = {10: 1.1, 20: 1.3}  # by a tenth, by three tenths: the page
        assert fmean(ratios) == pytest.approx(said[calls], abs=0.03)


def test_the_density_is_sure_to_its_error():
    row, rows = stored("flow")["density"], stored("table")["rows"]
    halved = zip(row["half_the_steps"], row["log_prob_test"], strict=True)
    assert all(1 < half - full < 1.5 for half, full in halved)  # a third of it is left
    error = fmean(row["standard_error"])
    assert (
        min(row["log_prob_test"]) > max(seed_means(rows["mixture"]["log_prob_test"])) + 20 * error
    )
    difference = fmean(row["log_prob_test"]) - fmean(seed_means(rows["vae"]["log_prob_test"]))
    assert abs(difference) < 2 * error  # they cannot be told apart with so few digits


def test_straight_lines_alone_do_not_buy_few_calls():
    """By the table of few steps: flow matching beside DDIM at as many calls."""
    rows = stored("table")["rows"] | stored("few_steps")["rows"]
    mean = {
        name: fmean(seed_means(row["frechet"]))
        for name, row in rows.items()
        if name[:4] in ("flow", "ddim")
    }
    for calls in (1, 2):
        assert 0.9 < mean[f"flow_{calls}"] / mean[f"ddim_{calls}"] < 1
    for calls in (4, 10, 50):
        assert 1 < mean[f"flow_{calls}"] / mean[f"ddim_{calls}"] < 1.2
    for kind in ("flow", "ddim"):
        means = [mean[f"{kind}_{calls}"] for calls in (50, 10, 4, 2, 1)]
        assert means == sorted(means) and means[-1] > 20 * means[0]


def test_flow_and_ddim_at_equal_calls_are_told_apart_at_one_call_only():
    rows = stored("table")["rows"] | stored("few_steps")["rows"]
    calls = (50, 10, 4, 2, 1)
    found = {
        n: verdict(rows[f"flow_{n}"]["frechet"], rows[f"ddim_{n}"]["frechet"], len(calls))
        for n in calls
    }
    assert found == {50: "same", 10: "same", 4: "same", 2: "same", 1: "better"}
