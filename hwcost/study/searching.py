"""One call from a space and objectives to a finished study."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from hwcost.errors import UsageError
from hwcost.objectives.objective import Objective
from hwcost.searchers import Searcher
from hwcost.searchers import searcher as searcher_of
from hwcost.searchers.problem import Check, Problem
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.study.constraints import remarks
from hwcost.study.stopping import Stopping
from hwcost.study.study import Progress, Repeats, Study

Maker = Callable[..., Searcher]


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=3)


def search(
    space: SearchSpace,
    objectives: Sequence[Objective],
    limits: Sequence[Check] = (),
    *,
    searcher: str | Maker = "evolution",
    evaluations: int | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    stall: int | None = None,
    dominate: int | None = None,
    seed: int = 0,
    reference: Architecture | None = None,
    log: str | Path | None = None,
    about: dict[str, Any] | None = None,
    repeats: Repeats = "skip",
    executor: Executor | None = None,
    batch: int | None = None,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] = _warn,
    **options: Any,
) -> Study:
    """Searches a space for architectures that serve the objectives and keep the limits.

    Args:
        space: A space whose architectures can be listed.
        objectives: At least one of ``Minimize(...)`` and ``Maximize(...)``.
        limits: ``Limit`` and ``Bound``; what cannot be kept is refused with a reason, see ``study.refusals``.
        searcher: Name of a searcher, or a callable that makes one of a problem and a seed.
        evaluations: End after so many different architectures.
        iterations: End after so many architectures, repeats included.
        seconds: End after so much time.
        stall: End after so many evaluations without improvement.
        dominate: End when so many architectures dominate the reference.
        seed: Equal seeds give equal studies.
        reference: An architecture to dominate: it is evaluated first, and is what objectives are compared with.
        log: File that keeps everything; the same call with the same file goes on where it was.
        about: What else identifies the search, plain JSON, for the log.
        repeats: ``skip`` tells a repeated architecture's known values, ``repeat`` evaluates it anew.
        executor: Any of ``concurrent.futures``, for objectives that are evaluated one by one.
        batch: Architectures that are asked for at a time; by default what the searcher likes.
        progress: Called after every batch.
        remark: Function that is called before the search with a remark on each constraint that no architecture satisfies, or
            that all do. By default it gives a Python warning; the study keeps the remarks as ``study.remarks``.
        **options: What the searcher takes.

    Raises:
        InfeasibleError: When nothing keeps the limits.
        UnknownNameError: When there is no such searcher.
        UsageError: When nothing would end the search, or an option is wrong.
    """
    stopping = Stopping(evaluations, iterations, seconds, stall, dominate)
    if stopping == Stopping():
        raise UsageError("a search needs an end: evaluations=, iterations=, seconds=, stall= or dominate=")
    problem = Problem(space, objectives, limits)
    if stopping.dominate is not None and reference is None and problem.references is None:
        raise UsageError("dominate= needs a reference: an architecture, or reference= of every objective")
    made = _made(searcher, problem, seed, options)
    odd = remarks(problem)
    for text in odd:
        remark(text)
    known = {"options": options, "batch": batch, **(about or {})}
    study = Study(problem, made, log, known, reference, repeats)
    study.remarks = odd
    try:
        return study.run(stopping, executor, batch, progress)
    finally:
        study.close()


def _made(maker: str | Maker, problem: Problem, seed: int, options: dict[str, Any]) -> Searcher:
    return searcher_of(maker, problem, seed, **options) if isinstance(maker, str) else maker(problem, seed, **options)
