"""The record: everything that is kept of one visit, and the campaign that it belongs to.

One record is one workload in one round of a campaign, that is in one process. Records never change. SI units stand in the
names, instants are UTC, unknown is None or absent.

History of the format:

1. The groups identity, environment (tool, device, host, software), code, workload, conditions, protocol, result, energy
   and trust. Every group has an open map ``extra``.
2. The visit is embedded as it is; settings and protocol belong to the environment; facts are those of
   :mod:`hwcost.facts`; the driver is part of the software. Fields that nothing wrote are gone, ``trust`` became ``origin``,
   and the role ``judge`` became ``test``. A visit that was skipped is a void one without samples.
3. A visit may have the start and the pass of every block, since its blocks may be spread over a round. Campaigns and records
   of the second format are of the third one too, and stay as they are.
4. A campaign may belong to a run; everything else is of the fourth format as it is.
"""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from hwcost._cached import cached_property
from hwcost.stores.environment import Environment
from hwcost.stores.fields import Count, Group, Instant, JsonDict, JsonList, Key, Origin, Positive, Quantity, Text
from hwcost.stores.ids import new_id, utc_now
from hwcost.stores.visits import StoredVisit
from hwcost.timing.measurement import Visit

if TYPE_CHECKING:
    from typing_extensions import Self

    from hwcost.workloads.base import Workload

SCHEMA_VERSION: Literal[4] = 4
"""Version of the record's format; a store or file of a newer version is refused, an older one is migrated."""

SchemaVersion = Literal[2, 3, 4]
"""Versions that are read as they are."""

ON = "on"
"""Name of the address of the machine that measures a campaign, among the campaign's further facts."""


class Identity(Group):
    """Which visit this is.

    Attributes:
        record_id: UUIDv7.
        campaign_id: Identifier of the campaign.
        run_id: Identifier of the process that measured; several records share it.
        attempt: Number of the try of this visit, from 1.
        idempotency_key: Text unique in a store; by default campaign, round and workload.
        created_at: Instant at which the record was made.
    """

    record_id: Key = Field(default_factory=new_id)
    campaign_id: Key
    run_id: Key
    attempt: Positive = 1
    idempotency_key: Key
    created_at: Instant = Field(default_factory=utc_now)


class WorkloadInfo(Group):
    """What was timed.

    Attributes:
        name: A short name for people.
        kind: The registered kind of workload.
        spec: ``Workload.as_dict()``, from which the workload is made again.
        role: Its role in the plan: ``fit``, ``test``, ``uniform`` or another word.
        search_space: Name of the space, for workloads that are an architecture or a component of one.
        arch: The architecture's values, gene by gene.
        component: Name of the component; None for a whole model.
        depth: Number of copies in a stack, for component prices by slope.
        batch_size: Examples in a call.
        seq_len: Tokens of an example.
        precision: The dtype.
        backend: Name of the backend.
        backend_options: Options of the backend.
        params: Number of parameters.
        flops: Operations per call, one multiply-add being two.
        bytes: Bytes moved per call.
    """

    name: Text
    kind: Text
    spec: JsonDict = Field(default_factory=dict)
    role: Text = "fit"
    search_space: Text | None = None
    arch: JsonList | None = None
    component: Text | None = None
    depth: Count | None = None
    batch_size: Count | None = None
    seq_len: Count | None = None
    precision: Text | None = None
    backend: Text | None = None
    backend_options: JsonDict = Field(default_factory=dict)
    params: Count | None = None
    flops: Quantity | None = None
    bytes: Quantity | None = None

    @classmethod
    def from_workload(cls, workload: Workload, **facts: Any) -> Self:
        """Describes a workload; ``facts`` are further fields, such as ``role``, ``backend`` or ``search_space``."""
        return cls(
            **{
                "name": workload.name,
                "kind": workload.kind,
                "spec": workload.as_dict(),
                "batch_size": workload.batch_size,
                "seq_len": workload.seq_len,
                "precision": workload.dtype,
                **facts,
            }
        )

    @cached_property
    def document(self) -> dict[str, Any]:
        """The workload as plain JSON, made once for all its records; unknown fields are absent."""
        return self.model_dump(mode="json", exclude_none=True)


class Record(Group):
    """One visit, whole.

    Attributes:
        schema_version: Version of the format.
        identity: Identifiers of the record.
        environment: Facts about the process that measured.
        workload: Description of what was timed.
        visit: The visit itself.
        origin: Whether it was measured into this store.
    """

    schema_version: SchemaVersion = SCHEMA_VERSION
    identity: Identity
    environment: Environment = Field(default_factory=Environment)
    workload: WorkloadInfo
    visit: StoredVisit
    origin: Origin = "measured"

    @classmethod
    def from_visit(
        cls,
        visit: Visit,
        *,
        campaign_id: str,
        run_id: str,
        workload: WorkloadInfo,
        environment: Environment | None = None,
        attempt: int = 1,
        key: str | None = None,
    ) -> Self:
        """Makes the record of a visit.

        Args:
            visit: Visit to keep.
            campaign_id: Identifier of the campaign.
            run_id: Identifier of the process.
            workload: Description of the visit's workload, from :meth:`WorkloadInfo.from_workload`.
            environment: One object for the whole process.
            attempt: Number of the try of this visit, from 1.
            key: Idempotency key; None for campaign, round and workload.
        """
        identity = Identity(
            campaign_id=campaign_id,
            run_id=run_id,
            attempt=attempt,
            idempotency_key=key or idempotency_key(campaign_id, visit.round, visit.workload_key),
        )
        return cls(identity=identity, environment=environment or Environment(), workload=workload, visit=visit)


class Campaign(Group):
    """All rounds of one plan. Where another machine measures it, its address stands among the further facts.

    Attributes:
        campaign_id: UUIDv7, so that ids sort by time.
        created_at: Instant at which it was planned.
        plan: The plan as plain JSON, enough to resume.
        status: A word such as ``running``, ``interrupted`` or ``done``; the only thing of a campaign that changes.
        hwcost_version: Version of the tool that planned it.
        run_id: Run of a suite that it belongs to; None for a campaign by itself.
        schema_version: Version of the record's format.
    """

    campaign_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    plan: JsonDict = Field(default_factory=dict)
    status: Key = "running"
    hwcost_version: Text | None = None
    run_id: Key | None = None
    schema_version: SchemaVersion = SCHEMA_VERSION

    @property
    def on(self) -> str | None:
        """Address of the machine that measures it, as ``--on`` takes it; None for the one that planned it."""
        known = self.extra.get(ON)
        return known if isinstance(known, str) else None

    @property
    def roles(self) -> Counter[str]:
        """Number of planned workloads by role."""
        return Counter(item.get("role", "fit") for item in self.plan.get("items", ()))


def measured_on(on: str | None) -> dict[str, str]:
    """Returns the further facts of a campaign that a machine measures.

    Args:
        on: Address of the machine; None for the one that plans it.
    """
    return {} if on is None else {ON: on}


def idempotency_key(campaign_id: str, round: int, workload_key: str) -> str:
    """Returns the key under which a store keeps one visit only once."""
    return f"{campaign_id}/{round}/{workload_key}"
