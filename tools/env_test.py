"""Try the course in another environment: `make env-test ENV=offline`.

Runs the unit tests and every notebook in the quick budget there, and writes what passed as one row of
book/_data/environments.json; the rows of the other environments stay. Needs the standard library alone.
An environment with other versions than `.venv` is built in _build/envs (about 5 GB with a CUDA build of torch);
ENV_PYTHON=/path/to/python3.13 names its interpreter.
"""

import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tools.set_repository import with_address

ROOT = Path(__file__).resolve().parent.parent
SHOWN = ("torch", "numpy", "scipy", "matplotlib", "scikit-learn", "ipywidgets")
OWN = "learning-to-generate"
# Nothing that was downloaded before may help.
EMPTY_HOME = {"GENLIB_DATA": None, "XDG_CACHE_HOME": None, "HOME": "{tmp}/home"}
AS_USER = ["-r"] if hasattr(os, "geteuid") and os.geteuid() else []
OFFLINE = ["unshare", *AS_USER, "-n", "sh", "-c", 'ip link set lo up && exec "$@"', "sh"]
LOCK = 'mount --bind "$d" "$d" && mount -o remount,bind,ro "$d" || exit 1'
READ_ONLY = f'for d in "$CHECKOUT" "$HOME"; do {LOCK}; done; cd "$CHECKOUT"; exec "$@"'


def names(lines: list[str]) -> dict[str, str]:
    """Normalised name -> version of lines such as `scikit-learn>=1.6` or `numpy==2.4.6`."""
    found = (re.match(r"([\w.-]+)\s*[=>]=\s*([\w.]+)", line) for line in lines)
    return {re.sub(r"[-_.]+", "-", m[1]).lower(): m[2] for m in found if m}


def bounds(root: Path) -> dict[str, str]:
    """The lower bounds of pyproject.toml, those of the extras too."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project.get("optional-dependencies", {}).values()
    return names([*project["dependencies"], *(line for extra in extras for line in extra)])


def pins(path: Path) -> dict[str, str]:
    return names(path.read_text(encoding="utf-8").splitlines())


def with_the_rest(chosen: list[str], root: Path) -> list[str]:
    """The chosen packages, and what tests need besides: as pinned, or older where the chosen ones ask for it."""
    rest = pins(root / "requirements.txt")
    for name in [*names(chosen), *bounds(root)]:
        rest.pop(name, None)
    return [*chosen, *(f"{name}<={version}" for name, version in rest.items())]


def lowest(root: Path) -> list[str]:
    chosen = [f"{name}=={version}" for name, version in bounds(root).items()]
    return with_the_rest(chosen, root)


def newest(root: Path) -> list[str]:
    return with_the_rest(list(bounds(root)), root)


def pinned(root: Path) -> list[str]:
    return ["-r", str(root / "requirements.txt"), "-c", str(root / "constraints.txt")]


def as_on_colab(root: Path) -> list[str]:
    colab = pins(root / "tools" / "colab.txt")
    return with_the_rest([f"{name}=={version}" for name, version in colab.items()], root)


@dataclass(frozen=True)
class Environment:
    """What is different there; `{tmp}` in a variable is a fresh folder, and None takes the variable away."""

    what: str
    python: str = ""  # "": the interpreter and the versions of .venv
    packages: Callable[[Path], list[str]] = pinned
    variables: dict[str, str | None] = field(default_factory=dict)
    inside: tuple[str, ...] = ()  # a command that runs another one in the environment
    installs_genlib: bool = True  # False: the setup cell of the notebooks has to


ENVIRONMENTS = {
    "offline": Environment(
        "no network, an empty home folder", variables=EMPTY_HOME, inside=tuple(OFFLINE)
    ),
    "readonly": Environment(
        "a checkout and a home folder that cannot be written",
        variables=EMPTY_HOME | {"JUPYTER_RUNTIME_DIR": "{tmp}/runtime", "CHECKOUT": "{root}"},
        inside=("unshare", *AS_USER, "-m", "sh", "-c", READ_ONLY, "sh"),
    ),
    "threads1": Environment("one thread", variables={"OMP_NUM_THREADS": "1"}),
    "threads2": Environment("two threads", variables={"OMP_NUM_THREADS": "2"}),
    "colab": Environment(
        "Colab's versions; the first cell of the notebooks installs genlib",
        "3.13",
        as_on_colab,
        EMPTY_HOME | {"GENLIB_STATIC": None},
        installs_genlib=False,
    ),
    "lowest": Environment("the lower bounds of pyproject, exactly", "3.11", lowest),
    "newest": Environment("the newest versions of what genlib needs", "3.13", newest),
    "py312": Environment("Python 3.12, our pins", "3.12"),
    "py313": Environment("Python 3.13, our pins", "3.13"),
}


def interpreter(version: str) -> str:
    """A Python of that version; ENV_PYTHON goes first."""
    for candidate in filter(None, [os.environ.get("ENV_PYTHON"), f"python{version}"]):
        command = [candidate, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        try:
            answer = subprocess.run(command, capture_output=True, text=True, encoding="utf-8")
        except OSError:
            continue
        if answer.stdout.strip() == version:
            return candidate
    sys.exit(f"env-test: no Python {version} here; name one: ENV_PYTHON=/path/to/python{version}")


def make(name: str, environment: Environment, root: Path) -> Path:
    """The interpreter of the environment, which is built if it is not there; stops where pip cannot."""
    if not environment.python:
        return root / ".venv" / "bin" / "python"
    folder = root / "_build" / "envs" / name
    python, done = folder / "bin" / "python", folder / "stamp"
    wanted = environment.packages(root)
    texts = (Path(w).read_text(encoding="utf-8") if Path(w).is_file() else w for w in wanted)
    stamp = "\n".join(texts)
    if done.exists() and done.read_text(encoding="utf-8") == stamp:
        return python
    subprocess.run([interpreter(environment.python), "-m", "venv", folder], check=True)
    pip = [python, "-m", "pip", "--disable-pip-version-check", "install", "-q", "--upgrade"]
    steps = [[*pip, *wanted]]
    if environment.installs_genlib:
        steps.append([*pip, "--no-deps", "-e", root])
    for step in steps:
        if subprocess.run(step, cwd=root).returncode:
            sys.exit(f"env-test: {name} could not be installed")
    if not environment.installs_genlib:
        pretend_colab(python)
    done.write_text(stamp, encoding="utf-8")
    return python


def pretend_colab(python: Path) -> None:
    """A module google.colab that every start of this Python imports: the setup cell looks for it."""
    where = "import sysconfig; print(sysconfig.get_path('purelib'))"
    site = Path(output([python, "-c", where]).strip())
    (site / "google" / "colab").mkdir(parents=True, exist_ok=True)
    (site / "google" / "colab" / "__init__.py").touch()
    (site / "colab.pth").write_text("import google.colab\n", encoding="utf-8")


def output(command: list) -> str:
    return subprocess.run(
        command, check=True, capture_output=True, text=True, encoding="utf-8"
    ).stdout


def versions(python: Path) -> dict[str, str]:
    """Python's version and those of the packages shown in the table."""
    code = f"""import json, platform
from importlib.metadata import version
print(json.dumps({{"python": platform.python_version()}} | {{p: version(p) for p in {SHOWN}}}))"""
    return json.loads(output([python, "-c", code]))


def variables(environment: Environment, root: Path, tmp: Path) -> dict[str, str]:
    """What the tests see of the outside."""
    seen = os.environ | {"OMP_NUM_THREADS": os.environ.get("OMP_NUM_THREADS", "1")}
    for name, value in environment.variables.items():
        seen.pop(name, None)
        if value is not None:
            seen[name] = value.format(tmp=tmp, root=root)
    return seen


def outside(root: Path, tmp: Path) -> Path:
    """A folder with nothing but the notebooks; their setup cell installs this working tree through git.

    An empty folder of the library's name lies beside them: it must not be taken for the library.
    """
    checkout, folder = tmp / "repository", tmp / "content"
    git = ["git", "-C", str(root), "ls-files", "-coz", "--exclude-standard"]
    for name in filter(None, output(git).split("\0")):
        if (root / name).is_file():
            (checkout / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(root / name, checkout / name)
    me = ["-c", "user.name=env-test", "-c", "user.email=env-test@localhost"]
    for step in (["init", "-q"], ["add", "-A"], [*me, "commit", "-q", "-m", "working tree"]):
        subprocess.run(["git", *step], cwd=checkout, check=True)
    (folder / "genlib").mkdir(parents=True)
    for path in (root / "notebooks").glob("*.ipynb"):
        text = path.read_text(encoding="utf-8")
        local = with_address(text, path.name, checkout.as_uri())
        (folder / path.name).write_text(local, encoding="utf-8")
    return folder


def peak_mb(command: list, where: Path, seen: dict[str, str]) -> int:
    """Run the command; the memory of the largest process that it started, in MB."""
    process = subprocess.Popen(command, cwd=where, env=seen)
    used = os.wait4(process.pid, 0)[2]
    return round(used.ru_maxrss / (1024**2 if sys.platform == "darwin" else 1024))


def run_notebooks(
    environment: Environment, python: Path, root: Path, tmp: Path
) -> tuple[Path, int]:
    """The report of nbval over all notebooks in the quick budget, and the memory of the largest kernel."""
    report, seen = tmp / "notebooks.xml", variables(environment, root, tmp)
    command = [*environment.inside, python, "-m", "pytest", "-q", f"--junitxml={report}"]
    pip = [python, "-m", "pip", "--disable-pip-version-check"]
    if environment.installs_genlib:
        command, where = [*command, "notebooks"], root
    else:
        subprocess.run([*pip, "uninstall", "-q", "-y", OWN], check=True)  # of an earlier run
        (tmp / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
        options = ["--nbval-lax", "--nbval-current-env", "--nbval-cell-timeout=180"]
        where = outside(root, tmp)
        command += ["-c", tmp / "pytest.ini", *options, where]
    before = set(output([*pip, "freeze"]).splitlines())
    memory = peak_mb(command, where, seen | {"GENLIB_BUDGET": "quick"})
    new = set(output([*pip, "freeze"]).splitlines()) - before
    wanted = 0 if environment.installs_genlib else 1
    if len(new) != wanted or any(OWN not in line for line in new):
        sys.exit(f"env-test: the notebooks changed these packages: {sorted(new)}")
    return report, memory


def run_unit_tests(environment: Environment, python: Path, root: Path, tmp: Path) -> Path:
    report = tmp / "unit.xml"
    command = [*environment.inside, python, "-m", "pytest", "-q", "-n", "2", "tests"]
    subprocess.run(
        [*command, f"--junitxml={report}"], cwd=root, env=variables(environment, root, tmp)
    )
    return report


def count(report: Path) -> dict[str, int]:
    """Tests of a report by their end; a cell after a failed one counts as skipped."""
    ends = [end(case) for case in ET.parse(report).getroot().iter("testcase")]
    return {kind: ends.count(kind) for kind in ("passed", "failed", "skipped")}


def end(case: ET.Element) -> str:
    kinds = {child.tag for child in case}
    if kinds & {"failure", "error"}:
        return "failed"
    return "skipped" if "skipped" in kinds else "passed"


def failing(report: Path, root: Path) -> list[str]:
    """Names of what failed: file and test, or notebook and id of the cell."""
    found = []
    for case in ET.parse(report).getroot().iter("testcase"):
        if end(case) == "failed":
            place, name = case.get("classname", ""), case.get("name", "")
            if place.endswith(".ipynb"):
                place = place.split(".")[-2]
                path = root / "notebooks" / f"{place}.ipynb"
                cells = json.loads(path.read_text(encoding="utf-8"))["cells"]
                code = [cell["id"] for cell in cells if cell["cell_type"] == "code"]
                name = code[int(name.removeprefix("Cell "))]
            found.append(f"{place}: {name}")
    return found


def measure(name: str, root: Path) -> dict:
    """One row: build the environment, run everything there, count."""
    environment = ENVIRONMENTS[name]
    python = make(name, environment, root)
    with tempfile.TemporaryDirectory(prefix="env-test-") as folder:
        tmp = Path(folder)
        (tmp / "home").mkdir()
        (tmp / "runtime").mkdir(mode=0o700)
        seen = variables(environment, root, tmp)
        if subprocess.run([*environment.inside, "true"], env=seen).returncode:
            sys.exit(f"env-test: {name} needs `unshare` of Linux, which is not allowed here")
        notebooks, memory = run_notebooks(environment, python, root, tmp)
        unit = run_unit_tests(environment, python, root, tmp)
        for report in (notebooks, unit):
            if not report.exists():
                sys.exit(f"env-test: {report.stem} did not run in {name}; the reason stands above")
        return {
            "command": f"make env-test ENV={name}",
            "date": date.today().isoformat(),
            "versions": versions(python),
            "threads": int(seen["OMP_NUM_THREADS"]),
            "memory_mb": memory,
            "unit": count(unit),
            "notebooks": count(notebooks),
            "failing": [*failing(unit, root), *failing(notebooks, root)],
        }


def store(name: str, row: dict, root: Path) -> None:
    """Put the row into environments.json, in the order of ENVIRONMENTS; the other rows stay."""
    path = root / "book" / "_data" / "environments.json"
    rows = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    rows[name] = row
    ordered = {key: rows[key] for key in ENVIRONMENTS if key in rows}
    path.write_text(json.dumps(ordered, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")


def main(name: str, root: Path = ROOT) -> int:
    if name not in ENVIRONMENTS:
        lines = (f"  {key:10s} {e.what}" for key, e in ENVIRONMENTS.items())
        sys.exit("\n".join([f"ENV: expected one of these, got {name!r}", *lines]))
    row = measure(name, root)
    store(name, row, root)
    for line in row["failing"]:
        print(line)
    print(f"{name}: unit tests {row['unit']}, cells of notebooks {row['notebooks']}")
    return 1 if row["failing"] else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else ""))
