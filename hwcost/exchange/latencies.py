"""Which columns of a table are its latencies, and their unit."""

from __future__ import annotations

import math
import re
import shlex
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost.errors import DataError, UsageError
from hwcost.exchange.column_names import (
    MIDDLES,
    REPEATS,
    SPREADS,
    TIMES,
    computed_word,
    is_general,
    is_of_cold_call,
    is_of_part,
    is_of_whole,
    is_rate_name,
    is_typical,
    named_as_latencies,
    named_as_times,
    says_latency,
    split_unit,
    words_of,
)
from hwcost.exchange.failure_marks import refuse_marks
from hwcost.exchange.identifiers import are_clock_readings
from hwcost.exchange.numerals import number
from hwcost.exchange.options import UNITS, TableOptions
from hwcost.exchange.samples import MOST_IN_COLUMNS, are_numbered, typical_deviation
from hwcost.exchange.sheet import Sheet
from hwcost.exchange.time_cells import is_time, say_their_unit, value_in
from hwcost.exchange.untold_latencies import absent, begin_and_end, several, unitless
from hwcost.spaces.layouts import Layout

LATENCY = "latency_s"
"""Name of the column of latencies in seconds, which needs no option."""

TOTALS = frozenset(("total", "sum", "elapsed", "duration"))
COUNTED = frozenset(("runs", "iterations", "iters", "repeats", "repetitions", "reps", "calls", "loops", "inferences"))
"""Words of the name of a time that may be that of several runs, and of the name of a column that counts them."""

REQUESTED = frozenset(
    ("requests", "queries", "prompts", "invocations", "instances", "occurrences", "executions", "launches")
)
"""Further words of such counts, which may also be chosen."""

PROCESSORS = frozenset(("cpu", "gpu"))
"""Words of a name that says on which processor a time was measured, and nothing of what."""

APART = 0.02
"""Relative difference from a ratio within which two columns are rounded values of one measurement."""


FEWEST_NEGATIVE, LEAST_NEGATIVE = 3, 0.1
"""Different negative values, and share of rows with one, from which a column is of logarithms, and not with marks."""


@dataclass(frozen=True)
class Latencies:
    """The latencies of a table.

    Attributes:
        latency_s: Shape ``(n,)``, seconds.
        spread_s: Spread inside each measurement, shape ``(n,)``, seconds; None where the table has none.
        columns: The columns that were read.
        remarks: Decisions that were made, in whole sentences.
        spread: Those of the columns that hold the spread.
    """

    latency_s: NDArray[np.float64]
    spread_s: NDArray[np.float64] | None
    columns: tuple[str, ...]
    remarks: tuple[str, ...] = ()
    spread: tuple[str, ...] = ()


def read_latencies(sheet: Sheet, options: TableOptions, layout: Layout | None) -> Latencies:
    """Finds and reads the latencies: the columns that were named, ``latency_s``, a layout's, or one named as latencies are.

    Args:
        sheet: The table.
        options: Options that the user gave for its columns.
        layout: The published layout that the table has, if any.

    Raises:
        DataError: When the column is missing, several may be meant, the unit is unknown, or a value is not a latency.
        UsageError: When a column was named that is not there.
    """
    if options.latency is not None:
        parts = tuple(part.strip() for part in options.latency.split("+") if part.strip())
        return _named(sheet, (options.latency,) if options.latency in sheet.columns else parts, options.unit)
    if LATENCY in sheet.columns:
        if options.unit is None:
            _refuse_contradiction(sheet, LATENCY)
        return _read(sheet, (LATENCY,), options.unit or "s", _spread_columns(sheet, LATENCY))
    if layout is not None:
        unit = options.unit or layout.unit or _unit(sheet, layout.latency[0])
        if unit is None:
            raise unitless(sheet, layout.latency[0])
        spread = layout.spread if all(name in sheet.columns for name in layout.spread) else ()
        said = _how(sheet, layout.latency[0], unit)
        how = f"these are {layout.name}'s columns: latency is {' + '.join(layout.latency)}, in {said}."
        return _read(sheet, layout.latency, unit, spread, how)
    return _found(sheet, options.unit)


def _refuse_contradiction(sheet: Sheet, name: str) -> None:
    """Refuses latencies that stand in two columns whose numbers are not those that their units say.

    Raises:
        DataError: When there are two such columns, as where one of them was renamed and not converted.
    """
    what, unit = split_unit(name)
    for other in sheet.header:
        same, another = split_unit(other)
        if same != what or unit is None or another in (None, unit):
            continue
        ratio = _common_ratio(sheet.columns[name], sheet.columns[other])
        expected = UNITS[str(another)] / UNITS[unit]
        if ratio is None or abs(ratio / expected - 1.0) < APART:
            continue
        is_equal = abs(ratio - 1.0) < APART
        how = "hold the same numbers" if is_equal else f"stand in the ratio {ratio:.4g}"
        raise DataError(
            f"{sheet.head}: the columns '{name}' and '{other}' {how}, although their names say {unit} and {another}: one of "
            f"the names is wrong. Say which unit is right: --latency {shlex.quote(name)} --unit {unit}, or --unit {another}."
        )


def _common_ratio(texts: Sequence[str], others: Sequence[str]) -> float | None:
    """Returns the ratio of two columns where it is the same in nearly all rows, as of one measurement in two units."""
    pairs = [(number(one), number(other)) for one, other in zip(texts, others, strict=True)]
    ratios = [one / other for one, other in pairs if one is not None and other is not None and one > 0 and other > 0]
    if not ratios or 2 * len(ratios) < len(pairs):
        return None
    middle = float(np.median(ratios))
    off = np.abs(np.array(ratios) / middle - 1.0)
    return middle if math.isfinite(middle) and float(np.quantile(off, 0.9)) < APART else None


def _named(sheet: Sheet, names: tuple[str, ...], unit: str | None) -> Latencies:
    missing = [name for name in names if name not in sheet.columns]
    if missing or not names:
        what = missing[0] if missing else ""
        raise UsageError(f"{sheet.source} has no column '{what}' to take latencies from. Known: {sheet.known}")
    units = {name: unit or _unit(sheet, name) for name in names}
    unknown = next((name for name, one in units.items() if one is None), None)
    if unknown is not None:
        raise unitless(sheet, unknown)
    parts = [_seconds(sheet, name, str(units[name])) for name in names]
    said = [f"{name} in {_how(sheet, name, str(one))}" for name, one in units.items()]
    remarks = [f"latency is {' + '.join(said)}."]
    remarks += [
        f"column '{name}' is read as a latency as requested, although '{word}' in its name says something else."
        for name in names
        if (word := computed_word(name))
    ]
    remarks += [
        f"column '{name}' is read as a latency as requested, although it is a rate by its name: a latency is one over it."
        for name in names
        if is_rate_name(name)
    ]
    return Latencies(np.sum(parts, axis=0), None, names, tuple(remarks))


def _found(sheet: Sheet, unit: str | None) -> Latencies:
    """Takes the one column that is named as latencies are, or the columns of repeats of one."""
    possible = _candidates(sheet)
    if not possible:
        raise absent(sheet)
    if len(possible) > 1:
        repeats = _repeats(sheet, possible, unit)
        if repeats is None:
            raise several(sheet, possible)
        return repeats
    name = possible[0]
    _refuse_total(sheet, name)
    said = _unit(sheet, name)
    if unit is None and said is None:
        raise unitless(sheet, name)
    chosen = str(unit or said)
    how = f"latency is {name}, in {_how(sheet, name, chosen)}."
    return _read(sheet, (name,), chosen, _spread_columns(sheet, name), how)


def _how(sheet: Sheet, name: str, unit: str) -> str:
    """Says in which unit a column is read."""
    return "the unit of each cell" if say_their_unit(sheet.columns[name]) else unit


def _refuse_total(sheet: Sheet, name: str) -> None:
    """Refuses a total beside a column that counts the runs it is of, or beside its begin and end: not the time of one."""
    runs = next((one for one in sheet.header if one != name and _counts_runs(one, sheet.columns[one])), None)
    ends = begin_and_end(sheet)
    words = words_of(name)
    if runs is not None and not words.isdisjoint(TOTALS) and "per" not in words:
        what = f"the time of all runs, which the column '{runs}' counts. Give the time of one"
    elif is_general(name) and len(ends) == 2:
        what = f"the time of a whole run, which the columns '{ends[0]}' and '{ends[1]}' begin and end. Give that of a call"
    else:
        return
    raise DataError(f"{sheet.head}: the column '{name}' may be {what}; --latency {shlex.quote(name)} takes it as it stands.")


def _counts_runs(name: str, texts: Sequence[str]) -> bool:
    values = [number(text) for text in texts]
    is_count = all(value is not None and value >= 1 and float(value).is_integer() for value in values)
    return is_count and not words_of(name).isdisjoint(COUNTED | REQUESTED) and any(value != 1 for value in values)


def _repeats(sheet: Sheet, names: Sequence[str], unit: str | None) -> Latencies | None:
    """Takes the medians over numbered columns that repeat one measurement; None where columns are something else."""
    plain = {frozenset(words_of(split_unit(name)[0])) for name in names}
    if not are_numbered(names) or len(plain) != 1 or not plain.pop() <= TIMES | REPEATS:
        return None
    said = unit or _unit(sheet, names[0])
    if said is None:
        raise unitless(sheet, names[0])
    rows = np.column_stack([_seconds(sheet, name, said) for name in names])
    if typical_deviation(rows) > MOST_IN_COLUMNS:
        return None
    remark = f"columns {names[0]} to {names[-1]} repeat one measurement: latency is their median, in {said}."
    return Latencies(np.median(rows, axis=1), None, tuple(names), (remark,))


def _unit(sheet: Sheet, name: str) -> str | None:
    """Returns the unit that a column's name says; seconds where each cell says its own."""
    return split_unit(name)[1] or ("s" if say_their_unit(sheet.columns[name]) else None)


def _candidates(sheet: Sheet) -> list[str]:
    """Returns the columns of numbers that are named as latencies are; those that say more push others aside.

    The word for a latency says more than a unit: beside a ``latency``, ``elapsed_s`` may be a time of the clock. A time of
    nothing in particular, such as ``duration``, may be that of a whole benchmark, so that others are asked about as well; so
    are the latencies of whole calls beside those of a token or a step.
    """
    timed = [name for name, texts in sheet.columns.items() if any(map(is_time, texts))]
    timed = [name for name in timed if not are_clock_readings(sheet.columns[name], split_unit(name)[1])]
    named = named_as_latencies(timed)
    named = [name for name in named if not is_of_cold_call(name)] or named
    if all(map(is_general, named)) and (others := _say_more(sheet, named, named_as_times(timed))):
        return [*others, *named]
    named = [name for name in named if says_latency(name)] or named
    named = [name for name in named if _unit(sheet, name) is not None] or named
    named = [*named, *_of_others(sheet, named, timed)]
    wholes = [name for name in named_as_times(timed) if is_of_whole(name)] if all(map(is_of_part, named)) else []
    return [*named, *(name for name in wholes if name not in named)]


def _of_others(sheet: Sheet, named: Sequence[str], timed: Sequence[str]) -> list[str]:
    """Returns latencies that are named as the chosen ones but for the processor, or that spreadsheets numbered as repeated.

    ``NPU latency (ms)`` stands beside ``CPU latency (ms)``, and ``latency_ms.1`` beside ``latency_ms`` with other cells.
    """
    others = [name for name in named_as_times(timed) if name not in named]
    on_one = [words_of(name) - PROCESSORS for name in named if not words_of(name).isdisjoint(PROCESSORS)]
    same = [name for name in others if any(words < words_of(name) for words in on_one) and len(on_one) == len(named)]
    same = [name for name in same if says_latency(name) or _unit(sheet, name) is not None]
    twice = [name for name in others if (first := name.rpartition(".")[0]) in named and name[len(first) + 1 :].isdecimal()]
    twice = [name for name in twice if sheet.columns[name] != sheet.columns[name.rpartition(".")[0]]]
    return [name for name in others if name in {*same, *twice}]


def _say_more(sheet: Sheet, general: Sequence[str], times: Sequence[str]) -> list[str]:
    """Returns the times that say more than general ones: a latency, a mean in a unit, or a unit where those lack one."""
    has_unit = any(_unit(sheet, name) is not None for name in general)
    others = [name for name in times if name not in general]
    return [one for one in others if says_latency(one) or (_unit(sheet, one) and (is_typical(one) or not has_unit))]


def _spread_columns(sheet: Sheet, name: str) -> tuple[str, ...]:
    """Returns the column of standard deviations that belongs to a column of latencies, in the same unit."""
    what, _ = split_unit(name)
    wanted = {name.replace(what, f"{what}_std", 1)}
    for match in re.finditer(rf"(?<![a-z])(?:{MIDDLES})(?![a-z])", name, re.IGNORECASE):
        wanted |= {f"{name[: match.start()]}{std}{name[match.end() :]}" for std in SPREADS.split("|")}
    return tuple(one for one in sheet.columns if one in wanted and one != name)[:1]


def _read(sheet: Sheet, names: Sequence[str], unit: str, spread: Sequence[str], *remarks: str) -> Latencies:
    latency_s = np.sum([_seconds(sheet, name, unit) for name in names], axis=0)
    parts = [_seconds(sheet, name, unit, zero=True) for name in spread]
    spread_s = np.sqrt(np.sum(np.square(parts), axis=0)) if parts else None
    if len(parts) == 1:
        spread_s = parts[0]
    conflict = [name for name in names if split_unit(name)[1] not in (None, unit)]
    if conflict:
        remarks = (*remarks, f"{conflict[0]} is read in {unit} as requested, although its name gives another unit.")
    return Latencies(latency_s, spread_s, (*names, *spread), remarks, tuple(spread))


def _seconds(sheet: Sheet, name: str, unit: str, zero: bool = False) -> NDArray[np.float64]:
    """Reads a column of positive numbers; the error names every row without one. A spread may be NaN."""
    values = [math.nan if zero and text.lower() in ("", "nan") else value_in(text, unit) for text in sheet.columns[name]]
    wrong = [
        row
        for row, value in enumerate(values)
        if value is None or math.isinf(value) or value < 0 or (not zero and not value > 0)
    ]
    if wrong:
        text = sheet.columns[name][wrong[0]]
        kind = f"{'' if zero else 'positive '}finite number of {'seconds' if unit == 's' else unit}"
        what = f"'{text}' is not a {kind}" if text else "the value is missing"
        more = f" ({len(wrong)} of {len(sheet)} rows have no valid value: {sheet.at(wrong)})" if len(wrong) > 1 else ""
        raise sheet.error(wrong[0], name, what + more, _advice([values[row] for row in wrong], len(sheet)))
    if not zero:
        refuse_marks(sheet, name, [value for value in values if value is not None])
    return np.array(values, dtype=np.float64) * UNITS[unit]


def _advice(wrong: Sequence[float | None], rows: int) -> str:
    """Says what to do about values that cannot be latencies, in a table of so many rows."""
    negative = [value for value in wrong if value is not None and -math.inf < value < 0]
    if len(set(negative)) >= FEWEST_NEGATIVE and len(negative) >= LEAST_NEGATIVE * rows:
        return (
            "Negative values that differ from row to row are logarithms or normalised values, and so is the whole column: "
            "give the latencies themselves (exp of a natural logarithm, 10 to the power of a decimal one)."
        )
    return f"Correct or delete {'the line' if len(wrong) == 1 else 'these lines'}."
