"""Checks of the exercises in notebook 01a, two models of one corpus."""

import math
from collections.abc import Callable

import torch
from torch import Tensor

from genlib.check.verdict import (
    NotBegun,
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
def exercise_1(posterior: Callable) -> str:
    """posterior(log_likelihood, prior): (B, 2) log p(x | y) and (2,) p(y) to (B, 2) p(y | x)."""
    short = torch.tensor([[-3.0, -2.0], [-5.0, -8.0], [-4.0, -3.5]], dtype=torch.float64)
    for log_likelihood, share in ((short, 0.8), (short[:2].flip(0) - 1, 0.3), (short[2:], 0.1)):
        prior = torch.tensor([share, 1 - share], dtype=torch.float64)
        log_joint = log_likelihood + prior.log()
        right = log_joint.softmax(dim=1)
        found = need_tensor(posterior(log_likelihood, prior), tuple(right.shape))
        if close(found, right):
            continue
        wrong = {
            "these are log-probabilities. Take exp of them at the end.": right.log(),
            "this is right for equal classes only: the prior is missing. Add log p(y).": (
                log_likelihood.softmax(dim=1)
            ),
            "you added p(y) itself. Logarithms add where probabilities multiply: add log p(y).": (
                (log_likelihood + prior).softmax(dim=1)
            ),
            "you multiplied log p(x | y) by p(y). Where probabilities multiply, logarithms add: add log p(y).": (
                (log_likelihood * prior).softmax(dim=1)
            ),
            "your columns sum to 1. Normalise over the classes of one review: along dim 1.": (
                log_joint.softmax(dim=0)
            ),
            "this is p(x, y). Divide every row by its sum, p(x), to get p(y | x).": log_joint.exp(),
            "your whole table sums to 1. Every review has its own p(x): normalise along dim 1.": (
                log_joint.flatten().softmax(dim=0).reshape(right.shape)
            ),
            "you normalised first and multiplied by p(y) then. Multiply first, then normalise.": (
                log_likelihood.softmax(dim=1) * prior
            ),
        }
        need_none_of(found, wrong)
        _no_nan(found)
        sums = found.sum(dim=1)
        need(
            close(sums, torch.ones(len(right))),
            "your probabilities sum to {total:.2f} a row; did you normalise over classes?",
            total=sums[(sums - 1).abs().argmax()],
        )
        row = (found - right).abs().sum(dim=1).argmax()
        raise NotYet(
            "for log p(x | y) = {given} and p(y) = {prior} expected {right}, got {found}.",
            given=_shown(log_likelihood[row]),
            prior=_shown(prior),
            right=_shown(right[row]),
            found=_shown(found[row]),
        )
    prior = torch.tensor([0.8, 0.2], dtype=torch.float64)
    tokens_differ = torch.tensor(
        [[2000.0], [20.0], [900.0]]
    )  # one maximum for all reviews is not enough
    try:
        long = need_tensor(posterior(short - tokens_differ, prior), (3, 2))
    except NotYet as problem:
        raise NotYet(
            "right for short reviews. For long ones, with log p(x | y) near -2000: {problem}",
            problem=problem,
        ) from None
    error = (long - (short + prior.log()).softmax(dim=1)).abs().max()
    need(  # in single precision -2000 is rounded to 0.0001
        bool(error < 1e-3),
        "right for short reviews, but exp(-2000) is 0 on a computer, and 0 / 0 is no number. "
        "Subtract torch.logsumexp instead.",
    )
    return praise("Bayes' rule with log-sum-exp: it holds for a review of any length.")


@exercise
def exercise_2(add_one: Callable) -> str:
    """add_one(counts): (V,) counts of the words after one context to (V,) probabilities."""
    for counts in map(torch.tensor, ([3.0, 2.0, 0.0, 0.0], [0.0, 2.0, 0.0, 5.0, 1.0, 0.0])):
        total, V = counts.sum(), len(counts)
        right = (counts + 1) / (total + V)
        found = need_tensor(add_one(counts), (V,))
        if close(found, right):
            continue
        _no_nan(found)
        wrong = {
            "nothing is smoothed yet: a word with count 0 still has probability 0.": counts / total,
            "you added 1 below. One was added for each of the V words: add V = len(counts).": (
                (counts + 1) / (total + 1)
            ),
            "you added below only the number of words that were seen. The vocabulary has V = len(counts).": (
                (counts + 1) / (total + (counts > 0).sum())
            ),
            "the denominator is right; the numerator needs its + 1 too.": counts / (total + V),
            "you raised only the zeros to 1. Every word of the vocabulary is seen once more.": (
                counts.clamp(min=1) / counts.clamp(min=1).sum()
            ),
            "you divided by V alone. Divide by the sum of the numerators: the counts and V ones.": (
                (counts + 1) / V
            ),
            "these are the numerators. Divide them by their sum.": counts + 1,
        }
        need_none_of(found, wrong)
        need(
            not close(found, (counts + 1) / total),
            "they sum to {total:.2f}: you added V ones above, so add V = len(counts) below as well.",
            total=found.sum(),
        )
        need(
            close(found.sum(), 1.0),
            "your probabilities sum to {total:.2f}; they must sum to 1 over the vocabulary.",
            total=found.sum(),
        )
        raise NotYet(
            "for counts {counts} expected {right}, got {found}.",
            counts=counts.int().tolist(),
            right=_shown(right),
            found=_shown(found),
        )
    empty = need_tensor(add_one(torch.zeros(5)), (5,))
    need(
        close(empty, torch.full((5,), 0.2)),
        "a context that was never seen, counts 0, 0, 0, 0, 0, should give 1 / V = 0.2 each; got {found}.",
        found=_shown(empty),
    )
    return praise("Every word has a chance, and they still sum to 1. Laplace would agree.")


@exercise
def exercise_3(temper: Callable) -> str:
    """temper(p, temperature): (V,) probabilities to (V,) probabilities, p ** (1 / temperature) normalised."""
    for given, t in (([0.6, 0.3, 0.1, 0.0], 0.5), ([0.0, 0.5, 0.2, 0.1, 0.2], 2.0)):
        p = torch.tensor(given, dtype=torch.float64)
        power = p ** (1 / t)
        right = power / power.sum()
        found = need_tensor(temper(p, t), (len(p),))
        if not close(found, right):
            _no_nan(found)
            need(
                not close(found, p),
                "nothing changed: at temperature {t:g} the exponent must be {power:g}. "
                "(p ** 1 / temperature is p / temperature: put the exponent into brackets.)",
                t=t,
                power=1 / t,
            )
            need(
                not close(found, p**t / (p**t).sum()),
                "the exponent is 1 / temperature, here {power:g}; yours is {t:g}.",
                t=t,
                power=1 / t,
            )
            need(
                not close(found, power),
                "the powers are right, but they sum to {total:.2f}. Divide by their sum.",
                total=found.sum(),
            )
            wrong = {
                "this is p / temperature: p ** 1 / temperature is read so. "
                "Put the exponent into brackets, and divide by the sum.": p / t,
                "a softmax wants logarithms: use p.log() / temperature, so that a 0 stays a 0.": (
                    (p / t).softmax(dim=0)
                ),
                "a softmax of the powers raises e to them. They are positive: divide by their sum.": (
                    power.softmax(dim=0)
                ),
            }
            need_none_of(found, wrong)
            need(
                close(found.sum(), 1.0),
                "your probabilities sum to {total:.2f}; normalise after taking the power.",
                total=found.sum(),
            )
        need(
            bool((found[p == 0] == 0).all()),
            "at temperature {t:g} the impossible word got probability {much:.1g}. A 0 must stay a 0: "
            "add nothing to p.",
            t=t,
            much=found[p == 0].max(),
        )
        need(
            close(found, right),
            "at temperature {t:g} expected {right}, got {found}.",
            t=t,
            right=_shown(right),
            found=_shown(found),
        )
    p = torch.tensor([0.7, 0.0, 0.3], dtype=torch.float64)
    need(close(need_tensor(temper(p, 1.0), (3,)), p), "at temperature 1 nothing may change.")
    return praise("Cold sharpens, hot flattens, and an impossible word stays impossible.")


@exercise
def exercise_4(perplexity: Callable) -> str:
    """perplexity(log_probs, tokens): log p of each text in nats and the number of tokens of each to a number."""
    for log_probs, tokens in (([-6.0, -2.0], [4, 1]), ([-3.5, -9.0, -4.0], [2, 5, 6])):
        many, nats, each = len(tokens), -sum(log_probs), sum(tokens)
        right, found = math.exp(nats / each), need_number(perplexity(log_probs, tokens))
        if close(found, right):
            continue
        rates = [-log_p / n for log_p, n in zip(log_probs, tokens, strict=True)]
        wrong = {
            "this is below 1, a probability (the geometric mean of the tokens'). "
            "Perplexity is one over it: mind the minus.": 1 / right,
            "this is the loss in nats a token. Take exp of it.": nats / each,
            "this is the mean log-probability of a token. Take exp of minus it.": -nats / each,
            "you averaged over texts. Average over tokens, or long texts look worse than short ones.": (
                math.exp(nats / many)
            ),
            "you averaged the averages. Sum all log-probabilities, then divide by all tokens.": (
                math.exp(sum(rates) / many)
            ),
            "you averaged the perplexities of the texts. Sum all log-probabilities, divide by all tokens, "
            "and take exp at the end.": sum(map(math.exp, rates)) / many,
            "the logarithms are natural ones, so undo them with exp, not with 2 **.": (
                2 ** (nats / each)
            ),
            "this is one over the probability of all texts together. Divide by the number of tokens before exp.": (
                math.exp(nats)
            ),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "for {log_probs} nats and {tokens} tokens expected {right:.3f}, got {found:.3f}.",
            log_probs=log_probs,
            tokens=tokens,
            right=right,
            found=found,
        )
    uniform = need_number(perplexity([-10 * math.log(50)], [10]))
    need(
        close(uniform, 50.0),
        "ten tokens, each a uniform choice among 50 words, must give 50, not {found:.2f}.",
        found=uniform,
    )
    return praise("Perplexity: among how many equally likely words the model hesitates.")


@exercise
def exercise_5(label_or_none: Callable) -> str:
    """label_or_none(log_joint, tokens, floor): (2,) log p(x, y), so many tokens, to 0, 1 or None."""

    def ask(a: float, b: float, tokens: int, floor: float):
        return label_or_none(torch.tensor([a, b], dtype=torch.float64), tokens, floor)

    lenient, far = ask(-3.0, -4.0, 2, -1000.0), ask(-90.0, -80.0, 10, -5.0)
    if lenient is None:
        if far is None or far is Ellipsis:  # an empty stub, or a function that always refuses
            raise NotBegun(
                "you return None for every review. Replace the `...` by your code. "
                "If you have: log p(x) of -1.34 a token is above a floor of -1000, so name the likelier class."
            )
        raise NotYet(
            "turned round: you answer where log p(x) a token is below the floor, and refuse above it."
        )
    for a, b, tokens, floor in (
        (-3.0, -4.0, 2, -1000.0),
        (-20.0, -21.0, 10, -5.0),  # log p(x) itself is below the floor
        (-33.0, -30.0, 10, -5.0),  # the sum of both logarithms is, per token
        (-50.3, -50.2, 10, -5.0),  # the larger one is, per token
        (-150.0, -160.0, 40, -5.0),
    ):
        label = ask(a, b, tokens, floor)
        rate = torch.tensor([a, b], dtype=torch.float64).logsumexp(dim=0) / tokens
        if label is None:
            need(
                (a, tokens) not in ((-20.0, 10), (-150.0, 40)),
                "a review was refused whose log p(x) is {rate:.2f} a token, above the floor of {floor:g}. "
                "log p(x) falls with every token: divide it by the number of tokens, here {tokens}.",
                rate=rate,
                floor=floor,
                tokens=tokens,
            )
            raise NotYet(
                "log p(x, y) = {a:g} and {b:g} of {tokens} tokens: log p(x) is {rate:.2f} a token, above the floor "
                "of {floor:g}, and you returned None. p(x) is the sum of both p(x, y): use torch.logsumexp.",
                a=a,
                b=b,
                tokens=tokens,
                rate=rate,
                floor=floor,
            )
        need(
            not isinstance(label, bool) and getattr(label, "dtype", None) not in (bool, torch.bool),
            "return the index of the class, 0 or 1, not a truth value.",
        )
        found = need_number(label)
        need(
            found == (b > a),
            "the likelier class of log p(x, y) = {a:g} and {b:g} is {right}, you returned {found:g}.",
            a=a,
            b=b,
            right=int(b > a),
            found=found,
        )
    need(
        far is None,
        "a review of 10 tokens with log p(x) = -80 lies at -8 a token, below the floor of -5: "
        "return None, however clear p(y | x) is.",
    )
    need(
        ask(-30.0, -33.0, 10, -2.0) is None,
        "log p(x) is -3 a token. That is above a floor of -5, but below one of -2: use the argument `floor`.",
    )
    need(
        ask(-53.0, -53.5, 10, -5.0) is None,
        "log p(x, y) = -53 and -53.5 of 10 tokens: log p(x) is -5.25 a token, below the floor of -5. "
        "Did you divide each log p(x, y) by the tokens before adding? "
        "p(x) is the sum of p(x, y): logsumexp first, then divide.",
    )
    return praise("A generative model can say: I have never seen anything like it.")


def _no_nan(found: Tensor) -> None:
    need(not found.isnan().any(), "your answer contains NaN: did you take 0 / 0 or inf - inf?")


def _shown(numbers: Tensor) -> list[float]:
    """A few numbers as they are printed in a message."""
    return [round(number, 4) for number in numbers.tolist()]
