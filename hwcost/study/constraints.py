"""Checks constraints before a search, and reports those that none or all of the architectures satisfy."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from hwcost.objectives.bound import Bound
from hwcost.objectives.limit import Limit
from hwcost.objectives.population import Population
from hwcost.searchers.drawing import uniform
from hwcost.searchers.problem import Problem
from hwcost.units import format_count, format_seconds

LOOKED_AT = 2000
"""Architectures that constraints are tried on; all of a space with no more."""


def remarks(problem: Problem) -> tuple[str, ...]:
    """Says which constraints none or all of the architectures satisfy, with the range of values that they reach.

    A large space is judged by a sample, in which rare feasible architectures may be missing: a remark is no refusal.
    Constraints that are measured, or checked by functions of the user's own, are left out, for their calls may be dear.

    Args:
        problem: Space, objectives and constraints.
    """
    limits = [one for one in problem.limits if not one.measured and (isinstance(one, Limit) or _is_cheap_bound(one))]
    if not limits:
        return ()
    population, drawn = _drawn(problem)
    masks = [np.asarray(limit.holds(population), dtype=bool) for limit in limits]
    found = [_remark(limit, mask, population, drawn) for limit, mask in zip(limits, masks, strict=True)]
    said = [one for one in found if one is not None]
    if len(limits) > 1 and all(mask.any() for mask in masks) and not np.all(masks, axis=0).any():
        said.append(f"none of {drawn} satisfies all constraints together. {_ADVICE}")
    return tuple(said)


_ADVICE = "The search may find nothing: loosen a constraint, or take another space."


def _is_cheap_bound(limit: object) -> bool:
    return isinstance(limit, Bound) and limit.is_cheap


def _drawn(problem: Problem) -> tuple[Population, str]:
    """Returns all architectures of a small space, or a sample with the first and the last choices of all genes."""
    if problem.space.size <= LOOKED_AT:
        whole = Population.everything(problem.space)
        return whole, f"the {len(whole)} architectures of the space"
    codes = uniform(problem.sizes, LOOKED_AT, np.random.default_rng(0))
    codes[0], codes[1] = 0, problem.sizes - 1
    return Population(problem.space, codes), f"{LOOKED_AT} architectures drawn from the space"


def _remark(limit: object, holds: NDArray[np.bool_], population: Population, drawn: str) -> str | None:
    if holds.any() and not holds.all():
        return None
    reached = _reached(limit, population)
    if holds.all():
        return f"all of {drawn} satisfy {_written(limit)}: {reached}. It excludes nothing; is its unit what you meant?"
    return f"none of {drawn} satisfies {_written(limit)}: {reached}. {_ADVICE}"


def _written(limit: object) -> str:
    """Writes a constraint for messages, for example ``latency_s <= 10.0 ms with probability 0.95``."""
    if isinstance(limit, Limit):
        sure = "" if limit.wanted is None else f" with probability {limit.wanted:g}"
        return f"{limit.name} <= {format_seconds(limit.max_s)}{sure}"
    ends = [(sign, getattr(limit, end)) for end, sign in (("most", "<="), ("least", ">="))]
    name = getattr(limit, "name", "")
    return " and ".join(f"{name} {sign} {_shown(name, value)}" for sign, value in ends if value is not None)


def _reached(limit: object, population: Population) -> str:
    """Returns the range of the values, and the number of architectures outside the domain of a cost model."""
    outside = 0
    if isinstance(limit, Limit):
        predicted = limit.cost.predict(population.genes)
        values, name = predicted.latency_s[predicted.in_domain], limit.name
        outside = int((~predicted.in_domain).sum())
    else:
        assert isinstance(limit, Bound)
        values, name = limit.values(population), limit.name
        values = values[np.isfinite(values)]
    beyond = f"{outside} lie outside the cost model's domain" if outside else ""
    span = f"they reach from {_shown(name, values.min())} to {_shown(name, values.max())}" if len(values) else ""
    return ", and ".join(part for part in (span, beyond) if part) or "none of them has a value"


def _shown(name: str, value: float) -> str:
    if name.endswith("_s"):
        return format_seconds(value)
    return format_count(value) if math.fabs(value) >= 1e4 else f"{value:.5g}"
