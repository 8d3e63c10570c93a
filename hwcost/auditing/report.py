"""What an audit finds, and the thresholds by which it judges."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.auditing.explanation import explain
from hwcost.cost_models.checks.table_faults import (
    LARGEST_LEVEL_RANGE,
    LEAKED_ANSWER,
    LEVEL,
    MIXED_UNITS,
    REVERSED,
    TableFault,
)
from hwcost.levels.level import Segment
from hwcost.timing.measurement import Flag

if TYPE_CHECKING:
    from hwcost.campaign.comparisons.former_levels import FormerLevels

Verdict = Literal["clean", "mild", "drifting", "invalid"]

VERDICTS: tuple[Verdict, ...] = ("clean", "mild", "drifting", "invalid")
"""The verdicts, from the best to the worst."""

MILD, DRIFTING = 0.01, 0.04
"""Range of the level (highest over lowest, less one) from which a machine whose level moves is called so."""

RESEMBLING, SURE = 0.6, 1.6
"""Von Neumann ratio below which something moved that no level describes, and how much further from 1 than the critical value
it must be: noise falls below that in 1 of 10,000 cases."""

LEAST_SIZE_ORDER = 0.9
"""Von Neumann ratio of the size of the architectures below which their order is not random."""

FEWEST_ROWS = 30
"""Rows below which nothing can be said about a level."""

FEWEST_ARCHITECTURES = 5
"""Different architectures below which nothing can be said about their effect."""

OUTLIER, LEAST_OUTLIER = 6.0, 0.2
"""A row is an outlier when it is off by so many robust standard deviations, and by so much in log latency."""

FAR_OUTLIER = math.log(LARGEST_LEVEL_RANGE)
"""A single row that is off by so much (log) is a doubt about the table: no machine's level moves so far."""

MANY_OUTLIERS = 0.02
"""Share of outliers from which they are a doubt about the table."""

UNSTEADY = 0.1
"""Typical difference (log) of repeats of one architecture from which they are a doubt."""

CODES = {
    "E_NULL_EFFECT": "latency does not depend on the architecture",
    "E_NULL_STRETCH": "latencies of successive rows do not depend on the architecture, while others do",
    "E_DUPLICATE": "the same latencies stand under two labels",
    MIXED_UNITS: "some rows are in another unit",
    LEAKED_ANSWER: "a column was computed from the latency",
    REVERSED: "larger architectures have shorter latencies",
    LEVEL: "stretches of rows differ by more than a machine's level can",
    "E_REPEATS": "repeats of one architecture have nothing to do with each other",
    "W_DRIFT": "the level of the machine moved",
    "W_CONFOUNDED": "the order of the rows follows size",
    "W_REVERSED": "latencies fall along nearly all columns of numbers, as rates do",
    "W_OUTLIERS": "rows far off everything",
    "W_REPEATS": "repeats of one architecture do not agree",
    "W_RESOLUTION": "latencies stand in coarse steps",
    "W_UNCONFIRMED": "the machine was contended nearly all the time, so that most of a campaign's workloads are unconfirmed",
    "W_STATES": "latencies of two states of the machine, or of two settings, that no column tells apart",
}
"""Meaning of the codes of findings in a table, or in the visits of a campaign."""

INVALIDATING = frozenset(code for code in CODES if code.startswith("E_"))
"""Codes that make the latencies useless as they are."""

DOUBTS = frozenset(
    {"W_CONFOUNDED", "W_OUTLIERS", "W_REPEATS", "W_RESOLUTION", "W_REVERSED", "W_STATES", "W_UNCONFIRMED"}
)
"""Codes with which latencies are not clean, however still the machine was."""


@dataclass(frozen=True)
class AuditReport:
    """Whether latencies can be trusted, and why not.

    Attributes:
        source: File or store.
        space: Name of the space; None for a campaign of other workloads.
        unit: Kind of thing that has a residual: ``row`` of a table, or ``visit`` of a campaign.
        flags: Doubts, each with its numbers and one remedy.
        rows: Number of each residual in the order measured, ascending, shape (n,); exact copies of rows are left out.
        residuals: Log latency less what the architecture accounts for, shape (n,).
        log_level: Log level of the machine at each of them, median zero, shape (n,).
        level_range: Highest over lowest level, less one.
        segments: Stretches between the jumps that matter; levels relative to the median one.
        von_neumann: Ratio of the residuals' ranks: 1 for noise, towards 0 for a level that moves.
        von_neumann_after: The same once the level is taken out.
        critical: Ratio below which noise falls in 1 % of all cases.
        size_order: The ratio of the predicted sizes: towards 0 for rows sorted by size; None where sizes are unknown.
        signal_tau: Kendall tau of what is predicted for each row without it against its latency; None when undefined.
        duplicates: Rows whose architecture has been there before; in a campaign, visits after a workload's first.
        copies: Those of them whose latency is the same to the last digit.
        repeatability: Robust standard deviation of the log ratio of repeats, copies left out; None with fewer than three.
        repeatability_after: The same once the level is taken out.
        outlier_rows: Numbers of the rows (visits) whose residuals are far off everything, ascending.
        void_share: Share of visits that were void or failed; None for a table.
        level_by_class: Range of the level per class of workloads; None for a table.
        former: Level of a campaign beside those of former campaigns in its store; None where these share no workloads.
        remarks: Decisions about the columns of a table, and which campaign of several was judged, in whole sentences.
        faults: Faults for which a fit refuses the table, with their rows and columns; none for a campaign.
        disagreeing: Pairs of rows with the same architecture whose latencies do not agree: the earlier row, the later row,
            and the later latency over the earlier one.
        slow_rows: Numbers of the rows in the slower of two states, ascending; empty where there is one state.
        returns: Whether the architectures return throughout a table, which tells a slow level from their sizes.
    """

    source: str
    space: str | None
    unit: Literal["row", "visit"]
    flags: tuple[Flag, ...]
    rows: NDArray[np.intp]
    residuals: Floats
    log_level: Floats
    level_range: float
    segments: tuple[Segment, ...]
    von_neumann: float
    von_neumann_after: float
    critical: float
    size_order: float | None
    signal_tau: float | None
    duplicates: int
    copies: int
    repeatability: float | None
    repeatability_after: float | None
    outlier_rows: tuple[int, ...]
    void_share: float | None = None
    level_by_class: dict[str, float] | None = None
    former: FormerLevels | None = None
    remarks: tuple[str, ...] = ()
    faults: tuple[TableFault, ...] = ()
    disagreeing: tuple[tuple[int, int, float], ...] = ()
    slow_rows: tuple[int, ...] = ()
    returns: bool = False

    def __repr__(self) -> str:
        return f"<audit of {self.source}: {self.verdict}{''.join(f', {code}' for code in self.codes)}>"

    @property
    def outliers(self) -> int:
        """Number of residuals far off everything."""
        return len(self.outlier_rows)

    @property
    def unit_rows(self) -> tuple[int, ...]:
        """Numbers of the rows in another unit than the others, ascending."""
        return tuple(sorted(row for fault in self.faults if fault.flag.code == MIXED_UNITS for row in fault.rows))

    @property
    def codes(self) -> tuple[str, ...]:
        """The codes of the flags."""
        return tuple(flag.code for flag in self.flags)

    @property
    def verdict(self) -> Verdict:
        """The one word: see :func:`verdict_of`."""
        has_level = self.unit == "row" and "W_DRIFT" in self.codes
        return verdict_of(self.codes, self.von_neumann, self.critical, self.level_range, has_level)

    @property
    def explanation(self) -> str:
        """One paragraph for readers who are not statisticians."""
        return explain(self)

    def to_dict(self) -> dict[str, Any]:
        """Returns the document of ``hwcost audit --json``, without ``schema_version``; ranges and spreads in percent."""
        stretches = [{"first_row": one.first, "last_row": one.last, "level": one.level} for one in self.segments]
        return {
            "source": self.source,
            "space": self.space,
            "verdict": self.verdict,
            "flags": list(self.codes),
            "von_neumann": self.von_neumann,
            "von_neumann_critical": self.critical,
            "von_neumann_after": self.von_neumann_after,
            "level_range": 100.0 * self.level_range,
            "segments": stretches,
            "duplicates": self.duplicates,
            "copies": self.copies,
            "repeatability": _percent(self.repeatability),
            "repeatability_after": _percent(self.repeatability_after),
            "signal_tau": self.signal_tau,
            "size_order": self.size_order,
            "outliers": self.outliers,
            f"outlier_{self.unit}s": list(self.outlier_rows),
            "unit_rows": list(self.unit_rows),
            "slow_rows": list(self.slow_rows),
            "faults": [_fault(one) for one in self.faults],
            "disagreeing": [{"rows": [first, second], "ratio": ratio} for first, second, ratio in self.disagreeing],
            "void_share": self.void_share,
            "level_by_class": self.level_by_class and {name: 100.0 * span for name, span in self.level_by_class.items()},
            "former": None if self.former is None else self.former.to_dict(),
            "unit": self.unit,
            f"n_{self.unit}s": len(self.residuals) + self.copies,
            "remarks": [*self.remarks, *(str(flag) for flag in self.flags)],
            "explanation": self.explanation,
        }


def verdict_of(
    codes: tuple[str, ...], von_neumann: float, critical: float, level_range: float, has_level: bool = False
) -> Verdict:
    """Returns the verdict that belongs to what was found.

    A level counts where neighbours resemble each other, or where left-out errors are so much smaller without it that a fit
    takes it out: a short stretch that stands off does not show in the ratio. Where something moved that no level describes,
    ``W_DRIFT`` says so, and it is ``mild``.

    Where the order of the rows follows the size of the architectures nothing can be said about the level, for or against;
    that does not clear it, so it is ``mild``, unless the architectures return throughout and their rows tell of one. So are
    rows far off everything, repeats that disagree, latencies in coarse steps and unconfirmed ones, on a still machine.
    """
    if INVALIDATING & set(codes):
        return "invalid"
    if "W_CONFOUNDED" in codes and "W_DRIFT" not in codes:
        return "mild"
    if level_range == 0.0 and "W_DRIFT" in codes:
        return "mild"
    if (von_neumann >= critical and not has_level) or level_range < MILD:
        return "mild" if DOUBTS & set(codes) else "clean"
    return "drifting" if level_range >= DRIFTING else "mild"


def resembles(von_neumann: float, critical: float) -> bool:
    """Whether neighbours resemble each other so much that something moved, although no level could be estimated.

    Args:
        von_neumann: Von Neumann ratio of the residuals.
        critical: Ratio below which noise falls in 1 % of all cases, which tells its standard deviation.
    """
    return von_neumann < min(RESEMBLING, 1.0 - SURE * (1.0 - critical))


def is_at_least(verdict: str, limit: str) -> bool:
    """Whether a verdict is as bad as another one, or worse."""
    return VERDICTS.index(verdict) >= VERDICTS.index(limit)


def _fault(fault: TableFault) -> dict[str, Any]:
    return {"code": fault.flag.code, "column": fault.column, "factor": fault.factor, "rows": list(fault.rows)}


def _percent(share: float | None) -> float | None:
    return None if share is None else 100.0 * share
