"""Compares two commits, branches, runs, devices, backends, precisions or environments, place by place."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np

from hwcost.campaign.comparisons.arms import Arm
from hwcost.campaign.comparisons.compare_arms import compare_arms
from hwcost.campaign.comparisons.differences import BAND, Comparison, Difference, Ratio, verdicts
from hwcost.campaign.comparisons.references import Place, Reference, arms_of
from hwcost.errors import DataError
from hwcost.facts import differing

if TYPE_CHECKING:
    from hwcost.timing.measurement import Flag

__all__ = ["compare_references"]

SAME_MACHINE = {"commit", "branch", "run", "campaign"}
"""Axes along which the environments must agree; along the others that is what is compared."""

SHOWN = 10
"""Differing facts that are listed."""


def compare_references(
    a: Reference, b: Reference, *, allow_env_mismatch: bool = False, band: float = BAND
) -> tuple[Arm, Arm, Comparison]:
    """Compares two sides that differ along one or more axes.

    Only what both sides have is compared, on the same device with the same backend unless these are the axes.

    Args:
        a: The side to compare with.
        b: The other side, on which the verdicts are.
        allow_env_mismatch: Whether commits, branches and runs are compared although their environments differ.
        band: Log ratios within it are of no consequence.

    Returns:
        Both sides, each as one arm, and the comparison; it lists what else differs.

    Raises:
        DataError: When nothing is on both sides, or the environments must agree and differ.
        UnknownNameError: When a store has nothing of a value.
    """
    axes = {axis for axis in {*a.conditions, *b.conditions} if a.conditions.get(axis) != b.conditions.get(axis)}
    read: dict[tuple[str, str], Arm] = {}  # by precision, both sides may be of one campaign
    one, other = arms_of(a, axes, read), arms_of(b, axes, read)
    shared = [place for place in one if place in other]
    if not shared:
        raise DataError(f"nothing of {a} was measured where {b} was: {_places(one)} against {_places(other)}.")
    allow = allow_env_mismatch or not axes <= SAME_MACHINE
    found = [compare_arms(one[place], other[place], allow_env_mismatch=allow, band=band) for place in shared]
    lost = [_elsewhere(side, shared) for side in (one, other)]
    joined = _joined(found, band)
    differs = tuple(text for place in shared for text in _differing(one[place], other[place]))
    flags = () if not axes <= SAME_MACHINE else joined.flags
    first, second = _whole(one, str(a)), _whole(other, str(b))
    return first, second, replace(
        joined, only_a=(*joined.only_a, *lost[0]), only_b=(*joined.only_b, *lost[1]), flags=flags,
        differs=tuple(dict.fromkeys(differs))[:SHOWN],
    )  # fmt: skip


def _elsewhere(arms: Mapping[Place, Arm], shared: list[Place]) -> list[str]:
    """Names what only one side has, since the other measured nothing there."""
    return [one.workload.name for place, arm in arms.items() if place not in shared for one in arm.measurements]


def _joined(parts: list[Comparison], band: float) -> Comparison:
    """Joins the comparisons of several places; the correction is for all workloads together."""
    if len(parts) == 1:
        return parts[0]
    rows = [one for part in parts for one in part.workloads]
    ratio = np.array([np.nan if one.log_ratio is None else one.log_ratio for one in rows])
    half = np.array([np.nan if one.half_width is None else one.half_width for one in rows])
    judged = verdicts([one.name for one in rows], ratio, half, band)
    workloads = tuple(replace(new, a_s=old.a_s, b_s=old.b_s) for new, old in zip(judged, rows, strict=True))
    level = max(part.level_half_width for part in parts)
    flags: dict[Flag, None] = dict.fromkeys(flag for part in parts for flag in part.flags)
    only_a = tuple(name for part in parts for name in part.only_a)
    only_b = tuple(name for part in parts for name in part.only_b)
    apart = tuple(one for part in parts for one in part.against_others or map(_unknown, part.workloads))
    apart = apart if any(part.against_others for part in parts) else ()
    return Comparison(_overall(parts, band), workloads, only_a, only_b, level, tuple(flags), against_others=apart)


def _unknown(one: Difference) -> Ratio:
    """Returns what a workload differs by beyond the others where these are too few."""
    return Ratio(one.name, None, None)


def _overall(parts: list[Comparison], band: float) -> Difference:
    """Judges all workloads of several places together: the places' own means, whose campaigns are independent."""
    known = [sum(None not in (one.log_ratio, one.half_width) for one in part.workloads) for part in parts]
    means = [(n / sum(known), part.overall) for n, part in zip(known, parts, strict=True) if n]
    if not means:
        return Difference("all", None, None, None, "AMBIGUOUS")
    ratio = sum(share * (np.nan if one.log_ratio is None else one.log_ratio) for share, one in means)
    half = math.hypot(*(share * (np.nan if one.half_width is None else one.half_width) for share, one in means))
    return verdicts(["all"], np.array([ratio]), np.array([half]), band)[0]


def _differing(a: Arm, b: Arm) -> list[str]:
    """Lists the facts that differ between two arms, as text."""
    found = differing(a.environment, b.environment)
    return [f"{name}: {one} in A, {other} in B" for name, (one, other) in found.items()]


def _whole(arms: Mapping[Place, Arm], name: str) -> Arm:
    """Returns the arms of a side as one, for people."""
    parts = list(arms.values())
    if len(parts) == 1:
        return replace(parts[0], name=name)
    measurements = tuple(one for part in parts for one in part.measurements)
    return Arm(name, None, None, None, measurements, {})


def _places(arms: Mapping[Place, Arm]) -> str:
    return ", ".join(sorted({f"{device or 'any device'} with {backend or 'any backend'}" for device, backend, *_ in arms}))
