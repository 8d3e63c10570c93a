"""Every view of the dashboard at both widths and in both schemes: nothing overlaps or is cut, and axe finds nothing serious.

Pictures of all of them are kept in the folder that ``HWCOST_ARTEFACTS`` names, for people to look at.
"""

from __future__ import annotations

import json
import os
from contextlib import ExitStack
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import pytest

from hwcost.report.dashboard import Built, build_site
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.testing.nights import SimNights
from tests.report.browser import ALL, NARROW, WIDE, Reader, a_record, base_of, views
from tests.report.conftest import Opened
from tests.report.dashboard_data import write_nights
from tests.report.hostile_data import hostile_series, write_hostile, write_hostile_study
from tests.report.serving import serving

pytestmark = pytest.mark.once

SIZES = pytest.mark.parametrize("size", [NARROW, WIDE], ids=lambda size: str(size["width"]))
SCHEMES = pytest.mark.parametrize("scheme", ["light", "dark"])


def look(reader: Reader, wanted: list[str], pictures: Path | None, *, axe: bool) -> dict[str, list[str]]:
    """Draws views, and returns what is not whole in each, and what axe finds; empty where nothing is wrong."""
    wrong = {}
    for view in wanted:
        page = reader.go(view)
        if pictures is not None:
            page.screenshot(path=str(pictures / f"{name_of(view)}.png"), full_page=True)
        found = reader.faults() + (reader.illegible() if axe else [])
        if "could not be shown" in page.inner_text("main"):
            found.append(page.inner_text("main"))
        if found:
            wrong[view] = found
    return wrong


def name_of(view: str) -> str:
    """Returns the name of a picture: that of the page, and what tells the view from others of its page."""
    page, _, query = view.lstrip("#/").partition("?")
    given = dict(parse_qsl(query))
    return f"{page}-{given.get('along', 'one')}" if given and page != "record" else page


def pictures(*parts: object) -> Path | None:
    """Returns the folder of the pictures of a site, made; None where nobody asks for any."""
    if "HWCOST_ARTEFACTS" not in os.environ:
        return None
    folder = Path(os.environ["HWCOST_ARTEFACTS"]) / "dashboard" / "-".join(map(str, parts))
    folder.mkdir(parents=True, exist_ok=True)
    return folder


SLOW = pytest.mark.slow
SETTINGS = [
    pytest.param(NARROW, "light", True, id="375-light"), pytest.param(WIDE, "dark", True, id="1400-dark"),
    pytest.param(NARROW, "dark", False, id="375-dark"), pytest.param(WIDE, "light", False, id="1400-light"),
    pytest.param(NARROW, "dark", True, id="375-dark-legible", marks=SLOW),
    pytest.param(WIDE, "light", True, id="1400-light-legible", marks=SLOW),
]  # fmt: skip
"""Sizes and schemes, and whether axe looks too, which takes as long as everything else."""


@pytest.mark.parametrize(("size", "scheme", "axe"), SETTINGS)
def test_every_view_is_whole_and_legible(
    opened: Opened, built: Built, size: dict[str, int], scheme: str, axe: bool
) -> None:
    with opened(base_of(built.page.parent), viewport=size, color_scheme=scheme) as reader:
        wrong = look(reader, views(built), pictures(size["width"], scheme), axe=axe)
    assert not wrong, json.dumps(wrong, indent=1)


def write_failed(store: Store) -> None:
    SimNights(nights=6, workloads=3, devices=("cpu",), failed=1.0).write(store)


WRITE: dict[str, Any] = {
    "nights": write_nights, "hostile": write_hostile, "empty": lambda store: None, "failed": write_failed,
}  # fmt: skip
SITES = [("nights", "served"), ("hostile", "disk"), ("hostile", "served"), ("empty", "disk"), ("failed", "served")]


@pytest.mark.slow
@SCHEMES
@SIZES
@pytest.mark.parametrize(("name", "source"), SITES)
def test_odd_and_served_sites_are_whole_and_legible(
    opened: Opened, name: str, source: str, size: dict[str, int], scheme: str, tmp_path: Path
) -> None:
    studies = (write_hostile_study(tmp_path),) if name == "hostile" else ()
    with open_store(tmp_path / "store.db") as store:
        WRITE[name](store)
        built = build_site(store, tmp_path / "site", studies=studies)
    site, wanted = built.page.parent, ALL
    if name == "hostile":
        wanted = [*ALL, f"#/series?s={hostile_series()[0].series_key}", a_record(site)]
    elif name == "nights":
        wanted = views(built)
    with ExitStack() as stack:
        is_served = source == "served"
        base = stack.enter_context(serving(tmp_path / "store.db", studies=studies)) if is_served else base_of(site)
        reader = stack.enter_context(opened(base, viewport=size, color_scheme=scheme))
        wrong = look(reader, wanted, pictures(name, source, size["width"], scheme), axe=True)
    assert not wrong, json.dumps(wrong, indent=1)
