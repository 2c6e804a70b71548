"""Does the course run here? Its packages, one digit of a shipped model, and how fast the machine is."""

import sys
from importlib.metadata import version

from genlib import data, pretrained
from genlib.run import setup, workload

run = setup(seed=0)
for name in ("torch", "numpy", "matplotlib", "scikit-learn", "jupyterlab", "learning-to-generate"):
    print(f"{name:21s}{version(name)}")
x = data.digits().x_test[:500]
right = (pretrained.judge("digits").predict(x) == data.digits().y_test[:500]).float().mean().item()
print(f"the judge reads {right:.1%} of 500 test digits")
print(f"a fixed amount of work took {workload():.2f} s; about 0.3 s on a laptop of today")
if right < 0.95:
    sys.exit(
        "check.py: expected at least 95 % of the digits read, got fewer: the installation is broken"
    )
