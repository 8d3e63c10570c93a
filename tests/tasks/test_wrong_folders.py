"""A wrong task ends the command before anything is trained or written: exit code 2, with what was given and expected."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

pytest.importorskip("torch")
pytest.importorskip("safetensors")
pytest.importorskip("tokenizers")
pytest.importorskip("matplotlib")

from hwcost.cli.main import invoke
from tests.tasks.glue import CONLLU, HEADERS, rows, write_conllu, write_glue, write_json
from tests.tasks.squad import QUESTIONS, asked, squad, write_squad
from tests.tasks.test_languages import write_wikiann


def replaced(name: str, old: str, new: str, split: str = "dev") -> Callable[[Path], Path]:
    """Returns a writer of a folder of GLUE's with something wrong in a split."""

    def write(folder: Path) -> Path:
        path = write_glue(folder, name) / f"{split}.tsv"
        path.write_text(path.read_text().replace(old, new, 1))
        return folder

    return write


def without(name: str, split: str) -> Callable[[Path], Path]:
    def write(folder: Path) -> Path:
        (write_glue(folder, name) / f"{split}.tsv").unlink()
        return folder

    return write


def emptied(folder: Path) -> Path:
    (write_glue(folder, "rte") / "dev.tsv").write_text(str(HEADERS["rte"]) + "\n")
    return folder


def doubled(folder: Path) -> Path:
    (write_glue(folder, "rte") / "validation.tsv").write_text("\n".join([str(HEADERS["rte"]), *rows("rte")]))
    return folder


def latin(folder: Path) -> Path:
    (write_glue(folder, "sst2") / "dev.tsv").write_bytes(b"sentence\tlabel\ncaf\xe9\t1\n")
    return folder


WRONG: dict[str, tuple[Callable[[Path], Path], str]] = {
    "missing folder": (lambda folder: folder, "there is no such folder"),
    "missing split": (without("sst2", "dev"), "there is no split 'validation'. Found: train"),
    "no training": (without("sst2", "train"), "there is no split 'train'. Found: dev"),
    "split twice": (doubled, "validation and dev are one split twice"),
    "empty split": (emptied, "dev.tsv: there is no example in it"),
    "label out of range": (replaced("sst2", "\t1", "\t2"), "line 3: column 'label' holds '2'. Expected one of 2 classes"),
    "unknown class": (replaced("mnli", "\tneutral", "\t-", "dev_matched"), "holds '-'. Expected one of 3 classes"),
    "wrong columns": (replaced("sst2", "sentence", "phrase", "train"), "phrase, label are not those of a data set"),
    "wrong column in one split": (replaced("sst2", "sentence\t", "phrase\t"), "no column 'sentence'. Known: phrase, label"),
    "ragged table": (replaced("sst2", "text 1 of", "text\t1 of"), "line 3: the row has 3 fields, and the header 2"),
    "no number": (replaced("stsb", "\t4.25", "\tfour"), "holds 'four'. Expected a finite number"),
    "infinite number": (replaced("stsb", "\t4.25", "\tnan", "train"), "train.tsv, line 3: column 'score' holds 'nan'"),
    "not UTF-8": (latin, "is not UTF-8 text"),
    "no JSON": (
        lambda folder: (write_json(folder, [{"text": "a", "label": 1}]) / "train.jsonl").write_text("{") and folder,
        "train.jsonl, line 1: this is not JSON",
    ),
    "ragged JSON": (
        lambda folder: write_json(folder, [{"text": "a", "label": 1}, {"text": "b"}]),
        "line 2: the names are text, and those of the first line",
    ),
    "ragged CoNLL-U": (
        lambda folder: write_conllu(folder, dev=CONLLU.replace("\tnsubj\t_\t_", "\tnsubj\t_")),
        "line 3: the line has 9 fields",
    ),
    "misnumbered CoNLL-U": (
        lambda folder: write_conllu(folder, dev=CONLLU.replace("\n\n", "\n")),
        "line 10: the word has number '1'. Expected 5",
    ),
    "unknown tag": (lambda folder: write_conllu(folder, dev=CONLLU.replace("AUX", "AUXX")), "'AUXX' is not"),
    "empty treebank": (lambda folder: write_conllu(folder, dev="# nothing\n"), "there is no example in it"),
    "answer beyond its text": (
        lambda folder: write_squad(
            folder, dev=squad(questions=[{**asked(*QUESTIONS[1]), "answers": [{"text": "Rollo", "answer_start": 95}]}])
        ),
        "dev-v1.1.json, question 1: column 'answers' holds",
    ),
    "question without answers": (
        lambda folder: write_squad(folder, dev=squad(questions=[asked("Why?", ())])), "has no answer and is not marked"
    ),
    "untagged word": (
        lambda folder: (write_wikiann(folder) / "dev").write_text("en:Bonn\n") and folder, "is not a word and its tag"
    ),
}  # fmt: skip


@pytest.mark.torch
@pytest.mark.parametrize("fault", WRONG)
def test_a_wrong_task_is_an_error_before_anything_is_trained(tmp_path: Path, capsys, fault: str) -> None:
    write, said = WRONG[fault]
    folder = write(tmp_path / "task")
    out = tmp_path / "run"
    command = ["pipeline", "components", "--preset", "smoke", "--backend", "null", "--out", str(out), "--task", str(folder)]
    assert invoke(command) == 2
    err = capsys.readouterr().err
    assert said in err.replace("\n", " ")
    assert "Traceback" not in err
    assert not out.exists()


@pytest.mark.torch
@pytest.mark.parametrize(
    ("more", "said"),
    [
        (["--preset", "paper"], "preset 'paper' of pipeline 'components' fine-tunes nets on labelled tasks, and none"),
        (["--preset", "smoke", "--task", "docstring", "--task", "docstring"], "two tasks have one name: docstring"),
        (["--preset", "smoke", "--task", "docstrings"], "Did you mean 'docstring'"),
    ],
)  # fmt: skip
def test_a_missing_task_is_an_error_too(tmp_path: Path, capsys, more: list[str], said: str) -> None:
    assert invoke(["pipeline", "components", "--backend", "null", "--out", str(tmp_path / "run"), *more]) == 2
    assert said in capsys.readouterr().err.replace("\n", " ")
