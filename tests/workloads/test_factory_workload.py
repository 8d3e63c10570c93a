"""The user's own torch models."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import UsageError
from hwcost.workloads import FactoryWorkload

MODELS = '''
import torch
from torch import nn

class Text(nn.Module):
    def __init__(self):
        super().__init__()
        self.table = nn.Embedding(1000, 4)
    def forward(self, input_ids, attention_mask=None, labels=None):
        assert labels is None
        return self.table(input_ids) * attention_mask[..., None]

class Image(nn.Module):
    def __init__(self):
        super().__init__()
        self.dense = nn.Linear(3, 2)
    def forward(self, pixels, scale=None):
        return self.dense(pixels) * (1 if scale is None else scale)

def text(): return Text()
def image(): return Image()
def pair(): return Image(), (torch.ones(4, 3),)
def tensor(): return Image(), torch.ones(4, 3)
def by_name(): return Image(), {"scale": torch.full((1,), 3.0), "pixels": torch.ones(4, 3)}
def sized(batch_size, dtype): return Image(), (torch.ones(batch_size, 3, dtype=dtype),)
def wrong(): return 5
def wrong_example(): return Image(), 5
def wrong_values(): return Image(), (object(),)
value = 3
'''


@pytest.fixture(autouse=True)
def _folder(tmp_path, monkeypatch):
    (tmp_path / "own_models.py").write_text(MODELS)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(__import__("sys").modules, "own_models", raising=False)


def run(name, **shape):
    workload = FactoryWorkload(f"own_models:{name}", **shape)
    built = workload.built()
    return built.module(*built.args, **built.kwargs)


def test_known_arguments_need_no_example() -> None:
    workload = FactoryWorkload("own_models:text", batch_size=2, seq_len=5)
    inputs = workload.inputs()
    assert list(inputs) == ["input_ids", "attention_mask"]
    assert all(array.shape == (2, 5) and array.dtype == np.int64 for array in inputs.values())
    assert inputs["attention_mask"].all()
    assert run("text", batch_size=2, seq_len=5).shape == (2, 5, 4)


def test_examples_are_taken_as_they_are() -> None:
    assert run("pair").shape == (4, 2)
    assert torch.equal(run("tensor").isfinite(), torch.ones(4, 2, dtype=torch.bool))


def test_examples_by_name_reach_the_right_arguments() -> None:
    workload = FactoryWorkload("own_models:by_name")
    assert list(workload.inputs()) == ["scale", "pixels"]
    torch.manual_seed(0)
    assert run("by_name").shape == (4, 2)


def test_the_factory_gets_the_shape_it_asks_for_and_the_dtype_is_applied() -> None:
    output = run("sized", batch_size=7, dtype="bfloat16")
    assert output.shape == (7, 2)
    assert output.dtype == torch.bfloat16


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("own_models:image", "forward takes pixels. Known without an example: input_ids.*return the pair"),
        ("own_models:wrong", "returned int, not a torch.nn.Module"),
        ("own_models:wrong_example", "are int. Let the factory return the pair"),
        ("own_models:wrong_values", "example input 0 is no tensor but object"),
        ("own_models:value", "has no function 'value'"),
        ("own_models:nothing", "has no function 'nothing'"),
        ("no_such_models:text", "'no_such_models:text' cannot be imported: No module.*Looked in"),
    ],
)
def test_mistakes_are_explained(factory, message) -> None:
    with pytest.raises(UsageError, match=message):
        FactoryWorkload(factory).inputs()
