"""The densities of chapter 1 against scikit-learn, torch.distributions and the formulas written out."""

import math

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import QuadraticDiscriminantAnalysis
from sklearn.mixture import GaussianMixture
from sklearn.naive_bayes import GaussianNB
from torch.distributions import (
    Categorical,
    Independent,
    MixtureSameFamily,
    MultivariateNormal,
    Normal,
)

from genlib import statistical
from genlib.data import dequantise, digits, quantise

MAKERS = {
    "naive_bayes": statistical.naive_bayes,
    "full_gaussian": statistical.full_gaussian,
    "mixture": statistical.mixture,
    "kernel_density": statistical.kernel_density,
}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def data():
    d = digits()
    return dequantise(d.x_train, rng(0)), d.y_train, dequantise(d.x_test, rng(1)), d.y_test


@pytest.fixture(scope="module")
def models(data):
    return {name: make().fit(data[0], data[1], rng()) for name, make in MAKERS.items()}


def test_naive_bayes_equals_scikit_learn(data, models):
    x, y, x_test, _ = data
    theirs = GaussianNB(var_smoothing=0).fit(x.flatten(1).double(), y)
    ours = models["naive_bayes"]
    joint = theirs.predict_joint_log_proba(x_test.flatten(1).double().numpy())
    # ours adds 1e-6 to variances of 3e-4 and more
    np.testing.assert_allclose(ours.log_joint(x_test), joint, rtol=0.02, atol=0.5)
    assert (
        ours.predict(x_test).numpy() == theirs.predict(x_test.flatten(1).double().numpy())
    ).mean() > 0.995


def test_full_gaussian_equals_the_formula_of_the_shrunk_covariance(data):
    x, y, x_test, _ = data
    model = statistical.full_gaussian(shrink=0.4).fit(x, y)
    rows = x[y == 3].flatten(1).double()
    S = (rows - rows.mean(0)).T @ (rows - rows.mean(0)) / len(rows)
    shrunk = torch.where(torch.eye(64, dtype=torch.bool), S, 0.6 * S) + 1e-6 * torch.eye(64)
    reference = MultivariateNormal(rows.mean(0), shrunk)
    expected = reference.log_prob(x_test[:50].flatten(1).double()) + math.log(
        (y == 3).sum() / len(y)
    )
    torch.testing.assert_close(model.log_joint(x_test[:50])[:, 3], expected, rtol=1e-5, atol=1e-5)


def test_full_gaussian_without_shrinkage_is_quadratic_discriminant_analysis():
    x = torch.rand(600, 1, 2, 2, generator=rng()) ** torch.arange(1, 5).reshape(1, 1, 2, 2)
    y = torch.arange(600) % 2
    theirs = QuadraticDiscriminantAnalysis().fit(x.flatten(1), y)
    ours = statistical.full_gaussian(shrink=0).fit(x, y)
    assert (ours.predict(x).numpy() == theirs.predict(x.flatten(1))).mean() > 0.98


def test_mixture_equals_the_formula_with_the_fitted_parameters(data, models):
    density = models["mixture"].densities[7]
    assert isinstance(density, GaussianMixture) and density.converged_
    reference = MixtureSameFamily(
        Categorical(torch.from_numpy(density.weights_)),
        Independent(
            Normal(torch.from_numpy(density.means_), torch.from_numpy(density.covariances_).sqrt()),
            1,
        ),
    )
    x = data[2][:50]
    prior = (data[1] == 7).double().mean().log()
    expected = reference.log_prob(x.flatten(1).double()) + prior
    torch.testing.assert_close(models["mixture"].log_joint(x)[:, 7], expected, rtol=1e-6, atol=1e-4)


@pytest.mark.parametrize("bandwidth", [0.05, 0.2])
def test_kernel_density_equals_a_plain_loop(data, bandwidth):
    x, y, x_test, _ = data
    model = statistical.kernel_density(bandwidth).fit(x, y)
    rows = x[y == 0].flatten(1).double()
    for i in range(5):
        kernels = Independent(Normal(rows, bandwidth), 1).log_prob(x_test[i].flatten().double())
        expected = (
            torch.logsumexp(kernels, dim=0) - math.log(len(rows)) + math.log(len(rows) / len(y))
        )
        assert model.log_joint(x_test[i : i + 1])[0, 0].item() == pytest.approx(
            expected.item(), abs=1e-6
        )


@pytest.mark.parametrize("name", MAKERS)
def test_bayes_rule_holds(data, models, name):
    model, x = models[name], data[2][:40]
    joint = model.log_joint(x)
    assert joint.shape == (40, 10)
    torch.testing.assert_close(
        model.log_prob(x), joint.exp().sum(dim=1).log(), rtol=1e-6, atol=1e-6
    )
    assert torch.equal(model.predict(x), joint.argmax(dim=1))
    torch.testing.assert_close(model.prior, data[1].bincount() / 1000)


@pytest.mark.parametrize("name", MAKERS)
def test_samples_are_images_reproducible_and_of_their_class(models, name):
    model = models[name]
    y = torch.arange(10).repeat(60)
    x = model.sample(600, rng(5), y)
    assert x.shape == (600, 1, 8, 8) and x.dtype == torch.float32
    assert torch.equal(x, quantise(dequantise(x))) and x.min() >= 0 and x.max() <= 1
    assert torch.equal(x, model.sample(600, rng(5), y)) and not torch.equal(
        x, model.sample(600, rng(6), y)
    )
    assert (model.predict(dequantise(x, rng())) == y).float().mean() > 0.8


@pytest.mark.parametrize("name", MAKERS)
def test_samples_have_the_mean_and_the_deviation_of_their_class(data, models, name):
    real = quantise(data[0][data[1] == 0])
    fake = models[name].sample(2000, rng(), torch.zeros(2000, dtype=torch.long))
    torch.testing.assert_close(
        fake.mean(0), real.mean(0), atol=0.09, rtol=0
    )  # clipping moves the mean a little
    extra = models[name].densities[0].bandwidth if name == "kernel_density" else 0
    expected = (real.std(0).square() + extra**2).sqrt()
    inner = (real.mean(0) > 0.35) & (real.mean(0) < 0.65)  # where clipping hardly bites
    torch.testing.assert_close(fake.std(0)[inner], expected[inner], atol=0.09, rtol=0)


def test_classes_follow_the_prior_when_none_are_asked_for():
    x = torch.cat([torch.rand(300, 1, 2, 2) * 0.2, 0.8 + torch.rand(100, 1, 2, 2) * 0.2])
    y = torch.tensor([0] * 300 + [1] * 100)
    drawn = statistical.naive_bayes().fit(x, y).sample(4000, rng())
    assert (drawn.mean(dim=(1, 2, 3)) < 0.5).float().mean().item() == pytest.approx(0.75, abs=0.03)


def test_mixture_samples_come_in_random_order():
    x = torch.cat([torch.rand(100, 1, 2, 2) * 0.2, 0.8 + torch.rand(100, 1, 2, 2) * 0.2])
    model = statistical.mixture(k=2).fit(x, torch.zeros(200, dtype=torch.long), rng())
    bright = model.sample(400, rng()).mean(dim=(1, 2, 3)) > 0.5
    assert 0.3 < bright[:200].float().mean() < 0.7


def test_fits_are_reproducible_under_rng(data):
    x, y, x_test, _ = data
    one, two = (statistical.mixture(k=3).fit(x, y, rng(3)).log_prob(x_test[:20]) for _ in range(2))
    assert torch.equal(one, two)


def test_every_option_reaches_the_densities():
    assert statistical.naive_bayes().make_density().shrink == 1
    assert statistical.full_gaussian(0.45).make_density().shrink == 0.45
    assert statistical.kernel_density(0.3).make_density().bandwidth == 0.3
    mixture = statistical.mixture(7, 0.02).make_density()
    assert (mixture.n_components, mixture.reg_covar, mixture.covariance_type) == (7, 0.02, "diag")


def test_samples_have_the_grey_levels_of_the_model():
    x = torch.rand(60, 1, 2, 2)
    maker = statistical.naive_bayes().make_density
    model = statistical.ClassConditional(maker, levels=3).fit(x, torch.zeros(60, dtype=torch.long))
    assert model.sample(500, rng()).unique().tolist() == [0, 0.5, 1]


def test_bad_input_is_named(data):
    x, y, _, _ = data
    with pytest.raises(ValueError, match=r"y: expected shape \(N\) with {'N': 1000}, got \(999,\)"):
        statistical.naive_bayes().fit(x, y[:-1])
    with pytest.raises(ValueError, match="y: expected every class 0..9 at least once"):
        statistical.naive_bayes().fit(x[y != 4], y[y != 4])
    with pytest.raises(ValueError, match="shrink: expected a number in"):
        statistical.ShrunkGaussian(shrink=2)
    with pytest.raises(ValueError, match="bandwidth: expected a number above 0"):
        statistical.kernel_density(0).fit(x, y)
    with pytest.raises(ValueError, match="x: expected shape"):
        statistical.naive_bayes().fit(x, y).log_prob(x[:, :, :4])
