"""Searches with a cost model over shapes: winners are corrected and verified by refits over all shapes, asked at one."""

from __future__ import annotations

import math
from functools import cache

import numpy as np
import pytest

from hwcost.cost_models import CostModel, cost_model, load
from hwcost.cost_models.training.intervals import calibrate
from hwcost.errors import DataError
from hwcost.objectives import Constraint, Minimize
from hwcost.objectives.sizes import Params
from hwcost.spaces import space
from hwcost.spaces.shaped import Shape, Shaped
from hwcost.study import search
from hwcost.study.error_model import LeftOut
from hwcost.study.refits import Refits
from hwcost.study.selection import selection_bias
from hwcost.study.verification import verify
from tests.conftest import require_package

SPACE = space("supershaper", scale="mini")
SHAPED = Shaped(SPACE)
SHAPES = [Shape(batch, length) for batch in (1, 4) for length in (16, 64)]
MEASURED, BETWEEN = SHAPES[3], Shape(2, 32)
PRICES = 1 + 0.1 * np.random.default_rng(0).standard_normal((4, 200))
NAMES = ["shapes", "hybrid", "xgboost", "auto"]


def seconds(archs, shape: Shape) -> np.ndarray:
    """A machine whose layers deviate from what their work would cost."""
    own = [sum(value * PRICES[i, value] for i, value in enumerate(arch.genes)) for arch in archs]
    return 1e-3 + 1e-6 * np.array(own) * shape.batch_size * shape.seq_len / 16


@cache
def fitted(name: str, **options) -> CostModel:
    if name == "xgboost":
        require_package("xgboost")
    archs = SPACE.sample(48, seed=0)
    given = {"rounds": 30} if name == "xgboost" else {"candidates": ("shapes", "lightgbm")} if name == "auto" else {}
    shapes = [SHAPES[i % len(SHAPES)] for i in range(len(archs))]
    points = [SHAPED.at(arch, shape) for arch, shape in zip(archs, shapes, strict=True)]
    noise = np.exp(0.02 * np.random.default_rng(1).standard_normal(len(archs)))
    values = noise * np.array([seconds([arch], shape)[0] for arch, shape in zip(archs, shapes, strict=True)])
    return calibrate(cost_model(name, SHAPED, **{**given, **options}).fit(points, values), points, values)


def fastest(model: CostModel):
    least = float(np.median([SPACE.params(arch) for arch in SPACE.sample(50, seed=1)]))
    limits = [Constraint(Params(SPACE), least=least)]
    return search(SPACE, [Minimize(model)], limits, searcher="evolution", evaluations=100, seed=0)


@pytest.mark.parametrize("shape", [MEASURED, BETWEEN])
@pytest.mark.parametrize("name", NAMES)
def test_refits_are_those_of_the_model_over_all_shapes(name: str, shape: Shape) -> None:
    model, archs = fitted(name), SPACE.sample(30, seed=5)
    alone = model.at(*shape)
    refits = Refits.of(alone, 8)
    logs = refits.log_values(alone.features.encode(archs))
    points = model.features.encode([SHAPED.at(arch, shape) for arch in archs])
    np.testing.assert_allclose(logs, Refits.of(model, 8).log_values(points), rtol=1e-9)
    assert refits.is_spread
    assert (logs.std(axis=0) > 0).all()
    assert np.abs(logs.mean(axis=0) - np.log(alone.predict(archs).values)).mean() < 0.1
    assert 0 < LeftOut.of(alone).squares.mean() < 0.3**2


@pytest.mark.parametrize("name", NAMES)
def test_winners_at_a_shape_are_corrected_as_at_any_model(name: str) -> None:
    found = fastest(fitted(name).at(*MEASURED))
    bias = selection_bias(found, found.problem.asked[0], 8)
    assert bias is not None
    assert abs(bias.log_ratio) < 0.1
    assert bias.error < 0.05


@pytest.mark.parametrize("name", NAMES)
def test_a_log_knows_the_model_and_the_shape(name: str, tmp_path) -> None:
    def run(model: CostModel, evaluations: int = 20):
        log = tmp_path / "study.jsonl"
        return search(SPACE, [Minimize(model)], searcher="random", evaluations=evaluations, seed=0, log=log)

    run(fitted(name).at(*MEASURED))
    again = run(load(fitted(name).save(tmp_path / "model")).at(*MEASURED), 30)
    assert again.evaluations == 30
    with pytest.raises(DataError, match="holds another search"):
        run(fitted(name).at(*BETWEEN), 30)


@pytest.mark.parametrize("shape", [MEASURED, BETWEEN])
@pytest.mark.parametrize("name", ["shapes", "xgboost"])
def test_what_is_measured_at_a_shape_is_learnt_over_all(name: str, shape: Shape) -> None:
    model = fitted(name).at(*shape)
    found, asked = fastest(model), []

    def measure(archs):
        asked.extend(archs)
        return [(one, one * math.exp(-0.006), one * math.exp(0.006)) for one in seconds(archs, shape).tolist()]

    state = verify(found, model, measure, most=6, tolerance=0.03)
    assert list(state.measured) == asked
    assert state.best in asked
    assert (state.cost.batch_size, state.cost.seq_len) == tuple(shape)
    assert state.cost.provenance == model.provenance
    over = state.cost.fixed_shape
    assert over is not None
    assert over.model.measured_.keys() == {*fitted(name).measured_, *(SHAPED.at(arch, shape).genes for arch in asked)}
    before, after = (np.log(one.predict(asked).values / seconds(asked, shape)) for one in (model, state.cost))
    assert np.abs(after).mean() < np.abs(before).mean() + 0.01
    assert fitted(name).n_architectures_ < over.model.n_architectures_


def test_a_saved_table_of_a_shape_learns_prices_of_its_own_from_its_rows(tmp_path) -> None:
    table = load(fitted("shapes").at(*MEASURED).save(tmp_path / "table"))
    archs = SPACE.sample(30, seed=5)
    logs = Refits.of(table, 8).log_values(table.features.encode(archs))
    assert np.corrcoef(logs.mean(axis=0), np.log(table.predict(archs).values))[0, 1] > 0.9


def test_columns_of_a_table_are_a_shape_here_too() -> None:
    op = {"name": "op", "categorical": True, "choices": ["a", "b", "c"]}
    table = space("table", columns=[op, {"name": "batch"}, {**op, "name": "next"}])
    rows = [[a, batch, b] for a in "abc" for b in "abc" for batch in (1, 2, 4)]
    values = [1e-3 * batch * (1 + "abc".index(a)) * (1 + 0.1 * "abc".index(b)) for a, batch, b in rows]
    points = [table.architecture(row) for row in rows]
    model = calibrate(cost_model("polynomial", table).fit(points, values), points, values)
    alone = model.at(batch_size=2)
    found = search(alone.space, [Minimize(alone)], searcher="exhaustive", evaluations=9, seed=0)
    bias = selection_bias(found, alone, 4)
    assert bias is not None
    assert abs(bias.log_ratio) < 0.2
    state = verify(found, alone, lambda archs: [(2.2e-3, 2.1e-3, 2.3e-3) for _ in archs], most=1)
    assert state.cost.fixed_shape is not None
    assert state.cost.fixed_shape.model.measured_["a", 2, "a"] == 2.2e-3
