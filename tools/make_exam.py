"""Write an exam and its key: computing problems with other numbers for each student, written problems of the pages.

python -m tools.make_exam [FOLDER] [--seed 2027] [--students FILE] [--problems kl elbo ...] [--written 3.1 exam ...]
    [--questions DIR]

FOLDER/NAME.md and NAME.html are the sheets, without answers; FOLDER/key/ holds a key for each, and all_sheets.html
all of them, to print at once. A template below draws the numbers; the answers are computed by the functions of genlib
that the chapters show. --students names a file with one name a line, --problems the templates to use, --written the
problems of the pages (3.1 is the first one of chapter 3, exam all of the page on exams). --questions is a folder of
your own: its *.py hold lists PROBLEMS of functions like those below, its *.md written problems.
"""

import argparse
import html
import importlib.util
import math
import os
import random
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch import Tensor, nn

from genlib import gan, losses
from genlib.data import Mixture
from genlib.ddpm import DDPM
from genlib.evaluate import frechet_distance
from genlib.guidance import Guided
from genlib.vae import LinearGaussian
from tools import written
from tools.make_questions import as_html
from tools.written import Written

ROOT = Path(__file__).resolve().parent.parent
MATHJAX = ROOT / "_build" / "vendor" / "mathjax" / "tex-chtml.js"  # there once the book was built
EACH = 2  # points for each number that is asked for
HOW = "A calculator is allowed. Logarithms are natural. Show the way: a result without one counts nothing."
HOW_NUMBERS = f"Give each number to three significant digits: it counts {EACH} points."
MARKING = (
    f"*Each number:* {EACH} points if it is right to two digits and the way to it can be seen, {EACH // 2} if the way "
    "is right and the number is not (or a number before it was wrong), 0 for a number without a way."
)
BLANK = "_" * 20
ALL = "all_sheets"
STYLE = """
body { max-width: 42em; margin: 2em auto; font: 12pt/1.5 serif; padding: 0 1em }
section + section { break-before: page; margin-top: 4em }
h2 { font-size: 1.15em }
.problem { break-inside: avoid }
.head { display: flex; flex-wrap: wrap; gap: 0 2em; justify-content: space-between; border-bottom: 1px solid }
@page { margin: 18mm; @bottom-right { content: counter(page) } }
"""


class Problem(NamedTuple):
    """A problem with its numbers; question and way are Markdown, answers go from a label to a number."""

    title: str
    minutes: int
    given: dict[str, float | list]
    question: str
    answers: dict[str, float]
    way: str


Template = Callable[[random.Random], Problem]


def tensor(*values: float) -> Tensor:
    """One example a row, in float64: (1, len(values))."""
    return torch.tensor([values], dtype=torch.float64)


# --- chapter 1 and 2 -----------------------------------------------------------------------------


def bayes(rng: random.Random) -> Problem:
    """Naive Bayes on three pixels."""
    prior = rng.choice([0.2, 0.3, 0.4, 0.6, 0.7, 0.8])
    theta = [[rng.randint(1, 9) / 10 for _ in range(3)] for _ in range(2)]
    x = [rng.randint(0, 1) for _ in range(3)]
    logits = torch.tensor(theta, dtype=torch.float64).logit()
    pixels = torch.tensor([x, x], dtype=torch.float64)
    joint = tensor(1 - prior, prior)[0] * (-losses.bernoulli_nll(logits, pixels)).exp()
    return Problem(
        "Two classes, three pixels",
        8,
        {"prior": prior, "theta": theta, "x": x},
        f"Pictures have three pixels, each 0 or 1. Class $y = 1$ has probability {prior:g}, class $y = 0$ the rest. "
        f"Within a class the pixels are independent, and they are 1 with probabilities {_list(theta[1])} in class 1 "
        f"and {_list(theta[0])} in class 0. You see $x = ({_list(x)})$. How probable is this picture, and how "
        "probable is class 1, given the picture?",
        {"$p(x)$": joint.sum().item(), "$p(y = 1 \\mid x)$": (joint[1] / joint.sum()).item()},
        "$p(x, y) = p(y) \\prod_i p(x_i \\mid y)$, where a pixel that is 0 brings $1 - \\theta_i$. The sum over $y$ "
        "is $p(x)$, and Bayes' rule divides by it.",
    )


def denoise(rng: random.Random) -> Problem:
    """The best guess of a Gaussian under noise, and the score."""
    mean, sd = rng.choice([-2, -1, 1, 2, 3]), rng.choice([0.5, 1, 1.5, 2])
    sigma, seen = rng.choice([0.5, 1, 1.5, 2]), mean + rng.choice([-4, -3, -2, 2, 3, 4])
    mixture = Mixture(tensor(mean, 0), sd).noised(1, sigma)
    score = mixture.score(tensor(seen, 0))[0, 0].item()
    return Problem(
        "The best denoiser",
        8,
        {"mean": mean, "sd": sd, "sigma": sigma, "seen": seen},
        f"Data are normal with mean {mean:g} and standard deviation {sd:g}. You see $\\tilde x = {seen:g}$: a value "
        f"with normal noise of standard deviation $\\sigma = {sigma:g}$ added. What is the score of the noisy "
        "density at $\\tilde x$, and which guess of the clean value has the smallest expected squared error?",
        {
            "$\\nabla \\log p_\\sigma(\\tilde x)$": score,
            "$r^*(\\tilde x)$": seen + sigma**2 * score,
        },
        "The noisy density is normal with variance $s^2 + \\sigma^2$, so its score is "
        "$(m - \\tilde x) / (s^2 + \\sigma^2)$. By Tweedie's formula "
        "$r^*(\\tilde x) = \\tilde x + \\sigma^2 \\nabla \\log p_\\sigma(\\tilde x)$.",
    )


# --- chapter 3 -----------------------------------------------------------------------------------


def kl(rng: random.Random) -> Problem:
    """What two latent dimensions pay."""
    mu = [rng.choice([-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2]) for _ in range(2)]
    sd = rng.sample([0.1, 0.2, 0.25, 0.5, 2], 2)
    paid = losses.gaussian_kl(
        torch.tensor(mu, dtype=torch.float64)[:, None],
        2 * torch.tensor(sd, dtype=torch.float64)[:, None].log(),
    )
    return Problem(
        "What a code costs",
        6,
        {"mu": mu, "sd": sd},
        "The encoder of a VAE gives an image two independent latent dimensions: "
        f"$\\mu_1 = {mu[0]:g}$, $\\sigma_1 = {sd[0]:g}$ and $\\mu_2 = {mu[1]:g}$, $\\sigma_2 = {sd[1]:g}$. "
        "How many nats does each of them pay to the prior $\\mathcal N(0, 1)$?",
        {"first dimension": paid[0].item(), "second dimension": paid[1].item()},
        "$\\frac12 (\\mu^2 + \\sigma^2 - 1 - \\log \\sigma^2)$ for each.",
    )


def elbo(rng: random.Random) -> Problem:
    """Evidence, bound and gap of a model in which all three are known."""
    w, b = rng.choice([-2, -1, 1, 2]), rng.choice([-1, 1, 2])
    sd, x = rng.choice([0.5, 1, 2]), b + rng.choice([-3, -2, -1, 1, 2, 3])
    m, s = rng.choice([-1, -0.5, 0.5, 1]), rng.choice([0.25, 0.5, 0.8])
    model = LinearGaussian(tensor(w), tensor(b)[0], sd)
    mu, logvar = tensor(m), tensor(2 * math.log(s))
    evidence = model.log_prob(tensor(x)).item()
    bound = model.elbo(tensor(x), mu, logvar).item()
    return Problem(
        "A bound that can be checked",
        12,
        {"w": w, "b": b, "sd": sd, "x": x, "m": m, "s": s},
        f"A model draws $z \\sim \\mathcal N(0, 1)$ and then $x$, normal with mean ${_line(w, b)}$ and standard "
        f"deviation {sd:g}. For the data point $x = {x:g}$ an encoder proposes $q(z \\mid x)$, normal with mean "
        f"{m:g} and standard deviation {s:g}. Compute the evidence, the ELBO and the gap.",
        {
            "$\\log p(x)$": evidence,
            "ELBO": bound,
            "$\\mathrm{KL}(q \\,\\|\\, p(z \\mid x))$": model.gap(tensor(x), mu, logvar).item(),
        },
        "$p(x)$ is normal with mean $b$ and variance $w^2 + \\sigma^2$. The ELBO is the expected log-likelihood, in "
        "which the squared error is $(x - b - wm)^2 + w^2 s^2$, less "
        "$\\frac12 (m^2 + s^2 - 1 - \\log s^2)$. The gap is the difference of the two.",
    )


# --- chapter 4 -----------------------------------------------------------------------------------


def discriminator(rng: random.Random) -> Problem:
    """The best discriminator of two distributions over three letters."""
    p, q = ([a / 10, b / 10, (10 - a - b) / 10] for a, b in (_parts(rng), _parts(rng)))
    data, fakes = (torch.tensor(values, dtype=torch.float64) for values in (p, q))
    logits = data.log() - fakes.log()
    real = -(data * losses.generator_loss(logits)).sum()  # E log D(x)
    fake = (fakes * losses.saturating_generator_loss(logits)).sum()  # E log(1 - D)
    value = (real + fake).item()
    return Problem(
        "The best discriminator",
        9,
        {"p": p, "q": q},
        f"Data are one of the letters A, B, C, with probabilities {_list(p)}. A generator draws them with "
        f"probabilities {_list(q)}. What does the best discriminator say of A? What is the value $V(G, D^*)$ of the "
        "game, and what the Jensen-Shannon divergence?",
        {
            "$D^*(A)$": logits[0].sigmoid().item(),
            "$V(G, D^*)$": value,
            "JSD": (value + math.log(4)) / 2,
        },
        "$D^* = p / (p + q)$. $V = \\sum p \\log D^* + \\sum q \\log(1 - D^*) = -\\log 4 + 2\\, \\mathrm{JSD}$.",
    )


def pull(rng: random.Random) -> Problem:
    """How sure the best discriminator is of a fake, and what the two losses make of it."""
    theta = rng.choice([1.2, 1.4, 1.6, 1.8, 2, 2.2, 2.5, 3])
    x = round(theta + rng.choice([-1, -0.5, 0, 0.5]), 1)
    logit = gan.gaussian_game_logits(tensor(x)[0], theta).requires_grad_()
    (good,) = torch.autograd.grad(losses.generator_loss(logit).sum(), logit)
    (flat,) = torch.autograd.grad(losses.saturating_generator_loss(logit).sum(), logit)
    return Problem(
        "Which pull is stronger?",
        8,
        {"theta": theta, "x": x},
        f"Data are $\\mathcal N(0, 1)$, fakes $\\mathcal N({theta:g}, 1)$. What does the best discriminator say of "
        f"a fake at $x = {x:g}$? By which factor is the derivative in the logit larger (in size) for the "
        "non-saturating loss of the generator than for the saturating one?",
        {f"$D^*({x:g})$": logit.sigmoid().item(), "factor": (good / flat).item()},
        "The logit of $D^*$ is $\\theta (\\theta / 2 - x)$. The derivatives are $-(1 - D)$ and $-D$, so the factor is "
        "$(1 - D) / D$.",
    )


# --- chapter 5 -----------------------------------------------------------------------------------


class Says(nn.Module):
    """A network that answers the same, whatever it is asked: its number, or the one of its label."""

    def __init__(self, *answers: float):
        super().__init__()
        self.answers = torch.tensor(answers, dtype=torch.float64)

    def forward(self, x: Tensor, t: Tensor, y: Tensor | None = None) -> Tensor:
        return self.answers[torch.zeros_like(t) if y is None else y].view(-1, 1).expand_as(x)


def process(*beta: float, net: nn.Module, predicts: str = "eps") -> DDPM:
    """A diffusion model with these few steps."""
    return DDPM(net, torch.tensor([0.0, *beta], dtype=torch.float64), predicts=predicts)


def forward(rng: random.Random) -> Problem:
    """Three steps of noise in one jump."""
    beta, x_0 = sorted(rng.sample([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], 3)), rng.choice([-3, -2, 2, 3])
    model, t = process(*beta, net=Says(0)), torch.tensor([3])
    kept = model.alpha_bar[3].item()
    return Problem(
        "Three steps at once",
        7,
        {"beta": beta, "x_0": x_0},
        f"Three steps add noise of variances $\\beta_t$ = {_list(beta)}. Start at $x_0 = {x_0:g}$. What is "
        "$\\bar\\alpha_3$? What is the mean of $x_3$, given $x_0$, and the ratio of signal to noise "
        "$\\bar\\alpha_3 / (1 - \\bar\\alpha_3)$?",
        {
            "$\\bar\\alpha_3$": kept,
            "mean of $x_3$": model.q_sample(tensor(x_0), t, tensor(0)).item(),
            "ratio": kept / (1 - kept),
        },
        "$\\bar\\alpha_3 = \\prod_t (1 - \\beta_t)$, and the mean is $\\sqrt{\\bar\\alpha_3}\\, x_0$.",
    )


def posterior(rng: random.Random) -> Problem:
    """Where x_1 was, if x_0 and x_2 are known."""
    beta = [rng.choice([0.1, 0.2, 0.3, 0.4]), rng.choice([0.2, 0.3, 0.5, 0.6])]
    x_0, x_2 = rng.choice([-2, -1, 1, 2]), rng.choice([-1.5, -0.5, 0.5, 1.5])
    model = process(*beta, net=Says(x_0), predicts="x_0")
    mean = model.ddim_step(tensor(x_2), 2, 1, 1.0, tensor(0))
    return Problem(
        "Where was it before?",
        10,
        {"beta": beta, "x_0": x_0, "x_2": x_2},
        f"Two steps add noise of variances $\\beta_t$ = {_list(beta)}. You know $x_0 = {x_0:g}$ and "
        f"$x_2 = {x_2:g}$. What are mean and variance of $q(x_1 \\mid x_2, x_0)$?",
        {"mean": mean.item(), "variance $\\tilde\\beta_2$": model.q_variance(2).item()},
        "Two normal factors: $x_1 \\sim \\mathcal N(\\sqrt{1 - \\beta_1}\\, x_0, \\beta_1)$, and $x_2$ says that $x_1$ "
        "is $x_2 / \\sqrt{1 - \\beta_2}$ with variance $\\beta_2 / (1 - \\beta_2)$. Precisions add; the mean is "
        "weighted by them.",
    )


def ddim(rng: random.Random) -> Problem:
    """One step without noise."""
    now, then = rng.choice([0.1, 0.2, 0.25, 0.36]), rng.choice([0.5, 0.64, 0.8, 0.9])
    x_t, eps = rng.choice([-2, -1.5, 1.5, 2]), rng.choice([-1.2, -0.8, -0.5, 0.5, 0.8, 1.2])
    model = process(1 - then, 1 - now / then, net=Says(eps))
    x_0, _ = model.predict(tensor(x_t), torch.tensor([2]))
    return Problem(
        "One step of DDIM",
        8,
        {"now": now, "then": then, "x_t": x_t, "eps": eps},
        f"At time $t$ with $\\bar\\alpha_t = {now:g}$ the state is $x_t = {x_t:g}$, and the network predicts "
        f"$\\hat\\varepsilon = {eps:g}$. What does it believe $x_0$ to be? Which $x_s$ does DDIM with $\\eta = 0$ go "
        f"to, at a time $s$ with $\\bar\\alpha_s = {then:g}$?",
        {
            "$\\hat x_0$": x_0.item(),
            "$x_s$": model.ddim_step(tensor(x_t), 2, 1, 0.0, tensor(0)).item(),
        },
        "$\\hat x_0 = (x_t - \\sqrt{1 - \\bar\\alpha_t}\\, \\hat\\varepsilon) / \\sqrt{\\bar\\alpha_t}$, then "
        "$x_s = \\sqrt{\\bar\\alpha_s}\\, \\hat x_0 + \\sqrt{1 - \\bar\\alpha_s}\\, \\hat\\varepsilon$.",
    )


# --- chapter 6 and 7 -----------------------------------------------------------------------------


def guidance(rng: random.Random) -> Problem:
    """Two predictions, combined."""
    with_y, without = rng.sample([-0.9, -0.6, -0.4, -0.2, 0.1, 0.3, 0.5, 0.8], 2)
    scale, x_t = rng.choice([1.5, 2, 2.5, 3, 4]), rng.choice([-1.4, -0.7, 0.7, 1.4])
    now = rng.choice([0.2, 0.4, 0.5, 0.6])
    label, none = torch.tensor([0]), torch.tensor([1])
    model = process(1 - now, net=Guided(Says(with_y, without), label, scale, none))
    x_0, eps = model.predict(tensor(x_t), torch.tensor([1]))
    return Problem(
        "Guided",
        7,
        {"with_y": with_y, "without": without, "scale": scale, "x_t": x_t, "now": now},
        f"At a pixel $x_t = {x_t:g}$ with $\\bar\\alpha_t = {now:g}$ the network predicts the noise {with_y:g} with "
        f"the label, and {without:g} without. Classifier-free guidance has the scale $s = {scale:g}$ (where $s = 1$ is "
        "the conditional network). Which noise does the sampler get, and which $\\hat x_0$ follows from it?",
        {"guided $\\hat\\varepsilon$": eps.item(), "$\\hat x_0$": x_0.item()},
        "$\\hat\\varepsilon = \\hat\\varepsilon_\\varnothing "
        "+ s\\,(\\hat\\varepsilon_y - \\hat\\varepsilon_\\varnothing)$, then "
        "$\\hat x_0 = (x_t - \\sqrt{1 - \\bar\\alpha_t}\\, \\hat\\varepsilon) / \\sqrt{\\bar\\alpha_t}$.",
    )


def frechet(rng: random.Random) -> Problem:
    """The Fréchet distance of Gaussians with independent features."""
    places, widths = [-2, -1, -0.5, 0, 0.5, 1, 2], [0.5, 1, 1.5, 2, 3]
    mean = [rng.sample(places, 2) for _ in range(2)]  # feature: (real, fake)
    sd = [rng.sample(widths, 2) for _ in range(2)]
    real, fake = (_corners([m[i] for m in mean], [s[i] for s in sd]) for i in range(2))
    told = [
        f"{who} have means {mean[0][i]:g} and {mean[1][i]:g}, standard deviations {sd[0][i]:g} and {sd[1][i]:g}"
        for i, who in enumerate(("Real images", "samples"))
    ]
    return Problem(
        "How far apart?",
        7,
        {"mean": mean, "sd": sd},
        f"Two features are independent of each other and normal. {told[0]}; {told[1]}. What is the Fréchet distance "
        "by the first feature alone, and by both?",
        {
            "first feature": frechet_distance(real[:, :1], fake[:, :1]),
            "both features": frechet_distance(real, fake),
        },
        "For a single feature $(m_a - m_b)^2 + (s_a - s_b)^2$; with independent features the distances add.",
    )


def _corners(mean: Sequence[float], sd: Sequence[float]) -> Tensor:
    """Four points with exactly these means, these standard deviations and no covariance, (4, 2)."""
    signs = torch.tensor([[1, 1], [1, -1], [-1, 1], [-1, -1]], dtype=torch.float64)
    return tensor(*mean) + math.sqrt(3 / 4) * tensor(*sd) * signs


def _parts(rng: random.Random) -> tuple[int, int]:
    """Two parts of ten that leave a third one."""
    return rng.choice([(a, b) for a in range(1, 9) for b in range(1, 10 - a)])


def _list(values: Sequence[float]) -> str:
    return ", ".join(f"{value:g}" for value in values)


def _line(w: float, b: float) -> str:
    """w z + b without a factor of 1."""
    slope = {1: "z", -1: "-z"}.get(w, f"{w:g} z")
    return f"{slope} {'-' if b < 0 else '+'} {abs(b):g}"


PROBLEMS: list[Template] = [
    *(bayes, denoise, kl, elbo, discriminator, pull),
    *(forward, posterior, ddim, guidance, frechet),
]

# --- sheets --------------------------------------------------------------------------------------


def shown(value: float) -> str:
    """A number to three digits: what looks alike there is too much alike."""
    return f"{value:.3g}"


def good(problem: Problem) -> bool:
    """Whether no answer is trivial: none near 0, too large, 1 or a half, like another or as given."""
    answers = [shown(value) for value in problem.answers.values()]
    told = re.findall(r"-?\d+(?:\.\d+)?", problem.question)
    sizes = all(0.02 <= abs(value) <= 200 for value in problem.answers.values())
    return sizes and len({*answers}) == len(answers) and not {*answers} & {*told, "1", "-1", "0.5"}


def draw(template: Template, seed: str) -> Problem:
    """A problem with good numbers: the same ones for the same seed.

    Raises:
        ValueError: the template hardly ever has good numbers.
    """
    rng = random.Random(f"{seed}/{template.__name__}")
    for _ in range(1000):
        if good(problem := template(rng)):
            return problem
    raise ValueError(f"{template.__name__}: expected answers that are not trivial, got {problem}")


class Sheet(NamedTuple):
    """One paper, or its key: what stands at its top, and below it blocks of Markdown, a list for each problem."""

    title: str
    head: list[str]
    rules: str
    problems: list[list[str]]

    def markdown(self) -> str:
        """The whole text."""
        blocks = [f"# {self.title}", " · ".join(self.head), self.rules]
        return "\n\n".join([*blocks, *(block for part in self.problems for block in part)]) + "\n"


def sheet(
    problems: Sequence[Problem | Written], title: str, head: list[str], key: bool = False
) -> Sheet:
    """The sheet of a student, or its key."""
    minutes = sum(problem.minutes for problem in problems)
    points = sum(map(worth, problems))
    numbers = any(isinstance(problem, Problem) for problem in problems)
    extra = [MARKING if key else HOW_NUMBERS] if numbers else []
    rules = " ".join([f"{minutes} minutes, {points} points.", *([] if key else [HOW]), *extra])
    parts = []
    for number, problem in enumerate(problems, start=1):
        named = f"## {number}. {problem.title} ({problem.minutes} minutes, {worth(problem)} points)"
        parts.append([named, *_question(problem), *(_answer(problem) if key else [])])
    return Sheet(title, head, rules, parts)


def worth(problem: Problem | Written) -> int:
    """The points of a problem."""
    return problem.points if isinstance(problem, Written) else EACH * len(problem.answers)


def _question(problem: Problem | Written) -> list[str]:
    text = problem.question
    return written.for_print(text).split("\n\n") if isinstance(problem, Written) else [text]


def _answer(problem: Problem | Written) -> list[str]:
    if isinstance(problem, Written):
        return written.for_print(problem.answer).split("\n\n")
    found = problem.answers.items()
    return ["\n".join(f"- {name}: **{value:#.4g}**" for name, value in found), problem.way]


def block_as_html(block: str) -> str:
    """A block of Markdown as HTML: heading, list, formula or paragraph."""
    marks, _, rest = block.partition(" ")
    if marks in ("#", "##"):
        return f"<h{len(marks)}>{as_html(rest)}</h{len(marks)}>"
    if marks == "-":
        items = (f"<li>{as_html(line[2:])}</li>" for line in block.splitlines())
        return f"<ul>{''.join(items)}</ul>"
    if block.startswith("$$"):
        return rf"<p>\[{html.escape(block.strip('$ '), quote=False)}\]</p>"
    return f"<p>{as_html(block)}</p>"


def web_page(sheets: Sequence[Sheet], folder: Path) -> str:
    """Sheets as HTML to print, each on a page of its own; formulas are set by the MathJax of the built book."""
    body = []
    for one in sheets:
        head = "".join(f"<span>{html.escape(item)}</span>" for item in one.head)
        parts = [
            block_as_html(f"# {one.title}"),
            f'<p class="head">{head}</p>',
            block_as_html(one.rules),
        ]
        for part in one.problems:
            inside = "\n".join(block_as_html(block) for block in part)
            parts.append(f'<div class="problem">\n{inside}\n</div>')
        body.append("<section>\n" + "\n".join(parts) + "\n</section>")
    script = html.escape(os.path.relpath(MATHJAX, folder).replace(os.sep, "/"))
    title = html.escape(sheets[0].title if len(sheets) == 1 else "All sheets")
    return (
        f'<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8"><title>{title}</title>\n'
        f'<style>{STYLE}</style>\n<script defer src="{script}"></script></head>\n<body>\n'
        + "\n".join(body)
        + "\n</body></html>\n"
    )


def write(
    target: Path,
    seed: str,
    students: Sequence[str] = (),
    templates: Sequence[Template] = PROBLEMS,
    texts: Sequence[Written] = (),
) -> list[Path]:
    """Write sheet and key of every student, or of one exam without name; returns the files.

    Raises:
        ValueError: two students have one name, so that one sheet would replace the other.
    """
    stems = [re.sub(r"[^\w.-]+", "_", student) or "exam" for student in students or [""]]
    taken = [*stems, ALL]
    if twice := {stem for stem in stems if taken.count(stem) > 1}:
        raise ValueError(f"students: expected every name once, got {', '.join(sorted(twice))}")
    made = []
    for folder, key in ((target, False), (target / "key", True)):
        folder.mkdir(parents=True, exist_ok=True)
        sheets = []
        for number, student in enumerate(students or [""], start=1):
            problems = [*(draw(template, f"{seed}/{student}") for template in templates), *texts]
            title = f"Key {seed}" if key else "Exam"  # the seed and a name give the key away
            count = [f"Sheet {number} of {len(stems)}"] if len(stems) > 1 else []
            head = [f"Name: {student or BLANK}", *([] if key else [f"Date: {BLANK}"]), *count]
            sheets.append(sheet(problems, title + f": {student}" * bool(student), head, key))
        made += _save(sheets, stems, folder)
    return made


def _save(sheets: list[Sheet], stems: list[str], folder: Path) -> list[Path]:
    pages = {}
    for stem, one in zip(stems, sheets, strict=True):
        pages |= {f"{stem}.md": one.markdown(), f"{stem}.html": web_page([one], folder)}
    if len(sheets) > 1:
        pages[f"{ALL}.html"] = web_page(sheets, folder)
    for name, text in pages.items():
        (folder / name).write_text(text, encoding="utf-8")
    return [folder / name for name in pages]


def own_templates(folder: Path) -> list[Template]:
    """The lists PROBLEMS of all Python files of a folder."""
    found: list[Template] = []
    for path in sorted(folder.glob("*.py")):
        spec = importlib.util.spec_from_file_location(path.stem, path)
        module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
        found += module.PROBLEMS
    return found


def main() -> None:
    """Write the files and print their names."""
    parser = argparse.ArgumentParser(prog="python -m tools.make_exam", description=__doc__)
    parser.add_argument("folder", nargs="?", type=Path, default=ROOT / "_build" / "exam")
    parser.add_argument("--seed", default="1", help="another one, other numbers")
    parser.add_argument("--students", type=Path, help="a file with one name a line")
    parser.add_argument(
        "--problems",
        nargs="+",
        help="names of templates; all if left out, unless --written is given",
    )
    parser.add_argument(
        "--written", nargs="+", default=[], help="names of written problems: 3.1, 4, exam"
    )
    parser.add_argument("--questions", type=Path, help="a folder with problems of your own")
    asked = parser.parse_args()
    every = [*PROBLEMS, *(own_templates(asked.questions) if asked.questions else [])]
    named = {template.__name__: template for template in every}
    if unknown := [name for name in asked.problems or [] if name not in named]:
        parser.error(f"--problems: expected some of {', '.join(named)}, got {', '.join(unknown)}")
    lines = asked.students.read_text(encoding="utf-8-sig").splitlines() if asked.students else []
    students = [line.strip() for line in lines if line.strip()]
    templates = [named[name] for name in asked.problems or ([] if asked.written else named)]
    try:
        texts = written.chosen(asked.written, asked.questions)
        made = write(asked.folder, asked.seed, students, templates, texts)
    except ValueError as error:
        parser.error(str(error))
    for path in made:
        print(path.relative_to(ROOT) if path.is_relative_to(ROOT) else path)


if __name__ == "__main__":
    main()
