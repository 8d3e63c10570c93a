"""``hwcost check`` and ``hwcost accept``: the gate of a nightly job, and how it is opened for good."""

from __future__ import annotations

import json
import math
import os
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwcost.cli.main import invoke
from hwcost.report.verdict_table import escaped
from hwcost.stores import open_store
from hwcost.stores.entries import Acceptance, Confirmation
from hwcost.testing.nights import SimNights
from hwcost.workloads import SyntheticWorkload
from tests.history.histories import History

HOSTILE = "<img src=x onerror=alert(1)> @all | `x`"
WORKS = [SyntheticWorkload(HOSTILE if i == 3 else f"net{i:03d}", flops=10**9 + i) for i in range(12)]


@pytest.fixture
def store(tmp_path: Path) -> str:
    """A store whose workload 3 became slower, and confirmed so, and whose workload 5 became slower."""
    history = History()
    history.y[[3, 5], 22:] += math.log1p(0.06)
    path = str(tmp_path / "s.db")
    with open_store(path) as opened:
        found = history.stored(opened, WORKS, ["a" * 40] * 22 + ["b" * 40])
        (key,) = [one.series_key for one in found.series.values() if one.name == WORKS[3].name]
        opened.add_entry(
            Confirmation(
                series_key=key, run_id="run022", before_run_id="run021", outcome="confirmed", log_ratio=0.06, how="worktree"
            )
        )
    return path


def document(store: str, capsys: pytest.CaptureFixture[str], *more: str) -> dict[str, Any]:
    capsys.readouterr()
    invoke(["check", "--store", store, "--no-confirm", "--format", "json", *more])
    found: dict[str, Any] = json.loads(capsys.readouterr().out)
    return found


def test_only_what_was_confirmed_trips_the_gate(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    run = ["check", "--store", store, "--no-confirm"]
    assert invoke(run) == 1
    assert "2 regressed (1 confirmed), 10 ok" in capsys.readouterr().out
    assert invoke([*run, "--workload", "net005"]) == 0
    assert invoke([*run, "--workload", "net005", "--fail-on", "unconfirmed,missing"]) == 1
    assert invoke([*run, "--fail-on", "none"]) == 0
    assert invoke([*run, "--fail-on", "slower"]) == 2
    assert invoke([*run, "--format", "xml"]) == 2
    assert invoke([*run, "--suite", "other"]) == 2


def test_a_pattern_that_matches_nothing_does_not_pass_the_gate(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    for option in ("--workload", "--device", "--backend"):
        assert invoke(["check", "--store", store, "--no-confirm", option, "h100*"]) == 2
        error = capsys.readouterr().err
        assert "no series matches" in error
        assert "net000 on cpu, null" in error


@pytest.mark.skipif(os.name != "posix", reason="file descriptors are those of POSIX")
def test_the_gate_trips_also_where_the_reader_of_what_is_shown_has_gone(store: str) -> None:
    read, write = os.pipe()
    os.close(read)
    run = [sys.executable, "-m", "hwcost", "check", "--store", store, "--no-confirm", "--json", "-"]
    done = subprocess.run(run, stdout=write, stderr=subprocess.PIPE, text=True)
    os.close(write)
    assert done.returncode == 1
    assert "Error" not in done.stderr


def test_accepting_gives_a_new_baseline_and_is_kept(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    accept = ["accept", "*img*", "--store", store, "--run", "b" * 10, "--author", "ann"]
    assert invoke(accept) == 2
    assert "--reason is missing" in capsys.readouterr().err
    assert invoke([*accept, "--reason", "more accurate", "--dry-run"]) == 0
    assert document(store, capsys)["counts"]["regressed"] == 2
    assert invoke([*accept, "--reason", "more accurate"]) == 0
    assert document(store, capsys)["counts"]["regressed"] == 1
    assert invoke(["check", "--store", store, "--no-confirm"]) == 0
    capsys.readouterr()
    assert invoke(["accept", "--list", "--store", store, "--json", "-"]) == 0
    (kept,) = json.loads(capsys.readouterr().out)["accepted"]
    assert (kept["run_id"], kept["author"], kept["reason"]) == ("run022", "ann", "more accurate")
    assert invoke(["accept", "nothing*", "--store", store, "--run", "run022", "--reason", "x"]) == 2
    assert invoke(["accept", "*", "--store", store, "--run", "no-such-run", "--reason", "x"]) == 2
    with open_store(store) as opened:
        assert len(opened.entries(Acceptance)) == 1


def test_changes_since_and_the_baseline(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert document(store, capsys, "--since", "2026-01-28")["counts"]["regressed"] == 0
    assert document(store, capsys, "--since", "2026-01-28")["older"] == 2
    assert document(store, capsys, "--since", "run020")["counts"]["regressed"] == 2
    assert document(store, capsys, "--baseline", "b" * 40)["counts"]["regressed"] == 0
    for wrong in ("someday", "9999999d", "99999999999w"):
        assert invoke(["check", "--store", store, "--no-confirm", "--since", wrong]) == 2
    found = document(store, capsys)
    changed = [one for one in found["series"] if one["verdict"] == "regressed"]
    assert {one["first_bad"]["bad_commit"] for one in changed} == {"b" * 40}
    assert len(found["series"]) == sum(found["counts"].values()) == 12


def test_histories_that_are_too_short_are_counted_and_listed_when_asked_for(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    history = History(nights=4)
    with open_store(tmp_path / "s.db") as opened:
        history.stored(opened, WORKS, ["a" * 40] * 4)
    run = ["check", "--store", str(tmp_path / "s.db"), "--no-confirm"]
    assert invoke(run) == 0
    said = capsys.readouterr().out
    assert "12 series have too few nights to be judged. --all lists them." in said
    assert "net005" not in said
    assert invoke([*run, "--all"]) == 0
    said = capsys.readouterr().out
    assert "net005" in said
    assert " and 9 others: 4 nights have a value; it takes 5." in said
    assert invoke([*run, "--format", "github"]) == 0
    said = capsys.readouterr().out
    assert "12 series have too few nights to be judged." in said
    assert "net005" not in said
    assert invoke([*run, "--fail-on", "insufficient"]) == 1


def test_unconfirmed_nights_are_counted(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    history = History(statuses={(2, night): "unconfirmed" for night in range(10)} | {(4, 29): "unconfirmed"})
    with open_store(tmp_path / "s.db") as opened:
        history.stored(opened, WORKS, ["a" * 40])
    found = document(str(tmp_path / "s.db"), capsys)
    assert found["unconfirmed_nights"] == 11
    assert sorted(one["unconfirmed_nights"] for one in found["series"]) == [0] * 10 + [1, 10]
    assert {one["nights"] for one in found["series"]} == {30}
    for form in ("text", "github"):
        assert invoke(["check", "--store", str(tmp_path / "s.db"), "--no-confirm", "--format", form]) == 0
        assert "11 of the 360 values looked at are unconfirmed, and count less." in capsys.readouterr().out


def test_a_comment_shows_names_as_they_are_and_runs_nothing(store: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert invoke(["check", "--store", store, "--no-confirm", "--format", "github"]) == 1
    said = capsys.readouterr().out
    assert said.startswith("### 🔴 nightly, 12 series: 2 regressed")
    assert "<img" not in said
    assert "@all" not in said
    assert "| not yet |" in said
    for row in (line for line in said.splitlines() if line.startswith("| ")):
        assert row.count(" | ") == 9
    assert escaped("a|b <i>&") == "a&#124;b &lt;i&gt;&amp;"


def test_a_night_that_measured_nothing_fails_for_one_reason(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    sim = SimNights(nights=9, workloads=6, devices=("cpu",))
    with open_store(tmp_path / "s.db") as opened:
        sim.write(opened, range(8))
        replace(sim, failed=1.0).write(opened, [8])
    run = ["check", "--store", str(tmp_path / "s.db"), "--no-confirm"]
    assert [invoke([*run, "--fail-on", gates]) for gates in ("none", "improved")] == [0, 1]
    capsys.readouterr()
    assert invoke(run) == 1
    shown = " ".join(capsys.readouterr().out.split())
    assert "6 missing, 0 ok. Nothing was measured, so that nothing can be judged." in shown
    assert shown.count("out of memory") == 1
    assert " and 3 others: It failed in run" in shown


def test_an_empty_store_says_what_to_do(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    open_store(tmp_path / "empty.db").close()
    assert invoke(["check", "--store", str(tmp_path / "empty.db")]) == 2
    assert "hwcost run SUITE" in capsys.readouterr().err
