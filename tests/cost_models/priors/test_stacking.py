"""Families of views, averaged as left-out sources with added noise teach: few noisy rows are not taken for deviations."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwcost._types import Floats
from hwcost.cost_models.priors.experts import SETTINGS, weigh
from hwcost.cost_models.priors.model import Learnt, PriorModel
from hwcost.cost_models.priors.stacking import ENOUGH, Lesson, _predicted, families
from tests.cost_models.priors.test_model import NEW, SPACE, prices, prior, seconds, shuffled, source


def known(model: PriorModel | None = None) -> Learnt:
    return (model or prior()).learnt()


def drawn(n: int, noise: float, seed: int = 0, device: int = 40) -> tuple[Floats, Floats]:
    """Returns the columns of rows of a new device, and their values."""
    archs = SPACE.sample(n, seed=500 + seed)
    genes = np.array([arch.genes for arch in archs], dtype=float)
    return known().basis(genes), seconds(prices(device), genes, noise, seed)


def share_of_all(n: int, noise: float, seeds: int = 6) -> float:
    return float(np.mean([known().stacking(*drawn(n, noise, seed))[-1][1] for seed in range(seeds)]))


def test_families_are_views_within_views() -> None:
    rigid, among, every = np.exp(families(known().views))
    assert [one.sum() for one in (rigid, among, every)] == pytest.approx([1.0, 1.0, 1.0])
    assert not rigid[:, SETTINGS.any(axis=1)].any()
    assert not among[:, SETTINGS[:, 1:].any(axis=1)].any()
    assert not rigid[-1].any()
    assert not among[-1].any()
    assert every == pytest.approx(np.exp(known().views))


def test_shares_sum_to_one_and_none_is_left_out() -> None:
    found = known().stacking(*drawn(3, 0.01))
    assert sum(share for _, share in found) == pytest.approx(1.0)
    assert min(share for _, share in found) > 0.0


def test_rows_that_scatter_more_than_sources_do_are_noisy() -> None:
    assert share_of_all(3, 0.1) < share_of_all(3, 0.003)


def test_enough_rows_and_a_single_source_leave_all_views_alone() -> None:
    rows, values = drawn(ENOUGH, 0.01)
    assert [share for _, share in known().stacking(rows, values)] == [1.0]
    alone = PriorModel(SPACE, sources=[source(0)]).learnt()
    assert [share for _, share in alone.stacking(alone.columns[:3], values[:3])] == [1.0]


def test_sources_that_do_not_resemble_each_other_let_a_device_deviate() -> None:
    apart = PriorModel(SPACE, sources=[shuffled(seed) for seed in range(4)]).learnt()
    values = np.array([1.0, 1.2, 0.9, 1.1, 1.05])
    assert apart.stacking(apart.columns[:5], values)[-1][1] > 0.5


def test_equal_rows_and_rows_without_scatter_are_answered() -> None:
    rows, _ = drawn(3, 0.0)
    exact = 7.0 * rows[:, 0]
    assert sum(share for _, share in known().stacking(rows, exact)) == pytest.approx(1.0)


def lesson(*squares: tuple[float, float, float], votes: int = 1000) -> Lesson:
    """Returns a lesson of one draw for each triple of squared errors; rows of draw i scatter by 100 times those of i - 1."""
    scatters = 100.0 ** np.arange(len(squares))
    return Lesson(scatters, np.zeros(len(squares)), np.array([np.diag(one) for one in squares]), votes)


def test_shares_are_those_of_the_least_errors_of_rows_that_scatter_alike() -> None:
    found = lesson((1e-4, 1.0, 1.0), (1.0, 1.0, 1e-4))
    assert found.shares(1.0) == pytest.approx([1.0, 0.0, 0.0], abs=1e-3)
    assert found.shares(100.0) == pytest.approx([0.0, 0.0, 1.0], abs=1e-3)


def test_shares_are_even_where_little_speaks_for_any() -> None:
    assert lesson((1.0, 1.0, 1.0), votes=0).shares(1.0) == pytest.approx([1 / 3] * 3)
    few, many = (lesson((0.01, 1.0, 1.0), votes=votes).shares(1.0)[0] for votes in (2, 30))
    assert 1 / 3 < few < many - 0.1


def test_predictions_are_those_of_the_mixture_under_normal_noise() -> None:
    learnt = known()
    rows, values = drawn(4, 0.02)
    tested = learnt.columns[:7]
    found = _predicted(learnt.members, families(learnt.views), learnt.noises, rows, values[None], tested)[0]
    for family, wanted in zip(families(learnt.views), found, strict=True):
        mixture, _ = weigh(learnt.members, family, learnt.noises, rows, values, np.ones(4), picked=40_000)
        mean = np.sum([one.weight * (tested @ one.mean) for one in mixture], axis=0)
        np.testing.assert_allclose(mean, wanted, rtol=2e-3)


def test_noisy_rows_lead_astray_less() -> None:
    """Of devices that lie among the sources, from three rows that are off by a tenth each."""

    def alone(rows: Floats, values: Floats) -> list[tuple[Floats, float]]:
        return [(known().views, 1.0)]

    def errors(stacked: bool) -> list[float]:
        found = []
        for seed in range(6):
            archs = SPACE.sample(3, seed=700 + seed)
            model = prior().clone()
            if not stacked:
                model._learnt = replace(known(), stacking=alone)  # type: ignore[arg-type]
            model.fit(archs, seconds(prices(seed % 4), [arch.genes for arch in archs], 0.1, seed))
            truth = seconds(prices(seed % 4), [arch.genes for arch in NEW])
            ratios = model.predict(NEW).values / truth
            found.append(float(np.mean(np.abs(ratios / np.median(ratios) - 1.0))))
        return found

    assert np.mean(errors(True)) < 0.9 * np.mean(errors(False))
