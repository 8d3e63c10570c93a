"""Each probe computes what its plain numpy reference computes."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.errors import UsageError
from hwcost.kernels import copy_probe, dispatch_probe, matmul_probe
from hwcost.kernels.probe_base import default_engine

TOLERANCE = {"float32": 1e-5, "float16": 5e-3, "bfloat16": 4e-2}  # of elements that have variance 1


@pytest.mark.parametrize("dtype", matmul_probe.TORCH_DTYPES)
def test_matmul_with_torch(dtype: str) -> None:
    pytest.importorskip("torch")
    probe = matmul_probe.prepare(dtype, size=64, engine="torch")
    expected = matmul_probe.reference(*matmul_probe.inputs(64))
    assert np.abs(probe.output() - expected).max() < 4 * TOLERANCE[dtype]
    assert 0.8 < expected.std() < 1.2


def test_matmul_with_numpy() -> None:
    probe = matmul_probe.prepare(size=64, engine="numpy")
    np.testing.assert_allclose(probe.output(), matmul_probe.reference(*matmul_probe.inputs(64)), atol=1e-5)


def test_matmul_counts_a_multiply_add_as_two() -> None:
    probe = matmul_probe.prepare(size=32, engine="numpy")
    assert (probe.work, probe.unit) == (2 * 32**3, "FLOP")


def test_matmul_refuses_a_dtype_that_the_engine_does_not_know() -> None:
    with pytest.raises(UsageError, match="numpy multiplies no bfloat16"):
        matmul_probe.prepare("bfloat16", size=8, engine="numpy")
    with pytest.raises(UsageError, match="Known"):
        matmul_probe.prepare("int3", size=8)


@pytest.mark.parametrize("threads", [1, 2, 3])
def test_copy_copies_every_byte(threads: int) -> None:
    probe = copy_probe.prepare(4000, threads=threads)
    np.testing.assert_array_equal(probe.output(), copy_probe.reference(copy_probe.inputs(1000)))
    assert (probe.work, probe.unit, probe.engine) == (8000, "B", "numpy")


def test_copy_buffers_exceed_caches_and_fit_memory() -> None:
    gib = 1024**3
    assert copy_probe.buffer_bytes(32 * 1024**2, 64 * gib) == 128 * 1024**2
    assert copy_probe.buffer_bytes(32 * 1024**2, 64 * gib, threads=4) == 512 * 1024**2
    assert copy_probe.buffer_bytes(None, None) == copy_probe.MIN_BYTES
    assert copy_probe.buffer_bytes(256 * 1024**2, 512 * gib, threads=64) == copy_probe.MAX_BYTES
    assert copy_probe.buffer_bytes(None, gib // 4) == gib // 32


@pytest.mark.parametrize("engine", ["numpy", "torch"])
def test_dispatch_adds(engine: str) -> None:
    if engine == "torch":
        pytest.importorskip("torch")
    probe = dispatch_probe.prepare(engine=engine)  # type: ignore[arg-type]
    np.testing.assert_array_equal(probe.output(), dispatch_probe.reference(*dispatch_probe.inputs()))
    assert (probe.work, probe.unit) == (1.0, "call")


def test_running_does_not_change_inputs() -> None:
    probe = matmul_probe.prepare(size=16, engine="numpy")
    first = probe.output()
    probe.run(3)
    np.testing.assert_array_equal(probe.output(), first)


def test_the_engine_is_one_that_is_installed() -> None:
    assert default_engine() in ("torch", "numpy")


@pytest.mark.gpu
def test_cuda_probes_agree_with_their_references() -> None:
    torch = pytest.importorskip("torch")
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    for dtype in matmul_probe.TORCH_DTYPES:
        product = matmul_probe.prepare(dtype, size=256, device="cuda:0").output()
        assert np.abs(product - matmul_probe.reference(*matmul_probe.inputs(256))).max() < 8 * TOLERANCE[dtype]
    np.testing.assert_array_equal(copy_probe.prepare(4000, device="cuda:0").output(), copy_probe.inputs(1000))
    sums = dispatch_probe.prepare("cuda:0").output()
    np.testing.assert_array_equal(sums, dispatch_probe.reference(*dispatch_probe.inputs()))
