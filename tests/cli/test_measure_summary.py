"""What stands below the table of a campaign."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from hwcost.cli.main import invoke


@pytest.mark.parametrize(
    ("n", "reason"),
    [
        ("3", "every workload was visited only once, and an interval needs two rounds or more"),
        ("1", "only one process measured it, and the interval of a single workload needs two or more"),
    ],
)
def test_no_interval_has_its_real_reason(n: str, reason: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out, store = tmp_path / "out.json", str(tmp_path / "s.db")
    arguments = ["measure", "--backend", "null", "-n", n, "--rounds", "1", "--store", store, "--json", str(out)]
    assert invoke(arguments) == 0
    seen = capsys.readouterr()
    assert f"no interval: {reason} (wanted 1.0 %)" in seen.out
    assert f"there is no interval: {reason}." in seen.err
    found = json.loads(out.read_text())["measurements"]
    assert {(m["half_width"], m["interval_reason"], m["flags"][0]["code"]) for m in found} == {(None, reason, "W_IMPRECISE")}


def test_calls_with_pauses_have_percentiles_in_the_table(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    arguments = ["measure", "--backend", "null", "-n", "2", "--seq-len", "8", "--store", str(tmp_path / "s.db")]
    assert invoke([*arguments, "--arrival", "poisson=10/s", "--backend-option", "idle_penalty=0.4", "--tier", "quick"]) == 0
    seen = capsys.readouterr()
    assert "calls at random, 10 per second" in seen.out
    assert all(name in seen.out for name in ("p90", "p95", "p99"))
    assert invoke([*arguments, "--arrival", "often"]) == 2
    assert "'often' is not an arrival of calls. Known: back-to-back, gap=TIME" in capsys.readouterr().err
