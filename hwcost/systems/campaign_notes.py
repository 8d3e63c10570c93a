"""What the campaigns of a run say of themselves, kept with the run: workloads that are void, and flags."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from hwcost.campaign.run import Result

__all__ = ["NOTES", "CampaignNote"]

NOTES = "campaigns.jsonl"
"""File of a run that keeps them."""


@dataclass(frozen=True, kw_only=True)
class CampaignNote:
    """What a campaign says of itself.

    Attributes:
        stage: Name of the stage that measured.
        workloads: Number of workloads that were measured.
        void: Number of those of which no visit was usable.
        reason: First flag of the first of these; None where there is none.
        flags: Flags of the campaign as a whole, each with its code, its numbers and its remedy.
    """

    stage: str
    workloads: int
    void: int
    reason: str | None
    flags: list[str]

    @classmethod
    def of(cls, stage: str, result: Result) -> CampaignNote:
        """Reads them off a campaign that has run."""
        void = [one for one in result.measurements if one.latency_s is None]
        reasons = [str(flag) for one in void for flag in one.flags]
        return cls(
            stage=stage, workloads=len(result.measurements), void=len(void), reason=next(iter(reasons), None),
            flags=[str(flag) for flag in result.flags],
        )  # fmt: skip

    @property
    def codes(self) -> list[str]:
        """Codes of the flags, in their order."""
        return [flag.partition(":")[0] for flag in self.flags]

    def flag(self, code: str) -> str | None:
        """Returns the first flag of a code; None where there is none."""
        return next((flag for flag, own in zip(self.flags, self.codes, strict=True) if own == code), None)
