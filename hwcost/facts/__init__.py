"""The one table of facts about how and where a visit was measured.

Readers, records, comparisons and documentation go by its rows: see :mod:`hwcost.facts.table`.
"""

from __future__ import annotations

from hwcost.facts.agreement import EQUAL, EXACT, FREE, NEARLY, SERIES, SHARED, Agreement
from hwcost.facts.fact import Fact, Process
from hwcost.facts.table import BY_GROUP, FACTS, GROUPS, checked, deciding, differing, of_moment, read_process

__all__ = [
    "BY_GROUP", "EQUAL", "EXACT", "FACTS", "FREE", "GROUPS", "NEARLY", "SERIES", "SHARED", "Agreement", "Fact", "Process",
    "checked", "deciding", "differing", "of_moment", "read_process",
]  # fmt: skip
