"""The first steps of every notebook: seeds, budgets, progress, live controls."""

import ipywidgets as widgets
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


@pytest.mark.parametrize("budget", run.BUDGETS)
def test_the_environment_chooses_the_budget(monkeypatch, budget):
    monkeypatch.setenv("GENLIB_BUDGET", budget)
    made = run.setup()
    assert made.budget == budget
    assert made.pick(quick=1, cpu=2, gpu=3) == {"quick": 1, "cpu": 2, "gpu": 3}[budget]
    assert made.pick(quick=1, cpu=2) == {"quick": 1, "cpu": 2, "gpu": 2}[budget]


def test_bad_settings_are_named(monkeypatch):
    with pytest.raises(ValueError, match="seed: expected an integer of at least 0, got -1"):
        run.setup(-1)
    monkeypatch.setenv("GENLIB_BUDGET", "huge")
    with pytest.raises(
        ValueError, match="GENLIB_BUDGET: expected one of quick, cpu, gpu, got 'huge'"
    ):
        run.setup()


def test_static_progress_goes_through_everything_and_says_one_line(monkeypatch, capsys):
    monkeypatch.setenv("GENLIB_STATIC", "1")
    assert list(run.progress(range(1234), "training")) == list(range(1234))
    out = capsys.readouterr().out
    assert out.startswith("training: 1,234 steps in ") and out.count("\n") == 1


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


def test_glue_stores_what_the_book_can_find(monkeypatch):
    stored = {}
    monkeypatch.setattr(
        "myst_nb.glue", lambda name, value, display: stored.update({name: (value, display)})
    )
    run.glue("accuracy", 0.9)
    assert stored == {"accuracy": (0.9, False)}


def test_the_workload_takes_time():
    assert run.workload(steps=3) > 0
