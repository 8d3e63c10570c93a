"""Rows of runs that failed or warmed up, by a column that says so: what stands beside is not a latency of the net."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Hashable, Iterable, Sequence

import numpy as np

from hwcost._patterns import Pattern
from hwcost._types import Floats
from hwcost.exchange.column_names import words_in_order
from hwcost.exchange.identifiers import counts_repeats
from hwcost.exchange.numerals import number
from hwcost.exchange.sheet import Sheet, for_shell

FEWEST_ARCHITECTURES, MUCH_SLOWER = 5, 1.2
"""First repeats below which slow ones are chance, and how many times as long as later ones nine in ten of them take."""

_BEFORE = frozenset(("is", "was", "has", "run", "job", "result", "benchmark", "bench", "test"))
_BEHIND = frozenset(("occurred", "message", "msg", "text", "reason", "type"))
"""Words that may stand before and behind the one that says what a column holds."""

_STATES = frozenset(("status", "state", "outcome", "result"))
_SUCCESSES = frozenset(("success", "succeeded", "successful", "ok", "valid", "passed"))
_FAILURES = frozenset(("error", "err", "errors", "exception", "failed", "failure", "crashed", "oom", "skipped"))
_TIMEOUTS = frozenset(("timeout", "timed out"))
_CODES = frozenset(("returncode", "return code", "exitcode", "exit code", "exit codes", "exit status"))
_WARM = frozenset(("warmup", "warm up"))
_PHASES = frozenset(("phase", "stage"))

_FAILED = Pattern(
    r"(?:fail(?:ed|ure)?|error|time[ _-]?out|timed[ _-]?out|crash(?:ed)?|abort(?:ed)?|killed|invalid|cancell?ed|skipped"
    r"|unsupported)(?:[^a-z].*)?|(?:.*[^a-z])?(?:oom|out[ _-]of[ _-]memory)",
    re.IGNORECASE,
)
_WARMING = Pattern(r"warm[ _-]?(?:up|ing)", re.IGNORECASE)
_YES, _NO = frozenset(("true", "yes", "1")), frozenset(("false", "no", "0"))
_NOTHING = _NO | {"", "none", "null", "nan", "n/a", "na", "-", "ok", "success", "[]", "{}"}


def refuse_failed_runs(sheet: Sheet, wanted: Collection[str] = ()) -> None:
    """Refuses a table in which a column says that some runs failed, or were there to warm up, and others did not.

    Args:
        sheet: The table.
        wanted: Columns that the user named, which are not looked at.

    Raises:
        DataError: When there are such rows; names all of them.
    """
    for name, texts in sheet.columns.items():
        is_fault = None if name in wanted else _fault(name, texts)
        rows = [] if is_fault is None else [row for row, text in enumerate(texts) if is_fault(text)]
        if not rows or len(rows) == len(texts):
            continue
        is_warming = _said(name) in _WARM | _PHASES
        what = "a first run is slower than others" if is_warming else "a run that failed has no latency"
        many = f" ({len(rows)} of {len(sheet)} rows: {sheet.at(rows)})" if len(rows) > 1 else ""
        advice = (
            f"Delete {'the line' if len(rows) == 1 else 'these lines'}; --drop {for_shell(name)} takes "
            f"{'it' if len(rows) == 1 else 'them'} as measured."
        )
        raise sheet.error(rows[0], name, f"it says '{texts[rows[0]][:60]}', and {what}{many}", advice)


def refuse_first_repeats(
    sheet: Sheet, architectures: Sequence[Hashable], latency: Floats, wanted: Collection[str] = ()
) -> None:
    """Refuses a table whose first repeats are far slower than the later ones of the same architectures: they warmed up.

    Args:
        sheet: The table.
        architectures: Architecture of every row.
        latency: Latencies in any unit, shape (n,).
        wanted: Columns that the user named, which are not looked at.

    Raises:
        DataError: When a column counts the repeats, and nearly every first one is so slow.
    """
    for name, texts in sheet.columns.items():
        if name in wanted or not counts_repeats(name, texts):
            continue
        known = {text: number(text) for text in set(texts)}
        first = min(value for value in known.values() if value is not None)
        rows = [row for row, text in enumerate(texts) if known[text] == first]
        later: dict[Hashable, list[float]] = {}
        for arch, text, value in zip(architectures, texts, latency.tolist(), strict=True):
            if known[text] != first:
                later.setdefault(arch, []).append(value)
        ratios = [latency[row] / np.median(later[architectures[row]]) for row in rows if architectures[row] in later]
        if len(ratios) >= FEWEST_ARCHITECTURES and float(np.quantile(ratios, 0.1)) >= MUCH_SLOWER:
            what = f"rows with '{texts[rows[0]]}' there take {np.median(ratios):.2g} times as long as later ones of the same"
            advice = f"Delete these lines if they warmed up; --drop {for_shell(name)} takes them as measured."
            raise sheet.error(rows[0], name, f"{what} architecture ({sheet.at(rows)})", advice)


def _fault(name: str, texts: Collection[str]) -> Callable[[str], bool] | None:
    """Returns what tells whether a cell of a column says a failure; None where the column says nothing of that kind."""
    what, values = _said(name), {text.lower() for text in set(texts)}
    if what in _STATES:
        return lambda text: _FAILED.fullmatch(text) is not None
    if what in _PHASES:
        return lambda text: _WARMING.fullmatch(text) is not None
    if what in _CODES and all(number(text) is not None for text in texts):
        return lambda text: number(text) != 0
    if what in _SUCCESSES:
        return lambda text: text.lower() in _NO if values <= _YES | _NO else _FAILED.fullmatch(text) is not None
    if what in _WARM and values <= (_YES | _NO if words_in_order(name)[0] == "is" else {"true", "false", "yes", "no"}):
        return lambda text: text.lower() in _YES
    if what in _TIMEOUTS and values <= _YES | _NO:
        return lambda text: text.lower() in _YES
    if what in _FAILURES and _are_messages(values):
        return lambda text: text.lower() not in _NOTHING
    return None


def _said(name: str) -> str:
    """Returns the words of a name without those that may stand around them: ``error`` of ``error_occurred``."""
    words = words_in_order(name)
    while words and words[0] in _BEFORE and len(words) > 1:
        words = words[1:]
    while words and words[-1] in _BEHIND and len(words) > 1:
        words = words[:-1]
    return " ".join(words)


def _are_messages(values: Iterable[str]) -> bool:
    """Whether values, in small letters, are truth values or texts: an error may also be a number, that of a measurement."""
    return all(value in _YES | _NO or number(value) is None or value == "nan" for value in values)
