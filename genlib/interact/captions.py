"""Ask in words: pictures of the text-conditioned model by caption, with the pairs that it never saw marked."""

from torch import Tensor

from genlib import pretrained
from genlib.data.shapes import COLOURS, COLUMNS, PAIRS, ROWS, SHAPES, SIZES, held_out
from genlib.interact.base import Interactive, as_base64, png

# All words of the figure, but for those of captions; # stands for a number or a word, *stars* for italics.
WORDS = {
    "caption": "Choose a caption. Pairs with ◇ were held out: the model saw their colour and their shape, and never "
    "both in one picture.",
    "legend": "What does the caption say?",
    "kinds": [["pair", "colour and shape"], ["all", "size and place too"]],
    "sizeLegend": "Which size?",
    "rowLegend": "Which row?",
    "columnLegend": "Which column?",
    "mapLabel": "All pairs, a row for each colour, a column for each shape; each shows what was drawn for it",
    "cellHeld": "#, never seen in training",
    "cellWrong": "#, drawn wrong",
    "seen": "Seen in training: in # of the 20,000 pictures.",
    "held": "◇ Never seen in training: in none of the 20,000 pictures.",
    "drawn": "drawn",
    "near": "nearest in training",
    "read": "Read as # #",
    "clean": "A clean drawing",
    "unclean": "Not a clean drawing",
    "nearIs": "Nearest: #",
    "right": "✓",
    "wrong": "✗",
    "count": "Read as asked and clean, of all # pictures of this figure: *seen pairs* # of #, *held-out pairs* # of #.",
    "covers": "It holds four drawings for each pair alone, and one for each pair with a size and a place: the first "
    "ones that were drawn, none left out. The map shows the first of each.",
    "help": "The reader is the course's oracle: it finds the drawing that comes nearest. ✗ on the map: read as "
    "something else. By keyboard: Tab to the map, then the arrow keys.",
    "source": "Not live: drawn once, with make steering, by the model # with seed #, scale #, # DDIM steps, *η* = #. "
    "Its weights have the SHA-256 #…",
}


def caption_picker(caption: str = "cyan cross") -> Interactive:
    """The figure, opened at a caption: a colour and a shape, alone or with size, row and column.

    Args:
        caption: such as "cyan cross" or "large cyan cross top left"; in any order.

    Raises:
        ValueError: the figure has no such caption.
    """
    stored, card = pretrained.tensors("captions_shapes"), pretrained.card("captions_shapes")
    known = {frozenset(text.split()): (k, at) for k, at, text in captions(card["rows"])}
    if frozenset(caption.split()) not in known:
        raise ValueError(
            f"caption: expected a colour and a shape, alone or with size, row and column, got {caption!r}"
        )
    row, pair = known[frozenset(caption.split())]
    data = {
        "start": {"pair": pair, "kind": "all" if any(card["rows"][row]) else "pair", "row": row},
        "words": WORDS,
        "parts": [list(part) for part in (COLOURS, SHAPES, SIZES, ROWS, COLUMNS)],
        "rows": card["rows"],
        "held": [PAIRS.index(found) for found in held_out(8)[1]],
        "counts": card["training_pictures"],
        "read": as_base64(stored["read"]),
        "clean": as_base64(stored["clean"]),
        "nearRead": as_base64(stored["near_words"]),
        "near": png(sheet(stored["near"])),
        "model": [card[k] for k in ("recipe", "seed", "scale", "ddim_steps", "eta")]
        + [card["weights"][:12]],
    }
    return Interactive(
        "captions.js",
        data,
        label="Pictures by caption, with the pairs of colour and shape that were held out",
        still="What the model drew, a column for each pair of colour and shape: eight colours, each as circle, square, "
        "triangle and cross. Above, four drawings for each pair; below, one for each size and place. With JavaScript "
        "you choose the caption, and see which pairs were held out and how each picture is read.",
        picture=png(sheet(stored["x"])),
    )


def captions(rows: list[list[str]]) -> list[tuple[int, int, str]]:
    """Every caption of the figure with its first row and its pair; a row of the sheet is [size, row, column] words."""
    first = [k for k, words in enumerate(rows) if words not in rows[:k]]
    return [
        (k, at, " ".join(filter(None, (rows[k][0], *pair, *rows[k][1:]))))
        for k in first
        for at, pair in enumerate(PAIRS)
    ]


def sheet(x: Tensor) -> Tensor:
    """Pictures (rows, 32, 3, 16, 16) side by side as one, (rows 16, 32 16, 3)."""
    return x.permute(0, 3, 1, 4, 2).flatten(2, 3).flatten(0, 1).contiguous()
