"""A pipeline's report as one HTML file that needs nothing else: verdicts, figures, and every stage's numbers."""

from __future__ import annotations

import itertools
import re
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any, NamedTuple

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
    given = [f"{name} {_cell(name, part)}" for name, part in report["parts"].items()]
    page = template.render(
        look=style_sheet(), report=report, figures=figures, tables=list(_tables(report)), seconds=seconds, given=given,
        shape=_shape(report.get("preset", {}).get("measuring", {})),
    )  # fmt: skip
    path = Path(folder) / PAGE
    try:
        write_text(path, page)
    except OSError as error:
        raise cannot_write(f"'{path}'", error) from None
    return path


def _shape(measuring: dict[str, Any]) -> str:
    """Returns the shape of the calls that are measured, in words; an empty text where the report has none."""
    if not measuring:
        return ""
    lengths = " or ".join(map(str, measuring["seq_lens"]))
    return f"{measuring['batch_size']} x {lengths} tokens a call (sequences x length), in {measuring['dtype']}"


class Table(NamedTuple):
    """A table of the page.

    Attributes:
        name: Its heading.
        about: Sentences on it.
        columns: Headings of the columns.
        rows: Cells of the rows.
        legend: Headings of columns with what they mean.
    """

    name: str
    about: list[str]
    columns: list[str]
    rows: list[list[str]]
    legend: list[tuple[str, str]]


def _tables(report: dict[str, Any]) -> Iterator[Table]:
    """Yields a table for every stage that has nets, and further ones of :data:`TABLES`."""
    described, known = report.get("described", {}), report.get("tables", {})
    for (stage, result), field in itertools.product(report["stages"].items(), TABLES):
        rows = _rows(field, result.get(field))
        if not 0 < len(rows) <= LISTED:
            continue
        names = dict.fromkeys(column for row in rows for column in row)
        ends = {name: pair for name in names if names.keys() >= set(pair := _ends(name))}
        within = {end for pair in ends.values() for end in pair}
        columns = [name for name in names if name not in within and any(_cell(name, row.get(name)) for row in rows)]
        words = known.get(stage, {}).get(field, {})
        meanings = {name: _in_plain_words(text) for name, text in words.get("columns", {}).items()}
        about = (described.get(stage), _in_plain_words(words.get("about", "")), _task(result.get("task")))
        yield Table(
            f"{stage}{TABLES[field]}", list(filter(None, about)),
            [in_words(column) for column in columns],
            [[_estimate(row, one, ends.get(one)) for one in columns] for row in rows],
            [(in_words(column), meanings[column]) for column in columns if column in meanings],
        )  # fmt: skip


TABLES = {
    "nets": "", "by_net": ", by net", "latencies": ", latencies", "speed_up": ", speed-up",
    "mean_speed_up": ", speed-up of the mean", "by_kind": ", by kind", "differences": ", differences",
}  # fmt: skip
"""Fields of a stage's result that are shown as tables, and what their headings add to the stage's name."""
BY_LENGTH = ("latencies", "speed_up", "by_kind")
"""Those of them that have rows by name and by sequence length."""
LISTED = 60
"""Rows beyond which a table is left to the JSON file."""


def _rows(field: str, found: Any) -> list[dict[str, Any]]:
    """Returns the rows of a list, of a dictionary by name, or of one by name and length; none of anything else."""
    rows: Any = found
    if isinstance(found, dict) and field in BY_LENGTH:
        nested = {name: one for name, one in found.items() if isinstance(one, dict)}
        rows = [
            {"name": name, "tokens": length, **row} for name, one in nested.items() for length, row in one.items()
            if isinstance(row, dict)
        ]  # fmt: skip
    elif isinstance(found, dict):
        rows = [{"name": name, **row} for name, row in found.items() if isinstance(row, dict)]
    return rows if isinstance(rows, list) and all(isinstance(row, dict) for row in rows) else []


def _task(used: Any) -> str:
    """Returns which score a stage's nets have; an empty text where they have none of one task."""
    if not isinstance(used, dict) or not used.keys() >= {"task", "metric", "split"}:
        return ""
    return f"The score is {used['metric']} on {used['task']} ({used['split']})."


def _in_plain_words(text: str) -> str:
    """Returns what a docstring says, as a reader of the page sees it."""
    return re.sub(r"\bNone\b", "empty", text)


def _ends(name: str) -> tuple[str, str]:
    """Returns the names that the ends of an estimate's interval have: measured_low_s and measured_high_s for measured_s."""
    if name in ("ratio", "value", "share"):
        return "low", "high"
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


INTERVAL = {"value", "low", "high"}
"""Fields of a number with its interval that is a field itself (:class:`hwcost.systems.intervals.Interval`)."""

GAP = "\u00a0"
"""Space at which no line is broken."""


def _cell(name: str, value: Any) -> str:
    """Returns a value as people read it; one of a quantity has its unit, which stays in its line."""
    if isinstance(value, bool):
        return "yes" if value else "no"
    if isinstance(value, (int, float)) and unit_of(name) != DIMENSIONLESS:
        return format_quantity(name, value).replace(" ", GAP)
    if isinstance(value, float):
        return format_quantity(name, value).replace(" ", GAP)
    if isinstance(value, dict):
        if value.keys() == INTERVAL:
            return _estimate(value, "value", ("low", "high"))
        return ", ".join(f"{key} {_cell(key, one)}" for key, one in value.items())
    if isinstance(value, (list, tuple)):
        return ", ".join(_cell(name, one) for one in value)
    return "" if value in (None, [], ()) else str(value)
