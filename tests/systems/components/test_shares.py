"""Shares of gates: on a device whose law is known they are what the law says."""

from __future__ import annotations

import pytest

import hwcost
from hwcost.backends.null import Null
from hwcost.errors import DataError
from hwcost.spaces.base import Component
from hwcost.spaces.components import Components
from hwcost.systems.components import GateCosts, gate_shares, share_workloads, without_keys
from hwcost.systems.components.kinds import HEAD_JOINT, net_without
from hwcost.systems.components.shares import ablation_shares, whole_nets
from hwcost.workloads import ComponentWorkload, Workload, models

SPACE, CONNECTED = Components("mini"), Components("mini-connected")
LAW = {"noise": 0.001, "overhead_s": 1e-5}


@pytest.fixture(scope="module")
def campaign(tmp_path_factory):
    store = tmp_path_factory.mktemp("store") / "s.db"
    what = share_workloads(SPACE, 2, 64)
    return hwcost.measure(what, backend="null", rounds=2, store=store, backend_options=LAW)


def seconds(workload: Workload) -> float:
    return Null(options=LAW).law_s(workload) - LAW["overhead_s"]


def cost(kind: str, **dims: int) -> float:
    return seconds(ComponentWorkload.of(SPACE, Component(kind, tuple(dims.items())), batch_size=2, seq_len=64))


def test_shares_are_the_laws(campaign) -> None:
    shares, _ = gate_shares(SPACE, campaign.measurements)
    whole = seconds(models(SPACE, [SPACE.base()], 2, 64)[0]) + LAW["overhead_s"]
    grid, width = SPACE.grid, SPACE.grid.width // SPACE.grid.heads
    full = cost("attention", heads=grid.heads, key=width, value=width)
    without = cost("attention", heads=grid.heads, key=0, value=width)
    half = cost("attention", heads=grid.heads, key=width, value=width // 2)
    joined, piece = (cost("feed_forward", inner=grid.feed_forward // pieces) for pieces in (1, grid.feed_forwards))
    saved = {
        "ff": joined, "joint": grid.feed_forwards * piece - joined, "head": full, "qk": full - without,
        "v": 2 * (full - half), "mean": 0.0,
    }  # fmt: skip
    wanted = {kind: grid.layers * one / whole for kind, one in saved.items()}
    assert shares == pytest.approx(wanted, abs=0.01)


def test_heads_behind_each_other_have_their_price(tmp_path) -> None:
    """By the slope over depth, and by ablation: the net whose heads stand behind each other against the base net."""
    kind = net_without(CONNECTED, HEAD_JOINT)
    what = [*share_workloads(CONNECTED, 2, 64), *models(CONNECTED, [kind], 2, 64)]
    measured = hwcost.measure(what, backend="null", rounds=2, store=tmp_path / "s.db", backend_options=LAW).measurements
    shares, _ = gate_shares(CONNECTED, measured)
    grid = CONNECTED.grid
    width = grid.width // grid.heads
    whole, stacked = (seconds(models(CONNECTED, [arch], 2, 64)[0]) + LAW["overhead_s"] for arch in (CONNECTED.base(), kind))
    one, all_ = (cost("attention", heads=heads, key=width, value=width) for heads in (1, grid.heads))
    assert shares["hjoint"] == pytest.approx(grid.layers * (grid.heads * one - all_) / whole, abs=0.01)
    by_ablation = ablation_shares(CONNECTED, whole_nets(measured))["hjoint"]
    assert by_ablation is not None
    assert by_ablation.value == pytest.approx(stacked / whole - 1, abs=0.01)
    price = GateCosts(CONNECTED, shares)
    assert price(CONNECTED.base()) == pytest.approx(1.0)
    assert price(kind) == pytest.approx(1.0 + shares["hjoint"] / price.whole)
    assert price.of_gates().reshape(4, -1)[:, -3:] == pytest.approx(price.prices["hjoint"] / price.whole)


def test_gaps_are_reported_for_both_nets(campaign) -> None:
    """The law gives a whole net the larger of two sums, and the sum of its components the sum of the larger ones."""
    _, gaps = gate_shares(SPACE, campaign.measurements)
    assert set(gaps) == {SPACE.base(), without_keys(SPACE)}
    for arch, gap in gaps.items():
        parts = sum(cost(part.kind, **dict(part.dims)) for part in SPACE.components(arch)) + LAW["overhead_s"]
        whole = seconds(models(SPACE, [arch], 2, 64)[0]) + LAW["overhead_s"]
        assert gap == pytest.approx(parts / whole - 1, abs=0.02)


def test_gates_are_priced_by_them(campaign) -> None:
    price = GateCosts(SPACE, gate_shares(SPACE, campaign.measurements)[0])
    assert price(SPACE.base()) == pytest.approx(1.0)
    assert price(without_keys(SPACE)) < 1.0


def test_what_was_not_measured_is_named(campaign) -> None:
    with pytest.raises(DataError, match="none was measured"):
        gate_shares(SPACE, [])
    some = [one for one in campaign.measurements if "feed_forward" not in one.workload.name]
    with pytest.raises(DataError, match="feed_forward"):
        gate_shares(SPACE, some)
    with pytest.raises(DataError, match="the whole net"):
        gate_shares(SPACE, [one for one in campaign.measurements if hasattr(one.workload, "part")])
