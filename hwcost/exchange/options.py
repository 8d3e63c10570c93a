"""How a table is to be read, where its columns do not say it themselves."""

from __future__ import annotations

import csv
from collections.abc import Iterable
from dataclasses import dataclass, fields

from hwcost.errors import UsageError

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9, "min": 60.0}
"""Units of latency to seconds."""

Names = str | Iterable[str]
"""Names of columns: an iterable of them, or one text with commas between them."""


@dataclass(frozen=True, init=False)
class TableOptions:
    """Options for the columns of a table.

    Several columns are named by a list of texts, or by one text with commas between the names; a name that holds a comma
    stands in double quotes there: ``seed,"power, W"``.

    Attributes:
        categorical: Columns whose numbers are names rather than amounts (space ``table`` only), beside those that are named
            as devices are (``gpu``, ``device_id``).
        increasing: Numeric columns along which latency cannot fall (space ``table`` only).
        run_column: Column that names the measuring run of each row; it is not a feature.
        latency: Column of the latencies, or several with ``+`` between them, which are summed; None for ``latency_s``, for
            that of a published layout, or for a column that is named as latencies are.
        unit: Unit of the latencies: ``s``, ``ms``, ``us``, ``ns`` or ``min``; None for the one in the column's name.
        keep: Columns that are features although they look like names of the rows or like latencies.
        drop: Columns that are not features.
        id: Column that names each row; it is not a feature.

    Raises:
        UsageError: When a column is named both as a feature and as none, or the unit is unknown.
    """

    categorical: tuple[str, ...]
    increasing: tuple[str, ...]
    run_column: str | None
    latency: str | None
    unit: str | None
    keep: tuple[str, ...]
    drop: tuple[str, ...]
    id: str | None

    def __init__(
        self,
        categorical: Names = (),
        increasing: Names = (),
        run_column: str | None = None,
        latency: str | None = None,
        unit: str | None = None,
        keep: Names = (),
        drop: Names = (),
        id: str | None = None,
    ) -> None:
        several = {"categorical": categorical, "increasing": increasing, "keep": keep, "drop": drop}
        single = {"run_column": run_column, "latency": latency, "unit": unit, "id": id}
        for name, names in several.items():
            object.__setattr__(self, name, _names(names))
        for name, text in single.items():
            object.__setattr__(self, name, text or None)
        self._check()

    def _check(self) -> None:
        if self.unit is not None and self.unit not in UNITS:
            raise UsageError(f"unknown unit of latency '{self.unit}'. Known: {', '.join(UNITS)}")
        features = {*self.keep, *self.categorical, *self.increasing}
        for name in (*self.drop, self.id, self.run_column):
            if name in features:
                raise UsageError(f"column '{name}' is named both as a feature and as none. Name it once.")
        for name in (self.latency, *(part.strip() for part in (self.latency or "").split("+"))):
            if name in {*features, *self.drop, self.id, self.run_column} - {None}:
                raise UsageError(f"column '{name}' is named both as the latency and as something else. Name it once.")

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that were given."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    def refuse_given(self, source: str) -> None:
        """Refuses options of tables for something else.

        Args:
            source: Clause that says what was given in place of a table: ``this is a campaign``.

        Raises:
            UsageError: When an option was given.
        """
        if self.given:
            raise UsageError(f"'{self.given[0]}' is an option of tables, and {source}. Leave it out.")

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are named, apart from those of the latencies."""
        single = tuple(name for name in (self.run_column, self.id) if name is not None)
        return (*self.categorical, *self.increasing, *single, *self.keep, *self.drop)


def _names(names: Names) -> tuple[str, ...]:
    parts = next(csv.reader([" ".join(names.split())], skipinitialspace=True), []) if isinstance(names, str) else names
    held = list(parts) if isinstance(parts, Iterable) else [parts]
    if not all(isinstance(name, str) for name in held):
        raise UsageError(f"columns are named by a list of texts, or by one text with commas between them; got {names!r}")
    return tuple(name.strip() for name in held if name.strip())


DEFAULTS = TableOptions()
"""Options of a table whose columns say everything themselves."""
