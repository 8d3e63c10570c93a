"""What was measured: raw samples first, everything else derived from them.

A visit is one workload in one round (one process): its blocks, its warm-up, what the machine did meanwhile, and any
doubt. A measurement is the estimate for one workload from all its visits.
"""

from __future__ import annotations

import statistics
from dataclasses import asdict, dataclass, field, fields
from math import ceil, exp, sqrt
from typing import TYPE_CHECKING, Any, Literal

from hwcost.quantities import LATENCY, usable
from hwcost.quantities import quantity as known_quantity
from hwcost.timing.quantity_estimate import QuantityEstimate, estimated

if TYPE_CHECKING:
    from hwcost.workloads.base import Workload

__all__ = ["Flag", "Measurement", "Visit"]

Status = Literal["ok", "warn", "void", "failed"]

UNFINISHED = "E_JOB"
"""Code of the flag of workloads that a queue's job did not finish."""

PERCENTILE_CALLS = {90: 64, 95: 130, 99: 662}
"""Isolated calls of which the second largest bounds a percentile with 99 % confidence.

Source: early stopping in MLPerf's load generator.
"""


@dataclass(frozen=True, slots=True)
class Flag:
    """A doubt or a reason, with its numbers and one remedy.

    Attributes:
        code: A stable code; ``E_`` voids, ``W_`` warns, ``I_`` informs.
        text: Observation, with numbers.
        remedy: Advice on what to do about it.
    """

    code: str
    text: str
    remedy: str = ""

    def __str__(self) -> str:
        return f"{self.code}: {self.text}" + (f" {self.remedy}" if self.remedy else "")


@dataclass(frozen=True, slots=True)
class Visit:
    """One workload in one round.

    Attributes:
        workload_key: Key of the workload.
        round: Number of the round, from 0.
        position: Place in the round's order, from 0.
        samples_s: Seconds per call, one for every timed block in the order they ran.
        block_starts_s: Seconds from ``started_s`` to the start of each block of ``samples_s``; empty in older records.
        passes: Number of the pass of each of these blocks within its round, from 1; empty likewise.
        calls_per_block: Number of calls in a block.
        warmup_s: Seconds per call of the blocks before the steady state, that of the pilot pass first.
        steady: ``flat``, ``warm-up``, ``slowdown`` or ``none``.
        started_at: Instant at which the first timed block began, UTC in ISO 8601; of the failure where there was none.
        started_s: Seconds on the campaign's common clock when the first timed block began.
        ended_s: The same, when the last one ended.
        prepare_s: Seconds to build and compile the workload.
        first_run_s: Seconds of the very first call.
        cpu_s: Process CPU seconds spent inside the timed blocks.
        device_samples_s: Seconds per call on the device's own clock, block by block; None where it has none.
        conditions: Facts about the machine meanwhile, by name; see :mod:`hwcost.facts`.
        facts: Facts about what really ran, reported by the backend.
        flags: Doubts.
        status: ``void`` is kept and never used; ``failed`` has no samples.
    """

    workload_key: str
    round: int
    position: int
    samples_s: tuple[float, ...] = ()
    calls_per_block: int = 1
    warmup_s: tuple[float, ...] = ()
    steady: str = "none"
    started_at: str = ""
    started_s: float = 0.0
    ended_s: float = 0.0
    prepare_s: float | None = None
    first_run_s: float | None = None
    cpu_s: float | None = None
    device_samples_s: tuple[float, ...] | None = None
    conditions: dict[str, Any] = field(default_factory=dict)
    facts: dict[str, Any] = field(default_factory=dict)
    flags: tuple[Flag, ...] = ()
    status: Status = "ok"
    block_starts_s: tuple[float, ...] = ()
    passes: tuple[int, ...] = ()

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON that :meth:`from_dict` turns back into an equal visit; it shares its maps with the visit."""
        plain = {name: getattr(self, name) for name in _NAMES}
        plain["flags"] = list(map(asdict, self.flags))
        return plain

    @classmethod
    def from_dict(cls, data: dict[str, Any]) -> Visit:
        """Makes a visit of what :meth:`to_dict` returned, also after a journey through JSON."""
        series = {name: tuple(data[name]) for name in _SERIES if data.get(name) is not None}
        return cls(**{**data, **series, "flags": tuple(Flag(**flag) for flag in data["flags"])})

    @property
    def is_usable(self) -> bool:
        """Whether it may feed an estimate."""
        return self.status in ("ok", "warn") and bool(self.samples_s)

    @property
    def is_unfinished(self) -> bool:
        """Whether it stands for a workload that a queue's job did not finish, which says nothing about the workload."""
        return any(flag.code == UNFINISHED for flag in self.flags)

    @property
    def latency_s(self) -> float:
        """The visit's estimate: the median of its blocks."""
        return statistics.median(self.samples_s)

    @property
    def observed_mean_s(self) -> float:
        """Mean seconds of a call as observed: over all steady blocks, those that lost the processor included."""
        left_out = self.conditions.get("left_out_s") or {}
        return statistics.fmean([*self.samples_s, *(one for series in left_out.values() for one in series)])


_NAMES = tuple(field.name for field in fields(Visit))
_SERIES = tuple(field.name for field in fields(Visit) if str(field.type).startswith(("tuple[float", "tuple[int")))


@dataclass(frozen=True, slots=True)
class Measurement:
    """The estimate for one workload from all its visits.

    Attributes:
        workload: Workload that was timed.
        role: Role in the plan: ``fit``, ``test`` or another word.
        latency_s: Seconds per call on the uncontended machine, at the campaign's mean level; None when no visit is usable.
        half_width: Half-width of the 95 % interval on the log scale, which is about the relative one; None where nothing
            determines it.
        n_rounds: Usable visits, each in a process of its own.
        visits: All visits, also the void ones.
        flags: Doubts, each code once.
        interval_reason: Reason for a missing interval, or for one wider than the noise; empty otherwise.
        level_half_width: Part of ``half_width`` that is common to all workloads of the campaign: what is not known of the
            machine's mean level. Squares of parts add up.
        is_confirmed: Whether enough visits show the machine uncontended; where not, the interval is as wide as the delay.
    """

    workload: Workload
    role: str
    latency_s: float | None
    half_width: float | None
    n_rounds: int
    visits: tuple[Visit, ...]
    flags: tuple[Flag, ...] = ()
    interval_reason: str = ""
    level_half_width: float = 0.0
    is_confirmed: bool = True

    @property
    def paired_half_width(self) -> float | None:
        """Half-width without the level that all measurements of a campaign share: that of ratios within it."""
        return None if self.half_width is None else sqrt(max(0.0, self.half_width**2 - self.level_half_width**2))

    @property
    def observed_mean_s(self) -> float | None:
        """Mean seconds of a call as observed, neighbours and the machine's level included; None when no visit is usable.

        ``latency_s`` is what the call takes on the uncontended machine. Where nobody else computes, they are about equal.
        """
        usable = [visit.observed_mean_s for visit in self.visits if visit.is_usable]
        return statistics.fmean(usable) if usable else None

    @property
    def low_s(self) -> float | None:
        """Lower end of the 95 % interval, in seconds."""
        return None if self.latency_s is None or self.half_width is None else self.latency_s * exp(-self.half_width)

    @property
    def high_s(self) -> float | None:
        """Upper end of the 95 % interval, in seconds."""
        return None if self.latency_s is None or self.half_width is None else self.latency_s * exp(self.half_width)

    @property
    def status(self) -> Status:
        """``failed`` when every visit failed, ``void`` when none is usable, ``warn`` when there is a doubt, else ``ok``."""
        if self.latency_s is None:
            return "failed" if all(visit.status == "failed" for visit in self.visits) else "void"
        return "warn" if any(not flag.code.startswith("I_") for flag in self.flags) else "ok"

    def quantity(self, name: str) -> QuantityEstimate:
        """Returns a quantity of a call, such as ``energy_j``, with its interval and source, or why it is not known.

        Args:
            name: Name of the quantity, see :mod:`hwcost.quantities`.

        Raises:
            UnknownNameError: When there is no such quantity; lists the known ones.
        """
        return estimated(known_quantity(name), self)

    @property
    def quantities(self) -> dict[str, QuantityEstimate]:
        """All quantities beside latency by name."""
        return {name: self.quantity(name) for name in usable() if name != LATENCY}

    @property
    def isolated_calls_s(self) -> tuple[float, ...]:
        """Seconds of all calls that were timed one by one; blocks of several calls hide how calls differ."""
        alone = [visit.samples_s for visit in self.visits if visit.is_usable and visit.calls_per_block == 1]
        return tuple(sample for samples in alone for sample in samples)

    def percentile_s(self, percent: int) -> float | None:
        """Returns a percentile of the isolated calls, in seconds as they were, levels not taken out.

        Args:
            percent: 90, 95 or 99.

        Returns:
            The least call that this share of calls does not exceed; None when there are too few of them.
        """
        calls_s = sorted(self.isolated_calls_s)
        if len(calls_s) < PERCENTILE_CALLS[percent]:
            return None
        return calls_s[ceil(percent / 100 * len(calls_s)) - 1]

    @property
    def percentile_flag(self) -> Flag | None:
        """I_PCTL_N with the number needed when a percentile is unknown."""
        made = len(self.isolated_calls_s)
        lacking = [f"p{percent} takes {calls}" for percent, calls in PERCENTILE_CALLS.items() if made < calls]
        if not lacking:
            return None
        text = f"there are {made} isolated calls; {', '.join(lacking)}."
        remedy = "Measure more rounds; or time each call by itself, as --arrival does, and more of them with --blocks."
        return Flag("I_PCTL_N", text, remedy)
