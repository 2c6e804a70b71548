"""What Colab gets: the wheel, installed without its dependencies, away from the repository."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

CHECK = """
import genlib, pathlib
assert pathlib.Path(genlib.__file__).parent.parent == pathlib.Path({site!r}), genlib.__file__
from genlib import data, pretrained, reviews, table
assert table.stored("table")["rows"] and table.stored("timings")["notebooks"]
assert pretrained.judge("digits").predict(data.digits().x_test[:5]).shape == (5,)
assert len(reviews.reviews().train) > 300
from genlib import interact
assert "<script>" in interact.two_gaussians()._repr_html_()
"""


def test_the_wheel_holds_all_that_a_notebook_needs(tmp_path):
    wheels, site = tmp_path / "wheels", tmp_path / "site"
    run = {"check": True, "capture_output": True, "text": True}
    subprocess.run(
        [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)],
        cwd=ROOT,
        **run,
    )
    (wheel,) = wheels.glob("*.whl")
    install = [
        sys.executable,
        "-m",
        "pip",
        "install",
        "--no-deps",
        "--no-index",
        "--target",
        str(site),
        str(wheel),
    ]
    subprocess.run(install, **run)
    environment = os.environ | {"PYTHONPATH": str(site)}
    subprocess.run(
        [sys.executable, "-c", CHECK.format(site=str(site))], cwd=tmp_path, env=environment, **run
    )
