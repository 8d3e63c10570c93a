"""Times the dashboard at the size of a year: 365 nights of 312 workloads on 4 devices, on SQLite and PostgreSQL.

Run ``python benchmarks/dashboard.py [STORE ...]``; without arguments, on a new SQLite file. It prints each figure beside its
bar. The browser's part needs Chromium and playwright; a store that holds nights already is not written again. The nights
whose records a build reads have them: the last two, and those around the change that is still an alarm; ``--no-records``
leaves them out. Garbage is collected as rarely as by the command.
"""

from __future__ import annotations

import argparse
import gc
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from hwcost.cli.main import COLLECTED_AFTER
from hwcost.report.dashboard import build_site
from hwcost.stores import open_store
from hwcost.stores.base import Store
from hwcost.testing.night_records import NightRecords
from hwcost.testing.nights import Shift, SimNights
from hwcost.timing.timer import stopwatch

YEAR = SimNights(
    nights=365,
    workloads=312,
    devices=("cpu", "k80", "t4", "xeon"),
    noise=0.01,
    level=0.004,
    correlation=0.3,
    failed=0.0005,
    shifts=(Shift(355, 1.06, "*no. 4*"), Shift(200, 0.93, "*no. 7*", "t4"), Shift(100, 1.1, "*attention*", "cpu")),
)
RECORDED = (354, 355, 363, 364)
"""Nights with the records of all their visits: 4 devices x 312 workloads x 4 visits each."""
MANY = SimNights(
    nights=36_500, workloads=1, devices=("cpu",), noise=0.01, correlation=0.3, spacing=timedelta(minutes=14.4)
)  # fmt: skip
"""One series of 36,500 points in a year."""


def main() -> None:
    """Runs the benchmark."""
    gc.set_threshold(COLLECTED_AFTER)
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("stores", nargs="*", help="Stores to use; a new SQLite file without any.")
    parser.add_argument("--no-records", action="store_true", help="Leave out the records of the nights.")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        for location in given.stores or [str(Path(folder) / "year.db")]:
            print(f"\n{location.partition('@')[2] or location}")
            year(location, Path(folder) / "site", () if given.no_records else RECORDED)
            shutil.rmtree(Path(folder) / "site")
        print("\none series of 36,500 points")
        drawn(Path(folder))


def year(location: str, site: Path, recorded: tuple[int, ...]) -> None:
    """Times writing, the first build, the next night's, and the overview; some nights have records."""
    last = YEAR.nights - 1
    with open_store(location) as store:
        if not store.runs():
            timed("write 364 nights", None, lambda: YEAR.write(store, range(last)))
            timed("write records of nights", None, lambda: written(store, recorded[:-1]))
        build = lambda: build_site(store, site)  # noqa: E731
        timed("first build", 60.0, build)
        if len(store.runs()) == last:
            timed("write records of a night", None, lambda: written(store, recorded[-1:]))
            YEAR.write(store, [last])
        built = timed("next night's build", 5.0, build)
        print(f"  {built.estimates} estimates, {store.count()} records, {built.written} files written, {built.kept} kept")
    for name, value, bar in opened(site / "index.html", ""):
        report(name, value, bar)


def written(store: Store, nights: Sequence[int]) -> None:
    """Writes the records of nights."""
    for night in nights:
        NightRecords(YEAR).write(store, night)


def drawn(folder: Path) -> None:
    """Times drawing a long series."""
    with open_store(folder / "many.db") as store:
        run, estimates = MANY.run(0), [one for night in range(MANY.nights) for one in MANY.estimates(night)]
        store.add_run(run)
        store.add_estimates(MANY.series, [replace(one, run_id=run.run_id) for one in estimates])
        build_site(store, folder / "many")
    for name, value, bar in opened(folder / "many" / "index.html", f"#/series?s={MANY.series[0].series_key}"):
        report(name, value, bar)


def opened(page: Path, fragment: str) -> Iterator[tuple[str, float, float]]:
    """Yields what a browser takes to show a page: seconds, and the bytes that it reads."""
    program = shutil.which("chromium")
    try:
        from playwright.sync_api import sync_playwright
    except ImportError:
        program = None
    if program is None:
        print("  no browser: install chromium and playwright")
        return
    with sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=program, args=["--no-sandbox"])
        tab = browser.new_page(viewport={"width": 1400, "height": 900})
        read: list[str] = []
        tab.on("request", lambda one: read.append(one.url))
        watch = stopwatch()
        tab.goto(page.as_uri() + fragment)
        tab.wait_for_selector("main[data-shown]")
        yield "shown after (s)", watch(), 1.0
        if not fragment:
            yield "first view (kB)", sum(bytes_of(url) for url in read) / 1000, 300.0
        browser.close()


def bytes_of(url: str) -> int:
    """Returns the size of a file by its address."""
    return Path(url.removeprefix("file://").partition("#")[0]).stat().st_size


def timed(name: str, bar: float | None, action: Any) -> Any:
    """Runs an action and reports how long it took."""
    watch, cpu_s = stopwatch(), time.process_time()
    result = action()
    report(f"{name} (s)", watch(), bar, f"   {time.process_time() - cpu_s:.2f} s of CPU")
    return result


def report(name: str, value: float, bar: float | None, remark: str = "") -> None:
    """Prints a figure beside its bar."""
    verdict = "" if bar is None else f"   bar {bar:g}: {'met' if value <= bar else 'MISSED'}"
    print(f"  {name:28} {value:8.2f}{verdict}{remark}")


if __name__ == "__main__":
    main()
