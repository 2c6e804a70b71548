"""The stored results of diffusion on codes: they carry the claims of chapter 6 and of 06c."""

import pytest
import torch

from genlib import recipes
from genlib.table import stored
from genlib.vae import image_vae
from tools import make_latent_results as tool


@pytest.fixture(scope="module")
def measured():
    return stored("latent")


def test_mnist_on_codes_reaches_what_was_asked_for(measured):
    row, floor = measured["codes"], measured["floor"]["frechet"]
    assert len(row["frechet"]) == len(tool.SEEDS) == 3 and row["n"] == [10_000] * 3
    assert max(row["frechet"]) < 6 * floor
    assert min(row["label_accuracy"]) > 0.99 and min(row["recall"]) > 0.6


def test_the_decoder_makes_up_more_than_half_of_the_distance(measured):
    drawn, limit = measured["codes"]["frechet"], measured["reconstruction"]["frechet"]
    for low, high in zip(limit, drawn, strict=True):
        assert measured["floor"]["frechet"] < low < high < 2 * low


def test_codes_are_cheaper_in_operations_and_in_seconds(measured):
    codes, pixels = measured["codes"], measured["pixels"]
    assert pixels["flops"] > 10 * codes["flops"] and codes["flops_decoder"] < codes["flops"]
    assert pixels["sample_s_per_1000"] > 10 * max(codes["sample_s_per_1000"])
    assert (codes["numbers"], pixels["numbers"]) == (32, 784)


def test_operations_are_counted_again(measured):
    net = recipes.mnist_latent_ddpm()
    assert tool.of_a_pass(net, (32,)) == measured["codes"]["flops"]
    assert tool.of_a_pass(recipes.mnist_ddpm_guided(), tool.MNIST) == measured["pixels"]["flops"]


def test_operations_of_a_layer_are_two_for_each_weight():
    layer = torch.nn.Linear(7, 5)
    assert tool.flops(lambda: layer(torch.zeros(3, 7))) == 2 * 3 * 7 * 5
    vae = image_vae(4, (1, 4, 4), 16).eval()
    one, two = (tool.flops(lambda n=n: vae.decode(torch.zeros(n, 4))) for n in (1, 2))
    assert two == 2 * one > 0


def test_shapes_are_drawn_on_codes_and_seen_pairs_better(measured):
    row = measured["shapes"]
    assert len(row["strict_seen"]) == len(tool.SHAPE_SEEDS)
    assert min(row["lenient_seen"]) > 0.95 and min(row["lenient_held_out"]) > 0.9
    assert min(row["strict_seen"]) > 0.8 and min(row["strict_held_out"]) > 0.6


def test_all_that_is_stored_was_measured_by_this_tool(measured):
    assert measured["command"] == "python -m tools.make_latent_results"
    assert set(tool.SECTIONS) <= set(measured)
