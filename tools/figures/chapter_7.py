"""The figures of chapter 7, side by side."""

from statistics import fmean

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.textpath import TextPath

from genlib.corrupt import CORRUPTIONS
from genlib.table import interval, seed_means, stored
from genlib.words import CORRUPTIONS as FAULTS
from genlib.words import MEASURES
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas
from tools.figures.words import WORDS

# --- what a measure looks at -----------------------------------------------------------------------------------

LOOKS = (  # height on the sheet, key of what is computed, key of who computes it
    (6.75, "moments_2", BLUE),
    (5.95, "moments_3", BLUE),
    (5.15, "balls", BLUE),
    (4.2, "class_read", BLUE),
    (2.95, "nearest_digit", ORANGE),
    (2.15, "fresh_classifier", ORANGE),
    (1.35, "old_density", ORANGE),
)


def measures_look() -> Figure:
    """From images to measures: the way through the judge's features, and the way of the pixels."""
    figure, axis = plt.subplots(figsize=(WIDTH, 5.1))
    canvas(axis, 10, 7.1)
    box(axis, (0.8, 4.5), (1.5, 0.75), WORDS["samples"], GREEN)
    box(axis, (0.8, 3.3), (1.5, 0.75), WORDS["real_images"], GREEN)
    axis.plot((1.55, 1.75, 1.75, 1.55), (4.5, 4.5, 3.3, 3.3), color=TEXT, lw=1.6)
    axis.plot((1.75, 1.75, 1.75), (5.95, 3.3, 2.15), color=TEXT, lw=1.6)
    box(axis, (2.55, 5.95), (0.95, 1.3), WORDS["judge"], BLUE, taper=0.4)
    box(axis, (4.05, 5.95), (1.25, 0.65), WORDS["features"], BLUE)
    arrow(axis, (1.75, 5.95), (2.08, 5.95))
    arrow(axis, (3.03, 5.95), (3.42, 5.95))
    axis.plot((2.55, 2.55), (5.42, 4.2), color=TEXT, lw=1.6)
    arrow(axis, (2.55, 4.2), (5.05, 4.2))
    axis.plot((1.75, 4.85), (2.15, 2.15), color=TEXT, lw=1.6)
    axis.text(3.3, 2.25, WORDS["pixels"], ha="center", va="bottom")
    for way, ends in ((4.68, (6.75, 5.15)), (4.85, (2.95, 1.35))):
        axis.plot((way, way), ends, color=TEXT, lw=1.6)
    for y, key, colour in LOOKS:
        box(axis, (6.15, y), (2.2, 0.62), WORDS[f"look_{key}"], colour)
        axis.text(7.4, y, WORDS[f"gives_{key}"], va="center")
        if y != 4.2:
            arrow(axis, (4.68 if y > 4 else 4.85, y), (5.05, y))
    box(axis, (0.8, 0.4), (1.5, 0.62), WORDS["model_itself"], TEXT)
    box(axis, (6.15, 0.4), (2.2, 0.62), WORDS["look_likelihood"], TEXT)
    arrow(axis, (1.55, 0.4), (5.05, 0.4), WORDS["no_samples"])
    axis.text(7.4, 0.4, WORDS["gives_likelihood"], va="center")
    return figure


# --- which measure notices what ---------------------------------------------------------------------------------


def measures_matrix() -> Figure:
    """The smallest dose of each fault that each measure notices, on a square that is larger for a smaller dose."""
    matrix, doses = stored("measures")["matrix"], stored("measures")["doses"]
    at: dict[str, list[tuple[int, int]]] = {}
    for y, fault in enumerate(CORRUPTIONS):
        for x, measure in enumerate(MEASURES):
            if words := mark(matrix[fault][measure]):
                at.setdefault(words, []).append((x, y))
    figure, axis = plt.subplots(figsize=(WIDTH, 5.2))
    axis.set(xlim=(-0.5, len(MEASURES) - 0.5), ylim=(len(CORRUPTIONS) - 0.5, -0.5))
    for i, dose in enumerate(doses[:-1]):
        if places := at.get(written(dose)):
            square = {"ms": 31 - 2.2 * i, "mfc": (BLUE, 0.2), "mec": BLUE, "mew": 2.6, "ls": ""}
            axis.plot(*zip(*places, strict=True), "s", **square)
    for words, places in at.items():
        size = max(TextPath((0, 0), words, 10).get_extents().size)  # as large as text of 10 points
        text = {"marker": f"${words}$", "ms": size, "color": TEXT, "mew": 0, "ls": ""}
        axis.plot(*zip(*places, strict=True), **text)
    short = [WORDS[f"matrix_{name}"] for name in MEASURES]
    axis.set_xticks(range(len(MEASURES)), short, rotation=38, ha="left", va="bottom")
    axis.xaxis.tick_top()
    axis.set_yticks(range(len(CORRUPTIONS)), [FAULTS[name] for name in CORRUPTIONS])
    axis.tick_params(top=False, left=False)
    axis.spines[:].set_visible(False)
    return figure


def mark(found: dict) -> str:
    """The smallest dose that is noticed; nothing if there is none, a plus if full dose looks better than real."""
    if found["better"][-1] >= stored("measures")["often"]:
        return "+"
    return "" if found["smallest"] is None else written(found["smallest"])


def written(dose: float) -> str:
    """A dose in percent."""
    return f"{100 * dose:.0f}"


# --- quality, drawing time, training time -------------------------------------------------------------------------

FAMILIES = {  # family: its rows, colour, mark
    "statistics": (
        ("naive_bayes", "full_gaussian", "mixture", "kernel_density"),
        TEXT,
        "o",
    ),
    "codes": (
        ("ae_standard_normal", "ae_fitted_gaussian", "ae_fitted_mixture"),
        ORANGE,
        "^",
    ),
    "vae": (("vae", "vae_fitted_mixture"), ORANGE, "v"),
    "gan": (("gan",), GREEN, "s"),
    "diffusion": (("ddpm", "ddim"), BLUE, "D"),
    "labels": (("ddpm_conditional", "ddpm_guided"), BLUE, "P"),
    "flow": (("flow_50",), GREEN, "X"),
}
COSTS = ("sample_s_per_1000", "train_cpu_s")


def cost_of_quality() -> Figure:
    """The Fréchet distance of every row against what it costs to draw, and to train; the lower left is the best."""
    rows, floor = stored("table")["rows"], fmean(seed_means(stored("table")["floor"]["frechet"]))
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 4.6), sharey=True)
    for axis, cost in zip(axes, COSTS, strict=True):
        best = frontier({name: point(row, cost) for name, row in rows.items()})
        axis.step(*zip(*best, strict=True), where="post", color=TEXT, lw=1, ls="--", zorder=1)
        for family, (names, colour, mark) in FAMILIES.items():
            x, y = zip(*(point(rows[name], cost) for name in names), strict=True)
            low, high = zip(*(interval(rows[name]["frechet"]) for name in names), strict=True)
            axis.vlines(x, [max(end, 0.1) for end in low], high, color=colour, lw=1.2)
            style = {"color": colour, "ms": 8, "mew": 0, "ls": ""}
            axis.plot(x, y, mark, label=WORDS[f"family_{family}"], **style)
        axis.axhline(floor, color=TEXT, lw=1, ls=":")
        axis.set(xscale="log", yscale="log", xlabel=WORDS[f"cost_{cost}"])
        axis.minorticks_off()
    axes[0].set(ylabel=WORDS["frechet_test"], yticks=(0.25, 0.5, 1, 2, 4, 8))
    axes[0].set_yticklabels(("0.25", "0.5", "1", "2", "4", "8"))
    figure.legend(*axes[0].get_legend_handles_labels(), loc="outside lower center", ncols=3)
    return figure


def point(row: dict, cost: str) -> tuple[float, float]:
    """Means over the seeds: what a row costs, and its distance."""
    return fmean(seed_means(row[cost])), fmean(seed_means(row["frechet"]))


def frontier(points: dict[str, tuple[float, float]]) -> list[tuple[float, float]]:
    """The points that no other one beats in both, from the cheapest on."""
    found: list[tuple[float, float]] = []
    for x, y in sorted(points.values()):
        if not found or y < found[-1][1]:
            found.append((x, y))
    return found


FIGURES = (measures_look, measures_matrix, cost_of_quality)
