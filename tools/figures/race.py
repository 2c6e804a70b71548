"""The race of benchmarks/race.py: quality against CPU-seconds of training, a panel a row."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH
from tools.figures.words import WORDS

PEERS = ((ORANGE, "s"), (GREEN, "^"))  # colour and mark of the first and the second peer of a panel


def race_vae_ddpm() -> Figure:
    """The VAEs and the diffusion models on MNIST."""
    return side_by_side("vae", "ddpm")


def race_gan_grid() -> Figure:
    """The GANs on MNIST, and the diffusion models of the plane."""
    return side_by_side("gan", "grid")


def measured() -> dict:
    """The rows that are stored; none before the first race."""
    try:
        return stored("race")["races"]
    except ValueError:
        return {}


def side_by_side(*names: str) -> Figure:
    """Ours and its peers, each as published and at our width: the stored curves of one seed, a panel a row."""
    rows = [name for name in names if name in measured()]
    width = WIDTH * len(rows) / len(names)
    figure, axes = plt.subplots(1, len(rows), figsize=(width, 3.9), squeeze=False)
    for axis, name in zip(axes.flat, rows, strict=True):
        panel(axis, measured()[name]["seed_0"])
        axis.set_title(WORDS[f"race_{name}"])
    return figure


def panel(axis: Axes, row: dict) -> None:
    """The curves of one row; a dotted line at half of the budget, a dashed one at what real samples score."""
    measure, better = next(iter(row["measures"].items()))
    ours, *theirs = row["contestants"].items()
    style = {"color": BLUE, "marker": "o", "lw": 2.2, "zorder": 3, "label": WORDS["race_ours"]}
    curve(axis, ours[1], measure, style)
    peers = list(dict.fromkeys(name.removesuffix("_matched") for name, _ in theirs))
    for name, one in theirs:
        peer, matched = name.removesuffix("_matched"), name.endswith("_matched")
        colour, mark = PEERS[peers.index(peer)]
        style = {"color": colour, "marker": mark, "lw": 1.4}
        more = {"ls": "--", "mfc": "none"} if matched else {"label": WORDS[f"race_{peer}"]}
        curve(axis, one, measure, style | more)
    axis.axvline(row["budget_cpu_s"] / 2, color=TEXT, ls=":", lw=1)
    axis.set(ylabel=WORDS[f"race_{measure}"], xlabel=WORDS["cpu_seconds"], xticks=(0, 60, 120))
    if better == "lower":
        axis.axhline(row["floor"][measure], color=TEXT, ls=(0, (6, 3)), lw=1)
        axis.set_yscale("log")
        axis.minorticks_off()
        axis.set_ylim(bottom=row["floor"][measure] / 20)  # room for the legend below it
    else:
        last = [one["curve"][-1][measure] for _, one in (ours, *theirs) if one.get("curve")]
        axis.set_ylim(min(last) - 8, max(last) + 2)
        axis.yaxis.set_major_locator(MaxNLocator(4, integer=True))
    axis.legend(fontsize=9, loc="lower right" if better == "higher" else "lower left")


def curve(axis: Axes, one: dict, measure: str, style: dict) -> None:
    """One curve; nothing of who was skipped before the first look."""
    if one.get("curve"):
        x, y = ([point[key] for point in one["curve"]] for key in ("cpu_s", measure))
        axis.plot(x, y, ms=4.5, **style)


FIGURES = tuple(
    figure
    for figure, names in ((race_vae_ddpm, ("vae", "ddpm")), (race_gan_grid, ("gan", "grid")))
    if set(names) & set(measured())
)
