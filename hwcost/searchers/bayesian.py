"""Bayesian optimisation over the listed architectures, with one Gaussian process per unknown objective.

AutoDistill (Zhang et al., section 3.5) searches by a Gaussian process bandit. Here the best of all architectures of the
space is found exactly, by its probability to dominate the reference, or by its expected gain of hypervolume.
"""

from __future__ import annotations

from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwcost import pareto
from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.searchers import operators
from hwcost.searchers.acquisition import hypervolume_improvement, improvement, log_dominates
from hwcost.searchers.archive import Archive
from hwcost.searchers.base import Searcher
from hwcost.searchers.gaussian_process import Scaled
from hwcost.searchers.operators import mutated, unit
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates, codes_of

Goal = Literal["auto", "dominate", "front"]

REFIT = 5
"""Trials after which length scales are fitted anew; in between they are kept."""
DRAWN, NEAR = 2000, 1000
"""Candidates of a space too large to be listed: drawn at random, and mutants of the front."""
GENES = 1.5
"""Genes that change, on average, in those mutants."""
LEAST = -1e3
"""Logarithm of the least acquisition value that counts as one."""
HELD = 1e-9
"""Violation, relative to its bound, up to which a measured constraint counts as satisfied."""
MARGIN = 0.1
"""Share of the values' range by which the inferred reference point lies beyond the worst value."""


class Bayesian(Searcher):
    """Asks for the candidates with the largest acquisition value given all trials.

    Vectorised objectives, such as cost models, are taken as known: nothing is spent on learning them.

    Args:
        problem: Problem with any number of objectives. One is pursued by expected improvement; two by hypervolume or by the
            reference, see ``goal``; more, without a reference, by a random weighting of all of them.
        seed: Seed of all random draws.
        initial: Number of trials before anything is modelled.
        goal: Aim of several objectives: ``dominate`` seeks architectures that are better than the reference in everything,
            ``front`` the largest hypervolume; ``auto`` takes the first where the problem has a reference.

    Raises:
        UsageError: When a setting makes no sense.
    """

    name = "bayesian"

    def __init__(self, problem: Problem, seed: int = 0, *, initial: int = 10, goal: Goal = "auto") -> None:
        super().__init__(problem, seed)
        if initial < 2:
            raise UsageError(f"a model of the objectives needs at least two trials to begin with, got initial={initial}")
        if goal not in ("auto", "dominate", "front"):
            raise UsageError(f"unknown goal '{goal}'. Known: auto, dominate, front")
        self.initial, self.goal = initial, goal
        genes = len(problem.sizes)
        self.archive = Archive(problem)
        self.models = [Scaled(genes) for _ in problem.objectives]
        self.feasibility = Scaled(genes)
        self._fitted = 0

    # -- asking --------------------------------------------------------------------------------------------------------

    def _ask(self, n: int, rng: np.random.Generator) -> Candidates:
        begun = len(self.evaluated) + len(self.pending)
        valued = int(self.archive.have_values.sum())
        if begun < self.initial or valued < 2:
            return self._first(min(n, max(1, self.initial - begun)), rng)
        candidates = self._candidates(rng)
        if not len(candidates):
            return candidates
        return candidates[self._best(candidates, min(n, len(candidates)), rng)]

    def _first(self, n: int, rng: np.random.Generator) -> Candidates:
        """Returns points that lie apart in every gene; those that are known to miss the goal are left out."""
        sizes = self.problem.sizes
        latin, n_all = np.random.default_rng(self.seed), self.initial
        strata = np.stack([latin.permutation(n_all) + latin.random(n_all) for _ in sizes], axis=1)
        design = strata / n_all  # a Latin hypercube: every gene's range is cut into as many strata as there are trials
        rows = np.minimum((design * sizes).astype(np.intp), sizes - 1)
        ends = np.stack([np.zeros_like(sizes), sizes - 1])
        planned = Candidates(self.problem.space, np.concatenate([ends, rows])[: self.initial])
        planned = planned[self.is_new(planned) & self._is_possible(planned)]
        planned = planned[np.flatnonzero(self.feasible(planned))[:n]]
        if len(planned) == n:
            return planned
        others = self._candidates(rng)
        known = set(planned.keys)
        free = [row for row, key in enumerate(others.keys) if key not in known]
        return planned + others[rng.permutation(np.array(free, dtype=np.intp))[: n - len(planned)]]

    def _candidates(self, rng: np.random.Generator) -> Candidates:
        """Returns new feasible architectures: all that may reach the goal, of a listed space; else some."""
        problem, new = self.problem, self.unasked()
        if new is None:
            drawn = operators.random(self, DRAWN, rng)
            best = self.archive.codes[self._front_rows()] if len(self.archive) else drawn.codes
            odds = GENES / len(problem.sizes)
            near = operators.fresh(
                self, NEAR, lambda n: mutated(best[rng.integers(len(best), size=n)], problem.sizes, odds, rng)
            )
            new = Candidates(problem.space, np.unique(np.concatenate([drawn.codes, near.codes]), axis=0))
        return new[self._is_possible(new)]

    def _is_possible(self, candidates: Candidates) -> NDArray[np.bool_]:
        """Says which architectures may have values and reach the reference, as far as objectives are known."""
        possible = np.ones(len(candidates), dtype=bool)
        references = self.references if self._seeks_reference else None
        for index, known in enumerate(self.problem.known(candidates)):
            if known is not None:
                possible &= np.isfinite(known) & (known <= (np.inf if references is None else references[index]))
        return possible

    @property
    def _seeks_reference(self) -> bool:
        if self.goal == "dominate" and self.references is None:
            raise UsageError("goal='dominate' needs a reference: reference= of every objective, or of the search")
        return self.goal == "dominate" or (self.goal == "auto" and self.references is not None)

    # -- modelling -----------------------------------------------------------------------------------------------------

    def _best(self, candidates: Candidates, n: int, rng: np.random.Generator) -> list[int]:
        """Returns the rows of the n best candidates, one by one; each is taken to come out as expected for the next."""
        sizes = self.problem.sizes
        pending = self._pending()
        x, y, violations = self._data()
        anew = self._fitted == 0 or len(self.archive) - self._fitted >= REFIT
        if anew:
            self._fitted = len(self.archive)
        at, weights = unit(candidates.codes, sizes), rng.dirichlet(np.ones(y.shape[1]))
        known = self.problem.known(candidates)
        lies = unit(pending, sizes)
        chosen: list[int] = []
        while len(chosen) < n:
            beliefs = self._beliefs(x, y, at, known, lies, anew and not chosen)
            promise = self._promise(beliefs, y, weights)
            if violations.any():
                mean, deviation = self.feasibility.learn(x, violations, anew and not chosen).predict(at)
                held = self.feasibility.scale(np.full(1, HELD))
                promise = promise + log_dominates(held, mean[:, None], deviation[:, None])
            promise = np.maximum(promise, LEAST)  # where every value is nil, the best expectation decides
            promise[chosen] = -np.inf
            chosen.append(int(np.lexsort((-beliefs[0] @ weights, promise))[-1]))
            lies = np.concatenate([lies, at[chosen[-1:]]])
        return chosen

    def _pending(self) -> NDArray[np.intp]:
        """Returns the codes of the candidates whose trials are missing."""
        return np.array(list(map(codes_of, self.pending)), dtype=np.intp).reshape(-1, len(self.problem.sizes))

    def _data(self) -> tuple[Floats, Floats, Floats]:
        """Returns unit genes, losses and violations of the trials that have values."""
        rows, known = np.flatnonzero(self.archive.have_values), self.archive
        return unit(known.codes[rows], self.problem.sizes), known.losses[rows], known.violations[rows]

    def _beliefs(
        self, x: Floats, y: Floats, at: Floats, known: list[Floats | None], lies: Floats, anew: bool
    ) -> tuple[Floats, Floats, list[Any]]:
        """Returns mean and deviation of every objective at candidates, shape (n, objectives), and how values are scaled."""
        means, deviations, scales = [], [], []
        for index, model in enumerate(self.models):
            values = known[index]
            model.learn(x, y[:, index], anew and values is None)
            if values is None and len(lies):
                expected = model.predict(lies)[0]
                model.process.condition(np.concatenate([x, lies]), np.concatenate([model.scale(y[:, index]), expected]))
            mean, deviation = model.predict(at) if values is None else (model.scale(values), np.zeros(len(at)))
            means.append(mean)
            deviations.append(deviation)
            scales.append(model.scale)
        return np.stack(means, axis=1), np.stack(deviations, axis=1), scales

    def _promise(self, beliefs: tuple[Floats, Floats, list[Any]], y: Floats, weights: Floats) -> Floats:
        """Returns the logarithm of the acquisition value of each candidate, shape (n,)."""
        means, deviations, scales = beliefs
        scaled = np.stack([scale(y[:, i]) for i, scale in enumerate(scales)], axis=1)
        references = self.references
        corner = None
        if references is not None:
            corner = np.array([float(scale(references[i : i + 1])[0]) for i, scale in enumerate(scales)])
            if self._seeks_reference:
                return log_dominates(corner, means, deviations)
        feasible = scaled[self.archive.violations[self.archive.have_values] == 0]
        if scaled.shape[1] == 1:
            best = (feasible if len(feasible) else scaled).min(axis=0)
            gain = improvement(best, means[:, 0], deviations[:, 0])
        elif scaled.shape[1] == 2:
            spread = np.ptp(scaled, axis=0)
            corner = scaled.max(axis=0) + MARGIN * spread if corner is None else corner
            front = feasible[pareto.front(feasible)] if len(feasible) else feasible
            gain = hypervolume_improvement(front, corner, means, deviations)
        else:  # ParEGO's weighting, with the mean of the weighted beliefs
            best = (scaled @ weights).min()
            gain = improvement(best, means @ weights, np.sqrt((deviations**2) @ weights**2))
        with np.errstate(divide="ignore"):
            return np.asarray(np.log(np.maximum(gain, 0.0)))

    def _front_rows(self) -> NDArray[np.intp]:
        known = self.archive
        rows = np.flatnonzero(known.have_values & (known.violations == 0))
        return rows[pareto.front(known.losses[rows])] if len(rows) else np.arange(len(known))

    # -- telling -------------------------------------------------------------------------------------------------------

    def _tell(self, candidates: Candidates, losses: Floats, violations: Floats) -> None:
        self.archive.add(candidates.codes, losses, violations)

    def _state(self) -> dict[str, Any]:
        models = [*self.models, self.feasibility]
        parameters = [model.process.parameters.tolist() for model in models]
        return {**self.archive.state(), "fitted": self._fitted, "parameters": parameters}

    def _restore(self, state: dict[str, Any]) -> None:
        self.archive.restore(state)
        self._fitted = int(state["fitted"])
        for model, parameters in zip([*self.models, self.feasibility], state["parameters"], strict=True):
            model.process.parameters = np.array(parameters)
