"""Exports the nets to ONNX into hwcost's cache, before any run that times ONNX Runtime: no tool is to pay for the export.

hwcost's backend and the perf loop load the same files.
"""

from __future__ import annotations

from peer_tools.asked import Asked, Found, serve
from peer_tools.nets import measured
from peer_tools.setting import THREADS

from hwcost.backends.onnxruntime import OnnxRuntime


def export(asked: Asked) -> Found:
    """Exports what the cache does not hold, in the form that hwcost's backend asks for."""
    backend = OnnxRuntime(THREADS)
    for workload in measured(asked):
        backend.export(workload)
    return Found({})


if __name__ == "__main__":
    serve(export)
