"""The options of a search: one object that the Python function, the command line and systems make, and one way to run it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from hwcost._arguments import COUNT, FUNCTION, OPTIONS, PATH, SEED, Kind, check, of_type
from hwcost.errors import UsageError
from hwcost.searchers import Searcher
from hwcost.searchers import searcher as searcher_of
from hwcost.searchers.problem import Problem
from hwcost.spaces.base import Architecture
from hwcost.study.remarks import remarks
from hwcost.study.stopping import Stopping
from hwcost.study.study import Progress, Repeats, Study

Maker = Callable[..., Searcher]

SEARCHER = Kind("the name of a searcher, or a function that makes one", lambda one: isinstance(one, str) or callable(one))
ARCHITECTURE = of_type("an architecture", Architecture)
EXECUTOR = Kind("an executor of concurrent.futures", lambda one: hasattr(one, "submit"))


@dataclass(frozen=True)
class SearchOptions:
    """The searcher, its ends and everything else that a search takes besides its problem.

    Attributes:
        searcher: Name of a searcher, or a callable that makes one of a problem and a seed.
        searcher_options: Options of the searcher by name.
        evaluations: Number of different architectures after which the search ends.
        iterations: Number of architectures, repeats included, after which the search ends.
        seconds: Time after which the search ends.
        patience: Number of evaluations in a row without improvement after which the search ends.
        dominate: Number of architectures that dominate the reference after which the search ends.
        seed: Seed of all random draws; equal seeds give equal studies.
        reference: Architecture to dominate: it is evaluated first, and the objectives are compared with its values.
        log: File that keeps everything; the same search with the same file is resumed.
        about: Further identification of the search for the log, plain JSON.
        repeats: Treatment of repeated architectures: ``skip`` reports the known values, ``repeat`` evaluates anew.
        batch: Number of candidates of an ask; by default the searcher's own.

    Raises:
        UsageError: When nothing would end the search, or an end is not positive.
    """

    searcher: str | Maker = "evolution"
    searcher_options: Mapping[str, Any] = field(default_factory=dict)
    evaluations: int | None = None
    iterations: int | None = None
    seconds: float | None = None
    patience: int | None = None
    dominate: int | None = None
    seed: int = 0
    reference: Architecture | None = None
    log: str | Path | None = None
    about: Mapping[str, Any] = field(default_factory=dict)
    repeats: Repeats = "skip"
    batch: int | None = None

    def __post_init__(self) -> None:
        check(vars(self), searcher=SEARCHER, searcher_options=OPTIONS, seed=SEED, reference=ARCHITECTURE.or_none)
        check(vars(self), log=PATH.or_none, about=OPTIONS, batch=COUNT.or_none)
        if self.stopping == Stopping():
            raise UsageError("a search needs an end: evaluations=, iterations=, seconds=, patience= or dominate=")

    @property
    def stopping(self) -> Stopping:
        """The ends of the search."""
        return Stopping(self.evaluations, self.iterations, self.seconds, self.patience, self.dominate)

    def study(self, problem: Problem) -> Study:
        """Makes the study of a problem, which has not begun yet.

        Raises:
            UnknownNameError: When the searcher is unknown.
            UsageError: When an option is wrong, or a reference to dominate is missing.
        """
        if self.dominate is not None and self.reference is None and problem.references is None:
            raise UsageError("dominate= needs a reference: an architecture, or reference= of every objective")
        made = searcher_of(self.searcher, problem, self.seed, **self.searcher_options)
        about = {"options": dict(self.searcher_options), "batch": self.batch, **self.about}
        return Study(problem, made, self.log, about, self.reference, self.repeats)

    def run(
        self,
        problem: Problem,
        executor: Executor | None = None,
        progress: Callable[[Progress], None] = lambda state: None,
        remark: Callable[[str], None] = lambda text: None,
    ) -> Study:
        """Searches a problem, from the remarks on its constraints to the end.

        Args:
            problem: Space, objectives and constraints.
            executor: Any executor of ``concurrent.futures``, for objectives that are evaluated one by one.
            progress: Function that is called after every batch.
            remark: Function that is called before the search with each remark on the constraints.

        Raises:
            InfeasibleError: When nothing satisfies the constraints.
            InterruptedRunError: On Ctrl-C; with a log, the same search is resumed.
        """
        check({"executor": executor, "progress": progress}, executor=EXECUTOR.or_none, progress=FUNCTION)
        check({"remark": remark}, remark=FUNCTION)
        study = self.study(problem)
        try:
            study.remarks = remarks(problem)
            for text in study.remarks:
                remark(text)
            return study.run(self.stopping, executor, self.batch, progress)
        finally:
            study.close()
