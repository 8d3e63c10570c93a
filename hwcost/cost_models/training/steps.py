"""What a fit is at, for whoever wants to show it: a fit that chooses among models takes seconds, and each has its folds."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import NamedTuple

__all__ = ["Step", "following", "tell"]


class Step(NamedTuple):
    """A step of a fit.

    Attributes:
        model: Name of the model whose folds are fitted.
        done: Folds that are finished.
        total: All of them.
    """

    model: str
    done: int
    total: int


_follower: ContextVar[Callable[[Step], None] | None] = ContextVar("follower", default=None)
"""Whom the fits in this thread tell; None for nobody. Threads for folds start without one."""


@contextmanager
def following(follower: Callable[[Step], None] | None) -> Iterator[None]:
    """Tells a function every step of the fits within, in the thread that fits; None: tells nobody."""
    token = _follower.set(follower)
    try:
        yield
    finally:
        _follower.reset(token)


def tell(step: Step) -> None:
    """Tells a step to whoever follows."""
    follower = _follower.get()
    if follower is not None:
        follower(step)
