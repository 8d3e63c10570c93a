"""The recursions over a chain of states agree with the plain forward and backward ones, whatever the length of the chain."""

from __future__ import annotations

from unittest.mock import patch

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hwcost._types import Floats
from hwcost.levels import state_chain
from hwcost.levels.state_chain import STRETCH, fit_chain


def plain(density: Floats, stay: Floats, share: Floats) -> tuple[Floats, float]:
    """Probabilities and log likelihood by the textbook's recursions with a full transition matrix."""
    n, states = density.shape
    forward, backward, scale = np.empty((n, states)), np.ones((n, states)), np.empty(n)
    moves = [stay[k] * np.eye(states) + (1 - stay[k]) * share for k in range(n)]
    for k in range(n):
        state = (share if k == 0 else forward[k - 1] @ moves[k]) * density[k]
        scale[k] = state.sum()
        forward[k] = state / scale[k]
    for k in range(n - 1, 0, -1):
        backward[k - 1] = moves[k] @ (density[k] * backward[k]) / scale[k]
    found = forward * backward
    return found / found.sum(axis=1, keepdims=True), float(np.log(scale).sum())


@settings(max_examples=25, deadline=None)
@given(st.integers(0, 10_000), st.integers(1, 3 * STRETCH), st.integers(1, 6), st.integers(1, 4))
def test_stretches_at_once_are_one_chain(seed: int, n: int, states: int, at_once: int) -> None:
    rng = np.random.default_rng(seed)
    log_density, stay = rng.normal(0, 2, (n, states)), rng.uniform(0.2, 0.9, n)
    share = rng.dirichlet(np.ones(states))
    with patch.object(state_chain, "STRETCHES", at_once):
        found = fit_chain(log_density, stay, share)
    probability, log_likelihood = plain(np.exp(log_density), stay, share)
    assert found.probability == pytest.approx(probability, abs=1e-6)
    assert found.log_likelihood == pytest.approx(log_likelihood, abs=1e-6)
    assert found.draws.sum() == pytest.approx(1 + found.redraws, abs=1e-6)


def test_a_state_that_stays_is_recognised_from_many_weak_observations() -> None:
    rng = np.random.default_rng(0)
    true = np.repeat([0, 1, 0, 1], 50)
    y = true + rng.normal(0, 1.0, 200)
    log_density = -0.5 * (y[:, None] - [0.0, 1.0]) ** 2
    chain = fit_chain(log_density, np.full(200, 0.97), np.array([0.5, 0.5]))
    alone = (log_density.argmax(axis=1) == true).mean()
    assert (chain.probability.argmax(axis=1) == true).mean() > 0.85 > alone
