"""Columns that name the rows of a table and say nothing about an architecture: names, running numbers, dates.

A cost model cannot use them: a new net has a name of its own. And as features they would hide that two rows are of one net.
"""

from __future__ import annotations

import math
import re
from collections.abc import Collection, Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from hwcost._patterns import Pattern
from hwcost.exchange.device_columns import device_columns
from hwcost.exchange.numerals import is_numeric, number

FEWEST_ROWS = 5
"""Rows below which the repetition of values says nothing."""

FEWEST_INDEX_ROWS = 10
"""Rows below which a running number may be a feature."""

NEARLY_UNIQUE = 0.8
"""Share of different values from which a column of texts names its rows."""

ONE_YEAR = 0.02
"""Share of the time since 1970 that a year is."""

LONGEST_COUNT = 2**53
"""Whole numbers above this one are not exact as floating-point numbers."""

FEWEST_NAMES = 10
"""Different texts below which a column that follows the others is a category and not a name."""

_PANDAS_INDEX = Pattern(r"(Unnamed: \d+(?:\.\d+)*|level_\d+|index|__index_level_\d+__)", re.IGNORECASE)
_INDEX_NAME = Pattern(
    r"(.*[_ .-])?(id|ids|idx|index|no|nr|num|number|row|rank|uid|uuid|guid|hash|sha|sha1|sha256|md5|key|name|sample|trial"
    r"|net|network|arch|architecture|model|config|candidate|subnet|run|step|iter|iteration|order|#)|#|n°",
    re.IGNORECASE,
)
_ID_NAME = Pattern(
    r"(.*[_ .-])?id|idx|index|row|#|(net|network|arch|architecture|model|config|candidate|subnet|sample|trial)"
    r"([_ .-]?(idx|index|no|nr|num|number))?",
    re.IGNORECASE,
)
_HUMP = Pattern(r"(?<=[a-z])(?=[A-Z])")
_HASH_NAME = Pattern(r"(.*[_ .-])?(uid|uuid|guid|hash|sha|sha1|sha256|md5)", re.IGNORECASE)
_TIME_NAME = Pattern(r"(.*[_ .-])?(timestamp|datetime|date|time|ts|epoch|created|created_at|measured_at)", re.IGNORECASE)
_YEAR, _MONTH, _DAY = r"(?:199\d|20[0-3]\d)", r"(?:0?[1-9]|1[0-2])", r"(?:0?[1-9]|[12]\d|3[01])"
_NAMED_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\.?"
_CLOCK = r"(?:[01]?\d|2[0-3]):[0-5]\d(?::[0-5]\d.*)?(?: ?[ap]\.?m\.?)?"
_DATE = Pattern(
    rf"{_YEAR}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])(?:[T_ -]?\d{{4,6}}(?:[.,]?\d+)?Z?)?"
    rf"|(?:{_YEAR}[-/.]{_MONTH}[-/.]{_DAY}|{_DAY}[-/.]{_DAY}[-/.]{_YEAR}|(?:0[1-9]|[12]\d|3[01])\.(?:0[1-9]|1[0-2])\.\d\d"
    rf"|{_NAMED_MONTH} {_DAY},? {_YEAR}|{_DAY}[ -]{_NAMED_MONTH}[ -]{_YEAR})(?:[T,]? ?{_CLOCK}.*)?"
    rf"|{_DAY}\.{_MONTH}\.\d\d,? {_CLOCK}.*"
    rf"|(?:[a-z]{{3}},? )?(?:{_NAMED_MONTH} +{_DAY}|{_DAY} {_NAMED_MONTH} {_YEAR}) {_CLOCK}.*|{_CLOCK}",
    re.IGNORECASE,
)
_CLOCK_NAME = Pattern(r"(.*[_ .-])?(timestamp|datetime|created_at|measured_at)", re.IGNORECASE)
_SHORT_CLOCK_NAME = Pattern(
    r"((?:start|begin|end|event|log|unix|kernel|time)[_ .-]?)?ts|t|(?:wall[_ .-]?)?clock|wall"
    r"|(?:start|begin|end|log|finish)(?:ed)?", re.IGNORECASE,
)
_SORTABLE = Pattern(r"\d{4}[-/.]?\d\d[-/.]?\d\d.*")
TIMES_OF_MEASUREMENT, DATES = "times of measurement", "dates"
_EPOCH = (1e9, 3e9)
_CLOCK_UNITS = {1.0: "s", 1e3: "ms", 1e6: "us", 1e9: "ns"}
_REPEAT_NAME = Pattern(
    r"(.*[_ .-])?(run|rep|repeat|repetition|replicate|replica|trial|iter|iteration|round|pass|attempt|try|measurement"
    r"|sample)([_ .-]?(id|idx|index|no|nr|num|number|#))?",
    re.IGNORECASE,
)
_SEED_NAME = Pattern(r"(.*[_ .-])?seeds?", re.IGNORECASE)
_RESULT_NAME = Pattern(
    r"(.*[_ .-])?(acc|accuracy|top[-_ ]?[15]|loss|perplexity|ppl|bleu|rouge|wer|cer|miou|m?ap(?:val)?\d*"
    r"|f1|auc|fid|psnr)([_ .@-].*)?", re.IGNORECASE
)
_NOTE_NAME = Pattern(r"(.*[_ .-])?(notes?|comments?|remarks?)", re.IGNORECASE)
_SPLIT = frozenset(("train", "training", "val", "valid", "validation", "dev", "test", "testing"))
_STEP_NAME = Pattern(r"(.*[_ .-])?(epoch|step|iter|iteration|timestep)", re.IGNORECASE)
_OF_WORK = Pattern(r"flop|mac|param|byte|ops|work|size|mem", re.IGNORECASE)
_SIZE_NAME = Pattern(
    r"(?i)(.*[_ .-])?(width|hidden|dim|dims|len|length|seq|size|depth|layers?|batch|heads?|channels?|tokens?|m|n|k|b|h|w|c)"
)


def find_identifiers(columns: Mapping[str, list[str]], wanted: Collection[str] = ()) -> dict[str, str]:
    """Finds the columns that name rows.

    Args:
        columns: Texts of every column that may be a feature.
        wanted: Columns that are features in any case.

    Returns:
        Name of each such column to what it holds, for messages. At least one column that varies is always left.
    """
    found: dict[str, str] = {}
    free = {name: texts for name, texts in columns.items() if name not in wanted}
    empty = [name for name, texts in free.items() if not any(texts)]
    found.update(dict.fromkeys(empty, "nothing"))
    found.update(dict.fromkeys(_repeat_numbers(free, columns), "numbers of repeats"))
    for name, texts in free.items():
        rest = {other: cells for other, cells in columns.items() if other != name and other not in found}
        if name in found or not any(len(set(cells)) > 1 for cells in rest.values()):
            continue
        what = _numbers(name, texts, rest) if _holds_amounts(name, texts) else _texts(name, texts)
        if what:
            found[name] = what
    for name, texts in free.items():
        rest = {other: cells for other, cells in columns.items() if other != name and other not in found}
        if name in found or (_holds_amounts(name, texts) and not _names_things(name)):
            continue
        is_id = _holds_amounts(name, texts) or _HASH_NAME.fullmatch(name) is not None
        if _follows(texts, rest, is_id):
            found[name] = "names, one for each combination of other columns"
    return found


def _holds_amounts(name: str, texts: list[str]) -> bool:
    """Whether a column holds numbers, and its name does not say that they are names of devices or versions."""
    return is_numeric(texts) and not device_columns([name])


def are_dates(texts: Sequence[str]) -> bool:
    """Whether all texts are dates or times of the day: ``2024-03-01 12:30``, ``1/3/2024``, ``20240301_123000``."""
    return all(map(_DATE.fullmatch, texts))


def _repeat_numbers(free: Mapping[str, list[str]], columns: Mapping[str, list[str]]) -> list[str]:
    """Returns the columns that number the repeats of one architecture: rows that are equal else differ there."""
    named = [name for name, texts in free.items() if _SEED_NAME.fullmatch(name) or counts_repeats(name, texts)]
    rest = {name: texts for name, texts in columns.items() if name not in named}
    if not named or not any(len(set(texts)) > 1 for texts in rest.values()):
        return []
    rows = list(zip(*rest.values(), strict=True))
    if 2 * len(set(rows)) > len(rows):
        return []
    return [name for name in named if len(set(zip(columns[name], rows, strict=True))) > len(set(rows))]


def counts_repeats(name: str, texts: list[str]) -> bool:
    """Whether a column is named as numbers of repeats are, and has all numbers from 0 or 1 on."""
    if not _REPEAT_NAME.fullmatch(name):
        return False
    values = {number(text) for text in texts}
    return values in (set(range(len(values))), set(range(1, len(values) + 1)))


def _texts(name: str, texts: list[str]) -> str | None:
    """Says what a column of texts holds where it names rows, or was written beside some of them."""
    if _NOTE_NAME.fullmatch(name) and "" in texts:
        return "notes on single rows"
    if are_dates(texts):
        return DATES
    if len(parts := {text.lower() for text in texts}) > 1 and parts <= _SPLIT:
        return "parts of a data set"
    return f"names, {len(set(texts))} different ones in {len(texts)} rows" if names_rows(texts) else None


def names_rows(texts: Sequence[str]) -> bool:
    """Whether nearly all texts differ."""
    return len(texts) >= FEWEST_ROWS and len(set(texts)) >= NEARLY_UNIQUE * len(texts)


def _follows(texts: list[str], rest: Mapping[str, list[str]], is_id: bool) -> bool:
    """Whether a column names what others describe: each text has one combination of theirs, and each of these one text.

    These are all others. For numbers that are called ``id`` and the like, and for hashes, they may be two or more of them,
    where settings such as the batch size vary beside them; texts may be a category there.
    """
    names = set(texts)
    if len(names) < FEWEST_NAMES:
        return False
    fixed = [cells for cells in rest.values() if len(set(zip(texts, cells, strict=True))) == len(names)]
    varied = [cells for cells in fixed if len(set(cells)) > 1]
    is_described = len(fixed) == len(rest) or (len(varied) > 1 and is_id)
    return bool(varied) and is_described and len(set(zip(*varied, strict=True))) == len(names)


def _numbers(name: str, texts: list[str], rest: Mapping[str, list[str]]) -> str | None:
    """Says what a column of numbers holds where it counts rows or holds times.

    That all numbers differ says nothing: parameters and widths do so too. A running number covers a range without a gap.
    """
    if _PANDAS_INDEX.fullmatch(name) and name.lower() != "index":
        return "the row numbers of a data frame"
    if _SEED_NAME.fullmatch(name):
        return "seeds"
    values = [number(text) for text in texts]
    if any(value is None for value in values):
        return None
    array = np.array(values, dtype=np.float64)
    if len(texts) >= FEWEST_ROWS and len(set(texts)) > 1 and are_dates(texts):
        return DATES
    if _RESULT_NAME.fullmatch(name) and not np.array_equal(array, np.round(array)):
        return "results, known after training only"
    if _are_instants(array) and (_TIME_NAME.fullmatch(name) or _are_of_one_year(name, array)):
        return TIMES_OF_MEASUREMENT
    if len(set(texts)) == len(texts) >= FEWEST_INDEX_ROWS and _reads_a_clock(name, array, rest):
        return TIMES_OF_MEASUREMENT
    if not _OF_WORK.search(name) and 2 * sum(_is_too_long(value) for value in values) > len(values):
        return "numbers with too many digits to be a quantity, as hashes are"
    if len(set(texts)) < len(texts):
        is_rising = bool((np.diff(array) >= 0).all()) and len(set(texts)) >= FEWEST_INDEX_ROWS
        return "a running number" if _STEP_NAME.fullmatch(name) and is_rising and not _is_sweep(rest) else None
    if _HASH_NAME.fullmatch(name):
        return "hashes"
    rises = bool((np.diff(array) > 0).all())
    if len(array) < FEWEST_INDEX_ROWS or not np.array_equal(array, np.round(array)):
        return None
    is_full = float(array.min()) in (0.0, 1.0) and np.ptp(array) == len(array) - 1
    is_even = len(set(np.diff(array).tolist())) == 1
    if is_full and _INDEX_NAME.fullmatch(name):
        return "a running number"
    if rises and _PANDAS_INDEX.fullmatch(name):
        return "the row numbers of a data frame"
    if _names_things(name):
        return "numbers that name the rows"
    if is_even and rises and _INDEX_NAME.fullmatch(name) and not _SIZE_NAME.fullmatch(name) and not _is_sweep(rest):
        return "a running number"
    if is_full and rises and not _SIZE_NAME.fullmatch(name) and not _is_sweep(rest):
        return "a running number"
    return None


def _reads_a_clock(name: str, values: NDArray[np.float64], rest: Mapping[str, list[str]]) -> bool:
    """Whether a column is named as time stamps are; ``t`` and ``ts`` may be sizes, and have to rise from row to row."""
    if _CLOCK_NAME.fullmatch(name):
        return True
    return bool(_SHORT_CLOCK_NAME.fullmatch(name)) and bool((np.diff(values) > 0).all()) and not _is_sweep(rest)


def remarks_on_order(columns: Mapping[str, list[str]], found: Mapping[str, str]) -> list[str]:
    """Returns a remark on each column of times that do not rise from row to row: drift is looked for in the order of rows.

    Args:
        columns: Texts of the columns.
        found: Columns that name the rows, and kinds of what they hold; see :func:`find_identifiers`.
    """
    return [
        f"the rows do not stand in the order of '{name}': drift is looked for in the order of the rows. Where '{name}' says "
        "when they were measured, sort the file by it."
        for name, what in found.items()
        if what in (TIMES_OF_MEASUREMENT, DATES) and _falls_somewhere(columns[name])
    ]


def _falls_somewhere(texts: Sequence[str]) -> bool:
    values = [number(text) for text in texts]
    if None not in values:
        return bool((np.diff(np.array(values, dtype=np.float64)) < 0).any())
    is_sortable = len(set(map(len, texts))) == 1 and all(map(_SORTABLE.fullmatch, texts))
    return is_sortable and list(texts) != sorted(texts)


def are_clock_readings(texts: Sequence[str], unit: str | None) -> bool:
    """Whether all cells of a column of times are instants of about one year, which a clock gives since 1970.

    Args:
        texts: The cells.
        unit: Unit of the column, ``s``, ``ms``, ``us`` or ``ns``; None where nothing says it.
    """
    values = np.array([math.nan if (value := number(text)) is None else value for text in texts], dtype=np.float64)
    if not len(values) or not bool(np.isfinite(values).all()) or float(values.min()) <= 0 or not _are_instants(values):
        return False
    is_of_one_year = float(np.ptp(values)) <= ONE_YEAR * float(values.max())
    return is_of_one_year and unit in (None, _CLOCK_UNITS[_scale(float(values.max()))])


def _scale(value: float) -> float:
    """Returns the clock's units per second, such as 1000 for milliseconds, derived from a time since 1970."""
    return next((scale for scale in (1.0, 1e3, 1e6, 1e9) if value / scale <= _EPOCH[1]), 1.0)


def _are_instants(values: NDArray[np.float64]) -> bool:
    """Whether all numbers are times since 1970, on one clock."""
    seconds = values / _scale(float(values.max()))
    return bool(seconds.min() >= _EPOCH[0] and seconds.max() <= _EPOCH[1])


def _are_of_one_year(name: str, instants: NDArray[np.float64]) -> bool:
    """Whether times since 1970 lie within a year or so, and all differ: no amounts do so that are not named as such."""
    is_varied = len(np.unique(instants)) == len(instants) >= FEWEST_INDEX_ROWS
    return is_varied and float(np.ptp(instants)) <= ONE_YEAR * float(instants.max()) and not _OF_WORK.search(name)


def _is_too_long(value: int | float | None) -> bool:
    """Whether a whole number has more digits than a measured or counted one, such as a hash of 64 bits has."""
    return isinstance(value, int) and abs(value) > LONGEST_COUNT


def _names_things(name: str) -> bool:
    """Whether a column is named as numbers of rows or nets are: ``id``, ``arch_index``, ``modelIdx``."""
    return _ID_NAME.fullmatch(_HUMP.sub("_", name)) is not None or _HASH_NAME.fullmatch(name) is not None


def _is_sweep(rest: Mapping[str, list[str]]) -> bool:
    """Whether all other columns rise, fall or stand still from row to row, as they do where one size is swept."""
    return all(_is_monotone(texts) for texts in rest.values())


def _is_monotone(texts: Sequence[str]) -> bool:
    if len(set(texts)) == 1:
        return True
    values = [number(text) for text in texts]
    if any(value is None for value in values):
        return False
    steps: NDArray[np.float64] = np.diff(np.array(values, dtype=np.float64))
    return bool((steps >= 0).all() or (steps <= 0).all())
