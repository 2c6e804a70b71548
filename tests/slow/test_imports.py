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
    result = subprocess.run(
        [sys.executable, "-c", SCRIPT], capture_output=True, text=True, encoding="utf-8"
    )
    assert result.returncode == 0, result.stderr


def test_importing_a_model_costs_few_cpu_seconds_beside_torch():
    code = (
        "import time, torch; start = time.process_time()\n"
        "import genlib.autoencoder, genlib.vae, genlib.gan, genlib.ddpm, genlib.train\n"
        "print(time.process_time() - start)"
    )
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, encoding="utf-8"
    )
    assert run.returncode == 0, run.stderr
    assert float(run.stdout) <= 0.3
