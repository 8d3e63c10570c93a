"""A figure beside its bar."""

from __future__ import annotations

import operator
from dataclasses import asdict, dataclass
from typing import Any

RULES = {">=": operator.ge, "<=": operator.le}


@dataclass(frozen=True)
class Figure:
    """One measured figure.

    Attributes:
        name: Name of the figure.
        value: Figure itself; None where nothing was measured.
        rule: Relation that it must have to the bar, ``>=`` or ``<=``; empty for a figure without a bar.
        bar: Bar.
        note: Circumstances in one line.
    """

    name: str
    value: float | None
    rule: str = ""
    bar: float | None = None
    note: str = ""

    @property
    def is_met(self) -> bool | None:
        """Whether the bar is met; None for a figure without one."""
        if not self.rule or self.bar is None:
            return None
        return self.value is not None and bool(RULES[self.rule](self.value, self.bar))

    def to_dict(self) -> dict[str, Any]:
        """Returns plain JSON."""
        return {**asdict(self), "met": self.is_met}

    def __str__(self) -> str:
        value = "-" if self.value is None else f"{self.value:.4g}"
        if self.is_met is None:
            return f"{self.name:58s} {value:>10s}  {self.note}"
        verdict = "met" if self.is_met else "MISSED"
        return f"{self.name:58s} {value:>10s}  bar {self.rule} {self.bar:g}: {verdict}  {self.note}"
