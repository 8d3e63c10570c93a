"""Left-out errors that one training asks for several times, computed once.

``auto`` compares the errors of its candidates, a hybrid those of its bases, and whoever calibrates the model that was taken
asks for them again: the same fits of the same rows. What is remembered is forgotten when the training ends.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

import numpy as np

from hwcost._types import Floats

__all__ = ["recalled", "remembering"]

_errors: ContextVar[dict[Any, Floats] | None] = ContextVar("left_out_errors", default=None)
"""Errors that the training in this thread knows; None outside of trainings. Threads for folds start without one."""


@contextmanager
def remembering() -> Iterator[None]:
    """Remembers left-out errors until the outermost of nested uses ends."""
    if _errors.get() is not None:
        yield
        return
    token = _errors.set({})
    try:
        yield
    finally:
        _errors.reset(token)


def recalled(model: Any, rows: tuple[Floats, ...], compute: Callable[[], Floats]) -> Floats:
    """Returns the left-out errors of a model on rows, as known from an equal model or else as computed; shape (n,).

    Args:
        model: An unfitted model, which its class, space, shape and other arguments say everything about.
        rows: Genes, values and weights of the n rows.
        compute: Computes the errors.
    """
    known = _errors.get()
    if known is None:
        return compute()
    key = type(model), model.features, json.dumps(model.get_params(), sort_keys=True, default=repr), _digest(rows)
    if key not in known:
        known[key] = compute()
    return known[key].copy()


def _digest(rows: tuple[Floats, ...]) -> bytes:
    found = hashlib.sha256()
    for one in rows:
        found.update(repr(one.shape).encode() + np.ascontiguousarray(one).tobytes())
    return found.digest()
