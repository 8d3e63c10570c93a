"""Other benchmark tools' files in and out, one format a file.

A format is a :class:`~hwcost.exchange.benchmarks.base.Reader`, a :class:`~hwcost.exchange.benchmarks.base.Writer`, or both:
a class and one line here, or in the entry-point group ``hwcost.formats`` of another distribution.
"""

from __future__ import annotations

from hwcost.registry import Registry

__all__ = ["EXPORTED", "FORMATS", "IMPORTED"]

_HERE = "hwcost.exchange.benchmarks"

IMPORTED = {
    "asv": f"{_HERE}.asv:Asv",
    "criterion": f"{_HERE}.criterion:Criterion",
    "genai-perf": f"{_HERE}.genai_perf:GenAiPerf",
    "go-benchmark": f"{_HERE}.go_benchmark:GoBenchmark",
    "google-benchmark": f"{_HERE}.google_benchmark:GoogleBenchmark",
    "hat": f"{_HERE}.latency_tables:Hat",
    "hyperfine": f"{_HERE}.hyperfine:Hyperfine",
    "llama-bench": f"{_HERE}.llama_bench:LlamaBench",
    "mnn": f"{_HERE}.mobile:Mnn",
    "ncnn": f"{_HERE}.mobile:Ncnn",
    "nvbench": f"{_HERE}.nvbench:NvBench",
    "onnxruntime": f"{_HERE}.onnxruntime_csv:OnnxRuntimeCsv",
    "optimum-benchmark": f"{_HERE}.optimum_benchmark:OptimumBenchmark",
    "perf-analyzer": f"{_HERE}.perf_analyzer:PerfAnalyzer",
    "pyperf": f"{_HERE}.pyperf:Pyperf",
    "pytest-benchmark": f"{_HERE}.pytest_benchmark:PytestBenchmark",
    "sglang": f"{_HERE}.vllm:Sglang",
    "supershaper": f"{_HERE}.latency_tables:SuperShaper",
    "trtexec": f"{_HERE}.trtexec:Trtexec",
    "vllm": f"{_HERE}.vllm:Vllm",
}
"""hwcost's own readers, by the name that the user types."""

EXPORTED = {
    "asv": f"{_HERE}.asv:Asv",
    "bencher": f"{_HERE}.bencher:Bencher",
    "github-action-benchmark": f"{_HERE}.github_action:GithubAction",
    "openmetrics": f"{_HERE}.openmetrics:OpenMetrics",
    "otava": f"{_HERE}.otava:Otava",
}
"""hwcost's own writers, by the name that the user types."""

FORMATS = Registry("hwcost.formats", "format", IMPORTED | EXPORTED)
