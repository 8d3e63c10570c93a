"""The modules of every space do what their papers say; that they are what is counted, the suite of spaces checks."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

from hwcost.spaces import space
from hwcost.spaces.components import BlockGates
from hwcost.workloads import ModelWorkload
from hwcost.workloads.components_model import ReducedAttention, UncentredNorm, ValueMeanPooling
from hwcost.workloads.modules import FeedForward, Layer, additive_mask
from hwcost.workloads.weights import fill

pytestmark = pytest.mark.torch

def test_nets_run_and_ignore_padding() -> None:
    """What stands behind the mask changes nothing before it."""
    for text in ("autodistil:subspace=tiny", "autodistill", "components:grid=minibert", "transformer:layers=[2]"):
        of = space(text)
        arch = of.sample(1, seed=2)[0]
        module = ModelWorkload.of(of, arch, seq_len=8).build()
        ids, _, types = (torch.from_numpy(one) for one in ModelWorkload.of(of, arch, seq_len=8).inputs().values())
        mask = torch.ones_like(ids)
        mask[:, 6:] = 0
        other = ids.clone()
        other[:, 7] = (other[:, 7] + 1) % 1000  # trigrams of AutoDistill reach one token back
        one, two = module(ids, mask, types), module(other, mask, types)
        keep = slice(0, 6) if one.ndim == 3 and one.shape[1] == 8 else slice(None)
        torch.testing.assert_close(one[:, keep], two[:, keep], msg=text)


def test_whole_components_are_berts_own_layer() -> None:
    """Gates all open: a block is the plain post-norm layer."""
    of = space("components", grid="minibert")
    net = ModelWorkload.of(of, of.base(), seq_len=8).build()
    block = net.blocks[0]
    layer = Layer(256, 4, 1024)
    layer.load_state_dict(
        {
            **{f"attention.{name}": value for name, value in block.attention.state_dict().items()},
            **{f"attention.norm.{name}": value for name, value in block.attention_norm.state_dict().items()},
            **{f"feed_forward.{name}": value for name, value in block.feed_forwards[0].state_dict().items()},
            **{f"feed_forward.norm.{name}": value for name, value in block.feed_forward_norm.state_dict().items()},
        }
    )
    hidden = torch.randn(2, 8, 256)
    mask = additive_mask(torch.tensor([[1] * 8, [1] * 5 + [0] * 3]), hidden.dtype)
    torch.testing.assert_close(block(hidden, mask), layer(hidden, mask))


@pytest.mark.parametrize("text", ["autodistil:subspace=tiny,activation=relu", "transformer:layers=[2],activation=relu"])
def test_feed_forwards_with_relu_are_equation_5_of_autodistil(text: str) -> None:
    """In every layer max(0, x W1 + b1) W2 + b2, behind it residual and norm; parameters and operations are GELU's."""
    of, plain = space(text), space(text.replace("activation=relu", "activation=gelu"))
    assert "activation" not in plain.options()
    assert space(of.name, **of.options()).activation == "relu"
    arch = of.sample(1, seed=2)[0]
    with_gelu = plain.architecture(arch.genes)
    assert (of.params(arch), of.flops(arch, 16)) == (plain.params(with_gelu), plain.flops(with_gelu, 16))
    net = ModelWorkload.of(of, arch, seq_len=8).build()
    forwards = [part for part in net.modules() if isinstance(part, FeedForward)]
    assert len(forwards) == arch.genes[0]
    hidden = torch.randn(2, 8, int(arch.genes[1]))
    for one in forwards:
        grown = (hidden @ one.grow.weight.T + one.grow.bias).clamp(min=0)
        wanted = one.norm(hidden + grown @ one.shrink.weight.T + one.shrink.bias)
        torch.testing.assert_close(one(hidden), wanted)


def test_value_mean_pooling_is_attention_with_equal_scores() -> None:
    """Figure 2: without queries and keys every token sees the mean of all."""
    pooling, attention = ValueMeanPooling(32, 24), ReducedAttention(32, 3, 4, 8, 16)
    fill(pooling, 1)
    fill(attention, 2)
    attention.value.load_state_dict(pooling.value.state_dict())
    attention.output.load_state_dict(pooling.output.state_dict())
    torch.nn.init.zeros_(attention.query.weight)
    torch.nn.init.zeros_(attention.query.bias)
    hidden = torch.randn(2, 7, 32)
    mask = additive_mask(torch.tensor([[1] * 7, [1] * 4 + [0] * 3]), hidden.dtype)
    torch.testing.assert_close(pooling(hidden, mask), attention(hidden, mask))


def test_a_norm_without_mean_is_a_norm_of_what_has_none() -> None:
    hidden = torch.randn(3, 5, 64)
    centred = hidden - hidden.mean(-1, keepdim=True)
    torch.testing.assert_close(UncentredNorm(64)(centred), functional.layer_norm(centred, (64,), eps=1e-12))


def test_feed_forwards_stand_behind_each_other_where_gates_say_so() -> None:
    of = space("components", grid="minibert")
    gates = BlockGates((1, 1, 0, 1, 0, 0, 0, 1), (0, 1, 0, 0, 0, 0, 1), (1, 0), (1, 1), (0, 1), (1, 0, 1, 1))
    kinds = [(part.kind, dict(part.dims)) for part in of.parts_of(gates)]
    assert kinds == [
        ("attention", {"heads": 3, "key": 32, "value": 64}),
        ("layer_norm", {"mean": 0}),
        ("feed_forward", {"inner": 256}),
        ("feed_forward", {"inner": 128}),
        ("feed_forward", {"inner": 128}),
        ("layer_norm", {"mean": 1}),
    ]
