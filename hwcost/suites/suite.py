"""A suite: what is measured every night, as it is declared in TOML."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field, model_validator

from hwcost.configuration.options import TIERS
from hwcost.configuration.table import Duration, Table

__all__ = ["Limits", "ModelSpec", "Place", "PolicyRule", "Runtime", "Shape", "Suite", "WorkloadSet"]

COUNT = Annotated[int, Field(ge=1)]
SEED = Annotated[int, Field(ge=0)]


class Shape(Table):
    """A shape of inputs; what is left out is the device's own."""

    batch_size: COUNT | None = None
    """Sequences per call."""
    seq_len: COUNT | None = None
    """Tokens per sequence."""
    dtype: str | None = None
    """Number format of weights and activations."""


class Runtime(Table):
    """A backend with its options; the name alone stands for ``{name = NAME}``."""

    name: str
    """Name of the backend, such as ``torch``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the backend."""
    threads: COUNT | None = None
    """Threads inside an operator, in place of the suite's."""


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


RUNTIMES = list[Annotated[Runtime, BeforeValidator(_named, json_schema_input_type=str | Runtime)]]


class Place(Table):
    """A device, and where it is; ``NAME``, ``NAME@ssh://HOST`` and ``here`` are short for it."""

    name: str
    """Name of a device profile, or ``here`` for every device of this machine."""
    on: str | None = None
    """Address of the machine that has it, as ``--on`` takes it; this machine without one."""
    backends: RUNTIMES = Field(default_factory=list)
    """Backends on this device, in place of the suite's."""


def _placed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    name, at, url = given.partition("@")
    return {"name": name, "on": url} if at else {"name": name}


PLACES = list[Annotated[Place, BeforeValidator(_placed, json_schema_input_type=str | Place)]]


class WorkloadSet(Table):
    """Workloads that are declared together: architectures or components of a space, or one model of the user's own."""

    name: str
    """Name of the set, which ``--only`` selects by."""
    space: str | None = None
    """Search space, with options behind its name as on the command line, such as ``supershaper:scale=mini``."""
    n: COUNT | None = None
    """Number of architectures that are drawn; with ``components``, that of whole models."""
    test_rows: Annotated[int, Field(ge=0)] = 0
    """Number of further architectures, spread over sizes, that no cost model learns from."""
    uniform: Annotated[int, Field(ge=0)] = 0
    """Number of further architectures, drawn uniformly, likewise."""
    design: Literal["spread", "uniform"] = "spread"
    """Draw of the architectures."""
    seed: SEED = 0
    """Seed of the draws: equal seeds give equal workloads, night after night."""
    archs: list[str] = Field(default_factory=list)
    """Architectures by their texts, in place of drawn ones."""
    components: bool = False
    """Whether the components of the space are priced, by stacks of several depths, in place of whole models alone."""
    parts: bool = False
    """Whether attention, feed-forward, norms and bottlenecks are priced apart too."""
    model: str | None = None
    """ONNX file or ``package.module:factory``; with a space, the factory that builds its architectures."""
    inputs: list[str] = Field(default_factory=list)
    """Shapes of an ONNX file's inputs, ``NAME=1x128[:int64]``."""
    shapes: list[Shape] = Field(default_factory=list)
    """Shapes, in place of the suite's."""
    tiers: list[TIERS] = Field(default_factory=list)
    """Tiers at which the set is measured; all where it is empty."""
    quantities: list[str] = Field(default_factory=list)
    """Quantities beside latency, such as ``energy_j``."""

    @model_validator(mode="after")
    def _consistent(self) -> WorkloadSet:
        if self.space is None and self.model is None:
            raise ValueError(f"set '{self.name}' names neither a space nor a model")
        if self.space is None and (self.archs or self.components or self.n is not None):
            raise ValueError(f"set '{self.name}' has no space, which archs, n and components need")
        if self.components and (self.archs or self.model):
            raise ValueError(f"set '{self.name}': components prices what hwcost builds; leave archs and model out")
        if self.archs and self.n is not None:
            raise ValueError(f"set '{self.name}' names its architectures and draws others: give archs or n")
        return self


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


class Limits(Table):
    """Limits within which a cost model holds on its device."""

    mape: Annotated[float, Field(gt=0)] = 10.0
    """Largest mean error, percent."""
    level: Annotated[float, Field(gt=0)] = 3.0
    """Largest drift of the device's level against the model, percent."""
    kendall_tau: Annotated[float, Field(ge=-1, le=1)] | None = None
    """Least rank correlation; not checked where it is left out."""
    coverage: bool = True
    """Whether too few measurements within the 90 % intervals count against the model."""
    least_n: COUNT = 5
    """Fewest measurements that judge a model."""


class ModelSpec(Table):
    """A cost model that the night's measurements judge."""

    path: str
    """Folder of the model, relative to the suite's file; it is fitted there on the first night where it is absent."""
    space: str | None = None
    """Search space of the measurements; that of the model where it is left out."""
    model: str = "hybrid"
    """Kind of the model where it is fitted."""
    device: str = "cpu"
    """Device that the model is of."""
    backend: str | None = None
    """Backend that the model is of; any where it is left out."""
    quantity: str = "latency_s"
    """Quantity that it predicts."""
    batch_size: COUNT | None = None
    """Sequences per call of the measurements; any where it is left out."""
    seq_len: COUNT | None = None
    """Tokens per sequence, likewise."""
    refit: Literal["never", "failing", "always"] = "never"
    """Case in which it is fitted again, into a new folder: never, when it does not hold (``failing``), or always."""
    limits: Limits = Limits()
    """Limits within which it holds."""


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
    threads: COUNT | None = None
    """Threads inside an operator."""
    rounds: COUNT | None = None
    """Exact number of rounds, in place of the tier's."""
    blocks: Annotated[int, Field(ge=4)] | None = None
    """Least number of timed blocks in a visit, in place of ten."""
    until: list[str] = Field(default_factory=list)
    """Goals by which a campaign ends, such as ``half-width<=2%``, in place of the tier's half-width."""
    pin: bool = True
    """Whether measuring processes are bound to CPUs."""
    lock_clocks: bool = False
    """Whether a GPU's clock is locked meanwhile."""
    seed: SEED = 0
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
        return self.model_copy(update={"devices": [Place.model_validate(_placed(text)) for text in devices]})

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
