"""Which facts of two environments must agree so that latencies in them can be compared, or be parts of one campaign.

What changes with a reboot or a patch, and not the machine, is rounded or left out: the boot, clocks of the moment, the CPUs
that a process was bound to, the last numbers of kernel and interpreter, and the few megabytes of memory that the operating
system keeps for itself. What is unknown on one side is no difference.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from hwcost.stores.schema import Environment

HOST = (
    "arch", "os", "cpu_model", "cpu_sockets", "cpu_core_count", "cpu_thread_count", "cpu_l1d_cache_bytes",
    "cpu_l2_cache_bytes", "cpu_l3_cache_bytes", "numa_nodes", "virtualization", "container_image_digest",
    "cloud_instance_type",
)  # fmt: skip
"""Facts of the host that must be equal."""

DEVICE = ("kind", "vendor", "product", "partition")
"""Facts of the device that must be equal; its memory and power limit must be nearly equal."""

DRIVERS = ("driver_version", "firmware_version", "cuda_or_rocm_version", "cudnn_version")
SETTINGS = ("governor", "turbo", "smt", "clocks_locked")
"""Settings of the processor that must be equal."""

TOLERANCE = 0.05
"""Relative difference up to which two sizes of memory, or two power limits, are one: a reboot moves them by kilobytes."""

NEARLY = ("memory_bytes", "device.memory_bytes", "device.power_limit_w")
"""Facts that must agree only within that tolerance."""

UNSET = "unset"


def deciding(environment: Environment, settings: Mapping[str, Any]) -> dict[str, Any]:
    """Returns the facts that decide, by name; unknown ones are absent.

    Args:
        environment: Tool, device, host and software.
        settings: Settings of the processor, from the conditions of a record or from the worker.
    """
    return {name: value for name, value in _facts(environment, settings) if value is not None}


def differing(a: Mapping[str, Any], b: Mapping[str, Any]) -> dict[str, tuple[Any, Any]]:
    """Returns both values of every fact that both sides know and that differs; a variable counts also when it is unset.

    Args:
        a: From :func:`deciding`, with further facts that must be equal.
        b: Likewise.
    """
    both = [name for name in a if a[name] is not None and b.get(name) is not None]
    found = {name: (a[name], b[name]) for name in both if name != "env" and not _agree(name, a[name], b[name])}
    if "device.product" in both:
        found.pop("device_key", None)  # a hash of facts that are compared themselves, with their tolerance
    if "env" in both:
        one, other = a["env"], b["env"]
        pairs = {name: (one.get(name, UNSET), other.get(name, UNSET)) for name in sorted({*one, *other})}
        found |= {f"env.{name}": pair for name, pair in pairs.items() if pair[0] != pair[1]}
    return found


def _facts(environment: Environment, settings: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    device, host, software = environment.device, environment.host, environment.software
    yield "device_key", device.device_key
    yield from ((f"device.{name}", getattr(device, name)) for name in (*DEVICE, "memory_bytes", "power_limit_w"))
    yield "device.units", device.extra.get("cores")
    yield from ((name, getattr(host, name)) for name in (*HOST, "memory_bytes"))
    yield "kernel", _series(host.kernel)
    yield "python_version", _series(software.python_version)
    yield from ((name, getattr(software, name)) for name in DRIVERS)
    yield from ((name, settings.get(name)) for name in SETTINGS)
    yield from ((f"framework.{name}", version) for name, version in (software.framework or {}).items())
    yield "env", software.env


def _series(version: str | None) -> str | None:
    """Returns the first two numbers of a version; patches of kernels and interpreters are no other machine."""
    if version is None:
        return None
    match = re.match(r"\d+\.\d+", version)
    return match[0] if match else version


def _agree(name: str, one: Any, other: Any) -> bool:
    if name in NEARLY:
        return bool(abs(one - other) <= TOLERANCE * max(abs(one), abs(other)))
    return bool(one == other)
