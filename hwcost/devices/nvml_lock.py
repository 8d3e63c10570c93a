"""Locks the clock of an NVIDIA GPU until its stdin is closed, then resets it; a program of its own.

The program outlives whoever started it by just that reset: stdin is closed when a campaign ends, fails, is interrupted or is
killed. Its arguments are UUID and index of the GPU. It writes one line of JSON to stdout::

    {"locked_hz": ...}     the clock is locked
    {"refused": "..."}     it is not, for this reason; the program ends
"""

from __future__ import annotations

import json
import signal
import sys
from typing import Any

SHARE = 0.8
"""Share of the highest clock that is locked: power and temperature seldom force a GPU below it.

Source: pytorch/xla#5924; an H200 under 700 W holds 1500 of its 1980 MHz.
"""


def main(uuid: str, index: str) -> int:
    """Locks, waits for the end of stdin, and resets."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    try:
        import pynvml
    except ImportError:
        return _say(refused="NVML's Python package is missing: pip install 'hwcost[gpu]'")
    try:
        gpu, clock_mhz = lock(pynvml, uuid or None, int(index))
    except pynvml.NVMLError as error:
        return _say(refused=str(error))
    try:
        _say(locked_hz=clock_mhz * 1e6)
        sys.stdin.read()
    finally:
        pynvml.nvmlDeviceResetGpuLockedClocks(gpu)
        pynvml.nvmlShutdown()
    return 0


def lock(nvml: Any, uuid: str | None, index: int) -> tuple[Any, int]:
    """Locks the clock of a GPU near ``SHARE`` of its highest.

    Args:
        nvml: The module ``pynvml``.
        uuid: UUID of the GPU; None where the driver has none.
        index: Number of the GPU on the bus, which counts where there is no UUID.

    Returns:
        The handle of the GPU, and the clock in MHz.
    """
    nvml.nvmlInit()
    gpu = nvml.nvmlDeviceGetHandleByIndex(index) if uuid is None else nvml.nvmlDeviceGetHandleByUUID(uuid)
    highest = nvml.nvmlDeviceGetMaxClockInfo(gpu, nvml.NVML_CLOCK_SM)
    clock = max((one for one in _supported(nvml, gpu) if one <= SHARE * highest), default=round(SHARE * highest))
    nvml.nvmlDeviceSetGpuLockedClocks(gpu, clock, clock)
    return gpu, clock


def _supported(nvml: Any, gpu: Any) -> list[int]:
    """Returns the clocks that the GPU can be set to, in MHz, with its memory as fast as it gets; none where unknown."""
    try:
        memory = max(nvml.nvmlDeviceGetSupportedMemoryClocks(gpu))
        return list(nvml.nvmlDeviceGetSupportedGraphicsClocks(gpu, memory))
    except nvml.NVMLError:
        return []


def _say(**answer: Any) -> int:
    sys.stdout.write(json.dumps(answer) + "\n")
    sys.stdout.flush()
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
