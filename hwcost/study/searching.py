"""One call from a space and objectives to a finished study."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Executor
from pathlib import Path
from typing import Any

from hwcost.objectives.constraint import Constraint
from hwcost.objectives.objective import Objective
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture, SearchSpace
from hwcost.study.options import Maker, SearchOptions
from hwcost.study.study import Progress, Repeats, Study


def _warn(text: str) -> None:
    warnings.warn(text, stacklevel=4)


def search(
    space: SearchSpace,
    objectives: Sequence[Objective],
    constraints: Sequence[Constraint] = (),
    *,
    searcher: str | Maker = "evolution",
    searcher_options: Mapping[str, Any] | None = None,
    evaluations: int | None = None,
    iterations: int | None = None,
    seconds: float | None = None,
    patience: int | None = None,
    dominate: int | None = None,
    seed: int = 0,
    reference: Architecture | None = None,
    log: str | Path | None = None,
    about: Mapping[str, Any] | None = None,
    repeats: Repeats = "skip",
    batch: int | None = None,
    executor: Executor | None = None,
    progress: Callable[[Progress], None] = lambda state: None,
    remark: Callable[[str], None] = _warn,
) -> Study:
    """Searches a space for feasible architectures that serve the objectives.

    Args:
        space: A space whose architectures can be listed.
        objectives: Objectives: one or more of ``Minimize(...)`` and ``Maximize(...)``.
        constraints: Constraints; infeasible candidates are rejected with a reason, see ``study.rejections``.
        searcher: Name of a searcher, or a callable that makes one of a problem and a seed.
        searcher_options: Options of the searcher by name, for example ``{"preset": "hat"}``.
        evaluations: Number of different architectures after which the search ends.
        iterations: Number of architectures, repeats included, after which the search ends.
        seconds: Time after which the search ends.
        patience: Number of evaluations in a row without improvement after which the search ends.
        dominate: Number of architectures that dominate the reference after which the search ends.
        seed: Seed of all random draws; equal seeds give equal studies.
        reference: Architecture to dominate: it is evaluated first, and the objectives are compared with its values.
        log: File that keeps everything; the same call with the same file is resumed.
        about: Further identification of the search for the log, plain JSON.
        repeats: Treatment of repeated architectures: ``skip`` reports the known values, ``repeat`` evaluates anew.
        batch: Number of candidates of an ask; by default the searcher's own.
        executor: Any executor of ``concurrent.futures``, for objectives that are evaluated one by one.
        progress: Function that is called after every batch.
        remark: Function that is called before the search with a remark on each constraint that no architecture satisfies, or
            that all do. By default it gives a Python warning; the study keeps the remarks as ``study.remarks``.

    Raises:
        InfeasibleError: When nothing satisfies the constraints.
        UnknownNameError: When the searcher is unknown.
        UsageError: When nothing would end the search, or an option is wrong.
    """
    options = SearchOptions(
        searcher, searcher_options or {}, evaluations, iterations, seconds, patience, dominate, seed, reference, log,
        about or {}, repeats, batch,
    )  # fmt: skip
    return options.run(Problem(space, objectives, constraints), executor, progress, remark)
