"""What a cost model predicts: a quantity, whose name ends in its unit where it has one."""

from __future__ import annotations

LATENCY = "latency_s"
"""The quantity that a cost model predicts unless it was made for another one."""

UNITS = {"_s": "s", "_j": "J", "_w": "W", "_bytes": "B", "_flops": "flop"}
"""Unit by the end of a quantity's name."""

DIMENSIONLESS = "1"


def unit_of(quantity: str) -> str:
    """Returns the unit of a quantity; ``1`` for a bare number such as ``perplexity``."""
    return next((unit for end, unit in UNITS.items() if quantity.endswith(end)), DIMENSIONLESS)
