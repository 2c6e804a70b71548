"""Chapter 6: words to tokens, the numbers that stand for them."""

import difflib
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from genlib.expect import Size, border, expect, expect_whole


@border
@dataclass(frozen=True)
class Vocabulary:
    """The words that captions may have; word i is token i + 1, and token 0 means no word.

    Args:
        words: lower-case, each once.
        length: of a row of tokens, the most words of a caption.
    """

    words: tuple[str, ...]
    length: Size

    def __post_init__(self) -> None:
        strange = [word for word in self.words if word.lower().split() != [word]]
        if strange or len(set(self.words)) < len(self.words):
            raise ValueError(f"words: expected lower-case words, each once, got {self.words}")

    @property
    def null(self) -> Tensor:
        """The tokens of the empty caption, (1, length)."""
        return torch.zeros(1, self.length, dtype=torch.long)

    def tokens(self, captions: Sequence[str]) -> Tensor:
        """Captions as tokens, (n, length), int64: words parted by spaces, in any case, 0 after the last one.

        Raises:
            ValueError: names a word that the vocabulary does not have, or a caption that is too long.
        """
        rows = torch.zeros(len(captions), self.length, dtype=torch.long)
        number = {word: i for i, word in enumerate(self.words, start=1)}
        for row, caption in zip(rows, captions, strict=True):
            found = caption.lower().split()
            if len(found) > self.length:
                raise ValueError(
                    f"captions: expected at most {self.length} words, got {len(found)} in {caption!r}"
                )
            for i, word in enumerate(found):
                if word not in number:
                    raise ValueError(self._unknown(word, caption))
                row[i] = number[word]
        return rows

    def captions(self, tokens: Tensor) -> list[str]:
        """Undo `tokens`, (n, length)."""
        expect("tokens", tokens, "n length", length=self.length)
        expect_whole("tokens", tokens.flatten(), 0, len(self.words))
        return [" ".join(self.words[k - 1] for k in row if k) for row in tokens.tolist()]

    def _unknown(self, word: str, caption: str) -> str:
        """What to say of a word that is none."""
        near = difflib.get_close_matches(word, self.words, 1)
        hint = f" (did you mean {near[0]!r}?)" if near else ""
        return f"captions: expected words out of {', '.join(self.words)}, got {word!r} in {caption!r}{hint}"
