"""From measurements to what a pipeline keeps of them: rows of a report, and a cost model in a folder."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.cost_models import data
from hwcost.cost_models.train import train
from hwcost.study.remeasure import Interval, Remeasured
from hwcost.workloads import ModelWorkload

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.spaces.base import Architecture, SearchSpace
    from hwcost.timing.measurement import Measurement


def fitted(result: Result, space: SearchSpace, folder: Path, model: str = "hybrid") -> dict[str, Any]:
    """Fits and saves a latency model, and returns how well it predicts rows that it has not seen."""
    rows = data.from_measurements(result.measurements, space, result.store_url)
    found = train(rows, model)
    found.model.save(folder)
    return {
        "rows": len(found.measured), "metrics": dict(found.metrics), "measured_s": found.measured.tolist(),
        "predicted_s": found.left_out.tolist(), "flags": [str(flag) for flag in result.flags],
    }  # fmt: skip


def of_archs(measurements: Sequence[Measurement]) -> dict[Architecture, Interval]:
    """Returns seconds and the ends of their interval by architecture; None where nothing usable was measured."""
    return {
        one.workload.architecture: (one.latency_s, one.low_s, one.high_s)
        for one in measurements
        if isinstance(one.workload, ModelWorkload)
    }


def row(one: Remeasured) -> dict[str, Any]:
    """Returns a prediction beside its measurement as plain JSON; ``at_level`` is the latter on the model's level."""
    at_level = seconds(one.at_level)
    return {
        "predicted_s": one.predicted_s, "predicted_low_s": one.low_s, "predicted_high_s": one.high_s,
        **seconds((one.measured_s, one.measured_low_s, one.measured_high_s)), "in_interval": one.holds,
        **{name.replace("measured", "at_level"): value for name, value in at_level.items()},
    }  # fmt: skip


def seconds(interval: Interval) -> dict[str, float | None]:
    """Returns a measurement as plain JSON."""
    return dict(zip(("measured_s", "measured_low_s", "measured_high_s"), interval, strict=True))
