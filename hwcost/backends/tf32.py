"""Whether a GPU really rounds products of float32 to tfloat32 where it is asked to."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING, Any

from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.devices.detected import DetectedDevice
    from hwcost.devices.handle import DeviceHandle

OVERRIDE = "NVIDIA_TF32_OVERRIDE"
"""Environment variable that keeps NVIDIA's libraries from tfloat32, whatever a program asks them for, when it is ``0``."""

FIRST = 8
"""First number of the compute capability of the first GPUs that have it.

Source: NVIDIA A100 Tensor Core GPU Architecture whitepaper.
"""


def is_forbidden() -> bool:
    """Says whether the environment keeps NVIDIA's libraries from it."""
    return os.environ.get(OVERRIDE) == "0"


def check(device: DeviceHandle | DetectedDevice) -> None:
    """Refuses tfloat32 where products would be those of float32, under another name.

    Args:
        device: GPU that is to compute in tfloat32.

    Raises:
        UsageError: When the environment forbids it, or the GPU does not have it by its compute capability.
    """
    if is_forbidden():
        raise UsageError(f"tfloat32 was asked for, and {OVERRIDE}=0 turns it into float32. Unset it, or take float32.")
    capability = _capability(device)
    major = capability.partition(".")[0]
    if major.isdecimal() and int(major) < FIRST:
        raise UsageError(
            f"tfloat32 was asked for, and comes with compute capability {FIRST}.0: a GPU of {capability} computes in "
            "float32. Take float32."
        )


def _capability(device: Any) -> str:
    """Returns the compute capability of a GPU, by its profile or as it was detected; empty where it is unknown."""
    if not hasattr(device, "profile"):
        return str(device.compute_capability or "")
    from hwcost.devices import find

    stated = dict(device.profile.match.facts).get("compute_capability")
    here = find(device) if stated is None else None  # a profile of one's own need not state it
    return str(stated or (here and here.compute_capability) or "")
