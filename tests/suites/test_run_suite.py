"""Runs of a suite: whole, with failures, interrupted, resumed, and without what was measured before."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from hwcost.campaign import run as campaign
from hwcost.cli.main import invoke
from hwcost.errors import DeviceError, InterruptedRunError, UsageError
from hwcost.stores import open_store
from hwcost.stores.entries import CampaignAudit
from hwcost.stores.runs import Code
from hwcost.suites import Observer, RunOptions, code_under_test, run, run_suite
from tests.suites.nights import latest, night, suite

pytestmark = pytest.mark.once

CODE = Code(repository="r", commit="a" * 40, branch="main", is_dirty=False)


@pytest.fixture
def store(tmp_path: Path) -> Path:
    return tmp_path / "night.db"


def test_a_run_links_its_campaigns_and_keeps_the_code(store: Path) -> None:
    declared = suite(shapes=[{"seq_len": 16}, {"seq_len": 32}])
    result = night(store, declared, code=CODE, argv=("hwcost", "run", "mine"))
    assert (result.run.status, result.error) == ("done", None)
    assert [(one.measured, one.failed, one.skipped) for one in result.outcomes] == [(6, 0, 0)] * 2
    with open_store(store) as opened:
        kept = opened.run(result.run.run_id)
        assert kept.ended_at is not None
        assert (kept.code, kept.argv, kept.suite) == (CODE, ["hwcost", "run", "mine"], "mine")
        assert {one.run_id for one in opened.campaigns()} == {kept.run_id}
        assert len(opened.estimates(run_ids=[kept.run_id])) == 12
        audits = {one.campaign_id: one for one in opened.entries(CampaignAudit)}
        assert audits.keys() == {one.campaign_id for one in opened.campaigns()}
        for campaign_id, audit in audits.items():
            assert len(audit.rows) == len(audit.residuals) == len(audit.level) == opened.count(campaign_id)
            assert audit.run_id == kept.run_id
    again = night(store, declared, code=CODE)
    assert again.run.run_id != result.run.run_id
    assert again.run.config_sha256 == result.run.config_sha256
    with open_store(store) as opened:
        assert len(opened.series()) == 12


def test_an_absent_device_is_a_failure_of_record_and_the_run_goes_on(store: Path) -> None:
    result = night(store, suite(devices=["k80", "cpu"]))
    assert isinstance(result.error, DeviceError)
    assert [(one.measured, one.failed) for one in result.outcomes] == [(0, 6), (6, 0)]
    assert result.run.status == "done"
    with open_store(store) as opened:
        table = opened.estimates(run_ids=[result.run.run_id])
        failed = [one for one in table.estimates() if one.status == "failed"]
        assert {opened.series()[one.series_key].device for one in failed} == {"k80"}
        assert all("is not here" in one.reason for one in failed)


def test_a_failure_belongs_to_the_history_of_before(store: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    first = night(store, suite())
    monkeypatch.setattr(campaign, "run", lambda *given, **named: (_ for _ in ()).throw(DeviceError("it is gone")))
    second = night(store, suite())
    assert (first.run.status, second.run.status) == ("done", "failed")
    assert set(latest(store, second.run.run_id).values()) == {("failed", "it is gone")}
    with open_store(store) as opened:
        assert len(opened.series()) == 6


def test_a_workload_that_cannot_be_prepared_fails_alone(store: Path) -> None:
    name = next(iter(latest(store, night(store, suite()).run.run_id)))
    result = night(store, suite(backends=[{"name": "null", "options": {"fail": name.removeprefix("supershaper ")}}]))
    assert [(one.measured, one.failed) for one in result.outcomes] == [(5, 1)]
    assert result.error is not None
    assert result.error.exit_code == 4
    assert "as option 'fail' asks for" in latest(store, result.run.run_id)[name][1]


def test_a_device_elsewhere_is_measured_there(store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    there = f"local://{tmp_path}/there?python={sys.executable}"
    devices = f"cpu@{there}", "cpu@ssh:///no-host"
    result = night(store, suite(), code=CODE, devices=devices)
    assert [(one.part.on, one.measured, one.failed) for one in result.outcomes] == [(there, 6, 0), ("ssh:///no-host", 0, 6)]
    with open_store(store) as opened:
        assert opened.campaigns()[0].extra["on"] == there
    left_out = night(store, suite(), code=CODE, devices=devices, skip=("ok", "unconfirmed"))
    assert [(one.failed, one.skipped) for one in left_out.outcomes] == [(0, 6), (6, 0)]
    monkeypatch.setattr(run, "measure_on", lambda *given, **named: (_ for _ in ()).throw(DeviceError("it is gone")))
    lost = night(store, suite(), devices=devices)
    assert [(one.measured, one.failed) for one in lost.outcomes] == [(0, 6), (0, 6)]
    with open_store(store) as opened:
        reasons = {one.series_key: one.reason for one in opened.estimates(run_ids=[lost.run.run_id]).estimates()}
        assert len(opened.series()) == len(reasons) == 12  # in the histories of before, of two machines
        assert sum(why == "it is gone" for why in reasons.values()) == 6


class StopsAt(Observer):
    """Ctrl-C, or the end of the process, when a campaign begins."""

    def __init__(self, number: int, how: type[BaseException] = KeyboardInterrupt) -> None:
        self.number, self.how = number, how

    def begins(self, number: int, planned: object, budget_s: float | None) -> None:
        if number == self.number:
            raise self.how


@pytest.mark.parametrize(
    ("how", "seen"),
    [(KeyboardInterrupt, InterruptedRunError), pytest.param(SystemExit, SystemExit, marks=pytest.mark.slow)],
)
def test_an_unfinished_run_is_resumed_and_repeats_nothing(
    store: Path, how: type[BaseException], seen: type[BaseException]
) -> None:
    declared = suite(shapes=[{"seq_len": 16}, {"seq_len": 32}])
    with open_store(store) as opened, pytest.raises(seen):
        run_suite(declared, opened, RunOptions(code=CODE), StopsAt(1, how))
    other = night(store, declared, code=CODE.model_copy(update={"commit": "b" * 40}))
    resumed = night(store, declared, code=CODE)
    assert [(one.measured, one.skipped) for one in resumed.outcomes] == [(0, 6), (6, 0)]
    with open_store(store) as opened:
        assert [(run.run_id, run.status) for run in opened.runs("mine")] == [
            (resumed.run.run_id, "done"), (other.run.run_id, "done"),
        ]  # fmt: skip
        assert len([one for one in opened.campaigns() if one.run_id == resumed.run.run_id]) == 2


def test_who_runs_it_says_whether_a_run_is_resumed(store: Path) -> None:
    with pytest.raises(UsageError, match="holds no unfinished run of suite 'mine'"):
        night(store, suite(), resume=True)
    for _ in range(2):
        with open_store(store) as opened, pytest.raises(InterruptedRunError):
            run_suite(suite(), opened, RunOptions(resume=False), StopsAt(0))
    old = night(store, suite(), code=CODE, resume=True)
    with open_store(store) as opened:
        assert [run.status for run in opened.runs()] == ["interrupted", "done"]
        assert opened.runs()[1].run_id == old.run.run_id


def test_what_was_measured_for_the_commit_is_left_out(store: Path) -> None:
    half = suite(devices=["cpu", "k80"])
    night(store, half, code=CODE)
    done = night(store, half, code=CODE, skip=("ok", "unconfirmed"))
    assert [(one.measured, one.failed, one.skipped) for one in done.outcomes] == [(0, 0, 6), (0, 6, 0)]
    changed = night(store, half, code=CODE.model_copy(update={"is_dirty": True}), skip=("ok",))
    assert changed.outcomes[0].measured == 6


def test_the_command_measures_tells_and_exits_with_the_first_failure(
    store: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "hwcost.toml").write_text(
        'store = "night.db"\n[suite.mine]\ntier = "quick"\nbackends = ["null"]\ndevices = ["cpu", "k80"]\n'
        '[[suite.mine.workloads]]\nname = "nets"\nspace = "supershaper:scale=mini"\nn = 3\n'
    )
    assert invoke(["run", "mine", "--dry-run", "--json", "-"]) == 0
    assert len(json.loads(capsys.readouterr().out)["campaigns"][0]["workloads"]) == 3
    assert invoke(["run", "mine", "--dry-run", "--device", "cpu"]) == 0
    (row,) = [line for line in capsys.readouterr().out.splitlines() if "cpu, null" in line]
    assert re.fullmatch(r"cpu, null +3 +about [0-9.]+ s", row.strip())
    assert not store.exists()
    assert invoke(["run", "mine"]) == 3
    shown = capsys.readouterr()
    assert "campaign 1 of 2: cpu, null" in shown.err
    assert "measured" in shown.out
    assert invoke(["run", "mine", "--device", "cpu", "--json", "-"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["run"]["status"] == "done"
    assert [one["measured"] for one in document["campaigns"]] == [3]
    assert invoke(["run", "none"]) == 2


def test_the_code_is_what_git_says(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("GITHUB_REF", raising=False)
    assert code_under_test(tmp_path) is None

    def git(*arguments: str) -> None:
        who = ["-c", "user.name=a", "-c", "user.email=a@b"]
        subprocess.run(["git", "-C", str(tmp_path), *who, *arguments], check=True, capture_output=True)

    git("init", "-b", "work")
    (tmp_path / "a").write_text("a")
    git("add", "a")
    git("commit", "-m", "first")
    git("remote", "add", "origin", "https://me:secret@example.org/team/code.git")
    found = code_under_test(tmp_path)
    assert found is not None
    assert (found.branch, found.is_dirty, found.pr_number) == ("work", False, None)
    assert found.repository == "https://example.org/team/code.git"
    assert found.commit is not None
    assert len(found.commit) == 40
    assert found.commit_time is not None
    (tmp_path / "a").write_text("b")
    monkeypatch.setenv("GITHUB_REF", "refs/pull/7/merge")
    monkeypatch.setenv("GITHUB_HEAD_REF", "topic")
    git("checkout", "--detach")
    changed = code_under_test(tmp_path)
    assert changed is not None
    assert (changed.branch, changed.is_dirty, changed.pr_number) == ("topic", True, 7)
