"""The checkers of notebook 04a: the right answer passes, every planted wrong one gets its own reason."""

import math

import torch
from checking import checker_tests
from torch.nn.functional import logsigmoid

from genlib.check import ex04a


def step(theta, phi, eta, grad_theta, grad_phi, alternating):
    new_phi = phi + eta * grad_phi(theta, phi)
    return theta - eta * grad_theta(theta, new_phi if alternating else phi), new_phi


def g_first(theta, phi, eta, grad_theta, grad_phi, alternating):
    if not alternating:
        return step(theta, phi, eta, grad_theta, grad_phi, False)
    theta = theta - eta * grad_theta(theta, phi)
    return theta, phi + eta * grad_phi(theta, phi)


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
    ],
    2: [
        (lambda p, q, k: (p.exp() / (k * q.exp())).log(), "not finite"),
        (lambda p, q, k: (p - q - math.log(k)).sigmoid(), "these are probabilities"),
        (lambda p, q, k: p - q, "as many fakes as data"),
        (lambda p, q, k: p - q + math.log(k), "less likely, not more"),
        (lambda p, q, k: q - p + math.log(k), "log-odds of being fake"),
        (lambda p, q, k: p - q - k, "log k is subtracted"),
        (lambda p, q, k: p - 2 * q, "less something that depends on k"),
        (lambda p, q, k: (p - q)[:2], "expected shape (4,)"),
    ],
    3: [
        (lambda r, f: -logsigmoid(r).mean() - logsigmoid(-f).mean(), "D's loss"),
        (lambda r, f: (logsigmoid(r) + logsigmoid(-f)).sum(), "means, not sums"),
        (lambda r, f: (logsigmoid(r).mean() + logsigmoid(-f).mean()) / 2, "their mean"),
        (lambda r, f: logsigmoid(r).mean() + logsigmoid(f).mean(), "log(1 - D)"),
        (lambda r, f: r.mean() - f.mean(), "you returned"),
        (
            lambda r, f: r.sigmoid().log().mean() + (1 - f.sigmoid()).log().mean(),
            "not finite",
        ),
        (lambda r, f: logsigmoid(r) + logsigmoid(-f), "expected one number"),
    ],
    4: [
        (lambda *a: step(*a)[::-1], "order of the pair"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, lambda *x: -gp(*x), alt), "D climbs"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, lambda *x: -gt(*x), gp, alt), "G descends"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, gp, False), "see the new phi"),
        (lambda t, p, e, gt, gp, alt: step(t, p, e, gt, gp, True), "see the old phi"),
        (g_first, "let G move first"),
        (lambda t, p, e, gt, gp, alt: step(t, p, 2 * e, gt, gp, alt), "step is not right"),
        (lambda *a: 3.0, "return the pair"),
        (lambda *a: torch.tensor(3.0), "return the pair"),
    ],
    5: [
        (r1(lambda slope, gamma: gamma * slope.square().sum(dim=1).mean()), "1/2 is missing"),
        (r1(lambda slope, gamma: slope.square().sum(dim=1).mean() / 2), "gamma is missing"),
        (r1(lambda slope, gamma: gamma / 2 * slope.square().mean()), "over the coordinates"),
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
        (r1_half_detached, "its gradient in D's parameters is wrong"),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex04a, RIGHT, WRONG)
