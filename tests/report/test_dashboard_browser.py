"""The dashboard in a browser: from a disk and served, with hostile texts, by keyboard, and what it shows against Python."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.testing.nights import SimNights
from hwcost.units import format_quantity
from tests.conftest import require_package
from tests.report.browser import NARROW, PAGES, WIDE, Reader, base_of, chromium
from tests.report.dashboard_data import HOSTILE, NIGHTS, write_hostile, write_nights, write_study
from tests.report.serving import serving

pytestmark = pytest.mark.once

ALL = [f"#/{name}" for name in PAGES]


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as one:
        yield one


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("dashboard")


@pytest.fixture(scope="module")
def built(folder: Path) -> Built:
    with open_store(folder / "nights.db") as store:
        write_nights(store)
        return build_site(store, folder / "site", studies=[write_study(folder / "study.jsonl")])


@pytest.fixture
def reader(browser: Any, built: Built) -> Iterator[Reader]:
    """A wide page on the site of :data:`NIGHTS`, from the disk; nothing may go wrong on it."""
    context = browser.new_context(viewport=WIDE)
    one = Reader(context.new_page(), base_of(built.page.parent))
    yield one
    context.close()
    one.assert_clean()


@pytest.fixture
def site(browser: Any, folder: Path) -> Iterator[Any]:
    """Builds the site of a store that is written by the given function, and returns a reader of it."""
    contexts = []

    def open_site(name: str, write: Any) -> tuple[Reader, Built]:
        with open_store(folder / f"{name}.db") as store:
            write(store)
            made = build_site(store, folder / name)
        contexts.append(browser.new_context(viewport=WIDE))
        return Reader(contexts[-1].new_page(), base_of(made.page.parent)), made

    yield open_site
    for context in contexts:
        context.close()


def key_of(end: str, device: str) -> str:
    return next(one.series_key for one in NIGHTS.series if one.name.endswith(end) and one.device == device)


def a_record(site: Path) -> str:
    found = sorted((site / "data" / "records").rglob("*.js"))[-1]
    return f"#/record?c={found.parent.name}&s={found.stem}"


def views(built: Built) -> list[str]:
    """Returns every page, a series, a comparison of devices, and a record."""
    return [*ALL, f"#/series?s={key_of('no. 4', 'cpu')}", "#/compare?along=device&a=cpu&b=t4", a_record(built.page.parent)]


def test_every_view_works_from_a_disk(reader: Reader, built: Built) -> None:
    for view in views(built):
        page = reader.go(view)
        assert "could not be shown" not in page.inner_text("main"), view
    assert page.inner_text("#command").startswith("hwcost measure --device")


def test_every_view_works_served(browser: Any, built: Built, folder: Path) -> None:
    with serving(folder / "nights.db") as base:
        reader = Reader(browser.new_page(viewport=WIDE), base)
        for view in views(built):
            assert "could not be shown" not in reader.go(view).inner_text("main"), view
        old = f"#/series?s={NIGHTS.series[0].series_key}"
        page = reader.go(old)
        page.click("#points tbody tr:nth-child(3) a")  # a night whose records no static site holds
        assert reader.shown("record").is_visible("#visits")
        reader.page.close()
        reader.assert_clean()


def test_hostile_texts_do_nothing_and_are_shown_as_they_are(site: Any) -> None:
    reader, _ = site("hostile", write_hostile)
    keys = json.loads((Path(reader.base.removeprefix("file://")) / "regressions.json").read_text())["verdicts"]
    of_series = [f"#/series?s={one['series']}" for one in keys[:3]]
    shown = []
    for view in [
        *ALL,
        *of_series,
        "#/series?s=<img src=x>",
        "#/__proto__",
        a_record(Path(reader.base.removeprefix("file://"))),
    ]:
        page = reader.go(view)
        assert page.evaluate("typeof window.probe") == "undefined", view
        shown.append(page.evaluate("document.getElementById('main').textContent"))
    assert page.evaluate("document.querySelectorAll('main img, main script').length") == 0
    for text in HOSTILE:
        assert text in shown[2], text
        assert any(text in one for one in shown[5:6]), text
    reader.assert_clean()


def test_a_filter_stands_in_the_address_and_back_takes_it_away(reader: Reader, browser: Any) -> None:
    page = reader.open("#/regressions")
    everything = reader.rows("alarms")
    page.select_option("label:has-text('verdict') select", "regressed")
    page.wait_for_function(f"document.querySelectorAll('#alarms tbody tr').length < {len(everything)}")
    few, address = reader.rows("alarms"), page.url
    assert {row[2].split()[-1] for row in few} == {"regressed"}
    other = Reader(browser.new_page(), reader.base)
    other.page.goto(address)
    other.shown()
    assert other.rows("alarms") == few
    other.page.close()
    page.go_back()
    page.wait_for_function(f"document.querySelectorAll('#alarms tbody tr').length == {len(everything)}")


def test_counts_and_cells_are_those_that_python_computed(reader: Reader, built: Built) -> None:
    page = reader.open()
    shown = {verdict: int(page.inner_text(f"#count-{verdict}")) for verdict in built.counts}
    assert shown == built.counts
    assert built.counts["missing"] == 1
    assert page.evaluate(
        "[...document.querySelectorAll('#map td.missing')].map((one) => one.innerText.split('\\n')[0])"
    ) == ["∅ 1 of 2"]
    row = next(i for i, one in enumerate(NIGHTS.series) if one.series_key == key_of("no. 6", "t4"))
    reader.open(f"#/series?s={NIGHTS.series[row].series_key}&n=100")
    values = np.exp(NIGHTS.logs[row])
    cells = [cells[1] for cells in reader.rows("points") if cells[3] == "ok"]
    measured = [
        one.value
        for night in range(NIGHTS.nights)
        for one in NIGHTS.estimates(night)
        if one.series_key == NIGHTS.series[row].series_key
    ]
    assert len(cells) == sum(value is not None for value in measured)
    assert set(cells) <= {five(value) for value in values}
    drawn = page.evaluate("[...document.querySelector('.chart').hwcostChart.data[1]]")
    np.testing.assert_allclose(
        [one for one in drawn if one is not None], [one for one in measured if one is not None], rtol=1e-6
    )


def five(value: float) -> str:
    from hwcost.units import format_si

    return format_si(float(f"{value:.7g}"), "s", 5)


def test_a_chart_is_not_blank(reader: Reader) -> None:
    page = reader.open(f"#/series?s={key_of('no. 6', 'cpu')}")
    script = """() => { const canvas = document.querySelector('canvas'), context = canvas.getContext('2d');
      const pixels = context.getImageData(0, 0, canvas.width, canvas.height).data; let n = 0;
      for (let i = 3; i < pixels.length; i += 4) n += pixels[i] > 0; return n / (pixels.length / 4); }"""
    assert page.evaluate(script) > 0.02
    assert page.inner_text("h2:has-text('Changes') + ul").count("began on this day") == 1


def test_a_missing_series_has_no_number(reader: Reader) -> None:
    reader.open("#/regressions")
    assert [row[3:6] for row in reader.rows("alarms") if "missing" in row[2]] == [["-", "-", "-"]]


def write_one(store: Store) -> None:
    SimNights(nights=1, workloads=1, devices=("cpu",)).write(store)


def write_failed(store: Store) -> None:
    SimNights(nights=6, workloads=3, devices=("cpu",), failed=1.0).write(store)


@pytest.mark.parametrize(("name", "write"), [("empty", lambda store: None), ("one", write_one), ("failed", write_failed)])
def test_little_or_nothing_is_shown_too(site: Any, name: str, write: Any) -> None:
    reader, _ = site(name, write)
    for view in ALL:
        assert "could not be shown" not in reader.go(view).inner_text("main"), view
    reader.assert_clean()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: str(size["width"]))
def test_views_fit_and_are_legible(browser: Any, built: Built, size: dict[str, int], scheme: str, tmp_path: Path) -> None:
    """Pictures are kept in HWCOST_ARTEFACTS, for people to look at."""
    out = Path(os.environ.get("HWCOST_ARTEFACTS", tmp_path))
    context = browser.new_context(viewport=size, color_scheme=scheme)
    reader = Reader(context.new_page(), base_of(built.page.parent))
    for view in views(built):
        page = reader.go(view)
        assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), view
        name = view.lstrip("#/").partition("?")[0] + ("-one" if "?s=" in view else "")
        page.screenshot(path=str(out / f"{name}-{size['width']}-{scheme}.png"), full_page=True)
    context.close()
    reader.assert_clean()


@pytest.mark.parametrize(("size", "scheme", "first"), [(WIDE, "dark", 0), (NARROW, "light", 1)])
def test_axe_finds_nothing_serious(browser: Any, built: Built, size: dict[str, int], scheme: str, first: int) -> None:
    script = require_package("axe_playwright_python.sync_playwright").Axe().axe_script
    context = browser.new_context(viewport=size, color_scheme=scheme)
    reader = Reader(context.new_page(), base_of(built.page.parent))
    reader.open().evaluate(script)
    options = {"resultTypes": ["violations"], "preload": False}  # preloading would ask for the style sheets once more
    for view in views(built)[first::2]:
        found = reader.go(view).evaluate("(options) => axe.run(document, options)", options)["violations"]
        assert [
            (one["id"], one["nodes"][0]["html"][:90]) for one in found if one["impact"] in ("serious", "critical")
        ] == [], view
    context.close()
    reader.assert_clean()


def test_everything_is_reached_by_keyboard(reader: Reader) -> None:
    page = reader.open()
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.className") == "skip"
    for _ in range(3):
        page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.dataset.page") == "regressions"
    page.keyboard.press("Enter")
    reader.shown("regressions")
    assert page.evaluate("document.activeElement.id") == "main"
    page.focus("input[aria-label='Find a workload']")
    page.keyboard.type("attention")
    page.keyboard.press("Enter")
    reader.shown("series")
    assert all("attention" in row[0] for row in reader.rows("series"))


def test_without_javascript_there_is_a_summary(browser: Any, built: Built) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(built.page.as_uri())
    cells = [int(one) for one in page.locator("#summary tbody td").all_inner_texts()]
    assert cells == list(built.counts.values())
    assert format_quantity("latency_s", None) == "-"
    assert "autodistill" in page.inner_text("main")
    context.close()
