"""Judges the history of every series, and of every device: what each is compared with, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from hwcost.history.judge_device import judged_device
from hwcost.history.judge_series import judged_series
from hwcost.history.judgement import DeviceJudgement, Judgement
from hwcost.history.past import Past
from hwcost.history.policy import CANARY, DEFAULT, Policy, is_matched
from hwcost.stores.entries import Entry
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = ["Judged", "judge"]


class Judged(NamedTuple):
    """What the nights of a store say.

    Attributes:
        series: Judgements of series.
        devices: Judgements of what the series of a device have in common.
    """

    series: list[Judgement]
    devices: list[DeviceJudgement]


def judge(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    former: EstimateTable | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> Judged:
    """Judges every series, and what all series of a device with one backend have in common, as they stood at a run.

    Each series is compared with its own latest nights, the level common to its device taken out; see
    :mod:`hwcost.history.trace` and :mod:`hwcost.history.common_level` for the rules. Anchors get no verdict, since the level
    need not be theirs: a change of the code leaves them where they are.

    Args:
        runs: Runs; estimates of others do not count.
        series: Series by key.
        table: Estimates.
        policy: Rules on what counts as a change.
        entries: Acceptances and confirmations among other entries.
        at: Run at which they are judged; None for the latest.
        former: Estimates of the nights before confirmed changes that ``table`` lacks; None for none.
        workload: Pattern of the names of workloads.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.

    Returns:
        Judgements of every series that was ever measured by one of these runs, except anchors, in the order of their keys,
        and of every device that has such a workload; the level of a device is that of all its series, whatever
        ``workload`` is.

    Raises:
        UnknownNameError: When there is no run ``at``.
    """
    past = Past.of(runs, series, table, policy, entries, at, former)
    return Judged(_of_series(past, workload, device, backend), _of_devices(past, workload, device, backend))


def _of_series(past: Past, workload: str, device: str, backend: str) -> list[Judgement]:
    wanted = [
        row
        for row, one in enumerate(past.nights.series)
        if is_matched(one, workload, device, backend) and not past.terms[row].is_anchor and one.extra.get("role") != CANARY
    ]
    levels = past.levels()
    found = (judged_series(past, row, levels[row]) for row in wanted)
    return [one for one in found if one is not None]


def _of_devices(past: Past, workload: str, device: str, backend: str) -> list[DeviceJudgement]:
    return [
        judged_device(past, one)
        for one in past.commons
        if any(is_matched(past.nights.series[row], workload, device, backend) for row in one.rows)
    ]
