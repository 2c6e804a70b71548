"""The latent plane: its weights are what their card says, and its numbers are those of slower, plainer code."""

import math
import re
from collections import Counter
from pathlib import Path

import pytest
import torch
from scipy.spatial import cKDTree

from genlib.autoencoder import CodeDistribution
from genlib.data import digits
from genlib.interact import latent, latent_plane, plane, vae_plane
from genlib.pretrained import card, latent_plane_autoencoder, latent_plane_vae
from tools import train_plane

CARD = card("autoencoder_plane")


@pytest.fixture(scope="module")
def model():
    return latent_plane_autoencoder()


def test_card_of_the_weights_holds(model):
    data = digits()
    for name, x in [("test", data.x_test), ("train", data.x_train)]:
        measured = (model.reconstruct(x) - x).square().sum(dim=(1, 2, 3)).mean().item()
        assert measured == pytest.approx(CARD[f"{name}_squared_error"], rel=1e-3)
    assert CARD["chosen"]["components"] == len(plane().distributions["mixture"].weights)
    makefile = (Path(__file__).parents[1] / "Makefile").read_text(encoding="utf-8")
    assert re.search(rf"^{CARD['command'].removeprefix('make ')}:", makefile, re.MULTILINE)


def test_best_on_validation_was_chosen():
    best = min(CARD["tried"], key=lambda one: one["val_squared_error"])
    assert {key: CARD["chosen"][key] for key in best} == best
    most = max(CARD["tried_components"], key=lambda one: one["val_nats"])
    assert CARD["chosen"]["components"] == most["components"]


def test_training_is_the_same_on_every_run():
    x = digits().x_train
    one, two = (train_plane.train(x, 16, 1e-2, steps=8).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)


def test_page_holds_the_codes_the_digits_and_the_classes(model):
    data = digits()
    with torch.no_grad():
        torch.testing.assert_close(
            plane().codes, model.encode(data.x_train).double(), atol=0.005001, rtol=0
        )
    assert torch.equal(plane().x / 16, data.x_train.squeeze(1))
    assert torch.equal(plane().y, data.y_train)
    page = latent_plane().data
    first = [(ord(letter) - ord("a")) / 16 for letter in page["images"][:64]]
    assert first == data.x_train[0].flatten().tolist()


def test_quantised_decoder_draws_what_the_trained_one_draws(model):
    axis = torch.linspace(-20, 20, 41)
    z = torch.cat([plane().codes.float(), torch.cartesian_prod(axis, axis)])
    with torch.no_grad():
        gap = (plane().decode(z) - model.decode(z)).abs()
    # int8: each weight is off by at most 0.4 % of the largest of its row
    assert gap.max() < 0.08 and gap.mean() < 0.005
    x = digits().x_train.double()
    error = (plane().decode(plane().codes) - x).square().sum(dim=(1, 2, 3)).mean().item()
    assert error == pytest.approx(CARD["train_squared_error"], rel=0.01)


def test_nearest_code_and_neighbours_are_those_of_a_tree():
    z = torch.randn(200, 2, dtype=torch.float64) * 8
    distance, _ = plane().nearest(z)
    tree_distance, rows = cKDTree(plane().codes.numpy()).query(z.numpy(), k=10)
    torch.testing.assert_close(distance, torch.from_numpy(tree_distance[:, 0]))
    classes = plane().y[torch.from_numpy(rows)]
    assert torch.equal(plane().neighbours(z).sort(dim=1).values, classes.sort(dim=1).values)
    votes = [max(Counter(row).values()) for row in classes.tolist()]
    assert plane().between_clouds(z).tolist() == [most < 8 for most in votes]


def test_five_per_cent_of_new_digits_lie_in_a_hole(model):
    data = digits()
    with torch.no_grad():
        val, test = (model.encode(x) for x in (data.x_val, data.x_test))
    assert plane().in_hole(val).double().mean() == pytest.approx(0.05, abs=0.004)
    assert 0.02 < plane().in_hole(test).double().mean() < 0.09


def test_share_in_holes_is_the_integral_of_the_density():
    step = 0.05
    axis = torch.arange(-6, 6, step, dtype=torch.float64) + step / 2
    z = torch.cartesian_prod(axis, axis)
    density = torch.exp(-z.square().sum(dim=1) / 2) / (2 * math.pi)
    hole = plane().in_hole(z)
    want = 100 * (density * hole).sum().item() * step**2
    assert latent_plane().data["shares"]["standard"][0] == pytest.approx(want, abs=1.0)


@pytest.mark.parametrize("distribution", latent.DISTRIBUTIONS)
def test_draws_follow_their_distribution(distribution):
    z, chosen = plane().sample(distribution, 3, 4000), plane().distributions[distribution]
    plain = CodeDistribution(chosen.weights.float(), chosen.means.float(), chosen.roots.float())
    want = plain.sample(20_000).double()
    spread = want.std(dim=0).max().item()
    torch.testing.assert_close(z.mean(dim=0), want.mean(dim=0), atol=0.08 * spread, rtol=0)
    torch.testing.assert_close(z.T.cov(), want.T.cov(), atol=0.1 * spread**2, rtol=0)


def test_gaussian_has_the_moments_of_the_codes():
    distribution, z = plane().distributions["gaussian"], plane().codes
    torch.testing.assert_close(distribution.means[0], z.mean(dim=0), atol=0.01, rtol=0)
    covariance = (distribution.roots[0] @ distribution.roots[0].T).double()
    torch.testing.assert_close(covariance, z.T.cov(correction=0), atol=0.1, rtol=0.01)


def test_plain_distributions_miss_and_the_mixture_hits():
    """What the figure is about: random codes fall into holes and between clouds, fitted ones as new digits do."""
    shares = latent_plane().data["shares"]
    for distribution in ("standard", "scaled", "gaussian"):
        assert shares[distribution][0] > 2 * shares["new"][0], distribution
        assert shares[distribution][1] > 1.3 * shares["new"][1], distribution
    assert shares["mixture"][0] < 1.7 * shares["new"][0]
    _, rows = plane().nearest(plane().sample("standard", 1, 2000))
    assert plane().y[rows].bincount().max() > 1200, (
        "N(0, I) asks for little more than one kind of digit"
    )


def test_figure_is_the_same_every_time_small_and_alone():
    html = latent_plane()._repr_html_()
    assert html == latent_plane()._repr_html_() and len(html.encode()) < 200_000
    assert not re.search(r"https?://(?!www\.w3\.org/2000/svg)|\bfetch\(|@import", html)
    assert latent_plane().id != latent_plane(distribution="mixture").id


@pytest.mark.parametrize("make", [latent_plane, vae_plane])
def test_every_option_reaches_the_page(make):
    options = {"view": "drawn", "distribution": "mixture", "n": 5, "seed": 4}
    start = make(**options, cross=(1.0, 2.0)).data["start"]
    assert start == options | {"z": [1.0, 2.0]}


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": "map"}, "view: expected codes, holes or drawn, got 'map'"),
        (
            {"distribution": "uniform"},
            "distribution: expected one of none, standard.*got 'uniform'",
        ),
        ({"n": 65}, "n: expected 1 to 64 random codes, got 65"),
        ({"cross": (1.0,)}, "cross: expected two numbers, got"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        latent_plane(**arguments)


def test_bad_codes_are_named():
    with pytest.raises(ValueError, match=r"z: expected shape \(B 2\)"):
        plane().decode(torch.zeros(3, 16))
    with pytest.raises(ValueError, match="distribution: expected one of standard"):
        plane().sample("none", 0, 3)


# --- the same figure for chapter 3's VAE -----------------------------------------------------------------------


def test_card_of_the_vaes_weights_holds():
    facts, vae, data = card("vae_plane"), latent_plane_vae(), digits()
    for name, x in [("test", data.x_test), ("train", data.x_train)]:
        measured = train_plane.negative_elbo(vae, x)
        assert measured == pytest.approx(facts[f"{name}_negative_elbo"], rel=1e-3)
    assert facts["chosen"]["val_negative_elbo"] == min(
        t["val_negative_elbo"] for t in facts["tried"]
    )
    most = max(facts["tried_components"], key=lambda one: one["val_nats"])
    assert facts["chosen"]["components"] == most["components"]
    shapes = [
        [tuple(p.shape) for p in m.decoder.parameters()] for m in (vae, latent_plane_autoencoder())
    ]
    assert shapes[0] == shapes[1], "the networks of chapter 2's plane"


def test_the_vaes_plane_holds_its_means_and_decodes_as_it_does():
    vae, data = latent_plane_vae(), digits()
    with torch.no_grad():
        mu, _ = vae.encode(data.x_train)
        z = torch.cat([mu, 2 * torch.randn(500, 2)])
        gap = (plane("vae").decode(z) - vae.decode(z)).abs()
    torch.testing.assert_close(plane("vae").codes, mu.double(), atol=0.005001, rtol=0)
    assert gap.max() < 0.08 and gap.mean() < 0.005


def test_the_prior_reaches_what_it_misses_in_the_autoencoders_plane():
    kinds = {}
    for name in ("autoencoder", "vae"):
        codes = plane(name).sample("standard", 1, 2000)
        kinds[name] = (
            plane(name).y[plane(name).nearest(codes)[1]].bincount(minlength=10) > 40
        ).sum()
    assert kinds["vae"] >= 9 and kinds["autoencoder"] <= 7
    spread = {name: plane(name).distributions["scaled"].roots[0, 0, 0].item() for name in kinds}
    assert 0.9 < spread["vae"] < 1.1 and spread["autoencoder"] > 5
    shares = vae_plane().data["shares"]  # and the page says so too: the gaps have not gone
    assert shares["standard"][0] > 3 * shares["new"][0]


def test_the_vaes_figure_is_small_has_its_own_words_and_checks_its_arguments():
    html = vae_plane()._repr_html_()
    assert len(html.encode()) < 200_000 and vae_plane().id != latent_plane().id
    assert "is the prior" in html and "knows nothing" not in html and "autoencoder with" not in html
    with pytest.raises(
        ValueError, match="distribution: expected one of none, standard.*got 'uniform'"
    ):
        vae_plane(distribution="uniform")
