"""The race: turns, curves, crossings and loud skips with contestants that are made up, and the stored numbers."""

import importlib.util
import json
import math

import pytest
import torch
from torch import nn

from benchmarks import peers, race
from benchmarks.peers import Contestant
from genlib.ddpm import DDPM, linear_beta
from genlib.nets import InBfloat16
from genlib.recipes import RECIPES
from genlib.table import stored
from genlib.vae import Bernoulli, image_vae


class Course:
    """A clock that only steps move, and contestants of which it is known what a step costs and brings."""

    def __init__(self):
        self.now, self.order = 0.0, []

    def clock(self) -> float:
        return self.now

    def contestant(
        self, name: str, costs: float, breaks_at: float = math.inf, **more
    ) -> Contestant:
        took = []

        def step() -> None:
            if len(took) >= breaks_at:
                raise RuntimeError("out of breath\nand more lines")
            self.now += costs
            took.append(torch.rand(1).item())
            self.order.append(name)

        def show(n: int):
            self.now += 100.0  # looking is free
            return torch.tensor([len(took) * costs, took[-1], torch.rand(1).item()])

        return Contestant(nn.Linear(2, 3), step, 10, show, {"name": name}, **more)

    def race(self, makers, looks=(2.0, 4.0, 8.0), slice_s=1.0) -> dict:
        def look(contestant):
            return {"quality": contestant.show(1)[0].item(), "last": contestant.show(1)[1].item()}

        return race.race(makers, look, looks=looks, slice_s=slice_s, clock=self.clock)


def test_all_take_turns_until_the_budget_and_looking_is_free():
    course = Course()
    found = course.race(
        {
            "a": lambda: course.contestant("a", 0.5),
            "b": lambda: course.contestant("b", 0.25),
            "slow": lambda: course.contestant("slow", 3.0),
        }
    )
    order = course.order[3:]  # each was made once before, for its facts
    assert order[:7] == ["a", "a", "b", "b", "b", "b", "slow"]
    assert order[7:13] == ["a", "a", "b", "b", "b", "b"]  # slow has spent three turns at once
    assert [order.count(name) for name in ("a", "b", "slow")] == [16, 32, 3]
    assert [point["cpu_s"] for point in found["a"]["curve"]] == [2, 4, 8]
    assert [point["steps"] for point in found["b"]["curve"]] == [8, 16, 32]
    assert [point["cpu_s"] for point in found["slow"]["curve"]] == [3, 6, 9]
    assert found["b"]["steps"] == 32 and found["b"]["images"] == 320
    assert found["a"]["parameters"] == 9 and found["a"]["name"] == "a" and found["a"]["batch"] == 10


def test_a_step_past_two_looks_is_looked_at_once():
    course = Course()
    found = course.race({"slow": lambda: course.contestant("slow", 5.0)})
    assert [point["cpu_s"] for point in found["slow"]["curve"]] == [5, 10]


def test_a_contestant_may_have_looks_of_its_own():
    course = Course()
    found = course.race({"dear": lambda: course.contestant("dear", 1.0, looks=(3, 8))})
    assert [point["cpu_s"] for point in found["dear"]["curve"]] == [3, 8]


def test_the_others_change_nothing_for_a_contestant():
    def last(names):
        course = Course()
        makers = {name: lambda name=name: course.contestant(name, 0.5) for name in names}
        return [point["last"] for point in course.race(makers)["a"]["curve"]]

    torch.manual_seed(0)
    Course().contestant("a", 0.5)
    drawn = [torch.rand(1).item() for _ in range(16)]
    alone = [drawn[steps - 1] for steps in (4, 8, 16)]
    assert alone == last(["a"]) == last(["a", "b"]) == last(["b", "a", "c"])


def test_the_pace_is_told_what_is_spent():
    course, told = Course(), []
    course.race({"a": lambda: course.contestant("a", 2.0, pace=told.append)})
    assert told == [0, 0.25, 0.5, 0.75]


def test_who_breaks_is_skipped_loudly_and_the_others_go_on(capsys):
    def absent():
        raise ModuleNotFoundError("No module named 'pythae'")

    course = Course()
    found = course.race(
        {
            "absent": absent,
            "tired": lambda: course.contestant("tired", 1.0, breaks_at=5),
            "a": lambda: course.contestant("a", 1.0),
        }
    )
    assert list(found) == ["absent", "tired", "a"]
    assert found["absent"] == {"skipped": "ModuleNotFoundError: No module named 'pythae'"}
    assert found["tired"]["skipped"] == "RuntimeError: out of breath"
    assert [point["cpu_s"] for point in found["tired"]["curve"]] == [2, 4]
    assert len(found["a"]["curve"]) == 3 and "skipped" not in found["a"]
    printed = capsys.readouterr().out
    assert "!!! SKIPPED absent: ModuleNotFoundError" in printed and "!!! SKIPPED tired" in printed


def test_what_the_judge_refuses_is_a_skip_too():
    def refuse(contestant):
        raise ValueError("x: expected finite numbers, got nan")

    course = Course()
    makers = {"nan": lambda: course.contestant("nan", 1.0)}
    found = race.race(makers, refuse, looks=(2.0, 4.0), clock=course.clock)
    assert (
        found["nan"]["skipped"].startswith("ValueError: x: expected")
        and found["nan"]["curve"] == []
    )


def test_ctrl_c_stops_the_race():
    def stop():
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        race.race({"a": stop}, lambda contestant: {})


def curve(*values: float) -> list[dict]:
    return [{"cpu_s": 10.0 * (i + 1), "fd": value} for i, value in enumerate(values)]


def test_crossing_is_where_ours_comes_to_stay():
    theirs = curve(9, 7, 5, 5)
    found = race.crossing(curve(8, 5, 4, 3), theirs, "fd", higher=False)
    assert found == {
        "goal": 5,
        "of_cpu_s": 40,
        "cpu_s": 20,
        "share": 0.5,
        "within_half": True,
    }
    late = race.crossing(curve(8, 4, 6, 3), theirs, "fd", higher=False)
    assert late["cpu_s"] == 40 and late["share"] == 1 and not late["within_half"]
    assert race.crossing(curve(1, 9, 9, 6), theirs, "fd", higher=False)["cpu_s"] is None
    assert not race.crossing(curve(1, 9, 9, 6), theirs, "fd", higher=False)["within_half"]
    up = race.crossing(curve(-9, -4, -5, -3), curve(-9, -7, -6, -5), "fd", higher=True)
    assert up["cpu_s"] == 20 and up["goal"] == -5
    assert race.crossing(curve(5), theirs[:1], "fd", higher=False)["cpu_s"] == 10


# --- the file ------------------------------------------------------------------------------------------------


@pytest.fixture
def rows(monkeypatch):
    """Two rows that cost nothing, one of them with a peer that is not there."""

    def run(self, seed):
        tired = {"skipped": "RuntimeError: tired", "curve": []}
        return {"seed": seed, "total_cpu_s": 1.0, "contestants": {"ours": tired}}

    monkeypatch.setattr(race.Row, "run", run)


def test_a_row_is_stored_when_it_is_whole_beside_those_that_are_there(rows, tmp_path, monkeypatch):
    target = tmp_path / "race.json"
    race.main(["gan"], target)
    race.main(["vae:1", "vae"], target)
    found = json.loads(target.read_text(encoding="utf-8"))
    assert {row: list(seeds) for row, seeds in found["races"].items()} == {
        "vae": ["seed_0", "seed_1"],
        "gan": ["seed_0"],
    }
    assert found["seeds"] == [0, 1] and found["threads"] == 1
    one = found["races"]["vae"]["seed_1"]
    assert one["seed"] == 1 and one["versions"]["torch"] and one["threads"]
    assert found["command"].startswith("make bench BENCH=race") and "burda2016" in found["papers"]

    def broken(self, seed):
        raise RuntimeError("the machine went off")

    before = target.read_bytes()
    monkeypatch.setattr(race.Row, "run", broken)
    with pytest.raises(RuntimeError):
        race.main(["gan"], target)
    assert target.read_bytes() == before and list(tmp_path.iterdir()) == [target]


def test_unknown_races_are_named(tmp_path):
    for name in ("van", "vae:9", "vae:", ":0"):
        with pytest.raises(SystemExit, match="RUNS: expected some of vae:0, vae:1, .*, got "):
            race.main([name], tmp_path / "race.json")
    assert not list(tmp_path.iterdir())


def test_the_summary_says_what_was_skipped_and_who_crossed_when():
    one = {"skipped": "ImportError: no", "steps": 3, "curve": [{"fd": 2.0}]}
    assert race.summary(one | {"crossing": {"fd": {"cpu_s": None}}}, {"fd": False}) == [
        "SKIPPED ImportError: no",
        "fd 2.000 after 3 steps",
        "ours from None s on",
    ]
    assert race.summary({"skipped": "no"}, {"fd": False}) == ["SKIPPED no"]


# --- the contestants -----------------------------------------------------------------------------------------


@pytest.fixture
def small(monkeypatch):
    """Few images of static in the place of MNIST."""
    x = torch.randint(256, (300, 1, 28, 28)) / 255
    images = type("Set", (), {"x_train": x, "x_test": x[:40], "levels": 256})()
    for module in (peers, race):
        monkeypatch.setattr(module, "mnist", lambda: images)
    monkeypatch.setattr(peers.data, "image_set", lambda name: images)
    race.test_binarised.cache_clear()
    yield images
    race.test_binarised.cache_clear()


CHEAP = {
    "vae": ("ours", "tutorial"),
    "gan": ("ours", "dcgan_matched"),
    "ddpm": ("ours",),
    "grid": ("ours", "tiny_diffusion", "tiny_diffusion_matched"),
}


@pytest.mark.parametrize(("row", "name"), [(row, name) for row in CHEAP for name in CHEAP[row]])
def test_a_contestant_steps_and_shows_what_its_judge_looks_at(row, name, small):
    contestant = race.ROWS[row].makers[name]()
    before = [p.clone() for p in contestant.model.parameters()]
    contestant.step()
    assert any(
        not torch.equal(p, q) for p, q in zip(before, contestant.model.parameters(), strict=True)
    )
    shown = contestant.show(6)
    if row == "vae":
        assert set(race.elbo_of(shown)) == {"elbo", "elbo_se", "kl"}
    else:
        assert (
            shown.shape == ((6, 2) if row == "grid" else (6, 1, 28, 28)) and shown.isfinite().all()
        )


@pytest.mark.parametrize(
    ("package", "row", "name"),
    [
        ("pythae", "vae", "pythae"),
        ("diffusers", "ddpm", "diffusers_matched"),
        ("denoising_diffusion_pytorch", "ddpm", "denoising_diffusion_matched"),
        ("smalldiffusion", "grid", "smalldiffusion"),
    ],
)
def test_a_peer_takes_part_or_says_what_is_missing(package, row, name, small, monkeypatch):
    monkeypatch.setattr(peers, "CALLS", 2)
    make = race.ROWS[row].makers[name]
    if importlib.util.find_spec(package) is None:
        with pytest.raises(ModuleNotFoundError, match=package):
            make()
        return
    contestant = make()
    assert race.facts_of(make, 0)["flops_per_image"] > 0
    contestant.step()
    shown = contestant.show(3)
    if row == "vae":
        assert race.elbo_of(shown)["elbo"] < 0
    else:
        assert shown.shape[0] == 3 and shown.isfinite().all()


def test_ours_falls_with_the_share_that_is_spent(small):
    contestant = peers.vae_mnist()
    training, recipe = contestant.step.__self__, RECIPES["vae_mnist"]
    contestant.pace(0.0)
    contestant.step()
    assert training.optimizers[""].param_groups[0]["lr"] == recipe.lr
    training.done = 1000
    for spent in (0.1, 0.5, 0.75, 1.0):
        contestant.pace(spent)
        contestant.step()
        lr = training.optimizers[""].param_groups[0]["lr"]
        assert lr == pytest.approx(recipe.lr * recipe.fall(spent), abs=2e-3 * recipe.lr)
    assert contestant.about["book_steps"] == recipe.steps["cpu"]


def test_scores_are_in_full_precision_and_training_stays_as_it_was():
    model = image_vae(3, (1, 28, 28), 16, likelihood=Bernoulli())
    model.encoder, model.decoder = InBfloat16(model.encoder), InBfloat16(model.decoder)
    full = peers.in_float32(model)
    assert isinstance(model.encoder, InBfloat16) and not isinstance(full.encoder, InBfloat16)
    assert full.encoder is model.encoder.net


def test_the_usual_tutorial_has_the_parameters_of_pytorchs_example(small):
    assert race.parameters(peers.tutorial_vae().model) == 652_824


@pytest.mark.parametrize(("side", "G", "D"), [(64, 3_574_656, 2_763_520), (32, 1_066_880, 661_248)])
def test_dcgan_has_the_layers_of_its_example(side, G, D):
    nets = peers.dcgan_generator(side, 64, 100), peers.dcgan_discriminator(side, 64)
    assert [race.parameters(net) for net in nets] == [G, D]
    x = nets[0](torch.randn(2, 100, 1, 1))
    assert x.shape == (2, 1, side, side) and x.abs().max() <= 1
    assert nets[1](x).shape == (2,)
    digit = torch.rand(2, 1, 28, 28) * 2 - 1
    assert peers.to_side(digit, side).shape == (2, 1, side, side)
    back = peers.from_side(peers.to_side(digit, side))
    assert back.shape == digit.shape and (side == 64 or torch.equal(back, digit))


def test_waves_are_those_of_tiny_diffusion():
    """By hand: 64 frequencies from 1 to 1/10,000, coordinates times 25, times from 0."""
    net, x, t = peers.Waves(8), torch.randn(3, 2), torch.tensor([1, 2, 50])
    kept = []
    net.first.register_forward_hook(lambda _, inputs, out: kept.append(inputs[0]))
    assert net(x, t).shape == (3, 2)
    row = []
    for value in (25 * x[1, 0], 25 * x[1, 1], torch.tensor(1.0)):
        w = [10_000 ** (-i / 63) for i in range(64)]
        row += [math.sin(value * v) for v in w] + [math.cos(value * v) for v in w]
    torch.testing.assert_close(kept[0][1], torch.tensor(row), atol=1e-4, rtol=0)
    assert (
        race.parameters(peers.Waves(128)) == 384 * 128 + 128 + 3 * (128 * 128 + 128) + 2 * 128 + 2
    )


class Share(nn.Module):
    def forward(self, x, t):
        return 0.3 * x


def test_tiny_diffusion_walks_back_as_it_says():
    """Its posterior mean and variance, by its formulas, in one step."""
    beta = linear_beta(50)
    model = DDPM(Share(), beta, variance="posterior")
    x, noise, t = torch.randn(4, 2), torch.randn(4, 2), 20
    b, alpha_bar = beta[1:], (1 - beta[1:]).cumprod(0)
    now, before = alpha_bar[t - 1], alpha_bar[t - 2]
    x_0 = (1 / now).sqrt() * x - (1 / now - 1).sqrt() * 0.3 * x
    mean = b[t - 1] * before.sqrt() / (1 - now) * x_0
    mean = mean + (1 - before) * (1 - b[t - 1]).sqrt() / (1 - now) * x
    sd = (b[t - 1] * (1 - before) / (1 - now)).sqrt()
    torch.testing.assert_close(model.p_step(x, t, noise), mean + sd * noise, atol=1e-4, rtol=1e-4)


def test_a_module_is_read_without_torchvision(tmp_path, monkeypatch):
    package = tmp_path / "pretended_peer"
    package.mkdir()
    (package / "__init__.py").write_text("from torchvision import transforms", encoding="utf-8")
    (package / "waves.py").write_text("LENGTH = 3", encoding="utf-8")
    text = "from torchvision import transforms as T\nfrom pretended_peer.waves import LENGTH\ndouble = 2 * LENGTH"
    (package / "net.py").write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    real = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "torchvision" else real(name)
    )
    assert peers.without_torchvision("pretended_peer", "net").double == 6
    with pytest.raises(ModuleNotFoundError, match="No module named 'no_such_peer'"):
        peers.without_torchvision("no_such_peer", "net")


# --- judges --------------------------------------------------------------------------------------------------


def test_the_judge_of_points_knows_the_truth():
    found = race.quality_of_points("grid", race.ROWS["grid"].floor())
    assert found["modes"] == 25 and found["high_quality"] == pytest.approx(0.9889, abs=0.005)
    off = race.quality_of_points("grid", race.ROWS["grid"].floor() + 1)
    assert off["sliced_wasserstein"] > 5 * found["sliced_wasserstein"]


# --- what is stored ------------------------------------------------------------------------------------------


def runs() -> list[tuple[str, dict]]:
    """The name of its row, and each stored race."""
    if not race.TARGET.exists():
        pytest.skip("no race is stored")
    races = stored("race")["races"].items()
    return [(name, row) for name, seeds in races for row in seeds.values()]


def test_the_stored_races_are_whole():
    assert runs() and {name for name, _ in runs()} <= set(race.ROWS)
    for name, row in runs():
        kind = race.ROWS[name]
        assert list(row["contestants"]) == list(kind.makers) and row["seeds"] == 1
        assert row["n"] == kind.n and row["budget_cpu_s"] == race.BUDGET and row["threads"] == 1
        assert row["range_over_seeds_of_ours"] > 0
        assert "skipped" not in row["contestants"]["ours"]
        for one in row["contestants"].values():
            assert one.get("skipped") or one["curve"][-1]["cpu_s"] >= race.BUDGET
            assert not one.get("curve") or one["end"] == one["curve"][-1]


def test_stored_crossings_follow_from_the_stored_curves():
    for _, row in runs():
        ours, *theirs = row["contestants"].values()
        for peer in theirs:
            for measure, better in row["measures"].items():
                if peer.get("curve"):
                    found = race.crossing(ours["curve"], peer["curve"], measure, better == "higher")
                    assert found == peer["crossing"][measure]


def test_our_stored_recipes_are_those_of_the_book():
    for _, row in runs():
        ours = row["contestants"]["ours"]
        recipe = RECIPES[ours["recipe"]]
        assert ours["lr"] == recipe.lr and ours["batch"] == recipe.batch
        assert ours["parameters"] == race.parameters(recipe.model())


def test_the_peers_are_pinned_and_no_part_of_the_book():
    folder = race.results.ROOT
    lines = (
        (folder / "benchmarks" / "requirements-race.txt").read_text(encoding="utf-8").splitlines()
    )
    pins = dict(line.split("==") for line in lines if line and line[0] != "#")
    assert set(race.PACKAGES) <= set(pins)
    assert not {"torchvision", "torch"} & set(pins)
    book = (folder / "requirements.txt").read_text(encoding="utf-8")
    assert not any(
        f"\n{name}==" in book for name in pins if name not in ("diffusers", "accelerate")
    )
    for _, row in runs():
        for package, version in row["versions"].items():
            assert pins.get(package, version) == version
