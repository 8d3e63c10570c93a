"""Files of other benchmark tools that tests read, as they are or with a value that was changed or is gone."""

from __future__ import annotations

import json
from pathlib import Path

from hwcost.exchange.benchmarks.base import Given

DATA = Path(__file__).with_name("data")
HERE = Given(device="bench-1", measured_at="2025-03-04T00:00:00Z")
FILES = {
    "asv": "asv", "pytest-benchmark": "pytest_benchmark.json", "pyperf": "pyperf.json",
    "google-benchmark": "google_benchmark.json", "nvbench": "nvbench.json", "optimum-benchmark": "optimum_benchmark.json",
    "trtexec": "trtexec_times.json", "onnxruntime": "onnxruntime.csv", "hyperfine": "hyperfine.json",
    "llama-bench": "llama_bench.json", "vllm": "vllm_serving.json",
    "genai-perf": "genai_perf.csv", "perf-analyzer": "perf_analyzer.csv", "sglang": "sglang.jsonl",
    "go-benchmark": "go_benchmark.txt", "ncnn": "ncnn.txt", "mnn": "mnn.txt", "criterion": "criterion.jsonl",
}  # fmt: skip


def edited(path: Path, change) -> str:
    document = json.loads(path.read_text())
    change(document)
    return json.dumps(document)


def put(*path_and_value):
    *path, last, value = path_and_value

    def change(document):
        for part in path:
            document = document[part]
        document[last] = value

    return change


def drop(*path):
    def change(document):
        for part in path[:-1]:
            document = document[part]
        del document[path[-1]]

    return change
