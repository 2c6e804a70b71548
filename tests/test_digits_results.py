"""The stored results of notebook 01b: cheap rows are measured again, and the tool's own steps are checked."""

from itertools import pairwise

import numpy as np
import pytest
import torch
from versions import draws_otherwise

from genlib import evaluate
from genlib.data import digits
from genlib.table import stored
from tools import make_digits_results as tool


def test_nested_subsets_hold_every_class_equally_often():
    y = digits().y_train
    small, large = tool.nested_subsets(y, (20, 100), torch.Generator().manual_seed(0))
    assert (y[small].bincount() == 2).all() and (y[large].bincount() == 10).all()
    assert set(small.tolist()) <= set(large.tolist())


def test_twin_is_linear_discriminant_analysis_with_a_diagonal_covariance():
    x, y = torch.rand(200, 1, 2, 2), torch.arange(200) % 10
    flat, new = x.flatten(1), torch.rand(50, 1, 2, 2)
    mean = torch.stack([flat[y == k].mean(dim=0) for k in range(10)])
    sd = ((flat - mean[y]).square().mean(dim=0) + 0.01).sqrt()
    classes = torch.distributions.Normal(mean, sd)
    expected = classes.log_prob(new.flatten(1)[:, None]).sum(dim=2).argmax(dim=1)
    assert torch.equal(tool.twin(x, y)(new), expected)


def test_paired_verdicts():
    difference = np.array([[1.0, -1.0, 1.0], [1.1, -1.1, -1.0], [0.9, -0.9, 0.2]])
    assert tool.paired(difference)["verdict"] == ["ahead", "behind", "tie"]


@pytest.mark.parametrize(
    ("section", "key", "again"),
    [
        ("lost_nats", "8", lambda: tool.lost_nats_run(8, 0)),
        ("bandwidth", "0.14", lambda: tool.bandwidth_run(0.14, 0)),
        ("unshrunk_gaussian", None, lambda: tool.unshrunk_run(0)),
    ],
)
def test_a_cheap_row_comes_out_as_stored(section, key, again):
    row = stored("digits_statistics")[section]
    row, found = row[key] if key else row, again()
    assert set(found) == set(row)
    near = {"rel": 1e-4, "abs": 1e-5}
    if section == "unshrunk_gaussian" and draws_otherwise("digits_statistics"):
        near = {"rel": 0.1, "abs": 0.05}
    for name, value in found.items():
        assert value == pytest.approx(row[name][0], **near), name


def test_images_climb_to_where_the_judge_is_sure():
    found, row = tool.backwards_run(0, n=10), stored("digits_statistics")["backwards"]
    assert set(found) == set(row)
    for name, value in found.items():
        if name.startswith("threes") and "log_prob" not in name:  # no chance in it
            assert value == pytest.approx(row[name][0], rel=1e-4)
    assert found["backwards_judge_median"] > 0.95 and found["backwards_nearest_ratio"] > 2


def test_the_stored_bandwidths_tell_the_story_of_the_page():
    rows = stored("digits_statistics")["bandwidth"]
    train, val = (
        {h: np.mean(row[f"log_prob_{part}"]) for h, row in rows.items()}
        for part in ("train", "val")
    )
    assert max(train, key=train.get) == min(rows, key=float)
    assert 0.1 < float(max(val, key=val.get)) < 0.2


def test_the_setting_is_chosen_at_each_size():
    tried = {0.0: np.array([[0.9, 0.1], [0.8, 0.1]]), 1.0: np.array([[0.1, 0.2], [0.7, 0.2]])}
    assert tool.chosen_settings(tried) == [0.0, 1.0]


def test_a_small_learning_curve_has_the_stored_form():
    found, row = tool.learning_curves((20, 40), 2), stored("digits_statistics")["learning_curves"]
    assert set(found) == set(row) and set(found["accuracy"]) == set(row["accuracy"])
    for name, (_, settings) in tool.LEARNERS.items():
        assert set(found["validation"][name]) == set(row["validation"][name])
        assert set(row["chosen"][name]) <= set(settings)
        for i in range(2):  # 20 and 40 images are about as good as the stored 20 and 50
            assert abs(found["accuracy"][name][i] - row["accuracy"][name][i]) < 0.12


def test_the_stored_learning_curves_tell_the_story_of_the_page():
    row = stored("digits_statistics")["learning_curves"]
    assert row["sizes"] == [20, 50, 100, 200, 400, 800]
    said = {name: found["verdict"] for name, found in row["minus_logistic_regression"].items()}
    assert said["full_gaussian"] == ["tie", "ahead", "ahead", "ahead", "behind", "behind"]
    assert set(said["generative_twin"]) == {"behind"}
    assert said["kernel_density"] == ["tie", "tie", "ahead", "ahead", "ahead", "ahead"]
    assert row["chosen"]["full_gaussian"][:5] == [0.0] * 5
    accuracy = row["accuracy"]
    drops = {name: [b < a for a, b in pairwise(values)] for name, values in accuracy.items()}
    assert drops.pop("full_gaussian") == [False, False, False, True, False]
    assert not any(map(any, drops.values())) and len(drops) == 3
    nats = stored("table")["rows"]["full_gaussian"]["validation_log_prob"]
    assert max(nats, key=nats.get) == "0.3", "best for 1,000 images by likelihood"
    assert (
        row["validation"]["full_gaussian"]["0.0"][0]
        > row["validation"]["full_gaussian"]["0.3"][0] + 0.2
    )


def test_averages_score_under_one_in_the_nearest_training_ratio():
    real = digits()
    means = torch.stack([real.x_train[real.y_train == k].mean(dim=0) for k in range(10)])
    assert 0.8 < evaluate.nearest_training_ratio(means, real.x_train, real.x_test) < 0.95


def test_the_naive_samples_are_the_worst_by_far():
    rows, floor = stored("table")["rows"], np.mean(stored("table")["floor"]["frechet"])
    old = ("naive_bayes", "full_gaussian", "mixture", "kernel_density")
    frechet = {name: np.mean(rows[name]["frechet"]) for name in old}
    naive = frechet.pop("naive_bayes")
    assert (
        naive > 20 * floor
        and naive > 2 * max(frechet.values())
        and min(frechet.values()) > 3 * floor
    )
    assert sorted(frechet, key=frechet.get) == ["mixture", "full_gaussian", "kernel_density"]
    accuracy = {name: np.mean(rows[name]["accuracy"]) for name in old}
    assert max(accuracy, key=accuracy.get) == "kernel_density"
    likelihood = {name: np.mean(rows[name]["log_prob_test"]) for name in old}
    assert min(likelihood, key=likelihood.get) == "kernel_density"
    assert np.mean(rows["vae"]["frechet"]) > max(frechet.values()), "the plain VAE is behind three"
    assert np.mean(stored("digits_statistics")["bandwidth"]["0.17"]["nearest_ratio"]) > 0.95


def test_pictures_are_digits_of_every_class():
    rows = stored("digits_statistics")["pictures"]
    for strip in rows.values():
        assert all(np.shape(images) == (10, 64) for images in strip.values())
    again = tool.pictures()
    same = ["real", "naive_bayes", "full_gaussian", "kernel_density", "nearest"]
    if draws_otherwise("digits_statistics"):
        same.remove("full_gaussian")
    for name in same:
        differ = np.mean(np.array(again["densities"][name]) != np.array(rows["densities"][name]))
        assert differ < 0.02, f"{name}: another grey level in {differ:.0%} of the pixels"


def test_sections_of_the_tool_are_stored():
    assert set(tool.SECTIONS) | set(tool.ABOUT) <= set(stored("digits_statistics"))
