"""What all series of a device have in common: its level, night by night, and where that changed for good.

The level of a night is the median over the series of what each deviates from its own usual value. It holds what the machine
does (clocks, driver, neighbours) and what a change of code does that slows everything. A step of the level is common when
nearly all series move along; where only part of them does, it is theirs and stays with them.

Of a common step the anchors tell the cause: workloads that do not run the code under test, such as the campaigns' canaries.
Where they move along it is the machine; where they stay it is the code. The same commit on both sides is never the code.
Without anchors and with another commit nothing tells, until both codes are measured in one campaign.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats, Indices
from hwcost.history.changes import Change, find_changes
from hwcost.history.judgement import Cause, commit_of
from hwcost.history.nights import Nights, nanmedian, rough_shares, weighted_nanmedian
from hwcost.history.policy import Policy, Terms
from hwcost.history.shared_error import own_shares
from hwcost.history.trace import DIFFERENCE
from hwcost.stores.runs import Run

__all__ = ["Common", "cause_of", "common_levels"]

LEAST_SERIES = 6
"""Series below which a device's level cannot be distinguished from their own."""

LEAST_STEP = math.log(1.01)
"""Least step of the level that is looked at."""

SWEEPS = 3
"""Sweeps of the median polish."""

LEAST_CERTAINTY = 1e-6

MEDIAN = 1.2533
"""Standard error of the median of normal values over that of their mean."""

TOLERATED = 0.1
"""Share of series that need not move along with a common step, beyond those that noise hides."""


@dataclass(frozen=True)
class Common:
    """The level common to the series of one device, backend and quantity.

    Attributes:
        device: Name of the device.
        backend: Name of the backend.
        quantity: Name of the quantity.
        rows: Indices of the series, anchors included.
        columns: Indices of the runs that are looked at.
        level: Log level in these runs, 0 at present, shape (n_columns,); NaN in runs with too few series.
        anchors: Level of the anchors alone, same shape; NaN where unknown.
        n_series: Number of series behind the level; 0 for too few, and the level is 0 then.
        certainty: Share of a full night that the level of each run counts as, shape (n_columns,): 1 where it rests on as
            much as six full values.
        own: Share of the half-widths of each run that its values do not have in common, same shape: that much they may be
            off beside the level.
        offset: Half-width of the 95 % interval of the level as what the values of a run have in common, same shape: the
            median of as many values as there are is off by a share of what they are off.
    """

    device: str
    backend: str
    quantity: str
    rows: Indices
    columns: Indices
    level: Floats
    anchors: Floats
    n_series: int
    certainty: Floats
    own: Floats
    offset: Floats


def common_levels(nights: Nights, terms: Sequence[Terms], policy: Policy) -> list[Common]:
    """Estimates the common level of every device, backend and quantity.

    Args:
        nights: Values of all series.
        terms: Terms of a change, series by series.
        policy: Number of nights that are looked at.
    """
    groups: dict[tuple[str, str, str, str], list[int]] = {}
    for row, one in enumerate(nights.series):
        groups.setdefault((one.device_key or one.device, one.device, one.backend, one.quantity), []).append(row)
    is_anchor = np.array([one.is_anchor for one in terms], dtype=np.bool_)
    return [_common(nights, is_anchor, policy, np.array(rows), *names) for (_, *names), rows in groups.items()]


def _common(
    nights: Nights, is_anchor: NDArray[np.bool_], policy: Policy, rows: Indices, device: str, backend: str, quantity: str
) -> Common:
    columns = np.flatnonzero(np.isfinite(nights.y[rows]).any(axis=0))[-policy.nights :]
    anchor, one, zero = is_anchor[rows], np.ones(len(columns)), np.zeros(len(columns))
    cells = np.ix_(rows, columns)
    y, half, is_full = nights.y[cells], nights.half[cells], nights.is_full[cells]
    shares = rough_shares(y, half, is_full)
    anchors = _polished(y[anchor], shares[anchor])[1] if anchor.any() else np.full(len(columns), np.nan)
    seen, shares, half, is_full = y[~anchor], shares[~anchor], half[~anchor], is_full[~anchor]
    if (np.isfinite(seen).sum(axis=1) > 1).sum() < LEAST_SERIES:
        return Common(device, backend, quantity, rows, columns, zero, anchors, 0, one, one, zero)
    usual, level = _polished(seen, shares)
    own = own_shares(seen - usual[:, None] - level, half, is_full)
    level[np.isfinite(seen).sum(axis=0) < LEAST_SERIES] = np.nan
    certainty = np.clip(shares.sum(axis=0) / LEAST_SERIES, LEAST_CERTAINTY, 1.0)
    offset = _offset(np.where(is_full, 0.0, half * own))
    level = _shared(level, certainty, seen - level)
    level -= _present(level)
    return Common(device, backend, quantity, rows, columns, level, anchors, len(seen), certainty, own, offset)


def _shared(level: Floats, certainty: Floats, rest: Floats) -> Floats:
    """Returns a level without the steps that only a part of the series makes: these stay with them.

    Args:
        level: Log level of each night, shape (n_columns,); NaN where there is none.
        certainty: Share of a full night that each counts as, same shape.
        rest: Log values less the level, shape (n_series, n_columns).
    """
    known = np.flatnonzero(np.isfinite(level))
    steps = find_changes(level[known], certainty[known], least=LEAST_STEP)
    edges, shared = [0, *(int(known[step.at]) for step in steps), len(level)], level.copy()
    for (first, at, last), step in zip(zip(edges, edges[1:], edges[2:], strict=False), steps, strict=True):
        if not _is_common(rest[:, first:at], rest[:, at:last], step.log_ratio):
            shared[at:] -= step.log_ratio
    return shared


def _offset(half: Floats) -> Floats:
    """Returns the half-widths of the medians of the values of each night, shape (n_columns,); 0 where there is none.

    Args:
        half: Half-widths of the values, shape (n_series, n_columns); NaN where there is none.
    """
    n = np.isfinite(half).sum(axis=0)
    return np.where(n > 0, MEDIAN * nanmedian(half, axis=0) / np.sqrt(np.maximum(n, 1)), 0.0)


def _polished(y: Floats, shares: Floats) -> tuple[Floats, Floats]:
    """Returns the usual value of each series and the level of each night, by median polish; vague values count less.

    Source: J. W. Tukey, Exploratory Data Analysis, 1977.
    """
    level = np.zeros(y.shape[1])
    for _ in range(SWEEPS):
        usual = weighted_nanmedian(y - level, shares, axis=1)
        level = weighted_nanmedian(y - usual[:, None], shares, axis=0)
    return usual, level


def _is_common(before: Floats, after: Floats, log_ratio: float) -> bool:
    """Says whether nearly as many series move along with a step as would if all of them did, noise considered.

    Args:
        before: Log values of the nights before the step less the level of each night, shape (n_series, n_before): what moves
            along with the level stays where it is.
        after: The same of the nights after it.
        log_ratio: Size of the step.
    """
    from scipy import special

    m, n = np.isfinite(before).sum(axis=1), np.isfinite(after).sum(axis=1)
    seen = (m > 1) & (n > 0)
    if not seen.any():
        return False
    moved = abs(log_ratio) + np.sign(log_ratio) * (nanmedian(after[seen], axis=1) - nanmedian(before[seen], axis=1))
    noise = nanmedian(np.abs(np.diff(before[seen], axis=1)), axis=1) / DIFFERENCE
    noise = np.where(np.isfinite(noise), noise, np.median(noise[np.isfinite(noise)]) if np.isfinite(noise).any() else 0.0)
    error = np.maximum(MEDIAN * noise * np.sqrt(1 / m[seen] + 1 / n[seen]), 1e-9)
    expected = float(np.mean(special.ndtr(abs(log_ratio) / 2 / error)))
    return bool(np.mean(moved > abs(log_ratio) / 2) >= expected - TOLERATED)


def _present(level: Floats) -> float:
    """Returns the level of the latest night that has one."""
    known = level[np.isfinite(level)]
    return float(known[-1]) if len(known) else 0.0


def cause_of(change: Change, anchors: tuple[Floats, Floats], good: Run, bad: Run) -> Cause:
    """Finds the cause of a common change.

    Args:
        change: The change.
        anchors: Level of the anchors in the nights before it and after it, up to the neighbouring changes.
        good: Last run that is surely before it.
        bad: First run that is surely after it.
    """
    from scipy import special

    if commit_of(good) is not None and commit_of(good) == commit_of(bad):
        return "machine"
    before, after = (side[np.isfinite(side)] for side in anchors)
    m, n = len(before), len(after)
    if m < 2 or n < 2:
        return "unknown"
    size = abs(change.log_ratio)
    moved = math.copysign(1.0, change.log_ratio) * float(after.mean() - before.mean())
    squares = float(((before - before.mean()) ** 2).sum() + ((after - after.mean()) ** 2).sum())
    half = float(special.stdtrit(m + n - 2, 0.975)) * math.sqrt(squares / (m + n - 2) * (1 / m + 1 / n))
    if moved - half > 0 and moved > size / 2:
        return "machine"
    return "code" if moved + half < size and moved < size / 2 else "unknown"
