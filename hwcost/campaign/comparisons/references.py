"""One side of a comparison along an axis: all that a store holds of a run, commit, branch, device, backend and so on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, TypeVar

from hwcost.campaign.comparisons.arms import Arm, arm_of_campaign
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.stores import open_store
from hwcost.stores.environment import Environment
from hwcost.stores.runs import Run

if TYPE_CHECKING:
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

__all__ = ["AXES", "Place", "Reference", "arms_of", "parse_reference"]

AXES = ("commit", "branch", "run", "campaign", "device", "backend", "precision", "environment")
"""Axes along which two sides of a comparison may differ."""

OF_RUNS = ("run", "commit", "branch")
"""Axes of runs; the others are those of campaigns and workloads."""

_One = TypeVar("_One", "Run", "Campaign")
_CONDITION = re.compile(rf"({'|'.join(AXES)}):(.+)")

Place = tuple[str, str, str, int]
"""Device, backend, options of the backend as JSON, and threads: what one campaign has in common."""


@dataclass(frozen=True)
class Reference:
    """A store, and what of it is meant.

    Attributes:
        location: Path or URL of the store.
        conditions: Value by axis; all must hold.
    """

    location: str
    conditions: Mapping[str, str]

    def __str__(self) -> str:
        return f"{self.location}#{','.join(f'{axis}:{value}' for axis, value in self.conditions.items())}"


def parse_reference(text: str) -> Reference | None:
    """Reads ``STORE#AXIS:VALUE[,AXIS:VALUE]``; None where what stands behind the store names no axis.

    Raises:
        UsageError: When some of several conditions name no axis, or one axis stands twice.
    """
    location, _, wanted = text.partition("#")
    parts = [_CONDITION.fullmatch(part.strip()) for part in wanted.split(",")]
    if not location or parts[0] is None:
        return None
    found: dict[str, str] = {}
    for part in parts:
        if part is None or part[1] in found:
            form = "AXIS:VALUE, each axis once, with commas between"
            raise UsageError(f"'{wanted}': expected {form}. Axes: {', '.join(AXES)}")
        found[part[1]] = part[2]
    return Reference(location, found)


def arms_of(
    reference: Reference, axes: Iterable[str], read: dict[tuple[str, str], Arm] | None = None
) -> dict[Place, Arm]:
    """Reads one side of a comparison: an arm for every device and backend.

    Where the latest campaign that is meant belongs to a run, all campaigns of that run are, else that campaign alone.

    Args:
        reference: Store and conditions.
        axes: Axes along which the sides differ; places leave device and backend out then.
        read: Arms of campaigns that were read before, by store and campaign; those that are read now are added.

    Raises:
        UnknownNameError: When the store has nothing of a value; lists the known ones.
        DataError: When no campaign meets all conditions.
    """
    with open_store(reference.location, create=False) as store:
        campaigns = _matching(store, store.runs(), reference)
        latest = campaigns[-1]
        same_run = [one for one in campaigns if latest.run_id is not None and one.run_id == latest.run_id]
        return _merged(store, same_run or [latest], reference, set(axes), {} if read is None else read)


def _matching(store: Store, runs: Sequence[Run], reference: Reference) -> list[Campaign]:
    """Returns the campaigns that meet all conditions, the oldest first; never an empty list."""
    conditions = dict(reference.conditions)
    of_runs = {axis: conditions.pop(axis) for axis in OF_RUNS if axis in conditions}
    if of_runs:
        kept = list(runs)
        for axis, value in of_runs.items():
            kept = _kept(kept, {run.run_id: _of_run(run, axis) for run in runs}, axis, value, reference)
        found = next((found for run in reversed(kept) if (found := store.campaigns(run.run_id))), [])
    else:
        found = store.campaigns()
    for axis, value in conditions.items():
        found = _kept(found, {one.campaign_id: _of_campaign(store, one, axis) for one in found}, axis, value, reference)
    if not found:
        raise DataError(f"{reference}: there is no campaign. Measure with --store first.")
    return found


def _kept(
    found: Sequence[_One], values: Mapping[str, Sequence[str]], axis: str, wanted: str, reference: Reference
) -> list[_One]:
    """Returns the runs or campaigns that have a value on an axis; commits and ids may be given by their beginning.

    Raises:
        UnknownNameError: When nothing has it.
        DataError: When only what another condition leaves out has it.
    """
    own = {one.run_id if isinstance(one, Run) else one.campaign_id: one for one in found}
    exact = [one for key, one in own.items() if wanted in values[key]]
    kept = exact or [one for key, one in own.items() if _begins(values[key], wanted, axis)]
    if not kept:
        everything = {value for of_one in values.values() for value in of_one}
        if wanted in everything or _begins(sorted(everything), wanted, axis):
            raise DataError(f"{reference}: no campaign meets all of that.")
        raise UnknownNameError(axis, wanted, everything)
    return kept


def _of_run(run: Run, axis: str) -> list[str]:
    code = run.code
    value = {"run": run.run_id, "commit": code and code.commit, "branch": code and code.branch}[axis]
    return [value] if value else []


def _of_campaign(store: Store, campaign: Campaign, axis: str) -> list[str]:
    if axis == "environment":
        return _facts(store, campaign)
    if axis == "precision":
        return sorted({str(item["workload"].get("dtype")) for item in campaign.plan.get("items", ())})
    value = campaign.campaign_id if axis == "campaign" else campaign.plan.get(axis)
    return [] if value is None else [str(value)]


def _facts(store: Store, campaign: Campaign) -> list[str]:
    """Returns the facts of a campaign's environment as ``NAME=VALUE``; of a map, ``NAME.ENTRY=VALUE``."""
    record = next(store.records(campaign.campaign_id), None)
    groups = Environment() if record is None else record.environment
    facts: dict[str, Any] = {}
    for group in (groups.device, groups.host, groups.software, groups.settings):
        facts |= dict(group)
    return list(_texts(facts))


def _texts(facts: Mapping[str, Any], owner: str = "") -> Iterator[str]:
    for name, value in sorted(facts.items()):
        if isinstance(value, Mapping):
            yield from _texts(value, f"{owner}{name}.")
        elif isinstance(value, (str, int, float)):
            yield f"{owner}{name}={value}"


def _begins(values: Sequence[str], wanted: str, axis: str) -> bool:
    """Says whether a commit, run or campaign begins with what was given."""
    return axis in ("commit", "run", "campaign") and len(wanted) >= 4 and any(one.startswith(wanted) for one in values)


def _merged(
    store: Store,
    campaigns: Sequence[Campaign],
    reference: Reference,
    axes: set[str],
    read: dict[tuple[str, str], Arm],
) -> dict[Place, Arm]:
    """Joins the campaigns of each place, which differ in shapes; every workload keeps the level of its own campaign."""
    found: dict[Place, Arm] = {}
    for campaign in campaigns:
        key, place = (reference.location, campaign.campaign_id), _place(campaign, axes)
        if key not in read:
            read[key] = arm_of_campaign(store, campaign, str(reference))
        arm = replace(read[key], name=str(reference))
        if precision := reference.conditions.get("precision"):
            kept = tuple(one for one in arm.measurements if one.workload.dtype == precision)
            arm = replace(arm, measurements=kept)
        other = found.get(place)
        if other is not None:
            joined = (*other.measurements, *arm.measurements)
            canaries = {**other.canaries, **arm.canaries}
            arm = replace(other, measurements=joined, canaries=canaries, campaigns=(*other.campaigns, *arm.campaigns))
        found[place] = arm
    return found


def _place(campaign: Campaign, axes: set[str]) -> Place:
    plan = campaign.plan
    device = "" if "device" in axes else str(plan.get("device"))
    backend = "" if "backend" in axes else str(plan.get("backend"))
    options = "" if "backend" in axes else json.dumps(plan.get("backend_options") or {}, sort_keys=True)
    return device, backend, options, int(plan.get("threads") or 1)
