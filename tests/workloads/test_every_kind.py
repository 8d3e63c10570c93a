"""Every kind of workload passes the suite, and so does one that somebody adds."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from hwcost.spaces import Component, space
from hwcost.testing.plugins import registered
from hwcost.testing.workloads import WorkloadSuite
from hwcost.workloads import (
    WORKLOADS,
    ChainWorkload,
    ComponentWorkload,
    FactoryModelWorkload,
    FactoryWorkload,
    ModelWorkload,
    OnnxWorkload,
    RevisionWorkload,
    SyntheticWorkload,
    Workload,
)
from tests.workloads.in_process import probe_in_process
from tests.workloads.test_kinds import Copying

SHAPER = space("supershaper", scale="mini")
GATED = space("components", grid="mini")
CUSTOM = space("custom", genes={"width": [4, 8], "depth": [1, 2, 3]})
LAYER = Component("layer", (("hidden", 8),))
NETS = """
def plain(batch_size):
    import torch
    return torch.nn.Linear(4, 2), torch.ones(batch_size, 4)

def net(width, depth, batch_size=1):
    import torch
    torch.manual_seed(0)
    return torch.nn.Sequential(*(torch.nn.Linear(width, width) for _ in range(depth))), torch.ones(batch_size, width)
"""


class TestModel(WorkloadSuite):
    kind = "model"

    def make(self) -> Workload:
        return self._of(SHAPER.sample(1, seed=0)[0])

    def others(self) -> Sequence[Workload]:
        arch = SHAPER.sample(1, seed=0)[0]
        shapes: list[dict[str, Any]] = [{"batch_size": 2}, {"seq_len": 16}, {"dtype": "bfloat16"}]
        return [self._of(SHAPER.sample(2, seed=1)[1]), *(self._of(arch, **shape) for shape in shapes)]

    def _of(self, arch: Any, **shape: Any) -> Workload:
        return ModelWorkload.of(SHAPER, arch, **{"seq_len": 8, **shape})


class TestComponent(WorkloadSuite):
    kind = "component"

    def make(self) -> Workload:
        return ComponentWorkload.of(SHAPER, LAYER, depth=2, seq_len=8)

    def others(self) -> Sequence[Workload]:
        changes: list[dict[str, Any]] = [{"depth": 3}, {"batch_size": 2}, {"seq_len": 16}, {"dtype": "bfloat16"}]
        return [
            ComponentWorkload.of(SHAPER, Component("head"), seq_len=8),
            *(ComponentWorkload.of(SHAPER, LAYER, **{"depth": 2, "seq_len": 8, **one}) for one in changes),
        ]


class TestChain(WorkloadSuite):
    kind = "chain"

    def make(self) -> Workload:
        return ChainWorkload.of(GATED, GATED.parts(), depth=2, seq_len=8)

    def others(self) -> Sequence[Workload]:
        changes: list[dict[str, Any]] = [{"depth": 3}, {"batch_size": 2}, {"seq_len": 16}, {"dtype": "bfloat16"}]
        return [
            ChainWorkload.of(GATED, GATED.parts()[::-1], depth=2, seq_len=8),
            *(ChainWorkload.of(GATED, GATED.parts(), **{"depth": 2, "seq_len": 8, **one}) for one in changes),
        ]


class OwnNets(WorkloadSuite):
    """A kind whose nets come from a file of the user's, which imports torch."""

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
        pytest.importorskip("torch")
        (tmp_path / "suite_nets.py").write_text(NETS)
        monkeypatch.chdir(tmp_path)
        probe_in_process(monkeypatch)
        yield
        sys.modules.pop("suite_nets", None)


class TestFactory(OwnNets):
    kind = "factory"

    def make(self) -> Workload:
        return FactoryWorkload("suite_nets:plain", batch_size=2, dtype="float32")

    def others(self) -> Sequence[Workload]:
        changed: list[dict[str, Any]] = [{"batch_size": 3}, {"dtype": "bfloat16"}]
        same = {"batch_size": 2, "dtype": "float32"}
        return [
            FactoryWorkload("suite_nets:net", **same),
            *(FactoryWorkload("suite_nets:plain", **same | one) for one in changed),
        ]


class TestFactoryModel(OwnNets):
    kind = "factory-model"

    def make(self) -> Workload:
        return self._of([8, 2])

    def others(self) -> Sequence[Workload]:
        return [self._of([4, 2]), self._of([8, 2], batch_size=3), self._of([8, 2], dtype="bfloat16")]

    def _of(self, genes: list[int], **shape: Any) -> Workload:
        asked = {"factory": "suite_nets:net", "batch_size": 2, "dtype": "float32", **shape}
        return FactoryModelWorkload.of(CUSTOM, CUSTOM.architecture(genes), **asked)


class TestOnnx(WorkloadSuite):
    kind = "onnx"
    builds = False

    @pytest.fixture(autouse=True)
    def _file(self, tmp_path: Path) -> None:
        pytest.importorskip("onnx")
        from tests.workloads.onnx_files import text_model

        self.path = text_model(tmp_path / "suite.onnx")

    def make(self) -> Workload:
        return OnnxWorkload.of(self.path, batch_size=2, seq_len=8)

    def others(self) -> Sequence[Workload]:
        return [OnnxWorkload.of(self.path, batch_size=3, seq_len=8), OnnxWorkload.of(self.path, batch_size=2, seq_len=9)]


class TestRevision(WorkloadSuite):
    """A synthetic workload at a commit: what is built is another kind's affair."""

    kind = "revision"
    builds = has_inputs = False

    def make(self) -> Workload:
        return RevisionWorkload.of(SyntheticWorkload("some", flops=10**6), "a" * 40, "/tree", ("/tree", "/lib"))

    def others(self) -> Sequence[Workload]:
        works = [SyntheticWorkload("more", flops=10**7), SyntheticWorkload("some, twice", flops=10**6, batch_size=2)]
        return [*(RevisionWorkload.of(one, "a" * 40) for one in works), RevisionWorkload.of(works[0], "b" * 40)]


class TestSynthetic(WorkloadSuite):
    kind = "synthetic"
    builds = has_inputs = False

    def make(self) -> Workload:
        return SyntheticWorkload("some", flops=10**6, elements=10**3)

    def others(self) -> Sequence[Workload]:
        return [SyntheticWorkload("more", flops=10**7), SyntheticWorkload("some, twice", flops=10**6, batch_size=2)]


class TestCopying(WorkloadSuite):
    """A kind of another distribution, registered for the length of these tests."""

    kind = "copying"
    builds = has_inputs = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _registered(cls) -> Iterator[None]:
        with registered("hwcost.workloads", {"copying": f"{Copying.__module__}:Copying"}):
            yield

    def make(self) -> Workload:
        return Copying(1000)

    def others(self) -> Sequence[Workload]:
        return [Copying(2000), Copying(1000, batch_size=2)]


def test_every_kind_has_a_suite() -> None:
    suites = [*WorkloadSuite.__subclasses__(), *OwnNets.__subclasses__()]
    assert set(WORKLOADS.names()) <= {getattr(one, "kind", None) for one in suites}
