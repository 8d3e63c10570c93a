"""Judges the history of every series, and of every device: what each is compared with, and the sentence that says why."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from hwcost.history.judgement import DeviceJudgement, Judgement
from hwcost.history.of_device import judged_device
from hwcost.history.of_series import judged_series
from hwcost.history.past import Past
from hwcost.history.policy import CANARY, DEFAULT, Policy, is_matched
from hwcost.stores.entries import Entry
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = ["judge", "judge_both", "judge_devices"]


def judge(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> list[Judgement]:
    """Judges every series as it stood at a run.

    Each is compared with its own latest nights, the level common to its device taken out; see
    :mod:`hwcost.history.trace` and :mod:`hwcost.history.common` for the rules. Anchors get no verdict, since the level need
    not be theirs: a change of the code leaves them where they are.

    Args:
        runs: Runs; estimates of others do not count.
        series: Series by key.
        table: Estimates.
        policy: Rules on what counts as a change.
        entries: Acceptances and confirmations among other entries.
        at: Run at which they are judged; None for the latest.
        workload: Pattern of the names of workloads.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.

    Returns:
        One judgement for every series that was ever measured by one of these runs, except anchors, in the order of their
        keys.

    Raises:
        UnknownNameError: When there is no run ``at``.
    """
    return _of_series(Past.of(runs, series, table, policy, entries, at), workload, device, backend)


def judge_devices(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> list[DeviceJudgement]:
    """Judges what all series of a device with one backend have in common; see :func:`judge` for the arguments.

    The level is that of all series, whatever ``workload`` is; it only leaves out what has no such workload.
    """
    return _of_devices(Past.of(runs, series, table, policy, entries, at), workload, device, backend)


def judge_both(
    runs: Sequence[Run],
    series: Mapping[str, Series],
    table: EstimateTable,
    *,
    policy: Policy = DEFAULT,
    entries: Sequence[Entry] = (),
    at: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> tuple[list[Judgement], list[DeviceJudgement]]:
    """Judges series and devices: what :func:`judge` and :func:`judge_devices` return, from values that are read once."""
    past = Past.of(runs, series, table, policy, entries, at)
    return _of_series(past, workload, device, backend), _of_devices(past, workload, device, backend)


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
