"""OpenVINO on the CPU."""

from __future__ import annotations

from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

import numpy as np

from hwcost.backends.base import Backend, Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.sweep import empty_host_caches
from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads.factory import OWN
from hwcost.workloads.onnx_file import OnnxWorkload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.backends.exported import Exported
    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload

PRECISIONS = {"float32": "f32", "bfloat16": "bf16"}


class OpenVino(Backend):
    """Runs exported models, and ONNX files as they are, one stream for latency.

    The precision is always set and read back: left alone, OpenVINO takes bfloat16 on CPUs that have it, and then looks
    up to twice as fast as runtimes that compute in float32.
    """

    name = "openvino"
    extra = "openvino"
    fork_imports = ()  # OpenVINO starts a thread when it is imported

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        return (True, "") if find_spec("openvino") else (False, "openvino is missing")

    def version(self) -> dict[str, str]:
        """Version of OpenVINO."""
        return {"openvino": version("openvino")}

    def needs_export(self, workload: Workload) -> bool:
        """See the base class."""
        from hwcost.backends.onnx_cache import needs_export

        return needs_export(workload, "float32", self.shares_weights)

    def export(self, workload: Workload) -> None:
        """See the base class."""
        from hwcost.backends.onnx_export import exported

        exported(workload, "float32", self.shares_weights)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; the first run is compared with eager torch.

        Raises:
            UsageError: When the device is not a CPU, or the CPU has no instructions for the dtype.
            MeasurementError: When it runs in another precision, or the outputs differ from eager torch's.
        """
        from hwcost.backends.exported import first_outputs
        from hwcost.backends.onnx_export import exported
        from hwcost.backends.reference import verify

        self.check_kind(handle.kind)
        _precision(workload, workload.dtype)
        export = exported(workload, "float32", self.shares_weights)
        what = f"OpenVINO on '{workload.name}'"
        try:
            compiled = self._compile(export, _precision(workload, export.dtype), what)
        finally:
            export.discard()
        runner = OpenVinoRunner(compiled, export.inputs, {**self.version(), **_facts(compiled), **export.facts()})
        runner.facts["difference"] = verify(what, first_outputs(runner, what, export), export.reference, export.dtype)
        return runner

    def _compile(self, export: Exported, precision: str, what: str) -> Any:
        from hwcost.backends.exported import does_not_load, does_not_run

        inputs, core = export.inputs, _core()
        able = core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")
        if precision == "bf16" and "BF16" not in able:
            raise UsageError(
                f"this CPU has no bfloat16 instructions, and OpenVINO would only emulate them, hundreds of times slower. "
                f"It has: {', '.join(able)}. Take float32."
            )
        try:
            model = core.read_model(str(export.path))
        except RuntimeError as error:
            raise does_not_load("OpenVINO", export, plain_cause(error)) from None
        try:
            if model.is_dynamic():
                model.reshape({port: inputs[port.any_name].shape for port in model.inputs})
        except RuntimeError as error:
            raise does_not_run(what, export, error) from None
        settings = {
            "INFERENCE_PRECISION_HINT": precision,
            "INFERENCE_NUM_THREADS": self.threads,
            "PERFORMANCE_HINT": "LATENCY",
            "NUM_STREAMS": 1,
        }
        compiled = core.compile_model(model, "CPU", settings)
        runs = str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string())
        if runs != precision:
            raise MeasurementError(f"OpenVINO was asked for {precision}, but runs {runs}")
        return compiled


@cache
def _core() -> Any:
    """Returns the one ``Core`` of this process, which stays until its end.

    A ``Core`` that loads the CPU plug-in replaces the thread's stack for signals, and frees it with itself. Where several
    end in another order than they began, or on another thread, the next signal kills the process.
    """
    import openvino

    return openvino.Core()


def _precision(workload: Workload, dtype: str) -> str:
    """Returns OpenVINO's name of the format that is computed in: float32 for the user's own file, whatever it holds.

    Raises:
        UsageError: When OpenVINO does not compute in that format.
    """
    if dtype == OWN or (isinstance(workload, OnnxWorkload) and dtype == workload.file_dtype() != "bfloat16"):
        return "f32"
    if dtype not in PRECISIONS:
        raise UsageError(f"backend 'openvino' runs {' and '.join(PRECISIONS)}, not {dtype}. Take --dtype float32.")
    return PRECISIONS[dtype]


def _facts(compiled: Any) -> dict[str, Any]:
    """Reads back what the compiled model really uses."""
    return {
        "precision": str(compiled.get_property("INFERENCE_PRECISION_HINT").to_string()),
        "threads": int(compiled.get_property("INFERENCE_NUM_THREADS")),
        "streams": int(compiled.get_property("NUM_STREAMS")),
        "devices": [str(device) for device in compiled.get_property("EXECUTION_DEVICES")],
    }


class OpenVinoRunner(Runner):
    """Runs one request, whose inputs were set once."""

    def __init__(self, compiled: Any, inputs: dict[str, NDArray[Any]], facts: dict[str, Any]) -> None:
        super().__init__()
        import openvino

        self._request = compiled.create_infer_request()
        self._kept: list[Any] = []  # a tensor of OpenVINO's may read the array that it was made of
        for port in compiled.inputs:
            array = np.require(inputs[port.any_name], requirements="C")
            is_bfloat16 = array.dtype.name == "bfloat16"
            wide = (array.view(np.uint16), array.shape, openvino.Type.bf16) if is_bfloat16 else (array,)
            tensor = openvino.Tensor(*wide)
            self._request.set_tensor(port, tensor)
            self._kept += [array, tensor]
        self.facts = facts

    def run(self, n: int) -> None:
        """See the base class; outputs stay where the request wrote them, and are not copied into arrays of NumPy."""
        infer = self._request.infer
        for _ in range(n):
            infer(share_outputs=True)

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        self.run(1)
        found = [_array(tensor) for tensor in self._request.output_tensors]
        return [array.astype(np.float32) if array.dtype.kind == "f" else array for array in found]

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class."""
        return empty_host_caches(cache_bytes)

    def close(self) -> None:
        """See the base class."""
        self._request, self._kept = None, []


def _array(tensor: Any) -> NDArray[Any]:
    """Copies an output; OpenVINO gives the bits of bfloat16 as if they were float16."""
    array = np.array(tensor.data)
    if tensor.element_type.to_string() != "bf16":
        return array
    return (array.view(np.uint16).astype(np.uint32) << 16).view(np.float32)
