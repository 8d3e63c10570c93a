"""``hwcost audit``: whether latencies can be trusted, one's own or someone else's."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, tables
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.auditing.report import AuditReport

LIMITS = ("mild", "drifting", "invalid")
"""Verdicts that ``--fail-on`` takes."""

LONGEST = 12
"""Stretches that are listed before the list is cut; --json has them all."""


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("audit")(audit)


def audit(
    context: typer.Context,
    sources: Annotated[
        list[str],
        typer.Argument(metavar="TABLE|STORE...", help="Tables of latencies in the order measured, or a store."),
    ],
    space: tables.Space = None,
    categorical: tables.Categorical = "",
    increasing: tables.Increasing = "",
    run_column: tables.RunColumn = None,
    latency: tables.Latency = None,
    unit: tables.Unit = None,
    keep: tables.Keep = "",
    drop: tables.Drop = "",
    id: tables.Id = None,
    campaign: tables.Audited = None,
    plot: Annotated[
        Path | None,
        typer.Option("--plot", metavar="FILE.png|svg", help="Figure of residuals and level in the order measured."),
    ] = None,
    fail_on: Annotated[
        str | None,
        typer.Option("--fail-on", metavar="VERDICT", help="Verdict from which the exit code is 1: mild, drifting, invalid."),
    ] = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Say whether latencies can be trusted: did the machine move, does the architecture matter, are there duplicates?

    The verdict is clean, mild, drifting or invalid. Several tables are also compared with each other.
    """
    from hwcost.auditing.report import is_at_least
    from hwcost.auditing.source import audit as audit_source

    if fail_on is not None and fail_on not in LIMITS:
        raise UsageError(f"unknown verdict '{fail_on}' for --fail-on. Known: {', '.join(LIMITS)}")
    if plot is not None and len(sources) > 1:
        raise UsageError(f"--plot draws one source, but {len(sources)} were given. Audit them one by one.")
    if plot is not None:
        from hwcost.report.figures import check_can_draw

        check_can_draw(plot)
    options = tables.options(context)
    reports = [
        audit_source(source, space, table=options, others=[*sources[:i], *sources[i + 1 :]], campaign_id=campaign)
        for i, source in enumerate(sources)
    ]
    for report in reports:
        tables.say(report.remarks, report.source if len(reports) > 1 else "")
    if plot is not None:
        _draw(reports[0], plot)
    with console.readers_may_leave():
        if not console.write_json(as_document(reports), json):
            for report in reports:
                _show(report)
    return int(fail_on is not None and any(is_at_least(report.verdict, fail_on) for report in reports))


def as_document(reports: list[AuditReport]) -> dict[str, Any]:
    """Returns one report as it is; several as the worst verdict, all flags, and one document per source."""
    from hwcost.auditing.report import VERDICTS

    if len(reports) == 1:
        return reports[0].to_dict()
    return {
        "verdict": max((report.verdict for report in reports), key=VERDICTS.index),
        "flags": sorted({code for report in reports for code in report.codes}),
        "sources": [report.to_dict() for report in reports],
    }


def _show(report: AuditReport) -> None:
    rows: list[list[object]] = [
        [f"{report.unit}s", len(report.residuals)],
        ["level range", f"{100 * report.level_range:.1f} %"],
        ["von Neumann ratio", f"{report.von_neumann:.3f} (noise: {report.critical:.3f} or more)"],
        ["  level taken out", f"{report.von_neumann_after:.3f}"],
        ["Kendall tau of prediction", _or_dash(report.signal_tau, "{:.3f}")],
        ["von Neumann ratio of size", _or_dash(report.size_order, "{:.2f}")],
        ["repeats (copies)", f"{report.duplicates} ({report.copies})"],
        ["repeats differ by", _or_dash(report.repeatability, "{:.2%}")],
        ["outliers", report.outliers],
    ]
    title = f"{report.source}: {report.verdict}" + (f" ({', '.join(report.codes)})" if report.codes else "")
    console.print_table(title, ["found", ""], rows)
    if len(report.segments) > 1:
        _show_segments(report)
    print(report.explanation)
    for flag in report.flags:
        console.note(str(flag))


def _show_segments(report: AuditReport) -> None:
    rows = [[f"{one.first} - {one.last}", f"{100 * (one.level - 1):+.1f} %"] for one in report.segments[:LONGEST]]
    more = len(report.segments) - LONGEST
    console.print_table("Level of the machine", [f"{report.unit}s", "level"], rows, f"{more} more" if more > 0 else "")


def _or_dash(value: float | None, style: str) -> str:
    return "-" if value is None else style.format(value)


def _draw(report: AuditReport, path: Path) -> None:
    from hwcost.report import figures
    from hwcost.report.audit_figure import residual_order

    figure, ax = figures.new_figure(8.0, 4.0)
    residual_order(ax, report, f"{Path(report.source).name}: {report.verdict}")
    console.note("wrote " + ", ".join(str(one) for one in figures.save(figure, path)))
