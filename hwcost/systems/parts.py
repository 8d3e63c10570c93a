"""What a user gives in place of a system's own parts: cost models, a searcher, constraints, an estimator, sizes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from hwcost.errors import UnknownNameError, UsageError
from hwcost.objectives import Constraint
from hwcost.searchers import SEARCHERS, Searcher
from hwcost.searchers.sampling import ESTIMATORS

Made = Callable[..., Any]

POLICY = "sdo"
"""Name of the searcher that estimates gradients, and so takes an estimator."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Parts that a system is run with in place of its own.

    Attributes:
        costs: Cost models of the system's spaces, or what they are read from: the folder of a saved one, a store, or a
            table of latencies.
        searcher: Name of a searcher, or a callable that makes one of a problem and a seed.
        searcher_options: Options of the searcher by name.
        constraints: Constraints in place of the system's own limits: texts such as ``params:paper<=66M``, constraints, or
            functions that make one of a space.
        estimator: Name of the gradient estimator of SDO.
        sizes: New values of the preset's fields by name, nested ones with dots: ``recipe.steps``.

    Raises:
        UnknownNameError: When the searcher or the estimator is unknown.
        UsageError: When an option has nothing to act on, or a constraint is none.
    """

    costs: Sequence[Any] = ()
    searcher: str | Made | None = None
    searcher_options: Mapping[str, Any] = field(default_factory=dict)
    constraints: Sequence[str | Constraint | Callable[[Any], Constraint]] = ()
    estimator: str | None = None
    sizes: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if isinstance(self.searcher, str) and self.searcher not in SEARCHERS:
            raise UnknownNameError("searcher", self.searcher, SEARCHERS.names())
        if not (self.searcher is None or isinstance(self.searcher, str) or callable(self.searcher)):
            raise UsageError(f"a searcher is a name or a callable that makes one, got {self.searcher!r:.60}")
        if self.searcher_options and self.searcher is None:
            raise UsageError("options of a searcher need the searcher that takes them: give searcher= (--searcher NAME)")
        if self.estimator is not None and self.estimator not in ESTIMATORS:
            raise UnknownNameError("estimator", self.estimator, ESTIMATORS)
        for one in self.constraints:
            if not (isinstance(one, (str, Constraint)) or callable(one)):
                raise UsageError(f"a constraint is a text such as 'params<=66M' or a hwcost.Constraint, got {one!r:.60}")

    @property
    def given(self) -> set[str]:
        """Names of the parts that were given, as a system says which ones it takes."""
        named = {
            "cost": self.costs, "searcher": self.searcher, "constraints": self.constraints, "estimator": self.estimator,
        }  # fmt: skip
        return {name for name, part in named.items() if part}

    @property
    def searcher_name(self) -> str | None:
        """Name of the searcher, or of the callable that makes it; None where none was given."""
        if self.searcher is None or isinstance(self.searcher, str):
            return self.searcher
        return f"{self.searcher.__module__}:{getattr(self.searcher, '__qualname__', type(self.searcher).__name__)}"

    def pursues(self, objectives: int) -> bool:
        """Says whether the searcher pursues so many objectives at once, as far as it tells."""
        kind = SEARCHERS.load(self.searcher) if isinstance(self.searcher, str) else self.searcher
        most = getattr(kind, "max_objectives", Searcher.max_objectives)
        return most is None or most >= objectives

    def identity(self) -> dict[str, Any]:
        """Returns what identifies these parts, plain JSON; a run identifies costs and sizes by their content."""
        return {
            "searcher": self.searcher_name, "searcher_options": dict(self.searcher_options), "estimator": self.estimator,
            "constraints": [_text(one) for one in self.constraints],
        }  # fmt: skip


NONE = Parts()
"""Nothing is given: the system's own parts."""


def _text(constraint: Any) -> str:
    """Names a constraint in a run's identity."""
    if isinstance(constraint, (str, Constraint)):
        return constraint if isinstance(constraint, str) else repr(constraint)
    return f"{constraint.__module__}:{getattr(constraint, '__qualname__', type(constraint).__name__)}"
