"""Runtimes that execute workloads, one per file; each is imported when it is asked for."""

from __future__ import annotations

from typing import Any

from hwcost.backends import plugin_backends
from hwcost.backends.base import Backend, BlockTiming, Runner
from hwcost.errors import MissingBackendError
from hwcost.registry import Registry

__all__ = ["BACKENDS", "Backend", "BlockTiming", "Runner", "backend", "usable"]

BACKENDS = Registry(
    "hwcost.backends",
    "backend",
    {
        "null": "hwcost.backends.null:Null",
        "onnxruntime": "hwcost.backends.onnxruntime:OnnxRuntime",
        "openvino": "hwcost.backends.openvino:OpenVino",
        "replay": "hwcost.backends.replay:Replay",
        "tensorrt": "hwcost.backends.tensorrt.backend:TensorRT",
        "torch": "hwcost.backends.torch_eager:TorchEager",
        "torch-compile": "hwcost.backends.torch_compile:TorchCompile",
        "torch-cudagraph": "hwcost.backends.torch_cudagraph:TorchCudaGraph",
        "torch-xla": "hwcost.backends.torch_xla:TorchXla",
    },
)


def backend(
    name: str, threads: int = 1, options: dict[str, Any] | None = None, device_kind: str | None = None
) -> Backend:
    """Makes a backend by name.

    Args:
        name: Name of the backend, such as ``torch``.
        threads: Intra-operator threads.
        options: Options of the backend's own; values may be texts, as on a command line.
        device_kind: Name of the kind of device that it has to run on; None for any.

    Raises:
        UnknownNameError: When there is no such backend; lists the known ones.
        MissingBackendError: When its runtime is not installed; names the extra.
        UsageError: When an option or the number of threads is wrong, or it does not run on that kind of device.
        ContractError: When a backend of another distribution breaks the contract.
    """
    return plugin_backends.created(usable(name, device_kind, options), name, threads, options)


def usable(name: str, device_kind: str | None = None, options: dict[str, Any] | None = None) -> type[Backend]:
    """Returns a backend's class after checking that it can be used, without importing its runtime.

    Args:
        name: Name of the backend, such as ``torch``.
        device_kind: Name of the kind of device that it has to run on; None for any.
        options: Options of the backend, whose names are checked and whose values are not.

    Raises:
        UnknownNameError: When there is no such backend.
        MissingBackendError: When its runtime is not installed.
        UsageError: When it does not run on that kind of device, or has no such option.
        ContractError: When a backend of another distribution breaks the contract.
    """
    chosen = plugin_backends.checked_class(BACKENDS.load(name), name)
    is_available, reason = plugin_backends.availability(chosen, name)
    if not is_available:
        raise MissingBackendError(name, reason, chosen.extra or name)
    if device_kind is not None:
        chosen.check_kind(device_kind)
    chosen.check_options(options or {})
    return chosen
