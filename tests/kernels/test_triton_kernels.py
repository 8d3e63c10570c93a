"""Kernels in Triton against plain torch in Triton's interpreter, and compiled for GPUs that are not here."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import json
import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import MissingExtraError, UsageError
from hwcost.kernels import bottleneck_norm, triton_base, uncentred_norm
from tests.conftest import ROOT

needs_triton = pytest.mark.skipif(find_spec("triton") is None, reason="triton is missing: pip install 'hwcost[triton]'")
pytestmark = pytest.mark.torch

TOLERANCE = {"float32": 1e-5, "float16": 4e-3}  # of outputs of variance 2; the interpreter multiplies no bfloat16
ELF = b"\x7fELF"

INTERPRETED = """
import json
import torch
from hwcost.kernels import bottleneck_norm as fused, uncentred_norm as plain
from hwcost.spaces import Component
from hwcost.spaces.components import Components
from hwcost.workloads import ComponentWorkload

torch.manual_seed(0)
found = []

def note(what, dtype, one, other):
    assert one.dtype == other.dtype == getattr(torch, dtype) and one.shape == other.shape
    found.append([what, dtype, float((one.float() - other.float()).abs().max())])

for dtype in ("float32", "float16"):
    draw = lambda *shape: torch.randn(*shape).to(getattr(torch, dtype))
    for shape in ((3, 2, 768), (2, 120), (4, 1), (3, 1000)):
        given = draw(*shape), draw(shape[-1]), draw(shape[-1])
        note(f"norm {shape}", dtype, plain.uncentred_norm(*given), plain.reference(*given))
    sizes = (5, 768, 120, True), (17, 100, 360, False), (2, 16, 1, False), (17, 32, 768, True)
    for rows, width, outputs, centred in sizes:
        x, matrix = draw(rows, width), draw(outputs, width) * width**-0.5
        given = x, matrix, draw(outputs), draw(outputs), draw(outputs)
        expected = fused.reference(*given, centred=centred)
        note(f"bottleneck {rows, width, outputs}", dtype, fused.bottleneck_norm(*given, centred=centred), expected)
    given = draw(64, 8).T, draw(64), draw(64)
    note("a view", dtype, plain.uncentred_norm(*given), plain.reference(*given))
    given = draw(3, 64), *draw(2, 64, 2)[..., 0]
    note("views of vectors", dtype, plain.uncentred_norm(*given), plain.reference(*given))
    given = draw(3, 64), (draw(64, 128) / 8)[:32, ::2], *draw(3, 32, 2)[..., 0]
    note("views of weights", dtype, fused.bottleneck_norm(*given), fused.reference(*given))

space = Components("mini")
for kernel in ("norm_kernel", "dense_norm_kernel"):
    module = ComponentWorkload.of(space, Component(kernel), seq_len=4).build()
    part, hidden = module.parts[0], torch.randn(1, 4, 64)
    if kernel == "norm_kernel":
        expected = torch.nn.functional.rms_norm(hidden, (64,), part.weight, 1e-12) + part.bias
    else:
        expected = torch.nn.functional.layer_norm(part.dense(hidden), (64,), part.weight, part.bias, 1e-12)
    note(kernel, "float32", module(hidden), expected)
compiled = torch.compile(module, backend="eager", fullgraph=True)
note("compiled", "float32", compiled(hidden), expected)
print(json.dumps(found))
"""


@needs_triton
def test_numbers_in_the_interpreter_are_the_references() -> None:
    environment = os.environ | {"TRITON_INTERPRET": "1", "PYTHONPATH": str(ROOT)}
    done = subprocess.run([sys.executable, "-c", INTERPRETED], capture_output=True, text=True, env=environment)
    assert done.returncode == 0, done.stderr[-3000:]
    found = json.loads(done.stdout)
    assert len(found) == 25
    assert not [one for one in found if not one[2] <= TOLERANCE[one[1]]]


@needs_triton
@pytest.mark.parametrize("capability", [80, 90])
def test_kernels_compile_for_gpus_that_are_not_here(
    capability: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TRITON_CACHE_DIR", str(tmp_path))
    code = uncentred_norm.cubin(capability), bottleneck_norm.cubin(capability, 256, "bfloat16")
    assert [one[:4] for one in code] == [ELF, ELF]
    assert b"uncentred_norm" in code[0]
    assert b"bottleneck_norm" in code[1]


def test_tiles_fit_into_shared_memory() -> None:
    """Three buffers of both tiles: 99 KB is the least of all GPUs from 8.0 on, and 163 KB that of 8.0 itself."""
    for outputs in (1, 120, 256, 512, 768, 1024):
        for itemsize in (2, 4):
            sizes = bottleneck_norm.constants(1000, outputs, itemsize)
            tiles = itemsize * int(sizes["tile_inputs"]) * (int(sizes["tile_outputs"]) + int(sizes["tile_rows"]))
            assert 2 * tiles <= (99 if outputs <= 512 or itemsize == 2 else 163) * 1024
            assert int(sizes["tile_outputs"]) >= outputs
            assert 0 <= int(sizes["tiles"]) * int(sizes["tile_inputs"]) - 1000 < int(sizes["tile_inputs"])


def test_what_no_kernel_takes_is_refused() -> None:
    with pytest.raises(UsageError, match="at most 1024 numbers, got 2000"):
        bottleneck_norm.constants(64, 2000, 4)
    with pytest.raises(UsageError, match="unknown precision 'fp8' of products. Known: ieee, tf32x3, tf32"):
        bottleneck_norm.constants(64, 64, 4, precision="fp8")
    with pytest.raises(UsageError, match="rows of 1 to 16384 numbers, got 0"):
        triton_base.padded(0)


@needs_triton
def test_a_tensor_on_a_cpu_is_refused_outside_the_interpreter() -> None:
    with pytest.raises(UsageError, match="run on a CUDA device, and this tensor is on 'cpu'"):
        uncentred_norm.uncentred_norm(torch.ones(2, 8), torch.ones(8), torch.ones(8))


def test_without_triton_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "triton", None)
    for ask in (lambda: uncentred_norm.cubin(80), lambda: bottleneck_norm.cubin(90)):
        with pytest.raises(MissingExtraError, match=r"triton is not installed. Install it with: .*hwcost\[triton\]"):
            ask()


@pytest.mark.gpu
@needs_triton
def test_kernels_agree_with_their_references_on_a_gpu() -> None:
    if not torch.cuda.is_available():
        pytest.skip("no CUDA device")
    x, matrix = torch.randn(300, 768, device="cuda"), torch.randn(512, 768, device="cuda") * 768**-0.5
    vectors = torch.randn(3, 512, device="cuda")
    wide = torch.randn(2, 768, device="cuda")
    torch.testing.assert_close(uncentred_norm.uncentred_norm(x, *wide), uncentred_norm.reference(x, *wide))
    for precision in ("ieee", "tf32x3"):
        found = bottleneck_norm.bottleneck_norm(x, matrix, *vectors, precision=precision)
        torch.testing.assert_close(found, bottleneck_norm.reference(x, matrix, *vectors), atol=1e-4, rtol=1e-4)
