"""BERT's rule of masking: which tokens are chosen, and what becomes of them."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora.masking import IGNORED, Masking
from tests.corpora.synthetic import Words, synthetic

WORDS = Words(synthetic(documents=40))
ORDINARY = sorted(WORDS.vocabulary.values())


def row(length: int, padding: int = 0) -> list[int]:
    text = [ORDINARY[number % len(ORDINARY)] for number in range(length)]
    return [WORDS.start, *text, WORDS.separator, *[WORDS.pad] * padding]


def masked(rows: list[list[int]], probability: float = 0.15, seed: int = 0) -> tuple[np.ndarray, np.ndarray]:
    masking = Masking(WORDS, probability)  # type: ignore[arg-type]
    return masking.apply(np.array(rows), np.random.default_rng(seed))


def near(share: float, n: int) -> object:
    return pytest.approx(share, abs=4 * (share * (1 - share) / n) ** 0.5)


@pytest.mark.parametrize("probability", [0.15, 0.4])
def test_frequencies(probability: float) -> None:
    original = np.array([row(200)] * 400)
    seen, labels = masked(original.tolist(), probability)
    chosen = labels != IGNORED
    count = chosen.sum()
    assert count / 80_000 == near(probability, 80_000)
    assert (seen[chosen] == WORDS.mask).mean() == near(0.8, count)
    unchanged = seen[chosen] == original[chosen]
    assert unchanged.mean() == near(0.1 + 0.1 / len(ORDINARY), count)
    assert ((seen[chosen] != WORDS.mask) & ~unchanged).mean() == near(0.1, count)


def test_random_tokens_are_any_but_special_ones() -> None:
    original = np.array([row(200)] * 800)
    seen, labels = masked(original.tolist(), 0.9)
    swapped = seen[(labels != IGNORED) & (seen != WORDS.mask) & (seen != original)]
    assert not set(swapped) & set(WORDS.specials)
    assert len(set(swapped)) > 0.95 * len(ORDINARY)


@given(st.lists(st.integers(1, 30), min_size=1, max_size=8), st.floats(0.001, 0.999), st.integers(0, 2**32))
def test_labels_are_the_true_tokens_of_text_alone(lengths: list[int], probability: float, seed: int) -> None:
    original = np.array([row(length, 30 - length) for length in lengths])
    seen, labels = masked(original.tolist(), probability, seed)
    chosen = labels != IGNORED
    assert np.array_equal(labels[chosen], original[chosen])
    assert np.array_equal(seen[~chosen], original[~chosen])
    assert not np.isin(original[chosen], WORDS.specials).any()
    assert chosen.any(axis=1).all()


def test_unknown_tokens_are_chosen_only_where_there_is_nothing_else() -> None:
    mixed = [WORDS.start, WORDS.unknown, ORDINARY[0], WORDS.unknown, WORDS.separator]
    alone = [WORDS.start, WORDS.unknown, WORDS.separator, WORDS.pad, WORDS.pad]
    for seed in range(20):
        _, labels = masked([mixed, alone], 0.5, seed)
        assert labels[0].tolist() == [IGNORED, IGNORED, ORDINARY[0], IGNORED, IGNORED]
        assert labels[1].tolist() == [IGNORED, WORDS.unknown, IGNORED, IGNORED, IGNORED]
