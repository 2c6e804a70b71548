"""The checkers of notebook 04a: right answers pass in every form, every planted wrong one gets its own reason."""

import math

import numpy as np
import scipy.optimize
import torch
from checking import checker_tests
from torch.nn.functional import binary_cross_entropy, binary_cross_entropy_with_logits, logsigmoid

from genlib.check import ex04a


def step(theta, phi, eta, grad_theta, grad_phi, alternating):
    new_phi = phi + eta * grad_phi(theta, phi)
    return theta - eta * grad_theta(theta, new_phi if alternating else phi), new_phi


def g_first(theta, phi, eta, grad_theta, grad_phi, alternating):
    if not alternating:
        return step(theta, phi, eta, grad_theta, grad_phi, False)
    theta = theta - eta * grad_theta(theta, phi)
    return theta, phi + eta * grad_phi(theta, phi)


def fastest_by_search():
    found = scipy.optimize.minimize_scalar(
        lambda eta: abs(np.linalg.eigvals([[1, -eta / 2], [eta / 2, 1 - eta / 2]])[0]),
        bounds=(0, 3),
        method="bounded",
    )
    return found.x


def logits_through_logs_of_D(log_p, log_q, k):
    log_q += np.log(k)
    total = torch.logaddexp(log_p, log_q)
    return (log_p - total) - (log_q - total)


def logits_in_a_loop(log_p, log_q, k):
    return [p - (q + math.log(k)) for p, q in zip(log_p.tolist(), log_q.tolist(), strict=True)]


def value_by_logaddexp(real, fake):
    real, fake = real.double().numpy(), fake.double().numpy()
    return -np.logaddexp(0, -real).mean() - np.logaddexp(0, fake).mean()


def value_by_cross_entropy(real, fake):
    loss = binary_cross_entropy_with_logits
    return -(loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake)))


def value_by_bce(real, fake):
    real, fake = real.sigmoid(), fake.sigmoid()
    loss = binary_cross_entropy
    return -(loss(real, torch.ones_like(real)) + loss(fake, torch.zeros_like(fake)))


def naive(real, fake, small=0.0):
    return ((real.sigmoid() + small).log() + (1 - fake.sigmoid() + small).log()).mean()


def step_in_matrices(theta, phi, eta, grad_theta, grad_phi, alternating):
    state = np.array([theta, phi])
    state[1] += eta * grad_phi(*state)
    state[0] -= eta * grad_theta(theta, state[1] if alternating else phi)
    return state


def step_of_tensors(theta, phi, eta, grad_theta, grad_phi, alternating):
    theta, phi = torch.tensor(theta), torch.tensor(phi)
    change = -eta * grad_theta(theta, phi + alternating * eta * grad_phi(theta, phi))
    return torch.stack([theta + change, phi + eta * grad_phi(theta, phi)])


def wrong_step(up=1, down=-1, swap=False, turn=1):
    """A step with signs, functions or arguments exchanged."""

    def answer(theta, phi, eta, grad_theta, grad_phi, alternating):
        if swap:
            grad_theta, grad_phi = grad_phi, grad_theta
        new = phi + up * eta * grad_phi(*(theta, phi)[::turn])
        return theta + down * eta * grad_theta(*(theta, new if alternating else phi)[::turn]), new

    return answer


def d_after_g(theta, phi, eta, grad_theta, grad_phi, alternating):
    new = theta - eta * grad_theta(theta, phi)
    return new, phi + eta * grad_phi(new, phi)


def changes(theta, phi, *rest):
    new = step(theta, phi, *rest)
    return new[0] - theta, new[1] - phi


def r1_by_func(D, x, gamma):
    slope = torch.func.vmap(torch.func.grad(lambda point: D(point)))(x)
    return gamma * slope.pow(2).sum() / (2 * len(x))


def r1_point_by_point(D, x, gamma):
    total = 0.0
    for point in x:
        point = point[None].clone().requires_grad_()
        (slope,) = torch.autograd.grad(D(point)[0], point, create_graph=True)
        total = total + slope.norm() ** 2
    return [gamma * total / 2 / len(x)]


def r1(
    reduce=lambda slope, gamma: gamma / 2 * slope.square().sum(dim=1).mean(),
    of=torch.sum,
    graph=True,
):
    """A solution of exercise 5 with parts exchanged."""

    def penalty(D, x, gamma):
        x = x.requires_grad_()
        (slope,) = torch.autograd.grad(of(D(x)), x, create_graph=graph)
        return reduce(slope, gamma)

    return penalty


def r1_in_the_parameters(D, x, gamma):
    slopes = [
        torch.autograd.grad(logit, tuple(D.parameters()), retain_graph=True) for logit in D(x)
    ]
    return gamma / 2 * sum(part.square().sum() for slope in slopes for part in slope) / len(x)


def r1_broken_graph(D, x, gamma):
    value = r1()(D, x, gamma)
    value.backward()  # frees what the check's backward pass needs
    return value


def r1_half_detached(D, x, gamma):
    value = r1()(D, x, gamma)
    return value.detach() + 0 * D.w.sum()


RIGHT = {
    1: lambda: 1.0,
    2: lambda log_p, log_q, k: log_p - log_q - math.log(k),
    3: lambda real, fake: logsigmoid(real).mean() + logsigmoid(-fake).mean(),
    4: step,
    5: r1(),
}
ALSO = {
    1: [fastest_by_search, lambda: np.array([1.0]), lambda: torch.tensor([1])],
    2: [logits_through_logs_of_D, logits_in_a_loop],
    3: [value_by_logaddexp, value_by_cross_entropy],
    4: [step_in_matrices, step_of_tensors],
    5: [r1_by_func, r1_point_by_point],
}
WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda: 2, "stop converging"),
        (lambda: 0, "above 0, got 0"),
        (lambda: -1, "above 0, got -1"),
        (lambda: 0.75**0.5, "the smallest factor"),
        (lambda: 0.75, "the smallest factor"),
        (lambda: 20**0.5 - 2, "the limit of the alternating steps"),
        (lambda: 0.5, "gets larger"),
        (lambda: 1.4, "gets smaller"),
        (lambda: "a", "expected one number"),
        (lambda: math.nan, "above 0, got nan"),
        (lambda: (1.0, 0.866), "got 2 of them"),
    ],
    2: [
        (lambda p, q, k: (p.exp() / (k * q.exp())).log(), "not finite"),
        (lambda p, q, k: (p - q - math.log(k)).sigmoid(), "these are probabilities"),
        (lambda p, q, k: p - q, "as many fakes as data"),
        (lambda p, q, k: p - q + math.log(k), "less likely, not more"),
        (lambda p, q, k: q - p + math.log(k), "log-odds of being fake"),
        (lambda p, q, k: p - q - k, "log k is subtracted"),
        (lambda p, q, k: (p - q) / k, "before the logarithm"),
        (lambda p, q, k: p - q - math.log2(k), "natural logarithm"),
        (lambda p, q, k: logsigmoid(p - q - math.log(k)), "logarithm of the probability"),
        (lambda p, q, k: p - 2 * q, "less something that depends on k"),
        (lambda p, q, k: (p - q)[:2], "expected shape (4,)"),
    ],
    3: [
        (lambda r, f: -logsigmoid(r).mean() - logsigmoid(-f).mean(), "D's loss"),
        (lambda r, f: (logsigmoid(r) + logsigmoid(-f)).sum(), "means, not sums"),
        (lambda r, f: (logsigmoid(r).mean() + logsigmoid(-f).mean()) / 2, "their mean"),
        (lambda r, f: logsigmoid(r).mean() + logsigmoid(f).mean(), "log(1 - D)"),
        (lambda r, f: r.mean() - f.mean(), "the inputs are logits"),
        (lambda r, f: 3 * logsigmoid(r).mean(), "for these logits V is"),
        (lambda r, f: logsigmoid(r).mean() - logsigmoid(-f).mean(), "is subtracted"),
        (lambda r, f: r.sigmoid().mean().log() + (-f).sigmoid().mean().log(), "after the log"),
        (lambda r, f: r.sigmoid().mean() + (1 - f.sigmoid()).mean(), "logarithms are missing"),
        (lambda r, f: (logsigmoid(r) + logsigmoid(-f)).mean() / math.log(2), "natural"),
        (lambda r, f: logsigmoid(r).mean(), "fakes are missing"),
        (naive, "not finite"),
        (lambda r, f: naive(r, f, 1e-8), "the value is lost"),
        (value_by_bce, "the value is lost"),
        (lambda r, f: naive(r.clamp(-20, 20), f.clamp(-15, 15)), "the value is lost"),
        (lambda r, f: torch.nan_to_num(naive(r, f), neginf=0), "the value is lost"),
        (lambda r, f: logsigmoid(r) + logsigmoid(-f), "expected one number, got 50"),
    ],
    4: [
        (lambda *a: step(*a)[::-1], "order of the pair"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, lambda *x: -gp(*x), alt), "D climbs"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, lambda *x: -gt(*x), gp, alt), "G descends"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, gp, False), "see the new phi"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, gp, True), "see the old phi"),
        (g_first, "let G move first"),
        (d_after_g, "see the old theta"),
        (wrong_step(up=-1, down=1), "both signs"),
        (wrong_step(swap=True), "two slopes are swapped"),
        (wrong_step(turn=-1), "theta first"),
        (lambda t, p, e, gt, gp, alt: step(t, p, 1.0, gt, gp, alt), "eta is missing"),
        (changes, "changes alone"),
        (lambda t, p, e, gt, gp, alt: step(t, p, 2 * e, gt, gp, alt), "step is not right"),
        (lambda *a: 3.0, "return the pair"),
        (lambda *a: torch.tensor(3.0), "return the pair"),
    ],
    5: [
        (r1(lambda slope, gamma: gamma * slope.square().sum(dim=1).mean()), "1/2 is missing"),
        (r1(lambda slope, gamma: slope.square().sum(dim=1).mean() / 2), "gamma is missing"),
        (r1(lambda slope, gamma: gamma / 2 * slope.square().mean()), "over the coordinates"),
        (r1(lambda slope, gamma: slope.square().sum(dim=1).mean()), "and the 1/2 are missing"),
        (r1(lambda slope, gamma: gamma / 2 * (slope.norm(dim=1) - 1).pow(2).mean()), "WGAN-GP"),
        (lambda *given: -r1()(*given), "the sign"),
        (r1(lambda slope, gamma: gamma / 2 * slope.square().sum()), "the sum over the points"),
        (
            r1(lambda slope, gamma: gamma / 2 * slope.norm(dim=1).mean()),
            "the length of the gradient",
        ),
        (r1(lambda slope, gamma: gamma / 2 * slope.mean(dim=0).square().sum()), "Square first"),
        (r1(of=torch.mean), "n times too small"),
        (r1(of=lambda logits: logits.sigmoid().sum()), "the slope of the probability"),
        (r1_in_the_parameters, "the gradient in D's parameters; R1"),
        (r1(lambda slope, gamma: gamma / 2 * slope.square().sum(dim=1)), "6 of them"),
        (r1(lambda slope, gamma: 7.0), "got 7.000"),
        (r1(graph=False), "create_graph=True"),
        (lambda *given: r1()(*given).item(), "create_graph=True"),
        (r1_broken_graph, "the backward pass fails"),
        (r1_half_detached, "its gradient in D's parameters is wrong"),
    ],
}


globals().update(checker_tests(ex04a, RIGHT, ALSO, WRONG, one_size=[4]))
