"""Whether a net has learnt from context: nets that know nothing, that repeat what they see, and that see the neighbours."""

# ruff: noqa: E402 - nothing below can be imported without the optional package

from __future__ import annotations

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import DataError
from hwcost.supernets.masked_words import masked_words

pytestmark = pytest.mark.torch

PIECES, MASK = 24, 4
FREQUENCIES = np.r_[np.full(5, 1e-6), np.arange(1.0, 20)]
FREQUENCIES /= FREQUENCIES.sum()


def batches(count: int = 6, masked: float = 0.8) -> list[dict[str, np.ndarray]]:
    """Text in which the word before each that is to be predicted is the same as it."""
    rng, found = np.random.default_rng(1), []
    for _ in range(count):
        words = np.repeat(rng.choice(PIECES, (8, 8), p=FREQUENCIES).clip(5), 2, axis=1)
        labels = np.where(np.arange(16) % 2 == 1, words, -100)
        ids = np.where((labels >= 0) & (rng.random(words.shape) < masked), MASK, words)
        found.append({
            "input_ids": ids, "labels": labels, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids),
        })  # fmt: skip
    return found


class Guess(torch.nn.Module):
    """Guesses by frequencies; or repeats the word that it sees, in the place itself or in the one before it."""

    def __init__(self, back: int | None = None) -> None:
        super().__init__()
        self.logits = torch.nn.Parameter(torch.from_numpy(np.log(FREQUENCIES)).float())
        self.back = back

    def forward(self, ids, mask, types, positions):
        guessed = self.logits.expand(len(positions), -1).clone()
        if self.back is not None:
            seen = ids.flatten()[positions - self.back]
            rows = torch.arange(len(seen))[seen != MASK]
            guessed[rows, seen[rows]] += 9
        return guessed


def test_guessing_by_frequencies_gains_nothing() -> None:
    found = masked_words(Guess(), batches(), FREQUENCIES, MASK)
    assert found.loss == pytest.approx(found.unigram, rel=1e-5)
    assert found.gain_low <= 1e-6


def test_the_frequencies_loss_is_that_of_the_words_that_are_hidden() -> None:
    text = batches()
    hidden = [int(word) for one in text for word in one["labels"][one["input_ids"] == MASK]]
    found = masked_words(Guess(), text, FREQUENCIES, MASK)
    assert found.words == len(hidden)
    assert found.unigram == pytest.approx(-np.mean(np.log(FREQUENCIES[hidden])))


def test_repeating_the_word_in_the_place_itself_is_no_gain() -> None:
    """It lowers the loss of all words that are to be predicted, a fifth of which are seen here."""
    assert masked_words(Guess(back=0), batches(), FREQUENCIES, MASK).gain_low <= 1e-6


def test_repeating_a_neighbour_is() -> None:
    found = masked_words(Guess(back=1), batches(), FREQUENCIES, MASK)
    assert 0 < found.gain_low < found.unigram - found.loss


def test_text_without_masked_words_tells_nothing() -> None:
    with pytest.raises(DataError, match="two masked words or more, got 0"):
        masked_words(Guess(), batches(masked=0.0), FREQUENCIES, MASK)
