"""BERT-base with integers of 8 bits beside float32 on ONNX Runtime: latency, and how far the outputs are from eager torch's.

Each precision is a campaign of its own in one store. The weights are random ones of the library's, and calibration draws
random tokens, so that the differences tell of the arithmetic and not of a task.

Run: ``python benchmarks/int8.py [--rounds 3] [--seq-len 128] [--precisions float32 int8-qdq]``.
"""

from __future__ import annotations

import argparse
from typing import Any

import hwcost as hc
from hwcost.campaign.run import Result

PRECISIONS: dict[str, dict[str, Any]] = {
    "float32": {},
    "float32, attention fused": {"fusion": True},
    "int8-dynamic": {"quantization": "dynamic"},
    "int8-qdq": {"quantization": "qdq"},
}
"""Options of the backend by precision."""


def row_of(result: Result, base_s: float | None) -> str:
    """Returns latency with its interval, the ratio to the first precision, the difference of the outputs, and flags."""
    (found,) = result.measurements
    flags = ", ".join(sorted({flag.code for flag in (*found.flags, *result.flags)})) or "none"
    if found.latency_s is None or base_s is None:
        return f"  not measured: {flags}"
    ends = "unknown" if found.low_s is None else f"{1e3 * found.low_s:.2f} to {1e3 * found.high_s:.2f}"
    difference = found.visits[0].facts["difference"]
    return f"{1e3 * found.latency_s:9.2f}{ends:>19s}{found.latency_s / base_s:11.2f}{difference:12.1e}  {flags}"


def main() -> None:
    """Measures BERT-base in each precision and prints a line for it."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seq-len", type=int, default=128)
    parser.add_argument("--store", default="int8.jsonl")
    parser.add_argument("--precisions", nargs="+", choices=PRECISIONS, default=list(PRECISIONS), metavar="NAME")
    given = parser.parse_args()
    searched = hc.space("autodistil", subspace="reference")
    net = searched.architecture([12, 768, 4, 12])
    print(f"{'precision':26s}{'ms':>9s}{'interval':>19s}{'/ first':>11s}{'difference':>12s}  flags")
    base = None
    for name in given.precisions:
        shape = {"seq_len": given.seq_len, "rounds": given.rounds, "store": given.store}
        result = hc.measure([net], backend="onnxruntime", backend_options=PRECISIONS[name], **shape)
        base = base or result.measurements[0].latency_s
        print(f"{name:26s}{row_of(result, base)}", flush=True)


if __name__ == "__main__":
    main()
