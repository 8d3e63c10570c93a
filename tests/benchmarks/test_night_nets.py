"""The nets of the nights: what slow.json names is slowed, and nothing else."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from benchmarks.studies.night_nets import NETS, SUITE
from hwcost.suites import load_suite
from hwcost.suites.expansion import expand
from tests.conftest import import_anew
from tests.workloads.in_process import probe_in_process

pytest.importorskip("torch")

pytestmark = pytest.mark.torch


def test_a_net_is_slowed_by_the_key_of_its_genes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nets.py").write_text(NETS)
    (tmp_path / "smoke.toml").write_text(SUITE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    import_anew(monkeypatch, "nets")
    probe_in_process(monkeypatch)
    (tmp_path / "slow.json").write_text("{}")
    works: list[Any] = [item.workload for part in expand(load_suite("smoke.toml")) for item in part.plan().items]
    first, *others = works
    (tmp_path / "slow.json").write_text(json.dumps({f"{first.space} {list(first.genes)}": 7}))
    assert first.built().module.turns == 7
    assert {work.built().module.turns for work in others} == {0}
