"""One device that is here: the thing that a plan names, that a process is pinned to, and that a record is of."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from hwcost.devices.profile import DeviceProfile
from hwcost.devices.schema import profile_from


@dataclass(frozen=True)
class DeviceHandle:
    """A device of this machine.

    Attributes:
        profile: Facts about devices of its model.
        index: Its number among the devices of its kind, as ``hwcost devices detect`` shows it.
        uuid: Identifier of this one device; None where it has none, as CPUs.
    """

    profile: DeviceProfile
    index: int = 0
    uuid: str | None = None

    @property
    def name(self) -> str:
        """Name of the profile."""
        return self.profile.name

    @property
    def kind(self) -> str:
        """Name of its kind, such as ``cpu`` or ``cuda``."""
        return self.profile.kind

    def __str__(self) -> str:
        return f"{self.name}:{self.index}" + (f" ({self.uuid})" if self.uuid else "")

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON that :meth:`from_dict` turns into an equal handle, also where the profile's file is gone."""
        return {"index": self.index, "uuid": self.uuid, "profile": self.profile.to_dict()}

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> DeviceHandle:
        """Makes a handle of what :meth:`to_dict` returned.

        Raises:
            DataError: When the profile in it is not a valid one.
        """
        known = {name: value for name, value in data["profile"].items() if value is not None}
        profile = profile_from(known, f"the device profile '{known.get('name')}' of the plan")
        return cls(profile, data["index"], data["uuid"])
