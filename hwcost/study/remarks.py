"""Remarks before a search: on constraints that none or all of the architectures satisfy, and on doubtful cost models."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.cost_models.base import CostModel
from hwcost.cost_models.unconfirmed_level import UnconfirmedLevel
from hwcost.objectives.constraint import Constraint
from hwcost.objectives.cost_function import name_of
from hwcost.searchers.operators import uniform
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

EXAMINED = 2000
"""Architectures that constraints are tried on; all of a space with no more."""

ADVICE = "The search may find nothing: loosen a constraint, or take another space."


def remarks(problem: Problem) -> tuple[str, ...]:
    """Says which constraints none or all of the architectures satisfy, with the range of values that they reach.

    Cost models of measurements that hardly ever saw the machine uncontended are named first. A large space is judged by a
    sample, in which rare feasible architectures may be missing: a remark rejects nothing.
    Constraints that are measured, or checked by functions of the user's own, are left out, for their calls may be expensive.

    Args:
        problem: Space, objectives and constraints.
    """
    return (*_of_levels(problem), *_of_constraints(problem))


def _of_levels(problem: Problem) -> list[str]:
    """Says which cost models predict at a level that is unconfirmed, each once."""
    models = {id(model): model for model in (getattr(value, "cost", value) for value in problem.asked)}
    levels = [
        (name_of(model), UnconfirmedLevel.in_provenance(model.provenance))
        for model in models.values()
        if isinstance(model, CostModel)
    ]
    return [f"{name}: {level}" for name, level in levels if level is not None]


def _of_constraints(problem: Problem) -> list[str]:
    """Says which constraints none or all of the architectures satisfy."""
    constraints = [one for one in problem.constraints if one.is_vectorised and not one.measured]
    if not constraints:
        return []
    candidates, drawn = _drawn(problem)
    masks = [one.feasible(candidates) for one in constraints]
    found = [_remark(one, mask, candidates, drawn) for one, mask in zip(constraints, masks, strict=True)]
    texts = [one for one in found if one is not None]
    if len(constraints) > 1 and all(mask.any() for mask in masks) and not np.all(masks, axis=0).any():
        texts.append(f"none of {drawn} satisfies all constraints together. {ADVICE}")
    return texts


def _drawn(problem: Problem) -> tuple[Candidates, str]:
    """Returns all architectures of a small space, or a sample with the first and the last choices of all genes."""
    if problem.space.size <= EXAMINED:
        whole = Candidates.all(problem.space)
        return whole, f"the {len(whole)} architectures of the space"
    codes = uniform(problem.sizes, EXAMINED, np.random.default_rng(0))
    codes[0], codes[1] = 0, problem.sizes - 1
    return Candidates(problem.space, codes), f"{EXAMINED} architectures drawn from the space"


def _remark(constraint: Constraint, mask: NDArray[np.bool_], candidates: Candidates, drawn: str) -> str | None:
    if mask.any() and not mask.all():
        return None
    reached = _reached(constraint, candidates)
    if mask.all():
        return f"all of {drawn} satisfy {constraint}: {reached}. It excludes nothing; is its unit what you meant?"
    return f"none of {drawn} satisfies {constraint}: {reached}. {ADVICE}"


def _reached(constraint: Constraint, candidates: Candidates) -> str:
    """Returns the range of the values, and the number of architectures whose value is unknown."""
    values = constraint.values(candidates)
    known = values[np.isfinite(values)]
    outside = len(values) - len(known)
    beyond = f"{outside} lie outside the cost model's domain" if outside else ""
    ends = [constraint.formatted(end) for end in (known.min(), known.max())] if len(known) else []
    span = f"they reach from {ends[0]} to {ends[1]}" if ends else ""
    return ", and ".join(part for part in (span, beyond) if part) or "none of them has a value"
