"""One content under two labels, found once a campaign has run."""

from __future__ import annotations

import numpy as np
import pytest

from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.plans.plan import Plan, items
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

WORKS = [SyntheticWorkload(f"w{i}", flops=10**9 * (1 + i)) for i in range(4)]
PLAN = Plan(tuple(items(WORKS)), "cpu", "null", protocol("standard"))


def visits(copied: bool, content: str | None) -> list[Visit]:
    """Two rounds; in the second one, the timings of w2 may be those of w1."""
    rng = np.random.default_rng(0)
    found = []
    for number in range(2):
        samples = {work.key: tuple(rng.normal(0.01 * (1 + i), 1e-5, 12).tolist()) for i, work in enumerate(WORKS)}
        if copied and number == 1:
            samples[WORKS[2].key] = samples[WORKS[1].key]
        for place, work in enumerate(WORKS):
            facts = {"content_sha256": content if work in WORKS[:2] else work.key}
            at = 100.0 * number + place
            found.append(Visit(work.key, number, place, samples[work.key], started_s=at, ended_s=at + 0.5, facts=facts))
    return found


@pytest.mark.parametrize(
    ("copied", "content", "labels"),
    [
        (False, None, []),
        (True, None, ["w1 and w2"]),
        (False, "ab" * 32, ["w0 and w1"]),
        (True, "ab" * 32, ["w0 and w1", "w1 and w2"]),
    ],
)
def test_copied_timings_and_equal_models_are_named(copied: bool, content: str | None, labels: list[str]) -> None:
    flags = [flag for flag in fit_campaign(PLAN, visits(copied, content)).flags if flag.code == "E_DUPLICATE"]
    assert [flag.text.partition(" have")[0] for flag in flags] == labels
