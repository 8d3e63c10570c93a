"""What a report says of its tables: read off the docstrings of the results' dataclasses."""

from __future__ import annotations

import importlib
from dataclasses import dataclass, fields, is_dataclass
from typing import get_type_hints

import pytest

from hwcost.systems.tables import tables_of


@dataclass
class Base:
    """A row.

    Attributes:
        arch: Key, as :meth:`hwcost.spaces.SearchSpace.key` makes it.
    """

    arch: str


@dataclass
class Row(Base):
    """A longer row.

    Attributes:
        cost: Cost of ``arch`` in words that
            take two lines.
        low: Lower end.

    Raises:
        ValueError: Never.
    """

    cost: float
    low: float


@dataclass
class Plain:
    other: int


@dataclass
class Found:
    """A result.

    Attributes:
        rows: All rows.
        by_length: Rows by length.
        number: How many.
    """

    rows: list[Row]
    by_length: dict[str, dict[str, Row]]
    plain: list[Plain]
    number: int
    values: list[float]
    one: Row


def test_tables_have_the_words_of_their_docstrings() -> None:
    columns = {
        "arch": "Key, as hwcost.spaces.SearchSpace.key makes it.", "cost": "Cost of arch in words that take two lines.",
        "low": "Lower end.",
    }  # fmt: skip
    assert tables_of(Found) == {
        "rows": {"about": "All rows.", "columns": columns}, "by_length": {"about": "Rows by length.", "columns": columns},
        "plain": {"about": "", "columns": {}},
    }  # fmt: skip


@pytest.mark.parametrize("system", ["autodistil", "autodistill", "components", "supershaper"])
def test_every_column_of_every_system_is_described(system: str) -> None:
    results = importlib.import_module(f"hwcost.systems.{system}.results").Results
    for stage in get_type_hints(results).values():
        hints = get_type_hints(stage)
        for field, told in tables_of(stage).items():
            row = hints[field]
            while not is_dataclass(row):
                row = row.__args__[-1]
            assert told["about"], (stage, field)
            assert set(told["columns"]) >= {one.name for one in fields(row)}, (stage, field)
