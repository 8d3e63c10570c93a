"""What machine and software a process runs in: one table of facts, each with the function that finds it.

A fact that cannot be found is None, never 0. Serial numbers and host names are not read.
"""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hwcost.devices.host_cpu import detect_cpu

ROOT = Path("/")

VARIABLES = (
    "CUDA_VISIBLE_DEVICES",
    "KMP_AFFINITY",
    "KMP_BLOCKTIME",
    "MKL_ENABLE_INSTRUCTIONS",
    "MKL_NUM_THREADS",
    "NVIDIA_TF32_OVERRIDE",
    "OMP_NUM_THREADS",
    "OMP_WAIT_POLICY",
    "OPENBLAS_NUM_THREADS",
    "PJRT_DEVICE",
)
"""Environment variables that change latency; no other is ever stored."""


def host(root: Path = ROOT) -> dict[str, Any]:
    """Returns the machine's lasting facts.

    Args:
        root: Where ``proc`` and ``sys`` lie; tests pass a tree of their own.
    """
    cpu = detect_cpu(root)
    return {name: _quietly(find, root) for name, find in HOST.items()} | {
        "cpu_model": cpu.product,
        "cpu_core_count": cpu.cores,
        "cpu_thread_count": cpu.threads,
        "cpu_l1d_cache_bytes": cpu.l1d_bytes,
        "cpu_l2_cache_bytes": cpu.l2_bytes,
        "cpu_l3_cache_bytes": cpu.l3_bytes,
        "memory_bytes": cpu.memory_bytes,
    }


def software(versions: dict[str, str]) -> dict[str, Any]:
    """Returns interpreter, frameworks and the environment variables that matter.

    Args:
        versions: What the backend reports about itself.
    """
    return {
        "python_version": platform.python_version(),
        "framework": versions,
        "env": {name: os.environ[name] for name in VARIABLES if name in os.environ},
    }


def settings(root: Path = ROOT) -> dict[str, Any]:
    """Returns how the processor is set up: governor, turbo, SMT, ASLR, and the CPUs that this process may use."""
    return {name: _quietly(find, root) for name, find in SETTINGS.items()}


def tool() -> dict[str, Any]:
    """Returns this library's version."""
    from hwcost import __version__

    return {"hwcost_version": __version__, "argv": None}


def _quietly(find: Callable[[Path], Any], root: Path) -> Any:
    try:
        return find(root)
    except (OSError, ValueError, KeyError, IndexError, AttributeError):
        return None


def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8", errors="replace").strip()


def _cpuinfo(root: Path, key: str) -> str:
    for line in _text(root / "proc/cpuinfo").splitlines():
        name, _, value = line.partition(":")
        if name.strip() == key:
            return value.strip()
    raise KeyError(key)


def _sockets(root: Path) -> int | None:
    packages = (root / "sys/devices/system/cpu").glob("cpu[0-9]*/topology/physical_package_id")
    return len({_text(path) for path in packages}) or None


def _numa_nodes(root: Path) -> int:
    return len(list((root / "sys/devices/system/node").glob("node[0-9]*"))) or 1


def _virtualization(root: Path) -> str | None:
    return "hypervisor" if "hypervisor" in _cpuinfo(root, "flags").split() else None


def _turbo(root: Path) -> bool:
    return _text(root / "sys/devices/system/cpu/intel_pstate/no_turbo") == "0"


def _affinity(root: Path) -> list[int] | None:
    return sorted(os.sched_getaffinity(0)) if sys.platform == "linux" else None


HOST: dict[str, Callable[[Path], Any]] = {
    "arch": lambda root: platform.machine(),
    "os": lambda root: platform.system(),
    "kernel": lambda root: platform.release(),
    "cpu_sockets": _sockets,
    "numa_nodes": _numa_nodes,
    "virtualization": _virtualization,
    "boot_id": lambda root: _text(root / "proc/sys/kernel/random/boot_id"),
}
"""Fact of the host to the function that finds it."""

SETTINGS: dict[str, Callable[[Path], Any]] = {
    "governor": lambda root: _text(root / "sys/devices/system/cpu/cpu0/cpufreq/scaling_governor"),
    "turbo": _turbo,
    "smt": lambda root: _text(root / "sys/devices/system/cpu/smt/active") == "1",
    "aslr": lambda root: _text(root / "proc/sys/kernel/randomize_va_space") != "0",
    "cpu_affinity": _affinity,
}
"""Setting of the processor to the function that finds it."""
