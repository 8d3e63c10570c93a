"""Types of arguments: what is of a wrong one is refused by what was given and what is expected."""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from numbers import Integral, Real
from os import PathLike
from typing import Any

from hwcost.errors import UsageError


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of values that an argument takes.

    Attributes:
        noun: Noun for such a value in messages: ``a whole number``.
        holds: Function that says whether a value is one.
    """

    noun: str
    holds: Callable[[Any], bool]

    @property
    def or_none(self) -> Kind:
        """The same, or None."""
        return Kind(f"{self.noun}, or None", lambda value: value is None or self.holds(value))


def of_type(noun: str, *types: type) -> Kind:
    """Makes the kind of the instances of types."""
    return Kind(noun, lambda value: isinstance(value, types))


def _is_number(value: Any) -> bool:
    return isinstance(value, Real) and not isinstance(value, bool)


WHOLE = Kind("a whole number", lambda value: isinstance(value, Integral) and not isinstance(value, bool))
COUNT = Kind("a whole number from 1", lambda value: WHOLE.holds(value) and value >= 1)
SEED = Kind("a whole number from 0", lambda value: WHOLE.holds(value) and value >= 0)
NUMBER = Kind("a number", _is_number)
DURATION = Kind(
    "a positive, finite number of seconds", lambda value: _is_number(value) and math.isfinite(value) and value > 0
)
WAIT = Kind("a finite number of seconds from 0", lambda value: _is_number(value) and math.isfinite(value) and value >= 0)
TEXT = of_type("a text", str)
TEXTS = Kind(
    "a text, or a list of texts",
    lambda value: TEXT.holds(value) or (isinstance(value, (list, tuple)) and all(map(TEXT.holds, value))),
)
SWITCH = of_type("True or False", bool)
PATH = of_type("a path", str, PathLike)
FUNCTION = Kind("a function", callable)
OPTIONS = of_type("a mapping of values by name", Mapping)


def texts_of(name: str, given: str | Collection[str] | None) -> Collection[str] | None:
    """Returns the texts of an argument: a single text as a list of one, None as it is.

    Args:
        name: Name of the argument.
        given: Value of the argument.

    Raises:
        UsageError: When it is neither a text nor a collection of texts.
    """
    if isinstance(given, str):
        return [given]
    kind = Kind("a text, or a list or set of texts", lambda one: isinstance(one, Collection) and all(map(TEXT.holds, one)))
    check({name: given}, **{name: kind.or_none})
    return given


def check(given: Mapping[str, Any], **kinds: Kind) -> None:
    """Checks arguments by name.

    Args:
        given: Values by the names of the arguments; there may be more than are checked.
        **kinds: Kind of each argument that is checked.

    Raises:
        UsageError: When a value is of another kind; names the argument, the value and what is expected.
    """
    for name, kind in kinds.items():
        if not kind.holds(given[name]):
            raise UsageError(f"{name}= is {kind.noun}; got {given[name]!r:.60} ({type(given[name]).__name__})")
