"""A value inside JSON that somebody else wrote, with its place, so that every refusal says where."""

from __future__ import annotations

import json
import math
from typing import Any

from hwcost.errors import DataError
from hwcost.exchange.numerals import number

PER_SECOND = {"s": 1.0, "ms": 1e3, "us": 1e6, "ns": 1e9}
"""Units of time that tools name beside a value, and how many of each make a second."""

LONGEST_S = 1e12
"""Seconds beyond which a duration is not one."""

SHOWN = 60
"""Characters of a wrong value that a message shows."""


class Node:
    """A value and where it stands.

    Args:
        value: The value as ``json.loads`` gives it.
        source: Name of the file.
        path: Place in the file, such as ``benchmarks[3].stats``; empty for the whole.
    """

    __slots__ = ("path", "source", "value")

    def __init__(self, value: Any, source: str, path: str = "") -> None:
        self.value = value
        self.source = source
        self.path = path

    def error(self, expected: str, advice: str = "") -> DataError:
        """Returns an error about this value.

        Args:
            expected: Noun phrase that says what was expected.
            advice: Sentence on what to do.
        """
        where = f"{self.path}: " if self.path else ""
        return DataError(f"{self.source}: {where}expected {expected}, got {_shown(self.value)}. {advice}".rstrip())

    def members(self) -> dict[str, Node]:
        """Returns the values of an object by name."""
        if not isinstance(self.value, dict):
            raise self.error("an object")
        return {name: Node(value, self.source, self._below(name)) for name, value in self.value.items()}

    def entries(self) -> list[Node]:
        """Returns the values of an array."""
        if not isinstance(self.value, list):
            raise self.error("an array")
        return [Node(value, self.source, f"{self.path}[{index}]") for index, value in enumerate(self.value)]

    def field(self, name: str) -> Node:
        """Returns a value of an object, which must be there and not null."""
        found = self.optional(name)
        if found is None:
            known = ", ".join(list(self.members())[:20]) or "nothing"
            where = f"{self.path}: " if self.path else ""
            raise DataError(f"{self.source}: {where}'{name}' is missing. Found: {known}.")
        return found

    def optional(self, name: str) -> Node | None:
        """Returns a value of an object, or None where it is missing or null."""
        if not isinstance(self.value, dict):
            raise self.error("an object")
        value = self.value.get(name)
        return None if value is None else Node(value, self.source, self._below(name))

    def text(self) -> str:
        """Returns a text."""
        if not isinstance(self.value, str):
            raise self.error("a text")
        return self.value

    def number(self) -> float:
        """Returns a finite number; one that is written as text counts, since nvbench and CSV have such."""
        value = number(self.value.strip()) if isinstance(self.value, str) else self.value
        if isinstance(value, bool) or not isinstance(value, int | float):
            raise self.error("a number")
        try:
            found = float(value)
        except OverflowError:
            found = math.inf
        if not math.isfinite(found):
            raise self.error("a finite number")
        return found

    def seconds(self, per_second: float = 1.0) -> float:
        """Returns a duration in seconds, which must be positive.

        Args:
            per_second: Number of the units that it is written in that make a second, such as 1000 for milliseconds.
        """
        value = self.number() / per_second
        if not 0 < value <= LONGEST_S:
            raise self.error("a positive duration", "Correct or delete it; a latency is never zero or negative.")
        return value

    def positive(self) -> float:
        """Returns a positive number."""
        value = self.number()
        if value <= 0:
            raise self.error("a positive number", "Correct or delete it.")
        return value

    def count(self) -> int:
        """Returns a whole number that is not negative."""
        value = self.number()
        if value < 0 or value != int(value) or value > 2**53:
            raise self.error("a whole number from 0")
        return int(value)

    def _below(self, name: str) -> str:
        return f"{self.path}.{name[:SHOWN]}" if self.path else name[:SHOWN]


def optional_text(node: Node, name: str) -> str | None:
    """Returns a text of an object; None where it is missing, null or empty."""
    found = node.optional(name)
    return None if found is None else found.text().strip() or None


def optional_count(node: Node, name: str) -> int | None:
    """Returns a whole number of an object; None where it is missing or null."""
    found = node.optional(name)
    return None if found is None else found.count()


def plain(value: Any) -> Any:
    """Returns JSON that every store can keep: numbers that are not finite become their text, and NUL becomes U+FFFD."""
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    if isinstance(value, str):
        return value.replace("\x00", "\ufffd")
    return str(value) if isinstance(value, float) and not math.isfinite(value) else value


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "an object"
    if isinstance(value, list):
        return "an array"
    text = json.dumps(value, ensure_ascii=True, default=str)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}..."
