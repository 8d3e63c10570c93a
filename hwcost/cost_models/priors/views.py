"""How a new device is expected to resemble the sources, from how they resemble each other, before any row is known.

Each source in turn is taken for the new device and explained by the others. How far devices deviate is then the distribution
of settings under which the sources, left out, are most probable together: a nonparametric empirical Bayes estimate (Laird
1978, Nonparametric maximum likelihood estimation of a mixing distribution, JASA 73; Efron 2010, Large-Scale Inference,
section 1.1). Where one setting explains all of them it takes the weight; a source that deviates more than the others keeps
a setting of its own. The same says how often a device is like one other, like the mean of all, or like none. It is made of the
sources alone.
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

KINDS = 3
LIKE_ONE, LIKE_ALL, LIKE_NONE = range(KINDS)
"""Kinds of experts, which are the same whatever the number of sources."""


def learnt_views(columns: Floats, kinds: Codes, models: Sequence[CostModel]) -> Floats:
    """Returns the log probability of every expert and setting, shape (experts, settings); they sum to 1.

    Settings are learnt for each kind of expert: like one source, like all, like none; then how often devices are of each
    kind. Every source counts once, and so does the possibility that the new device is unlike any before: all settings
    alike, and all experts. Which one of a kind it is, only the new device's rows can tell.

    Args:
        columns: Columns of the anchors, as :class:`hwcost.cost_models.priors.basis.Basis` gives them, shape (n, columns).
        kinds: Kind of every column, shape (columns,).
        models: Fitted models of the sources, in the order of their columns.
    """
    members = _kinds(experts(columns, kinds, _names(kinds)))
    counts = np.bincount(members, minlength=KINDS)
    found = []
    for left, model in enumerate(models if len(models) > 1 else []):
        others = np.delete(np.arange(columns.shape[1]), left)
        found.append(_likelihoods(columns[:, others], kinds[others], columns[:, left], model))
    logs = np.array(found).reshape(-1, KINDS, len(SETTINGS))
    even = np.full(len(SETTINGS), 1.0 / len(SETTINGS))
    shares = np.stack([_mixing(_relative(logs[:, kind]), even) for kind in range(KINDS)])
    odds = _mixing(_relative(np.logaddexp.reduce(logs + np.log(shares), axis=2)), counts / counts.sum())
    return np.asarray(np.log(shares[members] * (odds[members] / counts[members])[:, None]))


def _mixing(likelihoods: Floats, before: Floats) -> Floats:
    """Returns the distribution that makes n left-out sources, and one of given odds, most probable (choices,).

    Args:
        likelihoods: Likelihood of every source under every choice, relative to its best one, shape (n, choices).
        before: Odds of the choices where no source says anything, and of the one more; shape (choices,).
    """
    shares = before
    for _ in range(STEPS if len(likelihoods) else 0):
        votes = likelihoods * shares
        votes /= votes.sum(axis=1, keepdims=True)
        shares = (votes.sum(axis=0) + before) / (len(votes) + 1.0)
    return shares


def _relative(logs: Floats) -> Floats:
    """Returns the likelihoods (n, choices) of log likelihoods, relative to the best of each row."""
    return np.asarray(np.exp(logs - logs.max(axis=1, keepdims=True)))


def _likelihoods(columns: Floats, kinds: Codes, values: Floats, model: CostModel) -> Floats:
    """Returns the log likelihood of a left-out source for each kind of expert in every setting, shape (kinds, settings).

    It is the mean over the experts of a kind. Where one source is left, it is the mean of all.
    """
    members = experts(columns, kinds, _names(kinds))
    rows, known = columns[:PROBES], values[:PROBES]
    logs = np.stack([explain(one, rows, known, np.ones(len(rows))).evidence for one in members]) + _faults(model)
    per_setting, numbers = np.logaddexp.reduce(logs, axis=2), _kinds(members)
    of_kinds = [numbers == (kind if kind in numbers else LIKE_ONE) for kind in range(KINDS)]
    return np.stack([np.logaddexp.reduce(per_setting[of], axis=0) - np.log(of.sum()) for of in of_kinds])


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
