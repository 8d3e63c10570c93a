"""Sessions of ONNX Runtime that run where they were asked to: what falls back to another provider is found and refused."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends.causes import plain_cause
from hwcost.backends.exported import Exported, does_not_load
from hwcost.backends.quiet import quiet
from hwcost.errors import DeviceError, MeasurementError

CPU = "CPUExecutionProvider"
CUDA = "CUDAExecutionProvider"
TENSORRT = "TensorrtExecutionProvider"

LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}
"""ONNX Runtime's names of its levels of graph optimisation."""

REFUSED = "fallback to CPU EP has been explicitly disabled"
"""Part of the message with which ONNX Runtime itself refuses to run nodes on the CPU."""

NO_FALLBACK = "session.disable_cpu_ep_fallback"
"""Setting under which it refuses them."""

_OPSETS = re.compile(r"Opset (\d+) is under development.* till opset (\d+)", re.DOTALL)
"""Message on a file that is newer than ONNX Runtime."""

_LOAD_ADVICE = (
    (r"opset|IR version", "Install a newer ONNX Runtime, or export the model again with a lower one"),
    (r"not a registered function|No Op registered", "Export the model without operators that ONNX Runtime itself lacks"),
    (r"Could not find an implementation", "Export the model in another number format or with another opset"),
    (r"External data path|external data location", "Put the file with the weights beside the model, named without a path"),
)
"""Patterns of reasons why a file cannot be loaded, and the advice for each."""

SHOWN = 5
"""Kinds of operators that a message names."""

LIBRARIES = {
    CUDA: "its CUDA and cuDNN libraries (pip install 'onnxruntime-gpu[cuda,cudnn]')",
    TENSORRT: "TensorRT 10 (pip install 'tensorrt>=10.13,<11') and its CUDA and cuDNN libraries",
}
"""Libraries that a provider needs beside ONNX Runtime itself and the driver."""


@dataclass(frozen=True)
class SessionSettings:
    """Settings of a session.

    Attributes:
        providers: Providers that may run nodes, the one that was asked for first.
        options: Options of providers, by provider.
        threads: Intra-operator threads.
        optimization: Level of graph optimisation, one of ``LEVELS``.
        spinning: Whether waiting threads spin.
        dimensions: Sizes of dynamic dimensions by name, at which a session is fixed.
    """

    providers: tuple[str, ...]
    options: dict[str, dict[str, str]] = field(default_factory=dict)
    threads: int = 1
    optimization: str = "all"
    spinning: bool = False
    dimensions: dict[str, int] = field(default_factory=dict)


def opened(export: Exported, settings: SessionSettings) -> Any:
    """Loads a model.

    Args:
        export: The model.
        settings: Settings of the session.

    Returns:
        An ``onnxruntime.InferenceSession``.

    Raises:
        DataError: When the user's own file cannot be loaded.
        DeviceError: When the first provider could not start, and ONNX Runtime took another.
        MeasurementError: When an exported file cannot be loaded, nodes would run on a provider that was not asked for, or
            none on the one that was.
    """
    import onnxruntime as ort
    from onnxruntime.capi import onnxruntime_pybind11_state as failures

    first = settings.providers[0]
    load_libraries(ort, settings.providers)
    providers = [(name, settings.options.get(name, {})) for name in settings.providers]
    try:  # without its own fallback, which a session would also take later, in the middle of a run
        session = ort.InferenceSession(str(export.path), _options(ort, settings), providers=providers, enable_fallback=0)
    except (failures.InvalidProtobuf, failures.InvalidGraph, failures.NotImplemented) as error:
        raise does_not_load("ONNX Runtime", export, _why(error)) from None
    except (failures.Fail, failures.InvalidArgument) as error:
        if REFUSED in str(error):
            raise _refused(ort, export, settings) from None
        if first != CPU or is_out_of_memory(error):
            raise
        raise does_not_load("ONNX Runtime", export, _why(error)) from None
    except (RuntimeError, ValueError) as error:
        if first == CPU or is_out_of_memory(error):
            raise
        raise _cannot_start(first, f": {plain_cause(error)}") from None
    _check_started(session, first)
    _check_nodes(session, settings.providers)
    return session


def _check_started(session: Any, first: str) -> None:
    """Raises DeviceError when a session has another provider than the one that was asked for."""
    if session.get_providers()[0] != first:
        raise _cannot_start(first, f", and ONNX Runtime took {session.get_providers()[0]} in silence")


def _refused(ort: Any, export: Exported, settings: SessionSettings) -> DeviceError | MeasurementError:
    """Makes the error for nodes that the CPU would run: all of them where the provider lacks a library, else some.

    ONNX Runtime says the same in both cases; a session that may fall back tells them apart.
    """
    options = _options(ort, settings)
    options.add_session_config_entry(NO_FALLBACK, "0")
    providers = [(name, settings.options.get(name, {})) for name in settings.providers]
    session = ort.InferenceSession(str(export.path), options, providers=providers, enable_fallback=0)
    try:
        _check_started(session, settings.providers[0])
    except DeviceError as error:
        return error
    return _falls_back(settings.providers[0], "some of its operators")


def load_libraries(ort: Any, providers: Iterable[str]) -> None:
    """Loads the libraries of providers that lie in Python packages, where the system's loader does not find them by itself.

    Those that lie elsewhere are left to the loader.

    Args:
        ort: The module ``onnxruntime``.
        providers: Providers that may run nodes.
    """
    if CUDA not in providers:
        return
    if hasattr(ort, "preload_dlls"):
        with quiet():  # it prints what it does not find, and the loader may
            ort.preload_dlls()
    else:  # a release before 1.21; torch brings the same libraries along
        _import("torch")
    if TENSORRT in providers:
        _import("tensorrt")


def _import(package: str) -> None:
    """Imports a package for the libraries that it loads, if it is here."""
    with suppress(ImportError, OSError):
        import_module(package)


def nodes(session: Any) -> dict[str, Counter[str]] | None:
    """Counts a session's nodes by provider and operator; None where this ONNX Runtime does not tell."""
    if not hasattr(session, "get_provider_graph_assignment_info"):
        return None
    found: dict[str, Counter[str]] = defaultdict(Counter)
    for part in session.get_provider_graph_assignment_info():
        found[part.ep_name].update(node.op_type for node in part.get_nodes())
    return dict(found)


def node_counts(session: Any) -> dict[str, int] | None:
    """Counts a session's nodes by provider, for the record; None where this ONNX Runtime does not tell."""
    found = nodes(session)
    return None if found is None else {provider: sum(kinds.values()) for provider, kinds in found.items()}


def _why(error: Exception) -> str:
    """Returns why a model cannot be loaded, and what helps."""
    cause = plain_cause(error)
    limits = _OPSETS.search(str(error))
    if limits:
        cause = f"it has opset {limits[1]}, and this version runs opsets up to {limits[2]}"
    return cause + next((f". {text}." for pattern, text in _LOAD_ADVICE if re.search(pattern, cause)), "")


def _cannot_start(provider: str, why: str) -> DeviceError:
    return DeviceError(
        f"{provider} was asked for, but it could not start{why}. Install "
        f"{LIBRARIES.get(provider, 'what it needs')}, and see that the driver works (nvidia-smi)."
    )


def _options(ort: Any, settings: SessionSettings) -> Any:
    options = ort.SessionOptions()
    options.intra_op_num_threads = settings.threads
    options.inter_op_num_threads = 1
    options.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
    options.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[settings.optimization])
    options.log_severity_level = 4  # what goes wrong is raised
    options.add_session_config_entry("session.intra_op.allow_spinning", str(int(settings.spinning)))
    for name, size in settings.dimensions.items():
        options.add_free_dimension_override_by_name(name, size)
    if hasattr(ort.InferenceSession, "get_provider_graph_assignment_info"):
        options.add_session_config_entry("session.record_ep_graph_assignment_info", "1")
    elif settings.providers[0] != CPU:  # an ONNX Runtime that does not tell which nodes: it refuses by itself
        options.add_session_config_entry(NO_FALLBACK, "1")
    return options


def _check_nodes(session: Any, asked: tuple[str, ...]) -> None:
    """Raises MeasurementError unless the providers that were asked for run all nodes, and the first of them any."""
    found = nodes(session)
    if found is None:
        return
    for provider, kinds in found.items():
        if provider not in asked:
            raise _falls_back(asked[0], _listed(kinds), provider)
    if found and asked[0] not in found:
        raise MeasurementError(
            f"{asked[0]} takes none of the model's operators, and {', '.join(found)} would run them all: the latency "
            f"would be that of another provider. Ask for that provider, or for another precision."
        )


def _listed(kinds: Counter[str]) -> str:
    shown = ", ".join(f"{count} {kind}" for kind, count in kinds.most_common(SHOWN))
    return shown + (f" and {len(kinds) - SHOWN} further kinds" if len(kinds) > SHOWN else "")


def _falls_back(asked: str, what: str, provider: str = CPU) -> MeasurementError:
    return MeasurementError(
        f"{asked} was asked for, and {provider} would run {what}, with copies between the two. That is not the latency of "
        f"the device. Take another precision (quantization=none or qdq), or --backend torch."
    )
