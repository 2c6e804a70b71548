"""Two real processes against one: what each sees, what they learn, what they write, and who goes on with it.

This file is also what the two processes run: `work` does all jobs in one start and leaves what it found in a folder.
"""

import functools
import json
import os
import subprocess
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from safetensors.torch import load_file
from torch import nn
from torch.testing import assert_close

from genlib import processes, recipes, rng
from genlib.__main__ import main
from genlib.data import binarise
from genlib.ddpm import image_ddpm
from genlib.gan import geometric, image_gan
from genlib.train import Batches, Training

ROOT = Path(__file__).resolve().parent.parent
STEPS, HALF = 20, 10
JOBS: dict[str, tuple[str, dict]] = {  # name -> recipe and what is changed
    "vae": ("vae_digits", {}),
    "vae of binarised pixels": ("vae_digits", {"transform": binarise}),
    "gan": ("gan_digits", {"model": partial(image_gan, instance_noise=geometric(0.5, 0.1))}),
    "ddpm": ("ddpm_digits", {}),
    "ddpm with labels": ("ddpm_digits_conditional", {}),
}


def made(job: str, dtype: torch.dtype = torch.float64, **changes) -> Training:
    """The training of a job. In float64 rounding is so small that nothing else can hide behind it."""
    name, own = JOBS[job]
    training = recipes.training(name, 3, steps={"cpu": STEPS}, **own, **changes)
    for model in filter(None, (training.model, training.ema)):
        model.to(dtype)
    x, *others = training.batches.tensors
    training.batches.tensors = (x.to(dtype), *others)
    return training


def state_of(training: Training, steps: int) -> dict:
    """What two trainings are compared by: the state after some steps, without the id, and the history."""
    for _ in range(steps):
        training.step()
    state = training.state_dict()
    del state["about"]
    return state | {f"history.{k}": torch.tensor(v).double() for k, v in training.history.items()}


class Watched(nn.Module):
    """A model that writes down the rows and the random numbers that it sees."""

    def __init__(self):
        super().__init__()
        self.w, self.x, self.eps, self.own = nn.Parameter(torch.zeros(1)), [], [], []

    def loss(self, x):
        self.x.append(x)
        self.eps.append(rng.normal(x, (len(x), 2)))
        self.own.append(rng.normal(x, (3,), torch.Generator().manual_seed(0)))
        return {"loss": (self.w - x).square().mean()}


def watched(team: processes.Team | None) -> dict[str, torch.Tensor]:
    torch.manual_seed(0)
    training = Training(Watched(), Batches(torch.arange(40.0), size=10, seed=None), 8).spread(team)
    training.run()
    return {name: torch.stack(getattr(training.model, name)) for name in ("x", "eps", "own")}


NORMS: dict[str, Callable[[], nn.Module]] = {
    "of vectors": lambda: nn.BatchNorm1d(3),
    "of images": lambda: nn.BatchNorm2d(3),
    "cumulative": lambda: nn.BatchNorm1d(3, momentum=None),
    "bare": lambda: nn.BatchNorm1d(3, affine=False, track_running_stats=False),
    "far from 0": lambda: nn.BatchNorm1d(3),  # where E x^2 - (E x)^2 would lose all digits
}


def normed(name: str, team: processes.Team | None) -> dict[str, torch.Tensor]:
    """Two passes: values, gradients, a penalty on these gradients as in R1, running statistics, evaluation."""
    torch.manual_seed(1)
    norm = NORMS[name]()
    x = torch.randn(12, 3, 2, 2) if name == "of images" else torch.randn(12, 3)
    x, weight = x + 3000 * (name == "far from 0"), torch.randn_like(x)
    if team:
        team.prepare(norm)
        x, weight = (t.chunk(team.size)[team.rank] for t in (x, weight))
    for _ in range(2):
        x = x.detach().requires_grad_()
        y = norm(x)
        (slope,) = torch.autograd.grad((y.sin() * weight).sum(), x, create_graph=True)
        slope.square().sum().backward()
    values = {"y": y.detach(), "slope": slope.detach(), "twice": x.grad}
    if norm.track_running_stats:  # else what comes later is normalised by its own rows
        values["later"] = norm.eval()(x).detach()
    return {"rows": values, "kept": norm.state_dict()}


# --- what each of the two processes does -----------------------------------------------------------------------


def refusal(try_it: Callable) -> str:
    with pytest.raises(ValueError) as error:
        try_it()
    return str(error.value)


def other_seeds(team: processes.Team) -> None:
    torch.manual_seed(team.rank)
    Training(Watched(), Batches(torch.arange(40.0), size=10, seed=None), 8).spread(team)


def other_weights(team: processes.Team) -> None:
    training = made("vae")
    with torch.no_grad():
        training.model.encoder[1].weight[0, 0] += team.rank
    training.spread(team)


def two_alone(team: processes.Team) -> dict:
    """Without the average of the gradients, which everything above must notice."""
    training = made("ddpm").spread(team)
    training._averaged = lambda params, terms: terms
    return state_of(training, STEPS)


def work(folder: Path) -> None:
    team = processes.current()
    assert processes.current() is team
    out = {"place": (team.rank, team.size, team.is_main, str(team.device))}
    out["states"] = {job: state_of(made(job).spread(team), STEPS) for job in JOBS}
    out["float32"] = state_of(made("ddpm", torch.float32).spread(team), STEPS)
    out["watched"] = watched(team)
    out["norms"] = {name: normed(name, team) for name in NORMS}
    out["two alone"] = two_alone(team)
    half = made("ddpm").spread(team)
    state_of(half, HALF)
    if team.is_main:
        half.save(folder / "of two")
    team.wait()
    assert (folder / "of two").exists()
    out["after one"] = state_of(made("ddpm").spread(team).load(folder / "of one"), HALF)
    out["odd"] = refusal(lambda: made("vae", batch=101).spread(team))
    out["seeds"] = refusal(lambda: other_seeds(team))
    out["weights"] = refusal(lambda: other_weights(team))
    torch.save(out, folder / f"process {team.rank}.pt")
    team.close()


# --- the tests ---------------------------------------------------------------------------------------------------


def launch(*command: object, **environment: str) -> subprocess.CompletedProcess:
    """Run a command of the environment to its end, one thread a process."""
    own = {"OMP_NUM_THREADS": "1", "GENLIB_STATIC": "1", "GENLIB_DEVICE": "cpu"} | environment
    command = [sys.executable, "-m", *map(str, command)]
    done = subprocess.run(
        command, cwd=ROOT, env=os.environ | own, capture_output=True, text=True, encoding="utf-8"
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done


# `--multi_gpu` stands for several processes on one machine, also on CPUs: `--cpu` starts one alone.
ACCELERATE = ["accelerate.commands.launch", "--multi_gpu", "--num_machines=1", "--num_processes=2"]
TORCHRUN = ["torch.distributed.run", "--standalone", "--nproc_per_node=2"]


@pytest.fixture(scope="module")
def two(tmp_path_factory) -> SimpleNamespace:
    """What two processes found, and what lies in their folder."""
    folder = tmp_path_factory.mktemp("two processes")
    half = made("ddpm")
    state_of(half, HALF)
    half.save(folder / "of one")
    launch(*ACCELERATE, "--main_process_port=0", __file__, folder)
    a, b = (torch.load(folder / f"process {rank}.pt") for rank in range(2))
    return SimpleNamespace(a=a, b=b, folder=folder)


@functools.cache
def one(job: str) -> dict:
    """What one process finds."""
    return state_of(made(job), STEPS)


def expect_same(found: dict, expected: dict, atol: float = 1e-7) -> None:
    assert found.keys() == expected.keys()
    for name, value in expected.items():
        where = f"{name}: {{}}".format
        assert_close(found[name], value, atol=atol, rtol=atol, equal_nan=True, msg=where)


def test_each_process_knows_its_place(two):
    assert two.a["place"] == (0, 2, True, "cpu") and two.b["place"] == (1, 2, False, "cpu")


@pytest.mark.parametrize("job", JOBS)
def test_two_processes_learn_what_one_learns(two, job):
    found = two.a["states"][job]
    expect_same(found, one(job))
    expect_same(two.b["states"][job], found, atol=0)  # and the two hold the same, to the last bit


def test_in_float32_they_differ_by_rounding_alone(two):
    found, alone = two.a["float32"], state_of(made("ddpm", torch.float32), STEPS)
    names = [name for name in alone if name.startswith(("model", "ema", "history"))]
    expect_same({k: found[k] for k in names}, {k: alone[k] for k in names}, atol=1e-5)


def test_gradients_that_are_not_averaged_are_noticed(two):
    with pytest.raises(AssertionError, match="model"):
        expect_same(two.a["two alone"], one("ddpm"), atol=1e-5)


def test_every_row_and_every_random_number_is_seen_by_one_process(two):
    a, b, alone = two.a["watched"], two.b["watched"], watched(None)
    assert a["x"].shape == (8, 5) and not set(a["x"][0].tolist()) & set(b["x"][0].tolist())
    for name in ("x", "eps"):
        assert torch.cat([a[name], b[name]], dim=1).equal(alone[name])
    assert a["own"].equal(alone["own"]) and b["own"].equal(
        alone["own"]
    )  # of a generator: as they are


@pytest.mark.parametrize("name", NORMS)
def test_batch_normalisation_is_that_of_the_whole_batch(two, name):
    a, b, alone = two.a["norms"][name], two.b["norms"][name], normed(name, None)
    close = {"atol": 2e-3, "rtol": 1e-3} if name == "far from 0" else {"atol": 1e-5, "rtol": 1e-5}
    for key, value in alone["rows"].items():
        assert_close(torch.cat([a["rows"][key], b["rows"][key]]), value, **close, msg=key)
    assert list(a["kept"]) == list(alone["kept"])
    for key, value in alone["kept"].items():
        assert_close(a["kept"][key], value, **close, msg=key)


@pytest.mark.parametrize("who", ["two after one", "one after two"])
def test_a_training_goes_on_with_another_number_of_processes(two, who):
    whole = one("ddpm")
    if who == "two after one":
        expect_same(two.a["after one"], whole)
        expect_same(two.b["after one"], two.a["after one"], atol=0)
    else:
        expect_same(state_of(made("ddpm").load(two.folder / "of two"), HALF), whole)


def test_what_cannot_be_shared_is_refused(two):
    for found in (two.a, two.b):
        assert found["odd"] == (
            "batches: expected a number of rows that 2 processes can divide among them, got 101"
        )
        for what in ("seeds", "weights"):
            assert found[what].startswith("model: expected the same weights and random numbers in")


DRAWS: dict[str, Callable[[int, torch.Generator | None], torch.Tensor]] = {
    "normal": lambda n, own: rng.normal(torch.empty(0), (n, 2), own),
    "uniform": lambda n, own: rng.uniform(torch.empty(0), (n, 2, 3), own),
    "integers": lambda n, own: rng.integers(n, 100, own),
    "permutation": rng.permutation,
    "stratified": rng.stratified,
    "categorical": lambda n, own: rng.categorical(torch.ones(9), n, own),
    "times": image_ddpm().times,
}


@pytest.mark.parametrize("name", DRAWS)
def test_shares_of_a_draw_are_together_the_whole(name):
    draw, parts = DRAWS[name], []
    for rank in range(3):
        torch.manual_seed(5)
        with rng.share(rank, 3):
            parts.append(draw(4, None))
            of_a_generator = draw(4, torch.Generator().manual_seed(1))
        after = torch.rand(1)
    torch.manual_seed(5)
    assert torch.cat(parts).equal(draw(12, None)) and torch.rand(1).equal(after)
    assert of_a_generator.equal(draw(4, torch.Generator().manual_seed(1)))  # as it is


def test_a_share_ends_with_its_block_and_numbers_without_rows_are_not_divided():
    with pytest.raises(RuntimeError), rng.share(0, 2):
        one = rng.normal(torch.empty(0), ())
        raise RuntimeError
    assert one.dim() == 0 and sorted(rng.permutation(4).tolist()) == [0, 1, 2, 3]
    with pytest.raises(ValueError, match="^rank: expected a number in .0, 1., got 2"):
        rng.share(2, 2).__enter__()


class Pair:
    """Stands for a team of two in one process."""

    rank, size, is_main = 1, 2, False

    def prepare(self, model: nn.Module) -> None:
        """Nothing to do."""

    def mean(self, x: torch.Tensor) -> torch.Tensor:
        return x


def test_other_batches_are_divided_too_and_an_odd_one_is_refused_when_it_comes():
    x = torch.arange(10.0)
    training = Training(Watched(), [(x,), (x[:7],)], 3).spread(Pair())
    training.step()
    assert training.model.x[0].tolist() == [5, 6, 7, 8, 9]
    with pytest.raises(ValueError, match="^batches: expected .* 2 processes .*, got 7$"):
        training.step()
    with pytest.raises(TypeError, match="^team: expected a processes.Team or None, got 2"):
        training.spread(2)


def test_one_process_is_no_team_and_a_team_needs_accelerate(monkeypatch):
    fresh = processes.current.__wrapped__
    monkeypatch.delenv("WORLD_SIZE", raising=False)
    training = made("vae")
    assert fresh() is None and training.spread(None) is training
    for size in ("0", "-1", "two", ""):
        monkeypatch.setenv("WORLD_SIZE", size)
        with pytest.raises(ValueError, match="^WORLD_SIZE: expected a number of processes, got '"):
            fresh()
    monkeypatch.setenv("WORLD_SIZE", "1")
    assert fresh() is None
    monkeypatch.setenv("WORLD_SIZE", "2")
    monkeypatch.setitem(sys.modules, "accelerate", None)
    with pytest.raises(ValueError, match="^processes: expected .* pip install accelerate"):
        fresh()


def test_the_command_line_trains_in_two_processes_and_one_of_them_writes(tmp_path):
    train = ["train", "ddpm_digits", "--steps=12", "--save-every=0", "--device=cpu", "--out"]
    launch(*TORCHRUN, "-m", "genlib", *train, tmp_path / "two")
    assert main([*train, str(tmp_path / "one")]) == 0
    two, alone = (load_file(tmp_path / who / "model.safetensors") for who in ("two", "one"))
    expect_same(two, alone, atol=1e-5)
    names = [sorted(p.name for p in (tmp_path / who).iterdir()) for who in ("two", "one")]
    assert names[0] == names[1]
    logs = [(tmp_path / who / "log.jsonl").read_text(encoding="utf-8") for who in ("two", "one")]
    steps = [[json.loads(line)["step"] for line in log.splitlines()] for log in logs]
    assert steps[0] == steps[1] == list(range(1, 13))


def test_the_benchmark_compares_medians_and_keeps_every_window(tmp_path, monkeypatch):
    from benchmarks import processes as bench  # here: the two processes do without it

    speeds = {1: iter([90.0, 100.0, 500.0]), 2: iter([170.0, 10.0, 180.0])}
    monkeypatch.setattr(bench, "window", lambda run, size: {"images_per_s": next(speeds[size])})
    monkeypatch.setattr(bench.results, "DATA", tmp_path)
    bench.main(["ddpm_digits"])
    found = json.loads((tmp_path / "processes.json").read_text(encoding="utf-8"))["ddpm_digits"]
    assert found["times"] == 1.7 and found["two"] == {"images_per_s": [170.0, 10.0, 180.0]}
    with pytest.raises(SystemExit, match="RUNS: expected some of ddpm_mnist, .*, got vae"):
        bench.main(["vae"])


if __name__ == "__main__":
    work(Path(sys.argv[1]))
