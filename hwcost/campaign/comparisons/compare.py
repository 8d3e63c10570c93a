"""Compares what two campaigns, two tables or two sides of a store's history hold."""

from __future__ import annotations

from collections.abc import Sequence
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost._arguments import NUMBER, check, of_type
from hwcost.campaign.comparisons.arms import Arm, read_arm
from hwcost.campaign.comparisons.compare_arms import compare_arms
from hwcost.campaign.comparisons.compare_axes import compare_references
from hwcost.campaign.comparisons.differences import BAND, Comparison
from hwcost.campaign.comparisons.references import parse_reference
from hwcost.campaign.comparisons.table_differences import compare_tables, is_table, read_tables
from hwcost.errors import DataError, UsageError
from hwcost.exchange.options import DEFAULTS, TableOptions
from hwcost.spaces.base import SearchSpace
from hwcost.timing.measurement import Measurement

if TYPE_CHECKING:
    from hwcost.campaign.result import Result
    from hwcost.exchange.table import LatencyTable

__all__ = ["by_axis", "compare", "table_pair"]


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
            other, or both arms are the same campaign or table.
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
        DataError: When both arms are the same table.
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
    if _is_one(a, b):
        which = f"the table '{a}'" if isinstance(a, (str, PathLike)) else "one table"
        raise DataError(f"both arms are {which}. Name two tables that measured the same architectures.")
    return first, second


def _is_one(a: Any, b: Any) -> bool:
    """Whether both arms are the same object, or paths of the same file."""
    if isinstance(a, (str, PathLike)) and isinstance(b, (str, PathLike)):
        return Path(a).resolve() == Path(b).resolve()
    return a is b
