#!/bin/sh
# Open the notebooks of the course in a browser; their links lead to the book in html. Ctrl-C in this window ends it.
cd "$(dirname "$0")" && exec python/bin/python -m jupyterlab --LabApp.default_url=/lab/tree/exercises \
    --ServerApp.extra_static_paths=html "$@"
