"""The conformance suite of packages of device profiles: what every profile promises, as tests.

::

    class TestMyProfiles(DeviceProfileSuite):
        package = "my-profiles"
"""

from __future__ import annotations

import json
from abc import ABC
from pathlib import Path
from typing import Any, ClassVar

import pytest

from hwcost.devices import DetectedDevice, DeviceHandle, DeviceProfile, load, matches, names
from hwcost.devices.catalog import PACKAGES, read


class DeviceProfileSuite(ABC):
    """Subclass it as ``Test...`` and name the package.

    Attributes:
        package: Name of its entry point in ``hwcost.device_profiles``.
    """

    package: ClassVar[str]

    @classmethod
    def folders(cls) -> list[Path]:
        """Returns the folders that hold the profiles."""
        return [Path(folder) for folder in PACKAGES.load(cls.package).__path__]

    @pytest.fixture(scope="class")
    @classmethod
    def profiles(cls) -> list[DeviceProfile]:
        """The profiles; reading one checks its keys, its types, its sources and its kind."""
        return [read(path) for folder in cls.folders() for path in sorted(folder.glob("*.toml"))]

    def test_every_profile_is_found_by_its_name(self, profiles: list[DeviceProfile]) -> None:
        """There is at least one."""
        assert profiles
        assert {profile.name for profile in profiles} <= set(names())
        assert [load(profile.name) for profile in profiles] == profiles

    def test_every_number_has_a_source(self, profiles: list[DeviceProfile]) -> None:
        """So does the last framework that runs on the device."""
        for profile in profiles:
            stated = [*profile.numbers(), *(["last_framework"] if profile.last_framework else [])]
            assert not [fact for fact in stated if not profile.source(fact)], profile.name

    def test_every_profile_survives_json(self, profiles: list[DeviceProfile]) -> None:
        """Plans keep it with the handle, so that the file is not needed again; unknown is null, never 0."""
        for profile in profiles:
            handle = DeviceHandle(profile)
            kept = json.loads(json.dumps(handle.to_dict(), allow_nan=False))
            assert DeviceHandle.from_dict(kept) == handle
            assert all(value != 0 for value in kept["profile"].values()), profile.name

    def test_every_profile_recognises_its_device(self, profiles: list[DeviceProfile]) -> None:
        """Each of its words is enough, unless a word that excludes the device stands beside."""
        for profile in profiles:
            for word in profile.match.words:
                device = _called(f"Some {word} device", profile)
                assert matches(profile, device), profile.name
                for excluded in profile.match.excluded:
                    assert not matches(profile, _called(f"{device.product} {excluded}", profile)), profile.name

    def test_half_precision_is_never_slower_and_is_dense(self, profiles: list[DeviceProfile]) -> None:
        """A figure stated with sparsity would be four times TF32 instead of twice."""
        for profile in profiles:
            single, tf32, half = map(profile.peak, ("float32", "tfloat32", "float16"))
            assert not (single and half) or half >= single, profile.name
            assert not (tf32 and half) or half == pytest.approx(2 * tf32, rel=0.02), profile.name


def _called(product: str, profile: DeviceProfile) -> DetectedDevice:
    """Returns a device of that name with the further facts that a profile asks for."""
    facts: dict[str, Any] = dict(profile.match.facts)
    return DetectedDevice(profile.kind, "vendor", product, **facts)
