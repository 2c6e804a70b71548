"""Networks that come with the book, in evaluation mode and frozen; a card beside each says how it was made.

The files lie in `genlib/assets`: weights as safetensors, cards as JSON.
"""

import functools
import json
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

from genlib.autoencoder import Autoencoder, CodeDistribution
from genlib.classifier import Classifier
from genlib.ddpm import DDPM
from genlib.expect import border, expect_device, expect_one_of
from genlib.recipes import RECIPES
from genlib.vae import VAE

ASSETS = Path(__file__).parent / "assets"
JUDGES = ("digits", "mnist", "fashion_mnist")


@border
def tensors(name: str) -> dict[str, Tensor]:
    """All tensors of an asset.

    Raises:
        ValueError: there is no asset of that name.
    """
    expect_one_of("name", name, sorted(path.stem for path in ASSETS.glob("*.safetensors")))
    return load_file(ASSETS / f"{name}.safetensors")


@border
def card(name: str) -> dict:
    """How an asset was made: command, seed, data, steps, metric, CPU-seconds."""
    expect_one_of("name", name, sorted(path.stem for path in ASSETS.glob("*.json")))
    return json.loads((ASSETS / f"{name}.json").read_text(encoding="utf-8"))


@border
@functools.cache
def judge(
    name: str = "digits",
    device: torch.device | str = "cpu",
) -> Classifier:
    """The judge of an image set of JUDGES. Made by `make judge`.

    Its features carry the Fréchet distances.

    Raises:
        ValueError: there is no judge of that name.
    """
    expect_one_of("name", name, JUDGES)
    asset, there = f"judge_{name}", expect_device("device", device)
    return _loaded(RECIPES[asset].model(), tensors(asset)).to(there)


def digits_ddpm() -> DDPM:
    """The diffusion model of the digits: averaged weights, seed 0. Made by `make ddpm`."""
    return _loaded(RECIPES["ddpm_digits"].model(), tensors("ddpm_digits"))


def digits_ddpm_guided() -> DDPM:
    """The same with eleven labels, the ten digits and 10 for any; `guidance` binds them. Made by `make steering`."""
    return _loaded(RECIPES["ddpm_digits_guided"].model(), tensors("ddpm_digits_guided"))


def shapes_ddpm_small() -> DDPM:
    """The smaller diffusion model of the drawn shapes, which takes the tokens of a caption. Made by `make steering`."""
    return _loaded(RECIPES["ddpm_shapes_small"].model(), tensors("ddpm_shapes_small"))


def latent_plane_autoencoder() -> Autoencoder:
    """The autoencoder of the digits with two code numbers. Made by `make plane`."""
    return _latent_plane("autoencoder")


def latent_plane_vae() -> VAE:
    """The VAE of the digits with two latent dimensions. Made by `make plane`."""
    return _latent_plane("vae")


@border
def latent_plane_mixture(name: str) -> CodeDistribution:
    """The mixture of Gaussians fitted to the codes in the plane of the "autoencoder" or the "vae"."""
    expect_one_of("name", name, ("autoencoder", "vae"))
    stored = tensors(f"{name}_plane")
    return CodeDistribution(*(stored[f"mixture.{part}"] for part in ("weights", "means", "roots")))


def _latent_plane(name: str) -> Autoencoder | VAE:
    weights = {k: v for k, v in tensors(f"{name}_plane").items() if not k.startswith("mixture.")}
    return _loaded(RECIPES[f"{name}_latent_plane"].model(), weights)


def _loaded(model: nn.Module, weights: dict[str, Tensor]) -> nn.Module:
    model.load_state_dict(weights)
    return model.eval().requires_grad_(False)
