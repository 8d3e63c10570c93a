"""Stopping criteria: whether the steady blocks of a visit are enough. They know numbers only, no clock and no workload.

A further criterion is one class in this file, a frozen dataclass whose fields, all with defaults, are its parameters; it is
listed in ``CRITERIA``. The limits of the protocol (blocks and seconds of a visit) hold for every criterion.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any, ClassVar

from hwcost.errors import UnknownNameError, UsageError
from hwcost.timing import steady


class StoppingCriterion(ABC):
    """A rule by which a visit ends before its limits.

    Attributes:
        name: Name of the rule in protocols and records.
        title: Name of the rule in words.
    """

    name: ClassVar[str]
    title: ClassVar[str]

    @abstractmethod
    def is_met(self, samples: Sequence[float]) -> bool:
        """Says whether a visit has enough blocks.

        Args:
            samples: Seconds per call of every block since the steady state was reached, in the order measured.
        """

    def to_dict(self) -> dict[str, Any]:
        """Returns the name with the parameters as plain JSON, from which :func:`criterion` makes an equal rule."""
        return {"name": self.name, **asdict(self)}  # type: ignore[call-overload]


@dataclass(frozen=True, slots=True)
class MedianError(StoppingCriterion):
    """Enough once the median is known well enough.

    Attributes:
        most: Largest standard error of the median, as a share of it.
    """

    name: ClassVar[str] = "median-error"
    title: ClassVar[str] = "standard error of the median"

    most: float = 0.004

    def __post_init__(self) -> None:
        if not 0 < self.most < 1:
            raise UsageError(f"stopping criterion '{self.name}': most must lie between 0 and 1, got {self.most}")

    def is_met(self, samples: Sequence[float]) -> bool:
        """See the base class."""
        return steady.relative_error(samples) <= self.most


@dataclass(frozen=True, slots=True)
class FixedCount(StoppingCriterion):
    """Enough after a fixed number of blocks, however noisy they are; for visits of equal length.

    Attributes:
        blocks: Number of steady blocks.
    """

    name: ClassVar[str] = "fixed-count"
    title: ClassVar[str] = "fixed number of blocks"

    blocks: int = 10

    def __post_init__(self) -> None:
        if self.blocks < 1:
            raise UsageError(f"stopping criterion '{self.name}': blocks must be at least 1, got {self.blocks}")

    def is_met(self, samples: Sequence[float]) -> bool:
        """See the base class."""
        return len(samples) >= self.blocks


@dataclass(frozen=True, slots=True)
class RecordedCriterion(StoppingCriterion):
    """The criterion of a plan from elsewhere that is unknown here: what it measured can be read, but not measured further.

    Attributes:
        recorded: Name and parameters, as the plan holds them.
    """

    name: ClassVar[str] = "recorded"
    title: ClassVar[str] = "stopping criterion that is unknown here"

    recorded: Mapping[str, Any]

    def is_met(self, samples: Sequence[float]) -> bool:
        """Raises UsageError, which says what is unknown."""
        return criterion(**self.recorded).is_met(samples)

    def to_dict(self) -> dict[str, Any]:
        """See the base class."""
        return dict(self.recorded)


CRITERIA: Mapping[str, type[StoppingCriterion]] = {one.name: one for one in (MedianError, FixedCount)}
"""All criteria by name."""


def criterion(name: str, **parameters: Any) -> StoppingCriterion:
    """Makes a stopping criterion by name.

    Args:
        name: Name of one of ``CRITERIA``.
        **parameters: Its parameters; those that are left out have their defaults.

    Raises:
        UnknownNameError: When there is no such criterion; lists the known ones.
        UsageError: When a parameter is unknown or has a value that it cannot have.
    """
    if name not in CRITERIA:
        raise UnknownNameError("stopping criterion", name, CRITERIA)
    chosen: Any = CRITERIA[name]
    known = [field.name for field in fields(chosen)]
    unknown = [given for given in parameters if given not in known]
    if unknown:
        raise UsageError(f"stopping criterion '{name}' has no parameter '{unknown[0]}'. Known: {', '.join(known)}")
    made: StoppingCriterion = chosen(**parameters)
    return made


def from_plan(recorded: Mapping[str, Any]) -> StoppingCriterion:
    """Makes the criterion that a plan holds, which another version of hwcost, or a changed one, may have written.

    Args:
        recorded: Name and parameters, as :meth:`StoppingCriterion.to_dict` returned them.
    """
    try:
        return criterion(**recorded)
    except UsageError:
        return RecordedCriterion(dict(recorded))
