"""Autoencoders against what is known: PCA, the exact score, torch.distributions, plain loops."""

from functools import partial

import pytest
import torch
from sklearn.decomposition import PCA
from sklearn.mixture import GaussianMixture
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, MultivariateNormal

from genlib.autoencoder import (
    ANY,
    Autoencoder,
    CodeDistribution,
    add_gaussian,
    fitted_gaussian,
    fitted_mixture,
    image_autoencoder,
    linear_autoencoder,
    mask_pixels,
    mean_filter,
    pca,
    points_autoencoder,
    principal_angles,
    scaled_normal,
    standard_normal,
)
from genlib.data import Mixture, digits
from genlib.losses import squared_error
from genlib.nets import image_decoder, image_encoder, mlp
from genlib.table import stored
from genlib.train import Batches, Training, cosine


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def identity(**options):
    return Autoencoder(nn.Identity(), nn.Identity(), 2, **options)


# --- the linear case ---------------------------------------------------------------------------------------


def test_pca_is_scikit_learns():
    x = digits().x_train
    found, reference = pca(x, 16), PCA(16, svd_solver="full").fit(x.flatten(1).numpy())
    rows = reference.inverse_transform(reference.transform(x.flatten(1).numpy()))
    torch.testing.assert_close(
        found.reconstruct(x).flatten(1), torch.from_numpy(rows), atol=1e-4, rtol=0
    )
    assert found.encode(x).shape == (1000, 16) and found.reconstruct(x).shape == x.shape


def test_a_linear_autoencoder_finds_the_subspace_and_the_error_of_pca():
    x = torch.randn(200, 1, 2, 3).double() * torch.tensor([[3.0, 2.0, 1.0], [0.3, 0.2, 0.1]]) + 0.5
    model, best = linear_autoencoder(2, (1, 2, 3)).double(), pca(x, 2)
    model.data_range = ANY
    optimizer = torch.optim.LBFGS(
        model.parameters(), max_iter=200, tolerance_change=0, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        error = model.loss(x)["loss"]
        error.backward()
        return error

    optimizer.step(closure)
    assert principal_angles(model.decoder[0].weight, best.components.T).max() < 0.1
    error, least = (squared_error(m.reconstruct(x), x).mean().item() for m in (model, best))
    assert error == pytest.approx(least, rel=1e-5)


def test_principal_angles_of_planes_that_are_known():
    e = torch.eye(4)
    tilted = torch.stack([e[0], e[1] * 0.5 + e[2] * 0.75**0.5], dim=1)  # 60 degrees about e0
    torch.testing.assert_close(
        principal_angles(e[:, :2], tilted), torch.tensor([60.0, 0.0]).double()
    )
    mixed = e[:, :2] @ torch.tensor([[1.0, 2.0], [3.0, 4.0]])  # another basis of the same plane
    assert principal_angles(e[:, :2], mixed).max() < 1e-5


# --- the model ---------------------------------------------------------------------------------------------


def test_the_loss_is_the_mean_over_images_of_the_sum_over_pixels():
    model, x = image_autoencoder(4).eval(), torch.rand(5, 1, 8, 8)
    x_hat = model.reconstruct(x)
    by_hand = sum(((x_hat[i] - x[i]) ** 2).sum() for i in range(5)) / 5
    torch.testing.assert_close(model.loss(x)["loss"], by_hand)


def test_a_denoising_autoencoder_sees_the_spoilt_image_and_is_asked_for_the_clean_one():
    x = torch.rand(5, 2)
    model = identity(corrupt=lambda x: x + 2)  # the identity misses x by 2 in each of 2 coordinates
    torch.testing.assert_close(model.loss(x)["loss"], torch.tensor(8.0))
    torch.testing.assert_close(model.loss(x, x_noisy=x + 1)["loss"], torch.tensor(2.0))
    torch.testing.assert_close(identity().loss(x)["loss"], torch.tensor(0.0))


def test_training_lowers_the_error_and_a_code_of_two_numbers_beats_the_mean_image():
    x = digits().x_train
    model = image_autoencoder(2, width=64)
    history = Training(model, Batches(x, seed=None), 150, lr=3e-3).run()
    assert history["loss"][-1] < 0.6 * history["loss"][0]
    assert (
        squared_error(model.reconstruct(x), x).mean()
        < squared_error(x.mean(0).expand_as(x), x).mean()
    )
    assert model.reconstruct(x).min() >= 0 and model.reconstruct(x).max() <= 1


def test_a_denoising_autoencoder_points_along_the_score_of_the_noised_density():
    """Tweedie: r(x) - x = sigma^2 grad log p_sigma(x)."""
    sigma, density = 0.5, Mixture(torch.tensor([[-1.0, 0.0], [1.0, 0.5]]), 0.2)
    model = points_autoencoder(sigma, latent_dim=16, width=32)
    fresh = iter(lambda: (density.sample(250),), None)
    Training(model, fresh, 400, lr=0.01, fall=cosine).run()
    noised = density.noised(1, sigma)
    x = noised.sample(2000, rng())
    step, exact = model.reconstruct(x).detach() - x, sigma**2 * noised.score(x)
    assert (step - exact).norm() < 0.1 * exact.norm()
    clean = sigma**2 * density.score(x)  # the score of the density without noise would be wrong
    assert (step - clean).norm() > 0.5 * clean.norm()


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (lambda m: m.loss(torch.rand(2, 1, 8, 8) * 255), r"x: expected values in \[0, 1\], got"),
        (lambda m: m.loss(torch.rand(2, 1, 8, 8) * 2 - 1), r"x: expected values in \[0, 1\], got"),
        (lambda m: m.encode(torch.rand(2, 1, 8, 8) + 1), r"x: expected values in \[0, 1\], got"),
        (
            lambda m: m.reconstruct(torch.full((2, 1, 8, 8), torch.nan)),
            r"x: expected values in \[0, 1\]",
        ),
        (
            lambda m: m.decode(torch.zeros(2, 5)),
            r"z: expected shape \(B Z\) with {'Z': 4}, got \(2, 5\)",
        ),
        (
            lambda m: m.sample(3, codes=standard_normal(7)),
            r"codes: expected shape .*'Z': 4.*got \(3, 7\)",
        ),
    ],
)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(image_autoencoder(4).eval())
    assert "\n" not in str(error.value)


def test_an_encoder_of_another_width_than_promised_is_named():
    with pytest.raises(ValueError, match=r"encoder\(x\): expected shape .*'Z': 3.*got \(2, 2\)"):
        Autoencoder(nn.Identity(), nn.Identity(), 3).encode(torch.rand(2, 2))


def test_the_clean_side_of_a_denoising_autoencoder_is_checked_too():
    with pytest.raises(ValueError, match=r"x: expected values in \[0, 1\], got \[2, 2\]"):
        identity(corrupt=partial(add_gaussian, sigma=1)).loss(torch.full((2, 2), 2.0))


def test_every_option_reaches_the_networks():
    spoil = partial(mask_pixels, share=0.3)
    model = image_autoencoder(3, (2, 4, 6), 5, dropout=0.25, corrupt=spoil)
    encoder = image_encoder((2, 4, 6), 5, 3, norm=True, dropout=0.25)
    decoder = image_decoder(3, 5, (2, 4, 6), norm=True, dropout=0.25)
    assert str(model.encoder) == str(encoder)
    assert str(model.decoder) == str(decoder.append(nn.Sigmoid()))
    assert (model.latent_dim, model.corrupt, model.data_range) == (3, spoil, (0, 1))


def test_every_option_reaches_the_autoencoder_of_points():
    model = points_autoencoder(0.3, 5, 7)
    assert str(model.encoder) == str(mlp((2, 7, 7, 5)))
    assert str(model.decoder) == str(mlp((5, 7, 7, 2)))
    noise = model.corrupt(torch.zeros(20_000, 2)).std().item()
    assert noise == pytest.approx(0.3, rel=0.02) and model.data_range == ANY
    model = linear_autoencoder(3, (2, 4, 6))
    assert [tuple(p.shape) for p in model.parameters()] == [(3, 48), (3,), (48, 3), (48,)]
    assert model.reconstruct(torch.rand(2, 2, 4, 6)).shape == (2, 2, 4, 6)


def test_a_fit_takes_its_start_from_its_rng(monkeypatch):
    seen = []
    monkeypatch.setattr("genlib.autoencoder.fitted_mixture", lambda *a: seen.append(a))
    fitted_gaussian(z)
    assert seen[0][0] is z and seen[0][1:] == (1,)
    three = [fitted_mixture(z, 5, rng(seed)).means for seed in (0, 0, 1)]
    assert three[0].equal(three[1]) and not three[0].equal(three[2])


def test_only_a_denoising_autoencoder_reads_values_outside_the_range():
    noisy = torch.full((2, 2), 1.5)
    assert identity(corrupt=partial(add_gaussian, sigma=1)).reconstruct(noisy).equal(noisy)
    with pytest.raises(ValueError, match="x: expected values"):
        identity().reconstruct(noisy)


# --- corruptions -------------------------------------------------------------------------------------------


def test_gaussian_noise_has_its_standard_deviation_and_is_reproducible():
    x = torch.full((1000, 1, 8, 8), 0.5)
    noise = add_gaussian(x, 0.3, rng()) - x
    assert noise.mean().abs() < 0.01 and noise.std().item() == pytest.approx(0.3, rel=0.02)
    assert add_gaussian(x, 0.3, rng()).equal(x + noise)


def test_masking_sets_its_share_to_zero_and_leaves_the_rest():
    x = torch.rand(1000, 1, 8, 8) + 0.1
    masked = mask_pixels(x, 0.3, rng())
    gone = masked == 0
    assert gone.float().mean().item() == pytest.approx(0.3, abs=0.01)
    assert masked[~gone].equal(x[~gone]) and masked.equal(mask_pixels(x, 0.3, rng()))


def test_the_mean_filter_is_a_loop_over_neighbours():
    x = torch.rand(1, 1, 4, 5)
    for i in range(4):
        for j in range(5):
            near = x[0, 0, max(0, i - 1) : i + 2, max(0, j - 1) : j + 2]
            torch.testing.assert_close(mean_filter(x)[0, 0, i, j], near.mean())
            blend = 0.6 * x[0, 0, i, j] + 0.4 * near.mean()
            torch.testing.assert_close(mean_filter(x, keep=0.6)[0, 0, i, j], blend)


# --- distributions for codes ----------------------------------------------------------------------------------------

z = torch.randn(4000, 3, generator=rng(1)) @ torch.tensor([[2.0, 0, 0], [1, 1, 0], [0, 0, 0.5]]) + 1


@pytest.mark.parametrize(
    ("codes", "mean", "covariance"),
    [
        (standard_normal(3), torch.zeros(3), torch.eye(3)),
        (scaled_normal(z), torch.zeros(3), torch.eye(3) * (z**2).mean()),
        (fitted_gaussian(z), z.mean(0), z.T.cov()),
    ],
)
def test_samples_have_the_mean_and_the_covariance_of_their_distribution(codes, mean, covariance):
    drawn = codes.sample(40_000, rng())
    torch.testing.assert_close(drawn.mean(0), mean, atol=0.06, rtol=0)
    torch.testing.assert_close(drawn.T.cov(), covariance, atol=0.15, rtol=0.02)
    exact = MultivariateNormal(mean, covariance).log_prob(z[:100])
    torch.testing.assert_close(codes.log_prob(z[:100]), exact, atol=0.02, rtol=0.02)


def test_the_mixture_is_the_one_of_scikit_learn():
    two = torch.cat([z, 0.3 * z.flip(1) + 8])
    codes = fitted_mixture(two, 2, rng())
    em = GaussianMixture(2, reg_covar=1e-3 * two.var(0).mean().item(), random_state=0).fit(
        two.numpy()
    )
    ours = codes.log_prob(two[::100])
    torch.testing.assert_close(
        ours, torch.from_numpy(em.score_samples(two[::100].numpy())).float(), atol=0.01, rtol=0
    )
    of_torch = MixtureSameFamily(
        Categorical(codes.weights), MultivariateNormal(codes.means, scale_tril=codes.roots)
    )
    torch.testing.assert_close(ours, of_torch.log_prob(two[::100]))
    near = (codes.sample(4000, rng())[:, None] - codes.means).norm(dim=2).argmin(dim=1)
    assert near.float().mean().item() == pytest.approx(codes.weights[1].item(), abs=0.03)


def test_sample_decodes_codes_of_the_given_distribution_and_repeats_under_its_rng():
    model = Autoencoder(nn.Identity(), nn.Linear(2, 2), 2)
    far = CodeDistribution(torch.ones(1), torch.full((1, 2), 50.0), torch.eye(2)[None])
    assert model.sample(7, rng(), codes=far).equal(model.decode(far.sample(7, rng())))
    images = image_autoencoder(4).eval()
    assert images.sample(5, rng()).shape == (5, 1, 8, 8)
    assert images.sample(5, rng()).equal(images.sample(5, rng()))
    assert not images.sample(5, rng()).equal(images.sample(5, rng(1)))


# --- the stored results of the chapter ---------------------------------------------------------------------


def test_stored_results_keep_what_the_chapter_promises():
    results = stored("autoencoder")
    assert min(results["bottlenecks"]["16"]["gain_test"]) > 0.45
    assert max(results["bottlenecks"]["16"]["train_cpu_s"]) < 30
    assert results["codes"]["margin"] > results["codes"]["largest_spread"]
    assert max(results["tweedie"]["spiral"]["relative_error"]) < 0.1
    assert max(results["linear"]["16"]["largest_angle"]) < 1


def test_a_cheap_stored_row_is_measured_again():
    data, found = digits(), stored("autoencoder")["bottlenecks"]["16"]["pca"]
    best = pca(data.x_train, 16)
    again = squared_error(best.reconstruct(data.x_test), data.x_test).mean().item()
    assert again == pytest.approx(found["test"], rel=1e-4)
