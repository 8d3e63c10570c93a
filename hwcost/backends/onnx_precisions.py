"""Precisions beside the formats of numbers: models that are quantised."""

from __future__ import annotations

SCHEMES = ("none", "dynamic", "qdq")
"""Ways in which a model is quantised."""

PRECISIONS = {"dynamic": "int8-dynamic", "qdq": "int8-qdq"}
"""Precisions under which quantised models are recorded."""


def compared_as(precision: str) -> str:
    """Returns the format by which outputs of a precision are compared with eager float32."""
    return "int8" if precision.startswith("int8") else precision
