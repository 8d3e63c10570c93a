"""What a campaign says of its progress."""

from __future__ import annotations

from dataclasses import replace

from hwcost.campaign.rounds.progress import Progress
from hwcost.cli.running import progress_text


def test_no_line_ends_in_a_comma_before_the_time_is_known():
    assert progress_text(Progress(0, 8, 0, None, "a", rounds=4)).line == "process 1 of 4, preparing"


def test_passes_and_processes_are_told():
    state = Progress(144, 2304, 1, 90.0, "12 workloads in turn", 0.01, rounds=4, passes=12, planned_passes=48)
    shown = progress_text(state)
    assert shown.line == "process 2 of 4, pass 12 of 48, 1 min 30 s to go"
    assert shown.text == "process 2 of 4, pass 12 of 48, 1 min 30 s to go, 12 workloads in turn"
    assert (shown.done, shown.total) == (144, 2304)
    told = progress_text(replace(state, half_width=0.0083))
    assert told.line == "process 2 of 4, pass 12 of 48, 1 min 30 s to go, ±0.83 % expected"


def test_a_preparation_is_one_step_whatever_is_left() -> None:
    state = Progress(4, 8, 2, 3.0, "a", rounds=4)
    assert progress_text(state).step == progress_text(replace(state, done=6, remaining_s=1.0, name="b")).step
    assert progress_text(state).step != progress_text(replace(state, round=3)).step
    assert progress_text(state).step != progress_text(replace(state, passes=1, planned_passes=2)).step
