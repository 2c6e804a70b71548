"""Checkers of notebook 04a, a GAN with one parameter."""

import math

import torch
from torch import Tensor, nn

from genlib.check.verdict import (
    close,
    exercise,
    need,
    need_answer,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(): the eta that minimises sqrt(1 - eta / 2 + eta^2 / 4)."""
    found = need_number(answer())

    def factor(eta: float) -> float:
        return math.sqrt(1 - eta / 2 + eta**2 / 4)

    need(found > 0, "a step size is a number above 0, got {found:g}.", found=found)
    need(
        abs(found - 2) > 0.01,
        "at 2 the factor is 1 again: here simultaneous steps stop converging. (Or a factor of 2 got lost: "
        "the derivative of eta^2 / 4 is eta / 2.)",
    )
    need(
        min(abs(found - 0.75), abs(found - math.sqrt(0.75))) > 0.006,
        "this looks like the smallest factor, or its square; return the step size that has it.",
    )
    need(
        abs(found - math.sqrt(20) + 2) > 0.01,
        "this is the limit of the alternating steps; the fastest simultaneous step is asked.",
    )
    need(
        abs(found - 1) < 0.02,
        "at {found:g} the factor is {factor:.3f}, and it falls when eta gets larger."
        if found < 1
        else "at {found:g} the factor is {factor:.3f}, and it falls when eta gets smaller.",
        found=found,
        factor=factor(found),
    )
    return praise("Half of the step size at which they stop converging.")


@exercise
def exercise_2(answer) -> str:
    """answer(log_p, log_q, k): logits of the best D with k fakes for each data point, (n,)."""
    log_p, log_q = (
        torch.tensor([-1.0, -2.0, -900.0, -0.3]),
        torch.tensor([-2.0, -1.0, -950.0, -0.3]),
    )
    k = 3
    logits = need_tensor(answer(log_p, log_q, k), (4,)).double()
    right = (log_p - log_q - math.log(k)).double()
    need(
        logits.isfinite().all().item(),
        "one of your logits is not finite. Far out both densities are 0 for a computer: stay with logarithms.",
    )
    need(not close(logits, right.sigmoid()), "these are probabilities; logits were asked.")
    need(
        not close(logits, right + math.log(k)),
        "this is right for as many fakes as data. With k times as many, the odds of being real fall by k.",
    )
    need(
        not close(logits, right + 2 * math.log(k)), "more fakes make 'real' less likely, not more."
    )
    need(not close(logits, -right), "this is the log-odds of being fake; D speaks of being real.")
    need(
        not close(logits, right + math.log(k) - k),
        "the odds are divided by k, so log k is subtracted.",
    )
    need(close(logits, right), "the log-odds are log p - log q, less something that depends on k.")
    return praise("The log-ratio of the densities, shifted by the ratio of the numbers.")


@exercise
def exercise_3(answer) -> str:
    """answer(real_logits, fake_logits): V as one number."""
    rng = torch.Generator().manual_seed(0)
    real, fake = torch.randn(2, 50, generator=rng) * 2
    found = need_number(answer(real, fake))
    log_d, log_not = -torch.nn.functional.softplus(-real), -torch.nn.functional.softplus(fake)
    right = (log_d.mean() + log_not.mean()).item()
    need(not close(found, -right), "this is D's loss, minus the value.")
    need(not close(found, (log_d.sum() + log_not.sum()).item()), "take means, not sums.")
    need(not close(found, right / 2), "add the two means; this is their mean.")
    wrong = -torch.nn.functional.softplus(-fake).mean().item()
    need(
        not close(found, log_d.mean().item() + wrong),
        "the second term is log(1 - D): being called fake is the right answer for a fake.",
    )
    need(
        close(found, right),
        "for these logits V is {right:.3f}, you returned {found:.3f}.",
        right=right,
        found=found,
    )
    far = need_number(answer(torch.full((3,), -1000.0), torch.full((3,), 1000.0)))
    need(
        math.isfinite(far),
        "for logits of 1000 your value is not finite: log(1 - sigmoid(l)) is log of 0. Use a stable form.",
    )
    return praise("The value of the game, and it survives sure players.")


@exercise
def exercise_4(answer) -> str:
    """answer(theta, phi, eta, grad_theta, grad_phi, alternating): the pair after one step."""

    def grad_theta(theta, phi):
        return phi / 2 + theta / 10

    def grad_phi(theta, phi):
        return theta / 2 - phi / 2

    def run(alternating):
        result = answer(2.0, 0.5, 0.4, grad_theta, grad_phi, alternating)
        need_answer(result)
        need(
            isinstance(result, (tuple, list)) and len(result) == 2,
            "return the pair (theta, phi).",
        )
        return tuple(need_number(part) for part in result)

    def step(alternating, way_theta=-1, way_phi=1):
        new_phi = 0.5 + way_phi * 0.4 * grad_phi(2.0, 0.5)
        seen = new_phi if alternating else 0.5
        return 2.0 + way_theta * 0.4 * grad_theta(2.0, seen), new_phi

    for alternating in (False, True):
        found = run(alternating)
        need(not close(found, step(alternating)[::-1]), "the order of the pair is (theta, phi).")
        need(
            not close(found, step(alternating, way_phi=-1)), "D climbs: phi goes up the slope of V."
        )
        need(
            not close(found, step(alternating, way_theta=1)),
            "G descends: theta goes down the slope of V.",
        )
    need(
        not close(run(True), step(False)),
        "alternating: G has to see the new phi, after D has moved.",
    )
    need(
        not close(run(False), step(True)),
        "simultaneous: G has to see the old phi.",
    )
    first = 2.0 - 0.4 * grad_theta(2.0, 0.5)
    g_first = (first, 0.5 + 0.4 * grad_phi(first, 0.5))
    need(not close(run(True), g_first), "alternating here means D first; you let G move first.")
    need(close(run(True), step(True)), "the alternating step is not right.")
    need(close(run(False), step(False)), "the simultaneous step is not right.")
    return praise("Both orders, each as asked.")


class _Curved(nn.Module):
    """Logits w x + c x[0]^2 of points (n, 2): the slope differs from point to point."""

    def __init__(self):
        super().__init__()
        self.w, self.c = nn.Parameter(torch.tensor([1.5, -0.5])), nn.Parameter(torch.tensor(0.7))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w + self.c * x[:, 0] ** 2


@exercise
def exercise_5(answer) -> str:
    """answer(D, x, gamma): gamma / 2 times the mean of |grad_x D|^2, differentiable in D's parameters."""
    D, gamma = _Curved(), 3.0
    x = torch.randn(6, 2, generator=torch.Generator().manual_seed(0))
    value = answer(D, x.clone(), gamma)
    need_answer(value)
    many = torch.as_tensor(value).numel()
    need(many == 1, "expected one number, the mean over the points; got {many} of them.", many=many)
    found = need_number(value)
    slope = torch.stack([D.w[0] + 2 * D.c * x[:, 0], D.w[1].expand(6)], dim=1)  # by hand
    squared = slope.square().sum(dim=1)
    right = gamma / 2 * squared.mean()
    need(not close(found, 2 * right.item()), "the 1/2 is missing.")
    need(not close(found, right.item() / gamma), "gamma is missing.")
    need(
        not close(found, right.item() / 2),
        "you averaged over the coordinates, too: |grad|^2 is their sum.",
    )
    need(not close(found, -right.item()), "the sign: a penalty is positive, D's loss grows by it.")
    need(
        not close(found, gamma / 2 * squared.sum().item()),
        "this is the sum over the points; take their mean.",
    )
    need(
        not close(found, gamma / 2 * squared.sqrt().mean().item()),
        "this is the length of the gradient; its square is asked.",
    )
    need(
        not close(found, gamma / 2 * slope.mean(dim=0).square().sum().item()),
        "you averaged the gradients and squared then. Square first: slopes of opposite sign must not cancel.",
    )
    need(
        not close(found, right.item() / 36),
        "you differentiated the mean of the logits, so every gradient is n times too small. Take their sum.",
    )
    p = D(x).sigmoid()[:, None]
    of_p = gamma / 2 * (p * (1 - p) * slope).square().sum(dim=1).mean().item()
    need(
        not close(found, of_p), "this is the slope of the probability; R1 takes that of the logit."
    )
    of_weights = (1 + x[:, 0] ** 2) * x[:, 0] ** 2 + x[:, 1] ** 2  # |d logit / d (w, c)|^2
    need(
        not close(found, gamma / 2 * of_weights.mean().item()),
        "this is the gradient in D's parameters; R1 takes the one in x.",
    )
    need(
        close(found, right.item()),
        "expected {right:.3f} for the check's D, got {found:.3f}.",
        right=right.item(),
        found=found,
    )
    need(
        isinstance(value, Tensor) and value.requires_grad,
        "right number, but no gradient can pass through it: create_graph=True, and no item or detach.",
    )
    reached = torch.autograd.grad(value, (D.w, D.c), allow_unused=True)
    for part, expected in zip(reached, torch.autograd.grad(right, (D.w, D.c)), strict=True):
        need(
            part is not None and close(part, expected),
            "right number, but its gradient in D's parameters is wrong: nothing may be detached on the way.",
        )
    return praise(
        "A slope that can itself be differentiated: D pays for being steep where the data are."
    )
