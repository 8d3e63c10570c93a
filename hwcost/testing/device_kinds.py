"""The conformance suite of kinds of device and of their telemetry: what every kind promises, as tests.

::

    class TestMyKind(DeviceKindSuite):
        name = "my-kind"

        def devices(self):
            return visible_units(TREE)  # made-up ones, where the machine of the tests has none

        def telemetry(self, handle, state):
            return MyTelemetry(handle, FakeRuntime(state))

Without these two methods the suite looks at the devices of this machine, and skips where there are none.
"""

from __future__ import annotations

import json
from abc import ABC
from dataclasses import asdict, fields, replace
from pathlib import Path
from typing import Any, ClassVar, Literal

import pytest

from hwcost.backends.null import Null
from hwcost.devices import (
    DetectedDevice,
    DeviceHandle,
    DeviceKind,
    DeviceProfile,
    Match,
    ProtocolDefaults,
    device_kind,
    find,
    matches,
    require,
    resolve,
)
from hwcost.devices.kinds import device_kinds
from hwcost.errors import DeviceError
from hwcost.facts import BY_GROUP, checked
from hwcost.timing.execution.visit import VisitIndex, visit
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import BlockReading, Telemetry, telemetry_of
from hwcost.workloads import SyntheticWorkload

State = Literal["ok", "throttled", "shared", "lost"]
"""States of a device: as it should be, at a lowered clock, used by another process, and gone."""

OF_SOFTWARE = "driver_version"
"""The fact of a device that records keep with the software."""


class DeviceKindSuite(ABC):
    """Subclass it as ``Test...`` and name the kind.

    Attributes:
        name: Name of the kind.
        further_facts: Conditions of the telemetry that the table of facts has no row for; they are kept, and never compared.
    """

    name: ClassVar[str]
    further_facts: ClassVar[frozenset[str]] = frozenset()

    def devices(self) -> list[DetectedDevice]:
        """Returns the devices that a process sees; override it to make some up. It is also asked in a pinned process."""
        return self.kind.detect()

    def telemetry(self, handle: DeviceHandle, state: State) -> Telemetry | None:
        """Makes the provider of a device in a state; None where that state cannot be brought about or is not reported."""
        return telemetry_of(Null, handle) if state == "ok" else None

    @property
    def kind(self) -> DeviceKind:
        """The kind of device."""
        return device_kind(self.name)

    @property
    def profile(self) -> DeviceProfile:
        """A profile of any device of the kind."""
        how = ProtocolDefaults(batch_size=1, seq_len=16, dtype="float32", threads=1)
        return DeviceProfile("any", "Any device", self.name, Match(("*",)), how, sources={"protocol": "the suite"})

    @pytest.fixture
    def here(self) -> list[DetectedDevice]:
        """The devices."""
        found = self.devices()
        if not found:
            pytest.skip(f"no device of kind '{self.name}' is here; override devices() to make some up")
        return found

    @pytest.fixture
    def handle(self, here: list[DetectedDevice]) -> DeviceHandle:
        """The first device."""
        return require(self.profile, here)

    # -- detection -----------------------------------------------------------------------------------------------------

    def test_it_is_found_by_its_name(self) -> None:
        """Protocols take the least length of a block from it."""
        assert self.kind.name == self.name
        assert self.kind in device_kinds()
        assert 0 < self.kind.min_block_s <= 1
        assert protocol("quick", self.name).min_block_s == self.kind.min_block_s

    def test_a_machine_without_any_files_is_not_an_error(self, tmp_path: Path) -> None:
        """Detection runs on every machine."""
        assert all(one.kind == self.name for one in self.kind.detect(tmp_path))

    def test_every_device_is_named_once(self, here: list[DetectedDevice]) -> None:
        """A second look finds the same; indices and UUIDs name one device each."""
        assert self.devices() == here
        assert {one.kind for one in here} == {self.name}
        for names in ([one.index for one in here], [one.uuid for one in here if one.uuid is not None]):
            assert len(set(names)) == len(names)

    def test_facts_of_a_device_are_rows_of_the_table(self, here: list[DetectedDevice]) -> None:
        """Each is of the row's type, and the key is one of them."""
        for device in here:
            found = {name: value for name, value in device.to_dict().items() if value is not None}
            software = {OF_SOFTWARE: found.pop(OF_SOFTWARE)} if OF_SOFTWARE in found else {}
            assert found.keys() <= BY_GROUP["device"].keys()
            assert checked("device", found) == json.loads(json.dumps(found))
            assert checked("software", software) == software

    # -- profiles and handles ------------------------------------------------------------------------------------------

    def test_a_profile_of_any_device_takes_what_was_detected(self, here: list[DetectedDevice]) -> None:
        """Every fact that is taken has a source, and a profile can hold it."""
        known = {field.name for field in fields(DetectedDevice)}
        assert {*self.kind.detected_facts, *self.kind.match_facts} <= known
        filled = resolve(self.profile, here)
        for name, source in self.kind.detected_facts.items():
            if getattr(here[0], name) is not None:
                assert (getattr(filled, name), filled.source(name)) == (getattr(here[0], name), source)

    def test_a_slice_and_a_device_of_another_kind_do_not_match(self, here: list[DetectedDevice]) -> None:
        """Their latencies are not those of the whole device."""
        for device in here:
            assert matches(self.profile, replace(device, partition=None))
            assert not matches(self.profile, replace(device, partition="slice"))
            assert not self.kind.matches(self.profile, replace(device, kind="another"))

    def test_a_handle_survives_json_and_names_its_device(self, here: list[DetectedDevice]) -> None:
        """Plans keep it, and a resumed campaign finds the same device."""
        for device in here:
            handle = self._handle(device, here)
            assert DeviceHandle.from_dict(json.loads(json.dumps(handle.to_dict()))) == handle
            assert find(handle, here) == device

    def test_a_pinned_process_finds_its_device(self, here: list[DetectedDevice], monkeypatch: pytest.MonkeyPatch) -> None:
        """A device is found by its handle under its own variables; where devices have UUIDs, no other one is."""
        seen = []
        for device in here:
            handle = self._handle(device, here)
            variables = self.kind.environment(handle)
            assert all(isinstance(text, str) for pair in variables.items() for text in pair)
            with monkeypatch.context() as context:
                for name, value in variables.items():
                    context.setenv(name, value)
                found = self.devices()
            assert find(handle, found) == device
            assert device.uuid is None or found == [device]
            seen.append(variables)
        assert all(one != other for index, one in enumerate(seen) for other in seen[:index])

    def _handle(self, device: DetectedDevice, here: list[DetectedDevice]) -> DeviceHandle:
        return DeviceHandle(resolve(self.profile, here), device.index, device.uuid)

    # -- telemetry -----------------------------------------------------------------------------------------------------

    def test_a_provider_that_can_read_nothing_carries_on(self, handle: DeviceHandle) -> None:
        """The one that the kind names is made for a device that may be gone, and raises nothing."""
        provider = telemetry_of(Null, handle)
        assert isinstance(provider, Telemetry)
        _visited(provider)

    def test_counters_of_a_block_are_amounts(self, handle: DeviceHandle) -> None:
        """What cannot be read is None."""
        _, reading = _visited(self._working(handle))
        assert all(value is None or value >= 0 for value in asdict(reading).values())
        assert reading.clock_hz != 0

    def test_facts_of_a_visit_are_rows_of_the_table(self, handle: DeviceHandle) -> None:
        """Each is plain JSON of the row's type, and so it is at the next visit of the same process."""
        provider = self._working(handle)
        for _ in range(2):
            facts, _ = _visited(provider)
            assert facts.keys() - self.further_facts <= BY_GROUP["conditions"].keys()
            checked("conditions", facts)
            json.dumps(facts, allow_nan=False)

    def test_settings_of_the_device_are_rows_of_the_table(self, handle: DeviceHandle) -> None:
        """They are facts of the process."""
        found = self._working(handle).settings()
        assert found.keys() <= BY_GROUP["settings"].keys()
        checked("settings", found)

    def test_a_visit_on_a_device_as_it_should_be_counts(self, handle: DeviceHandle) -> None:
        """No guard has a doubt about the device, and it is not lost."""
        provider = self._working(handle)
        assert self._codes(handle, provider).isdisjoint({"E_THROTTLED", "E_FOREIGN"})
        provider.check()

    @pytest.mark.parametrize(("state", "code"), [("throttled", "E_THROTTLED"), ("shared", "E_FOREIGN")])
    def test_a_device_that_is_throttled_or_shared_voids_its_visits(
        self, handle: DeviceHandle, state: State, code: str
    ) -> None:
        """The guards go by what the provider reports."""
        assert code in self._codes(handle, self._in_state(handle, state))

    def test_a_lost_device_is_reported(self, handle: DeviceHandle) -> None:
        """The campaign stops, and can be resumed once the device is back."""
        with pytest.raises(DeviceError, match="E_DEVICE_LOST"):
            self._in_state(handle, "lost").check()

    def _codes(self, handle: DeviceHandle, provider: Telemetry) -> set[str]:
        """Returns the codes of the flags that make a visit void."""
        work, how = SyntheticWorkload("some", flops=10**9), protocol("quick", self.name)
        seen = visit(Null(), work, handle, how, VisitIndex(0, 0), provider)
        return set() if seen.is_usable else {flag.code for flag in seen.flags}

    def _working(self, handle: DeviceHandle) -> Telemetry:
        return self._in_state(handle, "ok")

    def _in_state(self, handle: DeviceHandle, state: State) -> Telemetry:
        provider = self.telemetry(handle, state)
        if provider is None:
            pytest.skip(f"no device of kind '{self.name}' that is {state}; override telemetry() to make one up")
        return provider


def _visited(provider: Telemetry) -> tuple[dict[str, Any], BlockReading]:
    """Asks a provider as a visit of two blocks does; returns the conditions and the last block's counters."""
    provider.begin()
    for _ in range(2):
        provider.before_block()
        reading = provider.after_block()
    return provider.end(), reading
