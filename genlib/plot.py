"""Figures: tensors in, a matplotlib Figure out. Nothing here trains, and nothing calls `show`.

In a notebook a figure shows itself when it is the last line of a cell. The running table is an HTML table.
"""

import html
import math
import statistics
from collections.abc import Mapping, Sequence

import matplotlib.pyplot as plt
import torch
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from torch import Tensor

from genlib.data import Checkerboard, Mixture
from genlib.shapes import expect

# Lines differ in dash and marker too, so that colour is never the only signal.
STYLES = ("o-", "s--", "^-.", "D:", "v-", "P--", "X-.")


def images(
    x: Tensor, ncol: int | None = None, title: str | None = None, rows: Sequence[str] | None = None
) -> Figure:
    """A grid of images, ink dark on white; values are clipped to [0, 1].

    Args:
        x: (N, 1, H, W) grey or (N, 3, H, W) colour.
        ncol: images per row; about twice as many as there are rows if left out.
        rows: one label per row, at its left.
    """
    sizes = expect("x", x, "N C H W")
    if sizes["C"] not in (1, 3) or sizes["N"] == 0:
        raise ValueError(f"x: expected at least one image of 1 or 3 channels, got {tuple(x.shape)}")
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


def density_2d(
    density: Mixture | Checkerboard, limit: float | None = None, title: str | None = None
) -> Figure:
    """A map of log p(x) over the plane, in nats, from the highest value down to 12 nats below it.

    Args:
        limit: the map covers [-limit, limit]^2; just around the data if left out.
    """
    limit = limit or _limit(density.sample(1000, torch.Generator().manual_seed(0)))
    line = torch.linspace(-limit, limit, 300)
    points = torch.cartesian_prod(line, line)
    log_p = density.log_prob(points).reshape(300, 300).T
    fig, (ax,) = _figure(4.6, 3.8)
    top = log_p.max().item()
    shown = log_p.clamp(min=top - 12).numpy()
    extent = (-limit, limit, -limit, limit)
    drawn = ax.imshow(shown, origin="lower", extent=extent, cmap="Blues", vmin=top - 12, vmax=top)
    fig.colorbar(drawn, label="log p(x), nats", extend="min")
    _name_plane(ax, title)
    return fig


def scatter_2d(
    points: Tensor | Mapping[str, Tensor], limit: float | None = None, title: str | None = None
) -> Figure:
    """Points in the plane; a dictionary gives panels side by side, on one scale, each under its name.

    Args:
        points: (n, 2), or such a tensor per panel.
        limit: every panel covers [-limit, limit]^2; just around all points but the far ones if left out.
    """
    panels = points if isinstance(points, Mapping) else {"": points}
    for name, x in panels.items():
        expect(name or "points", x, "n 2")
    limit = limit or max(_limit(x) for x in panels.values())
    fig, axes = _figure(3.2 * len(panels), 3.6, len(panels))
    for ax, (name, x) in zip(axes, panels.items(), strict=True):
        ax.scatter(*x.detach().cpu().T, s=3, alpha=0.5, linewidths=0)
        ax.set(xlim=(-limit, limit), ylim=(-limit, limit))
        _name_plane(ax, name)
    if title:
        fig.suptitle(title)
    return fig


def curves(
    x: Sequence[float] | Tensor,
    ys: Mapping[str, Sequence[float] | Tensor],
    xlabel: str,
    ylabel: str,
    title: str | None = None,
    *,
    logx: bool = False,
    logy: bool = False,
) -> Figure:
    """Lines over a common x; several runs of a line become their mean and a band from the lowest to the highest.

    Args:
        x: the P places, for example numbers of training images.
        ys: name to values, shape (P,) or (runs, P).
        xlabel, ylabel: with their units.
    """
    x = torch.as_tensor(x).float()
    fig, (ax,) = _figure(5.6, 3.6)
    for (name, y), style in zip(ys.items(), STYLES * len(ys), strict=False):
        y = torch.atleast_2d(torch.as_tensor(y).detach().float().cpu())
        expect(name, y, "runs P", P=len(x))
        (line,) = ax.plot(
            x, y.mean(dim=0), style, label=name, markersize=4, markevery=max(1, len(x) // 12)
        )
        if len(y) > 1:
            ax.fill_between(
                x, y.amin(dim=0), y.amax(dim=0), color=line.get_color(), alpha=0.2, linewidth=0
            )
    ax.set(xlabel=xlabel, ylabel=ylabel, title=title or "")
    ax.set_xscale("log" if logx else "linear")
    if logx:  # the powers of ten alone say little over one or two decades: name the places instead
        ax.set_xticks(x.tolist(), labels=[f"{place:g}" for place in x.tolist()])
        ax.minorticks_off()
    ax.set_yscale("log" if logy else "linear")
    ax.legend()
    return fig


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
    return 1.15 * x.detach().abs().flatten().float().quantile(0.99).item()


def _name_plane(ax, title: str | None) -> None:
    ax.set(
        xlabel="x[0], unit of the data",
        ylabel="x[1], unit of the data",
        title=title or "",
        aspect="equal",
    )


# --- the running table -------------------------------------------------------------------------------------

# key: (heading, unit, better direction, decimals)
COLUMNS = {
    "frechet": ("Fréchet distance", "feature units²", "↓", 2),
    "precision": ("precision", "share", "↑", 2),
    "recall": ("recall", "share", "↑", 2),
    "class_tv": ("class histogram", "total variation", "↓", 3),
    "nearest_ratio": ("nearest-training ratio", "under 1: closer than new digits", "→ 1", 2),
    "as_asked": ("drawn as asked", "share", "↑", 3),
    "accuracy": ("test accuracy", "share", "↑", 3),
    "log_prob_test": ("log p(x), test", "nats per image", "↑", 1),
    "parameters": ("parameters", "count", "", 0),
    "train_cpu_s": ("training", "CPU-s", "↓", 3),
    "sample_s_per_1000": ("1,000 samples", "CPU-s", "↓", 3),
}


class Table:
    """Rows of the running table; shows itself as an HTML table in a notebook and as plain text elsewhere.

    Args:
        rows: key to row; a row holds "label" and per measure one number, or a list over seeds (mean ± their
            standard deviation), and in "bounds" the names of those that are lower bounds. Measures that no row
            has get no column.
        floor: what real data score, printed as the first row.
        highlight: key of the row to mark.
        columns: the measures to show, keys of COLUMNS; all if left out.
    """

    def __init__(
        self,
        rows: Mapping[str, Mapping],
        floor: Mapping | None = None,
        highlight: str | None = None,
        columns: Sequence[str] | None = None,
    ):
        if unknown := [key for key in columns or () if key not in COLUMNS]:
            raise ValueError(
                f"columns: expected keys among {', '.join(COLUMNS)}, got {', '.join(unknown)}"
            )
        first = {"floor": {"label": "real digits (the floor)"} | dict(floor)} if floor else {}
        self.rows, self.highlight = first | dict(rows), highlight
        self.columns = [
            key for key in columns or COLUMNS if any(key in row for row in self.rows.values())
        ]

    def cells(self) -> list[list[str]]:
        """The text of the body, row by row: the label, then one cell per column."""
        return [
            [row.get("label", name)]
            + [
                "≥ " * (key in row.get("bounds", ())) + cell(row.get(key), COLUMNS[key][3])
                for key in self.columns
            ]
            for name, row in self.rows.items()
        ]

    def __repr__(self) -> str:
        lines = [
            ["model"] + [" ".join(COLUMNS[key][::2]).strip() for key in self.columns],
            *self.cells(),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def _repr_html_(self) -> str:
        head = "".join(_heading(*COLUMNS[key][:3]) for key in self.columns)
        body = "".join(
            _row(cells, marked=name == self.highlight)
            for name, cells in zip(self.rows, self.cells(), strict=True)
        )
        return (
            '<div class="gl-table" role="region" tabindex="0" aria-label="The running table" style="overflow-x:auto">'
            '<table style="border-collapse:collapse;color:inherit;background:none;font-size:.85em">'
            f'<thead><tr style="background:none"><th scope="col" style="{PAD}text-align:left">model</th>{head}</tr>'
            f"</thead><tbody>{body}</tbody></table>"
            '<p style="font-size:.8em;margin:.3em 0">↑ larger is better, ↓ smaller is better; '
            "± is the standard deviation over seeds.</p></div>"
        )


PAD = "padding:.3em .6em;border-top:1px solid rgba(128,128,128,.5);"


def cell(value: float | Sequence[float] | None, decimals: int) -> str:
    """A number, mean ± standard deviation of a list, or a dash."""
    if value is None:
        return "–"
    values = list(value) if isinstance(value, Sequence) else [value]
    mean = f"{statistics.fmean(values):,.{decimals}f}"
    if len(values) < 2 or len(set(values)) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values):,.{decimals}f}"


def _heading(name: str, unit: str, better: str) -> str:
    return (
        f'<th scope="col" style="{PAD}text-align:right;vertical-align:bottom">{html.escape(name)}&nbsp;{better}'
        f'<br><small style="font-weight:normal">{html.escape(unit)}</small></th>'
    )


def _row(cells: Sequence[str], marked: bool) -> str:
    """One row of the body, the spread under its mean; a marked row is bold, between lines, behind an arrow."""
    label, *values = map(html.escape, cells)
    label = f"▸ {label}" if marked else label
    style = "font-weight:bold;border-block:2px solid currentColor;" if marked else ""
    numbers = [
        value.replace(" ±", "<br><small>±", 1) + "</small>" * (" ±" in value) for value in values
    ]
    body = "".join(
        f'<td style="{PAD}text-align:right;white-space:nowrap">{number}</td>' for number in numbers
    )
    head = f'<th scope="row" style="{PAD}text-align:left;min-width:7em">{label}</th>'
    return f'<tr style="background:none;{style}">{head}{body}</tr>'


def table(
    rows: Mapping[str, Mapping],
    floor: Mapping | None = None,
    highlight: str | None = None,
    columns: Sequence[str] | None = None,
) -> Table:
    """The running table; the arguments are those of `Table`."""
    return Table(rows, floor, highlight, columns)
