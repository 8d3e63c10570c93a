"""Compares what two campaigns measured, and refuses where their environments make that meaningless."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._arguments import NUMBER, check, of_type
from hwcost.campaign.comparisons.campaign_levels import MeasuredCampaign
from hwcost.campaign.comparisons.differences import BAND, Comparison, differences
from hwcost.campaign.comparisons.table_differences import compare_tables, is_table, read_tables
from hwcost.campaign.estimates.estimate import fit_campaign, visits_of
from hwcost.campaign.plans.plan import Plan, find_campaign
from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.facts import differing
from hwcost.spaces.base import SearchSpace
from hwcost.stores import open_store
from hwcost.stores.ids import utc
from hwcost.timing.arrival import BACK_TO_BACK
from hwcost.timing.guards import guards
from hwcost.timing.measurement import Flag, Measurement

if TYPE_CHECKING:
    from hwcost.campaign.run import Result
    from hwcost.exchange.table import LatencyTable
    from hwcost.stores.base import Store
    from hwcost.stores.schema import Campaign

__all__ = ["Arm", "compare", "read_arm"]

CANARY_SHIFT = 0.05
"""Shift of the canaries between two campaigns from which the machine is in doubt."""


@dataclass(frozen=True)
class Arm:
    """One side of a comparison.

    Attributes:
        name: Name of its source, for people.
        campaign_id: Its campaign; None for measurements given as they are.
        backend: Name of the backend, where known.
        device: Name of the device, where known.
        measurements: Measurements of the arm.
        environment: Facts that must agree; unknown ones are absent.
        canaries: Latency of each canary by its key, in seconds.
        campaigns: The campaigns that the measurements come from; empty for one of these measurements alone.
    """

    name: str
    campaign_id: str | None
    backend: str | None
    device: str | None
    measurements: tuple[Measurement, ...]
    environment: Mapping[str, Any]
    canaries: Mapping[str, float] = field(default_factory=dict)
    campaigns: tuple[MeasuredCampaign, ...] = ()


def compare(
    a: Result | str | Path | Sequence[Measurement] | Any,
    b: Result | str | Path | Sequence[Measurement] | Any,
    *,
    allow_env_mismatch: bool = False,
    band: float = BAND,
    space: SearchSpace | str = "table",
    table: TableOptions = DEFAULTS,
) -> Comparison:
    """Compares two arms workload by workload; the verdicts are on the second one.

    Args:
        a: The arm to compare with: what ``measure`` returned, a store (``runs.db``, its latest campaign), a campaign
            (``runs.db#ID``), the latest campaign of a backend or device (``runs.db#onnxruntime``), or measurements; or a
            table: the path of a CSV, JSON, Parquet or Excel file, or a data frame. Or all that a store holds along an axis,
            such as ``runs.db#commit:0123abc`` or ``runs.db#branch:main,device:cpu``; see
            :data:`hwcost.campaign.comparisons.references.AXES`.
        b: The other arm. Two lists of measurements count as measured together, in the same rounds of one campaign, unless
            one was whole before the other began: they are then those of two campaigns. Beside a table, another table.
        allow_env_mismatch: Whether to compare although the environments differ; what differs is then a flag.
        band: Log ratios within it are of no consequence; 1 % by default.
        space: Space of the rows of two tables.
        table: Options for the columns of two tables; architectures are matched by the column ``id`` where it is given.

    Raises:
        DataError: When the environments differ (W_ENV_MISMATCH, naming what does), no workload of one arm matches one of the
            other, or both arms are the same campaign.
        UnknownNameError: When a store has no such campaign.
        UsageError: When one arm is a table and the other is not.
    """
    given = {"space": space, "table": table, "band": band}
    check(given, table=of_type("hwcost.TableOptions(...)", TableOptions), band=NUMBER)
    check(given, space=of_type("a name such as 'table', or a search space", str, SearchSpace))
    tables = table_pair(a, b, space, table)
    if tables is not None:
        return compare_tables(*tables, band=band)
    if isinstance(a, str) and isinstance(b, str) and (found := by_axis(a, b, allow_env_mismatch, band)) is not None:
        return found[2]
    one, other = read_arm(a), read_arm(b)
    return compare_arms(one, other, allow_env_mismatch=allow_env_mismatch, band=band)


def by_axis(a: str, b: str, allow_env_mismatch: bool, band: float = BAND) -> tuple[Arm, Arm, Comparison] | None:
    """Compares two sides along an axis; None where neither names one.

    Raises:
        UsageError: When only one of them does.
    """
    from hwcost.campaign.comparisons.compare_axes import compare_references
    from hwcost.campaign.comparisons.references import parse_reference

    one, other = parse_reference(a), parse_reference(b)
    if one is None and other is None:
        return None
    if one is None or other is None:
        raise UsageError(f"'{a}' and '{b}': one names an axis and the other does not. Example: runs.db#commit:0123abc")
    return compare_references(one, other, allow_env_mismatch=allow_env_mismatch, band=band)


def table_pair(
    a: Any, b: Any, space: SearchSpace | str, options: TableOptions
) -> tuple[LatencyTable, LatencyTable] | None:
    """Reads both arms where they are tables; None where neither is.

    Raises:
        UsageError: When one arm is a table and the other is not, or options of tables are given for stores.
    """
    if not is_table(a) and not is_table(b):
        options.refuse_given("neither arm is one")
        return None
    for one, other in ((a, b), (b, a)):
        if not is_table(one):
            named = [f"'{arm}'" if isinstance(arm, (str, PathLike)) else type(arm).__name__ for arm in (one, other)]
            raise UsageError(
                f"{named[0]} is not a table and {named[1]} is one: compare two tables, or two campaigns. Measurements have "
                "rounds and an environment; rows of a table have neither."
            )
    first, second = read_tables((a, b), space, options)
    return first, second


def compare_arms(a: Arm, b: Arm, *, allow_env_mismatch: bool = False, band: float = BAND) -> Comparison:
    """Compares two arms that were read; see :func:`compare`."""
    is_one = a.campaign_id is not None and a.campaign_id == b.campaign_id
    if is_one and not _are_apart(a.measurements, b.measurements):
        raise DataError(f"both arms are campaign {a.campaign_id}. Name two, for example STORE#ID or STORE#BACKEND.")
    flag = guards.mismatch(differing(a.environment, b.environment))
    if flag is not None and not allow_env_mismatch:
        raise DataError(f"{flag} Or compare them nevertheless with --allow-env-mismatch (allow_env_mismatch=True).")
    is_together = is_one and len(a.campaigns) == len(b.campaigns) == 1
    if a.campaign_id is None and b.campaign_id is None:
        is_together = _overlap(a.measurements, b.measurements)
    shift = _canary_shift(a.canaries, b.canaries)
    found = differences(
        a.measurements, b.measurements, is_together=is_together, band=band, canary_shift=shift,
        campaigns=(a.campaigns, b.campaigns),
    )  # fmt: skip
    if not found.workloads:
        examples = " and ".join(f"'{arm.measurements[0].workload.name}'" for arm in (a, b) if arm.measurements)
        raise DataError(f"no workload of {a.name} is one of {b.name} (for example {examples}). Measure the same workloads.")
    return replace(found, flags=tuple(doubt for doubt in (flag, _moved(shift)) if doubt is not None))


def _are_apart(a: Sequence[Measurement], b: Sequence[Measurement]) -> bool:
    """Says whether no workload is in both lists, as those of two precisions in one campaign."""
    return not {one.workload.key for one in a} & {one.workload.key for one in b}


def _overlap(a: Sequence[Measurement], b: Sequence[Measurement]) -> bool:
    """Says whether neither of two lists was whole before the other began, as far as their visits have times."""
    spans = []
    for arm in (a, b):
        instants = [utc(one.started_at) for m in arm for one in m.visits if one.is_usable and one.started_at]
        if not instants:
            return True
        spans.append((min(instants), max(instants)))
    (begun, ended), (other_begun, other_ended) = spans
    return begun <= other_ended and other_begun <= ended


def _canary_shift(a: Mapping[str, float], b: Mapping[str, float]) -> float | None:
    """Returns the mean log ratio of the canaries that both campaigns have; None without any."""
    shifts = [math.log(b[key] / a[key]) for key in a if key in b]
    return sum(shifts) / len(shifts) if shifts else None


def _moved(shift: float | None) -> Flag | None:
    if shift is None or abs(math.expm1(shift)) <= CANARY_SHIFT:
        return None
    text = f"the canaries of the second campaign took {100 * math.expm1(shift):+.1f} % longer than those of the first."
    return Flag("W_UNSTABLE_HOST", text, "Measure both arms again, one right after the other or in one campaign.")


def read_arm(source: Result | str | Path | Sequence[Measurement]) -> Arm:
    """Reads one side of a comparison; see :func:`compare` for what it may be.

    Raises:
        UsageError: When it is something else.
    """
    from hwcost.campaign.run import Result

    if isinstance(source, Result):
        with open_store(source.store_url, create=False) as store:
            return arm_of_campaign(store, store.campaign(source.campaign_id), source.campaign_id)
    if isinstance(source, (str, Path)):
        location, _, wanted = str(source).partition("#")
        with open_store(location, create=False) as store:
            return arm_of_campaign(store, _campaign(store, wanted), str(source))
    held = tuple(source) if isinstance(source, Iterable) else (source,)
    if not all(isinstance(one, Measurement) for one in held):
        raise UsageError(
            "an arm is the result of measure, a store, a campaign in one, measurements, or a table; got "
            f"{source!r:.60} ({type(source).__name__})"
        )
    return Arm("measurements", None, None, None, held, {})


def _campaign(store: Store, wanted: str) -> Campaign:
    """Finds a campaign by id, by the beginning of its id, or as the latest of a backend or device."""
    if not wanted:
        return find_campaign(store)
    campaigns = store.campaigns()
    for one in reversed(campaigns):
        if wanted in (one.campaign_id, one.plan.get("backend"), one.plan.get("device")):
            return one
    begun = [one for one in campaigns if one.campaign_id.startswith(wanted)]
    if len(begun) == 1:
        return begun[0]
    names = [name for one in campaigns for name in (one.campaign_id, one.plan.get("backend"), one.plan.get("device"))]
    raise UnknownNameError("campaign, backend or device", wanted, {name for name in names if name is not None})


def arm_of_campaign(store: Store, campaign: Campaign, name: str) -> Arm:
    """Reads a campaign as one side of a comparison.

    Args:
        store: Store that holds it.
        campaign: The campaign.
        name: Name of its source, for people.
    """
    plan = campaign.plan
    fit = fit_campaign(Plan.from_dict(plan), visits_of(store, campaign.campaign_id))
    canaries = {} if fit.canaries is None else fit.canaries.latency_s
    record = next(store.records(campaign.campaign_id), None)
    planned = {"threads": plan.get("threads"), "arrival": _arrival(plan)}
    facts = {} if record is None else record.environment.deciding | planned
    return Arm(
        name, campaign.campaign_id, plan.get("backend"), plan.get("device"), fit.measurements, facts, canaries,
        (MeasuredCampaign.fitted(fit),),
    )  # fmt: skip


def _arrival(plan: Mapping[str, Any]) -> str:
    """Returns when the calls of a campaign arrived; plans of earlier versions knew no pauses."""
    return str(plan.get("protocol", {}).get("arrival", BACK_TO_BACK))
