"""The first steps of every notebook: seeds, budgets, live controls; and the clock."""

import math
import random
import time

import ipywidgets as widgets
import numpy as np
import pytest
import torch

from genlib import run


def test_the_same_seed_gives_the_same_numbers(capsys):
    first = run.setup(3).rng
    a = torch.rand(3)
    second = run.setup(3).rng
    assert torch.equal(a, torch.rand(3)) and torch.equal(
        torch.rand(4, generator=first), torch.rand(4, generator=second)
    )
    assert "seed 3" in capsys.readouterr().out


def test_setup_seeds_python_numpy_and_torch():
    def numbers():
        return random.random(), np.random.rand(), torch.rand(1).item()  # noqa: NPY002

    seen = [(run.setup(seed), numbers())[1] for seed in (3, 3, 4)]
    assert seen[0] == seen[1] and all(a != b for a, b in zip(seen[0], seen[2], strict=True))
    np.random.seed(3)  # noqa: NPY002
    assert np.random.rand() == seen[0][1]  # noqa: NPY002


@pytest.mark.parametrize("budget", run.BUDGETS)
def test_the_environment_chooses_the_budget(monkeypatch, budget):
    monkeypatch.setenv("GENLIB_BUDGET", budget)
    made = run.setup()
    assert made.budget == budget
    assert made.pick(quick=1, cpu=2, gpu=3) == {"quick": 1, "cpu": 2, "gpu": 3}[budget]
    assert made.pick(quick=1, cpu=2) == {"quick": 1, "cpu": 2, "gpu": 2}[budget]


def test_bad_settings_are_named(monkeypatch):
    with pytest.raises(ValueError, match="seed: expected .*, got -1"):
        run.setup(-1)
    monkeypatch.setenv("GENLIB_BUDGET", "huge")
    with pytest.raises(
        ValueError, match="GENLIB_BUDGET: expected one of quick, cpu, gpu, got 'huge'"
    ):
        run.setup()


def test_live_controls_draw_once_on_a_page_and_answer_in_a_notebook(monkeypatch):
    slider, word = widgets.IntSlider(value=2, max=9), widgets.Text("ab")
    monkeypatch.setenv("GENLIB_STATIC", "1")
    assert run.live(lambda n, text: text * n, n=slider, text=word) == "abab"
    monkeypatch.setenv("GENLIB_STATIC", "0")
    calls = []
    controls = run.live(lambda n, text: calls.append(text * n), n=slider, text=word)
    assert slider in controls.children and word in controls.children
    controls.update()
    slider.value = 3
    assert calls[0] == "abab" and calls[-1] == "ababab"


def test_live_controls_wait_for_their_button(monkeypatch):
    monkeypatch.setenv("GENLIB_STATIC", "0")
    calls, slider = [], widgets.IntSlider(value=2)
    controls = run.live(lambda value: calls.append(value), button="Draw", value=slider)
    slider.value = 3
    assert calls == [] and controls.manual_button.description == "Draw"
    controls.update()
    assert calls == [3]


def test_glue_stores_what_the_book_can_find(monkeypatch):
    stored = {}
    monkeypatch.setattr(
        "myst_nb.glue", lambda name, value, display: stored.update({name: (value, display)})
    )
    run.glue("accuracy", 0.9)
    assert stored == {"accuracy": (0.9, False)}


def test_the_clock_counts_the_seconds_of_the_processor_and_of_the_wall():
    with run.Clock() as clock:
        start = time.process_time()
        while time.process_time() - start < 0.02:
            math.sqrt(2)
        time.sleep(0.03)
    assert 0.02 <= clock.cpu_s < clock.wall_s and clock.wall_s >= 0.05


def test_the_workload_is_the_work_of_its_steps(monkeypatch):
    """What machines are compared by: so many steps of a training, timed by the processor."""
    taken = []
    monkeypatch.setattr(torch.optim.Adam, "step", lambda self: taken.append(self))
    seconds = run.workload(steps=3)
    assert len(taken) == 3 and 0 < seconds < 5
