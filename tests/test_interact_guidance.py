"""The figure of the guidance scale: pictures and readings are the stored ones, and the figure is small and alone."""

import re
from itertools import combinations
from pathlib import Path

import pytest
import torch

from genlib.data import digits
from genlib.ddpm import DDPM, cosine_beta
from genlib.evaluate import to_grey_levels
from genlib.guidance import ConditionDropout
from genlib.interact import guidance as figure
from genlib.interact import guidance_scale
from genlib.interact.guidance import apart, still_rows, verdict
from genlib.pretrained import card, judge, tensors
from genlib.recipes import RECIPES
from tools import train_steering as tool


def test_figure_is_the_same_every_time_small_and_alone():
    html = guidance_scale()._repr_html_()
    assert html == guidance_scale()._repr_html_() and len(html.encode()) < 100_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert guidance_scale(7).id != guidance_scale().id != guidance_scale(3, 0).id
    assert re.search(r'<img class="gl-still" aria-hidden="true" alt="" src="data:image/png', html)
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50
    with pytest.raises(
        ValueError, match="scale: expected one of 0, 0.5, 1, 1.5, 2, 3, 5, 8, got 4"
    ):
        guidance_scale(scale=4)
    with pytest.raises(ValueError, match="digit: expected"):
        guidance_scale(10)


def test_all_words_that_the_script_uses_are_there():
    script = Path(figure.__file__).with_name("guidance.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    names = [verdict(s) for s in tool.SCALES]
    assert names == ["none", "less", "one", "more", "more", "more", "far", "far"]
    assert set(names) == set(figure.WORDS["verdicts"])


def test_the_figure_says_with_what_it_was_drawn():
    facts = card("guidance_digits")
    recipe = RECIPES[facts["recipe"]]
    assert (facts["recipe"], facts["steps"]) == ("ddpm_digits_guided", recipe.steps["cpu"])
    assert (facts["lr"], facts["batch"]) == (recipe.lr, recipe.batch)
    assert (facts["scales"], facts["ddim_steps"]) == (list(tool.SCALES), tool.STEPS)
    assert re.fullmatch(r"[0-9a-f]{64}", facts["weights"]) and facts["command"] == tool.COMMAND
    assert guidance_scale().data["model"] == ["ddpm_digits_guided", 0, facts["weights"][:12]]
    assert facts["command"] in figure.WORDS["source"]


def test_stored_readings_and_distances_are_those_of_the_pictures():
    stored, facts = tensors("guidance_digits"), card("guidance_digits")
    assert stored["x"].shape == (8, 10, 8, 1, 8, 8) and stored["x"].max() == 16
    x = stored["x"] / 16
    read = judge("digits").predict(x.flatten(0, 2)).view(8, 10, 8)
    assert torch.equal(read, stored["read"].long())
    asked = [(read[s] == torch.arange(10)[:, None]).double().mean().item() for s in range(8)]
    assert asked == pytest.approx(facts["asked"])
    train = digits().x_train.flatten(1)
    for s, k in ((0, 3), (2, 7), (7, 1)):
        rows = x[s, k].flatten(1)
        pairs = [(a - b).square().sum().sqrt().item() for a, b in combinations(rows, 2)]
        assert facts["apart"][s][k] == pytest.approx(sum(pairs) / 28, rel=1e-5)
        near = [(row - train).square().sum(dim=1).sqrt().min().item() for row in rows]
        assert facts["nearest"][s][k] == pytest.approx(sum(near) / 8, rel=1e-4)


def test_the_row_of_scale_0_is_the_same_for_all_digits_and_the_others_are_not():
    x = tensors("guidance_digits")["x"]
    assert (x[0] == x[0, :1]).all()
    assert all((x[s, 0] != x[s, k]).any() for s in range(1, 8) for k in range(1, 10))


def test_what_the_figure_lets_one_see():
    """More as asked, and less different, up to 2; then more different again, and farther from the training images."""
    facts = card("guidance_digits")
    asked = facts["asked"]
    assert asked[0] < 0.25 < asked[1] < asked[2] and min(asked[2:]) >= 0.95
    means = {name: torch.tensor(facts[name]).mean(dim=1).tolist() for name in ("apart", "nearest")}
    for name, found in means.items():
        assert found[0] > found[2] > found[4] < found[6] < found[7], name
    assert means["nearest"][4] < sum(facts["nearest_real"]) / 10 < means["nearest"][7]


class Told(torch.nn.Module):
    """A network without weights that goes by x_t and by a level: its own, or that of its condition."""

    def __init__(self, level=None):
        super().__init__()
        self.level = level

    def forward(self, x_t, t, y=None):
        level = self.level if y is None else (y / 20).view(-1, 1, 1, 1)
        return 0.5 * x_t.tanh() + level


def told(net) -> DDPM:
    return DDPM(net, cosine_beta(1000), predicts="x_0", clip=1.0).eval()


def test_a_picture_belongs_to_its_scale_its_digit_and_its_seed():
    made = tool.rows_of_digits(told(ConditionDropout(Told(), torch.tensor([10]), 0.0)))
    for at, k, seed in ((0, 4, 5), (2, 4, 5), (4, 9, 5), (6, 1, 7)):
        noise = torch.randn(1, 1, 8, 8, generator=torch.Generator().manual_seed(seed))
        torch.testing.assert_close(made["noise"][[seed]] / 32, noise, atol=1 / 32, rtol=0)
        mixed = 0.5 + tool.SCALES[at] * (k / 20 - 0.5)  # on from 10 / 20, the level of any digit
        x = told(Told(mixed)).ddim(1, (1, 8, 8), 20, x_T=noise)
        level = to_grey_levels((x + 1) / 2) * 16
        assert (made["x"][at, k, [seed]] - level).abs().max() <= 1, (at, k, seed)


def test_apart_and_the_still_picture():
    square = torch.tensor([[[0.0, 0.0]], [[3.0, 4.0]], [[0.0, 0.0]]])
    assert apart(square) == pytest.approx(10 / 3)
    x = torch.arange(8 * 10 * 8 * 64).view(8, 10, 8, 1, 8, 8) % 17
    paper = still_rows(x.to(torch.uint8))
    assert paper.shape == (40, 80) and (paper[0] == 255).all()
    inside = 255 - (x[4, 3, 5, 0] * 255 // 16)  # the third row is scale 2
    assert torch.equal(paper[21:29, 51:59].long(), inside)
