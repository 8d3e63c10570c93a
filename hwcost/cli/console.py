"""What every command shares: data to stdout, everything else to stderr, and the options that all verbs have.

Rich and json are imported on use, so that ``--help`` stays quick.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hwcost.errors import StoreError, UsageError

if TYPE_CHECKING:
    import logging

    from rich.console import Console

JSON_REMEDY = "--json another file, or -"
"""Advice where a document cannot be written, as the object of "Give"."""

_level = 0  # -1 quiet, 0 normal, 1 verbose; set once per command line
_unwritten: list[StoreError] = []  # errors of documents that could not be written
_told: set[str] = set()  # what was said to be left out
_handler: logging.Handler | None = None  # shows what the library logs, with -v


def _quiet(value: bool) -> bool:
    _set_level(-1 if value else None)
    return value


def _verbose(value: bool) -> bool:
    _set_level(1 if value else None)
    return value


def _document(target: str | None) -> str | None:
    """Refuses a place where no document can be written, before anything is measured, fitted or searched for it."""
    if target is not None and target != "-":
        from hwcost.files import check_writable

        check_writable(Path(target), JSON_REMEDY)
    return target


def _tell_left_out(text: str) -> None:
    """Says once that a member of another distribution is left out; with ``-v`` the log does."""
    if not is_verbose() and text not in _told:
        _told.add(text)
        note(f"left out: {text}")


def _set_level(level: int | None) -> None:
    global _level
    if level is not None:
        _level = level
        _show_log(level > 0)


def _show_log(is_shown: bool) -> None:
    """Shows on stderr what the library logs, or stops showing it."""
    global _handler
    if _handler is None and not is_shown:
        return
    import logging

    logger = logging.getLogger("hwcost")
    if _handler is not None:
        logger.removeHandler(_handler)
        _handler = None
    if is_shown:
        _handler = logging.StreamHandler(sys.stderr)
        _handler.setFormatter(logging.Formatter("%(name)s: %(message)s"))
        logger.addHandler(_handler)
    logger.setLevel(logging.INFO if is_shown else logging.NOTSET)


Json = Annotated[
    str | None,
    typer.Option(
        "--json", metavar="FILE|-", callback=_document, help="File for one JSON document with schema_version; - for stdout."
    ),
]
Seed = Annotated[int, typer.Option("--seed", help="Seed; equal ones give equal plans, samples and splits.")]
Wait = Annotated[
    str, typer.Option("--wait", metavar="TIME", help="Longest wait for CPUs that other campaigns hold; 0s: none.")
]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show what would be done and do nothing.")]
Quiet = Annotated[bool, typer.Option("--quiet", "-q", callback=_quiet, help="Print no progress and no remarks.")]
Verbose = Annotated[
    bool, typer.Option("--verbose", "-v", callback=_verbose, help="Show the library's log, and tracebacks.")
]
StoreUrl = Annotated[
    str | None,
    typer.Option(
        "--store",
        metavar="URL",
        envvar="HWCOST_STORE",
        help="Store: a file such as runs/cpu.db, or a database URL.",
        show_default="hwcost.db in the user's data folder",
    ),
]


def is_first() -> bool:
    """Whether this process speaks: the only one, or the first of those that ``torchrun`` started."""
    return os.environ.get("RANK", "0") == "0"


def reset() -> None:
    """Forgets ``-q`` and ``-v`` of an earlier command line in this process; processes behind the first one are quiet."""
    from hwcost import _left_out

    _set_level(0 if is_first() else -1)
    _told.clear()
    _unwritten.clear()
    _left_out.LISTENERS[:] = [_tell_left_out]


def is_verbose() -> bool:
    """Whether ``-v`` was given."""
    return _level > 0


def is_quiet() -> bool:
    """Whether ``-q`` was given."""
    return _level < 0


def is_live() -> bool:
    """Whether progress bars may be drawn: stderr is a terminal, and this is not a CI run."""
    return sys.stderr.isatty() and not os.environ.get("CI") and not is_quiet()


def stdout() -> Console:
    """Returns the console for data; wide when it is a pipe, so that no column is ever cut.

    A reader that goes away, such as ``head``, ends the command as it does for everything else that is printed.
    """
    from rich.console import Console

    class Data(Console):
        def on_broken_pipe(self) -> None:
            raise BrokenPipeError

    return Data(highlight=False, width=None if sys.stdout.isatty() else 200, soft_wrap=not sys.stdout.isatty())


def drop_output() -> None:
    """Lets nothing more be written to stdout, whose reader has gone, so that leaving the process writes no error either."""
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


@contextmanager
def readers_may_leave() -> Iterator[None]:
    """Shows the result of a check, whose exit code also counts where the reader of stdout, such as ``head``, has gone."""
    try:
        yield
    except BrokenPipeError:
        drop_output()


def stderr() -> Console:
    """Returns the console for remarks and progress."""
    from rich.console import Console

    return Console(stderr=True, highlight=False, soft_wrap=True)


def note(text: str) -> None:
    """Says something about the run, on stderr, unless ``-q``."""
    if not is_quiet():
        print(text, file=sys.stderr, flush=True)


def fail(text: str, code: int) -> int:
    """Says on stderr what went wrong and returns the exit code; a wrong use is said by the first process alone."""
    if is_first() or code != UsageError.exit_code:
        print(f"hwcost: {text}", file=sys.stderr, flush=True)
    return code


def say_own(text: str) -> None:
    """Says on stderr what went wrong in this process alone, of several."""
    if not is_first():
        print(f"hwcost: process {int(os.environ['RANK']) + 1}: {text}", file=sys.stderr, flush=True)


def names(text: str) -> list[str]:
    """Reads names with commas between them, as several options take them."""
    return [name.strip() for name in text.split(",") if name.strip()]


GAP = 3
"""Characters between two columns of a table."""

FOLDED = 16
"""Least characters to which the first column of a table folds on a narrow terminal."""


def print_table(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]], footer: str = "") -> None:
    """Prints a table to stdout; the first column is text, the others are numbers and stand to the right.

    On a narrow terminal the first column folds and headings wrap, so that no number is ever cut.
    """
    from rich.box import SIMPLE_HEAD
    from rich.table import Table
    from rich.text import Text

    console = stdout()
    cells = [[str(cell) for cell in row] for row in rows]
    widths, total = _widths(columns, cells, console.width)
    console.width = max(console.width, total)
    table = Table(title=Text(title, "bold"), title_justify="left", box=SIMPLE_HEAD, pad_edge=False)
    for index, (column, width) in enumerate(zip(columns, widths, strict=True)):
        table.add_column(Text(column), justify="right" if index else "left", overflow="fold", width=width)
    for row in cells:
        table.add_row(*map(Text, row))
    console.print(table)
    if footer:
        console.print(Text(footer))


def _widths(columns: Sequence[str], cells: Sequence[Sequence[str]], available: int) -> tuple[list[int], int]:
    """Returns the width of every column and of the table: natural where that fits or where nothing does, else folded."""
    contents = [max([len(row[i]) for row in cells], default=0) for i in range(len(columns))]
    natural = [max(content, len(column)) for content, column in zip(contents, columns, strict=True)]
    gaps = GAP * len(columns)
    words = [max(map(len, column.split()), default=0) for column in columns]
    narrow = [max(content, word) for content, word in zip(contents, words, strict=True)]
    narrow[0] = available - gaps - sum(narrow[1:])
    fits = sum(natural) + gaps <= available or narrow[0] < min(natural[0], FOLDED)
    chosen = natural if fits else narrow
    return chosen, sum(chosen) + gaps


def write_json(document: dict[str, Any], target: str | None) -> bool:
    """Writes a document with ``schema_version`` first; NaN and infinity become null.

    Where the disk is full the command goes on and shows its tables, so that no result is lost; see :func:`unwritten`.

    Returns:
        Whether stdout is taken by it, so that the caller prints no tables there.

    Raises:
        UsageError: When the file cannot be written.
    """
    if target is None:
        return False
    import json

    text = json.dumps(_plain({"schema_version": 1, **document}), indent=2, allow_nan=False, ensure_ascii=False)
    if target == "-":
        print(text)
        return True
    try:
        write_file(Path(target), text + "\n", JSON_REMEDY)
    except StoreError as error:
        _unwritten.append(error)
        return False
    note(f"wrote {target}")
    return False


def unwritten() -> list[StoreError]:
    """Returns the errors of documents of this command line that could not be written."""
    return list(_unwritten)


def document_target(json: str | None, format: str) -> str | None:
    """Returns where the document of a command with ``--format`` goes: to ``--json``, or to stdout with ``--format json``.

    Raises:
        UsageError: When both options want stdout, or the document would be written twice.
    """
    if format == "json":
        if json not in (None, "-"):
            raise UsageError(f"--format json prints the document, and --json '{json}' writes it. Give one of them")
        return "-"
    if json == "-" and format != "text":
        raise UsageError(f"--json - and --format {format} both want stdout. Give --json a file, or leave one of them out")
    return json


def write_file(path: Path, text: str, remedy: str) -> None:
    """Writes a text file whole or not at all, and the folders above it.

    Args:
        path: The file.
        text: Its content.
        remedy: Advice where it cannot be written, as the object of "Give".

    Raises:
        UsageError: When the file cannot be written.
        StoreError: When the disk is full, or it fails.
    """
    from hwcost._io import write_text
    from hwcost.files import cannot_write

    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():  # a terminal or a pipe, such as /dev/stdout
            path.write_text(text, encoding="utf-8")
        else:
            write_text(path.resolve(), text)
    except OSError as error:
        raise cannot_write(f"'{path}'", error, remedy) from None


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(item) for item in value]
    if hasattr(value, "tolist"):
        return _plain(value.tolist())
    if isinstance(value, float):
        return value if value - value == 0 else None
    return value
