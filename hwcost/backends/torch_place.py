"""Where torch computes for a device: the one that was asked for, found by its UUID, however CUDA counts its devices."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hwcost.devices.kinds.cuda import MIG, VISIBLE
from hwcost.errors import DeviceError, MeasurementError

if TYPE_CHECKING:
    import torch

    from hwcost.devices.detected import DetectedDevice
    from hwcost.devices.handle import DeviceHandle


def cuda() -> Any:
    """Returns the module ``torch.cuda``; tests put another one in its place."""
    import torch

    return torch.cuda


def torch_device(device: DeviceHandle | DetectedDevice) -> torch.device:
    """Returns torch's name of a device: the only GPU that a pinned process sees, else the one with the device's UUID.

    Raises:
        DeviceError: When this torch sees no CUDA device.
        MeasurementError: When it sees only others.
    """
    import torch

    if device.kind != "cuda":
        return torch.device(device.kind)
    if not cuda().is_available():
        name = getattr(device, "name", None) or getattr(device, "product", "the device")
        raise DeviceError(
            f"this torch ({torch.__version__}) sees no CUDA device, so it cannot run on '{name}'. Install a build of torch "
            "with CUDA, and look whether nvidia-smi lists the device."
        )
    return _cuda_device(cuda_index(cuda(), device))


def cuda_index(module: Any, device: DeviceHandle | DetectedDevice) -> int:
    """Returns the number by which CUDA knows a device in this process.

    Args:
        module: The module ``torch.cuda``.
        device: Device that is wanted.

    Raises:
        MeasurementError: When CUDA shows this process only others.
    """
    uuids = [cuda_uuid(module, index) for index in range(module.device_count())]
    if device.uuid is not None and _bare(device.uuid) in map(_bare, uuids):
        return [_bare(one) for one in uuids].index(_bare(device.uuid))
    if len(uuids) == 1 and (None in (device.uuid, uuids[0]) or _is_pinned_slice(device.uuid)):
        return 0  # nothing to tell them apart by, and nothing else to take
    wanted = str(device) if not hasattr(device, "product") else f"{device.product} ({device.uuid})"
    seen = ", ".join(map(str, uuids))
    raise MeasurementError(f"torch sees the GPUs {seen}, and {wanted} was to be measured. Unset {VISIBLE}.")


def cuda_uuid(module: Any, index: int) -> str | None:
    """Returns the UUID of a GPU in the driver's form; None where this torch does not know it."""
    uuid = getattr(module.get_device_properties(index), "uuid", None)
    return None if uuid is None else f"GPU-{uuid}"


def _bare(uuid: str | None) -> str | None:
    """Returns a UUID without what it is of: torch calls a slice's ``GPU-...`` too."""
    return None if uuid is None else uuid.partition("-")[2]


def _is_pinned_slice(uuid: str | None) -> bool:
    """Says whether the device is a slice that CUDA was shown alone: some releases report the whole card's UUID for it."""
    return uuid is not None and uuid.startswith(MIG) and os.environ.get(VISIBLE) == uuid


def _cuda_device(index: int) -> torch.device:
    import torch

    return torch.device("cuda", index)
