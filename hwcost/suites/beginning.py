"""Which run it is: a new one, or one that was interrupted and is resumed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import TYPE_CHECKING, Any

from hwcost.campaign.processes.cpus import WAIT_S
from hwcost.errors import UsageError
from hwcost.stores.fields import cut
from hwcost.stores.runs import POLICY, UNMADE, Code, Run
from hwcost.suites.loading import suite_sha256
from hwcost.suites.machine import MACHINE, is_of_machine, machine
from hwcost.suites.suite import Suite

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.suites.making import Broken
    from hwcost.suites.planning import Planned

__all__ = ["RunOptions", "begin"]

UNFINISHED = ("running", "interrupted")
"""Statuses of runs that can be resumed."""

RESUMED_WITHIN = timedelta(hours=24)
"""Age up to which an unfinished run is resumed unasked."""


@dataclass(frozen=True)
class RunOptions:
    """How a suite is run.

    Attributes:
        tier: Precision; None for the suite's own.
        devices: Devices in place of the suite's.
        only: Globs over names of sets and of workloads; everything where there is none.
        budget_s: Seconds that all campaigns share; None for the suite's own.
        wait_s: Seconds to wait for CPUs that other campaigns hold.
        skip: Statuses of estimates of the same commit, as in :data:`hwcost.stores.series.STATUSES`, whose workloads are
            left out.
        resume: True to resume this machine's latest unfinished run, False to begin a new one; None to resume one of the same
            commit and the same options that began within 24 hours, else to begin a new one.
        code: The code under test; None where there is none.
        argv: Command line that is kept with the run.
        started_at: Instant at which the run began, ISO 8601; None for now.
    """

    tier: str | None = None
    devices: tuple[str, ...] = ()
    only: tuple[str, ...] = ()
    budget_s: float | None = None
    wait_s: float = WAIT_S
    skip: tuple[str, ...] = ()
    resume: bool | None = None
    code: Code | None = None
    argv: tuple[str, ...] = ()
    started_at: str | None = None

    def chosen(self) -> dict[str, Any]:
        """Returns what decides which workloads are measured and how, for finding a run with equal options."""
        return {"tier": self.tier, "devices": list(self.devices), "only": list(self.only)}


def begin(suite: Suite, store: Store, options: RunOptions, planned: Sequence[Planned] = ()) -> tuple[Run, bool]:
    """Returns the run that is resumed, or a new one, and whether it is resumed.

    Args:
        suite: The suite.
        store: Store that takes the run.
        options: Options of the run.
        planned: Its campaigns; sets that cannot be made and never were measured are written down with a new run.
    """
    from hwcost import __version__

    unmade = [_unmade(part, one) for part in planned for one in part.broken if not one.series]
    kept = {MACHINE: machine(), POLICY: suite.rules(), **({UNMADE: unmade} if unmade else {})}
    facts: dict[str, Any] = {} if options.started_at is None else {"started_at": options.started_at}
    new = Run(
        suite=suite.name, code=options.code, argv=list(options.argv), config_sha256=suite_sha256(suite),
        hwcost_version=__version__, extra=options.chosen() | kept, **facts,
    )  # fmt: skip
    own = [one for one in store.runs(suite.name) if is_of_machine(one, new.extra[MACHINE])]
    unfinished = [one for one in own if one.status in UNFINISHED]
    if options.resume is None:
        unfinished = [one for one in unfinished if _is_same(one, new)]
    elif not options.resume:
        unfinished = []
    elif not unfinished:
        what = f"unfinished run of suite '{suite.name}' on this machine"
        raise UsageError(f"store {store.url} holds no {what}. Leave out --resume.")
    if unfinished:
        return unfinished[-1], True
    store.add_run(new)
    return new, False


def _is_same(earlier: Run, new: Run) -> bool:
    """Says whether a run is of the same suite, code and options, and recent."""
    age = datetime.fromisoformat(new.started_at) - datetime.fromisoformat(earlier.started_at)
    is_recent = timedelta(0) <= age < RESUMED_WITHIN
    same_code = _commit(earlier.code) == _commit(new.code)
    return is_recent and same_code and earlier.config_sha256 == new.config_sha256 and _chosen(earlier) == _chosen(new)


def _unmade(planned: Planned, one: Broken) -> dict[str, str]:
    """Returns what a run keeps of a set that has no history."""
    part = planned.part
    return {"set": one.name, "device": part.device, "backend": part.runtime.name, "reason": cut(str(one.error))}


def _chosen(run: Run) -> dict[str, Any]:
    return {name: value for name, value in run.extra.items() if name not in (UNMADE, MACHINE, POLICY)}


def _commit(code: Code | None) -> tuple[str | None, bool | None]:
    return (None, None) if code is None else (code.commit, code.is_dirty)
