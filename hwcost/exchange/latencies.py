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
from hwcost.exchange.failure_marks import refuse_marks
from hwcost.exchange.numerals import is_number, number
from hwcost.exchange.options import UNITS, TableOptions
from hwcost.exchange.samples import MOST_IN_COLUMNS, are_numbered, typical_deviation
from hwcost.exchange.sheet import Sheet
from hwcost.spaces.layouts import Layout

LATENCY = "latency_s"
"""Name of the column of latencies in seconds, which needs no option."""

SHOWN = 8
"""Columns that a message names where several may be meant."""

LOOKED_AT = 200
"""Different cells of a column that are looked through for names of latencies, where no column has one."""

APART = 0.02
"""Relative difference from a ratio within which two columns are rounded values of one measurement."""

_WORDS = r"(?:(?:mean|avg|average|median|p50|inference|infer|exec|execution|run|real|wall|elapsed|measured|cpu|gpu)[ _]?)*"
_STEMS = r"(?:latency|latencies|lat|time|runtime|duration|elapsed)"
_UNIT_NAMES = {
    "s": "s", "sec": "s", "secs": "s", "second": "s", "seconds": "s", "millisec": "ms", "microsec": "us", "nanosec": "ns",
    "ms": "ms", "msec": "ms", "msecs": "ms", "millis": "ms", "millisecond": "ms", "milliseconds": "ms",
    "us": "us", "µs": "us", "μs": "us", "usec": "us", "usecs": "us", "micros": "us", "microsecond": "us",
    "microseconds": "us",
    "ns": "ns", "nsec": "ns", "nanos": "ns", "nanosecond": "ns", "nanoseconds": "ns",
}  # fmt: skip
_UNIT = "|".join(sorted(_UNIT_NAMES, key=len, reverse=True))
_WITH_UNIT = re.compile(rf"(?P<what>.*?)[ _.,\-]*(?:\bin[ _]+)?[\[(]?\b(?P<unit>{_UNIT})\b[\])]?", re.IGNORECASE)
_UNDERSCORED = re.compile(rf"(?P<what>.*)[_.](?P<unit>{_UNIT})", re.IGNORECASE)
_BARE = re.compile(rf"[\[(]?(?P<unit>(?!(?:s|ns)\b)(?:{_UNIT}))[\])]?", re.IGNORECASE)
_SPELLED = re.compile(r"(milli|micro|nano)[ _-]+(?=s(?:ec(?:ond)?s?)?(?![a-z]))", re.IGNORECASE)
_MULTIPLE = re.compile(r"[\[(][^\])]*[\d*^x×]\s*$|(?:pico|centi|deci|kilo)[ _-]*$", re.IGNORECASE)
_PER_CALL = re.compile(
    r"[ _]?(?:/|per)[ _]?(?:op|iter|iteration|call|sample|query|run|inference|batch|token|image|img|frame|seq|sequence|step"
    r"|request)(?![a-z])"
)
_MARKS = " \t\u2193\u2191\u2b07\u2b06\u25bc\u25b2\u2020\u2021\u00a7*"
_AMID = re.compile(
    r"(?<![A-Za-z0-9µμ'])(?P<unit>(?<=[_(\[])s|[mnuµμ]s(?:ecs?|econds?)?|(?:milli|micro|nano)s(?:ec|econd)s?)(?![A-Za-z0-9])",
    re.IGNORECASE,
)
_SCALED = re.compile(r"[\d*^x×]\s*$|(?:milli|micro|nano|pico|centi|deci|kilo)[ _-]*$", re.IGNORECASE)
_FACTOR = re.compile(r"[x×*^]\s*\d|\d\s*[x×*^]|e[+-]\d", re.IGNORECASE)
_HUMP = re.compile(r"(?<=[a-z])(?=[A-Z])")
_RATE = re.compile(r".*(/|[ _]per)", re.IGNORECASE)
_RATE_NAME = re.compile(
    r"(.*[ _.-])?(fps|qps|ips|rps|tps|throughput)([ _.\-(\[].*)?|.*(/|[ _]per[ _])s(ec|econd)?s?[)\]]?", re.IGNORECASE
)
_WORD = re.compile(r"[^\W\d_]+")
_TIMES = frozenset(("latency", "latencies", "lat", "time", "times", "runtime", "duration", "elapsed"))
_OTHER_TIMES = frozenset(
    ("std", "stdev", "stddev", "sd", "var", "iqr", "cv", "err", "error", "ci", "rank", "compile", "compilation", "load",
     "loading", "build", "warmup", "warm", "train", "training", "tuning", "export", "predicted", "pred", "target")
)  # fmt: skip
_BEFORE_A_TIME = frozenset(
    ("log", "ln", "normalized", "normalised", "standardized", "standardised", "relative", "rel", "scaled", "inverse", "inv",
     "reciprocal", "delta", "diff")
)  # fmt: skip
_ANYWHERE = frozenset(
    ("ratio", "speedup", "percent", "percentage", "pct", "zscore", "rank", "budget", "limit", "deadline", "slo", "sla",
     "threshold", "constraint", "timeout", "cycles", "ticks", "difference")
)  # fmt: skip
_REPEATS = frozenset(
    ("run", "rep", "repeat", "repetition", "trial", "iter", "iteration", "measurement", "sample", "try", "attempt", "pass",
     "round", "t", "inference", "infer", "measured", "wall")
)  # fmt: skip
_VOCABULARY = frozenset(("mean", "average", "avg", "median", "inference", "of"))
_MIDDLES, _SPREADS = "mean|avg|average|median|p50", "std|std_dev|stddev|stdev|sd"
_PARTS = rf"{_MIDDLES}|{_SPREADS}|min|max|minimum|maximum|iqr|cv|var|variance|[pq]\d\d?(?:\.\d+)?"
_STATISTIC = re.compile(
    rf"{_PARTS}|sem|std_?err|\d\d? ?%|(?:ci|confidence)[ _]?\d*(?:[ _](?:interval|low|lower|lo|high|upper|hi))*"
    r"|(?:low|lower|high|upper)[ _](?:bound|ci)[ _]?\d*",
    re.IGNORECASE,
)
_STATISTIC_END = re.compile(rf"(?P<head>.*[\w)\]])(?:[ _.,\-]+|[ _]*[\[(])(?P<end>{_PARTS})[\])]?", re.IGNORECASE)
_NUMBER_END = re.compile(r"(?P<head>.*[^\W\d_][\])]?)[ _.#-]*(?P<end>\d+)")
_CELL = re.compile(
    rf"(?P<value>[^\s±a-zµμ]+(?:e[+-]?\d+)?)\s*(?:(?:±|\+/-|\+-)\s*[\d.]+\s*)?(?P<unit>{_UNIT})?", re.IGNORECASE
)
_CLOCK = re.compile(r"(?:0 days,? )?0?0:(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d(?:\.\d+)?)")
_SPOKEN = re.compile(r"(?P<minutes>\d+)m ?(?P<seconds>\d+(?:\.\d+)?)s")
_LATENCY_NAME = re.compile(rf"{_WORDS}{_STEMS}(?:[ _.-](?:{_MIDDLES}))?", re.IGNORECASE)


@dataclass(frozen=True)
class Latencies:
    """The latencies of a table.

    Attributes:
        latency_s: Shape ``(n,)``, seconds.
        spread_s: Spread inside each measurement, shape ``(n,)``, seconds; None where the table has none.
        columns: The columns that were read.
        remarks: Decisions that were made, in whole sentences.
    """

    latency_s: NDArray[np.float64]
    spread_s: NDArray[np.float64] | None
    columns: tuple[str, ...]
    remarks: tuple[str, ...] = ()


def is_latency_name(name: str) -> bool:
    """Whether a column is named as latencies are and so is not a feature.

    ``latency``, ``latency_p99_s``, ``time_ms``, ``run2_us``, ``time``, and statistics of times such as ``time_mlp.median``.
    """
    name = name.strip(_MARKS)
    what, unit = _at_end(name)
    words = _words(name)
    if "latency" in words or "latencies" in words:
        return True
    if unit is not None:
        is_named = _is_latency(what) or unit != "s" or not what or not words.isdisjoint(_TIMES)
        return is_named and not _is_rate(name, what)
    if match := _STATISTIC_END.fullmatch(name.strip()):
        return not words.isdisjoint(_TIMES) or is_latency_name(match["head"])
    if match := _NUMBER_END.fullmatch(name.strip()):
        return is_latency_name(match["head"]) and _at_end(match["head"])[0] != ""
    return _is_latency(name) or _amid(name) is not None


def computed_word(name: str) -> str | None:
    """Returns the word by which a column is something that is computed from a latency, or a bound on one: no latency itself.

    ``log`` of ``log10_latency``, ``normalized``, ``slo``. A word such as ``log`` counts right before a word for a time or at
    the end: ``log_softmax_ms`` is the time of an operator.
    """
    words: list[str] = [word.lower() for word in _WORD.findall(_HUMP.sub("_", name))]
    for word, following in zip(words, [*words[1:], ""], strict=True):
        if word in _ANYWHERE or (word in _BEFORE_A_TIME and (not following or following in _TIMES | _VOCABULARY)):
            return word
    return None


def is_statistic_name(name: str) -> bool:
    """Whether a column is named as a statistic and nothing else (``p99``, ``std``): beside a latency it is one of it."""
    return _STATISTIC.fullmatch(name.strip()) is not None


def split_unit(name: str) -> tuple[str, str | None]:
    """Splits a unit of time off a name: ``latency_ms``, ``latency (ms)``, ``latencyUs``, ``time/ns``, ``ms``.

    A statistic or a number may stand behind it, and stays with the rest: ``latency_ms_mean``, ``Latency [ms] (p50)``.
    """
    plain = name.strip(_MARKS)
    what, unit = _at_end(plain)
    if unit is not None:
        return what, unit
    if _FACTOR.search(plain):
        return name, None
    for pattern in (_STATISTIC_END, _NUMBER_END):
        match = pattern.fullmatch(plain)
        inner = ("", None) if match is None else split_unit(match["head"])
        if match is not None and inner[1] is not None and (inner[0] or pattern is _STATISTIC_END):
            return f"{inner[0]}_{match['end']}".strip("_"), inner[1]
    return _amid(plain) or (name, None)


def _amid(name: str) -> tuple[str, str] | None:
    """Splits off the only unit that stands within a name of a time: ``latency_ms_gpu``, ``Latency (ms, batch 1)``."""
    if _words(name).isdisjoint(_TIMES) or _FACTOR.search(name):
        return None
    found = list(_AMID.finditer(name))
    if len(found) != 1 or _SCALED.search(name[: found[0].start()]):
        return None
    before, after = name[: found[0].start()].rstrip(" _.,-([{"), name[found[0].end() :].strip(" _.,-)]}")
    return f"{before}_{after}".strip("_"), _UNIT_NAMES[found[0]["unit"].lower()]


def _at_end(name: str) -> tuple[str, str | None]:
    """Splits off a unit that ends a name; a multiple of a unit, such as ``latency (100 us)``, is none."""
    plain = _SPELLED.sub(r"\1", _PER_CALL.sub("", name.strip()))
    if bare := _BARE.fullmatch(plain):
        return "", _UNIT_NAMES[bare["unit"].lower()]
    for text in (plain.replace("/", " ").strip(), _HUMP.sub("_", plain)):
        match = _UNDERSCORED.fullmatch(text) or _WITH_UNIT.fullmatch(text)
        if match is not None and match["what"].strip(" _"):
            is_multiple = _MULTIPLE.search(match["what"]) and "," not in text[match.end("what") : match.start("unit")]
            return (name, None) if is_multiple else (match["what"].strip(" _.,-([{"), _UNIT_NAMES[match["unit"].lower()])
    return name, None


def _words(name: str) -> set[str]:
    return {word.lower() for word in _WORD.findall(_HUMP.sub("_", name))}


def _is_rate(name: str, what: str) -> bool:
    """Whether a unit at the end of a name stands below a stroke, as in ``frames/ms`` but not in ``latency/ms``."""
    head = _PER_CALL.sub("", name.strip())[: len(what) + 1]
    return not _is_latency(what) and (_RATE.fullmatch(head) is not None or _RATE.fullmatch(what) is not None)


def _plain_number(text: str) -> bool:
    """Whether a cell is a number, with or without a unit of time of its own and a spread: ``12.5 ms``, ``12.5 ± 0.1``."""
    if is_number(text) or _duration(text) is not None:
        return True
    return (match := _CELL.fullmatch(text)) is not None and is_number(match["value"])


def _duration(text: str) -> float | None:
    """Returns the seconds of ``0 days 00:00:00.0123``, ``00:01:02.5`` or ``1m2.5s``; None where a text is none of these.

    A duration has no hours: ``12:30:05`` is a time of the day.
    """
    match = _CLOCK.fullmatch(text) or _SPOKEN.fullmatch(text)
    return None if match is None else 60.0 * int(match["minutes"]) + float(match["seconds"])


def _own_unit(texts: Sequence[str]) -> bool:
    """Whether every cell that is a number says its unit."""
    held = [text for text in texts if _plain_number(text)]
    return bool(held) and all(map(_says_unit, held))


def _says_unit(text: str) -> bool:
    match = _CELL.fullmatch(text)
    return _duration(text) is not None or (match is not None and bool(match["unit"]))


def _is_latency(what: str) -> bool:
    return _LATENCY_NAME.fullmatch(what.strip()) is not None


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
        unit = options.unit or layout.unit
        spread = layout.spread if all(name in sheet.columns for name in layout.spread) else ()
        how = f"these are {layout.name}'s columns: latency is {' + '.join(layout.latency)}, in {unit}."
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
        raise UsageError(f"{sheet.source} has no column '{what}' to take latencies from. Known: {', '.join(sheet.header)}")
    units = {name: unit or _unit(sheet, name) for name in names}
    unknown = next((name for name, one in units.items() if one is None), None)
    if unknown is not None:
        raise _unitless(sheet, unknown)
    parts = [_seconds(sheet, name, str(units[name])) for name in names]
    remarks = [f"latency is {' + '.join(f'{name} in {one}' for name, one in units.items())}."]
    remarks += [
        f"column '{name}' is read as a latency as requested, although '{word}' in its name says something else."
        for name in names
        if (word := computed_word(name))
    ]
    return Latencies(np.sum(parts, axis=0), None, names, tuple(remarks))


def _unitless(sheet: Sheet, column: str) -> DataError:
    return DataError(
        f"{sheet.head}: the column '{column}' does not say in which unit its latencies are. Say it: --unit s, ms, us or ns "
        f"(unit=... in Python), or name the column for example '{column}_ms'."
    )


def _found(sheet: Sheet, unit: str | None) -> Latencies:
    """Takes the one column that is named as latencies are, or the columns of repeats of one."""
    possible = _candidates(sheet)
    if not possible:
        raise _absent(sheet)
    if len(possible) > 1:
        repeats = _repeats(sheet, possible, unit)
        if repeats is None:
            raise _several(sheet, possible)
        return repeats
    name = possible[0]
    said = _unit(sheet, name)
    if unit is None and said is None:
        raise _unitless(sheet, name)
    chosen = str(unit or said)
    how = "the unit of each cell" if _own_unit(sheet.columns[name]) else chosen
    return _read(sheet, (name,), chosen, _spread_columns(sheet, name), f"latency is {name}, in {how}.")


def _several(sheet: Sheet, names: Sequence[str]) -> DataError:
    more = f" and {len(names) - SHOWN} more" if len(names) > SHOWN else ""
    return DataError(
        f"{sheet.head}: several columns may be the latency: {', '.join(names[:SHOWN])}{more}. Say which: "
        f"--latency {shlex.quote(names[0])} (latency=... in Python); a sum is written with +. {sheet.about}".rstrip()
    )


def _repeats(sheet: Sheet, names: Sequence[str], unit: str | None) -> Latencies | None:
    """Takes the medians over numbered columns that repeat one measurement; None where columns are something else."""
    plain = {frozenset(_words(split_unit(name)[0])) for name in names}
    if not are_numbered(names) or len(plain) != 1 or not plain.pop() <= _TIMES | _REPEATS:
        return None
    said = unit or _unit(sheet, names[0])
    if said is None:
        raise _unitless(sheet, names[0])
    rows = np.column_stack([_seconds(sheet, name, said) for name in names])
    if typical_deviation(rows) > MOST_IN_COLUMNS:
        return None
    remark = f"columns {names[0]} to {names[-1]} repeat one measurement: latency is their median, in {said}."
    return Latencies(np.median(rows, axis=1), None, tuple(names), (remark,))


def _unit(sheet: Sheet, name: str) -> str | None:
    """Returns the unit that a column's name says; seconds where each cell says its own."""
    return split_unit(name)[1] or ("s" if _own_unit(sheet.columns[name]) else None)


def _candidates(sheet: Sheet) -> list[str]:
    """Returns the columns of numbers that are named as latencies are; those that say more push others aside."""
    named = named_as_latencies([name for name in sheet.header if any(map(_plain_number, sheet.columns[name]))])
    with_unit = [name for name in named if _unit(sheet, name) is not None] or named
    return [name for name in with_unit if "lat" in name.lower()] or with_unit


def named_as_latencies(names: Sequence[str]) -> list[str]:
    """Returns the names that say a latency and nothing else; where there are none, those of any times but special ones."""
    plain = [name for name in names if _is_latency(split_unit(name)[0])]
    return plain or [
        name
        for name in names
        if is_latency_name(name) and _words(name).isdisjoint(_OTHER_TIMES) and computed_word(name) is None
    ]


def _absent(sheet: Sheet) -> DataError:
    silent = [name for name in sheet.header if is_latency_name(name) and not any(map(_plain_number, sheet.columns[name]))]
    named = silent[0] if silent else None
    if named is not None:
        shown = next((text for text in sheet.columns[named] if text), None)
        what = (
            "its cells are empty" if shown is None else f"none of its cells is a number, the first one being '{shown[:60]}'"
        )
        return DataError(
            f"{sheet.head}: the column '{named}' is named as latencies are, but {what}. "
            "Write the latencies as plain numbers; of formulas in a workbook, save the values."
        )
    computed = [(name, word) for name in sheet.header if is_latency_name(name) and (word := computed_word(name))]
    if computed:
        name, word = computed[0]
        return DataError(
            f"{sheet.head}: no column holds latencies. '{name}' is none by its name: '{word}' says that it is computed from "
            f"latencies, or bounds them. Give the latencies themselves; --latency {shlex.quote(name)} takes it as it stands."
        )
    if turned := _turned(sheet):
        return DataError(f"{sheet.head}: no column is named as latencies are, and {turned}")
    text = (
        f"{sheet.head}: column '{LATENCY}' is missing, and no other is named as latencies are. "
        f"Found: {', '.join(sheet.header)}. Name the column: --latency COLUMN --unit s, ms, us or ns."
    )
    if sheet.place == "line" and any(is_number(name) for name in sheet.header):
        text += " If the first line is a row rather than a header, put a line with the names of the columns before it."
    rate = next((name for name in sheet.header if _RATE_NAME.fullmatch(name)), None)
    if rate is not None:
        text += f" '{rate}' is a rate by its name: a latency is one over it, times what one call handles."
    return DataError(f"{text} {sheet.about}".rstrip())


def _turned(sheet: Sheet) -> str:
    """Says in which column names of latencies stand in cells, as in tables that are transposed or long; empty for none."""
    for name, texts in sheet.columns.items():
        cells = [text for text in list(dict.fromkeys(texts))[:LOOKED_AT] if not is_number(text)]
        cell = next(filter(is_latency_name, cells), None)
        if cell is None:
            continue
        if name == sheet.header[0] and len(set(texts)) == len(texts):
            return f"'{cell[:60]}' begins a row: the table seems to be transposed. Give one row for each architecture."
        return (
            f"'{cell[:60]}' stands in the cells of the column '{name}'. Give one row for each architecture, and the latency "
            "in a column of its own."
        )
    return ""


def _spread_columns(sheet: Sheet, name: str) -> tuple[str, ...]:
    """Returns the column of standard deviations that belongs to a column of latencies, in the same unit."""
    what, _ = split_unit(name)
    wanted = {name.replace(what, f"{what}_std", 1)}
    for match in re.finditer(rf"(?<![a-z])(?:{_MIDDLES})(?![a-z])", name, re.IGNORECASE):
        wanted |= {f"{name[: match.start()]}{std}{name[match.end() :]}" for std in _SPREADS.split("|")}
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
    return Latencies(latency_s, spread_s, (*names, *spread), remarks)


def _seconds(sheet: Sheet, name: str, unit: str, zero: bool = False) -> NDArray[np.float64]:
    """Reads a column of positive numbers; the error names every row without one. A spread may be NaN."""
    values = [math.nan if zero and text.lower() in ("", "nan") else _value(text, unit) for text in sheet.columns[name]]
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
        advice = f"Correct or delete {'the line' if len(wrong) == 1 else 'these lines'}."
        raise sheet.error(wrong[0], name, what + more, advice)
    if not zero:
        refuse_marks(sheet, name, [value for value in values if value is not None])
    return np.array(values, dtype=np.float64) * UNITS[unit]


def _value(text: str, unit: str) -> float | None:
    """Returns a number in a unit; a cell that says its own unit is converted."""
    if not is_number(text) and (seconds := _duration(text)) is not None:
        return seconds / UNITS[unit]
    match = None if is_number(text) else _CELL.fullmatch(text)
    if match is None or (value := number(match["value"])) is None:
        return number(text)
    return value if match["unit"] is None else value * UNITS[_UNIT_NAMES[match["unit"].lower()]] / UNITS[unit]


def unit_of(text: str) -> str | None:
    """Returns the unit of time that a text names: ``s``, ``ms``, ``us`` or ``ns``; None where it names none."""
    return _UNIT_NAMES.get(text.strip().lower())
