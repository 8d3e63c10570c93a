"""Left-out errors that trainings on the same rows ask for several times, computed once.

``auto`` compares the errors of its candidates, a hybrid those of its bases, an evaluation shows models beside ``auto`` that
are among its candidates, and whoever calibrates a model asks for its errors again: the same fits of the same rows. What is
remembered is forgotten when the outermost use ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hwcost._types import Floats

__all__ = ["Memory", "recalled", "remembering"]


@dataclass
class _Known:
    """Errors, the seconds that they took, and the number of the training that asked for them last."""

    errors: Floats
    seconds: float
    training: int


@dataclass
class Memory:
    """Errors that are known, and what recalling them has saved a training after another one.

    Attributes:
        now_s: Reading of a clock in seconds, by whoever wants to know what is saved.
        known: Errors by model and rows.
        training: Number of the training that is asking.
        saved_s: Seconds that it would have needed for errors which earlier ones had computed.
    """

    now_s: Callable[[], float] = lambda: 0.0
    known: dict[Hashable, _Known] = field(default_factory=dict)
    training: int = 0
    saved_s: float = 0.0

    def next_training(self) -> None:
        """Begins another training; what it recalls from those before it counts as saved."""
        self.training, self.saved_s = self.training + 1, 0.0

    def errors(self, key: Hashable, compute: Callable[[], Floats]) -> Floats:
        """Returns errors as they are known, or else as computed; shape (n,)."""
        found = self.known.get(key)
        if found is None:
            start = self.now_s()
            errors = compute()
            found = self.known[key] = _Known(errors, self.now_s() - start, self.training)
        elif found.training != self.training:
            self.saved_s += found.seconds
            found.training = self.training
        return found.errors.copy()


_memory: ContextVar[Memory | None] = ContextVar("memory", default=None)
"""Memory of the trainings in this thread; None outside of trainings. Threads for folds start without one."""


@contextmanager
def remembering(memory: Memory | None = None) -> Iterator[Memory]:
    """Remembers left-out errors until the outermost of nested uses ends; yields its memory.

    Args:
        memory: Memory of earlier uses to go on with, on the outermost use; None for a new one.
    """
    outer = _memory.get()
    if outer is not None:
        yield outer
        return
    made = Memory() if memory is None else memory
    token = _memory.set(made)
    try:
        yield made
    finally:
        _memory.reset(token)


def recalled(model: Any, rows: tuple[Floats, ...], compute: Callable[[], Floats]) -> Floats:
    """Returns the left-out errors of a model on rows, as known from an equal model or else as computed; shape (n,).

    Args:
        model: An unfitted model, which its class, space, shape and other arguments say everything about.
        rows: Genes, values and weights of the n rows.
        compute: Computes the errors.
    """
    memory = _memory.get()
    if memory is None:
        return compute()
    key = type(model), model.features, json.dumps(model.get_params(), sort_keys=True, default=repr), _digest(rows)
    return memory.errors(key, compute)


def _digest(rows: tuple[Floats, ...]) -> bytes:
    found = hashlib.sha256()
    for one in rows:
        found.update(repr(one.shape).encode() + np.ascontiguousarray(one).tobytes())
    return found.digest()
