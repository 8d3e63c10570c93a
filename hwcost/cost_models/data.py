"""What a cost model is fitted on: architectures and latencies, from a table or from a campaign's store."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.tabulate import Floats
from hwcost.errors import DataError
from hwcost.spaces import space as make_space
from hwcost.spaces.base import Architecture, SearchSpace

if TYPE_CHECKING:
    from hwcost.exchange.table import LatencyTable
    from hwcost.measure.measurement import Measurement

FIT, JUDGE, UNIFORM = "fit", "judge", "uniform"
"""Roles of rows: fitted on, judged on, and judged on a uniform sample besides."""

NOISE = 0.005
"""Relative error that a model is granted beside a measurement's own, so that no single row gets all the weight."""


@dataclass(frozen=True)
class Data:
    """Rows for fitting and judging.

    Attributes:
        space: The space of all rows.
        architectures: One per row.
        latency_s: Shape (n,), seconds.
        weights: Shape (n,), larger for more trustworthy rows; mean 1.
        roles: One per row; all ``fit`` for a table.
        source: Where the rows come from.
        shape: ``batch_size`` and ``seq_len`` where all rows agree on them.
        provenance: Device, protocol and the like; plain JSON.
        flags: Codes of doubts per row; empty for a table.
    """

    space: SearchSpace
    architectures: list[Architecture]
    latency_s: Floats
    weights: Floats
    roles: tuple[str, ...]
    source: str
    shape: dict[str, int]
    provenance: dict[str, Any]
    flags: tuple[tuple[str, ...], ...] = ()

    def __len__(self) -> int:
        return len(self.architectures)

    @property
    def sha256(self) -> str:
        """Hash of architectures, latencies and roles, in order."""
        digest = hashlib.sha256()
        for arch, seconds, role in zip(self.architectures, self.latency_s.tolist(), self.roles, strict=True):
            digest.update(f"{self.space.key(arch)} {seconds!r} {role}\n".encode())
        return digest.hexdigest()

    def rows(self, role: str) -> NDArray[np.intp]:
        """Returns the row numbers of a role."""
        return np.flatnonzero([one == role for one in self.roles])

    def take(self, rows: NDArray[np.intp]) -> tuple[list[Architecture], Floats, Floats]:
        """Returns architectures, latencies and weights of some rows."""
        return [self.architectures[i] for i in rows], self.latency_s[rows], self.weights[rows]


def from_table(table: LatencyTable) -> Data:
    """Takes all rows of a table for fitting, with equal weights."""
    n = len(table)
    facts = {"data": Path(table.path).name}
    return Data(table.space, table.architectures, table.latency_s, np.ones(n), (FIT,) * n, table.path, {}, facts)


def from_store(store: str, campaign_id: str | None = None, space: str | SearchSpace | None = None) -> Data:
    """Reads what a campaign measured.

    Args:
        store: Path or URL of the store.
        campaign_id: None takes the latest campaign.
        space: Keep measurements of this space; None when the campaign has only one.

    Raises:
        DataError: When nothing usable was measured, or several spaces were.
        StoreError: When the store cannot be read.
    """
    from hwcost.campaign.estimate import measurements
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        found = measurements(opened, campaign_id)
    return from_measurements(found, space, str(store))


def from_measurements(
    found: Iterable[Measurement], space: str | SearchSpace | None = None, source: str = "campaign"
) -> Data:
    """Takes usable measurements of whole architectures; see :func:`from_store`."""
    usable = [one for one in found if one.latency_s is not None and one.status in ("ok", "warn")]
    usable = [one for one in usable if getattr(one.workload, "arch", None) is not None]
    made = _space(usable, space, source)
    usable = [one for one in usable if _space_name(one) == made.name]
    half = np.array([one.half_width if one.half_width is not None else np.nan for one in usable], dtype=np.float64)
    weights = 1.0 / (np.nan_to_num(half, nan=float(np.nanmax(half)) if np.isfinite(half).any() else 0.0) ** 2 + NOISE**2)
    return Data(
        made,
        [made.architecture(one.workload.arch.genes) for one in usable],
        np.array([one.latency_s for one in usable], dtype=np.float64),
        np.asarray(weights / weights.mean()),
        tuple(one.role for one in usable),
        source,
        _shape(usable),
        {"data": Path(source).name},
        tuple(tuple(flag.code for flag in one.flags) for one in usable),
    )


def _space(usable: Sequence[Measurement], wanted: str | SearchSpace | None, source: str) -> SearchSpace:
    names = sorted({_space_name(one) for one in usable})
    if wanted is not None:
        made = make_space(wanted) if isinstance(wanted, str) else wanted
        if made.name not in names:
            raise DataError(f"{source}: no usable measurement of space '{made.name}'. Found: {', '.join(names) or 'none'}.")
        return made
    if len(names) != 1:
        what = f"measurements of several spaces: {', '.join(names)}" if names else "no usable measurement of an architecture"
        raise DataError(f"{source}: there are {what}. Name the space, or measure one with 'hwcost measure --space NAME'.")
    return make_space(names[0])


def _space_name(one: Measurement) -> str:
    space = one.workload.space
    return space if isinstance(space, str) else str(space.name)


def _shape(usable: Sequence[Measurement]) -> dict[str, int]:
    shapes = {(one.workload.batch_size, one.workload.seq_len) for one in usable}
    if len(shapes) != 1:
        return {}
    batch_size, seq_len = shapes.pop()
    return {"batch_size": batch_size} if seq_len is None else {"batch_size": batch_size, "seq_len": seq_len}
