"""What each workload differs by beyond all others, where what they share cannot be told from the machine."""

from __future__ import annotations

import json
import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import hwcost
from hwcost.campaign.comparisons import arms
from hwcost.campaign.comparisons.campaign_levels import campaign_level, level_half_width
from hwcost.campaign.comparisons.differences import against_others, differences
from hwcost.campaign.estimates.visit_values import VisitValues
from hwcost.cli.main import invoke
from hwcost.timing.measurement import Measurement, Visit
from hwcost.workloads import SyntheticWorkload

NAMES = [f"w{i}" for i in range(12)]


def unconfirmed(*logs: float, half: float = 0.3) -> list[Measurement]:
    """Measurements that may be off by the machine's delay, of a calm campaign."""
    works = [SyntheticWorkload(name) for name in NAMES[: len(logs)]]
    visits = [tuple(Visit(work.key, i, 0, (math.exp(y),)) for i in range(4)) for work, y in zip(works, logs, strict=True)]
    return [
        Measurement(work, "fit", math.exp(y), half, 4, own, is_confirmed=False)
        for work, y, own in zip(works, logs, visits, strict=True)
    ]


@pytest.mark.parametrize(("n", "usual", "least"), [(6, 0.0263, 0.97), (12, 0.0225, 0.96), (40, 0.0203, 0.945)])
def test_intervals_hold_whatever_all_share(n: int, usual: float, least: float) -> None:
    rng, hits, widths = np.random.default_rng(n), [], []
    for _ in range(400):
        found = against_others([str(i) for i in range(n)], rng.normal(0, 0.2) + rng.normal(0, 0.01, n), np.zeros(n))
        hits += [abs(one.log_ratio) <= one.half_width for one in found]  # type: ignore[arg-type,operator]
        widths += [one.half_width for one in found]
    assert least <= np.mean(hits) <= least + 0.03
    assert np.median(np.array(widths, dtype=float)) == pytest.approx(usual, rel=0.05)


def test_what_changed_by_itself_is_found_beside_a_shift_of_all() -> None:
    rng = np.random.default_rng(3)
    ratio = 0.17 + rng.normal(0, 0.01, 12)
    ratio[4] += 0.1
    ratio[7] = math.nan
    found = against_others(NAMES, ratio, np.zeros(12))
    assert [one.name for one in found] == NAMES
    assert (found[7].ratio, found[7].low) == (None, None)
    clear = [one.name for one in found if one.log_ratio is not None and abs(one.log_ratio) > (one.half_width or 0.0)]
    assert clear == ["w4"]
    assert found[4].log_ratio == pytest.approx(0.1, abs=0.03)
    others = np.delete(ratio, [4, 7])
    assert found[4].log_ratio == pytest.approx(ratio[4] - others.mean())
    noise = np.where(np.arange(12) == 2, 0.5, 0.0)
    assert against_others(NAMES, ratio, noise)[2].half_width == 0.5
    assert against_others(NAMES[:5], ratio[:5], noise[:5]) == ()


def test_campaigns_of_unconfirmed_workloads_tell_what_one_differs_by_beyond_the_others() -> None:
    rng = np.random.default_rng(0)
    a, logs = unconfirmed(*rng.normal(0, 0.004, 12)), rng.normal(0.16, 0.004, 12)
    logs[5] += 0.05
    found = differences(a, unconfirmed(*logs))
    assert {one.verdict for one in (found.overall, *found.workloads)} == {"AMBIGUOUS"}
    assert found.workloads[5].half_width == pytest.approx(math.hypot(0.3, 0.3), rel=0.01)
    assert found.is_vague
    apart = found.against_others[5]
    assert apart.low is not None
    assert 1.01 < apart.low < (apart.ratio or 0.0) < 1.07
    sure = [replace(m, half_width=0.004, is_confirmed=True) for m in a]
    assert not differences(sure, sure, is_together=True).is_vague


def test_a_campaign_of_which_one_round_saw_the_uncontended_machine_has_a_level() -> None:
    campaign = unconfirmed(*[0.0] * 6)
    visits = [visit for m in campaign for visit in m.visits]
    rounds = np.array([visit.round for visit in visits])
    values = VisitValues(np.array([0.0, 0.1, -0.1, 0.05])[rounds], np.full(len(visits), 0.1), rounds == 2, None)
    level = campaign_level(campaign, SimpleNamespace(visits=visits, values=values))  # type: ignore[arg-type]
    assert level.variance == pytest.approx(np.var([0.0, 0.1, -0.1, 0.05], ddof=1))
    assert level_half_width([level], [level]) > 0.2
    alone = campaign_level([replace(m, visits=m.visits[:1]) for m in campaign])
    assert math.isnan(alone.variance or 0.0)


@pytest.mark.usefixtures("laws_here")
def test_the_command_shows_it_where_it_tells_more(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    works = [SyntheticWorkload(f"w{i}", flops=int(1e9 * (1 + i))) for i in range(6)]
    for name, rate in (("a", 1e11), ("b", 8e10)):
        options = {"flops_per_s": rate, "overhead_s": 0.0}
        hwcost.measure(works, backend="null", store=tmp_path / f"{name}.db", backend_options=options, rounds=3)
    given = ["compare", str(tmp_path / "a.db"), str(tmp_path / "b.db")]
    assert invoke([*given, "-q"]) == 0
    assert "less the others'" not in capsys.readouterr().out
    fit = arms.fit_campaign

    def crowded(*args: Any) -> Any:
        found = fit(*args)
        return replace(
            found, measurements=tuple(replace(m, half_width=0.4, is_confirmed=False) for m in found.measurements)
        )

    monkeypatch.setattr(arms, "fit_campaign", crowded)
    assert invoke([*given, "-q"]) == 0
    shown = capsys.readouterr().out
    assert "less the others'" in shown
    assert "without what all share, be it the machine" in " ".join(shown.split())
    assert invoke([*given, "--json", "-", "-q"]) == 0
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["against_others"]] == [one["name"] for one in document["workloads"]]
    assert all(0.95 < one["low"] < one["ratio"] < one["high"] < 1.05 for one in document["against_others"])
    assert {one["verdict"] for one in document["workloads"]} == {"AMBIGUOUS"}
    assert invoke([*given, "--format", "github", "-q"]) == 0
    assert "| less the others' | 95 % |" in capsys.readouterr().out.replace("&#39;", "'").replace("&#x27;", "'")
