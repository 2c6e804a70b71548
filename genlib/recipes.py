"""How each model of the book is trained: every number once, by name.

`training("vae_digits")` gives the `Training` of a recipe, ready to run; `replace` changes one ingredient of it.
A number of steps is fixed, so that a result does not depend on how busy the machine is. All choices were made on
validation data, but for those of the budget gpu, which follow from the CPU's by counting operations.

`for_images` makes a recipe for pictures of one's own.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import partial
from typing import Literal

import torch
from torch import Tensor, nn

from genlib import data
from genlib.autoencoder import (
    image_autoencoder,
    linear_autoencoder,
    points_autoencoder,
)
from genlib.classifier import Classifier, small_conv
from genlib.data import ImageSet
from genlib.data.shapes import VOCABULARY
from genlib.ddpm import DDPM, cosine_beta, image_ddpm, points_ddpm, x_0_weight
from genlib.expect import (
    Seed,
    Size,
    batch_of,
    border,
    expect_data,
    expect_device,
    expect_number,
    expect_one_of,
)
from genlib.flow import FlowMatching, image_flow, points_flow
from genlib.gan import GAN, geometric, image_gan, points_gan
from genlib.guidance import ConditionDropout, NoisyClassifier
from genlib.nets import InBfloat16, ResidualMLP, UNet, UNetTrunk
from genlib.rng import uniform
from genlib.text import Vocabulary
from genlib.train import Batches, Training, constant, cosine, linear
from genlib.vae import VAE, Bernoulli, Gaussian, image_vae

MNIST = (1, 28, 28)
CODE_MAP = (4, 8, 8)  # of the drawn shapes in a latent space
BUDGETS = ("quick", "cpu", "gpu")
POINTS = ("ring", "grid", "moons", "spiral", "checkerboard")
IMAGES = ("digits", "mnist", "fashion_mnist", "shapes", "shapes_32")


@border
@dataclass(frozen=True)
class Recipe:
    """All that a training is made of.

    Args:
        model: makes the model with fresh weights.
        data: name of an image set, or of a 2-D density, whose 100,000 points are put in units of their standard
            deviation; or an image set, or the tensors themselves.
        steps: number of optimiser steps by budget; what is not given is that of "cpu".
        lr: learning rate of AdamW at the start.
        range: of the pixels that the model sees, (0, 1) or (-1, 1).
        labels: whether a batch is (x, y).
        batch: rows of a batch.
        fall: of the learning rate, one of `train.constant`, `linear`, `cosine`.
        ema_decay: of the exponential moving average of the weights; None for none.
        weight_decay: of AdamW.
        transform: of x in every batch.
        start: changes the fresh model, once, given the training data x.
        codes: the recipe of the VAE whose codes of the data are trained on; they are given as `data` then, as tensors.
        code_shape: that the codes are taken in, (C, H, W); () for a row of numbers.
        gpu: what the budget "gpu" changes, by the names above: a larger network, larger batches.
    """

    model: Callable[[], nn.Module]
    data: str | ImageSet | tuple[Tensor, ...]
    steps: Mapping[str, int]
    lr: float
    range: tuple[float, float] = (0, 1)
    labels: bool = False
    batch: Size = 100
    fall: Callable[[float], float] = constant
    ema_decay: float | None = None
    weight_decay: float = 0.0
    transform: Callable[[Tensor], Tensor] | None = field(default=None)
    start: Callable[[nn.Module, Tensor], None] | None = field(default=None)
    codes: str = ""
    code_shape: tuple[int, ...] = ()
    gpu: Mapping = field(default_factory=dict)

    def __post_init__(self) -> None:
        for budget, number in self.steps.items():
            expect_one_of("steps", budget, BUDGETS)
            expect_number("steps", number, 0)
        if "cpu" not in self.steps:
            raise ValueError(f"steps: expected a number for the budget cpu, got {self.steps}")
        if self.range not in ((0, 1), (-1, 1)):
            raise ValueError(f"range: expected (0, 1) or (-1, 1), got {self.range}")
        if not self.data:
            raise ValueError("data: expected a name, or at least one tensor, got none")
        if isinstance(self.data, str):
            expect_one_of("data", self.data, (*POINTS, *IMAGES))
        for name in self.gpu:
            expect_one_of("gpu", name, [f.name for f in fields(self) if f.name != "gpu"])

    def at(self, budget: str) -> "Recipe":
        """The recipe as it is in a budget."""
        expect_one_of("budget", budget, BUDGETS)
        return replace(self, gpu={}, **self.gpu) if budget == "gpu" and self.gpu else self

    def training(
        self,
        seed: Seed | None = 0,
        budget: str = "cpu",
        device: torch.device | str = "cpu",
    ) -> Training:
        """Seed torch, make data, model and batches, and return the training before its first step.

        Args:
            seed: of weights, shuffle and noise, all drawn on the CPU; None goes on with torch's random numbers.
            device: where the model is trained; data and weights are moved there.
        """
        if self.at(budget) is not self:
            return self.at(budget).training(seed, budget, device)
        if seed is not None:
            torch.manual_seed(seed)
        rows, model = self.rows(), on_device(self.model(), device)
        expect_number("batch", self.batch, 1, len(rows[0]))
        if self.start:
            self.start(model, rows[0])
        rows = (x.to(device) for x in rows)
        return Training(
            model,
            Batches(*rows, size=self.batch, seed=None, transform=self.transform),
            self.steps.get(budget, self.steps["cpu"]),
            self.lr,
            fall=self.fall,
            ema_decay=self.ema_decay,
            weight_decay=self.weight_decay,
        )

    def rows(self) -> tuple[Tensor, ...]:
        """The training data: (x,) or (x, y)."""
        if isinstance(self.data, tuple):
            return self.data
        if self.codes:
            raise ValueError(
                f"data: expected (codes, y), codes as latent.Codes makes them of a {self.codes}, got {self.data!r}"
            )
        if self.data in POINTS:
            x = getattr(data, self.data)().sample(100_000)
            return (x / x.std(),)
        images = data.image_set(self.data) if isinstance(self.data, str) else self.data
        x = data.signed(images.x_train) if self.range == (-1, 1) else images.x_train
        return (x, images.y_train) if self.labels else (x,)


@border
def training(
    name: str,
    seed: Seed | None = 0,
    budget: str = "cpu",
    device: torch.device | str = "cpu",
    **changes,
) -> Training:
    """The training of a recipe of the book, before its first step.

    Args:
        name: a key of RECIPES.
        seed, budget, device: as in `Recipe.training`.
        changes: arguments of `Recipe` to put in the place of its own, as in `lr=1e-3`.

    Raises:
        ValueError: there is no recipe of that name, or an argument that `Recipe` does not have.
    """
    expect_one_of("name", name, list(RECIPES))
    for change in changes:
        expect_one_of("changes", change, [field.name for field in fields(Recipe)])
    return replace(RECIPES[name].at(budget), **changes).training(seed, budget, device)


@border
def on_device(model: nn.Module, device: torch.device | str) -> nn.Module:
    """The model on a device; on a graphics card images lie there with their channels last, as convolutions like it."""
    device = expect_device("device", device)
    if device.type != "cuda":
        return model.to(device)
    return model.to(device, memory_format=torch.channels_last)


# --- models whose recipe makes more than the chapter's function does ---------------------------------------------


@border
def mnist_vae(latent_dim: int = 32, width: int = 512) -> VAE:
    """The digits' VAE with wider layers, for pixels that are 0 or 1."""
    model = image_vae(latent_dim, MNIST, width, likelihood=Bernoulli())
    model.encoder, model.decoder = InBfloat16(model.encoder), InBfloat16(model.decoder)
    return model


@border
def start_at_mean(model: VAE, x: Tensor) -> None:
    """Set the last bias to the log-odds of the mean pixel, so that training need not find the black border."""
    last, unflatten = model.decoder.net[-2:]
    expect_data("x", x, batch_of(unflatten.unflattened_size))
    mean = x.mean(dim=0).clamp(0.002, 0.998)
    with torch.no_grad():
        last.bias.copy_(mean.logit().flatten())


@border
def mnist_gan(width: int = 512) -> GAN:
    """The digits' GAN with wider layers, a stronger R1 and a little noise."""
    gan = image_gan(64, MNIST, width, r1=1.0, instance_noise=geometric(0.15, 0.02, share=1))
    gan.G, gan.D = InBfloat16(gan.G), InBfloat16(gan.D)
    return gan


@border
def mnist_ddpm(widths: Sequence[int] = (32, 64), classes: int = 0) -> DDPM:
    """The digits' U-Net, twice as wide; 2 x 2 pixels are taken as one with four channels, so it works on 14 x 14."""
    net = InBfloat16(UNet(MNIST, widths, patch=2, classes=classes))
    return DDPM(net, cosine_beta(1000), predicts="v", clip=1.0)


@border
def mnist_flow(widths: Sequence[int] = (32, 64)) -> FlowMatching:
    """The flow with the network of `mnist_ddpm`."""
    return FlowMatching(InBfloat16(UNet(MNIST, widths, patch=2)))


@border
def guided_ddpm(model: DDPM, null: Tensor) -> DDPM:
    """A conditional model whose condition is dropped for a tenth of the rows in training, for `Guided`."""
    return model.replace(net=ConditionDropout(model.net, null))


@border
def digits_ddpm_guided() -> DDPM:
    """The digits' model with eleven labels: the ten digits, and 10 for any digit."""
    return guided_ddpm(image_ddpm(classes=11), torch.tensor([10]))


@border
def mnist_ddpm_guided(widths: Sequence[int] = (32, 64)) -> DDPM:
    """The same for images of 28 x 28."""
    return guided_ddpm(mnist_ddpm(widths, classes=11), torch.tensor([10]))


@border
def mnist_latent_vae(latent_dim: Size = 32, beta: float = 0.1) -> VAE:
    """The autoencoder before a diffusion model: MNIST's VAE with a tenth of the divergence, for grey pixels."""
    model = mnist_vae(latent_dim)
    model.beta = beta
    return model


@border
def mnist_latent_ddpm(latent_dim: Size = 32, width: Size = 384) -> DDPM:
    """Diffusion on codes (B, latent_dim): the residual network of points, wider, told one of eleven labels."""
    net = InBfloat16(ResidualMLP(latent_dim, width=width, classes=11))
    return guided_ddpm(DDPM(net, cosine_beta(1000), predicts="v"), torch.tensor([10]))


def shapes_latent_vae() -> VAE:
    """Drawn shapes of 32 x 32 to maps of 4 x 8 x 8 numbers and back, by convolutions on squares of 4 x 4 pixels."""

    def block(n_in: int, n_out: int) -> list[nn.Module]:
        return [nn.Conv2d(n_in, n_out, 3, padding=1), nn.BatchNorm2d(n_out), nn.SiLU()]

    (C, side, _), patch, width, pixels = CODE_MAP, 4, 32, 3 * 4 * 4
    encoder = [*block(pixels, width), *block(width, width), nn.Conv2d(width, 2 * C, 1)]
    decoder = [*block(C, width), *block(width, width), nn.Conv2d(width, pixels, 3, padding=1)]
    return VAE(
        nn.Sequential(nn.PixelUnshuffle(patch), *encoder, nn.Flatten()),
        nn.Sequential(nn.Unflatten(1, (C, side, side)), *decoder, nn.PixelShuffle(patch)),
        C * side**2,
        beta=0.1,
        likelihood=Gaussian(0.1),
    )


def shapes_latent_ddpm() -> DDPM:
    """Diffusion on such maps, told the tokens of a caption."""
    beta = cosine_beta(1000)
    net = UNet(CODE_MAP, (32, 64), words=len(VOCABULARY.words))
    model = DDPM(net, beta, predicts="x_0", weight=x_0_weight(beta))
    return guided_ddpm(model, VOCABULARY.null)


@border
def shapes_ddpm(vocabulary: Vocabulary = VOCABULARY, *, widths: Sequence[int] = (32, 64)) -> DDPM:
    """The model of the drawn shapes, 16 x 16 in colour, that takes the tokens of a caption; 2 x 2 pixels as one.

    It predicts x_0: of these pictures that is far easier to say than which noise was added.
    """
    net = UNet((3, 16, 16), widths, patch=2, words=len(vocabulary.words))
    beta = cosine_beta(1000)
    model = DDPM(net, beta, predicts="x_0", clip=1.0, weight=x_0_weight(beta))
    return guided_ddpm(model, vocabulary.null)


@border
def noisy_classifier(
    shape: Sequence[int] = (1, 8, 8), widths: Sequence[int] = (16, 32), patch: Size = 1
) -> NoisyClassifier:
    """The classifier of noisy digits at every t: the way down of the U-Net that it steers."""
    return NoisyClassifier(UNetTrunk(shape, 10, widths, patch=patch), cosine_beta(1000))


@border
def judge(side: int, dropout: float, channels: int = 1, classes: int = 10) -> Classifier:
    """The classifier whose features carry the Fréchet distances."""
    return Classifier(small_conv(classes=classes, dropout=dropout, side=side, channels=channels))


def _dequantised(x: Tensor, rng: torch.Generator | None = None) -> Tensor:
    """Digits in [-1, 1] with each grey level spread evenly over its cell, 1 / 8 wide with the level in the middle.

    `to_grey_levels` undoes it. log p of 64 such pixels is that of `data.dequantise`, whose cells are 1 / 17 wide, minus
    64 log(17 / 8).
    """
    return x + (uniform(x, x.shape, rng) - 0.5) / 8


# --- the recipes -----------------------------------------------------------------------------------------------

_DIGITS = Recipe(
    partial(image_autoencoder, 16), "digits", {"quick": 20, "cpu": 1000}, lr=3e-3, fall=cosine
)
_DDPM = Recipe(
    image_ddpm,
    "digits",
    {"quick": 20, "cpu": 3500},
    lr=4e-3,
    range=(-1, 1),
    batch=64,
    fall=partial(cosine, last=0.5),
    ema_decay=0.995,
)
_DDPM_POINTS = Recipe(
    points_ddpm,
    "ring",
    {"quick": 10, "cpu": 5000},
    lr=3e-3,
    batch=256,
    fall=partial(cosine, last=0.5),
    ema_decay=0.998,
)
_NOISY = Recipe(
    noisy_classifier,
    "digits",
    {"quick": 20, "cpu": 1000},
    lr=2e-3,
    range=(-1, 1),
    labels=True,
    batch=64,
    fall=cosine,
    weight_decay=0.1,
)
_DDPM_SHAPES = replace(
    _DDPM,
    model=shapes_ddpm,
    data="shapes",
    steps={"quick": 10, "cpu": 2800},
    lr=3e-3,
    fall=partial(cosine, last=0.1),
    ema_decay=0.998,
    labels=True,
)
_LATENT_PLANE = replace(
    _DIGITS, model=partial(image_autoencoder, 2, width=128), steps={"cpu": 3000}, lr=1e-2
)

RECIPES: dict[str, Recipe] = {
    # chapter 1: the judge of generated images, a classifier
    "judge_digits": Recipe(
        partial(judge, 8, 0.5),
        "digits",
        {"cpu": 600},
        lr=4e-3,
        labels=True,
        fall=cosine,
        weight_decay=0.3,
    ),
    # chapter 2
    "autoencoder_digits": _DIGITS,
    "autoencoder_linear": replace(
        _DIGITS, model=partial(linear_autoencoder, 16), steps={"quick": 20, "cpu": 2000}, lr=1e-2
    ),
    "autoencoder_latent_plane": _LATENT_PLANE,
    "autoencoder_points": Recipe(
        partial(points_autoencoder, 0.2),
        "spiral",
        {"quick": 30, "cpu": 3000},
        lr=1e-2,
        batch=256,
        fall=cosine,
    ),
    # chapter 3
    "vae_digits": replace(_DIGITS, model=partial(image_vae, 16)),
    "vae_latent_plane": replace(_LATENT_PLANE, model=partial(image_vae, 2, width=128)),
    # chapter 4
    "gan_digits": Recipe(image_gan, "digits", {"quick": 20, "cpu": 4000}, lr=4e-3, fall=linear),
    "gan_points": Recipe(
        partial(points_gan, instance_noise=geometric(1.0, 0.01)),
        "ring",
        {"quick": 10, "cpu": 8000},
        lr=1e-3,
        batch=512,
        fall=linear,
    ),
    # chapter 5
    "ddpm_digits": _DDPM,
    "ddpm_digits_conditional": replace(_DDPM, model=partial(image_ddpm, classes=10), labels=True),
    "ddpm_points": _DDPM_POINTS,
    "flow_digits": replace(_DDPM, model=image_flow),
    "flow_digits_dequantised": replace(_DDPM, model=image_flow, transform=_dequantised),
    "flow_points": replace(_DDPM_POINTS, model=points_flow),
    # chapter 6
    "ddpm_digits_guided": replace(_DDPM, model=digits_ddpm_guided, labels=True),
    "classifier_digits_noisy": _NOISY,
    "vae_shapes_latent": Recipe(
        shapes_latent_vae,
        "shapes_32",
        {"quick": 10, "cpu": 2200},
        lr=7e-3,
        batch=16,
        fall=partial(cosine, last=0.7),
    ),
    "ddpm_shapes_latent": replace(
        _DDPM_SHAPES,
        model=shapes_latent_ddpm,
        data="shapes_32",
        steps={"quick": 10, "cpu": 2600},
        range=(0, 1),
        fall=partial(cosine, last=0.2),
        codes="vae_shapes_latent",
        code_shape=CODE_MAP,
    ),
    "ddpm_shapes": _DDPM_SHAPES,
    "ddpm_shapes_small": replace(  # small enough to travel in a page
        _DDPM_SHAPES, model=partial(shapes_ddpm, widths=(16, 32)), steps={"quick": 10, "cpu": 5600}
    ),
}


# --- the same models on images of 28 x 28 -------------------------------------------------------------------------

_MNIST_DDPM = replace(
    _DDPM,
    model=mnist_ddpm,
    data="mnist",
    steps={"quick": 10, "cpu": 1700, "gpu": 12_000},
    lr=3e-3,
    fall=partial(cosine, last=0.7),
    gpu={
        "model": partial(mnist_ddpm, (64, 128)),
        "batch": 128,
        "lr": 1e-3,
        "fall": partial(cosine, last=0.1),
        "ema_decay": 0.999,
    },
)
_MNIST_VAE = Recipe(
    mnist_vae,
    "mnist",
    {"quick": 10, "cpu": 3400, "gpu": 20_000},
    lr=6e-3,
    batch=200,
    fall=partial(cosine, last=0.7),
    transform=data.binarise,
    start=start_at_mean,
    gpu={"lr": 3e-3},
)
_ON_28 = {
    "judge": replace(
        RECIPES["judge_digits"],
        model=partial(judge, 28, 0.2),
        data="mnist",
        steps={"cpu": 1000},
        batch=200,
    ),
    "vae": _MNIST_VAE,
    "gan": Recipe(
        mnist_gan,
        "mnist",
        {"quick": 10, "cpu": 5000, "gpu": 20_000},
        lr=4e-3,
        fall=linear,
        gpu={"model": partial(mnist_gan, 1024), "lr": 2e-3},
    ),
    "ddpm": _MNIST_DDPM,
    "ddpm_conditional": replace(
        _MNIST_DDPM,
        model=partial(mnist_ddpm, classes=10),
        labels=True,
        gpu=_MNIST_DDPM.gpu | {"model": partial(mnist_ddpm, (64, 128), 10)},
    ),
    "ddpm_guided": replace(
        _MNIST_DDPM,
        model=mnist_ddpm_guided,
        labels=True,
        gpu=_MNIST_DDPM.gpu | {"model": partial(mnist_ddpm_guided, (64, 128))},
    ),
    "flow": replace(
        _MNIST_DDPM,
        model=mnist_flow,
        gpu=_MNIST_DDPM.gpu | {"model": partial(mnist_flow, (64, 128))},
    ),
    "vae_latent": replace(
        _MNIST_VAE,
        model=mnist_latent_vae,
        steps={"quick": 10, "cpu": 1500, "gpu": 10_000},
        transform=None,
    ),
    "ddpm_latent": Recipe(
        mnist_latent_ddpm,
        "mnist",
        {"quick": 10, "cpu": 2200, "gpu": 20_000},
        lr=2e-3,
        labels=True,
        batch=256,
        fall=partial(cosine, last=0.9),
        ema_decay=0.999,
        gpu={"model": partial(mnist_latent_ddpm, width=1024), "lr": 1e-3},
    ),
    "classifier_noisy": replace(
        _NOISY,
        model=partial(noisy_classifier, MNIST, (32, 64), 2),
        data="mnist",
        steps={"quick": 10, "cpu": 1000, "gpu": 5000},
        batch=128,
    ),
}
for _images in ("mnist", "fashion_mnist"):
    for _name, _recipe in _ON_28.items():
        _kind, _, _more = _name.partition("_")
        _codes = {"codes": f"vae_{_images}_latent"} if _name == "ddpm_latent" else {}
        _full = "_".join(filter(None, (_kind, _images, _more)))
        RECIPES[_full] = replace(_recipe, data=_images, **_codes)

# --- pictures of one's own ---------------------------------------------------------------------------------------

_STEPS = {"quick": 20, "cpu": 2500, "gpu": 10_000}


def _own_ddpm(shape: Sequence[int], widths: Sequence[int] = (32, 64)) -> DDPM:
    """The U-Net of the digits, twice as wide; large images in patches of 2 x 2 pixels where they can be cut so."""
    patch = 2 if min(shape[1:]) > 16 and not any(side % 4 for side in shape[1:]) else 1
    return DDPM(UNet(shape, widths, patch=patch), cosine_beta(1000), predicts="v", clip=1.0)


@border
def for_images(
    kind: Literal["autoencoder", "vae", "gan", "ddpm", "judge"], images: ImageSet
) -> Recipe:
    """A recipe for images of any shape, as `data.folder` reads them; its numbers are guesses that fit small pictures.

    Args:
        kind: of model; "judge" is the classifier of the set's classes that `evaluate.score_images` may take.

    Raises:
        ValueError: the sides of the images are odd, which a ddpm cannot halve.
    """
    shape, noise = tuple(images.x_train.shape[1:]), geometric(0.15, 0.02, share=1)
    models = {
        "autoencoder": partial(image_autoencoder, 32, shape, 512),
        "vae": partial(image_vae, 32, shape, 512, likelihood=Gaussian(0.1)),
        "gan": partial(image_gan, 64, shape, 512, instance_noise=noise),
        "ddpm": partial(_own_ddpm, shape),
        "judge": partial(judge, shape[1], 0.2, shape[0], len(images.classes) or 10),
    }
    others = {
        "gan": {"lr": 2e-3, "fall": linear},
        "ddpm": {
            "lr": 2e-3,
            "fall": _DDPM.fall,
            "range": _DDPM.range,
            "batch": _DDPM.batch,
            "ema_decay": _DDPM.ema_decay,
            "gpu": {"model": partial(_own_ddpm, shape, (64, 128))},
        },
        "judge": {"lr": 2e-3, "labels": True, "weight_decay": 0.3},
    }
    plain = Recipe(models[kind], images, _STEPS, lr=1e-3, fall=cosine)
    recipe = replace(plain, **others.get(kind, {}))
    return replace(recipe, batch=min(recipe.batch, len(images.x_train)))
