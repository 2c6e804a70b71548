"""The figure of the evidence bound: what it claims holds in exact arithmetic, and its overlap is an integral."""

import json
import math
import re
import shutil
import subprocess
from pathlib import Path

import numpy as np
import pytest
import torch
from torch.distributions import Normal

from genlib.interact import bound as figure
from genlib.interact import evidence_bound, overlap
from genlib.interact.base import draws
from genlib.losses import gaussian_kl

SCRIPT = (Path(figure.__file__).parent / "bound.js").read_text(encoding="utf-8")
LOW, HIGH = figure.LIMITS["logvar"]


def column(*values: float) -> torch.Tensor:
    return torch.tensor(values, dtype=torch.float64)[:, None]


def states() -> list[torch.Tensor]:
    """mu, logvar and x on a grid that fills the sliders, each (B, 1)."""
    axes = [torch.linspace(*figure.LIMITS[name], 9).double() for name in ("mu", "logvar", "x")]
    return [one[:, None] for one in torch.cartesian_prod(*axes).unbind(dim=1)]


# --- the object -----------------------------------------------------------------------------------


def test_figure_is_the_same_every_time_small_and_alone():
    html = evidence_bound()._repr_html_()
    assert html == evidence_bound()._repr_html_() and len(html.encode()) < 40_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert not re.search(r"\b(import|fetch|XMLHttpRequest|src=|@import)\b|url\(", html)
    assert evidence_bound(view="posterior").id != evidence_bound().id != evidence_bound(seed=2).id
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50


def test_all_words_that_the_script_uses_are_there():
    used = set(re.findall(r"\bwords\.(\w+)", SCRIPT)) | set(figure.LIMITS)  # the sliders' words
    assert used == set(figure.WORDS), "words without use, or use without words"
    chooser = re.search(r"function verdictOf.+?\n}", SCRIPT, re.DOTALL)[0]
    returned = set(re.findall(r'[?:n] "(\w+)"', chooser))
    assert returned == set(figure.WORDS["verdicts"])
    views = {name for name, _ in figure.WORDS["views"]}
    for each in ("captions", "densityLabel", "meterLabel"):
        assert set(figure.WORDS[each]) == views
    json.dumps(evidence_bound().data, allow_nan=False)


@pytest.mark.skipif(not shutil.which("node"), reason="needs node")
def test_script_is_javascript(tmp_path):
    script = re.findall(r"<script>(.+?)</script>", evidence_bound()._repr_html_(), re.DOTALL)[0]
    (tmp_path / "figure.js").write_text(script, encoding="utf-8")
    subprocess.run(["node", "--check", tmp_path / "figure.js"], check=True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"view": "both"}, "view: expected prior or posterior, got 'both'"),
        ({"mu": 3.5}, r"mu: expected a number of -3.0 to 3.0, got 3.5"),
        ({"logvar": math.nan}, "logvar: expected a number of -8.0 to 2.0, got nan"),
        ({"x": -4}, "x: expected a number of -3.0 to 3.0, got -4"),
        ({"sd": 0.0}, r"sd: expected a number of 0.4 to 2.0, got 0.0"),
        ({"n": 0}, "n: expected 1 to 50 draws, got 0"),
    ],
)
def test_bad_arguments_are_named(arguments, message):
    with pytest.raises(ValueError, match=message):
        evidence_bound(**arguments)


# --- the overlap ----------------------------------------------------------------------------------


@pytest.mark.parametrize("logvar", [-8.0, -2.0, -0.3, -1e-4, 0.0, 1e-4, 0.7, 2.0])
@pytest.mark.parametrize("mu", [0.0, 0.4, -1.3, 3.0])
def test_overlap_is_the_integral_of_the_smaller_density(mu, logvar):
    z = torch.linspace(-20, 20, 400_001, dtype=torch.float64)
    q, prior = (Normal(m, s).log_prob(z).exp() for m, s in [(mu, math.exp(logvar / 2)), (0.0, 1.0)])
    want = torch.trapezoid(torch.minimum(q, prior), z).item()
    assert overlap(mu, logvar) == pytest.approx(want, abs=1e-7)
    assert overlap(-mu, logvar) == pytest.approx(want, abs=1e-7)


def test_overlap_is_between_0_and_1_and_1_for_the_prior_itself():
    assert overlap(0.0, 0.0) == 1.0
    for mu, logvar in zip(*(t.flatten().tolist() for t in states()[:2]), strict=True):
        assert 0 < overlap(mu, logvar) <= 1


# --- what the figure says -------------------------------------------------------------------------


@pytest.mark.parametrize("sd", [0.4, 0.8, 2.0])
def test_elbo_and_gap_are_log_p_of_x_for_every_place_of_the_sliders(sd):
    mu, logvar, x = states()
    model = figure.figure_model(sd)
    elbo, gap, log_p = model.elbo(x, mu, logvar), model.gap(x, mu, logvar), model.log_prob(x)
    torch.testing.assert_close(elbo + gap, log_p, atol=1e-9, rtol=0)
    assert (gap >= -1e-12).all()
    posterior = model.posterior(x)
    best = posterior.mean, posterior.covariance_matrix.squeeze(2).log()
    torch.testing.assert_close(model.elbo(x, *best), log_p, atol=1e-9, rtol=0)
    # the button "Best q" stays within the sliders
    assert best[0].abs().max() <= 3 and best[1].min() >= LOW and best[1].max() <= HIGH


def test_all_bars_hang_from_0():
    """The meter draws from 0 downwards: no log-likelihood may be above 0 for any place of the sliders."""
    mu, logvar, x = states()
    for sd in figure.LIMITS["sd"]:
        recon = figure.figure_model(sd).elbo(x, mu, logvar) + gaussian_kl(mu, logvar)
        assert recon.max() < 0 and figure.figure_model(sd).log_prob(x).max() < 0


@pytest.mark.parametrize("sd", [0.4, 0.8, 2.0])
def test_each_halving_of_an_all_but_sharp_q_costs_log_2(sd):
    """What the figure says from logvar = -6 downwards: another 0.69 nats of KL and of gap."""
    mu, x = column(-1.0, 0.0, 2.0), column(1.5, 0.3, -2.0)
    for logvar in (-6.0, -8.0):
        wide, narrow = (torch.full_like(mu, v) for v in (logvar, logvar - 2 * math.log(2)))
        tax = gaussian_kl(mu, narrow) - gaussian_kl(mu, wide)
        model = figure.figure_model(sd)
        lost = model.elbo(x, mu, wide) - model.elbo(x, mu, narrow)
        for cost in (tax, lost):
            np.testing.assert_allclose(cost, math.log(2), atol=0.008)


def test_draws_stay_and_look_like_a_standard_normal():
    eps = figure.figure_eps(145, 12)
    assert torch.equal(eps, draws(145, 12)[1][:, 0])
    assert abs(eps.mean()) < 0.3 and 0.8 < eps.std() < 1.2
    assert eps.sort().values.diff().min() > 0.04, "ticks that can be told apart"
