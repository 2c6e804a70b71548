import pytest

from genlib.check import ex00


def right(x, y, k):
    return x[y == k].mean(dim=0)


def test_the_right_answer_passes():
    assert ex00.exercise_1(right).ok


@pytest.mark.parametrize(
    ("answer", "diagnosis"),
    [
        (lambda x, y, k: None, "returned nothing"),
        (lambda x, y, k: x[y == k].mean(), "averaged over pixels too"),
        (lambda x, y, k: x.mean(dim=0), "average of all images"),
        (lambda x, y, k: x[y == k].sum(dim=0), "sum of the images"),
        (lambda x, y, k: x[y == k + 1].mean(dim=0), "Is it the class k"),
        (lambda x, y, k: x[y == k].mean(dim=1), "has shape"),
        (lambda x, y, k: x.nothing, "raised AttributeError"),
    ],
)
def test_a_wrong_answer_is_told_why(answer, diagnosis):
    verdict = ex00.exercise_1(answer)
    assert not verdict.ok and diagnosis in verdict.message
    assert "Not yet." in repr(verdict)
