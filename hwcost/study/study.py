"""A study: a searcher asks, cost functions judge, everything is kept, and an interrupted search goes on where it was.

To resume is to replay: the searcher is asked as before, and what the log already knows is not evaluated again. As a
searcher's asks follow from its seed and what it was told, the replayed study is the interrupted one, bit by bit.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from concurrent.futures import Executor
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hwcost import pareto
from hwcost.errors import DataError, HwcostError, InterruptedRunError, MeasurementError, SpaceExhausted, UsageError
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem, Refusal
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture
from hwcost.study.evaluation import Evaluation
from hwcost.study.log import Log
from hwcost.study.stopping import PATIENCE, Stopping
from hwcost.timing.timer import stopwatch

Repeats = Literal["skip", "repeat"]

MOST_FAILED = 10
"""Failures in a row, from the start, after which a search says so instead of going on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """Where a study stands after a batch.

    Attributes:
        iterations: Architectures that were asked for.
        evaluations: Different ones that were evaluated.
        wanted: Evaluations or iterations after which it ends; None when something else ends it.
        best: Values of the best trial, or of the front's first one; None while there is none.
        on_front: Trials on the front.
    """

    iterations: int
    evaluations: int
    wanted: int | None
    best: tuple[float, ...] | None
    on_front: int


class Study:
    """What a search has found.

    Args:
        problem: Space, objectives and limits.
        searcher: Asks for architectures of it.
        log: File that keeps everything; the same search with the same file goes on where it was.
        about: What else identifies the search, plain JSON.
        reference: An architecture to dominate: it is evaluated first, and its values are the objectives' references.
        repeats: What happens to an architecture that is asked for again: ``skip`` tells what is known, ``repeat`` evaluates
            it anew, for noisy functions.

    Attributes:
        trials: Every evaluation, in the order of asking.
        iterations: Architectures that were asked for, repeats included.
        stopped: Why the search ended; None before.
        remarks: Remarks on the constraints before the search, see :mod:`hwcost.study.constraints`.

    Raises:
        DataError: When the log is of another search, or damaged.
        StoreError: When the log cannot be read or written.
    """

    def __init__(
        self,
        problem: Problem,
        searcher: Searcher,
        log: str | Path | None = None,
        about: dict[str, Any] | None = None,
        reference: Architecture | None = None,
        repeats: Repeats = "skip",
    ) -> None:
        if repeats not in ("skip", "repeat"):
            raise UsageError(f"unknown policy for repeats '{repeats}'. Known: repeat, skip")
        if reference is not None:
            if any(objective.reference is not None for objective in problem.objectives):
                raise UsageError("give either an architecture as reference, or reference= of objectives, not both")
            problem.references = None
        self.problem, self.searcher, self.reference, self.repeats = problem, searcher, reference, repeats
        self.trials: list[Trial] = []
        self.iterations = 0
        self.stopped: str | None = None
        self.remarks: tuple[str, ...] = ()
        self._log = Log(log, problem.space, {**self._described(), **(about or {})})
        self._latest: dict[Architecture, int] = {}  # the row of an architecture's last trial
        self._front: list[int] = []  # rows of the trials that no other one dominates
        self._batches = 0

    def _described(self) -> dict[str, Any]:
        objectives = [
            {
                "name": one.name, "direction": "minimize" if one.sign > 0 else "maximize", "reference": one.reference,
                "model": _digest(one.value),
            }
            for one in self.problem.objectives
        ]  # fmt: skip
        limits = [
            {"limit": repr(one), "model": _digest(getattr(one, "cost", None) or getattr(one, "value", None))}
            for one in self.problem.limits
        ]
        return {
            "space": self.problem.space.name, "space_options": self.problem.space.options(), "objectives": objectives,
            "limits": limits, "searcher": self.searcher.name,
            "seed": self.searcher.seed, "repeats": self.repeats,
            "reference": None if self.reference is None else self.problem.space.key(self.reference),
        }  # fmt: skip

    # -- running -------------------------------------------------------------------------------------------------------

    def run(
        self,
        stopping: Stopping,
        executor: Executor | None = None,
        batch: int | None = None,
        progress: Callable[[Progress], None] = lambda state: None,
    ) -> Study:
        """Asks, evaluates and tells until an end is reached.

        Args:
            stopping: When to end.
            executor: Any of ``concurrent.futures``; None evaluates here. Results are told in the order of asking, so that
                they do not depend on which came first.
            batch: How many are asked for at a time; by default what the searcher likes.
            progress: Called after every batch.

        Raises:
            InfeasibleError: When nothing keeps the limits.
            InterruptedRunError: On Ctrl-C; with a log, the same search goes on.
            MeasurementError: When every evaluation fails.
        """
        evaluation, spent, idle = Evaluation(self.problem, executor), stopwatch(), 0
        self.stopped = None
        try:
            self._begin(evaluation)
            while self.stopped is None:
                known = self._news
                self.stopped = stopping.reached(self._counts(spent(), stopping)) or self._step(evaluation, stopping, batch)
                idle = idle + 1 if self._news == known else 0
                if self.stopped is None and idle >= PATIENCE:
                    self.stopped = f"nothing new in {PATIENCE} batches"
                progress(self._progress(stopping))
        except KeyboardInterrupt:
            kept = f"{len(self._latest)} evaluations are kept in '{self._log.path}'; the same search goes on from there"
            raise InterruptedRunError(
                f"interrupted; {kept if self._log.path else 'nothing is kept: give the study a log'}"
            ) from None
        finally:
            self._log.flush()
        return self

    def _begin(self, evaluation: Evaluation) -> None:
        """Evaluates the architecture that is to be dominated, if there is one, before anything is asked for."""
        if self.reference is None or self.trials:
            return
        trial = self._evaluated([self.reference], evaluation)[0]
        if not trial.values:
            raise MeasurementError(f"the reference {self.reference} could not be evaluated: {trial.reason}")
        self.iterations += 1
        self.problem.references = self.problem.losses([trial])[0]
        self.searcher.tell([trial])

    @property
    def _news(self) -> int:
        """What a search that goes on adds to: architectures, or evaluations where repeats are evaluated too."""
        return len(self._latest) if self.repeats == "skip" else len(self.trials)

    def _step(self, evaluation: Evaluation, stopping: Stopping, batch: int | None) -> str | None:
        """Asks for a batch, evaluates and tells it; returns why there is nothing left to ask for."""
        try:
            archs = self._asked(batch or self.searcher.batch, stopping)
        except SpaceExhausted as error:
            return str(error)
        trials = self._evaluated(archs, evaluation)
        self.iterations += len(archs)
        with self._careful("told"):
            self.searcher.tell(trials)
        self._check_failures()
        return None

    def _asked(self, wanted: int, stopping: Stopping) -> list[Architecture]:
        """Asks the searcher, as the log did where it has been here before."""
        before = self._log.asked[self._batches] if self._batches < len(self._log.asked) else None
        left = [wanted]
        if stopping.evaluations is not None:
            left.append(stopping.evaluations - len(self._latest))
        if stopping.iterations is not None:
            left.append(stopping.iterations - self.iterations)
        n = min(left) if before is None else before[0]
        with self._careful("asked"):
            archs = [self.problem.space.architecture(arch.genes) for arch in self.searcher.ask(n)]
        keys = [self.problem.space.key(arch) for arch in archs]
        self._batches += 1
        if before is None:
            self._log.ask(n, keys)
        elif before[1] != keys:
            raise DataError(
                f"'{self._log.path}' cannot be taken up: asked as before, the searcher '{self.searcher.name}' asks for "
                f"other architectures. Was its code or a cost model changed? Give another file"
            )
        return archs

    @contextmanager
    def _careful(self, when: str) -> Iterator[None]:
        """Says which searcher broke, and when."""
        try:
            yield
        except HwcostError:
            raise
        except Exception as error:
            raise UsageError(
                f"the searcher '{self.searcher.name}' broke when it was {when}: {type(error).__name__}: {error}"
            ) from error

    def _evaluated(self, archs: list[Architecture], evaluation: Evaluation) -> list[Trial]:
        """Returns a trial for each architecture, from the log, from before, or newly evaluated."""
        found: dict[int, Trial] = {}
        new: dict[int, Architecture] = {}
        seen: set[Architecture] = set()
        for place, arch in enumerate(archs):
            if self.repeats == "skip" and (arch in self._latest or arch in seen):
                continue
            seen.add(arch)
            kept = self._log.known(self.problem.space.key(arch), self.iterations + place)
            if kept is not None:
                found[place] = kept
            else:
                new[place] = arch
        places = list(new)
        for index, trial in evaluation.trials(list(new.values())) if new else ():
            found[places[index]] = replace(trial, number=self.iterations + places[index])
            self._log.tell([found[places[index]]])
        self._keep([found[place] for place in sorted(found)])
        known = {place: self.trials[self._latest[arch]] for place, arch in enumerate(archs) if place not in found}
        return [found.get(place) or replace(known[place], seconds=0.0) for place in range(len(archs))]

    def _keep(self, trials: list[Trial]) -> None:
        """Adds trials, and brings the front up to date."""
        first = len(self.trials)
        self.trials += trials
        front = set(self._front)
        anew = any(self._latest.get(trial.architecture) in front for trial in trials)  # a member was evaluated again
        self._latest |= {trial.architecture: first + row for row, trial in enumerate(trials)}
        rows = sorted(self._latest.values()) if anew else [*self._front, *range(first, len(self.trials))]
        rows = [row for row in rows if self.trials[row].status == "completed" and self._is_latest(row)]
        losses = self.problem.losses([self.trials[row] for row in rows])
        kept = np.flatnonzero(pareto.front(losses))
        _, distinct = np.unique(losses[kept], axis=0, return_index=True)
        self._front = [rows[row] for row in kept[distinct]]

    def _is_latest(self, row: int) -> bool:
        return self._latest[self.trials[row].architecture] == row

    def _check_failures(self) -> None:
        if len(self.trials) >= MOST_FAILED and all(trial.status == "failed" for trial in self.trials):
            raise MeasurementError(
                f"all of the first {len(self.trials)} evaluations failed; the last one: {self.trials[-1].reason}"
            )

    def _counts(self, seconds: float, stopping: Stopping) -> dict[str, float]:
        """Counts what may end the search."""
        return {
            "evaluations": len(self._latest), "iterations": self.iterations, "seconds": seconds,
            "stall": len(self.trials) - 1 - max(self._front, default=-1),
            "dominate": 0 if stopping.dominate is None else len(self.dominating),
        }  # fmt: skip

    def _progress(self, stopping: Stopping) -> Progress:
        best = self.trials[self._front[0]].values if self._front else None
        wanted = stopping.evaluations or stopping.iterations
        return Progress(self.iterations, len(self._latest), wanted, best, len(self._front))

    # -- what was found ------------------------------------------------------------------------------------------------

    @property
    def evaluations(self) -> int:
        """Different architectures that were evaluated."""
        return len(self._latest)

    @property
    def completed(self) -> list[Trial]:
        """Trials with values that keep all limits, in order."""
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
            raise UsageError(f"none of {len(self.trials)} trials is completed; see study.trials and study.refusals")
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
        references = self.problem.references
        if references is None:
            raise UsageError("no reference to dominate: give every objective reference=, or the search reference=")
        done = self.completed
        if not done:
            return []
        better = pareto.dominates(self.problem.losses(done), references)
        return [trial for trial, is_better in zip(done, better.tolist(), strict=True) if is_better]

    @property
    def refusals(self) -> list[Refusal]:
        """Every architecture that a limit kept from being asked for, with the reason, once."""
        return list(self.problem.refusals())

    def hypervolume(self, reference: ArrayLike | None = None) -> float:
        """Returns the volume between the front and a reference point, in the product of the objectives' units.

        Args:
            reference: A value per objective, in its own units; by default the objectives' references.

        Raises:
            UsageError: When there is no reference.
        """
        corner, values = self._corner(reference), self.problem.losses(self.front)
        return pareto.hypervolume(values, corner) if len(values) else 0.0

    def _corner(self, reference: ArrayLike | None) -> NDArray[np.float64]:
        if reference is not None:
            return self.problem.signs * np.asarray(reference, dtype=np.float64)
        if self.problem.references is None:
            raise UsageError("a hypervolume needs a reference point: one value per objective")
        return self.problem.references

    def attained(self, reference: ArrayLike | None = None) -> NDArray[np.float64]:
        """Returns the hypervolume after every trial, shape (trials,); or the best value, for one objective."""
        return np.array(list(self._attained(reference)), dtype=np.float64)

    def _attained(self, reference: ArrayLike | None) -> Iterator[float]:
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

    def close(self) -> None:
        """Closes the log."""
        self._log.close()


def _digest(value: Any) -> str | None:
    """Returns a fingerprint of what a cost model has learnt, so that a log is not taken over by another one; else None."""
    if not (hasattr(value, "state") and hasattr(value, "files")):
        return None
    plain = json.dumps([value.state(), value.files()], sort_keys=True, default=repr)
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()[:16]
