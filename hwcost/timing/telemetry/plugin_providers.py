"""Providers of counters of other distributions, whose every answer is checked before a record holds it.

An error that a provider raises fails the workload in hand, as any error does.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import fields
from numbers import Real
from typing import TYPE_CHECKING, Any

from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.errors import ContractError
from hwcost.registry import imported, is_own, made

if TYPE_CHECKING:
    from hwcost.devices import DeviceHandle

NUMBERS = (
    "visit_energy_j", "temperature_celsius", "cpu_steal_fraction", "sibling_busy_fraction", "thermal_throttle_events",
    "cgroup_throttled_s", "involuntary_switches", "enqueue_s", "device_s",
)  # fmt: skip
"""Conditions that guards and quantities read as numbers."""

LISTS = ("throttle_reasons", "foreign_pids")
"""Conditions that they read as lists."""


def provider_of(value: str, handle: DeviceHandle) -> Telemetry:
    """Makes the provider of a kind of device.

    Args:
        value: Class of the provider, as ``module:attribute``.
        handle: Device that is measured on.

    Raises:
        ContractError: When it is not a provider.
    """
    kind = imported(value)
    found = made(f"telemetry '{value}'", kind, handle)
    if not isinstance(found, Telemetry):
        raise ContractError(f"the telemetry '{value}' is not a subclass of hwcost.devices.telemetry.Telemetry")
    return found if is_own(type(found)) else Checked(handle, found, value)


class Checked(Telemetry):
    """A provider of another distribution.

    Args:
        handle: Device that is measured on.
        provider: The provider.
        value: Its class, as ``module:attribute``, for messages.
    """

    def __init__(self, handle: DeviceHandle, provider: Telemetry, value: str) -> None:
        super().__init__(handle)
        self._provider, self._value = provider, value
        self.begin, self.before_block, self.check = provider.begin, provider.before_block, provider.check  # type: ignore[method-assign]

    def after_block(self) -> BlockReading:
        """See the base class."""
        found: Any = self._provider.after_block()
        if not isinstance(found, BlockReading):
            raise self._wrong("after_block", found, "hwcost.devices.telemetry.BlockReading(clock_hz)")
        for field in fields(found):
            self._number(getattr(found, field.name), "after_block", field.name)
        return found

    def end(self) -> dict[str, Any]:
        """See the base class."""
        found = self._mapping("end", self._provider.end())
        for name, one in found.items():
            if name in NUMBERS or isinstance(one, float):
                self._number(one, "end", str(name))
            if name in LISTS and one is not None and not isinstance(one, (list, tuple)):
                raise self._wrong("end", {name: one}, f"a list as {name}")
        return found

    def energy_j(self) -> float | None:
        """See the base class."""
        return self._number(self._provider.energy_j(), "energy_j", "joules")

    def power_w(self) -> float | None:
        """See the base class."""
        return self._number(self._provider.power_w(), "power_w", "watts")

    def memory_bytes(self) -> int | None:
        """See the base class."""
        found = self._number(self._provider.memory_bytes(), "memory_bytes", "bytes")
        return None if found is None else int(found)

    def settings(self) -> dict[str, Any]:
        """See the base class."""
        return self._mapping("settings", self._provider.settings())

    def unavailable(self) -> dict[str, str]:
        """See the base class."""
        return self._mapping("unavailable", self._provider.unavailable())

    def _mapping(self, method: str, found: Any) -> dict[str, Any]:
        if not isinstance(found, Mapping):
            raise self._wrong(method, found, "a dict, which may be empty")
        return dict(found)

    def _number(self, found: Any, method: str, noun: str) -> float | None:
        """Returns a number, or None for what is unknown."""
        if found is None:
            return None
        if not isinstance(found, Real) or not math.isfinite(found):
            raise self._wrong(method, found, f"a number ({noun}), or None where it is unknown")
        return found  # type: ignore[return-value]

    def _wrong(self, method: str, found: Any, expected: str) -> ContractError:
        return ContractError(f"the telemetry '{self._value}' gave {found!r:.80} from {method}; expected {expected}")
