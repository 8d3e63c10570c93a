"""The whole front of two sums over genes, and the best under a budget: exactly, by dynamic programming.

A lookup table's latency is a sum over genes, or over genes and pairs of neighbours; so are parameters and FLOPs. Going gene
by gene, a partial choice that another one dominates, with the same last gene where neighbours interact, can never become
part of the front. What is left after the last gene is the front of all architectures, billions or not, and it is proved.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Codes, Floats
from hwcost.cost_models.tabulate import Tables, tabulate
from hwcost.errors import UsageError
from hwcost.objectives.constraint import Constraint
from hwcost.objectives.cost_function import is_vectorised, name_of
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

PROBES = 256
"""Random architectures on which tables are compared with the function that they stand for."""
AGREEMENT = 1e-9
"""Largest relative difference there."""


class Front(NamedTuple):
    """Choices that no other one dominates, by the first sum.

    Attributes:
        codes: Shape (n, genes).
        values: Both sums, shape (n, 2).
    """

    codes: Codes
    values: Floats

    def best_under(self, budget: float) -> Codes | None:
        """Returns the codes of the least second sum whose first one is within a budget; None when nothing is."""
        within = np.searchsorted(self.values[:, 0], budget, side="right")
        return None if within == 0 else self.codes[within - 1]


def front(first: Tables, second: Tables) -> Front:
    """Finds the front of two sums over the same genes; both are minimised.

    Args:
        first: Tables of the first sum, for example latency.
        second: Tables of the second sum, for example perplexity.

    Raises:
        UsageError: When the tables are of other genes.
    """
    sizes = [len(table) for table in first.single]
    if sizes != [len(table) for table in second.single]:
        raise UsageError("both tables must be of the same genes")
    both = [np.stack([a, b], axis=-1) for a, b in zip(first.single, second.single, strict=True)]
    pairs = _pairs(first, second, sizes)
    start = np.array([float(first.base), float(second.base)])
    states = [_State(start + both[0][code], np.full((1, 1), code)) for code in range(sizes[0])]
    for gene in range(1, len(sizes)):
        merged = None if pairs[gene - 1] is not None else [_merged(states)]
        states = [
            _merged([
                state.extended(both[gene][code] + (0.0 if merged else pairs[gene - 1][last, code]), code)  # type: ignore[index]
                for last, state in enumerate(merged or states)
            ])
            for code in range(sizes[gene])
        ]  # fmt: skip
    last = _merged(states)
    return Front(last.codes, last.values)


@dataclass(frozen=True)
class _State:
    """Partial choices that may still become part of the front, by the first sum."""

    values: Floats
    codes: Codes

    def __post_init__(self) -> None:
        object.__setattr__(self, "values", self.values.reshape(-1, 2))

    def extended(self, added: Floats, code: int) -> _State:
        """Returns the state with one gene more."""
        column = np.full((len(self.codes), 1), code)
        return _State(self.values + added, np.concatenate([self.codes, column], axis=1))


def _merged(states: Sequence[_State]) -> _State:
    """Joins states and drops what is dominated, and all but one of what is equal."""
    values = np.concatenate([state.values for state in states])
    codes = np.concatenate([state.codes for state in states])
    order = np.lexsort((values[:, 1], values[:, 0]))
    best = np.minimum.accumulate(values[order, 1])
    kept = order[np.concatenate([[True], best[1:] < best[:-1]])]
    return _State(values[kept], codes[kept])


def _pairs(first: Tables, second: Tables, sizes: list[int]) -> list[Floats | None]:
    """Returns what every pair of neighbours adds to both sums; None where neighbours do not interact."""
    found: list[Floats | None] = []
    for gene in range(len(sizes) - 1):
        empty = np.zeros((sizes[gene], sizes[gene + 1]))
        pair = np.stack([one.pairs[gene] if one.pairs else empty for one in (first, second)], axis=-1)
        found.append(pair if pair.any() else None)
    return found


def tables_of(function: Any, sizes: Sequence[int] | Codes, seed: int = 0) -> Tables:
    """Returns a cost function as a sum over genes, and pairs of neighbours, in an order-preserving scale.

    A cost function that has ``tables()`` says so itself. Any other vectorised one is tabulated, plainly or by its
    logarithm, and compared with itself on random architectures.

    Raises:
        UsageError: When it is not such a sum, or values architectures one by one only.
    """
    if hasattr(function, "tables"):
        own = function.tables()
        if own is not None:
            return own  # type: ignore[no-any-return]
    if not is_vectorised(function):
        raise UsageError(
            f"{name_of(function)} is valued one architecture at a time; exact search needs sums over genes, such as a "
            f"lookup table or a size"
        )
    sizes = [int(size) for size in sizes]
    rng = np.random.default_rng(seed)
    probes = np.stack([rng.integers(size, size=PROBES) for size in sizes], axis=1)
    wanted = np.asarray(function.predict_codes(probes))
    for is_log in (False, True) if (wanted > 0).all() else (False,):

        def scaled(codes: Any, is_log: bool = is_log) -> Floats:
            values = np.asarray(function.predict_codes(np.asarray(codes)), dtype=np.float64)
            return np.log(values) if is_log else values

        for with_pairs in (False, True):
            tables = tabulate(scaled, sizes, with_pairs)
            expected = scaled(probes)
            if np.allclose(tables(probes), expected, rtol=AGREEMENT, atol=AGREEMENT * float(np.abs(expected).max())):
                return tables
    raise UsageError(
        f"{name_of(function)} is not a sum over genes or neighbouring genes; fit a lookup table (model='lut') for exact "
        f"search, or take another searcher"
    )


class Exact(Searcher):
    """Asks for nothing but the answer: the front of two objectives, or the best of one under a constraint.

    Args:
        problem: Problem of two sums over genes: two objectives, or one and at most one constraint on another.
        seed: Unused; part of the protocol.

    Attributes:
        is_proved: Whether no other architecture can be better. It is not where a cost model's domain, which is not a sum,
            keeps a member of the front out.

    Raises:
        UsageError: When the problem is not of that kind, or several points of the space stand for one net.
    """

    name = "exact"
    max_objectives = 2
    batch = 256

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        super().__init__(problem, seed)
        if problem.space.has_isomorphs:
            raise UsageError(
                f"in space '{problem.space.name}' several points stand for one net, so that its cost is not a sum over "
                f"genes; take another searcher"
            )
        if problem.measured or len(problem.constraints) + len(problem.objectives) > 2:
            raise UsageError(
                f"exact search takes two sums: two objectives, or one and a constraint that is not measured; got "
                f"{len(problem.objectives)} objectives and {len(problem.constraints)} constraints"
            )
        own = [_signed(tables_of(one.value, problem.sizes), one.sign) for one in problem.objectives]
        others = [_constrained(one, problem.sizes) for one in problem.constraints]
        found = Candidates(problem.space, front((others or own)[0], own[-1]).codes)
        self.is_proved = True
        self._answer: Candidates | None = None
        self._front = found
        self._next = 0

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        if self._answer is None:
            self._answer = self._answered()
        taken = self._answer[self._next : self._next + n]
        self._next += n
        return taken

    def _answered(self) -> Candidates:
        """Returns the feasible members of the front that have values; of one objective, the best of them."""
        known = [values for values in self.problem.known(self._front) if values is not None]
        has_values = np.all([np.isfinite(values) for values in known], axis=0)
        kept: NDArray[np.bool_] = has_values & self.feasible(self._front)
        if not kept.any():
            if self._sums_hold(self._front).all(axis=0).any():
                raise UsageError(
                    "the whole exact front lies outside what a cost model was fitted on; fit it on more, or take a searcher "
                    "that looks elsewhere"
                )
            raise self.rejections.infeasible()
        if len(self.problem.objectives) == 2:
            self.is_proved = bool(kept.all())
            return self._front[kept]
        last = int(np.flatnonzero(kept)[-1])  # the front goes up in the constrained sum and down in the objective
        better = self._front[np.arange(last + 1, len(self._front))]
        self.is_proved = not self._sums_hold(better).any()
        return self._front[[last]]

    def _sums_hold(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Says where each constraint holds as far as it is a sum, without a cost model's domain; shape (constraints, n)."""
        found = [one.within(one.value.predict_codes(candidates.codes)) for one in self.problem.constraints]
        return np.array(found, dtype=bool).reshape(len(found), len(candidates))

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns nothing."""

    def _state(self) -> dict[str, Any]:
        return {"next": self._next}

    def _restore(self, state: dict[str, Any]) -> None:
        self._answer = self._answered() if state["next"] else None
        self._next = int(state["next"])


def _constrained(constraint: Constraint, sizes: Sequence[int] | Codes) -> Tables:
    """Returns the tables of a constraint's value, with the sign that makes less of it feasible."""
    if constraint.most is not None and constraint.least is not None:
        raise UsageError(f"exact search takes constraints with one bound, on cost models and sizes; got {constraint!r}")
    return _signed(tables_of(constraint.value, sizes), 1 if constraint.most is not None else -1)


def _signed(tables: Tables, sign: int) -> Tables:
    return Tables(sign * tables.base, [sign * one for one in tables.single], [sign * one for one in tables.pairs])

