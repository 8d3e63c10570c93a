"""A chain of hidden states over time that either stays as it is or is drawn anew: probabilities of its states, both ways.

Whether a neighbour computes is not seen; only how slow calls are meanwhile. From one moment to the next the state stays,
with a probability that falls with the time between them, or is drawn from fixed shares, the same state included.

Source: the forward and backward recursions of hidden Markov models (Rabiner 1989, section III), in the form that they
take for this transition matrix, which costs as much per moment as there are states.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from hwcost._types import Floats

STRETCH = 128
"""Moments of a stretch of the chain."""

OVERLAP = 32
"""Moments beyond a stretch that are looked at for it."""

STRETCHES = 256
"""Stretches that are in memory at a time: some 100 MB with 50 states."""


@dataclass(frozen=True, slots=True)
class StateChain:
    """What the observations say of the states.

    Attributes:
        probability: Probability of every state at every moment, given all observations, shape (n, states).
        draws: Expected number of times that each state was drawn, the first moment included, shape (states,).
        redraws: Expected number of moments, after the first, at which the state was drawn anew.
        log_likelihood: Log density of all observations.
    """

    probability: Floats
    draws: Floats
    redraws: float
    log_likelihood: float


def fit_chain(log_density: Floats, stay: Floats, share: Floats) -> StateChain:
    """Runs both recursions, on many stretches of the chain at once.

    Every stretch begins ``OVERLAP`` moments early and ends as many late, so that what lies beyond is forgotten where it
    counts. Of a long chain, ``STRETCHES`` are in memory at a time.

    Args:
        log_density: Log density of each moment's observations in every state, shape (n, states).
        stay: Probability that the state is still that of the moment before, shape (n,); the first is not used.
        share: Probability of every state when it is drawn, shape (states,).
    """
    size = STRETCH * STRETCHES
    parts = [_part(log_density, stay, share, first, first + size) for first in range(0, len(log_density), size)]
    probability = parts[0].probability if len(parts) == 1 else np.concatenate([part.probability for part in parts])
    draws = np.sum([part.draws for part in parts], axis=0)
    log_likelihood = math.fsum(part.log_likelihood for part in parts)
    return StateChain(probability, draws + probability[0], float(draws.sum()), log_likelihood)


def _part(log_density: Floats, stay: Floats, share: Floats, first: int, end: int) -> StateChain:
    """Runs both recursions on a part of the chain; its draws are those after the first moment of all.

    Args:
        log_density: Log density of all moments, shape (n, states).
        stay: Probability that the state is still that of the moment before, shape (n,).
        share: Probability of every state when it is drawn, shape (states,).
        first: First moment of the part.
        end: Moment behind its last one; the chain may end before.
    """
    n, states = log_density.shape
    end = min(end, n)
    at = np.arange(-OVERLAP, STRETCH + OVERLAP)[:, None] + np.arange(first, end, STRETCH)
    is_inside = (at >= 0) & (at < n)
    at = np.clip(at, 0, n - 1)
    near = slice(max(0, first - OVERLAP), end + STRETCH + OVERLAP)
    top = log_density[near].max(axis=1)
    density = np.exp(log_density[near] - top[:, None])[at - near.start]
    density[~is_inside] = 1.0
    is_kept = is_inside & (at > 0)
    kept = np.where(is_kept, stay[at], 0.0)
    core = slice(OVERLAP, OVERLAP + STRETCH)
    counted = np.zeros(at.shape)
    counted[core] = is_kept[core]
    forward, scale = _forward(density, kept, share)
    backward, draws = _backward(density, kept, share, scale, counted)
    probability = (forward[core] * backward[core]).swapaxes(0, 1).reshape(-1, states)[: end - first]
    probability /= probability.sum(axis=1, keepdims=True)
    own = top[first - near.start : end - near.start]
    log_likelihood = float(np.log(scale[core].T.ravel()[: end - first]).sum() + own.sum())
    return StateChain(probability, draws, float(draws.sum()), log_likelihood)


def _forward(density: Floats, stay: Floats, share: Floats) -> tuple[Floats, Floats]:
    """Returns the probability of every state given the observations so far, and the density of each given those before.

    Args:
        density: Density of each moment's observations, shape (moments, stretches, states).
        stay: Probability that the state is that of the moment before, shape (moments, stretches).
        share: Probability of every state when it is drawn, shape (states,).
    """
    forward, scale = np.empty_like(density), np.empty(density.shape[:2])
    state, drawn = np.broadcast_to(share, density[0].shape), np.empty_like(density[0])
    for now, seen, total, kept, anew in zip(forward, density, scale, stay[:, :, None], 1.0 - stay[:, :, None], strict=True):
        state = np.multiply(kept, state, out=now)
        state += np.multiply(anew, share, out=drawn)
        state *= seen
        np.add.reduce(state, axis=1, out=total)
        state /= total[:, None]
    return forward, scale


def _backward(density: Floats, stay: Floats, share: Floats, scale: Floats, counted: Floats) -> tuple[Floats, Floats]:
    """Returns the density of later observations given every state, and the expected number of times each was drawn.

    It ends where a stretch's own moments begin, the first ``OVERLAP`` of the array being for the other recursion only.

    Args:
        density: Density of each moment's observations, shape (moments, stretches, states).
        stay: Probability that the state is that of the moment before, shape (moments, stretches).
        share: Probability of every state when it is drawn, shape (states,).
        scale: Density of each observation given those before, shape (moments, stretches).
        counted: 1 for the moments whose draws count, else 0, shape (moments, stretches).
    """
    backward, draws, seen = np.empty_like(density), np.zeros(len(share)), np.empty_like(density[0])
    backward[-1] = 1.0
    redrawn = 1.0 - stay
    weight, stays, totals = counted * redrawn, stay[:, :, None], scale[:, :, None]
    for k in range(len(density) - 1, OVERLAP - 1, -1):
        np.multiply(density[k], backward[k], out=seen)
        seen /= totals[k]
        if k < OVERLAP + STRETCH:
            draws += weight[k] @ seen
        earlier = np.multiply(stays[k], seen, out=backward[k - 1])
        earlier += (redrawn[k] * (seen @ share))[:, None]
    return backward, share * draws
