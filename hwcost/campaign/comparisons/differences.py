"""Whether one arm is faster than another: workload by workload and as a whole, with an interval and a verdict.

The log ratio of two latencies has the errors of both. Arms of one campaign share every process and every state of the
machine. Arms of two campaigns do not: the machine may stand at another level, which is common to all workloads and widens
every interval (:mod:`hwcost.campaign.comparisons.campaign_levels`). A machine that changes more between two campaigns than
its levels show looks like a difference of the arms, so measure both in one campaign where possible.

Verdicts: FASTER or SLOWER when the interval clears a band of 1 % around equality and the claim survives Holm's correction
for the number of workloads; SAME when the interval lies inside the band; else AMBIGUOUS.

What all workloads of two campaigns have in common may be the machine, and beside busy neighbours that may be tens of
percent. What each differs by beyond the mean of all others is known far better: whatever slows all alike is not in it. Its
interval is from how the differences of all scatter, its own too: a workload that alone saw the uncontended machine sticks
out as much as one that changed. What they really differ by counts as noise, so that it is too wide rather than too narrow;
what slows one workload alone, such as a neighbour that only this one feels, it does not hold, so that no verdict follows
from it.

Source of the correction: S. Holm, A Simple Sequentially Rejective Multiple Test Procedure, 1979.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.campaign.comparisons.campaign_levels import CampaignLevel, MeasuredCampaign, Z, level_half_width
from hwcost.campaign.comparisons.matching import matches
from hwcost.timing.measurement import Flag, Measurement

Campaigns = Sequence[MeasuredCampaign]

Verdict = Literal["FASTER", "SLOWER", "SAME", "AMBIGUOUS"]

BAND = math.log(1.01)
"""Log ratios within this band are of no consequence: 1 %."""

LEAST_OTHERS = 5
"""Other workloads below which what all share cannot be distinguished from what each does."""

ALPHA = 0.05
"""Chance of any false FASTER or SLOWER among all workloads of a comparison."""


@dataclass(frozen=True, slots=True)
class Ratio:
    """The second arm over the first.

    Attributes:
        name: The workload; ``all`` for the geometric mean over all of them.
        log_ratio: Logarithm of the second latency over the first; None when one was not measured.
        half_width: Half-width of its 95 % interval; None when there is nothing to tell it from.
    """

    name: str
    log_ratio: float | None
    half_width: float | None

    @property
    def ratio(self) -> float | None:
        """Second latency over the first; below 1 the second arm is faster."""
        return None if self.log_ratio is None else math.exp(self.log_ratio)

    @property
    def low(self) -> float | None:
        """Lower end of the ratio's 95 % interval."""
        return None if self.log_ratio is None or self.half_width is None else math.exp(self.log_ratio - self.half_width)

    @property
    def high(self) -> float | None:
        """Upper end of the ratio's 95 % interval."""
        return None if self.log_ratio is None or self.half_width is None else math.exp(self.log_ratio + self.half_width)


@dataclass(frozen=True, slots=True)
class Difference(Ratio):
    """The second arm against the first, with a verdict.

    Attributes:
        p: Holm's p value of a difference beyond the band; None without an interval.
        verdict: Verdict on the second arm.
        a_s: Latency in the first arm, in seconds; None for all workloads together.
        b_s: Latency in the second arm.
    """

    p: float | None
    verdict: Verdict
    a_s: float | None = None
    b_s: float | None = None


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two arms compared.

    Attributes:
        overall: The geometric mean over all matched workloads.
        workloads: One per match, in the order of the first arm.
        only_a: Names of workloads that only the first arm has.
        only_b: The same of the second.
        level_half_width: Half-width that the levels of separate campaigns add to the interval of a workload, the largest of
            them where an arm has several campaigns; 0 for one campaign.
        flags: Doubts about the comparison.
        differs: Further facts in which both sides differ, as text.
        against_others: Ratio of each workload over the mean of all others, in the order of ``workloads``; empty for fewer
            than six workloads whose ratio is known.
    """

    overall: Difference
    workloads: tuple[Difference, ...]
    only_a: tuple[str, ...]
    only_b: tuple[str, ...]
    level_half_width: float
    flags: tuple[Flag, ...] = ()
    differs: tuple[str, ...] = ()
    against_others: tuple[Ratio, ...] = ()

    @property
    def is_vague(self) -> bool:
        """Whether a workload is ambiguous, and its difference against the others mostly is surer than that itself."""
        if all(one.verdict != "AMBIGUOUS" for one in self.workloads):
            return False
        stated = [math.inf if one.half_width is None else one.half_width for one in self.workloads]
        apart = [math.inf if one.half_width is None else one.half_width for one in self.against_others]
        return bool(apart) and float(np.median(apart)) < float(np.median(stated))

    @property
    def count(self) -> str:
        """How much of both sides is compared: ``n of m compared, k missing``."""
        compared = sum(one.log_ratio is not None for one in self.workloads)
        total = len(self.workloads) + len(self.only_a) + len(self.only_b)
        return f"{compared} of {total} compared, {total - compared} missing"

    def has(self, verdict: Verdict) -> bool:
        """Whether all workloads together, or any one of them, got a verdict."""
        return any(one.verdict == verdict for one in (self.overall, *self.workloads))


def differences(
    a: Sequence[Measurement],
    b: Sequence[Measurement],
    *,
    is_together: bool = False,
    band: float = BAND,
    canary_shift: float | None = None,
    campaigns: tuple[Campaigns, Campaigns] = ((), ()),
) -> Comparison:
    """Compares two lists of measurements.

    Args:
        a: The first arm, the one to compare with.
        b: The second arm, on which the verdicts are.
        is_together: Whether both were measured in the same rounds of one campaign.
        band: Half-width of the band of log ratios that are of no consequence.
        canary_shift: Log ratio of the canaries of two campaigns; it widens every interval and is never divided in.
        campaigns: The campaigns that the measurements of each arm come from; none for one that measured these alone.
    """
    pairs = matches(a, b)
    ratio = np.array([_log_ratio(one, other) for one, other in pairs])
    half = np.array([[_half_width(m) for m in pair] for pair in pairs]).reshape(-1, 2)
    is_confirmed = np.array([[m.is_confirmed for m in pair] for pair in pairs], dtype=bool).reshape(-1, 2)
    shift = 0.0 if is_together else canary_shift or 0.0
    levels = [] if is_together else _levels_of(pairs, (a, b), campaigns)
    level = np.hypot(_added(len(pairs), levels), shift)
    names = [one.workload.name for one, _ in pairs]
    judged = verdicts(names, ratio, np.hypot(np.hypot(*half.T), level), band)
    found = tuple(
        replace(one, a_s=a.latency_s, b_s=b.latency_s) for one, (a, b) in zip(judged, pairs, strict=True)
    )
    taken = {id(one) for pair in pairs for one in pair}
    only_a, only_b = (tuple(one.workload.name for one in arm if id(one) not in taken) for arm in (a, b))
    known = np.flatnonzero(~np.isnan(ratio) & ~np.isnan(half).any(axis=1))
    common = math.hypot(level_half_width(*([arm[i] for i in known] for arm in levels)), shift)
    whole = _whole(ratio[known], half[known], is_confirmed[known], common, band)
    noise = np.where(is_confirmed.all(axis=1), np.hypot(*half.T), 0.0)
    apart = against_others(names, ratio, noise)
    return Comparison(whole, found, only_a, only_b, float(level.max(initial=0.0)), against_others=apart)


def against_others(names: Sequence[str], log_ratio: Floats, noise: Floats) -> tuple[Ratio, ...]:
    """Compares each workload's difference with the mean of all others.

    Args:
        names: The n workloads.
        log_ratio: Log ratio of the latencies of each, shape (n,); NaN where unknown.
        noise: Half-widths that noise gives each, shape (n,); 0 where they are not known. No interval is narrower.

    Returns:
        One for each workload, which is ``log_ratio`` less the mean of the others that are known; empty where these
        are fewer than five.
    """
    from scipy import special

    known = np.flatnonzero(np.isfinite(log_ratio))
    n = len(known)
    if n <= LEAST_OTHERS:
        return ()
    rest = log_ratio[known] - log_ratio[known].mean()
    own = rest * n / (n - 1)
    half = float(special.stdtrit(n - 1, 0.975)) * math.sqrt(float(rest @ rest) / (n - 1) * n / (n - 1))
    apart, width = np.full((2, len(names)), np.nan)
    apart[known], width[known] = own, np.fmax(half, noise[known])
    return tuple(map(Ratio, names, map(_known, apart.tolist()), map(_known, width.tolist())))


def _whole(ratio: Floats, half: Floats, is_confirmed: NDArray[np.bool_], level: float, band: float) -> Difference:
    """Judges all workloads of two arms together.

    The half-width of an unconfirmed workload says that it may be off by the machine's delay. All unconfirmed ones of an arm
    may be so together, so that their half-widths add up, whatever their number; noise is a small part of them.

    Args:
        ratio: Log ratio of each workload, shape (n,).
        half: Half-width of each latency, of the first and the second arm, shape (n, 2).
        is_confirmed: Whether it is confirmed, shape (n, 2).
        level: Half-width that the levels of separate campaigns add.
        band: Log ratios within it are of no consequence.
    """
    delays = np.where(is_confirmed, 0.0, half).sum(axis=0) / max(1, len(half))
    return overall(ratio, np.hypot(*np.where(is_confirmed, half, 0.0).T), math.hypot(level, *delays), band)


def _levels_of(
    pairs: Sequence[tuple[Measurement, Measurement]],
    arms: tuple[Sequence[Measurement], Sequence[Measurement]],
    campaigns: tuple[Campaigns, Campaigns],
) -> list[list[CampaignLevel]]:
    """Returns the level of the campaign that each matched measurement comes from, for either arm."""
    found = []
    for side, (arm, given) in enumerate(zip(arms, campaigns, strict=True)):
        levels = [(one.level, {id(m) for m in one.measurements}) for one in given or [MeasuredCampaign.of(arm)]]
        found.append([next(level for level, own in levels if id(pair[side]) in own) for pair in pairs])
    return found


def _added(n: int, levels: Sequence[Sequence[CampaignLevel]]) -> Floats:
    """Returns the half-width that levels add to the interval of each workload, shape (n,)."""
    kinds = list(zip(*levels, strict=True)) or [()] * n
    widths = {kind: level_half_width(*([level] for level in kind)) for kind in set(kinds)}
    return np.array([widths[kind] for kind in kinds])


def verdicts(names: Sequence[str], log_ratio: Floats, half_width: Floats, band: float = BAND) -> tuple[Difference, ...]:
    """Gives verdicts, corrected for their number.

    Args:
        names: The n workloads.
        log_ratio: Shape (n,); NaN where unknown.
        half_width: Half-width of the 95 % intervals, shape (n,); NaN where unknown.
        band: Log ratios within it are of no consequence.
    """
    p = holm(_beyond(log_ratio, half_width, band))
    rows = zip(names, log_ratio.tolist(), half_width.tolist(), p.tolist(), strict=True)
    return tuple(
        Difference(name, _known(ratio), _known(half), _known(value), _verdict(ratio, half, value, band))
        for name, ratio, half, value in rows
    )


def _beyond(log_ratio: Floats, half_width: Floats, band: float) -> Floats:
    """Returns two-sided p values of differences beyond the band; NaN where unknown."""
    from scipy import stats

    beyond = np.abs(log_ratio) - band
    error = np.maximum(half_width / Z, 1e-300)
    return np.asarray(np.minimum(1.0, 2.0 * stats.norm.sf(beyond / error)) + 0.0 * log_ratio)


def holm(p: Floats) -> Floats:
    """Returns Holm's adjusted p values, shape (n,); unknown ones (NaN) stay so and do not count."""
    known = np.flatnonzero(~np.isnan(p))
    order = known[np.argsort(p[known])]
    adjusted = np.full(len(p), math.nan)
    steps = np.arange(len(order), 0, -1)
    adjusted[order] = np.minimum(1.0, np.maximum.accumulate(steps * p[order])) if len(order) else []
    return adjusted


def _verdict(log_ratio: float, half_width: float, p: float, band: float) -> Verdict:
    if math.isnan(log_ratio) or math.isnan(half_width):
        return "AMBIGUOUS"
    if abs(log_ratio) - half_width > band and p <= ALPHA:
        return "FASTER" if log_ratio < 0 else "SLOWER"
    return "SAME" if abs(log_ratio) + half_width < band else "AMBIGUOUS"


def overall(log_ratio: Floats, half_width: Floats, common: float, band: float) -> Difference:
    """Judges the mean over the workloads whose ratio and interval are known; it is one claim and needs no correction.

    Args:
        log_ratio: Shape (n,); NaN where unknown.
        half_width: Half-widths of the independent parts of their 95 % intervals, shape (n,); NaN where unknown.
        common: Half-width that is common to workloads and no smaller for their number.
        band: Log ratios within it are of no consequence.
    """
    known = ~(np.isnan(log_ratio) | np.isnan(half_width))
    n = int(known.sum())
    if not n:
        return Difference("all", None, None, None, "AMBIGUOUS")
    half = math.hypot(math.sqrt(float((half_width[known] ** 2).sum())) / n, common)
    return verdicts(["all"], np.array([log_ratio[known].mean()]), np.array([half]), band)[0]


def _log_ratio(one: Measurement, other: Measurement) -> float:
    return math.nan if one.latency_s is None or other.latency_s is None else math.log(other.latency_s / one.latency_s)


def _half_width(m: Measurement) -> float:
    """Returns the half-width of a log latency, without what the level of its campaign adds to it."""
    return math.nan if m.paired_half_width is None else m.paired_half_width


def _known(value: float) -> float | None:
    return None if math.isnan(value) else value
