"""The reason, in one plain line, why a runtime or an exporter failed, however deep it lies in the exception."""

from __future__ import annotations

import re

from hwcost._imports import without_colours

LONGEST = 400
"""Characters of a reason that are shown."""
_TITLE = re.compile(
    r"(\[ONNXRuntimeError\] : \d+ : \w+ : )?(Load model from .*? failed:)?"
    r"(\S+/onnxruntime/\S+ (.*? was false\. ?|(\w+ )?[\w:~]+\(.*?\) ))?((This is an i|I)nvalid model\. |Fatal error: )?"
)
"""Beginning of a message of ONNX Runtime: its code, the file, a place in its own code, and the condition that is there."""
_PLACE = re.compile(r"Exception from |Check '|.*:$|Loading input model$|Model wasn't fully converted\.$")
"""Lines that only say where something happened."""
_ADVICE = (
    (r"in output, which is not a known type", "Return a tensor, or tensors in a tuple, a dict or a dataclass"),
    (r"data-dependent|cond\.true_graph|control flow|Could not guard", "Choose branches by shapes, not by values of tensors"),
    (r"No ONNX function|DispatchError|does not support|Unsupported", "Replace that operator by ones that ONNX knows"),
)
"""Patterns of reasons why a module cannot be exported, and the advice for each."""
_CALL_ADVICE = (
    (
        r"index out of range in self|indexSelectLargeIndex|srcIndex < srcSelectDimSize",
        "Ids go beyond the rows of a table: let the factory return example inputs that stay below them",
    ),
    (
        r"must have the same dtype|expected scalar type \w+ but found",
        "Let the example inputs have the number format of the weights, or ask for one --dtype, which casts both",
    ),
)
"""Patterns of reasons why a call fails, and the advice for each."""


def plain_cause(error: BaseException) -> str:
    """Returns the first line of the innermost reason, without colour codes.

    Args:
        error: The exception; the ones that it was raised from are followed to the first.
    """
    while error.__cause__ is not None:
        error = error.__cause__
    text = _TITLE.sub("", without_colours(str(error)).rpartition("Status Message: ")[2], count=1)
    lines = [line.strip().removeprefix("-- ") for line in text.splitlines() if line.strip()]
    telling = [line for line in lines if not _PLACE.match(line)] or lines
    return _sentence(telling[0]) if telling else type(error).__name__


def advice(cause: str) -> str:
    """Returns what helps where a module cannot be exported, as a sentence with a space before it; empty if nothing known."""
    return _matching(_ADVICE, cause)


def call_advice(cause: str) -> str:
    """Returns what helps where a call of a module fails, as :func:`advice` does."""
    return _matching(_CALL_ADVICE, cause)


def _matching(known: tuple[tuple[str, str], ...], cause: str) -> str:
    return next((f" {text}." for pattern, text in known if re.search(pattern, cause)), "")


def _sentence(line: str) -> str:
    """Keeps the first sentence of a long line."""
    first = re.split(r"(?<=[a-z0-9)\]'])\. (?=[A-Z])", line, maxsplit=1)[0]
    return first.rstrip(".")[:LONGEST]
