"""Compares two tables of latencies that others measured, architecture by architecture.

A table knows no rounds: each row is one pass. Where both tables measure architectures again, the interval of a ratio comes
from how far repeats lie apart, with Welch's degrees of freedom. Otherwise it comes from how far the ratios of all
architectures scatter, which counts real differences between architectures as noise; that makes intervals too wide rather
than too narrow. Changes of a machine as a whole between or within the tables are in no interval, and a flag says so.
"""

from __future__ import annotations

from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass, replace
from os import PathLike
from typing import Any

import numpy as np

from hwcost._types import Floats
from hwcost.campaign.comparisons.differences import BAND, Comparison, overall, verdicts
from hwcost.campaign.comparisons.spread import FEWEST_REPEATS, spread_of
from hwcost.errors import DataError, UsageError
from hwcost.exchange.frames import is_frame
from hwcost.exchange.nested_columns import expanded
from hwcost.exchange.options import TableOptions
from hwcost.exchange.sheet import for_shell
from hwcost.exchange.sources import read_sheet
from hwcost.exchange.table import LatencyTable, read_table
from hwcost.spaces.base import SearchSpace
from hwcost.stores import is_store
from hwcost.timing.measurement import Flag

FEWEST_PAIRS = 5
"""Architectures in both tables below which the scatter of their ratios is unknown."""

UNIT_STEP, NEAR_UNIT = float(np.log(1000.0)), float(np.log(2.0))
"""Log ratio of neighbouring units of time, and how near to it two tables are taken to be in different ones."""

ONE_PASS = Flag(
    "W_ONE_PASS",
    "each table is one pass without rounds: what changed the machine as a whole between the two, or while one was measured, "
    "counts as a difference and is in no interval.",
    "Audit both tables, or measure both in one campaign.",
)


@dataclass(frozen=True)
class _Arm:
    """One table: log latencies of every architecture, in the order of the file."""

    logs: dict[Hashable, list[float]]
    names: dict[Hashable, str]


def is_table(source: Any) -> bool:
    """Whether one side of a comparison is a table, rather than a store, a campaign or measurements."""
    if isinstance(source, (str, PathLike)):
        return not is_store(str(source).partition("#")[0])
    if isinstance(source, (list, tuple)):
        return bool(source) and isinstance(source[0], Mapping)
    return isinstance(source, Mapping) or is_frame(source)


def read_tables(sources: Iterable[Any], space: str | SearchSpace, options: TableOptions) -> list[LatencyTable]:
    """Reads tables that need not have the same columns: an option may name a column that only some of them have.

    Raises:
        DataError: When one cannot be read.
        UsageError: When an option names a column that none has.
    """
    given = list(sources)
    sheets = [read_sheet(source) for source in given]
    held = [{*sheet.columns, *expanded(sheet).columns} for sheet in sheets]
    unknown = [name for name in options.columns if not any(name in names for names in held)]
    if unknown:
        raise UsageError(f"no table has a column '{unknown[0]}'. Known: {', '.join(sorted(set().union(*held)))}")
    return [read_table(source, space, _for(options, names)) for source, names in zip(given, held, strict=True)]


def _for(options: TableOptions, names: set[str]) -> TableOptions:
    keep, drop, categorical, increasing = (
        tuple(name for name in given if name in names)
        for given in (options.keep, options.drop, options.categorical, options.increasing)
    )
    return replace(options, keep=keep, drop=drop, categorical=categorical, increasing=increasing)


def compare_tables(a: LatencyTable, b: LatencyTable, band: float = BAND) -> Comparison:
    """Compares the architectures that both tables have; the verdicts are on the second one.

    Architectures are matched by their genes, or by name where both tables were read with a column of names.

    Args:
        a: The table to compare with.
        b: The other one.
        band: Half-width of the band of log ratios that are of no consequence.

    Raises:
        DataError: When no architecture is in both, or a column that only one table has distinguishes architectures.
    """
    one, other = _arms(a, b)
    both = [key for key in one.logs if key in other.logs]
    if not both:
        examples = " and ".join(f"'{next(iter(arm.names.values()))}'" for arm in (one, other))
        raise DataError(
            f"{a.path} and {b.path} have no architecture in common; their first ones are {examples}. Compare tables of the "
            "same architectures, with the same names of columns."
        )
    a_log, b_log = (np.array([float(np.median(arm.logs[key])) for key in both]) for arm in (one, other))
    ratio = b_log - a_log
    half = _half_widths(one, other, both, ratio)
    judged = verdicts([one.names[key] for key in both], ratio, half, band)
    found = tuple(
        replace(this, a_s=float(np.exp(first)), b_s=float(np.exp(second)))
        for this, first, second in zip(judged, a_log, b_log, strict=True)
    )
    only_a = tuple(name for key, name in one.names.items() if key not in other.logs)
    only_b = tuple(name for key, name in other.names.items() if key not in one.logs)
    return Comparison(overall(ratio, half, 0.0, band), found, only_a, only_b, 0.0, (ONE_PASS, *_unit_flags(ratio)))


def _unit_flags(ratio: Floats) -> list[Flag]:
    """Doubts ratios that are those of two units of time: of all architectures, or of some.

    Args:
        ratio: Log ratios of latencies, the second table over the first, shape (n,).
    """
    steps = np.round(ratio / UNIT_STEP)
    far = (steps != 0) & (np.abs(ratio - steps * UNIT_STEP) <= NEAR_UNIT)
    middle = float(np.median(ratio))
    step = round(middle / UNIT_STEP)
    if step != 0 and abs(middle - step * UNIT_STEP) <= NEAR_UNIT:
        which, is_one = "", "is one of them"
    elif far.any():
        step, which, is_one = int(steps[far][0]), f"{int(far.sum())} of {len(ratio)} ", "are some rows"
    else:
        return []
    times = f"{1000 ** abs(step):,} times those of the {'first' if step > 0 else 'second'}"
    text = f"{which}latencies of the {'second' if step > 0 else 'first'} table are about {times}: {is_one} in another unit?"
    return [Flag("E_UNIT", text, "Say the units: --unit, or columns such as latency_ms; then compare again.")]


def _half_widths(one: _Arm, other: _Arm, both: list[Hashable], ratio: Floats) -> Floats:
    """Returns half-widths of 95 % intervals of log ratios, shape (n,); NaN where there is nothing to estimate them from."""
    from scipy import stats

    spreads = [spread_of(list(arm.logs.values())) for arm in (one, other)]
    if spreads[0] is not None and spreads[1] is not None:
        counts = np.array([[len(arm.logs[key]) for key in both] for arm in (one, other)], dtype=np.float64)
        median = np.where(counts > 2, np.pi / 2, 1.0)  # a median varies more than a mean
        sd, dof = np.array([(spread.sd, spread.dof) for spread in spreads if spread is not None]).T[:, :, None]
        variances = median / counts * sd**2
        total = variances.sum(axis=0)
        freedom = total**2 / np.maximum((variances**2 / dof).sum(axis=0), 1e-300)
        return np.where(total > 0, stats.t.ppf(0.975, np.maximum(freedom, 1.0)) * np.sqrt(total), 0.0)
    if len(both) < FEWEST_PAIRS or (scatter := spread_of([ratio.tolist()], robust_from=FEWEST_REPEATS)) is None:
        return np.full(len(both), np.nan)
    return np.full(len(both), float(stats.t.ppf(0.975, scatter.dof)) * scatter.sd)


def _arms(a: LatencyTable, b: LatencyTable) -> tuple[_Arm, _Arm]:
    if a.names is not None and b.names is not None:
        return _arm(a, [(name,) for name in a.names], a.names), _arm(b, [(name,) for name in b.names], b.names)
    shared = [gene.name for gene in a.space.genes if gene.name in {gene.name for gene in b.space.genes}]
    return _by_genes(a, shared), _by_genes(b, shared)


def _by_genes(table: LatencyTable, shared: list[str]) -> _Arm:
    """Matches by the columns that both tables have; the others must follow from them."""
    names = [gene.name for gene in table.space.genes]
    indices = [names.index(name) for name in shared]
    keys = [tuple(arch.genes[i] for i in indices) for arch in table.architectures]
    if len(set(keys)) < len({arch.genes for arch in table.architectures}):
        extra = [name for name in names if name not in shared]
        raise DataError(
            f"{table.path}: architectures differ in the columns {', '.join(extra)}, which the other table does not have. "
            f"Where they are not part of an architecture, leave them out: --drop {for_shell(*extra)}."
        )
    labels = [", ".join(f"{name}={value}" for name, value in zip(shared, key, strict=True)) for key in keys]
    return _arm(table, keys, labels)


def _arm(table: LatencyTable, keys: list[Any], labels: list[str]) -> _Arm:
    logs: dict[Hashable, list[float]] = {}
    names: dict[Hashable, str] = {}
    for key, label, value in zip(keys, labels, np.log(table.latency_s).tolist(), strict=True):
        logs.setdefault(key, []).append(value)
        names.setdefault(key, label)
    return _Arm(logs, names)
