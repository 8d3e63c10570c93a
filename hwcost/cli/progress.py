"""How far long work is: a bar on a terminal, a line at every tenth elsewhere."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple, TypeVar

from hwcost.cli import console

State = TypeVar("State")


class Told(NamedTuple):
    """What is shown of a state.

    Attributes:
        done: How much is finished.
        total: Of how much; None when that is not known.
        text: Beside the bar.
        line: Where there is no bar.
        part: Of the work; the first state of each has a line of its own. None where there are no parts.
    """

    done: int
    total: int | None
    text: str
    line: str
    part: str | None = None


@contextmanager
def progress(tell: Callable[[State], Told]) -> Iterator[Callable[[State], None]]:
    """Yields a callback that takes states and shows them; the bar is gone when the work is done.

    Args:
        tell: Says what is shown of a state.
    """
    if not console.is_live():
        yield _lines(tell)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    what = TextColumn("{task.description}", table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), what)
    with Progress(*columns, console=console.stderr(), transient=True, expand=True) as bar:
        task = bar.add_task("starting", total=None)

        def update(state: State) -> None:
            told = tell(state)
            bar.update(task, completed=told.done, total=told.total, description=told.text)

        yield update


def _lines(tell: Callable[[State], Told]) -> Callable[[State], None]:
    shown: tuple[str | None, int] = "", -1

    def update(state: State) -> None:
        nonlocal shown
        told = tell(state)
        tenth = 10 * told.done // told.total if told.total else 0
        if told.part != shown[0] or (told.part is None and tenth > shown[1]):
            shown = told.part, tenth
            console.note(told.line)

    return update
