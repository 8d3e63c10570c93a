"""Chooses the tokens that a model is to predict, and hides most of them.

Source: Devlin et al., "BERT", section 3.1 and appendix A.1: 15 % of the tokens; of these 80 % become ``[MASK]``, 10 % a
random token, 10 % stay as they are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hwcost.corpora.tokenizer import Tokenizer

IGNORED = -100
"""Label of what is not to be predicted; torch's cross entropy leaves it out."""

MASKED, SWAPPED = 0.8, 0.1
"""Shares of the chosen tokens that become ``[MASK]``, and a random token."""


class Masking:
    """The rule by which batches are masked.

    Args:
        tokenizer: Tokenizer, which has the special tokens; of them only ``[UNK]`` is ever chosen, where a row has no other.
        probability: Chance of each token of text to be chosen. Where none of a row is, one is chosen all the same.
    """

    def __init__(self, tokenizer: Tokenizer, probability: float) -> None:
        self._tokenizer = tokenizer
        self._probability = probability
        self._ordinary = np.setdiff1d(np.arange(tokenizer.size), tokenizer.specials)

    def apply(
        self, input_ids: NDArray[np.int64], rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Masks a batch.

        Args:
            input_ids: Shape (rows, seq_len); every row with a token of text.
            rng: Source of chance.

        Returns:
            The model's input, and the labels: the true token where it is to be predicted, ``IGNORED`` elsewhere. Both of
            the shape of the input.
        """
        chosen = self._chosen(input_ids, rng)
        fate = rng.random(input_ids.shape)
        swapped = np.where(fate < MASKED + SWAPPED, rng.choice(self._ordinary, input_ids.shape), input_ids)
        hidden = np.where(fate < MASKED, self._tokenizer.mask, swapped)
        return np.where(chosen, hidden, input_ids), np.where(chosen, input_ids, IGNORED)

    def _chosen(self, input_ids: NDArray[np.int64], rng: np.random.Generator) -> NDArray[np.bool_]:
        """Chooses the tokens whose score lies below the probability, and the lowest of each row in any case."""
        scores = rng.random(input_ids.shape)
        unknown = input_ids == self._tokenizer.unknown
        scores[unknown] += 1
        scores[np.isin(input_ids, self._tokenizer.specials) & ~unknown] = np.inf
        chosen = scores < self._probability
        chosen[np.arange(len(scores)), scores.argmin(axis=1)] = True
        return chosen
