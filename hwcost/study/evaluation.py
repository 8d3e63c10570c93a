"""Finds the values of candidates: all at once where a function is vectorised, else one by one or through an executor."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import Any

from hwcost._cached import cached_property
from hwcost.errors import HwcostError, MeasurementError, UsageError
from hwcost.objectives.constraint import Constraint
from hwcost.objectives.cost_function import number_of
from hwcost.objectives.objective import Objective
from hwcost.searchers.problem import Problem
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture
from hwcost.spaces.candidates import Candidates
from hwcost.timing.timer import stopwatch

Found = tuple[list[float | str], float]
"""A number, or the error's text, per function; and the seconds of the evaluation."""


class Invalid(str):
    """The text of a measurement that is not valid, as opposed to an error of a function."""


@dataclass
class Evaluation:
    """Evaluates the objectives and the measured constraints of a problem.

    Attributes:
        problem: Problem with objectives and constraints.
        executor: Executor of expensive functions; None calls them here, one after the other.
        has_invalid: Whether a trial failed because a measurement was not valid.
    """

    problem: Problem
    executor: Executor | None = None
    has_invalid: bool = False

    def trials(self, candidates: Candidates, numbers: Sequence[int]) -> Iterator[tuple[int, Trial]]:
        """Yields the row and the trial of every candidate, as soon as it is found.

        Args:
            candidates: n candidates.
            numbers: Number of each trial in its study.
        """
        vectorised = [self._at_once(one, candidates) for one in self._functions]
        if not self.problem.measured and (known := _finite(vectorised)) is not None:
            for row, (number, numbered) in enumerate(zip(numbers, known, strict=True)):
                yield row, Trial(candidates, values=numbered, number=number, row=row)
            return
        expensive = [one.value for one, values in zip(self._functions, vectorised, strict=True) if values is None]
        for row, (found, seconds) in self._one_by_one(expensive, candidates):
            rest = iter(found)
            values = [next(rest) if known is None else known[row] for known in vectorised]
            place = {"number": numbers[row], "seconds": seconds, "row": row}
            yield row, self._trial(candidates, values, place)

    @cached_property
    def _functions(self) -> list[Objective | Constraint]:
        return [*self.problem.objectives, *self.problem.measured]

    @staticmethod
    def _at_once(one: Objective | Constraint, candidates: Candidates) -> list[float | str] | None:
        if not one.is_vectorised:
            return None
        try:
            found: list[float | str] = one.values(candidates).tolist()
        except HwcostError:
            raise
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"] * len(candidates)
        return found

    def _one_by_one(
        self, functions: list[Callable[[Architecture], float]], candidates: Candidates
    ) -> Iterator[tuple[int, Found]]:
        if not functions:
            yield from enumerate(([], 0.0) for _ in range(len(candidates)))
        elif self.executor is None:
            yield from ((row, evaluate(functions, arch)) for row, arch in enumerate(candidates))
        else:
            futures = {self.executor.submit(evaluate, functions, arch): row for row, arch in enumerate(candidates)}
            try:
                yield from self._as_they_end(futures)
            finally:
                for future in futures:
                    future.cancel()

    def _as_they_end(self, futures: dict[Future[Found], int]) -> Iterator[tuple[int, Found]]:
        """Yields rows and values; an error that ends the search waits for evaluations that run, whose values are kept."""
        ended: set[Future[Found]] = set()
        for future in as_completed(futures):
            ended.add(future)
            try:
                found = self._result(future)
            except HwcostError:
                yield from self._last([one for one in futures if one not in ended and not one.cancel()], futures)
                raise
            yield futures[future], found

    def _last(self, running: list[Future[Found]], rows: dict[Future[Found], int]) -> Iterator[tuple[int, Found]]:
        for future in as_completed(running):
            if not future.cancelled() and future.exception() is None:
                yield rows[future], future.result()

    @staticmethod
    def _result(future: Future[Found]) -> Found:
        try:
            return future.result()
        except HwcostError:
            raise
        except Exception as error:  # not the function's own, which are kept: the executor could not run it at all
            raise UsageError(
                f"the executor could not run an evaluation: {type(error).__name__}: {error}. Functions that other processes "
                f"run must be importable there: no lambdas, no functions inside functions"
            ) from error

    def _trial(self, candidates: Candidates, found: list[float | str], place: dict[str, Any]) -> Trial:
        """Returns the trial of one candidate: its number, its row and the seconds that it took stand in ``place``."""
        values: list[float] = []
        for one, value in zip(self._functions, found, strict=True):
            if isinstance(value, str):
                self.has_invalid |= isinstance(value, Invalid)
                return Trial(candidates, "failed", reason=f"{one.name}: {value}", **place)
            if not math.isfinite(value):
                unknown = f"{one.name} is {value}: not a number, or outside what its cost model was fitted on"
                return Trial(candidates, "failed", reason=unknown, **place)
            values.append(value)
        if not self.problem.measured:
            return Trial(candidates, values=tuple(values), **place)
        count = len(self.problem.objectives)
        return self._constrained(candidates, tuple(values[:count]), values[count:], place)

    def _constrained(
        self, candidates: Candidates, values: tuple[float, ...], measured: list[float], place: dict[str, Any]
    ) -> Trial:
        """Returns the trial of a candidate with values of the measured constraints."""
        pairs = list(zip(self.problem.measured, measured, strict=True))
        by_name = {constraint.name: value for constraint, value in pairs}
        violation = float(sum(constraint.excess([value])[0] for constraint, value in pairs))
        if violation == 0:
            return Trial(candidates, values=values, measured=by_name, **place)
        reasons = [reason for constraint, value in pairs if (reason := constraint.reason(value)) is not None]
        return Trial(candidates, "infeasible", values, violation, by_name, "; ".join(reasons) or None, **place)


def _finite(found: list[list[float | str] | None]) -> list[tuple[float, ...]] | None:
    """Returns the values of every candidate by those of every function; None where one is not known, or not finite."""
    plain = [[one for one in values or () if isinstance(one, float) and math.isfinite(one)] for values in found]
    if any(values is None or len(values) > len(kept) for values, kept in zip(found, plain, strict=True)):
        return None
    return list(zip(*plain, strict=True))


def evaluate(functions: Sequence[Callable[[Architecture], float]], arch: Architecture) -> Found:
    """Calls functions of an architecture until one fails; the error's text stands in its place.

    Errors of this library that the user can mend, such as a device that is not here, end the search; an invalid measurement
    ends one trial only.
    """
    spent = stopwatch()
    found: list[float | str] = []
    for function in functions:
        try:
            found.append(number_of(function, arch))
        except HwcostError as error:
            if not isinstance(error, MeasurementError):
                raise
            found.append(Invalid(error))
        except (Exception, SystemExit) as error:  # an error of a user's function ends one trial, not the search
            found.append(f"{type(error).__name__}: {error}")
        if isinstance(found[-1], str):
            found += ["not evaluated"] * (len(functions) - len(found))
            break
    return found, spent()
