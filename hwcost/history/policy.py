"""What counts as a change, series by series: rules that name workloads, devices, backends and quantities by pattern."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field, ValidationError

from hwcost.errors import UsageError
from hwcost.history.changes import LEAST, P_VALUE
from hwcost.quantities import QUANTITIES
from hwcost.stores.fields import Group, Text, reason

if TYPE_CHECKING:
    from hwcost.stores.series import Series

__all__ = ["DEFAULT", "Policy", "Rule", "Terms"]

Worse = Literal["higher", "lower"]

CANARY = "canary"
"""Role of the series of a campaign's canaries, in their ``extra``."""


class Rule(Group):
    """What counts as a change for the series that match all four patterns; None leaves it as other rules have it.

    Attributes:
        workload: Pattern of the names of workloads, as a shell's.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.
        quantity: Pattern of the names of quantities.
        least: Least relative change that counts, such as 0.03.
        p_value: Level of the test that a change must survive.
        worse: Direction that is worse, ``higher`` or ``lower``; the quantity knows it otherwise.
        owner: Name of the person or team that is asked about it.
        anchor: Whether the workload does not run the code under test, so that it shows what the machine does.
    """

    workload: Text = "*"
    device: Text = "*"
    backend: Text = "*"
    quantity: Text = "*"
    least: Annotated[float, Field(gt=0, lt=10)] | None = None
    p_value: Annotated[float, Field(gt=0, lt=1)] | None = None
    worse: Worse | None = None
    owner: Text | None = None
    anchor: bool | None = None

    def matches(self, series: Series) -> bool:
        """Says whether the rule is about a series."""
        return is_matched(series, self.workload, self.device, self.backend) and fnmatchcase(series.quantity, self.quantity)


@dataclass(frozen=True, slots=True)
class Terms:
    """What counts as a change of one series.

    Attributes:
        least: Least log ratio.
        p_value: Level of the test.
        sign: 1 where higher values are worse, -1 where lower ones are.
        owner: Name of who is asked about it; empty for nobody.
        is_anchor: Whether the workload does not run the code under test.
    """

    least: float = LEAST
    p_value: float = P_VALUE
    sign: float = 1.0
    owner: str = ""
    is_anchor: bool = False


@dataclass(frozen=True)
class Policy:
    """Rules, and how much of a history is looked at.

    Attributes:
        rules: Rules; a later one overrides what an earlier one says of the same series, field by field.
        nights: Latest nights of a series in which changes are looked for, and with which it is compared.
        least_nights: Nights with a value below which nothing is said.
    """

    rules: tuple[Rule, ...] = ()
    nights: int = 60
    least_nights: int = 5

    @classmethod
    def of(cls, rules: Sequence[Mapping[str, Any]]) -> Policy:
        """Makes a policy of plain tables, such as those of a suite.

        Raises:
            UsageError: When a rule has an unknown field or a value out of bounds; says which rule and what is known.
        """
        return cls(tuple(_rule(number, plain) for number, plain in enumerate(rules, 1)))

    def terms(self, series: Series) -> Terms:
        """Returns what counts as a change of a series."""
        found: dict[str, Any] = {"worse": _worse(series.quantity), "anchor": series.extra.get("role") == CANARY}
        for rule in self.rules:
            if rule.matches(series):
                fields = ("least", "p_value", "worse", "owner", "anchor")
                found |= {name: value for name in fields if (value := getattr(rule, name)) is not None}
        return Terms(
            least=math.log1p(found["least"]) if "least" in found else LEAST,
            p_value=found.get("p_value", P_VALUE),
            sign=1.0 if found["worse"] == "higher" else -1.0,
            owner=found.get("owner", ""),
            is_anchor=found["anchor"],
        )


DEFAULT = Policy()
"""The policy where none is declared."""


def is_matched(series: Series, workload: str, device: str, backend: str) -> bool:
    """Says whether the names of a series match three patterns."""
    pairs = ((series.name, workload), (series.device, device), (series.backend, backend))
    return all(fnmatchcase(name, pattern) for name, pattern in pairs)


def _worse(quantity: str) -> Worse:
    """Returns the direction that is worse: lower for rates, higher for everything else."""
    power = QUANTITIES.load(quantity).power_of_latency if quantity in QUANTITIES else None
    return "lower" if power is not None and power < 0 else "higher"


def _rule(number: int, plain: Mapping[str, Any]) -> Rule:
    try:
        return Rule.model_validate(dict(plain), strict=True)
    except ValidationError as error:
        known = ", ".join(name for name in Rule.model_fields if name != "extra")
        raise UsageError(f"rule {number} of the policy: {reason(error)}. Known fields: {known}") from None
