"""Levels of tables in which one architecture, or one net at all batch sizes, stands in successive rows."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.auditing.table import audit_table
from hwcost.cost_models.data import Data, from_table
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import without_own
from hwcost.cost_models.training.train import train
from hwcost.cost_models.training.visits import FEWEST_SWEEPS, Visits
from hwcost.exchange.table import LatencyTable
from hwcost.spaces import space

NETS = 80
MOVED = 0.4


@given(st.lists(st.integers(1, 4), min_size=1, max_size=30))
def test_visits_are_the_runs_of_one_architecture(lengths: list[int]) -> None:
    groups = Groups(np.repeat(np.arange(len(lengths)), lengths).astype(np.intp))
    visits = Visits.of(groups)
    assert len(visits) == len(lengths)
    assert (visits.last - visits.first + 1).tolist() == lengths
    values = np.random.default_rng(0).normal(size=sum(lengths))
    middles = visits.middles(values)
    assert middles.tolist() == [float(np.median(values[visits.numbers == i])) for i in range(len(lengths))]
    assert np.array_equal(visits.at_rows(middles)[visits.first], middles)
    assert len(Visits.of(groups, np.arange(sum(lengths)))) == sum(lengths), "measuring runs were joined"


def test_what_other_visits_share_is_taken_out_and_what_rows_of_one_share_is_not() -> None:
    numbers = np.repeat(np.tile(np.arange(10), 4), 3).astype(np.intp)
    groups, rng = Groups(numbers), np.random.default_rng(1)
    own, level = rng.normal(0, 1.0, 10), np.repeat(np.linspace(0, 0.4, 40), 3)
    found = Visits.of(groups).without_own(groups, own[numbers] + level)
    assert np.corrcoef(found, level)[0, 1] > 0.85 > np.corrcoef(own[numbers] + level, level)[0, 1]
    once = Groups(np.repeat(np.arange(40), 3).astype(np.intp))
    assert Visits.of(once).without_own(once, level) == pytest.approx(level, abs=1e-12)
    single = Visits.single(len(numbers))
    assert np.array_equal(single.without_own(groups, level), without_own(groups, level))


def test_sweeps_are_the_runs_in_which_slower_columns_stand_still() -> None:
    net, length, batch = (one.ravel() for one in np.meshgrid(np.arange(40), [32, 64], [1, 2, 4], indexing="ij"))
    found = list(Visits.sweeps(np.column_stack([batch, net, length]).astype(float)))
    assert [len(one) for one in found] == [80, 40]
    assert np.array_equal(found[1].numbers, net)
    assert list(Visits.sweeps(np.column_stack([batch, net])[: 6 * (FEWEST_SWEEPS - 1)].astype(float))) == []


def table(rows: list[tuple[int, ...]], moved: float, seed: int = 0) -> tuple[Data, np.ndarray]:
    """Rows of layers, hidden and batch size, and their latencies at a level that rises and falls twice."""
    rng = np.random.default_rng(seed)
    layers, hidden, batch = np.array(rows, dtype=float).T
    truth = 2e-4 + 1e-5 * batch * layers * (hidden / 64) ** 1.5
    level = 1 + moved / 2 * np.sin(4 * np.pi * np.arange(len(rows)) / len(rows))
    made = space("table", columns=[{"name": name} for name in ("layers", "hidden", "batch")])
    archs = [made.architecture(row) for row in rows]
    measured = truth * level * np.exp(rng.normal(0, 0.01, len(rows)))
    return from_table(LatencyTable(made, archs, measured, None, "planted.csv")), truth


def nets(seed: int = 0) -> list[tuple[int, int]]:
    every = list(itertools.product(range(2, 14), range(64, 768, 64)))
    return [every[i] for i in np.random.default_rng(seed).permutation(len(every))[:NETS]]


LAYOUTS = {
    "each net five times": lambda: [(*net, 1) for net in nets() for _ in range(5)],
    "each net at all batch sizes": lambda: [(*net, batch) for net in nets() for batch in (1, 2, 4, 8, 16)],
    "each net at all batch sizes, twice": lambda: [
        (*net, batch) for net in nets() for batch in (1, 4, 16) for _ in range(2)
    ],
}


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_level_is_found_whatever_stands_in_successive_rows(layout: str) -> None:
    rows = LAYOUTS[layout]()
    clean = audit_table(table(rows, 0.0)[0])
    assert (clean.verdict, clean.codes) == ("clean", ())
    data, truth = table(rows, MOVED)
    moved = audit_table(data)
    assert (moved.verdict, moved.codes) == ("drifting", ("W_DRIFT",))
    assert moved.level_range == pytest.approx((1 + MOVED / 2) / (1 - MOVED / 2) - 1, abs=0.2)
    assert moved.segments[0].first == 0
    assert moved.segments[-1].last == len(rows) - 1
    trained, plain = train(data, "polynomial"), train(data, "polynomial", drift="none")
    errors = [np.log(one.model.predict(data.architectures).values / truth) for one in (trained, plain)]
    after, before = (float(np.abs(one - np.median(one)).mean()) for one in errors)
    assert after < before / 1.5
    assert trained.model.log_interval_half_width_ < plain.model.log_interval_half_width_ / 2


@pytest.mark.parametrize("times", [1, 4])
def test_nets_in_the_order_of_size_stay_confounded_however_often_each_was_measured(times: int) -> None:
    rows = [(*net, 1) for net in sorted(nets(), key=lambda net: net[0] * net[1]) for _ in range(times)]
    for moved in (0.0, MOVED):
        assert audit_table(table(rows, moved)[0]).codes == ("W_CONFOUNDED",)


def test_intervals_hold_the_level_between_blocks_that_nothing_tells() -> None:
    rows = [(*net, batch) for batch in (1, 2, 4, 8) for net in nets()]
    data, truth = table(rows, MOVED)
    model = train(data, "polynomial").model
    found = model.predict(data.architectures)
    assert float(np.abs(found.values / truth - 1).mean()) > 0.08, "each block has a level of its own"
    assert float(np.mean((found.low <= truth) & (truth <= found.high))) >= 0.9
    assert any("Between blocks it is not known" in doubt for doubt in model.provenance["doubts"])
    still = train(table(rows, 0.0)[0], "polynomial").model
    assert still.log_interval_half_width_ < 0.03
    assert "doubts" not in still.provenance
