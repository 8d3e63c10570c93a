"""Estimates as columns, half a million of them in a second or two."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.errors import DataError, UsageError
from hwcost.stores.ids import utc
from hwcost.stores.series import STATUSES, Estimate

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
        return cls.from_pages([[(*row[: len(COLUMNS)], _remark(row)) for row in rows]])

    @classmethod
    def from_pages(cls, pages: Iterable[Sequence[Sequence[Any]]]) -> EstimateTable:
        """Makes a table of pages of rows in any order.

        Args:
            pages: The pages; a row has the :data:`COLUMNS`, and at last its status, flags and reason, a line each
                (:data:`NEW_LINE`), or None for the :data:`USUAL` ones, which takes a third of the time.

        Raises:
            DataError: When a row has an unknown status.
        """
        texts = {name: _Texts() for name in _TEXTS}
        numbers: dict[str, list[NDArray[Any]]] = {name: [] for name in _NUMBERS}
        for page in pages:
            columns = dict(zip((*COLUMNS, "remark"), zip(*page, strict=True), strict=bool(page)))
            for name, column in columns.items():  # page by page, while its values are near
                if name in texts:
                    texts[name].add(column)
                else:
                    numbers[name].append(_numbers(column, _NUMBERS[name], name in _UNKNOWN))
        (series_key, series), (campaign_id, campaign), (run_id, run), (remarks, remark) = (
            texts[name].indexed() for name in _TEXTS
        )
        remarks.append(NEW_LINE.join(USUAL.values()))  # the last one, which an index of -1 names
        names, flags, reasons = zip(*(text.split(NEW_LINE, 2) for text in remarks), strict=True)
        if unknown := set(names) - set(STATUSES):
            raise DataError(f"the store holds damaged estimates: their status is {', '.join(map(repr, sorted(unknown)))}")
        (known_flags, flag), (known_reasons, reason) = _distinct(flags, remark), _distinct(reasons, remark)
        joined = {name: np.concatenate([np.array([], dtype), *numbers[name]]) for name, dtype in _NUMBERS.items()}
        table = cls(
            series_key=series_key, series=series, run_id=run_id, run=run, campaign_id=campaign_id, campaign=campaign,
            status=np.array([*map(STATUSES.index, names)], np.int8)[remark],
            flags=[tuple(codes.split()) for codes in known_flags], flag=flag, reasons=known_reasons, reason=reason, **joined,
        )  # fmt: skip
        return table.take(np.lexsort((campaign, run, series, table.measured_s)))

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


COLUMNS = EstimateRow._fields[:8]
"""Columns of a row that stand for themselves."""

USUAL = {"status": "ok", "flags": "", "reason": ""}
"""Texts of most estimates, by their columns."""

NEW_LINE = "\n"
"""Ends the status and the flags of an estimate; neither has one."""

_TEXTS = ("series_key", "campaign_id", "run_id", "remark")
_NUMBERS: dict[str, type[np.generic]] = {
    "measured_s": np.float64, "value": np.float64, "half_width": np.float64, "level_half_width": np.float64,
    "n_rounds": np.intp,
}  # fmt: skip
_UNKNOWN = ("value", "half_width")
"""Columns in which there may be no number."""
_COLUMNS = ("series", "run", "campaign", *_NUMBERS, "status", "flag", "reason")


def _numbers(column: Sequence[Any], dtype: type[np.generic], may_lack: bool) -> NDArray[Any]:
    """Returns a column of numbers; nan for None, where there may be one."""
    return np.array(column, dtype) if may_lack else np.fromiter(column, dtype, len(column))


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
        self.place: dict[str | None, int] = {None: -1}
        self.pages: list[Indices] = []

    def add(self, page: Sequence[str | None]) -> None:
        """Adds a page."""
        for text in set(page) - self.place.keys():
            self.place[text] = len(self.place) - 1
        self.pages.append(np.fromiter(map(self.place.__getitem__, page), np.intp, len(page)))

    def indexed(self) -> tuple[list[str], Indices]:
        """Returns the texts, sorted, and the index of every row."""
        known = sorted(text for text in self.place if text is not None)
        order = np.full(len(self.place), -1, dtype=np.intp)  # by place; the last one, -1, is None's
        for index, text in enumerate(known):
            order[self.place[text]] = index
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
    def of(cls, since: str | None, until: str | None) -> Span:
        """Makes a span of two instants.

        Raises:
            UsageError: When one is not an instant.
        """
        try:
            return cls(*(None if at is None else seconds(utc(at)) for at in (since, until)))
        except ValueError as error:
            raise UsageError(f"a span of time: {error}") from None

    def has(self, measured_s: float) -> bool:
        """Whether it holds an instant."""
        return (self.since_s is None or self.since_s <= measured_s) and (self.until_s is None or measured_s < self.until_s)


def source(row: EstimateRow) -> str:
    """Returns what identifies an estimate within its series: the campaign, or run and instant where there is none."""
    return row.campaign_id or f"{row.run_id or ''}@{instant(row.measured_s)}"


def seconds(instant: str) -> float:
    """Returns an instant as seconds since 1970, exact to the microsecond."""
    return (datetime.fromisoformat(instant) - _EPOCH) / timedelta(seconds=1)


def instant(measured_s: float) -> str:
    """Returns seconds since 1970 as an instant in UTC, in the form of :func:`hwcost.stores.ids.utc`."""
    return (_EPOCH + timedelta(microseconds=round(measured_s * 1e6))).isoformat(timespec="microseconds")
