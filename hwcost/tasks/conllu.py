"""Tables of CoNLL-U, the format of Universal Dependencies: a sentence per row, its words and tags as lists.

Source: https://universaldependencies.org/format.html. Read are the words as syntax counts them: lines of words that are
written as one (``1-2``) and of words that are not written (``1.1``) are left out.
"""

from __future__ import annotations

import re
from pathlib import Path

from hwcost.errors import DataError
from hwcost.tasks.table import Table
from hwcost.tasks.text_lines import text_lines

FIELDS = ("id", "form", "lemma", "upos", "xpos", "feats", "head", "deprel", "deps", "misc")
COLUMNS = {"form": 1, "upos": 3, "xpos": 4, "feats": 5}
"""Place of each column that is read among a line's fields."""

_NOT_SYNTACTIC = re.compile(r"\d+[-.]\d+")


def read_conllu(path: Path) -> Table:
    """Reads a CoNLL-U file.

    Raises:
        DataError: When the file cannot be read, a line does not have ten fields, or the words of a sentence are not numbered
            from 1 on.
    """
    sentences: list[list[list[str]]] = []
    lines: list[int] = []
    is_open = False
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip():
            is_open = False
        elif not line.startswith("#"):
            fields = _fields(path, number, line)
            if not is_open:
                sentences.append([])
                lines.append(number)
                is_open = True
            if not _NOT_SYNTACTIC.fullmatch(fields[0]):
                _check_number(path, number, fields[0], len(sentences[-1]) + 1)
                sentences[-1].append(fields)
    return Table(
        str(path), tuple(COLUMNS), lambda name: [[word[COLUMNS[name]] for word in one] for one in sentences], lines
    )


def _fields(path: Path, number: int, line: str) -> list[str]:
    fields = line.split("\t")
    if len(fields) != len(FIELDS):
        raise DataError(
            f"{path}, line {number}: the line has {len(fields)} fields. Expected {len(FIELDS)}, with tabs between them: "
            f"{', '.join(FIELDS)}."
        )
    return fields


def _check_number(path: Path, number: int, found: str, expected: int) -> None:
    if found != str(expected):
        raise DataError(
            f"{path}, line {number}: the word has number '{found}'. Expected {expected}: words are numbered from 1 on, and "
            "a blank line ends a sentence."
        )
