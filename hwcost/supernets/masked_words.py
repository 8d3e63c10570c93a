"""Whether a net has learnt from context: its loss for masked words, beside that of guessing by the frequencies of words.

A tenth of the words that are to be predicted stand in the text unchanged, and a net that sees no word but the one in its
place learns to repeat them, which lowers the mean loss of all of them by about half a nat. What is compared here are the
words behind ``[MASK]`` alone: of these nothing is known but their neighbours.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn
from torch.nn import functional

from hwcost.errors import DataError
from hwcost.supernets.masked_lm import asked, inputs
from hwcost.supernets.objective import device_of, moved

__all__ = ["MaskedWords", "masked_words"]

NORMAL_95 = 1.96
"""Half-width of a normal distribution's 95 % interval in standard deviations."""


@dataclass(frozen=True, slots=True)
class MaskedWords:
    """Loss of the words behind ``[MASK]``, in nats, of a net and of guessing by the frequencies of words.

    Attributes:
        loss: Mean cross-entropy of the net.
        unigram: Mean cross-entropy of the frequencies.
        gain_low: Lower end of the 95 % interval of the mean of their difference, word by word.
        words: Number of the words.
    """

    loss: float
    unigram: float
    gain_low: float
    words: int


def masked_words(
    net: nn.Module, batches: Iterable[dict[str, Any]], frequencies: NDArray[np.float64], mask: int
) -> MaskedWords:
    """Compares a net with the frequencies of words, on the words of held-out batches that it sees nothing of.

    Args:
        net: Net with a masked-language-model head.
        batches: Held-out batches.
        frequencies: Share of each word piece in the training text, above 0, (V,).
        mask: Number of the word piece ``[MASK]``.

    Raises:
        DataError: When fewer than two words are behind ``[MASK]``.
    """
    own: list[float] = []
    hidden: list[int] = []
    with torch.no_grad():
        for one in batches:
            batch = moved(one, device_of(net))
            positions, wanted = asked(batch)
            is_hidden = batch["input_ids"].flatten()[positions] == mask
            if is_hidden.any():
                logits = net(*inputs(batch), positions[is_hidden]).float()
                own += functional.cross_entropy(logits, wanted[is_hidden], reduction="none").tolist()
                hidden += wanted[is_hidden].tolist()
    if len(own) < 2:
        raise DataError(f"what a net has learnt shows on held-out batches with two masked words or more, got {len(own)}")
    unigram = -np.log(frequencies[hidden])
    gain = unigram - np.array(own)
    wide = NORMAL_95 * float(gain.std(ddof=1)) / len(gain) ** 0.5
    return MaskedWords(float(np.mean(own)), float(unigram.mean()), float(gain.mean()) - wide, len(own))
