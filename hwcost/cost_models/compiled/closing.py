"""What a model makes of the sum of its leaves."""

from __future__ import annotations

from dataclasses import dataclass

from hwcost.cost_models.features.joint import JointTables

__all__ = ["Closing"]


@dataclass(frozen=True, eq=False)
class Closing:
    """An answer ``price * exp(sum + offset)``, where a price is ``max(table * scale, floor)``, or that of ``exp(table)``.

    Attributes:
        offset: Number that is added to the sum of the leaves.
        table: The price as a sum over groups of genes; None where there is none, which is a price of 1.
        scale: Factor of the table's sum, or of its exponential.
        floor: Least price.
        is_log: Whether the table's sum is a logarithm.
    """

    offset: float = 0.0
    table: JointTables | None = None
    scale: float = 1.0
    floor: float = 0.0
    is_log: bool = False
