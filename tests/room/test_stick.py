"""A memory stick for this machine, installed and used in a shell without network: `make stick-test`, after `make book`.

The stick is made as a teacher makes it, but for one system and one Python. Linux alone can take the network from one
shell; where it may not, all of this is skipped, and says so.
"""

import os
import platform
import re
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

from tools import make_stick

HTML = Path(os.environ.get("GENLIB_SITE") or make_stick.HTML).resolve()
LESSON = "04a_a_gan_with_one_parameter"
ALONE = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as out:  # a kernel talks to itself over lo, which is down
    fcntl.ioctl(out, 0x8914, struct.pack("16sh", b"lo", 1))
try:
    socket.create_connection(("1.1.1.1", 443), timeout=3)
except OSError as error:
    print(f"no network: {error}", flush=True)
else:
    sys.exit("there is a network")
os.execvp(sys.argv[1], sys.argv[1:])
"""


def alone(*command: str, **environment: str) -> str:
    """What a command prints in a shell without network; it has the variables of a bare machine."""
    kept = {name: os.environ[name] for name in ("PATH", "LANG", "TMPDIR") if name in os.environ}
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-c", ALONE, *command],
        env=kept | environment,
        encoding="utf-8",
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=600,
    )
    assert done.returncode == 0 and "no network: " in done.stdout, done.stdout[-3000:]
    return done.stdout


def missing() -> str:
    """Why this cannot be tried here, or nothing."""
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "a shell without network needs Linux on x86-64"
    if not (HTML / "index.html").exists():
        return f"there is no built book in {HTML}: run `make book`"
    try:
        subprocess.run(["unshare", "-rn", "true"], check=True, capture_output=True)
    except (OSError, subprocess.CalledProcessError) as error:
        return f"this system lets nobody take the network away: {error}"
    return ""


@pytest.fixture(scope="module")
def course(tmp_path_factory):
    """The installed course, the stick that it came from, and what the installation said."""
    if why := missing():
        pytest.skip(f"THE STICK WAS NOT TRIED: {why}")
    room = tmp_path_factory.mktemp("room")
    here = f"{sys.version_info.major}.{sys.version_info.minor}"
    words = ["--systems", "linux", "--pythons", here, "--html", HTML, "--out", room / "stick"]
    make_stick.main([*map(str, words)])
    home = {"HOME": str(room / "home"), "PYTHON": sys.executable, "OMP_NUM_THREADS": "1"}
    (room / "home").mkdir()
    said = alone("sh", str(room / "stick" / "install.sh"), **home)
    return room / "home" / "course", room / "stick", said


def test_the_stick_is_whole_and_holds_the_book(course):
    _, stick, _ = course
    done = subprocess.run(["sha256sum", "-c", "--quiet", "SHA256SUMS"], cwd=stick)
    assert done.returncode == 0
    start = (stick / "START_HERE.html").read_text(encoding="utf-8")
    assert all((stick / link).exists() for link in re.findall(r'href="([^"]+)"', start))
    wheels = [path.name for path in (stick / "wheels" / "linux").iterdir()]
    assert not [name for name in wheels if make_stick.CUDA.match(name)]


def test_the_check_says_what_it_found(course):
    said = course[2]
    assert re.search(r"^torch +2\.", said, re.M) and re.search(r"^jupyterlab +4\.", said, re.M)
    assert re.search(r"the judge reads 9\d\.\d% of 500 test digits", said)
    assert f"Start it with: sh {course[0]}/start.sh" in said


def test_a_lesson_runs_there_from_top_to_bottom(course):
    where, *_ = course
    home = {"HOME": str(where.parent), "OMP_NUM_THREADS": "1", "GENLIB_BUDGET": "quick"}
    python, notebook = where / "python" / "bin" / "python", where / "exercises" / f"{LESSON}.ipynb"
    run = [str(python), "-m", "jupyter", "execute", "--inplace", "--timeout=100", str(notebook)]
    try:
        alone(*run, **home)
    except (AssertionError, subprocess.TimeoutExpired):
        # on a machine with ten times too much work a kernel was seen to lose a message, and to wait for ever
        alone(*run, **home)
    cells = [c for c in nbformat.read(notebook, 4).cells if c.cell_type == "code"]
    outputs = [output for cell in cells for output in cell.outputs]
    assert not [output for output in outputs if output.output_type == "error"]
    assert all(cell.execution_count for cell in cells if cell.source.strip())
    said = "".join(o.get("data", {}).get("text/plain", "") for o in outputs)
    assert said.count("Your turn:") == 5, "every check of a stub says so"
    assert any("image/png" in o.get("data", {}) for o in outputs)


def test_the_links_of_the_copies_lead_into_the_book_beside_them(course):
    where, *_ = course
    seen = 0
    for path in (where / "exercises").glob("*.ipynb"):
        cells = nbformat.read(path, 4).cells
        text = "\n".join(cell.source for cell in cells if cell.cell_type == "markdown")
        for link in re.findall(r"\]\((?!\w+:)([^)#\s]+)", text):
            served = f"{make_stick.SERVED}/"
            place = path.parent if not link.startswith(served) else where / "html"
            assert (place / link.removeprefix(served)).exists(), f"{path.name}: {link}"
            seen += 1
    assert seen > 50


def test_jupyterlab_starts_by_the_script_and_serves_the_lesson(course):
    where, *_ = course
    ask = f"""
import json, subprocess, time, urllib.request
options = "--no-browser --allow-root --port=8765 --IdentityProvider.token=x".split()
server = subprocess.Popen(["sh", "start.sh", *options])
try:
    for _ in range(60):
        time.sleep(0.5)
        try:
            page = "http://localhost:8765/api/contents/exercises/{LESSON}.ipynb?token=x"
            print("served", json.load(urllib.request.urlopen(page))["type"])
            for page in ("book/04_generative_adversarial_networks.html", "_static/genbook.css"):
                page = f"http://localhost:8765{make_stick.SERVED}/{{page}}"
                print("book", urllib.request.urlopen(page).status)
            break
        except OSError:
            pass
finally:
    server.terminate()
    server.wait()
"""
    said = alone(
        "sh",
        "-c",
        'cd "$0" && exec python/bin/python -c "$1"',
        str(where),
        ask,
        HOME=str(where.parent),
    )
    assert "served notebook" in said and said.count("book 200") == 2, said[-3000:]
