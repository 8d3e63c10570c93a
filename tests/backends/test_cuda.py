"""Timing on a GPU: what its events, its graphs, its gate and its flushed cache give, on a stream of a virtual clock."""

from __future__ import annotations

import functools
import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

pytest.importorskip("torch")

import torch

from hwcost.backends import Runner, backend, precision, torch_place
from hwcost.backends.base import BlockTiming
from hwcost.backends.torch_runner import torch_facts
from hwcost.devices import DetectedDevice, DeviceHandle, Match, load
from hwcost.errors import DeviceError, DeviceLostError, MeasurementError, UsageError
from hwcost.spaces import Component, space
from hwcost.testing.backends import BackendSuite, small_workload
from hwcost.testing.fake_cuda import FakeCuda
from hwcost.workloads import ComponentWorkload, ModelWorkload, Workload

CARD = DeviceHandle(load("h100"), 1, "GPU-0")
KERNELS = 10
"""Parts without parts of the small workload."""


def prepared(cuda: FakeCuda, name: str = "torch", workload: Workload | None = None, **options: Any) -> Runner:
    runner = backend(name, options=options).prepare(workload or small_workload(), CARD)
    runner.clock, runner.clock_step_s = cuda, 1e-9
    runner.time_block(1)
    return runner


def kernels(cuda: FakeCuda, runner: Runner) -> int:
    before = cuda.launches
    runner.run(1)
    return cuda.launches - before


def test_a_busy_gpu_is_timed_by_events_and_the_host_from_enqueue_to_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=5e-6, kernel_s=50e-6).install(monkeypatch)
    runner = prepared(cuda)
    n = kernels(cuda, runner)
    found = runner.time_block(20)
    assert found.device_s == pytest.approx(20 * n * 50e-6, rel=0.01)
    assert found.host_s == pytest.approx(20 * n * 50e-6, rel=0.01)
    assert found.enqueue_s == pytest.approx(n * 5e-6)
    assert runner.facts["timing"] == {"device_s": "events", "gated_calls": 0}


def test_a_gpu_that_waits_for_the_host_is_timed_behind_a_gate(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=20e-6, kernel_s=3e-6).install(monkeypatch)
    runner = prepared(cuda)
    n = kernels(cuda, runner)
    found = runner.time_block(20)
    assert found.host_s == pytest.approx(20 * n * 20e-6, rel=0.01)
    assert found.device_s == pytest.approx(20 * n * 3e-6)
    assert runner.facts["timing"] == {"device_s": "gated events", "gated_calls": 8}


def test_without_a_compiler_events_alone_time_it_and_the_record_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=20e-6, kernel_s=3e-6, has_compiler=False).install(monkeypatch)
    runner = prepared(cuda)
    found = runner.time_block(20)
    assert found.device_s == pytest.approx(found.host_s, rel=0.01)
    assert runner.facts["timing"]["device_s"] == "events"
    assert "cannot compile CUDA source" in runner.facts["timing"]["without_gate"]


def test_a_gate_behind_which_too_much_waits_gives_up_and_fewer_calls_are_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=20e-6, kernel_s=3e-6).install(monkeypatch)
    deep = ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 120),)), seq_len=8, depth=16)
    runner = prepared(cuda, workload=deep)
    n = kernels(cuda, runner)
    found = runner.time_block(4)
    assert 1024 / 8 < n < 1024
    assert runner.facts["timing"]["gated_calls"] == {True: 4, False: 2}[4 * n < 1024]
    assert found.device_s == pytest.approx(4 * n * 3e-6)


def test_a_graph_is_one_launch_and_the_same_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=20e-6, kernel_s=3e-6).install(monkeypatch)
    eager = prepared(cuda)
    n = kernels(cuda, eager)
    mini = space("supershaper", scale="mini")
    model = ModelWorkload.of(mini, mini.sample(1, seed=0)[0], seq_len=8)
    runner = prepared(cuda, "torch-cudagraph", model)
    assert kernels(cuda, runner) == 1
    assert runner.facts["executed"] == "graph"
    assert runner.facts["input_copies"] == 1
    assert runner.facts["difference"] == 0.0
    assert json.loads(json.dumps(runner.facts)) == runner.facts
    graph = prepared(cuda, "torch-cudagraph", copies=1)
    found = graph.time_block(50)
    assert found.device_s == pytest.approx(50 * n * 3e-6, rel=0.02)
    assert found.enqueue_s == pytest.approx(20e-6)
    for mine, theirs in zip(graph.outputs(), eager.outputs(), strict=True):
        np.testing.assert_array_equal(mine, theirs)


def test_calls_of_a_component_take_copies_of_its_inputs_in_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(l2_bytes=50 * 1024**2).install(monkeypatch)
    runner = prepared(cuda, "torch-cudagraph")
    assert runner.facts["input_copies"] == 10
    before = cuda.launches
    runner.run(23)
    assert cuda.launches - before == 2 + 3
    small_cache = prepared(FakeCuda(l2_bytes=1).install(monkeypatch), "torch-cudagraph")
    assert small_cache.facts["input_copies"] == 1


def test_what_cannot_be_captured_is_refused_or_runs_eagerly_where_that_was_asked_for(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda(captures=False).install(monkeypatch)
    with pytest.raises(MeasurementError, match=r"cannot be captured into a CUDA graph: .*capturing.*fallback=true"):
        prepared(cuda, "torch-cudagraph")
    runner = prepared(cuda, "torch-cudagraph", fallback=True)
    assert runner.facts["executed"] == "eager"
    assert "capturing" in runner.facts["not_captured"]
    with pytest.raises(UsageError, match="runs on cuda, not on a device of kind cpu"):
        backend("torch-cudagraph").prepare(small_workload(), DeviceHandle(load("xeon")))


def test_a_cold_call_finds_a_cache_of_exactly_its_size_overwritten(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(launch_s=20e-6, kernel_s=3e-6, l2_bytes=12345).install(monkeypatch)
    runner = prepared(cuda)
    runner.time_block(1)
    assert cuda.flushed == []
    assert runner.empty_caches(999)
    found = runner.time_block(1)
    assert cuda.flushed == [12345, 12345]  # once more for the call behind the gate
    assert isinstance(found, BlockTiming)
    runner.time_block(1)
    assert len(cuda.flushed) == 2


@pytest.mark.parametrize(("dtype", "reduced"), [("float32", False), ("tfloat32", True), ("bfloat16", False)])
def test_precision_is_set_recorded_and_put_back(dtype: str, reduced: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCuda().install(monkeypatch)
    for before in (True, False):  # torch's own default comes last
        torch.backends.cuda.matmul.allow_tf32 = before
        with precision.precision(dtype):
            seen = precision.flags()
        assert (seen["allow_tf32"], seen["cudnn_allow_tf32"]) == (reduced, reduced)
        assert torch.backends.cuda.matmul.allow_tf32 == before
        assert torch.backends.cudnn.allow_tf32
    workload = ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 120),)), seq_len=8, dtype=dtype)
    built = workload.built()
    assert built.dtype() == dtype.removeprefix("t")
    on_card = built.with_tensors(lambda one: _OnCard(one))  # type: ignore[arg-type,return-value]
    facts = torch_facts(on_card, dtype)
    assert (facts["precision"], facts["matmul"]["allow_tf32"]) == (dtype, reduced)
    assert (facts["device"], facts["device_uuid"]) == ("Fake GPU 0", "GPU-0")
    assert "cudnn" in facts["attention_kernels"]


@pytest.mark.skipif(not hasattr(torch.backends.cuda.matmul, "fp32_precision"), reason="torch 2.9 brought these flags")
@pytest.mark.parametrize("kind", ["cuda.matmul=tf32", "cudnn.conv=ieee", "=tf32"])
def test_precision_holds_whichever_of_torchs_flags_a_users_module_has_set(kind: str) -> None:
    """torch refuses to read allow_tf32 where fp32_precision alone was set."""
    path, _, value = kind.partition("=")
    owner: Any = functools.reduce(getattr, filter(None, path.split(".")), torch.backends)
    before = owner.fp32_precision
    owner.fp32_precision = value
    try:
        for dtype, reduced in (("float32", False), ("tfloat32", True)):
            with precision.precision(dtype):
                seen = precision.flags()
                effective = torch.backends.cuda.matmul.fp32_precision, torch.backends.cudnn.conv.fp32_precision
            assert (seen["allow_tf32"], seen["cudnn_allow_tf32"]) == (reduced, reduced)
            assert [one == "tf32" for one in effective] == [reduced, reduced]
            assert owner.fp32_precision == value
    finally:
        owner.fp32_precision = before
        torch.backends.cuda.matmul.allow_tf32, torch.backends.cudnn.allow_tf32 = False, True


def test_tfloat32_is_refused_where_it_would_be_float32(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCuda().install(monkeypatch)
    reduced = ComponentWorkload.of(space("supershaper"), small_workload().part, seq_len=8, dtype="tfloat32")
    with pytest.raises(UsageError, match=r"comes with compute capability 8\.0: a GPU of 3\.7 computes in float32"):
        backend("torch").prepare(reduced, DeviceHandle(load("k80")))
    backend("torch").prepare(reduced, CARD).close()
    own = DeviceHandle(replace(load("h100"), name="mine", match=Match(("RTX 2080",))), 0, "GPU-0")
    turing = DetectedDevice("cuda", "nvidia", "NVIDIA GeForce RTX 2080", 0, "GPU-0", compute_capability="7.5")
    monkeypatch.setattr("hwcost.devices.detect.present", lambda: [turing])
    with pytest.raises(UsageError, match=r"a GPU of 7\.5 computes in float32"):  # whose profile does not say so
        backend("torch").prepare(reduced, own)
    monkeypatch.setenv("NVIDIA_TF32_OVERRIDE", "0")
    with pytest.raises(UsageError, match="NVIDIA_TF32_OVERRIDE=0 turns it into float32. Unset it, or take float32"):
        backend("torch").prepare(reduced, CARD)


class _OnCard(torch.Tensor):
    """A tensor that says that it lies on a GPU."""

    @property
    def device(self) -> torch.device:  # type: ignore[override]
        return torch.device("cuda", 0)


@pytest.mark.parametrize("dtype", ["tfloat32", "float16"])
def test_a_cpu_has_no_precision_of_gpus(dtype: str) -> None:
    work = ComponentWorkload.of(space("supershaper"), Component("layer", (("hidden", 120),)), seq_len=8, dtype=dtype)
    with pytest.raises(UsageError, match=f"{dtype} is for GPUs"):
        backend("torch").prepare(work, DeviceHandle(load("xeon")))


def test_of_two_cards_the_one_that_was_asked_for_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    cuda = FakeCuda(uuids=("a", "b"))
    h100 = load("h100")
    assert torch_place.cuda_index(cuda, DeviceHandle(h100, 0, "GPU-b")) == 1  # CUDA counts otherwise than the bus
    assert torch_place.cuda_index(cuda, DetectedDevice("cuda", "nvidia", "H100", 1, "GPU-a")) == 0
    for other in ("GPU-c", None):
        with pytest.raises(MeasurementError, match="torch sees the GPUs GPU-a, GPU-b, and .* was to be measured"):
            torch_place.cuda_index(cuda, DeviceHandle(h100, 1, other))
    part, alone = DeviceHandle(h100, 2, "MIG-x"), FakeCuda(uuids=("a",))
    with pytest.raises(MeasurementError, match="was to be measured"):
        torch_place.cuda_index(alone, part)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "MIG-x")
    assert torch_place.cuda_index(alone, part) == 0


@pytest.mark.parametrize(
    ("built", "capability", "runs"),
    [
        (["sm_50", "sm_60", "sm_90"], (3, 7), False),
        (["sm_37", "sm_50"], (3, 7), True),
        (["sm_75", "sm_80", "sm_90", "sm_120"], (8, 9), True),  # within a generation
        (["sm_75", "sm_90a"], (8, 9), False),
        (["sm_70", "compute_70"], (8, 6), True),  # translated by the driver
        (["sm_80", "compute_90"], (7, 5), False),
        ([], (3, 7), True),
    ],
)
def test_a_card_that_torch_has_no_kernels_for_is_refused_at_once(
    built: list[str], capability: tuple[int, int], runs: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    from hwcost.agent import errors, torch_runtime

    cuda = FakeCuda().install(monkeypatch)
    monkeypatch.setattr(cuda, "get_arch_list", lambda: built)
    monkeypatch.setattr(cuda, "get_device_capability", lambda index: capability)
    k80 = DeviceHandle(load("k80"), 0, "GPU-0")
    if runs:
        torch_place.torch_device(k80)
        torch_runtime.check_kernels(built, capability)
        return
    with pytest.raises(DeviceError, match=r"none for a GPU of compute capability \d\.\d\. Its last framework is torch"):
        torch_place.torch_device(k80)
    with pytest.raises(errors.DeviceError, match=f"none for a card of compute capability {capability[0]}.{capability[1]}"):
        torch_runtime.check_kernels(built, capability)


@pytest.mark.parametrize(("mode", "calls", "facts"), [("reduce-overhead", 3, {"graphs_left_out": 1}), ("default", 1, {})])
def test_compiled_modules_are_captured_before_they_are_timed_and_graphs_left_out_are_counted(
    mode: str, calls: int, facts: dict[str, int], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Inductor captures at the second call, and launches kernel by kernel where it cannot, with a line in its log."""
    from torch._dynamo.utils import counters

    made: list[int] = []

    def compiled(module: Any, **how: Any) -> Any:
        assert how["mode"] == mode

        def call(*args: Any, **kwargs: Any) -> Any:
            counters["inductor"]["cudagraph_skips"] += not made
            made.append(1)
            return module.forward(*args, **kwargs)

        return call

    FakeCuda().install(monkeypatch)
    monkeypatch.setattr(torch, "compile", compiled)
    runner = backend("torch-compile", options={"mode": mode}).prepare(small_workload(), CARD)
    assert len(made) == calls
    assert {name: runner.facts[name] for name in facts} == facts
    assert ("graphs_left_out" in runner.facts) is bool(facts)
    runner.close()


def test_a_gpu_that_is_too_old_for_the_compiler_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    from torch._inductor.exc import GPUTooOldForTriton

    def call(*args: Any) -> None:
        shown = type("Properties", (), {"name": "NVIDIA GeForce GTX 1080 Ti", "major": 6, "minor": 1})
        raise GPUTooOldForTriton(shown, None)

    FakeCuda().install(monkeypatch)
    monkeypatch.setattr(torch, "compile", lambda module, **how: call)
    with pytest.raises(MeasurementError, match="torch.compile cannot compile '.*': Found NVIDIA GeForce GTX 1080 Ti .*Try"):
        backend("torch-compile").prepare(small_workload(), CARD)


def test_a_driver_that_is_too_old_is_named_as_the_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    FakeCuda(uuids=()).install(monkeypatch)
    wanted = r"sees no CUDA device, so it cannot run on 'h100': The NVIDIA driver .* \(found version 12060\).*nvidia-smi"
    with pytest.raises(DeviceError, match=wanted) as told:
        torch_place.torch_device(CARD)
    assert told.value.exit_code == 3
    assert "\n" not in str(told.value)


def test_a_context_that_is_lost_ends_the_process_and_not_one_workload_after_the_other(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    cuda = FakeCuda().install(monkeypatch)
    made = backend("torch")
    made.check_alive(CARD)

    def broken(device: int = 0) -> None:
        raise RuntimeError("CUDA error: an illegal memory access was encountered\nmore")

    monkeypatch.setattr(cuda, "synchronize", broken)
    with pytest.raises(DeviceLostError, match=r"lost h100:1 \(GPU-0\): CUDA error: an illegal memory access"):
        made.check_alive(CARD)
    made.check_alive(DeviceHandle(load("xeon")))


class OnFakeCard(BackendSuite):
    """The promises of a backend, on a GPU that is not here."""

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _card(cls) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            FakeCuda().install(patch)
            yield

    @pytest.fixture(scope="class")
    @classmethod
    def handle(cls) -> DeviceHandle:
        return CARD


class TestTorchOnACard(OnFakeCard):
    name = "torch"


class TestTorchCudaGraph(OnFakeCard):
    name = "torch-cudagraph"
