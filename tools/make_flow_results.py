"""Measure what reflow buys, and how probable a flow finds digits: `python -m tools.make_flow_results`, or one section.

One training a seed serves both sections. Its digits are spread over their cells, so that they have a density. How good
a flow is at few calls of the network, beside DDIM, is measured with the running table (tools/make_table.py).
"""

import copy
import math
from functools import partial
from statistics import fmean

import torch
from torch import Tensor, nn

from genlib.data import digits, signed, unsigned
from genlib.evaluate import to_grey_levels
from genlib.flow import FlowMatching
from genlib.likelihood import flow_log_prob
from genlib.recipes import RECIPES
from genlib.run import Clock
from genlib.train import Batches, Training, cosine
from tools import results
from tools.results import IMAGE, N_SAMPLES, frechet, generator, log_density, trained

SEEDS, TARGET, RECIPE = (0, 1, 2), results.DATA / "flow.json", "flow_digits_dequantised"
CALLS, DRAWS = (1, 2, 4, 10, 20), 3
PAIRS, PAIR_STEPS, REFLOW_STEPS = 4000, 20, 1000
ABOUT = results.about(
    "python -m tools.make_flow_results",
    SEEDS,
    RECIPE,
    pairs=PAIRS,
    pair_steps=PAIR_STEPS,
    reflow_steps=REFLOW_STEPS,
)

over_seeds = partial(results.over_seeds, seeds=SEEDS)


# --- straight, and straighter --------------------------------------------------------------------------------


class OnPairs(nn.Module):
    """A flow whose batches are pairs (x_0, eps) that belong together."""

    def __init__(self, flow: FlowMatching):
        super().__init__()
        self.flow = flow

    def loss(self, x_0: Tensor, eps: Tensor) -> dict[str, Tensor]:
        return self.flow.loss(x_0, eps=eps)


@torch.enable_grad()
def reflowed(model: FlowMatching, seed: int) -> FlowMatching:
    """The model after a second training, on noises and the digits that it makes of them (Liu et al. 2023)."""
    torch.manual_seed(seed)
    eps = torch.randn(PAIRS, *IMAGE, generator=generator(seed))
    x_0 = model.sample(PAIRS, IMAGE, PAIR_STEPS, x_1=eps)
    pairs = OnPairs(copy.deepcopy(model).requires_grad_(True))
    batches = Batches(x_0, eps, size=64, seed=seed)
    training = Training(pairs, batches, REFLOW_STEPS, 2e-3, fall=cosine, ema_decay=0.99)
    training.run()
    return training.ema.flow.requires_grad_(False)


def straightness(states: Tensor) -> float:
    """Mean of |velocity - (x_1 - x_0)|^2 over even steps from t = 1 to 0 and points; states (steps + 1, n, ...).

    Liu et al. 2023, section 2.2, S(Z).
    """
    velocity = (states[:-1] - states[1:]) * (len(states) - 1)
    off = velocity - (states[0] - states[-1])
    return off.square().flatten(2).sum(dim=2).mean().item()


def flow_scores(model: FlowMatching, seed: int) -> dict[str, float]:
    """Distance from straight, and the Fréchet distance by calls of the network: Euler's even steps, test digits."""
    walk = torch.stack(list(model.walk(500, IMAGE, 50, generator(seed))))
    row, x_test = {"straightness": straightness(walk)}, digits().x_test
    for calls in CALLS:
        rng = generator(seed)
        draws = [unsigned(model.sample(N_SAMPLES, IMAGE, calls, rng)) for _ in range(DRAWS)]
        row[f"frechet_{calls}"] = fmean(frechet(to_grey_levels(x), x_test) for x in draws)
    return row


def reflow_run(seed: int) -> dict:
    model, _, train_cpu_s = trained(RECIPE, seed)
    with Clock() as clock:
        new = reflowed(model, seed)
    before = flow_scores(model, seed) | {"train_cpu_s": train_cpu_s}
    return {"before": before, "after": flow_scores(new, seed) | {"train_cpu_s": clock.cpu_s}}


def reflow() -> dict:
    """A flow before and after one reflow."""
    return over_seeds(reflow_run)


# --- how probable is a digit? --------------------------------------------------------------------------------

DENSITY_IMAGES, DENSITY_STEPS = 100, 30


def log_prob(model: FlowMatching, levels: Tensor, steps: int, rng: torch.Generator) -> Tensor:
    """log p in nats of digits (B, 1, 8, 8) in [0, 1], dequantised, in the units of the running table, (B,).

    The model's cells are 1/8 wide in [-1, 1], those of the table 1/17 in [0, 1].
    """
    x = RECIPES[RECIPE].transform(signed(levels), rng)
    return log_density(flow_log_prob(model, x, steps) - levels[0].numel() * math.log(8))


def density_run(seed: int) -> dict[str, float]:
    model, x = trained(RECIPE, seed).model, digits().x_test[:DENSITY_IMAGES]
    log_p = log_prob(model, x, DENSITY_STEPS, generator(seed))
    half = log_prob(model, x, DENSITY_STEPS // 2, generator(seed))
    return {
        "log_prob_test": log_p.mean().item(),
        "standard_error": log_p.std().item() / math.sqrt(len(x)),
        "half_the_steps": half.mean().item(),
        "off_by_half": (log_p - half).abs().mean().item(),
    }


def density() -> dict:
    """log p of test digits, and what half of the steps would make of it."""
    return over_seeds(density_run) | {"images": DENSITY_IMAGES, "steps": DENSITY_STEPS}


SECTIONS = results.named(reflow, density)

if __name__ == "__main__":
    results.main(SECTIONS, ABOUT, TARGET)
