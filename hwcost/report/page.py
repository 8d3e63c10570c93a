"""A pipeline's report as one HTML file that needs nothing else: verdicts, figures, and every stage's numbers."""

from __future__ import annotations

import itertools
from importlib.resources import files
from pathlib import Path
from typing import Any

from hwcost._extras import check_installed, imported
from hwcost._io import write_text
from hwcost.files import cannot_write
from hwcost.report.drawings import drawings
from hwcost.report.figures import new_figure, save
from hwcost.report.style_sheet import style_sheet
from hwcost.units import DIMENSIONLESS, format_clock, format_quantity, in_words, unit_of

PAGE = "report.html"


def check_can_write() -> None:
    """Refuses a run whose page could not be written in the end.

    Raises:
        MissingExtraError: When matplotlib or Jinja2 is not installed.
    """
    for module in ("jinja2", "matplotlib"):
        check_installed(module, "report")


def write_page(report: dict[str, Any], folder: str | Path) -> Path:
    """Draws a report's figures and writes the page.

    Args:
        report: Report of a pipeline, as :meth:`hwcost.systems.Pipeline.run` returns it.
        folder: Folder for ``report.html``, and for ``figures``.

    Raises:
        MissingExtraError: When matplotlib or Jinja2 is not installed.
        UsageError: When a file cannot be written.
        StoreError: When the disk is full, or it fails.
    """
    jinja2 = imported("jinja2", "report")
    figures = []
    for one in drawings(report):
        figure, ax = new_figure(*one.size)
        one.draw(ax)
        _, svg = save(figure, Path(folder) / "figures" / one.name)
        text = svg.read_text(encoding="utf-8")
        figures.append((one.name, text[text.index("<svg") :]))  # without the file's own heading
    source = files("hwcost.report").joinpath("page.html").read_text(encoding="utf-8")
    template = jinja2.Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(source)
    seconds = {stage: format_clock(seconds) for stage, seconds in report["seconds"].items()}
    tables = list(_tables(report["stages"]))
    page = template.render(look=style_sheet(), report=report, figures=figures, tables=tables, seconds=seconds)
    path = Path(folder) / PAGE
    try:
        write_text(path, page)
    except OSError as error:
        raise cannot_write(f"'{path}'", error) from None
    return path


def _tables(stages: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Returns a table for every stage that has nets, and one more by net: its name, the columns, and the rows."""
    found = []
    for (stage, one), field in itertools.product(stages.items(), TABLES):
        rows = one.get(field)
        if isinstance(rows, dict):
            rows = [{"name": name, **row} for name, row in rows.items()]
        if not isinstance(rows, list) or not 0 < len(rows) <= LISTED:
            continue
        names = dict.fromkeys(column for row in rows for column in row)
        ends = {name: pair for name in names if names.keys() >= set(pair := _ends(name))}
        within = {end for pair in ends.values() for end in pair}
        columns = [name for name in names if name not in within and any(_cell(name, row.get(name)) for row in rows)]
        headings = [in_words(column) for column in columns]
        cells = [[_estimate(row, one, ends.get(one)) for one in columns] for row in rows]
        found.append((f"{stage}{TABLES[field]}", headings, cells))
    return found


TABLES = {"nets": "", "by_net": ", by net"}
"""Fields of a stage's result that are shown as tables, and what their headings add to the stage's name."""
LISTED = 60
"""Rows beyond which a table is left to the JSON file."""


def _ends(name: str) -> tuple[str, str]:
    """Returns the names that the ends of an estimate's interval have: measured_low_s and measured_high_s for measured_s."""
    stem, _, suffix = name.rpartition("_")
    return f"{stem}_low_{suffix}", f"{stem}_high_{suffix}"


def _estimate(row: dict[str, Any], name: str, ends: tuple[str, str] | None) -> str:
    """Returns the cell of a value, with its interval where the row has one: 9.08 ms (5.60 to 14.7)."""
    shown = _cell(name, row.get(name))
    if ends is None or None in (row.get(name), *(row.get(end) for end in ends)):
        return shown
    low, high = (_cell(name, row[end]) for end in ends)
    unit = shown[shown.rfind(GAP) :]
    if low.endswith(unit) and high.endswith(unit):
        low, high = low.removesuffix(unit), high.removesuffix(unit)
    return f"{shown} ({low} to {high})".replace(" ", GAP)


GAP = "\u00a0"
"""Space at which no line is broken."""


def _cell(name: str, value: Any) -> str:
    """Returns a value as people read it; one of a quantity has its unit, which stays in its line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and unit_of(name) != DIMENSIONLESS:
        return format_quantity(name, value).replace(" ", GAP)
    if isinstance(value, float):
        return f"{value:.5g}"
    if isinstance(value, dict):
        return ", ".join(f"{key} {_cell(key, one)}" for key, one in value.items())
    return "" if value in (None, [], ()) else str(value)
