"""The running table is sound HTML and plain text, its intervals and verdicts are those of the textbooks, and stored
results are found in the checkout and in the package."""

import math
from html.parser import HTMLParser

import numpy as np
import pytest
from scipy import stats

from genlib import table, words
from genlib.table import COLUMNS, Table, cell, interval, seed_means, spreads, stored, verdict

ROWS = {
    "a": {"label": "A <b>", "frechet": [1.0, 2.0, 3.0], "parameters": 1289},
    "mine": {"label": "this run", "frechet": 1.5, "log_prob_test": -3.25},
}


class Cells(HTMLParser):
    """Rows of cell texts; fails on tags that do not match."""

    def __init__(self):
        super().__init__()
        self.rows, self.open = [], []

    def handle_starttag(self, tag, attrs):
        if tag == "br":
            return
        self.open.append(tag)
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, text):
        if {"td", "th"} & set(self.open):
            self.rows[-1][-1] += text


def test_table_shows_mean_and_spread_floor_and_mark():
    parser = Cells()
    parser.feed(Table(ROWS, floor={"frechet": [0.2, 0.2]}, highlight="mine")._repr_html_())
    assert parser.open == []
    head, floor, a, mine = parser.rows
    assert head == [
        "model",
        "Fréchet distance\xa0↓feature units²",
        "log p(x), test\xa0↑nats per image",
        "parameters\xa0count",
    ]
    assert floor == ["real digits (the floor)", "0.20", "–", "–"]
    assert a == ["A <b>", "2.00± 1.00", "–", "1,289"]  # the spread stands on a line of its own
    assert mine == ["▸ this run", "1.50", "-3.2", "–"]


def test_table_is_readable_in_the_dark_and_on_a_phone():
    shown = Table(ROWS, highlight="mine")._repr_html_()
    assert "overflow-x:auto" in shown and "currentColor" in shown
    assert "white;" not in shown and "#" not in shown  # no colour of its own


def test_a_bound_is_marked_as_a_bound():
    rows = {
        "a": {"log_prob_test": [95.0, 97.0], "bounds": ["log_prob_test"]},
        "b": {"log_prob_test": 62.0},
    }
    assert Table(rows).cells() == [["a", "≥ 96.0 ± 1.4"], ["b", "62.0"]]
    assert "≥ 96.0" in Table(rows)._repr_html_()


def test_table_as_text_and_with_chosen_columns():
    text = repr(Table(ROWS, columns=["frechet"]))
    assert text.splitlines() == [
        "model     Fréchet distance ↓",
        "A <b>     2.00 ± 1.00",
        "this run  1.50",
    ]
    with pytest.raises(ValueError, match="columns: expected keys among .*, got beauty"):
        Table(ROWS, columns=["beauty"])


def test_a_cell_is_a_number_a_mean_with_its_spread_or_a_dash():
    assert cell(None, 2) == "–"
    assert (
        cell(1234.567, 1) == "1,234.6" and cell([2.0], 1) == "2.0" and cell([2.0, 2.0], 1) == "2.0"
    )
    assert cell([1.0, 2.0, 4.0], 3) == "2.333 ± 1.528"  # of a sample: divided by n - 1
    assert cell((1, 3), 0) == "2 ± 1"


@pytest.mark.parametrize("key", COLUMNS)
def test_every_measure_has_its_column_and_its_decimals(key):
    (row,) = Table({"a": {key: 0.123456}}).cells()
    assert row == ["a", f"{0.123456:.{COLUMNS[key][-1]}f}"]


def test_what_a_model_can_do_is_said_in_words():
    rows = {"a": {"density": "bound", "encode": "no"}, "b": {"density": "yes"}}
    assert Table(rows).columns == ["density", "encode"]
    assert Table(rows).cells() == [["a", "✓ a bound", "– no"], ["b", "✓ yes", "–"]]


# --- how sure a number is ------------------------------------------------------------------------------------

DRAWS = [[0.41, 0.52, 0.33], [0.61, 0.40, 0.58], [0.35, 0.37, 0.45], [0.50, 0.44, 0.62]]


def test_the_interval_is_students_over_the_means_of_seeds():
    means = np.mean(DRAWS, axis=1)
    for level in (0.5, 0.95, 0.99):
        right = stats.t.interval(level, len(means) - 1, means.mean(), stats.sem(means))
        assert interval(DRAWS, level) == pytest.approx(right, rel=1e-9)
        assert interval(means.tolist(), level) == pytest.approx(right, rel=1e-9)
    assert interval(DRAWS) == interval(DRAWS, 0.95)
    assert seed_means(DRAWS) == pytest.approx(means) and seed_means(0.5) == [0.5]
    assert seed_means([1, [2, 4]]) == [1, 3]
    for few in (0.5, [0.5], [[0.1, 0.2, 0.3]]):
        with pytest.raises(ValueError, match="values: expected at least two seeds"):
            interval(few)


def test_the_spreads_are_those_that_the_numbers_were_made_with():
    rng = np.random.default_rng(0)
    seeds, draws = rng.normal(0, 2.0, (4000, 1)), rng.normal(0, 1.5, (4000, 3))
    found = spreads((seeds + draws).tolist())
    assert found["seeds"] == pytest.approx(2.0, rel=0.05)
    assert found["draws"] == pytest.approx(1.5, rel=0.03)
    alike = spreads([[0.0, 3.0], [1.0, 2.0]])  # the means of the seeds are the same
    assert alike == pytest.approx({"seeds": 0, "draws": ((4.5 + 0.5) / 2) ** 0.5})


def test_intervals_cover_and_those_that_count_draws_as_seeds_do_not():
    rng, covered = np.random.default_rng(1), {"seeds": 0, "draws": 0}
    for _ in range(1000):
        values = rng.normal(0, 1, (5, 1)) + rng.normal(0, 0.5, (5, 3))
        for name, own in (("seeds", values.tolist()), ("draws", values.flatten().tolist())):
            low, high = interval(own)
            covered[name] += low < 0 < high
    assert covered["seeds"] == pytest.approx(950, abs=25)
    assert covered["draws"] < 850


@pytest.mark.parametrize("comparisons", [1, 15])
def test_verdicts_are_those_of_welchs_test(comparisons):
    """Planted: pairs that differ by more and more, judged by scipy's p-value."""
    rng, seen = np.random.default_rng(2), set()
    for shift in np.linspace(-0.6, 0.6, 49):
        own = (rng.normal(0.5 + shift, 0.05, (5, 1)) + rng.normal(0, 0.03, (5, 3))).tolist()
        other = (rng.normal(0.5, 0.12, (3, 1)) + rng.normal(0, 0.03, (3, 3))).tolist()
        a, b = np.mean(own, axis=1), np.mean(other, axis=1)
        p = stats.ttest_ind(a, b, equal_var=False).pvalue
        right = "same" if p > 0.05 / comparisons else "better" if a.mean() < b.mean() else "worse"
        assert verdict(own, other, comparisons) == right, shift
        turned = {"same": "same", "better": "worse", "worse": "better"}
        assert verdict(other, own, comparisons) == turned[right]
        assert verdict(own, other, comparisons, larger_is_better=True) == turned[right]
        seen.add(right)
    assert seen == {"same", "better", "worse"}


def test_verdicts_on_rows_that_do_not_vary():
    assert verdict([1.0, 1.0], [1.0, 1.0]) == "same"
    assert verdict([1.0, 1.0], [2.0, 2.0]) == "better" and verdict([3.0, 3.0], [2.0] * 3) == "worse"
    with pytest.raises(ValueError, match="values: expected at least two seeds"):
        verdict([1.0], [2.0, 2.0])


def test_all_verdicts_together_are_seldom_wrong():
    """Fifteen rows like the reference: without sharing out the 5 %, far more tables have a wrong verdict."""
    rng, wrong = np.random.default_rng(3), {1: 0, 15: 0}
    for _ in range(200):
        rows = rng.normal(0, 1, (16, 5))
        for comparisons in wrong:
            found = {verdict(row.tolist(), rows[0].tolist(), comparisons) for row in rows[1:]}
            wrong[comparisons] += found != {"same"}
    assert wrong[15] <= 20 and wrong[1] > 60


def test_the_table_has_a_verdict_on_every_row():
    rows = {
        "near": {"frechet": [[0.5, 0.4], [0.6, 0.5], [0.4, 0.5]]},
        "best": {"label": "the best", "frechet": DRAWS},
        "far": {"frechet": [[5.0, 5.1], [5.2, 5.0], [5.1, 5.1]]},
        "once": {"frechet": 0.3},
        "without": {"parameters": 3},
    }
    shown = Table(rows, floor={"frechet": [0.2, 0.3]}, against="best", columns=["frechet"])
    assert [cells[-1] for cells in shown.cells()] == [
        "–",
        "no difference that this table can see",
        "the reference row",
        "worse",
        "one run: no verdict",
        "one run: no verdict",
    ]
    assert shown.cells()[2][1] == "0.46 [0.35, 0.58]"
    assert repr(shown).splitlines()[0].endswith("against the best")
    parser = Cells()
    parser.feed(shown._repr_html_())
    assert parser.rows[0][-1] == "against the best\xa0Fréchet distance"
    assert parser.rows[3][1:] == ["0.46[0.35, 0.58]", "the reference row"]
    assert set(shown.verdicts().values()) <= set(words.VERDICTS)
    with pytest.raises(ValueError, match="against: expected one of near, best"):
        Table(rows, against="cats")
    with pytest.raises(
        ValueError, match="against: expected a row with two seeds or more, got once"
    ):
        Table(rows, against="once").cells()


def test_every_comparison_makes_the_others_more_careful():
    """The same row, told apart where it alone is compared, and not among many."""
    rows = {"a": {"frechet": [1.0, 1.2, 1.1]}, "b": {"frechet": [1.4, 1.45, 1.55]}}
    assert Table(rows, against="a").verdicts()["b"] == "worse"
    many = {f"row {k}": {"frechet": [9.0, 9.1, 9.2]} for k in range(30)}
    assert Table(rows | many, against="a").verdicts()["b"] == "same"


# --- stored results ------------------------------------------------------------------------------------------


def test_stored_reads_the_checkout_and_the_package(tmp_path, monkeypatch):
    assert "rows" in stored("table")
    with pytest.raises(ValueError, match="name: .* cats"):
        stored("cats")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cats.json").write_text('{"paws": 4}', encoding="utf-8")
    monkeypatch.setattr(table, "HERE", tmp_path)
    assert stored("cats") == {"paws": 4}


@pytest.mark.parametrize(
    "values",
    [
        [],
        [[1.0, 2.0]],
        [[1.0], [2.0]],
        [[1.0, 2.0], [3.0]],
        [1.0, 2.0],
        [[1.0, math.nan], [1.0, 2.0]],
    ],
)
def test_spreads_need_two_seeds_of_as_many_draws(values):
    with pytest.raises((ValueError, TypeError), match="values: expected"):
        spreads(values)


@pytest.mark.parametrize(
    "bad", [None, 1.0, [], [1.0], [None, None], ["a", 1.0], [[], [1.0]], "ab", [math.inf, 1.0]]
)
def test_a_verdict_names_the_row_that_is_no_row(bad):
    with pytest.raises((ValueError, TypeError), match="reference: expected"):
        verdict([1.0, 2.0], bad)
