"""Makes the store's records of a campaign's visits, and refuses to mix machines within one campaign."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from hwcost.campaign import canaries
from hwcost.campaign.cpus import Reservation
from hwcost.campaign.environments import deciding, differing
from hwcost.campaign.plan import Plan
from hwcost.errors import DataError
from hwcost.stores.ids import new_id
from hwcost.stores.schema import Device, Environment, Host, Protocol, Record, Software, Tool, WorkloadInfo, idempotency_key
from hwcost.timing import guards
from hwcost.timing.measurement import Flag, Visit
from hwcost.timing.protocol import PROTOCOL_ID, PROTOCOL_VERSION
from hwcost.workloads import ComponentWorkload, ModelWorkload
from hwcost.workloads.base import ITEMSIZES, Workload

if TYPE_CHECKING:
    from hwcost.stores.base import Store


class RecordMaker:
    """Turns visits into records, one process after another.

    Args:
        plan: The campaign's plan.
        campaign_id: Its id.
        store: Where earlier records of the campaign lie.

    Attributes:
        reservation: The CPUs that the campaign holds; None where it needs none.
    """

    def __init__(self, plan: Plan, campaign_id: str, store: Store) -> None:
        self.plan = plan
        self.campaign_id = campaign_id
        self.run_id = new_id()
        self.environment: Environment | None = None
        first = next(store.records(campaign_id), None)
        self._known = deciding(first.environment, first.conditions.flat()) if first else None
        self._settings: dict[str, Any] = {}
        self.reservation: Reservation | None = None
        self._info = {key: _describe(item.workload, item.role, plan) for key, item in plan.by_key.items()}
        self._info |= {key: _describe(workload, canaries.ROLE, plan) for key, workload in plan.canary_keys.items()}

    def new_process(self, event: dict[str, Any]) -> None:
        """Takes in what a fresh worker says about its machine and software.

        Raises:
            DataError: When the campaign was begun on another machine or with other software; names what differs.
        """
        self.run_id = new_id()
        self._settings = event["settings"]
        environment = Environment(
            tool=Tool.of({**event["tool"], "seed": self.plan.seed}),
            device=Device.of({**event.get("device", {}), "device_name": self.plan.device}),
            host=Host.of(event["host"]),
            software=Software.of(event["software"]),
        )
        facts = deciding(environment, self._settings)
        found = differing(facts if self._known is None else self._known, facts)
        if found:
            detail = "; ".join(f"{name}: {then} then, {now} now" for name, (then, now) in found.items())
            raise DataError(f"this campaign was begun in another environment ({detail}). Start a new campaign here.")
        self.environment, self._known = environment, facts

    def machine_flags(self) -> list[Flag]:
        """Returns the doubts about the machine that the last process ran on."""
        if self.environment is None:
            return []
        told = self._settings
        flags = guards.of_machine(self.environment.host.virtualization, told.get("governor"), told.get("clocks_locked"))
        return [*flags, self.reservation.flag] if self.reservation and self.reservation.flag else flags

    def record(self, visit: Visit, attempt: int = 1) -> Record:
        """Makes the record of a visit in the present process.

        Args:
            visit: What was measured.
            attempt: 2 when the process died at the first try.
        """
        identity: dict[str, Any] = {"attempt": attempt}
        if visit.workload_key in self.plan.canary_keys:  # visited many times a round
            place = idempotency_key(self.campaign_id, visit.round, visit.workload_key)
            identity["idempotency_key"] = f"{place}/{visit.position}"
        record = Record.from_visit(
            visit,
            campaign_id=self.campaign_id,
            run_id=self.run_id,
            workload=self._info[visit.workload_key],
            environment=self.environment,
            protocol=_protocol(self.plan),
            identity=identity,
        )
        held = {} if self.reservation is None else {"exclusive": self.reservation.is_exclusive}
        conditions = type(record.conditions).of({**record.conditions.flat(), **self._settings, **held})
        return record.model_copy(update={"conditions": conditions})


def _protocol(plan: Plan) -> Protocol:
    return Protocol.of(
        {
            "protocol_id": PROTOCOL_ID,
            "protocol_version": PROTOCOL_VERSION,
            "tier": plan.protocol.tier,
            "timer": "perf_counter_ns",
            "stop_criterion": plan.protocol.stopping.title,
            "stopping": plan.protocol.stopping.to_dict(),
            "max_noise": getattr(plan.protocol.stopping, "most", None),
            "cache_state": plan.protocol.cache,
            "min_samples": plan.protocol.min_blocks,
            "timeout_s": plan.protocol.steady_cap_s,
            "order": "random rounds",
            "arrival": plan.protocol.arrival,
            "input_source": "seeded normal values",
        }
    )


def _describe(workload: Workload, role: str, plan: Plan) -> WorkloadInfo:
    facts: dict[str, Any] = {"role": role, "backend": plan.backend, "backend_options": plan.backend_options}
    work = workload.work()
    if work is not None:
        facts |= {"params": work.params, "flops": work.flops, "bytes": work.bytes(ITEMSIZES[workload.dtype])}
    if isinstance(workload, ModelWorkload):
        facts |= {"search_space": workload.space, "arch": list(workload.genes)}
    if isinstance(workload, ComponentWorkload):
        facts |= {"search_space": workload.space, "component": workload.part.name, "depth": workload.depth}
    return WorkloadInfo.from_workload(workload, **facts)
