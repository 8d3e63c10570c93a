"""The modules that are built for every space are those that it counts."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from torch.nn import functional

from hwcost.spaces import space
from hwcost.spaces.components import BlockGates
from hwcost.workloads import ModelWorkload, builder, from_dict
from hwcost.workloads.components_model import ReducedAttention, UncentredNorm, ValueMeanPooling
from hwcost.workloads.modules import Layer, additive_mask
from hwcost.workloads.weights import count_parameters, fill
from tests.workloads.counting import counted_flops, meta_inputs

pytestmark = pytest.mark.torch

TEXTS = [
    "autodistil:subspace=tiny", "autodistil:subspace=base,heads=scaled", "autodistill", "components",
    "components:grid=bert-base-halves", "components:grid=minibert", "transformer",
    "transformer:elastic=per_layer,layers=[2,3],hidden=[64,96],heads=[2,3],head_width=32",
    "transformer:elastic=per_layer,layers=[1,2],hidden=[64,128],heads=[2],head=pooler",
    "transformer:layers=[2,3,4],hidden=[64],heads=[2],head=none,positions=64",
    "supershaper:scale=mini", "supershaper:scale=mini,merged=true", "autodistil:scale=mini,subspace=base",
    "autodistil:scale=mini,subspace=small,heads=scaled", "autodistill:scale=mini", "components:grid=mini",
]  # fmt: skip


@pytest.fixture(params=TEXTS)
def of(request):
    return space(request.param)


def test_nets_have_the_counted_parameters_and_flops(of) -> None:
    built = builder(of)
    for arch in of.sample(6, seed=1):
        with torch.device("meta"):
            model = built.model(arch)
        assert count_parameters(model) == of.params(arch)
        flops = counted_flops(model, meta_inputs(built.model_inputs(2, 16)))
        assert flops == pytest.approx(of.flops(arch, seq_len=16, batch_size=2), rel=1e-3)


def test_components_have_the_counted_parameters_and_flops(of) -> None:
    built = builder(of)
    for part in of.components()[:: max(1, len(of.components()) // 40)]:
        depth = 2 if built.is_stackable(part) else 1
        with torch.device("meta"):
            module = built.component(part, depth)
        values = meta_inputs(built.component_inputs(part, 2, 16))
        work = of.component_work(part, batch_size=2, seq_len=16)
        assert count_parameters(module) == depth * work.params, part
        assert counted_flops(module, values) == pytest.approx(depth * work.flops, rel=1e-3), part
        same = module(*values).shape == values[0].shape and values[0].is_floating_point()
        if built.is_stackable(part):
            assert same, part


def test_workloads_are_read_back_and_can_be_keys(of) -> None:
    workload = ModelWorkload.of(of, of.sample(1)[0], seq_len=16)
    again = from_dict(workload.as_dict())
    assert again == workload
    assert len({workload, again}) == 1
    assert again.search_space().options() == of.options()


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
