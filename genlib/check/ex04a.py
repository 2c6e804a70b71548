"""Checkers of notebook 04a, a GAN with one parameter."""

import math

import torch
from torch import Tensor, nn
from torch.nn.functional import softplus

from genlib.check.verdict import (
    NotYet,
    as_tensor,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
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
    for p, q, k in (
        ([-1.0, -2.0, -900.0, -0.3], [-2.0, -1.0, -950.0, -0.3], 3),
        ([-2000.0, 0.5, -1.5], [-1990.0, -3.0, -1.0], 10),
        ([-1.0, -4.0], [-3.0, -0.5], 1),
    ):
        log_p, log_q = torch.tensor(p), torch.tensor(q)
        logits = need_tensor(answer(log_p, log_q, k), (len(p),))
        plain, shift = log_p - log_q, math.log(k)
        right = plain - shift
        need(
            logits.isfinite().all().item(),
            "one of your logits is not finite. Far out both densities are 0 for a computer: stay with logarithms.",
        )
        wrong = {
            "these are probabilities; logits were asked.": right.sigmoid(),
            "this is the logarithm of the probability; the logit is log(D / (1 - D)).": (
                nn.functional.logsigmoid(right)
            ),
            "this is right for as many fakes as data. With k times as many, the odds of being real fall by k.": plain,
            "more fakes make 'real' less likely, not more.": plain + shift,
            "this is the log-odds of being fake; D speaks of being real.": -right,
            "the odds are divided by k, so log k is subtracted.": plain - k,
            "divide the odds by k before the logarithm is taken: log k is subtracted.": plain / k,
            "take the natural logarithm of k.": plain - math.log2(k),
        }
        need_none_of(logits, wrong, right)
        need(
            close(logits, right),
            "the log-odds are log p - log q, less something that depends on k.",
        )
    return praise("The log-ratio of the densities, shifted by the ratio of the numbers.")


@exercise
def exercise_3(answer) -> str:
    """answer(real_logits, fake_logits): V as one number."""
    rng = torch.Generator().manual_seed(0)
    for n in (50, 3):
        real, fake = 2 * torch.randn(2, n, generator=rng)
        found = need_number(answer(real, fake))
        log_d, log_not = -softplus(-real), -softplus(fake)
        right = log_d.mean() + log_not.mean()
        wrong = {
            "this is D's loss, minus the value.": -right,
            "take means, not sums.": log_d.sum() + log_not.sum(),
            "add the two means; this is their mean.": right / 2,
            "the second term is log(1 - D): being called fake is the right answer for a fake.": (
                log_d.mean() - softplus(-fake).mean()
            ),
            "the second term is subtracted; V is a sum.": log_d.mean() - log_not.mean(),
            "the mean comes after the logarithm: this is the logarithm of the mean probability.": (
                real.sigmoid().mean().log() + (-fake).sigmoid().mean().log()
            ),
            "the logarithms are missing.": real.sigmoid().mean() + (-fake).sigmoid().mean(),
            "the inputs are logits: D(x) is the sigmoid of them.": real.mean() + (-fake).mean(),
            "take natural logarithms.": right / math.log(2),
            "this is the part of the data; the fakes are missing.": log_d.mean(),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "for these logits V is {right:.3f}, you returned {found:.3f}.",
            right=right.item(),
            found=found,
        )
    for sign in (1, -1):  # D is wrong everywhere and sure; D is right everywhere and sure
        real = sign * torch.tensor([-1000.0, -1000.0, -1000.0, 2.0])
        found = need_number(answer(real, -real))
        right = -2 * softplus(-real).double().mean().item()
        need(
            math.isfinite(found),
            "for logits of 1000 your value is not finite: log(1 - sigmoid(l)) is log of 0. Use a stable form.",
        )
        need(
            close(found, right),
            "with logits of 1000 among them V is {right:.1f}, you returned {found:.1f}: finite, but the value is lost, "
            "and its gradient, to a small number added, a limit, or the -100 of BCELoss. Use a stable form.",
            right=right,
            found=found,
        )
    return praise("The value of the game, and it survives sure players.")


@exercise
def exercise_4(answer) -> str:
    """answer(theta, phi, eta, grad_theta, grad_phi, alternating): the pair after one step."""

    def grad_theta(theta, phi):
        return phi / 2 + theta / 10

    def grad_phi(theta, phi):
        return theta / 2 - phi / 2

    for theta, phi, eta in ((2.0, 0.5, 0.4), (-1.0, 1.7, 0.05)):

        def step(
            alternating, signs=(-1, 1), slopes=(grad_theta, grad_phi), turn=1, at=(theta, phi, eta)
        ):
            theta, phi, eta = at
            new_phi = phi + signs[1] * eta * slopes[1](*(theta, phi)[::turn])
            seen = new_phi if alternating else phi
            new_theta = theta + signs[0] * eta * slopes[0](*(theta, seen)[::turn])
            return torch.tensor([new_theta, new_phi])

        first = theta - eta * grad_theta(theta, phi)
        g_first = torch.tensor([first, phi + eta * grad_phi(first, phi)])
        for alternating in (False, True):
            result = need_two(
                answer(theta, phi, eta, grad_theta, grad_phi, alternating),
                "return the pair (theta, phi).",
            )
            found, right = torch.tensor([need_number(part) for part in result]), step(alternating)
            need(
                alternating or not close(found, step(True)),
                "simultaneous: G has to see the old phi.",
            )
            need(
                not (alternating and close(found, step(False))),
                "alternating: G has to see the new phi, after D has moved.",
            )
            need(
                not close(found, g_first),
                "alternating here means D first; you let G move first."
                if alternating
                else "simultaneous: D has to see the old theta.",
            )
            wrong = {
                "the order of the pair is (theta, phi).": right.flip(0),
                "D climbs: phi goes up the slope of V.": step(alternating, (-1, -1)),
                "G descends: theta goes down the slope of V.": step(alternating, (1, 1)),
                "both signs are turned: D climbs V, and G descends.": step(alternating, (1, -1)),
                "the step size eta is missing.": step(alternating, at=(theta, phi, 1.0)),
                "the two slopes are swapped: theta moves by grad_theta, phi by grad_phi.": (
                    step(alternating, slopes=(grad_phi, grad_theta))
                ),
                "both slopes take theta first, then phi.": step(alternating, turn=-1),
                "these are the changes alone; add them to theta and phi.": (
                    right - torch.tensor([theta, phi])
                ),
            }
            need_none_of(found, wrong)
            need(
                close(found, right),
                "the alternating step is not right."
                if alternating
                else "the simultaneous step is not right.",
            )
    return praise("Both orders, each as asked.")


class _Curved(nn.Module):
    """Logits w x + c x[0]^2 of points (n, 2): the slope differs from point to point."""

    def __init__(self, w: list[float], c: float):
        super().__init__()
        self.w, self.c = nn.Parameter(torch.tensor(w)), nn.Parameter(torch.tensor(c))

    def forward(self, x: Tensor) -> Tensor:
        return x @ self.w + self.c * x[..., 0] ** 2


@exercise
def exercise_5(answer) -> str:
    """answer(D, x, gamma): gamma / 2 times the mean of |grad_x D|^2, differentiable in D's parameters."""
    rng = torch.Generator().manual_seed(0)
    for n, gamma, w, c in ((6, 3.0, [1.5, -0.5], 0.7), (3, 0.2, [0.4, 2.0], -1.1)):
        D, x = _Curved(w, c), torch.randn(n, 2, generator=rng)
        value = answer(D, x, gamma)
        need_answer(value)
        value = as_tensor(value, "expected one number, got {kind}.")
        many = value.numel()
        need(
            many == 1,
            "expected one number, the mean over the points; got {many} of them.",
            many=many,
        )
        value = value.reshape(())
        slope = torch.stack([D.w[0] + 2 * D.c * x[:, 0], D.w[1].expand(n)], dim=1)  # by hand
        squared, p = slope.square().sum(dim=1), D(x).sigmoid()[:, None]
        right = gamma / 2 * squared.mean()
        of_weights = (1 + x[:, 0] ** 2) * x[:, 0] ** 2 + x[:, 1] ** 2  # |d logit / d (w, c)|^2
        wrong = {
            "the 1/2 is missing.": 2 * right,
            "gamma is missing.": right / gamma,
            "gamma and the 1/2 are missing.": squared.mean(),
            "you averaged over the coordinates, too: |grad|^2 is their sum.": right / 2,
            "the sign: a penalty is positive, D's loss grows by it.": -right,
            "this is the sum over the points; take their mean.": gamma / 2 * squared.sum(),
            "this is the length of the gradient; its square is asked.": (
                gamma / 2 * squared.sqrt().mean()
            ),
            "you averaged the gradients and squared then. Square first: slopes of opposite sign must not cancel.": (
                gamma / 2 * slope.mean(dim=0).square().sum()
            ),
            "you differentiated the mean of the logits, so every gradient is n times too small. Take their sum.": (
                right / n**2
            ),
            "this is the slope of the probability; R1 takes that of the logit.": (
                gamma / 2 * (p * (1 - p) * slope).square().sum(dim=1).mean()
            ),
            "this is the gradient in D's parameters; R1 takes the one in x.": (
                gamma / 2 * of_weights.mean()
            ),
            "this pulls the length of the gradient to 1, as in WGAN-GP; R1 pulls it to 0.": (
                gamma / 2 * (squared.sqrt() - 1).square().mean()
            ),
        }
        need_none_of(value, wrong, right)
        need(
            close(value, right),
            "expected {right:.3f} for the check's D, got {found:.3f}.",
            right=right.item(),
            found=value.item(),
        )
        need(
            value.requires_grad,
            "right number, but no gradient can pass through it: create_graph=True, and no item or detach.",
        )
        try:
            reached = torch.autograd.grad(value, (D.w, D.c), allow_unused=True)
        except RuntimeError as error:
            raise NotYet(
                "right number, but the backward pass fails: {error}", error=error
            ) from error
        for part, expected in zip(reached, torch.autograd.grad(right, (D.w, D.c)), strict=True):
            need(
                part is not None and close(part, expected),
                "right number, but its gradient in D's parameters is wrong: nothing may be detached on the way.",
            )
    return praise(
        "A slope that can itself be differentiated: D pays for being steep where the data are."
    )
