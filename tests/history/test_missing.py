"""A workload that was removed stays missing until somebody accepts it, however many runs ago that was."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from hwcost.history import Policy
from hwcost.history.check import WINDOW, check
from hwcost.report.verdict_table import reasons
from hwcost.stores import open_store
from hwcost.stores.entries import Acceptance
from hwcost.workloads import SyntheticWorkload
from tests.history.histories import History

WORKS = [SyntheticWorkload(f"net{i:03d}", flops=int(1e9 * (1 + i))) for i in range(8)]


def accepted(run_id: str) -> Acceptance:
    return Acceptance(run_id=run_id, author="ann", reason="removed", workload="net005")


def test_a_workload_without_a_value_in_all_runs_that_are_looked_at_is_missing_until_that_is_accepted(tmp_path: Path) -> None:
    nights = WINDOW + 10
    history = History(n=8, nights=nights, noise=0.003)
    with open_store(tmp_path / "s.db") as store:
        found = history.stored(store, WORKS, [], without=[(5, night) for night in range(5, nights)])
        (one,) = [one for one in found.judgements if one.verdict == "missing"]
        assert found.series[one.series_key].name == "net005"
        assert one.reason == (
            "None of the latest runs has an estimate of it; the last one is of run 2026-01-05 02:00. "
            "If it was removed, accept that: hwcost accept."
        )
        assert found.fails(["missing"])
        anchor = Policy.of([{"workload": "net005", "anchor": True}])
        assert not check(store, found.runs, policy=anchor).fails(["missing"])
        assert not check(store, found.runs, workload="net004").fails(["missing"])
        store.add_entry(accepted("run004"))
        assert check(store, found.runs).fails(["missing"])
        store.add_entry(accepted("run005"))
        assert not check(store, found.runs).fails(["missing"])


def test_series_that_are_missing_for_one_reason_have_one_sentence(tmp_path: Path) -> None:
    history = History(n=8, nights=12, noise=0.003)
    with open_store(tmp_path / "s.db") as store:
        found = history.stored(store, WORKS, [], without=[(at, 11) for at in (1, 2, 5)])
    missing = [one for one in found.judgements if one.verdict == "missing"]
    assert len(missing) == 3
    ((name, text),) = [pair for pair in reasons(found) if "no estimate" in pair[1]]
    assert name == ", ".join(found.series[one.series_key].name for one in missing)
    assert text.endswith("If it was removed, accept that: hwcost accept.")
    only = replace(found, judgements=tuple(missing))
    assert [one.fails(["regressed"]) for one in (found, only, replace(only, older=1))] == [False, True, False]
