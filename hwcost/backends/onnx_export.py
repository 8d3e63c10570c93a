"""Turns workloads into ONNX files, and keeps what eager torch computed, for checking the runtimes that run them.

A file holds float32 weights, which a runtime that is asked for bfloat16 casts by itself, or for a strongly typed runtime
those of the workload's dtype.
"""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from copy import deepcopy
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_atomically
from hwcost._log import logger
from hwcost.backends import onnx_weights
from hwcost.backends.exported import Exported
from hwcost.backends.onnx_cache import Files, Kept
from hwcost.backends.onnx_module import export_module
from hwcost.backends.reference import thin, verify
from hwcost.backends.zero_dimensions import loadable
from hwcost.errors import MeasurementError
from hwcost.workloads.base import Workload
from hwcost.workloads.built import Built
from hwcost.workloads.factory import OWN, FactoryWorkload
from hwcost.workloads.onnx_file import OnnxWorkload

_log = logger(__name__)


def exported(workload: Workload, dtype: str = "float32", shares_weights: bool = False) -> Exported:
    """Returns a workload as an ONNX file.

    Models and components of search spaces are exported once and cached by their key and the versions of the exporter; a
    factory's code can change without notice, so that it is exported anew each time.

    Args:
        workload: The workload. The user's own ONNX file stays as it is.
        dtype: Format of the file's weights and floating-point inputs; what they are compared with is always float32.
        shares_weights: Whether the weights of the library's own nets lie in one file beside it that all of them share; else
            each file holds its own.

    Raises:
        MeasurementError: When torch cannot export the module.
        UsageError: When the workload is not a torch model.
    """
    if isinstance(workload, OnnxWorkload):
        path, is_copy = loadable(Path(workload.path))
        return Exported(path, workload.inputs(), None, workload.dtype, temporary=is_copy)
    if isinstance(workload, FactoryWorkload):
        return _factory(workload, dtype)
    plain: Any = workload
    plain = replace(plain, dtype=dtype)
    files = Files.of(plain, dtype, shares_weights)
    kept = files.read()
    if kept is not None:
        _log.info("took the exported model of %s from the cache: %s", plain.name, files.model)
    else:
        _log.info("exporting %s to %s", plain.name, files.model)
        kept = _shared(plain, files.model) if shares_weights else _own(plain, files.model)
        files.write(kept)
    files.touch(kept)
    return Exported(files.model, _cast(plain.inputs(), dtype), kept.reference, workload.dtype)


def _own(workload: Any, path: Path) -> Kept:
    """Exports a workload to a file that holds its weights."""
    made: list[Kept] = []
    write_atomically(path, lambda part: made.append(_export(workload.built(), workload.name, part, _exact(workload))))
    return made[0]


def _shared(workload: Any, path: Path) -> Kept:
    """Exports a workload to a file that names places in a file of weights."""
    from hwcost.workloads.weights import shared_weights

    made: list[Kept] = []
    with shared_weights() as pools:
        built, exact = workload.built(), _exact(workload)
        for one in (built, exact):
            if one is not None:
                onnx_weights.store_transposed(one.module)
        write_atomically(path, lambda part: made.append(_export(built, workload.name, part, exact, pools)))
    return made[0]


def _exact(workload: Any) -> Built | None:
    """Returns a workload's module in float32; None where it is in float32 itself."""
    exact: Built | None = None if workload.dtype == "float32" else replace(workload, dtype="float32").built()
    return exact


def _cast(inputs: dict[str, NDArray[Any]], dtype: str) -> dict[str, NDArray[Any]]:
    """Returns inputs whose floating-point arrays have that format."""
    if dtype == "float32":
        return inputs
    return {name: array.astype(_numpy_dtype(dtype)) if array.dtype.kind == "f" else array for name, array in inputs.items()}


def _numpy_dtype(dtype: str) -> np.dtype[Any]:
    """Returns numpy's type of a format; that of bfloat16 comes with onnx."""
    import ml_dtypes

    return np.dtype(ml_dtypes.bfloat16) if dtype == "bfloat16" else np.dtype(dtype)


def _factory(workload: FactoryWorkload, dtype: str) -> Exported:
    """Exports a factory's module in this process, together with the inputs that it is checked on."""
    asked = replace(workload, dtype="float32", keeps_formats=False)
    made = workload.built() if workload.dtype == OWN else asked.built()
    computed = made.dtype() if workload.dtype == OWN else workload.dtype
    exact = asked.cast(made)
    inputs = {key: one.numpy().copy() for key, one in exact.flat().items()}
    gone = tuple(_left_out(_fresh(exact)))
    handle, name = tempfile.mkstemp(suffix=".onnx")
    os.close(handle)
    export = Exported(Path(name), _cast(inputs, dtype), None, computed, gone, temporary=True)
    try:
        built = exact if dtype == "float32" else replace(asked, dtype=dtype).cast(deepcopy(exact))
        kept = _export(_flat(built), workload.name, export.path, _flat(exact))
        export = replace(export, reference=kept.reference)
        _check_repeats(_flat(exact), workload.name, export)
        return export
    except BaseException:
        export.discard()
        raise


def _flat(built: Built) -> Built:
    """Returns a module that takes and gives tensors alone."""
    from hwcost.workloads.flat_call import FlatCall

    return Built(FlatCall(built), dict(built.flat()))


def _fresh(built: Built) -> Built:
    """Returns the module with copies of its inputs, which it may write into."""
    return built.with_tensors(lambda one: one.clone())


def _check_repeats(built: Built, name: str, export: Exported) -> None:
    """Raises MeasurementError when a module gives other outputs on a further call: nothing can be compared with it."""
    again = thin(_eager_outputs(built))
    try:
        verify(name, list(again), export.reference, "float32")
    except MeasurementError:
        raise MeasurementError(
            f"'{name}' gives other outputs on each call with the same inputs (random numbers, or a state that it keeps), so "
            f"that what a runtime computes cannot be checked. Let it compute the same on each call, or take --backend torch."
        ) from None


def _eager_outputs(built: Built) -> list[NDArray[Any]]:
    """Runs a module once in eager torch, on copies of its inputs."""
    from hwcost.backends.torch_runner import TorchRunner

    return TorchRunner(_fresh(built), {}).outputs()


def _left_out(built: Built) -> list[str]:
    """Runs a module once, and names the kinds of outputs in which no tensors are found.

    Raises:
        MeasurementError: When there is no tensor among its outputs.
    """
    import torch

    from hwcost.workloads.flat_call import flat_tensors, left_out

    with torch.inference_mode():
        result = built.module(*built.args, **built.kwargs)
    if not flat_tensors(result):
        raise MeasurementError(
            f"a {type(built.module).__name__} returns a {type(result).__name__}, in which no tensors are found. Return a "
            f"tensor, or tensors in a tuple, a dict or a dataclass."
        )
    return left_out(result)


def _export(
    built: Built, name: str, path: Path, exact: Built | None = None, pools: Mapping[Any, Any] | None = None
) -> Kept:
    """Writes the ONNX file and runs eager torch once, the exact module where there is one."""
    try:
        needed = export_module(built.module, _fresh(built).inputs, path, pools)
    except MeasurementError as error:
        raise MeasurementError(f"'{name}': {error} Or take --backend torch.") from error.__cause__
    return Kept(thin(_eager_outputs(exact or built)), needed)
