"""How a table is to be read, where its columns do not say it themselves."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, fields

from hwcost.errors import UsageError

UNITS = {"s": 1.0, "ms": 1e-3, "us": 1e-6, "ns": 1e-9}
"""Units of latency to seconds."""

Names = str | Iterable[str]
"""Names of columns: an iterable of them, or one text with commas between them."""


@dataclass(frozen=True)
class TableOptions:
    """Options for the columns of a table.

    Attributes:
        categorical: Columns of numbers that name things rather than count them (space ``table`` only).
        increasing: Numeric columns along which latency cannot fall (space ``table`` only).
        runs: The column that names the measuring run of each row; it is no feature.
        latency: The column of latencies, or several with ``+`` between them, which are summed. None looks for ``latency_s``,
            for a published layout, and for a column that is named as latencies are.
        unit: Unit of the latencies: ``s``, ``ms``, ``us`` or ``ns``. None takes it from the column's name.
        keep: Columns that are features although they look like names of the rows or like latencies.
        drop: Columns that are no features.
        id: The column that names each row; it is no feature.
    """

    categorical: tuple[str, ...] = ()
    increasing: tuple[str, ...] = ()
    runs: str | None = None
    latency: str | None = None
    unit: str | None = None
    keep: tuple[str, ...] = ()
    drop: tuple[str, ...] = ()
    id: str | None = None

    def __post_init__(self) -> None:
        """Checks the unit, and that no column is both kept and left out.

        Raises:
            UsageError: When they contradict each other, or the unit is unknown.
        """
        if self.unit is not None and self.unit not in UNITS:
            raise UsageError(f"unknown unit of latency '{self.unit}'. Known: {', '.join(UNITS)}")
        features = {*self.keep, *self.categorical, *self.increasing}
        for name in (*self.drop, self.id, self.runs):
            if name in features:
                raise UsageError(f"column '{name}' is named both as a feature and as none. Name it once.")

    @classmethod
    def of(
        cls,
        *,
        categorical: Names = (),
        increasing: Names = (),
        runs: str | None = None,
        latency: str | None = None,
        unit: str | None = None,
        keep: Names = (),
        drop: Names = (),
        id: str | None = None,
    ) -> TableOptions:
        """Makes options from arguments of Python or the command line: names may be one text with commas between them.

        Raises:
            UsageError: When they contradict each other, or the unit is unknown.
        """
        return cls(
            _names(categorical), _names(increasing), runs or None, latency or None, unit or None, _names(keep),
            _names(drop), id or None,
        )  # fmt: skip

    @property
    def given(self) -> tuple[str, ...]:
        """Names of the options that were given."""
        return tuple(field.name for field in fields(self) if getattr(self, field.name))

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns that are named, apart from those of the latencies."""
        single = tuple(name for name in (self.runs, self.id) if name is not None)
        return (*self.categorical, *self.increasing, *single, *self.keep, *self.drop)


def _names(names: Names) -> tuple[str, ...]:
    parts = names.split(",") if isinstance(names, str) else names
    held = list(parts) if isinstance(parts, Iterable) else [parts]
    if not all(isinstance(name, str) for name in held):
        raise UsageError(f"columns are named by a list of texts, or by one text with commas between them; got {names!r}")
    return tuple(name.strip() for name in held if name.strip())
