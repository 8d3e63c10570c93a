"""The contract of a searcher: it asks for candidates and learns from their trials; it evaluates nothing.

Lifecycle: a study makes one searcher for one problem, and then alternates :meth:`Searcher.ask` and :meth:`Searcher.tell`.
Trials may arrive in any order, in part, and for architectures that were never asked for. Duplicates, the log and the
evaluation belong to the study.

Randomness is a function of the seed and of the number of earlier asks. So asking anew, after the same trials, gives the same
candidates, on any machine and after any interruption.

A searcher belongs to one thread. It holds nothing but plain data, so that :meth:`Searcher.state` is all there is to keep.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterable, Sequence
from itertools import compress
from typing import Any, ClassVar

import numpy as np
from numpy.typing import NDArray

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.errors import HwcostError, SpaceExhausted, UsageError
from hwcost.searchers.problem import FEASIBLE, Problem
from hwcost.searchers.rejections import Rejections
from hwcost.searchers.trial import Trial, Trials
from hwcost.searchers.unasked import Unasked
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates, codes_of, key_of

INFEASIBLE_ASKS = 50
"""Asks in a row that give infeasible candidates only, after which a searcher is taken to have nothing else."""


class Searcher(ABC):
    """Proposes candidates of a problem.

    Subclasses give ``_ask`` and ``_tell`` and, where they remember more than which candidates were evaluated, ``_state`` and
    ``_restore``. They check constraints with :meth:`feasible`, so that they can ask for others instead.

    Args:
        problem: Space, objectives and constraints.
        seed: Seed of all random draws; equal seeds give equal searches.

    Attributes:
        max_objectives: Number of objectives that it can pursue at once; None for any number.
        batch: Number of candidates of an ask that suits the algorithm.
        references: Losses to be dominated, shape (objectives,), or None; a study that evaluates a reference architecture
            sets them.
        asks: Number of asks so far.
        pending: Keys of candidates that were asked for and whose trials are missing.
        evaluated: Keys of candidates whose trials are known.
        rejections: Candidates that constraints kept from being asked for.

    Raises:
        UsageError: When there are more objectives than it can pursue.
    """

    name: ClassVar[str]
    max_objectives: ClassVar[int | None] = None
    batch: int = 1

    def __init__(self, problem: Problem, seed: int = 0) -> None:
        if self.max_objectives is not None and len(problem.objectives) > self.max_objectives:
            raise UsageError(
                f"the searcher '{self.name}' pursues {self.max_objectives} objective, not {len(problem.objectives)}: make "
                f"constraints of the others, or take one that knows fronts, such as nsga2 or bayesian"
            )
        self.problem = problem
        self.seed = seed
        self.references = problem.references
        self.asks = 0
        self.pending: dict[bytes, None] = {}
        self.evaluated: dict[bytes, None] = {}
        self.rejections = Rejections(problem)
        self._passed: set[bytes] = set()  # keys of candidates that were found feasible

    # -- what a subclass gives -----------------------------------------------------------------------------------------

    @abstractmethod
    def _ask(self, n: int, rng: np.random.Generator) -> Sequence[Architecture]:
        """Returns at most n feasible candidates; none to wait for the trials of pending ones.

        A list of architectures is turned into candidates. Those behind the first n are left out, and so are infeasible ones,
        each of which is recorded as a rejection.

        Raises:
            SpaceExhausted: When nothing is left to ask for.
            InfeasibleError: When nothing satisfies the constraints.
        """

    @abstractmethod
    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        """Learns from trials.

        Args:
            candidates: n evaluated candidates.
            losses: Values to be minimised, shape (n, objectives); infinite for failed trials.
            violations: Violations of the measured constraints, shape (n,).
        """

    def _state(self) -> dict[str, Any]:
        """Returns what else is remembered, as plain JSON."""
        return {}

    def _restore(self, state: dict[str, Any]) -> None:  # noqa: B027 - most have nothing else to remember
        """Reads what ``_state`` returned."""

    # -- the protocol --------------------------------------------------------------------------------------------------

    def ask(self, n: int | None = None) -> Candidates:
        """Proposes candidates.

        Args:
            n: Largest number of candidates; by default the searcher's ``batch``.

        Returns:
            No more than n; none when the trials of pending ones are needed first.

        Raises:
            SpaceExhausted: When nothing is left to ask for.
            InfeasibleError: When nothing satisfies the constraints.
            UsageError: When n is not positive, or the searcher gives anything but architectures of the space.
        """
        number = self.batch if n is None else n
        if number < 1:
            raise UsageError(f"at least one architecture must be asked for, got {number}")
        if not self.asks:
            self.problem.refuse_impossible()
        for _ in range(INFEASIBLE_ASKS):
            rng = np.random.default_rng([self.seed, self.asks])
            self.asks += 1
            proposed = self._converted(self._ask(number, rng), number)
            candidates = self._allowed(proposed)
            if len(candidates) or self.pending or not len(proposed):
                break
        else:
            raise self._only_infeasible()
        if not len(candidates) and not self.pending:
            known = len(self.evaluated)
            raise SpaceExhausted(f"the searcher '{self.name}' has nothing left to ask for after {known} trials")
        self.pending.update(dict.fromkeys(candidates.keys))
        return candidates

    def _converted(self, proposed: Any, n: int) -> Candidates:
        """Returns what ``_ask`` gave as at most n candidates.

        Raises:
            UsageError: When it gave something else, such as a matrix, which may hold codes or values of genes.
        """
        if isinstance(proposed, np.ndarray) or not isinstance(proposed, Iterable):
            raise UsageError(
                f"the searcher '{self.name}' gave {type(proposed).__name__} from _ask; expected Candidates, such as "
                f"Candidates(self.problem.space, codes), or a list of architectures"
            )
        candidates = Candidates.of(self.problem.space, proposed)
        return candidates if len(candidates) <= n else candidates[:n]

    def _allowed(self, candidates: Candidates) -> Candidates:
        """Returns the candidates that satisfy the constraints, without judging those again that were found feasible."""
        if not self.problem.judged or self._passed.issuperset(candidates.keys):
            return candidates
        return candidates[self.feasible(candidates)]

    def _only_infeasible(self) -> HwcostError:
        """Returns the error that ends a search whose asks held nothing feasible."""
        if not self.evaluated:
            return self.rejections.infeasible()
        return SpaceExhausted(
            f"the searcher '{self.name}' asked {INFEASIBLE_ASKS} times in a row for nothing but infeasible architectures"
        )

    def tell(self, trials: Sequence[Trial]) -> None:
        """Learns from trials, in any order, and also of architectures that were never asked for."""
        if not len(trials):
            return
        candidates = _candidates(self.problem, trials)
        for key in candidates.keys:
            self.pending.pop(key, None)
            self.evaluated[key] = None
        self._tell(candidates, self.problem.losses(trials), np.array([trial.violation for trial in trials]))

    def state(self) -> dict[str, Any]:
        """Returns everything that is remembered, as plain JSON."""
        return {
            "searcher": self.name,
            "seed": self.seed,
            "asks": self.asks,
            "references": None if self.references is None else self.references.tolist(),
            "pending": list(map(codes_of, self.pending)),
            "evaluated": list(map(codes_of, self.evaluated)),
            "own": self._state(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """Goes on where :meth:`state` was taken.

        Raises:
            UsageError: When the state is of another searcher or seed.
        """
        if (state.get("searcher"), state.get("seed")) != (self.name, self.seed):
            raise UsageError(
                f"the state is of searcher '{state.get('searcher')}' with seed {state.get('seed')}, this is '{self.name}' "
                f"with seed {self.seed}"
            )
        self.asks = int(state["asks"])
        self.references = None if state["references"] is None else np.array(state["references"], dtype=np.float64)
        self.pending = dict.fromkeys(map(key_of, state["pending"]))
        self.evaluated = dict.fromkeys(map(key_of, state["evaluated"]))
        self._restore(state["own"])

    # -- what many of them need ----------------------------------------------------------------------------------------

    def feasible(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Says which candidates satisfy the constraints, shape (n,); records the others as rejections."""
        violated = self.problem.violated(candidates)
        self.rejections.record(candidates, violated)
        is_feasible = np.asarray(violated == FEASIBLE)
        self._passed.update(compress(candidates.keys, is_feasible.tolist()))
        return is_feasible

    @cached_property
    def candidates(self) -> Candidates | None:
        """Every feasible architecture of a space small enough to be listed; None for larger ones.

        Raises:
            InfeasibleError: When there is none.
        """
        whole = self.problem.listed
        if whole is None:
            return None
        kept = whole[self.feasible(whole)]
        if not len(kept):
            raise self.rejections.infeasible()
        return kept

    @cached_property
    def _unasked(self) -> Unasked | None:
        return None if self.candidates is None else Unasked(self.candidates)

    def unasked(self) -> Candidates | None:
        """Returns those of :attr:`candidates` that were neither asked for nor evaluated; None where none are listed."""
        return None if self._unasked is None else self._unasked(self.evaluated, self.pending)

    def is_new(self, candidates: Candidates, known: Collection[bytes] = ()) -> NDArray[np.bool_]:
        """Says which rows were neither asked for nor evaluated, and repeat no earlier row; shape (n,).

        Args:
            candidates: n candidates.
            known: Keys of further candidates that are not new.
        """
        keys = candidates.keys
        first = dict(zip(reversed(keys), reversed(range(len(keys))), strict=True))  # of equal rows, the first one stays
        new = set(first).difference(self.evaluated)
        for others in (self.pending, known):
            new = new.difference(others) if others else new
        found = np.zeros(len(keys), dtype=bool)
        found[[first[key] for key in new]] = True
        return found


def _candidates(problem: Problem, trials: Sequence[Trial]) -> Candidates:
    """Returns the matrix of codes of trials; made anew where they were not evaluated together."""
    if isinstance(trials, Trials):
        return trials.candidates
    return Candidates.of(problem.space, [trial.architecture for trial in trials])
