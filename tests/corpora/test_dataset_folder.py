"""Data sets that the library ``datasets`` saved to disk."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hwcost.corpora import corpus
from hwcost.errors import DataError, MissingExtraError

TEXTS = ["First row. It has two.", "", "A third row."]


def test_without_the_library(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "state.json").write_text("{}")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingExtraError, match=r"hwcost\[hf\]"):
        corpus(tmp_path)


@pytest.fixture
def single(tmp_path: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    datasets.Dataset.from_dict({"text": TEXTS, "label": [1, 2, 3]}).save_to_disk(tmp_path / "one")
    return tmp_path / "one"


@pytest.fixture
def splits(tmp_path: Path) -> Path:
    datasets = pytest.importorskip("datasets")
    made = {name: datasets.Dataset.from_dict({"text": [f"This is {name}."]}) for name in ("train", "test")}
    datasets.DatasetDict(made).save_to_disk(tmp_path / "several")
    return tmp_path / "several"


def test_a_row_is_a_document(single: Path) -> None:
    found = corpus(single)
    assert [(document.name, document.sentences) for document in found] == [
        ("train.0", ("First row.", "It has two.")), ("train.2", ("A third row.",)),
    ]  # fmt: skip


def test_the_split_is_train_unless_told(splits: Path) -> None:
    assert corpus(splits)[0].sentences == ("This is train.",)
    assert corpus(splits, split="test")[0].sentences == ("This is test.",)
    assert corpus(splits, split="test")[0].name == "test.0"


def test_a_missing_split(single: Path, splits: Path) -> None:
    with pytest.raises(DataError, match="no split 'dev'. Known: train, test"):
        corpus(splits, split="dev")
    with pytest.raises(DataError, match="no split 'dev': the folder holds a single data set"):
        corpus(single, split="dev")


def test_a_missing_column(single: Path) -> None:
    with pytest.raises(DataError, match="no column 'content'. Known: text, label"):
        corpus(single, column="content")


def test_a_column_that_is_no_text(single: Path) -> None:
    with pytest.raises(DataError, match="row 0 of column 'label' holds int, not text"):
        corpus(single, column="label")


def test_a_damaged_folder(single: Path) -> None:
    next(single.glob("*.arrow")).write_bytes(b"cut")
    with pytest.raises(DataError, match="not a data set on disk, or it is damaged"):
        corpus(single)
