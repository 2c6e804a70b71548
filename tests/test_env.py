"""`make env` under stand-ins for Python and pip: which Python it takes, and the one line that a failure ends in."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent


def env(folder: Path, **variables: str) -> subprocess.CompletedProcess:
    """Run tools/env.sh in a copy of the house without .venv, in a folder with spaces and letters in its name."""
    house = folder / HOUSE
    (house / "tools").mkdir(parents=True, exist_ok=True)
    shutil.copy(ROOT / "tools" / "env.sh", house / "tools")
    for name in ("requirements.txt", "constraints.txt", "pyproject.toml"):
        shutil.copy(ROOT / name, house)
    return subprocess.run(
        ["sh", str(house / "tools" / "env.sh")],
        env=os.environ | USUAL | variables,
        capture_output=True,
        text=True,
        encoding="utf-8",
    )


HOUSE = "Kurs für alle – 生成 modèles"
USUAL = {"SPACE_NEEDED_MB": "1"} | {n: "" for n in os.environ if n.lower().endswith("_proxy")}
FAKE = """#!/bin/sh
case "$1 $2" in
--version*) echo "Python 3.11.99" ;;
"-m venv") for folder; do :; done
    case "$*" in *--without-pip*) ;; *) echo "Error: Command 'ensurepip' returned 1."; exit 1 ;; esac
    mkdir -p "$folder/bin"; cp "$0" "$folder/bin/python"; cp "$0.pip" "$folder/bin/python.pip"
    echo "command = $0 $*" > "$folder/pyvenv.cfg"; echo venv >> "$folder/../done" ;;
"-m pip") case "$*" in *install*) . "$0.pip" ;; esac ;;
esac
"""


def program(path: Path, text: str) -> str:
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(0o755)
    return str(path)


def fake_python(folder: Path, pip: str) -> str:
    """A python that is new enough, in a folder with spaces; the pip of its environments does what `pip` says."""
    program(folder / "some where" / "python3.11.pip", pip)
    return program(folder / "some where" / "python3.11", FAKE)


def one_line(result: subprocess.CompletedProcess) -> str:
    assert result.returncode != 0
    lines = result.stderr.strip().splitlines()
    assert len(lines) == 1 and lines[0].startswith("make env: "), result.stderr
    return lines[0]


def test_a_missing_python_is_said_in_one_line(tmp_path):
    line = one_line(env(tmp_path, PYTHON="no-such-python"))
    assert "Python 3.11 or newer is needed, found: nothing that runs under the name no-such" in line


PYENV = """#!/bin/sh
echo "pyenv: python3.13: command not found

The \\`python3.13' command exists in these Python versions:
  3.13.0" >&2
exit 127
"""


def test_a_shim_that_does_not_run_says_why(tmp_path):
    shim = program(tmp_path / "bin" / "python3.13", PYENV)
    line = one_line(env(tmp_path, PYTHON=shim))
    assert line.count("python3.13 (pyenv: python3.13: command not found)") == 1


def test_an_old_python_is_named_with_its_version(tmp_path):
    old = program(tmp_path / "bin" / "python3", "#!/bin/sh\necho Python 3.9.2\nexit 1\n")
    assert f"found: {old} (Python 3.9.2)." in one_line(env(tmp_path, PYTHON=old))


@pytest.mark.parametrize("python", ["{fake}", "no-such-python {shim} {link}"], ids=["one", "list"])
def test_python_may_be_one_name_with_spaces_or_a_list(tmp_path, python):
    fake = fake_python(tmp_path, "echo installed")
    shim = program(tmp_path / "bin" / "python3.13", PYENV)
    link = program(tmp_path / "bin" / "python", f'#!/bin/sh\nexec "{fake}" "$@"\n')
    result = env(tmp_path, PYTHON=python.format(fake=fake, shim=shim, link=link))
    assert (result.returncode, result.stderr) == (0, "")
    assert "with Python 3.11.99" in result.stdout


def test_too_little_space_is_said_in_one_line(tmp_path):
    python = fake_python(tmp_path, "")
    line = one_line(env(tmp_path, PYTHON=python, SPACE_NEEDED_MB="999999999"))
    assert "999999999 MB of free disk space are needed" in line


def test_a_checkout_that_cannot_be_written_says_so(tmp_path):
    says = "mkdir: cannot create directory ‘/a course/_build’: Read-only file system"
    program(tmp_path / "bin" / "mkdir", f'#!/bin/sh\necho "{says}" >&2\nexit 1\n')
    path = f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}"
    line = one_line(env(tmp_path, PYTHON=fake_python(tmp_path, ""), PATH=path))
    assert "this checkout cannot be written (Read-only file system): " in line


# What pip 23.2, 24.2 and 26.3 print, by what went wrong. Each kind was provoked once with the real pip.
NONE = """ERROR: Could not find a version that satisfies the requirement tqdm==4.70.1 (from versions: none)
ERROR: No matching distribution found for tqdm==4.70.1"""
RETRY = "WARNING: Retrying (Retry(total=0, connect=None, read=None)) after connection broken by"
OS_ERROR = "ERROR: Could not install packages due to an OSError: "
FAILURES = {
    "refused": (
        f"""{RETRY} 'NewConnectionError('<pip._vendor.urllib3.connection.HTTPConnection object at 0x7f>: Failed to \
establish a new connection: [Errno 111] Connection refused')': /simple/tqdm/\n{NONE}""",
        "no package index could be reached. Check the network (or proxy) and run it again",
    ),
    "no name": (
        f"""{RETRY} 'NameResolutionError("HTTPSConnection(host='pypi.org', port=443): Failed to resolve 'pypi.org' \
([Errno -2] Name or service not known)")': /simple/tqdm/\n{NONE}""",
        "no package index could be reached",
    ),
    "proxy": (
        f"{RETRY} 'ProxyError('Cannot connect to proxy.', NewConnectionError('[Errno 111] Connection refused'))': "
        f"/simple/tqdm/\n{NONE}",
        "the proxy does not let pip through",
    ),
    "proxy, pip 26": (
        f"{RETRY} 'OSError('Tunnel connection failed: 403 Forbidden')': /simple/tqdm/\n{NONE}",
        "the proxy does not let pip through",
    ),
    "proxy address": (
        OS_ERROR + "Please check proxy URL. It is malformed and could be missing the host.\n",
        "the address of the proxy is malformed",
    ),
    "certificate": (
        f"{RETRY} 'SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED] certificate verify failed: "
        f"self-signed certificate (_ssl.c:1006)'))': /simple/tqdm/\n{NONE}",
        "the certificate of the package index is not trusted here",
    ),
    "build tools out of reach": (
        f"""  error: subprocess-exited-with-error
  × pip subprocess to install build dependencies did not run successfully.
      {RETRY} 'NewConnectionError("[Errno 111] Connection refused")': /simple/hatchling/
      ERROR: Could not find a version that satisfies the requirement hatchling>=1.27 (from versions: none)
      ERROR: No matching distribution found for hatchling>=1.27
      [end of output]""",
        "no package index could be reached",
    ),
    "index refuses": (
        f"{RETRY} 'ProtocolError('Connection aborted.')': /simple/torch/\n{NONE}",
        "the package index refuses or lacks tqdm. Look at its address",
    ),
    "stalled": (
        """ERROR: Exception:
Traceback (most recent call last):
TimeoutError: timed out

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
pip._vendor.urllib3.exceptions.ReadTimeoutError: HTTPSConnectionPool(host='pypi.org', port=443): Read timed out.""",
        "the connection broke in the middle of a package",
    ),
    "stalled, pip 26": (
        """  WARNING: Connection interrupted while downloading.
error: incomplete-download

× Download failed after 6 attempts because not enough bytes were received (9.0 kB/39 kB)""",
        "the connection broke in the middle of a package",
    ),
    "damaged": (
        "ERROR: Wheel 'networkx' located at /tmp/networkx-3.6.1-py3-none-any.whl is invalid.",
        "a package arrived damaged (Wheel 'networkx' located at",
    ),
    "no archive": (
        "ERROR: Exception:\nTraceback (most recent call last):\nzipfile.BadZipFile: File is not a zip file",
        "a package arrived damaged (zipfile.BadZipFile: File is not a zip file). Run it again",
    ),
    "another file": (
        """ERROR: THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE. If you have updated the package \
versions, please update the hashes. Otherwise, examine the package contents carefully; someone may have tampered with \
them.
    tqdm from https://pypi.org/tqdm-4.70.1-py3-none-any.whl#sha256=00:
        Expected sha256 00
             Got        f0
""",
        "a package arrived damaged (tqdm from https://pypi.org/tqdm",
    ),
    "quota": (OS_ERROR + "[Errno 122] Disk quota exceeded\n", "your disk quota is used up. Free"),
    "disk": (OS_ERROR + "[Errno 28] No space left on device\n", "the disk is full"),
    "permission": (
        OS_ERROR + "[Errno 13] Permission denied: '/a course/.venv/lib'\nCheck the permissions.\n",
        "not allowed to write (Permission denied: '/a course/.venv/lib')",
    ),
    "read only": (
        OS_ERROR + "[Errno 30] Read-only file system: '/a course/.venv/lib'\n",
        "not allowed to write (Read-only file system: '/a course/.venv/lib')",
    ),
    "environment": (
        "Error: [Errno 13] Permission denied: '/a course/.venv'",
        "not allowed to write (Permission denied: '/a course/.venv')",
    ),
    "this Python": (
        "ERROR: Ignored the following versions that require a different python version: 4.70.1 Requires-Python >=3.14\n"
        + NONE,
        "no version of tqdm is made for Python 3.11.99 on ",
    ),
    "no such version": (
        f"{RETRY} 'ReadTimeoutError('...')': /simple/torch/\n"
        + NONE.replace("none", "4.69.0, 4.70.0"),
        "No matching distribution found for tqdm==4.70.1 (Python 3.11.99 on ",
    ),
    "conflict": (
        """ERROR: Cannot install nbval because these package versions have conflicting dependencies.

The conflict is caused by:
    nbval 0.11.0 depends on ipykernel

ERROR: ResolutionImpossible: for help visit https://pip.pypa.io/en/latest/""",
        "Cannot install nbval because these package versions have conflicting dependencies. (Python",
    ),
    "build": (
        """  error: subprocess-exited-with-error

  × Preparing metadata (pyproject.toml) did not run successfully.
  │ exit code: 1
  ╰─> [13 lines of output]
      RuntimeError: cannot find libfoo, which knows the network
      [end of output]

  note: This error originates from a subprocess, and is likely not a problem with pip.
error: metadata-generation-failed

× Encountered error while generating package metadata.""",
        "a package could not be built (RuntimeError: cannot find libfoo, which knows the network)",
    ),
    "compiler": (
        """  error: subprocess-exited-with-error

      error: command 'gcc' failed: No such file or directory
      [end of output]

  ERROR: Failed building wheel for regex
ERROR: Failed to build installable wheels for some pyproject.toml based projects (regex)""",
        "a package could not be built (error: command 'gcc' failed: No such file or directory)",
    ),
    "else": (
        "ERROR: Exception:\nTraceback (most recent call last):\nKeyError: 'network'",
        "the installation failed (KeyError: 'network')",
    ),
    "killed": (
        "  Downloading torch-2.13.0.whl (114.5 MB)",
        "ended with status 7 and gave no reason",
    ),
}


@pytest.mark.parametrize("kind", FAILURES)
def test_the_reason_of_a_failure_is_the_real_one(kind, tmp_path):
    log, expected = FAILURES[kind]
    (tmp_path / "log").write_text(
        "Collecting networkx>=2.5.1 (from torch==2.13.0)\n  Downloading a_network_proxy_connection.whl\n"
        f"Collecting tqdm==4.70.1\n{log}\n",
        encoding="utf-8",
    )
    python = fake_python(tmp_path, f'cat "{tmp_path}/log"; exit 7')
    line = one_line(env(tmp_path, PYTHON=python))
    assert line.startswith(f"make env: {expected}") or kind == "killed" and expected in line
    assert line.endswith("; details in _build/install.log")
    assert not (tmp_path / HOUSE / ".venv" / ".stamp").exists()


def test_a_proxy_that_is_set_is_named_without_its_password(tmp_path):
    python = fake_python(tmp_path, f"""cat <<'END'\n{FAILURES["refused"][0]}\nEND\nexit 1""")
    line = one_line(
        env(tmp_path, PYTHON=python, https_proxy="http://ada:secret@proxy:3128", no_proxy="a")
    )
    assert "(or proxy, set by https_proxy)" in line and "secret" not in line


def test_the_reason_why_pip_did_not_come_with_the_environment_is_kept(tmp_path):
    python = fake_python(tmp_path, "")
    text = Path(python).read_text(encoding="utf-8")
    says = f'"-m ensurepip") echo "{OS_ERROR}[Errno 122] Disk quota exceeded"; exit 1 ;;\nesac'
    Path(python).write_text(text[: text.rindex("esac")] + says, encoding="utf-8")
    assert "your disk quota is used up" in one_line(env(tmp_path, PYTHON=python))


def test_a_good_installation_is_done_once_and_again_in_another_place(tmp_path):
    python = fake_python(tmp_path, 'echo pip >> "$(dirname "$0")/../../done"')
    house = tmp_path / HOUSE
    assert env(tmp_path, PYTHON=python).returncode == 0
    again = env(tmp_path, PYTHON=python)
    assert again.returncode == 0 and again.stdout == ""
    done = house / "done"
    assert done.read_text(encoding="utf-8") == "venv\npip\n"
    assert env(tmp_path, PYTHON=python, TORCH_INDEX="https://x.org").returncode == 0
    assert done.read_text(encoding="utf-8") == "venv\npip\n" + "pip\npip\n"
    (tmp_path / "moved").mkdir()
    house.rename(tmp_path / "moved" / HOUSE)  # its programs still name the old folder
    assert env(tmp_path / "moved", PYTHON=python).returncode == 0
    text = (tmp_path / "moved" / HOUSE / "done").read_text(encoding="utf-8")
    assert text == "venv\npip\npip\npip\n" + "venv\npip\n"
