"""The figures of chapter 3, variational autoencoders."""

from statistics import fmean

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from genlib.table import stored
from tools.figures.kit import BLUE, GREEN, ORANGE, TEXT, WIDTH, arrow, box, canvas, show_row
from tools.figures.words import WORDS

# --- the computation of the loss, before and after reparameterisation ----------------------------------------


def vae_computation() -> Figure:
    """Encoder, draw, decoder and the two terms; the gradient stops at the draw, or passes beside it."""
    figure, axes = plt.subplots(2, 1, figsize=(WIDTH, 5.0))
    for axis, passes in zip(axes, (False, True), strict=True):
        networks(canvas(axis, 14.4, 4.9))
        (through_the_code if passes else stopped_at_the_draw)(axis)
    return figure


def networks(axis: Axes) -> None:
    """What the two pictures share: x, encoder, mu and sigma, the divergence, decoder, minus log-likelihood."""
    axis.text(0.4, 2.4, "$x$", ha="center", va="center")
    arrow(axis, (0.8, 2.4), (1.4, 2.4))
    box(axis, (2.5, 2.4), (2.2, 1.8), WORDS["encoder"], BLUE, taper=0.4)
    arrow(axis, (3.7, 2.4), (4.3, 2.4))
    axis.text(4.9, 2.4, r"$\mu, \sigma$", ha="center", va="center")
    arrow(axis, (4.9, 2.9), (4.9, 3.8))
    axis.text(4.9, 4.3, r"$\mathrm{KL}(q \,\|\, p(z))$", ha="center", va="center")
    arrow(axis, (5.5, 2.4), (6.2, 2.4))
    arrow(axis, (9.0, 2.4), (9.6, 2.4))
    box(axis, (10.7, 2.4), (2.2, 1.8), WORDS["decoder"], BLUE, taper=-0.4)
    arrow(axis, (11.8, 2.4), (12.4, 2.4))
    axis.text(13.4, 2.4, r"$-\log p(x \mid z)$", ha="center", va="center")


def stopped_at_the_draw(axis: Axes) -> None:
    box(axis, (7.6, 2.4), (2.8, 1.4), r"$z \sim \mathcal{N}(\mu, \sigma^2)$", ORANGE)
    axis.text(7.6, 3.5, WORDS["draw"], ha="center", va="center")
    arrow(axis, (13.4, 0.9), (7.6, 0.9), colour=GREEN, dashes="--")
    axis.text(10.5, 0.4, WORDS["gradient_stops"], ha="center", va="center")
    axis.plot([7.4], [0.9], "x", color=ORANGE, ms=11, mew=2.5)


def through_the_code(axis: Axes) -> None:
    box(axis, (7.6, 2.4), (2.8, 1.4), r"$z = \mu + \sigma \odot \varepsilon$")
    arrow(axis, (7.6, 3.8), (7.6, 3.15), colour=ORANGE)
    axis.text(7.7, 4.3, r"$\varepsilon \sim \mathcal{N}(0, I)$", ha="center", va="center")
    axis.text(9.2, 4.3, WORDS["draw"], ha="left", va="center")
    arrow(axis, (13.4, 0.9), (2.5, 0.9), colour=GREEN, dashes="--")
    axis.text(7.9, 0.4, WORDS["gradient_passes"], ha="center", va="center")


# --- bounds that touch log p(x) ------------------------------------------------------------------------------

MEAN_SQUARE, NOISE = 4.0, 1.0  # of the data; variance of the noise in x = w z + noise


def log_p(w: np.ndarray) -> np.ndarray:
    """Mean of log N(x; 0, w^2 + s^2) over data whose mean square is known."""
    variance = w**2 + NOISE
    return -0.5 * (np.log(2 * np.pi * variance) + MEAN_SQUARE / variance)


def posterior(w: float) -> tuple[float, float]:
    """a and v of p(z | x) = N(a x, v)."""
    return w / (w**2 + NOISE), NOISE / (w**2 + NOISE)


def elbo(w: np.ndarray, a: float, v: float) -> np.ndarray:
    """The mean ELBO over the data, for q(z | x) = N(a x, v)."""
    error = MEAN_SQUARE * (1 - w * a) ** 2 + w**2 * v
    recon = -0.5 * (np.log(2 * np.pi * NOISE) + error / NOISE)
    return recon - 0.5 * (a**2 * MEAN_SQUARE + v - 1 - np.log(v))


def best_weight(a: float, v: float) -> float:
    """The w with the highest ELBO for this q: the M step."""
    return a * MEAN_SQUARE / (a**2 * MEAN_SQUARE + v)


def vae_bounds() -> Figure:
    """log p(x) over the decoder's weight, two bounds of EM that touch it, and one that does not."""
    figure, axis = plt.subplots(figsize=(WIDTH, 3.8))
    w = np.linspace(0.2, 2.8, 200)
    axis.plot(w, log_p(w), color=TEXT, lw=2.6, label=r"$\log p_\theta(x)$")
    first = 0.6
    second = best_weight(*posterior(first))
    for at, colour, dashes, name in (
        (first, BLUE, "--", "bound_1"),
        (second, GREEN, "-.", "bound_2"),
    ):
        q = posterior(at)
        axis.plot(w, elbo(w, *q), dashes, color=colour, label=WORDS[name])
        axis.plot(at, log_p(at), "o", color=colour)
        top = best_weight(*q)
        axis.plot(top, elbo(top, *q), "^", color=colour)
    a, v = posterior(second)
    axis.plot(w, elbo(w, a, 0.4 * v), ":", color=ORANGE, label=WORDS["bound_guess"])
    axis.set(xlabel=WORDS["weight"], ylabel=WORDS["nats"], ylim=(-3.1, -2.0))
    axis.set_xticks([first, second, 2.0, 2.5], ["$w_0$", "$w_1$", "2", "2.5"])
    figure.legend(loc="outside upper center", ncols=2)
    return figure


# --- the weight between the two terms ------------------------------------------------------------------------


def vae_weights() -> Figure:
    """The two terms of the loss on test digits for models trained with other weights; their sum is -ELBO."""
    betas = stored("vae")["betas"]
    figure, axis = plt.subplots(figsize=(WIDTH, 3.2))
    recon, kl = ([fmean(row[name]) for row in betas.values()] for name in ("recon", "kl"))
    place = np.arange(len(betas))
    axis.bar(place, recon, 0.6, color=BLUE, label=WORDS["rebuild"])
    hollow = {"fc": "none", "ec": ORANGE, "hatch": "//", "lw": 1.6}
    axis.bar(place, kl, 0.6, bottom=recon, label=WORDS["stay_near"], **hollow)
    for i, total in enumerate(np.add(recon, kl)):
        axis.annotate(
            f"{total:.0f}", (i, total), (0, 3), textcoords="offset points", ha="center", va="bottom"
        )
    axis.set(xlabel=WORDS["beta"], ylabel=WORDS["nats_per_image"], ylim=(0, 290))
    axis.set_xticks(place, list(betas))
    axis.legend(loc="upper center")
    return figure


# --- MNIST ---------------------------------------------------------------------------------------------------


def vae_mnist() -> Figure:
    """What the long run of the benchmark rebuilds and draws, from the stored pictures."""
    content = stored("vae_mnist_pictures")
    names = ("binarised", "rebuilt", "prior", "pixels")
    figure, axes = plt.subplots(len(names), 1, figsize=(WIDTH, 2.6))
    for axis, name in zip(axes, names, strict=True):
        show_row(axis, content["rows"][name], content["shown"], WORDS[f"mnist_{name}"])
    return figure


FIGURES = (vae_computation, vae_bounds, vae_weights, vae_mnist)
