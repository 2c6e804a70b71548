"""Figures hold what was given, name their axes, and are forgotten by pyplot."""

import matplotlib.pyplot as plt
import pytest
import torch
from matplotlib.figure import Figure

from genlib import plot


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


def test_scatter_2d_gives_every_panel_the_same_scale():
    fig = plot.scatter_2d(
        {"truth": torch.randn(50, 2), "model": 3 * torch.randn(50, 2)}, title="both"
    )
    assert [ax.get_title() for ax in fig.axes] == ["truth", "model"]
    assert fig.axes[0].get_xlim() == fig.axes[1].get_xlim()
    assert len(plot.scatter_2d(torch.randn(50, 2)).axes) == 1
    assert fig.get_suptitle() == "both"
    (ax,) = plot.scatter_2d(torch.randn(50, 2), limit=2.5).axes
    assert ax.get_xlim() == ax.get_ylim() == (-2.5, 2.5)


def test_curves_draw_the_mean_and_the_band():
    ys = {"one": torch.tensor([[1.0, 2.0, 3.0], [3.0, 4.0, 5.0]]), "two": [5, 6, 7]}
    fig = plot.curves([1, 10, 100], ys, "images", "error, share", log="x")
    ax = fig.axes[0]
    assert ax.lines[0].get_ydata().tolist() == [2, 3, 4]
    band = ax.collections[0].get_paths()[0].vertices
    assert (band[:, 1].min(), band[:, 1].max()) == (1, 5) and len(ax.collections) == 1
    assert (ax.get_xlabel(), ax.get_ylabel(), ax.get_xscale()) == ("images", "error, share", "log")
    styles = {(line.get_linestyle(), line.get_marker()) for line in ax.lines}
    assert len(styles) == 2  # colour is not the only difference
    ax = plot.curves([1, 2], {"one": [1, 2]}, "x", "y", "a title").axes[0]
    assert (ax.get_yscale(), ax.get_xscale(), ax.get_title()) == ("linear", "linear", "a title")
    with pytest.raises(ValueError, match="one: expected shape"):
        plot.curves([1, 2], ys, "x", "y")
