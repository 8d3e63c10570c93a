"""The results of a search: its trials, the front of those that no other one dominates, and how both grew."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from numpy.typing import ArrayLike

from hwcost import pareto
from hwcost._types import Floats
from hwcost.errors import UsageError
from hwcost.searchers.problem import Problem
from hwcost.searchers.trial import Trial, Trials


class Results:
    """Trials of one problem in the order of asking.

    Args:
        problem: Space, objectives and constraints.

    Attributes:
        problem: The problem.
        trials: Every evaluation, in the order of asking.
        references: Losses to be dominated, shape (objectives,), or None.
    """

    def __init__(self, problem: Problem) -> None:
        self.problem = problem
        self.trials: list[Trial] = []
        self.references: Floats | None = problem.references
        self._keys: list[bytes] = []  # of the trials' architectures
        self._latest: dict[bytes, int] = {}  # row of an architecture's last trial
        self._front: list[int] = []  # rows of the trials that no other one dominates

    def __repr__(self) -> str:
        on_front = f"{len(self._front)} on the front"
        return f"<{type(self).__name__} of {self.problem.space!r}: {self.evaluations} evaluations, {on_front}>"

    def _keep(self, trials: Trials) -> None:
        """Adds trials, and brings the front up to date."""
        first, front = len(self.trials), set(self._front)
        keys = trials.candidates.keys
        anew = any(self._latest.get(key) in front for key in keys)  # a member of the front was evaluated again
        self.trials += trials
        self._keys += keys
        self._latest |= {key: first + row for row, key in enumerate(keys)}
        rows = sorted(self._latest.values()) if anew else [*self._front, *range(first, len(self.trials))]
        rows = [row for row in rows if self.trials[row].status == "completed" and self._latest[self._keys[row]] == row]
        losses = self.problem.losses([self.trials[row] for row in rows])
        kept = np.flatnonzero(pareto.front(losses))
        if len(kept) > 1:
            _, distinct = np.unique(losses[kept], axis=0, return_index=True)
            kept = kept[distinct]
        self._front = [rows[row] for row in kept]

    @property
    def evaluations(self) -> int:
        """Number of different architectures that were evaluated."""
        return len(self._latest)

    @property
    def completed(self) -> list[Trial]:
        """Trials with values that satisfy all constraints, in order."""
        return [trial for trial in self.trials if trial.status == "completed"]

    @property
    def best(self) -> Trial:
        """The best trial of a single objective; the first of those that are equal.

        Raises:
            UsageError: When there are several objectives, or no trial is completed.
        """
        if len(self.problem.objectives) > 1:
            raise UsageError("a study of several objectives has a front and no best trial: see study.front")
        if not self._front:
            why = next((f" (the last one: {trial.reason})" for trial in reversed(self.trials) if trial.reason), "")
            raise UsageError(f"none of {len(self.trials)} trials is completed{why}; see study.trials and study.rejections")
        return self.trials[self._front[0]]

    @property
    def front(self) -> list[Trial]:
        """Completed trials that no other one dominates, by the first objective; of equal ones the first."""
        return [self.trials[row] for row in self._front]

    @property
    def dominating(self) -> list[Trial]:
        """Completed trials that dominate the reference, in order.

        Raises:
            UsageError: When not every objective has a reference.
        """
        if self.references is None:
            raise UsageError("no reference to dominate: give every objective reference=, or the search reference=")
        done = self.completed
        if not done:
            return []
        better = pareto.dominates(self.problem.losses(done), self.references)
        return [trial for trial, is_better in zip(done, better.tolist(), strict=True) if is_better]

    def hypervolume(self, reference: ArrayLike | None = None) -> float:
        """Returns the volume between the front and a reference point, in the product of the objectives' units.

        Args:
            reference: Value of each objective, in its own units; by default the objectives' references.

        Raises:
            UsageError: When a reference is missing.
        """
        corner, values = self._corner(reference), self.problem.losses(self.front)
        return pareto.hypervolume(values, corner) if len(values) else 0.0

    def convergence(self, reference: ArrayLike | None = None) -> Floats:
        """Returns the best value after every trial for one objective, or the hypervolume for several; shape (trials,).

        Args:
            reference: Reference point of the hypervolume, as in :meth:`hypervolume`.
        """
        return np.array(list(self._convergence(reference)), dtype=np.float64)

    def _convergence(self, reference: ArrayLike | None) -> Iterator[float]:
        single = len(self.problem.objectives) == 1
        corner = None if single else self._corner(reference)
        found = np.empty((0, len(self.problem.objectives)))
        for trial in self.trials:
            if trial.status == "completed":
                found = np.concatenate([found, self.problem.losses([trial])])
                found = found[pareto.front(found)]
            if single:
                yield float(found.min() * self.problem.signs[0]) if len(found) else float("nan")
            else:
                yield pareto.hypervolume(found, corner) if len(found) and corner is not None else 0.0

    def _corner(self, reference: ArrayLike | None) -> Floats:
        if reference is not None:
            return self.problem.signs * np.asarray(reference, dtype=np.float64)
        if self.references is None:
            raise UsageError("a hypervolume needs a reference point: one value per objective")
        return self.references
