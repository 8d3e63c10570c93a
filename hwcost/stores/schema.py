"""The record: everything that is kept of one visit, and the campaign that it belongs to.

One record is one workload in one round of a campaign, that is in one process. Records never change; a correction is a
new record that ``supersedes`` the old one. SI units stand in the names, instants are UTC, unknown is None.

History of the format:

1. The groups identity, environment (tool, device, host, software), code, workload, conditions, protocol, result, energy
   and trust. Every group has an open map ``extra``.
"""

from __future__ import annotations

import hashlib
import statistics
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, model_validator

from hwcost.stores.fields import (
    Count,
    CutText,
    Fraction,
    Group,
    Instant,
    JsonDict,
    JsonList,
    Key,
    Quantity,
    Samples,
    Seconds,
    Text,
    canonical_json,
)
from hwcost.stores.ids import new_id, utc_now
from hwcost.timing.measurement import Flag, Visit

if TYPE_CHECKING:
    from typing_extensions import Self

    from hwcost.workloads.base import Workload

SCHEMA_VERSION = 1
"""Version of the record's format; a store or file of a newer version is refused, an older one is migrated."""

RecordStatus = Literal["ok", "warn", "void", "failed", "skipped"]
"""``void`` was measured and must not be used; ``failed`` has no samples; ``skipped`` was never tried."""


class Identity(Group):
    """Which visit this is.

    Attributes:
        record_id: UUIDv7.
        campaign_id: The campaign.
        run_id: The process that measured; several records share it.
        round: Number of the round, from 0.
        position: Place in the round's order, from 0.
        attempt: 1 for the first try of this visit.
        idempotency_key: Unique in a store; by default campaign, round and workload.
        created_at: When the record was made.
        started_at: When the first timed block began.
        ended_at: When the last one ended.
        supersedes: ``record_id`` of the record that this one corrects.
    """

    record_id: Key = Field(default_factory=new_id)
    campaign_id: Key
    run_id: Key
    round: Count = 0
    position: Count = 0
    attempt: Annotated[Count, Field(ge=1)] = 1
    idempotency_key: Annotated[Text, Field(min_length=1)]
    created_at: Instant = Field(default_factory=utc_now)
    started_at: Instant | None = None
    ended_at: Instant | None = None
    supersedes: Key | None = None


class Tool(Group):
    """The hwcost that measured and how it was called."""

    hwcost_version: Text | None = None
    hwcost_git_sha: Text | None = None
    is_dirty: bool | None = None
    argv: tuple[Text, ...] | None = None
    config_sha256: Text | None = None
    seed: int | None = None


class Device(Group):
    """What executed the workload.

    Attributes:
        device_key: Hash of what survives a reboot, see :func:`hwcost.devices.detected.device_key`; results of different
            keys are not compared. None when the device is not known well enough.
        device_name: The user's label, usually the profile's name.
        memory_bytes: Memory of an accelerator; None for a CPU, whose host has its own field.
    """

    device_key: Key | None = None
    device_name: Text | None = None
    kind: Text | None = None
    vendor: Text | None = None
    product: Text | None = None
    count: Count | None = None
    partition: Text | None = None
    serial_hash: Text | None = None
    pci_address: Text | None = None
    sm_version: Text | None = None
    sm_count: Count | None = None
    memory_bytes: Count | None = None
    memory_bandwidth_bytes_per_s: Quantity | None = None
    l2_bytes: Count | None = None
    ecc: bool | None = None
    power_limit_w: Quantity | None = None
    sm_default_clock_hz: Quantity | None = None
    interconnect: Text | None = None
    topology: Text | None = None


class Host(Group):
    """The machine that the device sits in. The host's name is kept only where the user opted in."""

    host_name: Text | None = None
    arch: Text | None = None
    os: Text | None = None
    kernel: Text | None = None
    cpu_model: Text | None = None
    cpu_sockets: Count | None = None
    cpu_core_count: Count | None = None
    cpu_thread_count: Count | None = None
    cpu_l1d_cache_bytes: Count | None = None
    cpu_l1i_cache_bytes: Count | None = None
    cpu_l2_cache_bytes: Count | None = None
    cpu_l3_cache_bytes: Count | None = None
    memory_bytes: Count | None = None
    numa_nodes: Count | None = None
    virtualization: Text | None = None
    container_image_digest: Text | None = None
    cloud_instance_type: Text | None = None
    boot_id: Text | None = None


class Software(Group):
    """Drivers, frameworks and the few environment variables that matter."""

    driver_version: Text | None = None
    firmware_version: Text | None = None
    cuda_or_rocm_version: Text | None = None
    cudnn_version: Text | None = None
    framework: dict[Text, Text] | None = None
    python_version: Text | None = None
    lock_sha256: Text | None = None
    env: dict[Text, Text] | None = None
    engine: Text | None = None
    engine_job_id: Text | None = None


class Environment(Group):
    """Tool, device, host and software: the same for every visit of a process, so stores keep it once."""

    tool: Tool = Field(default_factory=Tool)
    device: Device = Field(default_factory=Device)
    host: Host = Field(default_factory=Host)
    software: Software = Field(default_factory=Software)

    @property
    def key(self) -> str:
        """SHA-256 of the canonical JSON; equal exactly when the environments are equal."""
        return _sha256(self.model_dump(mode="json"))


class Code(Group):
    """The code under test, where it stands in a repository."""

    repository: Text | None = None
    commit: Text | None = None
    branch: Text | None = None
    pr_number: Count | None = None
    dirty: bool | None = None
    commit_time: Instant | None = None


class WorkloadInfo(Group):
    """What was timed.

    Attributes:
        workload_key: SHA-256 of the spec.
        name: A short name for people.
        kind: The registered kind of workload.
        spec: ``Workload.as_dict()``, from which the workload is made again.
        role: Why it was measured: ``fit``, ``judge``, ``uniform`` or another word of the plan.
        search_space: Name of the space, for workloads that are an architecture or a component of one.
        arch: The architecture's values, gene by gene.
        component: Name of the component; None for a whole model.
        depth: Copies in a stack, for component prices by slope.
        precision: The dtype.
        params: Parameters.
        flops: Operations per call, one multiply-add being two.
        bytes: Bytes moved per call.
    """

    workload_key: Key
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
        described = {
            "workload_key": workload.key,
            "name": workload.name,
            "kind": workload.kind,
            "spec": workload.as_dict(),
            "batch_size": workload.batch_size,
            "seq_len": workload.seq_len,
            "precision": workload.dtype,
        }
        return cls.of({**described, **facts})


class Conditions(Group):
    """What the machine did during the visit."""

    exclusive: bool | None = None
    other_processes: Count | None = None
    clocks_locked: bool | None = None
    sm_clock_hz: dict[Text, Quantity] | None = None
    mem_clock_hz: Quantity | None = None
    clock_scaling: Text | None = None
    power_limit_w: Quantity | None = None
    temperature_celsius: dict[Text, float] | None = None
    throttle_reasons: tuple[Text, ...] | None = None
    throttled_fraction: Fraction | None = None
    persistence_mode: bool | None = None
    governor: Text | None = None
    turbo: bool | None = None
    smt: bool | None = None
    aslr: bool | None = None
    cpu_affinity: tuple[Count, ...] | None = None
    load_avg_1min: Quantity | None = None
    uptime_s: Seconds | None = None
    cpu_steal_fraction: Fraction | None = None
    noise_score: Quantity | None = None


class Protocol(Group):
    """How it was measured. Results of another protocol or version are not compared."""

    protocol_id: Text | None = None
    protocol_version: Count | None = None
    tier: Text | None = None
    timer: Text | None = None
    timer_resolution_s: Seconds | None = None
    sync: Text | None = None
    scope: Text | None = None
    cache_state: Text | None = None
    graph_capture: bool | None = None
    min_samples: Count | None = None
    stop_criterion: Text | None = None
    max_noise: Quantity | None = None
    timeout_s: Seconds | None = None
    order: Text | None = None
    input_source: Text | None = None


class Validity(Group):
    """One doubt or reason: a stable code, what was seen, and one remedy."""

    code: Key
    text: CutText = ""
    remedy: CutText = ""


class Result(Group):
    """What came out.

    Attributes:
        samples_s: Seconds per call, one number for every timed block in the order they ran.
        latency_s: Their median; filled in, and None when there are no samples.
        calls_per_block: Calls in a block.
        warmup_s: Seconds per call of the blocks before the steady state.
        steady: ``flat``, ``warm-up``, ``slowdown`` or ``none``.
        started_s: Seconds on the campaign's common clock when the first timed block began.
        ended_s: The same, when the last one ended.
        prepare_s: Seconds to build and compile the workload.
        first_run_s: Seconds of the very first call.
        cpu_s: Process CPU seconds spent inside the timed blocks.
        peak_memory_bytes: The most memory in use during the visit.
        facts: What the backend says it really ran.
    """

    status: RecordStatus = "ok"
    validity: Annotated[tuple[Validity, ...], Field(max_length=1_000)] = ()
    error_type: CutText | None = None
    error_text: CutText | None = None
    samples_s: Samples = ()
    latency_s: Seconds | None = None
    calls_per_block: Annotated[Count, Field(ge=1)] | None = None
    warmup_s: Samples = ()
    steady: Text | None = None
    started_s: float | None = None
    ended_s: float | None = None
    prepare_s: Seconds | None = None
    first_run_s: Seconds | None = None
    cpu_s: Seconds | None = None
    peak_memory_bytes: Count | None = None
    facts: JsonDict = Field(default_factory=dict)

    @model_validator(mode="after")
    def _derive_latency(self) -> Self:
        median = statistics.median(self.samples_s) if self.samples_s else None
        if self.latency_s is None:
            object.__setattr__(self, "latency_s", median)
        elif self.latency_s != median:
            raise ValueError(f"latency_s must be the median of samples_s, which is {median}, got {self.latency_s}")
        return self


class Energy(Group):
    """Energy and power; every part is None where it was not measured."""

    energy_j: dict[Text, Quantity] | None = None
    energy_per_item_j: Quantity | None = None
    idle_power_w: Quantity | None = None
    mean_power_w: Quantity | None = None
    energy_window_s: Seconds | None = None
    energy_source: Text | None = None
    energy_complete: bool | None = None


class Trust(Group):
    """Where the record comes from: ``measured`` here, ``imported`` from a file, or ``submitted`` by someone."""

    origin: Literal["measured", "imported", "submitted"] = "measured"
    submitter: Text | None = None
    content_sha256: Text | None = None
    signature: Text | None = None
    licence: Text | None = None


class Record(Group):
    """One visit, whole. See the groups for their fields."""

    schema_version: Literal[1] = 1
    identity: Identity
    environment: Environment = Field(default_factory=Environment)
    code: Code = Field(default_factory=Code)
    workload: WorkloadInfo
    conditions: Conditions = Field(default_factory=Conditions)
    protocol: Protocol = Field(default_factory=Protocol)
    result: Result = Field(default_factory=Result)
    energy: Energy = Field(default_factory=Energy)
    trust: Trust = Field(default_factory=Trust)

    @classmethod
    def from_visit(
        cls,
        visit: Visit,
        *,
        campaign_id: str,
        run_id: str,
        workload: WorkloadInfo,
        environment: Environment | None = None,
        protocol: Protocol | None = None,
        identity: dict[str, Any] | None = None,
        result: dict[str, Any] | None = None,
    ) -> Self:
        """Makes the record of a visit.

        Args:
            visit: What was measured.
            campaign_id: The campaign.
            run_id: The process.
            workload: From :meth:`WorkloadInfo.from_workload`; must be the visit's workload.
            environment: One object for the whole process.
            protocol: How it was measured.
            identity: Further fields of the identity, such as ``attempt``.
            result: Further fields of the result, such as ``error_type`` and ``error_text``.
        """
        if workload.workload_key != visit.workload_key:
            raise ValueError(f"the visit is of workload {visit.workload_key}, not of {workload.workload_key}")
        place = {
            "campaign_id": campaign_id,
            "run_id": run_id,
            "round": visit.round,
            "position": visit.position,
            "started_at": visit.started_at or None,
            "idempotency_key": idempotency_key(campaign_id, visit.round, visit.workload_key),
        }
        return cls(
            identity=Identity.of({**place, **(identity or {})}),
            environment=environment or Environment(),
            workload=workload,
            conditions=Conditions.of(visit.conditions),
            protocol=protocol or Protocol(),
            result=_result_of(visit, result or {}),
        )

    def visit(self) -> Visit:
        """Returns the visit that the record was made of.

        Raises:
            ValueError: When the record was skipped, since then there was no visit.
        """
        result = self.result
        if result.status == "skipped":
            raise ValueError(f"record {self.identity.record_id} was skipped: there was no visit")
        return Visit(
            workload_key=self.workload.workload_key,
            round=self.identity.round,
            position=self.identity.position,
            samples_s=result.samples_s,
            calls_per_block=result.calls_per_block or 1,
            warmup_s=result.warmup_s,
            steady=result.steady or "none",
            started_at=self.identity.started_at or "",
            started_s=result.started_s or 0.0,
            ended_s=result.ended_s or 0.0,
            prepare_s=result.prepare_s,
            first_run_s=result.first_run_s,
            cpu_s=result.cpu_s,
            conditions=self.conditions.flat(),
            facts=result.facts,
            flags=tuple(Flag(doubt.code, doubt.text, doubt.remedy) for doubt in result.validity),
            status=result.status,
        )


class Campaign(Group):
    """All rounds of one plan.

    Attributes:
        campaign_id: UUIDv7, so that ids sort by time.
        created_at: When it was planned.
        plan: The plan as plain JSON, enough to resume.
        status: A word such as ``running``, ``interrupted`` or ``done``; the only thing of a campaign that changes.
        hwcost_version: Version of the tool that planned it.
        schema_version: Version of the record's format.
    """

    campaign_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    plan: JsonDict = Field(default_factory=dict)
    status: Key = "running"
    hwcost_version: Text | None = None
    schema_version: Literal[1] = 1


def idempotency_key(campaign_id: str, round: int, workload_key: str) -> str:
    """Returns the key under which a store keeps one visit only once."""
    return f"{campaign_id}/{round}/{workload_key}"


def _result_of(visit: Visit, further: dict[str, Any]) -> Result:
    measured = {
        "status": visit.status,
        "validity": [{"code": flag.code, "text": flag.text, "remedy": flag.remedy} for flag in visit.flags],
        "samples_s": visit.samples_s,
        "calls_per_block": visit.calls_per_block,
        "warmup_s": visit.warmup_s,
        "steady": visit.steady,
        "started_s": visit.started_s,
        "ended_s": visit.ended_s,
        "prepare_s": visit.prepare_s,
        "first_run_s": visit.first_run_s,
        "cpu_s": visit.cpu_s,
        "facts": visit.facts,
    }
    return Result.of({**measured, **further})


def _sha256(value: Any) -> str:
    return hashlib.sha256(canonical_json(value).encode()).hexdigest()
