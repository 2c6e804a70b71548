"""Checkers of notebook 07b, the table."""

import math
from statistics import fmean, pstdev, stdev, variance

import torch
from torch import Tensor

from genlib.check.verdict import (
    as_tensor,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)

FIVE = [
    [0.41, 0.52, 0.33],
    [0.61, 0.40, 0.58],
    [0.35, 0.37, 0.45],
    [0.50, 0.44, 0.62],
    [0.3, 0.4, 0.2],
]
THREE = [[2.0, 2.4], [3.0, 3.5], [1.6, 1.9]]
UNEVEN = [[1.0], [2.0, 4.0, 6.0], [3.0, 4.0]]  # every seed counts the same


@exercise
def exercise_1(answer) -> str:
    """answer(values, t): the two ends of the interval."""
    for values, t in ((FIVE, 2.776), (THREE, 4.303), (UNEVEN, 4.303)):
        ends = need_two(answer(values, t), "expected two numbers, from and to.")
        low, high = (need_number(end) for end in ends)
        means, every = [fmean(own) for own in values], [v for own in values for v in own]
        S, n, middle = len(means), len(every), fmean(means)

        def around(half, centre=middle):
            return centre - half, centre + half

        s, right = stdev(means), around(t * stdev(means) / math.sqrt(S))
        wrong = {
            "this takes all draws for independent ones. Draws of one seed share its training: "
            "first one mean for each seed, then count seeds.": (
                around(t * stdev(every) / math.sqrt(n), fmean(every))
            ),
            "divide by the root of the number of seeds, not of draws.": around(
                t * s / math.sqrt(n)
            ),
            "this is how far single seeds scatter. Their mean scatters less, by the root of their number.": (
                around(t * s)
            ),
            "divide by the root of the number of seeds, not by the number.": around(t * s / S),
            "the standard deviation of a sample divides by one less than its number (`statistics.stdev`).": (
                around(t * pstdev(means) / math.sqrt(S))
            ),
            "t is missing: one standard error to either side is no 95 % interval.": (
                around(s / math.sqrt(S))
            ),
            "the middle should be the mean of the means of the seeds: every seed counts the same, "
            "however many draws it has.": around(t * s / math.sqrt(S), fmean(every)),
            "this is the middle and the half width. From is the one minus the other, to is their sum.": (
                (middle, t * s / math.sqrt(S))
            ),
            "the standard deviation is that of the means of the seeds, not of all draws.": (
                around(t * stdev(every) / math.sqrt(S))
            ),
        }
        need_none_of((low, high), wrong, right)
        need(
            close((low, high), right),
            "{seeds} seeds, t = {t:g}: expected m - t s / sqrt(S) and m + t s / sqrt(S), with m and s of the means "
            "of the seeds, the smaller end first; got {low:g} and {high:g}.",
            seeds=S,
            t=t,
            low=low,
            high=high,
        )
    return praise("Seeds are counted, and the chance of the draws is in their means.")


WORDS = ("better", "worse", "same")
PAIRS = (  # seed means of a row and of the reference, t
    ([0.2, 0.3, 0.25], [0.9, 1.0, 1.1, 0.95], 3.0),  # clear
    ([0.9, 1.0, 1.1, 0.95], [0.2, 0.3, 0.25], 3.0),
    ([0.5, 0.7, 0.6], [0.6, 0.8, 0.7], 3.0),  # a gap smaller than the chance
    ([1.0, 1.3, 1.6], [1.8, 2.1, 2.4, 2.7], 3.0),  # the sum of the roots would hide the gap
    ([2.0, 2.2, 2.4, 2.6, 2.8], [1.0, 1.3, 1.6, 1.9], 3.5),  # the same, and worse
    ([1.0, 1.0], [1.0, 1.0, 1.0], 2.0),  # the edge: nothing varies, nothing differs
)


@exercise
def exercise_2(answer) -> str:
    """answer(a, b, t): a word on the Fréchet distance of a row against a reference."""
    for a, b, t in PAIRS:
        found = answer(a, b, t)
        need_answer(found)
        need(
            isinstance(found, str) and found in WORDS,
            'expected one of the words "better", "worse" and "same", got {found!r}.',
            found=found,
        )
        gap = fmean(a) - fmean(b)
        chance = t * math.sqrt(variance(a) / len(a) + variance(b) / len(b))
        right = "same" if abs(gap) <= chance else "better" if gap < 0 else "worse"
        turned = {"better": "worse", "worse": "better", "same": "same"}
        need(
            found == right or found != turned[right],
            "seed means {a} against {b}: of Fréchet distances the smaller one is better.",
            a=a,
            b=b,
        )
        need(
            found == right or right != "same",
            "seed means {a} against {b}, t = {t:g}: the means differ by {gap:.2f}, and chance alone explains up to "
            "{chance:.2f}: nothing is shown.",
            a=a,
            b=b,
            t=t,
            gap=abs(gap),
            chance=chance,
        )
        need(
            found == right,
            "seed means {a} against {b}, t = {t:g}: the means differ by {gap:.2f}, which is more than the {chance:.2f} "
            "that chance explains. Under the root stands s_a^2 / S_a + s_b^2 / S_b.",
            a=a,
            b=b,
            t=t,
            gap=abs(gap),
            chance=chance,
        )
    return praise('And "same" means: not told apart. It does not mean equal.')


@exercise
def exercise_3(answer) -> str:
    """answer(train_s, sample_s, share, n): CPU-seconds for each of n accepted samples."""
    for train_s, sample_s, share, n in ((30.0, 0.002, 0.5, 1000), (3.0, 0.09, 0.8, 200)):
        found = need_number(answer(train_s, sample_s, share, n))
        right = train_s / n + sample_s / share
        wrong = {
            "only a share is accepted, so more samples must be drawn than accepted: divide by it.": (
                train_s / n + sample_s * share
            ),
            "the training is missing.": sample_s / share,
            "rejected samples cost as much as accepted ones.": train_s / n + sample_s,
            "the training is paid once. Rejected samples do not repeat it.": (
                (train_s + n * sample_s) / (n * share)
            ),
            "the training is paid once, for all n samples together.": train_s + sample_s / share,
            "this is the cost of all n; the question is the cost of each.": (
                train_s + n * sample_s / share
            ),
            "the share is that of accepted samples, not of rejected ones.": train_s / n
            + sample_s / (1 - share),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "training {train_s:g} s, sample {sample_s:g} s, share {share:g}, n = {n}: expected the training's part "
            "for each sample and the draws for each accepted one; got {found:g}.",
            train_s=train_s,
            sample_s=sample_s,
            share=share,
            n=n,
            found=found,
        )
    nothing = need_number(answer(10.0, 0.1, 0.0, 100))
    need(
        nothing == math.inf,
        "if no sample is ever accepted, no price buys one: return math.inf for a share of 0.",
    )
    return praise("A cheap model with many rejects may still be the cheaper one.")


@exercise
def exercise_4(answer) -> str:
    """answer(values, k, rng): k means of seeds that were drawn with replacement."""
    for values, k in (
        ([[0.0, 2.0], [10.0, 12.0]], 400),
        ([[1.0, 3.0], [5.0, 9.0], [30.0, 60.0]], 900),
    ):
        found = need_tensor(answer(values, k, _rng(0)))
        need(
            found.numel() == k,
            "expected {k} means, got {found} numbers.",
            k=k,
            found=found.numel(),
        )
        found = found.reshape(-1).double()
        again = need_tensor(answer(values, k, _rng(0))).reshape(-1).double()
        need(
            again.shape == found.shape and close(found, again),
            "two calls with equal rng differ: draw with `generator=rng`.",
        )
        means = torch.tensor([fmean(own) for own in values], dtype=torch.float64)
        _need_means_of_seeds(found, means, values)
    return praise(
        "No normal distribution was assumed. With so few seeds it is a rough guide all the same."
    )


def _rng(seed: int) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def _need_means_of_seeds(found: Tensor, means: Tensor, values: list) -> None:
    """Every mean is one of S seeds with replacement, and they come up as often as they should."""
    S, k = len(means), len(found)
    need(
        not close(found.min(), found.max()) or not close(found[0], means.mean()),
        "every mean is the same: with replacement some seeds come twice, and others not at all.",
    )
    picks = torch.cartesian_prod(*[torch.arange(S)] * S)
    possible = means[picks].mean(dim=1)
    off = (found[:, None] - possible).abs().amin(dim=1) > 1e-4
    single = (found[:, None] - means).abs().amin(dim=1) <= 1e-4
    draws = torch.tensor([v for own in values for v in own], dtype=torch.float64)
    one_draw = (found[:, None] - draws).abs().amin(dim=1) <= 1e-4
    need(
        not (off & one_draw).any() or not one_draw.all(),
        "draw seeds, as many as there are, and take the mean of them; yours are single draws.",
    )
    need(
        not off.any(),
        "{value:g} is no mean of {seeds} seeds of {values}. Seeds are drawn, as many as there are, each with its mean "
        "over its draws.",
        value=found[off][0].item() if off.any() else 0,
        seeds=S,
        values=values,
    )
    need(
        not single.all(),
        "each of your means is that of a single seed: draw as many seeds as there are.",
    )
    sd, right = found.std().item(), (means.std(correction=0) / math.sqrt(S)).item()
    need(
        abs(found.mean() - means.mean()) < 5 * right / math.sqrt(k) and abs(sd / right - 1) < 0.2,
        "{k} means of {values} scatter by {sd:.2f} around {mean:.2f}; expected about {right:.2f} around {middle:.2f}. "
        "Is every seed drawn as often as every other?",
        k=k,
        values=values,
        sd=sd,
        mean=found.mean().item(),
        right=right,
        middle=means.mean().item(),
    )


@exercise
def exercise_5(answer) -> str:
    """answer(train, score, seeds, draws): one list a seed of the Fréchet distances of its draws."""
    for seeds, draws in (((0, 1, 2), 3), ((4, 7), 2)):
        trained, asked = [], []

        def train(seed, trained=trained, asked=asked):
            number = int(as_tensor(seed, "train takes one seed, a whole number, got {kind}."))
            trained.append(number)

            def sample(n, rng, number=number):
                need(
                    isinstance(rng, torch.Generator),
                    "sample(n, rng) takes a torch.Generator second, got {kind}.",
                    kind=type(rng).__name__,
                )
                x = torch.rand(int(n), 1, 1, 1, generator=rng) + number
                asked.append((number, len(x)))
                return x

            return sample

        def score(x):
            return {"frechet": x.double().mean().item(), "precision": 0.5}

        found = answer(train, score, list(seeds), draws)
        need_answer(found)
        need(
            not isinstance(found, dict),
            "expected the list of lists itself; the row is made from it afterwards.",
        )
        _need_rightly_asked(trained, asked, seeds, draws)
        found = need_tensor(found)
        found = found.squeeze(2) if found.ndim == 3 and found.shape[2] == 1 else found
        need(
            tuple(found.shape) != (draws, len(seeds)) or draws == len(seeds),
            "turn it over: one list for each seed, with a number for each draw.",
        )
        need(
            tuple(found.shape) == (len(seeds), draws),
            "expected {seeds} lists, one a seed, of {draws} numbers each; got the shape {shape}.",
            seeds=len(seeds),
            draws=draws,
            shape=tuple(found.shape),
        )
        _need_scores(found.double(), seeds, draws)
    return praise("That is a row. Hand it to Table(...), and ask for the verdict.")


def _need_rightly_asked(trained: list, asked: list, seeds: tuple, draws: int) -> None:
    """One training a seed, and from each as many draws of 1,000 as asked for."""
    need(
        len(trained) != len(seeds) * draws or draws == 1,
        "you trained {many} times. All draws of a seed come from its one trained model.",
        many=len(trained),
    )
    need(
        sorted(trained) == sorted(seeds),
        "expected one training for each of the seeds {seeds}, got trainings with {found}.",
        seeds=list(seeds),
        found=trained,
    )
    sizes = sorted({n for _, n in asked})
    need(
        sizes == [1000] or not sizes,
        "1,000 samples a draw, as in every row of the table: the Fréchet distance depends on n. You drew {sizes}.",
        sizes=sizes,
    )
    need(
        len(asked) == len(seeds) * draws,
        "expected {draws} draws from each of {seeds} models, got {found} draws in all.",
        draws=draws,
        seeds=len(seeds),
        found=len(asked),
    )


def _need_scores(found: Tensor, seeds: tuple, draws: int) -> None:
    """The scores of draws that go on with the random numbers of their seed."""
    generators = [_rng(seed) for seed in seeds]
    right = torch.tensor(
        [
            [
                (torch.rand(1000, 1, 1, 1, generator=rng) + seed).double().mean()
                for _ in range(draws)
            ]
            for seed, rng in zip(seeds, generators, strict=True)
        ],
        dtype=torch.float64,
    )
    fresh = right[:, :1].expand(-1, draws)
    need(
        not close(found, fresh),
        "all draws of a seed are the same samples: make the generator once for each seed, and go on with it.",
    )
    need(
        not close(found, torch.full_like(found, 0.5)),
        'these are precisions; the Fréchet distance is score(x)["frechet"].',
    )
    off = (found - right).abs().amax(dim=1) > 1e-4
    need(
        not off.any(),
        "seed {seed}: other samples were expected. Its generator is torch.Generator().manual_seed({seed}), made once, "
        "and used for all its draws, one after the other.",
        seed=seeds[int(off.int().argmax())],
    )


CLAIMS, OPEN = range(1, 7), {2, 3, 5}


@exercise
def exercise_6(answer) -> str:
    """answer(): the numbers of the claims to which the table does not entitle."""
    found = answer()
    need_answer(found)
    found = list(found) if isinstance(found, set | frozenset) else found
    numbers = as_tensor(found, "expected a list of the numbers of claims, got {kind}.")
    numbers = numbers.reshape(-1).tolist()
    need(
        all(number in CLAIMS for number in numbers),
        "the claims have the numbers 1 to 6, got {numbers}.",
        numbers=numbers,
    )
    chosen = {int(number) for number in numbers}
    need(len(chosen) > 0, "at least one of the claims goes too far.")
    need(len(chosen) < len(CLAIMS), "at least one of the claims is well founded.")
    wrong = chosen ^ OPEN
    need(
        1 not in wrong,
        "claim 1: both rows stand in the table, on the same data, and the verdict tells them apart.",
    )
    need(
        2 not in wrong,
        "claim 2: it speaks of families. The table has one recipe of each, on one small set of digits.",
    )
    need(
        3 not in wrong,
        "claim 3: is what was not told apart equal? Perhaps there were too few seeds.",
    )
    need(
        4 not in wrong,
        "claim 4: both costs were measured, of the same networks, and they differ by far more than they scatter.",
    )
    need(
        5 not in wrong,
        "claim 5: the ratio is a median of distances of pixels. What of the other half, and of shifted copies?",
    )
    need(
        6 not in wrong,
        "claim 6: the pixels are the same. What follows when a lower bound lies above an exact value?",
    )
    return praise(
        "A table says what was measured, and how sure that is. The rest is yours to argue."
    )
