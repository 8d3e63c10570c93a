"""The modules that are built are those that the space counts."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import UsageError
from hwcost.spaces import Component, space
from hwcost.spaces.supershaper import TEMPLATES, WIDTHS
from hwcost.testing.counting import counted_flops, meta_inputs
from hwcost.workloads import ComponentWorkload, ModelWorkload, builder, component_stacks
from hwcost.workloads.modules import Layer, additive_mask
from hwcost.workloads.supershaper_model import merge
from hwcost.workloads.weights import Uninitialised, count_parameters, fill

UNMERGED, MERGED = space("supershaper"), space("supershaper", merged=True)
BOTH = pytest.mark.parametrize("of", [UNMERGED, MERGED], ids=["unmerged", "merged"])
PARTS = [*UNMERGED.components(), *UNMERGED.parts()]


@BOTH
@pytest.mark.parametrize("name", TEMPLATES)
def test_templates_have_the_counted_parameters_and_flops(of, name) -> None:
    arch, built = of.template(name), builder(of)
    with torch.device("meta"), Uninitialised():
        model = built.model(arch)
    assert count_parameters(model) == of.params(arch)
    flops = counted_flops(model, meta_inputs(built.model_inputs(2, 16)))
    assert flops == pytest.approx(of.flops(arch, seq_len=16, batch_size=2), rel=1e-3)


@BOTH
def test_drawn_shapes_have_the_counted_parameters(of) -> None:
    built = builder(of)
    for arch in of.sample(60, seed=3):
        with torch.device("meta"), Uninitialised():
            model = built.model(arch)
        assert count_parameters(model) == of.params(arch)


def _layer(width):
    return Component("layer", (("hidden", width),))


@BOTH
def test_components_have_the_counted_parameters_and_flops(of) -> None:
    built = builder(of)
    for part in [*of.components(), *of.parts()]:
        depth = 2 if built.is_stackable(part) else 1
        with torch.device("meta"), Uninitialised():
            module = built.component(part, depth)
        work = of.component_work(part, batch_size=2, seq_len=16)
        assert count_parameters(module) == depth * work.params, part
        flops = counted_flops(module, meta_inputs(built.component_inputs(part, 2, 16)))
        assert flops == pytest.approx(depth * work.flops, rel=1e-3), part


@BOTH
def test_stackable_means_equal_shapes_of_input_and_output(of) -> None:
    built = builder(of)
    for part in [*of.components(), *of.parts()]:
        values = meta_inputs(built.component_inputs(part, 2, 16))
        with torch.device("meta"), Uninitialised():
            output = built.component(part, 1)(*values)
        same = output.shape == values[0].shape and values[0].is_floating_point()
        assert built.is_stackable(part) == same, part


def test_merging_bottlenecks_keeps_the_outputs() -> None:
    arch = UNMERGED.architecture([120, 240, 360, 480, 540, 600, 768, 120, 768, 240, 360, 120])
    workload = ModelWorkload.of(UNMERGED, arch, seq_len=6)
    model = workload.build().double()
    values = [torch.from_numpy(array) for array in workload.inputs().values()]
    with torch.device("meta"), Uninitialised():
        empty = builder(MERGED).model(MERGED.architecture(arch.genes))
    merged = merge(model, empty)
    assert count_parameters(merged) == MERGED.params(str(arch))
    torch.testing.assert_close(merged(*values), model(*values), atol=1e-10, rtol=1e-10)


def test_a_layer_is_torchs_own_post_norm_encoder_layer() -> None:
    """The same numbers as an independent implementation, with and without padding."""
    width, batch, seq_len = 120, 2, 7
    layer = Layer(width, heads=12, inner=3072).eval()
    fill(layer, seed=5)
    theirs = torch.nn.TransformerEncoderLayer(
        width, 12, 3072, dropout=0.0, activation="gelu", layer_norm_eps=1e-12, batch_first=True, norm_first=False
    )
    attention, dense = layer.attention, layer.feed_forward
    projections = (attention.query, attention.key, attention.value)
    theirs.load_state_dict(
        {
            "self_attn.in_proj_weight": torch.cat([part.weight for part in projections]),
            "self_attn.in_proj_bias": torch.cat([part.bias for part in projections]),
            "self_attn.out_proj.weight": attention.output.weight,
            "self_attn.out_proj.bias": attention.output.bias,
            "linear1.weight": dense.grow.weight,
            "linear1.bias": dense.grow.bias,
            "linear2.weight": dense.shrink.weight,
            "linear2.bias": dense.shrink.bias,
            "norm1.weight": attention.norm.weight,
            "norm1.bias": attention.norm.bias,
            "norm2.weight": dense.norm.weight,
            "norm2.bias": dense.norm.bias,
        }
    )
    layer, theirs = layer.double(), theirs.double()  # training mode: no fused path
    hidden = torch.randn(batch, seq_len, width, dtype=torch.float64)
    for kept in (seq_len, 4):
        mask = torch.ones(batch, seq_len, dtype=torch.int64)
        mask[:, kept:] = 0
        mine = layer(hidden, additive_mask(mask, torch.float64))[:, :kept]
        other = theirs(hidden, src_key_padding_mask=mask == 0)[:, :kept]
        torch.testing.assert_close(mine, other, atol=1e-11, rtol=1e-11)


def test_padding_changes_nothing_for_the_tokens_that_count() -> None:
    workload = ModelWorkload.of(UNMERGED, UNMERGED.architecture([120] * 12), seq_len=6)
    model = workload.build()
    ids, mask, types = (torch.from_numpy(array) for array in workload.inputs().values())
    short = model(ids[:, :4], mask[:, :4], types[:, :4])
    mask[:, 4:] = 0
    torch.testing.assert_close(model(ids, mask, types)[:, :4], short, atol=1e-5, rtol=1e-5)


def test_equal_seeds_give_equal_weights_and_others_do_not() -> None:
    def weights(seed, dtype="float32"):
        return ComponentWorkload.of(UNMERGED, _layer(120), seed=seed, dtype=dtype).build().state_dict()

    one, same, other = weights(1), weights(1), weights(2)
    assert all(torch.equal(one[name], same[name]) for name in one)
    assert not any(torch.equal(one[name], other[name]) for name in one)
    for name, value in one.items():
        center = 1.0 if name.endswith("norm.weight") else 0.0
        assert value.mean().item() == pytest.approx(center, abs=0.02 * 5 / math.sqrt(value.numel()))
        assert value.std().item() == pytest.approx(0.02, rel=0.3)
    assert {value.dtype for value in weights(1, "bfloat16").values()} == {torch.bfloat16}


def test_copies_in_a_stack_have_weights_of_their_own() -> None:
    stack = ComponentWorkload.of(UNMERGED, _layer(120), depth=3).build()
    weights = [part.feed_forward.grow.weight for part in stack.parts]
    assert len({weight.data_ptr() for weight in weights}) == 3
    assert not torch.equal(weights[0], weights[1])
    assert torch.linalg.matrix_rank(weights[0]) == 120


def test_a_built_model_is_for_inference_only() -> None:
    model = ComponentWorkload.of(UNMERGED, Component("head")).build()
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())


def test_stacks_cover_all_components_and_embeddings_only_once() -> None:
    stacks = component_stacks(UNMERGED, seq_len=8, depths=(1, 4))
    assert {stack.part for stack in stacks} == set(UNMERGED.components())
    assert [stack.depth for stack in stacks if stack.component == "layer"] == [1, 4] * len(WIDTHS)
    assert [stack.depth for stack in stacks if stack.component in ("embeddings", "head")] == [1, 1]
    assert len({stack.name for stack in stacks}) == len(stacks)
    merged = [stack for stack in component_stacks(MERGED, depths=(1, 2)) if stack.component == "transition"]
    assert len(merged) == 7 * 7 + 7  # only h -> h can be stacked


def test_what_cannot_be_built_says_so() -> None:
    with pytest.raises(UsageError, match="cannot be stacked 2 deep"):
        ComponentWorkload.of(UNMERGED, Component("head"), depth=2).build()
    with pytest.raises(UsageError, match="at most 512 tokens, got a sequence length of 513"):
        component_stacks(UNMERGED, seq_len=513)
    with pytest.raises(UsageError, match="has no component 'tail"):
        ComponentWorkload.of(UNMERGED, Component("tail", (("hidden", 120),))).build()


def test_inputs_are_seeded_and_never_zeros() -> None:
    workload = ModelWorkload.of(UNMERGED, UNMERGED.architecture([120] * 12), batch_size=2, seq_len=9)
    one, same, other = workload.inputs(), workload.inputs(), workload.inputs(seed=1)
    assert list(one) == ["input_ids", "attention_mask", "token_type_ids"]
    assert all(np.array_equal(one[name], same[name]) for name in one)
    assert not np.array_equal(one["input_ids"], other["input_ids"])
    assert all(array.shape == (2, 9) and array.dtype == np.int64 and array.any() for array in one.values())
    hidden = ComponentWorkload.of(UNMERGED, PARTS[1], seq_len=9).inputs()["hidden"]
    assert hidden.dtype == np.float32
    assert 0.8 < hidden.std() < 1.2
