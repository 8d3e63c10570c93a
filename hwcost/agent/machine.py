"""Facts of the machine and its software, found once a process, by the names of ``hwcost.facts``; unknown ones are absent.

Serial numbers, host names and other environment variables than those listed are never read.
"""

from __future__ import annotations

import glob
import os
import platform
import re
from pathlib import Path
from typing import Any, Callable

from .counters import CPU, Root, known
from .files import text, text_or_empty
from .processors import hides_siblings

VARIABLES = (
    "CUBLAS_WORKSPACE_CONFIG", "CUDA_LAUNCH_BLOCKING", "CUDA_VISIBLE_DEVICES", "KMP_AFFINITY", "KMP_BLOCKTIME",
    "LIBTPU_INIT_ARGS", "MKL_ENABLE_INSTRUCTIONS", "MKL_NUM_THREADS", "NVIDIA_TF32_OVERRIDE", "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY", "OPENBLAS_NUM_THREADS", "PJRT_DEVICE", "PYTORCH_CUDA_ALLOC_CONF", "XLA_FLAGS",
)  # fmt: skip
"""Environment variables that change latency."""

_ARM_PARTS = {"0xd08": "Cortex-A72", "0xd0b": "Cortex-A76", "0xd0c": "Neoverse-N1", "0xd40": "Neoverse-V1"}
_VENDORS = {"genuineintel": "intel", "authenticamd": "amd", "0x41": "arm"}
_SIZES = {"": 1, "K": 1024, "M": 1024**2, "G": 1024**3}


def cpu(root: Root = "/") -> dict[str, Any]:
    """Returns the facts of the CPU as a device; those that ``/proc`` and ``/sys`` show.

    Args:
        root: Folder in which ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    records = _records(text_or_empty(root, "proc/cpuinfo"))
    if not records:
        return {"kind": "cpu", "vendor": "unknown", "product": platform.processor() or "unknown CPU"}
    first = records[0]
    vendor = (first.get("vendor_id") or first.get("CPU implementer") or "unknown").lower()
    product = _product(first, root)
    cores = {(one["physical id"], one["core id"]) for one in records if "physical id" in one and "core id" in one}
    caches = _caches(root)
    memory = re.search(r"^MemTotal:\s+(\d+) kB", text_or_empty(root, "proc/meminfo"), re.MULTILINE)
    return {
        "kind": "cpu",
        "vendor": _VENDORS.get(vendor, vendor),
        "product": product,
        "index": 0,
        "memory_bytes": int(memory.group(1)) * 1024 if memory else None,
        "cores": len(cores) or len(records),
        "threads": len(records),
        "l1d_bytes": caches.get(1),
        "l2_bytes": caches.get(2),
        "l3_bytes": caches.get(3),
        "clock_hz": _base_clock_hz(product, root),
    }


def facts(device: dict[str, Any], versions: dict[str, str], set_here: dict[str, str], root: str = "/") -> dict[str, Any]:
    """Returns the facts of this process by group.

    Args:
        device: Facts of the device that is measured on.
        versions: Versions that the runtime reports.
        set_here: Environment variables that the runner itself set to choose the device, which are left out.
        root: Folder in which ``proc`` and ``sys`` lie.
    """
    here = cpu(root)
    shared = {"cpu_core_count": "cores", "cpu_thread_count": "threads", "cpu_l1d_cache_bytes": "l1d_bytes"}
    shared.update({"cpu_l2_cache_bytes": "l2_bytes", "cpu_l3_cache_bytes": "l3_bytes", "memory_bytes": "memory_bytes"})
    host = {
        "arch": platform.machine(), "os": platform.system(), "kernel": platform.release(), "cpu_model": here["product"],
        "cpu_sockets": known(lambda: sockets(root)), "numa_nodes": numa_nodes(root),
        "virtualization": known(lambda: virtualization(root)),
        "boot_id": known(lambda: text(root, "proc/sys/kernel/random/boot_id")),
        **{name: here.get(of) for name, of in shared.items()},
    }  # fmt: skip
    variables = {name: os.environ[name] for name in VARIABLES if name in os.environ}
    env = {name: value for name, value in variables.items() if set_here.get(name) != value}
    software = {"framework": versions, "python_version": platform.python_version(), "env": env}
    software["driver_version"] = device.get("driver_version")
    of_device = {name: value for name, value in device.items() if name != "driver_version"}
    groups = {"device": of_device, "host": host, "software": software, "settings": _settings(root)}
    return {group: {name: one for name, one in found.items() if one is not None} for group, found in groups.items()}


def _settings(root: str) -> dict[str, Any]:
    readers: dict[str, Callable[[], Any]] = {
        "governor": lambda: text(root, CPU, "cpu0/cpufreq/scaling_governor"),
        "turbo": lambda: turbo(root),
        "smt": lambda: text(root, CPU, "smt/active") == "1",
        "aslr": lambda: text(root, "proc/sys/kernel/randomize_va_space") != "0",
        "cpu_affinity": lambda: sorted(os.sched_getaffinity(0)),
        "queue_job": lambda: os.environ.get("HWCOST_QUEUE_JOB"),
    }
    return {name: known(reader) for name, reader in readers.items()}


def turbo(root: Root) -> bool | None:
    """Says whether the clock may rise above the base clock; None where it is unknown, or differs between the CPUs.

    Intel's driver has a switch of its own. Others have one for the machine, and newer kernels one for the CPUs of each
    policy beside it; the clock rises where both let it.
    """
    of_intel = text_or_empty(root, CPU, "intel_pstate/no_turbo")
    if of_intel:
        return of_intel == "0"
    of_machine = text_or_empty(root, CPU, "cpufreq/boost")
    if of_machine == "0":
        return False
    paths = glob.glob(os.path.join(root, CPU, "cpufreq/policy[0-9]*/boost"))
    known = {value for value in (of_machine, *map(text_or_empty, paths)) if value}
    return known == {"1"} if len(known) == 1 else None


def numa_nodes(root: Root) -> int | None:
    """Returns the number of nodes of memory; a kernel without NUMA shows none and has one."""
    nodes = len(glob.glob(os.path.join(root, "sys/devices/system/node/node[0-9]*")))
    return nodes or (1 if os.path.exists(os.path.join(root, CPU)) else None)


def sockets(root: Root) -> int | None:
    """Returns the number of processor packages."""
    paths = glob.glob(os.path.join(root, CPU, "cpu[0-9]*/topology/physical_package_id"))
    return len({text(path) for path in paths}) or None


def virtualization(root: Root) -> str | None:
    """Returns the kind of virtual machine; None on bare metal."""
    return "hypervisor" if hides_siblings(Path(root)) else None


def _records(cpuinfo: str) -> list[dict[str, str]]:
    """Splits cpuinfo into one record per processor; board lines at the end (ARM) join the first."""
    records, boards = [], []
    for block in re.split(r"\n\s*\n", cpuinfo):
        pairs = (line.partition(":") for line in block.splitlines() if ":" in line)
        record = {key.strip(): value.strip() for key, _, value in pairs}
        if record:
            (records if "processor" in record else boards).append(record)
    for board in boards[: len(boards) if records else 0]:
        records[0].update(board)
    return records


def _product(record: dict[str, str], root: Root) -> str:
    if "model name" in record and "CPU part" not in record:
        return record["model name"]
    board = record.get("Model") or text_or_empty(root, "proc/device-tree/model")
    part = _ARM_PARTS.get(record.get("CPU part", ""), record.get("CPU part", ""))
    return " ".join(one for one in (board, part) if one) or "unknown CPU"


def _caches(root: Root) -> dict[int, int]:
    """Returns bytes by level of the data and unified caches that the first processor sees."""
    sizes: dict[int, int] = {}
    for index in sorted(glob.glob(os.path.join(root, CPU, "cpu0/cache/index*"))):
        level = text_or_empty(index, "level")
        size = re.match(r"(\d+)([KMG]?)$", text_or_empty(index, "size"))
        if level.isdigit() and size and text_or_empty(index, "type") in ("Data", "Unified"):
            sizes[int(level)] = int(size.group(1)) * _SIZES[size.group(2)]
    return {level: size for level, size in sizes.items() if size}


def _base_clock_hz(product: str, root: Root) -> float | None:
    base = text_or_empty(root, CPU, "cpu0/cpufreq/base_frequency")
    if base.isdigit() and int(base):
        return int(base) * 1e3
    stated = re.search(r"@ ([0-9.]+)GHz", product)
    return float(stated.group(1)) * 1e9 if stated else None
