"""Known ways to be wrong: what each does is counted or compared with a plain loop; and all measures on trial."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F

from genlib import corrupt, evaluate
from genlib.corrupt import CORRUPTIONS, WORSE
from genlib.data import digits
from genlib.pretrained import judge
from genlib.words import CORRUPTIONS as LABELS
from genlib.words import MEASURES


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def some(n=200):
    data = digits()
    return data.x_test[:n], data.y_test[:n]


def levels(n=20):
    return torch.randint(17, (n, 1, 8, 8), generator=rng()) / 16


def case(n=20):
    return {"x": levels(n), "y": torch.arange(n) % 10, "dose": 0.5, "rng": rng()}


CASES = {f"corrupt.{name}": case for name in CORRUPTIONS} | {
    "corrupt.halves": lambda: {"rng": rng()},
    "corrupt.measures": lambda: {
        "x": levels(),
        "y": torch.arange(20) % 10,
        "real": levels().flip(0),
        "rng": rng(),
    },
    "corrupt.real_against_real": lambda: {"draws": 1, "seed": 1},
    "corrupt.spread": lambda: {"values": [1.0, 2.0]},
    "corrupt.notices": lambda: {"name": "frechet", "value": 1.0, "low": 0.0, "high": 2.0},
}
DATA_BORDERS = {f"corrupt.{name}": "x y" for name in CORRUPTIONS}

SHARES = ("shift", "two_dropped", "one_class", "copied", "static", "inverted", "one_wrong")
AMONG = {  # of how many digits the dose is a share
    "two_dropped": lambda y: [k in (3, 8) for k in y.tolist()],
    "one_class": lambda y: [k != 1 for k in y.tolist()],
    "one_wrong": lambda y: [k == 4 for k in y.tolist()],
}


@pytest.mark.parametrize("name", CORRUPTIONS)
def test_dose_0_changes_nothing_and_results_are_digits_on_their_levels(name):
    x, y = some()
    given = x.clone()
    assert torch.equal(CORRUPTIONS[name](x, y, 0.0, rng()), x)
    for dose in (0.3, 1.0):
        found = CORRUPTIONS[name](x, y, dose, rng())
        assert torch.equal(found, evaluate.to_grey_levels(found)) and found.shape == x.shape
        assert torch.equal(found, CORRUPTIONS[name](x, y, dose, rng()))
    assert torch.equal(x, given)


@pytest.mark.parametrize("name", SHARES)
def test_a_dose_is_a_share_and_a_larger_one_has_the_same_faults_and_more(name):
    x, y = some()
    among = torch.tensor(AMONG.get(name, lambda y: [True] * len(y))(y))
    before = torch.zeros(len(y), dtype=torch.bool)
    last = CORRUPTIONS[name](x, y, 1.0, rng())
    for dose in (0.1, 0.5, 1.0):
        found = CORRUPTIONS[name](x, y, dose, rng())
        changed = (found != x).flatten(1).any(dim=1)
        assert not (changed & ~among).any() and (changed >= before).all()
        assert abs(int(changed.sum()) - round(dose * int(among.sum()))) <= 1
        assert torch.equal(found[changed], last[changed])
        before = changed


def test_what_each_fault_does_to_a_digit():
    x, y = some(60)
    full = {name: make(x, y, 1.0, rng()) for name, make in CORRUPTIONS.items()}
    assert torch.equal(full["shift"], F.pad(x, (1, 0))[..., :8])
    assert torch.equal(full["inverted"], 1 - x)
    turned = np.rot90(x[y == 4].numpy(), 2, axes=(2, 3))
    assert np.array_equal(full["one_wrong"][y == 4].numpy(), turned)
    assert torch.equal(full["one_wrong"][y != 4], x[y != 4])
    i, j = 3, 5
    mean = x[0, 0, i - 1 : i + 2, j - 1 : j + 2].mean()
    assert full["blur"][0, 0, i, j] == pytest.approx(round(mean.item() * 16) / 16)
    corner = x[0, 0, :2, :2].mean()
    assert full["blur"][0, 0, 0, 0] == pytest.approx(round(corner.item() * 16) / 16)
    assert full["static"].mean() == pytest.approx(0.5, abs=0.02)


def test_noise_has_its_deviation():
    x = torch.full((500, 1, 8, 8), 0.5)
    found = CORRUPTIONS["noise"](x, torch.zeros(500, dtype=torch.long), 0.1, rng()) - x
    assert found.std() == pytest.approx((0.1**2 + 1 / 16**2 / 12) ** 0.5, rel=0.02)


def test_dropped_and_kept_classes():
    x, y = some()
    every = {tuple(image.flatten().tolist()): int(k) for image, k in zip(x, y, strict=True)}

    def classes(found):
        return [every[tuple(image.flatten().tolist())] for image in found]

    kept = classes(CORRUPTIONS["two_dropped"](x, y, 1.0, rng()))
    assert set(kept) == {0, 1, 2, 4, 5, 6, 7, 9}
    assert set(classes(CORRUPTIONS["one_class"](x, y, 1.0, rng()))) == {1}
    with pytest.raises(ValueError, match="y: expected a digit at least of a class that is left"):
        CORRUPTIONS["one_class"](x, torch.full_like(y, 2), 1.0, rng())


def test_copies_are_training_digits_of_the_same_class_and_many_different_ones():
    x, y = some()
    data = digits()
    distance = torch.cdist(
        CORRUPTIONS["copied"](x, y, 1.0, rng()).flatten(1), data.x_train.flatten(1)
    )
    nearest, at = distance.min(dim=1)
    assert (nearest < 1e-6).all() and torch.equal(data.y_train[at], y)
    assert len(at.unique()) > 150


# --- on trial ------------------------------------------------------------------------------------------------


def test_halves_are_disjoint_and_unseen():
    x, y, real = corrupt.halves(rng())
    assert len(x) == len(y) == len(real) == 398
    both, data = torch.cat([x, real]).flatten(1), digits()
    unseen = torch.cat([data.x_val, data.x_test]).flatten(1)
    assert len(both.unique(dim=0)) == 796 and len(torch.cat([both, unseen]).unique(dim=0)) == 797
    assert (judge("digits").predict(x) == y).double().mean() > 0.95


def test_measures_are_those_of_evaluate():
    x, y, real = corrupt.halves(rng(1))
    found = corrupt.measures(x, y, real, rng(2))
    model, data = judge("digits"), digits()
    a, b = model.features(x), model.features(real)
    assert found["frechet"] == pytest.approx(evaluate.frechet_distance(a, b))
    assert found["kernel"] == pytest.approx(evaluate.kernel_distance(a, b))
    assert (found["precision"], found["recall"]) == evaluate.precision_recall(b, a)
    assert found["class_tv"] == evaluate.class_histogram_tv(model.predict(x), model.predict(real))
    assert found["nearest_ratio"] == evaluate.nearest_training_ratio(x, data.x_train, real)
    assert found["label_accuracy"] == (model.predict(x) == y).double().mean()
    assert 0.4 < found["two_sample"] < 0.6 and abs(found["log_prob"]) < 6
    noise = evaluate.to_grey_levels(torch.rand(x.shape, generator=rng()))
    static = corrupt.measures(noise, y, real, rng(2))
    assert static["two_sample"] > 0.95 and static["log_prob"] < -1000
    assert set(found) == set(WORSE) == set(MEASURES) and set(CORRUPTIONS) == set(LABELS)


def test_spread_is_numpys_and_notices_knows_what_is_worse():
    values = torch.rand(101, generator=rng()).tolist()
    low, high = corrupt.spread(values)
    assert (low, high) == pytest.approx(tuple(np.quantile(values, [0.025, 0.975])))
    for name, expected in (
        ("frechet", (-1, 0, 1)),
        ("recall", (1, 0, -1)),
        ("log_prob", (1, 0, 1)),
    ):
        said = tuple(corrupt.notices(name, value, 0.3, 0.7) for value in (0.2, 0.5, 0.8))
        assert said == expected, name


def test_the_ends_of_the_spread_are_inside():
    """Shares take few values, and a quantile between two equal ones may be rounded."""
    values = [395 / 398] * 30 + [396 / 398] * 50
    low, high = corrupt.spread(values)
    assert [corrupt.notices("precision", value, low, high) for value in (395 / 398, 396 / 398)] == [
        0,
        0,
    ]
    assert corrupt.notices("precision", 394 / 398, low, high) == 1


def test_one_halving_of_real_digits_is_one_value_a_measure():
    found = corrupt.real_against_real(2, 5)
    assert set(found) == set(WORSE) and all(len(values) == 2 for values in found.values())
    again = corrupt.real_against_real(1, 5)
    assert all(again[name] == found[name][:1] for name in found)
