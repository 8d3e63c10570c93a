"""A TensorRT that is not here: its engines are ONNX files, which ONNX Runtime runs on arrays of the host."""

from __future__ import annotations

import enum
import itertools
import json
from functools import partial
from importlib.machinery import ModuleSpec
from types import ModuleType, SimpleNamespace

import numpy as np

from hwcost.backends.tensorrt.gpu import Gpu, Memory

LAYER_MS = 0.5
DEVICE_S = 0.002
ARRAYS: dict[int, np.ndarray] = {}
_ADDRESSES = itertools.count(1000)


class FakeGpu(Gpu):
    """A GPU in the host's memory; counts what is recorded and launched."""

    identity = "Fake GPU sm90"
    stream = 7

    def __init__(self, handle=None) -> None:
        self.launches = self.swept = self.released = 0
        self.faults: set[str] = set()

    def _placed(self, array) -> Memory:
        address = next(_ADDRESSES)
        ARRAYS[address] = array
        return Memory(address, array)

    def upload(self, array, dtype) -> Memory:
        assert array.dtype.name == dtype
        return self._placed(array)

    def empty(self, shape, dtype) -> Memory:
        return self._placed(np.empty(shape, dtype))

    def download(self, memory):
        array = memory.owner
        return array.astype(np.float32) if array.dtype.kind == "f" else array

    def synchronize(self) -> None:
        pass

    def captured(self, call):
        if "capture" in self.faults:
            raise RuntimeError("operation not permitted when stream is capturing")

        def launch():
            self.launches += 1
            call()

        return launch

    def timed(self, call) -> float:
        call()
        return DEVICE_S

    def sweep(self, cache_bytes) -> None:
        self.swept += cache_bytes

    def release(self) -> None:
        self.released += 1


Severity = enum.Enum("Severity", ["INTERNAL_ERROR", "ERROR", "WARNING", "INFO", "VERBOSE"])
DataType = enum.Enum("DataType", ["FLOAT", "HALF", "BF16", "INT64", "INT32", "BOOL"])
TYPES = {1: DataType.FLOAT, 10: DataType.HALF, 16: DataType.BF16, 7: DataType.INT64, 6: DataType.INT32, 9: DataType.BOOL}


def shape_of(port):
    return tuple(dim.dim_value if dim.HasField("dim_value") else -1 for dim in port.type.tensor_type.shape.dim)


class FakeTensorrt(ModuleType):
    """The module; it fails at the given points, and counts its builds in ``builds``.

    Args:
        *faults: Points at which it fails: ``start``, ``build``, ``build memory``, ``context memory``, ``load memory`` and
            ``run``; with ``shape`` it takes every output as a shape.
    """

    ILogger = type("ILogger", (), {"Severity": Severity})
    IProfiler = type("IProfiler", (), {})
    NetworkDefinitionCreationFlag = enum.IntEnum("Flag", {"EXPLICIT_BATCH": 0, "STRONGLY_TYPED": 1})
    BuilderFlag = enum.Enum("BuilderFlag", ["TF32"])
    ProfilingVerbosity = enum.Enum("ProfilingVerbosity", ["LAYER_NAMES_ONLY", "DETAILED"])
    LayerInformationFormat = enum.Enum("Format", ["JSON"])
    TensorIOMode = enum.Enum("Mode", ["INPUT", "OUTPUT"])
    TensorLocation = enum.Enum("Location", ["DEVICE", "HOST"])

    def __init__(self, *faults: str) -> None:
        super().__init__("tensorrt")
        self.__spec__ = ModuleSpec("tensorrt", None)
        self.__version__ = "10.13.0"
        self.faults, self.builds, self.configs = set(faults), 0, []
        self.Builder, self.OnnxParser, self.Runtime = partial(Builder, self), Parser, partial(Runtime, self)

    def starts(self, log) -> None:
        if self.fails(log, "start", "CUDA initialization failure with error: 35"):
            raise TypeError("pybind11::init(): factory function returned nullptr")

    def fails(self, log, fault: str, text: str) -> bool:
        if fault in self.faults:
            log.log(Severity.WARNING, "just a warning")
            log.log(Severity.ERROR, text)
        return fault in self.faults


class Config:
    def __init__(self) -> None:
        self.flags, self.profiles = {FakeTensorrt.BuilderFlag.TF32}, []

    def set_flag(self, flag) -> None:
        self.flags.add(flag)

    def clear_flag(self, flag) -> None:
        self.flags.discard(flag)

    def add_optimization_profile(self, profile) -> None:
        self.profiles.append(profile)


class Profile(dict):
    def set_shape(self, name, *shapes) -> None:
        self[name] = shapes


class Builder:
    def __init__(self, trt, log) -> None:
        trt.starts(log)
        self.trt, self.log = trt, log

    def create_network(self, flags):
        assert flags == 2, "strongly typed"
        return SimpleNamespace(num_inputs=0, data=b"")

    def create_builder_config(self):
        return Config()

    def create_optimization_profile(self):
        return Profile()

    def build_serialized_network(self, network, config):
        if self.trt.fails(self.log, "build", "no implementation for node MatMul"):
            return None
        if self.trt.fails(self.log, "build memory", "out of memory"):
            return None
        self.trt.builds += 1
        self.trt.configs.append(config)
        return network.data


class Parser:
    def __init__(self, network, log) -> None:
        self.network, self.errors = network, []

    num_errors = property(lambda self: len(self.errors))

    def get_error(self, index):
        return self.errors[index]

    def parse_from_file(self, path) -> bool:
        import onnx

        model = onnx.load(path)
        ports = [SimpleNamespace(name=port.name, shape=shape_of(port)) for port in model.graph.input]
        self.network.num_inputs, self.network.get_input = len(ports), ports.__getitem__
        self.network.data = model.SerializeToString()
        for node in model.graph.node:
            if not onnx.defs.has(node.op_type):
                told = {"desc": "Plugin not found", "node_name": node.name, "node_operator": node.op_type}
                self.errors.append(SimpleNamespace(**{key: lambda text=text: text for key, text in told.items()}))
        return not self.errors


class Engine:
    device_memory_size_v2 = 4096

    def __init__(self, trt, data, log) -> None:
        import onnx
        import onnxruntime

        self.trt, self.graph, self.log, self.shapes = trt, onnx.load_from_string(data).graph, log, {}
        self.session = onnxruntime.InferenceSession(data, providers=["CPUExecutionProvider"])
        self.ports = {port.name: port for port in (*self.graph.input, *self.graph.output)}
        self.inputs = [port.name for port in self.graph.input]
        self.outputs = [port.name for port in self.graph.output]
        self.num_io_tensors = len(self.ports)

    def get_tensor_name(self, index):
        return list(self.ports)[index]

    def get_tensor_mode(self, name):
        return self.trt.TensorIOMode.INPUT if name in self.inputs else self.trt.TensorIOMode.OUTPUT

    def get_tensor_location(self, name):
        is_shape = "shape" in self.trt.faults and name in self.outputs
        return self.trt.TensorLocation.HOST if is_shape else self.trt.TensorLocation.DEVICE

    def get_tensor_dtype(self, name):
        return TYPES[self.ports[name].type.tensor_type.elem_type]

    def create_execution_context(self):
        text = "Requested amount of GPU memory (9 bytes) could not be allocated."
        return None if self.trt.fails(self.log, "context memory", text) else Context(self)

    def create_engine_inspector(self):
        layers = [{"Name": f"myl_{n.name}", "Metadata": f"[ONNX Layer: {n.name}]"} for n in self.graph.node]
        return SimpleNamespace(get_engine_information=lambda form: json.dumps({"Layers": layers}))


class Context:
    def __init__(self, engine) -> None:
        self.engine, self.at, self.profiler = engine, {}, None

    def set_input_shape(self, name, shape) -> None:
        self.engine.shapes[name] = shape

    def get_tensor_shape(self, name):
        return shape_of(self.engine.ports[name])

    def set_tensor_address(self, name, address) -> None:
        self.at[name] = address

    def execute_async_v3(self, stream) -> bool:
        assert stream == FakeGpu.stream
        if self.engine.trt.fails(self.engine.log, "run", "enqueue failed"):
            return False
        given = {name: ARRAYS[self.at[name]] for name in self.engine.inputs}
        for name, array in zip(self.engine.outputs, self.engine.session.run(None, given), strict=True):
            ARRAYS[self.at[name]][...] = array
        for node in self.engine.graph.node if self.profiler else ():
            self.profiler.report_layer_time(f"myl_{node.name}", LAYER_MS)
        return True


class Runtime:
    def __init__(self, trt, log) -> None:
        trt.starts(log)
        self.trt, self.log = trt, log

    def deserialize_cuda_engine(self, data):
        if self.trt.fails(self.log, "load memory", "CUDA out of memory"):
            return None
        if data.startswith(b"broken"):
            self.log.log(Severity.ERROR, "Serialization assertion failed")
            return None
        return Engine(self.trt, data, self.log)
