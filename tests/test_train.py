"""Batches, falls and trainings against torch's own and plain loops; put down, picked up, interrupted and broken."""

import copy
import itertools
import json
import math
import signal
import subprocess
import sys
import threading
from functools import partial
from pathlib import Path

import pytest
import torch
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import nn
from torch.testing import assert_close
from torch.utils.data import DataLoader, TensorDataset

from genlib import train
from genlib.autoencoder import image_autoencoder
from genlib.data import binarise
from genlib.ddpm import image_ddpm
from genlib.gan import geometric, image_gan, points_gan
from genlib.train import Batches, Training, constant, cosine, linear
from genlib.vae import Bernoulli, image_vae


class Line(nn.Module):
    """y = w x with a squared error: a model whose answer is known."""

    def __init__(self, w: float = 0.0):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([w]))

    def loss(self, x, y):
        error = (self.w * x - y).square().mean()
        return {"loss": error, "w": self.w.sum()}


x = torch.linspace(-1, 1, 20)
y = 3 * x


# --- batches -------------------------------------------------------------------------------------------------


def drawn(batches, n):
    return torch.stack([next(batches)[0] for _ in range(n)])


def test_batches_visit_every_row_once_a_pass_and_follow_the_seed():
    one = drawn(Batches(torch.arange(20), size=5, seed=1), 8)
    passes = one.view(2, 20)
    assert passes.sort().values.tolist() == [list(range(20))] * 2
    assert passes[0].tolist() != passes[1].tolist() != list(range(20))
    assert one.equal(drawn(Batches(torch.arange(20), size=5, seed=1), 8))
    assert not one.equal(drawn(Batches(torch.arange(20), size=5, seed=2), 8))
    default = drawn(Batches(torch.arange(1000)), 10)
    assert default.shape == (10, 100) and default.equal(
        drawn(Batches(torch.arange(1000), seed=0), 10)
    )


def test_the_order_of_a_pass_is_the_seeds_permutation():
    rng = torch.Generator().manual_seed(7)
    orders = torch.stack([torch.randperm(20, generator=rng) for _ in range(2)])
    assert drawn(Batches(torch.arange(20), size=5, seed=7), 8).view(2, 20).equal(orders)


def test_without_a_seed_the_shuffle_is_drawn_from_torchs_own_numbers():
    torch.manual_seed(3)
    order = torch.randperm(20)
    after = torch.rand(3)
    torch.manual_seed(3)
    batches = Batches(torch.arange(20), size=5, seed=None)
    assert drawn(batches, 4).flatten().equal(order) and torch.rand(3).equal(after)
    before = torch.get_rng_state()
    drawn(Batches(torch.arange(20), size=5, seed=3), 4)
    assert torch.get_rng_state().equal(before)  # a seed leaves torch's own numbers alone


@pytest.mark.parametrize("rows, size", [(7, 3), (7, 7), (7, 4), (1, 1), (100, 99)])
def test_batches_never_hand_out_a_ragged_one(rows, size):
    batches = Batches(torch.arange(rows), size=size)
    for _ in range(5):
        a_pass = drawn(batches, rows // size)
        assert a_pass.shape == (rows // size, size) and len(a_pass.unique()) == a_pass.numel()


def test_batches_keep_rows_together_and_transform_the_first():
    a, b = next(Batches(x, y, size=7))
    assert len(a) == 7 and torch.equal(b, 3 * a)
    a, b, c = next(Batches(x, y, x, size=7, transform=lambda x: 10 * x))
    assert a.equal(10 * c) and b.equal(3 * c)


@pytest.mark.parametrize(
    ("arguments", "options", "error", "message"),
    [
        ((x, y[:-1]), {}, ValueError, r"tensors: expected tensors of equal length, got \[20, 19\]"),
        ((), {}, ValueError, r"tensors: expected tensors of equal length, got \[\]"),
        ((torch.tensor(3),), {}, ValueError, "tensors: expected tensors of equal length"),
        ((x.tolist(),), {}, TypeError, "tensors: expected a torch.Tensor, got a list"),
        ((x,), {"size": 21}, ValueError, "size: expected 1 to 20, the number of rows, got 21"),
        ((x,), {"size": 0}, ValueError, "size: expected 1 to 20, the number of rows, got 0"),
        ((x,), {"size": 2.5}, TypeError, "size: expected a whole number, got 2.5"),
        ((x,), {"seed": 0.5}, TypeError, "seed: expected a whole number or None, got 0.5"),
        ((x,), {"transform": 3}, TypeError, "transform: expected a function or None, got 3"),
    ],
)
def test_batches_refuse_what_cannot_be(arguments, options, error, message):
    with pytest.raises(error, match=message):
        Batches(*arguments, **options)


@pytest.mark.parametrize("seed", [None, 4])
@pytest.mark.parametrize("taken", [0, 1, 3, 4, 6])
def test_the_place_in_batches_can_be_kept_and_found_again(seed, taken):
    batches = Batches(torch.arange(20), size=6, seed=seed)
    if taken:
        drawn(batches, taken)
    state, own = batches.state_dict(), torch.get_rng_state()
    kept = {name: value.clone() for name, value in state.items()}
    rest = drawn(batches, 5)
    again = Batches(torch.arange(20), size=6, seed=seed if seed is None else 99)
    for other in (again, batches):
        other.load_state_dict(state)
        torch.set_rng_state(own)
        assert drawn(other, 5).equal(rest)
    assert all(value.equal(kept[name]) for name, value in state.items())  # no one wrote into it


def test_a_place_in_other_batches_is_refused():
    state = Batches(x, size=5).state_dict()
    for other in (Batches(x, size=5, seed=None), Batches(x[:10], size=5)):
        next(other)
        before = other.state_dict()
        longer = Batches(x, size=5)
        next(longer)
        for wrong in (state | longer.state_dict(), {}, {"order": state["order"]}):
            with pytest.raises(ValueError, match="state: expected the place in batches of"):
                other.load_state_dict(wrong)
        assert all(value.equal(before[name]) for name, value in other.state_dict().items())


# --- falls of the learning rate ------------------------------------------------------------------------------


def schedulers(steps):
    """The falls, and torch's schedulers of the same name."""
    from torch.optim import lr_scheduler as s

    half = steps // 2
    return {
        "constant": (constant, lambda o: s.ConstantLR(o, 1.0)),
        "linear": (linear, lambda o: s.LinearLR(o, 1.0, 0.0, steps)),
        "cosine": (cosine, lambda o: s.CosineAnnealingLR(o, steps)),
        "last": (
            partial(cosine, last=0.5),
            lambda o: s.SequentialLR(
                o, [s.ConstantLR(o, 1.0), s.CosineAnnealingLR(o, half)], [steps - half]
            ),
        ),
    }


@pytest.mark.filterwarnings("ignore:The epoch parameter")
@pytest.mark.parametrize("name", schedulers(1))
def test_a_whole_run_is_that_of_adamw_and_torchs_scheduler(name):
    steps = 40
    fall, scheduler = schedulers(steps)[name]
    model = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 2))
    model.loss = lambda x: {"loss": model(x).square().sum()}
    twin, data = copy.deepcopy(model), torch.randn(30, 3)
    training = Training(model, Batches(data, size=10), steps, 0.05, fall=fall, weight_decay=0.3)
    rates = [training.optimizers[""].param_groups[0]["lr"] for _ in training]
    optimizer = torch.optim.AdamW(twin.parameters(), 0.05, weight_decay=0.3)
    following, expected = scheduler(optimizer), []
    for batch in drawn(Batches(data, size=10), steps):
        expected.append(optimizer.param_groups[0]["lr"])
        optimizer.zero_grad()
        twin(batch).square().sum().backward()
        optimizer.step()
        following.step()
    assert rates == pytest.approx(expected, rel=1e-5, abs=1e-12)
    for ours, theirs in zip(model.parameters(), twin.parameters(), strict=True):
        assert_close(ours, theirs, rtol=1e-3, atol=1e-5)


def test_falls_start_at_one_and_end_at_their_end():
    assert [fall(0.0) for fall in (constant, linear, cosine, partial(cosine, last=0.3))] == [1] * 4
    assert [constant(1.0), linear(1.0), cosine(1.0)] == [1, 0, 0]
    assert [cosine(t, last=0.25) for t in (0.5, 0.75, 1.0)] == pytest.approx([1, 1, 0])
    assert cosine(0.875, last=0.25) == pytest.approx(0.5)
    for last in (0, 1.5, -1, math.nan):
        with pytest.raises((ValueError, TypeError), match="last: expected a "):
            cosine(0.5, last=last)


# --- the loop ------------------------------------------------------------------------------------------------


def test_a_training_finds_the_slope_and_keeps_the_history():
    model = Line()
    history = Training(model, Batches(x, y, size=20), 200, lr=0.1).run()
    assert model.w.item() == pytest.approx(3, abs=0.01)
    assert {name: len(values) for name, values in history.items()} == {"loss": 200, "w": 200}
    assert history["loss"][0] == pytest.approx(y.square().mean().item())
    assert history["loss"][-1] < 1e-3
    assert all(type(value) is float for values in history.values() for value in values)


def test_nothing_happens_before_the_steps_are_taken():
    model, batches = Line(), Batches(x, y, size=5, seed=None)
    state = torch.get_rng_state()
    training = Training(model, batches, 3, 0.1, ema_decay=0.9)
    steps = iter(training)
    assert model.w.item() == 0 and training.done == 0 and training.history == {}
    assert torch.get_rng_state().equal(state) and batches.row == 0
    terms = next(steps)
    assert model.w.item() == pytest.approx(0.1, abs=1e-4)  # Adam's first step has the length of lr
    assert terms == {name: values[0] for name, values in training.history.items()}
    assert len(training) == 2 and len(list(training)) == 2 and len(training) == 0
    assert list(training) == [] and training.run() is training.history and training.done == 3


def test_a_training_of_no_steps_is_over():
    training = Training(Line(), Batches(x, y, size=5), 0)
    assert training.run() == {} and list(training) == []


def test_steps_can_be_taken_in_pieces():
    whole, pieces = Line(), Line()
    expected = Training(whole, Batches(x, y, size=5), 9, 0.1, fall=linear).run()
    training = Training(pieces, Batches(x, y, size=5), 9, 0.1, fall=linear)
    for _ in itertools.islice(training, 3):
        pass
    training.step()
    for _ in training:
        break
    assert training.done == 5 and training.run() == expected
    assert pieces.w.equal(whole.w)


def test_weight_decay_is_decoupled_from_the_gradient():
    model = Line(1.0)
    Training(model, Batches(0 * x, 0 * y, size=20), 1, lr=0.1, weight_decay=0.5).run()
    assert model.w.item() == pytest.approx(1 - 0.1 * 0.5)
    model = Line(1.0)
    Training(model, Batches(0 * x, 0 * y, size=20), 1, lr=0.1).run()
    assert model.w.item() == 1


def test_the_average_is_a_plain_loop():
    model, decay = Line(), 0.7
    training = Training(model, Batches(x, y, size=5), 12, 0.1, ema_decay=decay)
    assert training.ema.w.item() == 0 and training.ema.w is not model.w
    average = None
    for _ in training:
        w = model.w.item()
        average = w if average is None else decay * average + (1 - decay) * w
        assert training.ema.w.item() == pytest.approx(average, rel=1e-5)
    assert Training(model, Batches(x, y, size=5), 1).ema is None


def test_the_average_has_the_buffers_of_the_model():
    model = nn.Sequential(nn.BatchNorm1d(2))
    model.loss = lambda x: {"loss": model(x).square().sum()}
    training = Training(model, Batches(3 + torch.randn(20, 2), size=5), 6, ema_decay=0.9)
    training.run()
    assert (
        training.ema[0].running_mean.equal(model[0].running_mean)
        and model[0].running_mean.min() > 1
    )


class Watched(nn.Sequential):
    """Notes the mode it is asked for its loss in."""

    def __init__(self, *layers):
        super().__init__(*layers)
        self.modes = []

    def loss(self, x):
        self.modes.append((self.training, *(layer.training for layer in self)))
        return {"loss": self(x).square().mean()}


def test_steps_are_in_training_mode_and_what_lies_between_in_evaluation_mode():
    model = Watched(nn.Linear(1, 1), nn.BatchNorm1d(1))
    training = Training(model, Batches(torch.randn(12, 1), size=4), 5, ema_decay=0.9)
    assert not any(part.training for part in training.ema.modules())
    for mode in (True, False, True, False):
        model.train(mode)  # whatever the caller leaves behind
        training.step()
        assert not any(part.training for part in (*model.modules(), *training.ema.modules()))
    model.train()
    training.run()
    assert not model.training and model.modes == [(True, True, True)] * 5


def test_a_step_that_fails_leaves_evaluation_mode_and_the_history():
    model = Line()
    training = Training(model, Batches(x, y, size=5), 5, 0.1)
    training.step()
    model.loss = lambda x, y: 1 / 0
    with pytest.raises(ZeroDivisionError):
        training.run()
    assert not model.training and training.done == 1 == len(training.history["loss"])


# --- what batches may be -------------------------------------------------------------------------------------


def test_a_loader_is_gone_round_again_and_again():
    seen = []
    model = Line()
    model.loss = lambda x: seen.append(len(x)) or {"loss": (model.w * x).sum()}
    Training(model, DataLoader(TensorDataset(x), batch_size=8), 7).run()
    assert seen == [8, 8, 4, 8, 8, 4, 8]
    seen.clear()
    Training(model, [[x[:3]], (x[:2],)], 5).run()
    assert seen == [3, 2, 3, 2, 3]


def image_model():
    return image_autoencoder(2, (1, 4, 4), 8)


@pytest.mark.parametrize(
    ("model", "batches", "message"),
    [
        (Line, lambda: iter([(x, y)] * 3), "expected 5 batches, got 3: an iterator cannot be gone"),
        (Line, list, "expected at least one batch a round, got none"),
        (Line, lambda: iter([]), "expected 5 batches, got 0"),
        (
            Line,
            lambda: DataLoader(x, batch_size=4),
            r"expected tuples of tensors, \(x, ...\), got a Tensor",
        ),
        (Line, lambda: x, r"expected tuples of tensors, \(x, ...\), got a Tensor"),
        (Line, lambda: [{"x": x, "y": y}], "expected tuples of tensors.*got a dict with keys x, y"),
        (Line, lambda: [(x, "y")], "expected tuples of tensors"),
        (
            Line,
            lambda: Batches(x, size=5),
            r"expected \(x, y\), the arguments of Line.loss, got 1 tensor",
        ),
        (
            Line,
            lambda: Batches(x, y, y, size=5),
            r"expected \(x, y\), the arguments of Line.loss, got 3",
        ),
        (
            image_model,
            lambda: Batches(torch.rand(9, 1, 4, 4), torch.arange(9), size=3),
            r"expected \(x\), the arguments of Autoencoder.loss, got 2 tensors a batch",
        ),
        (
            lambda: image_ddpm((1, 4, 4), 5, widths=(8, 8)),
            lambda: Batches(torch.rand(9, 1, 4, 4), torch.arange(9), torch.arange(9), size=3),
            r"expected \(x_0, y\), the arguments of DDPM.loss, got 3 tensors a batch",
        ),
        (
            image_model,
            lambda: Batches(torch.rand(9, 1, 4, 4), size=1),
            "expected at least 2 rows for batch norm",
        ),
        (
            lambda: image_gan(2, (1, 4, 4), 8),
            lambda: DataLoader(TensorDataset(torch.rand(1, 1, 4, 4))),
            "expected at least 2 rows for batch normalisation, got 1; drop_last=True",
        ),
    ],
)
def test_wrong_batches_are_named_in_one_line(model, batches, message):
    training = Training(model(), batches(), 5)
    with pytest.raises(ValueError, match=f"^batches: {message}") as error:
        training.run()
    assert "\n" not in str(error.value)


def test_other_errors_of_a_loss_keep_their_own_words():
    model = Line()

    def loss(x, y):
        raise ValueError("x: expected values in [0, 1], got [2, 2]")

    model.loss = loss
    with pytest.raises(ValueError, match=r"^x: expected values in \[0, 1\]"):
        Training(model, Batches(x, y, size=5), 5).step()


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        ({"steps": 2.5}, TypeError, "steps: expected a whole number, got 2.5"),
        ({"steps": 3.0}, TypeError, "steps: expected a whole number, got 3.0"),
        ({"steps": True}, TypeError, "steps: expected a whole number, got True"),
        ({"steps": -1}, ValueError, "steps: expected a number of at least 0, got -1"),
        ({"lr": 0}, ValueError, "lr: expected a number above 0, got 0"),
        ({"lr": -0.1}, ValueError, "lr: expected a number above 0, got -0.1"),
        ({"lr": math.nan}, TypeError, "lr: expected a finite number, got nan"),
        ({"lr": math.inf}, TypeError, "lr: expected a finite number, got inf"),
        ({"lr": "fast"}, TypeError, "lr: expected a finite number, got the text 'fast'"),
        ({"weight_decay": -1}, ValueError, "weight_decay: expected a number of at least 0, got -1"),
        ({"weight_decay": math.nan}, TypeError, "weight_decay: expected a finite number, got nan"),
        ({"ema_decay": 1}, ValueError, r"ema_decay: expected a number in \[0, 1\), got 1"),
        ({"ema_decay": -0.5}, ValueError, r"ema_decay: expected a number in \[0, 1\), got -0.5"),
        (
            {"ema_decay": math.nan},
            TypeError,
            "ema_decay: expected a finite number or None, got nan",
        ),
        ({"fall": 0.5}, TypeError, "fall: expected a function or None, got 0.5"),
        ({"batches": 7}, TypeError, "batches: expected .* got 7"),
        ({"model": len}, TypeError, "model: expected a Module, got a builtin"),
    ],
)
def test_arguments_are_named(arguments, error, message):
    given = {"model": Line(), "batches": Batches(x, y, size=5), "steps": 3}
    with pytest.raises(error, match=message):
        Training(**(given | arguments))


# --- several players -----------------------------------------------------------------------------------------


class Chase(nn.Module):
    """b runs after a, and a runs away from 0: each sees where the other is at its turn."""

    def __init__(self):
        super().__init__()
        self.a, self.b = nn.Parameter(torch.tensor(1.0)), nn.Parameter(torch.tensor(0.0))
        self.seen = []

    def players(self):
        return {"a": {"params": [self.a]}, "b": {"params": [self.b], "betas": (0.0, 0.5)}}

    def turns(self, x, *, share):
        self.seen.append((share, len(x), self.training, self.a.item()))
        yield "a", {"loss": -self.a, "gap": self.a - self.b}
        self.seen.append(self.a.item())
        yield "b", {"loss": (self.a.detach() - self.b).square(), "place": self.b + 0}


def test_players_take_turns_and_see_the_others_last_move():
    model = Chase()
    training = Training(model, Batches(x, size=5), 4, 0.1, fall=linear, weight_decay=0.0)
    terms = training.step()
    assert model.seen == [(0.0, 5, True, 1.0), pytest.approx(1.1)]
    assert terms == pytest.approx({"a_loss": -1.0, "gap": 1.0, "b_loss": 1.1**2, "place": 0.0})
    assert list(terms) == ["a_loss", "gap", "b_loss", "place"]
    assert (model.a.item(), model.b.item()) == pytest.approx((1.1, 0.1))
    training.run()
    assert [share for share, *_ in model.seen[::2]] == [0, 0.25, 0.5, 0.75]
    groups = {name: o.param_groups[0] for name, o in training.optimizers.items()}
    assert groups["a"]["betas"] == (0.9, 0.999) and groups["b"]["betas"] == (0.0, 0.5)
    assert [group["lr"] for group in groups.values()] == pytest.approx([0.025] * 2)
    # the gradient of a is always -1, so that Adam moves it by the learning rate itself
    assert model.a.item() == pytest.approx(1 + 0.1 * (1 + 0.75 + 0.5 + 0.25), rel=1e-5)


def test_every_option_reaches_both_players_of_a_gan():
    gan = points_gan(2, 1, width=4)
    batches = Batches(torch.randn(20, 2), x, size=5)  # what else a batch holds is not used
    training = Training(gan, batches, 1, 0.02, weight_decay=0.3, ema_decay=0.5)
    training.run()
    for name, net in (("d", gan.D), ("g", gan.G)):
        (group,) = training.optimizers[name].param_groups
        assert (group["lr"], group["weight_decay"], group["betas"]) == (0.02, 0.3, (0.0, 0.99))
        assert [id(p) for p in group["params"]] == [id(p) for p in net.parameters()]
    assert list(training.history) == ["d_loss", "D(x)", "D(G(z))", "g_loss"]
    assert training.ema.sample(3).shape == (3, 2)


# --- put down, picked up -------------------------------------------------------------------------------------

STEPS, STOPS = 10, (0, 4, 10)  # three batches a pass, so that step 4 lies within one


def images():
    pixels = torch.arange(20 * 16) % 17 / 16
    return pixels.view(20, 1, 4, 4), torch.arange(20) % 3


def autoencoder():
    model = image_autoencoder(2, (1, 4, 4), 8, dropout=0.3)
    return Training(model, Batches(images()[0], size=6, seed=3), STEPS, 0.01, weight_decay=0.1)


def vae():
    model = image_vae(2, (1, 4, 4), 8, dropout=0.3, likelihood=Bernoulli())
    batches = Batches(images()[0], size=6, seed=None, transform=binarise)
    return Training(model, batches, STEPS, 0.01, fall=partial(cosine, last=0.5))


def gan():
    model = image_gan(3, (1, 4, 4), 8, instance_noise=geometric(1.0, 0.1))
    batches = Batches(images()[0], size=6, seed=None)
    return Training(model, batches, STEPS, 0.01, fall=linear, ema_decay=0.8)


def ddpm():
    model = image_ddpm((1, 4, 4), 20, widths=(8, 8), classes=3)
    batches = Batches(2 * images()[0] - 1, images()[1], size=6, seed=5)
    return Training(model, batches, STEPS, 0.01, fall=cosine, ema_decay=0.8)


TRAININGS = {make.__name__: make for make in (autoencoder, vae, gan, ddpm)}


def begun(name, done=0, seed=1):
    """The training of that name after some steps."""
    torch.manual_seed(seed)
    training = TRAININGS[name]()
    for _ in itertools.islice(training, done):
        pass
    return training


def go_on(folder):
    """Take up every training in `folder` and end it: for another process, which has drawn other weights."""
    for path in sorted(Path(folder).iterdir()):
        training = begun(path.name.split("-")[0], seed=99).load(path)
        training.run()
        about, tensors = facts(training)
        (path / "end.json").write_text(json.dumps(about), encoding="utf-8")
        save_file(tensors, path / "end.safetensors")


def facts(training):
    """All that a training holds: facts in plain numbers, and tensors."""
    state = training.state_dict()
    about = state.pop("about")
    return {"done": about["done"], "history": copy.deepcopy(training.history)}, state


def assert_same(found, expected, case=""):
    assert found[0] == expected[0], case
    if found[0]:
        order = [list(about["history"]) for about in (found[0], expected[0])]
        assert order[0] == order[1], case  # the terms in the order of the loss
    assert found[1].keys() == expected[1].keys(), case
    for name, value in expected[1].items():
        same = torch.equal(found[1][name], value) and found[1][name].dtype == value.dtype
        assert same, f"{case} {name}"


@pytest.fixture(scope="module")
def whole():
    """What each training is after all its steps at once."""
    with torch.random.fork_rng():
        return {name: facts(begun(name, STEPS)) for name in TRAININGS}


def test_a_new_process_goes_on_bit_for_bit(tmp_path, whole):
    names = [f"{name}-{done}" for name, done in itertools.product(TRAININGS, STOPS)]
    for name in names:
        begun(name.split("-")[0], int(name.split("-")[1])).save(tmp_path / name)
    threads = (
        f"torch.set_num_threads({torch.get_num_threads()})"  # sums over threads round otherwise
    )
    call = f"import torch, test_train; {threads}; test_train.go_on({str(tmp_path)!r})"
    subprocess.run([sys.executable, "-c", call], cwd=Path(__file__).parent, check=True)
    for name in names:
        about = json.loads((tmp_path / name / "end.json").read_text(encoding="utf-8"))
        tensors = load_file(tmp_path / name / "end.safetensors")
        assert_same((about, tensors), whole[name.split("-")[0]], name)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_state_holds_all_parts_of_a_training(name):
    """What the comparisons of whole states rest on."""
    parts = [key.split(".")[0] for key in begun(name, 2).state_dict()]
    assert {"about", "model", "batches", "random", "history"} <= set(parts)
    assert ("ema" in parts) == (name in ("gan", "ddpm"))
    assert sum(part.startswith("optimizer") for part in set(parts)) == (2 if name == "gan" else 1)


@pytest.mark.parametrize("done", STOPS)
@pytest.mark.parametrize("name", TRAININGS)
def test_a_state_is_the_training_then_and_not_the_one_now(name, done, whole):
    training = begun(name, done)
    model = {key: value.clone() for key, value in training.model.state_dict().items()}
    state = training.state_dict()
    kept = copy.deepcopy(state)
    assert_same((None, {key: state[f"model.{key}"] for key in model}), (None, model))
    training.run()
    assert_same(facts(training), whole[name])
    other = begun(name, 2, seed=99)
    for again in (other, training):
        again.load_state_dict(state)
        assert again.done == done and not again.model.training
        assert_same(facts(again), ({"done": done, "history": again.history}, kept_tensors(kept)))
        again.run()
        assert_same(facts(again), whole[name])
    assert state["about"] == kept["about"]
    assert_same((None, kept_tensors(state)), (None, kept_tensors(kept)))  # no one wrote into it


def kept_tensors(state):
    return {name: value for name, value in state.items() if name != "about"}


def test_the_averages_noise_and_rates_go_on_where_they_were():
    """Beside the weights: what a look between two steps sees."""
    first = begun("gan", 4)
    other = begun("gan", 0, seed=99)
    other.load_state_dict(first.state_dict())
    assert not other.model.training and not other.ema.training
    for training in (first, other):
        torch.manual_seed(5)
        training.step()
    assert other.model.sigma == first.model.sigma == pytest.approx(0.1 ** (0.4 / 0.8))
    rates = [t.optimizers["g"].param_groups[0]["lr"] for t in (first, other)]
    assert rates[0] == rates[1] == pytest.approx(0.006)
    assert other.ema.G[0].weight.equal(first.ema.G[0].weight)


def test_a_folder_holds_one_state_and_no_pickle(tmp_path):
    training = begun("gan")
    for done in range(3):
        assert training.save(tmp_path / "run") == tmp_path / "run" and training.done == done
        assert training.save(str(tmp_path / "run")) == tmp_path / "run"  # again, at the same place
        names = sorted(path.name for path in (tmp_path / "run").iterdir())
        assert names == ["training.safetensors"]
        training.step()
    about = about_in(tmp_path / "run")
    assert about.items() >= {"model": "GAN", "steps": STEPS, "lr": 0.01, "done": 2}.items()
    tensors = load_file(tmp_path / "run" / "training.safetensors")  # and nothing but tensors
    assert not any(key.startswith("about") for key in tensors)
    head = (tmp_path / "run" / "training.safetensors").read_bytes()
    head = json.loads(head[8 : 8 + int.from_bytes(head[:8], "little")])
    assert head.keys() - {"__metadata__"} == tensors.keys() and list(head["__metadata__"]) == [
        "about"
    ]


def about_in(folder):
    with safe_open(folder / "training.safetensors", "pt") as file:
        return json.loads(file.metadata()["about"])


def test_a_training_that_was_picked_up_is_saved_where_it_was(tmp_path):
    begun("vae", 2).save(tmp_path)
    other = begun("vae", 0, seed=99).load(tmp_path)
    other.step()
    other.save(tmp_path)
    assert about_in(tmp_path)["done"] == 3


def in_folder(path):
    return {file.name: file.read_bytes() for file in path.iterdir()}


def test_a_folder_of_another_training_is_left_alone(tmp_path):
    begun("vae", 2).save(tmp_path / "vae")
    before = in_folder(tmp_path / "vae")
    for other in (begun("gan", 1), begun("vae", 2)):
        with pytest.raises(ValueError, match=r"^folder: expected .*another \(VAE, 2 of 10 steps\)"):
            other.save(tmp_path / "vae")
        assert in_folder(tmp_path / "vae") == before
    (tmp_path / "file").write_text("hello", encoding="utf-8")
    with pytest.raises(ValueError, match="^folder: expected a folder, got the file"):
        begun("vae").save(tmp_path / "file")
    (tmp_path / "vae" / "training.safetensors").write_text("{", encoding="utf-8")
    with pytest.raises(ValueError, match="^folder: expected .*training.safetensors"):
        begun("vae").save(tmp_path / "vae")


@pytest.mark.parametrize("method", ["write_bytes", "replace"])
def test_a_crash_while_saving_leaves_the_state_before(method, tmp_path, monkeypatch):
    training = begun("ddpm", 3)
    training.save(tmp_path)
    expected = facts(training)
    training.step()
    real = getattr(Path, method)

    def crash(self, argument):
        if method == "write_bytes":
            real(self, argument[: len(argument) // 2])
        raise OSError("the disk is full")

    with monkeypatch.context() as broken:
        broken.setattr(Path, method, crash)
        with pytest.raises(OSError, match="the disk is full"):
            training.save(tmp_path)
    assert not list(tmp_path.glob("*.part"))
    assert_same(facts(begun("ddpm", seed=99).load(tmp_path)), expected)
    training.save(tmp_path)
    assert begun("ddpm", seed=99).load(tmp_path).done == 4


def edited(path, **changes):
    with_about(path, json.dumps(about_in(path) | changes))


def with_about(path, about):
    (file,) = path.glob("*.safetensors")
    save_file(load_file(file), file, None if about is None else {"about": about})


def shortened(path, size):
    (file,) = path.glob("*.safetensors")
    file.write_bytes(file.read_bytes()[:size])


def without(path, name):
    (file,) = path.glob("*.safetensors")
    about = {"about": json.dumps(about_in(path))}
    save_file({k: v for k, v in load_file(file).items() if not k.startswith(name)}, file, about)


DAMAGES = {
    "other model": (
        lambda p: edited(p, model="GAN"),
        "state: expected a training with model VAE, got GAN",
    ),
    "other steps": (
        lambda p: edited(p, steps=11),
        "state: expected a training with steps 10, got 11",
    ),
    "other lr": (lambda p: edited(p, lr=0.02), "state: expected a training with lr 0.01, got 0.02"),
    "other decay": (lambda p: edited(p, weight_decay=0.5), "state: .* weight_decay 0.0, got 0.5"),
    "other ema": (lambda p: edited(p, ema_decay=0.9), "state: .* ema_decay None, got 0.9"),
    "half a head": (lambda p: shortened(p, 900), "folder: expected .*training.safetensors"),
    "half the tensors": (lambda p: shortened(p, 20_000), "folder: expected .*training.safetensors"),
    "no bytes": (lambda p: shortened(p, 0), "folder: expected .*training.safetensors"),
    "no file": (
        lambda p: next(p.glob("*.safetensors")).unlink(),
        "folder: expected .*training.safetensors",
    ),
    "no about": (lambda p: with_about(p, None), "folder: expected .*about"),
    "half of it": (lambda p: with_about(p, '{"model": "VAE"'), "folder: expected"),
    "empty about": (lambda p: with_about(p, "{}"), "folder: expected .*id"),
    "no dictionary": (lambda p: with_about(p, "[3]"), "folder: expected"),
    "no folder": (
        lambda p: [file.unlink() for file in p.iterdir()] and p.rmdir(),
        "folder: expected",
    ),
    "no weights": (lambda p: without(p, "model.encoder"), "state: expected the weights"),
    "no place": (lambda p: without(p, "batches"), "state: expected"),
    "no random": (lambda p: without(p, "random"), "state: expected"),
    "no moments": (lambda p: without(p, "optimizer.3"), "state: expected"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_what_cannot_be_loaded_changes_nothing(damage, tmp_path):
    begun("vae", 4).save(tmp_path)
    spoil, message = DAMAGES[damage]
    spoil(tmp_path)
    training = begun("vae", 2, seed=99)
    before = facts(training)
    with pytest.raises(ValueError, match=f"^{message}"):
        training.load(tmp_path)
    assert_same(facts(training), before)
    training.run()  # and it goes on as if nothing had been tried
    assert_same(facts(training), facts(begun("vae", STEPS, seed=99)))


def test_a_model_of_another_size_or_other_data_are_refused(tmp_path):
    training = begun("vae", 2)
    training.save(tmp_path)
    few = Batches(images()[0][:9], size=6, seed=None)
    for width, batches, message in (
        (9, training.batches, "state: expected the weights of this model, got others in"),
        (8, few, "state: expected the place in batches of 9 rows"),
        (8, Batches(images()[0], size=6), "state: expected the place in batches of 20 rows"),
        (8, Batches(images()[0], size=5, seed=None), "state: expected"),
    ):
        model = image_vae(2, (1, 4, 4), width, dropout=0.3, likelihood=Bernoulli())
        other = Training(model, batches, STEPS, 0.01)
        before = [p.clone() for p in other.model.parameters()]
        with pytest.raises(ValueError, match=message):
            other.load(tmp_path)
        assert other.done == 0 and other.history == {}
        assert all(a.equal(b) for a, b in zip(before, other.model.parameters(), strict=True))


def test_batches_without_a_place_cannot_be_saved_or_loaded_into(tmp_path):
    loader = DataLoader(TensorDataset(x, y), batch_size=4)
    training = Training(Line(), loader, 5)
    training.step()
    for call in (training.state_dict, lambda: training.save(tmp_path / "run")):
        with pytest.raises(
            ValueError, match="^batches: expected train.Batches, .*got a DataLoader"
        ):
            call()
    assert not (tmp_path / "run").exists()
    other = Training(Line(), Batches(x, y, size=4), 5)
    with pytest.raises(ValueError, match="^batches: expected train.Batches"):
        training.load_state_dict(other.state_dict())
    assert training.done == 1


def test_numbers_in_double_precision_are_kept_as_they_are(tmp_path):
    training = Training(Line().double(), Batches(x.double(), y.double(), size=4), 5, 0.1)
    training.step()
    training.save(tmp_path)
    other = Training(Line().double(), Batches(x.double(), y.double(), size=4), 5, 0.1)
    assert other.load(tmp_path).history == training.history
    assert other.run() == training.run() and other.model.w.equal(training.model.w)


def test_numbers_of_numpy_can_be_saved(tmp_path):
    import numpy as np

    batches = Batches(x, y, size=np.int64(4), seed=np.int64(0))
    training = Training(Line(), batches, np.int64(5), np.float32(0.25))
    training.step()
    training.save(tmp_path)
    assert Training(Line(), Batches(x, y, size=4), 5, 0.25).load(tmp_path).done == 1


def test_a_file_is_written_whole_or_not_at_all(tmp_path, monkeypatch):
    train.write_whole(tmp_path / "a.json", b"one")
    train.write_whole(tmp_path / "a.json", b"two")
    assert in_folder(tmp_path) == {"a.json": b"two"}
    monkeypatch.setattr(Path, "replace", lambda self, target: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        train.write_whole(tmp_path / "a.json", b"three")
    assert in_folder(tmp_path) == {"a.json": b"two"}


# --- interrupted ---------------------------------------------------------------------------------------------


def interrupted(training, at, interrupt):
    """The training, whose model raises an interrupt in the middle of the loss of step `at`, once."""
    loss, calls = training.model.loss, itertools.count(1)

    def stopping(*batch):
        terms = loss(*batch)
        if next(calls) == at:
            interrupt()
        return terms

    training.model.loss = stopping
    return training


def ctrl_c():
    signal.raise_signal(signal.SIGINT)


def key():
    raise KeyboardInterrupt


def handler(*_):
    raise AssertionError("the handler of the caller was asked")


@pytest.fixture(params=["python", "own", "default"])
def handled(request):
    """The handler of Ctrl-C that the caller has set."""
    own = {"python": signal.default_int_handler, "own": handler, "default": signal.SIG_DFL}
    before = signal.signal(signal.SIGINT, own[request.param])
    yield own[request.param]
    signal.signal(signal.SIGINT, before)


@pytest.mark.parametrize("title", [None, "line"])
def test_ctrl_c_ends_the_run_after_the_step_and_loses_nothing(handled, title, whole, capsys):
    training = interrupted(begun("vae"), 4, ctrl_c)
    history = training.run(title)
    assert training.done == 4 and history is training.history and len(history["loss"]) == 4
    assert not training.model.training and signal.getsignal(signal.SIGINT) is handled
    (line,) = capsys.readouterr().out.splitlines()
    assert line.startswith("stopped after 4 of 10 steps") and "run() goes on" in line
    training.run(title)
    assert "stopped" not in capsys.readouterr().out and len(history["loss"]) == STEPS
    assert_same(facts(training), whole["vae"])


def test_a_gan_is_never_stopped_between_its_two_moves(whole, capsys):
    training, calls = begun("gan"), itertools.count(1)
    d_loss = training.model.d_loss

    def stopping(x, z):
        if next(calls) == 3:
            ctrl_c()
        return d_loss(x, z)

    training.model.d_loss = stopping
    training.run()
    assert training.done == 3 and {len(v) for v in training.history.values()} == {3}
    training.run()
    assert_same(facts(training), whole["gan"])


def test_a_second_ctrl_c_or_an_interrupt_ends_the_step_at_once(capsys):
    for interrupt in (lambda: (ctrl_c(), ctrl_c()), key):
        training = interrupted(begun("vae"), 4, interrupt)
        history = training.run()
        assert training.done == 3 and {len(values) for values in history.values()} == {3}
        assert not training.model.training
        assert capsys.readouterr().out.startswith("stopped after 3 of 10 steps")
        training.run()
        assert training.done == STEPS == len(history["loss"])


def test_ctrl_c_in_the_last_step_finds_the_training_done(capsys):
    training = interrupted(begun("vae"), STEPS, ctrl_c)
    assert len(training.run()["loss"]) == STEPS and "stopped" not in capsys.readouterr().out


def test_the_handler_is_back_after_an_error_too():
    model = Line()
    model.loss = lambda x, y: 1 / 0
    before = signal.getsignal(signal.SIGINT)
    with pytest.raises(ZeroDivisionError):
        Training(model, Batches(x, y, size=5), 3).run()
    assert signal.getsignal(signal.SIGINT) is before


def test_a_training_can_run_in_a_thread():
    training, found = Training(Line(), Batches(x, y, size=5), 3), []
    thread = threading.Thread(target=lambda: found.append(training.run()))
    thread.start()
    thread.join()
    assert len(found[0]["loss"]) == 3


# --- progress ------------------------------------------------------------------------------------------------


def test_progress_is_shown_only_with_a_title(capsys, monkeypatch):
    monkeypatch.setenv("GENLIB_STATIC", "1")
    Training(Line(), Batches(x, y, size=5), 3).run()
    assert capsys.readouterr() == ("", "")
    training = Training(Line(), Batches(x, y, size=5), 3)
    training.step()
    training.run("line")
    assert capsys.readouterr().out.startswith("line: 2 steps")


def test_static_progress_goes_through_everything_and_says_one_line(monkeypatch, capsys):
    monkeypatch.setenv("GENLIB_STATIC", "1")
    assert list(train.progress(range(1234), "training")) == list(range(1234))
    out = capsys.readouterr().out
    assert out.startswith("training: 1,234 steps in ") and out.count("\n") == 1


def test_a_bar_knows_how_many_steps_there_are(monkeypatch, capsys):
    monkeypatch.setenv("GENLIB_STATIC", "0")
    training = Training(Line(), Batches(x, y, size=5), 7)
    training.step()
    training.run("line")
    assert training.done == 7
    shown = capsys.readouterr().err
    assert "line: 100%" in shown and "6/6" in shown


def test_there_is_no_step_after_the_last(tmp_path):
    for steps in (0, 1):
        training = Training(Line(), Batches(x, y, size=5), steps)
        training.run()
        with pytest.raises(
            ValueError, match=f"^steps: expected one that is left, got {steps} done"
        ):
            training.step()
        assert training and training.done == steps
