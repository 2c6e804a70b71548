"""Keep the review corpus in order: check it, fix its split, take in new reviews.

    python tools/make_reviews.py --check             # what CI runs: report every problem, change nothing
    python tools/make_reviews.py                     # write the file anew: split from the hash, lines sorted
    python tools/make_reviews.py --add food new.tsv  # take in lines `label<TAB>text` under the topic food

The split depends on nothing but a hash of the text within each topic and label, never on what a model makes
of it. A review that is added moves at most two others, those at the borders between the parts.
"""

import argparse
import hashlib
import re
import sys
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

from genlib.reviews import HEADER, LABELS, PATH, TOPICS, read_rows, tokenize

TRAIN, VAL = 0.60, 0.15  # the rest, 25 %, is for the test
WORDS = (9, 34)  # the shortest and the longest review, punctuation not counted
# Two reviews that share this many words in a row are too close; five may
# happen ("it was the first time").
RUN = 6
# So are two whose sets of words overlap this much (Jaccard: shared / all).
OVERLAP = 0.40
ALLOWED = re.compile(r"[A-Za-z0-9 .,!?'-]+")

Row = dict[str, str]


def words(text: str) -> list[str]:
    """The words of a review without its punctuation."""
    return [token for token in tokenize(text) if token[0].isalnum()]


def place(text: str) -> str:
    """Where a review stands in the line that is cut into parts: the SHA-256 of its words."""
    return hashlib.sha256(" ".join(words(text)).encode()).hexdigest()


def split(rows: list[Row]) -> list[Row]:
    """The rows with their part set: in each topic and label the first 60 % by hash train, the next 15 % validate."""
    cells: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in sorted(rows, key=lambda row: place(row["text"])):
        cells[row["topic"], row["label"]].append(row)
    done = []
    for cell in cells.values():
        for i, row in enumerate(cell):
            share = (i + 0.5) / len(cell)
            part = "train" if share < TRAIN else "val" if share < TRAIN + VAL else "test"
            done.append({**row, "split": part})
    return done


def problems_of(row: Row) -> list[str]:
    """What is wrong with one line on its own."""
    text, n = row["text"], len(words(row["text"]))
    found = []
    if not ALLOWED.fullmatch(text):
        found.append("has characters other than ASCII letters, digits and . , ! ? ' -")
    if text != " ".join(text.split()) or text[-1:] not in (".", "!", "?"):
        found.append("has stray spaces or does not end with . ! or ?")
    if not WORDS[0] <= n <= WORDS[1]:
        found.append(f"has {n} words, expected {WORDS[0]} to {WORDS[1]}")
    if row["label"] not in LABELS or row["topic"] not in TOPICS:
        found.append(f"has label {row['label']!r} and topic {row['topic']!r}")
    return [f"{text[:60]!r} {problem}" for problem in found]


def runs_of(text: str, n: int) -> set[tuple[str, ...]]:
    """All runs of `n` words in a row."""
    tokens = words(text)
    return {tuple(tokens[i : i + n]) for i in range(len(tokens) - n + 1)}


def near_duplicates(texts: list[str]) -> list[str]:
    """Pairs of reviews that share a run of RUN words, or whose sets of words overlap by OVERLAP or more."""
    where: dict[tuple[str, ...], list[int]] = defaultdict(list)
    for i, text in enumerate(texts):
        for run in runs_of(text, RUN):
            where[run].append(i)
    found = {(i, j): " ".join(run) for run, ids in where.items() for i, j in combinations(ids, 2)}
    sets = [set(words(text)) for text in texts]
    for i, j in combinations(range(len(texts)), 2):
        shared = len(sets[i] & sets[j])
        if shared >= OVERLAP * (len(sets[i]) + len(sets[j]) - shared):
            found[i, j] = f"{shared} words of their {len(sets[i] | sets[j])}"
    return [f"{texts[i]!r}\n  and {texts[j]!r}\n  share: {what}" for (i, j), what in found.items()]


def balance(rows: list[Row]) -> list[str]:
    """Both labels must be equally frequent within each topic, and every review must stand in its part."""
    found = []
    counts = Counter((row["topic"], row["label"]) for row in rows)
    for topic in TOPICS:
        n = [counts[topic, label] for label in LABELS]
        if n[0] != n[1]:
            found.append(
                f"topic {topic}: {n[0]} negative, {n[1]} positive; expected as many of each"
            )
    expected = {row["text"]: row["split"] for row in split(rows)}
    moved = [row for row in rows if row["split"] != expected[row["text"]]]
    return found + [f"{row['text'][:60]!r} belongs to {expected[row['text']]!r}" for row in moved]


def problems(rows: list[Row]) -> list[str]:
    """Everything that is wrong with a corpus, one message each; an empty list if it is in order."""
    texts = [row["text"] for row in rows]
    twice = [f"{text!r} occurs {n} times" for text, n in Counter(texts).items() if n > 1]
    single = [problem for row in rows for problem in problems_of(row)]
    return single + twice + near_duplicates(sorted(set(texts))) + balance(rows)


def write(rows: list[Row], path: Path = PATH) -> None:
    """Write the corpus with its split set anew, sorted by topic, label and text."""
    rows = sorted(
        split(rows), key=lambda row: (TOPICS.index(row["topic"]), row["label"], row["text"])
    )
    lines = ["\t".join(row[key] for key in HEADER) for row in rows]
    path.write_text("\n".join(["\t".join(HEADER), *lines]) + "\n", encoding="utf-8")


def added(topic: str, path: Path) -> list[Row]:
    """The lines `label<TAB>text` of a file as rows of the corpus."""
    pairs = [
        line.split("\t") for line in path.read_text(encoding="utf-8").splitlines() if line.strip()
    ]
    return [{"split": "", "topic": topic, "label": label, "text": text} for label, text in pairs]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="report problems, change nothing")
    parser.add_argument("--add", nargs=2, metavar=("TOPIC", "FILE"), action="append", default=[])
    args = parser.parse_args()
    rows = read_rows() if PATH.exists() else []
    for topic, name in args.add:
        rows += added(topic, Path(name))
    if not args.check:
        write(rows)
        rows = read_rows()
    found = problems(rows)
    print(*found, sep="\n")
    print(
        f"{len(rows)} reviews, {dict(Counter(row['split'] for row in rows))}, {len(found)} problems"
    )
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
