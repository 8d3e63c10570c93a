"""WordPiece: trained, saved, loaded, and read from BERT's files."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.corpora import Corpus, Document, Tokenizer
from hwcost.errors import DataError, MissingExtraError, UsageError

pytest.importorskip("tokenizers")

STEMS, ENDINGS = ("walk", "talk", "jump", "search", "measur", "train"), ("", "s", "ed", "ing", "er")
TEXT = Corpus(
    [Document(stem, tuple(f"The {stem}{ending}, and Café {stem}s!" for ending in ENDINGS)) for stem in STEMS]
)
TRAINED = Tokenizer.train(TEXT, 100)

TRAIN_ELSEWHERE = """
import json, sys
from hwcost.corpora import Corpus, Document, Tokenizer
text = Corpus([Document(name, tuple(sentences)) for name, sentences in json.load(sys.stdin)])
print(json.dumps(Tokenizer.train(text, 100).encode([s for d in text for s in d.sentences])))
"""


def everything(tokenizer: Tokenizer) -> list[list[int]]:
    return tokenizer.encode([text for document in TEXT for text in document.sentences])


def test_special_tokens_come_first() -> None:
    assert (TRAINED.pad, TRAINED.unknown, TRAINED.start, TRAINED.separator, TRAINED.mask) == (0, 1, 2, 3, 4)
    assert TRAINED.specials == (0, 1, 2, 3, 4)


def test_the_text_it_was_trained_on_is_known() -> None:
    encoded = everything(TRAINED)
    assert TRAINED.size <= 100
    assert all(numbers and min(numbers) >= 5 and max(numbers) < TRAINED.size for numbers in encoded)


def test_frequent_words_are_one_token() -> None:
    (numbers,) = TRAINED.encode(["the and café"])
    assert len(numbers) == 3


def test_case_and_accents_are_folded_where_asked() -> None:
    assert TRAINED.encode(["THE CAFÉ"]) == TRAINED.encode(["the cafe"])
    cased = Tokenizer.train(TEXT, 100, lowercase=False)
    assert cased.encode(["The"]) != cased.encode(["the"])
    assert cased.encode(["Café"]) != cased.encode(["Cafe"])


def test_a_text_never_becomes_a_special_token() -> None:
    assert TRAINED.encode(["[MASK] [CLS]"])[0].count(TRAINED.mask) == 0
    assert TRAINED.encode(["☃"]) == [[TRAINED.unknown]]
    assert TRAINED.encode(["", " "]) == [[], []]


def test_training_is_the_same_in_every_process() -> None:
    content = json.dumps([[document.name, document.sentences] for document in TEXT])
    for _ in range(2):
        done = subprocess.run(
            [sys.executable, "-c", TRAIN_ELSEWHERE], input=content, capture_output=True, text=True, check=True
        )
        assert json.loads(done.stdout) == everything(TRAINED)


@pytest.fixture(scope="module")
def saved(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tokenizer") / "new"
    TRAINED.save(folder)
    return folder


@given(st.text(max_size=40))
def test_what_was_saved_encodes_alike(saved: Path, text: str) -> None:
    assert Tokenizer.load(saved).encode([text]) == TRAINED.encode([text])


def test_saving_twice_gives_equal_files(saved: Path, tmp_path: Path) -> None:
    Tokenizer.load(saved).save(tmp_path)
    assert (tmp_path / "tokenizer.json").read_bytes() == (saved / "tokenizer.json").read_bytes()


def test_padding_and_truncation_of_a_file_are_undone(saved: Path, tmp_path: Path) -> None:
    content = json.loads((saved / "tokenizer.json").read_text())
    content["truncation"] = {"direction": "Right", "max_length": 2, "strategy": "LongestFirst", "stride": 0}
    (tmp_path / "tokenizer.json").write_text(json.dumps(content))
    assert everything(Tokenizer.load(tmp_path)) == everything(TRAINED)


@pytest.mark.parametrize("text", ["", "{}", "no json", '{"version": "1.0"'])
def test_a_file_that_is_no_tokenizer(text: str, tmp_path: Path) -> None:
    (tmp_path / "tokenizer.json").write_text(text)
    with pytest.raises(DataError, match="tokenizer.json: this is not a tokenizer, or it is cut short"):
        Tokenizer.load(tmp_path)


def test_a_file_cut_anywhere_is_refused(saved: Path, tmp_path: Path) -> None:
    content = (saved / "tokenizer.json").read_text()
    for part in range(1, 10):
        (tmp_path / "tokenizer.json").write_text(content[: len(content) * part // 10])
        with pytest.raises(DataError, match="cut short"):
            Tokenizer.load(tmp_path)


def test_files_that_are_missing_or_binary(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tokenizer.json: No such file .* train one with"):
        Tokenizer.load(tmp_path)
    (tmp_path / "vocab.txt").write_bytes(b"[PAD]\n\xff\n")
    with pytest.raises(DataError, match="vocab.txt: byte 6 is not UTF-8"):
        Tokenizer.from_vocabulary(tmp_path / "vocab.txt", lowercase=True)


def vocabulary(folder: Path, tokens: list[str], end: str = "\n") -> Path:
    (folder / "vocab.txt").write_bytes("".join(token + end for token in tokens).encode())
    return folder / "vocab.txt"


BERT = ["[PAD]", "[unused0]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "walk", "##ing", "##s", ",", "The"]


@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_a_vocabulary_of_bert(end: str, tmp_path: Path) -> None:
    tokenizer = Tokenizer.from_vocabulary(vocabulary(tmp_path, BERT, end), lowercase=False)
    assert tokenizer.specials == (0, 2, 3, 4, 5)
    assert tokenizer.size == len(BERT)
    assert tokenizer.encode(["The walking, walks", "the"]) == [[10, 6, 7, 9, 6, 8], [2]]


def test_a_vocabulary_without_special_tokens(tmp_path: Path) -> None:
    tokens = [token for token in BERT if token not in ("[MASK]", "[SEP]")]
    with pytest.raises(DataError, match=r"vocab.txt: the vocabulary lacks \[SEP\], \[MASK\]. Expected BERT's"):
        Tokenizer.from_vocabulary(vocabulary(tmp_path, tokens), lowercase=True)


def test_a_vocabulary_with_a_token_twice(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="token 'walk' stands on 2 lines"):
        Tokenizer.from_vocabulary(vocabulary(tmp_path, [*BERT, "walk"]), lowercase=True)


def test_small_vocabularies() -> None:
    with pytest.raises(UsageError, match="at least 32 tokens, got 31"):
        Tokenizer.train(TEXT, 31)
    assert Tokenizer.train(TEXT, 32).size <= 32


@pytest.mark.parametrize("size", [32, 64, 5000])
@pytest.mark.parametrize("lowercase", [True, False])
def test_sizes_that_are_kept(size: int, lowercase: bool) -> None:
    tokenizer = Tokenizer.train(TEXT, size, lowercase)
    assert tokenizer.size <= size
    assert all(number < tokenizer.size for numbers in everything(tokenizer) for number in numbers)


def test_without_the_library(saved: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tokenizers", None)
    for make in (lambda: Tokenizer.train(TEXT, 100), lambda: Tokenizer.load(saved)):
        with pytest.raises(MissingExtraError, match=r"hwcost\[supernet\]"):
            make()


def test_transformers_reads_it(saved: Path) -> None:
    transformers = pytest.importorskip("transformers")
    theirs = transformers.PreTrainedTokenizerFast(tokenizer_file=str(saved / "tokenizer.json"))
    (ours,) = TRAINED.encode(["The walker"])
    assert theirs("The walker")["input_ids"] == [TRAINED.start, *ours, TRAINED.separator]
