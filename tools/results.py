"""What the tools that measure share: trained models, drawing and scoring, and a file that is never half-written."""

import base64
import datetime
import functools
import hashlib
import json
import math
import platform
import sys
import zlib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy
import safetensors.torch
import sklearn
import torch
from torch import Tensor, nn

from genlib import data
from genlib.autoencoder import Autoencoder
from genlib.classifier import Classifier
from genlib.data import Checkerboard, Mixture, digits, unsigned
from genlib.ddpm import DDPM
from genlib.evaluate import frechet_distance, score_digits, to_grey_levels
from genlib.gan import GAN
from genlib.losses import squared_error
from genlib.nets import mlp
from genlib.pretrained import judge
from genlib.recipes import RECIPES, Recipe
from genlib.run import Clock
from genlib.train import write_whole
from genlib.vae import VAE

ROOT = Path(__file__).parents[1]
DATA = ROOT / "book" / "_data"
N_SAMPLES, N_POINTS, IMAGE = 1000, 2500, (1, 8, 8)
COMPONENTS = (1, 2, 4, 6, 8, 10, 12, 15, 20)  # of mixtures of Gaussians on codes, to choose among

# --- trained models ------------------------------------------------------------------------------------------


class Trained(NamedTuple):
    """A model after its training, frozen; its weights are the averaged ones where the recipe keeps an average."""

    model: nn.Module
    last: nn.Module  # with the weights of the last step
    cpu_s: float  # of the training


@torch.enable_grad()
def train(
    recipe: str | Recipe,
    seed: int | None,
    title: str | None = None,
    shuffle: torch.Generator | None = None,
    **changes,
) -> Trained:
    """Train by a recipe, or the recipe of that name, with some of its arguments changed.

    Args:
        seed: as in `Recipe.training`.
        shuffle: random numbers for the order of the rows, in the place of torch's own.
    """
    recipe = RECIPES[recipe] if isinstance(recipe, str) else recipe
    training = replace(recipe, **changes).training(seed)
    training.batches.rng = shuffle
    with Clock() as clock:
        training.run(title)
    last = training.model.requires_grad_(False)
    model = last if training.ema is None else training.ema.requires_grad_(False)
    return Trained(model, last, clock.cpu_s)


trained = functools.cache(train)  # for models that many results share


def train_points(
    recipe: str, density: str, seed: int, **changes
) -> tuple[Trained, Mixture | Checkerboard, Tensor]:
    """A model of points in units of their standard deviation; the density; and that standard deviation."""
    torch.manual_seed(seed)
    truth = getattr(data, density)()
    x = truth.sample(100_000)
    return train(recipe, None, data=(x / x.std(),), **changes), truth, x.std()


def plain_gan(
    latent_dim: int = 10, make: type[GAN] = GAN, wrap: Callable = lambda layer: layer
) -> GAN:
    """A plain GAN, in the sizes of `points_gan`: a Gaussian latent, and points as they are for D."""
    G = mlp((latent_dim, 64, 64, 2), activation=nn.ReLU)
    D = nn.Sequential(*map(wrap, mlp((2, 64, 64, 1))), nn.Flatten(0))
    return make(G, D, latent_dim)


# --- drawing and scoring -------------------------------------------------------------------------------------


def codes(model: Autoencoder | VAE, x: Tensor, rng: torch.Generator) -> Tensor:
    """One code for every x, (N, Z): that of an autoencoder, or one drawn from the q(z | x) of a VAE."""
    if isinstance(model, Autoencoder):
        return model.encode(x)
    mu, logvar = model.encode(x)
    return model.reparameterize(mu, logvar, torch.randn(mu.shape, generator=rng))


def drawn_digits(
    model: DDPM, rng: torch.Generator, steps: int | Sequence[int] | None = None, eta: float = 0.0
) -> Tensor:
    """1,000 digits on their grey levels, by all steps of algorithm 2 (None) or by some, as in `DDPM.denoise`."""
    if steps is None:
        x = model.sample(N_SAMPLES, IMAGE, rng)
    else:
        x = model.ddim(N_SAMPLES, IMAGE, steps, eta, rng)
    return to_grey_levels(unsigned(x))


def scored(
    x: Tensor,
    rng: torch.Generator,
    train_cpu_s: float,
    sample_cpu_s: float,
    y: Tensor | None = None,
) -> dict[str, float]:
    """The measures of drawn digits, and what training and drawing cost."""
    costs = {"train_cpu_s": train_cpu_s, "sample_s_per_1000": sample_cpu_s * 1000 / len(x)}
    return score_digits(x, y=y, rng=rng) | costs


def error(model: nn.Module, x: Tensor) -> float:
    """Squared error summed over the pixels, mean over the images; of a VAE at the mean codes."""
    with torch.no_grad():
        return squared_error(model.reconstruct(x), x).mean().item()


def frechet(x: Tensor, reference: Tensor) -> float:
    """Fréchet distance of two sets of digits."""
    features = judge("digits").features
    return frechet_distance(features(x), features(reference))


@torch.no_grad()
def features(model: Classifier, x: Tensor) -> Tensor:
    """What a judge sees in images, (n, features), a thousand at a time: all at once would fill the memory."""
    return torch.cat([model.features(part) for part in x.split(1000)])


def log_density(log_p: float, levels: int = 17, D: int = 64) -> float:
    """log p of dequantised pixels from log P of their levels, nats: each is spread evenly over a cell of 1 / levels."""
    return log_p + D * math.log(levels)


def parameters(model: nn.Module) -> int:
    """Number of weights."""
    return sum(p.numel() for p in model.parameters())


def best(measure: Callable[..., float], values: Sequence) -> tuple[object, dict[str, float]]:
    """The value with the largest measure, and what each one reached."""
    reached = {value: measure(value) for value in values}
    return max(reached, key=reached.get), {str(value): found for value, found in reached.items()}


def levels(x: Tensor) -> list[list[int]]:
    """Digits (n, 1, 8, 8) as n lists of 64 grey levels 0..16."""
    return (to_grey_levels(x) * 16).round().int().flatten(1).tolist()


def packed(x: Tensor) -> str:
    """Images in [0, 1] as text: 8 bits a pixel, compressed, in base64."""
    levels = (x * 255).round().to(torch.uint8)
    return base64.b64encode(zlib.compress(levels.numpy().tobytes(), 9)).decode()


def nearest(x: Tensor) -> Tensor:
    """The training digit that is nearest to each digit."""
    train = digits().x_train
    distance = torch.cdist(to_grey_levels(x).flatten(1), train.flatten(1))
    return train[distance.argmin(dim=1)]


# --- seeds, facts and files ----------------------------------------------------------------------------------


def generator(seed: int) -> torch.Generator:
    """Random numbers of their own."""
    return torch.Generator().manual_seed(seed)


def over_seeds(measure: Callable[[int], dict], seeds: Sequence[int]) -> dict:
    """Call `measure` with every seed and collect each of its numbers in a list."""
    return side_by_side([measure(seed) for seed in seeds])


def side_by_side(runs: list) -> dict | list:
    """Dictionaries of one shape, also nested ones, as one dictionary with a list of numbers for each number."""
    if not isinstance(runs[0], dict):
        return runs
    return {name: side_by_side([run[name] for run in runs]) for name in runs[0]}


def cpu_s_of_children() -> float:
    """CPU-seconds, of all threads, of the processes that were started from here and have ended."""
    import resource  # here: Windows has none

    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def facts() -> dict:
    """When and with what something was measured."""
    return {
        "date": datetime.date.today().isoformat(),
        "versions": {
            "python": platform.python_version(),
            "torch": torch.__version__,
            "numpy": numpy.__version__,
            "scikit-learn": sklearn.__version__,
        },
        "threads": torch.get_num_threads(),
    }


def about(command: str, seeds: Sequence[int], *recipes: str, **more) -> dict:
    """What to measure again: the command, the seeds, the recipes of these names."""
    how = {"recipes": {name: described(RECIPES[name]) for name in recipes}} if recipes else {}
    return {"command": command, "seeds": list(seeds)} | more | how


def described(recipe: Recipe) -> dict[str, float]:
    """The three numbers of a recipe that everybody asks for."""
    return {"steps": recipe.steps["cpu"], "lr": recipe.lr, "batch": recipe.batch}


def write(content: Mapping, path: Path) -> None:
    """Write JSON whole or not at all."""
    text = json.dumps(content, indent=1, ensure_ascii=False) + "\n"
    path.parent.mkdir(parents=True, exist_ok=True)
    write_whole(path, text.encode())


def write_asset(tensors: Mapping[str, Tensor], target: Path, card: dict, cpu_s: float) -> None:
    """Write tensors as `target`.safetensors, and beside them their card: what they are, and how to make them again."""
    weights = safetensors.torch.save(dict(tensors))
    write_whole(target.with_suffix(".safetensors"), weights)
    made = {"cpu_s": round(cpu_s, 1), "device": "cpu"} | facts()
    sha256 = {"sha256": hashlib.sha256(weights).hexdigest()}
    write(card | made | sha256, target.with_suffix(".json"))
    print(f"wrote {target.name}.safetensors")


# --- the main of all tools -----------------------------------------------------------------------------------


def expect_names(names: Sequence[str], known: Sequence[str], what: str = "names") -> None:
    """Leave with one line if a name on the command line is unknown."""
    if unknown := [name for name in names if name not in known]:
        sys.exit(f"{what}: expected some of {', '.join(known)}, got {', '.join(unknown)}")


def named(*sections: Callable[[], object]) -> dict[str, Callable[[], object]]:
    """Functions by their names."""
    return {section.__name__: section for section in sections}


def main(
    sections: Mapping[str, Callable[[], object]],
    about: Mapping,
    target: Path,
    within: str | None = None,
    names: Sequence[str] | None = None,
) -> None:
    """Measure some sections, or all, write the file after each one, and keep the others as they are stored.

    Args:
        about: stored beside `facts()`.
        within: the key that holds the sections; without it they stand beside the facts.
        names: of the sections; those on the command line if left out.
    """
    names = sys.argv[1:] if names is None else names
    expect_names(names, list(sections))
    torch.set_num_threads(1)
    for name in names or sections:
        keep({name: timed(name, sections[name])}, list(sections), about, target, within)


def timed(name: str, section: Callable[[], object]) -> tuple[object, float]:
    """What a section finds, and its CPU-seconds."""
    with Clock() as clock:
        found = section()
    print(f"{name}: {clock.cpu_s:.0f} CPU-seconds", flush=True)
    return found, clock.cpu_s


def keep(
    found: Mapping[str, tuple[object, float]],
    sections: Sequence[str],
    about: Mapping,
    target: Path,
    within: str | None = None,
) -> None:
    """Put sections that were measured into the file, and keep the others as they are stored.

    Args:
        found: what `timed` returned, by the name of the section.
        sections: the names of all that belong into the file, in their order.
        about, within: as in `main`.
    """
    content = json.loads(target.read_text(encoding="utf-8")) if target.exists() else {}
    old = content.get(within, {}) if within else content
    all_found = old | {name: value for name, (value, _) in found.items()}
    today = {name: {"date": facts()["date"], "total_cpu_s": s} for name, (_, s) in found.items()}
    measured = content.get("measured", {}) | today
    there = {name: all_found[name] for name in sections if name in all_found}
    when = {"measured": {name: measured[name] for name in there if name in measured}}
    write(facts() | about | when | ({within: there} if within else there), target)
