"""Draws the picture of the dashboard that README and docs show: the overview of sixty simulated nights with known changes.

Run ``python benchmarks/dashboard_picture.py docs/images/dashboard.png`` after a change of the dashboard. It needs the extra
``report``, Chromium, and the package playwright.
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path

from hwcost.report.dashboard import build_site
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.stores.entries import Confirmation
from hwcost.testing.nights import Shift, SimNights

NIGHTS = SimNights(
    nights=60,
    workloads=48,
    devices=("cpu", "h100", "k80", "t4"),
    level=0.004,
    correlation=0.3,
    shifts=(Shift(50, 1.06, "*no. 4"), Shift(53, 1.09, "*no. 1", "t4"), Shift(48, 0.92, "*no. 8", "cpu")),
)
"""Nights after which a change of the code slowed one workload on every device and one on a GPU, and made another faster."""

ABSENT = (5, 60)
"""Series without an estimate on the latest night."""

SIZE = {"width": 1240, "height": 1000}
"""Pixels of the picture."""

COLOURS = 64
"""Colours that are kept, which makes the file half as large and changes nothing that is seen."""

PATIENCE_MS = 600_000
"""Longest wait for the browser on a busy machine."""


def main() -> None:
    """Draws the picture."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("picture", type=Path, help="PNG file that is written.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        with open_store(Path(folder) / "nights.db") as store:
            write(store)
            page = build_site(store, Path(folder) / "site").page
        photograph(page, given.picture)
    print(f"{given.picture}: {given.picture.stat().st_size / 1000:.0f} kB")


def write(store: Store) -> None:
    """Writes the nights, of which the last one lacks some estimates, and what measuring again found of one workload."""
    last = NIGHTS.nights - 1
    NIGHTS.write(store, range(last))
    store.add_run(NIGHTS.run(last))
    absent = {NIGHTS.series[index].series_key for index in ABSENT}
    store.add_estimates(NIGHTS.series, [one for one in NIGHTS.estimates(last) if one.series_key not in absent])
    for one in NIGHTS.series:
        if one.name.endswith("no. 4"):
            store.add_entry(
                Confirmation(
                    series_key=one.series_key, run_id=NIGHTS.run(50).run_id, before_run_id=NIGHTS.run(49).run_id,
                    outcome="confirmed", log_ratio=0.058, half_width=0.004, how="worktree",
                )
            )  # fmt: skip


def photograph(page: Path, picture: Path) -> None:
    """Writes a picture of the first view of a page, with few colours."""
    from PIL import Image
    from playwright.sync_api import sync_playwright

    with sync_playwright() as driver:
        program = shutil.which("chromium")
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"], timeout=PATIENCE_MS)
        tab = browser.new_page(viewport=SIZE, color_scheme="light")
        tab.set_default_timeout(PATIENCE_MS)
        tab.goto(page.as_uri())
        tab.wait_for_selector("main[data-shown]")
        tab.screenshot(path=str(picture))
        browser.close()
    with Image.open(picture) as whole:
        whole.convert("RGB").quantize(COLOURS, dither=Image.Dither.NONE).save(picture, optimize=True)


if __name__ == "__main__":
    main()
