"""Figures hold what was given, name their axes, and are forgotten by pyplot; the table is sound HTML."""

from html.parser import HTMLParser

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from genlib import data, plot


@pytest.fixture(autouse=True)
def nothing_left_open():
    yield
    assert plt.get_fignums() == []  # an open figure would show twice in a notebook


def test_images_are_laid_out_in_reading_order():
    x = torch.arange(6).float().reshape(6, 1, 1, 1).expand(6, 1, 2, 3) / 5
    fig = plot.images(x, ncol=3, title="six", rows=["top", "bottom"])
    assert isinstance(fig, Figure) and fig.axes[0].get_title() == "six"
    shown = torch.as_tensor(fig.axes[0].get_images()[0].get_array())
    assert shown.shape[:2] == (2 * 3, 3 * 4)  # each image and one line
    inner = shown.reshape(2, 3, 3, 4)[:, 1:, :, 1:].squeeze()  # rows, height, columns, width
    torch.testing.assert_close(
        inner.amax((1, 3)), torch.arange(6).reshape(2, 3) / 5, check_dtype=False
    )
    assert [t.get_text() for t in fig.axes[0].get_yticklabels()] == ["top", "bottom"]


def test_images_takes_colour_and_an_unfilled_last_row_and_names_bad_input():
    assert plot.images(torch.rand(5, 3, 4, 4), ncol=2).axes[0].get_images()[
        0
    ].get_array().shape == (15, 10, 3)
    with pytest.raises(ValueError, match="x: expected at least one image of 1 or 3 channels"):
        plot.images(torch.rand(5, 2, 4, 4))
    with pytest.raises(ValueError, match="rows: expected 3 labels"):
        plot.images(torch.rand(5, 1, 4, 4), ncol=2, rows=["a"])


@pytest.mark.parametrize("name", ["spiral", "checkerboard"])
def test_density_2d_shows_log_p_the_right_way_up(name):
    density = getattr(data, name)()
    fig = plot.density_2d(density, limit=2.5)
    shown = torch.as_tensor(fig.axes[0].get_images()[0].get_array())
    line = torch.linspace(-2.5, 2.5, 300)
    for column, row in [(135, 244), (244, 135), (98, 158)]:
        at = density.log_prob(torch.tensor([[line[column], line[row]]])).clamp(
            shown.min(), shown.max()
        )
        assert shown[row, column].item() == pytest.approx(at.item(), abs=1e-3)
    assert "nats" in fig.axes[1].get_ylabel()


def test_scatter_2d_gives_every_panel_the_same_scale():
    fig = plot.scatter_2d(
        {"truth": torch.randn(50, 2), "model": 3 * torch.randn(50, 2)}, title="both"
    )
    assert [ax.get_title() for ax in fig.axes] == ["truth", "model"]
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()
    assert len(plot.scatter_2d(torch.randn(50, 2)).axes) == 1


def test_curves_draw_the_mean_and_the_band():
    ys = {"one": torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]), "two": [5, 6, 7]}
    fig = plot.curves([1, 10, 100], ys, "images", "error, share", logx=True)
    ax = fig.axes[0]
    assert ax.lines[0].get_ydata().tolist() == [2, 3, 4]
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1, 5) and len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("images", "error, share", "log")
    styles = {(line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 2  # colour is not the only difference
    with pytest.raises(ValueError, match="one: expected shape"):
        plot.curves([1, 2], ys, "x", "y")


# --- the table ---------------------------------------------------------------------------------------------

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
    parser.feed(plot.table(ROWS, floor={"frechet": [0.2, 0.2]}, highlight="mine")._repr_html_())
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
    shown = plot.table(ROWS, highlight="mine")._repr_html_()
    assert "overflow-x:auto" in shown and "currentColor" in shown
    assert "white;" not in shown and "#" not in shown  # no colour of its own


def test_a_bound_is_marked_as_a_bound():
    rows = {
        "a": {"log_prob_test": [95.0, 97.0], "bounds": ["log_prob_test"]},
        "b": {"log_prob_test": 62.0},
    }
    assert plot.table(rows).cells() == [["a", "≥ 96.0 ± 1.4"], ["b", "62.0"]]
    assert "≥ 96.0" in plot.table(rows)._repr_html_()


def test_table_as_text_and_with_chosen_columns():
    text = repr(plot.table(ROWS, columns=["frechet"]))
    assert text.splitlines() == [
        "model     Fréchet distance ↓",
        "A <b>     2.00 ± 1.00",
        "this run  1.50",
    ]
    with pytest.raises(ValueError, match="columns: expected keys among .*, got beauty"):
        plot.table(ROWS, columns=["beauty"])
