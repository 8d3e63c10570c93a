"""From an ONNX file to the bytes of an engine: a strongly typed network, whose formats are those of the file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends.tensorrt.log import log_of, started
from hwcost.errors import DataError, MeasurementError, UsageError

Shape = tuple[int, ...]

LEVELS = (0, 1, 2, 3, 4, 5)
"""TensorRT's levels of optimisation: the higher, the more kernels are tried."""


@dataclass(frozen=True)
class BuildSettings:
    """What an engine depends on beside the model, TensorRT's version and the GPU.

    Attributes:
        optimization: Level of optimisation.
        tf32: Whether products of float32 may be computed in tfloat32.
        detailed: Whether the engine keeps the names of its layers' nodes, for a profile.
        target: Compute capability to build for, such as ``sm80``; None for the GPU that is here.
    """

    optimization: int = 3
    tf32: bool = False
    detailed: bool = False
    target: str | None = None


def build(trt: Any, path: Path, shapes: Mapping[str, Shape], settings: BuildSettings, name: str) -> bytes:
    """Builds an engine.

    Args:
        trt: TensorRT's module.
        path: The ONNX file.
        shapes: Shapes of its inputs by name, which fill in dynamic dimensions.
        settings: Settings of the build.
        name: Name of the workload in messages.

    Raises:
        DataError: When the file cannot be parsed.
        UsageError: When this TensorRT cannot build for the target.
        DeviceError: When CUDA does not start.
        MeasurementError: When the engine cannot be built.
    """
    if settings.target is not None:
        _check_target(trt, settings.target)
    log = log_of(trt)
    log.forget()
    builder = started(trt.Builder, log)
    network = builder.create_network(_flags(trt))
    parser = trt.OnnxParser(network, log)  # keeps the weights, so that it has to live until the engine is built
    if not parser.parse_from_file(str(path)):
        raise DataError(f"TensorRT cannot parse '{name}': {_parse_errors(parser)}. Take --backend onnxruntime or torch.")
    config = _config(trt, builder, settings)
    _fix_shapes(builder, network, config, shapes)
    made = builder.build_serialized_network(network, config)
    if made is None:
        raise _not_built(name, log.reason())
    return bytes(made)


def targets(trt: Any) -> list[str]:
    """Returns the compute capabilities that a package can build for without such a GPU, such as ``sm80``."""
    names = dir(trt.ComputeCapability) if hasattr(trt, "ComputeCapability") else []
    return [f"sm{number}" for number in sorted(int(name[2:]) for name in names if name.startswith("SM"))]


def _flags(trt: Any) -> int:
    """Returns the flags of a strongly typed network; TensorRT 10 also takes ``EXPLICIT_BATCH``, and needs it no more."""
    return 1 << int(trt.NetworkDefinitionCreationFlag.STRONGLY_TYPED)


def _config(trt: Any, builder: Any, settings: BuildSettings) -> Any:
    config = builder.create_builder_config()
    config.builder_optimization_level = settings.optimization
    if settings.tf32:
        config.set_flag(trt.BuilderFlag.TF32)
    else:  # which is set from the start
        config.clear_flag(trt.BuilderFlag.TF32)
    verbosity = trt.ProfilingVerbosity
    config.profiling_verbosity = verbosity.DETAILED if settings.detailed else verbosity.LAYER_NAMES_ONLY
    if settings.target is not None:
        config.num_compute_capabilities = 1
        config.set_compute_capability(getattr(trt.ComputeCapability, settings.target.upper()), 0)
    return config


def _check_target(trt: Any, target: str) -> None:
    """Raises UsageError for a GPU that is not here and cannot be built for."""
    known = targets(trt)
    if target not in known:
        able = f"It builds for {', '.join(known)}." if known else "Only TensorRT-RTX builds for a GPU that is not here."
        raise UsageError(f"{trt.__name__} {trt.__version__} cannot build for {target}. {able}")


def _fix_shapes(builder: Any, network: Any, config: Any, shapes: Mapping[str, Shape]) -> None:
    """Fills in dynamic dimensions."""
    ports = [network.get_input(index) for index in range(network.num_inputs)]
    dynamic = [port.name for port in ports if any(size < 0 for size in port.shape)]
    if not dynamic:
        return
    profile = builder.create_optimization_profile()
    for name in dynamic:
        profile.set_shape(name, shapes[name], shapes[name], shapes[name])
    config.add_optimization_profile(profile)


def _parse_errors(parser: Any) -> str:
    """Names what could not be parsed: the node, its operator and the reason."""
    found = []
    for index in range(parser.num_errors):
        error = parser.get_error(index)
        node = f"{error.node_operator()} '{error.node_name()}': " if error.node_operator() else ""
        found.append(f"{node}{error.desc()}".strip().rstrip("."))
    return "; ".join(found) or "no reason is given"


def _not_built(name: str, reason: str) -> MeasurementError:
    text = f"TensorRT cannot build an engine of '{name}': {reason}. Take --backend onnxruntime or torch."
    error = MeasurementError(text)
    if is_out_of_memory(RuntimeError(reason)):
        error.__cause__ = MemoryError(reason)
    return error
