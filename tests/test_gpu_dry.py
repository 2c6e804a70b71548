"""The short gpu version of the notebooks: what is that of gpu there, what that of quick, and what a failure says."""

import nbformat
import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from genlib import recipes
from genlib.recipes import Recipe
from genlib.run import Run
from tools import gpu_dry


@pytest.fixture
def run(monkeypatch) -> Run:
    """A run of the budget gpu after `shorten`, which is undone at the end of the test."""
    for cls, name in ((Run, "pick"), (Run, "__post_init__"), (Recipe, "training")):
        monkeypatch.setattr(cls, name, getattr(cls, name))
    gpu_dry.shorten()
    return Run(seed=0, budget="gpu", device=torch.device("cpu"))


def test_names_are_those_of_gpu_and_numbers_those_of_quick(run):
    assert run.pick(quick="digits", cpu="digits", gpu="mnist") == "mnist"
    assert run.pick(quick="digits", cpu="all digits") == "all digits"
    assert run.pick(quick=5, cpu=1000, gpu=2000) == 5
    assert run.pick(quick=(2, 3), cpu=(5, 10), gpu=(5, 1000)) == (2, 3)


def test_the_budget_is_gpu_and_quick_and_never_cpu(run):
    equal = {name: (run.budget == name, run.budget != name) for name in ("quick", "cpu", "gpu")}
    assert equal == {"quick": (True, False), "cpu": (False, True), "gpu": (True, False)}
    assert run.budget not in ("cpu",) and {"gpu": 1, "quick": 2}[run.budget] == 1
    quick = Run(seed=0, budget="quick", device=torch.device("cpu"))
    assert quick.budget == "quick" and quick.budget != "gpu"


def test_a_recipe_has_the_network_of_gpu_and_the_steps_of_quick(run, monkeypatch):
    rows = (torch.rand(300, 1, 28, 28) * 2 - 1, torch.arange(300) % 10)
    monkeypatch.setattr(Recipe, "rows", lambda self: rows)
    training = recipes.training("ddpm_mnist_conditional", 0, run.budget, run.device)
    gpu = recipes.RECIPES["ddpm_mnist_conditional"].at("gpu")
    assert training.steps == 10 and gpu.steps["gpu"] == 12_000
    assert training.batches.size == gpu.batch == 128
    here, there = ([w.shape for w in m.parameters()] for m in (training.model, gpu.model()))
    assert here == there
    changed = recipes.training("ddpm_mnist", None, run.budget, steps={"quick": 3, "cpu": 4})
    assert changed.steps == 3


def notebook(path, *cells: str):
    cells = [new_code_cell(source, id=f"cell-{i}") for i, source in enumerate(cells)]
    nbformat.write(new_notebook(cells=[new_markdown_cell("A page", id="page"), *cells]), path)
    return path


SETUP = "from genlib.run import setup\nrun = setup()\nassert run.pick(quick='a', cpu='b', gpu='c') == 'c'"


def test_the_failing_cell_is_named_and_the_other_notebooks_are_run(tmp_path, monkeypatch, capsys):
    for name in gpu_dry.SETTINGS:
        monkeypatch.setenv(name, "")  # back as it was, after the test
    bad = notebook(tmp_path / "bad.ipynb", SETUP, "assert run.budget == 'quick'", "1 / 0", "2 / 0")
    good = notebook(tmp_path / "good.ipynb", SETUP, "assert run.pick(quick=1, cpu=2) == 1")
    assert gpu_dry.main([str(bad), str(good)]) == 1
    shown = capsys.readouterr().out
    assert "bad.ipynb: cell cell-2: " in shown and "ZeroDivisionError" in shown
    assert "good.ipynb: every cell ran" in shown


def test_the_notebooks_that_are_run_have_a_gpu_version():
    for name in gpu_dry.NOTEBOOKS:
        text = (gpu_dry.ROOT / "notebooks" / f"{name}.ipynb").read_text(encoding="utf-8")
        assert 'gpu=\\"mnist\\"' in text, name
