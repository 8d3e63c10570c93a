# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""Providers, fused attention and integers of 8 bits in ONNX Runtime; a session that is told what to say stands for GPUs."""

from __future__ import annotations

import gc
import os
import weakref
from types import SimpleNamespace

import numpy as np
import pytest

for module in ("torch", "onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(module)

import onnx
import onnxruntime
from onnx import TensorProto, helper, numpy_helper

from hwcost.agent.memory import DeviceMemory
from hwcost.backends import backend, ort_session
from hwcost.backends.onnx_export import exported
from hwcost.backends.onnx_quantization import integer_layers, quantized
from hwcost.backends.ort_runner import OrtRunner
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DeviceError, DeviceLostError, MeasurementError, UsageError
from hwcost.spaces import Component, space
from hwcost.testing.backends import small_workload
from hwcost.workloads import ComponentWorkload, OnnxWorkload
from tests.backends.fake_driver import GIB, FakeDriver

CPU, GPU = DeviceHandle(load("cpu")), DeviceHandle(load("a100"))
SPACE = space("supershaper")
NAMES = {"cuda": "CUDAExecutionProvider", "tensorrt": "TensorrtExecutionProvider", "cpu": "CPUExecutionProvider"}


def prepared(workload=None, device=CPU, shares_weights=True, **options):
    made = backend("onnxruntime", options=options)
    made.shares_weights = shares_weights
    return made.prepare(workload or small_workload(), device)


def of_kind(kind):
    return SimpleNamespace(op_type=kind)


@pytest.fixture
def session(monkeypatch):
    """Lets sessions say which providers they took and which of them runs which operators; they run on the CPU."""
    real = onnxruntime.InferenceSession
    told = SimpleNamespace(providers=None, parts={}, asked=None, settings=None, fallback=None)

    class Session(real):
        def __init__(self, path, options, providers, enable_fallback) -> None:
            told.asked, told.fallback = dict(providers), enable_fallback
            super().__init__(path, options, providers=["CPUExecutionProvider"])

        def get_providers(self):
            return told.providers or list(told.asked)

        def get_provider_graph_assignment_info(self):
            return [
                SimpleNamespace(ep_name=NAMES[name], get_nodes=lambda kinds=kinds: list(map(of_kind, kinds)))
                for name, kinds in told.parts.items()
            ]

    monkeypatch.setattr(onnxruntime, "InferenceSession", Session)
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: list(NAMES.values()))
    return told


def test_inputs_live_as_long_as_their_runner() -> None:
    """On a CPU a value of ONNX Runtime reads the array that it was made of, and older releases do not keep it."""
    binding = SimpleNamespace(bind_ortvalue_input=lambda name, value: None)
    ports = {"get_inputs": lambda: [SimpleNamespace(name="x")], "get_outputs": list}
    array = np.ones(4, np.float32)
    alive = weakref.ref(array)
    runner = OrtRunner(SimpleNamespace(io_binding=lambda: binding, **ports), {"x": array}, "cpu", {})
    del array
    gc.collect()
    assert alive() is not None
    runner.close()
    gc.collect()
    assert alive() is None


def test_a_provider_that_could_not_start_is_no_cpu_in_silence(session) -> None:
    session.providers = ["CPUExecutionProvider"]
    with pytest.raises(DeviceError, match="CUDA.* was asked for, but it could not start.*took CPU.*Install") as error:
        prepared(device=GPU)
    assert error.value.exit_code == 3
    assert session.fallback == 0


@pytest.mark.parametrize(
    ("provider", "parts", "message"),
    [
        ("cuda", {"cuda": ["Add"], "cpu": ["DynamicQuantizeLinear", "Gelu", "Gelu"]}, "CPU.* would run 2 Gelu, 1 Dynamic"),
        ("tensorrt", {"tensorrt": ["Gelu"], "cuda": ["Add"], "cpu": list("abcdef")}, "1 e and 1 further kinds, with copies"),
        ("tensorrt", {"cuda": ["Add"]}, "takes none of the model's operators, and CUDAExecutionProvider would"),
    ],
)
def test_nodes_of_other_providers_are_refused(session, provider, parts, message) -> None:
    session.parts = parts
    with pytest.raises(MeasurementError, match=message):
        prepared(device=GPU, provider=provider, tf32=True)


def test_tensorrts_leftovers_on_cuda_are_counted(session, monkeypatch) -> None:
    session.parts = {"tensorrt": ["MatMul", "Add"], "cuda": ["Gather"]}
    monkeypatch.setattr("hwcost.backends.ort_runner.OrtRunner", lambda *given: SimpleNamespace(facts=given[3], outputs=list))
    monkeypatch.setattr("hwcost.backends.reference.verify", lambda *given: 0.0)
    facts = prepared(device=GPU, provider="tensorrt", tf32=True).facts
    assert facts["nodes"] == {"TensorrtExecutionProvider": 2, "CUDAExecutionProvider": 1}
    assert facts["precision"] == "tf32"
    assert session.asked[NAMES["cuda"]] == {"device_id": "0", "use_tf32": "1"}
    monkeypatch.setattr("hwcost.backends.onnx_quantization.quantized", lambda export, *given, **how: export)
    facts = prepared(device=GPU, provider="tensorrt", tf32=True, quantization="qdq").facts
    assert (facts["precision"], facts["quantization"]["activations"]) == ("int8-qdq", "int8")
    assert session.asked[NAMES["tensorrt"]]["trt_int8_enable"] == "1"


def test_float32_is_no_tfloat32_in_silence(session, monkeypatch) -> None:
    monkeypatch.delenv("NVIDIA_TF32_OVERRIDE", raising=False)
    with pytest.raises(UsageError, match="NVIDIA_TF32_OVERRIDE=0"):
        prepared(device=GPU, provider="tensorrt")
    session.providers = ["CPUExecutionProvider"]
    with pytest.raises(DeviceError):
        prepared(device=GPU)
    assert session.asked[NAMES["cuda"]]["use_tf32"] == "0"


def test_libraries_in_python_packages_are_loaded_since_the_loader_does_not_find_them(session, monkeypatch) -> None:
    """What pip installs for CUDA lies in site-packages, and a process whose exports are kept never imports torch."""
    loaded: list[str] = []
    monkeypatch.setattr(onnxruntime, "preload_dlls", lambda: loaded.append("CUDA"))
    monkeypatch.setattr(ort_session, "import_module", loaded.append)
    session.providers = [NAMES["cpu"]]
    for provider in ("cuda", "tensorrt"):
        with pytest.raises(DeviceError):
            prepared(device=GPU, provider=provider, tf32=True)
    prepared()
    assert loaded == ["CUDA", "CUDA", "tensorrt"]
    monkeypatch.delattr(onnxruntime, "preload_dlls")
    with pytest.raises(DeviceError):
        prepared(device=GPU)
    assert loaded[3:] == ["torch"]


def test_tfloat32_that_the_environment_forbids_is_refused(session, monkeypatch) -> None:
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    for provider in ("cuda", "tensorrt"):
        with pytest.raises(UsageError, match="NVIDIA_TF32_OVERRIDE=0 turns it into float32"):
            prepared(device=GPU, provider=provider, tf32=True)
    assert prepared(tf32=True).facts["precision"] == "float32"


def test_a_process_that_has_lost_its_card_is_told_from_a_workload_that_failed(monkeypatch) -> None:
    made, says = backend("onnxruntime"), iter(["CUDA failure 700: an illegal memory access was encountered", "no such name"])

    def broken(*_: object) -> None:
        raise RuntimeError(next(says))

    monkeypatch.setattr(onnxruntime.OrtValue, "ortvalue_from_numpy", broken)
    made.check_alive(CPU)
    with pytest.raises(DeviceLostError, match="lost a100:0: CUDA failure 700: an illegal memory access"):
        made.check_alive(GPU)
    made.check_alive(GPU)


def test_sessions_are_held_as_far_as_the_gpus_memory_goes(session, monkeypatch) -> None:
    """Of 70 GiB that are free once the first session is there, 60 % are taken by three others of 13 GiB."""
    driver, drivers = FakeDriver(), []
    monkeypatch.setattr("hwcost.backends.cuda_driver._loaded", lambda: drivers.append(driver) or driver)
    monkeypatch.setattr("hwcost.backends.ort_runner.OrtRunner", lambda *given: SimpleNamespace(facts=given[3], outputs=list))
    monkeypatch.setattr("hwcost.backends.reference.verify", lambda *given: 0.0)
    for provider in ("cuda", "tensorrt"):
        session.parts = {provider: ["MatMul"]}
        made = backend("onnxruntime", options={"provider": provider, "tf32": True})
        assert made.free_bytes() is None
        memory, driver.free_bytes, held = DeviceMemory(made.free_bytes), 70 * GIB, 0
        while memory.has_room():
            made.prepare(small_workload(), GPU)
            driver.free_bytes -= 13 * GIB if held else 0
            memory.note()
            held += 1
        assert held == 4
    drivers.clear()
    made, session.parts = backend("onnxruntime"), {"cpu": ["MatMul"]}
    made.prepare(small_workload(), CPU)
    assert made.free_bytes() is None
    assert not drivers


def test_an_older_runtime_is_told_to_refuse_the_cpu_itself(monkeypatch) -> None:
    from hwcost.backends.ort_session import SessionSettings, _options

    kept = ("SessionOptions", "ExecutionMode", "GraphOptimizationLevel")
    older = SimpleNamespace(InferenceSession=object, **{name: getattr(onnxruntime, name) for name in kept})
    asked = _options(older, SessionSettings((NAMES["cuda"],)))
    assert asked.get_session_config_entry("session.disable_cpu_ep_fallback") == "1"


@pytest.mark.parametrize(("taken", "kind"), [("cpu", DeviceError), ("cuda", MeasurementError)])
def test_an_older_runtime_that_refuses_is_asked_whether_the_provider_started(session, monkeypatch, taken, kind) -> None:
    """It says the same where a library is missing and where the provider lacks an operator."""
    failures = onnxruntime.capi.onnxruntime_pybind11_state
    told = onnxruntime.InferenceSession

    class Refusing(told):
        def __init__(self, path, options, **given) -> None:
            if options.get_session_config_entry(ort_session.NO_FALLBACK) == "1":
                raise failures.Fail(f"[ONNXRuntimeError] : 1 : FAIL : nodes, but {ort_session.REFUSED} by the user.")
            super().__init__(path, options, **given)

    for one in told.__mro__:
        if "get_provider_graph_assignment_info" in vars(one):
            monkeypatch.delattr(one, "get_provider_graph_assignment_info")
    monkeypatch.setattr(onnxruntime, "InferenceSession", Refusing)
    session.providers = [NAMES[taken]]
    with pytest.raises(kind, match={"cpu": "could not start.*took CPU", "cuda": "would run some of its op"}[taken]):
        prepared(device=GPU)


def test_a_provider_of_another_kind_or_another_build_is_refused(monkeypatch) -> None:
    with pytest.raises(UsageError, match="provider 'cuda' runs on cuda devices, and 'cpu' is of kind cpu"):
        prepared(provider="cuda")
    monkeypatch.setattr(onnxruntime, "get_available_providers", lambda: [NAMES["cpu"]])
    with pytest.raises(UsageError, match=r"CUDAExecutionProvider is missing.*pip install 'hwcost\[gpu\]'"):
        prepared(device=GPU)


@pytest.mark.skipif(
    "CUDAExecutionProvider" not in onnxruntime.get_available_providers() or os.path.exists("/dev/nvidiactl"),
    reason="needs the GPU build of ONNX Runtime on a machine without a GPU",
)
@pytest.mark.parametrize("provider", ["cuda", "tensorrt"])
def test_the_real_gpu_build_is_caught_without_a_gpu(provider) -> None:
    with pytest.raises(DeviceError, match="was asked for, but it could not start"):
        prepared(device=GPU, provider=provider, tf32=True)


def test_fused_attention_computes_the_same() -> None:
    plain, fused = prepared(shares_weights=False), prepared(fusion=True)
    assert fused.facts["fusions"]["MultiHeadAttention"] == 1
    assert "fusions" not in plain.facts
    assert sum(fused.facts["nodes"].values()) < sum(plain.facts["nodes"].values())
    for one, other in zip(fused.outputs(), plain.outputs(), strict=True):
        assert np.abs(one - other).max() <= 1e-5 * np.abs(other).max()


@pytest.mark.parametrize(("scheme", "activations"), [("dynamic", "uint8"), ("qdq", "uint8")])
def test_integers_are_close_to_float32_and_on_record(scheme, activations, monkeypatch) -> None:
    runner = prepared(quantization=scheme)
    facts = runner.facts
    assert facts["precision"] == f"int8-{scheme}"
    assert facts["quantization"]["activations"] == activations
    assert facts["quantization"]["layers"] == 8, "four of the attention, two of the feed-forward, two bottlenecks"
    assert 1e-4 < facts["difference"] < 0.1
    monkeypatch.setattr(f"onnxruntime.quantization.quantize_{'dynamic' if scheme == 'dynamic' else 'static'}", None)
    assert prepared(quantization=scheme).facts["difference"] == facts["difference"]


def test_on_gpus_biases_stay_float32(tmp_path) -> None:
    """TensorRT's parser and CUDA take no DequantizeLinear of 32 bits, and ONNX Runtime makes one of every Gemm's bias."""
    shapes = {"x": [2, 8], "y": [2, 4]}
    ports = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name, shape in shapes.items()]
    draw = np.random.default_rng(0)
    numbers = {"weight": draw.normal(size=(4, 8)), "bias": draw.normal(size=4)}
    constants = [numpy_helper.from_array(array.astype(np.float32), name) for name, array in numbers.items()]
    node = helper.make_node("Gemm", ["x", "weight", "bias"], ["y"], name="pooler", transB=1)
    graph = helper.make_graph([node], "graph", ports[:1], ports[1:], constants)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    workload = OnnxWorkload.of(tmp_path / "a.onnx", batch_size=2)
    export = exported(workload)
    (plain,) = onnxruntime.InferenceSession(export.path, providers=[NAMES["cpu"]]).run(None, export.inputs)
    for symmetric in (True, False):
        made = quantized(export, workload, "qdq", symmetric)
        found = onnx.load(made.path).graph
        wide = {tensor.name for tensor in found.initializer if tensor.data_type == TensorProto.INT32}
        turned_back = [node.input[0] for node in found.node if node.op_type == "DequantizeLinear" and node.input[0] in wide]
        assert bool(turned_back) is not symmetric
        assert integer_layers(made) == 1
        (mine,) = onnxruntime.InferenceSession(made.path, providers=[NAMES["cpu"]]).run(None, export.inputs)
        assert np.abs(mine - plain).max() <= 0.1 * np.abs(plain).max()


def test_calibration_draws_other_inputs_than_those_that_are_timed() -> None:
    from hwcost.backends.onnx_quantization import SAMPLES, draws

    export = exported(small_workload())
    drawn = [inputs["hidden"] for inputs in draws(export, small_workload())]
    assert len(drawn) == SAMPLES
    assert all(not np.array_equal(one, export.inputs["hidden"]) for one in drawn)


def test_what_cannot_be_rewritten_says_so() -> None:
    norm = ComponentWorkload.of(SPACE, Component("layer_norm", (("hidden", 120),)), seq_len=4)
    with pytest.raises(MeasurementError, match="has no linear layer to quantise. Take quantization=none"):
        prepared(norm, quantization="qdq")
    with pytest.raises(MeasurementError, match="holds no attention that can be fused. Leave out"):
        prepared(norm, fusion=True)
    half = ComponentWorkload.of(SPACE, norm.part, seq_len=4, dtype="bfloat16")
    with pytest.raises(UsageError, match="not bfloat16"):
        prepared(half, quantization="qdq")


@pytest.fixture
def dynamic(tmp_path):
    """A file that adds nothing to rows of a table, of a length that it computes from the shape of its input."""
    ids = helper.make_tensor_value_info("ids", TensorProto.INT64, ["batch", "seq"])
    out = helper.make_tensor_value_info("out", TensorProto.FLOAT, None)
    constants = [numpy_helper.from_array(np.ones((9, 4), np.float32), "table"), numpy_helper.from_array(np.array([1]), "at")]
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["rows"]),
        helper.make_node("Shape", ["ids"], ["shape"]),
        helper.make_node("Gather", ["shape", "at"], ["length"]),
        helper.make_node("ConstantOfShape", ["length"], ["zeros"]),
        helper.make_node("ReduceSum", ["zeros"], ["nothing"]),
        helper.make_node("Add", ["rows", "nothing"], ["out"]),
    ]
    graph = helper.make_graph(nodes, "dynamic", [ids], [out], constants)
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
    return OnnxWorkload.of(tmp_path / "a.onnx", batch_size=2, seq_len=3)


def test_shapes_are_computed_beforehand_where_they_are_fixed(dynamic) -> None:
    plain = prepared(dynamic)
    assert "fixed_dimensions" not in plain.facts
    settings = ort_session.SessionSettings((NAMES["cpu"],), dimensions={"batch": 2, "seq": 3})
    (fixed,) = ort_session.nodes(ort_session.opened(exported(dynamic), settings)).values()
    assert "Shape" not in fixed
    assert fixed.total() < plain.facts["nodes"][NAMES["cpu"]]


def test_a_dynamic_file_is_fixed_at_its_shapes_on_a_gpu(dynamic, session, monkeypatch) -> None:
    """ONNX Runtime computes shapes on the CPU, which would be refused beside a GPU as a node that falls back."""
    monkeypatch.setattr("hwcost.backends.ort_runner.OrtRunner", lambda *given: SimpleNamespace(facts=given[3], outputs=list))
    monkeypatch.setattr("hwcost.backends.reference.verify", lambda *given: 0.0)
    session.parts = {"cuda": ["Gather", "Add"]}
    assert prepared(dynamic, GPU).facts["fixed_dimensions"] == {"batch": 2, "seq": 3}
