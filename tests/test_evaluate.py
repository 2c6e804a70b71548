"""Every measure against something independent: SciPy, a plain loop, a closed form, or the exact truth."""

import math

import numpy as np
import pytest
import scipy.linalg
import scipy.stats
import torch
from sklearn.metrics.pairwise import polynomial_kernel

from genlib import data, evaluate
from genlib.pretrained import judge


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


# --- samples and features ----------------------------------------------------------------------------------


def test_to_grey_levels_clips_and_rounds_and_leaves_images_alone():
    x = torch.tensor([-0.3, 0.02, 0.04, 0.5, 0.97, 1.4])
    torch.testing.assert_close(evaluate.to_grey_levels(x), torch.tensor([0, 0, 1, 8, 16, 16]) / 16)
    assert torch.equal(evaluate.to_grey_levels(data.digits().x_val), data.digits().x_val)
    torch.testing.assert_close(
        evaluate.to_grey_levels(torch.tensor([0.4]), levels=2), torch.zeros(1)
    )


def test_frechet_distance_equals_scipys_matrix_root():
    a, b = torch.randn(60, 7) @ torch.randn(7, 7), torch.randn(90, 7) @ torch.randn(7, 7) + 1
    A, B = (x.double().numpy() for x in (a, b))
    C_a, C_b = np.cov(A.T), np.cov(B.T)
    root = scipy.linalg.sqrtm(C_a @ C_b).real
    expected = ((A.mean(0) - B.mean(0)) ** 2).sum() + np.trace(C_a + C_b - 2 * root)
    assert evaluate.frechet_distance(a, b) == pytest.approx(expected, rel=1e-8)
    assert evaluate.frechet_distance(a, b) == pytest.approx(
        evaluate.frechet_distance(b, a), rel=1e-9
    )


def test_frechet_distance_of_diagonal_gaussians_has_a_closed_form():
    a = torch.randn(200_000, 2, generator=rng(1)) * torch.tensor([1.0, 3.0])
    b = torch.randn(200_000, 2, generator=rng(2)) * torch.tensor([2.0, 0.5]) + torch.tensor(
        [1.0, -2.0]
    )
    expected = 1 + 4 + (1 - 2) ** 2 + (3 - 0.5) ** 2  # means, then deviations
    assert evaluate.frechet_distance(a, b) == pytest.approx(expected, rel=0.02)


def test_frechet_distance_of_a_set_to_itself_is_zero_even_with_dead_features():
    a = torch.rand(50, 6)
    a[:, 2] = 0  # a feature that never fires: a singular covariance
    assert evaluate.frechet_distance(a, a) == pytest.approx(0, abs=1e-7)
    with pytest.raises(ValueError, match="b: expected shape"):
        evaluate.frechet_distance(a, a[:, :3])
    with pytest.raises(ValueError, match="at least 2 rows"):
        evaluate.frechet_distance(a, a[:1])


def test_kernel_distance_equals_a_plain_loop_and_scikit_learns_kernel():
    a, b = torch.randn(9, 4, generator=rng(1)), 2 * torch.rand(7, 4, generator=rng(2))

    def mean(pairs):
        values = [(1 + sum(u * v for u, v in zip(x, y, strict=True)) / 4) ** 3 for x, y in pairs]
        return sum(values) / len(values)

    rows = [z.double().tolist() for z in (a, b)]
    within = [
        mean([(x, y) for i, x in enumerate(z) for j, y in enumerate(z) if i != j]) for z in rows
    ]
    across = mean([(x, y) for x in rows[0] for y in rows[1]])
    found = evaluate.kernel_distance(a, b)
    assert found == pytest.approx(within[0] + within[1] - 2 * across, rel=1e-9)
    A, B = (z.double().numpy() for z in (a, b))
    of_a, of_b, of_both = (
        polynomial_kernel(u, v, degree=3, coef0=1) for u, v in ((A, A), (B, B), (A, B))
    )
    off = of_a[~np.eye(9, dtype=bool)].mean() + of_b[~np.eye(7, dtype=bool)].mean()
    assert found == pytest.approx(off - 2 * of_both.mean(), rel=1e-9)
    assert found == pytest.approx(evaluate.kernel_distance(b, a), rel=1e-9)


def test_kernel_distance_is_unbiased_where_the_frechet_distance_is_not():
    """Two sets of ten points of one distribution; over many pairs the one averages 0, the other far more."""
    pairs = torch.randn(2, 400, 10, 3, generator=rng(3))
    kernel = [evaluate.kernel_distance(a, b) for a, b in zip(*pairs, strict=True)]
    frechet = [evaluate.frechet_distance(a, b) for a, b in zip(*pairs, strict=True)]
    assert np.mean(kernel) == pytest.approx(0, abs=3 * np.std(kernel) / 20) and min(kernel) < 0
    assert np.mean(frechet) > 0.5
    with pytest.raises(ValueError, match="a, b: expected at least 2 rows each"):
        evaluate.kernel_distance(pairs[0, 0], pairs[1, 0, :1])


def test_frechet_at_infinity_is_the_intercept_of_numpys_line():
    a, b = torch.randn(300, 4, generator=rng(4)), torch.randn(80, 4, generator=rng(5)) + 0.2
    sizes, generator = [30, 60, 150, 300], rng(6)
    values = [
        evaluate.frechet_distance(a[torch.randperm(300, generator=generator)[:n]], b) for n in sizes
    ]
    _, end = np.polyfit(1 / np.array(sizes), values, 1)
    assert evaluate.frechet_at_infinity(a, b, sizes, rng(6)) == pytest.approx(end, rel=1e-6)
    with pytest.raises(ValueError, match="sizes: expected two different sizes at least, got"):
        evaluate.frechet_at_infinity(a, b, [30, 30])
    with pytest.raises(ValueError, match="sizes: expected a number in"):
        evaluate.frechet_at_infinity(a, b, [30, 301])


def test_frechet_at_infinity_takes_the_bias_of_small_sets_away():
    """Samples of N(0, I) against a large reference of N(1, I): the distance is the number of dimensions."""
    reference = torch.randn(100_000, 10, generator=rng(7)) + 1
    pools = torch.randn(40, 120, 10, generator=rng(8))
    plain = np.mean([evaluate.frechet_distance(pool, reference) for pool in pools])
    sizes = [30, 40, 60, 80, 120]
    line = np.mean(
        [
            evaluate.frechet_at_infinity(pool, reference, sizes, rng(k))
            for k, pool in enumerate(pools)
        ]
    )
    assert plain > 10.3 and abs(line - 10) < 0.4 * (plain - 10)


def test_two_sample_accuracy_is_chance_for_one_distribution_and_1_for_two_far_apart():
    a, b = torch.randn(2, 1000, 5, generator=rng(9))
    assert evaluate.two_sample_accuracy(a, b, rng()) == pytest.approx(0.5, abs=0.05)
    assert evaluate.two_sample_accuracy(a, b + 9, rng()) == 1
    assert evaluate.two_sample_accuracy(a, b, rng()) == evaluate.two_sample_accuracy(a, b, rng())
    with pytest.raises(ValueError, match="b: expected shape"):
        evaluate.two_sample_accuracy(a, b[:500])
    with pytest.raises(ValueError, match="a, b: expected at least 4 rows each, got 3"):
        evaluate.two_sample_accuracy(a[:3], b[:3])


def test_two_sample_accuracy_comes_near_that_of_the_best_rule():
    """N(-1, 1) against N(1, 1): no rule is right more often than Phi(1), and a threshold is."""
    a, b = torch.randn(2, 3000, 1, generator=rng(10))
    best = scipy.stats.norm.cdf(1)
    found = evaluate.two_sample_accuracy(a - 1, b + 1, rng())
    assert best - 0.1 < found < best + 0.02


def test_two_sample_accuracy_asks_about_rows_that_it_has_not_learned():
    """Rows of chance: a forest knows those it has learned by heart, and guesses the others."""
    a, b = torch.rand(2, 300, 3, generator=rng(11))
    assert evaluate.two_sample_accuracy(a, b, rng(1)) < 0.62


def precision_by_loops(real, fake, k):
    hits = 0
    for f in fake:
        for r in real:
            radius = sorted((r - other).norm().item() for other in real)[k]
            if (f - r).norm().item() <= radius:
                hits += 1
                break
    return hits / len(fake)


def test_precision_and_recall_equal_plain_loops():
    real, fake = torch.randn(30, 3), 0.7 * torch.randn(30, 3) + 0.8
    precision, recall = evaluate.precision_recall(real, fake, k=2)
    assert precision == pytest.approx(precision_by_loops(real, fake, 2))
    assert recall == pytest.approx(precision_by_loops(fake, real, 2))
    assert precision != recall


def test_precision_sees_bad_samples_and_recall_sees_missing_ones():
    real = torch.cat([torch.randn(50, 2), torch.randn(50, 2) + 20])
    assert evaluate.precision_recall(real, real) == (1, 1)
    collapsed = torch.randn(100, 2)
    precision, recall = evaluate.precision_recall(real, collapsed)
    assert precision > 0.9 and 0.3 < recall <= 0.55
    assert evaluate.precision_recall(real, collapsed + 1000) == (0, 0)
    with pytest.raises(ValueError, match="fake: expected shape"):
        evaluate.precision_recall(real, real[:50])
    with pytest.raises(ValueError, match="k: expected fewer"):
        evaluate.precision_recall(real[:5], real[:5], k=5)


def test_class_histogram_tv_by_hand():
    y_real, y_fake = torch.tensor([0, 0, 1, 2]), torch.tensor([0, 1, 1, 1, 1, 1, 1, 3])
    # shares: 1/2 1/4 1/4 0 against 1/8 6/8 0 1/8
    assert evaluate.class_histogram_tv(y_fake, y_real, classes=4) == pytest.approx(
        0.5 * (3 + 4 + 2 + 1) / 8
    )
    assert evaluate.class_histogram_tv(y_real, y_real) == 0


def test_nearest_training_ratio_tells_copies_from_news():
    train, test, new = (torch.rand(200, 1, 4, 4, generator=rng(i)) for i in range(3))
    assert evaluate.nearest_training_ratio(train[:50], train, test) == 0
    assert evaluate.nearest_training_ratio(new, train, test) == pytest.approx(1, abs=0.05)
    near = train + 0.01 * torch.randn(train.shape)
    assert evaluate.nearest_training_ratio(near, train, test) < 0.2
    distances = [min((t - u).norm().item() for u in train) for t in test]
    others = [min((t - u).norm().item() for u in train) for t in new]
    expected = sorted(others)[99] / sorted(distances)[99]  # torch's median is the lower one
    assert evaluate.nearest_training_ratio(new, train, test) == pytest.approx(expected, rel=1e-4)


def test_the_fast_search_in_a_large_set_finds_the_nearest():
    train = torch.rand(3000, 200, generator=rng(0))
    x = torch.cat([torch.rand(150, 200, generator=rng(1)), train[:5], train[:5] + 1e-4])
    exact = torch.cdist(x.double(), train.double()).amin(dim=1)
    for few in (10, 5000):
        found = evaluate._nearest(x, train, few)
        torch.testing.assert_close(found.double(), exact, atol=1e-5, rtol=1e-5)
    assert (evaluate._nearest(x, train, 10)[150:155] == 0).all()


# --- digits ------------------------------------------------------------------------------------------------


def test_score_digits_puts_each_measure_in_its_place():
    d, model = data.digits(), judge("digits")
    x, y = d.x_train[:600], d.y_train[:600]
    row = evaluate.score_digits(x, y=y)
    features, reference = model.features(x), model.features(d.x_test)
    assert row["n"] == 600
    assert row["frechet"] == evaluate.frechet_distance(features, reference)
    for seed, found in ((0, row), (7, evaluate.score_digits(x, rng=rng(7)))):
        some = torch.randperm(600, generator=rng(seed))[:500]
        expected = evaluate.precision_recall(reference, features[some])
        assert (found["precision"], found["recall"]) == expected
    y_judge = (model.predict(x), model.predict(d.x_test))
    assert row["class_tv"] == evaluate.class_histogram_tv(*y_judge)
    assert row["nearest_ratio"] == 0  # these are training images
    assert row["label_accuracy"] == (model.predict(x) == y).double().mean()
    assert "label_accuracy" not in evaluate.score_digits(x)


def test_score_digits_ranks_real_over_blurred_over_noise():
    d = data.digits()
    blurred = evaluate.to_grey_levels(torch.nn.functional.avg_pool2d(d.x_train, 3, 1, 1))
    noise = evaluate.to_grey_levels(torch.rand(1000, 1, 8, 8))
    real, blurred, noise = (evaluate.score_digits(x) for x in (d.x_train, blurred, noise))
    assert 3 * real["frechet"] < blurred["frechet"] < noise["frechet"]
    assert real["recall"] > 0.8 > noise["recall"] and real["class_tv"] < 0.1 < noise["class_tv"]


def test_the_floor_of_the_digits():
    floor = evaluate.digits_floor()
    assert floor["frechet"] < 0.5 and floor["precision"] > 0.9 and floor["recall"] > 0.85
    assert floor["nearest_ratio"] == pytest.approx(1, abs=0.05)
    assert evaluate.digits_floor(1)["recall"] != floor["recall"]


def test_the_floor_is_the_score_of_the_training_images_and_the_ratio_of_new_ones():
    d = data.digits()
    expected = evaluate.score_digits(d.x_train, y=d.y_train, rng=rng(3))
    assert evaluate.digits_floor(3).items() >= (expected.items() - {("nearest_ratio", 0.0)})

    def nearest(x):
        distances = torch.cdist(x.flatten(1).double(), d.x_train.flatten(1).double())
        return distances.amin(dim=1).median().item()

    ratio = nearest(d.x_val) / nearest(d.x_test)
    assert abs(ratio - 1) > 1e-3  # which of the two is on top can be told
    assert evaluate.digits_floor(3)["nearest_ratio"] == pytest.approx(ratio, rel=1e-5)


# --- any image set -------------------------------------------------------------------------------------------


def own_pictures(n, seed, size=12):
    """Squares of one colour at random places: a small image set without a judge."""
    generator = rng(seed)
    x = torch.ones(n, 3, size, size)
    for image in x:
        i, j = torch.randint(size - 4, (2,), generator=generator).tolist()
        image[:, i : i + 4, j : j + 4] = torch.rand(3, 1, 1, generator=generator)
    return (x * 255).round() / 255


def own_set(n=60):
    x, y = own_pictures(n, 0), torch.zeros(n, dtype=torch.long)
    a, b = n * 8 // 10, n * 9 // 10
    parts = (x[:a], y[:a], x[a:b], y[a:b], x[b:], y[b:])
    return data.ImageSet("squares", *parts), x


def test_few_images_are_compared_with_those_held_back_by_their_mean_colours():
    images, _ = own_set()
    held = torch.cat([images.x_val, images.x_test])
    x = own_pictures(40, 1)
    row = evaluate.score_images(x, images, None)

    def colours(x):  # 12 x 12 pixels in 4 x 4 parts of 3 x 3
        return x.reshape(len(x), 3, 4, 3, 4, 3).mean(dim=(3, 5)).flatten(1)

    assert row["frechet"] == pytest.approx(
        evaluate.frechet_distance(colours(x), colours(held)), rel=1e-4
    )
    some = torch.randperm(40, generator=rng(0))[:12]
    expected = evaluate.precision_recall(colours(held), colours(x)[some])
    assert (row["precision"], row["recall"]) == pytest.approx(expected)
    assert "class_tv" not in row and row["n"] == 40
    noise = evaluate.to_grey_levels(torch.rand(40, 3, 12, 12), 256)
    assert evaluate.score_images(noise, images, None)["frechet"] > 3 * row["frechet"]


def test_where_hardly_any_are_held_back_all_are_the_reference():
    images, every = own_set(40)  # 4 and 4
    assert torch.equal(evaluate._reference(images), every)
    assert evaluate.images_floor(images, None, 30)["n"] == 30


def test_of_a_large_set_some_are_looked_at_for_copies():
    d, n = data.digits(), 11
    large = data.ImageSet(
        "large",
        *(t.repeat(n, *[1] * (t.dim() - 1)) for t in (d.x_train, d.y_train)),
        d.x_val,
        d.y_val,
        d.x_test.repeat(2, 1, 1, 1),
        d.y_test.repeat(2),
        levels=17,
    )
    x = torch.cat([d.x_train[:300], d.x_val])  # about half are copies
    some = torch.randperm(len(x), generator=rng(0))[:500]
    expected = evaluate.nearest_training_ratio(x[some], d.x_train, d.x_test)
    row = evaluate.score_images(x, large, judge("digits"))
    assert row["nearest_ratio"] == pytest.approx(expected, rel=1e-6)
    assert row["frechet"] == pytest.approx(
        evaluate.frechet_distance(
            judge("digits").features(x), judge("digits").features(large.x_test)
        ),
        rel=1e-6,
    )


def test_the_floor_of_any_set_is_what_its_training_images_score():
    images, _ = own_set()
    floor = evaluate.images_floor(images, None, 30)
    score = evaluate.score_images(images.x_train[:30], images, None)
    assert floor["frechet"] == score["frechet"] and score["nearest_ratio"] == 0
    assert 0.5 < floor["nearest_ratio"] < 2
    assert evaluate.images_floor(data.digits(), judge("digits"), 1000) == evaluate.digits_floor()


def test_grey_levels_may_be_rounded_otherwise():
    """A graphics card multiplies by the reciprocal of 255: one step of float32 away."""
    images, _ = own_set()
    x = own_pictures(20, 1)
    again = (x * 255).round() * torch.tensor(1 / 255)
    assert not torch.equal(x, again), "here the two ways differ"
    found = evaluate.score_images(again, images, None)
    assert found == pytest.approx(evaluate.score_images(x, images, None), rel=1e-4, abs=1e-4)


def test_score_images_says_what_is_wrong():
    images, _ = own_set()
    x = own_pictures(20, 1)
    with pytest.raises(ValueError, match="x: expected shape .*B 3 12 12"):
        evaluate.score_images(x[:, :1], images, None)
    with pytest.raises(ValueError, match="x: expected grey levels k/255"):
        evaluate.score_images(0.999 * x, images, None)
    with pytest.raises(ValueError, match="x: expected at least 6 samples, got 5"):
        evaluate.score_images(x[:5], images, None)
    with pytest.raises(ValueError, match="y: expected none, since no judge"):
        evaluate.score_images(x, images, None, torch.zeros(20, dtype=torch.long))


def test_score_digits_says_what_is_wrong():
    x = data.digits().x_train
    with pytest.raises(ValueError, match="x: expected at least 500 samples"):
        evaluate.score_digits(x[:499])
    with pytest.raises(ValueError, match="x: expected grey levels k/16"):
        evaluate.score_digits(0.99 * x)
    with pytest.raises(ValueError, match="x: expected values in"):
        evaluate.score_digits(2 * x - 1)
    with pytest.raises(TypeError, match="y: expected a torch.Tensor or None, got a Generator"):
        evaluate.score_digits(x, rng())


# --- the plane ---------------------------------------------------------------------------------------------


def test_mode_scores_of_the_truth_are_the_exact_ones():
    for density in (data.ring(), data.grid()):
        scores = evaluate.mode_scores(density.sample(100_000, rng()), density)
        assert scores["modes"] == len(density.means)
        assert scores["high_quality"] == pytest.approx(1 - math.exp(-4.5), abs=0.001)
        exact = math.sqrt(
            1 - 4.5 * math.exp(-4.5) / (1 - math.exp(-4.5))
        )  # of a Gaussian cut off at 3 sd
        assert scores["spread"] == pytest.approx(exact, abs=0.005)
        entropy = math.log(len(density.means)) + math.log(2 * math.pi * math.e * density.sd**2)
        assert scores["mean_log_prob"] == pytest.approx(-entropy, abs=0.02)


def test_mode_scores_count_by_hand():
    ring = data.ring()
    x = torch.cat(
        [ring.means[:1].repeat(20, 1), ring.means[1:2].repeat(19, 1), torch.full((61, 2), 9.0)]
    )
    scores = evaluate.mode_scores(x, ring)
    assert scores["modes"] == 1  # the second has 19 points, one too few
    assert scores["high_quality"] == pytest.approx(0.39)
    assert scores["spread"] == pytest.approx(0, abs=1e-4)
    at_mode = -math.log(8) - math.log(2 * math.pi * 0.01**2)
    assert scores["mean_log_prob"] == pytest.approx(0.39 * at_mode - 0.61 * 50, abs=1e-3)


def test_inside_fraction():
    board = data.checkerboard()
    x = torch.tensor([[0.5, 0.5], [0.5, 1.5], [-1.5, 0.5], [9.0, 9.0]])
    assert evaluate.inside_fraction(x, board) == 0.5


@pytest.mark.parametrize("widths", [(0.1, 0.3, 1.0), (0.5,)])
def test_mmd_equals_a_plain_loop(widths):
    x, y = torch.randn(12, 2).double(), 2 * torch.randn(15, 2).double() + 1
    scale = y.std()

    def kernel(a, b):
        squared = ((a - b) / scale).square().sum()
        return sum(math.exp(-squared / (2 * w * w)) for w in widths) / len(widths)

    def mean(pairs):
        values = [kernel(a, b) for a, b in pairs]
        return sum(values) / len(values)

    within = [
        mean([(a, b) for i, a in enumerate(z) for j, b in enumerate(z) if i != j]) for z in (x, y)
    ]
    across = mean([(a, b) for a in x for b in y])
    expected = within[0] + within[1] - 2 * across
    assert evaluate.mmd(x, y, widths) == pytest.approx(expected, abs=1e-10)
    if len(widths) == 3:
        assert evaluate.mmd(x, y) == evaluate.mmd(x, y, widths)  # those of the book


def test_mmd_is_unbiased_and_sees_a_shift():
    same = [evaluate.mmd(torch.randn(100, 2), torch.randn(100, 2)) for _ in range(60)]
    assert np.mean(same) == pytest.approx(0, abs=3 * np.std(same) / math.sqrt(60)) and min(same) < 0
    assert evaluate.mmd(torch.randn(100, 2) + 1, torch.randn(100, 2)) > 5 * max(same)


def test_sliced_wasserstein_equals_scipy_direction_by_direction():
    x, y = torch.randn(80, 2), 0.5 * torch.randn(80, 2) + 1
    w = torch.randn(2, 256, generator=rng())
    w = w / w.norm(dim=0)
    expected = np.mean([scipy.stats.wasserstein_distance(x @ v, y @ v) for v in w.T])
    assert evaluate.sliced_wasserstein(x, y) == pytest.approx(expected, rel=1e-5)
    assert evaluate.sliced_wasserstein(x, x.flip(0)) == pytest.approx(0, abs=1e-6)


def test_score_points_and_its_floor():
    keys = {"mmd", "sliced_wasserstein"}
    assert set(evaluate.points_floor(data.moons(), 300, rng())) == keys | {"mean_log_prob"}
    assert set(evaluate.points_floor(data.checkerboard(), 300, rng())) == keys | {"inside"}
    floor = evaluate.points_floor(data.ring(), 1000, rng())
    assert floor["modes"] == 8 and abs(floor["mmd"]) < 0.003 and floor["sliced_wasserstein"] < 0.1
    blurred = data.ring().noised(1, 0.3).sample(1000, rng(3))
    worse = evaluate.score_points(blurred, data.ring(), rng())
    assert worse["high_quality"] < 0.1 and worse["mmd"] > 5 * abs(floor["mmd"])


@pytest.mark.parametrize("name", ["moons", "spiral"])
def test_lost_points_count_with_a_log_prob_of_minus_50_each(name):
    density = getattr(data, name)()
    x = torch.cat([density.sample(30, rng()), torch.full((10, 2), 100.0)])
    scores = evaluate.score_points(x, density, rng(1))
    expected = (density.log_prob(x[:30]).sum().item() - 10 * 50) / 40
    assert scores["mean_log_prob"] == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("name", ["ring", "moons", "checkerboard"])
def test_points_meet_as_many_true_points_drawn_under_the_rng(name):
    density = getattr(data, name)()
    x = density.sample(200, rng(1))
    scores, truth = evaluate.score_points(x, density, rng(2)), density.sample(200, rng(2))
    assert scores["mmd"] == evaluate.mmd(x, truth)
    assert scores["sliced_wasserstein"] == evaluate.sliced_wasserstein(x, truth)
    if name == "ring":
        assert scores.items() >= evaluate.mode_scores(x, density).items()
    random = rng(4)
    floor = evaluate.score_points(density.sample(300, random), density, random)
    assert evaluate.points_floor(density, 300, rng(4)) == floor
