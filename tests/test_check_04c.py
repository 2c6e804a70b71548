"""The checkers of notebook 04c: the right answer passes, every planted wrong one gets its own reason."""

import torch
import torch.nn.functional as F
from checking import checker_tests

from genlib.check import ex04c


def shares(y_fake, y_real, classes):
    a, b = (torch.bincount(y, minlength=classes) / len(y) for y in (y_fake, y_real))
    return a - b


def slope(D, x, graph=True, reduce=torch.sum):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(reduce(D(x)), x, create_graph=graph)[0].flatten(1)


def on_x_itself(D, x):
    x.requires_grad_()
    (g,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return g.square().flatten(1).sum(dim=1)


def smooth(real, fake, t=0.9):
    return t * F.softplus(-real) + (1 - t) * F.softplus(real) + F.softplus(fake)


def two_sided(real, fake, t=0.9):
    return smooth(real, fake, t) - F.softplus(fake) + smooth(-fake, torch.full_like(fake, -1e9), t)


RIGHT = {
    1: lambda f, r, k: shares(f, r, k).abs().sum() / 2,
    2: lambda D, x: slope(D, x).square().sum(dim=1),
    3: smooth,
}
WRONG = {
    1: [
        (lambda f, r, k: shares(f, r, k).abs().sum(), "take half"),
        (
            lambda f, r, k: (
                (torch.bincount(f, minlength=k) - torch.bincount(r, minlength=k)).abs().sum() / 2
            ),
            "compare shares",
        ),
        (lambda f, r, k: shares(f, r, k).abs().mean(), "do not average"),
        (lambda f, r, k: shares(f, r, k).sum() / 2, "cancel to 0"),
        (lambda f, r, k: shares(f, r, k).norm(), "Euclidean"),
        (lambda f, r, k: shares(f, r, k).abs().max(), "you returned"),
        (lambda f, r, k: shares(f, r, k), "expected one number"),
    ],
    2: [
        (lambda D, x: slope(D, x).square().sum(dim=1).mean(), "the mean comes later"),
        (lambda D, x: slope(D, x).square().sum(), "not the sum over the batch"),
        (lambda D, x: slope(D, x).norm(dim=1), "its square is asked"),
        (lambda D, x: slope(D, x).square().mean(dim=1), "do not average"),
        (lambda D, x: slope(D, x, reduce=torch.mean).square().sum(dim=1), "divides every slope"),
        (lambda D, x: D(x).square(), "not the squared length"),
        (lambda D, x: slope(D, x, graph=False).square().sum(dim=1), "create_graph=True"),
        (on_x_itself, "x was changed"),
    ],
    3: [
        (lambda r, f, t=0.9: smooth(r, f, t).mean(), "one loss for each pair"),
        (lambda r, f, t=0.9: F.softplus(-r) + F.softplus(f), "without smoothing"),
        (lambda r, f, t=0.9: t * F.softplus(-r) + F.softplus(f), "1 - target of the label"),
        (two_sided, "one-sided"),
        (lambda r, f, t=0.9: smooth(r, f, 1 - t), "are swapped"),
        (lambda r, f, t=0.9: smooth(r, f, t) - F.softplus(f), "fakes is missing"),
        (lambda r, f, t=0.9: r - f, "this is not target"),
        (
            lambda r, f, t=0.9: (
                -(
                    t * r.sigmoid().log()
                    + (1 - t) * (1 - r.sigmoid()).log()
                    + (1 - f.sigmoid()).log()
                )
            ),
            "not finite",
        ),
    ],
}
test_right_answers_pass, test_wrong_answers_are_diagnosed, test_stubs_get_a_hint = checker_tests(
    ex04c, RIGHT, WRONG
)
