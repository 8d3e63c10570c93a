"""Bounds as they are typed: ``WHAT<=VALUE`` or ``WHAT>=VALUE``, for constraints of searches and goals of campaigns alike."""

from __future__ import annotations

import re
from typing import NamedTuple

from hwcost.errors import UsageError

_BOUND = re.compile(r"(.+?)(<=|>=)\s*([^<>=]+)")


class Bound(NamedTuple):
    """The parts of a bound.

    Attributes:
        what: Name of what is bounded.
        sign: ``<=`` or ``>=``.
        value: Text of the bound's value, with its unit.
    """

    what: str
    sign: str
    value: str

    @property
    def head(self) -> str:
        """Text before the colon of ``what``."""
        return self.what.partition(":")[0].strip()

    @property
    def part(self) -> str:
        """Text behind the colon of ``what``, such as the accounting in ``params:paper``; empty without one."""
        return self.what.partition(":")[2].strip()


def split_bound(text: str, noun: str, example: str) -> Bound:
    """Splits a bound into its parts.

    Args:
        text: The bound.
        noun: Noun for it in messages, with its article.
        example: Example of one.

    Raises:
        UsageError: When the text is not a bound.
    """
    match = _BOUND.fullmatch(text.strip())
    if match is None:
        raise UsageError(f"'{text}' is not {noun}. Expected WHAT<=VALUE or WHAT>=VALUE, such as {example}")
    return Bound(match[1].strip(), match[2], match[3].strip())
