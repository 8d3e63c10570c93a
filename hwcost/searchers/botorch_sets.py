"""BoTorch as a searcher, for batches, noise and spaces too large to be listed; needs the extra ``bo``.

Gaussian processes of BoTorch's, fitted anew at every ask; noisy expected hypervolume improvement (or noisy expected
improvement) over the listed architectures, with what is pending taken into account.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

import numpy as np

from hwcost._extras import imported
from hwcost.errors import UsageError
from hwcost.searchers.bayesian import Bayesian
from hwcost.searchers.operators import unit
from hwcost.searchers.problem import Problem
from hwcost.spaces.candidates import Candidates

SAMPLES = 128
"""Samples of the posterior, for the expectation."""


class BotorchSets(Bayesian):
    """Bayesian search with BoTorch's models and acquisitions in the place of our own.

    Args:
        problem: Problem with any number of objectives; none is taken as known.
        seed: Seed of all random draws.
        initial: Number of trials before anything is modelled.

    Raises:
        MissingExtraError: When BoTorch is not installed.
    """

    name = "botorch"

    def __init__(self, problem: Problem, seed: int = 0, *, initial: int = 10) -> None:
        _botorch("models")
        super().__init__(problem, seed, initial=initial, goal="front")

    def _best(self, candidates: Candidates, n: int, rng: np.random.Generator) -> list[int]:
        import torch

        x, y, violations = self._data()
        if not (violations == 0).any():
            raise UsageError("botorch needs a feasible trial to begin with; raise initial=")
        kept = violations == 0
        at = torch.tensor(unit(candidates.codes, self.problem.sizes), dtype=torch.double)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(int(rng.integers(2**31)))
            acquisition = self._acquisition(torch, torch.tensor(x[kept]), -torch.tensor(y[kept]))
            found, _ = _botorch("optim").optimize_acqf_discrete(acquisition, q=n, choices=at, unique=True)
        rows = [int((at == row).all(dim=1).nonzero()[0]) for row in found]
        return list(dict.fromkeys(rows))

    def _acquisition(self, torch: Any, x: Any, y: Any) -> Any:
        models, fit, likelihoods = _botorch("models"), _botorch("fit"), import_module("gpytorch.mlls")
        transforms = _botorch("models.transforms.outcome")
        columns = [column[:, None] for column in y.unbind(dim=1)]
        own = [models.SingleTaskGP(x, column, outcome_transform=transforms.Standardize(1)) for column in columns]
        model = models.ModelListGP(*own) if len(own) > 1 else own[0]
        mll = likelihoods.SumMarginalLogLikelihood if len(own) > 1 else likelihoods.ExactMarginalLogLikelihood
        fit.fit_gpytorch_mll(mll(model.likelihood, model))
        sampler = _botorch("sampling").SobolQMCNormalSampler(torch.Size([SAMPLES]))
        pending = self._pending()
        waiting = torch.tensor(unit(pending, self.problem.sizes)) if len(pending) else None
        common = {"X_baseline": x, "sampler": sampler, "X_pending": waiting, "prune_baseline": True}
        if len(own) == 1:
            return _botorch("acquisition.logei").qLogNoisyExpectedImprovement(model, **common)
        references = self.references
        corner = -references if references is not None else y.min(dim=0).values.numpy()
        return _botorch("acquisition.multi_objective.logei").qLogNoisyExpectedHypervolumeImprovement(
            model, ref_point=np.asarray(corner).tolist(), **common
        )


def _botorch(module: str) -> Any:
    return imported(f"botorch.{module}", "bo")
