"""The loop: it takes the steps it promises, learns, and reports every term."""

import itertools

import pytest
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

from genlib.train import batches, cycle, fit, train_steps


class Line(nn.Module):
    """y = w x with a squared error: a model whose answer is known."""

    def __init__(self):
        super().__init__()
        self.w = nn.Parameter(torch.zeros(1))

    def loss(self, x, y):
        error = (self.w * x - y).square().mean()
        return {"loss": error, "w": self.w.sum()}


x = torch.linspace(-1, 1, 20)
y = 3 * x


def test_fit_finds_the_slope_and_keeps_the_history():
    model = Line()
    history = fit(model, batches(x, y, size=20), 200, lr=0.1)
    assert model.w.item() == pytest.approx(3, abs=0.01)
    assert {name: len(values) for name, values in history.items()} == {"loss": 200, "w": 200}
    assert (
        history["loss"][0] == pytest.approx(y.square().mean().item()) and history["loss"][-1] < 1e-3
    )
    assert not model.training


def test_nothing_happens_until_the_steps_are_taken():
    model = Line()
    steps = train_steps(model, batches(x, y, size=5), 3, lr=0.1)
    assert model.w.item() == 0
    next(steps)
    assert model.w.item() == pytest.approx(0.1, abs=1e-4)  # Adam's first step has the length of lr
    assert len(list(steps)) == 2


def test_the_learning_rate_falls_to_zero_when_annealed():
    model, places = Line(), []
    for terms in train_steps(model, batches(x, 1000 * y, size=20), 50, lr=0.1, anneal=True):
        places.append(terms["w"])
    moves = torch.tensor(places).diff().abs()
    assert moves[0] > 0.09 and moves[-1] < 0.002


def test_the_fall_can_be_kept_for_the_last_share_of_the_steps():
    def moves(anneal):
        steps = train_steps(Line(), batches(x, 1e6 * y, size=20), 40, lr=0.1, anneal=anneal)
        return torch.tensor([terms["w"] for terms in steps]).diff()

    late = moves(0.5)
    torch.testing.assert_close(late[:19], moves(False)[:19])  # as without, then half a cosine
    cosine = (1 + torch.cos(torch.pi * torch.arange(1, 19) / 20)) / 2
    torch.testing.assert_close(late[21:] / late[0], cosine, atol=1e-3, rtol=0)
    with pytest.raises(ValueError, match=r"anneal: expected a share in \[0, 1\], got 2"):
        next(train_steps(Line(), batches(x, y, size=5), 3, anneal=2))


def test_weight_decay_is_decoupled_from_the_gradient():
    model = Line()
    nn.init.ones_(model.w)
    list(train_steps(model, batches(0 * x, 0 * y, size=20), 1, lr=0.1, weight_decay=0.5))
    assert model.w.item() == pytest.approx(1 - 0.1 * 0.5)


def test_batches_visit_every_row_once_a_pass_and_follow_the_seed():
    def rows(seed):
        return list(
            itertools.islice(
                batches(torch.arange(20), size=5, rng=torch.Generator().manual_seed(seed)), 8
            )
        )

    one = torch.cat([batch[0] for batch in rows(0)])
    assert one[:20].sort().values.tolist() == one[20:].sort().values.tolist() == list(range(20))
    assert one[:20].tolist() != one[20:].tolist()
    assert one.tolist() == torch.cat([batch[0] for batch in rows(0)]).tolist()
    assert one.tolist() != torch.cat([batch[0] for batch in rows(1)]).tolist()


def test_batches_keep_rows_together_and_refuse_what_cannot_be():
    a, b = next(batches(x, y, size=7))
    assert len(a) == 7 and torch.equal(b, 3 * a)
    with pytest.raises(ValueError, match="tensors: expected equal lengths of at least 7"):
        batches(x, y[:-1], size=7)
    with pytest.raises(ValueError, match="tensors: expected equal lengths of at least 21"):
        batches(x, size=21)


def test_cycle_goes_round_a_loader_and_stops_with_an_empty_one():
    loader = DataLoader(TensorDataset(x), batch_size=8)
    assert [len(batch[0]) for batch in cycle(loader, 7)] == [8, 8, 4, 8, 8, 4, 8]
    with pytest.raises(ValueError, match="loader: expected 5 batches, got 3"):
        list(cycle(iter([1, 2, 3]), 5))
    assert list(cycle(iter([1, 2, 3]), 3)) == [1, 2, 3]


def test_progress_is_shown_only_with_a_title(capsys, monkeypatch):
    monkeypatch.setenv("GENLIB_STATIC", "1")
    fit(Line(), batches(x, y, size=5), 3)
    assert capsys.readouterr().out == ""
    fit(Line(), batches(x, y, size=5), 3, title="line")
    assert capsys.readouterr().out.startswith("line: 3 steps")
