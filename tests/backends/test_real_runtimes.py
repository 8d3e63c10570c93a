# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""What is particular to torch, torch.compile, ONNX Runtime and OpenVINO."""

from __future__ import annotations

import logging
import subprocess
import sys
import tracemalloc
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.backends import backend
from hwcost.errors import DataError, DeviceError, MeasurementError, UsageError
from hwcost.spaces import Component, space
from hwcost.testing.backends import small_workload
from hwcost.workloads import ComponentWorkload, FactoryWorkload, OnnxWorkload, SyntheticWorkload, models

CPU, GPU = SimpleNamespace(kind="cpu", name="cpu"), SimpleNamespace(kind="cuda", name="k80")
SPACE = space("supershaper")
TINY = ComponentWorkload.of(SPACE, Component("layer_norm", (("hidden", 120),)), seq_len=4)

FACTORIES = '''
import torch

class Added(torch.nn.Module):
    def forward(self, one, two):
        return {"sum": one + two, "index": torch.argmax(one)}

class Shown(torch.nn.Module):
    def forward(self, one):
        return one if one.sum() > 0 else one * 2

def added(): return Added(), {"two": torch.ones(3), "one": torch.arange(3.0)}
def branching(): return Shown(), (torch.ones(3),)
'''


@pytest.fixture
def factories(tmp_path, monkeypatch):
    (tmp_path / "runtime_models.py").write_text(FACTORIES)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "runtime_models", raising=False)


def test_torch_says_what_really_runs() -> None:
    runner = backend("torch", threads=1).prepare(TINY, CPU)
    assert runner.facts["threads"] == torch.get_num_threads() == 1
    assert runner.facts["dtype"] == "float32"
    assert runner.facts["parameters"] == 240
    assert set(runner.facts["attention_kernels"]) <= {"flash", "math"}
    assert runner.clock is None


def test_bfloat16_is_really_bfloat16_and_close_to_float32() -> None:
    narrow = ComponentWorkload.of(SPACE, small_workload().part, seq_len=8, dtype="bfloat16")
    mine, exact = (backend("torch").prepare(workload, CPU).outputs()[0] for workload in (narrow, small_workload()))
    assert mine.dtype == np.float32
    error = np.abs(mine - exact).max() / np.abs(exact).max()
    assert 1e-4 < error < 5e-2


def test_closing_frees_the_model() -> None:
    runner = backend("torch").prepare(TINY, CPU)
    runner.close()
    with pytest.raises(RuntimeError, match="closed"):
        runner.run(1)


@pytest.mark.parametrize("name", ["torch", "torch-compile"])
def test_torch_refuses_what_it_cannot_do(name) -> None:
    if not torch.cuda.is_available():
        with pytest.raises(DeviceError, match="sees no CUDA device, so it cannot run on 'k80'. Install a build"):
            backend(name).prepare(TINY, GPU)
    with pytest.raises(UsageError, match="is not a torch model"):
        backend(name).prepare(SyntheticWorkload("some", 1), CPU)
    half = ComponentWorkload.of(SPACE, TINY.part, seq_len=4, dtype="float16")
    with pytest.raises(UsageError, match="float16 is for GPUs"):
        backend(name).prepare(half, CPU)


def test_outputs_by_name_and_of_integers_are_collected(factories) -> None:
    outputs = backend("torch").prepare(FactoryWorkload("runtime_models:added"), CPU).outputs()
    assert outputs[0].tolist() == [1.0, 2.0, 3.0]
    assert outputs[1].dtype == np.int64
    assert outputs[1] == 2


@pytest.mark.slow
def test_a_compilation_after_preparing_is_counted() -> None:
    runner = backend("torch-compile").prepare(TINY, CPU)
    before = runner.compile_events()
    torch.compile(lambda value: value + 1, backend="eager")(torch.ones(2))
    assert runner.compile_events() == before + 1
    runner.close()


@pytest.mark.parametrize("name", ["onnxruntime", "openvino"])
class TestExported:
    @pytest.fixture(autouse=True)
    def _installed(self, name):
        for module in ("onnx", "onnxscript", name):
            pytest.importorskip(module)

    def test_precision_threads_and_agreement_are_recorded(self, name) -> None:
        runner = backend(name).prepare(small_workload(), CPU)
        facts = runner.facts
        assert (runner.first_run_s or 0) > 0
        assert facts["precision"] == {"onnxruntime": "float32", "openvino": "f32"}[name]
        assert facts["threads"] == 1
        assert 0 < facts["difference"] < 1e-5

    def test_whole_models_run(self, name) -> None:
        mini = space("supershaper", scale="mini")
        workload = models(mini, [mini.architecture([8, 16, 24, 32])], seq_len=8)[0]
        assert backend(name).prepare(workload, CPU).facts["difference"] < 1e-4

    def test_a_call_copies_no_outputs_into_numpy(self, name) -> None:
        part = Component("layer_norm", (("hidden", 768),))
        runner = backend(name).prepare(ComponentWorkload.of(SPACE, part, seq_len=512), CPU)
        size = sum(output.nbytes for output in runner.outputs())
        tracemalloc.start()
        try:
            runner.run(2)
            assert tracemalloc.get_traced_memory()[1] < size / 10
        finally:
            tracemalloc.stop()

    def test_factories_run(self, name, factories, tmp_path) -> None:
        workload = FactoryWorkload("runtime_models:added")
        outputs = backend(name).prepare(workload, CPU).outputs()
        assert [part.tolist() for part in outputs] == [[1.0, 2.0, 3.0], 2]

    def test_a_users_file_runs(self, name, tmp_path) -> None:
        from onnx import TensorProto, helper, save

        port = [helper.make_tensor_value_info(n, TensorProto.FLOAT, ["batch", "seq"]) for n in ("x", "y")]
        graph = helper.make_graph([helper.make_node("Exp", ["x"], ["y"])], "exp", port[:1], port[1:])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
        workload = OnnxWorkload.of(tmp_path / "a.onnx", batch_size=2, seq_len=3)
        runner = backend(name).prepare(workload, CPU)
        np.testing.assert_allclose(runner.outputs()[0], np.exp(workload.inputs()["x"]), rtol=1e-5)
        assert runner.facts["difference"] is None

    def test_a_graph_it_cannot_load_is_a_data_error(self, name, tmp_path) -> None:
        from onnx import TensorProto, helper, save

        port = [helper.make_tensor_value_info(n, TensorProto.FLOAT, [2]) for n in ("x", "y")]
        graph = helper.make_graph([helper.make_node("NoSuch", ["x"], ["y"])], "bad", port[:1], port[1:])
        save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), tmp_path / "a.onnx")
        with pytest.raises(DataError, match=r"cannot load '.*a.onnx'.*NoSuch"):
            backend(name).prepare(OnnxWorkload.of(tmp_path / "a.onnx", batch_size=2), CPU)

    def test_another_model_is_noticed(self, name, monkeypatch) -> None:
        from hwcost.backends import onnx_export

        real = onnx_export.exported

        def tampered(workload, *dtype):
            made = real(workload, *dtype)
            return replace(made, reference=tuple(part * 1.01 for part in made.reference))

        monkeypatch.setattr(onnx_export, "exported", tampered)
        with pytest.raises(MeasurementError, match="computes something else than eager torch"):
            backend(name).prepare(small_workload(), CPU)

    def test_a_model_that_cannot_be_exported_says_so(self, name, factories) -> None:
        with pytest.raises(MeasurementError, match="cannot be exported to ONNX.*--backend torch"):
            backend(name).prepare(FactoryWorkload("runtime_models:branching"), CPU)

    def test_other_dtypes_and_devices_are_refused(self, name) -> None:
        with pytest.raises(UsageError, match="cuda"):
            backend(name).prepare(small_workload(), GPU)
        half = ComponentWorkload.of(SPACE, TINY.part, seq_len=4, dtype="float16")
        with pytest.raises(UsageError, match="not float16"):
            backend(name).prepare(half, CPU)


SIGNALLED = """
import faulthandler, signal
from types import SimpleNamespace
from hwcost.backends import backend
from hwcost.testing.backends import small_workload

faulthandler.enable()  # which takes a stack for signals, as pytest does
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background jobs ignore it
cpu = SimpleNamespace(kind="cpu", name="cpu")
runners = [backend("openvino").prepare(small_workload(), cpu) for _ in range(2)]
for _ in range(2):
    del runners[0]
    try:
        signal.raise_signal(signal.SIGINT)
    except KeyboardInterrupt:
        print("interrupted", flush=True)
"""


def test_openvino_nets_that_are_let_go_leave_signals_as_they_were() -> None:
    pytest.importorskip("openvino")
    pytest.importorskip("onnxscript")
    ended = subprocess.run([sys.executable, "-c", SIGNALLED], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.split()) == (0, ["interrupted"] * 2), ended.stderr


def test_openvino_computes_bfloat16_only_where_the_cpu_does() -> None:
    openvino = pytest.importorskip("openvino")
    workload = ComponentWorkload.of(SPACE, small_workload().part, seq_len=8, dtype="bfloat16")
    if "BF16" in openvino.Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        facts = backend("openvino").prepare(workload, CPU).facts
        assert facts["precision"] == "bf16"
        assert 1e-4 < facts["difference"] < 5e-2
    else:
        with pytest.raises(UsageError, match="this CPU has no bfloat16 instructions"):
            backend("openvino").prepare(workload, CPU)


def test_exporting_is_quiet_and_happens_once(capfd, caplog, monkeypatch, tmp_path) -> None:
    pytest.importorskip("onnxscript")
    from hwcost.backends import onnx_export

    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))
    with caplog.at_level(logging.INFO):
        first = onnx_export.exported(TINY)
    assert capfd.readouterr() == ("", "")
    assert all(record.name == "hwcost.backends.onnx_export" for record in caplog.records)
    assert sorted(path.suffix for path in (tmp_path / "onnx").iterdir()) == [".npz", ".onnx"]
    monkeypatch.setattr(onnx_export, "_export", None)
    again = onnx_export.exported(ComponentWorkload.of(SPACE, TINY.part, seq_len=4, dtype="bfloat16"))
    assert again.path == first.path
    assert all(np.array_equal(a, b) for a, b in zip(again.reference, first.reference, strict=True))


def test_a_broken_cache_is_made_anew(monkeypatch, tmp_path) -> None:
    pytest.importorskip("onnxscript")
    from hwcost.backends import onnx_cache, onnx_export

    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))
    first = onnx_export.exported(TINY)
    (kept,) = (tmp_path / "onnx").glob("*.npz")
    whole = kept.read_bytes()
    for broken in (b"broken", b"", whole[:40], whole[: len(whole) // 2]):
        kept.write_bytes(broken)
        assert onnx_cache.needs_export(TINY, "float32")
    assert np.array_equal(onnx_export.exported(TINY).reference[0], first.reference[0])


def test_another_layout_of_exported_files_is_another_file(monkeypatch, tmp_path) -> None:
    from hwcost.backends import onnx_cache

    monkeypatch.setenv("HWCOST_CACHE_DIR", str(tmp_path))
    before = onnx_cache.Files.of(TINY, "float32", False)
    monkeypatch.setattr(onnx_cache, "LAYOUT", onnx_cache.LAYOUT + 1)
    assert onnx_cache.Files.of(TINY, "float32", False) != before


def test_another_number_of_outputs_is_another_model() -> None:
    from hwcost.backends.reference import thin, verify

    one = [np.ones(3, np.float32)]
    with pytest.raises(MeasurementError, match="something else"):
        verify("X", [*one, np.full(3, np.nan, np.float32)], thin([*one, *one]), "float32")
    with pytest.raises(MeasurementError, match="other shapes"):
        verify("X", one, thin([*one, *one]), "float32")
    with pytest.raises(MeasurementError, match="something else"):
        verify("X", [np.full(3, np.nan, np.float32)], thin(one), "float32")
    assert verify("X", one, None, "float32") is None


def test_outputs_of_masks_are_compared_as_they_are() -> None:
    from hwcost.backends.reference import verify

    masked, mask = np.array([1.0, -np.inf], np.float32), np.array([True, False])
    assert verify("X", [masked, mask], (masked, mask), "float32") == 0.0
    for other in ([-masked, mask], [masked, ~mask], [np.zeros(2, np.float32), mask]):
        with pytest.raises(MeasurementError, match="something else"):
            verify("X", other, (masked, mask), "float32")
