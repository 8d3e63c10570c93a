"""What a cost model is fitted on: architectures and values of a quantity, from a table or from a campaign's store."""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import OPTIONS, TEXT, Kind, check, of_type
from hwcost._cached import cached_property
from hwcost._log import logger
from hwcost._types import Floats
from hwcost.cost_models.campaigns import campaign_to_fit, unmeasured
from hwcost.cost_models.features.extractor import shared_features
from hwcost.cost_models.features.measured_shapes import common_shape, of_shape, points_of
from hwcost.cost_models.features.measured_space import measured_space
from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel
from hwcost.errors import DataError, UsageError
from hwcost.exchange.frames import is_frame
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.exchange.sheet import places
from hwcost.exchange.table import read_table
from hwcost.quantities import LATENCY
from hwcost.quantities import quantity as known_quantity
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.stores import is_store as is_store

if TYPE_CHECKING:
    from hwcost.campaign.components.slopes import ComponentTable
    from hwcost.exchange.table import LatencyTable
    from hwcost.timing.measurement import Measurement
    from hwcost.timing.quantity_estimate import QuantityEstimate
    from hwcost.workloads.model import ModelWorkload

_log = logger(__name__)

__all__ = ["Data", "from_measurements", "from_store", "from_table", "read", "rows_of"]

FIT, TEST, UNIFORM, CHECK = "fit", "test", "uniform", "check"
"""Roles of rows: fitted on, tested on, tested on a uniform sample besides, and checked against the sum of components."""

FORMER_ROLES = {"judge": TEST}
"""Roles that stores of earlier versions hold, by what they are called now."""

SOURCE = Kind(
    "the path or URL of a store, or a table: the path of a file, a data frame, a mapping of columns, or "
    "a list of dictionaries",
    lambda source: isinstance(source, (str, PathLike, Mapping, Sequence)) or is_frame(source),
)
"""Sources that rows are read from."""

MEASURED_SOURCE = Kind(f"the result of measure, {SOURCE.noun}", SOURCE.holds)
"""The same, and results of measuring, which callers read themselves."""

PLAN_FACTS = ("device", "backend", "backend_options", "threads", "protocol")
"""Facts of its campaign that a fitted cost model keeps."""

NOISE = 0.005
"""Relative error that a model is granted beside a measurement's own, so that no single row gets all the weight."""

NORMAL_95 = 1.96
"""Half-width of the 95 % interval of a normal distribution, in standard deviations."""


@dataclass(frozen=True)
class Data:
    """Rows for fitting and testing.

    The rows of a store keep their roles; those of a table all have the role ``fit``.

    Attributes:
        space: The space of all rows.
        architectures: Architecture of each row.
        values: Measured values of the quantity, in its unit, shape (n,).
        weights: Weights, larger for more trustworthy rows, mean 1, shape (n,).
        roles: Role of each row; all ``fit`` for a table.
        source: Path or name of what the rows were read from.
        shape: ``batch_size`` and ``seq_len`` of all rows, where they are known and the same; where they differ, the space is
            one of architectures with their shapes (:class:`hwcost.spaces.shaped.Shaped`).
        provenance: Device, protocol and the like; plain JSON.
        flags: Codes of doubts per row; empty for a table.
        components: Prices by component, where the campaign measured components.
        is_ordered: Whether rows stand in the order in which they were measured, once each.
        runs: Number of the measuring run of each row, shape (n,); None where they are not known.
        columns: Names of all columns of a table, features or not.
        lines: Number of the line, record or row of each row of a table; empty where it is not known.
        place: Kind of thing that ``lines`` counts: ``line`` or ``record`` from 1, ``row`` of a data frame from 0.
        names: Name of each row, where an option names the column that holds it.
        remarks: Decisions about the columns of a table, and doubts about a campaign, in whole sentences.
        kept: Columns of a table that the user keeps as features, even where they look like a leaked answer.
        quantity: Name of the quantity that was measured.
        row_noise: Relative standard deviation that its own visits leave to a row of mean weight; 0 where no row has an
            interval.
    """

    space: SearchSpace
    architectures: list[Architecture]
    values: Floats
    weights: Floats
    roles: tuple[str, ...]
    source: str
    shape: dict[str, int]
    provenance: dict[str, Any]
    flags: tuple[tuple[str, ...], ...] = ()
    components: ComponentTable | None = None
    is_ordered: bool = False
    runs: NDArray[np.intp] | None = None
    columns: tuple[str, ...] = ()
    lines: tuple[int, ...] = ()
    place: str = "row"
    names: tuple[str, ...] | None = None
    remarks: tuple[str, ...] = ()
    kept: frozenset[str] = frozenset()
    quantity: str = LATENCY
    row_noise: float = 0.0

    def __len__(self) -> int:
        return len(self.architectures)

    @cached_property
    def genes(self) -> Floats:
        """Encoded architecture of each row, shape (n, genes)."""
        return shared_features(self.space, **self.shape).encode(self.architectures)

    @property
    def sha256(self) -> str:
        """Hash of architectures, values and roles, in order."""
        rows = zip(map(self.space.key, self.architectures), self.values.tolist(), self.roles, strict=True)
        text = "".join([f"{key} {value!r} {role}\n" for key, value, role in rows])
        return hashlib.sha256(text.encode()).hexdigest()

    def at(self, rows: Sequence[int]) -> str:
        """Says where rows stand in their source, for example ``line 3`` or ``lines 3, 7 and 9``; a long list is cut."""
        return places(self.place, [self.lines[row] if self.lines else row for row in rows])

    def rows(self, role: str) -> NDArray[np.intp]:
        """Returns the row numbers of a role, also of rows that an earlier version named otherwise."""
        return np.flatnonzero([FORMER_ROLES.get(one, one) == role for one in self.roles])

    @property
    def of_roles(self) -> str:
        """Says how many rows of which roles there are, for example ``10 rows of role winner``."""
        counts = Counter(FORMER_ROLES.get(one, one) for one in self.roles)
        return ", ".join(f"{count} row{'s' if count > 1 else ''} of role {role}" for role, count in counts.items())

    def take(self, rows: NDArray[np.intp]) -> tuple[list[Architecture], Floats, Floats]:
        """Returns architectures, values and weights of some rows."""
        return [self.architectures[i] for i in rows], self.values[rows], self.weights[rows]


def read(
    source: Any,
    space: str | SearchSpace | None = None,
    campaign_id: str | None = None,
    options: TableOptions = DEFAULTS,
    shape: Mapping[str, int] | None = None,
    quantity: str = LATENCY,
) -> Data:
    """Reads a campaign's store or a table of latencies.

    Args:
        source: Path or URL of a store, path of a table, or a data frame; see :func:`hwcost.exchange.table.read_table`.
        space: Space of the rows: needed for a table, and for a store that holds several.
        campaign_id: Campaign of the store; None for the latest that has rows to fit on.
        options: Options for the columns of a table.
        shape: ``batch_size`` and ``seq_len`` of the rows to take from a store; None for all of them, at whatever shapes.
        quantity: Quantity of the measurements of a store; a table holds latencies.

    Raises:
        DataError: When the source holds nothing usable.
        UsageError: When a table is given without a space or with another quantity, or options of tables with a store.
    """
    given = {"source": source, "space": space, "campaign_id": campaign_id, "table": options, "shape": shape}
    check(given, source=SOURCE, campaign_id=TEXT.or_none, table=of_type("hwcost.TableOptions(...)", TableOptions))
    check(given, space=of_type("a name such as 'table', or a search space", str, SearchSpace).or_none, shape=OPTIONS.or_none)
    if is_store(source):
        options.refuse_given(f"'{source}' is a store")
        return from_store(str(source), campaign_id, space, shape, quantity)
    if quantity != LATENCY:
        raise UsageError(f"a table holds latencies, and '{quantity}' was asked for: give the store of a campaign")
    if campaign_id is not None:
        raise UsageError(f"a table holds no campaigns, and campaign '{campaign_id}' was asked for. Leave that out")
    if space is None:
        what = f"'{source}'" if isinstance(source, (str, PathLike)) else "a data frame"
        raise UsageError(
            f"{what} is read as a table, which needs a space: supershaper, table or another one. Say it with --space NAME "
            "(space= in Python)."
        )
    return replace(from_table(read_table(source, space, options)), kept=frozenset(options.keep))


def rows_of(
    source: Any,
    space: str | SearchSpace | None = None,
    campaign_id: str | None = None,
    options: TableOptions = DEFAULTS,
    shape: Mapping[str, int] | None = None,
    quantity: str = LATENCY,
) -> Data:
    """Reads what :func:`read` reads, or takes the measurements of a campaign that was just made; arguments are the same."""
    from hwcost.campaign.run import Result

    if isinstance(source, Result):
        options.refuse_given("this is a campaign")
        return from_measurements(source.measurements, space, source.store_url, shape, quantity)
    check({"source": source}, source=MEASURED_SOURCE)
    return read(source, space, campaign_id, options, shape, quantity)


def from_table(table: LatencyTable) -> Data:
    """Takes all rows of a table for fitting, with equal weights, in the order of the file."""
    n = len(table)
    runs = None if table.runs is None else np.unique(table.runs, return_inverse=True)[1].astype(np.intp)
    return Data(
        table.space,
        table.architectures,
        table.latency_s,
        np.ones(n),
        (FIT,) * n,
        table.path,
        {},
        {"data": Path(table.path).name},
        is_ordered=True,
        runs=runs,
        columns=table.columns,
        lines=table.lines,
        place=table.place,
        names=None if table.names is None else tuple(table.names),
        remarks=table.remarks,
    )


def from_store(
    store: str,
    campaign_id: str | None = None,
    space: str | SearchSpace | None = None,
    shape: Mapping[str, int] | None = None,
    quantity: str = LATENCY,
) -> Data:
    """Reads what a campaign measured.

    Args:
        store: Path or URL of the store.
        campaign_id: Campaign of the store; None for the latest that has rows to fit on.
        space: Space of the measurements to keep; None when the campaign has only one.
        shape: ``batch_size`` and ``seq_len`` of the measurements to keep; None for all of them, at whatever shapes.
        quantity: Quantity that is taken.

    Raises:
        UnknownNameError: When there is no such quantity; lists the known ones.
        DataError: When nothing usable was measured, no measurement has the quantity, or several spaces, several options of
            the space, or several number formats were.
        StoreError: When the store cannot be read.
    """
    from hwcost.campaign.estimates.estimate import measurements
    from hwcost.stores import open_store

    with open_store(store, create=False) as opened:
        campaign, of_choice = campaign_to_fit(opened, campaign_id)
        found = measurements(opened, campaign.campaign_id)
        if not any(one.latency_s is not None for one in found):
            raise unmeasured(opened.campaigns(), campaign, store)
    for remark in of_choice:
        _log.warning("%s", remark)
    data = from_measurements(found, space, store, shape, quantity)
    facts = {name: campaign.plan[name] for name in PLAN_FACTS if name in campaign.plan}
    provenance = {**data.provenance, "campaign_id": campaign.campaign_id, **facts}
    return replace(data, provenance=provenance, remarks=(*of_choice, *data.remarks))


def from_measurements(
    found: Iterable[Measurement],
    space: str | SearchSpace | None = None,
    source: str = "campaign",
    shape: Mapping[str, int] | None = None,
    quantity: str = LATENCY,
) -> Data:
    """Takes usable measurements of whole architectures; see :func:`from_store`."""
    from hwcost.campaign.components.costs import component_report
    from hwcost.workloads.model import ModelWorkload

    found = list(found)
    pairs = [(one, one.workload) for one in found if one.latency_s is not None and one.status in ("ok", "warn")]
    models = [(one, workload) for one, workload in pairs if isinstance(workload, ModelWorkload)]
    made = measured_space([workload for _, workload in models], space, source)
    kept = [(one, workload) for one, workload in models if workload.search_space().options() == made.options()]
    factory = _factory([workload for _, workload in kept], source)
    kept = of_shape(kept, shape or {}, source)
    workloads = [workload for _, workload in kept]
    dtype, at = _dtype(workloads), common_shape(workloads)
    report = component_report(found, at) if quantity == LATENCY and at is not None else None
    kept, taken, remarks = _taken(kept, quantity, source)
    usable, half_widths = [one for one, _ in kept], _half_widths(taken)
    of_rows, points = points_of(made, [workload for _, workload in kept])
    level = UnconfirmedLevel.of(usable) if known_quantity(quantity).power_of_latency is not None else None
    return Data(
        space=of_rows,
        architectures=points,
        values=np.array([one.value for one in taken], dtype=np.float64),
        weights=_weights(half_widths),
        roles=tuple(FORMER_ROLES.get(one.role, one.role) for one in usable),
        source=source,
        shape=at or {},
        provenance={"data": Path(source).name, **factory, **dtype, **(level.provenance if level else {})},
        flags=tuple(tuple(flag.code for flag in one.flags) for one in usable),
        components=None if report is None else report.table,
        remarks=(*remarks, str(level)) if level else remarks,
        quantity=quantity,
        row_noise=_row_noise(half_widths),
    )


def _taken(
    rows: list[tuple[Measurement, ModelWorkload]], quantity: str, source: str
) -> tuple[list[tuple[Measurement, ModelWorkload]], list[QuantityEstimate], tuple[str, ...]]:
    """Returns the rows whose quantity is known and positive, its estimates, and a remark on those that are left out.

    Raises:
        DataError: When it is known of no row; says why.
    """
    found = [one.quantity(quantity) for one, _ in rows]
    pairs = [(row, one) for row, one in zip(rows, found, strict=True) if one.value is not None and one.value > 0]
    missing = len(rows) - len(pairs)
    if not missing:
        return rows, found, ()
    is_negative = any(one.value is not None and one.value < 0 for one in found)
    amount = "below 0" if is_negative else "0"
    why = next((one.reason for one in found if one.reason), f"{quantity} is {amount}; a cost model learns positive values.")
    if not pairs:
        raise DataError(f"{source} holds no {quantity}: {why}")
    remark = f"{missing} of {len(rows)} measurements have no {quantity} and are left out: {why}"
    return [row for row, _ in pairs], [one for _, one in pairs], (remark,)


def _half_widths(taken: Sequence[QuantityEstimate]) -> Floats:
    """Returns half-widths of the rows' 95 % intervals (n,); a row without one counts like the widest."""
    half = np.array([np.nan if one.half_width is None else one.half_width for one in taken], dtype=np.float64)
    widest = float(np.nanmax(half)) if np.isfinite(half).any() else 0.0
    return np.nan_to_num(half, nan=widest)


def _weights(half_widths: Floats) -> Floats:
    """Inverse variances (n,)."""
    weights = 1.0 / (half_widths**2 + NOISE**2)
    return np.asarray(weights / weights.mean())


def _row_noise(half_widths: Floats) -> float:
    """Standard deviation of a row of mean weight, from half-widths of 95 % intervals (n,)."""
    square = 1.0 / float(np.mean(1.0 / (half_widths**2 + NOISE**2))) - NOISE**2
    return math.sqrt(max(square, 0.0)) / NORMAL_95


def _factory(workloads: Sequence[ModelWorkload], source: str) -> dict[str, str]:
    """Returns which factory of the user's built the nets, and the digest of its file; nothing where none built them."""
    from hwcost.workloads.factory_model import FactoryModelWorkload

    made = [workload for workload in workloads if isinstance(workload, FactoryModelWorkload)]
    factories = sorted({workload.factory for workload in made})
    if len(factories) > 1 or (made and len(made) < len(workloads)):
        known = ", ".join(factories) + ("" if len(made) == len(workloads) else " and the space's own builder")
        raise DataError(f"{source}: the nets of one campaign were built by {known}. Fit on what one factory has built.")
    return {"factory": made[0].factory, "factory_sha256": made[0].source} if made else {}


def _dtype(workloads: Sequence[ModelWorkload]) -> dict[str, str]:
    """Returns the number format that nets were made in, or cast to; nothing where a factory's nets kept their own."""
    formats = {workload.dtype for workload in workloads if not getattr(workload, "keeps_formats", False)}
    return {"dtype": formats.pop()} if len(formats) == 1 else {}
