"""Particles in the plane walk back by the exact score of a mixture, which the reader drags: nothing is trained."""

import math
from itertools import islice, pairwise

import torch
from torch import Tensor

from genlib.data import Mixture
from genlib.ddpm import DDPM, cosine_beta, ddim_times
from genlib.exact import PerfectDenoiser
from genlib.interact.base import Interactive, as_base64, expect_offered
from genlib.interact.draw import normals

N, T, SD = 500, 1000, 0.05
STEPS = (1, 2, 3, 5, 10, 20, 50, 100)
# Where the five modes stand at first: evenly on a circle.
MEANS = [[round(1.4 * f(2 * math.pi * k / 5), 2) for f in (math.sin, math.cos)] for k in range(5)]

# All words of the figure; # stands for a number, *stars* for italics.
WORDS = {
    "caption": "Drag the five modes of the data. The score of a mixture of Gaussians is known exactly at every time, "
    "so nothing is trained here: whatever goes wrong is the fault of the steps.",
    "planeLabel": "The plane: # particles at time #, the modes of the data, and lines along the score",
    "mode": "Mode #",
    "place": "x #, y #",
    "moment": "Moment of the walk",
    "momentValue": "t = #",
    "play": "Walk",
    "pause": "Pause",
    "one": "One step",
    "again": "Back to the noise",
    "spacing": "Where are the steps?",
    "spacings": [["1", "even"], ["2", "finer near 0"]],
    "steps": "Steps",
    "eta": "Fresh noise *η*",
    "seed": "Seed",
    "arrows": "Score",
    "end": "At the end of this walk",
    "walked": "walked",
    "fresh": "fresh data",
    "near": "Within 3 sd",
    "modes": "Modes, of #",
    "width": "Width of a mode, in sd",
    "distance": "Distance to data",
    "verdicts": {
        "narrow": "The modes come out too narrow: the last step is too long for them.",
        "between": "Too many points end between the modes: the steps are too long.",
        "far": "On the modes, and yet not as the data are: compare the two columns.",
        "good": "By these numbers close to fresh data.",
    },
    "help": "Drag a numbered ring, or Tab to it and use the arrow keys; with Shift they go five times as far.",
    "about": "Blue: particles, and the ways of ten of them. Grey: data, with a circle of 3 sd round each mode. Orange: "
    "from a dot along the score at this time; its length is that of the noise seen there, cut off where that is long. "
    "The steps are those of DDIM under the cosine schedule with *T* = 1,000. Width: as *spread* in the tables. "
    "Distance: sliced Wasserstein distance to 500 points of the data; chance alone gives what stands under fresh data.",
}


def walk_back(steps: int = 10, eta: float = 0.0, power: int = 1, seed: int = 1) -> Interactive:
    """The figure, opened before the first step of a walk.

    Args:
        steps: of DDIM, one of STEPS.
        eta: share of fresh noise, in [0, 1].
        power: where the times are: 1 evenly, 2 finer near 0.
        seed: 1 to 999.

    Raises:
        ValueError: an argument is outside its range.
    """
    expect_offered("steps", steps, steps in STEPS)
    expect_offered("eta", eta, 0 <= eta <= 1)
    expect_offered("power", power, power in (1, 2))
    expect_offered("seed", seed, seed in range(1, 1000))
    start = {"means": MEANS, "sd": SD, "steps": steps, "eta": eta, "power": power, "seed": seed}
    data = {
        "start": start | {"arrows": True},
        "words": WORDS,
        "beta": as_base64(cosine_beta(T)),
        "steps": STEPS,
    }
    return Interactive(
        ("nn.js", "ddim.js", "density.js", "walk.js"),
        data,
        label="Particles that walk back from noise to data in the plane, by the exact score",
        still="With JavaScript, particles walk here from noise to a mixture of five Gaussians that you drag, in as "
        "many steps as you choose, with as much fresh noise as you choose.",
    )


# --- what the script computes, in Python ---------------------------------------------------------------------


@torch.no_grad()
def states(
    means: list[list[float]], steps: int, eta: float, power: float, seed: int
) -> list[Tensor]:
    """Every state of the particles, (N, 2), from the noise of the seed to t = 0, in double precision."""
    beta, stream = cosine_beta(T).double(), normals(seed)
    mixture = Mixture(torch.tensor(means, dtype=torch.float64), SD)
    model = DDPM(PerfectDenoiser(mixture, beta), beta, predicts="eps")

    def noise() -> Tensor:
        return torch.tensor(list(islice(stream, 2 * N)), dtype=torch.float64).view(N, 2)

    found = [noise()]
    for t, s in pairwise(ddim_times(T, steps, power)):
        fresh = noise() if eta else torch.zeros(N, 2, dtype=torch.float64)
        found.append(model.ddim_step(found[-1], t, s, eta, fresh))
    return found
