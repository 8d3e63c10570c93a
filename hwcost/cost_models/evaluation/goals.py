"""Goals about the cost model that a campaign is measured for: its cross-validated error, and whether noise explains it.

An error has two parts: what the model does not know of the architectures, and the noise of measuring. Further processes
lessen the second alone. A row's own noise follows from its interval; the model that predicts the row learnt from rows as
noisy, which adds at the most as much again where there are more rows than twice what the model learns. Where the error less
both is still not as wanted, no process brings it there, and more architectures are needed. Of few rows, the sum of squared
noise is uncertain itself; its upper 95 % bound is what counts.
"""

from __future__ import annotations

import math
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwcost._cached import cached_property
from hwcost.campaign.estimates.estimate import needs_more_rounds
from hwcost.campaign.goals import half_width
from hwcost.campaign.goals.goal import Goal, Verdict
from hwcost.cost_models.registry import cost_model, cost_model_class
from hwcost.cost_models.training.conformal import MIN_ROWS
from hwcost.errors import DataError, UsageError

if TYPE_CHECKING:
    from hwcost._types import Floats
    from hwcost.campaign.plans.plan import Plan
    from hwcost.cost_models.data import Data
    from hwcost.cost_models.priors.source import Source
    from hwcost.cost_models.training.train import Trained
    from hwcost.timing.measurement import Measurement

__all__ = ["GOALS", "MeanError", "ModelGoal", "ModelInterval", "RSquared"]

DEFAULT_MODEL = "hybrid"
"""Cost model that ``hwcost fit`` fits where none is named."""

PRIOR = "prior"
"""Cost model that it fits where models of other devices are given."""

NORMAL = 1.645
"""Half-width of the 90 % interval of a normal distribution, in standard deviations."""

NOISE_PARTS = 2.0
"""Share of an error's square that noise explains at the most, in squares of a row's own noise: the row's, and the fit's."""

ONE_SIDED = 1.645
"""Standard errors from a mean to its upper 95 % bound."""

Z = 1.96
"""Standard errors in a half-width; few processes have more, which makes the noise look larger and the rule more patient."""


@dataclass(frozen=True)
class ModelGoal(Goal):
    """A figure of the cost model that would be fitted to the workloads with the role ``fit``, cross-validated.

    ``part`` names the cost model; empty for the one that ``hwcost fit`` takes.
    """

    takes_part: ClassVar[bool] = True
    takes_more: ClassVar[bool] = True

    @cached_property
    def read(self) -> list[Source]:
        """Models of other devices, once they were read; a goal is one campaign's."""
        return []

    def model(self, plan: Plan) -> str:
        """Returns the name of the cost model that is fitted to a plan's measurements."""
        return self.part or (PRIOR if plan.prior else DEFAULT_MODEL)

    def fewest(self, plan: Plan) -> int:
        """Returns the fewest architectures for which the figure exists."""
        return cost_model_class(self.model(plan)).fewest_architectures

    def value_of(self, trained: Trained) -> float | None:
        """Returns the figure of a fitted model, in the goal's unit; None where it is not known."""
        return trained.metrics[self.name]

    def check(self, plan: Plan) -> None:
        """See the base class.

        Raises:
            UnknownNameError: When there is no such cost model; lists the known ones.
            UsageError: When nothing can be fitted to the workloads, or the model refuses their space.
            MissingExtraError: When what the model needs is not installed.
        """
        from hwcost.cost_models.data import FIT
        from hwcost.workloads import ModelWorkload

        items, fewest = plan.items, self.fewest(plan)
        if self.part == PRIOR and not plan.prior:
            raise UsageError(f"'{self}' is about a model of a new device: give models of other devices, --few N --prior DIR")
        if any(one.role == "component" for one in items):
            raise UsageError(
                f"'{self}' is about a cost model that is fitted, and prices of components are measured, not fitted. Ask for "
                "half-width<=1% instead, or leave out --components"
            )
        fitted = [one for one in items if one.role == FIT]
        count = sum(isinstance(one.workload, ModelWorkload) for one in fitted)
        if count < max(fewest, len(fitted)):
            raise UsageError(
                f"'{self}' is about a cost model, which is cross-validated on {fewest} or more architectures of "
                f"a search space with the role 'fit'; {count} of {len(items)} workloads are such. Measure more "
                "architectures (-n, --space), or ask for half-width<=1% instead"
            )
        self._rehearse(plan, len(fitted))

    def judge(self, plan: Plan, measurements: Sequence[Measurement]) -> Verdict:
        """See the base class; workloads with the role ``fit`` are due while less noise may bring the figure there.

        It is not met while workloads are unconfirmed: all of them may be too slow alike, which no error between them shows.
        """
        from hwcost.cost_models.data import FIT

        fitted = [m for m in measurements if m.role == FIT]
        try:
            trained = _trained(plan, measurements, self.model(plan), self.read)
        except DataError as error:  # too few could be measured so far: the tier's precision decides about further processes
            return Verdict(self, None, tuple(needs_more_rounds(measurements, plan)), str(error))
        value = self.value_of(trained)
        if value is not None and self.holds(value):
            doubtful = tuple(m.workload.key for m in fitted if not m.is_confirmed)
            what = f"{len(doubtful)} of {len(fitted)} workloads have too few uncontended blocks." if doubtful else ""
            return Verdict(self, value, doubtful, what, is_sure=not doubtful)
        noise = noise_of(measurements)
        best = self.without_noise(trained, noise)
        if best is None or self.holds(best):
            return Verdict(self, value, tuple(m.workload.key for m in fitted))
        return Verdict(self, value, (), self._more_architectures(best, noise, "--few" if plan.prior else "-n"))

    @abstractmethod
    def without_noise(self, trained: Trained, noise: Floats) -> float | None:
        """Returns the best value that perfect measurements of the same architectures might give.

        Args:
            trained: Cost model fitted to the measurements, and its errors on rows left out.
            noise: Relative standard error of each row, shape (n,); NaN where it is not known.

        Returns:
            None where it is not known.
        """

    def _rehearse(self, plan: Plan, count: int) -> None:
        """Fits the model to made-up latencies of the architectures, as it will be fitted to measured ones.

        Args:
            plan: The plan.
            count: Number of architectures that it learns from.
        """
        from hwcost.cost_models.data import FIT, from_measurements
        from hwcost.timing.measurement import Measurement

        made_up = [Measurement(one.workload, one.role, 1e-3 + 1e-5 * i, 0.01, 1, ()) for i, one in enumerate(plan.items)]
        try:
            data = from_measurements(made_up, source="the campaign")
            archs, latency_s, weights = data.take(data.rows(FIT))
            different = len({data.space.canonical(arch.genes) for arch in archs})
            if len(archs) < count or different < self.fewest(plan):
                what = f"{different} different architectures of one space and of the same options"
                raise DataError(f"they hold {what}; at least {self.fewest(plan)} are needed, and no others beside them")
            if self.model(plan) == PRIOR:
                _sources(plan, data, self.read)
            else:
                cost_model(self.model(plan), data.space, **data.shape).fit(archs, latency_s, weights)
        except DataError as error:
            raise UsageError(f"'{self}' is about one cost model, which cannot be fitted here: {error}") from None

    def _more_architectures(self, best: float, noise: Floats, option: str) -> str:
        value = f"{best:.3g} {self.unit}".strip()
        return (
            f"Measure more architectures ({option}), or fit another cost model: measuring is precise to "
            f"{100 * _rms(noise):.2g} %, and without that noise {self.name} would still be {value} or more."
        )


@dataclass(frozen=True)
class MeanError(ModelGoal):
    """Mean absolute relative error of predictions for architectures left out of the fit, in percent."""

    name: ClassVar[str] = "mape"

    def without_noise(self, trained: Trained, noise: Floats) -> float | None:
        """See the base class; the mean absolute value of normal noise is ``sqrt(2 / pi)`` of its standard error."""
        return _without(self.value_of(trained), 100 * math.sqrt(2 / math.pi) * _rms(noise), len(noise))


@dataclass(frozen=True)
class ModelInterval(ModelGoal):
    """Typical half-width of the model's 90 % interval for a new architecture, relative, in percent."""

    name: ClassVar[str] = "interval"

    def fewest(self, plan: Plan) -> int:
        """See the base class; most cost models take their interval from architectures left out, which takes some."""
        return super().fewest(plan) if self.model(plan) == PRIOR else MIN_ROWS

    def value_of(self, trained: Trained) -> float | None:
        """See the base class."""
        half_width = trained.model.log_interval_half_width_
        return None if half_width is None else 100 * half_width

    def without_noise(self, trained: Trained, noise: Floats) -> float | None:
        """See the base class; an interval holds the noise of one measurement."""
        return _without(self.value_of(trained), 100 * NORMAL * _rms(noise), len(noise))


@dataclass(frozen=True)
class RSquared(ModelGoal):
    """Share of the variance between architectures left out that their predictions explain."""

    name: ClassVar[str] = "r2"
    sign: ClassVar[str] = ">="
    unit: ClassVar[str] = ""
    most: ClassVar[float] = 1.0

    def without_noise(self, trained: Trained, noise: Floats) -> float | None:
        """See the base class."""
        measured = trained.measured
        left = float(((measured - trained.left_out) ** 2).sum() - noise_parts(len(noise)) * ((noise * measured) ** 2).sum())
        total = float(((measured - measured.mean()) ** 2).sum())
        return None if math.isnan(left) or total == 0 else 1.0 - max(0.0, left) / total


GOALS: Mapping[str, type[Goal]] = {
    **half_width.KINDS, MeanError.name: MeanError, RSquared.name: RSquared, ModelInterval.name: ModelInterval
}  # fmt: skip
"""All kinds of goal by the name of their figure."""


def noise_of(measurements: Sequence[Measurement]) -> Floats:
    """Returns the relative standard error of every row of the fit, shape (n,); NaN where there is no interval.

    What is common to all workloads shifts them alike, and no error of a model comes from it.
    """
    halves = [
        math.nan if m.half_width is None else math.sqrt(max(0.0, m.half_width**2 - m.level_half_width**2))
        for m in measurements
        if m.role == "fit" and m.latency_s is not None
    ]
    return np.asarray(np.array(halves, dtype=np.float64) / Z)


def noise_parts(n: int) -> float:
    """Returns how many times their own expected square noise may explain of the squared errors of n rows."""
    return NOISE_PARTS * (1.0 + ONE_SIDED * math.sqrt(2.0 / n))


def _rms(noise: Floats) -> float:
    return float(np.sqrt((noise**2).mean()))


def _without(value: float | None, floor: float, n: int) -> float | None:
    """Returns an error without what noise may explain of it: the floor of n rows, and of the fit to them."""
    if value is None or math.isnan(floor):
        return None
    return math.sqrt(max(0.0, value**2 - noise_parts(n) * floor**2))


def _trained(plan: Plan, measurements: Sequence[Measurement], model: str, read: list[Source]) -> Trained:
    """Fits and cross-validates as ``hwcost fit`` does."""
    from hwcost.cost_models.data import from_measurements
    from hwcost.cost_models.priors.fit import train_with_prior
    from hwcost.cost_models.training.train import train

    data: Data = from_measurements(measurements, source="the campaign")
    return train_with_prior(data, _sources(plan, data, read)) if model == PRIOR else train(data, model)


def _sources(plan: Plan, data: Data, read: list[Source]) -> list[Source]:
    """Returns the models of other devices that a plan names, of the space of its measurements."""
    from hwcost.cost_models.priors.sources import read_prior, suited

    if not read:
        read.extend(read_prior(list(plan.prior), data.space))
    return suited(read, data.space, data.quantity, data.shape)
