"""The caption picker without a browser: its network, its oracle, and that held-out means it."""

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest
import torch

from genlib import data, pretrained
from genlib.data.shapes import PAIRS, PALETTE, SHAPES, VOCABULARY, Drawn, held_out
from genlib.evaluate import _drawings, read_shapes
from genlib.guidance import Guided
from genlib.interact import caption_picker
from genlib.interact import captions as figure
from genlib.interact.base import LIMIT
from genlib.interact.captions import NETWORK, Wish, heard, model_in_page, picture, world
from genlib.interact.ledger import LEDGER
from genlib.pretrained import card
from genlib.recipes import RECIPES
from genlib.table import stored as results
from tools import train_steering as tool

FOLDER = Path(figure.__file__).parent
HELD = held_out(8)[1]


@pytest.fixture(scope="module")
def known() -> Drawn:
    """The training pictures, with all that is on them."""
    return data.shapes(20_000, 16, 0, held_out(8)[0])


def test_figure_is_the_same_every_time_small_and_alone():
    html = caption_picker()._repr_html_()
    assert html == caption_picker()._repr_html_() and len(html.encode()) < 190_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50


def test_a_caption_opens_the_figure_in_any_order_of_its_words():
    start = caption_picker("large cyan cross top left").data["start"]
    assert start == caption_picker("left cross top cyan large").data["start"]
    assert PAIRS[start["pair"]] == ("cyan", "cross") and start["kind"] == "all"
    assert start["more"] == ["large", "top", "left"]
    assert caption_picker("white square").data["start"]["kind"] == "pair"
    for caption in (
        "large cyan cross",
        "avocado chair",
        "",
        "red blue circle",
        "red circle circle",
    ):
        with pytest.raises(ValueError, match="caption: expected a colour and a shape, alone or"):
            caption_picker(caption)
    assert heard("cross cyan") == ["cyan", "cross", "", "", ""]


@pytest.mark.parametrize("options", [{"steps": 7}, {"scale": -1}, {"seed": 0}])
def test_what_the_figure_does_not_offer_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}: expected what the figure offers, got {value}"):
        caption_picker(**options)
    wish = {"steps": 20, "scale": 1.5, "seed": 7}
    assert {name: caption_picker(**wish).data["start"][name] for name in wish} == wish


def test_all_words_that_the_script_uses_are_there():
    script = (FOLDER / "captions.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)


def test_the_figure_says_with_what_it_draws():
    facts, said = card(NETWORK), caption_picker().data["source"]
    recipe = RECIPES[facts["recipe"]]
    assert (facts["recipe"], facts["steps"]) == (NETWORK, recipe.steps["cpu"])
    assert (facts["lr"], facts["batch"]) == (recipe.lr, recipe.batch)
    assert (facts["scale"], facts["ddim_steps"], facts["eta"]) == (2, 50, figure.ETA)
    assert figure.WORDS["source"].count("#") == len(said)
    large = RECIPES["ddpm_shapes"].model()
    assert said[:4] == [
        NETWORK,
        f"{facts['parameters']:,}",
        f"{tool.parameters(large):,}",
        tool.EACH,
    ]
    assert said[4] == f"{facts['8_bits']['seen']:.3f}"
    assert said[7] == f"{facts['as_trained']['held_out']:.3f}"
    size = 4 / 3 * tool.parameters(large)  # a byte each, as base64
    assert size > LIMIT, "the large one does not fit into a figure"
    assert round(size, -4) == 420_000 and "420 kB" in LEDGER["caption_picker"].computes


def test_held_out_pairs_were_in_no_training_picture(known):
    counts = card(NETWORK)["training_pictures"]
    trained_on = data.captioned_shapes()
    assert torch.equal(trained_on.x_train, known.x) and sum(counts) == 20_000
    assert torch.equal(trained_on.y_train, known.tokens)
    said = [" ".join(pair) for pair in PAIRS]
    for pair, count in zip(said, counts, strict=True):
        assert sum(pair in text for text in known.captions) == count
    assert [PAIRS[k] for k, count in enumerate(counts) if not count] == HELD
    assert [PAIRS[k] for k in caption_picker().data["held"]] == HELD


def test_what_the_figure_lets_one_see():
    """Pairs that were never seen are drawn as asked, most of the time; 8 bits cost next to nothing of it."""
    facts = card(NETWORK)
    for bits in ("8_bits", "as_trained"):
        assert facts[bits]["seen"] > 0.9 and facts[bits]["held_out"] > 0.6
        assert facts[bits]["held_out"] < facts[bits]["seen"]
    for kind in ("seen", "held_out"):
        assert abs(facts["8_bits"][kind] - facts["as_trained"][kind]) < 0.04
    assert results("captions")["recipe"], "the five hold-outs of the page"


def test_the_page_says_how_the_small_network_differs_from_that_of_the_table():
    small, large = card(NETWORK), results("captions")
    assert (
        0.2 < small["parameters"] / small["parameters_large"] < 0.3
    )  # about a quarter of the weights
    assert small["steps"] == 2 * large["recipes"]["ddpm_shapes"]["steps"]
    held_out = large["recipe"]["strict_held_out"]
    assert (
        small["8_bits"]["held_out"] < sum(held_out) / len(held_out) - 0.05
    )  # less well on average


def test_a_picture_is_that_of_ddim_with_the_same_noise():
    """Its first step by hand, by the prediction of the guided network; and every drawing has noise of its own."""
    model, wish = model_in_page(), Wish("green circle", steps=1)
    x = picture(model, wish)
    stream = figure.normals(100_000 + 1000 * PAIRS.index(("green", "circle")))
    noise = torch.tensor([next(stream) for _ in range(768)]).view(1, 3, 16, 16)
    tokens = VOCABULARY.tokens(["green circle"])
    guided = model.replace(net=Guided(model.net, tokens, 2.0, VOCABULARY.null))
    with torch.no_grad():
        guess, _ = guided.predict(noise, torch.tensor([1000]))
    torch.testing.assert_close(x, guess)
    others = [picture(model, wish._replace(**change)) for change in ({"number": 1}, {"seed": 2})]
    assert all((x - other).abs().max() > 1e-3 for other in others)


def test_what_is_asked_for_is_drawn():
    model = model_in_page()
    asked = ["red circle", "white cross", "small blue square top left"]
    x = torch.cat([picture(model, Wish(caption, steps=20)) for caption in asked])
    read = read_shapes((x / 2 + 0.5).clamp(0, 1))
    pairs = (read["colour"] * len(SHAPES) + read["shape"]).tolist()
    assert [PAIRS[k] for k in pairs] == [tuple(heard(caption)[:2]) for caption in asked]
    assert (read["size"][2], read["row"][2], read["column"][2]) == (0, 0, 0)


def test_the_asset_is_small_and_averaged():
    net = pretrained.shapes_ddpm_small().net.net
    assert net.patch == 2 and net.condition.words == 18
    assert net.condition.word.weight[0].abs().max() == 0, "no word adds nothing"


ORACLE = """
const { world, x } = JSON.parse(require("fs").readFileSync(process.argv[2], "utf-8")), oracle = oracleOf(world);
oracle.prepare();
const found = x.map((one) => oracle.read(Float32Array.from(one)));
const each = (name) => found.map((one) => one[name]), drawing = Array.from(found[0].drawing);
const read = { words: each("words"), error: each("error"), off: each("off"), clean: each("clean") };
console.log(JSON.stringify({ ...read, masks: Array.from(oracle.masks), drawing }));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs node; the browser's test needs none")
def test_the_scripts_oracle_is_pythons(tmp_path):
    """Every mask, and what is read in drawings, in noisy ones and in noise."""
    rng = torch.Generator().manual_seed(1)
    drawn = data.shapes(40, 16, 5)
    noisy = drawn.x[:20] + 0.2 * torch.randn(20, 3, 16, 16, generator=rng)
    x = torch.cat([drawn.x, noisy, torch.rand(5, 3, 16, 16, generator=rng)])
    parts = [(FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in ("shared", "oracle")]
    (tmp_path / "run.js").write_text("\n".join([*parts, ORACLE]), encoding="utf-8")
    content = json.dumps({"world": world(), "x": x.flatten(1).tolist()})
    (tmp_path / "in.json").write_text(content, encoding="utf-8")
    command = ["node", tmp_path / "run.js", tmp_path / "in.json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    found, want = json.loads(done.stdout), read_shapes(x)
    masks = torch.tensor(found["masks"]).view(-1, 256) / 16
    assert torch.equal(masks, _drawings(16)[0])
    words = torch.tensor(found["words"])
    for k, part in enumerate(("colour", "shape", "size", "row", "column")):
        assert torch.equal(words[:, k], want[part]), part
    assert torch.equal(words[:40, 0], drawn.colour) and torch.equal(words[:40, 1], drawn.shape)
    for part in ("error", "off"):
        assert found[part] == pytest.approx(want[part].tolist(), abs=1e-3)
    assert found["clean"] == want["clean"].tolist()
    near = torch.tensor(found["drawing"]).view(3, 16, 16)
    assert (near - drawn.x[0]).square().mean() < 0.01 and near.max() < PALETTE.max() + 0.2


def test_the_tool_measures_by_the_oracle(monkeypatch):
    """With a model that draws the true pictures of what is asked, every share is one."""

    class Painter:
        net = None

        def replace(self, net):
            return self

        def ddim(self, n, *_):
            pairs = [PAIRS[k // tool.EACH] for k in range(n)]
            made = [data.shapes(1, 16, k, [pair]).x for k, pair in enumerate(pairs)]
            return 2 * torch.cat(made) - 1

    monkeypatch.setattr(tool, "EACH", 2)
    monkeypatch.setattr(tool, "Guided", lambda *_: None)
    assert tool.of_drawings(Painter()) == {"seen": 1.0, "held_out": 1.0}
