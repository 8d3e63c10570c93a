"""A suite: what is measured every night, as it is declared in TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hwcost.configuration.options import TIERS
from hwcost.configuration.table import Count, Duration, Seed, Table
from hwcost.suites.model_spec import ModelSpec
from hwcost.suites.place import PLACES, RUNTIMES, Place, Runtime, Shape, place_of
from hwcost.suites.policy_rule import PolicyRule
from hwcost.suites.workload_set import WorkloadSet

__all__ = ["Suite"]


def _of_tiers(value: Any) -> Any:
    return {"*": value} if isinstance(value, str) else value


def _known_tiers(budgets: dict[str, str]) -> dict[str, str]:
    known = ("quick", "standard", "strict", "*")
    for name in budgets:
        if name not in known:
            raise ValueError(f"unknown tier '{name}'. Known: quick, standard, strict")
    return budgets


class Suite(Table):
    """Everything that a run measures, and how it is judged."""

    name: str = ""
    """Name of the suite; that of its table or file where it is left out."""
    title: str = ""
    """Title for people."""
    workloads: Annotated[list[WorkloadSet], Field(min_length=1)]
    """Sets of workloads."""
    devices: PLACES = Field(default_factory=lambda: [Place(name="here")], min_length=1)
    """Devices: names, ``NAME@ssh://HOST``, or tables; ``here``, every device of this machine, where it is left out."""
    backends: RUNTIMES = Field(default_factory=list)
    """Backends by name, or tables; the usual one of each device where it is empty."""
    shapes: list[Shape] = Field(default_factory=lambda: [Shape()])
    """Shapes of inputs of workloads that say none."""
    tier: TIERS | None = None
    """Precision, where whoever runs the suite asks for none."""
    budget: Annotated[
        dict[str, Duration],
        BeforeValidator(_of_tiers, json_schema_input_type=Duration | dict[str, Duration]),
        AfterValidator(_known_tiers),
    ] = Field(default_factory=dict)
    """Time that all campaigns of a run share, such as ``2h``; or a table with one time a tier."""
    threads: Count | None = None
    """Threads inside an operator."""
    rounds: Count | None = None
    """Exact number of rounds, in place of the tier's."""
    blocks: Annotated[int, Field(ge=4)] | None = None
    """Least number of timed blocks in a visit, in place of ten."""
    until: list[str] = Field(default_factory=list)
    """Goals by which a campaign ends, such as ``half-width<=2%``, in place of the tier's half-width."""
    pin: bool = True
    """Whether measuring processes are bound to CPUs."""
    lock_clocks: bool = False
    """Whether a GPU's clock is locked meanwhile."""
    seed: Seed = 0
    """Seed of the order of visits."""
    policy: list[PolicyRule] = Field(default_factory=list)
    """Rules by which changes are judged."""
    models: dict[str, ModelSpec] = Field(default_factory=dict)
    """Cost models that are judged after measuring, by name."""

    @model_validator(mode="after")
    def _distinct(self) -> Suite:
        names = [one.name for one in self.workloads]
        twice = next((name for name in names if names.count(name) > 1), None)
        if twice is not None:
            raise ValueError(f"two sets of workloads are called '{twice}'")
        return self

    def budget_of(self, tier: str) -> str | None:
        """Returns the time of a run at a tier; None for as long as it takes."""
        return self.budget.get(tier, self.budget.get("*"))

    def with_devices(self, devices: Sequence[str]) -> Suite:
        """Returns the same suite on other devices: names, ``NAME@ssh://HOST`` or ``here``."""
        return self.model_copy(update={"devices": [place_of(text) for text in devices]})

    def with_defaults(self, configured: Mapping[str, Any]) -> Suite:
        """Returns the same suite with what is configured in place of what it does not say.

        Args:
            configured: Values by the names of :data:`hwcost.configuration.OPTIONS`; None for what is not configured.
        """
        shape = {key: configured[key] for key in Shape.model_fields if configured.get(key) is not None}
        device, backend, budget = (configured.get(key) for key in ("device", "backend", "budget"))
        values = {
            "tier": configured.get("tier"), "threads": configured.get("threads"), "pin": configured.get("pin"),
            "devices": None if device is None else [Place(name=device)],
            "backends": None if backend is None else [Runtime(name=backend)],
            "budget": None if budget is None else _of_tiers(budget),
            "shapes": [Shape(**shape)] if shape else None,
        }  # fmt: skip
        lacking = {key: value for key, value in values.items() if value is not None and key not in self.model_fields_set}
        return self.model_copy(update=lacking)

    def rules(self) -> list[dict[str, Any]]:
        """Returns the policy as plain tables, with the keys that were given."""
        return [rule.model_dump(exclude_none=True) for rule in self.policy]
