"""The user's own torch models."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import sys

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import MeasurementError, UsageError
from hwcost.workloads import FactoryWorkload, from_dict
from hwcost.workloads.base import digest
from hwcost.workloads.factory import DEFAULTS

MODELS = '''
import numpy as np
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
def half(): return nn.Linear(4, 4, dtype=torch.bfloat16), torch.ones(2, 4, dtype=torch.bfloat16)
def mixed(): return nn.Sequential(nn.Linear(9, 9, dtype=torch.bfloat16), nn.LayerNorm(9)), torch.ones(1, 9)
def double(): return Image().double(), torch.ones(1, 3, dtype=torch.float64)
def random(): return nn.Linear(4, 4), torch.randn(2, 4)
def changing(): return Image(), torch.ones(len(calls), 3)
def small(): return Small()
def anything(**asked): return Image(), {"pixels": np.ones((4, 3), np.float32)}
def passes_on(**asked): return sized(asked["batch_size"], asked["dtype"])
def fixed(batch_size, seq_len): return Image(), (torch.ones(4, 3),)
def flattened(batch_size, seq_len): return Image(), (torch.ones(batch_size * seq_len, 3),)
def even(batch_size):
    assert batch_size % 2 == 0
    return Image(), (torch.ones(batch_size // 2, 2, 3),)
MODEL = nn.Identity()
def array(): return Image(), np.ones((4, 3), np.float32)
def scripted(): return torch.jit.script(nn.Linear(3, 2)), torch.ones(4, 3)
def fails(): raise ValueError("no weights")
calls = [1, 2]

class Small(nn.Module):
    def __init__(self):
        super().__init__()
        self.words, self.kinds = nn.Embedding(50, 4), nn.Embedding(1, 4)
        self.places = nn.Embedding(16, 4)
    def forward(self, input_ids, token_type_ids, attention_mask=None):
        places = torch.arange(input_ids.shape[1])
        return self.words(input_ids.view(-1, input_ids.shape[-1])) + self.kinds(token_type_ids) + self.places(places)
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
    ("name", "asked", "label"),
    [
        ("pair", {}, "own_models:pair@4x3"),
        ("by_name", {}, "own_models:by_name@1,4x3"),
        ("sized", {}, "own_models:sized@16"),
        ("sized", {"batch_size": 2, "dtype": "bfloat16"}, "own_models:sized@2-bfloat16"),
        ("text", {"seq_len": 9}, "own_models:text@16x9"),
        ("half", {}, "own_models:half@2x4-bfloat16"),
        ("half", {"dtype": "float32"}, "own_models:half@2x4"),
        ("mixed", {}, "own_models:mixed@1x9-bfloat16"),
        ("double", {}, "own_models:double@1x3-float64"),
    ],
)
def test_labels_say_what_runs(name, asked, label) -> None:
    workload = FactoryWorkload(f"own_models:{name}", **asked).described({**DEFAULTS, "batch_size": 16})
    assert workload.name == label
    assert from_dict(workload.as_dict()) == workload
    built = workload.built()
    assert built.dtype() == workload.dtype
    assert FactoryWorkload(f"own_models:{name}").name == f"own_models:{name}"  # before anybody looked


def test_what_was_drawn_keeps_the_key_that_stores_know_it_by() -> None:
    workload = FactoryWorkload("own_models:text").described(DEFAULTS)
    known = {"kind": "factory", "factory": "own_models:text", "batch_size": 1, "seq_len": 128, "dtype": "float32"}
    assert workload.key == digest(known)
    assert from_dict(known) == workload


@pytest.mark.parametrize("asked", [{"batch_size": 8}, {"seq_len": 512}])
def test_what_a_factory_does_not_take_is_refused(asked) -> None:
    (name,) = asked
    for call in (FactoryWorkload.built, lambda one: one.described(DEFAULTS)):
        with pytest.raises(UsageError, match=f"takes no argument '{name}', and gives its own.* cannot be applied. Let"):
            call(FactoryWorkload("own_models:pair", **asked))


def test_every_call_of_a_factory_draws_the_same() -> None:
    torch.manual_seed(7)
    state = torch.random.get_rng_state()
    one, other = (FactoryWorkload("own_models:random").built() for _ in range(2))
    assert torch.equal(one.module.weight, other.module.weight)
    assert torch.equal(one.args[0], other.args[0])
    assert torch.equal(torch.random.get_rng_state(), state)


def test_other_shapes_than_planned_are_no_measurement_of_the_plan() -> None:
    workload = FactoryWorkload("own_models:changing").described(DEFAULTS)
    sys.modules["own_models"].calls.append(3)
    with pytest.raises(MeasurementError, match="gave inputs of the shapes .*3, 3.*when the measurement was planned"):
        workload.built()


def test_ids_stay_within_the_tables_that_they_are_looked_up_in() -> None:
    inputs = FactoryWorkload("own_models:small", batch_size=8, seq_len=16).inputs()
    assert 40 < inputs["input_ids"].max() < 50
    assert inputs["token_type_ids"].max() == 0
    assert inputs["attention_mask"].min() == 1
    with pytest.raises(MeasurementError, match="does not run on input_ids 1x17, .*IndexError.*Take another --batch-size or"):
        FactoryWorkload("own_models:small", seq_len=17).inputs()


def test_a_process_of_its_own_says_what_a_factory_makes() -> None:
    workload = FactoryWorkload("own_models:half")
    assert workload.resolved() == workload.described(DEFAULTS)
    failing = FactoryWorkload("own_models:fails")
    assert failing.resolved() == failing  # measuring it says why


@pytest.mark.parametrize(
    ("factory", "message"),
    [
        ("own_models:image", "forward takes pixels. Known without an example: input_ids.*return the pair"),
        ("own_models:wrong", "returned int, not a torch.nn.Module"),
        ("own_models:wrong_example", "are int. Let the factory return the pair"),
        ("own_models:wrong_values", "example input 0 is not a tensor but of type object"),
        ("own_models:value", "'own_models:value' is not a function: it is "),
        ("own_models:nothing", "has no function 'nothing'"),
        ("no_such_models:text", "'no_such_models:text' cannot be imported: No module.*Looked in"),
    ],
)
def test_mistakes_are_explained(factory, message) -> None:
    with pytest.raises(UsageError, match=message):
        FactoryWorkload(factory).inputs()


def test_a_factory_that_takes_anything_must_show_what_was_asked_for() -> None:
    dropped = FactoryWorkload("own_models:anything")
    assert dropped.described(DEFAULTS).name == "own_models:anything@4x3"
    assert FactoryWorkload("own_models:anything", batch_size=4).described(DEFAULTS).batch_size == 4
    with pytest.raises(UsageError, match="shows nothing of 'batch_size' in its inputs.*2 cannot be applied"):
        FactoryWorkload("own_models:anything", batch_size=2).described(DEFAULTS)
    assert FactoryWorkload("own_models:passes_on", batch_size=2).described(DEFAULTS).batch_size == 2


def test_a_factory_that_takes_a_size_and_ignores_it_is_told() -> None:
    """The shapes that it makes for another size tell; its net would be kept as one of the size asked for."""
    for asked in ({"batch_size": 2}, {"seq_len": 16}):
        with pytest.raises(UsageError, match=f"shows nothing of '{next(iter(asked))}' in its inputs.* cannot be applied"):
            FactoryWorkload("own_models:fixed", **asked).described(DEFAULTS)
    assert FactoryWorkload("own_models:fixed").described(DEFAULTS).name == "own_models:fixed@4x3"
    flat = FactoryWorkload("own_models:flattened", batch_size=2, seq_len=16).described(DEFAULTS)
    assert (flat.batch_size, flat.seq_len) == (2, 16)
    assert FactoryWorkload("own_models:even", batch_size=8).described(DEFAULTS).batch_size == 8


def test_a_module_in_place_of_a_factory_is_told() -> None:
    with pytest.raises(UsageError, match="'own_models:MODEL' is a module .Identity., not a function that makes one"):
        FactoryWorkload("own_models:MODEL").described(DEFAULTS)


@pytest.mark.parametrize("name", ["array", "scripted"])
def test_arrays_and_scripted_modules_are_taken(name) -> None:
    assert run(name).shape == (4, 2)


@pytest.mark.slow
def test_what_cannot_be_used_says_so_from_the_process_that_looks(tmp_path, monkeypatch) -> None:
    (tmp_path / "own_stubborn.py").write_text(
        "import torch\n\nclass Stubborn(torch.nn.Linear):\n    def to(self, *to):\n        raise RuntimeError('I stay')\n\n"
        "def make(): return Stubborn(2, 2), torch.ones(1, 2)\n"
    )
    monkeypatch.chdir(tmp_path)
    with pytest.raises(MeasurementError, match=r"'own_stubborn:make' returned cannot be used: .*I stay \(own_stub"):
        FactoryWorkload("own_stubborn:make").check_works()
