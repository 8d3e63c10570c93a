"""Running out of memory is told from other failures, and the message helps."""

from __future__ import annotations

import pytest

from hwcost.agent.errors import is_out_of_memory
from hwcost.errors import MeasurementError
from hwcost.timing.execution.failure import out_of_memory
from hwcost.workloads import FactoryWorkload, ModelWorkload

TPU = "RESOURCE_EXHAUSTED: Attempting to reserve 10.51G at the bottom of memory. That was not possible. There are 8.97G free"
TORCH = "[enforce fail at alloc_cpu.cpp:124] err == 0. DefaultCPUAllocator: can't allocate memory: you tried 9 bytes"


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(TORCH),
        RuntimeError("CUDA out of memory. Tried to allocate 20.00 MiB"),
        RuntimeError("Non-zero status code while running Gemm: std::bad_alloc"),
        RuntimeError("Failed to allocate memory for requested buffer of size 274877906944"),
        RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
        RuntimeError("BFCArena::AllocateRawInternal Available memory of 0 is smaller than requested bytes of 16777216"),
        RuntimeError(TPU),
    ],
)
def test_runtimes_reports_are_recognised(error) -> None:
    assert is_out_of_memory(error)


@pytest.mark.parametrize("error", [ValueError("shapes differ"), RuntimeError("no kernel image"), OSError(2, "missing")])
def test_other_failures_are_not(error) -> None:
    assert not is_out_of_memory(error)


def test_torch_really_reports_it_that_way() -> None:
    torch = pytest.importorskip("torch")
    with pytest.raises(RuntimeError) as error:
        torch.empty(1 << 60, dtype=torch.uint8)
    assert is_out_of_memory(error.value)


def test_the_message_says_what_is_needed_what_is_free_and_what_to_do() -> None:
    error = out_of_memory(ModelWorkload("supershaper", (768,) * 12, batch_size=512), RuntimeError(TORCH))
    assert isinstance(error, MeasurementError)
    text = str(error)
    assert "ran out of memory: its weights alone take 490 MB" in text
    assert "B of main memory are free" in text
    assert "Take a smaller batch than 512" in text
    assert "main memory" not in str(out_of_memory(FactoryWorkload("a:b"), RuntimeError(TPU)))
    assert "its need is unknown" in str(out_of_memory(FactoryWorkload("a:b"), MemoryError()))
