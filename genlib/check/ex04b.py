"""Checkers of notebook 04b, rings in the plane."""

import math

import torch

from genlib.check.verdict import close, exercise, need, need_number, need_tensor, praise


@exercise
def exercise_1(answer) -> str:
    """answer(x, means, sd): number of modes with at least 20 samples within 3 sd."""
    means, sd = torch.tensor([[0.0, 0.0], [4.0, 0.0], [0.0, 4.0], [4.0, 4.0]]), 0.1
    counts = (50, 20, 19, 1)  # near the modes
    edge = torch.tensor([[0.25, 0.0]])  # between 2 and 3 sd
    parts = [means[k] + edge.expand(n, 2) for k, n in enumerate(counts)]
    x = torch.cat([*parts, torch.tensor([[2.0, 2.0]]).expand(40, 2)])
    found = need_number(answer(x, means, sd))
    need(
        found != 4,
        "you count modes with one sample, or take in samples far away; 20 within 3 sd are asked.",
    )
    need(found != 1, "one mode has exactly 20 samples, and 'at least 20' includes it.")
    need(found != 3, "one mode has 19 samples only; 20 are asked.")
    need(
        found != 0,
        "0 modes: these samples lie 2.5 sd from their modes. Take the distance in the plane, up to 3 sd.",
    )
    need(found == 2, "2 of these 4 modes are covered, you returned {found:g}.", found=found)
    return praise("Two of four, with the borderline cases right.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, low, high, rng): x plus noise, every example at a log-uniform level of its own."""
    n, low, high = 20_000, 0.01, 1.0
    x = torch.full((n, 2), 0.5)

    def run(seed):
        return need_tensor(answer(x, low, high, torch.Generator().manual_seed(seed)), (n, 2)) - 0.5

    noise = run(0)
    need(abs(noise.mean().item() + 0.5) > 0.2, "return x plus the noise, not the noise alone.")
    need(
        close(noise, run(0)) and not close(noise, run(1)),
        "use the generator rng for every random number, so that the same seed gives the same noise.",
    )
    size = noise.norm(dim=1) / math.sqrt(2)
    need(
        (size.quantile(0.9) > 8 * size.quantile(0.1)).item(),
        "every example has the same noise level.",
    )
    both = torch.corrcoef(noise.abs().clamp(min=1e-7).log().T)[0, 1].item()
    need(
        both > 0.3,
        "the two coordinates of an example have levels of their own; one for each example is asked, shape (n, 1).",
    )
    middle = size.log().mean().item()
    rms = noise.square().mean().sqrt().item()
    need(
        abs(rms - math.sqrt((high**2 - low**2) / (2 * math.log(high / low)))) < 0.03,
        "the levels are not log-uniform: low * (high / low) ** u with u uniform in [0, 1)."
        if middle > math.log(0.15)
        else "the noise has the wrong size; its standard deviation is the level itself, not its square or root.",
    )
    need(abs(noise.mean().item()) < 0.02, "the noise should have mean 0; draw it with randn.")
    return praise("Coarse and fine views in one batch.")


@exercise
def exercise_3(answer) -> str:
    """answer(real, fake, train_logits): accuracy of a fresh classifier on the second halves."""
    real, fake = torch.arange(10.0), torch.arange(10.0) + 100
    seen: list = []

    def D(x):
        # right about 5, 6, 7 of the new real points 5 to 9; says 0 to the fakes 107 and 108, and "real" to 109
        said = torch.where(x < 8, 1.0, -1.0)
        return torch.where(x == 109, 2.0, torch.where((x == 107) | (x == 108), 0.0, said))

    def train_logits(a, b):
        seen.append((a, b))
        return D

    found = need_number(answer(real, fake, train_logits))
    need(len(seen) > 0, "train a fresh D: call train_logits(real, fake) on the first halves.")
    a, b = seen[0]
    need(
        len(a) == 5 and len(b) == 5,
        "train on the first halves only; points that D has seen prove nothing.",
    )
    need(
        close(a, real[:5]) and close(b, fake[:5]),
        "the order is train_logits(real, fake), first halves.",
    )
    right = (3 / 5 + 4 / 5) / 2
    need(
        not close(found, (1 + 1) / 2),
        "you measured on the points that D was trained on; take the second halves.",
    )
    need(not close(found, 1 - right), "a logit above 0 means real: you counted the wrong answers.")
    need(
        not close(found, (3 / 5 + 2 / 5) / 2),
        "a logit of exactly 0 counts as 'fake' here: <= 0.",
    )
    need(not close(found, 3 / 5), "count the right answers on fakes as well, and average.")
    need(
        close(found, right),
        "expected {right:g} for this D, you returned {found:g}.",
        right=right,
        found=found,
    )
    return praise("New points, both kinds, a fresh judge.")
