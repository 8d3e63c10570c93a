"""What counts as a change of which series."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from hwcost.configuration.table import Table

__all__ = ["PolicyRule"]


class PolicyRule(Table):
    """What counts as a change of the series that its globs match; later rules go before earlier ones, key by key."""

    workload: str = "*"
    """Glob over names of workloads."""
    device: str = "*"
    """Glob over devices."""
    backend: str = "*"
    """Glob over backends."""
    quantity: str = "*"
    """Glob over quantities."""
    least: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Least relative change that counts, such as 0.03 for 3 %."""
    p_value: Annotated[float, Field(gt=0, lt=1)] | None = None
    """Level of the test that a change must survive."""
    worse: Literal["higher", "lower"] | None = None
    """Direction that is a regression."""
    owner: str | None = None
    """Name or address of whoever is to know."""
    anchor: bool | None = None
    """Whether these workloads do not run the code under test, so that a change of theirs is the machine's."""
