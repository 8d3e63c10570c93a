# ruff: noqa: E402 - nothing below can be imported without the optional packages
"""TensorRT-RTX really parses and builds, for GPUs that are not here."""

from __future__ import annotations

import pytest

for module in ("tensorrt_rtx", "torch", "onnx", "onnxscript"):
    pytest.importorskip(module)

from hwcost.backends import backend
from hwcost.errors import DataError, DeviceError, UsageError
from hwcost.spaces import space
from hwcost.testing.backends import small_workload
from hwcost.workloads import OnnxWorkload, models
from tests.backends.test_tensorrt import GPU, onnx_file

pytestmark = pytest.mark.slow
SPACE = space("supershaper")
BERT = space("autodistil", subspace="reference")


def made(**options):
    return backend("tensorrt", options={"package": "tensorrt-rtx", **options})


def is_built_then_found(workload, target, least_bytes, **options):
    first = made(**options).built(workload, target)
    again = made(**options).built(workload, target)
    assert (first["executed"], first["engine"]["gpu"]) == (False, target)
    assert (first["engine"]["from_cache"], again["engine"]["from_cache"]) == (False, True)
    assert again["engine"]["key"] == first["engine"]["key"]
    assert first["engine"]["bytes"] > least_bytes
    return first


@pytest.mark.parametrize("target", ["sm80", "sm89"])
@pytest.mark.parametrize(
    "net",
    [BERT.architecture([12, 768, 4, 12]), SPACE.architecture([120] * 12), SPACE.architecture([768] * 12)],
    ids=["BERT-base", "narrowest", "widest"],
)
def test_bert_base_and_the_extremes_of_supershaper_build(net, target) -> None:
    (workload,) = models(BERT if len(net.genes) == 4 else SPACE, [net])
    is_built_then_found(workload, target, 4 * workload.work().params)


@pytest.mark.parametrize("options", [{"quantization": "qdq"}, {"profile": True, "tf32": True, "optimization": 5}])
def test_options_build_engines_of_their_own(options) -> None:
    facts = is_built_then_found(small_workload(), "sm89", 10**6, **options)
    assert facts["precision"] == ("int8-qdq" if "quantization" in options else "tf32")


def test_what_it_refuses_names_the_reason(tmp_path) -> None:
    with pytest.raises(UsageError, match="cannot build for sm70. It builds for sm75, sm80, .*sm89"):
        made().built(small_workload(), "sm70")
    workload = OnnxWorkload.of(onnx_file(tmp_path / "a.onnx", "NoSuch", [2]), batch_size=2)
    with pytest.raises(DataError, match="cannot parse 'a.onnx@2': NoSuch 'node': .*Plugin not found"):
        made().built(workload, "sm80")


def test_running_needs_a_gpu() -> None:
    import torch

    if torch.cuda.is_available():
        pytest.skip("there is a GPU")
    with pytest.raises(DeviceError, match="sees no CUDA device"):
        made().prepare(small_workload(), GPU)
