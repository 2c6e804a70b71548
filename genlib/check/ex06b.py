"""Checkers of notebook 06b, words to pictures."""

import torch

from genlib.check.verdict import (
    NotYet,
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


@exercise
def exercise_1(answer) -> str:
    """answer(caption, words, length): the tokens of a caption, a list of `length` whole numbers."""
    few, world = ("red", "blue", "disc"), ("up", "down", "left", "right", "far")
    for caption, words, length in (
        ("blue disc", few, 4),
        ("far up left", world, 3),
        ("Red DISC", few, 2),
        ("  down   far ", world, 5),
        ("", few, 2),
    ):
        try:
            found = answer(caption, words, length)
        except NotYet as problem:
            need(
                caption == caption.lower(),
                "{caption!r}: capital letters should not matter, and here {problem}",
                caption=caption,
                problem=problem,
            )
            raise
        need_answer(found)
        found = as_tensor(found, "expected a list of whole numbers, got {kind}.").reshape(-1)
        places = [words.index(word) for word in caption.lower().split()]
        right = [k + 1 for k in places] + [0] * (length - len(places))
        need(
            found.tolist() != places + [0] * (length - len(places)) or found.tolist() == right,
            "the first word of the list is token 1: 0 is kept for no word.",
        )
        need(
            found.tolist() != right[: len(places)] or len(places) == length,
            "{caption!r}: fill up with zeros to {length} numbers.",
            caption=caption,
            length=length,
        )
        need(
            found.tolist() != right[::-1] or right == right[::-1],
            "{caption!r}: the words in their order, and the zeros behind them.",
            caption=caption,
        )
        need(
            found.tolist() != sorted(right[: len(places)]) + right[len(places) :]
            or sorted(right[: len(places)]) == right[: len(places)],
            "{caption!r}: keep the order of the words.",
            caption=caption,
        )
        need(
            found.tolist() == right,
            "{caption!r}: expected {right}, got {found}.",
            caption=caption,
            right=right,
            found=found.tolist(),
        )
    try:
        value, refused = answer("red circle", few, 3), False
    except NotYet:
        value, refused = None, True
    need(
        refused,
        "'circle' is not on the list {words}, and you returned {value}. Do not guess: raise an error.",
        words=list(few),
        value=value,
    )
    return praise("A list of words, counted from 1, and no guessing.")


@exercise
def exercise_2(answer) -> str:
    """answer(tokens, table): the sum of the embeddings of each caption, (B, width); token 0 counts nothing."""
    for tokens, width in (([[2, 1, 0, 0], [3, 3, 1, 0]], 3), ([[1, 0], [0, 0], [2, 4]], 2)):
        tokens = torch.tensor(tokens)
        table = torch.randn(5, width, generator=torch.Generator().manual_seed(width))
        B = len(tokens)
        there = (tokens > 0).float()[:, :, None]
        found = need_tensor(answer(tokens, table))
        need(
            tuple(found.shape) != (B, tokens.shape[1], width),
            "these are the embeddings one by one; add those of a caption, over dim=1.",
        )
        need(
            tuple(found.shape) != (tokens.shape[1], width) or tokens.shape[1] == B,
            "this adds up over the captions; add the words of each caption, over dim=1.",
        )
        found, rows = need_tensor(found, (B, width)), table[tokens]
        right = (rows * there).sum(dim=1)
        before = (table[(tokens - 1).clamp(min=0)] * there).sum(dim=1)
        wrong = {
            "row 0 of the table counts in yours: where the token is 0 there is no word.": rows.sum(
                dim=1
            ),
            "this is the mean of the embeddings: then a caption of four words says each of them more softly.": (
                right / there.sum(dim=1).clamp(min=1)
            ),
            "this is the mean over all places, the empty ones too; take the sum.": right
            / tokens.shape[1],
            "token k has row k of the table; yours takes the row before it.": before,
            "this is the first word alone.": rows[:, 0] * there[:, 0],
            "this is the last place alone.": rows[:, -1] * there[:, -1],
            "a word that is said twice counts twice.": torch.stack(
                [table[row[row > 0].unique()].sum(dim=0) for row in tokens]
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected for each caption the sum of table[k] over its tokens k above 0.",
        )
    return praise("The whole of how words get into the network.")


@exercise
def exercise_3(answer) -> str:
    """answer(colour, shape, clean, pair): the lenient and the strict share."""
    for colour, shape, clean, pair in (
        ([0, 2, 7, 5, 3], [3, 1, 0, 2, 2], [True, True, False, True, True], [3, 9, 28, 21, 6]),
        ([4, 4, 3], [0, 1, 1], [True, False, True], [16, 17, 15]),
        ([6, 1], [1, 2], [False, False], [25, 6]),
        ([0, 1, 2, 3], [0, 0, 0, 0], [True] * 4, [0, 5, 2, 19]),
    ):
        colour, shape, clean, pair = map(torch.tensor, (colour, shape, clean, pair))
        pair_of = need_two(
            answer(colour, shape, clean, pair),
            "expected a pair of numbers: the lenient share, and the strict one.",
        )
        lenient, strict = map(need_number, pair_of)
        both = (colour == pair // 4) & (shape == pair % 4)
        right = [part.double().mean().item() for part in (both, both & clean)]
        n = len(pair)
        either = ((colour == pair // 4) | (shape == pair % 4)).double().mean().item()
        swapped = ((colour == pair % 4) & (shape == pair // 4)).double().mean().item()
        apart = (colour == pair // 4).double().mean() * (shape == pair % 4).double().mean()
        need(
            not (close(lenient, right[1]) and close(strict, right[0])) or close(*right),
            "the two are swapped: first the lenient share.",
        )
        need(
            not close(lenient, right[0] * n) or close(right[0] * n, right[0]),
            "this is a number of drawings; divide by how many there are.",
        )
        need(
            not close(lenient, 100 * right[0]) or right[0] == 0,
            "a share lies between 0 and 1; this is in per cent.",
        )
        need(
            not close(lenient, either) or close(either, right[0]),
            "colour *and* shape must be right; yours is content with one of them.",
        )
        need(
            not close(lenient, apart) or close(apart, right[0]),
            "the product of two shares is not the share of those where both are right, in the same drawing.",
        )
        need(
            not close(lenient, swapped) or close(swapped, right[0]),
            "pair // 4 is the colour, and pair % 4 is the shape.",
        )
        need(
            close(lenient, right[0]),
            "colours {colour}, shapes {shape}, asked {pair}: expected the lenient share {right:g}, got {lenient:g}.",
            colour=colour.tolist(),
            shape=shape.tolist(),
            pair=pair.tolist(),
            right=right[0],
            lenient=lenient,
        )
        only_clean = clean.double().mean().item()
        need(
            not close(strict, only_clean) or close(only_clean, right[1]),
            "this is the share of clean drawings, whatever they show; strict is lenient, and clean.",
        )
        of_right = right[1] / right[0] if right[0] else 0.0
        need(
            not close(strict, of_right) or close(of_right, right[1]),
            "strict is a share of all drawings, not of those that are read right.",
        )
        need(
            not close(strict, right[0]) or close(*right),
            "the strict share asks for clean drawings, too.",
        )
        need(
            close(strict, right[1]),
            "the lenient share is right; expected the strict one {right:g}, got {strict:g}.",
            right=right[1],
            strict=strict,
        )
    return praise("Two shares of the same drawings, and the second is never larger.")


@exercise
def exercise_4(answer) -> str:
    """answer(colours, shapes): pairs that may be seen, so that no held-out pair follows from them."""
    for colours, shapes in (
        (["red", "green", "blue", "white"], ["circle", "cross"]),
        (["red", "orange", "yellow", "green", "cyan", "blue"], ["circle", "square", "triangle"]),
    ):
        pairs = answer(list(colours), list(shapes))
        need_answer(pairs)
        need(
            isinstance(pairs, list | tuple | set)
            and all(isinstance(pair, list | tuple) and len(pair) == 2 for pair in pairs),
            "expected a list of pairs (colour, shape).",
        )
        seen = {tuple(map(str, pair)) for pair in pairs}
        every = [(colour, shape) for colour in colours for shape in shapes]
        strange = sorted(seen - set(every))
        turned = bool(strange) and {(b, a) for a, b in strange} <= set(every)
        need(not turned, "in each pair the colour comes first.")
        need(
            not strange,
            "{pair} is no pair of a colour and a shape that were given.",
            pair=strange[0] if strange else (),
        )
        said = {word for pair in seen for word in pair}
        silent = [word for word in colours + shapes if word not in said]
        need(
            not silent,
            "{word!r} is never seen: of course the model cannot draw it. Let every word be seen.",
            word=silent[0] if silent else "",
        )
        left = [pair for pair in every if pair not in seen]
        need(bool(left), "nothing is held out: all pairs are seen.")
        need(
            2 * len(seen) >= len(every),
            "only {seen} of {every} pairs are seen; find a split with at least half of them.",
            seen=len(seen),
            every=len(every),
        )
        follows = [(pair, way) for pair in left if (way := _way(*pair, seen=seen, colours=colours))]
        need(
            not follows,
            "{pair} follows from what is seen, by {way}.",
            pair=" ".join(follows[0][0]) if follows else "",
            way=follows[0][1] if follows else "",
        )
    return praise("Every word was seen, and nothing says how the two groups fit together.")


def _way(colour: str, shape: str, seen: set[tuple[str, str]], colours: list[str]) -> str:
    """A chain of seen pairs from a colour to a shape, each sharing a word with the next; empty if there is none."""
    chains, known = [[colour]], {colour}
    for chain in chains:  # grows while it is walked through: the shortest chains first
        for pair in sorted(seen):
            if chain[-1] in pair:
                other = pair[1] if chain[-1] == pair[0] else pair[0]
                if other == shape:
                    words = [*chain, shape]
                    return ", ".join(
                        " ".join(sorted(two, key=lambda word: word not in colours))
                        for two in zip(words[:-1], words[1:], strict=True)
                    )
                if other not in known:
                    known.add(other)
                    chains.append([*chain, other])
    return ""


@exercise
def exercise_5(answer) -> str:
    """answer(eps_0, eps_colour, eps_shape, a, b): the noise guided by two words, each with its scale, (B, D)."""
    for B, D, a, b in ((4, 2, 2.0, 3.0), (3, 5, 1.0, 1.0), (2, 3, 0.0, 1.5), (1, 4, 0.5, 0.0)):
        zero, c, s = torch.randn(3, B, D, generator=torch.Generator().manual_seed(D))
        found = need_tensor(answer(zero, c, s, a, b), (B, D))
        right = zero + a * (c - zero) + b * (s - zero)
        wrong = {
            "eps_0 is counted twice: add two *differences* to one eps_0.": right + zero,
            "eps_0 itself is missing: the differences start from there.": right - zero,
            "the scales are swapped: a is that of the colour.": zero
            + b * (c - zero)
            + a * (s - zero),
            "this adds the answers themselves; add how far each is from eps_0.": zero
            + a * c
            + b * s,
            "the sign of the differences is turned: this flees both words.": 2 * zero - right,
            "this is a mean of the two; both words are to hold at once.": (
                zero + (a * (c - zero) + b * (s - zero)) / 2
            ),
            "this guides from the colour to the shape; each starts from eps_0.": (
                zero + a * (c - zero) + b * (s - c)
            ),
            "the shape is missing.": zero + a * (c - zero),
            "the colour is missing.": zero + b * (s - zero),
            "the scales are missing.": c + s - zero,
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "a = {a:g}, b = {b:g}: expected eps_0 + a (eps_colour - eps_0) + b (eps_shape - eps_0).",
            a=a,
            b=b,
        )
    return praise("Each word pushes for itself.")
