"""An ONNX file that is ready to be loaded, and the errors of runtimes that do not run it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from hwcost.agent.timer import stopwatch
from hwcost.backends.base import Runner
from hwcost.backends.causes import plain_cause
from hwcost.errors import DataError, MeasurementError
from hwcost.workloads.built import described


@dataclass(frozen=True)
class Exported:
    """An ONNX file that is ready to be loaded.

    Attributes:
        path: The file.
        inputs: Arrays that it is run with, by the names of its inputs.
        reference: Outputs of eager torch for these inputs, as :func:`hwcost.backends.reference.thin` thins them; None for
            the user's own ONNX file.
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


def first_outputs(runner: Runner, what: str, export: Exported) -> list[NDArray[Any]]:
    """Runs a file for the first time; the runner keeps how long that took.

    Raises:
        MeasurementError: When it fails; names the shapes of the inputs.
    """
    took = stopwatch()
    try:
        outputs = runner.outputs()
    except Exception as error:
        raise does_not_run(what, export, error) from error
    runner.first_run_s = took()
    return outputs


def does_not_load(what: str, export: Exported, why: str) -> DataError | MeasurementError:
    """Makes the error for a file that a runtime cannot load: the user's own ends a campaign, an exported one fails alone."""
    if export.reference is None:
        return DataError(f"{what} cannot load '{export.path}': {why}")
    return MeasurementError(f"{what} cannot load the file that was exported: {why}")


def does_not_run(what: str, export: Exported, error: Exception) -> MeasurementError:
    """Makes the error for a file that a runtime does not run: its inputs, the reason, and what may help."""
    inputs = ", ".join(export.facts()["inputs"])
    help_ = " Give shapes that fit: --seq-len, --batch-size, or --input NAME=1x64." if export.reference is None else ""
    return MeasurementError(f"{what} fails with the inputs {inputs}: {plain_cause(error)}.{help_}")
