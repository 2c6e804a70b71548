"""The command line: a run is a folder that nobody else writes into; what it holds makes the same model again."""

import json
import os
import shutil
import subprocess
import sys
import threading
from dataclasses import replace
from functools import partial
from pathlib import Path

import numpy
import pytest
import torch
from filelock import FileLock
from PIL import Image
from safetensors.torch import load_file
from torch.testing import assert_close

from genlib import data, evaluate, recipes, runs
from genlib.__main__ import main
from genlib.data import ImageSet, images
from genlib.data.shapes import COLOURS, PAIRS, VOCABULARY
from genlib.evaluate import to_grey_levels
from genlib.guidance import Given, Guided
from genlib.latent import Codes
from genlib.pretrained import judge
from genlib.recipes import RECIPES
from genlib.runs import Plan
from genlib.words import COLUMNS


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)


def lines_of(folder):
    text = (Path(folder) / "log.jsonl").read_text(encoding="utf-8")
    return [json.loads(line) for line in text.splitlines()]


def scored(folder):
    return json.loads((Path(folder) / "score.json").read_text(encoding="utf-8"))


def said(capsys):
    return capsys.readouterr()


def go(*words):
    return main([str(word) for word in words])


@pytest.fixture
def pictures(tmp_path):
    """40 pictures of two kinds, red and blue, in two subfolders."""
    for i in range(40):
        kind, colour = (("red", (200 + i, 0, 0)), ("blue", (0, 0, 200 + i)))[i % 2]
        (tmp_path / "my pictures" / kind).mkdir(parents=True, exist_ok=True)
        Image.new("RGB", (20 + i, 24), colour).save(tmp_path / "my pictures" / kind / f"{i}.png")
    return tmp_path / "my pictures"


# --- train -------------------------------------------------------------------------------------------------------

TRAINED = (
    "vae_digits",
    "gan_digits",
    "ddpm_digits",
    "autoencoder_digits",
    "ddpm_digits_conditional",
    "ddpm_digits_guided",
    "ddpm_shapes",
)


@pytest.fixture
def few_shapes(monkeypatch):
    """The drawn shapes in a fiftieth of their number."""
    monkeypatch.setattr(images, "shapes", lambda n, *rest: data.shapes(n // 50, *rest))


@pytest.mark.parametrize("name", TRAINED)
def test_a_run_holds_the_training_of_its_recipe(name, tmp_path, capsys, few_shapes):
    assert go("train", name, "--budget", "quick", "--seed", 3, "--out", "a") == 0
    expected = recipes.training(name, 3, "quick")
    history = expected.run()
    model = (expected.ema or expected.model).state_dict()
    kept = load_file("a/model.safetensors")
    assert kept.keys() == model.keys() and all(torch.equal(kept[k], model[k]) for k in kept)
    lines = lines_of("a")
    steps = expected.steps
    assert [line["step"] for line in lines] == list(range(1, steps + 1)) and steps >= 10
    for term, values in history.items():
        assert [line[term] for line in lines] == values
    card = json.loads((tmp_path / "a" / "card.json").read_text(encoding="utf-8"))
    assert card["done"] == card["steps"] == steps and card["whole"] and card["plan"]["seed"] == 3
    assert Image.open("a/samples.png").size[0] > 300
    files = {"card.json", "log.jsonl", "model.safetensors", "samples.png", "training.safetensors"}
    assert (
        set(os.listdir("a")) - {".lock"} == files
    )  # older versions of filelock take the lock away
    assert f"{steps} of {steps} steps, " in said(capsys).err


def test_the_folder_has_a_name_by_itself_and_options_reach_the_training(capsys):
    assert go("train", "vae_digits", "--steps", 7, "--batch", 50, "--device", "cpu") == 0
    card = runs.read_card("runs/vae_digits-0")
    assert (card["steps"], card["batch"], card["device"]) == (7, 50, "cpu")
    assert "runs/vae_digits-0: done" in said(capsys).out.replace("\\", "/")


def test_a_gpu_budget_trains_the_larger_model(capsys, monkeypatch):
    x, y = torch.rand(300, 1, 28, 28), torch.arange(300) % 10
    monkeypatch.setattr(data, "image_set", lambda name: ImageSet(name, *(x, y) * 3))
    wide = recipes.RECIPES["gan_mnist"].at("gpu").model()
    assert go("train", "gan_mnist", "--budget", "gpu", "--steps", 1, "--out", "a") == 0
    assert runs.read_card("a")["parameters"] == sum(p.numel() for p in wide.parameters())
    assert runs.load("a")[0].G.net[0].out_features == wide.G.net[0].out_features


def test_a_run_that_was_put_down_goes_on_where_it_was(capsys, monkeypatch):
    go("train", "ddpm_digits", "--budget", "quick", "--out", "whole")
    looks, step = [], recipes.Training.step

    def interrupted(training):
        looks.append(training.done)
        if training.done == 8 and len(looks) == 9:
            runs.signal_for_tests()
        return step(training)

    monkeypatch.setattr(runs, "signal_for_tests", lambda: os.kill(os.getpid(), 2), raising=False)
    monkeypatch.setattr(recipes.Training, "step", interrupted)
    assert go("train", "ddpm_digits", "--budget", "quick", "--out", "a") == 130
    assert runs.read_card("a")["done"] == 9 and not runs.read_card("a")["whole"]
    assert not os.path.exists("a/samples.png") and "--resume goes on" in said(capsys).out
    with open("a/log.jsonl", "a", encoding="utf-8") as file:
        file.write('{"step": 10, "loss": 1.0}\n{"step": 11, "lo')  # of steps that were lost
    assert go("train", "ddpm_digits", "--budget", "quick", "--out", "a", "--resume") == 0
    one, two = (load_file(f"{name}/model.safetensors") for name in ("whole", "a"))
    assert all(torch.equal(one[k], two[k]) for k in one)
    one, two = ([[x["step"], x["loss"]] for x in lines_of(name)] for name in ("whole", "a"))
    assert one == two
    assert go("train", "ddpm_digits", "--budget", "quick", "--out", "a", "--resume") == 0  # again


def test_it_is_saved_on_the_way(monkeypatch):
    saved, save = [], recipes.Training.save
    monkeypatch.setattr(
        recipes.Training, "save", lambda t, folder: saved.append(t.done) or save(t, folder)
    )
    go("train", "vae_digits", "--steps", 5, "--out", "a", "--save-every", 0)
    assert saved == [1, 2, 3, 4, 5]
    saved.clear()
    go("train", "vae_digits", "--steps", 5, "--out", "b")
    assert saved == [5]


# --- folders -----------------------------------------------------------------------------------------------------


def contents(folder):
    return {path.name: path.read_bytes() for path in Path(folder).iterdir()}


def test_two_runs_never_share_a_folder(capsys):
    go("train", "vae_digits", "--steps", 2, "--out", "a")
    before = contents("a")
    assert go("train", "vae_digits", "--steps", 2, "--out", "a") == 2
    assert "folder: expected a new folder, got a with" in said(capsys).err
    for words, what in (
        (("vae_digits", "--steps", 3), "steps 2, got 3"),
        (("vae_digits", "--steps", 2, "--seed", 1), "seed 0, got 1"),
        (("gan_digits", "--steps", 2), "name vae_digits, got gan_digits"),
        (("vae_digits", "--steps", 2, "--batch", 9), "batch None, got 9"),
        (("vae_digits", "--steps", 2, "--budget", "quick"), "budget cpu, got quick"),
    ):
        assert go("train", *words, "--out", "a", "--resume") == 2
        assert f"folder: expected the run in a with {what}" in said(capsys).err
    assert contents("a") == before


def test_what_lies_in_a_folder_is_not_written_over(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    (tmp_path / "a" / "model.safetensors").write_bytes(b"mine")
    assert go("train", "vae_digits", "--steps", 2, "--out", "a") == 2
    assert contents("a")["model.safetensors"] == b"mine" and not os.path.exists("a/card.json")
    (tmp_path / "file").write_bytes(b"mine")
    assert go("train", "vae_digits", "--steps", 2, "--out", "file") == 2
    assert "folder: expected a folder, got the file file" in said(capsys).err
    assert (tmp_path / "file").read_bytes() == b"mine"


def test_a_folder_in_which_another_process_trains_is_left_alone(tmp_path, capsys):
    go("train", "vae_digits", "--steps", 2, "--out", "a")
    before = contents("a")
    with FileLock(tmp_path / "a" / ".lock"):
        done = threading.Thread(
            target=lambda: results.append(
                subprocess.run(
                    [sys.executable, "-m", "genlib", "train", "vae_digits", "--steps", "2"]
                    + ["--out", "a", "--resume"],
                    capture_output=True,
                    encoding="utf-8",
                )
            )
        )
        results: list = []
        done.start()
        done.join()
    assert results[0].returncode == 2 and "no other process trains" in results[0].stderr
    assert contents("a") == before


def test_there_is_something_to_go_on_with(capsys):
    assert go("train", "vae_digits", "--steps", 2, "--out", "a", "--resume") == 2
    assert "folder: expected a folder with a run, got a" in said(capsys).err


SIGNALS = """
import os, signal, sys
import torch
torch.set_num_threads(THREADS)  # sums over threads round otherwise
from genlib import runs
from genlib.__main__ import main
from genlib.ddpm import DDPM

times, calls = DDPM.times, []

def twice(model, *given):  # in the middle of the fourth step
    calls.append(1)
    if len(calls) == 4:
        os.kill(os.getpid(), signal.SIGINT)
        os.kill(os.getpid(), signal.SIGINT)
        for _ in range(1000):
            pass
    return times(model, *given)

DDPM.times = twice
sys.exit(main(["train", "ddpm_digits", "--steps", "8", "--out", "a", "--save-every", "0"]))
"""


def test_a_second_ctrl_c_saves_no_half_step():
    code = SIGNALS.replace("THREADS", str(torch.get_num_threads()))
    done = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, encoding="utf-8", timeout=300
    )
    assert done.returncode == 130 and "what was saved before stands" in done.stderr
    assert runs.read_card("a")["done"] == 3 and not runs.read_card("a")["whole"]
    assert go("train", "ddpm_digits", "--resume", "--out", "a") == 0  # all else is as it was
    go("train", "ddpm_digits", "--steps", 8, "--out", "whole")
    one, two = (load_file(f"{name}/model.safetensors") for name in ("whole", "a"))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_what_does_not_fit_leaves_no_folder_behind(pictures, tmp_path, capsys, few_shapes):
    for words, message in (
        (("ddpm_digits", "--data", pictures, "--size", 16), "data: expected images (1, 8, 8) with"),
        (("vae_digits", "--data", pictures, "--size", 8, "--channels", 1), "17 grey levels"),
        (("ddpm_points", "--data", "digits"), "data: expected none for ddpm_points"),
        (("ddpm_shapes", "--data", "digits"), "data: expected none for ddpm_shapes, a recipe of"),
        (
            ("judge", "--data", "shapes"),
            "data: expected images with classes, got shapes",
        ),
        (("vae_digits", "--batch", 1), "batches: expected at least 2 rows"),
    ):
        assert go("train", *words, "--steps", 2, "--out", "a") == 2
        assert message in said(capsys).err
        left = os.listdir("a") if os.path.exists("a") else []
        assert left in ([], [".lock"])
    assert go("train", "vae_digits", "--steps", 2, "--out", "a") == 0


# --- sample and score --------------------------------------------------------------------------------------------


def test_samples_are_those_of_the_model(capsys):
    go("train", "vae_digits", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    x = runs.draw(model, card, 5, torch.Generator().manual_seed(4))
    expected = model.sample(5, torch.Generator().manual_seed(4))
    assert torch.equal(x, evaluate.to_grey_levels(expected, 17)) and not model.training
    assert go("sample", "a", "-n", 5, "--seed", 4, "--out", "drawn") == 0
    found = [Image.open(f"drawn/{i:05}.png") for i in range(5)]
    for image, true in zip(found, x, strict=True):
        assert image.size == (8, 8) and image.mode == "L"
        pixels = torch.from_numpy(numpy.array(image)) / 255
        torch.testing.assert_close(1 - pixels, true[0], atol=0.01, rtol=0)
    assert go("sample", "a", "-n", 5, "--seed", 4, "--out", "drawn") == 2  # nothing is overwritten
    for words, message in (
        (("-n", 0), "n: expected a number of at least 1"),
        (("--out", "a.jpg"), "--out: expected a .png or a folder"),
    ):
        assert go("sample", "a", *words) == 2 and message in said(capsys).err
    assert go("sample", "a") == 0 and Image.open("a/samples-0.png").size[0] > 300


def test_a_conditional_model_draws_every_class_in_turn(capsys):
    go("train", "ddpm_digits_conditional", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    x = runs.draw(model, card, 12, torch.Generator().manual_seed(4))
    given = model.replace(net=Given(model.net, torch.arange(12) % 10))
    again = given.ddim(12, (1, 8, 8), 50, 0.0, torch.Generator().manual_seed(4))
    assert torch.equal(x, evaluate.to_grey_levels((again + 1) / 2))
    assert go("score", "a", "-n", 500) == 0
    assert "label accuracy" in said(capsys).out


def expected_of(net, n, shape, model):
    """What a model draws with another network, in 50 steps under seed 4, on its grey levels."""
    rng = torch.Generator().manual_seed(4)
    return (model.replace(net=net).ddim(n, shape, 50, 0.0, rng) + 1) / 2


def test_a_class_can_be_asked_for_with_a_scale(capsys):
    go("train", "ddpm_digits_guided", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    rng, three = torch.Generator, torch.tensor([3])
    for asked, net in (
        ((None, None), Given(model.net, torch.arange(6))),  # each class in turn, at scale 1
        ((three, None), Given(model.net, three)),
        ((three, 2.0), Guided(model.net, three, 2.0)),
        ((None, 0.0), Given(model.net, torch.tensor([10]))),  # any digit
    ):
        x = runs.draw(model, card, 6, rng().manual_seed(4), *asked)
        expected = evaluate.to_grey_levels(expected_of(net, 6, (1, 8, 8), model))
        torch.testing.assert_close(x, expected, atol=1 / 16 + 1e-6, rtol=0)
        assert (x != expected).double().mean() < 0.01  # but for a level here and there
    words = ("sample", "a", "-n", 2, "--label", 3, "--scale", 2, "--seed", 4)
    assert go(*words, "--out", "drawn") == 0
    x = runs.draw(model, card, 2, rng().manual_seed(4), three, 2.0)
    pixels = torch.from_numpy(numpy.array(Image.open("drawn/00001.png"))) / 255
    torch.testing.assert_close(1 - pixels, x[1, 0], atol=0.01, rtol=0)
    said(capsys)
    assert go("score", "a", "-n", 500) == 0 and "label accuracy" in said(capsys).out


def test_words_are_drawn_with_a_scale(capsys, few_shapes):
    go("train", "ddpm_shapes", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    tokens = VOCABULARY.tokens(["small red circle top left"])
    assert torch.equal(runs.asked_for(card, caption="Small red circle top LEFT"), tokens)
    x = runs.draw(model, card, 3, torch.Generator().manual_seed(4), tokens, 2.0)
    again = expected_of(Guided(model.net, tokens, 2.0), 3, (3, 16, 16), model)
    assert torch.equal(x, evaluate.to_grey_levels(again, 256))
    words = ("--caption", "small red circle top left", "--scale", 2, "--seed", 4)
    assert go("sample", "a", "-n", 3, *words, "--out", "drawn") == 0
    pixels = torch.from_numpy(numpy.array(Image.open("drawn/00002.png"))) / 255
    torch.testing.assert_close(pixels.permute(2, 0, 1), x[2], atol=0.01, rtol=0)
    assert go("sample", "a", *words, "-n", 4) == 0 and os.path.exists("a/samples-4.png")


def test_pairs_of_colour_and_shape_are_drawn_in_turn(capsys, few_shapes):
    go("train", "ddpm_shapes", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    in_turn = [" ".join(PAIRS[i % len(PAIRS)]) for i in range(40)]
    assert VOCABULARY.captions(runs.labels(card, 40)) == in_turn
    x = runs.draw(model, card, 40, torch.Generator().manual_seed(4))
    again = expected_of(Given(model.net, VOCABULARY.tokens(in_turn)), 40, (3, 16, 16), model)
    assert torch.equal(x, evaluate.to_grey_levels(again, 256))


def test_more_than_one_batch_has_its_conditions_row_by_row(monkeypatch, few_shapes):
    go("train", "ddpm_shapes", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    seen = []
    monkeypatch.setattr(runs, "AT_ONCE", 7)
    monkeypatch.setattr(runs, "Given", lambda net, y: seen.append(y) or Given(net, y))
    assert len(runs.draw(model, card, 20, torch.Generator())) == 20
    assert [len(y) for y in seen] == [7, 7, 6]
    assert torch.equal(torch.cat(seen), runs.labels(card, 20))
    seen.clear()
    runs.draw(model, card, 9, torch.Generator(), runs.labels(card, 3)[2:])
    assert torch.equal(torch.cat(seen), runs.labels(card, 3)[2:].expand(9, -1))


def test_drawn_captions_are_scored_by_the_oracle(capsys, few_shapes, monkeypatch):
    go("train", "ddpm_shapes", "--budget", "quick", "--out", "a")

    asked = []

    def perfect(model, card, n, rng, tokens):  # but for every sixth colour and every fifth
        asked.append([tuple(text.split()) for text in VOCABULARY.captions(tokens)])
        colours = dict(zip(COLOURS, [*list(COLOURS)[1:], *COLOURS], strict=False))  # each its next
        pairs = [(colours[c] if i % 6 == 0 else c, s) for i, (c, s) in enumerate(asked[-1])]
        x = torch.cat([data.shapes(1, 16, i, [pair]).x for i, pair in enumerate(pairs)])
        x[::5] += 0.18 * torch.randn(x[::5].shape, generator=torch.Generator().manual_seed(0))
        return x

    monkeypatch.setattr(runs, "draw", perfect)
    said(capsys)
    assert go("score", "a", "-n", 60) == 0
    rows, printed = scored("a"), said(capsys).out
    assert rows["real"]["lenient"] == rows["real"]["strict"] == 1
    for name, pairs, drawn in zip(("seen", "held_out"), data.held_out(8), asked, strict=True):
        found = {key: rows[name][key] for key in ("colour", "shape", "lenient", "strict")}
        assert found == {"colour": 5 / 6, "shape": 1, "lenient": 5 / 6, "strict": 4 / 6}
        assert drawn == [pairs[i % len(pairs)] for i in range(60)]
    for words in ("pairs that were seen", "pairs that were held out", "as asked", "real data"):
        assert words in printed


def test_a_judge_of_noisy_digits_draws_nothing_and_is_scored_by_its_accuracy(capsys):
    words = ("train", "classifier_digits_noisy", "--steps", 60, "--out", "a")
    assert go(*words) == 0 and not os.path.exists("a/samples.png")
    model, card = runs.load("a")
    assert card["model"] == "NoisyClassifier"
    said(capsys)
    assert go("sample", "a") == 2
    assert said(capsys).err == "genlib: model: expected one that draws, got a NoisyClassifier\n"
    assert go("score", "a") == 0 and "test accuracy" in said(capsys).out
    digits, right = data.digits(), 0.0
    x, rng = 2 * digits.x_test - 1, torch.Generator().manual_seed(1)
    with torch.no_grad():
        for t in range(5, 1001, 10):  # evenly spread
            t = torch.full((len(x),), t)
            noisy = model.noising.q_sample(x, t, torch.randn(x.shape, generator=rng))
            right += (model(noisy, t).argmax(dim=1) == digits.y_test).double().mean().item() / 100
    assert scored("a")["run"]["accuracy"] == pytest.approx(right, abs=0.02)
    assert 0.2 < right < 0.9


def test_what_a_model_does_not_take_is_refused_in_one_line(capsys, few_shapes):
    for name in ("vae_digits", "ddpm_digits_conditional", "ddpm_digits_guided", "ddpm_shapes"):
        assert go("train", name, "--budget", "quick", "--out", name) == 0
    said(capsys)
    for name, words, message in (
        ("vae_digits", ("--label", 3), "label: expected none for a VAE that takes neither, got 3"),
        ("vae_digits", ("--caption", "red"), "caption: expected none for a VAE that takes neither"),
        ("vae_digits", ("--scale", 2), "scale: expected none for a model without guidance, got 2"),
        ("ddpm_digits_conditional", ("--scale", 1.5), "scale: expected none for a model without"),
        ("ddpm_digits_conditional", ("--label", 10), "label: expected a number in [0, 9], got 10"),
        (
            "ddpm_digits_guided",
            ("--caption", "a 3"),
            "caption: expected none for a DDPM that takes",
        ),
        (
            "ddpm_digits_guided",
            ("--scale", "nan"),
            "scale: expected a finite number or None, got nan",
        ),
        ("ddpm_shapes", ("--label", 3), "label: expected none for a DDPM that takes captions"),
        ("ddpm_shapes", ("--caption", "red avocado"), "captions: expected words out of red, "),
        ("ddpm_shapes", ("--caption", "red " * 6), "captions: expected at most 5 words, got 6"),
    ):
        assert go("sample", name, *words) == 2
        err = said(capsys).err
        assert err.startswith(f"genlib: {message}") and err.count("\n") == 1
        assert not os.path.exists(f"{name}/samples-0.png")
    go("sample", "ddpm_shapes", "--caption", "red cirlce")
    assert "got 'cirlce' in 'red cirlce' (did you mean 'circle'?)" in said(capsys).err
    assert go("sample", "ddpm_digits_conditional", "--label", 3, "-n", 2) == 0
    model, card = runs.load("ddpm_digits_conditional")
    with pytest.raises(ValueError, match=r"condition: expected 1 or 5, got shape \(2,\)"):
        runs.draw(model, card, 5, torch.Generator(), torch.tensor([1, 2]))
    model, card = runs.load("vae_digits")
    with pytest.raises(ValueError, match="condition: expected none for a VAE without, got one"):
        runs.draw(model, card, 5, torch.Generator(), torch.tensor([1]))


def test_a_score_stands_beside_its_floor(capsys):
    go("train", "gan_digits", "--budget", "quick", "--out", "a")
    assert go("score", "a", "-n", 600) == 0
    rows = scored("a")
    x = runs.draw(*runs.load("a"), 600, torch.Generator().manual_seed(0))
    assert rows["run"] == evaluate.score_digits(x)
    assert rows["floor"] == evaluate.images_floor(data.digits(), judge("digits"), 600)
    printed = said(capsys).out
    assert "Fréchet" in printed and "floor" in printed


def test_points_are_drawn_and_scored_in_their_own_unit(capsys):
    go("train", "gan_points", "--budget", "quick", "--out", "a")
    model, card = runs.load("a")
    torch.manual_seed(0)
    unit = data.ring().sample(100_000).std().item()
    assert card["unit"] == unit
    x = runs.draw(model, card, 9, torch.Generator().manual_seed(1))
    assert torch.equal(x, unit * model.sample(9, torch.Generator().manual_seed(1)))
    assert go("sample", "a", "-n", 50) == 0 and go("score", "a", "-n", 300) == 0
    assert scored("a")["floor"]["modes"] >= 7
    assert "NaN" not in (Path("a") / "score.json").read_text(encoding="utf-8")  # it is no JSON
    printed = said(capsys).out
    assert all(COLUMNS[key][0] in printed for key in ("modes", "high_quality", "mmd"))


def test_a_flow_is_trained_drawn_and_scored_from_the_command_line(capsys):
    for name, shape in (("flow_points", (2,)), ("flow_digits", (1, 8, 8))):
        assert go("train", name, "--budget", "quick", "--out", name) == 0
        model, card = runs.load(name)
        steps = 1000 if name == "flow_points" else 50
        x = runs.draw(model, card, 7, torch.Generator().manual_seed(1))
        drawn = model.sample(7, shape, steps, torch.Generator().manual_seed(1))
        points = name == "flow_points"
        expected = drawn * card["unit"] if points else to_grey_levels(data.unsigned(drawn))
        assert torch.equal(x, expected)
        assert go("sample", name, "-n", 6) == 0


# --- pictures of one's own ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("kind", ["autoencoder", "vae", "gan", "ddpm"])
def test_own_pictures_are_trained_drawn_and_scored(kind, pictures, capsys, monkeypatch):
    words = (kind, "--data", pictures.name, "--size", 16, "--budget", "quick", "--out", "a")
    assert go("train", *words) == 0
    card = runs.read_card("a")
    assert card["shape"] == [3, 16, 16] and card["classes"] == ["blue", "red"]
    assert go("sample", "a", "-n", 4, "--out", "drawn") == 0
    assert Image.open("drawn/00003.png").size == (16, 16)
    said(capsys)
    assert go("score", "a", "-n", 30) == 0 and "judge: none" in said(capsys).out
    monkeypatch.chdir(pictures.parent / "a")  # from another folder, too
    assert go("score", ".", "-n", 30) == 0
    monkeypatch.chdir("..")
    before = scored("a")
    assert go("score", "a", "-n", 30, "--data", pictures / "red") == 2
    assert "path: expected the pictures of the run" in said(capsys).err and scored("a") == before
    moved = pictures.rename(pictures.with_name("elsewhere"))
    assert go("score", "a", "-n", 30) == 2
    assert go("score", "a", "-n", 30, "--data", moved) == 0
    assert go("train", kind, "--data", moved, "--out", "a", "--resume") == 0


def test_pictures_that_changed_are_not_gone_on_with(pictures, capsys):
    words = ("vae", "--data", pictures, "--size", 16, "--steps", 2, "--out", "a")
    go("train", *words)
    Image.new("RGB", (30, 30), (0, 255, 0)).save(pictures / "red" / "0.png")
    assert go("train", *words, "--resume") == 2
    assert "folder: expected the run in a with sha256" in said(capsys).err


def test_what_cannot_be_read_is_named_in_one_line(pictures, capsys):
    (pictures / "red" / "letter.png").write_text("dear all", encoding="utf-8")
    assert go("train", "vae", "--data", pictures, "--size", 8, "--steps", 1, "--out", "a") == 0
    (line,) = [x for x in said(capsys).err.splitlines() if "letter.png" in x]
    assert line.startswith("genlib: ") and "40 pictures" in line


def test_a_judge_of_ones_own_reads_the_samples(pictures, capsys):
    assert go("judge", "--data", pictures, "--size", 16, "--budget", "quick", "--out", "j") == 0
    assert runs.read_card("j")["model"] == "Classifier" and not os.path.exists("j/samples.png")
    assert go("score", "j") == 0 and "accuracy" in said(capsys).out
    assert go("sample", "j") == 2 and "model: expected one that draws" in said(capsys).err
    go("train", "vae", "--data", pictures, "--size", 16, "--budget", "quick", "--out", "a")
    assert go("score", "a", "-n", 30, "--judge", "j") == 0
    rows = scored("a")
    reader, images = runs.load("j")[0], data.folder(pictures, 16)
    x = runs.draw(*runs.load("a"), 30, torch.Generator().manual_seed(0))
    assert rows["run"] == evaluate.score_images(x, images, reader) and "class_tv" in rows["run"]
    assert "judge: none" not in said(capsys).out
    go("train", "vae", "--data", pictures, "--size", 12, "--budget", "quick", "--out", "b")
    assert go("score", "b", "-n", 30, "--judge", "j") == 2
    assert "judge: expected a run of a judge for images (3, 12, 12)" in said(capsys).err


# --- what is wrong is named --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "words, message",
    [
        (("train", "vae_cats"), "name: expected one of judge_digits, "),
        (("train", "ddpm"), "data: expected a folder of images, or one of digits, mnist"),
        (("train", "ddpm", "--data", "nowhere"), "path: expected "),
        (("train", "vae_digits", "--seed", "-1"), "seed: expected "),
        (("train", "vae_digits", "--steps", "0"), "steps: expected "),
        (("train", "vae_digits", "--batch", "2000"), "batch: expected a number in [1, 1000]"),
        (("train", "vae_digits", "--device", "cubes"), "device: expected a device of this machine"),
        (("sample", "nowhere"), "folder: expected a folder with a run, got nowhere"),
        (("score", "nowhere"), "folder: expected a folder with a run, got nowhere"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(words, message, tmp_path, capsys):
    assert go(*words) == 2
    assert f"genlib: {message}" in said(capsys).err
    assert not list(tmp_path.iterdir())


def test_a_card_that_is_none(tmp_path, capsys):
    (tmp_path / "a").mkdir()
    for text in ("", "{}", '{"plan": {"name": "cats"}}', "[1]"):
        (tmp_path / "a" / "card.json").write_text(text, encoding="utf-8")
        assert go("sample", "a") == 2
        assert "folder: expected a folder with a run, got a" in said(capsys).err
    go("train", "vae_digits", "--steps", 1, "--out", "b")
    (tmp_path / "b" / "model.safetensors").write_bytes(b"half")
    assert go("sample", "b") == 2 and "model.safetensors of a VAE, got" in said(capsys).err


def test_every_command_has_one_screen_of_help(capsys):
    for words in ("", "train", "judge", "sample", "score", "recipes", "check grade"):
        with pytest.raises(SystemExit) as stopped:
            go(*words.split(), "-h")
        assert stopped.value.code == 0 and len(said(capsys).out.splitlines()) <= 40
    with pytest.raises(SystemExit) as stopped:
        go("train", "vae_digits", "--colour", "red")
    assert stopped.value.code == 2


def test_all_recipes_are_listed(capsys):
    assert go("recipes") == 0
    lines = said(capsys).out.splitlines()
    assert [line.split()[0] for line in lines[: len(recipes.RECIPES)]] == list(recipes.RECIPES)


def test_a_plan_belongs_to_what_it_names():
    with pytest.raises(ValueError, match="name: expected one of"):
        Plan("cats")
    with pytest.raises(TypeError, match="steps: expected a whole number"):
        Plan("vae_digits", steps=1.5)
    assert Plan("gan_points").images() is None and Plan("gan_digits").images().name == "digits"


# --- diffusion in a latent space ------------------------------------------------------------------------------------


@pytest.fixture
def latent(monkeypatch):
    """Recipes of digits in a latent space, as those of larger images."""
    vae = replace(RECIPES["vae_digits"], steps={"cpu": 5})
    ddpm = replace(
        RECIPES["ddpm_digits_guided"],
        model=partial(recipes.mnist_latent_ddpm, 16, 32),
        steps={"cpu": 8},
        range=(0, 1),
        codes="vae_digits",
    )
    monkeypatch.setitem(RECIPES, "vae_digits", vae)
    monkeypatch.setitem(RECIPES, "ddpm_digits_latent", ddpm)
    assert go("train", "vae_digits", "--out", "vae") == 0


def test_a_run_in_a_latent_space_keeps_its_autoencoder_and_draws_pictures(latent, capsys):
    train = ("train", "ddpm_digits_latent", "--codes", "vae", "--out", "a")
    assert go(*train) == 0
    vae, _ = runs.load("vae")
    shutil.rmtree("vae")  # nothing of it is needed any more
    model, card = runs.load("a")
    codes = Codes.of(vae, data.digits().x_train)
    assert_close(model.codes.encode(data.digits().x_test), codes.encode(data.digits().x_test))
    x = runs.draw(model, card, 6, torch.Generator().manual_seed(4), torch.tensor([3]), 2.0)
    guided = model.replace(net=Guided(model.net, torch.full((6,), 3), 2.0))
    z = guided.ddim(6, (16,), 50, rng=torch.Generator().manual_seed(4))
    assert torch.equal(x, evaluate.to_grey_levels(codes.decode(z), 17))
    assert go("sample", "a", "--label", 3, "--scale", 2, "-n", 4) == 0
    assert go("score", "a", "-n", 500) == 0
    assert "label accuracy" in said(capsys).out


def test_a_run_in_a_latent_space_goes_on_with_its_own_codes(latent, monkeypatch):
    train, step = ("train", "ddpm_digits_latent", "--codes", "vae"), recipes.Training.step
    assert go(*train, "--out", "whole") == 0

    def interrupted(training):
        if training.done == 3:
            os.kill(os.getpid(), 2)
        return step(training)

    with monkeypatch.context() as patch:
        patch.setattr(recipes.Training, "step", interrupted)
        assert go(*train, "--out", "a") == 130
    assert runs.read_card("a")["done"] == 4
    shutil.rmtree("vae")
    assert go("train", "ddpm_digits_latent", "--resume", "--out", "a") == 0
    one, two = (load_file(f"{name}/model.safetensors") for name in ("whole", "a"))
    assert all(torch.equal(one[k], two[k]) for k in one)


def test_a_run_that_broke_before_its_codes_were_kept_goes_on_with_those_of_the_vae(latent):
    train = ("train", "ddpm_digits_latent", "--codes", "vae")
    assert go(*train, "--out", "whole") == 0
    assert go(*train, "--out", "a") == 0
    for path in Path("a").iterdir():  # the card is written first of all
        if path.name not in ("card.json", ".lock"):
            path.unlink()
    assert go("train", "ddpm_digits_latent", "--resume", "--out", "a") == 0
    one, two = (load_file(f"{name}/model.safetensors") for name in ("whole", "a"))
    assert all(torch.equal(one[k], two[k]) for k in one)
    assert Path("a/codes.safetensors").exists()


def test_to_go_on_in_the_folder_of_another_run_is_refused(latent, capsys):
    assert go("train", "ddpm_digits_latent", "--resume", "--out", "vae") == 2
    assert "codes: expected the run of a vae_digits, got none" in said(capsys).err
    assert go("train", "ddpm_digits_latent", "--resume", "--codes", "vae", "--out", "vae") == 2
    assert "with name vae_digits, got ddpm_digits_latent" in said(capsys).err


def test_codes_of_another_run_are_refused(latent, capsys):
    go("train", "autoencoder_digits", "--steps", 2, "--out", "other")
    for words, message in (
        (("ddpm_digits_latent",), "codes: expected the run of a vae_digits, got none"),
        (("ddpm_digits_latent", "--codes", "other"), "a autoencoder_digits on digits"),
        (("ddpm_digits_latent", "--codes", "nowhere"), "folder: expected a folder with a run"),
        (("ddpm_digits", "--codes", "vae"), "codes: expected none for ddpm_digits"),
    ):
        assert go("train", *words, "--out", "b") == 2
        assert message in said(capsys).err
        assert not os.path.exists("b")
