# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""Nets whose weights lie in one file are the same graphs as those that hold them, in a thousandth of the space."""

from __future__ import annotations

import os
import threading
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

torch = pytest.importorskip("torch")
pytest.importorskip("onnxscript")
pytest.importorskip("onnxruntime")

from hwcost.backends import backend
from hwcost.backends.onnx_export import exported
from hwcost.backends.onnx_weights import SUFFIX, are_there, fill, store_transposed
from hwcost.spaces import Component, space
from hwcost.workloads import ComponentWorkload
from hwcost.workloads.weights import Pool, shared_weights
from hwcost.workloads.weights import fill as fill_weights

pytestmark = pytest.mark.once

CPU = SimpleNamespace(kind="cpu", name="cpu")
SPACE = space("supershaper")
ONE, OTHER = (ComponentWorkload.of(SPACE, Component("layer", (("hidden", width),)), seq_len=8) for width in (120, 240))


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shared")


@pytest.fixture(autouse=True)
def _own_cache(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HWCOST_CACHE_DIR", str(cache))


def runner(name: str, shares_weights: bool, workload: Any = ONE) -> Any:
    made = backend(name)
    made.shares_weights = shares_weights
    return made.prepare(workload, CPU)


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
def test_a_runtime_computes_what_eager_torch_does_from_shared_weights_by_the_same_nodes(name: str) -> None:
    pytest.importorskip(name)
    shared, own = runner(name, True), runner(name, False)
    assert shared.facts["difference"] < 1e-5
    assert shared.facts.get("nodes") == own.facts.get("nodes")
    assert [one.shape for one in shared.outputs()] == [one.shape for one in own.outputs()]


def test_the_graph_is_that_of_a_file_that_holds_its_weights() -> None:
    onnx = pytest.importorskip("onnx")
    shared, own = (onnx.load(exported(ONE, "float32", way).path, load_external_data=False).graph for way in (True, False))
    assert [(one.op_type, one.name) for one in shared.node] == [(one.op_type, one.name) for one in own.node]
    assert [(one.name, one.dims) for one in shared.initializer] == [(one.name, one.dims) for one in own.initializer]
    held = [one.name for one in shared.initializer if np.prod(one.dims) >= 4096 and not one.external_data]
    assert not held, "matrices that found no place"


def test_all_nets_share_one_file_and_their_own_are_small(cache: Path) -> None:
    for workload in (ONE, OTHER):
        made, held = exported(workload, "float32", True), exported(workload)
        assert made.path != held.path
        assert made.path.stat().st_size < 0.1 * held.path.stat().st_size
    (weights,) = (cache / "onnx").glob(f"*{SUFFIX}")
    assert weights.stat().st_size < held.path.stat().st_size + 4 * 1_100_000


@pytest.mark.slow
def test_weights_that_are_missing_or_too_short_are_written_again(cache: Path) -> None:
    first = exported(ONE, "float32", True)
    (weights,) = (cache / "onnx").glob(f"*{SUFFIX}")
    whole = weights.read_bytes()
    os.truncate(weights, len(whole) // 2)
    exported(ONE, "float32", True)
    assert weights.read_bytes()[: len(whole)] == whole[: weights.stat().st_size]
    weights.unlink()
    again = exported(ONE, "float32", True)
    assert again.path == first.path
    assert runner("onnxruntime", True).facts["difference"] < 1e-5


def test_a_runtime_knows_what_is_yet_to_be_exported(cache: Path) -> None:
    made = backend("onnxruntime")
    later = replace(ONE, seq_len=5)
    assert made.needs_export(later)
    made.export(later)
    assert not made.needs_export(later)
    made.shares_weights = False
    assert made.needs_export(later)


@settings(max_examples=30, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(period=st.binary(min_size=1, max_size=50), sizes=st.lists(st.integers(0, 400), min_size=1, max_size=5))
def test_a_file_of_numbers_grows_by_repeating_them(tmp_path: Path, period: bytes, sizes: list[int]) -> None:
    path = tmp_path / "a.weights"
    path.unlink(missing_ok=True)
    for size in sizes:
        fill(path, memoryview(period), size)
        assert are_there({path.name: size}, tmp_path)
    n = max(sizes)
    assert path.read_bytes() == (period * (n // len(period) + 1))[:n]
    assert not are_there({path.name: n + 1}, tmp_path)
    assert not are_there({"other": 1}, tmp_path)


def test_several_may_write_a_file_of_numbers_at_once(tmp_path: Path) -> None:
    period, path = bytes(range(251)) * 40, tmp_path / "a.weights"
    threads = [threading.Thread(target=fill, args=(path, memoryview(period), n * 100_000)) for n in range(1, 9)]
    for one in threads:
        one.start()
    for one in threads:
        one.join()
    assert path.read_bytes() == (period * 80)[:800_000]


def test_a_pool_knows_its_own_tensors() -> None:
    with shared_weights() as pools:
        module = torch.nn.Linear(80, 70).requires_grad_(False)
        fill_weights(module, 5, pools)
        pool = pools[torch.float32]
        place = pool.place(module.weight)
        assert place is not None
        assert torch.equal(pool.view(place, module.weight.shape), module.weight)
        assert pool.place(module.bias) is None
        before = module.weight.clone()
        store_transposed(module)
        assert pool.place(module.weight) == place
        assert module.weight.shape == before.shape
        assert torch.equal(module.weight.t().reshape(-1), before.view(-1))
        assert len(pool.piece(place, 10**9)) < 10**9
        assert Pool(torch.float32).place(module.weight) is None
