"""What all judgements of one night are made of: values, terms, common levels, what was accepted and confirmed."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hwcost._types import Floats
from hwcost.history.common_level import Common, common_levels
from hwcost.history.judgement import RunRange, name_of, run_range
from hwcost.history.machines import runs_of_machines
from hwcost.history.nights import Nights, read_nights
from hwcost.history.policy import Policy, Terms, is_matched
from hwcost.history.trace import Finding, Noted
from hwcost.stores.entries import Acceptance, Confirmation, Entry
from hwcost.stores.estimate_table import EstimateTable
from hwcost.stores.runs import Run
from hwcost.stores.series import Series

__all__ = ["Past"]


@dataclass(frozen=True)
class Past:
    """All that the judgements are made of.

    Attributes:
        nights: Values of all series.
        terms: Terms of a change, series by series.
        policy: Rules that the terms come from.
        commons: Common levels.
        acceptances: Index of its run and acceptance, the earliest run first.
        noted: Confirmations by the key of their series, the oldest first.
        own: Whether each run is of the machine of a series, shape (n_runs,), series by series.
        former: Log values as those of the nights, and also of earlier runs before confirmed changes, same shape.
    """

    nights: Nights
    terms: list[Terms]
    policy: Policy
    commons: list[Common]
    acceptances: list[tuple[int, Acceptance]]
    noted: dict[str, list[Noted]]
    own: list[NDArray[np.bool_]]
    former: Floats

    @classmethod
    def of(
        cls, runs: Sequence[Run], series: Mapping[str, Series], table: EstimateTable, policy: Policy,
        entries: Sequence[Entry], at: str | None, former: EstimateTable | None = None,
    ) -> Past:  # fmt: skip
        """Reads everything; see :func:`hwcost.history.judge.judge` for the arguments."""
        nights = read_nights(runs, series, table, at)
        terms = [policy.terms(one) for one in nights.series]
        place = {run.run_id: index for index, run in enumerate(nights.runs)}
        accepted = [(place[one.run_id], one) for one in entries if isinstance(one, Acceptance) and one.run_id in place]
        noted: dict[str, list[Noted]] = {}
        for one in sorted((one for one in entries if isinstance(one, Confirmation)), key=lambda one: one.created_at):
            if one.run_id in place:
                noted.setdefault(one.series_key, []).append(Noted(place.get(one.before_run_id, -1), place[one.run_id], one))
        commons = common_levels(nights, terms, policy)
        accepted.sort(key=lambda pair: pair[0])
        known = nights.y if former is None else _joined(nights, read_nights(nights.runs, series, former))
        return cls(nights, terms, policy, commons, accepted, noted, runs_of_machines(nights), known)

    def levels(self) -> list[Common]:
        """Returns the common level of every series."""
        found: dict[int, Common] = {int(row): one for one in self.commons for row in one.rows}
        return [found[row] for row in range(len(self.nights.series))]

    def acceptance(self, series: Series) -> tuple[int, Acceptance] | None:
        """Returns the latest acceptance of a series, by its run."""
        of_it = [one for one in self.acceptances if is_matched(series, one[1].workload, one[1].device, one[1].backend)]
        return of_it[-1] if of_it else None

    def range(self, finding: Finding) -> RunRange | None:
        """Names the runs between which a change lies; None without one."""
        if finding.bad is None:
            return None
        good = finding.bad - 1 if finding.good is None else finding.good
        return run_range(self.nights.runs, max(good, 0), finding.bad)

    def reason(self, finding: Finding, nights: int) -> str:
        """Says in a sentence why a verdict was given."""
        shift = _change(finding.log_ratio)
        remark = f"; {finding.remark}" if finding.remark else ""
        if finding.bad is None:
            return f"The latest night is {shift} than the level of {nights} nights{remark}."
        place = self.place(finding)
        if finding.confirmation is None:
            return f"Its level is {shift} since {place}; not measured again yet{remark}."
        one = finding.confirmation
        size = "" if one.log_ratio is None else f": {_change(one.log_ratio)}"
        said = "neither confirmed nor refuted" if one.outcome == "ambiguous" else one.outcome
        return f"Its level is {shift} since {place}; {said} by measuring again ({one.how}){size}{remark}."

    def place(self, finding: Finding) -> str:
        """Says where a change lies: between two commits, or the first run after it."""
        between = self.range(finding)
        assert between is not None
        if between.good_commit and between.bad_commit and between.good_commit != between.bad_commit:
            return f"a commit within {between.good_commit[:10]}..{between.bad_commit[:10]}"
        return self.name(finding.bad if finding.bad is not None else 0)

    def name(self, index: int) -> str:
        """Names a run by its time and commit."""
        return name_of(self.nights.runs[index])


def _joined(nights: Nights, former: Nights) -> Floats:
    """Returns the log values of nights, with those of earlier ones of the same runs where they have none."""
    row = {one.series_key: index for index, one in enumerate(former.series)}
    rows = [index for index, one in enumerate(nights.series) if one.series_key in row]
    found = nights.y.copy()
    if rows:
        earlier = former.y[[row[nights.series[index].series_key] for index in rows]]
        found[rows] = np.where(np.isfinite(found[rows]), found[rows], earlier)
    return found


def _change(log_ratio: float) -> str:
    """Returns a change in words, for example ``7.5 % higher``."""
    return f"{100 * abs(math.expm1(log_ratio)):.1f} % {'higher' if log_ratio > 0 else 'lower'}"
