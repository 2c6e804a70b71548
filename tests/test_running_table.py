"""The running table is sound HTML and plain text, and stored results are found in the checkout and in the package."""

from html.parser import HTMLParser

import pytest

from genlib import table
from genlib.table import COLUMNS, Table, cell, stored

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


# --- stored results ------------------------------------------------------------------------------------------


def test_stored_reads_the_checkout_and_the_package(tmp_path, monkeypatch):
    assert "rows" in stored("table")
    with pytest.raises(ValueError, match="name: .* cats"):
        stored("cats")
    (tmp_path / "results").mkdir()
    (tmp_path / "results" / "cats.json").write_text('{"paws": 4}', encoding="utf-8")
    monkeypatch.setattr(table, "HERE", tmp_path)
    assert stored("cats") == {"paws": 4}
