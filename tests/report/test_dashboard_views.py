"""Views of the dashboard in a browser: what links lead to, what differs between two sides, and links that others open."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.report.dashboard.commands import arch_key
from hwcost.stores import open_store
from tests.report.browser import WIDE, Reader, base_of
from tests.report.dashboard_data import NIGHTS, write_nights, write_study
from tests.report.serving import serving

pytestmark = pytest.mark.once

SPACE = "supershaper"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("views")


@pytest.fixture(scope="module")
def built(folder: Path) -> Built:
    """A site whose study holds two architectures of the nights, one of them with a record."""
    with open_store(folder / "nights.db") as store:
        write_nights(store)
        archs = [arch_key(one.arch) for one in NIGHTS.series if one.search_space == SPACE and one.arch is not None]
        study = write_study(folder / "study.jsonl", SPACE, best=archs[0])
        return build_site(store, folder / "site", studies=[study])


@pytest.fixture
def reader(browser: Any, built: Built) -> Iterator[Reader]:
    """A wide page on the site, from the disk; nothing may go wrong on it."""
    context = browser.new_context(viewport=WIDE)
    one = Reader(context.new_page(), base_of(built.page.parent))
    yield one
    context.close()
    one.assert_clean()


def test_a_point_of_a_front_leads_to_its_record(reader: Reader) -> None:
    page = reader.go("#/front")
    page.click("#front tbody th a")
    assert "autodistil" not in reader.shown("record").inner_text("h1")
    assert page.inner_text("#command").startswith(f"hwcost measure --device t4 --backend torch --space {SPACE}")
    page.go_back()
    reader.shown("front")
    page.click("#front tbody td:last-child a")
    assert reader.shown("series").is_visible("#points")


def test_the_front_is_served_too(browser: Any, built: Built, folder: Path) -> None:
    with serving(folder / "nights.db", studies=(folder / "study.jsonl",)) as base:
        reader = Reader(browser.new_page(viewport=WIDE), base)
        page = reader.go("#/front")
        assert len(reader.rows("front")) > 1
        page.click("#front tbody th a")
        assert reader.shown("record").is_visible("#visits")
        reader.page.close()
        reader.assert_clean()


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


@pytest.mark.parametrize(
    ("view", "table"),
    [
        ("#/regressions?device=cpu&since=2025-01-10", "alarms"),
        ("#/series?place=t4&verdict=ok&q=attention", "series"),
        ("#/compare?along=device&a=cpu&b=t4&family=autodistil+models", "pairs"),
        ("#/compare?along=environment", "pairs"),
        ("#/models?model=hybrid+supershaper&device=cpu", "models"),
        ("#/front", "front"),
        ("#/devices", "devices"),
    ],
)
def test_a_link_shows_the_same_view_to_others(reader: Reader, browser: Any, view: str, table: str) -> None:
    reader.go("#/overview")
    reader.go(view)
    rows, address = reader.rows(table), reader.page.url
    assert rows
    other = Reader(browser.new_page(viewport=WIDE), reader.base)
    other.page.goto(address)
    other.shown()
    assert other.rows(table) == rows
    other.page.close()
    other.assert_clean()


def test_filters_that_are_set_stand_in_the_address(reader: Reader, browser: Any) -> None:
    page = reader.go("#/series")
    every = reader.rows("series")
    for label, value in (("device", "cpu"), ("family", "supershaper models"), ("verdict", "ok")):
        shown = page.evaluate("document.getElementById('main').dataset.shown")
        page.select_option(f"label:has-text('{label}') select", value)
        page.wait_for_function("(n) => document.getElementById('main').dataset.shown !== n", arg=shown)
    few, address = reader.rows("series"), page.url
    assert 0 < len(few) < len(every)
    other = Reader(browser.new_page(viewport=WIDE), reader.base)
    other.page.goto(address)
    other.shown()
    assert other.rows("series") == few
    other.page.close()


def test_a_site_without_models_says_how_to_name_one(browser: Any, folder: Path) -> None:
    with open_store(folder / "few.db") as store:
        NIGHTS.write(store, [0])
        made = build_site(store, folder / "few")
    reader = Reader(browser.new_page(viewport=WIDE), base_of(made.page.parent))
    assert "[models.NAME], in hwcost.toml [suite.SUITE.models.NAME]" in reader.go("#/models").inner_text("main")
    reader.page.close()
