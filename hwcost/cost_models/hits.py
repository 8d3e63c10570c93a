"""Exact hits: when a measured architecture is answered with its own measurement, and how far a further one may lie from it.

The measurement is the better answer unless it is in doubt itself: its repeats disagree by more than the model leaves open,
or it stands alone, far from what all other architectures predict. Such a net is answered by the model, and the reason is
kept.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.groups import Groups
from hwcost.cost_models.intervals import LEVEL, quantile
from hwcost.cost_models.repeats import FAR_OFF, Middles
from hwcost.spaces.base import Architecture
from hwcost.units import format_percent

DISAGREE = 2.0
"""Multiple of the model's half-width beyond which the uncertainty of the middle of repeats makes them no exact hit."""

ALONE = 3.0
"""Distance in half-widths from a model that has not seen it, beyond which a single measurement is no exact hit."""

NORMAL = 1.645
"""Half-width of a 90 % interval in standard deviations, for normal noise."""


def judge_hits(
    model: CostModel, archs: Sequence[Architecture], latency_s: Floats, weights: Floats, errors: Floats
) -> None:
    """Decides which measured architectures a calibrated model answers with their measurements, and how wide.

    Args:
        model: A calibrated model; its ``measured_``, ``doubts_``, ``noise_`` and ``spreads_`` are set.
        archs: The n architectures of the fit.
        latency_s: Shape (n,), seconds that the model was fitted to.
        weights: Shape (n,).
        errors: Errors of log latency on rows left out, shape (n,).
    """
    groups = Groups.of(model.features, model.features.encode(archs))
    middles = Middles.of(groups, latency_s, weights)
    keys = [model.space.canonical(archs[row].genes) for row in groups.first]
    expected_s = latency_s * np.exp(-errors)
    model.noise_ = _noise(middles, model.spread_)
    model.measured_ = dict(zip(keys, middles.seconds.tolist(), strict=True))
    model.spreads_, model.doubts_ = {}, {}
    for i, (key, rows) in enumerate(zip(keys, groups.rows, strict=True)):
        doubt = _doubt(middles, i, latency_s, float(np.median(expected_s[rows])), model.spread_)
        if doubt is not None:
            model.doubts_[key] = doubt
            del model.measured_[key]
        elif middles.counts[i] > 1:
            own = float(np.abs(middles.deviations[rows]).max())
            model.spreads_[key] = max(own, model.noise_ or 0.0) * math.sqrt(1.0 + 1.0 / middles.counts[i])


def _noise(middles: Middles, spread: float | None) -> float | None:
    """Half-width of the 90 % interval of one measurement about the truth, from repeats; at most the model's own.

    The model's errors hold the noise and more. None where there are neither repeats nor an interval.
    """
    is_repeated = (middles.counts > 1)[middles.groups.numbers] & middles.is_kept
    if not is_repeated.any():
        return spread
    repeated = Groups.of_keys(middles.groups.numbers[is_repeated].tolist())
    deviations = middles.deviations[is_repeated]
    found = quantile(np.abs(deviations), LEVEL, repeated)
    if found is None:
        found = _of_few(deviations, len(deviations) - len(repeated))
    return found if spread is None else min(found, spread)


def _of_few(deviations: Floats, freedom: int) -> float:
    """Half-width from a handful of repeats, by Student's distribution."""
    from scipy import stats

    return float(stats.t.ppf((1.0 + LEVEL) / 2, freedom)) * float(np.sqrt((deviations**2).mean()))


def _doubt(middles: Middles, i: int, latency_s: Floats, expected_s: float, spread: float | None) -> str | None:
    """Says why an architecture's measurements are no answer; None where they are."""
    if spread is None:
        return None
    rows = middles.groups.rows[i]
    sure = f"the model's 90 % interval is ±{format_percent(spread)}"
    if NORMAL * float(middles.spreads[i]) / math.sqrt(middles.counts[i]) > DISAGREE * spread:
        factor = float(latency_s[rows].max() / latency_s[rows].min())
        return f"its {len(rows)} measurements lie a factor of {factor:.3g} apart, {sure}"
    off = abs(math.log(float(middles.seconds[i]) / expected_s))
    is_agreed = middles.counts[i] == len(rows) > 1
    if not is_agreed and off > max(ALONE * spread, FAR_OFF):
        ratio = float(middles.seconds[i]) / expected_s
        return f"its measurement is {ratio:.3g} times what the other architectures predict, {sure}"
    return None
