"""A slow-down of a user's module, put into a repository: found in the history, measured again with both codes, confirmed."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.cli.main import invoke
from hwcost.history.check import check
from hwcost.history.remeasure import measure_again
from hwcost.stores import open_store
from hwcost.stores.entries import Confirmation
from hwcost.workloads import FactoryWorkload
from tests.conftest import import_anew
from tests.history.histories import History
from tests.history.repository import Repository

pytestmark = [pytest.mark.once, pytest.mark.torch, pytest.mark.slow]

NETS = """
import torch

class Net(torch.nn.Module):
    def __init__(self, layers):
        super().__init__()
        self.layers = torch.nn.Sequential(*(torch.nn.Linear(256, 256) for _ in range(layers)))

    def forward(self, x):
        return self.layers(x)

def slow():
    return Net({layers}), (torch.ones(16, 256),)

def steady():
    return Net(8), (torch.ones(16, 256),)
"""


def test_a_slow_down_of_the_code_is_confirmed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch")
    repository = Repository(tmp_path)
    good = repository.commit("nets.py", NETS.format(layers=8))
    bad = repository.commit("nets.py", NETS.format(layers=12))
    monkeypatch.chdir(tmp_path)
    import_anew(monkeypatch, "nets")
    works = [FactoryWorkload(f"nets:{name}").resolved() for name in ("slow", "steady")]
    history = History(n=2)
    history.y[:, 22:] += 0.4  # of both, and the code explains one of them
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, works, [*[good] * 22, bad], backend="torch")
        assert before.counts["regressed"] == 2
        remarks = measure_again(store, before, budget_s=60.0, tier="quick")
        codes = {flag.code for record in store.records() for flag in record.visit.flags}
        is_open = bool(remarks) or any(one.outcome == "ambiguous" for one in store.entries(Confirmation))
        if is_open and codes & {"E_FOREIGN", "W_DISTURBED"}:
            pytest.skip("other processes took so much of the CPUs that nothing could be said")
        assert remarks == []
        outcomes = {one.series_key: one for one in store.entries(Confirmation)}
        after = check(store, before.runs)
    names = {after.series[one.series_key].name: one for one in after.judgements}
    assert {one.how for one in outcomes.values()} == {"worktree"}
    assert names[works[0].name].is_confirmed
    assert names[works[1].name].verdict == "ok"
    capsys.readouterr()
    arguments = ["check", "--store", str(tmp_path / "s.db"), "--no-confirm"]
    assert invoke([*arguments, "--format", "github"]) == 1
    assert "1 regressed (1 confirmed)" in capsys.readouterr().out
    assert invoke([*arguments, "--fail-on", "none"]) == 0


def test_an_installed_copy_of_the_code_is_not_compared_with_itself(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    top, installed, said = tmp_path / "top", tmp_path / "installed", list[str]()
    for folder in (top / "src", installed):
        folder.mkdir(parents=True)
    (installed / "nets.py").write_text(NETS.format(layers=8))
    repository = Repository(top)
    commits = [repository.commit("src/nets.py", NETS.format(layers=layers)) for layers in (8, 12)]
    monkeypatch.chdir(top)
    import_anew(monkeypatch, "nets")
    monkeypatch.syspath_prepend(str(installed))
    works = [FactoryWorkload(f"nets:{name}").resolved() for name in ("slow", "steady")]
    history = History(n=2)
    history.y[0, 22:] += 0.4
    with open_store(tmp_path / "s.db") as store:
        before = history.stored(store, works, [*[commits[0]] * 22, commits[1]], backend="torch")
        (remark,) = measure_again(store, before, budget_s=20.0, tier="quick", say=said.append)
        assert store.entries(Confirmation) == []
    assert "1 alarm on cpu with torch stays unconfirmed" in remark
    assert f"module 'nets' was imported from {installed}/nets.py, although the working tree holds it" in said[-1]
    assert "(src/nets.py)" in said[-1]
