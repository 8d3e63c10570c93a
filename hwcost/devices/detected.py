"""A device that is present, and the key under which its results are compared."""

from __future__ import annotations

import hashlib
import json
import math
import re
from dataclasses import asdict, dataclass
from typing import Any

from hwcost.devices.profile import DeviceProfile, Kind


@dataclass(frozen=True)
class DetectedDevice:
    """What could be found out about a device that is here. Unknown is None.

    Attributes:
        kind: ``cpu``, ``cuda`` or ``tpu``.
        vendor: For example ``intel``, ``amd``, ``nvidia``, ``google``.
        product: The name that the device gives itself.
        index: Its number among the devices of its kind, as runtimes count them.
        memory_bytes: Size of its memory; of a CPU, what the operating system sees.
        cores: Physical cores.
        threads: Logical processors.
        compute_capability: Of a CUDA device.
        l1d_bytes: Level 1 data cache of one core.
        l2_bytes: Level 2 cache as one core sees it.
        l3_bytes: Level 3 cache as one core sees it.
        clock_hz: Base clock of a CPU, highest clock of a GPU.
        power_limit_w: Power limit that is set.
        partition: ``MIG`` or a slice's name when this is only a part of a device.
        driver_version: Context, not part of the key.
    """

    kind: Kind
    vendor: str
    product: str
    index: int = 0
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


def matches(profile: DeviceProfile, device: DetectedDevice) -> bool:
    """Whether a present device is the one that a profile describes. A slice of a device is not that device."""
    rule = profile.match
    words = {"cpu": rule.cpu, "cuda": rule.cuda, "tpu": rule.tpu}[device.kind]
    if profile.kind != device.kind or device.partition is not None:
        return False
    if any(_has_words(device.product, text) for text in rule.excluded):
        return False
    if rule.compute_capability not in (None, device.compute_capability or rule.compute_capability):
        return False
    return any(text == "*" or _has_words(device.product, text) for text in words)


def _has_words(name: str, text: str) -> bool:
    return re.search(rf"(?<![a-z0-9]){re.escape(text)}(?![a-z0-9])", name, re.IGNORECASE) is not None
