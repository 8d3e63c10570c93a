"""Exports the nets to ONNX into hwcost's cache, before any run that times ONNX Runtime: no tool is to pay for the export."""

from __future__ import annotations

from peer_tools.asked import Asked, Found, serve
from peer_tools.nets import measured

from hwcost.backends.onnx_export import exported


def export(asked: Asked) -> Found:
    """Exports what the cache does not hold."""
    for workload in measured(asked.nets):
        exported(workload)
    return Found({})


if __name__ == "__main__":
    serve(export)
