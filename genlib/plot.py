"""Figures: tensors in, a matplotlib Figure out. Nothing here trains, and nothing calls `show`.

In a notebook a figure shows itself when it is the last line of a cell.
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from typing import Literal

import matplotlib.pyplot as plt
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from genlib.expect import Positive, Size, border, expect, expect_data, expect_numbers, expect_range

# Lines differ in dash and marker too, so that colour is never the only signal.
STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.")


@border
def images(
    x: Tensor, ncol: Size | None = None, title: str | None = None, rows: Sequence[str] | None = None
) -> Figure:
    """A grid of images, ink dark on white; values are clipped to [0, 1].

    Args:
        x: (N, 1, H, W) grey or (N, 3, H, W) colour; beyond -8 and 8 it is no noise, but another range, as 0 to 255.
        ncol: images per row; about twice as many as there are rows if left out.
        rows: one label per row, at its left.
    """
    sizes = expect("x", x, "N C H W")
    if sizes["C"] not in (1, 3) or x.numel() == 0:
        raise ValueError(f"x: expected at least one image of 1 or 3 channels, got {tuple(x.shape)}")
    expect_range("x", x, -8, 8)
    ncol = ncol or min(sizes["N"], math.ceil(math.sqrt(2 * sizes["N"])))
    nrow = math.ceil(sizes["N"] / ncol)
    if rows is not None and len(rows) != nrow:
        raise ValueError(f"rows: expected {nrow} labels, one per row, got {len(rows)}")
    width = min(8.0, 0.7 * ncol) + (1.4 if rows else 0)
    fig, (ax,) = _figure(width, min(8.0, 0.7 * ncol) * nrow / ncol * sizes["H"] / sizes["W"] + 0.4)
    ax.imshow(_tiled(x, ncol, nrow).numpy(), cmap="gray_r", vmin=0, vmax=1, interpolation="nearest")
    ax.set_frame_on(False)
    ax.set_xticks([])
    ax.set_yticks([(sizes["H"] + 1) * (i + 0.5) for i in range(len(rows or ()))], rows or ())
    ax.tick_params(length=0)
    ax.set_title(title or "")
    return fig


def _tiled(x: Tensor, ncol: int, nrow: int) -> Tensor:
    """All images in one, with a light line of one pixel around each: (H', W', C)."""
    N, C, H, W = x.shape
    ground, line = (0.0, 0.1) if C == 1 else (1.0, 0.9)  # grey images are shown with 0 as white
    tiles = torch.full((nrow * ncol, C, H + 2, W + 2), ground)
    tiles[:N] = line
    tiles[:N, :, 1:-1, 1:-1] = x.detach().float().cpu().clamp(0, 1)
    tiles = tiles[:, :, :-1, :-1]  # neighbours share a line
    return (
        tiles.reshape(nrow, ncol, C, H + 1, W + 1)
        .permute(0, 3, 1, 4, 2)
        .flatten(2, 3)
        .flatten(0, 1)
    )


@border
def scatter_2d(
    points: Tensor | Mapping[str, Tensor], limit: Positive | None = None, title: str | None = None
) -> Figure:
    """Points in the plane; a dictionary gives panels side by side, on one scale, each under its name.

    Args:
        points: (n, 2), or such a tensor per panel.
        limit: every panel covers [-limit, limit]^2; just around all points but the far ones if left out.
    """
    panels = points if isinstance(points, Mapping) else {"": points}
    if not panels:
        raise ValueError("points: expected at least one panel, got none")
    for name, x in panels.items():
        expect_data(f"points of {name}" if name else "points", x, "n 2")
    limit = limit or max(_limit(x) for x in panels.values())
    fig, axes = _figure(3.2 * len(panels), 3.6, len(panels))
    for ax, (name, x) in zip(axes, panels.items(), strict=True):
        ax.scatter(*x.detach().cpu().T, s=3, alpha=0.5, linewidths=0)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
        _name_plane(ax, name)
    if title:
        fig.suptitle(title)
    return fig


@border
def curves(
    x: Iterable[float],
    ys: Mapping[str, Iterable],
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    *,
    log: Literal["x", "y", "xy"] | None = None,
) -> Figure:
    """Lines over a common x; several runs of a line become their mean and a band from the lowest to the highest.

    Args:
        x: the P places, for example numbers of training images.
        ys: name to values, shape (P,) or (runs, P).
        xlabel, ylabel: with their units.
        log: the axes that are logarithmic; None for neither.
    """
    logx, logy = "x" in (log or ""), "y" in (log or "")
    x = expect_numbers("x", x)
    expect_data("x", x, "P")
    if not ys:
        raise ValueError("ys: expected at least one line, got none")
    fig, (ax,) = _figure(5.6, 3.6)
    for (name, y), style in zip(ys.items(), STYLES * len(ys), strict=False):
        _line(ax, x, expect_numbers(f"ys of {name}", y), name, style)
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title or "")
    ax.set_xscale("log" if logx else "linear")
    if logx:  # the powers of ten alone say little over one or two decades: name the places instead
        ax.set_xticks(x.tolist(), labels=[f"{place:g}" for place in x.tolist()])
        ax.minorticks_off()
    ax.set_yscale("log" if logy else "linear")
    ax.legend()
    return fig


def _line(ax, x: Tensor, y: Tensor, name: str, style: str) -> None:
    """The mean over runs, and a band round it."""
    y = torch.atleast_2d(y)
    expect(f"ys of {name}", y, "runs P", P=len(x))
    every = max(1, len(x) // 12)
    (line,) = ax.plot(x, y.mean(dim=0), style, label=name, markersize=4, markevery=every)
    if len(y) > 1:
        band = {"color": line.get_color(), "alpha": 0.2, "linewidth": 0}
        ax.fill_between(x, y.amin(dim=0), y.amax(dim=0), **band)


def _figure(width: float, height: float, panels: int = 1):
    """A figure and its panels side by side; pyplot forgets it at once, so that a notebook shows it once."""
    fig, axes = plt.subplots(
        1, panels, figsize=(width, height), layout="constrained", squeeze=False
    )
    plt.close(fig)
    fig.get_layout_engine().set(w_pad=0.1, h_pad=0.1)
    FigureCanvasAgg(fig)  # closing took away the canvas that measures text
    return fig, axes[0]


def _limit(x: Tensor) -> float:
    """Half the width of a centred square around all points but the farthest 1 percent, with a margin."""
    return 1.15 * x.detach().abs().flatten().float().quantile(0.99).item() or 1.0


def _name_plane(ax, title: str | None) -> None:
    ax.set(
        xlabel="x[0], unit of the data",
        ylabel="x[1], unit of the data",
        title=title or "",
        aspect="equal",
    )
