"""What a job folder holds of torch workloads: descriptions, or ONNX files without their matrices."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.backends.causes import advice, plain_cause
from hwcost.backends.quiet import quiet
from hwcost.errors import MeasurementError, UnsuitedError, UsageError
from hwcost.workloads import ComponentWorkload, FactoryModelWorkload, ModelWorkload, Workload

if TYPE_CHECKING:
    import torch

    from hwcost.workloads.built import Built

OPSET = 17
"""Opset of ONNX files: ONNX Runtime knows it from release 1.12 on, which came before every release that hwcost installs."""

SAMPLES = 1024
"""Numbers of an output, at most, that a job folder holds for comparison."""

POOL = "pool.f32"
"""Name of the file, beside the ONNX files, of which all their matrices are parts; the runner makes it."""

NUMBERS = ("heads", "scale", "share")
"""Attributes of modules that a forward pass depends on, beside tensors and parts."""
LISTS = ("attention_carries", "feed_forward_carries")
"""Those that are lists of numbers."""


def blank(workload: Workload) -> torch.nn.Module:
    """Makes the module of a workload of hwcost's own spaces on ``meta``, without weights.

    Raises:
        UsageError: When the workload is code, or a file, of the user's own.
        MissingExtraError: When torch is not installed.
    """
    library, own = imported("torch", "torch"), _own(workload)
    from hwcost.workloads.weights import Uninitialised

    with library.device("meta"), Uninitialised():
        return own.module()


def check_workload(workload: Workload, backend: str) -> None:
    """Refuses workloads that a job folder cannot hold for a backend.

    Args:
        workload: The workload.
        backend: Name of the backend; the law of ``null`` takes any.

    Raises:
        UsageError: When it is code, or a file, of the user's own, or has a number format that the folder cannot hold.
    """
    if backend != "null":
        _own(workload)
    if backend == "onnxruntime" and workload.dtype != "float32":
        raise UsageError(f"job folders hold ONNX files in float32, not {workload.dtype}. Take --dtype float32")


def _own(workload: Workload) -> ModelWorkload | ComponentWorkload:
    """Returns a workload that hwcost builds itself.

    Raises:
        UnsuitedError: When it is code, or a file, of the user's own.
    """
    if not isinstance(workload, ModelWorkload | ComponentWorkload) or isinstance(workload, FactoryModelWorkload):
        raise UnsuitedError(
            f"'{workload.name}' is not an architecture or a component that hwcost builds itself: a job folder cannot "
            "describe it. Measure it on that machine with an hwcost that is installed there, and take its store in with "
            "'hwcost import'"
        )
    return workload


def rule(workload: Workload, module: torch.nn.Module) -> tuple[list[tuple[str, int]], int]:
    """Returns the places of a net's numbers, and how many numbers the pool needs for its matrices."""
    from hwcost.workloads.weights import places

    found = places(module, _own(workload).seed)
    tensors = [*module.parameters(), *module.buffers()]
    ends = [place + one.numel() for one, (role, place) in zip(tensors, found, strict=True) if role == "matrix"]
    return [(str(role), place) for role, place in found], max(ends, default=0)


def description(workload: Workload) -> tuple[dict[str, Any], int]:
    """Returns what a runner with torch needs to build a workload, and the numbers that the pool needs."""
    module = blank(workload)
    found, numbers = rule(workload, module)
    return {"net": described(module), "places": found}, numbers


def write_onnx(workload: Workload, path: Path) -> tuple[dict[str, Any], int]:
    """Writes a workload as an ONNX file whose matrices are parts of the pool.

    Returns:
        Samples of eager torch's output, which the runner compares with the runtime's, and the numbers that the pool needs.

    Raises:
        MeasurementError: When torch cannot export the module to opset 17.
        UsageError: When the number format is not float32.
        MissingExtraError: When torch or onnx is not installed.
    """
    check_workload(workload, "onnxruntime")
    found, numbers = rule(workload, blank(workload))
    onnx, torch = imported("onnx", "onnx"), imported("torch", "torch")
    built = workload.built()
    try:
        with quiet():
            torch.onnx.export(
                built.module, tuple(built.inputs.values()), str(path), input_names=list(built.inputs), opset_version=OPSET,
                dynamo=False, do_constant_folding=False,
            )  # fmt: skip
    except Exception as error:  # of the exporter, or of torch
        cause = plain_cause(error)
        text = f"'{workload.name}' cannot be exported to ONNX opset {OPSET}: {cause}.{advice(cause)}"
        raise MeasurementError(f"{text} Or take --backend torch.") from error
    model = onnx.load(str(path))
    _refer(model, _matrices(built.module, found))
    path.write_bytes(model.SerializeToString())
    return {"reference": _reference(built)}, numbers


def _reference(built: Built) -> dict[str, Any]:
    """Returns evenly spaced numbers of a module's output, and the distance between them."""
    torch = imported("torch", "torch")
    with torch.inference_mode():
        flat = built.module(*built.args, **built.kwargs).reshape(-1)
    step = max(1, -(-len(flat) // SAMPLES))
    return {"step": step, "values": flat[::step].tolist()}


def _matrices(module: torch.nn.Module, found: list[tuple[str, int]]) -> dict[str, int]:
    """Returns the places of matrices by name; those of a tensor with two names stand under both."""
    tensors = [*module.parameters(), *module.buffers()]
    by_id = {id(one): place for one, (role, place) in zip(tensors, found, strict=True) if role == "matrix"}
    named = module.named_parameters(remove_duplicate=False)
    return {name: by_id[id(one)] for name, one in named if id(one) in by_id}


def _refer(model: Any, matrices: dict[str, int]) -> None:
    """Lets the weights of an ONNX model that are matrices stand in the pool instead of in the file."""
    itemsize = 4
    for tensor in model.graph.initializer:
        if tensor.name not in matrices:
            continue
        size = len(tensor.raw_data)
        tensor.ClearField("raw_data")
        tensor.data_location = 1  # external
        place = {"location": POOL, "offset": str(itemsize * matrices[tensor.name]), "length": str(size)}
        for key, value in place.items():
            entry = tensor.external_data.add()
            entry.key, entry.value = key, value


def described(module: torch.nn.Module) -> dict[str, Any]:
    """Describes a net as plain data; its tensors may lie on ``meta``.

    The class of every module, its numbers, the shapes of its tensors, and its parts in their order: the runner of a job
    folder builds the same net from it (:mod:`hwcost.agent.nets`), on releases of torch that hwcost itself does not run on.

    Raises:
        UsageError: When the runner has no module of that class.
    """
    from hwcost.agent.nets import KINDS

    kind = type(module).__name__
    home = type(module).__module__
    if kind not in KINDS or not home.startswith(("hwcost.workloads.", "torch.nn.")):
        raise UsageError(f"a net with a {home}.{kind} cannot be described. Plan it for the backend 'onnxruntime'")
    numbers: dict[str, Any] = {
        name: value for name in NUMBERS if isinstance(value := getattr(module, name, None), int | float)
    }
    numbers |= {name: list(value) for name in LISTS if (value := getattr(module, name, None)) is not None}
    if hasattr(module, "activation"):
        numbers["activation"] = module.activation.__name__
    found = {
        "numbers": numbers,
        "parameters": {name: list(one.shape) for name, one in module.named_parameters(recurse=False)},
        "buffers": {name: list(one.shape) for name, one in module.named_buffers(recurse=False)},
        "parts": {name: described(part) for name, part in module.named_children()},
    }
    return {"kind": kind, **{name: value for name, value in found.items() if value}}
