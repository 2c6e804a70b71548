"""Two planes, one distribution: what the figure says about the autoencoder and the VAE, found again by plainer code."""

import itertools
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy.spatial import cKDTree

from genlib import interact
from genlib.data import digits
from genlib.evaluate import to_grey_levels
from genlib.interact import plane, planes, two_planes
from genlib.pretrained import judge, latent_plane_autoencoder, latent_plane_vae

N = 12
FOLDER = Path(interact.__file__).parent


@pytest.fixture(scope="module")
def figure():
    return two_planes()


def on_a_grid(name: str) -> tuple[torch.Tensor, torch.Tensor]:
    """A fine grid of codes z (M, 2), and what N(0, I) weighs at each."""
    step = 0.02
    axis = torch.arange(-5, 5, step, dtype=torch.float64) + step / 2
    z = torch.cartesian_prod(axis, axis)
    return z, torch.exp(-z.square().sum(dim=1) / 2) / (2 * math.pi) * step**2


# --- the numbers in the table ------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", ["autoencoder", "vae"])
def test_long_run_is_an_integral_over_the_plane(name):
    z, weight = on_a_grid(name)
    distance, row = cKDTree(plane(name).codes.numpy()).query(z.numpy())
    hole = weight.numpy()[distance > plane(name).radius].sum()
    p = np.bincount(plane(name).y.numpy()[row], weights=weight.numpy(), minlength=10)
    found = planes.long_run(name, N)
    assert found["hole"] == pytest.approx(hole, abs=0.015)
    assert found["kinds"] == pytest.approx((1 - (1 - p) ** N).sum(), abs=0.1)
    assert found["inside"] == np.mean(np.hypot(*plane(name).codes.numpy().T) < 2)


def test_errors_are_those_of_the_weights_on_the_test_digits():
    x = digits().x_test
    for name, model in [("autoencoder", latent_plane_autoencoder()), ("vae", latent_plane_vae())]:
        error = (model.reconstruct(x) - x).square().sum(dim=(1, 2, 3)).mean().item()
        assert planes.long_run(name, N)["error"] == pytest.approx(error, rel=1e-3)


def test_expected_kinds_are_those_of_a_draw():
    y, rng = digits().y_test, torch.Generator().manual_seed(0)
    drawn = [len(y[torch.randperm(len(y), generator=rng)[:N]].unique()) for _ in range(4000)]
    assert planes.expected_kinds(y, N) == pytest.approx(np.mean(drawn), abs=0.06)
    assert planes.expected_kinds(torch.tensor([3, 3, 3]), 2) == 1


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_expected_kinds_are_the_mean_over_all_hands(n):
    """Drawn without replacement: of four digits the fourth is whichever the others are not."""
    y = torch.tensor([0, 0, 1, 4])
    kinds = [len(set(hand)) for hand in itertools.combinations(y.tolist(), n)]
    assert planes.expected_kinds(y, n) == pytest.approx(np.mean(kinds), abs=1e-12)


def test_clouds_are_those_of_the_encoder(figure):
    with torch.no_grad():
        _, logvar = latent_plane_vae().encode(digits().x_train)
    torch.testing.assert_close(planes.clouds().float(), logvar.exp().sqrt(), atol=0.000051, rtol=0)
    assert set(figure.data["maps"]["vae"]) - set(figure.data["maps"]["ae"]) == {"sigma"}


def test_page_holds_rounded_numbers_of_its_own_n(figure):
    facts = figure.data["facts"]
    assert facts["prior"] == pytest.approx(1 - math.exp(-2), abs=1e-4)
    assert facts["ae"]["kinds"] == pytest.approx(
        planes.long_run("autoencoder", N)["kinds"], abs=1e-4
    )
    six = two_planes(n=6).data["facts"]
    assert six["kinds"] < facts["kinds"] and six["vae"]["kinds"] < facts["vae"]["kinds"]


# --- the sentences ------------------------------------------------------------------------------------------------


def test_one_distribution_asks_for_one_spot_here_and_for_all_of_the_map_there():
    ae, vae = planes.long_run("autoencoder", N), planes.long_run("vae", N)
    assert ae["inside"] < 0.05 and vae["inside"] == pytest.approx(1 - math.exp(-2), abs=0.08)
    assert vae["kinds"] > 2 * ae["kinds"]
    assert vae["kinds"] > 0.9 * planes.expected_kinds(digits().y_test, N)


def test_holes_are_rarer_beside_one_heap():
    ae, vae = planes.long_run("autoencoder", N), planes.long_run("vae", N)
    assert 1.5 * ae["hole"] < vae["hole"]
    _, row = plane().nearest(plane().sample("standard", 1, 2000))
    assert plane().y[row].bincount().max() > 0.6 * 2000, (
        "one heap: most neighbours are of one class"
    )


def test_the_vaes_drawings_are_clearer_and_least_clear_in_holes():
    ae, vae = planes.long_run("autoencoder", N), planes.long_run("vae", N)
    assert vae["rebuilt"] < vae["unclear"] < 0.6 * ae["unclear"]
    z = plane("vae").sample("standard", 1, 4000)
    unclear, hole = planes.unclear("vae", z).double(), plane("vae").in_hole(z)
    assert unclear[hole].mean() > 1.2 * unclear[~hole].mean()
    with torch.no_grad():  # the share is that of the trained decoder, not of the quantised one
        sure = (
            judge().log_prob(to_grey_levels(latent_plane_vae().decode(z.float()))).exp().amax(dim=1)
        )
    assert (sure < 0.9).double().mean() == pytest.approx(vae["unclear"], abs=0.03)


def test_errors_hardly_differ_and_most_clouds_are_of_one_size():
    ae, vae = (planes.long_run(name, N)["error"] for name in ("autoencoder", "vae"))
    assert vae == pytest.approx(ae, rel=0.1)
    ratio = planes.clouds() / planes.clouds().median()
    assert ((ratio > 0.5) & (ratio < 2)).double().mean() > 0.9


# --- the object ---------------------------------------------------------------------------------------------------


def test_figure_is_the_same_every_time_light_and_alone(figure):
    html = figure._repr_html_()
    assert html == two_planes()._repr_html_() and len(html.encode()) < 150_000
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\bfetch\(|@import", html)
    assert two_planes(view="drawn").id != figure.id != two_planes(seed=2).id


def test_all_words_that_the_script_uses_are_there(figure):
    used = set(re.findall(r"\bwords\.(\w+)", (FOLDER / "planes.js").read_text(encoding="utf-8")))
    assert used == set(figure.data["words"]), "words without use, or use without words"
    rows = figure.data["words"]["rows"]
    assert set(rows) == set(planes.long_run("vae", N)) - {"rebuilt"}


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_script_is_javascript(figure, tmp_path):
    script = re.findall(r"<script>(.+?)</script>", figure._repr_html_(), re.DOTALL)[0]
    (tmp_path / "figure.js").write_text(script, encoding="utf-8")
    subprocess.run(["node", "--check", tmp_path / "figure.js"], check=True)


def test_every_option_reaches_the_page():
    options = {"view": "clouds", "scale": "prior", "digit": 7, "n": 6, "seed": 4}
    assert two_planes(**options).data["start"] == options


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": "holes"}, "view: expected codes, clouds or drawn, got 'holes'"),
        ({"scale": 2}, "scale: expected own or prior, got 2"),
        ({"n": 25}, "n: expected 1 to 24 random codes, got 25"),
        ({"n": 0}, "n: expected 1 to 24 random codes, got 0"),
        ({"digit": 1000}, "digit: expected a row of the 1,000 training digits, got 1000"),
        ({"digit": -1}, "digit: expected a row of the 1,000 training digits, got -1"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        two_planes(**arguments)
