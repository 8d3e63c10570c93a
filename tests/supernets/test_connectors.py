"""The connector algebra against plain residual networks, and gates against the nets that are left."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch")

from hypothesis import given, settings
from hypothesis import strategies as st
from torch.nn import functional

from hwcost.errors import UsageError
from hwcost.spaces.connectors import layers_of
from hwcost.supernets.components import connect, gated_norm
from hwcost.workloads.components_model import UncentredNorm
from tests.supernets.nets import batch, shaken

pytestmark = pytest.mark.torch


@st.composite
def layouts(draw):
    """Selection gates and connectors of up to eight pieces."""
    count = draw(st.integers(1, 8))
    gate = st.integers(0, 1)
    return draw(st.lists(gate, min_size=count, max_size=count)), draw(st.lists(gate, min_size=count - 1, max_size=count - 1))


@settings(max_examples=200, deadline=None)
@given(layouts(), st.integers(0, 1000))
def test_connectors_are_the_plain_residual_network(layout, seed) -> None:
    """Omega after a chain of Psi: layers behind each other, each adding the sum of its pieces to what it reads."""
    kept, joints = layout
    generator = torch.Generator().manual_seed(seed)
    pieces = [torch.randn(5, 5, generator=generator, dtype=torch.float64) for _ in kept]
    start = torch.randn(3, 5, generator=generator, dtype=torch.float64)

    hidden, residual = start, torch.zeros_like(start)
    for index, piece in enumerate(pieces):
        joint = torch.tensor(float(joints[index]) if index < len(joints) else 0.0)
        hidden, residual = connect(kept[index] * torch.tanh(hidden @ piece), joint, hidden, residual)

    plain = start
    for layer in layers_of(kept, joints):
        plain = plain + sum(torch.tanh(plain @ pieces[index]) for index in layer)
    torch.testing.assert_close(hidden + residual, plain, rtol=1e-12, atol=1e-12)


def test_the_example_of_appendix_c() -> None:
    """Figure 5: a [3, 2] network has connectors 0, 0, 1, 0, 1; the last one changes nothing."""
    assert layers_of([1] * 5, [0, 0, 1, 0]) == [[0, 1, 2], [3, 4]]


@pytest.mark.parametrize("last", [0.0, 0.3, 1.0])
def test_the_last_connector_changes_nothing(last) -> None:
    one, other = torch.randn(2, 4), torch.randn(2, 4)
    hidden, residual = connect(one, torch.tensor(last), other, torch.zeros(2, 4))
    torch.testing.assert_close(hidden + residual, one + other)


def test_gated_norms_lie_between_a_norm_with_mean_and_one_without() -> None:
    norm, uncentred = torch.nn.LayerNorm(16, eps=1e-12), UncentredNorm(16)
    torch.nn.init.normal_(norm.weight)
    torch.nn.init.normal_(norm.bias)
    uncentred.load_state_dict(norm.state_dict())
    hidden = torch.randn(3, 16) + 1
    torch.testing.assert_close(gated_norm(hidden, norm, torch.tensor(1.0)), norm(hidden))
    torch.testing.assert_close(gated_norm(hidden, norm, torch.tensor(0.0)), uncentred(hidden))


@pytest.mark.parametrize("grid", ["mini", "minibert", "mini-connected"])
def test_gates_of_zero_and_one_are_the_net_that_is_left(grid) -> None:
    net = shaken("components", grid=grid)
    inputs = batch()
    with torch.no_grad():
        for arch in [net.largest(), net.smallest(), *net.space.sample(12, seed=3)]:
            weighed = net.weigh(net.gates_of(arch), *inputs)
            torch.testing.assert_close(weighed, net.set(arch, "none")(*inputs), rtol=1e-5, atol=1e-5)


def test_heads_behind_each_other_are_layers_of_attention() -> None:
    """Section 3.2.2: with all connectors between heads closed a block is the plain one; open, heads stand in layers."""
    plain, net = shaken("components:grid=mini"), shaken("components:grid=mini-connected")
    base, inputs = net.largest(), batch()
    with torch.no_grad():
        expected = plain.set(plain.largest(), "none")(*inputs)
        torch.testing.assert_close(net.weigh(net.gates_of(base), *inputs), expected, rtol=1e-5, atol=1e-5)
        stacked = net.space.parse("_".join(["1111.000.11.11.11.1111.101"] * 4))
        assert [part.name for part in net.space.parts_of(net.space.blocks(stacked)[0])].count("layer_norm[mean=1]") == 2
        found = net.set(stacked, "none").net.blocks[0].attentions()
        assert [layer.heads for layer in found] == [1, 2, 1]
        weighed = net.weigh(net.gates_of(stacked), *inputs)
        torch.testing.assert_close(net.set(stacked, "none")(*inputs), weighed, rtol=1e-5, atol=1e-5)
        assert not torch.allclose(weighed, expected, atol=1e-2)


@pytest.mark.parametrize(("grid", "count"), [("mini", 17), ("mini-connected", 20)])
def test_gradients_reach_every_gate(grid, count) -> None:
    net = shaken("components", grid=grid)
    gates = torch.full((4, count), 0.7, requires_grad=True)
    net.weigh(gates, *batch()).square().sum().backward()
    assert (gates.grad != 0).all()


def test_scaled_gates_are_scaled_components() -> None:
    """A selection gate of 2 equals a piece whose last weights are doubled: gates fold into weights."""
    net = shaken("components:grid=mini")
    inputs = batch()
    gates = net.gates_of(net.largest())
    doubled = gates.clone()
    doubled[1, 2] = 2.0
    weighed = net.weigh(doubled, *inputs)
    with torch.no_grad():
        net.weights.blocks[1].shrink.weight[:, 128:192] *= 2
        net.weights.blocks[1].shrink_bias[2] *= 2
    torch.testing.assert_close(weighed, net.weigh(gates, *inputs), rtol=1e-5, atol=1e-5)


def test_without_queries_and_keys_every_token_sees_the_mean() -> None:
    net = shaken("components:grid=mini")
    ids, mask, types = batch()
    gates = net.gates_of(net.largest())
    gates[:, 7:9] = 0
    block = net.weights.blocks[0]
    hidden = net.weights.embeddings(ids, types)
    values = functional.linear(hidden, block.value.weight, block.value.bias)
    mean = (values * mask[..., None]).sum(1, keepdim=True) / mask.sum(1)[:, None, None]
    expected = functional.linear(mean, block.output.weight) + block.output_bias.sum(0)
    added = (1 - mask[:, None, None, :]) * torch.finfo(torch.float32).min
    found = block._attention(hidden, added, gates[0, 7:9], gates[0, 9:11], gates[0, 13:])
    torch.testing.assert_close(found, expected.expand_as(found), rtol=1e-4, atol=1e-5)


def test_gates_of_another_shape_are_refused() -> None:
    net = shaken("components:grid=mini")
    with pytest.raises(UsageError, match=r"gates of grid 'mini' have shape \(4, 17\), got \(4, 21\)"):
        net.weigh(torch.ones(4, 21), *batch())
