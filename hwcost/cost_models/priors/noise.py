"""How noisy rows of a new device are expected to be, from the rows of other devices, before any row is known.

A source tells two things: how wide the errors of its rows were, and what shape they had. Widths differ between devices by
more than any of them says; the next device's is drawn from where the known ones lie (empirical Bayes).
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from scipy.special import gammaln, stdtrit

from hwcost._types import Floats
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.priors.experts import NOISES
from hwcost.cost_models.training.conformal import LEVEL
from hwcost.cost_models.training.drift import AS_MEASURED

UNKNOWN_NOISE = 0.02
"""Relative noise of a row that is expected where no source says how noisy its rows were."""

NOISE_RANGE = 1.0
"""Standard deviation of the logarithm of devices' noise that counts as much as one device more."""

NORMAL = 1.645
"""Half-width of the 90 % interval of a normal distribution, in standard deviations."""

FREEDOM = 4.0
"""Degrees of freedom of noise with heavy tails: what Lange, Little and Taylor advise for small samples (Robust statistical
modeling using the t distribution, JASA 84, 1989, section 5)."""

HEAVY = float(stdtrit(FREEDOM, 0.5 + LEVEL / 2.0))
"""Half-width of the 90 % interval of that, in units of its scale."""

_LEAST = 1e-12
"""Probability that is left to a noise that is too low."""

_SCALES = np.geomspace(0.25, 4.0, 41)


def half_width_of(model: CostModel) -> float | None:
    """Returns the half-width of the 90 % interval of a row of a source about its model, as it was measured.

    A level that was taken out of a table counts as noise here: it cannot be taken out of few rows of a new device.
    """
    drift: Any = model.provenance.get("drift")
    known = drift.get(AS_MEASURED) if isinstance(drift, dict) else None
    return model.log_interval_half_width_ if known is None else float(known)


def learnt_noises(models: Sequence[CostModel]) -> Floats:
    """Returns the log probability of every noise of ``NOISES``, shape (noises,).

    The logarithms of the devices' noises count as drawn from one normal distribution of unknown mean and variance, about
    which one further device of the spread ``NOISE_RANGE`` is supposed. The next one's distribution is then Student's, with
    as many degrees of freedom as there are devices (Gelman et al. 2013, Bayesian Data Analysis, sections 3.2 and 3.3): one
    source alone says little about the noise of another device.

    Args:
        models: Fitted models of other devices.
    """
    widths = [width for width in map(half_width_of, models) if width is not None]
    logs = np.log(np.maximum(np.array(widths) / NORMAL, NOISES[0]) if widths else np.array([UNKNOWN_NOISE]))
    n = len(logs)
    variance = (NOISE_RANGE**2 + float(((logs - logs.mean()) ** 2).sum())) / n * (1.0 + 1.0 / n)
    squares = (np.log(NOISES) - logs.mean()) ** 2 / variance
    density = -0.5 * (n + 1.0) * np.log1p(squares / n)
    return np.asarray(density - np.logaddexp.reduce(density))


def learnt_tails(models: Sequence[CostModel]) -> float:
    """Returns the probability that noise has heavy tails: the mean of what each source's errors say, and of even odds.

    The errors of its left-out rows are weighed as normal and as Student's noise, of a scale that is not known; a source
    without them says nothing.

    Args:
        models: Fitted models of other devices.
    """
    return float(np.mean([0.5, *(_heaviness(model.errors_) for model in models if model.errors_ is not None)]))


def for_heavy_tails(noises: Floats) -> Floats:
    """Returns log probabilities of scales of heavy-tailed noise whose 90 % interval is as wide as noises (noises,) say."""
    moved = np.interp(np.log(NOISES * HEAVY / NORMAL), np.log(NOISES), noises)
    return np.asarray(moved - np.logaddexp.reduce(moved))


def beside_visits(noises: Floats, visits: float) -> Floats:
    """Returns log probabilities of noises once what visits leave unknown adds to them; shape (noises,).

    Args:
        noises: Log probability of every noise of ``NOISES``, shape (noises,).
        visits: Relative standard deviation that its own visits leave to a row of mean weight.
    """
    steps = np.log(NOISES[1] / NOISES[0])
    places = np.clip(np.log(np.hypot(NOISES, visits) / NOISES[0]) / steps, 0.0, len(NOISES) - 1.0)
    below = np.minimum(places.astype(np.intp), len(NOISES) - 2)
    above = places - below
    shares = np.exp(noises)
    found = np.bincount(below, shares * (1.0 - above), len(NOISES)) + np.bincount(below + 1, shares * above, len(NOISES))
    return np.asarray(np.log(np.maximum(found, _LEAST)))


def _heaviness(errors: Floats) -> float:
    """Returns the probability that errors (n,) were drawn with heavy tails, at even odds before."""
    scales = _SCALES * max(float(np.sqrt(np.mean(errors**2))), 1e-12)
    squares = (errors / scales[:, None]) ** 2
    normal = -0.5 * (squares + np.log(2.0 * np.pi)).sum(axis=1)
    constant = gammaln((FREEDOM + 1.0) / 2.0) - gammaln(FREEDOM / 2.0) - 0.5 * np.log(FREEDOM * np.pi)
    heavy = (constant - 0.5 * (FREEDOM + 1.0) * np.log1p(squares / FREEDOM)).sum(axis=1)
    unit = len(errors) * np.log(scales)
    return float(np.exp(-np.logaddexp(0.0, np.logaddexp.reduce(normal - unit) - np.logaddexp.reduce(heavy - unit))))
