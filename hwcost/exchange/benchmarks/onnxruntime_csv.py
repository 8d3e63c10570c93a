"""onnxruntime: the CSV of ``python -m onnxruntime.transformers.benchmark --detail_csv FILE``."""

from __future__ import annotations

from collections.abc import Mapping

from hwcost.errors import DataError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, instant

LATENCY = "average_latency_ms"
_NEEDED = frozenset(("engine", "model_name", LATENCY))
_IDENTITY = ("model_name", "engine", "device", "precision", "threads", "batch_size", "sequence_length", "datetime", LATENCY)
_OPTIONS = ("providers", "optimizer", "io_binding")
_SPEC = ("inputs", "custom_layer_num")
_MEANING = "latency is the mean over the repeats in one process, converted from ms, of which the file keeps two decimals."
_BACKENDS = {"torch2": "torch-compile"}
"""Names of engines that hwcost calls otherwise."""


class OnnxRuntimeCsv(Reader):
    """Results of onnxruntime's transformers benchmark."""

    name = "onnxruntime"
    tool = "onnxruntime transformers benchmark CSV (--detail_csv)"
    fields = (_NEEDED,)

    def recognises(self, document: Document) -> bool:
        """Whether the header has the columns of the detail CSV."""
        return set(document.header) >= _NEEDED

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the mean latency of every row."""
        missing = _NEEDED - set(document.rows[0][1])
        if missing:
            raise DataError(
                f"{document.source}: the column '{min(missing)}' is missing. Give the file of --detail_csv; summaries and "
                "fusion statistics have no times of their own."
            )
        rows, dates = [], []
        notes: list[str] = []
        for line, cells in document.rows:
            at, said = _measured_at(cells, document)
            rows.append(_row(cells, f"{document.source}: line {line}", at))
            dates += [at] if at else []
            notes += said if not notes else []
        kinds = {row.device for row in rows}
        if given.device is None:
            notes.append(f"the file says '{', '.join(map(str, kinds))}' only; --device names the machine.")
        origin = Origin(self.name, min(dates, default=None))
        return [imported(rows, document, given, origin, [_MEANING, *notes])]


def _measured_at(cells: Mapping[str, str], document: Document) -> tuple[str | None, list[str]]:
    text = cells.get("datetime", "").strip()
    return instant(text, document) if text else (None, [])


def _row(cells: Mapping[str, str], source: str, at: str | None) -> Row:
    return Row(
        name=cells["model_name"],
        value=Node(cells[LATENCY], source, LATENCY).seconds(1e3),
        spec=_filled(cells, _SPEC),
        device=cells.get("device") or None,
        backend=_BACKENDS.get(cells["engine"], cells["engine"]),
        backend_options=_filled(cells, _OPTIONS),
        precision=cells.get("precision") or None,
        batch_size=_count(cells, "batch_size", source),
        seq_len=_count(cells, "sequence_length", source),
        threads=_count(cells, "threads", source),
        measured_at=at,
        rest={name: text for name, text in cells.items() if name not in {*_IDENTITY, *_OPTIONS, *_SPEC}},
    )


def _filled(cells: Mapping[str, str], names: tuple[str, ...]) -> dict[str, str]:
    return {name: cells[name] for name in names if cells.get(name)}


def _count(cells: Mapping[str, str], name: str, source: str) -> int | None:
    text = cells.get(name, "").strip()
    return Node(text, source, name).count() if text and text != "-1" else None
