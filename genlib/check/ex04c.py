"""Checkers of notebook 04c, a GAN on digits."""

import torch
from torch.nn.functional import softplus

from genlib.check.verdict import (
    NotYet,
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(y_fake, y_real, classes): total variation of the class histograms."""
    for fake, real, classes in (
        ([0, 0, 0], [0, 1, 1, 2, 3, 3, 3, 3], 5),  # all fakes of one class; no example of class 4
        ([6, 1, 1, 0, 5], [2, 3, 4, 2], 7),  # nothing in common
        ([0, 1, 0, 1], [1, 0], 2),  # equal shares
    ):
        y_fake, y_real = torch.tensor(fake), torch.tensor(real)
        found = need_number(answer(y_fake, y_real, classes))
        counts = [torch.bincount(y, minlength=classes).double() for y in (y_fake, y_real)]
        a, b = (count / count.sum() for count in counts)
        right = (a - b).abs().sum() / 2
        short = torch.bincount(y_fake) / len(y_fake), torch.bincount(y_real) / len(y_real)
        wrong = {
            "take half of the sum, so that disjoint histograms have 1.": 2 * right,
            "these are counts; the sets differ in size, so compare shares.": (
                (counts[0] - counts[1]).abs().sum() / 2
            ),
            "sum over the classes, do not average.": (a - b).abs().mean(),
            "sum over the classes, do not average; half of the sum is asked.": (
                (a - b).abs().mean() / 2
            ),
            "without absolute values the differences cancel to 0.": right * 0,
            "this is the Euclidean distance of the shares; the absolute differences are asked.": (
                (a - b).norm()
            ),
            "this is half of the Euclidean distance of the shares; the absolute differences are asked.": (
                (a - b).norm() / 2
            ),
            "these are squared differences; the absolute ones are asked.": (a - b).square().sum(),
            "these are squared differences; take the absolute ones.": (a - b).square().sum() / 2,
            "this is the largest difference of one class; sum over the classes.": (a - b)
            .abs()
            .max(),
            "this is what the histograms have in common; the distance is 1 minus it.": 1 - right,
        }
        if len(short[0]) == 1:  # it is spread over the classes of the other histogram
            spread = (short[0] - short[1]).abs().sum() / 2
            need(
                not close(found, spread.item()),
                "one histogram has fewer entries than the other: torch.bincount needs minlength=classes.",
            )
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "{classes} classes: expected {right:.3f}, you returned {found:.3f}.",
            classes=classes,
            right=right.item(),
            found=found,
        )
    return praise("Half the summed difference of the shares.")


@exercise
def exercise_2(answer) -> str:
    """answer(D, x): |grad_x D|^2 for each image, (B,), with a graph to D's parameters."""
    rng = torch.Generator().manual_seed(0)
    with torch.enable_grad():
        for B, power in ((5, 2), (3, 1)):  # a curved D and, at power 1, a straight one
            weight = torch.randn(64, generator=rng).div(8).requires_grad_()

            def D(x, weight=weight, power=power):
                return (x.flatten(-3) @ weight + 0.3) ** power

            x = torch.rand(B, 1, 8, 8, generator=rng)
            before = x.clone()
            result = need_tensor(answer.without_copies(D, x))
            slope = (
                weight if power == 1 else 2 * (before.flatten(1) @ weight + 0.3)[:, None] * weight
            )
            right = slope.expand(B, 64).square().sum(dim=1)
            need(
                not (result.dim() == 0 and close(result, right.mean())),
                "one number for each image is asked, shape (B,); the mean comes later.",
            )
            need(
                not (result.dim() == 0 and close(result, right.sum())),
                "one number for each image is asked, shape (B,), not the sum over the batch.",
            )
            need(
                result.shape != before.shape,
                "these are numbers for each pixel; square them and sum over the pixels, shape (B,).",
            )
            result = need_tensor(result, (B,))
            wrong = {
                "this is the length of the slope; its square is asked.": right.sqrt(),
                "sum over the pixels, do not average.": right / 64,
                "take the gradient of the sum over the batch: the mean divides every slope by B.": (
                    right / B**2
                ),
                "no factor 1/2 here: it comes later, with gamma.": right / 2,
                "square each slope, then sum; this is the square of the sum.": (
                    slope.expand(B, 64).sum(dim=1).square()
                ),
                "these are sums of absolute values; square the slopes.": (
                    slope.expand(B, 64).abs().sum(dim=1)
                ),
            }
            need_none_of(result, wrong, right)
            need(close(result, right), "this is not the squared length of the gradient in x.")
            need(
                torch.equal(x, before) and not x.requires_grad,
                "x was changed: work on x.detach().clone().requires_grad_().",
            )
            need(
                result.requires_grad,
                "the number is right, but no gradient can pass: call autograd.grad with create_graph=True, "
                "and detach nothing after it.",
            )
            try:
                (reached,) = torch.autograd.grad(result.sum(), weight, allow_unused=True)
            except RuntimeError as error:
                raise NotYet(
                    "the number is right, but the backward pass fails: {error}", error=error
                ) from error
            (expected,) = torch.autograd.grad(right.sum(), weight)
            need(reached is not None, "no gradient reaches D's parameters.")
            need(
                close(reached, expected),
                "the number is right, but its gradient in D's parameters is wrong: detach nothing after "
                "autograd.grad.",
            )
    return praise("The squared slope of each image, and a backward pass goes through it.")


@exercise
def exercise_3(answer) -> str:
    """answer(real_logits, fake_logits, target): D's loss with one-sided label smoothing, (B,)."""
    rng = torch.Generator().manual_seed(0)
    for B, target in ((6, 0.8), (3, 0.9), (4, 1.0)):
        real, fake = 2 * torch.randn(2, B, generator=rng)
        found = need_tensor(answer(real, fake, target))
        on_fake, rest = softplus(fake), 1 - target
        on_real = target * softplus(-real) + rest * softplus(real)
        right = on_real + on_fake
        need(
            found.dim() > 0 or not close(found, right.mean()),
            "one loss for each pair is asked, shape (B,); this is their mean.",
        )
        need(
            found.dim() > 0 or not close(found, right.sum()),
            "one loss for each pair is asked, shape (B,); this is their sum.",
        )
        found = need_tensor(found, (B,))
        wrong = {
            "this is the loss without smoothing.": softplus(-real) + on_fake,
            "the other 1 - target of the label is missing: it asks for log(1 - D) on data.": (
                target * softplus(-real) + on_fake
            ),
            "one-sided: only the label of data is smoothed, that of fakes stays 0.": (
                on_real + target * on_fake + rest * softplus(-fake)
            ),
            "smooth the label of data, not that of fakes.": (
                softplus(-real) + target * on_fake + rest * softplus(-fake)
            ),
            "target and 1 - target are swapped.": (
                rest * softplus(-real) + target * softplus(real) + on_fake
            ),
            "this is right for target = 0.9; use the argument.": (
                0.9 * softplus(-real) + 0.1 * softplus(real) + on_fake
            ),
            "the loss on fakes is missing.": on_real,
            "this is the value, minus the loss: D's loss is positive.": -right,
            "add the two losses; this is their mean.": right / 2,
            "the label of fakes is 0: D should say no to them.": on_real + softplus(-fake),
            "the loss on fakes has its full weight; only the data's label has two parts.": (
                on_real + rest * on_fake
            ),
            "this is only D times the label; the cross-entropy takes logarithms.": (
                -target * real.sigmoid() + fake.sigmoid()
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "this is not target * (-log D) + (1 - target) * (-log(1 - D)) on data, plus the fakes.",
        )
    for sign in (1, -1):  # D is sure and right; D is sure and wrong
        real, fake = sign * torch.tensor([1000.0, 1000.0]), sign * torch.tensor([-1000.0, 0.5])
        found = need_tensor(answer(real, fake, 0.9), (2,))
        right = 0.9 * softplus(-real) + 0.1 * softplus(real) + softplus(fake)
        need(found.isfinite().all().item(), "not finite for logits of 1000; use softplus.")
        need(
            close(found, right),
            "for logits of {real:g} on data and {fake:g} on a fake expected {right:.1f}, got {found:.1f}: finite, but "
            "the loss is lost, and its gradient, to a small number added, a limit, or the -100 of BCELoss.",
            real=real[0].item(),
            fake=fake[0].item(),
            right=right[0].item(),
            found=found[0].item(),
        )
    return praise("D aims at a little less than certainty, on data only.")
