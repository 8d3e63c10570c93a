"""What a verification claims: probabilities and margins that hold, also among candidates that nearly tie."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hwcost.cli.winners import certainty
from hwcost.study.own_errors import SHARES, own_errors
from hwcost.study.refits import Refits
from hwcost.study.verification import Verification, verify
from tests.study.machines import SPACE, fastest, fitted, machine, measure_with, middle_size

NOISE = 0.003
"""Standard deviation (log) of a measurement of a candidate."""


def verified(seed: int, noise: float, **options) -> tuple[Verification, float]:
    """Returns what was found on an additive machine, and by how much another candidate is better in truth."""
    true = machine(seed, 0.1)
    found = fastest(model := fitted(true, seed, n=30, noise=noise), middle_size(), seed, 200)
    state = verify(found, model, measure_with(true, seed, NOISE), most=12, seed=seed, **options)
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


def test_measured_candidates_tell_how_much_of_the_left_out_errors_is_their_own() -> None:
    true = machine(1, 0.1)
    archs = SPACE.sample(6, seed=77)
    shares = []
    for own in (0.0, 0.04):
        deviations = own * np.random.default_rng(3).standard_normal(len(archs))
        rows = SPACE.sample(60, seed=5)
        values = true(rows) * np.exp(0.02 * np.random.default_rng(5).standard_normal(60))
        joined = dict(zip([*rows, *archs], [*values, *(true(archs) * np.exp(deviations))], strict=True))
        model = fitted(lambda asked, known=joined: np.array([known[arch] for arch in asked]), 0, noise=0, archs=[*joined])
        logs = Refits.of(model).log_values(model.features.encode(SPACE.sample(30, seed=9)))
        found = own_errors(model, logs, np.zeros(len(archs)), dict.fromkeys(archs, NOISE))
        shares.append(float(found.shares @ SHARES))
    assert shares[0] < 0.3
    assert shares[1] > 0.6


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
