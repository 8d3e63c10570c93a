"""The reason, in one plain line, why a runtime or an exporter failed, however deep it lies in the exception."""

from __future__ import annotations

import re

from hwcost._imports import without_colours

LONGEST = 400
"""Characters of a reason that are shown."""
_CHECKED = re.compile(r"^\S+/onnxruntime/\S+ (.*? was false\. ?|\w+ [\w:]+\(.*?\) )")
"""Beginning of a message of ONNX Runtime: a place in its own code, and the condition or the function that is there."""
_PLACE = re.compile(r"Exception from |Check '|.*:$")
"""Lines that only say where something happened."""
_ADVICE = (
    (r"in output, which is not a known type", "Return a tensor, or tensors in a tuple, a dict or a dataclass"),
    (r"data-dependent|cond\.true_graph|control flow|Could not guard", "Choose branches by shapes, not by values of tensors"),
    (r"index out of range in self|indexSelectLargeIndex|srcIndex < srcSelectDimSize",
     "Ids go beyond the rows of a table: let the factory return example inputs that stay below them"),
    (r"must have the same dtype|expected scalar type \w+ but found",
     "Let the example inputs have the number format of the weights, or ask for one --dtype, which casts both"),
    (r"No ONNX function|DispatchError|does not support|Unsupported", "Replace that operator by ones that ONNX knows"),
)
"""Patterns of reasons, and the advice for each."""


def plain_cause(error: BaseException) -> str:
    """Returns the first line of the innermost reason, without colour codes.

    Args:
        error: The exception; the ones that it was raised from are followed to the first.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    text = _CHECKED.sub("", without_colours(str(error)).rpartition("Status Message: ")[2])
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _PLACE.match(line)] or lines
    return _sentence(telling[0]) if telling else type(error).__name__


def advice(cause: str) -> str:
    """Returns advice on a reason, as a sentence with a space before it; empty when there is none."""
    return next((f" {text}." for pattern, text in _ADVICE if re.search(pattern, cause)), "")


def _sentence(line: str) -> str:
    """Keeps the first sentence of a long line."""
    first = re.split(r"(?<=[a-z0-9)\]'])\. (?=[A-Z])", line, maxsplit=1)[0]
    return first.rstrip(".")[:LONGEST]
