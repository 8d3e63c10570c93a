"""What a campaign says of its progress."""

from __future__ import annotations

from hwcost.campaign.run import Progress
from hwcost.cli.running import progress_text


def test_no_line_ends_in_a_comma_before_the_time_is_known():
    assert progress_text(Progress(0, 8, 0, None, "a")).line == "round 1: 0 of 8 visits"
    assert progress_text(Progress(1, 8, 0, 90.0, "a")).line == "round 1: 1 of 8 visits, 1 min 30 s to go"
