"""The start page's own parts, and what search engines and messengers are told of every page.

- `families`: a column of stored samples for each family of models, with one number.
- `doors`: the links to begin with, and one line of facts, counted.
- `road`: the chapters as stations of one road, each with digits that its model drew.
- Every page gets a description, a title and a picture for those who link to it; the picture is drawn at the build.
"""

import html
import re
from pathlib import Path
from statistics import fmean

import genbook
import numpy as np
from docutils import nodes
from PIL import Image
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

from genlib import pretrained, table, words
from tools import make_exercises as copies
from tools.set_repository import slug

ROOT = genbook.ROOT

# All words; # stands for a value, *stars* for a link.
WORDS = {
    "autoencoder": "Auto\u00adencoder + mixture",
    "vae": "VAE",
    "gan": "GAN",
    "diffusion": "Diffusion",
    "samples": "Six digits drawn by this model: #",
    "three": "Three digits: #",
    "distance": "Fréchet distance #, in floors",
    "scale": "Six digits of each, not picked. The number says how far its digits are from real ones. "
    "Less is better; other real digits score 1 (*Fréchet distance, in floors*).",
    "start": "Start reading",  # "Start" alone tells a search engine nothing
    "train": "Train a model now",
    "colab": "Open in Colab",
    "notebook": "Open the first notebook",
    "facts": "Free · PyTorch · about a minute a model on one CPU core · # chapters · # notebooks",
    "title": "Learning to Generate: a free course on generative models in PyTorch",
    "social": "Rows of grey noise that turn, from left to right, into handwritten digits",
}
FIRST, TRAIN, NOTEBOOK = (
    "book/01_discriminative_and_generative",
    "book/train_here",
    "notebooks/00_start_here",
)
FAMILIES = {  # where the digits of a family are stored, its row of the running table, its chapter
    "autoencoder": (
        "autoencoder:pictures.random_codes.mixture",
        "ae_fitted_mixture",
        "book/02_autoencoders",
    ),
    "vae": ("vae:pictures.random_codes.vae_prior", "vae", "book/03_variational_autoencoders"),
    "gan": ("gan:pictures.samples.gan", "gan", "book/04_generative_adversarial_networks"),
    "diffusion": ("ddpm:pictures.samples.ddpm", "ddpm", "book/05_denoising_diffusion"),
}


def link(directive: SphinxDirective, page: str) -> str:
    """The address of a page, as seen from the page of the directive."""
    return directive.env.app.builder.get_relative_uri(directive.env.docname, page)


def in_floors(row: str) -> float:
    """The mean Fréchet distance of a row of the running table, in that of real digits."""
    stored = table.stored("table")
    means = [
        fmean(table.seed_means(part["frechet"])) for part in (stored["rows"][row], stored["floor"])
    ]
    return means[0] / means[1]


class Families(SphinxDirective):
    """A column for each family: six digits that it drew, its name, and its Fréchet distance in floors."""

    def run(self) -> list[nodes.Node]:
        for name in ("table", *(where.partition(":")[0] for where, _, _ in FAMILIES.values())):
            self.env.note_dependency(str(ROOT / "book" / "_data" / f"{name}.json"))
        columns = "".join(self.column(key, *family) for key, family in FAMILIES.items())
        before, linked, after = html.escape(WORDS["scale"]).split("*")
        scale = f'{before}<a href="{link(self, "book/measures")}">{linked}</a>{after}'
        style = (Path(__file__).parent / "start.css").read_text(encoding="utf-8")
        return [
            genbook.raw(
                f'<style>{style}</style><ul class="gl-families">{columns}</ul><p class="gl-scale">{scale}</p>'
            )
        ]

    def column(self, key: str, where: str, row: str, page: str) -> str:
        name, number = html.escape(WORDS[key]), f"{in_floors(row):.1f}"
        alt = html.escape(WORDS["samples"].replace("#", WORDS[key].replace("\u00ad", "")))
        said = html.escape(WORDS["distance"].replace("#", number))
        style = genbook.stencil(genbook.find(where)[:6], 3)
        return (
            f'<li><a href="{link(self, page)}">'
            f'<span class="gl-stencil" role="img" aria-label="{alt}" style="{style}"></span>'
            f'<span class="gl-name">{name}</span> <b aria-label="{said}" role="img">{number}</b></a></li>'
        )


class Doors(SphinxDirective):
    """The links to begin with, and one line of facts.

    As long as the repository has no address, Colab cannot open anything: then the notebook's page stands there.
    """

    def run(self) -> list[nodes.Node]:
        notebooks = len(list((ROOT / "notebooks").glob("*.ipynb")))
        chapters = len(list((ROOT / "book").glob("[0-9][0-9]_*.md")))
        doors = [("start", link(self, FIRST)), ("train", link(self, TRAIN))]
        if url := copies.address():
            colab = "https://colab.research.google.com/github"
            doors.append(("colab", f"{colab}/{slug(url)}/blob/main/{NOTEBOOK}.ipynb"))
        else:
            doors.append(("notebook", link(self, NOTEBOOK)))
        shown = "".join(f'<a href="{address}">{WORDS[key]}</a>' for key, address in doors)
        facts = WORDS["facts"].replace("#", str(chapters), 1).replace("#", str(notebooks), 1)
        return [genbook.raw(f'<p class="gl-doors">{shown}</p><p class="gl-facts">{facts}</p>')]


class Road(SphinxDirective):
    """Stations on one road: a link, what is new there, and where digits of its model are stored.

    ```{road}
    - [What does a classifier lack?](01_discriminative_and_generative.md) :: a model :: gan:pictures.samples.gan
    ```
    """

    has_content = True

    def run(self) -> list[nodes.Node]:
        items = [genbook.raw('<ol class="gl-road">')]
        for line in filter(str.strip, self.content):
            parts = [part.strip() for part in line.removeprefix("- ").split(" :: ")]
            if not 2 <= len(parts) <= 3:
                raise self.error(f"road: expected `link :: what is new :: digits`, got {line!r}")
            items += self.station(*parts)
        return [*items, genbook.raw("</ol>")]

    def station(self, linked: str, new: str, where: str = "") -> list[nodes.Node]:
        chapter = re.search(r"\((\d\d)_", linked)
        number = int(chapter[1]) if chapter else "…"
        picture = ""
        if where:
            name, key = where.partition(":")[0], where.rpartition(".")[2]
            self.env.note_dependency(str(ROOT / "book" / "_data" / f"{name}.json"))
            alt = html.escape(WORDS["three"].replace("#", words.PICTURES[key]))
            style = genbook.stencil(genbook.find(where)[:3], 3)
            picture = (
                f'<span class="gl-stencil" role="img" aria-label="{alt}" style="{style}"></span>'
            )
        opened = f'<li><span class="gl-number" aria-hidden="true">{number}</span>{picture}<div>'
        return [
            genbook.raw(opened),
            nodes.paragraph("", "", *self.inline(linked)),
            nodes.paragraph("", "", *self.inline(new)),
            genbook.raw("</div></li>"),
        ]

    def inline(self, text: str) -> list[nodes.Node]:
        children, messages = self.state.inline_text(text, self.lineno)
        return children + messages


# --- what others are told of a page ------------------------------------------------------------------------------


def described(doctree: nodes.document | None) -> str:
    """The first paragraph of a page that is long enough and holds no formula, cut at a word."""
    for paragraph in doctree.findall(nodes.paragraph) if doctree else ():
        text = " ".join(paragraph.astext().split())
        plain = isinstance(paragraph.parent, nodes.section) and not any(
            paragraph.findall(nodes.math)
        )
        if plain and len(text) >= 60:
            return text if len(text) <= 200 else text[:200].rpartition(" ")[0] + " …"
    return ""


def add_metatags(app: Sphinx, pagename, templatename, context, doctree) -> None:
    """Description, title and picture of every page; the picture's address is absolute once the book has one."""
    if pagename == app.config.root_doc:
        context["title"], context["docstitle"] = WORDS["title"], ""
    title = re.sub("<[^>]+>", "", context.get("title", "")) or app.config.html_title
    picture = context["pathto"]("_static/social.png", resource=True)
    if url := copies.address():
        picture = f"{copies.site(url)}/_static/social.png"
    known = context.get("metatags", "")
    description = described(doctree) or WORDS["title"]
    if found := re.search(
        r'name="description"[^>]*content="([^"]*)"|content="([^"]*)"[^>]*name="description"', known
    ):
        description = html.unescape(found[1] or found[2])
    else:
        known += f'<meta name="description" content="{html.escape(description)}" />\n'
    told = {
        "og:type": "website",
        "og:site_name": app.config.html_title,
        "og:title": html.unescape(title),
        "og:description": description,
        "og:image": picture,
        "og:image:alt": WORDS["social"],
    }
    tags = "".join(f'<meta property="{k}" content="{html.escape(v)}" />\n' for k, v in told.items())
    context["metatags"] = (
        known + tags + '<meta name="twitter:card" content="summary_large_image" />\n'
    )


def social_picture() -> Image.Image:
    """1200 x 630 pixels without a letter: five stored walks of the trained network, from noise to digits."""
    back = pretrained.tensors("ddpm_film")["back"][:, :5, 0]
    moments = np.linspace(0, len(back) - 1, 10).round().astype(int)
    sheet = np.zeros((630, 1200))
    for column, moment in enumerate(moments):
        for row, image in enumerate(back[moment]):
            level = (image.float().numpy() / 40 + 1).clip(0, 2) / 2
            top, left = 15 + 120 * row + 4, 120 * column + 4
            sheet[top : top + 112, left : left + 112] = np.kron(level, np.ones((14, 14)))
    return Image.fromarray((255 * (1 - sheet)).round().astype(np.uint8))


def publish_picture(app: Sphinx, exception: Exception | None) -> None:
    if exception is None and app.builder.format == "html":
        social_picture().save(Path(app.outdir) / "_static" / "social.png", optimize=True)


def setup(app: Sphinx) -> dict:
    app.add_directive("families", Families)
    app.add_directive("doors", Doors)
    app.add_directive("road", Road)
    app.connect("html-page-context", add_metatags, priority=901)
    app.connect("build-finished", publish_picture)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
