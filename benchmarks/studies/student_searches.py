"""Searches among AutoDistill's 576 tabulated students: what is looked for, and how soon each searcher finds it."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from hwcost.objectives import Constraint, Minimize
from hwcost.spaces import Architecture
from hwcost.study import search
from hwcost.testing import AutoDistillTable, autodistill_table


@dataclass(frozen=True)
class Row:
    """A way to search.

    Attributes:
        name: Name of the searcher.
        options: Its options.
        is_single: Whether it lowers the loss of quality within the reference's latency, which is looked up; otherwise it
            lowers both until three students dominate.
        seeds: Runs, where fewer than are asked for.
        cap: Iterations at most.
    """

    name: str
    options: dict[str, Any] = field(default_factory=dict)
    is_single: bool = False
    seeds: int = 10**6
    cap: int = 500


SEARCHERS: dict[str, Row] = {
    "random": Row("random"),
    "evolution": Row("evolution", {"population": 20, "parents": 7, "mutants": 7, "crosses": 6}, is_single=True),
    "sdo": Row("sdo", {"optimizer": "adam", "rate": 0.3}, is_single=True),
    "nsga2": Row("nsga2"),
    "bayesian": Row("bayesian"),
    "firefly": Row("firefly"),
    "pymoo": Row("pymoo"),
    "optuna-nsga2": Row("optuna", {"sampler": "nsga2"}),
    "optuna-tpe": Row("optuna", {"sampler": "tpe"}, seeds=10),
    "optuna-gp": Row("optuna", {"sampler": "gp"}, seeds=5, cap=120),
    "botorch": Row("botorch", seeds=5, cap=120),
}
"""Searchers that are compared. The losses of a step of SDO differ by a few percent in one quality and by tens in the other:
Adam's steps do not depend on that."""
CAP = 500
"""Evaluations that a student counts as which is not found, the most that the paper's searches have."""
WINNERS = 7
"""Number of students that dominate MobileBERT in the paper (section 4.2)."""


@dataclass(frozen=True)
class Goal:
    """What is looked for.

    Attributes:
        table: The table.
        quality: Quality that counts beside latency.
        reference: Student to be dominated.
    """

    table: AutoDistillTable
    quality: str
    reference: Architecture

    def __hash__(self) -> int:
        return hash((self.quality, self.reference))

    @cached_property
    def winners(self) -> frozenset[Architecture]:
        """Students that dominate the reference."""
        return frozenset(self.table.space.parse(key) for key in self.table.dominating(self.quality, self.reference))


def goals() -> list[Goal]:
    """Returns MobileBERT's place by the paper's metric, and by perplexity a student that seven dominate as in the paper."""
    table = autodistill_table()
    return [
        Goal(table, "mlm_accuracy", table.reference),
        Goal(table, "perplexity", table.dominated_by(WINNERS, "perplexity")),
    ]


def evaluations(name: str, goal: Goal, seed: int) -> tuple[int, int]:
    """Returns the numbers of students that a searcher evaluated until it had found one, and three, of the winners."""
    order = list(dict.fromkeys(evaluated(name, goal, seed)))
    places = [number for number, arch in enumerate(order, 1) if arch in goal.winners]
    return (places[0] if places else CAP), (places[2] if len(places) > 2 else CAP)


def evaluated(name: str, goal: Goal, seed: int) -> list[Architecture]:
    """Returns the students that a searcher evaluates, in order, until three winners are found or the cap is reached."""
    objectives, table, row = goal.table.objectives(goal.quality, goal.reference), goal.table, SEARCHERS[name]
    common: dict[str, Any] = {
        "searcher": row.name, "seed": seed, "searcher_options": row.options, "iterations": row.cap,
    }  # fmt: skip
    if not row.is_single:
        study = search(table.space, objectives, dominate=3, batch=1, **common)
        return [trial.architecture for trial in study.completed]
    most = table.student(goal.reference).latency_s
    limit = Constraint(lambda arch: table.student(arch).latency_s, most=most, name="latency_s")
    sign = -1 if goal.quality != "perplexity" else 1
    loss = Minimize(lambda arch: sign * getattr(table.student(arch), goal.quality), goal.quality)
    study = search(table.space, [loss], [limit], **common)
    return [trial.architecture for trial in study.completed]
