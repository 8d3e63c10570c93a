"""Latencies over time: where they changed, and what may be said about it."""

from hwcost.history.changes import Change, find_changes
from hwcost.history.confirmation import Outcome, confirm
from hwcost.history.judge import Judged, judge
from hwcost.history.judgement import VERDICTS, DeviceJudgement, Judgement, RunRange, Verdict
from hwcost.history.policy import Policy, Rule

__all__ = [
    "VERDICTS", "Change", "DeviceJudgement", "Judged", "Judgement", "Outcome", "Policy", "Rule", "RunRange", "Verdict",
    "confirm", "find_changes", "judge",
]  # fmt: skip
