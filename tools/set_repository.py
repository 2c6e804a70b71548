"""Write the repository's address wherever it is repeated. `_config.yml` is the one place that owns it.

make repository URL=https://github.com/you/your-copy
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
REPEATED = (
    "_config.yml",
    "pyproject.toml",
    "README.md",
    "CONTRIBUTING.md",
    "book/**/*.md",
    "notebooks/*.ipynb",
    "templates/*",
)


def current(root: Path = ROOT) -> str:
    """The address that _config.yml holds."""
    found = re.search(
        r"^repository:\n +url: (\S+)",
        (root / "_config.yml").read_text(encoding="utf-8"),
        re.MULTILINE,
    )
    return found.group(1)


def slug(url: str) -> str:
    """owner/name of an address."""
    return url.removeprefix("https://github.com/")


def files(root: Path = ROOT) -> list[Path]:
    """All files that may repeat the address."""
    return sorted(path for pattern in REPEATED for path in root.glob(pattern) if path.is_file())


def write(url: str, root: Path = ROOT) -> list[Path]:
    """Replace the current address by `url`; returns the files that changed.

    Raises:
        ValueError: `url` is no address of a repository.
    """
    url = url.strip().removesuffix("/").removesuffix(".git")
    if not re.fullmatch(r"https://github\.com/[\w.-]+/[\w.-]+", url):
        raise ValueError(f"URL: expected https://github.com/OWNER/NAME, got {url!r}")
    old, changed = current(root), []
    for path in files(root):
        text = path.read_text(encoding="utf-8")
        # `github.com/owner/name` in addresses, `github/owner/name` in links to Colab, `gh/owner/name` to Binder
        new = text.replace(f"github.com/{slug(old)}", f"github.com/{slug(url)}")
        for host in ("github", "gh"):
            new = new.replace(f"/{host}/{slug(old)}/", f"/{host}/{slug(url)}/")
        if new != text:
            path.write_text(new, encoding="utf-8")
            changed.append(path)
    return changed


if __name__ == "__main__":
    try:
        for path in write(sys.argv[1] if len(sys.argv) > 1 else ""):
            print(path.relative_to(ROOT))
    except ValueError as problem:
        sys.exit(f"make repository: {problem}")
