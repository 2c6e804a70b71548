#!/bin/sh
# Install the course from this folder, without network: sh install.sh [WHERE]
# WHERE is a folder that does not exist yet; by default, course in your home. PYTHON=... names another Python.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
where=${1:-$HOME/course}
python=${PYTHON:-python3}

case "$(uname -s) $(uname -m)" in
    "Linux x86_64") system=linux ;;
    "Darwin arm64") system=macos ;;
    *)
        echo "install.sh: expected Linux on x86-64 or macOS 14 on Apple silicon, got $(uname -s) $(uname -m)" >&2
        exit 1
        ;;
esac
version=$("$python" -c 'import sys; print("%d.%d" % sys.version_info[:2])')
list="$here/wheels/$system-$version.txt"
if [ ! -f "$list" ]; then
    there=$(cd "$here/wheels" && ls *.txt 2>/dev/null | tr '\n' ' ')
    echo "install.sh: expected a Python and a system of these: ${there}- got $system-$version (set PYTHON=...)" >&2
    exit 1
fi
if [ -e "$where" ]; then
    echo "install.sh: expected a folder that does not exist yet, got $where" >&2
    exit 1
fi
echo "Installing into $where, which takes a minute or two ..."
mkdir -p "$where"
"$python" -m venv "$where/python"
"$where/python/bin/python" -m pip install --quiet --disable-pip-version-check --no-index --no-compile \
    --find-links "$here/wheels/$system" -r "$list"
cp -R "$here/exercises" "$here/html" "$here/start.sh" "$where"
mkdir -p "$where/python/share/jupyter/lab/settings"
cp "$here/overrides.json" "$where/python/share/jupyter/lab/settings"
"$where/python/bin/python" "$here/check.py"
echo "Start it with: sh $where/start.sh"
