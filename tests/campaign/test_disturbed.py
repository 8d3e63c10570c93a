"""Visits whose process had to share its CPU: what counts, and what is claimed about the machine."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest

from hwcost.agent import processors
from hwcost.agent.contention import with_counters
from hwcost.campaign.estimates.diagnostics import _unstable, was_kept_off
from hwcost.campaign.estimates.estimate import CampaignFit, fit_campaign
from hwcost.campaign.plans.plan import Plan, items
from hwcost.levels.contention import Contention
from hwcost.timing.guards import guards
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.timing.telemetry import BlockReading
from hwcost.timing.timer import Block
from hwcost.timing.visits.accepted import accepted
from hwcost.workloads import SyntheticWorkload


def counted(*waits: float) -> tuple[Any, list[guards.Flag]]:
    """Sorts blocks of 20 ms of work that waited for this share of it, and judges their visit."""
    timed = [Block(0.02 * (1 + wait), 1, 0.02, wait_s=0.02 * wait) for wait in waits]
    found = accepted(timed, protocol("standard"))
    seen = {"cpu_wait_fraction": found.wait_fraction, "disturbed_blocks": found.disturbed}
    return found, guards.of_visit(found.samples, seen, left_out=found.left_out)


def test_a_neighbour_of_all_blocks_is_flagged_and_all_of_them_count() -> None:
    found, flags = counted(*[3.0] * 20)
    assert (len(found.samples), found.left_out, found.disturbed) == (20, {}, 20)
    assert found.wait_fraction == pytest.approx(0.75)
    assert [flag.code for flag in flags] == ["W_DISTURBED"]
    assert "75.0 %" in flags[0].text


def test_disturbed_blocks_that_count_again_are_flagged() -> None:
    found, flags = counted(*np.linspace(0.05, 0.15, 12), *[0.0] * 4)
    assert (len(found.samples), found.disturbed) == (16, 12)
    assert flags[0].code == "W_DISTURBED"
    assert "12 of the 16 blocks that count" in flags[0].text


def test_a_few_disturbed_blocks_are_left_out_and_many_of_them_are_said() -> None:
    found, flags = counted(*[3.0] * 2, *[0.0] * 20)
    assert (len(found.samples), len(found.left_out["disturbed"]), flags) == (20, 2, [])
    found, flags = counted(*[3.0] * 10, *[0.0] * 10)
    assert (len(found.samples), found.wait_fraction) == (10, 0.0)
    assert "50 % of the blocks lost the processor and were left out" in flags[0].text


def test_threads_that_wait_for_each_other_on_cpus_of_their_own_lost_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(processors, "allowed", lambda: [0])
    read = {(1.0, 2.0): 0.0, (0.25, 0.75): 0.75, (0.25, 0.0): 0.0, (0.25, None): None, (None, 1.0): None}
    for (cpu_s, wait_s), lost_s in read.items():
        assert with_counters(Block(1.0, 1), BlockReading(None, cpu_s, wait_s)).wait_s == lost_s


def campaign(slow: float, conditions: dict[str, Any], cpu: float = 1.0) -> CampaignFit:
    """Two workloads, four rounds; every third block of a visit is slower by this factor."""
    works = [SyntheticWorkload(name) for name in ("a", "b")]
    rng = np.random.default_rng(0)
    visits = []
    for number in range(4):
        for position, work in enumerate(works):
            samples = (1 + position) * 0.02 * np.exp(0.002 * rng.standard_normal(30))
            samples[::3] *= slow
            start = 100.0 * number + 10 * position
            visits.append(
                Visit(
                    work.key, number, position, tuple(samples), started_s=start, ended_s=start + samples.sum(),
                    cpu_s=cpu * float(samples.sum()), conditions=conditions,
                )
            )  # fmt: skip
    return fit_campaign(Plan(tuple(items(works)), "cpu", "torch", protocol("standard")), visits)


@pytest.mark.parametrize(
    ("conditions", "says"),
    [
        ({"cpu_wait_fraction": 0.002}, "this process had its CPU at least 99.8 % of the time"),
        ({"cpu_wait_fraction": 0.2}, "other processes ran on the same CPU: an uncontended machine may be quicker still"),
        ({}, "whether these saw an uncontended machine is not known"),
    ],
)
def test_what_is_claimed_about_the_machine_follows_from_what_was_seen(conditions: dict[str, Any], says: str) -> None:
    (flag,) = [flag for flag in campaign(1.5, conditions).flags if flag.code == "W_UNSTABLE_HOST"]
    assert says in flag.text
    assert "uncontended machine;" not in str(flag)


@pytest.mark.parametrize(
    ("share", "delay", "says"),
    [(0.6, 0.5, "40 % of the blocks were slowed, by 50 %"), (0.998, 0.5, "less than 1 % of the"), (0.998, 0.02, None)],
)
def test_slowed_blocks_that_move_no_latency_are_not_warned_of(share: float, delay: float, says: str | None) -> None:
    flag = _unstable(Contention(np.ones(1), share, 0.01, math.log1p(delay)), None, None, [])
    assert (None if flag is None else flag.text[: len(says or "")]) == says


@pytest.mark.parametrize(("unseen", "is_said"), [(0.0, False), (0.004, False), (0.02, True)])
def test_a_machine_none_of_whose_states_stands_out_may_be_quicker_still(unseen: float, is_said: bool) -> None:
    flag = _unstable(Contention(np.ones(1), 0.3, 0.01, 0.2, unseen), None, None, [])
    assert flag is not None
    assert ("an uncontended one may be quicker by 2 % or so" in flag.text) is is_said


def test_stored_visits_that_had_a_quarter_of_a_cpu_are_doubted() -> None:
    fit = campaign(1.0, {"involuntary_switches": 300.0}, cpu=0.25)
    (flag,) = [flag for flag in fit.flags if flag.code == "W_DISTURBED"]
    assert "in 8 of 8 visits" in flag.text
    assert "25 %" in flag.text
    assert was_kept_off(fit.visits[0])
    for calm in ({"involuntary_switches": 1.0}, {}, {"cpu_wait_fraction": 0.001, "involuntary_switches": 300.0}):
        assert "W_DISTURBED" not in {flag.code for flag in campaign(1.0, calm, cpu=0.25).flags}
