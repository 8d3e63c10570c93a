"""Qualities on held-out text, beside the same figures computed word by word."""

# ruff: noqa: E402 - nothing below can be imported without the optional packages

from __future__ import annotations

import math

import numpy as np
import pytest

torch = pytest.importorskip("torch")

from hwcost.errors import DataError
from hwcost.spaces.autodistill import AutoDistill
from hwcost.supernets.masked_lm import perplexity
from hwcost.supernets.student import student
from hwcost.supernets.text_quality import text_quality

pytestmark = pytest.mark.torch

SPACE = AutoDistill(scale="mini")


def batches(count: int = 3, with_pairs: bool = True) -> list[dict[str, np.ndarray]]:
    rng, found = np.random.default_rng(0), []
    for _ in range(count):
        ids = rng.integers(5, SPACE.sizes.vocabulary, (4, 12))
        labels = np.where(rng.random(ids.shape) < 0.3, rng.integers(5, SPACE.sizes.vocabulary, ids.shape), -100)
        one = {"input_ids": ids, "attention_mask": np.ones_like(ids), "token_type_ids": np.zeros_like(ids), "labels": labels}
        found.append({**one, "is_next": rng.integers(0, 2, 4)} if with_pairs else one)
    return found


def test_qualities_are_those_of_single_words_and_pairs() -> None:
    net, text = student(SPACE, SPACE.mobilebert), batches()
    with torch.no_grad():
        net.head.bias.copy_(torch.randn(SPACE.sizes.vocabulary)) if hasattr(net.head, "bias") else None
    classify = torch.nn.Linear(int(SPACE.mobilebert.genes[0]), 2)
    losses, right, told = [], [], []
    for one in text:
        batch = {name: torch.from_numpy(value) for name, value in one.items()}
        with torch.no_grad():
            hidden = net.encode(batch["input_ids"], batch["attention_mask"], batch["token_type_ids"])
            logits = net.head(hidden.flatten(0, 1), net.embeddings.word.weight).unflatten(0, (4, 12))
            for row, place in np.argwhere(one["labels"] >= 0):
                scores, wanted = logits[row, place], int(one["labels"][row, place])
                losses.append(-float(scores.log_softmax(-1)[wanted]))
                right.append(int(scores.argmax()) == wanted)
            told += [int(classify(hidden[row, 0]).argmax()) == one["is_next"][row] for row in range(4)]
    found = text_quality(net, text, classify)
    assert found.perplexity == pytest.approx(math.exp(np.mean(losses)), rel=1e-5)
    assert found.perplexity == pytest.approx(perplexity(net, text), rel=1e-6)
    assert found.mlm_accuracy == pytest.approx(np.mean(right))
    assert found.nsp_accuracy == pytest.approx(np.mean(told))


def test_there_is_no_accuracy_of_pairs_without_pairs_or_a_classifier() -> None:
    net = student(SPACE, SPACE.mobilebert)
    classify = torch.nn.Linear(int(SPACE.mobilebert.genes[0]), 2)
    assert text_quality(net, batches(1)).nsp_accuracy is None
    assert text_quality(net, batches(1, with_pairs=False), classify).nsp_accuracy is None


def test_a_right_answer_counts_as_one() -> None:
    net, text = student(SPACE, SPACE.mobilebert), batches(1)
    with torch.no_grad():
        one = {name: torch.from_numpy(value) for name, value in text[0].items()}
        hidden = net.encode(one["input_ids"], one["attention_mask"], one["token_type_ids"])
        likeliest = net.head(hidden.flatten(0, 1), net.embeddings.word.weight).argmax(-1).reshape(4, 12).numpy()
    text[0]["labels"] = np.where(text[0]["labels"] >= 0, likeliest, -100)
    assert text_quality(net, text).mlm_accuracy == 1


def test_text_without_masked_words_has_no_quality() -> None:
    text = batches(1)
    text[0]["labels"][:] = -100
    with pytest.raises(DataError, match="masked tokens; there are none"):
        text_quality(student(SPACE, SPACE.mobilebert), text)
