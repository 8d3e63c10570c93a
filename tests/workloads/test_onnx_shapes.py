"""Shapes and formats of the inputs of ONNX graphs: sizes that names determine, and sizes that must be given."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

onnx = pytest.importorskip("onnx")

from onnx import TensorProto, helper

from hwcost.errors import DataError, UsageError
from hwcost.workloads import OnnxWorkload, from_dict
from hwcost.workloads.input_option import InputShape, read_inputs
from hwcost.workloads.onnx_ports import Port

PAST = "past_sequence_length"
DECODER = {
    "input_ids": (TensorProto.INT64, ["batch_size", "sequence_length"]),
    "attention_mask": (TensorProto.INT64, ["batch_size", f"{PAST} + sequence_length"]),
    "past.0.key": (TensorProto.FLOAT, ["batch_size", 2, PAST, 8]),
    "past.0.value": (TensorProto.FLOAT, ["batch_size", 2, PAST, 8]),
}


def graph(path, inputs):
    """Writes a graph with these inputs, of which nothing is computed."""
    ports = [helper.make_tensor_value_info(name, kind, dims) for name, (kind, dims) in inputs.items()]
    output = helper.make_tensor_value_info("y", ports[0].type.tensor_type.elem_type, None)
    made = helper.make_graph([helper.make_node("Identity", [ports[0].name], ["y"])], "g", ports, [output])
    onnx.save(helper.make_model(made, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), str(path))
    return path


def shapes(workload):
    return {name: array.shape for name, array in workload.inputs().items()}


def test_one_shape_tells_all_dimensions_of_the_same_names(tmp_path) -> None:
    path = graph(tmp_path / "d.onnx", DECODER)
    workload = OnnxWorkload.of(path, seq_len=4, inputs={"past.0.key": (3, 2, 64, 8)})
    assert shapes(workload) == {
        "input_ids": (3, 4), "attention_mask": (3, 68), "past.0.key": (3, 2, 64, 8), "past.0.value": (3, 2, 64, 8)
    }  # fmt: skip
    assert workload.name == f"d.onnx@3x4,{PAST}=64"
    assert from_dict(workload.as_dict()) == workload
    other = OnnxWorkload.of(path, seq_len=4, inputs={"past.0.value": (3, 2, 32, 8)})
    assert other.key != workload.key
    assert OnnxWorkload.of(path, seq_len=4, inputs={"past.0.value": (3, 2, 64, 8)}).key == workload.key


def test_a_sum_tells_its_unknown_part(tmp_path) -> None:
    given = {"input_ids": (1, 4), "attention_mask": (1, 20), "past.0.key": (1, 2, 16, 8)}
    workload = OnnxWorkload.of(graph(tmp_path / "d.onnx", DECODER), inputs=given)
    assert dict(workload.sizes) == {PAST: 16}
    with pytest.raises(UsageError, match="was given both as|so that"):
        OnnxWorkload.of(graph(tmp_path / "d.onnx", DECODER), inputs={**given, "past.0.value": (1, 2, 17, 8)})


@given(past=st.integers(0, 50), new=st.integers(1, 50), batch=st.integers(1, 9))
def test_sums_and_products_are_worked_out(past, new, batch) -> None:
    port = Port("x", 1, np.dtype("float32"), ("batch*4", "past + seq", "past+seq - 1 + 2*seq"))
    sizes = {"batch_size": batch, "seq_len": new, "past": past}
    assert port.shape(sizes) == (4 * batch, past + new, past + 3 * new - 1)


def test_what_nothing_tells_is_asked_for_with_the_line_to_write(tmp_path) -> None:
    path = graph(tmp_path / "d.onnx", DECODER)
    with pytest.raises(UsageError, match=f"'past.0.key' has a dynamic dimension '{PAST}'.*--input past.0.key=1x2x128x8"):
        OnnxWorkload.of(path)
    image = graph(tmp_path / "i.onnx", {"pixels": (TensorProto.FLOAT, [-1, 3, -1, 0])})
    with pytest.raises(UsageError, match="dimension 'number 3'.*--input pixels=1x3x"):
        OnnxWorkload.of(image)
    workload = OnnxWorkload.of(image, inputs={"pixels": (2, 3, 32, 48)})
    assert shapes(workload) == {"pixels": (2, 3, 32, 48)}
    assert workload.name == "i.onnx@2,pixels.2=32,pixels.3=48"


@pytest.mark.parametrize("dims", [[-1, -1], [0, 0], ["", ""], ["s0", "s1"], ["unk__1", "unk__2"], ["b", "tokens"]])
def test_dimensions_without_a_telling_name_are_taken_by_place(tmp_path, dims) -> None:
    inputs = dict.fromkeys(("input_ids", "attention_mask"), (TensorProto.INT64, dims))
    workload = OnnxWorkload.of(graph(tmp_path / "a.onnx", inputs), default=(2, 7))
    assert shapes(workload) == {"input_ids": (2, 7), "attention_mask": (2, 7)}
    assert workload.name == "a.onnx@2x7"


def test_a_fixed_helper_input_is_no_batch(tmp_path) -> None:
    inputs = {"input_ids": (TensorProto.INT64, [1, 32]), "bias": (TensorProto.FLOAT, [32, 64])}
    workload = OnnxWorkload.of(graph(tmp_path / "a.onnx", inputs), default=(128, 128))
    assert workload.name == "a.onnx@1x32"
    assert shapes(workload) == {"input_ids": (1, 32), "bias": (32, 64)}


def test_scalars_and_open_ranks(tmp_path) -> None:
    inputs = {"x": (TensorProto.FLOAT, ["batch", 4]), "t": (TensorProto.FLOAT, []), "free": (TensorProto.FLOAT, None)}
    path = graph(tmp_path / "a.onnx", inputs)
    with pytest.raises(UsageError, match="input 'free' has no shape. Give it, for example --input free=1x64"):
        OnnxWorkload.of(path)
    workload = OnnxWorkload.of(path, inputs={"free": (5, 6)})
    assert shapes(workload) == {"x": (1, 4), "t": (), "free": (5, 6)}
    assert from_dict(workload.as_dict()).key == workload.key


@pytest.mark.parametrize("kind", ["FLOAT16", "BFLOAT16", "DOUBLE", "FLOAT"])
def test_a_graph_keeps_its_own_formats(tmp_path, kind) -> None:
    number = getattr(TensorProto, kind)
    workload = OnnxWorkload.of(graph(tmp_path / "a.onnx", {"x": (number, ["batch", "seq", 8])}))
    assert workload.inputs()["x"].dtype == helper.tensor_dtype_to_np_dtype(number)
    assert workload.dtype == {"DOUBLE": "float64", "FLOAT": "float32"}.get(kind, kind.lower())


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"inputs": {"ids": (1, 2)}}, "has no input 'ids'. It has input_ids"),
        ({"inputs": {"past.0.key": (1, 3, 4, 8)}}, "is batch_size x 2 x past_sequence_length x 8 float32, and was given"),
        ({"inputs": {"input_ids": (1, 2, 3)}}, "was given the shape 1x2x3"),
        ({"inputs": {"input_ids": InputShape((1, 2), "int32")}}, "holds int64, and int32 was given"),
        ({"inputs": {"input_ids": (2, 4)}, "batch_size": 3}, "have the batch size 2, and 3 was asked for"),
        ({"inputs": {"input_ids": (2, 4), "past.0.key": (3, 2, 4, 8)}}, "'batch_size' was given both as 2 and as 3"),
    ],
)
def test_shapes_that_contradict_the_graph_are_refused(tmp_path, asked, message) -> None:
    with pytest.raises(UsageError, match=message):
        OnnxWorkload.of(graph(tmp_path / "d.onnx", DECODER), **asked)


def test_shapes_as_they_are_typed() -> None:
    assert read_inputs(["a=1x128", "b:0=2:int64", "t=scalar"]) == {
        "a": InputShape((1, 128)), "b:0": InputShape((2,), "int64"), "t": InputShape(())
    }  # fmt: skip
    for wrong in ("a", "a=1,2", "=1x2", "a=x", "a=1x-2"):
        with pytest.raises(UsageError, match="is not the shape of an input. Expected NAME=1x128"):
            read_inputs([wrong])
    with pytest.raises(UsageError, match="'a' is given twice"):
        read_inputs(["a=1", "a=2"])


def test_an_image_of_bytes_has_no_sequence_length(tmp_path) -> None:
    path = graph(tmp_path / "i.onnx", {"pixels": (TensorProto.UINT8, ["batch", 32, 32, 3])})
    workload = OnnxWorkload.of(path)
    assert workload.name == "i.onnx@1"
    assert workload.inputs()["pixels"].max() > 1
    with pytest.raises(UsageError, match="has no sequence length, and 32 was asked for"):
        OnnxWorkload.of(path, seq_len=32)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (b"", "is not an ONNX model: it is empty"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\n", "a Git LFS pointer. Run 'git lfs pull'"),
        (b"no model", "is not an ONNX model"),
    ],
)
def test_files_that_are_no_models(tmp_path, content, message) -> None:
    (tmp_path / "m.onnx").write_bytes(content)
    with pytest.raises(DataError, match=message):
        OnnxWorkload.of(tmp_path / "m.onnx")


def test_weights_that_were_left_behind_are_named(tmp_path) -> None:
    port, out = (helper.make_tensor_value_info(name, TensorProto.FLOAT, [1, 4]) for name in ("x", "y"))
    weights = onnx.numpy_helper.from_array(np.ones((4, 4), np.float32), "W")
    made = helper.make_graph([helper.make_node("MatMul", ["x", "W"], ["y"])], "g", [port], [out], [weights])
    path = tmp_path / "w.onnx"
    onnx.save(helper.make_model(made), str(path), save_as_external_data=True, location="w.bin", size_threshold=0)
    assert OnnxWorkload.of(path).dtype == "float32"
    (tmp_path / "w.bin").unlink()
    with pytest.raises(DataError, match="lie in 'w.bin', which is not in .*Put that file beside the model"):
        OnnxWorkload.of(path)
    (tmp_path / "w.bin").write_bytes(b"version https://git-lfs.github.com/spec/v1\n")
    with pytest.raises(DataError, match="end at byte 64: the file is not whole but a Git LFS pointer. Run 'git lfs pull'"):
        OnnxWorkload.of(path)
    (tmp_path / "w.bin").write_bytes(bytes(63))
    with pytest.raises(DataError, match="has 63 bytes, .*is not whole. Copy or download it again"):
        OnnxWorkload.of(path)


def saved(path: Path, nodes: list[Any], inputs: list[Any]) -> Path:
    output = helper.make_tensor_value_info("y", TensorProto.FLOAT, None)
    weights = onnx.numpy_helper.from_array(np.ones((4, 4), np.float32), "W")
    onnx.save(helper.make_model(helper.make_graph(nodes, "g", inputs, [output], [weights])), str(path))
    return path


def test_a_graph_whose_outputs_are_constants_has_no_latency(tmp_path) -> None:
    """A runtime would compute it once, as it loads the file, and the latency would be that of nothing."""
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 4])
    constant = [helper.make_node("MatMul", ["W", "W"], ["y"])]
    with pytest.raises(DataError, match=r"c.onnx' depends on its inputs \(x\): a runtime computes such outputs once"):
        OnnxWorkload.of(saved(tmp_path / "c.onnx", constant, [port]))
    with pytest.raises(DataError, match="depends on an input, since it has none"):
        OnnxWorkload.of(saved(tmp_path / "n.onnx", constant, []))
    drawn = [helper.make_node("RandomNormal", [], ["z"], shape=[4, 4]), helper.make_node("MatMul", ["z", "W"], ["y"])]
    assert OnnxWorkload.of(saved(tmp_path / "d.onnx", drawn, [])).batch_size is None


def test_an_input_that_a_branch_reads_matters(tmp_path) -> None:
    port = helper.make_tensor_value_info("x", TensorProto.FLOAT, [4, 4])
    given = [helper.make_tensor_value_info("z", TensorProto.FLOAT, [4, 4])]
    reads = helper.make_graph([helper.make_node("Exp", ["x"], ["z"])], "a", [], given)
    other = helper.make_graph([helper.make_node("Exp", ["W"], ["z"])], "b", [], given)
    true = helper.make_node("Constant", [], ["c"], value=helper.make_tensor("c", TensorProto.BOOL, [], [True]))
    branch = helper.make_node("If", ["c"], ["y"], then_branch=reads, else_branch=other)
    assert OnnxWorkload.of(saved(tmp_path / "i.onnx", [true, branch], [port])).batch_size == 4


def test_inputs_that_are_no_numbers_are_named(tmp_path) -> None:
    port = helper.make_tensor_value_info("x", TensorProto.STRING, [1])
    path = saved(tmp_path / "s.onnx", [helper.make_node("Identity", ["x"], ["y"])], [port])
    with pytest.raises(UsageError, match="input 'x' is a tensor of texts. Only tensors of numbers"):
        OnnxWorkload.of(path)
