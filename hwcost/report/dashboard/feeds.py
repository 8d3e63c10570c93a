"""What other programs read: an Atom feed and a JSON document of what needs a look, and the latest values as OpenMetrics."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

import numpy as np

from hwcost.exchange.benchmarks.openmetrics import text
from hwcost.report.dashboard.files import slug
from hwcost.report.dashboard.history import History
from hwcost.report.dashboard.verdicts import alarms, counts, moved
from hwcost.report.verdict_table import with_owner
from hwcost.stores.estimate_table import instant

ATOM = "http://www.w3.org/2005/Atom"
END = "# EOF\n"
EPOCH = "1970-01-01T00:00:00+00:00"

_INNER = ("key", "name", "spark")
_NOT_XML = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


def document(history: History) -> dict[str, Any]:
    """Returns ``regressions.json``: the counts of all verdicts, and whatever is neither ok nor insufficient.

    What all series of a device share stands under ``devices``, and no series has that verdict.
    """
    found = [
        {
            name: value
            for name, value in {**alarm, "workload": alarm["name"], "series": alarm["key"]}.items()
            if name not in _INNER
        }
        for alarm in alarms(history)
    ]
    return {
        "schema_version": 1,
        "data_until": None if history.latest_s is None else instant(history.latest_s),
        "counts": counts(one.verdict for one in history.judgements),
        "verdicts": found,
        "devices": moved(history),
    }


def atom(history: History) -> bytes:
    """Returns the feed: an entry for each device and series that needs a look, the same one while its change is."""
    ElementTree.register_namespace("", ATOM)
    feed = ElementTree.Element(f"{{{ATOM}}}feed")
    until = EPOCH if history.latest_s is None else instant(history.latest_s)
    _add(feed, "title", "hwcost: what needs a look")
    _add(feed, "id", "urn:hwcost:dashboard")
    _add(feed, "updated", until)
    _add(_add(feed, "author"), "name", "hwcost")
    _add(feed, "link", href="index.html")
    found = document(history)
    for one in found["devices"]:
        what = f"all {one['n']} series of {one['quantity']} on {one['device']} with {one['backend']}"
        _entry(feed, one, (what, slug(one["key"]), "index.html"), until)
    for one in found["verdicts"]:
        key = one["series"]
        _entry(feed, one, (f"{one['workload']} on {one['device']}", key, f"index.html#/series?s={key}"), until)
    made: bytes = ElementTree.tostring(feed, encoding="utf-8", xml_declaration=True)
    return made + b"\n"


def _entry(feed: ElementTree.Element, one: dict[str, Any], about: tuple[str, str, str], until: str) -> None:
    """Adds an entry.

    Args:
        feed: The feed.
        one: The verdict.
        about: Name of what it is about, key of that, and address of its page.
        until: Instant of the latest estimate.
    """
    what, key, page = about
    nights = one.get("first_bad") or [{}, {}]
    since = nights[-1]
    entry = _add(feed, "entry")
    change = f" {100 * (one['ratio'] - 1):+.1f} %" if one.get("ratio") else ""
    _add(entry, "title", f"{one['verdict']}{change}: {what}")
    _add(entry, "id", f"urn:hwcost:{key}:{one['verdict']}:{slug(str(since.get('run', until)))}")
    _add(entry, "updated", since.get("at") or until)
    _add(entry, "link", href=page)
    if one.get("owner"):
        _add(entry, "category", term=one["owner"])
    _add(entry, "summary", with_owner(one.get("reason") or "", one.get("owner")))


def _add(parent: ElementTree.Element, name: str, content: str = "", **attributes: str) -> ElementTree.Element:
    found = ElementTree.SubElement(parent, f"{{{ATOM}}}{name}", attributes)
    found.text = _NOT_XML.sub("\ufffd", content) or None
    return found


def metrics(history: History) -> str:
    """Returns the latest value of every series as OpenMetrics text; a series whose last night has none is absent."""
    last = np.array([rows[-1] for rows in history.rows if len(rows)], dtype=np.intp)
    latest = history.table.take(last[history.is_good[last]]).estimates()
    verdicts = counts(one.verdict for one in history.judgements)
    of_devices = counts(one.verdict for one in history.of_devices)
    lines = [*_gauge("hwcost_verdicts", verdicts), *_gauge("hwcost_device_verdicts", of_devices)]
    return text(history.series, latest).removesuffix(END) + "\n".join([*lines, END])


def _gauge(name: str, verdicts: dict[str, int]) -> list[str]:
    """Returns the lines of a metric of how often each verdict was given."""
    return [f"# TYPE {name} gauge", *(f'{name}{{verdict="{verdict}"}} {n}' for verdict, n in verdicts.items())]
