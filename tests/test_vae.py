"""Chapter 3 against torch.distributions, scikit-learn, quadrature, and a model whose log p(x) is known."""

import math

import pytest
import torch
from sklearn.decomposition import PCA
from torch.distributions import Independent, Normal, kl_divergence
from torch.testing import assert_close

from genlib.autoencoder import image_autoencoder, principal_angles
from genlib.data import digits
from genlib.nets import image_decoder, image_encoder
from genlib.train import Batches, Training
from genlib.vae import VAE, Bernoulli, Binomial, Gaussian, LinearGaussian, image_vae, linear_vae


def rng(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def grey(n: int) -> torch.Tensor:
    return torch.randint(0, 17, (n, 1, 8, 8)) / 16


def linear_gaussian(D: int, Z: int, sd: float = 0.5) -> LinearGaussian:
    W, b = torch.randn(D, Z, dtype=torch.float64), torch.randn(D, dtype=torch.float64)
    return LinearGaussian(W, b, sd)


def as_vae(exact: LinearGaussian) -> VAE:
    """The VAE whose decoder is the model's and whose encoder gives the best diagonal q."""
    D, Z = exact.W.shape
    vae = linear_vae(Z, D, exact.sd).double()
    mu_of_zero, logvar = exact.best_diagonal(torch.zeros(1, D).double())
    slope = torch.cat([exact.best_diagonal(torch.eye(D).double())[0] - mu_of_zero])  # (D, Z)
    with torch.no_grad():
        vae.decoder.weight.copy_(exact.W)
        vae.decoder.bias.copy_(exact.b)
        vae.encoder.weight.copy_(torch.cat([slope.T, torch.zeros(Z, D)]))
        vae.encoder.bias.copy_(torch.cat([mu_of_zero, logvar], dim=1)[0])
    return vae


# --- the exact case ------------------------------------------------------------------------------------------


def test_log_prob_is_the_integral_over_codes():
    exact = linear_gaussian(D=2, Z=1)
    x = exact.sample(5, rng())
    z = torch.linspace(-12, 12, 20_001, dtype=torch.float64)[:, None]
    joint = Normal(0, 1).log_prob(z) + Normal(
        x[:, None] - exact.b - z @ exact.W.T, exact.sd
    ).log_prob(torch.zeros(())).sum(dim=2, keepdim=True)
    by_quadrature = joint.squeeze(2).logsumexp(dim=1) + math.log(24 / 20_000)
    assert_close(exact.log_prob(x), by_quadrature, atol=1e-5, rtol=0)


def test_posterior_is_bayes_rule():
    exact = linear_gaussian(D=4, Z=3)
    x, z = exact.sample(6, rng()), torch.randn(6, 3, dtype=torch.float64)
    likelihood = Independent(Normal(z @ exact.W.T + exact.b, exact.sd), 1).log_prob(x)
    prior = Normal(0, 1).log_prob(z).sum(dim=1)
    assert_close(exact.posterior(x).log_prob(z), prior + likelihood - exact.log_prob(x))


def test_elbo_and_gap_add_up_to_log_prob_for_any_q():
    exact = linear_gaussian(D=5, Z=3)
    x = exact.sample(20, rng())
    for _ in range(10):
        mu, logvar = torch.randn(2, 20, 3, dtype=torch.float64)
        elbo, gap = exact.elbo(x, mu, logvar), exact.gap(x, mu, logvar)
        assert_close(elbo + gap, exact.log_prob(x), atol=1e-10, rtol=0)
        assert (gap > 0).all()


def test_elbo_is_the_mean_of_its_draws():
    exact = linear_gaussian(D=3, Z=2)
    x, (mu, logvar) = exact.sample(1, rng()), torch.randn(2, 1, 2, dtype=torch.float64)
    z = mu + (0.5 * logvar).exp() * torch.randn(400_000, 2, dtype=torch.float64)
    draws = (
        Independent(Normal(z @ exact.W.T + exact.b, exact.sd), 1).log_prob(x)
        + Normal(0, 1).log_prob(z).sum(dim=1)
        - Independent(Normal(mu, (0.5 * logvar).exp()), 1).log_prob(z)
    )
    error = draws.std() / math.sqrt(len(draws))
    assert abs(draws.mean() - exact.elbo(x, mu, logvar).item()) < 4 * error


@pytest.mark.parametrize("columns", ["one", "orthogonal"])
def test_the_bound_touches_where_a_diagonal_posterior_is_possible(columns):
    exact = linear_gaussian(D=6, Z=1 if columns == "one" else 3)
    if columns == "orthogonal":
        Q, _ = torch.linalg.qr(exact.W)
        exact = LinearGaussian(Q * torch.tensor([3.0, 2.0, 0.5]), exact.b, exact.sd)
    x = exact.sample(10, rng())
    q = exact.best_diagonal(x)
    assert_close(exact.gap(x, *q), torch.zeros(10).double(), atol=1e-10, rtol=0)
    assert_close(exact.elbo(x, *q), exact.log_prob(x), atol=1e-10, rtol=0)


def test_oblique_columns_leave_a_gap_that_no_diagonal_q_closes():
    exact = LinearGaussian(
        torch.tensor([[1.0, 0.8], [0.0, 0.6]]).double(), torch.zeros(2).double(), 0.3
    )
    x = exact.sample(4, rng())
    mu, logvar = (part.clone().requires_grad_() for part in exact.best_diagonal(x))
    gap = exact.gap(x, mu, logvar)
    M = exact.posterior(x).precision_matrix[0]
    assert_close(gap, (0.5 * (M.diagonal().log().sum() - M.logdet())).expand(4))
    assert (gap > 0.2).all()
    gap.sum().backward()  # no direction is downhill any more
    assert_close(torch.cat([mu.grad, logvar.grad]), torch.zeros(8, 2).double(), atol=1e-10, rtol=0)


# --- the VAE on it -------------------------------------------------------------------------------------------


def test_loss_is_the_negative_elbo_on_average():
    exact = linear_gaussian(D=4, Z=2)
    vae, x = as_vae(exact), exact.sample(50, rng())
    eps = torch.randn(4000, 50, 2, dtype=torch.float64)
    with torch.no_grad():
        draws = torch.stack([vae.loss(x, eps=e)["loss"] for e in eps])
    elbo = exact.elbo(x, *exact.best_diagonal(x)).mean()
    assert abs(draws.mean() + elbo) < 4 * draws.std() / math.sqrt(4000)


def test_at_the_true_posterior_every_draw_is_log_prob():
    exact = linear_gaussian(D=4, Z=1)
    vae, x = as_vae(exact), exact.sample(7, rng())
    for k in (1, 3):
        assert_close(vae.log_prob(x, k, rng(k)), exact.log_prob(x), atol=1e-10, rtol=0)


def test_importance_bound_climbs_from_the_elbo_to_log_prob():
    exact = linear_gaussian(D=4, Z=2, sd=0.4)
    vae, x = as_vae(exact), exact.sample(200, rng())
    with torch.no_grad():
        vae.encoder.bias[2:] += 1.0  # q too wide
        mu, logvar = vae.encode(x)
    bound = {k: vae.log_prob(x.repeat(20, 1), k, rng()).mean() for k in (1, 2, 8, 64, 1000)}
    truth = exact.log_prob(x).mean()
    assert abs(bound[1] - exact.elbo(x, mu, logvar).mean()) < 0.1
    climbed = list(bound.values())
    assert all(a + 0.03 < b for a, b in zip(climbed[:-2], climbed[1:-1], strict=True))
    assert truth - 0.02 < bound[1000] < truth + 0.005 and bound[1] < truth - 0.3


def test_log_prob_is_the_log_of_a_mean_of_weights_whatever_the_size_of_its_turns():
    vae, x = image_vae(4, width=16).eval(), grey(8)
    weights = vae._log_weights(x, *vae.encode(x), 40, rng())
    by_hand = [
        math.log(sum(math.exp(w - max(row)) for w in row) / 40) + max(row)
        for row in weights.T.tolist()
    ]
    for rows in (1000, 16):
        assert_close(
            vae.log_prob(x, 40, rng(), rows=rows), torch.tensor(by_hand), rtol=1e-5, atol=0
        )


def test_gradients_pass_the_draw():
    """The reparameterised gradient against finite differences of the closed form."""
    exact = linear_gaussian(D=3, Z=2)
    vae, x = as_vae(exact), exact.sample(1, rng())
    bias = vae.encoder.bias
    eps = torch.randn(20_000, 2, dtype=torch.float64)
    vae.loss(x.expand(20_000, 3), eps=torch.cat([eps, -eps])[:20_000])["loss"].backward()
    mu, logvar = (part.detach() for part in vae.encode(x))
    for j in range(2):
        for part, row in ((mu, j), (logvar, 2 + j)):
            step = torch.zeros(1, 2).double()
            step[0, j] = 1e-5
            up, down = (
                exact.elbo(x, mu + s * step, logvar)
                if part is mu
                else exact.elbo(x, mu, logvar + s * step)
                for s in (1, -1)
            )
            assert bias.grad[row].item() == pytest.approx(-(up - down).item() / 2e-5, abs=0.1)


def test_a_linear_vae_finds_probabilistic_pca_and_its_axes():
    Q, _ = torch.linalg.qr(torch.randn(6, 6, dtype=torch.float64))
    x = torch.randn(2000, 6, generator=rng(), dtype=torch.float64) * torch.tensor(
        [3, 2, 1, 0.5, 0.5, 0.5]
    )
    x = x @ Q.T
    pca = PCA(3, svd_solver="full").fit(x.numpy())
    vae = linear_vae(3, 6, math.sqrt(pca.noise_variance_)).double()
    with torch.no_grad():
        vae.decoder.bias.copy_(x.mean(dim=0))
    optimizer = torch.optim.LBFGS(
        vae.parameters(), max_iter=300, history_size=30, line_search_fn="strong_wolfe"
    )

    def closure():
        optimizer.zero_grad()
        W, b = vae.decoder.weight, vae.decoder.bias
        loss = -LinearGaussian(W, b, vae.likelihood.sd).elbo(x, *vae.encode(x)).mean()
        loss.backward()
        return loss

    optimizer.step(closure)
    elbo = -closure().item()
    assert pca.score(x.numpy()) - 1e-3 < elbo < pca.score(x.numpy()) + 1e-6  # scikit-learn's log p
    W = vae.decoder.weight.detach()
    directions = torch.from_numpy(pca.components_)
    cosines = (directions @ W / W.norm(dim=0)).abs()
    assert principal_angles(W, directions.T).max() < 1
    assert (cosines.max(dim=0).values > 0.99).all()  # not only the span: the axes themselves


# --- likelihoods, and the model on images --------------------------------------------------------------------


@pytest.mark.parametrize("likelihood", [Bernoulli(), Binomial(16), Gaussian(0.3)])
def test_likelihoods_agree_with_torch_distributions(likelihood):
    logits = torch.randn(5, 1, 4, 4)
    reference = {
        Bernoulli: lambda: torch.distributions.Bernoulli(logits=logits),
        Binomial: lambda: torch.distributions.Binomial(16, logits=logits),
        Gaussian: lambda: Normal(logits, 0.3),
    }[type(likelihood)]()
    trials = 16 if isinstance(likelihood, Binomial) else 1
    x = reference.sample() / trials
    assert_close(
        likelihood.nll(logits, x),
        -reference.log_prob(x * trials).flatten(1).sum(dim=1),
        rtol=1e-4,
        atol=1e-4,
    )
    assert_close(likelihood.mean(logits), reference.mean / trials)
    draws = torch.stack([likelihood.sample(logits, r) for r in [rng()] for _ in range(3000)])
    assert_close(draws.mean(dim=0), reference.mean / trials, atol=0.05, rtol=0)
    assert_close(draws.var(dim=0), reference.variance / trials**2, atol=0.03, rtol=0)


def test_loss_is_its_parts_and_beta_weighs_the_divergence():
    vae, x, eps = image_vae(4, width=16, beta=3.0).eval(), grey(9), torch.randn(9, 4)
    terms = vae.loss(x, eps=eps)
    assert set(terms) == {"loss", "recon", "kl"}
    assert_close(terms["loss"], terms["recon"] + 3 * terms["kl"])
    mu, logvar = vae.encode(x)
    z = mu + (0.5 * logvar).exp() * eps
    p = torch.distributions.Binomial(16, logits=vae.decoder(z))
    assert_close(
        terms["recon"], -p.log_prob(16 * x).flatten(1).sum(dim=1).mean(), rtol=1e-4, atol=0
    )
    q, prior = (
        Independent(Normal(mu, (0.5 * logvar).exp()), 1),
        Independent(Normal(torch.zeros(4), torch.ones(4)), 1),
    )
    assert_close(terms["kl"], kl_divergence(q, prior.expand(q.batch_shape)).mean())


def test_samples_are_reproducible_and_come_from_the_prior():
    vae = image_vae(2, width=16).eval()
    assert vae.sample(5, rng(1)).equal(vae.sample(5, rng(1)))
    assert not vae.sample(5, rng(1)).equal(vae.sample(5, rng(2)))
    z = torch.randn(5, 2, generator=rng(1))
    assert_close(vae.sample(5, rng(1)), vae.decoder(z).sigmoid())
    drawn = vae.sample(5, rng(1), pixels=True)
    assert drawn.equal(drawn.mul(16).round() / 16) and not drawn.equal(vae.sample(5, rng(1)))


def test_a_reconstruction_is_decoded_from_the_mean_code():
    vae, x = image_vae(2, width=16).eval(), grey(5)
    mu, _ = vae.encode(x)
    assert torch.equal(vae.reconstruct(x), vae.decode(mu))
    assert torch.equal(vae.reconstruct(x), vae.reconstruct(x))


def test_it_has_the_networks_of_the_autoencoder():
    """Chapter 2's and this chapter's model may differ in the last encoder layer only."""
    ae, vae = image_autoencoder(16), image_vae(16)
    shapes = [[tuple(p.shape) for p in model.parameters()] for model in (ae, vae)]
    differing = [(a, b) for a, b in zip(*shapes, strict=True) if a != b]
    assert differing == [((16, 256), (32, 256)), ((16,), (32,))]


@pytest.mark.parametrize("likelihood", [Bernoulli(), Binomial(3), Gaussian(0.4)])
def test_every_option_reaches_the_networks(likelihood):
    vae = image_vae(3, (2, 4, 6), 5, 2.5, dropout=0.25, likelihood=likelihood)
    encoder = image_encoder((2, 4, 6), 5, 6, norm=True, dropout=0.25)
    decoder = image_decoder(3, 5, (2, 4, 6), norm=True, dropout=0.25)
    assert (str(vae.encoder), str(vae.decoder)) == (str(encoder), str(decoder))
    assert (vae.latent_dim, vae.beta, vae.likelihood) == (3, 2.5, likelihood)
    assert image_vae(3).likelihood == Binomial(16) and image_vae(3).beta == 1
    vae = linear_vae(2, 5, 0.7)
    assert vae.likelihood == Gaussian(0.7) and vae.latent_dim == 2
    assert [tuple(p.shape) for p in vae.parameters()] == [(4, 5), (4,), (5, 2), (5,)]


@pytest.mark.parametrize("likelihood", [Bernoulli(), Binomial(3), Gaussian(0.4)])
def test_the_likelihood_is_asked_by_loss_log_prob_and_both_kinds_of_samples(likelihood):
    vae = image_vae(2, (1, 4, 4), 8, likelihood=likelihood).eval()
    x, eps = torch.randint(0, 2, (6, 1, 4, 4)).float(), torch.randn(6, 2)
    mu, logvar = vae.encode(x)
    z = mu + (logvar / 2).exp() * eps
    nll = likelihood.nll(vae.decoder(z), x)
    assert_close(vae.loss(x, eps=eps)["recon"], nll.mean())
    eps = torch.randn(6, 2, generator=rng(3))
    z = mu + (logvar / 2).exp() * eps
    prior, q = Normal(0.0, 1.0), Normal(mu, (logvar / 2).exp())
    weight = prior.log_prob(z).sum(dim=1) - q.log_prob(z).sum(dim=1)
    expected = weight - likelihood.nll(vae.decoder(z), x)
    assert_close(vae.log_prob(x, 1, rng(3)), expected, rtol=1e-4, atol=1e-4)
    draws = rng(4)
    decoded = vae.decoder(torch.randn(6, 2, generator=draws))
    assert_close(vae.sample(6, rng(4)), likelihood.mean(decoded))
    assert_close(vae.sample(6, rng(4), pixels=True), likelihood.sample(decoded, draws))


def test_learning_lowers_the_bound():
    vae, x = image_vae(4, width=64), digits().x_train
    history = Training(vae, Batches(x), steps=60, lr=3e-3).run()
    assert sum(history["loss"][-10:]) < 0.6 * sum(history["loss"][:10])


@pytest.mark.parametrize(
    "call, message",
    [
        (
            lambda v: v.encode(torch.full((2, 1, 8, 8), 1.5)),
            r"x: expected values in \[0, 1\], got \[1.5, 1.5\]",
        ),
        (
            lambda v: v.decode(torch.zeros(2, 5)),
            r"z: expected shape \(B Z\) with {'Z': 4}, got \(2, 5\)",
        ),
        (lambda v: v.log_prob(grey(2), 0), "k: expected .* at least 1, got 0"),
        (
            lambda v: v.loss(grey(2), eps=torch.zeros(2, 3)),
            r"eps: expected shape \(B Z\).*got \(2, 3\)",
        ),
        (
            lambda v: v.loss(grey(2), eps=torch.zeros(1, 4)),
            r"eps: expected shape \(B Z\).*got \(1, 4\)",
        ),
        (lambda v: v.sample(-1), "n: expected .* at least 0, got -1"),
        (
            lambda v: VAE(v.encoder, v.decoder, 5).encode(grey(2)),
            r"encoder\(x\): expected shape .*got \(2, 8\)",
        ),
        (
            lambda v: VAE(v.encoder, v.decoder, 4, beta=-1),
            "beta: expected a number of at least 0, got -1",
        ),
        (lambda v: Gaussian(0.0), "sd: expected a number above 0, got 0"),
        (lambda v: Binomial(0), "trials: expected .* at least 1, got 0"),
        (
            lambda v: linear_gaussian(3, 2).log_prob(torch.zeros(2, 4)),
            r"x: expected shape \(B D\) with {'D': 3}",
        ),
        (
            lambda v: linear_gaussian(3, 2).elbo(
                torch.zeros(2, 3), torch.zeros(2, 1), torch.zeros(2, 1)
            ),
            "mu: expected",
        ),
        (
            lambda v: LinearGaussian(torch.zeros(3, 2), torch.zeros(2), 1.0),
            r"b: expected shape \(D\) with {'D': 3",
        ),
    ],
)
def test_bad_input_is_named_in_one_line(call, message):
    with pytest.raises(ValueError, match=message) as error:
        call(image_vae(4, width=16).eval())
    assert "\n" not in str(error.value)
