"""The user's own ONNX files."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import os

import numpy as np
import pytest

onnx = pytest.importorskip("onnx")


from hwcost.errors import DataError, UsageError
from hwcost.workloads import OnnxWorkload, from_dict
from hwcost.workloads.base import digest
from tests.workloads.onnx_files import text_model


def test_dynamic_dimensions_are_filled_and_ids_stay_in_the_table(tmp_path) -> None:
    workload = OnnxWorkload.of(text_model(tmp_path / "a.onnx"), batch_size=3, seq_len=200)
    inputs = workload.inputs()
    assert {name: array.shape for name, array in inputs.items()} == {
        "ids": (3, 200), "attention_mask": (3, 200), "extra": (3, 200, 4)
    }  # fmt: skip
    assert inputs["ids"].dtype == np.int32
    assert 40 < inputs["ids"].max() < 50
    assert (inputs["attention_mask"] == 1).all()
    assert inputs["extra"].dtype == np.float32
    assert workload.name == "a.onnx@3x200"
    assert from_dict(workload.as_dict()) == workload


@pytest.mark.parametrize("shape", [("N", "len"), ("batch_size", "seq_length"), (None, None), ("sequence", "batch")])
def test_dimensions_are_known_by_name_or_else_by_place(tmp_path, shape) -> None:
    inputs = OnnxWorkload.of(text_model(tmp_path / "a.onnx", shape), batch_size=3, seq_len=7).inputs()
    assert inputs["ids"].shape == ((7, 3) if shape == ("sequence", "batch") else (3, 7))


def test_a_graph_with_fixed_shapes_keeps_them(tmp_path) -> None:
    path = text_model(tmp_path / "a.onnx", (4, 6))
    workload = OnnxWorkload.of(path, default=(8, 128))
    assert (workload.batch_size, workload.seq_len, workload.name) == (4, 6, "a.onnx@4x6")
    assert workload.inputs()["ids"].shape == (4, 6)
    assert OnnxWorkload.of(path, batch_size=4, seq_len=6) == workload
    assert from_dict(workload.as_dict()) == workload
    with pytest.raises(UsageError, match="fixes the batch size 4, and 1 was asked for. Ask for 4"):
        OnnxWorkload.of(path, batch_size=1)
    with pytest.raises(UsageError, match="fixes the sequence length 6, and 32 was asked for. Ask for 6"):
        OnnxWorkload.of(path, seq_len=32)
    with pytest.raises(UsageError, match="holds float32 numbers, and float16 was asked for"):
        OnnxWorkload.of(path, dtype="float16")


def test_workloads_keep_the_keys_that_stores_know_them_by(tmp_path) -> None:
    fixed, dynamic = text_model(tmp_path / "a.onnx", (4, 6)), text_model(tmp_path / "b.onnx")
    made = OnnxWorkload.of(dynamic, 2, 16)
    known = {"kind": "onnx", "sha256": made.sha256, "batch_size": 2, "seq_len": 16, "dtype": "float32"}
    assert made.key == digest(known)
    made = OnnxWorkload.of(fixed)
    assert made.key == digest({**known, "sha256": made.sha256, "batch_size": 4, "seq_len": None})


def test_equal_content_elsewhere_is_the_same_workload(tmp_path) -> None:
    one, other = (OnnxWorkload.of(text_model(tmp_path / name)) for name in ("a.onnx", "b.onnx"))
    assert one.key == other.key


def test_a_file_that_changed_is_refused(tmp_path) -> None:
    path = text_model(tmp_path / "a.onnx")
    workload = OnnxWorkload.of(path)
    text_model(path, rows=51)
    with pytest.raises(DataError, match="is not the file that the workload was made of"):
        workload.inputs()


@pytest.mark.parametrize("content", [b"", b"not a model", b"\x00" * 64, b"PK\x03\x04", "é\n".encode("latin-1") * 9])
def test_other_files_are_no_models(tmp_path, content) -> None:
    path = tmp_path / "a.onnx"
    path.write_bytes(content)
    with pytest.raises(DataError, match="is not an ONNX model"):
        OnnxWorkload.of(path)


def test_nodes_without_inputs_are_no_look_ups(tmp_path) -> None:
    model = onnx.load(str(text_model(tmp_path / "a.onnx")))
    model.graph.node.insert(0, onnx.helper.make_node("Constant", [], ["unused"], value_int=1))
    onnx.save(model, str(tmp_path / "b.onnx"))
    assert OnnxWorkload.of(tmp_path / "b.onnx").inputs()["ids"].max() < 50


@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_what_never_ends_is_no_model(kind, tmp_path) -> None:
    if kind == "pipe":
        os.mkfifo(tmp_path / "pipe")
    with pytest.raises(DataError, match="is not a plain file"):
        OnnxWorkload.of(tmp_path / "pipe" if kind == "pipe" else "/dev/zero")


def test_a_missing_file_is_named(tmp_path) -> None:
    with pytest.raises(DataError, match="cannot read .*none.onnx': No such file"):
        OnnxWorkload.of(tmp_path / "none.onnx")


def test_a_dimension_that_nothing_fills_is_named(tmp_path) -> None:
    path = text_model(tmp_path / "a.onnx", ("batch", "sequence", "heads"))
    with pytest.raises(UsageError, match="input 'ids' has a dynamic dimension 'heads'"):
        OnnxWorkload.of(path)


def test_an_onnx_file_is_no_torch_model(tmp_path) -> None:
    with pytest.raises(UsageError, match="is not a torch model"):
        OnnxWorkload.of(text_model(tmp_path / "a.onnx")).build()
