"""Which runs a history is made of: those of a suite and a branch, up to the run that is judged, from a baseline on."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta, timezone

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.history.policy import is_matched
from hwcost.stores.ids import utc
from hwcost.stores.runs import Run
from hwcost.stores.series import Series
from hwcost.units import parse_duration

__all__ = ["instant_of", "matching", "run_of", "select_runs"]

_DAYS = re.compile(r"(\d+)\s*(d|w)")
_HEX = re.compile(r"[0-9a-f]{7,40}")


def select_runs(runs: Sequence[Run], suite: str | None = None, baseline: str | None = None) -> list[Run]:
    """Selects the runs of a history, the oldest first.

    Runs on other branches than that of the latest run are another history, unless their branch is the baseline.

    Args:
        runs: All runs of a store.
        suite: Name of the suite; None for that of the latest run.
        baseline: Branch whose runs the latest ones are compared with; or a run or commit from which the history begins; None
            for all runs of the latest one's branch.

    Raises:
        DataError: When there is no run.
        UnknownNameError: When the suite, or the baseline, has none.
    """
    ordered = sorted(runs, key=lambda run: (run.started_at, run.run_id))
    if not ordered:
        raise DataError("the store holds no run. Measure a suite first: hwcost run SUITE --store URL")
    wanted = ordered[-1].suite if suite is None else suite
    of_suite = [run for run in ordered if run.suite == wanted]
    if not of_suite:
        raise UnknownNameError("suite", wanted, {run.suite for run in ordered})
    own = branch_of(of_suite[-1])
    if baseline is None:
        return [run for run in of_suite if branch_of(run) in (own, "")] if own else of_suite
    if baseline in {branch_of(run) for run in of_suite}:
        of_both = [run for run in of_suite if branch_of(run) in (own, baseline)]
        last = max(index for index, run in enumerate(of_both) if branch_of(run) == baseline)
        return [run for run in of_both[: last + 1] if branch_of(run) == baseline] + of_both[last + 1 :]
    first = run_of(of_suite, baseline)
    return of_suite[of_suite.index(first) :]


def matching(series: Iterable[Series], workload: str, device: str, backend: str) -> list[Series]:
    """Returns the series whose names match three patterns.

    Raises:
        UsageError: When none does; names some.
    """
    known = list(series)
    found = [one for one in known if is_matched(one, workload, device, backend)]
    if not found:
        some = "; ".join(sorted({f"{one.name} on {one.device}, {one.backend}" for one in known})[:5]) or "none"
        raise UsageError(f"no series matches '{workload}' on device '{device}', backend '{backend}'. Some: {some}")
    return found


def branch_of(run: Run) -> str:
    """Returns the branch whose code a run measured; empty where it is not known."""
    return "" if run.code is None else run.code.branch or ""


def run_of(runs: Sequence[Run], name: str) -> Run:
    """Finds a run by its id, or the first run of a commit; the beginning of either is enough where it is unique.

    Raises:
        UnknownNameError: When there is none, or several.
    """
    exact = [run for run in runs if name in (run.run_id, _commit(run))]
    begun = [run for run in runs if run.run_id.startswith(name)]
    commits = [run for run in runs if _HEX.fullmatch(name) and _commit(run).startswith(name)]
    for found in (exact, commits if len({_commit(run) for run in commits}) == 1 else []):
        if found:
            return found[0]
    if len(begun) == 1:
        return begun[0]
    known = [run.run_id for run in runs[-5:]] + sorted({_commit(run)[:10] for run in runs[-5:]} - {""})
    raise UnknownNameError("run, commit or branch", name, known, "These are the latest ones.")


def instant_of(text: str, runs: Sequence[Run], now: str) -> str:
    """Reads a point in time: an age such as ``7d`` or ``12h``, a date, an instant, or a run or commit.

    Args:
        text: The point in time.
        runs: Runs that may be meant.
        now: The present, ISO 8601.

    Returns:
        The instant, in UTC.

    Raises:
        UsageError: When it is none of these, or an age beyond the calendar.
    """
    try:
        age = _age(text)
        if age is not None:
            return (datetime.fromisoformat(now) - age).isoformat(timespec="microseconds")
    except OverflowError:
        raise UsageError(f"expected an age that the calendar reaches, such as 30d, got '{text}'") from None
    try:
        at = datetime.fromisoformat(f"{text[:-1]}+00:00" if text.endswith(("Z", "z")) else text)
        return utc((at if at.tzinfo else at.replace(tzinfo=timezone.utc)).isoformat())
    except ValueError:
        return run_of(runs, text).started_at


def _age(text: str) -> timedelta | None:
    days = _DAYS.fullmatch(text.strip())
    if days:
        return timedelta(days=int(days[1]) * (7 if days[2] == "w" else 1))
    try:
        return timedelta(seconds=parse_duration(text))
    except UsageError:
        return None


def _commit(run: Run) -> str:
    return "" if run.code is None else run.code.commit or ""
