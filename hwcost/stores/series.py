"""A series, the history of estimates that may be compared as one; and an estimate, what one campaign says of it."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Collection
from dataclasses import dataclass
from typing import Literal

from pydantic import Field

from hwcost._cached import cached_property
from hwcost.errors import DataError
from hwcost.quantities import LATENCY
from hwcost.stores.fields import Count, Group, JsonDict, JsonList, Key, Origin, Text, canonical_json, cut
from hwcost.stores.ids import utc

EstimateStatus = Literal["ok", "unconfirmed", "invalid", "failed"]
"""``ok``; ``unconfirmed``, with an interval as wide as the delay that was seen; ``invalid``: measured, but nothing of it can
be used; ``failed``: it could not be measured. The last two have no value."""

STATUSES: tuple[EstimateStatus, ...] = ("ok", "unconfirmed", "invalid", "failed")

KEY_DIGITS = 32


class Series(Group):
    """What is measured again and again: one quantity of one workload on one device with one backend.

    Attributes:
        workload_key: Key of the workload.
        name: A short name for people.
        kind: The registered kind of workload.
        search_space: Name of the space, for workloads that are an architecture or a component of one.
        component: Name of the component; None for a whole model.
        arch: The architecture's values, gene by gene.
        spec: The workload as plain data, from which it is made again.
        device_key: Key of the device by what survives a reboot; None where it is not known.
        device: Name of the device.
        backend: Name of the backend.
        backend_options: Options of the backend.
        precision: The dtype.
        batch_size: Examples in a call.
        seq_len: Tokens of an example.
        threads: Number of threads within an operator.
        quantity: Name of the quantity, see :mod:`hwcost.quantities`.
        unit: Unit of its values.
        origin: Whether hwcost measures it, or another tool did.
    """

    workload_key: Key
    name: Text
    kind: Text
    search_space: Text | None = None
    component: Text | None = None
    arch: JsonList | None = None
    spec: JsonDict = Field(default_factory=dict)
    device_key: Text | None = None
    device: Text
    backend: Text
    backend_options: JsonDict = Field(default_factory=dict)
    precision: Text | None = None
    batch_size: Count | None = None
    seq_len: Count | None = None
    threads: Count | None = None
    quantity: Text = LATENCY
    unit: Text = "s"
    origin: Origin = "measured"

    @cached_property
    def series_key(self) -> str:
        """32 hexadecimal digits; equal exactly when two series are one.

        Workload, device, backend with its options, threads, quantity and origin decide; names do not.
        """
        deciding = {
            "workload_key": self.workload_key,
            "device": self.device_key or self.device,
            "backend": self.backend,
            "backend_options": self.backend_options,
            "threads": self.threads,
            "quantity": self.quantity,
            "origin": self.origin,
        }
        return hashlib.sha256(canonical_json(deciding).encode()).hexdigest()[:KEY_DIGITS]


@dataclass(frozen=True, slots=True)
class Estimate:
    """What one campaign says of one series.

    Attributes:
        series_key: Key of the series.
        campaign_id: Campaign that measured it; None where there is none, as for what other tools measured.
        run_id: Run that the campaign belongs to; None for one by itself.
        measured_at: Instant at which it was first visited, ISO 8601; kept in UTC with microseconds.
        value: Value in the series' unit; None where there is none.
        half_width: Half-width of the 95 % interval on the log scale; None where nothing determines it.
        level_half_width: Part of ``half_width`` that is common to all workloads of the campaign.
        n_rounds: Usable visits, each in a process of its own.
        status: One of :data:`STATUSES`.
        flags: Codes of doubts, each once, such as ``E_FAILED``.
        reason: Reason for a missing value or interval, or the error's text, cut to the bound of texts; empty otherwise.

    Raises:
        DataError: When a number is not finite, the status is unknown or contradicts the value, or the instant is none.
    """

    series_key: str
    campaign_id: str | None
    run_id: str | None
    measured_at: str
    value: float | None
    half_width: float | None
    level_half_width: float = 0.0
    n_rounds: int = 0
    status: EstimateStatus = "ok"
    flags: tuple[str, ...] = ()
    reason: str = ""

    def __post_init__(self) -> None:
        object.__setattr__(self, "reason", cut(self.reason))
        try:
            object.__setattr__(self, "measured_at", utc(self.measured_at))
        except ValueError as error:
            raise DataError(f"an estimate of series {self.series_key}: {error}") from None
        wrong = self._wrong()
        if wrong:
            raise DataError(f"an estimate of series {self.series_key}: {wrong}")

    def _wrong(self) -> str:
        """Says what is wrong with the values; empty when nothing is."""
        if self.status not in STATUSES:
            return f"expected the status {', '.join(STATUSES)}, got '{self.status}'"
        if (self.value is None) != (self.status in ("invalid", "failed")):
            return f"a status of '{self.status}' does not go with the value {self.value}"
        if self.value is not None and not math.isfinite(self.value):
            return f"expected a finite value, got {self.value}"
        for width in (self.half_width, self.level_half_width):
            if width is not None and not 0 <= width < math.inf:
                return f"expected a half-width from 0, got {width}"
        if any(not code or " " in code for code in self.flags):
            return f"expected flags as codes without spaces, got {self.flags}"
        return ""


def unknown_series(keys: Collection[str], url: str) -> DataError:
    """Makes the error for estimates of series that are not there."""
    some = ", ".join(sorted(keys)[:3])
    return DataError(f"{len(keys)} series of the estimates are not in the store '{url}': {some}. Give them as well.")
