"""Every backend keeps the promises of the contract."""

from __future__ import annotations

import pytest

from hwcost.spaces import Component, space
from hwcost.testing.backends import BackendSuite
from hwcost.workloads import ComponentWorkload, SyntheticWorkload, models

SPACE = space("supershaper")


def needs(*modules):
    for module in modules:
        pytest.importorskip(module)


class TestNull(BackendSuite):
    name = "null"
    computes = False

    @classmethod
    def workload(cls):
        return SyntheticWorkload("some", flops=10**9, elements=10**6)


class TestReplay(BackendSuite):
    name = "replay"
    computes = False

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _file(cls, tmp_path_factory):
        path = tmp_path_factory.mktemp("replay") / "recorded.csv"
        columns = [gene.name for gene in SPACE.genes]
        path.write_text(",".join([*columns, "latency_s"]) + "\n" + "120," * 12 + "0.01\n")
        cls.options = {"file": str(path)}

    @classmethod
    def workload(cls):
        return models(SPACE, [SPACE.architecture([120] * 12)])[0]


class TestTorch(BackendSuite):
    name = "torch"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        needs("torch")


class TestTorchCompile(BackendSuite):
    name = "torch-compile"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        needs("torch")

    @classmethod
    def workload(cls):
        return ComponentWorkload.of(SPACE, Component("bottlenecks", (("hidden", 120),)), seq_len=8)


class TestOnnxRuntime(BackendSuite):
    name = "onnxruntime"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        needs("torch", "onnx", "onnxscript", "onnxruntime")


class TestOpenVino(BackendSuite):
    name = "openvino"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        needs("torch", "onnx", "onnxscript", "openvino")


class TestTorchXla(BackendSuite):
    name = "torch-xla"

    @pytest.fixture(autouse=True, scope="class")
    @classmethod
    def _installed(cls):
        needs("torch_xla")
