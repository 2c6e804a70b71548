"""The checker of notebook 00: right answers pass, every planted wrong one gets its own reason."""

import numpy as np
import torch
from checking import checker_tests

from genlib.check import ex00


def of_class(x, y, k):
    return x[y == k]


def in_a_loop(x, y, k):
    total, many = torch.zeros(x.shape[1:]), 0
    for image, label in zip(x, y, strict=True):
        if label == k:
            total += image
            many += 1
    return total / many


def summed_in_place(x, y, k):
    x[y != k] = 0
    return x.sum(dim=0).div_((y == k).sum())


RIGHT = {1: lambda x, y, k: x[y == k].mean(dim=0)}
ALSO = {
    1: [
        in_a_loop,
        summed_in_place,
        lambda x, y, k: np.mean(x.numpy()[y.numpy() == k], axis=0),
        lambda x, y, k: sum(of_class(x, y, k)) / len(of_class(x, y, k)),
        lambda x, y, k: torch.einsum("n,nchw->chw", (y == k).double() / (y == k).sum(), x.double()),
        lambda x, y, k: np.average(x, axis=0, weights=(y == k)),
    ]
}
WRONG = {
    1: [
        (lambda x, y, k: None, "returned nothing"),
        (lambda x, y, k: x[y == k].mean(), "averaged over pixels too"),
        (lambda x, y, k: x.mean(dim=0), "average of all images"),
        (lambda x, y, k: x[y == k].sum(dim=0), "sum of the images"),
        (lambda x, y, k: x[y == k].sum(dim=0) / len(x), "the number of all images"),
        (lambda x, y, k: x[k], "one image, number k"),
        (lambda x, y, k: x[y == k][0], "first image of class k"),
        (lambda x, y, k: x[:k].mean(dim=0), "first k images"),
        (lambda x, y, k: x[y != k].mean(dim=0), "all other classes"),
        (lambda x, y, k: x[y == k].median(dim=0).values, "the median"),
        (lambda x, y, k: x[y == k + 1].mean(dim=0), "Is it the class k, here 3"),
        (lambda x, y, k: x[y == 3].mean(dim=0), "Is it the class k, here 8"),
        (lambda x, y, k: x[y == 10].mean(dim=0), "did you choose no image"),
        (lambda x, y, k: x[y == k].mean(dim=0, keepdim=True), "a batch of one image"),
        (lambda x, y, k: x[y == k].mean(dim=(1, 2, 3)), "the average image has shape (1, 8, 8)"),
        (lambda x, y, k: torch.stack([x[y == c].mean() for c in range(10)]), "one value a class"),
        (lambda x, y, k: x[y == k].mean(dim=1), "has shape"),
        (lambda x, y, k: x.nothing, "raised AttributeError"),
    ],
}
globals().update(checker_tests(ex00, RIGHT, ALSO, WRONG))


def test_a_wrong_answer_says_not_yet():
    assert repr(ex00.exercise_1(lambda x, y, k: x)).startswith("Not yet: the average image")


def test_an_empty_stub_is_no_mistake():
    shown = ex00.exercise_1(lambda x, y, k: ...)
    assert not shown.ok and repr(shown).startswith("Your turn: your function returned nothing")
    assert "gl-your-turn" in shown._repr_html_() and "&#10007;" not in shown._repr_html_()
