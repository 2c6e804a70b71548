"""Small scripts that make derived files; each has a test."""

import sys

if hasattr(sys.stdout, "reconfigure"):  # as genlib.run.forgiving_output, without waiting for torch
    sys.stdout.reconfigure(errors="replace")
