"""A change counts when both codes, measured again in one campaign, differ the same way."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.campaign.comparisons.differences import Verdict, verdicts
from hwcost.history.changes import Change
from hwcost.history.confirmation import confirm

SLOWER = Change(40, 39, 41, 0.06, 1e-4)
FASTER = Change(40, 39, 41, -0.06, 1e-4)


@pytest.mark.parametrize(
    ("log_ratio", "half_width", "verdict", "slower", "faster"),
    [
        (0.06, 0.01, "SLOWER", "confirmed", "refuted"),
        (-0.06, 0.01, "FASTER", "refuted", "confirmed"),
        (0.001, 0.005, "SAME", "refuted", "refuted"),
        (0.02, 0.02, "AMBIGUOUS", "ambiguous", "refuted"),
        (0.00, 0.02, "AMBIGUOUS", "refuted", "refuted"),
        (0.00, 0.05, "AMBIGUOUS", "ambiguous", "ambiguous"),
        (np.nan, np.nan, "AMBIGUOUS", "ambiguous", "ambiguous"),
    ],
)
def test_outcomes(log_ratio: float, half_width: float, verdict: Verdict, slower: str, faster: str) -> None:
    (again,) = verdicts(["net"], np.array([log_ratio]), np.array([half_width]))
    assert again.verdict == verdict
    assert confirm(SLOWER, again) == slower
    assert confirm(FASTER, again) == faster
