"""A plain loop as latency sets were made with: five warm-up calls, then the mean of many, one net after another.

It states no interval and warns of nothing. Its model is XGBoost with the library's own settings, on genes and parameters.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from peer_tools.asked import Asked, Found, Reading, serve
from peer_tools.loop import mean_s
from peer_tools.nets import calls, measured, space, tested, workloads

from hwcost.spaces import Architecture


def measure(asked: Asked) -> Found:
    """Measures the nets, each for an equal share of what is left of the time, and fits a model where one is asked for."""
    readings = {}
    with torch.inference_mode():
        for i, (key, call) in enumerate(calls(asked).items()):
            readings[key] = Reading(mean_s(call, asked.share_s(asked.nets - i)))
    return Found(readings, predicted=predicted(readings, asked) if asked.tested else {})


def predicted(readings: dict[str, Reading], asked: Asked) -> dict[str, float]:
    """Returns what XGBoost says of the tested nets, in seconds by key."""
    from xgboost import XGBRegressor

    fitted = measured(asked)
    latency_s = np.array([readings[workload.key].latency_s for workload in fitted])
    model = XGBRegressor(n_jobs=1).fit(
        columns([workload.architecture for workload in fitted], asked), np.log(latency_s)
    )
    archs = tested(asked)
    found = np.exp(model.predict(columns(archs, asked))).tolist()
    return {workload.key: seconds for workload, seconds in zip(workloads(archs, asked), found, strict=True)}


def columns(archs: list[Architecture], asked: Asked) -> np.ndarray[Any, np.dtype[np.float64]]:
    """Returns genes and number of parameters, shape (n, genes + 1)."""
    made = space(asked)
    return np.array([[*arch.genes, made.params(arch)] for arch in archs], dtype=np.float64)


if __name__ == "__main__":
    serve(measure)
