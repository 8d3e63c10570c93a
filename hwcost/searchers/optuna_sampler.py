"""Optuna's samplers as a searcher; needs the extra ``search``.

Ordered genes are integers, so that a sampler knows which choices are near. Optuna asks again for what it knows; the study
then reports the known values, without evaluating anew.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from hwcost._extras import imported
from hwcost.errors import UnknownNameError
from hwcost.searchers.adapters import Adapter
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

SAMPLERS: dict[str, tuple[str, dict[str, Any]]] = {
    "tpe": ("TPESampler", {"multivariate": True}),
    "gp": ("GPSampler", {}),
    "nsga2": ("NSGAIISampler", {"population_size": 20}),
}
"""Class in Optuna and its options, by name; multivariate TPE models genes together, which its default does not."""


class OptunaSampler(Adapter):
    """Asks a sampler of Optuna's.

    Args:
        problem: Problem with any number of objectives.
        seed: Seed of all random draws.
        sampler: Name of the sampler: ``tpe``, ``gp`` (needs torch) or ``nsga2``.

    Raises:
        MissingExtraError: When Optuna is not installed.
        UnknownNameError: When the sampler is unknown.
    """

    name = "optuna"

    def __init__(self, problem: Problem, seed: int = 0, *, sampler: str = "tpe") -> None:
        if sampler not in SAMPLERS:
            raise UnknownNameError("sampler of Optuna", sampler, SAMPLERS)
        self.sampler = sampler
        super().__init__(problem, seed)

    def _begin(self) -> None:
        optuna = _optuna()
        kind, options = SAMPLERS[self.sampler]
        sampler = getattr(optuna.samplers, kind)(seed=self.seed, **options)
        directions = ["minimize"] * len(self.problem.objectives)
        with _only_errors(optuna.logging):
            self._study = optuna.create_study(directions=directions, sampler=sampler)
        self._distributions = {
            gene.name: optuna.distributions.CategoricalDistribution(list(range(size)))
            if gene.categorical
            else optuna.distributions.IntDistribution(0, size - 1)
            for gene, size in zip(self.problem.space.genes, self.problem.sizes.tolist(), strict=True)
        }
        self._asked: dict[tuple[int, ...], list[Any]] = {}

    def _propose(self) -> list[int]:
        with _only_errors(_optuna().logging):
            trial = self._study.ask(self._distributions)
        codes = [int(trial.params[name]) for name in self._distributions]
        self._asked.setdefault(tuple(codes), []).append(trial)
        return codes

    def _learn(self, codes: list[int], losses: list[float] | None) -> None:
        trials = _optuna().trial
        state = trials.TrialState.FAIL if losses is None else trials.TrialState.COMPLETE
        waiting = self._asked.get(tuple(codes))
        if waiting:
            self._study.tell(waiting.pop(0), losses, state=state)
            return
        params = dict(zip(self._distributions, codes, strict=True))
        known = trials.create_trial(params=params, distributions=self._distributions, values=losses, state=state)
        self._study.add_trial(known)


def as_objective(problem: Problem) -> Any:
    """Returns a function of an Optuna trial that values a problem's objectives, for studies that Optuna itself runs.

    ``optuna.create_study(directions=["minimize"]).optimize(as_objective(problem), n_trials=100)``. Infeasible architectures
    are pruned. Losses are minimised, also where the objective is maximised.

    Args:
        problem: Objectives, and constraints that can be checked beforehand.
    """

    def objective(trial: Any) -> float | tuple[float, ...]:
        codes = [
            trial.suggest_categorical(gene.name, list(range(size)))
            if gene.categorical
            else trial.suggest_int(gene.name, 0, size - 1)
            for gene, size in zip(problem.space.genes, problem.sizes.tolist(), strict=True)
        ]
        one = Candidates(problem.space, [codes])
        if not problem.feasible(one)[0]:
            raise _optuna().TrialPruned("it violates a constraint")
        losses = [float(each.sign * each.values(one)[0]) for each in problem.objectives]
        return losses[0] if len(losses) == 1 else tuple(losses)

    return objective


@contextmanager
def _only_errors(optuna_logging: Any) -> Iterator[None]:
    """Silences what Optuna logs about a new study; the level that the user set is restored."""
    before = optuna_logging.get_verbosity()
    optuna_logging.set_verbosity(max(before, optuna_logging.ERROR))
    try:
        yield
    finally:
        optuna_logging.set_verbosity(before)


def _optuna() -> Any:
    return imported("optuna", "search")
