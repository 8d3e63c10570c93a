"""The Python package of TensorRT that is used: TensorRT itself, or TensorRT-RTX."""

from __future__ import annotations

from importlib import import_module
from importlib.util import find_spec
from typing import Any

from hwcost.errors import DeviceError, MissingExtraError

MODULES = {"tensorrt": "tensorrt", "tensorrt-rtx": "tensorrt_rtx"}
"""Importable names, by the names that users give."""

EXTRAS = {"tensorrt": "tensorrt", "tensorrt-rtx": "trt-rtx"}
"""Extras that install them."""


def installed() -> list[str]:
    """Returns the packages that are installed, without importing them."""
    return [name for name, module in MODULES.items() if find_spec(module)]


def load(name: str) -> Any:
    """Imports a package.

    Args:
        name: One of ``MODULES``.

    Raises:
        MissingExtraError: When it is not installed; names the extra.
        DeviceError: When it is, and cannot be imported, since libraries are missing, or is too old.
    """
    if not find_spec(MODULES[name]):
        raise MissingExtraError(name, EXTRAS[name])
    try:
        found = import_module(MODULES[name])
    except (ImportError, OSError) as error:
        raise DeviceError(
            f"{name} is installed but cannot be imported: {error}. Its bindings need its libraries: install them again with "
            f"pip install --force-reinstall 'hwcost[{EXTRAS[name]}]'; those of TensorRT come from NVIDIA's index."
        ) from None
    if not hasattr(found.NetworkDefinitionCreationFlag, "STRONGLY_TYPED"):
        raise DeviceError(
            f"{name} {found.__version__} builds no strongly typed networks, as releases from 10 on do. Install it with: "
            f"pip install 'hwcost[{EXTRAS[name]}]', or take --backend onnxruntime."
        )
    return found
