"""Lines of a text beside the rows of its table: comments and titles.

They are emptied rather than taken out, so that every other line keeps its number.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Sequence

from hwcost.exchange.numerals import is_number
from hwcost.exchange.sheet import places

MARK = "#"
"""Sign before a comment."""

_SIGNS = ",;\t|"
_RULE = re.compile(r"\s*(?=.*(?:--|==))[-=:+|\s]+")


def without_comments(text: str, skipped: int = 0) -> tuple[str, list[str]]:
    """Empties lines that begin with ``#``, and takes the sign off a header that begins with it.

    A column may hold such texts itself; it does where half of the rows begin with one.

    Args:
        text: Lines of a table.
        skipped: Lines of the file before the text, for the numbers in remarks.

    Returns:
        The text, and what was done, in whole sentences.
    """
    lines = text.splitlines()
    full = [i for i, line in enumerate(lines) if line.strip()]
    first = next((i for i in full if not _is_marked(lines[i])), None)
    if first is None or not any(_is_marked(line) for line in lines):
        return text, []
    before = [i for i in full if i < first]
    marked = [i for i in full if i > first and _is_marked(lines[i])]
    if 2 * len(marked) >= len([i for i in full if i >= first]):
        marked = []
    if before and _is_header(lines[before[-1]], lines[first]):
        header = before.pop()
        named = lines[header].strip()[len(MARK) :].strip()
        lines[header] = lines[header] if named[:1] in _SIGNS else named
    for i in (*before, *marked):
        lines[i] = ""
    return "\n".join(lines), _skipped([i + 1 + skipped for i in (*before, *marked)])


def without_titles(text: str, delimiters: Sequence[str], skipped: int = 0) -> tuple[str, list[str]]:
    """Empties lines before the header that hold no delimiter, where all others hold one.

    Args:
        text: Lines of a table.
        delimiters: Signs that may stand between cells.
        skipped: Lines of the file before the text, for the numbers in remarks.

    Returns:
        The text, and what was done, in whole sentences.
    """
    lines = text.splitlines()
    full = [i for i, line in enumerate(lines) if line.strip()]
    cut = [any(sign in lines[i] for sign in delimiters) for i in full]
    n = cut.index(True) if True in cut else 0
    if n == 0 or not all(cut[n:]) or len(full) < n + 3 or all(map(is_number, _cells(lines[full[n]]))):
        return text, []
    for i in full[:n]:
        lines[i] = ""
    return "\n".join(lines), [f"{places('line', [i + 1 + skipped for i in full[:n]])} skipped: a title above the table."]


def without_rules(text: str) -> str:
    """Empties lines that only draw: the ``|---|---|`` of Markdown, the ``+----+----+`` of a terminal."""
    if "--" not in text and "==" not in text:
        return text
    return "\n".join("" if _RULE.fullmatch(line) else line for line in text.splitlines())


def _is_marked(line: str) -> bool:
    return line.lstrip().startswith(MARK)


def _is_header(line: str, row: str) -> bool:
    """Whether a marked line names the columns of the row below it."""
    names, cells = _cells(line.strip()[len(MARK) :]), _cells(row)
    return len(names) == len(cells) > 1 and any(map(is_number, cells)) and not any(map(is_number, names))


def _cells(line: str) -> list[str]:
    sign = max(_SIGNS, key=line.count)
    try:
        return [cell.strip() for cell in (next(csv.reader([line], delimiter=sign), []) if sign in line else line.split())]
    except csv.Error:  # a cell that is too long, which the reading of the rows reports
        return line.split(sign)


def _skipped(numbers: list[int]) -> list[str]:
    if not numbers:
        return []
    begins = "it begins" if len(numbers) == 1 else "they begin"
    return [f"{places('line', numbers)} skipped: {begins} with {MARK}."]
