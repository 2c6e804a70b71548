"""Checkers of notebook 04c, a GAN on digits."""

import torch
import torch.nn.functional as F
from torch import nn

from genlib.check.verdict import close, exercise, need, need_number, need_tensor, praise


@exercise
def exercise_1(answer) -> str:
    """answer(y_fake, y_real, classes): total variation of the class histograms."""
    y_fake, y_real = torch.tensor([0, 0, 1, 1]), torch.tensor([0, 1, 1, 2, 3, 3, 3, 3])
    found = need_number(answer(y_fake, y_real, 5))
    share = [torch.bincount(y, minlength=5) / len(y) for y in (y_fake, y_real)]
    counts = [torch.bincount(y, minlength=5).double() for y in (y_fake, y_real)]
    right = (share[0] - share[1]).abs().sum().item() / 2
    need(not close(found, 2 * right), "take half of the sum, so that disjoint histograms have 1.")
    need(
        not close(found, (counts[0] - counts[1]).abs().sum().item() / 2),
        "these are counts; the sets differ in size, so compare shares.",
    )
    need(not close(found, 2 * right / 5), "sum over the classes, do not average.")
    need(
        not close(found, (share[0] - share[1]).sum().item() / 2),
        "without absolute values the differences cancel to 0.",
    )
    need(
        not close(found, (share[0] - share[1]).square().sum().sqrt().item()),
        "this is the Euclidean distance of the shares; the absolute differences are asked.",
    )
    need(
        close(found, right),
        "expected {right:.3f}, you returned {found:.3f}.",
        right=right,
        found=found,
    )
    return praise("Half the summed difference of the shares.")


@exercise
def exercise_2(answer) -> str:
    """answer(D, x): |grad_x D|^2 for each image, (B,), with a graph to D's parameters."""
    torch.manual_seed(0)
    with torch.enable_grad():
        layer = nn.Linear(64, 1)

        def D(x):
            return layer(x.flatten(1)).squeeze(1).square()

        x = torch.rand(5, 1, 8, 8)
        before = x.clone()
        result = need_tensor(answer(D, x), None)
        want_x = x.clone().requires_grad_()
        (slope,) = torch.autograd.grad(D(want_x).sum(), want_x, create_graph=True)
        right = slope.square().flatten(1).sum(dim=1)
        need(
            not (result.dim() == 0 and close(result, right.mean())),
            "one number for each image is asked, shape (B,); the mean comes later.",
        )
        need(
            not (result.dim() == 0 and close(result, right.sum())),
            "one number for each image is asked, shape (B,), not the sum over the batch.",
        )
        result = need_tensor(result, (5,))
        need(
            not close(result, right.sqrt()), "this is the length of the slope; its square is asked."
        )
        need(not close(result, right / 64), "sum over the pixels, do not average.")
        need(
            not close(result, right / 25),
            "take the gradient of the sum over the batch: the mean divides every slope by B.",
        )
        need(close(result, right), "this is not the squared length of the gradient in x.")
        need(
            result.requires_grad,
            "the number is right, but no gradient can pass: call autograd.grad with create_graph=True.",
        )
        (of_weight,) = torch.autograd.grad(result.sum(), layer.weight, allow_unused=True)
        need(of_weight is not None, "no gradient reaches D's parameters.")
        need(
            torch.equal(x, before) and not x.requires_grad,
            "x was changed: work on x.detach().requires_grad_().",
        )
    return praise("The squared slope of each image, and a backward pass goes through it.")


@exercise
def exercise_3(answer) -> str:
    """answer(real_logits, fake_logits, target): D's loss with one-sided label smoothing, (B,)."""
    rng = torch.Generator().manual_seed(0)
    real, fake = 2 * torch.randn(2, 6, generator=rng)
    found = need_tensor(answer(real, fake, 0.8))
    plus, minus = F.softplus(-real), F.softplus(real)
    on_fake = F.softplus(fake)
    right = 0.8 * plus + 0.2 * minus + on_fake
    need(
        not (found.dim() == 0 and close(found, right.mean())),
        "one loss for each pair is asked, shape (B,).",
    )
    found = need_tensor(found, (6,))
    need(not close(found, plus + on_fake), "this is the loss without smoothing.")
    need(
        not close(found, 0.8 * plus + on_fake),
        "the other 1 - target of the label is missing: it asks for log(1 - D) on data.",
    )
    need(
        not close(found, right - on_fake + 0.8 * on_fake + 0.2 * F.softplus(-fake)),
        "one-sided: only the label of data is smoothed, that of fakes stays 0.",
    )
    need(not close(found, 0.2 * plus + 0.8 * minus + on_fake), "target and 1 - target are swapped.")
    need(not close(found, right - on_fake), "the loss on fakes is missing.")
    need(
        close(found, right),
        "this is not target * (-log D) + (1 - target) * (-log(1 - D)) on data, plus the fakes.",
    )
    far = need_tensor(answer(torch.full((6,), 1000.0), torch.full((6,), -1000.0), 0.9))
    need(far.isfinite().all().item(), "not finite for logits of 1000; use softplus.")
    return praise("D aims at a little less than certainty, on data only.")
