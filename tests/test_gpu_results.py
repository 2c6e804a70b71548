"""The tool that measures a graphics card: it runs on a CPU for a try, and without a card it stores nothing."""

import json

import pytest
import torch

from genlib import data, runs
from genlib.data import ImageSet
from tools import make_gpu_results as tool


@pytest.fixture
def small(monkeypatch, tmp_path):
    """Few images, few samples, narrow networks."""
    x, y = torch.randint(256, (600, 1, 28, 28)) / 255, torch.arange(600) % 10
    monkeypatch.setattr(data, "image_set", lambda name: ImageSet(name, *(x, y) * 3))
    monkeypatch.setattr(tool, "N", 20)
    monkeypatch.setattr(tool, "WIDTHS", (8, 16))
    monkeypatch.setattr(tool, "BATCH", 4)
    monkeypatch.setattr(tool, "WORK", tmp_path / "work")
    monkeypatch.setattr(runs, "_show", lambda *_: None)
    return tmp_path


@pytest.mark.skipif(torch.cuda.is_available(), reason="here is a card")
def test_without_a_card_nothing_is_stored(tmp_path):
    with pytest.raises(
        SystemExit, match="expected a graphics card, got none; nothing was measured"
    ):
        tool.main([], tmp_path / "gpu.json")
    assert not list(tmp_path.iterdir())


def test_a_try_on_a_cpu_measures_everything_and_stores_nothing(small, capsys):
    tool.main(["gan_mnist", "peers", "--device", "cpu", "--steps", "1"], small / "gpu.json")
    assert not (small / "gpu.json").exists()
    printed = capsys.readouterr().out
    assert "'images_per_s'" in printed and "'training_images_per_s'" in printed


def test_a_recipe_is_measured_in_its_gpu_version(small):
    row = tool.recipe("vae_mnist", torch.device("cpu"), 2)
    assert (row["steps"], row["batch"], row["memory_mb"]) == (2, 200, None)
    assert row["floors"] == row["run"]["frechet"] / row["floor"]["frechet"]
    assert row["images_per_s"] == pytest.approx(400 / row["wall_s"])


def test_peers_have_networks_of_the_same_widths(small):
    rows = tool.peers(torch.device("cpu"), 1)
    assert set(rows) == {"genlib", "diffusers", "denoising-diffusion-pytorch"}
    for row in rows.values():
        assert "missing" in row or row["training_images_per_s"] > 0
    x, t = torch.zeros(2, 1, 28, 28), torch.tensor([1, 500])
    for make in (tool._ours, tool._diffusers):
        assert make()(x, t).shape == x.shape


def test_numbers_of_two_cards_do_not_stand_in_one_file(small, monkeypatch):
    monkeypatch.setattr(tool, "peers", lambda *_: {"ours": 1})
    monkeypatch.setattr(tool, "recipe", lambda name, *_: {"name": name})
    target = small / "gpu.json"
    for card, names, kept in (
        ("one", ["peers"], {"peers"}),
        ("one", ["gan_mnist"], {"peers", "gan_mnist"}),
        ("two", ["vae_mnist"], {"vae_mnist"}),
    ):
        monkeypatch.setattr(tool, "device_name", lambda device, card=card: card)
        tool.main([*names, "--device", "cpu"], target)
        found = json.loads(target.read_text(encoding="utf-8"))
        assert set(found["sections"]) == kept and found["device"] == card
