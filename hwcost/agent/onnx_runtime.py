"""ONNX Runtime on the CPU or on a GPU, there also through TensorRT; a silent fall-back to the CPU is an error."""

from __future__ import annotations

import importlib
import json
import os
import tempfile
from typing import Any

from .blocks import BlockTiming
from .errors import DeviceError, MeasurementError, UsageError, first_line, is_out_of_memory
from .sweep import empty_host_caches
from .timer import host_timing, sliced_timing

PROVIDERS = {"cpu": "CPUExecutionProvider", "cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider"}
KINDS = {"cpu": "cpu", "cuda": "cuda", "tensorrt": "cuda"}
"""Kind of device that each provider computes on."""
TF32_OVERRIDE = "NVIDIA_TF32_OVERRIDE"
"""Environment variable that keeps NVIDIA's libraries from rounding float32 to tfloat32, when it is ``0`` as they load."""
POOL, ITEMSIZE = "pool.f32", 4
NO_FALLBACK, REFUSED = "session.disable_cpu_ep_fallback", "fallback to CPU EP has been explicitly disabled"
"""Setting under which nodes that the CPU would run are refused, and a part of the message that says so."""
REFUSING = (1, 16)
"""First release that refuses nodes that would run on the CPU, where that is asked for."""
TOLERANCE = 1e-4
"""Largest difference from torch's output, relative to its largest number."""

LEVELS = {"none": "ORT_DISABLE_ALL", "basic": "ORT_ENABLE_BASIC", "extended": "ORT_ENABLE_EXTENDED", "all": "ORT_ENABLE_ALL"}


class OnnxRuntime:
    """Runs the job's ONNX files.

    Args:
        job: The job; its backend's options ``provider``, ``optimization`` and ``spinning`` apply.
        folder: Folder of the job.
        device: Device that is measured on.
    """

    uses_processor = True

    def __init__(self, job: dict[str, Any], folder: str, device: Any) -> None:
        self._options = job["backend_options"]
        chosen = _choice(self._options, "provider", "auto", ("auto", *PROVIDERS))
        self._level = LEVELS[_choice(self._options, "optimization", "all", tuple(LEVELS))]
        if chosen != "auto" and KINDS[chosen] != device.kind:
            raise UsageError("provider '%s' runs on %s devices, and the job's is of kind %s" % (
                chosen, KINDS[chosen], device.kind,
            ))  # fmt: skip
        if device.kind == "cuda":
            os.environ[TF32_OVERRIDE] = "0"
        import onnxruntime

        self._ort, self._folder, self._kind, self._threads = onnxruntime, folder, device.kind, job["threads"]
        self._provider = PROVIDERS[device.kind if chosen == "auto" else chosen]
        self._pool_numbers = job["pool_numbers"]
        here = onnxruntime.get_available_providers()
        if self._provider not in here:
            raise UsageError("this ONNX Runtime has no %s. It has: %s" % (self._provider, ", ".join(here)))
        if device.kind == "cuda":
            load_libraries(onnxruntime, self._provider)

    def versions(self) -> dict[str, str]:
        """Version of ONNX Runtime."""
        return {"onnxruntime": str(self._ort.__version__)}

    def prepare(self, workload: dict[str, Any]) -> OrtRunner:
        """Loads a file and binds its inputs and outputs to the device."""
        if workload["onnx"] is None:
            raise UsageError("the job holds no ONNX file of '%s'" % workload["name"])
        ort, options = self._ort, self._options
        settings = ort.SessionOptions()
        settings.intra_op_num_threads, settings.inter_op_num_threads = self._threads, 1
        settings.execution_mode = ort.ExecutionMode.ORT_SEQUENTIAL
        settings.graph_optimization_level = getattr(ort.GraphOptimizationLevel, self._level)
        settings.log_severity_level = 4
        spins = str(options.get("spinning", False)).lower() in ("true", "1", "yes")
        settings.add_session_config_entry("session.intra_op.allow_spinning", str(int(spins)))
        if self._provider != PROVIDERS["cpu"]:
            settings.add_session_config_entry(NO_FALLBACK, "1")
        path = os.path.join(self._folder, workload["onnx"])
        make_pool(os.path.join(self._folder, "weights.f32"), os.path.dirname(path), self._pool_numbers)
        session = opened(ort, path, settings, self._provider)
        inputs = self._inputs(session, workload)
        if self._provider != PROVIDERS["cpu"] and release(ort) < REFUSING:
            check_nodes(ort, path, settings, self._provider, inputs)
        facts = {"providers": session.get_providers(), "threads": self._threads, "runner": "agent", **self.versions()}
        runner = OrtRunner(ort, session, inputs, self._kind, facts)
        facts["difference"] = runner.difference(workload["name"], workload["reference"])
        return runner

    def _inputs(self, session: Any, workload: dict[str, Any]) -> dict[str, Any]:
        """Reads the inputs that the graph takes; one that it never reads is gone."""
        import numpy as np

        wanted = {port.name for port in session.get_inputs()}
        found = {}
        for one in workload["inputs"]:
            if one["name"] in wanted:
                path = os.path.join(self._folder, one["file"])
                found[one["name"]] = np.fromfile(path, dtype=one["dtype"]).reshape(one["shape"])
        return found


def _choice(options: dict[str, Any], name: str, default: str, known: tuple[str, ...]) -> str:
    """Returns the value of an option.

    Raises:
        UsageError: When it is none of the known ones.
    """
    given = str(options.get(name, default))
    if given not in known:
        raise UsageError("option '%s' of onnxruntime cannot be '%s'. Known: %s" % (name, given, ", ".join(known)))
    return given


def release(ort: Any) -> tuple[int, ...]:
    """Returns the first two numbers of ONNX Runtime's version."""
    return tuple(int(part) for part in ort.__version__.split(".")[:2])


def opened(ort: Any, path: str, settings: Any, provider: str) -> Any:
    """Loads a model.

    ONNX Runtime refuses nodes of the CPU with the same words where a provider lacks a library and the CPU would run all of
    them; a session that may fall back tells the two apart.

    Raises:
        DeviceError: When the provider could not start.
        MeasurementError: When the CPU would run a part of the model.
    """
    asked: dict[str, Any] = {"providers": [provider], "enable_fallback": 0}
    try:
        session, is_whole = ort.InferenceSession(path, settings, **asked), True
    except (RuntimeError, ValueError) as error:
        if provider == PROVIDERS["cpu"] or is_out_of_memory(error):
            raise
        raise cannot_start(provider, first_line(error)) from None
    except Exception as error:  # its other errors have no base of their own
        if REFUSED not in str(error):
            raise
        settings.add_session_config_entry(NO_FALLBACK, "0")
        session, is_whole = ort.InferenceSession(path, settings, **asked), False
    if session.get_providers()[0] != provider:
        raise cannot_start(provider, "%s would run instead" % session.get_providers()[0])
    if not is_whole:
        raise MeasurementError("%s was asked for, but the CPU would run a part of the model" % provider)
    return session


def cannot_start(provider: str, why: str) -> DeviceError:
    """Makes the error for a provider without its libraries, or without a driver that they run with."""
    text = "%s was asked for, but it could not start: %s. Install its CUDA and cuDNN libraries, and look at nvidia-smi"
    return DeviceError(text % (provider, why.rstrip(".")))


def load_libraries(ort: Any, provider: str) -> None:
    """Loads the libraries of CUDA and TensorRT that lie in Python packages, where the system's loader does not find them."""
    if hasattr(ort, "preload_dlls"):  # from release 1.21 on
        ort.preload_dlls()
    else:
        _import("torch")  # which brings the same libraries along
    if provider == PROVIDERS["tensorrt"]:
        _import("tensorrt")


def _import(package: str) -> None:
    try:
        importlib.import_module(package)
    except (ImportError, OSError):
        pass  # its libraries may lie where the loader looks


def check_nodes(ort: Any, path: str, settings: Any, provider: str, inputs: dict[str, Any]) -> None:
    """Runs a model once under ONNX Runtime's profiler, which tells the provider of every node.

    Args:
        ort: The module.
        path: The model.
        settings: Settings of its session.
        provider: Provider that is to run all of it.
        inputs: Inputs by name.

    Raises:
        MeasurementError: When another provider runs a node.
    """
    with tempfile.TemporaryDirectory() as folder:
        settings.enable_profiling, settings.profile_file_prefix = True, os.path.join(folder, "nodes")
        session = ort.InferenceSession(path, settings, providers=[provider])
        settings.enable_profiling = False
        session.run(None, inputs)
        with open(session.end_profiling(), encoding="utf-8") as file:
            nodes = [event.get("args", {}) for event in json.load(file)]
    others = sorted({one["op_name"] for one in nodes if one.get("provider", provider) != provider})
    if others:
        raise MeasurementError("%s was asked for, but another provider would run: %s" % (provider, ", ".join(others)))


def make_pool(weights: str, folder: str, numbers: int) -> None:
    """Makes the file of which the matrices of all models are parts, unless it is there: the job's numbers, again and again.

    Args:
        weights: File with the numbers, four bytes each.
        folder: Folder of the models.
        numbers: Number of numbers that the file holds at the least.
    """
    path, left = os.path.join(folder, POOL), ITEMSIZE * numbers
    if os.path.exists(path) and os.path.getsize(path) == left:
        return
    with open(weights, "rb") as source:
        data = source.read()
    if left > 0 and not data:
        raise UsageError("%s is empty. Copy the job folder again" % weights)
    with open(path + ".part", "wb") as target:
        while left > 0:
            left -= target.write(data[:left])
    os.replace(path + ".part", path)


class OrtRunner:
    """Runs a session whose inputs and outputs are bound to the device, so that nothing is copied per call."""

    read_ns = None

    def __init__(self, ort: Any, session: Any, inputs: dict[str, Any], kind: str, facts: dict[str, Any]) -> None:
        self._session, self._binding, self._kind, self.facts = session, session.io_binding(), kind, facts
        self._kept = [(array, ort.OrtValue.ortvalue_from_numpy(array, kind, 0)) for array in inputs.values()]
        for name, (_, value) in zip(inputs, self._kept):  # the binding keeps no array of the CPU's alive
            self._binding.bind_ortvalue_input(name, value)
        for port in session.get_outputs():
            self._binding.bind_output(port.name, kind)

    def run(self, calls: int) -> None:
        """Executes a number of calls and returns when the device is done."""
        run, binding = self._session.run_with_iobinding, self._binding
        for _ in range(calls):
            run(binding)
        if hasattr(binding, "synchronize_outputs"):
            binding.synchronize_outputs()

    def time_block(self, calls: int) -> BlockTiming:
        """Executes a number of calls and returns the host's seconds."""
        return (sliced_timing if self._kind == "cpu" else host_timing)(self.run, calls)

    def outputs(self) -> list[Any]:
        """Executes once and returns all outputs as nested lists, for tests."""
        self.run(1)
        return [array.tolist() for array in self._binding.copy_outputs_to_cpu()]

    def difference(self, name: str, reference: dict[str, Any]) -> float:
        """Runs for the first time, and returns the largest difference from torch's output, relative to its largest number.

        Raises:
            MeasurementError: When that is more than rounding: another model would be timed.
        """
        self.run(1)
        found = self._binding.copy_outputs_to_cpu()[0].reshape(-1)[:: reference["step"]].tolist()
        expected = reference["values"]
        gaps = [abs(mine - theirs) for mine, theirs in zip(found, expected)]
        largest = max(max(map(abs, expected)), 1e-12)
        worst = max(gaps) / largest
        if len(found) != len(expected) or not all(gap <= TOLERANCE * largest for gap in gaps):
            text = "ONNX Runtime on '%s' computes something else than torch: relative difference %.2g, expected at most %g"
            raise MeasurementError(text % (name, worst, TOLERANCE))
        return worst

    def empty_caches(self, cache_bytes: int) -> bool:
        """Empties the CPU's caches; those of a GPU are out of reach from here."""
        return self._kind == "cpu" and empty_host_caches(cache_bytes)

    def close(self) -> None:
        """Frees the session."""
        self._session = self._binding = None
        self._kept = []
