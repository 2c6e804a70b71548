"""The stored results of chapter 5: they carry the claims of the page, and its small variants do what they say."""

import math
import re
from dataclasses import replace
from pathlib import Path
from statistics import fmean

import pytest
import torch

from genlib import data, likelihood
from genlib.data import signed
from genlib.ddpm import DDPM, alpha_bar_of, cosine_beta, linear_beta, points_ddpm
from genlib.evaluate import points_floor
from genlib.pretrained import digits_ddpm
from genlib.recipes import POINTS
from genlib.table import seed_means, stored, verdict
from tools import make_ddpm_results as tool
from tools.results import N_POINTS, Trained, generator

ROOT = Path(__file__).resolve().parent.parent


def mean(row: dict, name: str) -> float:
    return fmean(seed_means(row[name]))


def paired(row: dict, other: dict, name: str) -> list[float]:
    """How much larger a measure is, seed by seed."""
    return [a - b for a, b in zip(row[name], other[name], strict=True)]


def both_signs(row: dict, other: dict, name: str) -> bool:
    """Three seeds do not agree on which is larger."""
    return min(paired(row, other, name)) < 0 < max(paired(row, other, name))


# --- measured again ------------------------------------------------------------------------------------------


@pytest.fixture
def shipped(monkeypatch):
    """The model that comes with the book, which is that of seed 0, in the place of all trained models."""
    model = digits_ddpm()
    monkeypatch.setattr(tool, "trained", lambda *_: Trained(model, model, 0.0))


def test_the_bound_of_the_shipped_model_is_the_stored_one(shipped, monkeypatch):
    few = replace(data.digits(), x_test=data.digits().x_test[:60], y_test=data.digits().y_test[:60])
    monkeypatch.setattr(tool, "digits", lambda: few)
    found, row = tool.bound_run(0, draws=2), stored("ddpm")["bound"]
    assert set(found) == set(row) - {"nats_vae", "nats_vae_elbo", "first"}
    for name in ("nats_beta", "nats_posterior", "nats_posterior_repaired", "nats_beta_table"):
        assert found[name] == pytest.approx(row[name][0], rel=0.08), name  # 60 digits, not 500


def test_the_bound_in_parts_is_the_bound(shipped, monkeypatch):
    """The sum over single times agrees with the estimate from random ones, where no time costs much: the table's."""
    few = replace(data.digits(), x_test=data.digits().x_test[:40], y_test=data.digits().y_test[:40])
    monkeypatch.setattr(tool, "digits", lambda: few)
    model = digits_ddpm().replace(variance="posterior")
    table = model.replace(net=tool.Table(model.alpha_bar))
    random = likelihood.bound(table, signed(few.x_test), 60, rng=generator(0)).mean().item()
    assert sum(tool.nats(table, 0, draws=2)) == pytest.approx(random, rel=0.05)


def test_bits_a_pixel_are_those_of_a_file():
    assert tool.bits_a_pixel(64 * math.log(16)) == pytest.approx(4)  # 16 levels, all as likely


def test_the_vaes_nats_are_those_of_its_levels():
    row, vae = stored("ddpm")["bound"], stored("vae")["bounds"]
    assert row["nats_vae"] == pytest.approx([-v for v in vae["bound_1000"][:3]], abs=0.1)
    assert row["nats_vae_elbo"] == [-v for v in vae["elbo_test"]]


def test_the_floor_of_the_points_is_measured_again():
    rows, of_gan = stored("ddpm")["points"], stored("gan")["points"]
    assert list(rows) == list(POINTS)
    again = points_floor(data.ring(), N_POINTS, generator(0))
    assert rows["ring"]["floor"] == pytest.approx(again, rel=1e-4, abs=1e-6)
    assert all(rows[density]["floor"] == of_gan[density]["floor"] for density in of_gan)


# --- the claims of the page ----------------------------------------------------------------------------------


def test_the_plane_is_covered_in_every_seed_with_the_right_width():
    plane = stored("ddpm")["points"]
    for density, K in (("ring", 8), ("grid", 25)):
        row, floor = plane[density]["recipe"], plane[density]["floor"]
        assert row["modes"] == [K] * 3 and min(row["high_quality"]) >= 0.97
        assert all(0.95 < spread < 1.05 for spread in row["spread"])
        assert 1 < mean(row, "spread") / floor["spread"] < 1.05  # wider, by less than a twentieth
        assert mean(row, "high_quality_50") < mean(
            row, "high_quality"
        )  # not with a perfect denoiser
        assert all(abs(v - floor["mean_log_prob"]) < 0.3 for v in row["mean_log_prob"])
        assert max(row["spread_50"]) < 0.7  # too narrow after 50 even steps, as the page warns
        assert min(row["spread_50_fine"]) > 0.85  # and not where the last steps are short
    for density in ("moons", "spiral"):
        row, floor = plane[density]["recipe"], plane[density]["floor"]
        assert all(abs(v - floor["mean_log_prob"]) < 0.3 for v in row["mean_log_prob"])
    assert 0.88 < mean(plane["checkerboard"]["recipe"], "inside") < 0.97


def test_what_pays_in_the_plane_is_what_the_page_says():
    less, recipe = (stored("ddpm")[name] for name in ("points_ablations", "points"))
    recipe = recipe["grid"]["recipe"]
    assert set(less) == set(tool.ABLATIONS)
    best = mean(recipe, "high_quality")
    assert mean(less["no_fourier"], "high_quality") < best - 0.2
    assert mean(less["linear"], "high_quality") < best
    assert abs(mean(less["eps"], "high_quality") - best) < 0.01
    assert mean(less["eps"], "high_quality_50") < 0.2 < mean(recipe, "high_quality_50")
    for name in ("no_ema", "independent_times"):
        assert abs(mean(less[name], "high_quality") - best) < 0.015
    # seed by seed: without the EMA all three measures are nearer to those of the true points
    floor = stored("ddpm")["points"]["grid"]["floor"]
    for measure in ("spread", "high_quality", "mean_log_prob"):
        for one, other in zip(less["no_ema"][measure], recipe[measure], strict=True):
            assert abs(one - floor[measure]) < abs(other - floor[measure]), measure
        assert both_signs(less["independent_times"], recipe, measure)
    worse = paired(less["eps"], recipe, "mean_log_prob")
    assert min(worse) > -0.1 and max(worse) < 0
    assert all(both_signs(less["eps"], recipe, name) for name in ("spread", "high_quality"))
    for measure, sign in (("spread", 1), ("high_quality", -1)):
        assert all(sign * v > 0 for v in paired(less["linear"], recipe, measure))


def test_what_pays_on_digits_is_what_the_page_says():
    rows = stored("ddpm")["digits_ablations"]
    recipe, measure = rows["recipe"], "frechet_val"
    for name in ("no_ema", "independent_times", "eps"):
        assert both_signs(rows[name], recipe, measure), name
    assert max(map(abs, paired(rows["no_clip"], recipe, measure))) < 0.01
    assert min(paired(rows["linear"], recipe, measure)) > 0.05
    assert max(paired(rows["fresh_noise"], recipe, measure)) < 0


def test_digits_reach_what_the_page_says():
    rows, floor = stored("table")["rows"], fmean(stored("table")["floor"]["frechet"])
    assert mean(rows["ddpm"], "frechet") < 2 * floor
    before = [
        mean(row, "frechet") for name, row in rows.items() if not name.startswith(("dd", "flow"))
    ]
    assert mean(rows["ddpm"], "frechet") < min(before)
    assert mean(rows["ddim"], "frechet") < 2 * floor
    assert mean(rows["ddpm_conditional"], "frechet") < 1.5 * floor
    frechet = {name: row["frechet"] for name, row in rows.items()}
    assert verdict(frechet["ddpm"], frechet["ddim"]) == "same"
    assert verdict(frechet["ddim"], frechet["gan"]) == "better"  # by themselves
    assert verdict(frechet["ddim"], frechet["gan"], len(rows) - 1) == "same"
    assert mean(rows["ddpm_conditional"], "frechet") < min(
        mean(row, "frechet") for name, row in rows.items() if name != "ddpm_conditional"
    )
    assert mean(rows["ddim"], "frechet") < min(before)
    assert mean(rows["ddpm"], "sample_s_per_1000") / mean(rows["ddim"], "sample_s_per_1000") > 18
    assert mean(rows["ddpm"], "sample_s_per_1000") > mean(rows["ddpm"], "train_cpu_s")
    assert mean(rows["ddpm_conditional"], "nearest_ratio") < mean(rows["ddpm"], "nearest_ratio")
    for name in ("ddpm", "ddim", "ddpm_conditional"):
        assert min(seed_means(rows[name]["nearest_ratio"])) > 0.95
        assert max(rows[name]["train_cpu_s"]) < 60
    assert min(map(min, rows["ddpm_conditional"]["label_accuracy"])) > 0.98


def test_few_digits_are_learned_by_heart():
    ratio = {n: row["nearest_ratio_val"] for n, row in stored("ddpm")["copying"].items()}
    assert max(ratio["20"]) < 0.1 and min(ratio["100"]) > 0.2 and max(ratio["100"]) < 0.4
    assert min(ratio["1000"]) > 0.95


def test_fewer_steps_are_faster_and_fifty_are_enough():
    steps = stored("ddpm")["steps"]
    seconds = [mean(steps[f"{n}_0"], "sample_s_per_1000") for n in (5, 20, 100, 1000)]
    assert seconds == sorted(seconds) and seconds[-1] > 20 * seconds[0]
    assert mean(steps["5_0"], "frechet") > 1.3 * mean(steps["50_0"], "frechet")
    assert abs(mean(steps["50_0"], "frechet") - mean(steps["1000_0"], "frechet")) < 0.05
    for n in (20, 50, 100):
        assert mean(steps[f"{n}_1"], "frechet") < 1.25 * mean(steps["1000_1"], "frechet")
    assert mean(steps["5_1"], "frechet") > mean(steps["5_0"], "frechet")
    for n in (10, 20, 50, 100, 1000):
        assert mean(steps[f"{n}_1"], "frechet") < mean(steps[f"{n}_0"], "frechet")
    for eta in (0, 1):  # on digits, finer steps near 0 harm where there are few
        for n in (5, 10, 20):
            fine = mean(steps[f"{n}_{eta}_fine"], "frechet")
            assert fine > 1.1 * mean(steps[f"{n}_{eta}"], "frechet")
        for n in (50, 100):
            fine = mean(steps[f"{n}_{eta}_fine"], "frechet")
            assert abs(fine - mean(steps[f"{n}_{eta}"], "frechet")) < 0.05
    harm = {
        (n, eta): paired(steps[f"{n}_{eta}_fine"], steps[f"{n}_{eta}"], "frechet")
        for n in (5, 10, 20, 50, 100)
        for eta in (0, 1)
    }
    means = [fmean(harm[n, 0]) for n in (5, 10, 20, 50, 100)]
    assert means == sorted(means, reverse=True) and all(min(harm[n, 0]) > 0 for n in (5, 50, 100))
    assert 0.4 < means[4] / means[3] < 0.6  # by about half as much
    assert min(harm[50, 1]) < 0 < max(harm[50, 1])  # fresh noise: three seeds disagree,
    assert max(harm[100, 1]) < 0.05  # and at 100 steps it is less than the error of a draw
    assert all(abs(v) < 0.03 for v in paired(steps["50_0"], steps["1000_0"], "frechet"))
    assert abs(mean(steps["20_1"], "frechet") - mean(steps["1000_1"], "frechet")) < 0.01
    for n in (50, 100, 1000):  # fresh noise is better by about a fifth or a quarter: 05c, section 3
        assert 0.74 < mean(steps[f"{n}_1"], "frechet") / mean(steps[f"{n}_0"], "frechet") < 0.83


def test_fresh_noise_helps_without_a_class_and_harms_with_one():
    rows = stored("ddpm")["digits_ablations"]
    distance = {name: mean(row, "frechet_val") for name, row in rows.items() if name != "floor"}
    assert distance["fresh_noise"] < distance["recipe"]
    assert distance["conditional_fresh_noise"] > distance["conditional"]
    for quiet, noisy in (("recipe", "fresh_noise"), ("conditional", "conditional_fresh_noise")):
        assert mean(rows[noisy], "nearest_ratio_val") < mean(rows[quiet], "nearest_ratio_val")
    chance, asked = (rows[name]["frechet_val"] for name in ("conditional_by_chance", "conditional"))
    assert sum(one > other for one, other in zip(chance, asked, strict=True)) == 2  # of three


def test_the_loss_is_flat_while_the_samples_improve():
    training = stored("ddpm")["training"]
    third, last = training["loss"][3], training["loss"][4]
    assert training["steps"][3:] == [1000, 3500]
    assert fmean(third) / fmean(last) < 1.1
    fall = {
        name: training[f"frechet_{name}"][4] / training[f"frechet_{name}"][3]
        for name in ("last", "ema")
    }
    assert 0.17 < fall["last"] < 0.23 and 0.3 < fall["ema"] < 0.37  # a fifth, and a third
    assert training["frechet_ema"][0] > 2 * training["frechet_last"][2]
    ratio = [e / v for e, v in zip(training["frechet_ema"], training["frechet_last"], strict=True)]
    assert min(ratio[0], ratio[2]) > 1.5 and ratio[3] < 2 / 3  # early far worse, then better
    assert abs(training["frechet_ema"][4] - training["frechet_last"][4]) < 0.02


def test_the_bound_is_one_on_a_probability_of_levels():
    bound = stored("ddpm")["bound"]
    for variance in ("beta", "posterior"):
        nats, bits = (mean(bound, f"{unit}_{variance}") for unit in ("nats", "bits"))
        assert bits == pytest.approx(tool.bits_a_pixel(nats), rel=1e-9)
        assert 0.5 < bits < 4.09


def test_where_the_bound_weighs_most():
    """The finest noise under the linear schedule; under the cosine one the last times, but not for errors of v."""
    for schedule in (linear_beta, cosine_beta):
        beta = schedule(1000).double()
        alpha_bar = alpha_bar_of(beta)
        before = torch.cat([alpha_bar[:1], alpha_bar[:-1]])
        for variance in (beta, (1 - before) / (1 - alpha_bar) * beta):
            factor = (beta**2 / (2 * variance * (1 - beta) * (1 - alpha_bar)))[2:]
            linear = schedule is linear_beta
            assert factor.argmax().item() == (0 if linear else 998)
            assert linear or factor[-3:].min() > factor[0]
            assert (factor * alpha_bar[2:]).argmax() == 0


def test_most_of_the_price_of_fine_detail_is_an_error_of_the_network():
    bound = stored("ddpm")["bound"]
    best, vae = bound["nats_posterior_repaired"], bound["nats_vae_elbo"]
    assert mean(bound, "nats_posterior") > 1.3 * mean(bound, "nats_vae_elbo") and max(best) < min(
        vae
    )
    assert mean(bound, "nats_posterior_table_first") < 0.25 * mean(bound, "nats_posterior_first")
    assert mean(bound, "nats_beta") < mean(bound, "nats_posterior")  # the network knows no levels
    assert min(bound["nats_beta_repaired"]) > max(vae) + 5
    assert mean(bound, "nats_beta_repaired") > mean(bound, "nats_posterior_repaired") + 10
    assert mean(bound, "nats_posterior_table") > mean(bound, "nats_posterior_repaired") + 15
    for part, at_most in (("1_5", 0.1), ("6_10", 0.25), ("11_20", 0.8)):
        table, network = (mean(bound, f"loss_{part}{end}") for end in ("_table", ""))
        assert table < at_most * network, part
    assert mean(bound, "loss_21_40_table") > mean(bound, "loss_21_40")


def test_the_two_loops_of_the_page_run():
    page = (ROOT / "book" / "05_denoising_diffusion.md").read_text(encoding="utf-8")
    train, draw, _ = re.findall(r"```python\n(.*?)```", page, re.DOTALL)
    torch.manual_seed(0)
    model = points_ddpm(20)
    beta, alpha_bar, T, net = model.beta, model.alpha_bar, model.T, model.net
    optimizer = torch.optim.AdamW(net.parameters(), lr=1e-2)
    names = {"torch": torch, "beta": beta, "alpha_bar": alpha_bar, "T": T, "net": net}
    names |= {
        "optimizer": optimizer,
        "batches": data.moons().sample(6400).split(64),
        "n": 5,
        "D": 2,
    }
    exec(train, names)
    assert names["loss"].item() < 1.7  # a silent network has 2
    with torch.no_grad():
        torch.manual_seed(1)
        exec(draw, names)
    torch.manual_seed(1)
    torch.testing.assert_close(names["x"], DDPM(net, beta).sample(5, (2,)), atol=1e-3, rtol=1e-3)


def test_sections_of_the_tool_are_stored():
    content = stored("ddpm")
    assert list(content["measured"]) == list(tool.SECTIONS)
    assert all(content[name] == value for name, value in tool.ABOUT.items())
    assert set(content["digits_ablations"]) == {"floor"} | set(tool.DIGITS)


# --- the variants --------------------------------------------------------------------------------------------


def test_every_variant_can_take_a_step(monkeypatch):
    few = lambda self, n, shape, rng: self.ddim(n, shape, 2, 0.0, rng)  # noqa: E731
    monkeypatch.setattr(DDPM, "sample", few)  # in the place of 1,000 steps
    for name, change in tool.ABLATIONS.items():
        row = tool.points_run("grid", 0, 20, steps={"cpu": 2}, **change)
        assert 0 <= row["high_quality"] <= 1, name


def test_samples_are_scored_in_the_units_of_the_data(monkeypatch):
    """A model that knows the ring in units of its standard deviation scores as true points do, in all three ways."""

    class Knows:
        T = 1000

        def sample(self, n, shape, rng):
            return data.ring().sample(n, rng) / 0.7

        def ddim(self, n, shape, times, eta, rng):
            return self.sample(n, shape, rng)

    found = Trained(Knows(), None, 1.5), data.ring(), torch.tensor(0.7)
    monkeypatch.setattr(tool, "train_points", lambda *_: found)
    row = tool.points_run("ring", 0, 500)
    assert set(row) == set(stored("ddpm")["points"]["ring"]["recipe"])
    for ending in ("", "_50", "_50_fine"):
        assert row[f"modes{ending}"] == 8 and row[f"high_quality{ending}"] > 0.97


def test_another_model_differs_in_what_is_asked_for():
    model = tool.other(points_ddpm, tool.linear_beta, predicts="eps")
    assert torch.equal(model.beta, tool.linear_beta(1000)) and model.predicts == "eps"
    assert tool.other(points_ddpm).predicts == "v"


def test_independent_times_are_independent():
    t = tool.other(points_ddpm, independent=True).times(1000)
    parts = torch.bincount((t - 1) // 10, minlength=100)
    assert (
        parts.sum() == 1000 and parts.double().std() > 1.5
    )  # one in each part would give exactly 10
