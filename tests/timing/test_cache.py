"""Components that never leave the cache."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from hwcost.backends.null import Null
from hwcost.campaign.components import component_report
from hwcost.devices import load
from hwcost.spaces import Component, space
from hwcost.timing.cache import cold_call_s, fits_cache
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.timer import Clock
from hwcost.timing.visit import VisitIndex, visit
from hwcost.workloads import ComponentWorkload, SyntheticWorkload

SPACE = space("supershaper")


def layer(depth: int = 1, hidden: int = 120) -> ComponentWorkload:
    return ComponentWorkload.of(SPACE, Component("layer", (("hidden", hidden),)), seq_len=8, depth=depth)


def test_only_a_single_small_component_fits() -> None:
    xeon = load("xeon")
    found = fits_cache(layer(), xeon)
    assert found["cache_bytes"] == xeon.l3_bytes > found["working_set_bytes"] > 0
    assert not fits_cache(layer(2), xeon)
    assert not fits_cache(SyntheticWorkload("x", elements=10), xeon)
    assert not fits_cache(layer(), replace(xeon, l2_bytes=None, l3_bytes=None))
    assert not fits_cache(layer(), replace(xeon, l3_bytes=found["working_set_bytes"]))


def test_cold_calls_are_timed_on_a_real_clock_only() -> None:
    backend = Null(options={"realtime": True, "overhead_s": 0.002, "noise": 0.0})
    runner = backend.prepare(SyntheticWorkload("x"), load("xeon"))
    assert cold_call_s(runner, Clock(), 1000) == pytest.approx(0.002, rel=0.5)
    assert cold_call_s(runner, Clock(backend.clock), 1000) is None


@pytest.mark.parametrize(("depths", "is_hot"), [((1,), True), ((1, 2, 4), False)])
def test_the_slope_over_depth_needs_no_warning(depths: tuple[int, ...], is_hot: bool) -> None:
    xeon, found = load("xeon"), []
    for work in [*(layer(depth) for depth in depths), layer(1, 240), layer(2, 240)]:
        seen = visit(Null(), work, xeon, protocol("quick"), VisitIndex(0, 0))
        assert ("hot_cache" in seen.conditions) == (work.depth == 1)
        found.append(Measurement(work, "fit", seen.latency_s, None, 1, (warmed(seen),)))
    report = component_report(found)
    assert report is not None
    flags = [flag for flag in report.flags if flag.code == "W_HOT_CACHE"]
    assert [flag.text.partition(" touches")[0] for flag in flags] == ["layer[hidden=120]"] * is_hot
    assert all("hot/cold ratio 0.50" in flag.text for flag in flags)


def warmed(seen: Visit) -> Visit:
    """The visit as if cold calls had taken twice as long."""
    hot = seen.conditions.get("hot_cache")
    if hot is None:
        return seen
    return replace(seen, conditions=seen.conditions | {"hot_cache": hot | {"cold_s": 2 * statistics.median(seen.samples_s)}})
