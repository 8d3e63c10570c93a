"""Measured latencies as results of a stage, and the cost model that is fitted on them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, ClassVar

from hwcost.cost_models.data import from_measurements
from hwcost.cost_models.training.train import train
from hwcost.study.remeasure import Interval, Remeasured
from hwcost.systems.fits import Fit
from hwcost.workloads import ModelWorkload

if TYPE_CHECKING:
    from typing_extensions import Self

    from hwcost.campaign.run import Result
    from hwcost.cost_models import CostModel
    from hwcost.spaces import Architecture, SearchSpace
    from hwcost.timing.measurement import Measurement


NOT_MEASURED: Interval = (None, None, None)
"""Seconds and the ends of their interval where nothing was measured."""


@dataclass(frozen=True, kw_only=True)
class Latency:
    """A measured latency.

    Attributes:
        measured_s: Measured latency of a call, with a 95 % interval; None when no visit was usable.
        measured_low_s: Lower end of the 95 % interval, in seconds, or None.
        measured_high_s: Upper end of the 95 % interval, in seconds, or None.
    """

    measured_s: float | None
    measured_low_s: float | None
    measured_high_s: float | None

    @classmethod
    def of(cls, interval: Interval) -> Latency:
        """Takes seconds and the ends of their interval."""
        seconds, low, high = interval
        return cls(measured_s=seconds, measured_low_s=low, measured_high_s=high)


@dataclass(frozen=True)
class SpeedUp:
    """Latency of the base net over that of another one.

    Attributes:
        ratio: Latency of the base net over the net's own, with the ratios from the unfavourable and the favourable ends of
            both intervals; None where either was not measured.
        low: The ratio from the unfavourable ends of both intervals, or None.
        high: The ratio from the favourable ends of both intervals, or None.
    """

    ratio: float | None
    low: float | None
    high: float | None

    @property
    def is_sure(self) -> bool:
        """Whether the net is faster by the unfavourable ends of both intervals; without intervals nothing is sure."""
        return self.low is not None and self.low > 1

    def __str__(self) -> str:
        if self.ratio is None:
            return "not measured"
        within = "without an interval" if self.low is None else f"{self.low:.2f} to {self.high:.2f}"
        return f"{self.ratio:.2f} times ({within})"


def speed_up_over(base: Latency, own: Latency) -> SpeedUp:
    """Returns how many times faster a net is than the base net, with the ends of both intervals."""

    def ratio(over: float | None, under: float | None) -> float | None:
        return None if over is None or under is None else over / under

    return SpeedUp(
        ratio(base.measured_s, own.measured_s),
        ratio(base.measured_low_s, own.measured_high_s),
        ratio(base.measured_high_s, own.measured_low_s),
    )


@dataclass(frozen=True, kw_only=True)
class ComparedLatency(Latency):
    """A measured latency beside the predicted one.

    Attributes:
        predicted_s: Predicted latency of a call, with a 90 % interval.
        predicted_low_s: Lower end of the prediction's 90 % interval, in seconds, or None.
        predicted_high_s: Upper end of the prediction's 90 % interval, in seconds, or None.
        in_interval: Whether the measurement lies in the prediction's interval; None when either is missing.
        at_level_s: Latency that would have been measured at the machine's level of the model's measurements, with a 95 %
            interval.
        at_level_low_s: Lower end of the 95 % interval of ``at_level_s``, or None.
        at_level_high_s: Upper end of the 95 % interval of ``at_level_s``, or None.
    """

    predicted_s: float
    predicted_low_s: float | None
    predicted_high_s: float | None
    in_interval: bool | None
    at_level_s: float | None
    at_level_low_s: float | None
    at_level_high_s: float | None

    @classmethod
    def compare(cls, one: Remeasured) -> ComparedLatency:
        """Takes a winner that was measured again."""
        at_level_s, at_level_low_s, at_level_high_s = one.at_level
        return cls(
            measured_s=one.measured_s, measured_low_s=one.measured_low_s, measured_high_s=one.measured_high_s,
            predicted_s=one.predicted_s, predicted_low_s=one.low_s, predicted_high_s=one.high_s, in_interval=one.holds,
            at_level_s=at_level_s, at_level_low_s=at_level_low_s, at_level_high_s=at_level_high_s,
        )  # fmt: skip


@dataclass(frozen=True)
class LatencyFit(Fit):
    """The fit of a latency model on the measurements of a campaign.

    Attributes:
        measured_s: Measured seconds of each row.
        predicted_s: Seconds predicted for each row by a fit without it.
        flags: Doubts about the campaign.
        given: Description of the model that the user gave; None where it was fitted here.
    """

    quantity: ClassVar[str] = "latency"
    measured_s: list[float]
    predicted_s: list[float]
    flags: list[str]
    given: str | None = None

    @classmethod
    def of_given(cls, cost: CostModel, description: str) -> Self:
        """Takes a model that the user gave: its rows and metrics as it tells them, without a row of its own."""
        return cls(cost.n_rows_, dict(cost.provenance.get("metrics", {})), [], [], [], description)


def fit_latency(result: Result, space: SearchSpace, folder: Path) -> LatencyFit:
    """Fits a hybrid model of latency, saves it in a folder, and returns how well it predicts held-out rows."""
    rows = from_measurements(result.measurements, space, result.store_url)
    found = train(rows, "hybrid")
    found.model.save(folder)
    return LatencyFit(
        len(found.measured), dict(found.metrics), found.measured.tolist(), found.left_out.tolist(),
        [str(flag) for flag in result.flags],
    )  # fmt: skip


def by_architecture(measurements: Sequence[Measurement]) -> dict[Architecture, Interval]:
    """Returns seconds and the ends of their interval by architecture; None where no visit was usable."""
    return {
        one.workload.architecture: (one.latency_s, one.low_s, one.high_s)
        for one in measurements
        if isinstance(one.workload, ModelWorkload)
    }


def values_of(
    measurements: Sequence[Measurement], names: Sequence[str]
) -> dict[Architecture, dict[str, float | None]]:
    """Returns quantities of a call by architecture and name; None where one is not known."""
    return {
        one.workload.architecture: {name: one.quantity(name).value for name in names}
        for one in measurements
        if isinstance(one.workload, ModelWorkload)
    }
