"""Checkers of notebook 02c, can the decoder invent?"""

import math

import torch
from scipy.spatial import Delaunay
from torch import Tensor

from genlib import interact
from genlib.check.verdict import exercise, need, need_answer, praise


@exercise
def exercise_1(answer) -> str:
    """answer(): a place (z1, z2) of the latent plane, among the clouds and in a hole."""
    value = answer()
    need_answer(value)
    place = torch.as_tensor(value, dtype=torch.float64).flatten()
    need(len(place) == 2, "a place has two numbers, got {many}.", many=len(place))
    plane = interact.plane()
    away, row = plane.nearest(place[None])
    far, digit = away.item(), plane.y[row].item()
    among = Delaunay(plane.codes.numpy()).find_simplex(place.numpy()) >= 0
    need(
        among,
        "this place lies outside, {far:.1f} from the nearest code: far out everything is a hole. "
        "Look for one with clouds all around.",
        far=far,
    )
    need(
        far > 0,
        "this is the code of a training digit, the one place where the decoder surely was asked.",
    )
    need(
        far > 0.5 * plane.radius,
        "the code of a {digit} is only {far:.2f} away: you are inside a cloud. Go where no numerals are.",
        digit=digit,
        far=far,
    )
    need(
        far > plane.radius,
        "nearly: the nearest code, of a {digit}, is {far:.2f} away, and 95 % of new digits lie nearer "
        "than {radius:.2f}. Move to the middle of the gap; the view with the holes shades it.",
        digit=digit,
        far=far,
        radius=plane.radius,
    )
    return praise(
        "The nearest code, of a {digit}, is {far:.2f} away. The decoder draws something all the same.",
        digit=digit,
        far=far,
    )


@exercise
def exercise_2(answer) -> str:
    """answer(log_p): mean entropy of the rows, nats, from log p(y | x), (n, K)."""
    p = torch.tensor([[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.3, 0.3, 0.4]], dtype=torch.float64)
    each = torch.special.entr(p).sum(dim=1)
    found = answer(p.log())
    need_answer(found)
    need(
        torch.as_tensor(found).numel() == 1,
        "expected one number, got shape {shape}: average over the pictures.",
        shape=tuple(torch.as_tensor(found).shape),
    )
    found = float(found)
    need(
        not _close(found, -each.mean()),
        "the sign: logarithms of probabilities are negative, an entropy is not.",
    )
    need(
        not _close(found, each.sum()),
        "this is the sum over the pictures; return their mean.",
    )
    need(
        not _close(found, torch.special.entr(p).mean()),
        "you averaged over classes too. Sum over the classes, then average over the pictures.",
    )
    need(
        not _close(found, torch.special.entr(p.mean(dim=0)).sum()),
        "this is the entropy of the average verdict. It is large whenever all classes occur. "
        "Take the entropy of each verdict first, then the mean.",
    )
    need(not _close(found, each.mean() / math.log(2)), "these are bits; nats use log, not log2.")
    need(
        not _close(found, -p.log().sum(dim=1).mean()),
        "you forgot the weight p in front of log p.",
    )
    need(
        not _close(found, -(p * p).sum(dim=1).mean()) and not _close(found, (p * p).sum(1).mean()),
        "this is p * p. The entropy is the sum of p log p, with the opposite sign.",
    )
    need(
        _close(found, each.mean()),
        "expected {right:.4f}, got {found:.4f}.",
        right=each.mean(),
        found=found,
    )
    sure = float(answer(torch.tensor([[0.0, -math.inf], [0.5, 0.5]]).log_softmax(dim=1)))
    need(
        not math.isnan(sure),
        "right, until a probability is exactly 0: 0 * (-inf) is nan. Keep log p finite where p is 0.",
    )
    need(
        abs(sure - math.log(2) / 2) < 1e-3,
        "wrong where a probability is exactly 0: such a class adds nothing to the entropy.",
    )
    return praise("0 is sure, log 10 a blind guess.")


@exercise
def exercise_3(answer) -> str:
    """answer(W, b, V, c, s): the same linear autoencoder with codes s times as large."""
    rng = torch.Generator().manual_seed(0)
    W, b = torch.randn(2, 5, generator=rng), torch.randn(2, generator=rng)
    V, c = torch.randn(5, 2, generator=rng), torch.randn(5, generator=rng)
    x, s = torch.randn(7, 5, generator=rng), 10.0
    given = [part.clone() for part in (W, b, V, c)]
    result = answer(W, b, V, c, s)
    need_answer(result)
    need(
        isinstance(result, tuple | list) and len(result) == 4,
        "return four things: W, b, V, c.",
    )
    new_W, new_b, new_V, new_c = map(torch.as_tensor, result)
    need(
        all(torch.equal(old, part) for old, part in zip(given, (W, b, V, c), strict=True)),
        "you changed the tensors that were given; make new ones (`s * W`, not `W *= s`).",
    )
    need(
        [tuple(part.shape) for part in (new_W, new_b, new_V, new_c)]
        == [tuple(part.shape) for part in given],
        "a shape changed.",
    )
    z, new_z = x @ W.T + b, x @ new_W.T + new_b
    need(not _near(new_z, z), "the codes are as large as before.")
    need(
        not _near(new_z, s * (x @ W.T) + b),
        "the bias of the encoder is a part of the code: it has to grow too.",
    )
    need(not _near(new_z, z / s), "the codes became smaller by s; they were to become larger.")
    need(_near(new_z, s * z), "the new codes are not s times the old ones.")
    need(
        not _near(new_V, V),
        "the decoder still expects small codes: its pictures are overdone by a factor of s.",
    )
    need(not _near(new_V, s * V), "the decoder now enlarges once more. It must take s back.")
    need(
        not _near(new_c, c / s) or _near(c, new_c),
        "c is added after the codes have been used: it must stay as it is.",
    )
    need(
        _near(new_z @ new_V.T + new_c, z @ V.T + c),
        "the codes are right, but the reconstructions changed.",
    )
    return praise("Same loss, other codes. No loss of reconstruction can tell the two apart.")


@exercise
def exercise_4(answer) -> str:
    """answer(z, eps): codes from the Gaussian fitted to z (N, Z), made of standard normal eps (n, Z)."""
    rng = torch.Generator().manual_seed(0)
    root = torch.tensor([[2.0, 0.0, 0.0], [1.5, 1.0, 0.0], [-1.0, 0.5, 0.3]])
    z = torch.randn(400, 3, generator=rng) @ root.T + torch.tensor([5.0, -3.0, 1.0])
    eps = torch.randn(20_000, 3, generator=rng)
    found = answer(z.clone(), eps.clone())
    need_answer(found)
    found = torch.as_tensor(found)
    need(
        tuple(found.shape) == tuple(eps.shape),
        "expected one code per row of eps, shape {wanted}, got {found}.",
        wanted=tuple(eps.shape),
        found=tuple(found.shape),
    )
    need(not found.isnan().any(), "there is a nan among the codes.")
    m, C = z.mean(dim=0), z.T.cov()
    off, D = found.mean(dim=0) - m, found.T.cov()
    need(
        not _like(found.mean(dim=0), torch.zeros(3), C),
        "your codes lie around 0; add the mean of z.",
    )
    need(_like(off, torch.zeros(3), C), "the mean of your codes is not that of z.")
    L = torch.linalg.cholesky(C)
    need(
        not _same(D, L.T @ L),
        "the factor is transposed. A row of eps is a row: L eps becomes `eps @ L.T`.",
    )
    need(not _same(D, C @ C), "you multiplied by the covariance itself; a root of it is needed, L.")
    need(
        not _same(D, C.diag().diag()),
        "each number has the right spread, but they vary independently. Use the whole covariance.",
    )
    need(
        not _same(D, z.T.corrcoef()),
        "this is the correlation matrix: every code number has spread 1.",
    )
    need(not _same(D, torch.eye(3)), "these are standard normal codes, moved to the mean of z.")
    need(_same(D, C), "the covariance of your codes is not that of z.")
    return praise("Mean, covariance, a root of it: that is all a Gaussian knows.")


@exercise
def exercise_5(answer) -> str:
    """answer(z_train, z_val, candidates): the number of components that validation codes prefer."""
    rng = torch.Generator().manual_seed(0)
    centres = torch.tensor([[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]])
    clouds = [
        centres[torch.arange(n) % 3] + torch.randn(n, 2, generator=rng) for n in (90, 300)
    ]  # the more components, the more dents of ninety points they fit
    candidates = [1, 2, 3, 6, 10]
    found = answer(*clouds, list(candidates))
    need_answer(found)
    need(not isinstance(found, Tensor) or found.numel() == 1, "return one number of components.")
    found = float(found)
    need(
        found in candidates or found in range(len(candidates)),
        "return one of the candidates {candidates}, got {found:g}. Is it the log density itself?",
        candidates=candidates,
        found=found,
    )
    need(
        found != 10,
        "you chose 10, the largest: training codes always ask for more. Let the validation codes choose.",
    )
    need(
        found != 1,
        "you chose 1, the lowest log density of all; take the largest.",
    )
    need(
        found != 2,
        "2 is the place of the best candidate in the list, or a density of the wrong codes. "
        "Return the candidate itself.",
    )
    need(
        found == 3,
        "the check's codes lie in three clouds and validation codes say so; you chose {found:g}.",
        found=found,
    )
    again = float(answer(*clouds, candidates[::-1]))
    need(again == 3, "it fails when the candidates come in another order.")
    return praise("Three clouds, three Gaussians: more fit the accidents of the training codes.")


@exercise
def exercise_6(answer) -> str:
    """answer(drawn, z_train, z_val, q=0.95): the share of drawn codes that lie in holes."""
    rng = torch.Generator().manual_seed(0)
    z_train, z_val = torch.randn(60, 3, generator=rng), torch.randn(50, 3, generator=rng)
    drawn = 1.5 * torch.randn(300, 3, generator=rng)
    distance = {name: torch.cdist(z, z_train) for name, z in (("val", z_val), ("drawn", drawn))}
    near, radius = distance["drawn"].amin(dim=1), distance["val"].amin(dim=1).quantile(0.9)
    found = answer(drawn, z_train, z_val, 0.9)
    need_answer(found)
    need(
        torch.as_tensor(found).numel() == 1,
        "expected one number, the share; got {many} of them.",
        many=torch.as_tensor(found).numel(),
    )
    found, right = float(found), (near > radius).double().mean().item()
    need(
        not _close(found, (near > radius).sum()), "this is a count; divide by the number of codes."
    )
    need(not _close(found, radius), "this is the radius; compare the drawn codes with it.")
    need(
        not _close(found, 1 - right),
        "this is the share that does *not* lie in holes.",
    )
    need(
        not _close(found, (near > 0).double().mean()),
        "you took the radius from the training codes, each of which is at distance 0 from itself. "
        "Validation codes know how far new codes usually are.",
    )
    q95 = (near > distance["val"].amin(dim=1).quantile(0.95)).double().mean()
    need(not _close(found, q95), "right for q = 0.95 only: use the argument.")
    average = distance["drawn"].mean(dim=1) > distance["val"].mean(dim=1).quantile(0.9)
    need(
        not _close(found, average.double().mean()),
        "you took the mean distance to all training codes; a hole is about the nearest one.",
    )
    turned = distance["drawn"].amin(dim=0) > distance["val"].amin(dim=0).quantile(0.9)
    need(
        not _close(found, turned.double().mean()),
        "you looked for the nearest drawn code of every training code. Ask the other way round.",
    )
    lone = torch.cdist(drawn, z_val).amin(dim=1) > radius
    need(
        not _close(found, lone.double().mean()),
        "you measured from the drawn codes to the validation codes; only training codes were decoded in training.",
    )
    need(
        _close(found, right),
        "expected {right:.3f} for the check's codes, got {found:.3f}.",
        right=right,
        found=found,
    )
    return praise("A share of 1 - q is what new codes score: the floor.")


def _close(a, b) -> bool:
    """Two numbers equal up to rounding."""
    return math.isclose(float(a), float(b), rel_tol=1e-4, abs_tol=1e-5)


def _near(a: Tensor, b: Tensor) -> bool:
    """Two tensors of one shape equal up to rounding."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-4)


def _like(a: Tensor, b: Tensor, C: Tensor) -> bool:
    """Two means equal up to the accidents of 20,000 draws with covariance C."""
    return bool(((a - b).abs() < 0.05 * C.diag().sqrt()).all())


def _same(a: Tensor, b: Tensor) -> bool:
    """Two covariances equal up to the accidents of 20,000 draws."""
    return bool((a - b).norm() < 0.06 * b.norm())
