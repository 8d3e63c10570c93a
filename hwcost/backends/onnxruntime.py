"""ONNX Runtime on the CPU, or on a GPU where the GPU build of it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends import options as read
from hwcost.backends.base import Backend, Runner
from hwcost.errors import DataError, MeasurementError, UsageError

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.devices.profile import DeviceProfile
    from hwcost.workloads.base import Workload

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
LEVELS = {
    "none": "ORT_DISABLE_ALL",
    "basic": "ORT_ENABLE_BASIC",
    "extended": "ORT_ENABLE_EXTENDED",
    "all": "ORT_ENABLE_ALL",
}


class OnnxRuntime(Backend):
    """Runs exported models, and ONNX files as they are, in float32.

    Options:
        optimization: Graph optimisation, ``none``, ``basic``, ``extended`` or ``all`` (``all``).
        spinning: Let waiting threads spin, which is faster on an idle machine and disturbs a busy one (false).
    """

    name = "onnxruntime"
    kinds = ("cpu", "cuda")
    extra = "onnx"
    option_names = ("optimization", "spinning")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.optimization = read.choice(self.options, "optimization", "all", tuple(LEVELS))
        self.spinning = read.switch(self.options, "spinning", False)

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        return (True, "") if find_spec("onnxruntime") else (False, "onnxruntime is missing")

    def version(self) -> dict[str, str]:
        """Version of ONNX Runtime."""
        import onnxruntime

        return {"onnxruntime": str(onnxruntime.__version__)}

    def prepare(self, workload: Workload, device: DeviceProfile) -> Runner:
        """See the base class; the first run is compared with eager torch.

        Raises:
            UsageError: When the device has no provider, or the dtype is not float32.
            MeasurementError: When another provider runs it, or the outputs differ from eager torch's.
        """
        from hwcost.backends.onnx_export import exported, verify

        provider = self._provider(device, workload.dtype)
        export = exported(workload)
        try:
            session = self._session(str(export.path), provider)
        finally:
            export.discard()
        runner = OrtRunner(session, workload.inputs(), device.kind, {**self.version(), **self._facts(session)})
        runner.facts["difference"] = verify(
            f"ONNX Runtime on '{workload.name}'", runner.outputs(), export.reference, workload.dtype
        )
        return runner

    def _provider(self, device: DeviceProfile, dtype: str) -> str:
        import onnxruntime

        provider = PROVIDERS.get(device.kind, "")
        here = onnxruntime.get_available_providers()
        if provider not in here:
            raise UsageError(
                f"this ONNX Runtime has no provider for {device.kind} devices such as '{device.name}'. "
                f"It has: {', '.join(here)}"
            )
        if dtype != "float32":
            raise UsageError(f"backend 'onnxruntime' runs float32, not {dtype}. For bfloat16: 'openvino' or 'torch'.")
        return provider

    def _session(self, path: str, provider: str) -> Any:
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        settings = ort.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.inter_op_num_threads = 1
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[self.optimization])
        settings.log_severity_level = 3
        settings.add_session_config_entry("session.intra_op.allow_spinning", str(int(self.spinning)))
        if provider != PROVIDERS["cpu"]:  # else a session that was asked for a GPU may run on the CPU in silence
            settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        try:
            session = ort.InferenceSession(path, settings, providers=[provider])
        except (failures.InvalidProtobuf, failures.InvalidGraph, failures.NotImplemented) as error:
            raise DataError(f"ONNX Runtime cannot load '{path}': {error}") from None
        if session.get_providers()[0] != provider:
            raise MeasurementError(f"{provider} was asked for, but ONNX Runtime runs {session.get_providers()[0]}")
        return session

    def _facts(self, session: Any) -> dict[str, Any]:
        return {
            "providers": session.get_providers(),
            "precision": "float32",
            "threads": self.threads,
            "optimization": self.optimization,
            "spinning": self.spinning,
        }


class OrtRunner(Runner):
    """Runs a session whose inputs and outputs are bound to the device, so that nothing is copied per call."""

    def __init__(self, session: Any, inputs: dict[str, NDArray[Any]], kind: str, facts: dict[str, Any]) -> None:
        import onnxruntime as ort

        super().__init__()
        self._session = session
        self._binding = session.io_binding()
        for name, array in inputs.items():
            if name in {port.name for port in session.get_inputs()}:  # an input that the graph never reads is gone
                self._binding.bind_ortvalue_input(name, ort.OrtValue.ortvalue_from_numpy(array, kind, 0))
        for port in session.get_outputs():
            self._binding.bind_output(port.name, kind)
        self.facts = facts

    def run(self, n: int) -> None:
        """See the base class."""
        run, binding = self._session.run_with_iobinding, self._binding
        for _ in range(n):
            run(binding)
        binding.synchronize_outputs()

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class."""
        self.run(1)
        return list(self._binding.copy_outputs_to_cpu())

    def close(self) -> None:
        """See the base class."""
        self._session = self._binding = None
