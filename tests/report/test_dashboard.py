"""The files of a dashboard: equal for equal input, touched by a night only where it is, and safe whatever a store holds."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.auditing.campaign import audit_campaign
from hwcost.campaign.estimates.estimate import visits_of
from hwcost.campaign.plans.plan import Plan
from hwcost.cli.main import invoke
from hwcost.errors import DataError, HwcostError, UsageError
from hwcost.history import Policy
from hwcost.history.check import check
from hwcost.history.judgement import VERDICTS
from hwcost.report.dashboard import build_site
from hwcost.report.dashboard.feeds import ATOM
from hwcost.report.dashboard.files import Site, script, slug
from hwcost.report.dashboard.numbers import rounded
from hwcost.report.verdict_table import reasons
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.testing.night_records import NightRecords
from hwcost.testing.nights import Shift, SimNights
from tests.report.dashboard_data import NIGHTS, write_nights, write_study
from tests.report.hostile_data import HOSTILE, MISSING, REGRESSED, write_hostile

SMALL = replace(NIGHTS, nights=40, workloads=6)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(tmp_path / "store.db") as one:
        yield one


def contents(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def data(folder: Path, name: str) -> Any:
    return json.loads((folder / "data" / f"{name}.js").read_text().split(", ", 1)[1].rstrip(");\n"))


def test_nights_one_by_one_and_all_at_once_make_the_same_files(store: Store, tmp_path: Path) -> None:
    for night in range(SMALL.nights):
        SMALL.write(store, [night])
        if night in (0, 7, 30, 38, 39):
            before = contents(tmp_path / "site") if night else {}
            build_site(store, tmp_path / "site")
    build_site(store, tmp_path / "other")
    after = contents(tmp_path / "site")
    assert after == contents(tmp_path / "other")
    changed = {
        name for name in after if before.get(name) != after[name] and name.startswith(("data/points", "data/nights/"))
    }
    assert changed
    assert {name.split("/")[2] for name in changed if "points" in name} == {"2025-02"}
    assert sum(name.startswith("data/nights/") for name in changed) == 1


def test_unconfirmed_values_are_counted(store: Store, tmp_path: Path) -> None:
    SMALL.write(store)
    good = [one for one in store.estimates().estimates() if one.status == "ok"]
    vague = [replace(one, status="unconfirmed", half_width=0.2) for one in good[::5]]
    store.add_estimates(list(store.series().values()), vague)
    build_site(store, tmp_path / "site")
    assert sum(data(tmp_path / "site", "series")["unconfirmed"]) == len(vague) > 0


def test_nothing_is_written_twice(store: Store, tmp_path: Path) -> None:
    SMALL.write(store)
    first = build_site(store, tmp_path / "site")
    again = build_site(store, tmp_path / "site")
    assert (again.written, again.kept) == (0, first.written)


def test_a_build_that_broke_off_is_made_good(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    SMALL.write(store, range(30))
    build_site(store, tmp_path / "site")
    SMALL.write(store, range(30, 40))
    monkeypatch.setattr("hwcost.report.dashboard.build.write_records", lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        build_site(store, tmp_path / "site")
    monkeypatch.undo()
    build_site(store, tmp_path / "site")
    build_site(store, tmp_path / "other")
    assert contents(tmp_path / "site") == contents(tmp_path / "other")


def test_series_that_are_gone_leave_no_file(store: Store, tmp_path: Path) -> None:
    SMALL.write(store)
    build_site(store, tmp_path / "site")
    build_site(store, tmp_path / "site", since="2025-02-01T00:00:00+00:00")
    build_site(store, tmp_path / "other", since="2025-02-01T00:00:00+00:00")
    assert contents(tmp_path / "site") == contents(tmp_path / "other")
    assert data(tmp_path / "site", "index")["months"] == ["2025-02"]


def test_counts_are_those_of_the_judge(store: Store, tmp_path: Path) -> None:
    write_nights(store)
    built = build_site(store, tmp_path / "site")
    assert built.counts == {**dict.fromkeys(VERDICTS, 0), **check(store, store.runs()).counts}
    cells = data(tmp_path / "site", "index")["map"]["cells"]
    assert {name: sum(cell[2][name] for cell in cells) for name in VERDICTS} == built.counts
    regressed = [one for one in check(store, store.runs()).judgements if one.verdict == "regressed"]
    of_cells = [(cell[2]["regressed"], cell[3]) for cell in cells if cell[2]["regressed"]]
    assert min(change for _, change in of_cells) > math.log(1.03)
    total = sum(math.log(one.ratio or 1.0) for one in regressed)
    assert sum(n * change for n, change in of_cells) == pytest.approx(total, rel=1e-5)
    document = json.loads((tmp_path / "site" / "regressions.json").read_text())
    assert document["counts"] == built.counts
    assert len(document["verdicts"]) == sum(n for name, n in built.counts.items() if name not in ("ok", "insufficient"))


def test_the_curve_of_a_cell_is_the_mean_of_its_series(store: Store, tmp_path: Path) -> None:
    sim = replace(NIGHTS, failed=0.1, missing=0.0)
    sim.write(store)
    build_site(store, tmp_path / "site")
    found, listed = data(tmp_path / "site", "index")["map"], data(tmp_path / "site", "series")
    verdicts = dict(zip(listed["key"], (listed["lists"]["verdict"][i] for i in listed["verdict"]), strict=True))
    first, last = sim.nights - 40, sim.nights
    for row, column, counts, _, curve in found["cells"]:
        worst = next(verdict for verdict in VERDICTS if counts[verdict])
        family, device = found["rows"][row], found["columns"][column]
        logs = np.full((len(sim.series), 40), np.nan)
        for night in range(first, last):
            by_key = {one.series_key: one.value for one in sim.estimates(night)}
            for index, one in enumerate(sim.series):
                is_inside = f"{one.search_space} {'components' if one.component else 'models'}" == family
                verdict = verdicts[one.series_key]
                is_shown = verdict == worst if worst in ("regressed", "improved") else verdict != "missing"
                if is_inside and is_shown and one.device == device and by_key[one.series_key]:
                    logs[index, night - first] = math.log(by_key[one.series_key] or 0)
        own = np.ma.masked_invalid(logs)
        expected = np.exp(np.ma.mean(own - own.mean(axis=1, keepdims=True), axis=0)).filled(np.nan)
        np.testing.assert_allclose(np.array(curve, dtype=float), expected, atol=6e-5)


def test_quantities_are_shown_in_words(store: Store, tmp_path: Path) -> None:
    write_nights(store, SMALL)
    build_site(store, tmp_path / "site", studies=[write_study(tmp_path / "mine.jsonl", n=20)])
    site = tmp_path / "site"
    assert data(site, "series")["lists"]["quantity"] == ["latency"]
    assert [(one["quantity"], one["unit"]) for one in data(site, "models")] == [("latency", "s")]
    assert data(site, "fronts")[0]["objectives"] == [["latency", "s"], ["perplexity", "1"]]


def test_a_change_is_marked_in_its_month_where_it_is(store: Store, tmp_path: Path) -> None:
    NIGHTS.write(store)
    build_site(store, tmp_path / "site")
    moved = next(one for one in NIGHTS.series if one.name.endswith("no. 6"))
    points = data(tmp_path / "site", f"points/2025-01/{moved.series_key[:2]}")[moved.series_key]
    (change,) = points["changes"]
    assert change[1] == pytest.approx(1.12, rel=0.03)
    assert abs(points["t"].index(int(change[0])) - 15) <= 1


def test_points_come_back_to_seven_digits(store: Store, tmp_path: Path) -> None:
    SMALL.write(store)
    build_site(store, tmp_path / "site")
    one = SMALL.series[3]
    found = [
        data(tmp_path / "site", f"points/{month}/{one.series_key[:2]}")[one.series_key]["v"]
        for month in ("2025-01", "2025-02")
    ]
    measured = [e.value for night in range(40) for e in SMALL.estimates(night) if e.series_key == one.series_key]
    np.testing.assert_allclose(np.array([*found[0], *found[1]], dtype=float), np.array(measured, dtype=float), rtol=5e-7)


def test_audits_are_those_that_runs_kept(store: Store, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sim = SimNights(nights=2, workloads=8)
    for night in range(sim.nights):
        NightRecords(sim, blocks=6).write(store, night)
        sim.write(store, [night])
    (campaign, *_) = (one.campaign_id for one in store.campaigns() if "00001" in one.campaign_id)
    expected = audit_campaign(Plan.from_dict(store.campaign(campaign).plan), visits_of(store, campaign), "here")
    monkeypatch.setattr("hwcost.report.dashboard.audits.audit_campaign", lambda *_: 1 / 0)
    build_site(store, tmp_path / "site")
    shown = data(tmp_path / "site", "audits")
    assert [one["label"] for one in shown] == ["cpu", "t4"]
    (of_cpu,) = (one for one in shown if one["campaign"] == campaign)
    np.testing.assert_allclose(of_cpu["level"], np.expm1(expected.log_level), atol=1e-6)
    assert (of_cpu["verdict"], len(of_cpu["rows"])) == (expected.verdict, store.count(campaign))


@given(st.lists(st.floats(allow_nan=True, allow_infinity=True), max_size=20))
def test_rounding_keeps_seven_digits_and_what_is_unknown(values: list[float]) -> None:
    for one, short in zip(values, rounded(np.array(values)), strict=True):
        if not np.isfinite(one):
            assert short is None
        else:
            assert short == pytest.approx(one, rel=1e-6, abs=1e-300)


@given(st.text() | st.sampled_from(HOSTILE))
def test_no_text_ends_a_script(text: str) -> None:
    made = script("name", {text: [text]})
    assert made.isascii()
    assert not re.search("[<>&\n](?!$)", made.rstrip("\n"))
    assert json.loads(made.split(", ", 1)[1].rstrip(");\n")) == {text: [text]}


def test_feeds_hold_hostile_texts(store: Store, tmp_path: Path) -> None:
    write_hostile(store)
    built = build_site(store, tmp_path / "site")
    entries = ElementTree.parse(tmp_path / "site" / "feed.xml").findall(f"{{{ATOM}}}entry")
    assert (built.counts["regressed"], built.counts["missing"]) == (REGRESSED, MISSING)
    devices = json.loads((tmp_path / "site" / "regressions.json").read_text())["devices"]
    assert len(entries) == REGRESSED + MISSING + len(devices)
    assert any(HOSTILE[0] in (entry.findtext(f"{{{ATOM}}}title") or "") for entry in entries)
    lines = (tmp_path / "site" / "metrics.txt").read_text().split("\n")
    assert lines[-2:] == ["# EOF", ""]
    label = r'[a-z]+="(?:[^"\\\n]|\\["\\n])*"'
    assert all(re.fullmatch(rf"# .*|hwcost_\w+\{{{label}(?:,{label})*\}} \S+(?: \S+)?", line) for line in lines[:-1])
    page = (tmp_path / "site" / "index.html").read_text()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_feeds_tell_of_what_a_whole_device_shares_and_whom_to_ask(store: Store, tmp_path: Path) -> None:
    shifts = Shift(24, 1.1), Shift(24, 1.3, "*no. 4")
    SimNights(nights=30, workloads=12, devices=("cpu",), shifts=shifts).write(store)
    policy = Policy.of([{"workload": "*no. 4", "owner": "ann@example.org"}])
    built = build_site(store, tmp_path / "site", policy=lambda suite: policy)
    assert built.counts["regressed"] == 1
    document = json.loads((tmp_path / "site" / "regressions.json").read_text())
    ((device,), (one,)) = document["devices"], document["verdicts"]
    assert (device["device"], device["verdict"], device["n"]) == ("cpu", "ambiguous", 12)
    assert device["ratio"] == pytest.approx(1.1, rel=0.02)
    assert len(device["first_bad"]) == 2
    assert one["owner"] == "ann@example.org"
    entries = ElementTree.parse(tmp_path / "site" / "feed.xml").findall(f"{{{ATOM}}}entry")
    titles = [entry.findtext(f"{{{ATOM}}}title") or "" for entry in entries]
    assert re.fullmatch(r"ambiguous \+\d+\.\d %: all 12 series of latency_s on cpu with \w+", titles[0])
    assert titles[1].startswith("regressed +")
    assert (entries[1].findtext(f"{{{ATOM}}}summary") or "").endswith("Owner: ann@example.org.")
    assert len({entry.findtext(f"{{{ATOM}}}id") for entry in entries}) == len(entries) == 2
    assert 'hwcost_device_verdicts{verdict="ambiguous"} 1' in (tmp_path / "site" / "metrics.txt").read_text()
    shown = check(store, store.runs(), policy=policy)
    assert any(text.endswith("Owner: ann@example.org.") for _, text in reasons(shown))


def test_metrics_have_no_value_for_what_failed_last_night(store: Store, tmp_path: Path) -> None:
    sim = SimNights(nights=3, workloads=2, devices=("cpu",))
    sim.write(store, [0, 1])
    replace(sim, failed=1.0).write(store, [2])
    build_site(store, tmp_path / "site")
    assert "hwcost_latency_seconds{" not in (tmp_path / "site" / "metrics.txt").read_text()


def test_a_folder_of_other_files_is_left_alone(store: Store, tmp_path: Path) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "notes.txt").write_text("mine")
    with pytest.raises(UsageError, match="holds other files"):
        build_site(store, tmp_path / "mine")
    assert contents(tmp_path / "mine") == {"notes.txt": b"mine"}


@pytest.mark.parametrize("text", ["", "[]", '{"files": 3}', '{"format": 1, "files": {"../../x": ""}, "state": {}}'])
def test_a_damaged_manifest_is_an_error(tmp_path: Path, text: str) -> None:
    (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(DataError, match="damaged|outside"):
        Site(tmp_path)


def test_studies_are_read_with_their_front(store: Store, tmp_path: Path) -> None:
    SMALL.write(store)
    build_site(store, tmp_path / "site", studies=[write_study(tmp_path / "mine.jsonl", n=200)])
    (front,) = data(tmp_path / "site", "fronts")
    values = np.array([point[1] for point in front["points"]])
    for point, is_best in zip(values, (point[2] for point in front["points"]), strict=True):
        assert is_best == (not ((values <= point).all(1) & (values < point).any(1)).any())


@pytest.mark.parametrize("text", ["", "{}\n", '{"event": "study", "objectives": []}\n', "not json\n"])
def test_what_is_no_study_is_an_error(store: Store, tmp_path: Path, text: str) -> None:
    (tmp_path / "log.jsonl").write_text(text)
    with pytest.raises(HwcostError, match="not the log of a study"):
        build_site(store, tmp_path / "site", studies=[tmp_path / "log.jsonl"])


def test_the_command_says_what_it_wrote(store: Store, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    SMALL.write(store)
    given = ["report", "build", "--store", str(tmp_path / "store.db")]
    assert invoke([*given, "--out", str(tmp_path / "site")]) == 0
    out, err = capsys.readouterr()
    assert out == f"{tmp_path / 'site' / 'index.html'}\n"
    assert "12 series" in err
    assert invoke([*given, "--out", str(tmp_path / "site"), "--json", "-"]) == 0
    assert json.loads(capsys.readouterr().out)["written"] == 0
    assert invoke([*given, "--out", str(tmp_path / "site"), "--since", "whenever"]) == 2
    assert invoke(["report", "build", "--store", str(tmp_path / "none.db"), "--out", str(tmp_path / "x")]) == 2


def test_records_of_an_earlier_build_stay_and_those_of_a_campaign_that_grew_do_not(store: Store, tmp_path: Path) -> None:
    sim = replace(SMALL, nights=2, workloads=4)
    for night in range(2):
        NightRecords(sim, blocks=6).write(store, night)
        sim.write(store, [night])
    build_site(store, tmp_path / "site")
    (grown, *others) = data(tmp_path / "site", "records")
    campaign = next(one.campaign_id for one in store.campaigns() if slug(one.campaign_id) == grown)
    record = next(store.records(campaign))
    visit = replace(record.visit, round=99)
    store.add_round(campaign, 99, [visit.workload_key])
    identity = record.identity.model_copy(update={"record_id": "grown", "idempotency_key": "grown"})
    assert store.append(record.model_copy(update={"visit": visit, "identity": identity}))
    read = []
    plain = store.records
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "records", lambda *given, **kept: read.append(given) or plain(*given, **kept))
        build_site(store, tmp_path / "site")
    assert others
    assert read == [(campaign,)]
    build_site(store, tmp_path / "other")
    assert contents(tmp_path / "site") == contents(tmp_path / "other")
