"""Quantities of a call: their figures by hand, their reasons, and one more of another distribution."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from hwcost.errors import UnknownNameError, UsageError
from hwcost.quantities import LATENCY, QUANTITIES, Call, Quantity, Unavailable, quantity, selected, usable
from hwcost.quantities.energy import Energy
from hwcost.quantities.latency import Latency, Throughput, Tokens
from hwcost.quantities.memory import PeakMemory
from hwcost.quantities.utilisation import BandwidthUtilisation, FlopsUtilisation, RooflineSeconds, RooflineUtilisation
from hwcost.spaces.accounting import Work
from hwcost.testing.plugins import registered
from hwcost.testing.quantities import QuantitySuite
from hwcost.timing.measurement import Measurement, Visit
from hwcost.workloads import SyntheticWorkload

PEAKS = {
    "peak_flops_per_s": 1e12, "peak_flops_source": "the probe of 2026-01-01 (torch)",
    "peak_bytes_per_s": 1e10, "peak_bytes_source": "the data sheet",
}  # fmt: skip
RUN = {"uninterrupted": {"calls": 50, "seconds": 1.0, "visit_energy_j": 2.5, "energy_source": "counter"}}
CALL = Call(0.01, 8, 128, Work(10, 10**9, 10**6), 4, {**PEAKS, **RUN, "resident_peak_bytes": 3 * 10**6})


def case(made: type[Quantity], **facts: Any) -> type[QuantitySuite]:
    return type(f"Test{made.__name__}", (QuantitySuite,), {"kind": made, "conditions": facts})


TestLatency = case(Latency)
TestThroughput = case(Throughput)
TestTokens = case(Tokens)
TestFlopsUtilisation = case(FlopsUtilisation, **PEAKS)
TestBandwidthUtilisation = case(BandwidthUtilisation, **PEAKS)
TestRooflineSeconds = case(RooflineSeconds, **PEAKS)
TestRooflineUtilisation = case(RooflineUtilisation, **PEAKS)
TestPeakMemory = case(PeakMemory, resident_peak_bytes=10)
TestEnergy = case(Energy, **RUN)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("latency_s", 0.01),
        ("throughput_per_s", 800),
        ("tokens_per_s", 102_400),
        ("flops_utilisation", 0.1),
        ("bandwidth_utilisation", 4e6 / 1e10 / 0.01),
        ("roofline_s", 1e-3),
        ("roofline_utilisation", 0.1),
        ("peak_memory_bytes", 3e6),
        ("energy_j", 0.05),
    ],
)
def test_figures_by_hand(name: str, value: float) -> None:
    assert quantity(name).of_call(CALL) == pytest.approx(value)
    assert quantity(name).name == name


def test_a_slow_memory_makes_the_roofline() -> None:
    slow = replace(CALL, conditions={**CALL.conditions, "peak_bytes_per_s": 1e9})
    assert quantity("roofline_s").of_call(slow) == pytest.approx(4e-3)
    assert quantity("roofline_utilisation").of_call(slow) == quantity("bandwidth_utilisation").of_call(slow)


@pytest.mark.parametrize(
    ("facts", "source"),
    [
        ({"resident_peak_bytes": 1, "device_growth_bytes": 2, "allocator_peak_bytes": 3}, "the runtime's allocator"),
        ({"resident_peak_bytes": 1, "device_growth_bytes": 2}, "memory in use on the device"),
        ({"resident_peak_bytes": 1}, "resident memory"),
    ],
)
def test_the_most_direct_reading_of_memory_counts(facts: dict[str, int], source: str) -> None:
    call = replace(CALL, conditions=facts)
    assert quantity("peak_memory_bytes").of_call(call) == max(facts.values())
    assert quantity("peak_memory_bytes").source(call).startswith(source)


@pytest.mark.parametrize(
    ("name", "call", "why"),
    [
        ("tokens_per_s", replace(CALL, seq_len=None), "does not say how many tokens"),
        ("flops_utilisation", replace(CALL, work=None), "operations of this workload are not known"),
        ("flops_utilisation", replace(CALL, conditions={}), "Measure again"),
        ("flops_utilisation", replace(CALL, conditions={"unavailable": {"peak_flops_per_s": "no probe."}}), "no probe."),
        ("energy_j", replace(CALL, conditions={}), "Measure with --quantity energy_j"),
        ("energy_j", replace(CALL, conditions={"unavailable": {"visit_energy_j": "root only."}}), "root only."),
        ("energy_j", replace(CALL, conditions={"uninterrupted": {"calls": 1, "seconds": 1.0}}), "no counter of energy"),
        ("peak_memory_bytes", replace(CALL, conditions={}), "Measure with --quantity peak_memory_bytes"),
    ],
)
def test_what_is_unknown_says_why(name: str, call: Call, why: str) -> None:
    with pytest.raises(Unavailable, match=why):
        quantity(name).of_call(call)


def visit(number: int, latency_s: float, energy_j: float | None, status: Any = "ok") -> Visit:
    run = {"calls": 10, "seconds": 1.0} | ({} if energy_j is None else {"visit_energy_j": energy_j})
    return Visit("x", number, 0, (latency_s,), conditions={"uninterrupted": run, **PEAKS}, status=status)


WORK = SyntheticWorkload("x", flops=10**9, elements=10**6)


def test_rates_have_the_latencys_interval() -> None:
    m = Measurement(WORK, "fit", 0.02, 0.03, 2, (visit(0, 0.021, 1.0), visit(1, 0.019, 1.0)))
    found = m.quantity("flops_utilisation")
    assert (found.value, found.half_width, found.visits) == (pytest.approx(0.05), 0.03, 2)
    assert found.source == "peak of the probe of 2026-01-01 (torch)"
    assert m.quantity(LATENCY).value == 0.02
    assert m.quantity("roofline_s").half_width == 0


def test_what_visits_measure_is_their_median_with_an_interval_over_them() -> None:
    visits = (visit(0, 0.02, 1.0), visit(1, 0.02, 1.2), visit(2, 0.02, 1.1), visit(3, 0.02, 99.0, "void"))
    found = Measurement(WORK, "fit", 0.02, 0.03, 3, visits).quantity("energy_j")
    assert (found.value, found.unit, found.visits) == (pytest.approx(0.11), "J", 3)
    assert found.low is not None
    assert found.high is not None
    assert found.low < 0.1
    assert found.high > 0.12


def test_a_measurement_says_why_it_lacks_one() -> None:
    lost = Measurement(WORK, "fit", None, None, 0, (visit(0, 0.02, 1.0, "void"),))
    assert lost.quantity("energy_j").reason == "none of its visits can be used; its flags say why."
    none = Measurement(WORK, "fit", 0.02, None, 1, (visit(0, 0.02, None),))
    assert none.quantity("energy_j").to_dict()["value"] is None
    assert all(one.value is not None or one.reason for one in none.quantities.values())


def test_a_latency_without_its_visits_still_makes_rates() -> None:
    bare = Measurement(WORK, "fit", 0.02, 0.01, 4, ())
    assert bare.quantity("latency_s").value == 0.02
    assert bare.quantity("energy_j").reason
    assert bare.quantity("flops_utilisation").reason.endswith("are then kept.")


def test_an_unknown_one_is_refused_with_those_that_are_known() -> None:
    with pytest.raises(UnknownNameError, match="energy_j"):
        selected("energy")
    assert selected(["energy_j", "latency_s", "energy_j"]) == ("energy_j", "latency_s")


class Twice(Quantity):
    """Two latencies."""

    name = "twice_s"
    meaning = "Twice the latency."
    power_of_latency = 1

    def of_call(self, call: Call) -> float:
        return 2 * call.latency_s


def test_another_distribution_can_add_one() -> None:
    with registered("hwcost.quantities", {"twice_s": f"{__name__}:Twice"}):
        assert "twice_s" in QUANTITIES
        m = Measurement(WORK, "fit", 0.02, 0.03, 1, (visit(0, 0.02, 1.0),))
        assert (m.quantities["twice_s"].value, m.quantities["twice_s"].unit) == (0.04, "s")


class Failing(Twice):
    """Divides by zero."""

    name = "failing_s"

    def of_call(self, call: Call) -> float:
        return call.latency_s / 0


class Nothing(Twice):
    """Forgets to return."""

    name = "nothing_s"

    def of_call(self, call: Call) -> float:
        return None  # type: ignore[return-value]


def test_one_that_fails_or_cannot_be_imported_disturbs_no_other(caplog) -> None:
    kinds = {"failing_s": "Failing", "nothing_s": "Nothing", "gone_s": "Gone"}
    broken = {name: f"{__name__}:{kind}" for name, kind in kinds.items()}
    with registered("hwcost.quantities", broken):
        m = Measurement(WORK, "fit", 0.02, 0.03, 1, (visit(0, 0.02, 1.0),))
        found = m.quantities
        assert found["throughput_per_s"].value == 50.0
        assert found["failing_s"].reason.startswith("the quantity 'failing_s' failed: ZeroDivisionError: ")
        assert found["nothing_s"].reason.startswith("the quantity 'nothing_s' failed: TypeError")
        assert "gone_s" not in found
        assert "left out: quantity 'gone_s'" in caplog.text


class NoValue(Quantity):
    name = "no_value"
    meaning = "A class without its method."


class Renamed(Quantity):
    name = "another_name"
    meaning = "A class that calls itself otherwise."

    def of_call(self, call: Call) -> float:
        return 1.0


def no_class() -> None:
    """What is registered in place of a class."""


@pytest.mark.parametrize(
    ("name", "member", "said"),
    [
        ("no_value", "NoValue", "its class NoValue lacks the methods of_call"),
        ("renamed", "Renamed", "the class Renamed is quantity 'renamed', and its attribute name is 'another_name'"),
        ("no_class", "no_class", "'no_class' is registered as a quantity, and is not a subclass"),
    ],
)
def test_a_quantity_that_cannot_be_made_is_left_out(
    name: str, member: str, said: str, caplog: pytest.LogCaptureFixture
) -> None:
    with registered("hwcost.quantities", {name: f"{__name__}:{member}"}):
        assert name not in usable()
        assert LATENCY in usable()
        assert said in caplog.text
        with pytest.raises(UsageError, match=said):
            quantity(name)
