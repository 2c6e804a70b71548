"""The object behind every interactive figure: HTML that needs no kernel, no network and no library."""

import base64
import hashlib
import html
import io
import json
from collections.abc import Iterator, Sequence
from importlib.resources import files

import torch
from PIL import Image
from torch import Tensor

LIMIT = 200_000  # bytes of HTML; a page with several figures must stay light

MOUNT = """
for (const root of document.querySelectorAll('[data-figure="@ID@"]')) {
  if (root.dataset.ready) continue;
  if (document.getElementById(root.id) !== root) root.id += "-" + Math.random().toString(36).slice(2, 8);
  root.dataset.ready = "yes";
  figure(root, JSON.parse(root.querySelector('script[type="application/json"]').textContent));
}
"""


class Interactive:
    """A figure that moves in the page: Jupyter and Colab show it, and the book holds the same HTML.

    The id is a hash of the content, so the same figure is the same text in every build. The look comes from
    shared.css, the shared pieces from shared.js, the figure itself from `script`, whose last file defines the
    JavaScript function figure(root, data).

    Args:
        script: name of the figure's JavaScript file in this folder, or of several in the order of their use.
        data: what the figure starts from; anything that JSON can hold.
        label: what a screen reader says about the whole figure.
        still: the sentence that stands there without JavaScript.
        picture: address of a picture for that case, as `png` gives it, which `still` describes; the figure may also
            draw from it, as `sheetOf` in shared.js.

    Raises:
        ValueError: the HTML is larger than 200 kB.
    """

    def __init__(
        self, script: str | Sequence[str], data: dict, *, label: str, still: str, picture: str = ""
    ):
        self.scripts = ("shared.js", *([script] if isinstance(script, str) else script))
        self.data, self.label, self.still, self.picture = data, label, still, picture
        size = len(self._repr_html_().encode())
        if size > LIMIT:
            raise ValueError(f"data: expected at most {LIMIT:,} bytes of HTML, got {size:,}")

    @property
    def id(self) -> str:
        """The id of the outer element: "gl-" and twelve digits that stand for the whole content."""
        parts = [*map(_code, ("shared.css", *self.scripts)), self._json()]
        digest = hashlib.sha256("\0".join([*parts, self.label, self.still, self.picture]).encode())
        return "gl-" + digest.hexdigest()[:12]

    def _json(self) -> str:
        text = json.dumps(self.data, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        return text.replace("</", "<\\/").replace("<!--", "<\\u0021--")

    def _repr_html_(self) -> str:
        script = "\n".join([*map(_code, self.scripts), MOUNT.replace("@ID@", self.id)])
        picture = (
            f'<img class="gl-still" aria-hidden="true" alt="" src="{self.picture}">'
            if self.picture
            else ""
        )
        return (
            f'<div class="gl-interact" id="{self.id}" data-figure="{self.id}" role="group" '
            f'aria-label="{html.escape(self.label)}">'
            f"<noscript><p>{html.escape(self.still)}</p></noscript>{picture}"
            f"<style>\n{_code('shared.css')}\n</style>"
            f'<script type="application/json">{self._json()}</script>'
            f"<script>\n(() => {{\n{script}}})();\n</script></div>"
        )

    def __repr__(self) -> str:
        return f"<interactive figure: {self.label}>"


def _code(name: str) -> str:
    """A file of this folder without indentation, empty lines and whole-line comments."""
    text = files(__package__).joinpath(name).read_text(encoding="utf-8")
    lines = (line.strip() for line in text.splitlines())
    return "\n".join(line for line in lines if line and not line.startswith("//"))


def expect_offered(name: str, value: object, offered: bool) -> None:
    """Check that a figure can be opened with a value.

    Raises:
        ValueError: it does not offer the value.
    """
    if not offered:
        raise ValueError(f"{name}: expected what the figure offers, got {value!r}")


def as_base64(x: Tensor) -> str:
    """The bytes of a tensor of whole numbers as text; shared.js unpacks them."""
    return base64.b64encode(x.contiguous().numpy().tobytes()).decode()


def png(x: Tensor) -> str:
    """The address of a picture, uint8 (height, width) or (height, width, 3), that travels in the page itself."""
    file = io.BytesIO()
    Image.fromarray(x.numpy()).save(file, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(file.getvalue()).decode()


def uniforms(seed: int) -> Iterator[float]:
    """The random numbers in [0, 1) that the figures draw in JavaScript (the 32-bit generator mulberry32)."""
    full = 0xFFFFFFFF
    state = seed & full
    while True:
        state = (state + 0x6D2B79F5) & full
        t = ((state ^ (state >> 15)) * (state | 1)) & full
        t ^= (t + (t ^ (t >> 7)) * (t | 61)) & full
        yield (t ^ (t >> 14)) / 2**32


def draws(seed: int, n: int) -> tuple[Tensor, Tensor]:
    """The figure's n draws for a seed: uniforms (n,) and pairs of standard normals (n, 2), in double precision."""
    stream = uniforms(seed)
    table = torch.tensor([[next(stream) for _ in range(3)] for _ in range(n)], dtype=torch.float64)
    radius, angle = (-2 * torch.log1p(-table[:, 1])).sqrt(), 2 * torch.pi * table[:, 2]
    return table[:, 0], torch.stack([radius * angle.cos(), radius * angle.sin()], dim=1)
