"""The verdicts of a night as rows of a table, and as a comment in GitHub's Markdown."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence

from hwcost.history.check import Check
from hwcost.history.judgement import DeviceJudgement, Judgement
from hwcost.units import format_quantity

__all__ = ["COLUMNS", "github", "markdown_table", "reasons", "rows", "too_short", "vague"]

COLUMNS = ("workload", "device", "backend", "verdict", "before", "after", "change", "95 %", "since", "confirmed")
"""Headings of the table."""

MOST = 50
"""Rows of a comment; GitHub takes 65,536 characters."""

NAMED = 3
"""Workloads of one reason that are named; further ones are counted."""

MARKS = {"regressed": "🔴", "missing": "⚫", "ambiguous": "🟡", "improved": "🟢", "insufficient": "⚪", "ok": "✅"}
"""Marks before the words of verdicts, for eyes that skim."""

QUIET = frozenset({"ok", "insufficient"})
"""Verdicts on which nobody need act; their series are counted, and listed only when asked for."""

_ACTIVE = re.compile(r"[\\`*_\[\]#|~]")
_MENTION = re.compile(r"(?<!\w)@(?=\w)")
_BREAK = "\u200b"
"""A space without width: behind an @ it mentions nobody."""


def rows(check: Check, everything: bool = False) -> list[list[str]]:
    """Returns the rows of the table: what shares a change, then series by verdict.

    Args:
        check: The verdicts.
        everything: Whether what is ok or insufficient has a row too.
    """
    shared = [_device_row(one) for one in check.changed_devices]
    return shared + [_row(check, one) for one in check.judgements if everything or one.verdict not in QUIET]


def reasons(check: Check, everything: bool = False) -> list[tuple[str, str]]:
    """Returns names with the reasons of their verdicts: of sets that were not measured at all, of devices, then of series.

    Series of one reason, such as those of a machine that measured nothing, have one line.

    Args:
        check: The verdicts.
        everything: Whether series whose history is too short are among them.
    """
    found = [(f"set '{one.set}' on {one.device} with {one.backend}", one.reason) for one in check.unmade]
    found += [(f"{one.device} with {one.backend}", one.reason) for one in check.changed_devices]
    silent = {"ok"} if everything else QUIET
    shown = [one for one in check.judgements if one.verdict not in silent]
    of_series: dict[str, dict[str, None]] = {}
    for one in shown:
        of_series.setdefault(with_owner(one.reason, one.owner), {})[check.series[one.series_key].name] = None
    return found + [(_several(list(names)), text) for text, names in of_series.items()]


def _several(names: list[str]) -> str:
    """Returns names with commas between them, of many the first ones."""
    left = len(names) - NAMED
    return ", ".join(names[:NAMED]) + (f" and {left} {'other' if left == 1 else 'others'}" if left > 0 else "")


def with_owner(reason: str, owner: str | None) -> str:
    """Returns the reason of a verdict, and who is asked about the series where a policy names somebody."""
    return " ".join(filter(None, (reason, f"Owner: {owner}." if owner else "")))


def too_short(check: Check) -> str:
    """Returns a sentence on the series of too few nights; an empty text where there are none."""
    count = check.counts["insufficient"]
    have = "series has" if count == 1 else "series have"
    return f"{count} {have} too few nights to be judged." if count else ""


def vague(check: Check) -> str:
    """Returns a sentence on the values that are unconfirmed; an empty text where all are confirmed."""
    unconfirmed, count = check.unconfirmed
    if not unconfirmed:
        return ""
    return f"{unconfirmed} of the {count} values looked at are unconfirmed, and count less."


def github(check: Check) -> str:
    """Returns a comment in GitHub's Markdown; text of others is shown as it is and does nothing."""
    found = rows(check)
    lines = [f"### {MARKS[worst(check)]} {escaped(check.headline)}", ""]
    if found:
        lines += [markdown_table(COLUMNS, found[:MOST]), ""]
    if len(found) > MOST:
        lines += [f"{len(found) - MOST} further rows: `hwcost check`.", ""]
    if too_short(check):
        lines += [too_short(check), ""]
    if vague(check):
        lines += [vague(check), ""]
    texts = reasons(check)
    if texts:
        lines += ["<details><summary>Reasons</summary>", ""]
        lines += [f"- {escaped(name)}: {escaped(text)}" for name, text in texts[:MOST]]
        lines += ["", "</details>", ""]
    commit = "" if check.run.code is None or check.run.code.commit is None else f" of commit {check.run.code.commit[:10]}"
    lines.append(f"Run {escaped(check.run.run_id)}{commit}, compared with {len(check.runs) - 1} earlier runs.")
    return "\n".join(lines) + "\n"


def worst(check: Check) -> str:
    """Returns the first verdict, in the order of their weight, that anything got; a set without a history is missing."""
    found = {one.verdict for one in check.judgements} | {one.verdict for one in check.changed_devices}
    found |= {"missing"} if check.unmade else set()
    return next((verdict for verdict in MARKS if verdict in found), "ok")


def markdown_table(columns: Sequence[str], body: Sequence[Sequence[str]]) -> str:
    """Returns a table in GitHub's Markdown; the first column is text, the others stand to the right."""
    lines = [list(columns), ["---", *("---:" for _ in columns[1:])], *([escaped(cell) for cell in row] for row in body)]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def escaped(text: str) -> str:
    """Returns text that Markdown and HTML show as it is, in one line, and that mentions nobody."""
    plain = _MENTION.sub(f"@{_BREAK}", " ".join(text.split()))
    return "".join(_ACTIVE.sub(lambda found: f"&#{ord(found[0])};", html.escape(one, quote=False)) for one in plain)


def _row(check: Check, one: Judgement) -> list[str]:
    series = check.series[one.series_key]
    before, after = (
        "-" if side is None else format_quantity(series.quantity, side[0]) for side in (one.before, one.after)
    )
    return [series.name, series.device, series.backend, one.verdict, before, after, *_shared(one)]


def _device_row(one: DeviceJudgement) -> list[str]:
    verdict = one.verdict if one.cause in ("code", None) else f"{one.verdict} ({one.cause})"
    return [f"all {one.n_series} series", one.device, one.backend, verdict, "-", "-", *_shared(one)]


def _shared(one: Judgement | DeviceJudgement) -> list[str]:
    """Returns the cells that both kinds of rows have."""
    change = "-" if one.ratio is None else f"{100 * (one.ratio - 1):+.1f} %"
    known = one.low is not None and one.high is not None
    interval = f"[{100 * ((one.low or 1) - 1):+.1f}, {100 * ((one.high or 1) - 1):+.1f}]" if known else "-"
    return [change, interval, _since(one), _confirmed(one)]


def _since(one: Judgement | DeviceJudgement) -> str:
    between = one.first_bad
    if between is None:
        return "-"
    if between.good_commit and between.bad_commit:
        return f"{between.good_commit[:7]}..{between.bad_commit[:7]}"
    return between.first_bad[:13]


def _confirmed(one: Judgement | DeviceJudgement) -> str:
    if one.first_bad is None:
        return "-"
    return "not yet" if one.confirmation is None else one.confirmation.outcome
