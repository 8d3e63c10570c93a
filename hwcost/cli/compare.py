"""``hwcost compare``: whether one campaign is faster than another."""

from __future__ import annotations

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.cli import console, tables
from hwcost.errors import UsageError

if TYPE_CHECKING:
    from hwcost.campaign.comparisons.arms import Arm
    from hwcost.campaign.comparisons.differences import Comparison, Difference, Ratio, Verdict

GATES: dict[str | None, Verdict] = {"slower": "SLOWER", "faster": "FASTER", "ambiguous": "AMBIGUOUS"}
ARM = "STORE, STORE#CAMPAIGN, STORE#BACKEND, STORE#DEVICE, STORE#AXIS:VALUE, or a table; with --axis, a value."
FORMATS = ("text", "json", "markdown", "github")
LESS_OTHERS = (
    "less the others': a workload's difference less the mean of all others, without what all share, be it the machine or a "
    "change; its interval is from how all differences scatter."
)


def register(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("compare")(compare)


def compare(
    context: typer.Context,
    a: Annotated[str, typer.Argument(metavar="A", help=f"Reference: {ARM}", show_default=False)],
    b: Annotated[str, typer.Argument(metavar="B", help=f"Subject of the verdicts: {ARM}", show_default=False)],
    allow_env_mismatch: Annotated[
        bool, typer.Option("--allow-env-mismatch", help="Compare although the environments differ.")
    ] = False,
    fail_on: Annotated[
        str | None, typer.Option("--fail-on", metavar="slower|faster|ambiguous", help="Verdict on which the exit code is 1.")
    ] = None,
    axis: Annotated[
        str | None, typer.Option("--axis", metavar="AXIS", help="Axis of which A and B are values, such as commit.")
    ] = None,
    store: console.StoreUrl = None,
    format: Annotated[
        str, typer.Option("--format", metavar="text|json|markdown|github", help="Form of the output.")
    ] = "text",
    space: Annotated[
        str, typer.Option("--space", help="Search space of two tables.", rich_help_panel=tables.PANEL)
    ] = "table",
    categorical: tables.Categorical = "",
    latency: tables.Latency = None,
    unit: tables.Unit = None,
    keep: tables.Keep = "",
    drop: tables.Drop = "",
    id: tables.Id = None,
    json: console.Json = None,
    quiet: console.Quiet = False,
    verbose: console.Verbose = False,
) -> int:
    """Compare two campaigns, workload by workload: FASTER, SLOWER, SAME or AMBIGUOUS.

    The verdict is on B. FASTER and SLOWER need an interval that clears 1 %, corrected for the number of workloads; SAME
    needs one within 1 %. Campaigns from different environments are refused, naming what differs. Two tables are compared
    architecture by architecture.

    Along an axis (commit, branch, run, campaign, device, backend, precision, environment) all is compared that both sides
    have: hwcost compare --axis commit A B --store runs.db, or runs.db#branch:main,device:cpu against another such text.
    """
    if fail_on not in (None, *GATES):
        raise UsageError(f"unknown verdict '{fail_on}' for --fail-on. Known: slower, faster, ambiguous")
    if format not in FORMATS:
        raise UsageError(f"unknown format '{format}'. Known: {', '.join(FORMATS)}")
    json = console.document_target(json, format)
    from hwcost.campaign.comparisons.arms import Arm, read_arm
    from hwcost.campaign.comparisons.compare import by_axis, table_pair
    from hwcost.campaign.comparisons.compare_arms import compare_arms
    from hwcost.campaign.comparisons.table_differences import compare_tables

    a, b = _references(axis, store, a, b)
    pair = table_pair(a, b, space, tables.options(context))
    along = by_axis(a, b, allow_env_mismatch) if pair is None else None
    if along is not None:
        one, other, found, remarks = *along, None
    elif pair is None:
        one, other, remarks = read_arm(a), read_arm(b), None
        found = compare_arms(one, other, allow_env_mismatch=allow_env_mismatch)
    else:
        one, other = (Arm(table.path, None, None, None, (), {}) for table in pair)
        remarks = [f"{table.path}: {remark}" for table in pair for remark in table.remarks]
        found = compare_tables(*pair)
    with console.readers_may_leave():
        _show(one, other, found, remarks, json, format)
    return int(fail_on is not None and found.has(GATES[fail_on]))


def _references(axis: str | None, store: str | None, a: str, b: str) -> tuple[str, str]:
    """Returns both sides as texts that name their store; as they are without an axis."""
    if axis is None:
        return a, b
    from hwcost.campaign.comparisons.references import AXES
    from hwcost.stores import default_location

    if axis not in AXES:
        raise UsageError(f"unknown axis '{axis}'. Known: {', '.join(AXES)}")
    location = store or default_location()
    return f"{location}#{axis}:{a}", f"{location}#{axis}:{b}"


def _show(a: Arm, b: Arm, found: Comparison, remarks: list[str] | None, json: str | None, format: str) -> None:
    """Shows a comparison; ``remarks`` are those on two tables, and None for campaigns."""
    tables.say(remarks or ())
    for flag in found.flags:
        console.note(str(flag))
    if console.write_json({**_document(a, b, found), "remarks": remarks or []}, json):
        return
    from hwcost.units import format_seconds

    rows = [
        [one.name, format_seconds(one.a_s, 4), format_seconds(one.b_s, 4), _percent(one.ratio), _interval(one), one.verdict]
        for one in found.workloads
    ]
    overall = found.overall
    footer = f"all together: {_percent(overall.ratio)} {_interval(overall)}, {overall.verdict}" + _against(found, rows)
    title = f"B ({b.name}) against A ({a.name}): {found.count}"
    if found.only_a or found.only_b:
        footer += f"\nnot compared: {len(found.only_a)} only in A, {len(found.only_b)} only in B"
    columns = ["workload" if remarks is None else "architecture", "A", "B", "B against A", "95 %", "verdict"]
    columns += ["less the others'", "95 %"] if found.is_vague else []
    if found.differs:
        footer += "\nwhat else differs: " + "; ".join(found.differs)
    if format in ("markdown", "github"):
        from hwcost.report.verdict_table import escaped, markdown_table

        lines = [f"### {escaped(title)}", "", markdown_table(columns, rows), "", *map(escaped, footer.splitlines())]
        print("\n".join(lines))
        return
    console.print_table(title, columns, rows, footer)
    if remarks is None and (a.campaign_id is None or a.campaign_id != b.campaign_id):
        console.note("Two campaigns: what changed the machine as a whole between them counts as a difference.")


def _against(found: Comparison, rows: list[list[str]]) -> str:
    """Adds what each workload differs by beyond all others to its row where that tells more, and says what it is."""
    if not found.is_vague:
        return ""
    for row, one in zip(rows, found.against_others, strict=True):
        row += [_percent(one.ratio), _interval(one)]
    return f"\n{LESS_OTHERS}"


def _percent(ratio: float | None) -> str:
    return "-" if ratio is None else f"{100 * (ratio - 1):+.2f} %"


def _interval(one: Ratio) -> str:
    return "-" if one.low is None or one.high is None else f"[{100 * (one.low - 1):+.2f}, {100 * (one.high - 1):+.2f}]"


def _document(a: Arm, b: Arm, found: Comparison) -> dict[str, Any]:
    return {
        "a": _arm(a),
        "b": _arm(b),
        "overall": _difference(found.overall),
        "workloads": [_difference(one) for one in found.workloads],
        "only_a": found.only_a,
        "only_b": found.only_b,
        "level_half_width": found.level_half_width,
        "count": found.count,
        "differs": found.differs,
        "against_others": list(map(_ratio, found.against_others)),
        "flags": list(map(asdict, found.flags)),
    }


def _arm(arm: Arm) -> dict[str, Any]:
    return {"name": arm.name, "campaign_id": arm.campaign_id, "backend": arm.backend, "device": arm.device}


def _ratio(one: Ratio) -> dict[str, Any]:
    return {
        "name": one.name, "ratio": one.ratio, "low": one.low, "high": one.high, "log_ratio": one.log_ratio,
        "half_width": one.half_width,
    }  # fmt: skip


def _difference(one: Difference) -> dict[str, Any]:
    return {**_ratio(one), "a_s": one.a_s, "b_s": one.b_s, "p": one.p, "verdict": one.verdict}
