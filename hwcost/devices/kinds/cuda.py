"""CUDA devices of this machine, without torch: by NVML where its Python package is installed, else by the driver's tools.

CUDA counts devices quickest first unless ``CUDA_DEVICE_ORDER`` says otherwise, and the driver's tools count by the bus. So
a device is named by its index on the bus, as ``nvidia-smi`` shows it, and a process is pinned to it by its UUID, which
means the same card to all of them. Nothing is started on a machine without the driver's files.

A card that is cut into slices (MIG) is listed with the partition ``MIG``, and NVML lists its slices behind all cards, each
with the name of its size, such as ``1g.10gb``, and a UUID of its own.
"""

from __future__ import annotations

import csv
import io
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar

from hwcost.agent.files import text_or_empty
from hwcost.devices.detected import DetectedDevice
from hwcost.devices.kinds.base import DeviceKind

if TYPE_CHECKING:
    from hwcost.devices.handle import DeviceHandle

VISIBLE = "CUDA_VISIBLE_DEVICES"
"""Environment variable with the devices that CUDA shows a process: numbers, or UUIDs, which may be cut short."""

MIG = "MIG-"
"""Beginning of the UUID of a slice."""

_QUERY = (
    "name", "uuid", "memory.total", "power.limit", "clocks.max.sm", "compute_cap", "driver_version", "mig.mode.current",
)  # fmt: skip
_NEWER = ("compute_cap", "mig.mode.current")
"""Fields that older drivers lack: 470 has not the first one, and those before 450 have neither."""
_OF_CARD = ("nvmlDeviceGetPowerManagementLimit", "nvmlDeviceGetMaxClockInfo", "nvmlDeviceGetCudaComputeCapability")
_TIMEOUT_S = 5.0
_MIB = 1024**2


class Cuda(DeviceKind):
    """An NVIDIA GPU."""

    name = "cuda"
    min_block_s = 0.002
    match_facts = ("compute_capability", "partition")
    stall_s = 600.0
    clock_lock = "hwcost.devices.nvml_lock"
    telemetry = "hwcost.timing.telemetry.nvml:NvmlTelemetry"
    detected_facts: ClassVar[Mapping[str, str]] = {
        "memory_bytes": "Detected: NVML or nvidia-smi",
        "clock_hz": "Detected: highest clock by NVML or nvidia-smi",
    }

    def detect(self, root: Path = Path("/")) -> list[DetectedDevice]:
        """Returns the GPUs that CUDA may use here, in the order of their bus."""
        return visible(detect_cuda(root), os.environ.get(VISIBLE) if root == Path("/") else None)

    def environment(self, handle: DeviceHandle) -> dict[str, str]:
        """Shows CUDA one card by its UUID; by its index on the bus where the driver tells no UUID."""
        return {"CUDA_DEVICE_ORDER": "PCI_BUS_ID", VISIBLE: handle.uuid or str(handle.index)}


def visible(devices: list[DetectedDevice], variable: str | None) -> list[DetectedDevice]:
    """Returns the devices that a process may use.

    Args:
        devices: All devices that answer, in the order of their bus.
        variable: Value of ``CUDA_VISIBLE_DEVICES``, whose numbers count the cards among them in that order; None where it is
            not set. As for CUDA, the first entry that names no device ends the list.
    """
    if variable is None:
        return devices
    found: list[DetectedDevice] = []
    for entry in (text.strip() for text in variable.split(",")):
        named = _named(devices, entry)
        if len(named) != 1 or named[0] in found:
            break
        found += named
    return sorted(found, key=lambda one: one.index)


def _named(devices: list[DetectedDevice], entry: str) -> list[DetectedDevice]:
    if entry.isdecimal():
        return [one for one in devices if not (one.uuid or "").startswith(MIG)][int(entry) :][:1]
    return [one for one in devices if entry and (one.uuid or "").startswith(entry)]


def detect_cuda(root: Path = Path("/")) -> list[DetectedDevice]:
    """Returns all CUDA devices of the machine in the order of their bus.

    Args:
        root: Folder in which ``proc`` and ``dev`` lie. With a tree of one's own, only its files are read.
    """
    driver = root / "proc/driver/nvidia"
    if not (driver.exists() or (root / "dev/nvidiactl").exists() or (root / "dev/dxg").exists()):
        return []
    if root != Path("/"):
        return from_proc(driver)
    found = _from_nvml()
    if found is None:
        found = _from_smi()
    return from_proc(driver) if found is None else found


def from_proc(driver: Path) -> list[DetectedDevice]:
    """Reads the driver's directory, which holds names and UUIDs only."""
    version = re.search(r"Kernel Module.*?\s([0-9]+\.[0-9.]+)", text_or_empty(driver / "version"))
    devices: list[DetectedDevice] = []
    for information in sorted((driver / "gpus").glob("*/information")):
        text = text_or_empty(information)
        model, uuid = (re.search(rf"^{key}:\s*(.+)$", text, re.MULTILINE) for key in ("Model", "GPU UUID"))
        if model:
            known = uuid is not None and "?" not in uuid[1]  # the driver asks a card for it when the card is first used
            facts = {"uuid": uuid[1].strip() if uuid and known else None, "driver_version": version[1] if version else None}
            devices.append(_device(len(devices), model[1].strip(), **facts))
    return devices


def from_smi(text: str, fields: Sequence[str] = _QUERY) -> list[DetectedDevice]:
    """Reads what ``nvidia-smi`` prints for some fields as CSV without header and units.

    Args:
        text: The lines.
        fields: Those of ``_QUERY`` that it was asked for; the others are unknown.
    """
    devices: list[DetectedDevice] = []
    for row in csv.reader(io.StringIO(text), skipinitialspace=True):
        if len(row) != len(fields):
            continue
        values: dict[str, str | None] = dict.fromkeys(_QUERY)
        values.update(zip(fields, map(_known, row), strict=True))
        devices.append(
            _device(
                len(devices),
                values["name"] or "unknown GPU",
                uuid=values["uuid"],
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


def _from_smi() -> list[DetectedDevice] | None:
    """Asks ``nvidia-smi`` for all fields, and again for fewer where it refuses: it answers nothing if it lacks a field."""
    import shutil
    import subprocess

    program = shutil.which("nvidia-smi")
    for lacking in range(len(_NEWER) + 1) if program else ():
        fields = [field for field in _QUERY if field not in _NEWER[:lacking]]
        command = [str(program), f"--query-gpu={','.join(fields)}", "--format=csv,noheader,nounits"]
        try:
            done = subprocess.run(command, capture_output=True, text=True, timeout=_TIMEOUT_S, check=False)
        except (OSError, subprocess.SubprocessError):
            return None
        if done.returncode == 0:
            return from_smi(done.stdout, fields)
    return None


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
        return from_nvml(pynvml)
    except pynvml.NVMLError:
        return None
    finally:
        pynvml.nvmlShutdown()


def from_nvml(nvml: Any) -> list[DetectedDevice]:
    """Returns what an initialised NVML lists: cards that answer, in the order of their bus, and the slices of all of them.

    Args:
        nvml: The module ``pynvml``.
    """
    version, count = _decoded(nvml.nvmlSystemGetDriverVersion()), nvml.nvmlDeviceGetCount()
    handles = list(_handles(nvml, count))
    cards = [_nvml_device(nvml, handle, index, version) for index, handle in handles]
    found = zip(handles, cards, strict=True)
    slices = [one for (_, handle), card in found if card.partition for one in _slices(nvml, handle)]
    numbered = enumerate(slices, start=count)
    return cards + [_nvml_device(nvml, handle, index, version, card) for index, (handle, card) in numbered]


def _handles(nvml: Any, count: int) -> Iterator[tuple[int, Any]]:
    """Yields the number and handle of every card but those that are lost, or that this process may not use.

    NVML counts them all the same: one card that fell off the bus would hide the others.
    """
    for index in range(count):
        try:
            yield index, nvml.nvmlDeviceGetHandleByIndex(index)
        except nvml.NVMLError:
            continue


def _slices(nvml: Any, card: Any) -> Iterator[tuple[Any, Any]]:
    """Yields the handle of every slice of a card, with the card's."""
    try:
        most = nvml.nvmlDeviceGetMaxMigDeviceCount(card)
    except (nvml.NVMLError, AttributeError):
        return
    for index in range(most):
        try:
            yield nvml.nvmlDeviceGetMigDeviceHandleByIndex(card, index), card
        except nvml.NVMLError:  # no slice has this number
            continue


def _nvml_device(nvml: Any, handle: Any, index: int, driver_version: str, card: Any = None) -> DetectedDevice:
    """Reads a card, or a slice of one, whose limits of power and clock are the card's.

    Args:
        nvml: The module ``pynvml``.
        handle: Handle of the card or slice.
        index: Number that it is listed under.
        driver_version: Version of the driver.
        card: Handle of the card that it is a slice of; None for a card.
    """

    def ask(function: str, *arguments: Any) -> Any:
        whole = function in _OF_CARD and card is not None
        try:
            return getattr(nvml, function)(card if whole else handle, *arguments)
        except (nvml.NVMLError, AttributeError):  # not supported by this device, or by this version of the package
            return None

    uuid = ask("nvmlDeviceGetUUID")
    memory = ask("nvmlDeviceGetMemoryInfo")
    power = ask("nvmlDeviceGetPowerManagementLimit")
    clock = ask("nvmlDeviceGetMaxClockInfo", nvml.NVML_CLOCK_SM)
    capability = ask("nvmlDeviceGetCudaComputeCapability")
    product, mig = _decoded(nvml.nvmlDeviceGetName(handle)), ask("nvmlDeviceGetMigMode") if card is None else None
    product, _, size = product.partition(f" {MIG[:-1]} ")
    return _device(
        index,
        product,
        uuid=None if uuid is None else _decoded(uuid),
        memory_bytes=None if memory is None else int(memory.total) // _MIB * _MIB,
        power_limit_w=None if power is None else power / 1e3,
        clock_hz=None if clock is None else clock * 1e6,
        compute_capability=None if capability is None else "{}.{}".format(*capability),
        driver_version=driver_version,
        partition=(size or "MIG") if card is not None or (mig is not None and mig[0]) else None,
    )


def _decoded(text: str | bytes) -> str:
    return text.decode() if isinstance(text, bytes) else text
