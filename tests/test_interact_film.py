"""The film of there and back: numbers of the schedules, stored pictures, and a figure that is small and alone."""

import re
from pathlib import Path

import pytest
import torch

from genlib.data import digits, signed
from genlib.ddpm import DDPM
from genlib.interact import diffusion_film
from genlib.interact import film as figure
from genlib.pretrained import card, digits_ddpm, tensors
from tools import train_ddpm as tool


def test_figure_is_the_same_every_time_small_and_alone():
    html = diffusion_film()._repr_html_()
    assert html == diffusion_film()._repr_html_() and len(html.encode()) < 90_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert diffusion_film(500).id != diffusion_film().id
    script = Path(figure.__file__).with_name("film.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    with pytest.raises(
        ValueError, match="schedule: expected one of cosine, linear, few, got 'fast'"
    ):
        diffusion_film(schedule="fast")
    with pytest.raises(ValueError, match="t: expected a multiple of 10 from 0 to 1000, got 1001"):
        diffusion_film(1001)


def test_shares_of_signal_are_those_of_the_models():
    data = diffusion_film().data["alphaBar"]
    assert set(data) == set(figure.SCHEDULES)
    for name, beta in figure.SCHEDULES.items():
        exact = DDPM(torch.nn.Identity(), beta).alpha_bar
        assert len(data[name]) == 101
        for k in (0, 1, 26, 50, 100):
            t = k * (len(beta) - 1) // 100
            assert data[name][k] == pytest.approx(exact[t].item(), rel=1e-4)
    assert figure.verdict(data["few"][100], True) == "early"
    assert figure.verdict(data["cosine"][100], True) == "gone"
    assert [figure.verdict(left, False) for left in (0.99, 0.9, 0.5, 0.005)] == [
        "clean",
        "seen",
        "lost",
        "gone",
    ]


def test_stored_moments_are_those_of_the_model_that_comes_with_the_book():
    film = tensors("ddpm_film")
    assert card("ddpm_film")["moments"] == tool.MOMENTS
    assert film["back"].shape == (len(tool.MOMENTS), 8, 1, 8, 8)
    x_0 = signed(digits().x_test[:8])
    torch.testing.assert_close(film["x_0"].float() / 127, x_0, atol=0.005, rtol=0)
    assert abs(film["eps"].float().std().item() / 32 - 1) < 0.1
    last = film["back"][-1].float() / 40
    assert last.abs().max() < 1.05
    # the walk back ends near what the network sees half-way down its last tenth
    early = film["back"][tool.MOMENTS.index(100)].float() / 40
    seen = digits_ddpm().predict(early, torch.full((8,), 100))[0]
    assert (seen - last).square().mean() < 0.1 * (early - last).square().mean() + 0.02


def test_the_card_of_the_model_says_its_loss_on_the_validation_images():
    """With the times and the noise of `measure`, which draws samples first; what they score is in tests/slow."""
    model, x, rng = digits_ddpm(), signed(digits().x_val), torch.Generator().manual_seed(tool.SEED)
    torch.randn(card("ddpm_digits")["n"], 1, 8, 8, generator=rng)
    t, eps = model.times(len(x), rng), torch.randn(x.shape, generator=rng)
    with torch.no_grad():
        loss = model.loss(x, t=t, eps=eps)["loss"].item()
    assert loss == pytest.approx(card("ddpm_digits")["loss_val"], rel=1e-3)
