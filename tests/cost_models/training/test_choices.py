"""Where rows are few, a choice among cost models is part of the error: left-out rows have no part in it."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.cost_models import cost_model
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.training.folds import folds
from hwcost.cost_models.training.intervals import RECHOOSING_ROWS, left_out_errors
from hwcost.cost_models.training.remembered import remembering
from tests.cost_models.planted import SPACE, additive, noisy

CANDIDATES = ("constant", "params", "lut")


def errors_of(model, archs, values):
    return left_out_errors(model, model.features.encode(archs), values, np.ones(len(archs)))


@pytest.mark.parametrize("n", [12, 30])
def test_each_fold_is_predicted_by_what_the_other_folds_choose(n: int) -> None:
    archs = SPACE.sample(n, seed=4)
    values = noisy(archs, 0.05, seed=4)
    with remembering():
        model = cost_model("auto", SPACE, candidates=CANDIDATES).fit(archs, values)
        found = errors_of(model, archs, values)
        single = {name: errors_of(cost_model(name, SPACE), archs, values) for name in CANDIDATES}
    of_one = np.stack([np.isclose(found, errors) for errors in single.values()])
    assert of_one.any(axis=0).all()
    groups = Groups.of(model.features, model.features.encode(archs))
    assert all(any(row[left].all() for row in of_one) for _, left in folds(groups, 10))
    assert np.abs(found).mean() >= 0.99 * min(np.abs(errors).mean() for errors in single.values())


def test_a_left_out_row_does_not_choose_its_model() -> None:
    archs = SPACE.sample(12, seed=0)
    sizes = []
    for seed in range(8):
        values = additive(archs) * np.exp(0.3 * np.random.default_rng(seed).standard_normal(len(archs)))
        with remembering():
            model = cost_model("auto", SPACE, candidates=CANDIDATES[:2]).fit(archs, values)
            sizes.append((np.abs(errors_of(model, archs, values)).mean(), model.candidate_errors_[model.chosen]))
    anew, kept = np.mean(sizes, axis=0)
    assert anew > 1.01 * kept


def test_repeated_rows_have_the_error_of_their_architecture_and_their_own() -> None:
    archs = SPACE.sample(14, seed=2)
    twice, values = [*archs, *archs], np.concatenate([noisy(archs, 0.02, seed) for seed in (1, 2)])
    model = cost_model("auto", SPACE, candidates=CANDIDATES).fit(twice, values)
    found = errors_of(model, twice, values)
    assert found[:14] - found[14:] == pytest.approx(np.log(values[:14] / values[14:]))


def test_many_rows_and_copies_keep_the_choice() -> None:
    archs = SPACE.sample(RECHOOSING_ROWS, seed=1)
    values = noisy(archs, 0.02)
    many = cost_model("auto", SPACE, candidates=CANDIDATES).fit(archs, values)
    few = cost_model("auto", SPACE, candidates=CANDIDATES).fit(archs[:20], values[:20])
    parts = [(np.arange(1, 20), np.arange(1))]
    genes = few.features.encode(archs)
    assert few.rechosen_errors(genes[:20], values[:20], parts) is not None
    assert few.rechosen_errors(genes[:20], 2 * values[:20], parts) is None
    assert many.rechosen_errors(genes, values, parts) is None
    copy = few.clone_with_hyperparameters().fit(archs[:20], values[:20])
    assert copy.rechosen_errors(genes[:20], values[:20], parts) is None
