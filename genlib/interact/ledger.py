"""What every figure computes, out of which stored weights or results, and which test compares it with Python."""

import html
from typing import NamedTuple

from genlib import pretrained
from genlib.expect import border, expect_one_of
from genlib.table import stored

WORDS = {
    "summary": "What this figure computes, and how that is checked",
    "asset": "`genlib/assets/#`: #. SHA-256 #…, seed #, made by `#`; its card is `#.json` beside it.",
    "results": "`book/_data/#.json`, measured by `#`.",
    "test": "Compared with Python by `tests/site/#`.",
}


class Line(NamedTuple):
    """One figure: what it computes, the browser test, names of assets, and names of stored results."""

    computes: str
    test: str
    assets: tuple[str, ...] = ()
    results: tuple[str, ...] = ()


# A new figure is one line here.
LEDGER = {
    "noise_to_digits": Line(
        "Stored: moments of a walk back of the trained network, shown one after the other as they are.",
        "test_site_start.py",
        ("ddpm_film",),
    ),
    "two_gaussians": Line(
        "Live: log odds, Bayes error and points of two Gaussian classes, by their formulas.",
        "test_site_figures.py",
    ),
    "bandwidth": Line(
        "Live: the log-density of points under a kernel density, and points drawn from it.",
        "test_site_figures.py",
    ),
    "latent_plane": Line(
        "Live: the trained decoder, its weights in 8 bits, at every code. Stored: the codes of the digits.",
        "test_site_latent.py",
        ("autoencoder_plane",),
    ),
    "two_planes": Line(
        "Live: both trained decoders, their weights in 8 bits, at the same codes. Stored: the codes of the digits.",
        "test_site_planes.py",
        ("autoencoder_plane", "vae_plane"),
    ),
    "evidence_bound": Line(
        "Live: the bound, its parts and the exact log-density of a linear-Gaussian model, by their formulas.",
        "test_site_bound.py",
    ),
    "vae_plane": Line(
        "Live: the trained decoder, its weights in 8 bits, at every code. Stored: the clouds of the digits.",
        "test_site_latent.py",
        ("vae_plane",),
    ),
    "train_here": Line(
        "Live: the whole training of every model it shows, its samples and their measures. Nothing is stored.",
        "test_site_train_here.py",
    ),
    "adversarial_game": Line(
        "Live: the steps of both players under the rule that is chosen, by the formulas of the game.",
        "test_site_game.py",
    ),
    "gan_replay": Line(
        "Stored: D, the fakes and their pulls at moments of two trainings.",
        "test_site_replay.py",
        ("gan_replay",),
    ),
    "diffusion_film": Line(
        "Live: stored digits and noise, mixed for the time. Stored: moments of a walk back of the trained network.",
        "test_site_film.py",
        ("ddpm_film",),
    ),
    "walk_back": Line(
        "Live: every step of every particle by the exact score of the mixture, and the measures of their ends. Nothing "
        "is stored.",
        "test_site_walk.py",
    ),
    "draw_digits": Line(
        "Live: every step of every walk, by the trained network with its weights in 8 bits.",
        "test_site_draw_digits.py",
        ("ddpm_digits_guided",),
    ),
    "guidance_scale": Line(
        "Stored: what a trained network drew at eight scales, and what the judge reads. Live: the distances of the "
        "digits from each other.",
        "test_site_guidance.py",
        ("guidance_digits",),
    ),
    "caption_picker": Line(
        "Live: every step of every picture, by a trained network with its weights in 8 bits, and what the oracle reads "
        "in it. The network is smaller than that of the tables, which would weigh 420 kB.",
        "test_site_captions.py",
        ("ddpm_shapes_small",),
    ),
    "corruption_doses": Line(
        "Stored: what the measures say of digits with a known fault.",
        "test_site_doses.py",
        results=("measures",),
    ),
    "real_or_drawn": Line(
        "Stored: real and drawn digits. Live: the interval of your rate, and what guessing reaches.",
        "test_site_choice.py",
        results=("measures",),
    ),
}


@border
def entry(name: str) -> str:
    """The line of a figure as HTML.

    Raises:
        ValueError: the figure has no line.
    """
    expect_one_of("name", name, list(LEDGER))
    line = LEDGER[name]
    points = [said("asset", asset, *facts(asset), asset) for asset in line.assets]
    points += [said("results", name, stored(name)["command"]) for name in line.results]
    points.append(said("test", line.test))
    items = "".join(f"<li>{point}</li>" for point in points)
    return f"<p>{html.escape(line.computes)}</p><ul>{items}</ul>"


@border
def folded(name: str) -> str:
    """The same, to be opened below the figure."""
    return f"<details><summary>{html.escape(WORDS['summary'])}</summary>{entry(name)}</details>"


def facts(asset: str) -> list:
    """What the ledger says of an asset, from its card."""
    card = pretrained.card(asset)
    return [card["what"], card["sha256"][:12], card["seed"], card["command"]]


def said(what: str, *values) -> str:
    """Words with # for values and `code`, as HTML; a long path may go on in the next line."""
    text = html.escape(WORDS[what])
    for value in values:
        text = text.replace("#", html.escape(str(value)), 1)
    parts = text.split("`")
    parts[1::2] = [f"<code>{part.replace('/', '/<wbr>')}</code>" for part in parts[1::2]]
    return "".join(parts)
