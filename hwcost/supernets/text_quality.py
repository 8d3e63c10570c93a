"""Quality of a pre-trained net on held-out text: perplexity and accuracy of masked words, accuracy of next sentences."""

from __future__ import annotations

import itertools
import math
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

import torch
from torch import nn
from torch.nn import functional

from hwcost.errors import DataError
from hwcost.supernets.masked_lm import asked, inputs
from hwcost.supernets.objective import device_of, moved
from hwcost.supernets.process_group import here

__all__ = ["TextQuality", "text_quality"]


@dataclass(frozen=True, slots=True)
class TextQuality:
    """Quality on held-out text.

    Attributes:
        perplexity: Exponential of the mean cross-entropy of all masked words.
        mlm_accuracy: Share of the masked words whose likeliest prediction is right (AutoDistill, Table 2).
        nsp_accuracy: Share of the pairs of segments that are classified rightly (AutoDistill, section 4.1); None where the
            net has no classifier of next sentences, or the batches have no pairs.
    """

    perplexity: float
    mlm_accuracy: float
    nsp_accuracy: float | None


def text_quality(net: nn.Module, batches: Iterable[dict[str, Any]], next_sentence: nn.Module | None = None) -> TextQuality:
    """Returns the quality of a net on held-out batches.

    Called by every process of torch's default process group, it divides the batches among them.

    Args:
        net: Net with a masked-language-model head.
        batches: Held-out batches, see :class:`hwcost.corpora.MlmBatches`.
        next_sentence: Classifier of the first token's hidden state, (n, h) to (n, 2); None for a net without one.

    Raises:
        DataError: When nothing is to be predicted in the batches.
    """
    loss, words, right, pairs, right_pairs, group = 0.0, 0.0, 0.0, 0.0, 0.0, here()
    with torch.no_grad():
        for one in itertools.islice(batches, group.rank, None, group.count):
            batch = moved(one, device_of(net))
            positions, labels = asked(batch)
            hidden = net.encode(*inputs(batch))
            if len(labels):
                logits = net.head(hidden.flatten(0, 1)[positions], net.embeddings.word.weight).float()
                loss += len(labels) * float(functional.cross_entropy(logits, labels))
                words += len(labels)
                right += int((logits.argmax(-1) == labels).sum())
            if next_sentence is not None and "is_next" in batch:
                pairs += len(batch["is_next"])
                right_pairs += int((next_sentence(hidden[:, 0]).argmax(-1) == batch["is_next"]).sum())
    loss, words, right, pairs, right_pairs = group.added([loss, words, right, pairs, right_pairs], device_of(net))
    if not words:
        raise DataError("the quality of a net needs held-out batches with masked tokens; there are none")
    return TextQuality(math.exp(loss / words), right / words, right_pairs / pairs if pairs else None)
