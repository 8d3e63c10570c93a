"""``hwcost measure --model``: labels say what runs, and what cannot be applied is refused before anything is measured."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.cli.main import invoke

FACTORY = """
import torch
def half():
    print("loud")
    return torch.nn.Linear(8, 8, dtype=torch.bfloat16), torch.ones(4, 8, dtype=torch.bfloat16)
"""


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def decoder() -> str:
    onnx = pytest.importorskip("onnx")
    from onnx import TensorProto, helper

    dims = {"ids": ["batch", 16], "past": ["batch", "past_length"]}
    ports = [helper.make_tensor_value_info(name, TensorProto.INT64, shape) for name, shape in dims.items()]
    output = helper.make_tensor_value_info("y", TensorProto.INT64, None)
    graph = helper.make_graph([helper.make_node("Concat", ["ids", "past"], ["y"], axis=1)], "g", ports, [output])
    onnx.save(helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8), "d.onnx")
    return "d.onnx"


def planned(capsys: pytest.CaptureFixture[str], *options: str) -> dict[str, object]:
    assert invoke(["measure", *options, "--dry-run", "--json", "-"]) == 0
    (item,) = json.loads(capsys.readouterr().out)["plan"]["items"]
    return dict(item["workload"])


def test_shapes_of_a_file_reach_the_plan(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("onnxruntime")
    workload = planned(capsys, "--model", decoder(), "--backend", "onnxruntime", "--input", "past=3x40:int64")
    assert (workload["batch_size"], workload["seq_len"], workload["sizes"]) == (3, 16, {"past_length": 40})


@pytest.mark.parametrize(
    ("options", "says"),
    [
        ([], "--input past=1x16"),
        (["--input", "past=1x4", "--seq-len", "32"], "fixes the sequence length 16, and 32 was asked for. Ask for 16"),
        (["--input", "past=1x4", "--batch-size", "2"], "have the batch size 1, and 2 was asked for"),
        (["--input", "past=1by4"], "Expected NAME=1x128"),
        (["--input", "passed=1x4"], "has no input 'passed'. It has ids"),
    ],
)
def test_what_a_file_cannot_do_is_refused(capsys: pytest.CaptureFixture[str], options: list[str], says: str) -> None:
    pytest.importorskip("onnxruntime")
    assert invoke(["measure", "--model", decoder(), "--backend", "onnxruntime", *options, "--dry-run"]) == 2
    assert says in " ".join(capsys.readouterr().err.split())


def test_several_files_make_one_campaign(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("onnxruntime")
    onnx = pytest.importorskip("onnx")
    (tmp_path / "nets").mkdir()
    model = onnx.load(decoder())
    for name in ("b", "a"):
        model.doc_string = name
        onnx.save(model, f"nets/{name}.onnx")
    command = ["measure", "--backend", "onnxruntime", "--input", "past=1x4", "--dry-run", "--json", "-"]
    assert invoke([*command, "--model", "nets/*.onnx", "--model", "d.onnx"]) == 0
    plan = json.loads(capsys.readouterr().out)["plan"]
    assert sorted(Path(item["workload"]["path"]).name for item in plan["items"]) == ["a.onnx", "b.onnx", "d.onnx"]
    assert invoke([*command, "--model", "net/*.onnx"]) == 2
    assert "no file matches 'net/*.onnx'" in capsys.readouterr().err


def test_a_file_is_none_for_torch(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["measure", "--model", decoder(), "--input", "past=1x4", "--dry-run"]) == 2
    assert "runs onnx workloads: onnxruntime, openvino, tensorrt" in " ".join(capsys.readouterr().err.split())


def test_inputs_are_those_of_a_file(capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["measure", "--backend", "null", "--input", "x=1x2"]) == 2
    assert "give --model FILE.onnx too" in " ".join(capsys.readouterr().err.split())
    assert invoke(["measure", "--model", "some:factory", "--input", "x=1x2", "--backend", "null"]) == 2
    assert "return example inputs" in " ".join(capsys.readouterr().err.split())


@pytest.mark.torch
def test_a_factory_is_labelled_by_what_it_makes(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    pytest.importorskip("torch")
    (tmp_path / "own_half.py").write_text(FACTORY)
    workload = planned(capsys, "--model", "own_half:half")
    assert workload["dtype"] == "bfloat16"
    assert (workload["batch_size"], workload["seq_len"], workload["shapes"]) == (None, None, [["input_0", [4, 8]]])
