"""Estimates as columns, half a million of them in a second or two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._arguments import check, of_type
from hwcost._types import Floats, Indices
from hwcost.errors import DataError, UsageError
from hwcost.stores.columns import NUMBERS, TEXTS, Columns
from hwcost.stores.ids import utc
from hwcost.stores.series import STATUSES, Estimate

INSTANT = of_type("an instant: a text in ISO 8601, or a datetime", str, datetime)

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)


class EstimateRow(NamedTuple):
    """An estimate as stores keep it: the instant as seconds since 1970, flags as one text."""

    series_key: str
    campaign_id: str | None
    run_id: str | None
    measured_s: float
    value: float | None
    half_width: float | None
    level_half_width: float
    n_rounds: int
    status: str
    flags: str
    reason: str


@dataclass(frozen=True)
class EstimateTable:
    """Estimates as columns of equal length, the oldest first; texts are kept once and referred to by index.

    Attributes:
        series_key: Keys of the series that have an estimate here, sorted.
        series: Index into ``series_key`` of every row.
        run_id: Runs, sorted.
        run: Index into ``run_id`` of every row; -1 for none.
        campaign_id: Campaigns, sorted.
        campaign: Index into ``campaign_id`` of every row; -1 for none.
        measured_s: Seconds since 1970, UTC.
        value: Values in the unit of their series; nan for none.
        half_width: Half-widths of the 95 % intervals on the log scale; nan for none.
        level_half_width: Parts of them that are common to all workloads of a campaign.
        n_rounds: Usable visits.
        status: Index into :data:`hwcost.stores.series.STATUSES` of every row.
        flags: Sets of codes of doubts.
        flag: Index into ``flags`` of every row.
        reasons: Reasons for missing values or intervals, and texts of errors.
        reason: Index into ``reasons`` of every row.
    """

    series_key: list[str]
    series: Indices
    run_id: list[str]
    run: Indices
    campaign_id: list[str]
    campaign: Indices
    measured_s: Floats
    value: Floats
    half_width: Floats
    level_half_width: Floats
    n_rounds: Indices
    status: NDArray[np.int8]
    flags: list[tuple[str, ...]]
    flag: Indices
    reasons: list[str]
    reason: Indices

    def __len__(self) -> int:
        return len(self.series)

    def __repr__(self) -> str:
        return f"<{len(self)} estimates of {len(self.series_key)} series in {len(self.run_id)} runs>"

    @classmethod
    def from_rows(cls, rows: Iterable[EstimateRow]) -> EstimateTable:
        """Makes a table of rows in any order.

        Raises:
            DataError: When a row has an unknown status.
        """
        return cls.from_pages([Columns.of_rows([(*row[: -len(USUAL)], _remark(row)) for row in rows])])

    @classmethod
    def from_pages(cls, pages: Iterable[Columns]) -> EstimateTable:
        """Makes a table of its rows in any order, some at a time.

        Raises:
            DataError: When a row has an unknown status.
        """
        texts = {name: _Texts() for name in TEXTS}
        numbers: dict[str, list[NDArray[Any]]] = {name: [] for name in NUMBERS}
        for page in pages:
            for name, column in page.texts.items():
                texts[name].add(*column)
            for name, values in page.numbers.items():
                numbers[name].append(values)
        (series_key, series), (campaign_id, campaign), (run_id, run), (remarks, remark) = (
            texts[name].indexed() for name in TEXTS
        )
        remarks.append(NEW_LINE.join(USUAL.values()))  # the last one, which an index of -1 names
        names, flags, reasons = zip(*(text.split(NEW_LINE, 2) for text in remarks), strict=True)
        if unknown := set(names) - set(STATUSES):
            raise DataError(f"the store holds damaged estimates: their status is {', '.join(map(repr, sorted(unknown)))}")
        (known_flags, flag), (known_reasons, reason) = _distinct(flags, remark), _distinct(reasons, remark)
        joined = {name: np.concatenate([np.array([], dtype), *numbers[name]]) for name, dtype in NUMBERS.items()}
        table = cls(
            series_key=series_key, series=series, run_id=run_id, run=run, campaign_id=campaign_id, campaign=campaign,
            status=np.array([*map(STATUSES.index, names)], np.int8)[remark],
            flags=[tuple(codes.split()) for codes in known_flags], flag=flag, reasons=known_reasons, reason=reason, **joined,
        )  # fmt: skip
        return table.take(np.lexsort((campaign, run, series, table.measured_s)))

    def equals(self, other: EstimateTable) -> bool:
        """Whether another table has the same rows, to the last bit, and the same lists of texts."""
        pairs = [(getattr(self, one.name), getattr(other, one.name)) for one in fields(self)]
        arrays = [pair for pair in pairs if isinstance(pair[0], np.ndarray)]
        lists = [pair for pair in pairs if isinstance(pair[0], list)]
        return all(a == b for a, b in lists) and all(np.array_equal(a, b, equal_nan=a.dtype.kind == "f") for a, b in arrays)

    def take(self, rows: Indices | NDArray[np.bool_]) -> EstimateTable:
        """Returns some rows, given by index or as a mask; the lists of texts stay as they are."""
        return replace(self, **{name: getattr(self, name)[rows] for name in _COLUMNS})

    def estimates(self) -> Iterator[Estimate]:
        """Yields the rows as estimates."""
        lists = (getattr(self, name).tolist() for name in _COLUMNS)
        for series, run, campaign, at, value, half, level, rounds, status, flag, reason in zip(*lists, strict=True):
            yield Estimate(
                self.series_key[series],
                None if campaign < 0 else self.campaign_id[campaign],
                None if run < 0 else self.run_id[run],
                instant(at),
                None if value != value else value,
                None if half != half else half,
                level,
                rounds,
                STATUSES[status],
                self.flags[flag],
                self.reasons[reason],
            )


USUAL = {"status": "ok", "flags": "", "reason": ""}
"""Texts of most estimates, by their columns."""

NEW_LINE = "\n"
"""Ends the status and the flags of an estimate; neither has one."""

_COLUMNS = ("series", "run", "campaign", *NUMBERS, "status", "flag", "reason")


def _remark(row: EstimateRow) -> str | None:
    """Returns what a row says beside its numbers; None for the usual."""
    texts = [getattr(row, name) for name in USUAL]
    return None if texts == [*USUAL.values()] else NEW_LINE.join(texts)


def _distinct(texts: Sequence[str], rows: Indices) -> tuple[list[str], Indices]:
    """Returns the distinct texts among those that rows have, sorted, and the index of every row.

    Args:
        texts: Texts, not all of them different.
        rows: Index into them of every row; -1 for the last.
    """
    known = sorted({texts[index] for index in np.unique(rows).tolist()})
    place = {text: index for index, text in enumerate(known)}
    return known, np.array([place.get(text, -1) for text in texts], np.intp)[rows]


class _Texts:
    """A column of texts that comes page by page: distinct texts, and an index for every row; -1 for None."""

    def __init__(self) -> None:
        self.place: dict[str, int] = {}
        self.pages: list[Indices] = []

    def add(self, texts: Sequence[str], rows: Indices) -> None:
        """Adds a page: its texts, and the index of every row into them; -1 for None."""
        place = [self.place.setdefault(text, len(self.place)) for text in texts]
        self.pages.append(np.array([*place, -1], np.intp)[rows])

    def indexed(self) -> tuple[list[str], Indices]:
        """Returns the texts, sorted, and the index of every row."""
        known = sorted(self.place)
        order = np.full(len(known) + 1, -1, dtype=np.intp)  # by place; the last one, -1, is None's
        order[[self.place[text] for text in known]] = np.arange(len(known))
        return known, order[np.concatenate([np.zeros(0, np.intp), *self.pages])]


def estimate_row(estimate: Estimate) -> EstimateRow:
    """Returns an estimate as stores keep it."""
    return EstimateRow(
        estimate.series_key,
        estimate.campaign_id,
        estimate.run_id,
        seconds(estimate.measured_at),
        estimate.value,
        estimate.half_width,
        estimate.level_half_width,
        estimate.n_rounds,
        estimate.status,
        " ".join(estimate.flags),
        estimate.reason,
    )


class Span(NamedTuple):
    """A span of time.

    Attributes:
        since_s: Its beginning in seconds since 1970; None for no beginning.
        until_s: Its end, which is not part of it; None for no end.
    """

    since_s: float | None
    until_s: float | None

    @classmethod
    def of(cls, since: str | datetime | None, until: str | datetime | None) -> Span:
        """Makes a span of two instants: texts in ISO 8601, or datetimes, which are in UTC where they have no time zone.

        Raises:
            UsageError: When one is not an instant.
        """
        check({"since": since, "until": until}, since=INSTANT.or_none, until=INSTANT.or_none)
        try:
            return cls(*(None if at is None else seconds(utc(_written(at))) for at in (since, until)))
        except ValueError as error:
            raise UsageError(f"a span of time: {error}") from None

    def has(self, measured_s: float) -> bool:
        """Whether it holds an instant."""
        return (self.since_s is None or self.since_s <= measured_s) and (self.until_s is None or measured_s < self.until_s)


def _written(at: str | datetime) -> str:
    """Returns an instant in ISO 8601."""
    if isinstance(at, str):
        return at
    return (at if at.tzinfo else at.replace(tzinfo=timezone.utc)).isoformat(timespec="microseconds")


def source(row: EstimateRow) -> str:
    """Returns what identifies an estimate within its series: the campaign, or run and instant where there is none."""
    return row.campaign_id or f"{row.run_id or ''}@{instant(row.measured_s)}"


def seconds(instant: str) -> float:
    """Returns an instant as seconds since 1970, exact to the microsecond."""
    return (datetime.fromisoformat(instant) - _EPOCH) / timedelta(seconds=1)


def instant(measured_s: float) -> str:
    """Returns seconds since 1970 as an instant in UTC, in the form of :func:`hwcost.stores.ids.utc`."""
    return (_EPOCH + timedelta(microseconds=round(measured_s * 1e6))).isoformat(timespec="microseconds")
