"""Goals: what a user wants to know of a campaign's workloads, so that it ends as soon as that is known.

A goal is typed as a bound, such as ``half-width<=1%``; the plan keeps its text. Goals that need more than a campaign knows
are made above it: those about cost models stand in :mod:`hwcost.cost_models.evaluation.goals`.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, ClassVar

import numpy as np

from hwcost._bounds import split_bound
from hwcost.errors import UnknownNameError, UsageError
from hwcost.timing.protocol import TIERS, Protocol
from hwcost.units import has_time_unit, parse_percent, parse_quantity

if TYPE_CHECKING:
    from hwcost.campaign.plans.plan import Plan
    from hwcost.timing.measurement import Measurement

MAX_ROUNDS = TIERS["standard"].max_rounds
"""Rounds that a campaign with a goal may make at the least, whatever its tier."""


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the measurements made so far say of a goal.

    Attributes:
        goal: The goal.
        value: Present value in the goal's unit; None where it is not known.
        due: Keys of the workloads of which further processes may bring the goal nearer; empty where it is met, and where
            no process would.
        remedy: Advice on what brings the goal nearer where no process would, or the reason for a missing or doubtful value.
        is_sure: Whether the measurements are sure enough for the value to count.
    """

    goal: Goal
    value: float | None
    due: tuple[str, ...] = ()
    remedy: str = ""
    is_sure: bool = True

    @property
    def is_met(self) -> bool:
        """Whether the value is known, sure and as wanted."""
        return self.is_sure and self.value is not None and self.goal.holds(self.value)

    def __str__(self) -> str:
        """For example ``mape 2.71 %``."""
        known = "unknown" if self.value is None else f"{self.value:.3g} {self.goal.unit}".strip()
        return f"{self.goal.name} {known}"


@dataclass(frozen=True)
class Goal(ABC):
    """A figure of the campaign and the bound that it is to keep.

    Attributes:
        name: Name of the figure.
        sign: Sign of the bound: ``<=`` for figures that are better when small, else ``>=``.
        unit: Unit of the bound: ``%``, or nothing.
        most: Least value that is too large for a bound.
        takes_part: Whether something may follow the name behind a colon, as in ``mape:lut``.
        takes_more: Whether further architectures, and not processes alone, may bring the figure nearer.
        bound: Wanted value, in the unit.
        part: Text behind the colon; empty without one.
    """

    name: ClassVar[str]
    sign: ClassVar[str] = "<="
    unit: ClassVar[str] = "%"
    most: ClassVar[float] = 100.0
    takes_part: ClassVar[bool] = False
    takes_more: ClassVar[bool] = False

    bound: float
    part: str = ""

    def __str__(self) -> str:
        """The canonical text, which :func:`read_goals` reads."""
        part = f":{self.part}" if self.part else ""
        return f"{self.name}{part}{self.sign}{np.format_float_positional(self.bound, trim='-')}{self.unit}"

    def holds(self, value: float) -> bool:
        """Says whether a value of the figure is as wanted."""
        return value <= self.bound if self.sign == "<=" else value >= self.bound

    def check(self, plan: Plan) -> None:  # noqa: B027 - most figures exist for all workloads
        """Raises UsageError when the figure will not exist for the workloads of a plan."""

    def adapted(self, protocol: Protocol) -> Protocol:
        """Returns the protocol that the goal needs in place of a tier's."""
        return protocol

    @abstractmethod
    def judge(self, plan: Plan, measurements: Sequence[Measurement]) -> Verdict:
        """Judges what was measured so far; equal measurements give equal verdicts.

        Args:
            plan: Plan of the campaign.
            measurements: One measurement per item, from two processes or more.
        """


def read_goals(texts: Iterable[str], kinds: Mapping[str, type[Goal]]) -> tuple[Goal, ...]:
    """Reads goals as they are typed, or as a plan keeps them.

    Args:
        texts: The goals, for example ``half-width<=1%``.
        kinds: Kinds of goal by the names of their figures.

    Raises:
        UnknownNameError: When there is no such figure; lists the known ones.
        UsageError: When a text is not a goal, or two bound the same figure.
    """
    goals = tuple(_read(text, kinds) for text in texts)
    for i, goal in enumerate(goals):
        if any(other.name == goal.name for other in goals[:i]):
            raise UsageError(f"two goals bound {goal.name}: {', '.join(map(str, goals))}. Give one of them")
    return goals


def adapted(protocol: Protocol, goals: Sequence[Goal]) -> Protocol:
    """Returns a protocol that lets a campaign go on until its goals are met."""
    for goal in goals:
        protocol = goal.adapted(protocol)
    return replace(protocol, max_rounds=max(protocol.max_rounds, MAX_ROUNDS)) if goals else protocol


def _read(text: str, kinds: Mapping[str, type[Goal]]) -> Goal:
    given = split_bound(text, "a goal", "half-width<=1%")
    if given.head not in kinds:
        raise UnknownNameError("goal", given.head, kinds)
    kind = kinds[given.head]
    if ":" in given.what and not (kind.takes_part and given.part):
        what = "the name of a cost model" if kind.takes_part else "nothing"
        right = f"{kind.name}{given.sign}{given.value}"
        raise UsageError(f"'{text}': {what} stands behind the colon of {kind.name}: write {right}")
    if given.sign != kind.sign:
        size = "small" if kind.sign == "<=" else "large"
        raise UsageError(f"'{text}': {kind.name} is to be {size}: write {given.what}{kind.sign}{given.value}")
    bound = _value(text, kind, given.value)
    if not 0 < bound < kind.most:
        raise UsageError(f"'{text}': the bound on {kind.name} lies between 0 and {kind.most:g}{kind.unit}, both excluded")
    return kind(bound, given.part)


def _value(text: str, kind: type[Goal], value: str) -> float:
    """Reads the value of a bound in the unit of its figure."""
    if kind.unit == "%":
        if "%" not in value:
            raise UsageError(f"'{text}' needs a percent sign: write {kind.name}{kind.sign}{value}%")
        return parse_percent(value)
    if has_time_unit(value) or "%" in value:
        raise UsageError(f"'{text}': {kind.name} has no unit: write a plain number, such as {kind.name}{kind.sign}0.95")
    return parse_quantity(value)
