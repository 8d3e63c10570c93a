"""What the runner's runtimes refuse, and the precision that they compute in."""

from __future__ import annotations

import ctypes
import os
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwcost.agent import onnx_runtime, sweep, timer
from hwcost.agent.blocks import PassBlock
from hwcost.agent.errors import ContextLostError, DeviceError, MeasurementError, UsageError
from hwcost.elsewhere.events import Block

CPU, CUDA = SimpleNamespace(kind="cpu"), SimpleNamespace(kind="cuda")


@pytest.mark.parametrize(
    ("device", "options", "why"),
    [
        (CPU, {"provider": "cuda"}, "provider 'cuda' runs on cuda devices, and the job's is of kind cpu"),
        (CUDA, {"provider": "cpu"}, "provider 'cpu' runs on cpu devices, and the job's is of kind cuda"),
        (CPU, {"provider": "gpu"}, "'provider' of onnxruntime cannot be 'gpu'. Known: auto, cpu, cuda, tensorrt"),
        (CPU, {"optimization": "most"}, "'optimization' of onnxruntime cannot be 'most'. Known: none, basic"),
    ],
)
def test_options_that_would_measure_something_else_are_refused(device: Any, options: dict[str, str], why: str) -> None:
    with pytest.raises(UsageError, match=why):
        onnx_runtime.OnnxRuntime({"threads": 1, "backend_options": options, "pool_numbers": 0}, "", device)


def test_weights_that_were_cut_to_nothing_are_told(tmp_path: Path) -> None:
    (tmp_path / "weights.f32").touch()
    with pytest.raises(UsageError, match="weights.f32 is empty"):
        onnx_runtime.make_pool(str(tmp_path / "weights.f32"), str(tmp_path), 10)


def test_a_sweep_of_larger_caches_has_a_larger_buffer() -> None:
    for cache_bytes in (1 << 10, 1 << 20):
        assert sweep.empty_host_caches(cache_bytes)
        (buffer,) = sweep._kept.values()
        assert ctypes.sizeof(buffer) == sweep.SWEEP * cache_bytes


def test_products_of_float32_are_rounded_for_tfloat32_alone() -> None:
    from hwcost.agent.torch_runtime import set_precision

    def flags(value: bool) -> Any:
        return SimpleNamespace(allow_tf32=value)

    for before in (True, False):
        torch = SimpleNamespace(backends=SimpleNamespace(cuda=SimpleNamespace(matmul=flags(before)), cudnn=flags(before)))
        set_precision(torch, "float32")
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (False, False)
        set_precision(torch, "tfloat32")
        assert (torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32) == (True, True)
    set_precision(SimpleNamespace(backends=SimpleNamespace(cuda=SimpleNamespace(), cudnn=SimpleNamespace())), "float32")


def test_half_precision_is_filled_without_sums_that_torch_1_4_lacks_on_a_cpu(monkeypatch: pytest.MonkeyPatch) -> None:
    torch = pytest.importorskip("torch")
    from hwcost.agent.torch_runtime import TorchRuntime

    def add_(tensor: Any, *_: Any) -> None:
        raise RuntimeError(f"\"add_cpu/sub_cpu\" not implemented for '{tensor.dtype}'")

    monkeypatch.setattr(torch.Tensor, "add_", add_)
    numbers = torch.tensor([0.0201, -0.0302, 0.00103], dtype=torch.float16)
    runtime, norm = TorchRuntime.__new__(TorchRuntime), torch.nn.LayerNorm(5).to(torch.float16)
    runtime._torch, runtime._buffer, runtime._pools = torch, len(numbers), {"float16": numbers}
    runtime._fill(norm, [["scale", 1], ["vector", 0]], "float16")
    assert norm.bias.tolist() == numbers[[0, 1, 2, 0, 1]].tolist()
    assert norm.weight.tolist() == (1 + numbers[[1, 2, 0, 1, 2]]).tolist()


def test_a_card_that_waits_for_the_host_is_seen_by_its_launches() -> None:
    """Events alone would give out the host's time as the device's."""
    from hwcost.agent.torch_runtime import TorchRunner

    issued: list[int] = []

    class Event:
        def __init__(self, enable_timing: bool) -> None:
            assert enable_timing

        def record(self) -> None:
            issued.append(-1)

        def synchronize(self) -> None:
            pass

        def elapsed_time(self, last: Any) -> float:
            return 12.0

    runner = TorchRunner.__new__(TorchRunner)
    runner._cuda, runner._prepare, runner._issue = SimpleNamespace(Event=Event), list, issued.append  # type: ignore
    found = timer.time_block(runner.time_block, 4)
    assert issued == [-1, 1, 3, -1]
    assert (found.calls, found.device_s) == (4, 0.012)
    assert 0 < found.enqueue_s <= found.seconds
    Block.model_validate(PassBlock("0" * 64, 1, 1.0, found).to_dict())


@pytest.mark.torch
def test_tfloat32_that_the_environment_forbids_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from hwcost.agent.torch_runtime import TorchRuntime

    runtime = TorchRuntime.__new__(TorchRuntime)
    runtime._torch, runtime._kind = None, "cuda"
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    with pytest.raises(UsageError, match="NVIDIA_TF32_OVERRIDE=0 turns it into float32; unset it"):
        runtime.prepare({"net": {}, "dtype": "tfloat32", "name": "w"})


def card(capability: tuple[int, int], **cuda: Any) -> Any:
    """Returns a torch with one card, whose kernels are for those of compute capability 3.7 and 8.0."""
    found = {"is_available": lambda: True, "get_arch_list": lambda: ["sm_37", "sm_80"], **cuda}
    shown = SimpleNamespace(get_device_capability=lambda index: capability, **found)
    flags = SimpleNamespace(cuda=SimpleNamespace(matmul=SimpleNamespace(allow_tf32=True)))
    return SimpleNamespace(__version__="2.3.1", cuda=shown, backends=flags)


@pytest.mark.torch
@pytest.mark.parametrize(
    ("dtype", "capability", "why"),
    [
        ("tfloat32", (7, 5), r"tfloat32 was asked for, and comes with compute capability 8\.0: this card has 7\.5"),
        ("bfloat16", (3, 7), r"bfloat16 was asked for, and comes with compute capability 5\.3: this card has 3\.7"),
    ],
)
def test_a_format_that_a_card_does_not_multiply_in_is_refused(dtype: str, capability: tuple[int, int], why: str) -> None:
    from hwcost.agent.torch_runtime import check_format

    with pytest.raises(UsageError, match=why):
        check_format(card(capability), dtype)
    for fine in ("float32", "float16"):
        check_format(card(capability), fine)
    check_format(card((8, 0)), dtype)


@pytest.mark.torch
def test_tfloat32_is_refused_by_a_torch_that_does_not_have_it() -> None:
    from hwcost.agent.torch_runtime import check_format

    old = card((8, 0))
    old.backends.cuda = SimpleNamespace()
    with pytest.raises(UsageError, match="torch 2.3.1 does not have it"):
        check_format(old, "tfloat32")


@pytest.mark.torch
def test_a_card_that_torch_cannot_use_is_absent_with_the_reason() -> None:
    from hwcost.agent.torch_runtime import check_card

    def init() -> None:
        raise RuntimeError("The NVIDIA driver on your system is too old (found version 11040).\nmore")

    check_card(card((3, 7)))
    with pytest.raises(DeviceError, match=r"sees no CUDA device: The NVIDIA driver .* \(found version 11040\)\.$") as told:
        check_card(card((3, 7), is_available=lambda: False, init=init))
    assert told.value.exit_code == 3
    with pytest.raises(DeviceError, match=r"none for a card of compute capability 5\.2"):
        check_card(card((5, 2)))


def test_a_process_that_has_lost_its_card_says_so() -> None:
    from hwcost.agent.torch_runtime import TorchRuntime

    def synchronize() -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    runtime = TorchRuntime.__new__(TorchRuntime)
    runtime._torch, runtime._kind = SimpleNamespace(cuda=SimpleNamespace(synchronize=synchronize)), "cuda"
    with pytest.raises(ContextLostError, match="lost its card: CUDA error: an illegal memory access was encountered$"):
        runtime.check_alive()
    runtime._kind = "cpu"
    runtime.check_alive()


def test_float32_on_a_card_is_float32_whatever_the_environment_says(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("onnxruntime")
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "1")
    with pytest.raises(UsageError, match="this ONNX Runtime has no CUDAExecutionProvider"):
        onnx_runtime.OnnxRuntime({"threads": 1, "backend_options": {}, "pool_numbers": 0}, "", CUDA)
    assert os.environ["NVIDIA_TF32_OVERRIDE"] == "0"


@pytest.mark.parametrize(
    ("taken", "kind", "why"),
    [
        ("CPUExecutionProvider", DeviceError, "could not start: CPUExecutionProvider would run instead. Install its CUDA"),
        ("", DeviceError, "could not start: CUDA failure 35: CUDA driver version is insufficient. Install its CUDA"),
        ("CUDAExecutionProvider", MeasurementError, "the CPU would run a part of the model"),
    ],
)
def test_a_provider_without_its_libraries_is_no_unsupported_model(taken: str, kind: type[Exception], why: str) -> None:
    """ONNX Runtime says the same of both."""
    asked: dict[str, str] = {}

    def session(path: str, settings: Any, providers: list[str], enable_fallback: int) -> Any:
        if not taken:
            raise RuntimeError("CUDA failure 35: CUDA driver version is insufficient.\nmore")
        if asked.get(onnx_runtime.NO_FALLBACK) == "1":
            raise Exception(f"[ONNXRuntimeError] : 1 : FAIL : nodes, but {onnx_runtime.REFUSED} by the user.")
        return SimpleNamespace(get_providers=lambda: [taken])

    settings = SimpleNamespace(add_session_config_entry=asked.__setitem__)
    settings.add_session_config_entry(onnx_runtime.NO_FALLBACK, "1")
    with pytest.raises(kind, match=why):
        onnx_runtime.opened(SimpleNamespace(InferenceSession=session), "model.onnx", settings, "CUDAExecutionProvider")


def test_libraries_in_python_packages_are_loaded(monkeypatch: pytest.MonkeyPatch) -> None:
    loaded: list[str] = []

    def imported(name: str) -> None:
        loaded.append(name)
        raise ImportError(name)

    monkeypatch.setattr(onnx_runtime.importlib, "import_module", imported)
    onnx_runtime.load_libraries(SimpleNamespace(preload_dlls=lambda: loaded.append("CUDA")), "CUDAExecutionProvider")
    onnx_runtime.load_libraries(SimpleNamespace(), "TensorrtExecutionProvider")
    assert loaded == ["CUDA", "torch", "tensorrt"]


def test_nodes_on_the_cpu_are_found_where_onnx_runtime_cannot_be_told_to_refuse_them(tmp_path: Path) -> None:
    """Its profiler tells them; releases for a K80 are all before 1.16."""
    onnxruntime, onnx = pytest.importorskip("onnxruntime"), pytest.importorskip("onnx")
    assert onnx_runtime.release(SimpleNamespace(__version__="1.15.1")) < onnx_runtime.REFUSING
    assert onnx_runtime.release(onnxruntime) >= onnx_runtime.REFUSING
    ports = [onnx.helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [2]) for name in ("x", "y")]
    graph = onnx.helper.make_graph([onnx.helper.make_node("Exp", ["x"], ["y"])], "graph", ports[:1], ports[1:])
    model = onnx.helper.make_model(graph, opset_imports=[onnx.helper.make_opsetid("", 17)], ir_version=8)
    onnx.save(model, tmp_path / "a.onnx")
    settings, given = onnxruntime.SessionOptions(), {"x": np.zeros(2, np.float32)}
    path, cpu = str(tmp_path / "a.onnx"), "CPUExecutionProvider"
    onnx_runtime.check_nodes(onnxruntime, path, settings, cpu, given)
    assert not settings.enable_profiling
    with pytest.raises(MeasurementError, match="CUDAExecutionProvider was asked for, but another provider would run: Exp"):
        onnx_runtime.check_nodes(onnxruntime, path, settings, "CUDAExecutionProvider", given)
    assert [one.name for one in tmp_path.iterdir()] == ["a.onnx"]
