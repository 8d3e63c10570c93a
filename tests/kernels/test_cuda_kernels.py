"""The loader of CUDA source and the gate, on a torch that has no GPU."""

from __future__ import annotations

import ctypes
import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("torch")

import torch
from torch.cuda import _utils
from torch.utils import cpp_extension

from hwcost.errors import MeasurementError
from hwcost.kernels import cuda_source
from hwcost.kernels.gate import MOST_MS, Gate


@pytest.fixture(autouse=True)
def fresh(monkeypatch: pytest.MonkeyPatch) -> None:
    """Every test compiles anew."""
    monkeypatch.setattr(cuda_source, "load", cuda_source.load.__wrapped__)


def test_source_is_compiled_by_torch_also_without_a_toolkit(monkeypatch: pytest.MonkeyPatch) -> None:
    def compiler(source: str, name: str) -> Any:
        assert f'extern "C" __global__ void {name}(' in source
        assert cpp_extension.CUDA_HOME is not None
        return name.upper

    monkeypatch.setattr(cpp_extension, "CUDA_HOME", None)
    monkeypatch.setattr(torch.cuda, "_compile_kernel", compiler, raising=False)
    assert cuda_source.load("nothing")() == "NOTHING"
    assert cuda_source.load("wait_for_host")() == "WAIT_FOR_HOST"
    assert cpp_extension.CUDA_HOME is None


def test_torch_is_handed_the_compiler_of_its_packages_under_whatever_name_it_asks_for(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Release 2.8 asks the system's loader for libnvrtc.so, and pip's packages hold libnvrtc.so.12 alone."""
    for release in ("12", "13"):
        (tmp_path / release / "lib").mkdir(parents=True)
        (tmp_path / release / "lib" / f"libnvrtc.so.{release}").touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: SimpleNamespace(submodule_search_locations=[tmp_path]))
    monkeypatch.setattr(ctypes, "CDLL", lambda name: name)
    monkeypatch.setattr(torch.version, "cuda", "12.8")
    monkeypatch.setattr(_utils, "_get_nvrtc_library", lambda: ctypes.CDLL("libnvrtc.so"))
    asked: list[Any] = []

    def compiler(source: str, name: str) -> None:
        asked.append(_utils._get_nvrtc_library())

    monkeypatch.setattr(torch.cuda, "_compile_kernel", compiler, raising=False)
    cuda_source.load("nothing")
    assert asked == [str(tmp_path / "12" / "lib" / "libnvrtc.so.12")]
    assert _utils._get_nvrtc_library() == "libnvrtc.so", "torch keeps its own"


def test_a_torch_that_cannot_compile_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def failing(source: str, name: str) -> Any:
        raise OSError("Could not find any NVRTC library")

    monkeypatch.setattr(torch.cuda, "_compile_kernel", failing, raising=False)
    with pytest.raises(MeasurementError, match="kernel 'nothing' cannot be compiled: Could not find any NVRTC library"):
        cuda_source.load("nothing")
    monkeypatch.delattr(torch.cuda, "_compile_kernel")
    with pytest.raises(MeasurementError, match="cannot compile CUDA source; releases from 2.8 on can"):
        cuda_source.load("nothing")


def test_the_gate_hands_its_flags_to_the_kernel_and_opens_by_the_first() -> None:
    seen: list[list[Any]] = []
    gate = Gate(lambda grid, block, args: seen.append(args), torch.ones(2, dtype=torch.int32))
    gate.shut()
    ((flags, most_ms),) = seen
    assert (flags.tolist(), most_ms) == ([0, 0], MOST_MS)
    gate.open()
    assert flags.tolist() == [1, 0]
    assert not gate.gave_up
    flags[1] = 1
    assert gate.gave_up
