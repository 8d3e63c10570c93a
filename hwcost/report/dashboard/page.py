"""The page itself: what a reader without JavaScript sees is written into it."""

from __future__ import annotations

from collections.abc import Sequence
from importlib.resources import files
from typing import TYPE_CHECKING, Any

from hwcost._extras import imported
from hwcost.report.style_sheet import style_sheet
from hwcost.units import format_quantity

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

LISTED = 60
"""Rows of the summary without JavaScript."""

SCRIPT = "assets/hwcost.js"
"""The scripts of all views, in one file for one request."""

GLYPHS = {"ok": "✓", "regressed": "▲", "improved": "▼", "ambiguous": "?", "insufficient": "·", "missing": "∅"}
"""Sign of each verdict, so that none is known by its colour alone."""


def assets() -> dict[str, bytes]:
    """Returns the files of a site that do not depend on data, by their path: scripts, style, the chart library."""
    root = files("hwcost.report.dashboard").joinpath("assets")
    found = {f"assets/{name}": content for name, content in _walk(root, "") if not name.endswith(".j2")}
    scripts = [found.pop(name) for name in sorted(found) if name.startswith("assets/js/")]
    return {**found, SCRIPT: b"".join(scripts), "assets/look.css": style_sheet().encode()}


def _walk(folder: Traversable, prefix: str) -> list[tuple[str, bytes]]:
    found: list[tuple[str, bytes]] = []
    for one in sorted(folder.iterdir(), key=lambda one: one.name):
        name = f"{prefix}{one.name}"
        found += _walk(one, f"{name}/") if one.is_dir() else [(name, one.read_bytes())]
    return found


def page(index: dict[str, Any], alarms: Sequence[dict[str, Any]]) -> str:
    """Returns ``index.html``.

    Args:
        index: Document of the overview, see :func:`hwcost.report.dashboard.overview.index`.
        alarms: Verdicts that need a look, see :func:`hwcost.report.dashboard.verdicts.alarms`.

    Raises:
        MissingExtraError: When Jinja2 is not installed.
    """
    jinja2 = imported("jinja2", "report")
    source = files("hwcost.report.dashboard").joinpath("assets/index.html.j2").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    listed = [_row(alarm) for alarm in alarms[:LISTED]]
    left = len(alarms) - len(listed)
    text: str = template.render(index=index, alarms=listed, glyphs=GLYPHS, script=SCRIPT, left=left)
    return text


def _row(alarm: dict[str, Any]) -> dict[str, str]:
    before, after = (format_quantity(alarm["quantity"], (alarm.get(side) or [None])[0]) for side in ("before", "after"))
    change = f"{100 * (alarm['ratio'] - 1):+.1f} %" if alarm.get("ratio") else "-"
    return {
        "verdict": alarm["verdict"],
        "workload": alarm["name"],
        "device": f"{alarm['device']} / {alarm['backend']}",
        "before": before,
        "after": after,
        "change": change,
        "reason": alarm.get("reason", ""),
    }
