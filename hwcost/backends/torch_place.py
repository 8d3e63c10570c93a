"""Where torch computes for a device: the one that was asked for, found by its UUID, however CUDA counts its devices."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING, Any

from hwcost.agent.errors import first_line
from hwcost.devices.kinds.cuda import MIG, VISIBLE
from hwcost.errors import DeviceError, DeviceLostError, MeasurementError

if TYPE_CHECKING:
    import torch

    from hwcost.devices.detected import DetectedDevice
    from hwcost.devices.handle import DeviceHandle


_ARCHITECTURE = re.compile(r"(sm|compute)_(\d+)(\d)[a-z]?")
"""torch's names of what its kernels were compiled for: code of a GPU, or code that the driver translates for later ones."""


def cuda() -> Any:
    """Returns the module ``torch.cuda``; tests put another one in its place."""
    import torch

    return torch.cuda


def torch_device(device: DeviceHandle | DetectedDevice) -> torch.device:
    """Returns torch's name of a device: the only GPU that a pinned process sees, else the one with the device's UUID.

    Raises:
        DeviceError: When this torch sees no CUDA device, or has no kernels for it.
        MeasurementError: When it sees only others.
    """
    import torch

    if device.kind != "cuda":
        return torch.device(device.kind)
    if not cuda().is_available():
        name = getattr(device, "name", None) or getattr(device, "product", "the device")
        text = f"this torch ({torch.__version__}) sees no CUDA device, so it cannot run on '{name}'"
        raise DeviceError(f"{text}{_why_not(cuda())}")
    index = cuda_index(cuda(), device)
    check_kernels(cuda(), index, device)
    return _cuda_device(index)


def _why_not(module: Any) -> str:
    """Returns why CUDA shows torch no device, and what to do: a driver that is too old is the most frequent reason."""
    try:
        module.init()
    except RuntimeError as error:
        return (
            f": {first_line(error).rstrip('.')}. Look at nvidia-smi, which names the newest CUDA that the driver runs, and "
            "install the build of torch for that one, or a newer driver."
        )
    except AssertionError:  # a build without CUDA
        return ". Install a build of torch with CUDA, and look whether nvidia-smi lists the device."
    return ". Look whether nvidia-smi lists the device."


def check_kernels(module: Any, index: int, device: DeviceHandle | DetectedDevice) -> None:
    """Checks that torch was built with kernels for a GPU: without them every workload fails in its first one.

    Args:
        module: The module ``torch.cuda``.
        index: Number of the GPU among those that CUDA shows.
        device: The same GPU.

    Raises:
        DeviceError: When it was built for others only.
    """
    capability, built = tuple(module.get_device_capability(index)), list(module.get_arch_list())
    compiled = [found for name in built if (found := _ARCHITECTURE.fullmatch(name))]
    if not compiled or any(_runs(found[1], (int(found[2]), int(found[3])), capability) for found in compiled):
        return
    last = getattr(getattr(device, "profile", None), "last_framework", None)
    raise DeviceError(
        f"this torch has kernels for {', '.join(built)}, and none for a GPU of compute capability {capability[0]}."
        f"{capability[1]}. " + (f"Its last framework is {last}." if last else "Install a build of torch that has.")
    )


def _runs(form: str, compiled: tuple[int, int], capability: tuple[int, ...]) -> bool:
    """Says whether code runs on a GPU: that of a GPU within its generation, and what the driver translates on all later."""
    return compiled <= capability and (form == "compute" or compiled[0] == capability[0])


def check_cuda(device: DeviceHandle) -> None:
    """Checks that this process can still use a GPU: after some errors of a kernel every further call of CUDA fails in it.

    Args:
        device: Device that is measured on, of any kind.

    Raises:
        DeviceLostError: When it cannot.
    """
    module = cuda()
    if device.kind != "cuda" or not module.is_initialized():
        return
    try:
        module.synchronize()
    except RuntimeError as error:
        cause = str(error).strip().splitlines()[0]
        raise DeviceLostError(f"E_DEVICE_LOST: the measuring process lost {device}: {cause}.") from None


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
