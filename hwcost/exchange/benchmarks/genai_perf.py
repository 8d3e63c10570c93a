"""NVIDIA's GenAI-Perf and AIPerf: the summary of a load, ``profile_export_genai_perf`` or ``_aiperf``, as CSV or JSON."""

from __future__ import annotations

import csv
from collections.abc import Iterable

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported
from hwcost.exchange.column_names import split_unit, unit_of
from hwcost.exchange.json_rows import looks_like_json
from hwcost.exchange.options import UNITS

_MEDIAN = "p50"
_LATENCY = "request latency"
_PARTS = {"time to first token": "ttft", "time to second token": "ttst", "inter token latency": "itl", _LATENCY: None}
"""Times of a request in words, with the name of the part: that of the whole request has none."""

_MEANING = (
    "times are medians over the requests of a load. The file does not name the load: the series is '{name}'; --name NAME "
    "keeps loads and models apart."
)
_EXPORT = "profile_export"
"""Beginning of the names of all exports, which stand in a folder that has the name of model and load."""


class GenAiPerf(Reader):
    """Summaries of GenAI-Perf and AIPerf."""

    name = "genai-perf"
    tool = "GenAI-Perf or AIPerf CSV or JSON (profile_export_genai_perf, profile_export_aiperf)"
    fields = (frozenset(("Metric", "avg", _MEDIAN)),)

    def recognises(self, document: Document) -> bool:
        """Whether it has a table of statistics by metric, or a request's latency with its statistics."""
        value = document.json_or_none
        found = value.get("request_latency") if isinstance(value, dict) else None
        is_json = isinstance(found, dict) and found.keys() >= {"unit", "avg"}
        return is_json or (document.header[:2] in (["Metric", "avg"], ["Statistic", "avg"]) and _MEDIAN in document.header)

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median of every time; other metrics are kept with the run."""
        name = given.name or _name(document)
        found = _of_json(document) if looks_like_json(document.text) else _of_csv(document)
        timed = [(what, unit, node) for what, unit, node in found if unit is not None and _MEDIAN in node.members()]
        rows = [row for what, unit, node in timed if (row := _row(name, what, str(unit), node)) is not None]
        facts = {what: node.value for what, unit, node in found if (what, unit, node) not in timed}
        return [imported(rows, document, given, Origin(self.name, facts=facts), [_MEANING.format(name=name)])]


def _name(document: Document) -> str:
    stem = document.path.name.partition(".")[0]
    return (document.path.resolve().parent.name or stem) if stem.startswith(_EXPORT) else stem


def _row(name: str, what: str, unit: str, node: Node) -> Row | None:
    """Makes a row of a time; None where it is 0, as that of further tokens is where requests have a single one."""
    median = node.field(_MEDIAN)
    if median.number() == 0:
        return None
    rest = {statistic: one.value for statistic, one in node.members().items() if statistic != _MEDIAN}
    part = _PARTS[what] if what in _PARTS else what.replace(" ", "_")
    return Row(name, median.seconds(1.0 / UNITS[unit]), component=part, backend="genai-perf", rest=rest)


def _of_json(document: Document) -> list[tuple[str, str | None, Node]]:
    """Returns the metrics by their names in words, each with its unit of time; None for others, and for settings."""
    members = document.root.members()
    units = {name: one.value.get("unit") if isinstance(one.value, dict) else None for name, one in members.items()}
    return [(name.replace("_", " "), _unit(units[name]), node) for name, node in members.items()]


def _unit(text: object) -> str | None:
    return unit_of(text) if isinstance(text, str) else None


def _of_csv(document: Document) -> list[tuple[str, str | None, Node]]:
    """Returns the metrics of all tables of the file, between which empty lines stand; the first one has the statistics."""
    found: list[tuple[str, str | None, Node]] = []
    header: list[str] = []
    for line, cells in _lines(document):
        if not any(cells):
            header = []
        elif not header:
            header = cells
        elif len(cells) != len(header):
            raise DataError(
                f"{document.source}: line {line} has {len(cells)} cells, and the header {len(header)}. The file may be cut "
                "short; copy it again."
            )
        else:
            values = {name: cell.replace(",", "") for name, cell in zip(header[1:], cells[1:], strict=True) if cell}
            what, unit = split_unit(cells[0])
            found.append((what.lower(), unit, Node(values, f"{document.source}: line {line}")))
    return found


def _lines(document: Document) -> Iterable[tuple[int, list[str]]]:
    reader = csv.reader(document.text.splitlines())
    try:
        for cells in reader:
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise DataError(f"{document.source}: line {reader.line_num}: {error}. Write the file anew.") from None
