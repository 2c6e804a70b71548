"""Exams with other numbers for each student: the key is right, the numbers are usable, and no key is in a sheet."""

import math
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy import integrate, stats
from scipy.linalg import sqrtm

from genlib.table import stored
from tools import make_exam, written
from tools.make_exam import EACH, PROBLEMS, Problem, draw

ROOT = Path(__file__).resolve().parent.parent
PAGE = ROOT / "book" / "teaching" / "exam.md"
SEEDS = ["1", "2027", "7/Ada", "7/Ben"]


# --- every answer once more, in another way ------------------------------------------------------


def bayes(prior, theta, x):
    joint = []
    for y, share in enumerate((1 - prior, prior)):
        for chance, pixel in zip(theta[y], x, strict=True):
            share *= chance if pixel == 1 else 1 - chance
        joint.append(share)
    return [sum(joint), joint[1] / sum(joint)]


def denoise(mean, sd, sigma, seen):
    """By integrals over all clean values."""

    def weight(clean):
        return stats.norm.pdf(clean, mean, sd) * stats.norm.pdf(seen, clean, sigma)

    def integral(f):
        return integrate.quad(f, -20, 20, points=[mean, seen])[0]

    guess = integral(lambda clean: clean * weight(clean)) / integral(weight)
    noisy = stats.norm(mean, math.sqrt(sd**2 + sigma**2))
    return [(noisy.logpdf(seen + 1e-4) - noisy.logpdf(seen - 1e-4)) / 2e-4, guess]


def gaussian_kl(m, s, m2, s2):
    """By an integral."""
    q, p = stats.norm(m, s), stats.norm(m2, s2)
    return integrate.quad(
        lambda z: q.pdf(z) * (q.logpdf(z) - p.logpdf(z)), m - 12 * s, m + 12 * s, points=[m]
    )[0]


def kl(mu, sd):
    return [gaussian_kl(m, s, 0, 1) for m, s in zip(mu, sd, strict=True)]


def elbo(w, b, sd, x, m, s):
    q = stats.norm(m, s)
    expected = integrate.quad(
        lambda z: q.pdf(z) * stats.norm.logpdf(x, w * z + b, sd), m - 12 * s, m + 12 * s, points=[m]
    )[0]
    spread = math.sqrt(1 / (1 + w**2 / sd**2))  # of p(z | x)
    gap = gaussian_kl(m, s, spread**2 * w * (x - b) / sd**2, spread)
    evidence = stats.norm.logpdf(x, b, math.sqrt(w**2 + sd**2))
    return [evidence, expected - gaussian_kl(m, s, 0, 1), gap]


def discriminator(p, q):
    p, q = np.array(p), np.array(q)
    middle = (p + q) / 2
    jsd = (stats.entropy(p, middle) + stats.entropy(q, middle)) / 2
    return [p[0] / (p[0] + q[0]), 2 * jsd - math.log(4), jsd]


def pull(theta, x):
    data, fakes = stats.norm.pdf(x), stats.norm.pdf(x, theta)
    D = data / (data + fakes)
    return [D, (1 - D) / D]


def forward(beta, x_0):
    mean, noise = x_0, 0.0
    for b in beta:
        mean, noise = math.sqrt(1 - b) * mean, (1 - b) * noise + b
    return [1 - noise, mean, (1 - noise) / noise]


def posterior(beta, x_0, x_2):
    """By integrals of the joint density."""

    def weight(x):
        first = stats.norm.pdf(x, math.sqrt(1 - beta[0]) * x_0, math.sqrt(beta[0]))
        return first * stats.norm.pdf(x_2, math.sqrt(1 - beta[1]) * x, math.sqrt(beta[1]))

    grid = np.linspace(-12, 12, 200_001)
    share = weight(grid) / weight(grid).sum()
    mean = (grid * share).sum()
    return [mean, ((grid - mean) ** 2 * share).sum()]


def ddim(now, then, x_t, eps):
    x_0 = (x_t - (1 - now) ** 0.5 * eps) / now**0.5
    return [x_0, then**0.5 * x_0 + (1 - then) ** 0.5 * eps]


def guidance(with_y, without, scale, x_t, now):
    eps = (1 - scale) * without + scale * with_y
    return [eps, (x_t - (1 - now) ** 0.5 * eps) / now**0.5]


def frechet(mean, sd):
    """By the general formula with matrices."""
    (a, b), (C_a, C_b) = np.array(mean).T, (np.diag(np.square(s)) for s in np.array(sd).T)

    def distance(k):
        root = np.atleast_2d(sqrtm(C_a[:k, :k] @ C_b[:k, :k]))
        return np.sum((a - b)[:k] ** 2) + np.trace(C_a[:k, :k] + C_b[:k, :k] - 2 * root.real)

    return [distance(1), distance(2)]


AGAIN = [bayes, denoise, kl, elbo, discriminator, pull, forward, posterior, ddim, guidance, frechet]


def numbers(given: dict) -> list[float]:
    found: list[float] = []
    for value in given.values():
        found += numbers(dict(enumerate(value))) if isinstance(value, list) else [value]
    return found


@pytest.mark.parametrize("seed", SEEDS)
@pytest.mark.parametrize("again", AGAIN, ids=lambda f: f.__name__)
def test_the_key_is_what_another_computation_finds(again, seed):
    (template,) = (t for t in PROBLEMS if t.__name__ == again.__name__)
    problem = draw(template, seed)
    assert list(problem.answers.values()) == pytest.approx(again(**problem.given), rel=1e-5)
    if again is discriminator:  # the letter is asked for by name
        assert list(problem.answers) == ["$D^*(A)$", "$V(G, D^*)$", "JSD"]
    for number in numbers(problem.given):
        assert abs(number) <= 10 and round(number, 2) == number, "a nice number"
        shown = [f"{number:g}", f"- {abs(number):g}", f"+ {number:g}"]
        unit = abs(number) == 1 and template.__name__ == "elbo"  # 1 z is written z
        assert unit or any(s in problem.question for s in shown), (number, problem.question)


def test_every_template_is_computed_again():
    assert [t.__name__ for t in PROBLEMS] == [f.__name__ for f in AGAIN] and len(PROBLEMS) >= 8


@pytest.mark.parametrize("template", PROBLEMS, ids=lambda f: f.__name__)
def test_numbers_differ_between_students_and_answers_are_not_trivial(template):
    drawn = [draw(template, f"3/{name}") for name in range(12)]
    assert len({str(p.given) for p in drawn}) >= 8
    assert draw(template, "3/0") == drawn[0]
    for problem in drawn:
        answers = [f"{value:.3g}" for value in problem.answers.values()]
        assert len({*answers}) == len(answers) and not {*answers} & {
            "0",
            "0.5",
            "1",
            "-1",
            "nan",
            "inf",
        }
        assert all(0.02 <= abs(float(answer)) <= 200 for answer in answers)
        told = re.findall(r"-?\d+\.?\d*", problem.question)
        assert not {*answers} & {*told}, "an answer that the question names"


def test_a_template_with_trivial_answers_is_refused():
    def tie(rng):
        return Problem("Tie", 1, {}, "Which?", {"a": 3.0, "b": 3.0}, "")

    with pytest.raises(ValueError, match="tie: expected answers that are not trivial"):
        draw(tie, "1")
    for answers, question in (
        ({"a": 0.001}, "?"),
        ({"a": 0.5}, "?"),
        ({"a": 0.4}, "Is it 0.4?"),
        ({"a": 1.0}, "?"),
    ):
        assert not make_exam.good(Problem("T", 1, {}, question, answers, ""))
    assert make_exam.good(Problem("T", 1, {}, "Is it 0.44?", {"a": 0.4}, ""))


# --- sheets --------------------------------------------------------------------------------------


def test_sheets_and_keys_of_a_class(tmp_path):
    students = ["Ada K.", "Ben Ö."]
    files = make_exam.write(tmp_path / "a", "5", students)
    make_exam.write(tmp_path / "b", "5", students[:1], PROBLEMS[2:4])
    assert len(files) == 10
    read = {path.relative_to(tmp_path / "a"): path.read_text(encoding="utf-8") for path in files}
    ada, ben = read[Path("Ada_K..md")], read[Path("Ben_Ö..md")]
    key = read[Path("key/Ada_K..md")]
    assert ada != ben and "Ada K." in ada and "Ada K." in key
    assert key.startswith("# Key 5: Ada K.") and ada.startswith("# Exam: Ada K."), "no seed"
    again = make_exam.write(tmp_path / "c", "5", students)
    assert [path.read_text(encoding="utf-8") for path in again] == list(read.values())
    points = sum(int(n) for n in re.findall(r"^## .* (\d+) points\)$", ada, re.MULTILINE))
    minutes = sum(int(n) for n in re.findall(r"^## .*\((\d+) minutes", ada, re.MULTILINE))
    assert f"{minutes} minutes, {points} points." in ada and minutes == 90
    for template in PROBLEMS:
        problem = draw(template, "5/Ada K.")
        assert problem.question in ada and problem.question in key
        assert problem.way in key and problem.way not in ada
        for name, value in problem.answers.items():
            line = f"{name}: **{value:#.4g}**"
            assert line in key and line not in ada
    assert "**" not in ada and key.count("\n- ") == points // EACH
    # A shorter exam has the same numbers.
    short = (tmp_path / "b" / "Ada_K..md").read_text(encoding="utf-8")
    assert draw(PROBLEMS[3], "5/Ada K.").question in short and short.count("\n## ") == 2
    with pytest.raises(ValueError, match="expected every name once, got A_B"):
        make_exam.write(tmp_path, "5", ["A B", "A_B"])


def test_the_printed_sheet_says_the_same(tmp_path):
    make_exam.write(tmp_path, "5")
    web = (tmp_path / "exam.html").read_text(encoding="utf-8")
    text = (tmp_path / "exam.md").read_text(encoding="utf-8")
    assert web.count("<h2>") == text.count("\n## ") == len(PROBLEMS)
    assert web.count(r"\(") == web.count(r"\)") == text.count("$") // 2 and "$" not in web
    script = re.search(r'src="([^"]+)"', web)[1]
    assert (tmp_path / script).resolve() == make_exam.MATHJAX
    assert "http" not in web and not re.search(
        r"[^\\*]\*[^\\*(]*\*[^\\]", re.sub(r"\\\(.*?\\\)", "", web)
    )
    key = (tmp_path / "key" / "exam.html").read_text(encoding="utf-8")
    assert key.count("<li>") == sum(len(draw(t, "5/").answers) for t in PROBLEMS)


def test_problems_of_ones_own_are_taken_from_a_folder(tmp_path):
    """The example of the page."""
    (own,) = re.findall(r"^```python\n(.*?)^```$", PAGE.read_text(encoding="utf-8"), re.M | re.S)
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "week_1.py").write_text(own, encoding="utf-8")
    names = tmp_path / "names.txt"
    names.write_text("Ada\n\nBen\n", encoding="utf-8-sig")  # as Excel writes it
    command = [sys.executable, "-m", "tools.make_exam", tmp_path / "out", "--seed", "2"]
    command += ["--questions", tmp_path / "mine", "--students", names, "--problems", "halved", "kl"]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    made = sorted(path.name for path in (tmp_path / "out").glob("*.md"))
    assert made == ["Ada.md", "Ben.md"]
    text = (tmp_path / "out" / "Ada.md").read_text(encoding="utf-8")
    assert (
        "## 1. A uniform density (3 minutes, 2 points)" in text
        and "## 2. What a code costs" in text
    )
    command[-1] = "no_such_one"
    failed = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
    assert failed.returncode == 2 and "--problems: expected some of bayes" in failed.stderr


# --- written problems on a sheet ---------------------------------------------------------------


def test_a_written_exam_on_paper_has_no_answers_and_its_key_has_them(tmp_path):
    texts = written.chosen(["exam", "4.2", "6"])
    assert [p.name for p in texts] == [
        *(f"exam.{i}" for i in range(1, 11)),
        "4.2",
        *(f"6.{i}" for i in range(1, 7)),
    ]
    make_exam.write(tmp_path, "5", templates=(), texts=texts)
    paper, key = (
        (tmp_path / name).read_text(encoding="utf-8") for name in ("exam.md", "key/exam.md")
    )
    points = sum(p.points for p in texts)
    assert f"{points} minutes, {points} points." in paper and "significant digits" not in paper
    assert paper.count("\n## ") == len(texts) and "Name: ____" in paper and "Date: ____" in paper
    for problem in texts:
        question, answer = (written.for_print(text) for text in (problem.question, problem.answer))
        assert question in paper and question in key and answer in key
        for line in answer.splitlines():
            assert len(line) < 40 or line not in paper
    for text in (paper, key):
        assert not re.search(r"\{[a-z]+\}`|\]\(|:::", text)
    assert "points:*" in key and "points:*" not in paper
    page = (tmp_path / "key" / "exam.html").read_text(encoding="utf-8")
    assert page.count(r"\[") == page.count(r"\]") == key.count("\n$$\n") / 2 > 0
    assert page.count("<li>") == len(re.findall("^- ", key, re.M))


def test_equations_and_stored_numbers_are_written_out():
    text = "By {eq}`steer-convert` it is {stored}`table:rows.vae.parameters:,`, see [06a](../x.ipynb#y)."
    count = f"{stored('table')['rows']['vae']['parameters']:,}"
    assert written.for_print(text) == f"By $s = 1 + w$ it is {count}, see 06a."
    with pytest.raises(ValueError, match="expected an equation of a page, got 'no-such'"):
        written.for_print("{eq}`no-such`")


def test_a_sheet_names_student_date_and_number_and_begins_a_page(tmp_path):
    make_exam.write(tmp_path, "5", ["Ada", "Ben"], PROBLEMS[2:3], written.chosen(["3.1"]))
    ben = (tmp_path / "Ben.md").read_text(encoding="utf-8")
    assert ben.splitlines()[2].startswith("Name: Ben · Date: ____") and "Sheet 2 of 2" in ben
    assert "18 minutes, 16 points." in ben and ben.count("\n## ") == 2
    every = (tmp_path / "all_sheets.html").read_text(encoding="utf-8")
    assert every.count("<section>") == 2 and "section + section { break-before: page" in every
    assert every.count("Name: Ada") == every.count("Name: Ben") == 1
    assert "Half of the points" not in every
    assert "Half of the points" in (tmp_path / "key" / "all_sheets.html").read_text("utf-8")
    with pytest.raises(ValueError, match="expected every name once, got all_sheets"):
        make_exam.write(tmp_path, "5", ["Ada", "all sheets"])


def test_written_problems_of_ones_own(tmp_path):
    """The example of the page."""
    own = re.search(r"^````\n(# Week 4\n.*?)^````$", PAGE.read_text(encoding="utf-8"), re.M | re.S)[
        1
    ]
    (tmp_path / "week_4.md").write_text(own, encoding="utf-8")
    (problem,) = written.chosen(["week_4.1"], tmp_path)
    assert problem.title.startswith("Explain: ") and problem.points == 4
    assert "Half of the points" in problem.answer and ":::" not in problem.answer
    with pytest.raises(
        ValueError, match=r"written: expected some of 1.1, .*, week_4.1, got week_5"
    ):
        written.chosen(["week_5"], tmp_path)
    (tmp_path / "week_4.md").write_text(own.replace("dropdown", "note"), encoding="utf-8")
    with pytest.raises(ValueError, match="week_4.md, problem 1: expected a folded answer"):
        written.chosen(["week_4.1"], tmp_path)


# --- the written exam ----------------------------------------------------------------------------


def test_the_written_exam_is_whole():
    text = PAGE.read_text(encoding="utf-8").split("\n## A written exam of 90 minutes\n")[1]
    text = text.split("\n## ")[0]
    heads = re.findall(
        r"^### \d+\. (Derive|Explain|Find the fault): .+ \(chapter (\d), (\d+) minutes, (\d+) points\)$",
        text,
        re.MULTILINE,
    )
    assert len(heads) == text.count("\n### ") >= 9
    assert {kind for kind, *_ in heads} == {"Derive", "Explain", "Find the fault"}
    assert {chapter for _, chapter, _, _ in heads} == set("1234567")
    assert sum(int(minutes) for *_, minutes, _ in heads) == 90
    assert sum(int(points) for *_, points in heads) == 90
    parts = re.split(r"^### ", text, flags=re.MULTILINE)[1:]
    for part, (*_, points) in zip(parts, heads, strict=True):
        folded = re.search(r"^:::\{dropdown\} Answer and rubric\n(.*?)^:::$", part, re.M | re.S)[1]
        half, full = int(points) // 2, int(points)
        for mark in (f"- *{full} points:*", f"- *{half} points:*", "- *0 points:*"):
            assert folded.count(mark) == 1, part.splitlines()[0]
            example = folded.split(mark)[1].split("\n")[0]
            assert "“" in example and "”" in example, "an example"
        assert int(points) % 2 == 0
