"""What stands below the table of a campaign."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from hwcost.campaign.estimates.estimate import fit_campaign
from hwcost.campaign.plans.plan import Item, Plan
from hwcost.campaign.run import Result
from hwcost.cli import results
from hwcost.cli.main import invoke
from hwcost.timing.measurement import Measurement, Visit
from hwcost.timing.protocol import protocol
from hwcost.workloads import SyntheticWorkload

pytestmark = pytest.mark.usefixtures("laws_here")


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


def test_the_table_tells_the_mean_as_observed_beside_the_latency_and_what_is_unconfirmed(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    visit = Visit("w", 0, 0, samples_s=(0.02, 0.02, 0.05))
    slowed = Measurement(SyntheticWorkload("slowed"), "fit", 0.02, 0.01, 1, (visit,))
    unsure = replace(slowed, workload=SyntheticWorkload("unsure"), half_width=0.4, is_confirmed=False)
    plan = Plan((Item(slowed.workload), Item(unsure.workload)), "cpu", "null", protocol("standard"))
    result = Result("c", "s.db", plan, (slowed, unsure), (), 1.0, True, fit_campaign(plan, []))
    shown: list[Any] = []
    monkeypatch.setattr(results.console, "print_table", lambda *table: shown.append(table))
    results.show(result, None)
    _, columns, rows, _ = shown[0]
    assert columns[2:5] == ["uncontended", "± 95 %", "observed mean"]
    assert [row[3] for row in rows] == ["1.00 %", "-33 % to +49 % unconfirmed"]
    assert [(row[2], row[4]) for row in rows] == [("20.00 ms", "30.00 ms")] * 2
    assert [one["observed_mean_s"] for one in results.as_document(result)["measurements"]] == pytest.approx([0.03, 0.03])


def test_a_spent_budget_is_said_beside_a_document_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    said = "The budget ended it; --resume --budget TIME goes on."
    store = ["--store", str(tmp_path / "s.db"), "--budget", "0.1s"]
    begun = ["measure", "--backend", "null", "--backend-option", "realtime=true", "-n", "2", "--tier", "strict", *store]
    assert invoke(begun) == 0
    assert said in capsys.readouterr().out
    assert invoke(["measure", "--resume", *store, "--json", "-"]) == 0
    seen = capsys.readouterr()
    document = json.loads(seen.out)
    assert document["complete"] is False
    assert f"campaign {document['campaign_id']}: {said}" in seen.err
