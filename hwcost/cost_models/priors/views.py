"""How a new device is expected to resemble the sources, from how they resemble each other, before any row is known.

Each source in turn is taken for the new device and explained by the others. How far devices deviate is then the distribution
of settings under which the sources, left out, are most probable together: a nonparametric empirical Bayes estimate (Laird
1978, Nonparametric maximum likelihood estimation of a mixing distribution, JASA 73; Efron 2010, Large-Scale Inference,
section 1.1). Where one setting explains all of them it takes the weight; a source that deviates more than the others keeps
a setting of its own. It is made of the sources alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.priors.basis import SOURCE
from hwcost.cost_models.priors.experts import MEAN, NOISES, SETTINGS, Expert, experts, explain
from hwcost.cost_models.priors.noise import NORMAL, UNKNOWN_NOISE

PROBES = 32
"""Anchors on which a source that is left out is compared with the others."""

STEPS = 100
"""Steps of expectation and maximisation (Laird 1978), which stand still by then."""

LIKE_ONE, LIKE_ALL, LIKE_NONE = range(3)
"""Kinds of experts, which are the same whatever the number of sources."""


def learnt_views(columns: Floats, kinds: Codes, models: Sequence[CostModel]) -> Floats:
    """Returns the log probability of every expert and setting, shape (experts, settings); they sum to 1.

    Settings are learnt for each kind of expert: like one source, like all, like none. Every source counts once, and so does
    the possibility that the new device deviates unlike any before: all settings alike. Which expert it is, only the new
    device's rows can tell.

    Args:
        columns: Columns of the anchors, as :class:`hwcost.cost_models.priors.basis.Basis` gives them, shape (n, columns).
        kinds: Kind of every column, shape (columns,).
        models: Fitted models of the sources, in the order of their columns.
    """
    members = _kinds(experts(columns, kinds, _names(kinds)))
    found = []
    for left, model in enumerate(models if len(models) > 1 else []):
        others = np.delete(np.arange(columns.shape[1]), left)
        found.append(_likelihoods(columns[:, others], kinds[others], columns[:, left], model))
    shares = [_mixing(np.array([one[kind] for one in found if kind in one])) for kind in range(3)]
    return np.asarray(np.log(np.stack([shares[kind] for kind in members]) / len(members)))


def _mixing(likelihoods: Floats) -> Floats:
    """Returns the distribution of settings that makes n left-out sources, and one of even odds, most probable (settings,).

    Args:
        likelihoods: Likelihood of every source under every setting, relative to its best one, shape (n, settings).
    """
    even = np.full(len(SETTINGS), 1.0 / len(SETTINGS))
    shares = even
    for _ in range(STEPS if len(likelihoods) else 0):
        votes = likelihoods * shares
        votes /= votes.sum(axis=1, keepdims=True)
        shares = (votes.sum(axis=0) + even) / (len(votes) + 1.0)
    return shares


def _likelihoods(columns: Floats, kinds: Codes, values: Floats, model: CostModel) -> dict[int, Floats]:
    """Returns how well a left-out source is explained by each kind of expert in every setting, relative to the best one."""
    members = experts(columns, kinds, _names(kinds))
    rows, known = columns[:PROBES], values[:PROBES]
    logs = np.stack([explain(one, rows, known, np.ones(len(rows))).evidence for one in members]) + _faults(model)
    per_setting = np.logaddexp.reduce(logs, axis=2)
    numbers = _kinds(members)
    summed = {kind: np.logaddexp.reduce(per_setting[numbers == kind], axis=0) for kind in set(numbers.tolist())}
    return {kind: np.exp(one - one.max()) for kind, one in summed.items()}


def _faults(model: CostModel) -> Floats:
    """Log probability of every noise of a source's predictions: as good as none, up to as much as its rows had."""
    width = model.log_interval_half_width_
    most = UNKNOWN_NOISE if width is None else max(width / NORMAL, NOISES[0])
    return np.where(most >= NOISES, 0.0, -np.inf)


def _names(kinds: Codes) -> list[str]:
    return [str(i) for i in range(int((kinds == SOURCE).sum()))]


def _kinds(members: Sequence[Expert]) -> Indices:
    """Returns the kind of every expert, shape (experts,): the sources, the mean of several, and none."""
    kinds = [LIKE_ALL if one.name == MEAN else LIKE_ONE for one in members[:-1]]
    return np.array([*kinds, LIKE_NONE], dtype=np.intp)
