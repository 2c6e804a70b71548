"""Latent planes of the digits with a decoder that runs in the page, and the same numbers in Python.

One of chapter 2's autoencoder, one of chapter 3's VAE with the same networks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache

import torch
from torch import Tensor, nn

from genlib.autoencoder import (
    CodeDistribution,
    fitted_gaussian,
    scaled_normal,
    standard_normal,
)
from genlib.data import digits
from genlib.expect import expect
from genlib.interact.base import Interactive, as_base64, draws
from genlib.pretrained import (
    latent_plane_autoencoder,
    latent_plane_mixture,
    latent_plane_vae,
)

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "legend": "What does the plane show?",
    "views": [
        ["codes", "Codes of digits"],
        ["holes", "Holes between them"],
        ["drawn", "What is drawn where"],
    ],
    "captions": {
        "codes": "Every small numeral is the code of one training digit: the two numbers that the encoder makes of "
        "its 64 pixels. No label was used in training.",
        "holes": "Shaded: farther from every training code than 95 % of new digits are. "
        "No training code lies there, so the loss does not ask what is drawn.",
        "drawn": "What the decoder draws at each place. On shaded ground no training code is near, and it draws "
        "all the same: between clouds a bit of each, far out a digit overdone.",
    },
    "plane": "Plane of codes",
    "cross": "Cross: the code to decode",
    "place": "z1 is #, z2 is #; distance # to the nearest training code, which is a #",
    "help": "Move over the plane to try a code; click, or drag the cross, to pin it. "
    "By keyboard: Tab to the cross, then the arrow keys.",
    "classes": "Which class stands out?",
    "all": "all",
    "drawing": "The decoder draws",
    "neighbour": "Nearest digit",
    "drawingLabel": "What the decoder draws at the cross",
    "neighbourLabel": "The training digit with the nearest code, a #",
    "distance": "Nearest training code",
    "away": "# away",
    "scale": "95 % of new digits lie nearer than #",
    "far": "A hole: no training code is near, so the loss does not ask.",
    "near": "Among the codes: new digits land as near as this.",
    "ten": "Classes of the ten nearest codes",
    "agree": "The neighbours agree.",
    "mixed": "Clouds meet here: expect a bit of each.",
    "distributions": "Draw random codes from",
    "names": {
        "none": "nothing yet",
        "standard": "N(0, I)",
        "scaled": "N(0, s²I)",
        "gaussian": "a Gaussian",
        "mixture": "a mixture",
    },
    "says": {
        "none": "",
        "standard": "*N*(0, *I*) knows nothing of the codes. No loss fixed how large they are: they spread # times as "
        "far. So it asks about one small spot near the middle of the plane, beside the cloud of eights, "
        "again and again.",
        "scaled": "*N*(0, *s*²*I*) with *s* = # has the right size. It does not know where the clouds are.",
        "gaussian": "The mean and the covariance of the codes. One bell reaches everywhere, over the holes too.",
        "mixture": "# Gaussians, fitted to the codes. They go where codes are, so the decoder is asked what it has "
        "learned. Between clouds they still overlap.",
    },
    "again": "Draw # again",
    "gallery": "What the decoder draws from # random codes; arrow keys move through them",
    "drawn": "Random code # of #: nearest training code at distance #, a #",
    "inHole": ", in a hole",
    "hole": "In a hole",
    "border": "Where clouds meet",
    "variety": "Kinds of digit nearby",
    "count": "# of #",
    "floor": "Diamonds. In the long run # %; of new digits # %.",
    "floorMixed": "Fewer than 8 of 10 neighbours agree. In the long run # %; of new digits # %.",
    "kinds": "Classes of the nearest training codes.",
    "recipe": "The book’s autoencoder with two code numbers and # hidden units a layer, trained on 1,000 digits with "
    "one seed. Nothing was scaled afterwards; another seed gives another map of another size.",
}
# What the figure of the VAE says differently.
VAE_WORDS = WORDS | {
    "captions": {
        "codes": "Every small numeral is the middle of one training digit’s cloud: the two means that the encoder "
        "makes of its 64 pixels. No label was used in training.",
        "holes": "Shaded: farther from the middle of every training cloud than 95 % of new digits are.",
        "drawn": "What the decoder draws at each place. The clouds lie around the middle, as the prior does. "
        "In the gaps between them it still draws a bit of each.",
    },
    "says": WORDS["says"]
    | {
        "standard": "*N*(0, *I*) is the prior; the codes were trained to lie where it does. They spread # times as "
        "far.",
        "scaled": "*N*(0, *s*²*I*) with *s* = #: next to nothing is left to correct.",
        "gaussian": "The mean and the covariance of the codes. The prior had them nearly right.",
    },
    "recipe": "The book’s VAE with two latent dimensions and # hidden units a layer, trained on 1,000 digits with one "
    "seed. Nothing was scaled afterwards; another seed gives another map, of the same size.",
}
LABELS = {
    "autoencoder": "The latent plane of an autoencoder: codes of digits, and what the decoder draws at any code",
    "vae": "The latent plane of a VAE: codes of digits, and what the decoder draws at any code",
}
STILL = (
    "The codes of 1,000 handwritten digits lie in clouds in a plane, one cloud or two for each class, with holes "
    "between them. With JavaScript switched on, a decoder draws the digit at any place of the plane."
)
DISTRIBUTIONS = ("standard", "scaled", "gaussian", "mixture")
MODELS = {"autoencoder": latent_plane_autoencoder, "vae": latent_plane_vae}
NEIGHBOURS, AGREE = (
    10,
    8,
)  # a place lies between clouds where fewer than 8 of the 10 nearest codes agree
LONG_RUN = 20_000


@dataclass(frozen=True)
class Layer:
    """A linear layer whose weights are whole numbers of -127 to 127, each row with its own scale.

    Args:
        weight: (out, in), int8.
        scale: (out,), what one unit of `weight` is worth.
        bias: (out,).
    """

    weight: Tensor
    scale: Tensor
    bias: Tensor

    def __call__(self, x: Tensor) -> Tensor:
        """The layer applied to x (B, in), in double precision: (B, out)."""
        return x.double() @ (self.weight.double() * self.scale[:, None]).T + self.bias


@dataclass(frozen=True)
class LatentPlane:
    """All that the figure shows, with its numbers rounded as the page holds them.

    Args:
        codes: of the training digits, (N, 2).
        x: the training digits, whole numbers of 0 to 16, (N, 8, 8).
        y: their classes, (N,).
        layers: of the quantised decoder.
        distributions: what random codes are drawn from, by name.
        radius: 95 % of the codes of held-out (validation) digits have a training code this near.
    """

    codes: Tensor
    x: Tensor
    y: Tensor
    layers: tuple[Layer, ...]
    distributions: dict[str, CodeDistribution]
    radius: float

    def decode(self, z: Tensor) -> Tensor:
        """What the page draws at codes z (B, 2): images (B, 1, 8, 8) in (0, 1), in double precision."""
        expect("z", z, "B 2")
        *hidden, last = self.layers
        for layer in hidden:
            z = nn.functional.silu(layer(z))
        return last(z).sigmoid().unflatten(1, (1, 8, 8))

    def nearest(self, z: Tensor) -> tuple[Tensor, Tensor]:
        """Distance to the nearest training code and its row, both (B,), for codes z (B, 2)."""
        expect("z", z, "B 2")
        return _distances(z, self.codes).min(dim=1)

    def neighbours(self, z: Tensor) -> Tensor:
        """Classes of the ten nearest training codes, nearest first, (B, 10)."""
        expect("z", z, "B 2")
        rows = _distances(z, self.codes).topk(NEIGHBOURS, largest=False).indices
        return self.y[rows]

    def in_hole(self, z: Tensor) -> Tensor:
        """Whether z (B, 2) is farther from every training code than 95 % of new digits are, (B,)."""
        return self.nearest(z)[0] > self.radius

    def between_clouds(self, z: Tensor) -> Tensor:
        """Whether fewer than 8 of the 10 nearest codes belong to one class, (B,)."""
        near = self.neighbours(z)
        return torch.stack([(near == k).sum(dim=1) for k in range(10)]).amax(dim=0) < AGREE

    def sample(self, distribution: str, seed: int, n: int) -> Tensor:
        """The very codes that the figure draws for a seed, (n, 2), in double precision."""
        if distribution not in DISTRIBUTIONS:
            raise ValueError(
                f"distribution: expected one of {', '.join(DISTRIBUTIONS)}, got {distribution!r}"
            )
        chosen, (u, noise) = self.distributions[distribution], draws(seed, n)
        k = torch.searchsorted(
            chosen.weights.double().cumsum(dim=0)[:-1].contiguous(), u.contiguous(), right=True
        )
        return chosen.means[k].double() + (chosen.roots[k].double() @ noise[:, :, None]).squeeze(2)

    def shares(self, z: Tensor) -> list[float]:
        """The shares of codes z (B, 2) that lie in a hole, and between clouds."""
        return [part.double().mean().item() for part in (self.in_hole(z), self.between_clouds(z))]


def codes_of(name: str, x: Tensor) -> Tensor:
    """The codes of images x in the plane of the "autoencoder" or the "vae", (B, 2): of a VAE the means."""
    with torch.no_grad():
        z = MODELS[name]().encode(x)
    return z[0] if isinstance(z, tuple) else z


def quantised(decoder: nn.Sequential) -> tuple[Layer, ...]:
    """The linear layers of a decoder in int8, with the batch normalisation of evaluation mode folded into them."""
    layers: list[Layer] = []
    for part, after in zip(decoder, [*list(decoder)[1:], None], strict=True):
        if not isinstance(part, nn.Linear):
            continue
        weight, bias = part.weight.detach().double(), part.bias.detach().double()
        if isinstance(after, nn.BatchNorm1d):
            gain = (after.weight / (after.running_var + after.eps).sqrt()).detach().double()
            weight, bias = gain[:, None] * weight, gain * (bias - after.running_mean) + after.bias
        scale = _rounded(weight.abs().amax(dim=1).clamp(min=1e-12) / 127, 8)
        levels = (weight / scale[:, None]).round().clamp(-127, 127).to(torch.int8)
        layers.append(Layer(levels, scale, _rounded(bias.detach(), 6)))
    return tuple(layers)


@cache
def plane(name: str = "autoencoder") -> LatentPlane:
    """The plane of the digits of the "autoencoder" or the "vae", from the committed weights."""
    model, data = MODELS[name](), digits()
    z, z_val = codes_of(name, data.x_train), codes_of(name, data.x_val)
    mixture = latent_plane_mixture(name)
    found = (standard_normal(2), scaled_normal(z), fitted_gaussian(z), mixture)
    distributions = {
        key: CodeDistribution(
            *(_rounded(part, 5) for part in (each.weights, each.means, each.roots))
        )
        for key, each in zip(DISTRIBUTIONS, found, strict=True)
    }
    codes = _rounded(z, 2)
    radius = _distances(z_val, codes).min(dim=1).values.quantile(0.95).item()
    x = (16 * data.x_train).round().to(torch.uint8).squeeze(1)
    return LatentPlane(
        codes, x, data.y_train, quantised(model.decoder), distributions, round(radius, 3)
    )


def latent_plane(
    *,
    view: str = "codes",
    distribution: str = "none",
    cross: Sequence[float] = (-5.0, 14.4),
    n: int = 32,
    seed: int = 1,
) -> Interactive:
    """The codes of 1,000 digits in the plane, a live decoder at a cross, and what random codes make it draw.

    Args:
        view: "codes", "holes" (how far from any code) or "drawn" (what the decoder draws at each place).
        distribution: "none", or what random codes come from: "standard", "scaled", "gaussian", "mixture".
        cross: the code that is decoded at the start.
        n: how many random codes are drawn at a time, at most 64.
        seed: of the first random codes.

    Raises:
        ValueError: an unknown view or distribution, n out of range, or a cross that is no point of the plane.
    """
    return _figure("autoencoder", WORDS, view, distribution, cross, n, seed)


def vae_plane(
    *,
    view: str = "codes",
    distribution: str = "none",
    cross: Sequence[float] = (0.0, 0.0),
    n: int = 32,
    seed: int = 1,
) -> Interactive:
    """The same figure for a VAE with the same networks: its codes fill the prior N(0, I).

    The arguments are those of `latent_plane`.
    """
    return _figure("vae", VAE_WORDS, view, distribution, cross, n, seed)


def _figure(
    name: str, words: dict, view: str, distribution: str, cross: Sequence[float], n: int, seed: int
) -> Interactive:
    """Either figure, once its arguments are checked."""
    if view not in WORDS["captions"]:
        raise ValueError(f"view: expected codes, holes or drawn, got {view!r}")
    if distribution not in WORDS["names"]:
        raise ValueError(
            f"distribution: expected one of {', '.join(WORDS['names'])}, got {distribution!r}"
        )
    if not 1 <= n <= 64:
        raise ValueError(f"n: expected 1 to 64 random codes, got {n}")
    if len(cross) != 2:
        raise ValueError(f"cross: expected two numbers, got {cross!r}")
    start = {
        "view": view,
        "distribution": distribution,
        "z": [float(c) for c in cross],
        "n": n,
        "seed": seed,
    }
    data = _page_data(name) | {"start": start, "words": words}
    return Interactive(("digits.js", "latent.js"), data, label=LABELS[name], still=STILL)


@cache
def _page_data(name: str) -> dict:
    """The plane as the page holds it, with the long-run shares of each distribution and those of new (test) digits."""
    shown = plane(name)
    new = codes_of(name, digits().x_test)
    shares = {key: shown.shares(shown.sample(key, 0, LONG_RUN)) for key in DISTRIBUTIONS}
    shares["new"] = shown.shares(new)
    return packed(shown) | {
        "images": bytes((shown.x.flatten() + ord("a")).tolist()).decode(),
        "distributions": {
            key: [each.weights.tolist(), each.means.tolist(), each.roots.tolist()]
            for key, each in shown.distributions.items()
        },
        "shares": {
            name: [round(100 * share, 1) for share in pair] for name, pair in shares.items()
        },
        "agree": AGREE,
    }


def packed(shown: LatentPlane) -> dict:
    """Codes, classes and decoder of a plane as a page holds them."""
    return {
        "codes": as_base64((100 * shown.codes).round().to(torch.int16)),
        "labels": "".join(map(str, shown.y.tolist())),
        "layers": [
            {
                "weight": as_base64(part.weight),
                "scale": part.scale.tolist(),
                "bias": part.bias.tolist(),
            }
            for part in shown.layers
        ],
        "radius": shown.radius,
    }


def _distances(a: Tensor, b: Tensor) -> Tensor:
    """Euclidean distances, (A, B), computed without the shortcut that loses digits."""
    return torch.cdist(a.double(), b.double(), compute_mode="donot_use_mm_for_euclid_dist")


def _rounded(x: Tensor, digits: int) -> Tensor:
    """x with so many decimals, in double precision: what JSON holds is what Python computes with."""
    return torch.tensor(
        [round(v, digits) for v in x.double().flatten().tolist()], dtype=torch.float64
    ).reshape(x.shape)
