"""A device that is present, and the key under which its results are compared."""

from __future__ import annotations

import hashlib
import json
import math
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class DetectedDevice:
    """What could be found out about a device that is here. Unknown is None.

    Attributes:
        kind: Name of its kind, such as ``cpu`` or ``cuda``.
        vendor: Vendor, such as ``intel``, ``amd``, ``nvidia`` or ``google``.
        product: Name that the device gives itself.
        index: Its number among the devices of its kind, as ``NAME:INDEX`` counts them.
        uuid: Identifier of this one device, by which a process is pinned to it; None where it has none.
        memory_bytes: Size of its memory; for a CPU, of the main memory that the operating system sees.
        cores: Physical cores.
        threads: Logical processors.
        compute_capability: Compute capability of a CUDA device.
        l1d_bytes: Level 1 data cache of one core.
        l2_bytes: Level 2 cache as one core sees it.
        l3_bytes: Level 3 cache as one core sees it.
        clock_hz: Base clock of a CPU, highest clock of a GPU.
        power_limit_w: Power limit that is set.
        partition: ``MIG`` or a slice's name when this is only a part of a device.
        driver_version: Context, not part of the key.
    """

    kind: str
    vendor: str
    product: str
    index: int = 0
    uuid: str | None = None
    memory_bytes: int | None = None
    cores: int | None = None
    threads: int | None = None
    compute_capability: str | None = None
    l1d_bytes: int | None = None
    l2_bytes: int | None = None
    l3_bytes: int | None = None
    clock_hz: float | None = None
    power_limit_w: float | None = None
    partition: str | None = None
    driver_version: str | None = None

    @property
    def key(self) -> str:
        """The device's key; see :func:`device_key`."""
        return device_key(
            vendor=self.vendor,
            product=self.product,
            memory_bytes=self.memory_bytes,
            units=self.cores,
            partition=self.partition,
            power_limit_w=self.power_limit_w,
        )

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON with the key."""
        return {"device_key": self.key, **asdict(self)}


def device_key(
    *,
    vendor: str,
    product: str,
    memory_bytes: int | None = None,
    units: int | None = None,
    partition: str | None = None,
    power_limit_w: float | None = None,
) -> str:
    """Hashes what survives a reboot and nothing else: drivers, clocks and temperatures are context.

    Args:
        vendor: Vendor.
        product: Product name.
        memory_bytes: Memory; rounded up to the next quarter of a doubling, because the operating system keeps a
            little for itself, and another little after each update.
        units: Cores or streaming multiprocessors.
        partition: Name of the slice, when it is one.
        power_limit_w: Power limit, rounded to whole watts.

    Returns:
        16 hexadecimal digits.
    """
    facts = {
        "vendor": vendor.lower(),
        "product": " ".join(product.split()),
        "memory": None if memory_bytes is None else math.ceil(4 * math.log2(memory_bytes)),
        "units": units,
        "partition": partition,
        "power_w": None if power_limit_w is None else round(power_limit_w),
    }
    return hashlib.sha256(json.dumps(facts, sort_keys=True).encode()).hexdigest()[:16]
