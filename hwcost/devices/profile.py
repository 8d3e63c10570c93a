"""What is known about a device: facts, where each comes from, and how it is usually measured.

Cache sizes are of one instance, as one core or the whole GPU sees it. Peaks are of the whole device (all cores), dense,
without sparsity. What is not known is None.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from hwcost._dtypes import BYTES

DTYPES = tuple(BYTES)
"""Number formats that a peak can be stated for."""


@dataclass(frozen=True)
class Match:
    """The rule by which a device is recognised. Every text is looked for as whole words, in any case.

    Attributes:
        words: Words of the name that a device of the profile's kind gives itself, or of its type; ``*`` is any of them.
        excluded: Words that a matching name must not have (``not`` in the file).
        facts: Further facts, as sorted pairs, that must agree with the device's where they are known; which ones there
            are is up to the kind of device, such as the compute capability of a CUDA device.
    """

    words: tuple[str, ...] = ()
    excluded: tuple[str, ...] = ()
    facts: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class ProtocolDefaults:
    """Settings of a measurement on this device where the user gives no others.

    Attributes:
        batch_size: Sequences per call.
        seq_len: Tokens per sequence.
        dtype: Number format.
        threads: Intra-operator threads.
    """

    batch_size: int
    seq_len: int
    dtype: str
    threads: int


@dataclass(frozen=True)
class DeviceProfile:
    """Facts about one device.

    Attributes:
        name: Name that the user types.
        title: Name of the concrete model.
        kind: Name of its kind, see :mod:`hwcost.devices.kinds`.
        match: Rule by which it is recognised.
        protocol: Default protocol.
        flops_per_s: Peak rate of matrix products by dtype, operations per second; one multiply-add is 2.
        memory_bytes: Size of its memory.
        memory_bytes_per_s: Bandwidth of its memory.
        l1d_bytes: Level 1 data cache.
        l2_bytes: Level 2 cache.
        l3_bytes: Level 3 cache.
        cores: Physical cores of a CPU or TPU chip.
        sm_count: Streaming multiprocessors of a GPU.
        clock_hz: Base clock of a CPU, boost clock of a GPU, as the source says.
        power_w: Thermal design power.
        last_framework: The last framework release that supports it; None while current ones do.
        sources: Source of each number by field name.
    """

    name: str
    title: str
    kind: str
    match: Match
    protocol: ProtocolDefaults
    flops_per_s: Mapping[str, float] = field(default_factory=dict, hash=False)
    memory_bytes: int | None = None
    memory_bytes_per_s: float | None = None
    l1d_bytes: int | None = None
    l2_bytes: int | None = None
    l3_bytes: int | None = None
    cores: int | None = None
    sm_count: int | None = None
    clock_hz: float | None = None
    power_w: float | None = None
    last_framework: str | None = None
    sources: Mapping[str, str] = field(default_factory=dict, hash=False)

    def peak(self, dtype: str, threads: int | None = None) -> float | None:
        """Returns the peak rate of matrix products in operations per second, or None when it is not known.

        Args:
            dtype: Number format.
            threads: Number of cores whose share is returned, on a CPU; None for all of them.
        """
        peak = self.flops_per_s.get(dtype)
        if peak is None or threads is None or self.kind != "cpu":
            return peak
        return None if self.cores is None else peak * min(threads, self.cores) / self.cores

    def source(self, fact: str) -> str | None:
        """Returns where a fact comes from, for example of ``l2_bytes`` or ``flops_per_s.float32``."""
        return self.sources.get(fact) or self.sources.get(fact.partition(".")[0])

    def numbers(self) -> dict[str, float]:
        """Returns every known number by name; those of tables as ``table.name``."""
        plain = {name: getattr(self, name) for name in (*INTEGER_FIELDS, *NUMBER_FIELDS)}
        tables = {f"flops_per_s.{dtype}": peak for dtype, peak in self.flops_per_s.items()}
        protocol = {f"protocol.{name}": getattr(self.protocol, name) for name in ("batch_size", "seq_len", "threads")}
        return {name: value for name, value in {**tables, **plain, **protocol}.items() if value is not None}

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON in the form of a profile's file; unknown facts are None."""
        plain = {name: getattr(self, name) for name in (*TEXT_FIELDS, *INTEGER_FIELDS, *NUMBER_FIELDS, "last_framework")}
        rule = {self.kind: list(self.match.words), "not": list(self.match.excluded), **dict(self.match.facts)}
        tables = {"match": rule, "protocol": asdict(self.protocol)}
        return {**plain, "flops_per_s": dict(self.flops_per_s), **tables, "sources": dict(self.sources)}


TEXT_FIELDS = ("name", "title", "kind")
"""Fields that every profile has, as text."""

INTEGER_FIELDS = ("memory_bytes", "l1d_bytes", "l2_bytes", "l3_bytes", "cores", "sm_count")
"""Optional whole numbers."""

NUMBER_FIELDS = ("memory_bytes_per_s", "clock_hz", "power_w")
"""Optional numbers."""
