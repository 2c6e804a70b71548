"""Checkers of notebook 02a, bottlenecks."""

import functools
import math

import torch
from torch import Tensor

from genlib import data
from genlib.autoencoder import pca, principal_angles
from genlib.check.verdict import close, exercise, need, need_answer, need_number, praise


@exercise
def exercise_1(answer) -> str:
    """answer(x, x_hat): share of variance explained, of images (N, 1, 8, 8)."""
    x = _digits().x_val
    x_hat = pca(x, 5).reconstruct(x)
    lost, total = _mean_square(x_hat - x), _mean_square(x - x.mean(dim=0))
    right, found = 1 - lost / total, need_number(answer(x, x_hat))
    need(not close(found, lost / total), "this is the share that is lost; subtract it from 1.")
    need(
        not close(found, 1 - lost / _mean_square(x)),
        "you divided by the mean square of x. Variance is measured from the mean image.",
    )
    need(
        not close(found, 1 - lost / _mean_square(x - x.mean())),
        "you subtracted one grey value, the mean over everything. Every pixel has its own mean: dim=0.",
    )
    need(
        not close(found, 1 - lost),
        "divide the error by the total variance, the error of the mean image.",
    )
    need(
        not close(found, 1 - lost / 64 / total) and not close(found, 1 - 64 * lost / total),
        "one part is summed over the pixels and the other one averaged; treat both alike.",
    )
    need(
        not close(found, _mean_square(x_hat - x_hat.mean(dim=0)) / total)
        or close(need_number(answer(x, torch.zeros_like(x))), 1 - _mean_square(x) / total),
        "you compared the variance of x_hat with that of x. It agrees for PCA on its own data, but a model may "
        "vary a lot and be wrong: start from the error x_hat - x.",
    )
    need(
        close(found, right),
        "expected {right:.4f} for the check's images, got {found:.4f}.",
        right=right,
        found=found,
    )
    return praise("1 minus the error as a share of the total variance.")


@exercise
def exercise_2(answer) -> str:
    """answer(x, v): the mean squared error of the best one-number code along v; x (N, D), v (D,)."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(50, 3, generator=rng, dtype=torch.float64) * torch.tensor([3.0, 2.0, 1.0]) + 5
    v = torch.tensor([1.0, 2.0, -2.0], dtype=torch.float64)  # of length 3
    u, centred = v / 3, x - x.mean(dim=0)

    def left(points: Tensor, along: Tensor) -> Tensor:
        rest = points - (points @ along)[:, None] * along
        return rest.square().sum(dim=1).mean()

    right, found = left(centred, u), need_number(answer(x, v))
    need(
        not close(found, left(centred, v)),
        "v need not have length 1. Divide it by its norm, or divide the code by |v|^2.",
    )
    need(
        not close(found, left(x, u)),
        "the line goes through the mean of the data, not through 0: subtract the mean first.",
    )
    need(
        not close(found, left(x, v)),
        "two things are missing: subtract the mean of x, and divide v by its norm.",
    )
    need(
        not close(found, (centred @ u).square().mean()),
        "this is the variance along v, the part that is kept. The error is what is left of the total.",
    )
    need(
        not close(found, 50 * right) and not close(found, right / 3),
        "sum over the coordinates of a point, then take the mean over the points.",
    )
    need(
        not close(found, 50 / 49 * right),
        "you divided by N - 1 somewhere; the mean squared error divides by N.",
    )
    need(
        close(found, right),
        "expected {right:.4f} for the check's points, got {found:.4f}.",
        right=right,
        found=found,
    )
    return praise("The total variance minus the variance along v.")


@exercise
def exercise_3(answer) -> str:
    """answer(U, V): the largest principal angle of the column spaces of U and V (D, k), in degrees."""
    rng = torch.Generator().manual_seed(0)
    U, V = torch.randn(2, 6, 2, generator=rng, dtype=torch.float64)
    angles, found = principal_angles(U, V), need_number(answer(U, V))
    need(
        not math.isnan(found),
        "nan: a cosine came out a little above 1, or the bases are not orthonormal.",
    )
    need(
        not close(found, angles[0].deg2rad()),
        "this is the angle in radians; torch.rad2deg gives degrees.",
    )
    need(
        not close(found, angles[0].deg2rad().cos()),
        "this is the cosine of the angle; take the arccosine.",
    )
    need(
        not close(found, angles[-1]),
        "this is the smallest angle. It belongs to the largest cosine; the largest angle has the smallest one.",
    )
    unit = [torch.nn.functional.normalize(basis, dim=0) for basis in (U, V)]
    raw = torch.linalg.svdvals(unit[0].T @ unit[1]).clamp(max=1).arccos().rad2deg()
    need(
        not any(close(found, angle) for angle in raw),
        "your columns have length 1 but are not orthogonal to each other: use torch.linalg.qr.",
    )
    columns = (unit[0] * unit[1]).sum(dim=0).arccos().rad2deg()
    need(
        not any(close(found, angle) for angle in columns),
        "you compared column with column. Subspaces have many bases; compare all of them by singular values.",
    )
    need(
        close(found, angles[0]),
        "expected {right:.3f} degrees for the check's bases, got {found:.3f}.",
        right=angles[0],
        found=found,
    )
    same = need_number(answer(U, U @ torch.tensor([[2.0, 1.0], [1.0, 1.0]], dtype=torch.float64)))
    need(
        not math.isnan(same) and abs(same) < 1e-4,
        "for two bases of one and the same subspace you return {same:.3g} instead of 0. Rounding may lift a "
        "cosine above 1: clamp it.",
        same=same,
    )
    return praise("0 for equal subspaces, whatever their bases.")


@exercise
def exercise_4(answer) -> str:
    """answer(x, W, m): the reconstructions of a tied linear autoencoder; x (N, D), W (k, D), m (D,)."""
    rng = torch.Generator().manual_seed(0)
    x = torch.randn(7, 5, generator=rng, dtype=torch.float64)
    W, m = torch.randn(2, 5, generator=rng, dtype=torch.float64), torch.arange(5.0).double()
    centred = x - m
    right, found = m + centred @ W.T @ W, answer(x, W, m)
    need_answer(found)
    found = torch.as_tensor(found)
    need(
        tuple(found.shape) != (7, 2),
        "these are the codes, shape (N, k). Decode them with the same matrix.",
    )
    need(
        found.shape == x.shape,
        "expected the shape of x, {wanted}, got {found}.",
        wanted=tuple(x.shape),
        found=tuple(found.shape),
    )
    need(
        not close(found, x @ W.T @ W),
        "the mean plays no part: encode the deviation from m, and add m after decoding.",
    )
    need(not close(found, m + x @ W.T @ W), "you added the mean but encoded x itself: subtract m.")
    need(not close(found, centred @ W.T @ W), "almost: add the mean again after decoding.")
    need(
        not close(found, m + centred @ torch.linalg.pinv(W) @ W),
        "you used the pseudo-inverse. It makes a projection of any W; here it is the plain transpose.",
    )
    need(close(found, right), "the shape is right, the values are not: m + (x - m) W^T W.")
    return praise("One matrix, used twice.")


@exercise
def exercise_5(answer) -> str:
    """answer(normal, strange): the AUROC, P(strange > normal) + P(equal) / 2."""
    normal = torch.tensor([1.0, 2.0, 3.0, 3.0, 7.0])
    strange = torch.tensor([3.0, 3.5, 8.0, 2.5])
    more = strange[:, None] - normal
    above, ties = (more > 0).double().mean(), (more == 0).double().mean()
    right, found = above + ties / 2, need_number(answer(normal, strange))
    need(
        not close(found, 1 - right),
        "upside down: this is the probability that the normal one scores higher.",
    )
    need(not close(found, above), "ties count for nothing in your sum; each counts one half.")
    need(not close(found, above + ties), "ties count in full in your sum; each counts one half.")
    need(
        not close(found, more.numel() * right),
        "this is the number of pairs; divide by how many pairs there are, n times m.",
    )
    paired = (strange[:, None] > normal.median()).double().mean()
    need(
        not close(found, paired) and not close(found, (strange > normal.mean()).double().mean()),
        "you used one threshold. Compare every strange score with every normal one.",
    )
    need(
        close(found, right),
        "expected {right:.4f} for the check's scores, got {found:.4f}.",
        right=right,
        found=found,
    )
    return praise("One half is guessing, 1 separates without error.")


@exercise
def exercise_6(answer) -> str:
    """answer(model, a, b, n): decoded codes on the line from the code of a to that of b, (n, 1, 8, 8)."""
    a, b, n, model = *_digits().x_val[:2], 5, _Bent()
    film = answer(model, a, b, n)
    need_answer(film)
    film = torch.as_tensor(film).detach()
    need(
        tuple(film.shape) == (n, 1, 8, 8),
        "expected shape {wanted}, got {found}. `encode` wants a batch: torch.stack([a, b]).",
        wanted=(n, 1, 8, 8),
        found=tuple(film.shape),
    )
    z_a, z_b = model.encode(torch.stack([a, b]))
    t = torch.linspace(0, 1, n)[:, None]
    right = model.decode((1 - t) * z_a + t * z_b)
    weight = t[..., None, None]
    need(
        not close(film, (1 - weight) * a + weight * b),
        "this is the line between the pixels, the double exposure. Encode, walk in the codes, decode.",
    )
    need(
        not close(film, (1 - weight) * right[0] + weight * right[-1]),
        "you decoded the two ends and mixed the pictures. Mix the codes, then decode each mixture.",
    )
    need(
        not close(film, model.reconstruct((1 - weight) * a + weight * b)),
        "you mixed the pixels and then rebuilt the mixture. Mix the codes.",
    )
    need(not close(film, right.flip(0)), "this film runs backwards; begin at a.")
    need(
        close(film[0], right[0]),
        "the first picture must be the reconstruction of a: let t begin at 0.",
    )
    need(
        close(film[-1], right[-1]),
        "the last picture must be the reconstruction of b: let t end at 1, torch.linspace(0, 1, n).",
    )
    need(close(film, right), "the ends are right; between them the steps must be equal.")
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
