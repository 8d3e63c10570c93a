"""A study: a searcher asks, objectives judge, everything is kept, and an interrupted search is resumed where it was.

To resume is to replay: the searcher is asked as before, and what the log already knows is not evaluated again. As a
searcher's asks follow from its seed and its trials, the replayed study is the interrupted one, bit by bit.

One matrix of codes goes from the searcher's ask to its tell. Architectures are made of it only where somebody asks for them:
a function that is evaluated one by one, or the log.
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

from hwcost.errors import DataError, HwcostError, InterruptedRunError, MeasurementError, SpaceExhausted, UsageError
from hwcost.searchers.base import Searcher
from hwcost.searchers.problem import Problem
from hwcost.searchers.trial import Trial, Trials
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates
from hwcost.study.evaluation import Evaluation
from hwcost.study.log import Log
from hwcost.study.results import Results
from hwcost.study.sources import code_digest
from hwcost.study.stopping import IDLE_BATCHES, Stopping
from hwcost.timing.timer import stopwatch

Repeats = Literal["skip", "repeat"]

MOST_FAILED = 10
"""Failures in a row, from the start, after which a search raises an error instead of going on."""


@dataclass(frozen=True, slots=True)
class Progress:
    """State of a study after a batch.

    Attributes:
        iterations: Number of architectures that were asked for.
        evaluations: Number of different architectures that were evaluated.
        wanted: Number of evaluations or iterations after which it ends; None when something else ends it.
        best: Values of the best trial, or of the front's first one; None before any.
        on_front: Number of trials on the front.
    """

    iterations: int
    evaluations: int
    wanted: int | None
    best: tuple[float, ...] | None
    on_front: int


class Study(Results):
    """A search and its results.

    Args:
        problem: Space, objectives and constraints; the study does not change it.
        searcher: Searcher that asks for candidates of the problem.
        log: File that keeps everything; the same search with the same file is resumed.
        about: Further identification of the search, plain JSON.
        reference: Architecture to dominate: it is evaluated first, and its values are the objectives' references.
        repeats: Treatment of an architecture that is asked for again: ``skip`` reports the known values, ``repeat``
            evaluates it anew, for noisy functions.

    Attributes:
        trials: Every evaluation, in the order of asking.
        iterations: Number of architectures that were asked for, repeats included.
        rejections: Candidates that constraints kept from being evaluated, with their reasons.
        stopped: Reason why the search ended; None before.
        remarks: Remarks on the constraints before the search, see :mod:`hwcost.study.remarks`.

    Raises:
        BusyError: When another search keeps the log meanwhile.
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
        if reference is not None and any(objective.reference is not None for objective in problem.objectives):
            raise UsageError("give either an architecture as reference, or reference= of objectives, not both")
        super().__init__(problem)
        self.searcher, self.reference, self.repeats = searcher, reference, repeats
        self.rejections = searcher.rejections
        self.iterations = 0
        self.stopped: str | None = None
        self.remarks: tuple[str, ...] = ()
        kept = ({}, []) if log is None else ({**self._described(), **(about or {})}, self._code())
        self._log = Log(log, problem.space, *kept)
        self._batches = 0

    def _described(self) -> dict[str, Any]:
        objectives = [
            {
                "name": one.name, "direction": "minimize" if one.sign > 0 else "maximize", "reference": one.reference,
                "model": _digest(one.value),
            }
            for one in self.problem.objectives
        ]  # fmt: skip
        constraints = [{"constraint": repr(one), "model": _digest(one.value)} for one in self.problem.constraints]
        return {
            "space": self.problem.space.name, "space_options": self.problem.space.options(), "objectives": objectives,
            "constraints": constraints, "searcher": self.searcher.name,
            "seed": self.searcher.seed, "repeats": self.repeats,
            "reference": None if self.reference is None else self.problem.space.key(self.reference),
        }  # fmt: skip

    def _code(self) -> list[tuple[str, str | None]]:
        """Returns what messages call each cost function, and a hash of its code."""
        objectives = [(f"objective '{one.name}'", one.value) for one in self.problem.objectives]
        constraints = [(f"constraint '{one.name}'", one.value) for one in self.problem.constraints]
        return [(what, code_digest(value)) for what, value in [*objectives, *constraints]]

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
            stopping: Ends of the search.
            executor: Any executor of ``concurrent.futures``; None evaluates here. Trials are learned in the order of asking,
                so that they do not depend on which came first.
            batch: Number of candidates of an ask; by default the searcher's own.
            progress: Function that is called after every batch.

        Raises:
            InfeasibleError: When nothing satisfies the constraints.
            InterruptedRunError: On Ctrl-C; with a log, the same search is resumed.
            MeasurementError: When every evaluation fails, and measurements that are not valid are among the reasons.
            UsageError: When every evaluation fails, because a function does.
        """
        evaluation, spent, idle = Evaluation(self.problem, executor), stopwatch(), 0
        self.stopped = None
        try:
            self._begin(evaluation)
            while self.stopped is None:
                known = self._news
                self.stopped = stopping.reached(self._counts(spent(), stopping)) or self._step(evaluation, stopping, batch)
                idle = idle + 1 if self._news == known else 0
                if self.stopped is None and idle >= IDLE_BATCHES:
                    self.stopped = f"nothing new in {IDLE_BATCHES} batches"
                progress(self._progress(stopping))
        except KeyboardInterrupt:
            raise InterruptedRunError(f"interrupted; {self._kept()}") from None
        finally:
            self._log.flush()
        return self

    def _kept(self) -> str:
        """Says what an interrupted search leaves."""
        if self._log.path is None:
            return "nothing is kept: give the study a log (--log FILE, log=)"
        kept = max(self.evaluations, self._log.trials)
        return f"{kept} evaluations are kept in '{self._log.path}'; the same search resumes from it"

    def _begin(self, evaluation: Evaluation) -> None:
        """Evaluates the architecture that is to be dominated, if one is given, before anything is asked for."""
        if self.reference is None or self.trials:
            return
        trials = self._evaluated(Candidates.of(self.problem.space, [self.reference]), evaluation)
        if not trials[0].values:
            text = f"the reference {self.reference} could not be evaluated: {trials[0].reason}"
            raise MeasurementError(text) if evaluation.has_invalid else UsageError(text)
        self.iterations += 1
        self.references = self.searcher.references = self.problem.losses(trials)[0]
        self.searcher.tell(trials)

    @property
    def _news(self) -> int:
        """The number that grows while a search finds anything: architectures, or evaluations where repeats are evaluated."""
        return len(self._latest) if self.repeats == "skip" else len(self.trials)

    def _step(self, evaluation: Evaluation, stopping: Stopping, batch: int | None) -> str | None:
        """Asks for a batch, evaluates it and tells the searcher; returns why nothing is left to ask for."""
        try:
            candidates = self._asked(batch or self.searcher.batch, stopping)
        except SpaceExhausted as error:
            return str(error)
        trials = self._evaluated(candidates, evaluation)
        self.iterations += len(candidates)
        with self._careful("tell"):
            self.searcher.tell(trials)
        self._check_failures(evaluation)
        return None

    def _asked(self, wanted: int, stopping: Stopping) -> Candidates:
        """Asks the searcher, as the log did where it has been here before."""
        before = self._log.asked[self._batches] if self._batches < len(self._log.asked) else None
        left = [wanted]
        if stopping.evaluations is not None:
            left.append(stopping.evaluations - self.evaluations)
        if stopping.iterations is not None:
            left.append(stopping.iterations - self.iterations)
        n = min(left) if before is None else before[0]
        with self._careful("ask"):
            candidates = Candidates.of(self.problem.space, self.searcher.ask(n))
        self._batches += 1
        if self._log.is_kept:
            self._log_ask(n, list(map(self.problem.space.key, candidates)), before)
        return candidates

    def _log_ask(self, n: int, keys: list[str], before: tuple[int, list[str]] | None) -> None:
        """Writes an ask to the log, or compares it with the one that the log holds."""
        if before is None:
            self._log.ask(n, keys)
        elif before[1] != keys:
            raise DataError(
                f"'{self._log.path}' cannot be resumed: asked as before, the searcher '{self.searcher.name}' asks for "
                f"other architectures. Was its code or a cost model changed? Give another file"
            )

    @contextmanager
    def _careful(self, when: str) -> Iterator[None]:
        """Names the searcher in the error when it fails."""
        try:
            yield
        except HwcostError:
            raise
        except Exception as error:
            raise UsageError(
                f"the searcher '{self.searcher.name}' failed in {when}(): {type(error).__name__}: {error}"
            ) from error

    def _evaluated(self, candidates: Candidates, evaluation: Evaluation) -> Trials:
        """Returns the trial of each candidate: from the log, from before, or newly evaluated."""
        keys, wanted = candidates.keys, self._to_evaluate(candidates.keys)
        found = self._logged(candidates, wanted)
        new = [row for row in wanted if row not in found]
        numbers = [self.iterations + row for row in new]
        source = candidates if len(new) == len(keys) else candidates[new]
        for index, trial in evaluation.trials(source, numbers) if new else ():
            found[new[index]] = trial
            self._log.tell(trial)
        is_whole = len(wanted) == len(keys)
        trials = Trials(candidates if is_whole else candidates[wanted], [found[row] for row in wanted])
        self._keep(trials)
        if is_whole:
            return trials
        known = {row: self.trials[self._latest[key]] for row, key in enumerate(keys) if row not in found}
        return Trials(candidates, [found.get(row) or replace(known[row], seconds=0.0) for row in range(len(keys))])

    def _to_evaluate(self, keys: list[bytes]) -> list[int]:
        """Returns the rows to be evaluated: the first of every unknown architecture, or all where repeats are evaluated."""
        if self.repeats == "repeat":
            return list(range(len(keys)))
        seen: set[bytes] = set()
        rows = []
        for row, key in enumerate(keys):
            if key not in self._latest and key not in seen:
                seen.add(key)
                rows.append(row)
        return rows

    def _logged(self, candidates: Candidates, rows: list[int]) -> dict[int, Trial]:
        """Returns the trials of an earlier run that the log holds, by row."""
        if not self._log.trials:
            return {}
        found = {row: self._log.known(self.problem.space.key(candidates[row]), self.iterations + row) for row in rows}
        return {row: replace(trial, source=candidates, row=row) for row, trial in found.items() if trial is not None}

    def _check_failures(self, evaluation: Evaluation) -> None:
        if len(self.trials) >= MOST_FAILED and all(trial.status == "failed" for trial in self.trials):
            text = f"all of the first {len(self.trials)} evaluations failed; the last one: {self.trials[-1].reason}"
            raise MeasurementError(text) if evaluation.has_invalid else UsageError(text)

    def _counts(self, seconds: float, stopping: Stopping) -> dict[str, float]:
        """Counts everything that may end the search."""
        return {
            "evaluations": self.evaluations, "iterations": self.iterations, "seconds": seconds,
            "patience": len(self.trials) - 1 - max(self._front, default=-1),
            "dominate": 0 if stopping.dominate is None else len(self.dominating),
        }  # fmt: skip

    def _progress(self, stopping: Stopping) -> Progress:
        best = self.trials[self._front[0]].values if self._front else None
        wanted = stopping.evaluations or stopping.iterations
        return Progress(self.iterations, self.evaluations, wanted, best, len(self._front))

    def close(self) -> None:
        """Closes the log."""
        self._log.close()


def _digest(value: Any) -> str | None:
    """Returns a hash of a cost model's learned state, so that a log is not resumed with another; None for anything else.

    Of a model at one shape it is that of the model over shapes, and the shape.
    """
    shape = getattr(value, "fixed_shape", None)
    model, sizes = (value, []) if shape is None else (shape.model, [dict(shape.sizes)])
    if not (hasattr(model, "state") and hasattr(model, "files")):
        return None
    plain = json.dumps([model.state(), model.files(), *sizes], sort_keys=True, default=repr)
    return hashlib.sha256(plain.encode("utf-8")).hexdigest()[:16]
