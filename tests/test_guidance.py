"""A network under a condition is a network again: the labels arrive, row by row, wherever a model asks its network."""

import pytest
import torch
from torch import nn
from torch.testing import assert_close

from genlib.ddpm import DDPM, linear_beta
from genlib.guidance import Given
from genlib.likelihood import bound_term
from genlib.nets import UNet


class Sum(nn.Module):
    """x_t, a weight, the time and the condition of each row, added up."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.tensor([0.5]))

    def forward(self, x_t, t, y):
        return x_t * self.w + (t + y.view(len(y), -1).sum(dim=1))[:, None]


x, t = torch.randn(3, 2), torch.tensor([1, 2, 3])


def test_every_row_has_its_condition():
    y = torch.tensor([10, 20, 30])
    assert_close(Given(Sum(), y)(x, t), 0.5 * x + torch.tensor([[11.0], [22.0], [33.0]]))
    text = torch.tensor([[1, 2], [3, 4], [5, 6]])  # a condition may have more axes than one
    assert_close(Given(Sum(), text)(x, t), 0.5 * x + torch.tensor([[4.0], [9.0], [14.0]]))


def test_one_condition_serves_all_rows():
    one = Given(Sum(), torch.tensor([7]))
    assert_close(one(x, t), Given(Sum(), torch.tensor([7, 7, 7]))(x, t))
    assert_close(one(x[:1], t[:1]), one(x, t)[:1])
    text = Given(Sum(), torch.tensor([[1, 2]]))
    assert_close(text(x, t), Given(Sum(), torch.tensor([[1, 2]] * 3))(x, t))


def test_too_few_conditions_and_what_is_none_are_named():
    with pytest.raises(ValueError, match=r"y: expected shape \(B ...\) with {'B': 3}, got \(2,\)"):
        Given(Sum(), torch.tensor([1, 2]))(x, t)
    with pytest.raises(ValueError, match="y: expected shape"):
        Given(Sum(), torch.tensor([1, 2, 3, 4]))(x, t)
    with pytest.raises(TypeError, match="y: expected a torch.Tensor, got 3"):
        Given(Sum(), 3)
    with pytest.raises(ValueError, match="y: expected whole numbers from 0 to 3, got 0 to 4"):
        Given(UNet((1, 4, 4), (8, 8), classes=4), torch.tensor([0, 4]))(
            torch.zeros(2, 1, 4, 4), t[:2]
        )


def test_the_network_inside_is_the_one_that_was_given():
    net = Sum()
    given = Given(net, torch.tensor([1]))
    assert given.net is net and list(given.parameters()) == [net.w]
    assert list(given.state_dict()) == ["net.w"]  # the condition is no weight
    assert given.double().y.dtype == torch.int64 and not given.eval().net.training


@pytest.mark.parametrize("predicts", ["eps", "x_0", "v"])
def test_a_model_asks_the_network_under_its_condition_everywhere(predicts):
    y = torch.tensor([1, 2, 3])
    model = DDPM(Sum(), linear_beta(5, beta_T=0.5), predicts=predicts)
    told = model.replace(net=Given(model.net, y))

    class Written(nn.Module):
        def forward(self, x_t, t):
            return x_t * 0.5 + (t + y)[:, None]

    expected = model.replace(net=Written())
    noise = torch.randn(3, 2)
    rng = torch.Generator()
    for call in (
        lambda m: m.predict(x, t)[0],
        lambda m: m.predict(x, t)[1],
        lambda m: m.p_step(x, 4, noise),
        lambda m: m.ddim_step(x, 4, 2, 0.5, noise),
        lambda m: m.sample(3, (2,), rng.manual_seed(0)),
        lambda m: m.ddim(3, (2,), 3, 1.0, rng.manual_seed(0)),
        lambda m: m.loss(x, t=t, eps=noise)["loss"],
        lambda m: bound_term(m, x.sign(), t, noise, 3),
    ):
        assert_close(call(told), call(expected))
