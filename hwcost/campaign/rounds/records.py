"""Makes the store's records of a campaign's visits, and refuses to mix machines within one campaign."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from pydantic import ValidationError

from hwcost.backends import BACKENDS
from hwcost.campaign.plans import canaries
from hwcost.campaign.plans.plan import Plan
from hwcost.campaign.processes.cpus import Reservation
from hwcost.errors import DataError
from hwcost.facts import GROUPS, differing
from hwcost.stores.environment import Environment
from hwcost.stores.fields import reason
from hwcost.stores.ids import new_id
from hwcost.stores.schema import Record, WorkloadInfo, idempotency_key
from hwcost.timing.guards import guards
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.protocol import PROTOCOL_ID, PROTOCOL_VERSION
from hwcost.timing.stopping import MedianError
from hwcost.workloads import ChainWorkload, ComponentWorkload, ModelWorkload
from hwcost.workloads.base import ITEMSIZES, Workload

if TYPE_CHECKING:
    from hwcost.stores.base import Store


class RecordMaker:
    """Turns visits into records, one process after another.

    Args:
        plan: The campaign's plan.
        campaign_id: Its id.
        store: Store with the earlier records of the campaign.

    Attributes:
        reservation: The CPUs that the campaign holds; None where it needs none.
        locked_clock_hz: Clock that the campaign has locked the device to; None where it has not.
    """

    def __init__(self, plan: Plan, campaign_id: str, store: Store) -> None:
        self.plan = plan
        self.campaign_id = campaign_id
        self.run_id = new_id()
        self.environment: Environment | None = None
        environments = (record.environment for record in store.records(campaign_id))
        self._first = next((one for one in environments if one.host), None)  # a job that never ran knows no machine
        self._known = None if self._first is None else self._first.deciding
        self.reservation: Reservation | None = None
        self.locked_clock_hz: float | None = None
        self._info = {key: describe(item.workload, item.role, plan) for key, item in plan.by_key.items()}
        self._info |= {key: describe(workload, canaries.ROLE, plan) for key, workload in plan.canary_keys.items()}

    def name(self, key: str) -> str:
        """Returns the name of a workload by its key."""
        return self._info[key].name

    def new_process(self, event: Mapping[str, Any]) -> Environment:
        """Takes in what a fresh worker reports about its machine and software, and returns the environment of its records.

        Raises:
            DataError: When the campaign was begun on another machine or with other software; names what differs.
        """
        self.run_id = new_id()
        environment = self._environment(event)
        facts = environment.deciding
        found = differing(facts if self._known is None else self._known, facts)
        if found:
            detail = "; ".join(f"{name}: {then} then, {now} now" for name, (then, now) in found.items())
            what = f"this campaign was begun in another environment ({detail})"
            raise DataError(f"{what}. Start a new campaign, or give another store.")
        self.environment, self._known = environment, facts
        return environment

    def resume(self, run_id: str, environment: Mapping[str, Any]) -> None:
        """Goes back to a process of before, whose records were not made yet.

        Args:
            run_id: Identifier of the process.
            environment: Its environment as plain JSON.
        """
        self.run_id, self.environment = run_id, Environment.model_validate(environment)
        self._known = self._known or self.environment.deciding

    def machine_flags(self) -> list[Flag]:
        """Returns the doubts about the machine that the last process ran on, or where all ran before, the first record's."""
        environment = self.environment or self._first
        if environment is None:
            return []
        settings, backend = environment.settings, self.plan.backend
        is_synthetic = backend in BACKENDS and not BACKENDS.load(backend).uses_processor  # no neighbour moves its level
        virtualization = None if is_synthetic else environment.host.get("virtualization")
        present = self.reservation.flag if self.reservation else None  # knows why, which records do not
        exclusive = settings.get("exclusive") if present is None else None
        flags = guards.of_machine(virtualization, settings.get("governor"), settings.get("clocks_locked"), exclusive)
        return flags if present is None else [*flags, present]

    def record(self, visit: Visit, attempt: int = 1, addition: str = "") -> Record:
        """Makes the record of a visit in the present process.

        Args:
            visit: Visit of a workload of the plan.
            attempt: Number of the try: 2 when the process died at the first one.
            addition: Addition to the record's key, where the workload may have another record of the round.

        Raises:
            DataError: When a fact that the backend or the device reports is not of its type.
        """
        key = idempotency_key(self.campaign_id, visit.round, visit.workload_key)
        if visit.workload_key in self.plan.canary_keys:  # visited many times a round
            key += f"/{visit.position}"
        if addition:
            key += f"/{addition}"
        with _as_data_error("a visit"):
            return Record.from_visit(
                visit,
                campaign_id=self.campaign_id,
                run_id=self.run_id,
                workload=self._info[visit.workload_key],
                environment=self.environment or self._environment({}),
                attempt=attempt,
                key=key,
            )

    def _environment(self, event: Mapping[str, Any]) -> Environment:
        """Returns the facts of a worker with those that the plan and the campaign know."""
        known = {group: dict(event.get(group, {})) for group in GROUPS if group in Environment.model_fields}
        known["tool"]["seed"] = self.plan.seed
        known["device"]["device_name"] = self.plan.device
        known["protocol"] |= _protocol(self.plan)
        if self.reservation is not None:
            known["settings"]["exclusive"] = self.reservation.is_exclusive
        if self.locked_clock_hz is not None:
            known["settings"] |= {"clocks_locked": True, "locked_clock_hz": self.locked_clock_hz}
        with _as_data_error("the environment"):
            return Environment(**known)


@contextmanager
def _as_data_error(what: str) -> Iterator[None]:
    """Raises a DataError that names the fact that cannot be kept."""
    try:
        yield
    except ValidationError as error:
        remedy = "Correct the backend or telemetry that reports it."
        raise DataError(f"{what} cannot be kept: {reason(error)}. {remedy}") from None


def _protocol(plan: Plan) -> dict[str, Any]:
    stopping = plan.protocol.stopping
    return {
        "protocol_id": PROTOCOL_ID,
        "protocol_version": PROTOCOL_VERSION,
        "threads": plan.threads,
        "tier": plan.protocol.tier,
        "timer": "perf_counter_ns",
        "stop_criterion": stopping.title,
        "stopping": stopping.to_dict(),
        "cache_state": plan.protocol.cache,
        "max_noise": stopping.most if isinstance(stopping, MedianError) else None,
        "min_samples": plan.protocol.min_blocks,
        "timeout_s": plan.protocol.steady_cap_s,
        "order": "random rounds" if plan.protocol.has_pauses else "random passes",
        "arrival": plan.protocol.arrival,
        "input_source": "seeded normal values",
    }


def describe(workload: Workload, role: str, plan: Plan) -> WorkloadInfo:
    """Describes a workload of a plan as its records do."""
    facts: dict[str, Any] = {"role": role, "backend": plan.backend, "backend_options": plan.backend_options}
    work = workload.work()
    if work is not None:
        facts |= {"params": work.params, "flops": work.flops, "bytes": work.bytes(ITEMSIZES[workload.dtype])}
    if isinstance(workload, ModelWorkload):
        facts |= {"search_space": workload.space, "arch": list(workload.genes)}
    if isinstance(workload, ComponentWorkload):
        facts |= {"search_space": workload.space, "component": workload.part.name, "depth": workload.depth}
    if isinstance(workload, ChainWorkload):
        chain = ", ".join(part.name for part in workload.parts)
        facts |= {"search_space": workload.space, "component": f"({chain})", "depth": workload.depth}
    return WorkloadInfo.from_workload(workload, **facts)
