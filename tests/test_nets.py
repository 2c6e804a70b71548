"""Every network against its forward pass written out in plain tensor operations, with weights that are all alive."""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import nn
from torch.testing import assert_close

from genlib.nets import (
    Condition,
    Flatten,
    Fourier,
    InBfloat16,
    ResidualBlock,
    ResidualMLP,
    TimeEmbedding,
    UNet,
    UNetTrunk,
    image_decoder,
    image_encoder,
    mlp,
    zero_init,
)

# --- plain layers --------------------------------------------------------------------------------------------


def test_mlp_is_the_formula():
    net, x = mlp((3, 5, 2)), torch.randn(7, 3)
    (W1, b1, W2, b2) = net.parameters()
    hidden = x @ W1.T + b1
    assert_close(net(x), (hidden * hidden.sigmoid()) @ W2.T + b2)


def test_one_layer_is_linear():
    assert [type(layer) for layer in mlp((3, 2))] == [nn.Linear]


def test_norm_and_dropout_stand_after_every_hidden_layer_only():
    kinds = [type(layer) for layer in mlp((3, 4, 5, 2), norm=True, dropout=0.1)]
    hidden = [nn.Linear, nn.BatchNorm1d, nn.SiLU, nn.Dropout]
    assert kinds == [*hidden, *hidden, nn.Linear]


def test_another_activation_takes_the_place_of_every_one():
    kinds = [type(layer) for layer in mlp((3, 4, 5, 2), activation=nn.ReLU)]
    assert kinds == [nn.Linear, nn.ReLU, nn.Linear, nn.ReLU, nn.Linear]


@pytest.mark.parametrize("shape", [(1, 8, 8), (3, 16, 16), (2,)])
def test_encoder_and_decoder_fit_together(shape):
    x = torch.rand(6, *shape)
    z = image_encoder(shape, 32, 5)(x)
    assert z.shape == (6, 5)
    assert image_decoder(5, 32, shape)(z).shape == x.shape


@pytest.mark.parametrize("options", [{}, {"norm": True, "dropout": 0.25}])
def test_every_option_reaches_the_layers(options):
    encoder, decoder = image_encoder((2, 3, 4), 5, 6, **options), mlp((24, 5, 5, 6), **options)
    assert str(encoder) == str(nn.Sequential(Flatten((2, 3, 4)), *decoder))
    for activation in (nn.SiLU, nn.ReLU):
        decoder = image_decoder(6, 5, (2, 3, 4), activation=activation, **options)
        layers = mlp((6, 5, 5, 24), activation=activation, **options)
        assert str(decoder) == str(nn.Sequential(*layers, nn.Unflatten(1, (2, 3, 4))))


def test_images_of_another_shape_are_not_taken_for_its_own():
    assert Flatten((1, 4, 4))(torch.arange(32.0).view(2, 1, 4, 4)).tolist()[1][0] == 16
    with pytest.raises(ValueError, match=r"x: expected shape \(B 1 4 4\), got \(2, 1, 2, 8\)"):
        image_encoder((1, 4, 4), 5, 6)(torch.zeros(2, 1, 2, 8))


def test_too_few_sizes_are_named():
    with pytest.raises(ValueError, match=r"sizes: expected an input .*got \(3,\)"):
        mlp((3,))


def test_fourier_features_are_sines_and_cosines_of_doubling_frequencies():
    x = torch.randn(5, 2)
    features = Fourier(3, lowest=1.5)(x)
    expected = [x]
    for wave in (torch.sin, torch.cos):
        for column in (0, 1):
            expected += [
                wave(w * x[:, column : column + 1]) / math.sqrt(w / 1.5) for w in (1.5, 3.0, 6.0)
            ]
    assert_close(features, torch.cat(expected, dim=1))
    assert torch.equal(Fourier(0)(x), x)


# --- networks that are told the time -------------------------------------------------------------------------


def alive(net):
    """The network with every weight, also those that start at 0, drawn at random; and its weights by name."""
    for p in net.parameters():
        nn.init.normal_(p, std=0.3)
    for layer in net.modules():
        if isinstance(layer, Condition) and layer.words:  # but for no word
            layer.word.weight.data[0] = 0
    return net.eval(), {name: value.detach() for name, value in net.state_dict().items()}


def linear(w, name, x):
    return x @ w[f"{name}.weight"].T + w[f"{name}.bias"]


def silu(x):
    return x / (1 + torch.exp(-x))


def conv(w, name, x, stride=1, padding=1):
    return F.conv2d(x, w[f"{name}.weight"], w[f"{name}.bias"], stride=stride, padding=padding)


def group_norm(w, name, x):
    """Eight groups of channels, each with mean 0 and variance 1 in every image; then every channel its own scale."""
    B, C, H, W = x.shape
    groups = x.reshape(B, 8, -1)
    off = groups - groups.mean(dim=2, keepdim=True)
    normed = off / (off.square().mean(dim=2, keepdim=True) + 1e-5).sqrt()
    scale, shift = (w[f"{name}.{part}"].view(C, 1, 1) for part in ("weight", "bias"))
    return normed.view(B, C, H, W) * scale + shift


def time_by_hand(w, name, t, waves=32):
    """sin and cos of t at frequencies from 1 down to 1 / 10,000 (which is not reached), and two layers."""
    frequencies = [10_000 ** (-i / waves) for i in range(waves)]
    angles = torch.tensor([[time * each for each in frequencies] for time in t.tolist()])
    hidden = linear(w, f"{name}.net.0", torch.cat([angles.sin(), angles.cos()], dim=1))
    return linear(w, f"{name}.net.2", silu(hidden))


def block_by_hand(w, name, x, e):
    scale, shift = linear(w, f"{name}.scale_shift", e)[:, :, None, None].tensor_split(2, dim=1)
    h = conv(w, f"{name}.conv_1", silu(group_norm(w, f"{name}.norm_1", x)))
    h = conv(w, f"{name}.conv_2", silu(group_norm(w, f"{name}.norm_2", h) * (1 + scale) + shift))
    changes = f"{name}.shortcut.weight" in w
    return h + (conv(w, f"{name}.shortcut", x, padding=0) if changes else x)


def patches_by_hand(x, patch):
    """Squares of pixels as pixels with more channels, (B, C patch^2, H / patch, W / patch)."""
    parts = [x[:, :, i::patch, j::patch] for i in range(patch) for j in range(patch)]
    return torch.stack(parts, dim=2).flatten(1, 2)


def unet_by_hand(w, x, t, y=None, patch=1):
    """The U-Net out of its weights alone; both nearest neighbours and patches are indexing."""
    e = silu(time_by_hand(w, "time", t) + condition_by_hand(w, "condition", y))
    x = patches_by_hand(x, patch)
    fine = block_by_hand(w, "down_1", conv(w, "first", x), e)
    coarse = block_by_hand(w, "down_2", conv(w, "to_half", fine, stride=2), e)
    coarse = conv(w, "to_full.0", block_by_hand(w, "up_2", coarse, e))
    wide = coarse.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)
    h = block_by_hand(w, "up_1", torch.cat([wide, fine], dim=1), e)
    h = conv(w, "last.2", silu(group_norm(w, "last.0", h)))
    B, C, H, W = h.shape
    out = torch.empty(B, C // patch**2, H * patch, W * patch)
    for k in range(patch**2):
        out[:, :, k // patch :: patch, k % patch :: patch] = h[:, k :: patch**2]
    return out


t = torch.tensor([1, 37, 500, 1000])


def test_the_time_embedding_is_the_formula():
    net, w = alive(TimeEmbedding(6, waves=4))
    w = {f"time.{name}": value for name, value in w.items()}
    assert_close(net(t), time_by_hand(w, "time", t, waves=4), rtol=1e-4, atol=1e-4)
    assert_close(TimeEmbedding(6).w, torch.tensor([10_000 ** (-i / 32) for i in range(32)]))


@pytest.mark.parametrize("n_in, n_out", [(8, 8), (16, 8), (8, 24)])
def test_a_residual_block_is_the_formula(n_in, n_out):
    block, w = alive(ResidualBlock(n_in, n_out, 5))
    x, e = torch.randn(3, n_in, 4, 6), torch.randn(3, 5)
    w = {f"it.{name}": value for name, value in w.items()}
    assert_close(block(x, e), block_by_hand(w, "it", x, e), rtol=1e-4, atol=1e-4)
    fresh = ResidualBlock(n_in, n_out, 5)
    assert_close(fresh(x, e), fresh.shortcut(x))  # a correction that starts at zero


LABEL, TEXT = torch.tensor([2, 0, 1, 2]), torch.tensor([[1, 4], [2, 0], [3, 3], [0, 0]])
CONDITIONS = {"none": ({}, None), "classes": ({"classes": 3}, LABEL), "words": ({"words": 4}, TEXT)}


def condition_by_hand(w, name, y):
    """The row of the table that belongs to a label; of words the rows added up, without those of no word."""
    if y is None:
        return 0
    if y.dim() == 1:
        return torch.stack([w[f"{name}.label.weight"][k] for k in y])
    table = w[f"{name}.word.weight"]
    zero = torch.zeros(table.shape[1])
    return torch.stack([sum((table[k] for k in row if k), start=zero) for row in y])


@pytest.mark.parametrize("told", CONDITIONS)
@pytest.mark.parametrize("octaves", [None, 0, 3])
def test_a_residual_mlp_is_the_formula(octaves, told):
    features = None if octaves is None else Fourier(octaves)
    options, y = CONDITIONS[told]
    net, w = alive(ResidualMLP(2, width=6, blocks=2, features=features, **options))
    x = torch.randn(4, 2)
    seen = [x]
    for wave in (torch.sin, torch.cos):
        for column in (0, 1):
            for w_k in (1.5 * 2**k for k in range(octaves or 0)):
                seen.append(wave(w_k * x[:, column : column + 1]) / math.sqrt(w_k / 1.5))
    h = linear(w, "first", torch.cat(seen, dim=1)) + time_by_hand(w, "time", t)
    h = h + condition_by_hand(w, "condition", y)
    for k in range(2):
        off = h - h.mean(dim=1, keepdim=True)
        normed = off / (off.square().mean(dim=1, keepdim=True) + 1e-5).sqrt()
        normed = normed * w[f"blocks.{k}.0.weight"] + w[f"blocks.{k}.0.bias"]
        h = h + linear(w, f"blocks.{k}.3", silu(linear(w, f"blocks.{k}.1", normed)))
    assert_close(net(x, t, y), linear(w, "last", h), rtol=1e-4, atol=1e-4)
    assert ResidualMLP(2, **options)(x, t, y).abs().max() == 0


SIZES = [((1, 8, 8), (8, 16), 1), ((2, 8, 12), (16, 8), 2), ((1, 12, 12), (8, 8), 3)]


@pytest.mark.parametrize("told", CONDITIONS)
@pytest.mark.parametrize("shape, widths, patch", SIZES)
def test_the_u_net_is_the_formula(shape, widths, patch, told):
    options, y = CONDITIONS[told]
    net, w = alive(UNet(shape, widths, patch=patch, **options))
    x = torch.randn(4, *shape)
    found = net(x, t) if y is None else net(x, t, y)
    assert_close(found, unet_by_hand(w, x, t, y, patch), rtol=1e-3, atol=1e-3)
    assert found.shape == x.shape and found.std() > 0.1
    silent = UNet(shape, widths, patch=patch, **options)
    assert silent(x, t, y).abs().max() == 0


@pytest.mark.parametrize("shape, widths, patch", SIZES)
def test_the_way_down_is_the_formula(shape, widths, patch):
    net, w = alive(UNetTrunk(shape, 5, widths, patch=patch))
    x = torch.randn(4, *shape)
    e = silu(time_by_hand(w, "time", t))
    fine = block_by_hand(w, "down_1", conv(w, "first", patches_by_hand(x, patch)), e)
    coarse = block_by_hand(w, "down_2", conv(w, "to_half", fine, stride=2), e)
    flat = silu(group_norm(w, "last.0", coarse)).reshape(4, -1)
    assert flat.shape[1] == widths[1] * shape[1] * shape[2] // (2 * patch) ** 2
    assert_close(net(x, t), linear(w, "last.3", flat), rtol=1e-3, atol=1e-3)
    assert (net(x, t.flip(0)) - net(x, t)).abs().max() > 1e-3  # it is told the time
    assert set(UNet(shape, widths).state_dict()) > {k for k in w if not k.startswith("last")}


# --- conditions ----------------------------------------------------------------------------------------------


def test_the_order_of_words_is_lost_and_no_word_adds_nothing():
    net = Condition(6, words=4)
    y = torch.tensor([[1, 2, 3], [3, 1, 2], [2, 3, 1], [0, 0, 0], [4, 4, 0], [0, 4, 0]])
    found = net(y, 6)
    assert_close(found[1:3], found[:1].expand(2, 6))
    assert found[3].abs().max() == 0
    assert_close(found[4], 2 * found[5])  # but how often is not lost
    assert not torch.allclose(found[0], found[5])
    assert_close(net(y[:, :2], 6)[4], found[4])  # captions of any length


def test_no_word_is_still_nothing_after_training():
    net = ResidualMLP(2, width=8, words=3)
    optimiser = torch.optim.AdamW(net.parameters(), lr=0.1, weight_decay=0.1)
    y, before = torch.tensor([[1, 0], [0, 0], [3, 2]]), net.condition.word.weight.clone()
    for _ in range(5):
        optimiser.zero_grad()
        (net(torch.randn(3, 2), torch.tensor([1, 2, 3]), y) - 1).square().sum().backward()
        optimiser.step()
    assert net.condition.word.weight[0].abs().max() == 0
    moved = (net.condition.word.weight - before).abs().amax(dim=1)
    assert moved[0] == 0 and moved[1:].min() > 0.01
    assert net.condition(torch.zeros(2, 4).long(), 2).abs().max() == 0


def test_a_condition_without_classes_and_words_is_0():
    net = Condition(6)
    assert net(None, 3) == 0.0 and not list(net.parameters())
    assert Condition(6, classes=3).label.weight.shape == (3, 6)
    assert Condition(6, words=3).word.weight.shape == (4, 6)


def test_a_patch_makes_large_images_small_for_the_network():
    net = UNet((1, 28, 28), (8, 16), patch=2)
    assert net.first.in_channels == 4
    assert net(torch.zeros(2, 1, 28, 28), torch.tensor([1, 2])).shape == (2, 1, 28, 28)


WORDS = {
    "y: expected words, got none; to sample, bind them: guidance.Given": (),
    r"y: expected shape \(B L\) with {'B': 4}, got \(3, 2\)": (torch.zeros(3, 2).long(),),
    r"y: expected shape \(B L\) with {'B': 4}, got \(4,\)": (torch.zeros(4).long(),),
    "y: expected whole numbers from 0 to 5, got 0 to 6": (torch.tensor([[0, 6]] * 4),),
    "y: expected whole numbers from 0 to 5, got -1 to 0": (torch.tensor([[0, -1]] * 4),),
    r"y: expected whole numbers \(torch.int64\), got torch.float32": (torch.zeros(4, 2),),
}


@pytest.mark.parametrize("message", WORDS)
@pytest.mark.parametrize(
    "net, shape", [(UNet((1, 4, 4), (8, 8), words=5), (1, 4, 4)), (ResidualMLP(2, words=5), (2,))]
)
def test_words_are_neither_forgotten_nor_made_up(message, net, shape):
    with pytest.raises(ValueError, match=f"^{message}"):
        net(torch.zeros(4, *shape), t, *WORDS[message])


LABELS = {
    "y: expected labels for a network with 3 classes, got none": (3, ()),
    r"y: expected shape \(B\) with {'B': 4}, got \(3,\)": (3, (torch.tensor([0, 1, 2]),)),
    "y: expected whole numbers from 0 to 2, got 0 to 3": (3, (torch.tensor([0, 1, 2, 3]),)),
    "y: expected whole numbers from 0 to 2, got -1 to 0": (3, (torch.tensor([0, -1, 0, 0]),)),
    r"y: expected whole numbers \(torch.int64\), got torch.float32": (3, (torch.zeros(4),)),
    "y: expected no labels, since the network has no classes": (0, (torch.zeros(4).long(),)),
}


@pytest.mark.parametrize("message", LABELS)
def test_labels_are_neither_forgotten_nor_made_up(message):
    classes, labels = LABELS[message]
    with pytest.raises(ValueError, match=f"^{message}"):
        UNet((1, 4, 4), (8, 8), classes=classes)(torch.zeros(4, 1, 4, 4), t, *labels)
    with pytest.raises(ValueError, match=f"^{message}"):
        ResidualMLP(2, classes=classes)(torch.zeros(4, 2), t, *labels)


@pytest.mark.parametrize(
    "arguments, message",
    [
        (
            {"shape": (1, 7, 8)},
            r"shape: expected \(C, H, W\) with H and W multiples of 2, got \(1, 7, 8\)",
        ),
        ({"shape": (1, 6, 8), "patch": 2}, "shape: .* multiples of 4"),
        ({"shape": (8, 8)}, r"shape: expected \(C, H, W\)"),
        ({"widths": (8, 12)}, r"widths: expected .*multiples of 8, got .*12"),
        ({"widths": (8,)}, "widths: expected two"),
        ({"patch": 0}, "patch: expected .* at least 1, got 0"),
        ({"classes": -1}, "classes: expected .* at least 0, got -1"),
        ({"words": -1}, "words: expected .* at least 0, got -1"),
        ({"words": 3, "classes": 2}, "words: expected 0 beside 2 classes, got 3"),
    ],
)
def test_sizes_that_cannot_be_halved_or_normed_are_named(arguments, message):
    with pytest.raises((TypeError, ValueError), match=f"^{message}"):
        UNet(**({"shape": (1, 8, 8), "widths": (8, 8)} | arguments))
    if not {"classes", "words"} & {*arguments}:
        with pytest.raises((TypeError, ValueError), match=f"^{message}"):
            UNetTrunk(**({"shape": (1, 8, 8), "out": 3, "widths": (8, 8)} | arguments))


def test_the_way_down_takes_images_of_its_shape_only():
    net = UNetTrunk((1, 8, 8), 3, (8, 8))
    with pytest.raises(ValueError, match=r"x_t: expected shape \(B 1 8 8\), got \(4, 1, 8, 4\)"):
        net(torch.zeros(4, 1, 8, 4), t)
    with pytest.raises(ValueError, match="out: expected a number of at least 1, got 0"):
        UNetTrunk((1, 8, 8), 0)


# --- small helpers -------------------------------------------------------------------------------------------


def test_what_starts_at_zero_has_neither_weight_nor_bias():
    first, second = nn.Linear(2, 3), nn.Conv2d(1, 2, 3)
    zero_init(first, second)
    for layer in (first, second):
        assert layer.weight.abs().max() == 0 == layer.bias.abs().max()


def test_bfloat16_is_for_the_products_alone():
    net, _ = alive(UNet((1, 4, 4), (8, 8), classes=3))
    x, y = torch.randn(4, 1, 4, 4), torch.tensor([0, 1, 2, 0])
    kinds = []
    net.first.register_forward_hook(lambda module, given, out: kinds.append(out.dtype))
    found, exact = InBfloat16(net)(x, t, y), net(x, t, y)
    assert kinds == [torch.bfloat16, torch.float32]
    assert found.dtype == torch.float32 and (found - exact).norm() < 0.03 * exact.norm()
    assert not torch.equal(found, exact)
    assert {p.dtype for p in InBfloat16(net).parameters()} == {torch.float32}
    assert InBfloat16(net).state_dict().keys() == {f"net.{name}" for name in net.state_dict()}
