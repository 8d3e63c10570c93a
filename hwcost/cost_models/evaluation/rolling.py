"""Predicts rows in the order of measurement, each before its latency is known, and learns from it afterwards.

The level is a running median of what the model missed by lately; how many rows back is what has worked best so far, so that
a jump is followed at once and noise is not. The interval is a conformal quantile of recent errors, at a share that is moved
after every hit and miss (adaptive conformal inference).

Source: I. Gibbs and E. Candes, Adaptive conformal inference under distribution shift, 2021.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats
from hwcost.cost_models.training.conformal import LEVEL, MIN_ROWS

REACHES = (1, 3, 5, 9, 15, 31, 61, 121, 241)
"""Rows that a running median looks back on; the level known from the training rows competes with them."""

FORGET = 0.98
"""Factor by which older errors count less, row by row."""

WINDOW = 200
"""Errors that an interval is taken from."""

PACE = 0.02
"""Step of the share after a miss; after a hit it moves back by ``PACE / 9`` at 90 %."""


@dataclass(frozen=True)
class Rolling:
    """Predictions row by row.

    Attributes:
        level: Log level that each row was predicted with, shape (n,).
        spread: Half-width of the interval of log latency of each, shape (n,); NaN while there are too few errors.
    """

    level: Floats
    spread: Floats


def roll(past: Floats, past_level: Floats, errors: Floats) -> Rolling:
    """Goes through the rows.

    Args:
        past: Errors of log latency on the training rows, left out, with the level in them, in order of rows, shape (m,).
        past_level: The level at these rows as the others tell it, shape (m,).
        errors: Errors of log latency on the later rows, with the level in them, in order, shape (n,).
    """
    series = np.concatenate([past, errors])
    start = len(past)
    experts = _experts(series, float(past_level[-1]) if start else 0.0)
    losses = np.abs(series[None, :] - experts)
    level = np.empty(len(series))
    score = np.zeros(len(experts))
    for i in range(len(series)):
        level[i] = experts[int(np.argmin(score)), i]
        score = FORGET * score + losses[:, i]
    return Rolling(level[start:], _spreads(np.abs(series - level), start))


def _experts(series: Floats, last: float) -> Floats:
    """Returns what each reach says before every row, shape (reaches + 1, n); the last one never moves."""
    found = np.full((len(REACHES) + 1, len(series)), last)
    for k, reach in enumerate(REACHES):
        for i in range(1, len(series)):
            found[k, i] = np.median(series[max(0, i - reach) : i])
    return found


def _spreads(errors: Floats, start: int) -> Floats:
    """Returns the half-width before every row from ``start`` on."""
    spreads = np.full(len(errors) - start, np.nan)
    miss = 1.0 - LEVEL
    for i in range(max(start - WINDOW, MIN_ROWS), len(errors)):
        recent = np.sort(errors[max(0, i - WINDOW) : i])
        share = min(max(1.0 - miss, 0.0), 1.0)
        rank = min(int(np.ceil((len(recent) + 1) * share)), len(recent))
        spread = float(recent[max(rank, 1) - 1])
        if i >= start:
            spreads[i - start] = spread
        miss += PACE * ((1.0 - LEVEL) - float(errors[i] > spread))
    return spreads
