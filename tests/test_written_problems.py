"""The written problems of the chapters: their form, and the numbers of their answers, computed in another way."""

import math
import re
from collections.abc import Callable
from functools import cache
from itertools import product
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from scipy import integrate, optimize, stats

from genlib import data
from genlib.autoencoder import image_autoencoder
from genlib.evaluate import nearest_training_ratio
from genlib.table import stored

ROOT = Path(__file__).resolve().parent.parent
KINDS = ("Derive", "Explain", "Find the fault")
HEAD = re.compile(
    r"^### (\d+)\. (Derive|Explain|Find the fault): (.+) \((\d+) minutes, (\d+) points\)$", re.M
)
N = stats.norm


class Written(NamedTuple):
    """A problem of a page; question and answer are Markdown."""

    kind: str
    title: str
    minutes: int
    points: int
    question: str
    answer: str


@cache
def problems(chapter: int) -> list[Written]:
    """The written problems of a chapter, in order."""
    (page,) = (ROOT / "book").glob(f"0{chapter}_*.md")
    section = page.read_text(encoding="utf-8").split("\n## Written problems\n")[1].split("\n## ")[0]
    starts = [match.start() for match in re.finditer("^### ", section, re.M)]
    found = []
    for number, (a, b) in enumerate(zip(starts, [*starts[1:], None], strict=True), start=1):
        part = section[a:b]
        head = HEAD.match(part)
        assert head, f"{page.name}: {part.splitlines()[0]!r} has another form"
        assert int(head[1]) == number
        question, _, folded = part[head.end() :].partition("\n:::{dropdown} Answer\n")
        answer, closed, rest = folded.partition("\n:::\n")
        assert closed and not rest.strip(), (
            f"{page.name}, problem {number}: one folded answer, at the end"
        )
        found.append(
            Written(head[2], head[3], int(head[4]), int(head[5]), question.strip(), answer)
        )
    return found


@pytest.mark.parametrize("chapter", range(1, 8))
def test_every_chapter_has_two_problems_of_each_kind(chapter):
    found = problems(chapter)
    kinds = [problem.kind for problem in found]
    assert all(kinds.count(kind) >= 2 for kind in KINDS) and kinds == sorted(kinds)
    for problem in found:
        assert problem.minutes == problem.points and problem.points % 2 == 0
        assert problem.answer.count("\n*Half of the points:* ") == 1, problem.title
        assert len(problem.question) > 80 and len(problem.answer) > 300, problem.title
        if problem.kind == "Find the fault":
            assert problem.question.startswith("“") and "”" in problem.question, "the claim"


@pytest.mark.parametrize("chapter", range(1, 8))
def test_the_section_stands_between_quiz_and_summary(chapter):
    (page,) = (ROOT / "book").glob(f"0{chapter}_*.md")
    order = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.M)
    at = order.index("Written problems")
    assert order[at - 1] == "Quiz" and order[at + 1] == "Summary"


# --- the numbers of the answers --------------------------------------------------------------------


def mean(f: Callable[[float], float]) -> float:
    """The expectation of f(x) for x from N(0, 1), by an integral."""
    return integrate.quad(lambda x: N.pdf(x) * f(x), -12, 12)[0]


NODES, WEIGHTS = np.polynomial.hermite_e.hermegauss(12)


def exact_mean(f: Callable) -> float:
    """The expectation of a polynomial f of N(0, 1), up to degree 23."""
    return float(WEIGHTS @ f(NODES) / WEIGHTS.sum())


def two_widths():
    """Where the two posteriors are equal."""
    return (optimize.brentq(lambda x: N.logpdf(x, 0, 2) - N.logpdf(x, 0, 1), 0.1, 5),)


def four_times():
    told = [0.75**4, 0.25**4]
    return told[0] / sum(told), 0.75, math.log(told[0] / told[1]), math.log(3)


def spam():
    """Count a hundred thousand mails of the inbox that look like this one: 0.9 and 0.1 of each kind."""
    spam, other = 1_000 * 0.9, 99_000 * 0.1
    return (spam / (spam + other),)


def rescaled():
    x = torch.linspace(0, 1, 64, dtype=torch.float64)
    on_unit = N.logpdf(x, 0.5, 0.3).sum()
    return (on_unit - N.logpdf(2 * x - 1, 0, 0.6).sum(),)


def coin(sigma: float, seen: float) -> float:
    """E[x | seen] for x = -1 or 1."""
    likely = [N.pdf(seen, x, sigma) for x in (-1, 1)]
    return (likely[1] - likely[0]) / sum(likely)


def steepness():
    return 0.7**2, (coin(0.7, 1e-4) - coin(0.7, -1e-4)) / 2e-4


def veil():
    wrong = N.pdf(1, -1, 1) / (N.pdf(1, -1, 1) + N.pdf(1, 1, 1))
    return coin(1, 1), coin(0.5, 1), wrong, coin(0.5, 0.3), coin(1, 0.3)


def floor_of_the_coin():
    """By drawing: two hundred thousand tosses on a grid of noises."""
    eps = N.ppf((np.arange(200_000) + 0.5) / 200_000)
    likely = [np.exp(-((1 + 0.7 * eps - x) ** 2) / 0.98) for x in (-1, 1)]
    guess = (likely[1] - likely[0]) / (likely[0] + likely[1])
    return (((1 - guess) ** 2).mean(),)


def linear_of_the_coin():
    c = optimize.minimize_scalar(lambda c: (1 - c) ** 2 + c**2 * 0.49)
    return 0.7**2, c.fun


def elbo(w: float, a: float, tau: float) -> float:
    """Mean ELBO for data N(0, 1), z ~ N(0, 1), x | z ~ N(w z, 0.6^2) and q(z | x) = N(a x, tau)."""
    x, eps = NODES[:, None], NODES
    z = a * x + math.sqrt(tau) * eps
    inside = N.logpdf(x, w * z, 0.6) + N.logpdf(z) - N.logpdf(z, a * x, math.sqrt(tau))
    return float(WEIGHTS @ inside @ WEIGHTS / WEIGHTS.sum() ** 2)


def dies():
    """The best linear encoder and decoder, found by climbing."""
    found = optimize.minimize(
        lambda p: -elbo(p[0], p[1], math.exp(p[2])), [0.5, 0.5, -0.5], tol=1e-7
    )
    w, a, tau = found.x[0], found.x[1], math.exp(found.x[2])
    return w, exact_mean(lambda x: 0.5 * ((a * x) ** 2 + tau - 1 - math.log(tau)))


def baselines():
    def variance(c: float) -> float:
        def draw(e):
            return ((1 + e) ** 2 - c) * e

        return exact_mean(lambda e: draw(e) ** 2) - exact_mean(draw) ** 2

    best = optimize.minimize_scalar(variance).x
    return best, variance(0), variance(exact_mean(lambda e: (1 + e) ** 2)), variance(best)


def directions():
    """How many principal directions of the training digits have a variance above 1/2."""
    x = data.digits().x_train.flatten(1).double().numpy()
    return ({3: "three"}[int((np.linalg.eigvalsh(np.cov(x.T)) > 0.5).sum())],)


def coin_gradient():
    chance = 0.01
    values = np.array([1 / chance, 0])  # of the estimate, for z = 1 and 0
    shares = np.array([chance, 1 - chance])
    assert (values * shares).sum() == pytest.approx(1)
    return ((values**2 * shares).sum() - 1,)


def evidence(w: float) -> float:
    return exact_mean(lambda x: N.logpdf(x, 0, math.hypot(w, 0.6)))


def bound_rose():
    w = optimize.minimize_scalar(lambda w: -elbo(w, 0.8, 1), bounds=(0, 2), method="bounded").x
    before, after = elbo(0.8, 0.8, 1), elbo(w, 0.8, 1)
    gaps = evidence(0.8) - before, evidence(w) - after
    return w, before, after, *gaps, evidence(0.8), evidence(w)


def bits():
    """A mean divergence by an integral over clouds and codes."""
    center = math.sqrt(1 - 0.1**2)
    x, eps = NODES[:, None], NODES
    inside = N.logpdf(eps) - math.log(0.1) - N.logpdf(center * x + 0.1 * eps)
    paid = WEIGHTS @ inside @ WEIGHTS / WEIGHTS.sum() ** 2
    return paid, paid / math.log(2), 16 * paid / math.log(2)


def turns():
    """Players who take the steps."""
    theta, w, angle, steps = 1.0, 0.0, 0.0, 0
    before = 0.0
    while angle < 2 * math.pi:
        theta, w = theta + 0.25 * w, w - 0.25 * theta
        now = math.atan2(-w, theta) % (2 * math.pi)
        angle += (now - before) % (2 * math.pi)
        before, steps = now, steps + 1
    per_step = math.hypot(theta, w) ** (1 / steps)
    in_a_turn = steps * 2 * math.pi / angle
    return math.degrees(angle / steps), per_step, in_a_turn, per_step**in_a_turn


def squares():
    p, q = N(0, 1), N(1, 1)

    def least(x: float) -> float:
        return optimize.minimize_scalar(
            lambda d: p.pdf(x) * (d - 1) ** 2 / 2 + q.pdf(x) * d**2 / 2
        ).fun

    return (integrate.quad(least, -8, 9, epsabs=1e-7)[0],)


def forgotten(s: float):
    """The slope of the best logit at -2, by differences."""
    width = math.sqrt(0.01 + s**2)

    def logit(x: float) -> float:
        log_p = np.logaddexp(N.logpdf(x, -2, width), N.logpdf(x, 2, width)) - math.log(2)
        return log_p - N.logpdf(x, -2, width)

    return ((logit(-2 + 1e-5) - logit(-2 - 1e-5)) / 2e-5,)


def overlooked():
    shares = np.array([20] * 24 + [2020]) / 2500
    return (np.abs(shares - 1 / 25).sum() / 2,)


LINEAR = np.linspace(1e-4, 0.02, 1000)


def walk_back(beta: np.ndarray, kind: str, factor: float = 1.0) -> float:
    """The variance at the end of algorithm 2, data N(0, 1), the perfect guess times `factor`."""
    kept = np.concatenate([[1.0], np.cumprod(1 - beta)])
    v = 1.0
    for t in range(len(beta), 0, -1):
        b = beta[t - 1]
        extra = {"beta": b, "posterior": b * (1 - kept[t - 1]) / (1 - kept[t]), "none": 0}[kind]
        x = math.sqrt(v)  # a point one deviation out
        guess = factor * math.sqrt(1 - kept[t]) * x
        x = (x - b / math.sqrt(1 - kept[t]) * guess) / math.sqrt(1 - b)
        v = x**2 + extra * (t > 1)
    return v


def one_bell():
    kept = np.concatenate([[1.0], np.cumprod(1 - LINEAR)])[::20]
    long = 1 - kept[1:] / kept[:-1]
    return (
        walk_back(LINEAR, "beta"),
        math.sqrt(walk_back(LINEAR, "none")),
        walk_back(LINEAR, "posterior"),
        walk_back(long, "posterior"),
        walk_back(long, "beta"),
    )


def narrow():
    """Euler's step beside an exact path that scipy solves."""

    def factor(r: float, s: float) -> float:
        exact = integrate.solve_ivp(lambda r, x: r * x / (1 + r**2), (r, s), [1.0], rtol=1e-9)
        return (1 + (s - r) * r / (1 + r**2)) / exact.y[0, -1]

    return factor(3, 0), factor(3, 1), factor(1, 0), factor(3, 1) * factor(1, 0)


def wrong_weights(kept: float) -> float:
    """The share of the mode at 0 if exact walks back begin at N(0, 1)."""

    def likely(x: float, mode: float) -> float:
        return N.pdf(x, mode * math.sqrt(kept), math.sqrt(1 - kept))

    return mean(lambda x: likely(x, 0) / (likely(x, 0) + likely(x, 2)))


def unscaled():
    kept = float(np.prod(1 - np.linspace(1e-4, 0.02, 100)))
    return kept, 2 * math.sqrt(kept), math.sqrt(1 - kept), wrong_weights(kept)


def by_the_middle():
    """The share of the mode at 0 if each start goes to the nearer of the two bells."""
    starts = np.random.default_rng(0).normal(size=1_000_000)
    far = 2 * math.sqrt(unscaled()[0])
    return ((abs(starts) < abs(starts - far)).mean(),)


def kurtosis():
    fourth, second = (
        exact_mean(lambda e, k=k: ((1 + 0.1 * e) ** k + (-1 + 0.1 * e) ** k) / 2) for k in (4, 2)
    )
    return fourth, second, fourth / second**2


def too_little_noise_taken():
    """DDPM and DDIM, step by step, with 0.9 times the perfect guess."""
    kept = np.concatenate([[1.0], np.cumprod(1 - LINEAR)])
    x = 1.0
    for t in range(1000, 0, -1):
        guess = 0.9 * math.sqrt(1 - kept[t]) * x
        x_0 = (x - math.sqrt(1 - kept[t]) * guess) / math.sqrt(kept[t])
        x = math.sqrt(kept[t - 1]) * x_0 + math.sqrt(1 - kept[t - 1]) * guess
    return walk_back(LINEAR, "beta", 0.9), x**2


def log_posterior_slope(x: float, m: float, width: float) -> float:
    """The slope of log p(bell at m | x) for bells at 1 and -1, by differences."""

    def said(x: float) -> float:
        either = np.logaddexp(N.logpdf(x, 1, width), N.logpdf(x, -1, width))
        return N.logpdf(x, m, width) - either

    return (said(x + 1e-4) - said(x - 1e-4)) / 2e-4


def negative():
    """Slopes of log posteriors, by differences."""
    own, other = (log_posterior_slope(2, m, 1) for m in (1, -1))
    return own - other, own


def push(r: float):
    """2 / V, the probability of the other class, their product by differences, and the push beside the width."""
    width = math.sqrt(0.09 + r**2)
    slope = log_posterior_slope(1, 1, width)
    other = N.pdf(1, -1, width) / (N.pdf(1, -1, width) + N.pdf(1, 1, width))
    return 2 / width**2, other, slope, r * slope / width


def best_of(n: int) -> float:
    """Minus the mean of the smallest of n draws from N(0, 1)."""
    return -mean(lambda x: x * n * N.sf(x) ** (n - 1))


def told_apart():
    variation = integrate.quad(lambda x: abs(N.pdf(x) - N.pdf(x, 2)), -10, 12, points=[1])[0] / 2
    return (1 + variation) / 2, variation


def filtered():
    kept = stats.truncnorm(-1, 1)
    return 2 * N.sf(1), kept.var(), kept.std(), (1 - kept.std()) ** 2


def overlap():
    shape = np.array([-2, -1, 0, 1, 2]) / math.sqrt(2.5) * 0.05  # mean 0, deviation 0.05
    half = stats.t.interval(0.95, 4, 0, stats.sem(shape))[1]
    unit = 0.05 / math.sqrt(5)
    welch = stats.ttest_ind(0.6 + shape, 0.5 + shape, equal_var=False)
    limit = stats.t.ppf(0.975, 8) * math.sqrt(2)
    assert welch.pvalue < 0.05 and 2 * half > 0.1
    return half, half / unit, 2 * half / unit, limit, 0.1 / unit, welch.statistic


SAID = [
    (1, 2, r"boundaries are at $\pm {:.2f}$", two_widths),
    (1, 4, "probability of {:.3f}. But", lambda: four_times()[:1]),
    (1, 4, "probability of {:.2f}. In logarithms", lambda: four_times()[1:2]),
    (1, 4, "four times, {:.2f} in place of {:.2f}", lambda: four_times()[2:]),
    (1, 6, r"probability is $1/12 = {:.3f}$", spam),
    (1, 7, r"$64 \log 2 = {:.1f}$ nats", rescaled),
    (2, 2, r"$1 / {:.2f} = {:.2f}$", steepness),
    (2, 3, r"$\tanh 1 = {:.3f}$, and $\tanh 4 = {:.3f}$", lambda: veil()[:2]),
    (2, 3, "1 / (1 + e^2) = {:.3f}$", lambda: veil()[2:3]),
    (2, 3, r"$\tanh 1.2 = {:.3f}$ where $\tanh 0.3 = {:.3f}$", lambda: veil()[3:]),
    (2, 6, "an integral by numbers gives {:.3f}. On new draws no network", floor_of_the_coin),
    (2, 6, "costs ${:.2f}$, the best", lambda: linear_of_the_coin()[:1]),
    (2, 6, "= 0.49 / 1.49 = {:.3f}$", lambda: linear_of_the_coin()[1:]),
    (3, 1, r"$w = \pm {:.1f}$, and {:.3f} nats", dies),
    (3, 2, "= 1 + 3 = {:.0f}$", lambda: baselines()[:1]),
    (
        3,
        2,
        "{:.0f} without a baseline, {:.0f} with the mean, {:.0f} with the best one",
        lambda: baselines()[1:],
    ),
    (3, 3, r"our digits {} have more than $\frac12$", directions),
    (3, 4, r"At $\pi = 0.01$ that is {:.0f}:", coin_gradient),
    (3, 5, "$w = 0.8 / 1.64 = {:.3f}$", lambda: bound_rose()[:1]),
    (3, 5, "the ELBO rises from ${:.3f}$ to ${:.3f}$", lambda: bound_rose()[1:3]),
    (3, 5, "the gap falls from {:.3f} to {:.3f}", lambda: bound_rose()[3:5]),
    (3, 5, r"$\log p(x)$ falls from ${:.3f}$ to ${:.3f}$", lambda: bound_rose()[5:]),
    (3, 6, "it is {:.2f} nats, or {:.2f} bits. Sixteen of them carry at most {:.0f} bits", bits),
    (4, 1, "that is {:.0f} degrees and a factor of {:.3f}", lambda: turns()[:2]),
    (4, 1, "a turn takes {:.1f} steps, and makes the distance {:.2f} times", lambda: turns()[2:]),
    (4, 2, r"$\mathcal N(1, 1)$: the loss is {:.3f}", squares),
    (4, 3, "With $s = 1$ the slope is {:.4f},", lambda: forgotten(1)),
    (4, 3, "with $s = 2$ it is {:.3f},", lambda: forgotten(2)),
    (
        4,
        3,
        r"$\rho = e^{{{:.0f}}}$.",
        lambda: (N.logpdf(-2, 2, 0.02**0.5) - N.logpdf(-2, -2, 0.02**0.5),),
    ),
    (4, 4, r"= {:.3f}$ nats: a bound", lambda: ((-math.log(0.25) - 0.9) / 2,)),
    (4, 5, "1 / (1 + e^{{-2}}) = {:.3f}$", lambda: (N.pdf(0) / (N.pdf(0) + N.pdf(0, 2)),)),
    (4, 6, "$0.808 - 0.04 = {:.3f}$", overlooked),
    (5, 1, "or {:.4f} with the linear schedule", lambda: one_bell()[:1]),
    (5, 1, "a deviation of {:.4f}:", lambda: one_bell()[1:2]),
    (5, 1, "too narrow, $v_0 = {:.3f}$", lambda: one_bell()[2:3]),
    (5, 1, r"it is {:.3f}. With this $\beta_t$ it is {:.3f}", lambda: one_bell()[3:]),
    (5, 2, "the factor is {:.3f}. By way of $d$ it is ${:.3f} \\cdot {:.3f} = {:.3f}$", narrow),
    (5, 4, r"$\bar\alpha_{{100}} = {:.3f}$", lambda: unscaled()[:1]),
    (
        5,
        4,
        r"$2 \sqrt{{0.364}} = {:.2f}$, both with deviation $\sqrt{{1 - 0.364}} = {:.2f}$",
        lambda: unscaled()[1:3],
    ),
    (5, 4, "a numerical integral gives {:.2f} in place of 0.50", lambda: unscaled()[3:]),
    (5, 4, "the same integral gives {:.2f}", lambda: (wrong_weights(float(np.prod(1 - LINEAR))),)),
    (5, 4, r"gets $\Phi(0.603) = {:.2f}$", by_the_middle),
    (5, 5, "${:.4f} / {:.2f}^2 = {:.2f}$", kurtosis),
    (5, 6, "a variance of {:.2f} or of {:.2f}", too_little_noise_taken),
    (6, 1, "with slope {:.0f} everywhere", lambda: negative()[:1]),
    (6, 1, "which is $2 / (1 + e^4) = {:.3f}$", lambda: negative()[1:]),
    (6, 3, "2 / V = {:.3f}$, doubt {:.3f}, push {:.3f};", lambda: push(10)[:3]),
    (6, 3, "2 / V = {:.2f}$, doubt {:.3f}, push {:.3f};", lambda: push(1)[:3]),
    (6, 3, "2 / V = {:.1f}$, doubt", lambda: push(0.2)[:1]),
    (6, 3, "the order stays: {:.3f}, {:.3f},", lambda: (push(10)[3], push(1)[3])),
    (7, 1, r"\mu - {:.3f}\, \sigma$", lambda: (best_of(2),)),
    (7, 1, r"${:.2f}\, \sigma$ on average", lambda: (best_of(5),)),
    (7, 2, r"$\Phi(1) = {:.3f}$; so $\mathrm{{TV}} = {:.3f}$", told_apart),
    (7, 3, "Of the real images {:.0%} lie outside", lambda: filtered()[:1]),
    (7, 3, r"= {:.3f}$, with $\varphi$", lambda: filtered()[1:2]),
    (7, 3, "the deviation {:.3f}.", lambda: filtered()[2:3]),
    (7, 3, "$(1 - 0.540)^2 = {:.3f}$", lambda: filtered()[3:]),
    (7, 4, "for these 100 it is about {:.2f}", lambda: ((40 + 60 * 0.01) / 100,)),
    (7, 5, r"each interval is ${:.2f}\, s", lambda: overlap()[1:2]),
    (7, 5, r"the gap is below ${:.2f}\, s", lambda: overlap()[2:3]),
    (7, 5, r"= {:.2f}\, s / \sqrt 5$. Here", lambda: overlap()[3:4]),
    (7, 5, r"the gap is ${:.2f}\, s / \sqrt 5$, the test value is {:.2f}", lambda: overlap()[4:]),
    (7, 5, r"distance $0.50 \pm {:.3f}$", lambda: overlap()[:1]),
]


@pytest.mark.parametrize(("chapter", "number", "phrase", "compute"), SAID)
def test_the_answer_says_what_comes_out(chapter, number, phrase, compute):
    problem = problems(chapter)[number - 1]
    said = phrase.format(*compute()).replace("%", " %")
    assert said in problem.question + problem.answer, f"{problem.title}: expected {said!r}"


# --- what the answers derive -----------------------------------------------------------------------


def test_scores_that_are_linear_give_the_posterior_of_ten_classes():
    rng = np.random.default_rng(0)
    prior, mu, sigma, x = rng.dirichlet(np.ones(10)), rng.normal(size=10), 0.7, 1.3
    joint = prior * N.pdf(x, mu, sigma)
    s = mu * x / sigma**2 - mu**2 / (2 * sigma**2) + np.log(prior)
    assert np.exp(s) / np.exp(s).sum() == pytest.approx(joint / joint.sum())


def test_the_logistic_loss_is_convex_and_has_no_minimum_if_the_classes_part():
    x, y = (
        torch.tensor([-2.0, -1.0, 0.5, 3.0]).double(),
        torch.tensor([0.0, 0.0, 1.0, 1.0]).double(),
    )

    def loss(line):
        return torch.nn.functional.binary_cross_entropy_with_logits(
            line[0] * x + line[1], y, reduction="sum"
        )

    line, direction = torch.tensor([0.7, -0.3]).double(), torch.tensor([1.5, 2.0]).double()
    second = direction @ torch.autograd.functional.hessian(loss, line) @ direction
    q = torch.sigmoid(line[0] * x + line[1])
    assert second.item() == pytest.approx((q * (1 - q) * (1.5 * x + 2) ** 2).sum().item())
    values = [loss(torch.tensor([k, 0.25 * k])).item() for k in (1.0, 10.0, 100.0)]  # c = -0.25
    assert values == sorted(values, reverse=True) and 0 < values[2] < 1e-20


def test_the_best_width_puts_draws_as_far_away_as_the_unseen_image():
    r, dims = 1.7, 64
    h = optimize.minimize_scalar(
        lambda h: r**2 / (2 * h**2) + dims * math.log(h), bounds=(0.01, 2), method="bounded"
    ).x
    drawn = h * np.linalg.norm(np.random.default_rng(0).normal(size=(2000, dims)), axis=1)
    assert drawn.mean() == pytest.approx(r, rel=0.02) and drawn.std() < 0.1 * r


def test_the_digits_obey_the_rule_for_the_width():
    digits, rng = data.digits(), torch.Generator().manual_seed(0)
    x, new = (data.dequantise(part, rng).flatten(1) for part in (digits.x_train, digits.x_val))
    nearest = torch.cat(
        [
            torch.cdist(new[digits.y_val == k], x[digits.y_train == k]).min(dim=1).values
            for k in range(10)
        ]
    )
    rule = nearest.square().mean().sqrt().item() / math.sqrt(64)
    chosen = stored("table")["rows"]["kernel_density"]["chosen"]["bandwidth"]
    assert rule == pytest.approx(chosen, rel=0.1)
    assert (
        "within a tenth of the width {stored}`table:rows.kernel_density.chosen"
        in problems(1)[4].answer
    )


def test_draws_of_a_kernel_density_are_cut_to_levels():
    """The ratio is above 1 as they are drawn, and that of the table once they are cut to the grey levels."""
    digits, rng = data.digits(), torch.Generator().manual_seed(0)
    row = stored("table")["rows"]["kernel_density"]
    known = data.dequantise(digits.x_train, rng)
    at = torch.randint(len(known), (1000,), generator=rng)
    noise = row["chosen"]["bandwidth"] * torch.randn(1000, 1, 8, 8, generator=rng)
    as_drawn, as_cut = (
        nearest_training_ratio(x, digits.x_train, digits.x_test)
        for x in (known[at] + noise, data.quantise(known[at] + noise))
    )
    assert as_cut == pytest.approx(np.mean(row["nearest_ratio"]), abs=0.02)
    assert as_cut < 0.9 < 1 < as_drawn


def test_the_best_linear_denoiser_shrinks():
    rng = np.random.default_rng(0)
    A = rng.normal(size=(3, 3))
    S, noise = A @ A.T, 0.8**2 * np.eye(3)

    def error(flat):
        W = flat.reshape(3, 3)
        return np.trace((np.eye(3) - W) @ S @ (np.eye(3) - W).T + W @ noise @ W.T)

    found = optimize.minimize(error, np.zeros(9), tol=1e-10)
    assert found.x.reshape(3, 3) == pytest.approx(S @ np.linalg.inv(S + noise), abs=1e-4)
    spread = np.linalg.eigvalsh(S)
    cost = spread * 0.64 / (spread + 0.64)
    assert found.fun == pytest.approx(cost.sum()) and (cost < np.minimum(spread, 0.64)).all()


def test_the_slope_of_the_best_guess_is_its_variance():
    values, shares, sigma = np.array([-1.0, 0.5, 2.0]), np.array([0.2, 0.5, 0.3]), 0.6

    def moment(seen, k):
        likely = shares * N.pdf(seen, values, sigma)
        return (values**k * likely).sum() / likely.sum()

    for seen in (-0.4, 0.3, 1.1):
        slope = (moment(seen + 1e-5, 1) - moment(seen - 1e-5, 1)) / 2e-5
        assert slope == pytest.approx((moment(seen, 2) - moment(seen, 1) ** 2) / sigma**2, rel=1e-6)


def test_batch_normalisation_forgets_the_code_among_its_copies():
    torch.manual_seed(0)
    ae = image_autoencoder(16).train()
    first, second = (ae.decode(z.expand(100, 16))[0] for z in torch.randn(2, 1, 16))
    assert torch.allclose(first, second, atol=1e-4)
    first, second = ae.decode(torch.randn(100, 16))[:2]
    assert (first - second).abs().max() > 0.01


def test_one_bent_number_holds_a_circle():
    t = np.linspace(0, 2 * np.pi, 1000, endpoint=False)
    x = np.stack([np.cos(t), np.sin(t)])
    assert np.linalg.eigvalsh(x @ x.T / 1000) == pytest.approx([0.5, 0.5])


def test_alternating_players_neither_arrive_nor_leave_below_four():
    for eta, stays in ((0.5, True), (3.9, True), (4.1, False)):
        theta, w, far = 1.0, 0.0, []
        for _ in range(3000):
            w -= eta / 2 * theta
            theta += eta / 2 * w
            far.append(math.hypot(theta, w))
        assert (min(far) > 0.05 and max(far) < 20) == stays


def test_the_loss_of_squares_is_a_distance():
    p, q = np.array([0.5, 0.3, 0.2, 0.0]), np.array([0.1, 0.2, 0.3, 0.4])
    best = p / (p + q)
    loss = (p * (best - 1) ** 2 + q * best**2).sum() / 2
    assert loss == pytest.approx(1 / 4 - ((p - q) ** 2 / (p + q)).sum() / 8)


@pytest.mark.parametrize("kept", [0.9, 0.3])
def test_the_floors_of_the_three_targets(kept):
    a, b = math.sqrt(kept), math.sqrt(1 - kept)
    eps, x_0 = np.random.default_rng(0).normal(size=(2, 200_000))
    x_t = a * x_0 + b * eps
    for target, floor in ((eps, kept), (x_0, 1 - kept), (a * eps - b * x_0, 1)):
        slope = (target * x_t).mean() / (x_t**2).mean()
        assert ((target - slope * x_t) ** 2).mean() == pytest.approx(floor, rel=0.02)


def test_a_filter_of_copies_and_the_share_beside_the_median():
    honest = np.random.default_rng(0).gamma(9, 0.1, size=60_000)
    mixed = np.concatenate([np.zeros(40_000), honest])
    assert np.median(mixed) == pytest.approx(np.quantile(honest, (0.5 - 0.4) / 0.6), rel=1e-3)
    near = np.quantile(honest, 0.01)
    assert (mixed < near).mean() == pytest.approx(0.4 + 0.6 * 0.01, abs=1e-4)


def test_parity_is_out_of_reach_for_a_line_and_for_all_but_one_pixel():
    pictures = np.array(list(product([0, 1], repeat=6)))
    even = pictures.sum(axis=1) % 2 == 0
    assert pictures[even].mean(axis=0) == pytest.approx(pictures[~even].mean(axis=0))
    for left_out in range(6):
        seen = np.delete(pictures, left_out, axis=1)
        patterns = [sorted(map(tuple, seen[kind])) for kind in (even, ~even)]
        assert patterns[0] == patterns[1] == sorted(set(patterns[0]))
