"""CUDA devices of this machine, without torch: NVML where its Python package is installed, else what the driver tells.

Nothing is started on a machine without the driver's files, so that looking costs nothing there.
"""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

from hwcost.devices.detected import DetectedDevice
from hwcost.devices.host_cpu import read_text

_QUERY = ("name", "memory.total", "power.limit", "clocks.max.sm", "compute_cap", "driver_version", "mig.mode.current")
_TIMEOUT_S = 5.0
_MIB = 1024**2


def detect_cuda(root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns the CUDA devices in the order of their bus, which is how runtimes count with CUDA_DEVICE_ORDER=PCI_BUS_ID.

    Args:
        root: Where ``proc`` and ``dev`` lie. With a tree of one's own, only its files are read.
    """
    driver = root / "proc/driver/nvidia"
    if not (driver.exists() or (root / "dev/nvidiactl").exists() or (root / "dev/dxg").exists()):
        return []
    if root != Path("/"):
        return from_proc(driver)
    found = _from_nvml()
    if found is None:
        text = _smi_output()
        found = None if text is None else from_smi(text)
    return from_proc(driver) if found is None else found


def from_proc(driver: Path) -> list[DetectedDevice]:
    """Reads the driver's directory; it knows names only."""
    version = re.search(r"Kernel Module\D*([0-9.]+)", read_text(driver / "version"))
    devices: list[DetectedDevice] = []
    for information in sorted((driver / "gpus").glob("*/information")):
        model = re.search(r"^Model:\s*(.+)$", read_text(information), re.MULTILINE)
        if model:
            devices.append(_device(len(devices), model[1].strip(), driver_version=version[1] if version else None))
    return devices


def from_smi(text: str) -> list[DetectedDevice]:
    """Reads what ``nvidia-smi`` prints for the fields in ``_QUERY`` as CSV without header and units."""
    devices: list[DetectedDevice] = []
    for row in csv.reader(io.StringIO(text), skipinitialspace=True):
        if len(row) != len(_QUERY):
            continue
        values = dict(zip(_QUERY, (_known(cell) for cell in row), strict=True))
        devices.append(
            _device(
                len(devices),
                values["name"] or "unknown GPU",
                memory_bytes=_scaled(values["memory.total"], _MIB),
                power_limit_w=_scaled(values["power.limit"], 1.0),
                clock_hz=_scaled(values["clocks.max.sm"], 1e6),
                compute_capability=values["compute_cap"],
                driver_version=values["driver_version"],
                partition="MIG" if values["mig.mode.current"] == "Enabled" else None,
            )
        )
    return devices


def _known(cell: str) -> str | None:
    text = cell.strip()
    return None if not text or text.startswith("[") or text == "N/A" else text


def _scaled(text: str | None, unit: float) -> Any:
    try:
        return None if text is None else type(unit)(float(text) * unit)
    except ValueError:
        return None


def _device(index: int, product: str, **facts: Any) -> DetectedDevice:
    return DetectedDevice(kind="cuda", vendor="nvidia", product=product, index=index, **facts)


def _smi_output() -> str | None:
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi")
    if program is None:
        return None
    command = [program, f"--query-gpu={','.join(_QUERY)}", "--format=csv,noheader,nounits"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    return done.stdout


def _from_nvml() -> list[DetectedDevice] | None:
    try:
        import pynvml
    except ImportError:
        return None
    try:
        pynvml.nvmlInit()
    except pynvml.NVMLError:
        return None
    try:
        version = _decoded(pynvml.nvmlSystemGetDriverVersion())
        return [_nvml_device(pynvml, index, version) for index in range(pynvml.nvmlDeviceGetCount())]
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def _nvml_device(nvml: Any, index: int, driver_version: str) -> DetectedDevice:
    handle = nvml.nvmlDeviceGetHandleByIndex(index)

    def ask(function: str, *arguments: Any) -> Any:
        try:
            return getattr(nvml, function)(handle, *arguments)
        except (nvml.NVMLError, AttributeError):  # not supported by this device, or by this version of the package
            return None

    memory = ask("nvmlDeviceGetMemoryInfo")
    power = ask("nvmlDeviceGetPowerManagementLimit")
    clock = ask("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM)
    capability = ask("nvmlDeviceGetCudaComputeCapability")
    mig = ask("nvmlDeviceGetMigMode")
    return _device(
        index,
        _decoded(nvml.nvmlDeviceGetName(handle)),
        memory_bytes=None if memory is None else int(memory.total) // _MIB * _MIB,
        power_limit_w=None if power is None else power / 1e3,
        clock_hz=None if clock is None else clock * 1e6,
        compute_capability=None if capability is None else "{}.{}".format(*capability),
        driver_version=driver_version,
        partition="MIG" if mig is not None and mig[0] else None,
    )


def _decoded(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text
