"""Counters of the machine while a workload is timed: one provider for the host, and one per kind of device."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hwcost.devices import device_kind
from hwcost.devices.telemetry import BlockReading, Telemetry
from hwcost.timing.telemetry.combined import Combined
from hwcost.timing.telemetry.host import HostTelemetry
from hwcost.timing.telemetry.plugin_providers import provider_of

if TYPE_CHECKING:
    from hwcost.backends.base import Backend
    from hwcost.devices import DeviceHandle

__all__ = ["BlockReading", "Combined", "HostTelemetry", "Telemetry", "telemetry_of"]


def telemetry_of(backend: type[Backend] | Backend, handle: DeviceHandle) -> Telemetry:
    """Returns the provider for a backend on a device: the host's counters, where it uses the CPUs, and the device's.

    Args:
        backend: A backend or its class.
        handle: Device that is measured on.
    """
    kind = device_kind(handle.kind)
    host = [HostTelemetry(handle)] if backend.uses_processor else []
    is_read = bool(kind.telemetry) and (backend.uses_processor or not kind.is_host)
    own = [provider_of(kind.telemetry, handle)] if is_read else []
    return Combined(handle, [*host, *own])
