"""``hwcost measure --until``: what ends a campaign, as it is typed, shown and kept."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.campaign.rounds.progress import Progress
from hwcost.cli.main import invoke
from hwcost.cli.running import progress_text

pytestmark = pytest.mark.usefixtures("laws_here")

MEASURE = ["measure", "--backend", "null", "--space", "supershaper:scale=mini", "--seq-len", "16"]


def test_the_wish_is_shown_before_it_is_measured(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    wish = ["--until", "mape:lut <= 2 %", "--until", "half-width<=1%", "--store", str(tmp_path / "s.db"), "--dry-run"]
    assert invoke([*MEASURE, "-n", "8", *wish]) == 0
    assert "It ends early when mape:lut<=2% and half-width<=1%." in " ".join(capsys.readouterr().out.split())
    assert invoke([*MEASURE, "-n", "8", *wish, "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["plan"]["until"] == ["mape:lut<=2%", "half-width<=1%"]


def test_it_is_kept_and_resumed(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    store, wish = ["--store", str(tmp_path / "s.db")], ["--until", "mape:lut<=30%"]
    assert invoke([*MEASURE, "-n", "8", *store, *wish, "--json", "-"]) == 0
    found = json.loads(capsys.readouterr().out)
    (goal,) = found["until"]
    assert (goal["goal"], goal["met"], found["complete"]) == ("mape:lut<=30%", True, True)
    assert {m["rounds"] for m in found["measurements"]} == {2}
    assert invoke(["measure", "--resume", *store, "--until", "mape:lut <= 30%"]) == 0
    assert f"mape {goal['value']:.3g} %, wanted mape:lut<=30%" in " ".join(capsys.readouterr().out.split())
    assert invoke(["measure", "--resume", *store, "--until", "mape<=1%"]) == 2
    assert "was planned with --until mape:lut<=30%, and mape<=1% was given" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (["-n", "8", "--until", "mape<=2"], "'mape<=2' needs a percent sign: write mape<=2%"),
        (["-n", "8", "--until", "error<=2%"], "unknown goal 'error'. Known: half-width, interval, mape, r2"),
        (["-n", "8", "--until", "mape:lot<=2%"], "unknown cost model 'lot'"),
        (["-n", "8", "--until", "mape<=2%", "--rounds", "3"], "rounds=3 (--rounds) makes exactly so many"),
        (["-n", "3", "--until", "mape<=2%"], "3 of 3 workloads are such. Measure more architectures (-n, --space)"),
        (["--components", "--until", "mape<=2%"], "or leave out --components"),
    ],
)
def test_what_cannot_be_reached_is_refused(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, arguments: list[str], says: str
) -> None:
    assert invoke([*MEASURE, *arguments, "--store", str(tmp_path / "s.db")]) == 2
    assert says in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s.db").exists()


def test_progress_has_the_present_value() -> None:
    shown = progress_text(Progress(144, 288, 2, 90.0, "w", rounds=4, passes=1, planned_passes=9, standing="mape 2.7 %"))
    assert shown.line == "process 3 of 4, pass 1 of 9, 1 min 30 s to go, mape 2.7 %"
