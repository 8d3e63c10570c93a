"""Shapes of a model's inputs as they are typed: ``NAME=1x128`` or ``NAME=1x128:int64``."""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hwcost.errors import UsageError

_SHAPE = re.compile(r"(?P<dims>\d+(?:x\d+)*|scalar)(?::(?P<dtype>\w+))?")


@dataclass(frozen=True, slots=True)
class InputShape:
    """The shape of an input.

    Attributes:
        dims: Sizes of its dimensions; none for a scalar.
        dtype: Number format that is expected; None for that of the model.
    """

    dims: tuple[int, ...]
    dtype: str | None = None


def read_inputs(texts: Iterable[str]) -> dict[str, InputShape]:
    """Reads shapes by the name of the input.

    Raises:
        UsageError: When a text is not a shape, or an input is given twice.
    """
    found: dict[str, InputShape] = {}
    for text in texts:
        name, _, shape = text.rpartition("=")
        match = _SHAPE.fullmatch(shape.strip().lower())
        if not name or match is None:
            raise UsageError(f"'{text}' is not the shape of an input. Expected NAME=1x128, NAME=1x128:int64 or NAME=scalar")
        if name in found:
            raise UsageError(f"the input '{name}' is given twice")
        dims = () if match["dims"] == "scalar" else tuple(int(size) for size in match["dims"].split("x"))
        found[name] = InputShape(dims, match["dtype"])
    return found
