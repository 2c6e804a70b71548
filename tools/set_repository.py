"""Write the repository's address wherever it is repeated. `_config.yml` is the one place that owns it.

make repository URL=https://github.com/you/your-copy [TAG=2027-spring]

With a tag, Colab opens the notebooks and installs the library of that state, whatever comes after it.
As long as there is no address, `_config.yml` says OWNER, and the notebooks hold no word of it: the badge that opens
Colab, and the lines that install the library there, come with the address.
"""

import json
import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPEATED = (
    "_config.yml",
    "pyproject.toml",
    "README.md",
    "CONTRIBUTING.md",
    "CITATION.cff",
    "book/**/*.md",
    "notebooks/*.ipynb",
    "templates/*",
)
SETUP = """\
from genlib.run import setup  # not found? Choose the kernel .venv (make env)

run = setup(seed=0)"""
ON_COLAB = """\
import sys

if "google.colab" in sys.modules:  # it lacks only this course's own library
    %pip install -q --no-deps git+{url}
"""
BADGE = "[![Open in Colab](../book/_static/colab-badge.svg)]({url})"
HAS_BADGE = re.compile(r"\n\n\[!\[Open in Colab\]\([^)]*\)\]\([^)]*\)")


def current(root: Path = ROOT) -> str:
    """The address that _config.yml holds."""
    found = re.search(
        r"^repository:\n +url: (\S+)",
        (root / "_config.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return found.group(1)


def tag(root: Path = ROOT) -> str:
    """The branch or tag from which Colab opens the notebooks and installs the library."""
    text = (root / "_config.yml").read_text(encoding="utf-8")
    return re.search(r"^repository:\n(?: .*\n)*? +branch: (\S+)", text, re.MULTILINE)[1]


def slug(url: str) -> str:
    """owner/name of an address."""
    return url.removeprefix("https://github.com/")


def has_address(url: str) -> bool:
    """Is this the address of a repository, and not the place where one will stand?"""
    return "/OWNER/" not in url


def setup_cell(url: str, tag: str = "main") -> str:
    """The first code cell of every notebook."""
    source = url if tag == "main" else f"{url}@{tag}"
    return (ON_COLAB.format(url=source) if has_address(url) else "") + SETUP


def badge(url: str, name: str, tag: str = "main") -> str:
    """The link that opens the notebook `name` on Colab, or nothing."""
    blob = f"https://colab.research.google.com/github/{slug(url)}/blob/{tag}/notebooks/{name}"
    return BADGE.format(url=blob) if has_address(url) else ""


def with_address(text: str, name: str, url: str, tag: str = "main") -> str:
    """The file of a notebook, with the badge below its title and the setup cell that belong to an address."""
    notebook = json.loads(text)
    first, second = notebook["cells"][:2]
    title, _, rest = HAS_BADGE.sub("", "".join(first["source"])).partition("\n\n")
    first["source"] = _lines("\n\n".join(filter(None, [title, badge(url, name, tag), rest])))
    second["source"] = _lines(setup_cell(url, tag))
    return json.dumps(notebook, indent=1, ensure_ascii=False) + "\n"


def _lines(text: str) -> list[str]:
    return text.splitlines(keepends=True)


def files(root: Path = ROOT) -> list[Path]:
    """All files that may repeat the address."""
    return sorted(path for pattern in REPEATED for path in root.glob(pattern) if path.is_file())


def write(url: str, root: Path = ROOT, tag: str = "main") -> list[Path]:
    """Replace the current address by `url`, and the current tag; returns the files that changed.

    Raises:
        ValueError: `url` is no address of a repository, or `tag` no name.
    """
    url = url.strip().removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url):
        raise ValueError(f"URL: expected https://github.com/OWNER/NAME, got {url!r}")
    if not re.fullmatch(r"\w[\w.-]*", tag):
        raise ValueError(f"TAG: expected a name such as 2027-spring, got {tag!r}")
    old, changed = current(root), []
    for path in files(root):
        text = path.read_text(encoding="utf-8")
        # `github.com/owner/name` in addresses, `github/owner/name` in links to Colab, `gh/owner/name` to Binder
        new = text.replace(f"github.com/{slug(old)}", f"github.com/{slug(url)}")
        for host in ("github", "gh"):
            new = new.replace(f"/{host}/{slug(old)}/", f"/{host}/{slug(url)}/")
        if path.suffix == ".ipynb":
            in_use = path.parent.name == "notebooks"  # the template fills in its name later
            name = path.name if in_use else "@NUMBER@a_@NAME@.ipynb"
            new = with_address(new, name, url, tag)
        if path.name == "_config.yml":
            new = re.sub(r"(?<=^  branch: )\S+", tag, new, flags=re.MULTILINE)
        if new != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        url, pinned = (*sys.argv[1:], "", "")[:2]
        for path in write(url, tag=pinned or "main"):
            print(path.relative_to(ROOT))
    except ValueError as problem:
        sys.exit(f"make repository: {problem}")
