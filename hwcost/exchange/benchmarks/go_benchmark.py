"""Go's benchmarks: what ``go test -bench`` prints, and ``go test -json -bench``, in Go's benchmark data format."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import numpy as np

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

_TIME = "ns/op"
_RESULT = re.compile(r"(?P<name>Benchmark\S*?)(?:-(?P<threads>\d+))?\s+\d+\s+(?P<measures>[\d.eE+]+\s+[^\s\d]\S*.*)")
_SETTING = re.compile(r"(?P<key>[a-z][^\sA-Z:]*):\s+(?P<value>.*)")
_PARAMETER = re.compile(r"/([^/=]+)=([^/]+)")
_MEANING = "latency is the mean time of an operation (ns/op); where a benchmark ran several times, the median of these."


class GoBenchmark(Reader):
    """Results of Go's benchmarks."""

    name = "go-benchmark"
    tool = "output of Go's benchmarks (go test -bench, with or without -json)"

    def recognises(self, document: Document) -> bool:
        """Whether a line gives the time of an operation of a benchmark."""
        return any((match := _RESULT.fullmatch(line)) and _TIME in match["measures"] for line in _lines(document))

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the time of every benchmark."""
        settings: dict[str, str] = {}
        found: dict[tuple[str, str, str], list[tuple[dict[str, float], dict[str, str]]]] = {}
        for number, line in enumerate(_lines(document), 1):
            if match := _RESULT.fullmatch(line):
                measures = _measures(Node(match["measures"], f"{document.source}: line {number}"))
                key = (settings.get("pkg", ""), match["name"], match["threads"] or "1")
                found.setdefault(key, []).append((measures, dict(settings)))
            elif match := _SETTING.fullmatch(line):
                settings[match["key"]] = match["value"].strip()
        rows = [_row(*key, runs) for key, runs in found.items()]
        if not rows:
            raise DataError(f"{document.source}: no line is the result of a benchmark, such as 'BenchmarkX-8 100 5 ns/op'.")
        return [imported(rows, document, given, Origin(self.name, facts=settings), [_MEANING])]


def _lines(document: Document) -> list[str]:
    """Returns the lines that the benchmarks printed, taken out of the events of ``-json``."""
    return [line.rstrip() for line in "".join(_printed(document.lines)).splitlines()]


def _printed(lines: list[str]) -> Iterator[str]:
    is_json = bool(lines) and lines[0].startswith("{") and '"Action"' in lines[0]
    for line in lines:
        try:
            event: Any = json.loads(line) if is_json else None
        except ValueError:
            event = None
        output = event.get("Output", "") if isinstance(event, dict) else line + "\n"
        yield output if isinstance(output, str) else ""


def _measures(node: Node) -> dict[str, float]:
    """Returns the values of a line by their units."""
    words = node.text().split()
    pairs = zip(words[::2], words[1::2], strict=False)
    return {unit: Node(value, node.source, unit).number() for value, unit in pairs}


def _row(package: str, name: str, threads: str, runs: list[tuple[dict[str, float], dict[str, str]]]) -> Row:
    times = [measures[_TIME] for measures, _ in runs if _TIME in measures]
    value = float(np.median(times)) if times else None
    is_timed = value is not None and value > 0
    further = {unit: [measures.get(unit) for measures, _ in runs] for unit in runs[0][0] if unit != _TIME}
    return Row(
        name=name.removeprefix("Benchmark") or name,
        value=1e-9 * value if value is not None and is_timed else None,
        spec={"package": package, "params": dict(_PARAMETER.findall(name))},
        device=runs[0][1].get("cpu"),
        backend="go",
        threads=int(threads),
        status="ok" if is_timed else "failed",
        reason="" if is_timed else f"no positive {_TIME} was printed",
        rest={**further, "runs": len(runs)},
    )
