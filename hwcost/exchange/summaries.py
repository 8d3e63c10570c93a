"""Rows that sum up the others, such as spreadsheets have at the end: totals and means are not architectures."""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.errors import DataError
from hwcost.exchange.column_names import is_statistic_name, words_of
from hwcost.exchange.identifiers import names_rows
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, for_shell

FEWEST_ROWS = 5
"""Rows above a summary below which equal sums are chance."""

_OF_STATISTICS = frozenset(
    ("stat", "stats", "statistic", "statistics", "metric", "percentile", "quantile", "aggregate", "aggregation", "measure")
)
"""Words of the name of a column that says of which statistic a row is."""

LAST = 10
"""Rows at the end among which summaries stand: statistics of a data frame are eight."""

ROUNDED = 1e-3
"""Relative difference from the sum or mean within which a number is one."""

_NAME = re.compile(
    r"(?:(?:grand|sub)?[ _-]?total|sum|overall|mean|average|avg|median|std|std\.? ?dev|geo[ _-]?mean|count|min|max"
    r"|25%|50%|75%)"
    r"(?:[ _-](?:latency|time))?[.:]?",
    re.IGNORECASE,
)


_OF_REPETITIONS = re.compile(r"(?P<name>.+)_(?P<end>mean|median|stddev|cv|min|max|BigO|RMS)")


def refuse_summaries(sheet: Sheet, latency: Floats, wanted: Collection[str] = ()) -> None:
    """Refuses a table whose last rows are sums or means of those above, or whose rows are different statistics.

    Args:
        sheet: The table, all columns.
        latency: Latencies in any unit, shape (n,).
        wanted: Columns that the user named, whose cells may name statistics.

    Raises:
        DataError: When there are such rows, or statistics of repetitions beside each other; names them.
    """
    if statistics := statistic_rows(sheet):
        first, column = statistics[0]
        where, cell = sheet.at([row for row, _ in statistics]), sheet.columns[column][first][:60]
        raise DataError(
            f"{sheet.source}: {where} hold statistics of repetitions, such as '{cell}' in the column '{column}'. "
            "Keep rows of one kind: the repetitions, or their medians."
        )
    for name, texts in sheet.columns.items():
        if name not in wanted and _names_statistics(name, set(texts)):
            other = next(text for text in texts if text != texts[0])
            raise DataError(
                f"{sheet.head}: the rows hold different statistics of a measurement, such as '{texts[0]}' and '{other}' in "
                f"the column '{name}'. Keep the rows of one of them; --keep {for_shell(name)} takes them all."
            )
    rows = summary_rows(sheet, latency)
    if rows:
        those = "the line" if len(rows) == 1 else "these lines"
        raise DataError(
            f"{sheet.source}: {sheet.at(rows)} {'sums' if len(rows) == 1 else 'sum'} up the rows above (a total, a mean or "
            f"another statistic) rather than being an architecture. Delete {those}."
        )


def _names_statistics(name: str, texts: Collection[str]) -> bool:
    """Whether a column says of which statistic a row is; ``max`` and ``avg`` alone may be ways of pooling."""
    is_named = not words_of(name).isdisjoint(_OF_STATISTICS) or {"mean", "std"} <= set(texts)
    return is_named and len(texts) > 1 and all(text == "count" or is_statistic_name(text) for text in texts)


def statistic_rows(sheet: Sheet) -> list[tuple[int, str]]:
    """Returns the rows of statistics of repetitions as google/benchmark names them, and the column that names them.

    They are those whose names end in ``_mean``, ``_stddev`` and the like, where the same name has both of these.
    """
    for column, texts in sheet.columns.items():
        matches = {text: match for text in set(texts) if (match := _OF_REPETITIONS.fullmatch(text)) is not None}
        ends: dict[str, set[str]] = {}
        for match in matches.values():
            ends.setdefault(match["name"], set()).add(match["end"])
        named = {name for name, found in ends.items() if {"mean", "stddev"} <= found}
        if named:
            return [(row, column) for row, text in enumerate(texts) if text in matches and matches[text]["name"] in named]
    return []


def summary_rows(sheet: Sheet, latency: Floats) -> list[int]:
    """Returns the rows at the end that sum up those above, ascending: they are named so, or their numbers say it."""
    n = len(sheet)
    if n <= FEWEST_ROWS:
        return []
    end = range(max(FEWEST_ROWS, n - LAST), n)
    if named := _named(sheet, end):
        return named
    columns = [_numbers(texts) for texts in sheet.columns.values()]
    varied = [one for one in columns if one is not None and np.ptp(one[:-1]) > 0]
    is_of_all = len(varied) > 1 and any(_is(latency) and all(map(_is, varied)) for _is in (_is_sum, _is_mean))
    return [n - 1] if is_of_all else []


def _named(sheet: Sheet, end: range) -> list[int]:
    """Returns the rows at the end whose name is that of a statistic, where no other row's is and names tell rows apart."""
    for texts in sheet.columns.values():
        found = [row for row in end if _NAME.fullmatch(texts[row])]
        if found and found == list(range(found[0], len(sheet))) and _tells_rows(texts[: found[0]]):
            return found
    return []


def _tells_rows(texts: Sequence[str]) -> bool:
    return not any(map(_NAME.fullmatch, texts)) and (names_rows(texts) or not any(texts))


def _numbers(texts: Sequence[str]) -> Floats | None:
    known = {text: number(text) for text in set(texts)}
    is_finite = all(value is not None and math.isfinite(value) for value in known.values())
    return None if not is_finite else np.array([known[text] for text in texts], dtype=np.float64)


def _is_sum(values: Floats) -> bool:
    return bool(abs(values[-1] - values[:-1].sum()) <= ROUNDED * abs(values[-1]))


def _is_mean(values: Floats) -> bool:
    return bool(abs(values[-1] - values[:-1].mean()) <= ROUNDED * abs(values[-1]))
