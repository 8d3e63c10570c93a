"""What became of the campaigns of a run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hwcost.errors import HwcostError, MeasurementError

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.stores.entries import ModelCheck
    from hwcost.stores.runs import Run
    from hwcost.suites.expansion import Part
    from hwcost.suites.making import Broken

__all__ = ["Outcome", "RunResult"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one campaign of a run.

    Attributes:
        part: The campaign as it is declared.
        campaign_id: Id in the store; None where nothing was begun.
        measured: Workloads with a latency.
        failed: Workloads without one.
        skipped: Workloads that were left out, since they were measured before.
        doubtful: Measured workloads about which there is a doubt.
        seconds: Seconds that it took.
        error: Reason why it failed as a whole; None where it did not.
        broken: Sets of workloads that could not be made; what earlier runs measured of them counts as failed.
    """

    part: Part
    campaign_id: str | None = None
    measured: int = 0
    failed: int = 0
    skipped: int = 0
    doubtful: int = 0
    seconds: float = 0.0
    error: HwcostError | None = None
    broken: tuple[Broken, ...] = ()

    @property
    def failure(self) -> HwcostError | None:
        """Reason why it failed, as a whole or in part; None where all was measured."""
        if self.error is not None or not self.broken:
            return self.error
        return MeasurementError("could not be measured: " + "; ".join(map(str, self.broken)))

    @classmethod
    def of(cls, part: Part, result: Result) -> Outcome:
        """Counts what a campaign measured."""
        known = [one for one in result.measurements if one.latency_s is not None]
        doubtful = sum(one.status == "warn" or not one.is_confirmed for one in known)
        failed = len(result.measurements) - len(known)
        return cls(part, result.campaign_id, len(known), failed, 0, doubtful, result.seconds, _fault(result))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        part = self.part
        return {
            "device": part.device, "on": part.on, "backend": part.runtime.name, "backend_options": part.runtime.options,
            "shape": part.shape.model_dump(), "tier": part.tier, "campaign_id": self.campaign_id,
            "measured": self.measured, "failed": self.failed, "skipped": self.skipped, "doubtful": self.doubtful,
            "seconds": self.seconds, "error": None if self.error is None else str(self.error),
            "broken": [one.to_dict() for one in self.broken],
        }  # fmt: skip


@dataclass(frozen=True)
class RunResult:
    """A run that has ended.

    Attributes:
        run: The run, with its status.
        store_url: Path or URL of the store.
        outcomes: Outcomes of its campaigns, in the order of the suite.
        checks: Verdicts on the cost models of the suite.
        unjudged: Reason why nothing was measured that could judge a cost model, by the names of those models.
        seconds: Seconds that it took.
    """

    run: Run
    store_url: str
    outcomes: tuple[Outcome, ...]
    checks: tuple[ModelCheck, ...]
    unjudged: dict[str, str]
    seconds: float

    @property
    def error(self) -> HwcostError | None:
        """The first failure, whose exit code is that of the command; None where all was measured."""
        return next((one.failure for one in self.outcomes if one.failure is not None), None)

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {
            "run": self.run.model_dump(mode="json"),
            "store": self.store_url,
            "campaigns": [one.to_dict() for one in self.outcomes],
            "models": [one.model_dump(mode="json") for one in self.checks],
            "unjudged": self.unjudged,
            "seconds": self.seconds,
        }


def _fault(result: Result) -> HwcostError | None:
    """Returns why a campaign's measurements are invalid, in part or as a whole; None where they are not."""
    for flag in result.flags:
        if flag.code.startswith("E_"):
            return MeasurementError(str(flag))
    lost = [one for one in result.measurements if one.latency_s is None]
    if not lost:
        return None
    flags = [flag for one in lost for flag in one.flags if flag.code.startswith("E_")]
    first = f" The first: {flags[0]}" if flags else ""
    return MeasurementError(f"{len(lost)} of {len(result.measurements)} workloads could not be measured.{first}")
