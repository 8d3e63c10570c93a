"""Hostile texts in every field of a store and of a study: they do nothing, and are shown as they are."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from urllib.parse import quote

import pytest

from hwcost.report.dashboard import build_site
from hwcost.report.dashboard.groups import NAMELESS
from hwcost.stores import open_store
from tests.report.browser import ALL, NARROW, WIDE, a_record, base_of
from tests.report.conftest import Opened
from tests.report.hostile_data import HOSTILE, IMAGE, hostile_series, write_hostile, write_hostile_study
from tests.report.serving import serving

pytestmark = pytest.mark.once

SERIES = hostile_series()
RUN = """() => typeof window.probe !== "undefined"
    || document.querySelector("main img, main script, main iframe, a[href^='javascript:' i], [onerror]") !== null"""
"""Whether a text ran, or became markup or an address that would run."""


@pytest.fixture(scope="module")
def hostile(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the store, the study and the site."""
    folder = tmp_path_factory.mktemp("hostile")
    with open_store(folder / "hostile.db") as store:
        write_hostile(store)
        build_site(store, folder / "site", studies=[write_hostile_study(folder)])
    return folder


@contextmanager
def address(hostile: Path, source: str) -> Iterator[str]:
    """Yields the address of the site, on the disk or served."""
    of: dict[str, Callable[[], AbstractContextManager[str]]] = {
        "disk": lambda: nullcontext(base_of(hostile / "site")),
        "served": lambda: serving(hostile / "hostile.db", studies=tuple(hostile.glob("*.jsonl"))),
    }
    with of[source]() as base:
        yield base


SLOW = pytest.mark.slow


@pytest.mark.parametrize(
    ("source", "size"),
    [
        pytest.param("disk", WIDE, id="disk-1400"), pytest.param("served", NARROW, id="served-375"),
        pytest.param("disk", NARROW, id="disk-375", marks=SLOW), pytest.param("served", WIDE, id="served-1400", marks=SLOW),
    ],
)  # fmt: skip
def test_hostile_texts_do_nothing_and_are_shown_as_they_are(
    opened: Opened, hostile: Path, source: str, size: dict[str, int]
) -> None:
    of_devices = f"#/compare?along=device&a={quote(IMAGE)}&b={quote('twin of ' + IMAGE)}"
    of_series = [f"#/series?s={one.series_key}" for one in (SERIES[0], SERIES[9], SERIES[-1])]
    others = [f"#/series?s={quote(IMAGE)}", "#/__proto__", f"#/{quote(IMAGE)}", f"#/regressions?verdict={quote(IMAGE)}"]
    shown = {}
    with address(hostile, source) as base, opened(base, viewport=size) as reader:
        for view in [*ALL, of_devices, *of_series, *others, a_record(hostile / "site")]:
            page = reader.go(view)
            shown[view] = page.evaluate("document.getElementById('main').textContent")
            assert "could not be shown" not in shown[view], view
            assert not page.evaluate(RUN), view
            assert page.evaluate("document.documentElement.scrollWidth <= document.documentElement.clientWidth"), view
        assert len(reader.rows("visits")) == 1
    for name in ("regressions", "series", "compare", "devices", "models", "front", "audit"):
        assert [text for text in HOSTILE if text.strip() and text not in shown[f"#/{name}"]] == [], name
        assert NAMELESS in shown[f"#/{name}"] or name == "front", name
    for text in HOSTILE:
        assert f"{text} accepted a change: {text}" in shown["#/regressions"], text
        assert f"measuring again ({text})" in shown["#/regressions"], text
    assert f"Space {IMAGE}, searcher {HOSTILE[1]}, seed {HOSTILE[2]}" in shown["#/front"]
    assert f"all on {IMAGE}" in shown["#/overview"]
    assert f"twin of {IMAGE}" in shown[of_devices]


def test_hostile_texts_stand_in_the_summary_without_javascript(opened: Opened, hostile: Path) -> None:
    with opened(base_of(hostile / "site"), java_script_enabled=False) as reader:
        reader.page.goto(f"{reader.base}index.html")
        assert IMAGE in reader.page.inner_text("main")
        assert reader.page.locator("main img, main script").count() == 0
