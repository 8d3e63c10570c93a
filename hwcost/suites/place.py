"""Where a suite measures: shapes of inputs, backends, and devices, which may be elsewhere."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import BeforeValidator, Field

from hwcost.configuration.table import Count, Table

__all__ = ["PLACES", "RUNTIME", "RUNTIMES", "Place", "Runtime", "Shape", "place_of"]


class Shape(Table):
    """A shape of inputs; what is left out is the device's own."""

    batch_size: Count | None = None
    """Sequences per call."""
    seq_len: Count | None = None
    """Tokens per sequence."""
    dtype: str | None = None
    """Number format of weights and activations."""


class Runtime(Table):
    """A backend with its options; the name alone stands for ``{name = NAME}``."""

    name: str
    """Name of the backend, such as ``torch``."""
    options: dict[str, Any] = Field(default_factory=dict)
    """Options of the backend."""
    threads: Count | None = None
    """Threads inside an operator, in place of the suite's."""


def _named(given: Any) -> Any:
    return {"name": given} if isinstance(given, str) else given


RUNTIME = Annotated[Runtime, BeforeValidator(_named, json_schema_input_type=str | Runtime)]
RUNTIMES = list[RUNTIME]


class Place(Table):
    """A device, and where it is; ``NAME``, ``NAME@ssh://HOST`` and ``here`` are short for it."""

    name: str
    """Name of a device profile, or ``here`` for every device of this machine."""
    on: str | None = None
    """Address of the machine that has it, as ``--on`` takes it; this machine without one."""
    backends: RUNTIMES = Field(default_factory=list)
    """Backends on this device, in place of the suite's."""

    def __str__(self) -> str:
        """The device as it is typed."""
        return self.name if self.on is None else f"{self.name}@{self.on}"


def _placed(given: Any) -> Any:
    if not isinstance(given, str):
        return given
    name, at, url = given.partition("@")
    return {"name": name, "on": url} if at else {"name": name}


PLACES = list[Annotated[Place, BeforeValidator(_placed, json_schema_input_type=str | Place)]]


def place_of(text: str) -> Place:
    """Reads a device as it is typed: a name, ``NAME@ssh://HOST`` or ``here``."""
    return Place.model_validate(_placed(text))
