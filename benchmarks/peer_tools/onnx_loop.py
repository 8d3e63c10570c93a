"""ONNX Runtime's way to time a model, as ``onnxruntime_perf_test -t SECONDS`` does: warm up, run for a time, average.

The nets are hwcost's exports. It shows percentiles of single calls and no interval of the average, and warns of nothing.
"""

from __future__ import annotations

import onnxruntime
from peer_tools.asked import Asked, Found, Reading, serve
from peer_tools.loop import mean_s
from peer_tools.nets import measured
from peer_tools.setting import THREADS

from hwcost.backends.onnx_export import exported
from hwcost.workloads import ModelWorkload


def measure(asked: Asked) -> Found:
    """Measures the nets, each for an equal share of what is left of the time."""
    readings = {}
    for i, workload in enumerate(measured(asked)):
        readings[workload.key] = Reading(average_s(workload, asked.share_s(asked.nets - i)))
    return Found(readings)


def average_s(workload: ModelWorkload, seconds: float) -> float:
    """Returns the average seconds of a run on one thread."""
    export = exported(workload, shares_weights=True)
    settings = onnxruntime.SessionOptions()
    settings.intra_op_num_threads = THREADS
    session = onnxruntime.InferenceSession(str(export.path), settings, providers=["CPUExecutionProvider"])
    known = {port.name for port in session.get_inputs()}
    inputs = {name: array for name, array in export.inputs.items() if name in known}
    return mean_s(lambda: session.run(None, inputs), seconds)


if __name__ == "__main__":
    serve(measure)
