"""The format ``stopwatch``: a line per benchmark, its name and its seconds."""

from __future__ import annotations

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

HEAD = b"stopwatch 1"


class Stopwatch(Reader):
    """Seconds that somebody wrote down."""

    name = "stopwatch"
    tool = "a stopwatch's notes"

    def recognises(self, document: Document) -> bool:
        """Whether the first line says so."""
        return document.content.startswith(HEAD)

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads one time a line."""
        rows = []
        for number, line in enumerate(document.text.splitlines()[1:], 2):
            name, _, seconds = line.rpartition(" ")
            rows.append(Row(name, Node(seconds, document.source, f"line {number}").seconds()))
        return [imported(rows, document, given, Origin(self.name), ["times are in seconds, as they were read off."])]
