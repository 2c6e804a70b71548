"""The particles of the plane without a browser: their walk by a plain loop, and what the page says of it."""

import math
import re
from pathlib import Path

import pytest
import torch

from genlib.data import Mixture
from genlib.ddpm import cosine_beta
from genlib.evaluate import mode_scores
from genlib.interact import walk as figure
from genlib.interact import walk_back
from genlib.interact.walk import MEANS, SD, STEPS, WORDS, N, T, states

FOLDER = Path(figure.__file__).parent


def test_figure_is_the_same_every_time_small_and_alone():
    html = walk_back()._repr_html_()
    assert html == walk_back()._repr_html_() and len(html.encode()) < 60_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert walk_back(20).id != walk_back(20, 0.5).id != walk_back(20, 0.5, 2).id


def test_all_words_that_the_script_uses_are_there():
    script = (FOLDER / "walk.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(WORDS)
    verdict = re.search(r"const verdict = (.*);", script)[1]
    assert set(re.findall(r'"(\w+)"', verdict)) == set(WORDS["verdicts"])


@pytest.mark.parametrize("options", [{"steps": 7}, {"eta": 1.5}, {"power": 3}, {"seed": 0}])
def test_what_the_figure_does_not_offer_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}: expected what the figure offers, got {value}"):
        walk_back(**options)


def test_a_walk_is_that_of_the_formulas():
    """One particle, by E[x_0 | x_t] of the mixture in plain numbers."""
    found = states(MEANS, 5, 0.0, 2, 4)
    left = [1.0]
    for b in cosine_beta(T).tolist()[1:]:
        left.append(left[-1] * (1 - b))
    times = [round(T * ((5 - i) / 5) ** 2) for i in range(6)]
    x = found[0][7].tolist()
    for k, (t, s) in enumerate(zip(times, times[1:], strict=False)):
        signal, size = math.sqrt(left[t]), math.sqrt(1 - left[t])
        variance = (signal * SD) ** 2 + size**2
        far = [sum((a - signal * m) ** 2 for a, m in zip(x, mean, strict=True)) for mean in MEANS]
        weight = [math.exp((min(far) - d) / (2 * variance)) for d in far]
        gain = signal * SD**2 / variance
        guess = [
            sum(
                w * (m[c] + gain * (x[c] - signal * m[c]))
                for w, m in zip(weight, MEANS, strict=True)
            )
            / sum(weight)
            for c in (0, 1)
        ]
        eps = [(a - signal * g) / size for a, g in zip(x, guess, strict=True)]
        x = [
            math.sqrt(left[s]) * g + math.sqrt(1 - left[s]) * e
            for g, e in zip(guess, eps, strict=True)
        ]
        assert found[k + 1][7].tolist() == pytest.approx(x, abs=1e-6)


def scores(steps: int, eta: float, power: int, seed: int) -> dict:
    x = states(MEANS, steps, eta, power, seed)[-1]
    return mode_scores(x, Mixture(torch.tensor(MEANS, dtype=torch.float64), SD))


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_what_the_page_says_of_it(seed):
    """Two steps miss the modes; ten even ones hit them and make them narrow; finer ones near 0 keep the width."""
    even, fine = ({k: scores(k, 0.0, power, seed) for k in (2, 10, 50)} for power in (1, 2))
    assert even[2]["high_quality"] < 0.1 and even[10]["high_quality"] > 0.97
    assert even[10]["spread"] < 0.45 < 0.65 < even[50]["spread"] < 0.8
    assert fine[10]["spread"] > 0.8 and fine[50]["spread"] > 0.88
    with_noise = scores(10, 1.0, 2, seed)
    assert with_noise["spread"] < fine[10]["spread"] - 0.1


def test_a_guess_from_half_way_holds_several_modes_and_two_that_touch_part_after_80():
    """The page's words on two steps, and on circles of 3 sd that touch: sqrt(sd^2 + r^2) = 3 sd."""
    left = (1 - cosine_beta(T)).cumprod(0)
    x = states(MEANS, 2, 0.0, 1, 1)[1]  # at t = 500
    squared = (x[:, None] - left[500].sqrt() * torch.tensor(MEANS)).square().sum(-1)
    weight = (-squared / (2 * (1 - left[500] + left[500] * SD**2))).softmax(dim=1)
    assert (1 / weight.square().sum(dim=1)).mean() > 2 and weight.max(dim=1).values.mean() < 0.6
    r = ((1 - left) / left).sqrt()
    assert r[80] < math.sqrt(8) * SD < r[90]


def test_the_data_are_about_as_wide_as_the_noise_and_every_mode_can_be_told():
    mixture = Mixture(torch.tensor(MEANS), SD)
    assert mixture.separated and torch.tensor(MEANS).std() == pytest.approx(1, abs=0.15)
    assert {len(states(MEANS, k, 0.0, 1, 1)) for k in STEPS[:4]} == {k + 1 for k in STEPS[:4]}
    assert states(MEANS, 1, 0.0, 1, 1)[0].shape == (N, 2)
