"""The dashboard in a browser: from a disk and served, by keyboard, and what it shows against Python."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.testing.nights import SimNights
from hwcost.units import format_quantity
from tests.report.browser import ALL, Reader, base_of, key_of, views
from tests.report.conftest import Opened
from tests.report.dashboard_data import NIGHTS
from tests.report.serving import serving

pytestmark = pytest.mark.once


def test_every_view_works_served(opened: Opened, built: Built, folder: Path) -> None:
    with serving(folder / "nights.db", studies=(folder / "study.jsonl",)) as base, opened(base) as reader:
        for view in views(built):
            assert "could not be shown" not in reader.go(view).inner_text("main"), view
        assert len(reader.rows("visits")) == 4
        page = reader.go("#/front")
        assert len(reader.rows("front")) > 1
        page.click("#front tbody th a")
        assert reader.shown("record").is_visible("#visits")
        page = reader.go(f"#/series?s={NIGHTS.series[0].series_key}")
        page.click("#points tbody tr:nth-child(3) a")  # a night whose records no static site holds
        assert reader.shown("record").is_visible("#visits")


@pytest.mark.parametrize(
    ("view", "table", "choices"),
    [
        ("#/regressions", "alarms", {"verdict": "regressed", "device": "cpu", "name holds": "no. 4"}),
        ("#/compare?along=device", "pairs", {"A, before": "cpu", "B, after": "t4", "family": "autodistill models"}),
        pytest.param(
            "#/series", "series", {"device": "cpu", "family": "supershaper models", "verdict": "ok"}, marks=pytest.mark.slow
        ),
    ],
)
def test_what_is_chosen_stands_in_the_address_and_back_takes_it_away(
    opened: Opened, reader: Reader, view: str, table: str, choices: dict[str, str]
) -> None:
    page = reader.open(view)
    states = [reader.rows(table)]
    for label, value in choices.items():
        reader.choose(label, value)
        states.append(reader.rows(table))
        assert states[-1] != states[-2], label
    assert states[-1]
    with opened(reader.base) as other:
        other.page.goto(page.url)
        other.shown()
        assert other.rows(table) == states[-1]
        assert {label: other.page.input_value(other.field(label)) for label in choices} == choices
    for state in reversed(states[:-1]):
        reader.change(page.go_back)
        assert reader.rows(table) == state


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


@pytest.mark.parametrize(
    "write",
    [
        pytest.param(lambda store: None, id="empty"), pytest.param(write_one, id="one", marks=pytest.mark.slow),
        pytest.param(write_failed, id="failed"),
    ],
)  # fmt: skip
def test_little_or_nothing_is_shown_too(opened: Opened, tmp_path: Path, write: Callable[[Store], None]) -> None:
    with open_store(tmp_path / "few.db") as store:
        write(store)
        made = build_site(store, tmp_path / "site")
    with opened(base_of(made.page.parent)) as reader:
        for view in ALL:
            assert "could not be shown" not in reader.go(view).inner_text("main"), view


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


CONTROLS = """() => [...document.querySelectorAll("a[href], button, select, input, summary, [tabindex='0']")]
    .filter((one) => one.checkVisibility())"""
FOCUSED = f"""() => {{ const one = document.activeElement, style = getComputedStyle(one);
    return [({CONTROLS})().indexOf(one), style.outlineStyle !== "none" && parseFloat(style.outlineWidth) > 0]; }}"""


@pytest.mark.parametrize("view", ["#/overview", "#/regressions", "#/compare?along=device"])
def test_tab_goes_through_every_control_in_order_and_shows_where_it_is(reader: Reader, view: str) -> None:
    page = reader.open(view)
    wanted = page.evaluate(f"({CONTROLS})().length")
    seen: list[int] = []
    while len(seen) < wanted:
        page.keyboard.press("Tab")
        place, is_shown = page.evaluate(FOCUSED)
        assert is_shown, page.evaluate("document.activeElement.outerHTML")
        if not seen or place != seen[-1]:  # a date has several fields
            seen.append(place)
    assert seen == list(range(wanted))


def test_without_javascript_there_is_a_summary(opened: Opened, built: Built) -> None:
    with opened(base_of(built.page.parent), java_script_enabled=False) as reader:
        page = reader.page
        page.goto(built.page.as_uri())
        cells = [int(one) for one in page.locator("#summary tbody td").all_inner_texts()]
        assert cells == list(built.counts.values())
        assert format_quantity("latency_s", None) == "-"
        text = page.inner_text("main")
        assert "autodistill" in text
        assert f"{built.counts['regressed']} of 24 series regressed, 1 is missing" in text
        assert "The cost model hybrid supershaper no longer holds on cpu" in text
