# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""Models of the user's own on every runtime: nested inputs, own formats, random weights, unknown outputs."""

from __future__ import annotations

import sys
from types import SimpleNamespace

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.backends import backend
from hwcost.backends.causes import advice, plain_cause
from hwcost.errors import DataError, MeasurementError, UsageError
from hwcost.workloads import FactoryWorkload, OnnxWorkload

pytestmark = pytest.mark.torch

CPU = SimpleNamespace(kind="cpu", name="cpu")
EXPORTED = ["onnxruntime", "openvino"]

CODE = '''
import dataclasses
import torch
from torch import nn

calls = []

def drawn():
    calls.append(1)
    return nn.Linear(8, 8), torch.randn(4, 8)

class Nested(nn.Module):
    def forward(self, xs, *, more, scale=1.0):
        assert isinstance(xs, list) and isinstance(more, dict), (type(xs), type(more))
        return xs[0] + xs[1] * more["b"] * scale

def nested():
    one = torch.full((3,), 1.0)
    return Nested(), {"xs": [one, 2 * one], "more": {"b": 3 * one}, "scale": 0.5}

class Cache:
    def __init__(self, tensor):
        self.tensor = tensor

@dataclasses.dataclass
class Output:
    logits: torch.Tensor
    cache: Cache
    loss: None = None

class Cached(nn.Module):
    def forward(self, x):
        return Output(x * 2, Cache(x))

class Nothing(nn.Module):
    def forward(self, x):
        return Cache(x)

class Branching(nn.Module):
    def forward(self, one):
        return one if one.sum() > 0 else one * 2

class Writing(nn.Module):
    def forward(self, states):
        return 2 * states.add_(1.0)

class Random(nn.Module):
    def forward(self, states):
        return states + torch.rand_like(states)

def cached(): return Cached(), torch.ones(2, 2)
def nothing(): return Nothing(), torch.ones(2, 2)
def branching(): return Branching(), torch.ones(3)
def writing(): return Writing(), torch.ones(2, 2)
def random(): return Random(), torch.ones(2, 2)
def half(): return nn.Linear(8, 8, dtype=torch.bfloat16), torch.ones(1, 8, dtype=torch.bfloat16)
'''


@pytest.fixture
def own(tmp_path, monkeypatch):
    (tmp_path / "models_of_mine.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "models_of_mine", raising=False)


@pytest.fixture(params=EXPORTED)
def runtime(request):
    for module in ("onnx", "onnxscript", request.param):
        pytest.importorskip(module)
    return request.param


def mine(name, **asked):
    return FactoryWorkload(f"models_of_mine:{name}", **asked)


def test_torch_calls_a_module_as_its_user_would(own) -> None:
    runner = backend("torch").prepare(mine("nested"), CPU)
    assert runner.outputs()[0].tolist() == [4.0] * 3
    assert runner.facts["inputs"] == ["xs_0 3 float32", "xs_1 3 float32", "more_b 3 float32"]
    assert backend("torch").prepare(mine("cached"), CPU).outputs()[0].tolist() == [[2.0, 2.0], [2.0, 2.0]]


def test_a_module_keeps_its_format_unless_another_is_asked_for(own) -> None:
    assert backend("torch").prepare(mine("half"), CPU).facts["dtype"] == "bfloat16"
    assert backend("torch").prepare(mine("half", dtype="float32"), CPU).facts["dtype"] == "float32"


def test_drawn_weights_and_inputs_are_those_that_are_checked(own, runtime) -> None:
    runner = backend(runtime).prepare(mine("drawn"), CPU)
    assert runner.facts["difference"] < 1e-5
    assert len(sys.modules["models_of_mine"].calls) == 1
    again = backend("torch").prepare(mine("drawn"), CPU)
    np.testing.assert_allclose(again.outputs()[0], runner.outputs()[0], atol=1e-5)


def test_nested_inputs_become_inputs_of_the_file(own) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    runner = backend("onnxruntime").prepare(mine("nested"), CPU)
    assert runner.outputs()[0].tolist() == [4.0] * 3


def test_tensors_of_an_output_are_kept_and_what_else_it_holds_is_named(own) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("openvino")
    runner = backend("openvino").prepare(mine("cached"), CPU)
    assert runner.outputs()[0].tolist() == [[2.0, 2.0], [2.0, 2.0]]
    assert runner.facts["outputs_left_out"] == ["Cache"]


def test_what_cannot_be_exported_says_why_and_what_helps(own) -> None:
    pytest.importorskip("onnxscript")
    with pytest.raises(MeasurementError, match="a Nothing returns a Cache, in which no tensors are found. Return a tensor"):
        backend("onnxruntime").prepare(mine("nothing"), CPU)
    with pytest.raises(MeasurementError, match=r"a Branching cannot be exported.*Choose branches by shapes") as raised:
        backend("onnxruntime").prepare(mine("branching"), CPU)
    assert "\x1b" not in str(raised.value)
    assert "\n" not in str(raised.value)


def test_a_format_that_a_runtime_does_not_run_is_refused(own) -> None:
    pytest.importorskip("onnxruntime")
    for workload in (mine("half"), mine("half", dtype="bfloat16")):
        with pytest.raises(UsageError, match="runs float32, not bfloat16. Take --dtype float32, or backend 'openvino'"):
            backend("onnxruntime").prepare(workload, CPU)


def test_exported_files_know_nothing_of_this_machine(own, tmp_path) -> None:
    pytest.importorskip("onnxscript")
    from hwcost.backends.onnx_export import exported

    export = exported(mine("drawn"))
    content = export.path.read_bytes()
    export.discard()
    assert b"stack_trace" not in content
    assert b"torch/nn" not in content
    assert str(tmp_path).encode() not in content
    assert not export.path.exists()


def test_the_reason_is_the_innermost_one_without_colours() -> None:
    try:
        try:
            raise RuntimeError("Found <class 'x.Cache'> in output, which is not a known type. See https://x.y")
        except RuntimeError as inner:
            raise ValueError("\x1b[96mstep 1/3\x1b[0m failed\nmore") from inner
    except ValueError as error:
        cause = plain_cause(error)
    assert cause == "Found <class 'x.Cache'> in output, which is not a known type"
    assert advice(cause) == " Return a tensor, or tensors in a tuple, a dict or a dataclass."
    assert plain_cause(ValueError("\x1b[1mred\x1b[0m")) == "red"
    assert plain_cause(KeyError()) == "KeyError"


def save(path, nodes, inputs, outputs, constants=()):
    from onnx import helper
    from onnx import save as write

    info = [[helper.make_tensor_value_info(name, *spec) for name, spec in side.items()] for side in (inputs, outputs)]
    graph = helper.make_graph([helper.make_node(*node) for node in nodes], "g", *info, list(constants))
    write(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def test_files_run_in_their_own_formats_and_shapes(runtime, tmp_path) -> None:
    from onnx import TensorProto

    inputs = {"x": (TensorProto.FLOAT16, ["batch", "seq"]), "t": (TensorProto.FLOAT16, [])}
    path = save(tmp_path / "a.onnx", [("Mul", ["x", "t"], ["y"])], inputs, {"y": (TensorProto.FLOAT16, None)})
    workload = OnnxWorkload.of(path, 2, 3)
    assert workload.name == "a.onnx@2x3-float16"
    given = workload.inputs()
    runner = backend(runtime).prepare(workload, CPU)
    np.testing.assert_allclose(runner.outputs()[0], given["x"].astype(np.float32) * float(given["t"]), rtol=2e-3)
    assert runner.facts["inputs"] == ["x 2x3 float16", "t scalar float16"]


def test_shapes_that_do_not_fit_are_told(runtime, tmp_path) -> None:
    from onnx import TensorProto, numpy_helper

    table = numpy_helper.from_array(np.ones((1, 16), np.float32), "table")
    inputs = {"x": (TensorProto.FLOAT, [-1, -1])}
    path = save(tmp_path / "a.onnx", [("Add", ["x", "table"], ["y"])], inputs, {"y": (TensorProto.FLOAT, None)}, [table])
    with pytest.raises(MeasurementError, match="fails with the inputs x 1x128 float32: .*--input NAME=1x64"):
        backend(runtime).prepare(OnnxWorkload.of(path), CPU)
    assert backend(runtime).prepare(OnnxWorkload.of(path, seq_len=16), CPU).outputs()[0].shape == (1, 16)


def test_a_file_that_is_too_new_says_so(tmp_path) -> None:
    onnx = pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    from onnx import TensorProto

    ports = {"x": (TensorProto.FLOAT, [2, 2])}, {"y": (TensorProto.FLOAT, [2, 2])}
    model = onnx.load(save(tmp_path / "a.onnx", [("Exp", ["x"], ["y"])], *ports))
    model.opset_import[0].version = 99
    onnx.save(model, str(tmp_path / "a.onnx"))
    with pytest.raises(DataError, match=r"a.onnx': it has opset 99, and this version runs opsets up to \d+. Install"):
        backend("onnxruntime").prepare(OnnxWorkload.of(tmp_path / "a.onnx"), CPU)
    model.opset_import[0].version, model.ir_version = 17, 99
    onnx.save(model, str(tmp_path / "a.onnx"))
    with pytest.raises(DataError, match="a.onnx': Unsupported model IR version: 99, max .*. Install a newer"):
        backend("onnxruntime").prepare(OnnxWorkload.of(tmp_path / "a.onnx"), CPU)


def test_dimensions_of_zero_are_dynamic(runtime, tmp_path) -> None:
    from onnx import TensorProto

    inputs, outputs = {"x": (TensorProto.FLOAT, [0, 0])}, {"y": (TensorProto.FLOAT, [0, 0])}
    path = save(tmp_path / "a.onnx", [("Exp", ["x"], ["y"])], inputs, outputs)
    content = path.read_bytes()
    workload = OnnxWorkload.of(path, 2, 3)
    runner = backend(runtime).prepare(workload, CPU)
    runner.run(2)
    np.testing.assert_allclose(runner.outputs()[0], np.exp(workload.inputs()["x"]), rtol=1e-5)
    assert runner.facts["inputs"] == ["x 2x3 float32"]
    assert path.read_bytes() == content


def test_an_output_of_another_shape_than_declared_runs_again_and_again(runtime, tmp_path) -> None:
    from onnx import TensorProto

    inputs, outputs = {"x": (TensorProto.FLOAT, [-1, -1])}, {"y": (TensorProto.FLOAT, [2, 2])}
    workload = OnnxWorkload.of(save(tmp_path / "a.onnx", [("Exp", ["x"], ["y"])], inputs, outputs), 1, 2)
    runner = backend(runtime).prepare(workload, CPU)
    runner.run(3)
    np.testing.assert_allclose(runner.outputs()[0], np.exp(workload.inputs()["x"]), rtol=1e-5)


TRANSFORMERS = '''
import transformers

TINY = {"num_attention_heads": 2, "vocab_size": 64}
def bert(): return transformers.BertModel(transformers.BertConfig(
    hidden_size=16, num_hidden_layers=1, intermediate_size=16, type_vocab_size=1, **TINY))
def gpt2(): return transformers.GPT2LMHeadModel(transformers.GPT2Config(vocab_size=64, n_embd=16, n_layer=1, n_head=2))
def t5(): return transformers.T5ForConditionalGeneration(transformers.T5Config(
    vocab_size=64, d_model=16, d_kv=8, d_ff=16, num_layers=1, num_heads=2))
'''


@pytest.mark.slow
@pytest.mark.parametrize("name", ["bert", "gpt2", "t5"])
def test_models_of_transformers_run_without_examples(tmp_path, monkeypatch, name) -> None:
    """Their ids stay within small vocabularies, and their outputs hold caches of keys and values."""
    for module in ("transformers", "onnxscript", "onnxruntime"):
        pytest.importorskip(module)
    (tmp_path / "tiny_transformers.py").write_text(TRANSFORMERS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "tiny_transformers", raising=False)
    workload = FactoryWorkload(f"tiny_transformers:{name}", batch_size=2, seq_len=8)
    assert backend("torch").prepare(workload, CPU).outputs()[0].shape[:2] == (2, 8)
    assert backend("onnxruntime").prepare(workload, CPU).facts["difference"] < 1e-4


def test_a_module_that_writes_into_its_inputs_is_checked_on_what_it_was_given(own) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    runner = backend("onnxruntime").prepare(mine("writing"), CPU)
    assert runner.facts["difference"] == 0.0


def test_a_module_that_draws_numbers_on_each_call_is_refused_for_that_reason(own) -> None:
    pytest.importorskip("onnxscript")
    pytest.importorskip("onnxruntime")
    with pytest.raises(MeasurementError, match="gives other outputs on each call with the same inputs"):
        backend("onnxruntime").prepare(mine("random"), CPU)
