"""Tables as text: cells with commas, semicolons, tabs or bars between them."""

from __future__ import annotations

import csv
import re
from collections import Counter
from collections.abc import Sequence

from hwcost._patterns import Pattern
from hwcost.errors import DataError
from hwcost.exchange.column_names import is_statistic_name
from hwcost.exchange.header_rows import joined_headers
from hwcost.exchange.joined_tables import without_headers
from hwcost.exchange.line_marks import without_comments, without_facts, without_rules, without_titles
from hwcost.exchange.numerals import is_number, normalised
from hwcost.exchange.open_quotes import check_quotes
from hwcost.exchange.sheet import Sheet, places

DELIMITERS = ("\t", ";", ",", "|")
"""Signs between cells; where several fit alike, the first one counts, since a comma may be a decimal one."""

TRIED = 50
"""Lines by which a delimiter is judged."""

FEWEST_CELLS, DIGITS_LOST = 5, 2
"""Cells above the last one from which their lengths say something, and digits that a number lacks that was cut."""

_SEPARATOR_LINE = Pattern(r'"?sep=(.)"?\s*', re.IGNORECASE)
_OPERATOR = Pattern(r"\d+x\d+|\w+:\d")
_FORMULA = Pattern(r'="([^"]*)"')
_STRESSED = Pattern(r"(\*\*|__|\*|`)(?=\S)(.+?)\1")
_GAP = Pattern(r" {2,}")
_DECIMAL = Pattern(r"\d+[.,]\d*(?:e[+-]?\d*)?", re.IGNORECASE)
_EXAMPLE = "'l1,l2,...,latency_s'"

Rows = list[tuple[int, list[str]]]


def read_delimited(text: str, source: str) -> Sheet:
    """Reads a table of texts.

    Args:
        text: The whole file; its first line that is not empty names the columns.
        source: Name of the file in messages.

    Raises:
        DataError: When it is empty or ragged, has no header, or has columns without a name or with the same one.
    """
    content = text
    first, _, rest = text.partition("\n")
    declared = _SEPARATOR_LINE.fullmatch(first)
    skipped = 1 if declared else 0
    text, comments = without_comments(rest if declared else text, skipped)
    text, facts = without_facts(without_rules(text), DELIMITERS, skipped)
    text, titles = without_titles(text, DELIMITERS, skipped)
    text, is_aligned = _aligned(text)
    delimiter = declared[1] if declared else find_delimiter(text)
    rows, below = _without_text_below(_rows(text, delimiter, source, skipped), delimiter)
    rows, joined = joined_headers(rows)
    if not rows:
        raise DataError(f"{source}: the file is empty. Expected a header and rows, such as {_EXAMPLE}.")
    header, body = rows[0][1], rows[1:]
    _check_header(header, body, source)
    body, headers = without_headers(header, body, source)
    cut = _cut_short(content, body)
    sheet = normalised(as_sheet(header, body, source)).remarking(*comments, *facts, *titles, *below, *joined, *headers, *cut)
    if delimiter == ",":
        return sheet
    named = {"\t": "tabs", ";": "semicolons", "|": "bars", " ": "spaces"}
    name = "two or more spaces" if is_aligned else named.get(delimiter, f"'{delimiter}'")
    return sheet.remarking(f"cells are separated by {name}.")


def _cut_short(text: str, body: Rows) -> list[str]:
    """Returns the remark on a last number that is shorter than all others of its column, where no end of line follows."""
    cells = [row[-1] for _, row in body if row]
    if text.endswith(("\n", "\r")) or len(cells) <= FEWEST_CELLS or not all(map(_DECIMAL.fullmatch, cells[:-1])):
        return []
    if not _DECIMAL.fullmatch(cells[-1]) and not cells[-1].isdecimal():
        return []
    if len(cells[-1]) + DIGITS_LOST > min(map(len, cells[:-1])):
        return []
    return [
        f"{places('line', [body[-1][0]])} is the last one and does not end, and its last cell '{cells[-1]}' is shorter than "
        "all others: the file may be cut short."
    ]


def _aligned(text: str) -> tuple[str, bool]:
    """Puts tabs between cells that stand two or more spaces apart, where single spaces stand within them; says whether."""
    lines = [line.strip() for line in text.splitlines()]
    first = next((line for line in lines if line), "")
    width = len(_GAP.split(first))
    if width < 2 or any(sign in first for sign in DELIMITERS):
        return text, False
    full = [line for line in lines if line]
    if any(len(_GAP.split(line)) != width for line in full) or all(len(line.split()) == len(first.split()) for line in full):
        return text, False
    return "\n".join(_GAP.sub("\t", line) for line in lines), True


def find_delimiter(text: str, known: Sequence[str] = DELIMITERS) -> str:
    """Returns the delimiter: one that cuts all lines into as many cells as the header, and of those the one with most.

    Spaces separate cells where nothing else does, and every line has as many; a header may lack one for the row numbers.

    Args:
        text: Lines of a table, without comments and titles.
        known: Delimiters that are possible.
    """
    lines = [line for line in text.splitlines()[:TRIED] if line.strip()]
    counts = {sign: _widths(lines, sign) for sign in known}
    possible = [sign for sign in known if counts[sign] and counts[sign][0] > 1]
    if not possible and _are_spaced([len(line.split()) for line in lines]):
        return " "
    return max(possible, key=lambda sign: (len(set(counts[sign])) == 1, counts[sign][0]), default=",")


def _are_spaced(widths: list[int]) -> bool:
    """Whether spaces cut all lines alike, the header perhaps into one cell less: rows may begin with their number."""
    rows = set(widths[1:])
    return bool(widths) and widths[0] > 1 and (rows <= {widths[0]} or (len(widths) > 2 and rows == {widths[0] + 1}))


def _widths(lines: list[str], sign: str) -> list[int]:
    """Returns the number of cells of every line; none where a cell is too long, which the reading of the rows reports."""
    try:
        return [len(row) for row in csv.reader(lines, delimiter=sign)]
    except csv.Error:
        return []


def _rows(text: str, delimiter: str, source: str, skipped: int) -> Rows:
    lines = text.splitlines(keepends=True)
    if delimiter == " ":
        lines = [line.strip() for line in lines]
    reader = csv.reader(lines, delimiter=delimiter, skipinitialspace=delimiter == " ")
    rows: Rows = []
    try:
        for row in reader:
            if any("\n" in cell for cell in row):
                width = len(rows[0][1]) if rows else len(row)
                check_quotes(row, width, delimiter, reader.line_num + skipped, source)
            if any(row):
                rows.append((reader.line_num + skipped, [cell.strip() for cell in row]))
        return _unwrapped(_unstressed(rows) if delimiter == "|" else rows)
    except csv.Error as error:
        line = reader.line_num + skipped
        raise DataError(f"{source}: line {line}: {error}. Expected comma-separated values.") from None


def _without_text_below(rows: Rows, delimiter: str) -> tuple[Rows, list[str]]:
    """Skips lines of text below a table of Markdown, whose rows all have bars; says which."""
    held = [i for i, (_, row) in enumerate(rows) if len(row) > 1]
    if delimiter != "|" or len(held) < 2 or held[-1] + 1 == len(rows) or held[-1] + 1 != len(held):
        return rows, []
    lines = [line for line, _ in rows[len(held) :]]
    return rows[: len(held)], [f"{places('line', lines)} skipped: text below the table."]


def _unstressed(rows: Rows) -> Rows:
    """Takes the signs of Markdown off cells that are bold, slanted or code."""
    return [(line, [match[2] if (match := _STRESSED.fullmatch(cell)) else cell for cell in row]) for line, row in rows]


def _unwrapped(rows: Rows) -> Rows:
    """Takes off single quotes that are around every name of the header, and Excel's ``="..."`` around cells."""
    is_quoted = bool(rows) and all(len(name) > 1 and name[0] == name[-1] == "'" for name in rows[0][1])
    if not is_quoted and not any(cell.startswith('="') for _, row in rows[:TRIED] for cell in row):
        return rows
    return [(line, [_bare(cell, is_quoted) for cell in row]) for line, row in rows]


def _bare(cell: str, is_quoted: bool) -> str:
    if match := _FORMULA.fullmatch(cell):
        return match[1].strip()
    return cell[1:-1].strip() if is_quoted and len(cell) > 1 and cell[0] == cell[-1] == "'" else cell


def as_sheet(header: list[str], rows: Rows, source: str) -> Sheet:
    """Turns rows into columns.

    Args:
        header: Names of the columns, whose breaks of lines become spaces; the first may be empty, as where a data frame's
            index was written.
        rows: Number of its line and texts of every row.
        source: Name of the file in messages.

    Raises:
        DataError: When a row is ragged, or a column has no name of its own.
    """
    header, rows = _without_blanks([" ".join(name.split()) for name in header], rows)
    header = ["", *header] if _are_numbered(header, rows) else header
    header = [_index_name(header[1:]), *header[1:]] if header[0] == "" and len(header) > 1 else header
    header = _with_spreads_numbered(header)
    repeated = sorted({name for name in header if header.count(name) > 1})
    if repeated or "" in header:
        what = f"column '{repeated[0]}' stands twice" if repeated and repeated[0] else "a column has no name"
        where = "" if not any(map(is_number, header)) else (
            " Is it a row rather than a header? Then put a line with the names of the columns before it."
        )
        raise DataError(f"{source}: line 1: {what}. Give every column a name of its own.{where}")
    for index, (line, row) in enumerate(rows):
        if len(row) != len(header):
            _refuse_other_header(header, rows, source)
            is_apart = index > 0 and line - rows[index - 1][0] > 1 + sum(cell.count("\n") for cell in row)
            advice = (
                "An empty line stands before it: where another table begins there, give each in a file of its own; "
                "otherwise delete the line."
                if is_apart
                else "Complete or delete the line; a cut last line is the mark of an interrupted copy."
            )
            raise DataError(
                f"{source}: line {line}: {len(row)} values where the header has {len(header)} columns "
                f"(the last one present is '{header[min(len(row), len(header)) - 1]}'). {advice}"
            )
    columns = {name: [row[i] for _, row in rows] for i, name in enumerate(header)}
    return Sheet(source, columns, tuple(line for line, _ in rows))


def _index_name(others: list[str]) -> str:
    """Returns the name that pandas gives a column without one, ``Unnamed: 0.1`` where an index was written twice."""
    again = sum(name.startswith("Unnamed: 0") for name in others)
    return f"Unnamed: 0.{again}" if again else "Unnamed: 0"


def _with_spreads_numbered(header: list[str]) -> list[str]:
    """Numbers relative spreads of one name, such as the ``Noise (%)`` that nvbench writes behind each of its times."""
    seen: Counter[str] = Counter()
    names: list[str] = []
    for name in header:
        is_again = seen[name] and "%" in name and is_statistic_name(name)
        names.append(f"{name}.{seen[name]}" if is_again else name)
        seen[name] += 1
    return names


def _refuse_other_header(header: list[str], rows: Rows, source: str) -> None:
    """Refuses a table most of whose rows have more cells than its first line, where the first of them is one of names."""
    most = max(len(row) for _, row in rows)
    line, names = next((line, row) for line, row in rows if len(row) == most)
    is_common = 2 * sum(len(row) == most for _, row in rows) > len(rows)
    if most > len(header) and is_common and not any(map(is_number, names)):
        raise DataError(
            f"{source}: line 1 has {len(header)} columns, and most lines have {most}, from line {line} on. If the header is "
            f"in line {line}, delete the lines above it."
        )


def _are_numbered(header: list[str], rows: Rows) -> bool:
    """Whether every row begins with its number, for which the header has no name, as R and printed data frames have it."""
    if len(rows) < 2 or any(len(row) != len(header) + 1 or not row[-1] for _, row in rows):
        return False
    first = [row[0] for _, row in rows]
    return any(first == [str(i + start) for i in range(len(first))] for start in (0, 1))


def _without_blanks(header: list[str], rows: Rows) -> tuple[list[str], Rows]:
    """Leaves out columns without a name and without a value, such as a delimiter at the end of every line makes."""
    width = len(header)
    rows = [(line, row[:width] if not any(row[width:]) else row) for line, row in rows]
    held = [i for i, name in enumerate(header) if name or any(len(row) > i and row[i] for _, row in rows)]
    if len(held) == width or not held:
        return header, rows
    last = held[-1] + 1
    cut = [(line, [row[i] for i in held] if last <= len(row) <= width else row) for line, row in rows]
    return [header[i] for i in held], cut


def _check_header(header: list[str], body: Rows, source: str) -> None:
    """Refuses a first line that is a row itself."""
    if all(is_number(name) for name in header):
        raise DataError(
            f"{source}: line 1 holds numbers only, so it is not a header. Put a line with the names of the {len(header)} "
            f"columns before it, such as {_EXAMPLE}."
        )
    if len(header) == 2 and _OPERATOR.search(header[0]) and not is_number(header[0]) and header[1][:1].isdigit():
        raise headerless_operators(source, [(1, header), *body])


def headerless_operators(source: str, rows: Rows) -> DataError:
    """Returns the error for a table of operators: what the file is, which cells are damaged, and what to do with it."""
    damaged = [(line, row[-1]) for line, row in rows if not is_number(row[-1])]
    line, cell = damaged[0] if damaged else (0, "")
    also = f" Line {line}, column 2: '{cell}' is not a number; correct it first." if damaged else ""
    return DataError(
        f"{source}: this is a table of operators and their latencies, without a header, such as "
        f"'{rows[0][1][0].rstrip(':')}'; none of its rows is a whole architecture.{also} Declare a space whose "
        "architectures name these operators, and make a lookup-table cost model of the table (docs/own-model.md); or put a "
        "header such as 'operator,latency_ms' before it and use the space 'table' with --keep operator to look at the "
        "operators themselves."
    )
