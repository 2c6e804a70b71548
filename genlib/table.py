"""The running table of the book as HTML and as text, and the stored results that it and the pages quote.

A measure of samples is stored as one list a seed, with a number for each draw of samples: [[.4, .5, .4], [.3, .3, .4]].
What is measured once for each seed is a flat list. Draws of one seed share its trained model, so they are no
independent repetitions of the training: the seeds are, and `interval` and `verdict` count seeds.
"""

import html
import json
import math
import statistics
from collections.abc import Mapping, Sequence
from pathlib import Path

from genlib import words
from genlib.expect import Count, Share, Size, border, expect_one_of
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


# --- how sure a number is --------------------------------------------------------------------------------------

Values = float | Sequence | None  # a number, one for each seed, or for each seed one for each draw


@border
def seed_means(values: Values) -> list[float]:
    """One number for each seed: the mean over its draws. What was not measured is None, and stays it."""
    return _means("values", values)


def _means(name: str, values: Values) -> list[float]:
    seeds = values if isinstance(values, list | tuple) else [values]
    draws = [own if isinstance(own, list | tuple) else [own] for own in seeds]
    if not all(
        own and (own == [None] or all(isinstance(v, int | float) for v in own)) for own in draws
    ):
        raise ValueError(
            f"{name}: expected a number, one for each seed, or a list of draws for each; got {values}"
        )
    return [own[0] if len(own) == 1 else statistics.fmean(own) for own in draws]


@border
def spreads(values: Sequence[Sequence]) -> dict[str, float]:
    """Standard deviations of what a row varies by: "seeds", between trainings, and "draws", between draws of one model.

    The means over n draws scatter by both, with variance seeds^2 + draws^2 / n; the second part is taken off, and
    "seeds" is 0 where that leaves nothing.

    Args:
        values: one list a seed, of as many draws each; two seeds and two draws at least.

    Raises:
        ValueError: there are fewer, or not as many draws for each seed.
    """
    means = _at_least_two_seeds("values", values)
    draws_each = {len(own) if isinstance(own, list | tuple) else 1 for own in values}
    if len(draws_each) != 1 or min(draws_each) < 2:
        found = sorted(draws_each)
        raise ValueError(
            f"values: expected as many draws for each seed, two or more; got lists of {found}"
        )
    n = draws_each.pop()
    draws = statistics.fmean([statistics.variance(own) for own in values])
    seeds = statistics.variance(means) - draws / n
    return {"seeds": math.sqrt(max(0.0, seeds)), "draws": math.sqrt(draws)}


@border
def interval(values: Values, level: Share = 0.95) -> tuple[float, float]:
    """From, to: Student's interval for the mean of a row over all seeds and draws that there could be.

    m ± t s / sqrt(S), with m and s the mean and standard deviation of the S `seed_means`, which hold the chance of
    the trainings and of the draws, and t the quantile of S - 1 degrees of freedom. The 500 test images, which all
    rows share, are taken as given; so is the judge.

    Raises:
        ValueError: there are fewer than two seeds.
    """
    means = _at_least_two_seeds("values", values)
    error = statistics.stdev(means) / math.sqrt(len(means))
    half = _t(len(means) - 1, level) * error
    return statistics.fmean(means) - half, statistics.fmean(means) + half


@border
def verdict(
    values: Values,
    reference: Values,
    comparisons: Size = 1,
    *,
    level: Share = 0.95,
    larger_is_better: bool = False,
) -> str:
    """Whether a row is "better" or "worse" than another one, or "same": no difference that so few seeds can show.

    Welch's test on the `seed_means`: equal spreads are not assumed. Of rows that do not differ, 5 % would be called
    different by chance; with many `comparisons` that is shared out, so that it is at most 5 % for all of them together
    (Bonferroni). Rows that share their trainings scatter together, so for them the test is a little too careful.

    Args:
        values, reference: as `interval` takes them, of two seeds or more.
        comparisons: how many rows are compared with the reference.

    Raises:
        ValueError: there are fewer than two seeds.
    """
    a = _at_least_two_seeds("values", values)
    b = _at_least_two_seeds("reference", reference)
    of_a, of_b = statistics.variance(a) / len(a), statistics.variance(b) / len(b)
    difference = statistics.fmean(a) - statistics.fmean(b)
    if of_a + of_b > 0:
        squares = of_a**2 / (len(a) - 1) + of_b**2 / (len(b) - 1)
        t = _t((of_a + of_b) ** 2 / squares, 1 - (1 - level) / comparisons)
        chance = t * math.sqrt(of_a + of_b)
        if abs(difference) <= chance:
            return "same"
    if difference == 0:
        return "same"
    return "better" if (difference > 0) == larger_is_better else "worse"


def _at_least_two_seeds(name: str, values: Values) -> list[float]:
    means = _means(name, values)
    if len(means) < 2 or None in means or not all(map(math.isfinite, means)):
        raise ValueError(f"{name}: expected at least two seeds, of finite numbers, got {values}")
    return means


def _t(freedom: float, level: float) -> float:
    """The number that |t| stays below with probability `level`."""
    from scipy.special import stdtrit  # here: most who show a table need none of it

    return float(stdtrit(freedom, (1 + level) / 2))


# --- the table -------------------------------------------------------------------------------------------------

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
    "modes": ("↑", 0),
    "high_quality": ("↑", 3),
    "spread": ("→ 0.97", 2),
    "inside": ("↑", 3),
    "mean_log_prob": ("↑", 2),
    "mmd": ("↓", 4),
    "sliced_wasserstein": ("↓", 3),
    "log_prob_test": ("↑", 1),
    "parameters": ("", 0),
    "train_cpu_s": ("↓", 3),
    "sample_s_per_1000": ("↓", 3),
    # what a model can do: words, from words.CAN
    "sample": ("", 0),
    "density": ("", 0),
    "encode": ("", 0),
    "condition": ("", 0),
    "edit": ("", 0),
}


@border
class Table:
    """Rows of the running table; shows itself as an HTML table in a notebook and as plain text elsewhere.

    Args:
        rows: key to row; a row holds per measure one number, a list over seeds (mean ± their standard deviation), or
            for each seed a list over draws (mean and `interval`); in "bounds" the names of those that are lower bounds,
            and its "label" if it is none of the book's rows (words.ROWS). Measures that no row has get no column.
        floor: what real data score, printed as the first row.
        highlight: key of the row to mark.
        columns: the measures to show, keys of COLUMNS; all if left out.
        against: key of a row; a last column then says the `verdict` on the Fréchet distance of each row against its
            own, all of them together at 5 %.
    """

    def __init__(
        self,
        rows: Mapping[str, Mapping],
        floor: Mapping | None = None,
        highlight: str | None = None,
        columns: Sequence[str] | None = None,
        against: str | None = None,
    ):
        if unknown := [key for key in columns or () if key not in COLUMNS]:
            raise ValueError(
                f"columns: expected keys among {', '.join(COLUMNS)}, got {', '.join(unknown)}"
            )
        for name, key in (("highlight", highlight), ("against", against)):
            if key is not None:
                expect_one_of(name, key, list(rows))
        first = {"floor": floor} if floor else {}
        self.rows, self.highlight, self.against = first | dict(rows), highlight, against
        self.columns = [
            key for key in columns or COLUMNS if any(key in row for row in self.rows.values())
        ]

    def cells(self) -> list[list[str]]:
        """The text of the body, row by row: the label, one cell per column, and the verdict if there is one."""
        verdicts = self.verdicts() if self.against else {}
        return [
            [label_of(name, row)]
            + [
                "≥ " * (key in row.get("bounds", ())) + cell(row.get(key), COLUMNS[key][1])
                for key in self.columns
            ]
            + ([words.VERDICTS[verdicts[name]]] if self.against else [])
            for name, row in self.rows.items()
        ]

    def verdicts(self) -> dict[str, str]:
        """For each row, by its key, a key of words.VERDICTS: its Fréchet distance against that of the row `against`."""
        enough = {
            name: row["frechet"]
            for name, row in self.rows.items()
            if name != "floor" and len(seed_means(row.get("frechet"))) > 1
        }
        if self.against not in enough:
            raise ValueError(f"against: expected a row with two seeds or more, got {self.against}")
        reference = enough.pop(self.against)
        found = {name: verdict(own, reference, len(enough)) for name, own in enough.items()}
        rest = {name: "floor" if name == "floor" else "few" for name in self.rows}
        return rest | found | {self.against: "reference"}

    def __repr__(self) -> str:
        lines = [
            [words.TABLE["model"], *map(_arrowed, self.columns), *self._last_heading()],
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
        head += "".join(
            _heading(text, words.COLUMNS["frechet"][0]) for text in self._last_heading()
        )
        body = "".join(
            _row(cells, name == self.highlight, self.against is not None)
            for name, cells in zip(self.rows, self.cells(), strict=True)
        )
        return (
            f'<div class="gl-table" role="group" tabindex="0" aria-label="{title}" style="overflow-x:auto">'
            '<table style="border-collapse:collapse;color:inherit;background:none;font-size:.85em">'
            f'<thead><tr style="background:none"><th scope="col" style="{PAD}text-align:left">{model}</th>{head}</tr>'
            f"</thead><tbody>{body}</tbody></table>"
            f'<p style="font-size:.8em;margin:.3em 0">{legend}</p></div>'
        )

    def _last_heading(self) -> list[str]:
        """The heading of the verdicts, where there are some."""
        if self.against is None:
            return []
        label = label_of(self.against, self.rows[self.against])
        return [words.TABLE["against"].format(row=label)]


PAD = "padding:.3em .6em;border-top:1px solid rgba(128,128,128,.5);"


@border
def label_of(name: str, row: Mapping) -> str:
    """What a row is called: by itself, by the words, or else by its key."""
    return row.get("label", words.ROWS.get(name, name))


@border
def cell(value: Values | str, decimals: Count) -> str:
    """A number; mean ± standard deviation of a list; mean [from, to] of lists of draws; a word; or a dash."""
    if isinstance(value, str):
        if value not in words.CAN:
            raise ValueError(
                f"value: expected a number, lists of them, or one of {', '.join(words.CAN)}; got {value!r}"
            )
        return words.CAN[value]
    values = list(value) if isinstance(value, Sequence) else [value]
    if values in ([], [None]):
        return "–"
    means = _means("value", values) if len(values) < 2 else _at_least_two_seeds("value", values)
    mean = f"{statistics.fmean(means):,.{decimals}f}"
    if len(means) < 2 or len(set(means)) == 1:
        return mean
    if isinstance(values[0], Sequence):
        low, high = interval(values)
        return f"{mean} [{low:,.{decimals}f}, {high:,.{decimals}f}]"
    return f"{mean} ± {statistics.stdev(means):,.{decimals}f}"


def _arrowed(key: str) -> str:
    """The heading of a column and its better direction, in plain text."""
    return f"{words.COLUMNS[key][0]} {COLUMNS[key][0]}".strip()


def _heading(name: str, unit: str, better: str = "") -> str:
    return (
        f'<th scope="col" style="{PAD}text-align:right;vertical-align:bottom">{html.escape(name)}&nbsp;{better}'
        f'<br><small style="font-weight:normal">{html.escape(unit)}</small></th>'
    )


def _row(cells: Sequence[str], marked: bool, verdict: bool) -> str:
    """One row of the body, the spread under its mean; a marked row is bold, between lines, behind an arrow.

    A verdict, which stands last, is words: they may take several lines.
    """
    label, *values = map(html.escape, cells)
    label = f"▸ {label}" if marked else label
    style = "font-weight:bold;border-block:2px solid currentColor;" if marked else ""
    last = values.pop() if verdict else None
    body = "".join(
        f'<td style="{PAD}text-align:right;white-space:nowrap">{_two_lines(value)}</td>'
        for value in values
    )
    body += f'<td style="{PAD}text-align:left;min-width:8em">{last}</td>' if verdict else ""
    head = f'<th scope="row" style="{PAD}text-align:left;min-width:7em">{label}</th>'
    return f'<tr style="background:none;{style}">{head}{body}</tr>'


def _two_lines(value: str) -> str:
    """A mean, and on a line of its own the spread or the interval behind it."""
    for sign in (" ±", " ["):
        if sign in value:
            return value.replace(sign, f"<br><small>{sign[1:]}", 1) + "</small>"
    return value
