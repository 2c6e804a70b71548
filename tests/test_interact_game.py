"""The figure of the small game: what it says holds for genlib's exact value, and it is small and alone."""

import math
import re
from pathlib import Path

import pytest
import torch

from genlib.gan import gaussian_game_value
from genlib.interact import adversarial_game
from genlib.interact import game as figure


def test_figure_is_the_same_every_time_small_and_alone():
    html = adversarial_game()._repr_html_()
    assert html == adversarial_game()._repr_html_() and len(html.encode()) < 45_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert adversarial_game(theta=1).id != adversarial_game().id
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50


def test_all_words_that_the_script_uses_are_there():
    script = Path(figure.__file__).with_name("game.js").read_text(encoding="utf-8")
    used = set(re.findall(r"\bwords\.(\w+)", script))
    assert used == set(figure.WORDS), "words without use, or use without words"
    chooser = re.search(r"function verdictOf.+?\n  }", script, re.DOTALL)[0]
    assert set(re.findall(r'[?:n] "(\w+)"', chooser)) == set(figure.WORDS["verdicts"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"theta": 5}, r"theta: expected a number of -4.0 to 4.0, got 5"),
        ({"phi": math.nan}, r"phi: expected a number of -4.0 to 4.0, got nan"),
        ({"eta": 0}, r"eta: expected a number of 0.1 to 3.0, got 0"),
        ({"order": "both"}, "order: expected alternating or simultaneous, got 'both'"),
        ({"loss": "hinge"}, "loss: expected minimax or non-saturating, got 'hinge'"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        adversarial_game(**arguments)


def test_pulls_are_slopes_by_finite_differences():
    z = torch.randn(400_000, generator=torch.Generator().manual_seed(0)).double()
    for theta, phi in ((1.0, 0.5), (-2.0, 1.0), (3.0, 3.0)):
        h = 1e-5
        slope = (
            gaussian_game_value(theta + h, phi) - gaussian_game_value(theta - h, phi)
        ).item() / (2 * h)
        climb = (
            gaussian_game_value(theta, phi + h) - gaussian_game_value(theta, phi - h)
        ).item() / (2 * h)
        assert figure.pulls(theta, phi, "minimax") == pytest.approx((-slope, climb), abs=1e-8)

        def loss(at, phi=phi):  # -log D at fakes
            return torch.nn.functional.softplus(-phi * (phi / 2 - at - z)).mean().item()

        drawn = -(loss(theta + 1e-3) - loss(theta - 1e-3)) / 2e-3
        assert figure.pulls(theta, phi)[0] == pytest.approx(drawn, abs=0.01)


def test_what_the_figure_shows_is_so():
    """Far out the minimax G is deaf and the other is not; at 2.2 the order of moves decides."""
    assert abs(figure.pulls(4, 4, "minimax")[0]) < 0.15 < 1 < abs(figure.pulls(4, 4)[0])
    for order, arrives in (("alternating", True), ("simultaneous", False)):
        theta, phi = 0.3, 0.0
        for _ in range(100):
            theta, phi = figure.step(theta, phi, 2.2, order, "minimax")
        assert (math.hypot(theta, phi) < 0.05) is arrives
