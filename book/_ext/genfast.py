"""Light pages: after the build, every page asks for little, and for that little once.

- One style sheet and one script for the whole book, `book.css` and `book.js`; rules of the theme that no page and no
  script can use are left out, the script runs after the page was read. Search has its scripts on its own page alone.
- Icons are letters of a font of some 40 glyphs, inside the style sheet.
- The code that interactive figures share stands once on a page (`once_a_page`), long texts of their data as well.
- Pictures tell their size, and those that are not seen at first are loaded when they come near.

It works on the written pages, and may do so again: what was done is left as it is.
"""

import base64
import hashlib
import html
import json
import re
from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import genmath
from PIL import Image
from sphinx.application import Sphinx

from genlib.interact import base

ROOT = Path(__file__).resolve().parents[2]
LICENSES = (
    "/* Learning to Generate, and from packages: Bootstrap, PyData and Book themes, Sphinx and extensions (MIT, BSD);"
    " Font Awesome Free 6 (icons CC BY 4.0, font SIL OFL 1.1, code MIT); MathJax (Apache 2.0). */\n"
)

# --- one style sheet, one script ----------------------------------------------------------------------------------

CONTENT_ROOT = re.compile(r'<html[^>]* data-content_root="([^"]*)"')
SHEET = re.compile(
    r'\s*<link\b(?=[^>]*\brel="stylesheet")[^>]*\bhref="(?:\.\./|\./)*_static/([^"?]+)[^"]*"[^>]*>'
)
SCRIPT = re.compile(
    r'\s*<script\b[^>]*\bsrc="(?:\.\./|\./)*(?:_static/)?((?:scripts/)?[\w.-]+\.js)[^"]*"[^>]*></script>'
)
PRELOAD = re.compile(r'\s*<link\b(?=[^>]*\brel="preload")[^>]*\bas="script"[^>]*>')
VIEWPORT = re.compile(r'\s*<meta name="viewport"[^>]*>')
OPTIONS, ICONS = "documentation_options.js", "scripts/fontawesome.js"
SEARCH = ("language_data.js", "searchtools.js", "searchindex.js")  # in the order of their use
OWN = ("book.css", "book.js")


def assets(page: str) -> tuple[list[str], list[str]]:
    """The style sheets and scripts of `_static` that a page asks for, in this order."""
    scripts = [name for name in SCRIPT.findall(page) if name not in (OPTIONS, ICONS, *SEARCH, *OWN)]
    return [name for name in SHEET.findall(page) if name not in OWN], scripts


def with_bundles(page: str, static: Path, digests: dict[str, str]) -> str:
    """The page with the two bundles in place of its style sheets and scripts; nothing that blocks but the style."""
    root, name = (
        CONTENT_ROOT.search(page)[1],
        {one: f"_static/{one}?v={digests[one]}" for one in OWN},
    )
    searches = "<script>DOCUMENTATION_OPTIONS.pagename = 'search'" in page
    sheet = f'\n    <link rel="stylesheet" href="{root}{name["book.css"]}" />'
    scripts = f'\n    <script defer src="{root}{name["book.js"]}"></script>'
    if searches:
        places = {one: one if one == "searchindex.js" else f"_static/{one}" for one in SEARCH}
        scripts += "".join(
            f'\n    <script defer src="{root}{places[one]}"></script>' for one in SEARCH
        )

    def options(found: re.Match) -> str:
        if found[1] != OPTIONS:
            return ""
        text = " ".join((static / OPTIONS).read_text(encoding="utf-8").split())
        return f"\n    <script>{text}</script>"

    page = PRELOAD.sub("", SCRIPT.sub(options, SHEET.sub("", page)))
    page = page.replace("\n  <!-- So that users can add custom icons -->", "").replace(
        "\n  <!-- Pre-loaded scripts that we'll load fully later -->", ""
    )
    first, *_ = VIEWPORT.findall(page)
    page = VIEWPORT.sub("", page)
    before, after = page.split("</head>", 1)
    return before.replace(
        '<meta charset="utf-8" />', f'<meta charset="utf-8" />{first}', 1
    ).rstrip() + (f"{sheet}{scripts}\n  </head>{after}")


def bundle_scripts(names: list[str], static: Path) -> str:
    """All scripts one after the other, none of which makes the others strict."""
    parts = [LICENSES]
    for name in names:
        text = (static / name).read_text(encoding="utf-8")
        text = re.sub(r"^//# sourceMappingURL=.*$", "", text, flags=re.MULTILINE).strip()
        parts.append(f";{text}\n")
    return "".join(parts)


# --- the rules that the book uses ---------------------------------------------------------------------------------

Rule = tuple[str, str | None]  # what stands before the braces, and what stands in them


def rules_of(css: str) -> Iterator[Rule]:
    """The rules of a style sheet without comments; a statement without braces has None."""
    at = 0
    while found := re.compile(r"[;{]").search(css, at):
        before, at = css[at : found.start()].strip(), found.end()
        if found[0] == ";":
            yield before, None
            continue
        start, depth = at, 1
        while depth:
            brace = re.compile(r"[{}]").search(css, at)
            depth, at = depth + (1 if brace[0] == "{" else -1), brace.end()
        yield before, css[start : at - 1].strip()


def usable(css: str, known: Callable[[str], bool]) -> str:
    """The style sheet without the rules whose every selector asks for a class or an id that is not known."""
    kept = []
    for before, body in rules_of(css):
        if body is None:
            kept.append("" if before.startswith("@charset") else f"{before};")
        elif re.match(r"@(media|supports|container|layer)\b", before):
            if inner := usable(body, known):
                kept.append(f"{before}{{{inner}}}\n")
        elif before.startswith("@"):
            kept.append(f"{before}{{{body}}}\n")
        elif selectors := [one for one in selectors_of(before) if all(map(known, names_in(one)))]:
            kept.append(f"{','.join(selectors)}{{{body}}}\n")
    return "".join(kept)


def selectors_of(text: str) -> list[str]:
    """The selectors of a list; a comma in brackets does not part them."""
    found, depth, part = [], 0, ""
    for letter in text:
        depth += (letter in "([") - (letter in ")]")
        if letter == "," and not depth:
            found.append(part.strip())
            part = ""
        else:
            part += letter
    return [*found, part.strip()]


def names_in(selector: str) -> list[str]:
    """Classes and ids that an element must have; what stands in brackets may be a choice, and does not count."""
    while (bare := re.sub(r"\([^()]*\)|\[[^\[\]]*\]", "", selector)) != selector:
        selector = bare
    return [re.sub(r"\\(.)", r"\1", name) for name in re.findall(r"[.#]((?:[\w-]|\\.)+)", selector)]


def known_names(pages: list[str], scripts: str) -> Callable[[str], bool]:
    """Whether a class or id is on a page or may be put there by a script, whole or by its beginning, as in "tip-"."""
    found = {value for page in pages for value in re.findall(r'\b(?:class|id|for)="([^"]*)"', page)}
    names = {name for value in found for name in html.unescape(value).split()}
    words = set(re.findall(r"[A-Za-z_][\w-]*", scripts))
    starts = tuple(word for word in words if word.endswith("-") and len(word) > 3)
    return lambda name: name in names or name in words or name.startswith(starts)


def bundle_sheets(names: list[str], static: Path, known: Callable[[str], bool]) -> str:
    """All style sheets one after the other: those of packages without what cannot be used, with few icons."""
    parts = []
    for name in names:
        text = re.sub(r"/\*.*?\*/", "", read_sheet(static / name), flags=re.DOTALL)
        ours = (ROOT / "book" / "_static" / name).exists()
        parts.append(text if ours else usable(text, known))
    return LICENSES + with_icons("".join(parts), static)


def read_sheet(path: Path) -> str:
    """A style sheet with those that it imports, and with its addresses as seen from `_static`."""
    text = path.read_text(encoding="utf-8")
    text = re.sub(
        r'@import "([^"]+)";', lambda found: read_sheet((path.parent / found[1]).resolve()), text
    )
    return text.replace("url(../", "url(") if path.parent.name == "styles" else text


def with_icons(css: str, static: Path) -> str:
    """The style sheet with the fonts of icons inside, each with the letters that the sheet puts on a page."""
    shown = "".join(re.findall(r'(?:content|--pst-icon-[\w-]+|--[\w-]+divider):\s*"([^"]*)"', css))
    wanted = {int(code, 16) for code in re.findall(r"\\([0-9a-fA-F]+)", shown)} | {
        ord(letter) for letter in re.sub(r"\\[0-9a-fA-F]+ ?", "", shown)
    }

    def face(found: re.Match) -> str:
        if "Awesome" not in found[0]:
            return found[0]
        path = re.search(r"url\(([^)]+\.woff2)\)", found[0])[1]
        if "regular" in path:
            return ""  # the outlined icons; the themes use the solid ones
        data = base64.b64encode(genmath.font(static / path, wanted)).decode()
        return re.sub(
            r"src:[^}]*", f'src:url(data:font/woff2;base64,{data}) format("woff2")', found[0]
        )

    return re.sub(r"@font-face\{[^}]*\}", face, css)


# --- figures: what they share, once a page ------------------------------------------------------------------------

FIGURE_SCRIPT = re.compile(r"<script>\n\(\(\) => \{\n(.*?)\}\)\(\);\n</script>", re.DOTALL)
FIGURE_DATA = re.compile(r'(<script type="application/json">)(.*?)(</script>)', re.DOTALL)
LONG = re.compile(r'"([A-Za-z0-9+/=]{1500,})"')
TOP = re.compile(r"^(?:const|function\*?|class) (\w+)", re.MULTILINE)


def library() -> dict[str, tuple[str, str]]:
    """The code that figures share, by file: as it stands in a page, and the names that it defines."""
    found = {}
    for path in sorted(Path(base.__file__).parent.glob("*.js")):
        text = path.read_text(encoding="utf-8")
        if not re.search(r"^function figure\(", text, re.MULTILINE):
            found[path.name] = (base._code(path.name), ", ".join(TOP.findall(text)))
    return found


def parts_of(script: str, known: dict[str, tuple[str, str]]) -> tuple[list[str], str]:
    """The files of the library with which the script of a figure begins, and the rest of it."""
    names: list[str] = []
    while name := next(
        (n for n, (code, _) in known.items() if script.startswith(f"{code}\n")), None
    ):
        names.append(name)
        script = script[len(known[name][0]) + 1 :]
    return names, script


def once_a_page(page: str) -> str:
    """The page with each file of the figures' library, their style and their longer data once, where first needed.

    What several figures use is a property of `window.gl`; a figure that stands alone stays as it is.
    """
    scripts = FIGURE_SCRIPT.findall(page)
    if len(scripts) < 2:
        return page
    known, there = library(), set()
    count = Counter(name for script in scripts for name in parts_of(script, known)[0])
    shared = {name for name, times in count.items() if times > 1}

    def write(found: re.Match) -> str:
        names, rest = parts_of(found[1], known)
        before, inside, taken = [], [], ""
        for name in names:
            code, defined = known[name]
            if name not in shared:
                inside.append(f"{code}\n")
                continue
            if name not in there:
                before.append(
                    f"(() => {{\n{taken}{code}\nObject.assign(gl, {{{defined}}});\n}})();\n"
                )
                there.add(name)
            taken += f"const {{{defined}}} = gl;\n"
        own = f"(() => {{\n{taken}{''.join(inside)}{rest}}})();\n"
        return f"<script>\nwindow.gl ??= {{}};\n{''.join(before)}{own}</script>"

    return data_once(style_once(FIGURE_SCRIPT.sub(write, page)))


def style_once(page: str) -> str:
    style = f"<style>\n{base._code('shared.css')}\n</style>"
    before, found, after = page.partition(style)
    return before + found + after.replace(style, "")


def data_once(page: str) -> str:
    """Long texts that several figures start from stand in the first script; {"gl": 2} in their data is the third."""
    texts = Counter(text for _, data, _ in FIGURE_DATA.findall(page) for text in LONG.findall(data))
    twice = [text for text, times in texts.items() if times > 1]
    if not twice:
        return page
    place = {text: f'{{"gl":{i}}}' for i, text in enumerate(twice)}

    def write(found: re.Match) -> str:
        return found[1] + LONG.sub(lambda text: place.get(text[1], text[0]), found[2]) + found[3]

    page = FIGURE_DATA.sub(write, page)
    first = "<script>\nwindow.gl ??= {};\n"
    page = page.replace(first, f"{first}gl.texts = {json.dumps(twice)};\n", 1)
    read = "JSON.parse(root.querySelector('script[type=\"application/json\"]').textContent)"
    return page.replace(
        read, f"{read[:-1]}, (key, value) => value?.gl === undefined ? value : gl.texts[value.gl])"
    )


# --- pictures -----------------------------------------------------------------------------------------------------

IMG = re.compile(r"<img\b[^>]*>")


def size_of(path: Path) -> tuple[int, int] | None:
    """Width and height of a picture in the pixels of a page, where its file tells them."""
    if path.suffix != ".svg":
        with Image.open(path) as image:
            return image.size
    root = re.search(r"<svg\b[^>]*>", path.read_text(encoding="utf-8"))[0]
    if box := re.search(r'viewBox="[\d.-]+[ ,]+[\d.-]+[ ,]+([\d.]+)[ ,]+([\d.]+)"', root):
        return round(float(box[1])), round(float(box[2]))
    sides = [re.search(rf'\b{side}="([\d.]+)(?:px)?"', root) for side in ("width", "height")]
    return tuple(round(float(side[1])) for side in sides) if all(sides) else None


def with_sizes(page: str, folder: Path) -> str:
    """The page whose pictures tell their size; all but the first wait until they come near."""
    seen = 0

    def write(found: re.Match) -> str:
        nonlocal seen
        tag, src = found[0], re.search(r'\bsrc="([^"]+)"', found[0])
        if (
            not src
            or src[1].startswith(("data:", "http:", "https:"))
            or " loading=" in tag
            or " decoding=" in tag
        ):
            return tag
        path = (folder / src[1].partition("?")[0]).resolve()
        size = (
            size_of(path)
            if path.is_file() and " width=" not in tag and " height=" not in tag
            else None
        )
        added = f' width="{size[0]}" height="{size[1]}"' if size else ""
        if "logo" not in tag:
            added += ' decoding="async"' + (' loading="lazy"' if seen else "")
            seen += 1
        return f"<img{added}{tag[4:]}"

    return IMG.sub(write, page)


# --- all pages ----------------------------------------------------------------------------------------------------


def lighten(app: Sphinx, exception: Exception | None) -> None:
    if exception is not None or app.builder.format != "html":
        return
    out, static = Path(app.outdir), Path(app.outdir) / "_static"
    pages = {
        path: text
        for path in sorted(out.rglob("*.html"))
        if static not in path.parents
        and CONTENT_ROOT.search(text := path.read_text(encoding="utf-8"))
    }
    sheets, scripts = remembered(Path(app.doctreedir) / "assets.json", list(pages.values()))
    digests = write_bundles(static, list(pages.values()), sheets, scripts)
    for path, text in pages.items():
        new = with_sizes(once_a_page(with_bundles(text, static, digests)), path.parent)
        if new != text:
            path.write_text(new, encoding="utf-8")


def remembered(memory: Path, pages: list[str]) -> list[list[str]]:
    """All style sheets and all scripts, of this build and, as not every page is written again, of earlier ones."""
    known = json.loads(memory.read_text(encoding="utf-8")) if memory.exists() else [[], []]
    for page in pages:
        for names, found in zip(known, assets(page), strict=True):
            names += [name for name in found if name not in names]
    memory.write_text(json.dumps(known), encoding="utf-8")
    return known


def write_bundles(
    static: Path, pages: list[str], sheets: list[str], scripts: list[str]
) -> dict[str, str]:
    """The two files, and the first digits of their digests."""
    script = bundle_scripts(scripts, static)
    searched = "".join((static / name).read_text(encoding="utf-8") for name in SEARCH[:2])
    known = known_names(pages, script + searched)
    texts = {
        "book.css": bundle_sheets(sheets, static, known) + genmath.style(pages, static),
        "book.js": script,
    }
    for name, text in texts.items():
        (static / name).write_text(text, encoding="utf-8")
    return {name: hashlib.sha256(text.encode()).hexdigest()[:8] for name, text in texts.items()}


def setup(app: Sphinx) -> dict:
    app.setup_extension("genmath")
    app.connect("build-finished", lighten, priority=900)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
