"""Number formats of devices and models: names and sizes."""

from __future__ import annotations

BYTES = {"float32": 4, "tfloat32": 4, "bfloat16": 2, "float16": 2, "float8": 1, "int8": 1}
"""Bytes of a number in memory; ``tfloat32`` is float32 in memory and shorter inside a matrix unit."""

MEASURED = ("float32", "tfloat32", "bfloat16", "float16")
"""Formats in which models are built and measured."""

_STORED = {"tfloat32": "float32"}


def stored(dtype: str) -> str:
    """Returns the format in which numbers of a format lie in memory, which is the one that torch knows."""
    return _STORED.get(dtype, dtype)
