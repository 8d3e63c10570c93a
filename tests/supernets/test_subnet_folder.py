"""A net with weights as a folder: loaded with hwcost, run without it, exported to ONNX, and refused when damaged."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import json
import subprocess
import sys

import pytest

torch = pytest.importorskip("torch")
pytest.importorskip("safetensors")

from hwcost.errors import DataError, UsageError
from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets import subnet
from hwcost.supernets.student import student, student_blueprint, teacher
from hwcost.workloads.weights import count_parameters
from tests.supernets.nets import batch, shaken

pytestmark = pytest.mark.torch

SPACES = ["supershaper:scale=mini", "supershaper:scale=mini,merged=true", "autodistil:scale=mini", "components:grid=mini"]

ALONE = """
import sys

class Nothing:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "hwcost":
            raise ModuleNotFoundError(name)

sys.meta_path.insert(0, Nothing())
import torch
for folder in sys.argv[2:]:
    sys.path.insert(0, folder)
    import modeling
    torch.save(modeling.load()(*torch.load(sys.argv[1], weights_only=True)).detach(), folder + "/output.pt")
    del sys.path[0], sys.modules["modeling"]
"""


def save(text, folder):
    """Saves a net; returns its folder and the net itself."""
    net = shaken(text)
    arch = net.space.sample(1, seed=3)[0]
    return net.save(arch, folder), net.extract(arch)


@pytest.fixture(params=SPACES)
def saved(request, tmp_path):
    return save(request.param, tmp_path / "net")


def test_nets_are_what_they_were(saved) -> None:
    folder, model = saved
    again = subnet.load(folder)
    assert torch.equal(again(*batch()), model(*batch()))
    assert not again.training


def test_nets_run_where_hwcost_is_not_installed(tmp_path) -> None:
    torch.save(list(batch()), tmp_path / "inputs.pt")
    models = dict(save(text, tmp_path / f"net{number}") for number, text in enumerate(SPACES))
    command = [sys.executable, "-c", ALONE, str(tmp_path / "inputs.pt"), *map(str, models)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    for folder, model in models.items():
        assert torch.equal(torch.load(folder / "output.pt", weights_only=True), model(*batch()).detach())


def test_sources_import_torch_and_the_standard_library_alone(saved) -> None:
    folder, _ = saved
    assert "import hwcost" not in (folder / subnet.SOURCE).read_text()
    assert "from hwcost" not in (folder / subnet.SOURCE).read_text()


@pytest.mark.parametrize("damage", ["cut", "gone", "other"])
def test_damaged_weights_are_refused(saved, damage) -> None:
    folder, _ = saved
    weights = folder / subnet.WEIGHTS
    if damage == "cut":
        weights.write_bytes(weights.read_bytes()[:-1000])
    elif damage == "gone":
        weights.unlink()
    else:
        subnet.write_tensors(weights, {"something": torch.ones(3)})
    expected = {"cut": "are damaged", "gone": "there are no weights at", "other": "do not fit its config.json"}[damage]
    with pytest.raises(DataError, match=expected):
        subnet.load(folder)


def test_damaged_descriptions_are_refused(saved, tmp_path) -> None:
    folder, _ = saved
    with pytest.raises(DataError, match="holds no net: No such file or directory: config.json"):
        subnet.load(tmp_path)
    config = folder / subnet.CONFIG
    described = json.loads(config.read_text())
    for module, name in (("os", "system"), ("hwcost.workloads.builder", "import_module"), (3, None)):
        config.write_text(json.dumps({**described, "net": {"module": module, "name": name, "arguments": {"name": "x"}}}))
        with pytest.raises(DataError, match="no installed builder makes such nets"):
            subnet.load(folder)
    config.write_text(json.dumps({**described, "net": {**described["net"], "arguments": {"depth": 3}}}))
    with pytest.raises(DataError, match="do not fit its config.json"):
        subnet.load(folder)
    config.write_text(json.dumps({**described, "schema_version": 2}))
    with pytest.raises(DataError, match="has schema version 2"):
        subnet.load(folder)
    config.write_text("{")
    with pytest.raises(DataError, match="describes no net: it is damaged"):
        subnet.load(folder)


def test_folders_that_cannot_be_written_are_told(tmp_path) -> None:
    (tmp_path / "file").write_text("")
    space = AutoDistill(scale="mini")
    arch = space.sample(1)[0]
    with pytest.raises(UsageError, match="cannot write a net into"):
        subnet.save(tmp_path / "file" / "net", student(space, arch), student_blueprint(space, arch, "mlm"))


@pytest.mark.parametrize("head", [None, *(pytest.param(head, marks=pytest.mark.slow) for head in ("mlm", "pooler"))])
def test_students_are_themselves_after_save_load_and_onnx(tmp_path, head) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from hwcost.backends.onnx_module import export_module

    space = AutoDistill(scale="mini")
    arch = space.sample(1, seed=5)[0]
    net = student(space, arch, head, seed=4).eval()
    assert head is not None or count_parameters(net) == space.params(arch)
    inputs = batch(vocabulary=space.sizes.vocabulary)
    expected = net(*inputs).detach()
    again = subnet.load(subnet.save(tmp_path / "net", net, student_blueprint(space, arch, head)))
    assert torch.equal(again(*inputs), expected)
    names = ["input_ids", "attention_mask", "token_type_ids"]
    export_module(again, dict(zip(names, inputs, strict=True)), tmp_path / "net.onnx")
    session = onnxruntime.InferenceSession(str(tmp_path / "net.onnx"))
    found = session.run(None, {name: value.numpy() for name, value in zip(names, inputs, strict=True)})[0]
    assert float((torch.from_numpy(found) - expected).abs().max()) <= 1e-5 * max(1.0, float(expected.abs().max()))


def test_the_teacher_is_the_inverted_bottleneck_of_the_papers_size() -> None:
    """IB-BERT_LARGE has 293 M parameters; the template with an inverted bottleneck gives that, heads aside."""
    space = AutoDistill()
    with torch.device("meta"):
        net = __import__("hwcost.workloads", fromlist=["builder"]).builder(space).teacher("none").build()
    assert count_parameters(net) == pytest.approx(293e6, rel=0.005)
    assert teacher(AutoDistill(scale="mini")).blocks[0].heads == 4
