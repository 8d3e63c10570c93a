"""XNLI and WikiAnn: scores by language, and entities by the rules of seqeval, beside a computation of another kind."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hwcost.errors import DataError, UnknownNameError, UsageError
from hwcost.tasks import Entities, Examples, Task, task
from hwcost.tasks.entities import WIKIANN, entities_of, is_iob
from tests.tasks.glue import write_glue, write_json

XNLI = (
    "language\tgold_label\tsentence1_binary_parse\tsentence2_binary_parse\tsentence1_parse\tsentence2_parse\tsentence1\t"
    "sentence2\tpromptID\tpairID\tgenre\tlabel1\tlabel2\tlabel3\tlabel4\tlabel5\tsentence1_tokenized\tsentence2_tokenized\t"
    "match"
)
"""Header of the files that XNLI distributes."""
CLASSES = ("entailment", "neutral", "contradiction")
LANGUAGES = ("de", "en", "sw")


def xnli_rows(count: int = 9) -> list[dict[str, str]]:
    """Returns rows of XNLI; every language has all classes."""
    return [
        {name: f"{name} {number}" for name in XNLI.split("\t")}
        | {"language": LANGUAGES[number // 3 % 3], "gold_label": CLASSES[number % 3]}
        for number in range(count)
    ]


def write_xnli(folder: Path, train: bool = True) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n".join([XNLI, *("\t".join(row.values()) for row in xnli_rows())])
    for split in ("xnli.train", "xnli.dev") if train else ("xnli.dev",):
        (folder / f"{split}.tsv").write_text(text + "\n", encoding="utf-8")
    return folder


def scores_with_one_error(found: Task) -> dict[str, float]:
    """Returns the scores of predictions that are right but for the first row."""
    examples = found.validation["validation"]
    predicted = examples.targets.copy()
    predicted[0] = (predicted[0] + 1) % 3
    return found.scores(examples, predicted)


def test_files_of_xnli(tmp_path: Path) -> None:
    found = task(write_xnli(tmp_path / "data"))
    assert (found.name, found.metrics, found.target.outputs) == ("xnli", ("accuracy",), 3)
    assert found.train.texts[0][:2] == ("sentence1 0", "sentence1 1")
    assert found.train.targets.tolist() == [0, 1, 2] * 3
    assert scores_with_one_error(found) == pytest.approx(
        {"accuracy": 8 / 9, "accuracy (de)": 2 / 3, "accuracy (en)": 1, "accuracy (sw)": 1}
    )


@pytest.mark.parametrize(
    "keys", [("language", "sentence1", "sentence2", "gold_label"), tuple(XNLI.split("\t")), ("premise", "hypothesis")]
)
def test_lines_of_json_of_xnli(tmp_path: Path, keys: tuple[str, ...]) -> None:
    rows = [{name: row[name] for name in keys if name in row} for row in xnli_rows()]
    if "premise" in keys:
        rows = [
            {"premise": "a", "hypothesis": "b", "label": one["gold_label"], "language": one["language"]}
            for one in xnli_rows()
        ]
    found = task(write_json(tmp_path / "data", rows))
    assert found.name == "xnli"
    assert scores_with_one_error(found)["accuracy (de)"] == pytest.approx(2 / 3)


def test_a_data_set_with_a_column_of_languages(tmp_path: Path) -> None:
    datasets = pytest.importorskip("datasets")
    features = datasets.Features(
        {name: datasets.Value("string") for name in ("language", "premise", "hypothesis")}
        | {"label": datasets.ClassLabel(names=list(CLASSES))}
    )
    columns = {"language": ["de", "en", "en"], "premise": ["a"] * 3, "hypothesis": ["b"] * 3, "label": [2, 1, 0]}
    made = datasets.Dataset.from_dict(columns, features=features)
    datasets.DatasetDict({"train": made, "validation": made}).save_to_disk(tmp_path / "data")
    found = task(tmp_path / "data")
    assert (found.name, found.train.languages) == ("xnli", ("de", "en", "en"))
    assert scores_with_one_error(found) == {"accuracy": pytest.approx(2 / 3), "accuracy (de)": 0, "accuracy (en)": 1}


def test_training_in_english_is_judged_in_every_language(tmp_path: Path) -> None:
    """MNLI to train on and XNLI to judge by."""
    folder = write_xnli(write_glue(tmp_path / "data", "mnli"), train=False)
    for split in ("dev_matched", "dev_mismatched"):
        (folder / f"{split}.tsv").unlink()
    found = task(f"{folder}:name=xnli")
    assert found.train.languages is None
    assert set(scores_with_one_error(found)) == {"accuracy", *(f"accuracy ({one})" for one in LANGUAGES)}


def write_translated(folder: Path, label: str = "contradictory") -> Path:
    """Writes training files as XNLI-MT has them; texts say their language."""
    folder.mkdir(parents=True, exist_ok=True)
    for language in ("de", "sw"):
        rows = [f"p {language} {name}\th {language}\t{name}" for name in ("neutral", label, "entailment")]
        text = "\n".join(["premise\thypo\tlabel", *rows])
        (folder / f"multinli.train.{language}.tsv").write_text(text + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize("label", ["contradictory", "contradiction"])
def test_translated_training_files_of_xnli(tmp_path: Path, label: str) -> None:
    """They stand in place of a training split, all languages or some of them; scores stay those of the languages judged."""
    folder, files = write_xnli(tmp_path / "data", train=False), write_translated(tmp_path / "multinli", label)
    found = task(f"{folder}:train={files}")
    assert (found.name, found.metrics, found.target.outputs) == ("xnli", ("accuracy",), 3)
    assert found.train.languages == ("de",) * 3 + ("sw",) * 3
    assert found.train.texts[0][0] == "p de neutral"
    assert found.train.texts[1] == ("h de",) * 3 + ("h sw",) * 3
    assert found.train.targets.tolist() == [1, 2, 0] * 2
    assert set(scores_with_one_error(found)) == {"accuracy", *(f"accuracy ({one})" for one in LANGUAGES)}
    one = files / "multinli.train.sw.tsv"
    some = [task(f"{folder}:train={files},train_languages=sw"), task(folder, train=one)]
    assert all(own.train.languages == ("sw",) * 3 for own in some)
    assert some[0].digest == some[1].digest != found.digest
    both = task(f"{folder}:train={files},train_languages=sw+de")
    assert both.train.languages == ("sw",) * 3 + ("de",) * 3
    whole = task(f"{write_xnli(folder)}:train={files}")  # a split of the folder's own is passed over
    assert whole.digest == found.digest


def test_wrong_translated_files_are_errors(tmp_path: Path) -> None:
    folder, files = write_xnli(tmp_path / "data", train=False), write_translated(tmp_path / "multinli")
    for options, told in (
        (f"train={files},train_languages=de+fr", "no multinli.train.fr.tsv. Known languages: de, sw"),
        (f"train={folder}", "there is no file multinli.train.LANGUAGE.tsv"),
        (f"train={tmp_path / 'gone'}", "there is no such file or folder"),
        ("train_languages=de", "give their folder, train=DIR"),
        (f"train={files / 'multinli.train.de.tsv'},train_languages=de", "a file of one language"),
    ):
        with pytest.raises((DataError, UsageError), match=told):
            task(f"{folder}:{options}")
    path = files / "multinli.train.sw.tsv"
    for text, told in (
        ("premise\thypo\tlabel\na\tb\tmaybe\n", r"sw.tsv, line 2: column 'label' holds 'maybe'. Expected one of entail"),
        ("premise\thypothesis\tlabel\na\tb\tneutral\n", "sw.tsv: there is no column 'hypo'"),
        ("premise\thypo\tlabel\n", "sw.tsv: there is no example in it"),
    ):
        path.write_text(text, encoding="utf-8")
        with pytest.raises(DataError, match=told):
            task(f"{folder}:train={files}")
    glue = write_glue(tmp_path / "rte", "rte")
    path.unlink()
    with pytest.raises(DataError, match="no column 'language'|no column 'gold_label'"):
        task(f"{glue}:train={files}")


def test_a_column_of_languages_that_the_user_names(tmp_path: Path) -> None:
    rows = [{"text": f"t {n}", "label": "ab"[n % 2], "lang": "xy"[n // 2]} for n in range(4)]
    folder = write_json(tmp_path / "data", rows)
    found = task(f"{folder}:text=text,label=label,language=lang")
    assert found.train.languages == ("x", "x", "y", "y")
    assert task(f"{folder}:text=text,label=label").train.languages is None
    with pytest.raises(DataError, match="no column 'tongue'. Known: text, label, lang"):
        task(f"{folder}:text=text,label=label,language=tongue")
    assert found.digest != task(f"{folder}:text=text,label=label").digest


SENTENCES = (
    (("Ada", "Lovelace", "met", "Babbage"), ("B-PER", "I-PER", "O", "B-PER")), (("Bonn",), ("B-LOC",)),
    (("Nobody",), ("O",)),
)  # fmt: skip


def write_wikiann(folder: Path, ending: str = "", prefix: str = "en:", separator: str = "\t") -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    text = "\n\n".join(
        "\n".join(f"{prefix}{word}{separator}{tag}" for word, tag in zip(*one, strict=True)) for one in SENTENCES
    )
    for split in ("train", "dev"):
        (folder / f"{split}{ending}").write_text(text + "\n", encoding="utf-8")
    return folder


@pytest.mark.parametrize(("ending", "prefix", "separator"), [("", "en:", "\t"), (".iob2", "", "\t"), (".conll", "", " NN ")])
def test_files_of_words_with_tags(tmp_path: Path, ending: str, prefix: str, separator: str) -> None:
    found = task(write_wikiann(tmp_path / "data", ending, prefix, separator))
    assert (found.name, found.metric) == ("wikiann" if prefix else "data", "entity_f1")
    assert found.train.texts == (("Ada", "Lovelace", "met", "Babbage", "Bonn", "Nobody"),)
    assert found.train.words is not None
    assert found.train.words.tolist() == [4, 1, 1]
    assert found.train.languages == (("en",) * 3 if prefix else None)
    assert isinstance(found.target, Entities)
    assert found.target.names == ("O", "B-LOC", "I-LOC", "B-PER", "I-PER")
    scores = found.scores(found.train, found.train.targets)
    assert {scores[name] for name in found.metrics} == {1.0}
    assert ("entity_f1 (en)" in scores) == bool(prefix)


@pytest.mark.parametrize("is_named", [True, False])
def test_wikiann_as_a_data_set_and_as_lines_of_json(tmp_path: Path, is_named: bool) -> None:
    """Numbers are those of WikiAnn's tags, whether the file names them or not; languages are those of the words."""
    numbers = [[WIKIANN.index(tag) for tag in tags] for _, tags in SENTENCES]
    words, langs = [list(one) for one, _ in SENTENCES], [["de"] * 4, ["en"], ["en"]]
    if is_named:
        datasets = pytest.importorskip("datasets")
        text = datasets.Sequence(datasets.Value("string"))
        tags = datasets.Sequence(datasets.ClassLabel(names=list(WIKIANN)))
        features = datasets.Features({"tokens": text, "ner_tags": tags, "langs": text})
        made = datasets.Dataset.from_dict({"tokens": words, "ner_tags": numbers, "langs": langs}, features=features)
        datasets.DatasetDict({"train": made, "validation": made}).save_to_disk(tmp_path / "data")
    else:
        names, rows = ("tokens", "ner_tags", "langs"), zip(words, numbers, langs, strict=True)
        write_json(tmp_path / "data", [dict(zip(names, row, strict=True)) for row in rows])
    found = task(tmp_path / "data")
    assert (found.name, found.train.languages) == ("wikiann", ("de", "en", "en"))
    assert found.train.targets.tolist() == [one for row in numbers for one in row]
    predicted = found.train.targets.copy()
    predicted[-2] = WIKIANN.index("I-ORG")  # Bonn, as another kind
    scores = found.scores(found.train, predicted)
    assert scores == pytest.approx(
        {
            "entity_f1": 2 / 3, "entity_precision": 2 / 3, "entity_recall": 2 / 3, "accuracy": 5 / 6,
            "macro_f1": scores["macro_f1"], "entity_f1 (de)": 1, "entity_f1 (en)": 0,
        }
    )  # fmt: skip


def test_a_kind_of_entity_that_training_lacks_is_an_error(tmp_path: Path) -> None:
    folder = write_wikiann(tmp_path / "data", ".iob2", "")
    path = folder / "dev.iob2"
    path.write_text(path.read_text().replace("B-LOC", "I-LOC"))
    assert task(folder).validation["validation"].targets[4] == 2  # training has I-LOC with B-LOC
    path.write_text(path.read_text().replace("I-LOC", "B-GPE"))
    with pytest.raises(DataError, match="line 6: column 'ner_tags' holds .*'B-GPE' is not"):
        task(folder)
    path.write_text("Bonn\n")
    with pytest.raises(DataError, match="line 1: 'Bonn' is not a word and its tag"):
        task(folder)
    path.write_text("\n")
    with pytest.raises(DataError, match="there is no example in it"):
        task(folder)
    with pytest.raises(UnknownNameError, match="unknown metric of tagging"):
        task(f"{write_wikiann(tmp_path / 'other')}:metric=f1")


NAMES = ("O", "B-x", "I-x", "B-y", "I-y")


def by_text(tags: list[str]) -> set[tuple[int, int, str]]:
    """Returns a sentence's entities, found by a pattern in its tags: ``B`` or ``I``, then ``I`` of the same kind."""
    letters = dict(zip(NAMES, "oXxYy", strict=True))
    text = "".join(letters[tag] for tag in tags)
    return {(one.start(), one.end() - 1, one[0][0].lower()) for one in re.finditer("[Xx]x*|[Yy]y*", text)}


@given(st.lists(st.lists(st.sampled_from(NAMES), min_size=1, max_size=9), min_size=1, max_size=6))
def test_entities_are_those_of_a_pattern(sentences: list[list[str]]) -> None:
    words = np.array(list(map(len, sentences)))
    tags = np.array([NAMES.index(tag) for one in sentences for tag in one])
    expected: set[tuple[int, int, str]] = set()
    for begin, one in zip(np.cumsum(words) - words, sentences, strict=True):
        expected |= {(begin + first, begin + last, kind) for first, last, kind in by_text(one)}
    assert entities_of(tags, words, NAMES) == expected
    other = np.random.default_rng(len(tags)).permutation(tags)
    both = len(expected & entities_of(other, words, NAMES))
    counts = len(entities_of(other, words, NAMES)), len(expected)
    examples = Examples((tuple("w" * len(tags)),), tags, words)
    scores = Entities(NAMES, is_closed=True).scores(examples, other, ("entity_f1", "entity_precision", "entity_recall"))
    precision, recall = (both / count if count else 0.0 for count in counts)
    assert scores["entity_precision"] == pytest.approx(precision)
    assert scores["entity_recall"] == pytest.approx(recall)
    assert scores["entity_f1"] == pytest.approx(2 * precision * recall / (precision + recall) if both else 0)


def test_which_tags_are_those_of_entities() -> None:
    assert is_iob(WIKIANN)
    assert is_iob(("B-a",))
    assert not is_iob(("O", "PER"))
    assert not is_iob(("O", "I-PER"))
    assert not is_iob(("ADJ", "B-PER"))
