"""The checker of notebook 00: a first exercise, to show how exercises work."""

import functools

from genlib import data
from genlib.check.verdict import NotYet, close, exercise, need, need_none_of, need_tensor, praise


@exercise
def exercise_1(mean_image) -> str:
    """mean_image(x, y, k): the average of the images x whose label y is k, shape (C, H, W)."""
    digits = _digits()
    for x, y, k in (
        (digits.x_train, digits.y_train, 3),
        (digits.x_val, digits.y_val, 8),
        (digits.x_val[:60], digits.y_val[:60], 0),
    ):
        chosen, shape = x[y == k], tuple(x.shape[1:])
        found, wanted = need_tensor(mean_image(x, y, k)), chosen.mean(dim=0)
        need(
            found.ndim > 0,
            "you averaged over pixels too and got one number. Average over the images only: dim=0.",
        )
        need(found.shape != (10,), "you got one value a class. The answer is an image.")
        need(
            tuple(found.shape) != (1, *shape),
            "that is a batch of one image, shape {found}. The image alone has shape {wanted}.",
            wanted=shape,
            found=tuple(found.shape),
        )
        need(
            tuple(found.shape) == shape,
            "the average image has shape {wanted}, yours has {found}.",
            wanted=shape,
            found=tuple(found.shape),
        )
        if close(found, wanted):
            continue
        wrong = {
            "that is the average of all images. Choose those with y == k first.": x.mean(dim=0),
            "that is the sum of the images. Divide by how many there are.": chosen.sum(dim=0),
            "you divided by the number of all images. Divide by how many have y == k.": (
                chosen.sum(dim=0) / len(x)
            ),
            "that is one image, number k. Choose all images whose label is k: x[y == k].": x[k],
            "that is the first image of class k. Average over all of them.": chosen[0],
            "that is the average of the first k images. Choose by the label: x[y == k].": (
                x[:k].mean(dim=0)
            ),
            "that is the average of the images of all other classes. Choose those with y == k.": (
                x[y != k].mean(dim=0)
            ),
            "that is the median of every pixel; the average is asked for.": chosen.median(0).values,
        }
        need_none_of(found, wrong)
        need(not found.isnan().any(), "there is a nan in your image: did you choose no image?")
        raise NotYet("the shape is right, the values are not. Is it the class k, here {k}?", k=k)
    return praise(
        "That is the average image of a class: a first, very blurred model of how its digit is written."
    )


_digits = functools.cache(data.digits)
