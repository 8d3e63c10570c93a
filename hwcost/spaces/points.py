"""What a search space is made of: genes and their values, architectures, and the components that are priced."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

GeneValue = int | float | str

LISTED = 40
"""Choices of a gene that an error lists before it counts the rest."""


def plain(value: Any) -> Any:
    """Returns a scalar of NumPy or torch as a number of Python's, a whole one as an int, and anything else as it is."""
    if getattr(value, "ndim", None) == 0:
        value = value.item()
    return int(value) if isinstance(value, float) and value.is_integer() else value


def number(text: str) -> GeneValue:
    """Returns the number that a text is, a whole one where it is whole; else the text without the spaces around it.

    Python's own ``1_000`` is not a number here, but values with an underscore between them.
    """
    for kind in (int, float) if "_" not in text else ():
        try:
            return kind(text)
        except ValueError:
            continue
    return text.strip()


def listed(choices: Sequence[GeneValue]) -> str:
    """Returns the choices of a gene for messages; the first ones where they are many."""
    shown = ", ".join(f"{one:g}" if isinstance(one, float) else str(one) for one in choices[:LISTED])
    return shown if len(choices) <= LISTED else f"{shown} and {len(choices) - LISTED} more"


@dataclass(frozen=True, slots=True)
class Gene:
    """One choice of a space.

    Attributes:
        name: Name of the choice, for example ``l1``.
        choices: Allowed values, ascending where they have an order; empty when any number is allowed.
        categorical: Whether the values carry no order.
    """

    name: str
    choices: tuple[GeneValue, ...] = ()
    categorical: bool = False

    def __post_init__(self) -> None:
        object.__setattr__(self, "choices", tuple(map(plain, self.choices)))

    def read(self, text: str) -> GeneValue:
        """Returns the choice that a text stands for; else the number that it is, or the text itself."""
        text = text.strip()
        named = (choice for choice in self.choices if str(choice) == text) if self.categorical else ()
        return next(iter(named), number(text))


@dataclass(frozen=True, slots=True)
class Architecture:
    """A point of a search space: hashable, comparable, and its own key for merging.

    Attributes:
        space: Name of the space it belongs to.
        genes: One value per gene of the space.
        space_options: Options of the space that made it, as :attr:`SearchSpace.options_text`; empty where nobody said them.
            Two architectures are equal by their genes, whatever these say. But a space, and a cost model, takes only those
            whose options build the nets that it means itself; see :mod:`hwcost.spaces.identity`.
    """

    space: str
    genes: tuple[GeneValue, ...]
    space_options: str = field(default="", compare=False, repr=False)

    def __str__(self) -> str:
        return "_".join(map(str, self.genes))


@dataclass(frozen=True, slots=True)
class Component:
    """A part of a model that is priced.

    Attributes:
        kind: Kind of part, for example ``layer``.
        dims: Its dimensions by name, for example ``(("hidden", 360),)``.
    """

    kind: str
    dims: tuple[tuple[str, int], ...] = ()

    @property
    def name(self) -> str:
        """For example ``layer[hidden=360]``; ``embeddings`` when it has no dimensions."""
        inner = ",".join(f"{name}={size}" for name, size in self.dims)
        return f"{self.kind}[{inner}]" if inner else self.kind

    def dim(self, name: str) -> int:
        """Returns one dimension by its name."""
        return dict(self.dims)[name]

    def __str__(self) -> str:
        return self.name
