"""Components that never leave the cache."""

from __future__ import annotations

import statistics
from dataclasses import replace

import pytest

from hwcost.agent.checks import cold_call_s
from hwcost.backends.null import Null, NullRunner
from hwcost.backends.sweep import empty_host_caches
from hwcost.campaign.components.costs import component_report
from hwcost.devices import DeviceHandle, load
from hwcost.errors import UsageError
from hwcost.spaces import Component, space
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.guards.cache import fits_cache
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.timer import clock_of
from hwcost.workloads import ComponentWorkload, SyntheticWorkload

SPACE = space("supershaper")
XEON = DeviceHandle(load("xeon"))


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


class Sweeping(NullRunner):
    """Takes three times as long once its caches were emptied."""

    swept = 0

    def run(self, n: int) -> None:
        super().run(n if not self.swept else 3 * n)
        self.swept = 0

    def empty_caches(self, cache_bytes: int) -> bool:
        self.swept = cache_bytes
        return True


def test_cold_calls_are_timed_where_caches_can_be_emptied() -> None:
    backend = Null(options={"overhead_s": 0.002, "noise": 0.0})
    work = SyntheticWorkload("x", flops=1)
    runner = Sweeping(backend, work)
    clock_of(runner)
    assert cold_call_s(runner, 1000) == pytest.approx(0.006)
    runner = backend.prepare(work, XEON)
    assert cold_call_s(runner, 1000) is None


def test_every_call_finds_cold_caches_where_the_protocol_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    work, cold = SyntheticWorkload("x", flops=10**9), protocol("quick", cache="cold")
    with pytest.raises(UsageError, match="measure with the policy 'hot'"):
        visit(Null(), work, XEON, cold, VisitIndex(0, 0))
    with pytest.raises(UsageError, match="unknown cache policy 'warm'. Known: hot, cold"):
        protocol("quick", cache="warm")
    monkeypatch.setattr(Null, "prepare", lambda self, workload, handle: Sweeping(self, workload))
    seen = visit(Null(), work, XEON, cold, VisitIndex(0, 0))
    assert (seen.status, seen.calls_per_block) == ("ok", 1)
    assert seen.latency_s == pytest.approx(3 * 0.01001, rel=0.01)


def test_the_caches_of_this_cpu_are_written_over() -> None:
    assert empty_host_caches(1000)


@pytest.mark.parametrize(("depths", "is_hot"), [((1,), True), ((1, 2, 4), False)])
def test_the_slope_over_depth_needs_no_warning(depths: tuple[int, ...], is_hot: bool) -> None:
    found = []
    for work in [*(layer(depth) for depth in depths), layer(1, 240), layer(2, 240)]:
        seen = visit(Null(), work, XEON, protocol("quick"), VisitIndex(0, 0))
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
