"""Write constraints.txt: every package of the environment that requirements.txt does not pin itself."""

import re
from importlib.metadata import distributions
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SKIP = {"learning-to-generate", "pip", "setuptools", "wheel"}


def name(requirement: str) -> str:
    """The normalised name in a line such as `Foo_Bar==1.0`."""
    return re.sub(r"[-_.]+", "-", re.split(r"[=<>~! ]", requirement)[0]).lower()


def pinned(path: Path) -> set[str]:
    lines = path.read_text(encoding="utf-8").splitlines()
    return {name(line) for line in lines if line and line[0] not in "#-"}


def main() -> None:
    direct = pinned(ROOT / "requirements.txt") | SKIP
    installed = {name(d.metadata["Name"]): d.version.split("+")[0] for d in distributions()}
    lines = [
        f"{package}=={version}"
        for package, version in sorted(installed.items())
        if package not in direct
    ]
    header = "# All that came along with requirements.txt, as installed and tested. Made by: make constraints"
    (ROOT / "constraints.txt").write_text("\n".join([header, *lines, ""]), encoding="utf-8")
    print(f"constraints.txt: {len(lines)} packages")


if __name__ == "__main__":
    main()
