"""The searches of a system: their logs lie in its folder, and their remarks are part of its progress."""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import ClassVar

from hwcost.cli.pipeline import _shown
from hwcost.objectives import Constraint, Minimize, Params
from hwcost.searchers import Problem
from hwcost.spaces import space
from hwcost.systems import Claim, Event, Measuring, Pipeline, Preset, Settings, stage


@dataclass(frozen=True)
class Found:
    arch: str
    evaluations: int


class Searching(Pipeline[Preset]):
    """Searches a space within a bound that excludes nothing."""

    name = "searching"
    title = "A pipeline that searches"
    presets: ClassVar[Mapping[str, Preset]] = {"small": Preset(measuring=Measuring(batch_size=1, seq_lens=(32,), rounds=2))}

    @stage
    def smallest(self) -> Found:
        of = space("supershaper", scale="mini")
        problem = Problem(of, [Minimize(Params(of))], [Constraint(Params(of), most=1e9)])
        study = self.run_study("smallest", "search for the smallest", problem, searcher="random", evaluations=8)
        return Found(of.key(study.best.architecture), study.evaluations)

    def claims(self) -> list[Claim]:
        return []


def run(folder: Path) -> tuple[dict, list[Event]]:
    events: list[Event] = []
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        return Searching(folder, Settings("small", seed=3, backend="null"), events.append).run(), events


def test_remarks_are_part_of_the_progress(tmp_path) -> None:
    report, events = run(tmp_path / "run")
    (remark,) = [event for event in events if event.remark is not None]
    assert (remark.stage, remark.doing) == ("smallest", "search for the smallest")
    assert "It excludes nothing" in remark.remark
    last = [event for event in events if event.doing == remark.doing][-1]
    assert (last.done, last.total) == (8, 8)
    log = tmp_path / "run" / "studies" / "smallest.jsonl"
    assert '"seed": 3' in log.read_text().splitlines()[0]
    (tmp_path / "run" / "stages" / "1-smallest.json").unlink()
    kept = log.read_bytes()
    assert run(tmp_path / "run")[0]["stages"] == report["stages"]
    assert log.read_bytes() == kept


def test_the_command_says_remarks_beside_the_progress(capsys) -> None:
    shown: list[Event] = []
    show = _shown(shown.append)
    for event in (Event("search", 1, 2, "begins"), Event("search", 1, 2, "evolution", remark="It excludes nothing.")):
        show(event)
    assert [event.doing for event in shown] == ["begins"]
    assert capsys.readouterr().err == "search, evolution: It excludes nothing.\n"
