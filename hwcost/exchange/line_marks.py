"""Lines of a text beside the rows of its table: comments and titles.

They are emptied rather than taken out, so that every other line keeps its number.
"""

from __future__ import annotations

import csv
import itertools
import re
from collections.abc import Sequence

from hwcost.exchange.column_names import is_latency_name, says_latency, split_unit
from hwcost.exchange.numerals import is_number
from hwcost.exchange.sheet import places

MARK = "#"
"""Sign before a comment."""

FACT = 2
"""Cells of a fact above a table: its name and its value."""

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


def without_facts(text: str, delimiters: Sequence[str], skipped: int = 0) -> tuple[str, list[str]]:
    """Empties lines above an empty one that name facts, such as ``Device,T4``, where a header of more cells comes below.

    Args:
        text: Lines of a table.
        delimiters: Signs that may stand between cells.
        skipped: Lines of the file before the text, for the numbers in remarks.

    Returns:
        The text, and what was done, in whole sentences.
    """
    lines = text.splitlines()
    is_full = [bool(line.strip(_SIGNS + " \"")) for line in lines]
    start = is_full.index(True) if True in is_full else 0
    gap = next((i for i in range(start, len(lines)) if not is_full[i]), len(lines))
    header = next((i for i in range(gap, len(lines)) if is_full[i]), None)
    if header is None:
        return text, []
    cells = [_cells(line) if any(map(line.count, delimiters)) else [line] for line in (*lines[start:gap], lines[header])]
    if not are_facts(cells[:-1], cells[-1]):
        return text, []
    for i in range(start, header):
        lines[i] = ""
    numbers = [i + 1 + skipped for i in range(start, gap)]
    return "\n".join(lines), [f"{places('line', numbers)} skipped: an empty line separates them from the table."]


def are_facts(rows: Sequence[Sequence[str]], names: Sequence[str]) -> bool:
    """Whether rows hold two cells at most, none the name of latencies, and a row below is a header of more cells.

    Args:
        rows: Cells of the rows above an empty one.
        names: Cells of the first row below.
    """
    cells = [[cell for cell in row if cell] for row in rows]
    if len(names) <= FACT or not all(names) or any(map(is_number, names)) or any(len(row) > FACT for row in cells):
        return False
    return not any(map(_is_latency_in_a_unit, itertools.chain(*cells)))


def _is_latency_in_a_unit(name: str) -> bool:
    return is_latency_name(name) and (says_latency(name) or split_unit(name)[1] is not None)


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
