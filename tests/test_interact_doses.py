"""The figure of the doses: numbers are the stored ones, pictures the faults' own, and the figure is small and alone."""

import base64
import math
import re
from pathlib import Path

import numpy as np
import pytest
import torch

from genlib.corrupt import CORRUPTIONS
from genlib.data import digits
from genlib.interact import corruption_doses
from genlib.interact import doses as figure
from genlib.interact.doses import place, shown_digits, still
from genlib.table import stored
from genlib.words import MEASURES


def test_figure_is_the_same_every_time_small_and_alone():
    html = corruption_doses()._repr_html_()
    assert html == corruption_doses()._repr_html_() and len(html.encode()) < 120_000
    assert set(re.findall(r"https?://[\w./]+", html)) == {"http://www.w3.org/2000/svg"}
    assert len({corruption_doses(*start).id for start in ((), ("blur",), ("static", 1.0))}) == 3
    assert re.search(r'<img class="gl-still" aria-hidden="true" alt="" src="data:image/png', html)
    assert len(re.search(r"<noscript><p>(.+?)</p>", html)[1]) > 50
    with pytest.raises(ValueError, match="fault: expected one of blur, noise"):
        corruption_doses("rain")
    with pytest.raises(ValueError, match="dose: expected one of 0, 0.02, 0.05, .*, got 0.4"):
        corruption_doses(dose=0.4)


def test_all_words_that_the_script_uses_are_there():
    script = Path(figure.__file__).with_name("doses.js").read_text(encoding="utf-8")
    assert set(re.findall(r"\bwords\.(\w+)", script)) == set(figure.WORDS)
    assert set(figure.WORDS["faults"]) == set(CORRUPTIONS)


def test_numbers_are_the_stored_ones_and_dose_0_is_the_floor():
    data, found = corruption_doses().data, stored("measures")
    assert data["doses"] == [0, *found["doses"]]
    for m, (name, label, low, high) in enumerate(data["measures"]):
        assert label == MEASURES[name]
        floor = found["floor"][name]
        assert (low, high) == pytest.approx((floor["low"], floor["high"]), rel=1e-3)
        for fault, by_measure in found["matrix"].items():
            for key, what in (("values", "mean"), ("worse", "worse"), ("better", "better")):
                shown = [row[m] for row in data[key][fault]]
                expected = [floor[what], *by_measure[name][what]]
                assert shown == pytest.approx(expected, rel=1e-3, abs=1e-9)


def test_pictures_are_those_of_the_faults():
    data = corruption_doses().data
    images = np.frombuffer(base64.b64decode(data["images"]), dtype=np.uint8).reshape(-1, 64)
    at = np.frombuffer(base64.b64decode(data["at"]), dtype=np.int16)
    at = at.reshape(len(CORRUPTIONS), len(data["doses"]), 20)
    for k, fault in enumerate(CORRUPTIONS):
        for i, dose in enumerate(data["doses"]):
            assert np.array_equal(images[at[k, i]], shown_digits(fault, dose).numpy())
    real = digits()
    rows = torch.from_numpy(images[at[0, 0]].copy()).float() / 16
    nearest, where = torch.cdist(rows, real.x_test.flatten(1)).min(dim=1)
    assert (nearest == 0).all() and real.y_test[where].tolist() == 2 * list(range(10))


def test_a_track_is_straight_in_the_band_and_logarithmic_beyond():
    assert place(3.0, 2.0, 4.0) == 0 and place(4.0, 2.0, 4.0) == 1 and place(2.5, 2.0, 4.0) == -0.5
    assert place(13.0, 2.0, 4.0) == pytest.approx(2) and place(-97.0, 2.0, 4.0) == pytest.approx(-3)
    assert place(3e9, 2.0, 4.0) == figure.REACH == -place(-3e9, 2.0, 4.0)
    assert place(5.0, 2.0, 4.0) == pytest.approx(1 + math.log10(2))


def test_the_still_picture_is_made_of_the_figures_digits():
    paper = still()
    assert paper.shape == (40, 200) and (paper[0] == 255).all()
    inside = 255 - (shown_digits("shift", 1.0)[3].view(8, 8).int() * 255 // 16)
    assert torch.equal(paper[21:29, 31:39].int(), inside)
