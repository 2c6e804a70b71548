"""The stored table: complete, chosen on validation, cheap rows measured again; the labels of all that is stored."""

import json
import math
import re
from functools import partial, reduce

import numpy as np
import pytest
import torch

from genlib import words
from genlib.data import digits
from genlib.evaluate import digits_floor
from genlib.recipes import RECIPES
from genlib.table import COLUMNS, Table, stored
from genlib.vae import Binomial, image_vae
from tools import make_table as tool
from tools import results

ABILITIES = {"sample", "density", "encode", "condition", "edit"}
DRAWN = {"frechet", "precision", "recall", "class_tv", "nearest_ratio"}  # measures of samples
FITTED = {"accuracy", "log_prob_test"}  # measured once for each seed
COSTS = {"train_cpu_s", "sample_s_per_1000"}
CODE_ROWS = ["ae_standard_normal", "ae_fitted_gaussian", "ae_fitted_mixture", "vae_fitted_mixture"]
SLOW = ("ddpm", "ddpm_guided")  # three seeds


def all_rows() -> dict:
    return stored("table")["rows"] | stored("few_steps")["rows"]


def test_the_tables_say_how_they_were_measured():
    about = {"command", "seeds", "draws", "n_samples", "reference", "measured", "rows"}
    for file, rows, more in (
        ("table", tool.ROWS, {"floor", "floor_splits"}),
        ("few_steps", tool.FEW_STEPS, set()),
    ):
        table = stored(file)
        assert set(results.facts()) | about | more == set(table)
        assert table["seeds"] == list(tool.SEEDS) and table["n_samples"] == results.N_SAMPLES
        assert list(table["rows"]) == list(rows)  # every row is there, in the order of the book
        assert set(table["measured"]) == set(table["rows"])


def test_every_row_has_seeds_and_three_draws_for_each():
    for name, row in all_rows().items():
        seeds = tool.FEWER if name in SLOW else tool.SEEDS
        conditional = {"label_accuracy"} if row["condition"] == "yes" else set()
        for measure in DRAWN | conditional:
            assert np.shape(row[measure]) == (len(seeds), tool.DRAWS), (name, measure)
        assert all(3 <= len(row[cost]) <= len(seeds) for cost in COSTS)
        assert (
            len(np.unique(row["frechet"])) == len(seeds) * tool.DRAWS
        )  # no draw stands there twice
        assert {"notebook", "chosen", "parameters"} | ABILITIES <= set(row)
        assert ("log_prob_test" in row) <= (row["density"] != "no")
        assert ("bounds" in row) <= (row["density"] == "bound")


def test_every_row_is_measured_once_beside_those_of_its_training():
    assert set(tool.TRAININGS) - {""} <= set(RECIPES)
    names = [name for group in tool.TRAININGS.values() for name in group]
    assert sorted(names) == sorted([*tool.ROWS, *tool.FEW_STEPS])
    rows = all_rows()
    for recipe, group in tool.TRAININGS.items():  # the notebook says so, too
        assert not recipe or {rows[n]["notebook"] for n in group} == {tool.NOTEBOOKS[recipe]}


def test_real_digits_stand_in_for_samples():
    table = stored("table")
    assert all(len(values) == tool.FLOORS for values in table["floor"].values())
    frechet = table["floor"]["frechet"]
    assert len(set(frechet)) == len(set(table["floor_splits"])) == tool.FLOORS
    again = tool.floor_run(2)
    assert {name: values[2] for name, values in table["floor"].items()} == pytest.approx(
        again, abs=0.002
    )
    assert table["floor_splits"][1] == pytest.approx(tool.split_run(1), rel=1e-4)
    # what the pages say: another split moves the floor more than another choice beside the same test images
    assert np.std(table["floor_splits"]) > 2 * np.std(frechet)


@pytest.mark.parametrize("name", ["naive_bayes", "full_gaussian", "mixture", "kernel_density"])
def test_rows_are_complete_and_chosen_on_validation(name):
    row = stored("table")["rows"][name]
    assert all(len(row[measure]) == len(tool.SEEDS) for measure in FITTED)
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
    for measure in DRAWN | FITTED | {"label_accuracy"}:
        stored_value = row["naive_bayes"][measure][
            0
        ]  # abs: one sample of 500 may fall on the other side
        assert again[measure] == pytest.approx(stored_value, rel=1e-4, abs=0.002), measure
    assert set(again) == {*DRAWN, *FITTED, *COSTS, "label_accuracy"}
    assert all(again[cost] > 0 for cost in COSTS)


def test_the_choice_of_a_hyper_parameter_measured_again():
    row = stored("table")["rows"]["full_gaussian"]
    for shrink in (0.3, 0.4):
        again = tool.validation_log_prob(lambda s=shrink: tool.statistical.full_gaussian(s))
        assert again == pytest.approx(row["validation_log_prob"][str(shrink)], rel=1e-4)


def test_the_floor_measured_again():
    floor = digits_floor(0)
    floor.pop("n")
    assert {name: values[0] for name, values in stored("table")["floor"].items()} == pytest.approx(
        floor, abs=0.002
    )


@pytest.fixture
def tiny(monkeypatch):
    """A VAE that was not trained, in the place of all trained models; one seed, one draw."""
    torch.manual_seed(0)
    monkeypatch.setattr(tool, "over_seeds", partial(results.over_seeds, seeds=(0,)))
    monkeypatch.setattr(tool, "DRAWS", 1)
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
    assert len(density) == len(tool.SEEDS)
    for ours, theirs in zip(density, bound, strict=False):
        assert ours == pytest.approx(results.log_density(theirs), abs=0.1)


def test_the_stored_bound_of_the_diffusion_model_is_that_of_its_chapter():
    row = stored("table")["rows"]["ddpm"]
    assert row["bounds"] == ["log_prob_test"]
    for ours, theirs in zip(
        row["log_prob_test"], stored("ddpm")["bound"]["nats_beta"], strict=True
    ):
        assert ours == pytest.approx(64 * math.log(17) - theirs, rel=1e-9)


def test_draws_are_one_model_s_and_are_scored_one_by_one():
    asked, rng = [], results.generator(0)

    def draw():
        x = digits().x_train[torch.randperm(1000, generator=rng)[:500]]
        asked.append(x)
        return x, None

    found = tool.scored_draws(draw, results.generator(0))
    assert len(asked) == tool.DRAWS and set(found) == DRAWN | {"sample_s_per_1000"}
    for x, frechet in zip(asked, found["frechet"], strict=True):
        assert frechet == pytest.approx(results.frechet(x, digits().x_test), rel=1e-6)
    assert found["sample_s_per_1000"] > 0


def test_codes_are_drawn_decoded_and_scored(tiny):
    for k in (0, 2):
        row = tool.code_run("vae_digits", k, 0)
        assert set(row) == DRAWN | COSTS
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
    assert row["chosen"] == {"k": 3} and row["parameters"] == 30 and row["made"] == [3, 4, 5, 6, 7]
    assert row["validation_log_prob"] == {"1": -3, "3": -1, "5": -1, "9": -5}


def test_some_rows_can_be_measured_and_the_others_stay(tmp_path, monkeypatch):
    calls = []
    monkeypatch.setattr(tool, "TRAININGS", {"vae_digits": ("one", "two"), "": ("few",)})
    for name, rows in (("one", tool.ROWS), ("two", tool.ROWS), ("few", tool.FEW_STEPS)):
        monkeypatch.setitem(
            rows, name, lambda name=name: calls.append(name) or {"frechet": [len(calls)]}
        )
    monkeypatch.setattr(tool, "floor_run", lambda k: {"frechet": 0.2})
    monkeypatch.setattr(tool, "split_run", lambda k: 0.1)
    tool.main(["two", "one", "few"], tmp_path)
    tool.main(["two"], tmp_path)
    table = json.loads((tmp_path / "table.json").read_text(encoding="utf-8"))
    few = json.loads((tmp_path / "few_steps.json").read_text(encoding="utf-8"))
    rows = table["rows"]
    assert calls == ["one", "two", "few", "two"]
    assert list(rows) == ["one", "two"] and list(few["rows"]) == ["few"]
    assert (rows["one"]["frechet"], rows["two"]["frechet"]) == ([1], [4])
    assert table["floor"] == {"frechet": [0.2] * 9} and table["floor_splits"] == [0.1] * 9
    assert "floor" not in few and set(table["measured"]) == {"one", "two"}
    with pytest.raises(SystemExit, match="names: expected some of naive_bayes, "):
        tool.main(["three"], tmp_path)


def test_two_processes_give_what_one_gives():
    assert sorted(tool.in_two_processes(len, [["a"], ["a", "b"], []])) == [0, 1, 2]


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
    assert set(words.ROWS) == {"floor"} | set(tool.ROWS) | set(tool.FEW_STEPS)
    assert set(words.COLUMNS) == set(COLUMNS)
    assert {row[ability] for row in all_rows().values() for ability in ABILITIES} <= set(words.CAN)
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
