"""Measure the results of chapter 6: `python -m tools.make_steering_results`, with names for some sections only.

Digits: three seeds, 1,000 samples of the training digits' classes, 20 steps without fresh noise. What was chosen was
chosen on the validation images.
"""

import math
from collections.abc import Callable
from functools import partial

import torch
from torch import Tensor, nn

from genlib import data, recipes
from genlib.data import digits, signed, unsigned
from genlib.ddpm import DDPM, alpha_bar_of, cosine_beta
from genlib.evaluate import digits_floor, score_digits, sliced_wasserstein, to_grey_levels
from genlib.exact import PerfectDenoiser
from genlib.guidance import ClassifierGuided, Given, Guided, NoisyClassifier
from genlib.run import Clock
from tools import results
from tools.results import IMAGE, generator, levels, train, trained

SEEDS, TARGET = (0, 1, 2), results.DATA / "steering.json"
ABOUT = results.about(
    "python -m tools.make_steering_results",
    SEEDS,
    "ddpm_digits",
    "ddpm_digits_guided",
    "classifier_digits_noisy",
)

over_seeds = partial(results.over_seeds, seeds=SEEDS)

# --- digits, steered by a classifier and without one -----------------------------------------------------------

SCALES = {"free": (0, 0.5, 1, 1.5, 2, 3, 5), "classifier": (0, 1, 2, 4, 8)}
STEPS, ANY = 20, 10  # ANY: the label of no digit in particular


def free(seed: int, y: Tensor, scale: float) -> DDPM:
    """The model with labels, guided without a classifier."""
    model = trained("ddpm_digits_guided", seed).model
    return model.replace(net=Guided(model.net, y, scale))


def classifier(seed: int, y: Tensor, scale: float) -> DDPM:
    """The model without labels, steered by the classifier of noisy digits."""
    model, judge = trained("ddpm_digits", seed).model, noisy(seed)
    return model.replace(net=ClassifierGuided(model.net, judge, y, scale, model.alpha_bar, "v"))


KINDS: dict[str, Callable[[int, Tensor, float], DDPM]] = {"free": free, "classifier": classifier}


def noisy(seed: int) -> NoisyClassifier:
    return trained("classifier_digits_noisy", seed).model


def drawn(model: DDPM, n: int, seed: int, steps: int = STEPS) -> Tensor:
    return model.ddim(n, IMAGE, steps, 0.0, generator(seed))


def scored(model: DDPM, y: Tensor, seed: int, steps: int = STEPS) -> dict[str, float]:
    """The measures of digits that were asked for by y, and what drawing them costs."""
    with Clock() as clock:
        x = drawn(model, len(y), seed, steps)
    found = score_digits(to_grey_levels(unsigned(x)), y, generator(seed))
    return found | {"sample_s_per_1000": clock.cpu_s * 1000 / len(y)}


def scales_of(kind: str, seed: int) -> dict:
    y = digits().y_train
    return {f"{s:g}": scored(KINDS[kind](seed, y, s), y, seed) for s in SCALES[kind]}


def guidance_free() -> dict:
    """Classifier-free guidance by its scale; 0 is the network without a label, 1 the conditional one."""
    return {"floor": digits_floor()} | over_seeds(partial(scales_of, "free"))


def guidance_classifier() -> dict:
    """Classifier guidance by its scale; 0 is the network alone."""
    return {"floor": digits_floor()} | over_seeds(partial(scales_of, "classifier"))


def equal_passes() -> dict:
    """Forty passes of a network for each digit: 20 steps with guidance of either kind, or 40 without."""
    return over_seeds(equal_run)


def equal_run(seed: int) -> dict:
    y, model = digits().y_train, trained("ddpm_digits_guided", seed).model
    told = model.replace(net=Given(model.net, y))
    return {
        "free_1.5": scored(free(seed, y, 1.5), y, seed),
        "classifier_4": scored(classifier(seed, y, 4), y, seed),
        "conditional": scored(told, y, seed, 2 * STEPS),
    }


TIMES = (1, 100, 200, 300, 400, 500, 600, 700, 800, 900, 1000)


def noisy_accuracy() -> dict:
    """Share of the test digits that the classifier reads right, by the time of the noise in them."""
    return {"times": list(TIMES)} | over_seeds(lambda seed: {"accuracy": accuracy(noisy(seed))})


@torch.no_grad()
def accuracy(classifier: NoisyClassifier, draws: int = 4) -> list[float]:
    """By the times TIMES, with the same noise whoever asks."""
    x, y, rng = signed(digits().x_test), digits().y_test, generator(0)
    found = []
    for t in TIMES:
        eps = torch.randn(draws, *x.shape, generator=rng)
        terms = [classifier.loss(x, y, t=torch.full_like(y, t), eps=e)["accuracy"] for e in eps]
        found.append(torch.stack(terms).mean().item())
    return found


# --- faults --------------------------------------------------------------------------------------------------


class Clean(NoisyClassifier):
    """A classifier that sees digits with next to no noise in training, t = 1."""

    def loss(self, x_0: Tensor, y: Tensor, *, t: Tensor | None = None, eps: Tensor | None = None):
        return super().loss(x_0, y, t=torch.ones_like(y) if t is None else t, eps=eps)


class ClippedFirst(nn.Module):
    """Predictions of x_0 with a label and without, both clipped, and then guided: nothing clips the result."""

    def __init__(self, model: DDPM, y: Tensor, scale: float):
        super().__init__()
        net = model.net
        self.told, self.untold = (model.replace(net=Given(net, c)) for c in (y, net.null))
        self.scale = scale

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        (told, _), (untold, _) = self.told.predict(x_t, t), self.untold.predict(x_t, t)
        return untold + self.scale * (told - untold)


def clean_classifier() -> NoisyClassifier:
    return Clean(recipes.noisy_classifier().net, cosine_beta(1000))


def never_dropped() -> DDPM:
    """The guided model whose labels are never dropped, so that nobody trains the label for any digit."""
    model = recipes.digits_ddpm_guided()
    model.net.share = 0.0
    return model


def broken() -> dict:
    """Five faults beside healthy guidance of the same scale."""
    return over_seeds(broken_run)


def broken_run(seed: int) -> dict:
    y, model = digits().y_train, trained("ddpm_digits_guided", seed).model
    alone = trained("ddpm_digits", seed).model
    blind = train("classifier_digits_noisy", seed, model=clean_classifier).model
    untrained = train("ddpm_digits_guided", seed, model=never_dropped).model
    first = model.replace(net=ClippedFirst(model, y, 5), predicts="x_0", clip=None)
    steer = ClassifierGuided(alone.net, blind, y, 4, alone.alpha_bar, "v")
    out = drawn(first, len(y), seed).abs() > 1 + 1e-4
    return {
        "free_-2": scored(free(seed, y, -2), y, seed),
        "classifier_-4": scored(classifier(seed, y, -4), y, seed),
        "clipped_first_5": scored(first, y, seed) | {"outside": out.float().mean().item()},
        "clean_classifier_4": scored(alone.replace(net=steer), y, seed),
        "clean_accuracy": accuracy(blind),
        "null_untrained_1": scored(untrained.replace(net=Guided(untrained.net, y, 1)), y, seed),
        "null_untrained_3": scored(untrained.replace(net=Guided(untrained.net, y, 3)), y, seed),
    }


# --- the exact case ------------------------------------------------------------------------------------------

TWO = data.Mixture(torch.tensor([[-0.6, 0.0], [0.6, 0.0]]), 0.5)  # two bells, a class each
RIGHT = data.Mixture(TWO.means[1:], TWO.sd)  # the class that is asked for
N_EXACT = 2500


def log_posterior(x: Tensor) -> Tensor:
    """log p(y | x) of the bell on the right."""
    return RIGHT.log_prob(x) - TWO.log_prob(x) - math.log(2)


def tempered(n: int, scale: float, rng: torch.Generator) -> Tensor:
    """Exact samples of p(x) p(y | x)^s / Z, s >= 1: draw from p(x | y), keep with probability p(y | x)^(s - 1)."""
    x = RIGHT.sample(int(n * 2 ** (scale + 1)), rng)
    return x[torch.rand(len(x), generator=rng).log() < (scale - 1) * log_posterior(x)][:n]


class Tempered(nn.Module):
    """eps*(x_t, t) for data from p(x) p(y | x)^scale / Z, by sums over a grid: what guidance would have to be."""

    def __init__(self, scale: float, beta: Tensor, apart: float = 0.1):
        super().__init__()
        self.alpha_bar = alpha_bar_of(beta).float()
        line = torch.arange(-2.4, 3.0, apart)
        self.grid = torch.cartesian_prod(line, line - 0.3)
        self.log_p = RIGHT.log_prob(self.grid) + (scale - 1) * log_posterior(self.grid)

    def forward(self, x_t: Tensor, t: Tensor) -> Tensor:
        signal, noise = self.alpha_bar[t[0]].sqrt(), (1 - self.alpha_bar[t[0]]).sqrt()
        off = torch.cdist(x_t, signal * self.grid).square() / (2 * noise**2)
        x_0_hat = (self.log_p - off).softmax(dim=1) @ self.grid
        return (x_t - signal * x_0_hat) / noise


def exact() -> dict:
    """Where the guided walk of a perfect network ends, beside p(x) p(y | x)^s / Z, for s = 1 and 3."""
    return over_seeds(lambda seed: {str(s): exact_run(s, seed) for s in (1, 3)})


def exact_run(scale: int, seed: int, n: int = N_EXACT) -> dict:
    beta, rng = cosine_beta(1000), generator(seed)
    net = PerfectDenoiser(TWO, beta, torch.tensor([0, 1]))
    guided = DDPM(Guided(net, torch.tensor([1]), scale), beta)
    right = DDPM(Tempered(scale, beta), beta)
    truth = tempered(n, scale, rng)
    ends = {
        "truth": tempered(n, scale, rng),
        "guided": guided.ddim(n, (2,), 200, 0.0, rng),
        "guided_noise": guided.ddim(n, (2,), 200, 1.0, rng),
        "right_score": right.ddim(n, (2,), 200, 0.0, rng),
    }
    return {name: compared(x, truth) for name, x in ends.items()}


def compared(x: Tensor, truth: Tensor) -> dict[str, float]:
    """Mean and deviation along the line of the two bells, and the sliced Wasserstein distance to true samples."""
    mean, spread = x[:, 0].mean().item(), x[:, 0].std().item()
    return {"mean": mean, "spread": spread, "distance": sliced_wasserstein(x, truth)}


# --- pictures for the page -------------------------------------------------------------------------------------


def pictures_guidance() -> dict:
    """The same noise under growing scales, each asked for 0, 1, ..., 9, 0, 1; seed 0."""
    y, row = torch.arange(12) % 10, {}
    for kind, scales in (("free", (0, 1, 2, 5)), ("classifier", (0, 1, 4, 8))):
        for s in scales:
            x = drawn(KINDS[kind](SEEDS[0], y, s), 12, SEEDS[0])
            row[f"{kind}_{s}"] = levels(unsigned(x))
    return row


SECTIONS = results.named(
    noisy_accuracy,
    guidance_classifier,
    guidance_free,
    equal_passes,
    broken,
    exact,
    pictures_guidance,
)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
