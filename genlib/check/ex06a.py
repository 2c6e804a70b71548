"""Checkers of notebook 06a, guidance."""

import torch
from torch import Tensor

from genlib.check.verdict import (
    as_tensor,
    close,
    exercise,
    need,
    need_answer,
    need_none_of,
    need_number,
    need_tensor,
    need_two,
    praise,
)


@exercise
def exercise_1(answer) -> str:
    """answer(eps_u, eps_c, scale): the guided noise, (B, D)."""
    for B, D, scale in ((4, 2, 2.5), (3, 5, 0.0), (4, 3, 1.0), (2, 3, 0.4), (2, 2, -2.0)):
        u, c = torch.randn(2, B, D, generator=torch.Generator().manual_seed(B))
        found = need_tensor(answer(u, c, scale), (B, D))
        right = u + scale * (c - u)
        wrong = {
            "scale 0 should be the answer without a label, and scale 1 the one with it; yours are swapped.": (
                c + scale * (u - c)
            ),
            "this is the scale of Ho and Salimans, whose 0 is the answer with a label; here 0 is the one without.": (
                c + scale * (c - u)
            ),
            "the sign of the difference is wrong: the walk would flee the label.": u
            - scale * (c - u),
            "the difference eps_c - eps_u starts from eps_u: add that to it.": scale * (c - u),
            "scale times the answer with a label is added on top; add scale times the difference.": (
                u + scale * c
            ),
            "the scale is missing.": c,
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "scale {scale:g}: expected eps_u + scale (eps_c - eps_u).",
            scale=scale,
        )
    return praise("From 0, without a label, through 1, with it, and on.")


@exercise
def exercise_2(answer) -> str:
    """answer(w, s): the pair (1 + w, s - 1)."""
    for w, s in ((2.0, 7.5), (0.0, 0.0), (-1.0, 3.0), (0.5, 0.2)):
        pair = need_two(answer(w, s), "expected a pair: the scale s of w, and the w of s.")
        of_w, of_s = map(need_number, pair)
        need(
            not (close(of_w, s - 1) and close(of_s, 1 + w)),
            "the two are swapped: first the s of w, then the w of s.",
        )
        need(
            not close(of_w, w) and not close(of_s, s),
            "w = 0 is the network with a label, and s = 0 the one without: the two numbers are never the same.",
        )
        need(
            not close(of_w, w - 1) and not close(of_s, 1 + s),
            "w counts from the network with a label, s from the one without: s is larger, by 1.",
        )
        need(
            not close(of_s, 1 - s) or close(s, 1),
            "w = {w:g}: solve s = 1 + w for w; the sign of yours is turned.",
            w=w,
        )
        need(
            close(of_w, 1 + w),
            "w = {w:g}: (1 + w) eps_c - w eps_u is eps_u + s (eps_c - eps_u); compare the factors of eps_c.",
            w=w,
        )
        need(
            close(of_s, s - 1),
            "the s of w is right; for s = {s:g}, expected the w for which it comes out as s.",
            s=s,
        )
    return praise("One step apart, everywhere.")


def _classifier(D: int, classes: int):
    """log p of classes at points (B, D), and its gradient in closed form: a softmax of straight lines and squares."""
    rng = torch.Generator().manual_seed(D)
    W, b = torch.randn(classes, D, generator=rng), torch.randn(classes, generator=rng)

    def log_prob(x):
        return (x @ W.T.to(x) - x.square() @ W.square().T.to(x) / 4 + b.to(x)).log_softmax(dim=1)

    def gradient(x: Tensor, y: Tensor) -> Tensor:
        slopes = W - x[:, None] * W.square() / 2  # (B, classes, D)
        mean = (log_prob(x).exp()[:, :, None] * slopes).sum(dim=1)
        return slopes[torch.arange(len(y)), y] - mean

    return log_prob, gradient


@exercise
def exercise_3(answer) -> str:
    """answer(log_prob, x, y): the gradient of log p(y | x), (B, D)."""
    for B, D, classes in ((4, 3, 5), (3, 2, 2), (1, 4, 3)):
        rng = torch.Generator().manual_seed(B)
        x, y = torch.randn(B, D, generator=rng), torch.randint(classes, (B,), generator=rng)
        log_prob, gradient = _classifier(D, classes)

        def lent(points, log_prob=log_prob, D=D):
            points = points if isinstance(points, Tensor) else torch.as_tensor(points)
            need(
                points.dim() == 2 and points.shape[1] == D,
                "log_prob takes points (B, D), got shape {shape}.",
                shape=tuple(points.shape),
            )
            return log_prob(points)

        value = answer(lent, x, y)
        need_answer(value)
        need(
            not isinstance(value, tuple) or len(value) != 1,
            "torch.autograd.grad returns a tuple with one gradient for each input: take its first.",
        )
        value = as_tensor(value, "expected a tensor of numbers, got {kind}.").detach()
        need(
            tuple(value.shape) != (B,) or (D == 1 and B == 1),
            "this is one number a row; expected the gradient, (B, D).",
        )
        found, right = need_tensor(value, (B, D)), gradient(x, y)
        log_p = log_prob(x)[torch.arange(B), y]
        first, every = (
            gradient(x, y[:1].expand(B)),
            sum(gradient(x, torch.full_like(y, k)) for k in range(classes)),
        )
        wrong = {
            "this is the gradient of the probability, not of its logarithm.": (
                log_p.exp()[:, None] * right
            ),
            "the sign is turned: this walks away from the class.": -right,
            "this is the gradient of a mean over the rows, which divides every push by their number; take the sum.": (
                right / B
            ),
            "this adds up the gradients of all classes; pick that of y in each row.": every,
            "every row has its own class: yours takes the first y for all.": first,
            "nothing flows back: this is 0 everywhere.": torch.zeros_like(x),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "expected the gradient of log_prob(x)[row, y[row]] with respect to x, row by row.",
        )
    return praise("The direction in which the classifier becomes surer.")


@exercise
def exercise_4(answer) -> str:
    """answer(y, u, null, share): y with null where u < share, (B,)."""
    for y, u, null, share in (
        ([3, 1, 4, 1, 5], [0.05, 0.5, 0.15, 0.9, 0.19], 10, 0.2),
        ([0, 2, 1], [0.4, 0.6, 0.1], 3, 0.5),
        ([7, 8], [0.0, 0.5], 10, 0.0),
        ([7, 0], [0.3, 0.99], 10, 1.0),
    ):
        y, u = torch.tensor(y), torch.tensor(u)
        given = y.clone()
        value = answer.without_copies(y, u.clone(), null, share)
        need_answer(value)
        need(torch.equal(y, given), "y itself has changed; make a new tensor, or a copy first.")
        found = need_tensor(value, (len(y),))
        right = torch.where(u < share, torch.full_like(y, null), y)
        wrong = {
            "the wrong rows are dropped: those where u is below share.": (
                torch.where(u < share, y, torch.full_like(y, null))
            ),
            "nothing is dropped.": y,
            "all rows are dropped.": torch.full_like(y, null),
            "a dropped label becomes `null`, not 0: 0 is a class.": (
                torch.where(u < share, torch.zeros_like(y), y)
            ),
            "a dropped label becomes `null`, not minus 1.": (
                torch.where(u < share, torch.full_like(y, -1), y)
            ),
        }
        need_none_of(found, wrong, right)
        need(
            close(found, right),
            "share {share:g}, u {u}: expected {right}, got {found}.",
            share=share,
            u=[round(v, 3) for v in u.tolist()],
            right=right.tolist(),
            found=found.tolist(),
        )
    return praise("One coin for each row.")


@exercise
def exercise_5(answer) -> str:
    """answer(x, m, V, s): the guided score of the bell at m beside one at -m, (B, D)."""
    for B, D, V, s in ((5, 2, 0.5, 1.0), (4, 3, 1.5, 0.0), (3, 2, 0.4, 3.0), (6, 1, 0.8, 2.0)):
        rng = torch.Generator().manual_seed(B)
        x, m = torch.randn(B, D, generator=rng), torch.randn(D, generator=rng)
        p = torch.sigmoid(2 * x @ m / V)[:, None]

        def pull(scale, p=p, V=V, m=m, x=x):
            """The score without a label, and scale times the gradient of log p."""
            return ((2 * p - 1) * m - x) / V + scale * 2 * (1 - p) * m / V

        found, right = need_tensor(answer(x, m, V, s), (B, D)), pull(s)
        narrow = torch.sigmoid(x @ m / V)[:, None]
        wrong = {
            "this is the score of the bell at m, whatever s is.": pull(1.0),
            "this is the score without a label, whatever s is.": pull(0.0),
            "this counts s from the score with a label on: 0 should be the one without.": pull(
                1 + s
            ),
            "the walk flees the bell at m: the sign of the gradient of log p is turned.": pull(-s),
            "this guides towards the bell at -m.": pull(0.0) - s * 2 * p * m / V,
            "the division by the variance V is missing.": right * V,
            "V is a variance already; do not square it.": right / V,
            "the score points to the bells; yours points away from them.": -right,
            "the gradient of log p alone; the score without a label is missing.": right - pull(0.0),
            "the logit of p is 2 x @ m / V; the 2 is missing.": pull(s, narrow),
            "the gradient of log p is 2 (1 - p) m / V; you have 2 p m / V.": (
                pull(0.0) + s * 2 * p * m / V
            ),
            "the gradient of log p is 2 (1 - p) m / V; the 2 is missing.": pull(s / 2),
        }
        need_none_of(found, wrong, right)
        need(
            not found.isnan().any(),
            "some numbers are nan. p is torch.sigmoid(2 * x @ m / V), which never overflows.",
        )
        need(
            close(found, right),
            "s = {s:g}: expected (m (1 + 2 (s - 1) (1 - p)) - x) / V, with p = p(+ | x).",
            s=s,
        )
    far = need_tensor(
        answer(torch.tensor([[60.0, 0.0]]), torch.tensor([2.0, 0.0]), 0.5, 3.0), (1, 2)
    )
    need(
        close(far, torch.tensor([[-116.0, 0.0]])),
        "far out on the side of m there is no doubt, and guidance does nothing: at (60, 0), with m = (2, 0) and "
        "V = 0.5, expected (-116, 0). Does a large number overflow?",
    )
    return praise("Guidance pulls beyond the bell, as long as there is doubt.")
