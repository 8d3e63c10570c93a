"""Labelled folders: GLUE's layouts are known by their columns, and others by what the user names."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.tasks import Task, task
from tests.tasks.glue import CONLLU, HEADERS, LABELS, rows, write_conllu, write_glue, write_json

PAIRS = {
    "mrpc": ("#1 String", "#2 String"), "qqp": ("question1", "question2"), "qnli": ("question", "sentence"),
    **dict.fromkeys(("stsb", "mnli", "rte", "wnli"), ("sentence1", "sentence2")),
}  # fmt: skip
METRICS = {
    "cola": "matthews", "sst2": "accuracy", "mrpc": "accuracy", "qqp": "accuracy", "stsb": "spearman", "mnli": "accuracy",
    "qnli": "accuracy", "rte": "accuracy", "wnli": "accuracy",
}  # fmt: skip


@pytest.mark.parametrize("name", HEADERS)
def test_files_of_glue_are_recognised(tmp_path: Path, name: str) -> None:
    found = task(write_glue(tmp_path / "data", name))
    assert (found.name, found.metric) == (name, METRICS[name])
    assert found.split == ("validation_matched" if name == "mnli" else "validation")
    assert len(found.validation) == (2 if name == "mnli" else 1)
    columns = PAIRS.get(name, ("sentence",))
    assert found.train.texts == tuple(tuple(f"text {n} of {column}" for n in range(6)) for column in columns)
    labels = LABELS.get(name, ("0", "1"))
    expected = [float(labels[n % 2]) if name == "stsb" else n % len(labels) for n in range(6)]
    assert found.train.targets.tolist() == expected
    assert (found.target.kind, found.target.outputs) == (
        ("regression", 1) if name == "stsb" else ("classification", len(labels))
    )


@pytest.mark.parametrize(
    ("names", "texts", "name"),
    [
        (["unacceptable", "acceptable"], ("sentence",), "cola"), (["negative", "positive"], ("sentence",), "sst2"),
        (["not_equivalent", "equivalent"], ("sentence1", "sentence2"), "mrpc"),
        (["entailment", "not_entailment"], ("sentence1", "sentence2"), "rte"),
        (["not_entailment", "entailment"], ("sentence1", "sentence2"), "wnli"), (None, ("sentence1", "sentence2"), "stsb"),
        (["entailment", "neutral", "contradiction"], ("premise", "hypothesis"), "mnli"),
        (["bad", "good"], ("sentence",), "data"),
    ],
)  # fmt: skip
def test_data_sets_are_recognised_by_the_names_of_their_classes(tmp_path: Path, names, texts, name: str) -> None:
    datasets = pytest.importorskip("datasets")
    columns = {text: [f"text {n} of {text}" for n in range(4)] for text in texts}
    label = datasets.Value("float32") if names is None else datasets.ClassLabel(names=names)
    features = datasets.Features(
        {**dict.fromkeys(texts, datasets.Value("string")), "label": label, "idx": datasets.Value("int32")}
    )
    made = datasets.Dataset.from_dict({**columns, "label": [0, 1, 0, 1], "idx": range(4)}, features=features)
    splits = (
        ("train", "validation_matched", "validation_mismatched", "test")
        if name == "mnli"
        else ("train", "validation", "test")
    )
    datasets.DatasetDict(dict.fromkeys(splits, made)).save_to_disk(tmp_path / "data")
    found = task(tmp_path / "data")
    assert (found.name, list(found.validation)) == (name, [split for split in splits if split.startswith("validation")])
    assert found.train.texts == tuple(map(tuple, columns.values()))
    assert found.train.targets.tolist() == [0, 1, 0, 1]
    assert getattr(found.target, "names", None) == (None if names is None else tuple(names))


def test_a_hidden_label_of_a_data_set_is_out_of_range(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {"sentence": datasets.Value("string"), "label": datasets.ClassLabel(names=["negative", "positive"])}
    )
    train, test = (
        datasets.Dataset.from_dict({"sentence": ["a", "b"], "label": labels}, features=features)
        for labels in ([0, 1], [0, -1])
    )
    datasets.DatasetDict({"train": train, "validation": test}).save_to_disk(tmp_path / "data")
    with pytest.raises(
        DataError, match="split validation, row 1: column 'label' holds -1. Expected one of 2 classes: negative"
    ):
        task(tmp_path / "data")


def test_what_the_columns_do_not_tell_is_not_guessed(tmp_path: Path) -> None:
    pair = [{"sentence1": f"a {n}", "sentence2": "b", "label": n % 2} for n in range(6)]
    folder = write_json(tmp_path / "pair", pair)
    with pytest.raises(DataError, match="sentence1, sentence2, label may be those of mrpc, rte, wnli. Say layout=NAME"):
        task(folder)
    assert task(f"{folder}:layout=wnli").train.targets.tolist() == [0, 1] * 3
    named = task(f"{folder}:text=sentence1,text_pair=sentence2,label=label,metric=f1,name=mine")
    assert (named.name, named.metrics) == ("mine", ("f1", "accuracy", "macro_f1", "matthews"))
    words = write_json(
        tmp_path / "words", [{**row, "label": ("entailment", "not_entailment")[n % 2]} for n, row in enumerate(pair)]
    )
    with pytest.raises(DataError, match="may be those of rte, wnli"):
        task(words)


def test_columns_that_leave_no_doubt(tmp_path: Path) -> None:
    texts = [{"text": f"text {n}", "label": ("spam", "ham", "10", "9")[n % 4]} for n in range(12)]
    found = task(write_json(tmp_path / "mail", texts))
    assert found.name == "mail"
    assert found.target.names == ("9", "10", "ham", "spam")  # type: ignore[attr-defined]
    assert found.metrics == ("accuracy", "macro_f1", "matthews")


def test_regression_of_any_column(tmp_path: Path) -> None:
    folder = write_json(tmp_path / "stars", [{"body": f"text {n}", "stars": n / 2, "id": n} for n in range(4)])
    found = task(folder, text="body", label="stars", kind="regression")
    assert found.train.targets.tolist() == [0, 0.5, 1, 1.5]
    assert found.target.kind == "regression"


def test_a_kind_that_the_user_says_for_columns_that_are_known(tmp_path: Path) -> None:
    folder = write_json(tmp_path / "stars", [{"text": f"text {n}", "label": n / 2} for n in range(4)])
    with pytest.raises(
        DataError, match="line 1: column 'label' holds 0.0. Expected the name or the number of a class; .* kind=regression"
    ):
        task(folder)
    assert task(f"{folder}:kind=regression").train.targets.tolist() == [0, 0.5, 1, 1.5]


def test_rows_of_quora_that_were_cut_short_are_left_out(tmp_path: Path) -> None:
    folder = write_glue(tmp_path / "qqp", "qqp")
    (folder / "train.tsv").write_text("\n".join([str(HEADERS["qqp"]), "1\t2\t3\tcut", *rows("qqp")]) + "\n")
    assert len(task(folder).train) == 6


def test_treebanks(tmp_path: Path) -> None:
    folder = write_conllu(tmp_path / "ud")
    found = task(folder)
    assert (found.name, found.target.kind, found.metric) == ("ud", "tagging", "accuracy")
    assert found.train.texts == (("Dogs", "do", "n't", "bark", "Stop"),)
    assert found.train.words is not None
    assert found.train.words.tolist() == [4, 1]
    names = found.target.names  # type: ignore[attr-defined]
    assert [names[number] for number in found.train.targets] == ["NOUN", "AUX", "PART", "VERB", "VERB"]
    assert len(names) == 17


def test_morphology_that_training_lacks_is_never_right(tmp_path: Path) -> None:
    folder = write_conllu(tmp_path / "ud", dev=CONLLU.replace("Mood=Imp", "Mood=Sub"))
    found = task(f"{folder}:label=feats")
    assert found.target.names == ("Mood=Imp", "Mood=Ind", "Number=Plur", "_")  # type: ignore[attr-defined]
    assert found.validation["validation"].targets.tolist() == [2, 1, 3, 3, 4]


def test_tags_in_lists(tmp_path: Path) -> None:
    folder = write_json(
        tmp_path / "ner", [{"tokens": ["Ann", "runs"], "tags": ["PER", "O"]}, {"tokens": ["It"], "tags": ["O"]}]
    )
    found = task(folder, text="tokens", label="tags", kind="tagging")
    assert (found.train.targets.tolist(), len(found.train)) == ([1, 0, 0], 2)


def test_tags_of_a_data_set(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    tags = datasets.Sequence(datasets.ClassLabel(names=["O", "PER"]))
    features = datasets.Features({"tokens": datasets.Sequence(datasets.Value("string")), "ner_tags": tags})
    made = datasets.Dataset.from_dict({"tokens": [["Ann", "runs"], ["It"]], "ner_tags": [[1, 0], [0]]}, features=features)
    datasets.DatasetDict({"train": made, "validation": made}).save_to_disk(tmp_path / "data")
    found = task(f"{tmp_path / 'data'}:text=tokens,label=ner_tags,kind=tagging")
    assert found.target.names == ("O", "PER")  # type: ignore[attr-defined]
    assert found.train.targets.tolist() == [1, 0, 0]


def test_equal_content_has_an_equal_digest(tmp_path: Path) -> None:
    one, other, third = (
        task(write_glue(tmp_path / place, name)) for place, name in (("a", "rte"), ("b", "rte"), ("c", "wnli"))
    )
    assert one.digest == other.digest != third.digest
    assert isinstance(one, Task)


@pytest.mark.parametrize(
    ("source", "error", "said"),
    [
        ("docstrings", UnknownNameError, "Did you mean 'docstring'. Known: docstring, function-length"),
        ("nowhere/mnli", DataError, "there is no such folder. Expected train and validation"),
        ("docstring:text=x", UsageError, "'text' is unknown"), ("{rte}:layout=rtf", UnknownNameError, "Did you mean 'rte'"),
        ("{rte}:kind=clustering", UsageError, "Known: classification, regression, tagging"),
        ("{rte}:layout=rte,label=label", UsageError, "Leave text, text_pair, label and kind out"),
        ("{rte}:texts=a", UsageError, "'texts' is unknown .did you mean 'text'"),
        ("{rte}:metric=pearson", UnknownNameError, "unknown metric of classification"),
        ("{rte}:text=body,label=label", DataError, "no column 'body'. Known: index, sentence1, sentence2, label"),
        ("{rte}:text=sentence1,label=index", DataError, "has 6 different labels in 6 rows"),
        ("{rte}:label=label", UsageError, "give text, the column of texts, too"),
        ("{rte}:text=sentence1", UsageError, "give label, the column of labels, too"),
        ("{rte}:layout=sst2", DataError, "are not those of layout 'sst2'. Name the columns"),
    ],
)  # fmt: skip
def test_wrong_options(tmp_path: Path, source: str, error: type[Exception], said: str) -> None:
    folder = write_glue(tmp_path / "rte", "rte")
    with pytest.raises(error, match=said):
        task(source.format(rte=folder))


def test_targets_answer_outputs() -> None:
    outputs = np.array([[0.1, 0.9], [2.0, 1.0]])
    assert task("docstring").target.predicted(outputs).tolist() == [1, 0]
    assert task("function-length").target.predicted(outputs).tolist() == [0.1, 2.0]
