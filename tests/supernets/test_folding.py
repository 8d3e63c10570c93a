"""Gates of any value: what is left of a net computes what the weighed supernet did, with connectors as scaled residuals."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost.agent.nets import build
from hwcost.elsewhere.nets import described
from hwcost.spaces.connectors import ScaledLayer, layers_of, scaled_layers
from hwcost.supernets import subnet
from hwcost.supernets.components import connect
from hwcost.supernets.folding import folded, keep_scales
from hwcost.supernets.registry import supernet
from hwcost.workloads import builder
from tests.supernets.nets import batch, shaken

pytestmark = pytest.mark.torch

GRIDS = ("mini", "mini-connected")


@st.composite
def rows(draw: Any) -> tuple[list[bool], list[float]]:
    """Pieces that are kept or not, and connectors of any value, 0 and 1 among them."""
    count = draw(st.integers(1, 8))
    connector = st.one_of(st.sampled_from([0.0, 1.0]), st.integers(-15, 15).map(lambda tenths: tenths / 10))
    return (
        draw(st.lists(st.booleans(), min_size=count, max_size=count)),
        draw(st.lists(connector, min_size=count - 1, max_size=count - 1)),
    )


@settings(max_examples=40, deadline=None)
@given(rows(), st.integers(0, 1000))
def test_connectors_of_any_value_are_layers_with_a_scale(row: Any, seed: int) -> None:
    """Omega after a chain of Psi (section 3.2.1), against layers that carry on what the layer before added."""
    kept, connectors = row
    generator = torch.Generator().manual_seed(seed)
    pieces = [torch.randn(5, 5, generator=generator, dtype=torch.float64) for _ in kept]
    start = torch.randn(3, 5, generator=generator, dtype=torch.float64)
    hidden, residual = start, torch.zeros_like(start)
    for index, piece in enumerate(pieces):
        joint = torch.tensor(connectors[index] if index < len(connectors) else 0.0, dtype=torch.float64)
        hidden, residual = connect(kept[index] * torch.tanh(hidden @ piece), joint, hidden, residual)
    found, added = start, torch.zeros_like(start)
    for layer in scaled_layers(kept, connectors):
        added = layer.weight * sum(torch.tanh(found @ pieces[index]) for index in layer.pieces) + layer.carry * added
        found = found + added
    torch.testing.assert_close(found, hidden + residual, rtol=1e-9, atol=1e-9)


def test_connectors_of_zero_and_one_need_no_scale() -> None:
    kept, joints = [1, 1, 0, 1, 1], [0, 1, 0, 1]
    expected = [ScaledLayer(tuple(layer), 1.0, 0.0) for layer in layers_of(kept, joints)]
    assert scaled_layers([bool(one) for one in kept], [float(one) for one in joints]) == expected


def drawn(net: Any, seed: int) -> Any:
    """Gates of which some are 0, some 1, and others anything."""
    generator = torch.Generator().manual_seed(seed)
    shape = net.gates_of(net.largest()).shape
    gates = 0.2 + 1.2 * torch.rand(shape, generator=generator, dtype=torch.float64)
    closed, whole = (torch.rand(shape, generator=generator) < share for share in (0.25, 0.2))
    return torch.where(closed, 0.0, torch.where(whole, 1.0, gates))


@pytest.mark.parametrize("grid", GRIDS)
def test_a_net_with_scales_computes_what_the_gated_supernet_does(grid: str, tmp_path: Path) -> None:
    """To 1e-6: as run, extracted, saved and loaded, built in a job folder, and with scales found again from the gates."""
    for seed in range(2):
        net, one = shaken("components", seed, grid=grid).double(), batch()
        gates = drawn(net, seed)
        with torch.no_grad():
            expected = net.weigh(gates, *one)
            arch = folded(net, gates, is_scaled=True)
            again = supernet("components", grid=grid).double()
            again.load_state_dict(net.state_dict())
            assert keep_scales(again, gates) == arch
            subnet.save(tmp_path / "net", net.extract(arch, "none"), net.blueprint(arch, "none"))
            loaded = subnet.load(tmp_path / "net")
            twin = build(described(loaded)).double()
            twin.load_state_dict(loaded.state_dict())
            for own in (net.set(arch, "none"), net.extract(arch, "none"), again.set(arch, "none"), loaded, twin):
                torch.testing.assert_close(own(*one), expected, rtol=1e-6, atol=1e-6)


def test_scales_are_no_parameters_and_cost_nothing_more() -> None:
    """The net that is left is priced as the plain one with its connectors at 1: components, parameters and operations."""
    net = shaken("components", grid="mini")
    gates = net.gates_of(net.largest())
    names = [gene.name.partition(".")[2] for gene in net.space.genes[: gates.shape[1]]]
    gates[:, [place for place, name in enumerate(names) if name.startswith("joint")]] = 0.3
    arch = folded(net, gates, is_scaled=True)
    whole = net.space.parse("_".join(["1111.111.11.11.11.1111"] * 4))
    assert arch == whole
    plain = builder(net.space).blueprint(arch, "mlm").build()
    shapes = {name: one.shape for name, one in plain.named_parameters()}
    assert {name: one.shape for name, one in net.extract(arch, "mlm").named_parameters()} == shapes
    assert folded(shaken("components", grid="mini"), gates) == net.largest()  # rounded, where scales are not asked for


def test_other_architectures_stay_plain() -> None:
    net = shaken("components", grid="mini")
    base = net.largest()
    gates = net.gates_of(base)
    gates[0, 4] = 0.4
    assert folded(net, gates, is_scaled=True) != base
    assert net.blueprint(base, "mlm") == builder(net.space).blueprint(base, "mlm")
