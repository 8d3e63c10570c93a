"""Workloads that a suite declares together."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field, model_validator

from hwcost.configuration.options import TIERS
from hwcost.configuration.table import Count, Seed, Table
from hwcost.suites.place import Shape

__all__ = ["WorkloadSet"]


class WorkloadSet(Table):
    """Workloads that are declared together: architectures or components of a space, or one model of the user's own."""

    name: str
    """Name of the set, which ``--only`` selects by."""
    space: str | None = None
    """Search space, with options behind its name as on the command line, such as ``supershaper:scale=mini``."""
    n: Count | None = None
    """Number of architectures that are drawn; with ``components``, that of whole models."""
    test_rows: Annotated[int, Field(ge=0)] = 0
    """Number of further architectures, spread over sizes, that no cost model learns from."""
    uniform: Annotated[int, Field(ge=0)] = 0
    """Number of further architectures, drawn uniformly, likewise."""
    design: Literal["spread", "uniform"] = "spread"
    """Draw of the architectures."""
    seed: Seed = 0
    """Seed of the draws: equal seeds give equal workloads, night after night."""
    archs: list[str] = Field(default_factory=list)
    """Architectures by their texts, in place of drawn ones."""
    components: bool = False
    """Whether the components of the space are priced, by stacks of several depths, in place of whole models alone."""
    of_models: bool = False
    """Whether, with ``components``, only those of the whole models are priced: for spaces of very many components."""
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
        if self.of_models and not self.components:
            raise ValueError(f"set '{self.name}': of_models says which components are priced; add components = true")
        if self.archs and self.n is not None:
            raise ValueError(f"set '{self.name}' names its architectures and draws others: give archs or n")
        return self
