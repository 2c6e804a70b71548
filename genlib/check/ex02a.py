"""Checkers of notebook 02a, bottlenecks."""

import functools
import math

import torch
from torch import Tensor
from torch.nn.functional import normalize

from genlib import data
from genlib.autoencoder import pca, principal_angles
from genlib.check.verdict import (
    NotYet,
    close,
    exercise,
    need,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(x, x_hat): share of variance explained, of images (N, 1, 8, 8)."""
    rng, digits = torch.Generator().manual_seed(0), _digits()
    spread = torch.linspace(0.2, 2, 64).reshape(8, 8)  # every pixel varies, each by another amount
    first = torch.randn(40, 1, 8, 8, generator=rng) * spread + 1
    noisy = 0.8 * first + 0.1 + 0.3 * torch.randn(first.shape, generator=rng)
    brighter = pca(digits.x_train, 5).reconstruct(digits.x_val) + 0.05 * (digits.x_val.var(0) > 0)
    for x, x_hat in ((first, noisy), (digits.x_val, brighter)):
        error, off = x_hat - x, x - x.mean(dim=0)
        lost, total, n = _mean_square(error), _mean_square(off), len(x)
        right, found = 1 - lost / total, need_number(answer(x, x_hat))
        if close(found, right):
            continue
        each = 1 - error.square().mean(dim=0) / off.square().mean(dim=0)
        per_image = error.flatten(1).square().sum(dim=1) / off.flatten(1).square().sum(dim=1)
        wrong = {
            "this is the share that is lost; subtract it from 1.": lost / total,
            "you divided by the mean square of x. Variance is measured from the mean image.": (
                1 - lost / _mean_square(x)
            ),
            "you subtracted one grey value, the mean over everything. Every pixel has its own mean: dim=0.": (
                1 - lost / _mean_square(x - x.mean())
            ),
            "divide the error by the total variance, the error of the mean image.": 1 - lost,
            "one part is summed over the pixels and the other one averaged; treat both alike, "
            "here the error is too small.": 1 - lost / 64 / total,
            "one part is summed over the pixels and the other one averaged; treat both alike, "
            "here the error is too large.": 1 - 64 * lost / total,
            "you compared the variance of x_hat with that of x. A model may vary a lot and be wrong: "
            "start from the error x_hat - x.": _mean_square(x_hat - x_hat.mean(dim=0)) / total,
            "this is the variance of the error over that of x: it forgives reconstructions that are all too "
            "bright. Take the mean square of the error, and subtract no mean from it.": (
                1 - _mean_square(error - error.mean(dim=0)) / total
            ),
            "the total divides by N - 1 and the error by N. Divide both by N: x.var(dim=0, correction=0).": (
                1 - lost / (n / (n - 1) * total)
            ),
            "you took a share for every pixel and averaged the shares. Sum over the pixels first, then divide.": (
                each[each.isfinite()].mean()
            ),
            "you took a share for every image and averaged the shares. Average first, then divide.": (
                1 - per_image.mean()
            ),
            "you took roots. The share is one of variances, of squares.": 1
            - math.sqrt(lost / total),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "expected {right:.4f} for the check's images, got {found:.4f}.",
            right=right,
            found=found,
        )
    return praise("1 minus the error as a share of the total variance.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, v): the mean squared error of the best one-number code along v; x (N, D), v (D,)."""
    rng = torch.Generator().manual_seed(0)
    for n, v in ((50, [1.0, 2.0, -2.0]), (20, [0.5, 0.0, -1.0, 0.2, 1.5])):
        D, v = len(v), torch.tensor(v, dtype=torch.float64)
        x = torch.randn(n, D, generator=rng, dtype=torch.float64) * torch.arange(D, 0, -1) + 5
        u, off = v / v.norm(), x - x.mean(dim=0)
        total = off.square().sum(dim=1).mean()
        right, found = _left(off, u, u), need_number(answer(x, v))
        if close(found, right):
            continue
        unscaled = (_left(off, v, v), total - (off @ v).square().mean(), _left(off, u, v))
        need(
            not any(close(found, value) for value in (*unscaled, _left(off, v, u))),
            "v need not have length 1. Divide it by its norm, or divide the code by |v|^2.",
        )
        summed = (n * right, right / D, right / n)
        need(
            not any(close(found, value) for value in summed),
            "sum over the coordinates of a point, then take the mean over the points.",
        )
        wrong = {
            "the line goes through the mean of the data, not through 0: subtract the mean first.": (
                _left(x, u, u)
            ),
            "two things are missing: subtract the mean of x, and divide v by its norm.": (
                _left(x, v, v)
            ),
            "you subtracted one number, the mean over everything. Every coordinate has its own mean: dim=0.": (
                _left(x - x.mean(), u, u)
            ),
            "this is the variance along v, the part that is kept. The error is what is left of the total.": (
                total - right
            ),
            "this is the total variance: the part along v is still to be taken off.": total,
            "you divided by N - 1 somewhere; the mean squared error divides by N.": (
                n / (n - 1) * right
            ),
            "this is the root; the mean of the squared lengths is asked for.": right.sqrt(),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "expected {right:.4f} for the check's points, got {found:.4f}.",
            right=right,
            found=found,
        )
    return praise("The total variance minus the variance along v.")


@exercise
def exercise_3(answer) -> str:
    """answer(U, V): the largest principal angle of the column spaces of U and V (D, k), in degrees."""
    rng = torch.Generator().manual_seed(0)
    for D, k in ((6, 2), (9, 3), (4, 1)):
        U, V = torch.randn(2, D, k, generator=rng, dtype=torch.float64)
        angles, found = principal_angles(U, V), need_number(answer(U, V))
        need(
            not math.isnan(found),
            "nan: a cosine came out above 1. The bases have to be orthonormal, and rounding needs a clamp.",
        )
        if close(found, angles[0]):
            continue
        wrong = {
            "this is the angle in radians; torch.rad2deg gives degrees.": angles[0].deg2rad(),
            "this is the cosine of the angle; take the arccosine.": angles[0].deg2rad().cos(),
            "this is the smallest angle. It belongs to the largest cosine; the largest angle has the smallest one.": (
                angles[-1]
            ),
            "this is the mean of the angles; the largest is asked for.": angles.mean(),
            "you took the arcsine; the singular values are cosines.": 90 - angles[0],
        }
        need_none_of(found, wrong)
        unit = normalize(U, dim=0), normalize(V, dim=0)
        raw = _angles(*unit)
        need(
            not any(close(found, angle) for angle in raw),
            "your columns have length 1 but are not orthogonal to each other: use torch.linalg.qr.",
        )
        need(
            not any(close(found, angle) for angle in _angles(U, V)),
            "the singular values are cosines only if both bases are orthonormal: use torch.linalg.qr.",
        )
        columns = (unit[0] * unit[1]).sum(dim=0).arccos().rad2deg()
        need(
            not any(close(found, angle) for angle in (*columns, *(180 - columns))),
            "you compared column with column. Subspaces have many bases; compare all of them by singular values.",
        )
        raise NotYet(
            "expected {right:.3f} degrees for the check's bases, got {found:.3f}.",
            right=angles[0],
            found=found,
        )
    U = torch.randn(6, 2, generator=rng, dtype=torch.float64)
    same = need_number(answer(U, U @ torch.tensor([[2.0, 1.0], [1.0, 1.0]], dtype=torch.float64)))
    need(
        not math.isnan(same),
        "nan for two bases of one and the same subspace. Rounding may lift a cosine above 1: clamp it.",
    )
    need(  # an arccosine in single precision is sure to 0.04 degrees only
        abs(same) < 0.1,
        "for two bases of one and the same subspace you return {same:.3g} instead of 0.",
        same=same,
    )
    return praise("0 for equal subspaces, whatever their bases.")


@exercise
def exercise_4(answer) -> str:
    """answer(x, W, m): the reconstructions of a tied linear autoencoder; x (N, D), W (k, D), m (D,)."""
    rng = torch.Generator().manual_seed(0)
    for n, k, D in ((7, 2, 5), (4, 3, 6)):
        x = torch.randn(n, D, generator=rng, dtype=torch.float64)
        W, m = torch.randn(k, D, generator=rng, dtype=torch.float64), torch.arange(D).double() + 1
        off, found = x - m, need_tensor(answer(x, W, m))
        need(
            tuple(found.shape) != (n, k),
            "these are the codes, shape (N, k). Decode them with the same matrix.",
        )
        need(
            found.shape == x.shape,
            "expected the shape of x, {wanted}, got {found}.",
            wanted=tuple(x.shape),
            found=tuple(found.shape),
        )
        right = m + off @ W.T @ W
        if close(found, right):
            continue
        wrong = {
            "the mean plays no part: encode the deviation from m, and add m after decoding.": (
                x @ W.T @ W
            ),
            "you added the mean but encoded x itself: subtract m.": m + x @ W.T @ W,
            "almost: add the mean again after decoding.": off @ W.T @ W,
            "you subtracted the mean again; add it.": off @ W.T @ W - m,
            "you added the mean before encoding; subtract it.": m + (x + m) @ W.T @ W,
            "this is the projection onto the rows of W (the pseudo-inverse makes it, or orthonormal rows). "
            "Here W is used as it is, and its plain transpose.": (
                m + off @ torch.linalg.pinv(W) @ W
            ),
            "you took the mean of x; use the given m.": (
                x.mean(dim=0) + (x - x.mean(dim=0)) @ W.T @ W
            ),
        }
        need_none_of(found, wrong)
        raise NotYet("the shape is right, the values are not: m + (x - m) W^T W.")
    return praise("One matrix, used twice.")


@exercise
def exercise_5(answer) -> str:
    """answer(normal, strange): the AUROC, P(strange > normal) + P(equal) / 2."""
    for one, two in (
        ([1.0, 2.0, 3.0, 3.0, 7.0], [3.0, 3.5, 8.0, 2.5, 4.0, 1.5, 6.0]),
        ([0.5, 0.25, 1.5], [1.5, 0.5, 0.5, 0.1, -1.0, 0.75]),
    ):
        normal, strange = torch.tensor(one), torch.tensor(two)
        more = strange[:, None] - normal
        above, ties = (more > 0).double().mean(), (more == 0).double().mean()
        right, found = above + ties / 2, need_number(answer(normal, strange))
        if close(found, right):
            continue
        need(
            not any(
                close(found, (strange > cut).double().mean())
                for cut in (normal.median(), normal.mean(), normal.max())
            ),
            "this is the share of strange scores above one threshold. "
            "Compare every strange score with every normal one.",
        )
        wrong = {
            "upside down: this is the probability that the normal one scores higher.": 1 - right,
            "ties count for nothing in your sum; each counts one half.": above,
            "ties count in full in your sum; each counts one half.": above + ties,
            "this is the number of pairs; divide by how many pairs there are, n times m.": (
                more.numel() * right
            ),
            "you divided by n only; there are n times m pairs.": len(strange) * right,
            "you divided by m only; there are n times m pairs.": len(normal) * right,
            "this is the mean difference of the scores; count the pairs in which it is above 0.": (
                more.mean()
            ),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "expected {right:.4f} for normal scores {normal} and strange ones {strange}, got {found:.4f}.",
            right=right,
            normal=one,
            strange=two,
            found=found,
        )
    return praise("One half is guessing, 1 separates without error.")


@exercise
def exercise_6(answer) -> str:
    """answer(model, a, b, n): decoded codes on the line from the code of a to that of b, (n, 1, 8, 8)."""
    x, model = _digits().x_val, _Bent()
    for a, b, n in ((x[0], x[1], 5), (x[2], x[5], 8), (x[7], x[3], 2)):
        film, wanted = need_tensor(answer(model, a, b, n)).detach(), (n, *a.shape)
        need(
            film.ndim > 0 and len(film) == n,
            "expected {n} pictures, shape {wanted}, got shape {found}. Both ends count: torch.linspace(0, 1, n).",
            n=n,
            wanted=wanted,
            found=tuple(film.shape),
        )
        need(
            tuple(film.shape) == wanted,
            "expected shape {wanted}, got {found}. `encode` wants a batch, `decode` gives one.",
            wanted=wanted,
            found=tuple(film.shape),
        )
        z_a, z_b = model.encode(torch.stack([a, b]))
        t = torch.linspace(0, 1, n)[:, None]
        right, weight = model.decode((1 - t) * z_a + t * z_b), t[..., None, None]
        if close(film, right):
            continue
        wrong = {
            "this is the line between the pixels, the double exposure. Encode, walk in the codes, decode.": (
                (1 - weight) * a + weight * b
            ),
            "you decoded the two ends and mixed the pictures. Mix the codes, then decode each mixture.": (
                (1 - weight) * right[0] + weight * right[-1]
            ),
            "you mixed the pixels and then rebuilt the mixture. Mix the codes.": (
                model.reconstruct((1 - weight) * a + weight * b)
            ),
            "this film runs backwards; begin at a.": right.flip(0),
        }
        need_none_of(film, wrong)
        need(
            close(film[0], right[0]),
            "the first picture must be the reconstruction of a: let t begin at 0.",
        )
        need(
            close(film[-1], right[-1]),
            "the last picture must be the reconstruction of b: let t end at 1, torch.linspace(0, 1, n).",
        )
        raise NotYet("the ends are right; between them the steps must be equal.")
    return praise("A straight line in the plane of codes, a bent one in the space of images.")


class _Bent:
    """A small autoencoder with fixed weights, neither half of it linear."""

    def __init__(self) -> None:
        self.flat = pca(_digits().x_val, 4)

    def encode(self, x: Tensor) -> Tensor:
        return self.flat.encode(x.square())

    def decode(self, z: Tensor) -> Tensor:
        return self.flat.decode(z).square()

    def reconstruct(self, x: Tensor) -> Tensor:
        return self.decode(self.encode(x))


_digits = functools.cache(data.digits)


def _mean_square(x: Tensor) -> float:
    """The squares summed over the pixels of an image, averaged over the images."""
    return x.double().square().flatten(1).sum(dim=1).mean().item()


def _left(points: Tensor, encode: Tensor, decode: Tensor) -> Tensor:
    """The mean squared error of the codes points @ encode, decoded along `decode`."""
    rest = points - (points @ encode)[:, None] * decode
    return rest.square().sum(dim=1).mean()


def _angles(U: Tensor, V: Tensor) -> Tensor:
    """What the singular values of U^T V give, taken as cosines."""
    return torch.linalg.svdvals(U.T @ V).clamp(max=1).arccos().rad2deg()
