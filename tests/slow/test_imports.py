"""What happens in a fresh interpreter when genlib is imported."""

import subprocess
import sys

SCRIPT = """
import socket, sys
def refuse(*a, **k): raise AssertionError("importing genlib opened a connection")
socket.socket.connect = refuse
import genlib, pkgutil, importlib
for module in pkgutil.walk_packages(genlib.__path__, "genlib."): importlib.import_module(module.name)
assert not {"torchvision", "diffusers"} & set(sys.modules), "a heavy package was imported"
"""


def test_importing_genlib_pulls_in_no_torchvision_and_no_network():
    result = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
