"""An alarm is answered by what its rounds say, and by what they cannot show."""

from __future__ import annotations

import math

import pytest

from hwcost.history.alarm import Alarm
from hwcost.history.changes import Change
from hwcost.history.evidence import Seen
from hwcost.history.judgement import RunRange
from hwcost.history.question import WORKTREE, Question
from hwcost.history.remeasure import UNSEEN


def answered(measured: float, unseen: float) -> str:
    change = Change(at=10, earliest=10, latest=10, log_ratio=math.copysign(0.05, measured), p=1e-4)
    alarm = Alarm("net", (), RunRange("run09", "run10", "a", "b"), change)
    rounds: Seen = {}
    for number in range(12):
        rounds["before", number] = (0.0, 1.0)
        rounds["after", number] = (measured + 0.004 * (-1) ** number, 1.0)
    question = Question(alarm, (("after", ("before",)),), WORKTREE, before=(0.0, unseen))
    return question.answer(rounds).outcome


@pytest.mark.parametrize("sign", [-1, 1])
def test_processes_that_may_differ_as_a_whole_confirm_large_changes_alone(sign: int) -> None:
    assert answered(sign * 0.025, 0.0) == "confirmed"
    assert answered(sign * 0.025, UNSEEN) == "ambiguous"
    assert answered(sign * 0.10, UNSEEN) == "confirmed"
    assert answered(-sign * 0.0001, 0.0) == "refuted"
