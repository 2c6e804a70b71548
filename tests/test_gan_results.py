"""The stored results of chapter 4: they carry the claims of the page, and its small variants do what they say."""

import math
from statistics import fmean

import pytest
import torch

from genlib import data
from genlib.evaluate import mode_scores, points_floor
from genlib.losses import discriminator_loss
from genlib.table import stored
from tools import make_gan_results as tool
from tools.results import N_POINTS, Trained, generator, plain_gan


def test_the_floor_of_the_points_is_measured_again():
    again = points_floor(data.ring(), N_POINTS, generator(0))
    floor = stored("gan")["points"]["ring"]["floor"]
    assert floor == pytest.approx(again, rel=1e-4, abs=1e-6)


def test_points_results_hold_the_seeds_and_the_claims_of_the_page():
    points = stored("gan")["points"]
    for density, K in (("ring", 8), ("grid", 25)):
        rows = points[density]
        assert rows["floor"]["modes"] == K
        assert rows["floor"]["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.006)
        for name in ("recipe", "gaussian", "plain"):
            assert len(rows[name]["modes"]) == len(tool.SEEDS_POINTS)
            assert rows[name]["complete"] == sum(modes == K for modes in rows[name]["modes"])
        recipe, gaussian, plain = (
            fmean(rows[name]["high_quality"]) for name in ("recipe", "gaussian", "plain")
        )
        assert recipe > gaussian + 0.05 and recipe > plain + 0.2
        assert min(rows["recipe"]["modes"]) >= K - 1  # the page says: the others lack a mode
        assert sum(0.9 <= spread <= 1.1 for spread in rows["recipe"]["spread"]) >= 4
        assert max(rows["recipe"]["train_cpu_s"]) < 45
    assert points["ring"]["recipe"]["complete"] == 5 > points["grid"]["recipe"]["complete"]
    assert points["grid"]["recipe"]["complete"] > points["grid"]["gaussian"]["complete"]


def test_one_removed_and_one_added_say_what_the_page_says():
    less, more = stored("gan")["points_ablations"], stored("gan")["points_additions"]
    recipe = stored("gan")["points"]["grid"]["recipe"]
    assert set(less) == set(tool.ABLATIONS) and set(more) == set(tool.ADDITIONS)
    # the average of weights narrows every mode
    assert fmean(less["ema"]["spread"]) < fmean(recipe["spread"]) - 0.05
    # without noise, or without the signs, not one run is complete
    for name in ("no_noise", "gaussian_latent", "no_fourier"):
        assert less[name]["complete"] == 0
    # no single repair solves the grid
    assert all(row["complete"] < 3 or fmean(row["high_quality"]) < 0.8 for row in more.values())


def test_digits_results_hold_the_claims_of_the_page():
    found = stored("gan")["digits"]
    floor = found["floor"]["frechet"]
    assert fmean(found["frechet"]) < 2.2 * floor
    assert max(found["class_tv"]) < 0.15 and min(found["nearest_ratio"]) > 0.95
    less = stored("gan")["digits_ablations"]
    assert set(less) == set(tool.DIGITS)
    gap = {name: fmean(row["logit_train"]) - fmean(row["logit_val"]) for name, row in less.items()}
    assert gap["no_r1"] > gap["recipe"] + 0.3  # left alone, D learns by heart
    frechet = {name: fmean(row["frechet_val"]) for name, row in less.items()}
    for name in ("no_r1", "noise_no_r1"):  # R1 does the work, the others hardly any
        assert frechet[name] > 3 * frechet["recipe"]
    for name in ("noise", "constant_rate"):
        assert abs(frechet[name] - frechet["recipe"]) < 0.15


def test_the_gan_row_is_that_of_the_results():
    row, found = stored("table")["rows"]["gan"], stored("gan")["digits"]
    for name in ("frechet", "class_tv", "nearest_ratio"):
        assert row[name] == pytest.approx(found[name][:3], rel=1e-6)


def test_the_gan_has_the_lowest_distance_of_all_rows_so_far():
    rows = stored("table")["rows"]
    before = list(rows)[: list(rows).index("gan")]
    assert fmean(rows["gan"]["frechet"]) < min(fmean(rows[name]["frechet"]) for name in before)
    assert fmean(rows["gan"]["train_cpu_s"]) > max(
        fmean(rows[name]["train_cpu_s"]) for name in before
    )


# --- the variants --------------------------------------------------------------------------------------------


def test_every_variant_can_take_a_turn():
    changes = tool.ABLATIONS | {name: tool.PLAIN | more for name, more in tool.ADDITIONS.items()}
    for name, change in changes.items():
        row = tool.points_run("ring", 0, steps={"cpu": 2}, **change)
        assert 0 <= row["high_quality"] <= 1, name
    for name, change in tool.DIGITS.items():
        row = tool.digits_ablation_run(change | {"steps": {"cpu": 2}}, 0)
        assert set(row) == set(stored("gan")["digits_ablations"][name])


def test_samples_are_scored_in_the_units_of_the_data(monkeypatch):
    """A GAN that knows the ring in units of its standard deviation scores as true points do."""

    class Knows:
        def sample(self, n):
            return data.ring().sample(n, generator(1)) / 0.7

    found = Trained(Knows(), None, 1.5), data.ring(), torch.tensor(0.7)
    monkeypatch.setattr(tool, "train_points", lambda *_: found)
    row, exact = tool.points_run("ring", 0), data.ring().sample(N_POINTS, generator(1))
    assert row == pytest.approx(mode_scores(exact, data.ring()) | {"train_cpu_s": 1.5}, rel=1e-4)
    assert tool.points_row("ring")["complete"] == len(tool.SEEDS_POINTS)


def test_relativistic_losses_compare_pairs():
    gan = plain_gan(make=tool.Relativistic)
    x, z = torch.randn(8, 2), torch.randn(8, 10)
    real, fake = gan.D(x), gan.D(gan.G(z))
    d_loss, g_loss = gan.d_loss(x, z)["loss"], gan.g_loss(z)["loss"]
    torch.testing.assert_close(d_loss, -(real - fake).sigmoid().log().mean())
    torch.testing.assert_close(g_loss, -(fake - real).sigmoid().log().mean())


def test_saturating_is_the_minimax_game():
    gan = plain_gan(make=tool.Saturating)
    x, z = torch.randn(8, 2), torch.randn(8, 10)
    value = -discriminator_loss(gan.D(x), gan.D(gan.G(z))).mean()
    (of_value,) = torch.autograd.grad(value, gan.G[0].weight)
    (of_loss,) = torch.autograd.grad(gan.g_loss(z)["loss"], gan.G[0].weight)
    torch.testing.assert_close(of_loss, of_value)


def test_packing_judges_two_points_at_once():
    D, x = tool.Pairs(), torch.randn(6, 2)
    logits = D(x)
    assert logits.shape == (6,) and torch.equal(logits[::2], logits[1::2])
    changed = x.clone()
    changed[1] += 1
    assert (D(changed) != logits).tolist() == [True, True, False, False, False, False]


def test_sections_of_the_tool_are_stored():
    content = stored("gan")
    assert list(content["measured"]) == list(tool.SECTIONS)
    assert all(content[name] == value for name, value in tool.ABOUT.items())
