"""Every public function of genlib is fed what it was not made for: it may only answer, or raise an error that names it.

`CASES` holds good arguments for every public function, class and method. The first test compares its names with what
is public, so that a new one cannot be forgotten.
"""

import functools
import importlib
import inspect
import itertools
import math
import pkgutil
import re
import tempfile
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image
from sklearn.mixture import GaussianMixture
from torch import Tensor, nn

import genlib
from genlib import autoencoder, data, gan, nets, recipes, runs, statistical, train, vae
from genlib.classifier import Classifier, small_conv
from genlib.data.download import read
from genlib.data.shapes import VOCABULARY
from genlib.ddpm import image_ddpm, linear_beta
from genlib.flow import image_flow
from genlib.guidance import ClassifierGuided, Given, NoisyClassifier
from genlib.latent import Codes
from genlib.ngram import NGramWriter
from genlib.pretrained import judge
from genlib.processes import Team
from genlib.recipes import Recipe
from genlib.reviews import PATH, Review
from genlib.run import Run
from genlib.runs import Plan
from genlib.table import Table
from genlib.train import Batches

# --- what is public --------------------------------------------------------------------------------------------

NO_BORDER = {
    "expect": "the checks themselves: tests/test_expect.py",
    "words": "words, no functions",
    "interact": "figures of the pages, with tests of their own",
    "check": "says what is wrong with an answer, whatever it is",
}
EXEMPT = {
    "forward": "called by networks, behind the border of a model; checks shapes alone",
    "run.live": "takes any controls",
    "run.glue": "takes any value",
    "run.Run.pick": "takes any value",
    "train.progress": "takes anything that can be gone through",
    "data.download.read": "reads large files: below",
}


def public() -> dict[str, Callable]:
    """Everything public that takes something: functions, classes, methods."""
    found: dict[str, Callable] = {}
    for module in pkgutil.walk_packages(genlib.__path__, "genlib."):
        place = module.name.removeprefix("genlib.")
        if place.split(".")[0] in {*NO_BORDER, "__main__"}:
            continue
        for name, thing in vars(importlib.import_module(module.name)).items():
            if getattr(thing, "__module__", "") == module.name and callable(thing):
                found[f"{place}.{name}"] = thing
                fields = getattr(thing, "__dataclass_fields__", ())
                for key, method in vars(thing).items() if inspect.isclass(thing) else ():
                    if inspect.isfunction(method) and key not in fields:
                        found[f"{place}.{name}.{key}"] = method
    return {
        name: thing
        for name, thing in found.items()
        if not any(part.startswith("_") for part in name.split("."))
        and name not in EXEMPT
        and name.split(".")[-1] not in EXEMPT
        and set(inspect.signature(thing).parameters) - {"self"}
    }


PUBLIC = public()

# --- good arguments ------------------------------------------------------------------------------------------------

SHAPE, TEXTS, LABELS = (1, 4, 4), ["good tea here", "bad tea there"], ["positive", "negative"]
PLACE = tempfile.TemporaryDirectory()  # it goes when Python goes
FOLDER = Path(PLACE.name)


def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def points(n: int = 6) -> Tensor:
    return torch.randn(n, 2, generator=rng())


def levels(shape: tuple[int, ...] = SHAPE, n: int = 6) -> Tensor:
    return torch.randint(17, (n, *shape), generator=rng()) / 16


def signs() -> Tensor:
    return 2 * levels() - 1


def labels(n: int = 6) -> Tensor:
    return torch.arange(n) % 3


def noise() -> Tensor:
    return torch.randn(6, *SHAPE, generator=rng())


def codes() -> Tensor:
    return torch.randn(6, 2, generator=rng())


def times() -> Tensor:
    return torch.tensor([1, 2, 3, 4, 1, 2])


def shares() -> Tensor:
    return torch.tensor([0.0, 0.1, 0.4, 0.5, 0.9, 1.0])


def rows() -> np.ndarray:
    return np.random.default_rng(0).random((8, 3))


def pixels() -> dict:
    return {"x": levels()}


def recipe() -> Recipe:
    return Recipe(lambda: vae.image_vae(2, SHAPE, 8), (levels(),), {"cpu": 2}, 1e-3, batch=2)


@functools.cache
def saved() -> Path:
    """The folder of a saved training."""
    return recipe().training().save(FOLDER / "saved")


@functools.cache
def a_run() -> Path:
    """The folder of a run that has ended."""
    runs.train(Plan("vae_digits", budget="quick", steps=1), FOLDER / "run")
    return FOLDER / "run"


@functools.cache
def pictures() -> Path:
    """A folder of ten pictures."""
    (FOLDER / "pictures").mkdir()
    for i in range(10):
        Image.new("L", (5, 6), i).save(FOLDER / "pictures" / f"{i}.png")
    return FOLDER / "pictures"


def slope() -> dict:
    x = points().requires_grad_()
    return {"logits": x.square().sum(dim=1), "x": x}


def noisy_classifier() -> NoisyClassifier:
    return NoisyClassifier(nets.UNetTrunk(SHAPE, 3, (8, 8)), linear_beta(4))


def classifier_guided() -> dict:
    return {
        "net": nn.Identity(),
        "classifier": nn.Identity(),
        "y": labels(),
        "scale": 2.0,
        "alpha_bar": linear_beta(4),
        "predicts": "v",
    }


OWNERS: dict[str, Callable] = {
    "autoencoder.Autoencoder": lambda: autoencoder.image_autoencoder(2, SHAPE, 8),
    "autoencoder.PCA": lambda: autoencoder.pca(levels(), 2),
    "autoencoder.CodeDistribution": lambda: autoencoder.standard_normal(2),
    "classifier.Classifier": lambda: Classifier(small_conv(4, 3)),
    "data.densities.Mixture": data.ring,
    "data.densities.Checkerboard": data.checkerboard,
    "data.images.ImageSet": data.digits,
    "ddpm.DDPM": lambda: image_ddpm(SHAPE, 4, widths=(8, 8)),
    "flow.FlowMatching": lambda: image_flow(SHAPE, widths=(8, 8)),
    "gan.GAN": lambda: gan.image_gan(2, SHAPE, 8),
    "guidance.Given": lambda: Given(nn.Identity(), labels()),
    "guidance.NoisyClassifier": noisy_classifier,
    "guidance.ClassifierGuided": lambda: ClassifierGuided(
        nn.Identity(), noisy_classifier(), labels(), 2.0, linear_beta(4)
    ),
    "latent.Codes": lambda: Codes.of(vae.image_vae(2, SHAPE, 8).eval(), levels()),
    "text.Vocabulary": lambda: VOCABULARY,
    "ngram.NGramWriter": lambda: NGramWriter(2).fit(TEXTS, LABELS),
    "recipes.Recipe": recipe,
    "run.Run": lambda: Run(0, "cpu", torch.device("cpu")),
    "processes.Team": Team,
    "runs.Plan": lambda: Plan("vae_digits"),
    "statistical.ClassConditional": lambda: statistical.naive_bayes().fit(levels(), labels()),
    "statistical.ShrunkGaussian": lambda: statistical.ShrunkGaussian().fit(rows()),
    "statistical.KernelDensity": lambda: statistical.KernelDensity(0.1).fit(rows()),
    "table.Table": lambda: Table({"vae": {"frechet": 1.0}}),
    "train.Batches": lambda: Batches(levels(), labels(), size=2),
    "train.Training": lambda: recipe().training(),
    "vae.Bernoulli": vae.Bernoulli,
    "vae.Binomial": vae.Binomial,
    "vae.Gaussian": lambda: vae.Gaussian(0.5),
    "vae.VAE": lambda: vae.image_vae(2, SHAPE, 8),
    "vae.LinearGaussian": lambda: vae.LinearGaussian(torch.ones(3, 2), torch.zeros(3), 0.5),
}


def space(n: int = 6) -> Tensor:
    return torch.randn(n, 3, generator=rng())


# Name to good arguments. "*name" stands for arguments without names.
CASES: dict[str, Callable[[], dict]] = {
    "autoencoder.Autoencoder": lambda: {
        "encoder": nn.Linear(2, 3),
        "decoder": nn.Linear(3, 2),
        "latent_dim": 3,
        "corrupt": nn.Identity(),
        "data_range": (0.0, 1.0),
    },
    "autoencoder.Autoencoder.encode": pixels,
    "autoencoder.Autoencoder.decode": lambda: {"z": codes()},
    "autoencoder.Autoencoder.reconstruct": pixels,
    "autoencoder.Autoencoder.loss": lambda: {"x": levels(), "x_noisy": noise()},
    "autoencoder.Autoencoder.sample": lambda: {
        "n": 3,
        "rng": rng(),
        "codes": autoencoder.standard_normal(2),
    },
    "autoencoder.image_autoencoder": lambda: {
        "latent_dim": 2,
        "shape": SHAPE,
        "width": 8,
        "dropout": 0.1,
        "corrupt": nn.Identity(),
    },
    "autoencoder.points_autoencoder": lambda: {"sigma": 0.1, "latent_dim": 4, "width": 8},
    "autoencoder.linear_autoencoder": lambda: {"latent_dim": 2, "shape": SHAPE},
    "autoencoder.PCA": lambda: {"mean": torch.zeros(SHAPE), "components": torch.eye(2, 16)},
    "autoencoder.PCA.encode": pixels,
    "autoencoder.PCA.decode": lambda: {"z": codes()},
    "autoencoder.PCA.reconstruct": pixels,
    "autoencoder.pca": lambda: {"x": levels(), "k": 2},
    "autoencoder.principal_angles": lambda: {"U": space().T, "V": space().T.flip(0)},
    "autoencoder.add_gaussian": lambda: {"x": levels(), "sigma": 0.1, "rng": rng()},
    "autoencoder.mask_pixels": lambda: {"x": levels(), "share": 0.1, "rng": rng()},
    "autoencoder.mean_filter": lambda: {"x": levels(), "keep": 0.5},
    "autoencoder.CodeDistribution": lambda: {
        "weights": torch.tensor([0.5, 0.5]),
        "means": torch.zeros(2, 3),
        "roots": torch.eye(3).expand(2, 3, 3).clone(),
    },
    "autoencoder.CodeDistribution.sample": lambda: {"n": 3, "rng": rng()},
    "autoencoder.CodeDistribution.log_prob": lambda: {"z": codes()},
    "autoencoder.standard_normal": lambda: {"latent_dim": 2},
    "autoencoder.scaled_normal": lambda: {"z": codes()},
    "autoencoder.fitted_gaussian": lambda: {"z": codes()},
    "autoencoder.fitted_mixture": lambda: {"z": codes(), "k": 2, "rng": rng()},
    "classifier.Classifier": lambda: {"net": nn.Sequential(nn.Linear(2, 3))},
    "classifier.Classifier.loss": lambda: {"x": levels((1, 8, 8)), "y": labels()},
    "classifier.Classifier.log_prob": lambda: {"x": levels((1, 8, 8))},
    "classifier.Classifier.predict": lambda: {"x": levels((1, 8, 8))},
    "classifier.Classifier.features": lambda: {"x": levels((1, 8, 8))},
    "classifier.small_conv": lambda: {"features": 4, "classes": 3, "dropout": 0.1, "side": 8},
    "data.densities.Mixture": lambda: {"means": points(), "sd": 0.1},
    "data.densities.Mixture.to": lambda: {"device": "cpu"},
    "data.densities.Checkerboard.to": lambda: {"device": "cpu"},
    "data.images.ImageSet.to": lambda: {"device": "cpu"},
    "data.densities.Mixture.sample": lambda: {"n": 3, "rng": rng()},
    "data.densities.Mixture.log_prob": lambda: {"x": points()},
    "data.densities.Mixture.posterior": lambda: {"x": points()},
    "data.densities.Mixture.score": lambda: {"x": points()},
    "data.densities.Mixture.noised": lambda: {"scale": 0.5, "sigma": 0.5},
    "data.densities.Checkerboard.sample": lambda: {"n": 3, "rng": rng()},
    "data.densities.Checkerboard.inside": lambda: {"x": points()},
    "data.densities.Checkerboard.log_prob": lambda: {"x": points()},
    "data.download.parse_idx": lambda: {"raw": b"\0\0\x08\x01\0\0\0\x02ab"},
    "data.folder.folder": lambda: {"path": pictures(), "size": 4, "channels": 1},
    "data.images.ImageSet": lambda: {
        **{f"x_{part}": levels() for part in ("train", "val", "test")},
        **{f"y_{part}": labels() for part in ("train", "val", "test")},
        "name": "mine",
        "levels": 17,
        "classes": ("a", "b", "c"),
    },
    "data.images.image_set": lambda: {"name": "digits"},
    "data.images.dequantise": lambda: {"x": levels(), "rng": rng(), "levels": 17},
    "data.images.quantise": lambda: {"x": levels(), "levels": 17},
    "data.images.binarise": lambda: {"x": levels(), "rng": rng()},
    "data.shapes.Drawn": lambda: (
        {"x": levels((3, 8, 8)), "captions": ("red circle",) * 6}
        | {name: labels() for name in ("colour", "shape", "size", "row", "column")}
    ),
    "data.shapes.shapes": lambda: {"n": 3, "size": 8, "seed": 1, "pairs": [("red", "circle")]},
    "data.shapes.held_out": lambda: {"n": 3, "seed": 1},
    "data.shapes.pair_numbers": lambda: {"pairs": [("red", "circle")]},
    "data.shapes.masks": lambda: {
        "shape": labels(),
        "centre": points(),
        "radius": torch.full((6,), 0.2),
        "size": 8,
        "fine": 2,
    },
    "data.shapes.paint": lambda: {
        "mask": levels((4, 4)),
        "colour": space().abs(),
        "ground": torch.zeros(6),
    },
    "data.images.signed": pixels,
    "data.images.unsigned": pixels,
    "ddpm.linear_beta": lambda: {"T": 4, "beta_1": 0.1, "beta_T": 0.2},
    "ddpm.cosine_beta": lambda: {"T": 4, "s": 0.01},
    "ddpm.x_0_weight": lambda: {"beta": linear_beta(4), "most": 5.0},
    "ddpm.alpha_bar_of": lambda: {"beta": linear_beta(4)},
    "ddpm.DDPM": lambda: {
        "net": nn.Identity(),
        "beta": linear_beta(4),
        "predicts": "v",
        "variance": "beta",
        "clip": 1.0,
        "weight": torch.ones(5),
    },
    "ddpm.DDPM.replace": lambda: {"clip": 1.0, "variance": "posterior"},
    "ddpm.DDPM.q_sample": lambda: {"x_0": signs(), "t": times(), "eps": noise()},
    "ddpm.DDPM.loss": lambda: {"x_0": signs(), "t": times(), "eps": noise()},
    "ddpm.DDPM.times": lambda: {"n": 3, "rng": rng()},
    "ddpm.DDPM.target": lambda: {"x_0": signs(), "t": times(), "eps": noise()},
    "ddpm.DDPM.predict": lambda: {"x_t": noise(), "t": times()},
    "ddpm.DDPM.p_step": lambda: {"x_t": noise(), "t": 2, "noise": noise()},
    "ddpm.DDPM.p_variance": lambda: {"t": 2},
    "ddpm.DDPM.q_variance": lambda: {"t": times()},
    "ddpm.DDPM.ddim_step": lambda: {"x_t": noise(), "t": 3, "s": 1, "eta": 0.5, "noise": noise()},
    "ddpm.DDPM.denoise": lambda: {
        "n": 6,
        "shape": SHAPE,
        "rng": rng(),
        "steps": 2,
        "eta": 0.5,
        "x_T": noise(),
    },
    "ddpm.DDPM.sample": lambda: {"n": 2, "shape": SHAPE, "rng": rng()},
    "ddpm.DDPM.ddim": lambda: {
        "n": 6,
        "shape": SHAPE,
        "steps": [4, 2, 0],
        "eta": 0.5,
        "rng": rng(),
        "x_T": noise(),
    },
    "ddpm.ddim_times": lambda: {"T": 8, "steps": 4, "power": 2.0},
    "flow.FlowMatching": lambda: {"net": nets.UNet(SHAPE, (8, 8))},
    "flow.FlowMatching.path": lambda: {"x_0": signs(), "t": shares(), "eps": noise()},
    "flow.FlowMatching.loss": lambda: {"x_0": signs(), "t": shares(), "eps": noise()},
    "flow.FlowMatching.velocity": lambda: {"x_t": noise(), "t": shares()},
    "flow.FlowMatching.predict": lambda: {"x_t": noise(), "t": shares()},
    "flow.FlowMatching.walk": lambda: {
        "n": 2,
        "shape": SHAPE,
        "steps": [1.0, 0.5, 0.0],
        "rng": rng(),
        "heun": True,
        "x_1": noise()[:2],
    },
    "flow.FlowMatching.sample": lambda: {"n": 2, "shape": SHAPE, "steps": 2, "rng": rng()},
    "flow.straight_time": lambda: {"alpha_bar": shares()},
    "flow.points_flow": lambda: {"width": 8, "octaves": 2},
    "flow.image_flow": lambda: {"shape": SHAPE, "widths": (8, 8), "classes": 3},
    "ddpm.points_ddpm": lambda: {"T": 4, "width": 8, "octaves": 2},
    "ddpm.image_ddpm": lambda: {"shape": SHAPE, "T": 4, "widths": (8, 8), "classes": 3},
    "evaluate.to_grey_levels": lambda: {"x": noise(), "levels": 17},
    "evaluate.frechet_distance": lambda: {"a": space(), "b": space(5)},
    "evaluate.frechet_at_infinity": lambda: {
        "a": space(),
        "b": space(5),
        "sizes": [3, 6],
        "rng": rng(),
    },
    "evaluate.kernel_distance": lambda: {"a": space(), "b": space(5)},
    "evaluate.two_sample_accuracy": lambda: {"a": space(), "b": space() + 1, "rng": rng()},
    "evaluate.precision_recall": lambda: {"real": space(), "fake": space() + 1, "k": 2},
    "evaluate.class_histogram_tv": lambda: {"y_fake": labels(), "y_real": labels(), "classes": 3},
    "evaluate.nearest_training_ratio": lambda: {"x": noise(), "train": levels(), "test": signs()},
    "evaluate.score_images": lambda: {
        "x": levels((1, 8, 8), 20),
        "images": data.digits(),
        "judge": judge(),
        "y": labels(20),
        "rng": rng(),
    },
    "evaluate.images_floor": lambda: {
        "images": data.digits(),
        "judge": judge(),
        "n": 20,
        "seed": 1,
    },
    "evaluate.score_digits": lambda: {
        "x": levels((1, 8, 8), 500),
        "y": labels(500),
        "rng": rng(),
    },
    "evaluate.digits_floor": lambda: {"seed": 1},
    "evaluate.read_shapes": lambda: {"x": levels((3, 8, 8))},
    "evaluate.score_shapes": lambda: {"x": levels((3, 8, 8)), "pair": labels()},
    "evaluate.mode_scores": lambda: {"x": points(), "mixture": data.ring()},
    "evaluate.inside_fraction": lambda: {"x": points(), "density": data.checkerboard()},
    "evaluate.mmd": lambda: {"x": points(), "y": points(5), "widths": (0.1, 1.0)},
    "evaluate.sliced_wasserstein": lambda: {"x": points(), "y": points() + 1, "directions": 8},
    "evaluate.score_points": lambda: {"x": points(), "density": data.ring(), "rng": rng()},
    "evaluate.points_floor": lambda: {"density": data.ring(), "n": 6, "rng": rng()},
    "exact.PerfectDenoiser": lambda: {
        "mixture": data.ring(),
        "beta": linear_beta(4),
        "labels": torch.arange(8) % 2,
    },
    "exact.PerfectVelocity": lambda: {"mixture": data.ring()},
    "exact.PerfectClassifier": lambda: {
        "mixture": data.ring(),
        "beta": linear_beta(4),
        "labels": torch.arange(8) % 2,
    },
    "gan.GAN": lambda: {
        "generator": nn.Linear(2, 2),
        "discriminator": nn.Linear(2, 1),
        "latent_dim": 2,
        "signs": 1,
        "r1": 0.1,
        "instance_noise": train.linear,
        "data_range": (0.0, 1.0),
    },
    "gan.GAN.turns": lambda: {"x": levels(), "*others": [labels()], "share": 0.5},
    "gan.GAN.d_loss": lambda: {"x": levels(), "z": codes()},
    "gan.GAN.g_loss": lambda: {"z": codes()},
    "gan.GAN.logits": pixels,
    "gan.GAN.prior": lambda: {"n": 3, "rng": rng()},
    "gan.GAN.sample": lambda: {"n": 3, "rng": rng()},
    "gan.geometric": lambda: {"start": 1.0, "end": 0.1, "share": 0.5},
    "gan.points_gan": lambda: {
        "signs": 1,
        "gaussians": 1,
        "width": 8,
        "octaves": 2,
        "instance_noise": train.linear,
    },
    "gan.image_gan": lambda: {
        "latent_dim": 2,
        "shape": SHAPE,
        "width": 8,
        "r1": 0.1,
        "instance_noise": train.linear,
    },
    "gan.gaussian_game_logits": lambda: {"x": points(), "phi": 0.5},
    "gan.gaussian_game_value": lambda: {"theta": points(), "phi": points(), "nodes": 8},
    "gan.quadrature": lambda: {"nodes": 8},
    "gan.gaussian_game_jsd": lambda: {"theta": points()},
    "guidance.Given": lambda: {"net": nn.Identity(), "y": labels()},
    "guidance.ConditionDropout": lambda: {
        "net": nn.Identity(),
        "null": torch.tensor([3]),
        "share": 0.1,
    },
    "guidance.Guided": lambda: {
        "net": nn.Identity(),
        "y": labels(),
        "scale": 2.0,
        "null": torch.tensor([3]),
    },
    "guidance.scale_of_paper": lambda: {"w": 0.5},
    "guidance.NoisyClassifier": lambda: {"net": nn.Identity(), "beta": linear_beta(4)},
    "guidance.NoisyClassifier.loss": lambda: {
        "x_0": signs(),
        "y": labels(),
        "t": times(),
        "eps": noise(),
    },
    "guidance.ClassifierGuided": classifier_guided,
    "guidance.ClassifierGuided.gradient": lambda: {"x_t": noise(), "t": times()},
    "latent.Codes": lambda: {
        "vae": vae.image_vae(2, SHAPE, 8),
        "mean": torch.zeros(2),
        "sd": torch.ones(2),
        "shape": (2,),
    },
    "latent.Codes.encode": lambda: {"x": levels()},
    "latent.Codes.decode": lambda: {"z": torch.zeros(3, 2)},
    "likelihood.bound": lambda: {
        "model": OWNERS["ddpm.DDPM"](),
        "x_0": signs(),
        "draws": 2,
        "levels": 17,
        "rng": rng(),
    },
    "likelihood.bound_term": lambda: {
        "model": OWNERS["ddpm.DDPM"](),
        "x_0": signs(),
        "t": times(),
        "eps": noise(),
        "levels": 17,
    },
    "likelihood.flow_log_prob": lambda: {
        "model": OWNERS["flow.FlowMatching"](),
        "x_0": signs(),
        "steps": 1,
    },
    "likelihood.prior_kl": lambda: {"model": OWNERS["ddpm.DDPM"](), "x_0": signs()},
    "likelihood.level_nll": lambda: {
        "mean": noise(),
        "x_0": signs(),
        "sd": torch.tensor(0.1),
        "levels": 17,
    },
    "losses.squared_error": lambda: {"x_hat": noise(), "x": levels()},
    "losses.psnr": lambda: {"x_hat": noise(), "x": levels()},
    "losses.bernoulli_nll": lambda: {"logits": noise(), "x": levels()},
    "losses.binomial_nll": lambda: {"logits": noise(), "x": levels(), "trials": 16},
    "losses.gaussian_nll": lambda: {"x_hat": noise(), "x": levels(), "sd": 0.5},
    "losses.gaussian_kl": lambda: {"mu": codes(), "logvar": codes()},
    "losses.discriminator_loss": lambda: {
        "real_logits": codes()[:, 0],
        "fake_logits": codes()[:, 1],
    },
    "losses.generator_loss": lambda: {"fake_logits": codes()[:, 0]},
    "losses.saturating_generator_loss": lambda: {"fake_logits": codes()[:, 0]},
    "losses.gradient_penalty": slope,
    "nets.mlp": lambda: {"sizes": (2, 8, 1), "norm": True, "dropout": 0.1, "activation": nn.ReLU},
    "nets.Flatten": lambda: {"shape": SHAPE},
    "nets.image_encoder": lambda: {
        "shape": SHAPE,
        "width": 8,
        "out": 2,
        "norm": True,
        "dropout": 0.1,
    },
    "nets.image_decoder": lambda: {
        "latent_dim": 2,
        "width": 8,
        "shape": SHAPE,
        "norm": True,
        "dropout": 0.1,
        "activation": nn.ReLU,
    },
    "nets.Fourier": lambda: {"octaves": 2, "lowest": 1.5},
    "nets.TimeEmbedding": lambda: {"width": 8, "waves": 4},
    "nets.Condition": lambda: {"width": 8, "classes": 0, "words": 3},
    "nets.ResidualMLP": lambda: {
        "D": 2,
        "width": 8,
        "blocks": 1,
        "features": nets.Fourier(2),
        "words": 3,
    },
    "nets.ResidualBlock": lambda: {"n_in": 8, "n_out": 16, "width": 8},
    "nets.UNet": lambda: {"shape": SHAPE, "widths": (8, 8), "patch": 2, "classes": 3},
    "nets.UNetTrunk": lambda: {"shape": SHAPE, "out": 3, "widths": (8, 8), "patch": 2},
    "nets.zero_init": lambda: {"*layers": [nn.Linear(2, 2)]},
    "nets.InBfloat16": lambda: {"net": nn.Identity()},
    "ngram.NGramWriter": lambda: {"order": 2, "discount": (0.5, 0.5), "unknown": 0.5},
    "ngram.NGramWriter.fit": lambda: {"texts": TEXTS, "labels": LABELS},
    "ngram.NGramWriter.prob": lambda: {"word": "tea", "context": ["good"], "label": "positive"},
    "ngram.NGramWriter.next_word": lambda: {"context": ["good"], "label": "positive"},
    "ngram.NGramWriter.log_prob": lambda: {"text": "good tea", "label": "positive"},
    "ngram.NGramWriter.log_joint": lambda: {"texts": TEXTS},
    "ngram.NGramWriter.posterior": lambda: {"texts": TEXTS},
    "ngram.NGramWriter.predict": lambda: {"texts": TEXTS},
    "ngram.NGramWriter.perplexity": lambda: {"texts": TEXTS, "labels": LABELS},
    "ngram.NGramWriter.write": lambda: {
        "label": "positive",
        "rng": rng(),
        "prompt": "tea",
        "temperature": 1.0,
        "longest": 5,
    },
    "ngram.NGramWriter.write_new": lambda: {
        "label": "positive",
        "rng": rng(),
        "shortest": 0,
        "tries": 200,
    },
    "ngram.NGramWriter.is_new": lambda: {"text": "tea"},
    "ngram.grams": lambda: {"tokens": ["good", "tea"], "order": 2},
    "ngram.draw": lambda: {"p": torch.tensor([0.5, 0.5]), "temperature": 0.5, "rng": rng()},
    "ngram.longest_copy": lambda: {"text": "good tea", "texts": TEXTS},
    "plot.images": lambda: {"x": levels(), "ncol": 3, "title": "six", "rows": ["a", "b"]},
    "plot.scatter_2d": lambda: {"points": {"a": points()}, "limit": 2.0, "title": "six"},
    "plot.curves": lambda: {
        "x": [1, 2, 3],
        "ys": {"a": [1.0, 2.0, 3.0]},
        "xlabel": "x",
        "ylabel": "y",
        "title": "line",
        "log": "xy",
    },
    "pretrained.tensors": lambda: {"name": "vae_plane"},
    "pretrained.card": lambda: {"name": "vae_plane"},
    "pretrained.judge": lambda: {"name": "digits"},
    "pretrained.latent_plane_mixture": lambda: {"name": "vae"},
    "recipes.Recipe": lambda: {
        "model": nn.Identity,
        "data": (levels(),),
        "steps": {"cpu": 2, "quick": 1},
        "lr": 1e-3,
        "range": (0.0, 1.0),
        "labels": False,
        "batch": 2,
        "fall": train.linear,
        "ema_decay": 0.9,
        "weight_decay": 0.1,
        "transform": nn.Identity(),
    },
    "recipes.Recipe.training": lambda: {"seed": 1, "budget": "cpu"},
    "recipes.training": lambda: {
        "name": "vae_digits",
        "seed": 1,
        "budget": "cpu",
        "lr": 1e-3,
        "data": (levels((1, 8, 8)),),
        "batch": 2,
    },
    "recipes.mnist_vae": lambda: {"latent_dim": 2, "width": 8},
    "recipes.start_at_mean": lambda: {
        "model": recipes.mnist_vae(2, 8),
        "x": levels((1, 28, 28)),
    },
    "recipes.mnist_gan": lambda: {"width": 8},
    "recipes.mnist_ddpm": lambda: {"widths": (8, 8), "classes": 2},
    "recipes.mnist_flow": lambda: {"widths": (8, 8)},
    "recipes.mnist_ddpm_guided": lambda: {"widths": (8, 8)},
    "recipes.mnist_latent_vae": lambda: {"latent_dim": 2, "beta": 0.1},
    "recipes.mnist_latent_ddpm": lambda: {"latent_dim": 2, "width": 8},
    "recipes.shapes_ddpm": lambda: {"vocabulary": VOCABULARY},
    "recipes.guided_ddpm": lambda: {
        "model": OWNERS["ddpm.DDPM"](),
        "null": torch.tensor([3]),
    },
    "recipes.noisy_classifier": lambda: {"shape": SHAPE, "widths": (8, 8), "patch": 2},
    "recipes.Recipe.at": lambda: {"budget": "gpu"},
    "recipes.for_images": lambda: {"kind": "vae", "images": data.digits()},
    "recipes.on_device": lambda: {"model": nn.Identity(), "device": "cpu"},
    "recipes.judge": lambda: {"side": 8, "dropout": 0.1},
    "reviews.Review": lambda: {"text": "good", "label": "positive", "topic": "food"},
    "reviews.Reviews": lambda: {
        part: [Review("good", "positive", "food")] for part in ("train", "val", "test")
    },
    "reviews.read_rows": lambda: {"path": PATH},
    "reviews.tokenize": lambda: {"text": "Good tea."},
    "reviews.detokenize": lambda: {"tokens": ["good", "tea", "."]},
    "reviews.word_list_score": lambda: {"text": "Good tea."},
    "reviews.word_list_predict": lambda: {"text": "Good tea."},
    "processes.Team.mean": lambda: {"x": points()},
    "processes.Team.prepare": lambda: {"model": nn.Linear(2, 2)},
    "rng.normal": lambda: {"like": points(), "shape": (2, 3), "rng": rng()},
    "rng.uniform": lambda: {"like": points(), "shape": (2, 3), "rng": rng()},
    "rng.integers": lambda: {"n": 3, "below": 5, "rng": rng()},
    "rng.permutation": lambda: {"n": 3, "rng": rng()},
    "rng.stratified": lambda: {"n": 3, "rng": rng()},
    "rng.share": lambda: {"rank": 1, "size": 2},
    "rng.categorical": lambda: {"weights": torch.tensor([0.5, 0.5]), "n": 3, "rng": rng()},
    "rng.library_seed": lambda: {"rng": rng()},
    "runs.Plan": lambda: {
        "name": "ddpm",
        "seed": 1,
        "budget": "cpu",
        "steps": 2,
        "batch": 9,
        "data": "digits",
        "size": 8,
        "channels": 1,
    },
    "runs.Plan.recipe": lambda: {"images": data.digits()},
    "runs.read_card": lambda: {"folder": a_run()},
    "runs.load": lambda: {"folder": a_run(), "device": "cpu"},
    "runs.train": lambda: {
        "plan": Plan("vae_digits", budget="quick", steps=1),
        "folder": Path(tempfile.mkdtemp(dir=FOLDER)),
        "device": "cpu",
        "resume": False,
        "save_every": 1.0,
    },
    "runs.draw": lambda: (
        dict(zip(("model", "card"), runs.load(a_run()), strict=True)) | {"n": 2, "rng": rng()}
    ),
    "runs.figure": lambda: {"x": levels((1, 8, 8))},
    "runs.score": lambda: {"folder": a_run(), "n": 10, "device": "cpu", "path": None},
    "runs.asked_for": lambda: {"card": runs.read_card(a_run()) | {"labels": True}, "label": 3},
    "runs.labels": lambda: {"card": runs.read_card(a_run()), "n": 3},
    "runs.write_images": lambda: {
        "x": levels((1, 8, 8)),
        "folder": Path(tempfile.mkdtemp(dir=FOLDER)) / "new",
    },
    "run.Run": lambda: {"seed": 1, "budget": "cpu", "device": torch.device("cpu")},
    "run.setup": lambda: {"seed": 1},
    "run.workload": lambda: {"steps": 2},
    "run.device_name": lambda: {"device": torch.device("cpu")},
    "nets.has_bfloat16": lambda: {"device": torch.device("cpu")},
    "statistical.ClassConditional": lambda: {
        "make_density": lambda: GaussianMixture(1),
        "levels": 17,
    },
    "statistical.ClassConditional.fit": lambda: {"x": levels(), "y": labels(), "rng": rng()},
    "statistical.ClassConditional.log_joint": pixels,
    "statistical.ClassConditional.log_prob": pixels,
    "statistical.ClassConditional.predict": pixels,
    "statistical.ClassConditional.sample": lambda: {"n": 6, "rng": rng(), "y": labels()},
    "statistical.ShrunkGaussian": lambda: {"shrink": 0.5},
    "statistical.ShrunkGaussian.fit": lambda: {"x": rows()},
    "statistical.ShrunkGaussian.score_samples": lambda: {"x": rows()},
    "statistical.ShrunkGaussian.sample": lambda: {"n": 3, "random_state": 1},
    "statistical.KernelDensity": lambda: {"bandwidth": 0.5},
    "statistical.KernelDensity.fit": lambda: {"x": rows()},
    "statistical.KernelDensity.score_samples": lambda: {"x": rows()},
    "statistical.KernelDensity.sample": lambda: {"n": 3, "random_state": 1},
    "statistical.full_gaussian": lambda: {"shrink": 0.5},
    "statistical.mixture": lambda: {"k": 2, "reg": 0.1},
    "statistical.kernel_density": lambda: {"bandwidth": 0.5},
    "table.stored": lambda: {"name": "table"},
    "table.Table": lambda: {
        "rows": {"vae": {"frechet": 1.0}},
        "floor": {"frechet": 1.0},
        "highlight": "vae",
        "columns": ["frechet"],
        "against": "vae",
    },
    "table.cell": lambda: {"value": [1.0, 2.0], "decimals": 2},
    "table.label_of": lambda: {"name": "vae", "row": {"label": "a VAE"}},
    "table.seed_means": lambda: {"values": [[1.0, 2.0], [3.0, 4.0]]},
    "table.spreads": lambda: {"values": [[1.0, 2.0], [3.0, 5.0]]},
    "table.interval": lambda: {"values": [1.0, 2.0], "level": 0.9},
    "table.verdict": lambda: {
        "values": [1.0, 2.0],
        "reference": [[1.0, 3.0], [2.0, 2.0]],
        "comparisons": 3,
        "level": 0.9,
        "larger_is_better": True,
    },
    "train.Batches": lambda: {
        "*tensors": [levels(), labels()],
        "size": 2,
        "seed": 1,
        "transform": nn.Identity(),
    },
    "train.Batches.load_state_dict": lambda: {"state": OWNERS["train.Batches"]().state_dict()},
    "train.Training": lambda: {
        "model": vae.image_vae(2, SHAPE, 8),
        "batches": [(levels(),)],
        "steps": 2,
        "lr": 1e-3,
        "fall": train.linear,
        "ema_decay": 0.9,
        "weight_decay": 0.1,
    },
    "train.Training.run": lambda: {"title": "a few steps"},
    "train.Training.spread": lambda: {"team": None},
    "train.Training.load_state_dict": lambda: {"state": recipe().training().state_dict()},
    "train.Training.save": lambda: {"folder": Path(tempfile.mkdtemp(dir=FOLDER))},
    "train.Training.load": lambda: {"folder": saved()},
    "train.constant": lambda: {"done": 0.5},
    "train.linear": lambda: {"done": 0.5},
    "train.cosine": lambda: {"done": 0.5, "last": 0.5},
    "train.write_whole": lambda: {"path": FOLDER / "whole", "content": b"all"},
    "text.Vocabulary": lambda: {"words": ("red", "circle"), "length": 3},
    "text.Vocabulary.tokens": lambda: {"captions": ["red circle", ""]},
    "text.Vocabulary.captions": lambda: {"tokens": VOCABULARY.null},
    "vae.Bernoulli.nll": lambda: {"logits": noise(), "x": levels()},
    "vae.Bernoulli.mean": lambda: {"logits": noise()},
    "vae.Bernoulli.sample": lambda: {"logits": noise(), "rng": rng()},
    "vae.Binomial": lambda: {"trials": 16},
    "vae.Binomial.nll": lambda: {"logits": noise(), "x": levels()},
    "vae.Binomial.mean": lambda: {"logits": noise()},
    "vae.Binomial.sample": lambda: {"logits": noise(), "rng": rng()},
    "vae.Gaussian": lambda: {"sd": 0.5},
    "vae.Gaussian.nll": lambda: {"x_hat": noise(), "x": levels()},
    "vae.Gaussian.mean": lambda: {"x_hat": noise()},
    "vae.Gaussian.sample": lambda: {"x_hat": noise(), "rng": rng()},
    "vae.VAE": lambda: {
        "encoder": nn.Linear(2, 4),
        "decoder": nn.Linear(2, 2),
        "latent_dim": 2,
        "beta": 0.5,
        "likelihood": vae.Gaussian(0.5),
    },
    "vae.VAE.encode": pixels,
    "vae.VAE.reparameterize": lambda: {"mu": codes(), "logvar": codes(), "eps": codes()},
    "vae.VAE.decode": lambda: {"z": codes()},
    "vae.VAE.reconstruct": pixels,
    "vae.VAE.loss": lambda: {"x": levels(), "eps": codes()},
    "vae.VAE.log_prob": lambda: {"x": levels(), "k": 3, "rng": rng(), "rows": 4},
    "vae.VAE.sample": lambda: {"n": 3, "rng": rng(), "pixels": True},
    "vae.image_vae": lambda: {
        "latent_dim": 2,
        "shape": SHAPE,
        "width": 8,
        "beta": 0.5,
        "dropout": 0.1,
        "likelihood": vae.Bernoulli(),
    },
    "vae.LinearGaussian": lambda: {"W": torch.ones(3, 2), "b": torch.zeros(3), "sd": 0.5},
    "vae.LinearGaussian.sample": lambda: {"n": 3, "rng": rng()},
    "vae.LinearGaussian.log_prob": lambda: {"x": space()},
    "vae.LinearGaussian.posterior": lambda: {"x": space()},
    "vae.LinearGaussian.best_diagonal": lambda: {"x": space()},
    "vae.LinearGaussian.elbo": lambda: {"x": space(), "mu": codes(), "logvar": codes()},
    "vae.LinearGaussian.gap": lambda: {"x": space(), "mu": codes(), "logvar": codes()},
    "vae.linear_vae": lambda: {"latent_dim": 2, "D": 3, "sd": 0.5},
}

# Where data come in from outside: NaN, infinity and another number of axes must be refused.
DATA_BORDERS = {
    "autoencoder.Autoencoder.encode": "x",
    "autoencoder.Autoencoder.loss": "x x_noisy",
    "autoencoder.PCA.encode": "x",
    "autoencoder.PCA.decode": "z",
    "autoencoder.pca": "x",
    "autoencoder.mean_filter": "x",
    "autoencoder.principal_angles": "U",
    "autoencoder.fitted_mixture": "z",
    "autoencoder.scaled_normal": "z",
    "autoencoder.CodeDistribution.log_prob": "z",
    "autoencoder.CodeDistribution": "means",
    "classifier.Classifier.loss": "x y",
    "classifier.Classifier.predict": "x",
    "classifier.Classifier.features": "x",
    "data.densities.Mixture": "means",
    "data.densities.Mixture.log_prob": "x",
    "data.densities.Checkerboard.inside": "x",
    "ddpm.DDPM.loss": "x_0 t",
    "ddpm.alpha_bar_of": "beta",
    "flow.FlowMatching.loss": "x_0 t",
    "likelihood.flow_log_prob": "x_0",
    "evaluate.frechet_distance": "a b",
    "evaluate.frechet_at_infinity": "a b",
    "evaluate.kernel_distance": "a b",
    "evaluate.two_sample_accuracy": "a b",
    "evaluate.precision_recall": "real fake",
    "evaluate.class_histogram_tv": "y_fake y_real",
    "evaluate.nearest_training_ratio": "x train",
    "evaluate.score_digits": "x y",
    "evaluate.score_images": "x y",
    "evaluate.read_shapes": "x",
    "evaluate.score_shapes": "x pair",
    "evaluate.mode_scores": "x",
    "evaluate.inside_fraction": "x",
    "evaluate.mmd": "x y",
    "evaluate.sliced_wasserstein": "x",
    "evaluate.score_points": "x",
    "gan.GAN.d_loss": "x",
    "gan.GAN.turns": "x",
    "likelihood.bound": "x_0",
    "likelihood.bound_term": "x_0",
    "plot.images": "x",
    "ngram.draw": "p",
    "rng.categorical": "weights",
    "statistical.ClassConditional.fit": "x y",
    "statistical.ClassConditional.predict": "x",
    "statistical.ClassConditional.log_prob": "x",
    "vae.VAE.encode": "x",
    "vae.VAE.loss": "x",
    "vae.VAE.log_prob": "x",
    "vae.LinearGaussian.log_prob": "x",
    "vae.LinearGaussian": "W",
    "vae.LinearGaussian.elbo": "x",
    "vae.LinearGaussian.gap": "mu",
    "vae.Binomial.nll": "x",
}


# A model may bring its own cases in its own test, as every new chapter does.
known = {name.partition(".")[0] for name in CASES}
for place in sorted({name.partition(".")[0] for name in PUBLIC} - known):
    if (Path(__file__).parent / f"test_{place}.py").exists():
        own = importlib.import_module(f"test_{place}")
        OWNERS |= getattr(own, "OWNERS", {})
        CASES |= getattr(own, "CASES", {})
        DATA_BORDERS |= getattr(own, "DATA_BORDERS", {})


# --- what is wrong with an argument ----------------------------------------------------------------------------

NUMBERS = st.floats(-100, 100, width=16, allow_subnormal=False) | st.sampled_from(
    [math.nan, math.inf, -math.inf, -1.0, 0.0]
)
OTHERS = st.sampled_from(["x", "", 3, None, True, [], {}, (1.0, 2.0), b"x", torch.ones(2)])
DTYPES = st.sampled_from([torch.int64, torch.uint8, torch.bool, torch.float64, torch.complex64])


@st.composite
def tensors(draw: Callable, good: Tensor) -> Tensor:
    """The good tensor in another shape, of another type, or with other numbers in it."""
    way = draw(st.sampled_from(["shape", "axes", "type", "range", "one"]))
    if way == "shape":
        return torch.ones(draw(st.lists(st.integers(0, 4), max_size=5)), dtype=good.dtype)
    if way == "axes" and good.dim():
        axis, change = draw(st.integers(0, good.dim() - 1)), draw(st.integers(0, 4))
        return [
            good.unsqueeze(axis),
            good.select(axis, 0) if good.shape[axis] else good,
            good.narrow(axis, 0, 0),
            torch.cat([good, good.narrow(axis, 0, 1)], dim=axis),
            good.transpose(axis, -1),
        ][change]
    if way == "type":
        return (good * draw(st.sampled_from([1, 255]))).to(draw(DTYPES))
    bad = good.detach().clone(memory_format=torch.contiguous_format)
    if way == "one" and bad.numel():
        place = draw(st.integers(0, bad.numel() - 1))
        number = draw(NUMBERS) if bad.is_floating_point() else draw(st.integers(-9, 99))
        bad.view(-1)[place] = number
        return bad
    return bad * draw(st.sampled_from([-1, 16, 1000]))


def wrong(good: object) -> st.SearchStrategy:
    """Values for the place of a good one: of its own kind, or of any other."""
    if isinstance(good, Tensor):
        return tensors(good) | OTHERS | st.just(good.detach().numpy()) | st.just(good.tolist())
    if isinstance(good, np.ndarray):
        return tensors(torch.from_numpy(good)).map(lambda t: t.numpy()) | OTHERS | tensors(points())
    if isinstance(good, bool):
        return OTHERS
    if isinstance(good, int | float):
        return NUMBERS | st.integers(-5, 40) | OTHERS
    if isinstance(good, str):
        return st.text(max_size=5) | OTHERS
    if isinstance(good, bytes):
        return st.binary(max_size=12) | OTHERS
    if isinstance(good, list | tuple):
        parts = st.none() | st.integers(-2, 9) | NUMBERS | st.text(max_size=3) | st.just(points())
        return st.lists(parts, max_size=4) | st.lists(parts, max_size=4).map(tuple) | OTHERS
    if isinstance(good, Mapping):
        return st.dictionaries(st.sampled_from(["a", "cpu", 1]), OTHERS, max_size=2) | OTHERS
    return OTHERS


def call(name: str, given: dict) -> object:
    """Call a public function, and go through what it yields."""
    owner, _, last = name.rpartition(".")
    function = getattr(OWNERS[owner](), last) if owner in OWNERS else PUBLIC[name]
    rest = [value for key, value in given.items() if key.startswith("*")]
    named = {key: value for key, value in given.items() if not key.startswith("*")}
    before = []
    if rest:  # what stands before *args must be given by its place
        for parameter in inspect.signature(function).parameters.values():
            if parameter.kind is parameter.POSITIONAL_OR_KEYWORD:
                before.append(named.pop(parameter.name))
    result = function(*before, *itertools.chain(*rest), **named)
    return list(itertools.islice(result, 20)) if isinstance(result, Iterator) else result


# Names that a message may use for what an argument becomes.
BECOMES = {
    "ddpm.DDPM.loss": ["x_t"],  # x_0 with noise, as the network knows it
    "ddpm.DDPM.sample": ["x_t"],  # a sample of the shape that was asked for
    "ddpm.DDPM.ddim": ["x_t"],
    "ddpm.DDPM.denoise": ["x_t"],
    "flow.FlowMatching.loss": ["x_t"],
    "flow.FlowMatching.sample": ["x_t", "x_1"],
    "flow.FlowMatching.walk": ["x_t"],
    "likelihood.bound": ["x_t"],
    "likelihood.flow_log_prob": ["x_t"],
    "likelihood.bound_term": ["x_t"],
    "gan.GAN.turns": ["z"],  # as many codes as there are rows in x
    "train.Training.load": ["state"],  # what lies in the folder
}


def names_it(error: Exception, name: str, argument: str) -> bool:
    """Whether the message says `name: expected ...`; the name of another argument will do where two must agree."""
    said = str(error).partition(": expected" if ": expected" in str(error) else ":")[0]
    names = [argument, *BECOMES.get(name, ())]
    names += CASES[name]() if isinstance(error, ValueError) else []
    return any(re.search(rf"\b{re.escape(other.strip('*'))}\b", said) for other in names)


def refused(name: str, argument: str, bad: object) -> bool:
    """Whether a function refuses a value. Any other end than an answer and a named refusal is an error."""
    given = CASES[name]() | {argument: [bad] if argument.startswith("*") else bad}
    try:
        call(name, given)
    except RuntimeError as error:  # no luck, as the docstring of write_new says
        assert name == "ngram.NGramWriter.write_new", f"{name}({argument}): {error}"
    except (ValueError, TypeError) as error:
        assert names_it(error, name, argument), f"{name}({argument}): {error}"
        return True
    return False


# --- the tests -------------------------------------------------------------------------------------------------


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    """A wrong argument may be the name of a folder to write into."""
    monkeypatch.chdir(tmp_path)


def test_no_public_function_is_forgotten():
    assert sorted(PUBLIC) == sorted(CASES)
    assert all({*arguments.split()} <= {*CASES[name]()} for name, arguments in DATA_BORDERS.items())


def test_good_arguments_are_taken(subtests):
    for name in CASES:
        with subtests.test(name):
            call(name, CASES[name]())


@settings(
    derandomize=True,
    deadline=None,
    max_examples=300,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(st.data())
def test_what_is_wrong_is_named(data):
    name = data.draw(st.sampled_from(sorted(CASES)))
    argument = data.draw(st.sampled_from(sorted(CASES[name]())))
    good = CASES[name]()[argument]
    good = good[0] if argument.startswith("*") else good
    bad = data.draw(wrong(good))
    another_kind = isinstance(bad, str) and not isinstance(good, str | Path)
    assert refused(name, argument, bad) or not another_kind


def test_data_are_refused_with_a_hole_or_in_another_shape(subtests):
    places = [(name, word) for name, words in DATA_BORDERS.items() for word in words.split()]
    for name, argument in places:
        with subtests.test(f"{name}({argument})"):
            good = CASES[name]()[argument]
            for bad in (good[None], good[0], good.bool()):
                assert refused(name, argument, bad)
            for hole in (math.nan, math.inf, -math.inf):
                bad = (good if good.is_floating_point() else good.double()).contiguous().clone()
                bad.view(-1)[-1] = hole
                assert refused(name, argument, bad)


def test_large_files_are_named():
    with pytest.raises(ValueError, match="name: expected one of mnist, fashion-mnist, got 'cifar'"):
        read("cifar", "train-images-idx3-ubyte")
    with pytest.raises(ValueError, match="file: expected one of train-images-idx3-ubyte, .*'x'"):
        read("mnist", "x")
