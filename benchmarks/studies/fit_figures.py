"""What one fit or evaluation finds, and what it costs: a process of its own, so that two checkouts can be compared.

Run: ``PYTHONPATH=CHECKOUT python benchmarks/studies/fit_figures.py TABLE fit|evaluate MODEL SPACE [CATEGORICAL,...]``
prints one JSON document. Rows of a table that is refused give the refusal.
"""

from __future__ import annotations

import json
import sys
import time
from typing import Any

from hwcost.cost_models.data import Data, from_table
from hwcost.errors import HwcostError
from hwcost.exchange.options import TableOptions
from hwcost.exchange.table import read_table

SHOWN = 300
"""Predictions that are compared."""


def fitted(data: Data, model: str) -> dict[str, Any]:
    """Fits a model; returns all numbers that a user could see."""
    from hwcost.cost_models.training.train import train

    found = train(data, model)
    made = found.model
    answer = made.predict(data.architectures[:SHOWN])
    return {
        "chosen": made.chosen,
        "metrics": found.metrics,
        "half_width": made.log_interval_half_width_,
        "noise": made.noise_half_width_,
        "errors": [] if made.errors_ is None else made.errors_.tolist(),
        "left_out": found.left_out[:SHOWN].tolist(),
        "predicted": answer.values.tolist(),
        "in_domain": answer.in_domain.tolist(),
        "measured": list(made.measured_.values()),
        "doubts": sorted(made.doubts_.values()),
        "candidates": getattr(made, "candidate_errors_", {}),
        "drift": made.provenance.get("drift"),
        "importance": made.importance(),
    }


def evaluated(data: Data, model: str) -> dict[str, Any]:
    """Evaluates a model on three splits; returns the document without its times."""
    from hwcost.cost_models.evaluation.evaluate import evaluate

    found = evaluate(data, model, seeds=3)
    for report in found["models"].values():
        del report["seconds_fit"]
    return {"models": found["models"]}


def main(path: str, what: str, model: str, space: str, categorical: str = "") -> None:
    """Prints the document."""
    names = tuple(filter(None, categorical.split(",")))
    try:
        data = from_table(read_table(path, space, TableOptions(categorical=names)))
        cpu_s, wall_s = time.process_time(), time.perf_counter()
        found = (fitted if what == "fit" else evaluated)(data, model)
        took = {"cpu_s": time.process_time() - cpu_s, "wall_s": time.perf_counter() - wall_s}
    except HwcostError as error:
        found, took = {"refused": str(error)}, {"cpu_s": 0.0, "wall_s": 0.0}
    print(json.dumps({"figures": found, **took}))


if __name__ == "__main__":
    main(*sys.argv[1:])
