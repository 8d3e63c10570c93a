"""How widely the sensitivities of workloads to a neighbour are spread is found from workloads that show it."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.campaign.estimates.sensitivities import EXPECTED, LEAST, LIMITS, Sensitivities


def fitted(factors: np.ndarray, known: float, unsure: float) -> Sensitivities:
    found = Sensitivities.usual(len(factors))
    for _ in range(25):
        found = found.fitted(known * factors, np.full(len(factors), known), np.full(len(factors), unsure))
    return found


@pytest.mark.parametrize("spread", [0.05, 0.15, 0.3])
def test_a_planted_spread_is_found(spread: float) -> None:
    factors = 1.0 + spread * np.random.default_rng(0).standard_normal(400)
    found = fitted(factors, known=1e6, unsure=1e-6)
    assert found.usual_spread == pytest.approx(spread, rel=0.25)
    assert np.abs(found.factor - np.clip(factors / np.median(factors), *LIMITS)).max() < 0.01


def test_workloads_that_are_alike_have_the_least_spread_and_few_of_them_hardly_move_what_is_expected() -> None:
    assert fitted(np.ones(400), known=1e6, unsure=1e-6).usual_spread < 2 * LEAST
    assert fitted(np.ones(1), known=1e6, unsure=1e-6).usual_spread > 0.8 * EXPECTED


def test_workloads_of_which_one_kind_of_blocks_was_seen_say_nothing_of_the_spread() -> None:
    found = fitted(np.ones(400), known=1e6, unsure=1e12)
    assert found.usual_spread == pytest.approx(EXPECTED, rel=0.05)


def test_an_outlying_workload_has_a_spread_of_its_own_and_leaves_that_of_the_others() -> None:
    factors = np.append(1.0 + 0.03 * np.random.default_rng(1).standard_normal(60), 2.5)
    found = fitted(factors, known=1e6, unsure=1e-6)
    assert found.spread[-1] > 0.5
    assert found.usual_spread < 0.07
    assert np.median(found.spread[:-1]) < 0.07
