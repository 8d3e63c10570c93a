"""Corpora as tokens on disk, and data sets that are read row by row: the same batches as of text in memory."""

from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

pytest.importorskip("tokenizers")

from hwcost.corpora import Corpus, Document, MlmBatches, Tokenizer, corpus, dataset_folder, halves, prepare, token_folder
from hwcost.corpora.encoded import encode
from hwcost.errors import DataError, UsageError
from tests.corpora.synthetic import synthetic

TEXT = synthetic(40)
TOKENIZER = Tokenizer.train(TEXT, 200)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    prepare(*TEXT.split(0.2), TOKENIZER, tmp_path / "tokens")
    return tmp_path / "tokens"


@pytest.mark.parametrize("next_sentence", [False, True])
def test_batches_of_mapped_tokens_are_those_of_text(folder: Path, next_sentence: bool) -> None:
    for text, tokens in zip(TEXT.split(0.2), halves(folder, 0.1), strict=True):
        own, other = (MlmBatches(one, TOKENIZER, 24, 4, 3, next_sentence) for one in (text, tokens))
        assert (own.tokens, own.sequences, text.digest) == (other.tokens, other.sequences, tokens.digest)
        for step in (0, 5, len(own) + 1):
            for name, array in own.batch(step).items():
                np.testing.assert_array_equal(array, other.batch(step)[name])


def test_tokens_are_mapped_and_not_read(folder: Path) -> None:
    for side in token_folder(folder):
        assert isinstance(side.encoded.tokens, np.memmap)
        assert not side.encoded.tokens.flags.writeable
        assert side.tokenizer.digest == TOKENIZER.digest


@settings(max_examples=25, deadline=None)
@given(st.lists(st.lists(st.sampled_from(["one word.", "two", "\x00"]), min_size=1, max_size=6), min_size=1, max_size=9))
def test_runs_of_any_length_give_the_same_tokens(
    tmp_path_factory: pytest.TempPathFactory, documents: list[list[str]]
) -> None:
    """Sentences without a token are left out, wherever a run ends."""
    text = Corpus([*(Document(f"d{number}", tuple(one)) for number, one in enumerate(documents)), Document("z", ("end",))])
    folder = tmp_path_factory.mktemp("runs") / "tokens"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(sys.modules[Corpus.__module__], "AT_ONCE", 3)
        prepare(text, text, TOKENIZER, folder)
    found, expected = token_folder(folder)[1].encoded, encode(text, TOKENIZER)
    for name in ("tokens", "sentences", "documents"):
        np.testing.assert_array_equal(getattr(found, name), getattr(expected, name))


def test_a_folder_that_is_there_is_not_overwritten(folder: Path) -> None:
    with pytest.raises(UsageError, match="is there already"):
        prepare(*TEXT.split(0.2), TOKENIZER, folder)
    assert sorted(path.name for path in folder.parent.iterdir()) == ["tokens"]


def test_what_is_damaged_is_an_error(folder: Path) -> None:
    path = folder / "training.tokens"
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(DataError, match="'training.tokens' has not the size"):
        token_folder(folder)
    header = json.loads((folder / "header.json").read_text())
    (folder / "header.json").write_text(json.dumps({**header, "schema_version": 99}))
    with pytest.raises(DataError, match="another version"):
        token_folder(folder)
    (folder / "header.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        token_folder(folder)


def test_rows_of_a_data_set_are_read_when_they_are_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    datasets = pytest.importorskip("datasets")
    texts = ["Once. Twice.", " \n", *(f"Row {number} of many. It ends here." for number in range(40))]
    datasets.Dataset.from_dict({"text": texts}).save_to_disk(tmp_path / "rows")
    lazy = corpus(tmp_path / "rows")
    held = Corpus(list(lazy), lazy.source)
    assert (len(lazy), lazy.digest, lazy.words, lazy[3:5]) == (len(held), held.digest, held.words, held[3:5])
    for own, other in zip(lazy.split(0.3), held.split(0.3), strict=True):
        assert (own.digest, own.source) == (other.digest, other.source)
    read: list[int] = []

    def sentences(text: str) -> list[str]:
        read.append(len(text))
        return ["one"]

    monkeypatch.setattr(sys.modules[dataset_folder.__module__], "sentences", sentences)
    training, _ = corpus(tmp_path / "rows").split(0.3)
    assert read == []
    assert training[2].sentences == ("one",)
    assert len(read) == 1
