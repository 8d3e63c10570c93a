"""A file of another tool: its bytes, read once, and what they hold as JSON or CSV."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

from hwcost._cached import cached_property
from hwcost._io import read_at_most
from hwcost.errors import DataError
from hwcost.exchange import foreign
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.json_objects import RepeatedNameError, unique_names

MAX_BYTES = 200_000_000
"""Bytes of the largest file that is read; raw samples of a long run stay far below it."""


@dataclass(frozen=True)
class Document:
    """A file or a folder.

    Attributes:
        path: Its path.
        content: Its bytes; empty for a folder.
    """

    path: Path
    content: bytes = b""

    @classmethod
    def of(cls, path: Path) -> Document:
        """Reads a file, compressed or not; a folder is only looked at by the format that it belongs to.

        Raises:
            DataError: When it cannot be read, is damaged, or is too large.
        """
        try:
            if path.is_dir():
                return cls(path)
            content = read_at_most(path, MAX_BYTES)
        except OSError as error:
            raise DataError(f"{path}: {error.strerror}. Give the file that the tool wrote.") from None
        if content is None:
            raise DataError(f"{path}: has more than {MAX_BYTES} bytes, or never ends. Export fewer samples.")
        return cls(path, foreign.uncompressed(content, str(path), MAX_BYTES))

    @property
    def source(self) -> str:
        """Name of the file in messages."""
        return str(self.path)

    @property
    def is_folder(self) -> bool:
        """Whether it is a folder."""
        return self.path.is_dir()

    @cached_property
    def text(self) -> str:
        """The content as text.

        Raises:
            DataError: When it is empty or not text.
        """
        if not self.content.strip():
            raise DataError(f"{self.source}: the file is empty. Run the tool again, or give another file.")
        foreign.refuse(self.content, self.source)
        return foreign.decoded(self.content, self.source)

    @cached_property
    def json(self) -> Any:
        """The content as JSON.

        Raises:
            DataError: When it is not JSON, and names the line where it ends to be; or when a name stands twice in an object.
        """
        try:
            return json.loads(self.text, object_pairs_hook=unique_names)
        except RepeatedNameError as error:
            raise error.at(self.source) from None
        except RecursionError:
            raise DataError(f"{self.source}: the JSON is nested too deeply to be results of a benchmark.") from None
        except json.JSONDecodeError as error:
            where = f"line {error.lineno}, column {error.colno}"
            raise DataError(
                f"{self.source}: {where}: this is not JSON ({error.msg}). The file may be cut short; copy it again."
            ) from None
        except ValueError as error:  # a number of thousands of digits
            raise DataError(f"{self.source}: this is not JSON: {error}.") from None

    @property
    def json_or_none(self) -> Any:
        """The content as JSON, or None where it is none."""
        try:
            return None if self.is_folder else self.json
        except DataError:
            return None

    @property
    def root(self) -> Node:
        """The content as JSON, for reading with places in errors."""
        return Node(self.json, self.source)

    @cached_property
    def records(self) -> list[Node]:
        """The objects of a list of JSON or of JSON Lines, or the rows of a CSV, each with its place.

        Raises:
            DataError: When a line is neither.
        """
        begin = self.text.lstrip()[:1]
        if begin == "[":
            return self.root.entries()
        if begin != "{":
            return [Node(cells, f"{self.source}: line {line}") for line, cells in self.rows]
        if self.json_or_none is not None:
            return [self.root]
        lines = [(number, line) for number, line in enumerate(self.text.splitlines(), 1) if line.strip()]
        return [Node(self._line(number, line), f"{self.source}: line {number}") for number, line in lines]

    def _line(self, number: int, line: str) -> Any:
        try:
            return json.loads(line, object_pairs_hook=unique_names)
        except RepeatedNameError as error:
            raise error.at(f"{self.source}: line {number}") from None
        except (ValueError, RecursionError):
            what = "this is not JSON. The file may be cut short; copy it again."
            raise DataError(f"{self.source}: line {number}: {what}") from None

    @cached_property
    def fields(self) -> frozenset[str]:
        """Names in the first of the records; empty where there are none."""
        try:
            first = self.records[0].value if self.records else None
        except DataError:
            return frozenset()
        return frozenset(first) if isinstance(first, dict) else frozenset()

    @property
    def header(self) -> list[str]:
        """Names of the columns of a CSV; empty where it is not text."""
        try:
            line = "" if self.is_folder else self.text.split("\n", 1)[0]
            return next(csv.reader([line.rstrip("\r")]), [])
        except (DataError, csv.Error):
            return []

    @cached_property
    def lines(self) -> list[str]:
        """The lines of a file that holds text, whatever it is; empty where it holds none."""
        try:
            return [] if self.is_folder else self.text.splitlines()
        except DataError:
            return []

    @cached_property
    def rows(self) -> list[tuple[int, dict[str, str]]]:
        """The rows of a CSV with the number of their line; a header that is repeated, as by tools that append, is left out.

        Raises:
            DataError: When a row has another number of cells than the header, there is none, or a column stands twice.
        """
        reader = csv.reader(io.StringIO(self.text, newline=""))
        try:
            header = next(reader)
            read = [(reader.line_num, cells) for cells in reader if cells and cells != header]
        except csv.Error as error:
            raise DataError(f"{self.source}: line {reader.line_num}: {error}. Write the file anew.") from None
        repeated = next((name for name in header if header.count(name) > 1), None)
        if repeated is not None:
            raise DataError(f"{self.source}: the column '{repeated[:60]}' stands twice. Give each a name of its own.")
        for line, cells in read:
            if len(cells) != len(header):
                raise DataError(
                    f"{self.source}: line {line} has {len(cells)} cells, and the header {len(header)}. The file may be cut "
                    "short; copy it again."
                )
        if not read:
            raise DataError(f"{self.source}: no rows stand below the header.")
        return [(line, dict(zip(header, cells, strict=True))) for line, cells in read]

    @property
    def changed_at(self) -> str:
        """Instant of the last change of the file, in UTC."""
        return datetime.fromtimestamp(self.path.stat().st_mtime, timezone.utc).isoformat(timespec="microseconds")
