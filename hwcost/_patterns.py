"""Regular expressions that are compiled when they are first asked.

A table is read by the rules for all tables that there are; most of their patterns are for columns that it does not have, and
to compile all of them takes longer than to fit many a table.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

from hwcost._cached import cached_property

__all__ = ["Pattern"]


class Pattern:
    """A regular expression with the methods of ``re.Pattern``.

    Args:
        text: Text of the expression.
        flags: Flags of ``re``.
    """

    def __init__(self, text: str, flags: int = 0) -> None:
        self.text, self.flags = text, flags

    @cached_property
    def _compiled(self) -> re.Pattern[str]:
        return re.compile(self.text, self.flags)

    def fullmatch(self, string: str) -> re.Match[str] | None:
        """Matches a whole string."""
        return self._compiled.fullmatch(string)

    def match(self, string: str) -> re.Match[str] | None:
        """Matches the beginning of a string."""
        return self._compiled.match(string)

    def search(self, string: str) -> re.Match[str] | None:
        """Finds the first place of a string that matches."""
        return self._compiled.search(string)

    def findall(self, string: str) -> list[Any]:
        """Finds all places of a string that match."""
        return self._compiled.findall(string)

    def finditer(self, string: str) -> Iterator[re.Match[str]]:
        """Yields all places of a string that match."""
        return self._compiled.finditer(string)

    def split(self, string: str, maxsplit: int = 0) -> list[str]:
        """Splits a string where it matches."""
        return self._compiled.split(string, maxsplit)

    def sub(self, repl: str | Callable[[re.Match[str]], str], string: str, count: int = 0) -> str:
        """Replaces the places of a string that match."""
        return self._compiled.sub(repl, string, count)
