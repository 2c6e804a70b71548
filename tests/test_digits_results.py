"""The stored results of notebook 01b: cheap rows are measured again, and the tool's own steps are checked."""

import numpy as np
import pytest
import torch

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
    for name, value in found.items():
        assert value == pytest.approx(row[name][0], rel=1e-4, abs=1e-5), name


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


def test_sections_of_the_tool_are_stored():
    assert set(tool.SECTIONS) | set(tool.ABOUT) <= set(stored("digits_statistics"))
