"""Runtimes that execute workloads, one per file; each is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from hwcost.backends.base import Backend, Runner
from hwcost.errors import MissingExtraError, UsageError
from hwcost.registry import Registry

__all__ = ["BACKENDS", "Backend", "Runner", "backend"]

BACKENDS = Registry(
    "hwcost.backends",
    "backend",
    {
        "null": "hwcost.backends.null:Null",
        "onnxruntime": "hwcost.backends.onnxruntime:OnnxRuntime",
        "openvino": "hwcost.backends.openvino:OpenVino",
        "replay": "hwcost.backends.replay:Replay",
        "torch": "hwcost.backends.torch_eager:TorchEager",
        "torch-compile": "hwcost.backends.torch_compile:TorchCompile",
    },
)


def backend(name: str, threads: int = 1, options: dict[str, Any] | None = None) -> Backend:
    """Makes a backend by name.

    Args:
        name: For example ``torch``.
        threads: Intra-operator threads.
        options: The backend's own options; values may be texts as they come from a command line.

    Raises:
        UnknownNameError: When there is no such backend; lists the known ones.
        MissingExtraError: When its runtime is not installed; names the extra.
        UsageError: When an option or the number of threads is wrong.
    """
    chosen: type[Backend] = BACKENDS.load(name)
    if threads < 1:
        raise UsageError(f"the number of threads must be at least 1, got {threads}")
    is_available, reason = chosen.availability()
    if not is_available:
        raise MissingExtraError(f"backend '{name}' cannot run: {reason}; it", chosen.extra or name)
    return chosen(threads, options)
