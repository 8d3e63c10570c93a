"""Tables of words with tags, a word per line and a blank line between sentences, as named entities are distributed.

A line holds the word first and its tag last, with tabs or blanks between them. Where every word of a file is written with
its language, ``de:Bonn``, as WikiAnn does (Pan et al., "Cross-lingual Name Tagging and Linking for 282 Languages"), the
language is read from there.
"""

from __future__ import annotations

import re
from pathlib import Path

from hwcost.errors import DataError
from hwcost.tasks.table import Table
from hwcost.tasks.text_lines import text_lines

__all__ = ["TAG_COLUMNS", "read_iob"]

TAG_COLUMNS = ("tokens", "ner_tags", "langs")
"""Columns of words, of their tags and of their languages, as the data set ``wikiann`` calls them."""

_WITH_LANGUAGE = re.compile(r"([a-z]{2,3}(?:-[a-z]+)*):(.+)")
_DOCUMENT = "-DOCSTART-"


def read_iob(path: Path) -> Table:
    """Reads a file of words with tags.

    Raises:
        DataError: When the file cannot be read, or a line has no tag.
    """
    sentences: list[list[tuple[str, str]]] = []
    lines: list[int] = []
    is_open = False
    for number, line in enumerate(text_lines(path), 1):
        if not line.strip() or line.startswith(_DOCUMENT):
            is_open = False
            continue
        if not is_open:
            sentences.append([])
            lines.append(number)
            is_open = True
        sentences[-1].append(_word(path, number, line))
    return _table(path, sentences, lines)


def _word(path: Path, number: int, line: str) -> tuple[str, str]:
    fields = line.split("\t") if "\t" in line else line.split()
    if len(fields) < 2 or not fields[0] or not fields[-1].strip():
        raise DataError(f"{path}, line {number}: '{line[:60]}' is not a word and its tag. Expected both, a tab between.")
    return fields[0], fields[-1].strip()


def _table(path: Path, sentences: list[list[tuple[str, str]]], lines: list[int]) -> Table:
    words = [[word for word, _ in sentence] for sentence in sentences]
    tags = [[tag for _, tag in sentence] for sentence in sentences]
    parted = [[_WITH_LANGUAGE.fullmatch(word) for word in sentence] for sentence in words]
    columns = {"tokens": words, "ner_tags": tags}
    if words and all(all(sentence) for sentence in parted):
        columns["tokens"] = [[one[2] for one in sentence if one] for sentence in parted]
        columns["langs"] = [[one[1] for one in sentence if one] for sentence in parted]
    return Table(str(path), tuple(columns), columns.__getitem__, lines)
