"""The still figures: drawn by code, never edited, small, and readable on a light and on a dark page."""

import re
from pathlib import Path

import matplotlib
import numpy as np
import pytest

from tools.draw_figures import FIGURES, FOLDER, draw
from tools.figures.probability import covered, nearest

NUMBER = re.compile(r"-?\d+\.\d+|(?<![\w#.])-?\d+(?![\w.])")
LIGHT, DARK = "#ffffff", "#121212"


def luminance(colour: str) -> float:
    """Relative luminance of #rrggbb as WCAG 2 defines it."""
    rgb = np.array([int(colour[i : i + 2], 16) for i in (1, 3, 5)]) / 255
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return float(linear @ [0.2126, 0.7152, 0.0722])


def contrast(one: str, two: str) -> float:
    low, high = sorted((luminance(one), luminance(two)))
    return (high + 0.05) / (low + 0.05)


def made_with(path: Path) -> str:
    return re.search(r"Matplotlib v([\d.]+\d)", path.read_text(encoding="utf-8")).group(1)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_what_the_code_draws(name, tmp_path):
    stored = FOLDER / f"{name}.svg"
    if made_with(stored) != matplotlib.__version__:
        pytest.skip(f"drawn with Matplotlib {made_with(stored)}, here is {matplotlib.__version__}")
    old, new = stored.read_text(encoding="utf-8"), draw(name, tmp_path).read_text(encoding="utf-8")
    hint = f"run: python -m tools.draw_figures {name}"
    assert NUMBER.sub("#", old) == NUMBER.sub("#", new), hint
    numbers = (np.array(NUMBER.findall(text), float) for text in (old, new))
    np.testing.assert_allclose(*numbers, atol=1e-3, err_msg=hint)


@pytest.mark.parametrize("name", FIGURES)
def test_figure_is_small_and_readable_on_both_grounds(name):
    svg = (FOLDER / f"{name}.svg").read_text(encoding="utf-8")
    assert len(svg) < 60_000
    assert not re.search(r'id="patch_1">\s*<path[^>]*fill: #', svg), (
        "the ground must be transparent"
    )
    colours = set(re.findall(r"(?:fill|stroke): (#[0-9a-f]{6})", svg))
    assert colours, "no colours found: has the format of Matplotlib changed?"
    for colour in colours:
        assert min(contrast(colour, LIGHT), contrast(colour, DARK)) >= 3.9, colour


def test_no_figure_lies_about_that_no_code_draws():
    assert {path.stem for path in FOLDER.glob("*.svg")} == set(FIGURES)


def test_every_figure_is_shown_with_an_alternative_text():
    pages = "\n".join(
        path.read_text(encoding="utf-8") for path in (FOLDER.parent.parent).glob("*.md")
    )
    shown = re.findall(r"```\{figure\} _static/figures/(\w+)\.svg\n((?::.*\n)+)", pages)
    assert {name for name, _ in shown} == set(FIGURES)
    for name, options in shown:
        alt = re.search(r"^:alt: (.+)$", options, re.M)
        assert alt and len(alt.group(1)) > 40, name


def test_draw_names_the_figures_when_it_knows_no_such_one():
    with pytest.raises(ValueError, match="density, counting"):
        draw("nothing")


def test_balls_reach_to_the_nearest_other_centre():
    line = np.array([[0.0, 0.0], [1.0, 0.0], [4.0, 0.0]])
    assert nearest(line).tolist() == [1, 1, 3]
    assert covered(np.array([[2.0, 0.0], [8.0, 0.0]]), line) == 1
