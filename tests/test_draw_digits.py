"""Digits drawn in the page: the weights that travel, the walks in Python, and a figure that is small and alone."""

import base64
import itertools
import json
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats

from genlib import pretrained
from genlib.data import digits, signed
from genlib.guidance import Given, Guided
from genlib.interact import draw as figure
from genlib.interact import draw_digits
from genlib.interact.draw import ANY, EACH, N, Walk, model_in_page, moments, normals
from genlib.interact.unet import from_8_bits, packed
from genlib.nets import UNet
from genlib.pretrained import card

FOLDER = Path(figure.__file__).parent
IMAGE = (1, 8, 8)


def last(*args, **options) -> torch.Tensor:
    return list(moments(*args, **options))[-1][1]


# --- the figure ----------------------------------------------------------------------------------


def test_figure_is_the_same_every_time_small_and_alone():
    html = draw_digits()._repr_html_()
    assert html == draw_digits()._repr_html_() and len(html.encode()) < 180_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert len({draw_digits(task).id for task in figure.TASKS}) == 3
    script = (FOLDER / "draw.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    assert (
        set(figure.WORDS["about"]) == {key for key, _ in figure.WORDS["tasks"]} == set(figure.TASKS)
    )
    assert len((FOLDER / "unet.js").read_bytes()) < 6_000


@pytest.mark.parametrize(
    "options",
    [{"task": "old"}, {"seed": 0}, {"steps": 7}, {"eta": 1.5}, {"digit": "10"}, {"scale": -1}],
)
def test_what_the_figure_does_not_offer_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(ValueError, match=f"{name}: expected .*, got {value!r}"):
        draw_digits(**options)


def test_every_option_reaches_the_page():
    wish = {"task": "fill", "seed": 7, "steps": 20, "eta": 0.5, "digit": "3", "scale": 1.5}
    found = draw_digits(**wish).data["start"]
    assert {name: found[name] for name in wish} == wish
    assert all(draw_digits().data["start"][name] != found[name] for name in wish)


def test_the_figure_says_with_what_it_draws():
    facts, said = card("ddpm_digits_guided"), draw_digits().data["source"]
    assert figure.WORDS["source"].count("#") == len(said)
    assert said[:3] == [facts["recipe"], f"{facts['parameters']:,}", facts["ddim_steps"]]
    # the weights behind the stored pictures of chapter 6 are these weights
    assert facts["sha256"] == facts["weights"] == card("guidance_digits")["weights"]
    assert facts["n"] == 1000
    distances = [facts["8_bits"]["each"], facts["as_trained"]["each"], facts["8_bits"]["any"]]
    assert said[3:] == [f"{distance:.2f}" for distance in distances]
    opened = [draw_digits(task).data["start"]["digit"] for task in figure.TASKS]
    assert opened == ["each", "any", "any"]


# --- 8 bits --------------------------------------------------------------------------------------


def by_hand(data: dict) -> dict[str, np.ndarray]:
    """The weights of the page, unpacked with numpy alone."""
    whole = np.frombuffer(base64.b64decode(data["whole"]), np.int8)
    numbers = np.frombuffer(base64.b64decode(data["numbers"]), np.float32)
    found, i, j = {}, 0, 0
    for name, rows, columns in data["layers"]:
        own = numbers[j : j + rows]
        part = whole[i : i + rows * columns].reshape(rows, columns)
        found[name] = part * own[:, None] if columns else own
        i, j = i + rows * columns, j + rows
    assert (i, j) == (len(whole), len(numbers))
    return found


def test_the_weights_of_the_page_are_the_rounded_ones():
    net = pretrained.digits_ddpm_guided().net.net
    rounded, found = from_8_bits(net).state_dict(), by_hand(packed(net))
    assert found.keys() == rounded.keys() == net.state_dict().keys()
    for name, value in net.state_dict().items():
        here = torch.tensor(found[name]).reshape(value.shape)
        torch.testing.assert_close(here, rounded[name], rtol=1e-6, atol=1e-9)
        rows = value.reshape(len(value), -1)
        half = rows.abs().amax(dim=1, keepdim=True) / 254
        assert ((here.reshape(rows.shape) - rows).abs() <= 1.001 * half).all(), name
        if value.dim() == 1:
            assert torch.equal(here, value), "what is no matrix travels as it is"


def test_8_bits_cost_less_than_a_draw_is_off_by():
    """A single draw of a thousand digits is off by up to 0.1; the two sets from the same noise are hardly apart."""
    facts = card("ddpm_digits_guided")
    for what in ("each", "any"):
        assert abs(facts["8_bits"][what] - facts["as_trained"][what]) < 0.03
        assert facts["between"][what] < 0.005
    model, rounded = pretrained.digits_ddpm_guided(), model_in_page()
    x_0 = signed(digits().x_test[:100])
    for t in (100, 400, 800):
        at = torch.full((100,), t)
        x_t = model.q_sample(x_0, at, torch.randn_like(x_0))
        seen = [
            m.replace(net=Given(net, torch.tensor([ANY]))).predict(x_t, at)[0]
            for m, net in ((model, model.net), (rounded, rounded.net))
        ]
        moved, wrong = (seen[1] - seen[0]).square().mean(), (seen[0] - x_0).square().mean()
        assert 0 < moved < 0.01 * wrong


FORWARD = """
const [{ packed, cases }] = [JSON.parse(require("fs").readFileSync(process.argv[2], "utf-8"))];
const net = unetOf(packed, Math.sqrt(cases[0].x.length / (packed.patch === 2 ? 3 : 1)));
console.log(JSON.stringify(cases.map(({ x, t, y }) => Array.from(net.denoise(Float32Array.from(x), net.told(t, y))))));
"""


@pytest.mark.skipif(not shutil.which("node"), reason="needs node; the browser's test needs none")
@pytest.mark.parametrize(
    "shape, options, y",
    [
        (IMAGE, {}, [-1] * 5),
        (IMAGE, {"classes": 11}, [0, 3, 10, 9, 10]),
        ((3, 16, 16), {"words": 18, "patch": 2}, [[0, 0], [1, 0], [18, 2], [3, 4], [5, 5]]),
    ],
    ids=["nothing", "labels", "words and patches"],
)
def test_the_scripts_forward_pass_is_torchs(shape, options, y, tmp_path):
    net = UNet(shape, (16, 32), **options).eval()
    for p in net.parameters():
        torch.nn.init.normal_(p, std=0.1)
    if options.get("words"):
        torch.nn.init.zeros_(net.condition.word.weight[0])  # where there is no word
    x, t = torch.randn(5, *shape), torch.tensor([1, 20, 333, 700, 1000])
    with torch.no_grad():
        v = from_8_bits(net)(x, t, torch.tensor(y) if options else None).flatten(1)
    cases = [
        {"x": a, "t": b, "y": c}
        for a, b, c in zip(x.flatten(1).tolist(), t.tolist(), y, strict=True)
    ]
    (tmp_path / "in.json").write_text(
        json.dumps({"packed": packed(net), "cases": cases}), encoding="utf-8"
    )
    parts = [
        (FOLDER / f"{name}.js").read_text(encoding="utf-8") for name in ("shared", "nn", "unet")
    ]
    (tmp_path / "run.js").write_text("\n".join([*parts, FORWARD]), encoding="utf-8")
    command = ["node", tmp_path / "run.js", tmp_path / "in.json"]
    done = subprocess.run(command, capture_output=True, text=True, encoding="utf-8", check=True)
    torch.testing.assert_close(torch.tensor(json.loads(done.stdout)), v, atol=1e-3, rtol=1e-3)


# --- the walks, which the browser's test compares with the script ------------------------------------------------


def test_the_noise_looks_normal_and_every_seed_has_its_own():
    a, b = (np.array(list(itertools.islice(normals(seed), 4000))) for seed in (1, 2))
    assert stats.kstest(a, "norm").pvalue > 0.01
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.05 and abs(np.corrcoef(a[::2], a[1::2])[0, 1]) < 0.06


@pytest.mark.parametrize(
    "digit, scale, condition",
    [
        (ANY, 2.0, lambda net: Given(net, torch.tensor([10]))),
        (4, 0.0, lambda net: Given(net, torch.tensor([10]))),
        (4, 1.0, lambda net: Given(net, torch.tensor([4]))),
        (EACH, 1.0, lambda net: Given(net, torch.tensor([*range(10), *range(6)]))),
        (4, 2.5, lambda net: Guided(net, torch.tensor([4]), 2.5, torch.tensor([10]))),
    ],
)
def test_new_digits_are_those_of_ddim_from_the_same_noise(digit, scale, condition):
    model = model_in_page()
    states = list(moments(model, Walk(seed=3, steps=10, digit=digit, scale=scale)))
    assert [t for t, _ in states] == list(range(1000, -1, -100))
    noise = torch.tensor(list(itertools.islice(normals(3), N * 64))).view(N, *IMAGE)
    assert torch.equal(states[0][1], noise)
    there = model.replace(net=condition(model.net)).ddim(N, IMAGE, 10, x_T=noise)
    torch.testing.assert_close(states[-1][1], there, atol=1e-3, rtol=0)


def test_what_is_asked_for_is_drawn():
    drawn = [last(model_in_page(), Walk(steps=20, digit=k, scale=2.0)) for k in (3, 8)]
    for k, x in zip((3, 8), drawn, strict=True):
        assert read(x).count(k) >= 14


def read(x: torch.Tensor) -> list[int]:
    """What the judge reads in digits from -1 to 1."""
    return pretrained.judge("digits").predict((x + 1) / 2).tolist()


def test_what_the_page_says_of_its_8():
    """Little noise keeps it and much does not; its upper half is also that of a 9, unless an 8 is asked for."""
    model, own = model_in_page(), signed(figure.one_of_each())[8:9]
    assert read(signed(figure.one_of_each())) == list(range(10))
    kept = [read(last(model, Walk(t=t), own)).count(8) for t in (100, 500, 900)]
    assert kept[0] == 16 > kept[1] > 8 > kept[2]
    hole = torch.arange(64).view(1, *IMAGE) >= 32
    any_digit = read(last(model, Walk(), own, hole))
    assert min(any_digit.count(8), any_digit.count(9)) >= 4 and set(any_digit) <= {0, 2, 3, 8, 9}
    assert read(last(model, Walk(digit=8), own, hole)).count(8) >= 14


def test_little_noise_keeps_a_digit_and_much_noise_does_not():
    model, own = model_in_page(), signed(figure.one_of_each())[3:4]
    moved = [
        (last(model, Walk(steps=20, t=t), own) - own).square().mean().item()
        for t in (100, 400, 900)
    ]
    assert moved[0] < 0.1 * moved[2] and moved[0] < moved[1] < moved[2]
    slow = list(moments(model, Walk(steps=None, t=50), own))
    assert [t for t, _ in slow] == list(range(50, -1, -1))
    assert (slow[-1][1] - own).square().mean() < 0.2 * moved[2]


def test_what_was_not_erased_comes_back_and_the_rest_fits_it():
    model, own = model_in_page(), signed(figure.one_of_each())[:1]
    hole = torch.zeros(1, *IMAGE, dtype=torch.bool)
    hole[..., 4:, :] = True
    states = list(moments(model, Walk(steps=20, eta=1.0), own, hole))
    for t, x in states[1:]:  # the known pixels have the noise of their time, at every time
        left = model.alpha_bar[t]
        noise = (x - left.sqrt() * own)[~hole.expand_as(x)]
        assert noise.square().mean().sqrt().item() == pytest.approx(
            (1 - left).sqrt().item(), rel=0.1
        )
    x = states[-1][1]
    assert (x - own)[~hole.expand_as(x)].abs().max() == 0
    filled = x[hole.expand_as(x)].view(N, -1)
    assert torch.pdist(filled).min() > 0.1, "each is filled in its own way"
    # the seam is no rougher than in real digits: next rows are as alike as elsewhere
    real = signed(digits().x_test)
    rough = [(a[..., 4, :] - a[..., 3, :]).square().mean().item() for a in (x, real)]
    free = last(model, Walk(steps=20, eta=1.0))
    cut = (free[..., 4, :] - own[..., 3, :]).square().mean().item()
    assert rough[0] < 1.5 * rough[1] and rough[0] < cut
