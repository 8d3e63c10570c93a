"""Finds the values of architectures: at once where a cost function can, one by one or through an executor where not."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Executor, Future, as_completed
from dataclasses import dataclass
from typing import Any

from hwcost.errors import HwcostError, MeasurementError, UsageError
from hwcost.objectives.bound import Bound
from hwcost.objectives.population import Population
from hwcost.searchers.problem import Problem
from hwcost.searchers.trial import Trial
from hwcost.spaces.base import Architecture
from hwcost.timing.timer import stopwatch

Found = tuple[list[float | str], float]
"""A number, or what went wrong, per function; and the seconds it took."""


@dataclass(frozen=True)
class Evaluation:
    """Evaluates what a problem asks of architectures.

    Attributes:
        problem: Objectives and limits.
        executor: Runs expensive functions; None runs them here, one after the other.
    """

    problem: Problem
    executor: Executor | None = None

    def trials(self, archs: Sequence[Architecture]) -> Iterator[tuple[int, Trial]]:
        """Yields the place and the trial of every architecture, as soon as it is found."""
        population = Population.of(self.problem.space, archs)
        cheap = [self._at_once(one, population) for one in self._functions]
        dear = [one.value for one, values in zip(self._functions, cheap, strict=True) if values is None]
        for index, (found, seconds) in self._one_by_one(dear, archs):
            rest = iter(found)
            values = [next(rest) if known is None else known[index] for known in cheap]
            yield index, self._trial(archs[index], values, seconds)

    @property
    def _bounds(self) -> list[Bound]:
        return [limit for limit in self.problem.limits if isinstance(limit, Bound) and limit.measured]

    @property
    def _functions(self) -> list[Any]:
        return [*self.problem.objectives, *self._bounds]

    @staticmethod
    def _at_once(one: Any, population: Population) -> list[float | str] | None:
        if not one.is_cheap:
            return None
        try:
            found: list[float | str] = one.values(population).tolist()
        except HwcostError:
            raise
        except Exception as error:
            found = [f"{type(error).__name__}: {error}"] * len(population)
        return found

    def _one_by_one(self, functions: list[Any], archs: Sequence[Architecture]) -> Iterator[tuple[int, Found]]:
        if not functions:
            yield from ((index, ([], 0.0)) for index in range(len(archs)))
        elif self.executor is None:
            yield from ((index, evaluate(functions, arch)) for index, arch in enumerate(archs))
        else:
            futures = {self.executor.submit(evaluate, functions, arch): index for index, arch in enumerate(archs)}
            for future in as_completed(futures):
                yield futures[future], self._result(future)

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

    def _trial(self, arch: Architecture, found: list[float | str], seconds: float) -> Trial:
        names = [one.name for one in self._functions]
        for name, value in zip(names, found, strict=True):
            if isinstance(value, str):
                return Trial(arch, "failed", reason=f"{name}: {value}", seconds=seconds)
            if not math.isfinite(value):
                unknown = f"{name} is {value}: no number, or outside what its cost model was fitted on"
                return Trial(arch, "failed", reason=unknown, seconds=seconds)
        count = len(self.problem.objectives)
        values = tuple(float(value) for value in found[:count])
        measured = {bound.name: float(value) for bound, value in zip(self._bounds, found[count:], strict=True)}
        violation = float(sum(bound.violations(measured[bound.name]) for bound in self._bounds))
        reasons = filter(None, (bound.reason(measured[bound.name]) for bound in self._bounds))
        reason = "; ".join(reasons) or None
        if violation > 0:
            return Trial(arch, "infeasible", values, violation, measured, reason, seconds=seconds)
        return Trial(arch, "completed", values, measured=measured, seconds=seconds)


def evaluate(functions: Sequence[Callable[[Architecture], float]], arch: Architecture) -> Found:
    """Calls functions of an architecture, until one fails; what it says is kept in its place.

    Errors of this library's that are the user's to mend, such as a device that is not here, end the search; a measurement
    that is not valid is one trial's end.
    """
    spent = stopwatch()
    found: list[float | str] = []
    for function in functions:
        try:
            found.append(float(function(arch)))
        except HwcostError as error:
            if not isinstance(error, MeasurementError):
                raise
            found.append(str(error))
        except Exception as error:  # whatever someone's function raises is one trial's end, not the search's
            found.append(f"{type(error).__name__}: {error}")
        if isinstance(found[-1], str):
            found += ["not evaluated"] * (len(functions) - len(found))
            break
    return found, spent()
