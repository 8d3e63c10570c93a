"""``hwcost run --on``: the devices of a suite on a machine elsewhere."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import pytest

from hwcost.cli.main import invoke
from hwcost.stores import open_store

pytestmark = pytest.mark.once

SUITE = """
backends = ["null"]
tier = "quick"

[[workloads]]
name = "nets"
space = "supershaper:scale=mini"
n = 5
"""


@pytest.fixture
def suite(tmp_path: Path) -> str:
    (tmp_path / "mine.toml").write_text(SUITE)
    return str(tmp_path / "mine.toml")


def test_the_devices_are_measured_at_the_address(tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str]) -> None:
    on, store = f"local://{tmp_path}/there?python={sys.executable}", str(tmp_path / "s.db")
    assert invoke(["run", suite, "--device", "cpu", "--on", on, "--store", store, "--json", "-"]) == 0
    (found,) = json.loads(capsys.readouterr().out)["campaigns"]
    assert (found["device"], found["on"], found["measured"]) == ("cpu", on, 5)
    with open_store(store) as opened:
        assert [one.on for one in opened.campaigns()] == [on]


def test_the_policy_of_a_suites_own_file_is_kept_with_its_run(
    tmp_path: Path, suite: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path(suite).write_text(f'devices = ["cpu"]\n{SUITE}\n[[policy]]\nworkload = "*"\nowner = "ann"\n')
    store = str(tmp_path / "s.db")
    assert invoke(["run", suite, "--store", store, "-q"]) == 0
    Path(suite).unlink()
    capsys.readouterr()
    assert invoke(["check", "--store", store, "--json", "-"]) == 0
    out, err = capsys.readouterr()
    assert {one["owner"] for one in json.loads(out)["series"]} == {"ann"}
    assert "not declared here" not in err


@pytest.mark.parametrize(
    ("given", "said"),
    [
        (["--tier", "best"], "unknown tier 'best'. Known: quick, standard, strict"),
        (["--device", "k8O"], "unknown device 'k8O'. Did you mean 'k80'?"),
        (["--repository", "nowhere"], "--repository 'nowhere' is not a folder of a git repository"),
    ],
)
def test_what_is_misspelt_begins_no_run(
    tmp_path: Path, suite: str, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", suite, *given, "--store", str(tmp_path / "s.db")]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
    assert not (tmp_path / "s.db").exists()


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "--on ssh://far says where a device is, and no device is given. Name it: --device NAME --on ssh://far"),
        (["--device", "cpu@ssh://near"], "--device cpu@ssh://near says itself where it is"),
        (["--device", "here"], "--device here says itself where it is"),
    ],
)
def test_an_address_needs_devices_without_one(
    suite: str, given: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert invoke(["run", suite, *given, "--on", "ssh://far", "--dry-run"]) == 2
    assert said in " ".join(capsys.readouterr().err.split())
