"""The figures of chapter 5, denoising diffusion."""

import math
from statistics import fmean

import matplotlib.pyplot as plt
import torch
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from torch import Tensor

from genlib.data import Mixture
from genlib.ddpm import DDPM, alpha_bar_of, cosine_beta, linear_beta
from genlib.exact import PerfectDenoiser, PerfectVelocity
from genlib.flow import FlowMatching
from genlib.nets import TimeEmbedding
from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas, show_row
from tools.figures.words import WORDS

LINE = Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.0]]), 0.2)  # two modes along the first axis


def chain() -> Figure:
    """x_0 to x_T: noise is added by a fixed rule, and taken away by a network."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.45))
    canvas(axis, 10, 3.3)
    names = ("$x_0$", "$x_1$", r"$\cdots$", "$x_{t-1}$", "$x_t$", r"$\cdots$", "$x_T$")
    places = [0.6 + 1.46 * i for i in range(7)]
    for x, name in zip(places, names, strict=True):
        if name == r"$\cdots$":
            axis.text(x, 1.55, name, ha="center", va="center")
        else:
            box(axis, (x, 1.55), (0.9, 0.8), name)
    for i, (left, right) in enumerate(zip(places, places[1:], strict=False)):
        q, p = (r"$q(x_t \mid x_{t-1})$", r"$p_\theta(x_{t-1} \mid x_t)$") if i == 3 else ("", "")
        arrow(axis, (left + 0.3, 2.0), (right - 0.3, 2.0), "", BLUE, bend=0.25)
        axis.text((left + right) / 2, 2.35, q, ha="center")
        arrow(axis, (right - 0.3, 1.1), (left + 0.3, 1.1), "", ORANGE, bend=0.25)
        axis.text((left + right) / 2, 0.62, p, ha="center", va="top", color=TEXT)
    axis.text(0.15, 2.9, WORDS["noise_added"], color=BLUE)
    axis.text(0.15, 0.1, WORDS["noise_taken"], color=ORANGE)
    axis.text(9.85, 2.9, WORDS["pure_noise"], ha="right")
    return figure


def reverse_step(size: int, x_t: float = 0.1, t: int = 400) -> tuple[Tensor, Tensor]:
    """q(x_s | x_t) of the two modes on a grid, for s = t - size, and the normal density of its mean and variance."""
    alpha_bar = alpha_bar_of(linear_beta(1000))
    kept = (alpha_bar[t] / alpha_bar[t - size]).item()
    there = alpha_bar[t - size].item()
    noised = LINE.noised(math.sqrt(there), math.sqrt(1 - there))
    grid = torch.linspace(-4, 4, 8001, dtype=torch.float64)
    off = grid[:, None] - noised.means[:, 0].double()
    log_prior = torch.logsumexp(-(off.square()) / (2 * noised.sd**2), dim=1)
    log_step = -((x_t - math.sqrt(kept) * grid).square()) / (2 * (1 - kept))
    p = (log_prior + log_step).softmax(dim=0)
    mean = (p * grid).sum()
    sd = (p * (grid - mean).square()).sum().sqrt()
    bell = torch.distributions.Normal(mean, sd).log_prob(grid).exp()
    return p * 1000, bell  # 1,000 places a unit


def steps_back() -> Figure:
    """Where did a point come from: 400, 100 and 10 steps before, and the normal density that is nearest."""
    figure, axes = plt.subplots(1, 3, figsize=(WIDTH, 2.6))
    grid = torch.linspace(-4, 4, 8001)[::20]
    for axis, size in zip(axes, (400, 100, 10), strict=True):
        p, bell = (curve[::20] for curve in reverse_step(size))
        axis.plot(grid, p, color=BLUE, label=WORDS["came_from"])
        axis.plot(grid, bell, "--", color=ORANGE, lw=1.6, label=WORDS["normal_of_same"])
        axis.axvline(0.1, color=TEXT, lw=1, ls=":")
        axis.set(title=WORDS["steps_back"].format(size), xlim=(-2.4, 2.4), yticks=[])
        axis.set_xlabel(f"$x_{{{400 - size}}}$")
    handles, labels = axes[0].get_legend_handles_labels()
    figure.legend(handles, labels, loc="outside lower center", ncols=2)
    return figure


def waves() -> Figure:
    """The time as sines and cosines: four of the 64 numbers that stand for t = 300."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.9))
    w, t = TimeEmbedding(8).w, torch.arange(0, 1001, 4.0)
    for row, k in enumerate((24, 18, 14, 10)):
        height, level = 0.38, 3 - row
        axis.plot(t, level + height * (t * w[k]).sin(), color=BLUE, lw=1.6)
        value = (300 * w[k]).sin().item()
        axis.plot(300, level + height * value, "o", color=ORANGE, ms=8)
        axis.text(1015, level, f"{value:.2f}".replace("-", "−"), va="center")
    axis.axvline(300, color=ORANGE, lw=1.2, ls="--")
    axis.text(1015, 3.55, WORDS["at_300"], va="center")
    axis.set(xlim=(0, 1000), ylim=(-0.6, 3.8), yticks=[], xlabel=WORDS["time_t"])
    axis.spines["left"].set_visible(False)
    axis.set_xticks((0, 300, 600, 1000), labels=("0", "300", "600", "1,000"))
    return figure


def unet() -> Figure:
    """The network of the digits: full size, half size, full size; the time and the class enter every block."""
    figure, axis = plt.subplots(figsize=(WIDTH, 4.3))
    canvas(axis, 10, 6.0)
    block(axis, (2.7, 4.6), (1.7, 1.5), "16 × 8 × 8")
    block(axis, (4.3, 2.35), (1.5, 1.0), "32 × 4 × 4")
    block(axis, (6.2, 2.35), (1.5, 1.0), "32 × 4 × 4")
    block(axis, (7.6, 4.6), (1.7, 1.5), "16 × 8 × 8")
    box(axis, (0.6, 4.6), (0.9, 0.9), "$x_t$", BLUE)
    box(axis, (9.5, 4.6), (0.8, 0.9), r"$\hat v$", GREEN)
    arrow(axis, (1.05, 4.6), (1.85, 4.6))
    arrow(axis, (3.55, 4.6), (6.75, 4.6), WORDS["handed_over"])
    arrow(axis, (3.1, 3.85), (3.75, 2.85), "")
    arrow(axis, (5.05, 2.35), (5.45, 2.35))
    arrow(axis, (6.75, 2.85), (7.2, 3.85))
    arrow(axis, (8.45, 4.6), (9.1, 4.6))
    axis.text(3.6, 3.45, WORDS["half_size"], va="center")
    axis.text(6.85, 3.45, WORDS["full_size"], ha="right", va="center")
    box(axis, (0.5, 0.5), (0.7, 0.7), "$t$", ORANGE)
    box(axis, (2.5, 0.5), (2.2, 0.8), WORDS["sines"], ORANGE)
    box(axis, (5.25, 0.5), (2.1, 0.8), WORDS["small_network"], ORANGE)
    box(axis, (9.2, 0.5), (1.4, 0.7), WORDS["class_y"], TEXT)
    arrow(axis, (0.85, 0.5), (1.4, 0.5), colour=ORANGE)
    arrow(axis, (3.6, 0.5), (4.2, 0.5), colour=ORANGE)
    axis.plot((6.3, 7.3), (0.5, 0.5), color=ORANGE, lw=1.6)
    arrow(axis, (8.5, 0.5), (7.45, 0.5), dashes="--")
    axis.text(7.3, 0.2, "$e$", ha="center", va="top")
    axis.plot((7.3, 7.3), (0.5, 1.3), color=ORANGE, lw=1.6)
    axis.plot((2.0, 8.2), (1.3, 1.3), color=ORANGE, lw=1.6)
    for x, y in ((2.0, 3.85), (4.3, 1.85), (6.2, 1.85), (8.2, 3.85)):
        arrow(axis, (x, 1.3), (x, y), colour=ORANGE)
    return figure


def block(axis: Axes, centre: tuple[float, float], size: tuple[float, float], words: str) -> None:
    box(axis, centre, size, words, BLUE)


def paths() -> Figure:
    """The same starts with eta = 0 and eta = 1, under the perfect denoiser of two modes on a line."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharey=True)
    beta, steps = cosine_beta(1000).double(), 60
    model = DDPM(PerfectDenoiser(LINE, beta), beta)
    x_T = torch.zeros(8, 2, dtype=torch.float64)
    x_T[:, 0] = torch.distributions.Normal(0.0, 1.0).icdf(torch.linspace(0.06, 0.94, 8))
    for axis, eta in zip(axes, (0.0, 1.0), strict=True):
        rng = torch.Generator().manual_seed(5)
        states = list(model.denoise(8, (2,), rng, steps=steps, eta=eta, x_T=x_T))
        x = torch.stack(states)[:, :, 0]
        t = torch.linspace(1000, 0, steps + 1)
        for k in range(8):
            colour = BLUE if x[-1, k] < 0 else ORANGE
            axis.plot(t, x[:, k], "-" if colour == BLUE else "--", color=colour, lw=1.1)
        axis.plot(t[:1].expand(8), x[0], "o", color=TEXT, ms=4)
        axis.set(title=rf"$\eta = {eta:.0f}$", xlabel=WORDS["time_t"], xlim=(1020, 0))
        axis.set_xticks((1000, 500, 0), labels=("1,000", "500", "0"))
    axes[0].set_ylabel("$x_t$")
    return figure


def steps_curve() -> Figure:
    """The Fréchet distance by the number of steps: stored means of three seeds."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.3))
    rows = stored("ddpm")["steps"]
    kinds = (
        ("0", BLUE, "o-"),
        ("1", ORANGE, "s--"),
        ("0_fine", BLUE, "o:"),
        ("1_fine", ORANGE, "s:"),
    )
    for kind, colour, style in kinds:
        n = [k for k in (5, 10, 20, 50, 100, 1000) if f"{k}_{kind}" in rows]
        distance = [fmean(rows[f"{k}_{kind}"]["frechet"]) for k in n]
        fine = kind.endswith("_fine")
        axis.plot(
            n,
            distance,
            style,
            color=colour,
            lw=1.4 if fine else 2,
            ms=4 if fine else 6,
            label=WORDS["finer_times"].format(kind[0])
            if fine
            else WORDS["even_times"].format(kind[0]),
        )
    axis.axhline(
        rows["floor"]["frechet"], color=TEXT, lw=1.2, ls="-.", label=WORDS["frechet_floor"]
    )
    axis.set(xscale="log", yscale="log", xlabel=WORDS["steps_log"], ylabel=WORDS["frechet_test"])
    axis.set_xticks((5, 10, 20, 50, 100, 1000), labels=("5", "10", "20", "50", "100", "1,000"))
    axis.set_yticks((0.2, 0.5, 1, 2), labels=("0.2", "0.5", "1", "2"))
    axis.minorticks_off()
    axis.legend()
    return figure


def loss_is_flat() -> Figure:
    """One training: the loss, mean of its ten parts, and the Fréchet distance, at the same steps."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 2.6))
    run = stored("ddpm")["training"]
    axes[0].plot(run["steps"], [fmean(parts) for parts in run["loss"]], "o-", color=TEXT)
    axes[0].set(ylabel=WORDS["loss_of_v"])
    for name, colour, style in (("last", ORANGE, "s--"), ("ema", BLUE, "o-")):
        axes[1].plot(
            run["steps"],
            run[f"frechet_{name}"],
            style,
            color=colour,
            label=WORDS[f"weights_{name}"],
        )
    axes[1].set(ylabel=WORDS["frechet_validation"])
    axes[1].legend()
    for axis in axes:
        axis.set(xscale="log", xlabel=WORDS["training_step"], ylim=(0, 1.08 * axis.get_ylim()[1]))
        axis.set_xticks(run["steps"], labels=[f"{step:,}" for step in run["steps"]])
        axis.minorticks_off()
    return figure


def exact_walk(n: int, steps: int) -> Tensor:
    """The paths of the exact mean velocity from n evenly spread noises, (steps + 1, n, 2)."""
    x_1 = torch.zeros(n, 2, dtype=torch.float64)
    x_1[:, 0] = torch.distributions.Normal(0.0, 1.0).icdf(torch.linspace(0.04, 0.96, n))
    model = FlowMatching(PerfectVelocity(LINE)).double()
    return torch.stack(list(model.walk(n, (2,), steps, x_1=x_1)))


def crossing() -> Figure:
    """Straight lines from noise to any data, and from the same noises the paths of the exact mean velocity."""
    figure, axes = plt.subplots(1, 2, figsize=(WIDTH, 3.1), sharey=True)
    rng, n, steps = torch.Generator().manual_seed(3), 12, 60
    walk = exact_walk(n, steps)
    lines = torch.stack([walk[0], LINE.sample(n, rng).double()])
    titles = (WORDS["lines_of_training"], WORDS["paths_of_drawing"])
    for axis, states, title in zip(axes, (lines, walk), titles, strict=True):
        x, t = states[:, :, 0], torch.linspace(1, 0, len(states))
        for k in range(n):
            colour = BLUE if x[-1, k] < 0 else ORANGE
            axis.plot(t, x[:, k], "-" if colour == BLUE else "--", color=colour, lw=1.1)
        axis.plot([1] * n, x[0], "o", color=TEXT, ms=4)
        axis.set(title=title, xlabel=WORDS["time_t"], xlim=(1.02, 0))
        axis.set_xticks((1, 0.5, 0), labels=("1", "0.5", "0"))
    axes[0].set_ylabel("$x_t$")
    return figure


def reflow() -> Figure:
    """The lines that reflow trains on: each noise with the point that its own path leads to, and that path."""
    figure, axis = plt.subplots(figsize=(WIDTH, 2.7))
    walk = exact_walk(12, 60)[:, :, 0]
    t = torch.linspace(1, 0, len(walk))
    axis.plot(t, walk, ":", color=TEXT, lw=1.6)
    for start, end in walk[[0, -1]].T:
        colour = BLUE if end < 0 else ORANGE
        axis.plot((1, 0), (start, end), "-" if colour == BLUE else "--", color=colour, lw=1.1)
    axis.plot([1] * walk.shape[1], walk[0], "o", color=TEXT, ms=4)
    axis.set(xlabel=WORDS["time_t"], ylabel="$x_t$", xlim=(1.02, 0))
    axis.set_xticks((1, 0.5, 0), labels=("1", "0.5", "0"))
    return figure


def mnist_on_a_card() -> Figure:
    """Twelve digits of the VAE and twelve of the DDPM that were trained on a graphics card."""
    sections, names = stored("gpu")["sections"], ("vae_mnist", "ddpm_mnist")
    figure, axes = plt.subplots(len(names), 1, figsize=(WIDTH, 1.3))
    for axis, name in zip(axes, names, strict=True):
        show_row(axis, sections[name]["pictures"], 12, WORDS[f"card_{name}"])
    return figure


FIGURES = (
    chain,
    steps_back,
    waves,
    unet,
    paths,
    steps_curve,
    loss_is_flat,
    crossing,
    reflow,
    mnist_on_a_card,
)
