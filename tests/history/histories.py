"""Histories with known truth, as runs, series and estimates."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta, timezone
from typing import Any

import numpy as np

from hwcost.history import DeviceJudgement, Judgement, Policy, judge
from hwcost.history.check import Check, check
from hwcost.stores.base import Store
from hwcost.stores.entries import Entry
from hwcost.stores.estimate_table import EstimateRow, EstimateTable
from hwcost.stores.runs import Code, Run
from hwcost.stores.series import Series
from hwcost.workloads.base import Workload

START = datetime(2026, 1, 1, 2, tzinfo=timezone.utc)


@dataclass
class History:
    """Nights of one suite on one device.

    Attributes:
        n: Number of workloads.
        nights: Number of nights.
        noise: Standard deviation of a night's log value.
        seed: Seed of the noise.
        anchors: Number of canaries among the workloads, the last of them.
        commits: Whether every night has a commit of its own; none has one otherwise.
        machines: Number of machines that measure in turn, a night each, every one workloads of its own.
        statuses: Status of estimates by series and night; others are ok.
        vague: Half-width of an unconfirmed value.
        y: Log values, shape (n, nights).
    """

    n: int = 12
    nights: int = 30
    noise: float = 0.01
    seed: int = 0
    anchors: int = 0
    commits: bool = True
    machines: int = 1
    statuses: dict[tuple[int, int], str] = field(default_factory=dict)
    vague: float = 0.1

    def __post_init__(self) -> None:
        rng = np.random.default_rng(self.seed)
        self.y = rng.normal(0.0, self.noise, (self.n, self.nights)) + rng.normal(-3.0, 1.0, (self.n, 1))

    @property
    def runs(self) -> list[Run]:
        return [
            Run(
                run_id=f"run{night:03d}", suite="nightly", status="done",
                started_at=(START + timedelta(days=night)).isoformat(),
                code=Code(commit=f"{night:040x}", is_dirty=False) if self.commits else None,
            )
            for night in range(self.nights)
        ]  # fmt: skip

    @property
    def series(self) -> list[Series]:
        return [
            Series(
                workload_key=f"w{i}", name=f"net{i:03d}", kind="synthetic", device="cpu", backend="torch",
                device_key=f"m{i % self.machines}" if self.machines > 1 else None,
                extra={"role": "canary"} if i >= self.n - self.anchors else {},
            )
            for i in range(self.n)
        ]  # fmt: skip

    def key(self, i: int) -> str:
        return self.series[i].series_key

    def table(self, without: Iterable[tuple[int, int]] = ()) -> EstimateTable:
        rows, left_out, keys = [], set(without), [one.series_key for one in self.series]
        for night in range(self.nights):
            at = (START + timedelta(days=night)).timestamp()
            for i, key in enumerate(keys):
                status = self.statuses.get((i, night), "ok")
                value = float(np.exp(self.y[i, night])) if status in ("ok", "unconfirmed") else None
                half = self.vague if status == "unconfirmed" else 0.01
                if (i, night) not in left_out and i % self.machines == night % self.machines:
                    rows.append(EstimateRow(key, f"c{night}", f"run{night:03d}", at, value, half, 0.0, 4, status, "", ""))
        return EstimateTable.from_rows(rows)

    def stored(
        self, store: Store, works: Sequence[Workload], commits: Sequence[str], backend: str = "null",
        without: Iterable[tuple[int, int]] = (), **facts: Any,
    ) -> Check:  # fmt: skip
        """Writes the history into a store and checks it.

        Args:
            store: The store.
            works: Workloads that the series are of; those beyond the history's are left out.
            commits: Commit of each night, the last of them for the rest; empty where none is known.
            backend: Backend that measured them.
            without: Workloads and nights that have no estimate.
            **facts: Further facts of all series, such as ``device_key``.
        """
        runs = []
        for night, run in enumerate(self.runs):
            code = Code(commit=commits[min(night, len(commits) - 1)], is_dirty=False) if commits else None
            runs.append(run.model_copy(update={"code": code}))
            store.add_run(runs[-1])
        known = {"device": "cpu", "backend": backend, "threads": 1, **facts}
        series = [
            Series(workload_key=work.key, name=work.name, kind=work.kind, **{"spec": work.as_dict(), **known})
            for work in works[: self.n]
        ]
        table = self.table(without)
        keys = {old.series_key: new.series_key for old, new in zip(self.series, series, strict=True)}
        store.add_estimates(series, [replace(one, series_key=keys[one.series_key]) for one in table.estimates()])
        return check(store, runs)

    def judged(self, *entries: Entry, **options: Any) -> dict[str, Judgement]:
        known, table = self._given(options)
        found = judge(self.runs, known, table, policy=options.pop("policy", Policy()), entries=entries, **options).series
        return {known[one.series_key].name: one for one in found}

    def device(self, *entries: Entry, **options: Any) -> DeviceJudgement:
        (found,) = self.devices(*entries, **options)
        return found

    def devices(self, *entries: Entry, **options: Any) -> list[DeviceJudgement]:
        known, table = self._given(options)
        return judge(self.runs, known, table, entries=entries, **options).devices

    def _given(self, options: dict[str, Any]) -> tuple[Mapping[str, Series], EstimateTable]:
        return {one.series_key: one for one in self.series}, self.table(options.pop("without", ()))
