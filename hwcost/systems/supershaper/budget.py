"""The bound on latency that a given net is sure to keep."""

from __future__ import annotations

from hwcost.cost_models.base import CostModel
from hwcost.objectives import Constraint
from hwcost.spaces import Architecture

RESOLUTION = 1e-6
"""Relative resolution of the bound."""


def least_budget_s(cost: CostModel, arch: Architecture, probability: float | None) -> float:
    """Returns the least bound on latency that a net keeps with a probability, in seconds, by bisection.

    A measured architecture is not an exception: a bound asks for what the model's errors allow.

    Args:
        cost: The latency model.
        arch: The net.
        probability: Probability that the net keeps the bound; None takes the prediction as it is.
    """
    low = high = float(cost.predict([arch]).latency_s[0])

    def is_kept(budget_s: float) -> bool:
        return bool(Constraint(cost, most=budget_s, probability=probability or 0).feasible([arch])[0])

    while is_kept(low):
        low /= 1.25
    while not is_kept(high):
        high *= 1.25
    while high / low > 1 + RESOLUTION:
        middle = (low * high) ** 0.5
        low, high = (low, middle) if is_kept(middle) else (middle, high)
    return high
