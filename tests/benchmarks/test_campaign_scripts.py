"""Scripts that run campaigns, or simulate them: what they count, and what they refuse."""

from __future__ import annotations

import subprocess
import sys
from argparse import ArgumentTypeError
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

import hwcost
from hwcost.workloads import SyntheticWorkload, models
from tests.conftest import ROOT

pytestmark = pytest.mark.once

BENCHMARKS = ROOT / "benchmarks"


@pytest.fixture(scope="module")
def scripts() -> Iterator[SimpleNamespace]:
    """Modules of the benchmarks by name."""
    sys.path.insert(0, str(BENCHMARKS))
    studies = ("neighbour_estimates", "sim_neighbours", "single_visits", "visit_counts")
    found = {name: import_module(f"studies.{name}") for name in studies}
    yield SimpleNamespace(**found, trust=import_module("trust"), group_memory=import_module("group_memory"))
    sys.path.remove(str(BENCHMARKS))


def test_visits_of_a_store_are_its_workloads_times_its_processes(scripts: SimpleNamespace, tmp_path: Path) -> None:
    works = [SyntheticWorkload(f"w{i}", flops=i + 1) for i in range(3)]
    hwcost.measure(works, backend="null", store=tmp_path / "s.db", rounds=2)
    assert scripts.visit_counts.stored(tmp_path / "s.db") == 6
    assert scripts.visit_counts.Visits(6, 30.0).per_minute == 12


def test_what_is_no_checkout_is_refused(tmp_path: Path) -> None:
    script = [sys.executable, str(BENCHMARKS / "starts.py"), "--beside", str(tmp_path)]
    ended = subprocess.run(script, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert f"--beside takes a checkout of hwcost; '{tmp_path}' holds no folder 'hwcost'" in ended.stderr


def test_numbers_of_passes_are_read_and_others_are_refused(scripts: SimpleNamespace) -> None:
    assert scripts.trust.numbers("3,10") == [3, 10]
    for text in ("3,x", "0", ""):
        with pytest.raises(ArgumentTypeError, match="not a list of numbers of passes; write 3,10,60"):
            scripts.trust.numbers(text)


def test_the_duty_of_two_neighbours_is_the_time_in_which_any_works(scripts: SimpleNamespace) -> None:
    Neighbour, Sim = scripts.sim_neighbours.Neighbour, scripts.sim_neighbours.SimNeighbours  # noqa: N806
    both = Sim(0, items=12, passes=20, neighbours=(Neighbour(1.5, 0.5, 0.2), Neighbour(1.5, 0.4, 0.3)))
    assert both.duty == pytest.approx(0.7)
    assert (both.slowness > 0).mean() == pytest.approx(both.duty, abs=0.1)
    assert Sim(0).duty == 0


def test_every_estimator_judges_the_same_campaign(scripts: SimpleNamespace) -> None:
    duty, blocks, found = scripts.trust.estimated(3, 4)
    assert 0.1 <= duty < 1
    assert blocks > 50
    assert set(found) == {"medians", "two states", "block model", "slices"}
    assert len({len(one.error) for one in found.values()}) == 1
    p95 = {name: np.quantile(np.abs(one.error[~one.is_unconfirmed]), 0.95) for name, one in found.items()}
    assert max(p95["block model"], p95["slices"]) < 0.03


@pytest.mark.parametrize("kind", ["busy", "crowded"])
def test_crowded_machines_are_hardly_ever_uncontended(scripts: SimpleNamespace, kind: str) -> None:
    of = getattr(scripts.sim_neighbours.SimNeighbours, kind)
    assert all(0.75 <= of(seed, 3).duty <= 0.998 for seed in range(20))
    assert scripts.trust.estimated(5, 3, kind)[0] == of(5, 3).duty


def test_two_campaigns_of_the_same_workloads_are_compared_beside_other_neighbours(scripts: SimpleNamespace) -> None:
    error, half, stated, is_unconfirmed = scripts.trust.against(0, 6, 3, "crowded").T
    assert len(error) == 6
    assert abs(error.sum()) < 1e-9, "each one's difference is less the mean of the others"
    assert np.all((half > 0) & np.isin(is_unconfirmed, (0, 1)))
    assert np.median(half) < np.nanmedian(stated)


def test_a_group_takes_what_its_limit_allows(scripts: SimpleNamespace) -> None:
    mini = hwcost.space("supershaper", scale="mini")
    nets = models(mini, mini.sample(2, seed=0), batch_size=1, seq_len=16)
    found = scripts.group_memory.prepared("null", nets, 1)
    assert (found.groups, found.failed) == ({0: 1, 1: 1}, [])
    assert found.peak_bytes > 10 * 2**20


@pytest.mark.slow
@pytest.mark.torch
def test_workloads_in_turn_and_alone_take_about_as_long(scripts: SimpleNamespace) -> None:
    (pairs,) = scripts.single_visits.rounds("torch", 0, 1, 0.05)
    assert len(pairs) == 8
    assert all(0.1 < in_turn / alone < 10 for in_turn, alone in pairs)
