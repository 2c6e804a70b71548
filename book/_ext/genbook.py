"""The book's own Sphinx extension.

- `quiz`: a question whose options give their reason, on plain HTML, so it works offline and by keyboard.
- `stored`: a number from book/_data, so that no measured number is typed into a page.
- `environments`: in which environments the tests passed, with versions and date.
- `strip`: rows of stored images. `running-table`: the table that compares all models, from the same place.
- `interactive`: a figure of genlib.interact, and folded below it its line of the ledger; `ledger`: all lines.
- `student-copies`: links to the notebooks without solutions. `exercises`: all of them, with level, minutes, points.
- As long as the repository has no address, no page links to it.
- Every page ends with two links: to the page of changes, and to a form for errors.
- `genstart` beside this file adds the parts of the start page, and what search engines are told of every page;
  `genpage` cares for the look of all pages where a style sheet cannot.
- `genfast` and `genmath` make the pages light: formulas are set at the build, scripts and styles are one file each.
- MathJax is copied from an installed package, for exams, which set their formulas when they are opened.
- The execution cache knows what the notebooks depend on, and student copies are published with the site.
"""

import hashlib
import html
import importlib.util
import os
import re
import shutil
import sys
from importlib.metadata import version
from pathlib import Path
from statistics import fmean, stdev
from typing import ClassVar
from urllib.parse import urlencode

import numpy as np
import torch
from docutils import nodes
from docutils.statemachine import StringList
from myst_parser.mdit_to_docutils.base import default_slugify
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective, SphinxRole

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

from genlib import interact, table, words  # noqa: E402
from genlib.interact import ledger  # noqa: E402
from genlib.interact.base import png  # noqa: E402
from tools import exercises, set_repository  # noqa: E402
from tools import make_exercises as copies  # noqa: E402
from tools.env_test import ENVIRONMENTS, SHOWN  # noqa: E402
from tools.make_exercises import NOTEBOOKS, has_solutions  # noqa: E402
from tools.make_questions import Option, read_options  # noqa: E402

# --- the execution cache -------------------------------------------------------------------------


def fingerprint() -> str:
    """A name for all that a notebook's output rests on besides its own cells: code, data, versions, budget."""
    digest = hashlib.sha256()
    for folder, pattern in [("genlib", "**/*"), ("book/_data", "*.json")]:
        for path in sorted((ROOT / folder).glob(pattern)):
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(path.relative_to(ROOT).as_posix().encode() + path.read_bytes())
    for package in ("torch", "numpy", "scipy", "scikit-learn", "matplotlib", "ipywidgets"):
        digest.update(f"{package}{version(package)}".encode())
    digest.update(os.environ.get("GENLIB_BUDGET", "").encode())
    return digest.hexdigest()[:12]


def use_fingerprint(app: Sphinx, config) -> None:
    """jupyter-cache looks at code cells alone; a folder of its own for each fingerprint mends that."""
    if config.nb_execution_mode == "cache":
        config.nb_execution_cache_path = str(ROOT / "_build" / ".jupyter_cache" / fingerprint())


# --- nothing from other hosts --------------------------------------------------------------------


def vendor_mathjax(app: Sphinx) -> None:
    """Copy MathJax' one bundle and its fonts to where `make exam` looks for them."""
    package = importlib.util.find_spec("sphinx-mathjax-offline").submodule_search_locations[0]
    source, target = Path(package) / "static" / "mathjax", ROOT / "_build" / "vendor" / "mathjax"
    fonts = Path("output/chtml/fonts/woff-v2")
    if not target.exists():
        (target / fonts).mkdir(parents=True)
        shutil.copy(source / "tex-chtml.js", target)
        shutil.copytree(source / fonts, target / fonts, dirs_exist_ok=True)


def drop_thebe(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Jupyter Book loads its live-code script even where it is switched off; the script asks another host."""

    def wanted(asset) -> bool:
        text = f"{getattr(asset, 'filename', asset)} {getattr(asset, 'attributes', {}).get('body', '')}"
        return "thebe" not in text.lower()

    for kind in ("script_files", "css_files"):
        context[kind] = [asset for asset in context[kind] if wanted(asset)]


def name_folds(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """myst-nb names each folded cell "Toggle hidden content" for screen readers; what it shows says more: Solution."""
    fold = '<summary aria-label="Toggle hidden content">'
    context["body"] = context.get("body", "").replace(fold, "<summary>")


# --- the repository ------------------------------------------------------------------------------


def hide_repository(app: Sphinx, config) -> None:
    """A repository without an address cannot be looked at, edited or opened on Colab: take these buttons away."""
    theme = config.html_theme_options
    if not set_repository.has_address(theme.get("repository_url", "")):
        ours = ("repository_", "use_", "launch_buttons", "path_to_docs")
        config.html_theme_options = {k: v for k, v in theme.items() if not k.startswith(ours)}


# --- the foot of every page ----------------------------------------------------------------------

CHANGES, REPORT = "Changes and corrections", "Report an error on this page"


def add_footer(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Two links below every page: what was changed in the book, and where to report an error.

    The first is relative, so that it works at any depth and from the disk. The theme prints `extra_footer` as it is.
    """
    links = [(context["pathto"]("book/changes"), CHANGES)]
    if repository := app.config.html_theme_options.get("repository_url"):
        title = urlencode({"title": f"Error on page {pagename}"})
        links.append((f"{repository}/issues/new?{title}", REPORT))
    context["theme_extra_footer"] = " · ".join(
        f'<a href="{html.escape(address, quote=True)}">{text}</a>' for address, text in links
    )


# --- quiz ----------------------------------------------------------------------------------------


class Quiz(SphinxDirective):
    """A question with options; each option opens to its verdict and its reason.

    ```{quiz} What does a density integrate to?
    - [x] 1 :: The probability of all values together is 1.
    - [ ] It depends :: Then it would be no density.
    ```
    """

    required_arguments = 1
    final_argument_whitespace = True
    has_content = True

    def run(self) -> list[nodes.Node]:
        options = self.parse_options()
        box = nodes.container(classes=["gl-quiz"])
        question = nodes.paragraph(classes=["gl-question"])
        question += self.inline(" ".join(self.arguments[0].split()))
        box += question
        for right, text, reason in options:
            # The span makes one line of text and formulas, beside the circle. Formulas alone are no name of an option.
            shown = self.inline(text)
            alone = all(isinstance(node, nodes.math) or not node.astext().strip() for node in shown)
            name = html.escape(" ".join(re.sub(r"[\\{}]+", " ", text.strip(" $")).split()))
            label = f' aria-label="{name}"' if alone else ""
            box += raw(f'<details class="gl-option"><summary{label}><span>')
            box += shown
            verdict = "right" if right else "wrong"
            label = "Right." if right else "No."
            box += raw(f'</span></summary><p><b class="gl-verdict-{verdict}">{label}</b> ')
            box += self.inline(reason)
            box += raw("</p></details>")
        return [box]

    def inline(self, text: str) -> list[nodes.Node]:
        children, messages = self.state.inline_text(text, self.lineno)
        return children + messages

    def parse_options(self) -> list[Option]:
        try:
            return read_options(self.content)
        except ValueError as problem:
            raise self.error(f"quiz: {problem}") from problem


def raw(markup: str) -> nodes.raw:
    return nodes.raw("", markup, format="html")


# --- stored numbers ------------------------------------------------------------------------------


def look_up(reference: str) -> str:
    """Text for `file:path.to.value:format`; a list over seeds becomes mean ± standard deviation.

    Where each seed has a list of draws, it is the mean and the standard deviation of the means of the seeds.

    Raises:
        ValueError: names what was looked for and what is there instead.
    """
    name, path, style = (reference.split(":", 2) + [""])[:3]
    value = find(f"{name}:{path}")
    if isinstance(value, str):
        return value
    if isinstance(value, list):
        means = table.seed_means(value)
        text = f"{fmean(means):{style}}\u00a0±\u00a0{stdev(means):{style}}"  # on one line
    else:
        text = f"{value:{style}}"
    return text.replace("-", "−")


def find(reference: str):
    """The value at `file:path.to.value` in book/_data."""
    name, _, path = reference.partition(":")
    value = table.stored(name)
    while path:
        value, path = step_into(value, path, reference)
    return value


def step_into(value, path: str, reference: str):
    """The value one step along the path, and the rest of the path; a key may itself hold dots, as in 0.05."""
    if isinstance(value, list):
        index, _, rest = path.partition(".")
        if index.isdigit() and int(index) < len(value):
            return value[int(index)], rest
    keys = list(value) if isinstance(value, dict) else []
    for key in sorted(keys, key=len, reverse=True):
        if path == key or path.startswith(f"{key}."):
            return value[key], path[len(key) + 1 :]
    there = ", ".join(keys) or repr(value)
    raise ValueError(f"stored: {reference!r} asks for {path!r}, but there is only: {there}")


class Stored(SphinxRole):
    """{stored}`table:rows.naive_bayes.frechet:.2f` prints a number of book/_data/table.json."""

    def run(self) -> tuple[list[nodes.Node], list[nodes.system_message]]:
        try:
            return [nodes.Text(look_up(self.text))], []
        except (ValueError, OSError) as problem:
            message = self.inliner.reporter.error(str(problem), line=self.lineno)
            return [nodes.problematic(self.rawtext, self.rawtext)], [message]


class RunningTable(SphinxDirective):
    """The rows named as arguments, or all, of the running table; `:columns:` names the measures to show.

    `:against:` names a row, for a last column with the verdict on each row against it. `:file: few_steps` takes the
    rows from another file of stored results (and those that it lacks from the table). What real digits score stands
    above, where a column has it.
    """

    optional_arguments = 20
    option_spec: ClassVar = {"columns": str.split, "against": str, "file": str}

    def run(self) -> list[nodes.Node]:
        files = [self.options.get("file", "table"), "table"]
        for file in files:
            self.env.note_dependency(str(ROOT / "book" / "_data" / f"{file}.json"))
        own, main = (table.stored(file)["rows"] for file in files)
        rows = {key: (own | main)[key] for key in self.arguments or own}
        floor = table.stored("table")["floor"]
        how = {name: self.options[name] for name in ("columns", "against") if name in self.options}
        shown = {key: floor[key] for key in how.get("columns", floor) if key in floor}
        return [raw(table.Table(rows, shown, **how)._repr_html_())]


class Environments(SphinxDirective):
    """One row for each environment of tools/env_test.py: what was tried there, with which versions, what passed.

    Below the table, by name, what failed. An environment without a stored row is shown as not run.
    """

    def run(self) -> list[nodes.Node]:
        file = ROOT / "book" / "_data" / "environments.json"
        self.env.note_dependency(str(file))
        stored = table.stored(file.stem) if file.exists() else {}
        titles = ["Environment", "Unit tests", "Cells of notebooks", "Memory (MB)", "Python"]
        titles += [*SHOWN, "Date"]
        head = "".join(f'<th scope="col">{title}</th>' for title in titles)
        body = "".join(self.row(name, stored.get(name)) for name in ENVIRONMENTS)
        failed = [
            f"<li><code>{name}</code>, {html.escape(test)}</li>"
            for name, row in stored.items()
            for test in row["failing"]
        ]
        shown = (
            '<div class="gl-table" role="region" tabindex="0" aria-label="Environments"><table>'
            f"<thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>"
        )
        return [raw(shown + (f"<p>What failed:</p><ul>{''.join(failed)}</ul>" if failed else ""))]

    @staticmethod
    def row(name: str, found: dict | None) -> str:
        what = html.escape(ENVIRONMENTS[name].what)
        title = f'<th scope="row"><code>{name}</code><br>{what}</th>'
        if found is None:
            return f"<tr>{title}<td>not run</td>{'<td></td>' * (len(SHOWN) + 4)}</tr>"
        counts = (
            ", ".join(f"{n} {kind}" for kind, n in found[part].items() if n)
            for part in ("unit", "notebooks")
        )
        versions = (found["versions"][key] for key in ("python", *SHOWN))
        values = (*counts, str(found["memory_mb"]), *versions, found["date"])
        cells = "".join(f"<td>{html.escape(value)}</td>" for value in values)
        return f"<tr>{title}{cells}</tr>"


class Strip(SphinxDirective):
    """Rows of stored 8 x 8 images with their labels (words.PICTURES) as text; the content is the caption.

    A reference names a group of rows, or one row. Several may follow each other; then the shortest row tells how
    many images all of them show.

    ```{strip} autoencoder:pictures.denoising gan:pictures.samples.gan
    :alt: What a reader who does not see the pictures should know.
    A caption.
    ```
    """

    required_arguments = 1
    optional_arguments = 9
    option_spec: ClassVar = {"alt": str}
    has_content = True

    def run(self) -> list[nodes.Node]:
        labelled = []
        for reference in self.arguments:
            name = reference.partition(":")[0]
            self.env.note_dependency(str(ROOT / "book" / "_data" / f"{name}.json"))
            found = find(reference)
            rows = found if isinstance(found, dict) else {reference.rpartition(".")[2]: found}
            labelled += [
                (html.escape(words.PICTURES.get(key, key)), images) for key, images in rows.items()
            ]
        if len(self.arguments) > 1:
            shown = min(len(images) for _, images in labelled)
            labelled = [(row, images[:shown]) for row, images in labelled]
        cells = "".join(
            f'<tr><th scope="row">{row}</th><td><span class="gl-stencil" role="img" aria-label="{row}" '
            f'style="{stencil(images, len(images))}"></span></td></tr>'
            for row, images in labelled
        )
        label = html.escape(self.options["alt"], quote=True)
        figure = nodes.container(classes=["gl-strip"])
        figure += raw(f'<table role="group" aria-label="{label}">{cells}</table>')
        self.state.nested_parse(self.content, self.content_offset, figure)
        return [figure]


def stencil(images: list[list[int]], across: int) -> str:
    """Images of 64 grey levels 0..16 in rows of `across`, as the style of a `.gl-stencil` in the colour of text."""
    down = -(-len(images) // across)
    paper = np.zeros((9 * down - 1, 9 * across - 1))
    for i, image in enumerate(images):
        top, left = 9 * (i // across), 9 * (i % across)
        paper[top : top + 8, left : left + 8] = np.reshape(image, (8, 8))
    ink = np.kron(paper * 255 / 16, np.ones((6, 6))).round().astype(np.uint8)
    sheet = np.stack([np.zeros_like(ink), ink], axis=-1)  # grey and opacity
    height, width = ink.shape
    return f"aspect-ratio:{width}/{height};--ink:url({png(torch.from_numpy(sheet))})"


# --- interactive figures ------------------------------------------------------------------------


class InteractiveFigure(SphinxDirective):
    """```{interactive} two_gaussians``` puts genlib.interact.two_gaussians() into the page, and below it its line.

    `:models: gan flow` names the models, for a figure that takes them.
    """

    required_arguments = 1
    option_spec: ClassVar = {"models": str.split}

    def run(self) -> list[nodes.Node]:
        for path in (ROOT / "genlib").rglob("*interact*"):
            self.env.note_dependency(str(path))
        (name,) = self.arguments
        figure = getattr(interact, name)(**self.options)
        return [raw(figure._repr_html_()), raw(ledger.folded(name))]


class Ledger(SphinxDirective):
    """The lines of all figures, each under its name and the pages on which it stands."""

    def run(self) -> list[nodes.Node]:
        pages = sorted((ROOT / "book").glob("*.md"))
        for path in [*pages, *(ROOT / "genlib").rglob("*interact*")]:
            self.env.note_dependency(str(path))
        texts = {path.stem: path.read_text(encoding="utf-8") for path in pages}
        items = []
        for name in ledger.LEDGER:
            links = [
                f'<a href="{page}.html">{html.escape(text.split("# ", 1)[1].splitlines()[0])}</a>'
                for page, text in texts.items()
                if f"{{interactive}} {name}\n" in text
            ]
            where = f"<code>{name}</code> · {', '.join(links)}"
            items.append(f"<dt>{where}</dt><dd>{ledger.entry(name)}</dd>")
        return [raw(f"<dl>{''.join(items)}</dl>")]


# --- exercises -----------------------------------------------------------------------------------


class Exercises(SphinxDirective):
    """A table of all exercises, each with a link to its place; a row for each notebook has the sums."""

    def run(self) -> list[nodes.Node]:
        rows = ["| Exercise | Level | Minutes | Points |", "|---|---|--:|--:|"]
        for path in sorted(NOTEBOOKS.glob("*.ipynb")):
            self.env.note_dependency(str(path))
            there, page = exercises.of(path), f"../notebooks/{path.name}"
            minutes, points = (
                sum(getattr(e, what) for e in there) for what in ("minutes", "points")
            )
            rows.append(f"| **[{exercises.title(path)}]({page})** | | {minutes} | {points} |")
            for one in there:
                link = f"[{one.title}]({page}#{default_slugify(one.heading)})".replace("|", r"\|")
                rows.append(
                    f"| {one.number} · {link} | {one.level} | {one.minutes} | {one.points} |"
                )
        table = nodes.container(classes=["gl-exercises"])
        self.state.nested_parse(StringList(rows, "exercises"), self.content_offset, table)
        return [table]


# --- student copies ------------------------------------------------------------------------------


class StudentCopies(SphinxDirective):
    """A list of links to the student copies that `publish_exercises` writes beside the pages."""

    def run(self) -> list[nodes.Node]:
        root = "../" * self.env.docname.count("/")
        items = []
        for path in filter(has_solutions, sorted(NOTEBOOKS.glob("*.ipynb"))):
            self.env.note_dependency(str(path))
            title = path.stem.replace("_", " ")
            item = f'<a href="{root}exercises/{path.name}" download>{title}</a>'
            if url := copies.address():
                item += f' (<a href="{copies.on_colab(url, path.name)}">open in Colab</a>)'
            items.append(f"<li>{item}</li>")
        return [raw(f"<ul>{''.join(items)}</ul>")]


def publish_exercises(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        copies.write_student_copies(Path(app.outdir) / "exercises")


def setup(app: Sphinx) -> dict:
    app.connect("config-inited", use_fingerprint, priority=900)
    app.connect("config-inited", hide_repository, priority=900)
    app.connect("builder-inited", vendor_mathjax)
    app.connect("html-page-context", drop_thebe, priority=900)
    app.connect("html-page-context", name_folds)
    app.connect("html-page-context", add_footer)
    app.connect("build-finished", publish_exercises)
    app.add_directive("quiz", Quiz)
    app.add_directive("running-table", RunningTable)
    app.add_directive("environments", Environments)
    app.add_directive("strip", Strip)
    app.add_directive("interactive", InteractiveFigure)
    app.add_directive("ledger", Ledger)
    app.add_directive("student-copies", StudentCopies)
    app.add_directive("exercises", Exercises)
    app.add_role("stored", Stored())
    app.setup_extension("genstart")
    app.setup_extension("genfast")
    app.setup_extension("genpage")
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
