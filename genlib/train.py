"""Training: `Batches` of the data, and a `Training` that can be looked at, stopped, saved and gone on with at any step.

One loop serves every model: those with one `loss`, and those with several players, which take `turns`.
"""

import contextlib
import inspect
import json
import math
import os
import signal
import threading
import time
import uuid
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from genlib.expect import Amount, Count, Positive, border, expect_number, kind_of
from genlib.rng import permutation, share

# --- data in small pieces ------------------------------------------------------------------------------------


@border
class Batches:
    """Endless shuffled minibatches whose place can be saved; rows that do not fill a batch wait for the next pass.

    Args:
        tensors: of equal length, at least `size`; a batch is a tuple of as many.
        size: rows of a batch.
        seed: of the shuffle; None draws it from torch's own generator, like weights and noise.
        transform: changes x, the first tensor of every batch, for example `data.binarise`.
    """

    def __init__(
        self,
        *tensors: Tensor,
        size: int = 100,
        seed: int | None = 0,
        transform: Callable[[Tensor], Tensor] | None = None,
    ):
        lengths = [len(t) if t.dim() else kind_of(t) for t in tensors]
        if not tensors or len(set(lengths)) > 1 or not isinstance(lengths[0], int):
            raise ValueError(f"tensors: expected tensors of equal length, got {lengths}")
        if not 1 <= size <= lengths[0]:
            raise ValueError(f"size: expected 1 to {lengths[0]}, the number of rows, got {size}")
        self.tensors, self.size, self.transform = tensors, int(size), transform
        self.rng = None if seed is None else torch.Generator().manual_seed(int(seed))
        self.order, self.row = torch.empty(0, dtype=torch.long), 0

    def __iter__(self) -> "Batches":
        return self

    def __next__(self) -> tuple[Tensor, ...]:
        if self.row + self.size > len(self.order):  # the next pass
            self.order, self.row = permutation(len(self.tensors[0]), self.rng).cpu(), 0
        rows = self.order[self.row : self.row + self.size].to(self.tensors[0].device)
        self.row += self.size
        x, *others = (t[rows] for t in self.tensors)
        return (self.transform(x) if self.transform else x, *others)

    def state_dict(self) -> dict[str, Tensor]:
        """The order of this pass, the place in it, and the state of the shuffle."""
        row, size = torch.tensor(self.row), torch.tensor(self.size)
        state = {"order": self.order.clone(), "row": row, "size": size}
        return state if self.rng is None else state | {"rng": self.rng.get_state()}

    def load_state_dict(self, state: dict[str, Tensor]) -> None:
        """Go to the place that `state_dict` saved.

        Raises:
            ValueError: it was saved by batches of other data, or of another kind of seed.
        """
        n = len(self.tensors[0])
        same = state.keys() == self.state_dict().keys() and int(state["size"]) == self.size
        if not same or len(state["order"]) not in (0, n):
            raise ValueError(f"state: expected the place in batches of {n} rows, got another kind")
        self.order, self.row = state["order"].clone(), int(state["row"])
        if self.rng is not None:
            self.rng.set_state(state["rng"])


# --- the loop ------------------------------------------------------------------------------------------------


@border
class Training:
    """A training under way: iterate it to take steps and look between them, or `run` it to the end.

    Between two steps the model is in evaluation mode. `state_dict`, or `save`, keeps all that the rest of the training
    depends on: weights, their average, the optimisers, the place in the batches, torch's random numbers.

    Args:
        model: has `loss(*batch)`, a dictionary with the key "loss"; or, for several players, `players()` and
            `turns(*batch, share=...)`, as `GAN` has.
        batches: gives tuples of tensors; `Batches`, or anything that can be gone through again, as a DataLoader.
        steps: number of steps of the whole training.
        lr: learning rate of AdamW at the start.
        fall: the factor of `lr` at each share of the training that is done, in [0, 1): `constant`, `linear`, `cosine`.
        ema_decay: in [0, 1): also keep `ema`, the exponential moving average of the model over the steps.
        weight_decay: decoupled from the gradient (Loshchilov & Hutter 2019).
    """

    def __init__(
        self,
        model: nn.Module,
        batches: Iterable,
        steps: Count,
        lr: Positive = 1e-3,
        *,
        fall: Callable[[float], float] | None = None,
        ema_decay: float | None = None,
        weight_decay: Amount = 0.0,
    ):
        self.model, self.batches, self.steps, self.lr = model, batches, int(steps), float(lr)
        self.fall, self.weight_decay, self.ema_decay = fall or constant, weight_decay, ema_decay
        self.done, self.history, self.id = 0, {}, uuid.uuid4().hex
        players = model.players() if hasattr(model, "players") else {"": _everything(model)}
        self.optimizers = {
            name: torch.optim.AdamW([group], lr, weight_decay=weight_decay, fused=True)
            for name, group in players.items()
        }
        self._average = None if ema_decay is None else _average_of(model, ema_decay)
        self._source = batches if isinstance(batches, Iterator) else _again(batches)
        self._team = None

    @property
    def ema(self) -> nn.Module | None:
        """The model with averaged weights, in evaluation mode: after every step decay * average + (1 - decay) * model.

        The first step copies the weights. It remembers about 1 / (1 - decay) steps. Paper: Yazici et al. 2019.
        """
        return self._average and self._average.module

    def __len__(self) -> int:
        """Steps that are left."""
        return self.steps - self.done

    def __bool__(self) -> bool:
        return True  # a training that is done is one, too

    def __iter__(self) -> Iterator[dict[str, float]]:
        """Take the steps that are left; each gives the terms of its loss as numbers."""
        while self.done < self.steps:
            yield self.step()

    def step(self) -> dict[str, float]:
        """One step of every player; gives the terms of the losses as numbers.

        Raises:
            ValueError: all steps have been taken.
        """
        if self.done == self.steps:
            raise ValueError(
                f"steps: expected one that is left, got {self.done} done of {self.steps}"
            )
        with self._training_mode():
            return self._step()

    def run(self, title: str | None = None) -> dict[str, list[float]]:
        """Take all steps that are left and return the history: a list of numbers for each term of the loss.

        Ctrl-C ends the run after the step under way, and loses nothing. With a `title` the progress is shown.
        """
        left, alone = range(len(self)), self._team is None
        title = title if alone or self._team.is_main else None
        kept = interrupts() if alone else contextlib.nullcontext()  # many cannot agree where
        with self._training_mode(), kept as asked:
            for _ in progress(left, title, total=len(self)) if title else left:
                self._step()
                if asked:
                    break
        if self.done < self.steps:
            print(
                f"stopped after {self.done:,} of {self.steps:,} steps; weights and history are kept, "
                "and run() goes on from here"
            )
        return self.history

    @contextlib.contextmanager
    def _training_mode(self) -> Iterator[None]:
        self.model.train()
        try:
            yield
        finally:
            self.model.eval()

    def _step(self) -> dict[str, float]:
        done, batch = self.done / self.steps, self._next_batch()
        terms: dict[str, float] = {}
        with share(self._team.rank, self._team.size) if self._team else contextlib.nullcontext():
            for player, found in self._turns(batch, done):
                found = self._move(player, found, done)
                terms |= {
                    f"{player}_loss" if player and name == "loss" else name: value.item()
                    for name, value in found.items()
                }
        if self._average:
            self._average.update_parameters(self.model)
        self.done += 1
        for name, value in terms.items():
            self.history.setdefault(name, []).append(value)
        return terms

    def _move(self, player: str, terms: dict[str, Tensor], done: float) -> dict[str, Tensor]:
        """One step of a player's optimiser on its loss; gives the terms of the loss on the whole batch."""
        if not isinstance(terms, dict) or "loss" not in terms:
            raise ValueError(
                f"model: expected a loss that gives a dictionary with 'loss', got {kind_of(terms)}"
            )
        optimizer = self.optimizers[player]
        optimizer.param_groups[0]["lr"] = self.lr * self.fall(done)
        optimizer.zero_grad()
        terms["loss"].backward()
        if self._team:
            terms = self._averaged(optimizer.param_groups[0]["params"], terms)
        optimizer.step()
        return terms

    def _turns(self, batch: list[Tensor], done: float) -> Iterator[tuple[str, dict[str, Tensor]]]:
        """Who moves, and by which loss."""
        try:
            if hasattr(self.model, "turns"):
                yield from self.model.turns(*batch, share=done)
            else:
                yield "", self.model.loss(*batch)
        except ValueError as error:
            if "more than 1 value per channel" in str(error):
                raise ValueError(
                    f"batches: expected at least 2 rows for batch normalisation, got {len(batch[0])}; "
                    "drop_last=True of a DataLoader, or `Batches`, leaves such a batch out"
                ) from error
            raise

    def _next_batch(self) -> list[Tensor]:
        try:
            batch = next(self._source)
        except StopIteration:
            raise ValueError(
                f"batches: expected {self.steps} batches, got {self.done}: an iterator cannot be gone through again"
            ) from None
        if not isinstance(batch, tuple | list) or not all(isinstance(t, Tensor) for t in batch):
            raise ValueError(f"batches: expected tuples of tensors, (x, ...), got {kind_of(batch)}")
        if self.done == 0:
            self._expect_arguments(batch)
        device = next(self.model.parameters()).device
        return [part.to(device) for part in (self._own_rows(batch) if self._team else batch)]

    def _expect_arguments(self, batch: tuple | list) -> None:
        """Check that the loss takes as many tensors as a batch holds."""
        if hasattr(self.model, "turns"):
            return
        try:
            inspect.signature(self.model.loss).bind(*batch)
        except TypeError as error:
            wanted = [
                name
                for name, parameter in inspect.signature(self.model.loss).parameters.items()
                if parameter.kind is parameter.POSITIONAL_OR_KEYWORD
            ]
            raise ValueError(
                f"batches: expected ({', '.join(wanted)}), the arguments of {type(self.model).__name__}.loss, "
                f"got {len(batch)} tensors a batch"
            ) from error

    # --- many processes

    def spread(self, team: Any) -> "Training":
        """Share every batch from now on with the other processes of a `processes.Team`; None changes nothing.

        All processes make the same training from the same seed. Each takes its rows of every batch and of the random
        numbers, and the gradients are averaged before every step of an optimiser. So all hold the same weights and
        history, those of one process with whole batches, up to rounding, and a state goes on with any number of them.
        Dropout alone is drawn otherwise. Losses must be means over the rows, as all in genlib are.

        Ctrl-C stops at once, in the middle of a step: go on from the last state that was saved.

        Raises:
            ValueError: a batch cannot be divided, or the processes hold different weights or random numbers.
        """
        if team is None:
            return self
        if not hasattr(team, "prepare"):
            raise TypeError(f"team: expected a processes.Team or None, got {kind_of(team)}")
        if isinstance(self.batches, Batches):
            _expect_equal_shares(self.batches.size, team.size)
        team.prepare(self.model)
        self._team = team
        return self

    def _own_rows(self, batch: list[Tensor]) -> list[Tensor]:
        """The rows of a batch that belong to this process."""
        _expect_equal_shares(len(batch[0]), self._team.size)
        return [part.chunk(self._team.size)[self._team.rank] for part in batch]

    def _averaged(
        self,
        params: list[Tensor],
        terms: dict[str, Tensor],
    ) -> dict[str, Tensor]:
        """Average gradients and terms over the processes, in one exchange.

        Gives the terms.
        """
        slopes = [p.grad for p in params if p.grad is not None]
        parts = [*slopes, *(value.detach() for value in terms.values())]
        means = self._team.mean(torch.cat([part.flatten() for part in parts]))
        means = means.split([part.numel() for part in parts])
        for slope, mean in zip(slopes, means, strict=False):
            slope.copy_(mean.view(slope.shape))
        return dict(zip(terms, means[len(slopes) :], strict=True))

    # --- put down, pick up

    def state_dict(self) -> dict:
        """All that the rest of the training depends on: "about", facts in plain numbers, and tensors by name.

        Raises:
            ValueError: the batches have no place that can be saved.
        """
        self._expect_place()
        tensors = _named("model", self.model.state_dict()) | _named("random", _random_state())
        tensors |= _named("batches", self.batches.state_dict())
        if self._average:
            tensors |= _named("ema", self._average.state_dict())
        for player, optimizer in self.optimizers.items():
            for i, moments in optimizer.state_dict()["state"].items():
                tensors |= _named(f"optimizer{player}.{i}", moments)
        history = {k: torch.tensor(v, dtype=torch.float64) for k, v in self.history.items()}
        tensors |= _named("history", history)
        about = self._about() | {"id": self.id, "done": self.done, "parts": len(tensors)}
        about |= {"history": list(self.history)}  # in the order of the loss: files sort by name
        return {"about": about} | {k: v.detach().clone().contiguous() for k, v in tensors.items()}

    def load_state_dict(self, state: dict) -> None:
        """Go to where `state_dict` was taken; nothing changes where the state belongs to another training.

        Raises:
            ValueError: names what differs.
        """
        self._expect_own(state)
        self.batches.load_state_dict(_under("batches", state))  # checks before it changes anything
        self.model.load_state_dict(_under("model", state))
        if self._average:
            self._average.load_state_dict(_under("ema", state))
        for player, optimizer in self.optimizers.items():
            moments: dict[int, dict] = {}
            for name, value in _under(f"optimizer{player}", state).items():
                i, _, key = name.partition(".")
                moments.setdefault(int(i), {})[key] = value.clone()
            groups = optimizer.state_dict()["param_groups"]
            optimizer.load_state_dict({"state": moments, "param_groups": groups})
        history, names = _under("history", state), state["about"]["history"]
        self.history = {name: history[name].tolist() for name in names}
        self.done, self.id = state["about"]["done"], state["about"]["id"]
        _set_random_state(_under("random", state))
        self.model.eval()

    def _expect_own(self, state: dict) -> None:
        """Check that a state is whole, and one of this training."""
        self._expect_place()
        about = state.get("about", {})
        for name, value in self._about().items():
            if about.get(name) != value:
                got = about.get(name)
                raise ValueError(f"state: expected a training with {name} {value}, got {got}")
        own = {name: tuple(t.shape) for name, t in self.model.state_dict().items()}
        found = {name: tuple(t.shape) for name, t in _under("model", state).items()}
        if differ := sorted(dict(own.items() ^ found.items())):
            raise ValueError(
                f"state: expected the weights of this model, got others in {differ[:3]}"
            )
        if len(state) - 1 != about.get("parts"):
            raise ValueError(f"state: expected {about.get('parts')} tensors, got {len(state) - 1}")

    def _expect_place(self) -> None:
        if not isinstance(self.batches, Batches):
            raise ValueError(
                f"batches: expected train.Batches, whose place can be saved, got {kind_of(self.batches)}"
            )

    def save(self, folder: str | Path) -> Path:
        """Write the state into `folder` as training.safetensors, whole or not at all; "about" stands in its head.

        Raises:
            ValueError: the folder holds another training, or is a file.
        """
        folder = Path(folder)
        if folder.exists() and not folder.is_dir():
            raise ValueError(f"folder: expected a folder, got the file {folder}")
        path = folder / STATE
        before = _read(path)["about"] if path.exists() else None
        if before and before["id"] != self.id:
            raise ValueError(
                f"folder: expected an empty one or one of this training, got {folder} with another "
                f"({before.get('model')}, {before['done']} of {before.get('steps')} steps)"
            )
        state = self.state_dict()
        about = {"about": json.dumps(state.pop("about"))}
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, safetensors.torch.save(state, about))
        return folder

    def load(self, folder: str | Path) -> "Training":
        """Go to where the training in `folder` was saved, and return self.

        Raises:
            ValueError: there is no whole training in the folder, or one of another kind.
        """
        self.load_state_dict(_read(Path(folder) / STATE))
        return self

    def _about(self) -> dict:
        """What two trainings must share so that one can go on where the other stopped."""
        return {
            "model": type(self.model).__name__,
            "steps": self.steps,
            "lr": self.lr,
            "weight_decay": self.weight_decay,
            "ema_decay": self.ema_decay,
        }


STATE = "training.safetensors"


# --- falls of the learning rate: the share of the training that is done -> the factor of the rate -----------------


@border
def constant(done: float) -> float:
    """1: the learning rate stays."""
    return 1.0


@border
def linear(done: float) -> float:
    """1 - done: a straight line to 0."""
    return 1.0 - done


@border
def cosine(done: float, last: float = 1.0) -> float:
    """1 at first, and half a cosine down to 0 over the `last` share of the training: 1 is all, 0.5 its second half.

    Paper: Loshchilov & Hutter 2017, equation 5, without restarts.
    """
    expect_number("last", last, 0, 1, open_low=True)
    return (1 + math.cos(math.pi * max(0.0, 1 - (1 - done) / last))) / 2


# --- progress, and files that are whole ------------------------------------------------------------------------


def progress(steps: Iterable, title: str = "", total: int | None = None) -> Iterator:
    """Go through `steps` with a bar, or with one closing line where GENLIB_STATIC=1 (the built book, tests)."""
    if os.environ.get("GENLIB_STATIC") != "1":
        from tqdm.auto import tqdm

        yield from tqdm(steps, desc=title or None, total=total, leave=True)
        return
    start, done = time.process_time(), 0
    for step in steps:
        yield step
        done += 1
    print(f"{title or 'done'}: {done:,} steps in {time.process_time() - start:.1f} CPU-seconds")


@border
def write_whole(path: Path, content: bytes) -> None:
    """Write a file whole or not at all: beside it first, then in its place."""
    part = path.with_name(path.name + ".part")
    try:
        part.write_bytes(content)
        part.replace(path)
    finally:
        part.unlink(missing_ok=True)


# --- small helpers -------------------------------------------------------------------------------------------


def _everything(model: nn.Module) -> dict:
    return {"params": list(model.parameters())}


def _average_of(model: nn.Module, decay: float) -> AveragedModel:
    expect_number("ema_decay", decay, 0, 1, open_high=True)
    return AveragedModel(model, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()


def _expect_equal_shares(rows: int, processes: int) -> None:
    if rows % processes:
        raise ValueError(
            f"batches: expected a number of rows that {processes} processes can divide among them, got {rows}"
        )


def _again(batches: Iterable) -> Iterator:
    """Go through the batches again and again."""
    while True:
        batch = None
        for batch in batches:
            yield batch
        if batch is None:
            raise ValueError("batches: expected at least one batch a round, got none")


@contextlib.contextmanager
def interrupts() -> Iterator[list]:
    """Collect Ctrl-C in a list, so that a step is never cut in two; a second one stops at once."""
    asked: list[bool] = []

    def ask(*_) -> None:
        if asked:
            raise KeyboardInterrupt
        asked.append(True)

    in_main = threading.current_thread() is threading.main_thread()
    before = signal.signal(signal.SIGINT, ask) if in_main else None
    try:
        yield asked
    except KeyboardInterrupt:
        asked.append(True)
    finally:
        if in_main:
            signal.signal(signal.SIGINT, signal.SIG_DFL if before is None else before)


def _random_state() -> dict[str, Tensor]:
    state = {"cpu": torch.get_rng_state()}
    return state | ({"cuda": torch.cuda.get_rng_state()} if torch.cuda.is_initialized() else {})


def _set_random_state(state: dict[str, Tensor]) -> None:
    torch.set_rng_state(state["cpu"])
    if "cuda" in state and torch.cuda.is_available():
        torch.cuda.set_rng_state(state["cuda"])


def _named(prefix: str, tensors: dict[str, Tensor]) -> dict[str, Tensor]:
    return {f"{prefix}.{name}": value for name, value in tensors.items()}


def _under(prefix: str, state: dict) -> dict:
    start = f"{prefix}."
    return {name[len(start) :]: value for name, value in state.items() if name.startswith(start)}


def _read(path: Path) -> dict:
    """The state that a file holds.

    Raises:
        ValueError: it is missing or damaged.
    """
    try:
        with safetensors.safe_open(path, "pt") as file:
            about = json.loads((file.metadata() or {})["about"])
            about["id"], about["done"]  # the error says which is missing
            return {"about": about} | {name: file.get_tensor(name) for name in file.keys()}  # noqa: SIM118
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        raise ValueError(f"folder: expected {path} of a saved training, got {error!r}") from error
