"""Latency tables of HAT and SuperShaper: one architecture a row, read as every table is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, ClassVar

import numpy as np

from hwcost.errors import UsageError
from hwcost.exchange.benchmarks.base import Given, Imported, Reader
from hwcost.exchange.benchmarks.document import Document
from hwcost.exchange.benchmarks.rows import Origin, Row, imported

if TYPE_CHECKING:
    from hwcost.exchange.table import LatencyTable


class _Table(Reader):
    """A table of one space.

    Attributes:
        space: Name of the space.
    """

    space: ClassVar[str]

    def recognises(self, document: Document) -> bool:
        """Whether the header names all genes of the space, as they are called here or as they were published."""
        from hwcost.spaces import space

        header = {name.partition(".")[0] for name in document.header}
        if "sample_hidden_size" in header:
            return self.space == "supershaper"
        genes = {gene.name for gene in space(self.space).genes}
        return _published(self.space) <= header or genes <= header

    def read(self, document: Document, given: Given) -> list[Imported]:
        """Reads one estimate an architecture: the median of its rows."""
        from hwcost.exchange.table import read_table

        if document.is_folder:
            raise UsageError(f"{document.source} is a folder. Give the CSV file")
        table = read_table(document.path, self.space)
        facts = {name: texts[0] for name, texts in table.rest.items() if len(set(texts)) == 1}
        rows = _rows(table, {name: texts for name, texts in table.rest.items() if name not in facts})
        remarks = [*table.remarks, *_kept(table)]
        if len(rows) < len(table):
            remarks.append(f"{len(table)} rows measure {len(rows)} architectures; of each the median is kept.")
        return [imported(rows, document, given, Origin(self.name, facts=facts), remarks)]


class Hat(_Table):
    """Latency data sets of HAT."""

    name = "hat"
    tool = "latency table of HAT (CSV)"
    space = "hat"


class SuperShaper(_Table):
    """Latency data sets of SuperShaper."""

    name = "supershaper"
    tool = "latency table of SuperShaper (CSV)"
    space = "supershaper"


def _published(space: str) -> set[str]:
    from hwcost.spaces.layouts import LAYOUTS

    genes = [set(one.genes) for one in LAYOUTS if one.space == space]
    return genes[0]


def _kept(table: LatencyTable) -> list[str]:
    """Returns the remark on the columns that are neither genes nor the latency; none without such columns."""
    if not table.rest:
        return []
    named = ", ".join(f"'{name}'" for name in table.rest)
    return [f"neither a gene nor the latency, and kept with the run as the file has it: {named}."]


def _rows(table: LatencyTable, rest: Mapping[str, Sequence[str]]) -> list[Row]:
    """Makes a row of every architecture.

    Args:
        table: The table.
        rest: Texts of further columns, which are kept in the order of the architecture's rows.
    """
    places: dict[Any, list[int]] = defaultdict(list)
    for place, arch in enumerate(table.architectures):
        places[arch].append(place)
    return [
        Row(
            name=table.space.key(arch), value=float(np.median(table.latency_s[own])), search_space=table.space.name,
            arch=list(table.space.named(arch).values()), n_rounds=len(own),
            rest={name: [texts[place] for place in own] for name, texts in rest.items()},
        )
        for arch, own in places.items()
    ]  # fmt: skip
