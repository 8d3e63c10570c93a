"""Energy of a CPU by made-up counters: which ones count, how they wrap around, and what is said where none can be read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.agent import processors
from hwcost.backends.null import Null
from hwcost.devices import DeviceHandle, load
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import powercap
from hwcost.timing.telemetry.powercap import PowercapTelemetry, Zone, zones
from hwcost.workloads import SyntheticWorkload
from tests.timing.trees import tree

XEON = DeviceHandle(load("xeon"))
RANGE = 10_000_000
ZONES = {
    "intel-rapl:0": "package-0",
    "intel-rapl:0:0": "core",
    "intel-rapl:0:1": "dram",
    "intel-rapl:1": "package-1",
    "intel-rapl:1:0": "dram",
    "intel-rapl:2": "psys",
    "intel-rapl-mmio:0": "package-0",
}


def machine(root: Path, **uj: int) -> Path:
    """A machine with two packages, of which this process may use the first; counters stand at 1 J but for those given."""
    files = {}
    for folder, name in ZONES.items():
        place = f"{powercap.FOLDER}/{folder}"
        files |= {f"{place}/{file}": f"{text}\n" for file, text in (("name", name), ("energy_uj", 10**6))}
        files[f"{place}/max_energy_range_uj"] = f"{RANGE}\n"
    for cpu in processors.allowed():
        files[f"sys/devices/system/cpu/cpu{cpu}/topology/physical_package_id"] = "0\n"
    return set_to(tree(root, files), uj)


def set_to(root: Path, uj: Mapping[str, int]) -> Path:
    return tree(root, {f"{powercap.FOLDER}/{folder}/energy_uj": f"{count}\n" for folder, count in uj.items()})


def test_the_own_package_and_its_memory_count_once(tmp_path: Path) -> None:
    root = machine(tmp_path)
    assert [(one.name, one.folder.name) for one in zones(root)] == [
        ("package-0", "intel-rapl:0"), ("dram", "intel-rapl:0:1"),
    ]  # fmt: skip
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    set_to(root, {"intel-rapl:0": 3_500_000, "intel-rapl:0:1": 1_250_000})
    set_to(root, dict.fromkeys(("intel-rapl:0:0", "intel-rapl:1", "intel-rapl:2", "intel-rapl-mmio:0"), 9_000_000))
    assert telemetry.end() == {
        "visit_energy_j": pytest.approx(2.75), "energy_source": "counters of the processor: package-0, dram",
    }  # fmt: skip
    assert telemetry.unavailable() == {}


def test_a_counter_that_wraps_around_goes_on(tmp_path: Path) -> None:
    root = machine(tmp_path, **{"intel-rapl:0": RANGE - 500_000})
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    set_to(root, {"intel-rapl:0": 700_000})
    assert telemetry.end()["visit_energy_j"] == pytest.approx(1.2)


def test_two_turns_within_one_pass_are_seen_by_readings_in_between(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(powercap, "OFTEN_S", 0.0)
    root = machine(tmp_path, **{"intel-rapl:0": 0})
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    for count in (8_000_000, 6_000_000, 4_000_000):
        set_to(root, {"intel-rapl:0": count})
        telemetry.after_block()
    assert telemetry.end()["visit_energy_j"] == pytest.approx(24.0)


@given(st.integers(1, 2**48), st.data())
def test_what_was_used_is_what_was_added(largest: int, data: st.DataObject) -> None:
    before, used = data.draw(st.integers(0, largest - 1)), data.draw(st.integers(0, largest - 1))
    assert Zone("package-0", Path(), largest).since_uj(before, (before + used) % largest) == used


def test_no_range_and_backwards_is_unknown(tmp_path: Path) -> None:
    root = machine(tmp_path)
    (root / powercap.FOLDER / "intel-rapl:0" / "max_energy_range_uj").unlink()
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    set_to(root, {"intel-rapl:0": 10})
    assert telemetry.end() == {}
    assert "ran backwards" in telemetry.unavailable()["visit_energy_j"]


def test_files_that_cannot_be_read_say_how_to_allow_it(tmp_path: Path) -> None:
    root = machine(tmp_path)
    counter = root / powercap.FOLDER / "intel-rapl:0" / "energy_uj"
    counter.unlink()
    counter.mkdir()  # a read fails, also for root
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    assert telemetry.end() == {}
    assert "sudo chmod a+r" in telemetry.unavailable()["visit_energy_j"]


def test_a_counter_that_goes_away_leaves_the_rest_unknown(tmp_path: Path) -> None:
    root = machine(tmp_path)
    telemetry = PowercapTelemetry(XEON, root)
    telemetry.begin()
    (root / powercap.FOLDER / "intel-rapl:0" / "energy_uj").unlink()
    assert telemetry.end() == {}
    assert "could not be read" in telemetry.unavailable()["visit_energy_j"]


def visited(root: Path, *quantities: str) -> Visit:
    how = protocol("quick", quantities=quantities)
    work = SyntheticWorkload("x", flops=10**9)
    return visit(Null(), work, XEON, how, VisitIndex(0, 0), PowercapTelemetry(XEON, root))


def test_a_machine_without_counters_says_so_in_the_record(tmp_path: Path) -> None:
    seen = visited(tmp_path, "energy_j")
    assert "virtual machines" in seen.conditions["unavailable"]["visit_energy_j"]
    assert "uninterrupted" not in seen.conditions, "calls that nothing is read of are not made"


def test_calls_without_a_pause_are_made_where_energy_is_asked_for(tmp_path: Path) -> None:
    root = machine(tmp_path)
    assert "uninterrupted" not in visited(root).conditions
    run = visited(root, "energy_j").conditions["uninterrupted"]
    assert run["seconds"] >= 1.0
    assert run["seconds"] / run["calls"] == pytest.approx(0.01, rel=0.05)
    assert (run["visit_energy_j"], run["energy_source"]) == (0.0, "counters of the processor: package-0, dram")
