#!/bin/sh
# Make or refresh the environment in .venv. Every failure ends in one line that says why, and what to do.
#   tools/env.sh            (called by `make env`; PYTHON=... and TORCH_INDEX=... are read from the environment)
set -uf
root=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd -P)
venv="$root/.venv"
log="$root/_build/install.log"
space_needed_mb=${SPACE_NEEDED_MB:-4000}

stop() { echo "make env: $1" >&2; exit 1; }

# --- which Python -------------------------------------------------------------------------------------

# The name of the first Python that is new enough; of the others that are there, into `found`, what they say instead
# (an old version, or a pyenv shim that knows no such version). PYTHON may hold spaces: it is tried as one word first.
find_python() {
    python='' found=''
    for candidate in "${PYTHON:-}" ${PYTHON:-python3.11 python3.12 python3.13 python3 python}; do
        command -v "$candidate" >/dev/null 2>&1 || continue
        case ", $found" in *", $candidate ("*) continue ;; esac
        said=$("$candidate" -c 'import sys; print("Python", sys.version.split()[0]); sys.exit(sys.version_info < (3, 11))' 2>&1) &&
            python=$candidate && return
        found="$found, $candidate ($(echo "$said" | grep -v '^ *$' | head -n 1))"
    done
    found=${found#, }
    [ -n "$found" ] || found=${PYTHON:+nothing that runs under the name $PYTHON}
}

# An environment that runs, has pip, and was made in this folder (its programs know their folder by its full name).
is_whole() {
    [ -x "$venv/bin/python" ] && "$venv/bin/python" -m pip --version >/dev/null 2>&1 &&
        { [ ! -e "$venv/pyvenv.cfg" ] || ! grep -q '^command' "$venv/pyvenv.cfg" || grep -qF " $venv" "$venv/pyvenv.cfg"; }
}

# --- why it failed ------------------------------------------------------------------------------------

# Lines of the log, whatever their encoding. Words alone would say nothing: `networkx` is no trouble with the network.
lines() { LC_ALL=C grep -E "$1" "$log"; }
last() { lines "$1" | LC_ALL=C sed 's/^ *//; s/^ERROR: //' | tail -n 1; }

reason() {
    errors=$(lines '^ *(ERROR|Error|error): |^ *([A-Za-z_0-9]+\.)*[A-Za-z]*(Error|BadZipFile): ')
    missing=$(last 'No matching distribution found for' | sed 's/.* for //; s/[^A-Za-z0-9._-].*//')
    retries=$(lines "^ *WARNING: Retrying .*/$missing/")
    where="$("$python" --version) on $(uname -sm)"
    case $errors in
    *'[Errno 28]'*) echo "the disk is full (or the folder for temporary files, TMPDIR). $free" ;;
    *'[Errno 122]'*) echo "your disk quota is used up. $free" ;;
    *'[Errno 13]'* | *'[Errno 1]'* | *'[Errno 30]'*)
        echo "not allowed to write ($(last '\[Errno (13|1|30)\]' | sed 's/.*\[Errno [0-9]*\] //')). $elsewhere" ;;
    *' is invalid.'* | *'DO NOT MATCH THE HASHES'* | *BadZipFile*)
        echo "a package arrived damaged ($(last 'is invalid\.|BadZipFile|^ +[^ ]+ from (https?|file):')). $again" ;;
    *incomplete-download* | *ReadTimeoutError* | *ProtocolError* | *'Max retries exceeded'*)
        offline "the connection broke in the middle of a package" ;;
    *'check proxy URL'*) offline "the address of the proxy is malformed" ;;
    *'(from versions: none)'*)
        case $retries$errors in
        *SSLError*) offline "the certificate of the package index is not trusted here" ;;
        *ProxyError* | *'Tunnel connection failed'*) offline "the proxy does not let pip through" ;;
        *'WARNING: Retrying'*) offline "no package index could be reached" ;;
        *Requires-Python*) echo "no version of $missing is made for $where. $tried" ;;
        *) echo "the package index refuses or lacks $missing${TORCH_INDEX:+ (TORCH_INDEX=$TORCH_INDEX)}. Look at its address" ;;
        esac ;;
    *'No matching distribution'* | *ResolutionImpossible*)
        echo "$(last 'No matching distribution|Cannot install') ($where). $tried" ;;
    *subprocess-exited-with-error*)
        why=$(last '^ +([A-Za-z_0-9]+\.)*[A-Za-z]+Error: |^ +error: [^s]')
        echo "a package could not be built (${why:-$(last 'did not run successfully')})" ;;
    ?*) echo "the installation failed ($(echo "$errors" | tail -n 1))" ;;
    *) echo "the installation ended with status $status and gave no reason; its last line: $(last '[^ ]')" ;;
    esac
}
free="Free at least $space_needed_mb MB and run it again"
elsewhere="Use a copy of the checkout in a folder of your own"
again="Run it again; if that does not help, first: .venv/bin/python -m pip cache purge"
tried="These versions were tried on Python 3.11, 3.12 and 3.13: name one by make env PYTHON=/path/to/python3.11"
proxies=$(env | sed -n 's/^\([A-Za-z]*_[Pp][Rr][Oo][Xx][Yy]\)=..*/\1/p' | grep -iv '^no_' | tr '\n' ' ')
offline() { echo "$1. Check the network (or proxy${proxies:+, set by ${proxies% }}) and run it again"; }

# --- make it ------------------------------------------------------------------------------------------

stamp() { cat "$root/requirements.txt" "$root/constraints.txt" "$root/pyproject.toml" "$0" | cksum; echo "$root ${TORCH_INDEX:-}"; }

if [ -x "$venv/bin/python" ] && [ "$(cat "$venv/.stamp" 2>/dev/null)" = "$(stamp)" ]; then exit 0; fi

find_python
[ -n "$python" ] ||
    stop "Python 3.11 or newer is needed, found: ${found:-none}. Install it, or name it: make env PYTHON=/path/to/python3.11"
"$python" -c 'import venv, ensurepip' 2>/dev/null ||
    stop "this Python has no venv module. On Debian or Ubuntu: apt install python3-venv"
free_mb=$(df -Pm "$root" 2>/dev/null | sed -n '2s/.* \([0-9][0-9]*\)  *[0-9][0-9]*%.*/\1/p')
[ "${free_mb:-$space_needed_mb}" -ge "$space_needed_mb" ] ||
    stop "$space_needed_mb MB of free disk space are needed, $root has $free_mb MB. Free some space and run it again."
refused=$({ mkdir -p "$root/_build" && : >"$log"; } 2>&1) ||
    stop "this checkout cannot be written (${refused##*: }): $root. $elsewhere."

echo "make env: installing into .venv with $("$python" --version) (a few minutes the first time; details in _build/install.log)"
pip() { "$venv/bin/python" -m pip --disable-pip-version-check --no-input "$@"; }
(
    rm -f "$venv/.stamp"
    # pip comes in a second step, because venv keeps to itself why that failed
    is_whole || { "$python" -m venv --clear --without-pip "$venv" && "$venv/bin/python" -m ensurepip --default-pip; } &&
    # a CPU build of torch, from an index of the reader's choice
    { [ -z "${TORCH_INDEX:-}" ] || pip install --index-url "$TORCH_INDEX" "$(grep '^torch==' "$root/requirements.txt")"; } &&
    cd "$root" && pip install -r requirements.txt
) >"$log" 2>&1 </dev/null
status=$?
[ $status -eq 0 ] || stop "$(reason); details in _build/install.log"
stamp >"$venv/.stamp"
