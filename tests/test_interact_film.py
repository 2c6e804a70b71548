"""The film of there and back: numbers of the schedules, stored pictures, and a figure that is small and alone."""

import hashlib
import json
import re

import pytest
import torch

from genlib.data import digits, signed
from genlib.ddpm import DDPM, digits_ddpm
from genlib.interact import diffusion_film
from genlib.interact import film as figure
from tools import train_ddpm as tool


def test_figure_is_the_same_every_time_small_and_alone():
    html = diffusion_film()._repr_html_()
    assert html == diffusion_film()._repr_html_() and len(html.encode()) < 90_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert diffusion_film(500).id != diffusion_film().id
    script = (figure.ASSET.parents[1] / "interact" / "film.js").read_text()
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
    tensors, card = figure.film()
    weights = figure.ASSET.with_suffix(".safetensors").read_bytes()
    assert card["sha256"] == hashlib.sha256(weights).hexdigest()
    assert card["moments"] == tool.MOMENTS and tensors["back"].shape == (
        len(tool.MOMENTS),
        8,
        1,
        8,
        8,
    )
    x_0 = signed(digits().x_test[:8])
    torch.testing.assert_close(tensors["x_0"].float() / 127, x_0, atol=0.005, rtol=0)
    assert abs(tensors["eps"].float().std().item() / 32 - 1) < 0.1
    last = tensors["back"][-1].float() / 40
    assert last.abs().max() < 1.05
    # the walk back ends near what the network sees half-way down its last tenth
    early = tensors["back"][tool.MOMENTS.index(100)].float() / 40
    seen = digits_ddpm().predict(early, torch.full((8,), 100))[0]
    assert (seen - last).square().mean() < 0.1 * (early - last).square().mean() + 0.02


def test_the_card_of_the_model_says_what_it_scores():
    card = json.loads(figure.ASSET.with_name("ddpm_digits.json").read_text())
    weights = figure.ASSET.with_name("ddpm_digits.safetensors").read_bytes()
    assert card["sha256"] == hashlib.sha256(weights).hexdigest()
    found = tool.measure(digits_ddpm())
    assert found["loss_val"] == pytest.approx(card["loss_val"], rel=1e-3)
    assert found["frechet_val"] == pytest.approx(card["frechet_val"], rel=0.02)
