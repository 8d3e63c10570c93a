"""The table of facts: every row is found, kept, compared and documented; none lacks someone who writes it."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path

import pytest

import hwcost
from hwcost.devices.detected import DetectedDevice
from hwcost.facts import BY_GROUP, FACTS, FREE, GROUPS, Fact, Process, checked, read_process
from hwcost.facts.document import filled
from hwcost.facts.values import COUNT, FRACTION, TEXT_BY_NAME
from hwcost.facts.visits import OF_BLOCKS, OF_QUANTITIES, TELEMETRY
from hwcost.stores import open_store
from hwcost.stores.environment import Environment
from hwcost.workloads import SyntheticWorkload
from tests.conftest import ROOT


def test_names_are_unique_within_a_group_and_labels_among_those_compared() -> None:
    assert len(FACTS) == len({(fact.group, fact.name) for fact in FACTS})
    labels = [fact.label for fact in FACTS if fact.agree is not FREE]
    assert len(labels) == len(set(labels))
    assert set(GROUPS) - set(Environment.model_fields) == {"conditions"}


def test_rows_of_a_device_are_the_facts_that_are_detected() -> None:
    rows = {fact.name for fact in FACTS if fact.group == "device" and fact.read is not None} | {"driver_version"}
    assert rows == {field.name for field in fields(DetectedDevice)} | {"device_key"}


def test_every_row_has_a_writer(tmp_path: Path) -> None:
    """A campaign on the real clock writes what has no reader, but for what only some devices and calls have."""
    options = {"realtime": True, "overhead_s": 1e-3}
    store = tmp_path / "s.db"
    hwcost.measure(
        [SyntheticWorkload("a"), SyntheticWorkload("b")], backend="null", store=store, tier="quick", backend_options=options
    )
    with open_store(store) as opened:
        record = next(opened.records())
    written = {(group, name) for group in GROUPS if group != "conditions" for name in getattr(record.environment, group)}
    written |= {("conditions", name) for name in record.visit.conditions}
    of_devices = ("clocks_locked", "locked_clock_hz", "ecc", "persistence_mode", "pcie_link")
    some = {("settings", name) for name in ("exclusive", "queue_job", *of_devices)}
    some |= {("conditions", fact.name) for fact in (*OF_BLOCKS, *OF_QUANTITIES, *TELEMETRY)}
    assert {(fact.group, fact.name) for fact in FACTS if fact.read is None} <= written | some


def test_what_is_read_is_of_its_type() -> None:
    found = read_process(Process(versions={"torch": "2"}, device=DetectedDevice("cpu", "amd", "A", cores=4).to_dict()))
    for group, facts in found.items():
        assert checked(group, facts) == facts
    assert found["device"]["cores"] == 4
    assert found["host"]["os"]


def test_values_of_another_type_are_refused_and_unknown_facts_kept() -> None:
    assert checked("host", {"cpu_sockets": 2, "numa_nodes": None, "rack": [1]}) == {"cpu_sockets": 2, "rack": [1]}
    with pytest.raises(ValueError, match="'cpu_sockets' must be a count, got True"):
        checked("host", {"cpu_sockets": True})
    assert not COUNT.accepts(-1)
    assert not FRACTION.accepts(float("nan"))
    assert not TEXT_BY_NAME.accepts({"a": 1})


def test_a_reader_that_fails_finds_nothing() -> None:
    for error in (OSError, ValueError, KeyError):

        def read(process: Process, error: type[Exception] = error) -> int:
            raise error

        assert Fact("x", "host", COUNT, "", read=read).find(Process()) is None


def test_a_sensor_that_cannot_be_read_hides_no_other(tmp_path: Path) -> None:
    """That of a device that sleeps, for example."""
    for number, said in enumerate(("45000\n", "", "61500\n")):
        zone = tmp_path / f"sys/class/thermal/thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "temp").write_text(said)
    fact = BY_GROUP["conditions"]["temperature_celsius"]
    assert fact.find(Process(tmp_path)) == {"hottest": pytest.approx(61.5)}
    assert fact.find(Process(tmp_path / "none")) is None


def test_the_documentation_shows_every_fact() -> None:
    text = filled((ROOT / "docs/facts.md").read_text(encoding="utf-8"))
    for fact in FACTS:
        assert f"| `{fact.name}` | {fact.value} | {fact.agree.rule} | {fact.meaning} |" in text
    assert filled("no mark") == "no mark"
