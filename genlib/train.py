"""The training loop: one for every model that has a `loss`."""

from collections.abc import Iterable, Iterator

import torch
from torch import Tensor, nn

from genlib.run import progress


def batches(
    *tensors: Tensor, size: int = 100, rng: torch.Generator | None = None
) -> Iterator[tuple[Tensor, ...]]:
    """Endless minibatches of `size` rows, shuffled anew for every pass; rows that do not fill a batch wait a pass.

    Raises:
        ValueError: the tensors differ in length, or hold fewer than `size` rows.
    """
    n = len(tensors[0])
    if any(len(t) != n for t in tensors) or not 0 < size <= n:
        raise ValueError(
            f"tensors: expected equal lengths of at least {size}, got {[len(t) for t in tensors]}"
        )
    return _endless(tensors, size, rng)


def _endless(
    tensors: tuple[Tensor, ...], size: int, rng: torch.Generator | None
) -> Iterator[tuple[Tensor, ...]]:
    n, device = len(tensors[0]), rng.device if rng else "cpu"
    while True:
        order = torch.randperm(n, generator=rng, device=device).to(tensors[0].device)
        for rows in order[: n - n % size].split(size):
            yield tuple(t[rows] for t in tensors)


def train_steps(
    model: nn.Module,
    loader: Iterable,
    steps: int,
    lr: float = 1e-3,
    *,
    weight_decay: float = 0.0,
    anneal: bool | float = False,
) -> Iterator[dict[str, float]]:
    """Take `steps` optimiser steps and yield the terms of the loss of each one as numbers.

    A generator, so the caller owns the loop: print, plot, stop or save between two steps.
    Nothing happens until you iterate; `fit` iterates for you.

    Args:
        loader: gives batches (x, ...), the arguments of `model.loss`; gone through again when it ends.
        lr: learning rate of Adam.
        weight_decay: decoupled from the gradient, as in AdamW (Loshchilov & Hutter 2019).
        anneal: the last share of the steps in which the learning rate falls to 0 along half a cosine, in [0, 1];
            True is all of them.
    """
    if not 0 <= anneal <= 1:
        raise ValueError(f"anneal: expected a share in [0, 1], got {anneal}")
    optimizer = torch.optim.AdamW(model.parameters(), lr=lr, weight_decay=weight_decay, fused=True)
    falling = round(anneal * steps)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(1, falling))
    device = next(model.parameters()).device
    model.train()
    for step, batch in enumerate(cycle(loader, steps), start=1):
        terms = model.loss(*(part.to(device) for part in batch))
        optimizer.zero_grad()
        terms["loss"].backward()
        optimizer.step()
        if step > steps - falling:
            schedule.step()
        yield {name: value.item() for name, value in terms.items()}


def fit(
    model: nn.Module,
    loader: Iterable,
    steps: int,
    lr: float = 1e-3,
    *,
    weight_decay: float = 0.0,
    anneal: bool | float = False,
    title: str | None = None,
) -> dict[str, list[float]]:
    """Train, switch to evaluation mode, and return the history: a list of `steps` numbers per term of the loss.

    The arguments are those of `train_steps`; with a `title` the progress is shown.
    """
    history: dict[str, list[float]] = {}
    terms_of_each = train_steps(model, loader, steps, lr, weight_decay=weight_decay, anneal=anneal)
    for terms in progress(terms_of_each, title, total=steps) if title else terms_of_each:
        for name, value in terms.items():
            history.setdefault(name, []).append(value)
    model.eval()
    return history


def cycle(loader: Iterable, steps: int) -> Iterator:
    """Go round the loader until `steps` batches have been given.

    Raises:
        ValueError: a round gave no batch.
    """
    done = 0
    while done < steps:
        before = done
        for batch in loader:
            if done == steps:
                return
            yield batch
            done += 1
        if done == before:
            raise ValueError(
                f"loader: expected {steps} batches, got {done} (an iterator cannot be gone round twice)"
            )
