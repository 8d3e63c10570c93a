"""vLLM: the JSON of ``vllm bench latency --output-json`` and of ``vllm bench serve --save-result``; and SGLang's like it."""

from __future__ import annotations

from datetime import datetime
from typing import ClassVar

import numpy as np

from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.node import Node, optional_text
from hwcost.exchange.benchmarks.rows import Origin, Row, imported, refuse_repeated

_OF_LATENCY = frozenset(("avg_latency", "latencies", "percentiles"))
_OF_SERVING = frozenset(("num_prompts", "request_throughput", "median_ttft_ms"))
_OF_SGLANG = frozenset(("completed", "request_throughput", "median_ttft_ms", "median_e2e_latency_ms"))
_PARTS = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2el": "e2el", "e2e_latency": "e2el"}
"""Times of a request by their names in files: to its first token, for every further one, between tokens, and in all."""

_SPEC = ("request_rate", "burstiness", "max_concurrency", "num_prompts", "total_input_tokens")
_SPEC_OF_SGLANG = (
    "request_rate", "max_concurrency", "dataset_name", "random_input_len", "random_output_len", "total_input_tokens",
)  # fmt: skip
_RAW = {"latencies", "ttfts", "itls", "tpots", "input_lens", "output_lens", "start_times", "generated_texts", "errors"}
_MEANINGS = {
    True: "latency is the median over the iterations of one batch, in seconds; the file does not name model and shape.",
    False: "times are medians over the requests of a load, converted from ms; other loads are other series.",
}


class Vllm(Reader):
    """Results of vLLM's benchmarks of latency and of serving."""

    name = "vllm"
    tool = "vLLM JSON (vllm bench latency --output-json, vllm bench serve --save-result)"
    fields: ClassVar[tuple[frozenset[str], ...]] = (_OF_LATENCY, _OF_SERVING)
    _spec: ClassVar[tuple[str, ...]] = _SPEC

    def recognises(self, document: Document) -> bool:
        """Whether the first record has the fields of either benchmark."""
        return document.fields >= _OF_LATENCY or document.fields >= _OF_SERVING

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads the median latency of a batch, or the median times of requests; each line of JSON Lines is a run."""
        runs = [self._run(node, document, given, index) for index, node in enumerate(document.records)]
        for began in {run.run.started_at for run in runs}:
            refuse_repeated([one for run in runs if run.run.started_at == began for one in run.series], document)
        return runs

    def _run(self, node: Node, document: Document, given: Given, index: int) -> Imported:
        is_latency = node.optional("latencies") is not None and node.optional("avg_latency") is not None
        rest = {name: one.value for name, one in node.members().items() if name not in _RAW}
        if is_latency:
            rows = [Row(given.name or document.path.name.partition(".")[0], _median(node), backend=self.name, rest=rest)]
        else:
            rows = self._served(node, document, given, rest)
        origin = Origin(self.name, _date(node), part=str(index) if index else "")
        return imported(rows, document, given, origin, [_MEANINGS[is_latency]])

    def _served(self, node: Node, document: Document, given: Given, rest: dict[str, object]) -> list[Row]:
        """Makes a row of every time that was measured; a time of further tokens is 0 where requests have a single one."""
        name = given.name or optional_text(node, "model_id") or self._unnamed(document)
        spec = {field: one.value for field in self._spec if (one := node.optional(field)) is not None}
        found = [(part, node.optional(f"median_{said}_ms")) for said, part in _PARTS.items()]
        return [
            Row(name, one.seconds(1e3), component=part, spec=spec, backend=self.name, rest=rest)
            for part, one in found
            if one is not None and one.number() != 0
        ]

    def _unnamed(self, document: Document) -> str:
        return "model"


class Sglang(Vllm):
    """Results of SGLang's benchmark of serving, which writes much as vLLM's does."""

    name = "sglang"
    tool = "SGLang JSON Lines (python -m sglang.bench_serving --output-file)"
    fields = (_OF_SGLANG,)
    _spec = _SPEC_OF_SGLANG

    def recognises(self, document: Document) -> bool:
        """Whether the first record has the fields of the benchmark, and not those of vLLM's."""
        return document.fields >= _OF_SGLANG and not document.fields >= _OF_SERVING

    def _unnamed(self, document: Document) -> str:
        return document.path.name.partition(".")[0]


def _median(node: Node) -> float:
    latencies = node.field("latencies")
    if not latencies.entries():
        raise latencies.error("at least one latency")
    return float(np.median([one.seconds() for one in latencies.entries()]))


def _date(node: Node) -> str | None:
    """Returns when a benchmark ended, which vLLM writes as ``20250131-120000``."""
    text = optional_text(node, "date")
    if text is None:
        return None
    try:
        return datetime.strptime(text, "%Y%m%d-%H%M%S").isoformat()
    except ValueError:
        return text
