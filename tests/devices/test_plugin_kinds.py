"""Kinds of device of other distributions: one that fails is left out with a warning, and the machine's devices are found."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from hwcost.devices import DetectedDevice, DeviceKind, device_kind, present
from hwcost.devices.kinds import device_kinds, unusable_kinds
from hwcost.errors import UsageError
from hwcost.testing.plugins import registered


class Raises(DeviceKind):
    name = "raises"

    def detect(self, root: Path = Path("/")) -> Any:
        raise RuntimeError("no driver")


class FindsNone(DeviceKind):
    name = "finds-none"

    def detect(self, root: Path = Path("/")) -> Any:
        return None


class FindsTexts(DeviceKind):
    name = "finds-texts"

    def detect(self, root: Path = Path("/")) -> Any:
        return ["npu0"]


class FindsOthers(DeviceKind):
    name = "finds-others"

    def detect(self, root: Path = Path("/")) -> Any:
        return [DetectedDevice("npu", "vendor", "Model 5", 0)]


class NoDetect(DeviceKind):
    name = "no-detect"


class Renamed(Raises):
    name = "another-name"


class Yields(DeviceKind):
    name = "yields"

    def detect(self, root: Path = Path("/")) -> Any:
        yield DetectedDevice("yields", "vendor", "Model 5", 0)


@pytest.mark.parametrize(
    ("name", "member", "said"),
    [
        ("raises", "Raises", "the kind of device 'raises' failed in detect: RuntimeError: no driver"),
        ("finds-none", "FindsNone", "'finds-none' failed in detect: TypeError: 'NoneType' object is not iterable"),
        ("finds-texts", "FindsTexts", "'finds-texts' gave 'npu0' from detect; expected hwcost.devices.DetectedDevice("),
        ("finds-others", "FindsOthers", "expected hwcost.devices.DetectedDevice('finds-others', ...)"),
        ("no-detect", "NoDetect", "its class NoDetect lacks the methods detect"),
        ("renamed", "Renamed", "the class Renamed is kind of device 'renamed', and its attribute name is 'another-name'"),
    ],
)
def test_a_kind_that_fails_is_left_out(name: str, member: str, said: str, caplog: pytest.LogCaptureFixture) -> None:
    with registered("hwcost.device_kinds", {name: f"{__name__}:{member}"}):
        found = [one.kind for one in present()]
        present()
        assert said in unusable_kinds()[name]
    assert found[0] == "cpu"
    assert not {name, "npu"} & {*found}
    assert caplog.text.count(said) == 1


def test_one_that_cannot_be_made_says_so_when_it_is_asked_for() -> None:
    with (
        registered("hwcost.device_kinds", {"no-detect-again": f"{__name__}:NoDetect"}),
        pytest.raises(UsageError, match="lacks the methods detect"),
    ):
        device_kind("no-detect-again")


def test_a_generator_of_devices_is_as_good_as_a_list() -> None:
    with registered("hwcost.device_kinds", {"yields": f"{__name__}:Yields"}):
        assert "yields" in [one.kind for one in present()]
        assert device_kind("yields") in device_kinds()
        assert unusable_kinds() == {}
