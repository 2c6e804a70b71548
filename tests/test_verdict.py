"""The harness of the checkers: whose error it is, what is lent, and in which forms an answer may come."""

import math

import numpy as np
import pytest
import torch

from genlib.check import verdict
from genlib.check.verdict import NotYet, exercise, need, need_number, need_tensor, need_two, praise


@exercise
def double(answer) -> str:
    x = torch.tensor([1.0, 2.0])
    found = need_tensor(answer(x), (2,))
    need(verdict.close(found, 2 * x), "expected twice as much.")
    return praise("Twice.")


def test_what_the_learner_raises_is_told_as_the_learners():
    assert double(lambda x: 2 * x).ok
    assert double(lambda x: x.nothing).message.startswith("your code raised AttributeError")
    assert double(lambda: 1).message.startswith("your code raised TypeError")
    assert double(lambda x: exit(2)).message == "your code raised SystemExit: 2"


@pytest.mark.parametrize(
    ("slip", "hint"),
    [
        (lambda x: x * torch.ones(2, 3), "`a[:, None]`"),
        (lambda x: x.numpy() * np.ones((2, 3)), "`a[:, None]`"),
        (lambda x: x * (0.5).sqrt(), "a ** 0.5"),
        (lambda x: x * torch.sqrt(0.5), "a ** 0.5"),
        (lambda x: x * math.sqrt(-1), "a negative number"),
        (lambda x: x * math.log(0), "a logarithm of 0"),
    ],
)
def test_the_commonest_errors_are_told_with_a_hint(slip, hint):
    message = double(slip).message
    assert message.startswith("your code raised ") and hint in message


def test_a_value_in_the_place_of_a_function():
    for value in (None, ..., 3.0, torch.zeros(2)):
        assert "your function itself" in double(value).message


def test_what_the_check_raises_is_not_told_as_the_learners():
    @exercise
    def broken(answer) -> str:
        answer()
        return praise("{found}", found=1 / 0)

    found = broken(lambda: 1)
    assert not found.ok and "this check itself failed (ZeroDivisionError" in found.message
    assert "your code" not in found.message and "may be right" in found.message


def test_a_verdict_shows_itself():
    shown = {"Right. Twice.": 2, "Not yet: expected twice": 3, "Your turn: your function": None}
    for words, factor in shown.items():
        verdict_ = double(lambda x, factor=factor: factor and factor * x)
        assert repr(verdict_).startswith(words)
    assert "gl-your-turn" in verdict_._repr_html_()


def test_an_interrupt_ends_the_check():
    def stop(x):
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        double(stop)


def test_a_function_that_the_learner_returns_is_a_learners_function():
    @exercise
    def check(answer) -> str:
        need(need_number(answer()(3)) == 9, "expected 9.")
        return praise("Nine.")

    assert check(lambda: lambda x: x**2).ok
    assert check(lambda: lambda x: x.nothing).message.startswith("your code raised AttributeError")


def test_what_is_lent_is_a_copy():
    def in_place(x):
        x *= 2
        return x

    assert double(in_place).ok
    x = {"a": [torch.zeros(2), (np.zeros(2), 1)]}

    def spoil(x):
        x["a"][0][0] = 1
        x["a"][1][0][0] = 1
        x["a"].clear()

    verdict.Answer(spoil)(x)
    assert x["a"][0].tolist() == [0, 0] and x["a"][1][0].tolist() == [0, 0]
    verdict.Answer(spoil).without_copies(x)
    assert x["a"] == []


def test_gradients_pass_through_the_copy():
    x = torch.ones(2, requires_grad=True)
    z = verdict.Answer(lambda x: 3 * x)(x)
    assert torch.autograd.grad(z.sum(), x)[0].tolist() == [3, 3]


def test_a_module_is_not_wrapped():
    net = torch.nn.Linear(1, 1)

    @exercise
    def check(answer) -> str:
        need(answer is net, "another one.")
        return praise("The same.")

    assert check(net).ok


@pytest.mark.parametrize(
    "value",
    [
        [[1.0, 2.0], [3.0, 4.0]],
        ([1, 2.0], [3, 4]),
        [torch.tensor([1.0, 2.0]), torch.tensor([3.0, 4.0])],
        [[torch.tensor(1.0), 2.0], [np.float64(3), torch.tensor([4.0])[0]]],
        np.array([[1.0, 2.0], [3.0, 4.0]]),
        [np.array([1.0, 2.0]), np.array([3.0, 4.0])],
        torch.tensor([[1.0, 2.0], [3.0, 4.0]], dtype=torch.float64),
    ],
)
def test_a_tensor_comes_in_any_form(value):
    found = need_tensor(value, (2, 2))
    assert found.is_floating_point() or value == ([1, 2.0], [3, 4])
    assert found.tolist() == [[1, 2], [3, 4]]
    if not isinstance(value, tuple):
        assert found.dtype == torch.float32


@pytest.mark.parametrize(
    "value", [2, 2.0, np.float64(2), np.array([2.0]), [2.0], (2,), torch.tensor(2), [[2]]]
)
def test_a_number_comes_in_any_form(value):
    assert need_number(value) == 2
    assert need_number(torch.tensor(2.0, requires_grad=True)) == 2


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ("2", "expected one number, got str"),
        ({}, "expected one number, got dict"),
        ([1, 2], "got 2 of them"),
        ([], "got 0 of them"),
        (None, "returned nothing"),
        (..., "returned nothing"),
    ],
)
def test_what_is_no_number(value, words):
    with pytest.raises(NotYet, match=words):
        need_number(value)


@pytest.mark.parametrize(
    ("value", "words"),
    [
        ([[1, 2], [3]], "expected a tensor of numbers, got list"),
        ([1, "a"], "expected a tensor of numbers"),
        ("abc", "got str"),
        (1j, "got complex"),
        (torch.eye(2).to_sparse(), "got Tensor"),
        (torch.zeros(3), r"expected shape \(2,\), got \(3,\)"),
        (1.0, r"expected shape \(2,\), got \(\)"),
    ],
)
def test_what_is_no_tensor(value, words):
    with pytest.raises(NotYet, match=words):
        need_tensor(value, (2,))
    with pytest.raises(NotYet, match=r"expected shape \(\), got"):
        need_tensor(torch.zeros(3), ())


@pytest.mark.parametrize("value", [(1, 2), [1, 2], np.array([1, 2]), torch.tensor([1, 2])])
def test_two_things_come_in_any_form(value):
    a, b = need_two(value, "return two things.")
    assert (a, b) == (1, 2)


@pytest.mark.parametrize("value", [1, (1,), (1, 2, 3), torch.tensor(1), "ab", {1: 2, 3: 4}])
def test_what_is_not_two_things(value):
    with pytest.raises(NotYet, match="return two things"):
        need_two(value, "return two things.")
    with pytest.raises(NotYet, match="returned nothing"):
        need_two((1, None), "return two things.")
