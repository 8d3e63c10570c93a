"""Builds a site: a folder of files that opens from a disk and from any static host."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from hwcost.report.dashboard.audits import audits
from hwcost.report.dashboard.devices import devices
from hwcost.report.dashboard.feeds import atom, document, metrics
from hwcost.report.dashboard.files import Site, as_json, script
from hwcost.report.dashboard.fronts import front
from hwcost.report.dashboard.history import History, PolicyOf, default_policy, read
from hwcost.report.dashboard.listing import listing
from hwcost.report.dashboard.models import models
from hwcost.report.dashboard.months import write_months
from hwcost.report.dashboard.nights import write_nights
from hwcost.report.dashboard.overview import index
from hwcost.report.dashboard.page import assets, page
from hwcost.report.dashboard.records import write_records
from hwcost.report.dashboard.verdicts import alarms

if TYPE_CHECKING:
    from hwcost.stores.base import Store


@dataclass(frozen=True)
class Built:
    """What a build did.

    Attributes:
        page: The page to open.
        counts: Number of series by verdict.
        written: Files that were written.
        kept: Files that were there already.
        series: Number of series.
        estimates: Number of estimates.
    """

    page: Path
    counts: dict[str, int]
    written: int
    kept: int
    series: int
    estimates: int


def build_site(
    store: Store,
    folder: str | Path,
    *,
    since: str | None = None,
    studies: Sequence[str | Path] = (),
    policy: PolicyOf = default_policy,
) -> Built:
    """Builds a site, or brings one up to date: files whose content is the same are left alone.

    Args:
        store: Store that is shown.
        folder: Folder of the site; a new one, or that of an earlier build.
        since: Instant before which nothing is shown; None for all.
        studies: Logs of studies whose fronts are shown.
        policy: Policy of the verdicts on a suite, by the name of the suite.

    Raises:
        UsageError: When the folder cannot be written or holds other files, or a study cannot be read.
        DataError: When a study's log is none.
        StoreError: When the store cannot be read.
        MissingExtraError: When Jinja2 is not installed.
    """
    site = Site(Path(folder))
    history = read(store, since=since, policy=policy, known=site.state.get("environments"))
    return write_site(site, store, history, studies)


def write_site(site: Site, store: Store, history: History, studies: Sequence[str | Path] = ()) -> Built:
    """Writes a site of what was read.

    Args:
        site: The site.
        store: Store with the records.
        history: History that was read of it.
        studies: Logs of studies whose fronts are shown.

    Raises:
        UsageError: When a file cannot be written, or a study cannot be read.
        DataError: When a study's log is none.
        StoreError: When the store cannot be read.
        MissingExtraError: When Jinja2 is not installed.
    """
    state = site.state
    site.put("data/fronts.js", script("fronts", [front(history, study) for study in studies]))
    new_state = {
        "months": write_months(site, history, state.get("months", {})),
        "nights": write_nights(site, history, state.get("nights", {})),
        "environments": history.environments,
        "records": write_records(site, store, history, state.get("records", {})),
    }
    overview = _write_pages(site, store, history)
    site.finish(new_state)
    return Built(
        site.folder / "index.html", overview["counts"], site.written, site.kept, len(history.series), len(history.table)
    )


def _write_pages(site: Site, store: Store, history: History) -> dict[str, Any]:
    """Writes what does not grow with the history, the page last; returns the document of the overview."""
    overview, found = index(history), alarms(history)
    for name, content in assets().items():
        site.put(name, content)
    documents = {
        "series": listing(history), "alarms": found, "devices": devices(history), "models": models(history),
        "audits": audits(store, history), "index": overview,
    }  # fmt: skip
    for name, value in documents.items():
        site.put(f"data/{name}.js", script(name, value))
    site.put("regressions.json", as_json(document(history)) + "\n")
    site.put("feed.xml", atom(history))
    site.put("metrics.txt", metrics(history))
    site.put("index.html", page(overview, found))
    return overview
