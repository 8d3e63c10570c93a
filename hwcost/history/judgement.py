"""What is said of a history: of one series, and of all series of a device together."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, NamedTuple

from hwcost.history.changes import Change
from hwcost.stores.entries import Acceptance, Confirmation
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = [
    "VERDICTS", "Cause", "DeviceJudgement", "Judgement", "RunRange", "Verdict", "common_key", "is_confirmed", "name_of",
    "run_range",
]  # fmt: skip

Verdict = Literal["ok", "regressed", "improved", "ambiguous", "insufficient", "missing"]
VERDICTS: tuple[Verdict, ...] = ("regressed", "missing", "ambiguous", "improved", "insufficient", "ok")
"""Verdicts, those that somebody should look at first."""

REMOVED = "If it was removed, accept that: hwcost accept."
"""Advice on a series that the latest run does not have."""

Cause = Literal["machine", "code", "unknown"]
"""Cause of a common change: the machine with its driver and software, the code under test, or nothing tells."""


class RunRange(NamedTuple):
    """The runs between which a change lies.

    Attributes:
        last_good: Last run that is surely before it.
        first_bad: First run that is surely after it.
        good_commit: Commit of the former; None where it is not known.
        bad_commit: Commit of the latter.
    """

    last_good: str
    first_bad: str
    good_commit: str | None = None
    bad_commit: str | None = None


@dataclass(frozen=True)
class Judgement:
    """The verdict on one series.

    Attributes:
        series_key: Key of the series.
        verdict: One of :data:`VERDICTS`.
        reason: One sentence that says why.
        ratio: Present value over the one that it is compared with; None where there is none.
        low: Lower end of its 95 % interval.
        high: Upper end.
        before: Value that is compared with, at the device's present level, and the half-width of its interval on the log
            scale.
        after: Present value, likewise.
        change: Change that the verdict is about, by the numbers of the nights that count.
        first_bad: Runs between which the change lies, with their commits.
        confirmation: Latest confirmation of the change; None for an alarm that was not measured again yet.
        acceptance: Acceptance from which the history begins; None where it was not cut.
        owner: Name of who is asked about the series; empty for nobody.
        nights: Number of nights with a value that were looked at.
        unconfirmed: Number of them whose value is unconfirmed, so that it counts less.
        since: First run of the level before the change, or of the present one without a change; None where neither is known.
    """

    series_key: str
    verdict: Verdict
    reason: str
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    before: tuple[float, float] | None = None
    after: tuple[float, float] | None = None
    change: Change | None = None
    first_bad: RunRange | None = None
    confirmation: Confirmation | None = None
    acceptance: Acceptance | None = None
    owner: str = ""
    nights: int = 0
    unconfirmed: int = 0
    since: str | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the change was measured again, and was there."""
        return is_confirmed(self.confirmation)

    @property
    def is_alarm(self) -> bool:
        """Whether a change was found that nobody has measured again yet."""
        return self.verdict in ("regressed", "improved", "ambiguous") and _is_open(self.first_bad, self.confirmation)


@dataclass(frozen=True)
class DeviceJudgement:
    """The verdict on what all series of a device with one backend have in common.

    Attributes:
        device: Name of the device.
        backend: Name of the backend.
        quantity: Name of the quantity.
        key: Key under which confirmations of a common change are kept.
        verdict: ``ok`` without a change and for one of the machine, ``regressed`` or ``improved`` for one of the code,
            ``ambiguous`` where nothing tells, or the latest night alone sticks out, ``insufficient`` for too few series or
            nights.
        reason: One sentence that says why.
        n_series: Number of series that the level was estimated from.
        cause: Cause of the change; None without one, and for one of the latest night alone.
        ratio: Present level over the one before the change.
        low: Lower end of its 95 % interval.
        high: Upper end.
        change: The change.
        first_bad: Runs between which it lies, with their commits.
        confirmation: Latest confirmation.
        device_key: Key of the device by what survives a reboot, which several devices of one name differ in; None where it
            is not known.
    """

    device: str
    backend: str
    quantity: str
    key: str
    verdict: Verdict
    reason: str
    n_series: int
    cause: Cause | None = None
    ratio: float | None = None
    low: float | None = None
    high: float | None = None
    change: Change | None = None
    first_bad: RunRange | None = None
    confirmation: Confirmation | None = None
    device_key: str | None = None

    @property
    def is_confirmed(self) -> bool:
        """Whether the code was measured again, and makes the change."""
        return is_confirmed(self.confirmation)

    @property
    def is_alarm(self) -> bool:
        """Whether a common change that may be the code's was not measured again yet."""
        return self.cause in ("code", "unknown") and _is_open(self.first_bad, self.confirmation)


def common_key(series: Series) -> str:
    """Returns the key under which confirmations are kept of a change that a series shares with all of its device.

    Devices of one name that are not equal, such as the CPUs of two machines, have keys of their own.
    """
    names = f"device:{series.device}/{series.backend}/{series.quantity}"
    return names if series.device_key is None else f"{names}/{series.device_key}"


def run_range(runs: Sequence[Run], good: int, bad: int) -> RunRange:
    """Names the runs between which a change lies.

    Args:
        runs: Runs, the oldest first.
        good: Index of the last run before the change.
        bad: Index of the first run after it.
    """
    before, after = runs[good], runs[bad]
    return RunRange(before.run_id, after.run_id, commit_of(before), commit_of(after))


def commit_of(run: Run) -> str | None:
    """Returns the commit whose code a run measured; None where it is not known, or files differed from it."""
    return None if run.code is None or run.code.is_dirty else run.code.commit


def name_of(run: Run) -> str:
    """Names a run by its time and commit."""
    commit = commit_of(run)
    return f"run {run.started_at[:16].replace('T', ' ')}" + (f" ({commit[:10]})" if commit else "")


def is_confirmed(confirmation: Confirmation | None) -> bool:
    """Whether a change was measured again, and was there."""
    return confirmation is not None and confirmation.outcome == "confirmed"


def _is_open(first_bad: RunRange | None, confirmation: Confirmation | None) -> bool:
    return first_bad is not None and confirmation is None
