"""llama.cpp's llama-bench: what ``-o csv``, ``-o json`` and ``-o jsonl`` print."""

from __future__ import annotations

import json
from typing import Any

import numpy as np

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node, optional_count, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, instant

_NEEDED = frozenset(("build_commit", "n_prompt", "n_gen", "avg_ns"))
_MEANING = (
    "latency is the time of a whole test, in which n_prompt tokens are read and n_gen generated: the median of its repeats, "
    "their mean in a CSV; it is converted from ns, and the warm-up of llama-bench is not in it."
)
_IDENTITY = {"model_type", "model_size", "model_n_params", "n_prompt", "n_gen", "n_depth", "n_threads"}
_MACHINE = {"cpu_info", "gpu_info"}
_RESULTS = {"build_commit", "build_number", "model_filename", "stddev_ns", "avg_ts", "stddev_ts"}
_READ = {"avg_ns", "samples_ns", "samples_ts", "test_time"}


class LlamaBench(Reader):
    """Results of llama-bench."""

    name = "llama-bench"
    tool = "llama-bench CSV, JSON or JSON Lines (-o csv|json|jsonl)"
    fields = (_NEEDED,)

    def recognises(self, document: Document) -> bool:
        """Whether the first record has the fields of a test."""
        return document.fields >= _NEEDED

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the time of every test."""
        tests = [(node, optional_text(node, "test_time")) for node in document.records]
        dated = [(node, None if text is None else instant(text, document)[0]) for node, text in tests]
        rows = [_row(node, at, given) for node, at in dated]
        began = min((at for _, at in dated if at is not None), default=None)
        return [imported(rows, document, given, Origin(self.name, began), [_MEANING])]


def _row(node: Node, at: str | None, given: Given) -> Row:
    counts = {name: optional_count(node, name) or 0 for name in ("n_prompt", "n_gen", "n_depth")}
    model = optional_text(node, "model_type") or "model"
    sizes = {name: optional_count(node, name) for name in ("model_size", "model_n_params")}
    known = _IDENTITY | _MACHINE | _RESULTS | _READ
    return Row(
        name=f"{given.name or model} {_test(**counts)}",
        value=_value(node),
        spec={"model": model, **sizes, **counts},
        device=optional_text(node, "gpu_info") or optional_text(node, "cpu_info"),
        backend="llama.cpp",
        backend_options={name: _plain(one.value) for name, one in node.members().items() if name not in known},
        threads=optional_count(node, "n_threads"),
        measured_at=at,
        rest={name: one.value for name, one in node.members().items() if name in _RESULTS},
    )


def _value(node: Node) -> float:
    samples = node.optional("samples_ns")
    if samples is not None and samples.value:
        return float(np.median([one.seconds(1e9) for one in samples.entries()]))
    return node.field("avg_ns").seconds(1e9)


def _test(n_prompt: int, n_gen: int, n_depth: int) -> str:
    """Names a test as llama-bench does: ``pp512``, ``tg128``, ``pp512+tg128 @ d4096``."""
    parts = [f"{sign}{count}" for sign, count in (("pp", n_prompt), ("tg", n_gen)) if count]
    return "+".join(parts) + (f" @ d{n_depth}" if n_depth else "")


def _plain(value: Any) -> str:
    """Returns a setting as a CSV has it, so that all outputs of one test are one series."""
    return str(int(value)) if isinstance(value, bool) else value if isinstance(value, str) else json.dumps(value)
