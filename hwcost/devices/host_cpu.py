"""The CPU of this machine, from ``/proc/cpuinfo`` and the cache directories of sysfs; psutil where there are none."""

from __future__ import annotations

import re
from pathlib import Path

from hwcost.agent.files import text_or_empty
from hwcost.devices.detected import DetectedDevice

_ARM_PARTS = {"0xd08": "Cortex-A72", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd40": "Neoverse-V1"}
_VENDORS = {"genuineintel": "intel", "authenticamd": "amd", "0x41": "arm"}
_SIZES = {"K": 1024, "M": 1024**2, "G": 1024**3}


def detect_cpu(root: Path = Path("/")) -> DetectedDevice:
    """Returns the CPU that this process runs on.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    records = _records(text_or_empty(root / "proc/cpuinfo"))
    if not records:
        return _from_psutil()
    first = records[0]
    vendor = (first.get("vendor_id") or first.get("CPU implementer") or "unknown").lower()
    product = _product(first, root)
    cores = {(record["physical id"], record["core id"]) for record in records if {"physical id", "core id"} <= {*record}}
    caches = _caches(root)
    return DetectedDevice(
        kind="cpu",
        vendor=_VENDORS.get(vendor, vendor),
        product=product,
        memory_bytes=_memory_bytes(root),
        cores=len(cores) or len(records),
        threads=len(records),
        l1d_bytes=caches.get(1),
        l2_bytes=caches.get(2),
        l3_bytes=caches.get(3),
        clock_hz=_base_clock_hz(product, root),
    )


def _records(text: str) -> list[dict[str, str]]:
    """Splits cpuinfo into one record per processor; board lines at the end (ARM) join the first."""
    blocks = [block for block in re.split(r"\n\s*\n", text) if block.strip()]
    pairs = [dict(_pair(line) for line in block.splitlines() if ":" in line) for block in blocks]
    records = [record for record in pairs if "processor" in record]
    for board in (record for record in pairs if "processor" not in record):
        for record in records[:1]:
            record.update(board)
    return records


def _pair(line: str) -> tuple[str, str]:
    key, _, value = line.partition(":")
    return key.strip(), value.strip()


def _product(record: dict[str, str], root: Path) -> str:
    if "model name" in record and "CPU part" not in record:
        return record["model name"]
    board = record.get("Model") or text_or_empty(root / "proc/device-tree/model")
    part = _ARM_PARTS.get(record.get("CPU part", ""), record.get("CPU part", ""))
    return " ".join(text for text in (board, part) if text) or "unknown CPU"


def _caches(root: Path) -> dict[int, int]:
    """Returns bytes by level of the data and unified caches that the first processor sees."""
    sizes: dict[int, int] = {}
    for index in sorted((root / "sys/devices/system/cpu/cpu0/cache").glob("index*")):
        level, size = text_or_empty(index / "level"), _bytes(text_or_empty(index / "size"))
        if level.isdigit() and size and text_or_empty(index / "type") in ("Data", "Unified"):
            sizes[int(level)] = size
    return sizes


def _bytes(text: str) -> int | None:
    match = re.fullmatch(r"(\d+)([KMG]?)", text)
    return int(match[1]) * _SIZES.get(match[2], 1) or None if match else None


def _memory_bytes(root: Path) -> int | None:
    match = re.search(r"^MemTotal:\s+(\d+) kB", text_or_empty(root / "proc/meminfo"), re.MULTILINE)
    return int(match[1]) * 1024 if match else None


def _base_clock_hz(product: str, root: Path) -> float | None:
    base = text_or_empty(root / "sys/devices/system/cpu/cpu0/cpufreq/base_frequency")
    if base.isdigit() and int(base):
        return int(base) * 1e3
    match = re.search(r"@ ([0-9.]+)GHz", product)
    return float(match[1]) * 1e9 if match else None


def _from_psutil() -> DetectedDevice:
    import platform

    import psutil

    return DetectedDevice(
        kind="cpu",
        vendor="unknown",
        product=platform.processor() or platform.machine() or "unknown CPU",
        memory_bytes=psutil.virtual_memory().total,
        cores=psutil.cpu_count(logical=False),
        threads=psutil.cpu_count(),
    )
