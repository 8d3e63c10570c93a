"""Turns torch workloads into ONNX files, and keeps what eager torch computed, for checking the runtimes that run them.

A file holds float32 weights, which a runtime that is asked for bfloat16 casts by itself, or for a strongly typed runtime
those of the workload's dtype. Shapes are fixed. Nodes are named by the modules that they come from.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from ast import literal_eval
from collections.abc import Iterator, Mapping
from copy import deepcopy
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost._io import write_atomically
from hwcost._log import logger
from hwcost.backends import onnx_weights
from hwcost.backends.base import Runner
from hwcost.backends.causes import advice, plain_cause
from hwcost.backends.onnx_cache import OPSET, SCOPES, Files, Kept
from hwcost.backends.zero_dimensions import loadable
from hwcost.errors import MeasurementError, MissingExtraError
from hwcost.workloads.base import Workload
from hwcost.workloads.built import Built, described
from hwcost.workloads.factory import OWN, FactoryWorkload
from hwcost.workloads.onnx_file import OnnxWorkload

_log = logger(__name__)

EXPORTERS = ("onnx_ir", "onnxscript", "torch")
"""Libraries whose loggers are silenced during an export."""

SAMPLES = 65_536
"""Numbers of each output that are kept for comparison, evenly spaced."""
TOLERANCES = {"float32": 1e-4, "tf32": 1e-2, "float16": 5e-2, "bfloat16": 1e-1, "int8": 3e-1}
"""Largest difference from eager float32, relative to the largest absolute output, by the format that is computed in."""


@dataclass(frozen=True)
class Exported:
    """An ONNX file that is ready to be loaded.

    Attributes:
        path: The file.
        inputs: Arrays that it is run with, by the names of its inputs.
        reference: Outputs of eager torch for these inputs, thinned by :func:`thin`; None for the user's own ONNX file.
        dtype: Format that the workload computes in.
        left_out: Kinds of objects among the module's outputs that hold no known tensors, so that the file leaves
            them out.
        temporary: Whether it belongs to the caller, who deletes it after loading.
    """

    path: Path
    inputs: dict[str, NDArray[Any]]
    reference: tuple[NDArray[Any], ...] | None
    dtype: str
    left_out: tuple[str, ...] = ()
    temporary: bool = False

    def facts(self) -> dict[str, Any]:
        """Returns the inputs that the file is run with, and the outputs of the module that it lacks."""
        shown = [described(name, array.shape, str(array.dtype)) for name, array in self.inputs.items()]
        return {"inputs": shown} | ({"outputs_left_out": list(self.left_out)} if self.left_out else {})

    def discard(self) -> None:
        """Deletes the file if nothing keeps it."""
        if self.temporary:
            self.path.unlink(missing_ok=True)


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


def first_outputs(runner: Runner, what: str, export: Exported) -> list[NDArray[Any]]:
    """Runs a file for the first time.

    Raises:
        MeasurementError: When it fails; names the shapes of the inputs.
    """
    try:
        return runner.outputs()
    except Exception as error:
        raise does_not_run(what, export, error) from error


def does_not_run(what: str, export: Exported, error: Exception) -> MeasurementError:
    """Makes the error for a file that a runtime does not run: its inputs, the reason, and what may help."""
    inputs = ", ".join(export.facts()["inputs"])
    help_ = " Give shapes that fit: --seq-len, --batch-size, or --input NAME=1x64." if export.reference is None else ""
    return MeasurementError(f"{what} fails with the inputs {inputs}: {plain_cause(error)}.{help_}")


def verify(
    what: str, outputs: list[NDArray[Any]], reference: tuple[NDArray[Any], ...] | None, dtype: str
) -> float | None:
    """Compares a runtime's outputs with eager torch's.

    Args:
        what: Names the runtime and the workload in messages.
        outputs: Outputs of the runtime.
        reference: ``Exported.reference``; None skips the comparison.
        dtype: Number format that the runtime computes in.

    Returns:
        The largest difference relative to the largest absolute output; None when there is no reference.

    Raises:
        MeasurementError: When outputs are missing, have other sizes, or differ too much.
    """
    if reference is None:
        return None
    thinned = thin(outputs)
    if [part.shape for part in thinned] != [part.shape for part in reference]:
        sizes = [list(part.shape) for part in outputs]
        raise MeasurementError(f"{what} gives outputs of other shapes than eager torch: {sizes}. It is another model.")
    gaps = [_gap(mine, theirs) for mine, theirs in zip(thinned, reference, strict=True)]
    worst = max(gaps, default=0.0)
    if not worst <= TOLERANCES[dtype]:
        raise MeasurementError(
            f"{what} computes something else than eager torch: largest relative difference {worst:.2g}, expected at "
            f"most {TOLERANCES[dtype]:g} in {dtype}. Its latency would be that of another model."
        )
    return worst


def thin(outputs: list[NDArray[Any]]) -> tuple[NDArray[Any], ...]:
    """Takes at most ``SAMPLES`` evenly spaced numbers of each output."""
    return tuple(array.reshape(-1)[:: max(1, -(-array.size // SAMPLES))] for array in outputs)


def _gap(mine: NDArray[Any], theirs: NDArray[Any]) -> float:
    if not theirs.size:
        return 0.0
    difference = np.abs(mine.astype(np.float64) - theirs.astype(np.float64)).max()
    return float(difference / max(np.abs(theirs).max(), 1e-12))


def export_module(
    module: Any, inputs: dict[str, Any], path: Path, pools: Mapping[Any, Any] | None = None
) -> dict[str, int]:
    """Writes a torch module as an ONNX file of fixed shapes.

    Args:
        module: Module in eval mode.
        inputs: Tensors by the names of the file's inputs, in call order.
        path: The file.
        pools: Pools of numbers by torch's format; weights that are pieces of them lie in a file beside this one.

    Returns:
        Bytes that are needed of files of weights, by their names.

    Raises:
        MeasurementError: When torch cannot export the module.
        MissingExtraError: When the exporter is not installed.
    """
    try:
        import onnx_ir
        import onnxscript  # noqa: F401 - what torch's exporter needs
        import torch
    except ImportError:
        raise MissingExtraError("the ONNX exporter", "onnx") from None
    from hwcost.workloads.flat_call import FlatCall

    try:
        with quiet(), torch.inference_mode(mode=False):
            program: Any = torch.onnx.export(
                module,
                tuple(inputs.values()),
                None,
                dynamo=True,
                input_names=list(inputs),
                opset_version=OPSET,
                verbose=False,
            )
            _strip(program.model)
            needed = onnx_weights.refer(program.model, module, pools or {}, path.parent)
            if needed:  # references stay as they are, however large the net is
                onnx_ir.save(program.model, str(path))
            else:
                program.save(str(path), external_data=False)
            return needed
    except Exception as error:  # of the exporter, of torch, or of the module's own code
        cause = plain_cause(error)
        own = module.module if isinstance(module, FlatCall) else module
        raise MeasurementError(f"a {type(own).__name__} cannot be exported to ONNX: {cause}.{advice(cause)}") from error


def _strip(model: Any) -> None:
    """Names nodes by their modules, and removes the exporter's notes about the code, which hold paths of this machine.

    Args:
        model: An ``onnx_ir.Model``.
    """
    for graph in (model.graph, *model.functions.values()):
        for node in graph.all_nodes():
            node.name = _scoped(node)
            for value in (node, *node.outputs):
                value.metadata_props.clear()
                value.doc_string = None
        for value in (graph, *graph.inputs):
            value.metadata_props.clear()
    model.metadata_props.clear()


def _scoped(node: Any) -> str:
    """Returns a node's name behind the path of its module: ``layers.0.attention/node_linear_1``."""
    _, *scopes = literal_eval(node.metadata_props.get(SCOPES, "('',)"))
    path = scopes[-2] if len(scopes) > 1 else ""
    return f"{path}/{node.name}" if path else str(node.name)


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


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the prints, warnings and log lines of exporters and quantisers from reaching stdout and stderr."""
    sink = io.StringIO()
    with _silent_loggers(), warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
        warnings.simplefilter("ignore")
        yield


@contextlib.contextmanager
def _silent_loggers() -> Iterator[None]:
    """Silences the exporter's own loggers for the time of an export, and no others."""
    logging.root.addFilter(_nothing)  # what is logged with no logger's name, as the quantiser does
    known = {name: logging.getLogger(name) for name in (*EXPORTERS, *logging.root.manager.loggerDict)}
    levels = [(one, one.level) for name, one in known.items() if name.partition(".")[0] in EXPORTERS]
    for one, _ in levels:
        one.setLevel(logging.CRITICAL + 1)
    try:
        yield
    finally:
        logging.root.removeFilter(_nothing)
        for one, level in levels:
            one.setLevel(level)


def _nothing(record: logging.LogRecord) -> bool:
    return False

