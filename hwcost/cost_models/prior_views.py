"""How a new device is expected to resemble the sources, from how they resemble each other, before any row is known.

Each source in turn is taken for the new device and explained by the others. What it asks for, an expert and sizes of its
deviation, is one vote for what a new device will ask for: an empirical Bayes estimate of the distribution from which
devices are drawn (Efron 2010, Large-Scale Inference, section 1.1), made of the sources alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hwcost._types import Codes, Floats, Indices
from hwcost.cost_models.base import CostModel
from hwcost.cost_models.prior_basis import SOURCE
from hwcost.cost_models.prior_experts import MEAN, NOISES, SETTINGS, Expert, experts, explain
from hwcost.cost_models.prior_noise import NORMAL, UNKNOWN_NOISE

PROBES = 32
"""Anchors on which a source that is left out is compared with the others."""

LIKE_ONE, LIKE_ALL, LIKE_NONE = range(3)
"""Kinds of experts, which are the same whatever the number of sources."""


def learnt_views(columns: Floats, kinds: Codes, models: Sequence[CostModel]) -> Floats:
    """Returns the log probability of every expert and setting, shape (experts, settings); they sum to 1.

    Every source counts once, and so does the possibility that the new device is like none before: all views alike. Experts
    of one source share their kind's probability: which of the sources a device is like, only its rows can tell.

    Args:
        columns: Columns of the anchors, as :class:`hwcost.cost_models.prior_basis.Basis` gives them, shape (n, columns).
        kinds: Kind of every column, shape (columns,).
        models: Fitted models of the sources, in the order of their columns.
    """
    names = [str(i) for i in range(len(models))]
    members = _kinds(experts(columns, kinds, names))
    votes = [np.full((3, len(SETTINGS)), 1.0 / len(SETTINGS))]
    for left in range(len(names) if len(names) > 1 else 0):
        others = np.delete(np.arange(columns.shape[1]), left)
        votes.append(_vote(columns[:, others], kinds[others], columns[:, left], models[left]))
    shares = np.mean(votes, axis=0)
    return np.asarray(np.log(shares[members] / len(members)))


def _vote(columns: Floats, kinds: Codes, values: Floats, model: CostModel) -> Floats:
    """Returns what one source asks of the others: the probability of every kind and setting, shape (3, settings)."""
    members = experts(columns, kinds, [str(i) for i in range(int((kinds == SOURCE).sum()))])
    rows, values = columns[:PROBES], values[:PROBES]
    logs = np.stack([explain(one, rows, values, np.ones(len(rows))).evidence for one in members]) + _faults(model)
    shares = np.exp(logs - logs.max(axis=(1, 2), keepdims=True)).sum(axis=2)
    vote = np.zeros((3, len(SETTINGS)))
    np.add.at(vote, _kinds(members), shares)
    total = vote.sum(axis=1, keepdims=True)
    return np.where(total > 0.0, vote / np.maximum(total, 1e-300), 1.0 / len(SETTINGS))


def _faults(model: CostModel) -> Floats:
    """Log probability of every noise of a source's predictions: as good as none, up to as much as its rows had."""
    width = model.log_interval_half_width_
    most = UNKNOWN_NOISE if width is None else max(width / NORMAL, NOISES[0])
    return np.where(most >= NOISES, 0.0, -np.inf)


def _kinds(members: Sequence[Expert]) -> Indices:
    """Returns the kind of every expert, shape (experts,): the sources, the mean of several, and none."""
    kinds = [LIKE_ALL if one.name == MEAN else LIKE_ONE for one in members[:-1]]
    return np.array([*kinds, LIKE_NONE], dtype=np.intp)
