"""Numbers as people write them: with decimal points or commas, and with thousands separators."""

from __future__ import annotations

import math
import re
from dataclasses import replace
from functools import lru_cache

from hwcost._patterns import Pattern
from hwcost.errors import DataError
from hwcost.exchange.column_names import UNIT
from hwcost.exchange.sheet import Sheet
from hwcost.exchange.spreads import without_spreads

_PLAIN = Pattern(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
_COMMA_THOUSANDS = Pattern(r"[+-]?(?:[1-9]\d{0,2}(?:,\d{3})+|[1-9]\d?(?:,\d{2})+,\d{3})(\.\d*)?")
_POINT_THOUSANDS = Pattern(r"[+-]?[1-9]\d{0,2}(\.\d{3})+(,\d*)?")
_COMMA_DECIMAL = Pattern(r"[+-]?\d*,\d+([eE][+-]?\d+)?")
_SPACED_COMMA = Pattern("[+-]?[1-9]\\d{0,2}(?:[ '\u2019\u00a0\u202f\u2009]\\d{3})+,\\d+")
_POINT_DECIMAL = Pattern(r"[+-]?\d*\.\d+([eE][+-]?\d+)?")
_POINT_GROUPS = Pattern(r"[+-]?[1-9]\d{0,2}(\.\d{3})+")
_NUMBER_WITH_UNIT = Pattern(rf"[+-]?\d[\d.,' \u2019\u00a0\u202f\u2009]*?(?P<unit>\s*(?:{UNIT}))", re.IGNORECASE)
_WHOLE = Pattern(r"[+-]?\d{1,3}")
_BELOW_1000 = Pattern(r"[1-9]\d{0,2}")


@lru_cache(maxsize=1 << 16)
def number(text: str) -> int | float | None:
    """Reads a number with a decimal point, ``inf`` and ``nan`` among them; None where the text is none.

    Whole numbers are ints. Python's own ``1_000`` is not a number here, but a key such as ``360_360``.
    """
    if not _PLAIN.fullmatch(text) and ("_" in text or not text):
        return None
    try:
        value = float(text)
    except ValueError:
        return None
    if not value.is_integer():
        return value
    return int(text) if text.isdecimal() else int(value)


def is_number(text: str) -> bool:
    """Whether a text is a finite number."""
    value = number(text)
    return value is not None and math.isfinite(value)


def is_numeric(texts: list[str]) -> bool:
    """Whether a column holds numbers: at least half of its texts are some; the others are damaged cells."""
    return 2 * sum(map(is_number, texts)) >= len(texts)


def normalised(sheet: Sheet, is_typed: bool = False) -> Sheet:
    """Returns the sheet with decimal points, without thousands separators, and without the spreads beside numbers.

    One sheet has one decimal sign. It is the comma where some number can be read no other way (``0,038``), unless others
    need the point. Points stand between thousands in columns where a number has several of them (``74.760.192``), and commas
    where one has several (``74,760,192``, ``12,34,567``) or a decimal point besides. So it is in front of a unit of time
    (``1,234.5 us``). Columns of other texts than numbers stay as they are.

    Args:
        sheet: Texts as they were written.
        is_typed: Whether numbers were numbers where the sheet was read from, so that a point in one is a decimal point.

    Raises:
        DataError: When ``1,234`` may be either number, and no other cell decides which.
    """
    sheet = without_spreads(sheet)
    units = {name: ends for name, texts in sheet.columns.items() if any(ends := _units(texts))}
    columns = {name: _without_ends(texts, units.get(name)) for name, texts in sheet.columns.items()}
    made = _with_points(replace(sheet, columns=columns), is_typed)
    columns = {name: [*map("".join, zip(made.columns[name], ends, strict=True))] for name, ends in units.items()}
    return replace(made, columns={**made.columns, **columns})


def _units(texts: list[str]) -> list[str]:
    """Returns the unit of time behind the number of each cell, where some of the numbers hold a comma; empty ones else."""
    if not any("," in text and text[-1] in "sS" for text in set(texts)):
        return []
    return ["" if (match := _NUMBER_WITH_UNIT.fullmatch(text)) is None else match["unit"] for text in texts]


def _without_ends(texts: list[str], ends: list[str] | None) -> list[str]:
    return texts if ends is None else [text.removesuffix(end) for text, end in zip(texts, ends, strict=True)]


def _with_points(sheet: Sheet, is_typed: bool) -> Sheet:
    """Returns the sheet with decimal points and without thousands separators; see :func:`normalised`."""
    held = {name: texts for name, texts in sheet.columns.items() if any("," in text for text in set(texts))}
    is_decimal = bool(held) and _has_decimal_commas(sheet)
    columns, changed = dict(sheet.columns), []
    for name, texts in (sheet.columns if is_decimal else held).items():
        plain = [_without_signs(text, is_decimal) for text in texts]
        if plain != texts:
            columns[name] = plain
            changed.append((name, next(old for old, new in zip(texts, plain, strict=True) if old != new)))
    if is_decimal:
        return replace(sheet, columns=columns).remarking("numbers are written with decimal commas.")
    pointed = _point_thousands(sheet, is_typed)
    for name, texts in pointed.items():
        columns[name] = [text.replace(".", "") for text in texts]
    remarks = [f"column '{name}' has commas as thousands separators: '{cell}' is a number." for name, cell in changed]
    for name, texts in pointed.items():
        cell = next(text for text in texts if "." in text)
        remarks.append(f"column '{name}' has points as thousands separators: '{cell}' is a number.")
    return replace(sheet, columns=columns).remarking(*remarks)


def _point_thousands(sheet: Sheet, is_typed: bool) -> dict[str, list[str]]:
    """Returns the columns whose points stand between thousands: those with several in a number, and then others alike."""
    found = {name: texts for name, texts in sheet.columns.items() if _are_grouped(texts) and any(map(_has_points, texts))}
    rest = {name: texts for name, texts in sheet.columns.items() if name not in found}
    cells = (text for texts in rest.values() for text in texts if "." in text) if found else ()
    if is_typed or any(_POINT_DECIMAL.fullmatch(text) and not _POINT_GROUPS.fullmatch(text) for text in cells):
        return found
    return found | ({name: texts for name, texts in rest.items() if _are_grouped(texts)} if found else {})


def _has_points(text: str) -> bool:
    return text.count(".") > 1


def _are_grouped(texts: list[str]) -> bool:
    """Whether some texts hold points, and all could be whole numbers with points between thousands."""
    different = set(texts)
    if not any("." in text for text in different):
        return False
    return all(not text or _WHOLE.fullmatch(text) or _POINT_GROUPS.fullmatch(text) for text in different)


def _has_decimal_commas(sheet: Sheet) -> bool:
    cells = [text for texts in sheet.columns.values() for text in texts]
    if any("." in text and _POINT_DECIMAL.fullmatch(text) and not _POINT_THOUSANDS.fullmatch(text) for text in cells):
        return False
    if any("," in text and (_SPACED_COMMA.fullmatch(text) or _POINT_THOUSANDS.fullmatch(text)) for text in cells):
        return True
    commas = [text for text in cells if "," in text and _COMMA_DECIMAL.fullmatch(text)]
    if any(not _COMMA_THOUSANDS.fullmatch(text) for text in commas):
        return True
    if commas and any(_has_points(text) and _POINT_THOUSANDS.fullmatch(text) for text in cells):
        return True
    if any(_COMMA_THOUSANDS.fullmatch(text) and (text.count(",") > 1 or "." in text) for text in cells if "," in text):
        return False
    doubtful = next((texts for texts in sheet.columns.values() if _may_be_decimal(texts)), None)
    if doubtful is not None:
        cell = next(text for text in doubtful if "," in text)
        raise DataError(
            f"{sheet.source}: '{cell}' may be {cell.replace(',', '.')} or {cell.replace(',', '')}, and no "
            "other number of the file shows which. Write it with a decimal point, or without the comma."
        )
    return False


def _may_be_decimal(texts: list[str]) -> bool:
    """Whether a column of numbers with one comma each may be one of decimals.

    Where commas stand between thousands, numbers below 1000 have none; where they are decimal ones and all numbers have
    three decimals, so have these.
    """
    numbers = [text for text in texts if _COMMA_THOUSANDS.fullmatch(text) or _PLAIN.fullmatch(text)]
    is_of_numbers = any("," in text for text in numbers) and 2 * len(numbers) >= len(texts)
    return is_of_numbers and not any(map(_BELOW_1000.fullmatch, numbers))


def _without_signs(text: str, is_decimal: bool) -> str:
    """Returns a number with a decimal point and nothing else; any other text as it is."""
    if not is_decimal:
        return text.replace(",", "") if "," in text and _COMMA_THOUSANDS.fullmatch(text) else text
    if _POINT_THOUSANDS.fullmatch(text):
        return text.replace(".", "").replace(",", ".")
    if _SPACED_COMMA.fullmatch(text):
        return re.sub(r"[^\d,+-]", "", text).replace(",", ".")
    return text.replace(",", ".") if _COMMA_DECIMAL.fullmatch(text) else text
