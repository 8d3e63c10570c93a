"""Simulated tables in the orders in which people measure them."""

from __future__ import annotations

import pytest

from benchmarks.studies.sim_layouts import LAYOUTS, measured
from hwcost.auditing.table import audit_table


@pytest.mark.parametrize("layout", LAYOUTS)
def test_a_moving_level_is_told_from_a_still_one_in_every_layout(layout: str) -> None:
    still, level = measured(LAYOUTS[layout], 60, 0.0, 0.02, seed=1)
    assert level == 1.0
    assert audit_table(still).verdict == "clean"
    moved, _ = measured(LAYOUTS[layout], 60, 0.4, 0.02, seed=1)
    assert "W_DRIFT" in audit_table(moved).codes
    many, _ = measured(LAYOUTS[layout], 150, 0.4, 0.02, seed=2)
    assert audit_table(many).verdict == "drifting"


def test_few_nets_tell_that_something_moved_and_not_what() -> None:
    report = audit_table(measured(LAYOUTS["each at 6 batch sizes"], 60, 0.4, 0.02, seed=1)[0])
    assert (report.verdict, report.codes, report.level_range) == ("mild", ("W_DRIFT",), 0.0)
    assert "too few to tell how the machine's speed moved" in report.explanation
    assert "60 measurements do not tell a level" in report.flags[0].text
