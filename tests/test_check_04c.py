"""The checkers of notebook 04c: right answers pass in every form, every planted wrong one gets its own reason."""

import numpy as np
import torch
import torch.nn.functional as F
from checking import checker_tests

from genlib.check import ex04c


def shares(y_fake, y_real, classes):
    a, b = (torch.bincount(y, minlength=classes) / len(y) for y in (y_fake, y_real))
    return a - b


def distance_in_numpy(y_fake, y_real, classes):
    edges = np.arange(classes + 1) - 0.5
    a, b = (np.histogram(y.numpy(), edges, density=True)[0] for y in (y_fake, y_real))
    return np.maximum(a - b, 0).sum()  # what one has more is what the other has less


def distance_in_a_loop(y_fake, y_real, classes):
    fake, real = y_fake.tolist(), y_real.tolist()
    gaps = [abs(fake.count(k) / len(fake) - real.count(k) / len(real)) for k in range(classes)]
    return 0.5 * sum(gaps)


def short(y_fake, y_real, classes):
    a, b = torch.bincount(y_fake), torch.bincount(y_real)
    return (a / a.sum() - b / b.sum()).abs().sum() / 2


def slope(D, x, graph=True, reduce=torch.sum):
    x = x.detach().requires_grad_()
    return torch.autograd.grad(reduce(D(x)), x, create_graph=graph)[0].flatten(1)


def image_by_image(D, x):
    lengths = []
    for image in x:
        image = image[None].clone().requires_grad_()
        (g,) = torch.autograd.grad(D(image)[0], image, create_graph=True)
        lengths.append((g**2).sum())
    return lengths


def by_func(D, x):
    return torch.func.vmap(torch.func.grad(lambda image: D(image)))(x).flatten(1).norm(dim=1) ** 2


def half_detached(D, x):
    value = slope(D, x).square().sum(dim=1)
    return value.detach() + 0 * value


def broken_graph(D, x):
    value = slope(D, x).square().sum(dim=1)
    value.sum().backward()  # frees what the check's backward pass needs
    return value


def on_x_itself(D, x):
    x.requires_grad_()
    (g,) = torch.autograd.grad(D(x).sum(), x, create_graph=True)
    return g.square().flatten(1).sum(dim=1)


def smooth(real, fake, t=0.9):
    return t * F.softplus(-real) + (1 - t) * F.softplus(real) + F.softplus(fake)


def smooth_by_cross_entropy(real, fake, target=0.9):
    loss = F.binary_cross_entropy_with_logits
    on_real = loss(real, torch.full_like(real, target), reduction="none")
    return on_real + loss(fake, torch.zeros_like(fake), reduction="none")


def smooth_in_numpy(real, fake, target=0.9):
    real, fake = real.double().numpy(), fake.double().numpy()
    loss = np.logaddexp(0, real) - target * real  # softplus(-l) = softplus(l) - l
    loss += np.logaddexp(0, fake)
    return loss


def smooth_by_bce(real, fake, target=0.9):
    on_real = F.binary_cross_entropy(
        real.sigmoid(), torch.full_like(real, target), reduction="none"
    )
    return on_real + F.binary_cross_entropy(
        fake.sigmoid(), torch.zeros_like(fake), reduction="none"
    )


def naive(r, f, t=0.9, small=0.0):
    real, fake = r.sigmoid(), f.sigmoid()
    on_real = t * (real + small).log() + (1 - t) * (1 - real + small).log()
    return -(on_real + (1 - fake + small).log())


def two_sided(real, fake, t=0.9):
    return smooth(real, fake, t) - F.softplus(fake) + smooth(-fake, torch.full_like(fake, -1e9), t)


RIGHT = {
    1: lambda f, r, k: shares(f, r, k).abs().sum() / 2,
    2: lambda D, x: slope(D, x).square().sum(dim=1),
    3: smooth,
}
ALSO = {
    1: [distance_in_numpy, distance_in_a_loop],
    2: [image_by_image, by_func],
    3: [smooth_by_cross_entropy, smooth_in_numpy],
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
        (lambda f, r, k: shares(f, r, k).abs().max(), "largest difference"),
        (lambda f, r, k: shares(f, r, k).abs().mean() / 2, "half of the sum is asked"),
        (lambda f, r, k: shares(f, r, k).norm() / 2, "half of the Euclidean"),
        (lambda f, r, k: shares(f, r, k).square().sum(), "squared differences; the"),
        (lambda f, r, k: shares(f, r, k).square().sum() / 2, "squared differences; take"),
        (lambda f, r, k: 1 - shares(f, r, k).abs().sum() / 2, "in common"),
        (short, "minlength=classes"),
        (lambda f, r, k: 3 * shares(f, r, k).abs().sum(), "5 classes: expected 0.875"),
        (lambda f, r, k: shares(f, r, k), "expected one number"),
    ],
    2: [
        (lambda D, x: slope(D, x).square().sum(dim=1).mean(), "the mean comes later"),
        (lambda D, x: slope(D, x).square().sum(), "not the sum over the batch"),
        (lambda D, x: slope(D, x).norm(dim=1), "its square is asked"),
        (lambda D, x: slope(D, x).square().mean(dim=1), "do not average"),
        (lambda D, x: slope(D, x, reduce=torch.mean).square().sum(dim=1), "divides every slope"),
        (lambda D, x: slope(D, x).square().sum(dim=1) / 2, "no factor 1/2"),
        (lambda D, x: slope(D, x).sum(dim=1).square(), "the square of the sum"),
        (lambda D, x: slope(D, x).abs().sum(dim=1), "absolute values"),
        (lambda D, x: slope(D, x).view_as(x), "for each pixel"),
        (lambda D, x: slope(D, x).square().sum(dim=0), "expected shape (5,), got (64,)"),
        (
            lambda D, x: slope(D, x).square().sum(dim=1).detach().requires_grad_(),
            "no gradient reaches D's parameters",
        ),
        (half_detached, "gradient in D's parameters is wrong"),
        (lambda D, x: slope(D, x).square().sum(dim=1).detach(), "create_graph=True"),
        (lambda D, x: (slope(D, x).square().sum(dim=1), x.zero_())[0], "x was changed"),
        (lambda D, x: broken_graph(D, x.detach().clone()), "the backward pass fails"),
        (lambda D, x: D(x).square(), "not the squared length"),
        (lambda D, x: slope(D, x, graph=False).square().sum(dim=1), "create_graph=True"),
        (on_x_itself, "x was changed"),
    ],
    3: [
        (lambda r, f, t=0.9: smooth(r, f, t).mean(), "this is their mean"),
        (lambda r, f, t=0.9: F.softplus(-r) + F.softplus(f), "without smoothing"),
        (lambda r, f, t=0.9: t * F.softplus(-r) + F.softplus(f), "1 - target of the label"),
        (two_sided, "one-sided"),
        (lambda r, f, t=0.9: smooth(r, f), "use the argument"),
        (lambda r, f, t=0.9: smooth(r, f, 1 - t), "are swapped"),
        (lambda r, f, t=0.9: smooth(r, f, t) - F.softplus(f), "fakes is missing"),
        (lambda r, f, t=0.9: r - f, "this is not target"),
        (lambda r, f, t=0.9: smooth(r, f, t).sum(), "this is their sum"),
        (lambda r, f, t=0.9: smooth(-f, -r, t), "not that of fakes"),
        (lambda r, f, t=0.9: -smooth(r, f, t), "D's loss is positive"),
        (lambda r, f, t=0.9: smooth(r, f, t) / 2, "this is their mean"),
        (lambda r, f, t=0.9: smooth(r, -f, t), "D should say no"),
        (lambda r, f, t=0.9: smooth(r, f, t) - t * F.softplus(f), "its full weight"),
        (lambda r, f, t=0.9: -t * r.sigmoid() + f.sigmoid(), "takes logarithms"),
        (naive, "not finite"),
        (lambda r, f, t=0.9: naive(r, f, t, 1e-8), "the loss is lost"),
        (smooth_by_bce, "expected 100.0, got 10.0"),
        (lambda r, f, t=0.9: smooth(r.clamp(-30, 30), f.clamp(-30, 30), t), "the loss is lost"),
    ],
}
globals().update(checker_tests(ex04c, RIGHT, ALSO, WRONG, untouched=[2]))
