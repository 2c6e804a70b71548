"""The stored table: complete, chosen on validation, cheap rows measured again; the labels of all that is stored."""

import json
import math
import re
from functools import reduce

import pytest
import torch

from genlib import words
from genlib.data import digits
from genlib.evaluate import digits_floor
from genlib.table import COLUMNS, Table, stored
from genlib.vae import Binomial, image_vae
from tools import make_table as tool
from tools import results

MEASURES = set(COLUMNS) - {"parameters", "lenient", "strict"}
COSTS = {"train_cpu_s", "sample_s_per_1000"}
CODE_ROWS = ["ae_standard_normal", "ae_fitted_gaussian", "ae_fitted_mixture", "vae_fitted_mixture"]


def test_the_table_says_how_it_was_measured():
    table = stored("table")
    about = {"command", "seeds", "n_samples", "reference", "floor", "measured", "rows"}
    assert set(results.facts()) | about == set(table)
    assert table["seeds"] == list(tool.SEEDS) and table["n_samples"] == results.N_SAMPLES
    assert list(table["rows"]) == list(tool.ROWS)  # every row is there, in the order of the book
    assert set(table["measured"]) == set(table["rows"])


@pytest.mark.parametrize("name", ["naive_bayes", "full_gaussian", "mixture", "kernel_density"])
def test_rows_are_complete_and_chosen_on_validation(name):
    row = stored("table")["rows"][name]
    assert {"notebook", "chosen", "parameters"} | MEASURES <= set(row)
    assert all(len(row[measure]) == 3 for measure in MEASURES)
    tried = row["validation_log_prob"]
    assert [str(value) for value in row["chosen"].values()] == (
        [max(tried, key=tried.get)] if tried else []
    )


@pytest.mark.parametrize("name", ["ae_fitted_mixture", "vae_fitted_mixture"])
def test_the_number_of_gaussians_is_chosen_on_validation_codes(name):
    row = stored("table")["rows"][name]
    tried = row["validation_log_prob_of_codes"]
    assert str(row["chosen"]["k"]) == max(tried, key=tried.get)
    assert list(tried) == [str(k) for k in results.COMPONENTS]


# --- measured again ------------------------------------------------------------------------------------------


def test_a_cheap_row_measured_again():
    again, row = tool.statistical_run(tool.statistical.naive_bayes, 0), stored("table")["rows"]
    for measure in MEASURES - COSTS:  # abs: one sample of 500 may fall on the other side
        stored_value = row["naive_bayes"][measure][0]
        assert again[measure] == pytest.approx(stored_value, rel=1e-4, abs=0.002), measure
    assert set(again) == {*MEASURES, "n"} and all(again[cost] > 0 for cost in COSTS)


def test_the_choice_of_a_hyper_parameter_measured_again():
    row = stored("table")["rows"]["full_gaussian"]
    for shrink in (0.3, 0.4):
        again = tool.validation_log_prob(lambda s=shrink: tool.statistical.full_gaussian(s))
        assert again == pytest.approx(row["validation_log_prob"][str(shrink)], rel=1e-4)


def test_the_floor_measured_again():
    floor = digits_floor(0)
    assert {name: values[0] for name, values in stored("table")["floor"].items()} == pytest.approx(
        floor, abs=0.002
    )


@pytest.fixture
def tiny(monkeypatch):
    """A VAE that was not trained, in the place of all trained models."""
    torch.manual_seed(0)
    model = image_vae(16, width=8, likelihood=Binomial()).eval().requires_grad_(False)
    monkeypatch.setattr(tool, "trained", lambda *_: results.Trained(model, model, 2.0))
    return model


def test_the_bound_of_the_vae_is_one_on_a_density_of_dequantised_pixels(tiny):
    x, levels, D = digits().x_test, digits().levels, 64
    bound = tiny.log_prob(x, 2, results.generator(1)).mean().item()
    density = tool.vae_bound_run(1, k=2)["log_prob_test"]
    assert density == pytest.approx(bound + D * math.log(levels), rel=1e-6)
    # a network that knows nothing is worse than the uniform distribution, whose density is 1
    assert bound < -D * math.log(levels) and density < 0


def test_the_stored_bound_of_the_vae_is_that_of_its_chapter():
    density = stored("table")["rows"]["vae"]["log_prob_test"]
    bound = stored("vae")["bounds"]["bound_1000"]
    for ours, theirs in zip(density, bound, strict=False):
        assert ours == pytest.approx(results.log_density(theirs), abs=0.1)


def test_codes_are_drawn_decoded_and_scored(tiny):
    for k in (0, 2):
        row = tool.code_run("vae_digits", k, 0)
        assert set(row) == {*MEASURES, "n"} - {"accuracy", "label_accuracy", "log_prob_test"}
        assert row["train_cpu_s"] > 2
    weights = results.parameters(tiny)
    assert tool.code_row("vae_digits")["parameters"] == weights
    assert tool.code_row("vae_digits", (2,))["parameters"] == weights + 1 + 2 * (16 + 16 * 17 // 2)
    rows = stored("table")["rows"]
    count = {name: rows[name]["parameters"] for name in CODE_ROWS}
    one = count["ae_fitted_gaussian"] - count["ae_standard_normal"]
    assert one == 16 + 136
    assert count["ae_fitted_mixture"] - count["ae_standard_normal"] == 9 + 10 * one


def test_a_hyper_parameter_is_chosen_and_then_used(monkeypatch):
    monkeypatch.setattr(tool, "validation_log_prob", lambda make: -abs(make() - 4))
    monkeypatch.setattr(tool, "statistical_run", lambda make, seed: {"made": make() + seed})
    row = tool.statistical_row(lambda k: k, lambda k: 10 * k, "k", (1, 3, 5, 9))
    assert row["chosen"] == {"k": 3} and row["parameters"] == 30 and row["made"] == [3, 4, 5]
    assert row["validation_log_prob"] == {"1": -3, "3": -1, "5": -1, "9": -5}


def test_some_rows_can_be_measured_and_the_others_stay(tmp_path, monkeypatch):
    calls = []
    for name in ("one", "two"):
        monkeypatch.setitem(
            tool.ROWS, name, lambda name=name: calls.append(name) or {"frechet": [len(calls)]}
        )
    monkeypatch.setattr(tool, "digits_floor", lambda seed: {"frechet": 0.2})
    target = tmp_path / "table.json"
    tool.main(["one", "two"], target)
    tool.main(["two"], target)
    table = json.loads(target.read_text(encoding="utf-8"))
    rows = table["rows"]
    assert calls == ["one", "two", "two"] and list(rows) == ["one", "two"]
    assert (rows["one"]["frechet"], rows["two"]["frechet"]) == ([1], [3])
    assert table["floor"] == {"frechet": [0.2] * 3}
    with pytest.raises(SystemExit, match="names: expected some of naive_bayes, "):
        tool.main(["three"], target)


# --- labels --------------------------------------------------------------------------------------------------


def test_a_row_is_named_by_itself_by_the_words_or_by_its_key():
    rows = {"vae": {"frechet": 1.0}, "now": {"label": "this run", "frechet": 2.0}, "x": {}}
    shown = Table(rows, floor={"frechet": 0.2})
    labels = [cells[0] for cells in shown.cells()]
    assert labels == [words.ROWS["floor"], words.ROWS["vae"], "this run", "x"]
    assert (
        words.COLUMNS["frechet"][0] in repr(shown) and words.TABLE["legend"] in shown._repr_html_()
    )


def test_everything_that_is_shown_has_a_label():
    assert set(words.ROWS) == {"floor"} | set(tool.ROWS)
    assert set(words.COLUMNS) == set(COLUMNS)
    pages = "".join(p.read_text(encoding="utf-8") for p in results.DATA.parent.glob("*.md"))
    shown = set()
    for references in re.findall(r"^```\{strip\} (.+)$", pages, re.M):
        for reference in references.split():
            name, _, path = reference.partition(":")
            strip = reduce(lambda value, key: value[key], path.split("."), stored(name))
            shown |= set(strip) if isinstance(strip, dict) else {path.rpartition(".")[2]}
    measured = [stored(path.stem).get("pictures", {}) for path in results.DATA.glob("*.json")]
    kept = {row for pictures in measured for strip in pictures.values() for row in strip}
    assert shown <= set(words.PICTURES) <= shown | kept


@pytest.mark.parametrize("path", sorted(results.DATA.glob("*.json")), ids=lambda path: path.stem)
def test_stored_results_hold_no_label(path):
    """Keys are neutral: a translation changes genlib/words.py, and no measurement."""

    def keys(value):
        if isinstance(value, dict):
            yield from value
            for part in value.values():
                yield from keys(part)
        elif isinstance(value, list):
            for part in value:
                yield from keys(part)

    assert all(
        re.fullmatch(r"[\w.-]+", key) for key in keys(json.loads(path.read_text(encoding="utf-8")))
    )
    assert '"label"' not in path.read_text(encoding="utf-8")
