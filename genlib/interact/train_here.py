"""Train in the page: an autoencoder, a VAE, a GAN and flow matching on one density of the plane, by nn.js and four.js.

Nothing is stored but the densities and the plan: every number in the figure comes from networks that the reader's
browser trains.
"""

import math
from collections.abc import Sequence

from genlib.data import Checkerboard, Mixture, checkerboard, grid, moons, ring, spiral
from genlib.expect import Seed, border, expect_number, expect_one_of
from genlib.interact.base import Interactive

MODELS = ("autoencoder", "vae", "gan", "flow")
DENSITIES = {
    "ring": ring,
    "grid": grid,
    "moons": moons,
    "spiral": spiral,
    "checkerboard": checkerboard,
}

LAYERS = 2  # hidden ones of each network, until the reader changes that
# How the four are trained. All see the same batches; the rates and the noise of the GAN fall over `steps`.
PLAN = {
    "batch": 128,
    "steps": 6000,
    "width": 64,  # of the hidden layers of each network, until the reader changes it
    "rates": {"autoencoder": 5e-3, "vae": 5e-3, "gan": 2e-3, "flow": 1.5e-2},
    "last": 0.02,  # share of the rate that is left at the end
    "sd": 0.1,  # of p(x | z) of the VAE
    "signs": 8,  # of the GAN's codes, beside two normal numbers
    "octaves": 7,  # of the features of D
    "blur": [1.0, 0.01],  # the instance noise at the start and from 0.8 of the plan on
    "waves": 4,  # octaves of the features of the velocity
    "average": 0.998,  # of the weights of the velocity, from one step to the next
    "walk": 40,  # even steps of a walk
}

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Choose a density, or draw one, and press *Train*. The models learn from the same points, batch by "
    "batch. Grey: data. Blue: samples. Everything is computed here, in this page.",
    "codes": "The autoencoder draws from a Gaussian that is fitted to its codes.",
    "density": "Which data?",
    "densities": [
        ["ring", "ring of 8"],
        ["grid", "grid of 25"],
        ["moons", "two moons"],
        ["spiral", "spiral"],
        ["checkerboard", "checkerboard"],
        ["drawn", "draw your own"],
    ],
    "draw": "Draw with mouse or finger. By keyboard: move the cross with the arrow keys; Space leaves a point. "
    "Whenever the drawing changes, the models start again.",
    "cursor": "Cross that leaves points",
    "place": "x #, y #; # points are drawn",
    "clear": "Clear the drawing",
    "empty": "Nothing is drawn yet. Draw a curve, or some points.",
    "play": "Train",
    "pause": "Pause",
    "one": "1 step",
    "hundred": "100 steps",
    "reset": "Start again",
    "seed": "Seed",
    "layers": "Hidden layers",
    "width": "Their width",
    "speed": "How fast?",
    "speeds": [["2", "2 steps a second"], ["20", "20 a second"], ["full", "as fast as it can"]],
    "status": "Step #. # s of computing. Measured on # samples of each model.",
    "names": {
        "autoencoder": "Autoencoder",
        "vae": "VAE",
        "gan": "GAN",
        "flow": "Flow matching",
    },
    "near": {
        "modes": "Within 3 sd",
        "curve": "Within 3 sd",
        "board": "On the squares",
    },
    "modes": {"modes": "Modes", "board": "Squares"},
    "modesValue": "# of #",
    "distance": "Distance",
    "miss": "Off the best velocity",
    "floor": "Fresh data, measured in the same way: # and distance #.",
    "panelLabel": "Data and samples: #, after # steps",
    "time": "Time *t* of the walk",
    "walk": "Show the walk",
    "arrows": "Before *t* = 0, lines lead from dots to where the walk goes next: orange as learned, grey and wider "
    "by the best velocity, which is known exactly here. *Off the best velocity*: their mean squared distance.",
    "help": "*Within 3 sd*: share of samples within three standard deviations of a mode. A mode counts if at least "
    "0.8 % of the samples are that close. *Distance*: sliced Wasserstein distance to fresh points. When "
    "training stops, 2,500 samples are measured, else 500. It rests while it is out of sight.",
}


def heart() -> list[list[float]]:
    """What "draw your own" begins with: points at even distances along a heart."""
    drawn: list[list[float]] = []
    for k in range(1000):
        a = 2 * math.pi * k / 1000
        y = 13 * math.cos(a) - 5 * math.cos(2 * a) - 2 * math.cos(3 * a) - math.cos(4 * a)
        point = [1.5 * math.sin(a) ** 3, y / 11]
        if not drawn or math.dist(point, drawn[-1]) > 0.1:
            drawn.append(point)
    return drawn


def in_units(density: Mixture | Checkerboard) -> dict:
    """A density in units of its standard deviation, as the figure holds it: what `density.js` draws from.

    kind: "modes" where they can be counted, "curve" where they touch, "board". reach: half the side of its picture.
    """
    if isinstance(density, Checkerboard):
        sd = math.sqrt(4 / 3)  # each coordinate is uniform on (-2, 2)
        corners = [[x / sd, y / sd] for x, y in density.corners.tolist()]
        return {"corners": corners, "side": 1 / sd, "kind": "board", "reach": 2.5 / sd}
    means = density.means.double()
    sd = math.sqrt(means.var(correction=0).item() + density.sd**2)
    return {
        "means": [[round(v, 6) for v in mean] for mean in (means / sd).tolist()],
        "sd": density.sd / sd,
        "kind": "modes" if density.separated else "curve",
        "reach": round(1.25 * (means / sd).abs().max().item(), 3),
    }


@border
def train_here(
    models: Sequence[str] = MODELS, density: str = "ring", seed: Seed = 1
) -> Interactive:
    """The figure, with fresh networks and nothing trained yet.

    Args:
        models: some of "autoencoder", "vae", "gan", "flow", in the order of the panels.
        density: "ring", "grid", "moons", "spiral", "checkerboard" or "drawn".
        seed: of the weights and of all draws, 0 to 999.

    Raises:
        ValueError: an argument is outside its range.
    """
    if not models or len(set(models)) < len(models):
        raise ValueError(f"models: expected one at least, each once, got {tuple(models)}")
    for name in models:
        expect_one_of("models", name, MODELS)
    expect_one_of("density", density, (*DENSITIES, "drawn"))
    expect_number("seed", seed, 0, 999)
    data = {
        "start": {"density": density, "seed": seed, "speed": "full", "layers": LAYERS},
        "words": WORDS,
        "names": list(models),
        "order": MODELS,
        "plan": PLAN,
        "densities": {name: in_units(make()) for name, make in DENSITIES.items()},
        "drawing": [[round(v, 3) for v in point] for point in heart()],
    }
    return Interactive(
        ("nn.js", "density.js", "four.js", "train_here.js"),
        data,
        label="Models that train in this page on points in the plane, side by side",
        still="With JavaScript, an autoencoder, a VAE, a GAN and flow matching train here in the page, side by side, "
        "on a density that you choose or draw.",
    )
