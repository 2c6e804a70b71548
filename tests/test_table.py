"""The stored table: complete, chosen on validation, and a cheap row measured again."""

import importlib.util
import json
from pathlib import Path

import pytest

from genlib.evaluate import digits_floor, stored
from genlib.plot import COLUMNS

PATH = Path(__file__).parents[1] / "tools" / "make_table.py"
MEASURES = set(COLUMNS) - {"parameters"}


@pytest.fixture(scope="module")
def tool():
    spec = importlib.util.spec_from_file_location("make_table", PATH)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_table_says_how_it_was_measured(tool):
    table = stored("table")
    assert set(tool.facts()) | {"floor", "rows"} == set(table)
    assert table["seeds"] == list(tool.SEEDS) and table["n_samples"] == tool.N_SAMPLES
    assert list(table["rows"]) == list(tool.ROWS)  # every row is there, in the order of the book


@pytest.mark.parametrize("name", ["naive_bayes", "full_gaussian", "mixture", "kernel_density"])
def test_rows_are_complete_and_chosen_on_validation(name):
    row = stored("table")["rows"][name]
    assert {"label", "notebook", "chosen", "parameters", "date"} | MEASURES <= set(row)
    assert all(len(row[measure]) == 3 for measure in MEASURES)
    tried = row["validation_log_prob"]
    assert [str(value) for value in row["chosen"].values()] == (
        [max(tried, key=tried.get)] if tried else []
    )


def test_a_cheap_row_measured_again(tool):
    again, row = (
        tool.statistical_run(tool.statistical.naive_bayes, seed=0),
        stored("table")["rows"]["naive_bayes"],
    )
    for measure in MEASURES - {"train_cpu_s", "sample_s_per_1000"}:
        assert again[measure] == pytest.approx(row[measure][0], rel=0.02, abs=0.01), measure
    assert row["parameters"] == 9 + 10 * 2 * 64


def test_the_floor_measured_again():
    floor = digits_floor(0)
    assert {name: values[0] for name, values in stored("table")["floor"].items()} == pytest.approx(
        floor, abs=0.005
    )


def test_some_rows_can_be_measured_and_the_others_stay(tool, tmp_path, monkeypatch):
    calls = []
    for name in ("one", "two"):
        monkeypatch.setitem(
            tool.ROWS, name, lambda name=name: calls.append(name) or {"frechet": [len(calls)]}
        )
    monkeypatch.setattr(tool, "digits_floor", lambda seed: {"frechet": 0.2})
    target = tmp_path / "table.json"
    tool.main(["one", "two"], target)
    tool.main(["two"], target)
    rows = json.loads(target.read_text())["rows"]
    assert calls == ["one", "two", "two"] and list(rows) == ["one", "two"]
    assert (rows["one"]["frechet"], rows["two"]["frechet"]) == ([1], [3])
    assert [p.name for p in tmp_path.iterdir()] == ["table.json"]
    with pytest.raises(SystemExit, match="ROWS: expected names among"):
        tool.main(["three"], target)


def test_a_failed_write_leaves_the_old_file(tool, tmp_path):
    target = tmp_path / "table.json"
    tool.write({"a": 1}, target)
    with pytest.raises(TypeError):
        tool.write({"a": object()}, target)
    assert json.loads(target.read_text()) == {"a": 1}
