"""Checks of the exercises in notebook 01a, two models of one corpus."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.check.verdict import exercise, need, need_answer, praise, text


def numbers(value, like: Tensor, what: str = "your function", /) -> Tensor:
    """`value` as a float64 tensor of the shape of `like`, or a message that says what came instead."""
    need_answer(value, what)
    found = torch.as_tensor(value, dtype=torch.float64)
    need(
        found.shape == like.shape,
        "{what} has shape {found}, expected {wanted}.",
        what=text(what),
        found=tuple(found.shape),
        wanted=tuple(like.shape),
    )
    need(
        not found.isnan().any().item(),
        "{what} contains NaN: did you take 0 / 0 or inf - inf?",
        what=text(what),
    )
    return found


def close(found: Tensor, expected: Tensor) -> bool:
    """Equal up to rounding."""
    return torch.allclose(found, expected.double(), atol=1e-6)


@exercise
def exercise_1(posterior: Callable) -> str:
    """posterior(log_likelihood, prior): (B, 2) log p(x | y) and (2,) p(y) to (B, 2) p(y | x)."""
    log_likelihood = torch.tensor([[-3.0, -2.0], [-5.0, -8.0]], dtype=torch.float64)
    prior = torch.tensor([0.8, 0.2], dtype=torch.float64)
    right = (log_likelihood + prior.log()).softmax(dim=1)
    found = numbers(posterior(log_likelihood, prior), right)
    if close(found, right.log()):
        need(False, "These are log-probabilities. Take exp of them at the end.")
    if close(found, log_likelihood.softmax(dim=1)):
        need(False, "This is right for equal classes only: the prior is missing. Add log p(y).")
    if close(found, (log_likelihood + prior).softmax(dim=1)):
        need(
            False,
            "You added p(y) itself. Logarithms add where probabilities multiply: add log p(y).",
        )
    if close(found, (log_likelihood + prior.log()).softmax(dim=0)):
        need(False, "Your columns sum to 1. Normalise over the classes of one review: along dim 1.")
    if close(found, (log_likelihood + prior.log()).exp()):
        need(False, "This is p(x, y). Divide every row by its sum, p(x), to get p(y | x).")
    sums = found.sum(dim=1)
    need(
        close(sums, torch.ones(2)),
        "Your probabilities sum to {total:.2f} a row; did you normalise over classes?",
        total=sums[0],
    )
    need(
        close(found, right),
        "The first row should be {right}, yours is {found}.",
        right=right[0].tolist(),
        found=found[0].tolist(),
    )
    long = numbers(posterior(log_likelihood - 2000, prior), right, "your answer for a long review")
    need(
        close(long, right),
        "Right for short reviews, but exp(-2000) is 0 on a computer. Subtract torch.logsumexp instead.",
    )
    return praise("Bayes' rule with log-sum-exp: it holds for a review of any length.")


@exercise
def exercise_2(add_one: Callable) -> str:
    """add_one(counts): (V,) counts of the words after one context to (V,) probabilities."""
    counts = torch.tensor([3.0, 1.0, 0.0, 0.0])
    right = (counts + 1) / (counts.sum() + 4)
    found = numbers(add_one(counts), right)
    if close(found, counts / counts.sum()):
        need(False, "Nothing is smoothed yet: a word with count 0 still has probability 0.")
    if close(found, (counts + 1) / counts.sum()):
        need(False, "They sum to 2: you added V ones above, so add V = len(counts) below as well.")
    if close(found, (counts + 1) / (counts.sum() + 1)):
        need(
            False, "You added 1 below. One was added for each of the V words: add V = len(counts)."
        )
    if close(found, counts / (counts.sum() + 4)):
        need(False, "The denominator is right; the numerator needs its + 1 too.")
    need(
        abs(found.sum().item() - 1) < 1e-6,
        "Your probabilities sum to {total:.2f}; they must sum to 1 over the vocabulary.",
        total=found.sum(),
    )
    need(
        close(found, right),
        "For counts 3, 1, 0, 0 expected {right}, got {found}.",
        right=right.tolist(),
        found=found.tolist(),
    )
    empty = numbers(add_one(torch.zeros(5)), torch.zeros(5), "your answer for a context never seen")
    need(
        close(empty, torch.full((5,), 0.2)), "A context that was never seen should give 1 / V each."
    )
    return praise("Every word has a chance, and they still sum to 1. Laplace would agree.")


@exercise
def exercise_3(temper: Callable) -> str:
    """temper(p, temperature): (V,) probabilities to (V,) probabilities, p ** (1 / temperature) normalised."""
    p = torch.tensor([0.6, 0.3, 0.1, 0.0], dtype=torch.float64)
    right = p**2 / (p**2).sum()
    found = numbers(temper(p, 0.5), right)
    if close(found, p):
        need(False, "Nothing changed: temperature 0.5 should make the likely words likelier.")
    if close(found, p**2):
        need(
            False,
            "The powers are right, but they sum to {total:.2f}. Divide by their sum.",
            total=(p**2).sum(),
        )
    if close(found, p**0.5 / (p**0.5).sum()):
        need(False, "It became flatter at temperature 0.5. The exponent is 1 / temperature.")
    if close(found, (p / 0.5).softmax(dim=0)):
        need(False, "A softmax wants logarithms: use p.log() / temperature, so that a 0 stays a 0.")
    need(
        abs(found.sum().item() - 1) < 1e-6,
        "Your probabilities sum to {total:.2f}; normalise after taking the power.",
        total=found.sum(),
    )
    need(
        close(found, right),
        "At temperature 0.5 expected {right}, got {found}.",
        right=right.tolist(),
        found=found.tolist(),
    )
    need(close(numbers(temper(p, 1.0), p), p), "At temperature 1 nothing may change.")
    return praise("Cold sharpens, hot flattens, and an impossible word stays impossible.")


@exercise
def exercise_4(perplexity: Callable) -> str:
    """perplexity(log_probs, tokens): log p of each text in nats and the number of tokens of each to a number."""
    log_probs, tokens = [-6.0, -2.0], [4, 1]
    right = math.exp(8 / 5)
    value = perplexity(log_probs, tokens)
    need_answer(value)
    found = float(value)
    if math.isclose(found, math.exp(-8 / 5)):
        need(
            False,
            "This is the mean probability of a token. Perplexity is one over it: mind the minus.",
        )
    if math.isclose(found, 8 / 5):
        need(False, "This is the loss in nats a token. Take exp of it.")
    if math.isclose(found, math.exp(4)):
        need(
            False,
            "You averaged over texts. Average over tokens, or long texts look worse than short ones.",
        )
    if math.isclose(found, math.exp((6 / 4 + 2 / 1) / 2)):
        need(
            False,
            "You averaged the averages. Sum all log-probabilities, then divide by all tokens.",
        )
    if math.isclose(found, 2 ** (8 / 5)):
        need(False, "The logarithms are natural ones, so undo them with exp, not with 2 **.")
    need(
        math.isclose(found, right, rel_tol=1e-6),
        "Expected {right:.3f}, got {found:.3f}.",
        right=right,
        found=found,
    )
    uniform = float(perplexity([-10 * math.log(50)], [10]))
    need(math.isclose(uniform, 50, rel_tol=1e-6), "A uniform choice among 50 words must give 50.")
    return praise("Perplexity: among how many equally likely words the model hesitates.")


@exercise
def exercise_5(label_or_none: Callable) -> str:
    """label_or_none(log_joint, tokens, floor): (2,) log p(x, y), so many tokens, to 0, 1 or None."""
    usual = torch.tensor([-30.0, -33.0], dtype=torch.float64)
    odd = torch.tensor([-90.0, -80.0], dtype=torch.float64)
    need_answer(label_or_none(usual, 10, -5.0))
    first = label_or_none(usual, 10, -5.0)
    need(
        first is not False and first is not True,
        "Return the index of the class, not a truth value.",
    )
    need(
        int(first) == 0,
        "The likelier class of {usual} is 0, you returned {found}.",
        usual=usual.tolist(),
        found=int(first),
    )
    second = label_or_none(odd, 10, -5.0)
    need(
        second is None,
        "A review of 10 tokens at -80 nats lies below -5 a token: return None, however clear p(y | x) is.",
    )
    long = label_or_none(torch.tensor([-160.0, -150.0], dtype=torch.float64), 40, -5.0)
    need(
        long is not None,
        "A long review was refused. log p(x) falls with every token: divide by the number of tokens.",
    )
    need(int(long) == 1, "The long review belongs to class 1.")
    even = torch.tensor([-50.5, -50.5], dtype=torch.float64)
    need(
        label_or_none(even, 10, -5.0) is not None,
        "p(x) is the sum over both classes, not the larger one: use torch.logsumexp of log p(x, y).",
    )
    return praise("A generative model can say: I have never seen anything like it.")
