"""What the tools share: trained models, conversions, and a file that is measured in parts and never half-written."""

import ast
import hashlib
import json
import math
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file

from genlib.data import digits, ring
from genlib.gan import GAN
from genlib.recipes import RECIPES
from genlib.table import stored
from tools import results

ROOT = Path(__file__).parents[1]
TOOLS = sorted([*(ROOT / "tools").glob("*.py"), *(ROOT / "benchmarks").glob("*.py")])


# --- the file ------------------------------------------------------------------------------------------------


def test_some_sections_can_be_measured_and_the_others_stay(tmp_path, capsys):
    calls, target, about = [], tmp_path / "new" / "x.json", {"command": "make x", "seeds": [0]}
    sections = {name: lambda name=name: calls.append(name) or len(calls) for name in "ab"}
    results.main(sections, about, target, names=[])
    results.main(sections, about, target, names=["b"])
    assert calls == ["a", "b", "b"]
    found = json.loads(target.read_text(encoding="utf-8"))
    assert (found["a"], found["b"]) == (1, 3) and found["command"] == "make x"
    assert set(found) == set(results.facts()) | set(about) | {"measured", "a", "b"}
    assert set(found["measured"]["a"]) == {"date", "total_cpu_s"} and found["threads"] == 1
    assert [path.name for path in target.parent.iterdir()] == ["x.json"]
    with pytest.raises(SystemExit, match="^names: expected some of a, b, got c$"):
        results.main(sections, about, target, names=["a", "c"])
    assert calls == ["a", "b", "b"]


def test_sections_may_stand_together_under_a_key(tmp_path):
    target = tmp_path / "x.json"
    sections = {"a": lambda: {"value": [1]}, "b": lambda: {"value": [2]}}
    results.main(sections, {}, target, "rows", names=["b"])
    results.main(sections, {}, target, "rows", names=["a"])
    rows = json.loads(target.read_text(encoding="utf-8"))["rows"]
    assert list(rows) == ["a", "b"] and rows["a"] == {"value": [1]}


def test_names_come_from_the_command_line(tmp_path, monkeypatch):
    monkeypatch.setattr("sys.argv", ["tool", "b"])
    results.main({"a": dict, "b": dict}, {}, tmp_path / "x.json")
    assert "a" not in json.loads((tmp_path / "x.json").read_text(encoding="utf-8"))


def test_a_failed_write_leaves_the_old_file(tmp_path):
    target = tmp_path / "x.json"
    results.write({"a": "é"}, target)
    with pytest.raises(TypeError):
        results.write({"a": object()}, target)
    assert json.loads(target.read_text(encoding="utf-8")) == {"a": "é"}
    assert [path.name for path in tmp_path.iterdir()] == ["x.json"]


def test_numbers_of_all_seeds_stand_side_by_side_at_any_depth():
    found = results.over_seeds(lambda seed: {"a": seed, "b": {"c": seed**2}}, (1, 2, 3))
    assert found == {"a": [1, 2, 3], "b": {"c": [1, 4, 9]}}


def test_an_asset_has_a_card_with_its_fingerprint(tmp_path):
    results.write_asset({"x": torch.arange(3)}, tmp_path / "net", {"command": "make net"}, 1.23)
    weights, card = (
        tmp_path / "net.safetensors",
        json.loads((tmp_path / "net.json").read_text(encoding="utf-8")),
    )
    assert load_file(weights)["x"].tolist() == [0, 1, 2]
    assert card["sha256"] == hashlib.sha256(weights.read_bytes()).hexdigest()
    assert card["command"] == "make net" and card["cpu_s"] == 1.2


def test_no_tool_imports_from_another_one():
    """What two tools need stands in tools.results, or in genlib; few things stand by themselves."""
    alone = {"results", "museum", "exercises", "written"}
    own = {"tools.results", "tools.set_repository", "tools.make_questions", "tools.written"}
    for path in TOOLS:
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ImportFrom) and node.module == "tools":
                assert {alias.name for alias in node.names} <= alone, path.name
            elif isinstance(node, ast.ImportFrom) and (node.module or "").startswith("tools."):
                figures = path.name == "draw_figures.py" and node.module.startswith("tools.figures")
                assert node.module in own or figures, path.name


@pytest.mark.parametrize(
    "path", sorted((ROOT / "book" / "_data").glob("*.json")), ids=lambda p: p.stem
)
def test_stored_facts_have_the_same_names_everywhere(path):
    content = stored(path.stem)
    facts = {"command", "date", "versions", "threads"}
    if path.stem == "environments":  # a row for each environment, with facts of its own
        assert all(facts <= set(row) for row in content.values())
        return
    if path.stem == "lighthouse":  # a browser has no threads of ours, and no seed
        assert facts - {"threads"} <= set(content)
        return
    assert facts <= set(content)
    assert "seeds" in content or path.stem == "timings"
    for name, numbers in content.get("recipes", {}).items():
        assert numbers == results.described(RECIPES[name])


def test_a_notebook_takes_what_the_book_says():
    """How to use it: two and a half minutes of one core, about."""
    longest = max(row["cpu_s"] for row in stored("timings")["notebooks"].values())
    assert longest < 160


# --- trained models ------------------------------------------------------------------------------------------


def test_a_trained_model_is_frozen_and_comes_once():
    short = {"steps": {"cpu": 2}}
    found = results.train("vae_digits", 0, **short)
    assert found.model is found.last and not found.model.training and found.cpu_s > 0
    assert not any(p.requires_grad for p in found.model.parameters())
    with torch.no_grad():  # the caller's business
        again = results.train("vae_digits", 0, **short)
    assert torch.equal(again.model.encoder[1].weight, found.model.encoder[1].weight)
    assert results.trained.__wrapped__ is results.train  # the same, kept


def test_the_model_is_the_average_where_the_recipe_keeps_one():
    found = results.train("ddpm_digits", 0, steps={"cpu": 3})
    assert not torch.equal(found.model.net.first.weight, found.last.net.first.weight)
    found = results.train("ddpm_digits", 0, steps={"cpu": 3}, ema_decay=None)
    assert found.model is found.last


def test_the_shuffle_can_have_random_numbers_of_its_own():
    short = {"steps": {"cpu": 2}, "lr": 1e-3}
    one, two, other = (
        results.train("autoencoder_digits", 0, shuffle=shuffle, **short).model.encoder[1].weight
        for shuffle in (results.generator(5), results.generator(5), None)
    )
    assert torch.equal(one, two) and not torch.equal(one, other)


def test_points_are_trained_on_in_units_of_their_standard_deviation(monkeypatch):
    found, truth, scale = results.train_points("gan_points", "ring", 3, steps={"cpu": 1})
    assert isinstance(found.model, GAN) and torch.equal(truth.means, ring().means)
    torch.manual_seed(3)
    assert scale == ring().sample(100_000).std()
    seen = []
    monkeypatch.setattr(results, "train", lambda recipe, seed, data: seen.append(data))
    results.train_points("gan_points", "ring", 3)
    assert seen[0][0].std().item() == pytest.approx(1, abs=1e-4)


# --- numbers -------------------------------------------------------------------------------------------------


def test_a_uniform_distribution_of_levels_has_log_density_0():
    assert results.log_density(-64 * math.log(17)) == pytest.approx(0, abs=1e-12)
    assert results.log_density(-3 * math.log(4), levels=4, D=3) == pytest.approx(0, abs=1e-12)


def test_the_best_value_has_the_largest_measure():
    assert results.best(lambda v: -((v - 2) ** 2), (1, 2, 4)) == (2, {"1": -1, "2": 0, "4": -4})


def test_levels_are_those_of_the_data_and_the_nearest_digit_of_a_digit_is_itself():
    x = digits().x_train[:3]
    assert torch.equal(torch.tensor(results.levels(x)).view_as(x) / 16, x)
    assert torch.equal(results.nearest(x), x)
    assert results.frechet(digits().x_train, digits().x_test) == pytest.approx(
        stored("table")["floor"]["frechet"][0], rel=1e-4
    )
