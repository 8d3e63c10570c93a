# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""TensorRT without TensorRT and without a GPU: a stand-in runs the engines, and fails where it is told to."""

from __future__ import annotations

import itertools
import sys
from collections import Counter

import numpy as np
import pytest

for module in ("torch", "onnx", "onnxscript", "onnxruntime"):
    pytest.importorskip(module)

from hwcost.agent.errors import is_out_of_memory
from hwcost.backends import backend
from hwcost.devices import DeviceHandle, load
from hwcost.errors import DataError, DeviceError, DeviceLostError, MeasurementError, MissingExtraError, UsageError
from hwcost.spaces import space
from hwcost.testing.backends import BackendSuite, small_workload
from hwcost.testing.fake_cuda import FakeCuda
from hwcost.workloads import ComponentWorkload, OnnxWorkload
from tests.backends.fake_tensorrt import DEVICE_S, LAYER_MS, FakeGpu, FakeTensorrt

GPU = DeviceHandle(load("a100"))
SPACE = space("supershaper")
HALF = ComponentWorkload.of(SPACE, small_workload().part, seq_len=8, dtype="float16")


def inject(patch, tmp_path, *faults):
    trt = FakeTensorrt(*faults)
    patch.setitem(sys.modules, "tensorrt", trt)
    patch.setattr("hwcost.backends.tensorrt.gpu.TorchGpu", FakeGpu)
    patch.setattr("hwcost.backends.tensorrt.engine_cache.cache_dir", lambda kind: tmp_path)
    return trt


@pytest.fixture
def trt(monkeypatch, tmp_path):
    return inject(monkeypatch, tmp_path)


def prepared(workload=None, **options):
    return backend("tensorrt", options=options).prepare(workload or small_workload(), GPU)


def onnx_file(path, operator, shape):
    from onnx import TensorProto, helper, save

    port = [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape) for name in ("x", "y")]
    graph = helper.make_graph([helper.make_node(operator, ["x"], ["y"], name="node")], "graph", port[:1], port[1:])
    save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), path)
    return path


class TestTensorRT(BackendSuite):
    name = "tensorrt"
    computes = False  # eager torch has no such device here: the outputs are compared when it is prepared

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _injected(cls, tmp_path_factory):
        with pytest.MonkeyPatch.context() as patch:
            inject(patch, tmp_path_factory.mktemp("engines"))
            yield

    @pytest.fixture(scope="class")
    @classmethod
    def handle(cls):
        return GPU


def test_what_runs_is_a_cuda_graph_of_the_model_and_the_record_says_so(trt) -> None:
    runner = prepared()
    facts = runner.facts
    assert (facts["executed"], facts["cuda_graph"], facts["precision"]) == (True, True, "float32")
    assert facts["engine"]["gpu"] == "Fake GPU sm90"
    assert 0 < facts["difference"] < 1e-5
    assert trt.configs[0].flags == set()
    ticks = itertools.count(step=1000)
    runner.clock = lambda: next(ticks)
    launches = runner._gpu.launches
    found = runner.time_block(3)
    assert (found.device_s, found.enqueue_s, found.host_s) == pytest.approx((DEVICE_S, 1e-6, 2e-6))
    assert runner._gpu.launches == launches + 3
    assert runner.empty_caches(10)
    assert runner._gpu.swept == 10


def test_each_precision_is_that_of_the_file(trt) -> None:
    facts = prepared(HALF).facts
    assert facts["precision"] == "float16"
    assert 1e-5 < facts["difference"] < 5e-2
    assert prepared(tf32=True).facts["precision"] == "tf32"
    assert trt.configs[-1].flags == {trt.BuilderFlag.TF32}
    facts = prepared(quantization="qdq").facts
    assert facts["precision"] == "int8-qdq"
    assert facts["quantization"]["activations"] == "int8"
    with pytest.raises(UsageError, match="starts from float32"):
        prepared(HALF, quantization="qdq")


def test_an_engine_is_kept_by_model_settings_version_and_gpu(trt, monkeypatch) -> None:
    first, again = prepared().facts["engine"], prepared().facts["engine"]
    assert (first["from_cache"], again["from_cache"], trt.builds) == (False, True, 1)
    assert again == {**first, "from_cache": True}
    others = [prepared(**{name: value}) for name, value in {"optimization": 5, "tf32": True}.items()]
    others.append(prepared(HALF))
    trt.__version__ = "10.14.0"
    others.append(prepared())
    monkeypatch.setattr(FakeGpu, "identity", "Other GPU sm80")
    others.append(prepared())
    keys = {first["key"], *(one.facts["engine"]["key"] for one in others)}
    assert len(keys) == trt.builds == 6


def test_a_kept_engine_that_is_not_taken_is_built_anew(trt, tmp_path) -> None:
    prepared()
    (path,) = tmp_path.iterdir()
    path.write_bytes(b"broken")
    assert prepared().facts["engine"]["from_cache"] is False
    assert not path.read_bytes().startswith(b"broken")
    assert [file.name for file in tmp_path.iterdir()] == [path.name]


def test_layers_are_timed_and_priced_by_component(trt) -> None:
    workload = ComponentWorkload.of(SPACE, small_workload().part, seq_len=8, depth=2)
    facts = prepared(workload, profile=True).facts
    profile, found = facts["profile"], facts["profile"]["components_s"]
    assert trt.configs[0].profiling_verbosity is trt.ProfilingVerbosity.DETAILED
    expected = Counter(".".join(layer["module"].split(".")[:2]) for layer in profile["layers"])
    assert expected["parts.0"] == expected["parts.1"] > 20
    assert found["parts.0"] == found["parts.1"] == pytest.approx(expected["parts.0"] * LAYER_MS * 1e-3)
    assert sum(layer["seconds"] for layer in profile["layers"]) == pytest.approx(sum(found.values()))


def test_a_layer_across_components_counts_for_neither() -> None:
    from hwcost.backends.tensorrt.profile import LayerTime, _module, component_seconds

    inside = _module(["bert.layers.0.attention.query/a", "bert.layers.0.attention/b"])
    assert inside == "bert.layers.0.attention"
    across = _module(["bert.layers.0/a", "bert.layers.1/b"])
    modules = {inside: 1.0, across: 2.0, "": 4.0, "bert.embeddings.word": 8.0, "bert.layers.1": 16.0, "head": 32.0}
    found = component_seconds(LayerTime("any", module, seconds) for module, seconds in modules.items())
    assert found == {
        "bert.layers.0": 1.0, "several components": 6.0, "bert.embeddings": 8.0, "bert.layers.1": 16.0, "head": 32.0,
    }  # fmt: skip


def test_dynamic_dimensions_are_fixed(trt, tmp_path) -> None:
    workload = OnnxWorkload.of(onnx_file(tmp_path / "a.onnx", "Exp", ["batch", "seq"]), batch_size=2, seq_len=3)
    with pytest.raises(MeasurementError, match="shape that depends on values"):
        prepared(workload)
    assert trt.configs[0].profiles == [{"x": ((2, 3),) * 3}]


def test_what_cannot_be_parsed_names_the_node(trt, tmp_path) -> None:
    workload = OnnxWorkload.of(onnx_file(tmp_path / "a.onnx", "NoSuch", [2]), batch_size=2)
    with pytest.raises(DataError, match=r"cannot parse 'a.onnx@2': NoSuch 'node': Plugin not found\. Take --backend"):
        prepared(workload)


@pytest.mark.parametrize(
    ("fault", "message", "is_memory"),
    [
        ("build", "cannot build an engine of .*: no implementation for node MatMul. Take --backend", False),
        ("build memory", "cannot build an engine of .*out of memory", True),
        ("load memory", "cannot load an engine of .*out of memory", True),
        ("context memory", "cannot make a context for the engine of .*could not be allocated", True),
        ("run", "cannot run an engine of .*enqueue failed", False),
    ],
)
def test_failures_give_tensorrts_own_reason(monkeypatch, tmp_path, fault, message, is_memory) -> None:
    inject(monkeypatch, tmp_path, fault)
    with pytest.raises(MeasurementError, match=message) as error:
        prepared()
    assert is_out_of_memory(error.value.__cause__ or error.value) is is_memory


def test_a_call_that_cannot_be_recorded_says_so(trt, monkeypatch) -> None:
    monkeypatch.setattr(FakeGpu, "captured", lambda self, call: (_ for _ in ()).throw(RuntimeError("stream is capturing")))
    with pytest.raises(MeasurementError, match="cannot be recorded as a CUDA graph: stream is capturing.*cuda_graph=false"):
        prepared()
    assert prepared(cuda_graph=False).facts["cuda_graph"] is False


def test_a_cuda_that_does_not_start_is_an_absent_device(monkeypatch, tmp_path) -> None:
    inject(monkeypatch, tmp_path, "start")
    with pytest.raises(DeviceError, match=r"TensorRT cannot start: CUDA initialization failure with error: 35.*nvidia-smi"):
        prepared()
    with pytest.raises(UsageError, match="cannot build for sm80"):
        backend("tensorrt").built(small_workload(), "sm80")


def test_what_lies_on_the_host_is_refused(monkeypatch, tmp_path) -> None:
    """An address of the GPU there would end the process."""
    inject(monkeypatch, tmp_path, "shape")
    with pytest.raises(MeasurementError, match="as a shape, which it reads and writes on the host. Take --backend onnxr"):
        prepared()


def test_engines_are_held_as_far_as_the_gpus_memory_goes(trt, monkeypatch) -> None:
    cuda = FakeCuda()
    monkeypatch.setattr("hwcost.backends.torch_place.cuda", lambda: cuda)
    made = backend("tensorrt")
    assert made.free_bytes() == 80 * 2**30
    made.check_alive(GPU)

    def broken(device=0) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered")

    monkeypatch.setattr(cuda, "synchronize", broken)
    with pytest.raises(DeviceLostError, match="lost a100:0: CUDA error: an illegal memory access"):
        made.check_alive(GPU)


def test_memory_that_torch_keeps_is_given_back_since_tensorrt_cannot_take_it(trt) -> None:
    runner = prepared()
    gpu = runner._gpu
    assert gpu.released == 0
    runner.close()
    assert gpu.released == 1


def test_tfloat32_is_not_float32_under_another_name(trt, monkeypatch) -> None:
    with pytest.raises(UsageError, match=r"comes with compute capability 8\.0: a GPU of 7\.5 computes in float32"):
        backend("tensorrt", options={"tf32": True}).prepare(small_workload(), DeviceHandle(load("t4")))
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    with pytest.raises(UsageError, match="NVIDIA_TF32_OVERRIDE=0 turns it into float32. Unset it"):
        prepared(tf32=True)
    assert prepared().facts["precision"] == "float32"


def test_tensorrt_itself_builds_for_no_other_gpu(trt) -> None:
    with pytest.raises(UsageError, match="cannot build for sm80. Only TensorRT-RTX builds for a GPU that is not here"):
        backend("tensorrt").built(small_workload(), "sm80")


def test_what_is_absent_gives_its_reason_and_remedy(monkeypatch) -> None:
    monkeypatch.setattr("hwcost.backends.tensorrt.package.find_spec", lambda name: None)
    with pytest.raises(MissingExtraError, match=r"neither tensorrt nor tensorrt-rtx is installed.*hwcost\[tensorrt\]"):
        backend("tensorrt")


def test_a_release_without_strongly_typed_networks_is_refused(trt, monkeypatch) -> None:
    monkeypatch.setattr(trt, "__version__", "8.6.1")
    monkeypatch.setattr(trt, "NetworkDefinitionCreationFlag", type("Flag", (), {"EXPLICIT_BATCH": 0}))
    with pytest.raises(DeviceError, match=r"tensorrt 8.6.1 builds no strongly typed networks.*hwcost\[tensorrt\]") as error:
        prepared()
    assert error.value.exit_code == 3


def test_without_a_gpu_it_says_what_to_do(monkeypatch) -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    monkeypatch.setitem(sys.modules, "tensorrt", FakeTensorrt())
    with pytest.raises(DeviceError, match="sees no CUDA device.*build of torch with CUDA") as error:
        prepared()
    assert error.value.exit_code == 3
    with pytest.raises(UsageError, match="runs on cuda, not on a device of kind cpu"):
        backend("tensorrt").prepare(small_workload(), DeviceHandle(load("cpu")))


def test_outputs_are_float32(trt) -> None:
    assert all(one.dtype == np.float32 for one in prepared().outputs())
