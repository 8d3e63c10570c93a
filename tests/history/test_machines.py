"""Machines that share a suite and a store: each is judged by its own runs, and measures its own alarms again."""

from __future__ import annotations

import math
from dataclasses import dataclass
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from hwcost.history.machines import absence, runs_of_machines
from hwcost.stores.entries import Confirmation
from hwcost.stores.runs import Run
from tests.history.histories import History

SLOWER = math.log1p(0.06)


@dataclass
class Stopped(History):
    """A history whose first machine has no run from a night on."""

    night: int = 0

    @property
    def runs(self) -> list[Run]:
        return [run for night, run in enumerate(super().runs) if night % 2 or night < self.night]


def missing(history: History, without: list[tuple[int, int]]) -> dict[str, str]:
    return {name: one.reason for name, one in history.judged(without=without).items() if one.verdict == "missing"}


def test_a_run_of_another_machine_lacks_nothing() -> None:
    history = History(machines=2, noise=0.003)
    assert missing(history, []) == {}
    assert {one.nights for one in history.judged().values()} == {15}
    (reason,) = missing(history, [(4, 28)]).values()
    assert "Run 2026-01-29 02:00" in reason
    history.y[4, 22:] += SLOWER
    assert {name for name, one in history.judged().items() if one.verdict == "regressed"} == {"net004"}


def test_a_machine_that_has_stopped_is_missed_once_others_made_more_runs_than_is_usual() -> None:
    assert missing(Stopped(machines=2, noise=0.003, night=28), []) == {}
    found = missing(Stopped(machines=2, noise=0.003, night=24), [])
    assert sorted(found) == [f"net{i:03d}" for i in range(0, 12, 2)]
    assert set(found.values()) == {
        "Its machine has measured nothing since run 2026-01-23 02:00 (0000000000), while other machines made 4 runs."
    }


@pytest.mark.parametrize(("own", "expected"), [("101010", 0), ("100100", 0), ("101000", 3), ("1000", 3), ("100", 0)])
def test_how_many_runs_of_others_are_unusual(own: str, expected: int) -> None:
    flags = np.array([one == "1" for one in own])
    assert absence(flags, ~flags) == expected


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (["1.1..", ".1.1.", "1...."], ["1.1..", ".1.1.", "1.1.."]),
        (["1.1..", ".1.1.", "11..."], ["11111"] * 3),
        (["1.1..", ".1.1.", "....."], ["1.1..", ".1.1.", "....."]),
        (["1.1..", "1.1..", "....."], ["11111"] * 3),
    ],
)
def test_devices_that_were_measured_in_one_run_are_of_one_machine(cells: list[str], expected: list[str]) -> None:
    series = [SimpleNamespace(device="cpu", device_key=None if i == 2 else f"m{i}") for i in range(3)]
    row = np.array([[0 if one == "1" else -1 for one in cell] for cell in cells])
    nights: Any = SimpleNamespace(series=series, runs=range(5), row=row)
    found = runs_of_machines(nights)
    assert ["".join("1" if one else "." for one in runs) for runs in found] == expected


def test_a_common_change_of_one_machine_is_not_answered_by_another_ones() -> None:
    history = History(n=14, machines=2, nights=60)
    history.y[:, 40:] += SLOWER
    first, second = history.devices()
    assert first.key != second.key
    answer = Confirmation(
        series_key=first.key, run_id="run040", before_run_id="run038", outcome="confirmed", log_ratio=SLOWER,
        half_width=0.01, how="worktree",
    )  # fmt: skip
    verdicts = {one.key: one.verdict for one in history.devices(answer)}
    assert verdicts == {first.key: "regressed", second.key: "ambiguous"}
