"""What the runner's runtimes refuse, and the precision that they compute in."""

from __future__ import annotations

import ctypes
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from hwcost.agent import onnx_runtime, sweep
from hwcost.agent.errors import UsageError

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
