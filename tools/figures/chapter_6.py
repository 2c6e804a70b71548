"""The figures of chapter 6, steering."""

from statistics import fmean, stdev

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from genlib.data import Mixture
from genlib.ddpm import DDPM, cosine_beta
from genlib.exact import PerfectClassifier, PerfectDenoiser
from genlib.guidance import ClassifierGuided, Guided
from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas
from tools.figures.words import WORDS

MODES = Mixture(torch.tensor([[-1.1, 0.9], [-0.9, -1.0], [1.1, 0.2]]), 0.25)
LABELS = torch.tensor([0, 0, 1])
LINE = Mixture(torch.tensor([[-0.6, 0.0], [0.6, 0.0]]), 0.5)  # two classes along the first axis


def guidance_arrows() -> Figure:
    """The score of noisy data, the gradient of log p(y | x_t), and their sum at scale 2: exact, for a mixture."""
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.9), sharex=True, sharey=True)
    beta, t = cosine_beta(1000), 450
    net, classifier = PerfectDenoiser(MODES, beta), PerfectClassifier(MODES, beta, LABELS)
    guided = ClassifierGuided(net, classifier, torch.tensor([1]), 2.0, net.alpha_bar)
    signal, noise = net.alpha_bar[t].sqrt(), (1 - net.alpha_bar[t]).sqrt()
    line = torch.linspace(-1.8, 1.8, 7)
    x = torch.cartesian_prod(line, line)
    times = torch.full((len(x),), t)
    fields = (
        (-net(x, times) / noise, "score_of_all"),
        (guided.gradient(x, times), "gradient_of_class"),
        (-guided(x, times) / noise, "score_guided"),
    )
    for axis, (field, name) in zip(axes, fields, strict=True):
        for centre, label in zip(signal * MODES.means, LABELS, strict=True):
            style = {"color": ORANGE, "marker": "o"} if label else {"color": BLUE, "marker": "s"}
            axis.plot(*centre, ms=9, ls="", **style)
        axis.quiver(*x.T, *field.T, color=TEXT, angles="xy", scale=46, width=0.008, headwidth=4.5)
        axis.set(title=WORDS[name], xticks=[], yticks=[], aspect="equal")
        axis.set(xlim=(-2.1, 2.1), ylim=(-2.1, 2.1))
    return figure


def guidance_tradeoff() -> Figure:
    """Precision over recall by the scale, with a classifier and without: stored means of three seeds."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.9))
    kinds = (("free", BLUE, "o-", (8, 5)), ("classifier", ORANGE, "s--", (-10, -16)))
    for kind, colour, style, offset in kinds:
        rows = stored("steering")[f"guidance_{kind}"]
        rows = {scale: row for scale, row in rows.items() if scale != "floor"}
        recall, precision = ([row[m] for row in rows.values()] for m in ("recall", "precision"))
        axis.errorbar(
            [fmean(values) for values in recall],
            [fmean(values) for values in precision],
            xerr=[stdev(values) for values in recall],
            yerr=[stdev(values) for values in precision],
            fmt=style,
            color=colour,
            lw=1.6,
            label=WORDS[f"guidance_{kind}"],
        )
        for scale, x, y in zip(rows, recall, precision, strict=True):
            place = fmean(x), fmean(y)
            axis.annotate(scale, place, offset, textcoords="offset points", color=colour)
    axis.set(xlabel=WORDS["measure_recall"], ylabel=WORDS["measure_precision"])
    axis.legend(loc="lower left")
    return figure


def guided_walk() -> Figure:
    """Where the guided walk ends, and p(x | y) p(y | x)^(s - 1), along a line of two classes: both computed."""
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.7), sharex=True, sharey=True)
    grid = torch.linspace(-1.6, 2.6, 120).double()
    for axis, scale in zip(axes, (1.0, 2.0, 4.0), strict=True):
        axis.plot(grid, tempered(grid, 1.0), ":", color=TEXT, lw=1.6, label=WORDS["class_alone"])
        axis.plot(grid, tempered(grid, scale), "--", color=BLUE, label=WORDS["tempered"])
        axis.plot(*walked(scale), color=ORANGE, label=WORDS["walk_ends"])
        axis.set(title=f"$s = {scale:.0f}$", xlabel="$x$", yticks=[], xlim=(-1.6, 2.6))
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=3)
    return figure


def tempered(x: Tensor, scale: float) -> Tensor:
    """The density p(x) p(y | x)^scale of the right class at points of the line, normalised by a sum."""
    fine = torch.linspace(-5, 6, 4401).double()

    def log_p(at: Tensor) -> Tensor:
        left, right = (-(at - m).square() / (2 * LINE.sd**2) for m in LINE.means[:, 0].tolist())
        both = torch.logaddexp(left, right)
        return both + scale * (right - both)

    total = log_p(fine).exp().sum() * (fine[1] - fine[0])
    return log_p(x).exp() / total


def walked(scale: float, n: int = 160) -> tuple[Tensor, Tensor]:
    """Places and density where DDIM without fresh noise ends: it keeps the order of its starts on a line."""
    beta = cosine_beta(1000).double()
    net = Guided(PerfectDenoiser(LINE, beta, torch.tensor([0, 1])), torch.tensor([1]), scale)
    share = torch.linspace(0.0005, 0.9995, n).double()
    x_T = torch.zeros(n, 2).double()
    x_T[:, 0] = torch.distributions.Normal(torch.zeros(()).double(), 1.0).icdf(share)
    *_, x = DDPM(net, beta).denoise(n, (2,), steps=100, x_T=x_T)
    x = x[:, 0]
    return (x[1:] + x[:-1]) / 2, share.diff() / x.diff()


def caption_model() -> Figure:
    """From a caption to the scale and shift of every block, and the picture's own way."""
    figure, axis = plt.subplots(figsize=(WIDTH, 4.6))
    canvas(axis, 10, 6.4)
    axis.text(0.1, 6.0, WORDS["caption"], color=ORANGE, va="center")
    for k, (word, token) in enumerate((("blue", "6"), ("cross", "12"), ("left", "17"), ("–", "0"))):
        y = 5.3 - 0.8 * k
        axis.text(0.1, y, f"“{word}”" if word != "–" else WORDS["no_word"], va="center")
        box(axis, (2.35, y), (0.7, 0.55), token, ORANGE)
        box(axis, (4.0, y), (1.1, 0.55), WORDS["zeros"] if token == "0" else "• • • •", ORANGE)
        arrow(axis, (1.35, y), (1.95, y), colour=ORANGE)
        arrow(axis, (2.75, y), (3.4, y), colour=ORANGE)
        axis.plot((4.6, 5.1), (y, y), color=ORANGE, lw=1.6)
    axis.text(2.35, 6.0, WORDS["token"], ha="center", va="center", color=ORANGE)
    axis.text(4.0, 6.0, WORDS["embeddings"], ha="center", va="center", color=ORANGE)
    axis.plot((5.1, 5.1), (5.3, 2.9), color=ORANGE, lw=1.6)
    arrow(axis, (5.1, 4.1), (5.75, 4.1), colour=ORANGE)
    box(axis, (6.1, 4.1), (0.6, 0.6), "+", ORANGE)
    box(axis, (6.15, 5.5), (2.1, 0.7), WORDS["time_embedding"])
    arrow(axis, (6.1, 5.15), (6.1, 4.4))
    axis.text(6.5, 4.25, "$e$", ha="left", va="bottom")
    axis.plot((6.4, 8.5), (4.1, 4.1), color=ORANGE, lw=1.6)
    axis.plot((8.5, 8.5), (4.1, 2.2), color=ORANGE, lw=1.6)
    axis.plot((3.2, 8.5), (2.2, 2.2), color=ORANGE, lw=1.6)
    axis.text(8.65, 3.2, WORDS["scale_shift"], va="center", color=ORANGE)
    _picture_path(axis)
    return figure


def _picture_path(axis: Axes) -> None:
    """The lower row of `caption_model`: the noisy picture through the four blocks."""
    box(axis, (0.6, 1.0), (0.9, 0.9), "$x_t$", BLUE)
    box(axis, (9.4, 1.0), (0.9, 0.9), r"$\hat x_0$", GREEN)
    places = (3.2, 4.75, 6.3, 7.85)
    for x, size in zip(places, (1.3, 0.85, 0.85, 1.3), strict=True):
        box(axis, (x, 1.0), (1.1, size), WORDS["block"], BLUE)
        arrow(axis, (x, 2.2), (x, 1.0 + size / 2), colour=ORANGE)
    arrow(axis, (1.05, 1.0), (2.65, 1.0), WORDS["one_of_2x2"])
    for left, right in zip(places[:-1], places[1:], strict=True):
        arrow(axis, (left + 0.55, 1.0), (right - 0.55, 1.0))
    arrow(axis, (8.4, 1.0), (8.95, 1.0))
    axis.text(5.5, 0.12, WORDS["unet_of_5"], ha="center", va="center")


def latent_diffusion() -> Figure:
    """Training: encoder, noise on codes. Drawing: noise, walk on codes, decoder."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.7))
    canvas(axis, 10, 5.1)
    axis.text(0.1, 4.75, WORDS["latent_training"], va="center")
    box(axis, (0.75, 3.6), (1.2, 1.5), "$x$", BLUE)
    box(axis, (2.75, 3.6), (1.5, 1.5), WORDS["encoder"], BLUE, taper=0.5)
    box(axis, (4.75, 3.6), (0.9, 0.75), "$z_0$", GREEN)
    box(axis, (8.3, 3.6), (0.9, 0.75), "$z_t$", GREEN)
    arrow(axis, (1.35, 3.6), (2.0, 3.6))
    arrow(axis, (3.5, 3.6), (4.3, 3.6))
    arrow(axis, (5.2, 3.6), (7.85, 3.6), WORDS["noise_to_codes"])
    axis.text(3.9, 4.05, WORDS["scaled"], ha="center", va="bottom")
    axis.plot((0.1, 9.9), (2.55, 2.55), color=TEXT, lw=1, ls=":")
    axis.text(0.1, 2.2, WORDS["latent_drawing"], va="center")
    box(axis, (8.3, 1.1), (0.9, 0.75), "$z_T$", GREEN)
    box(axis, (6.4, 1.1), (1.6, 1.0), WORDS["small_unet"], ORANGE)
    box(axis, (4.75, 1.1), (0.9, 0.75), r"$\hat z_0$", GREEN)
    box(axis, (2.75, 1.1), (1.5, 1.5), WORDS["decoder"], BLUE, taper=0.5)
    box(axis, (0.75, 1.1), (1.2, 1.5), r"$\hat x$", BLUE)
    arrow(axis, (7.85, 1.1), (7.2, 1.1))
    arrow(axis, (5.6, 1.1), (5.2, 1.1))
    arrow(axis, (4.3, 1.1), (3.5, 1.1))
    arrow(axis, (2.0, 1.1), (1.35, 1.1))
    axis.text(6.4, 0.32, WORDS["many_times"], ha="center", va="center")
    axis.text(2.75, 0.1, WORDS["once"], ha="center", va="center")
    axis.text(9.0, 1.1, WORDS["pure_noise"], va="center")
    return figure


FIGURES = (guidance_arrows, guidance_tradeoff, guided_walk, caption_model, latent_diffusion)
