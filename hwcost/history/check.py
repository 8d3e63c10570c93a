"""The check of a night: all verdicts of a suite, what they come to, and whether they trip the gate."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.history.judge import judge
from hwcost.history.judgement import VERDICTS, DeviceJudgement, Judgement
from hwcost.history.missing import Unmade, judged_missing, unmade_of
from hwcost.history.moved import runs_before_changes
from hwcost.history.policy import CANARY, DEFAULT, Policy, is_matched
from hwcost.stores.entries import Acceptance, Confirmation, Entry
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

if TYPE_CHECKING:
    from hwcost.stores.base import Store

__all__ = ["AT", "GATES", "WINDOW", "Check", "check"]

WINDOW = 120
"""Latest runs whose estimates are read: a series that was measured in every other one of them has the nights of a policy.
Of earlier ones only what these lack is read."""

AT = "latest_run_id"
"""Name of the latest run at the time of a confirmation, in its ``extra``."""

GATES = {
    "regressed": "a regression that was confirmed by measuring again",
    "unconfirmed": "a regression that was not confirmed",
    "improved": "an improvement",
    "ambiguous": "a verdict that is ambiguous",
    "insufficient": "a series of too few nights",
    "missing": "a series without a value in the latest run, or a set of workloads that never had one",
    "none": "nothing",
}
"""Reasons for which a check fails, by the word that names each."""


@dataclass(frozen=True)
class Check:
    """All verdicts on one suite.

    Attributes:
        runs: Runs of the history, the oldest first.
        series: Series by key.
        judgements: Verdicts on series, those that somebody should look at first.
        devices: Verdicts on what all series of a device share.
        older: Number of changes that began before the time asked for, which are left out.
        unmade: Sets of workloads that could not be made in the latest run, and have no history that says so.
    """

    runs: tuple[Run, ...]
    series: Mapping[str, Series]
    judgements: tuple[Judgement, ...]
    devices: tuple[DeviceJudgement, ...]
    older: int = 0
    unmade: tuple[Unmade, ...] = ()

    @property
    def run(self) -> Run:
        """The run that was judged."""
        return self.runs[-1]

    @property
    def counts(self) -> dict[str, int]:
        """Number of series by verdict, all verdicts in their order."""
        found = Counter(one.verdict for one in self.judgements)
        return {verdict: found[verdict] for verdict in VERDICTS}

    @property
    def unconfirmed(self) -> tuple[int, int]:
        """Number of values that are unconfirmed, and of all values that were looked at."""
        return sum(one.unconfirmed for one in self.judgements), sum(one.nights for one in self.judgements)

    @property
    def changed_devices(self) -> tuple[DeviceJudgement, ...]:
        """Devices whose series share a change, or all stick out in the latest night."""
        return tuple(one for one in self.devices if one.cause is not None or one.verdict == "ambiguous")

    @property
    def is_unmeasured(self) -> bool:
        """Whether no series has a value in the latest runs, so that nothing says whether one has regressed."""
        return bool(self.judgements) and not self.older and all(one.verdict == "missing" for one in self.judgements)

    @property
    def headline(self) -> str:
        """One sentence: what somebody has to know who reads nothing else."""
        counts = self.counts
        confirmed = sum(one.is_confirmed for one in self.judgements if one.verdict == "regressed")
        shown = []
        for verdict, count in counts.items():
            if count or verdict == "ok":
                note = f" ({confirmed} confirmed)" if verdict == "regressed" else ""
                shown.append(f"{count} {verdict}{note}")
        text = f"{self.run.suite}, {len(self.judgements)} series: {', '.join(shown)}."
        if self.is_unmeasured:
            text += " Nothing was measured, so that nothing can be judged."
        if self.unmade:
            text += f" Not measured at all: {', '.join(dict.fromkeys(f'set {one.set!r}' for one in self.unmade))}."
        common = [f"{one.device} with {one.backend} {_moved(one)}" for one in self.changed_devices]
        return f"{text} {'; '.join(common)}.".strip() if common else text

    def fails(self, gates: Collection[str]) -> bool:
        """Says whether the check fails; where nothing was measured, it does for any reason that is asked for.

        Args:
            gates: Names of reasons, of :data:`GATES`.
        """
        if self.is_unmeasured and set(gates) - {"none"}:
            return True
        found: list[Judgement | DeviceJudgement] = [*self.judgements, *self.devices]
        return any(set(_gates(one)) & set(gates) for one in found) or (bool(self.unmade) and "missing" in gates)

    def alarms(self) -> tuple[list[Judgement], list[DeviceJudgement]]:
        """Returns the changes that were not measured again yet, and those that are still open a night after they were."""
        return [one for one in self.judgements if self._is_open(one)], [one for one in self.devices if self._is_open(one)]

    def _is_open(self, one: Judgement | DeviceJudgement) -> bool:
        again = one.confirmation
        is_undecided = again is not None and again.outcome == "ambiguous" and again.extra.get(AT) != self.run.run_id
        return one.is_alarm or is_undecided

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "suite": self.run.suite,
            "run_id": self.run.run_id,
            "started_at": self.run.started_at,
            "commit": None if self.run.code is None else self.run.code.commit,
            "runs": len(self.runs),
            "headline": self.headline,
            "counts": self.counts,
            "unconfirmed_nights": self.unconfirmed[0],
            "older": self.older,
            "series": [_series(self.series[one.series_key], one) for one in self.judgements],
            "devices": [_device(one) for one in self.devices],
            "unmade": [one._asdict() for one in self.unmade],
        }


def check(
    store: Store,
    runs: Sequence[Run],
    *,
    policy: Policy = DEFAULT,
    since: str | None = None,
    workload: str = "*",
    device: str = "*",
    backend: str = "*",
) -> Check:
    """Judges the latest of some runs with all that their store holds.

    Args:
        store: Store of runs, estimates and entries.
        runs: Runs of one suite, the oldest first, see :func:`hwcost.history.selection.select_runs`.
        policy: Rules on what counts as a change.
        since: Instant before which changes are left out that began earlier; None for all.
        workload: Pattern of the names of workloads.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.
    """
    accepted = store.entries(Acceptance)
    entries: list[Entry] = [*accepted, *store.entries(Confirmation)]
    series, table = store.series(), store.estimates(run_ids=[run.run_id for run in runs[-WINDOW:]])
    patterns = {"workload": workload, "device": device, "backend": backend}
    former = runs_before_changes(runs[:-WINDOW], entries)
    given: dict[str, Any] = {"policy": policy, "entries": entries, **patterns}
    if former:
        given["former"] = store.estimates(run_ids=former)
    judged, of_devices = judge(runs, series, table, **given)
    older, known = [run.run_id for run in runs[:-WINDOW]], set(table.series_key)
    absent = {key: one for key, one in series.items() if key not in known and _is_asked(one, workload, device, backend)}
    if older and absent:
        judged += judged_missing(runs, absent, store.estimates(series_keys=absent, run_ids=older), policy, accepted)
    started = {run.run_id: run.started_at for run in runs}
    kept = [one for one in judged if _is_since(one, started, since)]
    devices = [one for one in of_devices if _is_since(one, started, since)]
    ordered = sorted(kept, key=lambda one: (VERDICTS.index(one.verdict), -abs((one.ratio or 1.0) - 1.0)))
    unmade = unmade_of(runs[-1], workload, device, backend)
    return Check(tuple(runs), series, tuple(ordered), tuple(devices), len(judged) - len(kept), tuple(unmade))


def _is_asked(one: Series, workload: str, device: str, backend: str) -> bool:
    return is_matched(one, workload, device, backend) and one.extra.get("role") != CANARY


def _is_since(one: Judgement | DeviceJudgement, started: Mapping[str, str], since: str | None) -> bool:
    return since is None or one.first_bad is None or started[one.first_bad.first_bad] >= since


def _gates(one: Judgement | DeviceJudgement) -> list[str]:
    """Returns the reasons that a verdict gives to fail."""
    if one.verdict == "regressed":
        return ["regressed"] if one.is_confirmed else ["unconfirmed"]
    if isinstance(one, DeviceJudgement) and one.verdict == "insufficient":
        return []
    return [one.verdict]


def _moved(one: DeviceJudgement) -> str:
    """Says how a device changed, for a headline: for good, or in its latest night so far."""
    if one.first_bad is None and one.low is not None:
        return "differs as a whole in its latest night" + (f" ({one.cause})" if one.cause else "")
    return f"changed as a whole ({one.cause})"


def _series(series: Series, one: Judgement) -> dict[str, Any]:
    return {
        "series_key": one.series_key,
        "workload": series.name,
        "device": series.device,
        "backend": series.backend,
        "quantity": series.quantity,
        "unit": series.unit,
        "owner": one.owner or None,
        "nights": one.nights,
        "unconfirmed_nights": one.unconfirmed,
        "before": None if one.before is None else one.before[0],
        "after": None if one.after is None else one.after[0],
        "acceptance": None if one.acceptance is None else one.acceptance.model_dump(mode="json", exclude={"extra"}),
        **_verdict(one),
    }


def _device(one: DeviceJudgement) -> dict[str, Any]:
    names = {"device": one.device, "backend": one.backend, "quantity": one.quantity}
    return {**names, "n_series": one.n_series, "cause": one.cause, **_verdict(one)}


def _verdict(one: Judgement | DeviceJudgement) -> dict[str, Any]:
    return {
        "verdict": one.verdict,
        "reason": one.reason,
        "ratio": one.ratio,
        "low": one.low,
        "high": one.high,
        "first_bad": None if one.first_bad is None else one.first_bad._asdict(),
        "is_confirmed": one.is_confirmed,
        "confirmation": None if one.confirmation is None else one.confirmation.model_dump(mode="json", exclude={"extra"}),
    }
