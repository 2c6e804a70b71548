"""The checkers of notebook 02a: the right answer passes, every planted wrong one gets its own reason."""

import torch
from checking import checker_tests

from genlib.autoencoder import principal_angles
from genlib.check import ex02a


def power(x):
    return x.square().flatten(1).sum(dim=1).mean()


def rest(x, u):
    return (x - (x @ u)[:, None] * u).square().sum(dim=1).mean()


def centred(x):
    return x - x.mean(dim=0)


def cosines(U, V):
    return torch.linalg.svdvals(torch.linalg.qr(U).Q.T @ torch.linalg.qr(V).Q)


def unit(U):
    return torch.nn.functional.normalize(U, dim=0)


def shared(U, V):
    return principal_angles(U, V).max() < 1e-3


def columns(U, V):
    return (unit(U) * unit(V)).sum(dim=0).arccos().rad2deg().max()


def pairs(normal, strange):
    more = strange[:, None] - normal
    return (more > 0).double().mean(), (more == 0).double().mean()


def auroc(normal, strange):
    above, ties = pairs(normal, strange)
    return above + ties / 2


def on_line(model, a, b, t):
    z_a, z_b = model.encode(torch.stack([a, b]))
    return model.decode((1 - t[:, None]) * z_a + t[:, None] * z_b)


def faded(a, b, n):
    t = torch.linspace(0, 1, n)[:, None, None, None]
    return (1 - t) * a + t * b


RIGHT = {
    1: lambda x, x_hat: 1 - power(x_hat - x) / power(centred(x)),
    2: lambda x, v: rest(centred(x), v / v.norm()),
    3: lambda U, V: cosines(U, V).clamp(max=1).min().arccos().rad2deg(),
    4: lambda x, W, m: m + (x - m) @ W.T @ W,
    5: auroc,
    6: lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, n)),
}

WRONG = {  # exercise -> [(planted wrong answer, words of its diagnosis)]
    1: [
        (lambda x, x_hat: power(x_hat - x) / power(centred(x)), "the share that is lost"),
        (lambda x, x_hat: 1 - power(x_hat - x) / power(x), "from the mean image"),
        (lambda x, x_hat: 1 - power(x_hat - x) / power(x - x.mean()), "its own mean"),
        (lambda x, x_hat: 1 - power(x_hat - x), "divide the error by"),
        (lambda x, x_hat: 1 - (x_hat - x).square().mean() / power(centred(x)), "treat both alike"),
        (lambda x, x_hat: power(centred(x_hat)) / power(centred(x)), "vary a lot and be wrong"),
        (lambda x, x_hat: 0.9, "expected 0."),
        (lambda x, x_hat: x_hat, "expected one number"),
    ],
    2: [
        (lambda x, v: rest(centred(x), v), "need not have length 1"),
        (lambda x, v: rest(x, v / v.norm()), "subtract the mean first"),
        (lambda x, v: rest(x, v), "two things"),
        (lambda x, v: (centred(x) @ v / v.norm()).square().mean(), "the part that is kept"),
        (lambda x, v: len(x) * rest(centred(x), v / v.norm()), "the mean over the points"),
        (lambda x, v: rest(centred(x), v / v.norm()) / 3, "the mean over the points"),
        (lambda x, v: rest(centred(x), v / v.norm()) * len(x) / (len(x) - 1), "N - 1"),
        (lambda x, v: 0.0, "expected "),
    ],
    3: [
        (lambda U, V: principal_angles(U, V).deg2rad().max(), "radians"),
        (lambda U, V: cosines(U, V).min(), "take the arccosine"),
        (lambda U, V: principal_angles(U, V).min(), "the smallest angle"),
        (
            lambda U, V: (
                torch.linalg.svdvals(unit(U).T @ unit(V)).clamp(max=1).min().arccos().rad2deg()
            ),
            "torch.linalg.qr",
        ),
        (columns, "column with column"),
        (lambda U, V: float("nan"), "nan"),
        (lambda U, V: 45.0, "expected "),
        (
            lambda U, V: principal_angles(U, V).max() if not shared(U, V) else 3.0,
            "one and the same subspace",
        ),
    ],
    4: [
        (lambda x, W, m: (x - m) @ W.T, "these are the codes"),
        (lambda x, W, m: x @ W.T @ W, "the mean plays no part"),
        (lambda x, W, m: m + x @ W.T @ W, "encoded x itself"),
        (lambda x, W, m: (x - m) @ W.T @ W, "add the mean again"),
        (lambda x, W, m: m + (x - m) @ torch.linalg.pinv(W) @ W, "pseudo-inverse"),
        (lambda x, W, m: x, "the values are not"),
        (lambda x, W, m: W @ W.T, "expected the shape"),
    ],
    5: [
        (lambda normal, strange: auroc(strange, normal), "upside down"),
        (lambda normal, strange: pairs(normal, strange)[0], "count for nothing"),
        (lambda normal, strange: sum(pairs(normal, strange)), "count in full"),
        (lambda normal, strange: 20 * auroc(normal, strange), "the number of pairs"),
        (lambda normal, strange: (strange > normal.mean()).double().mean(), "one threshold"),
        (lambda normal, strange: 0.9, "expected 0."),
    ],
    6: [
        (lambda model, a, b, n: faded(a, b, n), "the double exposure"),
        (
            lambda model, a, b, n: faded(*model.reconstruct(torch.stack([a, b])), n),
            "mixed the pictures",
        ),
        (lambda model, a, b, n: model.reconstruct(faded(a, b, n)), "mixed the pixels"),
        (
            lambda model, a, b, n: on_line(model, b, a, torch.linspace(0, 1, n)),
            "runs backwards",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.arange(n) / n),
            "must be the reconstruction of b",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.arange(1, n + 1) / n),
            "must be the reconstruction of a",
        ),
        (
            lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, n) ** 2),
            "the steps must be equal",
        ),
        (lambda model, a, b, n: on_line(model, a, b, torch.linspace(0, 1, 3)), "expected shape"),
    ],
}


(
    test_the_right_answer_passes,
    test_a_wrong_answer_gets_its_own_reason,
    test_the_empty_stub_is_told_to_begin,
) = checker_tests(ex02a, RIGHT, WRONG)
