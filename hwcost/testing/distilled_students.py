"""All 576 students of AutoDistill at scale ``mini``, each distilled and measured once: a search with a known front.

Searchers can be compared on it in seconds, on real qualities and latencies (Zhang et al., section 4.3, Figure 3). Made by
``benchmarks/autodistill_table.py``; :attr:`AutoDistillTable.provenance` says from what, on what and when.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from importlib import resources
from typing import Any

import numpy as np

from hwcost._cached import cached_property
from hwcost._types import Floats
from hwcost.errors import UnknownNameError, UsageError
from hwcost.objectives import Maximize, Minimize, Objective
from hwcost.pareto import dominates, front
from hwcost.spaces import Architecture
from hwcost.spaces.autodistill import AutoDistill

__all__ = ["AutoDistillTable", "TableQuality", "TableStudent", "autodistill_table"]

FILE = "autodistill_table.json"
QUALITIES = {"perplexity": 1, "mlm_accuracy": -1, "nsp_accuracy": -1}
"""Signs that make a loss of each quality."""


@dataclass(frozen=True, kw_only=True, slots=True)
class TableQuality:
    """Quality on held-out text.

    Attributes:
        perplexity: Perplexity of masked words.
        mlm_accuracy: Share of masked words that are predicted rightly.
        nsp_accuracy: Share of pairs of segments that are classified rightly as following each other or not.
    """

    perplexity: float
    mlm_accuracy: float
    nsp_accuracy: float


@dataclass(frozen=True, kw_only=True, slots=True)
class TableStudent(TableQuality):
    """A student: its quality after flash distillation, and its latency.

    Attributes:
        latency_s: Measured seconds of a call.
        low_s: Lower end of the 95 % interval, in seconds.
        high_s: Upper end of the 95 % interval, in seconds.
    """

    latency_s: float
    low_s: float
    high_s: float


@dataclass(frozen=True)
class AutoDistillTable:
    """The table.

    Attributes:
        provenance: Versions, device, steps, seeds and protocol, plain JSON.
        students: All 576 students by key, in the order of the space.
        regular: Quality of a spread sample of them after regular distillation, by key (Figure 6).
        shares: Quality of the reference by share of the regular steps, one for each seed (Figure 5).
    """

    provenance: Mapping[str, Any]
    students: Mapping[str, TableStudent]
    regular: Mapping[str, TableQuality]
    shares: Mapping[float, list[TableQuality]]

    @cached_property
    def space(self) -> AutoDistill:
        """The space."""
        return AutoDistill(scale="mini")

    @property
    def reference(self) -> Architecture:
        """The student that is to be dominated: MobileBERT's place in the space."""
        return self.space.mobilebert

    def student(self, arch: Architecture) -> TableStudent:
        """Returns a student's row."""
        return self.students[self.space.key(arch)]

    def values(self, quality: str = "perplexity") -> Floats:
        """Returns latency in seconds and loss, an accuracy with its sign changed, of all students, shape (576, 2).

        Raises:
            UnknownNameError: When the quality is unknown; lists the known ones.
        """
        sign = _sign(quality)
        return np.array([(one.latency_s, sign * getattr(one, quality)) for one in self.students.values()])

    def front(self, quality: str = "perplexity") -> list[str]:
        """Returns the keys of the students that no other one dominates."""
        return self._keys(front(self.values(quality)))

    def dominating(self, quality: str = "perplexity", reference: Architecture | None = None) -> list[str]:
        """Returns the keys of the students that dominate a reference, MobileBERT's place by default."""
        values = self.values(quality)
        beaten = values[list(self.students).index(self.space.key(reference or self.reference))]
        return self._keys(dominates(values, beaten))

    def dominated_by(self, count: int, quality: str = "perplexity") -> Architecture:
        """Returns the student that exactly so many others dominate and whose genes differ least from the reference's.

        Seven dominate MobileBERT in the paper; here another number may, and this one makes a search as hard as the paper's.

        Raises:
            UsageError: When no student is dominated by so many.
        """
        values = self.values(quality)
        better = [int(dominates(values, one).sum()) for one in values]
        found = [self.space.parse(key) for key, number in zip(self.students, better, strict=True) if number == count]
        if not found:
            raise UsageError(f"no student is dominated by exactly {count} others; there are numbers from 0 to {max(better)}")
        return min(found, key=self._distance)

    def _distance(self, arch: Architecture) -> int:
        """Returns the number of steps between neighbouring choices from a student to the reference."""
        rows = zip(self.space.genes, arch.genes, self.reference.genes, strict=True)
        return sum(abs(gene.choices.index(one) - gene.choices.index(other)) for gene, one, other in rows)

    def objectives(self, quality: str = "perplexity", reference: Architecture | None = None) -> list[Objective]:
        """Returns the objectives of a search, with the reference's values: one student is looked up for each evaluation.

        Args:
            quality: Quality that counts beside latency: ``perplexity``, ``mlm_accuracy`` or ``nsp_accuracy``.
            reference: Student to be dominated; None for MobileBERT's place.
        """
        kind = Minimize if _sign(quality) > 0 else Maximize
        beaten = self.student(reference or self.reference)
        return [
            Minimize(lambda arch: self.student(arch).latency_s, "latency_s", beaten.latency_s),
            kind(lambda arch: float(getattr(self.student(arch), quality)), quality, float(getattr(beaten, quality))),
        ]

    def _keys(self, chosen: Any) -> list[str]:
        return [key for key, is_chosen in zip(self.students, chosen, strict=True) if is_chosen]


@lru_cache(maxsize=1)
def autodistill_table() -> AutoDistillTable:
    """Returns the table that comes with hwcost."""
    text = resources.files("hwcost.testing").joinpath(FILE).read_text(encoding="utf-8")
    return read_table(json.loads(text))


def read_table(document: Mapping[str, Any]) -> AutoDistillTable:
    """Reads the document that ``benchmarks/autodistill_table.py`` writes: rows of numbers under the names of columns."""
    rows = {name: [dict(zip(document["columns"][name], row, strict=True)) for row in document[name]] for name in TABLES}
    shares: dict[float, list[TableQuality]] = {}
    for row in rows["shares"]:
        shares.setdefault(row.pop("share"), []).append(TableQuality(**_without(row, "seed")))
    return AutoDistillTable(
        document["provenance"],
        {row["arch"]: TableStudent(**_without(row, "arch")) for row in rows["students"]},
        {row["arch"]: TableQuality(**_without(row, "arch")) for row in rows["regular"]},
        shares,
    )


TABLES = ("students", "regular", "shares")
"""The document's tables."""


def _without(row: Mapping[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in row.items() if key != name}


def _sign(quality: str) -> int:
    if quality not in QUALITIES:
        raise UnknownNameError("quality", quality, QUALITIES)
    return QUALITIES[quality]
