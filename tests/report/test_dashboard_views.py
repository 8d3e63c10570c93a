"""Views of the dashboard in a browser: what links lead to, what differs between two sides, and links that others open."""

from __future__ import annotations

from pathlib import Path

import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.stores import open_store
from hwcost.testing.nights import SimNights
from tests.report.browser import NARROW, Reader, a_record, base_of
from tests.report.conftest import STUDIED, Opened
from tests.report.dashboard_data import NIGHTS

pytestmark = pytest.mark.once


def test_a_point_of_a_front_leads_to_its_record(reader: Reader) -> None:
    page = reader.go("#/front")
    page.click("#front tbody th a")
    assert "autodistil" not in reader.shown("record").inner_text("h1")
    assert page.inner_text("#command").startswith(f"hwcost measure --device t4 --backend torch --space {STUDIED}")
    page.go_back()
    reader.shown("front")
    page.click("#front tbody td:last-child a")
    assert reader.shown("series").is_visible("#points")


def test_a_command_is_wrapped_between_its_options(opened: Opened, built: Built) -> None:
    with opened(base_of(built.page.parent), viewport=NARROW) as reader:
        page = reader.go(a_record(built.page.parent))
        heights = ".map((one) => [one.innerText, one.getBoundingClientRect().height])"
        options = page.evaluate("[...document.querySelectorAll('#command .option')]" + heights)
        text = page.evaluate("document.getElementById('command').textContent")
    assert text == " ".join(option for option, _ in options)
    assert all(option.startswith("hwcost measure" if i == 0 else "--") for i, (option, _) in enumerate(options))
    assert len({height for _, height in options}) == 1


def test_a_record_has_a_trace_of_clock_and_temperature(reader: Reader, built: Built) -> None:
    found = sorted((built.page.parent / "data" / "records").rglob("*.js"))[-1]
    page = reader.go(f"#/record?c={found.parent.name}&s={found.stem}")
    script = """[...document.querySelectorAll('h2')].filter((one) => one.innerText === '{}')
        .map((one) => [...one.nextSibling.querySelector('.chart').hwcostChart.data[1]])"""
    (clock,), (temperature,) = (page.evaluate(script.replace("{}", name)) for name in ("Clock", "Temperature"))
    assert len(clock) == 4 * 40
    assert all(1.5e9 < one <= 1.6e9 for one in clock)
    assert temperature == [61.5, 62.5, 63.5, 64.5]


def test_nights_around_a_new_driver_are_compared(reader: Reader) -> None:
    page = reader.go("#/compare?along=environment")
    rows = reader.rows("pairs")
    assert len(rows) == NIGHTS.workloads
    devices = {row[1] for row in rows}
    assert len(devices) == 1
    ((name, before, after),) = (row for row in reader.rows("differing") if "driver" in row[0])
    assert (before, after) == ("550.54", "560.28")
    assert name.startswith(f"{devices.pop()}: ")
    runs = page.evaluate("hwcost.get('nights').map((one) => one.file)")
    page = reader.go(f"#/compare?along=night&a={runs[-6]}&b={runs[-5]}")
    fields = {row[0]: row[1:] for row in reader.rows("differing")}
    codes = [NIGHTS.run(NIGHTS.nights - back).code for back in (6, 5)]
    assert fields["commit"] == [code.commit for code in codes if code is not None]
    expected = {f"{device}: driver_version" for device in NIGHTS.devices}
    assert {name for name in fields if "driver" in name} == expected


def test_what_differs_between_devices_is_listed(reader: Reader) -> None:
    reader.go("#/compare?along=device&a=cpu&b=t4")
    assert len(reader.rows("pairs")) == NIGHTS.workloads
    assert reader.page.is_visible("text=Nothing else is known to differ")


LINKS = {
    "#/regressions?device=cpu&since=2025-01-10": "alarms",
    "#/series?place=t4&verdict=ok&q=attention": "series",
    "#/compare?along=device&a=cpu&b=t4&family=autodistil+models": "pairs",
    "#/compare?along=environment": "pairs",
    "#/models?model=hybrid+supershaper&device=cpu": "models",
    "#/front": "front",
    "#/devices": "devices",
}
"""Views with the table that they show."""


def test_a_link_shows_the_same_view_to_others(reader: Reader, opened: Opened) -> None:
    reader.go("#/overview")
    with opened(reader.base) as other:
        for view, table in LINKS.items():
            reader.go(view)
            rows = reader.rows(table)
            assert rows, view
            other.open(view)
            assert other.rows(table) == rows, view


def test_a_site_without_models_says_how_to_name_one(opened: Opened, tmp_path: Path) -> None:
    with open_store(tmp_path / "few.db") as store:
        NIGHTS.write(store, [0])
        made = build_site(store, tmp_path / "few")
    with opened(base_of(made.page.parent)) as reader:
        assert "[models.NAME], in hwcost.toml [suite.SUITE.models.NAME]" in reader.go("#/models").inner_text("main")


def test_a_first_night_of_few_workloads(opened: Opened, tmp_path: Path) -> None:
    sim = SimNights(nights=1, workloads=3, noise=0.4, devices=("cpu",))
    with open_store(tmp_path / "first.db") as store:
        sim.write(store)
        made = build_site(store, tmp_path / "first")
    with opened(base_of(made.page.parent)) as reader:
        assert reader.go("#/overview").inner_text("h1") == "Too few nights to judge any of 3 series"
        assert "values of 5 series each; this device has 3 series." in reader.go("#/audit").inner_text("main")
        page = reader.go(f"#/series?s={sim.series[0].series_key}")
        low, high = page.evaluate("(({ min, max }) => [min, max])(document.querySelector('.chart').hwcostChart.scales.x)")
        assert high - low == 2 * 86400
        assert reader.rows("points")[0][2] == "-54 % to +119 %"
