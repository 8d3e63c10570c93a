"""Turns torch workloads into ONNX files, and keeps what eager torch computed, for checking the runtimes that run them.

The file always holds float32 weights; a runtime that is asked for bfloat16 casts by itself. Shapes are fixed.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass, replace
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hwcost.backends.cache import cache_dir, prune, write_atomically
from hwcost.errors import MeasurementError, MissingExtraError
from hwcost.workloads.base import Workload, digest
from hwcost.workloads.factory import FactoryWorkload
from hwcost.workloads.onnx_file import OnnxWorkload

OPSET = 20
SAMPLES = 65_536
"""Numbers of each output that are kept for comparison, evenly spaced."""
TOLERANCES = {"float32": 1e-4, "bfloat16": 1e-1}
"""Largest difference from eager float32, relative to the largest absolute output."""


@dataclass(frozen=True)
class Exported:
    """An ONNX file that is ready to be loaded.

    Attributes:
        path: The file.
        reference: What eager torch computes for ``workload.inputs()``, thinned by :func:`thin`; None for the user's own
            ONNX file.
        temporary: Whether it belongs to the caller, who deletes it after loading.
    """

    path: Path
    reference: tuple[NDArray[Any], ...] | None
    temporary: bool = False

    def discard(self) -> None:
        """Deletes the file if nothing keeps it."""
        if self.temporary:
            self.path.unlink(missing_ok=True)


def exported(workload: Workload) -> Exported:
    """Returns a workload as an ONNX file.

    Models and components of search spaces are exported once and cached by their key and the versions of the exporter; a
    factory's code can change without notice, so that it is exported anew each time.

    Raises:
        MeasurementError: When torch cannot export the module.
        UsageError: When the workload is no torch model.
    """
    if isinstance(workload, OnnxWorkload):
        workload.graph()
        return Exported(Path(workload.path), None)
    plain: Any = workload
    plain = replace(plain, dtype="float32")
    if isinstance(workload, FactoryWorkload):
        handle, name = tempfile.mkstemp(suffix=".onnx")
        os.close(handle)
        return Exported(Path(name), _export(plain, Path(name)), temporary=True)
    folder = cache_dir("onnx")
    stem = digest({"workload": plain.key, "versions": _versions(), "opset": OPSET})[:32]
    model, outputs = folder / f"{stem}.onnx", folder / f"{stem}.npz"
    if not model.exists() or (reference := _read(outputs)) is None:
        made: list[tuple[NDArray[Any], ...]] = []
        write_atomically(model, lambda path: made.append(_export(plain, path)))
        reference = made[0]
        write_atomically(outputs, lambda path: np.savez(path, *reference))
    for path in (model, outputs):
        path.touch()
    prune(folder)
    return Exported(model, reference)


def verify(
    what: str, outputs: list[NDArray[Any]], reference: tuple[NDArray[Any], ...] | None, dtype: str
) -> float | None:
    """Compares a runtime's outputs with eager torch's.

    Args:
        what: Names the runtime and the workload in messages.
        outputs: What the runtime computed.
        reference: ``Exported.reference``; None skips the comparison.
        dtype: What the runtime computes in.

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


def export_module(module: Any, inputs: dict[str, Any], path: Path) -> None:
    """Writes a torch module as an ONNX file of fixed shapes.

    Args:
        module: In eval mode.
        inputs: Tensors by the names of the file's inputs, in call order.
        path: The file.

    Raises:
        MeasurementError: When torch cannot export the module.
        MissingExtraError: When the exporter is not installed.
    """
    try:
        import onnxscript  # noqa: F401 - what torch's exporter needs
        import torch
    except ImportError:
        raise MissingExtraError("the ONNX exporter", "onnx") from None
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
            program.save(str(path), external_data=False)
    except (torch.onnx.errors.OnnxExporterError, torch._dynamo.exc.TorchDynamoException, ValueError) as error:
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise MeasurementError(f"a {type(module).__name__} cannot be exported to ONNX: {reason}") from None


def _export(workload: Workload, path: Path) -> tuple[NDArray[Any], ...]:
    """Writes the ONNX file and returns eager torch's outputs, thinned."""
    import torch

    from hwcost.backends.torch_eager import TorchRunner

    module = workload.build()
    values = {name: torch.from_numpy(array) for name, array in workload.inputs().items()}
    try:
        export_module(module, values, path)
    except MeasurementError as error:
        raise MeasurementError(f"'{workload.name}': {error}. Try 'torch'.") from None
    return thin(TorchRunner(module, list(values.values()), {}).outputs())


@contextlib.contextmanager
def quiet() -> Iterator[None]:
    """Keeps the exporter's prints, warnings and log lines from reaching stdout and stderr."""
    level = logging.root.manager.disable
    logging.disable(logging.CRITICAL)
    try:
        sink = io.StringIO()
        with warnings.catch_warnings(), contextlib.redirect_stdout(sink), contextlib.redirect_stderr(sink):
            warnings.simplefilter("ignore")
            yield
    finally:
        logging.disable(level)


def _read(path: Path) -> tuple[NDArray[Any], ...] | None:
    """Reads cached outputs; None when they are missing or broken."""
    try:
        with np.load(path, allow_pickle=False) as archive:
            return tuple(archive[name] for name in archive.files)
    except (OSError, ValueError):
        return None


def _versions() -> dict[str, str]:
    found = {}
    for package in ("hwcost", "torch", "onnx", "onnxscript"):
        try:
            found[package] = version(package)
        except PackageNotFoundError:  # a checkout that was never installed
            found[package] = ""
    return found
