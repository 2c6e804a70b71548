"""The corpus of chapter 1: short reviews with a label, written for this book (CC0), and how to cut them into words."""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from genlib.expect import border

LABELS = ("negative", "positive")
TOPICS = ("food", "travel", "stories", "things")
SPLITS = ("train", "val", "test")
HEADER = ("split", "topic", "label", "text")
PATH = Path(__file__).parent / "assets" / "reviews.tsv"

# a number, an amount or a time as in £5.50 and 7:30; a word of any alphabet; any other mark: nothing is lost
_TOKEN = re.compile(r"[$£€¥]?\d+(?:[.:,]\d+)+|[$£€¥]\d+|[^\W_]+(?:['-][^\W_]+)*|\S")
_CAPITALS = [
    "monday",
    "tuesday",
    "wednesday",
    "thursday",
    "friday",
    "saturday",
    "sunday",
    "january",
    "february",
    "april",
    "june",
    "july",
    "september",
    "october",
    "november",
    "december",
    "christmas",
    "easter",
    "english",
    "french",
    "german",
    "italian",
    "spanish",
    "greek",
]


@border
@dataclass(frozen=True)
class Review:
    """One review: its text, its label ("positive" or "negative") and its topic."""

    text: str
    label: str
    topic: str


@border
@dataclass(frozen=True)
class Reviews:
    """The three parts of the corpus.

    A hash of the text alone decides which part a review belongs to.
    """

    train: list[Review]
    val: list[Review]
    test: list[Review]


@border
def read_rows(path: Path = PATH) -> list[dict[str, str]]:
    """The lines of a corpus file as dictionaries with the keys split, topic, label, text.

    Raises:
        ValueError: there is no such file, it is no UTF-8, or a line differs from split, topic, label, text.
    """
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise ValueError(f"path: expected a text file in UTF-8, got {path} ({error})") from error
    rows = [tuple(line.split("\t")) for line in lines]
    if not rows or rows[0] != HEADER:
        raise ValueError(f"{path.name}: expected the header {HEADER}, got {rows[:1]}")
    for number, row in enumerate(rows[1:], start=2):
        if len(row) != len(HEADER):
            raise ValueError(f"{path.name}: expected 4 columns in line {number}, got {len(row)}")
    return [dict(zip(HEADER, row, strict=True)) for row in rows[1:]]


@cache
def reviews() -> Reviews:
    """The corpus in its fixed split of about 60 % train, 15 % validation, 25 % test."""
    parts: dict[str, list[Review]] = {split: [] for split in SPLITS}
    for row in read_rows():
        parts[row["split"]].append(Review(row["text"], row["label"], row["topic"]))
    return Reviews(**parts)


@border
def tokenize(text: str) -> list[str]:
    """Words and punctuation marks of `text`, in lower case: "I can't, sorry!" -> i can't , sorry !"""
    text = unicodedata.normalize("NFC", text.lower()).replace("’", "'")
    return _TOKEN.findall(text)


@border
def detokenize(tokens: Sequence[str]) -> str:
    """A text that reads well from tokens: no space before a mark, capitals at the start of a sentence."""
    text, start = "", True
    for token in tokens:
        mark = token in ".,:;!?')"
        capital = start or token in _CAPITALS or re.fullmatch(r"i('[a-z]+)?", token)
        text += "" if mark or not text or text.endswith("(") else " "
        text += token[:1].upper() + token[1:] if capital else token
        start = token in ".!?" or (start and mark)
    return text


# The word-list baseline. Both lists were written down from general knowledge, after a look at some reviews
# but before any model was fitted or scored.
POSITIVE_WORDS = frozenset(
    [
        "good",
        "great",
        "excellent",
        "wonderful",
        "lovely",
        "nice",
        "best",
        "better",
        "amazing",
        "fantastic",
        "perfect",
        "perfectly",
        "brilliant",
        "superb",
        "delicious",
        "tasty",
        "fresh",
        "friendly",
        "kind",
        "kindly",
        "helpful",
        "warm",
        "clean",
        "comfortable",
        "cosy",
        "quiet",
        "quick",
        "quickly",
        "fast",
        "easy",
        "beautiful",
        "charming",
        "happy",
        "glad",
        "love",
        "loved",
        "loves",
        "enjoy",
        "enjoyed",
        "enjoyable",
        "favourite",
        "recommend",
        "recommended",
        "worth",
        "bargain",
        "fair",
        "generous",
        "honest",
        "honestly",
        "smile",
        "smiled",
        "smiling",
        "laugh",
        "laughed",
        "laughing",
        "fun",
        "funny",
        "gentle",
        "careful",
        "smooth",
        "solid",
        "sturdy",
        "reliable",
        "useful",
        "bright",
        "fine",
        "pleased",
        "pleasant",
        "impressed",
        "impressive",
        "delight",
        "delighted",
        "delightful",
        "thank",
        "thanks",
        "thankful",
        "grateful",
        "free",
        "welcome",
        "welcoming",
        "well",
        "gem",
        "treat",
    ]
)
NEGATIVE_WORDS = frozenset(
    [
        "bad",
        "worse",
        "worst",
        "awful",
        "terrible",
        "horrible",
        "poor",
        "poorly",
        "boring",
        "bored",
        "dull",
        "rude",
        "dirty",
        "filthy",
        "cold",
        "broken",
        "broke",
        "break",
        "breaks",
        "late",
        "slow",
        "slowly",
        "overpriced",
        "expensive",
        "disappointed",
        "disappointing",
        "disappointment",
        "disgusting",
        "smell",
        "smelled",
        "smelly",
        "stale",
        "burnt",
        "dry",
        "soggy",
        "bland",
        "tasteless",
        "raw",
        "sick",
        "waste",
        "wasted",
        "useless",
        "cheap",
        "flimsy",
        "faulty",
        "fault",
        "wrong",
        "noisy",
        "loud",
        "noise",
        "sad",
        "sadly",
        "unfortunately",
        "angry",
        "annoying",
        "annoyed",
        "hate",
        "hated",
        "ugly",
        "uncomfortable",
        "refund",
        "complain",
        "complained",
        "complaint",
        "problem",
        "problems",
        "fail",
        "failed",
        "fails",
        "failure",
        "missing",
        "lost",
        "dead",
        "leak",
        "leaked",
        "leaks",
        "crack",
        "cracked",
        "stain",
        "stains",
        "stained",
        "avoid",
        "regret",
        "ruined",
        "mess",
        "nasty",
        "weak",
        "tired",
        "unhappy",
        "regretted",
    ]
)


@border
def word_list_score(text: str) -> int:
    """Number of words of `text` on the positive list minus the number on the negative list."""
    tokens = tokenize(text)
    return sum(t in POSITIVE_WORDS for t in tokens) - sum(t in NEGATIVE_WORDS for t in tokens)


@border
def word_list_predict(text: str) -> str:
    """The label of the longer side of the word list; a tie counts as positive."""
    return "positive" if word_list_score(text) >= 0 else "negative"
