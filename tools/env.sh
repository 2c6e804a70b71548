#!/bin/sh
# Make or refresh the environment in .venv. Every failure ends in one line that says what to do.
#   tools/env.sh            (called by `make env`; PYTHON=... and TORCH_INDEX=... are read from the environment)
set -u
root=$(cd "$(dirname "$0")/.." && pwd)
venv="$root/.venv"
log="$root/_build/install.log"
space_needed_mb=${SPACE_NEEDED_MB:-4000}

stop() { echo "make env: $1" >&2; exit 1; }

find_python() {
    for candidate in ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        if command -v "$candidate" >/dev/null 2>&1 &&
           "$candidate" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
            echo "$candidate"; return
        fi
    done
}

stamp() { cat "$root/requirements.txt" "$root/constraints.txt" "$root/pyproject.toml" "$0" | cksum; echo "$root ${TORCH_INDEX:-}"; }

if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$(stamp)" ]; then exit 0; fi

python=$(find_python)
if [ -z "$python" ]; then
    found=$({ ${PYTHON:-python3} --version; } 2>/dev/null || echo none)
    stop "Python 3.11 or newer is needed, found: $found. Install it, or name it: make env PYTHON=/path/to/python3.11"
fi
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    stop "this Python has no venv module. On Debian or Ubuntu: apt install python3-venv"
free_mb=$(df -Pm "$root" | awk 'NR == 2 { print $4 }')
[ "$free_mb" -ge "$space_needed_mb" ] ||
    stop "$space_needed_mb MB of free disk space are needed, $root has $free_mb MB. Free some space and run it again."

mkdir -p "$root/_build"
echo "make env: installing into .venv with $("$python" --version) (a few minutes the first time; details in _build/install.log)"
{
    rm -f "$venv/.stamp"
    [ -x "$venv/bin/python" ] || "$python" -m venv "$venv"
    pip="$venv/bin/python -m pip --disable-pip-version-check"
    if [ -n "${TORCH_INDEX:-}" ]; then
        # a CPU build of torch, from an index of the reader's choice
        $pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' "$root/requirements.txt")"
    fi &&
    (cd "$root" && $pip install -r requirements.txt)
} >"$log" 2>&1
status=$?
if [ $status -ne 0 ]; then
    if grep -q -i 'no space left' "$log"; then
        stop "the disk is full. Free at least $space_needed_mb MB and run it again; details in _build/install.log"
    elif grep -q -i -E 'connection|name resolution|timed out|network|unreachable|proxy' "$log"; then
        stop "no package index could be reached. Check the network (or proxy) and run it again; details in _build/install.log"
    elif grep -q -E 'No matching distribution|ResolutionImpossible' "$log"; then
        stop "$(grep -E 'No matching distribution|ResolutionImpossible' "$log" | tail -n 1); these versions were tried on Python 3.11"
    fi
    stop "the installation failed: $(grep -v '^ *$' "$log" | tail -n 1)  (all of it in _build/install.log)"
fi
stamp >"$venv/.stamp"
