"""ncnn's ``benchncnn`` and MNN's ``benchmark.out``: a line of the fastest, slowest and mean time of every net."""

from __future__ import annotations

import re

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

_NET = re.compile(r"\s*(?:\[ ?- ?\]\s*)?(?P<name>\S+)\s+(?P<times>(?:(?:min|max|avg)\s*=\s*[\d.]+\s*(?:ms)?\s*){3})")
_TIME = re.compile(r"(min|max|avg)\s*=\s*([\d.]+)")
_SETTING = re.compile(r"([A-Za-z_]\w*)\s*=\s*(-?\w+)")
_OF_SETTINGS = re.compile(r"\w+ = -?\w+\s*|Forward type:.*|-+> Benchmarking.*")
"""Lines of settings; others give properties of the GPU, or advice."""

_FORWARD = re.compile(r"Forward type:\s*\**(\w+)", re.IGNORECASE)
_THREADS = frozenset(("num_threads", "thread"))
_OF_RUNS = frozenset(("loop_count", "loop", "warmup", "cooling_down"))
"""Settings that say how long was measured, and do not tell series apart."""

_MEANING = "latency is the mean over the loops of a net (avg), converted from ms."


class _Mobile(Reader):
    """A benchmark that prints such lines below those of its settings."""

    mark: str
    """Text of a line that only this tool prints."""

    def recognises(self, document: Document) -> bool:
        """Whether the tool's own line stands there, and one of a net."""
        return any(self.mark in line for line in document.lines) and any(map(_NET.fullmatch, document.lines))

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the mean time of every net."""
        settings: dict[str, str] = {}
        rows: list[Row] = []
        for number, line in enumerate(document.lines, 1):
            if match := _NET.fullmatch(line):
                rows.append(self._row(match["name"], match["times"], f"{document.source}: line {number}", settings))
                continue
            settings |= dict(_SETTING.findall(line.replace("**", " "))) if _OF_SETTINGS.fullmatch(line.strip()) else {}
            settings |= {"forward": match[1]} if (match := _FORWARD.search(line)) else {}
        if not rows:
            raise DataError(f"{document.source}: no line gives a net with 'min = ', 'max = ' and 'avg = '.")
        return [imported(rows, document, given, Origin(self.name, facts=settings), [_MEANING])]

    def _row(self, name: str, times: str, where: str, settings: dict[str, str]) -> Row:
        values = {key: Node(text, where, key).seconds(1e3) for key, text in _TIME.findall(times)}
        threads = next((int(settings[key]) for key in _THREADS if settings.get(key, "").isdecimal()), None)
        return Row(
            name=name,
            value=values["avg"],
            backend=self.name,
            backend_options={key: value for key, value in settings.items() if key not in _THREADS | _OF_RUNS},
            threads=threads,
            rest={"minimum_s": values["min"], "maximum_s": values["max"]},
        )


class Ncnn(_Mobile):
    """Results of ncnn's benchncnn."""

    name = "ncnn"
    tool = "output of ncnn's benchncnn"
    mark = "loop_count ="


class Mnn(_Mobile):
    """Results of MNN's benchmark.out."""

    name = "mnn"
    tool = "output of MNN's benchmark.out"
    mark = "Forward type:"
