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
