"""What a dashboard shows, read once: runs, series with their estimates, entries, and the verdicts on the latest night."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats, Indices
from hwcost.history import DeviceJudgement, Judgement, Policy, judge
from hwcost.history.check import WINDOW
from hwcost.history.judgement import VERDICTS
from hwcost.history.moved import runs_before_changes
from hwcost.history.policy import CANARY
from hwcost.history.selection import select_runs
from hwcost.report.dashboard.numbers import hashes
from hwcost.stores.entries import Acceptance, Confirmation, Entry, ModelCheck
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import STATUSES, Series

if TYPE_CHECKING:
    from hwcost.stores.base import Store

Facts = Mapping[str, Any]

PolicyOf = Callable[[str], Policy]


def default_policy(suite: str) -> Policy:
    """Returns the policy of suites that declare none."""
    del suite
    return Policy()


@dataclass(frozen=True)
class History:
    """Everything that was read from a store.

    Attributes:
        runs: Runs, the oldest first.
        series: Series by key.
        table: Their estimates.
        judgements: Verdicts on the latest night of each suite.
        of_devices: Verdicts on what is common to all series of a device.
        checks: Judgements of cost models, the oldest first.
        environments: Facts of the environment of each campaign; empty for one without records.
    """

    runs: Sequence[Run]
    series: Mapping[str, Series]
    table: EstimateTable
    judgements: Sequence[Judgement] = ()
    of_devices: Sequence[DeviceJudgement] = ()
    checks: Sequence[ModelCheck] = ()
    environments: Mapping[str, Facts] = field(default_factory=dict)

    @cached_property
    def keys(self) -> list[str]:
        """Keys of the series in the order of the site: by name, then device, backend and key."""
        return sorted(self.series, key=lambda key: (*order_of(self.series[key]), key))

    @cached_property
    def number(self) -> dict[str, int]:
        """Place of each series in :attr:`keys`."""
        return {key: index for index, key in enumerate(self.keys)}

    @cached_property
    def place(self) -> Indices:
        """Place in :attr:`keys` of the series of each row of the table; -1 for a series that is not shown."""
        known = np.array([self.number.get(key, -1) for key in self.table.series_key], dtype=np.intp)
        return known[self.table.series] if len(known) else np.zeros(0, dtype=np.intp)

    @cached_property
    def rows(self) -> list[Indices]:
        """Rows of the table of each series in the order of :attr:`keys`, by time."""
        order = np.lexsort((self.table.run, self.table.measured_s, self.place))
        edges = np.searchsorted(self.place[order], np.arange(len(self.keys) + 1))
        return [order[first:last] for first, last in itertools.pairwise(edges)]

    @cached_property
    def is_good(self) -> NDArray[np.bool_]:
        """Whether each row of the table has a value that may be compared."""
        return np.asarray((self.table.status == STATUSES.index("ok")) & (self.table.value > 0))

    @cached_property
    def is_unconfirmed(self) -> NDArray[np.bool_]:
        """Whether each row of the table has a value that hardly any visit confirms."""
        return np.asarray(self.table.status == STATUSES.index("unconfirmed"))

    @cached_property
    def counts(self) -> NDArray[np.bool_]:
        """Whether each row of the table counts where changes are looked for; unconfirmed ones do by their interval."""
        vague = self.is_unconfirmed & (self.table.value > 0) & np.isfinite(self.table.half_width)
        return np.asarray(self.is_good | vague)

    @cached_property
    def judged(self) -> dict[str, Judgement]:
        """Verdict by the key of the series."""
        return {one.series_key: one for one in self.judgements}

    @cached_property
    def run_by_id(self) -> dict[str, Run]:
        """Runs by their id."""
        return {run.run_id: run for run in self.runs}

    @cached_property
    def text_hashes(self) -> tuple[NDArray[np.uint64], ...]:
        """A number for each of the table's series, runs, campaigns, sets of flags and reasons, see :func:`hashes`."""
        table = self.table
        texts = table.series_key, table.run_id, table.campaign_id, [" ".join(codes) for codes in table.flags], table.reasons
        return tuple(map(hashes, texts))

    @cached_property
    def run_place(self) -> dict[str, int]:
        """Place of each run in the table's list of runs."""
        return {run_id: index for index, run_id in enumerate(self.table.run_id)}

    @property
    def latest_s(self) -> int | None:
        """Instant of the latest estimate, seconds of the epoch; None without one."""
        return int(self.table.measured_s.max()) if len(self.table.measured_s) else None

    def values(self, rows: Indices) -> Floats:
        """Returns the comparable values among rows."""
        return np.asarray(self.table.value[rows[self.is_good[rows]]])


def order_of(one: Series) -> tuple[str, ...]:
    """Returns what series are sorted by."""
    return (one.name, one.device, one.backend, one.quantity)


def read(
    store: Store, *, since: str | None = None, policy: PolicyOf = default_policy, known: Mapping[str, Facts] | None = None
) -> History:
    """Reads a store, and judges its latest nights.

    Args:
        store: The store.
        since: Instant before which nothing is shown; None for all.
        policy: Policy of the verdicts on a suite, by the name of the suite.
        known: Facts of the environments of campaigns that need not be read again.

    Raises:
        StoreError: When the store cannot be read.
    """
    table, series = store.estimates(since=since), store.series()
    shown = {table.series_key[index] for index in np.unique(table.series)}
    history = History(
        runs=[run for run in store.runs() if since is None or run.started_at >= since],
        series={key: one for key, one in series.items() if key in shown and one.extra.get("role") != CANARY},
        table=table,
        checks=store.entries(ModelCheck),
        environments=_environments(store, table.campaign_id, known or {}),
    )
    entries: list[Entry] = [*store.entries(Acceptance), *store.entries(Confirmation)]
    return _judged(history, series, policy, entries)


def _judged(history: History, series: Mapping[str, Series], policy: PolicyOf, entries: Sequence[Entry]) -> History:
    """Judges the latest night of each suite; of a series in several suites, the verdict that matters most counts."""
    found: dict[str, Judgement] = {}
    of_devices: list[DeviceJudgement] = []
    for suite in sorted({run.suite for run in history.runs}):
        runs = select_runs(history.runs, suite)
        former = _of_runs(history.table, runs_before_changes(runs[:-WINDOW], entries))
        given = runs, series, _of_runs(history.table, [run.run_id for run in runs[-WINDOW:]])
        judged, devices = judge(*given, policy=policy(suite), entries=entries, former=former)
        for one in judged:
            other = found.get(one.series_key)
            if other is None or VERDICTS.index(one.verdict) < VERDICTS.index(other.verdict):
                found[one.series_key] = one
        of_devices += devices
    judgements = [one for key, one in sorted(found.items()) if key in history.series]
    return replace(history, judgements=judgements, of_devices=of_devices)


def _of_runs(table: EstimateTable, runs: Collection[str]) -> EstimateTable:
    """Returns the estimates of some runs, by their ids."""
    wanted = set(runs)
    is_wanted = np.array([*(run_id in wanted for run_id in table.run_id), False])
    return table.take(is_wanted[table.run])


def _environments(store: Store, campaigns: Sequence[str], known: Mapping[str, Facts]) -> dict[str, Facts]:
    """Reads the environment of each campaign by its first record; one that has none has no facts."""
    found: dict[str, Facts] = {}
    for campaign in campaigns:
        if campaign not in known:
            record = next(store.records(campaign), None)
            found[campaign] = {} if record is None else record.environment.deciding
        else:
            found[campaign] = known[campaign]
    return found
