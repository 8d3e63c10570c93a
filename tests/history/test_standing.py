"""A confirmed change stays until it is undone or accepted, however many nights ago it was; one that was undone stays so."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest

from hwcost.history.check import check
from hwcost.history.policy import Terms
from hwcost.history.trace import Noted, find
from hwcost.stores import open_store
from hwcost.stores.entries import Acceptance, Confirmation
from tests.history.histories import History

SIZE = math.log1p(0.05)
AT = 40


def confirmed(history: History, i: int, run: int, before: int, log_ratio: float = SIZE) -> Confirmation:
    return Confirmation(
        series_key=history.key(i), run_id=f"run{run:03d}", before_run_id=f"run{before:03d}", outcome="confirmed",
        log_ratio=log_ratio, half_width=0.006, how="worktree",
    )  # fmt: skip


def verdicts(history: History, entries: list[Confirmation], nights: range, i: int = 3) -> set[tuple[str, bool]]:
    """Returns the verdicts on a series, night after night, and whether each is confirmed."""
    found = (history.judged(*entries, at=f"run{night:03d}")[f"net{i:03d}"] for night in nights)
    return {(one.verdict, one.is_confirmed) for one in found}


def test_a_confirmed_regression_stays_while_its_change_leaves_the_nights_that_are_looked_at() -> None:
    history = History(nights=112)
    history.y[3, AT:] += SIZE
    entries = [confirmed(history, 3, AT + 1, AT - 2)]
    assert verdicts(history, entries, range(96, 112)) == {("regressed", True)}
    between = history.judged(*entries)["net003"].first_bad
    assert between is not None
    assert (between.last_good, between.first_bad) == (f"run{AT - 2:03d}", f"run{AT + 1:03d}")


@pytest.mark.parametrize("nights", [2, 6, 20])
def test_a_regression_that_was_mended_does_not_come_back_once_it_is_long_ago(nights: int) -> None:
    history = History(nights=AT + nights + 66)
    history.y[3, AT : AT + nights] += SIZE
    entries = [confirmed(history, 3, AT, AT - 1)]
    assert verdicts(history, entries, range(AT + 60, history.nights)) <= {("ok", False), ("improved", False)}
    assert verdicts(history, entries, range(AT + nights + 60, history.nights)) == {("ok", False)}


def test_a_machine_that_changes_meanwhile_neither_undoes_a_regression_nor_brings_it_back() -> None:
    history = History(nights=115)
    history.y[3:5, AT:] += SIZE
    history.y[4, AT + 10 :] -= SIZE
    history.y[:, AT + 20 :] -= 2 * SIZE
    entries = [confirmed(history, i, AT, AT - 1) for i in (3, 4)]
    assert verdicts(history, entries, range(112, 115)) == {("regressed", True)}
    assert verdicts(history, entries, range(112, 115), 4) == {("ok", False)}


def test_a_change_the_other_way_is_not_the_one_that_was_confirmed() -> None:
    y = np.random.default_rng(0).normal(0.0, 0.01, 60)
    y[3:] -= SIZE
    noted = Noted(0, 1, confirmed(History(), 3, 1, 0))
    assert find(y, np.arange(60), Terms(), [noted]).confirmation is None


@pytest.mark.parametrize(("mended", "verdict"), [(False, "regressed"), (True, "ok")])
def test_the_check_reads_the_nights_before_a_change_however_long_ago(tmp_path: Path, mended: bool, verdict: str) -> None:
    history = History(nights=175)
    history.y[3, AT:] += SIZE
    if mended:
        history.y[3, AT + 5 :] -= SIZE
    with open_store(tmp_path / "nights.db") as store:
        for run in history.runs:
            store.add_run(run)
        store.add_estimates(history.series, history.table().estimates())
        store.add_entry(confirmed(history, 3, AT, AT - 1))
        found = check(store, history.runs)
    assert next(one.verdict for one in found.judgements if one.series_key == history.key(3)) == verdict


def test_a_common_regression_that_was_mended_does_not_come_back_either() -> None:
    history = History(nights=112, anchors=2)
    history.y[:10, AT : AT + 8] += SIZE
    first = history.series[0]
    entry = confirmed(history, 0, AT, AT - 1).model_copy(update={"series_key": f"device:{first.device}/torch/latency_s"})
    assert [one.verdict for one in history.devices(entry)] == ["ok"]
    history.y[:10, AT + 8 :] += SIZE
    assert [(one.verdict, one.is_confirmed) for one in history.devices(entry)] == [("regressed", True)]


def test_an_accepted_common_change_does_not_count_however_long_before_it_was_confirmed() -> None:
    history = History(nights=40, anchors=2)
    history.y[:10, 10:] += SIZE
    first = history.series[0]
    entry = confirmed(history, 0, 10, 9).model_copy(update={"series_key": f"device:{first.device}/torch/latency_s"})
    assert [one.verdict for one in history.devices(entry)] == ["regressed"]
    accepted = Acceptance(run_id="run013", author="ann", reason="more accurate")
    assert [one.verdict for one in history.devices(entry, accepted)] == ["ok"]


def test_a_confirmed_regression_near_the_least_change_does_not_come_and_go() -> None:
    for seed in range(3):
        history = History(nights=100, seed=seed)
        history.y[3, AT:] += math.log1p(0.03)
        entries = [confirmed(history, 3, AT + 1, AT - 2, math.log1p(0.03))]
        assert verdicts(history, entries, range(AT + 4, 100, 3)) == {("regressed", True)}


def test_a_confirmed_regression_of_which_little_is_left_is_mended() -> None:
    history = History(nights=90)
    history.y[3, AT:] += SIZE
    history.y[3, AT + 10 :] -= SIZE - math.log1p(0.01)
    assert verdicts(history, [confirmed(history, 3, AT, AT - 1)], range(AT + 20, 90, 5)) == {("ok", False)}
