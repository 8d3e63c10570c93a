"""Progress of long work: a bar on a terminal; elsewhere a line at every tenth, of long parts too."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from typing import NamedTuple, TypeVar

from hwcost.cli import console

State = TypeVar("State")

PATIENCE_S = 2.0
"""Seconds that most work on rows is over within, and before which nothing is shown of it."""

LONG_PART_S = 30.0
"""Seconds after the last line from which a part of the work has a further one at its next tenth."""


class ProgressText(NamedTuple):
    """What is shown of a state.

    Attributes:
        done: Amount of work that is finished.
        total: Amount of all work; None where it is not known.
        text: Text beside the bar.
        line: Line that is printed in place of a bar.
        part: Name of the part of the work; the first state of each part has a line of its own, and a part that takes long
            has further ones. None for work without parts.
        step: Step of the work that the line tells; a line of the same step as the one above it is not printed. None to print
            every line.
    """

    done: int
    total: int | None
    text: str
    line: str
    part: str | None = None
    step: tuple[object, ...] | None = None


@contextmanager
def progress(describe: Callable[[State], ProgressText]) -> Iterator[Callable[[State], None]]:
    """Yields a callback that takes states and shows them; the bar is gone when the work is done.

    Args:
        describe: Function that says what is shown of a state.
    """
    if not console.is_live():
        yield _lines(describe)
        return
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
    from rich.table import Column

    what = TextColumn("{task.description}", markup=False, table_column=Column(ratio=1, no_wrap=True, overflow="ellipsis"))
    columns = (BarColumn(bar_width=24), MofNCompleteColumn(), TimeElapsedColumn(), what)
    with Progress(*columns, console=console.stderr(), transient=True, expand=True) as bar:
        task = bar.add_task("starting", total=None)

        def update(state: State) -> None:
            shown = describe(state)
            bar.update(task, completed=shown.done, total=shown.total, description=shown.text)

        yield update


@contextmanager
def patient(
    describe: Callable[[State], ProgressText], patience_s: float = PATIENCE_S
) -> Iterator[Callable[[State], None]]:
    """Does what ``progress`` does, for work that is mostly over before anyone waits: its first seconds are not shown.

    Args:
        describe: Function that says what is shown of a state.
        patience_s: Seconds from which states are shown.
    """
    from hwcost.timing.timer import Clock

    clock, shown = Clock(), None
    start = clock.now_s()
    with ExitStack() as stack:

        def update(state: State) -> None:
            nonlocal shown
            if shown is None and clock.now_s() - start >= patience_s:
                shown = stack.enter_context(progress(describe))
            if shown is not None:
                shown(state)

        yield update


def _lines(describe: Callable[[State], ProgressText]) -> Callable[[State], None]:
    from hwcost.timing.timer import Clock

    clock = Clock()
    last: tuple[str | None, int] = "", -1
    last_s = -math.inf
    last_step: tuple[object, ...] | None = None

    def update(state: State) -> None:
        nonlocal last, last_s, last_step
        shown = describe(state)
        if shown.step is not None and shown.step == last_step:
            return
        tenth = 10 * shown.done // shown.total if shown.total else 0
        waits_s = 0.0 if shown.part is None else LONG_PART_S
        if shown.part != last[0] or (tenth > last[1] and clock.now_s() - last_s >= waits_s):
            last, last_s, last_step = (shown.part, tenth), clock.now_s(), shown.step
            console.note(shown.line)

    return update
