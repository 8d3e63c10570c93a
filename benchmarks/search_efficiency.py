"""How many students must a searcher look at until it has found one, and three, that dominate the reference?

AutoDistill's comparison (Zhang et al., section 4.3, Figure 3) on a problem with known answers,
``studies.search_problem``: 576 students, of which exactly seven dominate, in several instances, smooth and rugged.
Also how long a suggestion takes.

Run: ``python benchmarks/search_efficiency.py [--seeds 30] [--only NAMES]``: own searchers in two minutes; those of other
libraries, where they are installed, in some twenty more.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from studies.search_problem import RUGGED, SMOOTH, SearchProblem

from hwcost.errors import MissingExtraError
from hwcost.searchers import Problem, Trial, searcher
from hwcost.study import search

INSTANCES = 5
CAP = 500
"""Iterations after which a run that has not found three counts as this many; as in the paper."""
VALID_FIRST, VALID_THREE = (60, 90), (190, 245)
"""Mean evaluations of random search without replacement between which an instance is worth searching."""
RANDOM_SEEDS = 200


@dataclass(frozen=True)
class Row:
    """A way to search.

    Attributes:
        label: Name of the row in the table.
        name: Name of the searcher.
        options: Options of the searcher.
        known_latency: Whether latency is a table that may be looked into.
        seeds: Runs, if fewer than are asked for.
        cap: Iterations at most.
    """

    label: str
    name: str
    options: dict[str, Any]
    known_latency: bool = False
    seeds: int = 10**6
    cap: int = CAP


ROWS = {
    "bayesian-known": Row("own Bayesian, dominate, latency known", "bayesian", {}, True),
    "bayesian": Row("own Bayesian, dominate", "bayesian", {}),
    "bayesian-front": Row("own Bayesian, exact EHVI", "bayesian", {"goal": "front"}, cap=200),
    "botorch": Row("BoTorch qLogNEHVI, listed", "botorch", {}, seeds=5, cap=120),
    "optuna-gp": Row("Optuna GPSampler", "optuna", {"sampler": "gp"}, seeds=5, cap=120),
    "optuna-tpe": Row("Optuna TPE multivariate", "optuna", {"sampler": "tpe"}, seeds=10),
    "optuna-nsga2": Row("Optuna NSGA-II, 20", "optuna", {"sampler": "nsga2"}),
    "pymoo": Row("pymoo NSGA-II, 20", "pymoo", {}),
    "nsga2": Row("own NSGA-II, 20", "nsga2", {}),
    "firefly": Row("firefly, 20", "firefly", {}),
    "random": Row("random without replacement", "random", {}),
}
TIMED = (25, 100)
"""Number of trials that a searcher has learned from before one of its suggestions is timed."""


def instances(ruggedness: float) -> list[SearchProblem]:
    """Returns the first instances that are valid, by random search alone; prints how it fares on each."""
    found: list[SearchProblem] = []
    seed = 0
    while len(found) < INSTANCES:
        problem = SearchProblem(ruggedness, seed)
        first, three = random_search(problem)
        valid = len(problem.winners) == 7 and within(first, VALID_FIRST) and within(three, VALID_THREE)
        print(f"  instance {seed}, sd {ruggedness}: {len(problem.winners)} winners, random {first:.0f} / {three:.0f}"
              f"{'' if valid else ': not valid'}")
        found += [problem] if valid else []
        seed += 1
    return found


def random_search(problem: SearchProblem) -> tuple[float, float]:
    """Returns the mean iterations to one and to three winners, of many random orders."""
    winners = set(problem.winners)
    marks = np.array([arch in winners for arch in problem.everything.architectures])
    orders = [np.random.default_rng([9, seed]).permutation(len(marks)) for seed in range(RANDOM_SEEDS)]
    places = [np.flatnonzero(marks[order]) + 1 for order in orders]
    return float(np.mean([row[0] for row in places])), float(np.mean([row[2] for row in places]))


def within(value: float, ends: tuple[float, float]) -> bool:
    """Whether a value lies in a closed range."""
    return ends[0] <= value <= ends[1]


def runs(row: Row, problems: list[SearchProblem], seeds: int) -> dict[str, Any]:
    """Searches with several seeds, and says how soon winners were found."""
    first, three, unique, repeats, capped = [], [], [], [], 0
    for seed in range(min(seeds, row.seeds)):
        problem = problems[seed % len(problems)]
        study = search(
            problem.everything.space, problem.objectives(row.known_latency), searcher=row.name, dominate=3,
            iterations=row.cap, seed=seed, batch=1, searcher_options=row.options,
        )  # fmt: skip
        places = [trial.number + 1 for trial in study.dominating]
        first.append(places[0] if places else CAP)
        three.append(places[2] if len(places) > 2 else CAP)
        capped += len(places) < 3
        unique.append(study.evaluations)
        repeats.append(1 - study.evaluations / study.iterations)
    return {
        "runs": len(first), "first": summary(first), "three": summary(three), "capped": capped,
        "unique": float(np.mean(unique)), "repeats": float(np.mean(repeats)),
    }  # fmt: skip


def summary(values: list[int]) -> dict[str, float]:
    """Returns mean, median and 90th percentile."""
    return {"mean": float(np.mean(values)), "median": float(np.median(values)), "p90": float(np.percentile(values, 90))}


def suggestion_ms(row: Row, problem: SearchProblem) -> Iterator[float]:
    """Yields the median milliseconds of a suggestion after so many trials."""
    for known in TIMED:
        of = Problem(problem.everything.space, problem.objectives(row.known_latency))
        made = searcher(row.name, of, 0, **row.options)
        archs = problem.everything.space.sample(known, seed=5)
        made.tell([Trial(arch, values=tuple(float(one.value(arch)) for one in of.objectives)) for arch in archs])
        spent = []
        for _ in range(12):
            start = time.perf_counter()
            asked = made.ask(1)
            spent.append(1e3 * (time.perf_counter() - start))
            made.tell([Trial(arch, values=tuple(float(one.value(arch)) for one in of.objectives)) for arch in asked])
        yield float(np.mean(spent))


def main() -> None:
    """Prints the table, and keeps it where it is asked to."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", type=int, default=30)
    parser.add_argument("--only", nargs="+", choices=ROWS, default=list(ROWS))
    parser.add_argument("--json", type=Path, help="keep the numbers here")
    arguments = parser.parse_args()
    problems = {name: instances(sd) for name, sd in (("smooth", SMOOTH), ("rugged", RUGGED))}
    table: dict[str, Any] = {}
    print(f"{'searcher':<40}{'first':>17}{'three':>23}{'capped':>8}{'unique':>8}{'repeats':>9}{'ms at 25 / 100':>17}")
    for key in arguments.only:
        row, table[key] = ROWS[key], {}
        for kind, own in problems.items():
            try:
                found = runs(row, own, arguments.seeds)
            except MissingExtraError as error:
                print(f"{row.label:<40}  {error}")
                break
            found["ms"] = list(suggestion_ms(row, own[0]))
            table[key][kind] = found
            first, three = found["first"], found["three"]
            print(
                f"{row.label + ', ' + kind:<46}{first['mean']:>5.1f} ({first['median']:.0f}){three['mean']:>9.1f} "
                f"({three['median']:.0f}, {three['p90']:.0f}){found['capped']:>5}/{found['runs']}{found['unique']:>8.1f}"
                f"{100 * found['repeats']:>7.0f} %{found['ms'][0]:>9.1f} / {found['ms'][1]:.1f}",
                flush=True,
            )
    if arguments.json:
        arguments.json.parent.mkdir(parents=True, exist_ok=True)
        arguments.json.write_text(json.dumps(table, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    sys.exit(main())
