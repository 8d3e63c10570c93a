"""Columns of tables that say how a net was run, and nothing about the net: batch size, length, device, threads, runtime.

Rows that differ there alone are of one net. A model that has seen a net at other batch sizes knows it, so that its error on
the row that was left out says nothing of a new net.
"""

from __future__ import annotations

import math
import re

import numpy as np

from hwcost._types import Floats, Indices
from hwcost.exchange.device_columns import names_devices
from hwcost.spaces.base import SearchSpace
from hwcost.spaces.shape_columns import ShapeColumns
from hwcost.spaces.table import Table

_SETTING = re.compile(
    r"(?:(?:num|n|no|intra|inter)[_ .-]?)*(?:op[_ .-]?)?(?:threads?|cores?|workers?|streams?)"
    r"|d_?type|data[_ .-]?type|precision|quant|quanti[sz]ation"
    r"|backend|framework|runtime|engine|compiler|(?:execution[_ .-]?)?provider|power[_ .-]?mode",
    re.IGNORECASE,
)

FEWEST_NETS = 20
"""Nets below which rows are left out one by one: too few stay to learn from where whole nets are left out."""


def net_numbers(space: SearchSpace, genes: Floats) -> Indices | None:
    """Returns the number of the net of each row of a table, in the order of their first rows, shape (n,).

    None where the table has no settings, hardly any net was measured at several, or nets fill half of the grid of their
    columns' values: a new net lies between others there, as rows do.

    Args:
        space: The space of the rows.
        genes: Encoded rows, shape (n, genes).
    """
    settings = setting_places(space)
    if not settings:
        return None
    rows = genes + 0.0  # one zero, not two
    known: dict[bytes, int] = {}
    rest = np.ascontiguousarray(np.delete(rows, settings, axis=1))
    numbers = np.array([known.setdefault(bytes(one), len(known)) for one in rest], dtype=np.intp)
    varied = [count for column in rest.T if (count := len(np.unique(column))) > 1]
    is_grid = len(varied) > 1 and 2 * len(known) >= math.prod(varied)
    return None if is_grid or 2 * len(known) > len(np.unique(rows, axis=0)) else numbers


def setting_places(space: SearchSpace) -> list[int]:
    """Returns the numbers of the columns of a table that are settings; none for other spaces, or where all columns are."""
    if not isinstance(space, Table):
        return []
    shape = ShapeColumns.of(space)
    sizes = set() if shape is None else set(shape.places.values())
    names = [gene.name for gene in space.genes]
    found = [i for i, name in enumerate(names) if i in sizes or names_devices(name) or _SETTING.fullmatch(name)]
    return found if len(found) < len(names) else []
