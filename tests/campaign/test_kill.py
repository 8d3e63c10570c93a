"""Campaigns that are killed: nothing is lost but the pass under way, and nothing is repeated."""

from __future__ import annotations

import math
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import numpy as np
import psutil
import pytest

from hwcost.campaign.estimates.estimate import measurements
from hwcost.campaign.rounds.journal import is_counted
from hwcost.stores import Store, open_store
from hwcost.timing.measurement import Visit
from tests.conftest import PATIENCE_S

pytestmark = pytest.mark.once

KILLED = """
import sys, hwcost
from hwcost.workloads import SyntheticWorkload
works = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(6)]
hwcost.measure(works, backend="null", store=sys.argv[1], rounds=3, backend_options={"realtime": True})
"""
RESUME = """
import sys
from hwcost.campaign.run import run
from hwcost.stores import open_store
with open_store(sys.argv[1]) as store:
    run(store, store.latest_campaign().campaign_id)
"""

Blocks = dict[tuple[int, str], list[float]]
"""Seconds per call of the timed blocks by round and workload, in the order of their values."""


def blocks_of(visit: Visit) -> list[float]:
    left_out = [one for some in visit.conditions.get("left_out_s", {}).values() for one in some]
    return sorted([*visit.samples_s, *visit.warmup_s, *left_out])


def stored(store: Store) -> tuple[dict[str, Visit], Blocks]:
    """Returns visits by idempotency key, and what was timed and is in no visit yet."""
    (campaign,) = store.campaigns()
    journaled: Blocks = {}
    for number, events in store.passes(campaign.campaign_id).items():
        for block in (block for event in events for block in event.get("blocks", ())):
            if block["role"] == "timed":
                place = number, block["workload_key"]
                journaled.setdefault(place, []).append(block["seconds"] / block["calls"])
    return {record.identity.idempotency_key: record.visit for record in store.records()}, journaled


def kill(process: subprocess.Popen[bytes], generation: int) -> None:
    """Kills the parent (generation 0), its fork server (1) or its worker (2), or the latest of them that is there."""
    try:
        below = psutil.Process(process.pid).children(recursive=True)
    except psutil.NoSuchProcess:
        return
    chosen = [psutil.Process(process.pid), *below][: generation + 1][-1]
    chosen.kill()
    if chosen.pid == process.pid:  # nothing may outlive it
        assert not psutil.wait_procs(below, timeout=PATIENCE_S)[1]


@pytest.mark.parametrize(
    ("name", "generation", "times"),
    [
        ("s.db", 1, 3), pytest.param("s.db", 1, 10, marks=pytest.mark.slow),
        pytest.param("s.jsonl", 2, 10, marks=pytest.mark.slow),
    ],
)  # fmt: skip
def test_kill_9_again_and_again_loses_nothing_and_repeats_nothing(
    tmp_path: Path, name: str, generation: int, times: int
) -> None:
    """Killed at random moments, the parent, and by turns its fork server or worker; each stored pass is in a visit."""
    path, script = tmp_path / name, KILLED
    rng = np.random.default_rng(0)
    visits: dict[str, Visit] = {}
    missing: Blocks = {}
    for attempt in range(times + 1):
        process = subprocess.Popen([sys.executable, "-c", script, str(path)], stderr=subprocess.PIPE)
        if attempt < times:
            time.sleep(float(rng.uniform(1.0, 3.5)))
            kill(process, generation if attempt % 3 == 2 else 0)
        process.wait(timeout=PATIENCE_S)
        if not path.exists():
            continue
        with open_store(path) as store:
            if store.latest_campaign() is None:
                continue
            script, before = RESUME, visits
            visits, journaled = stored(store)
        assert before.items() <= visits.items()
        if attempt == times:
            assert journaled == {}
        missing = still_missing(missing | journaled, visits)
    assert process.returncode == 0, process.stderr.read() if process.stderr else ""
    assert missing == {}
    counted = Counter(visit.workload_key for visit in visits.values() if is_counted(visit))
    assert set(counted.values()) == {3}
    assert len({(visit.round, visit.workload_key) for visit in visits.values()}) == len(visits)
    assert all(len(set(visit.passes)) == len(visit.passes) for visit in visits.values())
    with open_store(path) as store:
        for m in measurements(store):
            assert m.latency_s is not None
            assert m.half_width is not None
            law_s = m.visits[0].facts["law_s"]
            assert abs(math.log(m.latency_s / law_s)) <= 2 * m.half_width + 0.03  # a neighbour is never quite absent


def still_missing(journaled: Blocks, visits: dict[str, Visit]) -> Blocks:
    """Returns what was journaled and is in no visit."""
    found = {(visit.round, visit.workload_key): blocks_of(visit) for visit in visits.values()}
    return {place: blocks for place, blocks in journaled.items() if not set(blocks) <= set(found.get(place, ()))}
