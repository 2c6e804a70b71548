"""The stored results of chapter 5: they carry the claims of the page, and its small variants do what they say."""

from statistics import fmean

import pytest
import torch

from genlib.ddpm import plane_ddpm
from genlib.evaluate import stored
from tools import make_ddpm_results as tool


def mean(row: dict, name: str) -> float:
    return fmean(row[name])


def rows_of(section: str) -> dict:
    """The variants of a section, without the facts of the measurement."""
    return {name: row for name, row in stored("ddpm")[section].items() if isinstance(row, dict)}


def test_the_plane_is_covered_in_every_seed_with_the_right_width():
    plane = stored("ddpm")["plane"]
    for density, K in (("ring", 8), ("grid", 25)):
        row, floor = plane[density]["recipe"], plane[density]["floor"]
        assert row["modes"] == [K] * 3 and min(row["high_quality"]) >= 0.97
        assert all(0.95 < spread < 1.05 for spread in row["spread"])
        assert all(abs(v - floor["mean_log_prob"]) < 0.3 for v in row["mean_log_prob"])
        assert max(row["spread_50"]) < 0.7  # too narrow after 50 even steps, as the page warns
        assert min(row["spread_50_fine"]) > 0.85  # and not where the last steps are short
    for density in ("moons", "spiral"):
        row, floor = plane[density]["recipe"], plane[density]["floor"]
        assert all(abs(v - floor["mean_log_prob"]) < 0.3 for v in row["mean_log_prob"])
    assert 0.88 < mean(plane["checkerboard"]["recipe"], "inside") < 0.97


def test_what_pays_in_the_plane_is_what_the_page_says():
    less, recipe = rows_of("plane_less"), stored("ddpm")["plane"]["grid"]["recipe"]
    assert set(less) == set(tool.LESS)
    best = mean(recipe, "high_quality")
    assert mean(less["no_fourier"], "high_quality") < best - 0.2
    assert mean(less["linear"], "high_quality") < best
    assert abs(mean(less["eps"], "high_quality") - best) < 0.01
    assert mean(less["eps"], "high_quality_50") < 0.2 < mean(recipe, "high_quality_50")
    for name in ("no_average", "independent_times"):
        assert abs(mean(less[name], "high_quality") - best) < 0.015


def test_digits_reach_what_the_page_says():
    rows, floor = stored("table")["rows"], fmean(stored("table")["floor"]["frechet"])
    assert mean(rows["ddpm"], "frechet") < 2 * floor
    before = [mean(row, "frechet") for name, row in rows.items() if not name.startswith("dd")]
    assert mean(rows["ddpm"], "frechet") < min(before)
    assert mean(rows["ddim"], "frechet") < 2 * floor
    assert mean(rows["ddpm_conditional"], "frechet") < 1.5 * floor
    assert mean(rows["ddpm"], "sample_s_per_1000") > mean(rows["ddpm"], "train_cpu_s")
    assert mean(rows["ddpm_conditional"], "nearest_ratio") < mean(rows["ddpm"], "nearest_ratio")
    for name in ("ddpm", "ddim", "ddpm_conditional"):
        assert min(rows[name]["nearest_ratio"]) > 0.95
        assert max(rows[name]["train_cpu_s"]) < 60
    assert min(rows["ddpm_conditional"]["as_asked"]) > 0.9


def test_fewer_steps_are_faster_and_fifty_are_enough():
    steps = rows_of("steps")
    seconds = [mean(steps[f"{n}_0"], "cpu_s") for n in (5, 20, 100, 1000)]
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


def test_fresh_noise_helps_who_is_told_nothing_and_harms_who_is_told_the_class():
    less = rows_of("digits_less")
    assert mean(less["fresh_noise"], "frechet_val") < mean(less["recipe"], "frechet_val")
    assert mean(less["told_fresh_noise"], "frechet_val") > mean(less["told"], "frechet_val")
    for told in ("", "told_"):
        quiet = less[told.rstrip("_") or "recipe"]
        ratio = mean(less[f"{told}fresh_noise"], "nearest_ratio_val")
        assert ratio < mean(quiet, "nearest_ratio_val")
    assert mean(less["told_by_chance"], "frechet_val") > mean(less["told"], "frechet_val") + 0.03


def test_the_loss_is_flat_while_the_samples_improve():
    training = stored("ddpm")["training"]
    third, last = training["loss"][3], training["loss"][4]
    assert training["steps"][3:] == [1000, 3500]
    assert fmean(third) / fmean(last) < 1.1
    assert training["frechet_last"][3] / training["frechet_last"][4] > 2.5
    assert training["frechet_average"][0] > 2 * training["frechet_last"][2]


def test_the_bound_is_one_on_a_probability_of_levels():
    bound = stored("ddpm")["bound"]
    for variance in ("beta", "posterior"):
        nats, bits = (mean(bound, f"{unit}_{variance}") for unit in ("nats", "bits"))
        assert bits == pytest.approx(nats / 64 / 0.693147, rel=1e-4)
        assert 0.5 < bits < 4.09
    assert mean(bound, "nats_posterior") > mean(bound, "nats_vae")


def test_sections_of_the_tool_are_stored():
    content = stored("ddpm")
    assert set(tool.SECTIONS) <= set(content) and content["seeds"] == list(tool.SEEDS)
    assert set(rows_of("digits_less")) == {"floor"} | set(tool.DIGITS)


# --- the variants --------------------------------------------------------------------------------------------


def test_every_variant_can_take_a_step(monkeypatch):
    monkeypatch.setattr(tool, "PLANE", tool.PLANE | {"steps": 2})
    monkeypatch.setattr(tool, "N", 20)
    for name, change in tool.LESS.items():
        make = change.get("make", plane_ddpm)

        def short(make=make):
            model = make()
            model.sample = lambda n, shape, rng: model.ddim(n, shape, 2, 0.0, rng)
            return model

        row = tool.plane_run("grid", 0, **(change | {"make": short}))
        assert 0 <= row["high_quality"] <= 1, name


def test_independent_times_are_independent():
    model = plane_ddpm()
    tool.independent_times(model)
    t = model.times(1000)
    parts = torch.bincount((t - 1) // 10, minlength=100)
    assert (
        parts.sum() == 1000 and parts.double().std() > 1.5
    )  # one in each part would give exactly 10
