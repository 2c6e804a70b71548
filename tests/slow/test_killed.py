"""A training that is killed at any moment, as by a power cut, and gone on with ends where it would have ended."""

import os
import random
import signal
import subprocess
import sys
import time

import pytest
import torch
from safetensors.torch import load_file

STEPS = 400
TRAIN = (sys.executable, "-m", "genlib", "train", "--steps", str(STEPS), "--save-every", "0.05")


def train(name, out, *words, **how):
    return subprocess.Popen(
        [*TRAIN, name, "--out", str(out), *words], stderr=subprocess.PIPE, encoding="utf-8", **how
    )


@pytest.mark.skipif(not hasattr(signal, "SIGKILL"), reason="no kill -9 on this system")
@pytest.mark.parametrize("name", ["vae_digits", "gan_digits"])
def test_a_killed_training_ends_with_the_same_weights(name, tmp_path):
    assert train(name, tmp_path / "whole").wait() == 0
    moments, kills = random.Random(0), 0
    for attempt in range(50):
        words = ["--resume"] if (tmp_path / "a" / "card.json").exists() else []
        run = train(name, tmp_path / "a", *words)
        if attempt < 3:  # once it is on its way, after a moment that nobody chose
            start = time.time()
            while not (tmp_path / "a" / "log.jsonl").exists() and time.time() < start + 60:
                time.sleep(0.01)
            time.sleep(3 + moments.random() if words else moments.random())
            if run.poll() is None:
                os.kill(run.pid, signal.SIGKILL)
                kills += 1
            run.wait()
        else:
            assert run.wait() == 0, run.stderr.read()
            break
    assert kills >= 1
    for file in ("model.safetensors", "training.safetensors"):
        one, two = (load_file(tmp_path / folder / file) for folder in ("whole", "a"))
        assert one.keys() == two.keys()
        assert all(torch.equal(one[key], two[key]) for key in one), file
    assert not list((tmp_path / "a").glob("*.part"))
    assert (tmp_path / "a" / "samples.png").exists()
