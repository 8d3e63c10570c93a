"""What is written down about a history beside its estimates: accepted changes, confirmations, audits, checks of models."""

from __future__ import annotations

from typing import Literal

from pydantic import Field

from hwcost.stores.fields import Count, Group, Instant, JsonDict, JsonList, Key, Number, Quantity, Seconds, Text
from hwcost.stores.ids import new_id, utc_now


class Acceptance(Group):
    """A change of level that somebody accepted.

    Attributes:
        entry_id: UUIDv7.
        created_at: Instant at which it was accepted.
        workload: Pattern of the names of workloads, as a shell's.
        device: Pattern of the names of devices.
        backend: Pattern of the names of backends.
        run_id: The first run of the new level.
        author: Name of who accepted it.
        reason: Reason in a sentence.
    """

    entry_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    workload: Text = "*"
    device: Text = "*"
    backend: Text = "*"
    run_id: Key
    author: Text
    reason: Text


class Confirmation(Group):
    """What measuring again said about an alarm.

    Attributes:
        entry_id: UUIDv7.
        created_at: Instant at which it was measured.
        series_key: Key of the series.
        run_id: The first run after the change.
        before_run_id: The last run before it.
        outcome: Whether the change was confirmed, refuted, or neither.
        log_ratio: Log of the time after over the time before.
        half_width: Half-width of its 95 % interval, which holds however often one looked; None for too few rounds.
        campaign_id: Campaign that measured it; None where none was kept.
        how: Way of measuring the code of before, such as ``worktree`` or ``anchors``.
    """

    entry_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    series_key: Key
    run_id: Key
    before_run_id: Key
    outcome: Literal["confirmed", "refuted", "ambiguous"]
    log_ratio: Number | None = None
    half_width: Quantity | None = None
    campaign_id: Key | None = None
    how: Text


class ModelCheck(Group):
    """A cost model, judged by the measurements of a night.

    Attributes:
        entry_id: UUIDv7.
        created_at: Instant at which it was judged.
        run_id: Run whose measurements judge it.
        model: Name of the model in the suite.
        device: Name of the device.
        quantity: Name of the quantity that it predicts.
        n: Number of workloads compared.
        n_held_out: Number of those that errors and coverage are of, and that the model did not learn from; 0 where it learnt
            from nearly all, so that they are of all; None where that is not known.
        mape: Mean absolute error in percent.
        median_ape: Median absolute error in percent.
        kendall_tau: Kendall's tau of prediction against measurement.
        coverage_90: Share of workloads within their 90 % interval.
        level: Log of the device's drift against the model.
        holds: Whether the model still holds on its device.
        reason: Reason in a sentence.
        refitted: Whether it was fitted again.
        age_s: Seconds since it was fitted.
        points: Rows ``[series_key, predicted, low, high, measured]``.
        importance: Importance of features by name.
    """

    entry_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    run_id: Key
    model: Text
    device: Text
    quantity: Text
    n: Count
    n_held_out: Count | None = None
    mape: Number | None = None
    median_ape: Number | None = None
    kendall_tau: Number | None = None
    coverage_90: Number | None = None
    level: Number | None = None
    holds: bool
    reason: Text
    refitted: bool = False
    age_s: Seconds | None = None
    points: JsonList = Field(default_factory=list)
    importance: JsonDict = Field(default_factory=dict)


class CampaignAudit(Group):
    """What the audit of a campaign of a run says, kept when it ends, so that nobody has to fit its visits again.

    Attributes:
        entry_id: UUIDv7.
        created_at: Instant at which it was audited.
        run_id: Run that the campaign belongs to.
        campaign_id: The campaign.
        verdict: Verdict, see :data:`hwcost.auditing.report.VERDICTS`.
        flags: Doubts as ``[code, text, remedy]``.
        level_range: Highest over lowest level of the machine, less one.
        von_neumann: Ratio of the residuals' ranks: 1 for noise, towards 0 for a level that moves.
        rows: Numbers of the visits in the order measured.
        residuals: Latency over what the workload accounts for, less one, visit by visit.
        level: Level of the machine, less one, at each of them.
        segments: Stretches between jumps as ``[first, last, level]``.
    """

    entry_id: Key = Field(default_factory=new_id)
    created_at: Instant = Field(default_factory=utc_now)
    run_id: Key
    campaign_id: Key
    verdict: Text
    flags: JsonList = Field(default_factory=list)
    level_range: Number
    von_neumann: Number
    rows: tuple[Count, ...] = ()
    residuals: tuple[Number, ...] = ()
    level: tuple[Number, ...] = ()
    segments: JsonList = Field(default_factory=list)


Entry = Acceptance | Confirmation | ModelCheck | CampaignAudit

KINDS: dict[str, type[Entry]] = {
    "acceptance": Acceptance, "confirmation": Confirmation, "model_check": ModelCheck, "campaign_audit": CampaignAudit,
}  # fmt: skip
"""Kinds of entries by the names that stores keep."""


def kind_name(kind: type[Group]) -> str:
    """Returns the name under which stores keep a kind of entry."""
    return next(name for name, known in KINDS.items() if known is kind)
