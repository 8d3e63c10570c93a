"""Reads and writes files of other tools by the name of their format, or by what is in them."""

from __future__ import annotations

import re
from pathlib import Path

from hwcost.errors import DataError, UsageError
from hwcost.exchange.benchmarks import FORMATS, plugin_formats
from hwcost.exchange.benchmarks.base import Format, Given, Imported, Reader, Writer
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.json_rows import looks_like_json

_WHICH = "Say which format it is: --format NAME; hwcost import --help lists all."

LEAST_ALIKE = 0.5
"""Share of the names of a format from which a file that has them may be meant to be of it."""

_TABLE = "A table of latencies of architectures is not imported: hwcost audit, fit, evaluate and compare read it as it is."


def readers() -> dict[str, Reader]:
    """Returns all formats that are imported, by name."""
    return {one.name: one for one in plugin_formats.usable() if isinstance(one, Reader)}


def writers() -> dict[str, Writer]:
    """Returns all formats that are exported, by name."""
    return {one.name: one for one in plugin_formats.usable() if isinstance(one, Writer)}


def reader(name: str) -> Reader:
    """Returns the format of a name.

    Raises:
        UnknownNameError: When there is none.
        UsageError: When it is exported only.
    """
    found: Format = FORMATS.make(name)
    if not isinstance(found, Reader):
        raise UsageError(_only_exported(name))
    return found


def _only_exported(name: str) -> str:
    return f"the format '{name}' can be exported, not imported. Imported are: {', '.join(sorted(readers()))}"


def writer(name: str) -> Writer:
    """Returns the format of a name.

    Raises:
        UnknownNameError: When there is none.
        UsageError: When it is imported only.
    """
    found: Format = FORMATS.make(name)
    if not isinstance(found, Writer):
        raise UsageError(f"the format '{name}' can be imported, not exported. Exported are: {', '.join(sorted(writers()))}")
    return found


def recognise(document: Document) -> Reader:
    """Returns the only format that a file can be of, by its content.

    Raises:
        DataError: When it is of none, or may be of several.
    """
    found = [one for one in readers().values() if plugin_formats.recognises(one, document)]
    if len(found) == 1:
        return found[0]
    if not document.is_folder and not document.fields and looks_like_json(document.text):
        _ = document.json  # says where it is damaged
    written = [one for one in writers().values() if plugin_formats.recognises(one, document)]
    if written and not found:
        raise DataError(f"{document.source}: looks like {written[0].tool}. {_only_exported(written[0].name)}")
    if found:
        names = ", ".join(one.name for one in found)
        raise DataError(f"{document.source}: may be of several formats: {names}. Say which: --format NAME")
    is_json = not document.is_folder and looks_like_json(document.text)
    is_table = bool(document.fields) and len(document.records) > 1 if is_json else len(document.header) > 1
    said = [*([_TABLE] if is_table else []), *map(_said_alike, _alike(document)), _WHICH]
    raise DataError(f"{document.source}: is not of a format that is recognised. {' '.join(said)}")


def _alike(document: Document) -> list[tuple[Reader, list[str]]]:
    """Returns the formats that a file resembles most, each with the names that the file lacks; none for most files.

    It resembles one by having half of its names, or by being named after its tool.
    """
    names = document.fields.union(document.header)
    found: list[tuple[float, Reader, list[str]]] = []
    for one in readers().values():
        if re.search(rf"(?<![a-z0-9]){one.name.replace('-', '[-_. ]?')}(?![a-z0-9])", document.path.name.lower()):
            found.append((1.0, one, []))
        for needed in one.fields:
            share = len(needed & names) / len(needed)
            found += [(share, one, sorted(needed - names))] if share >= LEAST_ALIKE else []
    most = max((share for share, *_ in found), default=0.0)
    return list({one.name: (one, missing) for share, one, missing in found if share == most}.values())


def _said_alike(alike: tuple[Reader, list[str]]) -> str:
    one, missing = alike
    lacks = f", but lacks {', '.join(map(repr, missing))}" if missing else ""
    return f"It looks like {one.tool}{lacks}; --format {one.name} reads it as that."


def read(path: Path, format: str | None = None, given: Given | None = None) -> tuple[Reader, list[Imported]]:
    """Reads a file or folder of another tool whole; nothing is stored.

    Args:
        path: The file or folder.
        format: Name of its format; None to recognise it.
        given: Facts that the user gave.

    Returns:
        The format, and the runs that it holds, the oldest first.

    Raises:
        DataError: When it cannot be used; names the place.
        UsageError: When the format is unknown, or the user has to say something.
    """
    named = None if format is None else reader(format)
    document = Document.of(path)
    chosen = named or recognise(document)
    if document.is_folder and format is not None and not plugin_formats.recognises(chosen, document):
        raise DataError(f"{path}: is a folder without {chosen.tool}. Give the file that the tool wrote.")
    return chosen, plugin_formats.read(chosen, document, given or Given())
