"""A space read off a table's columns: it describes data that someone else measured and cannot be built or measured."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from hwcost._arguments import TEXT, check
from hwcost.errors import ArchitectureError, UsageError
from hwcost.spaces.base import Architecture, Gene, GeneValue, SearchSpace
from hwcost.spaces.points import number
from hwcost.spaces.reading import is_assignments, values_in_order

ABSENT = "absent"
"""Text for the missing entries of a shorter list of texts; a shorter list of numbers ends in zeros."""


class Table(SearchSpace):
    """Any table of features and latencies: one gene per column, numeric or categorical.

    Args:
        columns: One mapping per column, in order: ``name``; ``categorical`` (default false); ``choices``, the known
            values of a categorical column.
        increasing: Names of numeric columns along which latency cannot fall.
        padded: Names of columns of lists that shorter lists lack, so that a new architecture may lack them too.

    Raises:
        UsageError: When columns are missing, a name is missing or repeated, a categorical column has no choices, or an
            increasing column is unknown or categorical.
    """

    name = "table"

    def __init__(
        self, columns: Iterable[Mapping[str, Any]] = (), increasing: Iterable[str] = (), padded: Iterable[str] = ()
    ) -> None:
        self.genes = tuple(_gene(column) for column in columns)
        names = [gene.name for gene in self.genes]
        if not names:
            raise UsageError(
                "the space 'table' takes its columns from a table, and none is read here. To search a space of your own, "
                "declare one, for example with 'hwcost spaces from-table FILE.csv --out myspace.toml', and give it as "
                "--space ./myspace.toml. In Python, give the columns: columns=[{'name': 'width'}]"
            )
        repeated = sorted({name for name in names if names.count(name) > 1})
        if repeated:
            raise UsageError(f"a table's columns need different names; repeated: {', '.join(repeated)}")
        self._increasing, self._padded = frozenset(increasing), frozenset(padded)
        numeric = [gene.name for gene in self.genes if not gene.categorical]
        wrong = sorted(self._increasing.difference(numeric))
        if wrong:
            known = ", ".join(numeric) or "none"
            raise UsageError(f"'{wrong[0]}' is not a numeric column, so latency cannot grow with it. Numeric ones: {known}")

    def options(self) -> dict[str, Any]:
        """Returns ``{"columns": [...], "increasing": [...]}``, and ``padded`` where there are such columns."""
        columns = [
            {"name": gene.name, "categorical": True, "choices": list(gene.choices)}
            if gene.categorical
            else {"name": gene.name, "categorical": False}
            for gene in self.genes
        ]
        padded = {"padded": sorted(self._padded)} if self._padded else {}
        return {"columns": columns, "increasing": sorted(self._increasing), **padded}

    def identity_options(self) -> dict[str, Any]:
        """Returns the names of the columns in order; another table with the same ones may hold other values of them."""
        return {"columns": [gene.name for gene in self.genes]}

    def increasing(self) -> tuple[int, ...]:
        """The columns that were named; none by default, since a column of someone else's table may mean anything."""
        return tuple(int(gene.name in self._increasing) for gene in self.genes)

    def fillers(self) -> dict[str, GeneValue]:
        """The values of columns that a shorter list lacks, by name."""
        return {
            gene.name: ABSENT if gene.categorical and ABSENT in gene.choices else 0
            for gene in self.genes
            if gene.name in self._padded
        }

    def architecture(self, genes: Iterable[GeneValue]) -> Architecture:
        """Checks one value per column; numbers given for a categorical column of texts are read as texts.

        Raises:
            ArchitectureError: When the count or a value does not fit the columns.
        """
        values = self.listed(genes)
        if len(values) == len(self.genes):
            values = [_fitting(gene, value) for gene, value in zip(self.genes, values, strict=True)]
        arch = super().architecture(values)
        for gene, value in zip(self.genes, arch.genes, strict=True):
            if not gene.categorical and isinstance(value, str):
                raise ArchitectureError(f"column '{gene.name}' is numeric, got the text {value!r}")
        return arch

    def parse(self, text: str) -> Architecture:
        """Reads an architecture from a JSON list, from values with commas or underscores between them, or by name.

        Raises:
            ArchitectureError: When the text is none of these or does not fit the columns.
        """
        check({"text": text}, text=TEXT)
        text = text.strip()
        if text.startswith("[") or is_assignments(text):
            return super().parse(text)
        return self.architecture(map(number, values_in_order(self, text)))

    def key(self, arch: Architecture) -> str:
        """Returns the values as a JSON list, because texts may hold any sign."""
        return json.dumps(list(self.as_architecture(arch).genes), ensure_ascii=False)


def _gene(column: Mapping[str, Any]) -> Gene:
    name, choices = column.get("name"), column.get("choices", ())
    unknown = sorted(set(column) - {"name", "categorical", "choices"})
    if not isinstance(name, str) or not name or unknown or not isinstance(choices, Sequence):
        raise UsageError(f"a column is described by name, categorical and choices, got {dict(column)}")
    if not column.get("categorical", False):
        return Gene(name)
    if not choices:
        raise UsageError(f"the categorical column '{name}' needs its choices")
    return Gene(name, tuple(choices), categorical=True)


def _fitting(gene: Gene, value: Any) -> Any:
    """Returns a value as its column's texts have it: truth values, missing ones and numbers were texts in the table."""
    if not gene.categorical:
        return value
    if value in gene.choices and not isinstance(value, bool):
        return value
    text = "" if value is None or value != value else str(value)
    if text in gene.choices:
        return text
    is_truth = isinstance(value, bool) or text.lower() in ("true", "false")
    same = [one for one in gene.choices if is_truth and str(one).lower() == text.lower()]
    return same[0] if len(same) == 1 else value
