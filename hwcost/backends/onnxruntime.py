"""ONNX Runtime on the CPU, and on GPUs through CUDA or TensorRT where the GPU build of it is installed."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends import options as read
from hwcost.backends import tf32
from hwcost.backends.base import Backend, Runner
from hwcost.backends.causes import plain_cause
from hwcost.backends.cuda_driver import free_driver_bytes
from hwcost.backends.onnx_precisions import PRECISIONS, SCHEMES, compared_as
from hwcost.backends.ort_session import CPU, CUDA, LEVELS, TENSORRT, SessionSettings, node_counts, opened
from hwcost.errors import DeviceLostError, UsageError
from hwcost.workloads.factory import OWN
from hwcost.workloads.onnx_file import OnnxWorkload

if TYPE_CHECKING:
    from hwcost.backends.exported import Exported
    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload

PROVIDERS = {"cpu": (CPU,), "cuda": (CUDA,), "tensorrt": (TENSORRT, CUDA)}
"""Providers that may run nodes, by the value of the option."""

KINDS = {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda"}
"""Kind of device that each runs on."""

FAILURE = "CUDA failure"
"""Part of the messages in which ONNX Runtime passes on an error of CUDA's."""


class OnnxRuntime(Backend):
    """Runs exported models, and ONNX files as they are.

    A node that would run on another provider than the one that was asked for is an error, never a silent fallback; with
    TensorRT, nodes that it does not take run on CUDA, and the record counts them.

    Options:
        provider: Provider, ``cpu``, ``cuda``, ``tensorrt``, or ``auto`` for the one of the device's kind (``auto``).
        optimization: Graph optimisation, ``none``, ``basic``, ``extended`` or ``all`` (``all``).
        spinning: Let waiting threads spin, which is faster on an idle machine and disturbs a busy one (false).
        fusion: Fuse attention by onnxscript's rewriter before the file is loaded (false).
        quantization: Integers of 8 bits in linear layers, ``none``, ``dynamic`` or ``qdq`` (``none``).
        tf32: Let a GPU compute products of float32 in tfloat32 (false).
    """

    name = "onnxruntime"
    kinds = ("cpu", "cuda")
    extra = "onnx"
    fork_imports = ()  # ONNX Runtime starts a thread when it is imported
    option_names = ("provider", "optimization", "spinning", "fusion", "quantization", "tf32")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.provider = read.choice(self.options, "provider", "auto", ("auto", *PROVIDERS))
        self.optimization = read.choice(self.options, "optimization", "all", tuple(LEVELS))
        self.spinning = read.switch(self.options, "spinning", False)
        self.fusion = read.switch(self.options, "fusion", False)
        self.quantization = read.choice(self.options, "quantization", "none", SCHEMES)
        self.tf32 = read.switch(self.options, "tf32", False)
        self._is_on_gpu = False

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        return (True, "") if find_spec("onnxruntime") else (False, "onnxruntime is missing")

    def version(self) -> dict[str, str]:
        """Version of ONNX Runtime."""
        import onnxruntime

        return {"onnxruntime": str(onnxruntime.__version__)}

    def free_bytes(self) -> int | None:
        """See the base class; ONNX Runtime itself does not tell."""
        return free_driver_bytes() if self._is_on_gpu else None

    def check_alive(self, handle: DeviceHandle) -> None:
        """See the base class; after some errors of a kernel every further call of CUDA fails in this process."""
        if handle.kind != "cuda":
            return
        import numpy as np
        import onnxruntime

        try:
            onnxruntime.OrtValue.ortvalue_from_numpy(np.zeros(1, np.float32), "cuda", 0).numpy()
        except Exception as error:  # its errors have no base of their own
            if FAILURE in str(error) and not is_out_of_memory(error):
                raise DeviceLostError(
                    f"E_DEVICE_LOST: the measuring process lost {handle}: {plain_cause(error)}."
                ) from None

    def needs_export(self, workload: Workload) -> bool:
        """See the base class."""
        from hwcost.backends.onnx_cache import needs_export

        return needs_export(workload, *self._form(workload))

    def export(self, workload: Workload) -> None:
        """See the base class."""
        from hwcost.backends.onnx_export import exported

        exported(workload, *self._form(workload))

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; the first run is compared with eager torch.

        Raises:
            UsageError: When the device has no provider, or the provider does not compute in that precision.
            DataError: When ONNX Runtime cannot load the user's own file.
            DeviceError: When the provider cannot start.
            MeasurementError: When it cannot load an exported file, another provider runs a node, or the outputs differ from
                eager torch's.
        """
        from hwcost.backends.exported import first_outputs
        from hwcost.backends.onnx_export import exported
        from hwcost.backends.ort_runner import OrtRunner
        from hwcost.backends.reference import verify

        provider = self._provider(handle)
        self._is_on_gpu = handle.kind == "cuda"
        self._check_dtype(workload, workload.dtype, provider)
        export = exported(workload, *self._form(workload))
        try:
            self._check_dtype(workload, export.dtype, provider)
            ready = self._rewritten(export, workload, provider)
            settings = self._settings(provider, export.dtype, _dimensions(workload, export, provider))
            session = opened(ready, settings)
        finally:
            export.discard()
        facts = {**self.version(), **self._facts(session, ready, provider), **export.facts()}
        if settings.dimensions:
            facts["fixed_dimensions"] = settings.dimensions
        runner = OrtRunner(session, export.inputs, handle.kind, facts)
        what = f"ONNX Runtime on '{workload.name}'"
        computed = compared_as(facts["precision"])
        runner.facts["difference"] = verify(what, first_outputs(runner, what, export), export.reference, computed)
        return runner

    def _form(self, workload: Workload) -> tuple[str, bool]:
        """Returns the form of an exported file: format of its weights, and whether other nets share them.

        A file that is rewritten holds its own.
        """
        shares_weights = self.shares_weights and not self.fusion and self.quantization == "none"
        return "float16" if workload.dtype == "float16" else "float32", shares_weights

    def _provider(self, device: DeviceHandle) -> str:
        """Returns the provider to take.

        Raises:
            UsageError: When it does not run on the device, is not in this build, or cannot compute as asked for.
        """
        import onnxruntime

        self.check_kind(device.kind)
        provider = device.kind if self.provider == "auto" else self.provider
        if KINDS[provider] != device.kind:
            raise UsageError(
                f"provider '{provider}' runs on {KINDS[provider]} devices, and '{device.name}' is of kind {device.kind}"
            )
        here = onnxruntime.get_available_providers()
        if PROVIDERS[provider][0] not in here:
            raise UsageError(
                f"this ONNX Runtime has no provider for {device.kind} devices such as '{device.name}': "
                f"{PROVIDERS[provider][0]} is missing. It has: {', '.join(here)}. Install the GPU build in place of this "
                f"one: pip uninstall onnxruntime, then pip install 'hwcost[gpu]'."
            )
        if provider != "cpu" and self.tf32:
            tf32.check(device)
        if provider == "tensorrt" and not self.tf32 and not tf32.is_forbidden():
            raise UsageError(
                f"ONNX Runtime's TensorRT computes products of float32 in tfloat32, unless {tf32.OVERRIDE}=0 is set. "
                f"Set it, ask for that with --backend-option tf32=true, or take --backend tensorrt."
            )
        return provider

    def _check_dtype(self, workload: Workload, dtype: str, provider: str) -> None:
        """Raises UsageError unless the provider computes in that format; the user's own file keeps the one that it holds."""
        own = dtype == OWN or (isinstance(workload, OnnxWorkload) and dtype == workload.file_dtype())
        known = ("float32",) if provider == "cpu" else ("float32", "float16")
        if not own and dtype not in known:
            other = "'openvino' or 'torch'" if dtype == "bfloat16" and provider == "cpu" else "'torch'"
            runs = " and ".join(known)
            raise UsageError(f"backend 'onnxruntime' runs {runs}, not {dtype}. Take --dtype float32, or backend {other}.")
        if self.quantization != "none" and dtype not in ("float32", OWN):
            raise UsageError(f"quantization={self.quantization} starts from float32, not {dtype}. Take --dtype float32.")

    def _rewritten(self, export: Exported, workload: Workload, provider: str) -> Exported:
        """Returns the file that is loaded: fused, then quantised, as the options say."""
        if self.fusion:
            from hwcost.backends.onnx_fusion import fused

            export = fused(export, workload.name)
        if self.quantization != "none":
            from hwcost.backends.onnx_quantization import quantized

            export = quantized(export, workload, self.quantization, symmetric=provider != "cpu")
        return export

    def _settings(self, provider: str, dtype: str, dimensions: dict[str, int]) -> SessionSettings:
        options = self._provider_options(dtype)
        return SessionSettings(PROVIDERS[provider], options, self.threads, self.optimization, self.spinning, dimensions)

    def _provider_options(self, dtype: str) -> dict[str, dict[str, str]]:
        """Returns the options of each provider: the process sees one GPU, which is its first."""
        cuda = {"device_id": "0", "use_tf32": str(int(self.tf32))}
        return {
            CUDA: cuda,
            TENSORRT: {
                "device_id": "0",
                "trt_fp16_enable": str(int(dtype == "float16")),
                "trt_int8_enable": str(int(self.quantization == "qdq")),
            },
        }

    def _facts(self, session: Any, ready: Exported, provider: str) -> dict[str, Any]:
        facts = {
            "providers": session.get_providers(),
            "nodes": node_counts(session),
            "precision": self._precision(ready.dtype, provider),
            "threads": self.threads,
            "optimization": self.optimization,
            "spinning": self.spinning,
        }
        if self.fusion:
            from hwcost.backends.onnx_fusion import fusions

            facts["fusions"] = fusions(ready)
        if self.quantization != "none":
            from hwcost.backends.onnx_quantization import described

            facts["quantization"] = described(ready, self.quantization, symmetric=provider != "cpu")
        return facts

    def _precision(self, dtype: str, provider: str) -> str:
        if self.quantization != "none":
            return PRECISIONS[self.quantization]
        return "tf32" if dtype == "float32" and self.tf32 and provider != "cpu" else dtype


def _dimensions(workload: Workload, export: Exported, provider: str) -> dict[str, int]:
    """Returns the sizes at which a session on a GPU is fixed: those of the dynamic dimensions of the user's own file.

    ONNX Runtime computes shapes on the CPU while a model with dynamic ones runs, and with fixed ones beforehand.
    """
    if provider == "cpu" or not isinstance(workload, OnnxWorkload):
        return {}
    from hwcost.workloads.onnx_ports import ports

    found = [port for port in ports(workload.graph()) if port.name in export.inputs]
    bound = [port.bind(export.inputs[port.name].shape).items() for port in found]
    names = {dim for port in found for dim in port.dims or () if isinstance(dim, str)}
    return {name: size for items in bound for name, size in items if name in names}
