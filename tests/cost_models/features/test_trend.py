"""Models that do not extrapolate say so beyond their rows: the interval widens and still holds, and then the domain ends."""

from __future__ import annotations

import json
from functools import cache

import numpy as np
import pytest

from hwcost.cost_models import CostModel, cost_model, load
from hwcost.cost_models.features.trend import Trend
from hwcost.cost_models.training.intervals import calibrate
from hwcost.objectives import Constraint
from hwcost.spaces import Architecture, space
from hwcost.spaces.shaped import Shape, Shaped
from tests.cost_models.planted import SPACE, additive, noisy

WIDTHS = SPACE.genes[0].choices
OPERATIONS = {"none": 0.0, "skip": 0.0005, "conv1": 0.004, "conv3": 0.011, "pool": 0.003}
CELL = space("table", columns=[{"name": f"edge{i}", "categorical": True, "choices": list(OPERATIONS)} for i in range(6)])
SHAPES = Shaped(SPACE)
SIZES = ((1, 16), (1, 128), (4, 32), (8, 64), (16, 16), (16, 128))
QUICK = {"lightgbm": {"rounds": 100}, "xgboost": {"rounds": 100}, "auto": {"candidates": ["lightgbm"]}}


def corner(width: int) -> Architecture:
    return SPACE.architecture([width] * 12)


def cells(rows: list[list[str]], seed: int) -> tuple[list[Architecture], np.ndarray]:
    sums = np.array([0.006 + sum(OPERATIONS[one] for one in row) for row in rows])
    return [CELL.architecture(row) for row in rows], sums * np.exp(np.random.default_rng(seed).normal(0, 0.01, len(rows)))


@cache
def fitted(name: str, rows: int = 100, design: str = "uniform") -> CostModel:
    """Fits a model to random rows of planted prices; shared by tests, which only ask it."""
    if name == "xgboost":
        pytest.importorskip("xgboost")
    archs = SPACE.sample(rows, seed=3, design=design)
    return calibrate(cost_model(name, SPACE, **QUICK.get(name, {})).fit(archs, noisy(archs)), archs, noisy(archs))


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "auto"])
def test_all_small_and_all_large_lie_outside_the_domain_of_trees(name, tmp_path):
    model = fitted(name)
    ends = [corner(WIDTHS[0]), corner(WIDTHS[1]), corner(WIDTHS[-1])]
    assert (np.abs(np.log(additive(ends) / model.predict(ends).values)) > model.log_interval_half_width_).all()
    for one in (model, load(model.save(tmp_path / "model"))):
        assert not one.predict(ends).in_domain.any()
        np.testing.assert_array_equal(one.predict(ends).high, model.predict(ends).high)
    assert not Constraint(model, most=10.0).feasible(ends).any()
    assert model.predict([corner(WIDTHS[len(WIDTHS) // 2])]).in_domain.all()


@pytest.mark.parametrize("name", ["lightgbm", "xgboost", "auto"])
def test_among_the_rows_intervals_are_wider_towards_the_ends_only(name):
    model = fitted(name)
    archs = SPACE.sample(100, seed=3)
    assert model.predict(archs).in_domain.all()
    genes = model.features.encode(archs)
    order = np.argsort(model.domain_.trend.heights(model.features, genes))
    widths, typical = model.half_widths(genes)[order], model.log_interval_half_width_
    np.testing.assert_array_equal(widths[20:80], typical)
    for end, found in ((model.domain_.ends.low, widths), (model.domain_.ends.high, widths[::-1])):
        np.testing.assert_allclose(found[:5], end.factor * typical, rtol=1e-12)
        assert (np.diff(found[:21]) <= 0).all()


@pytest.mark.parametrize("name", ["lut", "ridge", "hybrid", "polynomial"])
def test_models_that_extrapolate_know_no_such_end(name):
    model = fitted(name)
    assert model.domain_.edge is None
    ends = [corner(width) for width in WIDTHS]
    assert model.predict(ends).in_domain.all()
    np.testing.assert_allclose(model.predict(ends).values, additive(ends), rtol=0.2)


def test_in_the_domain_intervals_hold_beyond_the_rows_too():
    archs = SPACE.sample(1000, seed=9)
    measured, found = noisy(archs, seed=4), []
    for seed in range(20, 25):
        rows = SPACE.sample(40, seed=seed)
        model = cost_model("lightgbm", SPACE).fit(rows, noisy(rows, seed=seed))
        answer = calibrate(model, rows, noisy(rows, seed=seed)).predict(archs)
        beyond = model.domain_.trend.beyond(model.features, model.features.encode(archs)) > 0
        held = (answer.low <= measured) & (measured <= answer.high)
        would = np.abs(np.log(measured / answer.values)) <= model.log_interval_half_width_
        found.append((beyond, answer.in_domain, held, would))
    beyond, inside, held, would = np.concatenate(found, axis=1)
    assert 0.9 < inside.mean() < 1.0
    assert (beyond & inside).sum() > 80
    assert held[beyond & inside].mean() > 0.8 > would[beyond & inside].mean() + 0.1
    assert would[~inside].mean() < 0.3


def test_rows_of_all_sizes_leave_nothing_outside():
    model = fitted("lightgbm", 60, "spread")
    ends = [corner(width) for width in WIDTHS]
    assert model.predict([*ends, *SPACE.sample(300, seed=5)]).in_domain.all()


def test_categories_have_a_trend_though_they_have_no_size():
    names = list(OPERATIONS)
    archs, measured = cells(np.random.default_rng(1).choice(names, (200, 6)).tolist(), 1)
    model = calibrate(cost_model("lightgbm", CELL, rounds=100).fit(archs, measured), archs, measured)
    assert not model.predict(cells([["conv3"] * 6], 2)[0]).in_domain[0]
    drawn = cells(np.random.default_rng(2).choice(names, (500, 6)).tolist(), 3)[0]
    assert model.predict(drawn).in_domain.mean() > 0.97


def test_over_shapes_architectures_are_judged_at_any_shape():
    rng = np.random.default_rng(5)
    base = SPACE.sample(120, seed=6)
    shapes = [Shape(*SIZES[i]) for i in rng.integers(0, len(SIZES), len(base))]
    tokens = np.array([shape.batch_size * shape.seq_len for shape in shapes])
    measured = 0.001 + noisy(base, seed=7) * tokens / 128
    points = [SHAPES.at(arch, shape) for arch, shape in zip(base, shapes, strict=True)]
    model = calibrate(cost_model("lightgbm", SHAPES, rounds=100).fit(points, measured), points, measured)
    assert model.predict(points).in_domain.all()
    for size in SIZES:
        ends = [SHAPES.at(corner(width), Shape(*size)) for width in (WIDTHS[0], WIDTHS[-1])]
        assert not model.predict(ends).in_domain.any()
        at = model.at(*size)
        assert not at.predict([corner(WIDTHS[0]), corner(WIDTHS[-1])]).in_domain.any()
        same = model.predict([SHAPES.at(arch, Shape(*size)) for arch in base])
        np.testing.assert_array_equal(at.predict(base).in_domain, same.in_domain)
        np.testing.assert_array_equal(at.predict(base).high, same.high)


@pytest.mark.parametrize("name", ["lightgbm", "lut"])
def test_a_new_device_is_known_as_far_as_its_likeliest_source_or_its_own_rows(name, tmp_path):
    ends = [corner(WIDTHS[0]), corner(WIDTHS[-1])]
    archs = SPACE.sample(6, seed=9)
    model = cost_model("prior", SPACE, sources=[fitted(name)]).fit(archs, 3 * noisy(archs))
    for one in (model, load(model.save(tmp_path / "model"))):
        assert one.predict(archs).in_domain.all()
        assert one.predict(ends).in_domain.tolist() == [name == "lut"] * 2
    again = model.clone().fit([*archs, *ends], 3 * noisy([*archs, *ends]))
    assert again.predict([*archs, *ends]).in_domain.all()


def test_a_predictor_of_quality_ranks_beyond_its_rows():
    archs = SPACE.sample(40, seed=0)
    model = cost_model("lightgbm", SPACE, quantity="perplexity", rounds=20).fit(archs, 1 / noisy(archs))
    assert model.predict([corner(WIDTHS[-1])]).in_domain.all()


def test_a_model_without_an_interval_ends_with_its_rows():
    archs = SPACE.sample(8, seed=0)
    model = cost_model("lightgbm", SPACE, rounds=5).fit(archs, noisy(archs))
    assert model.predict(archs).in_domain.all()
    assert np.isnan(model.predict(archs).low).all()
    assert not model.predict([corner(WIDTHS[-1])]).in_domain.any()


@pytest.mark.parametrize("is_log", [False, True])
def test_a_trend_goes_on_along_sums_and_along_products(is_log):
    table = space("table", columns=[{"name": "m"}, {"name": "n"}])
    features = cost_model("constant", table).features
    genes = np.random.default_rng(0).uniform(1, 10, (300, 2))
    law = (lambda x: np.exp(x @ [0.5, 0.2])) if is_log else (lambda x: 1 + x @ [2.0, 1.0])
    trend = Trend.of(features, genes, law(genes), np.ones(300))
    assert trend.is_log == is_log
    assert trend.beyond(features, genes).max() == 0
    far = np.array([[0.5, 0.5], [12.0, 12.0]])
    wanted = [np.log(law(genes).min() / law(far)[0]), np.log(law(far)[1] / law(genes).max())]
    np.testing.assert_allclose(trend.beyond(features, far), wanted, rtol=0.05)
    again = Trend.from_dict(json.loads(json.dumps(trend.as_dict())))
    np.testing.assert_array_equal(again.beyond(features, far), trend.beyond(features, far))
