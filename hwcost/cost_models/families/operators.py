"""Makes a lookup table of a declared space from a table of operator latencies that were measured elsewhere."""

from __future__ import annotations

from pathlib import Path

from hwcost._arguments import NUMBER, check
from hwcost.cost_models.base import SPACE
from hwcost.cost_models.families.lut import LookupTable
from hwcost.errors import DataError, UsageError
from hwcost.exchange.operators import OperatorTable, read_operators
from hwcost.spaces.base import SearchSpace

NAMED = 5
"""Operators that a message names."""


def lookup_table(
    space: SearchSpace, source: str | Path | OperatorTable, unit: str | None = None, overhead_s: float = 0.0
) -> LookupTable:
    """Makes a cost model of a table of operators that were measured elsewhere: an architecture costs what its operators do.

    Args:
        space: A space that declares its operators, see :mod:`hwcost.spaces.operators`.
        source: The table, or its file, see :func:`hwcost.exchange.operators.read_operators`; it may hold more operators.
        unit: Unit of the file's latencies; None where its header says it.
        overhead_s: Seconds that every architecture takes beside its operators.

    Returns:
        The cost model; it has no interval, because a table of operators does not show how well they add up.

    Raises:
        DataError: When the table is damaged, or lacks an operator of the space; names it.
        UsageError: When the space declares no operators.
    """
    check({"space": space, "overhead_s": overhead_s}, space=SPACE, overhead_s=NUMBER)
    wanted = [part.name for part in space.components()]
    if not wanted or space.is_buildable:
        raise UsageError(
            f"space '{space.name}' declares no operators. Declare what its architectures are made of, such as "
            'operators=["layer-{width}"], see docs/own-model.md'
        )
    table = source if isinstance(source, OperatorTable) else read_operators(source, unit)
    if missing := [name for name in wanted if name not in table.latency_s]:
        more = f" and {len(missing) - NAMED} more" if len(missing) > NAMED else ""
        known = ", ".join(list(table.latency_s)[:NAMED])
        raise DataError(
            f"{table.path} lacks {len(missing)} of the {len(wanted)} operators of the space: "
            f"{', '.join(missing[:NAMED])}{more}. It holds {len(table.latency_s)}, such as {known}. "
            "Add them to the table: an operator that was not measured is never priced as zero."
        )
    prices = {name: table.latency_s[name] for name in wanted}
    model = LookupTable.from_components(space, prices, overhead_s)
    model.provenance = {
        "data": Path(table.path).name, "priced_by": "operators", "operators": len(wanted), "remarks": list(table.remarks)
    }  # fmt: skip
    return model
