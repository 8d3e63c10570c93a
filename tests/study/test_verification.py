"""What a verification claims: probabilities and margins that hold, also among candidates that nearly tie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwcost.cli.winners import certainty
from hwcost.study.verification import Verification, verify
from tests.study.machines import SPACE, fastest, fitted, machine, measure_with, middle_size

NOISE = 0.003
"""Standard deviation (log) of a measurement of a candidate."""


def verified(seed: int, noise: float, noise_now: float = NOISE, **options) -> tuple[Verification, float]:
    """Returns what was found on an additive machine, and by how much another candidate is better in truth."""
    true = machine(seed, 0.1)
    found = fastest(model := fitted(true, seed, n=30, noise=noise), middle_size(), seed, 200)
    state = verify(found, model, measure_with(true, seed, noise_now), most=12, seed=seed, **options)
    worth = true([trial.architecture for trial in found.completed]).min()
    return state, float(true([state.best])[0] / worth - 1)


def test_noise_of_rows_is_not_taken_for_an_error_of_every_candidate() -> None:
    """The model is right but for the noise of its rows: of three hundred candidates none is likely to be far better."""
    states, worse = zip(*[verified(seed, 0.01) for seed in range(3)], strict=True)
    assert np.mean([state.probability for state in states]) > 0.7
    assert all(truth <= 1.2 * state.margin for state, truth in zip(states, worse, strict=True))


def test_the_margin_holds_and_is_within_the_tolerance_where_the_best_is_sure() -> None:
    state, worse = verified(0, 0.01, tolerance=0.0005)
    assert not state.is_sure
    assert worse <= state.margin < 0.03
    assert state.margin > state.tolerance
    sure, worse = verified(0, 0.01, tolerance=1.1 * state.margin)
    assert sure.is_sure
    assert worse <= sure.margin <= sure.tolerance


def test_where_measurements_are_exact_a_verification_soon_ends_and_is_right() -> None:
    states, worse = zip(*[verified(seed, NOISE) for seed in range(4)], strict=True)
    assert sum(state.is_sure for state in states) >= 3
    assert np.mean([len(state.measured) for state in states]) < 10
    assert sum(truth > state.tolerance for state, truth in zip(states, worse, strict=True) if state.is_sure) == 0


def test_noise_of_rows_is_taken_for_neither_certainty_nor_errors_of_every_candidate() -> None:
    """Rows and candidates are measured to 2.5 %: the best of twelve is near the best of two hundred, as the margin says."""
    states, worse = zip(*[verified(seed, 0.025, noise_now=0.025) for seed in range(4)], strict=True)
    assert not any(state.is_sure for state in states)
    assert 0.3 < np.mean([state.probability for state in states]) < 0.75
    assert np.median([state.margin for state in states]) < 0.055
    assert all(truth <= state.margin for state, truth in zip(states, worse, strict=True))


def test_a_model_of_elsewhere_tells_nothing_of_candidates_here() -> None:
    """It is exact where it was fitted; here, nets rank otherwise. The best of all is known once all are measured."""
    model, here = fitted(machine(0, 0.1), 0, n=30, noise=0.0), machine(7, 2.0)
    found = fastest(model, middle_size(), 0, 40)
    n = len({trial.architecture for trial in found.completed})
    some = verify(found, model, measure_with(here, 0, NOISE), most=n // 2, is_elsewhere=True)
    assert (some.probability, some.margin, some.is_sure, len(some.measured)) == (None, None, False, n // 2)
    assert some.best == min(some.measured, key=lambda arch: some.measured[arch][0])
    assert some.cost is model
    assert "the cost model was measured on another device or backend" in certainty(some)
    every = verify(found, model, measure_with(here, 0, NOISE), most=n, is_elsewhere=True)
    assert len(every.measured) == n
    assert every.probability is not None
    best = here([trial.architecture for trial in found.completed]).min()
    assert here([every.best])[0] == pytest.approx(best, rel=0.02)


@pytest.mark.parametrize(
    ("probability", "margin", "said"),
    [
        (0.97, 0.008, "is the best of all to within 1 % with probability 0.97"),
        (0.61, 0.0231, "with probability 0.61; none is better by more than 2.3 % with probability 0.95"),
        (0.61, None, "with probability 0.61, 0.95 was asked for"),
    ],
)
def test_the_end_says_by_how_much_none_is_better(probability: float, margin: float | None, said: str) -> None:
    arch = SPACE.sample(1, seed=0)[0]
    model = fitted(machine(0), 0)
    state = Verification(arch, 0.0, None, 0.95, 0.01, {arch: (1.0, 0.9, 1.1)}, 1, model)
    assert certainty(replace(state, probability=probability, margin=margin)).endswith(said)
