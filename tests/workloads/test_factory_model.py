"""Architectures of a space that a factory of the user's builds."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import json
import sys

import pytest

torch = pytest.importorskip("torch")

from hwcost import api
from hwcost.cost_models import data
from hwcost.cost_models.training.train import train
from hwcost.errors import DataError, UsageError
from hwcost.spaces import Architecture, space
from hwcost.timing.measurement import Measurement
from hwcost.workloads import FactoryModelWorkload, ModelWorkload, from_dict, models, source_of
from tests.workloads.in_process import probe_in_process

CODE = """
def build(width, depth, batch_size=1): return make(width, depth, batch_size)
def narrow(width): return make(width, 1, 1)
def needy(width, depth, colour): return make(width, depth, 1)
def any_genes(**genes): return make(**genes)
def make(width, depth, batch_size=1):
    import torch
    layers = [torch.nn.Linear(width, width) for _ in range(depth)]
    return torch.nn.Sequential(*layers), torch.ones(batch_size, width)
"""
SPACE = space("custom", genes={"width": [4, 8], "depth": [1, 2, 3]})
ARCH = SPACE.architecture([8, 2])


@pytest.fixture(autouse=True)
def nets(tmp_path, monkeypatch):
    (tmp_path / "own_nets.py").write_text(CODE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.delitem(sys.modules, "own_nets", raising=False)
    probe_in_process(monkeypatch)
    yield tmp_path / "own_nets.py"
    sys.modules.pop("own_nets", None)


def test_it_is_read_back_as_stores_keep_it() -> None:
    (workload,) = models(SPACE, [ARCH], batch_size=3, factory="own_nets:build")
    assert isinstance(workload, FactoryModelWorkload)
    again = from_dict(json.loads(json.dumps(workload.as_dict(), sort_keys=True)))
    assert again == workload
    assert again.key == workload.key
    assert again.search_space().options() == SPACE.options()
    assert workload.name == "width=8,depth=2@3"
    assert (workload.batch_size, workload.seq_len, workload.dtype) == (3, None, "float32")
    assert workload.work() is None
    assert hash(workload) == hash(again)


def test_another_factory_is_another_workload_but_a_changed_file_is_not(nets) -> None:
    (one,) = models(SPACE, [ARCH], factory="own_nets:build")
    assert models(SPACE, [ARCH], factory="own_nets:any_genes")[0].key != one.key
    nets.write_text(CODE + "\n# a change\n")
    (changed,) = models(SPACE, [ARCH], factory="own_nets:build")
    assert changed.key == one.key
    assert changed == one
    assert changed.source == source_of("own_nets:build") != one.source
    with pytest.raises(UsageError, match="module 'own_nets' has changed since this campaign began"):
        one.build()


def test_the_factory_gets_the_genes_and_the_shape_that_it_takes() -> None:
    (workload,) = models(SPACE, [ARCH], batch_size=5, factory="own_nets:build")
    module = workload.build()
    assert [tuple(one.shape) for one in module.parameters()] == [(8, 8), (8,)] * 2
    (values,) = workload.inputs().values()
    assert values.shape == (5, 8)
    assert module(torch.from_numpy(values)).shape == (5, 8)


@pytest.mark.parametrize(
    ("factory", "says"),
    [
        ("own_nets:narrow", "cannot be called with the arguments width, depth: .*unexpected keyword argument 'depth'"),
        ("own_nets:needy", "cannot be called with the arguments width, depth: missing a required argument: 'colour'"),
        ("own_nets:nothing", "has no function 'nothing'"),
        ("nowhere_at_all:build", "cannot be imported"),
        ("own_nets", "names no factory"),
        (lambda width, depth: None, "'.*<lambda>' cannot be imported by a measuring process"),
    ],
)
def test_mistakes_are_told_before_anything_is_measured(factory, says) -> None:
    with pytest.raises(UsageError, match=says):
        models(SPACE, [ARCH], factory=factory)


def test_a_function_is_taken_where_it_can_be_imported(monkeypatch) -> None:
    sys.path.insert(0, "")
    try:
        import own_nets
    finally:
        sys.path.remove("")
    assert models(SPACE, [ARCH], factory=own_nets.build)[0].factory == "own_nets:build"
    monkeypatch.setattr(own_nets.build, "__module__", "__main__")
    with pytest.raises(UsageError, match="defined in a script or notebook.*'mynets:build'|give 'mynets:build'"):
        models(SPACE, [ARCH], factory=own_nets.build)


def test_genes_cannot_have_names_that_say_the_shape() -> None:
    made = space("custom", genes={"seq_len": [1]})
    with pytest.raises(UsageError, match="is called with the 'seq_len' of the measurement"):
        FactoryModelWorkload.of(made, made.sample(1)[0])


def test_without_a_factory_it_says_how_one_is_given() -> None:
    with pytest.raises(UsageError, match="--model module:factory"):
        models(SPACE, [ARCH])
    with pytest.raises(UsageError, match=r"give measure\(..., space=space\) too"):
        api.measure([Architecture("custom", ARCH.genes)], model="own_nets:build")
    with pytest.raises(UsageError, match="a workload already says what is built"):
        api.measure([ModelWorkload("supershaper", (360,) * 12)], model="own_nets:build")


def made(workload, seconds: float) -> Measurement:
    return Measurement(workload, "fit", seconds, 0.01, 2, ())


def test_a_fit_finds_the_space_and_remembers_the_factory() -> None:
    archs = list(SPACE.architectures())
    found = [made(one, 1e-3 * sum(one.genes)) for one in models(SPACE, archs, factory="own_nets:build")]
    rows = data.from_measurements(found)
    assert rows.space.options() == SPACE.options()
    assert rows.provenance["factory"] == "own_nets:build"
    assert rows.provenance["factory_sha256"] == source_of("own_nets:build")
    assert train(rows, "lut").model.provenance["factory"] == "own_nets:build"
    other = [made(one, 1e-3) for one in models(SPACE, archs[:1], factory="own_nets:any_genes")]
    with pytest.raises(DataError, match="built by own_nets:any_genes, own_nets:build"):
        data.from_measurements([*found[1:], *other])
