"""Takes results of a job folder into a store: visits are assembled here, by the same rules as those of a campaign's own."""

from __future__ import annotations

import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.campaign.comparisons.former_levels import read_former_levels
from hwcost.campaign.estimates import estimate
from hwcost.campaign.processes.worker_process import ATTEMPTS
from hwcost.campaign.rounds.journal import Journal, failed, is_counted
from hwcost.campaign.run import Result
from hwcost.campaign.series import keep_estimates
from hwcost.devices import device_key
from hwcost.elsewhere.folder import RESULTS
from hwcost.elsewhere.results import Process, Results, is_results, read_results
from hwcost.errors import DataError
from hwcost.stores.jsonl import JsonLinesStore
from hwcost.timing.measurement import Visit

if TYPE_CHECKING:
    from hwcost.stores.base import Store

__all__ = ["Import", "import_results", "is_results", "take_in"]

OF_KEY = ("vendor", "product", "memory_bytes", "partition", "power_limit_w")
"""Facts of a device that its key is a hash of, by their names there."""


@dataclass(frozen=True)
class Import:
    """What an import did.

    Attributes:
        campaign_id: Identifier of the campaign.
        records: Number of records that are new in the store.
        known_records: Number of records that were there already.
        is_complete: Whether every workload has the rounds that the plan asks for.
        remarks: Remarks for the reader.
        result: Campaign as it stands in the store now.
    """

    campaign_id: str
    records: int
    known_records: int
    is_complete: bool
    remarks: tuple[str, ...]
    result: Result


def import_results(path: Path, store: Store) -> Import:
    """Takes the results of a job into a store; what is already there stays as it is.

    Everything is read, checked and assembled first, so that a file with a fault leaves the store as it was.

    Args:
        path: Results file, or the job folder that holds it.
        store: Store that gets the campaign and its records.

    Raises:
        DataError: When a line is cut short, repeated, missing, of another job or not what a runner writes; or when processes
            ran on different machines or with different software.
        UsageError: When the file cannot be read.
        StoreError: When the store cannot be written.
    """
    results = read_results(path / RESULTS if path.is_dir() else path)
    with tempfile.TemporaryDirectory() as folder, JsonLinesStore(Path(folder, "trial.jsonl")) as trial:
        try:
            _stored(results, trial)
        except (AttributeError, ArithmeticError, KeyError, IndexError, TypeError, ValueError) as error:
            raise DataError(f"'{path}' holds events that make no visits: {error!r}. Copy the file again") from None
    return _stored(results, store)


def _stored(results: Results, store: Store) -> Import:
    campaign_id = results.campaign.campaign_id
    if not store.add_campaign(results.campaign) and store.campaign(campaign_id).plan != results.campaign.plan:
        raise DataError(f"the store holds a campaign {campaign_id} of another plan. Import into another store: --store FILE")
    with store.held(campaign_id):
        journal = Journal(results.plan, campaign_id, store)
        before = len(journal.visits)
        for number, order in results.rounds.items():
            if store.add_round(campaign_id, number, order) != order:
                raise DataError(f"round {number} of campaign {campaign_id} has another order in the store. Import elsewhere")
        known, remarks = take_in(results, journal)
        is_complete = _is_complete(results, journal)
        store.set_status(campaign_id, "done" if is_complete else "stopped")
    fit = estimate.fit_campaign(results.plan, journal.visits)
    keep_estimates(store, campaign_id, fit)
    former = None if results.campaign.run_id else read_former_levels(store, results.campaign, results.plan, fit.measurements)
    doubt = None if former is None else former.flag(store.url)
    flags = (*fit.flags, *journal.maker.machine_flags(), *(() if doubt is None else (doubt,)))
    result = Result(
        campaign_id, store.url, results.plan, fit.measurements, flags, 0.0, is_complete, fit, former=former
    )
    return Import(campaign_id, len(journal.visits) - before, known, is_complete, tuple(remarks), result)


def take_in(results: Results, journal: Journal, *, is_over: bool = False) -> tuple[int, list[str]]:
    """Makes records of everything in a results file that has none yet.

    Args:
        results: Results, checked.
        journal: Journal of the campaign.
        is_over: Whether the last process has ended, although the file does not say so.

    Returns:
        The number of records that were there already, and remarks.
    """
    before, remarks = list(journal.visits), list(results.remarks)
    for process in results.processes:
        if process.is_over or is_over:
            _take(process, journal, results)
        else:
            remarks.append(
                f"round {process.round + 1} is under way there; it is left out until its process ends, or run.py runs again"
            )
    return sum(visit.round in results.rounds for visit in before), remarks


def _take(process: Process, journal: Journal, results: Results) -> None:
    """Makes visits of what one process reported; a group that it did not close was cut short."""
    facts = dict(process.environment)
    facts["device"] = {"device_key": _key(facts["device"]), **facts["device"]}
    facts["tool"] = {"hwcost_version": results.campaign.hwcost_version}
    order = results.rounds[process.round]
    journal.begin(process.round, facts, facts.get("round_s"))
    for event in process.events:
        kind = event["event"]
        if kind == "visit":
            _fail(Visit.from_dict(event["visit"]), journal)
        elif kind == "closed":
            journal.close(is_whole=True)
        elif kind == "died":
            key = order[event["position"]]
            journal.deaths[key] += 1
            is_failed = journal.deaths[key] >= ATTEMPTS or key in failed(journal.visits)
            journal.close(is_whole=False, without=[key] if is_failed else ())
        elif kind != "done":
            journal.take(event)
    journal.close(is_whole=False)


def _fail(visit: Visit, journal: Journal) -> None:
    known = {(one.round, one.position, one.workload_key) for one in journal.visits}
    if (visit.round, visit.position, visit.workload_key) not in known:
        journal.keep(visit)


def _key(device: dict[str, Any]) -> str:
    """Returns the key of a device; facts that are not of their type are left out here, and refused with the record."""
    facts = {name: device.get(name) for name in OF_KEY}
    known: dict[str, Any] = {n: value for n, value in facts.items() if not isinstance(value, int | float) or value > 0}
    named = {name: str(known.get(name) or "") for name in ("vendor", "product")}
    return device_key(units=device.get("cores"), **{**known, **named})


def _is_complete(results: Results, journal: Journal) -> bool:
    wanted = set(results.plan.by_key) - failed(journal.visits)
    for key in wanted:
        made = sum(is_counted(visit) for visit in journal.visits if visit.workload_key == key)
        if made < results.plan.protocol.rounds:
            return False
    return True
