"""The writer of chapter 1: an n-gram model of the words of a review, one for each label, p(x | y).

The probability of the next word w after the words h under label y is

    p(w | h, y) = max(c(h, w, y) - d, 0) / c(h, y)  +  d * kinds(h, y) / c(h, y) * p(w | h', y)

with h the last order - 1 words and h' those without the oldest. At the longest h, c(h, w, y) counts how often w
followed h in the training reviews of label y; at shorter ones it counts how many different words stood before
h w, since the shorter context is asked only where the longer one does not know. c(h, y) is the sum over w, and
kinds(h, y) the number of different w. So what the discount d takes from the words that were seen after h is given
to the shorter context, and a context that was never seen hands everything on. After no context at all, h' stands
for the same counts over both labels together; below them lies a fixed distribution, the share `unknown` for all
words outside the vocabulary and the rest in equal parts for the words inside it.

This is interpolated Kneser-Ney smoothing (Kneser and Ney 1995; Chen and Goodman 1999, section 2.7).
"""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence

import torch
from torch import Tensor

from genlib.expect import (
    Amount,
    Count,
    Size,
    border,
    expect_fitted,
    expect_number,
    expect_one_of,
    expect_texts,
    expect_weights,
)
from genlib.reviews import detokenize, tokenize

BEGIN, END, UNKNOWN = "<begin>", "<end>", "<unknown>"
POOLED = "<pooled>"
Context = tuple[str, ...]


@border
class NGramWriter:
    """Class-conditional n-gram model: classifies a review by Bayes' rule and writes new ones.

    Args:
        order: number of words in a gram; 1 looks at no context, 2 is a bigram, 3 a trigram.
        discount: d of the formula, in [0, 1]: how much is taken from every count; one number, or one for each
            length of context 0, 1, ... order - 1. 0 switches smoothing off.
        unknown: share of the last distribution that stands for all words never seen in training, in (0, 1).
    """

    def __init__(
        self, order: Size = 3, discount: float | Sequence[float] = 0.85, unknown: float = 0.5
    ):
        expect_number("unknown", unknown, 0, 1, open_low=True, open_high=True)
        discounts = tuple(discount) if isinstance(discount, Sequence) else (discount,) * order
        if len(discounts) != order or not all(0 <= d <= 1 for d in discounts):
            raise ValueError(
                f"discount: expected one number in [0, 1] or {order} of them, got {discount!r}"
            )
        self.order, self.discount, self.unknown = order, discounts, unknown

    def fit(self, texts: Iterable[str], labels: Iterable[str]) -> "NGramWriter":
        """Count the grams of every label; return the model itself.

        Raises:
            ValueError: there are no texts, one without a word, or not as many labels as texts.
        """
        texts, labels = _pairs(texts, labels)
        tokens = [tokenize(text) for text in texts]
        if [] in tokens:
            strange = texts[tokens.index([])]
            raise ValueError(f"texts: expected a word in every text, got the text {strange!r}")
        seen = Counter(word for review in tokens for word in review)
        self.rare = {word for word, n in seen.items() if n == 1}
        self.vocabulary = [*sorted(seen), END, UNKNOWN]
        self.index = {word: i for i, word in enumerate(self.vocabulary)}
        self.labels = sorted(set(labels))
        self.prior = {y: labels.count(y) / len(labels) for y in self.labels}
        self.known = [f" {' '.join(review)} " for review in tokens]
        self.counts: dict[tuple[str, Context], Counter] = defaultdict(Counter)
        self.before: dict[tuple[str, Context], set] = defaultdict(set)
        for review, y in zip(tokens, labels, strict=True):
            self._count(review, y)
        self.columns: dict[tuple[str, Context], tuple[Tensor, Tensor]] = {}
        self.total = {key: counter.total() for key, counter in self.counts.items()}
        return self

    def _count(self, review: list[str], y: str) -> None:
        """Count one review. A rare word in a context is counted as the unknown word too, so that a word that
        the reader types and the model never saw is followed by what followed the words it saw once."""
        for context, word in grams([*review, END], self.order):
            for n in range(self.order):
                h = context[len(context) - n :]
                masked = tuple(UNKNOWN if w in self.rare else w for w in h)
                before = context[len(context) - n - 1] if n < len(context) else None
                for key in {(y, h), (y, masked), *([(POOLED, ())] if n == 0 else [])}:
                    if before is None or (before, word) not in self.before[key]:
                        self.counts[key][word] += 1
                        self.before[key].add((before, word))

    def _known(self, word: str) -> str:
        return word if word in self.index else UNKNOWN

    def _chain(self, context: Sequence[str], y: str) -> list[tuple[str, Context]]:
        """The contexts of the formula from the shortest to the longest, as far as they were seen."""
        known = [
            *[BEGIN] * (self.order - 1),
            *(w if w == BEGIN else self._known(w) for w in context),
        ]
        keys = [(y, tuple(known[len(known) - n :])) for n in range(self.order)]
        return [key for key in [(POOLED, ()), *keys] if key in self.counts]

    def _expect_label(self, label: str) -> None:
        expect_fitted(self, "prior")
        expect_one_of("label", label, self.labels)

    def prob(self, word: str, context: Sequence[str], label: str) -> float:
        """p(word | context, label), the formula at the top of this module."""
        self._expect_label(label)
        word = self._known(word)
        inside = len(self.vocabulary) - 1
        p = self.unknown if word == UNKNOWN else (1 - self.unknown) / inside
        for key in self._chain(context, label):
            c, total = self.counts[key], self.total[key]
            d = self.discount[len(key[1])]
            p = max(c[word] - d, 0.0) / total + d * len(c) / total * p
        return p

    def next_word(self, context: Sequence[str], label: str) -> Tensor:
        """p( . | context, label) over `vocabulary`, shape (V,), float64; the last two are the end and unknown."""
        self._expect_label(label)
        inside = len(self.vocabulary) - 1
        p = torch.full((inside + 1,), (1 - self.unknown) / inside, dtype=torch.float64)
        p[-1] = self.unknown
        for key in self._chain(context, label):
            c, total = self.counts[key], self.total[key]
            d = self.discount[len(key[1])]
            rows, n = self._columns(key)
            p *= d * len(c) / total
            p[rows] += (n - d).clamp(min=0) / total
        return p

    def _columns(self, key: tuple[str, Context]) -> tuple[Tensor, Tensor]:
        """The counts after one context as two tensors, where and how many; kept, since writing asks often."""
        if key not in self.columns:
            c = self.counts[key]
            where = torch.tensor([self.index[word] for word in c])
            self.columns[key] = where, torch.tensor(list(c.values()), dtype=torch.float64)
        return self.columns[key]

    def log_prob(self, text: str, label: str) -> float:
        """log p(text | label) in nats, the end of the review included; -inf where a factor is 0."""
        self._expect_label(label)
        factors = [self.prob(w, h, label) for h, w in grams([*tokenize(text), END], self.order)]
        return sum(math.log(p) if p > 0 else -math.inf for p in factors)

    def log_joint(self, texts: Iterable[str]) -> Tensor:
        """log p(text, label) = log p(label) + log p(text | label), nats, shape (B, labels) in the order of `labels`."""
        expect_fitted(self, "prior")
        rows = [
            [math.log(self.prior[y]) + self.log_prob(text, y) for y in self.labels]
            for text in expect_texts("texts", texts)
        ]
        return torch.tensor(rows, dtype=torch.float64)

    def posterior(self, texts: Iterable[str]) -> Tensor:
        """p(label | text) by Bayes' rule, shape (B, labels)."""
        return self.log_joint(texts).softmax(dim=1)

    def predict(self, texts: Iterable[str]) -> list[str]:
        """The most probable label of each text."""
        return [self.labels[i] for i in self.log_joint(texts).argmax(dim=1).tolist()]

    def perplexity(self, texts: Iterable[str], labels: Iterable[str]) -> float:
        """exp of minus the mean log-probability of a token under its true label, ends of reviews included."""
        expect_fitted(self, "prior")
        texts, labels = _pairs(texts, labels)
        for label in labels:
            expect_one_of("labels", label, self.labels)
        log_prob = sum(self.log_prob(text, y) for text, y in zip(texts, labels, strict=True))
        return math.exp(-log_prob / sum(len(tokenize(text)) + 1 for text in texts))

    def write(
        self,
        label: str,
        rng: torch.Generator | None = None,
        *,
        prompt: str = "",
        temperature: float = 1.0,
        longest: Count = 60,
    ) -> str:
        """Draw a review word by word from p( . | context, label), going on from `prompt`.

        Args:
            temperature: probabilities are raised to 1 / temperature and normalised; 0 takes the likeliest word.
            longest: stop after so many tokens.

        The unknown word has no spelling, so it is never drawn: its probability goes to the others in proportion.
        """
        self._expect_label(label)
        tokens = tokenize(prompt)
        while len(tokens) < longest:
            p = self.next_word(tokens, label)
            p[-1] = 0
            word = self.vocabulary[draw(p, temperature, rng)]
            if word == END:
                break
            tokens.append(word)
        return detokenize(tokens)

    def write_new(
        self,
        label: str,
        rng: torch.Generator | None = None,
        *,
        shortest: Count = 8,
        tries: Size = 200,
        **options,
    ) -> str:
        """The first of at most `tries` written reviews with at least `shortest` tokens that `is_new`.

        It draws from p(x | y) cut down to the texts that pass; `options` go to `write`.

        Raises:
            RuntimeError: no try passed.
        """
        for _ in range(tries):
            text = self.write(label, rng, **options)
            if len(tokenize(text)) >= shortest and self.is_new(text):
                return text
        raise RuntimeError(
            f"write_new: {tries} tries, none with {shortest} tokens or more that is new"
        )

    def is_new(self, text: str) -> bool:
        """Whether `text` is no training review, nor a piece cut out of a single one."""
        expect_fitted(self, "known")
        tokens = f" {' '.join(tokenize(text))} "
        return not any(tokens in review for review in self.known)


@border
def grams(tokens: Sequence[str], order: Size) -> Iterator[tuple[Context, str]]:
    """Every token with the `order` - 1 tokens before it, filled up by BEGIN at the start."""
    padded = [*[BEGIN] * (order - 1), *tokens]
    return ((tuple(padded[i : i + order - 1]), word) for i, word in enumerate(tokens))


@border
def draw(p: Tensor, temperature: Amount, rng: torch.Generator | None = None) -> int:
    """An index drawn from p ** (1 / temperature), normalised; the largest one at temperature 0."""
    expect_weights("p", p)
    if temperature < torch.finfo(p.dtype).eps:
        return int(p.argmax())
    tempered = (p.log() / temperature).softmax(dim=0)
    return int(torch.multinomial(tempered, 1, generator=rng))


@border
def longest_copy(text: str, texts: Iterable[str]) -> int:
    """The largest number of tokens in a row that `text` shares with a single one of `texts`."""
    tokens = tokenize(text)
    others = [f" {' '.join(tokenize(other))} " for other in expect_texts("texts", texts)]
    longest = 0
    for start in range(len(tokens)):
        while start + longest < len(tokens):
            run = f" {' '.join(tokens[start : start + longest + 1])} "
            if not any(run in other for other in others):
                break
            longest += 1
    return longest


def _pairs(texts: Iterable[str], labels: Iterable[str]) -> tuple[list[str], list[str]]:
    """Texts and as many labels, as lists."""
    texts, labels = expect_texts("texts", texts), expect_texts("labels", labels)
    if len(texts) != len(labels):
        raise ValueError(
            f"texts, labels: expected as many of each, got {len(texts)} and {len(labels)}"
        )
    return texts, labels
