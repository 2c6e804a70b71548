"""The interactive figures without a browser: self-contained HTML, and formulas against independent ones."""

import inspect
import json
import math
import re
import shutil
import subprocess
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from scipy import stats
from sklearn.neighbors import KernelDensity

from genlib import interact
from genlib.interact import TwoGaussians, bandwidth, kernel_log_prob, two_gaussians
from genlib.interact import kernels as kernel
from genlib.interact.base import Interactive, draws, uniforms

FOLDER = Path(interact.__file__).parent
FIGURES = [two_gaussians, bandwidth]
MODELS = {
    "equal": TwoGaussians(),
    "prior": TwoGaussians(prior=0.2),
    "correlated": TwoGaussians(rho=0.6, prior=0.7),
    "narrow one": TwoGaussians(sd=(1.2, 0.5), rho=-0.4, prior=0.3),
    "narrow zero": TwoGaussians(sd=(0.5, 1.1)),
    "same mean": TwoGaussians(mu=((0.3, 0.0), (0.3, 0.0)), sd=(0.9, 0.4)),
    "one-sided": TwoGaussians(mu=((-0.1, 0.0), (0.1, 0.0)), sd=(1.0, 0.99), prior=0.9),
}


def scipy_joint(model: TwoGaussians, x: np.ndarray) -> np.ndarray:
    """p(x, y) from scipy, one column a class."""
    shape = np.array([[1, model.rho], [model.rho, 1]])
    priors = (1 - model.prior, model.prior)
    return np.stack(
        [
            p * stats.multivariate_normal(mu, sd**2 * shape).pdf(x)
            for mu, sd, p in zip(model.mu, model.sd, priors, strict=True)
        ],
        axis=-1,
    )


# --- the object -----------------------------------------------------------------------------------


@pytest.mark.parametrize("make", FIGURES)
def test_html_is_small_and_asks_nobody(make):
    html = make()._repr_html_()
    assert len(html.encode()) < 60_000
    addresses = set(re.findall(r"(?:https?:)?//[\w.-]+\.\w+[^\s\"')]*", html))
    assert addresses <= {"http://www.w3.org/2000/svg"}, "the name of SVG, which nobody fetches"
    assert not re.search(r"\b(import|fetch|XMLHttpRequest|src=|url\(|@import)\b", html)


@pytest.mark.parametrize("make", FIGURES)
def test_id_is_a_hash_of_the_content(make):
    assert make().id == make().id and make()._repr_html_() == make()._repr_html_()
    assert make(seed=2).id != make().id
    assert f'id="{make().id}"' in make()._repr_html_()


@pytest.mark.parametrize("make", FIGURES)
def test_html_has_a_name_and_a_sentence_without_javascript(make):
    html = make()._repr_html_()
    assert re.match(r'<div class="gl-interact" [^>]*role="group" aria-label="[^"]{20,}">', html)
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50
    assert html.count("<script") == html.count("</script>") == 2
    json.loads(re.search(r'application/json">(.+?)</script>', html, re.DOTALL)[1])


def test_data_cannot_break_out_of_its_script():
    figure = Interactive("kernels.js", {"a": "</script><!-- "}, label="label", still="still")
    html = figure._repr_html_()
    assert html.count("</script>") == 2 and "<!--" not in html
    found = re.search(r'application/json">(.+?)</script>', html, re.DOTALL)[1]
    assert json.loads(found) == {"a": "</script><!-- "}


def test_too_much_data_is_refused():
    with pytest.raises(ValueError, match="200,000 bytes"):
        Interactive("kernels.js", {"a": "x" * 200_000}, label="label", still="still")


@pytest.mark.parametrize(
    "make, script", [(two_gaussians, "gaussians.js"), (bandwidth, "kernels.js")]
)
def test_all_words_that_the_script_uses_are_there(make, script):
    used = set(re.findall(r"\bwords\.(\w+)", (FOLDER / script).read_text(encoding="utf-8")))
    assert used == set(make().data["words"]), "words without use, or use without words"


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
@pytest.mark.parametrize("make", FIGURES)
def test_script_is_javascript(make, tmp_path):
    script = re.findall(r"<script>(.+?)</script>", make()._repr_html_(), re.DOTALL)[0]
    (tmp_path / "figure.js").write_text(script, encoding="utf-8")
    subprocess.run(["node", "--check", tmp_path / "figure.js"], check=True)


def test_wrong_arguments_are_named():
    for make, message in [
        (lambda: two_gaussians(view="both"), "view: expected generative or discriminative"),
        (lambda: two_gaussians(n=0), "n: expected 1 to 1,000"),
        (lambda: bandwidth(5.0), "h: expected a bandwidth"),
        (lambda: bandwidth(n=501), "n: expected 1 to 500"),
        (lambda: kernel_log_prob(torch.zeros(2), torch.zeros(2), 0.0), "h: expected a positive"),
    ]:
        with pytest.raises(ValueError, match=re.escape(message)):
            make()


OPTIONS = {
    "two_gaussians": {"view": "discriminative", "n": 30, "seed": 4},
    "bandwidth": {"h": 0.25, "n": 30, "seed": 4},
    "evidence_bound": {
        "mu": 0.5,
        "logvar": 0.25,
        "x": -1.0,
        "sd": 1.5,
        "view": "posterior",
        "n": 5,
        "seed": 4,
    },
    "adversarial_game": {
        "theta": -1.0,
        "phi": 2.0,
        "eta": 0.5,
        "order": "simultaneous",
        "loss": "minimax",
    },
    "diffusion_film": {"t": 500, "schedule": "linear"},
    "gan_replay": {"run": "recipe", "moment": 3},
}
CALLED = {"h": "start"}  # what the page calls it


@pytest.mark.parametrize("name", OPTIONS)
def test_every_option_reaches_the_page(name):
    make, options = getattr(interact, name), OPTIONS[name]
    arguments = inspect.signature(make).parameters
    assert set(arguments) - {"model"} == set(options)

    def shown(data):
        start = data["start"] if isinstance(data["start"], dict) else {}
        return {key: (data | start)[CALLED.get(key, key)] for key in options}

    found, before = shown(json.loads(json.dumps(make(**options).data))), shown(make().data)
    assert found == json.loads(json.dumps(options))
    assert all(found[key] != before[key] for key in options)


def test_the_model_of_two_gaussians_reaches_the_page():
    start = two_gaussians(TwoGaussians(((0.0, 1.0), (2.0, 3.0)), (0.5, 1.5), -0.25, 0.75)).data[
        "start"
    ]
    found = {key: start[key] for key in ("mu", "sd", "rho", "prior", "shared")}
    assert json.loads(json.dumps(found)) == {
        "mu": [[0, 1], [2, 3]],
        "sd": [0.5, 1.5],
        "rho": -0.25,
        "prior": 0.75,
        "shared": False,
    }


# --- random numbers -------------------------------------------------------------------------------


def test_random_numbers_look_random():
    stream = uniforms(7)
    u = [next(stream) for _ in range(4000)]
    assert min(u) >= 0 and max(u) < 1
    assert stats.kstest(u, "uniform").pvalue > 0.01
    u, eps = draws(3, 4000)
    assert stats.kstest(eps.flatten().numpy(), "norm").pvalue > 0.01
    assert abs(np.corrcoef(eps.T.numpy())[0, 1]) < 0.05


# --- two Gaussians --------------------------------------------------------------------------------


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_posterior_and_density_are_scipys(model):
    x = torch.randn(50, 2, dtype=torch.float64) * 1.5
    joint = scipy_joint(model, x.numpy())
    np.testing.assert_allclose(model.posterior(x), joint[:, 1] / joint.sum(axis=1), rtol=1e-9)
    np.testing.assert_allclose(model.log_prob(x), np.log(joint.sum(axis=1)), rtol=1e-9)


@pytest.mark.parametrize("model", MODELS.values(), ids=MODELS.keys())
def test_bayes_error_is_the_integral_of_the_smaller_joint(model):
    axis = np.linspace(-8, 8, 801)
    x = np.stack(np.meshgrid(axis, axis), axis=-1)
    integral = scipy_joint(model, x).min(axis=-1).sum() * (axis[1] - axis[0]) ** 2
    assert model.bayes_error() == pytest.approx(integral, abs=2e-4)


def test_bayes_error_of_equal_clouds_is_the_textbook_formula():
    model = TwoGaussians(rho=0.5)
    assert model.bayes_error() == pytest.approx(stats.norm.cdf(-model.delta() / 2))
    one_place = replace(model, mu=((0.0, 0.0), (0.0, 0.0)), prior=0.3)
    assert one_place.bayes_error() == pytest.approx(0.3)


def test_samples_come_from_the_model():
    model = MODELS["narrow one"]
    x, y = model.sample(5, 4000)
    assert y.double().mean().item() == pytest.approx(model.prior, abs=0.03)
    for k in (0, 1):
        mine = x[y == k]
        torch.testing.assert_close(
            mine.mean(0), torch.tensor(model.mu[k]).double(), atol=0.1, rtol=0
        )
        want = model.sd[k] ** 2 * torch.tensor([[1, model.rho], [model.rho, 1]]).double()
        torch.testing.assert_close(mine.T.cov(), want, atol=0.12, rtol=0)
    wrong = ((model.posterior(x) > 0.5).long() != y).double().mean().item()
    assert wrong == pytest.approx(model.bayes_error(), abs=0.02)


# --- kernel density -------------------------------------------------------------------------------


@pytest.mark.parametrize("h", [0.02, 0.3, 1.5])
def test_kernel_density_is_scikit_learns(h):
    train, held = kernel.figure_data()
    peer = KernelDensity(bandwidth=h).fit(train[:, None].numpy())
    want = peer.score_samples(held[:, None].numpy())
    np.testing.assert_allclose(kernel_log_prob(held, train, h), want, rtol=1e-9, atol=1e-9)


def test_the_figure_shows_what_it_is_for():
    """Training likelihood grows as h shrinks; held-out likelihood has its peak inside; samples become copies."""
    train, held = kernel.figure_data()
    widths = np.geomspace(kernel.LOW, kernel.HIGH, 40)
    on_train = [kernel_log_prob(train, train, h).mean().item() for h in widths]
    on_held = [kernel_log_prob(held, train, h).mean().item() for h in widths]
    assert all(np.diff(on_train) < 0)
    assert 5 < int(np.argmax(on_held)) < 35
    floor = kernel.nearest_distance(held, train).median()
    copies = kernel.figure_samples(train, kernel.LOW, seed=1, n=60)
    assert kernel.nearest_distance(copies, train).median() < 0.3 * floor
    assert kernel.figure_samples(train, 0.0, seed=1, n=60).sub(train[:, None]).abs().min() == 0


def test_the_page_holds_the_points_that_python_has():
    train, held = kernel.figure_data()
    data = json.loads(json.dumps(bandwidth().data))
    assert data["train"] == train.tolist() and data["held"] == held.tolist()
    assert math.isclose(sum(data["truth"]["weights"]), 1)
