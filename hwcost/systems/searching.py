"""How a system searches: its spaces, and the user's searcher and constraints where some are given."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.objectives import Constraint, Minimize
from hwcost.objectives.written import SearchSpec
from hwcost.searchers import Problem, searcher
from hwcost.study import SearchOptions, Study
from hwcost.systems.parts import POLICY, Parts
from hwcost.systems.settings import Settings

if TYPE_CHECKING:
    from hwcost.cost_models import CostModel
    from hwcost.spaces import Architecture, SearchSpace

PROBABILITY = 0.95
"""Probability with which bounds on predicted latency hold; the 90 % interval of a prediction ends there."""
MIN_ERRORS = 19
"""Number of held-out rows that a latency model needs for that probability; with fewer, predictions are taken as they are."""


class Searching(ABC):
    """The part of a pipeline that searches.

    Attributes:
        folder: Folder of the run.
        settings: The user's choices.
        parts: The user's parts in place of the system's own.
        preset: The preset's numbers.
        given_costs: Cost models that were given, by the names of :meth:`spaces`; some may be over shapes.
        costs: The same at the protocol's batch size and its longest sequence length.
    """

    folder: Path
    settings: Settings
    parts: Parts
    preset: Any
    given_costs: Mapping[str, CostModel]
    costs: Mapping[str, CostModel]

    @abstractmethod
    def say(self, doing: str, done: int = 0, total: int | None = None, remark: str | None = None) -> None:
        """Reports the place that the run has reached within the current stage."""

    def spaces(self) -> Mapping[str, SearchSpace]:
        """Returns the spaces that are searched, by name; a cost model that is given belongs to one of them."""
        return {}

    def fits(self) -> tuple[str, ...]:
        """Returns the quantities that the system fits a cost model of where none is given, which constraints may name."""
        return ()

    def quantities(self) -> tuple[str, ...]:
        """Returns the quantities that campaigns are asked for beside latency, of those that are watched only where asked."""
        return ()

    def baseline(self, name: str) -> Architecture | None:
        """Returns the architecture of a space that constraints such as ``flops<=0.5x`` are relative to."""
        return None

    def check_constraints(self) -> None:
        """Reads the constraints as far as they can be read before anything is fitted.

        Raises:
            UsageError: When one cannot be read.
        """
        for name, space in self.spaces().items():
            cost = self.costs.get(name)
            spec, baseline = self._written(space, cost), self.baseline(name)
            for one in self.parts.constraints:
                if isinstance(one, str):
                    spec.check(one, () if self.parts.costs else self.fits(), baseline)

    def check_searcher(self) -> None:
        """Tries the options of a searcher that was named, before anything is trained, on an objective that stands in.

        Raises:
            UsageError: When an option is unknown, or has a value that it cannot have.
        """
        if not (isinstance(self.parts.searcher, str) and self.parts.searcher_options):
            return
        for space in self.spaces().values():
            asked, problem = self.search_options(""), Problem(space, [Minimize(_nothing)])
            searcher(asked["searcher"], problem, self.settings.seed, **asked["searcher_options"])

    def constraints(self, name: str, *costs: Any) -> list[Constraint]:
        """Returns the constraints that the user gave, on a space.

        Args:
            name: Name of the space, of those of :meth:`spaces`.
            *costs: Cost models that constraints name by their quantities, such as ``latency_s``; None stands for no model.

        Raises:
            UsageError: When one cannot be read.
        """
        space = self.spaces()[name]
        spec, baseline = self._written(space, *costs), self.baseline(name)
        return [
            spec.constraint(one, baseline) if isinstance(one, str) else one if isinstance(one, Constraint) else one(space)
            for one in self.parts.constraints
        ]

    def search_options(self, own: str, **options: Any) -> dict[str, Any]:
        """Returns the searcher of a study and its options: those that the user gave, or else the system's own.

        Args:
            own: Name of the system's own searcher.
            **options: Options of that searcher.
        """
        parts = self.parts
        if parts.searcher is None:
            return {"searcher": own, "searcher_options": options}
        estimator = {} if parts.estimator is None or parts.searcher != POLICY else {"estimator": parts.estimator}
        return {"searcher": parts.searcher, "searcher_options": {**estimator, **parts.searcher_options}}

    def run_study(self, name: str, doing: str, problem: Problem, **options: Any) -> Study:
        """Searches a problem, or resumes the search by its log in the folder; remarks are reported beside the progress.

        Args:
            name: Name of the log.
            doing: Description of the search in reports of progress.
            problem: Space, objectives and constraints.
            **options: Options of the search, see :class:`hwcost.study.SearchOptions`; the seed is the run's.

        Raises:
            InfeasibleError: When nothing satisfies the constraints.
        """
        log = self.folder / "studies" / f"{name}.jsonl"
        asked = SearchOptions(seed=self.settings.seed, log=log, **options)
        return asked.run(
            problem, progress=lambda state: self.say(doing, state.evaluations, asked.evaluations),
            remark=lambda text: self.say(doing, remark=text),
        )  # fmt: skip

    def _written(self, space: SearchSpace, *costs: Any) -> SearchSpec:
        """Returns what reads constraints as they are typed."""
        models = {cost.quantity: cost for cost in costs if cost is not None}
        sure = PROBABILITY if all(map(is_sure, models.values())) else 0.0
        return SearchSpec(space, self.preset.measuring.seq_len, sure, models)


def is_sure(cost: CostModel) -> bool:
    """Whether a latency model has errors enough on held-out rows to hold a bound with :data:`PROBABILITY`."""
    return cost.errors_ is not None and len(cost.errors_) >= MIN_ERRORS


def _nothing(arch: Architecture) -> float:
    """Stands in for an objective that is not known before nets are trained."""
    return 0.0
