"""The running table of the book as HTML and as text, and the stored results that it and the pages quote."""

import html
import json
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from genlib import words
from genlib.expect import Count, border, expect_one_of
from genlib.run import forgiving_output

HERE = Path(__file__).parent


@border
def stored(name: str) -> dict:
    """The stored results of one command, for example "table"; from book/_data, or from inside the installed package.

    Raises:
        ValueError: there are no stored results of that name.
    """
    for folder in (HERE.parent / "book" / "_data", HERE / "results"):
        if (path := folder / f"{name}.json").exists():
            return json.loads(path.read_text(encoding="utf-8"))
    raise ValueError(f"name: found no stored results {name}.json (`make table` measures them)")


# measure: (better direction, decimals); headings and units are words
COLUMNS = {
    "frechet": ("↓", 2),
    "precision": ("↑", 2),
    "recall": ("↑", 2),
    "class_tv": ("↓", 3),
    "nearest_ratio": ("→ 1", 2),
    "label_accuracy": ("↑", 3),
    "accuracy": ("↑", 3),
    "lenient": ("↑", 3),
    "strict": ("↑", 3),
    "log_prob_test": ("↑", 1),
    "parameters": ("", 0),
    "train_cpu_s": ("↓", 3),
    "sample_s_per_1000": ("↓", 3),
}


@border
class Table:
    """Rows of the running table; shows itself as an HTML table in a notebook and as plain text elsewhere.

    Args:
        rows: key to row; a row holds per measure one number, or a list over seeds (mean ± their standard deviation),
            in "bounds" the names of those that are lower bounds, and its "label" if it is none of the book's rows
            (words.ROWS). Measures that no row has get no column.
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
        if highlight is not None:
            expect_one_of("highlight", highlight, list(rows))
        first = {"floor": floor} if floor else {}
        self.rows, self.highlight = first | dict(rows), highlight
        self.columns = [
            key for key in columns or COLUMNS if any(key in row for row in self.rows.values())
        ]

    def cells(self) -> list[list[str]]:
        """The text of the body, row by row: the label, then one cell per column."""
        return [
            [row.get("label", words.ROWS.get(name, name))]
            + [
                "≥ " * (key in row.get("bounds", ())) + cell(row.get(key), COLUMNS[key][1])
                for key in self.columns
            ]
            for name, row in self.rows.items()
        ]

    def __repr__(self) -> str:
        lines = [
            [words.TABLE["model"], *map(_arrowed, self.columns)],
            *self.cells(),
        ]
        widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
        return "\n".join("  ".join(map(str.ljust, line, widths)).rstrip() for line in lines)

    def __str__(self) -> str:
        forgiving_output()  # arrows and ± may be more than the terminal can show
        return repr(self)

    def _repr_html_(self) -> str:
        model, title, legend = (
            html.escape(words.TABLE[key]) for key in ("model", "name", "legend")
        )
        head = "".join(_heading(*words.COLUMNS[key], COLUMNS[key][0]) for key in self.columns)
        body = "".join(
            _row(cells, marked=name == self.highlight)
            for name, cells in zip(self.rows, self.cells(), strict=True)
        )
        return (
            f'<div class="gl-table" role="region" tabindex="0" aria-label="{title}" style="overflow-x:auto">'
            '<table style="border-collapse:collapse;color:inherit;background:none;font-size:.85em">'
            f'<thead><tr style="background:none"><th scope="col" style="{PAD}text-align:left">{model}</th>{head}</tr>'
            f"</thead><tbody>{body}</tbody></table>"
            f'<p style="font-size:.8em;margin:.3em 0">{legend}</p></div>'
        )


PAD = "padding:.3em .6em;border-top:1px solid rgba(128,128,128,.5);"


@border
def cell(value: float | Sequence[float] | None, decimals: Count) -> str:
    """A number, mean ± standard deviation of a list, or a dash."""
    values = list(value) if isinstance(value, Sequence) else [value]
    if values in ([], [None]):
        return "–"
    mean = f"{statistics.fmean(values):,.{decimals}f}"
    if len(values) < 2 or len(set(values)) == 1:
        return mean
    return f"{mean} ± {statistics.stdev(values):,.{decimals}f}"


def _arrowed(key: str) -> str:
    """The heading of a column and its better direction, in plain text."""
    return f"{words.COLUMNS[key][0]} {COLUMNS[key][0]}".strip()


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
