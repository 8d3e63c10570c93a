"""What a paper says of its system, beside what one run found."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Claim:
    """A claim of a paper, and whether this run supports it.

    Attributes:
        claim: The claim, in words.
        found: The finding of this run, in words and numbers.
        holds: Whether the finding supports the claim.
    """

    claim: str
    found: str
    holds: bool
