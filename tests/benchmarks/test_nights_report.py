"""What the report of the forty nights counts as false: everything that is not of a slow-down."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import pytest

from benchmarks.nights import LATE, SPANS, Kept, Night, is_due, report

START, LENGTH = SPANS[0]


def test_an_alarm_is_of_a_slow_down_within_it_and_a_few_nights_after_and_for_the_worse() -> None:
    over = START + LENGTH
    assert [is_due(number, "regressed", START, LENGTH) for number in (START - 1, START, over - 1)] == [False, True, True]
    assert [is_due(over + late, "regressed", START, LENGTH) for late in (0, LATE - 1, LATE)] == [True, True, False]
    assert not is_due(START, "improved", START, LENGTH)
    assert is_due(START, "ambiguous", START, LENGTH)


@pytest.mark.parametrize(
    ("name", "number", "verdict"),
    [
        ("net 9", START, "regressed"), ("all of cpu with torch", START, "regressed"), ("net 0", START, "improved"),
        ("net 0", START + LENGTH + LATE, "regressed"), ("net 0", START - 1, "regressed"),
    ],
)  # fmt: skip
def test_the_report_counts_what_is_false(
    name: str, number: int, verdict: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = Kept(tmp_path)
    kept.write("slowed.json", [{"name": f"net {i}", "key": "", "turns": 1} for i in range(len(SPANS))])
    due = Night(START + 1, 40.0, 60.0, {}, {"net 0": "regressed"}, [], [])
    wrong = Night(number, 40.0, 60.0, {name: verdict}, {name: verdict}, [], [])
    kept.write("nights.json", [asdict(due), asdict(wrong)])
    report(kept)
    shown = capsys.readouterr().out
    assert f"false alarms before measuring again: 1\n  night {number}: {name} {verdict}" in shown
    assert f"false alerts: 1\n  night {number}: {name} {verdict}" in shown
