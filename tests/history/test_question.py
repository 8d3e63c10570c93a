"""An alarm is answered by what its rounds say, and by what they cannot show."""

from __future__ import annotations

import math

import pytest

from hwcost.history.alarm import Alarm
from hwcost.history.changes import Change
from hwcost.history.evidence import Seen
from hwcost.history.judgement import RunRange
from hwcost.history.question import WORKTREE, Question


def answered(measured: float, *shared: float) -> str:
    """Answers an alarm of a net that differs by so much, beside nets with alarms of their own that differ by as much."""
    change = Change(at=10, earliest=10, latest=10, log_ratio=math.copysign(0.05, measured), p=1e-4)
    alarm = Alarm("net", (), RunRange("run09", "run10", "a", "b"), change)
    rounds: Seen = {}
    for number in range(12):
        for index, size in enumerate((measured, *shared)):
            rounds[f"before{index}", number] = (0.0, 1.0)
            rounds[f"after{index}", number] = (size + 0.004 * (-1) ** number, 1.0)
    arms = tuple((f"after{index}", (f"before{index}",)) for index in range(1 + len(shared)))
    return Question(alarm, arms[:1], WORKTREE, others=arms[1:]).answer(rounds).outcome


@pytest.mark.parametrize("sign", [-1, 1])
def test_what_nearly_all_workloads_differ_by_confirms_none_of_them(sign: int) -> None:
    assert answered(sign * 0.025) == "confirmed"
    assert answered(sign * 0.025, sign * 0.028, sign * 0.029) == "ambiguous"
    assert answered(sign * 0.106, sign * 0.028, sign * 0.029) == "confirmed"
    assert answered(sign * 0.05, -sign * 0.001, sign * 0.001) == "confirmed"
    assert answered(-sign * 0.0001) == "refuted"
