"""Are the faults of a table found, and nothing else? Units that change, leaked answers and rates, in simulated tables.

Run: ``python benchmarks/faults.py [--tables N] [--seed N] [--published FOLDER]``. The tables are those of
``studies.sim_tables``. Bars: at least 98 % of the unit faults found, no false finding in clean and drifting tables
and in published files.
"""

from __future__ import annotations

import argparse
import time
from dataclasses import replace
from pathlib import Path

from studies.sim_tables import SimTable, sim_table, with_drift, with_leak, with_unit_fault

from hwcost.cost_models.checks.table_faults import LEAKED_ANSWER, MIXED_UNITS, REVERSED, table_faults
from hwcost.cost_models.data import read

TABLES = 200
FOLDERS = {"supershaper": "supershaper", "hat": "hat", "hat_npu": "hat"}
"""Folder of published files to space; the others are tables."""


def codes(table: SimTable) -> list[str]:
    """Returns the codes of the faults of a table."""
    return [fault.flag.code for fault in table_faults(table.data())]


def unit_rows(table: SimTable) -> set[int]:
    """Returns the rows in another unit than the others."""
    return {row for fault in table_faults(table.data()) for row in fault.rows if fault.flag.code == MIXED_UNITS}


def simulate(tables: int, first: int) -> None:
    """Prints how many of each kind of fault are found, and how many findings are false."""
    found = exact = leaks = rates = known = clean = drifting = 0
    for seed in range(first, first + tables):
        table, rng = sim_table(seed)
        wrong, rows = with_unit_fault(table, rng)
        named = unit_rows(wrong)
        found += bool(named)
        exact += named in (rows, set(range(len(table.latency_s))) - rows)
        clean += bool(codes(table))
        drifting += bool(codes(with_drift(table, rng)))
        if table.space.name == "table":
            leaks += LEAKED_ANSWER in codes(with_leak(table, rng))
        else:
            rates += REVERSED in codes(replace(table, latency_s=1.0 / table.latency_s))
            known += 1
    print(f"{tables} tables with rows in another unit: {found} found ({found / tables:.1%}), {exact} with just these rows")
    print(f"{tables} clean tables: {clean} false findings; {tables} drifting tables: {drifting} false findings")
    print(f"{tables - known} tables with a leaked answer: {leaks} found; {known} tables of rates: {rates} found")


def judge_published(folder: Path) -> None:
    """Prints every published file in which something is found, and what the check takes."""
    slowest, files = 0.0, 0
    for path in sorted(folder.glob("*/*.csv")):
        if path.parent.name == "cases":
            continue
        data = read(path, FOLDERS.get(path.parent.name, "table"))
        start = time.process_time()
        found = [fault.flag.code for fault in table_faults(data)]
        slowest, files = max(slowest, time.process_time() - start), files + 1
        if found:
            print(f"{path.parent.name}/{path.name}: {', '.join(found)}")
    print(f"{files} published files; the slowest check took {slowest:.2f} s")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--tables", type=int, default=TABLES)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--published", type=Path, metavar="FOLDER")
    given = parser.parse_args()
    simulate(given.tables, given.seed)
    if given.published is not None:
        judge_published(given.published)
