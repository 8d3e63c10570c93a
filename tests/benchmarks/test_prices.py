"""The script that writes the prior of a space: devices of one's own beside the published ones."""

from __future__ import annotations

import json
import shutil
import sys
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest

import hwcost as hc
from hwcost.cost_models.priors import files
from hwcost.spaces import space
from tests.conftest import ROOT

pytestmark = [pytest.mark.once, pytest.mark.usefixtures("laws_here")]

SPACE = space("supershaper")
HOW = {"backend": "null", "rounds": 2, "backend_options": {"noise": 0.002, "overhead_s": 1e-4}}


@pytest.fixture
def written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    """Runs the script on a copy of the shipped file, with arguments, and returns its code."""
    monkeypatch.setattr(sys, "path", [str(ROOT / "benchmarks"), *sys.path])
    shutil.copy(ROOT / "devices" / "supershaper.prices.json", tmp_path)

    def run(*arguments: str) -> int:
        monkeypatch.setattr(sys, "argv", ["prices.py", *arguments, "--out", str(tmp_path / "supershaper.prices.json")])
        return int(import_module("prices").main())

    return run


def test_a_campaign_becomes_a_device_of_the_prior(written, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    store, before = tmp_path / "own.db", [one.name for one in files.shipped(SPACE)]
    hc.measure(SPACE.sample(16, seed=0), store=store, batch_size=1, seq_len=128, **HOW)
    for _ in range(2):  # a device that is there already is replaced
        assert written("--store", str(store), "A device of our own, batch 1") == 0
    monkeypatch.setattr(files, "share", lambda kind: tmp_path)
    sources = files.shipped(SPACE)
    assert [one.name for one in sources] == [*before, "A device of our own, batch 1"]
    origin = sources[-1].model.provenance["source"]
    assert origin == "normalised prices fitted on 16 nets that hwcost measured (null, batch 1, 128 tokens)"
    prices = json.loads((tmp_path / "supershaper.prices.json").read_text())["devices"][-1]["prices"]
    assert len(prices) == 7
    assert list(prices.values()) == sorted(prices.values())

def test_campaigns_of_other_nets_or_of_several_shapes_are_refused(written, tmp_path: Path, capsys) -> None:
    small, shapes = tmp_path / "small.db", tmp_path / "shapes.db"
    hc.measure(space("supershaper", scale="mini").sample(4, seed=0), store=small, batch_size=1, seq_len=16, **HOW)
    hc.measure(SPACE.sample(4, seed=0), store=shapes, batch_size=(1, 2), seq_len=128, **HOW)
    for store in (small, shapes):
        assert written("--store", str(store), "Another device") == 2
        assert "expected space 'supershaper' with {'merged': False} at one batch size" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        written()
    assert "give DATA, or --store STORE DEVICE" in capsys.readouterr().err
