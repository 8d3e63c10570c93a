"""The way through the whole package in a dozen lines of Python: every public name is there and works with the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

import hwcost as hc

pytestmark = pytest.mark.usefixtures("laws_here")

SHAPE = [360] * 12


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("public")


@pytest.fixture(scope="module")
def campaign(folder: Path):
    archs = hc.space("supershaper").sample(40, seed=0)
    return hc.measure(
        archs, hc.device("cpu"), backend="null", batch_size=1, seq_len=128, tier="standard", store=folder / "hwcost.db"
    )


@pytest.mark.parametrize("name", ["supershaper", "autodistil", "components", "autodistill", "transformer", "hat"])
def test_spaces_make_and_count_architectures(name: str) -> None:
    space = hc.space(name)
    assert space.name == name
    if space.is_buildable:
        arch = space.sample(1, seed=0)[0]
        assert space.params(arch) > 0
        assert space.flops(arch, seq_len=128) > 0
        assert space.parse(space.key(arch)) == arch


def test_devices_that_are_elsewhere_have_a_profile() -> None:
    assert hc.device("k80").name == "k80"


def test_measurements_become_a_cost_model_that_a_search_asks(campaign, folder: Path) -> None:
    space = hc.space("supershaper")
    arch = space.architecture(SHAPE)
    assert hc.audit(campaign).verdict == "clean"
    cost = hc.fit(campaign, model="hybrid")
    archs = space.sample(50, seed=1)
    predicted = cost.predict(archs)
    assert np.all((predicted.low_s <= predicted.latency_s) & (predicted.latency_s <= predicted.high_s))
    assert predicted.in_domain.any()
    cost.save(folder / "models" / "cpu-supershaper")
    loaded = hc.load(folder / "models" / "cpu-supershaper")
    assert loaded(arch) == cost(arch) == cost.predict([arch]).latency_s[0]

    limit = hc.Constraint(loaded, most=float(np.median(predicted.latency_s)), probability=0.95)
    study = hc.search(
        space, objectives=[hc.Minimize(lambda one: -sum(one.genes))], constraints=[limit], searcher="evolution",
        evaluations=500, seed=0,
    )  # fmt: skip
    assert limit.feasible([study.best.architecture]).tolist() == [True]
    assert [trial.architecture for trial in study.front] == [study.best.architecture]
    assert all(limit.name == one.constraint for one in study.rejections)
    assert len(study.rejections) > 0

    made = (space, campaign, hc.audit(campaign), cost, cost.with_measured(), limit, study, study.rejections)
    for one in made:  # what an interactive session shows of them
        assert " at 0x" not in repr(one)
        assert len(repr(one)) < 250


@pytest.mark.torch
def test_a_supernet_holds_the_architecture() -> None:
    pytest.importorskip("torch")
    supernet = hc.supernet("supershaper", scale="mini")
    arch = supernet.space.sample(1, seed=0)[0]
    supernet.set(arch)
    model = supernet.extract(arch)
    assert sum(one.numel() for one in model.parameters()) == supernet.space.params(arch)
