"""ONNX Runtime on the CPU, or on a GPU where the GPU build of it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends import options as read
from hwcost.backends.base import Backend, Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.sweep import empty_host_caches
from hwcost.errors import DataError, MeasurementError, UsageError
from hwcost.workloads.factory import OWN
from hwcost.workloads.onnx_file import OnnxWorkload

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from hwcost.backends.onnx_export import Exported
    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider"}
PROVIDER_OPTIONS = {"CUDAExecutionProvider": {"device_id": "0"}}
"""Options of each provider: the process sees one GPU, which is its first."""

BFLOAT16 = 16
"""ONNX's number of that format."""
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
    fork_imports = ()  # ONNX Runtime starts a thread when it is imported
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

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; the first run is compared with eager torch.

        Raises:
            UsageError: When the device has no provider, or the dtype is not float32.
            MeasurementError: When another provider runs it, or the outputs differ from eager torch's.
        """
        from hwcost.backends.onnx_export import exported, first_outputs, verify

        provider = self._provider(handle)
        _check_dtype(workload, workload.dtype)
        export = exported(workload)
        try:
            session = self._session(str(export.path), provider)
        finally:
            export.discard()
        _check_dtype(workload, export.dtype)
        facts = {**self.version(), **self._facts(session, export), **export.facts()}
        runner = OrtRunner(session, export.inputs, handle.kind, facts)
        what = f"ONNX Runtime on '{workload.name}'"
        runner.facts["difference"] = verify(what, first_outputs(runner, what, export), export.reference, export.dtype)
        return runner

    def _provider(self, device: DeviceHandle) -> str:
        import onnxruntime

        provider = PROVIDERS.get(device.kind, "")
        here = onnxruntime.get_available_providers()
        if provider not in here:
            raise UsageError(
                f"this ONNX Runtime has no provider for {device.kind} devices such as '{device.name}'. "
                f"It has: {', '.join(here)}"
            )
        return provider

    def _session(self, path: str, provider: str) -> Any:
        import onnxruntime as ort
        from onnxruntime.capi import onnxruntime_pybind11_state as failures

        settings = ort.SessionOptions()
        settings.intra_op_num_threads = self.threads
        settings.inter_op_num_threads = 1
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, LEVELS[self.optimization])
        settings.log_severity_level = 4  # what goes wrong is raised
        settings.add_session_config_entry("session.intra_op.allow_spinning", str(int(self.spinning)))
        if provider != PROVIDERS["cpu"]:  # else a session that was asked for a GPU may run on the CPU in silence
            settings.add_session_config_entry("session.disable_cpu_ep_fallback", "1")
        try:
            session = ort.InferenceSession(path, settings, providers=[(provider, PROVIDER_OPTIONS.get(provider, {}))])
        except (failures.InvalidProtobuf, failures.InvalidGraph, failures.NotImplemented) as error:
            raise DataError(f"ONNX Runtime cannot load '{path}': {plain_cause(error)}") from None
        if session.get_providers()[0] != provider:
            raise MeasurementError(f"{provider} was asked for, but ONNX Runtime runs {session.get_providers()[0]}")
        return session

    def _facts(self, session: Any, export: Exported) -> dict[str, Any]:
        return {
            "providers": session.get_providers(),
            "precision": export.dtype,
            "threads": self.threads,
            "optimization": self.optimization,
            "spinning": self.spinning,
        }


def _check_dtype(workload: Workload, dtype: str) -> None:
    """Raises UsageError unless ONNX Runtime computes in that format: float32, or what the user's own file holds."""
    if dtype in ("float32", OWN) or (isinstance(workload, OnnxWorkload) and dtype == workload.file_dtype()):
        return
    other = "'openvino' or 'torch'" if dtype == "bfloat16" else "'torch'"
    raise UsageError(f"backend 'onnxruntime' runs float32, not {dtype}. Take --dtype float32, or backend {other}.")


class OrtRunner(Runner):
    """Runs a session whose inputs and outputs are bound to the device, so that nothing is copied per call."""

    def __init__(self, session: Any, inputs: dict[str, NDArray[Any]], kind: str, facts: dict[str, Any]) -> None:
        super().__init__()
        self._session = session
        self._binding = session.io_binding()
        for name, array in inputs.items():
            if name in {port.name for port in session.get_inputs()}:  # an input that the graph never reads is gone
                self._binding.bind_ortvalue_input(name, _ort_value(array, kind))
        self._kind = kind
        self._bind_outputs()
        self._misdeclared: list[str] = []
        self.facts = facts

    def _bind_outputs(self) -> None:
        for port in self._session.get_outputs():
            self._binding.bind_output(port.name, self._kind)

    def run(self, n: int) -> None:
        """See the base class."""
        run, binding = self._session.run_with_iobinding, self._binding
        for _ in range(n):
            if self._misdeclared:  # an output that is kept is checked against the graph's declaration, and refused
                binding.clear_binding_outputs()
                self._bind_outputs()
            run(binding)
        binding.synchronize_outputs()

    def outputs(self) -> list[NDArray[Any]]:
        """See the base class; also finds outputs whose shapes the graph declares wrongly."""
        self.run(1)
        found = list(self._binding.copy_outputs_to_cpu())
        pairs = zip(self._session.get_outputs(), found, strict=True)
        self._misdeclared = [port.name for port, array in pairs if _contradicts(port.shape, array.shape)]
        if self._misdeclared:
            self.facts["misdeclared_outputs"] = self._misdeclared
        return found

    def empty_caches(self, cache_bytes: int) -> bool:
        """See the base class; those of a GPU are out of reach from here."""
        return self._kind == "cpu" and empty_host_caches(cache_bytes)

    def close(self) -> None:
        """See the base class."""
        self._session = self._binding = None


def _ort_value(array: NDArray[Any], kind: str) -> Any:
    """Puts an array on the device; numpy's own formats and bfloat16 are known to ONNX Runtime."""
    import onnxruntime as ort

    if array.dtype.name == "bfloat16":
        return ort.OrtValue.ortvalue_from_numpy_with_onnx_type(array.view("uint16"), BFLOAT16)
    return ort.OrtValue.ortvalue_from_numpy(array, kind, 0)


def _contradicts(declared: list[int | str | None], shape: tuple[int, ...]) -> bool:
    """Says whether fixed sizes that a graph declares differ from the real ones; an undeclared shape is empty."""
    fixed = [(size, came) for size, came in zip(declared, shape, strict=False) if isinstance(size, int) and size > 0]
    return any(size != came for size, came in fixed)
