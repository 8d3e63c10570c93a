"""The block model on simulated campaigns of workloads in turn: intervals hold beside neighbours, and cost nothing else."""

from __future__ import annotations

import math
import sys
from collections.abc import Iterator
from dataclasses import replace
from types import ModuleType

import numpy as np
import pytest

from hwcost.agent.timer import SLICES
from hwcost.campaign.estimates import block_model
from hwcost.campaign.estimates.block_delays import NO_DELAY
from hwcost.campaign.estimates.block_model import fit_block_model
from hwcost.campaign.estimates.block_table import BlockTable, segments
from tests.conftest import ROOT


@pytest.fixture(scope="module")
def study() -> Iterator[ModuleType]:
    """The simulation and the estimators of the benchmark."""
    sys.path.insert(0, str(ROOT / "benchmarks"))
    from studies import neighbour_estimates

    yield neighbour_estimates
    sys.path.remove(str(ROOT / "benchmarks"))


def drawn(study: ModuleType, seed: int, passes: int = 10, **settings: object):  # type: ignore[no-untyped-def]
    from studies.sim_neighbours import Neighbour, SimNeighbours

    neighbours = (Neighbour(1.4, 0.5, 1.0),)
    return SimNeighbours(seed, **{"items": 16, "passes": passes, "neighbours": neighbours, **settings}).draw()


def test_intervals_hold_beside_a_neighbour_and_errors_are_small(study: ModuleType) -> None:
    campaigns = [drawn(study, seed) for seed in range(12)]
    found = [study.errors(one, "block model") for one in campaigns]
    covered = np.concatenate([one.is_covered[~one.is_unconfirmed] for one in found])
    sizes = np.concatenate([np.abs(one.error[~one.is_unconfirmed]) for one in found])
    assert 0.90 <= covered.mean() <= 0.99
    assert np.quantile(sizes, 0.95) < 0.02
    assert np.concatenate([one.is_unconfirmed for one in found]).mean() <= 0.10
    plain = np.concatenate([np.abs(study.errors(one, "medians").error) for one in campaigns])
    assert np.quantile(plain, 0.95) > 0.1


def test_intervals_hold_on_a_host_that_others_slow_by_any_amount(study: ModuleType) -> None:
    """The quick slices of campaigns that saw 30 or more uncontended blocks, hardly any of which stand out."""
    from studies.sim_neighbours import SimNeighbours

    hosts = (replace(SimNeighbours.shared(seed, 10), slices=SLICES).draw() for seed in range(24))
    found = [study.errors(one, "slices") for one in hosts if (one.delay < 0.003).sum() >= 30]
    assert len(found) >= 8
    covered = np.concatenate([one.is_covered[~one.is_unconfirmed] for one in found])
    assert covered.mean() >= 0.9


def test_calls_as_long_as_bursts_are_slowed_in_part_and_intervals_hold(study: ModuleType) -> None:
    """Ten nets of 150 to 370 ms beside bursts of 0.5 to 3 s: 80 to 120 s, 20 calls of each over four processes."""
    from studies.sim_neighbours import Bursts

    long = {"items": 10, "call_s": (0.15, 0.37), "neighbours": (Bursts(),)}
    found = [study.errors(drawn(study, seed, passes=5, **long), "block model") for seed in range(6)]
    covered = np.concatenate([one.is_covered[~one.is_unconfirmed] for one in found])
    sizes = np.concatenate([np.abs(one.error[~one.is_unconfirmed]) for one in found])
    assert covered.mean() >= 0.92
    assert np.quantile(sizes, 0.95) < 0.03


def test_layers_tell_the_state_within_calls_where_hardly_any_call_is_uncontended(study: ModuleType) -> None:
    """Twelve calls of 150 to 370 ms in four processes, beside bursts and pauses of 0.3 s in the mean."""
    from studies.sim_neighbours import Neighbour

    long = {"items": 10, "call_s": (0.15, 0.37), "layers": 12, "neighbours": (Neighbour(1.6, 0.5, 0.3),)}
    campaigns = [drawn(study, seed, passes=3, **long) for seed in range(4)]
    found = [study.errors(one, "with layers") for one in campaigns]
    covered = np.concatenate([one.is_covered for one in found])
    assert np.mean([study.errors(one, "block model").is_unconfirmed.mean() for one in campaigns]) > 0.5
    assert np.mean([one.is_unconfirmed.mean() for one in found]) < 0.1
    assert covered.mean() >= 0.9
    assert np.quantile(np.abs(np.concatenate([one.error for one in found])), 0.95) < 0.02


def test_what_a_call_does_to_all_of_its_layers_is_no_neighbour(study: ModuleType) -> None:
    for seed in range(2):
        one = drawn(study, seed, passes=3, items=10, call_s=(0.15, 0.37), layers=12, neighbours=())
        found = study.errors(one, "with layers")
        assert not found.is_unconfirmed.any()
        assert found.is_covered.mean() >= 0.8
        assert np.abs(found.error).max() < 0.02


def test_a_workload_with_two_uncontended_calls_of_twelve_is_no_slower_workload(study: ModuleType) -> None:
    """More than four fifths of its calls are slowed, and most calls of the others are not."""
    from studies.sim_neighbours import Bursts

    one = drawn(study, 8, passes=3, items=10, call_s=(0.15, 0.37), layers=12, neighbours=(Bursts(),))
    uncontended = np.bincount(one.blocks.item, one.delay < 0.003)
    assert uncontended.min() == 2
    for way in ("block model", "with layers"):
        assert np.abs(study.errors(one, way).error).max() < 0.03


def test_blocks_of_the_uncontended_machine_are_recognised(study: ModuleType) -> None:
    one = drawn(study, 0, passes=20)
    model = fit_block_model(one.blocks)
    assert model.states is not None
    assert model.states.share == pytest.approx(1 - one.slowed, abs=0.05)
    assert math.exp(model.states.delay) == pytest.approx(1.4, rel=0.1)


def test_campaigns_agree_beside_delays_of_all_sizes(study: ModuleType) -> None:
    """Delays from an exponential distribution have no gap to noise, but larger ones are no slower machine."""
    shifts = []
    for seed in range(3):
        one = drawn(study, seed, passes=15)
        rng = np.random.default_rng(seed)
        runs = []
        for mean in (0.03, 0.12):
            y = one.blocks.y + np.where(rng.random(len(one.blocks.y)) < 0.8, rng.exponential(mean, len(one.blocks.y)), 0.0)
            runs.append(study.errors(replace(one, blocks=replace(one.blocks, y=y)), "block model"))
        quiet, loud = runs
        shifts.append(float(np.median(loud.error - quiet.error)))
        assert (np.abs(loud.error - quiet.error) <= np.hypot(loud.half_width, quiet.half_width)).mean() >= 0.8
    assert np.median(np.abs(shifts)) < 0.02


def test_a_machine_that_is_hardly_ever_uncontended_is_no_slower_machine(study: ModuleType) -> None:
    """A neighbour computes for 96 % of the time, so that some 15 of 640 blocks see the machine uncontended."""
    from studies.sim_neighbours import Neighbour

    two = Neighbour(1.3, 0.95, 1.0), Neighbour(1.15, 0.4, 0.2)
    loads = [(Neighbour(1.4, 0.96, 0.5),), (Neighbour(1.7, 0.96, 0.5),), two]
    campaigns = [drawn(study, seed, neighbours=loads[seed % 3]) for seed in range(9)]
    assert np.mean([one.slowed for one in campaigns]) > 0.93
    found = [study.errors(one, "block model") for one in campaigns if (one.delay < 0.005).sum() >= 10]
    assert len(found) >= 6
    assert np.median(np.abs(np.concatenate([one.error for one in found]))) < 0.03
    assert np.concatenate([one.is_covered for one in found]).mean() >= 0.95


def test_blocks_that_are_far_quicker_than_all_others_leave_nothing_confirmed(study: ModuleType) -> None:
    """Four of 640 blocks saw a machine without the neighbour that slowed all others by a quarter."""
    one = drawn(study, 2, neighbours=())
    y = one.blocks.y + 0.22 * (np.arange(len(one.blocks.y)) % 160 != 100) + 0.3 * (np.arange(len(one.blocks.y)) % 40 < 10)
    found = study.errors(replace(one, blocks=replace(one.blocks, y=y)), "block model")
    assert found.is_unconfirmed.all()
    assert found.is_covered.mean() > 0.9


def test_few_passes_confirm_what_one_process_shows_where_the_uncontended_state_is_evident(study: ModuleType) -> None:
    """Three passes in each of four processes beside a neighbour that computes for half of the time."""
    found = [study.errors(drawn(study, seed, passes=3), "block model") for seed in range(6)]
    confirmed = np.concatenate([~one.is_unconfirmed for one in found])
    covered = np.concatenate([one.is_covered for one in found])
    assert confirmed.mean() > 0.8
    assert covered[confirmed].mean() >= 0.92
    assert np.median(np.concatenate([one.half_width for one in found])[confirmed]) < 0.02


def test_a_state_slightly_quicker_than_the_uncontended_one_is_a_step_of_the_level(study: ModuleType) -> None:
    """A neighbour computes for six of ten seconds, and processes differ by a little."""
    for seed in range(2):
        one = drawn(study, seed, passes=30, items=12, neighbours=())
        y = one.blocks.y + 0.34 * (one.blocks.time % 10.0 < 6.0)
        found = study.errors(replace(one, blocks=replace(one.blocks, y=y)), "block model")
        assert not found.is_unconfirmed.any()
        assert abs(np.median(found.error)) < 0.01


def test_without_a_neighbour_there_are_no_states(study: ModuleType) -> None:
    for seed in range(2):
        one = drawn(study, seed, neighbours=())
        assert fit_block_model(one.blocks).states is None
        found = study.errors(one, "block model")
        assert found.is_covered.mean() > 0.8
        assert np.median(found.half_width) < 0.012


def test_a_process_that_never_saw_the_machine_uncontended_does_not_count(study: ModuleType) -> None:
    """In one of four processes everything is 30 % slower all the time: that is no level, and no latency."""
    one = drawn(study, 1, neighbours=())
    blocks = one.blocks
    y = blocks.y + 0.26 * (blocks.round == 2)
    model = fit_block_model(replace(blocks, y=y))
    assert model.states is not None
    assert model.uncontended[blocks.round == 2].max() < 0.01
    assert model.uncontended[blocks.round != 2].mean() > 0.95


def test_workloads_that_were_never_seen_uncontended_are_as_quick_as_others_show(study: ModuleType) -> None:
    """A machine is uncontended for a tenth of the time: the rest is 20 % slower, for all workloads much alike."""
    one = drawn(study, 3, passes=4, neighbours=(), sensitivity=0.0)
    blocks = one.blocks
    since = blocks.time - np.array([blocks.time[blocks.round == k].min() for k in range(4)])[blocks.round]
    is_slow = since > 0.1 * since.max()
    slowed = replace(blocks, y=blocks.y + 0.18 * is_slow)
    found = study.errors(replace(one, blocks=slowed), "block model")
    lacking = np.bincount(blocks.item[~is_slow], minlength=16) < 2
    assert lacking.any()
    assert found.is_unconfirmed.all()
    assert np.abs(found.error[lacking]).max() < 0.05
    assert np.std(found.error) < 0.02
    assert found.is_covered.all()


def test_a_drift_from_process_to_process_is_a_level_and_not_a_neighbour(study: ModuleType) -> None:
    one = drawn(study, 2, neighbours=(), drift=0.0)
    blocks = one.blocks
    ramp = 0.02 * blocks.round
    model = fit_block_model(replace(blocks, y=blocks.y + ramp))
    assert model.states is None
    means = np.bincount(blocks.round, model.level) / np.bincount(blocks.round)
    assert np.diff(means) == pytest.approx(0.02, abs=0.008)


def test_of_fits_nearly_as_good_the_quicker_machine_is_taken() -> None:
    table = BlockTable(np.zeros(8), np.arange(8) % 4, np.zeros(8, dtype=np.intp), np.arange(8.0))
    fit = block_model._start(table, segments(table.time, table.round), np.zeros(4), NO_DELAY)
    slower = replace(fit, log_likelihood=0.0)
    cases = ((-0.1, -8, True), (-0.1, -20, False), (-0.01, -8, False), (0.1, 8, False), (0.1, 20, True))
    for shift, better_by, expected in cases:
        found = replace(fit, item=fit.item + shift, log_likelihood=float(better_by))
        assert block_model._is_better(found, slower) == expected


@pytest.mark.slow
def test_slices_tell_what_comes_and_goes_within_blocks(study: ModuleType) -> None:
    from studies.sim_neighbours import SimNeighbours

    campaigns = [replace(SimNeighbours.host(seed, 10), slices=SLICES).draw() for seed in range(12)]
    sliced, whole = ([study.errors(one, way) for one in campaigns] for way in ("slices", "block model"))
    confirmed = [~one.is_unconfirmed for one in sliced]
    covered = np.concatenate([one.is_covered[kept] for one, kept in zip(sliced, confirmed, strict=True)])
    assert covered.mean() >= 0.92
    sizes = [np.quantile(np.abs(np.concatenate([one.error for one in found])), 0.95) for found in (sliced, whole)]
    assert sizes[0] < sizes[1] / 3


def test_blocks_without_any_noise_are_fitted() -> None:
    item, round_ = np.tile(np.arange(3), 8), np.repeat(np.arange(2), 12)
    y = np.array([-1.0, -2.0, -3.0])[item]
    model = fit_block_model(BlockTable(y, item, round_, np.arange(24, dtype=np.float64)))
    assert model.residual == pytest.approx(0.0, abs=1e-6)


def test_segments_divide_processes_and_never_join_them() -> None:
    time = np.concatenate([np.arange(0, 40, 0.5), np.arange(100, 104, 0.5)])
    round_ = np.repeat([0, 1], [80, 8])
    found = segments(time, round_)
    assert (np.diff(found) >= 0).all()
    assert set(found[:80].tolist()) == {0, 1, 2}
    assert set(found[80:].tolist()) == {3}
