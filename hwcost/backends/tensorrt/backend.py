"""NVIDIA TensorRT on GPUs."""

from __future__ import annotations

from importlib.util import find_spec
from typing import TYPE_CHECKING, Any

from hwcost.backends import options as read
from hwcost.backends import tf32, torch_place
from hwcost.backends.base import Backend, Runner
from hwcost.backends.cuda_allocator import free_cuda_bytes
from hwcost.backends.onnx_precisions import PRECISIONS, compared_as
from hwcost.backends.tensorrt import package
from hwcost.backends.tensorrt.build import LEVELS, BuildSettings
from hwcost.errors import UsageError
from hwcost.workloads.factory import OWN
from hwcost.workloads.onnx_file import OnnxWorkload

if TYPE_CHECKING:
    from hwcost.backends.exported import Exported
    from hwcost.backends.tensorrt.engine import Engine
    from hwcost.backends.tensorrt.engine_cache import Plan
    from hwcost.backends.tensorrt.gpu import Gpu
    from hwcost.devices.handle import DeviceHandle
    from hwcost.workloads.base import Workload

DTYPES = ("float32", "float16", "bfloat16")


class TensorRT(Backend):
    """Builds strongly typed engines of exported models and ONNX files, keeps them, and runs them.

    Options:
        package: Python package, ``tensorrt`` or ``tensorrt-rtx``, which is another product (``tensorrt``).
        optimization: Level of optimisation from 0 to 5 (3).
        tf32: Let products of float32 be computed in tfloat32 (false).
        quantization: Integers of 8 bits in linear layers, ``none`` or ``qdq`` (``none``).
        cuda_graph: Launch each call as one CUDA graph (true).
        profile: Time the layers of the engine and keep their seconds by component in the record (false).
    """

    name = "tensorrt"
    kinds = ("cuda",)
    extra = "tensorrt"
    option_names = ("package", "optimization", "tf32", "quantization", "cuda_graph", "profile")

    def __init__(self, threads: int = 1, options: dict[str, Any] | None = None) -> None:
        super().__init__(threads, options)
        self.package = read.choice(self.options, "package", "tensorrt", tuple(package.MODULES))
        self.optimization = int(read.choice(self.options, "optimization", "3", tuple(map(str, LEVELS))))
        self.tf32 = read.switch(self.options, "tf32", False)
        self.quantization = read.choice(self.options, "quantization", "none", ("none", "qdq"))
        self.cuda_graph = read.switch(self.options, "cuda_graph", True)
        self.profile = read.switch(self.options, "profile", False)

    @classmethod
    def availability(cls) -> tuple[bool, str]:
        """See the base class."""
        if not package.installed():
            return False, "neither tensorrt nor tensorrt-rtx is installed"
        return (True, "") if find_spec("torch") else (False, "torch, which holds the GPU's memory, is missing")

    def version(self) -> dict[str, str]:
        """Version of the package, and of torch, which holds the GPU's memory."""
        import torch

        trt = package.load(self.package)
        return {trt.__name__: str(trt.__version__), "torch": str(torch.__version__)}

    def free_bytes(self) -> int | None:
        """See the base class; engines take their memory beside torch."""
        return free_cuda_bytes(torch_place.cuda())

    def check_alive(self, handle: DeviceHandle) -> None:
        """See the base class."""
        torch_place.check_cuda(handle)

    def prepare(self, workload: Workload, handle: DeviceHandle) -> Runner:
        """See the base class; the first run is compared with eager torch.

        Raises:
            UsageError: When the device is not of kind cuda, or does not compute as asked for, or TensorRT not in the dtype.
            DataError: When TensorRT cannot parse the model.
            DeviceError: When TensorRT's libraries or the GPU are missing.
            MeasurementError: When no engine can be built or run, or the outputs differ from eager torch's.
        """
        from hwcost.backends.exported import first_outputs
        from hwcost.backends.reference import verify
        from hwcost.backends.tensorrt.gpu import TorchGpu
        from hwcost.backends.tensorrt.runner import TensorRTRunner

        self.check_kind(handle.kind)
        if self.tf32:
            tf32.check(handle)
        trt, gpu = package.load(self.package), TorchGpu(handle)
        export, ready = self._files(workload)
        try:
            plan, engine = self._loaded(trt, ready, gpu, workload)
        finally:
            export.discard()
        facts = {**self._facts(plan, ready, gpu.identity), "executed": True, "cuda_graph": self.cuda_graph}
        facts["activation_bytes"] = engine.memory_bytes
        if self.profile:
            facts["profile"] = _profile(trt, engine, gpu)
            del engine  # its context is watched
            engine = self._engine(trt, plan, gpu, ready, workload)
        runner = TensorRTRunner(engine, gpu, self.cuda_graph, facts)
        what = f"TensorRT on '{workload.name}'"
        computed = compared_as(facts["precision"])
        runner.facts["difference"] = verify(what, first_outputs(runner, what, ready), ready.reference, computed)
        return runner

    def built(self, workload: Workload, target: str) -> dict[str, Any]:
        """Builds, or finds in the cache, an engine for a GPU that need not be here, and runs nothing.

        Args:
            workload: The workload.
            target: Compute capability, such as ``sm80``.

        Returns:
            Facts about the engine, with ``executed`` false.

        Raises:
            UsageError: When the package cannot build for the target; only TensorRT-RTX builds for other GPUs.
            DataError: When TensorRT cannot parse the model.
            MeasurementError: When no engine can be built.
        """
        trt = package.load(self.package)
        export, ready = self._files(workload)
        try:
            plan = self._plan(trt, ready, target, workload, target)
        finally:
            export.discard()
        return {**self._facts(plan, ready, target), "executed": False}

    def _files(self, workload: Workload) -> tuple[Exported, Exported]:
        """Returns the exported file, which the caller discards, and the one that is built from."""
        from hwcost.backends.onnx_export import exported

        dtype = workload.dtype
        own = dtype == OWN or (isinstance(workload, OnnxWorkload) and dtype == workload.file_dtype())
        if not own and dtype not in DTYPES:
            raise UsageError(f"backend 'tensorrt' runs {', '.join(DTYPES)}, not {dtype}")
        if self.quantization != "none" and dtype not in ("float32", OWN):
            raise UsageError(f"quantization={self.quantization} starts from float32, not {dtype}. Take --dtype float32.")
        export = exported(workload, dtype if dtype in DTYPES else "float32")
        if self.quantization == "none":
            return export, export
        from hwcost.backends.onnx_quantization import quantized

        return export, quantized(export, workload, self.quantization, symmetric=True)

    def _loaded(self, trt: Any, ready: Exported, gpu: Gpu, workload: Workload) -> tuple[Plan, Engine]:
        """Returns an engine that is loaded; a kept one that TensorRT does not take is built anew, once."""
        from hwcost.backends.tensorrt.engine import Unreadable

        plan = self._plan(trt, ready, gpu.identity, workload)
        try:
            return plan, self._engine(trt, plan, gpu, ready, workload)
        except Unreadable:
            plan.forget()
            if not plan.from_cache:
                raise
        plan = self._plan(trt, ready, gpu.identity, workload)
        return plan, self._engine(trt, plan, gpu, ready, workload)

    def _engine(self, trt: Any, plan: Plan, gpu: Gpu, ready: Exported, workload: Workload) -> Engine:
        from hwcost.backends.tensorrt.engine import Engine

        return Engine(trt, plan.data, gpu, ready.inputs, workload.name)

    def _plan(self, trt: Any, ready: Exported, gpu: str, workload: Workload, target: str | None = None) -> Plan:
        from hwcost.backends.tensorrt.build import build
        from hwcost.backends.tensorrt.engine_cache import engine_key, kept

        settings = BuildSettings(self.optimization, self.tf32, self.profile, target)
        shapes = {name: tuple(array.shape) for name, array in ready.inputs.items()}
        key = engine_key(trt, ready.path, shapes, settings, gpu)
        return kept(key, lambda: build(trt, ready.path, shapes, settings, workload.name))

    def _facts(self, plan: Plan, ready: Exported, gpu: str) -> dict[str, Any]:
        facts: dict[str, Any] = {**self.version(), "package": self.package, "precision": self._precision(ready.dtype)}
        facts |= {"optimization": self.optimization, "engine": {**plan.facts(), "gpu": gpu}, **ready.facts()}
        if self.quantization != "none":
            from hwcost.backends.onnx_quantization import described

            facts["quantization"] = described(ready, self.quantization, symmetric=True)
        return facts

    def _precision(self, dtype: str) -> str:
        if self.quantization != "none":
            return PRECISIONS[self.quantization]
        return "tf32" if dtype == "float32" and self.tf32 else dtype


def _profile(trt: Any, engine: Engine, gpu: Gpu) -> dict[str, Any]:
    from hwcost.backends.tensorrt.profile import layer_times, profile_facts

    return profile_facts(layer_times(trt, engine, gpu))
