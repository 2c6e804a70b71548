"""The training loops: one for every model that has a `loss`, and one for the two players of a GAN."""

from collections.abc import Callable, Iterable, Iterator

import torch
from torch import Tensor, nn
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from genlib.gan import GAN
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
    average: AveragedModel | None = None,
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
        average: an average of the model's weights over the steps, made by `weight_average(model)`; kept up to date.
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
        if average:
            average.update_parameters(model)
        yield {name: value.item() for name, value in terms.items()}


def fit(
    model: nn.Module,
    loader: Iterable,
    steps: int,
    lr: float = 1e-3,
    *,
    weight_decay: float = 0.0,
    anneal: bool | float = False,
    average: AveragedModel | None = None,
    title: str | None = None,
) -> dict[str, list[float]]:
    """Train, switch to evaluation mode, and return the history: a list of `steps` numbers per term of the loss.

    The arguments are those of `train_steps`; with a `title` the progress is shown.
    """
    terms_of_each = train_steps(
        model, loader, steps, lr, weight_decay=weight_decay, anneal=anneal, average=average
    )
    return _history(model, terms_of_each, steps, title)


def _history(
    model: nn.Module, terms_of_each: Iterable[dict[str, float]], steps: int, title: str | None
) -> dict[str, list[float]]:
    """Take all steps, keep their terms, and switch the model to evaluation mode."""
    history: dict[str, list[float]] = {}
    for terms in progress(terms_of_each, title, total=steps) if title else terms_of_each:
        for name, value in terms.items():
            history.setdefault(name, []).append(value)
    model.eval()
    return history


# --- chapter 4: two players ----------------------------------------------------------------------------------


def gan_steps(
    gan: GAN,
    loader: Iterable,
    steps: int,
    lr: float = 1e-3,
    *,
    anneal: bool = False,
    noise: Callable[[float], float] | None = None,
    average: AveragedModel | None = None,
) -> Iterator[dict[str, float]]:
    """Let D and G take `steps` turns each, D first, and yield the terms of both losses of each turn as numbers.

    Algorithm 1 of Goodfellow et al. 2014 with k = 1, and Adam. Nothing happens until you iterate.

    Args:
        loader: gives batches (x, ...), of which x is used; gone through again when it ends.
        lr: learning rate of both players.
        anneal: whether it falls to 0 in a straight line.
        noise: standard deviation of the instance noise at each share of the training, in [0, 1).
        average: an average of G's weights over the steps, made by `weight_average(gan.G)`; kept up to date.
    """
    opt_D, opt_G = (
        torch.optim.Adam(net.parameters(), lr, betas=BETAS, fused=True) for net in (gan.D, gan.G)
    )
    falls = [
        torch.optim.lr_scheduler.LinearLR(optimizer, 1.0, 0.0, max(1, steps))
        for optimizer in (opt_D, opt_G)
    ]
    device = next(gan.parameters()).device
    gan.train()
    for step, (x, *_) in enumerate(cycle(loader, steps)):
        gan.noise = noise(step / steps) if noise else 0.0
        x, z_D, z_G = x.to(device), gan.prior(len(x)), gan.prior(len(x))
        d = descend(opt_D, gan.d_loss(x, z_D))  # D moves; the fakes in its loss are detached from G
        g = descend(opt_G, gan.g_loss(z_G))  # G moves; the new D only passes the gradient on
        if anneal:
            for fall in falls:
                fall.step()
        if average:
            average.update_parameters(gan.G)
        yield {"d_loss": d.pop("loss"), "g_loss": g.pop("loss")} | d | g


def fit_gan(
    gan: GAN,
    loader: Iterable,
    steps: int,
    lr: float = 1e-3,
    *,
    anneal: bool = False,
    noise: Callable[[float], float] | None = None,
    average: AveragedModel | None = None,
    title: str | None = None,
) -> dict[str, list[float]]:
    """Let both players take their turns, switch to evaluation mode, and return the history, a list per term.

    The arguments are those of `gan_steps`; with a `title` the progress is shown.
    """
    turns = gan_steps(gan, loader, steps, lr, anneal=anneal, noise=noise, average=average)
    return _history(gan, turns, steps, title)


def geometric(start: float, end: float, share: float = 0.8) -> Callable[[float], float]:
    """A schedule for `noise`: it falls from start to end by equal factors in equal times, and then stays.

    Args:
        start, end: standard deviations above 0.
        share: of the training, in (0, 1], at which the end is reached.
    """
    if not (start > 0 and end > 0 and 0 < share <= 1):
        raise ValueError(
            f"start, end, share: expected numbers above 0, share at most 1, got {start}, {end}, {share}"
        )
    return lambda t: start * (end / start) ** min(1.0, t / share)


def weight_average(net: nn.Module, decay: float) -> AveragedModel:
    """A copy of the network whose weights are an exponential moving average of its weights, in evaluation mode.

    After every step, `average.update_parameters(net)`: the average becomes decay * average + (1 - decay) * net.
    It remembers about 1 / (1 - decay) steps. Paper: Yazici et al. 2019.

    Args:
        decay: in [0, 1).
    """
    if not 0 <= decay < 1:
        raise ValueError(f"decay: expected a number in [0, 1), got {decay}")
    return AveragedModel(net, multi_avg_fn=get_ema_multi_avg_fn(decay)).eval()


BETAS = (0.0, 0.99)  # Adam without momentum: the other player has moved, so old directions mislead


def descend(optimizer: torch.optim.Optimizer, terms: dict[str, Tensor]) -> dict[str, float]:
    """One step on terms["loss"], for the parameters that the optimiser holds; returns the terms as numbers."""
    optimizer.zero_grad()
    terms["loss"].backward()
    optimizer.step()
    return {name: value.item() for name, value in terms.items()}


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
