"""Measured values: which ones answer for their architecture, and how wide their intervals are.

The measurement is the better answer unless it is in doubt itself: its repeats disagree by more than the model leaves open,
or it stands alone, far from what all other architectures predict. Such an architecture is answered by the model, and the
reason is kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np

from hwcost._arguments import check, of_type
from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.features.groups import Groups
from hwcost.cost_models.features.repeats import FAR_OFF, Middles
from hwcost.cost_models.prediction import Prediction
from hwcost.cost_models.training.conformal import LEVEL, quantile
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.units import format_half_width

DISAGREE = 2.0
"""Multiple of the model's half-width beyond which the uncertainty of the middle of repeats puts them in doubt."""

ALONE = 3.0
"""Distance in half-widths from a model that has not seen it, beyond which a single measurement is in doubt."""

NORMAL = 1.645
"""Half-width of a 90 % interval in standard deviations, for normal noise."""

MEASURED = "measured"
"""The source of an answer that is a measurement."""


class MeasuredFirst:
    """A cost function that answers measured architectures with their measurements, and all others with a cost model.

    A search over it meets the noise of single measurements at the architectures that were fitted on; one over the model
    itself does not.

    Args:
        cost: A fitted cost model.

    Attributes:
        cost: That model.
        name: Name of the model's kind.
        space: Space of the architectures.
        quantity: Name of what is predicted.
        unit: Unit of the quantity.
    """

    def __init__(self, cost: CostModel) -> None:
        check({"cost": cost}, cost=of_type("a cost model, which hwcost.fit gives", CostModel))
        self.cost = cost

    def __repr__(self) -> str:
        return f"<measured values of {len(self.cost.measured_)} architectures, else {self.cost!r}>"

    @property
    def name(self) -> str:
        """Name of the model's kind."""
        return self.cost.name

    @property
    def space(self) -> SearchSpace:
        """Space of the architectures."""
        return self.cost.space

    @property
    def quantity(self) -> str:
        """Name of what is predicted."""
        return self.cost.quantity

    @property
    def unit(self) -> str:
        """Unit of the quantity."""
        return self.cost.unit

    def __call__(self, arch: Architecture | Any) -> float:
        """Returns the measured or predicted value of one architecture; see :meth:`CostModel.__call__`."""
        return float(self.predict([arch]).values[0])

    def predict(self, archs: Sequence[Architecture | Any] | Any) -> Prediction:
        """Answers many architectures at once; a measured value has an interval of its own. See :meth:`CostModel.predict`."""
        known, genes = self.cost.features.read(archs)
        held = [self.cost.features.decode(row) for row in genes] if known is None else known
        model = self.cost.predict(genes)
        values, half_widths = model.values.copy(), self.cost.half_widths(genes)
        for i, arch in enumerate(held):
            key = self.space.canonical(arch.genes)
            if key in self.cost.measured_:
                values[i], half_widths[i] = self.cost.measured_[key], self._half_width(key)
        return Prediction.within(values, half_widths, model.in_domain, self.quantity)

    def source(self, arch: Architecture) -> str:
        """Returns ``measured``, or the name of the model where that answers."""
        return MEASURED if self._key(arch) in self.cost.measured_ else self.cost.name

    def doubt(self, arch: Architecture) -> str | None:
        """Returns why the model answers for a measured architecture; None where its measurements are believed."""
        return self.cost.doubts_.get(self._key(arch))

    def _key(self, arch: Architecture) -> Any:
        return self.space.canonical(self.space.as_architecture(arch).genes)

    def _half_width(self, key: Any) -> float:
        """Half-width about a measured value: it and a further measurement both have noise; NaN where that is unknown."""
        noise = self.cost.noise_half_width_
        return self.cost.measured_half_widths_.get(key, math.nan if noise is None else math.sqrt(2.0) * noise)


def judge_measured(
    model: CostModel, archs: Sequence[Architecture], values: Floats, weights: Floats, errors: Floats
) -> None:
    """Decides which measured architectures a calibrated model answers with their measurements, and how wide.

    Args:
        model: A calibrated model; its ``measured_``, ``doubts_`` and their half-widths are set.
        archs: The n architectures of the fit.
        values: Values that the model was fitted to, shape (n,).
        weights: Weights of the rows, shape (n,).
        errors: Errors of the logarithm on rows left out, shape (n,).
    """
    genes = model.features.encode(archs)
    groups = Groups.of(model.features, genes)
    middles = Middles.of(groups, values, weights)
    keys = [model.space.canonical(archs[row].genes) for row in groups.first]
    expected = values * np.exp(-errors)
    model.noise_half_width_ = _noise(middles, model.log_interval_half_width_)
    model.measured_ = dict(zip(keys, middles.values.tolist(), strict=True))
    model.measured_half_widths_, model.doubts_ = {}, {}
    typical = model.log_interval_half_width_
    wide = None if typical is None else typical * model.domain_.at_ends(model.features, genes[groups.first])
    doubts = _doubts(middles, values, expected, wide)
    for i, doubt in doubts.items():
        model.doubts_[keys[i]] = doubt
        del model.measured_[keys[i]]
    for i, rows in groups.repeated.items():
        if i not in doubts and middles.counts[i] > 1:
            own = float(np.abs(middles.deviations[rows]).max())
            noise = max(own, model.noise_half_width_ or 0.0)
            model.measured_half_widths_[keys[i]] = noise * math.sqrt(1.0 + 1.0 / middles.counts[i])


def _noise(middles: Middles, half_width: float | None) -> float | None:
    """Half-width of the 90 % interval of one measurement about the truth, from repeats; at most the model's own.

    The model's errors hold the noise and more. None where there are neither repeats nor an interval.
    """
    is_repeated = (middles.counts > 1)[middles.groups.numbers] & middles.is_kept
    if not is_repeated.any():
        return half_width
    repeated = Groups.of_keys(middles.groups.numbers[is_repeated].tolist())
    deviations = middles.deviations[is_repeated]
    found = quantile(np.abs(deviations), LEVEL, repeated)
    if found is None:
        found = _of_few(deviations, len(deviations) - len(repeated))
    return found if half_width is None else min(found, half_width)


def _of_few(deviations: Floats, freedom: int) -> float:
    """Half-width from a handful of repeats, by Student's distribution."""
    from scipy.special import stdtrit  # all of scipy.stats takes longer to import than a fit

    return float(stdtrit(freedom, (1.0 + LEVEL) / 2)) * float(np.sqrt((deviations**2).mean()))


def _doubts(middles: Middles, values: Floats, expected: Floats, half_widths: Floats | None) -> dict[int, str]:
    """Says of which architectures, by their number, the measurements are not believed, and why.

    Args:
        middles: The measurements of each architecture.
        values: Measured values, shape (n,).
        expected: Predictions by fits that have not seen the architecture, shape (n,).
        half_widths: Half-width of the model's interval about each architecture; None where there is none.
    """
    if half_widths is None:
        return {}
    groups = middles.groups
    predicted = expected[groups.first]
    for i, rows in groups.repeated.items():
        predicted[i] = np.median(expected[rows])
    is_apart = NORMAL * middles.spreads / np.sqrt(middles.counts) > DISAGREE * half_widths
    is_agreed = (middles.counts == groups.sizes) & (groups.sizes > 1)
    is_far = np.abs(np.log(middles.values / predicted)) > np.maximum(ALONE * half_widths, FAR_OFF)
    found: dict[int, str] = {}
    for i in np.flatnonzero(is_apart | (is_far & ~is_agreed)).tolist():
        sure = f"the model's 90 % interval is {format_half_width(half_widths[i], sign='±')}"
        if is_apart[i]:
            rows = groups.rows_of(np.array([i]))
            factor = float(values[rows].max() / values[rows].min())
            found[i] = f"its {len(rows)} measurements lie a factor of {factor:.3g} apart, {sure}"
        else:
            ratio = float(middles.values[i] / predicted[i])
            found[i] = f"its measurement is {ratio:.3g} times what the other architectures predict, {sure}"
    return found
