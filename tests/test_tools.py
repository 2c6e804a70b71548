"""The tools that make derived files, each tried on a copy or in an empty folder."""

import json
import re
import shutil
from pathlib import Path

import pytest
import torch
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from genlib import pretrained
from genlib.data import digits
from tools import (
    results,
    set_repository,
    summary,
    train_judge,
    train_plane,
    train_replay,
)
from tools.make_exercises import student_copy

ROOT = Path(__file__).resolve().parent.parent


# --- make repository --------------------------------------------------------------------------------


def house(folder: Path) -> Path:
    for name in (
        "_config.yml",
        "pyproject.toml",
        "README.md",
        "CONTRIBUTING.md",
        "book",
        "notebooks",
        "templates",
    ):
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(
                source, folder / name, ignore=shutil.ignore_patterns("_ext", "_static", "_data")
            )
        else:
            shutil.copy(source, folder / name)
    return folder


def test_the_address_is_written_everywhere(tmp_path):
    house(tmp_path)
    old = set_repository.slug(set_repository.current(tmp_path))
    changed = set_repository.write("https://github.com/ada/course.git", tmp_path)
    assert set_repository.current(tmp_path) == "https://github.com/ada/course"
    assert {path.name for path in changed} >= {
        "_config.yml",
        "pyproject.toml",
        "README.md",
        "notebook.ipynb",
    }
    for path in set_repository.files(tmp_path):
        text = path.read_text(encoding="utf-8")
        assert not [host for host in ("github.com", "github", "gh") if f"{host}/{old}" in text]


def test_notebooks_get_a_badge_and_an_install_with_the_address_and_lose_them_without(tmp_path):
    house(tmp_path)
    notebook, template = "notebooks/05c_fewer_steps.ipynb", "templates/notebook.ipynb"
    none = "https://github.com/OWNER/learning-to-generate"
    set_repository.write(none, tmp_path)
    bare = {name: (tmp_path / name).read_text(encoding="utf-8") for name in (notebook, template)}
    assert not any(re.search(r"/OWNER/|[Cc]olab|%pip", text) for text in bare.values())
    for url in ("https://github.com/ada/course", "https://github.com/bo/copy"):
        set_repository.write(url, tmp_path)
        owner = url.removeprefix("https://github.com/")
        for name, called in ((notebook, "05c_fewer_steps"), (template, "@NUMBER@a_@NAME@")):
            first, second = json.loads((tmp_path / name).read_text(encoding="utf-8"))["cells"][:2]
            title, badge, rest = "".join(first["source"]).split("\n\n", 2)
            colab = f"https://colab.research.google.com/github/{owner}/blob/main/notebooks"
            assert badge.endswith(f"]({colab}/{called}.ipynb)") and title.startswith("# ")
            assert not rest.startswith("[!")
            assert f"\n    %pip install -q --no-deps git+{url}\n" in "".join(second["source"])
    set_repository.write(none, tmp_path)
    assert bare == {name: (tmp_path / name).read_text(encoding="utf-8") for name in bare}


def test_a_tag_pins_what_colab_opens_and_installs(tmp_path):
    house(tmp_path)
    url, notebook = "https://github.com/ada/course", tmp_path / "notebooks/05c_fewer_steps.ipynb"
    set_repository.write(url, tmp_path, tag="2027-spring")
    text = notebook.read_text(encoding="utf-8")
    assert set_repository.tag(tmp_path) == "2027-spring"
    assert "ada/course/blob/2027-spring/notebooks/05c" in text and "blob/main" not in text
    assert f"git+{url}@2027-spring\\n" in text
    with pytest.raises(ValueError, match="TAG: expected a name"):
        set_repository.write(url, tmp_path, tag="a b")
    set_repository.write(url, tmp_path)
    text = notebook.read_text(encoding="utf-8")
    assert set_repository.tag(tmp_path) == "main" and "2027" not in text and "blob/main" in text


@pytest.mark.parametrize("url", ["", "github.com/ada/course", "https://example.org/ada/course"])
def test_a_bad_address_changes_nothing(tmp_path, url):
    house(tmp_path)
    before = (tmp_path / "README.md").read_text(encoding="utf-8")
    with pytest.raises(ValueError, match="URL: expected https://github.com/OWNER/NAME"):
        set_repository.write(url, tmp_path)
    assert (tmp_path / "README.md").read_text(encoding="utf-8") == before


# --- make plane, judge, ddpm, replay ---------------------------------------------------------------


@pytest.mark.parametrize("kind", train_plane.MAKERS)
def test_a_latent_plane_is_chosen_and_written_with_its_card(kind, tmp_path, monkeypatch):
    monkeypatch.setattr(train_plane, "COMPONENTS", (1, 2))
    train_plane.train_plane(kind, tmp_path, steps=2)
    card = json.loads((tmp_path / f"{kind}_plane.json").read_text(encoding="utf-8"))
    shipped = pretrained.card(f"{kind}_plane")
    assert set(shipped) <= set(card)
    criterion = "val_negative_elbo" if kind == "vae" else "val_squared_error"
    assert card["chosen"][criterion] == min(row[criterion] for row in card["tried"])
    variants = [(row["width"], row["lr"]) for row in card["tried"]]
    assert variants == [(row["width"], row["lr"]) for row in shipped["tried"]]
    assert set(card["chosen"]) == set(shipped["chosen"])


def test_a_judge_is_the_same_on_every_run_and_sees_shifted_digits():
    short = {"steps": {"cpu": 2}}
    one, two, still = (
        train_judge.train("digits", 0.2, shift, **short).state_dict() for shift in (0.3, 0.3, 0.0)
    )
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert not all(torch.equal(one[name], still[name]) for name in one)
    x = digits().x_test[:50]
    moved = train_judge.shifted(x, 1.0, results.generator(0))
    assert torch.equal(train_judge.shifted(x, 0.0, results.generator(0)), x)
    assert moved.shape == x.shape and not torch.equal(moved, x)
    with pytest.raises(
        SystemExit, match="JUDGE: expected some of digits, mnist, fashion_mnist, got cats"
    ):
        train_judge.main(["cats"])


def test_the_judge_that_was_chosen_is_the_best_on_validation(monkeypatch):
    written = {}
    monkeypatch.setattr(train_judge, "train", lambda *_: pretrained.judge("digits"))
    monkeypatch.setattr(train_judge, "write_asset", lambda *args: written.update(card=args[2]))
    train_judge.train_judge("digits")
    shipped = pretrained.card("judge_digits")
    for name in ("test_accuracy", "test_loss_nats", "frechet_floor", "parameters", "steps", "lr"):
        assert written["card"][name] == pytest.approx(shipped[name], rel=1e-4), name


def test_the_replay_is_filmed_from_the_recipe_and_from_the_plain_gan(tmp_path):
    train_replay.main(tmp_path / "replay", steps=25)
    card = json.loads((tmp_path / "replay.json").read_text(encoding="utf-8"))
    shipped = pretrained.card("gan_replay")
    assert set(shipped) <= set(card) and card["batch"] == shipped["batch"]
    for name, scores in shipped["runs"].items():  # the first step is that of the shipped film
        first = card["runs"][name][0]
        assert [row["step"] for row in card["runs"][name]] == [1, 25]
        for loss in ("d_loss", "g_loss"):
            assert first[loss] == pytest.approx(scores[0][loss], rel=1e-4)


# --- make exercises, the summary ---------------------------------------------------------------------


def test_a_student_copy_loses_its_solutions_and_keeps_the_rest():
    cells = [
        new_markdown_cell("### Exercise 1"),
        new_code_cell("def f(): ...", metadata={"tags": ["stub"]}),
        new_code_cell("check.exercise_1(f)", metadata={"tags": ["check"]}),
        new_code_cell("# @title Solution", metadata={"tags": ["solution", "hide-cell"]}),
    ]
    copy = student_copy(new_notebook(cells=cells), "99z_none")
    assert [cell.source for cell in copy.cells[1:]] == [cell.source for cell in cells[:3]]
    assert "**Name:**" in copy.cells[0].source and copy.metadata.genlib.notebook == "99z"
    assert len(cells) == 4


def report(folder: Path, name: str, tests: int, failures: int = 0, skipped: int = 0) -> None:
    suite = f'<testsuite tests="{tests}" failures="{failures}" errors="0" skipped="{skipped}"/>'
    (folder / f"{name}.xml").write_text(f"<testsuites>{suite}</testsuites>", encoding="utf-8")


def test_the_summary_adds_up(tmp_path, monkeypatch, capsys):
    monkeypatch.delenv("CI", raising=False)
    report(tmp_path, "unit", 10, skipped=1)
    report(tmp_path, "site", 5, skipped=2)
    assert summary.main(tmp_path) == 0
    assert capsys.readouterr().out == "12 passed, 0 failed, 3 skipped\n"


def test_in_ci_a_skipped_browser_test_is_a_failure(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("CI", "true")
    report(tmp_path, "unit", 10, skipped=1)
    report(tmp_path, "site", 5, skipped=2)
    assert summary.main(tmp_path) == 1
    assert capsys.readouterr().out.splitlines()[-1] == "12 passed, 2 failed, 1 skipped"


def test_no_test_at_all_is_a_failure(tmp_path):
    assert summary.main(tmp_path) == 1
