"""Campaigns whose memory groups hold few workloads, or one: their intervals hold what processes do to single workloads."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from hwcost.campaign.estimates import block_model
from hwcost.campaign.estimates.block_model import fit_block_model
from hwcost.campaign.estimates.block_table import companions, segments
from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.estimates.interleaved import block_table, block_values
from hwcost.campaign.estimates.slices import sliced_blocks
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.timing.measurement import Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

ROUNDS = 4
BLOCK_S = 0.5
CAMPAIGNS = 16


def plan_of(n: int) -> Plan:
    return Plan(tuple(Item(SyntheticWorkload(f"w{i}", flops=i + 1)) for i in range(n)), "cpu", "null", protocol("standard"))


def in_groups(
    plan: Plan, size: int, seed: int, layout: float = 0.01, step: float = 0.0, blocks: int = 6, prepare_s: float = 20.0
) -> tuple[np.ndarray, list[Visit]]:
    """Draws a campaign with noise of 0.5 % a block, whose processes measure one group after another.

    Args:
        plan: Plan of the campaign.
        size: Workloads of a group, which run in turn.
        seed: Seed of everything.
        layout: Standard deviation of what a process does to one workload.
        step: Standard deviation of a group's level.
        blocks: Blocks of a visit.
        prepare_s: Seconds in which a workload is prepared.

    Returns:
        Log latencies, shape (items,), and the visits.
    """
    rng = np.random.default_rng(seed)
    n, now, visits = len(plan.items), 0.0, []
    truth = rng.normal(-3, 0.5, n)
    for number in range(ROUNDS):
        order, own = rng.permutation(n), rng.normal(0, layout, n)
        for first in range(0, n, size):
            group, level = order[first : first + size], rng.normal(0, step)
            now += prepare_s * len(group)
            turns = np.array([rng.permutation(len(group)) for _ in range(blocks)])
            starts = BLOCK_S * (len(group) * np.arange(blocks)[:, None] + np.argsort(turns, axis=1))
            for place, item in enumerate(group.tolist()):
                samples = np.exp(truth[item] + own[item] + level + rng.normal(0, 0.005, blocks))
                visits.append(
                    Visit(
                        plan.items[item].workload.key, number, first + place, samples_s=tuple(samples.tolist()),
                        started_s=now, ended_s=now + BLOCK_S * turns.size, block_starts_s=tuple(starts[:, place].tolist()),
                    )
                )  # fmt: skip
            now += BLOCK_S * turns.size
    return truth, visits


def _look_for_no_neighbour(monkeypatch: pytest.MonkeyPatch) -> None:
    """Leaves out the searches for states, which take most of the time."""
    monkeypatch.setattr(block_model, "usual_starts", lambda table: ())
    monkeypatch.setattr(block_model, "rare_starts", lambda table: ())


@pytest.mark.parametrize(
    ("n", "size", "layout", "step"), [(6, 1, 0.01, 0.0), (8, 2, 0.002, 0.015)]
)
def test_paired_contrasts_are_covered_however_few_workloads_run_in_turn(
    n: int, size: int, layout: float, step: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    _look_for_no_neighbour(monkeypatch)
    plan, covered, error, reported = plan_of(n), [], [], []
    one, other = np.triu_indices(n, 1)
    for seed in range(CAMPAIGNS):
        truth, visits = in_groups(plan, size, seed, layout, step)
        found = fit_campaign(plan, visits).measurements
        rest = np.array([math.log(m.latency_s or math.nan) for m in found]) - truth
        half = np.array([m.paired_half_width or math.nan for m in found])
        covered.append(np.abs(rest[one] - rest[other]) <= np.hypot(half[one], half[other]))
        error.append(rest[one] - rest[other])
        reported.append(np.hypot(half[one], half[other]) / stats.t.ppf(0.975, (n - 1) * (ROUNDS - 1)))
    assert np.mean(covered) >= 0.88
    assert 0.8 <= math.sqrt(np.mean(np.square(reported)) / np.mean(np.square(error))) <= 1.4


def test_two_workloads_in_two_processes_have_intervals_also_where_a_visit_has_a_block_less(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    _look_for_no_neighbour(monkeypatch)
    plan, covered = plan_of(2), []
    for seed in range(CAMPAIGNS):
        truth, visits = in_groups(plan, 2, seed, blocks=10)
        first, *others = [visit for visit in visits if visit.round < 2]
        cut = replace(first, samples_s=first.samples_s[:-1], block_starts_s=first.block_starts_s[:-1])
        found = fit_campaign(plan, [cut, *others]).measurements
        assert [m.interval_reason for m in found] == ["", ""]
        rest = np.log([m.latency_s for m in found]) - truth
        covered.append(abs(rest[0] - rest[1]) <= math.hypot(*(m.paired_half_width or math.nan for m in found)))
    assert np.mean(covered) >= 0.85


@pytest.mark.parametrize(("n", "size"), [(8, 4), (2, 2)])
def test_workloads_that_run_in_turn_tell_the_level_of_the_machine(n: int, size: int) -> None:
    values = block_values(in_groups(plan_of(n), size, 0)[1])
    assert values.level is not None
    assert np.ptp(values.level) > 0.0


def test_what_few_workloads_took_for_a_level_is_in_their_visits() -> None:
    _, visits = in_groups(plan_of(6), 1, 0)
    values = block_values(visits)
    assert values.level is None
    assert values.y == pytest.approx([np.log(visit.samples_s).mean() for visit in visits], abs=0.003)


def test_what_a_process_does_to_one_workload_is_no_neighbour() -> None:
    """Beside delays of 30 % a layout of 2 % is none, where a workload is alone for minutes: every visit has quick blocks."""
    plan = plan_of(8)
    _, visits = in_groups(plan, 1, 0, blocks=12)
    factors = np.where(np.arange(12) // 4 == 1, 1.3, 1.0)
    slowed = [replace(visit, samples_s=tuple((factors * visit.samples_s).tolist())) for visit in visits]
    values = block_values(slowed)
    assert values.states is not None
    assert values.uncontended.all()
    assert values.states.share == pytest.approx(2 / 3, abs=0.02)
    assert values.y == pytest.approx(block_values(visits).y, abs=0.01)


def test_workloads_of_one_segment_or_one_group_tell_the_level_together() -> None:
    for size, prepare_s, expected in ((1, 20.0, 1), (2, 20.0, 2), (8, 20.0, 8), (1, 0.0, 4)):
        visits = in_groups(plan_of(8), size, 0, prepare_s=prepare_s)[1]
        table, _ = block_table(visits, sliced_blocks(visits).y)
        assert np.median(companions(table, segments(table.time, table.round))) == pytest.approx(expected, abs=0.5)


def test_a_single_workload_is_as_uncertain_as_two_readings_of_its_noise_differ() -> None:
    plan, n = plan_of(1), 50
    rng, is_slow = np.random.default_rng(0), np.arange(n) // 10 % 3 == 1
    visits = [
        Visit(
            plan.items[0].workload.key, number, 0, started_s=10.0 * number, ended_s=10.0 * number + 1.0,
            samples_s=tuple(np.exp(-3.0 + 0.4 * is_slow + rng.normal(0, 0.03, n)).tolist()),
            block_starts_s=tuple((0.02 * np.arange(n)).tolist()),
        )
        for number in range(ROUNDS)
    ]  # fmt: skip
    table, _ = block_table(visits, sliced_blocks(visits).y)
    doubt = fit_block_model(table).reading_error
    assert doubt > 0.002
    (m,) = fit_campaign(plan, visits).measurements
    y = block_values(visits).y
    rounds = stats.t.ppf(0.975, ROUNDS - 1) * y.std(ddof=1) / math.sqrt(ROUNDS)
    assert m.half_width == pytest.approx(math.hypot(rounds, 1.96 * doubt))
