"""Checkers of notebook 02c, can the decoder invent?"""

import functools
import math

import torch
from scipy.spatial import Delaunay
from torch import Tensor

from genlib import interact
from genlib.autoencoder import fitted_mixture
from genlib.check.verdict import (
    NotYet,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(): a place (z1, z2) of the latent plane, among the clouds and in a hole."""
    place = need_tensor(answer()).double().flatten()
    need(len(place) == 2, "a place has two numbers, got {many}.", many=len(place))
    plane = interact.plane()
    away, row = plane.nearest(place[None])
    far, digit = away.item(), plane.y[row].item()
    among = Delaunay(plane.codes.numpy()).find_simplex(place.numpy()) >= 0
    need(
        among,
        "this place lies outside, {far:.1f} from the nearest code. Look for a hole with clouds all around: "
        "far out everything is one.",
        far=far,
    )
    need(
        far > 1e-5,
        "this is the code of a training digit, the one place where the decoder surely was asked.",
    )
    need(
        far > 0.5 * plane.radius,
        "too near to a code of the digit {digit}, {far:.2f} away. A hole keeps its distance from every single numeral, "
        "also from a lone one.",
        digit=digit,
        far=far,
    )
    need(
        far > plane.radius,
        "nearly: the nearest code, of the digit {digit}, is {far:.2f} away, and 95 % of new digits lie nearer "
        "than {radius:.2f}. Move to the middle of the gap; the view with the holes shades it.",
        digit=digit,
        far=far,
        radius=plane.radius,
    )
    return praise(
        "The nearest code, of the digit {digit}, is {far:.2f} away. The decoder draws something all the same.",
        digit=digit,
        far=far,
    )


@exercise
def exercise_2(answer) -> str:
    """answer(log_p): mean entropy of the rows, nats, from log p(y | x), (n, K)."""
    for rows in (
        [[0.7, 0.2, 0.1], [0.05, 0.9, 0.05], [0.3, 0.3, 0.4], [0.25, 0.1, 0.65]],
        [[0.4, 0.1, 0.1, 0.1, 0.3], [0.02, 0.02, 0.06, 0.5, 0.4]],
    ):
        p = torch.tensor(rows, dtype=torch.float64)
        each, all_ = torch.special.entr(p).sum(dim=1), torch.special.entr(p)
        right, found = each.mean(), need_number(answer(p.log()))
        if close(found, right):
            continue
        need(
            not any(
                close(found, value) for value in ((p * p).sum(1).mean(), -(p * p).sum(1).mean())
            ),
            "this is p * p. The entropy is the sum of p log p, with the opposite sign.",
        )
        wrong = {
            "the sign: logarithms of probabilities are negative, an entropy is not.": -right,
            "this is the sum over the pictures; return their mean.": each.sum(),
            "you averaged over classes too. Sum over the classes, then average over the pictures.": (
                all_.mean()
            ),
            "you summed over the pictures and averaged over the classes. Sum along dim=1, over the classes.": (
                all_.sum(dim=0).mean()
            ),
            "this is the entropy of the average verdict. It is large whenever all classes occur. "
            "Take the entropy of each verdict first, then the mean.": (
                torch.special.entr(p.mean(dim=0)).sum()
            ),
            "these are bits; nats use log, not log2.": right / math.log(2),
            "you forgot the weight p in front of log p.": -p.log().sum(dim=1).mean(),
            "you weighted with log p itself: take p = log_p.exp() first.": (
                -(p.log() * p.log()).sum(dim=1).mean()
            ),
            "this is minus the logarithm of the largest probability. The entropy is its mean over all classes, "
            "weighted with p.": -p.amax(dim=1).log().mean(),
            "this is the median over the pictures; the mean is asked for.": each.quantile(0.5),
        }
        need_none_of(found, wrong)
        raise NotYet("expected {right:.4f}, got {found:.4f}.", right=right, found=found)
    p = torch.tensor([[0.0, 1.0, 0.0], [0.5, 0.5, 0.0], [0.2, 0.0, 0.8]], dtype=torch.float64)
    found, right = need_number(answer(p.log())), torch.special.entr(p).sum(dim=1).mean()
    need(
        not math.isnan(found),
        "right, until a probability is exactly 0: 0 * (-inf) is nan. Keep log p finite where p is 0.",
    )
    need(
        abs(found - right.item()) < 1e-3,
        "wrong where a probability is exactly 0: such a class adds nothing to the entropy.",
    )
    return praise("0 is sure, log 10 a blind guess.")


@exercise
def exercise_3(answer) -> str:
    """answer(W, b, V, c, s): the same linear autoencoder with codes s times as large."""
    rng = torch.Generator().manual_seed(0)
    for Z, D, s in ((2, 5, 10.0), (3, 4, 0.25)):
        W, b = torch.randn(Z, D, generator=rng), torch.randn(Z, generator=rng)
        V, c = torch.randn(D, Z, generator=rng), torch.randn(D, generator=rng)
        x = torch.randn(7, D, generator=rng)
        result = answer(W, b, V, c, s)
        need_answer(result)
        need(
            isinstance(result, tuple | list) and len(result) == 4,
            "return four things: W, b, V, c.",
        )
        given = [tuple(part.shape) for part in (W, b, V, c)]
        found = [need_tensor(part).float() for part in result]
        shapes = [tuple(part.shape) for part in found]
        need(
            shapes == given,
            "a shape changed: W, b, V, c have {given}, yours have {found}.",
            given=given,
            found=shapes,
        )
        new_W, new_b, new_V, new_c = found
        z, new_z = x @ W.T + b, x @ new_W.T + new_b
        need(not _near(new_z, z), "the codes are as large as before.")
        need(
            not _near(new_z, s * (x @ W.T) + b),
            "the bias of the encoder is a part of the code: multiply it by s, too.",
        )
        need(
            not _near(new_z, x @ W.T + s * b),
            "you multiplied only the bias by s; W is to be multiplied, too.",
        )
        need(not _near(new_z, z / s), "the codes are divided by s; they are to be multiplied.")
        need(_near(new_z, s * z), "the new codes are not s times the old ones.")
        need(
            not _near(new_V, V),
            "the decoder still expects the old codes: what it adds to c is now s times as large.",
        )
        need(
            not _near(new_V, s * V),
            "the decoder now multiplies by s once more. It must take s back.",
        )
        need(
            not (_near(new_c, c / s) or _near(new_c, s * c)),
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
    for N, n, factors, centre in (
        (400, 50, [[2.0, 0.0, 0.0], [1.5, 1.0, 0.0], [-1.0, 0.5, 0.3]], [5.0, -3.0, 1.0]),
        (150, 6, [[0.5, 0.0], [1.2, 0.4]], [-2.0, 3.0]),
    ):
        Z = len(centre)
        z = torch.randn(N, Z, generator=rng) @ torch.tensor(factors).T + torch.tensor(centre)
        eps = torch.randn(n, Z, generator=rng)
        found = _codes(answer, z, eps)
        m, C = z.mean(dim=0), z.T.cov()
        middle = _codes(answer, z, torch.zeros(n, Z))  # the code of eps = 0 is the mean
        need(
            not torch.allclose(middle, torch.zeros(n, Z)) or torch.equal(found, middle),
            "your codes lie around 0; add the mean of z.",
        )
        corners = (
            _codes(answer, z, torch.eye(Z)) - middle[:1]
        )  # the rows of the matrix that eps meets
        need(
            _near(found, middle[:1] + eps @ corners) and not _near(found, middle),
            "each of your codes has to be made of its row of eps: a matrix times eps, plus the mean. "
            "Draw no numbers of your own, and return no codes of z.",
        )
        need(_like(middle[0], m, C), "the mean of your codes is not that of z.")
        D, L = corners.T @ corners, torch.linalg.cholesky(C)
        need(
            not _same(D, L.T @ L),
            "the factor is transposed. A row of eps is a row: L eps becomes `eps @ L.T`.",
        )
        need(
            not _same(D, C @ C),
            "you multiplied by the covariance itself; a root of it is needed, L.",
        )
        need(
            not _same(D, C.diag().diag()),
            "each number has the right spread, but they vary independently. Use the whole covariance.",
        )
        need(
            not _same(D, C.diag().square().diag()),
            "you multiplied by the variances of the single numbers. Use a root, and of the whole covariance.",
        )
        need(
            not _same(D, z.T.corrcoef()),
            "this is the correlation matrix: every code number has spread 1.",
        )
        need(not _same(D, torch.eye(Z)), "these are standard normal codes, moved to the mean of z.")
        need(
            not _same(D, C.clamp(min=0).sqrt() @ C.clamp(min=0).sqrt()),
            "a root of every entry is no root of the matrix: use torch.linalg.cholesky.",
        )
        need(_same(D, C), "the covariance of your codes is not that of z.")
    return praise("Mean, covariance, a root of it: that is all a Gaussian knows.")


@exercise
def exercise_5(answer) -> str:
    """answer(z_train, z_val, candidates): the number of components that validation codes prefer."""
    for seed, clouds, seen, candidates in (
        (0, [[0.0, 0.0], [8.0, 0.0], [0.0, 8.0]], 3, (1, 9, 3, 5)),
        (1, [[0.0, 0.0], [9.0, 0.0], [0.0, 9.0], [9.0, 9.0]], 3, (9, 4, 2, 1)),
    ):
        rng, centres = torch.Generator().manual_seed(seed), torch.tensor(clouds)
        z_train = _draw(centres, 90 + 70 * seed, rng)
        z_val = _draw(centres[:seen], 300 - 240 * seed, rng)  # a part may happen to miss a cloud
        right, found = len(clouds), need_number(answer(z_train, z_val, list(candidates)))
        if found == right:
            continue
        by_val, by_train = (_scores(z_train, z, candidates) for z in (z_val, z_train))
        need(
            found in candidates or found in range(len(candidates)),
            "return one of the candidates {candidates}, got {found:g}. Is it the log density itself?",
            candidates=candidates,
            found=found,
        )
        need(
            found in candidates,
            "return one of the candidates {candidates}, got {found:g}. Is it a place in the list?",
            candidates=candidates,
            found=found,
        )
        need(
            found != candidates[by_train.index(max(by_train))],
            "you chose {found:g}, which the training codes prefer: codes that were fitted ask for more. "
            "{found:g} is also what you get if you fit to the codes that you ask about, take the largest candidate, "
            "or average densities instead of log densities. "
            "Fit to z_train alone, and take the mean *log* density of z_val.",
            found=found,
        )
        need(
            found != candidates[by_val.index(min(by_val))],
            "you chose {found:g}, which gives the validation codes the lowest log density; take the largest. "
            "If you did, you fitted to z_val: fit to z_train, and ask about z_val.",
            found=found,
        )
        raise NotYet(
            "of the candidates {candidates} the validation codes prefer {right}; you chose {found:g}.",
            candidates=candidates,
            right=right,
            found=found,
        )
    return praise("As many Gaussians as clouds: more fit the accidents of the training codes.")


@exercise
def exercise_6(answer) -> str:
    """answer(drawn, z_train, z_val, q=0.95): the share of drawn codes that lie in holes."""
    rng = torch.Generator().manual_seed(0)
    for many, known, new, Z, q in ((300, 60, 51, 3, 0.9), (170, 35, 21, 2, 0.75)):
        z_train = torch.randn(known, Z, generator=rng)
        z_val = torch.randn(new, Z, generator=rng)
        drawn = 1.5 * torch.randn(many, Z, generator=rng)
        usual, rank = _nearest(z_val, z_train).sort().values, round(q * (new - 1))
        near = _nearest(drawn, z_train)
        # every way to compute a quantile gives the same: the rank is whole, and no drawn code is close to it
        drawn = drawn[(near < usual[rank - 1] - 1e-3) | (near > usual[rank + 1] + 1e-3)]
        near, radius = _nearest(drawn, z_train), usual[rank]
        right, found = _share(near > radius), need_number(answer(drawn, z_train, z_val, q))
        if close(found, right):
            continue
        all_drawn, all_new = torch.cdist(drawn, z_train), torch.cdist(z_val, z_train)
        wrong = {
            "this is a count; divide by the number of codes.": (near > radius).sum(),
            "this is the radius; compare the drawn codes with it.": radius,
            "this is the share that does *not* lie in holes.": 1 - right,
            "your radius is 0: you compared some codes with themselves, and each is at distance 0 from itself. "
            "The radius is about the way from validation codes to training codes.": _share(
                near > 0
            ),
            "right for another q only: use the argument.": _share(near > usual.quantile(0.95)),
            "you took the lower tail: a share q of the validation codes lies nearer than the radius.": (
                _share(near > usual.quantile(1 - q))
            ),
            "you took the mean distance of the validation codes; a share q of them lies nearer than the radius.": (
                _share(near > usual.mean())
            ),
            "you took the largest distance of the validation codes; a share q of them lies nearer than the radius.": (
                _share(near > usual.max())
            ),
            "you took the mean distance to all training codes; a hole is about the nearest one.": (
                _share(all_drawn.mean(dim=1) > all_new.mean(dim=1).quantile(q))
            ),
            "you looked for the nearest drawn code of every training code. Ask the other way round.": (
                _share(all_drawn.amin(dim=0) > all_new.amin(dim=0).quantile(q))
            ),
            "you measured from the drawn codes to the validation codes; "
            "only training codes were decoded in training.": _share(
                _nearest(drawn, z_val) > radius
            ),
        }
        need_none_of(found, wrong)
        raise NotYet(
            "expected {right:.3f} for the check's codes, got {found:.3f}.",
            right=right,
            found=found,
        )
    return praise("A share of 1 - q is about what new codes score: the floor.")


def _near(a: Tensor, b: Tensor) -> bool:
    """Two tensors of one shape equal up to rounding in single precision."""
    return a.shape == b.shape and torch.allclose(a, b, rtol=1e-3, atol=1e-4)


def _codes(answer, z: Tensor, eps: Tensor) -> Tensor:
    """What `draw_codes` makes of eps, checked for shape; a hint where the covariance was taken of the wrong axis."""
    try:
        value = answer(z, eps)
    except NotYet as problem:
        need(
            "LinAlgError" not in type(problem.__cause__).__name__,
            "{problem} Did you take z.cov()? It reads every row as one variable; here it is z.T.cov(), (Z, Z).",
            problem=problem,
        )
        raise
    need(
        tuple(need_tensor(value).shape) == tuple(eps.shape),
        "expected one code per row of eps, shape {wanted}, got {found}.",
        wanted=tuple(eps.shape),
        found=tuple(need_tensor(value).shape),
    )
    found = need_tensor(value).float()
    need(
        not found.isnan().any(),
        "there is a nan among the codes. Did you take a root of negative numbers, or divide by 0?",
    )
    return found


def _like(a: Tensor, b: Tensor, C: Tensor) -> bool:
    """Two means equal up to a hundredth of the spread."""
    return bool(((a - b).abs() < 0.01 * C.diag().sqrt()).all())


def _same(a: Tensor, b: Tensor) -> bool:
    """Two covariances equal, whether they divide by N or by N - 1."""
    return bool((a - b).norm() < 0.012 * b.norm())


def _draw(centres: Tensor, n: int, rng: torch.Generator) -> Tensor:
    """n codes around the centres, as many around each."""
    return centres[torch.arange(n) % len(centres)] + torch.randn(n, 2, generator=rng)


def _scores(z_train: Tensor, z: Tensor, candidates: tuple[int, ...]) -> list[float]:
    """The mean log density of the codes z under each mixture fitted to z_train."""
    fit = functools.partial(fitted_mixture, z_train)
    return [fit(k, torch.Generator().manual_seed(0)).log_prob(z).mean().item() for k in candidates]


def _nearest(a: Tensor, b: Tensor) -> Tensor:
    """The distance of each row of a to the nearest row of b."""
    return torch.cdist(a, b).amin(dim=1)


def _share(those: Tensor) -> float:
    return those.double().mean().item()
