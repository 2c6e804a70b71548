"""The checker of notebook 00: a first exercise, to show how exercises work."""

import torch

from genlib.check.verdict import exercise, need, need_answer, praise
from genlib.data import digits


@exercise
def exercise_1(mean_image) -> str:
    """mean_image(x, y, k): the average of the images x whose label y is k, shape (C, H, W)."""
    data = digits()
    x, y = data.x_train, data.y_train
    answer = mean_image(x, y, 3)
    need_answer(answer)
    need(
        isinstance(answer, torch.Tensor),
        "expected a tensor, got {kind}.",
        kind=type(answer).__name__,
    )
    everything, wanted = x.mean(dim=0), x[y == 3].mean(dim=0)
    need(
        answer.ndim > 0,
        "you averaged over pixels too and got one number. Average over the images only: dim=0.",
    )
    need(answer.shape != (10,), "you got one value a class. The answer is an image.")
    need(
        answer.shape == wanted.shape,
        "the average image has shape {wanted}, yours has {found}.",
        wanted=tuple(wanted.shape),
        found=tuple(answer.shape),
    )
    need(
        not torch.allclose(answer, everything),
        "that is the average of all images. Choose those with y == k first.",
    )
    total = x[y == 3].sum(dim=0)
    need(
        not torch.allclose(answer, total),
        "that is the sum of the images. Divide by how many there are.",
    )
    need(
        torch.allclose(answer, wanted, atol=1e-5),
        "the shape is right, the values are not. Is it the class k?",
    )
    return praise("That is the average 3: a first, very blurred model of how a 3 is written.")
