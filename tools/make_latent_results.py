"""Measure diffusion on codes: `python -m tools.make_latent_results`, with names of sections for some of them.

MNIST by its recipes, three seeds, all 10,000 test images as reference; drawn shapes of 32 x 32 by two.
"""

import functools
from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from genlib import data, evaluate
from genlib.data.shapes import VOCABULARY, pair_numbers
from genlib.ddpm import DDPM
from genlib.guidance import Guided
from genlib.latent import Codes
from genlib.pretrained import judge
from genlib.recipes import CODE_MAP, MNIST, mnist_ddpm_guided
from genlib.run import Clock
from tools import results
from tools.results import frechet_distance, generator, train

SEEDS, SHAPE_SEEDS, TARGET = (1, 2, 3), (1, 2), results.DATA / "latent.json"
N, STEPS, SCALE = 10_000, 50, 1.75
SHAPE_SCALE, SHAPE_ETA = 2.0, 1.0
ABOUT = results.about(
    "python -m tools.make_latent_results",
    SEEDS,
    *("vae_mnist_latent", "ddpm_mnist_latent", "vae_shapes_latent", "ddpm_shapes_latent"),
    scale=SCALE,
    shape_seeds=list(SHAPE_SEEDS),
    shape_scale=SHAPE_SCALE,
)


class Model(NamedTuple):
    """The two trained parts, and what both trainings cost, the codes in between included."""

    codes: Codes
    ddpm: DDPM
    cpu_s: float

    def draw(self, y: Tensor, scale: float, eta: float, rng: torch.Generator) -> Tensor:
        """Pictures for conditions y, some at once."""
        drawn = []
        for part in y.split(1000):
            guided = self.ddpm.replace(net=Guided(self.ddpm.net, part, scale))
            drawn.append(
                self.codes.decode(guided.ddim(len(part), self.codes.shape, STEPS, eta, rng))
            )
        return torch.cat(drawn).clamp(0, 1)


@functools.cache
def autoencoder(name: str, seed: int) -> tuple[Codes, Tensor, float]:
    """The codes of an image set, those of its training images, and CPU-seconds."""
    images = data.image_set(name)
    vae = train(f"vae_{name.removesuffix('_32')}_latent", seed)
    with Clock() as clock:
        codes = Codes.of(vae.model.eval(), images.x_train, None if name == "mnist" else CODE_MAP)
        z = codes.encode(images.x_train)
    return codes, z, vae.cpu_s + clock.cpu_s


@functools.cache
def model(name: str, seed: int) -> Model:
    """Autoencoder and diffusion model of an image set."""
    codes, z, cpu_s = autoencoder(name, seed)
    rows = (z, data.image_set(name).y_train)
    trained = train(f"ddpm_{name.removesuffix('_32')}_latent", seed, data=rows)
    return Model(codes, trained.model, cpu_s + trained.cpu_s)


def flops(run: Callable[[], object]) -> int:
    """Floating-point operations of a call."""
    with FlopCounterMode(display=False) as counter, torch.no_grad():
        run()
    return counter.get_total_flops()


def of_a_pass(ddpm: DDPM, shape: tuple[int, ...]) -> int:
    """Operations of one pass of a network for one picture."""
    one = torch.ones(1).long()
    return flops(lambda: ddpm.eval().net(torch.zeros(1, *shape), one, one))


def features(x: Tensor) -> Tensor:
    return results.features(judge("mnist"), evaluate.to_grey_levels(x, 256))


@functools.cache
def reference() -> Tensor:
    return features(data.image_set("mnist").x_test)


# --- the sections --------------------------------------------------------------------------------------------------


def codes() -> dict:
    """The MNIST recipe: 10,000 digits of the classes of training images."""
    images = data.image_set("mnist")

    def run(seed: int) -> dict:
        found = model("mnist", seed)
        y = images.y_train[torch.randperm(len(images.y_train), generator=generator(seed))[:N]]
        with Clock() as clock:
            x = found.draw(y, SCALE, 0.0, generator(seed))
        row = evaluate.score_images(evaluate.to_grey_levels(x, 256), images, judge("mnist"), y)
        costs = {"train_cpu_s": found.cpu_s, "sample_s_per_1000": clock.cpu_s * 1000 / N}
        return row | costs

    rows, found = results.over_seeds(run, SEEDS), model("mnist", SEEDS[0])
    return rows | {
        "numbers": found.codes.vae.latent_dim,
        "flops": of_a_pass(found.ddpm, found.codes.shape),
        "flops_decoder": flops(lambda: found.codes.decode(torch.zeros(1, *found.codes.shape))),
    }


def reconstruction() -> dict:
    """What a perfect model of the codes would draw: training images, there and back."""
    x = data.image_set("mnist").x_train[:N]

    def run(seed: int) -> dict:
        codes = autoencoder("mnist", seed)[0]
        return {"frechet": frechet_distance(features(codes.decode(codes.encode(x))), reference())}

    return results.over_seeds(run, SEEDS)


def floor() -> dict:
    """As many training images in the place of drawn ones."""
    return evaluate.images_floor(data.image_set("mnist"), judge("mnist"), N)


def pixels() -> dict:
    """The same steps on pixels, with a network that is not trained: only what they cost."""
    ddpm, n = mnist_ddpm_guided().eval(), 100
    guided = ddpm.replace(net=Guided(ddpm.net, torch.arange(n) % 10, SCALE))
    with Clock() as clock:
        guided.ddim(n, MNIST, STEPS, rng=generator(0))
    row = {"numbers": 28 * 28, "flops": of_a_pass(ddpm, MNIST)}
    return row | {"sample_s_per_1000": clock.cpu_s * 1000 / n}


def shape_scores(found: Model, seed: int) -> dict:
    """Lenient and strict shares of seen and held-out pairs."""
    row = {}
    for name, pairs, each in zip(("seen", "held_out"), data.held_out(8), (20, 40), strict=True):
        y = VOCABULARY.tokens([" ".join(pair) for pair in pairs for _ in range(each)])
        asked = pair_numbers(pairs).repeat_interleave(each)
        x = found.draw(y, SHAPE_SCALE, SHAPE_ETA, generator(seed))
        shares = evaluate.score_shapes(x, asked)
        row |= {f"{kind}_{name}": shares[kind] for kind in ("lenient", "strict")}
    return row


def shapes() -> dict:
    """Drawn shapes with captions, 32 x 32: two words, seen pairs and held-out ones."""

    def run(seed: int) -> dict:
        found = model("shapes_32", seed)
        return shape_scores(found, seed) | {"train_cpu_s": found.cpu_s}

    return results.over_seeds(run, SHAPE_SEEDS)


SECTIONS = results.named(floor, pixels, codes, reconstruction, shapes)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
