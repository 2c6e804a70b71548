"""The replayed trainings: stored moments agree with their card, and the figure is small and alone."""

import re
from pathlib import Path
from statistics import fmean

import pytest
import torch

from genlib.data import ring
from genlib.evaluate import mode_scores
from genlib.interact import gan_replay
from genlib.interact import replay as figure
from genlib.pretrained import card, tensors
from tools import train_replay as tool


def test_figure_is_the_same_every_time_small_and_alone():
    html = gan_replay()._repr_html_()
    assert html == gan_replay()._repr_html_() and len(html.encode()) < 120_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert gan_replay("recipe").id != gan_replay().id
    script = Path(figure.__file__).with_name("replay.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    with pytest.raises(ValueError, match="run: expected one of recipe, plain, got 'best'"):
        gan_replay("best")
    with pytest.raises(ValueError, match="moment: expected 0 to 23, got 24"):
        gan_replay(moment=24)


def test_stored_moments_are_those_of_the_card():
    moments, runs = tensors("gan_replay"), card("gan_replay")["runs"]
    for name, scores in runs.items():
        assert [found["step"] for found in scores] == list(tool.MOMENTS)
        x = moments[f"{name}.x"].float() / 127 * tool.REACH * figure.SCALE
        assert x.shape == (24, tool.FAKES, 2)
        # the shown fakes are of the kind that the card scores: rounded to 1/127 of the map, so count generously
        near = torch.cdist(x[-1], ring().means).amin(dim=1) < 0.1
        assert near.float().mean().item() > scores[-1]["high_quality"] - 0.15
    assert ring().sample(50_000, torch.Generator().manual_seed(0)).std().item() == pytest.approx(
        figure.SCALE, abs=0.002
    )


def test_the_recipe_ends_better_than_the_plain_gan():
    runs = card("gan_replay")["runs"]
    last = {name: scores[-1] for name, scores in runs.items()}
    assert last["recipe"]["high_quality"] > last["plain"]["high_quality"] + 0.1
    best = {name: max(found["high_quality"] for found in scores) for name, scores in runs.items()}
    assert best["recipe"] > 0.97 and best["plain"] < 0.8
    # the page says: the recipe keeps its eight modes, the plain GAN finds them, loses some, and finds them again
    assert all(found["modes"] == 8 for found in runs["recipe"][-5:])
    plain = [found["modes"] for found in runs["plain"]]
    assert plain[-2] == 8 and min(plain[plain.index(8) :]) <= 6
    late = [fmean(found["d_loss"] for found in scores[-6:]) for scores in runs.values()]
    assert all(1.0 < loss < 1.6 for loss in late)


def test_a_moment_is_what_the_gan_says():
    gan = tool.plain_gan()
    z, scale = gan.prior(tool.FAKES), torch.tensor(0.7)
    shown, scores = tool.moment(gan, z, scale)
    with torch.no_grad():
        step = 2 * tool.REACH / tool.CELLS
        corner = torch.tensor([[-tool.REACH + step / 2, -tool.REACH + 1.5 * step]])
        assert abs(shown["D"][1].item() / 255 - gan.D(corner).sigmoid().item()) < 0.003
        x = (gan.G(z) / tool.REACH).clamp(-1, 1)
    torch.testing.assert_close(shown["x"].float() / 127, x, atol=0.005, rtol=0)
    at = gan.G(z[:5]).detach().requires_grad_()
    (slope,) = torch.autograd.grad(-torch.nn.functional.logsigmoid(gan.D(at)).sum(), at)
    way = shown["way"][:5].float() / 127 * scores["longest"]
    torch.testing.assert_close(way, -slope, atol=scores["longest"] / 100, rtol=0)
    again = mode_scores(gan.sample(tool.N_POINTS, torch.Generator().manual_seed(0)) * scale, ring())
    assert scores["modes"] == again["modes"]
