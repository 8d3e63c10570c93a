"""The level of a machine over time: jumps first, then a drift between them, and none at all unless that clearly helps."""

from __future__ import annotations

import itertools
import math
from dataclasses import dataclass
from typing import Literal

import numpy as np

from hwcost._types import Floats
from hwcost.levels.change_points import change_points, clip
from hwcost.levels.random_walk import Smooths, smooth

Kind = Literal["none", "steps", "drift", "steps and drift"]

MEMORIES = np.array([1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0])
"""Memories of a drift among which left-out errors choose, in mean spacings."""

GAIN = 0.02
"""Least share by which a level must make left-out errors smaller to be used."""

CLEAR = 3.0
"""Least improvement in standard errors of the paired difference, so that a few values make no level."""

STEEP = 4.5
"""Standard errors of the slope of a straight line from which it is taken where no level that bends or jumps is clear."""

PLAINER = 0.01
"""Jumps are added to a drift, or a drift to jumps, when they make left-out errors smaller by this share again."""

MIN_ROWS = 30
"""Fewest values from which a level can be estimated."""


@dataclass(frozen=True)
class Segment:
    """A stretch between two jumps.

    Attributes:
        first: Index of its first value.
        last: Index of its last value.
        level: Its mean level relative to the whole series; 1.1 is 10 % slower.
    """

    first: int
    last: int
    level: float


@dataclass(frozen=True)
class Level:
    """A log level as a function of time.

    Attributes:
        times: Times at which the values were measured, ascending, shape (n,).
        values: Log level at each, mean zero over the values' weights, shape (n,).
        cuts: Indices at which a new segment begins.
        kind: Form of the level that cross-validation chose.
        memory: Reach of the drift in mean spacings; None without drift, and for a straight line.
        edf: Effective degrees of freedom.
        gain: Share by which the level makes left-out errors smaller; 0 for no level.
        left_out: Log level at each value as estimated from all others, shape (n,); for honest errors.
    """

    times: Floats
    values: Floats
    cuts: tuple[int, ...]
    kind: Kind
    memory: float | None
    edf: float
    gain: float
    left_out: Floats

    def __call__(self, times: Floats) -> Floats:
        """Returns the log level at any times: straight lines within a segment, the nearest value beyond its ends.

        Between two segments the jump lies half-way.
        """
        times = np.asarray(times, dtype=np.float64)
        if self.kind == "none":
            return np.zeros(len(times))
        edges = [0, *self.cuts, len(self.times)]
        middles = [(self.times[cut - 1] + self.times[cut]) / 2 for cut in self.cuts]
        segment = np.searchsorted(np.array(middles), times, side="right")
        found = np.empty(len(times))
        for i, (start, end) in enumerate(itertools.pairwise(edges)):
            inside = segment == i
            if inside.any():
                found[inside] = np.interp(times[inside], self.times[start:end], self.values[start:end])
        return found

    @property
    def range(self) -> float:
        """Excess of the highest level over the lowest, as a share of the lowest."""
        return math.expm1(float(np.ptp(self.values))) if len(self.values) else 0.0

    @property
    def segments(self) -> list[Segment]:
        """The stretches between jumps."""
        edges = [0, *self.cuts, len(self.times)]
        return [
            Segment(start, end - 1, math.exp(float(self.values[start:end].mean())))
            for start, end in itertools.pairwise(edges)
            if end > start
        ]


class _Candidate:
    """A level that was tried on values y (n,) with weights w: what it fits, and how wrong it is on values left out."""

    def __init__(self, kind: Kind, cuts: tuple[int, ...], fit: Smooths, which: int, y: Floats, w: Floats) -> None:
        self.kind = kind
        self.cuts = cuts
        self.memory: float | None = float(MEMORIES[which]) if kind.endswith("drift") else None
        self.fitted = fit.fitted[which]
        self.edf = float(fit.edf[which])
        errors = fit.left_out(y)[which]
        self.left_out = y - errors
        self.errors = np.abs(errors)
        self.error = float(np.average(self.errors, weights=w))


def no_level(times: Floats) -> Level:
    """Returns the level that never moves."""
    zeros = np.zeros(len(times))
    return Level(np.sort(np.asarray(times, dtype=np.float64)), zeros, (), "none", None, 0.0, 0.0, zeros)


def fit_level(
    times: Floats,
    values: Floats,
    weights: Floats | None = None,
    gain: float = GAIN,
    cuts: tuple[float, ...] = (),
    may_creep: bool = False,
) -> Level:
    """Fits a level to what is left of log latencies once the items' own are taken away.

    Args:
        times: Time at which each value was measured, shape (n,), in any unit and order.
        values: Residuals of log latency, shape (n,).
        weights: Positive weight of each value, shape (n,); None for equal weights.
        gain: Share by which a level must make left-out errors smaller.
        cuts: Times at which the level is known to be free to jump, such as the start of another measuring run.
        may_creep: Whether a straight line over all values may be the level where no other one clearly helps: it needs the
            fewest values to show among noise.
    """
    order = np.argsort(times, kind="stable")
    t, y = np.asarray(times, dtype=np.float64)[order], np.asarray(values, dtype=np.float64)[order]
    w = np.ones(len(y)) if weights is None else np.asarray(weights, dtype=np.float64)[order]
    if len(y) < MIN_ROWS or np.ptp(t) == 0 or np.ptp(y) == 0:
        return no_level(t)
    y = clip(y)
    y = y - float(np.average(y, weights=w))
    known = sorted({int(i) for i in np.searchsorted(t, cuts) if 0 < i < len(t)})
    none, *others = _candidates(t, y, w, tuple(known))
    chosen = _chosen(none, others, gain)
    if chosen.kind == "none" and may_creep:
        chosen = _line(t, y, w, none, gain)
    if chosen.kind == "none":
        return no_level(t)
    mean = float(np.average(chosen.fitted, weights=w))
    gained = 1.0 - chosen.error / none.error
    fitted, left_out = chosen.fitted - mean, chosen.left_out - mean
    return Level(t, fitted, chosen.cuts, chosen.kind, chosen.memory, chosen.edf, gained, left_out)


def _candidates(t: Floats, y: Floats, w: Floats, known: tuple[int, ...]) -> list[_Candidate]:
    """Returns no level, the best drift, steps, and the best drift between steps."""
    found = [_Candidate("none", (), _means(y, w, ()), 0, y, w), _drift(t, y, w, known)]
    cuts = tuple(sorted({*known, *change_points(y)}))
    if cuts:
        found += [_Candidate("steps", cuts, _means(y, w, cuts), 0, y, w), _drift(t, y, w, cuts)]
    return found


def _chosen(none: _Candidate, others: list[_Candidate], gain: float) -> _Candidate:
    """Takes the smallest left-out error, but plain ones over richer ones that are hardly better."""
    best = min(others, key=lambda one: one.error)
    gained = none.errors - best.errors
    is_clear = float(gained.mean()) > CLEAR * float(gained.std()) / math.sqrt(len(gained))
    if best.error > (1.0 - gain) * none.error or not is_clear:
        return none
    return next(one for one in others if one.error <= best.error * (1.0 + PLAINER))


def _line(t: Floats, y: Floats, w: Floats, none: _Candidate, gain: float) -> _Candidate:
    """Returns a straight line over all values, or no level where its slope may be chance or hardly helps."""
    away = t - float(np.average(t, weights=w))
    across = float((w * away**2).sum())
    slope = float((w * away * y).sum()) / across
    line = _Candidate("drift", (), Smooths((slope * away)[None, :], (w / w.sum() + w * away**2 / across)[None, :]), 0, y, w)
    line.memory = None
    noise = math.sqrt(float((w * (y - line.fitted) ** 2).sum()) / max(len(y) - 2, 1))
    is_steep = abs(slope) * math.sqrt(across) > STEEP * noise
    return line if is_steep and line.error <= (1.0 - gain) * none.error else none


def _drift(t: Floats, y: Floats, w: Floats, cuts: tuple[int, ...]) -> _Candidate:
    gaps = np.diff(t) * (len(t) - 1) / float(np.ptp(t))
    gaps[[cut - 1 for cut in cuts]] = np.inf
    smooths = smooth(y, w / w.mean(), gaps, MEMORIES)
    best = int(np.argmin([np.average(np.abs(left), weights=w) for left in smooths.left_out(y)]))
    return _Candidate("steps and drift" if cuts else "drift", cuts, smooths, best, y, w)


def _means(y: Floats, w: Floats, cuts: tuple[int, ...]) -> Smooths:
    """Returns the weighted mean of every segment, with leverages."""
    starts = [0, *cuts]
    counts = np.diff([*starts, len(y)])
    total = np.repeat(np.add.reduceat(w, starts), counts)
    return Smooths((np.repeat(np.add.reduceat(w * y, starts), counts) / total)[None, :], (w / total)[None, :])
