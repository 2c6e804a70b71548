"""The densities against quadrature and torch.distributions; the loader against fabricated, broken and absent files."""

import functools
import gzip
import hashlib
import http.server
import math
import os
import threading
from pathlib import Path

import pooch
import pytest
import torch
from torch.distributions import Categorical, Independent, MixtureSameFamily, Normal

from genlib import data
from genlib.data import download
from genlib.data import images as image_sets

MIXTURES = {"ring": data.ring, "grid": data.grid, "moons": data.moons, "spiral": data.spiral}


def rng(seed=0):
    return torch.Generator().manual_seed(seed)


def same_by_torch(mixture):
    weights = Categorical(torch.ones(len(mixture.means)))
    sd = torch.full_like(mixture.means, mixture.sd)
    return MixtureSameFamily(weights, Independent(Normal(mixture.means, sd), 1))


@pytest.mark.parametrize("make", MIXTURES.values(), ids=MIXTURES)
def test_log_prob_equals_torch_distributions(make):
    mixture = make()
    x = torch.cat([mixture.sample(200, rng()), torch.randn(50, 2)])
    torch.testing.assert_close(
        mixture.log_prob(x), same_by_torch(mixture).log_prob(x), rtol=1e-4, atol=1e-3
    )


def test_the_ring_and_the_grid_are_as_declared():
    ring, grid = data.ring(), data.grid()
    assert (len(ring.means), ring.sd) == (8, 0.01)
    torch.testing.assert_close(ring.means.norm(dim=1), torch.ones(8))
    assert (len(grid.means), grid.sd) == (25, 0.05)
    assert sorted(set(grid.means.flatten().tolist())) == [-4, -2, 0, 2, 4]
    assert ring.separated and grid.separated and not data.moons().separated


def test_the_ring_integrates_to_one_around_a_mode():
    ring = data.ring()
    line = torch.linspace(
        -0.08, 0.08, 65, dtype=torch.float64
    )  # 8 sd on either side, 4 cells per sd
    total = sum(
        ring.log_prob(torch.cartesian_prod(line, line) + mean).exp().sum() for mean in ring.means
    )
    assert (total * (line[1] - line[0]) ** 2).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("name", ["moons", "spiral", "checkerboard"])
def test_densities_integrate_to_one(name):
    line = torch.linspace(-3, 3, 151, dtype=torch.float64)[:-1] + 0.02  # midpoints of cells of 0.04
    p = getattr(data, name)().log_prob(torch.cartesian_prod(line, line)).exp()
    assert (p.sum() * 0.04**2).item() == pytest.approx(1, abs=1e-4)


@pytest.mark.parametrize("make", MIXTURES.values(), ids=MIXTURES)
def test_score_is_the_gradient_of_log_prob(make):
    mixture = make()
    x = (mixture.sample(100, rng()).double() + 0.02 * torch.randn(100, 2)).requires_grad_()
    (gradient,) = torch.autograd.grad(mixture.log_prob(x).sum(), x)
    torch.testing.assert_close(mixture.score(x), gradient, rtol=1e-6, atol=1e-6)


def test_noised_is_the_density_of_scaled_and_noised_samples():
    grid, scale, sigma = data.grid(), 0.6, 0.8
    noised = grid.noised(scale, sigma)
    x = scale * grid.sample(200_000, rng(1)) + sigma * torch.randn(200_000, 2, generator=rng(2))
    torch.testing.assert_close(x.mean(dim=0), noised.means.mean(dim=0), atol=0.02, rtol=0)
    variance = scale**2 * (8 + 0.05**2) + sigma**2  # the grid's places -4..4 have variance 8
    torch.testing.assert_close(x.var(dim=0), torch.full((2,), variance), rtol=0.01, atol=0)
    direct = MixtureSameFamily(
        Categorical(torch.ones(25)),
        Independent(Normal(scale * grid.means, math.sqrt((scale * 0.05) ** 2 + sigma**2)), 1),
    )
    torch.testing.assert_close(
        noised.log_prob(x[:100]), direct.log_prob(x[:100]), rtol=1e-4, atol=1e-4
    )


@pytest.mark.parametrize("name", [*MIXTURES, "checkerboard"])
def test_samples_follow_the_seed(name):
    density = getattr(data, name)()
    x = density.sample(100, rng())
    assert x.shape == (100, 2)
    assert torch.equal(x, density.sample(100, rng())) and not torch.equal(
        x, density.sample(100, rng(1))
    )


@pytest.mark.parametrize("make", MIXTURES.values(), ids=MIXTURES)
def test_samples_have_the_moments_and_the_entropy_of_the_mixture(make):
    mixture, reference = make(), same_by_torch(make())
    x = mixture.sample(20_000, rng())
    torch.testing.assert_close(x.mean(dim=0), reference.mean, atol=0.08, rtol=0)
    torch.testing.assert_close(x.var(dim=0), reference.variance, rtol=0.04, atol=0)
    entropy = reference.log_prob(reference.sample((20_000,))).mean()
    torch.testing.assert_close(mixture.log_prob(x).mean(), entropy, atol=0.04, rtol=0)


def test_checkerboard_samples_fill_every_square_evenly():
    squares, count = (
        data.checkerboard().sample(16_000, rng()).floor().unique(dim=0, return_counts=True)
    )
    assert len(squares) == 8 and count.min() > 1800 and count.max() < 2200


def test_checkerboard_has_edges():
    board = data.checkerboard()
    x = torch.tensor([[0.5, 0.5], [0.5, 1.5], [-1.5, 0.5], [1.5, 1.5], [2.5, 0.5], [0.5, -2.5]])
    assert board.inside(x).tolist() == [True, False, True, True, False, False]
    torch.testing.assert_close(board.log_prob(x).exp(), board.inside(x) / 8)
    assert board.inside(board.sample(5000, rng())).all()


def test_densities_say_what_is_wrong():
    with pytest.raises(ValueError, match=r"x: expected shape \(n 2\), got \(5, 3\)"):
        data.ring().log_prob(torch.zeros(5, 3))
    with pytest.raises(ValueError, match="sd: expected a number above 0"):
        data.Mixture(torch.zeros(3, 2), 0)


# --- images ------------------------------------------------------------------------------------------------


def test_digits_are_split_and_scaled_as_declared():
    d = data.digits()
    for x, y, n in [
        (d.x_train, d.y_train, 1000),
        (d.x_val, d.y_val, 297),
        (d.x_test, d.y_test, 500),
    ]:
        assert x.shape == (n, 1, 8, 8) and x.dtype == torch.float32
        assert y.shape == (n,) and y.dtype == torch.int64 and y.bincount().min() > 0
    x = torch.cat([d.x_train, d.x_val, d.x_test])
    assert x.min() == 0 and x.max() == 1 and torch.equal(16 * x, (16 * x).round())
    assert len(x.flatten(1).unique(dim=0)) == 1797  # no image twice, none lost
    assert torch.equal(d.x_test, data.digits().x_test)
    assert "1,000 train" in repr(d)


def test_image_sets_are_looked_up_by_name():
    assert data.image_set("digits").name == "digits"
    with pytest.raises(
        (TypeError, ValueError),
        match="name: expected one of digits, mnist, fashion_mnist, shapes, shapes_32, got .*'cats'",
    ):
        data.image_set("cats")


def test_dequantise_fills_each_cell_and_quantise_undoes_it():
    x = data.digits().x_train
    u = data.dequantise(x, rng())
    assert u.min() >= 0 and u.max() < 1
    torch.testing.assert_close(data.quantise(u), x, rtol=0, atol=0)
    assert torch.equal(u, data.dequantise(x, rng()))
    within = (17 * u) % 1  # uniform within its cell
    assert within.mean().item() == pytest.approx(0.5, abs=0.01)
    assert within.var().item() == pytest.approx(1 / 12, abs=0.002)
    with pytest.raises(ValueError, match="x: expected values in"):
        data.dequantise(2 * x)
    x = torch.randint(0, 5, (40, 3)) / 4
    u = data.dequantise(x, rng(), levels=5)
    assert torch.equal((5 * u).floor() / 4, x) and torch.equal(data.quantise(u, 5), x)
    with pytest.raises(
        ValueError, match="x: expected 17 even levels from 0 to 1, got 0.1 in between"
    ):
        data.dequantise(torch.tensor([0.0, 0.1]))


# --- the loader --------------------------------------------------------------------------------------------


def idx(array):
    header = bytes([0, 0, 8, array.dim()]) + b"".join(
        size.to_bytes(4, "big") for size in array.shape
    )
    return header + array.numpy().tobytes()


def write_set(folder, name, monkeypatch):
    """Four tiny IDX files of a set in a folder laid out like GENLIB_DATA, and genlib told to expect them."""
    arrays = [
        torch.randint(256, shape).byte() for shape in [(12, 28, 28), (12,), (4, 28, 28), (4,)]
    ]
    (folder / name).mkdir(parents=True)
    for file, array in zip(download.FILES, arrays, strict=True):
        (folder / name / f"{file}.gz").write_bytes(gzip.compress(idx(array)))
    md5 = tuple(hashlib.md5(idx(a)).hexdigest() for a in arrays)
    monkeypatch.setitem(download.MD5, name, md5)
    return arrays


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    """A folder with a tiny MNIST, and what is in it; nothing is at hand but that."""
    arrays = write_set(tmp_path / "sets", "mnist", monkeypatch)
    monkeypatch.setattr(image_sets, "N_VAL", 5)
    monkeypatch.setattr(pooch, "os_cache", lambda name: tmp_path / "cache")
    monkeypatch.delenv("GENLIB_DATA", raising=False)
    monkeypatch.setenv("GENLIB_STATIC", "1")
    return tmp_path / "sets" / "mnist", arrays


@pytest.fixture
def server(tiny):
    """The folder of `tiny` behind an address of this machine."""

    class Silent(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *args):
            pass

    handler = functools.partial(Silent, directory=tiny[0])
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        yield f"http://127.0.0.1:{running.server_port}"
        running.shutdown()


def check_tiny(arrays, load=data.mnist):
    d = load()
    assert len(d.x_train) == 7 and len(d.x_val) == 5 and len(d.x_test) == 4
    assert d.x_train.shape[1:] == (1, 28, 28) and d.x_train.dtype == torch.float32
    torch.testing.assert_close(torch.cat([d.x_train, d.x_val])[:, 0], arrays[0] / 255)
    assert torch.cat([d.y_train, d.y_val]).tolist() == arrays[1].tolist()
    assert d.y_test.tolist() == arrays[3].tolist() and d.y_test.dtype == torch.int64
    torch.testing.assert_close(d.x_test[:, 0], arrays[2] / 255)


def test_reads_the_folder_that_genlib_data_names(tiny, monkeypatch):
    folder, arrays = tiny
    monkeypatch.setenv("GENLIB_DATA", str(folder.parent))
    monkeypatch.setitem(download.MIRRORS, "mnist", ("http://127.0.0.1:9",))  # never asked
    check_tiny(arrays)


def test_each_set_is_read_from_its_own_folder(tiny, monkeypatch):
    folder, arrays = tiny
    others = write_set(folder.parent, "fashion-mnist", monkeypatch)
    assert not torch.equal(others[0], arrays[0])
    monkeypatch.setenv("GENLIB_DATA", str(folder.parent))
    for load in (data.fashion_mnist, lambda: data.image_set("fashion_mnist")):
        check_tiny(others, load)
    for load in (data.mnist, lambda: data.image_set("mnist")):
        check_tiny(arrays, load)
    assert (data.mnist().name, data.fashion_mnist().name) == ("mnist", "fashion_mnist")


def test_a_broken_file_in_the_folder_is_named(tiny, monkeypatch):
    folder, _ = tiny
    monkeypatch.setenv("GENLIB_DATA", str(folder.parent))
    path = folder / f"{download.FILES[0]}.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    with pytest.raises(
        ValueError, match="train-images-idx3-ubyte.gz: expected a complete .gz file, got EOFError"
    ):
        data.mnist()
    path.write_bytes(gzip.compress(idx(torch.zeros(12, 28, 28).byte())))
    with pytest.raises(
        ValueError, match="train-images-idx3-ubyte.gz: expected md5 .* after decompression"
    ):
        data.mnist()
    path.unlink()
    with pytest.raises(ValueError, match=f"GENLIB_DATA: expected a folder with mnist/{path.name}"):
        data.mnist()


def test_a_wrong_genlib_data_is_named(tiny, monkeypatch, tmp_path):
    folder, arrays = tiny
    (tmp_path / "a file").touch()
    (tmp_path / "no sets").mkdir()
    for name, why in {
        "nowhere": "there is no folder .*nowhere",
        "a file": "there is no folder .*a file",
        "no sets": "there is no folder .*no sets.mnist",
        "sets/mnist": "there is no folder .*sets.mnist.mnist",
    }.items():
        monkeypatch.setenv("GENLIB_DATA", str(tmp_path / name))
        expected = f"^GENLIB_DATA: expected a folder with mnist/{download.FILES[0]}.gz in it, got "
        with pytest.raises(ValueError, match=f"{expected}.*{name}' .{why}.$"):
            data.mnist()
    monkeypatch.setenv("HOME", str(folder.parent.parent))
    monkeypatch.setenv("USERPROFILE", str(folder.parent.parent))
    monkeypatch.setenv("GENLIB_DATA", "~/sets")
    check_tiny(arrays)


def test_downloads_from_the_next_mirror_and_then_from_the_cache(tiny, server, monkeypatch):
    folder, arrays = tiny
    monkeypatch.setitem(
        download.MIRRORS, "mnist", ("http://127.0.0.1:9", f"{server}/absent", server)
    )
    check_tiny(arrays)
    monkeypatch.setitem(download.MIRRORS, "mnist", ())
    check_tiny(arrays)


def test_a_bad_download_does_not_stay_and_one_error_says_what_to_do(
    tiny, server, monkeypatch, tmp_path
):
    folder, arrays = tiny
    good = {path.name: path.read_bytes() for path in folder.iterdir()}
    for path in folder.iterdir():
        path.write_bytes(good[path.name][:30])
    monkeypatch.setitem(download.MIRRORS, "mnist", (server, "http://127.0.0.1:9"))
    with pytest.raises(
        ValueError, match="(?s)mnist: could not load train-images.*GENLIB_DATA=FOLDER.*digits"
    ):
        data.mnist()
    assert [p for p in (tmp_path / "cache").rglob("*") if p.is_file()] == []
    for name, content in good.items():  # the mirror recovers: so do we
        (folder / name).write_bytes(content)
    check_tiny(arrays)


def test_a_broken_cache_heals(tiny, server, monkeypatch, tmp_path):
    folder, arrays = tiny
    monkeypatch.setitem(download.MIRRORS, "mnist", (server,))
    check_tiny(arrays)
    for path in (tmp_path / "cache" / "mnist").iterdir():
        path.write_bytes(path.read_bytes()[:50])
    check_tiny(arrays)


def everything_in(folder):
    return {
        p.relative_to(folder): p.read_bytes() if p.is_file() else "folder"
        for p in folder.rglob("*")
    }


def read_only(place, monkeypatch):
    """Nothing below a place can be made, moved or taken away, as root may do with every mode of a folder."""
    for name in ("mkdir", "unlink", "rename", "replace"):
        real = getattr(os, name)

        def refuses(path, *args, real=real, **kwargs):
            if str(path).startswith(str(place)):
                raise PermissionError(13, "Permission denied", str(path))
            return real(path, *args, **kwargs)

        monkeypatch.setattr(os, name, refuses)


def damaged(cache, monkeypatch):
    (cache / "mnist").mkdir(parents=True)
    for file in download.FILES:
        (cache / "mnist" / f"{file}.gz").write_bytes(b"not what it should be")


def damaged_and_read_only(cache, monkeypatch):
    damaged(cache, monkeypatch)
    read_only(cache, monkeypatch)


def empty_and_read_only(cache, monkeypatch):
    cache.mkdir()
    read_only(cache, monkeypatch)


def no_home(cache, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda name: Path(os.devnull, ".cache", name))


def a_home_of_no_place(cache, monkeypatch):
    monkeypatch.setattr(pooch, "os_cache", lambda name: Path("~/.cache") / name)


def folders_for_files(cache, monkeypatch):
    for file in download.FILES:
        (cache / "mnist" / f"{file}.gz" / "in it").mkdir(parents=True)


def a_file_for_the_cache(cache, monkeypatch):
    cache.write_bytes(b"a file")


def a_file_for_the_set(cache, monkeypatch):
    cache.mkdir()
    (cache / "mnist").write_bytes(b"a file")


def a_full_disk(cache, monkeypatch):
    real = Path.write_bytes

    def half(path, content):
        real(path, content[: len(content) // 2])
        raise OSError(28, "No space left on device", str(path))

    cache.joinpath("mnist").mkdir(parents=True)
    monkeypatch.setattr(Path, "write_bytes", half)


CACHES = [
    damaged_and_read_only,
    empty_and_read_only,
    no_home,
    a_home_of_no_place,
    folders_for_files,
    a_file_for_the_cache,
    a_file_for_the_set,
    a_full_disk,
]


@pytest.mark.parametrize("trouble", CACHES, ids=lambda f: f.__name__)
def test_a_cache_that_cannot_be_used_stops_nobody(trouble, tiny, server, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)
    trouble(tmp_path / "cache", monkeypatch)
    before = everything_in(tmp_path)
    monkeypatch.setitem(download.MIRRORS, "mnist", ("http://127.0.0.1:9", server))
    with pytest.warns(UserWarning, match="the cache .* cannot be written .*: the download is not"):
        check_tiny(tiny[1])
    assert everything_in(tmp_path) == before
    monkeypatch.setitem(download.MIRRORS, "mnist", ("http://127.0.0.1:9", f"{server}/absent"))
    with pytest.raises(ValueError, match="(?s)^mnist: could not load .*Tried:(\n  [^\n]+){3}$"):
        data.mnist()
    assert everything_in(tmp_path) == before


def test_a_damaged_file_goes_even_without_a_network(tiny, monkeypatch, tmp_path):
    damaged(tmp_path / "cache", monkeypatch)
    monkeypatch.setitem(download.MIRRORS, "mnist", ("http://127.0.0.1:9",))
    with pytest.raises(ValueError, match="train-images.*expected a complete .gz file"):
        data.mnist()
    assert len([*(tmp_path / "cache" / "mnist").iterdir()]) == 3  # that one is gone


def test_a_mirror_that_stops_halfway_is_followed_by_the_next(tiny, server, monkeypatch, tmp_path):
    class Stops(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            self.send_response(200)
            self.send_header("Content-Length", "1000")
            self.end_headers()
            self.wfile.write(b"half")

        def log_message(self, *args):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Stops) as running:
        threading.Thread(target=running.serve_forever, args=(0.01,), daemon=True).start()
        stops = f"http://127.0.0.1:{running.server_port}"
        monkeypatch.setitem(download.MIRRORS, "mnist", (stops,))
        with pytest.raises(ValueError, match=f"{stops}/train-images.*gz: .*4 bytes read, 996 more"):
            data.mnist()
        assert not [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
        monkeypatch.setitem(download.MIRRORS, "mnist", (stops, server))
        check_tiny(tiny[1])
        running.shutdown()
    kept = [p for p in (tmp_path / "cache").rglob("*") if p.is_file()]
    assert sorted(p.name for p in kept) == sorted(p.name for p in tiny[0].iterdir())


def test_every_set_has_two_mirrors_or_more():
    assert set(download.MIRRORS) == set(download.MD5) == {"mnist", "fashion-mnist"}
    assert all(
        len(mirrors) >= 2 and len(set(mirrors)) == len(mirrors)
        for mirrors in download.MIRRORS.values()
    )


def test_parse_idx_refuses_what_is_no_idx_file():
    good = idx(torch.arange(6).byte().reshape(2, 3))
    assert data.parse_idx(good).tolist() == [[0, 1, 2], [3, 4, 5]]
    with pytest.raises(ValueError, match="raw: expected 18 bytes for shape \\[2, 3\\], got 17"):
        data.parse_idx(good[:-1])
    with pytest.raises(ValueError, match="raw: expected an IDX file"):
        data.parse_idx(b"<html>not found</html>")


@pytest.mark.parametrize("name", ["mnist", "fashion_mnist"])
def test_the_real_files(name):
    if not os.environ.get("GENLIB_DATA"):
        pytest.skip("GENLIB_DATA is not set")
    d = data.image_set(name)
    assert (len(d.x_train), len(d.x_val), len(d.x_test)) == (55_000, 5_000, 10_000)
    assert d.x_train.shape[1:] == (1, 28, 28) and d.x_train.max() == 1
    assert d.y_test.bincount().min() > 800


def test_binarised_pixels_are_0_or_1_with_their_grey_value_as_probability():
    x = torch.tensor([0.0, 0.25, 0.8, 1.0]).expand(20_000, 4)
    drawn = data.binarise(x, torch.Generator().manual_seed(0))
    assert set(drawn.unique().tolist()) == {0.0, 1.0}
    torch.testing.assert_close(drawn.mean(dim=0), x[0], atol=0.02, rtol=0)
    assert drawn[:, 0].max() == 0 and drawn[:, 3].min() == 1
    assert data.binarise(x, torch.Generator().manual_seed(0)).equal(drawn)
    with pytest.raises(ValueError, match=r"x: expected values in \[0, 1\], got \[-1, 1\]"):
        data.binarise(2 * x - 1)
